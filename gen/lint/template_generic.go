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
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		var last *source.Product
		seen := make(map[*source.Product]bool)
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			if a.Default == "" || a.Server.Product == last {
				continue
			}
			if last = a.Server.Product; seen[last] {
				continue
			}
			seen[last] = true
			name := plainHostname(a)
			if m := generic.PTR(name); m != nil && !inArpa(name) { // name-in-arpa
				at := source.Name{Pos: last.Hostname.Pos}
				what := fmt.Sprintf("the default hostname of product %q, such as %q,", last.Name.Value, name)
				report(looksGenerated(at, what, m...))
			}
		}
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
