package source

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/revmap/revmap/gen/diag"
)

// A Waiver is a comment that takes back findings of some rules on one line:
//
//	# revmap:ignore RULE[, RULE...] [until=2027-01-31] reason="..."
type Waiver struct {
	Pos    diag.Position // of the comment sign
	End    diag.Position // of the comment, exclusive
	Line   int           // whose findings it takes back: its own, or if nothing else is there the next one that is no comment
	Rules  []Text        // ids, at least one
	Until  time.Time     // the last day on which it holds, at 00:00 UTC; zero if it holds for ever
	Reason string        // not empty
}

// Expired reports whether w holds no longer on the given day.
func (w *Waiver) Expired(day time.Time) bool {
	return !w.Until.IsZero() && !day.Before(w.Until.AddDate(0, 0, 1))
}

const (
	waiverWord = "revmap:"
	waiverHint = `write: revmap:ignore RULE until=2027-01-31 reason="why"; until may be left out`
)

var (
	// waiverPart is what a waiver is made of: keys with values, in quotes or not, and words.
	waiverPart = regexp.MustCompile(`[a-z]+=(?:"[^"]*"|[^\s"]*)|[^\s,]+`)
	ruleID     = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)
)

// Waivers returns the waivers among the comments of a file, in its order, and what is wrong with others. The comments of
// its language begin with sign and end with the line.
func Waivers(file string, data []byte, sign byte) ([]Waiver, diag.List) {
	w := waiverReader{file: file, sign: sign}
	line, start := 1, 0 // of what is counted so far
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte(waiverWord))
		if i < 0 {
			return w.list, w.findings
		}
		at += i
		line += bytes.Count(data[start:at], []byte("\n"))
		start = at
		begin := bytes.LastIndexByte(data[:at], '\n') + 1
		end := len(data)
		if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
			end = at + n
		}
		text := bytes.TrimRight(data[begin:end], "\r")
		if at-begin < len(text) {
			w.comment(line, text, at-begin, data[end:])
		}
		at, start = end, at
		if at == len(data) {
			return w.list, w.findings
		}
	}
}

type waiverReader struct {
	file     string
	sign     byte
	list     []Waiver
	findings diag.List
}

// comment reads the waiver whose word is at an offset of the text of a line. Rest is what comes below that line.
func (w *waiverReader) comment(line int, text []byte, word int, rest []byte) {
	before := bytes.TrimRight(text[:word], " \t")
	n := len(before) - 1
	if n < 0 || before[n] != w.sign || n > 0 && before[n-1] != ' ' && before[n-1] != '\t' {
		return // not in a comment, or in the middle of one
	}
	position := func(offset int) diag.Position {
		return diag.Position{File: w.file, Line: line, Column: utf8.RuneCount(text[:offset]) + 1}
	}
	v := Waiver{Pos: position(n), End: position(len(text)), Line: line}
	wrong := func(begin, end int, format string, args ...any) {
		w.findings = append(w.findings, diag.Diagnostic{
			Pos: position(begin), End: position(end), Severity: diag.Error, Rule: "waiver-invalid",
			Message: fmt.Sprintf(format, args...), Hint: waiverHint,
		})
	}
	body, ok := bytes.CutPrefix(text[word:], []byte(waiverWord+"ignore"))
	if !ok || len(body) > 0 && body[0] != ' ' && body[0] != '\t' {
		wrong(word, len(text), "want revmap:ignore, not %q", bytes.Fields(text[word:])[0])
		return
	}
	sound := len(w.findings)
	seen := make(map[string]bool)
	for _, m := range waiverPart.FindAllIndex(body, -1) {
		begin, end := len(text)-len(body)+m[0], len(text)-len(body)+m[1]
		part := string(text[begin:end])
		key, value, isKey := strings.Cut(part, "=")
		value = strings.Trim(value, `"`)
		if isKey && seen[key] {
			wrong(begin, end, "a second %q", key)
			continue
		}
		seen[key] = isKey
		switch {
		case !isKey && ruleID.MatchString(part):
			v.Rules = append(v.Rules, Text{part, position(begin)})
		case !isKey:
			wrong(begin, end, "%q is not the id of a rule", part)
		case key == "reason":
			v.Reason = strings.TrimSpace(value)
		case key == "until":
			until, err := time.Parse(time.DateOnly, value)
			if err != nil {
				wrong(begin, end, "%q is not a day, such as 2027-01-31", value)
			}
			v.Until = until
		default:
			wrong(begin, end, "a waiver has no %q", key)
		}
	}
	switch {
	case len(w.findings) > sound:
		return
	case len(v.Rules) == 0:
		wrong(n, len(text), "the waiver names no rule")
		return
	case v.Reason == "":
		wrong(n, len(text), "the waiver has no reason")
		return
	}
	if len(bytes.TrimSpace(text[:n])) == 0 {
		v.Line += w.comments(rest)
	}
	w.list = append(w.list, v)
}

// comments returns how many lines down from a comment the next line is that is none.
func (w *waiverReader) comments(rest []byte) int {
	for lines := 1; ; lines++ {
		_, below, more := bytes.Cut(rest, []byte("\n")) // rest begins with the end of the line before
		if !more {
			return lines
		}
		next, _, _ := bytes.Cut(below, []byte("\n"))
		next = bytes.TrimSpace(next)
		if len(next) > 0 && next[0] != w.sign {
			return lines
		}
		rest = below
	}
}
