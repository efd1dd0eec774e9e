package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var forwardAlias = &Rule{
	ID:       "forward-alias",
	Severity: diag.Error,
	Title:    "names of addresses are no aliases",
	compare: func(inv *model.Inventory, zones *forward.Zones, report func(diag.Diagnostic)) {
		unconfirmed(inv, zones, func(a *model.Address, name source.Name, answer forward.Answer) {
			alias, ok := answer.Alias()
			if !ok {
				return
			}
			d := diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%sis an alias of %q", wrongly(a, name), alias.Target),
				Related: []diag.Related{at(alias, "the CNAME record")},
				Hint:    fmt.Sprintf("write %q instead of the CNAME record", line(answer.Zone, name.Value, a.Addr)),
			}
			if isWildcard(alias) {
				d.Related[0].Message = "the CNAME record of the wildcard"
				d.Hint = fmt.Sprintf("add %q to %s", line(answer.Zone, name.Value, a.Addr), answer.Zone.File)
			}
			if answer.Has(a.Addr) {
				d.Hint = fmt.Sprintf("write %q, which has this address", answer.Canonical)
			}
			report(d)
		})
	},
}
