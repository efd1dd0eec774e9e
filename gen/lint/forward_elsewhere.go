package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/source"
)

var forwardElsewhere = &Rule{
	ID:       "forward-elsewhere",
	Severity: diag.Error,
	Title:    "names of addresses lead back to these addresses",
	missing:  true,
	across:   namedAsDefault,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		for _, n := range c.claims() {
			if n.isAlias() || n.in.Result != forward.Addresses || n.in.Has(n.Addr) {
				continue
			}
			d := diag.Diagnostic{
				Pos:     n.name.Pos,
				Message: fmt.Sprintf("%shas no %s record in %s", n.wrongly(), recordType(n.Addr), n.in.Zone.File),
				Hint:    fmt.Sprintf("add %q to %s", n.line(), n.in.Zone.File),
			}
			var addrs []string // of the family
			for r := range n.in.Records() {
				if r.Addr.Is4() == n.Is4() {
					addrs = append(addrs, r.Addr.String())
					d.Related = append(d.Related, at(r, "it leads here"))
				}
			}
			if len(addrs) > 0 {
				d.Message = n.wrongly() + "leads to " + addrs[0]
				if len(addrs) > 1 {
					d.Message += fmt.Sprintf(" and %d more, but not back", len(addrs)-1)
				}
				d.Related = d.Related[:min(3, len(addrs))]
				if near := source.Nearest(n.Addr.String(), addrs); near != "" {
					d.Hint = fmt.Sprintf("if one of %s and %s is a slip, correct it; else %s", n.Addr, near, d.Hint)
				} else {
					d.Hint += ", or choose another name for the address"
				}
			}
			report(d)
		}
		c.unconfirmedHosts(func(h *host) {
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
