package lint

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/report"
)

var update = flag.Bool("update", false, "write what the examples of docs/rules say into their pages")

const pages = "../../docs/rules"

// page is the form of docs/rules/<id>.md: what it begins with, an example that breaks the rule, what lint says of it,
// and one that does not break it.
var page = regexp.MustCompile("(?s)\\A# ([a-z0-9-]+)\n\nSeverity: (.+?)\n\n.+\n## Why\n\n.+" +
	"\n## Wrong\n\n(?:[^`#]+\n\n)?```(?:yaml|text)\n(.+?)```\n\n```text\n(.*?)```\n" +
	"\n## Right\n\n(?:[^`#]+\n\n)?```(?:yaml|text)\n(.+?)```\n\\z")

const (
	required = "error. It cannot be changed, since nothing can be compiled while the rule is broken."
	settable = "%s. `lint.rules` can set another."
)

func severityLine(r *Rule) string {
	if r.Required {
		return required
	}
	return fmt.Sprintf(settable, r.Severity)
}

// output lints text and returns what lint prints, and the rules that the findings are of.
func output(t *testing.T, text string) (string, []string) {
	t.Helper()
	l := run(t, text)
	var rules []string
	for _, d := range l {
		rules = append(rules, d.Rule)
	}
	data := make(map[string]string)
	for _, f := range files(text) {
		data[f.name] = f.data
	}
	var b bytes.Buffer
	err := report.Text(&b, l, report.Options{Source: func(file string) ([]byte, error) { return []byte(data[file]), nil }})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), slices.Compact(rules)
}

func TestPages(t *testing.T) {
	for _, r := range Rules {
		t.Run(r.ID, func(t *testing.T) {
			name, err := filepath.Abs(filepath.Join(pages, r.ID+".md")) // examples may change the folder
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			m := page.FindSubmatchIndex(text)
			if m == nil {
				t.Fatalf("%s does not have the form %s", name, page)
			}
			part := func(i int) string { return string(text[m[2*i]:m[2*i+1]]) }
			if part(1) != r.ID || part(2) != severityLine(r) {
				t.Errorf("%s begins with %q and the severity %q, want %q and %q",
					name, part(1), part(2), r.ID, severityLine(r))
			}
			got, rules := output(t, part(3))
			if !slices.Equal(rules, []string{r.ID}) {
				t.Fatalf("the wrong example breaks %q:\n%s", rules, got)
			}
			if right, _ := output(t, part(5)); right != "" {
				t.Errorf("the right example is wrong:\n%s", right)
			}
			if got == part(4) {
				return
			}
			if !*update {
				t.Fatalf("%s (-page +lint; -update writes it):\n%s", name, cmp.Diff(part(4), got))
			}
			text = slices.Concat(text[:m[8]], []byte(got), text[m[9]:])
			if err := os.WriteFile(name, text, 0o666); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Every page is that of a rule, and every rule file too.
func TestNoOrphans(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pages, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if id := strings.TrimSuffix(filepath.Base(f), ".md"); id != "README" && Find(id) == nil {
			t.Errorf("%s: there is no such rule", f)
		}
	}
	files, err = filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^	ID: +"(.+)",$`).FindAllStringSubmatch(string(data), -1) {
			if Find(m[1]) == nil {
				t.Errorf("%s: rule %s is not in Rules", f, m[1])
			}
		}
	}
}

func TestReadme(t *testing.T) {
	name := filepath.Join(pages, "README.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, r := range Rules {
		severity := r.Severity.String()
		if r.Required {
			severity += ", always"
		}
		fmt.Fprintf(&table, "| [%s](%s.md) | %s | %s |\n", r.ID, r.ID, severity, r.Title)
	}
	const head = "|---|---|---|\n"
	before, rest, _ := strings.Cut(string(text), head)
	got, after, found := strings.Cut(rest, "\n\n")
	if !found {
		t.Fatalf("%s has no table", name)
	}
	if got += "\n"; got == table.String() {
		return
	}
	if !*update {
		t.Fatalf("%s (-page +rules; -update writes it):\n%s", name, cmp.Diff(got, table.String()))
	}
	if err := os.WriteFile(name, []byte(before+head+table.String()+"\n"+after), 0o666); err != nil {
		t.Fatal(err)
	}
}
