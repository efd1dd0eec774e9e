package lint

import (
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/hostname"
)

var hostnameAmbiguous = &Rule{
	ID:       "hostname-ambiguous",
	Severity: diag.Error,
	Title:    "no default hostname in a forward zone is the fallback name of another address",
	Required: true,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		byDomain := c.namers()
		if len(byDomain) == 0 {
			return
		}
		for i := range c.Addresses {
			a := &c.Addresses[i]
			for domain := a.Default; domain != ""; domain = parent(domain) {
				for _, n := range byDomain[domain] {
					addr, b := n.address(a.Default)
					if b == nil || addr == a.Addr {
						continue
					}
					report(diag.Diagnostic{
						Pos: a.Primary.Pos,
						Message: fmt.Sprintf("%q, the default hostname of %s, is also the fallback name of %s",
							a.Default, holder(a.Server), addr),
						Related: []diag.Related{{Pos: b.Block.Fallback.Pos, Message: "the fallback"}},
						Hint:    "rename the server, or give the fallback a domain of its own",
					})
				}
			}
		}
	},
}

// A namer is a fallback whose names a forward zone answers, with the blocks that have it.
type namer struct {
	template *hostname.Template
	blocks   []*model.Block
}

// fallbackNamers returns the fallbacks by the domain that their names lie in. Blocks mostly share one of a few.
func fallbackNamers(inv *model.Inventory) map[string][]*namer {
	all := make(map[string][]*namer)
	byText := make(map[string]*namer)
	for b := range forwardFallbacks(inv) {
		if b.Fallback.Invertible(b.Prefix.Addr().Is6()) != nil {
			continue // fallback-not-invertible
		}
		n := byText[b.Fallback.String()]
		if n == nil {
			n = &namer{template: b.Fallback}
			byText[b.Fallback.String()] = n
			domain := b.Fallback.Suffix()
			all[domain] = append(all[domain], n)
		}
		n.blocks = append(n.blocks, b)
	}
	return all
}

// address returns the address whose fallback name is name, with the block that it lies in; nil if there is none.
func (n *namer) address(name string) (netip.Addr, *model.Block) {
	v, ok := n.template.Invert(name)
	if !ok {
		return netip.Addr{}, nil
	}
	for _, b := range n.blocks {
		if b.Prefix.Contains(v.Addr) {
			return v.Addr, b
		}
	}
	return netip.Addr{}, nil
}
