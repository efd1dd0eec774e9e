package model

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
)

// A Delegation is a prefix of a block whose names others serve, or another block of ours inside that one.
type Delegation struct {
	*source.Delegation
	Block *Block
	Parts []Part // by prefix; none if the prefix does not lie in the block, then it takes nothing from it
}

// A Part is what a delegation puts into one zone for one prefix: a zone cut or, for an IPv4 prefix longer than /24, a
// CNAME for each address (RFC 2317 section 4).
type Part struct {
	Delegation *Delegation
	Zone       *Zone // the parent
	Prefix     netip.Prefix
	Name       string // of the child zone; empty if it is not known, since a "zone:" is missing
	Alias      bool   // CNAMEs: Name is not the one that the prefix has in Zone by itself
}

func (inv *Inventory) addDelegations() {
	for _, b := range inv.Blocks {
		for i := range b.Block.Delegations {
			inv.Delegations = append(inv.Delegations, &Delegation{Delegation: &b.Block.Delegations[i], Block: b})
		}
	}
	slices.SortStableFunc(inv.Delegations, func(a, b *Delegation) int {
		return comparePrefixes(a.Prefix.Prefix, b.Prefix.Prefix)
	})
	for _, d := range inv.Delegations {
		d.Block.Delegations = append(d.Block.Delegations, d)
		d.cut()
	}
	inv.delegations = newNest(inv.Delegations, func(d *Delegation) netip.Prefix { return d.Prefix.Prefix })
	for _, b := range inv.Blocks {
		for _, z := range b.Zones {
			z.Delegation = inv.delegationOf(inv.delegations.last(z.Prefix.Addr()), z.Prefix, b.Outer)
		}
	}
}

// cut makes the parts of d, which end on the same boundaries as zones do.
func (d *Delegation) cut() {
	if around := d.Block.Prefix; around.Bits() > d.Prefix.Bits() || !around.Contains(d.Prefix.Addr()) {
		return
	}
	for p := range arpa.Cut(d.Prefix.Prefix) {
		i, _ := slices.BinarySearchFunc(d.Block.Zones, p.Addr(), func(z *Zone, a netip.Addr) int {
			if z.Prefix.Contains(a) {
				return 0
			}
			return z.Prefix.Addr().Compare(a)
		})
		z := d.Block.Zones[i]
		part := Part{Delegation: d, Zone: z, Prefix: p, Name: z.nameOf(p)}
		if IsClassless(p) && (!p.IsSingleIP() || d.Zone.Pos.IsValid()) {
			part.Alias = d.Zone.Value == "" || d.Zone.Value != part.Name
			part.Name = d.Zone.Value
		}
		d.Parts = append(d.Parts, part)
	}
	for i := range d.Parts {
		p := &d.Parts[i]
		p.Zone.Parts = append(p.Zone.Parts, p)
	}
}

// nameOf returns the name that p, which lies in z, has there by itself. It is empty if p has none, as an IPv4 prefix of
// 25 to 31 bits, or if that of z is not known.
func (z *Zone) nameOf(p netip.Prefix) string {
	switch {
	case IsClassless(p) && !p.IsSingleIP():
		return ""
	case !IsClassless(z.Prefix) || z.Name == arpa.Name(p.Addr()):
		return arpa.ZoneName(p)
	case z.Name == "":
		return ""
	}
	return fmt.Sprintf("%d.%s", p.Addr().As4()[3], z.Name)
}

// DelegationOf returns the smallest delegation that takes addr away from the block that holds it, nil if none does. A
// delegation takes nothing away from a block inside its own: what we serve there is served.
func (inv *Inventory) DelegationOf(addr netip.Addr) *Delegation {
	return inv.delegationOf(inv.delegations.last(addr), netip.PrefixFrom(addr, addr.BitLen()), inv.BlockOf(addr))
}

// delegationOf returns the smallest delegation of b that holds p, nil if none does. Last is that of p's address in
// inv.delegations.
func (inv *Inventory) delegationOf(last int, p netip.Prefix, b *Block) *Delegation {
	for i := inv.delegations.smallest(last, p); i >= 0; i = inv.delegations[i].outer {
		if d := inv.Delegations[i]; d.Block == b && len(d.Parts) > 0 {
			return d
		}
	}
	return nil
}
