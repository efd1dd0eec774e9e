package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// effectiveNames calls f for each name that somebody chose for an address of ours, by address: its reverse map names,
// else its default hostname, which has the place of the primary address.
func effectiveNames(inv *model.Inventory, f func(a *model.Address, name source.Name)) {
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		switch {
		case a.Block == nil || a.Delegation != nil:
		case len(reverseNames(a)) > 0:
			for _, name := range a.Entry.Names {
				f(a, name)
			}
		case a.Default != "":
			f(a, source.Name{Value: a.Default, Pos: a.Primary.Pos})
		}
	}
}

// lookup asks the zone files for name. It is not for them to say if one of our forward zones answers for it.
func lookup(inv *model.Inventory, zones *forward.Zones, name string) (forward.Answer, *model.ForwardZone) {
	answer, ours := zones.Lookup(name), inv.ForwardZone(name)
	if ours != nil && (answer.Zone == nil || len(ours.Name.Value) >= len(answer.Zone.Apex)) {
		return forward.Answer{}, ours
	}
	return answer, nil
}

// unconfirmed calls f for each name of effectiveNames that a zone file knows, and that is an alias there or does not have
// the address.
func unconfirmed(
	inv *model.Inventory, zones *forward.Zones, f func(a *model.Address, name source.Name, answer forward.Answer),
) {
	if zones == nil {
		return
	}
	effectiveNames(inv, func(a *model.Address, name source.Name) {
		answer, _ := lookup(inv, zones, name.Value)
		_, alias := answer.Alias()
		if alias || answer.Result != forward.Unknown && !answer.Has(a.Addr) {
			f(a, name, answer)
		}
	})
}

// A host is a name in one of our forward zones, and the addresses that have it there.
type host struct {
	*model.Address // whose name it is
	name           source.Name
	zone           *model.ForwardZone
	servers        []*model.Address // of which it is the default hostname
	fallback       netip.Addr       // whose fallback name it is; invalid if it is none
}

// unconfirmedHosts calls f for each reverse map name in one of our forward zones that does not have the address there.
func unconfirmedHosts(inv *model.Inventory, zones *forward.Zones, f func(h *host)) {
	if len(inv.ForwardZones) == 0 {
		return
	}
	var inside []*host
	servers := make(map[string][]*model.Address)
	reverseMapNames(inv, func(a *model.Address, name source.Name) {
		if a.Block == nil {
			return
		}
		if _, ours := lookup(inv, zones, name.Value); ours != nil {
			inside = append(inside, &host{Address: a, name: name, zone: ours, fallback: fallbackOf(ours, name.Value)})
			servers[name.Value] = nil
		}
	})
	if len(inside) == 0 {
		return
	}
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if list, ok := servers[a.Default]; ok {
			servers[a.Default] = append(list, a)
		}
	}
	for _, h := range inside {
		confirmed := h.fallback == h.Addr
		for _, a := range servers[h.name.Value] {
			confirmed = confirmed || a.Addr == h.Addr
		}
		if !confirmed {
			h.servers = servers[h.name.Value]
			f(h)
		}
	}
}

// fallbackOf returns the address whose fallback name in z is name, an invalid one if there is none.
func fallbackOf(z *model.ForwardZone, name string) netip.Addr {
	for _, b := range z.Fallbacks {
		if v, ok := b.Fallback.Invert(name); ok && b.Prefix.Contains(v.Addr) {
			return v.Addr
		}
	}
	return netip.Addr{}
}

// recordType is the type of the record that says addr.
func recordType(addr netip.Addr) string {
	if addr.Is4() {
		return "A"
	}
	return "AAAA"
}

// line is the line of a zone file that gives name, which lies in z, the address addr.
func line(z *forward.Zone, name string, addr netip.Addr) string {
	return fmt.Sprintf("%s %s %s", below(z, name), recordType(addr), addr)
}

// below returns name, which lies in z, as it is written in the file of z.
func below(z *forward.Zone, name string) string {
	if name == z.Apex {
		return "@"
	}
	return strings.TrimSuffix(strings.TrimSuffix(name, z.Apex), ".")
}

// wrongly begins a message: which address has which name.
func wrongly(a *model.Address, name source.Name) string {
	return fmt.Sprintf("%s has the name %q, which ", a.Addr, name.Value)
}

// at is a place in a zone file.
func at(r forward.Record, message string) diag.Related {
	return diag.Related{Pos: r.Pos, Message: message}
}

func isWildcard(r forward.Record) bool { return strings.HasPrefix(r.Owner, "*.") }
