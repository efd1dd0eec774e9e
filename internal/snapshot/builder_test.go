package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestNewBuilderErrors(t *testing.T) {
	zone := func(change func(z *Zone)) []Zone {
		zones := slices.Clone(goodZones)
		change(&zones[0])
		return zones
	}
	child := func(change func(d *Delegation)) []Zone { // of a zone cut
		return zone(func(z *Zone) {
			d := Delegation{Prefix: netip.MustParsePrefix("192.0.2.1/32"), Name: "1.2.0.192.in-addr.arpa.", NS: []string{"a."}}
			change(&d)
			z.Delegations = append([]Delegation{d}, z.Delegations...)
		})
	}
	forward := Zone{Kind: Forward, Name: "a.example.", SOA: goodZones[0].SOA, NS: goodZones[0].NS}
	tests := []struct {
		name    string
		commit  string
		zones   []Zone
		message string
	}{
		{"long commit", strings.Repeat("0", 256), nil, "commit id of 256 bytes"},
		{"commit with a line feed", "4f2a9c1\n", nil, "0x0a is not printable"},
		{"two zones of a name", "", append(slices.Clone(goodZones), goodZones[0]), "two zones 2.0.192.in-addr.arpa."},
		{"prefixes overlap", "", append(slices.Clone(goodZones), Zone{
			Kind:   Reverse,
			Name:   "0-25.2.0.192.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("192.0.2.0/25"),
			SOA:    goodZones[0].SOA,
			NS:     goodZones[0].NS,
		}), "lies in 192.0.2.0/24 of 2.0.192.in-addr.arpa., which does not delegate it"},
		{"two catalogs", "", append(slices.Clone(goodZones), Zone{
			Kind: Catalog,
			Name: "a.example.",
			SOA:  goodZones[0].SOA,
			NS:   []string{"invalid."},
		}), "two catalogs, a.example. and catalog.example."},
		{"apex", "", zone(func(z *Zone) { z.Name = "2.0.192.in-addr.arpa" }), `apex "2.0.192.in-addr.arpa"`},
		{"no prefix", "", zone(func(z *Zone) { z.Prefix = netip.Prefix{} }), "not a prefix"},
		{"host bits", "", zone(func(z *Zone) { z.Prefix = netip.MustParsePrefix("192.0.2.1/24") }), "bits are set"},
		{"TTL", "", zone(func(z *Zone) { z.TTL = MaxTTL + 1 }), "TTL 2147483648"},
		{"no name servers", "", zone(func(z *Zone) { z.NS = nil }), "there is none"},
		{"too many name servers", "", zone(func(z *Zone) { z.NS = manyNames(256) }), "256 names, at most 255 fit"},
		{"no kind", "", zone(func(z *Zone) { z.Kind = 0 }), "unknown kind 0"},
		{"forward zone with a prefix", "", zone(func(z *Zone) { *z = forward; z.Prefix = goodZones[0].Prefix }),
			"zone a.example.: a forward zone has no prefix, fallback or delegations"},
		{"forward zone with a fallback", "", zone(func(z *Zone) { *z = forward; z.Fallback = "{ip}.example." }),
			"a forward zone has no prefix, fallback or delegations"},
		{"catalog with delegations", "", zone(func(z *Zone) {
			*z = forward
			z.Kind, z.NS, z.Delegations = Catalog, []string{"invalid."}, goodZones[0].Delegations
		}), "a catalog zone has no prefix, fallback or delegations"},
		{"no prefix of a delegation", "", child(func(d *Delegation) { d.Prefix = netip.Prefix{} }), "not a prefix"},
		{"too many name servers of a child", "", child(func(d *Delegation) { d.NS = manyNames(256) }), "at most 255 fit"},
		{"too many DS", "", child(func(d *Delegation) {
			for i := range 256 {
				d.DS = append(d.DS, DS{KeyTag: uint16(i), Digest: "x"})
			}
		}), "256 DS and 0 addresses of glue, at most 255 of each fit"},
		{"too much glue", "", child(func(d *Delegation) {
			d.NS = []string{d.Name}
			for i := range 256 {
				d.Glue = append(d.Glue, Glue{d.Name, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})})
			}
		}), "0 DS and 256 addresses of glue, at most 255 of each fit"},
		{"long digest", "", child(func(d *Delegation) { d.DS = []DS{{Digest: strings.Repeat("x", 256)}} }),
			"DS with a digest of 256 bytes"},
		{"glue of an IPv6 zone", "", child(func(d *Delegation) {
			d.NS = []string{d.Name}
			d.Glue = []Glue{{d.Name, netip.MustParseAddr("2001:db8::1%eth0")}}
		}), "2001:db8::1%eth0 is not a plain IPv4 or IPv6 address"},
		{"glue without address", "", child(func(d *Delegation) {
			d.NS = []string{d.Name}
			d.Glue = []Glue{{Name: d.Name}}
		}), "invalid IP is not a plain IPv4 or IPv6 address"},
		{"fallback", "", zone(func(z *Zone) { z.Fallback = "{server}.example.com." }), "{server} is not known"},
		{"long fallback", "", zone(func(z *Zone) { z.Fallback = strings.Repeat("a", 1<<16) }), "longer than 65535"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := NewBuilder(test.commit, test.zones)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error is %v, want %s", err, test.message)
			}
			if b != nil {
				t.Error("an error came with a Builder")
			}
		})
	}
}

// manyNames returns n different names in order.
func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("host%03d.example.", i)
	}
	return names
}

// TestAddErrors: each error leaves the Builder as it was.
func TestAddErrors(t *testing.T) {
	one := []string{"host.example."}
	tests := []struct {
		name    string
		addr    netip.Addr
		kind    Kind
		ttl     uint32
		names   []string
		message string
	}{
		{"no address", netip.Addr{}, Explicit, 1, one, "not a plain IPv4 or IPv6 address"},
		{"IPv4-mapped", netip.MustParseAddr("::ffff:203.0.113.1"), Explicit, 1, one, "not a plain IPv4 or IPv6 address"},
		{"IPv6 zone", netip.MustParseAddr("2001:db8::1%eth0"), Explicit, 1, one, "not a plain IPv4 or IPv6 address"},
		{"again", netip.MustParseAddr("198.51.100.65"), Explicit, 1, one, "not after 198.51.100.65"},
		{"before", netip.MustParseAddr("192.0.2.30"), Explicit, 1, one, "not after 198.51.100.65"},
		{"between zones", netip.MustParseAddr("203.0.112.255"), Explicit, 1, one, "in no zone"},
		{"delegated", netip.MustParseAddr("198.51.100.96"), Explicit, 1, one,
			"lies in 198.51.100.96/32, which zone 64-26.100.51.198.in-addr.arpa. delegates"},
		{"after all zones", netip.MustParseAddr("2001:db9::"), Explicit, 1, one, "in no zone"},
		{"no kind", netip.MustParseAddr("203.0.113.1"), 0, 1, one, "unknown kind 0"},
		{"unknown kind", netip.MustParseAddr("203.0.113.1"), 3, 1, one, "unknown kind 3"},
		{"TTL", netip.MustParseAddr("203.0.113.1"), Explicit, MaxTTL + 1, one, "TTL 2147483648"},
		{"no names", netip.MustParseAddr("203.0.113.1"), Explicit, 1, nil, "there is none"},
		{"too many names", netip.MustParseAddr("203.0.113.1"), Explicit, 1, manyNames(256), "at most 255"},
		{"name", netip.MustParseAddr("203.0.113.1"), Explicit, 1, []string{"Host.example."}, `"Host.example."`},
	}
	want := encoded(t, build(t, "", goodZones, goodEntries, goodHosts))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := build(t, "", goodZones, goodEntries[:4], goodHosts) // up to 198.51.100.65
			err := b.Add(test.addr, test.kind, test.ttl, test.names)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error is %v, want %s", err, test.message)
			}
			for _, e := range goodEntries[4:] {
				if err := b.Add(netip.MustParseAddr(e.addr), e.kind, e.ttl, e.names); err != nil {
					t.Fatalf("afterwards: %v", err)
				}
			}
			if got := encoded(t, b); !bytes.Equal(got, want) {
				t.Errorf("afterwards the file differs: %s", difference(got, want))
			}
		})
	}
}

// TestCanonical: the order in which things are given does not matter, and nothing that is given changes.
func TestCanonical(t *testing.T) {
	want := encoded(t, build(t, "", goodZones, goodEntries, goodHosts))
	zones := slices.Clone(goodZones)
	slices.Reverse(zones)
	reversed := func(names []string) []string { return append(slices.Sorted(slices.Values(names)), names...) }
	for i := range zones {
		z := &zones[i]
		if z.Kind != Catalog {
			z.NS = reversed(z.NS)
		}
		z.Delegations = slices.Clone(z.Delegations)
		slices.Reverse(z.Delegations)
		for j := range z.Delegations {
			d := &z.Delegations[j]
			d.NS = reversed(d.NS)
			d.DS = append(slices.Clone(d.DS), d.DS...)
			slices.Reverse(d.DS)
			d.Glue = append(slices.Clone(d.Glue), d.Glue...)
			slices.Reverse(d.Glue)
		}
	}
	given := fmt.Sprint(zones)
	entries := slices.Clone(goodEntries)
	for i := range entries {
		entries[i].names = reversed(entries[i].names)
	}
	hosts := append(slices.Clone(goodHosts), goodHosts...)
	for i := range hosts {
		hosts[i].addrs = append(slices.Clone(hosts[i].addrs), hosts[i].addrs...)
		slices.Reverse(hosts[i].addrs)
	}
	slices.Reverse(hosts)
	b := build(t, "", zones, entries, hosts)
	for range 2 { // writing does not change the Builder
		if got := encoded(t, b); !bytes.Equal(got, want) {
			t.Errorf("the file differs: %s", difference(got, want))
		}
	}
	if fmt.Sprint(zones) != given {
		t.Error("the Builder changed the zones that it was given")
	}
}

// TestLimits: what is just allowed can be read again.
func TestLimits(t *testing.T) {
	longest := strings.Repeat(strings.Repeat("x", 62)+".", 4) + "z."
	classless := strings.Repeat("x.", 125)
	if len(longest) != 254 || len(classless) != 250 {
		t.Fatal("the names do not have the sizes that the test is about")
	}
	zones := []Zone{
		{
			Kind:   Reverse,
			Name:   classless,
			Prefix: netip.MustParsePrefix("192.0.2.128/25"),
			Serial: math.MaxUint32,
			TTL:    MaxTTL,
			SOA:    SOA{longest, longest, MaxTTL, MaxTTL, MaxTTL, MaxTTL},
			NS:     manyNames(255),
		},
		{
			Kind:        Reverse,
			Name:        "ip6.arpa.",
			Prefix:      netip.MustParsePrefix("::/0"),
			SOA:         SOA{Primary: "a.", Contact: "b."},
			NS:          []string{"a."},
			Delegations: []Delegation{manyRecords("2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa.")},
		},
		{Kind: Forward, Name: "z.", SOA: SOA{Primary: "a.", Contact: "b."}, NS: []string{"a."}},
	}
	b := build(t, strings.Repeat("~", 255), zones, []entry{
		{"192.0.2.255", Default, MaxTTL, manyNames(255)},
		{"::", Explicit, 0, []string{longest}},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Explicit, 0, []string{"a."}},
	}, nil)
	if err := b.AddHost(longest, append(manyAddrs("192.0.2.0", 255), manyAddrs("2001:db8::", 255)...)); err != nil {
		t.Fatal(err)
	}
	r, err := OpenBytes(encoded(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Commit(); got != strings.Repeat("~", 255) {
		t.Errorf("commit is %q", got)
	}
	s, ok := r.Lookup(&r.Zones()[1], netip.MustParseAddr("192.0.2.255"))
	if !ok || s.TTL != MaxTTL || !slices.Equal(names(s), manyNames(255)) {
		t.Errorf("lookup gives %v, %v", s, ok)
	}
	for _, p := range []string{"::/0", "::/128", "8000::/1", "2001:db8::/31", "2001:db8::1/128"} {
		if !r.Covers(&r.Zones()[0], netip.MustParsePrefix(p)) {
			t.Errorf("%s is not covered", p)
		}
	}
	if d := r.Zones()[0].Delegations[0]; !reflect.DeepEqual(d, zones[1].Delegations[0]) {
		t.Errorf("delegation %+v", d)
	}
	if h, ok := r.Host(&r.Zones()[2], strings.TrimSuffix(longest, ".z.")); !ok || h.Len() != 510 ||
		h.Addr(254) != netip.MustParseAddr("192.0.2.254") || h.Addr(255) != netip.MustParseAddr("2001:db8::") {
		t.Errorf("host with %d addresses, %v", h.Len(), ok)
	}
}

// manyRecords returns a delegation with all that fits into it.
func manyRecords(prefix, name string) Delegation {
	d := Delegation{Prefix: netip.MustParsePrefix(prefix), Name: name, NS: append(manyNames(254), "ns."+name)}
	for i, a := range manyAddrs("192.0.2.0", 255) {
		d.DS = append(d.DS, DS{uint16(i), 13, 2, strings.Repeat("\xff", 255)})
		d.Glue = append(d.Glue, Glue{"ns." + name, a})
	}
	return d
}

// manyAddrs returns n addresses from the given one on.
func manyAddrs(first string, n int) []netip.Addr {
	addrs := make([]netip.Addr, n)
	a := netip.MustParseAddr(first)
	for i := range addrs {
		addrs[i], a = a, a.Next()
	}
	return addrs
}

// TestAddHostErrors: each error leaves the Builder as it was.
func TestAddHostErrors(t *testing.T) {
	one := manyAddrs("192.0.2.1", 1)
	tests := []struct {
		name    string
		host    string
		addrs   []netip.Addr
		message string
	}{
		{"name", "Web.vps.example.", one, `add host "Web.vps.example." to snapshot: character`},
		{"no final dot", "web.vps.example", one, "does not end with a dot"},
		{"in no zone", "web.example.", one, "lies in no forward zone"},
		{"in a zone with a similar name", "web-vps.example.", one, "lies in no forward zone"},
		{"in a reverse zone", "web.2.0.192.in-addr.arpa.", one, "lies in no forward zone"},
		{"in the catalog", "web.catalog.example.", one, "lies in no forward zone"},
		{"no addresses", "web.vps.example.", nil, "0 IPv4 and 0 IPv6 addresses"},
		{"too many IPv4 addresses", "web.vps.example.", manyAddrs("192.0.2.0", 256), "256 IPv4 and 0 IPv6 addresses"},
		{"too many IPv6 addresses", "web.vps.example.", manyAddrs("2001:db8::", 256), "0 IPv4 and 256 IPv6 addresses"},
		{"no address", "web.vps.example.", []netip.Addr{{}}, "invalid IP is not a plain IPv4 or IPv6 address"},
		{"IPv4-mapped", "web.vps.example.", addresses([]string{"192.0.2.1", "::ffff:192.0.2.1"}), "is not a plain"},
		{"IPv6 zone", "web.vps.example.", addresses([]string{"2001:db8::1%eth0"}), "is not a plain"},
	}
	b := goodBuilder(t)
	want := encoded(t, goodBuilder(t))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := b.AddHost(test.host, test.addrs)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error is %v, want %s", err, test.message)
			}
			if got := encoded(t, b); !bytes.Equal(got, want) {
				t.Errorf("afterwards the file differs: %s", difference(got, want))
			}
		})
	}
}

// TestHostTooLarge: what is added to a host bit by bit may be too much.
func TestHostTooLarge(t *testing.T) {
	b := goodBuilder(t)
	for _, first := range []string{"198.51.100.0", "203.0.113.0"} {
		if err := b.AddHost("web.vps.example.", manyAddrs(first, 128)); err != nil {
			t.Fatal(err)
		}
	}
	const message = `host "web" in vps.example.: 258 IPv4 and 2 IPv6 addresses`
	if n, err := b.WriteTo(io.Discard); n != 0 || err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("WriteTo: %d, %v, want %s", n, err, message)
	}
	if r, err := b.Reader(); r != nil || err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("Reader: %v, want %s", err, message)
	}
}

// TestHostsAfterwards: hosts can be added after the Builder was read, which changes nothing for the Reader.
func TestHostsAfterwards(t *testing.T) {
	b := build(t, "commit", goodZones, goodEntries, goodHosts[2:])
	before, err := b.Reader()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range goodHosts {
		if err := b.AddHost(h.name, addresses(h.addrs)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := encoded(t, b), encoded(t, goodBuilder(t)); !bytes.Equal(got, want) {
		t.Errorf("the file differs: %s", difference(got, want))
	}
	z := &before.Zones()[len(before.Zones())-1]
	if _, ok := before.Host(z, ""); ok || before.HostCount() != len(goodHosts)-2 {
		t.Errorf("the Reader from before has %d hosts", before.HostCount())
	}
}

func TestSetSerial(t *testing.T) {
	b := goodBuilder(t)
	before, err := b.Reader()
	if err != nil {
		t.Fatal(err)
	}
	b.SetSerial("vps.example.", 4000000000)
	r, err := OpenBytes(encoded(t, b))
	if err != nil {
		t.Fatal(err)
	}
	for i, z := range r.Zones() {
		was := before.Zones()[i]
		if want := map[bool]uint32{true: 4000000000, false: was.Serial}[z.Name == "vps.example."]; z.Serial != want {
			t.Errorf("serial of %s is %d, want %d", z.Name, z.Serial, want)
		}
		if z.Name == "vps.example." && was.Serial != 108 {
			t.Errorf("the serial in the Reader from before changed to %d", was.Serial)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("SetSerial of no zone returned")
		}
	}()
	b.SetSerial("example.", 1)
}

// TestBuilderReader: a Reader from a Builder has no file.
func TestBuilderReader(t *testing.T) {
	r, err := goodBuilder(t).Reader()
	if err != nil {
		t.Fatal(err)
	}
	major, minor := r.Version()
	if r.ID() != "" || r.Size() != 0 || r.Commit() != "commit" || major != Major || minor != Minor {
		t.Errorf("ID %q, size %d, commit %q, version %d.%d", r.ID(), r.Size(), r.Commit(), major, minor)
	}
}

func TestEmpty(t *testing.T) {
	r, err := OpenBytes(encoded(t, build(t, "", nil, nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Len() != 0 || len(r.Zones()) != 0 || r.Commit() != "" {
		t.Errorf("%d entries, %d zones, commit %q", r.Len(), len(r.Zones()), r.Commit())
	}
}

func TestRecordOffset(t *testing.T) {
	if n, err := recordOffset(math.MaxUint32); n != math.MaxUint32 || err != nil {
		t.Errorf("the last offset gives %d, %v", n, err)
	}
	if _, err := recordOffset(math.MaxUint32 + 1); err == nil || !strings.Contains(err.Error(), "the snapshot is full") {
		t.Errorf("an offset that does not fit gives %v", err)
	}
}

// TestWriteToErrors: an error at any point comes back, with the number of bytes before it.
func TestWriteToErrors(t *testing.T) {
	b := goodBuilder(t)
	for room := range goodSize {
		n, err := b.WriteTo(&fullWriter{room})
		if !errors.Is(err, io.ErrShortWrite) || n != int64(room) {
			t.Fatalf("with room for %d bytes: %d, %v", room, n, err)
		}
	}
}

// A fullWriter has room for so many more bytes.
type fullWriter struct{ room int }

func (w *fullWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.room)
	w.room -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// TestReaderBetween: what a Builder has so far can be read at any time, and that changes neither what comes after nor
// what was read.
func TestReaderBetween(t *testing.T) {
	const n = 5000 // entries, which fill several pieces of each section
	add := func(b *Builder, i int) {
		addr := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
		if err := b.Add(addr, Default, 60, []string{fmt.Sprintf("host%d.example.", i)}); err != nil {
			t.Fatal(err)
		}
	}
	zones := []Zone{{
		Kind: Reverse, Name: "192.in-addr.arpa.", Prefix: netip.MustParsePrefix("192.0.0.0/8"), NS: []string{"a."},
		SOA: SOA{Primary: "a.", Contact: "b."},
	}}
	want, got := build(t, "", zones, nil, nil), build(t, "", zones, nil, nil)
	for i := range n {
		add(want, i)
	}
	readers := make(map[int]*Reader)
	for i := range n {
		if i%777 == 0 {
			r, err := got.Reader()
			if err != nil {
				t.Fatal(err)
			}
			readers[i] = r
		}
		add(got, i)
	}
	if file, want := encoded(t, got), encoded(t, want); !bytes.Equal(file, want) {
		t.Errorf("the file of a Builder that was read between differs: %s", difference(file, want))
	}
	for size, r := range readers {
		i := 0
		for _, s := range r.Entries(&r.Zones()[0]) {
			if want := fmt.Sprintf("host%d.example.", i); s.Name(0) != want {
				t.Fatalf("entry %d of %d has the name %q, want %q", i, size, s.Name(0), want)
			}
			i++
		}
		if i != size {
			t.Errorf("%d entries, want %d", i, size)
		}
	}
}
