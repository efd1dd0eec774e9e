package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var productUnknown = &Rule{
	ID:       "product-unknown",
	Severity: diag.Error,
	Title:    "a server's product is one of products, and a server that needs a default hostname has one",
	Required: true,
	missing:  true,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, s := range inv.Servers {
			if s.Product != nil {
				continue
			}
			product := s.Server.Product
			if product.Value != "" {
				var legal []string
				for i := range inv.Source.Products {
					legal = append(legal, inv.Source.Products[i].Name.Value)
				}
				report(diag.Diagnostic{
					Pos:     product.Pos,
					Message: fmt.Sprintf("server %q: no product %q", s.Name.Value, product.Value),
					Hint:    useOrAdd(product.Value, "products", legal),
				})
				continue
			}
			i := slices.IndexFunc(s.Primary, func(p source.Addr) bool { return !hasName(s, p.Addr) })
			if i < 0 {
				continue
			}
			report(diag.Diagnostic{
				Pos:     s.Name.Pos,
				Message: fmt.Sprintf("server %q has no product, so its primary address %s has no name", s.Name.Value, s.Primary[i]),
				Related: []diag.Related{{Pos: s.Primary[i].Pos, Message: "the primary address"}},
				Hint:    "give the server a product, or the address a name",
			})
		}
	},
}

// hasName reports whether s sets a reverse map name for addr.
func hasName(s *model.Server, addr netip.Addr) bool {
	return slices.ContainsFunc(s.Addresses, func(e source.Address) bool { return e.Addr.Addr == addr && len(e.Names) > 0 })
}
