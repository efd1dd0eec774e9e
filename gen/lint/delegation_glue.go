package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var delegationGlue = &Rule{
	ID:       "delegation-glue",
	Severity: diag.Error,
	Title:    "a delegation has the addresses of those of its name servers that lie in its zone, and of no others",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for d := range placed(inv) {
			if !isCut(&d.Parts[0]) {
				continue // delegation-nameservers
			}
			for _, n := range d.Nameservers {
				if inZone(d, n.Value) && !slices.ContainsFunc(d.Glue, func(g source.Glue) bool { return g.Name.Value == n.Value }) {
					report(diag.Diagnostic{
						Pos:     n.Pos,
						Message: fmt.Sprintf("name server %q lies in the zone that it serves, and has no address here", n.Value),
						Hint:    `add its addresses under "glue", without which nobody finds it, or use a server with another name`,
					})
				}
			}
			for _, g := range d.Glue {
				f := diag.Diagnostic{Pos: g.Name.Pos}
				switch {
				case !slices.ContainsFunc(d.Nameservers, func(n source.Name) bool { return n.Value == g.Name.Value }):
					var legal []string
					for _, n := range d.Nameservers {
						if inZone(d, n.Value) {
							legal = append(legal, n.Value)
						}
					}
					f.Message = fmt.Sprintf("%q is none of the name servers of %s", g.Name.Value, d.Prefix)
					f.Hint = useOrAdd(g.Name.Value, "nameservers", legal)
				case !inZone(d, g.Name.Value):
					f.Message = fmt.Sprintf("name server %q needs no address here: it does not lie in the zone that it serves",
						g.Name.Value)
					f.Hint = "remove it: its own zone has the address"
				default:
					continue
				}
				report(f)
			}
		}
	},
}

// inZone reports whether name is at or below the name of a zone that d delegates.
func inZone(d *model.Delegation, name string) bool {
	return slices.ContainsFunc(d.Parts, func(p model.Part) bool {
		return p.Name != "" && (name == p.Name || strings.HasSuffix(name, "."+p.Name))
	})
}
