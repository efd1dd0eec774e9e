package table

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// Findings belong to what they are written in, in whichever style.
func TestFindings(t *testing.T) {
	const text = `version: 1
servers:
  alpha:
    product: vps
    primary: [192.0.2.10, "2001:db8::a"]
    addresses: # alpha's
      192.0.2.10: mail.acme.example
      192.0.2.11:
        name: eleven.acme.example # its
        nome: misspelt
      192.0.2.12: {name: twelve.acme.example, ttl: 2d}
      2001:db8:a::/64:
      192.0.2.13:
    account: acme
    helo: the.helo.of.acme.example
  bravo: {product: dedicated, primary: 192.0.2.20, addresses: {192.0.2.21: twenty-one.acme.example, "2001:db8:b::/64": }}
  charlie:
    primary: 192.0.2.30
addresses:
  192.0.2.1: gw.acme.example
  192.0.2.2:
    name: gw2.acme.example
forwards: [acme.example.zone]
blocks:
  192.0.2.0/24:
    delegations:
      192.0.2.128/25: {nameservers: [ns.quince.example]}
products:
  vps: {hostname: "{server}.vps.example"}
accounts:
  acme: {domains: [acme.example]}
lint:
  rules: {name-generic: off}
`
	s, _ := source.Parse("records.yaml", []byte(text), false)
	inv := model.Build(s)
	alpha := "192.0.2.10 192.0.2.11 192.0.2.12 192.0.2.13 2001:db8::a"
	for _, c := range []struct{ at, want string }{
		{"version", ""},
		{"servers:", ""},
		{"alpha:", alpha},
		{"product: vps", alpha},
		{"vps\n", alpha},
		{"primary: [", alpha},
		{"192.0.2.10, ", "192.0.2.10"},
		{`"2001:db8::a"`, "2001:db8::a"},
		{"addresses: # alpha's", alpha},
		{"# alpha's", alpha},
		{"192.0.2.10: ", "192.0.2.10"},
		{"mail.acme", "192.0.2.10"},
		{"eleven", "192.0.2.11"},
		{"# its", "192.0.2.11"},
		{"192.0.2.13", "192.0.2.13"},
		{"nome", "192.0.2.11"},
		{"misspelt", "192.0.2.11"},
		{"twelve", "192.0.2.12"},
		{"ttl: 2d", "192.0.2.12"},
		{"account: acme", alpha},
		{"acme\n    helo", alpha},
		{"the.helo", alpha},
		{"2001:db8:a::", alpha},
		{"bravo", "192.0.2.20 192.0.2.21"},
		{"dedicated", "192.0.2.20 192.0.2.21"},
		{"192.0.2.20", "192.0.2.20"},
		{"192.0.2.21", "192.0.2.21"},
		{"twenty-one", "192.0.2.21"},
		{`"2001:db8:b::/64"`, "192.0.2.20 192.0.2.21"},
		{"charlie", "192.0.2.30"},
		{"192.0.2.30", "192.0.2.30"},
		{"addresses:\n  192", ""},
		{"192.0.2.1:", "192.0.2.1"},
		{"gw.acme", "192.0.2.1"},
		{"name: gw2", "192.0.2.2"},
		{"gw2.acme", "192.0.2.2"},
		{"acme.example.zone", ""},
		{"192.0.2.0/24", ""},
		{"192.0.2.128/25", ""},
		{"ns.quince", ""},
		{`"{server}`, ""},
		{"[acme.example]", ""},
		{"name-generic", ""},
	} {
		rule := "name-generic"
		if c.at == "acme.example.zone" {
			rule = "forwards-invalid"
		}
		d := diag.Diagnostic{Severity: diag.Error, Rule: rule, Pos: positionIn(text, c.at)}
		table := New([]*model.Inventory{inv}, diag.List{d})
		var counted, listed []string
		for _, r := range table.Find(Query{Limit: table.Len()}).Rows {
			if r.Errors > 0 {
				counted = append(counted, r.Addr.String())
			}
			if len(table.Findings(r.Addr)) > 0 {
				listed = append(listed, r.Addr.String())
			}
			if single, _ := table.Row(r.Addr); single != r {
				t.Errorf("%q: the row of %s is\n%+v\nalone, and\n%+v\nin a list", c.at, r.Addr, single, r)
			}
		}
		if got := strings.Join(counted, " "); got != c.want {
			t.Errorf("%q is counted for %q; want %q", c.at, got, c.want)
		}
		if got := strings.Join(listed, " "); got != c.want {
			t.Errorf("%q is listed for %q; want %q", c.at, got, c.want)
		}
		if n := len(table.Others()); (n > 0) != (c.want == "") {
			t.Errorf("%q: %d findings are about no address", c.at, n)
		}
	}
}

// positionIn returns where words are in the text of a file.
func positionIn(text, words string) diag.Position {
	before, _, found := strings.Cut(text, words)
	if !found {
		return diag.Position{}
	}
	return diag.Position{
		File: "records.yaml", Line: 1 + strings.Count(before, "\n"), Column: len(before) - strings.LastIndex(before, "\n"),
	}
}

// What stands behind the last entry is not taken for a part of it, whatever it is.
func TestFindingsBehindEntries(t *testing.T) {
	for _, c := range []struct{ section, at string }{
		{"defaults:\n  soa: {primary: ns1.example.net}", "ns1"},
		{`products: {vps: {hostname: "{server}.vps.example"}}`, `"{server`},
		{"accounts:\n  acme: {domains: [acme.example]}", "[acme"},
		{"blocks:\n  192.0.2.0/24: {zone: 2.0.192.in-addr.arpa}", "2.0.192."},
		{"forward_zones: [vps.example]", "vps.example"},
		{"catalog: catalog.example.net", "catalog.example"},
		{"registry: {admin-c: [AA1-EXAMPLE]}", "AA1"},
		{"lint: {rules: {name-generic: off}}", "off"},
	} {
		for _, entries := range []string{"addresses:\n  192.0.2.1: gw.acme.example\n", `servers:
  alpha:
    product: vps
    primary: 192.0.2.1
    addresses:
      192.0.2.1: gw.acme.example
`} {
			text := entries + c.section + "\n"
			s, _ := source.Parse("records.yaml", []byte(text), false)
			d := diag.Diagnostic{Severity: diag.Error, Pos: positionIn(text, c.at)}
			table := New([]*model.Inventory{model.Build(s)}, diag.List{d})
			if r, ok := table.Row(netip.MustParseAddr("192.0.2.1")); !ok || r.Errors > 0 || len(table.Others()) != 1 {
				t.Errorf("%q of %q is taken for a part of the entry before: %v, %+v", c.at, text, ok, r)
			}
		}
	}
}

// Two Tables can be made of one that has not been asked for anything, and they leave it alone.
func TestWithTwice(t *testing.T) {
	r := random{rand.New(rand.NewPCG(1, 5))}
	w := &world{files: make([][]line, 5), taken: make(map[netip.Addr]bool)}
	for f := range w.files {
		w.files[f] = r.file(f == 0, w.taken)
	}
	old := w.inventories(t)
	for f := 1; f < 5; f++ {
		w.files[f] = r.file(false, w.taken)
	}
	fresh := w.inventories(t)
	table := New(old, nil)
	all := Query{Sort: ByName, Limit: 10_000}
	table.Find(all)
	inventory := func(f int) *model.Inventory { return fresh[f] }
	one := table.With([]int{1}, inventory, nil)
	two := one.With([]int{2}, inventory, nil)
	three := one.With([]int{3, 4}, inventory, nil)
	for i, c := range []struct {
		table *Table
		want  []*model.Inventory
	}{
		{three, []*model.Inventory{old[0], fresh[1], old[2], fresh[3], fresh[4]}},
		{two, []*model.Inventory{old[0], fresh[1], fresh[2], old[3], old[4]}},
		{one, []*model.Inventory{old[0], fresh[1], old[2], old[3], old[4]}},
		{table, old},
	} {
		if want, got := find(plain(c.want), all).Rows, c.table.Find(all).Rows; !slices.Equal(got, want) {
			t.Errorf("%d: %d rows\n%v\nwant %d\n%v", i, len(got), got, len(want), want)
		}
	}
}

// Whoever asks, at whatever time: a Table and those that are made of it say the same.
func TestConcurrent(t *testing.T) {
	r := random{rand.New(rand.NewPCG(1, 4))}
	w := &world{files: make([][]line, 4), taken: make(map[netip.Addr]bool)}
	for f := range w.files {
		w.files[f] = r.file(f == 0, w.taken)
	}
	list := w.inventories(t)
	findings, _, _ := w.findings(r)
	table, want := New(list, findings), New(list, findings)
	rows := plain(list)
	var queries []Query
	var pages []Page
	for range 200 {
		q := r.query(rows)
		queries, pages = append(queries, q), append(pages, want.Find(q))
	}
	var workers sync.WaitGroup
	for n := range 8 {
		workers.Go(func() {
			for i, q := range queries {
				x := table
				if (i+n)%3 == 0 {
					x = table.With([]int{i % 4}, func(f int) *model.Inventory { return list[f] }, findings)
				}
				if got := x.Find(q); got.Total != pages[i].Total || !slices.Equal(got.Rows, pages[i].Rows) {
					t.Errorf("%+v: another page than the one when nobody else asked", q)
				}
			}
		})
	}
	workers.Wait()
}
