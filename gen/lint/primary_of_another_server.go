package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var primaryOfAnotherServer = &Rule{
	ID:       "primary-of-another-server",
	Severity: diag.Error,
	Title:    "the primary address of a server is listed by no other",
	Required: true,
	across:   sameAddress,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for a, first := range claims(inv) {
			if !takesPrimary(a, first) {
				continue
			}
			report(diag.Diagnostic{
				Pos: a.Pos(),
				Message: fmt.Sprintf("server %q lists %s, the primary address of server %q",
					a.Server.Name.Value, a.Addr, first.Server.Name.Value),
				Related: []diag.Related{{Pos: first.Primary.Pos, Message: "the primary address"}},
				Hint:    "remove it from the server that does not have it",
			})
		}
	},
}
