package lint

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// goodZone is a zone file in which everything leads back to the addresses of good.
const goodZone = `$TTL 1h
@     SOA   ns1 hostmaster 1 1h 15m 2w 5m
      NS    ns1
ns1   A     203.0.113.1
ns2   A     203.0.113.2
gw1   A     192.0.2.1
mail  A     192.0.2.10
www   AAAA  2001:db8:1::1
shop  A     198.51.100.65
`

// inFile is the change of good that adds goodZone, with replacements, each of which must be possible.
func inFile(oldnew ...string) []string {
	zone := goodZone
	for i := 0; i < len(oldnew); i += 2 {
		if strings.Count(zone, oldnew[i]) != 1 {
			panic(fmt.Sprintf("%q is %d times in the zone", oldnew[i], strings.Count(zone, oldnew[i])))
		}
		zone = strings.Replace(zone, oldnew[i], oldnew[i+1], 1)
	}
	return []string{"  rules: {}\n", "  rules: {}\nforwards: [z/*.zone]\n-- z/example.net.zone --\n" + zone}
}

func TestForwardsInvalid(t *testing.T) {
	testMistakes(t, forwardsInvalid, []mistake{
		{
			"a pattern without a file", []string{"lint:", "forwards: [<1>z/*]\nlint:"},
			`the pattern "z/*" matches no file`, "",
		},
		{
			"no address, and nothing is believed of the zone",
			inFile("gw1   A     192.0.2.1\n", "gw1   A     <1>192.0.2\n", "mail  A", "mial  A"),
			`want an IPv4 address, not "192.0.2"`, "",
		},
		{
			"nothing that tells which zone it is",
			[]string{"  rules: {}\n", "  rules: {}\nforwards: [z/*]\n-- z/hosts --\n<1>ns1 A 203.0.113.1\n"},
			"nothing tells which zone this file is: neither an SOA record with an absolute name nor the name of the file",
			`begin it with $ORIGIN, or name it after its zone: "acme.example.zone"`,
		},
	})
}

// What name-not-hostname finds is no name to write into the zone.
func TestForwardMissingNoHost(t *testing.T) {
	changes := slices.Concat(inFile("mail  A ", "ftp   A "), []string{" mail.example.net", " ma_il.example.net"})
	found := run(t, strings.NewReplacer(changes...).Replace(good))
	const want = "choose the name of a host, with letters, digits and hyphens, and add it to z/example.net.zone"
	if len(found) != 2 || found[0].Rule != forwardMissing.ID || found[0].Hint != want || found[1].Rule != nameNotHostname.ID {
		t.Errorf("%+v, want two findings, the first with the hint %s", found, want)
	}
}

func TestForwardMissing(t *testing.T) {
	testMistakes(t, forwardMissing, []mistake{
		{
			"a typo in the source", slices.Concat(inFile("mail  A     ", "mail  A     <2>"),
				[]string{"192.0.2.10: mail.example.net", "192.0.2.10: <1>mial.example.net"}),
			`192.0.2.10 has the name "mial.example.net.", which does not exist in z/example.net.zone`,
			`write "mail.example.net.", or add "mial A 192.0.2.10" to z/example.net.zone`,
		},
		{
			"a typo in the zone", slices.Concat(inFile("mail  A     ", "mial  A     <2>"),
				[]string{"192.0.2.10: mail.example.net", "192.0.2.10: <1>mail.example.net"}),
			`192.0.2.10 has the name "mail.example.net.", which does not exist in z/example.net.zone`,
			`write "mial.example.net.", or add "mail A 192.0.2.10" to z/example.net.zone`,
		},
		{
			"forgotten; the name of another kind of service has the address",
			slices.Concat(inFile("mail  A ", "ftp   A "), []string{" mail.example.net", " <1>mail.example.net"}),
			`192.0.2.10 has the name "mail.example.net.", which does not exist in z/example.net.zone`,
			`add "mail A 192.0.2.10" to z/example.net.zone`,
		},
		{
			"no name of a host, where that may be",
			slices.Concat(inFile("mail  A ", "ftp   A "), []string{" mail.example.net", " <1>ma_il.example.net",
				"  rules: {}\n", "  rules: {name-not-hostname: off}\n"}),
			`192.0.2.10 has the name "ma_il.example.net.", which does not exist in z/example.net.zone`,
			`add "ma_il A 192.0.2.10" to z/example.net.zone`,
		},
		{
			"forgotten, IPv6", slices.Concat(inFile("www   AAAA  2001:db8:1::1\n", ""), []string{"www.", "<1>www."}),
			`2001:db8:1::1 has the name "www.example.net.", which does not exist in z/example.net.zone`,
			`add "www AAAA 2001:db8:1::1" to z/example.net.zone`,
		},
		{
			"no address",
			slices.Concat(inFile("shop  A     198.51.100.65", "shop  MX    10 mail"), []string{"shop.", "<1>shop."}),
			`198.51.100.65 has the name "shop.example.net.", which has no address in z/example.net.zone`,
			`add "shop A 198.51.100.65" to z/example.net.zone`,
		},
		{
			"the zone itself", slices.Concat(inFile(), []string{"gw1.example.net", "<1>example.net"}),
			`192.0.2.1 has the name "example.net.", which has no address in z/example.net.zone`,
			`add "@ A 192.0.2.1" to z/example.net.zone`,
		},
		{
			"a default hostname",
			slices.Concat(inFile(), []string{
				"{server}.vps.example", "{server}.example.net", "    account: acme\n", "",
				"primary: [192.0.2.10, 2001:db8::10]", "primary: [192.0.2.10]", "primary: 192.0.2.20", "primary: <1>192.0.2.20",
			}),
			`192.0.2.20 has the name "web2.example.net.", which does not exist in z/example.net.zone`,
			`add "web2 A 192.0.2.20" to z/example.net.zone`,
		},
		{
			"all default hostnames",
			slices.Concat(inFile(), []string{`"{server}.vps.example"`, `<1>"{server}.vps.example.net"`}),
			`default hostnames such as "web2.vps.example.net." do not exist in z/example.net.zone: ` +
				`it has nothing at or below "vps.example.net."`,
			`delegate "vps" to the servers of the snapshot, and add "vps.example.net" to forward_zones`,
		},
		{
			"in a forward zone of ours",
			[]string{"gw1.example.net", "<1>gw1.vps.example", "lint:", "forward_zones: [<2>vps.example]\nlint:"},
			`192.0.2.1 has the name "gw1.vps.example.", which does not exist: ` +
				`the forward zone "vps.example." has default hostnames only`,
			"choose a name outside of the forward zones, and give it this address there",
		},
	})
}

func TestForwardElsewhere(t *testing.T) {
	testMistakes(t, forwardElsewhere, []mistake{
		{
			"a swapped digit in the zone", slices.Concat(inFile("A     192.0.2.10", "A     <2>192.0.2.100"),
				[]string{" mail.example.net", " <1>mail.example.net"}),
			`192.0.2.10 has the name "mail.example.net.", which leads to 192.0.2.100`,
			`if one of 192.0.2.10 and 192.0.2.100 is a slip, correct it; else add "mail A 192.0.2.10" to z/example.net.zone`,
		},
		{
			"the address of another server",
			slices.Concat(inFile("mail  A     ", "mail  A     <2>198.51.100.65 ; "),
				[]string{" mail.example.net", " <1>mail.example.net"}),
			`192.0.2.10 has the name "mail.example.net.", which leads to 198.51.100.65`,
			`add "mail A 192.0.2.10" to z/example.net.zone, or choose another name for the address`,
		},
		{
			"several addresses",
			slices.Concat(inFile("mail  A     192.0.2.10", "mail  A     <2>203.0.113.1\n      A     <3>203.0.113.2"),
				[]string{" mail.example.net", " <1>mail.example.net"}),
			`192.0.2.10 has the name "mail.example.net.", which leads to 203.0.113.1 and 1 more, but not back`,
			`add "mail A 192.0.2.10" to z/example.net.zone, or choose another name for the address`,
		},
		{
			"the other family only",
			slices.Concat(inFile("mail  A     192.0.2.10", "mail  AAAA  2001:db8::10"), []string{
				" mail.example.net", " <1>mail.example.net", "primary: [192.0.2.10, 2001:db8::10]", "primary: 192.0.2.10",
				"      2001:db8:1::/64:", "      2001:db8::10: mail.example.net\n      2001:db8:1::/64:",
			}),
			`192.0.2.10 has the name "mail.example.net.", which has no A record in z/example.net.zone`,
			`add "mail A 192.0.2.10" to z/example.net.zone`,
		},
		{
			"a wildcard",
			slices.Concat(inFile("mail  A     192.0.2.10", "*     A     <2>203.0.113.1"),
				[]string{" mail.example.net", " <1>mail.example.net"}),
			`192.0.2.10 has the name "mail.example.net.", which leads to 203.0.113.1`,
			`add "mail A 192.0.2.10" to z/example.net.zone, or choose another name for the address`,
		},
		{
			"the server's own default hostname, without this family",
			[]string{
				"primary: [192.0.2.10, 2001:db8::10]", "primary: <2>192.0.2.10", "    account: acme\n", "",
				" www.example.net", " <1>web1.vps.example", "lint:", "forward_zones: [<3>vps.example]\nlint:",
			},
			`2001:db8:1::1 has the name "web1.vps.example.", which is the default hostname of 192.0.2.10`,
			"choose a name outside of the forward zones, and give it this address there",
		},
		{
			"the fallback name of another address",
			[]string{"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.vps.example"}`, " gw1.example.net",
				" <1>192-0-2-7.vps.example", "lint:", "forward_zones: [<2>vps.example]\nlint:"},
			`192.0.2.1 has the name "192-0-2-7.vps.example.", which is the fallback name of 192.0.2.7`,
			"choose a name outside of the forward zones, and give it this address there",
		},
	})
}

func TestForwardAlias(t *testing.T) {
	named := []string{" mail.example.net", " <1>mail.example.net"}
	testMistakes(t, forwardAlias, []mistake{
		{
			"of a name that has the address",
			slices.Concat(inFile("mail  A     192.0.2.10", "mail  CNAME <2>web\nweb   A     192.0.2.10"), named),
			`192.0.2.10 has the name "mail.example.net.", which is an alias of "web.example.net."`,
			`write "web.example.net.", which has this address`,
		},
		{
			"of a name that has another address",
			slices.Concat(inFile("mail  A     192.0.2.10", "mail  CNAME <2>ns1"), named),
			`192.0.2.10 has the name "mail.example.net.", which is an alias of "ns1.example.net."`,
			`write "mail A 192.0.2.10" instead of the CNAME record`,
		},
		{
			"of a name in another zone",
			slices.Concat(inFile("mail  A     192.0.2.10", "mail  CNAME <2>mail.example.com."), named),
			`192.0.2.10 has the name "mail.example.net.", which is an alias of "mail.example.com."`,
			`write "mail A 192.0.2.10" instead of the CNAME record`,
		},
		{
			"by a wildcard",
			slices.Concat(inFile("mail  A     192.0.2.10", "*     CNAME <2>ns1"), named),
			`192.0.2.10 has the name "mail.example.net.", which is an alias of "ns1.example.net."`,
			`add "mail A 192.0.2.10" to z/example.net.zone`,
		},
	})
}

func TestReverseElsewhere(t *testing.T) {
	testMistakes(t, reverseElsewhere, []mistake{
		{
			"a second address, whose name is not known to lead back",
			slices.Concat(inFile("mail  A     192.0.2.10", "mail  A     192.0.2.10\n      A     <1>192.0.2.20"),
				[]string{" mail.example.net", " <2>mail.example.net", "primary: 192.0.2.20", "primary: <3>192.0.2.20"}),
			`"mail.example.net." leads to 192.0.2.20 too, which has another name, "web2.vps.example."`,
			`remove this record, or give 192.0.2.20 the name "mail.example.net." as well`,
		},
	})
}

func TestReverseMissing(t *testing.T) {
	testMistakes(t, reverseMissing, []mistake{
		{
			"an address that is listed",
			slices.Concat(inFile("shop ", "a     A     <1>192.0.2.11\nb     A     192.0.2.11\nshop "),
				[]string{"192.0.2.11:", "<2>192.0.2.11:"}),
			`"a.example.net." leads to 192.0.2.11, which has no name`, `write "192.0.2.11: a.example.net" under "addresses"`,
		},
		{
			"an address that is not", inFile("shop ", "a     AAAA  <1>2001:db8::99\nshop "),
			`"a.example.net." leads to 2001:db8::99, which has no name`, `write "2001:db8::99: a.example.net" under "addresses"`,
		},
	})
}

func TestNameserverAlias(t *testing.T) {
	testMistakes(t, nameserverAlias, []mistake{
		{
			"of the zones", slices.Concat(inFile("ns1   A     203.0.113.1", "ns1   CNAME <2>ns2"),
				[]string{"[ns1.example.net, ns2.example.net]", "[<1>ns1.example.net, ns2.example.net]"}),
			`name server "ns1.example.net." is an alias of "ns2.example.net."`,
			`write "ns2.example.net.", or give "ns1.example.net." address records of its own`,
		},
		{
			"of a delegation", slices.Concat(inFile("ns1   A", "ns9   CNAME <2>dns.example.com.\nns1   A"),
				[]string{"2001:db8::/33: {}",
					"2001:db8::/33: {delegations: {2001:db8:f00::/48: {nameservers: [<1>ns9.example.net, ns.example.com]}}}"}),
			`name server "ns9.example.net." is an alias of "dns.example.com."`,
			`write "dns.example.com.", or give "ns9.example.net." address records of its own`,
		},
	})
}

func TestNameserverInZoneFile(t *testing.T) {
	testMistakes(t, nameserverWithoutAddress, []mistake{{
		"in a zone file", slices.Concat(inFile("ns2   A     203.0.113.2\n", ""),
			[]string{"[ns1.example.net, ns2.example.net]", "[ns1.example.net, <1>ns2.example.net]"}),
		`name server "ns2.example.net." has no address in z/example.net.zone`, "correct the name, or add its addresses there",
	}})
}

func TestForwardsClean(t *testing.T) {
	ours := []string{"lint:", "forward_zones: [vps.example]\nlint:"}
	fallback := []string{"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.vps.example"}`}
	list := "  rules: {}\n"
	testClean(t, map[string][]string{
		"everything leads back":                    inFile(),
		"web sites on an address":                  inFile("shop ", "a     A     192.0.2.10\nb     A     192.0.2.10\nshop "),
		"an alias beside the name":                 inFile("shop ", "a     CNAME mail\nshop "),
		"a wildcard makes the name":                inFile("mail  A", "*     A"),
		"a wildcard leads to a nameless address":   inFile("shop ", "*     A     192.0.2.11\nshop "),
		"the name is delegated":                    inFile("mail  A     192.0.2.10", "mail  NS    ns.example.com."),
		"several addresses, the other has its own": inFile("shop ", "mail  A     192.0.2.1\nshop "),
		"addresses of others":                      inFile("shop ", "a     A     203.0.113.9\nshop "),
		"the name is below a DNAME record": slices.Concat(
			inFile("mail  A", "sub   DNAME x.example.\nmial  A"), []string{" mail.example", " mail.sub.example"}),
		"the name is in no zone": slices.Concat(inFile(), []string{" mail.example.net", " mail.acme.example"}),
		"two names that both lead back": slices.Concat(
			inFile("shop ", "mail2 A     192.0.2.10\nshop "),
			[]string{" mail.example.net", " {names: [mail.example.net, mail2.example.net]}"},
			[]string{"rules: {}", "rules: {name-multiple: off}"}),
		"several addresses that all lead back": slices.Concat(
			inFile("shop ", "mail  A     192.0.2.11\nshop "), []string{"192.0.2.11:", "192.0.2.11: mail.example.net"}),
		"the other has a name in our forward zone": slices.Concat(
			inFile("shop ", "mail  A     192.0.2.20\nshop "), ours),
		"a default hostname in our forward zone": ours,
		"our forward zone has a file too": {
			list, list + "forward_zones: [vps.example]\nforwards: [z/*]\n-- z/vps.example.zone --\n@ SOA a b 1 1 1 1 1\n",
		},
		"its own default hostname": slices.Concat(ours, []string{" mail.example.net", " web1.vps.example"}),
		"its own fallback name":    slices.Concat(ours, fallback, []string{"gw1.example.net", "192-0-2-1.vps.example"}),
		"a delegated address": slices.Concat(
			inFile("shop ", "a     AAAA  2001:db8:f00::1\nshop "),
			[]string{"2001:db8::/33: {}", "2001:db8::/33:\n    delegations:\n" +
				"      2001:db8:f00::/48: {nameservers: [ns1.acme.example, ns2.acme.example]}"}),
		"a fallback names the address": slices.Concat(inFile("shop ", "a     A     192.0.2.99\nshop "), fallback),
		"waived in the zone file": inFile(
			"shop ", "a     A     192.0.2.99 ; revmap:ignore reverse-missing reason=\"only receives\"\nshop "),
		"a file that another one includes": {
			list, list + "forwards: [z/*]\n-- z/example.net.zone --\n" + goodZone +
				"$INCLUDE more\n-- z/more --\na A 203.0.113.9\n",
		},
	})
}

// confirmed returns an inventory of n addresses and zones in which all of their names lead back.
func confirmed(tb testing.TB, n int) (*model.Inventory, *forward.Zones) {
	tb.Helper()
	var text, zone strings.Builder
	text.WriteString("version: 1\ndefaults: {nameservers: [ns1.example.net, ns2.example.net], " +
		"soa: {primary: ns1.example.net, contact: h.example.net}}\n" +
		"blocks: {10.0.0.0/8: }\nlint: {rules: {block-special-purpose: off}}\n" +
		"forwards: ['*.zone']\naddresses:\n")
	zone.WriteString("@ SOA a b 1 1h 15m 2w 5m\nns1 A 203.0.113.1\nns2 A 203.0.113.2\n")
	for i := range n {
		addr := netip.AddrFrom4([4]byte{10, byte((i + 1) >> 16), byte((i + 1) >> 8), byte(i + 1)})
		fmt.Fprintf(&text, "  %s: host%d.example.net\n", addr, i)
		fmt.Fprintf(&zone, "host%d A %s\n", i, addr)
	}
	tb.Chdir(tb.TempDir())
	for name, data := range map[string]string{"records.yaml": text.String(), "example.net.zone": zone.String()} {
		if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	s, found, err := source.Load("records.yaml")
	if err != nil || len(found) > 0 {
		tb.Fatal(err, found)
	}
	zones, found, err := forward.Load(s)
	if err != nil || len(found) > 0 {
		tb.Fatal(err, found)
	}
	return model.Build(s), zones
}

// A name that leads back costs no memory.
func TestForwardsAllocs(t *testing.T) {
	allocs := func(n int) float64 {
		inv, zones := confirmed(t, n)
		return testing.AllocsPerRun(5, func() {
			if list := newComparison(inv, zones).of(inv).claims(); len(list) > 0 {
				t.Fatalf("%+v", list)
			}
		})
	}
	if few, many := allocs(10), allocs(1000); many > few {
		t.Errorf("%v allocations for 10 names, %v for 1,000", few, many)
	}
}

func BenchmarkForwards(b *testing.B) {
	const n = 1_000_000
	inv, zones := confirmed(b, n)
	b.ReportAllocs()
	for b.Loop() {
		c := newComparison(inv, zones).of(inv)
		for _, r := range Rules {
			if r.compare != nil {
				r.compare(c, func(d diag.Diagnostic) { b.Fatal(d) })
			}
			if r.group != nil {
				r.group(c, func(_ string, _ netip.Addr, d diag.Diagnostic) { b.Fatal(d) })
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/address")
}
