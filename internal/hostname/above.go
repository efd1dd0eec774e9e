package hostname

import (
	"net/netip"
	"strings"
)

// Suffix returns the labels at the end of the name that are the same for all values, with the final dot: the whole name
// if the template has no placeholder, "." if the last label has one.
func (t *Template) Suffix() string {
	last := t.parts[len(t.parts)-1].text
	if len(t.parts) == 1 {
		return last
	}
	_, labels, _ := strings.Cut(last, ".")
	if labels == "" {
		return "."
	}
	return labels
}

// Above reports whether name, absolute and in any case, is a proper ancestor of what t gives for some address of p. The
// template has placeholders for the address only, and is Invertible for p's family. Above does not allocate.
func (t *Template) Above(name string, p netip.Prefix) bool {
	m := matcher{rest: name, v6: p.Addr().Is6()}
	m.skip = t.labels(m.v6) - strings.Count(name, ".")
	if m.skip <= 0 {
		return false
	}
	for i := range t.parts {
		if !m.part(&t.parts[i]) {
			return false
		}
	}
	return m.rest == "" && m.in(p)
}

// labels returns how many labels the names of t have for addresses of a family.
func (t *Template) labels(v6 bool) int {
	n := 0
	for i := range t.parts {
		switch p := &t.parts[i]; {
		case p.kind == literal:
			n += strings.Count(p.text, ".")
		case p.kind == rev && v6:
			n += 31
		case p.kind == rev:
			n += 3
		}
	}
	return n
}

// A matcher compares the last labels of a template with a name, and collects the parts of the address that are in them.
type matcher struct {
	skip int    // labels of the template that come before those of the name
	rest string // of the name
	v6   bool

	addr, known [16]byte // known has the bits set that addr is known to have
}

func (m *matcher) part(p *part) bool {
	switch {
	case p.kind == literal:
		return m.text(p.text)
	case p.kind == octet:
		return m.octet(p, p.index)
	case m.v6:
		for i := range 32 {
			at := i
			if p.kind == rev {
				at = 31 - i
			}
			if i > 0 && (p.kind == rev || i%4 == 0) && !m.text(separator(p)) || !m.nibble(at) {
				return false
			}
		}
		return true
	}
	decimal := part{kind: octet, digits: 1}
	for i := range 4 {
		at := i
		if p.kind == rev {
			at = 3 - i
		}
		if i > 0 && !m.text(separator(p)) || !m.octet(&decimal, at) {
			return false
		}
	}
	return true
}

// separator returns what stands between the parts of an address in p.
func separator(p *part) string {
	if p.kind == rev {
		return "."
	}
	return "-"
}

// text takes literal text off the name, but for the labels to skip.
func (m *matcher) text(s string) bool {
	for ; m.skip > 0; m.skip-- {
		_, after, found := strings.Cut(s, ".")
		if !found {
			return true
		}
		s = after
	}
	if len(m.rest) < len(s) || !strings.EqualFold(m.rest[:len(s)], s) {
		return false
	}
	m.rest = m.rest[len(s):]
	return true
}

func (m *matcher) octet(p *part, index int) bool {
	if m.skip > 0 {
		return true
	}
	var digits [3]byte // in lower case
	n := copy(digits[:], m.rest)
	for i := range n {
		if isUpper(digits[i]) {
			digits[i] |= 0x20
		}
	}
	v, _, ok := p.cutOctet(string(digits[:n]))
	if !ok || m.v6 {
		return false
	}
	var buf [3]byte
	return m.text(string(p.appendOctet(buf[:0], v))) && m.learn(index, v, 0xff)
}

func (m *matcher) nibble(index int) bool {
	if m.skip > 0 {
		return true
	}
	if m.rest == "" {
		return false
	}
	c := m.rest[0]
	if isUpper(c) {
		c |= 0x20
	}
	if hex := (part{hex: true}); !hex.isDigit(c) {
		return false
	}
	m.rest = m.rest[1:]
	v := byte(digit(c))
	if index%2 == 0 {
		return m.learn(index/2, v<<4, 0xf0)
	}
	return m.learn(index/2, v, 0x0f)
}

// learn notes some bits of the address, and reports whether they agree with those that are known.
func (m *matcher) learn(index int, v, mask byte) bool {
	if (m.addr[index]^v)&m.known[index]&mask != 0 {
		return false
	}
	m.addr[index] |= v
	m.known[index] |= mask
	return true
}

// in reports whether p has addresses with the bits that are known.
func (m *matcher) in(p netip.Prefix) bool {
	var b [16]byte
	if p.Addr().Is4() {
		b4 := p.Addr().As4()
		copy(b[:], b4[:])
	} else {
		b = p.Addr().As16()
	}
	for i := range b {
		fixed := byte(0xff)
		if bits := p.Bits() - 8*i; bits <= 0 {
			break
		} else if bits < 8 {
			fixed <<= 8 - bits
		}
		if (b[i]^m.addr[i])&m.known[i]&fixed != 0 {
			return false
		}
	}
	return true
}
