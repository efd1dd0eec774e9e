package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameGenericS25R = &Rule{
	ID:       "name-generic-s25r",
	Severity: diag.Off,
	Title:    "S25R takes no reverse map name of a server for that of an end user",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		serverNames(inv, func(name source.Name) {
			if m, ok := generic.S25R(name.Value); ok {
				report(looksGenerated(name, fmt.Sprintf("%q", name.Value), m))
			}
		})
	},
}
