package snapshot

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
)

// A Builder makes a snapshot. Entries are added in the order of their addresses, and only their encoding is kept.
//
// A Builder is not safe for concurrent use. Use [NewBuilder].
type Builder struct {
	commit    string
	zones     []Zone  // by name
	byAddress []*Zone // the same, by prefix
	at        int     // index in byAddress of the zone of the last entry
	prev      netip.Addr

	addrs4, offsets4, addrs6, offsets6, rrsets []byte
}

// NewBuilder returns a Builder of a snapshot with the given zones, in any order. commit is the id of the commit that
// they come from: at most 255 printable ASCII bytes, "" if there is none. Name servers may come in any order and twice.
// An error says which zone breaks which rule of the format.
func NewBuilder(commit string, zones []Zone) (*Builder, error) {
	if err := checkCommit(commit); err != nil {
		return nil, fmt.Errorf("build snapshot: %w", err)
	}
	b := &Builder{commit: commit, zones: slices.Clone(zones)}
	slices.SortFunc(b.zones, func(x, y Zone) int { return cmp.Compare(x.Name, y.Name) })
	for i := range b.zones {
		z := &b.zones[i]
		z.NS = canonical(z.NS)
		z.first, z.count = 0, 0
		if err := checkZone(z); err != nil {
			return nil, fmt.Errorf("build snapshot: %w", err)
		}
		if i > 0 && z.Name == b.zones[i-1].Name {
			return nil, fmt.Errorf("build snapshot: two zones %s", z.Name)
		}
	}
	var err error
	if b.byAddress, err = byAddress(b.zones); err != nil {
		return nil, fmt.Errorf("build snapshot: %w", err)
	}
	return b, nil
}

// Add adds an entry: the PTR RRset of a, with a TTL in seconds. Addresses must ascend, IPv4 before IPv6, and lie in a
// zone. Names may come in any order and twice. An Add that returns an error has changed nothing.
func (b *Builder) Add(a netip.Addr, kind Kind, ttl uint32, names []string) error {
	if err := b.add(a, kind, ttl, names); err != nil {
		return fmt.Errorf("add %v to snapshot: %w", a, err)
	}
	return nil
}

func (b *Builder) add(a netip.Addr, kind Kind, ttl uint32, names []string) error {
	at, err := b.find(a)
	if err != nil {
		return err
	}
	if kind != Explicit && kind != Default {
		return fmt.Errorf("unknown kind %d", kind)
	}
	if ttl > MaxTTL {
		return fmt.Errorf("TTL %d is more than %d", ttl, MaxTTL)
	}
	names = canonical(names)
	if err := checkNames(names); err != nil {
		return err
	}
	offset, err := rrsetOffset(uint64(len(b.rrsets)))
	if err != nil {
		return err
	}

	le := binary.LittleEndian
	if a.Is4() {
		b.addrs4 = le.AppendUint32(b.addrs4, uint32(key4(a)))
		b.offsets4 = le.AppendUint32(b.offsets4, offset)
	} else {
		k := key6(a)
		b.addrs6 = le.AppendUint64(le.AppendUint64(b.addrs6, k.high), k.low)
		b.offsets6 = le.AppendUint32(b.offsets6, offset)
	}
	b.rrsets = append(b.rrsets, byte(kind), byte(len(names)))
	b.rrsets = le.AppendUint32(b.rrsets, ttl)
	for _, n := range names {
		b.rrsets = appendText8(b.rrsets, n)
	}
	b.prev, b.at = a, at
	b.byAddress[at].count++
	return nil
}

// find returns the index in byAddress of the zone that a lies in, and checks that a may be the next address.
func (b *Builder) find(a netip.Addr) (int, error) {
	switch {
	case !a.IsValid() || a.Is4In6() || a.Zone() != "":
		return 0, errors.New("not a plain IPv4 or IPv6 address")
	case b.prev.IsValid() && a.Compare(b.prev) <= 0:
		return 0, fmt.Errorf("not after %v", b.prev)
	}
	for i := b.at; i < len(b.byAddress); i++ {
		switch p := b.byAddress[i].Prefix; {
		case p.Contains(a):
			return i, nil
		case a.Less(p.Addr()):
			return 0, errors.New("lies in no zone")
		}
	}
	return 0, errors.New("lies in no zone")
}

// WriteTo writes the snapshot of what has been added so far.
func (b *Builder) WriteTo(w io.Writer) (int64, error) {
	return encode(w, Minor, b.sections())
}

func (b *Builder) sections() []section {
	return []section{
		{id: sectionMeta, data: appendText8(nil, b.commit)},
		{id: sectionZones, data: b.encodeZones()},
		{id: sectionAddrs4, data: b.addrs4},
		{id: sectionOffsets4, data: b.offsets4},
		{id: sectionAddrs6, data: b.addrs6},
		{id: sectionOffsets6, data: b.offsets6},
		{id: sectionRRsets, data: b.rrsets},
	}
}

func (b *Builder) encodeZones() []byte {
	next4, next6 := 0, 0
	for _, z := range b.byAddress {
		next := &next4
		if !z.is4() {
			next = &next6
		}
		z.first = *next
		*next += z.count
	}
	le := binary.LittleEndian
	s := le.AppendUint32(nil, uint32(len(b.zones)))
	for i := range b.zones {
		z := &b.zones[i]
		s = appendText8(s, z.Name)
		family := byte(6)
		if z.is4() {
			family = 4
		}
		s = append(s, family, byte(z.Prefix.Bits()))
		s = append(s, z.Prefix.Addr().AsSlice()...)
		s = le.AppendUint32(s, z.Serial)
		s = le.AppendUint32(s, z.TTL)
		s = appendText8(s, z.SOA.Primary)
		s = appendText8(s, z.SOA.Contact)
		s = le.AppendUint32(s, z.SOA.Refresh)
		s = le.AppendUint32(s, z.SOA.Retry)
		s = le.AppendUint32(s, z.SOA.Expire)
		s = le.AppendUint32(s, z.SOA.Minimum)
		s = append(s, byte(len(z.NS)))
		for _, n := range z.NS {
			s = appendText8(s, n)
		}
		s = le.AppendUint16(s, uint16(len(z.Fallback)))
		s = append(s, z.Fallback...)
		s = le.AppendUint32(s, uint32(z.first))
		s = le.AppendUint32(s, uint32(z.count))
	}
	return s
}

// canonical returns names in order and each once. It does not change the list that it is given.
func canonical(names []string) []string {
	if len(names) < 2 {
		return names
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// rrsetOffset returns the offset of the next record after the given number of bytes of records.
func rrsetOffset(used uint64) (uint32, error) {
	if used > math.MaxUint32 {
		return 0, errors.New("the snapshot is full: its RRsets take 4 GiB, put some zones into another one")
	}
	return uint32(used), nil
}

// checkCommit checks the id of a commit.
func checkCommit(s string) error {
	if len(s) > math.MaxUint8 {
		return fmt.Errorf("commit id of %d bytes, at most 255 fit", len(s))
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("commit id %q: byte %#02x is not printable ASCII", s, c)
		}
	}
	return nil
}

func appendText8(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }
