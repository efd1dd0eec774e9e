package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var nameMultiple = &Rule{
	ID:       "name-multiple",
	Severity: diag.Error,
	Title:    "an address has one reverse map name",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			if a.Entry == nil || len(a.Entry.Names) < 2 {
				continue
			}
			report(diag.Diagnostic{
				Pos:     a.Entry.Names[1].Pos,
				Message: fmt.Sprintf("%s has a second name, %q", a.Addr, a.Entry.Names[1].Value),
				Related: []diag.Related{{Pos: a.Entry.Names[0].Pos, Message: "the first"}},
				Hint:    "keep the name that the host calls itself",
			})
		}
	},
}
