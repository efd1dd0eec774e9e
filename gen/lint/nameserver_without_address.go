package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameserverWithoutAddress = &Rule{
	ID:       "nameserver-without-address",
	Severity: diag.Error,
	Title:    "name servers that lie in a forward zone have an address there",
	missing:  true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		type server struct {
			name source.Name
			zone *model.ForwardZone
		}
		var inside []server
		unknown := make(map[string]bool) // those of inside that have no address
		add := func(list []source.Name) {
			for _, n := range list {
				if z := inv.ForwardZone(n.Value); z != nil {
					inside = append(inside, server{n, z})
					unknown[n.Value] = true
				}
			}
		}
		add(inv.Source.Defaults.Nameservers)
		for _, d := range inv.Delegations {
			add(d.Nameservers)
		}
		if len(inside) == 0 {
			return
		}
		for i := range inv.Addresses {
			delete(unknown, inv.Addresses[i].Default)
		}
		for _, s := range inside {
			if !unknown[s.name.Value] || hasFallbackName(s.zone, s.name.Value) {
				continue
			}
			report(diag.Diagnostic{
				Pos: s.name.Pos,
				Message: fmt.Sprintf("name server %q has no address: the forward zone %q answers that there is no such name",
					s.name.Value, s.zone.Name.Value),
				Related: []diag.Related{{Pos: s.zone.Name.Pos, Message: "the forward zone"}},
				Hint:    "use the default hostname of a server, or a name outside of the forward zones",
			})
		}
	},
}

// hasFallbackName reports whether the fallback of some address makes name, which lies in z.
func hasFallbackName(z *model.ForwardZone, name string) bool {
	for _, b := range z.Fallbacks {
		if v, ok := b.Fallback.Invert(name); ok && b.Prefix.Contains(v.Addr) {
			return true
		}
	}
	return false
}
