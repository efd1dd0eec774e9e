package lint

import (
	"fmt"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

var templateGeneric = &Rule{
	ID:       "template-generic",
	Severity: diag.Warning,
	Title:    "no mail filter takes the default hostnames of a product for generated ones",
	group: func(c *comparison, add addFunc) {
		firstDefaults(c.Inventory, func(a *model.Address) bool { return true }, func(a *model.Address) {
			p, name := a.Server.Product, plainHostname(a)
			m := generic.PTR(name)
			if m == nil || inArpa(name) { // name-in-arpa
				add(p.Name.Value, a.Addr, diag.Diagnostic{})
				return
			}
			what := fmt.Sprintf("the default hostname of product %q, such as %q,", p.Name.Value, name)
			add(p.Name.Value, a.Addr, looksGenerated(source.Name{Pos: p.Hostname.Pos}, what, m...))
		})
	},
}

// plainHostname returns the default hostname that a, which has one, would have if the names of its server and account
// were plain words: what a filter finds in it comes from the template.
func plainHostname(a *model.Address) string {
	product := a.Server.Product
	t, err := product.Hostname.T.Bind(a.Block.Variables())
	if err != nil {
		return "" // a has a default hostname: there is no error
	}
	name, err := t.Expand(hostname.Values{
		Addr: a.Addr, Server: "name", Account: "name", Product: strings.ToLower(product.Name.Value),
	})
	if err != nil {
		return "" // as before
	}
	return name
}
