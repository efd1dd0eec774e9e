package authority_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/oracle"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

// content is what a test snapshot holds.
type content struct {
	zones   []snapshot.Zone
	entries []entry // in any order
	hosts   map[string][]string
}

// entry is one address of a test inventory.
type entry struct {
	addr  string
	kind  snapshot.Kind
	ttl   uint32
	names []string
}

// soaData is the data of all SOAs that snapshottest makes.
const soaData = "ns1.example.net. hostmaster.example.net. 2026112100 3600 900 1209600 300"

// What the zones of these tests are made with.
var zone, reverse, delegation = snapshottest.Zone, snapshottest.Reverse, snapshottest.Delegation

func generation(t testing.TB, c content) *authority.Generation {
	t.Helper()
	b, err := snapshot.NewBuilder("", c.zones)
	if err != nil {
		t.Fatal(err)
	}
	entries := slices.SortedFunc(slices.Values(c.entries), func(a, b entry) int {
		return netip.MustParseAddr(a.addr).Compare(netip.MustParseAddr(b.addr))
	})
	for _, e := range entries {
		if err := b.Add(netip.MustParseAddr(e.addr), e.kind, e.ttl, e.names); err != nil {
			t.Fatal(err)
		}
	}
	snapshottest.AddHosts(t, b, c.hosts)
	return snapshottest.Generation(t, snapshottest.Open(t, snapshottest.Bytes(t, b)))
}

// text writes a record in the words of the oracle.
func text(r authority.Record) string {
	var data string
	switch r.Type {
	case authority.TypeA, authority.TypeAAAA:
		data = r.Addr.String()
	case authority.TypeSOA:
		s := r.SOA.SOA
		data = fmt.Sprintf("%s %s %d %d %d %d %d",
			s.Primary, s.Contact, r.SOA.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum)
	case authority.TypeDS:
		data = fmt.Sprintf("%d %d %d %X", r.DS.KeyTag, r.DS.Algorithm, r.DS.DigestType, r.DS.Digest)
	case authority.TypeTXT:
		data = fmt.Sprintf("%q", r.Text)
	default:
		data = r.Target
	}
	return fmt.Sprintf("%s %d %s %s", r.Owner, r.TTL, dns.TypeToString[r.Type], data)
}

// response writes an answer in the words of the oracle.
func response(a authority.Answer) oracle.Response {
	if a.Kind == authority.Outside {
		return oracle.Response{Rcode: "REFUSED"}
	}
	section := func(s authority.Section) (rrs []string) {
		for i := range a.Len(s) {
			rrs = append(rrs, text(a.Record(s, i)))
		}
		slices.Sort(rrs)
		return rrs
	}
	return oracle.Response{
		Rcode: dns.RcodeToString[a.Rcode()], AA: a.AA(),
		Answer:     section(authority.AnswerSection),
		Authority:  section(authority.AuthoritySection),
		Additional: section(authority.AdditionalSection),
	}
}

// specification has a zone of each kind and a delegation of each kind.
var specification = content{
	zones: []snapshot.Zone{
		reverse("2.0.192.in-addr.arpa.", "192.0.2.0/24", "",
			delegation("192.0.2.64/26 64-26.2.0.192.in-addr.arpa.", "!", "ns.acme.example.", "ns.64-26.2.0.192.in-addr.arpa.",
				"ns.64-26.2.0.192.in-addr.arpa.=192.0.2.65", "ns.64-26.2.0.192.in-addr.arpa.=2001:db8::53"),
			delegation("192.0.2.128/26 128-26.rev.acme.example."),
			delegation("192.0.2.192/27 192-27.2.0.192.in-addr.arpa.", "!", "ns1.example.net."),
			delegation("192.0.2.224/28 224-28.rev.example."),
			delegation("192.0.2.250/32 250.2.0.192.in-addr.arpa.", "web1.host.example."),
			delegation("192.0.2.252/31 252-31.sub.2.0.192.in-addr.arpa.", "ns.acme.example."),
		),
		reverse("192-27.2.0.192.in-addr.arpa.", "192.0.2.192/27", "",
			delegation("192.0.2.200/32 200.192-27.2.0.192.in-addr.arpa.", "!", "ns.200.192-27.2.0.192.in-addr.arpa.",
				"ns.200.192-27.2.0.192.in-addr.arpa.=192.0.2.200"),
		),
		reverse("224-28.rev.example.", "192.0.2.224/28", ""),
		reverse("18.198.in-addr.arpa.", "198.18.0.0/16", "",
			delegation("198.18.5.0/24 5.18.198.in-addr.arpa.", "!", "ns1.example.net."),
			delegation("198.18.6.0/24 6.18.198.in-addr.arpa.", "203-0-113-7.static.host.example.", "ns.6.18.198.in-addr.arpa.",
				"ns.6.18.198.in-addr.arpa.=198.18.6.1"),
			delegation("198.18.7.0/24 7.18.198.in-addr.arpa.", "8.8.18.198.in-addr.arpa.", "ns.6.18.198.in-addr.arpa."),
			delegation("198.18.8.8/32 alias.host.example."),
		),
		reverse("5.18.198.in-addr.arpa.", "198.18.5.0/24", ""),
		reverse("64-26.7.18.198.in-addr.arpa.", "198.18.7.64/26", ""),
		reverse("113.0.203.in-addr.arpa.", "203.0.113.0/24", "{ip}.static.host.example.",
			delegation("203.0.113.9/32 9.113.0.203.in-addr.arpa.", "ns.acme.example."),
			delegation("203.0.113.160/28 160-28.113.0.203.in-addr.arpa.", "ns1.example.net."),
		),
		reverse("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", "",
			delegation("2001:db8:f00::/48 0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa.", "!", "ns.acme.example."),
		),
		reverse("160-28.113.0.203.in-addr.arpa.", "203.0.113.160/28", "{a}-{b}-{c}-{d}.static.host.example."),
		reverse("0.f.f.f.3.ip6.arpa.", "3fff::/20", "{ip}.v6.host.example."),
		reverse("64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26", ""),
		reverse("9.100.51.198.in-addr.arpa.", "198.51.100.9/32", ""),
		zone(snapshot.Forward, "host.example."),
		zone(snapshot.Forward, "bare.example."),
		zone(snapshot.Catalog, "catalog.example."),
	},
	entries: []entry{
		{"192.0.2.10", snapshot.Explicit, 60, []string{"mail.example.org."}},
		{"192.0.2.20", snapshot.Default, 3600, []string{"web1.host.example."}},
		{"192.0.2.30", snapshot.Explicit, 3600, []string{"b.example.org.", "a.example.org."}},
		{"192.0.2.193", snapshot.Explicit, 60, []string{"child.example.org."}},
		{"192.0.2.225", snapshot.Default, 3600, []string{"web2.host.example."}},
		{"198.18.5.1", snapshot.Explicit, 3600, []string{"nested.example.org."}},
		{"198.51.100.9", snapshot.Explicit, 3600, []string{"alone.example.org."}},
		{"198.51.100.65", snapshot.Explicit, 3600, []string{"classless.example.org."}},
		{"203.0.113.5", snapshot.Explicit, 60, []string{"named.example.org."}},
		{"2001:db8::1", snapshot.Explicit, 3600, []string{"six.example.org."}},
		{"3fff:0:1::1", snapshot.Explicit, 60, []string{"named6.example.org."}},
	},
	hosts: map[string][]string{
		"web1.host.example.":               {"192.0.2.20", "2001:db8::20", "192.0.2.10"},
		"six.host.example.":                {"2001:db8::1"},
		"db.rack7.host.example.":           {"192.0.2.40"},
		"8.alias.host.example.":            {"192.0.2.43"},
		"bare.example.":                    {"2001:db8::40", "192.0.2.41"},
		"203-0-113-8.static.host.example.": {"192.0.2.42", "203.0.113.8", "2001:db8::42"},
	},
}

func TestAnswer(t *testing.T) {
	const (
		v6       = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
		f00      = "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa."
		catalog  = "catalog.example."
		r1       = "2.0.192.in-addr.arpa."
		soa      = " 300 SOA " + soaData
		soa1     = r1 + soa
		soaChild = "192-27." + r1 + soa
		soaHost  = "host.example." + soa
		soaBare  = "bare.example." + soa
		soa6     = "8.b.d.0.1.0.0.2.ip6.arpa." + soa
		soaFall  = "113.0.203.in-addr.arpa." + soa
		soaFall6 = "0.f.f.f.3.ip6.arpa." + soa
		ds       = " 3600 DS 12345 13 2 ABCD002E"

		// what a referral to 7.18.198 has
		ns7 = "7.18.198.in-addr.arpa. 3600 NS 8.8.18.198.in-addr.arpa.; " +
			"7.18.198.in-addr.arpa. 3600 NS ns.6.18.198.in-addr.arpa."

		// what a referral to 64-26 has
		ns64 = "64-26." + r1 + " 3600 NS ns.acme.example.; 64-26." + r1 + " 3600 NS ns.64-26." + r1
		glue = "ns.64-26." + r1 + " 3600 A 192.0.2.65; ns.64-26." + r1 + " 3600 AAAA 2001:db8::53"
	)
	o := oracle.New(generation(t, specification).Reader())
	g := generation(t, specification)
	for _, test := range []struct {
		what, qname, qtype            string // qtype ends with "+" if the DO bit is set
		kind                          authority.Kind
		answer, authority, additional string // RRs separated by "; ", "@" for the QNAME
	}{
		// A reverse zone.
		{"a reverse map name", "10." + r1, "PTR", authority.Explicit, "@ 60 PTR mail.example.org.", "", ""},
		{"a default hostname", "20." + r1, "PTR", authority.Default, "@ 3600 PTR web1.host.example.", "", ""},
		{"two names", "30." + r1, "PTR", authority.Explicit, "@ 3600 PTR a.example.org.; @ 3600 PTR b.example.org.", "", ""},
		{"ANY gets one RRset", "10." + r1, "ANY", authority.Explicit, "@ 60 PTR mail.example.org.", "", ""},
		{"another type at an address", "10." + r1, "A", authority.NoData, "", soa1, ""},
		{"DS at an address", "10." + r1, "DS", authority.NoData, "", soa1, ""},
		{"CNAME at an address", "10." + r1, "CNAME", authority.NoData, "", soa1, ""},
		{"an address without a name", "11." + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"the question's case is kept", "10.2.0.192.In-Addr.ARPA.", "PTR", authority.Explicit,
			"@ 60 PTR mail.example.org.", "", ""},
		{"leading zeros", "010." + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"no octet", "256." + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"a fifth octet", "1.10." + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"an escaped digit", `\0490.` + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"an escaped dot", `10\.` + r1, "PTR", authority.Outside, "", "", ""},
		{"an escaped backslash", `10\\.` + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"the apex's SOA", r1, "SOA", authority.Apex, "@ 3600 SOA " + soaData, "", ""},
		{"the apex's NS", r1, "NS", authority.Apex, "@ 3600 NS ns1.example.net.; @ 3600 NS ns2.example.net.", "", ""},
		{"the apex, ANY", r1, "ANY", authority.Apex, "@ 3600 SOA " + soaData, "", ""},
		{"the apex, PTR", r1, "PTR", authority.NoData, "", soa1, ""},
		{"DS at an apex without a parent", r1, "DS", authority.NoData, "", soa1, ""},
		{"above the apex", "0.192.in-addr.arpa.", "PTR", authority.Outside, "", "", ""},
		{"the root", ".", "SOA", authority.Outside, "", "", ""},
		{"beside the tree", "x" + r1, "SOA", authority.Outside, "", "", ""},
		{"as many labels as fit", strings.Repeat("x.", 116) + r1, "PTR", authority.NXDomain, "", soa1, ""},

		// IPv6.
		{"IPv6", "1." + v6, "PTR", authority.Explicit, "@ 3600 PTR six.example.org.", "", ""},
		{"IPv6 in upper case", strings.ToUpper("1." + v6), "PTR", authority.Explicit, "@ 3600 PTR six.example.org.", "", ""},
		{"IPv6 without a name", "2." + v6, "PTR", authority.NXDomain, "", soa6, ""},
		{"an empty non-terminal", v6, "PTR", authority.NoData, "", soa6, ""},
		{"an empty non-terminal, ANY", v6, "ANY", authority.NoData, "", soa6, ""},
		{"beside an empty non-terminal", "1.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR", authority.NXDomain, "", soa6, ""},
		{"a 33rd nibble", "0.1." + v6, "PTR", authority.NXDomain, "", soa6, ""},
		{"no nibble", "g." + v6, "PTR", authority.NXDomain, "", soa6, ""},
		{"two digits", "01." + v6, "PTR", authority.NXDomain, "", soa6, ""},
		{"between apex and cut", "f.0.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR", authority.NoData, "", soa6, ""},
		{"beside the cut", "1.f.0.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR", authority.NXDomain, "", soa6, ""},
		{"at a nibble cut", f00, "PTR", authority.Referral, "", f00 + " 3600 NS ns.acme.example.", ""},
		{"below a nibble cut", "F." + f00, "PTR", authority.Referral, "", f00 + " 3600 NS ns.acme.example.", ""},
		{"DS at a nibble cut", f00, "DS", authority.Delegated, "@" + ds, "", ""},

		// A classless zone.
		{"classless", "65.64-26.100.51.198.in-addr.arpa.", "PTR", authority.Explicit,
			"@ 3600 PTR classless.example.org.", "", ""},
		{"classless without a name", "66.64-26.100.51.198.in-addr.arpa.", "PTR", authority.NXDomain,
			"", "64-26.100.51.198.in-addr.arpa." + soa, ""},
		{"classless outside its block", "63.64-26.100.51.198.in-addr.arpa.", "PTR", authority.NXDomain,
			"", "64-26.100.51.198.in-addr.arpa." + soa, ""},
		{"classless apex", "64-26.100.51.198.in-addr.arpa.", "PTR", authority.NoData,
			"", "64-26.100.51.198.in-addr.arpa." + soa, ""},
		{"below a classless address", "1.65.64-26.100.51.198.in-addr.arpa.", "PTR", authority.NXDomain,
			"", "64-26.100.51.198.in-addr.arpa." + soa, ""},
		{"a classless address at its own name", "65.100.51.198.in-addr.arpa.", "PTR", authority.Outside, "", "", ""},
		{"an address that is an apex", "9.100.51.198.in-addr.arpa.", "PTR", authority.Explicit,
			"@ 3600 PTR alone.example.org.", "", ""},
		{"its SOA", "9.100.51.198.in-addr.arpa.", "SOA", authority.Apex, "@ 3600 SOA " + soaData, "", ""},
		{"its TXT", "9.100.51.198.in-addr.arpa.", "TXT", authority.NoData, "", "9.100.51.198.in-addr.arpa." + soa, ""},

		// A fallback.
		{"a fallback", "6.113.0.203.in-addr.arpa.", "PTR", authority.Fallback,
			"@ 3600 PTR 203-0-113-6.static.host.example.", "", ""},
		{"a name before the fallback", "5.113.0.203.in-addr.arpa.", "PTR", authority.Explicit,
			"@ 60 PTR named.example.org.", "", ""},
		{"a delegation before the fallback", "9.113.0.203.in-addr.arpa.", "PTR", authority.Referral, "",
			"9.113.0.203.in-addr.arpa. 3600 NS ns.acme.example.", ""},
		{"another type at a fallback", "6.113.0.203.in-addr.arpa.", "A", authority.NoData, "", soaFall, ""},
		{"no fallback for a name that is no address", "06.113.0.203.in-addr.arpa.", "PTR", authority.NXDomain,
			"", soaFall, ""},
		{"an IPv6 fallback", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.f.f.3.ip6.arpa.", "PTR",
			authority.Fallback,
			"@ 3600 PTR 3fff-0000-0000-0000-0000-0000-0000-0001.v6.host.example.", "", ""},
		{"an ancestor of IPv6 fallbacks", "7.0.f.f.f.3.ip6.arpa.", "PTR", authority.NoData, "", soaFall6, ""},

		// A zone cut that is the child of a classless delegation.
		{"at the cut", "64-26." + r1, "SOA", authority.Referral, "", ns64, glue},
		{"at the cut, NS", "64-26." + r1, "NS", authority.Referral, "", ns64, glue},
		{"at the cut, ANY", "64-26." + r1, "ANY", authority.Referral, "", ns64, glue},
		{"below the cut", "65.64-26." + r1, "PTR", authority.Referral, "", ns64, glue},
		{"below the cut, in any case", "x.Y.64-26.2.0.192.IN-addr.arpa.", "PTR", authority.Referral, "", ns64, glue},
		{"glue is not authoritative", "ns.64-26." + r1, "A", authority.Referral, "", ns64, glue},
		{"DS below the cut", "65.64-26." + r1, "DS", authority.Referral, "", ns64, glue},
		{"a referral with DNSSEC", "65.64-26." + r1, "PTR+", authority.Referral, "", ns64 + "; 64-26." + r1 + ds, glue},
		{"DS at the cut", "64-26." + r1, "DS", authority.Delegated, "@" + ds, "", ""},
		{"DS at the cut, in any case", "64-26.2.0.192.In-Addr.Arpa.", "DS+", authority.Delegated, "@" + ds, "", ""},
		{"no DS at the cut", "250." + r1, "DS", authority.NoData, "", soa1, ""},
		{"an unsigned referral with DNSSEC", "252-31.sub." + r1, "A+", authority.Referral,
			"", "252-31.sub." + r1 + " 3600 NS ns.acme.example.", ""},
		{"between the apex and a cut", "sub." + r1, "PTR", authority.NoData, "", soa1, ""},
		{"between the apex and a cut, in any case", "SUB." + r1, "ANY", authority.NoData, "", soa1, ""},
		{"beside that", "sub2." + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"beside the cut below that", "x.sub." + r1, "PTR", authority.NXDomain, "", soa1, ""},

		// A zone cut that is an address, or an octet.
		{"a name server in a forward zone", "250." + r1, "PTR", authority.Referral,
			"", "250." + r1 + " 3600 NS web1.host.example.",
			"web1.host.example. 3600 A 192.0.2.10; web1.host.example. 3600 A 192.0.2.20; " +
				"web1.host.example. 3600 AAAA 2001:db8::20"},
		{"a name server that a fallback names", "6.18.198.in-addr.arpa.", "PTR", authority.Referral, "",
			"@ 3600 NS 203-0-113-7.static.host.example.; @ 3600 NS ns.6.18.198.in-addr.arpa.",
			"203-0-113-7.static.host.example. 3600 A 203.0.113.7; ns.6.18.198.in-addr.arpa. 3600 A 198.18.6.1"},
		{"no glue of a sibling, no address of an alias", "1.7.18.198.in-addr.arpa.", "PTR", authority.Referral, "",
			ns7, ""},

		// Aliases.
		{"an alias to a delegated zone", "65." + r1, "PTR", authority.Alias, "@ 3600 CNAME 65.64-26." + r1, ns64, glue},
		{"an alias to a delegated zone, with DNSSEC", "127." + r1, "A+", authority.Alias, "@ 3600 CNAME 127.64-26." + r1,
			ns64 + "; 64-26." + r1 + ds, glue},
		{"CNAME at an alias", "65." + r1, "CNAME", authority.Alias, "@ 3600 CNAME 65.64-26." + r1, "", ""},
		{"ANY at an alias", "65." + r1, "ANY+", authority.Alias, "@ 3600 CNAME 65.64-26." + r1, "", ""},
		{"DS at an alias", "65." + r1, "DS", authority.Alias, "@ 3600 CNAME 65.64-26." + r1, ns64, glue},
		{"an alias to a host", "8.8.18.198.in-addr.arpa.", "A", authority.Forward,
			"@ 3600 CNAME 8.alias.host.example.; 8.alias.host.example. 3600 A 192.0.2.43", "", ""},
		{"below an alias", "1.65." + r1, "PTR", authority.NXDomain, "", soa1, ""},
		{"an alias to elsewhere", "128." + r1, "PTR", authority.Alias, "@ 3600 CNAME 128.128-26.rev.acme.example.", "", ""},
		{"CNAME at an alias to elsewhere", "128." + r1, "CNAME", authority.Alias,
			"@ 3600 CNAME 128.128-26.rev.acme.example.", "", ""},
		{"an alias in any case", "128.2.0.192.IN-ADDR.arpa.", "PTR", authority.Alias,
			"@ 3600 CNAME 128.128-26.rev.acme.example.", "", ""},
		{"an alias into a zone of ours", "193." + r1, "PTR", authority.Explicit,
			"@ 3600 CNAME 193.192-27." + r1 + "; 193.192-27." + r1 + " 60 PTR child.example.org.", "", ""},
		{"an alias to nothing there", "194." + r1, "PTR", authority.NXDomain, "@ 3600 CNAME 194.192-27." + r1, soaChild, ""},
		{"another type at an alias", "193." + r1, "TXT", authority.NoData, "@ 3600 CNAME 193.192-27." + r1, soaChild, ""},
		{"CNAME at an alias into a zone of ours", "193." + r1, "CNAME", authority.Alias,
			"@ 3600 CNAME 193.192-27." + r1, "", ""},
		{"ANY at an alias into a zone of ours", "193." + r1, "ANY", authority.Alias, "@ 3600 CNAME 193.192-27." + r1, "", ""},
		{"an alias into a zone of ours elsewhere", "225." + r1, "PTR", authority.Default,
			"@ 3600 CNAME 225.224-28.rev.example.; 225.224-28.rev.example. 3600 PTR web2.host.example.", "", ""},
		{"an alias into a zone of ours that delegates it", "200." + r1, "PTR", authority.Alias,
			"@ 3600 CNAME 200.192-27." + r1,
			"200.192-27." + r1 + " 3600 NS ns.200.192-27." + r1, "ns.200.192-27." + r1 + " 3600 A 192.0.2.200"},
		{"DS where that is delegated", "200." + r1, "DS", authority.Delegated,
			"@ 3600 CNAME 200.192-27." + r1 + "; 200.192-27." + r1 + ds, "", ""},

		// Zones inside zones.
		{"the child answers", "1.5.18.198.in-addr.arpa.", "PTR", authority.Explicit,
			"@ 3600 PTR nested.example.org.", "", ""},
		{"the child's apex", "5.18.198.in-addr.arpa.", "NS", authority.Apex,
			"@ 3600 NS ns1.example.net.; @ 3600 NS ns2.example.net.", "", ""},
		{"nothing in the child", "2.5.18.198.in-addr.arpa.", "PTR", authority.NXDomain,
			"", "5.18.198.in-addr.arpa." + soa, ""},
		{"the parent has the child's DS", "5.18.198.IN-ADDR.ARPA.", "DS", authority.Delegated, "@" + ds, "", ""},
		{"the parent has a classless child's DS", "192-27." + r1, "DS+", authority.Delegated, "@" + ds, "", ""},
		{"the parent is not ours", "64-26.7.18.198.in-addr.arpa.", "DS", authority.NoData, "", "@" + soa, ""},
		{"beside a zone below a cut", "65-26.7.18.198.in-addr.arpa.", "DS", authority.Referral, "",
			ns7, ""},

		// A forward zone.
		{"A", "web1.host.example.", "A", authority.Forward, "@ 3600 A 192.0.2.10; @ 3600 A 192.0.2.20", "", ""},
		{"AAAA", "web1.host.example.", "AAAA", authority.Forward, "@ 3600 AAAA 2001:db8::20", "", ""},
		{"A in any case", "WEB1.Host.example.", "A", authority.Forward, "@ 3600 A 192.0.2.10; @ 3600 A 192.0.2.20", "", ""},
		{"ANY is A", "web1.host.example.", "ANY", authority.Forward, "@ 3600 A 192.0.2.10; @ 3600 A 192.0.2.20", "", ""},
		{"ANY is AAAA where there is no A", "six.host.example.", "ANY", authority.Forward, "@ 3600 AAAA 2001:db8::1", "", ""},
		{"no A", "six.host.example.", "A", authority.NoData, "", soaHost, ""},
		{"no AAAA", "db.rack7.host.example.", "AAAA", authority.NoData, "", soaHost, ""},
		{"no PTR", "web1.host.example.", "PTR", authority.NoData, "", soaHost, ""},
		{"no DS", "web1.host.example.", "DS", authority.NoData, "", soaHost, ""},
		{"no such host", "web9.host.example.", "A", authority.NXDomain, "", soaHost, ""},
		{"below a host", "x.web1.host.example.", "A", authority.NXDomain, "", soaHost, ""},
		{"between the apex and a host", "rack7.host.example.", "A", authority.NoData, "", soaHost, ""},
		{"between the apex and a host, in any case", "Rack7.host.example.", "ANY", authority.NoData, "", soaHost, ""},
		{"beside that", "rack70.host.example.", "A", authority.NXDomain, "", soaHost, ""},
		{"the apex's SOA", "host.example.", "SOA", authority.Apex, "@ 3600 SOA " + soaData, "", ""},
		{"the apex, ANY", "bare.example.", "ANY", authority.Apex, "@ 3600 SOA " + soaData, "", ""},
		{"the apex without addresses", "host.example.", "A", authority.NoData, "", soaHost, ""},
		{"a host at the apex", "bare.example.", "A", authority.Forward, "@ 3600 A 192.0.2.41", "", ""},
		{"DS at the apex", "bare.example.", "DS", authority.NoData, "", soaBare, ""},
		{"nothing below that apex", "x.bare.example.", "A", authority.NXDomain, "", soaBare, ""},

		// What fallbacks make in a forward zone.
		{"a fallback forwards", "203-0-113-6.static.host.example.", "A", authority.Forward, "@ 3600 A 203.0.113.6", "", ""},
		{"of an address with a name", "203-0-113-5.Static.HOST.example.", "A", authority.Forward,
			"@ 3600 A 203.0.113.5", "", ""},
		{"of an address that is delegated", "203-0-113-9.static.host.example.", "ANY", authority.Forward,
			"@ 3600 A 203.0.113.9", "", ""},
		{"of an address with two fallbacks", "203-0-113-161.static.host.example.", "A", authority.Forward,
			"@ 3600 A 203.0.113.161", "", ""},
		{"no AAAA of an IPv4 fallback", "203-0-113-6.static.host.example.", "AAAA", authority.NoData, "", soaHost, ""},
		{"with other addresses", "203-0-113-8.static.host.example.", "A", authority.Forward,
			"@ 3600 A 192.0.2.42; @ 3600 A 203.0.113.8", "", ""},
		{"with addresses of the other family", "203-0-113-8.static.host.example.", "AAAA", authority.Forward,
			"@ 3600 AAAA 2001:db8::42", "", ""},
		{"not of another block", "192-0-2-10.static.host.example.", "A", authority.NXDomain, "", soaHost, ""},
		{"not in another spelling", "203-0-113-06.static.host.example.", "A", authority.NXDomain, "", soaHost, ""},
		{"above fallbacks", "static.host.example.", "A", authority.NoData, "", soaHost, ""},
		{"above IPv6 fallbacks", "V6.host.example.", "AAAA", authority.NoData, "", soaHost, ""},
		{"below a fallback", "x.203-0-113-6.static.host.example.", "A", authority.NXDomain, "", soaHost, ""},
		{"an IPv6 fallback forwards", "3fff-0000-0000-0000-0000-0000-0000-000A.v6.host.example.", "AAAA", authority.Forward,
			"@ 3600 AAAA 3fff::a", "", ""},
		{"no A of an IPv6 fallback", "3fff-0000-0000-0000-0000-0000-0000-000a.v6.host.example.", "A", authority.NoData,
			"", soaHost, ""},
		{"not of another IPv6 block", "3fff-1000-0000-0000-0000-0000-0000-000a.v6.host.example.", "AAAA", authority.NXDomain,
			"", soaHost, ""},

		// The catalog (RFC 9432).
		{"the version", "version." + catalog, "TXT", authority.Listed, `@ 3600 TXT "2"`, "", ""},
		{"the version in any case", "VERSION." + catalog, "ANY", authority.Listed, `@ 3600 TXT "2"`, "", ""},
		{"the version's type", "version." + catalog, "PTR", authority.NoData, "", catalog + soa, ""},
		{"the members", "zones." + catalog, "PTR", authority.NoData, "", catalog + soa, ""},
		{"a member", "25536363615901b82f6b5ab7e1dfcde0.zones." + catalog, "PTR", authority.Listed,
			"@ 3600 PTR " + r1, "", ""},
		{"a member in any case", "07A31089571E54943F9546F0AF50C560.zones." + catalog, "ANY", authority.Listed,
			"@ 3600 PTR bare.example.", "", ""},
		{"a member's type", "07a31089571e54943f9546f0af50c560.zones." + catalog, "A", authority.NoData,
			"", catalog + soa, ""},
		{"no member, being endless", "0915bccd899353a66ee5b29bb48c1b31.zones." + catalog, "PTR", authority.NXDomain,
			"", catalog + soa, ""},
		{"below a member", "x.version." + catalog, "TXT", authority.NXDomain, "", catalog + soa, ""},
		{"nobody serves it", catalog, "NS", authority.Apex, "@ 3600 NS invalid.", "", ""},
		{"the catalog's SOA", catalog, "SOA", authority.Apex, "@ 3600 SOA " + soaData, "", ""},
		{"the catalog's apex", catalog, "TXT", authority.NoData, "", catalog + soa, ""},
	} {
		t.Run(test.what, func(t *testing.T) {
			rrs := func(text string) (list []string) {
				if text != "" {
					list = strings.Split(strings.ReplaceAll("; "+text, "; @", "; "+test.qname)[2:], "; ")
				}
				return list
			}
			want := oracle.Response{
				Rcode: "NOERROR", AA: test.kind != authority.Outside && test.kind != authority.Referral,
				Answer: rrs(test.answer), Authority: rrs(test.authority), Additional: rrs(test.additional),
			}
			switch test.kind {
			case authority.Outside:
				want.Rcode = "REFUSED"
			case authority.NXDomain:
				want.Rcode = "NXDOMAIN"
			}
			anyOrder := cmpopts.SortSlices(strings.Compare)
			qtypeName, do := strings.CutSuffix(test.qtype, "+")
			qtype := dns.StringToType[qtypeName]
			a := g.Answer(test.qname, qtype, do)
			if a.Kind != test.kind {
				t.Errorf("Answer(%s, %s) is %s, want %s", test.qname, test.qtype, a.Kind, test.kind)
			}
			if diff := gocmp.Diff(want, response(a), anyOrder); diff != "" {
				t.Errorf("Answer(%s, %s) (-want +got):\n%s", test.qname, test.qtype, diff)
			}
			if diff := gocmp.Diff(want, o.Answer(test.qname, qtype, do), anyOrder); diff != "" {
				t.Errorf("the oracle on %s, %s (-want +got):\n%s", test.qname, test.qtype, diff)
			}
		})
	}
}

// TestAllocations: what an answer needs is in the generation, but for the copies of names, and those that are made for it.
func TestAllocations(t *testing.T) {
	g := generation(t, specification)
	scratch := scratchTest{Generation: g}
	for _, test := range []struct {
		qname string
		qtype uint16
		kind  authority.Kind
		want  float64
	}{
		{"10.2.0.192.in-addr.arpa.", dns.TypePTR, authority.Explicit, 1},
		{"20.2.0.192.IN-ADDR.arpa.", dns.TypePTR, authority.Default, 1},
		{"2.0.192.in-addr.arpa.", dns.TypeSOA, authority.Apex, 0},
		{"20.2.0.192.in-addr.arpa.", dns.TypeA, authority.NoData, 0},
		{"0.1.0.0.2.ip6.arpa.", dns.TypePTR, authority.Outside, 0},
		{"0.8.b.d.0.1.0.0.2.ip6.arpa.", dns.TypePTR, authority.NoData, 0},
		{"21.2.0.192.in-addr.arpa.", dns.TypePTR, authority.NXDomain, 0},
		{"65.64-26.2.0.192.in-addr.arpa.", dns.TypePTR, authority.Referral, 0},
		{"64-26.2.0.192.in-addr.arpa.", dns.TypeDS, authority.Delegated, 0},
		{"WEB1.host.example.", dns.TypeA, authority.Forward, 0},
		{"web1.host.example.", dns.TypeMX, authority.NoData, 0},
		{"web9.host.example.", dns.TypeA, authority.NXDomain, 0},
		{"rack7.host.example.", dns.TypeA, authority.NoData, 0},
		{"version.catalog.example.", dns.TypeTXT, authority.Listed, 0},
		{"6.113.0.203.in-addr.arpa.", dns.TypePTR, authority.Fallback, 1},
		{"203-0-113-6.static.host.example.", dns.TypeA, authority.Forward, 1},
		{"128.2.0.192.in-addr.arpa.", dns.TypePTR, authority.Alias, 1},
		{"193.2.0.192.in-addr.arpa.", dns.TypePTR, authority.Explicit, 2},
	} {
		scratch.allocatesNothing(t, strings.ToLower(test.qname), test.qtype)
		var a authority.Answer
		got := testing.AllocsPerRun(100, func() {
			a = g.Answer(test.qname, test.qtype, true)
			for s := authority.AnswerSection; s <= authority.AdditionalSection; s++ {
				for i := range a.Len(s) {
					a.Record(s, i)
				}
			}
		})
		if a.Kind != test.kind || got > test.want {
			t.Errorf("%s %s: %v allocates %v times, want %v and at most %v",
				test.qname, dns.TypeToString[test.qtype], a.Kind, got, test.kind, test.want)
		}
	}
}

func TestKinds(t *testing.T) {
	words := make(map[string]bool)
	for i, k := range authority.Kinds {
		if int(k) != i || k.String() == "" || words[k.String()] {
			t.Errorf("kind %d is %d, %q", i, k, k)
		}
		words[k.String()] = true
	}
}

// TestFallbackAroundZones: a block keeps its fallback on both sides of the blocks inside that have the same one.
func TestFallbackAroundZones(t *testing.T) {
	const fallback = "{ip}.host.example."
	inside := []snapshot.Delegation{
		delegation("203.0.113.32/28 32-28.113.0.203.in-addr.arpa.", "ns1.example.net."),
		delegation("203.0.113.64/28 64-28.113.0.203.in-addr.arpa.", "ns1.example.net."),
	}
	zones := []snapshot.Zone{
		zone(snapshot.Forward, "host.example."),
		reverse("113.0.203.in-addr.arpa.", "203.0.113.0/24", fallback, inside...),
	}
	for _, d := range inside {
		zones = append(zones, reverse(d.Name, d.Prefix.String(), fallback))
	}
	g := generation(t, content{zones: zones})
	for i := range 256 {
		name := fmt.Sprintf("203-0-113-%d.host.example.", i)
		want := []string{fmt.Sprintf("%s 3600 A 203.0.113.%d", name, i)}
		if diff := gocmp.Diff(want, response(g.Answer(name, authority.TypeA, false)).Answer); diff != "" {
			t.Errorf("Answer(%s, A) (-want +got):\n%s", name, diff)
		}
	}
}
