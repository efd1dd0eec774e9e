package table

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// head is what the root files of the tests begin with.
const head = `version: 1
defaults: {ttl: 1h, nameservers: [ns1.example.net], soa: {primary: ns1.example.net, contact: hostmaster@example.net}}
`

// frameLines are what else they have, before the entries or behind them.
var frameLines = []string{
	"products:",
	`  vps: {hostname: "{server}.VPS.example"}`,
	`  bare: {hostname: "{rev}.bare.example"}`,
	"accounts:",
	"  acme: {domains: [acme.example]}",
	"  Quince: {domains: [quince.example]}",
	"blocks:",
	"  192.0.2.0/24:",
	`    fallback: "{ip}.pool.example"`,
	"    delegations:",
	"      192.0.2.64/28:",
	"        zone: 64-28.2.0.192.in-addr.arpa",
	"        nameservers: [ns.example.org]",
	"  198.51.100.0/24: {}",
	"  2001:db8::/32: {}",
	"  2001:db8:1::/48: {}",
}

// A line is one of a file, and says what findings there are about: the addresses of a server, one address, or nothing.
type line struct {
	text    string
	server  string
	about   []netip.Addr
	primary []netip.Addr // that the line has as words
}

// random makes sources.
type random struct{ *rand.Rand }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r random, list []T) T { return list[r.IntN(len(list))] }

func (r random) addr() netip.Addr {
	switch r.IntN(4) {
	case 0:
		return netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(256))})
	case 1:
		return netip.AddrFrom4([4]byte{198, 51, 100 + byte(r.IntN(2)), byte(r.IntN(256))})
	}
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	for range r.IntN(4) {
		b[4+r.IntN(12)] = byte(r.IntN(256)) & pick(r, []byte{0xff, 0x0f, 0x10, 1})
	}
	return netip.AddrFrom16(b)
}

func (r random) name() string {
	host, domain := pick(r, []string{"mail", "mx", "www", "2001"}), pick(r, []string{"acme", "quince"})
	return fmt.Sprintf("%s%d.%s.example", host, r.IntN(9), domain)
}

// entry returns the lines of an address.
func (r random) entry(indent string, a netip.Addr, named bool) []line {
	about := []netip.Addr{a}
	switch r.IntN(5) {
	case 0, 1:
		return []line{{text: fmt.Sprintf("%s%s: %s", indent, a, r.name()), about: about}}
	case 2:
		return []line{{text: fmt.Sprintf("%s%s: {ttl: 2h, names: [%s, %s]}", indent, a, r.name(), r.name()), about: about}}
	case 3:
		if !named {
			return []line{{text: fmt.Sprintf("%s%s:", indent, a), about: about}}
		}
	}
	return []line{
		{text: fmt.Sprintf("%s%s:", indent, a), about: about},
		{text: fmt.Sprintf("%s  name: %s", indent, r.name()), about: about},
		{text: fmt.Sprintf("%s  ttl: %dm", indent, 1+r.IntN(9)), about: about},
	}
}

// server returns the lines of a server.
func (r random) server(taken map[netip.Addr]bool) []line {
	fresh := func() netip.Addr {
		for {
			if a := r.addr(); !taken[a] || r.chance(3) {
				taken[a] = true
				return a
			}
		}
	}
	primary := []netip.Addr{fresh()}
	all := slices.Clone(primary)
	var entries []line
	if r.chance(30) {
		entries = append(entries, r.entry("      ", primary[0], false)...)
	}
	for range r.IntN(4) {
		a := fresh()
		if slices.Contains(all, a) {
			continue
		}
		all = append(all, a)
		entries = append(entries, r.entry("      ", a, false)...)
	}
	if a := fresh(); a.Is6() && primary[0].Is4() && !slices.Contains(all, a) {
		primary, all = append(primary, a), append(all, a)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	var words []string
	for _, a := range primary {
		words = append(words, `"`+a.String()+`"`)
	}
	lines := []line{
		{text: fmt.Sprintf("  %s%d:", pick(r, []string{"web", "Server", "mail"}), r.IntN(1e6)), about: all},
		{text: "    product: " + pick(r, []string{"vps", "bare", "none"}), about: all},
		{text: "    primary: [" + strings.Join(words, ", ") + "]", about: all, primary: primary},
	}
	if r.chance(70) {
		lines = append(lines, line{text: "    account: " + pick(r, []string{"acme", "Quince", "Über-Ünknown"}), about: all})
	}
	if len(entries) > 0 {
		lines = append(lines, line{text: "    addresses:", about: all})
		lines = append(lines, entries...)
	}
	if r.chance(20) {
		lines = append(lines, line{text: "    helo: " + r.name(), about: all})
	}
	for i := range lines {
		lines[i].server = strings.Trim(lines[0].text, " :")
	}
	return lines
}

// file returns the lines of a file.
func (r random) file(root bool, taken map[netip.Addr]bool) []line {
	var lines []line
	add := func(text ...string) {
		for _, t := range text {
			lines = append(lines, line{text: t})
		}
	}
	if root {
		add(strings.Split(strings.TrimSpace(head), "\n")...)
	}
	before := r.chance(50)
	if root && before {
		add(frameLines...)
	}
	if n := r.IntN(40); n > 0 {
		add("servers:")
		for range n {
			lines = append(lines, r.server(taken)...)
		}
	}
	var entries []line
	for range r.IntN(20) {
		if a := r.addr(); !taken[a] {
			taken[a] = true
			entries = append(entries, r.entry("  ", a, true)...)
		}
	}
	if len(entries) > 0 {
		add("addresses:")
		lines = append(lines, entries...)
	}
	if root && !before {
		add(frameLines...)
	}
	if len(lines) == 0 {
		add("version: 1")
	}
	return lines
}

// A world is a source of some files, with findings.
type world struct {
	files [][]line
	taken map[netip.Addr]bool
}

func path(f int) string { return fmt.Sprintf("records.d/%02d.yaml", f) }

// inventories returns that of each file.
func (w *world) inventories(t *testing.T) []*model.Inventory {
	t.Helper()
	var frame *model.Inventory
	var accounts []source.Account
	var list []*model.Inventory
	for f, lines := range w.files {
		var text strings.Builder
		for _, l := range lines {
			text.WriteString(l.text + "\n")
		}
		s, wrong := source.Parse(path(f), []byte(text.String()), f > 0)
		for _, d := range wrong {
			if d.Rule != "missing-key" { // there is always something missing
				t.Fatalf("%v: %s\n%s", d.Pos, d.Message, text.String())
			}
		}
		if f == 0 {
			root := *s
			root.Servers, root.Addresses = nil, nil
			frame, accounts = model.Frame(&root), s.Accounts
		}
		list = append(list, frame.Part(s.Servers, s.Addresses, accounts))
	}
	return list
}

// An owner is an address of a server, or of none: "".
type owner struct {
	addr   netip.Addr
	server string
}

// words are those at whose begin a finding can be.
var words = regexp.MustCompile(`[^ \[{]+`)

// findings returns random ones, and which of them are about each address.
func (w *world) findings(r random) (list diag.List, about map[owner]diag.List, others diag.List) {
	about = make(map[owner]diag.List)
	for f, lines := range w.files {
		for i, l := range lines {
			for r.chance(8) {
				column := pick(r, words.FindAllStringIndex(l.text, -1))[0]
				d := diag.Diagnostic{
					Pos:      diag.Position{File: path(f), Line: i + 1, Column: 1 + column},
					Severity: diag.Severity(1 + r.IntN(3)),
					Message:  fmt.Sprint(r.IntN(1e9)),
				}
				who := l.about
				for _, a := range l.primary {
					if strings.HasPrefix(l.text[column:], `"`+a.String()+`"`) {
						who = []netip.Addr{a}
					}
				}
				list = append(list, d)
				for _, a := range who {
					about[owner{a, l.server}] = append(about[owner{a, l.server}], d)
				}
				if len(who) == 0 {
					others = append(others, d)
				}
			}
		}
	}
	d := diag.Diagnostic{Pos: diag.Position{File: "acme.example.zone", Line: 1, Column: 1}, Message: "in another file"}
	others = append(others, d).Sort()
	return append(list, d).Sort(), about, others
}

// A plainRow is one for the plain search of these tests.
type plainRow struct {
	Row
	names []string
}

// plain returns the rows of inventories, in the order of their addresses.
func plain(list []*model.Inventory) []plainRow {
	var rows []plainRow
	for _, inv := range list {
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			e := inv.Effective(a)
			r := plainRow{Row: Row{
				Addr: a.Addr, Hostname: a.Default, TTL: e.TTL, Origin: e.Origin,
				Primary: a.Primary != nil, Listed: true, Pos: a.Pos(),
			}}
			if a.Server != nil {
				r.Server, r.Product, r.Account = a.Server.Name.Value, a.Server.Server.Product.Value, a.Server.Server.Account.Value
			}
			if a.Entry != nil {
				for _, n := range a.Entry.Names {
					r.names = append(r.names, n.Value)
				}
			}
			if r.Names = len(r.names); r.Names > 0 {
				r.Name = r.names[0]
			}
			if len(e.Names) > 0 {
				r.Answer = e.Names[0]
			}
			if a.Block != nil {
				r.Block = a.Block.Prefix.Prefix
			}
			if a.Delegation != nil {
				r.Delegation = a.Delegation.Prefix.Prefix
			}
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b plainRow) int {
		return cmp.Or(a.Addr.Compare(b.Addr), strings.Compare(a.Server, b.Server))
	})
	return rows
}

// begins reports whether an address begins with a word.
func begins(a netip.Addr, word string) bool {
	if strings.HasPrefix(a.String(), word) || a.StringExpanded() == word {
		return true
	}
	if a.Is4() || strings.Contains(word, "::") {
		return false
	}
	var from func(groups []string, word string) bool
	from = func(groups []string, word string) bool {
		for zeros := 0; zeros < 4; zeros++ {
			g := strings.TrimLeft(groups[0], "0")
			for len(g) < 4-zeros {
				g = "0" + g
			}
			rest, ok := strings.CutPrefix(word, g+":")
			if strings.HasPrefix(g, word) || ok && rest == "" || ok && len(groups) > 1 && from(groups[1:], rest) {
				return true
			}
		}
		return false
	}
	return from(strings.Split(a.StringExpanded(), ":"), word)
}

func (r *plainRow) has(word string) bool {
	if p, err := netip.ParsePrefix(word); err == nil {
		return p.Contains(r.Addr)
	}
	for _, text := range append(r.names, r.Hostname, r.Server, r.Account) {
		if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			return true
		}
	}
	return begins(r.Addr, strings.ToLower(word))
}

// find is Find, row by row.
func find(rows []plainRow, q Query) Page {
	var list []plainRow
	for _, r := range rows {
		if (q.Accounts == nil || r.Account != "" && slices.Contains(q.Accounts, r.Account)) &&
			(q.Account == "" || r.Account == q.Account) && (q.Server == "" || r.Server == q.Server) &&
			(!q.Block.IsValid() || q.Block.Contains(r.Addr)) && (!q.WithFindings || r.Errors+r.Warnings > 0) &&
			(q.Only == nil || slices.Contains(q.Only, r.Addr)) &&
			!slices.ContainsFunc(strings.Fields(q.Text), func(w string) bool { return !r.has(w) }) {
			list = append(list, r)
		}
	}
	key := func(r plainRow) string {
		switch q.Sort {
		case ByServer:
			return r.Server
		case ByHostname:
			return r.Hostname
		case ByName:
			return r.Name
		case ByFindings:
			if r.Errors+r.Warnings+r.Notes == 0 {
				return ""
			}
			return fmt.Sprintf("%04d %04d %04d", 9999-r.Errors, 9999-r.Warnings, 9999-r.Notes)
		}
		return fmt.Sprint(r.Addr.Is6()) + r.Addr.StringExpanded() + fmt.Sprint(r.Addr.As16())
	}
	if q.Sort == "" || q.Sort == ByAddress {
		if q.Descending {
			slices.SortStableFunc(list, func(a, b plainRow) int { return b.Addr.Compare(a.Addr) })
		}
	} else {
		slices.SortStableFunc(list, func(a, b plainRow) int {
			switch k, l := key(a), key(b); {
			case k == "" || l == "":
				return -cmp.Compare(k, l)
			case q.Descending:
				return -cmp.Compare(k, l)
			default:
				return cmp.Compare(k, l)
			}
		})
	}
	slices.SortStableFunc(list, func(a, b plainRow) int {
		switch {
		case a.Listed && b.Listed:
			return 0
		case a.Listed:
			return -1
		case b.Listed:
			return 1
		}
		return a.Addr.Compare(b.Addr)
	})
	p := Page{Total: len(list)}
	for i, r := range list {
		if first := max(q.Offset, 0); i >= first && i < first+q.Limit {
			p.Rows = append(p.Rows, r.Row)
		}
	}
	return p
}

// query returns a random one, which is often about something that is there.
func (r random) query(rows []plainRow) Query {
	some := func() plainRow {
		if len(rows) == 0 {
			return plainRow{Row: Row{Addr: r.addr()}}
		}
		return pick(r, rows)
	}
	q := Query{
		Sort:       pick(r, []Column{"", ByAddress, ByServer, ByHostname, ByName, ByFindings}),
		Descending: r.chance(50), WithFindings: r.chance(20), Limit: r.IntN(50),
	}
	if r.chance(50) {
		q.Offset = r.IntN(60) - 5
	}
	if r.chance(30) {
		q.Accounts = pick(r, [][]string{{}, {"acme"}, {"Quince", "acme"}, {"quince"}, {"", "Über-Ünknown"}})
	}
	if r.chance(10) {
		q.Account = some().Account
	}
	if r.chance(10) {
		q.Server = some().Server
	}
	if r.chance(10) {
		a := some().Addr
		q.Block, _ = a.Prefix(r.IntN(a.BitLen() + 1))
	}
	if r.chance(10) {
		q.Only = []netip.Addr{}
		for range r.IntN(9) {
			q.Only = append(q.Only, some().Addr)
		}
		slices.SortFunc(q.Only, netip.Addr.Compare)
		q.Only = slices.Compact(q.Only)
	}
	var words []string
	for r.chance(40) {
		row := some()
		word := pick(r, []string{
			row.Server, row.Account, row.Hostname, row.Name, strings.Join(row.names, " "), row.Addr.String(), row.Addr.String(),
			row.Addr.StringExpanded(), "mail", "MAIL", "E", "example.", "über", "2", "20", "0", ":", ".", "::", "192.0.2.0/26",
			"2001:db8::/33", "2001:DB8:", "none",
		})
		if len(word) > 0 && r.chance(60) {
			from := 0
			if !strings.Contains(word, ":") && r.chance(50) {
				from = r.IntN(len(word))
			}
			word = strings.ToValidUTF8(word[from:from+1+r.IntN(len(word)-from)], "")
		}
		words = append(words, word)
	}
	q.Text = strings.Join(words, " ")
	return q
}

// extra returns rows, and some more of addresses that have none.
func (r random) extra(rows []plainRow) []plainRow {
	all := slices.Clone(rows)
	for range 1 + r.IntN(9) {
		x := plainRow{Row: Row{Addr: r.addr()}}
		if slices.ContainsFunc(all, func(y plainRow) bool { return y.Addr == x.Addr }) {
			continue
		}
		if len(rows) > 0 && r.chance(80) {
			y := pick(r, rows)
			x.Server, x.Account = y.Server, y.Account
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b plainRow) int { return a.Addr.Compare(b.Addr) })
	return all
}

// setExtra makes q ask for all of rows, listed or not.
func (r random) setExtra(q *Query, rows []plainRow) {
	of := make(map[netip.Addr]Row)
	q.Extra = []netip.Addr{r.addr()} // perhaps in no block any more
	for _, x := range rows {
		of[x.Addr] = x.Row
		q.Extra = append(q.Extra, x.Addr)
	}
	q.Extra = append(q.Extra, pick(r, q.Extra)) // twice
	slices.SortFunc(q.Extra, netip.Addr.Compare)
	q.At = func(a netip.Addr) (Row, error) {
		row, ok := of[a]
		if !ok {
			return row, errors.New("it lies in no block")
		}
		return row, nil
	}
}

// Of many addresses that a Table does not have, it finds the first.
func TestMostExtra(t *testing.T) {
	q := Query{Sort: ByName, Descending: true, Limit: 2 * MostExtra}
	for a := netip.MustParseAddr("2001:db8::"); len(q.Extra) < 2*MostExtra; a = a.Next() {
		q.Extra = append(q.Extra, a)
	}
	q.At = func(a netip.Addr) (Row, error) { return Row{Addr: a}, nil }
	page := New(nil, nil).Find(q)
	same := func(r Row, a netip.Addr) bool { return r.Addr == a }
	if page.Total != MostExtra || !slices.EqualFunc(page.Rows, q.Extra[:MostExtra], same) {
		t.Errorf("%d of %d rows", len(page.Rows), page.Total)
	}
}

var netips = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// Of any source, in any state that it gets into by changes of some files, a Table says what looking at each row says.
func TestTableRandom(t *testing.T) {
	found, double := 0, 0
	for seed := range uint64(40) {
		r := random{rand.New(rand.NewPCG(seed, 3))}
		w := &world{files: make([][]line, 1+r.IntN(6)), taken: make(map[netip.Addr]bool)}
		for f := range w.files {
			w.files[f] = r.file(f == 0, w.taken)
		}
		var table *Table
		for step := range 8 {
			list := w.inventories(t)
			var changed []int
			if step > 0 {
				for range r.IntN(3) {
					f := r.IntN(len(w.files))
					w.files[f] = r.file(f == 0, w.taken)
					changed = append(changed, f)
				}
				slices.Sort(changed)
				changed = slices.Compact(changed)
				list = w.inventories(t)
			}
			findings, about, others := w.findings(r)
			if step == 0 || r.chance(10) {
				table = New(list, findings)
			} else {
				table = table.With(changed, func(f int) *model.Inventory { return list[f] }, findings)
			}
			if r.chance(30) {
				continue // the next one is made of one that has not been asked for anything
			}
			rows := plain(list)
			named := make(map[netip.Prefix]int)
			all := make(map[netip.Addr]diag.List) // the findings about an address
			for i := range rows {
				x := &rows[i]
				for _, d := range about[owner{x.Addr, x.Server}] {
					x.count(d)
				}
				all[x.Addr] = append(all[x.Addr], about[owner{x.Addr, x.Server}]...)
				first := i == 0 || rows[i-1].Addr != x.Addr
				if !first {
					double++
				}
				if own := x.Origin == model.Explicit || x.Origin == model.Default; own && first {
					named[x.Block]++
				}
			}
			more := r.extra(rows)
			queries := []Query{{Limit: len(rows) + 1}}
			for range 40 {
				q := r.query(more)
				r.setExtra(&q, more)
				queries = append(queries, r.query(rows), q)
			}
			for _, q := range queries {
				all := rows
				if q.Extra != nil {
					all = more
				}
				want, got := find(all, q), table.Find(q)
				if got.Total != want.Total || !slices.Equal(got.Rows, want.Rows) {
					t.Fatalf("seed %d, step %d: %+v (-want +got):\n%s", seed, step, q, gocmp.Diff(want, got, netips))
				}
				found += len(got.Rows)
			}
			for _, b := range table.Blocks() {
				if got := table.Named(b); got != named[b] {
					t.Errorf("seed %d, step %d: %d addresses of %s are named; want %d", seed, step, got, b, named[b])
				}
			}
			for i := range rows {
				a := rows[i].Addr
				if got, want := table.Findings(a), all[a].Sort(); !slices.EqualFunc(got, want, sameFinding) {
					t.Fatalf("seed %d, step %d: of %s lint finds\n%v\nwant\n%v", seed, step, a, got, want)
				}
			}
			if got := table.Others(); !slices.EqualFunc(got, others, sameFinding) {
				t.Fatalf("seed %d, step %d: lint finds of others\n%v\nwant\n%v", seed, step, got, others)
			}
			for range 9 {
				a := r.addr()
				i := slices.IndexFunc(rows, func(x plainRow) bool { return x.Addr == a })
				got, ok := table.Row(a)
				if ok != (i >= 0) || ok && got != rows[i].Row {
					t.Fatalf("seed %d, step %d: the row of %s is %+v, %v", seed, step, a, got, ok)
				}
			}
			if table.Len() != len(rows) {
				t.Fatalf("seed %d, step %d: %d rows; want %d", seed, step, table.Len(), len(rows))
			}
		}
	}
	if found < 10_000 || double < 100 {
		t.Errorf("%d rows were found, %d addresses were there twice", found, double)
	}
}

func sameFinding(a, b diag.Diagnostic) bool { return a.Message == b.Message }

func (r *plainRow) count(d diag.Diagnostic) {
	switch d.Severity {
	case diag.Error:
		r.Errors++
	case diag.Warning:
		r.Warnings++
	default:
		r.Notes++
	}
}
