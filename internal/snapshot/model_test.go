package snapshot

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/revmap/revmap/internal/arpa"
)

// modelPrefixes are disjoint prefixes that random inventories take their zones from, with the zone's name if it is
// not that of the prefix.
var modelPrefixes = []struct{ prefix, name string }{
	{"192.0.2.0/24", ""},
	{"198.51.100.0/25", "0-25.100.51.198.in-addr.arpa."},
	{"198.51.100.128/26", "128/26.100.51.198.in-addr.arpa."},
	{"198.51.100.192/32", ""},
	{"198.51.100.193/32", "customer.example."},
	{"198.51.100.254/31", "254-31.100.51.198.in-addr.arpa."},
	{"203.0.113.0/24", ""},
	{"2001:db8::/48", ""},
	{"2001:db8:1::/48", ""},
	{"2001:db8:1000::/36", ""},
	{"2001:db8:8000:1::/64", ""},
	{"2001:db8:ffff:ffff:ffff:ffff:ffff:ff00/124", ""},
	{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128", ""},
}

// An inventory is the content of a snapshot as plain maps: the slow reference for the Reader.
type inventory struct {
	zones   []Zone
	entries map[netip.Addr]entry
}

func randomInventory(rng *rand.Rand) inventory {
	v := inventory{entries: make(map[netip.Addr]entry)}
	for _, m := range modelPrefixes {
		if rng.IntN(3) == 0 {
			continue
		}
		p := netip.MustParsePrefix(m.prefix)
		z := Zone{
			Name:   m.name,
			Prefix: p,
			Serial: rng.Uint32(),
			TTL:    rng.Uint32() & MaxTTL,
			SOA: SOA{randomName(rng), randomName(rng), rng.Uint32() & MaxTTL, rng.Uint32() & MaxTTL,
				rng.Uint32() & MaxTTL, rng.Uint32() & MaxTTL},
			NS: randomNames(rng),
		}
		if z.Name == "" {
			z.Name = arpa.ZoneName(p)
		}
		if rng.IntN(2) == 0 {
			z.Fallback = "{ip}." + randomName(rng)
		}
		v.zones = append(v.zones, z)
		for range []int{0, 1, 10, 300}[rng.IntN(4)] {
			v.entries[randomAddr(rng, p)] = entry{"", Kind(1 + rng.IntN(2)), rng.Uint32() & MaxTTL, randomNames(rng)}
		}
	}
	rng.Shuffle(len(v.zones), func(i, j int) { v.zones[i], v.zones[j] = v.zones[j], v.zones[i] })
	return v
}

func randomName(rng *rand.Rand) string { return fmt.Sprintf("host%d.example.", rng.IntN(1000)) }

// randomNames returns some names, not always in order or different.
func randomNames(rng *rand.Rand) []string {
	n := make([]string, []int{1, 1, 1, 2, 3, 7}[rng.IntN(6)])
	for i := range n {
		n[i] = randomName(rng)
	}
	return n
}

// randomAddr returns an address of p. Half of them are close to others.
func randomAddr(rng *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	host := 8*len(b) - p.Bits()
	if host > 6 && rng.IntN(2) == 0 {
		host = 6
	}
	for i := range host {
		b[len(b)-1-i/8] |= byte(rng.IntN(2)) << (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// sorted returns names as a snapshot has them.
func sorted(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func (v inventory) encode(tb testing.TB) []byte {
	b, err := NewBuilder("", v.zones)
	if err != nil {
		tb.Fatal(err)
	}
	for _, a := range slices.SortedFunc(maps.Keys(v.entries), netip.Addr.Compare) {
		if err := b.Add(a, v.entries[a].kind, v.entries[a].ttl, v.entries[a].names); err != nil {
			tb.Fatal(err)
		}
	}
	return encoded(tb, b)
}

// covers is Reader.Covers by linear scan.
func (v inventory) covers(z *Zone, p netip.Prefix) bool {
	for a := range v.entries {
		if z.Prefix.Contains(a) && p.Contains(a) {
			return true
		}
	}
	return false
}

// TestModel builds random inventories, opens them and compares everything that the Reader says with the inventory.
func TestModel(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		v := randomInventory(rng)
		file := v.encode(t)
		if again := v.encode(t); !bytes.Equal(file, again) {
			t.Fatalf("seed %d: two encodings of an inventory differ: %s", seed, difference(again, file))
		}
		r, err := OpenBytes(file)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := reencode(t, r); !bytes.Equal(file, again) {
			t.Fatalf("seed %d: encoded again, the file differs: %s", seed, difference(again, file))
		}
		if r.Len() != len(v.entries) {
			t.Fatalf("seed %d: %d entries, want %d", seed, r.Len(), len(v.entries))
		}
		v.compareZones(t, r)
		for i := range r.Zones() {
			z := &r.Zones()[i]
			v.compareEntries(t, r, z)
			v.compareLookups(t, r, z, rng)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (v inventory) compareZones(t *testing.T, r *Reader) {
	t.Helper()
	want := slices.Clone(v.zones)
	slices.SortFunc(want, func(a, b Zone) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	if len(r.Zones()) != len(want) {
		t.Fatalf("%d zones, want %d", len(r.Zones()), len(want))
	}
	for i, got := range r.Zones() {
		w := want[i]
		if got.Name != w.Name || got.Prefix != w.Prefix || got.Serial != w.Serial || got.TTL != w.TTL ||
			got.SOA != w.SOA || got.Fallback != w.Fallback || !slices.Equal(got.NS, sorted(w.NS)) {
			t.Errorf("zone %d is %+v, want %+v", i, got, w)
		}
	}
}

func (v inventory) compareEntries(t *testing.T, r *Reader, z *Zone) {
	t.Helper()
	var before netip.Addr
	n := 0
	for a, s := range r.Entries(z) {
		if n > 0 && !before.Less(a) {
			t.Errorf("entry %v comes after %v", a, before)
		}
		before = a
		n++
		v.compareRRset(t, a, s)
	}
	want := 0
	for a := range v.entries {
		if z.Prefix.Contains(a) {
			want++
		}
	}
	if n != want || z.Len() != want {
		t.Errorf("zone %s has %d entries and length %d, want %d", z.Name, n, z.Len(), want)
	}
	for range r.Entries(z) {
		break // the iterator must not go on
	}
}

func (v inventory) compareRRset(t *testing.T, a netip.Addr, s RRset) {
	t.Helper()
	e, ok := v.entries[a]
	if !ok {
		t.Errorf("%v has an RRset but is in no entry", a)
		return
	}
	if s.Kind != e.kind || s.TTL != e.ttl || !slices.Equal(names(s), sorted(e.names)) {
		t.Errorf("RRset of %v is kind %d, TTL %d, %q, want %+v", a, s.Kind, s.TTL, names(s), e)
	}
}

// compareLookups looks up each address of the inventory and its neighbours, in z, which not all lie in; and the
// prefixes around them.
func (v inventory) compareLookups(t *testing.T, r *Reader, z *Zone, rng *rand.Rand) {
	t.Helper()
	check := func(a netip.Addr) {
		if !a.IsValid() { // beyond the first or the last address
			return
		}
		s, ok := r.Lookup(z, a)
		if _, found := v.entries[a]; ok != (found && z.Prefix.Contains(a)) {
			t.Errorf("lookup of %v in %s: found %v", a, z.Name, ok)
		} else if ok {
			v.compareRRset(t, a, s)
		}
		p := netip.PrefixFrom(a, rng.IntN(a.BitLen()+1)) // not masked, which must not matter
		if got, want := r.Covers(z, p), v.covers(z, p); got != want {
			t.Errorf("%s covers %v: %v, want %v", z.Name, p, got, want)
		}
	}
	for a := range v.entries {
		check(a)
		if z.Prefix.Contains(a) {
			check(a.Prev())
			check(a.Next())
			check(randomAddr(rng, z.Prefix))
		}
	}
	for _, a := range []string{"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		check(netip.MustParseAddr(a))
	}
	check(z.Prefix.Addr())
	check(z.Prefix.Addr().Prev())
	check(arpa.Last(z.Prefix))
	check(arpa.Last(z.Prefix).Next())
	if _, ok := r.Lookup(z, netip.Addr{}); ok {
		t.Error("found the invalid address")
	}
	if r.Covers(z, netip.Prefix{}) {
		t.Error("covers the invalid prefix")
	}
}
