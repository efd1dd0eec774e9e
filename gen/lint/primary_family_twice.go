package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var primaryFamilyTwice = &Rule{
	ID:       "primary-family-twice",
	Severity: diag.Error,
	Title:    "a server has at most one primary address of each family",
	Required: true,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, s := range inv.Servers {
			for i, p := range s.Primary {
				before := s.Primary[:i]
				j := slices.IndexFunc(before, func(q source.Addr) bool { return q.Is4() == p.Is4() })
				if j < 0 || slices.ContainsFunc(before, func(q source.Addr) bool { return q.Addr == p.Addr }) {
					continue // none, or address-assigned-twice
				}
				family := "IPv6"
				if p.Is4() {
					family = "IPv4"
				}
				report(diag.Diagnostic{
					Pos:     p.Pos,
					Message: fmt.Sprintf("%s is a second primary %s address of server %q", p, family, s.Name.Value),
					Related: []diag.Related{{Pos: before[j].Pos, Message: "the first"}},
					Hint:    "keep the one that the server sends from, and list the other under its addresses",
				})
			}
		}
	},
}
