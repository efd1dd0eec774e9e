package fastpath

import (
	"encoding/binary"

	"github.com/revmap/revmap/internal/authority"
)

// A writer writes a response to b, which has room for all that fits the query's limit.
type writer struct {
	b      []byte
	n      int
	packet []byte
	q      *query

	saved int // bytes, by names that are compressed
	opt   int // bytes of the OPT RR
	full  bool
}

// pointer in front of an offset makes a compressed name (RFC 1035 section 4.1.4).
const pointer = 0xc000

// response writes the whole response, and reports whether it fits.
func (w *writer) response(a *authority.Answer) bool {
	flags := bitQR | w.q.flags&(bitRD|bitCD) | uint16(a.Rcode())
	if a.AA() {
		flags |= bitAA
	}
	w.n = copy(w.b, w.packet[:w.q.end])
	binary.BigEndian.PutUint16(w.b[2:], flags)
	for s := authority.AnswerSection; s <= authority.AdditionalSection; s++ {
		n := a.Len(s)
		for i := range n {
			r := a.Record(s, i)
			w.record(&r)
			if w.full {
				return false
			}
		}
		binary.BigEndian.PutUint16(w.b[6+2*s:], uint16(n))
	}
	if w.q.edns {
		w.writeOPT()
	}
	return !w.full && w.n+w.saved <= w.q.limit()
}

// room reports whether there is room for n bytes more.
func (w *writer) room(n int) bool {
	w.full = w.full || w.n+n > len(w.b)
	return !w.full
}

// record writes a RR.
func (w *writer) record(r *authority.Record) {
	w.owner(r)
	if !w.room(10) {
		return
	}
	h := w.b[w.n : w.n+10]
	binary.BigEndian.PutUint16(h, r.Type)
	binary.BigEndian.PutUint16(h[2:], classIN)
	binary.BigEndian.PutUint32(h[4:], r.TTL)
	w.n += 10
	start := w.n
	switch r.Type {
	case authority.TypeA:
		b := r.Addr.As4()
		w.bytes(b[:])
	case authority.TypeAAAA:
		b := r.Addr.As16()
		w.bytes(b[:])
	case authority.TypeTXT:
		w.uint8(uint8(len(r.Text)))
		w.text(r.Text)
	case authority.TypeDS:
		w.uint16(r.DS.KeyTag)
		w.uint8(r.DS.Algorithm)
		w.uint8(r.DS.DigestType)
		w.text(r.DS.Digest)
	case authority.TypeSOA:
		s := &r.SOA.SOA
		w.name(s.Primary)
		w.name(s.Contact)
		for _, v := range [...]uint32{r.SOA.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum} {
			w.uint32(v)
		}
	default:
		w.name(r.Target)
	}
	binary.BigEndian.PutUint16(h[8:], uint16(w.n-start))
}

// owner writes the owner of a RR: a pointer, if the question has it.
func (w *writer) owner(r *authority.Record) {
	if r.Owner == "" {
		w.uint16(pointer | headerSize)
		w.saved += w.q.nameLen() - 2
		return
	}
	w.name(r.Owner)
}

// name writes a name that is in presentation format without escapes.
func (w *writer) name(name string) {
	if !w.room(len(name) + 1) {
		return
	}
	length := w.n
	b := w.b[w.n+1 : w.n+1+len(name)]
	copy(b, name)
	for i, c := range b {
		if c == '.' {
			w.b[length] = byte(w.n + i - length)
			length = w.n + 1 + i
		}
	}
	w.b[length] = 0
	w.n += len(name) + 1
}

func (w *writer) bytes(b []byte) {
	if w.room(len(b)) {
		w.n += copy(w.b[w.n:], b)
	}
}

func (w *writer) text(s string) {
	if w.room(len(s)) {
		w.n += copy(w.b[w.n:], s)
	}
}

func (w *writer) uint8(v uint8) {
	if w.room(1) {
		w.b[w.n] = v
		w.n++
	}
}

func (w *writer) uint16(v uint16) {
	if w.room(2) {
		binary.BigEndian.PutUint16(w.b[w.n:], v)
		w.n += 2
	}
}

func (w *writer) uint32(v uint32) {
	if w.room(4) {
		binary.BigEndian.PutUint32(w.b[w.n:], v)
		w.n += 4
	}
}

// writeOPT writes what CoreDNS makes of the query's OPT RR (request.Request.SizeAndDo): it keeps the upper half of the
// flags and drops the options.
func (w *writer) writeOPT() {
	if !w.room(optSize) {
		return
	}
	o := w.b[w.n : w.n+optSize]
	clear(o)
	o[2] = typeOPT
	binary.BigEndian.PutUint16(o[3:], w.q.udpSize)
	o[7] = byte(w.q.optFlags >> 8)
	w.b[11]++
	w.n += optSize
	w.opt = optSize
}
