package fastpath

import "encoding/binary"

const (
	headerSize = 12  // RFC 1035 section 4.1.1
	maxName    = 255 // RFC 1035 section 2.3.4
	maxLabel   = 63
	classINET  = 1
	optSize    = 11 // of an OPT RR without options (RFC 6891 section 6.1.2)
	typeOPT    = 41
	typeIXFR   = 251
	typeAXFR   = 252
)

// The bits of the header's second word, without opcode and RCODE.
const (
	bitQR = 1 << 15
	bitAA = 1 << 10
	bitRD = 1 << 8
	bitCD = 1 << 4

	opcodeMask = 0xf << 11
)

// A query is a packet that asks one plain question.
type query struct {
	flags uint16
	end   int // of the question section
	qtype uint16
	limit int // of the response's size, without compressed names

	opt      bool
	do       bool
	udpSize  uint16
	optFlags uint16
}

// parse reports whether a packet is a query that could be ours. All that it refuses is for CoreDNS, be it an error or
// not.
func (q *query) parse(packet []byte, o *Options) bool {
	if len(packet) < headerSize+1+4 {
		return false
	}
	q.flags = binary.BigEndian.Uint16(packet[2:])
	counts := binary.BigEndian.Uint64(packet[4:])
	if q.flags&(bitQR|opcodeMask) != 0 || counts&^1 != 1<<48 {
		return false // a response, another opcode, or not one question and at most one additional RR
	}
	end := headerSize
	for packet[end] != 0 {
		if packet[end] > maxLabel {
			return false
		}
		end += 1 + int(packet[end])
		if end+1+4 > len(packet) {
			return false
		}
	}
	end++
	if end-headerSize > maxName {
		return false
	}
	q.qtype = binary.BigEndian.Uint16(packet[end:])
	class := binary.BigEndian.Uint16(packet[end+2:])
	q.end = end + 4
	q.limit = minResponse
	switch {
	case class != classINET, q.qtype == typeAXFR, q.qtype == typeIXFR:
		return false
	case counts&1 == 0:
		return q.end == len(packet)
	}
	return q.parseOPT(packet[q.end:], o)
}

// parseOPT reads the rest of a packet, which must be an OPT RR.
func (q *query) parseOPT(rr []byte, o *Options) bool {
	if len(rr) < optSize || rr[0] != 0 || binary.BigEndian.Uint16(rr[1:]) != typeOPT {
		return false
	}
	if rr[6] != 0 { // version
		return false
	}
	if int(binary.BigEndian.Uint16(rr[9:])) != len(rr)-optSize {
		return false
	}
	q.opt = true
	q.udpSize = binary.BigEndian.Uint16(rr[3:])
	q.optFlags = binary.BigEndian.Uint16(rr[7:])
	q.do = q.optFlags&0x8000 != 0
	q.limit = max(minResponse, int(q.udpSize))
	return len(rr) == optSize || plainOptions(rr[optSize:], o)
}

// name returns the QNAME as it is in the packet.
func (q *query) name(packet []byte) []byte { return packet[headerSize : q.end-4] }

// plainOptions reports whether CoreDNS would read EDNS options without an error, and ignore all of them.
func plainOptions(options []byte, o *Options) bool {
	return false
}
