package source_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
)

// text renders findings as the command line does.
func text(t *testing.T, findings diag.List, data []byte) string {
	t.Helper()
	var b strings.Builder
	err := report.Text(&b, findings, report.Options{Source: func(string) ([]byte, error) { return data, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestBad compares the findings of each file of testdata/err with the text beside it. The file's name begins with the
// rule that it is about.
func TestBad(t *testing.T) {
	for _, file := range source.Glob(t, "testdata/err/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			data := source.ReadFile(t, file)
			_, findings := source.Parse(name+".yaml", data, false)
			if !slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return strings.HasPrefix(name, d.Rule) }) {
				t.Errorf("no finding has the rule of the file's name:\n%s", text(t, findings, data))
			}
			got := text(t, findings, data)
			golden := strings.TrimSuffix(file, ".yaml") + ".out"
			if *source.Update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(source.ReadFile(t, golden)), got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}
