package lint

import (
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// lastLabel returns the top-level domain of name, which is absolute.
func lastLabel(name string) string {
	name = strings.TrimSuffix(name, ".")
	return name[strings.LastIndexByte(name, '.')+1:]
}

// within reports whether name is domain or lies below it; both are absolute.
func within(name, domain string) bool {
	host, ok := strings.CutSuffix(name, domain)
	return ok && (host == "" || host[len(host)-1] == '.')
}

// chosenNames calls f for each reverse map name of an address outside of delegations, by address, and then for what all
// names of a template end with.
func chosenNames(inv *model.Inventory, f func(name source.Name)) {
	reverseMapNames(inv, func(_ *model.Address, name source.Name) { f(name) })
	templateDomains(inv, func(domain string, pos diag.Position) { f(source.Name{Value: domain, Pos: pos}) })
}

// templateDomains calls f for what all default hostnames of a product, or all fallback names of a block, end with, if
// that is known.
func templateDomains(inv *model.Inventory, f func(domain string, pos diag.Position)) {
	for i := range inv.Source.Products {
		if t := inv.Source.Products[i].Hostname; t.T != nil && t.T.Suffix() != "." {
			f(t.T.Suffix(), t.Pos)
		}
	}
	for _, b := range inv.Blocks {
		if b.Fallback != nil && b.Fallback.Suffix() != "." {
			f(b.Fallback.Suffix(), b.Block.Fallback.Pos)
		}
	}
}
