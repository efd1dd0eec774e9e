package revmap

import (
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

const (
	// maxJournal is how many bytes the deltas of a generation may have together.
	maxJournal = 64 << 20
	// maxMessage is how many bytes of deltas a zone may have even if it is smaller itself: they fit into one message,
	// so to send the zone instead would not save anything.
	maxMessage = 60_000
)

// A journal has, for the zones of one generation by their names, the deltas that lead to them: each from one generation
// that this process has loaded to the next in which the zone is another, oldest first and without a gap. It is
// immutable. Later journals share its deltas, which refer to no snapshot.
//
// An empty list says that the zone may have had other data under the same serial before. A secondary with that serial
// need not have what a delta from there would begin with, so there will be none.
type journal map[string][]delta

// A delta is what has changed in a zone from one serial to a later one.
type delta struct {
	from uint32
	// generation is the number of the one that it leads to.
	generation int
	// wire has the RRs of RFC 1995 section 4, one after another in wire format without compression: the old SOA, RRs to
	// delete, the new SOA, RRs to add.
	wire []byte
}

// size returns how much memory d takes, in bytes.
func (d delta) size() int { return len(d.wire) + 64 }

func size(deltas []delta) int {
	n := 0
	for _, d := range deltas {
		n += d.size()
	}
	return n
}

// since returns the deltas of z from a serial on, and whether they are known.
func (j journal) since(z *snapshot.Zone, serial uint32) ([]delta, bool) {
	deltas := j[z.Name]
	i := slices.IndexFunc(deltas, func(d delta) bool { return d.from == serial })
	if i < 0 {
		return nil, false
	}
	return deltas[i:], true
}

// records returns the RRs of d.
func (d delta) records() iter.Seq[dns.RR] {
	return func(yield func(dns.RR) bool) {
		for off := 0; off < len(d.wire); {
			rr, next, err := dns.UnpackRR(d.wire, off)
			if err != nil {
				panic(err) // it was packed by newDelta
			}
			if !yield(rr) {
				return
			}
			off = next
		}
	}
}

// newJournal returns the journal of g, which follows old. A zone has no deltas there if it has changed in a way that
// secondaries cannot follow, or that is not worth it.
func newJournal(old, g *generation) journal {
	j := make(journal)
	var same []*snapshot.Zone // changed, but with the same serial
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		was := old.Zone(z.Name)
		if was == nil {
			continue
		}
		deltas, listed := old.journal[z.Name]
		switch rise := int32(z.Serial - was.Serial); { // RFC 1982 section 3.2
		case rise > 0:
			if listed && len(deltas) == 0 {
				continue
			}
			d, ok := newDelta(old, g, was, z)
			if !ok {
				continue
			}
			deltas = worth(g, z, append(slices.Clip(deltas), d))
			listed = len(deltas) > 0
		case rise < 0:
			deltas, listed = nil, true
		case authority.Changed(old.Generation, g.Generation, z.Name):
			same = append(same, z)
			deltas, listed = nil, true
		}
		if listed {
			j[strings.Clone(z.Name)] = deltas
		}
	}
	if len(same) > 0 {
		log.Warningf("%d zones have changed without a new serial, the first is %s with %d: secondaries keep what they have",
			len(same), same[0].Name, same[0].Serial)
	}
	j.limit(maxJournal)
	return j
}

// newDelta returns what leads from the zone was of old to z of g. It returns false if only the whole zone does.
func newDelta(old, g *generation, was, z *snapshot.Zone) (delta, bool) {
	deleted, added, ok := authority.Diff(old.Generation, g.Generation, z.Name)
	if !ok {
		return delta{}, false
	}
	rrs := make([]dns.RR, 0, len(deleted)+len(added)+2)
	rrs = append(rrs, zoneSOA(was))
	for _, r := range deleted {
		rrs = append(rrs, resourceRecord(r))
	}
	rrs = append(rrs, zoneSOA(z))
	for _, r := range added {
		rrs = append(rrs, resourceRecord(r))
	}
	n := 0
	for _, rr := range rrs {
		n += dns.Len(rr)
	}
	d := delta{from: was.Serial, generation: g.number, wire: make([]byte, n)}
	off := 0
	for _, rr := range rrs {
		next, err := dns.PackRR(rr, d.wire, off, nil, false)
		if err != nil {
			return delta{}, false // no secondary could be sent this RR in any other way either
		}
		off = next
	}
	d.wire = d.wire[:off]
	return d, true
}

// worth returns the latest of deltas that together are not larger than z.
func worth(g *generation, z *snapshot.Zone, deltas []delta) []delta {
	total := size(deltas)
	if total <= maxMessage {
		return deltas
	}
	limit := 0
	for r := range g.Records(z) {
		if limit += dns.Len(resourceRecord(r)); limit >= total {
			return deltas
		}
	}
	limit = max(limit, maxMessage)
	for total > limit {
		total -= deltas[0].size()
		deltas = deltas[1:]
	}
	return slices.Clone(deltas) // the array before has those that were dropped too
}

// limit drops the oldest deltas until all together have at most n bytes.
func (j journal) limit(n int) {
	total, oldest := 0, math.MaxInt
	for _, deltas := range j {
		total += size(deltas)
		if len(deltas) > 0 {
			oldest = min(oldest, deltas[0].generation)
		}
	}
	for ; total > n; oldest++ {
		for name, deltas := range j {
			if len(deltas) == 0 || deltas[0].generation > oldest {
				continue
			}
			total -= deltas[0].size()
			if len(deltas) == 1 {
				delete(j, name)
			} else {
				j[name] = slices.Clone(deltas[1:])
			}
		}
	}
}
