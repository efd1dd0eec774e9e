package snapshot

import (
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/revmap/revmap/internal/hostname"
)

// rrsetHeaderSize is the number of bytes in a record of the RRsets section before its first name.
const rrsetHeaderSize = 6

// decode sets the fields of r from r.b and verifies every rule of the format but the header's. It runs beside the
// check of the checksum, so it must be ready for any bytes.
func (r *Reader) decode() error {
	sections, err := r.header.parseSections(r.b)
	if err != nil {
		return err
	}
	of := func(id int) section { return sections[id-1] } // as parseSections has checked
	if err := r.decodeMeta(of(sectionMeta)); err != nil {
		return err
	}
	r.addrs4, r.offsets4 = of(sectionAddrs4).data, of(sectionOffsets4).data
	r.addrs6, r.offsets6 = of(sectionAddrs6).data, of(sectionOffsets6).data
	r.rrsets = of(sectionRRsets).data
	if err := checkTable(of(sectionAddrs4), of(sectionOffsets4), 4); err != nil {
		return err
	}
	if err := checkTable(of(sectionAddrs6), of(sectionOffsets6), 16); err != nil {
		return err
	}
	if err := r.checkAddrs(of(sectionAddrs4), of(sectionAddrs6)); err != nil {
		return err
	}
	if err := r.decodeZones(of(sectionZones)); err != nil {
		return err
	}
	return checkRRsets(of(sectionRRsets), of(sectionOffsets4), of(sectionOffsets6))
}

func (r *Reader) decodeMeta(s section) error {
	c := cursor{section: s}
	r.commit = c.text8()
	if c.short {
		return c.errShort()
	}
	if err := checkCommit(r.commit); err != nil {
		return s.errorf(0, "%w", err)
	}
	return c.checkEnd()
}

// decodeZones needs the tables of addresses.
func (r *Reader) decodeZones(s section) error {
	c := cursor{section: s}
	n := c.uint32()
	if c.short {
		return c.errShort()
	}
	if n > uint32(min(len(s.data), math.MaxInt32)/minZoneSize) {
		return s.errorf(0, "%d zones do not fit into %d bytes", n, len(s.data))
	}
	r.zones = make([]Zone, n)
	for i := range r.zones {
		z := &r.zones[i]
		start := c.pos
		if err := c.zone(z); err != nil {
			return err
		}
		if err := checkZone(z); err != nil {
			return s.errorf(start, "%w", err)
		}
		if i > 0 && z.Name <= r.zones[i-1].Name {
			return s.errorf(start, "zone %s after %s: not in order", z.Name, r.zones[i-1].Name)
		}
	}
	if err := c.checkEnd(); err != nil {
		return err
	}
	return r.checkRanges(s)
}

// checkRanges checks that the zones' entries are those that lie in their prefixes: all of them, and each once.
func (r *Reader) checkRanges(s section) error {
	zones, err := byAddress(r.zones)
	if err != nil {
		return s.errorf(0, "%w", err)
	}
	next4, next6 := 0, 0 // the first entry that no zone has had
	for _, z := range zones {
		next, n := &next4, len(r.offsets4)/4
		addr := func(i int) netip.Addr { return r.addr4(i).addr() }
		if !z.is4() {
			next, n = &next6, len(r.offsets6)/4
			addr = func(i int) netip.Addr { return r.addr6(i).addr() }
		}
		if z.first != *next {
			return s.errorf(0, "entries of zone %s start at index %d, not at %d", z.Name, z.first, *next)
		}
		if z.count > n-z.first {
			return s.errorf(0, "zone %s has %d entries, there are %d left", z.Name, z.count, n-z.first)
		}
		*next += z.count
		// Addresses ascend, so if the first and the last one lie in the prefix, all between do.
		for _, i := range []int{z.first, *next - 1} {
			if z.count > 0 && !z.Prefix.Contains(addr(i)) {
				return s.errorf(0, "entry %d of zone %s is %v, outside %v", i, z.Name, addr(i), z.Prefix)
			}
		}
	}
	if next4 < len(r.offsets4)/4 {
		return s.errorf(0, "%v lies in no zone", r.addr4(next4).addr())
	}
	if next6 < len(r.offsets6)/4 {
		return s.errorf(0, "%v lies in no zone", r.addr6(next6).addr())
	}
	return nil
}

// checkTable checks that both sections of a family hold the same number of elements.
func checkTable(addrs, offsets section, addrSize int) error {
	if len(addrs.data)%addrSize != 0 {
		return addrs.errorf(0, "%d bytes are no multiple of %d", len(addrs.data), addrSize)
	}
	n := len(addrs.data) / addrSize
	if len(offsets.data)%4 != 0 || len(offsets.data)/4 != n {
		return offsets.errorf(0, "%d bytes for %d addresses, there must be 4 for each", len(offsets.data), n)
	}
	return nil
}

// checkAddrs checks that the addresses ascend. Lookups depend on it.
func (r *Reader) checkAddrs(s4, s6 section) error {
	for i := 1; i < len(r.addrs4)/4; i++ {
		if r.addr4(i) <= r.addr4(i-1) {
			return s4.errorf(4*i, "%v after %v: not in order", r.addr4(i).addr(), r.addr4(i-1).addr())
		}
	}
	for i := range len(r.addrs6) / 16 {
		a := r.addr6(i)
		if i > 0 && !r.addr6(i-1).less(a) {
			return s6.errorf(16*i, "%v after %v: not in order", a.addr(), r.addr6(i-1).addr())
		}
		if a.high == 0 && a.low>>32 == 0xffff {
			return s6.errorf(16*i, "%v is IPv4-mapped", a.addr())
		}
	}
	return nil
}

// checkRRsets checks all records, and that the offsets lead to them in turn. Lookups take both for granted.
func checkRRsets(s, offsets4, offsets6 section) error {
	pos := 0
	for _, offsets := range []section{offsets4, offsets6} {
		for i := 0; i < len(offsets.data); i += 4 {
			if o := binary.LittleEndian.Uint32(offsets.data[i:]); uint64(o) != uint64(pos) {
				return offsets.errorf(i, "offset %d, the next RRset starts at %d", o, pos)
			}
			n, err := checkRRset(s, pos)
			if err != nil {
				return err
			}
			pos += n
		}
	}
	if pos != len(s.data) {
		return s.errorf(pos, "%d bytes belong to no entry", len(s.data)-pos)
	}
	return nil
}

// checkRRset checks the record at pos and returns its size.
func checkRRset(s section, pos int) (int, error) {
	b := s.data[pos:]
	if len(b) < rrsetHeaderSize {
		return 0, s.errorf(pos, "RRset ends beyond the end of the section")
	}
	if k := Kind(b[0]); k != Explicit && k != Default {
		return 0, s.errorf(pos, "unknown kind %d", k)
	}
	if b[1] == 0 {
		return 0, s.errorf(pos+1, "RRset without names")
	}
	if ttl := binary.LittleEndian.Uint32(b[2:]); ttl > MaxTTL {
		return 0, s.errorf(pos+2, "TTL %d is more than %d", ttl, MaxTTL)
	}
	size, before := rrsetHeaderSize, ""
	for range b[1] {
		if size == len(b) || int(b[size]) > len(b)-size-1 {
			return 0, s.errorf(pos+size, "name ends beyond the end of the section")
		}
		name := alias(b[size+1 : size+1+int(b[size])])
		if err := hostname.Check(name); err != nil {
			return 0, s.errorf(pos+size, "%q: %w", name, err)
		}
		if name <= before { // "" is before every name
			return 0, s.errorf(pos+size, "%q after %q: not in order", name, before)
		}
		before = name
		size += 1 + len(name)
	}
	return size, nil
}

// A cursor decodes a section from its start. Once the section is too short for what is asked for, short is set and
// everything is zero.
type cursor struct {
	section
	pos   int
	short bool
}

func (c *cursor) errShort() error { return c.errorf(c.pos, "the section ends too early") }

// checkEnd returns an error if there is something left.
func (c *cursor) checkEnd() error {
	if n := len(c.data) - c.pos; n > 0 {
		return c.errorf(c.pos, "%d bytes too many", n)
	}
	return nil
}

func (c *cursor) bytes(n int) []byte {
	if c.short || n > len(c.data)-c.pos {
		c.short = true
		return make([]byte, n)
	}
	b := c.data[c.pos : c.pos+n]
	c.pos += n
	return b
}

func (c *cursor) uint8() uint8   { return c.bytes(1)[0] }
func (c *cursor) uint16() uint16 { return binary.LittleEndian.Uint16(c.bytes(2)) }
func (c *cursor) uint32() uint32 { return binary.LittleEndian.Uint32(c.bytes(4)) }
func (c *cursor) text8() string  { return alias(c.bytes(int(c.uint8()))) }
func (c *cursor) text16() string { return alias(c.bytes(int(c.uint16()))) }

// minZoneSize is less than the size of any record of a zone.
const minZoneSize = 50

// zone decodes one record. It checks only what a Zone cannot express.
func (c *cursor) zone(z *Zone) error {
	start := c.pos
	z.Name = c.text8()
	family, bits := c.uint8(), int(c.uint8())
	switch {
	case c.short:
		return c.errShort()
	case family == 4 && bits <= 32:
		z.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte(c.bytes(4))), bits)
	case family == 6 && bits <= 128:
		z.Prefix = netip.PrefixFrom(netip.AddrFrom16([16]byte(c.bytes(16))), bits)
	default:
		return c.errorf(start, "zone %q: no prefix of %d bits in address family %d", z.Name, bits, family)
	}
	z.Serial, z.TTL = c.uint32(), c.uint32()
	z.SOA = SOA{c.text8(), c.text8(), c.uint32(), c.uint32(), c.uint32(), c.uint32()}
	z.NS = make([]string, c.uint8())
	for i := range z.NS {
		z.NS[i] = c.text8()
	}
	z.Fallback = c.text16()
	first, count := c.uint32(), c.uint32()
	if c.short {
		return c.errShort()
	}
	// No table has that many elements; and their sum fits into an int of 32 bits.
	if first > math.MaxInt32/2 || count > math.MaxInt32/2 {
		return c.errorf(start, "zone %s: no %d entries at index %d", z.Name, count, first)
	}
	z.first, z.count = int(first), int(count)
	return nil
}
