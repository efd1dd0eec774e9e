package check_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/check"
)

// section is one of docs/checks.md. The text begins below the line with the title.
var section = regexp.MustCompile(`(?m)^## ([a-z-]+)\n\n(.+)\n\n.`)

// TestDocs: docs/checks.md has each kind with its severity and title, in order, and no other.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range section.FindAllStringSubmatch(string(page), -1) {
		got = append(got, m[1]+": "+m[2])
	}
	if n := strings.Count(string(page), "\n## "); n != len(got) {
		t.Errorf("%d of %d sections have the form of a kind", len(got), n)
	}
	for _, k := range check.Kinds {
		want = append(want, fmt.Sprintf("%s: Severity: %s. %s.", k.ID, k.Severity, k.Title))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/checks.md does not have the kinds in their order (-kinds +page):\n%s", diff)
	}
}

func TestKinds(t *testing.T) {
	var ids []string
	for _, k := range check.Kinds {
		ids = append(ids, k.ID)
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(ids))); !slices.Equal(ids, sorted) {
		t.Errorf("Kinds are not in order, or one is there twice: %q", ids)
	}
}
