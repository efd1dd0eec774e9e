package lint

import (
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var blockDocumentation = &Rule{
	ID:       "block-documentation",
	Severity: diag.Off,
	Title:    "no block is of addresses for documentation",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			if r := holding(documentation, b.Prefix.Prefix); r != nil {
				report(diag.Diagnostic{
					Pos: b.Prefix.Pos, Message: r.describe(b), Hint: "remove it if an example left it here",
				})
			}
		}
	},
}

// documentation holds the ranges of the same registries that are for examples.
var documentation = []reserved{
	reserve("192.0.2.0/24", "documentation", "RFC 5737", "RFC 6303"),
	reserve("198.51.100.0/24", "documentation", "RFC 5737", "RFC 6303"),
	reserve("203.0.113.0/24", "documentation", "RFC 5737", "RFC 6303"),
	reserve("2001:db8::/32", "documentation", "RFC 3849", "RFC 6303"),
	reserve("3fff::/20", "documentation", "RFC 9637", ""),
}
