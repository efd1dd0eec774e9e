package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

var classlessZone = &Rule{
	ID:       "classless-zone",
	Severity: diag.Error,
	Title:    "IPv4 blocks longer than /24, and only they, name their zone",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			switch named := b.Zone.Pos.IsValid(); {
			case model.IsClassless(b.Prefix.Prefix) && !named:
				report(diag.Diagnostic{
					Pos:     b.Prefix.Pos,
					Message: fmt.Sprintf("block %s is longer than /24 and does not name its zone", b.Prefix),
					Hint:    `add "zone:" with the name that was delegated to you`,
				})
			case model.IsClassless(b.Prefix.Prefix):
				if b.Zone.Value == "" {
					continue // name-invalid
				}
				checkRoom(b.Zone, "agree on a shorter name with the owner of the parent zone", report)
			case named:
				report(diag.Diagnostic{
					Pos: b.Zone.Pos,
					Message: fmt.Sprintf("block %s cannot choose the name of its zones: only IPv4 blocks longer than /24 can",
						b.Prefix),
					Hint: `remove "zone:"`,
				})
			}
		}
	},
}

// checkRoom reports the name of a classless zone to which an octet cannot be added.
func checkRoom(zone source.Name, hint string, report func(diag.Diagnostic)) {
	if err := hostname.Check("255." + zone.Value); err != nil {
		report(diag.Diagnostic{
			Pos: zone.Pos,
			Message: fmt.Sprintf("the zone name %q leaves no room for the names of addresses: with an octet, %v",
				zone.Value, err),
			Hint: hint,
		})
	}
}
