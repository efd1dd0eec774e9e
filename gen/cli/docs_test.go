package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

const docsPage = "../../docs/cli.md"

// TestDocs compares docs/cli.md with what the commands say of themselves; -update rewrites it.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, docsPage, string(page), string(reference(t)))
}

// checkPage compares a page, the file at path, with what the commands do and print; -update writes that to the file.
func checkPage(t *testing.T, path, page, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, got); diff != "" {
		t.Errorf("%s is not what the commands do (run go test ./gen/cli -update) (-page +commands):\n%s", path, diff)
	}
}

// writeShown writes the files of a page to a folder: shown matches one, its name, and what it holds.
func writeShown(t *testing.T, dir string, shown *regexp.Regexp, page []byte) {
	t.Helper()
	for _, m := range shown.FindAllSubmatch(page, -1) {
		path := filepath.Join(dir, string(m[1]))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, m[2], 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// reference writes docs/cli.md.
func reference(t *testing.T) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# The command line

This page is what %[1]srevmap help%[1]s tells, of all commands. A test compares the two.

| exit status | meaning |
|---|---|
| %[2]d | done; the source may have warnings and notes |
| %[3]d | the source has errors, or what %[1]s--fail-on%[1]s names; or a gate of %[1]sdiff%[1]s stops a change; no file was written |
| %[4]d | the arguments are wrong; nothing was done |
| %[5]d | something else failed, as stderr tells; no file is left half written |
`, "`", StatusClean, StatusFindings, StatusUsage, StatusFailure)
	root := (&program{}).root()
	root.InitDefaultHelpCmd()
	writeReference(t, &b, root)
	return b.Bytes()
}

func writeReference(t *testing.T, b *bytes.Buffer, c *cobra.Command) {
	if c.Short == "" {
		t.Errorf("%s has no short description", c.CommandPath())
	}
	c.InitDefaultHelpFlag()
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n```\n%s\n```\n", c.CommandPath(), c.Short, c.UseLine())
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(c.Long))
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n```\n%s\n```\n", c.Example)
	}
	fmt.Fprintf(b, "\nFlags:\n\n```\n%s```\n", c.LocalFlags().FlagUsages())
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			writeReference(t, b, sub)
		}
	}
}
