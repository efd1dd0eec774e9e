package snapshot

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/arpa"
)

// A part is a prefix with the name of its zone, if that is not the name of the prefix.
type part struct{ prefix, name string }

// modelZones are the prefixes that random inventories take their reverse zones from, with what each may delegate. It
// must do so if a zone is inside.
var modelZones = []struct {
	part
	delegations []part
}{
	{part{"192.0.2.0/24", ""}, []part{
		{"192.0.2.8/29", "rev.customer.example."}, {"192.0.2.64/26", "64/26.2.0.192.in-addr.arpa."}, {"192.0.2.128/32", ""},
		{"192.0.2.129/32", "x.129.2.0.192.in-addr.arpa."}, {"192.0.2.255/32", ""},
	}},
	{part{"192.0.2.64/26", "64/26.2.0.192.in-addr.arpa."}, []part{{"192.0.2.127/32", "127.64/26.2.0.192.in-addr.arpa."}}},
	{part{"192.0.2.128/32", ""}, nil},
	{part{"198.51.100.0/25", "0-25.100.51.198.in-addr.arpa."}, nil},
	{part{"198.51.100.128/26", "128/26.100.51.198.in-addr.arpa."}, nil},
	{part{"198.51.100.192/32", ""}, nil},
	{part{"198.51.100.193/32", "customer.example."}, nil},
	{part{"198.51.100.254/31", "254-31.100.51.198.in-addr.arpa."}, nil},
	{part{"203.0.113.0/24", ""}, nil},
	{part{"2001:db8::/48", ""}, []part{{"2001:db8::/52", ""}, {"2001:db8:0:f000::/52", ""}}},
	{part{"2001:db8:1::/48", ""}, nil},
	{part{"2001:db8:1000::/36", ""}, []part{{"2001:db8:1000::/48", ""}, {"2001:db8:1f00::/40", ""}}},
	{part{"2001:db8:1f00::/44", ""}, []part{{"2001:db8:1f00::/124", ""}}},
	{part{"2001:db8:1f00::/124", ""}, []part{{"2001:db8:1f00::f/128", ""}}},
	{part{"2001:db8:1f00::f/128", ""}, nil},
	{part{"2001:db8:8000:1::/64", ""}, nil},
	{part{"2001:db8:ffff:ffff:ffff:ffff:ffff:ff00/124", ""}, nil},
	{part{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128", ""}, nil},
}

func (p part) Prefix() netip.Prefix { return netip.MustParsePrefix(p.prefix) }

func (p part) Name() string {
	if p.name == "" {
		return arpa.ZoneName(p.Prefix())
	}
	return p.name
}

// An inventory is the content of a snapshot as plain maps: the slow reference for the Reader.
type inventory struct {
	zones   []Zone
	entries map[netip.Addr]entry
	hosts   map[string]map[netip.Addr]bool // by their names
}

func randomInventory(rng *rand.Rand) inventory {
	v := inventory{entries: make(map[netip.Addr]entry), hosts: make(map[string]map[netip.Addr]bool)}
	chosen := make(map[netip.Prefix]bool)
	for _, m := range modelZones {
		if rng.IntN(3) > 0 {
			chosen[m.Prefix()] = true
		}
	}
	for _, m := range modelZones {
		if !chosen[m.Prefix()] {
			continue
		}
		z := randomZone(rng, Reverse, m.Name())
		z.Prefix = m.Prefix()
		if rng.IntN(2) == 0 {
			z.Fallback = "{ip}." + []string{randomName(rng), "vps.example.", "x.server.example."}[rng.IntN(3)]
		}
		for _, p := range m.delegations {
			inside := slices.ContainsFunc(slices.Collect(maps.Keys(chosen)), func(q netip.Prefix) bool {
				return p.Prefix().Bits() <= q.Bits() && p.Prefix().Contains(q.Addr())
			})
			if inside || rng.IntN(2) == 0 {
				z.Delegations = append(z.Delegations, randomDelegation(rng, p, z.Name))
			}
		}
		v.zones = append(v.zones, z)
		for range []int{0, 1, 10, 50}[rng.IntN(4)] {
			if a := randomAddr(rng, z.Prefix); delegation(&z, a) == nil {
				v.entries[a] = entry{"", Kind(1 + rng.IntN(2)), rng.Uint32() & MaxTTL, randomNames(rng)}
			}
		}
	}
	for _, name := range []string{"server.example.", "vps.example."} {
		if rng.IntN(3) == 0 {
			continue
		}
		v.zones = append(v.zones, randomZone(rng, Forward, name))
		for range []int{0, 1, 10, 50}[rng.IntN(4)] {
			host := strings.Repeat("a.", rng.IntN(2)) + name
			for range rng.IntN(4) {
				host = []string{"a.", "b.", "a-b.", "0.", "ab."}[rng.IntN(5)] + host
			}
			if v.hosts[host] == nil {
				v.hosts[host] = make(map[netip.Addr]bool)
			}
			for range 1 + rng.IntN(3) {
				v.hosts[host][randomAddr(rng, modelZones[rng.IntN(len(modelZones))].Prefix())] = true
			}
		}
	}
	if rng.IntN(2) == 0 {
		z := randomZone(rng, Catalog, "catalog.example.")
		z.NS = []string{"invalid."}
		v.zones = append(v.zones, z)
	}
	rng.Shuffle(len(v.zones), func(i, j int) { v.zones[i], v.zones[j] = v.zones[j], v.zones[i] })
	return v
}

// randomZone returns a zone with what all kinds have.
func randomZone(rng *rand.Rand, kind ZoneKind, name string) Zone {
	return Zone{
		Kind:   kind,
		Name:   name,
		Serial: rng.Uint32(),
		TTL:    rng.Uint32() & MaxTTL,
		SOA: SOA{randomName(rng), randomName(rng), rng.Uint32() & MaxTTL, rng.Uint32() & MaxTTL,
			rng.Uint32() & MaxTTL, rng.Uint32() & MaxTTL},
		NS: randomNames(rng),
	}
}

func randomDelegation(rng *rand.Rand, p part, apex string) Delegation {
	d := Delegation{Prefix: p.Prefix(), Name: p.Name()}
	if !strings.HasSuffix(d.Name, "."+apex) {
		return d
	}
	d.NS = randomNames(rng)
	for range rng.IntN(3) {
		ns := "ns" + []string{"1", "2"}[rng.IntN(2)] + "." + d.Name
		d.NS = append(d.NS, ns)
		d.Glue = append(d.Glue, Glue{ns, randomAddr(rng, netip.MustParsePrefix("192.0.2.0/24"))})
	}
	for range rng.IntN(3) {
		d.DS = append(d.DS, DS{uint16(rng.IntN(2)), uint8(rng.IntN(2)), 2, randomName(rng)})
	}
	return d
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

// delegation is Zone.Delegation by linear scan.
func delegation(z *Zone, a netip.Addr) *Delegation {
	for i := range z.Delegations {
		if z.Delegations[i].Prefix.Contains(a) {
			return &z.Delegations[i]
		}
	}
	return nil
}

// owns reports whether z and no zone inside it has the PTRs of a.
func owns(z *Zone, a netip.Addr) bool { return z.Prefix.Contains(a) && delegation(z, a) == nil }

// builder returns a Builder to which everything was added, the hosts in a random order and in parts.
func (v inventory) builder(tb testing.TB, rng *rand.Rand) *Builder {
	b, err := NewBuilder("", v.zones)
	if err != nil {
		tb.Fatal(err)
	}
	for _, a := range slices.SortedFunc(maps.Keys(v.entries), netip.Addr.Compare) {
		if err := b.Add(a, v.entries[a].kind, v.entries[a].ttl, v.entries[a].names); err != nil {
			tb.Fatal(err)
		}
	}
	type part struct {
		name  string
		addrs []netip.Addr
	}
	var parts []part
	for name, addrs := range v.hosts {
		all := slices.Collect(maps.Keys(addrs))
		cut := rng.IntN(len(all))
		parts = append(parts, part{name, all[cut:]})
		if cut > 0 {
			parts = append(parts, part{name, all[:cut+1]})
		}
	}
	rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	for _, p := range parts {
		if err := b.AddHost(p.name, p.addrs); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// TestModel builds random inventories, opens them and compares everything that the Reader says with the inventory.
func TestModel(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		v := randomInventory(rng)
		b := v.builder(t, rng)
		file := encoded(t, b)
		if again := encoded(t, v.builder(t, rng)); !bytes.Equal(file, again) {
			t.Fatalf("seed %d: two encodings of an inventory differ: %s", seed, difference(again, file))
		}
		r, err := OpenBytes(file)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := reencode(t, r); !bytes.Equal(file, again) {
			t.Fatalf("seed %d: encoded again, the file differs: %s", seed, difference(again, file))
		}
		v.compare(t, r, rng)
		if r, err = b.Reader(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		v.compare(t, r, rng)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (v inventory) compare(t *testing.T, r *Reader, rng *rand.Rand) {
	t.Helper()
	if r.Len() != len(v.entries) || r.HostCount() != len(v.hosts) {
		t.Fatalf("%d entries and %d hosts, want %d and %d", r.Len(), r.HostCount(), len(v.entries), len(v.hosts))
	}
	v.compareZones(t, r)
	for i := range r.Zones() {
		z := &r.Zones()[i]
		v.compareEntries(t, r, z)
		v.compareLookups(t, r, z, rng)
		v.compareHosts(t, r, z, rng)
	}
}

func (v inventory) compareZones(t *testing.T, r *Reader) {
	t.Helper()
	want := slices.Clone(v.zones)
	slices.SortFunc(want, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
	if len(r.Zones()) != len(want) {
		t.Fatalf("%d zones, want %d", len(r.Zones()), len(want))
	}
	for i, got := range r.Zones() {
		w := want[i]
		w.NS = sorted(w.NS)
		w.Delegations = slices.Clone(w.Delegations)
		for j := range w.Delegations {
			d := &w.Delegations[j]
			d.NS = sorted(d.NS)
			d.DS = slices.Compact(slices.SortedFunc(slices.Values(d.DS), DS.compare))
			d.Glue = slices.Compact(slices.SortedFunc(slices.Values(d.Glue), Glue.compare))
		}
		if endless := r.Endless(&r.Zones()[i]) != nil; endless != v.endless(&w) {
			t.Errorf("zone %s is endless: %v", w.Name, endless)
		}
		got.found = found{}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("zone %d is %+v, want %+v", i, got, w)
		}
	}
}

func (v inventory) endless(z *Zone) bool {
	return slices.ContainsFunc(v.zones, func(other Zone) bool {
		return other.Fallback != "" && other.Prefix.Addr().Is6() &&
			(other.Name == z.Name || z.Kind == Forward && strings.HasSuffix(other.Fallback, "."+z.Name))
	})
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
		if !owns(z, a) {
			t.Errorf("%s has an entry %v", z.Name, a)
		}
		v.compareRRset(t, a, s)
	}
	want := 0
	for a := range v.entries {
		if owns(z, a) {
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
		if got, want := z.Delegation(a), delegation(z, a); got != want {
			t.Errorf("%s delegates %v by %+v, want %+v", z.Name, a, got, want)
		} else if got == nil {
			s, ok := r.Lookup(z, a)
			if _, found := v.entries[a]; ok != (found && z.Prefix.Contains(a)) {
				t.Errorf("lookup of %v in %s: found %v", a, z.Name, ok)
			} else if ok {
				v.compareRRset(t, a, s)
			}
		}
		p := netip.PrefixFrom(a, rng.IntN(a.BitLen()+1)) // not masked, which must not matter
		if got, want := r.Covers(z, p), v.covers(z, p); got != want {
			t.Errorf("%s covers %v: %v, want %v", z.Name, p, got, want)
		}
	}
	around := func(p netip.Prefix) {
		check(p.Addr())
		check(p.Addr().Prev())
		check(arpa.Last(p))
		check(arpa.Last(p).Next())
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
	if z.Kind == Reverse {
		around(z.Prefix)
	}
	for i := range z.Delegations {
		around(z.Delegations[i].Prefix)
	}
	if _, ok := r.Lookup(z, netip.Addr{}); ok {
		t.Error("found the invalid address")
	}
	if r.Covers(z, netip.Prefix{}) {
		t.Error("covers the invalid prefix")
	}
}

// covers is Reader.Covers by linear scan.
func (v inventory) covers(z *Zone, p netip.Prefix) bool {
	for a := range v.entries {
		if owns(z, a) && p.Contains(a) {
			return true
		}
	}
	return slices.ContainsFunc(z.Delegations, func(d Delegation) bool { return d.Prefix.Overlaps(p) })
}

// compareHosts looks up each host of the inventory, what is above it and some that are not there, in any case.
func (v inventory) compareHosts(t *testing.T, r *Reader, z *Zone, rng *rand.Rand) {
	t.Helper()
	hosts := make(map[string][]netip.Addr) // by the labels below the apex
	for name, addrs := range v.hosts {
		if labels, ok := strings.CutSuffix("."+name, "."+z.Name); ok {
			hosts[strings.TrimPrefix(labels, ".")] = slices.SortedFunc(maps.Keys(addrs), netip.Addr.Compare)
		}
	}
	var got []string
	for h := range r.Hosts(z) {
		got = append(got, h.Name())
	}
	want := slices.SortedFunc(maps.Keys(hosts), func(a, b string) int {
		return slices.Compare(reversedLabels(a), reversedLabels(b))
	})
	if !slices.Equal(got, want) || z.HostLen() != len(want) {
		t.Errorf("%s has %d hosts %q, want %q", z.Name, z.HostLen(), got, want)
	}
	check := func(labels string) {
		below := func(name string) bool { return labels == "" && name != "" || strings.HasSuffix(name, "."+labels) }
		wantBelow := slices.ContainsFunc(want, below)
		wantAddrs := hosts[labels]
		if rng.IntN(2) == 0 {
			labels = strings.ToUpper(labels)
		}
		h, ok := r.Host(z, labels)
		if ok != (wantAddrs != nil) || !slices.Equal(hostAddrs(h), wantAddrs) || ok && h.Name() != strings.ToLower(labels) {
			t.Errorf("host %q of %s: %v, addresses %v, want %v", labels, z.Name, ok, hostAddrs(h), wantAddrs)
		}
		if got := r.HostBelow(z, labels); got != wantBelow {
			t.Errorf("hosts below %q of %s: %v", labels, z.Name, got)
		}
	}
	for _, labels := range append(want, "", "a", "-", "z", "b.0", "a.a.a.a.a.a", `\000`, `a\.b`, "~") {
		for ; labels != ""; _, labels, _ = strings.Cut(labels, ".") {
			check(labels)
			check("x" + labels)
			check("a." + labels)
		}
	}
	check("")
	for range r.Hosts(z) {
		break // the iterator must not go on
	}
}

// reversedLabels returns the labels of a name from the right.
func reversedLabels(name string) []string {
	if name == "" {
		return nil
	}
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return labels
}
