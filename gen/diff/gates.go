package diff

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/arpa"
)

// The ids of the gates. All but the last two are kinds of change.
const (
	gateZoneRemoved       = string(ZoneRemoved)
	gateDelegationRemoved = string(DelegationRemoved)
	gateBlockEmptied      = string(BlockEmptied)
	gateFallbackRemoved   = string(FallbackRemoved)
	gateNSChanged         = string(NSChanged)
	gateSOAChanged        = string(SOAChanged)
	gateLost              = "lost"    // more than Limits.MaxLost
	gateChanged           = "changed" // more than Limits.MaxChanged
)

// Gates are the ids of all gates, in the order of Gate. They are read-only.
var Gates = []string{
	gateZoneRemoved, gateDelegationRemoved, gateBlockEmptied, gateFallbackRemoved, gateNSChanged, gateSOAChanged,
	gateLost, gateChanged,
}

// Limits are what changes may do without somebody allowing it.
type Limits struct {
	MaxLost    Limit // names that are lost, in a block and overall
	MaxChanged Limit // names that change or are lost, overall
	Allow      []Allowance
}

// DefaultLimits are safe ones: 10% lost, 50% changed, and nothing allowed.
func DefaultLimits() Limits {
	return Limits{MaxLost: Limit{Percent: 10}, MaxChanged: Limit{Percent: 50}}
}

// A Limit is a share of the names that there were, or a number of names. The zero Limit is no name at all.
type Limit struct {
	Percent float64 // up to 100; 0 if Number counts. Fewer than five names never exceed it.
	Number  int
}

// few is how many names may go whatever share they are: else nobody could edit a block in which there are only ten.
const few = 4

// ParseLimit reads "10%" or "500".
func ParseLimit(s string) (Limit, error) {
	if share, ok := strings.CutSuffix(s, "%"); ok {
		if percent, err := strconv.ParseFloat(share, 64); err == nil && percent >= 0 && percent <= 100 {
			return Limit{Percent: percent}, nil
		}
	} else if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return Limit{Number: n}, nil
	}
	return Limit{}, fmt.Errorf("%q is no limit; want a share as in 10%%, or a number of names", s)
}

// String returns what ParseLimit reads.
func (l Limit) String() string {
	if l.Percent > 0 {
		return strconv.FormatFloat(l.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(l.Number)
}

// exceeded reports whether n of all are too many.
func (l Limit) exceeded(n, all int) bool {
	if l.Percent > 0 {
		return n > few && float64(n)*100 > l.Percent*float64(all)
	}
	return n > l.Number
}

// An Allowance lets changes pass that a gate would stop.
type Allowance struct {
	Kind    string // the id of a gate
	Subject string // a zone's name or a prefix, which is for all in it; "" is for everything
	By      string // who gave it, in words, e.g. "commit 4f2a9c1"; "" if that is not known
}

// ParseAllowance reads KIND or KIND=SUBJECT. It is an error if there is no such gate, or if it is about no such thing.
func ParseAllowance(s string) (Allowance, error) {
	kind, subject, _ := strings.Cut(s, "=")
	a := Allowance{Kind: strings.TrimSpace(kind), Subject: strings.TrimSpace(subject)}
	if !slices.Contains(Gates, a.Kind) {
		return Allowance{}, fmt.Errorf("there is no gate %q; want one of: %s", a.Kind, strings.Join(Gates, " "))
	}
	if p, err := netip.ParsePrefix(a.Subject); err == nil {
		a.Subject = p.Masked().String()
	} else {
		a.Subject = strings.ToLower(strings.TrimSuffix(a.Subject, "."))
	}
	_, isPrefix := a.prefix()
	switch a.Kind {
	case gateChanged:
		if a.Subject != "" {
			return Allowance{}, errors.New("changed is about all names; want it without =")
		}
	case gateZoneRemoved, gateNSChanged, gateSOAChanged:
	default:
		if a.Subject != "" && !isPrefix {
			return Allowance{}, fmt.Errorf("%q is no prefix, as in %s=192.0.2.0/24", a.Subject, a.Kind)
		}
	}
	return a, nil
}

// String returns what ParseAllowance reads.
func (a Allowance) String() string {
	if a.Subject == "" {
		return a.Kind
	}
	return a.Kind + "=" + a.Subject
}

func (a *Allowance) prefix() (p netip.Prefix, ok bool) {
	p, err := netip.ParsePrefix(a.Subject)
	return p, err == nil
}

// A Stop is a change that somebody has to allow.
type Stop struct {
	Gate      string        // its id
	Subject   string        // the zone or prefix that is concerned; "" if it is all of them
	Message   string        // what would happen: one line, lower case, no final period
	Pos       diag.Position // of the change; invalid if it is not known
	Allow     string        // the value of --allow that lets it pass, e.g. "zone-removed=2.0.192.in-addr.arpa"
	AllowedBy string        // Allowance.By, if it is allowed
}

// Gate returns the changes that l stops, and those that it would stop if its allowances did not let them pass. Whatever
// has several consequences is stopped once: names that go with a zone are not lost in a block, too, and names that are
// lost in a block, or may be, do not count overall.
func (c *Changes) Gate(l Limits) (stops, allowed []Stop) {
	g := c.gate(l)
	return g.stops, g.allowed
}

// Unused returns the allowances of l that are about nothing that l would stop.
func (c *Changes) Unused(l Limits) (unused []Allowance) {
	for i, used := range c.gate(l).used {
		if !used {
			unused = append(unused, l.Allow[i])
		}
	}
	return unused
}

func (c *Changes) gate(l Limits) *gatekeeper {
	g := &gatekeeper{
		Changes: c, limits: l, used: make([]bool, len(l.Allow)),
		blocks:  newPrefixes(c.Totals, func(t Total) netip.Prefix { return t.Block }),
		gone:    make(map[netip.Prefix]bool),
		settled: make(map[netip.Prefix]bool),
	}
	g.stopZones()
	g.stopDelegations()
	g.stopBlocks()
	g.apexes(gateNSChanged, NSChanged, "other name servers")
	g.apexes(gateSOAChanged, SOAChanged, "another SOA")
	g.stopMany()
	return g
}

// A gatekeeper collects stops.
type gatekeeper struct {
	*Changes
	limits         Limits
	used           []bool // whether each of limits.Allow is about something
	stops, allowed []Stop

	blocks prefixes // of the old side

	// Of whose names the stops so far have spoken. Of a zone or block inside one of these they have not.
	gone    map[netip.Prefix]bool // zones that are removed, and not just called otherwise
	settled map[netip.Prefix]bool // blocks of the old side
}

// zoneIn returns the prefix of the zone of a block in which an address lies; the zero Prefix if the block is that.
func zoneIn(block netip.Prefix, a netip.Addr) netip.Prefix {
	for zone := range arpa.Cut(block) {
		zone, _ = a.Prefix(zone.Bits()) // all have the same length
		return zone
	}
	return netip.Prefix{}
}

// allowance returns the first for a change of a zone or a prefix, either of which may be the zero value.
func (g *gatekeeper) allowance(gate, zone string, prefix netip.Prefix) (first Allowance, ok bool) {
	for i, a := range g.limits.Allow {
		p, isPrefix := a.prefix()
		switch {
		case a.Kind != gate:
		case a.Subject == "",
			isPrefix && within(prefix, p),
			zone != "" && a.Subject == strings.TrimSuffix(zone, "."):
			g.used[i] = true
			if !ok {
				first, ok = a, true
			}
		}
	}
	return first, ok
}

// within reports whether p lies in q.
func within(p, q netip.Prefix) bool {
	return p.IsValid() && q.Bits() <= p.Bits() && q.Contains(p.Addr())
}

// stop adds s to the stops, or to the allowed ones.
func (g *gatekeeper) stop(s Stop, by Allowance, ok bool) {
	s.Allow = Allowance{Kind: s.Gate, Subject: strings.TrimSuffix(s.Subject, ".")}.String()
	if ok {
		s.AllowedBy = by.By
		g.allowed = append(g.allowed, s)
	} else {
		g.stops = append(g.stops, s)
	}
}

// stopZones stops zones that are removed: all of a removed block at once.
func (g *gatekeeper) stopZones() {
	var blocks []netip.Prefix // that are removed
	for _, b := range g.Blocks {
		if slices.Contains(b.Kinds, BlockRemoved) {
			blocks = append(blocks, b.Prefix)
		}
	}
	in := newPrefixes(blocks, func(p netip.Prefix) netip.Prefix { return p })
	type cause struct {
		block   netip.Prefix // the removed block around the zone
		zone    string       // if there is none
		by      Allowance
		allowed bool
	}
	var causes []cause
	of := make(map[cause][]*Zone)
	for i := range g.Zones {
		z := &g.Zones[i]
		if !slices.Contains(z.Kinds, ZoneRemoved) {
			continue
		}
		c := cause{zone: z.Name}
		c.by, c.allowed = g.allowance(gateZoneRemoved, z.Name, z.Prefix)
		if z.Prefix.IsValid() {
			g.gone[z.Prefix] = true
			for i := range in.around(z.Prefix) { // the largest comes last
				c.block, c.zone = blocks[i], ""
			}
		}
		if of[c] == nil {
			causes = append(causes, c)
		}
		of[c] = append(of[c], z)
	}
	for _, z := range g.Zones {
		if slices.Contains(z.Kinds, ZoneAdded) {
			delete(g.gone, z.Prefix)
		}
	}
	for _, c := range causes {
		first := of[c][0]
		s := Stop{Gate: gateZoneRemoved, Subject: first.Name, Pos: first.OldPos,
			Message: fmt.Sprintf("zone %s is served no more", first.Name)}
		if n := len(of[c]); n > 1 {
			s.Subject, s.Message = c.block.String(), fmt.Sprintf("%d zones of %s are served no more", n, c.block)
		}
		if lost := g.lostIn(of[c]); lost > 0 {
			s.Message += ": " + names(lost, "is", "are") + " lost"
		}
		g.stop(s, c.by, c.allowed)
	}
}

// lostIn returns how many names are lost in zones.
func (g *gatekeeper) lostIn(zones []*Zone) int {
	n := 0
	for _, z := range zones {
		if !g.gone[z.Prefix] {
			continue
		}
		byAddr := func(a Address, b netip.Addr) int { return a.Addr.Compare(b) }
		first, _ := slices.BinarySearchFunc(g.Addresses, z.Prefix.Addr(), byAddr)
		for i := first; i < len(g.Addresses) && z.Prefix.Contains(g.Addresses[i].Addr); i++ {
			a := &g.Addresses[i]
			if a.lost() && zoneIn(a.Old.Block, a.Addr) == z.Prefix {
				n++
			}
		}
	}
	return n
}

// lost reports whether the address has lost a name of its own.
func (a *Address) lost() bool { return a.Old.named() && !a.New.named() }

// names counts names, with a verb.
func names(n int, one, more string) string {
	if n == 1 {
		return "1 name " + one
	}
	return fmt.Sprintf("%d names %s", n, more)
}

// stopDelegations stops delegations that are removed, unless their zones are gone or a larger delegation takes their
// place.
func (g *gatekeeper) stopDelegations() {
	var added []netip.Prefix
	for _, d := range g.Delegations {
		if slices.Contains(d.Kinds, DelegationAdded) {
			added = append(added, d.Prefix)
		}
	}
	in := newPrefixes(added, func(p netip.Prefix) netip.Prefix { return p })
	for i := range g.Delegations {
		d := &g.Delegations[i]
		gone := g.gone[zoneIn(g.delegating(d), d.Prefix.Addr())]
		if slices.Contains(d.Kinds, DelegationRemoved) && !gone && in.smallest(d.Prefix) < 0 {
			g.stopPrefix(gateDelegationRemoved, d.Prefix, d.OldPos, "whatever others answered for %s is lost", d.Prefix)
		}
	}
}

// delegating returns the block of the old side that had a delegation. One with the same prefix is the child's.
func (g *gatekeeper) delegating(d *Delegation) netip.Prefix {
	for i := range g.blocks.around(d.Prefix) {
		if block := g.blocks.list[i]; block != d.Prefix {
			return block
		}
	}
	return netip.Prefix{}
}

// stopBlocks stops blocks that are emptied or lose their fallback, unless their zones are gone.
func (g *gatekeeper) stopBlocks() {
	for i := range g.Blocks {
		b := &g.Blocks[i]
		if g.allGone(b.Prefix) {
			continue
		}
		pos := b.Pos
		if !pos.IsValid() {
			pos = b.OldPos
		}
		if slices.Contains(b.Kinds, BlockEmptied) {
			g.settled[b.Prefix] = true
			g.stopPrefix(gateBlockEmptied, b.Prefix, pos, "no address of %s has a name any more", b.Prefix)
		}
		if slices.Contains(b.Kinds, FallbackRemoved) {
			g.stopPrefix(gateFallbackRemoved, b.Prefix, pos,
				"the addresses of %s that have no name of their own have none any more", b.Prefix)
		}
	}
}

// allGone reports whether the zones of a block are removed.
func (g *gatekeeper) allGone(block netip.Prefix) bool {
	for zone := range arpa.Cut(block) {
		if !g.gone[zone] {
			return false
		}
	}
	return true
}

// stopPrefix stops a change of p.
func (g *gatekeeper) stopPrefix(gate string, p netip.Prefix, pos diag.Position, format string, args ...any) {
	by, ok := g.allowance(gate, "", p)
	g.stop(Stop{Gate: gate, Subject: p.String(), Message: fmt.Sprintf(format, args...), Pos: pos}, by, ok)
}

// apexes stops changes of a kind at the apexes of zones. What changes in the same way in many of them is stopped once.
func (g *gatekeeper) apexes(gate string, kind Kind, what string) {
	type cause struct {
		detail  string
		pos     diag.Position
		by      Allowance
		allowed bool
	}
	var causes []cause
	of := make(map[cause][]*Zone)
	for i := range g.Zones {
		z := &g.Zones[i]
		if !slices.Contains(z.Kinds, kind) {
			continue
		}
		var detail []string
		for _, d := range z.Detail {
			if strings.HasPrefix(d, "name servers:") == (kind == NSChanged) &&
				!strings.HasPrefix(d, "ttl:") && !strings.HasPrefix(d, "DS:") {
				detail = append(detail, strings.TrimPrefix(d, "name servers: "))
			}
		}
		c := cause{detail: strings.Join(detail, "; "), pos: z.Pos}
		c.by, c.allowed = g.allowance(gate, z.Name, z.Prefix)
		if of[c] == nil {
			causes = append(causes, c)
		}
		of[c] = append(of[c], z)
	}
	for _, c := range causes {
		s := Stop{Gate: gate, Subject: of[c][0].Name, Pos: c.pos,
			Message: fmt.Sprintf("zone %s gets %s: %s", of[c][0].Name, what, c.detail)}
		if n := len(of[c]); n > 1 {
			s.Subject, s.Message = "", fmt.Sprintf("%d zones get %s: %s", n, what, c.detail)
		}
		g.stop(s, c.by, c.allowed)
	}
}

// stopMany stops changes of too many names, of those that are not settled: lost ones in each block, then overall, then all
// that change.
func (g *gatekeeper) stopMany() {
	lost := make(map[netip.Prefix]int)
	for i := range g.Addresses {
		if a := &g.Addresses[i]; a.lost() && g.isOpen(a) {
			lost[a.Old.Block]++
		}
	}
	for i := range g.Totals {
		t := &g.Totals[i]
		if n := lost[t.Block]; g.limits.MaxLost.exceeded(n, t.Old) {
			g.settled[t.Block] = true
			g.stopPrefix(gateLost, t.Block, t.Pos, "in %s, %s", t.Block, tooMany(n, t.Old, "lost", g.limits.MaxLost))
		}
	}

	overall, changed := 0, 0
	for i := range g.Addresses {
		if a := &g.Addresses[i]; g.isOpen(a) {
			if a.lost() {
				overall++
			} else if !slices.Equal(a.Old.Names, a.New.Names) {
				changed++
			}
		}
	}
	if g.limits.MaxLost.exceeded(overall, g.Total.Old) {
		g.stopNames(gateLost, tooMany(overall, g.Total.Old, "lost", g.limits.MaxLost))
	} else {
		changed += overall // those have not been spoken of
	}
	if g.limits.MaxChanged.exceeded(changed, g.Total.Old) {
		g.stopNames(gateChanged, tooMany(changed, g.Total.Old, "changed", g.limits.MaxChanged))
	}
}

// isOpen reports whether an address had a name of its own that no stop has spoken of yet.
func (g *gatekeeper) isOpen(a *Address) bool {
	return a.Old.named() && !g.settled[a.Old.Block] && !g.gone[zoneIn(a.Old.Block, a.Addr)]
}

// stopNames stops changes of names overall.
func (g *gatekeeper) stopNames(gate, message string) {
	by, ok := g.allowance(gate, "", netip.Prefix{})
	g.stop(Stop{Gate: gate, Message: message}, by, ok)
}

// tooMany says that n of all names are more than a limit allows.
func tooMany(n, all int, what string, l Limit) string {
	if l.Percent > 0 {
		return fmt.Sprintf("%d of %s %s, which is %.3g%% and more than %s",
			n, names(all, "is", "are"), what, float64(n)*100/float64(all), l)
	}
	return fmt.Sprintf("%d of %s %s, which is more than %s", n, names(all, "is", "are"), what, l)
}
