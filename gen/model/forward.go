package model

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/source"
)

// A ForwardZone is a zone that answers A and AAAA for the hosts and fallback names below it.
type ForwardZone struct {
	Name      source.Name // the apex
	Fallbacks []*Block    // those whose fallback names lie in the zone, by prefix
}

func (inv *Inventory) addForwardZones() {
	for _, name := range inv.Source.ForwardZones {
		inv.ForwardZones = append(inv.ForwardZones, &ForwardZone{Name: name})
	}
	slices.SortStableFunc(inv.ForwardZones, func(a, b *ForwardZone) int {
		return strings.Compare(a.Name.Value, b.Name.Value)
	})
	for _, b := range inv.Blocks {
		if b.Fallback == nil {
			continue
		}
		if z := inv.ForwardZone(b.Fallback.Suffix()); z != nil {
			z.Fallbacks = append(z.Fallbacks, b)
		}
	}
}

// ForwardZone returns the forward zone that name, absolute and in lower case, lies in: the one with the longest apex at
// or above it; nil if there is none.
func (inv *Inventory) ForwardZone(name string) *ForwardZone {
	for ; name != ""; _, name, _ = strings.Cut(name, ".") {
		i, found := slices.BinarySearchFunc(inv.ForwardZones, name, func(z *ForwardZone, name string) int {
			return strings.Compare(z.Name.Value, name)
		})
		if found {
			return inv.ForwardZones[i]
		}
	}
	return nil
}

// A Host is a default hostname and the primary addresses that have it.
type Host struct {
	Name  string       // absolute, in lower case
	Addrs []netip.Addr // at least one, without repetitions; IPv4 first, then ascending; read-only
}

// Hosts returns the default hostnames of all primary addresses, by name: also where a reverse map name replaces it in the
// PTR, in delegations, and outside of the forward zones. Each iteration sorts all of them.
func (inv *Inventory) Hosts() iter.Seq[Host] {
	return func(yield func(Host) bool) {
		var all []*Address
		for i := range inv.Addresses {
			if a := &inv.Addresses[i]; a.Default != "" {
				all = append(all, a)
			}
		}
		slices.SortFunc(all, func(a, b *Address) int {
			if c := strings.Compare(a.Default, b.Default); c != 0 {
				return c
			}
			return a.Compare(b.Addr)
		})
		addrs := make([]netip.Addr, 0, len(all)) // of all hosts
		for len(all) > 0 {
			name, first := all[0].Default, len(addrs)
			for ; len(all) > 0 && all[0].Default == name; all = all[1:] {
				if addr := all[0].Addr; len(addrs) == first || addrs[len(addrs)-1] != addr {
					addrs = append(addrs, addr)
				}
			}
			if !yield(Host{name, addrs[first:]}) {
				return
			}
		}
	}
}
