package table

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// MostExtra is how many addresses of Query.Extra are looked at at most: to look at one takes some microseconds.
const MostExtra = 1000

// extra returns the rows of f.Extra that f lets pass, by address.
func (t *Table) extra(f *filter) []Row {
	if len(f.Extra) == 0 || f.WithFindings { // of which there are none about them
		return nil
	}
	var list []Row
	for _, a := range t.missing(f) {
		if r, err := f.At(a); err == nil && f.passes(&r) {
			list = append(list, r)
		}
	}
	return list
}

// missing returns the first MostExtra addresses of f.Extra that t does not have and f may let pass, ascending.
func (t *Table) missing(f *filter) []netip.Addr {
	var missing []netip.Addr
	for a := range t.Missing(f.Extra) {
		if !f.holds(a) {
			continue
		}
		if missing = append(missing, a); len(missing) == MostExtra {
			break
		}
	}
	return missing
}

// Missing goes through those of some addresses, which are ascending, that the source does not list, each of them once.
func (t *Table) Missing(addrs []netip.Addr) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		rows := t.order(0).rows
		for i, a := range addrs {
			if i > 0 && a == addrs[i-1] {
				continue
			}
			rows = rows[ahead(len(rows), func(i int) bool { return t.addr(rows[i]).Compare(a) < 0 }):]
			if (len(rows) == 0 || t.addr(rows[0]) != a) && !yield(a) {
				return
			}
		}
	}
}

// holds reports whether f lets an address pass, as far as that is about addresses alone.
func (f *filter) holds(a netip.Addr) bool {
	return !slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return !p.Contains(a) })
}

// passes reports whether f, which holds its address, lets a row without names pass.
func (f *filter) passes(r *Row) bool {
	if f.account != nil && (r.Server == "" || !f.account(r.Account) || f.Server != "" && r.Server != f.Server) {
		return false
	}
	if f.Only != nil {
		if _, ok := slices.BinarySearchFunc(f.Only, r.Addr, netip.Addr.Compare); !ok {
			return false
		}
	}
	return !slices.ContainsFunc(f.words, func(w word) bool { return !w.in(r) })
}

// in reports whether a row without names has w.
func (w *word) in(r *Row) bool {
	return strings.Contains(fold(r.Server), w.text) || strings.Contains(fold(r.Account), w.text) ||
		slices.ContainsFunc(w.ranges, func(in between) bool {
			return in.from.Compare(r.Addr) <= 0 && r.Addr.Compare(in.to) <= 0 && w.fits(r.Addr)
		})
}
