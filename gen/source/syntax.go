package source

import (
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

// traps are ways to write a good value that YAML does not take for one. The first group is what to point at.
var traps = []struct {
	re      *regexp.Regexp
	message string
	hint    func(text string) string
}{{
	re:      regexp.MustCompile(`^ *(\t+)[^\t #]`),
	message: "a tab in the indentation",
	hint:    func(string) string { return "indent with spaces" },
}, {
	re:      regexp.MustCompile(`(?:[:,[{]|^\s*-)\s+({[a-z][^\s{}]*}[^\s,\]}]+)`),
	message: "a value that begins with { needs quotes",
	hint:    func(text string) string { return fmt.Sprintf("write %q", text) },
}, {
	re:      regexp.MustCompile(`:\s+([0-9A-Fa-f:]*::)(?:\s|$)`),
	message: "a value that ends in : needs quotes",
	hint:    func(text string) string { return fmt.Sprintf("write %q", text) },
}}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// syntaxError reports an error of yaml.v3, which is text only: "yaml: line N: problem", "yaml: problem" if N would
// be 1 (or 0, see parserProblems). N is the line where the enclosing construct begins, or that of the problem itself if
// that construct begins on line 1; there is no column. So the finding has a line alone and says that it may be further
// down, unless one of the traps is seen from there on.
func (p *parser) syntaxError(err error) {
	if isEOF(err) {
		p.add(diag.Diagnostic{
			Pos: diag.Position{File: p.file, Line: 1, Column: 1}, Rule: "syntax", Message: "the file is empty",
		})
		return
	}
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
	for i := line; ; i++ {
		text, ok := p.line(i)
		if !ok {
			break
		}
		for _, t := range traps {
			m := t.re.FindSubmatchIndex(text)
			if m == nil || strings.HasPrefix(strings.TrimSpace(string(text)), "#") {
				continue
			}
			pos := diag.Position{File: p.file, Line: i, Column: utf8.RuneCount(text[:m[2]]) + 1}
			end := pos
			end.Column += utf8.RuneCount(text[m[2]:m[3]])
			p.add(diag.Diagnostic{
				Pos: pos, End: end, Rule: "syntax", Message: t.message, Hint: t.hint(string(text[m[2]:m[3]])),
			})
			return
		}
	}
	p.add(diag.Diagnostic{
		Pos: diag.Position{File: p.file, Line: line}, Rule: "syntax", Message: "this is not YAML: " + problem,
		Hint: "look at this line and at those below it that belong to it",
	})
}
