// Package hostname knows what the name of a host may look like, and makes default hostnames from templates.
//
// A name is text in one canonical spelling: absolute, with the final dot; lower case; labels of 1 to 63 characters,
// each a letter of ASCII, a digit, "-", "_" or "/". The last two are in no host's name, but in those of classless
// zones (RFC 2317) and of services. No name ever needs an escape, so that its wire form is one byte longer than its
// text, and the limit of 255 octets (RFC 1035 section 2.3.4) is 254 bytes here. The root is not a name of a host.
//
// Check tests for that spelling, Absolute leads to it, and Template.Expand gives nothing else.
package hostname

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	maxName  = 254 // bytes of text, the final dot included
	maxLabel = 63
)

// Check returns nil if name is valid and canonical as the package comment says, else what is wrong with it. The
// error does not repeat the name.
func Check(name string) error { return check(name) }

// Absolute returns name in lower case (ASCII only) and with the final dot. It does not check anything else.
func Absolute(name string) string {
	name = lower(name)
	if len(name) > 0 && name[len(name)-1] == '.' {
		return name
	}
	return name + "."
}

func check[S string | []byte](name S) error {
	switch n := len(name); {
	case n == 0:
		return errors.New("the name is empty")
	case name[n-1] != '.':
		return errors.New("the name does not end with a dot")
	case n > maxName:
		return fmt.Errorf("the name is %d bytes long, more than %d", n, maxName)
	default:
		return checkLabels(name[:n-1])
	}
}

// checkLabels checks labels that dots separate; there is at least one.
func checkLabels[S string | []byte](s S) error {
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			if !legal(s[i]) {
				return errors.New(illegal(string(s[i:])))
			}
			continue
		}
		switch n := i - start; {
		case n == 0:
			return errors.New("a label is empty")
		case n > maxLabel:
			return fmt.Errorf("label %q is %d bytes long, more than %d", string(s[start:i]), n, maxLabel)
		}
		start = i + 1
	}
	return nil
}

// legal reports whether c may be in a label.
func legal(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '/'
}

// illegal describes the first character of s, which is not legal.
func illegal(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return fmt.Sprintf("character %q is not one of a-z, 0-9, -, _ and /", r)
}

// lower returns s with the capital letters of ASCII made small. It allocates only if there are any.
func lower(s string) string {
	for i := range len(s) {
		if isUpper(s[i]) {
			b := []byte(s)
			for ; i < len(b); i++ {
				if isUpper(b[i]) {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
