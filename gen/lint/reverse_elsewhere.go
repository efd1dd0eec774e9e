package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var reverseElsewhere = &Rule{
	ID:       "reverse-elsewhere",
	Severity: diag.Warning,
	Title:    "of a name with several addresses, all lead back to it",
	missing:  true,
	compare: func(inv *model.Inventory, zones *forward.Zones, report func(diag.Diagnostic)) {
		if zones == nil {
			return
		}
		seen := make(map[diag.Position]bool)
		effectiveNames(inv, func(a *model.Address, name source.Name) {
			answer, _ := lookup(inv, zones, name.Value)
			if _, alias := answer.Alias(); alias || !answer.Has(a.Addr) {
				return // then the rules for a find it
			}
			for r := range answer.Records() {
				if r.Addr == a.Addr || r.Addr.Is4() != a.Is4() || seen[r.Pos] {
					continue
				}
				e, entry := inv.Lookup(r.Addr)
				if e.Origin == model.NoName || slices.Contains(e.Names, name.Value) {
					continue
				}
				if slices.ContainsFunc(e.Names, func(other string) bool { return known(inv, zones, other) }) {
					continue
				}
				seen[r.Pos] = true
				d := diag.Diagnostic{
					Pos: r.Pos,
					Message: fmt.Sprintf("%q leads to %s too, which has another name, %q",
						name.Value, r.Addr, e.Names[0]),
					Related: []diag.Related{{Pos: name.Pos, Message: "so far the name is that of " + a.Addr.String() + " only"}},
					Hint:    fmt.Sprintf("remove this record, or give %s the name %q as well", r.Addr, name.Value),
				}
				if entry != nil {
					d.Related = append(d.Related, diag.Related{Pos: entry.Pos(), Message: "the other address"})
				}
				report(d)
			}
		})
	},
}

// known reports whether we can tell what addresses name has: it lies in a zone file, or in a forward zone of ours.
func known(inv *model.Inventory, zones *forward.Zones, name string) bool {
	answer, ours := lookup(inv, zones, name)
	return ours != nil || answer.Result != forward.Unknown
}
