package lint

import (
	"bytes"
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
		if c.zones == nil {
			return
		}
		nameservers(c.Inventory, func(_ netip.Addr, n source.Name) {
			answer, ours := c.lookup(n.Value)
			_, alias := answer.Alias()
			if ours != nil || alias || answer.Result == forward.Unknown || answer.Result == forward.Addresses {
				return
			}
			report(diag.Diagnostic{
				Pos:     n.Pos,
				Message: fmt.Sprintf("name server %q has no address in %s", n.Value, answer.Zone.File),
				Hint:    "correct the name, or add its addresses there",
			})
		})
	},
	// A name server in our forward zones has no address unless some server has its name.
	group: func(c *comparison, add addFunc) {
		inside := c.nameserversInside()
		if len(inside) == 0 {
			return
		}
		if c.frame {
			for _, list := range inside {
				for _, s := range list {
					if fallbackOf(s.zone, s.name.Value).IsValid() {
						continue
					}
					add(s.name.Pos.String(), last, diag.Diagnostic{
						Pos: s.name.Pos,
						Message: fmt.Sprintf("name server %q has no address: the forward zone %q answers that there is no such name",
							s.name.Value, s.zone.Name.Value),
						Related: []diag.Related{{Pos: s.zone.Name.Pos, Message: "the forward zone"}},
						Hint:    "use the default hostname of a server, or a name outside of the forward zones",
					})
				}
			}
			return
		}
		for i := range c.Addresses {
			for _, s := range inside[c.Addresses[i].Default] {
				add(s.name.Pos.String(), c.Addresses[i].Addr, diag.Diagnostic{})
			}
		}
	},
}

// last comes after the addresses of hosts.
var last = netip.AddrFrom16([16]byte(bytes.Repeat([]byte{0xff}, 16)))

// A nameserver is one with a name in one of our forward zones.
type nameserver struct {
	name source.Name
	zone *model.ForwardZone
}

// nameserversInForwardZones returns the name servers that lie in one of our forward zones, by name.
func (c *comparison) nameserversInForwardZones() map[string][]nameserver {
	if len(c.ForwardZones) == 0 {
		return nil
	}
	inside := make(map[string][]nameserver)
	nameservers(c.Inventory, func(_ netip.Addr, n source.Name) {
		if _, ours := c.lookup(n.Value); ours != nil {
			inside[n.Value] = append(inside[n.Value], nameserver{n, ours})
		}
	})
	return inside
}
