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

// A Builder makes a snapshot. Entries are added in the order of their addresses, hosts in any, and only their
// encoding is kept.
//
// A Builder is not safe for concurrent use. Use [NewBuilder].
type Builder struct {
	commit    string
	zones     []Zone         // by name
	index     map[string]int // of zones, by name
	byAddress []*Zone        // the reverse zones, by prefix
	begun     int            // how many of byAddress begin at or before prev
	prev      netip.Addr     // the last entry

	addrs4, offsets4, addrs6, offsets6, rrsets pieces

	hosts  []byte // records as in the section
	placed []place
	sorted bool // placed is in the order of the section, and each host is in it once
}

// pieces is a section that grows. One slice would be copied several times on its way to its size, and would leave the
// garbage collector what it had been.
type pieces struct {
	full   [][]byte
	before int    // bytes in full
	last   []byte // what comes after full
}

const minPiece, maxPiece = 512, 1 << 20 // bytes

// room returns p.last with room for n more bytes.
func (p *pieces) room(n int) []byte {
	if cap(p.last)-len(p.last) < n {
		p.full = append(p.full, p.last)
		p.before += len(p.last)
		p.last = make([]byte, 0, max(n, minPiece, min(p.before, maxPiece)))
	}
	return p.last
}

func (p *pieces) len() int { return p.before + len(p.last) }

// bytes returns all of p, which is one piece then.
func (p *pieces) bytes() []byte {
	if len(p.full) > 0 {
		p.last = slices.Concat(append(p.full, p.last)...)
		p.full, p.before = nil, 0
	}
	return p.last
}

// NewBuilder returns a Builder of a snapshot with the given zones, in any order. commit is the id of the commit that
// they come from: at most 255 printable ASCII bytes, "" if there is none. Name servers, delegations, DS and glue may
// come in any order, and all but delegations twice. An error says which zone breaks which rule of the format.
func NewBuilder(commit string, zones []Zone) (*Builder, error) {
	if err := checkCommit(commit); err != nil {
		return nil, fmt.Errorf("build snapshot: %w", err)
	}
	b := &Builder{commit: commit, zones: slices.Clone(zones), index: make(map[string]int, len(zones)), sorted: true}
	slices.SortFunc(b.zones, func(x, y Zone) int { return cmp.Compare(x.Name, y.Name) })
	for i := range b.zones {
		z := &b.zones[i]
		z.NS = canonical(z.NS, strings.Compare)
		z.Delegations = slices.Clone(z.Delegations)
		for j := range z.Delegations {
			d := &z.Delegations[j]
			d.NS = canonical(d.NS, strings.Compare)
			d.DS = canonical(d.DS, DS.compare)
			d.Glue = canonical(d.Glue, Glue.compare)
		}
		slices.SortFunc(z.Delegations, func(d, e Delegation) int { return d.Prefix.Addr().Compare(e.Prefix.Addr()) })
		z.found = found{}
		if err := checkZone(z); err != nil {
			return nil, fmt.Errorf("build snapshot: %w", err)
		}
		if i > 0 && z.Name == b.zones[i-1].Name {
			return nil, fmt.Errorf("build snapshot: two zones %s", z.Name)
		}
		b.index[z.Name] = i
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
// zone that does not delegate them. Names may come in any order and twice. An Add that returns an error has changed
// nothing.
func (b *Builder) Add(a netip.Addr, kind Kind, ttl uint32, names []string) error {
	if err := b.add(a, kind, ttl, names); err != nil {
		return fmt.Errorf("add %v to snapshot: %w", a, err)
	}
	return nil
}

func (b *Builder) add(a netip.Addr, kind Kind, ttl uint32, names []string) error {
	begun, err := b.find(a)
	if err != nil {
		return err
	}
	if kind != Explicit && kind != Default {
		return fmt.Errorf("unknown kind %d", kind)
	}
	if ttl > MaxTTL {
		return fmt.Errorf("TTL %d is more than %d", ttl, MaxTTL)
	}
	names = canonical(names, strings.Compare)
	if err := checkNames(names); err != nil {
		return err
	}
	offset, err := recordOffset(uint64(b.rrsets.len()))
	if err != nil {
		return err
	}

	le := binary.LittleEndian
	if a.Is4() {
		b.addrs4.last = le.AppendUint32(b.addrs4.room(4), uint32(key4(a)))
		b.offsets4.last = le.AppendUint32(b.offsets4.room(4), offset)
	} else {
		k := key6(a)
		b.addrs6.last = le.AppendUint64(le.AppendUint64(b.addrs6.room(16), k.high), k.low)
		b.offsets6.last = le.AppendUint32(b.offsets6.room(4), offset)
	}
	size := rrsetHeaderSize
	for _, n := range names {
		size += 1 + len(n)
	}
	r := append(b.rrsets.room(size), byte(kind), byte(len(names)))
	r = le.AppendUint32(r, ttl)
	for _, n := range names {
		r = appendText8(r, n)
	}
	b.rrsets.last = r
	b.prev, b.begun = a, begun
	return nil
}

// find checks that a may be the next address, and returns how many zones begin at or before it.
func (b *Builder) find(a netip.Addr) (int, error) {
	switch {
	case !plain(a):
		return 0, errNotPlain
	case b.prev.IsValid() && a.Compare(b.prev) <= 0:
		return 0, fmt.Errorf("not after %v", b.prev)
	}
	n := b.begun
	for n < len(b.byAddress) && b.byAddress[n].Prefix.Addr().Compare(a) <= 0 {
		n++
	}
	return n, checkEntry(b.byAddress[:n], a)
}

// AddHost adds addresses of a host, which must lie in a forward zone. Names may come in any order; they and their
// addresses may come more than once. A host has at most 255 addresses of each family; if several AddHost make more of
// them, then WriteTo and Reader fail. An AddHost that returns an error has changed nothing.
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
	for _, a := range addrs {
		if !plain(a) {
			return fmt.Errorf("%v is %w", a, errNotPlain)
		}
	}
	zone := b.forwardZone(name)
	if zone < 0 {
		return errors.New("it lies in no forward zone")
	}
	labels := name[:max(0, len(name)-len(b.zones[zone].Name)-1)]
	hosts, err := appendHost(b.hosts, labels, addrs)
	if err != nil {
		return err
	}
	if _, err := recordOffset(uint64(len(b.hosts))); err != nil {
		return err
	}
	b.placed = append(b.placed, place{sortKey(labels), zone, len(b.hosts)})
	b.hosts, b.sorted = hosts, false
	return nil
}

// appendHost appends the record of a host to b.
func appendHost(b []byte, labels string, addrs []netip.Addr) ([]byte, error) {
	addrs = canonical(addrs, netip.Addr.Compare)
	n4 := 0
	for n4 < len(addrs) && addrs[n4].Is4() {
		n4++
	}
	n6 := len(addrs) - n4
	if len(addrs) == 0 || n4 > math.MaxUint8 || n6 > math.MaxUint8 {
		return nil, fmt.Errorf("%d IPv4 and %d IPv6 addresses, there must be one and at most 255 of each", n4, n6)
	}
	b = append(appendText8(b, labels), byte(n4), byte(n6))
	for _, a := range addrs {
		b = append(b, a.AsSlice()...)
	}
	return b, nil
}

// A place is where the record of a host is.
type place struct {
	key  uint64 // sortKey of its name
	zone int    // index of its zone
	at   int    // offset in the records
}

// sortKey returns a number that does not fall when names ascend: the first eight bytes of the labels in reverse
// order, with a zero after each, which is less than any character of a label.
func sortKey(labels string) uint64 {
	var key [8]byte
	for n := 0; labels != "" && n < len(key); n++ {
		dot := strings.LastIndexByte(labels, '.')
		n += copy(key[n:], labels[dot+1:])
		labels = labels[:max(dot, 0)]
	}
	return binary.BigEndian.Uint64(key[:])
}

// sortHosts brings hosts into their order, and the addresses of each into one record.
func (b *Builder) sortHosts() error {
	if b.sorted {
		return nil
	}
	at := func(p place) hostRecord { return b.hosts[p.at:] }
	slices.SortFunc(b.placed, func(p, q place) int {
		if c := cmp.Or(cmp.Compare(p.zone, q.zone), cmp.Compare(p.key, q.key)); c != 0 {
			return c
		}
		return CompareNames(at(p).labels(), at(q).labels())
	})
	hosts, placed := make([]byte, 0, len(b.hosts)), make([]place, 0, len(b.placed))
	for i := 0; i < len(b.placed); {
		p, h := b.placed[i], at(b.placed[i])
		same := i + 1
		for same < len(b.placed) && b.placed[same].zone == p.zone && at(b.placed[same]).labels() == h.labels() {
			same++
		}
		p.at = len(hosts)
		placed = append(placed, p)
		if same == i+1 {
			hosts = append(hosts, h[:h.size()]...)
		} else {
			var addrs []netip.Addr
			for _, q := range b.placed[i:same] {
				for j := range at(q).len() {
					addrs = append(addrs, at(q).addr(j))
				}
			}
			var err error
			if hosts, err = appendHost(hosts, h.labels(), addrs); err != nil {
				return fmt.Errorf("host %q in %s: %w", h.labels(), b.zones[p.zone].Name, err)
			}
		}
		i = same
	}
	b.hosts, b.placed, b.sorted = hosts, placed, true
	return nil
}

// forwardZone returns the index of the forward zone that name lies in, -1 if there is none.
func (b *Builder) forwardZone(name string) int {
	for ; name != ""; _, name, _ = strings.Cut(name, ".") {
		if i, found := b.index[name]; found && b.zones[i].Kind == Forward {
			return i
		}
	}
	return -1
}

// SetSerial sets the serial of the zone with the given apex, which must be one of the Builder's. It panics if it is
// not.
func (b *Builder) SetSerial(apex string, serial uint32) {
	i, found := b.index[apex]
	if !found {
		panic("snapshot: SetSerial: no zone " + apex)
	}
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

// Reader returns a Reader of what has been added so far. It is not encoded and verified for that, and has no ID: it
// is for comparing before the serials are set.
func (b *Builder) Reader() (*Reader, error) {
	sections, err := b.sections()
	if err != nil {
		return nil, err
	}
	r := &Reader{header: &header{minor: Minor}}
	r.setTables(sections)
	if err := r.decodeContent(sections); err != nil {
		return nil, err
	}
	return r, nil
}

func (b *Builder) sections() ([]section, error) {
	if err := b.sortHosts(); err != nil {
		return nil, err
	}
	return []section{
		{id: sectionMeta, data: appendText8(nil, b.commit)},
		{id: sectionZones, data: b.encodeZones()},
		{id: sectionAddrs4, data: b.addrs4.bytes()},
		{id: sectionOffsets4, data: b.offsets4.bytes()},
		{id: sectionAddrs6, data: b.addrs6.bytes()},
		{id: sectionOffsets6, data: b.offsets6.bytes()},
		{id: sectionRRsets, data: b.rrsets.bytes()},
		{id: sectionHostOffsets, data: b.encodeHostOffsets()},
		{id: sectionHosts, data: b.hosts},
	}, nil
}

// encodeHostOffsets needs sorted hosts.
func (b *Builder) encodeHostOffsets() []byte {
	s := make([]byte, 0, 4*len(b.placed))
	for _, p := range b.placed {
		s = binary.LittleEndian.AppendUint32(s, uint32(p.at))
	}
	return s
}

func (b *Builder) encodeZones() []byte {
	hosts := make([]int, len(b.zones)) // how many each zone has
	for _, p := range b.placed {
		hosts[p.zone]++
	}
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
			s = le.AppendUint32(s, uint32(hosts[i]))
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

// canonical returns the elements of list in order and each once. It does not change the list that it is given.
func canonical[E comparable](list []E, compare func(E, E) int) []E {
	if len(list) < 2 {
		return list
	}
	list = slices.Clone(list)
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}

// recordOffset returns the offset of the next record after the given number of bytes of records.
func recordOffset(used uint64) (uint32, error) {
	if used > math.MaxUint32 {
		return 0, errors.New("the snapshot is full: the names take 4 GiB, put some zones into another one")
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
