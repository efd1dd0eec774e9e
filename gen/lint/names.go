package lint

import (
	"net/netip"
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

// isPublic reports whether addr is one that hosts on the Internet have. Those for documentation count as such.
func isPublic(addr netip.Addr) bool {
	return holding(specialPurpose, netip.PrefixFrom(addr, addr.BitLen())) == nil
}

// nameservers calls f for each name server of our zones and of delegations, with an address that it answers for. Of all
// that our own answer for, that is one that hosts on the Internet have, if there is any.
func nameservers(inv *model.Inventory, f func(addr netip.Addr, name source.Name)) {
	var addr netip.Addr
	for _, b := range inv.Blocks {
		if addr = b.Prefix.Addr(); isPublic(addr) {
			break
		}
	}
	for _, n := range inv.Source.Defaults.Nameservers {
		f(addr, n)
	}
	for _, d := range inv.Delegations {
		for _, n := range d.Nameservers {
			f(d.Prefix.Addr(), n)
		}
	}
}

// eachName calls f for each of some names, with an address that has the name.
type eachName func(f func(addr netip.Addr, name source.Name))

// sharedNames calls f for what all fallback names of a block end with, and the names of name servers if the rule is for them,
// too.
func (r *Rule) sharedNames(inv *model.Inventory) eachName {
	return func(f func(addr netip.Addr, name source.Name)) {
		for _, b := range inv.Blocks {
			if b.Fallback == nil {
				continue
			}
			if domain := b.Fallback.Suffix(); domain != "." {
				f(b.Prefix.Addr(), source.Name{Value: domain, Pos: b.Block.Fallback.Pos})
			}
		}
		if r.nameservers {
			nameservers(inv, f)
		}
	}
}

// productNames adds what the rule finds about what all default hostnames of a product end with, with the first address
// that has one.
func (r *Rule) productNames(inv *model.Inventory, add addFunc) {
	firstDefaults(inv, func(a *model.Address) bool { return a.Delegation == nil }, func(a *model.Address) {
		t := a.Server.Product.Hostname
		domain := t.T.Suffix()
		if domain == "." {
			return
		}
		var found diag.Diagnostic
		r.names(func(f func(netip.Addr, source.Name)) {
			f(a.Addr, source.Name{Value: domain, Pos: t.Pos})
		}, func(d diag.Diagnostic) { found = d })
		add(a.Server.Product.Name.Value, a.Addr, found)
	})
}

// firstDefaults calls f for the first address of each product that has a default hostname and for which ok returns true.
func firstDefaults(inv *model.Inventory, ok func(*model.Address) bool, f func(*model.Address)) {
	var last *source.Product
	seen := make(map[*source.Product]bool)
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Default == "" || a.Server.Product == last || !ok(a) {
			continue
		}
		if last = a.Server.Product; !seen[last] {
			seen[last] = true
			f(a)
		}
	}
}
