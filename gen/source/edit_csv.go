package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/gen/diag"
)

// RuleEditLine is the rule of the findings of ReadEdits that a source has no rule for.
const RuleEditLine = "edit-line"

// ReadEdits reads edits from CSV (RFC 4180), one in a line: an address and its name, which is empty to take the name
// away. The first line may be a header, with "address" and "name" in any order and perhaps "ttl"; other columns have no
// meaning then. An empty TTL leaves alone what is there. The file's name goes into positions and is not opened. The
// findings are sorted; where there are some, edits are missing.
func ReadEdits(file string, data []byte) ([]Edit, diag.List) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	l := editLines{parser: parser{file: file, data: data}, columns: map[string]int{"address": 0, "name": 1}, width: 2}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1 // checked here, for a place and a message of our own
	r.Comma = Separator(data)
	r.TrimLeadingSpace = r.Comma != '\t' // which is a space, too
	r.ReuseRecord = true
	for first := true; ; first = false {
		record, err := r.Read()
		var wrong *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return l.edits, l.findings.Sort()
		case errors.As(err, &wrong): // nothing is certain from there on
			l.report(l.node(wrong.Line, wrong.Column, ""), RuleEditLine, "", "this is not CSV: %v", wrong.Err)
			return l.edits, l.findings.Sort()
		case err != nil:
			panic(err) // a bytes.Reader has no errors
		}
		node := func(i int) *yaml.Node {
			line, column := r.FieldPos(i)
			return l.node(line, column, record[i])
		}
		if first && l.header(record, node) {
			continue
		}
		l.read(record, node)
	}
}

// Separator returns what separates the fields of CSV: the first comma, semicolon or tab of the first line, a comma if
// it has none. Spreadsheets write semicolons where the comma is that of numbers. It is for lines whose first field has
// none of these, not even in quotes.
func Separator(data []byte) rune {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if i := bytes.IndexAny(line, ",;\t"); i >= 0 {
		return rune(line[i])
	}
	return ','
}

// editLines are the lines of ReadEdits.
type editLines struct {
	parser
	columns map[string]int
	width   int // how many columns there are
	edits   []Edit
}

// node returns a field as if it were one of YAML. The column counts bytes.
func (l *editLines) node(line, column int, text string) *yaml.Node {
	if content, ok := l.line(line); ok {
		column = utf8.RuneCount(content[:max(0, min(column-1, len(content)))]) + 1
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: text, Line: line, Column: column}
}

// header reads a header, and returns false if record is none.
func (l *editLines) header(record []string, node func(int) *yaml.Node) bool {
	columns := make(map[string]int, len(record))
	var twice []int
	for i, name := range record {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, ok := columns[name]; ok && (name == "address" || name == "name" || name == "ttl") {
			twice = append(twice, i)
		}
		columns[name] = i
	}
	address, ok := columns["address"]
	if !ok {
		return false
	}
	for _, i := range twice {
		l.report(node(i), RuleEditLine, "keep one of the two", "the header has %q twice", strings.TrimSpace(record[i]))
	}
	if _, ok := columns["name"]; !ok {
		l.report(node(address), RuleEditLine, "", `the header lacks "name"`)
	}
	l.columns, l.width = columns, len(record)
	return true
}

// read reads the edit of a line.
func (l *editLines) read(record []string, node func(int) *yaml.Node) {
	if len(record) != l.width {
		l.report(node(0), RuleEditLine, "write the address, a comma and the name, or a header above all lines",
			"want %d fields, not %d", l.width, len(record))
		return
	}
	field := func(name string) *yaml.Node {
		i, ok := l.columns[name]
		if !ok {
			return &yaml.Node{}
		}
		n := node(i)
		n.Value = strings.TrimSpace(n.Value)
		return n
	}
	at := field("address")
	addr, ok := l.addr(at)
	if !ok {
		return
	}
	e := Edit{Addr: addr.Addr, Name: field("name").Value, TTL: field("ttl").Value, Pos: l.pos(at)}
	if e.Name == "" && e.TTL != "" {
		l.report(field("ttl"), RuleEditLine, "", "a TTL without a name")
		return
	}
	l.edits = append(l.edits, e)
}
