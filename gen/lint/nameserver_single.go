package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameserverSingle = &Rule{
	ID:       "nameserver-single",
	Severity: diag.Warning,
	Title:    "zones have two name servers or more, each listed once",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		check := func(list []source.Name, of string) {
			for i, n := range list {
				first := slices.IndexFunc(list, func(m source.Name) bool { return m.Value == n.Value })
				if first < i {
					report(diag.Diagnostic{
						Pos:     n.Pos,
						Message: fmt.Sprintf("name server %q is listed twice", n.Value),
						Related: []diag.Related{{Pos: list[first].Pos, Message: "the first"}},
						Hint:    "write the name of another server, or remove it",
					})
				}
			}
			if len(list) == 1 {
				report(diag.Diagnostic{
					Pos:     list[0].Pos,
					Message: fmt.Sprintf("%q is the only name server of %s", list[0].Value, of),
					Hint:    "add one on another network: when this one cannot be reached, no name is found",
				})
			}
		}
		check(inv.Source.Defaults.Nameservers, "all zones")
		for _, d := range inv.Delegations {
			check(d.Nameservers, d.Prefix.String())
		}
	},
}
