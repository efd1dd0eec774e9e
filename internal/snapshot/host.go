package snapshot

import (
	"cmp"
	"iter"
	"net/netip"
	"strings"
)

// A Host is a name of a forward zone and its addresses. It is part of its Reader, which stays in memory as long as it.
type Host struct {
	r  *Reader
	at int // where the record starts in r.hosts
}

// A hostRecord starts with a record of the hosts section.
type hostRecord []byte

func (h hostRecord) labels() string { return alias(h[1 : 1+int(h[0])]) }

func (h hostRecord) counts() (n4, n6 int) {
	at := 1 + int(h[0])
	return int(h[at]), int(h[at+1])
}

func (h hostRecord) len() int {
	n4, n6 := h.counts()
	return n4 + n6
}

// size returns the size of the record.
func (h hostRecord) size() int {
	n4, n6 := h.counts()
	return 3 + int(h[0]) + 4*n4 + 16*n6
}

func (h hostRecord) addr(i int) netip.Addr {
	n4, _ := h.counts()
	b := h[3+int(h[0]):]
	if i < n4 {
		return netip.AddrFrom4([4]byte(b[4*i:]))
	}
	return netip.AddrFrom16([16]byte(b[4*n4+16*(i-n4):]))
}

// Host returns the host of z, which must be one of r.Zones, with the given labels below the apex, without a final dot
// and in any case; "" is the apex. It does not allocate.
func (r *Reader) Host(z *Zone, name string) (Host, bool) {
	i := r.searchHost(z, name)
	if i == z.found.firstHost+z.found.hosts {
		return Host{}, false
	}
	h := r.host(i)
	if h.compare(name) != 0 {
		return Host{}, false
	}
	return h, true
}

// HostBelow reports whether z, which must be one of r.Zones, has a host below the name with the given labels below
// the apex, without a final dot and in any case; "" is the apex. It does not allocate.
func (r *Reader) HostBelow(z *Zone, name string) bool {
	// The names below another one follow it directly.
	i, end := r.searchHost(z, name), z.found.firstHost+z.found.hosts
	if i < end && r.host(i).compare(name) == 0 {
		i++
	}
	if i == end || name == "" {
		return i < end
	}
	return r.host(i).below(name)
}

// Hosts returns the hosts of z, which must be one of r.Zones, in the order of CompareNames.
func (r *Reader) Hosts(z *Zone) iter.Seq[Host] {
	return func(yield func(Host) bool) {
		var p pace
		for i := z.found.firstHost; i < z.found.firstHost+z.found.hosts; i++ {
			p.step(i)
			if !yield(r.host(i)) {
				return
			}
		}
	}
}

// HostCount returns the number of hosts in all zones.
func (r *Reader) HostCount() int { return len(r.hostOffsets) / 4 }

// searchHost returns the index of the first host of z that is not before name, or that after z's last one.
func (r *Reader) searchHost(z *Zone, name string) int {
	lo, hi := z.found.firstHost, z.found.firstHost+z.found.hosts
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if r.host(mid).compare(name) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// CompareNames compares two names in lower case, both absolute or both relative to the same apex, in the canonical
// order of DNS (RFC 4034 section 6.1): label by label from the right, a name before those below it.
func CompareNames(a, b string) int { return compareFolded(a, b) }

// compareFolded is CompareNames without regard to the case of b.
func compareFolded(a, b string) int {
	for {
		i, j := strings.LastIndexByte(a, '.'), strings.LastIndexByte(b, '.')
		if c := compareLabels(a[i+1:], b[j+1:]); c != 0 {
			return c
		}
		if i < 0 || j < 0 {
			return cmp.Compare(i, j) // the one without more labels first
		}
		a, b = a[:i], b[:j]
	}
}

func compareLabels(a, b string) int {
	for i := range min(len(a), len(b)) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if a[i] != c {
			return cmp.Compare(a[i], c)
		}
	}
	return cmp.Compare(len(a), len(b))
}
