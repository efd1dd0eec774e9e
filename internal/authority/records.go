package authority

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// Records returns all RRs of z, one of the generation's zones, in an order that is always the same: the SOA, the NS
// RRset, delegations by prefix, then what addresses have, by address, and names, in canonical order. The SOA is not
// repeated at the end.
//
// A zone that is endless (see [snapshot.Reader.Endless]) must not be listed.
func (g *Generation) Records(z *snapshot.Zone) iter.Seq[Record] { return g.records(z, true) }

// Stored returns the same as Records, of any zone, but without the names that fallbacks make.
func (g *Generation) Stored(z *snapshot.Zone) iter.Seq[Record] { return g.records(z, false) }

// Fallbacks returns the templates that make names in z, one of the generation's zones, with the prefixes that they make
// them for.
func (g *Generation) Fallbacks(z *snapshot.Zone) iter.Seq2[netip.Prefix, string] {
	return func(yield func(netip.Prefix, string) bool) {
		z := g.zone(z.Name)
		if z.fallback != nil && !yield(z.Prefix, z.Fallback) {
			return
		}
		for _, s := range z.synthesizers {
			for _, p := range s.prefixes {
				if !yield(p, s.text) {
					return
				}
			}
		}
	}
}

func (g *Generation) records(z *snapshot.Zone, synthesized bool) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		z := g.zone(z.Name)
		if !yield(Record{Owner: z.Name, Type: TypeSOA, TTL: z.TTL, SOA: z.Zone}) {
			return
		}
		for _, ns := range z.NS {
			if !yield(Record{Owner: z.Name, Type: TypeNS, TTL: z.TTL, Target: ns}) {
				return
			}
		}
		switch z.Kind {
		case snapshot.Reverse:
			for i := range z.Delegations {
				if !z.delegation(&z.Delegations[i], yield) {
					return
				}
			}
			g.pointers(z, synthesized, yield)
		case snapshot.Forward:
			g.addresses(z, synthesized, yield)
		case snapshot.Catalog:
			z.catalog(yield)
		}
	}
}

// delegation yields the RRs that z has for d, and reports whether to go on.
func (z *zone) delegation(d *snapshot.Delegation, yield func(Record) bool) bool {
	c := cut{Delegation: d, zone: z}
	for i := range d.NS {
		if !yield(c.ns(i)) {
			return false
		}
	}
	for i := range d.DS {
		if !yield(c.ds(i, d.Name)) {
			return false
		}
	}
	for _, g := range d.Glue {
		if !yield(address(g.Name, z.TTL, g.Addr)) {
			return false
		}
	}
	if !z.IsAlias(d) {
		return true
	}
	for a := range within(d.Prefix) {
		if !yield(Record{Owner: z.Owner(a), Type: TypeCNAME, TTL: z.TTL, Target: aliasTarget(d, a)}) {
			return false
		}
	}
	return true
}

// pointers yields the PTR RRs of a reverse zone.
func (g *Generation) pointers(z *zone, synthesized bool, yield func(Record) bool) {
	if z.fallback == nil || !synthesized {
		for a, set := range g.reader.Entries(z.Zone) {
			if !z.pointer(a, set, snapshot.RRset{}, yield) {
				return
			}
		}
		return
	}
	for a := range within(z.Prefix) {
		if z.Delegation(a) != nil {
			continue
		}
		if set, ok := g.reader.Lookup(z.Zone, a); ok {
			if !z.pointer(a, set, snapshot.RRset{}, yield) {
				return
			}
			continue
		}
		if r, ok := z.fallbackPointer(a); ok && !yield(r) {
			return
		}
	}
}

// pointer yields the PTR RRs of an address that are in set and not in except.
func (z *zone) pointer(a netip.Addr, set, except snapshot.RRset, yield func(Record) bool) bool {
	for i := range set.Len() {
		if set.TTL == except.TTL && hasName(except, set.Name(i)) {
			continue
		}
		if !yield(Record{Owner: z.Owner(a), Type: TypePTR, TTL: set.TTL, Target: set.Name(i)}) {
			return false
		}
	}
	return true
}

func hasName(s snapshot.RRset, name string) bool {
	for i := range s.Len() {
		if s.Name(i) == name {
			return true
		}
	}
	return false
}

// fallbackPointer returns the PTR RR of an address that has no other name.
func (z *zone) fallbackPointer(a netip.Addr) (Record, bool) {
	target, err := z.fallback.Expand(hostname.Values{Addr: a})
	return Record{Owner: z.Owner(a), Type: TypePTR, TTL: z.TTL, Target: target}, err == nil
}

// addresses yields the A and AAAA RRs of a forward zone.
func (g *Generation) addresses(z *zone, synthesized bool, yield func(Record) bool) {
	for h := range g.reader.Hosts(z.Zone) {
		owner := absolute(h.Name(), z.Name)
		for i := range h.Len() {
			if !yield(address(owner, z.TTL, h.Addr(i))) {
				return
			}
		}
	}
	if !synthesized {
		return
	}
	for i, s := range z.synthesizers {
		for _, p := range s.prefixes {
			for a := range within(p) {
				owner, err := s.template.Expand(hostname.Values{Addr: a})
				if err != nil || g.hasHost(z, owner, a) || synthesizes(z.synthesizers[:i], owner, a) {
					continue
				}
				if !yield(address(owner, z.TTL, a)) {
					return
				}
			}
		}
	}
}

// synthesizes reports whether one of the synthesizers makes the name for a.
func synthesizes(list []*synthesizer, name string, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(s *synthesizer) bool {
		b, ok := s.address(name)
		return ok && a == b
	})
}

// hasHost reports whether a is among the addresses that the snapshot has for a name.
func (g *Generation) hasHost(z *zone, name string, a netip.Addr) bool {
	h, _ := g.reader.Host(z.Zone, relative(name, z.Name))
	for i := range h.Len() {
		if h.Addr(i) == a {
			return true
		}
	}
	return false
}

// absolute returns the name with the given labels below apex.
func absolute(labels, apex string) string {
	if labels == "" {
		return apex
	}
	return labels + "." + apex
}

// within returns the addresses of p.
func within(p netip.Prefix) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		last := arpa.Last(p)
		for a := p.Masked().Addr(); yield(a) && a != last; a = a.Next() {
		}
	}
}

// A member is a zone that the catalog lists.
type member struct{ id, name string }

// membersOf returns the members of the catalog zone z: all other zones that secondaries can get.
func membersOf(r *snapshot.Reader, catalog *snapshot.Zone) []member {
	var members []member
	for i := range r.Zones() {
		z := &r.Zones()[i]
		if z == catalog || r.Endless(z) != nil {
			continue
		}
		// The id must not change while the zone is listed, as that would mean to reset it (RFC 9432 section 4.1).
		sum := sha256.Sum256([]byte(z.Name))
		members = append(members, member{hex.EncodeToString(sum[:16]), z.Name})
	}
	slices.SortFunc(members, func(m, n member) int { return strings.Compare(m.id, n.id) })
	return members
}

const (
	versionLabel  = "version" // RFC 9432 section 4.2.1
	schemaVersion = "2"
	zonesLabel    = "zones" // RFC 9432 section 4.1
)

// catalog yields the RRs that the catalog has below its apex.
func (z *zone) catalog(yield func(Record) bool) {
	if !yield(Record{Owner: absolute(versionLabel, z.Name), Type: TypeTXT, TTL: z.TTL, Text: schemaVersion}) {
		return
	}
	for _, m := range z.members {
		owner := m.id + "." + absolute(zonesLabel, z.Name)
		if !yield(Record{Owner: owner, Type: TypePTR, TTL: z.TTL, Target: m.name}) {
			return
		}
	}
}

// list answers for the name with the given labels below the apex of the catalog zone.
func (z *zone) list(a *Answer, below string, qtype uint16) {
	if below == "" && a.apex(qtype) {
		return
	}
	a.Kind = NoData
	id, parent, _ := strings.Cut(below, ".")
	switch {
	case below == "", strings.EqualFold(below, zonesLabel):
	case strings.EqualFold(below, versionLabel):
		if qtype == TypeTXT || qtype == TypeANY {
			a.Kind, a.Type, a.target = Listed, TypeTXT, schemaVersion
		}
	case strings.EqualFold(parent, zonesLabel):
		i, found := slices.BinarySearchFunc(z.members, strings.ToLower(id), func(m member, id string) int {
			return strings.Compare(m.id, id)
		})
		switch {
		case !found:
			a.Kind = NXDomain
		case qtype == TypePTR || qtype == TypeANY:
			a.Kind, a.Type, a.target = Listed, TypePTR, z.members[i].name
		}
	default:
		a.Kind = NXDomain
	}
}
