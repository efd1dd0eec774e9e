package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameserverAlias = &Rule{
	ID:       "nameserver-alias",
	Severity: diag.Error,
	Title:    "name servers are no aliases",
	compare: func(inv *model.Inventory, zones *forward.Zones, report func(diag.Diagnostic)) {
		if zones == nil {
			return
		}
		nameservers(inv, func(n source.Name) {
			answer, _ := lookup(inv, zones, n.Value)
			alias, ok := answer.Alias()
			if !ok {
				return
			}
			report(diag.Diagnostic{
				Pos:     n.Pos,
				Message: fmt.Sprintf("name server %q is an alias of %q", n.Value, alias.Target),
				Related: []diag.Related{at(alias, "the CNAME record")},
				Hint:    fmt.Sprintf("write %q, or give %q address records of its own", answer.Canonical, n.Value),
			})
		})
	},
}

// nameservers calls f for each name server of the zones and of delegations.
func nameservers(inv *model.Inventory, f func(source.Name)) {
	for _, n := range inv.Source.Defaults.Nameservers {
		f(n)
	}
	for _, d := range inv.Delegations {
		for _, n := range d.Nameservers {
			f(n)
		}
	}
}
