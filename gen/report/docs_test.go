package report_test

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/baseline"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
)

const docsPage = "../../docs/output.md"

var (
	example = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	section = regexp.MustCompile("(?s)\n## ([A-Za-z]+)\n.*?\n```[a-z]*\n(.*?)```\n")
)

// TestDocs: the output in each section of docs/output.md is that of the source at its top; -update writes it.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	text := example.FindSubmatch(page)
	if text == nil {
		t.Fatalf("%s has no source", docsPage)
	}
	want := outputs(t, text[1])
	var sections []string
	var got bytes.Buffer
	last := 0
	for _, m := range section.FindAllSubmatchIndex(page, -1) {
		name := string(page[m[2]:m[3]])
		sections = append(sections, name)
		got.Write(page[last:m[4]])
		got.WriteString(want[name])
		last = m[5]
	}
	got.Write(page[last:])
	all := []string{"text", "json", "markdown", "github", "sarif", "checkstyle", "Baselines"}
	if d := cmp.Diff(all, sections); d != "" {
		t.Errorf("%s has other sections with output (-want +got):\n%s", docsPage, d)
	}
	if flag.Lookup("update").Value.String() == "true" { // the flag of the tests inside of the package
		if err := os.WriteFile(docsPage, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(page), got.String()); d != "" {
		t.Errorf("%s is not what is written (run go test ./gen/report -update) (-page +written):\n%s", docsPage, d)
	}
}

// outputs lints text, and returns what the sections of the page show.
func outputs(t *testing.T, text []byte) map[string]string {
	t.Helper()
	s, found := source.Parse("records.yaml", text, false)
	l := lint.Run(model.Build(s), found, lint.Options{Today: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
		if l.Count(severity) == 0 {
			t.Fatalf("the source has no %s", severity)
		}
	}
	read := func(string) ([]byte, error) { return text, nil }
	entries := baseline.Entries(l, "records.yaml", read)
	prints := baseline.Fingerprints(entries)
	var rules []report.Rule
	for _, r := range lint.Rules {
		if slices.ContainsFunc(l, func(d diag.Diagnostic) bool { return d.Rule == r.ID }) {
			rules = append(rules, report.Rule{ID: r.ID, Title: r.Title, Severity: r.Severity, Help: "# " + r.ID + "\n\n…\n"})
		}
	}
	m := make(map[string]string)
	for name, write := range map[string]func(b *strings.Builder) error{
		"text":       func(b *strings.Builder) error { return report.Text(b, l, report.Options{Source: read}) },
		"json":       func(b *strings.Builder) error { return report.JSON(b, l, prints) },
		"markdown":   func(b *strings.Builder) error { return report.Markdown(b, l) },
		"github":     func(b *strings.Builder) error { return report.GitHub(b, l) },
		"checkstyle": func(b *strings.Builder) error { return report.Checkstyle(b, l) },
		"sarif": func(b *strings.Builder) error {
			return report.SARIF(b, l, report.SARIFOptions{Version: "v1.0.0", Rules: rules, Fingerprints: prints})
		},
		"Baselines": func(b *strings.Builder) error { return baseline.Write(b, entries) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		m[name] = b.String()
	}
	return m
}
