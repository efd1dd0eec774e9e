package lint

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

// good is a source without findings. The tables below change one thing in it.
const good = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.vps.example"}
accounts:
  acme: {}
blocks:
  192.0.2.0/24: {}
  198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}
  2001:db8::/33: {}
servers:
  web1:
    product: vps
    account: acme
    primary: [192.0.2.10, 2001:db8::10]
    addresses:
      192.0.2.10: mail.example.net
      192.0.2.11:
      2001:db8:1::/64:
      2001:db8:1::1: www.example.net
  web2:
    product: vps
    primary: 192.0.2.20
    addresses:
      198.51.100.65: shop.example.net
addresses:
  192.0.2.1: gw1.example.net
lint:
  rules: {}
`

// change returns good with replacements, each of which must be possible.
func change(t *testing.T, oldnew ...string) string {
	t.Helper()
	s := good
	for i := 0; i < len(oldnew); i += 2 {
		if strings.Count(s, oldnew[i]) != 1 {
			t.Fatalf("%q is %d times in\n%s", oldnew[i], strings.Count(s, oldnew[i]), s)
		}
		s = strings.Replace(s, oldnew[i], oldnew[i+1], 1)
	}
	return s
}

// today is the day on which the tests judge waivers.
var today = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// run lints a source: the text of one file, or several files, the root first, each below a line "-- name --".
func run(t *testing.T, text string) diag.List {
	t.Helper()
	files := files(text)
	if len(files) == 1 && !strings.Contains(text, "include:") && !strings.Contains(text, "forwards:") {
		s, found := source.Parse(files[0].name, []byte(files[0].data), false)
		o := Options{Today: today}
		l := Run(model.Build(s), found, o)
		checkParts(t, s, found, o, l)
		return l
	}
	t.Chdir(t.TempDir())
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.name, []byte(f.data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, found, err := source.Load(files[0].name)
	if err != nil {
		t.Fatal(err)
	}
	zones, wrong, err := forward.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, wrong...)
	o := Options{Today: today, Forwards: zones}
	l := Run(model.Build(s), found, o)
	checkParts(t, s, found, o, l)
	return l
}

type file struct{ name, data string }

// files splits a text into the files that it holds; records.yaml is the one without a line of its own.
func files(text string) []file {
	list := []file{{name: "records.yaml"}}
	for line := range strings.SplitAfterSeq(text, "\n") {
		if name, ok := fileName(line); !ok {
			list[len(list)-1].data += line
		} else if last := &list[len(list)-1]; last.data == "" {
			last.name = name
		} else {
			list = append(list, file{name: name})
		}
	}
	return list
}

func fileName(line string) (string, bool) {
	name, ok := strings.CutPrefix(strings.TrimSuffix(line, " --\n"), "-- ")
	return name, ok
}

var mark = regexp.MustCompile("<[123]>")

// marks takes the marks <1>, <2>, ... out of a source and returns what they stand before, as file:line:column.
func marks(text string) (string, map[string]string) {
	at := make(map[string]string)
	file := "records.yaml"
	line := 0
	var out []string
	for _, s := range strings.SplitAfter(text, "\n") {
		line++
		if name, ok := fileName(s); ok {
			file, line = name, 0
		}
		for i := mark.FindStringIndex(s); i != nil; i = mark.FindStringIndex(s) {
			at[s[i[0]:i[1]]] = fmt.Sprintf("%s:%d:%d", file, line, i[0]+1)
			s = s[:i[0]] + s[i[1]:]
		}
		out = append(out, s)
	}
	return strings.Join(out, ""), at
}

// A mistake is a change of good that one rule reports once: at <1>, with notes at <2> and <3> if those are there.
type mistake struct {
	name    string
	oldnew  []string
	message string
	hint    string
}

// A rule that is off is turned on.
func testMistakes(t *testing.T, r *Rule, tests []mistake) {
	t.Helper()
	severity, on := r.Severity, []string(nil)
	if severity == diag.Off {
		severity, on = diag.Warning, turnOn(r)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text, at := marks(change(t, slices.Concat(test.oldnew, on)...))
			l := run(t, text)
			if len(l) != 1 {
				t.Fatalf("%d findings: %+v", len(l), l)
			}
			d := l[0]
			if d.Rule != r.ID || d.Severity != severity {
				t.Errorf("%s of rule %s", d.Severity, d.Rule)
			}
			if d.Pos.String() != at["<1>"] {
				t.Errorf("at %s, want %s", d.Pos, at["<1>"])
			}
			if d.Message != test.message || d.Hint != test.hint {
				t.Errorf("message %q, hint %q\n   want %q,      %q", d.Message, d.Hint, test.message, test.hint)
			}
			var notes []string
			for _, m := range []string{"<2>", "<3>"} {
				if at[m] != "" {
					notes = append(notes, at[m])
				}
			}
			var got []string
			for _, rel := range d.Related {
				got = append(got, rel.Pos.String())
			}
			if diff := cmp.Diff(notes, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// turnOn is the change of good that makes a rule report which is off by default.
func turnOn(r *Rule) []string { return []string{"rules: {}", "rules: {" + r.ID + ": warning}"} }

// testClean checks that changes of good, by name, have no finding.
func testClean(t *testing.T, tests map[string][]string) {
	t.Helper()
	for name, oldnew := range tests {
		t.Run(name, func(t *testing.T) {
			if l := run(t, change(t, oldnew...)); len(l) > 0 {
				t.Errorf("%+v", l)
			}
		})
	}
}

func TestGood(t *testing.T) { testClean(t, map[string][]string{"good": nil}) }

func TestRules(t *testing.T) {
	if !slices.IsSortedFunc(Rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("not sorted by id")
	}
	for _, r := range Rules {
		if Find(r.ID) != r {
			t.Errorf("Find(%q) is another rule", r.ID)
		}
		if _, err := os.Stat(strings.ReplaceAll(r.ID, "-", "_") + ".go"); err != nil {
			t.Error(err)
		}
		if r.Title == "" {
			t.Errorf("rule %s has no title", r.ID)
		}
	}
	if Find("no-such-rule") != nil {
		t.Error("there is no such rule")
	}
}

func TestSeverities(t *testing.T) {
	two := []string{"192.0.2.1: gw1.example.net", "192.0.2.1: {names: [gw1.example.net, gw2.example.net]}"}
	for word, want := range map[string][]diag.Severity{
		"off": nil, "note": {diag.Note}, "warning": {diag.Warning}, "error": {diag.Error},
	} {
		l := run(t, change(t, append(two, "rules: {}", "rules: {name-multiple: "+word+"}")...))
		var got []diag.Severity
		for _, d := range l {
			if d.Rule != "name-multiple" {
				t.Errorf("%+v", d)
			}
			got = append(got, d.Severity)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", word, got)
		}
	}
}

// A required rule reports as ever when somebody tries to turn it off.
func TestRequired(t *testing.T) {
	l := run(t, change(t, "rules: {}", "rules: {address-outside-blocks: off}", "192.0.2.1:", "203.0.113.1:"))
	var got []string
	for _, d := range l {
		got = append(got, d.Severity.String()+" "+d.Rule)
	}
	if want := []string{"error address-outside-blocks", "error severity-invalid"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What was found while reading is kept, and what is missing is not reported if it may be in a file that was not read.
func TestFound(t *testing.T) {
	root := change(t, "lint:\n", "include: [more.yaml]\nlint:\n", "2001:db8::/33: {}", "2001:db8:8000::/33: {}",
		"acme: {}", "initech: {}", "product: vps\n    account", "product: dedicated\n    account",
		"192.0.2.1: gw1.example.net", "192.0.2.1: {names: [gw1.example.net, gw2.example.net]}")
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"all read", "-- records.yaml --\n" + root + "-- more.yaml --\nblocks: {192.0.2.1/24: }\n", []string{
			"account-unknown", "address-invalid",
			"address-outside-blocks", "address-outside-blocks", "address-outside-blocks", "defined-twice",
			"name-multiple", "product-unknown",
		}},
		{"not YAML", "-- records.yaml --\n" + root + "-- more.yaml --\nblocks: [\n", []string{"name-multiple", "syntax"}},
		{"no file", root, []string{"include-invalid", "name-multiple"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, d := range run(t, test.text) {
				got = append(got, d.Rule)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

// inventory returns one with n addresses of either family and no findings.
func inventory(n int) *model.Inventory {
	s, found := source.Parse("records.yaml", []byte(good), false)
	if len(found) > 0 {
		panic(found[0].Message)
	}
	s.Servers = make([]source.Server, n)
	for i := range s.Servers {
		addr := func(a netip.Addr, line int) source.Addr {
			return source.Addr{Addr: a, Pos: diag.Position{File: "records.yaml", Line: line, Column: 5}}
		}
		host := i + 1 // 10.0.0.0 is none
		b := [16]byte{0x20, 0x01, 0x0d, 0xb8, 12: 10, 13: byte(host >> 16), 14: byte(host >> 8), 15: byte(host)}
		a4, a6 := addr(netip.AddrFrom4([4]byte(b[12:])), 4*i), addr(netip.AddrFrom16(b), 4*i+2)
		s.Servers[i] = source.Server{
			Name:      source.Text{Value: fmt.Sprintf("s%d", i)},
			Product:   source.Text{Value: "vps"},
			Primary:   []source.Addr{a4},
			Addresses: []source.Address{{Addr: a6, Names: []source.Name{{Value: fmt.Sprintf("mx%d.example.net.", i)}}}},
		}
	}
	s.Addresses = nil
	s.Blocks[0].Prefix.Prefix = netip.MustParsePrefix("10.0.0.0/8") // nothing else has as many
	off := source.Severity{Rule: source.Text{Value: blockSpecialPurpose.ID}, Severity: diag.Off}
	s.Severities = append(s.Severities, off)
	fallback, err := hostname.Parse("{ip}.vps.example")
	if err != nil {
		panic(err)
	}
	s.Blocks[0].Fallback.T = fallback
	s.ForwardZones = []source.Name{{Value: "vps.example."}}
	s.Blocks[2].Delegations = []source.Delegation{{
		Prefix:      source.Prefix{Prefix: netip.MustParsePrefix("2001:db8:f00::/48")},
		Nameservers: []source.Name{{Value: "ns1.acme.example."}, {Value: "ns2.acme.example."}},
	}}
	return model.Build(s)
}

// An address that is as it should be costs no memory.
func TestAllocs(t *testing.T) {
	allocs := func(n int) float64 {
		inv := inventory(n)
		if l := Run(inv, nil, Options{}); len(l) > 0 {
			t.Fatalf("%d findings; the first: %+v", len(l), l[0])
		}
		return testing.AllocsPerRun(5, func() { Run(inv, nil, Options{}) })
	}
	if few, many := allocs(10), allocs(5000); many > few {
		t.Errorf("%v allocations for 20 addresses, %v for 10,000", few, many)
	}
}

// BenchmarkLint lints a million addresses, in which there is nothing to find.
func BenchmarkLint(b *testing.B) {
	inv := inventory(500_000)
	b.ReportAllocs()
	for b.Loop() {
		if l := Run(inv, nil, Options{}); len(l) > 0 {
			b.Fatal(l[0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(inv.Addresses)), "ns/address")
}

// One mistake is one finding.
func TestNoFindingFollows(t *testing.T) {
	for _, test := range []struct {
		name, rule string
		change     []string
	}{
		{
			"a block that can nearly be read holds its addresses", "address-invalid",
			[]string{"  192.0.2.0/24:", "  192.0.2.1/24:"},
		},
		{
			"a routed prefix that can nearly be read is none", "address-invalid",
			[]string{"2001:db8:1::/64:", "2001:db8:1::/16:"},
		},
		{
			"a zone name that can't be read is not missing", "name-invalid",
			[]string{"zone: 64-26.100", "zone: 64 26.100"},
		},
		{
			"a misspelt key is not missing", "unknown-key",
			[]string{"contact:", "contatc:"},
		},
		{
			"nor is what is below it", "unknown-key",
			[]string{"products:", "prodcuts:"},
		},
		{
			"a block in another hides its names", "block-overlap",
			[]string{"2001:db8::/33: {}", "2001:db8::/33: {}\n  192.0.2.5/32: {zone: 5.2.0.192.in-addr.arpa}"},
		},
		{
			"a delegation of a whole block leaves its addresses to that", "delegation-misplaced",
			in4("192.0.2.0/24: {" + ns + "}"),
		},
		{
			"a delegation inside another says nothing more", "delegation-misplaced",
			in4(classless, "192.0.2.192/26: {glue: {ns1.acme.example: 203.0.113.1}}"),
		},
		{
			"the zone name of a delegation that can't be read is not missing", "name-invalid",
			in4("192.0.2.128/25: {zone: 128 25.2.0.192.in-addr.arpa}"),
		},
		{
			"nor are name servers", "name-invalid",
			in6("2001:db8:f00::/48: {nameservers: [ns1 acme.example]}"),
		},
		{
			"a block has the name that its delegation lacks", "delegation-zone",
			[]string{"192.0.2.0/24: {}", block("192.0.2.0/24", "192.0.2.128/25: {"+ns+"}") +
				"\n  192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}"},
		},
		{
			"a delegation has the name that its block lacks", "classless-zone",
			[]string{"192.0.2.0/24: {}", block("192.0.2.0/24", classless) + "\n  192.0.2.128/25: {}"},
		},
		{
			"a classless delegation in a classless block has no zone", "delegation-zone",
			[]string{
				"{zone: 64-26.100.51.198.in-addr.arpa}",
				"{zone: 64-26.100.51.198.in-addr.arpa, delegations: {198.51.100.96/28: {zone: x.example, " + ns + "}}}\n" +
					"  198.51.100.96/28: {zone: 96-28.100.51.198.in-addr.arpa}",
			},
		},
		{
			"a fallback that names nothing has no address", "template-yields-invalid",
			[]string{"2001:db8::/33: {}", `2001:db8::/33: {fallback: "{a}.vps.example"}`,
				"lint:", "forward_zones: [vps.example]\nlint:"},
		},
		{
			"a forward zone twice", "zone-overlap",
			[]string{"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.vps.example"}`,
				"lint:", "forward_zones: [vps.example, vps.example]\nlint:"},
		},
		{
			"name and names are no two names", "duplicate-key",
			[]string{"192.0.2.1: gw1.example.net", "192.0.2.1: {name: gw1.example.net, names: [gw2.example.net]}"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, d := range run(t, change(t, test.change...)) {
				got = append(got, d.Rule)
			}
			if want := []string{test.rule}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
