// Package fastpath answers plain DNS queries in packets straight from a generation, without building messages.
//
// What is answered is decided by package authority; this package only takes packets apart and puts responses together.
// It answers what it can answer exactly as CoreDNS does with nothing but the plugin in its server block, and leaves
// everything else to CoreDNS.
package fastpath

import (
	"unsafe"

	"github.com/revmap/revmap/internal/authority"
)

// MaxResponse is the most bytes that a response has. CoreDNS compresses the names of larger ones, if they go over IPv6
// (request.Request.Scrub), so those are left to it.
const MaxResponse = 1220

// minResponse is what every client takes (RFC 1035 section 4.2.1), whatever it says (RFC 6891 section 6.2.5).
const minResponse = 512

// Options say which queries are ours, among those that reach an address. All names are absolute, in lower case and
// without escapes.
type Options struct {
	// Zones are the names at or below which the plugin answers.
	Zones []string
	// Elsewhere are the names at or below which another server block answers. If there are any, queries for DS are left
	// to CoreDNS, which may send them to another block than other queries for the same name.
	Elsewhere []string
	// Fallthrough are the names at or below which queries for what does not exist are left to the next plugin.
	Fallthrough []string
	// Echoed reports whether CoreDNS sends an EDNS option of the query back, or a plugin looks at it: such queries are
	// left to CoreDNS. It is called only for queries with options. Without it, there are no such options.
	Echoed func(code uint16) bool
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

// A Responder answers one query at a time: it is not safe for concurrent use.
type Responder struct {
	zones, elsewhere, through []scope
	echoed                    func(code uint16) bool

	scratch authority.Scratch
	qname   [maxPresentation]byte
}

// New returns a Responder.
func New(o Options) *Responder {
	return &Responder{
		zones: scopes(o.Zones), elsewhere: scopes(o.Elsewhere), through: scopes(o.Fallthrough), echoed: o.Echoed,
	}
}

// Respond writes the response to a packet from g to out, which has room for MaxResponse bytes and shares none with the
// packet. What it writes there is of no use if the Result has no N. It does not allocate.
func (r *Responder) Respond(out, packet []byte, g *authority.Generation) Result {
	var q query
	if g == nil || !q.parse(packet) || q.options > 0 && !r.ignores(packet[len(packet)-q.options:]) {
		return Result{}
	}
	if q.qtype == authority.TypeDS && len(r.elsewhere) > 0 {
		return Result{}
	}
	var (
		a    authority.Answer
		zone int
	)
	if q.prefix.IsValid() {
		zone = around(r.zones, q.prefix)
		if zone < 0 || around(r.elsewhere, q.prefix) >= 0 {
			return Result{}
		}
	}
	if !q.prefix.IsValid() || !r.scratch.AnswerPrefix(&a, g, q.prefix, q.nameLen()-1, q.qtype, q.do) {
		text := presentation(r.qname[:0], q.name(packet))
		qname := unsafe.String(unsafe.SliceData(text), len(text))
		zone = longest(r.zones, qname)
		if zone < 0 || longest(r.elsewhere, qname) >= 0 {
			return Result{}
		}
		r.scratch.Answer(&a, g, qname, q.qtype, q.do)
		if a.Kind == authority.NXDomain && a.Len(authority.AnswerSection) == 0 && longest(r.through, qname) >= 0 {
			return Result{}
		}
	} else if a.Kind == authority.NXDomain && a.Len(authority.AnswerSection) == 0 && around(r.through, q.prefix) >= 0 {
		return Result{}
	}
	if a.Kind == authority.Outside {
		return Result{}
	}
	w := writer{b: out[:MaxResponse], packet: packet, q: &q}
	if !w.response(&a) {
		return Result{}
	}
	return Result{
		N: w.n, Kind: a.Kind, Rcode: uint8(a.Rcode()), Type: q.qtype, DO: q.do, Zone: zone, Size: w.n + w.saved - w.opt,
	}
}
