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
	across:   namedAsDefault,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		var list []named
		c.likeDefaults(func(a *model.Address, name source.Name) { list = append(list, named{a, name}) })
		hosts := defaultHostnames(c.Inventory, list)
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

// likeDefaults calls f for each reverse map name that can be the default hostname of another address, since it lies where
// products make them.
func (c *comparison) likeDefaults(f func(a *model.Address, name source.Name)) {
	made := c.made()
	reverseMapNames(c.Inventory, func(a *model.Address, name source.Name) {
		if name.Value != a.Default && (made["."].IsValid() || made.holding(name.Value) != "") {
			f(a, name)
		}
	})
}

// madeDomains returns the domains that default hostnames lie in.
func madeDomains(inv *model.Inventory) domains {
	made := make(domains)
	for _, p := range inv.Source.Products {
		if p.Hostname.T != nil {
			made[p.Hostname.T.Suffix()] = p.Hostname.Pos
		}
	}
	return made
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
