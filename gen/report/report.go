// Package report writes diagnostics for people and for programs.
package report

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/diag"
)

// Options are those of Text. The zero value writes neither source lines nor colours.
type Options struct {
	// Source returns what a file of the diagnostics holds. Text calls it once for each file, and shows no line of
	// files for which it fails. It may be nil.
	Source func(file string) ([]byte, error)

	Color bool // with the escape sequences of a terminal
}

// Text writes diagnostics as text: for each a line of its own, which tools can parse,
//
//	file:line:column: severity: message [rule]
//
// then the line of the source with a caret below the place, then the related places as notes, then the hint. They are
// written in the order of l. The error is that of w.
func Text(w io.Writer, l diag.List, opt Options) error {
	b := bufio.NewWriter(w)
	t := textWriter{Writer: b, opt: opt, files: map[string][]string{}}
	for i := range l {
		t.diagnostic(&l[i])
	}
	return b.Flush()
}

// A textWriter writes diagnostics. Its writer keeps the first error until it is flushed.
type textWriter struct {
	*bufio.Writer
	opt   Options
	files map[string][]string // lines of the files read
}

// The escape sequences of a terminal.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	green  = "\x1b[1;32m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
)

func severityColor(s diag.Severity) string {
	switch s {
	case diag.Error:
		return red
	case diag.Warning:
		return yellow
	default:
		return cyan
	}
}

// put writes text of any origin, without line breaks, in a colour, "" for none.
func (t *textWriter) put(color, s string) {
	if t.opt.Color && color != "" {
		t.WriteString(color)
		defer t.WriteString(reset)
	}
	t.WriteString(printable(s))
}

func (t *textWriter) diagnostic(d *diag.Diagnostic) {
	t.put(bold, d.Pos.String()+":")
	t.WriteByte(' ')
	t.put(severityColor(d.Severity), d.Severity.String()+":")
	t.WriteByte(' ')
	t.put(bold, d.Message)
	t.put("", " ["+d.Rule+"]")
	t.WriteByte('\n')
	t.snippet(d.Pos, d.End)
	for _, r := range d.Related {
		t.put(bold, r.Pos.String()+":")
		t.WriteByte(' ')
		t.put(severityColor(diag.Note), "note:")
		t.put("", " "+r.Message)
		t.WriteByte('\n')
	}
	if d.Hint != "" {
		t.put(green, "hint:")
		t.put("", " "+d.Hint)
		t.WriteByte('\n')
	}
}

// snippet writes the line of pos, and below it a caret at its column, drawn out to end, or below the scalar that begins
// there if the end is unknown.
func (t *textWriter) snippet(pos, end diag.Position) {
	line, ok := t.line(pos)
	if !ok {
		return
	}
	text, column := window([]rune(printable(line)), pos.Column)
	number := strconv.Itoa(pos.Line)
	gutter := strings.Repeat(" ", len(number)) + " |"
	t.put(cyan, gutter)
	t.WriteByte('\n')
	t.put(cyan, number+" |")
	if len(text) > 0 {
		t.WriteString(" " + inOrder(text))
	}
	t.WriteByte('\n')
	if column < 1 || column > len(text)+1 {
		return
	}
	length := 1
	switch {
	case end.File != pos.File:
		length = scalar(text[column-1:])
	case end.Line > pos.Line:
		length = len(text) - (column - 1)
	case end.Line == pos.Line:
		length = end.Column - pos.Column
	}
	token := text[column-1 : min(len(text), column-1+max(0, length))]
	t.put(cyan, gutter)
	t.put("", " "+blank(text[:column-1]))
	t.put(green, "^"+strings.Repeat("~", max(0, cells(token)-1)))
	t.WriteByte('\n')
}

// scalar returns the length of the YAML scalar that text begins with, 1 if it begins with something else.
func scalar(text []rune) int {
	if len(text) > 0 && strings.ContainsRune(`"'`, text[0]) {
		return max(1, slices.Index(text[1:], text[0])+2)
	}
	n := 0
	for ; n < len(text) && !strings.ContainsRune(" \t,[]{}", text[n]); n++ {
		if text[n] == ':' && (n+1 == len(text) || text[n+1] == ' ') {
			break // the end of a key
		}
	}
	return max(1, n)
}

// line returns a line of a file without its line break.
func (t *textWriter) line(pos diag.Position) (string, bool) {
	if t.opt.Source == nil || pos.Line < 1 {
		return "", false
	}
	lines, ok := t.files[pos.File]
	if !ok {
		if data, err := t.opt.Source(pos.File); err == nil {
			lines = strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
		}
		t.files[pos.File] = lines
	}
	if pos.Line > len(lines) {
		return "", false
	}
	return strings.TrimSuffix(lines[pos.Line-1], "\r"), true
}

// jsonVersion changes when programs that read the output of JSON have to.
const jsonVersion = 1

type jsonReport struct {
	Version  int           `json:"version"`
	Findings []jsonFinding `json:"findings"`
	Counts   jsonCounts    `json:"counts"`
}

type jsonPosition struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

type jsonFinding struct {
	jsonPosition
	EndLine     int           `json:"end_line,omitempty"`
	EndColumn   int           `json:"end_column,omitempty"`
	Severity    diag.Severity `json:"severity"`
	Rule        string        `json:"rule"`
	Message     string        `json:"message"`
	Related     []jsonRelated `json:"related,omitempty"`
	Hint        string        `json:"hint,omitempty"`
	Fingerprint string        `json:"fingerprint,omitempty"`
}

type jsonRelated struct {
	jsonPosition
	Message string `json:"message"`
}

type jsonCounts struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Note    int `json:"note"`
}

// JSON writes diagnostics as one JSON object:
//
//	{"version": 1,
//	 "findings": [{"file": "records.yaml", "line": 41, "column": 7, "end_line": 41, "end_column": 17,
//	               "severity": "error", "rule": "address-assigned-twice", "message": "…",
//	               "related": [{"file": "records.yaml", "line": 12, "column": 7, "message": "…"}],
//	               "hint": "…", "fingerprint": "0f3c…"}],
//	 "counts": {"error": 1, "warning": 0, "note": 0}}
//
// Lines and columns count from 1, columns in code points; the end is exclusive. What is unknown or empty is left out,
// but findings is always there. Fingerprints has one for each diagnostic, or is nil; see package baseline. The error is
// that of w.
func JSON(w io.Writer, l diag.List, fingerprints []string) error {
	r := jsonReport{
		Version:  jsonVersion,
		Findings: make([]jsonFinding, len(l)),
		Counts:   jsonCounts{l.Count(diag.Error), l.Count(diag.Warning), l.Count(diag.Note)},
	}
	for i, d := range l {
		f := jsonFinding{
			jsonPosition: jsonPosition(d.Pos),
			EndLine:      d.End.Line,
			EndColumn:    d.End.Column,
			Severity:     d.Severity,
			Rule:         d.Rule,
			Message:      d.Message,
			Hint:         d.Hint,
		}
		for _, rel := range d.Related {
			f.Related = append(f.Related, jsonRelated{jsonPosition(rel.Pos), rel.Message})
		}
		if fingerprints != nil {
			f.Fingerprint = fingerprints[i]
		}
		r.Findings[i] = f
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
