package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var addressAssignedTwice = &Rule{
	ID:       "address-assigned-twice",
	Severity: diag.Error,
	Title:    "an address or routed prefix belongs to one place",
	Required: true,
	across:   sameAddress | sameRouted,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		const hint = "remove it from one of the two places"
		for a, first := range claims(inv) {
			if takesPrimary(a, first) {
				continue // primary-of-another-server
			}
			report(diag.Diagnostic{
				Pos:     a.Pos(),
				Message: twice(a.Addr, "assigned", first.Server, a.Server),
				Related: []diag.Related{{Pos: first.Pos(), Message: "first here"}},
				Hint:    hint,
			})
		}
		for i := 1; i < len(inv.Routed); i++ {
			first, r := &inv.Routed[i-1], &inv.Routed[i]
			if first.Prefix.Prefix != r.Prefix.Prefix || first.Server != r.Server && sameServer(first.Server, r.Server) {
				continue
			}
			if earlier(inv, r.Pos, first.Pos) {
				first, r = r, first
			}
			report(diag.Diagnostic{
				Pos:     r.Pos,
				Message: twice(r.Prefix, "routed", first.Server, r.Server),
				Related: []diag.Related{{Pos: first.Pos, Message: "first here"}},
				Hint:    hint,
			})
		}
	},
}

// twice says that an address or prefix is listed for both servers, nil for none. They can be the same.
func twice(what fmt.Stringer, done string, first, second *model.Server) string {
	if sameServer(first, second) {
		return fmt.Sprintf("%s is listed twice, both times for %s", what, holder(first))
	}
	return fmt.Sprintf("%s is %s twice: to %s and to %s", what, done, holder(first), holder(second))
}

// holder says whose an address is.
func holder(s *model.Server) string {
	if s == nil {
		return "no server"
	}
	return fmt.Sprintf("server %q", s.Name.Value)
}
