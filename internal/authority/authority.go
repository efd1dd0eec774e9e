// Package authority decides what a name server answers: one question against one generation of the data, by the
// algorithm of RFC 1034 section 4.3.2. It also lists what a zone holds, and how that differs from another generation.
// It knows neither DNS messages nor files.
package authority

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Generation answers questions from one snapshot. It is immutable and safe for concurrent use.
type Generation struct {
	reader *snapshot.Reader
	nodes  map[nameHash]*node // by their names
	// labels[n] tells that some node's name has n labels. Most inventories have names of two or three different
	// depths, so finding the zone of a name takes as many map lookups, not one for each of its labels.
	labels    [maxLabels + 1]bool
	maxLabels int

	// The nodes whose names are those of prefixes, and the lengths that the prefixes have: the longest first. Nearly all
	// questions are about names of addresses, whose nodes are found without looking at the name again.
	prefixes     prefixTable
	bits4, bits6 []int
	arpa         *node // the one above all names of prefixes, nil if there is none
}

// maxLabels is the most labels that a name of 255 octets can have (RFC 1035 section 2.3.4).
const maxLabels = 127

// A node is a name at which the way down from the root may end: an apex, a zone cut, or one of a few names between them
// that no address tells of.
type node struct {
	name string
	up   *node // the next above, nil if there is none
	zone *zone // whose apex this is, nil if it is none
	cut  *cut  // whose child's apex this is, nil if it is none
	// synthesizers are those of the forward zone above whose names are all below this one.
	synthesizers []*synthesizer
	next         *node // another whose name has the same hash
}

// A zone is a snapshot's zone, prepared for questions.
type zone struct {
	*snapshot.Zone
	// Of a reverse zone:
	classless bool
	fallback  *hostname.Template // nil if the block has none
	// Of a forward zone:
	synthesizers []*synthesizer // in order of their templates, IPv4 first
	// Of the catalog:
	members []member
}

// A cut is a place where a zone ends and another begins, which the zone delegates.
type cut struct {
	*snapshot.Delegation
	zone *zone // the parent
	// additional holds the addresses of name servers that we know: glue, and hosts of our forward zones.
	additional []Record
}

// A synthesizer makes the forward names of addresses with a fallback.
type synthesizer struct {
	template *hostname.Template
	text     string
	v6       bool
	prefixes []netip.Prefix // that the zones with this fallback cover, in order; disjoint
}

// A nameHash is the hash of a name, without regard to case. It is made from the name's end, so that in one pass all
// its ancestors have theirs (FNV-1a).
type nameHash uint64

const emptyName nameHash = 14695981039346656037

// before returns the hash of the name that has c in front of the one with the hash h.
func (h nameHash) before(c byte) nameHash {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return (h ^ nameHash(c)) * 1099511628211
}

// New returns a generation that answers from r.
func New(r *snapshot.Reader) (*Generation, error) {
	g := &Generation{reader: r, nodes: make(map[nameHash]*node, len(r.Zones()))}
	for i := range r.Zones() {
		z := &zone{Zone: &r.Zones()[i]}
		z.classless = z.Kind == snapshot.Reverse && z.Classless()
		if z.Fallback != "" {
			t, err := hostname.Parse(z.Fallback)
			if err != nil {
				return nil, fmt.Errorf("fallback of zone %s: %w", z.Name, err)
			}
			z.fallback = t
		}
		g.node(z.Name).zone = z
	}
	var cuts []*cut
	for z := range g.zones() {
		if z.fallback != nil {
			g.addSynthesizer(z)
		}
		if z.Kind == snapshot.Catalog {
			z.members = membersOf(r, z.Zone)
		}
		for i := range z.Delegations {
			d := &z.Delegations[i]
			if len(d.NS) == 0 {
				continue // the child lies elsewhere
			}
			c := &cut{Delegation: d, zone: z}
			g.node(d.Name).cut = c
			cuts = append(cuts, c)
			if z.IsAlias(d) {
				g.addBetween(d.Name, z.Name)
			}
		}
	}
	g.prefixes = newPrefixTable(len(g.nodes))
	for _, n := range g.nodes {
		for ; n != nil; n = n.next {
			for _, s := range n.synthesizers {
				s.order()
			}
			if _, parent, _ := strings.Cut(n.name, "."); parent != "" {
				n.up = g.find(parent)
			}
			g.addPrefix(n)
		}
	}
	g.arpa = g.find("arpa.")
	for _, c := range cuts {
		c.additional = g.additional(c.Delegation)
	}
	return g, nil
}

// node returns the node with the given name, and makes it if there is none.
func (g *Generation) node(name string) *node {
	h := emptyName
	for i := len(name) - 1; i >= 0; i-- {
		h = h.before(name[i])
	}
	for n := g.nodes[h]; n != nil; n = n.next {
		if n.name == name {
			return n
		}
	}
	n := &node{name: name, next: g.nodes[h]}
	g.nodes[h] = n
	labels := strings.Count(name, ".")
	g.labels[labels] = true
	g.maxLabels = max(g.maxLabels, labels)
	return n
}

// addPrefix lets closest find n, if its name is that of a prefix.
func (g *Generation) addPrefix(n *node) {
	p, _ := arpa.Parse(n.name)
	if !p.IsValid() {
		return
	}
	g.prefixes.add(p, n)
	bits := &g.bits6
	if p.Addr().Is4() {
		bits = &g.bits4
	}
	at, found := slices.BinarySearchFunc(*bits, p.Bits(), func(b, bits int) int { return bits - b })
	if !found {
		*bits = slices.Insert(*bits, at, p.Bits())
	}
}

// zones returns all zones, in order of their names.
func (g *Generation) zones() iter.Seq[*zone] {
	return func(yield func(*zone) bool) {
		for i := range g.reader.Zones() {
			if !yield(g.node(g.reader.Zones()[i].Name).zone) {
				return
			}
		}
	}
}

// addBetween makes nodes of the names below the apex and above name: they exist, but no address tells so.
func (g *Generation) addBetween(name, apex string) {
	for {
		if _, name, _ = strings.Cut(name, "."); len(name) <= len(apex) {
			return
		}
		g.node(name)
	}
}

// addSynthesizer lets the forward zone in which the fallback's names of z lie, if there is one, answer for them.
func (g *Generation) addSynthesizer(z *zone) {
	suffix := z.fallback.Suffix()
	apex := g.find(suffix)
	for apex != nil && apex.zone == nil {
		_, parent, _ := strings.Cut(apex.name, ".")
		apex = g.find(parent)
	}
	if apex == nil || apex.zone.Kind != snapshot.Forward {
		return
	}
	n := g.node(suffix)
	g.addBetween(suffix, apex.name)
	v6 := z.Prefix.Addr().Is6()
	i := slices.IndexFunc(n.synthesizers, func(s *synthesizer) bool { return s.text == z.Fallback && s.v6 == v6 })
	if i < 0 {
		i = len(n.synthesizers)
		s := &synthesizer{template: z.fallback, text: z.Fallback, v6: v6}
		n.synthesizers = append(n.synthesizers, s)
		forward := apex.zone
		at, _ := slices.BinarySearchFunc(forward.synthesizers, s, (*synthesizer).compare)
		forward.synthesizers = slices.Insert(forward.synthesizers, at, s)
	}
	n.synthesizers[i].prefixes = append(n.synthesizers[i].prefixes, z.Prefix)
}

func (s *synthesizer) compare(other *synthesizer) int {
	if s.text == other.text && s.v6 != other.v6 {
		if other.v6 {
			return -1
		}
		return 1
	}
	return strings.Compare(s.text, other.text)
}

// order brings the prefixes into order, and drops those of zones inside other zones.
func (s *synthesizer) order() {
	slices.SortFunc(s.prefixes, func(p, q netip.Prefix) int {
		return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
	})
	kept := s.prefixes[:0]
	for _, p := range s.prefixes {
		if n := len(kept); n == 0 || !kept[n-1].Overlaps(p) {
			kept = append(kept, p)
		}
	}
	s.prefixes = kept
}

// address returns the address that s makes the name for.
func (s *synthesizer) address(name string) (netip.Addr, bool) {
	v, ok := s.template.Invert(name)
	if !ok || v.Addr.Is6() != s.v6 {
		return netip.Addr{}, false
	}
	i, found := slices.BinarySearchFunc(s.prefixes, v.Addr, func(p netip.Prefix, a netip.Addr) int {
		return p.Addr().Compare(a)
	})
	if !found {
		i--
	}
	return v.Addr, i >= 0 && s.prefixes[i].Contains(v.Addr)
}

// above reports whether s makes a name below the given one.
func (s *synthesizer) above(name string) bool {
	return slices.ContainsFunc(s.prefixes, func(p netip.Prefix) bool { return s.template.Above(name, p) })
}

// additional returns the addresses that are known of the name servers of d.
func (g *Generation) additional(d *snapshot.Delegation) []Record {
	var records []Record
	n := g.node(d.Name)
	for _, glue := range d.Glue {
		records = append(records, address(glue.Name, n.cut.zone.TTL, glue.Addr))
	}
	for _, ns := range d.NS {
		for _, qtype := range []uint16{TypeA, TypeAAAA} {
			a := g.Answer(ns, qtype, false)
			if a.Kind != Forward || a.alias != "" {
				continue
			}
			for i := range a.Len(AnswerSection) {
				records = append(records, a.Record(AnswerSection, i))
			}
		}
	}
	return records
}

// Reader returns the snapshot that g answers from.
func (g *Generation) Reader() *snapshot.Reader { return g.reader }

// Zone returns the zone with the given apex, in any case, nil if there is none.
func (g *Generation) Zone(apex string) *snapshot.Zone {
	if z := g.zone(apex); z != nil {
		return z.Zone
	}
	return nil
}

func (g *Generation) zone(apex string) *zone {
	if n := g.find(apex); n != nil && n.zone != nil && len(n.name) == len(apex) {
		return n.zone
	}
	return nil
}

// Answer decides the answer to a question in class IN. The qname is in presentation format with the final dot, in any
// case. dnssecOK tells that the DO bit is set (RFC 3225).
//
// Names that are made for the answer are allocated: the target of a fallback, the alias of RFC 2317.
func (g *Generation) Answer(qname string, qtype uint16, dnssecOK bool) (a Answer) {
	a.qname, a.dnssecOK = qname, dnssecOK
	g.decide(&a, qname, qtype)
	return a
}

// decide answers for name, which is the QNAME or what it is an alias for.
func (g *Generation) decide(a *Answer, name string, qtype uint16) {
	p, _ := arpa.Parse(name)
	n := g.closest(name, p)
	top := n.top()
	if g.decideWithout(a, n, top, p, len(name), qtype) {
		return
	}
	z, below := top.zone, relative(name, top.name)
	a.Zone = z.Zone
	switch z.Kind {
	case snapshot.Reverse:
		g.reverse(a, z, z.classlessPrefix(below), below == "", qtype)
	case snapshot.Forward:
		g.forward(a, n, z, name, below, qtype)
	case snapshot.Catalog:
		z.list(a, below, qtype)
	}
	a.between(n, top, len(name))
}

// decideWithout answers for a name without looking at it, or reports that it cannot: that of p, if this is valid, and of
// the given length in bytes, whose closest nodes are n and top.
func (g *Generation) decideWithout(a *Answer, n, top *node, p netip.Prefix, length int, qtype uint16) bool {
	if top == nil {
		return true
	}
	apex := length == len(top.name)
	switch {
	case top.zone == nil, qtype == TypeDS && top.cut != nil && apex:
		// The DS RRset is the parent's, although the name is the child's apex (RFC 4035 section 3.1.4.1).
		a.refer(top.cut, qtype == TypeDS && apex)
		return true
	case !top.plain():
		return false
	}
	a.Zone = top.zone.Zone
	g.reverse(a, top.zone, p, apex, qtype)
	a.between(n, top, length)
	return true
}

// between corrects what was decided for a name of the given length whose closest nodes are n and top: the names between
// others exist.
func (a *Answer) between(n, top *node, length int) {
	if a.Kind == NXDomain && n != top && length == len(n.name) {
		a.Kind = NoData
	}
}

// refer answers for a name at or below a cut; ds tells that the question is for the DS RRset at the cut itself.
func (a *Answer) refer(c *cut, ds bool) {
	a.Zone = c.zone.Zone
	switch {
	case !ds:
		a.Kind, a.cut = Referral, c
	case len(c.DS) == 0:
		a.Kind = NoData
	default:
		a.Kind, a.Type, a.cut = Delegated, TypeDS, c
	}
}

// apex answers for the RRsets that every zone has at its apex, and reports whether it did. An ANY query gets one RRset
// (RFC 8482 section 4.1).
func (a *Answer) apex(qtype uint16) bool {
	switch qtype {
	case TypeSOA, TypeNS:
		a.Kind, a.Type = Apex, qtype
	case TypeANY:
		a.Kind, a.Type = Apex, TypeSOA
	default:
		return false
	}
	return true
}

// reverse answers for the apex of a reverse zone, or for a name below it. What lies at or below that is in p, which is not
// valid if no address has such a name.
func (g *Generation) reverse(a *Answer, z *zone, p netip.Prefix, apex bool, qtype uint16) {
	if !p.IsValid() {
		a.Kind = NXDomain
		return
	}
	if apex {
		if a.apex(qtype) {
			return
		}
		// The apex exists. It is an address of its own only where the zone is one address wide.
		if z.classless || !p.IsSingleIP() {
			a.Kind = NoData
			return
		}
	}
	if !p.IsSingleIP() {
		a.Kind = NXDomain
		if z.fallback != nil || g.reader.Covers(z.Zone, p) {
			a.Kind = NoData // an empty non-terminal (RFC 8020 section 3.1)
		}
		return
	}
	if len(z.Delegations) > 0 {
		if d := z.Delegation(p.Addr()); d != nil { // of an alias: those that are cuts have a node of their own
			g.follow(a, d, p.Addr(), qtype)
			return
		}
	}
	rrset, found := a.scratch.lookup(g, z, p.Addr())
	switch {
	case !found && z.fallback == nil && !apex:
		a.Kind = NXDomain
	case !found && z.fallback == nil, qtype != TypePTR && qtype != TypeANY:
		a.Kind = NoData
	case !found:
		a.fallback(z, p.Addr())
	default:
		a.Kind, a.Type, a.rrset = Explicit, TypePTR, rrset
		if rrset.Kind == snapshot.Default {
			a.Kind = Default
		}
	}
}

// fallback answers with the name that is made for an address. It needs much stack, which other answers must not pay for.
//
//go:noinline
func (a *Answer) fallback(z *zone, addr netip.Addr) {
	target, err := a.scratch.expand(z.fallback, addr)
	if err != nil {
		// The snapshot was verified to have a name for every address. If that was wrong, say that there is none.
		a.Kind = NoData
		return
	}
	a.Kind, a.Type, a.target = Fallback, TypePTR, target
}

// follow answers for an address whose name is an alias (RFC 2317): with the CNAME, and with what we know of its target.
func (g *Generation) follow(a *Answer, d *snapshot.Delegation, addr netip.Addr, qtype uint16) {
	if qtype == TypeCNAME || qtype == TypeANY {
		a.Kind, a.Type, a.target = Alias, TypeCNAME, a.scratch.aliasTarget(d, addr)
		return
	}
	parent := a.Zone
	a.alias, a.aliasTTL = a.scratch.aliasTarget(d, addr), parent.TTL
	a.Zone = nil
	g.decide(a, a.alias, qtype) // once: the snapshot has no alias of an alias
	if a.Zone == nil || a.Kind == Referral {
		a.Kind, a.Zone = Alias, parent
	}
}

// aliasTarget returns where the CNAME of an address leads that d takes away (RFC 2317 section 4).
func aliasTarget(d *snapshot.Delegation, addr netip.Addr) string {
	var octet [3]byte
	return string(appendOctet(octet[:0], addr)) + "." + d.Name
}

// appendOctet appends the label that an address has in a classless zone.
func appendOctet(dst []byte, addr netip.Addr) []byte {
	return strconv.AppendUint(dst, uint64(addr.As4()[3]), 10)
}

// forward answers for a name in a forward zone, which has the given labels below the apex. n is its closest node.
func (g *Generation) forward(a *Answer, n *node, z *zone, name, below string, qtype uint16) {
	if below == "" && a.apex(qtype) {
		return
	}
	h, found := g.reader.Host(z.Zone, below)
	var synthesized []netip.Addr
	if len(z.synthesizers) > 0 {
		synthesized = n.synthesize(a.scratch.addresses(), name)
	}
	if len(synthesized) > 0 {
		for i := range h.Len() {
			synthesized = append(synthesized, h.Addr(i))
		}
		slices.SortFunc(synthesized, netip.Addr.Compare)
		a.addrs = slices.Compact(synthesized) // two templates may make the same name
	} else if found {
		a.host = h
	}
	if found || len(synthesized) > 0 {
		a.Kind = NoData
		n4, n6 := a.countAddresses()
		switch {
		case n4 > 0 && (qtype == TypeA || qtype == TypeANY):
			a.Kind, a.Type = Forward, TypeA
		case n6 > 0 && (qtype == TypeAAAA || qtype == TypeANY):
			a.Kind, a.Type = Forward, TypeAAAA
		}
		return
	}
	a.Kind = NXDomain
	if below == "" || g.reader.HostBelow(z.Zone, below) || n.makesBelow(name) {
		a.Kind = NoData
	}
}

// top returns the closest node at or above n that is an apex or a cut, nil if there is none.
func (n *node) top() *node {
	for n != nil && n.zone == nil && n.cut == nil {
		n = n.up
	}
	return n
}

// synthesize appends the addresses whose fallback is the given name, which lies below n. Only one of the zones above has
// synthesizers, because no forward zone lies in another.
func (n *node) synthesize(addrs []netip.Addr, name string) []netip.Addr {
	for ; n != nil; n = n.up {
		for _, s := range n.synthesizers {
			if a, ok := s.address(name); ok {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs
}

// makesBelow reports whether some address has a fallback below the given name, which lies below n.
func (n *node) makesBelow(name string) bool {
	for ; n != nil; n = n.up {
		for _, s := range n.synthesizers {
			if s.above(name) {
				return true
			}
		}
	}
	return false
}

// closest is find for a name that is that of p, or of no prefix if p is not valid.
func (g *Generation) closest(name string, p netip.Prefix) *node {
	if !p.IsValid() {
		return g.find(name)
	}
	return g.around(p)
}

// around is find for the name of p.
func (g *Generation) around(p netip.Prefix) *node {
	k := keyOf(p)
	for _, bits := range g.lengths(p) {
		if bits <= p.Bits() {
			if n := g.prefixes.find(k.first(bits)); n != nil {
				return n
			}
		}
	}
	return g.arpa
}

// lengths returns those of the prefixes of p's family in g, the longest first.
func (g *Generation) lengths(p netip.Prefix) []int {
	if p.Addr().Is4() {
		return g.bits4
	}
	return g.bits6
}

// find returns the node with the longest name that is qname or an ancestor of it, nil if there is none.
func (g *Generation) find(qname string) *node {
	// From the right, because the nodes' names are short: what is left of the longest is not even looked at.
	var found *node
	h := emptyName
	labels := 0
	for i := len(qname) - 1; labels < g.maxLabels; i-- {
		if i < 0 || qname[i] == '.' && i < len(qname)-1 && !escaped(qname, i) {
			labels++
			if g.labels[labels] {
				n := g.nodes[h]
				for n != nil && !strings.EqualFold(n.name, qname[i+1:]) {
					n = n.next
				}
				if n != nil {
					found = n
				}
			}
		}
		if i < 0 {
			break
		}
		h = h.before(qname[i])
	}
	return found
}

// relative returns the labels of name below apex, without a final dot.
func relative(name, apex string) string { return name[:max(0, len(name)-len(apex)-1)] }

// escaped reports whether the character at i comes after an odd number of backslashes.
func escaped(qname string, i int) bool {
	n := 0
	for i--; i >= 0 && qname[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// classlessPrefix returns the address whose name the labels below the apex of a classless zone make, or all addresses for
// the apex itself; the zero Prefix if no address can be there.
func (z *zone) classlessPrefix(below string) netip.Prefix {
	if below == "" {
		return z.Prefix
	}
	p, ok := arpa.Extend(netip.PrefixFrom(z.Prefix.Addr(), 24).Masked(), below)
	if !ok || !p.IsSingleIP() || !z.Prefix.Contains(p.Addr()) {
		return netip.Prefix{}
	}
	return p
}
