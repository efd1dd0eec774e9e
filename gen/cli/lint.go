package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/docs"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
)

func (p *program) lint() *cobra.Command {
	c := &cobra.Command{
		Use:   "lint [SOURCE]",
		Short: "Check the source",
		Long: `lint reads the source, the root file and the files that it includes, and
prints everything that is wrong with it. Nothing is printed if all is well.
--explain shows the page of a rule: what it finds, why, and how to mend it.

The exit status is 1 if there is an error. Warnings and notes are printed, but
do not count, unless --fail-on says so.`,
		Example: `  revmap lint
  revmap lint --fail-on warning --format json records.yaml
  revmap lint --explain name-multiple`,
		Args: operands("[SOURCE]"),
	}
	explain := ruleFlag(c)
	format := formatFlag(c)
	failOn := choice(c, "fail-on", "the least severity that makes the exit status 1",
		diag.Error.String(), diag.Warning.String(), diag.Note.String())
	c.RunE = work(func(c *cobra.Command, args []string) error {
		if explain.page != nil {
			_, err := p.stdout.Write(explain.page)
			return err
		}
		_, found, err := load(c.Context(), operand(args, 0, defaultSource))
		if err != nil {
			return err
		}
		if *format == "json" {
			err = report.JSON(p.stdout, found, nil)
		} else {
			err = p.printFindings(found)
		}
		if err != nil {
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

// printFindings prints findings as text, and on a terminal how many there are.
func (p *program) printFindings(l diag.List) error {
	color := p.stdoutTerminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if err := report.Text(p.stdout, l, report.Options{Source: os.ReadFile, Color: color}); err != nil {
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
