package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
)

var forwardAlias = &Rule{
	ID:       "forward-alias",
	Severity: diag.Error,
	Title:    "names of addresses are no aliases",
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		for _, n := range c.claims() {
			if !n.isAlias() {
				continue
			}
			d := diag.Diagnostic{
				Pos:     n.name.Pos,
				Message: fmt.Sprintf("%sis an alias of %q", n.wrongly(), n.alias.Target),
				Related: []diag.Related{at(n.alias, "the CNAME record")},
				Hint:    fmt.Sprintf("write %q instead of the CNAME record", n.line()),
			}
			if isWildcard(n.alias) {
				d.Related[0].Message = "the CNAME record of the wildcard"
				d.Hint = fmt.Sprintf("add %q to %s", n.line(), n.in.Zone.File)
			}
			if n.in.Has(n.Addr) {
				d.Hint = fmt.Sprintf("write %q, which has this address", n.in.Canonical)
			}
			report(d)
		}
	},
}
