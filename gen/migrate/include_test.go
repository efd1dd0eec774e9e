package migrate

import (
	"os"
	"path/filepath"
	"testing"
)

// Where included files are looked for, and what they begin with.
func TestInclude(t *testing.T) {
	const head = "$ORIGIN 2.0.192.in-addr.arpa.\n@ 1h IN SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300\n"
	for _, test := range []struct{ name, files, want, findings string }{
		{"beside the zone file", "-- zone --\n" + head + "$INCLUDE a.inc ; x\n2 PTR b.example.net.\n-- a.inc --\n1 PTR a.example.net.",
			"192.0.2.1 3600 PTR a.example.net.\n192.0.2.2 3600 PTR b.example.net.", ""},
		{"quoted", "-- zone --\n" + head + "$include \"a b;.inc\"\n-- a b;.inc --\n1 PTR a.example.net.",
			"192.0.2.1 3600 PTR a.example.net.", ""},
		{"an origin, for that file only", "-- zone --\n$ORIGIN 0.192.in-addr.arpa.\n" + head + "$ORIGIN 0.192.in-addr.arpa.\n" +
			"$INCLUDE a.inc 2\n2.2 PTR b\n-- a.inc --\n1 PTR a\n$ORIGIN example.net.\n3.2.0.192.in-addr.arpa. PTR c",
			"192.0.2.1 3600 PTR a.2.0.192.in-addr.arpa.\n192.0.2.2 3600 PTR b.0.192.in-addr.arpa.\n192.0.2.3 3600 PTR c.example.net.", ""},
		{"the owner and the TTL go on", "-- zone --\n" + head + "1 PTR a.example.net.\n$INCLUDE a.inc\n2 PTR c.example.net.\n" +
			"-- a.inc --\n$TTL 60\n  PTR b.example.net.", "192.0.2.1 3600 PTR a.example.net.\n192.0.2.1 3600 PTR b.example.net.\n" +
			"192.0.2.2 60 PTR c.example.net.",
			"a.inc:2:3: warning: the PTR record has the TTL 60, the first of its set 3600: all get that one [import-ttl]"},
		{"in a folder, which includes from there", "-- zone --\n" + head + "$INCLUDE x/a.inc\n-- x/a.inc --\n$INCLUDE b.inc\n" +
			"-- x/b.inc --\n1 PTR a.example.net.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"in a folder, which includes from above", "-- zone --\n" + head + "$INCLUDE x/a.inc\n-- x/a.inc --\n$INCLUDE y/b.inc\n" +
			"-- y/b.inc --\n1 PTR a.example.net.", "192.0.2.1 3600 PTR a.example.net.", ""},
		{"missing", "-- zone --\n" + head + "$INCLUDE a.inc\n1 PTR a.example.net.", "192.0.2.1 3600 PTR a.example.net.",
			"zone:3:1: error: $INCLUDE: a.inc: no such file or directory [import-syntax]"},
		{"a folder", "-- zone --\n" + head + "$INCLUDE x\n-- x/a.inc --\n", "",
			"zone:3:1: error: $INCLUDE: x: not a regular file [import-syntax]"},
		{"itself", "-- zone --\n" + head + "$INCLUDE a.inc\n-- a.inc --\n$INCLUDE zone\n1 PTR a.example.net.",
			"192.0.2.1 3600 PTR a.example.net.", "a.inc:1:1: error: $INCLUDE: zone: it includes itself [import-syntax]"},
		{"elsewhere", "-- zone --\n" + head + "$INCLUDE ../other/a.inc\n$INCLUDE /etc/hostname\n$INCLUDE link", "", `
			zone:3:1: error: $INCLUDE: ../other/a.inc: not below the folder of the zone file [import-syntax]
			zone:4:1: error: $INCLUDE: /etc/hostname: not below the folder of the zone file [import-syntax]
			zone:5:1: error: $INCLUDE: link: path escapes from parent [import-syntax]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.files)
			if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			var r Reader
			if err := r.ZoneFile(filepath.Join(dir, "zone"), ""); err != nil {
				t.Fatal(err)
			}
			expect(t, &r, dir, rows(apexRows+test.want), rows(test.findings))
		})
	}
}

// A file may be included by its absolute path, and a zone file be named by a relative one; and a file that is part of a
// zone file is none, if the user's pattern matches it, too.
func TestIncludeAbsolute(t *testing.T) {
	dir := folder(t, "-- zones/a.inc --\n1 PTR a.example.net.")
	zone := filepath.Join(dir, "zones", "zone")
	if err := os.WriteFile(zone, []byte(apex+"$INCLUDE "+dir+"/zones/a.inc\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var r Reader
	for _, file := range []string{"./zones/a.inc", "zones/zone", "zones/b.inc"} {
		if err := r.ZoneFile(file, "2.0.192.in-addr.arpa"); (err != nil) != (file == "zones/b.inc") {
			t.Fatal(err)
		}
	}
	expect(t, &r, dir, rows(apexRows+"192.0.2.1 3600 PTR a.example.net."), nil)
}
