package lint

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// A comparison sets an inventory, or a part of one, beside what rules ask of it: forward zone files, and what follows from
// the frame that all parts of a source share. It is safe for concurrent use.
type comparison struct {
	*model.Inventory
	*derived
	frame bool           // the inventory is the frame alone: findings about it are made now, and not with each part
	zones *forward.Zones // nil if there are none
	// claims returns the names of effectiveNames that a zone file knows, without those that just lead back: the ones that
	// are aliases, do not have the address, or have another one of its family beside it. All rules share them.
	claims func() []claim
}

// derived is what follows from the frame of a source. It is made when the first rule asks, for all parts.
type derived struct {
	ours              func() domains             // ownDomains
	made              func() domains             // madeDomains
	namers            func() map[string][]*namer // fallbackNamers
	spelling          func() (domains, spelling) // spelledDomains
	nameserversInside func() map[string][]nameserver
}

// A claim is a name that an address has, and what zone files say of that name.
type claim struct {
	*model.Address
	name  source.Name
	in    forward.Answer
	alias forward.Record // the CNAME record of the name; its zone is nil if there is none
}

// newComparison returns one for the frame of inv. Those for its parts are made from it.
func newComparison(inv *model.Inventory, zones *forward.Zones) *comparison {
	c := &comparison{Inventory: inv, frame: true, zones: zones, claims: func() []claim { return nil }}
	c.derived = &derived{
		ours:              sync.OnceValue(func() domains { return ownDomains(inv) }),
		made:              sync.OnceValue(func() domains { return madeDomains(inv) }),
		namers:            sync.OnceValue(func() map[string][]*namer { return fallbackNamers(inv) }),
		spelling:          sync.OnceValues(c.spelledDomains),
		nameserversInside: sync.OnceValue(c.nameserversInForwardZones),
	}
	return c
}

// of returns a comparison for a part, whose frame is that of c.
func (c *comparison) of(part *model.Inventory) *comparison {
	p := &comparison{Inventory: part, derived: c.derived, zones: c.zones}
	p.claims = sync.OnceValue(func() []claim {
		if p.zones == nil {
			return nil
		}
		var list []claim
		p.effectiveNames(func(a *model.Address, name source.Name) {
			answer, _ := p.lookup(name.Value)
			alias, isAlias := answer.Alias()
			if isAlias || answer.Result != forward.Unknown && !leadsBack(answer, a.Addr) {
				list = append(list, claim{a, name, answer, alias})
			}
		})
		return list
	})
	return p
}

// leadsBack reports whether a name has the address addr, and no other one of its family.
func leadsBack(answer forward.Answer, addr netip.Addr) bool {
	found := false
	for r := range answer.Records() {
		if r.Addr != addr && r.Addr.Is4() == addr.Is4() {
			return false
		}
		found = found || r.Addr == addr
	}
	return found
}

// isAlias reports whether the name is an alias.
func (c *claim) isAlias() bool { return c.alias.Zone != nil }

// wrongly begins a message: which address has which name.
func (c *claim) wrongly() string { return wrongly(c.Address, c.name) }

// line is the line that gives the name its address.
func (c *claim) line() string {
	return fmt.Sprintf("%s %s %s", below(c.in.Zone, c.name.Value), recordType(c.Addr), c.Addr)
}

// effectiveNames calls f for each name that somebody chose for an address of ours, by address: its reverse map names,
// else its default hostname, which has the place of the primary address.
func (c *comparison) effectiveNames(f func(a *model.Address, name source.Name)) {
	for i := range c.Addresses {
		a := &c.Addresses[i]
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
func (c *comparison) lookup(name string) (forward.Answer, *model.ForwardZone) {
	answer, ours := c.zones.Lookup(name), c.ForwardZone(name)
	if ours != nil && (answer.Zone == nil || len(ours.Name.Value) >= len(answer.Zone.Apex)) {
		return forward.Answer{}, ours
	}
	return answer, nil
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
func (c *comparison) unconfirmedHosts(f func(h *host)) {
	if len(c.ForwardZones) == 0 {
		return
	}
	var inside []*host
	servers := make(map[string][]*model.Address)
	reverseMapNames(c.Inventory, func(a *model.Address, name source.Name) {
		if a.Block == nil {
			return
		}
		if _, ours := c.lookup(name.Value); ours != nil {
			inside = append(inside, &host{Address: a, name: name, zone: ours, fallback: fallbackOf(ours, name.Value)})
			servers[name.Value] = nil
		}
	})
	if len(inside) == 0 {
		return
	}
	for i := range c.Addresses {
		a := &c.Addresses[i]
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
