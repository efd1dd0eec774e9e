package authority

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// A prefixTable finds nodes by the prefixes whose names they have: a hash table that takes a fraction of the time of a
// map with such keys, and that tells where a question will have to look.
type prefixTable struct {
	slots []prefixSlot // a power of two of them, of which no more than two thirds are in use
	shift int          // of a hash to the index of a slot
}

// A prefixSlot is free if its node is nil.
type prefixSlot struct {
	key  prefixKey
	node *node
}

// A prefixKey is a prefix in numbers.
type prefixKey struct {
	high, low uint64 // the address; an IPv4 one is the first half of high
	length    int    // in bits; of IPv4, 256 more
}

const length4 = 256

func keyOf(p netip.Prefix) prefixKey {
	if p.Addr().Is4() {
		b := p.Addr().As4()
		return prefixKey{high: uint64(binary.BigEndian.Uint32(b[:])) << 32, length: length4 + p.Bits()}
	}
	b := p.Addr().As16()
	return prefixKey{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:]), p.Bits()}
}

// first returns the key of the first bits of k, which has no fewer.
func (k prefixKey) first(n int) prefixKey {
	// Shifts by 64 and more leave nothing.
	k.high &= ^(^uint64(0) >> n)
	k.low &= ^(^uint64(0) >> max(0, n-64))
	k.length = k.length&length4 | n
	return k
}

// newPrefixTable returns a table with room for n nodes.
func newPrefixTable(n int) prefixTable {
	size := bits.Len(uint(n + n/2))
	return prefixTable{make([]prefixSlot, 1<<size), 64 - size}
}

// slot returns the slot of k, or the free one where it would be.
func (t *prefixTable) slot(k prefixKey) *prefixSlot {
	for i := t.index(k); ; i++ {
		s := &t.slots[i&(len(t.slots)-1)]
		if s.node == nil || s.key == k {
			return s
		}
	}
}

// index returns where the slot of k is, or the first of those before it.
func (t *prefixTable) index(k prefixKey) int {
	const odd = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: nearby prefixes get far apart
	h := (k.high + uint64(k.length)) * odd
	h = (h ^ h>>32 ^ k.low) * odd
	return int(h >> t.shift)
}

func (t *prefixTable) add(p netip.Prefix, n *node) { *t.slot(keyOf(p)) = prefixSlot{keyOf(p), n} }

// find returns the node with the name of the prefix, nil if there is none.
func (t *prefixTable) find(k prefixKey) *node { return t.slot(k).node }
