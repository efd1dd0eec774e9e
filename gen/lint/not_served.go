package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var notServed = &Rule{
	ID:       "not-served",
	Severity: diag.Error,
	Title:    "nothing is asked for that this version does not serve",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			for _, d := range b.Delegations {
				report(diag.Diagnostic{
					Pos:     d.Prefix.Pos,
					Message: fmt.Sprintf("the delegation of %s: this version serves no delegations", d.Prefix),
					Hint:    "remove it, and list only blocks that are not delegated further",
				})
			}
		}
		for _, z := range inv.Source.ForwardZones {
			report(diag.Diagnostic{
				Pos:     z.Pos,
				Message: fmt.Sprintf("the forward zone %q: this version serves reverse zones only", z.Value),
				Hint:    "remove it, and serve the zone's addresses from elsewhere",
			})
		}
	},
}
