package lint

import (
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameserverWithoutAddress = &Rule{
	ID:       "nameserver-without-address",
	Severity: diag.Error,
	Title:    "name servers that lie in a forward zone have an address there",
	missing:  true,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		type server struct {
			name source.Name
			zone *model.ForwardZone
		}
		var inside []server              // in our forward zones
		unknown := make(map[string]bool) // those of inside that have no address
		nameservers(c.Inventory, func(_ netip.Addr, n source.Name) {
			answer, ours := c.lookup(n.Value)
			if ours != nil {
				inside = append(inside, server{n, ours})
				unknown[n.Value] = true
				return
			}
			if _, alias := answer.Alias(); alias || answer.Result == forward.Unknown || answer.Result == forward.Addresses {
				return
			}
			report(diag.Diagnostic{
				Pos:     n.Pos,
				Message: fmt.Sprintf("name server %q has no address in %s", n.Value, answer.Zone.File),
				Hint:    "correct the name, or add its addresses there",
			})
		})
		if len(inside) == 0 {
			return
		}
		for i := range c.Addresses {
			delete(unknown, c.Addresses[i].Default)
		}
		for _, s := range inside {
			if !unknown[s.name.Value] || fallbackOf(s.zone, s.name.Value).IsValid() {
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
