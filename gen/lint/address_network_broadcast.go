package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

var addressNetworkBroadcast = &Rule{
	ID:       "address-network-broadcast",
	Severity: diag.Warning,
	Title:    "no host has the network address or the broadcast address of an IPv4 block",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			// Both addresses of a /31 are hosts (RFC 3021).
			if !a.Is4() || a.Block == nil || a.Delegation != nil || a.Block.Prefix.Bits() > 30 {
				continue
			}
			switch p := a.Block.Prefix.Prefix; a.Addr {
			case p.Addr():
				reportEdge(a, "network address", report)
			case arpa.Last(p):
				reportEdge(a, "broadcast address", report)
			}
		}
	},
}

// reportEdge reports a, which is what of its block, if a host has it.
func reportEdge(a *model.Address, what string, report func(diag.Diagnostic)) {
	b := a.Block
	d := diag.Diagnostic{
		Related: []diag.Related{{Pos: b.Prefix.Pos, Message: "the block"}},
		Hint:    "correct the address: no host on a link can have it",
	}
	switch {
	case a.Entry != nil && len(a.Entry.Names) > 0:
		d.Pos = a.Entry.Addr.Pos
		d.Message = fmt.Sprintf("%s has the name %q, and is the %s of block %s",
			a.Addr, a.Entry.Names[0].Value, what, b.Prefix)
	case a.Primary != nil:
		d.Pos = a.Primary.Pos
		d.Message = fmt.Sprintf("%s is the primary address of server %q, and the %s of block %s",
			a.Addr, a.Server.Name.Value, what, b.Prefix)
	default:
		return
	}
	report(d)
}
