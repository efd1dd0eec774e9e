package authority_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/oracle"
	"github.com/revmap/revmap/internal/snapshot"
)

var qtypes = []uint16{
	dns.TypePTR, dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeSOA, dns.TypeCNAME, dns.TypeDS, dns.TypeTXT, dns.TypeMX,
	dns.TypeANY,
}

// seeds returns how many random inventories a test tries.
func seeds(t *testing.T) int {
	t.Helper()
	if testing.Short() {
		return 20
	}
	return 120
}

// TestAgainstOracle asks everything that may go wrong about random inventories.
func TestAgainstOracle(t *testing.T) {
	for seed := range seeds(t) {
		rnd := rand.New(rand.NewPCG(uint64(seed), 1))
		c := randomContent(rnd)
		g := generation(t, c)
		o := oracle.New(g.Reader())
		scratch := scratchTest{Generation: g}
		for _, qname := range questions(rnd, g, o) {
			for _, qtype := range qtypes {
				for _, do := range []bool{false, true} {
					want, got := o.Answer(qname, qtype, do), response(g.Answer(qname, qtype, do))
					if !reflect.DeepEqual(want, got) {
						t.Fatalf("seed %d: %s %s, DO %t (-oracle +got):\n%s",
							seed, qname, dns.TypeToString[qtype], do, gocmp.Diff(want, got))
					}
					scratch.compare(t, want, qname, qtype, do)
				}
			}
		}
	}
}

// questions returns the names that some of the RRs have and lead to, all their ancestors, names beside and below those,
// and some of them in other spellings.
func questions(rnd *rand.Rand, g *authority.Generation, o *oracle.Oracle) []string {
	names := []string{"."}
	add := func(name string) {
		for ; name != ""; _, name, _ = strings.Cut(name, ".") {
			names = append(names, name)
		}
	}
	v := inventory{Rand: rnd}
	for _, z := range g.Reader().Zones() {
		rrs := o.Zone(z.Name)
		for range 60 {
			fields := strings.Fields(rrs[rnd.IntN(len(rrs))])
			add(fields[0])
			switch fields[2] {
			case "NS", "CNAME", "PTR":
				add(fields[3])
			}
		}
		if z.Kind == snapshot.Reverse {
			for a := range v.addresses(z.Prefix) {
				add(z.Owner(a))
				for _, fallback := range g.Fallbacks(&z) {
					template, _ := hostname.Parse(fallback) // the reader has verified it
					name, _ := template.Expand(hostname.Values{Addr: a})
					add(name)
				}
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	odd := []string{
		"0", "00", "1", "f", "g", "256", "255", "01", "0x1", "64-26", `\046`, `1\.2`, "a-much-longer-label", "*",
	}
	for _, name := range names {
		switch rnd.IntN(4) {
		case 0:
			names = append(names, strings.ToUpper(name))
		case 1:
			if name != "." {
				names = append(names, odd[rnd.IntN(len(odd))]+"."+name)
			}
		case 2: // another label in front
			if _, rest, _ := strings.Cut(name, "."); rest != "" {
				names = append(names, odd[rnd.IntN(len(odd))]+"."+rest)
			}
		}
	}
	return names
}

func TestRecords(t *testing.T) {
	for seed := range seeds(t) {
		g := generation(t, randomContent(rand.New(rand.NewPCG(uint64(seed), 1))))
		o := oracle.New(g.Reader())
		for i := range g.Reader().Zones() {
			z := &g.Reader().Zones()[i]
			if g.Reader().Endless(z) != nil {
				continue
			}
			// Neither has a RR twice: the oracle's list is a set.
			if diff := gocmp.Diff(o.Zone(z.Name), texts(slices.Collect(g.Records(z)))); diff != "" {
				t.Fatalf("seed %d: records of %s (-oracle +got):\n%s", seed, z.Name, diff)
			}
		}
	}
}

// TestStored: nothing that fallbacks make is stored, and what they make is in Fallbacks.
func TestStored(t *testing.T) {
	g := generation(t, specification)
	for _, test := range []struct {
		apex      string
		lines     int // with one SOA and two NS RRs
		fallbacks []string
	}{
		{"113.0.203.in-addr.arpa.", 3 + 2 + 1 + 16, []string{"203.0.113.0/24 {ip}.static.host.example."}},
		{"160-28.113.0.203.in-addr.arpa.", 3, []string{"203.0.113.160/28 {a}-{b}-{c}-{d}.static.host.example."}},
		{"0.f.f.f.3.ip6.arpa.", 3 + 1, []string{"3fff::/20 {ip}.v6.host.example."}},
		{"host.example.", 3 + 9, []string{
			"203.0.113.160/28 {a}-{b}-{c}-{d}.static.host.example.", "203.0.113.0/24 {ip}.static.host.example.",
			"3fff::/20 {ip}.v6.host.example.",
		}},
		{"bare.example.", 3 + 2, nil},
	} {
		z := g.Zone(test.apex)
		if stored := texts(slices.Collect(g.Stored(z))); len(stored) != test.lines {
			t.Errorf("%s: %d RRs are stored, want %d:\n%s", test.apex, len(stored), test.lines, strings.Join(stored, "\n"))
		}
		var fallbacks []string
		for p, template := range g.Fallbacks(z) {
			fallbacks = append(fallbacks, p.String()+" "+template)
		}
		if diff := gocmp.Diff(test.fallbacks, fallbacks); diff != "" {
			t.Errorf("fallbacks of %s (-want +got):\n%s", test.apex, diff)
		}
	}
}

// TestStop leaves each sequence after each of its elements: none goes on.
func TestStop(t *testing.T) {
	g := generation(t, specification)
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		list := g.Records
		if g.Reader().Endless(z) != nil {
			list = g.Stored
		}
		for n := range len(slices.Collect(list(z))) {
			at := 0
			for range list(z) {
				if at == n {
					break // the runtime panics if the sequence goes on
				}
				at++
			}
		}
		for range g.Fallbacks(z) {
			break
		}
	}
}

// FuzzAnswer: no question of any shape may end in a panic, or be answered otherwise than by the oracle.
func FuzzAnswer(f *testing.F) {
	g := generation(f, specification)
	o := oracle.New(g.Reader())
	for i, qname := range questions(rand.New(rand.NewPCG(2, 2)), g, o) {
		f.Add(qname, qtypes[i%len(qtypes)], i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, qname string, qtype uint16, do bool) {
		g.Answer(qname, qtype, do) // must come back
		// Only what arrives over the wire is a question: pack and unpack to get the spelling that a server sees.
		var buf [300]byte
		n, err := dns.PackDomainName(dns.Fqdn(qname), buf[:], 0, nil, false)
		if err != nil {
			return
		}
		name, _, err := dns.UnpackDomainName(buf[:n], 0)
		if err != nil {
			return
		}
		if diff := gocmp.Diff(o.Answer(name, qtype, do), response(g.Answer(name, qtype, do))); diff != "" {
			t.Errorf("%s %d (-oracle +got):\n%s", name, qtype, diff)
		}
	})
}
