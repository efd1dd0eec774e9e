package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameOfAnotherServer = &Rule{
	ID:       "name-of-another-server",
	Severity: diag.Error,
	Title:    "no reverse map name is the default hostname of another server",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		made := make(domains) // where default hostnames are
		for _, p := range inv.Source.Products {
			if p.Hostname.T != nil {
				made[p.Hostname.T.Suffix()] = p.Hostname.Pos
			}
		}
		var list []named
		reverseMapNames(inv, func(a *model.Address, name source.Name) {
			if name.Value != a.Default && (made["."].IsValid() || made.holding(name.Value) != "") {
				list = append(list, named{a, name})
			}
		})
		hosts := defaultHostnames(inv, list)
		for _, n := range list {
			h := hosts[n.name.Value]
			own := func(h *model.Address) bool { return sameServer(h.Server, n.Server) }
			if len(h) == 0 || slices.ContainsFunc(h, own) {
				continue
			}
			report(diag.Diagnostic{
				Pos: n.name.Pos,
				Message: fmt.Sprintf("%s of %s has the name %q, the default hostname of %s",
					n.Addr, holder(n.Server), n.name.Value, holder(h[0].Server)),
				Related: []diag.Related{{Pos: h[0].Primary.Pos, Message: "that server's primary address"}},
				Hint:    fmt.Sprintf("write another name, or move the address to %s", holder(h[0].Server)),
			})
		}
	},
}

// defaultHostnames returns, of those names that are default hostnames, the primary addresses that have them.
func defaultHostnames(inv *model.Inventory, names []named) map[string][]*model.Address {
	if len(names) == 0 {
		return nil
	}
	hosts := make(map[string][]*model.Address, len(names))
	for _, n := range names {
		hosts[n.name.Value] = nil
	}
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if list, ok := hosts[a.Default]; ok {
			hosts[a.Default] = append(list, a)
		}
	}
	return hosts
}
