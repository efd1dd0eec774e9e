package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/width"
)

// cells returns how many columns of a terminal text takes. A tab is one, since where it ends depends on where it
// begins; blank keeps tabs for that reason.
func cells(text []rune) int {
	n := 0
	var base rune   // the character that combining ones belong to
	last := 0       // columns of base and of what belongs to it
	joined := false // to base by a zero-width joiner
	for _, r := range text {
		switch {
		case r == '\u200d':
			joined = last == 2 // in Indic scripts, which are narrow, it joins nothing in this sense
			continue
		case r == '\ufe0f' && last == 1, isSkinColor(r) && unicode.Is(unicode.So, base):
			n += 2 - last // emoji are wide (UAX #11), also those that are text without this
			last = 2
		case isZero(r), joined: // joined emoji are drawn as one
		default:
			base, last = r, 1
			if isWide(r) {
				last = 2
			}
			n += last
		}
		joined = false
	}
	return n
}

func isSkinColor(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// isZero reports whether r is drawn in the columns of the character before it, or not at all.
func isZero(r rune) bool {
	switch {
	case r >= 0x1160 && r <= 0x11ff, r >= 0xd7b0 && r <= 0xd7ff: // vowels and finals of a decomposed Hangul syllable
		return true
	case r == '\u00ad', unicode.Is(unicode.Prepended_Concatenation_Mark, r): // drawn, though Cf
		return false
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf)
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
		case unicode.IsControl(r), r >= '\u2028' && r <= '\u202e', unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// inOrder returns text with marks that no terminal shows, but which keep one that knows the direction of scripts from
// moving what follows a word of Hebrew or Arabic to its left: each word stays in its columns, and the caret is right.
func inOrder(text []rune) string {
	const mark = '\u200e' // LEFT-TO-RIGHT MARK
	var b strings.Builder
	within := false // a word from right to left
	for _, r := range text {
		properties, _ := bidi.LookupRune(r)
		switch properties.Class() {
		case bidi.R, bidi.AL, bidi.AN:
			if !within {
				b.WriteRune(mark)
			}
			within = true
		case bidi.NSM:
		default:
			if within {
				b.WriteRune(mark)
			}
			within = false
		}
		b.WriteRune(r)
	}
	return b.String()
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
