package diff

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

// Compare returns all changes from one state to another. If one of them is a snapshot, they are compared by what a
// snapshot knows: no servers, and what a block or a delegation puts into each zone in place of the whole. Addresses
// that neither side lists are not in the result, even if a block, a delegation or a fallback around them changes.
func Compare(from, to *Side) *Changes {
	return compare(from, to, func(netip.Prefix) int { return 0 })
}

// CompareParts returns what Compare does for two sources of which from and to are parts: those files that are not the
// same in both. Outside returns how many addresses there are in the other files that have a name of their own and of
// which a block is the smallest that holds them. The files may differ in their servers and addresses, but have the same
// accounts and blocks; what they list, or route to a server, the other files do not list or route.
func CompareParts(from, to *Side, outside func(block netip.Prefix) int) *Changes {
	return compare(from, to, outside)
}

func compare(from, to *Side, outside func(block netip.Prefix) int) *Changes {
	byZone := from.stored != nil || to.stored != nil
	c := &comparison{old: from.view(byZone), new: to.view(byZone), servers: !byZone}
	c.oldBlocks, c.newBlocks = newBlocks(c.old), newBlocks(c.new)
	c.forward = c.old.knowsForward() && c.new.knowsForward()
	c.compareAddresses()
	for i := range c.Totals {
		t := &c.Totals[i]
		n := outside(t.Block)
		t.Old, t.New, c.Total.Old, c.Total.New = t.Old+n, t.New+n, c.Total.Old+n, c.Total.New+n
	}
	if c.servers {
		c.compareServers()
		c.compareRules()
	}
	c.compareDelegations()
	c.compareBlocks()
	c.compareZones()
	return &c.Changes
}

// A comparison is one in progress.
type comparison struct {
	Changes
	old, new             view
	oldBlocks, newBlocks blocks
	servers              bool // both sides know servers
	forward              bool // both sides know whether names lead back to their addresses
}

// blocks are those of one side.
type blocks struct {
	list []block
	in   prefixes
}

func newBlocks(v view) blocks {
	list := v.blocks()
	return blocks{list, newPrefixes(list, func(b block) netip.Prefix { return b.prefix })}
}

// fallback returns that of the smallest block around p. If there is no such block, it is that of the blocks which p has
// become, or was before: "" if one of them has none, and more than one if they differ.
func (b *blocks) fallback(p netip.Prefix) string {
	if i := b.in.smallest(p); i >= 0 {
		return b.list[i].fallback
	}
	var parts []string
	for zone := range arpa.Cut(p) {
		if i := b.in.smallest(zone); i >= 0 {
			parts = append(parts, b.list[i].fallback)
		}
	}
	if slices.Contains(parts, "") {
		return ""
	}
	return strings.Join(distinct(parts), ", ")
}

// merge calls f for each element of two sorted lists, with both if they are equal, else with nil for the other one.
func merge[T any](old, new []T, order func(a, b T) int, f func(old, new *T)) {
	for len(old) > 0 || len(new) > 0 {
		var c int
		switch {
		case len(new) == 0:
			c = -1
		case len(old) == 0:
			c = 1
		default:
			c = order(old[0], new[0])
		}
		switch {
		case c < 0:
			f(&old[0], nil)
		case c > 0:
			f(nil, &new[0])
		default:
			f(&old[0], &new[0])
		}
		if c <= 0 {
			old = old[1:]
		}
		if c >= 0 {
			new = new[1:]
		}
	}
}

func (c *comparison) compareAddresses() {
	totals := make(map[netip.Prefix]*Total, len(c.oldBlocks.list))
	c.Totals = make([]Total, len(c.oldBlocks.list))
	for i, b := range c.oldBlocks.list {
		c.Totals[i] = Total{Block: b.prefix, Pos: b.pos}
		totals[b.prefix] = &c.Totals[i]
	}
	// In parts, since there can be a million changes, and growing one list would copy them over and over.
	const most = 4096
	var parts [][]Address
	var part []Address
	compare := func(addr netip.Addr, old, new *State) {
		c.Total.count(old, new)
		if t := totals[old.Block]; t != nil {
			t.count(old, new)
		}
		if kinds := c.kinds(addr, old, new); len(kinds) > 0 {
			if len(part) == most {
				parts = append(parts, part)
				part = make([]Address, 0, most)
			}
			part = append(part, Address{addr, kinds, *old, *new, c.effects(addr, old, new)})
		}
	}
	nextOld, stop := iter.Pull2(c.old.listed())
	defer stop()
	nextNew, stop := iter.Pull2(c.new.listed())
	defer stop()
	a, old, more := nextOld()
	b, new, moreNew := nextNew()
	for more || moreNew {
		switch order := a.Compare(b); {
		case !moreNew || more && order < 0:
			other := c.new.unlisted(a)
			compare(a, &old, &other)
			a, old, more = nextOld()
		case !more || order > 0:
			other := c.old.unlisted(b)
			compare(b, &other, &new)
			b, new, moreNew = nextNew()
		default:
			compare(a, &old, &new)
			a, old, more = nextOld()
			b, new, moreNew = nextNew()
		}
	}
	c.Addresses = slices.Concat(append(parts, part)...)
}

// named reports whether an address has a name of its own.
func (s *State) named() bool { return s.Origin == model.Explicit || s.Origin == model.Default }

func (t *Total) count(old, new *State) {
	if new.named() {
		t.New++
	}
	if !old.named() {
		return
	}
	t.Old++
	if !new.named() {
		t.Lost++
	}
	if !slices.Equal(old.Names, new.Names) {
		t.Changed++
	}
}

// kinds returns how an address changes.
func (c *comparison) kinds(addr netip.Addr, old, new *State) []Kind {
	var kinds []Kind
	add := func(k Kind, when bool) {
		if when {
			kinds = append(kinds, k)
		}
	}
	same := slices.Equal(old.Names, new.Names)
	switch {
	case !same && len(old.Names) == 0:
		add(NameSet, true)
	case !same && len(new.Names) == 0:
		add(NameRemoved, true)
	case !same && old.Origin == model.Default && new.Origin == model.Explicit:
		add(DefaultReplaced, true)
	case !same && old.Origin == model.Explicit && new.Origin == model.Default:
		add(DefaultRestored, true)
	case !same:
		add(NameChanged, true)
	case len(new.Names) == 0:
	case old.Origin != new.Origin:
		add(OriginChanged, true)
	default:
		add(TTLChanged, old.TTL != new.TTL)
	}
	if c.servers && old.Server != new.Server {
		add(ServerGained, old.Server == "")
		add(ServerLost, new.Server == "")
		add(ServerChanged, old.Server != "" && new.Server != "")
	}
	if c.servers {
		add(PrimaryGained, !old.Primary && new.Primary)
		add(PrimaryLost, old.Primary && !new.Primary)
	}
	add(DelegationGained, !old.Delegation.IsValid() && new.Delegation.IsValid())
	add(DelegationLost, old.Delegation.IsValid() && !new.Delegation.IsValid())
	if c.forward && same && len(new.Names) > 0 {
		was, is := confirms(c.old, old, addr), confirms(c.new, new, addr)
		add(ForwardChanged, was != is && was != unknown && is != unknown)
	}
	if c.servers && old.HELO != new.HELO && old.Server == new.Server {
		add(HELOChanged, new.Primary || slices.Contains(old.Names, old.HELO) || slices.Contains(new.Names, new.HELO))
	}
	return kinds
}

// confirms tells whether the names that an address has lead back to it: one of them is enough.
func confirms(v view, s *State, addr netip.Addr) confirmation {
	result := unknown
	for i, name := range s.Names {
		switch is := v.confirms(name, addr); {
		case is == confirmed:
			return confirmed
		case i == 0:
			result = is
		case is == unknown:
			result = unknown
		}
	}
	return result
}
