package model

import (
	"net/netip"
	"sort"
)

// A nest is a list of prefixes in the order of comparePrefixes, some of which may lie inside others.
type nest []nested

// nested is a prefix, and the index of the smallest one of the list around it, -1 if there is none.
type nested struct {
	netip.Prefix
	outer int
}

func newNest[T any](list []T, prefix func(T) netip.Prefix) nest {
	n := make(nest, len(list))
	for i, x := range list {
		p := prefix(x)
		outer := i - 1
		for outer >= 0 && !n[outer].Contains(p.Addr()) {
			outer = n[outer].outer
		}
		n[i] = nested{p, outer}
	}
	return n
}

// last returns the index of the last prefix that begins at or before addr, -1 if none does.
func (n nest) last(addr netip.Addr) int {
	return sort.Search(len(n), func(i int) bool { return n[i].Addr().Compare(addr) > 0 }) - 1
}

// next returns the same as last, looking on from what it was for an earlier address.
func (n nest) next(last int, addr netip.Addr) int {
	for last+1 < len(n) && n[last+1].Addr().Compare(addr) <= 0 {
		last++
	}
	return last
}

// smallest returns the index of the smallest prefix that holds p, -1 if none does. Last is last(p.Addr()). If several
// are equal, it is the last of them.
func (n nest) smallest(last int, p netip.Prefix) int {
	i := last
	for i >= 0 && (!n[i].Contains(p.Addr()) || n[i].Bits() > p.Bits()) {
		i = n[i].outer
	}
	return i
}
