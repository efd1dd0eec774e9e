package snapshot

import (
	"math/bits"
	"net/netip"
)

// A Lookup asks for the PTR RRset of an address, and gets it from LookupAll.
type Lookup struct {
	Zone *Zone // one of those of the Reader
	Addr netip.Addr

	Found bool
	Set   RRset

	first, end int // the samples, then the entries to look at; then first is the one that was found
	touched    byte
}

// LookupAll does what Lookup does, for each in the list. Nearly all that takes time in this is to wait for memory,
// several times for each: here, all wait at once. It does not allocate.
//
// The loops that touch memory do nothing else, as a processor does not look far ahead.
func (r *Reader) LookupAll(list []*Lookup) {
	for _, l := range list {
		r.narrowSamples(l)
	}
	var touched byte // of no use but to have memory read
	for _, l := range list {
		touched += r.touchSamples(l)
	}
	for _, l := range list {
		r.narrow(l)
	}
	for _, l := range list {
		touched += r.touchAddrs(l.Zone, l.first, l.end)
	}
	for _, l := range list {
		r.pick(l)
	}
	for _, l := range list {
		if l.Found {
			touched += r.touchOffset(l.Zone, l.first)
		}
	}
	for _, l := range list {
		if l.Found {
			touched += r.touchRRset(l.Zone, l.first)
		}
	}
	for _, l := range list {
		if l.touched = touched; l.Found {
			l.Set = r.rrset(l.Zone, l.first)
		}
	}
}

// entries returns the range of the entries of z.
func (z *Zone) entries() span { return span{z.found.first, z.found.end} }

// narrowSamples finds the samples that l has to look at: no more than there is a sample of samples for.
func (r *Reader) narrowSamples(l *Lookup) {
	var s span
	switch {
	case l.Addr.Is4() != l.Zone.is4():
	case l.Addr.Is4():
		s = l.Zone.entries().samples(sampling4)
		tops := s.samples(sampling4)
		s.narrow(tops, tops.lo+before4(r.tops4[tops.lo:tops.hi], key4(l.Addr)), sampling4)
	default:
		s = l.Zone.entries().samples(sampling6)
		tops := s.samples(sampling6)
		s.narrow(tops, tops.lo+before6(r.tops6[tops.lo:tops.hi], key6(l.Addr)), sampling6)
	}
	l.first, l.end = s.lo, s.hi
}

// touchSamples touches the samples that l has to look at.
func (r *Reader) touchSamples(l *Lookup) (sum byte) {
	if l.Addr.Is4() {
		for i := l.first; i < l.end; i += 64 / 4 {
			sum += byte(r.samples4[i])
		}
		return sum
	}
	for i := l.first; i < l.end; i += 64 / 16 {
		sum += byte(r.samples6[i].high)
	}
	return sum
}

// narrow finds the entries that l has to look at: no more than there is a sample for.
func (r *Reader) narrow(l *Lookup) {
	var s span
	switch {
	case l.Addr.Is4() != l.Zone.is4():
	case l.Addr.Is4():
		s = l.Zone.entries()
		s.narrow(s.samples(sampling4), l.first+before4(r.samples4[l.first:l.end], key4(l.Addr)), sampling4)
	default:
		s = l.Zone.entries()
		s.narrow(s.samples(sampling6), l.first+before6(r.samples6[l.first:l.end], key6(l.Addr)), sampling6)
	}
	l.first, l.end = s.lo, s.hi
}

// pick looks for the address of l among those entries.
func (r *Reader) pick(l *Lookup) {
	l.Found = false
	if l.Addr.Is4() != l.Zone.is4() {
		return
	}
	if l.Addr.Is4() {
		key := key4(l.Addr)
		l.first += r.before4(l.first, l.end, key)
		l.Found = l.first < l.Zone.found.end && r.addr4(l.first) == key
		return
	}
	key := key6(l.Addr)
	l.first += r.before6(l.first, l.end, key)
	l.Found = l.first < l.Zone.found.end && r.addr6(l.first) == key
}

// A span is a range of indexes.
type span struct{ lo, hi int }

// samples returns the range of samples of entries in s.
func (s span) samples(sampling int) span {
	return span{int(uint(s.lo+sampling-1) / uint(sampling)), int(uint(s.hi+sampling-1) / uint(sampling))}
}

// narrow makes s the part of it that is after the last of its samples before at, and not after the one at at.
func (s *span) narrow(samples span, at, sampling int) {
	if at > samples.lo {
		s.lo = (at-1)*sampling + 1
	}
	if at < samples.hi {
		s.hi = at * sampling
	}
}

// before4 and before6 return how many of the addresses, which ascend, are before key. Unlike search4 they take the same
// steps however a comparison ends. There, a processor guesses that, and asks memory for what it may need next: the best
// that one search can do, though every other guess is wrong. Here, it goes on with the next search meanwhile.

func before4(list []addr4, key addr4) (n int) {
	size := len(list)
	for size > 1 {
		half := size / 2
		_, less := bits.Sub64(uint64(list[n+half-1]), uint64(key), 0)
		n += half & -int(less)
		size -= half
	}
	if size == 1 && list[n] < key {
		n++
	}
	return n
}

func before6(list []addr6, key addr6) (n int) {
	size := len(list)
	for size > 1 {
		half := size / 2
		n += half & -list[n+half-1].before(key)
		size -= half
	}
	if size == 1 {
		n += list[n].before(key)
	}
	return n
}

// before returns 1 if a is before b, else 0.
func (a addr6) before(b addr6) int {
	_, less := bits.Sub64(a.low, b.low, 0)
	_, less = bits.Sub64(a.high, b.high, less)
	return int(less)
}
