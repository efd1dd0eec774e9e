package table

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// pass returns the rows of Query.Extra that f lets pass, in the order that is asked for.
func (f *filter) pass() []Row {
	var list []Row
	for i := range f.Extra {
		if r := &f.Extra[i]; f.passes(r) {
			list = append(list, *r)
		}
	}
	slices.SortFunc(list, func(a, b Row) int { return f.compare(f.rankOf(&a), f.rankOf(&b)) })
	return list
}

// passes reports whether f lets a row pass, as filter.
func (f *filter) passes(r *Row) bool {
	if f.account != nil && (r.Server == "" || !f.account(r.Account) || f.Server != "" && r.Server != f.Server) ||
		f.WithFindings {
		return false
	}
	for _, p := range f.prefixes {
		if !p.Contains(r.Addr) {
			return false
		}
	}
	if f.Only != nil {
		if _, ok := slices.BinarySearchFunc(f.Only, r.Addr, netip.Addr.Compare); !ok {
			return false
		}
	}
	for i := range f.words {
		if !f.words[i].in(r) {
			return false
		}
	}
	return true
}

// in reports whether a row has w.
func (w *word) in(r *Row) bool {
	for _, text := range []string{r.Server, r.Account, r.Hostname, r.Name} {
		if strings.Contains(fold(text), w.text) {
			return true
		}
	}
	for _, in := range w.ranges {
		if in.from.Compare(r.Addr) <= 0 && r.Addr.Compare(in.to) <= 0 && w.fits(r.Addr) {
			return true
		}
	}
	return false
}

// A rank is what decides where a row comes.
type rank struct {
	blank bool   // it has nothing in the column
	key   string // what it has there
	addr  netip.Addr
}

// rankOf returns the rank of a row without findings.
func (f *filter) rankOf(r *Row) rank {
	k := rank{addr: r.Addr}
	switch f.Sort {
	case ByServer:
		k.key = r.Server
	case ByHostname:
		k.key = r.Hostname
	case ByName:
		k.key = r.Name
	}
	k.blank = k.key == ""
	return k
}

// compare orders ranks as Query has it.
func (f *filter) compare(a, b rank) int {
	switch f.Sort {
	case ByServer, ByHostname, ByName, ByFindings:
	default:
		if f.Descending {
			a, b = b, a
		}
		return a.addr.Compare(b.addr)
	}
	switch {
	case a.blank != b.blank && a.blank:
		return 1
	case a.blank != b.blank:
		return -1
	case f.Descending:
		return cmp.Or(cmp.Compare(b.key, a.key), a.addr.Compare(b.addr))
	}
	return cmp.Or(cmp.Compare(a.key, b.key), a.addr.Compare(b.addr))
}

// rank returns the rank of a row of t for f.
func (t *Table) rank(f *filter, row uint32) rank {
	p, i := t.at(row)
	k := rank{addr: p.rows[i].addr()}
	if f.Sort == ByFindings {
		k.blank = !t.marks().has(row)
		return k
	}
	if c := slices.Index(columns[:], f.Sort); c > 0 {
		k.key = p.key(c, i)
	}
	k.blank = k.key == ""
	return k
}
