package lint

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// What a hash is of. The hashes of things of different kinds differ.
const (
	ofAddress = iota + 1
	ofRouted
	ofServer
	ofAccount
	ofDefault
	ofName4
	ofName6
)

// hash returns a hash of s that is the same in all runs. It is no defence against people who look for strings with the
// same hash: those just cost time.
func hash(kind uint64, s string) uint64 {
	h := mix(kind, uint64(len(s)))
	for ; len(s) > 8; s = s[8:] {
		h = mix(h^binary.LittleEndian.Uint64([]byte(s[:8])), 0)
	}
	var tail [8]byte
	copy(tail[:], s)
	return mix(h^binary.LittleEndian.Uint64(tail[:]), 0)
}

// hashPrefix returns a hash of p that is the same in all runs.
func hashPrefix(kind uint64, p netip.Prefix) uint64 {
	a := p.Addr().As16()
	return mix(mix(kind<<8|uint64(p.Bits()), binary.LittleEndian.Uint64(a[:8])), binary.LittleEndian.Uint64(a[8:]))
}

// mix returns a number in which each bit of a and b matters to each bit.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	high, low = bits.Mul64(high^low^a, 0x8ebc6af09c88c6e3)
	return high ^ low
}
