package forward

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

// load reads files, by name: those that do not end in .inc as zone files. It changes to the folder that they are in.
func load(t testing.TB, files map[string]string) (*Zones, diag.List) {
	t.Helper()
	dir := t.TempDir()
	s := &source.Source{Root: "records.yaml"}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".inc") {
			s.Forwards = append(s.Forwards, source.ForwardFile{Path: name, Pos: diag.Position{File: "records.yaml", Line: 1}})
		}
	}
	slices.SortFunc(s.Forwards, func(a, b source.ForwardFile) int { return strings.Compare(a.Path, b.Path) })
	t.Chdir(dir)
	z, findings, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return z, findings
}

// soa is the first line of a zone file.
const soa = "@ 3600 IN SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n"

// describe returns what an answer says, in a few words.
func describe(a Answer) string {
	s := []string{[]string{"unknown", "no name", "no address", "addresses"}[a.Result]}
	if alias, ok := a.Alias(); ok {
		s = append(s, fmt.Sprintf("alias of %s (%s)", alias.Target, alias.Pos))
	}
	for r := range a.Records() {
		s = append(s, fmt.Sprintf("%s (%s)", r.Addr, r.Pos))
		if !a.Has(r.Addr) {
			s = append(s, "which it does not have")
		}
	}
	return strings.Join(s, ", ")
}

func TestLookup(t *testing.T) {
	z, findings := load(t, map[string]string{
		"acme.example.zone": soa + `$TTL 1h
@        NS    ns1.example.net.
         A     192.0.2.1
mail     A     192.0.2.10
Mail     AAAA  2001:DB8::10 ; also
two      IN A  192.0.2.20
         600 IN A ( 192.0.2.21
                  )
text     TXT   "192.0.2.9 ; \" )"
a.b      A     192.0.2.30
www      CNAME mail
chain    CNAME WWW.acme.example.
abroad   CNAME host.example.com.
child    CNAME www.lab
gone     CNAME nobody
loop     CNAME loop
tree     DNAME tree.example.com.
tree     A     192.0.2.40
sub      NS    ns.sub
ns.sub   A     192.0.2.50
*.wild   A     192.0.2.60
x.y.wild TXT   ""
*.alias  CNAME mail
chaos    CH TXT ""
$GENERATE 1-2 host$ A 192.0.2.$
$ORIGIN deep.acme.example.
er       A     192.0.2.70
`,
		"lab.acme.example.zone":    soa + "www A 192.0.2.80\n",
		"broken.acme.example.zone": soa + "www A 192.0.2.90\nwww A 192.0.2.290\n",
	})
	if len(findings) != 1 {
		t.Error(findings)
	}
	for _, test := range []struct{ name, want string }{
		{"acme.example.", "addresses, 192.0.2.1 (acme.example.zone:4:16)"},
		{"mail.acme.example.", "addresses, 192.0.2.10 (acme.example.zone:5:16), 2001:db8::10 (acme.example.zone:6:16)"},
		{"two.acme.example.", "addresses, 192.0.2.20 (acme.example.zone:7:16), 192.0.2.21 (acme.example.zone:8:21)"},
		{"mial.acme.example.", "no name"},
		{"x.mail.acme.example.", "no name"},
		{"text.acme.example.", "no address"},
		{"b.acme.example.", "no address"}, // an empty non-terminal
		{"a.b.acme.example.", "addresses, 192.0.2.30 (acme.example.zone:11:16)"},
		{"www.acme.example.", "addresses, alias of mail.acme.example. (acme.example.zone:12:16), " +
			"192.0.2.10 (acme.example.zone:5:16), 2001:db8::10 (acme.example.zone:6:16)"},
		{"chain.acme.example.", "addresses, alias of www.acme.example. (acme.example.zone:13:16), " +
			"192.0.2.10 (acme.example.zone:5:16), 2001:db8::10 (acme.example.zone:6:16)"},
		{"abroad.acme.example.", "unknown, alias of host.example.com. (acme.example.zone:14:16)"},
		{"child.acme.example.", "addresses, alias of www.lab.acme.example. (acme.example.zone:15:16), " +
			"192.0.2.80 (lab.acme.example.zone:2:7)"},
		{"gone.acme.example.", "no name, alias of nobody.acme.example. (acme.example.zone:16:16)"},
		{"loop.acme.example.", "no address, alias of loop.acme.example. (acme.example.zone:17:16)"},
		{"tree.acme.example.", "addresses, 192.0.2.40 (acme.example.zone:19:16)"},
		{"www.tree.acme.example.", "unknown"},
		{"sub.acme.example.", "unknown"},
		{"ns.sub.acme.example.", "unknown"},
		{"wild.acme.example.", "no address"},
		{"a.wild.acme.example.", "addresses, 192.0.2.60 (acme.example.zone:22:16)"},
		{"a.b.wild.acme.example.", "addresses, 192.0.2.60 (acme.example.zone:22:16)"},
		{"y.wild.acme.example.", "no address"}, // exists, so that the wildcard does not make it
		{"x.y.wild.acme.example.", "no address"},
		{"z.y.wild.acme.example.", "no name"}, // y.wild is the closest encloser
		{"a.alias.acme.example.", "addresses, alias of mail.acme.example. (acme.example.zone:24:16), " +
			"192.0.2.10 (acme.example.zone:5:16), 2001:db8::10 (acme.example.zone:6:16)"},
		{"chaos.acme.example.", "no name"},
		{"host1.acme.example.", "addresses, 192.0.2.1 (acme.example.zone:26:23)"},
		{"host2.acme.example.", "addresses, 192.0.2.2 (acme.example.zone:26:23)"},
		{"er.deep.acme.example.", "addresses, 192.0.2.70 (acme.example.zone:28:16)"},
		{"www.lab.acme.example.", "addresses, 192.0.2.80 (lab.acme.example.zone:2:7)"},
		{"www.broken.acme.example.", "unknown"},
		{"example.", "unknown"},
		{"xacme.example.", "unknown"},
		{".", "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := describe(z.Lookup(test.name)); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
	var none *Zones
	if got := describe(none.Lookup("acme.example.")); got != "unknown" {
		t.Errorf("without zones: %s", got)
	}
}

// Addresses are found without glue, and without what is in files that could not be read.
func TestOf(t *testing.T) {
	z, _ := load(t, map[string]string{
		"b.example.zone": soa + "www A 192.0.2.1\n* A 192.0.2.2\n",
		"a.example.zone": soa + "www A 192.0.2.1\nwww AAAA 2001:db8::1\nsub NS ns.sub\nns.sub A 192.0.2.1\nw2 CNAME www\n",
		"c.example.zone": soa + "www A 192.0.2.1\nwww A\n",
	})
	show := func(r Record) string { return fmt.Sprintf("%s %s %s", r.Owner, r.Addr, r.Pos) }
	var all, of []string
	for r := range z.All() {
		all = append(all, show(r))
	}
	for r := range z.Of(netip.MustParseAddr("192.0.2.1")) {
		of = append(of, show(r))
	}
	for r := range z.Of(netip.MustParseAddr("192.0.2.3")) {
		t.Error(show(r))
	}
	if diff := cmp.Diff([]string{
		"www.a.example. 192.0.2.1 a.example.zone:2:7",
		"www.a.example. 2001:db8::1 a.example.zone:3:10",
		"www.b.example. 192.0.2.1 b.example.zone:2:7",
		"*.b.example. 192.0.2.2 b.example.zone:3:5",
	}, all); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"www.a.example. 192.0.2.1 a.example.zone:2:7",
		"www.b.example. 192.0.2.1 b.example.zone:2:7",
	}, of); diff != "" {
		t.Errorf("of one address (-want +got):\n%s", diff)
	}
}

// Which zone a file is.
func TestApex(t *testing.T) {
	for _, test := range []struct {
		name, file, text string
		zone, host       string // a name that has an address
	}{
		{"by its name", "acme.example.zone", soa + "a A 192.0.2.1\n", "acme.example.", "a.acme.example."},
		{"by its name, .db", "acme.example.db", soa + "a A 192.0.2.1\n", "acme.example.", "a.acme.example."},
		{"by its name, db.", "sub/db.ACME.example", soa + "a A 192.0.2.1\n", "acme.example.", "a.acme.example."},
		{"by its name, without SOA", "acme.example.zone", "a A 192.0.2.1\n", "acme.example.", "a.acme.example."},
		{"relative to its name", "example.zone", "acme" + soa[1:] + "a A 192.0.2.1\n", "acme.example.", ""},
		{"by $ORIGIN", "zone.txt", "$ORIGIN acme.example.\n" + soa + "a A 192.0.2.1\n", "acme.example.", "a.acme.example."},
		{"by the SOA record", "db.example", "ACME.example." + soa[1:] + "a A 192.0.2.1\n",
			"acme.example.", "a.acme.example."},
		{"as BIND writes it", "x.db", "$ORIGIN .\nacme.example" + soa[1:] + "$ORIGIN acme.example.\na A 192.0.2.1\n",
			"acme.example.", "a.acme.example."},
		{"of all names", "root.db", "." + soa[1:] + "a A 192.0.2.1\n", ".", "a."},
	} {
		t.Run(test.name, func(t *testing.T) {
			z, findings := load(t, map[string]string{test.file: test.text})
			if test.host == "" {
				test.host = test.zone
				if len(findings) != 1 {
					t.Error("a record outside of the zone is no finding")
				}
			} else if len(findings) > 0 {
				t.Error(findings)
			}
			a := z.Lookup(test.host)
			if a.Zone == nil || a.Zone.Apex != test.zone || a.Zone.File != filepath.FromSlash(test.file) {
				t.Errorf("%s is in the zone %+v", test.host, a.Zone)
			}
		})
	}
}
