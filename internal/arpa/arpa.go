// Package arpa turns addresses and prefixes into names of the reverse-mapping domain, and back.
//
// IPv4 lives below in-addr.arpa. with one label per octet (RFC 1035 section 3.5), IPv6 below ip6.arpa. with one
// label per nibble (RFC 3596 section 2.5), the last one first. Parse tells four kinds of names apart, because a
// server owes each a different answer: a complete name stands for one address, a partial one for a prefix and thus
// for an empty non-terminal if anything lies below it, a malformed one can never exist, and the rest is elsewhere.
//
// All functions are pure and safe for concurrent use. An IPv4-mapped IPv6 address is an IPv6 address here, and an
// IPv6 zone has no meaning in DNS and is ignored.
package arpa

import (
	"bytes"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"
)

const (
	root4 = "in-addr.arpa."
	root6 = "ip6.arpa."

	digits = "0123456789abcdef"

	maxLen = 2*32 + len(root6) // bytes of the longest name that is written here
)

// A Form says what a name means in the reverse-mapping domain.
type Form uint8

const (
	Outside   Form = iota // not at or below in-addr.arpa. or ip6.arpa.
	Malformed             // below one of them, but no address has such a name: 001, 256, a fifth octet, a 33rd nibble
	Partial               // a prefix shorter than an address, the root of a tree included
	Complete              // one address
)

// String returns the form's name in lower case.
func (f Form) String() string {
	switch f {
	case Outside:
		return "outside"
	case Malformed:
		return "malformed"
	case Partial:
		return "partial"
	case Complete:
		return "complete"
	}
	return "Form(" + strconv.Itoa(int(f)) + ")"
}

// Name returns the owner name of a's PTR: "10.2.0.192.in-addr.arpa.". It panics if a is the zero Addr.
func Name(a netip.Addr) string {
	return string(AppendName(make([]byte, 0, maxLen), a))
}

// AppendName appends Name(a) to dst and returns the extended buffer. It does not allocate if dst has room for 73
// bytes. It panics if a is the zero Addr.
func AppendName(dst []byte, a netip.Addr) []byte {
	return appendName(dst, a, a.BitLen())
}

// ZoneName returns the name of the zone for p: "2.0.192.in-addr.arpa." for 192.0.2.0/24. Bits below the prefix
// length are ignored. It panics unless p is valid and on a label boundary: a multiple of 8 bits (IPv4) or 4 (IPv6).
func ZoneName(p netip.Prefix) string {
	if !p.IsValid() || p.Bits()%labelBits(p.Addr()) != 0 {
		panic(fmt.Sprintf("arpa: %v is not on a label boundary", p))
	}
	return string(appendName(make([]byte, 0, maxLen), p.Addr(), p.Bits()))
}

// Cut returns the prefixes that p is delegated as, in ascending order: those at the next label boundary, so that an
// IPv4 /20 gives 16 prefixes of /24 and an IPv6 /29 eight of /32. A prefix on a boundary gives itself, and so does
// an IPv4 prefix longer than /24, which is one classless zone (RFC 2317). The zero Prefix gives nothing.
func Cut(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if !p.IsValid() {
			return
		}
		p = p.Masked()
		label := labelBits(p.Addr())
		bits := (p.Bits() + label - 1) / label * label
		if bits == p.Bits() || p.Addr().Is4() && bits == 32 {
			yield(p)
			return
		}
		// The bits between p's length and the boundary are in one label, and so in one byte.
		b := p.Addr().AsSlice()
		i := (bits - 1) / 8
		first, step := b[i], 1<<(8*(i+1)-bits)
		for n := range 1 << (bits - p.Bits()) {
			b[i] = first + byte(n*step)
			a, _ := netip.AddrFromSlice(b)
			if !yield(netip.PrefixFrom(a, bits)) {
				return
			}
		}
	}
}

// Last returns the last address of p, whose name is the longest: each of its octets is the highest that p has there.
// The zero Prefix gives the zero Addr.
func Last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i >= 0 && i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Parse returns what name means, and the prefix that it stands for if it is Partial or Complete (then a single
// address); else the zero Prefix. The name is in presentation format and must end with the final dot, else it is
// Outside. ASCII case does not matter. Only the spelling of Name is well-formed: a label with an escape ("\049") is
// Malformed even where it means the same. Parse does not allocate.
func Parse(name string) (netip.Prefix, Form) {
	labels, ok := below(name, root4)
	p := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if !ok {
		if labels, ok = below(name, root6); !ok {
			return netip.Prefix{}, Outside
		}
		p = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	if labels == "" {
		return p, Partial
	}
	p, ok = Extend(p, labels[:len(labels)-1])
	switch {
	case !ok || len(labels) == 1: // a lone dot: an empty label
		return netip.Prefix{}, Malformed
	case p.IsSingleIP():
		return p, Complete
	}
	return p, Partial
}

// below returns the part of name left of root, its last dot included, and whether name is at or below root.
func below(name, root string) (labels string, ok bool) {
	n := len(name) - len(root)
	if n < 0 || name[n:] != root && (name[n]|0x20 != root[0] || !strings.EqualFold(name[n:], root)) {
		return "", false
	}
	labels = name[:n]
	if n == 0 {
		return "", true
	}
	if labels[n-1] != '.' {
		return "", false
	}
	// A dot after an odd number of backslashes is part of a label: "x\.in-addr.arpa." is a child of arpa.
	escapes := n - 1 - len(strings.TrimRight(labels[:n-1], `\`))
	return labels, escapes%2 == 0
}

// Extend returns p made longer by labels, the labels left of p's own name without a final dot: 192.0.0.0/16 and
// "10.2" give 192.0.2.10/32. No labels at all give p. It returns false if a label is malformed, if there are more
// than an address has, or if p is invalid or not on a label boundary. The bits of p below its length must be zero.
// ASCII case does not matter. Extend does not allocate.
func Extend(p netip.Prefix, labels string) (netip.Prefix, bool) {
	switch {
	case !p.IsValid():
		return netip.Prefix{}, false
	case p.Addr().Is4():
		return extend4(p, labels)
	default:
		return extend6(p, labels)
	}
}

func extend4(p netip.Prefix, labels string) (netip.Prefix, bool) {
	i := p.Bits() / 8
	if p.Bits()%8 != 0 {
		return netip.Prefix{}, false
	}
	b := p.Addr().As4()
	for ; labels != ""; i++ {
		v, start, ok := octet(labels)
		if !ok || i == len(b) || start == 1 { // before the dot at 0 is an empty label
			return netip.Prefix{}, false
		}
		b[i] = v
		labels = labels[:max(0, start-1)]
	}
	return netip.PrefixFrom(netip.AddrFrom4(b), 8*i), true
}

// octet returns the value of the last label of s, which must be a decimal number from 0 to 255 without leading zeros,
// and where it starts.
func octet(s string) (v byte, start int, ok bool) {
	sum, unit := 0, 1
	for start = len(s); start > 0 && s[start-1] != '.'; start-- {
		digit := int(s[start-1]) - '0'
		if digit < 0 || digit > 9 || unit > 100 {
			return 0, 0, false
		}
		sum += unit * digit
		unit *= 10
	}
	n := len(s) - start
	return byte(sum), start, n == 1 || n > 1 && s[start] != '0' && sum <= 255
}

func extend6(p netip.Prefix, labels string) (netip.Prefix, bool) {
	i := p.Bits() / 4
	n := (len(labels) + 1) / 2 // labels, each of one character
	if p.Bits()%4 != 0 || n > 32-i || labels != "" && len(labels)%2 == 0 {
		return netip.Prefix{}, false
	}
	b := p.Addr().As16()
	for labels != "" {
		at := len(labels) - 1
		if i%2 == 0 && at >= 3 { // two labels are a byte, and so are nearly all
			l := labels[at-3:]
			high, low := nibbles[l[3]], nibbles[l[1]]
			if high|low > 0xf || l[0] != '.' || l[2] != '.' {
				return netip.Prefix{}, false
			}
			b[i/2] = high<<4 | low
			labels = labels[:at-3]
			i += 2
			continue
		}
		v := nibbles[labels[at]]
		if v > 0xf || at > 0 && labels[at-1] != '.' {
			return netip.Prefix{}, false
		}
		if i%2 == 0 {
			v <<= 4
		}
		b[i/2] |= v
		labels = labels[:max(0, at-1)]
		i++
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 4*i), true
}

// nibbles has the value of each hexadecimal digit of either case, and for all other bytes one that no digit has.
var nibbles = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for v, c := range []byte(digits) {
		table[c], table[bytes.ToUpper([]byte{c})[0]] = byte(v), byte(v)
	}
	return table
}()

// appendName appends the name of the first bits of a, which end on a label boundary.
func appendName(dst []byte, a netip.Addr, bits int) []byte {
	switch {
	case a.Is4():
		b := a.As4()
		for i := bits/8 - 1; i >= 0; i-- {
			dst = strconv.AppendUint(dst, uint64(b[i]), 10)
			dst = append(dst, '.')
		}
		return append(dst, root4...)
	case a.Is6():
		b := a.As16()
		for i := bits/4 - 1; i >= 0; i-- {
			v := b[i/2]
			if i%2 == 0 {
				v >>= 4
			}
			dst = append(dst, digits[v&0xf], '.')
		}
		return append(dst, root6...)
	}
	panic("arpa: name of the zero Addr")
}

// labelBits returns how many bits of a one label holds.
func labelBits(a netip.Addr) int {
	if a.Is4() {
		return 8
	}
	return 4
}
