package authority

import (
	"net/netip"
	"unsafe"

	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Scratch is memory for the names that answers are made of, so that questions take no allocation. It is for one
// question at a time: the next one overwrites what the last Answer, and Records of it, consist of.
//
// In its answers, the owner of a Record is "" where it is the QNAME, so that this is looked at only where it decides.
type Scratch struct {
	alias    [maxText]byte
	fallback [maxText]byte
	target   [maxText]byte // of the last Record
	addrs    [8]netip.Addr

	place   *Place // of this question, nil if there is none
	lookups []*snapshot.Lookup
	touched int
}

// maxText is the most bytes that a name takes in presentation format without escapes, with the final dot.
const maxText = 254

// Answer sets a to what g.Answer returns. It allocates if qname is not in lower case.
func (s *Scratch) Answer(a *Answer, g *Generation, qname string, qtype uint16, dnssecOK bool) {
	s.place = nil
	*a = Answer{dnssecOK: dnssecOK, scratch: s}
	g.decide(a, qname, qtype)
}

// A Place is where a generation has what it knows of a name in the reverse-mapping domain.
type Place struct {
	Prefix netip.Prefix // whose name it is; if it is not valid, there is no such place

	node, top *node
	lookup    snapshot.Lookup
}

// Find finds the places in g. Nearly all that takes time in this is to wait for memory, at each step of each search
// anew: so it takes each step for all places before the next one, and waits for all at once.
func (s *Scratch) Find(g *Generation, places []Place) {
	touched := 0 // of no use but to have memory read
	for i := range places {
		if p := &places[i]; p.Prefix.IsValid() {
			touched += g.touchPrefixes(p.Prefix)
		}
	}
	for i := range places {
		p := &places[i]
		if p.node = nil; p.Prefix.IsValid() {
			p.node = g.around(p.Prefix)
		}
	}
	for i := range places {
		if n := places[i].node; n != nil {
			touched += len(n.name)
		}
	}
	for i := range places {
		p := &places[i]
		if p.top = p.node.top(); p.top != nil && p.top.zone != nil && p.top.zone.classless {
			touched++
		}
	}
	for i := range places {
		if n := places[i].top; n != nil && n.zone != nil {
			touched += int(n.zone.TTL) + n.zone.Prefix.Bits() + n.zone.Len() // all of the Zone, nearly
		}
	}
	s.touched = touched
	s.lookups = s.lookups[:0]
	for i := range places {
		p := &places[i]
		p.lookup.Zone = nil
		if p.Prefix.IsSingleIP() && p.top != nil && p.top.plain() {
			p.lookup.Zone, p.lookup.Addr = p.top.zone.Zone, p.Prefix.Addr()
			s.lookups = append(s.lookups, &p.lookup)
		}
	}
	g.reader.LookupAll(s.lookups)
}

// touchPrefixes reads what around will look at.
func (g *Generation) touchPrefixes(p netip.Prefix) (touched int) {
	k := keyOf(p)
	for _, bits := range g.lengths(p) {
		if bits <= p.Bits() {
			touched += g.prefixes.slots[g.prefixes.index(k.first(bits))].key.length
		}
	}
	return touched
}

// plain reports whether n is the apex of a zone in which the names of addresses are those of the reverse-mapping
// domain.
func (n *node) plain() bool {
	return n.zone != nil && n.zone.Kind == snapshot.Reverse && !n.zone.classless
}

// AnswerPlace sets a to what g.Answer returns for the name of a place, which was found in g and has the given length in
// bytes. Where the name itself is needed to decide, it returns false.
func (s *Scratch) AnswerPlace(a *Answer, g *Generation, p *Place, length int, qtype uint16, dnssecOK bool) bool {
	s.place = p
	*a = Answer{dnssecOK: dnssecOK, scratch: s}
	return g.decideWithout(a, p.node, p.top, p.Prefix, length, qtype)
}

// lookup returns the RRset of an address, which may have been found already.
func (s *Scratch) lookup(g *Generation, z *zone, addr netip.Addr) (snapshot.RRset, bool) {
	if s != nil && s.place != nil {
		if l := &s.place.lookup; l.Zone == z.Zone && l.Addr == addr {
			return l.Set, l.Found
		}
	}
	return g.reader.Lookup(z.Zone, addr)
}

// The functions of a Scratch that make names allocate them if it is nil.

// name returns one of the names of a set.
func (s *Scratch) name(set snapshot.RRset, i int) string {
	if s == nil {
		return set.Name(i)
	}
	return text(set.AppendName(s.target[:0], i))
}

// expand returns the fallback of an address.
func (s *Scratch) expand(t *hostname.Template, addr netip.Addr) (string, error) {
	v := hostname.Values{Addr: addr}
	if s == nil {
		return t.Expand(v)
	}
	b, err := t.Append(s.fallback[:0], v)
	return text(b), err
}

// aliasTarget is the function of that name.
func (s *Scratch) aliasTarget(d *snapshot.Delegation, addr netip.Addr) string {
	if s == nil {
		return aliasTarget(d, addr)
	}
	return text(append(append(appendOctet(s.alias[:0], addr), '.'), d.Name...))
}

// addresses returns room for addresses.
func (s *Scratch) addresses() []netip.Addr {
	if s == nil {
		return nil
	}
	return s.addrs[:0]
}

// text returns b as a string that changes with it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
