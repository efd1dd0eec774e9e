package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var definedTwice = &Rule{
	ID:       "defined-twice",
	Severity: diag.Error,
	Title:    "a server, account or block is defined once in all files together",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		// Servers and blocks of one name or prefix are in the order of the source, root file first.
		again := func(what string, first, second diag.Position) {
			report(diag.Diagnostic{
				Pos:     second,
				Message: what + " is defined twice",
				Related: []diag.Related{{Pos: first, Message: "first defined here"}},
				Hint:    "merge the two, or remove one",
			})
		}
		for i, first := 1, 0; i < len(inv.Servers); i++ {
			a, b := inv.Servers[first].Name, inv.Servers[i].Name
			if a.Value != b.Value {
				first = i
				continue
			}
			again(fmt.Sprintf("server %q", a.Value), a.Pos, b.Pos)
		}
		for i, first := 1, 0; i < len(inv.Blocks); i++ {
			a, b := inv.Blocks[first].Prefix, inv.Blocks[i].Prefix
			if a.Prefix != b.Prefix {
				first = i
				continue
			}
			again("block "+a.String(), a.Pos, b.Pos)
		}
		accounts := make(map[string]diag.Position)
		for i := range inv.Source.Accounts {
			name := inv.Source.Accounts[i].Name
			if first, ok := accounts[name.Value]; ok {
				again(fmt.Sprintf("account %q", name.Value), first, name.Pos)
				continue
			}
			accounts[name.Value] = name.Pos
		}
	},
}
