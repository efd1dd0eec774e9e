package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const editPage = "../../docs/edit.md"

var (
	editedFile = regexp.MustCompile("(?s)`([a-z./]+)`:\n\n```(?:yaml|csv)\n(.*?)```\n")
	// editRun is a list of commands with their output and, perhaps, what they change in files.
	editRun = regexp.MustCompile("(?s)```console\n(.*?)```\n(?:\n```diff\n(.*?)```\n)?")
)

// TestEditPage executes docs/edit.md; -update writes the output of its commands and what they change.
func TestEditPage(t *testing.T) {
	file, err := filepath.Abs(editPage)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeShown(t, dir, editedFile, page)
	r := newRepository(t, dir)
	if status, stdout, _ := run(t.Context(), "lint", "--fail-on", "note"); status != StatusClean {
		t.Errorf("the source of the page has findings:\n%s", stdout)
	}
	got := editRun.ReplaceAllFunc(page, func(block []byte) []byte {
		var b strings.Builder
		b.WriteString("```console\n")
		commands, _, _ := strings.Cut(strings.TrimPrefix(string(block), "```console\n"), "```")
		for line := range strings.Lines(commands) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				b.WriteString(line + execute(t, strings.Fields(command)))
			}
		}
		b.WriteString("```\n")
		changed := r.Git("diff", "--unified=0")
		if shown := bytes.Contains(block, []byte("```diff\n")); shown != (changed != "") {
			t.Errorf("these change in files:\n%s\n%s", block, changed)
		}
		if changed != "" {
			b.WriteString("\n```diff\n")
			for line := range strings.Lines(changed + "\n") {
				if line[0] == '+' || line[0] == '-' {
					b.WriteString(line)
				}
			}
			b.WriteString("```\n")
			r.Git("commit", "-qam", "An edit")
		}
		return []byte(b.String())
	})
	checkPage(t, file, string(page), string(got))
}

// TestEditPageIsComplete: docs/edit.md tells of each finding that only edits have, and of no other.
func TestEditPageIsComplete(t *testing.T) {
	ids := func(pattern string, files ...string) []string {
		var list []string
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
				list = append(list, string(m[1]))
			}
		}
		slices.Sort(list)
		return list
	}
	have := ids(`RuleEdit[A-Za-z]+ += "(edit-[a-z-]+)"`, "../source/edit.go", "../source/edit_csv.go")
	if d := cmp.Diff(have, ids("(?m)^\\| `(edit-[a-z-]+)` \\|", editPage)); d != "" || len(have) == 0 {
		t.Errorf("findings (-code +page):\n%s", d)
	}
}
