// Package snapshot is the file format of docs/snapshot-format.md: a writer and a verifying reader.
//
// A snapshot is everything that a server needs to answer for a set of reverse zones, in one immutable file. [Open]
// and [OpenBytes] verify all of it before they return a [Reader]; after that, lookups cannot fail and do not allocate. A
// [Builder] makes the file, and [WriteFile] puts it in place. The same content always gives the same bytes.
//
// A Reader, and whatever it returns, is immutable and safe for concurrent use. A Builder is not.
//
// The package knows names, addresses and the layout of the file. What a query is answered with is decided elsewhere.
package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// Errors of Open, OpenBytes and ReadID. They come wrapped with what is wrong and where.
var (
	// ErrFormat says that the bytes are not a snapshot, or break a rule of the format.
	ErrFormat = errors.New("invalid snapshot")
	// ErrVersion says that the snapshot has a major version that this package does not read.
	ErrVersion = errors.New("unsupported snapshot version")
	// ErrChecksum says that the content is not what was written.
	ErrChecksum = errors.New("snapshot checksum does not match")
)

// ErrEndless says that a zone has names for more addresses than can be listed: the fallback of an IPv6 block makes them.
var ErrEndless = errors.New("the IPv6 fallback makes more names than can be listed")

// MaxTTL is the largest TTL and the largest timer of a SOA, in seconds (RFC 2181 section 8).
const MaxTTL = math.MaxInt32

// Kind is where the names of an entry come from. Names made from a zone's fallback are not stored and have no Kind.
type Kind uint8

// The kinds of an entry.
const (
	Explicit Kind = 1 // a reverse map name: a person chose it for the address
	Default  Kind = 2 // the default hostname of the server whose primary address it is
)

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

// ZoneKind is what a zone is for.
type ZoneKind uint8

// The kinds of a zone.
const (
	Reverse ZoneKind = 1 // PTRs of the addresses in the zone's prefix
	Forward ZoneKind = 2 // addresses of default hostnames
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

	first, end int // the entries in Prefix, in the tables of its family; set by the Reader
	count      int // of them, those that are not in Delegations
	hosts      int // index of the first of a forward zone
	hostCount  int
	endless    *Zone // that has an IPv6 fallback which makes names in this one; nil if there is none
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

// A Glue is an address of a name server.
type Glue struct {
	Name string
	Addr netip.Addr
}

// IsAlias reports whether each address of d, a delegation of z, has a CNAME that leads into the child (RFC 2317 section
// 4), because the child's name is not the one that the prefix itself has. Otherwise d is a zone cut.
func (z *Zone) IsAlias(d *Delegation) bool {
	if z.Classless() {
		return d.Name != z.Owner(d.Prefix.Addr())
	}
	return d.Prefix.Bits()%labelBits(d.Prefix) != 0 || d.Name != arpa.ZoneName(d.Prefix)
}

// Delegation returns the delegation that a lies in, nil if there is none. It does not allocate.
func (z *Zone) Delegation(a netip.Addr) *Delegation {
	lo, hi := 0, len(z.Delegations)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); z.Delegations[mid].Prefix.Addr().Compare(a) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo > 0 && z.Delegations[lo-1].Prefix.Contains(a) {
		return &z.Delegations[lo-1]
	}
	return nil
}

// Classless reports whether z is a zone for a part of an octet's range (RFC 2317): its name is not that of its prefix,
// and the PTRs are directly below the apex.
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

// Len returns the number of entries in the zone, without those of zones inside it. It is 0 unless z comes from a Reader.
func (z *Zone) Len() int { return z.count }

// HostLen returns the number of hosts in the zone. It is 0 unless z comes from a Reader.
func (z *Zone) HostLen() int { return z.hostCount }

func (z *Zone) is4() bool { return z.Prefix.Addr().Is4() }

// An RRset is the PTR RRset of one address. Its names alias the snapshot, which stays in memory as long as one of them.
type RRset struct {
	Kind  Kind
	TTL   uint32 // seconds, at most MaxTTL
	count uint8
	names []byte // starts with the first name; ends with the section
}

// Len returns the number of names, 1 to 255.
func (s RRset) Len() int { return int(s.count) }

// Name returns the name with index i; names are ascending. It does not allocate. It panics unless 0 <= i < s.Len().
func (s RRset) Name(i int) string {
	if i < 0 || i >= int(s.count) {
		panic("snapshot: RRset.Name: index out of range")
	}
	b := s.names
	for ; i > 0; i-- {
		b = b[1+int(b[0]):]
	}
	return alias(b[1 : 1+int(b[0])])
}

// alias returns b as a string without copying. That is safe for bytes of a snapshot, which never change.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// checkZone returns an error that says which field of z breaks a rule of the format.
func checkZone(z *Zone) error {
	if err := hostname.Check(z.Name); err != nil {
		return fmt.Errorf("apex %q: %w", z.Name, err)
	}
	if err := checkKind(z); err != nil {
		return fmt.Errorf("zone %s: %w", z.Name, err)
	}
	names := []struct{ what, name string }{{"SOA primary", z.SOA.Primary}, {"SOA contact", z.SOA.Contact}}
	for _, n := range names {
		if err := hostname.Check(n.name); err != nil {
			return fmt.Errorf("%s %q of %s: %w", n.what, n.name, z.Name, err)
		}
	}
	times := []struct {
		what    string
		seconds uint32
	}{
		{"TTL", z.TTL}, {"SOA refresh", z.SOA.Refresh}, {"SOA retry", z.SOA.Retry},
		{"SOA expire", z.SOA.Expire}, {"SOA minimum", z.SOA.Minimum},
	}
	for _, t := range times {
		if t.seconds > MaxTTL {
			return fmt.Errorf("%s %d of %s: more than %d seconds", t.what, t.seconds, z.Name, MaxTTL)
		}
	}
	if err := checkNames(z.NS); err != nil {
		return fmt.Errorf("name servers of %s: %w", z.Name, err)
	}
	return nil
}

// catalogNS is the name server of a catalog zone (RFC 9432 section 4).
const catalogNS = "invalid."

// checkKind checks what only some kinds of zone have.
func checkKind(z *Zone) error {
	switch z.Kind {
	case Reverse:
		if err := checkPrefix(z); err != nil {
			return fmt.Errorf("prefix %v: %w", z.Prefix, err)
		}
		if err := checkFallback(z); err != nil {
			return fmt.Errorf("fallback %q: %w", z.Fallback, err)
		}
		return checkDelegations(z)
	case Forward, Catalog:
		switch {
		case z.Prefix.IsValid() || z.Fallback != "" || len(z.Delegations) > 0:
			return fmt.Errorf("a %s zone has no prefix, fallback or delegations", z.Kind)
		case z.Kind == Catalog && !slices.Equal(z.NS, []string{catalogNS}):
			return fmt.Errorf("the name server of a catalog is %s", catalogNS)
		}
		return nil
	}
	return fmt.Errorf("unknown kind %d", z.Kind)
}

func checkDelegations(z *Zone) error {
	for i := range z.Delegations {
		d := &z.Delegations[i]
		if err := checkDelegation(z, d); err != nil {
			return fmt.Errorf("delegation of %v: %w", d.Prefix, err)
		}
		if i > 0 && z.Delegations[i-1].Prefix.Overlaps(d.Prefix) {
			return fmt.Errorf("delegation of %v: overlaps that of %v", d.Prefix, z.Delegations[i-1].Prefix)
		}
		if i > 0 && d.Prefix.Addr().Less(z.Delegations[i-1].Prefix.Addr()) {
			return fmt.Errorf("delegation of %v: after that of %v: not in order", d.Prefix, z.Delegations[i-1].Prefix)
		}
	}
	return nil
}

func checkDelegation(z *Zone, d *Delegation) error {
	p := d.Prefix
	switch {
	case !p.IsValid() || p.Addr().Is4() != z.is4() || p != p.Masked():
		return errors.New("not a prefix of the zone's family")
	case p.Bits() <= z.Prefix.Bits() || !z.Prefix.Contains(p.Addr()):
		return fmt.Errorf("not a part of %v", z.Prefix)
	}
	if err := hostname.Check(d.Name); err != nil {
		return fmt.Errorf("child %q: %w", d.Name, err)
	}
	if z.IsAlias(d) {
		switch {
		case !p.Addr().Is4() || p.Bits() <= 24:
			return fmt.Errorf("its child is %s, not %s", arpa.ZoneName(p), d.Name)
		case z.Classless():
			return errors.New("an alias in a classless zone")
		case len(d.Name) > maxName-len("255."):
			return fmt.Errorf("the apex of a classless child has more than %d bytes", maxName-len("255."))
		}
	}
	if below := strings.HasSuffix(d.Name, "."+z.Name); below != (len(d.NS) > 0) {
		return fmt.Errorf("%d name servers for a child %s", len(d.NS), d.Name)
	}
	if len(d.NS) > 0 {
		if err := checkNames(d.NS); err != nil {
			return fmt.Errorf("name servers: %w", err)
		}
	} else if len(d.DS) > 0 || len(d.Glue) > 0 {
		return errors.New("DS or glue for a child that lies elsewhere")
	}
	if max(len(d.DS), len(d.Glue)) > math.MaxUint8 {
		return errors.New("more than 255 DS or glue records")
	}
	for i, ds := range d.DS {
		if len(ds.Digest) == 0 || len(ds.Digest) > math.MaxUint8 {
			return fmt.Errorf("DS digest of %d bytes", len(ds.Digest))
		}
		if i > 0 && d.DS[i-1].compare(ds) >= 0 {
			return errors.New("DS records are not in order")
		}
	}
	for i, g := range d.Glue {
		switch {
		case !slices.Contains(d.NS, g.Name):
			return fmt.Errorf("glue for %s, which is no name server of it", g.Name)
		case g.Name != d.Name && !strings.HasSuffix(g.Name, "."+d.Name):
			return fmt.Errorf("glue for %s, which does not lie in it", g.Name)
		case !g.Addr.IsValid() || g.Addr.Is4In6() || g.Addr.Zone() != "":
			return fmt.Errorf("glue for %s: not a plain address", g.Name)
		case i > 0 && d.Glue[i-1].compare(g) >= 0:
			return errors.New("glue is not in order")
		}
	}
	return nil
}

func (d DS) compare(e DS) int {
	return cmp.Or(cmp.Compare(d.KeyTag, e.KeyTag), cmp.Compare(d.Algorithm, e.Algorithm),
		cmp.Compare(d.DigestType, e.DigestType), strings.Compare(d.Digest, e.Digest))
}

func (g Glue) compare(h Glue) int {
	return cmp.Or(strings.Compare(g.Name, h.Name), g.Addr.Compare(h.Addr))
}

func checkPrefix(z *Zone) error {
	p := z.Prefix
	switch bits := p.Bits(); {
	case !p.IsValid():
		return errors.New("not a prefix")
	case p.Addr().Is4In6():
		return errors.New("IPv4-mapped")
	case p != p.Masked():
		return errors.New("bits are set after the prefix length")
	case z.is4() && bits > 24:
		// An owner has up to four more bytes than the apex, and must be a name too.
		if z.Classless() && len(z.Name) > maxName-len("255.") {
			return fmt.Errorf("the apex of a classless zone has more than %d bytes", maxName-len("255."))
		}
		return nil
	case z.is4() && bits%8 != 0:
		return errors.New("does not end at an octet")
	case !z.is4() && bits%4 != 0:
		return errors.New("does not end at a nibble")
	}
	if name := arpa.ZoneName(p); z.Name != name {
		return fmt.Errorf("its apex is %s", name)
	}
	return nil
}

// checkNames checks a list of 1 to 255 ascending names.
func checkNames(names []string) error {
	if len(names) == 0 {
		return errors.New("there is none")
	}
	if len(names) > math.MaxUint8 {
		return fmt.Errorf("%d names, at most 255 fit", len(names))
	}
	for i, n := range names {
		if err := hostname.Check(n); err != nil {
			return fmt.Errorf("%q: %w", n, err)
		}
		if i > 0 && n <= names[i-1] {
			return fmt.Errorf("%q after %q: not in order", n, names[i-1])
		}
	}
	return nil
}

func checkFallback(z *Zone) error {
	if z.Fallback == "" {
		return nil
	}
	if len(z.Fallback) > math.MaxUint16 {
		return errors.New("longer than 65535 bytes")
	}
	t, err := hostname.Parse(z.Fallback)
	if err != nil {
		return err
	}
	if s := t.String(); s != z.Fallback {
		return fmt.Errorf("not canonical, which is %q", s)
	}
	for _, p := range t.Placeholders() {
		switch p {
		case "a", "b", "c", "d", "ip", "rev":
		default:
			return fmt.Errorf("{%s} is not known from the address", p)
		}
	}
	// The last address has the largest value in every octet, so no other address of the prefix gives a longer name.
	_, err = t.Expand(hostname.Values{Addr: arpa.Last(z.Prefix)})
	return err
}

// byAddress returns pointers to the reverse zones, IPv4 before IPv6, ordered by prefix, a zone before those inside it. It
// checks that a zone inside another is delegated by that one.
func byAddress(zones []Zone) ([]*Zone, error) {
	var s []*Zone
	for i := range zones {
		if zones[i].Kind == Reverse {
			s = append(s, &zones[i])
		}
	}
	slices.SortFunc(s, func(a, b *Zone) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	var around []*Zone // the current zone, each inside the one before
	for _, z := range s {
		for len(around) > 0 && !around[len(around)-1].Prefix.Contains(z.Prefix.Addr()) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			outer := around[len(around)-1]
			if d := outer.Delegation(z.Prefix.Addr()); d == nil || d.Prefix.Bits() > z.Prefix.Bits() {
				return nil, fmt.Errorf("prefix %v of %s lies in %v of %s, which does not delegate it",
					z.Prefix, z.Name, outer.Prefix, outer.Name)
			}
		}
		around = append(around, z)
	}
	return s, nil
}

// checkZones checks what zones, which are sorted by name, must keep between them, and notes which of them are endless.
func checkZones(zones []Zone) error {
	catalogs := 0
	for i := range zones {
		z := &zones[i]
		if z.Kind == Catalog {
			if catalogs++; catalogs > 1 {
				return fmt.Errorf("a second catalog, %s", z.Name)
			}
		}
		if z.Fallback == "" {
			continue
		}
		t, err := hostname.Parse(z.Fallback)
		if err != nil {
			return err // not reached: checkZone has parsed it
		}
		f := forwardOf(zones, t)
		if !z.is4() {
			z.endless = z
			if f != nil {
				f.endless = z
			}
		}
		if f != nil {
			if err := t.Invertible(!z.is4()); err != nil {
				return fmt.Errorf("fallback %q of %s makes names in zone %s, but cannot be read back: %w",
					z.Fallback, z.Name, f.Name, err)
			}
		}
	}
	return nil
}

// forwardOf returns the forward zone in which the names of a fallback lie, nil if there is none. zones is sorted by name.
func forwardOf(zones []Zone, t *hostname.Template) *Zone {
	for name := t.Suffix(); name != ""; _, name, _ = strings.Cut(name, ".") {
		i, found := slices.BinarySearchFunc(zones, name, func(z Zone, name string) int { return strings.Compare(z.Name, name) })
		if found {
			if zones[i].Kind == Forward {
				return &zones[i]
			}
			return nil
		}
	}
	return nil
}

// labelBits returns how many bits of p one label of its name holds.
func labelBits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 8
	}
	return 4
}
