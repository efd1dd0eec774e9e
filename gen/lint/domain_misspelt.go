package lint

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var domainMisspelt = &Rule{
	ID:       "domain-misspelt",
	Severity: diag.Warning,
	Title:    "no name lies in a domain that is one slip away from one of ours",
	group: func(c *comparison, add addFunc) {
		ours, like := c.spelling()
		look := func(addr netip.Addr, name source.Name) {
			if ours.holding(name.Value) != "" {
				return
			}
			for domain := name.Value; domain != ""; domain = parent(domain) {
				if right := like.nearest(domain); right != "" {
					add(domain, addr, diag.Diagnostic{
						Pos:     name.Pos,
						Message: fmt.Sprintf("%q lies in %q, which looks like a slip for %q", name.Value, domain, right),
						Related: []diag.Related{{Pos: ours[right], Message: "that domain is named here"}},
						Hint:    fmt.Sprintf("write %q", strings.TrimSuffix(name.Value, domain)+right),
					})
				}
			}
		}
		reverseMapNames(c.Inventory, func(a *model.Address, name source.Name) {
			if a.Server == nil || a.Server.Account == nil || len(a.Server.Account.Domains) == 0 { // else name-outside-domains
				look(a.Addr, name)
			}
		})
		if c.frame {
			for _, n := range c.Source.Defaults.Nameservers {
				look(netip.Addr{}, n)
			}
		}
	},
	settle: func(g *Group) diag.List {
		if g.Total > maxSlips {
			return nil
		}
		var list diag.List
		for _, f := range g.First {
			list = append(list, f.Diagnostic)
		}
		return list
	},
}

// spelledDomains returns our domains and those of forward zone files, and what finds slips for them.
func (c *comparison) spelledDomains() (domains, spelling) {
	ours := maps.Clone(c.ours())
	for _, z := range c.zones.List() {
		ours[z.Apex] = diag.Position{File: z.File, Line: 1, Column: 1}
	}
	contact := c.Source.Defaults.SOA.Contact
	if domain := parent(contact.Value); domain != "" && !ours[domain].IsValid() {
		ours[domain] = contact.Pos
	}
	return ours, newSpelling(ours)
}

// maxSlips is how many names may lie in a domain that is a slip: one that has more is another domain.
const maxSlips = 2

// minSpelling is how many bytes a label has at least to be a slip for another one, or that one: short ones, such as those
// of countries and places, are alike by chance.
const minSpelling = 5

// A spelling finds the domain that is meant by one that is one slip away: a letter too many, too few, another one, or two
// that changed places.
type spelling struct {
	domains map[string][]string // under themselves and under what is left of them without one letter
	forms   map[form]bool       // those that a slip for one of them can have
}

// A form is the number of dots and of bytes in a domain. It rules nearly all others out, for each name that is looked at.
type form struct{ dots, size int }

func newSpelling(all domains) spelling {
	s := spelling{make(map[string][]string), make(map[form]bool)}
	for domain := range all {
		if len(domain)-len(lastLabel(domain))-len("..") < minSpelling {
			continue
		}
		for size := len(domain) - 1; size <= len(domain)+1; size++ {
			s.forms[form{strings.Count(domain, "."), size}] = true
		}
		s.domains[domain] = append(s.domains[domain], domain)
		for i := range len(domain) {
			rest := domain[:i] + domain[i+1:]
			s.domains[rest] = append(s.domains[rest], domain)
		}
	}
	return s
}

// nearest returns the domain that is one slip away from domain, the first in the order of the alphabet, "" if none is.
func (s spelling) nearest(domain string) string {
	if len(domain) < minSpelling || !s.forms[form{strings.Count(domain, "."), len(domain)}] {
		return ""
	}
	best := ""
	try := func(candidates []string) {
		for _, c := range candidates {
			if (best == "" || c < best) && isMeant(domain, c) {
				best = c
			}
		}
	}
	try(s.domains[domain])
	var buffer [256]byte
	rest := append(buffer[:0], domain[1:]...) // domain without the letter at i
	for i := range rest {
		try(s.domains[string(rest)])
		rest[i] = domain[i]
	}
	return best
}

// isMeant reports whether a may be a slip for b. Not in the last label, which name-tld-unknown looks at, nor in a digit,
// by which domains are told apart.
func isMeant(a, b string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, s)
	}
	if !isSlip(a, b) || letters(a) == letters(b) ||
		lastLabel(a) != lastLabel(b) || strings.Count(a, ".") != strings.Count(b, ".") {
		return false
	}
	for a != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x != y && max(len(x), len(y)) < minSpelling {
			return false
		}
	}
	return true
}
