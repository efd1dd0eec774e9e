package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/revmap/revmap/gen/diag"
)

// parserProblems are the errors that yaml.v3 finds in the sequence of tokens. Their line is counted from 0; that of all
// others, found in the characters, from 1. The number in the text is all that tells where they are.
var parserProblems = []string{
	"did not find expected <stream-start>",
	"did not find expected <document start>",
	"did not find expected '-' indicator",
	"did not find expected key",
	"did not find expected ',' or ']'",
	"did not find expected ',' or '}'",
	"did not find expected node content",
	"found undefined tag handle",
	"found duplicate %YAML directive",
	"found incompatible YAML document",
	"found duplicate %TAG directive",
}

// A trap is a way to write a good value that YAML does not take for one.
type trap struct {
	pattern *regexp.Regexp // of a line; its group is what to point at
	message string
	hint    string // with %q for the group's text, if need be
}

var (
	tabTrap = trap{
		regexp.MustCompile(`^ *(\t+)[ \t]*[^ \t#]`), "a tab in the indentation", "indent with spaces",
	}
	braceTrap = trap{
		regexp.MustCompile(`(?:[:,[{]|^\s*-)\s+({[a-z][^\s{}]*}[^\s,\]}]+)`),
		"a value that begins with { needs quotes", "write %q",
	}
	colonTrap = trap{
		regexp.MustCompile(`:\s+([0-9A-Fa-f:]*::)(?:\s|$)`), "a value that ends in : needs quotes", "write %q",
	}
)

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

func (p *parser) emptyFile() {
	p.add(diag.Diagnostic{
		Pos: diag.Position{File: p.file, Line: 1, Column: 1}, Rule: "syntax", Message: "the file is empty",
	})
}

// syntaxError reports an error of yaml.v3, which is text only: "yaml: line N: problem", "yaml: problem" if N would
// be 1 (or 0, see parserProblems). N is the line where the enclosing construct begins, or that of the problem itself if
// that construct begins on line 1; there is no column. So the finding has a line alone, unless one of the traps is seen
// from there on.
func (p *parser) syntaxError(err error) {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(problem, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, problem = n, text
			if slices.Contains(parserProblems, problem) {
				line++
			}
		}
	}
	traps := []trap{tabTrap, braceTrap, colonTrap}
	if rest, ok := strings.CutPrefix(problem, "unknown anchor '"); ok {
		alias := regexp.QuoteMeta("*" + strings.TrimSuffix(rest, "' referenced"))
		traps = []trap{{regexp.MustCompile(`(?:^|[\s[{,])(` + alias + `)`), noAliases, "write the value out"}}
	}
	for i := line; ; i++ {
		text, ok := p.line(i)
		if !ok {
			break
		}
		if bytes.HasPrefix(bytes.TrimSpace(text), []byte("#")) {
			continue
		}
		for _, t := range traps {
			if m := t.pattern.FindSubmatchIndex(text); m != nil {
				p.trapped(t, i, text, m[2], m[3])
				return
			}
		}
	}
	switch problem {
	case "did not find expected key", "did not find expected '-' indicator", "did not find expected <document start>":
		if i, column, ok := p.misindented(); ok && i >= line {
			p.add(diag.Diagnostic{
				Pos: diag.Position{File: p.file, Line: i, Column: column}, Rule: "syntax",
				Message: "this line is indented like none of those that it could belong to",
				Hint:    "indent it like the lines above that it belongs to",
			})
			return
		}
	}
	for line > 1 { // the end of the file is the end of its last line
		if text, _ := p.line(line); len(text) > 0 {
			break
		}
		line--
	}
	hint := "look at this line, at what begins in it and at what ends in it: YAML does not tell the column"
	if problem == "mapping values are not allowed in this context" {
		hint = "look at its indentation, for a second colon in it, and for a colon without a space after it in the line above"
	}
	p.add(diag.Diagnostic{
		Pos: diag.Position{File: p.file, Line: line}, Rule: "syntax", Message: "this is not YAML: " + problem, Hint: hint,
	})
}

// brackets are the brackets of a line that are not in quotes or comments, as far as that matters here.
var brackets = regexp.MustCompile(`"[^"]*"|'[^']*'|#.*|[][{}]`)

// misindented returns the place of the first line that is indented less than the one above it and like none before that.
// Inside brackets a line may begin anywhere.
func (p *parser) misindented() (line, column int, ok bool) {
	var open []int // the indentations that a line may return to, rising
	depth := 0     // of brackets
	for line = 1; ; line++ {
		text, ok := p.line(line)
		if !ok {
			return 0, 0, false
		}
		content := bytes.TrimLeft(text, " ")
		if len(content) == 0 || content[0] == '#' {
			continue
		}
		if indent := len(text) - len(content); depth <= 0 {
			deepest := len(open)
			for len(open) > 0 && open[len(open)-1] > indent {
				open = open[:len(open)-1]
			}
			if len(open) == 0 || open[len(open)-1] < indent {
				if len(open) < deepest {
					return line, indent + 1, true
				}
				open = append(open, indent)
			}
		}
		for _, b := range brackets.FindAll(content, -1) {
			switch b[0] {
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
		}
	}
}

// trapped reports the trap t at text[begin:end] of a line.
func (p *parser) trapped(t trap, line int, text []byte, begin, end int) {
	d := diag.Diagnostic{
		Pos:  diag.Position{File: p.file, Line: line, Column: utf8.RuneCount(text[:begin]) + 1},
		Rule: "syntax", Message: t.message, Hint: t.hint,
	}
	d.End = d.Pos
	d.End.Column += utf8.RuneCount(text[begin:end])
	if strings.Contains(t.hint, "%q") {
		d.Hint = fmt.Sprintf(t.hint, text[begin:end])
	}
	p.add(d)
}
