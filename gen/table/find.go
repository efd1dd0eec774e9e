package table

import (
	"math/bits"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/parallel"
)

// A set is some of the rows of a Table or of a part: a bit for each number.
type set []uint64

func (s set) has(n uint32) bool { return s[n/cell]>>(n%cell)&1 != 0 }

func (s set) add(n uint32) { s[n/cell] |= 1 << (n % cell) }

func (s set) remove(n uint32) { s[n/cell] &^= 1 << (n % cell) }

// keep removes what is not in the other set.
func (s set) keep(other set) {
	for i := range s {
		s[i] &= other[i]
	}
}

func (s set) len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// newSet returns a set without rows.
func (t *Table) newSet() set { return make(set, len(t.cells)) }

// Find returns the rows that q asks for.
func (t *Table) Find(q Query) Page {
	o := t.order(max(slices.Index(columns[:], q.Sort), 0))
	if q.Sort == ByFindings {
		o = t.marks().worst()
	}
	f := newFilter(&q)
	wanted, extra := t.filter(f), t.extra(f)
	page := Page{Total: t.len + len(extra)}
	if wanted != nil {
		page.Total = wanted.len() + len(extra)
	}
	skip := max(q.Offset, 0)
	n := min(q.Limit, page.Total-skip)
	if n <= 0 {
		return page
	}
	page.Rows = make([]Row, 0, n)
	for row := range o.all(q.Descending) {
		if wanted != nil && !wanted.has(row) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		p, i := t.at(row)
		page.Rows = append(page.Rows, p.row(i, t.marks().of(row)))
		if len(page.Rows) == n {
			return page
		}
	}
	page.Rows = append(page.Rows, extra[skip:][:n-len(page.Rows)]...)
	return page
}

// A filter is what rows must be like.
type filter struct {
	*Query
	prefixes []netip.Prefix         // that the address lies in
	account  func(name string) bool // whether its server may be of an account; nil if it may be of any, or of none
	words    []word
}

func newFilter(q *Query) *filter {
	f := &filter{Query: q}
	if q.Block.IsValid() {
		f.prefixes = append(f.prefixes, q.Block.Masked())
	}
	for text := range strings.FieldsSeq(fold(q.Text)) {
		if p, ok := prefixOf(text); ok {
			f.prefixes = append(f.prefixes, p)
		} else {
			f.words = append(f.words, newWord(text))
		}
	}
	if q.Accounts != nil || q.Account != "" || q.Server != "" {
		f.account = func(name string) bool {
			return (q.Accounts == nil || name != "" && slices.Contains(q.Accounts, name)) &&
				(q.Account == "" || name == q.Account)
		}
	}
	return f
}

// prefixOf returns the prefix that a word is, written as one or as its name in the reverse tree.
func prefixOf(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	p, form := arpa.Parse(strings.TrimSuffix(text, ".") + ".")
	return p, form == arpa.Partial || form == arpa.Complete
}

// Address returns the address that a word is, written as one or as its name in the reverse tree.
func Address(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap(), a.Zone() == ""
	}
	p, form := arpa.Parse(strings.TrimSuffix(text, ".") + ".")
	return p.Addr(), form == arpa.Complete
}

// filter returns the rows of t that f lets pass; nil for all of them.
func (t *Table) filter(f *filter) set {
	q := f.Query
	if f.account == nil && len(f.prefixes)+len(f.words) == 0 && !q.WithFindings && q.Only == nil {
		return nil
	}
	all := t.newSet()
	parallel.Each(len(t.parts), func(i int) {
		p, first := t.parts[i], t.first[i]/cell
		p.filter(f, all[first:][:(len(p.rows)+cell-1)/cell])
	})
	if q.WithFindings {
		all.keep(t.marks().bad)
	}
	if q.Only != nil {
		only := t.newSet()
		for _, a := range q.Only {
			for n := range t.rowsOf(a) {
				only.add(n)
			}
		}
		all.keep(only)
	}
	return all
}

// filter adds the rows of p that f lets pass to a set.
func (p *part) filter(f *filter, rows set) {
	from, to := 0, len(p.rows)
	for _, prefix := range f.prefixes {
		first, end := p.within(prefix)
		from, to = max(from, first), min(to, end)
	}
	if from >= to {
		return
	}
	for i := from; i < to; i++ {
		rows.add(uint32(i))
	}
	if f.account != nil {
		p.keepServers(f, rows)
	}
	for i := range f.words {
		if rows.len() > 0 {
			rows.keep(p.having(&f.words[i]))
		}
	}
}

// between returns which rows of p have addresses from one to another.
func (p *part) between(from, to netip.Addr) (first, end int) {
	first = sort.Search(len(p.rows), func(i int) bool { return p.rows[i].addr().Compare(from) >= 0 })
	end = first + sort.Search(len(p.rows)-first, func(i int) bool { return p.rows[first+i].addr().Compare(to) > 0 })
	return first, end
}

// within returns which rows of p have addresses in a prefix.
func (p *part) within(prefix netip.Prefix) (first, end int) {
	first, _ = p.between(prefix.Addr(), prefix.Addr())
	end = first + sort.Search(len(p.rows)-first, func(i int) bool { return !prefix.Contains(p.rows[first+i].addr()) })
	return first, end
}

// keepServers removes the rows of servers that f does not let pass, and those of no server.
func (p *part) keepServers(f *filter, rows set) {
	accounts := make([]bool, len(p.accounts))
	for i, a := range p.accounts {
		accounts[i] = f.account(a.Value())
	}
	pass := make([]bool, len(p.servers))
	for i := range pass {
		pass[i] = accounts[p.servers[i].account] && (f.Server == "" || p.serverName(uint32(i)) == f.Server)
	}
	for i := range p.rows {
		if s := p.rows[i].server; s == noServer || !pass[s] {
			rows.remove(uint32(i))
		}
	}
}

// having returns the rows of p that have a word.
func (p *part) having(w *word) set {
	rows := make(set, (len(p.rows)+cell-1)/cell)
	occurrences(p.text, w.text, func(i int) int { return int(p.rows[i].end) }, func(i int) { rows.add(uint32(i)) })

	accounts := make([]bool, len(p.accounts))
	for i, a := range p.accounts {
		name := a.Value()
		if p.lower != nil {
			name = p.lower[i]
		}
		accounts[i] = strings.Contains(name, w.text)
	}
	servers := make([]bool, len(p.servers))
	for i := range servers {
		servers[i] = accounts[p.servers[i].account]
	}
	occurrences(p.folded, w.text, func(i int) int { return int(p.servers[i].end) + 1 }, func(i int) { servers[i] = true })
	if slices.Contains(servers, true) {
		for i := range p.rows {
			if s := p.rows[i].server; s != noServer && servers[s] {
				rows.add(uint32(i))
			}
		}
	}
	for _, r := range w.ranges {
		first, end := p.between(r.from, r.to)
		for i := first; i < end; i++ {
			if w.fits(p.rows[i].addr()) {
				rows.add(uint32(i))
			}
		}
	}
	return rows
}

// occurrences calls f for each piece of text that has a word. Piece i ends at end(i), where the next one begins.
func occurrences(text, word string, end func(i int) int, f func(i int)) {
	for at, i := 0, 0; at < len(text); i++ {
		found := strings.Index(text[at:], word)
		if found < 0 {
			return
		}
		for end(i) <= at+found {
			i++
		}
		f(i)
		at = end(i)
	}
}
