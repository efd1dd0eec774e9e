package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

var nameMixedScripts = &Rule{
	ID:          "name-mixed-scripts",
	Severity:    diag.Warning,
	Title:       "no label mixes scripts that no language writes together",
	nameservers: true,
	names: func(each eachName, report func(diag.Diagnostic)) {
		scripts := make(scripts)
		each(func(_ netip.Addr, name source.Name) {
			if !strings.Contains(name.Value, "xn--") {
				return
			}
			for label := range strings.SplitSeq(name.Value, ".") {
				u, ok := unicodeLabel(label)
				if !ok {
					continue
				}
				if mixed := scripts.mixed(u); mixed != "" {
					report(diag.Diagnostic{
						Pos:     name.Pos,
						Message: fmt.Sprintf("the label %q of %q mixes scripts: %s", u, name.Value, mixed),
						Hint:    "type it again in one script: letters that look alike are not the same",
					})
					return
				}
			}
		})
	},
}

// together lists the scripts that are written together: what UTS 39 section 5.2 calls highly restrictive.
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"},
	{"Latin", "Han", "Bopomofo"},
	{"Latin", "Han", "Hangul"},
}

// scripts holds the scripts of characters that were looked up.
type scripts map[rune]string

// of returns the name of the script of r, "" for a character that several scripts use.
func (s scripts) of(r rune) string {
	script, ok := s[r]
	if ok {
		return script
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) && name != "Common" && name != "Inherited" {
			script = name
			break
		}
	}
	s[r] = script
	return script
}

// mixed returns the scripts of label with the first letter of each, "" if they may be together.
func (s scripts) mixed(label string) string {
	var found, letters []string
	for _, r := range label {
		if script := s.of(r); script != "" && !slices.Contains(found, script) {
			found = append(found, script)
			letters = append(letters, fmt.Sprintf("%U is %s", r, script))
		}
	}
	if len(found) < 2 || slices.ContainsFunc(together, func(allowed []string) bool {
		return !slices.ContainsFunc(found, func(script string) bool { return !slices.Contains(allowed, script) })
	}) {
		return ""
	}
	return strings.Join(letters, ", ")
}
