package fastpath

import (
	"encoding/binary"
	"net/netip"
)

// maxPresentation is the most bytes that a name has in presentation format, each of them escaped as in \001.
const maxPresentation = 4 * maxWire

// The names that the reverse-mapping domains have in packets.
const (
	root4 = "\x07in-addr\x04arpa\x00"
	root6 = "\x03ip6\x04arpa\x00"
)

// The letters of the roots, so that OR makes lower case of them and nothing of the rest.
const (
	fold4 = "\x00  \x00    \x00    \x00"
	fold6 = "\x00  \x00\x00    \x00"
)

// parseName finds the end of the question, whose name must not be compressed nor the root, and the prefix whose name it
// is. The packet is as long as a question with the root at least.
func (q *query) parseName(packet []byte) bool {
	if q.parse6(packet) || q.parse4(packet) {
		return true
	}
	q.prefix, q.lower = netip.Prefix{}, false
	at := headerSize
	for packet[at] != 0 {
		if packet[at] > maxLabel {
			return false
		}
		at += 1 + int(packet[at])
		if at+1+fieldsSize > len(packet) {
			return false
		}
	}
	q.end = at + 1 + fieldsSize
	return at > headerSize && q.nameLen() <= maxWire
}

// parse4 reports whether the QNAME is that of an IPv4 address, and sets what parseName does.
func (q *query) parse4(packet []byte) bool {
	at := headerSize
	var octets [4]byte
	for i := range octets {
		// There is room for the longest label, or not for what must follow.
		if at+4+len(root4) > len(packet) {
			return false
		}
		label := packet[at : at+4]
		v := label[1] - '0'
		switch {
		case v > 9:
			return false
		case label[0] == 1:
		case v == 0 || label[0] < 1 || label[0] > 3: // a leading zero, or no octet
			return false
		default:
			sum := uint(v)
			for _, c := range label[2 : label[0]+1] {
				d := c - '0'
				if d > 9 {
					return false
				}
				sum = 10*sum + uint(d)
			}
			if sum > 255 {
				return false
			}
			v = byte(sum)
		}
		octets[3-i] = v
		at += 1 + int(label[0])
	}
	if !q.parseRoot(packet, at, root4, fold4) {
		return false
	}
	q.prefix = netip.PrefixFrom(netip.AddrFrom4(octets), 32)
	return true
}

// parse6 is parse4 for IPv6.
func (q *query) parse6(packet []byte) bool {
	const end = headerSize + 64
	if len(packet) < end+len(root6)+fieldsSize || packet[headerSize] != 1 || !q.parseRoot(packet, end, root6, fold6) {
		return false
	}
	const lanes = 0x0001_0001_0001_0001 // four labels of a length and a character each
	var words [2]uint64                 // of the address, the last one first
	upper := uint64(0)
	for i := range 8 {
		l := binary.LittleEndian.Uint64(packet[headerSize+8*i:])
		if l&(0xff*lanes) != lanes {
			return false
		}
		c := l >> 8 & (0xff * lanes)
		lower := c | 0x20*lanes
		// The highest bit of a lane tells whether its character is in a range.
		digit := (c + (0x8000-'0')*lanes) &^ (c + (0x8000-'9'-1)*lanes) & (0x8000 * lanes)
		letter := (lower + (0x8000-'a')*lanes) &^ (lower + (0x8000-'f'-1)*lanes) & (0x8000 * lanes)
		if digit|letter != 0x8000*lanes {
			return false
		}
		upper |= letter >> 10 &^ c
		v := c&(0xf*lanes) + 9*(letter>>15)
		v = (v | v>>12 | v>>24 | v>>36) & 0xffff
		words[i/4] |= v << (16 * (i % 4))
	}
	q.lower = q.lower && upper == 0
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], words[1])
	binary.BigEndian.PutUint64(b[8:], words[0])
	q.prefix = netip.PrefixFrom(netip.AddrFrom16(b), 128)
	return true
}

// parseRoot reports whether the QNAME ends in root, which begins at an offset.
func (q *query) parseRoot(packet []byte, at int, root, fold string) bool {
	if at+len(root)+fieldsSize > len(packet) {
		return false
	}
	var differ, upper byte
	for i, c := range packet[at : at+len(root)] {
		differ |= c | fold[i] ^ root[i]
		upper |= c ^ root[i]
	}
	q.end, q.lower = at+len(root)+fieldsSize, upper == 0
	return differ == 0
}

// presentation appends a name of a packet in presentation format, as miekg/dns has it but in lower case.
func presentation(dst, name []byte) []byte {
	for name[0] != 0 {
		label := name[1 : 1+int(name[0])]
		for _, c := range label {
			switch {
			case 'A' <= c && c <= 'Z':
				dst = append(dst, c|0x20)
			case c < ' ' || c > '~':
				dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			case special[c]:
				dst = append(dst, '\\', c)
			default:
				dst = append(dst, c)
			}
		}
		dst = append(dst, '.')
		name = name[1+len(label):]
	}
	return dst
}

// special are the printable characters that need an escape.
var special = func() (table [128]bool) {
	for _, c := range `. '@;()"\` {
		table[c] = true
	}
	return table
}()
