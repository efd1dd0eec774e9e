package lint

import (
	"fmt"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameOutsideDomains = &Rule{
	ID:       "name-outside-domains",
	Severity: diag.Error,
	Title:    "a reverse map name lies in one of the domains of its account, if the account has domains",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		ours := ownDomains(inv)
		customerNames(inv, func(a *model.Address, account *source.Account, name source.Name) {
			if len(account.Domains) == 0 || inDomains(name.Value, account.Domains) || ours.holding(name.Value) != "" {
				return // one of ours: name-of-provider
			}
			d := diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%q lies in no domain of account %q", name.Value, account.Name.Value),
				Hint:    "correct the name, or add its domain to the account once it is the customer's",
			}
			for _, domain := range account.Domains {
				d.Related = append(d.Related, diag.Related{Pos: domain.Pos, Message: "a domain of the account"})
			}
			report(d)
		})
	},
}

// customerNames calls f for the reverse map names of servers that have an account, but not for a name that is the
// server's default hostname anyway.
func customerNames(inv *model.Inventory, f func(a *model.Address, account *source.Account, name source.Name)) {
	reverseMapNames(inv, func(a *model.Address, name source.Name) {
		if a.Server != nil && a.Server.Account != nil && name.Value != a.Default {
			f(a, a.Server.Account, name)
		}
	})
}

// inDomains reports whether name is one of domains or lies below one.
func inDomains(name string, domains []source.Name) bool {
	return slices.ContainsFunc(domains, func(d source.Name) bool { return within(name, d.Value) })
}
