package snapshot

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"runtime"
	"strings"
)

// The memory of a Reader of Open is given back once nothing refers to the Reader. A slice or a string of it is no such
// reference, and to read one afterwards would be the end of the process. So nothing but what follows reads the memory
// once it was verified. Each function gives only copies to its callers, and keeps the Reader alive after the last read:
// the compiler takes it for dead as soon as a slice of it is in a register. Only names and record return parts of the
// memory, to functions here. TestMemoryIsReadHere holds that.

// addr4 and addr6 return the address at index i of their family's table.

func (r *Reader) addr4(i int) addr4 {
	a := addr4(binary.LittleEndian.Uint32(r.addrs4[4*i:]))
	runtime.KeepAlive(r)
	return a
}

func (r *Reader) addr6(i int) addr6 {
	a := readAddr6(r.addrs6[16*i : 16*i+16])
	runtime.KeepAlive(r)
	return a
}

// before4 and before6 return how many of the entries from lo to hi are before key. See before4 without a receiver.

func (r *Reader) before4(lo, hi int, key addr4) (n int) {
	list := r.addrs4[4*lo : 4*hi]
	size := hi - lo
	for size > 1 {
		half := size / 2
		_, less := bits.Sub64(uint64(binary.LittleEndian.Uint32(list[4*(n+half-1):])), uint64(key), 0)
		n += half & -int(less)
		size -= half
	}
	if size == 1 && addr4(binary.LittleEndian.Uint32(list[4*n:])) < key {
		n++
	}
	runtime.KeepAlive(r)
	return n
}

func (r *Reader) before6(lo, hi int, key addr6) (n int) {
	list := r.addrs6[16*lo : 16*hi]
	size := hi - lo
	for size > 1 {
		half := size / 2
		n += half & -readAddr6(list[16*(n+half-1):]).before(key)
		size -= half
	}
	if size == 1 {
		n += readAddr6(list[16*n:]).before(key)
	}
	runtime.KeepAlive(r)
	return n
}

// readAddr6 returns the address that b begins with.
func readAddr6(b []byte) addr6 {
	return addr6{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// The functions that touch something read of it, so that the processor gets it from memory. As long as the result is
// not used, it goes on with what comes after.

// touchAddrs touches the entries of z from lo to hi, which are not many.
func (r *Reader) touchAddrs(z *Zone, lo, hi int) (sum byte) {
	if lo < hi {
		b, size := r.addrs4, 4
		if !z.is4() {
			b, size = r.addrs6, 16
		}
		for i := size * lo; i < size*hi; i += 64 {
			sum += b[i]
		}
		sum += b[size*hi-1]
	}
	runtime.KeepAlive(r)
	return sum
}

// touchOffset touches where the RRset of the entry i of z is.
func (r *Reader) touchOffset(z *Zone, i int) byte {
	offsets := r.offsets4
	if !z.is4() {
		offsets = r.offsets6
	}
	b := offsets[4*i]
	runtime.KeepAlive(r)
	return b
}

// touchRRset touches the RRset of the entry i of z, as far as it has no more than a name of common length.
func (r *Reader) touchRRset(z *Zone, i int) byte {
	offsets := r.offsets4
	if !z.is4() {
		offsets = r.offsets6
	}
	at := int(binary.LittleEndian.Uint32(offsets[4*i:]))
	sum := r.rrsets[at] + r.rrsets[min(at+48, len(r.rrsets)-1)]
	runtime.KeepAlive(r)
	return sum
}

// rrset returns the RRset of the address at index i of the table of z's family.
func (r *Reader) rrset(z *Zone, i int) RRset {
	offsets := r.offsets4
	if !z.is4() {
		offsets = r.offsets6
	}
	at := int(binary.LittleEndian.Uint32(offsets[4*i:]))
	b := r.rrsets[at : at+rrsetHeaderSize]
	s := RRset{Kind: Kind(b[0]), count: b[1], TTL: binary.LittleEndian.Uint32(b[2:]), at: at + rrsetHeaderSize, r: r}
	runtime.KeepAlive(r)
	return s
}

// Name returns the name with index i; names are ascending. It panics unless 0 <= i < s.Len().
func (s RRset) Name(i int) string {
	if i < 0 || i >= int(s.count) {
		panic("snapshot: RRset.Name: index out of range")
	}
	b := s.r.rrsets[s.at:]
	for ; i > 0; i-- {
		b = b[1+int(b[0]):]
	}
	name := string(b[1 : 1+int(b[0])])
	runtime.KeepAlive(s.r)
	return name
}

// AppendName appends Name(i) to dst and returns the extended buffer. It does not allocate if dst has room.
func (s RRset) AppendName(dst []byte, i int) []byte {
	if i < 0 || i >= int(s.count) {
		panic("snapshot: RRset.AppendName: index out of range")
	}
	b := s.r.rrsets[s.at:]
	for ; i > 0; i-- {
		b = b[1+int(b[0]):]
	}
	dst = append(dst, b[1:1+int(b[0])]...)
	runtime.KeepAlive(s.r)
	return dst
}

// SameRecords reports whether s and t have the same names and TTL, wherever these come from. It does not allocate.
func (s RRset) SameRecords(t RRset) bool {
	if s.TTL != t.TTL || s.count != t.count {
		return false
	}
	same := bytes.Equal(s.names(), t.names())
	runtime.KeepAlive(s.r)
	runtime.KeepAlive(t.r)
	return same
}

// names returns the names of s as they are in the section.
func (s RRset) names() []byte {
	b, size := s.r.rrsets[s.at:], 0
	for range s.count {
		size += 1 + int(b[size])
	}
	return b[:size]
}

// host returns the host at index i of the table.
func (r *Reader) host(i int) Host {
	at := binary.LittleEndian.Uint32(r.hostOffsets[4*i:])
	runtime.KeepAlive(r)
	return Host{r, int(at)}
}

// Len returns the number of addresses, 1 to 510; 0 for the zero Host.
func (h Host) Len() int {
	if h.r == nil {
		return 0
	}
	n := h.record().len()
	runtime.KeepAlive(h.r)
	return n
}

// Addr returns the address with index i; addresses ascend, those of IPv4 come first. It panics unless 0 <= i <
// h.Len().
func (h Host) Addr(i int) netip.Addr {
	if i < 0 || i >= h.Len() {
		panic("snapshot: Host.Addr: index out of range")
	}
	a := h.record().addr(i)
	runtime.KeepAlive(h.r)
	return a
}

// Name returns the labels of the name below the apex, without a final dot; "" is the apex itself.
func (h Host) Name() string {
	name := strings.Clone(h.record().labels())
	runtime.KeepAlive(h.r)
	return name
}

// compare compares the name of h to one in any case, as CompareNames.
func (h Host) compare(name string) int {
	c := compareFolded(h.record().labels(), name)
	runtime.KeepAlive(h.r)
	return c
}

// below reports whether the name of h lies below another one, in any case.
func (h Host) below(name string) bool {
	labels := h.record().labels()
	n := len(labels) - len(name)
	below := n > 0 && labels[n-1] == '.' && compareFolded(labels[n:], name) == 0
	runtime.KeepAlive(h.r)
	return below
}

// record returns the record of h as it is in the section.
func (h Host) record() hostRecord { return hostRecord(h.r.hosts[h.at:]) }
