package table

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

// A Table is all addresses that a source lists. It is immutable and safe for concurrent use.
type Table struct {
	files    [][]Row
	rows     []Row
	blocks   []netip.Prefix
	findings diag.List
}

// A Builder makes a Table of the files of a source. It is safe for concurrent use.
type Builder struct {
	lock   sync.Mutex
	files  [][]Row
	blocks []netip.Prefix
}

// NewBuilder returns a Builder for as many files as a source has.
func NewBuilder(files int) *Builder { return &Builder{files: make([][]Row, files)} }

// Add adds the addresses of a file, whose inventory it does not keep.
func (b *Builder) Add(file int, inv *model.Inventory) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.files[file] = rowsOf(inv)
	b.blocks = nil
	for _, block := range inv.Blocks {
		b.blocks = append(b.blocks, block.Prefix.Prefix)
	}
}

// Table returns the Table, with what lint has found in the source.
func (b *Builder) Table(findings diag.List) *Table {
	t := &Table{files: b.files, blocks: slices.Compact(b.blocks), findings: findings, rows: slices.Concat(b.files...)}
	slices.SortStableFunc(t.rows, func(a, b Row) int { return a.Addr.Compare(b.Addr) })
	for i := range t.rows {
		r := &t.rows[i]
		for _, d := range findings {
			if d.Pos.File == r.Pos.File && d.Pos.Line == r.Pos.Line {
				switch d.Severity {
				case diag.Error:
					r.Errors++
				case diag.Warning:
					r.Warnings++
				default:
					r.NotesFound++
				}
			}
		}
	}
	return t
}

// New returns a Table of the inventories of the files of a source, and of what lint has found in it.
func New(parts []*model.Inventory, findings diag.List) *Table {
	b := NewBuilder(len(parts))
	for i, inv := range parts {
		b.Add(i, inv)
	}
	return b.Table(findings)
}

// With returns t with other inventories in place of those of some files, and other findings.
func (t *Table) With(changed map[int]*model.Inventory, findings diag.List) *Table {
	b := &Builder{files: slices.Clone(t.files), blocks: t.blocks}
	for i, inv := range changed {
		b.Add(i, inv)
	}
	return b.Table(findings)
}

// Len returns how many rows t has.
func (t *Table) Len() int { return len(t.rows) }

// Row returns the row of an address; false if the source does not list it.
func (t *Table) Row(addr netip.Addr) (Row, bool) {
	i, found := slices.BinarySearchFunc(t.rows, addr, func(r Row, a netip.Addr) int { return r.Addr.Compare(a) })
	if !found {
		return Row{}, false
	}
	return t.rows[i], true
}

// Findings returns what lint says about an address.
func (t *Table) Findings(addr netip.Addr) diag.List {
	r, _ := t.Row(addr)
	return slices.DeleteFunc(slices.Clone(t.findings), func(d diag.Diagnostic) bool {
		return d.Pos.File != r.Pos.File || d.Pos.Line != r.Pos.Line
	})
}

// Others returns the findings that are about no address.
func (t *Table) Others() diag.List {
	return slices.DeleteFunc(slices.Clone(t.findings), func(d diag.Diagnostic) bool {
		return slices.ContainsFunc(t.rows, func(r Row) bool { return d.Pos.File == r.Pos.File && d.Pos.Line == r.Pos.Line })
	})
}

// Accounts returns those whose servers have addresses, sorted.
func (t *Table) Accounts() []string {
	var all []string
	for i := range t.rows {
		if a := t.rows[i].Account; a != "" {
			all = append(all, a)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Blocks returns the blocks, by prefix.
func (t *Table) Blocks() []netip.Prefix { return t.blocks }

// Named returns how many addresses, of which a block is the smallest that holds them, have a name of their own: one that
// is not from a fallback.
func (t *Table) Named(block netip.Prefix) int {
	n := 0
	for i := range t.rows {
		if r := &t.rows[i]; r.Block == block && (r.Origin == model.Explicit || r.Origin == model.Default) {
			n++
		}
	}
	return n
}

// Find returns the rows that q asks for.
func (t *Table) Find(q Query) Page {
	var list []Row
	words := strings.Fields(strings.ToLower(q.Text))
	for _, r := range t.rows {
		if q.Accounts != nil && (r.Server == "" || !slices.Contains(q.Accounts, r.Account)) ||
			q.Account != "" && r.Account != q.Account ||
			q.Server != "" && r.Server != q.Server ||
			q.Block.IsValid() && !q.Block.Contains(r.Addr) ||
			q.WithFindings && r.Errors+r.Warnings == 0 ||
			q.Only != nil && !slices.Contains(q.Only, r.Addr) ||
			slices.ContainsFunc(words, func(w string) bool { return !r.has(w) }) {
			continue
		}
		list = append(list, r)
	}
	order := func(a, b Row) int { return 0 }
	switch q.Sort {
	case ByServer:
		order = func(a, b Row) int { return strings.Compare(a.Server, b.Server) }
	case ByHostname:
		order = func(a, b Row) int { return strings.Compare(a.Hostname, b.Hostname) }
	case ByName:
		order = func(a, b Row) int { return strings.Compare(a.Name, b.Name) }
	case ByFindings:
		order = func(a, b Row) int {
			return cmp.Or(b.Errors-a.Errors, b.Warnings-a.Warnings, b.NotesFound-a.NotesFound)
		}
	}
	slices.SortStableFunc(list, order)
	if q.Descending {
		slices.Reverse(list)
	}
	p := Page{Total: len(list)}
	list = list[min(max(q.Offset, 0), len(list)):]
	p.Rows = list[:min(q.Limit, len(list))]
	return p
}

func (r *Row) has(word string) bool {
	if p, err := netip.ParsePrefix(word); err == nil {
		return p.Masked().Contains(r.Addr)
	}
	a, _ := netip.ParseAddr(word)
	return a == r.Addr || strings.HasPrefix(r.Addr.String(), word) ||
		strings.Contains(strings.ToLower(r.Server), word) || strings.Contains(strings.ToLower(r.Account), word) ||
		strings.Contains(r.Hostname, word) || strings.Contains(r.Name, word)
}

func rowsOf(inv *model.Inventory) []Row {
	var rows []Row
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		e := inv.Effective(a)
		r := Row{Addr: a.Addr, Hostname: strings.Clone(a.Default), TTL: e.TTL, Origin: e.Origin, Primary: a.Primary != nil,
			Listed: true, Pos: a.Pos()}
		r.Pos.File = strings.Clone(r.Pos.File)
		if a.Server != nil {
			r.Server = strings.Clone(a.Server.Name.Value)
			r.Product, r.Account = a.Server.Server.Product.Value, a.Server.Server.Account.Value
		}
		if a.Entry != nil && len(a.Entry.Names) > 0 {
			r.Name, r.Names = strings.Clone(a.Entry.Names[0].Value), len(a.Entry.Names)
		}
		if len(e.Names) > 0 {
			r.Answer = strings.Clone(e.Names[0])
		}
		if a.Block != nil {
			r.Block = a.Block.Prefix.Prefix
		}
		if a.Delegation != nil {
			r.Delegation = a.Delegation.Prefix.Prefix
		}
		rows = append(rows, r)
	}
	return rows
}
