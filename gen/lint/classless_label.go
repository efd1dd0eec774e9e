package lint

import (
	"fmt"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var classlessLabel = &Rule{
	ID:       "classless-label",
	Severity: diag.Off,
	Title:    `the name of a classless zone has no "/"`,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		check := func(zone source.Name, hint string) {
			if strings.Contains(zone.Value, "/") {
				report(diag.Diagnostic{
					Pos: zone.Pos,
					Message: fmt.Sprintf("the zone name %q has a /, which some programs take for the end of a folder's name",
						zone.Value),
					Hint: fmt.Sprintf(hint, strings.ReplaceAll(zone.Value, "/", "-")),
				})
			}
		}
		for _, b := range inv.Blocks {
			check(b.Zone, "agree on another name with the owner of the parent zone, such as %q")
		}
		for _, d := range inv.Delegations {
			check(d.Zone, "agree on another name with the owner of the zone, such as %q")
		}
	},
}
