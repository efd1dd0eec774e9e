package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var dsZoneUnknown = &Rule{
	ID:       "ds-zone-unknown",
	Severity: diag.Error,
	Title:    `the DS records of a block, under "ds", are of its own zones`,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			for _, ds := range b.DS {
				if slices.ContainsFunc(b.Zones, func(z *model.Zone) bool { return z.Name == ds.Zone.Value }) {
					continue
				}
				names := make([]string, len(b.Zones))
				for i, z := range b.Zones {
					names[i] = z.Name
				}
				hint := fmt.Sprintf("the first one is %q", names[0])
				if near := source.Nearest(ds.Zone.Value, names); near != "" || len(names) == 1 {
					hint = fmt.Sprintf("write %q", cmp.Or(near, names[0]))
				}
				report(diag.Diagnostic{
					Pos:     ds.Zone.Pos,
					Message: fmt.Sprintf("%q is not the name of a zone of block %s", ds.Zone.Value, b.Prefix),
					Hint:    hint,
				})
			}
		}
	},
}
