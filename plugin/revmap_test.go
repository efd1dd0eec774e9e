package revmap

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// inventory returns a snapshot with an example of everything that an answer can come from.
func inventory(t testing.TB) []byte {
	t.Helper()
	fallback := testZone("113.0.203.in-addr.arpa.", "203.0.113.0/24", 7)
	fallback.Fallback = "{ip}.static.example.net."
	short := testZone("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", 7)
	short.TTL = 60 // less than MINIMUM
	return encode(t, []snapshot.Zone{
		testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 7),
		testZone("64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26", 7),
		fallback,
		short,
	}, []testEntry{
		{"192.0.2.10", snapshot.Explicit, 1800, []string{"mail.acme.example."}},
		{"192.0.2.20", snapshot.Default, 3600, []string{"examplaab7.dedicated.example."}},
		{"192.0.2.30", snapshot.Explicit, 3600, []string{"a.example.net.", "b.example.net."}},
		{"198.51.100.70", snapshot.Explicit, 3600, []string{"www.bluebird.example."}},
		{"203.0.113.5", snapshot.Explicit, 3600, []string{"shop.acme.example."}},
		{"2001:db8::25", snapshot.Explicit, 3600, []string{"mail.acme.example."}},
	})
}

const (
	ip6apex = "8.b.d.0.1.0.0.2.ip6.arpa."
	ip6name = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." + ip6apex
	ip6none = "6.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." + ip6apex
)

func TestServe(t *testing.T) {
	h := newHandler(t, "revmap "+snapshotFile(t, inventory(t)), nil)

	soa := func(owner, ttl string) string {
		return owner + " " + ttl + " IN SOA ns.g7.example. hostmaster.example.net. 7 3600 900 1209600 300"
	}
	negative := "\nauthority " + soa("2.0.192.in-addr.arpa.", "300")

	for _, tc := range []struct {
		name  string
		qname string
		qtype uint16
		want  string
	}{
		{"reverse map name", "10.2.0.192.in-addr.arpa.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 10.2.0.192.in-addr.arpa. 1800 IN PTR mail.acme.example."},
		{"default hostname", "20.2.0.192.in-addr.arpa.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 20.2.0.192.in-addr.arpa. 3600 IN PTR examplaab7.dedicated.example."},
		{"two names", "30.2.0.192.in-addr.arpa.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 30.2.0.192.in-addr.arpa. 3600 IN PTR a.example.net." +
				"\nanswer 30.2.0.192.in-addr.arpa. 3600 IN PTR b.example.net."},
		{"fallback", "77.113.0.203.in-addr.arpa.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 77.113.0.203.in-addr.arpa. 3600 IN PTR 203-0-113-77.static.example.net."},
		{"name in place of the fallback", "5.113.0.203.in-addr.arpa.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 5.113.0.203.in-addr.arpa. 3600 IN PTR shop.acme.example."},
		{"classless", "70.64-26.100.51.198.in-addr.arpa.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 70.64-26.100.51.198.in-addr.arpa. 3600 IN PTR www.bluebird.example."},
		{"IPv6", ip6name, dns.TypePTR, "NOERROR qr aa rd\nanswer " + ip6name + " 3600 IN PTR mail.acme.example."},
		{"the question's case", "10.2.0.192.In-Addr.ARPA.", dns.TypePTR,
			"NOERROR qr aa rd\nanswer 10.2.0.192.In-Addr.ARPA. 1800 IN PTR mail.acme.example."},
		{"ANY", "10.2.0.192.in-addr.arpa.", dns.TypeANY,
			"NOERROR qr aa rd\nanswer 10.2.0.192.in-addr.arpa. 1800 IN PTR mail.acme.example."},
		{"SOA", "2.0.192.in-addr.arpa.", dns.TypeSOA, "NOERROR qr aa rd\nanswer " + soa("2.0.192.in-addr.arpa.", "3600")},
		{"SOA in the question's case", "2.0.192.IN-ADDR.arpa.", dns.TypeSOA,
			"NOERROR qr aa rd\nanswer " + soa("2.0.192.IN-ADDR.arpa.", "3600")},
		{"NS", "2.0.192.in-addr.arpa.", dns.TypeNS,
			"NOERROR qr aa rd\nanswer 2.0.192.in-addr.arpa. 3600 IN NS ns1.example.net." +
				"\nanswer 2.0.192.in-addr.arpa. 3600 IN NS ns2.example.net."},
		{"NODATA", "10.2.0.192.in-addr.arpa.", dns.TypeA, "NOERROR qr aa rd" + negative},
		{"NODATA in the question's case", "10.2.0.192.IN-ADDR.ARPA.", dns.TypeA, "NOERROR qr aa rd" + negative},
		{"NODATA at the apex", "2.0.192.in-addr.arpa.", dns.TypePTR, "NOERROR qr aa rd" + negative},
		{"DS at the apex", "2.0.192.in-addr.arpa.", dns.TypeDS, "NOERROR qr aa rd" + negative},
		{"empty non-terminal, TTL below MINIMUM", "0.0." + ip6apex, dns.TypePTR,
			"NOERROR qr aa rd\nauthority " + soa(ip6apex, "60")},
		{"NXDOMAIN", "11.2.0.192.in-addr.arpa.", dns.TypePTR, "NXDOMAIN qr aa rd" + negative},
		{"malformed", "010.2.0.192.in-addr.arpa.", dns.TypePTR, "NXDOMAIN qr aa rd" + negative},
		{"label with escapes", `1\.0.2.0.192.in-addr.arpa.`, dns.TypePTR, "NXDOMAIN qr aa rd" + negative},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := query(tc.qname, tc.qtype)
			m, rcode := ask(t, h, r)
			if m == nil {
				t.Fatalf("No response, rcode %s", dns.RcodeToString[rcode])
			}
			if rcode != dns.RcodeSuccess {
				t.Errorf("ServeDNS returned %s, want NOERROR after a response", dns.RcodeToString[rcode])
			}
			if diff := cmp.Diff(tc.want, text(m)); diff != "" {
				t.Errorf("Response (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r.Question, m.Question); diff != "" || m.Id != r.Id || m.Opcode != r.Opcode {
				t.Errorf("Response %v does not belong to the question: %s", m, diff)
			}
			if _, err := m.Pack(); err != nil {
				t.Errorf("Response cannot be sent: %v", err)
			}
		})
	}
}

func TestFlagsOfTheQuery(t *testing.T) {
	h := newHandler(t, "revmap "+snapshotFile(t, inventory(t)), nil)
	for _, tc := range []struct {
		name string
		set  func(*dns.Msg)
		want string
	}{
		{"none", func(r *dns.Msg) { r.RecursionDesired = false }, "NOERROR qr aa"},
		{"RD and CD", func(r *dns.Msg) { r.CheckingDisabled = true }, "NOERROR qr aa rd cd"},
		{"AD, Z and TC are not copied", func(r *dns.Msg) { r.AuthenticatedData, r.Zero, r.Truncated = true, true, true },
			"NOERROR qr aa rd"},
		{"no OPT: the server adds it", func(r *dns.Msg) { r.SetEdns0(1232, true) }, "NOERROR qr aa rd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := query("10.2.0.192.in-addr.arpa.", dns.TypePTR)
			tc.set(r)
			m, _ := ask(t, h, r)
			got, _, _ := strings.Cut(text(m), "\n")
			if got != tc.want || len(m.Extra) != 0 {
				t.Errorf("Response has header %q and %d additional RRs, want %q and none", got, len(m.Extra), tc.want)
			}
		})
	}
}

// TestPass is about queries that the plugin does not answer itself.
func TestPass(t *testing.T) {
	path := snapshotFile(t, inventory(t))
	missing := path + ".missing"
	const passed = -1 // to the next plugin
	next := test.NextHandler(passed, nil)
	ptr := func(qname string) *dns.Msg { return query(qname, dns.TypePTR) }
	notify := func(qname string) *dns.Msg { return new(dns.Msg).SetNotify(qname) }
	chaos := func(qname string) *dns.Msg {
		r := query(qname, dns.TypeTXT)
		r.Question[0].Qclass = dns.ClassCHAOS
		return r
	}

	const (
		hit  = "10.2.0.192.in-addr.arpa."
		miss = "11.2.0.192.in-addr.arpa."
	)
	for _, tc := range []struct {
		name     string
		corefile string
		r        *dns.Msg
		next     int // what comes of it with a next plugin: passed, an rcode, or 0 for a response
		last     int // and without one
	}{
		{"in a zone", "revmap " + path, ptr(hit), 0, 0},
		{"outside of all zones", "revmap " + path, ptr("10.3.0.192.in-addr.arpa."), passed, dns.RcodeRefused},
		{"above the zones", "revmap " + path, query("192.in-addr.arpa.", dns.TypeNS), passed, dns.RcodeRefused},
		{"the root", "revmap " + path, query(".", dns.TypeNS), passed, dns.RcodeRefused},
		{"outside of ZONES", "revmap " + path + " ip6.arpa", ptr(hit), passed, dns.RcodeRefused},
		{"in ZONES, in upper case", "revmap " + path + " ip6.arpa 192.IN-ADDR.arpa", ptr(hit), 0, 0},
		{"in ZONES, as a prefix", "revmap " + path + " 192.0.2.0/24", ptr(hit), 0, 0},
		{"ZONES end in the middle of a label", "revmap " + path + " 2.in-addr.arpa", ptr(hit), passed, dns.RcodeRefused},
		{"ZONES end after a dot in a label", "revmap " + path + " 1." + ip6apex, ptr(`x\.1.` + ip6apex), passed, dns.RcodeRefused},
		{"ZONES end after a backslash in a label", "revmap " + path + " 1." + ip6apex, ptr(`x\\.1.` + ip6apex), 0, 0},
		{"class CH", "revmap " + path, chaos(hit), passed, dns.RcodeRefused},
		{"AXFR", "revmap " + path, query("2.0.192.in-addr.arpa.", dns.TypeAXFR), dns.RcodeRefused, dns.RcodeRefused},
		{"IXFR", "revmap " + path, query("2.0.192.in-addr.arpa.", dns.TypeIXFR), dns.RcodeRefused, dns.RcodeRefused},
		{"AXFR outside", "revmap " + path, query("3.0.192.in-addr.arpa.", dns.TypeAXFR), passed, dns.RcodeRefused},
		{"NOTIFY", "revmap " + path, notify("2.0.192.in-addr.arpa."), dns.RcodeNotImplemented, dns.RcodeNotImplemented},
		{"NOTIFY outside", "revmap " + path, notify("3.0.192.in-addr.arpa."), passed, dns.RcodeRefused},
		{"NXDOMAIN", "revmap " + path, ptr(miss), 0, 0},
		{"NXDOMAIN falls through", "revmap " + path + " {\nfallthrough\n}", ptr(miss), passed, 0},
		{"NXDOMAIN below the zones that fall through", "revmap " + path + " {\nfallthrough 192.IN-ADDR.arpa\n}", ptr(miss),
			passed, 0},
		{"NXDOMAIN elsewhere", "revmap " + path + " {\nfallthrough ip6.arpa\n}", ptr(miss), 0, 0},
		{"malformed name falls through", "revmap " + path + " {\nfallthrough\n}", ptr("010.2.0.192.in-addr.arpa."),
			passed, 0},
		{"NODATA does not fall through", "revmap " + path + " {\nfallthrough\n}", query(hit, dns.TypeA), 0, 0},
		{"empty non-terminal does not fall through", "revmap " + path + " {\nfallthrough\n}", ptr("0.0." + ip6apex), 0, 0},
		{"waiting", "revmap " + missing + " {\nwait\n}", ptr(hit), dns.RcodeServerFailure, dns.RcodeServerFailure},
		{"waiting, with fallthrough", "revmap " + missing + " {\nwait\nfallthrough\n}", ptr(hit),
			dns.RcodeServerFailure, dns.RcodeServerFailure},
		{"waiting, outside of ZONES", "revmap " + missing + " ip6.arpa {\nwait\n}", ptr(hit), passed, dns.RcodeRefused},
	} {
		for _, chain := range []struct {
			name string
			next plugin.Handler
			want int
		}{{"with next", next, tc.next}, {"without next", nil, tc.last}} {
			t.Run(tc.name+"/"+chain.name, func(t *testing.T) {
				h := newHandler(t, tc.corefile, chain.next)
				m, rcode := ask(t, h, tc.r)
				if rcode != chain.want || (m != nil) != (chain.want == 0) {
					t.Errorf("ServeDNS returned %d with response %v, want %d", rcode, m, chain.want)
				}
			})
		}
	}
}

// TestAliasExists holds that a name that is an alias does not fall through, although its target does not exist.
func TestAliasExists(t *testing.T) {
	parent := testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 7)
	child := testZone("64-26.2.0.192.in-addr.arpa.", "192.0.2.64/26", 7)
	parent.Delegations = []snapshot.Delegation{{Prefix: child.Prefix, Name: child.Name, NS: child.NS}}
	path := snapshotFile(t, encode(t, []snapshot.Zone{parent, child}, nil))
	h := newHandler(t, "revmap "+path+" {\nfallthrough\n}", test.NextHandler(dns.RcodeRefused, nil))
	m, rcode := ask(t, h, query("65.2.0.192.in-addr.arpa.", dns.TypePTR))
	if m == nil {
		t.Fatalf("No response, rcode %s", dns.RcodeToString[rcode])
	}
	const want = "NXDOMAIN qr aa rd\nanswer 65.2.0.192.in-addr.arpa. 3600 IN CNAME 65.64-26.2.0.192.in-addr.arpa." +
		"\nauthority 64-26.2.0.192.in-addr.arpa. 300 IN SOA ns.g7.example. hostmaster.example.net. 7 3600 900 1209600 300"
	if diff := cmp.Diff(want, text(m)); diff != "" {
		t.Errorf("Response (-want +got):\n%s", diff)
	}
}

// TestResponsesShareNothing holds that other plugins may change responses in place.
func TestResponsesShareNothing(t *testing.T) {
	h := newHandler(t, "revmap "+snapshotFile(t, inventory(t)), nil)
	for _, r := range []*dns.Msg{
		query("10.2.0.192.in-addr.arpa.", dns.TypePTR),
		query("30.2.0.192.in-addr.arpa.", dns.TypePTR),
		query("11.2.0.192.in-addr.arpa.", dns.TypePTR),
		query("2.0.192.in-addr.arpa.", dns.TypeNS),
		query("2.0.192.in-addr.arpa.", dns.TypeSOA),
	} {
		first, _ := ask(t, h, r)
		want := first.String()
		for _, section := range [][]dns.RR{first.Answer, first.Ns} {
			for _, rr := range section {
				rr.Header().Ttl, rr.Header().Name = 1, "changed.example."
			}
		}
		first.Question[0].Name = "changed.example."
		first.Answer = append(first.Answer, first.Answer...)
		first.Ns = append(first.Ns, first.Ns...)
		if second, _ := ask(t, h, r); second.String() != want {
			t.Errorf("Response to %s after another was changed:\n%s\nwant:\n%s", r.Question[0].String(), second, want)
		}
	}
}

// TestAllocations holds that a response takes one allocation, and each name that is made or copied for it another one. A
// PTR RRset of several names and the addresses of forward zones may take more.
func TestAllocations(t *testing.T) {
	parent := testZone("18.198.in-addr.arpa.", "198.18.0.0/16", 7)
	ours := testZone("0-25.2.18.198.in-addr.arpa.", "198.18.2.0/25", 7)
	cut6 := testZone("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", 7)
	fallback := testZone("19.198.in-addr.arpa.", "198.19.0.0/16", 7)
	fallback.Fallback = "{ip}.static.example.net."
	fallback6 := testZone("0.f.f.f.3.ip6.arpa.", "3fff::/20", 7)
	fallback6.Fallback = fallback.Fallback
	delegation := func(prefix, child string, ns []string) snapshot.Delegation {
		return snapshot.Delegation{Prefix: netip.MustParsePrefix(prefix), Name: child, NS: ns}
	}
	parent.Delegations = []snapshot.Delegation{
		delegation("198.18.1.0/24", "1.18.198.in-addr.arpa.", parent.NS),
		delegation("198.18.2.0/25", ours.Name, parent.NS),
		delegation("198.18.2.128/25", "128-25.customer.example.", nil),
	}
	cut6.Delegations = []snapshot.Delegation{delegation("2001:db8:f000::/36", "f."+cut6.Name, cut6.NS)}
	h := newHandler(t, "revmap "+snapshotFile(t, encode(t, []snapshot.Zone{parent, ours, cut6, fallback, fallback6},
		[]testEntry{
			{"198.18.0.1", snapshot.Explicit, 3600, []string{"mail.acme.example."}},
			{"198.18.0.2", snapshot.Default, 3600, []string{"examplaab7.dedicated.example."}},
			{"198.18.2.1", snapshot.Explicit, 3600, []string{"www.bluebird.example."}},
			{"2001:db8::25", snapshot.Explicit, 3600, []string{"mail.acme.example."}},
			{"2001:db8::26", snapshot.Default, 3600, []string{"examplaab7.dedicated.example."}},
		})), nil)
	ptr := func(addr string) string { return arpa.Name(netip.MustParseAddr(addr)) }

	for _, tc := range []struct {
		name  string
		qname string
		qtype uint16
		kind  authority.Kind
		want  float64
	}{
		{"IPv4", ptr("198.18.0.1"), dns.TypePTR, authority.Explicit, 2},
		{"IPv6", ptr("2001:db8::25"), dns.TypePTR, authority.Explicit, 2},
		{"in upper case", strings.ToUpper(ptr("2001:db8::25")), dns.TypePTR, authority.Explicit, 2},
		{"IPv4", ptr("198.18.0.2"), dns.TypePTR, authority.Default, 2},
		{"IPv6", ptr("2001:db8::26"), dns.TypePTR, authority.Default, 2},
		{"IPv4", ptr("198.19.0.1"), dns.TypePTR, authority.Fallback, 2},
		{"IPv6", ptr("3fff::1"), dns.TypePTR, authority.Fallback, 2},
		{"IPv4", ptr("198.18.0.1"), dns.TypeA, authority.NoData, 1},
		{"IPv6", ptr("2001:db8::25"), dns.TypeA, authority.NoData, 1},
		{"empty non-terminal", "0.0.8.b.d.0.1.0.0.2.ip6.arpa.", dns.TypePTR, authority.NoData, 1},
		{"IPv4", ptr("198.18.0.3"), dns.TypePTR, authority.NXDomain, 1},
		{"IPv6", ptr("2001:db8::27"), dns.TypePTR, authority.NXDomain, 1},
		{"malformed", "01.0.18.198.in-addr.arpa.", dns.TypePTR, authority.NXDomain, 1},
		{"IPv4", ptr("198.18.1.1"), dns.TypePTR, authority.Referral, 1},
		{"IPv6", ptr("2001:db8:f000::1"), dns.TypePTR, authority.Referral, 1},
		{"SOA", parent.Name, dns.TypeSOA, authority.Apex, 1},
		{"NS", cut6.Name, dns.TypeNS, authority.Apex, 1},
		{"to another server", ptr("198.18.2.129"), dns.TypePTR, authority.Alias, 2},
		{"to a zone of ours", ptr("198.18.2.1"), dns.TypePTR, authority.Explicit, 3},
		{"to a zone of ours", ptr("198.18.2.2"), dns.TypePTR, authority.NXDomain, 3},
	} {
		t.Run(tc.kind.String()+"/"+tc.name, func(t *testing.T) {
			g := h.store.generation.Load()
			if a := g.Answer(tc.qname, tc.qtype, false); a.Kind != tc.kind {
				t.Fatalf("Answer is of the kind %v", a.Kind)
			}
			r, w, ctx := query(tc.qname, tc.qtype), &test.ResponseWriter{}, context.Background()
			if got := testing.AllocsPerRun(100, func() { h.ServeDNS(ctx, w, r) }); got > tc.want {
				t.Errorf("ServeDNS allocates %v times, want at most %v", got, tc.want)
			}
		})
	}
}
