package migrate

import "testing"

// apex is what most zone files of the tests begin with, in two lines.
const apex = `$ORIGIN 2.0.192.in-addr.arpa.
@ 1h IN SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
`

// apexRows are what lines makes of it.
const apexRows = `zone 2.0.192.in-addr.arpa. 192.0.2.0/24
3600 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
`

// All forms that a record can have.
func TestRecords(t *testing.T) {
	for _, test := range []struct{ name, text, want, findings string }{
		{"owner, TTL, class", "1 60 IN PTR a.example.net.", "192.0.2.1 60 PTR a.example.net.", ""},
		{"owner, class, TTL", "1 IN 60 PTR a.example.net.", "192.0.2.1 60 PTR a.example.net.", ""},
		{"owner alone", "1 PTR a.example.net.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"absolute owner", "1.2.0.192.in-addr.arpa. PTR a.example.net.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"capitals", "1.2.0.192.IN-ADDR.ARPA. in ptr A.Example.NET.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"relative name", "$ORIGIN 0.192.in-addr.arpa.\n1.2 PTR a", "192.0.2.1 3600 PTR a.0.192.in-addr.arpa.", ""},
		{"relative origin", "$ORIGIN 0.192.in-addr.arpa.\n$ORIGIN 2\n1 PTR a.example.net.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"the root as origin", "$ORIGIN .\n1.2.0.192.in-addr.arpa PTR a.example.net", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"the owner before", "1 PTR a.example.net.\n  PTR b.example.net.\n\tIN PTR c.example.net.",
			"192.0.2.1 3600 PTR a.example.net.\n192.0.2.1 3600 PTR b.example.net.\n192.0.2.1 3600 PTR c.example.net.", ""},
		{"several lines", "1 IN (\n 60 ; a comment (\n\tPTR\n a.example.net. )\n2 PTR b.example.net.",
			"192.0.2.1 60 PTR a.example.net.\n192.0.2.2 60 PTR b.example.net.", ""},
		{"comments", "; PTR\n  ; (\n1 PTR a.example.net.; \"(\n2 PTR b.example.net. ; x",
			"192.0.2.1 3600 PTR a.example.net.\n192.0.2.2 3600 PTR b.example.net.", ""},
		{"carriage returns", "\r\n1 PTR a.example.net.\r\n  PTR b.example.net.\r\n",
			"192.0.2.1 3600 PTR a.example.net.\n192.0.2.1 3600 PTR b.example.net.", ""},
		{"twice", "1 PTR a.example.net.\n1 PTR A.example.net.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"quotes with a line end", "1 TXT \"( ; \n\" x\n2 PTR b.example.net.", "192.0.2.2 3600 PTR b.example.net.",
			"f:3:1: error: a source has no word for this TXT record at \"1.2.0.192.in-addr.arpa.\" [import-unsupported-record]"},

		{"$TTL", "$TTL 1d\n1 PTR a.example.net.\n2 60 PTR b.example.net.\n3 PTR c.example.net.",
			"192.0.2.1 86400 PTR a.example.net.\n192.0.2.2 60 PTR b.example.net.\n192.0.2.3 86400 PTR c.example.net.", ""},
		{"units", "$TTL 1W2d3H4m5s\n1 PTR a.example.net.\n2 1h1 PTR b.example.net.",
			"192.0.2.1 788645 PTR a.example.net.\n192.0.2.2 3601 PTR b.example.net.", ""},
		{"the TTL before (RFC 1035)", "1 60 PTR a.example.net.\n2 PTR b.example.net.",
			"192.0.2.1 60 PTR a.example.net.\n192.0.2.2 60 PTR b.example.net.", ""},
		{"TTLs that differ", "1 60 PTR a.example.net.\n1 61 PTR b.example.net.",
			"192.0.2.1 60 PTR a.example.net.\n192.0.2.1 60 PTR b.example.net.",
			"f:4:1: warning: the PTR record has the TTL 61, the first of its set 60: all get that one [import-ttl]"},

		{"$GENERATE", "$TTL 60\n$GENERATE 1-3 $ PTR host-$.example.net.",
			"192.0.2.1 60 PTR host-1.example.net.\n192.0.2.2 60 PTR host-2.example.net.\n192.0.2.3 60 PTR host-3.example.net.", ""},
		{"a step", "$GENERATE 0-5/4 $ 30 IN PTR a$.example.net. ; $",
			"192.0.2.0 30 PTR a0.example.net.\n192.0.2.4 30 PTR a4.example.net.", ""},
		{"modifiers", "$GENERATE 9-10 ${1} PTR ${-9,3}-${0,4,x}-${0,2,X}-${0,1,o}-${0,3,n}-$$.example.net.",
			"", "f:3:1: error: the PTR record has a name that a source cannot hold, " +
				`"000-0009-09-11-9.0-\\$.example.net.": character '\\' is not one of a-z, 0-9, -, _ and / [import-name]` + "\n" +
				"f:3:1: error: the PTR record has a name that a source cannot hold, " +
				`"001-000a-0a-12-a.0-\\$.example.net.": character '\\' is not one of a-z, 0-9, -, _ and / [import-name]`},
		{"the owner before, made by $GENERATE", "$GENERATE 1-1 $ PTR a.example.net.\n  PTR b.example.net.",
			"192.0.2.1 3600 PTR a.example.net.\n192.0.2.1 3600 PTR b.example.net.", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			r.zoneFile("f", "", []byte(apex+test.text), nil)
			expect(t, &r, "", rows(apexRows+test.want), rows(test.findings))
		})
	}
}

// What cannot be read is told, each with its place, and the rest is read.
func TestFindings(t *testing.T) {
	const name = ".2.0.192.in-addr.arpa."
	for _, test := range []struct{ name, text, want, findings string }{
		{"bad records", "1 PTR a..example.net.\n2 PTR b.example.net.\n  PTR\n3 PTR c.example.net. x\n4 FOO\n 5",
			"192.0.2.2 3600 PTR b.example.net.", `
			f:3:1: error: want a domain name, not "a..example.net." [import-syntax]
			f:5:3: error: the PTR record has no data [import-syntax]
			f:6:1: error: more than a record has: "x" [import-syntax]
			f:7:1: error: want a type, class or TTL, not "FOO" [import-syntax]
			f:8:2: error: the record has no type [import-syntax]`},
		{"no end", "1 PTR ( a.example.net.\n2 PTR b.example.net.\n3 TXT \"x", "192.0.2.2 3600 PTR b.example.net.", `
			f:3:1: error: a parenthesis is not closed [import-syntax]
			f:5:1: error: a quoted text does not end [import-syntax]`},
		{"an end without a begin", "1 PTR a.example.net. )\n2 PTR b.example.net.", "192.0.2.2 3600 PTR b.example.net.",
			"f:3:1: error: a parenthesis is closed that is not open [import-syntax]"},
		{"directives", "$TTL\n$TTL x\n$TTL 1dd\n$TTL 2147483648\n$TTL \"\"\n$ORIGIN a b\n$ORIGIN a..b\n$FOO\n$INCLUDE x y z\n$INCLUDE x",
			"", `
			f:3:1: error: $TTL: 0 fields after it are not as many as it takes [import-syntax]
			f:4:1: error: $TTL: "x" is not a TTL [import-syntax]
			f:5:1: error: $TTL: "1dd" is not a TTL [import-syntax]
			f:6:1: error: $TTL: the TTL 2147483648 is above 2^31-1 seconds [import-syntax]
			f:7:1: error: $TTL: the TTL is empty [import-syntax]
			f:8:1: error: $ORIGIN: 2 fields after it are not as many as it takes [import-syntax]
			f:9:1: error: $ORIGIN: "a..b.2.0.192.in-addr.arpa." is not a domain name [import-syntax]
			f:10:1: error: $FOO: there is no such directive [import-syntax]
			f:11:1: error: $INCLUDE: 3 fields after it are not as many as it takes [import-syntax]
			f:12:1: error: $INCLUDE: not possible here [import-syntax]`},
		{"$GENERATE", `$GENERATE
$GENERATE 1-3
$GENERATE 3-1 $ PTR a.example.net.
$GENERATE 1-3/0 $ PTR a.example.net.
$GENERATE -1-3 $ PTR a.example.net.
$GENERATE 0-65536 $ PTR a.example.net.
$GENERATE 1-3 ${0 PTR a.example.net.
$GENERATE 1-3 ${0,1,z} PTR a.example.net.
$GENERATE 1-3 ${-2,1,n} PTR a.example.net.
$GENERATE 1-3 $ PTR a$..example.net.`, "", `
			f:3:1: error: $GENERATE: "" is not a range such as 1-254 or 0-62/2 [import-syntax]
			f:4:1: error: $GENERATE: no owner after the range [import-syntax]
			f:5:1: error: $GENERATE: "3-1" is not a range such as 1-254 or 0-62/2 [import-syntax]
			f:6:1: error: $GENERATE: "1-3/0" is not a range such as 1-254 or 0-62/2 [import-syntax]
			f:7:1: error: $GENERATE: "-1-3" is not a range such as 1-254 or 0-62/2 [import-syntax]
			f:8:1: error: $GENERATE: the range 0-65536 has more than 65536 numbers [import-syntax]
			f:9:1: error: $GENERATE: a brace is not closed [import-syntax]
			f:10:1: error: $GENERATE: {0,1,z} are not modifiers such as {0,3,d}: offset, width, and base d, o, x, X, n or N [import-syntax]
			f:11:1: error: $GENERATE: {-2,1,n} makes the negative number -1 [import-syntax]
			f:12:1: error: want a domain name, not "a1..example.net." [import-syntax]`},
		{"TTLs", "1 2147483648 PTR a.example.net.", "",
			"f:3:1: error: the TTL 2147483648 is above 2^31-1 seconds [import-ttl]"},
		{"names", `1 PTR a\.b.example.net.
2 PTR .
3 PTR a@b.example.net.`, "", `
			f:3:1: error: the PTR record has a name that a source cannot hold, "a\\.b.example.net.": character '\\' is not one of a-z, 0-9, -, _ and / [import-name]
			f:4:1: error: the PTR record has a name that a source cannot hold, ".": a label is empty [import-name]
			f:5:1: error: the PTR record has a name that a source cannot hold, "a@b.example.net.": character '@' is not one of a-z, 0-9, -, _ and / [import-name]`},
		{"places", "1.3.0.192.in-addr.arpa. PTR a.example.net.\n@ PTR b.example.net.\n010 PTR c.example.net.\n" +
			"256 PTR d.example.net.\n1.1 PTR e.example.net.\nx CNAME f.example.net.\n* PTR g.example.net.", "", `
			f:3:1: error: "1.3.0.192.in-addr.arpa." lies outside of the zone "2.0.192.in-addr.arpa.": name servers do not serve it [import-outside-zone]
			f:4:1: error: "2.0.192.in-addr.arpa." is not the reverse name of an address [import-outside-address]
			f:5:1: error: "010.2.0.192.in-addr.arpa." is not the reverse name of an address [import-outside-address]
			f:6:1: error: "256.2.0.192.in-addr.arpa." is not the reverse name of an address [import-outside-address]
			f:7:1: error: "1.1.2.0.192.in-addr.arpa." is not the reverse name of an address [import-outside-address]
			f:8:1: error: "x.2.0.192.in-addr.arpa." is not the reverse name of an address [import-outside-address]
			f:9:1: error: a source has no word for this PTR record at "*.2.0.192.in-addr.arpa." [import-unsupported-record]`},
		{"types", "@ TXT x\n@ DS 1 13 2 00\n1 A 192.0.2.1\n2 DS 1 13 2 00\n3 CH PTR a.example.net.\n4 TYPE999 \\# 1 00", "", `
			f:3:1: error: a source has no word for this TXT record at "2.0.192.in-addr.arpa." [import-unsupported-record]
			f:4:1: error: a source has no word for this DS record at "2.0.192.in-addr.arpa." [import-unsupported-record]
			f:5:1: error: a source has no word for this A record at "1.2.0.192.in-addr.arpa." [import-unsupported-record]
			f:6:1: error: a source has no word for this DS record at "2.2.0.192.in-addr.arpa." [import-unsupported-record]
			f:7:1: error: a source has no word for this PTR record of class CH at "3.2.0.192.in-addr.arpa." [import-unsupported-record]
			f:8:1: error: a source has no word for this TYPE999 record at "4.2.0.192.in-addr.arpa." [import-unsupported-record]`},
		{"a signed zone", "@ DNSKEY 257 3 13 AAAA\n@ NSEC3PARAM 1 0 0 -\n1 PTR a.example.net.\n1 NSEC 2 PTR", "192.0.2.1 3600 PTR a.example.net.",
			`f:3:1: error: the zone "2.0.192.in-addr.arpa." is signed: 3 records of DNSSEC are left out [import-signed-zone]`},
		{"conflicts", "1 PTR a.example.net.\n1 CNAME b.example.net.\n2 CNAME b.example.net.\n2 CNAME B.example.net.\n2 CNAME c.example.net.\n" +
			"@ SOA ns2.example.net. hostmaster.example.net. 7 3600 900 1209600 300",
			"192.0.2.1 3600 CNAME b.example.net.\n192.0.2.2 3600 CNAME b.example.net.", `
			f:3:1: error: 192.0.2.1 has a CNAME record, to "b.example.net.": it can have no other [import-conflict]
			f:7:1: error: 192.0.2.2 has another CNAME record, to "b.example.net." [import-conflict]
			f:8:1: error: another SOA record of the zone "2.0.192.in-addr.arpa." [import-conflict]`},
		{"below a delegation", "64/26 NS ns1.example.com.\n1.64/26 PTR a.example.net.\n64/26 PTR b.example.net.\n2.64/26 CNAME c.example.net.\n" +
			"3.64/26 TXT x\nns1.64/26 A 192.0.2.70\n4.64/26 NS ns1.example.net.",
			"64/26" + name + " 192.0.2.64/26 3600 NS ns1.example.com.", `
			f:4:1: error: the PTR record at "1.64/26.2.0.192.in-addr.arpa." is not served: "64/26.2.0.192.in-addr.arpa." is delegated [import-hidden-record]
			f:5:1: error: the PTR record at "64/26.2.0.192.in-addr.arpa." is not served: "64/26.2.0.192.in-addr.arpa." is delegated [import-hidden-record]
			f:6:1: error: the CNAME record at "2.64/26.2.0.192.in-addr.arpa." is not served: "64/26.2.0.192.in-addr.arpa." is delegated [import-hidden-record]
			f:7:1: error: the TXT record at "3.64/26.2.0.192.in-addr.arpa." is not served: "64/26.2.0.192.in-addr.arpa." is delegated [import-hidden-record]
			f:8:1: error: the A record at "ns1.64/26.2.0.192.in-addr.arpa." is not served: "64/26.2.0.192.in-addr.arpa." is delegated [import-hidden-record]
			f:9:1: error: the NS record at "4.64/26.2.0.192.in-addr.arpa." is not served: "64/26.2.0.192.in-addr.arpa." is delegated [import-hidden-record]`},
		{"a delegation of what", "sub NS ns1.example.com.", "",
			`f:3:1: error: nothing tells which addresses the delegation of "sub.2.0.192.in-addr.arpa." is for [import-classless]`},
		{"zero bytes", "1 PTR a.example.net.\n\x00", "", "f:4: error: this is no text: it has a zero byte [import-syntax]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			r.zoneFile("f", "", []byte(apex+test.text), nil)
			want := rows(apexRows + test.want)
			if test.name == "zero bytes" {
				want = nil
			}
			expect(t, &r, "", want, rows(test.findings))
		})
	}
}

// Which zone a file holds, and which TTL its records have.
func TestZones(t *testing.T) {
	const soa = "SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300\n"
	for _, test := range []struct{ name, file, zone, text, want, findings string }{
		{"the name of the file", "db.2.0.192.in-addr.arpa", "", "@ 60 IN " + soa + "1 PTR a.example.net.", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.1 60 PTR a.example.net.`, ""},
		{"the name of the zone", "db.192", "2.0.192.IN-ADDR.arpa", "@ 60 IN " + soa, `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300`, ""},
		{"nothing", "reverse", "", "@ 60 IN " + soa + "1 PTR a.example.net.", "",
			"reverse:1:1: error: nothing tells which zone this file is for [import-zone-unknown]"},
		{"nothing but the apex", "reverse", "", "2.0.192.in-addr.arpa. 60 IN " + soa + "1 PTR a.example.net.", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300`,
			"reverse:2:1: error: nothing tells which zone this file is for [import-zone-unknown]"},
		{"no SOA", "2.0.192.in-addr.arpa.zone", "", "1 60 PTR a.example.net.", "",
			"2.0.192.in-addr.arpa.zone: error: there is no zone in it: it has no SOA record [import-zone-unknown]"},
		{"empty", "2.0.192.in-addr.arpa.zone", "", "", "",
			"2.0.192.in-addr.arpa.zone: error: there is no zone in it: it has no SOA record [import-zone-unknown]"},
		{"another class", "2.0.192.in-addr.arpa.zone", "", "@ 60 CH " + soa, "",
			"2.0.192.in-addr.arpa.zone: error: there is no zone in it: it has no SOA record [import-zone-unknown]"},
		{"names that a source cannot hold", "2.0.192.in-addr.arpa.zone", "", `@ 60 SOA . a\.b.example.net. 7 3600 900 1209600 300`, `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA . a\.b.example.net. 7 3600 900 1209600 300`, `
			2.0.192.in-addr.arpa.zone:1:1: error: the SOA record has a name that a source cannot hold, ".": a label is empty [import-name]
			2.0.192.in-addr.arpa.zone:1:1: error: the SOA record has a name that a source cannot hold, ` +
			`"a\\.b.example.net.": character '\\' is not one of a-z, 0-9, -, _ and / [import-name]`},
		{"no TTL but the negative one", "2.0.192.in-addr.arpa.zone", "", "@ " + soa + "1 PTR a.example.net.", `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			300 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.1 300 PTR a.example.net.`, ""},
		{"the SOA not first", "2.0.192.in-addr.arpa.zone", "", "1 PTR b.example.net.\n1 60 PTR a.example.net.\n@ " + soa, `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.1 60 PTR a.example.net.`,
			"2.0.192.in-addr.arpa.zone:1:1: error: nothing tells the TTL of this record [import-ttl]"},
		{"no owner", "2.0.192.in-addr.arpa.zone", "", " 60 IN " + soa, "",
			"2.0.192.in-addr.arpa.zone:1:2: error: the first record has no owner [import-syntax]"},
		{"what dig prints for two zones", "dig", "", text(`

			; <<>> DiG <<>> axfr
			;; global options: +cmd
			2.0.192.in-addr.arpa.	60	IN	SOA	ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			2.0.192.in-addr.arpa.	60	IN	NS	ns1.example.net.
			1.2.0.192.in-addr.arpa.	60	IN	PTR	a.example.net.
			2.0.192.in-addr.arpa.	60	IN	SOA	ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			;; Query time: 0 msec

			8.b.d.0.1.0.0.2.ip6.arpa. 60 IN SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.arpa. 60 IN PTR a.example.net.
			8.b.d.0.1.0.0.2.ip6.arpa. 60 IN SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300`), `
			zone 2.0.192.in-addr.arpa. 192.0.2.0/24
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			60 NS ns1.example.net.
			192.0.2.1 60 PTR a.example.net.
			zone 8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::/32
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			2001:db8::1 60 PTR a.example.net.`, ""},
		{"a forward zone", "db.example.net", "", "@ 60 " + soa + "@ TXT x\n* A 192.0.2.1\na A 192.0.2.1\n  AAAA 2001:db8::1\n" +
			"b AAAA ::ffff:192.0.2.2\nexample.org. A 192.0.2.3\n_x._udp PTR y\nc NS a\\.b\n", `
			a.example.net. 192.0.2.1
			a.example.net. 2001:db8::1`, ""},
		{"a zone for one address", "1.2.0.192.in-addr.arpa.zone", "", "@ 60 " + soa + "@ PTR a.example.net.", `
			zone 1.2.0.192.in-addr.arpa. 192.0.2.1/32
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			192.0.2.1 60 PTR a.example.net.`, ""},
		{"delegations", "192.in-addr.arpa.zone", "", `@ 60 ` + soa + `
0.0 30 NS ns1.0.0
0.0 30 NS NS2.example.net.
0.0 30 NS ns2.example.net.
0.0 40 DS 1 13 2 0a0B
0.0 40 DS 1 13 2 0A0b
ns1.0.0 50 A 192.0.2.1
ns1.0.0 51 AAAA 2001:db8::1
1.2.0 NS ns1.example.net.
`, `
			zone 192.in-addr.arpa. 192.0.0.0/8
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			0.0.192.in-addr.arpa. 192.0.0.0/24 30 NS ns1.0.0.192.in-addr.arpa.
			0.0.192.in-addr.arpa. 192.0.0.0/24 30 NS ns2.example.net.
			0.0.192.in-addr.arpa. 40 DS 1 13 2 0a0b
			ns1.0.0.192.in-addr.arpa. 50 glue 192.0.2.1
			ns1.0.0.192.in-addr.arpa. 50 glue 2001:db8::1
			1.2.0.192.in-addr.arpa. 192.0.2.1/32 51 NS ns1.example.net.`,
			"192.in-addr.arpa.zone:9:1: warning: the AAAA record has the TTL 51, the first of its set 50: all get that one [import-ttl]"},
		{"half an IPv6 name", "8.b.d.0.1.0.0.2.ip6.arpa.zone", "", "@ 60 " + soa + "0.0 PTR a.example.net.", `
			zone 8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::/32
			60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300`,
			`8.b.d.0.1.0.0.2.ip6.arpa.zone:2:1: error: "0.0.8.b.d.0.1.0.0.2.ip6.arpa." is not the reverse name of an address [import-outside-address]`},
		{"no name of a reverse zone", "x.8.b.d.0.1.0.0.2.ip6.arpa.zone", "", "@ 60 " + soa, "",
			`x.8.b.d.0.1.0.0.2.ip6.arpa.zone:1:1: error: nothing tells which addresses the zone "x.8.b.d.0.1.0.0.2.ip6.arpa." is for [import-classless]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			r.zoneFile(test.file, test.zone, []byte("\ufeff"+test.text), nil)
			expect(t, &r, "", rows(test.want), rows(test.findings))
		})
	}
}
