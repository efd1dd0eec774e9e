package fastpath

import (
	"net/netip"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
)

// A scope is all names at or below one.
type scope struct {
	name   string
	prefix netip.Prefix // whose name it is, if it is one
	all    bool         // the names of all prefixes are in it
}

func scopes(names []string) []scope {
	list := make([]scope, len(names))
	for i, name := range names {
		p, _ := arpa.Parse(name)
		list[i] = scope{name, p, name == "." || name == "arpa."}
	}
	return list
}

// longest returns the index of the scope with the longest name that qname, in lower case, is in; -1 if there is none.
func longest(list []scope, qname string) int {
	found := -1
	for i := range list {
		if list[i].contains(qname) && (found < 0 || len(list[i].name) > len(list[found].name)) {
			found = i
		}
	}
	return found
}

func (s *scope) contains(qname string) bool {
	n := len(qname) - len(s.name)
	return s.name == "." || strings.HasSuffix(qname, s.name) && (n == 0 || qname[n-1] == '.' && !escaped(qname, n-1))
}

// escaped reports whether the character at an offset is part of a label, because of the backslash before it.
func escaped(name string, at int) bool {
	before := strings.TrimRight(name[:at], `\`)
	return (at-len(before))%2 == 1
}

// around is longest for the name of p.
func around(list []scope, p netip.Prefix) int {
	found := -1
	for i := range list {
		s := &list[i]
		if (s.all || s.prefix.Bits() <= p.Bits() && s.prefix.Contains(p.Addr())) &&
			(found < 0 || len(s.name) > len(list[found].name)) {
			found = i
		}
	}
	return found
}
