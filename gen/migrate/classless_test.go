package migrate

import (
	"net/netip"
	"strings"
	"testing"
)

func TestClassless(t *testing.T) {
	const parent = ".2.0.192.in-addr.arpa."
	for _, test := range []struct{ name, addrs, want string }{
		{"0/25" + parent, "", "192.0.2.0/25"},
		{"64/26" + parent, "", "192.0.2.64/26"},
		{"64-26" + parent, "", "192.0.2.64/26"},
		{"64_26" + parent, "", "192.0.2.64/26"},
		{"64-127" + parent, "", "192.0.2.64/26"},
		{"64/127" + parent, "", "192.0.2.64/26"},
		{"0-31" + parent, "", "192.0.2.0/27"},
		{"0/31" + parent, "", "192.0.2.0/31"},
		{"0/31" + parent, "9", "192.0.2.0/27"},
		{"0-31" + parent, "9", "192.0.2.0/27"},
		{"28-31" + parent, "", "192.0.2.28/30"},
		{"30-31" + parent, "", "192.0.2.30/31"},
		{"4-31" + parent, "", "192.0.2.4/31"},
		{"9/32" + parent, "", "192.0.2.9/32"},
		{"64-26.customers" + parent, "", "192.0.2.64/26"},
		{"64-26" + parent, "200", "192.0.2.64/26"}, // the label is believed
		{"64-25" + parent, "", ""},                 // not an address that a /25 begins with
		{"0-24" + parent, "", ""},
		{"0-255" + parent, "", ""},
		{"0-33" + parent, "", ""},
		{"64-26-x" + parent, "", ""},
		{"256-26" + parent, "", ""},
		{"acme" + parent, "", ""},
		{"acme" + parent, "65", "192.0.2.65/32"},
		{"acme" + parent, "65 126", "192.0.2.64/26"},
		{"acme" + parent, "126 65 100", "192.0.2.64/26"},
		{"acme" + parent, "1 254", ""},
		{"rev.acme.example.", "5 6", "192.0.2.4/30"},
		{"0/26.0.192.in-addr.arpa.", "", ""}, // the label would be an octet of a /16
		{"0/26.in-addr.arpa.", "", ""},
	} {
		t.Run(test.name+" "+test.addrs, func(t *testing.T) {
			var addrs []netip.Addr
			for _, octet := range strings.Fields(test.addrs) {
				addrs = append(addrs, netip.MustParseAddr("192.0.2."+octet))
			}
			p, ok := classless(test.name, addrs)
			if got := p.String(); ok != (test.want != "") || ok && got != test.want {
				t.Errorf("got %s, %t, want %q", got, ok, test.want)
			}
		})
	}
}

// Both sides of RFC 2317, in all styles.
func TestClasslessZones(t *testing.T) {
	const soa = " 60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300\n"
	const parent = "-- parent --\n$ORIGIN 2.0.192.in-addr.arpa.\n@" + soa
	for _, test := range []struct{ name, files, want, findings string }{
		{"a delegation", parent + "64/26 NS ns1.acme.example.\n$GENERATE 65-66 $ CNAME $.64/26", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.65 60 CNAME 65.64/26.2.0.192.in-addr.arpa.
			192.0.2.66 60 CNAME 66.64/26.2.0.192.in-addr.arpa.
			64/26.2.0.192.in-addr.arpa. 192.0.2.64/26 60 NS ns1.acme.example.`, ""},
		{"a delegation by the aliases alone", parent + "acme NS ns1.acme.example.\n65 CNAME 65.acme\n70 CNAME 70.acme\n9 CNAME x.acme", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.9 60 CNAME x.acme.2.0.192.in-addr.arpa.
			192.0.2.65 60 CNAME 65.acme.2.0.192.in-addr.arpa.
			192.0.2.70 60 CNAME 70.acme.2.0.192.in-addr.arpa.
			acme.2.0.192.in-addr.arpa. 192.0.2.64/29 60 NS ns1.acme.example.`, ""},
		{"aliases to a zone elsewhere", parent + "5 CNAME 5.rev.acme.example.\n-- child --\nrev.acme.example." + soa +
			"5.rev.acme.example. PTR a.acme.example.\n6.rev.acme.example. PTR b.acme.example.", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.5 60 CNAME 5.rev.acme.example.
			zone rev.acme.example. 192.0.2.4/30
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.5 60 PTR a.acme.example.
			192.0.2.6 60 PTR b.acme.example.`, ""},
		{"a zone elsewhere, alone", "-- child --\nrev.acme.example." + soa + "5.rev.acme.example. PTR a.acme.example.", "",
			`child:1:1: error: nothing tells which addresses the zone "rev.acme.example." is for [import-classless]`},
		{"a zone whose label tells", "-- child --\n$ORIGIN 64-127.2.0.192.in-addr.arpa.\n@" + soa +
			"65 PTR a.example.net.\n200 PTR b.example.net.\n065 PTR c.example.net.\n1.65 PTR d.example.net.\n@ PTR e.example.net.\n70 NS ns1.acme.example.", `
			zone 64-127.2.0.192.in-addr.arpa. 192.0.2.64/26
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.65 60 PTR a.example.net.
			70.64-127.2.0.192.in-addr.arpa. 192.0.2.70/32 60 NS ns1.acme.example.`, `
			child:4:1: error: "200.64-127.2.0.192.in-addr.arpa." stands for no address of 192.0.2.64/26 [import-outside-address]
			child:5:1: error: "065.64-127.2.0.192.in-addr.arpa." stands for no address of 192.0.2.64/26 [import-outside-address]
			child:6:1: error: "1.65.64-127.2.0.192.in-addr.arpa." stands for no address of 192.0.2.64/26 [import-outside-address]
			child:7:1: error: "64-127.2.0.192.in-addr.arpa." stands for no address of 192.0.2.64/26 [import-outside-address]`},
		{"a zone whose label does not tell", "-- child --\n$ORIGIN acme.2.0.192.in-addr.arpa.\n@" + soa + "65 PTR a.example.net.\n66 PTR b.example.net.", `
			zone acme.2.0.192.in-addr.arpa. 192.0.2.64/30
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.65 60 PTR a.example.net.
			192.0.2.66 60 PTR b.example.net.`,
			`child:2:1: warning: the zone "acme.2.0.192.in-addr.arpa." is taken for that of 192.0.2.64/30, ` +
				`the smallest prefix with all addresses that have names [import-classless]`},
		{"a zone whose parent tells", parent + "acme NS ns1.acme.example.\n64 CNAME 64.acme\n95 CNAME 95.acme\n" +
			"-- child --\n$ORIGIN acme.2.0.192.in-addr.arpa.\n@" + soa + "65 PTR a.example.net.", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.64 60 CNAME 64.acme.2.0.192.in-addr.arpa.
			192.0.2.95 60 CNAME 95.acme.2.0.192.in-addr.arpa.
			acme.2.0.192.in-addr.arpa. 192.0.2.64/27 60 NS ns1.acme.example.
			zone acme.2.0.192.in-addr.arpa. 192.0.2.64/27
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.65 60 PTR a.example.net.`, ""},
		{"a name that a source cannot hold", "-- child --\na\\.b.2.0.192.in-addr.arpa." + soa, "",
			`child:1:1: error: the zone has a name that a source cannot hold, "a\\.b.2.0.192.in-addr.arpa." [import-name]`},
		{"one zone twice", parent + "-- child --\n2.0.192.in-addr.arpa." + soa, `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300`,
			`child:1:1: error: the zone "2.0.192.in-addr.arpa." is in parent, too [import-zone-twice]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			for _, part := range strings.Split("\n"+test.files, "\n-- ")[1:] {
				name, content, _ := strings.Cut(part, " --\n")
				r.zoneFile(name, "", []byte(content), nil)
			}
			expect(t, &r, "", rows(test.want), rows(test.findings))
		})
	}
}
