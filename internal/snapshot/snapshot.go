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
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
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

// A Zone is one reverse zone. Zones of a Reader must not be changed.
type Zone struct {
	Name     string       // apex
	Prefix   netip.Prefix // the addresses whose PTR lives in the zone; no two zones of a snapshot overlap
	Serial   uint32
	TTL      uint32 // of the SOA, the NS RRset and PTRs made from the fallback; seconds, at most MaxTTL
	SOA      SOA
	NS       []string // 1 to 255 names, ascending
	Fallback string   // canonical text of a [hostname.Template] with address placeholders only; "" is no fallback

	first, count int // the zone's entries in the tables of its family; set by the Reader
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

// Len returns the number of entries in the zone. It is 0 unless z comes from a Reader.
func (z *Zone) Len() int { return z.count }

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
	if err := checkPrefix(z); err != nil {
		return fmt.Errorf("prefix %v of %s: %w", z.Prefix, z.Name, err)
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
	if err := checkFallback(z); err != nil {
		return fmt.Errorf("fallback %q of %s: %w", z.Fallback, z.Name, err)
	}
	return nil
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

// byAddress returns pointers to the zones, IPv4 before IPv6, ordered by prefix. Two that overlap are an error.
func byAddress(zones []Zone) ([]*Zone, error) {
	s := make([]*Zone, len(zones))
	for i := range zones {
		s[i] = &zones[i]
	}
	slices.SortFunc(s, func(a, b *Zone) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
	// Prefixes are nested or disjoint, so if any two overlap, two neighbours do.
	for i := 1; i < len(s); i++ {
		if s[i-1].Prefix.Overlaps(s[i].Prefix) {
			return nil, fmt.Errorf("prefixes of %s (%v) and %s (%v) overlap",
				s[i-1].Name, s[i-1].Prefix, s[i].Name, s[i].Prefix)
		}
	}
	return s, nil
}
