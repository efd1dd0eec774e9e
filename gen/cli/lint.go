package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/docs"
	"github.com/revmap/revmap/gen/baseline"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/version"
)

func (p *program) lint() *cobra.Command {
	c := &cobra.Command{
		Use:   "lint [SOURCE]",
		Short: "Check the source",
		Long: `lint reads the source, the root file and the files that it includes, and
prints everything that is wrong with it. Nothing is printed if all is well.
--explain shows the page of a rule: what it finds, why, and how to mend it.

The exit status is 1 if there is an error. Warnings and notes are printed, but
do not count, unless --fail-on says so.

A finding is taken back by a comment on its line or the one above:
  # revmap:ignore RULE until=2027-01-31 reason="why"
With SOURCE_DATE_EPOCH, waivers are judged as of that day. --write-baseline
writes what is found into a file, and with --baseline only what is not in that
file is printed and counts.

What is found out about a file is kept for the next run, which reads again what
has changed. It makes no difference to what is printed; --cache off keeps
nothing.

markdown is for a comment in a pull request, github for annotations by GitHub
Actions, sarif (2.1.0) and checkstyle (4.3) for services and build servers.`,
		Example: `  revmap lint
  revmap lint --fail-on warning --format json records.yaml
  revmap lint --explain name-multiple`,
		Args: operands("[SOURCE]"),
	}
	explain := ruleFlag(c)
	format := choice(c, "format", "form of the output", "text", "json", "markdown", "github", "sarif", "checkstyle")
	failOn := choice(c, "fail-on", "the least severity that makes the exit status 1",
		diag.Error.String(), diag.Warning.String(), diag.Note.String())
	known := baselineFlag(c)
	folder := cacheFlag(c)
	keep := c.Flags().String("write-baseline", "", "write what is found to `FILE`, to be left out by --baseline")
	c.MarkFlagsMutuallyExclusive("baseline", "write-baseline")
	c.RunE = work(func(c *cobra.Command, args []string) error {
		if explain.page != nil {
			_, err := p.stdout.Write(explain.page)
			return err
		}
		root := operand(args, 0, defaultSource)
		result, err := p.lintSource(c.Context(), root, *folder)
		if err != nil {
			return err
		}
		found := result.Findings
		if *keep != "" {
			if found, err = p.writeBaseline(found, root, *keep); err != nil {
				return err
			}
		}
		found, entries, err := p.withoutKnown(found, root, *known)
		if err != nil {
			return err
		}
		if err := p.writeFindings(*format, found, baseline.Fingerprints(entries)); err != nil {
			return err
		}
		least, _ := diag.ParseSeverity(*failOn)
		for i := range found {
			if found[i].Severity >= least {
				return errFindings
			}
		}
		return nil
	})
	return c
}

// writeFindings prints findings, which have the given fingerprints, in one of the forms of lint.
func (p *program) writeFindings(format string, found diag.List, fingerprints []string) error {
	switch format {
	case "json":
		return report.JSON(p.stdout, found, fingerprints)
	case "markdown":
		return report.Markdown(p.stdout, found)
	case "github":
		return report.GitHub(p.stdout, found)
	case "checkstyle":
		return report.Checkstyle(p.stdout, found)
	case "sarif":
		o := report.SARIFOptions{Version: version.String(), Fingerprints: fingerprints}
		for _, r := range lint.Rules {
			page, _ := docs.RulePage(r.ID)
			o.Rules = append(o.Rules, report.Rule{ID: r.ID, Title: r.Title, Severity: r.Severity, Help: string(page)})
		}
		return report.SARIF(p.stdout, found, o)
	}
	return p.printFindings(stream{p.stdout, p.stdoutTerminal}, found)
}

// ruleFlag adds the flag that shows the page of a rule.
func ruleFlag(c *cobra.Command) *ruleValue {
	v := new(ruleValue)
	c.Flags().Var(v, "explain", "show the page of a rule, and check nothing")
	complete := cobra.FixedCompletions(lint.IDs(), cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc("explain", complete); err != nil {
		panic(err) // the flag was just added
	}
	return v
}

// A ruleValue is the pflag.Value of ruleFlag.
type ruleValue struct {
	id   string
	page []byte // of docs/rules; nil if no rule is given
}

func (v *ruleValue) String() string { return v.id }
func (v *ruleValue) Type() string   { return "RULE" }

func (v *ruleValue) Set(id string) error {
	page, ok := docs.RulePage(id)
	if r := lint.Find(id); r == nil || !ok {
		return fmt.Errorf("there is no such rule%s", didYouMean("", source.Nearest(id, lint.IDs())))
	}
	v.id, v.page = id, page
	return nil
}

// formatFlag adds the flag for the form of a command's output.
func formatFlag(c *cobra.Command) *string {
	return choice(c, "format", "form of the output", "text", "json")
}

// A stream is stdout or stderr.
type stream struct {
	io.Writer
	terminal bool
}

// colored reports whether what is written to a stream may have colours (https://no-color.org).
func colored(terminal bool) bool {
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// printFindings prints findings as text, and on a terminal how many there are.
func (p *program) printFindings(to stream, l diag.List) error {
	return p.printFindingsIn(to, l, os.ReadFile)
}

// printFindingsIn is printFindings for findings in files that read returns.
func (p *program) printFindingsIn(to stream, l diag.List, read func(file string) ([]byte, error)) error {
	if err := report.Text(to, l, report.Options{Source: read, Color: colored(to.terminal)}); err != nil {
		return err
	}
	if len(l) == 0 || !p.stderrTerminal {
		return nil
	}
	if err := p.stdout.Flush(); err != nil { // before the summary
		return err
	}
	var counts []string
	for _, s := range []diag.Severity{diag.Error, diag.Warning, diag.Note} {
		if n := l.Count(s); n > 0 {
			counts = append(counts, plural(n, s.String()))
		}
	}
	fmt.Fprintln(p.stderr, strings.Join(counts, ", "))
	return nil
}
