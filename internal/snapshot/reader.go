package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/revmap/revmap/internal/arpa"
)

// A Reader answers lookups from one immutable snapshot.
//
// A Reader is safe for concurrent use and must not be copied. It has no Close: the garbage collector frees it, once
// nothing refers to it nor to an RRset or a Host that came from it.
type Reader struct {
	_ [0]sync.Mutex // go vet: no copies

	b      []byte // the file: see memory.go
	header *header
	commit string
	zones  []Zone // by name

	// The sections with the entries, parts of b. Kept as bytes, so that the garbage collector has nothing to walk.
	addrs4, offsets4, addrs6, offsets6, rrsets, hostOffsets, hosts []byte

	// Every address whose index is a multiple of sampling4 or sampling6, and every such sample: see search4 and LookupAll.
	samples4, tops4 []addr4
	samples6, tops6 []addr6
}

// Open reads the whole file at path into memory and then does as OpenBytes. The file is not used afterwards. On Linux
// the memory is no part of Go's heap, which may grow to twice its size before it is collected, and would do so with the
// file. It is given back once the garbage collector has found that nothing refers to the Reader.
func Open(path string) (*Reader, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("open snapshot: %w", err)
	}
	var r *Reader
	defer func() {
		if r == nil { // also after a panic
			free(b)
		}
	}()
	if r, err = OpenBytes(b); err != nil {
		return nil, fmt.Errorf("open snapshot %s: %w", path, err)
	}
	runtime.AddCleanup(r, free, b)
	return r, nil
}

// readFile returns the content of the file at path in memory that must be freed. It looks at the header before it makes
// room.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, size, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	b, err := allocate(size)
	if err != nil {
		return nil, fmt.Errorf("read %s: make room for %d bytes: %w", path, size, err)
	}
	copy(b, head)
	var p pace
	for part := range slices.Chunk(b[len(head):], partSize) {
		if _, err := io.ReadFull(f, part); err != nil {
			free(b)
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = errors.New("the file became shorter while it was read")
			}
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		p.stepAside()
	}
	return b, nil
}

// ReadID returns the ID of the snapshot at path. It reads and checks only the header, not the content.
func ReadID(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read snapshot header: %w", err)
	}
	defer f.Close()
	head, size, err := readHeader(f)
	if err != nil {
		return "", fmt.Errorf("read snapshot header: %w", err)
	}
	h, _ := parseHeader(head, uint64(size))
	return h.id(), nil
}

// OpenBytes verifies b and returns a Reader of it, which keeps b: the caller must not change it anymore. Errors wrap
// ErrFormat, ErrVersion or ErrChecksum.
func OpenBytes(b []byte) (*Reader, error) {
	h, err := parseHeader(b, uint64(len(b)))
	if err != nil {
		return nil, err
	}
	// The checksum and the structure take about the same time, so each gets a core. The structure is verified here and
	// not in the goroutine, since only the caller could recover from a panic. Whatever comes of it, nothing reads b
	// anymore when this returns.
	intact := false
	var sum sync.WaitGroup
	sum.Go(func() { intact = checksum(b) == h.checksum })
	r := &Reader{b: b, header: h}
	err = func() error {
		defer sum.Wait()
		return r.decode()
	}()
	if !intact {
		return nil, fmt.Errorf("%w: the file was changed or damaged after it was written", ErrChecksum)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// ID returns the identity of the content, the checksum of the header in hexadecimal; "" if r comes from a Builder.
func (r *Reader) ID() string {
	if r.b == nil {
		return ""
	}
	return r.header.id()
}

// Version returns the version of the format that the snapshot was written in.
func (r *Reader) Version() (major, minor int) { return Major, int(r.header.minor) }

// Commit returns the id of the commit that the snapshot was compiled from, "" if it is not known.
func (r *Reader) Commit() string { return r.commit }

// Len returns the number of entries: addresses with an RRset, in all zones.
func (r *Reader) Len() int { return len(r.offsets4)/4 + len(r.offsets6)/4 }

// Size returns the size of the snapshot in bytes, 0 if r comes from a Builder.
func (r *Reader) Size() int { return len(r.b) }

// Zones returns the zones, ascending by name. The caller must not change them.
func (r *Reader) Zones() []Zone { return r.zones }

// Lookup returns the PTR RRset of a in z, which must be one of r.Zones. It does not allocate.
func (r *Reader) Lookup(z *Zone, a netip.Addr) (RRset, bool) {
	switch {
	case a.Is4() != z.is4():
	case a.Is4():
		if i := r.search4(z, a); i < z.found.end && r.addr4(i) == key4(a) {
			return r.rrset(z, i), true
		}
	default:
		if i := r.search6(z, a); i < z.found.end && r.addr6(i) == key6(a) {
			return r.rrset(z, i), true
		}
	}
	return RRset{}, false
}

// Covers reports whether z, which must be one of r.Zones, has an entry or a delegation in p: if z has names at or below
// that of p. It does not allocate.
func (r *Reader) Covers(z *Zone, p netip.Prefix) bool {
	a := p.Masked().Addr()
	if !p.IsValid() || a.Is4() != z.is4() {
		return false
	}
	if i := r.search(z, a); i < z.found.end && p.Contains(r.addr(z, i)) {
		return true
	}
	n := z.delegationsUpTo(a)
	return n > 0 && z.Delegations[n-1].Prefix.Contains(a) ||
		n < len(z.Delegations) && p.Contains(z.Delegations[n].Prefix.Addr())
}

// Entries returns the entries of z, which must be one of r.Zones, ordered by address. Entries of zones inside z are not
// among them.
func (r *Reader) Entries(z *Zone) iter.Seq2[netip.Addr, RRset] {
	return func(yield func(netip.Addr, RRset) bool) {
		var p pace
		for lo, hi := range r.ranges(z) {
			for i := lo; i < hi; i++ {
				p.step(i)
				if !yield(r.addr(z, i), r.rrset(z, i)) {
					return
				}
			}
		}
	}
}

// ranges returns the entries of z as ranges of indexes: before, between and after its delegations.
func (r *Reader) ranges(z *Zone) iter.Seq2[int, int] {
	return func(yield func(lo, hi int) bool) {
		lo := z.found.first
		for i := range z.Delegations {
			p := z.Delegations[i].Prefix
			if !yield(lo, r.search(z, p.Addr())) {
				return
			}
			lo = r.searchAfter(z, p)
		}
		yield(lo, z.found.end)
	}
}

// Endless returns nil if all names of z, which must be one of r.Zones, can be listed, else an ErrEndless that says why
// not: the fallback of z, or of a zone that makes its names in z, is for IPv6.
func (r *Reader) Endless(z *Zone) error {
	if f := z.found.endless; f != nil {
		return fmt.Errorf("zone %s: %w: %q for %v", z.Name, ErrEndless, f.Fallback, f.Prefix)
	}
	return nil
}

// addr returns the address at index i of the table of z's family.
func (r *Reader) addr(z *Zone, i int) netip.Addr {
	if z.is4() {
		return r.addr4(i).addr()
	}
	return r.addr6(i).addr()
}

// sampling4 and sampling6 are how many addresses there is a sample for: a cache line of IPv4 addresses, and as many of
// IPv6 as keep the samples of a million in half a megabyte.
const (
	sampling4 = 16
	sampling6 = 32
)

// sample sets the samples.
func (r *Reader) sample() {
	r.samples4 = make([]addr4, 0, len(r.addrs4)/4/sampling4+1)
	for i := 0; i < len(r.addrs4)/4; i += sampling4 {
		r.samples4 = append(r.samples4, r.addr4(i))
	}
	for i := 0; i < len(r.samples4); i += sampling4 {
		r.tops4 = append(r.tops4, r.samples4[i])
	}
	r.samples6 = make([]addr6, 0, len(r.addrs6)/16/sampling6+1)
	for i := 0; i < len(r.addrs6)/16; i += sampling6 {
		r.samples6 = append(r.samples6, r.addr6(i))
	}
	for i := 0; i < len(r.samples6); i += sampling6 {
		r.tops6 = append(r.tops6, r.samples6[i])
	}
}

// search returns the index of the first entry in the prefix of z that is not before a, or that after the last one. The
// address must be of z's family.
func (r *Reader) search(z *Zone, a netip.Addr) int {
	if z.is4() {
		return r.search4(z, a)
	}
	return r.search6(z, a)
}

// searchAfter returns the index of the first entry in the prefix of z that is after p, or that after the last one.
func (r *Reader) searchAfter(z *Zone, p netip.Prefix) int {
	if a := arpa.Last(p).Next(); a.IsValid() {
		return r.search(z, a)
	}
	return z.found.end
}

// search4 and search6 are search for one family. They look for the address among the samples, and then between two of
// those. The samples are few enough to stay in the processor's caches, while each look at the table itself may have to
// wait for memory.

func (r *Reader) search4(z *Zone, a netip.Addr) int {
	key, lo, hi := key4(a), z.found.first, z.found.end
	s, e := (lo+sampling4-1)/sampling4, (hi+sampling4-1)/sampling4
	for s < e {
		if mid := int(uint(s+e) / 2); r.samples4[mid] < key {
			s, lo = mid+1, mid*sampling4+1
		} else {
			e, hi = mid, mid*sampling4
		}
	}
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if r.addr4(mid) < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (r *Reader) search6(z *Zone, a netip.Addr) int {
	key, lo, hi := key6(a), z.found.first, z.found.end
	s, e := (lo+sampling6-1)/sampling6, (hi+sampling6-1)/sampling6
	for s < e {
		if mid := int(uint(s+e) / 2); r.samples6[mid].less(key) {
			s, lo = mid+1, mid*sampling6+1
		} else {
			e, hi = mid, mid*sampling6
		}
	}
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if r.addr6(mid).less(key) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// An addr4 is an IPv4 address as a number.
type addr4 uint32

func key4(a netip.Addr) addr4 {
	b := a.As4()
	return addr4(binary.BigEndian.Uint32(b[:]))
}

func (a addr4) addr() netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(a))
	return netip.AddrFrom4(b)
}

// An addr6 is an IPv6 address as a number.
type addr6 struct{ high, low uint64 }

func key6(a netip.Addr) addr6 {
	b := a.As16()
	return addr6{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

func (a addr6) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], a.high)
	binary.BigEndian.PutUint64(b[8:], a.low)
	return netip.AddrFrom16(b)
}

func (a addr6) less(b addr6) bool { return a.high < b.high || a.high == b.high && a.low < b.low }

// readHeader reads and checks the header of f. It returns the header's bytes and the size of f.
func readHeader(f *os.File) ([]byte, int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	head := make([]byte, headerSize)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, 0, err
	}
	if _, err := parseHeader(head[:n], uint64(fi.Size())); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return head, fi.Size(), nil
}
