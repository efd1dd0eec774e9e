package table

import (
	"cmp"
	"iter"
	"net/netip"
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
		each := func(rows []uint32) bool {
			for _, n := range rows {
				if !yield(n &^ tied) {
					return false
				}
			}
			return true
		}
		if !descending {
			each(o.rows)
			return
		}
		for end := o.blank; end > 0; {
			begin := end - 1
			for o.rows[begin]&tied != 0 {
				begin--
			}
			if !each(o.rows[begin:end]) {
				return
			}
			end = begin
		}
		each(o.rows[o.blank:])
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
		o := new(order)
		if old := l.old.Load(); old != nil {
			o.rows = t.merge(c, old.kept(), t.sorted(c, old.files))
		} else {
			all := make([]int, len(t.parts))
			for f := range all {
				all[f] = f
			}
			o.rows = t.sorted(c, all)
		}
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

// A keyed row is one with what it is sorted by, side by side for speed.
type keyed struct {
	key  string // "" if that is the address alone
	addr netip.Addr
	row  uint32
}

// keyed returns the row of a number for a column.
func (t *Table) keyed(c int, n uint32) keyed {
	p, i := t.at(n)
	k := keyed{addr: p.rows[i].addr(), row: n}
	if c > 0 {
		k.key = p.key(c, i)
	}
	return k
}

// same reports whether two rows have the same in a column.
func same(c int, a, b keyed) bool { return a.key == b.key && (c > 0 || a.addr == b.addr) }

// compare orders rows by what they are sorted by, then by address. The first row of an address is that which is first
// in an inventory of the whole source.
func (t *Table) compare(a, b keyed) int {
	if x := strings.Compare(a.key, b.key); x != 0 {
		return x
	}
	if x := a.addr.Compare(b.addr); x != 0 {
		return x
	}
	p, i := t.at(a.row)
	q, j := t.at(b.row)
	return cmp.Or(strings.Compare(p.server(i), q.server(j)),
		cmp.Compare(t.cells[a.row/cell], t.cells[b.row/cell]), cmp.Compare(a.row, b.row))
}

// sorted returns the rows of files that have something in a column, by that column.
func (t *Table) sorted(c int, files []int) []uint32 {
	lists := make([][]keyed, len(files))
	parallel.Each(len(files), func(i int) {
		p, first := t.parts[files[i]], t.first[files[i]]
		list := make([]keyed, 0, len(p.rows))
		for j := range p.rows {
			if k := t.keyed(c, first+uint32(j)); c == 0 || k.key != "" {
				list = append(list, k)
			}
		}
		if c > 0 {
			slices.SortFunc(list, t.compare)
		}
		lists[i] = list
	})
	all := slices.Concat(lists...)
	ends := make([]int, len(lists)) // of the lists, which follow each other in all
	for i := range lists {
		ends[i] = len(lists[i])
		if i > 0 {
			ends[i] += ends[i-1]
		}
	}
	other := make([]keyed, len(all))
	for len(ends) > 1 {
		next := make([]int, (len(ends)+1)/2)
		parallel.Each(len(next), func(i int) {
			begin := 0
			if i > 0 {
				begin = ends[2*i-1]
			}
			middle := ends[2*i]
			next[i] = ends[min(2*i+1, len(ends)-1)]
			t.mergeKeyed(other[begin:begin], all[begin:middle], all[middle:next[i]])
		})
		all, other, ends = other, all, next
	}
	rows := make([]uint32, len(all))
	for i, k := range all {
		rows[i] = k.row
		if i > 0 && same(c, all[i-1], k) {
			rows[i] |= tied
		}
	}
	return rows
}

// mergeKeyed appends to out what is in two sorted lists, of which long runs may follow each other.
func (t *Table) mergeKeyed(out, a, b []keyed) {
	if len(a) > 0 && len(b) > 0 && t.compare(a[0], b[0]) > 0 {
		a, b = b, a
	}
	for len(a) > 0 && len(b) > 0 { // a[0] is next
		n := 1 + ahead(len(a)-1, func(i int) bool { return t.compare(a[1+i], b[0]) < 0 })
		out = append(out, a[:n]...)
		a, b = b, a[n:]
	}
	_ = append(append(out, a...), b...)
}

// merge merges old with fresh rows, of which there are few.
func (t *Table) merge(c int, old, fresh []uint32) []uint32 {
	out := make([]uint32, 0, len(old)+len(fresh))
	add := func(rows []uint32) {
		first := len(out)
		if out = append(out, rows...); first > 0 && first < len(out) {
			out[first] &^= tied
			if same(c, t.keyed(c, out[first-1]&^tied), t.keyed(c, out[first])) {
				out[first] |= tied
			}
		}
	}
	for i, n := range fresh {
		k := t.keyed(c, n&^tied)
		before := ahead(len(old), func(i int) bool { return t.compare(t.keyed(c, old[i]&^tied), k) < 0 })
		add(old[:before])
		add(fresh[i : i+1])
		old = old[before:]
	}
	add(old)
	return out
}

// ahead returns for how many numbers before n f is true: the first ones. The fewer these are, the fewer calls it takes.
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
