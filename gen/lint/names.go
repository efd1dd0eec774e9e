package lint

import (
	"net/netip"
	"strings"

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

// hostNames calls f for chosenNames, and then for nameservers.
func hostNames(inv *model.Inventory, f func(addr netip.Addr, name source.Name)) {
	chosenNames(inv, f)
	nameservers(inv, f)
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

// chosenNames calls f for each reverse map name of an address outside of delegations, by address, and then for what all
// names of a template end with, with the first address that gets a name from it.
func chosenNames(inv *model.Inventory, f func(addr netip.Addr, name source.Name)) {
	reverseMapNames(inv, func(a *model.Address, name source.Name) { f(a.Addr, name) })
	ending := func(addr netip.Addr, t source.Template) {
		if domain := t.T.Suffix(); domain != "." {
			f(addr, source.Name{Value: domain, Pos: t.Pos})
		}
	}
	var last *source.Product
	seen := make(map[*source.Product]bool)
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Default == "" || a.Delegation != nil || a.Server.Product == last {
			continue
		}
		if last = a.Server.Product; !seen[last] {
			seen[last] = true
			ending(a.Addr, last.Hostname)
		}
	}
	for _, b := range inv.Blocks {
		if b.Fallback != nil {
			ending(b.Prefix.Addr(), source.Template{T: b.Fallback, Pos: b.Block.Fallback.Pos})
		}
	}
}
