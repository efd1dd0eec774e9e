package baseline

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// files are sources by name. What their findings are is written in them: the words that begin with "bad".
type files map[string]string

func (f files) source(file string) ([]byte, error) {
	text, ok := f[file]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

var bad = regexp.MustCompile(`\bbad[a-z0-9.-]*`)

// findings returns a finding for each bad word, sorted. Its message tells the line, which must not matter.
func (f files) findings() diag.List {
	var l diag.List
	for file, text := range f {
		for i, line := range strings.Split(text, "\n") {
			for _, at := range bad.FindAllStringIndex(line, -1) {
				column := utf8.RuneCountInString(line[:at[0]]) + 1
				l = append(l, diag.Diagnostic{
					Pos:      diag.Position{File: file, Line: i + 1, Column: column},
					Severity: diag.Error, Rule: "bad-word", Message: fmt.Sprintf("line %d is bad", i+1),
				})
			}
		}
	}
	return l.Sort()
}

func (f files) entries() []Entry { return Entries(f.findings(), "records.yaml", f.source) }

// prints returns the sorted fingerprints of the findings in a file records.yaml.
func prints(t *testing.T, text string) []string {
	t.Helper()
	p := Fingerprints(files{"records.yaml": text}.entries())
	slices.Sort(p)
	if n := len(slices.Compact(slices.Clone(p))); n != len(p) {
		t.Fatalf("%d of %d findings have a fingerprint of their own in\n%s", n, len(p), text)
	}
	return p
}

const sample = `servers:
  one: {primary: 192.0.2.10, helo: bad.example, account: bad}
  two:
    primary: bad
    helo: mail.example.net
  three:
    primary: bad
    addresses:
      192.0.2.11: {names: [a.example, bad.example]}
      日本語: bad.example
`

func TestSame(t *testing.T) {
	tests := []struct {
		name string
		edit func(string) string
	}{
		{"lines above", func(s string) string { return "version: 1\n# servers\n\n" + s }},
		{"indented", func(s string) string { return strings.ReplaceAll(s, "\n", "\n\t  ") }},
		{"unindented", func(s string) string { return regexp.MustCompile(`(?m)^ +`).ReplaceAllString(s, "") }},
		{"aligned", func(s string) string { return strings.ReplaceAll(s, ": ", ":    ") }},
		{"space at the end", func(s string) string { return strings.ReplaceAll(s, "\n", "  \n") }},
		{"other line breaks", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		{"waived", func(s string) string {
			return strings.ReplaceAll(s, "\n", " # revmap:ignore rule until=2027-01-31 reason=\"not now\"\n")
		}},
		{"waived at a tab", func(s string) string { return strings.ReplaceAll(s, "\n", "\t#revmap:ignore rule reason=x\n") }},
		{"waived as in a zone file", func(s string) string {
			return strings.ReplaceAll(s, "\n", " ; revmap:ignore rule reason=x\n")
		}},
		{"waived above", func(s string) string {
			return strings.ReplaceAll(s, "\n", "\n    # revmap:ignore rule reason=\"not now\"\n")
		}},
		{"another finding", func(s string) string { return s + "  four: {helo: badly.example}\n" }},
	}
	want := prints(t, sample)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := prints(t, tt.edit(sample))
			for _, p := range want {
				if !slices.Contains(got, p) {
					t.Errorf("%s is gone from\n%s", p, tt.edit(sample))
				}
			}
		})
	}
}

func TestOther(t *testing.T) {
	const line = "  192.0.2.10: bad.example # web\n"
	for _, edited := range []string{
		"  192.0.2.11: bad.example # web\n",
		"  192.0.2.10: bad.example.net # web\n",
		"  192.0.2.10: bad.example\n",
		"  192.0.2.10: bad.example # revmap web\n",
		"  192.0.2.10: \"bad.example\" # web\n",
		"  192.0.2.10: # web bad.example\n",
	} {
		if d := cmp.Diff(prints(t, line), prints(t, edited)); d == "" {
			t.Errorf("%q is known as %q", edited, line)
		}
	}
}

// TestEdits: the fingerprints of a random source are the same after its servers were shuffled, indented, waived and
// mixed with other lines, and only those of one line change when a value of it does.
func TestEdits(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		pick := func(words ...string) string { return words[r.IntN(len(words))] }
		servers := make([][]string, 1+r.IntN(8))
		for i := range servers {
			servers[i] = []string{fmt.Sprintf("server%d:", i)}
			for range 1 + r.IntN(4) {
				servers[i] = append(servers[i], fmt.Sprintf("%s: [%s, %s]", pick("helo", "primary", "größe"),
					pick("bad", "bad.example", "good"), pick("bad", "good", "good")))
			}
		}
		want := prints(t, join(servers))

		edited := slices.Clone(servers)
		r.Shuffle(len(edited), func(i, j int) { edited[i], edited[j] = edited[j], edited[i] })
		for i, lines := range edited {
			var l []string
			for _, line := range lines {
				l = append(l, strings.Repeat(pick(" ", "\t"), r.IntN(9))+line+pick("", " ", "\r", " # revmap:ignore a reason=b"))
				l = append(l, slices.Repeat([]string{pick("", "# comment", "other: good")}, r.IntN(3))...)
			}
			edited[i] = l
		}
		if d := cmp.Diff(want, prints(t, join(edited))); d != "" {
			t.Fatalf("seed %d: fingerprints differ (-before +after):\n%s\n%s\n%s", seed, d, join(servers), join(edited))
		}

		changed := slices.Clone(servers)
		i := r.IntN(len(changed))
		changed[i] = slices.Clone(changed[i])
		changed[i][1] = "unheard-of: [bad, good]"
		before, after := count(join(servers[i:i+1])), count(join(changed[i:i+1]))
		got := prints(t, join(changed))
		fresh := len(slices.DeleteFunc(slices.Clone(got), func(p string) bool { return slices.Contains(want, p) }))
		if fresh != 1 || len(got)-len(want) != after-before {
			t.Fatalf("seed %d: %d findings are fresh, want 1, after line 2 of server %d changed:\n%s",
				seed, fresh, i, join(servers))
		}
	}
}

func join(servers [][]string) string { return strings.Join(slices.Concat(servers...), "\n") + "\n" }

func count(text string) int { return len(bad.FindAllString(text, -1)) }

func TestRoot(t *testing.T) {
	l := func(file string) diag.List {
		return diag.List{{Pos: diag.Position{File: file, Line: 1, Column: 4}, Rule: "bad-word"}}
	}
	source := func(string) ([]byte, error) { return []byte("a: bad\n"), nil }
	want := Entries(l("records.d/a.yaml"), "records.yaml", source)
	if want[0].File != "records.d/a.yaml" {
		t.Errorf("File = %q", want[0].File)
	}
	for root, file := range map[string]string{
		"./records.yaml":     "records.d/a.yaml",
		"../dns/root.yaml":   "../dns/records.d/a.yaml",
		"/srv/records.yaml":  "/srv/records.d/a.yaml",
		"sub/x/records.yaml": filepath.Join("sub", "x", "records.d", "a.yaml"),
	} {
		if d := cmp.Diff(want, Entries(l(file), root, source)); d != "" {
			t.Errorf("%s below %s (-want +got):\n%s", file, root, d)
		}
	}
	if other := Entries(l("records.d/b.yaml"), "records.yaml", source); other[0].Fingerprint == want[0].Fingerprint {
		t.Error("the same line of another file has the same fingerprint")
	}
}

// TestNoLine: what has no line still has a fingerprint, and always the same.
func TestNoLine(t *testing.T) {
	f := files{"records.yaml": "a: bad\n"}
	l := diag.List{
		{Rule: "a"},
		{Rule: "a", Pos: diag.Position{File: "gone.yaml", Line: 1, Column: 1}},
		{Rule: "a", Pos: diag.Position{File: "records.yaml"}},
		{Rule: "b", Pos: diag.Position{File: "records.yaml", Line: 9, Column: 9}},
		{Rule: "c", Pos: diag.Position{File: "records.yaml", Line: 1}},
		{Rule: "c", Pos: diag.Position{File: "records.yaml", Line: 1, Column: 99}},
	}
	got := Fingerprints(Entries(l, "records.yaml", f.source))
	if n := len(slices.Compact(slices.Sorted(slices.Values(got)))); n != len(l) {
		t.Errorf("%d fingerprints for %d findings", n, len(l))
	}
	if d := cmp.Diff(got, Fingerprints(Entries(l, "records.yaml", f.source))); d != "" {
		t.Errorf("twice (-first +second):\n%s", d)
	}
}

func TestByteOrderMark(t *testing.T) {
	l := diag.List{{Rule: "a", Pos: diag.Position{File: "records.yaml", Line: 1, Column: 4}}}
	with := Entries(l, "records.yaml", files{"records.yaml": "\ufeffa: bad"}.source)
	without := Entries(l, "records.yaml", files{"records.yaml": "a: bad"}.source)
	if d := cmp.Diff(without, with); d != "" {
		t.Errorf("(-without +with):\n%s", d)
	}
}

func TestEntriesReadsEachFileOnce(t *testing.T) {
	f := files{"a.yaml": sample, "b.yaml": sample}
	reads := map[string]int{}
	Entries(f.findings(), "records.yaml", func(file string) ([]byte, error) {
		reads[file]++
		return f.source(file)
	})
	if d := cmp.Diff(map[string]int{"a.yaml": 1, "b.yaml": 1}, reads); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
}

func TestFresh(t *testing.T) {
	before := files{"records.yaml": sample}
	var b bytes.Buffer
	if err := Write(&b, before.entries()); err != nil {
		t.Fatal(err)
	}
	known, err := parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	total := len(before.findings())
	tests := []struct {
		name, text string
		fresh      []string // lines
		gone       int
	}{
		{"nothing changed", sample, nil, 0},
		{"one is mended", strings.Replace(sample, "primary: bad\n", "primary: good\n", 1), nil, 1},
		{"another comes", sample + "x: bad\n", []string{"x: bad"}, 0},
		{"one more of the same", sample + "    primary: bad\n", []string{"primary: bad"}, 0},
		{"another value", strings.Replace(sample, "[a.example, bad.example]", "[b.example, bad.example]", 1),
			[]string{"192.0.2.11: {names: [b.example, bad.example]}"}, 1},
		{"all are mended", "", nil, total},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after := files{"records.yaml": tt.text}
			l := after.findings()
			fresh, entries, gone := Fresh(l, after.entries(), known)
			var lines []string
			for i, e := range entries {
				lines = append(lines, e.Text)
				if fresh[i].Rule != e.Rule {
					t.Errorf("entry %d is not that of its finding", i)
				}
			}
			if d := cmp.Diff(tt.fresh, lines); d != "" || gone != tt.gone || len(fresh) != len(entries) {
				t.Errorf("%d gone, want %d; fresh (-want +got):\n%s", gone, tt.gone, d)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	f := files{"records.yaml": sample, "records.d/a.yaml": "a: \"bad <&>\" # " + strings.Repeat("é", maxText) + "\n"}
	tests := []struct {
		golden  string
		entries []Entry
	}{
		{"baseline.json", f.entries()},
		{"empty.json", nil},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var b bytes.Buffer
			if err := Write(&b, tt.entries); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", tt.golden)
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
			slices.Reverse(tt.entries)
			var again bytes.Buffer
			if err := Write(&again, tt.entries); err != nil || again.String() != b.String() {
				t.Errorf("in another order it is another file: %v", err)
			}
			got, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(tt.entries, Entry.compare)
			if d := cmp.Diff(tt.entries, got); d != "" && len(tt.entries)+len(got) > 0 {
				t.Errorf("read back (-written +read):\n%s", d)
			}
		})
	}
}

const print1 = "00112233445566778899aabbccddeeff"

func TestReadErrors(t *testing.T) {
	entry := `{"rule": "a", "file": "b", "fingerprint": "` + print1 + `"}`
	tests := []struct{ text, want string }{
		{"", "line 1: unexpected end of JSON input"},
		{"{\n\n", "line 2: unexpected end of JSON input"},
		{"{\"version\": 1,\n<<<<<<< ours\n", "line 2: invalid character '<' looking for beginning of object key string"},
		{"{}", `"version" is missing: this is no baseline`},
		{`{"version": 2, "other": 1}`, "this is version 2 of the format, only 1 is known"},
		{"{\"version\":\n\"1\"}", "line 2: json: cannot unmarshal string into Go struct field .version of type int"},
		{`{"version": 1} {}`, "line 1: invalid character '{' after top-level value"},
		{`{"version": 1, "other": 1}`, `json: unknown field "other"`},
		{`{"version": 1, "findings": [{"other": 1}]}`, `json: unknown field "other"`},
		{`{"version": 1, "findings": [{"file": "a"}]}`, `finding 1: "rule" is missing`},
		{`{"version": 1, "findings": [{"rule": "a", "file": "b", "fingerprint": "1"}]}`,
			`finding 1: "fingerprint" has to be 32 hexadecimal digits, not "1"`},
		{`{"version": 1, "findings": [` + entry + "," + entry + "]}", "finding 2 is finding 1 again"},
	}
	file := filepath.Join(t.TempDir(), "known.json")
	for _, tt := range tests {
		if err := os.WriteFile(file, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || err.Error() != file+": "+tt.want {
			t.Errorf("Read(%s) = %v, want %s", tt.text, err, tt.want)
		}
	}
	if _, err := Read(file + ".gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read of no file = %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteError(t *testing.T) {
	if err := Write(full{}, nil); !errors.Is(err, errFull) {
		t.Errorf("Write = %v", err)
	}
}

// FuzzRead: what can be read is what is written again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"version": 1, "findings": [{"rule": "a", "file": "b", "text": "c", "fingerprint": "` + print1 + `"}]}`))
	f.Add([]byte(`{"version": 1}`))
	f.Add([]byte(`{"version": 2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parse(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, entries); err != nil {
			t.Fatal(err)
		}
		again, err := parse(b.Bytes())
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.Bytes())
		}
		slices.SortFunc(entries, Entry.compare)
		if len(entries) > 0 && !slices.Equal(entries, again) {
			t.Errorf("read back:\n%s", cmp.Diff(entries, again))
		}
	})
}

func BenchmarkEntries(b *testing.B) {
	f := files{"records.yaml": strings.Repeat(sample, 2000)}
	l := f.findings()
	for b.Loop() {
		Entries(l, "records.yaml", f.source)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(l)), "ns/finding")
}
