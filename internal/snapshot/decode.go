package snapshot

import (
	"bytes"
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
	r.setTables(sections)
	if err := r.checkTables(sections); err != nil { // before something is searched for in them
		return err
	}
	if err := r.decodeContent(sections); err != nil {
		return err
	}
	if err := checkRRsets(sections); err != nil {
		return err
	}
	return r.checkHosts(sections)
}

// setTables sets the fields of r that are sections as they are. Sections come in the order of their ids.
func (r *Reader) setTables(sections []section) {
	r.addrs4, r.offsets4 = sections[sectionAddrs4-1].data, sections[sectionOffsets4-1].data
	r.addrs6, r.offsets6 = sections[sectionAddrs6-1].data, sections[sectionOffsets6-1].data
	r.rrsets = sections[sectionRRsets-1].data
	r.hostOffsets, r.hosts = sections[sectionHostOffsets-1].data, sections[sectionHosts-1].data
}

// decodeContent sets the other fields of r: the commit and the zones, with the places of their entries and hosts.
func (r *Reader) decodeContent(sections []section) error {
	meta, s := sections[sectionMeta-1], sections[sectionZones-1]
	meta.data, s.data = bytes.Clone(meta.data), bytes.Clone(s.data) // what is made of them aliases them, and may outlive r
	if err := r.decodeMeta(meta); err != nil {
		return err
	}
	if err := r.decodeZones(s); err != nil {
		return err
	}
	zones, err := byAddress(r.zones)
	if err != nil {
		return s.errorf(0, "%w", err)
	}
	if err := checkZones(r.zones); err != nil {
		return s.errorf(0, "%w", err)
	}
	if err := r.findEntries(zones, sections); err != nil {
		return err
	}
	return r.findHosts(s)
}

func (r *Reader) decodeMeta(s section) error {
	c := cursor{section: s}
	r.commit = c.text8()
	c.checkEnd()
	if c.err != nil {
		return c.err
	}
	if err := checkCommit(r.commit); err != nil {
		return s.errorf(0, "%w", err)
	}
	return nil
}

// decodeZones decodes the zones and checks each by itself.
func (r *Reader) decodeZones(s section) error {
	c := cursor{section: s}
	r.zones = make([]Zone, c.count("zones", minZoneSize))
	for i := range r.zones {
		z := &r.zones[i]
		start := c.pos
		if c.zone(z); c.err != nil {
			return c.err
		}
		if err := checkZone(z); err != nil {
			return s.errorf(start, "%w", err)
		}
		if i > 0 && z.Name <= r.zones[i-1].Name {
			return s.errorf(start, "zone %s after %s: not in order", z.Name, r.zones[i-1].Name)
		}
	}
	c.checkEnd()
	return c.err
}

// findEntries finds the entries of zones, which are all reverse zones in the order of byAddress, and checks that every
// entry has a zone. None has two, because a zone inside another lies in a delegation of that one.
func (r *Reader) findEntries(zones []*Zone, sections []section) error {
	r.sample()
	found := 0
	for _, z := range zones {
		z.found.end = len(r.offsets4) / 4
		if !z.is4() {
			z.found.end = len(r.offsets6) / 4
		}
		z.found.first, z.found.end = r.search(z, z.Prefix.Addr()), r.searchAfter(z, z.Prefix)
		for lo, hi := range r.ranges(z) {
			z.found.entries += hi - lo
		}
		found += z.found.entries
	}
	if found == r.Len() {
		return nil
	}
	begun := 0
	check := func(a netip.Addr) error {
		for begun < len(zones) && zones[begun].Prefix.Addr().Compare(a) <= 0 {
			begun++
		}
		return checkEntry(zones[:begun], a)
	}
	for i := range len(r.offsets4) / 4 {
		if err := check(r.addr4(i).addr()); err != nil {
			return sections[sectionAddrs4-1].errorf(4*i, "%v %w", r.addr4(i).addr(), err)
		}
	}
	for i := range len(r.offsets6) / 4 {
		if err := check(r.addr6(i).addr()); err != nil {
			return sections[sectionAddrs6-1].errorf(16*i, "%v %w", r.addr6(i).addr(), err)
		}
	}
	return sections[sectionZones-1].errorf(0, "%d entries lie in no zone", r.Len()-found) // not reached
}

// findHosts gives the forward zones their hosts in turn. s are the zones, which say how many each has.
func (r *Reader) findHosts(s section) error {
	n := 0
	for i := range r.zones {
		z := &r.zones[i]
		z.found.firstHost = n
		if n += z.found.hosts; n > r.HostCount() {
			return s.errorf(0, "zone %s has %d hosts, there are %d left", z.Name, z.found.hosts, r.HostCount()-z.found.firstHost)
		}
	}
	if n < r.HostCount() {
		return s.errorf(0, "%d hosts are in no zone", r.HostCount()-n)
	}
	return nil
}

// checkHosts checks all records of hosts, and that the offsets lead to them in turn.
func (r *Reader) checkHosts(sections []section) error {
	s, offsets := sections[sectionHosts-1], sections[sectionHostOffsets-1]
	var p pace
	pos, i := 0, 0
	for j := range r.zones {
		z := &r.zones[j]
		before := ""
		for n := range z.found.hosts {
			p.step(i)
			if o := binary.LittleEndian.Uint32(offsets.data[4*i:]); uint64(o) != uint64(pos) {
				return offsets.errorf(4*i, "offset %d, the next host starts at %d", o, pos)
			}
			size, err := checkHost(s, pos, z)
			if err != nil {
				return err
			}
			name := hostRecord(s.data[pos:]).labels()
			if n > 0 && CompareNames(before, name) >= 0 {
				return s.errorf(pos, "%q after %q: not in order", name, before)
			}
			before = name
			pos += size
			i++
		}
	}
	if pos != len(s.data) {
		return s.errorf(pos, "%d bytes belong to no host", len(s.data)-pos)
	}
	return nil
}

// checkHost checks the record of a host of z at pos and returns its size.
func checkHost(s section, pos int, z *Zone) (int, error) {
	b := s.data[pos:]
	if len(b) < 3 || int(b[0]) > len(b)-3 {
		return 0, s.errorf(pos, "host ends beyond the end of the section")
	}
	if n := int(b[0]); n > 0 {
		if 1+n+len(z.Name) > maxName {
			return 0, s.errorf(pos, "%q below %s: longer than %d bytes", b[1:1+n], z.Name, maxName)
		}
		var buf [math.MaxUint8 + 1]byte
		name := append(append(buf[:0], b[1:1+n]...), '.') // as if it were absolute
		if err := hostname.Check(alias(name)); err != nil {
			return 0, s.errorf(pos, "%q: %w", b[1:1+n], err)
		}
	}
	h := hostRecord(b)
	size := h.size()
	switch {
	case h.len() == 0:
		return 0, s.errorf(pos, "host without addresses")
	case size > len(b):
		return 0, s.errorf(pos, "host ends beyond the end of the section")
	}
	for i := range h.len() {
		a := h.addr(i)
		if a.Is4In6() {
			return 0, s.errorf(pos, "%v is IPv4-mapped", a)
		}
		if i > 0 && !h.addr(i-1).Less(a) {
			return 0, s.errorf(pos, "%v after %v: not in order", a, h.addr(i-1))
		}
	}
	return size, nil
}

// checkTables checks the tables of addresses and of offsets.
func (r *Reader) checkTables(sections []section) error {
	s4, s6 := sections[sectionAddrs4-1], sections[sectionAddrs6-1]
	if err := checkTable(s4, sections[sectionOffsets4-1], 4); err != nil {
		return err
	}
	if err := checkTable(s6, sections[sectionOffsets6-1], 16); err != nil {
		return err
	}
	if s := sections[sectionHostOffsets-1]; len(s.data)%4 != 0 {
		return s.errorf(0, "%d bytes are no multiple of 4", len(s.data))
	}
	return r.checkAddrs(s4, s6)
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
	var p pace
	for i := 1; i < len(r.addrs4)/4; i++ {
		p.step(i)
		if r.addr4(i) <= r.addr4(i-1) {
			return s4.errorf(4*i, "%v after %v: not in order", r.addr4(i).addr(), r.addr4(i-1).addr())
		}
	}
	for i := range len(r.addrs6) / 16 {
		p.step(i)
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
func checkRRsets(sections []section) error {
	s := sections[sectionRRsets-1]
	var p pace
	pos := 0
	for _, offsets := range []section{sections[sectionOffsets4-1], sections[sectionOffsets6-1]} {
		for i := 0; i < len(offsets.data); i += 4 {
			p.step(i / 4)
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

// No record of a zone or of a delegation is smaller than that.
const (
	minZoneSize       = 40
	minDelegationSize = 12
)

// A cursor decodes a section from its start. At the first problem err is set, and everything after it is zero.
type cursor struct {
	section
	pos int
	err error
}

func (c *cursor) fail(pos int, format string, args ...any) {
	if c.err == nil {
		c.err = c.errorf(pos, format, args...)
	}
}

// checkEnd makes it a problem if there is something left.
func (c *cursor) checkEnd() {
	if n := len(c.data) - c.pos; n > 0 {
		c.fail(c.pos, "%d bytes too many", n)
	}
}

func (c *cursor) bytes(n int) []byte {
	if n > len(c.data)-c.pos {
		c.fail(c.pos, "the section ends too early")
	}
	if c.err != nil {
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

// count decodes the number of records that follow, none of which is smaller than size.
func (c *cursor) count(what string, size int) int {
	start, n := c.pos, c.uint32()
	if left := len(c.data) - c.pos; uint64(n) > uint64(left/size) {
		c.fail(start, "%d %s do not fit into %d bytes", n, what, left)
		return 0
	}
	return int(n)
}

// list8 decodes a list of names, nil if it is empty.
func (c *cursor) list8() []string {
	n := c.uint8()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = c.text8()
	}
	return list
}

func (c *cursor) addr() netip.Addr {
	switch family := c.uint8(); family {
	case 4:
		return netip.AddrFrom4([4]byte(c.bytes(4)))
	case 6:
		return netip.AddrFrom16([16]byte(c.bytes(16)))
	default:
		c.fail(c.pos-1, "unknown address family %d", family)
		return netip.Addr{}
	}
}

func (c *cursor) prefix() netip.Prefix {
	a, bits := c.addr(), int(c.uint8())
	if bits > a.BitLen() {
		c.fail(c.pos-1, "prefix of %d bits, an address has %d", bits, a.BitLen())
	}
	return netip.PrefixFrom(a, bits)
}

// zone decodes one record. It checks only what a Zone cannot express.
func (c *cursor) zone(z *Zone) {
	z.Name = c.text8()
	z.Kind = ZoneKind(c.uint8())
	z.Serial, z.TTL = c.uint32(), c.uint32()
	z.SOA = SOA{c.text8(), c.text8(), c.uint32(), c.uint32(), c.uint32(), c.uint32()}
	z.NS = c.list8()
	switch z.Kind {
	case Reverse:
		z.Prefix = c.prefix()
		z.Fallback = c.text16()
		if n := c.count("delegations", minDelegationSize); n > 0 {
			z.Delegations = make([]Delegation, n)
		}
		for i := 0; i < len(z.Delegations) && c.err == nil; i++ {
			c.delegation(&z.Delegations[i])
		}
	case Forward:
		start, n := c.pos, c.uint32()
		if n > math.MaxInt32/2 { // no table has that many elements, and sums fit into an int of 32 bits
			c.fail(start, "zone %s has %d hosts", z.Name, n)
		}
		z.found.hosts = int(n)
	}
}

func (c *cursor) delegation(d *Delegation) {
	d.Prefix = c.prefix()
	d.Name = c.text8()
	d.NS = c.list8()
	for range c.uint8() {
		d.DS = append(d.DS, DS{c.uint16(), c.uint8(), c.uint8(), c.text8()})
	}
	for range c.uint8() {
		d.Glue = append(d.Glue, Glue{c.text8(), c.addr()})
	}
}
