package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var blockOverlap = &Rule{
	ID:       "block-overlap",
	Severity: diag.Error,
	Title:    "no block lies inside another",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		var around []*model.Block // the blocks that the current one may lie in, each inside the one before
		for _, b := range inv.Blocks {
			for len(around) > 0 && !around[len(around)-1].Prefix.Contains(b.Prefix.Addr()) {
				around = around[:len(around)-1]
			}
			if len(around) > 0 {
				outer := around[len(around)-1]
				if outer.Prefix.Prefix == b.Prefix.Prefix {
					continue // defined-twice
				}
				report(diag.Diagnostic{
					Pos:     b.Prefix.Pos,
					Message: fmt.Sprintf("block %s lies inside block %s", b.Prefix, outer.Prefix),
					Related: []diag.Related{{Pos: outer.Prefix.Pos, Message: "the block around it"}},
					Hint:    "remove one of the two: their zones would hold the same addresses",
				})
			}
			around = append(around, b)
		}
	},
}
