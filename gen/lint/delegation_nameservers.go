package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var delegationNameservers = &Rule{
	ID:       "delegation-nameservers",
	Severity: diag.Error,
	Title:    "a delegation says who serves its zone if, and only if, that zone lies below ours",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for d := range placed(inv) {
			switch p := &d.Parts[0]; {
			case p.Name == "", p.Alias && model.IsClassless(d.Block.Prefix.Prefix): // delegation-zone, name-invalid
			case !isCut(p):
				if what, pos := servers(d); what != "" {
					report(diag.Diagnostic{
						Pos:     pos,
						Message: fmt.Sprintf("the zone %q lies in none of yours, and %s would not be published", p.Name, what),
						Related: []diag.Related{{Pos: d.Zone.Pos, Message: "the name of the zone"}},
						Hint:    fmt.Sprintf("remove %s, or choose a zone below %q", what, p.Zone.Name),
					})
				}
			case d.Nameservers == nil: // an empty one has had names that cannot be read
				report(diag.Diagnostic{
					Pos:     d.Prefix.Pos,
					Message: fmt.Sprintf("the delegation of %s has no name servers", d.Prefix),
					Hint:    `add "nameservers:" with the names of the servers that hold its zone`,
				})
			case len(d.DS) > 0 && len(d.DS) < len(d.Parts):
				report(diag.Diagnostic{
					Pos: d.DS[0].Pos,
					Message: fmt.Sprintf("%s is delegated as %d zones, and a DS record is right for one of them only",
						d.Prefix, len(d.Parts)),
					Hint: fmt.Sprintf("delegate each of them by itself, from %s on, with its own DS records", p.Prefix),
				})
			}
		}
	},
}

// servers returns the first key of d that tells of the servers of its zone, and where its value is; "" if d has none.
func servers(d *model.Delegation) (string, diag.Position) {
	switch {
	case len(d.Nameservers) > 0:
		return "nameservers", d.Nameservers[0].Pos
	case len(d.DS) > 0:
		return "ds", d.DS[0].Pos
	case len(d.Glue) > 0:
		return "glue", d.Glue[0].Name.Pos
	}
	return "", diag.Position{}
}
