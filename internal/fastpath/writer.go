package fastpath

import (
	"encoding/binary"

	"github.com/revmap/revmap/internal/authority"
)

// A writer writes a response to b, in which there is always room for another RR.
type writer struct {
	b      *[MaxResponse]byte
	n      int
	packet []byte
	q      *query

	saved int // bytes, by names that are compressed
	opt   int // bytes of the OPT RR
}

// maxRecord is the most bytes that a RR takes: an SOA with three names.
const maxRecord = maxWire + 10 + 2*maxWire + 20

// isPointer tells that a name goes on at an offset (RFC 1035 section 4.1.4).
const isPointer = 0xc000

// response writes the whole response, and reports whether it is one that CoreDNS would not compress.
func (w *writer) response(a *authority.Answer) bool {
	flags := bitQR | w.q.flags&(bitRD|bitCD) | uint16(a.Rcode())
	if a.AA() {
		flags |= bitAA
	}
	w.n = copy(w.b[:], w.packet[:w.q.end])
	binary.BigEndian.PutUint16(w.b[2:], flags)
	limit := w.q.limit()
	for s := authority.AnswerSection; s <= authority.AdditionalSection; s++ {
		n, above := a.Len(s), w.q.lower && a.Above(s)
		for i := range n {
			r := a.Record(s, i)
			if w.record(&r, above); w.n+w.saved > limit {
				return false
			}
		}
		binary.BigEndian.PutUint16(w.b[6+2*s:], uint16(n))
	}
	if w.q.edns {
		w.writeOPT()
	}
	return w.n+w.saved <= limit
}

// record writes a RR. If above is set, its owner is the end of the QNAME in the same spelling.
func (w *writer) record(r *authority.Record, above bool) {
	switch {
	case r.Owner == "":
		w.pointer(w.q.nameLen())
	case above:
		w.pointer(len(r.Owner) + 1)
	default:
		w.name(r.Owner)
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
		w.n += copy(w.b[w.n:], b[:])
	case authority.TypeAAAA:
		b := r.Addr.As16()
		w.n += copy(w.b[w.n:], b[:])
	case authority.TypeTXT:
		w.b[w.n] = byte(len(r.Text))
		w.n += 1 + copy(w.b[w.n+1:], r.Text)
	case authority.TypeDS:
		d := w.b[w.n:]
		binary.BigEndian.PutUint16(d, r.DS.KeyTag)
		d[2], d[3] = r.DS.Algorithm, r.DS.DigestType
		w.n += 4 + copy(d[4:], r.DS.Digest)
	case authority.TypeSOA:
		s := &r.SOA.SOA
		w.name(s.Primary)
		w.name(s.Contact)
		d := w.b[w.n : w.n+20]
		binary.BigEndian.PutUint32(d, r.SOA.Serial)
		binary.BigEndian.PutUint32(d[4:], s.Refresh)
		binary.BigEndian.PutUint32(d[8:], s.Retry)
		binary.BigEndian.PutUint32(d[12:], s.Expire)
		binary.BigEndian.PutUint32(d[16:], s.Minimum)
		w.n += len(d)
	default:
		w.name(r.Target)
	}
	binary.BigEndian.PutUint16(h[8:], uint16(w.n-start))
}

// pointer writes the name that the last bytes of the QNAME make.
func (w *writer) pointer(length int) {
	binary.BigEndian.PutUint16(w.b[w.n:], uint16(isPointer|w.q.end-fieldsSize-length))
	w.n += 2
	w.saved += length - 2
}

// name writes a name that is in presentation format without escapes.
func (w *writer) name(name string) {
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

// writeOPT writes what CoreDNS makes of the query's OPT RR (request.Request.SizeAndDo): it keeps the upper half of the
// flags and drops the options.
func (w *writer) writeOPT() {
	o := w.b[w.n : w.n+optSize]
	clear(o)
	o[2] = typeOPT
	binary.BigEndian.PutUint16(o[3:], w.q.udpSize)
	o[7] = byte(w.q.optFlags >> 8)
	w.b[11]++
	w.n += optSize
	w.opt = optSize
}
