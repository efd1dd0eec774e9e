package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/bidi"

	"github.com/revmap/revmap/gen/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const records = "servers:\n" + // 1
	"  examplaaa1:\n" + // 2
	"    helo: mail.example.net\n" + // 3
	"    日本語: 192.0.2.10 # wide\n" + // 4
	"\tcafe\u0301:\t192.0.2.11\n" + // 5
	"    👩\u200d💻👍🏽: 192.0.2.12\r\n" + // 6
	"    x: \x1b[31mred\u202e\n" + // 7
	"    long: [" + "192.0.2.13, " + "192.0.2.14, 192.0.2.15, 192.0.2.16, 192.0.2.17, 192.0.2.18, 192.0.2.19, 192.0.2.20, " +
	"192.0.2.21, 192.0.2.22, 192.0.2.23, 192.0.2.24, 192.0.2.25, 192.0.2.26, 192.0.2.27, 192.0.2.28, " +
	"192.0.2.29, 192.0.2.30, 192.0.2.31, 192.0.2.32, 192.0.2.33, 192.0.2.34, 192.0.2.35, 192.0.2.36]\n" + // 8
	"\n" // 9

func at(line, column int) diag.Position {
	return diag.Position{File: "records.yaml", Line: line, Column: column}
}

// findings has one diagnostic for each thing that a writer must get right.
var findings = diag.List{
	{Pos: at(2, 3), End: at(2, 13), Severity: diag.Error, Rule: "plain", Message: "a token of ten cells"},
	{Pos: at(3, 11), Severity: diag.Warning, Rule: "no-end", Message: "the whole scalar when the end is not known"},
	{Pos: at(4, 5), End: at(4, 8), Severity: diag.Error, Rule: "wide", Message: "three wide characters are six cells"},
	{Pos: at(4, 10), End: at(4, 20), Severity: diag.Error, Rule: "after-wide", Message: "the caret is below the 1"},
	{Pos: at(5, 9), End: at(5, 19), Severity: diag.Error, Rule: "tab", Message: "tabs and combining characters before the caret"},
	{Pos: at(6, 12), End: at(6, 22), Severity: diag.Note, Rule: "emoji", Message: "joined and coloured emoji are two cells each"},
	{Pos: at(7, 8), End: at(7, 99), Severity: diag.Error, Rule: "escape", Message: "nothing \x1b[31m reaches the terminal"},
	{Pos: at(8, 135), End: at(8, 145), Severity: diag.Error, Rule: "long", Message: "the line is cut around the caret"},
	{Pos: at(2, 3), End: at(3, 1), Severity: diag.Error, Rule: "lines", Message: "a token that ends on another line"},
	{Pos: at(3, 0), Severity: diag.Error, Rule: "no-column", Message: "the line alone is known"},
	{Pos: at(10, 1), Severity: diag.Error, Rule: "last", Message: "after the last line break"},
	{Pos: at(11, 1), Severity: diag.Error, Rule: "beyond", Message: "a line that the file does not have"},
	{Pos: at(3, 90), Severity: diag.Error, Rule: "beyond", Message: "a column that the line does not have"},
	{Pos: diag.Position{File: "gone.yaml", Line: 1, Column: 1}, Severity: diag.Error, Rule: "gone", Message: "no such file"},
	{Severity: diag.Error, Rule: "nowhere", Message: "no position"},
	{
		Pos: at(3, 5), End: at(3, 9), Severity: diag.Error, Rule: "related", Message: "two other places and a <hint>",
		Related: []diag.Related{{Pos: at(1, 1), Message: "first here"}, {Pos: at(2, 3), Message: "then here"}},
		Hint:    "keep one of them",
	},
}

func source(file string) ([]byte, error) {
	if file != "records.yaml" {
		return nil, fs.ErrNotExist
	}
	return []byte(records), nil
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func TestText(t *testing.T) {
	tests := []struct {
		golden string
		opt    Options
	}{
		{"text.out", Options{Source: source}},
		{"color.out", Options{Source: source, Color: true}},
		{"no-source.out", Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var b bytes.Buffer
			if err := Text(&b, findings, tt.opt); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, b.Bytes())
		})
	}
}

// TestTextUnicode: below each line there is a caret at the 1 of 192.0.2.1.
func TestTextUnicode(t *testing.T) {
	lines := []string{
		"cafe\u0301: 192.0.2.1",
		"Tiếng Việt: 192.0.2.1",
		"한국 \u1112\u1161\u11ab\u1100\u116e\u11a8: 192.0.2.1",
		"日本語 ﾊﾝｶｸ ｆｕｌｌ: 192.0.2.1",
		"क्ष क्\u200dष: 192.0.2.1",
		"👩\u200d👩\u200d👧 👍🏽 ☝🏽: 192.0.2.1",
		"🇩🇪🇯🇵 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f: 192.0.2.1",
		"❤\ufe0f 1\ufe0f\u20e3 🏳\ufe0f\u200d🌈 ❤: 192.0.2.1",
		"a\tb日\tc: 192.0.2.1",
		"שרת: 192.0.2.1",
		"خادم ٣ شبكة: 192.0.2.1",
		"zero\u200bwidth, soft\u00adhyphen: 192.0.2.1",
		"over\u202eride \u200emark \u061cmark: 192.0.2.1",
	}
	var l diag.List
	for i, line := range lines {
		column := utf8.RuneCountInString(line) - len("192.0.2.1") + 1
		l = append(l, diag.Diagnostic{
			Pos: at(i+1, column), End: at(i+1, column+9), Severity: diag.Error, Rule: "unicode", Message: "at the 1",
		})
	}
	var b bytes.Buffer
	data := []byte(strings.Join(lines, "\n"))
	if err := Text(&b, l, Options{Source: func(string) ([]byte, error) { return data, nil }}); err != nil {
		t.Fatal(err)
	}
	golden(t, "text-unicode.out", b.Bytes())
}

func TestTextReadsEachFileOnce(t *testing.T) {
	reads := map[string]int{}
	err := Text(new(bytes.Buffer), findings, Options{Source: func(file string) ([]byte, error) {
		reads[file]++
		return source(file)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]int{"records.yaml": 1, "gone.yaml": 1}, reads); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
}

// prints are the fingerprints of findings.
var prints = func() []string {
	p := make([]string, len(findings))
	for i := range p {
		p[i] = fmt.Sprintf("%032x", i)
	}
	return p
}()

// TestForms writes the same findings in each form.
func TestForms(t *testing.T) {
	tests := []struct {
		name  string // of the golden file, and of that without findings
		write func(w io.Writer, l diag.List, prints []string) error
	}{
		{"json", JSON},
		{"markdown", func(w io.Writer, l diag.List, _ []string) error { return Markdown(w, l) }},
		{"github", func(w io.Writer, l diag.List, _ []string) error { return GitHub(w, l) }},
		{"checkstyle", func(w io.Writer, l diag.List, _ []string) error { return Checkstyle(w, l) }},
		{"sarif", func(w io.Writer, l diag.List, prints []string) error {
			return SARIF(w, l, SARIFOptions{Version: "v1.2.3", Rules: rules, Fingerprints: prints})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b, empty bytes.Buffer
			if err := tt.write(&b, findings, prints); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".out", b.Bytes())
			if err := tt.write(&empty, nil, nil); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+"-empty.out", empty.Bytes())
			if err := tt.write(full{}, findings, nil); !errors.Is(err, errFull) {
				t.Errorf("written to a full disk: %v", err)
			}
		})
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestTextWriteError(t *testing.T) {
	if err := Text(full{}, findings, Options{}); !errors.Is(err, errFull) {
		t.Errorf("Text = %v", err)
	}
}

func TestCells(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"", 0},
		{"abc", 3},
		{"äöü", 3},
		{"日本語", 6},
		{"ｆｕｌｌ", 8},
		{"ﾊﾝｶｸ", 4},
		{"e\u0301", 1},
		{"한글", 4},
		{"→…", 2}, // ambiguous: one cell outside East Asian locales
		{"\u200b", 0},
		{"👍", 2},
		{"👍🏽", 2},
		{"👩\u200d💻", 2},
		{"👩\u200d👩\u200d👧x", 3},
		{"\ufffd", 1},
		{"🇩🇪", 2},
		{"🇩🇪🇯🇵", 4},
		{"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 2}, // the flag of England
		{"❤", 1},
		{"❤\ufe0f", 2},
		{"1\ufe0f\u20e3", 2},
		{"日\ufe00", 2},
		{"\ufe0f", 0},
		{"🏳\ufe0f\u200d🌈x", 3},
		{"👩\u200d⚕\ufe0fx", 3},
		{"☝🏽", 2},
		{"🏽", 2},
		{"a🏽", 3},
		{"\u1112\u1161\u11ab", 2}, // one decomposed syllable
		{"क\u094d\u200dष", 2},     // the joiner is no emoji's
		{"שָׁלוֹם", 4},
		{"\u00ad", 1},
		{"\u0600١", 2},
	}
	for _, tt := range tests {
		if got := cells([]rune(tt.text)); got != tt.want {
			t.Errorf("cells(%q) = %d, want %d", tt.text, got, tt.want)
		}
	}
}

// TestInOrder: a terminal that follows the bidirectional algorithm (UAX #9) shows words in the order in which they are
// written.
func TestInOrder(t *testing.T) {
	for _, text := range []string{
		"",
		"    mail.example.net: 192.0.2.1",
		"    שרת: 192.0.2.1",
		"שרת: 192.0.2.1",
		"    192.0.2.1: שרת",
		"    שָׁלוֹם עולם: [192.0.2.1, 192.0.2.2]",
		"    خادم ٣ شبكة: {primary: 192.0.2.1}",
		"    سيرفر1: 192.0.2.1",
	} {
		shown := inOrder([]rune(text))
		if got := strings.ReplaceAll(shown, "\u200e", ""); got != text {
			t.Errorf("inOrder(%q) is %q without marks", text, got)
		}
		var p bidi.Paragraph
		if _, err := p.SetString(shown, bidi.DefaultDirection(bidi.LeftToRight)); err != nil {
			t.Fatal(err)
		}
		o, err := p.Order()
		if err != nil {
			t.Fatal(err)
		}
		var words strings.Builder
		for i := range o.NumRuns() {
			run := o.Run(i)
			words.WriteString(run.String())
			if run.Direction() == bidi.RightToLeft && strings.ContainsAny(run.String(), " :.") {
				t.Errorf("inOrder(%q) shows %q from right to left", text, run.String())
			}
		}
		if words.String() != shown {
			t.Errorf("inOrder(%q) is shown in another order: %q", text, words.String())
		}
	}
}

func TestBlank(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"ab", "  "},
		{"\ta\t", "\t \t"},
		{"日\t本", "  \t  "},
	}
	for _, tt := range tests {
		if got := blank([]rune(tt.text)); got != tt.want {
			t.Errorf("blank(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestWindow(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, column := range []int{0, 1, 2, 80, 81, 82, 239, 240, 241, 500, 919, 920, 999, 1000, 1001} {
		text := []rune(long)
		if column >= 1 && column <= 1000 {
			text[column-1] = '!'
		}
		got, c := window(text, column)
		if len(got) != maxLine {
			t.Errorf("column %d: %d code points are left", column, len(got))
		}
		switch {
		case column == 0:
			if c != 0 {
				t.Errorf("no column became %d", c)
			}
		case column == 1001:
			if c != len(got)+1 {
				t.Errorf("the end became column %d", c)
			}
		case got[c-1] != '!':
			t.Errorf("column %d became %d, which is %q", column, c, got[c-1])
		}
	}
}

func TestScalar(t *testing.T) {
	for text, want := range map[string]int{
		"":                        1,
		"192.0.2.10":              10,
		"192.0.2.10: a.example":   10,
		"2001:db8::1: a.example":  11,
		"key:":                    3,
		"vps, primary: 192.0.2.1": 3,
		"vps}":                    3,
		"{a: b}":                  1,
		`"a b", c`:                5,
		`'no end`:                 1,
	} {
		if got := scalar([]rune(text)); got != want {
			t.Errorf("scalar(%q) = %d, want %d", text, got, want)
		}
	}
}
