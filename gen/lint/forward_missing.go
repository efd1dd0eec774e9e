package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/source"
)

var forwardMissing = &Rule{
	ID:       "forward-missing",
	Severity: diag.Error,
	Title:    "names of addresses have an address in their forward zone",
	missing:  true,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		for _, n := range c.claims() {
			if n.isAlias() || n.in.Result == forward.Addresses {
				continue
			}
			z := n.in.Zone
			d := diag.Diagnostic{
				Pos:     n.name.Pos,
				Message: n.wrongly() + "does not exist in " + z.File,
				Hint:    fmt.Sprintf("add %q to %s", n.line(), z.File),
			}
			if n.in.Result == forward.NoAddress {
				d.Message = n.wrongly() + "has no address in " + z.File
			}
			if r, ok := misspelt(c.zones, &n); ok {
				d.Related = []diag.Related{at(r, fmt.Sprintf("here %q has this address", r.Owner))}
				d.Hint = fmt.Sprintf("write %q, or %s", r.Owner, d.Hint)
			}
			report(d)
		}
		c.unconfirmedHosts(func(h *host) {
			if len(h.servers) > 0 || h.fallback.IsValid() {
				return
			}
			report(diag.Diagnostic{
				Pos: h.name.Pos,
				Message: fmt.Sprintf("%sdoes not exist: the forward zone %q has default hostnames only",
					wrongly(h.Address, h.name), h.zone.Name.Value),
				Related: []diag.Related{{Pos: h.zone.Name.Pos, Message: "the forward zone"}},
				Hint:    "choose a name outside of the forward zones, and give it this address there",
			})
		})
	},
}

// misspelt returns the record that gives the address to a name like that of the claim, in the same zone.
func misspelt(zones *forward.Zones, n *claim) (forward.Record, bool) {
	records := make(map[string]forward.Record) // by name below the zone
	var names []string
	for r := range zones.Of(n.Addr) {
		if r.Zone == n.in.Zone && !isWildcard(r) {
			name := below(r.Zone, r.Owner)
			records[name] = r
			names = append(names, name)
		}
	}
	r, ok := records[source.Nearest(below(n.in.Zone, n.name.Value), names)]
	return r, ok
}
