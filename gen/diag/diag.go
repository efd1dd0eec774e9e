// Package diag holds positions in source files and the problems found there.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
)

// Position is a place in a source file. The zero Position is invalid.
type Position struct {
	File   string // as the user named it: the path given on the command line, or one made from it
	Line   int    // from 1; 0 if unknown
	Column int    // from 1, in Unicode code points; 0 if unknown
}

// IsValid reports whether p names a file.
func (p Position) IsValid() bool { return p.File != "" }

// String returns file:line:column, or less when parts are unknown.
func (p Position) String() string {
	s := p.File
	if s == "" {
		return "-"
	}
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}

// Compare orders positions by file, line and column.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Severity says how bad a problem is.
type Severity int

// The severities in rising order. Off is no severity of a Diagnostic: a rule that is set to it does not report.
const (
	Off Severity = iota
	Note
	Warning
	Error
)

var severityNames = [...]string{Off: "off", Note: "note", Warning: "warning", Error: "error"}

// String returns the word that records.yaml and all output use.
func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return fmt.Sprintf("Severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText makes a Severity its word in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity is the inverse of String.
func ParseSeverity(word string) (Severity, bool) {
	i := slices.Index(severityNames[:], word)
	return Severity(i), i >= 0
}

// Related is another place that a Diagnostic speaks of.
type Related struct {
	Pos     Position
	Message string
}

// A Diagnostic is one problem found in a source file.
type Diagnostic struct {
	Pos      Position
	End      Position // exclusive; invalid if unknown
	Severity Severity
	Rule     string    // stable id, e.g. "address-assigned-twice"
	Message  string    // one line, lower case, no final period
	Related  []Related // in the order in which they should be read
	Hint     string    // the fix, in the imperative; empty if there is none to give
}

// compare orders by file, line, column, rule, message and then everything else, so that equal means equal.
func (d *Diagnostic) compare(e *Diagnostic) int {
	return cmp.Or(
		d.Pos.Compare(e.Pos),
		cmp.Compare(d.Rule, e.Rule),
		cmp.Compare(d.Message, e.Message),
		cmp.Compare(d.Severity, e.Severity),
		d.End.Compare(e.End),
		cmp.Compare(d.Hint, e.Hint),
		slices.CompareFunc(d.Related, e.Related, func(a, b Related) int {
			return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Message, b.Message))
		}),
	)
}

// A List is a set of problems.
type List []Diagnostic

// Sort orders l by file, line, column, rule and message, and returns it without the repetitions.
// The result shares memory with l.
func (l List) Sort() List {
	slices.SortFunc(l, func(d, e Diagnostic) int { return d.compare(&e) })
	return slices.CompactFunc(l, func(d, e Diagnostic) bool { return d.compare(&e) == 0 })
}

// Merge returns what is in some lists, each of which is sorted, as Sort would. It is fast if they are of different files.
func Merge(lists ...List) List {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	rest := lists[:0:0] // a heap by their first elements
	for _, l := range lists {
		if len(l) > 0 {
			rest = append(rest, l)
		}
	}
	down := func(i int) {
		for {
			least := i
			for child := 2*i + 1; child <= 2*i+2 && child < len(rest); child++ {
				if rest[child][0].compare(&rest[least][0]) < 0 {
					least = child
				}
			}
			if least == i {
				return
			}
			rest[i], rest[least] = rest[least], rest[i]
			i = least
		}
	}
	for i := len(rest) / 2; i >= 0; i-- {
		down(i)
	}
	all := make(List, 0, n)
	for len(rest) > 0 {
		first := rest[0]
		k := len(first)
		for _, next := range rest[1:min(3, len(rest))] { // one of which is the first of all others
			k = min(k, sort.Search(k, func(i int) bool { return first[i].compare(&next[0]) > 0 }))
		}
		for i := range first[:k] {
			if n := len(all); n == 0 || all[n-1].compare(&first[i]) != 0 {
				all = append(all, first[i])
			}
		}
		if rest[0] = first[k:]; k == len(first) {
			last := len(rest) - 1
			rest[0], rest = rest[last], rest[:last]
		}
		down(0)
	}
	return all
}

// Count returns the number of problems of the given severity.
func (l List) Count(s Severity) int {
	n := 0
	for i := range l {
		if l[i].Severity == s {
			n++
		}
	}
	return n
}
