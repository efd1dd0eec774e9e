package fastpath

import "encoding/binary"

// A writer appends parts of a response to b, whose capacity is enough for them.
type writer struct {
	b    []byte
	size int
}

// question writes the header and the question.
func (w *writer) question(packet []byte, q *query, aa bool, rcode, answers, authority int) {
	flags := bitQR | q.flags&(bitRD|bitCD) | uint16(rcode)
	if aa {
		flags |= bitAA
	}
	w.b = append(w.b, packet[:q.end]...)
	h := w.b[:headerSize]
	binary.BigEndian.PutUint16(h[2:], flags)
	binary.BigEndian.PutUint16(h[6:], uint16(answers))
	binary.BigEndian.PutUint16(h[8:], uint16(authority))
	binary.BigEndian.PutUint16(h[10:], 0)
}

// name writes a name from presentation format without escapes, with the final dot.
func (w *writer) name(name string) {
	length := len(w.b)
	w.b = append(w.b, 0)
	w.b = append(w.b, name...)
	for i := length + 1; i < len(w.b); i++ {
		if w.b[i] == '.' {
			w.b[length] = byte(i - length - 1)
			length = i
		}
	}
	w.b[length] = 0
}

// opt writes the OPT RR that CoreDNS makes of that of the query: no options, and only the upper half of the flags.
func (w *writer) opt(q *query) {
	w.b = append(w.b, 0, 0, typeOPT)
	w.b = binary.BigEndian.AppendUint16(w.b, q.udpSize)
	w.b = append(w.b, 0, 0, byte(q.optFlags>>8), 0, 0, 0)
	w.b[11]++
}
