// Package table holds all addresses of a source in memory, in a form in which a million of them are searched, filtered,
// sorted and paged in a few milliseconds.
package table

import (
	"iter"
	"net/netip"
	"slices"
	"sort"
	"sync"
	"unique"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/parallel"
)

// A Row is what a Table has of one address.
type Row struct {
	Addr       netip.Addr
	Server     string       // "" for an address of no server
	Product    string       // of the server
	Account    string       // of the server
	Hostname   string       // default hostname, absolute; "" if there is none
	Name       string       // reverse map name, absolute; "" if there is none; the first if there are several
	Names      int          // how many reverse map names there are
	TTL        uint32       // that its answer has, in seconds
	Answer     string       // the first name that it answers with, absolute; "" if it has none
	Origin     model.Origin // of Answer
	Primary    bool         // it is the primary address of its server
	Listed     bool         // the source lists it; false if it just lies in a block or a routed prefix
	Block      netip.Prefix // the smallest that holds it; the zero Prefix if none does
	Delegation netip.Prefix // that takes it away from Block; the zero Prefix if none does
	Pos        diag.Position
	Errors     int // findings about it, by severity
	Warnings   int
	Notes      int
}

// A Column is what rows are sorted by. In either direction, rows that are equal there are in the order of their
// addresses, and those that have nothing there come last.
type Column string

// The columns.
const (
	ByAddress  Column = "address"
	ByServer   Column = "server"
	ByHostname Column = "hostname"
	ByName     Column = "name"
	ByFindings Column = "findings" // the worst first
)

// A Query tells which rows of a Table are wanted.
type Query struct {
	// Accounts are those whose servers' addresses may be seen; nil for all addresses, also those of no server or account.
	Accounts []string

	// Text is words, all of which a row must have, in any case: in its server, account, default hostname or one of its
	// reverse map names, or at the begin of its address. A word that is a prefix, such as 192.0.2.0/24, or the name of one in
	// the reverse tree, such as 10.2.0.192.in-addr.arpa, is for the address alone.
	Text string

	Account      string       // "" for any
	Server       string       // "" for any
	Block        netip.Prefix // that the address lies in; the zero Prefix for any
	WithFindings bool         // only rows with an error or a warning
	Only         []netip.Addr // only these, ascending; nil for any

	// Extra are more addresses, ascending: those that the Table does not have are behind all of its rows, by address,
	// whatever Sort says, as At returns them without error. They have neither hostnames nor findings. Of more than MostExtra
	// that lie in the prefixes of Block and Text, only the first are looked at.
	Extra []netip.Addr
	At    func(netip.Addr) (Row, error)

	Sort       Column // "" for ByAddress
	Descending bool
	Offset     int
	Limit      int // how many rows at most
}

// A Page is some of the rows that a Query asks for.
type Page struct {
	Rows  []Row
	Total int // how many there are on all pages
}

// A Table is all addresses that a source lists. It is immutable and safe for concurrent use. What only some questions
// need, such as the order by a column, it makes when it is asked first.
type Table struct {
	parts    []*part
	first    []uint32 // the number of the first row of each part, of which the others follow; it can be divided by cell
	cells    []int32  // the part that has the rows of each cell
	files    map[string]int
	len      int
	blocks   []netip.Prefix
	findings diag.List
	orders   [len(columns)]lazyOrder
	marks    func() *marks
	named    func() map[netip.Prefix]int
	accounts func() []string
}

// cell is how many numbers of rows in a row are of one part: as many as a word has bits.
const cell = 64

// A Builder makes a Table of the files of a source. It is safe for concurrent use.
type Builder struct {
	parts  []*part
	blocks []netip.Prefix
	once   sync.Once // for blocks
}

// NewBuilder returns a Builder for a source of so many files.
func NewBuilder(files int) *Builder { return &Builder{parts: make([]*part, files)} }

// Add adds the rows of a file, once. It does not keep its inventory.
func (b *Builder) Add(file int, inv *model.Inventory) {
	b.parts[file] = newPart(inv)
	b.once.Do(func() {
		for _, block := range inv.Blocks { // those of all files
			b.blocks = append(b.blocks, block.Prefix.Prefix)
		}
		b.blocks = slices.Compact(b.blocks)
	})
}

// Table returns the Table of all files, each of which must have been added. Findings are what lint finds in the source,
// sorted; they are kept.
func (b *Builder) Table(findings diag.List) *Table {
	t := &Table{parts: b.parts, first: make([]uint32, len(b.parts)), blocks: b.blocks}
	for f := range t.parts {
		t.give(f)
	}
	return t.finish(findings)
}

// New returns the Table of inventories of the files of a source; see Builder.
func New(parts []*model.Inventory, findings diag.List) *Table {
	b := NewBuilder(len(parts))
	parallel.Each(len(parts), func(i int) { b.Add(i, parts[i]) })
	return b.Table(findings)
}

// With returns what t would be if some of the files, whose numbers are ascending, had other inventories, in the same
// blocks, and the source these findings. It costs little more than what the changed files do. Inventory is called by
// several goroutines, each of which lets go of an inventory before it asks for the next.
func (t *Table) With(changed []int, inventory func(file int) *model.Inventory, findings diag.List) *Table {
	u := &Table{
		parts: slices.Clone(t.parts), first: slices.Clone(t.first), cells: slices.Clone(t.cells), blocks: t.blocks,
	}
	for c := range columns {
		u.orders[c].old.Store(t.later(c, changed))
	}
	parallel.Each(len(changed), func(i int) { u.parts[changed[i]] = newPart(inventory(changed[i])) })
	for _, f := range changed {
		if u.room(f) < len(u.parts[f].rows) {
			u.give(f) // other numbers, and what it had are nobody's
		}
	}
	return u.finish(findings)
}

// give gives numbers to the rows of a file, and some more for rows to come.
func (t *Table) give(f int) {
	t.first[f] = uint32(len(t.cells) * cell)
	n := len(t.parts[f].rows)
	for range (n + n/8 + cell - 1) / cell {
		t.cells = append(t.cells, int32(f))
	}
}

// room returns how many numbers a file has.
func (t *Table) room(f int) int {
	n := int(t.first[f]) / cell
	for n < len(t.cells) && t.cells[n] == int32(f) {
		n++
	}
	return n*cell - int(t.first[f])
}

func (t *Table) finish(findings diag.List) *Table {
	t.findings = findings
	t.files = make(map[string]int, len(t.parts))
	for f, p := range t.parts {
		t.len += len(p.rows)
		if p.file != "" {
			t.files[p.file] = f
		}
	}
	t.marks = sync.OnceValue(t.mark)
	t.named = sync.OnceValue(t.countNamed)
	t.accounts = sync.OnceValue(t.listAccounts)
	return t
}

// at returns where the row of a number is.
func (t *Table) at(n uint32) (*part, int) {
	f := t.cells[n/cell]
	return t.parts[f], int(n - t.first[f])
}

// Len returns how many rows t has. An address that the source lists more than once, which is an error there, has that
// many rows.
func (t *Table) Len() int { return t.len }

// Row returns the row of an address, the first if it has several; false if the source does not list it.
func (t *Table) Row(addr netip.Addr) (Row, bool) {
	for n := range t.rowsOf(addr) {
		p, i := t.at(n)
		var m mark
		for _, d := range p.findings(i, t.in(p.file)) {
			m.count(d.Severity)
		}
		return p.row(i, m), true
	}
	return Row{}, false
}

// rowsOf goes through the rows of an address.
func (t *Table) rowsOf(addr netip.Addr) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		rows := t.order(0).rows
		for i := sort.Search(len(rows), func(i int) bool { return t.addr(rows[i]).Compare(addr) >= 0 }); ; i++ {
			if i == len(rows) || t.addr(rows[i]) != addr || !yield(rows[i]&^tied) {
				return
			}
		}
	}
}

// addr returns the address of a row, whose number may have the bit tied.
func (t *Table) addr(n uint32) netip.Addr {
	p, i := t.at(n &^ tied)
	return p.rows[i].addr()
}

// Accounts returns those that have servers, sorted. They are read-only.
func (t *Table) Accounts() []string { return t.accounts() }

func (t *Table) listAccounts() []string {
	all := make(map[unique.Handle[string]]bool)
	for _, p := range t.parts {
		for _, a := range p.accounts {
			all[a] = true
		}
	}
	names := make([]string, 0, len(all))
	for a := range all {
		if a.Value() != "" { // the servers of no account
			names = append(names, a.Value())
		}
	}
	slices.Sort(names)
	return names
}

// Blocks returns all blocks, by prefix. They are read-only.
func (t *Table) Blocks() []netip.Prefix { return t.blocks }

// Named returns how many addresses have a name of their own, which is not from a fallback, and lie in block and in no
// smaller one.
func (t *Table) Named(block netip.Prefix) int { return t.named()[block] }

func (t *Table) countNamed() map[netip.Prefix]int {
	all := make(map[netip.Prefix]int, len(t.blocks))
	for _, p := range t.parts {
		for i := range p.places {
			all[p.places[i].block] += p.places[i].named
		}
	}
	for _, n := range t.order(0).rows {
		if n&tied == 0 {
			continue
		}
		if p, i := t.at(n &^ tied); p.rows[i].named() { // an address counts once, as what is in its first row
			all[p.places[p.rows[i].place].block]--
		}
	}
	return all
}
