package lint

import (
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

var nameserverAlias = &Rule{
	ID:       "nameserver-alias",
	Severity: diag.Error,
	Title:    "name servers are no aliases",
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		if c.zones == nil {
			return
		}
		nameservers(c.Inventory, func(_ netip.Addr, n source.Name) {
			answer, _ := c.lookup(n.Value)
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
