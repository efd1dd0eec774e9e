package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var addressInDelegation = &Rule{
	ID:       "address-in-delegation",
	Severity: diag.Error,
	Title:    "no address lies in a delegation, unless a block of ours is what it is delegated to",
	Required: true,
	missing:  true,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			d := a.Delegation
			if d == nil || !fitsBlock(d) {
				continue // ours, or delegation-misplaced
			}
			what := a.String()
			if a.Entry != nil && len(a.Entry.Names) > 0 {
				what = fmt.Sprintf("%s has the name %q, but", a, a.Entry.Names[0].Value)
			} else if a.Primary != nil {
				what = fmt.Sprintf("%s is the primary address of %s, but", a, holder(a.Server))
			}
			report(diag.Diagnostic{
				Pos:     a.Pos(),
				Message: fmt.Sprintf("%s lies in %s, which is delegated to other servers", what, d.Prefix),
				Related: []diag.Related{{Pos: d.Prefix.Pos, Message: "the delegation"}},
				Hint: fmt.Sprintf("remove it: only those servers can name it; if they are yours, add the block %s",
					d.Prefix),
			})
		}
	},
}
