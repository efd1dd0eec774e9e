package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var heloMismatch = &Rule{
	ID:       "helo-mismatch",
	Severity: diag.Error,
	Title:    "the reverse map name of a mail server's primary address is the name that it says in HELO",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		mailPrimaries(inv, func(a *model.Address) {
			if len(reverseNames(a)) == 0 || isNamed(a, a.Server.Helo.Value) {
				return
			}
			name := a.Entry.Names[0]
			report(diag.Diagnostic{
				Pos: name.Pos,
				Message: fmt.Sprintf("the primary address %s has the name %q, but the server says %q in HELO",
					a.Addr, name.Value, a.Server.Helo.Value),
				Related: []diag.Related{{Pos: a.Server.Helo.Pos, Message: "what it says"}},
				Hint:    "use one name for both: receivers of mail compare them",
			})
		})
	},
}

// mailPrimaries calls f for each primary address outside of delegations of a server that says its name in HELO.
func mailPrimaries(inv *model.Inventory, f func(a *model.Address)) {
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Primary != nil && a.Delegation == nil && a.Server.Helo.Value != "" {
			f(a)
		}
	}
}

// reverseNames returns the reverse map names of a.
func reverseNames(a *model.Address) []source.Name {
	if a.Entry == nil {
		return nil
	}
	return a.Entry.Names
}

// isNamed reports whether name is one of the reverse map names of a.
func isNamed(a *model.Address, name string) bool {
	for _, n := range reverseNames(a) {
		if n.Value == name {
			return true
		}
	}
	return false
}
