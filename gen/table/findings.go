package table

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"sync"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/parallel"
)

// A mark is how many findings there are about a row.
type mark struct{ row, errors, warnings, notes uint32 }

// count counts one more finding.
func (m *mark) count(s diag.Severity) {
	switch s {
	case diag.Error:
		m.errors++
	case diag.Warning:
		m.warnings++
	default:
		m.notes++
	}
}

// marks are what the findings of a Table are about.
type marks struct {
	list   []mark // by row; rows without findings have none
	bad    set    // rows with an error or a warning
	others diag.List
	worst  func() *order // by findings
}

// of returns the mark of a row.
func (m *marks) of(row uint32) mark {
	i, found := slices.BinarySearchFunc(m.list, row, func(m mark, n uint32) int { return cmp.Compare(m.row, n) })
	if !found {
		return mark{row: row}
	}
	return m.list[i]
}

// Findings returns what lint says about an address: in its entry, where it is listed as primary, or about its server.
func (t *Table) Findings(addr netip.Addr) diag.List {
	var list diag.List
	rows := 0
	for n := range t.rowsOf(addr) {
		p, i := t.at(n)
		list = append(list, p.findings(i, t.in(p.file))...)
		rows++
	}
	if rows > 1 {
		return list.Sort()
	}
	return list
}

// Others returns the findings that are about no address. They are read-only.
func (t *Table) Others() diag.List { return t.marks().others }

// in returns the findings in a file.
func (t *Table) in(file string) diag.List {
	from := sort.Search(len(t.findings), func(i int) bool { return t.findings[i].Pos.File >= file })
	n := sort.Search(len(t.findings)-from, func(i int) bool { return t.findings[from+i].Pos.File > file })
	return t.findings[from:][:n]
}

// mark makes the marks of t.
func (t *Table) mark() *marks {
	var files []diag.List // the findings in each file that has some
	for rest := t.findings; len(rest) > 0; rest = rest[len(files[len(files)-1]):] {
		n := sort.Search(len(rest), func(i int) bool { return rest[i].Pos.File != rest[0].Pos.File })
		files = append(files, rest[:n])
	}
	lists, others := make([][]mark, len(files)), make([]diag.List, len(files))
	parallel.Each(len(files), func(i int) {
		if f, ok := t.files[files[i][0].Pos.File]; ok {
			lists[i], others[i] = t.parts[f].marks(files[i], t.first[f])
		} else {
			others[i] = files[i]
		}
	})
	m := &marks{list: slices.Concat(lists...), bad: t.newSet(), others: slices.Concat(others...)}
	slices.SortFunc(m.list, func(a, b mark) int { return cmp.Compare(a.row, b.row) })
	for _, x := range m.list {
		if x.errors+x.warnings > 0 {
			m.bad.add(x.row)
		}
	}
	m.worst = sync.OnceValue(func() *order { return t.worst(m) })
	return m
}

// worst orders the rows by their marks.
func (t *Table) worst(m *marks) *order {
	marked := t.newSet()
	for _, x := range m.list {
		marked.add(x.row)
	}
	equal := make(map[mark][]uint32) // rows of equal marks, by address
	for n := range t.order(0).all(false) {
		if marked.has(n) {
			x := m.of(n)
			x.row = 0
			equal[x] = append(equal[x], n)
		}
	}
	o := new(order)
	for _, x := range slices.SortedFunc(maps.Keys(equal), func(a, b mark) int {
		return cmp.Or(cmp.Compare(b.errors, a.errors), cmp.Compare(b.warnings, a.warnings), cmp.Compare(b.notes, a.notes))
	}) {
		first := len(o.rows)
		o.rows = append(o.rows, equal[x]...)
		for i := range o.rows[first+1:] {
			o.rows[first+1+i] |= tied
		}
	}
	o.blank = len(o.rows)
	o.rows = t.addBlank(o.rows)
	return o
}

// ofNoAddress are the rules whose findings lie in parts of a file of which no inventory says where they begin.
var ofNoAddress = []string{"forwards-invalid", "include-invalid", "severity-invalid"}

// about returns the number of the start of what a finding in the file of p is about: an entry, a primary address or a
// server. It returns false if that is neither. What is in an entry stands behind its key on the same line, or further
// to the right on the next ones.
func (p *part) about(d diag.Diagnostic) (int, bool) {
	if slices.Contains(ofNoAddress, d.Rule) {
		return 0, false
	}
	at := startAt(d.Pos)
	k := sort.Search(len(p.starts), func(i int) bool { return p.starts[i].compare(at) > 0 }) - 1
	for ; k >= 0; k-- {
		s := p.starts[k]
		n := s.what & number
		switch exact, holds := s.compare(at) == 0, s.line == at.line || s.column < at.column; s.kind() {
		case primary:
			if exact {
				return k, true
			}
			continue
		case ofServer:
			if !exact {
				continue
			}
		case entry:
			if holds {
				return k, true
			}
			if n = p.rows[n].server; n == noServer {
				return 0, false
			}
		case wholeOf:
			return k, holds
		case elsewhere:
			return 0, false
		}
		k = min(k, int(p.servers[n].start)+1) // next is the server
	}
	return 0, false
}

// after returns where the starts end that lie in the same server as that at k, or where the entry at k ends.
func (p *part) after(k int) int {
	for end := k + 1; ; end++ {
		if end == len(p.starts) || p.starts[k].kind() != wholeOf || p.starts[end].kind() >= wholeOf {
			return end
		}
	}
}

// rowsOf goes through the indexes of the rows that what begins at k is about: one, or all of a server.
func (p *part) rowsOf(k int) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		whole := p.starts[k]
		if whole.kind() != wholeOf {
			yield(whole.what & number)
			return
		}
		for j, end := k+1, p.after(k); j < end; j++ {
			s := p.starts[j]
			if s.kind() > primary {
				continue
			}
			i := s.what & number
			// A row that has two starts has one of them as its own; no server has the entries behind the last one's.
			if r := &p.rows[i]; r.start == uint32(j) && r.server == whole.what&number && !yield(i) {
				return
			}
		}
	}
}

// findings returns those about the row at an index. List has those in the file.
func (p *part) findings(i int, list diag.List) diag.List {
	k := int(p.rows[i].start)
	if s := p.rows[i].server; s != noServer {
		k = int(p.servers[s].start)
	}
	from, _ := slices.BinarySearchFunc(list, p.starts[k], comparePos)
	list = list[from:]
	if end := p.after(k); end < len(p.starts) {
		n, _ := slices.BinarySearchFunc(list, p.starts[end], comparePos)
		list = list[:n]
	}
	var found diag.List
	for _, d := range list {
		if k, ok := p.about(d); ok && (p.starts[k].kind() == wholeOf || p.starts[k].what&number == uint32(i)) {
			found = append(found, d)
		}
	}
	return found
}

func comparePos(d diag.Diagnostic, s start) int { return startAt(d.Pos).compare(s) }

// marks returns the marks of the rows of p, the first of which has the given number, and the findings that are about no
// row. List has those in the file.
func (p *part) marks(list diag.List, first uint32) (found []mark, others diag.List) {
	all := make([]mark, len(p.rows))
	for _, d := range list {
		k, ok := p.about(d)
		if !ok {
			others = append(others, d)
			continue
		}
		rows := 0
		for i := range p.rowsOf(k) {
			all[i].count(d.Severity)
			rows++
		}
		if rows == 0 {
			others = append(others, d)
		}
	}
	for i, x := range all {
		if x != (mark{}) {
			x.row = first + uint32(i)
			found = append(found, x)
		}
	}
	return found, others
}
