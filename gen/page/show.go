package page

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"

	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/report"
)

// functions are those that templates call.
var functions = template.FuncMap{
	"number":   report.Number,
	"plain":    plain,
	"host":     host,
	"time":     moment,
	"rfc3339":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"duration": duration,
	"short":    short,
	"reason":   editor.Reason,
	"ruled":    ruled,
	"hint":     hint,
	"count":    count,
}

// plain returns text of any origin so that it shows what is there: characters that nobody sees, or that turn the
// direction of what follows, are written as their numbers.
func plain(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "[U+%04X]", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether nobody sees a character, but perhaps what it does to others.
func hidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// host returns a name as people write it: without the final dot.
func host(name string) string { return plain(strings.TrimSuffix(name, ".")) }

// moment returns a time as people read it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// duration returns seconds as sources have them, "1h" or "90s".
func duration(seconds uint32) string {
	for _, unit := range []struct {
		seconds uint32
		letter  byte
	}{{7 * 86400, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}} {
		if seconds >= unit.seconds && seconds%unit.seconds == 0 {
			return fmt.Sprintf("%d%c", seconds/unit.seconds, unit.letter)
		}
	}
	return fmt.Sprintf("%ds", seconds)
}

// short returns the first digits of a commit's id.
func short(id string) string { return id[:min(len(id), 10)] }

// ruled reports whether there is a page of a rule.
func ruled(id string) bool {
	for _, r := range lint.Rules {
		if r.ID == id {
			return true
		}
	}
	return false
}

// count writes a number with a noun, which gets an s if there are several.
func count(n int, noun string) string {
	if n != 1 {
		switch {
		case strings.HasSuffix(noun, "ss"):
			noun += "es"
		default:
			noun += "s"
		}
	}
	return report.Number(n) + " " + noun
}
