package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameOfProvider = &Rule{
	ID:       "name-of-provider",
	Severity: diag.Error,
	Title:    "a customer's reverse map name lies in no domain that default hostnames and fallbacks are made in",
	across:   namedAsDefault,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		ours, theirs := c.ours(), make(portfolios)
		for _, n := range customerNames(c.Inventory, func(account *source.Account, name string) bool {
			return ours.holding(name) != "" && !theirs.holds(account, name)
		}) {
			domain := ours.holding(n.name.Value)
			report(diag.Diagnostic{
				Pos: n.name.Pos,
				Message: fmt.Sprintf("%q, a name of account %q, lies in %q, where names are the provider's to give",
					n.name.Value, n.Server.Account.Name.Value, domain),
				Related: []diag.Related{{Pos: ours[domain], Message: "such names are made here"}},
				Hint:    "use a name in a domain of the customer; without a name, a primary address has its default hostname",
			})
		}
	},
}

// domains are domains, with the place that speaks of each.
type domains map[string]diag.Position

// holding returns the smallest domain that holds name, "" if none does.
func (d domains) holding(name string) string {
	for name != "" && !d[name].IsValid() {
		name = parent(name)
	}
	return name
}

// ownDomains returns the forward zones and the domains that the names of products and fallbacks lie in, with the place
// that says so first.
func ownDomains(inv *model.Inventory) domains {
	ours := make(domains)
	add := func(domain string, pos diag.Position) {
		// A template may leave all but a top-level domain or public suffix to the server or account.
		if !ours[domain].IsValid() && parent(domain) != "" && !isPublicSuffix(domain) {
			ours[domain] = pos
		}
	}
	for _, z := range inv.Source.ForwardZones {
		add(z.Value, z.Pos)
	}
	for _, p := range inv.Source.Products {
		if p.Hostname.T != nil {
			add(p.Hostname.T.Suffix(), p.Hostname.Pos)
		}
	}
	for _, b := range inv.Blocks {
		if b.Fallback != nil {
			add(b.Fallback.Suffix(), b.Block.Fallback.Pos)
		}
	}
	return ours
}
