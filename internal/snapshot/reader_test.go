package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/arpa"
)

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revmap.snapshot")
	b := goodBuilder(t)
	if err := WriteFile(path, b); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file := encoded(t, b)
	if want := fmt.Sprintf("%x", file[32:64]); r.ID() != want {
		t.Errorf("ID is %s, want %s", r.ID(), want)
	}
	if id, err := ReadID(path); id != r.ID() || err != nil {
		t.Errorf("ReadID gives %q, %v, want %s", id, err, r.ID())
	}
	if r.Size() != goodSize || r.Len() != len(goodEntries) || r.Commit() != "commit" {
		t.Errorf("size %d, %d entries, commit %q", r.Size(), r.Len(), r.Commit())
	}
	if major, minor := r.Version(); major != 1 || minor != 0 {
		t.Errorf("version %d.%d, want 1.0", major, minor)
	}

	// The Reader does not need the file anymore.
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	z := &r.Zones()[3]
	if s, ok := r.Lookup(z, netip.MustParseAddr("192.0.2.10")); !ok || s.Name(0) != "mail.acme.example." {
		t.Errorf("lookup in %s gives %v, %v", z.Name, s, ok)
	}
}

func TestOpenErrors(t *testing.T) {
	good := mutation{}.apply(t)
	newer := put(8, u16(2)).apply(t)
	damaged := mutation{damage: flip(100)}.apply(t)
	tests := []struct {
		name  string
		file  []byte
		err   error
		id    error // of ReadID, which sees only the header
		about string
	}{
		{"empty", nil, ErrFormat, ErrFormat, "0 bytes"},
		{"short", good[:63], ErrFormat, ErrFormat, "63 bytes"},
		{"truncated", good[:100], ErrFormat, ErrFormat, "there are 100"},
		{"text", []byte(strings.Repeat("192.0.2.1 host.example.\n", 10)), ErrFormat, ErrFormat, "does not start"},
		{"newer", newer, ErrVersion, ErrVersion, "version 2.0"},
		{"damaged", damaged, ErrChecksum, nil, "damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "revmap.snapshot")
			if err := os.WriteFile(path, test.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.about) ||
				strings.Count(err.Error(), path) != 1 {
				t.Errorf("Open: error is %v, want %v about %s", err, test.err, test.about)
			}
			if _, err := ReadID(path); !errors.Is(err, test.id) {
				t.Errorf("ReadID: error is %v, want %v", err, test.id)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := Open(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of no file: error is %v", err)
	}
	if _, err := ReadID(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadID of no file: error is %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("opened a folder")
	}
}

func TestOwner(t *testing.T) {
	tests := []struct {
		zone, prefix, addr string
		owner              string
		classless          bool
	}{
		{"2.0.192.in-addr.arpa.", "192.0.2.0/24", "192.0.2.10", "10.2.0.192.in-addr.arpa.", false},
		{"0.192.in-addr.arpa.", "192.0.0.0/16", "192.0.2.10", "10.2.0.192.in-addr.arpa.", false},
		{"64-26.2.0.192.in-addr.arpa.", "192.0.2.64/26", "192.0.2.70", "70.64-26.2.0.192.in-addr.arpa.", true},
		{"2.0.192.in-addr.arpa.", "192.0.2.0/25", "192.0.2.10", "10.2.0.192.in-addr.arpa.", true},
		{"customer.example.", "192.0.2.10/32", "192.0.2.10", "10.customer.example.", true},
		{"10.2.0.192.in-addr.arpa.", "192.0.2.10/32", "192.0.2.10", "10.2.0.192.in-addr.arpa.", false},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", "2001:db8::1",
			"1." + strings.Repeat("0.", 23) + "8.b.d.0.1.0.0.2.ip6.arpa.", false},
	}
	for _, test := range tests {
		z := Zone{Kind: Reverse, Name: test.zone, Prefix: netip.MustParsePrefix(test.prefix)}
		if got := z.Classless(); got != test.classless {
			t.Errorf("%s (%s) is classless: %v", test.zone, test.prefix, got)
		}
		if got := z.Owner(netip.MustParseAddr(test.addr)); got != test.owner {
			t.Errorf("%s (%s): owner of %s is %s, want %s", test.zone, test.prefix, test.addr, got, test.owner)
		}
	}
}

func TestOutOfRange(t *testing.T) {
	r, err := OpenBytes(exampleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	panics := func(what string, i int, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s(%d) returned", what, i)
			}
		}()
		f()
	}
	z, forward := &r.Zones()[0], &r.Zones()[2]
	for _, s := range r.Entries(z) {
		for _, i := range []int{-1, s.Len()} {
			panics("Name", i, func() { s.Name(i) })
		}
	}
	for h := range r.Hosts(forward) {
		for _, i := range []int{-1, h.Len()} {
			panics("Addr", i, func() { h.Addr(i) })
		}
	}
	panics("Addr", 0, func() { Host{}.Addr(0) })
}

func TestZoneKindString(t *testing.T) {
	for kind, want := range map[ZoneKind]string{
		0: "ZoneKind(0)", Reverse: "reverse", Forward: "forward", Catalog: "catalog", 4: "ZoneKind(4)",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%d is %q, want %q", uint8(kind), got, want)
		}
	}
}

func TestIsAlias(t *testing.T) {
	reverse := Zone{Name: "0.192.in-addr.arpa.", Prefix: netip.MustParsePrefix("192.0.0.0/16")}
	classless := Zone{Name: "0-26.2.0.192.in-addr.arpa.", Prefix: netip.MustParsePrefix("192.0.2.0/26")}
	ipv6 := Zone{Name: "8.b.d.0.1.0.0.2.ip6.arpa.", Prefix: netip.MustParsePrefix("2001:db8::/32")}
	tests := []struct {
		zone         Zone
		prefix, name string
		alias        bool
	}{
		{reverse, "192.0.2.0/24", "2.0.192.in-addr.arpa.", false},
		{reverse, "192.0.2.64/26", "64-26.2.0.192.in-addr.arpa.", true},
		{reverse, "192.0.2.64/26", "rev.example.", true},
		{reverse, "192.0.2.64/26", "2.0.192.in-addr.arpa.", true},
		{reverse, "192.0.2.64/32", "64.2.0.192.in-addr.arpa.", false},
		{reverse, "192.0.2.64/32", "x.2.0.192.in-addr.arpa.", true},
		{classless, "192.0.2.1/32", "1.0-26.2.0.192.in-addr.arpa.", false},
		{classless, "192.0.2.1/32", "1.2.0.192.in-addr.arpa.", true},
		{classless, "192.0.2.2/31", "2.0-26.2.0.192.in-addr.arpa.", true},
		{ipv6, "2001:db8:f00::/48", "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa.", false},
	}
	for _, test := range tests {
		d := &Delegation{Prefix: netip.MustParsePrefix(test.prefix), Name: test.name}
		if got := test.zone.IsAlias(d); got != test.alias {
			t.Errorf("%s delegates %s to %s by an alias: %v", test.zone.Name, d.Prefix, d.Name, got)
		}
	}
}

// TestEndless: which zones cannot be listed, and why.
func TestEndless(t *testing.T) {
	soa := SOA{Primary: "a.", Contact: "b."}
	reverse := func(prefix, fallback string) Zone {
		p := netip.MustParsePrefix(prefix)
		return Zone{Kind: Reverse, Name: arpa.ZoneName(p), Prefix: p, SOA: soa, NS: []string{"a."}, Fallback: fallback}
	}
	forward := func(name string) Zone { return Zone{Kind: Forward, Name: name, SOA: soa, NS: []string{"a."}} }
	r, err := OpenBytes(encoded(t, build(t, "", []Zone{
		reverse("192.0.2.0/24", "{ip}.four.example."),
		reverse("2001:db8::/48", ""),
		reverse("2001:db8:1::/48", "{ip}.elsewhere.example."),
		reverse("2001:db8:2::/48", "{ip}.x.six.example."),
		reverse("2001:db8:3::/64", "{rev}.apex.example."),
		forward("four.example."), forward("six.example."), forward("apex.example."), forward("ix.example."),
		{Kind: Catalog, Name: "catalog.example.", SOA: soa, NS: []string{"invalid."}},
	}, nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	reason := func(fallback string) string {
		return fmt.Sprintf("the IPv6 fallback makes more names than can be listed: %q for 2001:db8:", fallback)
	}
	want := map[string]string{ // none for zones that can be listed
		"1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.":         reason("{ip}.elsewhere.example."),
		"2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.":         reason("{ip}.x.six.example."),
		"0.0.0.0.3.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.": reason("{rev}.apex.example."),
		"six.example.":  reason("{ip}.x.six.example."),
		"apex.example.": reason("{rev}.apex.example."),
	}
	for i := range r.Zones() {
		z := &r.Zones()[i]
		err := r.Endless(z)
		if err == nil && want[z.Name] == "" {
			continue
		}
		if !errors.Is(err, ErrEndless) || want[z.Name] == "" ||
			!strings.HasPrefix(err.Error(), "zone "+z.Name+": "+want[z.Name]) {
			t.Errorf("error is %v, want %s", err, want[z.Name])
		}
	}
}

// TestAllocs: what runs for each query does not allocate, but the copy of a name.
func TestAllocs(t *testing.T) {
	r, err := OpenBytes(exampleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range r.Zones() {
		z := &r.Zones()[i]
		for a := range r.Entries(z) {
			p := netip.PrefixFrom(a, 20)
			allocs := testing.AllocsPerRun(100, func() {
				if s, ok := r.Lookup(z, a); ok && r.Covers(z, p) && s.SameRecords(s) {
					found++
				}
				r.Lookup(z, a.Next())
			})
			if allocs != 0 {
				t.Errorf("lookup of %v allocates %v times", a, allocs)
			}
		}
	}
	for z, name := range map[*Zone]string{&r.Zones()[0]: "192.0.2.200", &r.Zones()[1]: "2001:db8::"} {
		a := netip.MustParseAddr(name)
		if allocs := testing.AllocsPerRun(100, func() { z.Delegation(a) }); allocs != 0 {
			t.Errorf("the delegation of %v allocates %v times", a, allocs)
		}
	}
	z := &r.Zones()[2]
	for h := range r.Hosts(z) {
		name := strings.ToUpper(h.Name())
		allocs := testing.AllocsPerRun(100, func() {
			if h, ok := r.Host(z, name); ok && h.Addr(h.Len()-1).IsValid() {
				found++
			}
			r.HostBelow(z, name)
		})
		if allocs != 0 {
			t.Errorf("lookup of %s allocates %v times", name, allocs)
		}
	}
	if found != 101*(len(exampleEntries)+len(exampleHosts)) {
		t.Errorf("%d lookups found something", found)
	}
}

// TestSameRecords compares each RRset of two snapshots with each.
func TestSameRecords(t *testing.T) {
	type set struct {
		ttl   uint32
		names []string
		kind  Kind
	}
	sets := []set{
		{60, []string{"a.example."}, Explicit},
		{60, []string{"a.example."}, Default}, // where names come from does not matter
		{61, []string{"a.example."}, Explicit},
		{60, []string{"b.example."}, Explicit},
		{60, []string{"a.example.", "b.example."}, Explicit},
		{60, []string{"a.example.", "c.example."}, Explicit},
	}
	var entries []entry
	for i, s := range sets {
		entries = append(entries, entry{fmt.Sprintf("192.0.2.%d", i), s.kind, s.ttl, s.names})
	}
	zones := []Zone{{
		Kind: Reverse, Name: "2.0.192.in-addr.arpa.", Prefix: netip.MustParsePrefix("192.0.2.0/24"), NS: []string{"a."},
		SOA: SOA{Primary: "a.", Contact: "b."},
	}}
	rrsets := func() []RRset {
		r, err := OpenBytes(encoded(t, build(t, "", zones, entries, nil)))
		if err != nil {
			t.Fatal(err)
		}
		var list []RRset
		for _, s := range r.Entries(&r.Zones()[0]) {
			list = append(list, s)
		}
		return list
	}
	first, second := rrsets(), rrsets()
	for i := range sets {
		for j := range sets {
			want := sets[i].ttl == sets[j].ttl && slices.Equal(sets[i].names, sets[j].names)
			if got := first[i].SameRecords(second[j]); got != want {
				t.Errorf("%v and %v are the same: %v", sets[i], sets[j], got)
			}
		}
	}
}

// TestSearch compares the search in two steps with one from the first entry on: for zones with all numbers of entries
// around those that have one sample more, and which begin and end anywhere between two samples.
func TestSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, family := range []struct {
		sampling int
		zone     func(i int) (string, netip.Prefix)
		addr     func(zone, i int) netip.Addr
	}{
		{sampling4,
			func(i int) (string, netip.Prefix) {
				p := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i), 0}), 24)
				return arpa.ZoneName(p), p
			},
			func(zone, i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, byte(zone), byte(i)}) }},
		{sampling6,
			func(i int) (string, netip.Prefix) {
				p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(i)}), 48)
				return arpa.ZoneName(p), p
			},
			func(zone, i int) netip.Addr {
				return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(zone), 7: byte(i / 16), 15: byte(i % 16)})
			}},
	} {
		n := family.sampling
		var zones []Zone
		sizes := []int{0, 1, n - 1, n, n + 1, 0, 2*n - 1, 2 * n, 2*n + 1, 1, 5, 3, 4*n + 2, 0}
		for i := range sizes {
			z := Zone{Kind: Reverse, Serial: 1, SOA: SOA{Primary: "ns1.example.net.", Contact: "hostmaster.example.net."},
				NS: []string{"ns1.example.net."}}
			z.Name, z.Prefix = family.zone(i)
			zones = append(zones, z)
		}
		b, err := NewBuilder("", zones)
		if err != nil {
			t.Fatal(err)
		}
		has := make(map[netip.Addr]bool)
		for i, size := range sizes {
			for _, j := range slices.Sorted(slices.Values(rng.Perm(256)[:size])) {
				a := family.addr(i, j)
				has[a] = true
				if err := b.Add(a, Explicit, 60, []string{"a.example.net."}); err != nil {
					t.Fatal(err)
				}
			}
		}
		r, err := b.Reader()
		if err != nil {
			t.Fatal(err)
		}
		for zi := range r.Zones() {
			z := &r.Zones()[zi]
			for i := range sizes {
				for j := range 256 {
					a := family.addr(i, j)
					want := z.found.first
					for want < z.found.end && r.addr(z, want).Less(a) {
						want++
					}
					if got := r.search(z, a); got != want {
						t.Fatalf("search(%s, %v) = %d, want %d", z.Name, a, got, want)
					}
					if _, got := r.Lookup(z, a); got != (has[a] && z.Prefix.Contains(a)) {
						t.Fatalf("Lookup(%s, %v) finds %v", z.Name, a, got)
					}
				}
			}
		}
	}
}
