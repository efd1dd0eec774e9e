package compile

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

// nextSerial returns the serial of z: that of the previous snapshot if the zone's content is the same, else the source's
// time, and in any case one that a secondary takes for newer than the previous (RFC 1982).
func nextSerial(inv *model.Inventory, z *snapshot.Zone, o Options) uint32 {
	now := serialOf(o.Time)
	if o.Previous == nil {
		return now
	}
	old := o.Previous.Zones()
	i, found := slices.BinarySearchFunc(old, z.Name, func(p snapshot.Zone, name string) int { return cmp.Compare(p.Name, name) })
	if !found {
		return now
	}
	p := &old[i]
	if sameZone(p, z) && sameEntries(o.Previous.Entries(p), inv, z.Prefix) {
		return p.Serial
	}
	return newer(p.Serial, now)
}

// newer returns now if it comes after serial, else the serial that follows it (RFC 1982 section 3).
func newer(serial, now uint32) uint32 {
	if int32(now-serial) > 0 {
		return now
	}
	return max(serial+1, 1)
}

// serialOf returns seconds since 1970, never 0: some secondaries take a zone with the serial 0 for one not yet loaded.
func serialOf(t time.Time) uint32 { return max(uint32(t.Unix()), 1) }

// sameZone compares all that a zone says beside its serial and its entries.
func sameZone(a, b *snapshot.Zone) bool {
	return a.Prefix == b.Prefix && a.TTL == b.TTL && a.SOA == b.SOA && a.Fallback == b.Fallback && slices.Equal(a.NS, b.NS)
}

// sameEntries compares the entries of a previous zone with those that inv has in p. Which of them are default hostnames
// does not matter: a secondary can't tell.
func sameEntries(previous iter.Seq2[netip.Addr, snapshot.RRset], inv *model.Inventory, p netip.Prefix) bool {
	c := cursor{inv, inv.Within(p)}
	for old, set := range previous {
		a, r, ok := c.next()
		if !ok || a != old || r.ttl != set.TTL || len(r.names) != set.Len() {
			return false
		}
		for i, name := range r.names {
			if name != set.Name(i) {
				return false
			}
		}
	}
	_, _, more := c.next()
	return !more
}
