package lint

import (
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var namePublicSuffix = &Rule{
	ID:       "name-public-suffix",
	Severity: diag.Warning,
	Title:    "no name, and no domain of an account, is one under which domains are registered",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		// Asking the list takes long, and memory. Below most domains nothing is a suffix.
		registries := make(map[string]bool)
		reverseMapNames(inv, func(_ *model.Address, name source.Name) {
			domain := parent(name.Value)
			registry, asked := registries[domain]
			if !asked {
				if len(registries) == maxRegistries {
					clear(registries)
				}
				registry = isRegistry(domain)
				registries[domain] = registry
			}
			if !registry || !isPublicSuffix(name.Value) || specialUse(name.Value) != "" || inArpa(name.Value) {
				return
			}
			report(diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%q is a public suffix: domains are registered below it", name.Value),
				Hint:    "write the whole name of the host",
			})
		})
		for _, a := range inv.Source.Accounts {
			for _, domain := range a.Domains {
				if isPublicSuffix(domain.Value) && specialUse(domain.Value) == "" {
					report(diag.Diagnostic{
						Pos: domain.Pos,
						Message: fmt.Sprintf("account %q may use all names below %q, which is a public suffix: others have domains there",
							a.Name.Value, domain.Value),
						Hint: "write the domain that the customer has there",
					})
				}
			}
		}
	},
}

const maxRegistries = 10_000 // that are remembered, so that memory is bounded

// isRegistry reports whether domain is the root or a public suffix, so that a name directly below it may be one itself. It
// is false for a few Norwegian counties.
func isRegistry(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix("-." + strings.TrimSuffix(domain, "."))
	return domain == "" || icann && len(suffix)+len(".") >= len(domain)
}

// isPublicSuffix reports whether name is listed as a public suffix, in the ICANN section. One that is a suffix by a
// wildcard may be a host.
func isPublicSuffix(name string) bool {
	name = strings.TrimSuffix(name, ".")
	suffix, icann := publicsuffix.PublicSuffix(name)
	if !icann || suffix != name {
		return false
	}
	_, domain, below := strings.Cut(name, ".")
	sibling, _ := publicsuffix.PublicSuffix("-." + domain)
	return !below || sibling == domain
}
