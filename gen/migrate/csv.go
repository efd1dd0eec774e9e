package migrate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonetext"
)

// The columns of a CSV file.
const (
	columnAddress = iota
	columnName
	columnServer
	columnProduct
	columnAccount
	columnPrimary
	columnTTL
)

var columns = []string{
	columnAddress: "address", columnName: "name", columnServer: "server", columnProduct: "product",
	columnAccount: "account", columnPrimary: "primary", columnTTL: "ttl",
}

// CSV reads a table (RFC 4180) whose first line names its columns, in any order: "address", and perhaps "name",
// "server", "product", "account", "primary" ("yes" or "no") and "ttl". An address may have several lines, one for each
// name. Semicolons or tabs may take the place of commas. Path is that of positions. An error is one of in.
func (r *Reader) CSV(path string, in io.Reader) error {
	data, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, withoutPath(err))
	}
	t := &table{r: r, path: path, data: bytes.TrimPrefix(data, []byte("\ufeff")), lines: []int{0}}
	for i, c := range t.data {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	t.read()
	return nil
}

// A table is a CSV file that is being read.
type table struct {
	r     *Reader
	path  string
	data  []byte
	lines []int // offsets of all lines
	index []int // of each of columns in the fields of a line, -1 if there is none; nil before the first line
	csv   *csv.Reader
}

func (t *table) read() {
	t.csv = csv.NewReader(bytes.NewReader(t.data))
	t.csv.Comma = source.Separator(t.data)
	t.csv.FieldsPerRecord = -1
	t.csv.ReuseRecord = true
	for {
		fields, err := t.csv.Read()
		var p *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if t.index == nil {
				t.r.report(diag.Position{File: t.path, Line: 1, Column: 1}, FindingSyntax, headerHint, "the file is empty")
			}
			return
		case errors.As(err, &p):
			t.r.report(t.position(p.Line, p.Column), FindingSyntax, "", "%v", p.Err)
			if t.index == nil {
				return
			}
		case t.index == nil:
			if !t.header(fields) {
				return
			}
		default:
			t.line(fields)
		}
	}
}

const headerHint = `begin it with a line such as "address,name"`

// header reads the first line.
func (t *table) header(fields []string) bool {
	t.index = slices.Repeat([]int{-1}, len(columns))
	ok := true
	for i, f := range fields {
		f = strings.ToLower(strings.TrimSpace(f))
		switch column := slices.Index(columns, f); {
		case column < 0:
			hint := fmt.Sprintf("use these: %s", strings.Join(columns, ", "))
			if near := source.Nearest(f, columns); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			t.r.report(t.pos(i), FindingSyntax, hint, "there is no column %q", f)
			ok = false
		case t.index[column] >= 0:
			t.r.report(t.pos(i), FindingSyntax, "", "column %q is there twice", f)
			ok = false
		default:
			t.index[column] = i
		}
	}
	if ok && t.index[columnAddress] < 0 {
		t.r.report(t.pos(0), FindingSyntax, headerHint, `there is no column "address"`)
		ok = false
	}
	return ok
}

// line reads a line after the first.
func (t *table) line(fields []string) {
	if strings.TrimSpace(strings.Join(fields, "")) == "" {
		return // spreadsheets have them at the end
	}
	n := 0
	for _, i := range t.index {
		n = max(n, i+1)
	}
	if len(fields) != n {
		t.r.report(t.pos(0), FindingSyntax, "", "the line has %d fields, the first %d", len(fields), n)
		return
	}
	field := func(column int) (string, diag.Position) {
		i := t.index[column]
		if i < 0 {
			return "", diag.Position{}
		}
		return strings.TrimSpace(fields[i]), t.pos(i)
	}
	text := func(column int) string {
		s, _ := field(column)
		return strings.Clone(s) // not the whole line
	}
	e := Entry{Server: text(columnServer), Product: text(columnProduct), Account: text(columnAccount)}
	var ok bool
	var s string
	s, e.Pos = field(columnAddress)
	if e.Addr, ok = t.r.address(s, e.Pos); !ok {
		return
	}
	if s, pos := field(columnName); s != "" {
		if e.Name, ok = t.r.name(s, pos); !ok {
			return
		}
	}
	switch s, pos := field(columnPrimary); strings.ToLower(s) {
	case "yes", "true", "1":
		if e.Primary = true; e.Server == "" {
			t.r.report(pos, FindingSyntax, "name its server", "%s is primary, but of no server", e.Addr)
			return
		}
	case "no", "false", "0", "":
	default:
		t.r.report(pos, FindingSyntax, "", "want yes or no, not %q", s)
		return
	}
	if s, pos := field(columnTTL); s != "" {
		ttl, err := zonetext.ParseTTL(s)
		if err != nil {
			t.r.report(pos, FindingTTL, "", "%v", err)
			return
		}
		e.TTL = source.Seconds{Value: ttl, Pos: pos}
	}
	t.r.add(e)
}

// pos returns the place of a field of the line that was read last.
func (t *table) pos(field int) diag.Position {
	line, column := t.csv.FieldPos(field)
	return t.position(line, column)
}

// position returns a place whose column counts bytes.
func (t *table) position(line, column int) diag.Position {
	text, _, _ := bytes.Cut(t.data[t.lines[min(line, len(t.lines))-1]:], []byte("\n"))
	return diag.Position{File: t.path, Line: line, Column: 1 + utf8.RuneCount(text[:min(column-1, len(text))])}
}
