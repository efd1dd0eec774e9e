package lint

import (
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

var addressNetworkBroadcast = &Rule{
	ID:       "address-network-broadcast",
	Severity: diag.Warning,
	Title:    "no host has the network address or the broadcast address of an IPv4 block",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			p := b.Prefix.Prefix
			if !p.Addr().Is4() || p.Bits() > 30 {
				continue // both addresses of a /31 are hosts (RFC 3021)
			}
			reportEdge(inv, b, p.Addr(), "network address", report)
			reportEdge(inv, b, arpa.Last(p), "broadcast address", report)
		}
	},
}

// reportEdge reports those who have addr, which is what of b, for a host.
func reportEdge(inv *model.Inventory, b *model.Block, addr netip.Addr, what string, report func(diag.Diagnostic)) {
	list := inv.Within(netip.PrefixFrom(addr, addr.BitLen()))
	for i := range list {
		a := &list[i]
		if a.Block != b || a.Delegation != nil {
			continue // there, a smaller network may have other edges
		}
		d := diag.Diagnostic{
			Related: []diag.Related{{Pos: b.Prefix.Pos, Message: "the block"}},
			Hint:    "correct the address: no host on a link can have it",
		}
		switch {
		case a.Entry != nil && len(a.Entry.Names) > 0:
			d.Pos = a.Entry.Addr.Pos
			d.Message = fmt.Sprintf("%s has the name %q, and is the %s of block %s",
				addr, a.Entry.Names[0].Value, what, b.Prefix)
		case a.Primary != nil:
			d.Pos = a.Primary.Pos
			d.Message = fmt.Sprintf("%s is the primary address of server %q, and the %s of block %s",
				addr, a.Server.Name.Value, what, b.Prefix)
		default:
			continue
		}
		report(d)
	}
}
