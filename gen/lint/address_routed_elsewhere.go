package lint

import (
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var addressRoutedElsewhere = &Rule{
	ID:       "address-routed-elsewhere",
	Severity: diag.Error,
	Title:    "a prefix that is routed to a server holds nothing of anyone else",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		found := func(pos diag.Position, what fmt.Stringer, s *model.Server, r *model.Routed) {
			of := ""
			if s != nil {
				of = fmt.Sprintf(" of server %q", s.Name.Value)
			}
			report(diag.Diagnostic{
				Pos:     pos,
				Message: fmt.Sprintf("%s%s lies in %s, which is routed to server %q", what, of, r.Prefix, r.Server.Name.Value),
				Related: []diag.Related{{Pos: r.Pos, Message: "routed here"}},
				Hint:    fmt.Sprintf("move it to server %q, or correct one of the two", r.Server.Name.Value),
			})
		}
		var around nest
		for i := range inv.Routed {
			r := &inv.Routed[i]
			outer := around.narrow(r.Addr())
			if outer != nil && outer.Prefix.Prefix != r.Prefix.Prefix && !sameServer(outer.Server, r.Server) {
				found(r.Pos, r.Prefix, r.Server, outer)
			}
			around = append(around, r)
		}
		around = around[:0]
		next := 0
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			for ; next < len(inv.Routed) && inv.Routed[next].Addr().Compare(a.Addr) <= 0; next++ {
				around.narrow(inv.Routed[next].Addr())
				around = append(around, &inv.Routed[next])
			}
			if r := around.narrow(a.Addr); r != nil && !sameServer(a.Server, r.Server) {
				found(a.Pos(), a.Addr, a.Server, r)
			}
		}
	},
}

// A nest is a chain of routed prefixes, each inside the one before.
type nest []*model.Routed

// narrow drops the prefixes that do not hold addr and returns the smallest that does, nil if none does.
func (n *nest) narrow(addr netip.Addr) *model.Routed {
	for s := *n; len(s) > 0; s = *n {
		if r := s[len(s)-1]; r.Contains(addr) {
			return r
		}
		*n = s[:len(s)-1]
	}
	return nil
}

// sameServer reports whether a and b are one server. Two with one name are: defined-twice reports them.
func sameServer(a, b *model.Server) bool {
	return a == b || a != nil && b != nil && a.Name.Value == b.Name.Value
}
