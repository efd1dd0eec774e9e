package lint

import (
	"fmt"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameGeneric = &Rule{
	ID:       "name-generic",
	Severity: diag.Warning,
	Title:    "no mail filter takes a server's reverse map name for a generated one",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		serverNames(inv, func(name source.Name) {
			if m := generic.PTR(name.Value); m != nil {
				report(looksGenerated(name, fmt.Sprintf("%q", name.Value), m...))
			}
		})
	},
}

// serverNames calls f for the reverse map names of servers. Those of no server are of routers and the like: they have
// interfaces and places in their names, and send no mail. Names that are none of a host are left to other rules.
func serverNames(inv *model.Inventory, f func(name source.Name)) {
	reverseMapNames(inv, func(a *model.Address, name source.Name) {
		if a.Server != nil && isHost(a, name.Value) {
			f(name)
		}
	})
}

// looksGenerated is the finding that filters, at least one, take something at a place for a generated name.
func looksGenerated(at source.Name, what string, matches ...generic.Match) diag.Diagnostic {
	var fire []string
	for _, m := range matches {
		fire = append(fire, fmt.Sprintf("%s fires on %q and costs %s", m.Filter, m.Part, m.Cost))
	}
	return diag.Diagnostic{
		Pos:     at.Pos,
		Message: fmt.Sprintf("%s looks generated: %s", what, strings.Join(fire, "; ")),
		Hint:    matches[0].Fix,
	}
}
