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

// A journal has the histories of zones by their names. It is immutable. Later journals share its deltas, which refer to no
// snapshot.
type journal map[string]history

// A history is how a zone came to be what it is in one generation.
type history struct {
	// deltas lead there: each from one generation that this process has loaded to the next in which the zone is another,
	// oldest first and without a gap.
	deltas []delta
	// ambiguous says that the zone went away, back to an earlier serial, or changed under the same one, when it had the
	// serial last. So serials up to last may have stood, or may come to stand, for two contents, and what a secondary has
	// that is at one of them need not be what a delta from there would begin with: there will be none.
	ambiguous bool
	last      uint32
}

// broken returns the history of a zone that does not go on from a serial.
func (h history) broken(serial uint32) history {
	if h.covers(serial) {
		serial = h.last
	}
	return history{ambiguous: true, last: serial}
}

// covers reports whether a serial is ambiguous (RFC 1982 section 3.2).
func (h history) covers(serial uint32) bool { return h.ambiguous && int32(serial-h.last) <= 0 }

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
	deltas := j[z.Name].deltas
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
	for name, h := range old.journal {
		if h.ambiguous { // stays so while the zone is away
			j[name] = h
		}
	}
	var same []*snapshot.Zone // changed, but with the same serial
	for i := range old.Reader().Zones() {
		was := &old.Reader().Zones()[i]
		z, h := g.Zone(was.Name), old.journal[was.Name]
		switch {
		case z == nil || int32(z.Serial-was.Serial) < 0: // RFC 1982 section 3.2
			h = h.broken(was.Serial)
		case z.Serial != was.Serial:
			h = h.next(old, g, was, z)
		case authority.Changed(old.Generation, g.Generation, z.Name):
			same = append(same, z)
			h = h.broken(was.Serial)
		}
		if h.ambiguous || len(h.deltas) > 0 {
			j[strings.Clone(was.Name)] = h
		} else {
			delete(j, was.Name)
		}
	}
	if len(same) > 0 {
		log.Warningf("%d zones have changed without a new serial, the first is %s with %d: secondaries keep what they have",
			len(same), same[0].Name, same[0].Serial)
	}
	j.limit(maxJournal)
	return j
}

// next returns the history of z of g, which has a later serial than was of old, whose history is h.
func (h history) next(old, g *generation, was, z *snapshot.Zone) history {
	if h.covers(was.Serial) {
		return h
	}
	d, ok := newDelta(old, g, was, z)
	if !ok {
		return history{}
	}
	return history{deltas: worth(g, z, append(slices.Clip(h.deltas), d))}
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
	for _, h := range j {
		total += size(h.deltas)
		if len(h.deltas) > 0 {
			oldest = min(oldest, h.deltas[0].generation)
		}
	}
	for ; total > n; oldest++ {
		for name, h := range j {
			if len(h.deltas) == 0 || h.deltas[0].generation > oldest {
				continue
			}
			total -= h.deltas[0].size()
			if len(h.deltas) == 1 {
				delete(j, name)
			} else {
				j[name] = history{deltas: slices.Clone(h.deltas[1:])}
			}
		}
	}
}
