package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/revmap/revmap/gen/diag"
)

var rules = []Rule{
	{
		ID: "plain", Title: "a title with {braces}", Severity: diag.Error,
		Help: "# plain\n\nWhy.\n", HelpURI: "https://docs.example/rules/plain",
	},
	{ID: "taste", Title: "off by default", Severity: diag.Off},
	{ID: "related", Title: "without a page", Severity: diag.Note},
}

// hostile has what could leave the message and mean something in the output.
var hostile = diag.List{{
	Pos:      diag.Position{File: "a,b:c%d/größe <&>\"|`.yaml", Line: 1, Column: 2},
	Severity: diag.Warning,
	Rule:     "hostile",
	Message: "100%\r\n::error::{0} [click](https://a.example) @admin #1 GH-1 :100: `x` ``y " +
		"<b>|</b> & \"www.a.example\", *a* _b_ \xff",
	Related: []diag.Related{
		{Pos: diag.Position{File: "/srv/b.yaml", Line: 3}, Message: "first::here"},
		{Message: "nowhere"},
	},
	Hint: "write \"]]>\"",
}}

// TestSARIFSchema holds the output to the schema that OASIS published.
func TestSARIFSchema(t *testing.T) {
	const file = "testdata/sarif-schema-2.1.0.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]diag.List{"findings": findings, "hostile": hostile, "none": nil} {
		for _, opt := range []SARIFOptions{{}, {Version: "v1.2.3", Rules: rules, Fingerprints: prints}} {
			var b bytes.Buffer
			if err := SARIF(&b, l, opt); err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(&b)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": "2.1.0", "runs": [{"results": []}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err == nil {
		t.Error("the schema takes a run without a tool")
	}
}

// TestSARIFRuleIndex: each result leads to its rule (section 3.27.6).
func TestSARIFRuleIndex(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, findings, SARIFOptions{Rules: rules}); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, r := range log.Runs[0].Results {
		if r.RuleIndex == nil {
			if slices.ContainsFunc(rules, func(rule Rule) bool { return rule.ID == r.RuleID }) {
				t.Errorf("%s has no index", r.RuleID)
			}
			continue
		}
		known++
		if id := log.Runs[0].Tool.Driver.Rules[*r.RuleIndex].ID; id != r.RuleID {
			t.Errorf("the index of %s is that of %s", r.RuleID, id)
		}
	}
	if known != 2 {
		t.Errorf("%d results have an index, want 2", known)
	}
}

func TestFileURI(t *testing.T) {
	for name, want := range map[string]string{
		"records.yaml":             "records.yaml",
		"./records.d/a.yaml":       "records.d/a.yaml",
		"records.d/a b#1?.yaml":    "records.d/a%20b%231%3F.yaml",
		"größe/100%.yaml":          "gr%C3%B6%C3%9Fe/100%25.yaml",
		"c:d.yaml":                 "./c:d.yaml",
		"../dns/records.yaml":      "../dns/records.yaml",
		"/srv/dns/my records.yaml": "file:///srv/dns/my%20records.yaml",
	} {
		if got := fileURI(name); got != want {
			t.Errorf("fileURI(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSARIFMessage(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                       "plain",
		`"{server}.example"`:          `"{{server}}.example"`,
		"names: [a]":                  "names: [a]",
		"[click](https://a.example/)": `[click\](https://a.example/)`,
	} {
		if got := sarifMessage(text).Text; got != want {
			t.Errorf("sarifMessage(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestGitHub reads commands as the runner does: the command, its properties and the message.
func TestGitHub(t *testing.T) {
	var b bytes.Buffer
	if err := GitHub(&b, hostile); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`\A::([a-z]+) ([^\n]*?)::([^\n]*)\n\z`).FindStringSubmatch(b.String())
	if m == nil {
		t.Fatalf("this is not one command:\n%s", b.String())
	}
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	got := map[string]string{}
	for property := range strings.SplitSeq(m[2], ",") {
		key, value, _ := strings.Cut(property, "=")
		got[key] = unescape.Replace(value)
	}
	want := map[string]string{"file": hostile[0].Pos.File, "line": "1", "endLine": "1", "col": "2", "title": "hostile"}
	if d := cmp.Diff(want, got); m[1] != "warning" || d != "" {
		t.Errorf("command %s with properties (-want +got):\n%s", m[1], d)
	}
	message := printable(hostile[0].Message) + "\nnote: /srv/b.yaml:3: first::here\nnote: -: nowhere\nhint: write \"]]>\""
	if d := cmp.Diff(message, unescape.Replace(m[3])); d != "" {
		t.Errorf("message (-want +got):\n%s", d)
	}
}

// TestCheckstyle reads back what was written.
func TestCheckstyle(t *testing.T) {
	l := slices.Concat(findings, hostile).Sort()
	var b bytes.Buffer
	if err := Checkstyle(&b, l); err != nil {
		t.Fatal(err)
	}
	var r checkstyleReport
	if err := xml.Unmarshal(b.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != checkstyleVersion {
		t.Errorf("version = %q", r.Version)
	}
	severities := map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Note: "info"}
	valid := func(s string) string { // XML has no other control characters
		s = strings.ToValidUTF8(s, "\ufffd")
		return strings.Map(func(r rune) rune {
			if r < ' ' && !strings.ContainsRune("\t\r\n", r) {
				return '\ufffd'
			}
			return r
		}, s)
	}
	i := 0
	names := map[string]bool{}
	for _, f := range r.Files {
		if names[f.Name] {
			t.Errorf("%s has two elements", f.Name)
		}
		names[f.Name] = true
		for _, got := range f.Errors {
			d := l[i]
			i++
			want := checkstyleError{d.Pos.Line, d.Pos.Column, severities[d.Severity], d.Message, "revmap." + d.Rule}
			if d.Hint != "" {
				want.Message += "\nhint: " + d.Hint
			}
			want.Message = valid(want.Message)
			if diff := cmp.Diff(want, got); diff != "" || f.Name != d.Pos.File {
				t.Errorf("%s (-want +got):\n%s", f.Name, diff)
			}
		}
	}
	if i != len(l) {
		t.Errorf("%d of %d findings were written", i, len(l))
	}
}

func TestMarkdownProse(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"192.0.2.10 already has a name": "`192.0.2.10` already has a name",
		`a name, "mail.acme.example.", is no host's`: "a name, `mail.acme.example.`, is no host's",
		`("a.example"): "b"`:                         "(`a.example`): \"b\"",
		`"mail.acme.example is here," it says`:       "\"`mail.acme.example` is here,\" it says",
		`"" 'a.example'`:                             "\"\" '`a.example`'",
		"keep 1 of them":                             "keep 1 of them",
		"größer als 1, klar":                         "größer als 1, klar",
		"a   b":                                      "a   b",
		"(see 2001:db8::)":                           "(see `2001:db8::`)",
		"at :100:":                                   "at `:100`:",
		"to @admin in #1":                            "to `@admin` in `#1`",
		"an IPv4 field, a GH1 one":                   "an IPv4 field, a `GH1` one",
		"as of GH-1":                                 "as of `GH-1`",
		"<b>bold</b>":                                "`<b>bold</b>`",
		"a|b c*d e_f ~g &lt; \\":                     "`a|b` `c*d` `e_f` `~g` `&lt`; `\\`",
		"- + = # >":                                  "- `+` `=` `#` `>`",
		"a`b":                                        "``a`b``",
		"`a`":                                        "`` `a` ``",
		"https://a.example/":                         "`https://a.example/`",
		"a\nb":                                       "`a\ufffdb`",
	} {
		if got := prose(text); got != want {
			t.Errorf("prose(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestMarkdownCut: a comment stays below GitHub's limit; what is left out are the least severe findings.
func TestMarkdownCut(t *testing.T) {
	var l diag.List
	for i := range 3000 {
		severity := diag.Note
		switch {
		case i%100 == 99:
			severity = diag.Error
		case i%10 == 9:
			severity = diag.Warning
		}
		l = append(l, diag.Diagnostic{
			Pos:      diag.Position{File: fmt.Sprintf("records.d/%d.yaml", i/100), Line: i + 1},
			Severity: severity, Rule: "many", Message: "one of very many findings in very many files",
		})
	}
	l = append(l, diag.Diagnostic{Severity: diag.Error, Rule: "long", Message: strings.Repeat("long ", maxMarkdown)})
	var b bytes.Buffer
	if err := Markdown(&b, l); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if n := len(text); n > maxMarkdown || n < maxMarkdown*9/10 {
		t.Errorf("%d bytes were written", n)
	}
	if begin := "**31 errors, 270 warnings, 2700 notes**\n"; !strings.HasPrefix(text, begin) {
		t.Errorf("it does not begin with %s", begin)
	}
	shown := func(severity string) int { return strings.Count(text, "- **"+severity+"**") }
	errors, warnings, notes := shown("error"), shown("warning"), shown("note")
	if errors != 30 || warnings != 270 || notes == 0 {
		t.Errorf("%d errors, %d warnings and %d notes are shown", errors, warnings, notes)
	}
	if end := fmt.Sprintf("\n…and %d more.\n", len(l)-errors-warnings-notes); !strings.HasSuffix(text, end) {
		t.Errorf("it does not end with %q", end)
	}
}

// FuzzProse: outside of code spans (CommonMark section 6.1) there are words, numbers and punctuation, and nothing else.
func FuzzProse(f *testing.F) {
	f.Add("192.0.2.1 has a second name, \"gw2.example.net.\"")
	f.Add("`a ``b` c``` \\` ``")
	f.Add(hostile[0].Message)
	f.Fuzz(func(t *testing.T, text string) {
		got := prose(text)
		rest := got
		for {
			before, after, ok := strings.Cut(rest, "`")
			for _, r := range before {
				if !plain(string(r)) && !strings.ContainsRune(` ()"',;:.?`, r) {
					t.Fatalf("prose(%q) = %q has %q outside of code", text, got, r)
				}
			}
			if !ok {
				return
			}
			body := strings.TrimLeft(after, "`")
			fence := "`" + after[:len(after)-len(body)]
			for { // to the next run of as many
				_, next, found := strings.Cut(body, fence)
				if !found {
					t.Fatalf("prose(%q) = %q has a code span without an end", text, got)
				}
				body = strings.TrimLeft(next, "`")
				if len(body) == len(next) {
					break
				}
			}
			rest = body
		}
	})
}
