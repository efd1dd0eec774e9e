package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

var fallbackNotTransferable = &Rule{
	ID:       "fallback-not-transferable",
	Severity: diag.Note,
	Title:    "an IPv6 block has no fallback, unless every server of its zones has the snapshot",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			if b.Fallback == nil || b.Prefix.Addr().Is4() {
				continue
			}
			if _, err := b.Fallback.Expand(hostname.Values{Addr: arpa.Last(b.Prefix.Prefix)}); err != nil {
				continue // template-yields-invalid
			}
			d := diag.Diagnostic{
				Pos: b.Block.Fallback.Pos,
				Message: fmt.Sprintf("block %s has more names than can be listed: its zones cannot be transferred or exported, "+
					"and the catalog leaves them out", b.Prefix),
				Hint: "give all servers of these zones the snapshot, or delegate what needs the fallback to a block of its own",
			}
			if z := inv.ForwardZone(b.Fallback.Suffix()); z != nil {
				d.Related = []diag.Related{{Pos: z.Name.Pos, Message: "so it is for the forward zone that these names lie in"}}
			}
			report(d)
		}
	},
}
