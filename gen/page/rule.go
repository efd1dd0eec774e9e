package page

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/revmap/revmap/docs"
	"github.com/revmap/revmap/gen/desk"
)

// A passage is a part of the page of a rule: a heading, text, or an example.
type passage struct {
	Heading, Example string
	Text             template.HTML
}

// Within text, there are marks of code, and links to other rules and other pages.
var (
	codeMark = regexp.MustCompile("`([^`]+)`")
	ruleLink = regexp.MustCompile(`\[([^\]]+)\]\(([a-z0-9-]+)\.md\)`)
	pageLink = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)
)

// marked returns the HTML of text.
func marked(text string) template.HTML {
	text = template.HTMLEscapeString(text)
	text = ruleLink.ReplaceAllString(text, `<a href="/rules/$2">$1</a>`)
	text = pageLink.ReplaceAllString(text, "$1") // they are not served here
	return template.HTML(codeMark.ReplaceAllString(text, "<code>$1</code>"))
}

// A rulePage is the page of a rule.
type rulePage struct {
	ID       string
	Passages []passage
}

// rule shows the page of a rule of lint. Those pages are all of one form, of headings, text and examples, which a test
// in gen/lint holds.
func (p *pages) rule(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	id := r.PathValue("id")
	page, ok := docs.RulePage(id)
	if !ok || !ruled(id) {
		return desk.ErrUnknown
	}
	var passages []passage
	_, text, _ := strings.Cut(string(page), "\n") // the first line is the id
	for i, part := range strings.Split(text, "\n```") {
		if i%2 == 1 {
			_, example, _ := strings.Cut(part, "\n") // the first line is the language
			passages = append(passages, passage{Example: example})
			continue
		}
		for block := range strings.SplitSeq(strings.TrimSpace(part), "\n\n") {
			if heading, ok := strings.CutPrefix(block, "## "); ok {
				passages = append(passages, passage{Heading: heading})
			} else if block != "" {
				passages = append(passages, passage{Text: marked(block)})
			}
		}
	}
	p.render(w, r, s, http.StatusOK, "rule", id, rulePage{id, passages})
	return nil
}
