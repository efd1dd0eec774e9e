package snapshot

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the example and the table in docs/snapshot-format.md")

const specification = "../../docs/snapshot-format.md"

// An entry is what a Builder's Add is given.
type entry struct {
	addr  string
	kind  Kind
	ttl   uint32
	names []string
}

// A testHost is what a Builder's AddHost is given.
type testHost struct {
	name  string
	addrs []string
}

var exampleZones = []Zone{
	{
		Kind:   Reverse,
		Name:   "2.0.192.in-addr.arpa.",
		Prefix: netip.MustParsePrefix("192.0.2.0/24"),
		Serial: 2026010101,
		TTL:    3600,
		SOA:    SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
		NS:     []string{"ns1.example.net.", "ns2.example.net."},
		Delegations: []Delegation{{
			Prefix: netip.MustParsePrefix("192.0.2.128/25"),
			Name:   "128-25.2.0.192.in-addr.arpa.",
			NS:     []string{"ns.128-25.2.0.192.in-addr.arpa.", "ns1.acme.example."},
			DS:     []DS{{12345, 13, 2, strings.Repeat("\xd5", 32)}},
			Glue:   []Glue{{"ns.128-25.2.0.192.in-addr.arpa.", netip.MustParseAddr("192.0.2.130")}},
		}},
	},
	{
		Kind:     Reverse,
		Name:     "8.b.d.0.1.0.0.2.ip6.arpa.",
		Prefix:   netip.MustParsePrefix("2001:db8::/32"),
		Serial:   2026010102,
		TTL:      3600,
		SOA:      SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
		NS:       []string{"ns1.example.net."},
		Fallback: "{ip}.v6.example.com.",
	},
	{
		Kind:   Forward,
		Name:   "vps.example.com.",
		Serial: 2026010103,
		TTL:    3600,
		SOA:    SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
		NS:     []string{"ns1.example.net."},
	},
}

var exampleEntries = []entry{
	{"192.0.2.10", Explicit, 3600, []string{"mail.acme.example."}},
	{"192.0.2.20", Default, 3600, []string{"examplaab7.vps.example.com."}},
	{"2001:db8::1:25", Explicit, 300, []string{"mail.acme.example.", "mx.acme.example."}},
}

var exampleHosts = []testHost{
	{"examplaaa1.vps.example.com.", []string{"192.0.2.10", "2001:db8::1:25"}},
	{"examplaab7.vps.example.com.", []string{"192.0.2.20"}},
}

// build returns a Builder of the given content.
func build(tb testing.TB, commit string, zones []Zone, entries []entry, hosts []testHost) *Builder {
	tb.Helper()
	b, err := NewBuilder(commit, zones)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if err := b.Add(netip.MustParseAddr(e.addr), e.kind, e.ttl, e.names); err != nil {
			tb.Fatal(err)
		}
	}
	for _, h := range hosts {
		if err := b.AddHost(h.name, addresses(h.addrs)); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

func addresses(list []string) []netip.Addr {
	addrs := make([]netip.Addr, len(list))
	for i, s := range list {
		addrs[i] = netip.MustParseAddr(s)
	}
	return addrs
}

// sectionsOf returns the sections of a Builder's file.
func sectionsOf(tb testing.TB, b *Builder) []section {
	tb.Helper()
	sections, err := b.sections()
	if err != nil {
		tb.Fatal(err)
	}
	return sections
}

// encoded returns the file of a Builder.
func encoded(tb testing.TB, b *Builder) []byte {
	tb.Helper()
	var file bytes.Buffer
	n, err := b.WriteTo(&file)
	if err != nil {
		tb.Fatal(err)
	}
	if n != int64(file.Len()) {
		tb.Fatalf("WriteTo returned %d for %d bytes", n, file.Len())
	}
	return file.Bytes()
}

func exampleFile(tb testing.TB) []byte {
	return encoded(tb, build(tb, "4f2a9c1", exampleZones, exampleEntries, exampleHosts))
}

// TestExample compares the example of the specification with what the writer makes of it.
func TestExample(t *testing.T) {
	const start, end = "```\n0000 ", "```\n"
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	if !ok {
		t.Fatalf("%s has no block that starts with %q", specification, start)
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%s: the example has no end", specification)
	}
	file := exampleFile(t)
	want := before + "```\n" + dump(file) + end + after
	if *update {
		if err := os.WriteFile(specification, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, expected := strings.Split(string(text), "\n"), strings.Split(want, "\n")
	for i := range min(len(got), len(expected)) {
		if got[i] != expected[i] {
			t.Fatalf("%s:%d: the writer disagrees; go test -run TestExample -update writes it anew\n got %s\nwant %s",
				specification, i+1, got[i], expected[i])
		}
	}
	if len(got) != len(expected) {
		t.Fatalf("%s: the example has %d lines, not %d", specification, len(got), len(expected))
	}
}

// dump explains every byte of a file. It follows the specification and shares no code with the reader, so it also
// shows that the one can be read without the other. It panics on anything but a valid file.
func dump(file []byte) string {
	var out strings.Builder
	pos := 0
	field := func(size int, note string) []byte {
		b := file[pos : pos+size]
		for at := 0; at == 0 || at < size; at += 8 {
			row := b[at:min(at+8, size)]
			line := fmt.Sprintf("%04x  % -25x %s", pos+at, row, note)
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			note = ""
		}
		pos += size
		return b
	}
	number := func(size int, note string) uint64 {
		var le [8]byte
		copy(le[:], file[pos:pos+size])
		n := binary.LittleEndian.Uint64(le[:])
		field(size, fmt.Sprintf("%s: %d", note, n))
		return n
	}
	text := func(note string) {
		size := 1 + int(file[pos])
		field(size, fmt.Sprintf("%s: %s", note, file[pos+1:pos+size]))
	}
	address := func(family int, note string) {
		if family == 4 {
			a := netip.AddrFrom4([4]byte(file[pos:]))
			field(4, fmt.Sprintf("%s: %v", note, a))
		} else {
			a := netip.AddrFrom16([16]byte(file[pos:]))
			field(16, fmt.Sprintf("%s: %v", note, a))
		}
	}
	prefix := func(indent, note string) {
		family := number(1, indent+"address family")
		address(int(family), indent+note)
		number(1, indent+"  length")
	}

	field(8, "magic")
	number(2, "major version")
	number(2, "minor version")
	sections := number(4, "sections")
	number(8, "length of the file")
	field(8, "zero")
	field(32, "checksum")
	for range sections {
		number(4, "section")
		field(4, "zero")
		number(8, "  offset")
		number(8, "  length")
	}
	// end prints the padding after a section.
	end := func() {
		if n := -pos & 7; n > 0 && pos < len(file) {
			field(n, "padding")
		}
	}
	text("meta: commit")
	end()
	for range number(4, "zones") {
		text("apex")
		kind := number(1, "  kind")
		number(4, "  serial")
		number(4, "  TTL")
		text("  SOA MNAME")
		text("  SOA RNAME")
		for _, f := range []string{"REFRESH", "RETRY", "EXPIRE", "MINIMUM"} {
			number(4, "  SOA "+f)
		}
		for range number(1, "  name servers") {
			text("    name server")
		}
		if kind == 2 {
			number(4, "  hosts")
		}
		if kind != 1 {
			continue
		}
		prefix("  ", "prefix")
		n := int(number(2, "  length of the fallback"))
		if n > 0 {
			field(n, "    fallback: "+string(file[pos:pos+n]))
		}
		for range number(4, "  delegations") {
			prefix("    ", "prefix")
			text("    child")
			for range number(1, "    name servers") {
				text("      name server")
			}
			for range number(1, "    DS") {
				number(2, "      key tag")
				number(1, "      algorithm")
				number(1, "      digest type")
				field(1+int(file[pos]), fmt.Sprintf("      digest: %d bytes", file[pos]))
			}
			for range number(1, "    glue") {
				text("      name server")
				family := number(1, "      address family")
				address(int(family), "      address")
			}
		}
	}
	end()
	length := func(section int) int {
		return int(binary.LittleEndian.Uint64(file[64+24*(section-1)+16:]))
	}
	for range length(3) / 4 {
		n := binary.LittleEndian.Uint32(file[pos:])
		field(4, fmt.Sprintf("IPv4 address: %d.%d.%d.%d", n>>24, n>>16&255, n>>8&255, n&255))
	}
	end()
	for range length(4) / 4 {
		number(4, "IPv4 offset")
	}
	end()
	for range length(5) / 16 {
		half := func() uint64 { return binary.LittleEndian.Uint64(file[pos:]) }
		field(8, fmt.Sprintf("IPv6 address, high half: %#x", half()))
		field(8, fmt.Sprintf("  low half: %#x", half()))
	}
	end()
	for range length(6) / 4 {
		number(4, "IPv6 offset")
	}
	end()
	for range (length(4) + length(6)) / 4 {
		number(1, "RRset: kind")
		names := number(1, "  names")
		number(4, "  TTL")
		for range names {
			text("    name")
		}
	}
	end()
	for range length(8) / 4 {
		number(4, "host offset")
	}
	end()
	for pos < len(file) {
		text("host")
		n4, n6 := number(1, "  IPv4 addresses"), number(1, "  IPv6 addresses")
		for range n4 {
			address(4, "    address")
		}
		for range n6 {
			address(6, "    address")
		}
	}
	return out.String()
}

// TestNewerMinor: sections that this version does not know are accepted in files of a newer minor version.
func TestNewerMinor(t *testing.T) {
	sections := sectionsOf(t, build(t, "4f2a9c1", exampleZones, exampleEntries, exampleHosts))
	tests := []struct {
		name  string
		extra []section
	}{
		{"no new section", nil},
		{"one new section", []section{{id: 10, data: []byte("new")}}},
		{"empty and distant sections", []section{{id: 11}, {id: 200, data: []byte("12345678")}, {id: math.MaxUint32}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var file bytes.Buffer
			if _, err := encode(&file, Minor+1, append(sections[:len(sections):len(sections)], test.extra...)); err != nil {
				t.Fatal(err)
			}
			r, err := OpenBytes(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if major, minor := r.Version(); major != 1 || minor != 1 {
				t.Errorf("version %d.%d, want 1.1", major, minor)
			}
			if r.Len() != len(exampleEntries) {
				t.Errorf("%d entries, want %d", r.Len(), len(exampleEntries))
			}
			if got := reencode(t, r); !bytes.Equal(got, file.Bytes()) {
				t.Errorf("encoded again, the file differs: %s", difference(got, file.Bytes()))
			}
		})
	}
}

// reencode makes the file of r again from what r returns, and from the sections that it does not know.
func reencode(tb testing.TB, r *Reader) []byte {
	tb.Helper()
	b, err := NewBuilder(r.Commit(), r.Zones())
	if err != nil {
		tb.Fatalf("zones of a valid snapshot: %v", err)
	}
	sets := make(map[netip.Addr]RRset)
	for i := range r.Zones() {
		z := &r.Zones()[i]
		maps.Insert(sets, r.Entries(z))
		for h := range r.Hosts(z) {
			if err := b.AddHost(absolute(h, z), hostAddrs(h)); err != nil {
				tb.Fatalf("host of a valid snapshot: %v", err)
			}
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(sets), netip.Addr.Compare) {
		s := sets[a]
		if err := b.Add(a, s.Kind, s.TTL, names(s)); err != nil {
			tb.Fatalf("entry of a valid snapshot: %v", err)
		}
	}
	all, err := r.header.parseSections(r.b)
	if err != nil {
		tb.Fatal(err)
	}
	var file bytes.Buffer
	_, version := r.Version()
	if _, err := encode(&file, uint16(version), append(sectionsOf(tb, b), all[sectionLast:]...)); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

// names returns the names of s.
func names(s RRset) []string {
	n := make([]string, s.Len())
	for i := range n {
		n[i] = s.Name(i)
	}
	return n
}

// absolute returns the name of a host of z.
func absolute(h Host, z *Zone) string {
	if h.Name() == "" {
		return z.Name
	}
	return h.Name() + "." + z.Name
}

// hostAddrs returns the addresses of h.
func hostAddrs(h Host) []netip.Addr {
	addrs := make([]netip.Addr, h.Len())
	for i := range addrs {
		addrs[i] = h.Addr(i)
	}
	return addrs
}

// difference says where two files differ.
func difference(got, want []byte) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d is %#02x, want %#02x", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
}
