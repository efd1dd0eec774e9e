package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var forwardMissing = &Rule{
	ID:       "forward-missing",
	Severity: diag.Error,
	Title:    "names of addresses have an address in their forward zone",
	missing:  true,
	compare: func(inv *model.Inventory, zones *forward.Zones, report func(diag.Diagnostic)) {
		unconfirmed(inv, zones, func(a *model.Address, name source.Name, answer forward.Answer) {
			_, alias := answer.Alias()
			if alias || answer.Result == forward.Addresses {
				return
			}
			z := answer.Zone
			d := diag.Diagnostic{
				Pos:     name.Pos,
				Message: wrongly(a, name) + "does not exist in " + z.File,
				Hint:    fmt.Sprintf("add %q to %s", line(z, name.Value, a.Addr), z.File),
			}
			if answer.Result == forward.NoAddress {
				d.Message = wrongly(a, name) + "has no address in " + z.File
			}
			if r, ok := misspelt(zones, z, a, name.Value); ok {
				d.Related = []diag.Related{at(r, fmt.Sprintf("here %q has this address", r.Owner))}
				d.Hint = fmt.Sprintf("write %q, or %s", r.Owner, d.Hint)
			}
			report(d)
		})
		unconfirmedHosts(inv, zones, func(h *host) {
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

// misspelt returns the record that gives the address of a to a name in z that is like name.
func misspelt(zones *forward.Zones, z *forward.Zone, a *model.Address, name string) (forward.Record, bool) {
	records := make(map[string]forward.Record)
	var names []string
	for r := range zones.Of(a.Addr) {
		if r.Zone == z && !isWildcard(r) {
			records[below(z, r.Owner)] = r
			names = append(names, below(z, r.Owner))
		}
	}
	r, ok := records[source.Nearest(below(z, name), names)]
	return r, ok
}
