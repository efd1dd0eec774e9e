package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The good file that each bad file is one mutation away from. Serials differ, so that each finds its zone.
var (
	goodZones = []Zone{
		{
			Name:   "2.0.192.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("192.0.2.0/24"),
			Serial: 101,
			TTL:    3600,
			SOA:    SOA{"ns1.example.net.", "hostmaster.example.net.", 3601, 901, 1209601, 301},
			NS:     []string{"ns1.example.net.", "ns2.example.net."},
		},
		{
			Name:   "64-26.100.51.198.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("198.51.100.64/26"),
			Serial: 102,
			SOA:    SOA{Primary: "ns1.example.org.", Contact: "hostmaster.example.org."},
			NS:     []string{"ns3.example.org."},
		},
		{ // without entries
			Name:   "128-25.100.51.198.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("198.51.100.128/25"),
			Serial: 105,
			SOA:    SOA{Primary: "a.example.", Contact: "b.example."},
			NS:     []string{"ns6.example.org."},
		},
		{
			Name:     "113.0.203.in-addr.arpa.",
			Prefix:   netip.MustParsePrefix("203.0.113.0/24"),
			Serial:   103,
			SOA:      SOA{Primary: "a.example.", Contact: "b.example."},
			NS:       []string{"ns4.example.org."},
			Fallback: "{d}.example.com.",
		},
		{
			Name:     "8.b.d.0.1.0.0.2.ip6.arpa.",
			Prefix:   netip.MustParsePrefix("2001:db8::/32"),
			Serial:   104,
			SOA:      SOA{Primary: "a.example.", Contact: "b.example."},
			NS:       []string{"ns5.example.org."},
			Fallback: "{ip}.example.com.",
		},
	}
	goodEntries = []entry{
		{"192.0.2.10", Explicit, 3600, []string{"mail.acme.example."}},
		{"192.0.2.20", Default, 3602, []string{"server1.example.com."}},
		{"198.51.100.65", Default, 3603, []string{"server2.example.com."}},
		{"203.0.113.7", Default, 3604, []string{"server3.example.com."}},
		{"2001:db8::25", Explicit, 300, []string{"a.acme.example.", "b.acme.example."}},
		{"2001:db8:1::1", Explicit, 301, []string{"c.acme.example."}},
	}
)

const (
	classless  = "\x1e64-26.100.51.198.in-addr.arpa."
	fallback4  = "\x10\x00{d}.example.com."
	noFallback = "ns6.example.org.\x00\x00"
	fallback6  = "\x11\x00{ip}.example.com."
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
			panic("the old value is there not once but " + string(rune('0'+n)) + " times: " + old)
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

// prefixed is the part of a zone's record between apex and TTL.
func prefixed(prefix string, serial uint32) string {
	p := netip.MustParsePrefix(prefix)
	family := byte(6)
	if p.Addr().Is4() {
		family = 4
	}
	return string(append([]byte{family, byte(p.Bits())}, p.Addr().AsSlice()...)) + u32(serial)
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
	{"section missing", mutation{sections: func(s []section) []section { return s[:6] }}, ErrFormat,
		"6 sections, there are at least 7"},
	{"no sections", mutation{sections: func(s []section) []section { return nil }}, ErrFormat,
		"0 sections, there are at least 7"},
	{"section of no minor version", mutation{sections: func(s []section) []section {
		return append(s, section{id: 8})
	}}, ErrFormat, "section 8 is not known in version 1.0"},
	{"section id", put(table(3), u32(9)), ErrFormat, "section 9 where 3 belongs"},
	{"reserved in the table", put(table(2)+4, u32(1)), ErrFormat, "section table at byte 88: reserved bytes"},
	{"section too late", put(table(2)+8, u64(248)), ErrFormat, "section 2 is at byte 248, not at 240"},
	{"section too early", put(table(2)+8, u64(232)), ErrFormat, "section 2 is at byte 232, not at 240"},
	{"section unaligned", put(table(1)+8, u64(233)), ErrFormat, "section 1 is at byte 233, not at 232"},
	{"section at a huge offset", put(table(7)+8, u64(math.MaxUint64)), ErrFormat, "at byte 18446744073709551615"},
	{"section of huge length", put(table(7)+16, u64(math.MaxUint64)), ErrFormat, "reaches beyond the end"},
	{"last section too long", put(table(7)+16, u64(uint64(goodRRsets)+1)), ErrFormat, "reaches beyond the end"},
	{"last section too short", put(table(7)+16, u64(uint64(goodRRsets)-1)), ErrFormat, "goes on after its last"},
	{"padding", mutation{file: func(f []byte) []byte {
		f[232+len(text("commit"))] = 1 // after section 1
		return f
	}}, ErrFormat, "padding before section 2 is not zero"},

	// Section 1, meta.
	{"meta empty", resize(sectionMeta, -7), ErrFormat, "meta at byte 232: the section ends too early"},
	{"commit too long", resize(sectionMeta, -1), ErrFormat, "meta at byte 233: the section ends too early"},
	{"commit with a space", replace(sectionMeta, "commit", "comm t"), ErrFormat, "0x20 is not printable"},
	{"commit with DEL", replace(sectionMeta, "commit", "comm\x7ft"), ErrFormat, "0x7f is not printable"},
	{"meta goes on", resize(sectionMeta, 1), ErrFormat, "meta at byte 239: 1 bytes too many"},

	// Section 2, zones.
	{"zones empty", mutation{sections: func(s []section) []section { s[1].data = nil; return s }}, ErrFormat,
		"zones at byte 240: the section ends too early"},
	{"more zones than fit", write(sectionZones, 0, u32(math.MaxUint32)), ErrFormat, "4294967295 zones do not fit"},
	{"one zone more", write(sectionZones, 0, u32(6)), ErrFormat, "the section ends too early"},
	{"one zone less", write(sectionZones, 0, u32(4)), ErrFormat, "bytes too many"},
	{"zone cut", resize(sectionZones, -1), ErrFormat, "the section ends too early"},
	{"zone cut in its text", mutation{sections: func(s []section) []section {
		s[1].data = s[1].data[:bytes.Index(s[1].data, []byte("64-26"))+3]
		return s
	}}, ErrFormat, "the section ends too early"},
	{"apex", replace(sectionZones, "2.0.192.in", "2.0.192.In"), ErrFormat, `apex "2.0.192.In-addr.arpa.": `},
	{"zones out of order", replace(sectionZones, classless, text("1.100.51.198.in-addr.arpa.")), ErrFormat,
		"zone 1.100.51.198.in-addr.arpa. after 2.0.192.in-addr.arpa.: not in order"},
	{"zone twice", replace(sectionZones, classless, text("2.0.192.in-addr.arpa.")), ErrFormat, "not in order"},
	{"family", replace(sectionZones, prefixed("192.0.2.0/24", 101), "\x05"+prefixed("192.0.2.0/24", 101)[1:]), ErrFormat,
		"no prefix of 24 bits in address family 5"},
	{"IPv4 prefix length", replace(sectionZones, "\x04\x1a\xc6", "\x04\x21\xc6"), ErrFormat,
		"no prefix of 33 bits in address family 4"},
	{"IPv6 prefix length", replace(sectionZones, "\x06\x20\x20", "\x06\x81\x20"), ErrFormat,
		"no prefix of 129 bits in address family 6"},
	{"prefix IPv4-mapped", replace(sectionZones, prefixed("2001:db8::/32", 104), prefixed("::ffff:0:0/96", 104)), ErrFormat,
		"IPv4-mapped"},
	{"prefix with host bits", replace(sectionZones, prefixed("192.0.2.0/24", 101), prefixed("192.0.2.1/24", 101)), ErrFormat,
		"bits are set after the prefix length"},
	{"IPv4 prefix inside an octet", replace(sectionZones, prefixed("192.0.2.0/24", 101), prefixed("192.0.2.0/23", 101)),
		ErrFormat, "does not end at an octet"},
	{"IPv6 prefix inside a nibble", replace(sectionZones, prefixed("2001:db8::/32", 104), prefixed("2001:db8::/33", 104)),
		ErrFormat, "does not end at a nibble"},
	{"IPv4 apex of another prefix", replace(sectionZones, prefixed("192.0.2.0/24", 101), prefixed("192.0.3.0/24", 101)),
		ErrFormat, "its apex is 3.0.192.in-addr.arpa."},
	{"IPv6 apex of another prefix", replace(sectionZones, prefixed("2001:db8::/32", 104), prefixed("2001:db8::/36", 104)),
		ErrFormat, "its apex is 0.8.b.d.0.1.0.0.2.ip6.arpa."},
	{"classless apex too long", replace(sectionZones, classless,
		text("3."+strings.Repeat("x.", 124)+"a")), ErrFormat, "does not end with a dot"},
	{"classless apex without room for an octet", replace(sectionZones, classless,
		text("3.xx."+strings.Repeat("x.", 123))), ErrFormat, "more than 250 bytes"},
	{"TTL", replace(sectionZones, u32(3600), u32(1<<31)), ErrFormat, "TTL 2147483648 of 2.0.192.in-addr.arpa."},
	{"refresh", replace(sectionZones, u32(3601), u32(1<<31)), ErrFormat, "SOA refresh 2147483648"},
	{"retry", replace(sectionZones, u32(901), u32(1<<31)), ErrFormat, "SOA retry 2147483648"},
	{"expire", replace(sectionZones, u32(1209601), u32(1<<31)), ErrFormat, "SOA expire 2147483648"},
	{"minimum", replace(sectionZones, u32(301), u32(math.MaxUint32)), ErrFormat, "SOA minimum 4294967295"},
	{"primary", replace(sectionZones, "ns1.example.org.", "ns1 example.org."), ErrFormat, "SOA primary"},
	{"contact", replace(sectionZones, text("hostmaster.example.org."), text("")), ErrFormat, "SOA contact"},
	{"no name server", replace(sectionZones, "\x01"+text("ns3.example.org."), "\x00"), ErrFormat,
		"name servers of 64-26.100.51.198.in-addr.arpa.: there is none"},
	{"name server", replace(sectionZones, "ns3.example.org.", "ns3.example.org\x00"), ErrFormat,
		"name servers of 64-26.100.51.198.in-addr.arpa."},
	{"name servers out of order", replace(sectionZones, "\x02"+text("ns1.example.net."), "\x02"+text("ns9.example.net.")),
		ErrFormat, `"ns2.example.net." after "ns9.example.net.": not in order`},
	{"name server twice", replace(sectionZones, "\x02"+text("ns1.example.net."), "\x02"+text("ns2.example.net.")),
		ErrFormat, "not in order"},
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
	{"prefixes overlap", replace(sectionZones, prefixed("198.51.100.64/26", 102), prefixed("192.0.2.64/26", 102)), ErrFormat,
		"(192.0.2.0/24) and 64-26.100.51.198.in-addr.arpa. (192.0.2.64/26) overlap"},
	{"prefix twice", replace(sectionZones, prefixed("198.51.100.64/26", 102), prefixed("192.0.2.0/26", 102)), ErrFormat,
		"overlap"},
	{"first entry", replace(sectionZones, fallback4+u32(3), fallback4+u32(2)), ErrFormat,
		"entries of zone 113.0.203.in-addr.arpa. start at index 2, not at 3"},
	{"first entry huge", replace(sectionZones, fallback4+u32(3), fallback4+u32(math.MaxUint32)), ErrFormat,
		"no 1 entries at index 4294967295"},
	{"first entry of an empty zone", replace(sectionZones, noFallback+u32(3), noFallback+u32(2)), ErrFormat,
		"entries of zone 128-25.100.51.198.in-addr.arpa. start at index 2, not at 3"},
	{"count too large", replace(sectionZones, fallback4+u32(3)+u32(1), fallback4+u32(3)+u32(2)), ErrFormat,
		"zone 113.0.203.in-addr.arpa. has 2 entries, there are 1 left"},
	{"count huge", replace(sectionZones, fallback6+u32(0)+u32(2), fallback6+u32(0)+u32(math.MaxUint32)), ErrFormat,
		"no 4294967295 entries at index 0"},
	{"count of IPv4 too small", replace(sectionZones, fallback4+u32(3)+u32(1), fallback4+u32(3)+u32(0)), ErrFormat,
		"203.0.113.7 lies in no zone"},
	{"count of IPv6 too small", replace(sectionZones, fallback6+u32(0)+u32(2), fallback6+u32(0)+u32(1)), ErrFormat,
		"2001:db8:1::1 lies in no zone"},
	{"first IPv4 address outside", write(sectionAddrs4, 0, addr4Bytes("192.0.1.255")), ErrFormat,
		"entry 0 of zone 2.0.192.in-addr.arpa. is 192.0.1.255, outside 192.0.2.0/24"},
	{"last IPv4 address outside", write(sectionAddrs4, 4, addr4Bytes("192.0.3.0")), ErrFormat,
		"entry 1 of zone 2.0.192.in-addr.arpa. is 192.0.3.0, outside 192.0.2.0/24"},
	{"last IPv6 address outside", write(sectionAddrs6, -16, addr6Bytes("2001:db9::")), ErrFormat,
		"entry 1 of zone 8.b.d.0.1.0.0.2.ip6.arpa. is 2001:db9::, outside 2001:db8::/32"},

	// Sections 3 to 6, addresses and offsets.
	{"IPv4 address cut", resize(sectionAddrs4, -1), ErrFormat, "15 bytes are no multiple of 4"},
	{"IPv4 address without offset", resize(sectionOffsets4, -4), ErrFormat, "12 bytes for 4 addresses"},
	{"IPv4 offset without address", resize(sectionOffsets4, 4), ErrFormat, "20 bytes for 4 addresses"},
	{"IPv4 offset cut", resize(sectionOffsets4, -1), ErrFormat, "15 bytes for 4 addresses"},
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
	{"first IPv4 offset", write(sectionOffsets4, 0, u32(1)), ErrFormat, "offset 1, the next RRset starts at 0"},
	{"RRset skipped", write(sectionOffsets4, 4, u32(52)), ErrFormat, "offset 52, the next RRset starts at 25"},
	{"RRset shared", write(sectionOffsets4, 4, u32(0)), ErrFormat, "offset 0, the next RRset starts at 25"},
	{"first IPv6 offset", write(sectionOffsets6, 0, u32(0)), ErrFormat, "IPv6 offsets at byte"},
	{"offset huge", write(sectionOffsets6, 4, u32(math.MaxUint32)), ErrFormat, "offset 4294967295"},

	// Section 7, RRsets.
	{"RRsets empty", mutation{sections: func(s []section) []section { s[6].data = nil; return s }}, ErrFormat,
		"RRset ends beyond the end"},
	{"RRset cut in its header", mutation{sections: func(s []section) []section {
		s[6].data = s[6].data[:goodRRsets-len(text("c.acme.example."))-1]
		return s
	}}, ErrFormat, "RRset ends beyond the end"},
	{"RRset cut before a name", mutation{sections: func(s []section) []section {
		s[6].data = s[6].data[:goodRRsets-len(text("c.acme.example."))]
		return s
	}}, ErrFormat, "name ends beyond the end"},
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
}

// goodSize and goodRRsets are the sizes of the good file and of its last section.
const (
	goodSize   = 1118
	goodRRsets = 166
)

// flip returns a mutation's function that flips a bit of the file.
func flip(at int) func([]byte) []byte {
	return func(f []byte) []byte {
		f[at] ^= 0x10
		return f
	}
}

func goodBuilder(tb testing.TB) *Builder { return build(tb, "commit", goodZones, goodEntries) }

// fixed makes the checksum of a file fit.
func fixed(file []byte) []byte {
	sum := checksum(file)
	copy(file[checksumOffset:], sum[:])
	return file
}

func (m mutation) apply(tb testing.TB) []byte {
	sections := goodBuilder(tb).sections()
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
	if n := len(goodBuilder(t).sections()[sectionRRsets-1].data); len(good) != goodSize || n != goodRRsets {
		t.Fatalf("the good file has %d bytes, %d of them RRsets: correct the constants", len(good), n)
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
		file := encoded(t, build(t, "1234567", goodZones[:1], nil)) // the last five sections are empty
		s := build(t, "1234567", goodZones[:1], nil).sections()[sectionZones-1]
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
		s := append(goodBuilder(t).sections(), section{id: 9}, section{id: 9})
		if _, err := encode(&b, Minor+1, s); err != nil {
			t.Fatal(err)
		}
		_, err := OpenBytes(b.Bytes())
		if want := "section 9 after section 9"; !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
}
