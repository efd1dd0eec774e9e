package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var forwardElsewhere = &Rule{
	ID:       "forward-elsewhere",
	Severity: diag.Error,
	Title:    "names of addresses lead back to these addresses",
	missing:  true,
	compare: func(inv *model.Inventory, zones *forward.Zones, report func(diag.Diagnostic)) {
		unconfirmed(inv, zones, func(a *model.Address, name source.Name, answer forward.Answer) {
			if _, alias := answer.Alias(); alias || answer.Result != forward.Addresses {
				return
			}
			d := diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%shas no %s record in %s", wrongly(a, name), recordType(a.Addr), answer.Zone.File),
				Hint:    fmt.Sprintf("add %q to %s", line(answer.Zone, name.Value, a.Addr), answer.Zone.File),
			}
			var addrs []string // of the family of a
			for r := range answer.Records() {
				if r.Addr.Is4() == a.Is4() {
					addrs = append(addrs, r.Addr.String())
					d.Related = append(d.Related, at(r, "it leads here"))
				}
			}
			if len(addrs) > 0 {
				d.Message = wrongly(a, name) + "leads to " + addrs[0]
				if len(addrs) > 1 {
					d.Message += fmt.Sprintf(" and %d more, but not back", len(addrs)-1)
				}
				d.Related = d.Related[:min(3, len(addrs))]
				if near := source.Nearest(a.Addr.String(), addrs); near != "" {
					d.Hint = fmt.Sprintf("if one of %s and %s is a slip, correct it; else %s", a.Addr, near, d.Hint)
				} else {
					d.Hint += ", or choose another name for the address"
				}
			}
			report(d)
		})
		unconfirmedHosts(inv, zones, func(h *host) {
			d := diag.Diagnostic{
				Pos:     h.name.Pos,
				Related: []diag.Related{{Pos: h.zone.Name.Pos, Message: "the forward zone"}},
				Hint:    "choose a name outside of the forward zones, and give it this address there",
			}
			switch {
			case len(h.servers) == 0 && h.fallback.IsValid():
				d.Message = wrongly(h.Address, h.name) + "is the fallback name of " + h.fallback.String()
			case len(h.servers) > 0 && sameServer(h.servers[0].Server, h.Server): // else name-of-another-server
				d.Message = fmt.Sprintf("%sis the default hostname of %s", wrongly(h.Address, h.name), h.servers[0].Addr)
				d.Related = append([]diag.Related{{Pos: h.servers[0].Primary.Pos, Message: "that address"}}, d.Related...)
			default:
				return
			}
			report(d)
		})
	},
}
