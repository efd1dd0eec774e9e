package table

import (
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/revmap/revmap/internal/parallel"
)

// columns are those by which rows are ordered without looking at findings. ByAddress is first.
var columns = [...]Column{ByAddress, ByServer, ByHostname, ByName}

// An order is the numbers of all rows in the order of a column.
type order struct {
	rows  []uint32 // with the bit tied if the row has the same in that column as the one before
	blank int      // from there on, rows have nothing in that column, and are in the order of their addresses
}

const tied = 1 << 31

// all goes through the rows.
func (o *order) all(descending bool) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if !descending {
			for _, n := range o.rows {
				if !yield(n &^ tied) {
					return
				}
			}
			return
		}
		for end := o.blank; end > 0; {
			begin := end - 1
			for o.rows[begin]&tied != 0 {
				begin--
			}
			for _, n := range o.rows[begin:end] {
				if !yield(n &^ tied) {
					return
				}
			}
			end = begin
		}
		for _, n := range o.rows[o.blank:] {
			if !yield(n &^ tied) {
				return
			}
		}
	}
}

// A lazyOrder is one that is made when it is asked for first, out of that of an earlier Table if there is one.
type lazyOrder struct {
	once sync.Once
	made atomic.Pointer[order]
	old  atomic.Pointer[outdated] // nil if all is to be sorted, or once it is made
}

// outdated is an order of an earlier Table. It does not hold the Table.
type outdated struct {
	*order
	gone  []bool // for each cell: its rows are not those that they were
	files []int  // whose rows have to be sorted in
}

// order returns that of a column.
func (t *Table) order(c int) *order {
	l := &t.orders[c]
	l.once.Do(func() {
		var old []uint32
		var lists [][]uint32
		out := l.old.Load()
		if out == nil {
			lists = make([][]uint32, len(t.parts))
			parallel.Each(len(lists), func(f int) { lists[f] = t.sorted(c, f) })
		} else {
			old = out.kept()
			for _, f := range out.files {
				lists = append(lists, t.sorted(c, f))
			}
		}
		o := &order{rows: t.merge(c, old, t.mergeAll(c, lists))}
		o.blank = len(o.rows)
		if c > 0 {
			o.rows = t.addBlank(o.rows)
		}
		l.made.Store(o)
		l.old.Store(nil)
	})
	return l.made.Load()
}

// later returns what t's order of a column is good for in a Table in which some files are others.
func (t *Table) later(c int, changed []int) *outdated {
	old := t.orders[c].old.Load() // before it is looked whether it is of use no more
	o := &outdated{order: t.orders[c].made.Load()}
	switch {
	case o.order != nil:
		o.gone = make([]bool, len(t.cells))
	case old != nil: // nobody has asked t for it
		o = &outdated{old.order, slices.Clone(old.gone), slices.Clone(old.files)}
	default:
		return nil
	}
	for _, f := range changed {
		if !slices.Contains(o.files, f) {
			o.files = append(o.files, f)
			for i := range o.gone {
				o.gone[i] = o.gone[i] || t.cells[i] == int32(f)
			}
		}
	}
	return o
}

// kept returns the rows that have not changed and have something in the column.
func (o *outdated) kept() []uint32 {
	rows := make([]uint32, 0, o.blank)
	tie := uint32(tied) // whether all rows since the last one that was kept are the same as it
	for _, n := range o.rows[:o.blank] {
		tie &= n
		if !o.gone[(n&^tied)/cell] {
			rows = append(rows, n&^tied|tie)
			tie = tied
		}
	}
	return rows
}

// key returns what the row at an index has in a column that is no address.
func (p *part) key(c, i int) string {
	switch columns[c] {
	case ByServer:
		return p.server(i)
	case ByHostname:
		host, _ := p.texts(i)
		return host
	default:
		return p.name(i)
	}
}

// compare orders two rows by a column alone.
func (t *Table) compare(c int, m, n uint32) int {
	p, i := t.at(m)
	q, j := t.at(n)
	if c == 0 {
		return p.rows[i].addr.Compare(q.rows[j].addr)
	}
	return strings.Compare(p.key(c, i), q.key(c, j))
}

// less orders two rows by a column, then by address. If an address is there more than once, the row that an inventory of
// the whole source has first comes first.
func (t *Table) less(c int, m, n uint32) bool {
	x := t.compare(c, m, n)
	if x == 0 && c > 0 {
		x = t.compare(0, m, n)
	}
	if x == 0 {
		p, i := t.at(m)
		q, j := t.at(n)
		x = strings.Compare(p.server(i), q.server(j))
	}
	if x == 0 {
		x = int(t.cells[m/cell] - t.cells[n/cell])
	}
	return x < 0 || x == 0 && m < n
}

// sorted returns the rows of a file that have something in a column, by that column.
func (t *Table) sorted(c, f int) []uint32 {
	p, first := t.parts[f], t.first[f]
	type keyed struct {
		key string
		row uint32
	}
	list := make([]keyed, 0, len(p.rows))
	for i := range p.rows {
		k := keyed{row: first + uint32(i)}
		if c > 0 {
			if k.key = p.key(c, i); k.key == "" {
				continue
			}
		}
		list = append(list, k)
	}
	if c > 0 {
		slices.SortStableFunc(list, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	}
	rows := make([]uint32, len(list))
	for i, k := range list {
		rows[i] = k.row
		if i > 0 && t.compare(c, list[i-1].row, k.row) == 0 {
			rows[i] |= tied
		}
	}
	return rows
}

// mergeAll merges sorted lists.
func (t *Table) mergeAll(c int, lists [][]uint32) []uint32 {
	for len(lists) > 1 {
		merged := make([][]uint32, (len(lists)+1)/2)
		parallel.Each(len(merged), func(i int) {
			if merged[i] = lists[2*i]; 2*i+1 < len(lists) {
				merged[i] = t.merge(c, merged[i], lists[2*i+1])
			}
		})
		lists = merged
	}
	return slices.Concat(lists...)
}

// merge merges two sorted lists. It is made for such of which one is much shorter, and for such of which most rows of one
// come before most of the other.
func (t *Table) merge(c int, a, b []uint32) []uint32 {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(b) == 0 {
		return a
	}
	out := make([]uint32, 0, len(a)+len(b))
	add := func(rows []uint32) { // which are neighbours in one list; those before them in out are of the other
		if len(rows) == 0 {
			return
		}
		first := len(out)
		out = append(out, rows...)
		out[first] &^= tied
		if first > 0 && t.compare(c, out[first-1]&^tied, out[first]) == 0 {
			out[first] |= tied
		}
	}
	for len(b) > 0 {
		n := ahead(len(a), func(i int) bool { return t.less(c, a[i]&^tied, b[0]&^tied) })
		add(a[:n])
		if a = a[n:]; len(a) == 0 {
			break
		}
		n = ahead(len(b), func(i int) bool { return t.less(c, b[i]&^tied, a[0]&^tied) })
		add(b[:n])
		b = b[n:]
	}
	add(a)
	add(b)
	return out
}

// ahead returns for how many numbers before n f is true. It is true for the first ones, and asked more often the more
// these are.
func ahead(n int, f func(i int) bool) int {
	from, to := 0, 1
	for to <= n && f(to-1) {
		from, to = to, 2*to
	}
	return from + sort.Search(min(to, n+1)-1-from, func(i int) bool { return !f(from + i) })
}

// addBlank adds the rows that are not there, by address.
func (t *Table) addBlank(rows []uint32) []uint32 {
	has := t.newSet()
	for _, n := range rows {
		has.add(n &^ tied)
	}
	all := slices.Grow(rows, t.len-len(rows))
	for n := range t.order(0).all(false) {
		if !has.has(n) {
			all = append(all, n)
		}
	}
	return all
}
