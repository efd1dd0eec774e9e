package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var addressRoutedElsewhere = &Rule{
	ID:       "address-routed-elsewhere",
	Severity: diag.Error,
	Title:    "a prefix that is routed to a server holds nothing of anyone else",
	across:   insideRouted,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
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
			around.narrow(r.Addr())
			outer := around
			for n := len(outer); n > 0 && outer[n-1].Prefix.Prefix == r.Prefix.Prefix; n = len(outer) {
				outer = outer[:n-1] // address-assigned-twice
			}
			if n := len(outer); n > 0 && !outer.routedTo(r.Server) {
				found(r.Pos, r.Prefix, r.Server, outer[n-1])
			}
			around = append(around, r)
		}
		around = around[:0]
		rest := inv.Routed
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			for ; len(rest) > 0 && rest[0].Addr().Compare(a.Addr) <= 0; rest = rest[1:] {
				around.narrow(rest[0].Addr())
				around = append(around, &rest[0])
			}
			around.narrow(a.Addr)
			if n := len(around); n > 0 && !around.routedTo(a.Server) {
				found(a.Pos(), a.Addr, a.Server, around[n-1])
			}
		}
	},
}

// A nest is a chain of routed prefixes, each inside the one before.
type nest []*model.Routed

// narrow drops the prefixes that do not hold addr.
func (n *nest) narrow(addr netip.Addr) {
	s := *n
	for len(s) > 0 && !s[len(s)-1].Contains(addr) {
		s = s[:len(s)-1]
	}
	*n = s
}

// routedTo reports whether the smallest prefix is routed to s. If it is routed twice, either server counts.
func (n nest) routedTo(s *model.Server) bool {
	for _, r := range slices.Backward(n) {
		switch {
		case r.Prefix.Prefix != n[len(n)-1].Prefix.Prefix:
			return false
		case sameServer(r.Server, s):
			return true
		}
	}
	return false
}

// sameServer reports whether a and b are one server. Two with one name are: defined-twice reports them.
func sameServer(a, b *model.Server) bool {
	return a == b || a != nil && b != nil && a.Name.Value == b.Name.Value
}
