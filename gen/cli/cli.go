// Package cli is the revmap command line: one file for each subcommand.
//
// Results and findings go to stdout, failures to stderr. What a subcommand does is done by the packages beside this
// one; here are arguments, text and exit statuses.
package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
)

// The exit statuses of revmap.
const (
	StatusClean    = 0 // done; the source may have warnings and notes
	StatusFindings = 1 // findings that do not let the source pass, or a gate of diff; nothing was written
	StatusUsage    = 2 // the arguments make no sense; nothing was done
	StatusFailure  = 3 // something else went wrong, as stderr tells; no file is left half written
)

// Main runs revmap with the arguments after the program's name and returns its exit status. It uses no stream but those
// given. When ctx ends, it stops at the next step and fails; a file that is to be written is then there as a whole or
// not at all. It may be called any number of times, also at once.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		stdout:         bufio.NewWriter(stdout),
		stdoutTerminal: isTerminal(stdout),
		stderr:         stderr,
		stderrTerminal: isTerminal(stderr),
	}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	c, err := root.ExecuteContextC(ctx)
	if flushed := p.stdout.Flush(); flushed != nil {
		err = &failure{fmt.Errorf("write output: %w", flushed)}
	}
	var f *failure
	if errors.As(err, &f) && ctx.Err() != nil { // whatever broke then, that is why
		err = &failure{errors.New("interrupted")}
	}
	return p.status(c, err)
}

// A program is one run of revmap.
type program struct {
	stdout         *bufio.Writer // flushed by Main, which also sees its error
	stdoutTerminal bool
	stderr         io.Writer
	stderrTerminal bool
}

// errFindings ends a subcommand that has printed findings which do not let it pass.
var errFindings = errors.New("the source has findings")

// A failure is an error of the work that a subcommand does. Every other error comes from cobra, about the arguments.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

// A hintedError is an error with a line of advice.
type hintedError struct {
	error
	hint string
}

func (h *hintedError) Unwrap() error { return h.error }

// withHint returns err, which may be nil, with a line of advice.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintedError{err, fmt.Sprintf(format, args...)}
}

// status prints err if it is not yet told, and returns the exit status for it.
func (p *program) status(c *cobra.Command, err error) int {
	var f *failure
	switch {
	case err == nil:
		return StatusClean
	case errors.Is(err, errFindings):
		return StatusFindings
	case errors.As(err, &f):
		p.printError(err)
		return StatusFailure
	}
	topic := strings.TrimPrefix(strings.TrimSuffix(c.CommandPath(), " help"), "revmap")
	p.printError(withHint(err, "see revmap help%s", topic))
	return StatusUsage
}

func (p *program) printError(err error) {
	fmt.Fprintf(p.stderr, "revmap: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nrevmap: "))
	var h *hintedError
	if errors.As(err, &h) {
		fmt.Fprintf(p.stderr, "hint: %s\n", h.hint)
	}
}

func (p *program) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "revmap COMMAND",
		Short: "Reverse DNS out of Git",
		Long: `revmap makes the reverse DNS of a provider out of a source in Git:
records.yaml and the files that it includes. It checks the source, compiles it
into a snapshot for the CoreDNS plugin of the same name, and explains what an
address answers with.

Results and findings go to stdout, everything else to stderr; export, whose
result is for another program, has findings there, too. The exit status is 0
if all is well, 1 if the source has errors or a gate of diff stops a change, 2
if the arguments are wrong and 3 if something else failed. No file is ever left
half written.`,
		Example: `  revmap lint
  revmap compile -o records.snapshot
  revmap explain 192.0.2.10`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetOut(p.stdout)
	c.SetErr(p.stderr)
	c.AddCommand(p.lint(), p.compile(), p.diff(), p.inspect(), p.importFrom(), p.export(), p.explain(), p.set(), p.unset(),
		p.check(), p.serve(), p.user(), p.schema(), p.version())
	c.SetHelpCommand(p.help())
	c.SetFlagErrorFunc(flagError)
	// A command that only holds others can run, to tell what is wrong; its usage must not show that.
	c.SetUsageTemplate(strings.Replace(c.UsageTemplate(),
		"{{if .HasAvailableSubCommands}}\n  {{.CommandPath}} [command]{{end}}", "", 1))
	needsCommand(c)
	c.InitDefaultCompletionCmd()
	for _, sub := range c.Commands() {
		if sub.Name() == "completion" {
			needsCommand(sub)
		}
	}
	return c
}

// needsCommand makes c, which only holds other commands, refuse to run without one of them.
func needsCommand(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New("a command is missing")
		}
		return unknownCommand(c, args[0])
	}
}

func unknownCommand(c *cobra.Command, name string) error {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	return fmt.Errorf("unknown command %q%s", name, didYouMean("", source.Nearest(name, names)))
}

// didYouMean suggests a word, unless it is empty.
func didYouMean(prefix, word string) string {
	if word == "" {
		return ""
	}
	return ", did you mean " + prefix + word + "?"
}

// flagError is what cobra calls when flags can't be parsed.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	switch {
	case !errors.As(err, &unknown):
		return err
	case c.HasSubCommands() && c.Flags().NArg() > 0:
		return unknownCommand(c, c.Flags().Arg(0)) // the flag is that of a command which does not exist
	case unknown.GetSpecifiedShortnames() != "":
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return fmt.Errorf("%w%s", err, didYouMean("--", source.Nearest(unknown.GetSpecifiedName(), names)))
}

func (p *program) help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show what a command does",
		RunE: func(c *cobra.Command, args []string) error {
			topic, rest, err := c.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(topic, rest[0])
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

// work marks the errors of f as failures.
func work(f func(c *cobra.Command, args []string) error) func(c *cobra.Command, args []string) error {
	return func(c *cobra.Command, args []string) error {
		err := f(c, args)
		if err == nil || errors.Is(err, errFindings) {
			return err
		}
		return &failure{err}
	}
}

// operands demands the arguments with the given names; one in brackets may be left out.
func operands(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return fmt.Errorf("unexpected argument %q", args[len(names)])
		}
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return fmt.Errorf("%s is missing", names[len(args)])
		}
		return nil
	}
}

// operand returns the i-th argument, or otherwise if it was left out.
func operand(args []string, i int, otherwise string) string {
	if i < len(args) {
		return args[i]
	}
	return otherwise
}

// choice adds a flag that takes one of the given words, by default the first.
func choice(c *cobra.Command, name, usage string, words ...string) *string {
	v := &choiceValue{words[0], words}
	c.Flags().Var(v, name, usage+": "+strings.Join(words, ", "))
	complete := cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc(name, complete); err != nil {
		panic(err) // the flag was just added
	}
	return &v.value
}

// A choiceValue is the pflag.Value of choice.
type choiceValue struct {
	value string
	words []string
}

func (v *choiceValue) String() string { return v.value }
func (v *choiceValue) Type() string   { return "WORD" }

func (v *choiceValue) Set(s string) error {
	for _, w := range v.words {
		if w == s {
			v.value = s
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(v.words, ", "))
}

func (p *program) writeJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// isTerminal reports whether w is a character device. That can be one that shows nothing, such as /dev/null, where it
// does not matter.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&fs.ModeCharDevice != 0
}

// plural returns "1 zone", "2 zones", "1,234 zones".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return report.Number(n) + " " + noun
}

// require marks a flag of c as one that must be given.
func require(c *cobra.Command, flag string) {
	if err := c.MarkFlagRequired(flag); err != nil {
		panic(err) // there is no such flag
	}
}
