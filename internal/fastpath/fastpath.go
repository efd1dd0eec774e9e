// Package fastpath answers plain DNS queries in packets straight from a generation, without building messages.
//
// What is answered is decided by package authority; this package only takes packets apart and puts responses together.
// It answers what it can answer exactly as CoreDNS does with nothing but the plugin in its server block, and leaves
// everything else to CoreDNS.
package fastpath

import (
	"net/netip"
	"unsafe"

	"github.com/revmap/revmap/internal/authority"
)

// MaxResponse is the room that a response needs while it is written.
const MaxResponse = uncompressed + maxRecord + optSize

// uncompressed is the most bytes that a response has before names are compressed. CoreDNS compresses larger ones, if
// they go over IPv6 (request.Request.Scrub), so those are left to it.
const uncompressed = 1220

// minResponse is what every client takes (RFC 1035 section 4.2.1), whatever it says (RFC 6891 section 6.2.5).
const minResponse = 512

// Options say which queries are ours, among those that reach an address. All names are absolute, in lower case and
// without escapes.
type Options struct {
	// Zones are the names at or below which the plugin answers.
	Zones []string
	// Elsewhere are the names at or below which another server block answers.
	Elsewhere []string
	// DSElsewhere is set if there is another server block at the address. Then queries for DS are left to CoreDNS, which may
	// send them to another block than other queries for the same name.
	DSElsewhere bool
	// Fallthrough are the names at or below which queries for what does not exist are left to the next plugin.
	Fallthrough []string
	// Echoed reports whether CoreDNS sends an EDNS option of the query back, or a plugin looks at it: such queries are
	// left to CoreDNS. It is called only for queries with options. Without it, there are no such options.
	Echoed func(code uint16) bool
	// BufferSize is the most that a query can say its sender takes, as with the bufsize plugin; 0 is no limit.
	BufferSize uint16
}

// A Result tells what was answered. The zero Result, with N == 0, means that the packet is for CoreDNS: it is a query
// that is not ours, an odd one, or no query at all.
type Result struct {
	N     int // the size of the response
	Kind  authority.Kind
	Rcode uint8
	Type  uint16 // the QTYPE
	DO    bool   // of the query
	Zone  int    // the longest of Options.Zones that the QNAME is in
	// Size is the size of the response as the metrics of CoreDNS have it: without the OPT RR, and no name compressed.
	Size int
}

// A Responder answers packets. It is not safe for concurrent use.
type Responder struct {
	zones, elsewhere, through []scope
	echoed                    func(code uint16) bool
	bufferSize                uint16
	dsElsewhere               bool

	g       *authority.Generation // that answers the batch
	packets [][]byte
	one     [1][]byte
	queries []query
	places  []authority.Place

	scratch authority.Scratch
	qname   [maxPresentation]byte
}

// New returns a Responder.
func New(o Options) *Responder {
	return &Responder{
		zones: scopes(o.Zones), elsewhere: scopes(o.Elsewhere), through: scopes(o.Fallthrough), echoed: o.Echoed,
		bufferSize: o.BufferSize, dsElsewhere: o.DSElsewhere,
	}
}

// Prepare looks at a batch of packets, which g is to answer, and finds what it has for them: together, since that
// takes a fraction of the time that it would take for each alone. The packets must not change until all are answered.
// Then, to prepare nothing lets go of them and of g. It allocates only for a batch that is larger than all before.
func (r *Responder) Prepare(packets [][]byte, g *authority.Generation) {
	clear(r.places) // what they hold belongs to the last generation
	r.g, r.packets = g, packets
	if len(packets) > cap(r.queries) {
		r.queries, r.places = make([]query, len(packets)), make([]authority.Place, len(packets))
	}
	r.queries, r.places = r.queries[:len(packets)], r.places[:len(packets)]
	for i, packet := range packets {
		q := &r.queries[i]
		r.places[i].Prefix = netip.Prefix{}
		if *q = (query{}); q.parse(packet) && (q.options == 0 || r.ignores(packet[len(packet)-q.options:])) {
			r.places[i].Prefix = q.prefix
			if r.bufferSize > 0 {
				q.udpSize = min(q.udpSize, r.bufferSize)
			}
		} else {
			q.end = 0
		}
	}
	if g != nil {
		r.scratch.Find(g, r.places)
	}
}

// Respond writes the response of g to a packet to out, which has room for MaxResponse bytes and shares none with the
// packet. What it writes there is of no use if the Result has no N. It does not allocate. It takes the place of a batch
// that was prepared.
func (r *Responder) Respond(out, packet []byte, g *authority.Generation) Result {
	r.one[0] = packet
	r.Prepare(r.one[:], g)
	result := r.RespondTo(0, out)
	r.one[0] = nil
	r.Prepare(nil, nil)
	return result
}

// RespondTo does what Respond does, for a packet of the batch that was prepared.
func (r *Responder) RespondTo(i int, out []byte) Result {
	q, packet := &r.queries[i], r.packets[i]
	if r.g == nil || q.end == 0 || q.qtype == authority.TypeDS && r.dsElsewhere {
		return Result{}
	}
	var a authority.Answer
	zone, ok := r.answerPlace(&a, q, &r.places[i])
	if !ok {
		zone, ok = r.answerName(&a, q, packet)
	}
	if !ok || a.Kind == authority.Outside {
		return Result{}
	}
	w := writer{b: (*[MaxResponse]byte)(out), packet: packet, q: q}
	if !w.response(&a) {
		return Result{}
	}
	return Result{
		N: w.n, Kind: a.Kind, Rcode: uint8(a.Rcode()), Type: q.qtype, DO: q.do, Zone: zone, Size: w.n + w.saved - w.opt,
	}
}

// answerPlace decides without looking at the QNAME, if it can, and returns which of our zones that is in.
func (r *Responder) answerPlace(a *authority.Answer, q *query, p *authority.Place) (zone int, ok bool) {
	if !q.prefix.IsValid() {
		return 0, false
	}
	zone = around(r.zones, q.prefix)
	ok = zone >= 0 && around(r.elsewhere, q.prefix) < 0 &&
		r.scratch.AnswerPlace(a, r.g, p, q.nameLen()-1, q.qtype, q.do) &&
		!(fallsThrough(a) && around(r.through, q.prefix) >= 0)
	return zone, ok
}

// answerName decides by the QNAME, unless the query is not ours.
func (r *Responder) answerName(a *authority.Answer, q *query, packet []byte) (zone int, ok bool) {
	text := presentation(r.qname[:0], q.name(packet))
	qname := unsafe.String(unsafe.SliceData(text), len(text))
	zone = longest(r.zones, qname)
	if zone < 0 || longest(r.elsewhere, qname) >= 0 {
		return 0, false
	}
	r.scratch.Answer(a, r.g, qname, q.qtype, q.do)
	return zone, !(fallsThrough(a) && longest(r.through, qname) >= 0)
}

// fallsThrough reports whether an answer is one that can be left to the next plugin: it has not even an alias.
func fallsThrough(a *authority.Answer) bool {
	return a.Kind == authority.NXDomain && a.Len(authority.AnswerSection) == 0
}
