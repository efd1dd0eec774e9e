package cli

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/baseline"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
)

// baselineFlag adds the flag that names a file of known findings.
func baselineFlag(c *cobra.Command) *string {
	return c.Flags().String("baseline", "", "leave out the findings that are in `FILE`, which lint --write-baseline wrote")
}

// withoutKnown returns the findings of the source at root that a baseline file does not have, and their entries. Without
// a file that is all of them.
func (p *program) withoutKnown(l diag.List, root, file string) (diag.List, []baseline.Entry, error) {
	entries := baseline.Entries(l, root, os.ReadFile)
	if file == "" {
		return l, entries, nil
	}
	known, err := baseline.Read(file)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range known {
		if r := lint.Find(e.Rule); r != nil && r.Required {
			return nil, nil, withHint(fmt.Errorf("%s: rule %q cannot be in a baseline", file, e.Rule),
				"mend what it finds: nothing can be compiled while it is broken")
		}
	}
	fresh, entries, gone := baseline.Fresh(l, entries, known)
	if gone > 0 {
		fmt.Fprintf(p.stderr, "revmap: %s has %s that nothing is found of any more: write it anew with lint --write-baseline\n",
			file, plural(gone, "finding"))
	}
	return fresh, entries, nil
}

// writeBaseline writes a baseline file of the findings of the source at root, and returns those that cannot be in one.
func (p *program) writeBaseline(l diag.List, root, file string) (diag.List, error) {
	isRequired := func(rule string) bool {
		r := lint.Find(rule)
		return r != nil && r.Required
	}
	entries := slices.DeleteFunc(baseline.Entries(l, root, os.ReadFile), func(e baseline.Entry) bool { return isRequired(e.Rule) })
	var buf bytes.Buffer
	if err := baseline.Write(&buf, entries); err != nil {
		return nil, err
	}
	if err := write(file, buf.Bytes()); err != nil {
		return nil, err
	}
	fmt.Fprintf(p.stderr, "%s: %s\n", file, plural(len(entries), "finding"))
	return slices.DeleteFunc(l, func(d diag.Diagnostic) bool { return !isRequired(d.Rule) }), nil
}
