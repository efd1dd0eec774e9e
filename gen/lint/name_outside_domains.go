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
	across:   namedAsDefault,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		ours, theirs := c.ours(), make(portfolios)
		for _, n := range customerNames(c.Inventory, func(account *source.Account, name string) bool {
			return len(account.Domains) > 0 && !theirs.holds(account, name) &&
				ours.holding(name) == "" // else name-of-provider
		}) {
			if !isHost(n.Address, n.name.Value) {
				continue
			}
			account := n.Server.Account
			d := diag.Diagnostic{
				Pos:     n.name.Pos,
				Message: fmt.Sprintf("%q lies in no domain of account %q", n.name.Value, account.Name.Value),
				Hint:    "correct the name, or add its domain to the account once it is the customer's",
			}
			for _, domain := range account.Domains[:min(3, len(account.Domains))] {
				d.Related = append(d.Related, diag.Related{Pos: domain.Pos, Message: "a domain of the account"})
			}
			report(d)
		}
	},
}

// customerNames returns the reverse map names that servers with an account have and that wrong says are wrong, but no
// default hostnames: the server's own are right, and those of others are name-of-another-server's to report.
func customerNames(inv *model.Inventory, wrong func(account *source.Account, name string) bool) []named {
	var list []named
	reverseMapNames(inv, func(a *model.Address, name source.Name) {
		if a.Server != nil && a.Server.Account != nil && name.Value != a.Default && wrong(a.Server.Account, name.Value) {
			list = append(list, named{a, name})
		}
	})
	hosts := defaultHostnames(inv, list)
	return slices.DeleteFunc(list, func(n named) bool { return len(hosts[n.name.Value]) > 0 })
}

// isHost reports whether name, which a has, can be that of a host: whether none of name-in-arpa, name-numeric-tld and
// name-placeholder reports it.
func isHost(a *model.Address, name string) bool {
	return !inArpa(name) && !endsInNumber(name) && placeholder(a, name) == "" &&
		(specialUse(name) == "" || !isPublic(a.Addr))
}

// many is how many domains of an account are too many to try one after the other.
const many = 16

// portfolios are the domains of those accounts that have many.
type portfolios map[*source.Account]domains

// holds reports whether name is one of the domains of account or lies below one.
func (p portfolios) holds(account *source.Account, name string) bool {
	if len(account.Domains) <= many {
		return slices.ContainsFunc(account.Domains, func(d source.Name) bool { return within(name, d.Value) })
	}
	all := p[account]
	if all == nil {
		all = make(domains, len(account.Domains))
		for _, d := range account.Domains {
			all[d.Value] = d.Pos
		}
		p[account] = all
	}
	return all.holding(name) != ""
}
