package diff

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

func (c *comparison) compareServers(l *listed) {
	order := func(a, b *model.Server) int { return strings.Compare(a.Name.Value, b.Name.Value) }
	merge(c.old.servers(), c.new.servers(), order, func(old, new **model.Server) {
		var s Server
		switch {
		case new == nil:
			s = Server{Name: (*old).Name.Value, Kinds: []Kind{ServerRemoved}, Old: addresses(*old), OldPos: (*old).Name.Pos}
		case old == nil:
			s = Server{Name: (*new).Name.Value, Kinds: []Kind{ServerAdded}, New: addresses(*new), Pos: (*new).Name.Pos}
		default:
			s = compareServer(*old, *new)
		}
		if len(s.Kinds) > 0 {
			l.servers = append(l.servers, s)
		}
	})
}

// compareServer returns how a server that both sides have changes. It has no kinds if it does not.
func compareServer(old, new *model.Server) Server {
	s := Server{Name: new.Name.Value, OldPos: old.Name.Pos, Pos: new.Name.Pos}
	var detail []string
	if !sameAddresses(old, new) {
		detail = s.compareAddresses(old, new)
	}
	for _, x := range []struct {
		kind           Kind
		what, old, new string
	}{
		{ProductChanged, "product", old.Server.Product.Value, new.Server.Product.Value},
		{AccountChanged, "account", old.Server.Account.Value, new.Server.Account.Value},
		{HELOChanged, "helo", old.Helo.Value, new.Helo.Value},
		{PrefixesChanged, "routed prefixes", routed(old), routed(new)},
	} {
		if x.old != x.new {
			s.Kinds = append(s.Kinds, x.kind)
			detail = append(detail, change(x.what, x.old, x.new))
		}
	}
	s.Detail = strings.Join(detail, "; ")
	return s
}

// compareAddresses adds to s how the addresses of a server change, and returns that in words.
func (s *Server) compareAddresses(old, new *model.Server) []string {
	var detail []string
	renumbered, moved := false, false
	before, after := addresses(old), addresses(new)
	given, got := without(before, after), without(after, before)
	for _, v6 := range []bool{false, true} {
		was, is := family(primaries(old), v6), family(primaries(new), v6)
		primary := ""
		if len(was) > 0 && len(is) > 0 && !slices.Equal(was, is) {
			moved = true
			primary = list(was) + " → " + list(is)
			detail = append(detail, "primary: "+primary)
			s.Old, s.New = append(s.Old, was...), append(s.New, is...)
		}
		if was, is := family(given, v6), family(got, v6); len(was) > 0 && len(is) > 0 {
			renumbered = true
			if all := list(was) + " → " + list(is); all != primary {
				detail = append(detail, "addresses: "+all)
			}
		}
	}
	if renumbered {
		s.Kinds = append(s.Kinds, ServerRenumbered)
	}
	if moved {
		s.Kinds = append(s.Kinds, PrimaryMoved)
	}
	if renumbered || moved {
		s.Old, s.New = once(append(s.Old, given...), netip.Addr.Compare), once(append(s.New, got...), netip.Addr.Compare)
	}
	return detail
}

// sameAddresses reports whether the source lists the same addresses for a server, in the same order.
func sameAddresses(a, b *model.Server) bool {
	return slices.EqualFunc(a.Primary, b.Primary, func(p, q source.Addr) bool { return p.Addr == q.Addr }) &&
		slices.EqualFunc(a.Addresses, b.Addresses, func(p, q source.Address) bool { return p.Addr.Addr == q.Addr.Addr })
}

// addresses returns those of a server, without routed prefixes.
func addresses(s *model.Server) []netip.Addr {
	all := primaries(s)
	for i := range s.Addresses {
		all = append(all, s.Addresses[i].Addr.Addr)
	}
	return once(all, netip.Addr.Compare)
}

// routed returns the prefixes that are routed to a server, as a list in words.
func routed(s *model.Server) string {
	var all []netip.Prefix
	for _, p := range s.Routed {
		all = append(all, p.Prefix)
	}
	var words []string
	for _, p := range once(all, netip.Prefix.Compare) {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

func primaries(s *model.Server) []netip.Addr {
	var all []netip.Addr
	for _, p := range s.Primary {
		all = append(all, p.Addr)
	}
	return once(all, netip.Addr.Compare)
}

// without returns those of a that are not in b. Both are sorted.
func without(a, b []netip.Addr) []netip.Addr {
	var rest []netip.Addr
	for _, x := range a {
		if _, found := slices.BinarySearchFunc(b, x, netip.Addr.Compare); !found {
			rest = append(rest, x)
		}
	}
	return rest
}

// family returns the addresses of one family.
func family(addrs []netip.Addr, v6 bool) []netip.Addr {
	var some []netip.Addr
	for _, a := range addrs {
		if a.Is6() == v6 {
			some = append(some, a)
		}
	}
	return some
}

// list returns addresses as a list in words.
func list(addrs []netip.Addr) string {
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}
