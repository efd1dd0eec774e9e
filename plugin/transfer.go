package revmap

import (
	"runtime/debug"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// Transfer implements transfer.Transferer: it returns the RRs of the zone with the given apex, in slices. Serial 0 asks
// for the whole zone (RFC 5936), another for what has changed since (RFC 1995). It says that the plugin is not
// authoritative if it has no such zone, or one that is endless; then the query goes down the chain, to ServeDNS at the
// latest, which refuses it.
func (h *handler) Transfer(apex string, serial uint32) (<-chan []dns.RR, error) {
	g := h.store.generation.Load()
	if g == nil || !h.zones.contain(apex) {
		return nil, transfer.ErrNotAuthoritative
	}
	z := g.Zone(apex)
	if z == nil {
		return nil, transfer.ErrNotAuthoritative
	}
	if err := g.Reader().Endless(z); err != nil {
		if _, logged := g.refused.LoadOrStore(z.Name, true); !logged {
			log.Warningf("Refusing to transfer %v", err)
		}
		return nil, transfer.ErrNotAuthoritative
	}
	t := &outgoing{g: g, zone: z, ch: make(chan []dns.RR)}
	kind, source := "axfr", t.whole
	deltas, known := g.journal.since(z, serial)
	switch {
	case serial == 0:
		log.Infof("Sending zone %s: AXFR of serial %d", z.Name, z.Serial)
	case int32(serial-z.Serial) >= 0: // RFC 1982 section 3.2; what that leaves undefined counts as older
		kind, source = "current", t.soa
		log.Infof("Sending zone %s: its serial %d is no news for a secondary with %d", z.Name, z.Serial, serial)
	case known:
		kind, source = "ixfr", func() { t.changes(deltas) }
		log.Infof("Sending zone %s: IXFR from serial %d to %d, deltas: %d", z.Name, serial, z.Serial, len(deltas))
	default:
		log.Infof("Sending zone %s: AXFR of serial %d, as what has changed since %d is not known", z.Name, z.Serial, serial)
	}
	transfersTotal.WithLabelValues(h.store.path, kind).Inc()
	go t.run(source)
	return t.ch, nil
}

// An outgoing is a transfer that is under way. It holds its generation to the end.
type outgoing struct {
	g     *generation
	zone  *snapshot.Zone
	ch    chan []dns.RR
	slice []dns.RR // that is sent next
}

// sliceLen is how many RRs go to the transfer plugin together. It makes messages of them by their size.
const sliceLen = 500

// run sends what source adds. If that panics, the rest is missing, and with it the last SOA, without which no secondary
// uses a transfer. When a secondary goes away, the transfer plugin empties the channel, so that no goroutine stays
// behind.
func (t *outgoing) run(source func()) {
	defer close(t.ch)
	defer func() {
		if p := recover(); p != nil {
			log.Errorf("Transfer of zone %s broke off: %v\n%s", t.zone.Name, p, debug.Stack())
		}
	}()
	source()
	t.ch <- t.slice
}

func (t *outgoing) add(rr dns.RR) {
	if soa, ok := rr.(*dns.SOA); ok {
		rr = transferSOA{soa}
	}
	t.slice = append(t.slice, rr)
	if len(t.slice) == sliceLen {
		t.ch <- t.slice
		t.slice = make([]dns.RR, 0, sliceLen)
	}
}

// A transferSOA is an SOA RR that the transfer plugin does not recognize. If a slice has begun with a *dns.SOA, that
// plugin takes a single RR that is left in the end for the answer to a secondary that is up to date, and sends it
// without the AA bit. But it may be the last RR of a zone that was sent in several messages; and the answer to a
// secondary that is up to date needs the bit too.
type transferSOA struct{ *dns.SOA }

// soa adds the SOA RR, which alone is what a secondary gets that is up to date (RFC 1995 section 2).
func (t *outgoing) soa() { t.add(zoneSOA(t.zone)) }

func zoneSOA(z *snapshot.Zone) dns.RR {
	return resourceRecord(authority.Record{Owner: z.Name, Type: authority.TypeSOA, TTL: z.TTL, SOA: z})
}

// whole adds the zone (RFC 5936 section 2.2).
func (t *outgoing) whole() {
	for r := range t.g.Records(t.zone) {
		t.add(resourceRecord(r))
	}
	t.soa()
}

// changes adds deltas, which lead to the zone as it is (RFC 1995 section 4).
func (t *outgoing) changes(deltas []delta) {
	t.soa()
	for _, d := range deltas {
		for rr := range d.records() {
			t.add(rr)
		}
	}
	t.soa()
}
