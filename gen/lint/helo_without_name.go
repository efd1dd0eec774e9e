package lint

import (
	"fmt"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var heloWithoutName = &Rule{
	ID:       "helo-without-name",
	Severity: diag.Warning,
	Title:    "the primary addresses of a mail server have reverse map names",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		mailPrimaries(inv, func(a *model.Address) {
			helo := a.Server.Helo
			if len(reverseNames(a)) > 0 || a.Default == "" || a.Default == helo.Value {
				return // without any name: product-unknown
			}
			hint := fmt.Sprintf(`add "%s: %s" to its addresses`, a.Addr, strings.TrimSuffix(helo.Value, "."))
			if parent(helo.Value) == "" { // such as localhost: no name for an address either
				hint = "give the address a reverse map name, and say the same in HELO"
			}
			report(diag.Diagnostic{
				Pos: a.Primary.Pos,
				Message: fmt.Sprintf("the primary address %s answers with the default hostname %q, but the server says %q in HELO",
					a.Addr, a.Default, helo.Value),
				Related: []diag.Related{{Pos: helo.Pos, Message: "what it says"}},
				Hint:    hint,
			})
		})
	},
}
