package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var reverseMissing = &Rule{
	ID:       "reverse-missing",
	Severity: diag.Note,
	Title:    "addresses that forward zone files give to names have names",
	missing:  true,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		var found []forward.Record
		owners := make(map[string]bool) // of found
		for r := range c.zones.All() {
			if isWildcard(r) {
				continue
			}
			e, _ := c.Lookup(r.Addr)
			if e.Origin == model.NoName && c.BlockOf(r.Addr) != nil && c.DelegationOf(r.Addr) == nil {
				found = append(found, r)
				owners[r.Owner] = true
			}
		}
		if len(found) == 0 {
			return
		}
		// Where the name is that of other addresses and does not lead to them, forward-elsewhere tells of the record.
		type slip struct {
			name string
			is4  bool
		}
		slips := make(map[slip]bool)
		c.effectiveNames(func(a *model.Address, name source.Name) {
			if owners[name.Value] {
				if answer, _ := c.lookup(name.Value); !answer.Has(a.Addr) {
					slips[slip{name.Value, a.Is4()}] = true
				}
			}
		})
		told := make(map[netip.Addr]bool)
		for _, r := range found {
			if slips[slip{r.Owner, r.Addr.Is4()}] || told[r.Addr] {
				continue
			}
			told[r.Addr] = true
			d := diag.Diagnostic{
				Pos:     r.Pos,
				Message: fmt.Sprintf("%q leads to %s, which has no name", r.Owner, r.Addr),
				Hint:    fmt.Sprintf(`write "%s: %s" under "addresses"`, r.Addr, strings.TrimSuffix(r.Owner, ".")),
			}
			if _, entry := c.Lookup(r.Addr); entry != nil {
				d.Related = []diag.Related{{Pos: entry.Pos(), Message: "the address"}}
			}
			report(d)
		}
	},
}
