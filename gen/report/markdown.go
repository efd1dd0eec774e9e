package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/revmap/revmap/gen/diag"
)

// maxMarkdown is how many bytes Markdown writes at most. GitHub takes comments of up to 65,536 characters.
const maxMarkdown = 60_000

// Markdown writes diagnostics as GitHub Flavored Markdown, for a comment in a pull request: how many there are, and a
// list for each file, in the order of l, which should be sorted. What does not fit into one comment is left out, notes
// before warnings and those before errors, and counted at the end. All that could mean something in Markdown, or that
// GitHub would make a link, a mention or an emoji of, stands in code spans. The error is that of w.
func Markdown(w io.Writer, l diag.List) error {
	items := make([]string, len(l)) // "" if left out
	room := maxMarkdown - 200       // for what comes before and after the lists
	left := 0
	headed := make(map[string]bool)
	for _, s := range []diag.Severity{diag.Error, diag.Warning, diag.Note} {
		for i := range l {
			d := &l[i]
			if d.Severity != s {
				continue
			}
			item := markdownItem(d)
			size := len(item)
			if !headed[d.Pos.File] {
				size += len(markdownHeading(d.Pos.File))
			}
			if size > room {
				left++
				continue
			}
			headed[d.Pos.File] = true
			room -= size
			items[i] = item
		}
	}

	var b strings.Builder
	b.WriteString("**" + counts(l) + "**\n")
	file, first := "", true
	for i, item := range items {
		if item == "" {
			continue
		}
		if first || l[i].Pos.File != file {
			file, first = l[i].Pos.File, false
			b.WriteString(markdownHeading(file))
		}
		b.WriteString(item)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n…and %d more.\n", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counts returns how many diagnostics of each severity l has.
func counts(l diag.List) string {
	var parts []string
	for _, s := range []diag.Severity{diag.Error, diag.Warning, diag.Note} {
		switch n := l.Count(s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.String())
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}

func markdownHeading(file string) string {
	if file == "" {
		return "\n"
	}
	return "\n### " + code(filepath.ToSlash(file)) + "\n\n"
}

func markdownItem(d *diag.Diagnostic) string {
	var b strings.Builder
	b.WriteString("- **" + d.Severity.String() + "**")
	if d.Pos.Line > 0 {
		b.WriteString(" line " + strconv.Itoa(d.Pos.Line))
	}
	b.WriteString(": " + prose(d.Message) + " (" + code(d.Rule) + ")\n")
	for _, r := range d.Related {
		b.WriteString("  - ")
		if r.Pos.IsValid() {
			b.WriteString(code(filepath.ToSlash(r.Pos.String())) + ": ")
		}
		b.WriteString(prose(r.Message) + "\n")
	}
	if d.Hint != "" {
		b.WriteString("  - hint: " + prose(d.Hint) + "\n")
	}
	return b.String()
}

// prose returns text of one line as Markdown that is read as the same text: what is no plain word or number, but for
// punctuation around it, becomes code. Code needs no quotation marks.
func prose(text string) string {
	words := strings.Split(printable(text), " ")
	for i, word := range words {
		core := trim(word, "(", "),;:.?")
		inner, ok := quoted(core)
		if !ok { // a quotation of several words may begin or end here
			core = trim(word, `("'`, `"'),;:.?`)
			inner = core
		}
		if !plain(inner) {
			words[i] = strings.Replace(word, core, code(inner), 1)
		}
	}
	return strings.Join(words, " ")
}

// trim returns word without what it begins and ends with of two sets of characters; the ends of 2001:db8:: and of
// a.example. stay: no message ends with a period.
func trim(word, left, right string) string {
	word = strings.TrimLeft(word, left)
	for word != "" && strings.IndexByte(right, word[len(word)-1]) >= 0 && !strings.HasSuffix(word, "::") {
		shorter := word[:len(word)-1]
		if word[len(shorter)] == '.' && strings.Contains(shorter, ".") {
			break
		}
		word = shorter
	}
	return word
}

// quoted returns what stands between the quotation marks of text, if it is in them.
func quoted(text string) (string, bool) {
	inner, begins := strings.CutPrefix(text, `"`)
	inner, ends := strings.CutSuffix(inner, `"`)
	return inner, begins && ends
}

// plain reports whether text is a word, an arrow, a number or a percentage, which Markdown and GitHub leave alone. One
// with letters and digits is none, since GH-12 is a link, but for two that we need.
func plain(text string) bool {
	if text == "IPv4" || text == "IPv6" {
		return true
	}
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(text, "%"), ".")
	if digits(whole) && digits(fraction) && (fraction == "" || strings.HasSuffix(text, "%")) {
		return true
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '-' && r != '\'' && r != '…' && r != '→'
	})
}

// digits reports whether text has nothing but digits, and commas between them.
func digits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsDigit(r) && r != ',' })
}

// code returns a code span of text (CommonMark section 6.1).
func code(text string) string {
	text = printable(text)
	longest, run := 0, 0
	for _, r := range text {
		if r == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	if strings.Trim(text, "` ") != text {
		text = " " + text + " " // one space at either end is taken away again
	}
	fence := strings.Repeat("`", longest+1)
	return fence + text + fence
}
