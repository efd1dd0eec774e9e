package snapshot

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/revmap/revmap/internal/arpa"
)

// lookupReader returns a snapshot of zones with so many addresses that they have samples of samples, and all addresses.
func lookupReader(t *testing.T, v6 bool) (*Reader, []netip.Addr) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	var zones []Zone
	addrs := make(map[netip.Addr]bool)
	for i, size := range []int{3000, 0, 1, 7, 5000, 16, 32, 512, 1024, 0} {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i)}), 16)
		if v6 {
			p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(i)}), 48)
		}
		zones = append(zones, Zone{
			Kind: Reverse, Serial: 1, Name: arpa.ZoneName(p), Prefix: p,
			SOA: SOA{Primary: "ns1.example.net.", Contact: "hostmaster.example.net."}, NS: []string{"ns1.example.net."},
		})
		for range size {
			addrs[randomAddr(rng, p)] = true
		}
	}
	b, err := NewBuilder("", zones)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]netip.Addr, 0, len(addrs))
	for a := range addrs {
		list = append(list, a)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	for i, a := range list {
		if err := b.Add(a, Explicit, uint32(i), []string{"a.example.net.", "b.example.net."}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := b.Reader()
	if err != nil {
		t.Fatal(err)
	}
	return r, list
}

// TestLookupAll looks up all addresses, and those beside them, in all zones: one by one and in lists of all lengths.
func TestLookupAll(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		r, addrs := lookupReader(t, v6)
		rng := rand.New(rand.NewPCG(7, 9))
		index := make(map[netip.Addr]int)
		asked := []netip.Addr{{}, netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"),
			netip.MustParseAddr("::"), netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")}
		for i, a := range addrs {
			index[a] = i
			asked = append(asked, a, a.Next(), a.Prev())
		}
		var lookups []Lookup
		for i := range r.Zones() {
			z := &r.Zones()[i]
			for _, a := range asked {
				lookups = append(lookups, Lookup{Zone: z, Addr: a})
			}
		}
		rng.Shuffle(len(lookups), func(i, j int) { lookups[i], lookups[j] = lookups[j], lookups[i] })
		found := 0
		for rest := lookups; len(rest) > 0; {
			n := min(len(rest), rng.IntN(70))
			var list []*Lookup
			for i := range rest[:n] {
				list = append(list, &rest[i])
			}
			r.LookupAll(list)
			r.LookupAll(list) // again, with what is left of before
			for _, l := range list {
				i, ok := index[l.Addr]
				ok = ok && l.Zone.Prefix.Contains(l.Addr)
				one, oneFound := r.Lookup(l.Zone, l.Addr)
				if l.Found != ok || oneFound != ok {
					t.Fatalf("%v in %s is found: %v, %v, want %v", l.Addr, l.Zone.Name, l.Found, oneFound, ok)
				}
				if ok && (l.Set.TTL != uint32(i) || one != l.Set || l.Set.Name(1) != "b.example.net.") {
					t.Fatalf("%v in %s has %+v and %+v, want TTL %d", l.Addr, l.Zone.Name, l.Set, one, i)
				}
				if ok {
					found++
				}
			}
			rest = rest[n:]
		}
		if found < len(addrs) {
			t.Errorf("%d of %d addresses were found", found, len(addrs))
		}
	}
}

func TestLookupAllDoesNotAllocate(t *testing.T) {
	r, addrs := lookupReader(t, true)
	var list []*Lookup
	for _, a := range addrs[:64] {
		list = append(list, &Lookup{Zone: &r.Zones()[0], Addr: a})
	}
	dst := make([]byte, 0, 300)
	allocs := testing.AllocsPerRun(10, func() {
		r.LookupAll(list)
		for _, l := range list {
			dst = l.Set.AppendName(l.Set.AppendName(dst[:0], 0), 1)
		}
	})
	if want := "a.example.net.b.example.net."; allocs > 0 || string(dst) != want {
		t.Errorf("%v allocations for %q, want none for %q", allocs, dst, want)
	}
}
