package diff

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/parallel"
)

// Compare returns all changes from one state to another. If one of them is a snapshot, they are compared by what a
// snapshot knows: no servers, and what a block or a delegation puts into each zone in place of the whole. Addresses
// that neither side lists are not in the result, even if a block, a delegation or a fallback around them changes.
func Compare(from, to *Side) *Changes {
	byZone := from.stored != nil || to.stored != nil
	c := newComparison(from.view(byZone), to.view(byZone), !byZone)
	return c.changes(c.compareListed())
}

// CompareParts returns what Compare does for two sources that differ in n parts, which are files as a rule. From and to
// are what all parts share, such as blocks, and list nothing. Part returns what one of them says, by itself; it is called
// by several goroutines, each of which lets go of a part before it asks for the next. Named returns how many addresses in
// the whole old source have a name of their own and have a block as the smallest that holds them.
//
// The sources may differ in their servers and addresses, but have the same accounts and blocks. What a part lists, or
// routes to a server, on either side, nothing else in the two sources lists or routes.
func CompareParts(
	from, to *Side, n int, part func(i int) (from, to *Side), named func(block netip.Prefix) int,
) *Changes {
	parts := make([]listed, n)
	parallel.Each(n, func(i int) {
		from, to := part(i)
		parts[i] = newComparison(from.view(false), to.view(false), true).compareListed()
	})
	all := listed{totals: make(totals)}
	for i := range parts {
		p := &parts[i]
		all.addresses, all.servers = append(all.addresses, p.addresses...), append(all.servers, p.servers...)
		for block, t := range p.totals {
			all.totals.of(block).add(t)
		}
	}
	slices.SortStableFunc(all.addresses, func(a, b Address) int { return a.Addr.Compare(b.Addr) })
	slices.SortStableFunc(all.servers, func(a, b Server) int { return strings.Compare(a.Name, b.Name) })
	for _, b := range from.inventory.blocks() {
		t := all.totals.of(b.prefix)
		outside := named(b.prefix) - t.Old
		t.Old, t.New = t.Old+outside, t.New+outside
	}
	return newComparison(from.view(false), to.view(false), true).changes(all)
}

// A comparison is one in progress.
type comparison struct {
	*Changes             // by itself, since it is kept for longer than the sides
	old, new             view
	oldBlocks, newBlocks blocks
	servers              bool // both sides know servers
	forward              bool // both sides know whether names lead back to their addresses
}

func newComparison(old, new view, servers bool) *comparison {
	return &comparison{old: old, new: new, servers: servers, forward: old.knowsForward() && new.knowsForward()}
}

// listed is what changes of all that the sides list.
type listed struct {
	addresses []Address
	servers   []Server
	totals    totals
}

// totals are by the block of the old side, which is the zero Prefix for an address in none.
type totals map[netip.Prefix]*Total

func (t totals) of(block netip.Prefix) *Total {
	if t[block] == nil {
		t[block] = new(Total)
	}
	return t[block]
}

// compareListed compares what the sides list.
func (c *comparison) compareListed() listed {
	l := listed{totals: make(totals)}
	c.compareAddresses(&l)
	if c.servers {
		c.compareServers(&l)
	}
	return l
}

// changes returns all changes, of which l has those of what is listed.
func (c *comparison) changes(l listed) *Changes {
	c.oldBlocks, c.newBlocks = newBlocks(c.old), newBlocks(c.new)
	c.Changes = &Changes{Addresses: l.addresses, Servers: l.servers, Totals: make([]Total, len(c.oldBlocks.list))}
	for i, b := range c.oldBlocks.list {
		t := &c.Totals[i]
		t.Block, t.Pos = b.prefix, b.pos
		t.add(l.totals.of(b.prefix))
	}
	for _, t := range l.totals {
		c.Total.add(t)
	}
	if c.servers {
		c.compareRules()
	}
	c.compareDelegations()
	c.compareBlocks()
	c.compareZones()
	return c.Changes
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

func (c *comparison) compareAddresses(l *listed) {
	// In parts, since there can be a million changes, and growing one list would copy them over and over.
	const most = 4096
	var parts [][]Address
	var part []Address
	compare := func(addr netip.Addr, old, new *State) {
		l.totals.of(old.Block).count(old, new)
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
	l.addresses = slices.Concat(append(parts, part)...)
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

func (t *Total) add(u *Total) {
	t.Old, t.New, t.Lost, t.Changed = t.Old+u.Old, t.New+u.New, t.Lost+u.Lost, t.Changed+u.Changed
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
