package hostname

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Template makes one name for each server or address: literal text with placeholders in braces.
//
//	{server} {product} {account}  the Values of that name
//	{a} {b} {c} {d}               the octets of an IPv4 address, first to last, in decimal
//	{a:03} {a:x} {a:02x}          the same with at least that many digits (1 to 3), in hexadecimal, or both
//	{ip}                          IPv4 192-0-2-10, IPv6 2001-0db8-0000-0000-0000-0000-0000-0001
//	{rev}                         the labels of the reverse name: IPv4 10.2.0.192, IPv6 32 nibbles
//	{var.NAME}                    text that Bind puts in; NAME is letters, digits, "_" and "-"
//
// Literal text consists of the characters of names, and braces cannot be escaped.
//
// A Template is immutable and safe for concurrent use. Templates come from Parse and Bind; the zero Template is not
// valid.
type Template struct {
	text  string
	parts []part // the last one is a literal: every name ends with a dot

	// What Invertible returns for IPv4 and IPv6.
	lost4, lost6 error
}

// A part is a piece of literal text or a placeholder.
type part struct {
	kind kind
	text string // the literal text, or the placeholder's name: "server", "a", "var.region"

	// Of an octet:
	index  int // in the address, from 0
	digits int // at least that many, from 1
	hex    bool
}

type kind uint8

const (
	literal kind = iota
	server
	product
	account
	octet
	ip
	rev
	variable
)

// Values are what a Template is expanded with. Those that it has no placeholder for are ignored.
type Values struct {
	Addr netip.Addr // an IPv4-mapped address counts as IPv6; a zone is ignored

	// One or more labels, in lower case and without a final dot.
	Server, Product, Account string
}

// A SyntaxError says why a text is not a template.
type SyntaxError struct {
	Offset int    // bytes in the text before the place that is wrong
	Msg    string // one line, lower case, no final period
}

// Error returns the message and the offset.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Msg, e.Offset) }

// Parse returns the template that s describes. Capital letters of ASCII in literal text become small ones, and a
// missing final dot is added. The error is a *SyntaxError; a text that cannot give any valid name is an error too.
func Parse(s string) (*Template, error) {
	var t Template
	var text []byte     // literal text that is not in t.parts yet
	label, size := 0, 0 // bytes of the current label and of the name, at least
	labelAt := 0        // offset of the current label
	for i := 0; i < len(s); size++ {
		c, next := s[i], i+1
		if isUpper(c) {
			c |= 0x20
		}
		switch {
		case legal(c):
			text = append(text, c)
			label++
		case c == '.':
			if label == 0 {
				return nil, &SyntaxError{i, "a label is empty"}
			}
			text = append(text, '.')
			label, labelAt = 0, next
		case c == '{':
			n := strings.IndexAny(s[next:], "{}")
			if n < 0 || s[next+n] == '{' {
				return nil, &SyntaxError{i, "{ without }"}
			}
			p, err := parsePlaceholder(s[next:next+n], next)
			if err != nil {
				return nil, err
			}
			t.addLiteral(text)
			t.add(p)
			text = text[:0]
			label++
			next += n + 1
		case c == '}':
			return nil, &SyntaxError{i, "} without {"}
		default:
			return nil, &SyntaxError{i, illegal(s[i:])}
		}
		if label > maxLabel {
			return nil, &SyntaxError{labelAt, fmt.Sprintf("the label is longer than %d bytes", maxLabel)}
		}
		i = next
	}
	if label > 0 {
		text = append(text, '.')
		size++
	}
	switch {
	case size == 0:
		return nil, &SyntaxError{0, "the template is empty"}
	case size > maxName:
		return nil, &SyntaxError{0, fmt.Sprintf("the name is longer than %d bytes", maxName)}
	}
	t.addLiteral(text)
	t.lost4, t.lost6 = t.lost(false), t.lost(true)
	return &t, nil
}

func (t *Template) addLiteral(text []byte) {
	if len(text) > 0 {
		t.add(part{text: string(text)})
	}
}

func (t *Template) add(p part) {
	t.parts = append(t.parts, p)
	t.text += p.String()
}

// parsePlaceholder parses what is between the braces; it begins at offset.
func parsePlaceholder(s string, offset int) (part, error) {
	name, format, formatted := strings.Cut(s, ":")
	p := part{text: name, digits: 1}
	switch name {
	case "server":
		p.kind = server
	case "product":
		p.kind = product
	case "account":
		p.kind = account
	case "a", "b", "c", "d":
		p.kind = octet
		p.index = int(name[0] - 'a')
	case "ip":
		p.kind = ip
	case "rev":
		p.kind = rev
	default:
		v, ok := strings.CutPrefix(name, "var.")
		if !ok {
			return part{}, &SyntaxError{offset, fmt.Sprintf("unknown placeholder %q: "+
				"there are {server}, {product}, {account}, {a}, {b}, {c}, {d}, {ip}, {rev} and {var.NAME}", name)}
		}
		if !IsVariable(v) {
			return part{}, &SyntaxError{offset, fmt.Sprintf(
				"%q does not name a variable: the name after var. consists of letters, digits, _ and -", name)}
		}
		p.kind = variable
	}
	switch {
	case !formatted:
		return p, nil
	case p.kind != octet:
		return part{}, &SyntaxError{offset + len(name), fmt.Sprintf(
			"{%s} takes no format, only {a}, {b}, {c} and {d} do", name)}
	}
	width, hex := strings.CutSuffix(format, "x")
	p.hex = hex
	switch width {
	case "01", "02", "03":
		p.digits = int(width[1] - '0')
	default:
		if width != "" || !hex {
			return part{}, &SyntaxError{offset + len(name) + 1, fmt.Sprintf(
				"unknown format %q: there are 01, 02 and 03 (digits, padded with zeros), x (hexadecimal), "+
					"and both together as in 02x", format)}
		}
	}
	return p, nil
}

// IsVariable reports whether name can be the NAME of {var.NAME}.
func IsVariable(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// String returns the template's canonical text: Parse of it gives an equal template.
func (t *Template) String() string { return t.text }

// String returns p as it is written in a template.
func (p *part) String() string {
	if p.kind == literal {
		return p.text
	}
	var format string
	if p.digits > 1 {
		format = ":0" + strconv.Itoa(p.digits)
	}
	if p.hex {
		if format == "" {
			format = ":"
		}
		format += "x"
	}
	return "{" + p.text + format + "}"
}

// Placeholders returns the names of the placeholders, without formats, in order of appearance: "server", "a",
// "var.region". One that appears twice is there twice.
func (t *Template) Placeholders() []string {
	var names []string
	for _, p := range t.parts {
		if p.kind != literal {
			names = append(names, p.text)
		}
	}
	return names
}

// Bind returns t with each {var.NAME} replaced by vars[NAME] as literal text. The value may be part of a label or
// several labels, and a final dot where a dot follows is dropped, so that a variable can hold a domain in either
// spelling. The error names the variable that is not set, or whose value cannot be in a name.
func (t *Template) Bind(vars map[string]string) (*Template, error) {
	var s strings.Builder
	bound := false
	for i, p := range t.parts {
		if p.kind != variable {
			s.WriteString(p.String())
			continue
		}
		bound = true
		name := strings.TrimPrefix(p.text, "var.")
		value, ok := vars[name]
		if !ok {
			return nil, fmt.Errorf("variable %q is not set", name)
		}
		if strings.HasPrefix(t.after(i), ".") {
			value = strings.TrimSuffix(value, ".")
		}
		if value == "" {
			return nil, fmt.Errorf("variable %q is empty", name)
		}
		for i := range len(value) {
			if c := value[i]; c != '.' && !legal(c) && !isUpper(c) {
				return nil, fmt.Errorf("variable %q: %s", name, illegal(value[i:]))
			}
		}
		s.WriteString(value)
	}
	if !bound {
		return t, nil
	}
	b, err := Parse(s.String())
	if err != nil {
		return nil, fmt.Errorf("template %q with its variables: %w", s.String(), err)
	}
	return b, nil
}

// Expand returns the name that t gives for v; it is valid for Check. The error says which value of v is missing,
// unfit or of the wrong family, or which label of the name gets too long.
func (t *Template) Expand(v Values) (string, error) {
	name, err := t.Append(make([]byte, 0, maxName), v)
	return string(name), err
}

// Append appends what Expand returns to dst and returns the extended buffer; on error, dst as it was. It does not
// allocate if it succeeds and dst has room.
func (t *Template) Append(dst []byte, v Values) ([]byte, error) {
	name := dst
	for i := range t.parts {
		var err error
		if name, err = t.parts[i].append(name, &v); err != nil {
			return dst, err
		}
	}
	if err := check(name[len(dst):]); err != nil {
		return dst, fmt.Errorf("expand %q: %w", t.text, err)
	}
	return name, nil
}

func (p *part) append(dst []byte, v *Values) ([]byte, error) {
	switch p.kind {
	case literal:
		return append(dst, p.text...), nil
	case variable:
		return nil, fmt.Errorf("{%s} is not bound", p.text)
	case server:
		return p.appendValue(dst, v.Server)
	case product:
		return p.appendValue(dst, v.Product)
	case account:
		return p.appendValue(dst, v.Account)
	}
	if !v.Addr.IsValid() {
		return nil, fmt.Errorf("{%s} needs an address", p.text)
	}
	if v.Addr.Is4() {
		b := v.Addr.As4()
		switch p.kind {
		case octet:
			return p.appendOctet(dst, b[p.index]), nil
		case ip:
			return appendOctets(dst, b[0], b[1], b[2], b[3], '-'), nil
		default:
			return appendOctets(dst, b[3], b[2], b[1], b[0], '.'), nil
		}
	}
	if p.kind == octet {
		return nil, fmt.Errorf("{%s} is an octet of IPv4, and %v is IPv6", p.text, v.Addr)
	}
	b := v.Addr.As16()
	for i := range 32 {
		if p.kind == ip {
			if i > 0 && i%4 == 0 {
				dst = append(dst, '-')
			}
			dst = append(dst, hexDigits[nibble(b, i)])
			continue
		}
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, hexDigits[nibble(b, 31-i)])
	}
	return dst, nil
}

const hexDigits = "0123456789abcdef"

// nibble returns the nibble of index i in b.
func nibble(b [16]byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xf
}

func (p *part) appendValue(dst []byte, value string) ([]byte, error) {
	if value == "" {
		return nil, fmt.Errorf("%s is not set", p.text)
	}
	if err := checkLabels(value); err != nil {
		return nil, fmt.Errorf("%s %q: %w", p.text, value, err)
	}
	return append(dst, value...), nil
}

func (p *part) appendOctet(dst []byte, v byte) []byte {
	base := 10
	if p.hex {
		base = 16
	}
	var buf [3]byte
	s := strconv.AppendUint(buf[:0], uint64(v), base)
	dst = append(dst, "00"[:max(0, p.digits-len(s))]...)
	return append(dst, s...)
}

func appendOctets(dst []byte, a, b, c, d, separator byte) []byte {
	for i, v := range [4]byte{a, b, c, d} {
		if i > 0 {
			dst = append(dst, separator)
		}
		dst = strconv.AppendUint(dst, uint64(v), 10)
	}
	return dst
}

// after returns the literal text that follows the placeholder t.parts[i], "" if another placeholder does.
func (t *Template) after(i int) string {
	if next := t.parts[i+1]; next.kind == literal {
		return next.text
	}
	return ""
}
