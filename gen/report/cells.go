package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// cells returns how many columns of a terminal text takes. A tab is one, since where it ends depends on where it begins;
// blank keeps tabs for that reason.
func cells(text []rune) int {
	n, joined := 0, false
	for _, r := range text {
		switch {
		case joined: // a joined emoji is drawn over the one before
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1f3fb && r <= 0x1f3ff: // the skin colour of the emoji before
		case isWide(r):
			n += 2
		default:
			n++
		}
		joined = r == '\u200d'
	}
	return n
}

func isWide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// blank returns white space that takes as many columns of a terminal as text.
func blank(text []rune) string {
	var b strings.Builder
	for len(text) > 0 {
		n := 0
		for n < len(text) && text[n] != '\t' {
			n++
		}
		b.WriteString(strings.Repeat(" ", cells(text[:n])))
		if n < len(text) {
			b.WriteByte('\t')
			n++
		}
		text = text[n:]
	}
	return b.String()
}

// printable returns s with the characters replaced that could make a terminal show something else than what is there:
// control characters, line breaks, and what changes the direction of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case unicode.IsControl(r), r >= '\u2028' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

const (
	maxLine = 240 // code points of a line that are shown
	before  = 80  // and at least so many of them before the column if the line is longer
)

// window cuts a long line around a column, and returns the column in what is left.
func window(text []rune, column int) ([]rune, int) {
	if len(text) <= maxLine {
		return text, column
	}
	if begin := min(column-1-before, len(text)-maxLine); begin > 0 {
		text = append([]rune{'…'}, text[begin+1:]...)
		column -= begin
	}
	if len(text) > maxLine {
		text = append(text[:maxLine-1:maxLine-1], '…')
	}
	return text, column
}
