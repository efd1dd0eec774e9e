package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
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
			Name:   "0-25.2.0.192.in-addr.arpa.",
			Prefix: netip.MustParsePrefix("192.0.2.0/25"),
			SOA:    goodZones[0].SOA,
			NS:     goodZones[0].NS,
		}), "overlap"},
		{"apex", "", zone(func(z *Zone) { z.Name = "2.0.192.in-addr.arpa" }), `apex "2.0.192.in-addr.arpa"`},
		{"no prefix", "", zone(func(z *Zone) { z.Prefix = netip.Prefix{} }), "not a prefix"},
		{"host bits", "", zone(func(z *Zone) { z.Prefix = netip.MustParsePrefix("192.0.2.1/24") }), "bits are set"},
		{"TTL", "", zone(func(z *Zone) { z.TTL = MaxTTL + 1 }), "TTL 2147483648"},
		{"no name servers", "", zone(func(z *Zone) { z.NS = nil }), "there is none"},
		{"too many name servers", "", zone(func(z *Zone) { z.NS = manyNames(256) }), "256 names, at most 255 fit"},
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
		{"after all zones", netip.MustParseAddr("2001:db9::"), Explicit, 1, one, "in no zone"},
		{"no kind", netip.MustParseAddr("203.0.113.1"), 0, 1, one, "unknown kind 0"},
		{"unknown kind", netip.MustParseAddr("203.0.113.1"), 3, 1, one, "unknown kind 3"},
		{"TTL", netip.MustParseAddr("203.0.113.1"), Explicit, MaxTTL + 1, one, "TTL 2147483648"},
		{"no names", netip.MustParseAddr("203.0.113.1"), Explicit, 1, nil, "there is none"},
		{"too many names", netip.MustParseAddr("203.0.113.1"), Explicit, 1, manyNames(256), "at most 255"},
		{"name", netip.MustParseAddr("203.0.113.1"), Explicit, 1, []string{"Host.example."}, `"Host.example."`},
	}
	want := encoded(t, build(t, "", goodZones, goodEntries))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := build(t, "", goodZones, goodEntries[:3]) // up to 198.51.100.65
			err := b.Add(test.addr, test.kind, test.ttl, test.names)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error is %v, want %s", err, test.message)
			}
			for _, e := range goodEntries[3:] {
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
	want := encoded(t, build(t, "", goodZones, goodEntries))
	zones := slices.Clone(goodZones)
	slices.Reverse(zones)
	reversed := func(names []string) []string { return append(slices.Sorted(slices.Values(names)), names...) }
	for i := range zones {
		zones[i].NS = reversed(zones[i].NS)
	}
	first := slices.Clone(zones[len(zones)-1].NS)
	entries := slices.Clone(goodEntries)
	for i := range entries {
		entries[i].names = reversed(entries[i].names)
	}
	b := build(t, "", zones, entries)
	for range 2 { // writing does not change the Builder
		if got := encoded(t, b); !bytes.Equal(got, want) {
			t.Errorf("the file differs: %s", difference(got, want))
		}
	}
	if zones[0].Name != goodZones[len(goodZones)-1].Name || !slices.Equal(zones[len(zones)-1].NS, first) {
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
			Name:   classless,
			Prefix: netip.MustParsePrefix("192.0.2.128/25"),
			Serial: math.MaxUint32,
			TTL:    MaxTTL,
			SOA:    SOA{longest, longest, MaxTTL, MaxTTL, MaxTTL, MaxTTL},
			NS:     manyNames(255),
		},
		{Name: "ip6.arpa.", Prefix: netip.MustParsePrefix("::/0"), SOA: SOA{Primary: "a.", Contact: "b."}, NS: []string{"a."}},
	}
	r, err := OpenBytes(encoded(t, build(t, strings.Repeat("~", 255), zones, []entry{
		{"192.0.2.255", Default, MaxTTL, manyNames(255)},
		{"::", Explicit, 0, []string{longest}},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Explicit, 0, []string{"a."}},
	})))
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
	for _, p := range []string{"::/0", "::/128", "8000::/1"} {
		if !r.Covers(&r.Zones()[0], netip.MustParsePrefix(p)) {
			t.Errorf("%s is not covered", p)
		}
	}
}

func TestEmpty(t *testing.T) {
	r, err := OpenBytes(encoded(t, build(t, "", nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Len() != 0 || len(r.Zones()) != 0 || r.Commit() != "" {
		t.Errorf("%d entries, %d zones, commit %q", r.Len(), len(r.Zones()), r.Commit())
	}
}

func TestRRsetOffset(t *testing.T) {
	if n, err := rrsetOffset(math.MaxUint32); n != math.MaxUint32 || err != nil {
		t.Errorf("the last offset gives %d, %v", n, err)
	}
	if _, err := rrsetOffset(math.MaxUint32 + 1); err == nil || !strings.Contains(err.Error(), "the snapshot is full") {
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
