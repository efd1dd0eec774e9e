package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameserverInBlock = &Rule{
	ID:       "nameserver-in-block",
	Severity: diag.Error,
	Title:    "no name server has a name in the zone of a block, which holds no addresses of hosts",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		var servers []source.Name // that can lie in a reverse zone
		nameservers(inv, func(_ netip.Addr, n source.Name) {
			if strings.HasSuffix(n.Value, ".arpa.") {
				servers = append(servers, n)
			}
		})
		if len(servers) == 0 {
			return
		}
		zones := make(map[string]*model.Zone, len(inv.Zones)) // nil for those that are delegated to others
		for d := range placed(inv) {
			for i := range d.Parts {
				if p := &d.Parts[i]; isCut(p) {
					zones[p.Name] = nil
				}
			}
		}
		for _, z := range inv.Zones {
			zones[z.Name] = z
		}
		for _, n := range servers {
			z := zoneOf(zones, n.Value)
			if z == nil {
				continue
			}
			report(diag.Diagnostic{
				Pos: n.Pos,
				Message: fmt.Sprintf("name server %q lies in the zone %q of block %s, and can have no address there",
					n.Value, z.Name, z.Block.Prefix),
				Related: []diag.Related{{Pos: z.Block.Prefix.Pos, Message: "the block"}},
				Hint:    "give the server a name in a domain of its own",
			})
		}
	},
}

// zoneOf returns the zone of zones with the longest name that name is at or below, nil if there is none.
func zoneOf(zones map[string]*model.Zone, name string) *model.Zone {
	for ; name != ""; name = parent(name) {
		if z, ok := zones[name]; ok {
			return z
		}
	}
	return nil
}
