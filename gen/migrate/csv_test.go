package migrate

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCSV(t *testing.T) {
	for _, test := range []struct{ name, text, want, findings string }{
		{"address and name", "address,name\n192.0.2.1,a.example.net\n2001:db8::1,A.Example.Net.\n",
			"192.0.2.1 a.example.net. - - -\n2001:db8::1 a.example.net. - - -", ""},
		{"all columns", "address,name,server,product,account,primary,ttl\n" +
			"192.0.2.1,a.example.net,a,vps,acme,yes,300\n192.0.2.2,,a,vps,acme,no,\n192.0.2.3,,a,,,0,1h\n2001:db8::1,,a,,,True,\n",
			"192.0.2.1 a.example.net. a vps acme primary 300\n192.0.2.2 - a vps acme\n192.0.2.3 - a - - 3600\n2001:db8::1 - a - - primary", ""},
		{"another order, capitals, blanks", " Name , ADDRESS \n a.example.net , 192.0.2.1 \n",
			"192.0.2.1 a.example.net. - - -", ""},
		{"BOM, carriage returns, quotes, no final newline", "\ufeffaddress,name\r\n\"192.0.2.1\",\"a.example.net\"\r\n192.0.2.2,b.example.net",
			"192.0.2.1 a.example.net. - - -\n192.0.2.2 b.example.net. - - -", ""},
		{"empty lines", "address,name\n\n,\n192.0.2.1,a.example.net\n", "192.0.2.1 a.example.net. - - -", ""},
		{"several names, and a line twice", "address,name\n192.0.2.1,a.example.net\n192.0.2.1,b.example.net\n192.0.2.1,A.example.net\n",
			"192.0.2.1 a.example.net. - - -\n192.0.2.1 b.example.net. - - -", ""},

		{"empty", "", "", "f:1:1: error: the file is empty [import-syntax]"},
		{"no header", "192.0.2.1,a.example.net\n", "", `
			f:1:1: error: there is no column "192.0.2.1" [import-syntax]
			f:1:11: error: there is no column "a.example.net" [import-syntax]`},
		{"a bad header", "adress,name,name\n192.0.2.1,,\n", "", `
			f:1:1: error: there is no column "adress" [import-syntax]
			f:1:13: error: column "name" is there twice [import-syntax]`},
		{"no address", "name\na.example.net\n", "", `f:1:1: error: there is no column "address" [import-syntax]`},
		{"semicolons", "\ufeff\"Address\";\"Name\"\r\n\"192.0.2.1\";\"a.example.net\"\r\n192.0.2.2;a,b\r\n",
			"192.0.2.1 a.example.net. - - -",
			`f:3:11: error: "a,b" is no name of a host: character ',' is not one of a-z, 0-9, -, _ and / [import-name]`},
		{"tabs", "address\tserver\tname\n192.0.2.1\t\ta.example.net\n", "192.0.2.1 a.example.net. - - -", ""},
		{"fields", "name,address\na.example.net\na.example.net,192.0.2.1,x\nb.example.net,192.0.2.2\n", "192.0.2.2 b.example.net. - - -", `
			f:2:1: error: the line has 1 fields, the first 2 [import-syntax]
			f:3:1: error: the line has 3 fields, the first 2 [import-syntax]`},
		{"addresses", "name,address\né.example.net,192.0.2.01\na.example.net,\na.example.net,192.0.2.0/24\na.example.net,::ffff:192.0.2.1\n" +
			"a.example.net,fe80::1%eth0\n", "", `
			f:2:15: error: "192.0.2.01" is not an IP address [import-address]
			f:3:15: error: "" is not an IP address [import-address]
			f:4:15: error: "192.0.2.0/24" is not an IP address [import-address]
			f:5:15: error: "::ffff:192.0.2.1" is an IPv4 address written as IPv6 [import-address]
			f:6:15: error: "fe80::1%eth0" is an address on one link only [import-address]`},
		{"names", "address,name\n192.0.2.1,a b.example.net\n192.0.2.2,a..example.net\n192.0.2.3,web1\n", "", `
			f:2:11: error: "a b.example.net" is no name of a host: character ' ' is not one of a-z, 0-9, -, _ and / [import-name]
			f:3:11: error: "a..example.net" is no name of a host: a label is empty [import-name]
			f:4:11: error: "web1" is no full name [import-name]`},
		{"other fields", "address,server,primary,ttl\n192.0.2.1,a,maybe,\n192.0.2.2,,yes,\n192.0.2.3,a,no,1x\n", "", `
			f:2:13: error: want yes or no, not "maybe" [import-syntax]
			f:3:12: error: 192.0.2.2 is primary, but of no server [import-syntax]
			f:4:16: error: "1x" is not a TTL [import-ttl]`},
		{"lines that contradict each other", "address,name,server,product,account,ttl\n192.0.2.1,a.example.net,a,vps,acme,60\n192.0.2.1,b.example.net,,,,\n" +
			"192.0.2.1,c.example.net,b,,,\n192.0.2.1,c.example.net,,x,,\n192.0.2.1,c.example.net,,,x,\n192.0.2.1,c.example.net,,,,61\n",
			"192.0.2.1 a.example.net. a vps acme 60\n192.0.2.1 b.example.net. - - -", `
			f:4:1: error: 192.0.2.1 has another server, "a" [import-conflict]
			f:5:1: error: 192.0.2.1 has another product, "vps" [import-conflict]
			f:6:1: error: 192.0.2.1 has another account, "acme" [import-conflict]
			f:7:1: error: 192.0.2.1 has another TTL, "60" [import-conflict]`},
		{"quotes", "address,name\n\"192.0.2.1\"x,a.example.net\n192.0.2.2,é\"\n192.0.2.3,c.example.net\n192.0.2.4,\"d\n", "192.0.2.3 c.example.net. - - -", `
			f:2:11: error: extraneous or missing " in quoted-field [import-syntax]
			f:3:12: error: bare " in non-quoted-field [import-syntax]
			f:5:13: error: extraneous or missing " in quoted-field [import-syntax]`},
		{"quotes in the header", "\"address\"x,name\n192.0.2.2,a.example.net\n", "", `
			f:1:9: error: extraneous or missing " in quoted-field [import-syntax]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			if err := r.CSV("f", strings.NewReader(test.text)); err != nil {
				t.Fatal(err)
			}
			expect(t, &r, "", rows(test.want), rows(test.findings))
		})
	}
}

func TestHosts(t *testing.T) {
	for _, test := range []struct{ name, text, want, findings string }{
		{"addresses and names", "192.0.2.1\ta.example.net # (the first)\r\n\n# x\n  2001:db8::1 A.example.net.",
			"192.0.2.1 a.example.net. - - -\n2001:db8::1 a.example.net. - - -", ""},
		{"of this machine", "\ufeff127.0.0.1 localhost\n::1 localhost ip6-localhost\nff02::1 ip6-allnodes\nfe80::1%lo0 localhost\n", "", `
			f:1:1: note: 127.0.0.1 is left out: it is not in the DNS [import-address]
			f:2:1: note: ::1 is left out: it is not in the DNS [import-address]
			f:3:1: note: ff02::1 is left out: it is not in the DNS [import-address]
			f:4:1: note: fe80::1%lo0 is left out: it is not in the DNS [import-address]`},
		{"several names", "192.0.2.1 a.example.net a www.example.net\n192.0.2.1 b.example.net\n",
			"192.0.2.1 a.example.net. - - -", `
			f:1:1: warning: 192.0.2.1 has another name: a, www.example.net left out [import-extra-name]
			f:2:1: warning: 192.0.2.1 has another name: b.example.net left out [import-extra-name]`},
		{"a short name first", "192.0.2.1 a a.example.net b.example.net\n", "192.0.2.1 a.example.net. - - -", `
			f:1:1: warning: 192.0.2.1 has another name: a, b.example.net left out [import-extra-name]`},
		{"what cannot be read", "é a.example.net\n192.0.2.1\n192.0.2.2 web2 web\n ::ffff:192.0.2.1 a.example.net", "", `
			f:1:1: error: "é" is not an IP address [import-address]
			f:2:1: error: 192.0.2.1 has no name [import-syntax]
			f:3:1: error: "web2" is no full name [import-name]
			f:4:2: error: "::ffff:192.0.2.1" is an IPv4 address written as IPv6 [import-address]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			if err := r.Hosts("f", strings.NewReader(test.text)); err != nil {
				t.Fatal(err)
			}
			expect(t, &r, "", rows(test.want), rows(test.findings))
		})
	}
}

// An error of what is read is one of the reader, with the name of the file.
func TestReadErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, read := range map[string]func(*Reader) error{
		"read f: broken":     func(r *Reader) error { return r.CSV("f", iotest.ErrReader(broken)) },
		"read hosts: broken": func(r *Reader) error { return r.Hosts("hosts", iotest.ErrReader(broken)) },
		"read a zone file: open /nonexistent: no such file or directory": func(r *Reader) error {
			return r.ZoneFile("/nonexistent", "")
		},
	} {
		var r Reader
		if err := read(&r); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
		expect(t, &r, "", nil, nil)
	}
}
