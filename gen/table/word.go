package table

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A word is one that rows are to have.
type word struct {
	text   string    // in lower case
	ranges []between // in which the addresses lie that begin with it
	// begin is what the address must begin with in its usual form, too; "" if it is enough that it lies in the ranges.
	begin string
	exact netip.Addr // that the word is; the zero Addr if it is none
}

// between is all addresses from one to another.
type between struct{ from, to netip.Addr }

// fits reports whether an address in one of the ranges begins with w.
func (w *word) fits(a netip.Addr) bool {
	if w.begin == "" || a == w.exact {
		return true
	}
	var buf [48]byte
	return strings.HasPrefix(string(a.AppendTo(buf[:0])), w.begin)
}

// newWord returns the word for a text. An IPv6 address begins with it if it does in its usual form or, without a "::"
// in the word, with all groups written out, with or without zeros before them.
func newWord(text string) word {
	w := word{text: text}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		w.exact = a.Unmap()
		w.ranges = append(w.ranges, between{w.exact, w.exact})
	}
	w.addRanges(netip.IPv4Unspecified(), strings.Split(text, "."), 10)
	head, _, short := strings.Cut(text, "::")
	groups := strings.Split(head, ":")
	if short {
		w.begin = text
		groups = append(groups, "") // the group behind a ":", of which nothing is known
		if head == "" {
			groups = groups[1:]
		}
	}
	w.addRanges(netip.IPv6Unspecified(), groups, 16)
	return w
}

// addRanges adds the addresses that begin with groups of digits, of which the last may go on. Zero is an address of the
// family that is meant.
func (w *word) addRanges(zero netip.Addr, groups []string, base int) {
	first := zero.AsSlice()
	size, digits := 1, 3 // bytes of a group, and as how many digits it is written at most
	if zero.Is6() {
		size, digits = 2, 4
	}
	last := len(groups) - 1
	if len(groups)*size > len(first) {
		return
	}
	values := make([]int, len(groups))
	for i, g := range groups {
		value, err := strconv.ParseUint(g, base, 8*size)
		zeros := base == 10 && len(g) > 1 && g[0] == '0'
		if (err != nil || len(g) > digits || zeros) && (g != "" || i < last) {
			return
		}
		values[i] = int(value)
		put(first, size, i, values[i])
	}
	most := 1<<(8*size) - 1 // of a group
	add := func(from, to int) {
		end := slices.Clone(first)
		put(first, size, last, from)
		put(end, size, last, min(to, most))
		for i := size * (last + 1); i < len(end); i++ {
			end[i] = 0xff
		}
		a, _ := netip.AddrFromSlice(first)
		b, _ := netip.AddrFromSlice(end)
		w.ranges = append(w.ranges, between{a, b})
	}
	g, value := groups[last], values[last]
	if g == "" {
		add(0, most)
		return
	}
	for scale := 1; len(g) <= digits && value*scale <= most; scale *= base {
		add(value*scale, (value+1)*scale-1)
		if digits--; base == 10 && value == 0 {
			return // nothing goes on after it
		}
	}
}

// put sets a group of an address.
func put(addr []byte, size, group, value int) {
	addr[size*group+size-1] = byte(value)
	if size == 2 {
		addr[size*group] = byte(value >> 8)
	}
}
