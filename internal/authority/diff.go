package authority

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/internal/snapshot"
)

// Changed reports whether the zone with the given apex is another one in g than in old, so that it needs another
// serial: it holds other data, or only one of the two has it. Where names come from, which no secondary can tell, does
// not matter. Another prefix or fallback always does, even if the names are the same.
func Changed(old, g *Generation, apex string) bool {
	a, b := old.zone(apex), g.zone(apex)
	if a == nil || b == nil {
		return a != b
	}
	if !a.sameTimers(b) || !a.alike(b) {
		return true
	}
	for range changes(old, g, a, b) {
		return true
	}
	return false
}

// Diff returns the RRs that the zone with the given apex has lost and gained from old to g, without the SOA. It returns
// false if to send them is not worth it, or cannot be done: there is no such zone in one of the two, it is endless, its
// kind or prefix or what its fallback makes has changed, or more has changed than the zone holds.
//
// No record shares memory with old or g, except through strings.
func Diff(old, g *Generation, apex string) (deleted, added []Record, ok bool) {
	a, b := old.zone(apex), g.zone(apex)
	if a == nil || b == nil || !a.alike(b) {
		return nil, nil, false
	}
	if old.reader.Endless(a.Zone) != nil || g.reader.Endless(b.Zone) != nil {
		return nil, nil, false
	}
	limit := 1000 + a.Len() + b.Len() + a.HostLen() + b.HostLen()
	for removed, r := range changes(old, g, a, b) {
		if removed {
			deleted = append(deleted, r)
		} else {
			added = append(added, r)
		}
		if len(deleted)+len(added) > limit {
			return nil, nil, false
		}
	}
	return deleted, added, true
}

// sameTimers compares the SOA without the serial.
func (z *zone) sameTimers(other *zone) bool { return z.TTL == other.TTL && z.SOA == other.SOA }

// alike reports whether both zones have the same addresses, and make the same names without an entry: then they differ
// in no more than in what is written in the snapshots.
func (z *zone) alike(other *zone) bool {
	switch {
	case z.Kind != other.Kind, z.Prefix != other.Prefix:
		return false
	case z.Fallback == "" && other.Fallback == "" && len(z.synthesizers) == 0 && len(other.synthesizers) == 0:
		return true
	}
	return z.Fallback == other.Fallback && z.TTL == other.TTL &&
		slices.EqualFunc(z.Delegations, other.Delegations, func(d, e snapshot.Delegation) bool {
			return d.Prefix == e.Prefix
		}) &&
		slices.EqualFunc(z.synthesizers, other.synthesizers, func(s, t *synthesizer) bool {
			return s.text == t.text && s.v6 == t.v6 && slices.Equal(s.prefixes, t.prefixes)
		})
}

// changes yields the RRs, without the SOA, that are in only one of the zones a of old and b of g, which must be alike;
// true means in a.
func changes(old, g *Generation, a, b *zone) iter.Seq2[bool, Record] {
	return func(yield func(removed bool, r Record) bool) {
		if !changedSets(a, b, yield) {
			return
		}
		if a.Kind == snapshot.Forward {
			changedHosts(old, g, a, b, yield)
		} else {
			changedEntries(old, g, a, b, yield)
		}
	}
}

// changedSets compares the name servers, the delegations and the members of a catalog, of which there are few.
func changedSets(a, b *zone, yield func(bool, Record) bool) bool {
	was, is := a.sets(b), b.sets(a)
	known := make(map[Record]bool, len(is))
	for _, r := range is {
		known[r] = true
	}
	for _, r := range was {
		if !known[r] && !yield(true, r) {
			return false
		}
		delete(known, r)
	}
	for _, r := range is {
		if known[r] && !yield(false, r) {
			return false
		}
	}
	return true
}

// sets returns the RRs of z that changedSets compares with those of other. Delegations that are the same are left out.
func (z *zone) sets(other *zone) []Record {
	var records []Record
	add := func(r Record) bool {
		records = append(records, r)
		return true
	}
	for _, ns := range z.NS {
		add(Record{Owner: z.Name, Type: TypeNS, TTL: z.TTL, Target: ns})
	}
	for i := range z.Delegations {
		d := &z.Delegations[i]
		e := other.Zone.Delegation(d.Prefix.Addr())
		if e == nil || z.TTL != other.TTL || !sameDelegation(d, e) {
			z.delegation(d, add)
		}
	}
	if z.Kind == snapshot.Catalog {
		z.catalog(add)
	}
	return records
}

func sameDelegation(d, e *snapshot.Delegation) bool {
	return d.Prefix == e.Prefix && d.Name == e.Name && slices.Equal(d.NS, e.NS) && slices.Equal(d.DS, e.DS) &&
		slices.Equal(d.Glue, e.Glue)
}

// changedEntries compares the PTR RRsets of two reverse zones.
func changedEntries(old, g *Generation, a, b *zone, yield func(bool, Record) bool) {
	was, stopWas := iter.Pull2(old.reader.Entries(a.Zone))
	defer stopWas()
	is, stopIs := iter.Pull2(g.reader.Entries(b.Zone))
	defer stopIs()
	addrA, setA, okA := was()
	addrB, setB, okB := is()
	for okA || okB {
		order := compareNext(addrA, okA, addrB, okB, netip.Addr.Compare)
		switch {
		case order < 0:
			if !replaced(a, addrA, setA, b, true, yield) {
				return
			}
		case order > 0:
			if !replaced(b, addrB, setB, a, false, yield) {
				return
			}
		case setA.SameRecords(setB):
		default:
			if !a.pointer(addrA, setA, setB, only(true, yield)) || !b.pointer(addrB, setB, setA, only(false, yield)) {
				return
			}
		}
		if order <= 0 {
			addrA, setA, okA = was()
		}
		if order >= 0 {
			addrB, setB, okB = is()
		}
	}
}

// replaced yields the RRset that only z has at addr, and the RR that the fallback makes there in other. A RR that is in
// both is no change.
func replaced(
	z *zone, addr netip.Addr, set snapshot.RRset, other *zone, removed bool, yield func(bool, Record) bool,
) bool {
	var made Record
	isMade := false
	if other.fallback != nil && other.Zone.Delegation(addr) == nil {
		made, isMade = other.fallbackPointer(addr)
	}
	goOn := z.pointer(addr, set, snapshot.RRset{}, func(r Record) bool {
		if isMade && r == made {
			isMade = false
			return true
		}
		return yield(removed, r)
	})
	return goOn && (!isMade || yield(!removed, made))
}

// changedHosts compares the hosts of two forward zones. What the fallback makes is in both, and is no change.
func changedHosts(old, g *Generation, a, b *zone, yield func(bool, Record) bool) {
	was, stopWas := iter.Pull(old.reader.Hosts(a.Zone))
	defer stopWas()
	is, stopIs := iter.Pull(g.reader.Hosts(b.Zone))
	defer stopIs()
	hostA, okA := was()
	hostB, okB := is()
	for okA || okB {
		order := compareNext(hostA, okA, hostB, okB, func(h, i snapshot.Host) int {
			return snapshot.CompareNames(h.Name(), i.Name())
		})
		if order <= 0 && !a.host(hostA, hostB, order == 0, b, only(true, yield)) {
			return
		}
		if order >= 0 && !b.host(hostB, hostA, order == 0, a, only(false, yield)) {
			return
		}
		if order <= 0 {
			hostA, okA = was()
		}
		if order >= 0 {
			hostB, okB = is()
		}
	}
}

// host yields the RRs of h that are not in other, which has the same name in the other zone if both is set.
func (z *zone) host(h, same snapshot.Host, both bool, other *zone, yield func(Record) bool) bool {
	for i := range h.Len() {
		addr := h.Addr(i)
		if both && z.TTL == other.TTL && hasAddr(same, addr) {
			continue
		}
		owner := absolute(h.Name(), z.Name)
		if synthesizes(z.synthesizers, owner, addr) {
			continue
		}
		if !yield(address(owner, z.TTL, addr)) {
			return false
		}
	}
	return true
}

func hasAddr(h snapshot.Host, a netip.Addr) bool {
	for i := range h.Len() {
		if h.Addr(i) == a {
			return true
		}
	}
	return false
}

// compareNext compares the next elements of two sequences, of which at least one is not at its end; the end comes last.
func compareNext[T any](a T, okA bool, b T, okB bool, compare func(a, b T) int) int {
	switch {
	case !okA:
		return 1
	case !okB:
		return -1
	}
	return compare(a, b)
}

// only makes a function of yield that takes records of one kind of change.
func only(removed bool, yield func(bool, Record) bool) func(Record) bool {
	return func(r Record) bool { return yield(removed, r) }
}
