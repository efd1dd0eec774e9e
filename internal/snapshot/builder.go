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
	"strings"

	"github.com/revmap/revmap/internal/hostname"
)

// A Builder makes a snapshot. Entries are added in the order of their addresses, and only their encoding is kept.
//
// A Builder is not safe for concurrent use. Use [NewBuilder].
type Builder struct {
	commit    string
	zones     []Zone  // by name
	byAddress []*Zone // the reverse zones, by prefix
	at        int     // index in byAddress of the last zone that begins at or before the last entry
	prev      netip.Addr
	hosts     []host // in the order in which they came, until they are needed
	sorted    bool   // hosts are

	addrs4, offsets4, addrs6, offsets6, rrsets []byte
}

// A host is what AddHost adds.
type host struct {
	zone  *Zone
	name  string // relative to the apex
	addrs []netip.Addr
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
		z.Delegations = slices.Clone(z.Delegations)
		for j := range z.Delegations {
			d := &z.Delegations[j]
			d.NS = canonical(d.NS)
			d.DS = slices.Compact(slices.SortedFunc(slices.Values(d.DS), DS.compare))
			d.Glue = slices.Compact(slices.SortedFunc(slices.Values(d.Glue), Glue.compare))
		}
		slices.SortFunc(z.Delegations, func(d, e Delegation) int { return d.Prefix.Addr().Compare(e.Prefix.Addr()) })
		z.found = found{}
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
	if err := checkZones(b.zones); err != nil {
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
	at := b.at
	for at+1 < len(b.byAddress) && b.byAddress[at+1].Prefix.Addr().Compare(a) <= 0 {
		at++
	}
	return at, checkEntry(b.byAddress, at, a)
}

// checkEntry checks that a has a zone, which does not delegate it. zones is ordered as by byAddress; at is the index of
// the last one that begins at or before a.
func checkEntry(zones []*Zone, at int, a netip.Addr) error {
	for ; at >= 0 && at < len(zones); at-- {
		z := zones[at]
		if !z.Prefix.Contains(a) {
			continue
		}
		if d := z.Delegation(a); d != nil {
			return fmt.Errorf("is delegated by %s, with %v", z.Name, d.Prefix)
		}
		return nil
	}
	return errors.New("lies in no zone")
}

// AddHost adds addresses of a name, which must be at or below the apex of a forward zone. Names may come in any order and,
// like addresses, more than once. An AddHost that returns an error has changed nothing.
func (b *Builder) AddHost(name string, addrs []netip.Addr) error {
	if err := b.addHost(name, addrs); err != nil {
		return fmt.Errorf("add host %q to snapshot: %w", name, err)
	}
	return nil
}

func (b *Builder) addHost(name string, addrs []netip.Addr) error {
	if err := hostname.Check(name); err != nil {
		return err
	}
	if len(addrs) == 0 {
		return errors.New("no addresses")
	}
	for _, a := range addrs {
		if !a.IsValid() || a.Is4In6() || a.Zone() != "" {
			return fmt.Errorf("%v is not a plain IPv4 or IPv6 address", a)
		}
	}
	apex := name
	for apex != "" {
		i, found := slices.BinarySearchFunc(b.zones, apex, func(z Zone, name string) int { return cmp.Compare(z.Name, name) })
		if found && b.zones[i].Kind == Forward {
			b.hosts = append(b.hosts, host{&b.zones[i], name[:max(0, len(name)-len(apex)-1)], addrs})
			b.sorted = false
			return nil
		}
		_, apex, _ = strings.Cut(apex, ".")
	}
	return errors.New("lies in no forward zone")
}

// SetSerial sets the serial of the zone with the given apex, which must be one of the Builder's.
func (b *Builder) SetSerial(apex string, serial uint32) {
	i, _ := slices.BinarySearchFunc(b.zones, apex, func(z Zone, name string) int { return cmp.Compare(z.Name, name) })
	b.zones[i].Serial = serial
}

// WriteTo writes the snapshot of what has been added so far.
func (b *Builder) WriteTo(w io.Writer) (int64, error) {
	sections, err := b.sections()
	if err != nil {
		return 0, err
	}
	return encode(w, Minor, sections)
}

// Reader returns a Reader of what has been added so far, without writing and verifying it. Its ID is that of no file.
func (b *Builder) Reader() (*Reader, error) {
	sections, err := b.sections()
	if err != nil {
		return nil, err
	}
	r := &Reader{header: new(header)}
	return r, r.decodeSections(sections)
}

func (b *Builder) sections() ([]section, error) {
	offsets, hosts, err := b.encodeHosts()
	if err != nil {
		return nil, err
	}
	return []section{
		{id: sectionMeta, data: appendText8(nil, b.commit)},
		{id: sectionZones, data: b.encodeZones()},
		{id: sectionAddrs4, data: b.addrs4},
		{id: sectionOffsets4, data: b.offsets4},
		{id: sectionAddrs6, data: b.addrs6},
		{id: sectionOffsets6, data: b.offsets6},
		{id: sectionRRsets, data: b.rrsets},
		{id: sectionHostOffsets, data: offsets},
		{id: sectionHosts, data: hosts},
	}, nil
}

// encodeHosts sorts the hosts, sets the numbers of hosts of the zones, and returns the sections of hosts.
func (b *Builder) encodeHosts() (offsets, records []byte, err error) {
	if !b.sorted {
		slices.SortStableFunc(b.hosts, func(g, h host) int {
			return cmp.Or(cmp.Compare(g.zone.Name, h.zone.Name), CompareNames(g.name, h.name))
		})
		b.sorted = true
	}
	for i := range b.zones {
		b.zones[i].found.host = 0
	}
	le := binary.LittleEndian
	for i := 0; i < len(b.hosts); {
		h := b.hosts[i]
		addrs := slices.Clone(h.addrs)
		for i++; i < len(b.hosts) && b.hosts[i].zone == h.zone && b.hosts[i].name == h.name; i++ {
			addrs = append(addrs, b.hosts[i].addrs...)
		}
		slices.SortFunc(addrs, netip.Addr.Compare)
		addrs = slices.Compact(addrs)
		n4 := 0
		for n4 < len(addrs) && addrs[n4].Is4() {
			n4++
		}
		if max(n4, len(addrs)-n4) > math.MaxUint8 {
			return nil, nil, fmt.Errorf("host %s.%s has %d addresses, at most 255 of a family fit", h.name, h.zone.Name, len(addrs))
		}
		offset, err := rrsetOffset(uint64(len(records)))
		if err != nil {
			return nil, nil, err
		}
		offsets = le.AppendUint32(offsets, offset)
		records = appendText8(records, h.name)
		records = append(records, byte(n4), byte(len(addrs)-n4))
		for _, a := range addrs {
			records = append(records, a.AsSlice()...)
		}
		h.zone.found.host++
	}
	return offsets, records, nil
}

func (b *Builder) encodeZones() []byte {
	le := binary.LittleEndian
	s := le.AppendUint32(nil, uint32(len(b.zones)))
	for i := range b.zones {
		z := &b.zones[i]
		s = appendText8(s, z.Name)
		s = append(s, byte(z.Kind))
		s = le.AppendUint32(s, z.Serial)
		s = le.AppendUint32(s, z.TTL)
		s = appendText8(s, z.SOA.Primary)
		s = appendText8(s, z.SOA.Contact)
		s = le.AppendUint32(s, z.SOA.Refresh)
		s = le.AppendUint32(s, z.SOA.Retry)
		s = le.AppendUint32(s, z.SOA.Expire)
		s = le.AppendUint32(s, z.SOA.Minimum)
		s = appendList8(s, z.NS)
		switch z.Kind {
		case Reverse:
			s = appendPrefix(s, z.Prefix)
			s = le.AppendUint16(s, uint16(len(z.Fallback)))
			s = append(s, z.Fallback...)
			s = le.AppendUint32(s, uint32(len(z.Delegations)))
			for i := range z.Delegations {
				s = appendDelegation(s, &z.Delegations[i])
			}
		case Forward:
			s = le.AppendUint32(s, uint32(z.found.host))
		}
	}
	return s
}

func appendDelegation(s []byte, d *Delegation) []byte {
	s = appendPrefix(s, d.Prefix)
	s = appendText8(s, d.Name)
	s = appendList8(s, d.NS)
	s = append(s, byte(len(d.DS)))
	for _, ds := range d.DS {
		s = binary.LittleEndian.AppendUint16(s, ds.KeyTag)
		s = append(s, ds.Algorithm, ds.DigestType)
		s = appendText8(s, ds.Digest)
	}
	s = append(s, byte(len(d.Glue)))
	for _, g := range d.Glue {
		s = appendText8(s, g.Name)
		s = appendAddr(s, g.Addr)
	}
	return s
}

func appendPrefix(s []byte, p netip.Prefix) []byte {
	return append(appendAddr(s, p.Addr()), byte(p.Bits()))
}

// appendAddr appends the family of an address and its bytes.
func appendAddr(s []byte, a netip.Addr) []byte {
	family := byte(6)
	if a.Is4() {
		family = 4
	}
	return append(append(s, family), a.AsSlice()...)
}

func appendList8(s []byte, names []string) []byte {
	s = append(s, byte(len(names)))
	for _, n := range names {
		s = appendText8(s, n)
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
