package hostname

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Invertible returns nil if each name that t gives for addresses of the family (v6 or IPv4) determines the address,
// or the server if t holds no address at all; else the reason why not. Values are taken to be single labels here.
//
// It accepts what can be read from left to right without ever guessing: an address of fixed width ({a:03}, {b:02x},
// {ip} and {rev} of IPv6) anywhere, one of variable width before literal text that does not start with a digit, and
// {server}, {product} and {account} as the last placeholder of a label.
func (t *Template) Invertible(v6 bool) error {
	if v6 {
		return t.lost6
	}
	return t.lost4
}

// Invert returns the values for which Expand gives name, and false if there are none or if t is not Invertible for
// them. Only values of single labels are found. Addr is valid if and only if t holds an address. ASCII case does not
// matter, and the values are in lower case; they share memory with name if that is in lower case too.
func (t *Template) Invert(name string) (Values, bool) {
	if len(name) > maxName {
		return Values{}, false
	}
	name = lower(name)
	if t.lost4 == nil {
		if v, ok := t.match(name, false); ok {
			return v, true
		}
	}
	if t.lost6 == nil {
		return t.match(name, true)
	}
	return Values{}, false
}

// lost returns why Invert cannot get back what Expand put into a name for an address of the family.
func (t *Template) lost(v6 bool) error {
	var octets [4]bool
	address, named := false, false
	for i := range t.parts {
		p := &t.parts[i]
		switch p.kind {
		case variable:
			return fmt.Errorf("{%s} is not bound", p.text)
		case server, product, account:
			if !strings.Contains(t.after(i), ".") {
				return fmt.Errorf("where {%s} ends is not certain: another placeholder follows in the same label", p.text)
			}
			named = named || p.kind == server
		case octet, ip, rev:
			if v6 && p.kind == octet {
				return fmt.Errorf("{%s} is an octet of IPv4", p.text)
			}
			after := t.after(i)
			if !p.fixed(v6) && (after == "" || p.isDigit(after[0])) {
				return fmt.Errorf("where {%s} ends is not certain: a digit can follow", p.text)
			}
			if p.kind == octet {
				octets[p.index] = true
			} else {
				address = true
			}
		}
	}
	switch {
	case address || octets == [4]bool{true, true, true, true}:
		return nil
	case octets != [4]bool{}:
		return errors.New("only some of {a}, {b}, {c} and {d} are in it")
	case !named:
		return errors.New("neither an address nor {server} is in it")
	}
	return nil
}

// fixed reports whether all values of p, a placeholder for an address, have the same width.
func (p *part) fixed(v6 bool) bool {
	return v6 || p.kind == octet && p.digits >= p.width()
}

// width returns how many digits the octet p has at most.
func (p *part) width() int {
	if p.hex {
		return max(p.digits, 2)
	}
	return 3
}

// isDigit reports whether c, in lower case, can be in a value of p.
func (p *part) isDigit(c byte) bool {
	return '0' <= c && c <= '9' || p.hex && 'a' <= c && c <= 'f'
}

// match takes name apart and compares what the values expand to with it. So the steps before only have to find the
// right values where there are any: what they accept too easily, like leading zeros, is refused at the end.
func (t *Template) match(name string, v6 bool) (Values, bool) {
	var (
		v       Values
		b       [16]byte // the address; IPv4 in the first four
		address bool
		rest    = name
	)
	for i := range t.parts {
		ok := true
		switch p := &t.parts[i]; p.kind {
		case literal:
			rest, ok = strings.CutPrefix(rest, p.text)
		case server:
			v.Server, rest, ok = cutValue(rest, t.after(i))
		case product:
			v.Product, rest, ok = cutValue(rest, t.after(i))
		case account:
			v.Account, rest, ok = cutValue(rest, t.after(i))
		default:
			address = true
			rest, ok = p.cutAddr(rest, &b, v6)
		}
		if !ok {
			return Values{}, false
		}
	}
	if v6 {
		v.Addr = netip.AddrFrom16(b)
	} else {
		v.Addr = netip.AddrFrom4([4]byte(b[:4]))
	}
	var buf [maxName]byte
	if again, err := t.Append(buf[:0], v); err != nil || string(again) != name {
		return Values{}, false
	}
	if !address {
		v.Addr = netip.Addr{}
	}
	return v, true
}

// cutValue cuts a value off s: what is before the part of after, the literal that follows, in the same label.
func cutValue(s, after string) (value, rest string, ok bool) {
	label, _, _ := strings.Cut(s, ".")
	end, _, _ := strings.Cut(after, ".")
	value, ok = strings.CutSuffix(label, end)
	return value, s[len(value):], ok
}

// cutAddr cuts a value of p off s and stores the octet, or the whole address, in b.
func (p *part) cutAddr(s string, b *[16]byte, v6 bool) (rest string, ok bool) {
	switch {
	case p.kind == octet:
		b[p.index], rest, ok = p.cutOctet(s)
		return rest, ok
	case v6 && p.kind == ip:
		return cutNibbles(s, b, 39, func(i int) int { return i + i/4 })
	case v6:
		return cutNibbles(s, b, 63, func(i int) int { return 2 * (31 - i) })
	}
	for i := range 4 {
		at := i
		if p.kind == rev {
			at = 3 - i
		}
		if i > 0 {
			if s == "" {
				return "", false
			}
			s = s[1:] // the separator
		}
		if b[at], s, ok = p.cutOctet(s); !ok {
			return "", false
		}
	}
	return s, true
}

// cutOctet cuts as many digits off s as an octet can have.
func (p *part) cutOctet(s string) (octet byte, rest string, ok bool) {
	base := 10
	if p.hex {
		base = 16
	}
	v, n := 0, 0
	for n < min(len(s), p.width()) && p.isDigit(s[n]) {
		v = base*v + digit(s[n])
		n++
	}
	return byte(v), s[n:], n > 0 && v <= 255
}

// cutNibbles cuts an IPv6 address of size bytes off s; place gives where the nibble of index i is.
func cutNibbles(s string, b *[16]byte, size int, place func(i int) int) (rest string, ok bool) {
	if len(s) < size {
		return "", false
	}
	hex := part{hex: true}
	for i := range b {
		high, low := s[place(2*i)], s[place(2*i+1)]
		if !hex.isDigit(high) || !hex.isDigit(low) {
			return "", false
		}
		b[i] = byte(digit(high)<<4 | digit(low))
	}
	return s[size:], true
}

// digit returns the value of the hexadecimal digit c, in lower case.
func digit(c byte) int {
	if c <= '9' {
		return int(c - '0')
	}
	return int(c-'a') + 10
}
