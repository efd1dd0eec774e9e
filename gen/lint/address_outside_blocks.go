package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var addressOutsideBlocks = &Rule{
	ID:       "address-outside-blocks",
	Severity: diag.Error,
	Title:    "addresses and routed prefixes lie inside a block",
	Required: true,
	missing:  true,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		const hint = `correct it, or add the block that it lies in under "blocks"`
		for i := range inv.Addresses {
			if a := &inv.Addresses[i]; a.Block == nil {
				report(diag.Diagnostic{Pos: a.Pos(), Message: fmt.Sprintf("%s lies in none of the blocks", a.Addr), Hint: hint})
			}
		}
		for _, r := range inv.Routed {
			if r.Block != nil {
				continue
			}
			d := diag.Diagnostic{Pos: r.Pos, Message: fmt.Sprintf("%s lies in none of the blocks", r.Prefix), Hint: hint}
			if b := inv.BlockOf(r.Addr()); b != nil {
				d.Message = fmt.Sprintf("%s reaches beyond the block %s", r.Prefix, b.Prefix)
				d.Related = []diag.Related{{Pos: b.Prefix.Pos, Message: "the block"}}
				d.Hint = "correct the prefix, or make the block larger"
			}
			report(d)
		}
	},
}
