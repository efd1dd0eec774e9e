package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
)

var reverseElsewhere = &Rule{
	ID:       "reverse-elsewhere",
	Severity: diag.Warning,
	Title:    "of a name with several addresses, all lead back to it",
	missing:  true,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		seen := make(map[diag.Position]bool)
		for _, n := range c.claims() {
			if n.isAlias() || !n.in.Has(n.Addr) {
				continue // forward-alias and forward-elsewhere tell
			}
			for r := range n.in.Records() {
				if r.Addr == n.Addr || r.Addr.Is4() != n.Is4() || seen[r.Pos] {
					continue
				}
				e, entry := c.Lookup(r.Addr)
				if e.Origin == model.NoName || slices.Contains(e.Names, n.name.Value) || slices.ContainsFunc(e.Names, c.knows) {
					continue
				}
				seen[r.Pos] = true
				d := diag.Diagnostic{
					Pos: r.Pos,
					Message: fmt.Sprintf("%q leads to %s too, which has another name, %q",
						n.name.Value, r.Addr, e.Names[0]),
					Related: []diag.Related{{Pos: n.name.Pos, Message: fmt.Sprintf("the name is that of %s", n.Addr)}},
					Hint:    fmt.Sprintf("remove this record, or give %s the name %q as well", r.Addr, n.name.Value),
				}
				if entry != nil {
					d.Related = append(d.Related, diag.Related{Pos: entry.Pos(), Message: "the other address"})
				}
				report(d)
			}
		}
	},
}

// knows reports whether it can be told which addresses name has: it lies in a zone file, or in a forward zone of ours.
// If it does not lead back, the rules for it tell.
func (c *comparison) knows(name string) bool {
	answer, ours := c.lookup(name)
	return ours != nil || answer.Result != forward.Unknown
}
