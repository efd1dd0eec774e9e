package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var accountUnknown = &Rule{
	ID:       "account-unknown",
	Severity: diag.Error,
	Title:    "a server's account is one of accounts",
	missing:  true,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, s := range inv.Servers {
			account := s.Server.Account
			if s.Account != nil || account.Value == "" {
				continue
			}
			var legal []string
			for i := range inv.Source.Accounts {
				legal = append(legal, inv.Source.Accounts[i].Name.Value)
			}
			report(diag.Diagnostic{
				Pos:     account.Pos,
				Message: fmt.Sprintf("server %q: no account %q", s.Name.Value, account.Value),
				Hint:    useOrAdd(account.Value, "accounts", legal),
			})
		}
	},
}
