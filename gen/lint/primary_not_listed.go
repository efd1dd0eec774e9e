package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var primaryNotListed = &Rule{
	ID:       "primary-not-listed",
	Severity: diag.Off,
	Title:    "a server that lists addresses lists its primary ones, too",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, s := range inv.Servers {
			for _, p := range s.Primary {
				if !omits(s, p) {
					continue
				}
				report(diag.Diagnostic{
					Pos: p.Pos,
					Message: fmt.Sprintf("%s, a primary address of server %q, is none of the addresses that it lists",
						p, s.Name.Value),
					Hint: `add it under "addresses", or correct it`,
				})
			}
		}
	},
}

// omits reports whether s lists addresses or prefixes of the family of p, but not p.
func omits(s *model.Server, p source.Addr) bool {
	family := false
	for i := range s.Addresses {
		a := s.Addresses[i].Addr
		if a.Addr == p.Addr {
			return false
		}
		family = family || a.Is4() == p.Is4()
	}
	for _, r := range s.Routed {
		family = family || r.Addr().Is4() == p.Is4()
	}
	return family && !slices.ContainsFunc(s.Routed, func(r source.Prefix) bool { return r.Contains(p.Addr) })
}
