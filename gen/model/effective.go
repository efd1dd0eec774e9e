package model

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/internal/hostname"
)

// Origin tells where a name comes from.
type Origin int

// The origins in the order in which they win.
const (
	NoName   Origin = iota
	Explicit        // a reverse map name
	Default         // the server's default hostname
	Fallback        // the block's fallback template
)

var originNames = [...]string{NoName: "none", Explicit: "explicit", Default: "default", Fallback: "fallback"}

// String returns the word that all output uses.
func (o Origin) String() string {
	if o < 0 || int(o) >= len(originNames) {
		return fmt.Sprintf("Origin(%d)", int(o))
	}
	return originNames[o]
}

// Effective is what an address answers with.
type Effective struct {
	Origin Origin
	Names  []string // in canonical order, without repetitions; empty if Origin is NoName
	TTL    uint32   // seconds
}

// Effective returns what a answers with: its reverse map name, else its default hostname, else the fallback of its
// block. In a delegation it has no name, whatever the source says.
func (inv *Inventory) Effective(a *Address) Effective {
	if a.Delegation != nil {
		return Effective{}
	}
	e := Effective{TTL: inv.Source.Defaults.TTL.Value}
	if a.Entry != nil && a.Entry.TTL.Pos.IsValid() {
		e.TTL = a.Entry.TTL.Value
	}
	switch {
	case a.Entry != nil && len(a.Entry.Names) > 0:
		e.Origin = Explicit
		for _, n := range a.Entry.Names {
			e.Names = append(e.Names, n.Value)
		}
		if len(e.Names) > 1 {
			slices.Sort(e.Names)
			e.Names = slices.Compact(e.Names)
		}
	case a.Default != "":
		e.Origin, e.Names = Default, []string{a.Default}
	default:
		return inv.fallback(a.Addr, a.Block)
	}
	return e
}

// Lookup returns what addr answers with, whether or not the source lists it, and its entry if it does.
func (inv *Inventory) Lookup(addr netip.Addr) (Effective, *Address) {
	i, found := slices.BinarySearchFunc(inv.Addresses, addr, func(a Address, b netip.Addr) int { return a.Compare(b) })
	if found {
		return inv.Effective(&inv.Addresses[i]), &inv.Addresses[i]
	}
	if inv.DelegationOf(addr) != nil {
		return Effective{}, nil
	}
	return inv.fallback(addr, inv.BlockOf(addr)), nil
}

// BlockOf returns the smallest block that holds addr, nil if none does.
func (inv *Inventory) BlockOf(addr netip.Addr) *Block {
	return inv.blockOf(inv.blocks.last(addr), netip.PrefixFrom(addr, addr.BitLen()))
}

// fallback names an address that has no name of its own. Its TTL is that of the zone, whatever the address's entry says.
func (inv *Inventory) fallback(addr netip.Addr, b *Block) Effective {
	if b == nil || b.Fallback == nil {
		return Effective{}
	}
	name, err := b.Fallback.Expand(hostname.Values{Addr: addr})
	if err != nil {
		return Effective{}
	}
	return Effective{Origin: Fallback, Names: []string{name}, TTL: inv.Source.Defaults.TTL.Value}
}

// Within returns the addresses that lie in p, in order. They are read-only.
func (inv *Inventory) Within(p netip.Prefix) []Address {
	byAddr := func(a Address, b netip.Addr) int { return a.Compare(b) }
	first, _ := slices.BinarySearchFunc(inv.Addresses, p.Addr(), byAddr)
	rest := inv.Addresses[first:]
	n, _ := slices.BinarySearchFunc(rest, p, func(a Address, p netip.Prefix) int {
		if p.Contains(a.Addr) {
			return -1
		}
		return 1
	})
	return rest[:n]
}
