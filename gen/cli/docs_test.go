package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

const docsPage = "../../docs/cli.md"

// TestDocs compares docs/cli.md with what the commands say of themselves; -update rewrites it.
func TestDocs(t *testing.T) {
	got := reference(t)
	if *update {
		if err := os.WriteFile(docsPage, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the commands say of themselves (run go test ./gen/cli -update) (-page +commands):\n%s",
			docsPage, diff)
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
