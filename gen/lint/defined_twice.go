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
	across:   sameServerName, // and AccountKey
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for i, first := 1, 0; i < len(inv.Blocks); i++ { // equal ones are in the order of the source, root file first
			a, b := inv.Blocks[first].Prefix, inv.Blocks[i].Prefix
			if a.Prefix != b.Prefix {
				first = i
				continue
			}
			report(again("block "+a.String(), a.Pos, b.Pos))
		}
	},
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for i, first := 1, 0; i < len(inv.Servers); i++ { // as blocks
			a, b := inv.Servers[first].Name, inv.Servers[i].Name
			if a.Value != b.Value {
				first = i
				continue
			}
			report(again(fmt.Sprintf("server %q", a.Value), a.Pos, b.Pos))
		}
		accounts := make(map[string]diag.Position, len(inv.Source.Accounts))
		for i := range inv.Source.Accounts {
			name := inv.Source.Accounts[i].Name
			if first, ok := accounts[name.Value]; ok {
				report(again(fmt.Sprintf("account %q", name.Value), first, name.Pos))
				continue
			}
			accounts[name.Value] = name.Pos
		}
	},
}

// again is the finding that what is defined twice.
func again(what string, first, second diag.Position) diag.Diagnostic {
	return diag.Diagnostic{
		Pos:     second,
		Message: what + " is defined twice",
		Related: []diag.Related{{Pos: first, Message: "first defined here"}},
		Hint:    "merge the two, or remove one",
	}
}
