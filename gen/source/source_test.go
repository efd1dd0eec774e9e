package source

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What the tests outside of the package use: gen/report is built on the package, and cannot be imported here.
var (
	Update   = update
	ReadFile = readFile
	Glob     = glob
)

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s (%v)", pattern, err)
	}
	return files
}

func TestGood(t *testing.T) {
	for _, file := range glob(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := readFile(t, file)
			if _, findings := Parse(filepath.Base(file), data, false); len(findings) > 0 {
				t.Errorf("findings: %+v", findings)
			}
		})
	}
}

// TestBadFilesAreOneChangeAway holds the files of testdata/err to that: one that is broken in two places could pass for
// the wrong reason.
func TestBadFilesAreOneChangeAway(t *testing.T) {
	good := bytes.SplitAfter(readFile(t, "testdata/ok/base.yaml"), []byte("\n"))
	for _, file := range glob(t, "testdata/err/*.yaml") {
		if strings.HasPrefix(filepath.Base(file), "syntax-empty") {
			continue
		}
		bad := bytes.SplitAfter(readFile(t, file), []byte("\n"))
		same := 0
		for same < min(len(good), len(bad)) && bytes.Equal(good[same], bad[same]) {
			same++
		}
		tail := 0
		for tail < min(len(good), len(bad))-same && bytes.Equal(good[len(good)-1-tail], bad[len(bad)-1-tail]) {
			tail++
		}
		removed, added := len(good)-same-tail, len(bad)-same-tail
		if removed+added == 0 || removed > 2 && added > 0 {
			t.Errorf("%s: %d lines of base.yaml are replaced by %d", file, removed, added)
		}
	}
}

// A line that is indented like none that it could belong to is shown itself, not the beginning of the mapping around it.
func TestMisindented(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // position of the only finding
	}{
		{"deep below", "a:\n  b:\n    c: 1\n" + strings.Repeat("    # more\n", 100) + "   d: 1\n", "104:4"},
		{"item of a list", "a:\n  b:\n  - c\n  - d\n - e\n", "5:2"},
		{"less than the first", "  a: 1\n  b: 2\n c: 3\n", "3:2"},
		{"after lines in brackets", "a:\n    b: [c,\n  d, '[', # [\n e]\n    f: g\n   h: i\n", "6:4"},
		{"no such line", "a:\n  b: 1\n  : - 2\n", "2:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, findings := Parse("", []byte(tt.text), false)
			var got []string
			for _, d := range findings {
				if d.Rule == "syntax" {
					got = append(got, fmt.Sprintf("%d:%d", d.Pos.Line, d.Pos.Column))
				}
			}
			if !slices.Equal(got, []string{tt.want}) {
				t.Errorf("%q: %+v", got, findings)
			}
		})
	}
}
