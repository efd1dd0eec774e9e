package page

import (
	"bytes"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/table"
)

// perPage is how many addresses the list shows at a time.
const perPage = 100

// longestBack is how long the link to a list is at most that each of its rows has.
const longestBack = 500

// offered is how many accounts and blocks a field offers at most: of more, nobody picks one from a list.
const offered = 200

// A list is the page of all addresses.
type list struct {
	Query      table.Query
	Block      string // as it was asked for
	Columns    []column
	Rows       []row
	Total      int
	First      int // number of the first row, from 1
	Last       int
	Previous   string // links; "" if there is none
	Next       string
	Changed    bool      // only addresses that were asked for another name are shown
	Filtered   bool      // it is not the list of all
	Missing    []string  // the person's accounts if none of them has a server
	Others     []finding // about no address, the first of them; only where all are listed
	OtherCount int
	Accounts   []string       // to pick from
	Blocks     []netip.Prefix //
	Unlisted   *table.Row     // what was looked for, if it is an address that has no entry
	Back       string         // this list
	Wrong      string         // with the query
}

// A column is one of the list.
type column struct {
	Title string
	Class string
	Link  string // sorts by it, or the other way round; "" if it does not sort
	Sort  string // aria-sort
}

// A row is an address in the list.
type row struct {
	table.Row
	Edit    *editor.Edit // that was collected
	Waiting *waiting
	Worst   *diag.Diagnostic
	More    int // findings
	MayEdit bool
	Clash   bool   // somebody else has changed it since Edit was collected
	Back    string // where to go on after a change
}

func (p *pages) list(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	v := r.URL.Query()
	l := &list{
		Block: strings.TrimSpace(v.Get("block")), Filtered: len(v) > 0, Back: "/",
		Accounts: few(s.Accounts()), Blocks: few(s.Blocks()),
	}
	if back := r.URL.RequestURI(); len(back) <= longestBack {
		l.Back = back
	}
	l.Query = table.Query{
		Text:         strings.TrimSpace(v.Get("q")),
		Account:      strings.TrimSpace(v.Get("account")),
		Server:       strings.TrimSpace(v.Get("server")),
		WithFindings: v.Get("findings") != "",
		Sort:         table.Column(v.Get("sort")),
		Descending:   v.Get("desc") != "",
		Limit:        perPage,
	}
	if l.Block != "" {
		var err error
		if l.Query.Block, err = netip.ParsePrefix(l.Block); err != nil {
			l.Wrong = strconv.Quote(plain(l.Block)) + " is no block: write one as 192.0.2.0/24. It is left out."
		}
	}
	if from, err := strconv.Atoi(v.Get("from")); err == nil && from > 0 {
		l.Query.Offset = from
	}
	edits, err := s.Collected()
	if err != nil {
		return err
	}
	l.Query.Extra, l.Query.At = changed(edits, s.Open()), s.At
	if l.Changed = v.Get("changed") != ""; l.Changed {
		l.Query.Only = l.Query.Extra
	}
	l.columns(v)
	page := s.List(l.Query)
	l.Total = page.Total
	if !l.Filtered {
		others := s.Others()
		l.OtherCount, l.Others = len(others), findingsOf(placed(few(others)))
	}
	l.Rows = rowsOf(s, page.Rows, edits, l.Back)
	if len(page.Rows) > 0 {
		l.First, l.Last = l.Query.Offset+1, l.Query.Offset+len(page.Rows)
	} else {
		if addr, ok := table.Address(l.Query.Text); ok && l.Query.Offset == 0 {
			if row, err := s.At(addr); err == nil && !row.Listed {
				l.Unlisted = &row
			}
		}
		if accounts := s.Person().Accounts; accounts != nil && l.Unlisted == nil && len(s.Accounts()) == 0 {
			l.Missing = accounts
		}
	}
	if l.Query.Offset > 0 {
		l.Previous = link(v, "from", max(0, l.Query.Offset-perPage))
	}
	if l.Last < l.Total && l.Last > 0 {
		l.Next = link(v, "from", l.Query.Offset+perPage)
	}
	p.render(w, r, s, http.StatusOK, "list", "Addresses", l)
	return nil
}

// placed returns findings that tell where they are.
func placed(l diag.List) diag.List {
	l = slices.Clone(l)
	for i := range l {
		l[i].Message = l[i].Pos.String() + ": " + l[i].Message
	}
	return l
}

// changed returns the addresses that are to get another name, ascending.
func changed(edits []editor.Edit, open []editor.Open) []netip.Addr {
	all := make([]netip.Addr, 0, len(edits)) // not nil, which would be any
	for _, e := range edits {
		all = append(all, e.Addr)
	}
	for _, o := range open {
		for _, e := range o.Edits {
			all = append(all, e.Addr)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// few returns the first of a list that are offered.
func few[T any](list []T) []T { return list[:min(len(list), offered)] }

// columns makes the heads of the columns; v is what the list was asked for.
func (l *list) columns(v url.Values) {
	for _, c := range []struct {
		title, class string
		by           table.Column
	}{
		{"Server Name", "server", table.ByServer},
		{"Hostname", "hostname", table.ByHostname},
		{"IP Address", "address", table.ByAddress},
		{"Primary IP", "primary", ""},
		{"Reverse Map Name", "name", table.ByName},
		{"Findings", "findings", table.ByFindings},
	} {
		head := column{Title: c.title, Class: c.class}
		if c.by != "" {
			sorted := l.Query.Sort == c.by || l.Query.Sort == "" && c.by == table.ByAddress
			w := clone(v)
			w.Set("sort", string(c.by))
			w.Del("desc")
			if sorted && !l.Query.Descending {
				w.Set("desc", "1")
			}
			head.Link = link(w, "from", 0)
			switch {
			case sorted && l.Query.Descending:
				head.Sort = "descending"
			case sorted:
				head.Sort = "ascending"
			}
		}
		l.Columns = append(l.Columns, head)
	}
}

// link returns the link to the list that v asks for, with another number.
func link(v url.Values, key string, n int) string {
	v = clone(v)
	if v.Del(key); n > 0 {
		v.Set(key, strconv.Itoa(n))
	}
	for k := range v {
		if v.Get(k) == "" {
			v.Del(k)
		}
	}
	return "/?" + v.Encode()
}

func clone(v url.Values) url.Values {
	w := make(url.Values, len(v))
	for k := range v {
		w[k] = slices.Clone(v[k])
	}
	return w
}

// rowsOf returns rows with what waits for them. Edits are those that were collected.
func rowsOf(s *desk.Seat, list []table.Row, edits []editor.Edit, back string) []row {
	wait := waitingOf(s.Open(), list)
	rows := make([]row, len(list))
	for i, r := range list {
		rows[i] = row{
			Row: r, Edit: collectedOf(edits, r.Addr), Waiting: wait[r.Addr], MayEdit: s.MayEdit(r.Addr, "") == nil, Back: back,
		}
		if e := rows[i].Edit; e != nil {
			rows[i].Clash = e.Overtaken(r.Name)
		}
		if r.Errors+r.Warnings+r.Notes > 0 {
			if found := bySeverity(s.Findings(r.Addr)); len(found) > 0 {
				rows[i].Worst, rows[i].More = &found[0], len(found)-1
			}
		}
	}
	return rows
}

// Placeholder returns what stands in the field of an empty name.
func (r row) Placeholder() string {
	if r.Hostname == "" {
		return "no name"
	}
	return host(r.Hostname)
}

// Reset returns what the button says that takes the name away.
func (r row) Reset() string {
	if r.Hostname == "" {
		return "Take the name away"
	}
	return "Use the default"
}

// Less returns how many names the row does not show.
func (r row) Less() int { return r.Names - 1 }

// bySeverity returns findings with the worst first.
func bySeverity(l diag.List) diag.List {
	l = slices.Clone(l)
	slices.SortStableFunc(l, func(a, b diag.Diagnostic) int { return int(b.Severity - a.Severity) })
	return l
}

// rowFor returns the HTML of one row of the list, for the script to put in the place of the one that is there.
func rowFor(s *desk.Seat, r table.Row, edits []editor.Edit, back string) (string, error) {
	var b bytes.Buffer
	err := templates["list"].ExecuteTemplate(&b, "row", rowsOf(s, []table.Row{r}, edits, back)[0])
	return b.String(), err
}
