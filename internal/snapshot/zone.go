package snapshot

import (
	"cmp"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
)

// ErrEndless says that a zone has names for more addresses than can be listed: the fallback of an IPv6 zone makes
// them.
var ErrEndless = errors.New("the IPv6 fallback makes more names than can be listed")

// ZoneKind is what a zone is for.
type ZoneKind uint8

// The kinds of a zone.
const (
	Reverse ZoneKind = 1 // PTRs of the addresses in the zone's prefix
	Forward ZoneKind = 2 // addresses of hosts
	Catalog ZoneKind = 3 // the list of the other zones (RFC 9432)
)

// String returns the kind's name in lower case.
func (k ZoneKind) String() string {
	switch k {
	case Reverse:
		return "reverse"
	case Forward:
		return "forward"
	case Catalog:
		return "catalog"
	}
	return "ZoneKind(" + strconv.Itoa(int(k)) + ")"
}

// A SOA holds the fields of a zone's SOA RR (RFC 1035 section 3.3.13) but the serial. Times are in seconds, at most
// MaxTTL.
type SOA struct {
	Primary string // MNAME
	Contact string // RNAME
	Refresh uint32
	Retry   uint32
	Expire  uint32
	Minimum uint32 // TTL of negative answers, unless the zone's TTL is smaller (RFC 2308 section 5)
}

// A Zone is one zone. Zones of a Reader must not be changed.
type Zone struct {
	Kind   ZoneKind
	Name   string // apex
	Serial uint32
	TTL    uint32 // of all RRs but the PTRs of entries; seconds, at most MaxTTL
	SOA    SOA
	NS     []string // 1 to 255 names, ascending; that of a catalog is "invalid." (RFC 9432 section 4)

	// Of a reverse zone only:
	Prefix      netip.Prefix // the addresses whose PTR lives in the zone, but for those of Delegations
	Fallback    string       // canonical text of a [hostname.Template] with address placeholders only; "" is no fallback
	Delegations []Delegation // disjoint, ascending by prefix

	found found
}

// found is what a Reader finds out about a zone.
type found struct {
	first, end int   // range of the entries in Prefix, in the tables of its family
	entries    int   // how many of them are not in Delegations
	firstHost  int   // index of the first host
	hosts      int   // number of hosts; the file says it
	outer      *Zone // with the smallest prefix that is around Prefix; nil if there is none
	endless    *Zone // has an IPv6 fallback that makes names in this zone; nil if there is none
}

// A Delegation is a part of a reverse zone's prefix whose names are in another zone, the child.
type Delegation struct {
	Prefix netip.Prefix // inside that of the zone, and smaller
	Name   string       // apex of the child
	NS     []string     // ascending, at most 255; none if the child does not lie below the zone
	DS     []DS         // ascending, at most 255
	Glue   []Glue       // ascending, at most 255: addresses of name servers at or below Name (RFC 9471 section 2.1)
}

// A DS is the data of a DS RR (RFC 4034 section 5.1).
type DS struct {
	KeyTag                uint16
	Algorithm, DigestType uint8
	Digest                string // bytes, 1 to 255
}

func (d DS) compare(e DS) int {
	return cmp.Or(cmp.Compare(d.KeyTag, e.KeyTag), cmp.Compare(d.Algorithm, e.Algorithm),
		cmp.Compare(d.DigestType, e.DigestType), strings.Compare(d.Digest, e.Digest))
}

// A Glue is an address of a name server.
type Glue struct {
	Name string
	Addr netip.Addr
}

func (g Glue) compare(h Glue) int {
	return cmp.Or(strings.Compare(g.Name, h.Name), g.Addr.Compare(h.Addr))
}

// IsAlias reports whether each address of d, a delegation of z, has a CNAME that leads into the child (RFC 2317
// section 4), because the child's name is not the one that the prefix itself has. Otherwise d is a zone cut, and all
// of its names are in the child.
func (z *Zone) IsAlias(d *Delegation) bool {
	if z.Classless() {
		return !d.Prefix.IsSingleIP() || d.Name != z.Owner(d.Prefix.Addr())
	}
	return d.Prefix.Bits()%labelBits(d.Prefix) != 0 || d.Name != arpa.ZoneName(d.Prefix)
}

// labelBits returns how many bits of p one label of its name holds.
func labelBits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 8
	}
	return 4
}

// Delegation returns the delegation that a lies in, nil if there is none. It does not allocate.
func (z *Zone) Delegation(a netip.Addr) *Delegation {
	if i := z.delegationsUpTo(a); i > 0 && z.Delegations[i-1].Prefix.Contains(a) {
		return &z.Delegations[i-1]
	}
	return nil
}

// delegationsUpTo returns how many delegations begin at or before a.
func (z *Zone) delegationsUpTo(a netip.Addr) int {
	lo, hi := 0, len(z.Delegations)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); z.Delegations[mid].Prefix.Addr().Compare(a) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Classless reports whether z is a zone for a part of an octet's range (RFC 2317): its name is not that of its
// prefix, and the PTRs are directly below the apex.
func (z *Zone) Classless() bool {
	bits := z.Prefix.Bits()
	return z.is4() && bits > 24 && (bits < 32 || z.Name != arpa.ZoneName(z.Prefix))
}

// Owner returns the owner name of the PTR RRset of a, which must lie in the zone's prefix.
func (z *Zone) Owner(a netip.Addr) string {
	if z.Classless() {
		return strconv.Itoa(int(a.As4()[3])) + "." + z.Name
	}
	return arpa.Name(a)
}

// Len returns the number of entries in the zone, without those of zones inside it. It is 0 unless z comes from a
// Reader.
func (z *Zone) Len() int { return z.found.entries }

// HostLen returns the number of hosts in the zone. It is 0 unless z comes from a Reader.
func (z *Zone) HostLen() int { return z.found.hosts }

func (z *Zone) is4() bool { return z.Prefix.Addr().Is4() }
