package source

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// removeItems takes some of the keys out of the mapping m, with their values.
func (e *editor) removeItems(m *yaml.Node, indices []int) {
	slices.Sort(indices)
	if isFlow(m) {
		e.removeFlow(m, indices)
		return
	}
	for _, i := range indices {
		if _, ok := e.indent(m.Content[i]); !ok {
			return
		}
		if it, ok := e.item(m, i); ok {
			begin, end := e.lines(it.begin, it.end)
			e.splice(begin, end, "")
		}
	}
}

// removeFlow is removeItems for a mapping in braces. Each goes with the comma behind it; if the last one goes and has
// none, the last that stays loses its own.
func (e *editor) removeFlow(m *yaml.Node, indices []int) {
	kept := -1 // index of the last key that stays before the one at hand
	removed := 0
	for i := 0; i+1 < len(m.Content); i += 2 {
		if removed == len(indices) || indices[removed] != i {
			kept = i
			continue
		}
		removed++
		it, ok := e.item(m, i)
		if !ok {
			return
		}
		begin, end := it.begin, it.end
		if at := e.skip(end, true); e.data[at] == ',' { // there is the end of the braces at least
			end = at + 1
		} else if kept >= 0 {
			last, ok := e.item(m, kept)
			if !ok {
				return
			}
			at := e.skip(last.end, true)
			e.splice(at, at+1, "")
		}
		start := bytes.LastIndexByte(e.data[:begin], '\n') + 1
		rest := bytes.TrimLeft(e.data[end:e.lineEnd(end)], " \t")
		switch alone := len(bytes.TrimLeft(e.data[start:begin], " \t")) == 0; {
		case alone && (len(rest) == 0 || rest[0] == '#'):
			begin, end = e.lines(begin, end)
		case alone, kept < 0:
			end = e.skip(end, false)
		default:
			for e.data[begin-1] == ' ' || e.data[begin-1] == '\t' {
				begin--
			}
		}
		e.splice(begin, end, "")
	}
}

// insert writes entries before or behind the one at index i of the mapping m, or into an empty mapping if i is
// negative.
func (e *editor) insert(m *yaml.Node, i int, before bool, entries []string) {
	if i < 0 {
		begin, _, ok := e.span(m)
		if !ok {
			return
		}
		e.splice(begin+1, begin+1, strings.Join(entries, ", "))
		return
	}
	it, ok := e.item(m, i)
	if !ok {
		return
	}
	if isFlow(m) {
		e.insertFlow(it, before, entries)
		return
	}
	indent, ok := e.indent(m.Content[i])
	if !ok {
		return
	}
	if before {
		at := e.aboveComments(it.begin)
		e.splice(at, at, indent+strings.Join(entries, e.eol+indent)+e.eol)
		return
	}
	at := e.lineEnd(it.end)
	e.splice(at, at, e.lineBreak(at)+indent+strings.Join(entries, e.eol+indent))
}

// insertFlow writes entries into braces, on lines of their own if the one beside them has one.
func (e *editor) insertFlow(it item, before bool, entries []string) {
	start := bytes.LastIndexByte(e.data[:it.begin], '\n') + 1
	indent := string(e.data[start:it.begin])
	separator := ", "
	if strings.Trim(indent, " \t") == "" && start > 0 {
		separator = "," + e.eol + indent
	}
	if before {
		e.splice(it.begin, it.begin, strings.Join(entries, separator)+separator)
		return
	}
	end := e.skip(it.end, false)
	comma := e.data[end] == ',' // there is the end of the braces at least
	if comma {
		end++
	}
	eol := e.lineEnd(end)
	rest := bytes.TrimLeft(e.data[end:eol], " \t")
	first := ""
	if isEmpty(it.v) && !it.bare && it.end == it.colon && it.k.Style == 0 {
		first = " " // see item
	}
	switch {
	case separator == ", " || len(rest) > 0 && rest[0] != '#': // others share the line
		e.splice(it.end, it.end, first+separator+strings.Join(entries, separator))
	case comma:
		e.splice(eol, eol, e.lineBreak(eol)+indent+strings.Join(entries, separator)+",")
	default: // a comment, or nothing, follows on the line
		e.splice(it.end, it.end, first+",")
		e.splice(eol, eol, e.lineBreak(eol)+indent+strings.Join(entries, separator))
	}
}

// indent returns what stands before the key k, which must be white space.
func (e *editor) indent(k *yaml.Node) (string, bool) {
	at, _ := e.offset(k)
	indent := e.data[bytes.LastIndexByte(e.data[:at], '\n')+1 : at]
	if len(bytes.Trim(indent, " ")) > 0 {
		e.byHand(k)
		return "", false
	}
	return string(indent), true
}

// aboveComments returns the offset where the line at an offset begins, or the first of the comments right above it.
func (e *editor) aboveComments(at int) int {
	at = bytes.LastIndexByte(e.data[:at], '\n') + 1
	for at > 0 {
		above := bytes.LastIndexByte(e.data[:at-1], '\n') + 1
		if !bytes.HasPrefix(bytes.TrimLeft(e.data[above:at], " "), []byte("#")) {
			break
		}
		at = above
	}
	return at
}

// lines returns the extent of the lines from that of begin to that of end: from the end of the line before them, so
// that a file whose last line does not end stays one.
func (e *editor) lines(begin, end int) (from, to int) {
	start := bytes.LastIndexByte(e.data[:begin], '\n') + 1
	to = e.lineEnd(end)
	if start > 0 {
		return e.lineEnd(start - 1), to
	}
	if i := bytes.IndexByte(e.data[to:], '\n'); i >= 0 {
		to += i + 1
	}
	return 0, to
}

// lineEnd returns the offset where the line of an offset ends, before its line break. It may be that of the break
// itself.
func (e *editor) lineEnd(at int) int {
	end := len(e.data)
	if i := bytes.IndexByte(e.data[at:], '\n'); i >= 0 {
		end = at + i
	}
	if end > 0 && end < len(e.data) && e.data[end-1] == '\r' {
		end--
	}
	return end
}

// lineBreak returns the line break at the end of a line, which stays that of the line even if the file has two kinds.
// It is that of the file where a last line does not end.
func (e *editor) lineBreak(end int) string {
	switch rest := e.data[end:]; {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return "\r\n"
	case bytes.HasPrefix(rest, []byte("\n")):
		return "\n"
	}
	return e.eol
}

// An item is a key with its value, as it is written.
type item struct {
	k, v                     *yaml.Node
	begin, colon, value, end int  // where the key begins, behind the colon, where the value begins and ends
	bare                     bool // there is no colon, nor a value
}

// item returns that at index i of the mapping m, false and the zero item if its extent is not known, which is reported.
func (e *editor) item(m *yaml.Node, i int) (item, bool) {
	k, v := m.Content[i], m.Content[i+1]
	begin, end, ok := e.span(k)
	if !ok {
		return item{}, false
	}
	colon := e.skip(end, isFlow(m))
	bare := colon == len(e.data) || e.data[colon] != ':'
	if bare && !(isFlow(m) && isEmpty(v)) {
		e.byHand(k)
		return item{}, false
	}
	if !bare {
		end = colon + 1
	}
	it := item{k, v, begin, end, end, end, bare}
	switch {
	case !isEmpty(v):
		if it.value, it.end, ok = e.span(v); !ok {
			return item{}, false
		}
	case isFlow(m) && !bare: // a comma right behind the colon would make that a part of the key
		if next := e.skip(end, false); next > end && e.data[next] != '#' {
			it.value, it.end = end+1, end+1
		}
	}
	return it, true
}

// span returns where the node n is written, false if that is not known: of text over several lines without quotes. That
// is reported.
func (e *editor) span(n *yaml.Node) (begin, end int, ok bool) {
	begin, ok = e.offset(n)
	switch {
	case !ok:
	case n.Kind == yaml.ScalarNode:
		end, ok = e.scalarEnd(n, begin)
	case n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode:
		ok = false
	case !isFlow(n):
		end, known := e.lastEnd(n)
		return begin, end, known
	case len(n.Content) > 0:
		if end, ok = e.lastEnd(n); !ok {
			return 0, 0, false
		}
		end, ok = e.closing(end, begin)
	default:
		end, ok = e.closing(begin+1, begin)
	}
	if !ok {
		e.byHand(n)
	}
	return begin, end, ok
}

// scalarEnd returns the offset behind the scalar n, which begins at an offset.
func (e *editor) scalarEnd(n *yaml.Node, begin int) (int, bool) {
	switch n.Style {
	case 0:
		return begin + len(n.Value), bytes.HasPrefix(e.data[begin:], []byte(n.Value))
	case yaml.SingleQuotedStyle:
		for i := begin + 1; i < len(e.data); i++ {
			if e.data[i] != '\'' {
				continue
			}
			if i++; i == len(e.data) || e.data[i] != '\'' { // two of them are one
				return i, true
			}
		}
	case yaml.DoubleQuotedStyle:
		for i := begin + 1; i < len(e.data); i++ {
			switch e.data[i] {
			case '\\':
				i++
			case '"':
				return i + 1, true
			}
		}
	}
	return 0, false
}

// lastEnd returns the offset behind the last item of the list or mapping n. If it is not known, that is reported.
func (e *editor) lastEnd(n *yaml.Node) (int, bool) {
	last := len(n.Content) - 1
	switch {
	case n.Kind == yaml.MappingNode:
		it, ok := e.item(n, last-1)
		return it.end, ok
	case isEmpty(n.Content[last]):
		e.byHand(n)
		return 0, false
	}
	_, end, ok := e.span(n.Content[last])
	return end, ok
}

// closing returns the offset behind the bracket that closes the one at begin, looking from an offset behind the last
// item. There is none around a pair in a list.
func (e *editor) closing(at, begin int) (int, bool) {
	at = e.skip(at, true)
	if at < len(e.data) && e.data[at] == ',' {
		at = e.skip(at+1, true)
	}
	if at == len(e.data) {
		return 0, false
	}
	switch string([]byte{e.data[begin], e.data[at]}) {
	case "[]", "{}":
		return at + 1, true
	}
	return 0, false
}

// skip returns the offset of what follows: behind blanks, and behind line breaks and comments if those count as such.
func (e *editor) skip(at int, breaks bool) int {
	for at < len(e.data) {
		switch c := e.data[at]; {
		case c == ' ' || c == '\t', breaks && (c == '\n' || c == '\r'):
			at++
		case breaks && c == '#':
			at = e.lineEnd(at)
		default:
			return at
		}
	}
	return at
}
