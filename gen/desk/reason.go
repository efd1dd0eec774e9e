package desk

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// maxReason is how many bytes a reason has at most.
const maxReason = 4000

// notInReason is what Git or a pipeline takes for more than words: the line at which Git cuts a message off, which
// would make trailers such as Revmap-Allow of what stands before it, and marks of commits that no pipeline is to look at.
var notInReason = regexp.MustCompile(
	`(?i)-{24} >8 -{24}|\[(ci|skip|no|actions)[\s_-](ci|skip|actions)\]|\*\*\*no_ci\*\*\*|skip-checks\s*:`)

// reasonOf returns a reason as a commit's message and reviewers get it: text that shows all that is in it.
func reasonOf(text string) (string, error) {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return -1
		}
		return r
	}, text))
	if len(text) > maxReason {
		return "", &DeniedError{fmt.Sprintf("the reason has %d bytes: want at most %d", len(text), maxReason)}
	}
	if found := notInReason.FindString(text); found != "" {
		return "", &DeniedError{fmt.Sprintf("the reason has %q, which means more than words to Git or to a pipeline", found)}
	}
	return text, nil
}
