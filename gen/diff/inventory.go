package diff

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

// An inventory is the view of a source. Of what the source has twice, which is an error there, it sees the first.
type inventory struct {
	*model.Inventory
	forwards *forward.Zones
	routed   prefixes // of Inventory.Routed
	byZone   bool
}

func newInventory(inv *model.Inventory, forwards *forward.Zones) *inventory {
	return &inventory{
		Inventory: inv,
		forwards:  forwards,
		routed:    newPrefixes(inv.Routed, func(r model.Routed) netip.Prefix { return r.Prefix.Prefix }),
	}
}

func (v *inventory) listed() iter.Seq2[netip.Addr, State] {
	return func(yield func(netip.Addr, State) bool) {
		var last netip.Addr
		for i := range v.Addresses {
			a := &v.Addresses[i]
			if a.Addr == last {
				continue
			}
			last = a.Addr
			s := State{Primary: a.Primary != nil, Pos: a.Pos()}
			v.locate(&s, a.Addr, a.Block, a.Delegation)
			v.answer(&s, v.Effective(a))
			if a.Server != nil {
				s.Server, s.HELO = a.Server.Name.Value, a.Server.Helo.Value
			}
			if !yield(a.Addr, s) {
				return
			}
		}
	}
}

func (v *inventory) unlisted(addr netip.Addr) State {
	var s State
	v.locate(&s, addr, v.BlockOf(addr), v.DelegationOf(addr))
	e, _ := v.Lookup(addr)
	v.answer(&s, e)
	if i := v.routed.smallest(single(addr)); i >= 0 {
		server := v.Routed[i].Server
		s.Server, s.HELO = server.Name.Value, server.Helo.Value
	}
	return s
}

// locate sets the block and the delegation that an address lies in.
func (v *inventory) locate(s *State, addr netip.Addr, b *model.Block, d *model.Delegation) {
	if b != nil {
		s.Block = b.Prefix.Prefix
		if v.byZone {
			s.Block, _ = addr.Prefix(b.Zones[0].Prefix.Bits()) // all have the same length
		}
	}
	if d != nil {
		s.Delegation = d.Prefix.Prefix
		if v.byZone {
			s.Delegation, _ = addr.Prefix(d.Parts[0].Prefix.Bits())
		}
	}
}

// answer sets what an address answers with: nothing outside of the blocks.
func (v *inventory) answer(s *State, e model.Effective) {
	if s.Block.IsValid() {
		s.Names, s.TTL, s.Origin = e.Names, e.TTL, e.Origin
	}
}

func (v *inventory) knowsForward() bool { return len(v.ForwardZones) > 0 || len(v.forwards.List()) > 0 }

func (v *inventory) confirms(name string, addr netip.Addr) confirmation {
	zone := v.ForwardZone(name)
	answer := v.forwards.Lookup(name)
	// Of a name in one of our forward zones, a zone file knows only if its zone lies inside.
	if zone == nil || answer.Zone != nil && len(answer.Zone.Apex) > len(zone.Name.Value) {
		switch {
		case answer.Result == forward.Unknown:
			return unknown
		case answer.Has(addr):
			return confirmed
		}
		return unconfirmed
	}
	i, found := slices.BinarySearchFunc(v.Addresses, addr, func(a model.Address, b netip.Addr) int { return a.Compare(b) })
	for ; found && i < len(v.Addresses) && v.Addresses[i].Addr == addr; i++ {
		if v.Addresses[i].Default == name {
			return confirmed
		}
	}
	for _, b := range zone.Fallbacks {
		if !b.Prefix.Contains(addr) {
			continue
		}
		if values, ok := b.Fallback.Invert(name); ok && values.Addr == addr {
			return confirmed
		}
	}
	return unconfirmed
}

func (v *inventory) blocks() []block {
	var list []block
	for _, b := range v.Blocks {
		fallback := ""
		if b.Fallback != nil {
			fallback = b.Fallback.String()
		}
		if !v.byZone {
			list = append(list, block{b.Prefix.Prefix, fallback, b.Prefix.Pos})
			continue
		}
		for _, z := range b.Zones {
			list = append(list, block{z.Prefix, fallback, b.Prefix.Pos})
		}
	}
	return once(list, func(a, b block) int { return a.prefix.Compare(b.prefix) })
}

func (v *inventory) delegations() []delegation {
	var list []delegation
	for _, d := range v.Delegations {
		if len(d.Parts) == 0 {
			continue // it takes nothing from the block
		}
		base := delegation{prefix: d.Prefix.Prefix, child: d.Zone.Value, pos: d.Prefix.Pos}
		for _, n := range d.Nameservers {
			base.ns = append(base.ns, n.Value)
		}
		for _, ds := range d.DS {
			base.ds = append(base.ds, formatDS(ds.KeyTag, ds.Algorithm, ds.DigestType, string(ds.Digest)))
		}
		base.ns, base.ds = distinct(base.ns), distinct(base.ds)
		if !v.byZone {
			base.glue = glueBelow(d, "")
			list = append(list, base)
			continue
		}
		for i := range d.Parts {
			p := base
			p.prefix, p.child, p.glue = d.Parts[i].Prefix, d.Parts[i].Name, glueBelow(d, d.Parts[i].Name)
			list = append(list, p)
		}
	}
	return once(list, func(a, b delegation) int { return a.prefix.Compare(b.prefix) })
}

// glueBelow returns the glue of d for the name servers at or below a zone, for all of them if it is "".
func glueBelow(d *model.Delegation, zone string) []string {
	var list []string
	for _, g := range d.Glue {
		if name := g.Name.Value; zone == "" || name == zone || strings.HasSuffix(name, "."+zone) {
			for _, a := range g.Addrs {
				list = append(list, formatGlue(name, a.Addr))
			}
		}
	}
	return distinct(list)
}

// formatDS and formatGlue return one item of a delegation in words.

func formatDS(tag uint16, algorithm, digestType uint8, digest string) string {
	return fmt.Sprintf("%d %d %d %x", tag, algorithm, digestType, digest)
}

func formatGlue(name string, a netip.Addr) string { return name + " " + a.String() }

func (v *inventory) zones() []zone {
	d := &v.Source.Defaults
	base := zone{
		ttl: d.TTL.Value,
		soa: snapshot.SOA{
			Primary: d.SOA.Primary.Value,
			Contact: d.SOA.Contact.Value,
			Refresh: d.SOA.Refresh.Value,
			Retry:   d.SOA.Retry.Value,
			Expire:  d.SOA.Expire.Value,
			Minimum: d.SOA.NegativeTTL.Value,
		},
		apex: apex{ttl: d.TTL.Pos, ns: d.Pos, soa: d.SOA.Pos},
	}
	if !d.TTL.Pos.IsValid() {
		base.apex.ttl = d.Pos
	}
	for _, n := range d.Nameservers {
		base.ns = append(base.ns, n.Value)
	}
	if len(base.ns) > 0 {
		base.apex.ns = d.Nameservers[0].Pos
	}
	base.ns = distinct(base.ns)
	var list []zone
	add := func(name string, prefix netip.Prefix, ns []string, pos diag.Position) {
		if name != "" {
			z := base
			z.name, z.prefix, z.ns, z.pos = name, prefix, ns, pos
			list = append(list, z)
		}
	}
	for _, z := range v.Zones {
		add(z.Name, z.Prefix, base.ns, z.Block.Prefix.Pos)
		for _, d := range z.Block.DS {
			if z.Name == "" || d.Zone.Value != z.Name {
				continue
			}
			zone := &list[len(list)-1]
			for _, ds := range d.DS {
				zone.ds = append(zone.ds, formatDS(ds.KeyTag, ds.Algorithm, ds.DigestType, string(ds.Digest)))
			}
			zone.ds, zone.apex.ds = distinct(zone.ds), d.Zone.Pos
		}
	}
	for _, z := range v.ForwardZones {
		add(z.Name.Value, netip.Prefix{}, base.ns, z.Name.Pos)
	}
	add(v.Catalog.Value, netip.Prefix{}, []string{"invalid."}, v.Catalog.Pos) // RFC 9432 section 4
	return once(list, compareBy(func(z zone) string { return z.name }))
}

func (v *inventory) servers() []*model.Server {
	same := func(a, b *model.Server) bool { return a.Name.Value == b.Name.Value }
	return slices.CompactFunc(slices.Clone(v.Servers), same)
}
