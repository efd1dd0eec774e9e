package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The good file that each bad file is one mutation away from. Serials and the last name servers differ, so that each
// finds its zone.
var (
	goodZones = []Zone{
		{
			Kind:   Reverse,
			Name:   "2.0.192.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("192.0.2.0/24"),
			Serial: 101,
			TTL:    3600,
			SOA:    SOA{"ns1.example.net.", "hostmaster.example.net.", 3601, 901, 1209601, 301},
			NS:     []string{"ns1.example.net.", "ns2.example.net."},
			Delegations: []Delegation{
				{
					Prefix: netip.MustParsePrefix("192.0.2.64/28"),
					Name:   "rev.acme.example.",
				},
				{
					Prefix: netip.MustParsePrefix("192.0.2.96/32"),
					Name:   "96.2.0.192.in-addr.arpa.",
					NS:     []string{"ns1.acme.example."},
				},
				{
					Prefix: netip.MustParsePrefix("192.0.2.128/26"),
					Name:   "128-26.2.0.192.in-addr.arpa.",
					NS:     []string{"128-26.2.0.192.in-addr.arpa.", "ns2.acme.example.", "x.128-26.2.0.192.in-addr.arpa."},
					DS:     []DS{{258, 13, 2, "digest 1"}, {259, 13, 2, "digest 2"}},
					Glue: []Glue{
						{"128-26.2.0.192.in-addr.arpa.", netip.MustParseAddr("192.0.2.53")},
						{"x.128-26.2.0.192.in-addr.arpa.", netip.MustParseAddr("2001:db8::53")},
					},
				},
			},
		},
		{ // inside the one above
			Kind:   Reverse,
			Name:   "128-26.2.0.192.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("192.0.2.128/26"),
			Serial: 106,
			SOA:    SOA{Primary: "a.example.", Contact: "b.example."},
			NS:     []string{"ns7.example.org."},
		},
		{
			Kind:   Reverse,
			Name:   "64-26.100.51.198.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("198.51.100.64/26"),
			Serial: 102,
			SOA:    SOA{Primary: "ns1.example.org.", Contact: "hostmaster.example.org."},
			NS:     []string{"ns3.example.org."},
			Delegations: []Delegation{{
				Prefix: netip.MustParsePrefix("198.51.100.96/32"),
				Name:   "96.64-26.100.51.198.in-addr.arpa.",
				NS:     []string{"ns3.acme.example."},
			}},
		},
		{ // without entries
			Kind:   Reverse,
			Name:   "128-25.100.51.198.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("198.51.100.128/25"),
			Serial: 105,
			SOA:    SOA{Primary: "a.example.", Contact: "b.example."},
			NS:     []string{"ns6.example.org."},
		},
		{
			Kind:     Reverse,
			Name:     "113.0.203.in-addr.arpa.",
			Prefix:   netip.MustParsePrefix("203.0.113.0/24"),
			Serial:   103,
			SOA:      SOA{Primary: "a.example.", Contact: "b.example."},
			NS:       []string{"ns4.example.org."},
			Fallback: "{d}.example.com.",
		},
		{
			Kind:     Reverse,
			Name:     "8.b.d.0.1.0.0.2.ip6.arpa.",
			Prefix:   netip.MustParsePrefix("2001:db8::/32"),
			Serial:   104,
			SOA:      SOA{Primary: "a.example.", Contact: "b.example."},
			NS:       []string{"ns5.example.org."},
			Fallback: "{ip}.example.com.",
			Delegations: []Delegation{{
				Prefix: netip.MustParsePrefix("2001:db8:f00::/48"),
				Name:   "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa.",
				NS:     []string{"ns4.acme.example."},
			}},
		},
		{
			Kind:   Forward,
			Name:   "server.example.",
			Serial: 107,
			SOA:    SOA{Primary: "a.example.", Contact: "b.example."},
			NS:     []string{"ns8.example.org."},
		},
		{
			Kind:   Forward,
			Name:   "vps.example.",
			Serial: 108,
			SOA:    SOA{Primary: "a.example.", Contact: "b.example."},
			NS:     []string{"ns9.example.org."},
		},
		{
			Kind:   Catalog,
			Name:   "catalog.example.",
			Serial: 109,
			SOA:    SOA{Primary: "a.example.", Contact: "b.example."},
			NS:     []string{"invalid."},
		},
	}
	goodEntries = []entry{
		{"192.0.2.10", Explicit, 3600, []string{"mail.acme.example."}},
		{"192.0.2.20", Default, 3602, []string{"server1.example.com."}},
		{"192.0.2.130", Explicit, 3606, []string{"d.acme.example."}},
		{"198.51.100.65", Default, 3603, []string{"server2.example.com."}},
		{"203.0.113.7", Default, 3604, []string{"server3.example.com."}},
		{"2001:db8::25", Explicit, 300, []string{"a.acme.example.", "b.acme.example."}},
		{"2001:db8:1::1", Explicit, 301, []string{"c.acme.example."}},
	}
	goodHosts = []testHost{
		{"server.example.", []string{"192.0.2.1"}},
		{"vps.example.", []string{"192.0.2.2"}},
		{"web.vps.example.", []string{"192.0.2.20", "192.0.2.21", "2001:db8::20", "2001:db8::21"}},
		{"mail.web.vps.example.", []string{"2001:db8::22"}},
		{"web2.vps.example.", []string{"192.0.2.22"}},
	}
)

const (
	nested    = "\x1c128-26.2.0.192.in-addr.arpa.\x01"
	classless = "\x1e64-26.100.51.198.in-addr.arpa.\x01"
	fallback4 = "\x10\x00{d}.example.com."
	fallback6 = "\x11\x00{ip}.example.com."
)

// A mutation makes a bad file from the good one. Exactly one of its fields is set.
type mutation struct {
	sections func(s []section) []section // before the sections are laid out
	file     func(f []byte) []byte       // before the checksum is made to fit
	damage   func(f []byte) []byte       // as the last thing
}

// replace replaces what is in a section, once, by something else.
func replace(id int, old, new string) mutation {
	return mutation{sections: func(s []section) []section {
		if n := bytes.Count(s[id-1].data, []byte(old)); n != 1 {
			panic("the old value is there not once but " + strconv.Itoa(n) + " times: " + old)
		}
		s[id-1].data = bytes.Replace(s[id-1].data, []byte(old), []byte(new), 1)
		return s
	}}
}

// write writes over the bytes of a section, from index at on; from the end if at is negative.
func write(id, at int, new string) mutation {
	return mutation{sections: func(s []section) []section {
		b := bytes.Clone(s[id-1].data)
		if at < 0 {
			at += len(b)
		}
		copy(b[at:at+len(new)], new)
		s[id-1].data = b
		return s
	}}
}

// resize adds n zero bytes to the end of a section, or takes -n away.
func resize(id, n int) mutation {
	return mutation{sections: func(s []section) []section {
		b := append(bytes.Clone(s[id-1].data), make([]byte, max(n, 0))...)
		s[id-1].data = b[:len(b)+min(n, 0)]
		return s
	}}
}

// empty takes all bytes of a section away.
func empty(id int) mutation {
	return mutation{sections: func(s []section) []section {
		s[id-1].data = nil
		return s
	}}
}

// both does two things that make one mistake.
func both(m, n mutation) mutation {
	return mutation{sections: func(s []section) []section { return n.sections(m.sections(s)) }}
}

// put writes over the bytes of the file, from offset at on.
func put(at int, new string) mutation {
	return mutation{file: func(f []byte) []byte {
		copy(f[at:at+len(new)], new)
		return f
	}}
}

// table returns the offset in the file of a section's entry in the table.
func table(id int) int { return headerSize + tableEntrySize*(id-1) }

func u16(n uint16) string { return string(binary.LittleEndian.AppendUint16(nil, n)) }
func u32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }
func u64(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

func text(s string) string { return string(appendText8(nil, s)) }

// address and prefix return what the zones section has of them.
func address(s string) string { return string(appendAddr(nil, netip.MustParseAddr(s))) }
func prefix(s string) string  { return string(appendPrefix(nil, netip.MustParsePrefix(s))) }

// newPrefix replaces the prefix of the zone with the given last name server.
func newPrefix(ns, old, new string) mutation {
	return replace(sectionZones, text(ns)+prefix(old), text(ns)+prefix(new))
}

// child returns how a delegation begins.
func child(p, name string) string { return prefix(p) + text(name) }

// Delegations of the good file.
var (
	elsewhere = child("192.0.2.64/28", "rev.acme.example.")
	cut4      = child("192.0.2.96/32", "96.2.0.192.in-addr.arpa.")
	single    = child("198.51.100.96/32", "96.64-26.100.51.198.in-addr.arpa.")
	cut6      = child("2001:db8:f00::/48", "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa.")
)

// newChild replaces prefix and name of a delegation.
func newChild(old, p, name string) mutation { return replace(sectionZones, old, child(p, name)) }

// newGlue replaces the second address of glue.
func newGlue(name, addr string) mutation {
	return replace(sectionZones, text("x.128-26.2.0.192.in-addr.arpa.")+address("2001:db8::53"), text(name)+address(addr))
}

func addr4Bytes(s string) string { return u32(uint32(key4(netip.MustParseAddr(s)))) }

func addr6Bytes(s string) string {
	k := key6(netip.MustParseAddr(s))
	return u64(k.high) + u64(k.low)
}

var badFiles = []struct {
	name     string
	mutation mutation
	err      error
	message  string
}{
	// The header.
	{"empty", mutation{damage: func(f []byte) []byte { return nil }}, ErrFormat, "0 bytes, a header has 64"},
	{"shorter than a header", mutation{damage: func(f []byte) []byte { return f[:63] }}, ErrFormat, "63 bytes"},
	{"magic, first byte", put(0, "\x09"), ErrFormat, "does not start as snapshots do"},
	{"magic, line feed", put(7, "\r"), ErrFormat, "does not start as snapshots do"},
	{"newer major version", put(8, u16(2)), ErrVersion, "the file is version 2.0, this program reads 1.x"},
	{"older major version", put(8, u16(0)), ErrVersion, "the file is version 0.0"},
	{"length one more", put(16, u64(goodSize+1)), ErrFormat, "the header says"},
	{"length huge", put(16, u64(math.MaxUint64)), ErrFormat, "the header says 18446744073709551615 bytes"},
	{"last byte missing", mutation{damage: func(f []byte) []byte { return f[:len(f)-1] }}, ErrFormat, "truncated"},
	{"one more byte", mutation{damage: func(f []byte) []byte { return append(f, 0) }}, ErrFormat, "the header says"},
	{"checksum", mutation{damage: flip(checksumOffset)}, ErrChecksum, "changed or damaged"},
	{"damage in the header", mutation{damage: flip(10)}, ErrChecksum, "changed or damaged"},
	{"damage after the header", mutation{damage: flip(headerSize)}, ErrChecksum, "changed or damaged"},
	{"damage at the end", mutation{damage: flip(goodSize - 1)}, ErrChecksum, "changed or damaged"},
	{"reserved, first byte", put(24, "\x01"), ErrFormat, "header at byte 24: reserved bytes are not zero"},
	{"reserved, last byte", put(31, "\x80"), ErrFormat, "header at byte 24: reserved bytes are not zero"},

	// The section table.
	{"sections beyond the file", put(12, u32(math.MaxUint32)), ErrFormat, "4294967295 sections do not fit"},
	{"section missing", mutation{sections: func(s []section) []section { return s[:8] }}, ErrFormat,
		"8 sections, there are at least 9"},
	{"no sections", mutation{sections: func(s []section) []section { return nil }}, ErrFormat,
		"0 sections, there are at least 9"},
	{"section of no minor version", mutation{sections: func(s []section) []section {
		return append(s, section{id: 10})
	}}, ErrFormat, "section 10 is not known in version 1.0"},
	{"section id", put(table(3), u32(9)), ErrFormat, "section 9 where 3 belongs"},
	{"reserved in the table", put(table(2)+4, u32(1)), ErrFormat, "section table at byte 88: reserved bytes"},
	{"section too late", put(table(2)+8, u64(296)), ErrFormat, "section 2 is at byte 296, not at 288"},
	{"section too early", put(table(2)+8, u64(280)), ErrFormat, "section 2 is at byte 280, not at 288"},
	{"section unaligned", put(table(1)+8, u64(281)), ErrFormat, "section 1 is at byte 281, not at 280"},
	{"section at a huge offset", put(table(sectionLast)+8, u64(math.MaxUint64)), ErrFormat,
		"at byte 18446744073709551615"},
	{"section of huge length", put(table(sectionLast)+16, u64(math.MaxUint64)), ErrFormat, "reaches beyond the end"},
	{"last section too long", put(table(sectionLast)+16, u64(uint64(goodHostsSize)+1)), ErrFormat,
		"reaches beyond the end"},
	{"last section too short", put(table(sectionLast)+16, u64(uint64(goodHostsSize)-1)), ErrFormat,
		"goes on after its last"},
	{"padding", mutation{file: func(f []byte) []byte {
		f[280+len(text("commit"))] = 1 // after section 1
		return f
	}}, ErrFormat, "padding before section 2 is not zero"},

	// Section 1, meta.
	{"meta empty", resize(sectionMeta, -7), ErrFormat, "meta at byte 280: the section ends too early"},
	{"commit too long", resize(sectionMeta, -1), ErrFormat, "meta at byte 281: the section ends too early"},
	{"commit with a space", replace(sectionMeta, "commit", "comm t"), ErrFormat, "0x20 is not printable"},
	{"commit with DEL", replace(sectionMeta, "commit", "comm\x7ft"), ErrFormat, "0x7f is not printable"},
	{"meta goes on", resize(sectionMeta, 1), ErrFormat, "meta at byte 287: 1 bytes too many"},

	// Section 2, zones.
	{"zones empty", empty(sectionZones), ErrFormat, "zones at byte 288: the section ends too early"},
	{"more zones than fit", write(sectionZones, 0, u32(math.MaxUint32)), ErrFormat, "4294967295 zones do not fit"},
	{"one zone more", write(sectionZones, 0, u32(10)), ErrFormat, "the section ends too early"},
	{"one zone less", write(sectionZones, 0, u32(8)), ErrFormat, "bytes too many"},
	{"zone cut", resize(sectionZones, -1), ErrFormat, "the section ends too early"},
	{"zone cut in its text", mutation{sections: func(s []section) []section {
		s[1].data = s[1].data[:bytes.Index(s[1].data, []byte("64-26"))+3]
		return s
	}}, ErrFormat, "the section ends too early"},
	{"apex", replace(sectionZones, "\x152.0.192.in", "\x152.0.192.In"), ErrFormat, `apex "2.0.192.In-addr.arpa.": `},
	{"zones out of order", replace(sectionZones, text("server.example.")+"\x02", text("a.example.")+"\x02"), ErrFormat,
		"zone a.example. after catalog.example.: not in order"},
	{"zone twice", replace(sectionZones, text("vps.example."), text("server.example.")), ErrFormat,
		"zone server.example. after server.example.: not in order"},
	{"zone of kind 0", replace(sectionZones, classless, classless[:31]+"\x00"), ErrFormat, "unknown kind 0"},
	{"zone of kind 4", replace(sectionZones, text("catalog.example.")+"\x03", text("catalog.example.")+"\x04"), ErrFormat,
		"unknown kind 4"},
	{"TTL", replace(sectionZones, u32(3600), u32(1<<31)), ErrFormat, "TTL 2147483648 of 2.0.192.in-addr.arpa."},
	{"primary", replace(sectionZones, "ns1.example.org.", "ns1 example.org."), ErrFormat, "SOA primary"},
	{"contact", replace(sectionZones, text("hostmaster.example.org."), text("")), ErrFormat, "SOA contact"},
	{"refresh", replace(sectionZones, u32(3601), u32(1<<31)), ErrFormat, "SOA refresh 2147483648"},
	{"retry", replace(sectionZones, u32(901), u32(1<<31)), ErrFormat, "SOA retry 2147483648"},
	{"expire", replace(sectionZones, u32(1209601), u32(1<<31)), ErrFormat, "SOA expire 2147483648"},
	{"minimum", replace(sectionZones, u32(301), u32(math.MaxUint32)), ErrFormat, "SOA minimum 4294967295"},
	{"no name server", replace(sectionZones, "\x01"+text("ns3.example.org."), "\x00"), ErrFormat,
		"name servers of 64-26.100.51.198.in-addr.arpa.: there is none"},
	{"name server", replace(sectionZones, "ns3.example.org.", "ns3.example.org\x00"), ErrFormat,
		"name servers of 64-26.100.51.198.in-addr.arpa."},
	{"name servers out of order", replace(sectionZones, "\x02"+text("ns1.example.net."), "\x02"+text("ns9.example.net.")),
		ErrFormat, `"ns2.example.net." after "ns9.example.net.": not in order`},
	{"name server twice", replace(sectionZones, "\x02"+text("ns1.example.net."), "\x02"+text("ns2.example.net.")),
		ErrFormat, "not in order"},
	{"name server of a catalog", replace(sectionZones, "\x08invalid.", "\x08a.valid."), ErrFormat,
		"zone catalog.example.: the name server of a catalog is invalid."},
	{"family", replace(sectionZones, "ns2.example.net.\x04", "ns2.example.net.\x05"), ErrFormat,
		"unknown address family 5"},
	{"IPv4 prefix length", replace(sectionZones, prefix("192.0.2.0/24"), address("192.0.2.0")+"\x21"), ErrFormat,
		"prefix of 33 bits, an address has 32"},
	{"IPv6 prefix length", replace(sectionZones, prefix("2001:db8::/32"), address("2001:db8::")+"\x81"), ErrFormat,
		"prefix of 129 bits, an address has 128"},
	{"prefix IPv4-mapped", newPrefix("ns5.example.org.", "2001:db8::/32", "::ffff:0:0/96"), ErrFormat, "IPv4-mapped"},
	{"prefix with host bits", newPrefix("ns2.example.net.", "192.0.2.0/24", "192.0.2.1/24"), ErrFormat,
		"zone 2.0.192.in-addr.arpa.: prefix 192.0.2.1/24: bits are set after the prefix length"},
	{"IPv4 prefix inside an octet", newPrefix("ns2.example.net.", "192.0.2.0/24", "192.0.2.0/23"), ErrFormat,
		"does not end at an octet"},
	{"IPv6 prefix inside a nibble", newPrefix("ns5.example.org.", "2001:db8::/32", "2001:db8::/33"), ErrFormat,
		"does not end at a nibble"},
	{"IPv4 apex of another prefix", newPrefix("ns2.example.net.", "192.0.2.0/24", "192.0.3.0/24"), ErrFormat,
		"its apex is 3.0.192.in-addr.arpa."},
	{"IPv6 apex of another prefix", newPrefix("ns5.example.org.", "2001:db8::/32", "2001:db8::/36"), ErrFormat,
		"its apex is 0.8.b.d.0.1.0.0.2.ip6.arpa."},
	{"classless apex too long", replace(sectionZones, classless, text("3."+strings.Repeat("x.", 124)+"a")+"\x01"),
		ErrFormat, "does not end with a dot"},
	{"classless apex without room for an octet", replace(sectionZones, classless,
		text("3.xx."+strings.Repeat("x.", 123))+"\x01"), ErrFormat, "more than 250 bytes"},
	{"fallback, syntax", replace(sectionZones, fallback4, "\x10\x00{d{.example.com."), ErrFormat, "fallback"},
	{"fallback, upper case", replace(sectionZones, fallback4, "\x10\x00{d}.Example.com."), ErrFormat, "not canonical"},
	{"fallback, no final dot", replace(sectionZones, fallback4, "\x0f\x00{d}.example.com"), ErrFormat, "not canonical"},
	{"fallback, server", replace(sectionZones, fallback4, "\x15\x00{server}.example.com."), ErrFormat,
		"{server} is not known from the address"},
	{"fallback, variable", replace(sectionZones, fallback4, "\x14\x00{var.x}.example.com."), ErrFormat,
		"{var.x} is not known from the address"},
	{"fallback, octet in IPv6", replace(sectionZones, fallback6, "\x11\x00{d}2.example.com."), ErrFormat, "fallback"},
	{"fallback, too long for the last address", replace(sectionZones, fallback4,
		"\x4c\x00{d}"+strings.Repeat("x", 61)+".example.net"), ErrFormat, "fallback"},
	{"fallback that a forward zone cannot read back", replace(sectionZones, fallback4, "\x10\x00{d}.vps.example."),
		ErrFormat, `fallback "{d}.vps.example." of 113.0.203.in-addr.arpa.: zone vps.example. cannot answer`},
	{"zone in a zone that does not delegate it", newPrefix("ns6.example.org.", "198.51.100.128/25", "203.0.113.128/25"),
		ErrFormat, "prefix 203.0.113.128/25 of 128-25.100.51.198.in-addr.arpa. lies in 203.0.113.0/24 of " +
			"113.0.203.in-addr.arpa., which does not delegate it"},
	{"zone in a zone that delegates some of it", newPrefix("ns7.example.org.", "192.0.2.128/26", "192.0.2.128/25"),
		ErrFormat, "prefix 192.0.2.128/25 of 128-26.2.0.192.in-addr.arpa. lies in"},
	{"prefix twice", newPrefix("ns6.example.org.", "198.51.100.128/25", "198.51.100.64/26"), ErrFormat,
		"prefix 198.51.100.64/26 of 64-26.100.51.198.in-addr.arpa. lies in 198.51.100.64/26"},
	{"zone inside a forward zone", replace(sectionZones, text("vps.example."), text("vps.server.example.")), ErrFormat,
		"zone vps.server.example. lies in server.example., which does not delegate it"},
	{"zone inside a reverse zone, not at a cut", replace(sectionZones, nested,
		text("129-26.2.0.192.in-addr.arpa.")+"\x01"), ErrFormat,
		"zone 129-26.2.0.192.in-addr.arpa. lies in 2.0.192.in-addr.arpa., which does not delegate it"},
	{"catalog inside a forward zone", replace(sectionZones, text("catalog.example."), text("a.vps.example.")), ErrFormat,
		"zone a.vps.example. lies in vps.example., which does not delegate it"},
	{"two catalogs", both(
		replace(sectionZones, text("server.example.")+"\x02", text("server.example.")+"\x03"),
		replace(sectionZones, text("ns8.example.org.")+u32(1), text("invalid.")),
	), ErrFormat, "two catalogs, catalog.example. and server.example."},

	// Delegations, in section 2.
	{"more delegations than fit", replace(sectionZones, prefix("192.0.2.0/24")+"\x00\x00"+u32(3),
		prefix("192.0.2.0/24")+"\x00\x00"+u32(math.MaxUint32)), ErrFormat, "4294967295 delegations do not fit"},
	{"one delegation more", replace(sectionZones, prefix("192.0.2.0/24")+"\x00\x00"+u32(3),
		prefix("192.0.2.0/24")+"\x00\x00"+u32(4)), ErrFormat, "unknown address family 30"},
	{"delegation, family", replace(sectionZones, elsewhere, "\x07"+elsewhere[1:]), ErrFormat, "unknown address family 7"},
	{"delegation, prefix length", replace(sectionZones, elsewhere, elsewhere[:5]+"\x21"+elsewhere[6:]), ErrFormat,
		"prefix of 33 bits, an address has 32"},
	{"delegation, host bits", newChild(elsewhere, "192.0.2.65/28", "rev.acme.example."), ErrFormat,
		"zone 2.0.192.in-addr.arpa.: delegation of 192.0.2.65/28: bits are set after the prefix length"},
	{"delegation IPv4-mapped", newChild(cut6, "::ffff:0:0/96", "f.f.f.f.ip6.arpa."), ErrFormat, "IPv4-mapped"},
	{"delegation outside", newChild(elsewhere, "192.0.3.64/28", "rev.acme.example."), ErrFormat,
		"delegation of 192.0.3.64/28: not a part of 192.0.2.0/24"},
	{"delegation of the zone", newChild(elsewhere, "192.0.2.0/24", "rev.acme.example."), ErrFormat,
		"delegation of 192.0.2.0/24: not a part of 192.0.2.0/24"},
	{"delegation of more than the zone", newChild(elsewhere, "192.0.2.0/23", "rev.acme.example."), ErrFormat,
		"delegation of 192.0.2.0/23: not a part of 192.0.2.0/24"},
	{"delegation of the other family", newChild(elsewhere, "2001:db8::/48", "rev.acme.example."), ErrFormat,
		"delegation of 2001:db8::/48: not a part of 192.0.2.0/24"},
	{"delegations overlap", newChild(cut4, "192.0.2.64/32", "64.2.0.192.in-addr.arpa."), ErrFormat,
		"delegation of 192.0.2.64/32: overlaps that of 192.0.2.64/28"},
	{"delegations out of order", newChild(cut4, "192.0.2.63/32", "63.2.0.192.in-addr.arpa."), ErrFormat,
		"delegation of 192.0.2.63/32 after that of 192.0.2.64/28: not in order"},
	{"child", newChild(elsewhere, "192.0.2.64/28", "rev acme.example."), ErrFormat, `child "rev acme.example.": `},
	{"IPv6 child of another prefix", newChild(cut6, "2001:db8:f00::/48", "1.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa."), ErrFormat,
		"only IPv4 prefixes of more than 24 bits have aliases"},
	{"IPv6 delegation inside a nibble", newChild(cut6, "2001:db8:f00::/47", "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa."),
		ErrFormat, "only IPv4 prefixes of more than 24 bits have aliases"},
	{"alias in a classless zone", newChild(single, "198.51.100.96/32", "x.64-26.100.51.198.in-addr.arpa."), ErrFormat,
		"a classless zone has no aliases"},
	{"two addresses of a classless zone", newChild(single, "198.51.100.96/31", "96.64-26.100.51.198.in-addr.arpa."),
		ErrFormat, "a classless zone has no aliases"},
	{"classless child without room for an octet", newChild(elsewhere, "192.0.2.64/28", "xx."+strings.Repeat("x.", 124)),
		ErrFormat, "more than 250 bytes"},
	{"alias of an address", newChild(elsewhere, "192.0.2.64/28", "64.3.0.192.in-addr.arpa."), ErrFormat,
		"the child is 64.3.0.192.in-addr.arpa., the name of 192.0.3.64/32"},
	{"alias of the zone itself", newChild(elsewhere, "192.0.2.64/28", "2.0.192.in-addr.arpa."), ErrFormat,
		"the child is 2.0.192.in-addr.arpa., the name of 192.0.2.0/24"},
	{"cut without name servers", replace(sectionZones, "\x01"+text("ns1.acme.example."), "\x00"), ErrFormat,
		"no name servers, although 96.2.0.192.in-addr.arpa. lies below the zone"},
	{"name servers of a child elsewhere", replace(sectionZones, elsewhere+"\x00", elsewhere+"\x01"+text("ns.example.")),
		ErrFormat, "name servers, DS or glue, although rev.acme.example. does not lie below the zone"},
	{"DS of a child elsewhere", replace(sectionZones, elsewhere+"\x00\x00", elsewhere+"\x00\x01"+u16(1)+"\x0d\x02\x01x"),
		ErrFormat, "name servers, DS or glue, although"},
	{"glue of a child elsewhere", replace(sectionZones, elsewhere+"\x00\x00\x00",
		elsewhere+"\x00\x00\x01"+text("rev.acme.example.")+address("192.0.2.1")), ErrFormat,
		"name servers, DS or glue, although"},
	{"name server of a child", replace(sectionZones, "ns2.acme.example.", "ns2 acme.example."), ErrFormat,
		`delegation of 192.0.2.128/26: name servers: "ns2 acme.example."`},
	{"name servers of a child out of order", replace(sectionZones, "ns2.acme.example.", "zs2.acme.example."), ErrFormat,
		`"x.128-26.2.0.192.in-addr.arpa." after "zs2.acme.example.": not in order`},
	{"DS without digest", replace(sectionZones, text("digest 1"), text("")), ErrFormat, "DS with a digest of 0 bytes"},
	{"DS out of order", replace(sectionZones, u16(258)+"\x0d\x02", u16(260)+"\x0d\x02"), ErrFormat, "DS are not in order"},
	{"DS twice", replace(sectionZones, u16(259)+"\x0d\x02"+text("digest 2"), u16(258)+"\x0d\x02"+text("digest 1")),
		ErrFormat, "DS are not in order"},
	{"glue for no name server", newGlue("y.128-26.2.0.192.in-addr.arpa.", "2001:db8::53"), ErrFormat,
		`glue for "y.128-26.2.0.192.in-addr.arpa.", which is no name server of the child`},
	{"glue outside the child", newGlue("ns2.acme.example.", "2001:db8::53"), ErrFormat,
		"glue for ns2.acme.example., which does not lie in the child"},
	{"glue, family", replace(sectionZones, "\x06"+address("2001:db8::53")[1:], "\x05"+address("2001:db8::53")[1:]),
		ErrFormat, "unknown address family 5"},
	{"glue IPv4-mapped", newGlue("x.128-26.2.0.192.in-addr.arpa.", "::ffff:192.0.2.53"), ErrFormat,
		"::ffff:192.0.2.53 is not a plain IPv4 or IPv6 address"},
	{"glue out of order", newGlue("128-26.2.0.192.in-addr.arpa.", "192.0.2.52"), ErrFormat, "glue is not in order"},
	{"glue twice", newGlue("128-26.2.0.192.in-addr.arpa.", "192.0.2.53"), ErrFormat, "glue is not in order"},
	{"two cuts of a name", newChild(cut4, "192.0.2.96/32", "128-26.2.0.192.in-addr.arpa."), ErrFormat,
		"delegation of 192.0.2.128/26: the child is 128-26.2.0.192.in-addr.arpa., as that of 192.0.2.96/32"},
	{"cut in another", newChild(cut4, "192.0.2.96/32", "x.y.128-26.2.0.192.in-addr.arpa."), ErrFormat,
		"delegation of 192.0.2.96/32: the child is x.y.128-26.2.0.192.in-addr.arpa., which lies in that of 192.0.2.128/26"},

	// Sections 3 to 6, addresses and offsets.
	{"IPv4 address cut", resize(sectionAddrs4, -1), ErrFormat, "19 bytes are no multiple of 4"},
	{"IPv4 address without offset", resize(sectionOffsets4, -4), ErrFormat, "16 bytes for 5 addresses"},
	{"IPv4 offset without address", resize(sectionOffsets4, 4), ErrFormat, "24 bytes for 5 addresses"},
	{"IPv4 offset cut", resize(sectionOffsets4, -1), ErrFormat, "19 bytes for 5 addresses"},
	{"IPv6 address cut", resize(sectionAddrs6, -8), ErrFormat, "24 bytes are no multiple of 16"},
	{"IPv6 address without offset", resize(sectionOffsets6, -4), ErrFormat, "4 bytes for 2 addresses"},
	{"IPv6 offset cut", resize(sectionOffsets6, 3), ErrFormat, "11 bytes for 2 addresses"},
	{"IPv4 addresses out of order", write(sectionAddrs4, 4, addr4Bytes("192.0.2.9")), ErrFormat,
		"192.0.2.9 after 192.0.2.10: not in order"},
	{"IPv4 address twice", write(sectionAddrs4, 4, addr4Bytes("192.0.2.10")), ErrFormat, "not in order"},
	{"IPv6 addresses out of order, high half", write(sectionAddrs6, 0, addr6Bytes("2001:db8:2::25")), ErrFormat,
		"2001:db8:1::1 after 2001:db8:2::25: not in order"},
	{"IPv6 addresses out of order, low half", write(sectionAddrs6, -16, addr6Bytes("2001:db8::24")), ErrFormat,
		"2001:db8::24 after 2001:db8::25: not in order"},
	{"IPv6 address twice", write(sectionAddrs6, -16, addr6Bytes("2001:db8::25")), ErrFormat, "not in order"},
	{"IPv6 address IPv4-mapped", write(sectionAddrs6, 0, addr6Bytes("::ffff:192.0.2.1")), ErrFormat,
		"::ffff:192.0.2.1 is IPv4-mapped"},
	{"first IPv4 address in no zone", write(sectionAddrs4, 0, addr4Bytes("192.0.1.255")), ErrFormat,
		"192.0.1.255 lies in no zone"},
	{"IPv4 address in no zone", write(sectionAddrs4, 12, addr4Bytes("198.51.100.63")), ErrFormat,
		"198.51.100.63 lies in no zone"},
	{"IPv6 address in no zone", write(sectionAddrs6, -16, addr6Bytes("2001:db9::")), ErrFormat,
		"2001:db9:: lies in no zone"},
	{"IPv4 address delegated", write(sectionAddrs4, 4, addr4Bytes("192.0.2.79")), ErrFormat,
		"192.0.2.79 lies in 192.0.2.64/28, which zone 2.0.192.in-addr.arpa. delegates"},
	{"IPv6 address delegated", write(sectionAddrs6, -16, addr6Bytes("2001:db8:f00::")), ErrFormat,
		"2001:db8:f00:: lies in 2001:db8:f00::/48, which zone 8.b.d.0.1.0.0.2.ip6.arpa. delegates"},
	{"first IPv4 offset", write(sectionOffsets4, 0, u32(1)), ErrFormat, "offset 1, the next RRset starts at 0"},
	{"RRset skipped", write(sectionOffsets4, 4, u32(52)), ErrFormat, "offset 52, the next RRset starts at 25"},
	{"RRset shared", write(sectionOffsets4, 4, u32(0)), ErrFormat, "offset 0, the next RRset starts at 25"},
	{"first IPv6 offset", write(sectionOffsets6, 0, u32(0)), ErrFormat, "IPv6 offsets at byte"},
	{"offset huge", write(sectionOffsets6, 4, u32(math.MaxUint32)), ErrFormat, "offset 4294967295"},

	// Section 7, RRsets.
	{"RRsets empty", empty(sectionRRsets), ErrFormat, "RRset ends beyond the end"},
	{"RRset cut in its header", resize(sectionRRsets, -len(text("c.acme.example."))-1), ErrFormat,
		"RRset ends beyond the end"},
	{"RRset cut before a name", resize(sectionRRsets, -len(text("c.acme.example."))), ErrFormat,
		"name ends beyond the end"},
	{"RRset cut in a name", resize(sectionRRsets, -1), ErrFormat, "name ends beyond the end"},
	{"kind 0", write(sectionRRsets, 0, "\x00"), ErrFormat, "unknown kind 0"},
	{"kind 3", write(sectionRRsets, 0, "\x03"), ErrFormat, "unknown kind 3"},
	{"no names", write(sectionRRsets, 1, "\x00"), ErrFormat, "RRset without names"},
	{"RRset TTL", replace(sectionRRsets, u32(3602), u32(1<<31)), ErrFormat, "TTL 2147483648 is more than 2147483647"},
	{"name", replace(sectionRRsets, "mail.acme.", "mail acme."), ErrFormat, `"mail acme.example.": `},
	{"name empty", replace(sectionRRsets, "\x0fc", "\x00c"), ErrFormat, `"": `},
	{"name without final dot", write(sectionRRsets, -1, "x"), ErrFormat, `"c.acme.examplex": `},
	{"names out of order", replace(sectionRRsets, "a.acme", "c.bcme"), ErrFormat,
		`"b.acme.example." after "c.bcme.example.": not in order`},
	{"name twice", replace(sectionRRsets, "a.acme", "b.acme"), ErrFormat, "not in order"},
	{"bytes after the last RRset", resize(sectionRRsets, 1), ErrFormat, "1 bytes belong to no entry"},

	// Sections 8 and 9, hosts.
	{"host offset cut", resize(sectionHostOffsets, -1), ErrFormat, "19 bytes are no multiple of 4"},
	{"host without offset", resize(sectionHostOffsets, -4), ErrFormat, "zone vps.example. has 4 hosts, there are 3 left"},
	{"host offset without zone", resize(sectionHostOffsets, 4), ErrFormat, "1 hosts are in no zone"},
	{"zone with too many hosts", replace(sectionZones, text("ns8.example.org.")+u32(1), text("ns8.example.org.")+u32(6)),
		ErrFormat, "zone server.example. has 6 hosts, there are 5 left"},
	{"zone with very many hosts", replace(sectionZones, text("ns9.example.org.")+u32(4),
		text("ns9.example.org.")+u32(math.MaxUint32)), ErrFormat, "zone vps.example. has 4294967295 hosts"},
	{"zone with too few hosts", replace(sectionZones, text("ns9.example.org.")+u32(4), text("ns9.example.org.")+u32(3)),
		ErrFormat, "1 hosts are in no zone"},
	{"first host offset", write(sectionHostOffsets, 0, u32(1)), ErrFormat, "offset 1, the next host starts at 0"},
	{"host shared", write(sectionHostOffsets, 4, u32(0)), ErrFormat, "offset 0, the next host starts at 7"},
	{"host offset huge", write(sectionHostOffsets, -4, u32(math.MaxUint32)), ErrFormat, "offset 4294967295"},
	{"hosts empty", empty(sectionHosts), ErrFormat, "host ends beyond the end"},
	{"host cut after its length", resize(sectionHosts, -10), ErrFormat, "host ends beyond the end"},
	{"host cut in its name", resize(sectionHosts, -6), ErrFormat, "host ends beyond the end"},
	{"host cut in an address", resize(sectionHosts, -1), ErrFormat, "host ends beyond the end"},
	{"host without addresses", write(sectionHosts, -6, "\x00"), ErrFormat, "host without addresses"},
	{"host", replace(sectionHosts, text("web2"), text("Web2")), ErrFormat, `"Web2": `},
	{"host with an empty label", replace(sectionHosts, text("mail.web"), text("mail..eb")), ErrFormat, "a label is empty"},
	{"host with a final dot", replace(sectionHosts, text("web2"), text("web.")), ErrFormat, "a label is empty"},
	{"host too long", replace(sectionHosts, text("web2"), text(strings.Repeat("x.", 120)+"xx")), ErrFormat,
		"longer than 254 bytes"},
	{"hosts out of order", replace(sectionHosts, text("web"), text("wec")), ErrFormat,
		`"mail.web" after "wec": not in order`},
	{"host before the one that it lies below", both(
		replace(sectionHosts, text("web"), text("x.y")), replace(sectionHosts, text("mail.web"), text("y")),
	), ErrFormat, `"y" after "x.y": not in order`},
	{"host twice", replace(sectionHosts, text("mail.web"), text("web")), ErrFormat, `"web" after "web": not in order`},
	{"IPv4 addresses of a host out of order", write(sectionHosts, 27, "\x13"), ErrFormat,
		"192.0.2.19 after 192.0.2.20: not in order"},
	{"IPv6 address of a host twice", write(sectionHosts, 59, "\x20"), ErrFormat,
		"2001:db8::20 after 2001:db8::20: not in order"},
	{"IPv6 address of a host IPv4-mapped", replace(sectionHosts, address("2001:db8::22")[1:],
		address("::ffff:192.0.2.22")[1:]),
		ErrFormat, "::ffff:192.0.2.22 is IPv4-mapped"},
	{"bytes after the last host", resize(sectionHosts, 1), ErrFormat, "1 bytes belong to no host"},
}

// goodSize and goodHostsSize are the sizes of the good file and of its last section.
const (
	goodSize      = 2098
	goodHostsSize = 98
)

// flip returns a mutation's function that flips a bit of the file.
func flip(at int) func([]byte) []byte {
	return func(f []byte) []byte {
		f[at] ^= 0x10
		return f
	}
}

func goodBuilder(tb testing.TB) *Builder {
	return build(tb, "commit", goodZones, goodEntries, goodHosts)
}

// fixed makes the checksum of a file fit.
func fixed(file []byte) []byte {
	sum := checksum(file)
	copy(file[checksumOffset:], sum[:])
	return file
}

func (m mutation) apply(tb testing.TB) []byte {
	sections := sectionsOf(tb, goodBuilder(tb))
	if m.sections != nil {
		sections = m.sections(sections)
	}
	var b bytes.Buffer
	if _, err := encode(&b, Minor, sections); err != nil {
		tb.Fatal(err)
	}
	file := b.Bytes()
	if m.file != nil {
		file = fixed(m.file(file))
	}
	if m.damage != nil {
		file = m.damage(file)
	}
	return file
}

// TestBadFiles: each file is a valid one with exactly one mutation, and its error is about that mutation.
func TestBadFiles(t *testing.T) {
	good := mutation{}.apply(t)
	if _, err := OpenBytes(good); err != nil {
		t.Fatalf("the good file: %v", err)
	}
	if n := len(sectionsOf(t, goodBuilder(t))[sectionHosts-1].data); len(good) != goodSize || n != goodHostsSize {
		t.Fatalf("the good file has %d bytes, %d of them hosts: correct the constants", len(good), n)
	}
	names := make(map[string]bool)
	for _, test := range badFiles {
		if names[test.name] {
			t.Errorf("two rows %q", test.name)
		}
		names[test.name] = true
		t.Run(test.name, func(t *testing.T) {
			file := test.mutation.apply(t)
			if slices.Equal(file, good) {
				t.Fatal("the mutation changes nothing")
			}
			r, err := OpenBytes(file)
			if r != nil {
				t.Error("an error came with a Reader")
			}
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error is %v\nwant %v: ... %s", err, test.err, test.message)
			}
			for _, other := range []error{ErrFormat, ErrVersion, ErrChecksum} {
				if other != test.err && errors.Is(err, other) {
					t.Errorf("error %v is also %v", err, other)
				}
			}
		})
	}
}

// TestBadLayout has the bad files that need another valid file to start from.
func TestBadLayout(t *testing.T) {
	t.Run("section would start after the end", func(t *testing.T) {
		file := encoded(t, build(t, "1234567", goodZones[3:4], nil, nil)) // the other sections are empty
		s := sectionsOf(t, build(t, "1234567", goodZones[3:4], nil, nil))[sectionZones-1]
		cut := table(sectionLast+1) + len(text("1234567")) + len(s.data)
		if cut%8 == 0 || cut >= len(file) {
			t.Fatal("the file has no padding at its end")
		}
		file = file[:cut]
		binary.LittleEndian.PutUint64(file[16:], uint64(cut))
		_, err := OpenBytes(fixed(file))
		if want := "section 3 of 0 bytes reaches beyond the end"; !errors.Is(err, ErrFormat) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
	t.Run("new sections out of order", func(t *testing.T) {
		var b bytes.Buffer
		s := append(sectionsOf(t, goodBuilder(t)), section{id: 10}, section{id: 10})
		if _, err := encode(&b, Minor+1, s); err != nil {
			t.Fatal(err)
		}
		_, err := OpenBytes(b.Bytes())
		if want := "section 10 after section 10"; !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
}
