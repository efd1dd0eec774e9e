package fastpath

import (
	"encoding/binary"
	"net/netip"
)

const (
	headerSize = 12 // RFC 1035 section 4.1.1
	fieldsSize = 4  // of QTYPE and QCLASS (section 4.1.2)
	classIN    = 1  // section 3.2.4
	maxWire    = 255
	maxLabel   = 63 // section 2.3.4
	optSize    = 11 // of an OPT RR without options (RFC 6891 section 6.1.2)

	typeOPT  = 41  // RFC 6891 section 6.1.1
	typeIXFR = 251 // RFC 1995 section 2
	typeAXFR = 252 // RFC 1035 section 3.2.3
)

// Bits of the second word of the header (RFC 1035 section 4.1.1, RFC 4035 section 3).
const (
	bitQR  = 1 << 15
	opcode = 0xf << 11
	bitAA  = 1 << 10
	bitRD  = 1 << 8
	bitCD  = 1 << 4
)

// bitDO is the one in the flags of EDNS (RFC 6891 section 6.1.4).
const bitDO = 1 << 15

// A query is what is needed of a packet.
type query struct {
	end    int // of the question section
	flags  uint16
	qtype  uint16
	prefix netip.Prefix // whose name the QNAME is, if it is one
	lower  bool         // the QNAME is known to have no upper case letters

	edns     bool // the query has an OPT RR
	do       bool
	udpSize  uint16
	optFlags uint16
	options  int // bytes at the end of the packet
}

// parse reports whether a packet is a query that could be ours: a plain question and at most an OPT RR. Whatever else
// it is, an error included, is for CoreDNS.
func (q *query) parse(packet []byte) bool {
	if len(packet) < headerSize+1+fieldsSize {
		return false
	}
	q.flags = binary.BigEndian.Uint16(packet[2:])
	counts := binary.BigEndian.Uint64(packet[4:])
	if q.flags&(bitQR|opcode) != 0 || counts&^1 != 1<<48 {
		return false
	}
	if !q.parseName(packet) {
		return false
	}
	fields := binary.BigEndian.Uint32(packet[q.end-fieldsSize:])
	q.qtype = uint16(fields >> 16)
	if uint16(fields) != classIN || q.qtype == typeAXFR || q.qtype == typeIXFR {
		return false
	}
	if counts&1 == 0 {
		return q.end == len(packet)
	}
	return q.parseOPT(packet[q.end:])
}

// parseOPT takes the rest of a packet, which must be an OPT RR, apart.
func (q *query) parseOPT(rr []byte) bool {
	if len(rr) < optSize || rr[0] != 0 || binary.BigEndian.Uint16(rr[1:]) != typeOPT {
		return false
	}
	if rr[6] != 0 { // version
		return false
	}
	q.options = len(rr) - optSize
	if int(binary.BigEndian.Uint16(rr[9:])) != q.options {
		return false
	}
	q.edns = true
	q.udpSize = binary.BigEndian.Uint16(rr[3:])
	q.optFlags = binary.BigEndian.Uint16(rr[7:])
	q.do = q.optFlags&bitDO != 0
	return true
}

// limit returns how large the response may be, without compressed names.
func (q *query) limit() int { return min(max(minResponse, int(q.udpSize)), uncompressed) }

// nameLen returns the length of the QNAME in the packet.
func (q *query) nameLen() int { return q.end - fieldsSize - headerSize }

// name returns the QNAME as it is in the packet.
func (q *query) name(packet []byte) []byte { return packet[headerSize : q.end-fieldsSize] }

// Options that CoreDNS takes apart.
const (
	optionLLQ       = 1  // draft-sekar-dns-llq
	optionUL        = 2  // RFC 9664
	optionSubnet    = 8  // RFC 7871
	optionExpire    = 9  // RFC 7314
	optionKeepalive = 11 // RFC 7828
	optionEDE       = 15 // RFC 8914
	optionReporting = 18 // RFC 9567
	optionVersion   = 19 // RFC 9660
)

// ignores reports whether CoreDNS takes all of these EDNS options, and none has a meaning to it. Those whose content it
// checks are left to it, but for that of an ordinary client subnet, which some resolvers send with every query.
func (r *Responder) ignores(options []byte) bool {
	for len(options) > 0 {
		if len(options) < 4 {
			return false
		}
		code := binary.BigEndian.Uint16(options)
		size := int(binary.BigEndian.Uint16(options[2:]))
		options = options[4:]
		if size > len(options) {
			return false
		}
		switch code {
		case optionSubnet:
			if !plainSubnet(options[:size]) {
				return false
			}
		case optionLLQ, optionUL, optionExpire, optionKeepalive, optionEDE, optionReporting, optionVersion:
			return false
		}
		if r.echoed != nil && r.echoed(code) {
			return false
		}
		options = options[size:]
	}
	return true
}

// plainSubnet reports whether an option is what RFC 7871 section 6 says of a query's.
func plainSubnet(option []byte) bool {
	if len(option) < 4 || option[3] != 0 || len(option)-4 != (int(option[2])+7)/8 {
		return false
	}
	switch binary.BigEndian.Uint16(option) {
	case 1:
		return option[2] <= 32
	case 2:
		return option[2] <= 128
	}
	return false
}
