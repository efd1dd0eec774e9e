// Package fastpath answers plain DNS queries in packets straight from a generation, without building messages.
//
// What is answered is decided by package authority; this package only takes packets apart and puts answers together.
// It answers what it can answer exactly as CoreDNS would with the plugin alone in its server block, and leaves
// everything else to CoreDNS.
package fastpath

import (
	"encoding/binary"
	"strings"

	"github.com/revmap/revmap/internal/authority"
)

// MaxResponse is the size that no response exceeds. CoreDNS compresses the names of larger ones when they go over IPv6,
// so those are left to it (request.Request.Scrub).
const MaxResponse = 1220

// minResponse is what every client takes (RFC 1035 section 4.2.1), whatever it says (RFC 6891 section 6.2.5).
const minResponse = 512

// Options say which queries are ours, in the server block that the packets are for. All names are in lower case, with
// the final dot, without escapes.
type Options struct {
	// Zones are the names at or below which the plugin answers.
	Zones []string
	// Elsewhere are the names at or below which another server block answers at the same address. If there are any,
	// queries for DS are left to CoreDNS, which has its own way with those.
	Elsewhere []string
	// Fallthrough are the names at or below which what does not exist is left to the next plugin.
	Fallthrough []string
	// Echoed reports whether CoreDNS sends an EDNS option of a query back, or a plugin looks at it: then the query is
	// left to CoreDNS. It is called for options only; nil means that there are none such.
	Echoed func(code uint16) bool
}

// A Result tells what was answered, for metrics. The zero Result, with N == 0, means that the packet is not for us: it is
// for CoreDNS, whatever it is.
type Result struct {
	N     int // the size of the response
	Kind  authority.Kind
	Rcode uint8
	Type  uint16 // the QTYPE
	DO    bool
	Zone  int // index of the longest of Options.Zones that the QNAME is in
	// Size is that of the response as CoreDNS counts it: without EDNS and without compressed names.
	Size int
}

// A Responder answers queries one at a time: it is not safe for concurrent use.
type Responder struct {
	o     Options
	qname [4*maxName + 1]byte // in presentation format, where all could be escaped
}

// New returns a Responder.
func New(o Options) *Responder { return &Responder{o: o} }

// Respond writes the response to a query to out, which has room for MaxResponse bytes and shares none with the query.
// It does not allocate.
func (r *Responder) Respond(out, packet []byte, g *authority.Generation) Result {
	var q query
	if g == nil || !q.parse(packet, &r.o) {
		return Result{}
	}
	n, plain := presentation(r.qname[:0], q.name(packet))
	if !plain {
		return Result{}
	}
	qname := string(n)
	zone := longest(r.o.Zones, qname)
	if zone < 0 {
		return Result{}
	}
	a := g.Answer(qname, q.qtype, q.do)
	if a.Kind != authority.Explicit && a.Kind != authority.Default || a.Len(authority.AnswerSection) != 1 {
		return Result{}
	}
	record := a.Record(authority.AnswerSection, 0)
	if record.Owner != qname {
		return Result{}
	}
	w := writer{b: out[:0:min(len(out), MaxResponse)]}
	w.question(packet, &q, a.AA(), a.Rcode(), 1, 0)
	w.b = append(w.b, 0xc0, headerSize)
	w.b = binary.BigEndian.AppendUint16(w.b, record.Type)
	w.b = append(w.b, 0, classINET)
	w.b = binary.BigEndian.AppendUint32(w.b, record.TTL)
	w.b = binary.BigEndian.AppendUint16(w.b, uint16(len(record.Target)+1))
	w.name(record.Target)
	w.size = len(w.b) + q.end - headerSize - 4 - 2
	limit := min(q.limit, MaxResponse)
	size := w.size
	if q.opt {
		size += optSize
		w.opt(&q)
	}
	if size > limit {
		return Result{}
	}
	return Result{
		N: len(w.b), Kind: a.Kind, Rcode: uint8(a.Rcode()), Type: q.qtype, DO: q.do, Zone: zone, Size: w.size,
	}
}

// longest returns the index of the longest of the names at or below which qname is, -1 if there is none.
func longest(names []string, qname string) int {
	found := -1
	for i, name := range names {
		if (found < 0 || len(name) > len(names[found])) && within(qname, name) {
			found = i
		}
	}
	return found
}

// within reports whether qname is at or below name. An escaped dot in qname counts as the end of a label here, as it does
// in the plugin.
func within(qname, name string) bool {
	n := len(qname) - len(name)
	switch {
	case name == ".":
		return true
	case n < 0 || n > 0 && qname[n-1] != '.':
		return false
	}
	return qname[n:] == name || strings.EqualFold(qname[n:], name)
}
