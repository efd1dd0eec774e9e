package authority_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/oracle"
	"github.com/revmap/revmap/internal/snapshot"
)

// entry is one address of a test inventory.
type entry struct {
	addr  string
	kind  snapshot.Kind
	ttl   uint32
	names []string
}

func zone(name, prefix, fallback string) snapshot.Zone {
	return snapshot.Zone{
		Name: name, Prefix: netip.MustParsePrefix(prefix), Serial: 7, TTL: 3600, Fallback: fallback,
		SOA: snapshot.SOA{Primary: "ns1.example.net.", Contact: "hostmaster.example.net.",
			Refresh: 3600, Retry: 900, Expire: 1209600, Minimum: 300},
		NS: []string{"ns1.example.net.", "ns2.example.net."},
	}
}

func generation(t testing.TB, zones []snapshot.Zone, entries []entry) *authority.Generation {
	t.Helper()
	slices.SortFunc(zones, func(a, b snapshot.Zone) int { return cmp.Compare(a.Name, b.Name) })
	b, err := snapshot.NewBuilder("", zones)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return netip.MustParseAddr(a.addr).Compare(netip.MustParseAddr(b.addr))
	})
	for _, e := range entries {
		if err := b.Add(netip.MustParseAddr(e.addr), e.kind, e.ttl, e.names); err != nil {
			t.Fatal(err)
		}
	}
	var buf bytes.Buffer
	if _, err := b.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	r, err := snapshot.OpenBytes(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	g, err := authority.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// response writes an answer in the words of the oracle.
func response(qname string, a authority.Answer) oracle.Response {
	if a.Kind == authority.Outside {
		return oracle.Response{Rcode: "REFUSED"}
	}
	resp := oracle.Response{Rcode: "NOERROR", AA: true}
	if a.Kind == authority.NXDomain {
		resp.Rcode = "NXDOMAIN"
	}
	z := a.Zone
	soa := fmt.Sprintf("SOA %s %s %d %d %d %d %d", z.SOA.Primary, z.SOA.Contact, z.Serial,
		z.SOA.Refresh, z.SOA.Retry, z.SOA.Expire, z.SOA.Minimum)
	switch a.Type {
	case 0:
		resp.Authority = []string{fmt.Sprintf("%s %d %s", z.Name, a.NegativeTTL(), soa)}
	case authority.TypeSOA:
		resp.Answer = []string{fmt.Sprintf("%s %d %s", qname, a.TTL(), soa)}
	case authority.TypeNS:
		for _, ns := range z.NS {
			resp.Answer = append(resp.Answer, fmt.Sprintf("%s %d NS %s", qname, a.TTL(), ns))
		}
	case authority.TypePTR:
		for i := range a.Len() {
			resp.Answer = append(resp.Answer, fmt.Sprintf("%s %d PTR %s", qname, a.TTL(), a.Target(i)))
		}
	}
	return resp
}

func TestAnswer(t *testing.T) {
	g := generation(t, []snapshot.Zone{
		zone("2.0.192.in-addr.arpa.", "192.0.2.0/24", ""),
		zone("64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26", ""),
		zone("113.0.203.in-addr.arpa.", "203.0.113.0/24", "{ip}.fallback.example."),
		zone("9.101.51.198.in-addr.arpa.", "198.51.101.9/32", ""),
		zone("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", ""),
		zone("0.0.0.0.f.f.f.3.ip6.arpa.", "3fff::/32", "{ip}.v6.example."),
	}, []entry{
		{"192.0.2.10", snapshot.Explicit, 300, []string{"mail.example.org."}},
		{"192.0.2.20", snapshot.Default, 3600, []string{"web1.vps.example."}},
		{"192.0.2.30", snapshot.Explicit, 3600, []string{"a.example.org.", "b.example.org."}},
		{"198.51.100.65", snapshot.Explicit, 3600, []string{"classless.example.org."}},
		{"203.0.113.5", snapshot.Explicit, 60, []string{"named.example.org."}},
		{"198.51.101.9", snapshot.Explicit, 3600, []string{"alone.example.org."}},
		{"2001:db8::1", snapshot.Explicit, 3600, []string{"six.example.org."}},
	})
	const (
		v6        = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
		noerror   = "NOERROR"
		nxdomain  = "NXDOMAIN"
		soaData   = "SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300"
		soa4      = "2.0.192.in-addr.arpa. 300 " + soaData
		soaBelow  = "64-26.100.51.198.in-addr.arpa. 300 " + soaData
		soaFall   = "113.0.203.in-addr.arpa. 300 " + soaData
		soaAlone  = "9.101.51.198.in-addr.arpa. 300 " + soaData
		soa6      = "8.b.d.0.1.0.0.2.ip6.arpa. 300 " + soaData
		soa6Fall  = "0.0.0.0.f.f.f.3.ip6.arpa. 300 " + soaData
		labels240 = "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x." +
			"x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x."
	)
	for _, test := range []struct {
		what, qname, qtype string
		kind               authority.Kind
		rcode, answer, soa string
	}{
		{"a reverse map name", "10.2.0.192.in-addr.arpa.", "PTR", authority.Explicit, noerror, "300 PTR mail.example.org.", ""},
		{"a default hostname", "20.2.0.192.in-addr.arpa.", "PTR", authority.Default, noerror, "3600 PTR web1.vps.example.", ""},
		{"ANY gets one RRset", "10.2.0.192.in-addr.arpa.", "ANY", authority.Explicit, noerror, "300 PTR mail.example.org.", ""},
		{"another type at an address", "10.2.0.192.in-addr.arpa.", "A", authority.NoData, noerror, "", soa4},
		{"DS at an address", "10.2.0.192.in-addr.arpa.", "DS", authority.NoData, noerror, "", soa4},
		{"an address without a name", "11.2.0.192.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soa4},
		{"the question's case is kept", "10.2.0.192.In-Addr.ARPA.", "PTR", authority.Explicit, noerror, "300 PTR mail.example.org.", ""},
		{"leading zeros", "010.2.0.192.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soa4},
		{"no octet", "256.2.0.192.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soa4},
		{"a fifth octet", "1.10.2.0.192.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soa4},
		{"an escaped digit", `\0490.2.0.192.in-addr.arpa.`, "PTR", authority.NXDomain, nxdomain, "", soa4},
		{"an escaped dot", `10\.2.0.192.in-addr.arpa.`, "PTR", authority.Outside, "REFUSED", "", ""},
		{"an escaped backslash", `10\\.2.0.192.in-addr.arpa.`, "PTR", authority.NXDomain, nxdomain, "", soa4},
		{"the apex's SOA", "2.0.192.in-addr.arpa.", "SOA", authority.Apex, noerror, "3600 " + soaData, ""},
		{"the apex, ANY", "2.0.192.in-addr.arpa.", "ANY", authority.Apex, noerror, "3600 " + soaData, ""},
		{"the apex, PTR", "2.0.192.in-addr.arpa.", "PTR", authority.NoData, noerror, "", soa4},
		{"above the apex", "0.192.in-addr.arpa.", "PTR", authority.Outside, "REFUSED", "", ""},
		{"the root", ".", "SOA", authority.Outside, "REFUSED", "", ""},
		{"beside the tree", "x2.0.192.in-addr.arpa.", "SOA", authority.Outside, "REFUSED", "", ""},
		{"as many labels as fit", labels240 + "2.0.192.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soa4},

		{"classless", "65.64-26.100.51.198.in-addr.arpa.", "PTR", authority.Explicit, noerror, "3600 PTR classless.example.org.", ""},
		{"classless without a name", "66.64-26.100.51.198.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soaBelow},
		{"classless outside its block", "63.64-26.100.51.198.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soaBelow},
		{"classless apex", "64-26.100.51.198.in-addr.arpa.", "PTR", authority.NoData, noerror, "", soaBelow},
		{"below a classless address", "1.65.64-26.100.51.198.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soaBelow},
		{"a classless address at its own name", "65.100.51.198.in-addr.arpa.", "PTR", authority.Outside, "REFUSED", "", ""},

		{"a fallback", "6.113.0.203.in-addr.arpa.", "PTR", authority.Fallback, noerror, "3600 PTR 203-0-113-6.fallback.example.", ""},
		{"a name before the fallback", "5.113.0.203.in-addr.arpa.", "PTR", authority.Explicit, noerror, "60 PTR named.example.org.", ""},
		{"another type at a fallback", "6.113.0.203.in-addr.arpa.", "A", authority.NoData, noerror, "", soaFall},
		{"no fallback for a name that is no address", "06.113.0.203.in-addr.arpa.", "PTR", authority.NXDomain, nxdomain, "", soaFall},
		{"an ancestor of a fallback", "0.0.0.0.0.f.f.f.3.ip6.arpa.", "PTR", authority.NoData, noerror, "", soa6Fall},

		{"an address that is an apex", "9.101.51.198.in-addr.arpa.", "PTR", authority.Explicit, noerror, "3600 PTR alone.example.org.", ""},
		{"its SOA", "9.101.51.198.in-addr.arpa.", "SOA", authority.Apex, noerror, "3600 " + soaData, ""},
		{"its TXT", "9.101.51.198.in-addr.arpa.", "TXT", authority.NoData, noerror, "", soaAlone},

		{"IPv6", "1." + v6, "PTR", authority.Explicit, noerror, "3600 PTR six.example.org.", ""},
		{"IPv6 in upper case", strings.ToUpper("1." + v6), "PTR", authority.Explicit, noerror, "3600 PTR six.example.org.", ""},
		{"IPv6 without a name", "2." + v6, "PTR", authority.NXDomain, nxdomain, "", soa6},
		{"an empty non-terminal", v6, "PTR", authority.NoData, noerror, "", soa6},
		{"an empty non-terminal, ANY", v6, "ANY", authority.NoData, noerror, "", soa6},
		{"beside an empty non-terminal", "1.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR", authority.NXDomain, nxdomain, "", soa6},
		{"a 33rd nibble", "0.1." + v6, "PTR", authority.NXDomain, nxdomain, "", soa6},
		{"no nibble", "g." + v6, "PTR", authority.NXDomain, nxdomain, "", soa6},
		{"two digits", "01." + v6, "PTR", authority.NXDomain, nxdomain, "", soa6},
	} {
		t.Run(test.what, func(t *testing.T) {
			want := oracle.Response{Rcode: test.rcode, AA: test.kind != authority.Outside}
			if test.answer != "" {
				want.Answer = []string{test.qname + " " + test.answer}
			}
			if test.soa != "" {
				want.Authority = []string{test.soa}
			}
			a := g.Answer(test.qname, dns.StringToType[test.qtype])
			if a.Kind != test.kind {
				t.Errorf("Answer(%s, %s) is %s, want %s", test.qname, test.qtype, a.Kind, test.kind)
			}
			if diff := gocmp.Diff(want, response(test.qname, a)); diff != "" {
				t.Errorf("Answer(%s, %s) (-want +got):\n%s", test.qname, test.qtype, diff)
			}
			if diff := gocmp.Diff(want, oracle.New(g.Reader()).Answer(test.qname, dns.StringToType[test.qtype])); diff != "" {
				t.Errorf("the oracle on %s, %s (-want +got):\n%s", test.qname, test.qtype, diff)
			}
		})
	}
	t.Run("all names of an address", func(t *testing.T) {
		got := response("30.2.0.192.in-addr.arpa.", g.Answer("30.2.0.192.in-addr.arpa.", dns.TypePTR)).Answer
		want := []string{
			"30.2.0.192.in-addr.arpa. 3600 PTR a.example.org.",
			"30.2.0.192.in-addr.arpa. 3600 PTR b.example.org.",
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("all name servers", func(t *testing.T) {
		if got := response("2.0.192.in-addr.arpa.", g.Answer("2.0.192.in-addr.arpa.", dns.TypeNS)).Answer; len(got) != 2 {
			t.Errorf("%d NS RRs, want 2: %q", len(got), got)
		}
	})
}

// TestNegativeTTL: RFC 2308 section 3 asks for the smaller of the SOA's TTL and its MINIMUM.
func TestNegativeTTL(t *testing.T) {
	for _, test := range []struct{ ttl, minimum, want uint32 }{{3600, 300, 300}, {300, 3600, 300}, {0, 300, 0}} {
		z := zone("2.0.192.in-addr.arpa.", "192.0.2.0/24", "")
		z.TTL, z.SOA.Minimum = test.ttl, test.minimum
		a := generation(t, []snapshot.Zone{z}, nil).Answer("1.2.0.192.in-addr.arpa.", authority.TypePTR)
		if got := a.NegativeTTL(); got != test.want {
			t.Errorf("SOA with TTL %d and MINIMUM %d: negative TTL %d, want %d", test.ttl, test.minimum, got, test.want)
		}
	}
}

// TestAgainstOracle asks everything that may go wrong about random inventories, and compares with a linear scan.
func TestAgainstOracle(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 20
	}
	for seed := range rounds {
		rnd := rand.New(rand.NewPCG(uint64(seed), 1))
		zones, entries := inventory(rnd)
		g := generation(t, zones, entries)
		o := oracle.New(g.Reader())
		for _, qname := range questions(rnd, zones, entries) {
			for _, qtype := range []uint16{dns.TypePTR, dns.TypeSOA, dns.TypeNS, dns.TypeA, dns.TypeDS, dns.TypeANY} {
				want, got := o.Answer(qname, qtype), response(qname, g.Answer(qname, qtype))
				slices.Sort(want.Answer)
				slices.Sort(got.Answer)
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: %s %s (-oracle +got):\n%s", seed, qname, dns.TypeToString[qtype], diff)
				}
			}
		}
	}
}

// inventory makes zones of all shapes, some with a fallback, and addresses that share many of their first bits.
func inventory(rnd *rand.Rand) ([]snapshot.Zone, []entry) {
	shapes := []struct{ name, prefix string }{
		{"2.0.192.in-addr.arpa.", "192.0.2.0/24"},
		{"3.0.192.in-addr.arpa.", "192.0.3.0/24"},
		{"18.198.in-addr.arpa.", "198.18.0.0/16"},
		{"64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26"},
		{"128/25.100.51.198.in-addr.arpa.", "198.51.100.128/25"},
		{"100.51.198.in-addr.arpa.", "198.51.100.0/26"}, // a parent may choose any name
		{"block.customer.example.", "203.0.113.0/28"},
		{"77.113.0.203.in-addr.arpa.", "203.0.113.77/32"},
		{"10.in-addr.arpa.", "10.0.0.0/8"},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32"},
		{"0.0.0.1.0.f.f.f.3.ip6.arpa.", "3fff:100::/36"},
		{arpa.Name(netip.MustParseAddr("3fff::1")), "3fff::1/128"},
	}
	var zones []snapshot.Zone
	var entries []entry
	for _, s := range shapes {
		if rnd.IntN(2) == 0 {
			continue
		}
		fallback := ""
		if rnd.IntN(3) == 0 {
			fallback = "{ip}.fallback.example."
		}
		z := zone(s.name, s.prefix, fallback)
		z.TTL, z.SOA.Minimum = rnd.Uint32N(5000), rnd.Uint32N(5000)
		zones = append(zones, z)
		for a := range addresses(rnd, z.Prefix) {
			e := entry{a.String(), snapshot.Kind(1 + rnd.IntN(2)), rnd.Uint32N(5000), []string{"a.example.org."}}
			if rnd.IntN(8) == 0 {
				e.names = append(e.names, "b.example.org.")
			}
			entries = append(entries, e)
		}
	}
	return zones, entries
}

// addresses returns some addresses of p that differ from each other in few bits.
func addresses(rnd *rand.Rand, p netip.Prefix) map[netip.Addr]bool {
	set := map[netip.Addr]bool{}
	last := p.Addr()
	for range rnd.IntN(12) {
		b := last.AsSlice()
		for range 1 + rnd.IntN(3) {
			bit := rnd.IntN(8 * len(b))
			b[bit/8] ^= 1 << (bit % 8)
		}
		if a, _ := netip.AddrFromSlice(b); p.Contains(a) {
			set[a], last = true, a
		}
	}
	return set
}

// questions returns the owner names of the addresses, all their ancestors, names beside and below those, and all of them
// in other spellings.
func questions(rnd *rand.Rand, zones []snapshot.Zone, entries []entry) []string {
	var names []string
	add := func(name string) {
		for ; name != ""; _, name, _ = strings.Cut(name, ".") {
			names = append(names, name)
		}
	}
	for i := range zones {
		add(zones[i].Owner(zones[i].Prefix.Addr()))
		for a := range addresses(rnd, zones[i].Prefix) {
			add(zones[i].Owner(a))
		}
		for _, e := range entries {
			if a := netip.MustParseAddr(e.addr); zones[i].Prefix.Contains(a) {
				add(zones[i].Owner(a))
			}
		}
	}
	names = append(names, ".")
	slices.Sort(names)
	names = slices.Compact(names)
	odd := []string{"0", "00", "1", "f", "g", "256", "255", "01", "0x1", "64-26", `\046`, `1\.2`, "a-much-longer-label"}
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

// FuzzAnswer: no question of any shape may end in a panic, or be answered otherwise than by the oracle.
func FuzzAnswer(f *testing.F) {
	zones, entries := inventory(rand.New(rand.NewPCG(1, 1)))
	g := generation(f, zones, entries)
	o := oracle.New(g.Reader())
	for _, q := range questions(rand.New(rand.NewPCG(2, 2)), zones, entries) {
		f.Add(q, dns.TypePTR)
	}
	f.Fuzz(func(t *testing.T, qname string, qtype uint16) {
		g.Answer(qname, qtype) // must come back
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
		got := response(name, g.Answer(name, qtype))
		want := o.Answer(name, qtype)
		slices.Sort(got.Answer)
		slices.Sort(want.Answer)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s %d (-oracle +got):\n%s", name, qtype, diff)
		}
	})
}

func TestAllocations(t *testing.T) {
	zones, entries := inventory(rand.New(rand.NewPCG(1, 1)))
	g := generation(t, zones, entries)
	for _, qname := range questions(rand.New(rand.NewPCG(2, 2)), zones, entries) {
		if g.Answer(qname, dns.TypePTR).Kind == authority.Fallback {
			continue
		}
		if n := testing.AllocsPerRun(10, func() { g.Answer(qname, dns.TypePTR) }); n != 0 {
			t.Errorf("Answer(%s, PTR) allocates %v times, want 0", qname, n)
		}
	}
}
