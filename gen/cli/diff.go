package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/revision"
)

// A diffCommand is what the flags of diff say.
type diffCommand struct {
	*program
	source, base string
	limits       diff.Limits
}

func (p *program) diff() *cobra.Command {
	d := &diffCommand{program: p, limits: diff.DefaultLimits()}
	c := &cobra.Command{
		Use:   "diff {OLD [NEW] | --base REV}",
		Short: "Show what a change does to the reverse DNS, and stop dangerous ones",
		Long: `diff compares two states of the reverse DNS: for each address, server,
delegation, block and zone, what changes from OLD to NEW, and what receivers of
mail will see of it. Nothing is printed if nothing changes. Each state is the
path of a source or of a snapshot, or REV:PATH for the source whose root file
was at PATH at the Git revision REV. Without NEW it is --source.

--base is for pull requests: OLD is then the source where the commit that is
checked out and REV went apart, and NEW is --source, as it is in the folder.

A source that has errors is compared all the same, and stderr tells how many;
but if some of NEW cannot be read, nothing is. Snapshots know no servers.

The exit status is 1 if a gate stops the change, as "Gates" below tells, and 0
otherwise, whatever changes. docs/review.md has an example.

Gates:
  zone-removed        a zone is served no more
  block-emptied       no address of a block has a name any more
  fallback-removed    a block loses its fallback
  delegation-removed  a delegation is removed
  ns-changed          the name servers of a zone change
  soa-changed         a field of an SOA changes, but for the serial
  lost                more names are lost than --max-lost allows, of those in a
                      block or of all
  changed             more names change or are lost than --max-changed allows
Up to four names pass, whatever share of all they are.
What a gate would stop, --allow lets pass: all of a kind, or that of a zone or
a prefix. With --base, a line "Revmap-Allow: KIND=SUBJECT" in the last paragraph
of the message of a commit since then does the same. When a gate stops a change,
the output tells of those that do not count, and why.`,
		Example: `  revmap diff --base origin/main --format markdown
  revmap diff HEAD~3:records.yaml
  revmap diff /srv/revmap/records.snapshot records.yaml --allow zone-removed=2.0.192.in-addr.arpa`,
		DisableFlagsInUseLine: true,
	}
	f := c.Flags()
	f.StringVar(&d.base, "base", "", "compare with where the commit that is checked out left the Git revision `REV`")
	f.StringVar(&d.source, "source", defaultSource, "root `FILE` of the source, where NEW is not given")
	f.Var((*limitValue)(&d.limits.MaxLost), "max-lost", "how many names may be lost, e.g. 10% or 500")
	f.Var((*limitValue)(&d.limits.MaxChanged), "max-changed", "how many names may change or be lost")
	f.Var((*allowValue)(&d.limits.Allow), "allow", "let pass what a gate would stop; can be repeated")
	if err := c.RegisterFlagCompletionFunc("allow",
		cobra.FixedCompletions(diff.Gates, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag was just added
	}
	format := choice(c, "format", "form of the output", "text", "json", "markdown")
	c.Args = d.args
	c.RunE = work(func(c *cobra.Command, args []string) error {
		r, err := d.review(c.Context(), args)
		if err != nil {
			return err
		}
		if err := p.writeChanges(stream{p.stdout, p.stdoutTerminal}, *format, r); err != nil {
			return err
		}
		if len(r.Stops) > 0 {
			return errFindings
		}
		return nil
	})
	return c
}

// args checks the arguments, with the flags.
func (d *diffCommand) args(c *cobra.Command, args []string) error {
	switch {
	case d.base == "" && len(args) == 0:
		return errors.New("OLD is missing, or --base")
	case d.base != "" && len(args) > 0:
		return errors.New("want only one of OLD and --base")
	case len(args) == 2 && c.Flags().Changed("source"):
		return errors.New("want only one of NEW and --source")
	}
	return operands("[OLD]", "[NEW]")(c, args)
}

// A limitValue is the pflag.Value of a diff.Limit.
type limitValue diff.Limit

func (v *limitValue) String() string { return diff.Limit(*v).String() }
func (v *limitValue) Type() string   { return "LIMIT" }

func (v *limitValue) Set(s string) error {
	l, err := diff.ParseLimit(s)
	*v = limitValue(l)
	return err
}

// byFlag is who gives an allowance of the command line.
const byFlag = "--allow"

// An allowValue is the pflag.Value of --allow.
type allowValue []diff.Allowance

func (v *allowValue) String() string { return "" }
func (v *allowValue) Type() string   { return "KIND[=SUBJECT]" }

func (v *allowValue) Set(s string) error {
	a, err := diff.ParseAllowance(s)
	a.By = byFlag
	*v = append(*v, a)
	return err
}

// A side is one of the two states.
type side struct {
	*diff.Side
	name   string
	errors int              // that its source has
	unread *diag.Diagnostic // the first of them that keeps a part of the source from being read, nil if none does
}

// sideOfSource returns the side of a source with the given findings.
func sideOfSource(inv *model.Inventory, zones *forward.Zones, name string, found diag.List) *side {
	s := &side{Side: diff.OfInventory(inv, zones), name: name, errors: found.Count(diag.Error)}
	if i := slices.IndexFunc(found, func(d diag.Diagnostic) bool {
		return d.Severity == diag.Error && (d.Rule == "syntax" || d.Rule == "include-invalid")
	}); i >= 0 {
		s.unread = &found[i]
	}
	return s
}

// review compares what the arguments name.
func (d *diffCommand) review(ctx context.Context, args []string) (*report.Review, error) {
	var from, to *side
	var both errgroup.Group
	limits := d.limits
	var ignored []report.Ignored
	both.Go(func() (err error) {
		if d.base == "" {
			from, err = sideOf(ctx, args[0])
			return err
		}
		commit, err := revision.MergeBase(ctx, filepath.Dir(d.source), d.base)
		if err != nil {
			return fmt.Errorf("find where HEAD left %q: %w", d.base, err)
		}
		var given []diff.Allowance
		if given, ignored, err = d.allowances(ctx, commit); err != nil {
			return err
		}
		limits.Allow = append(limits.Allow[:len(limits.Allow):len(limits.Allow)], given...)
		from, err = sideAt(ctx, commit, d.source)
		return err
	})
	both.Go(func() (err error) {
		to, err = sideOf(ctx, operand(args, 1, d.source))
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	if f := to.unread; f != nil {
		return nil, withHint(fmt.Errorf("%s: %s", f.Pos, f.Message),
			"correct it first: what cannot be read would look as if it were removed")
	}
	for _, s := range []*side{from, to} {
		if s.errors > 0 {
			fmt.Fprintf(d.stderr, "revmap: %s has %s, and is compared as far as it goes\n", s.name, plural(s.errors, "error"))
		}
	}
	r := &report.Review{
		Changes: diff.Compare(from.Side, to.Side),
		Old:     from.name, New: to.name, OldErrors: from.errors, NewErrors: to.errors,
	}
	r.NameDefaults(func(rule string) string {
		if r := lint.Find(rule); r != nil {
			return r.Severity.String()
		}
		return ""
	})
	r.Stops, r.Allowed = r.Gate(limits)
	if len(r.Stops) > 0 {
		r.Ignored = append(ignored, unused(r.Unused(limits))...)
	}
	return r, ctx.Err()
}

// unused returns allowances for which nothing is stopped.
func unused(list []diff.Allowance) (ignored []report.Ignored) {
	for _, a := range list {
		i := report.Ignored{Text: "Revmap-Allow: " + a.String(), By: a.By, Why: "the gate " + a.Kind + " stops nothing"}
		if a.By == byFlag {
			i.Text, i.By = byFlag+" "+a.String(), ""
		}
		if a.Subject != "" {
			i.Why += " of " + a.Subject
		}
		ignored = append(ignored, i)
	}
	return ignored
}

// allowances returns what the messages of the commits since a revision allow, and what is wrong among it, which allows
// nothing.
func (d *diffCommand) allowances(ctx context.Context, since string) ([]diff.Allowance, []report.Ignored, error) {
	trailers, mislaid, err := revision.Allowances(ctx, filepath.Dir(d.source), since)
	if err != nil {
		return nil, nil, err
	}
	by := func(commit, author string) string {
		return fmt.Sprintf("commit %s by %s", revision.Short(commit), author)
	}
	var list []diff.Allowance
	var ignored []report.Ignored
	for _, m := range mislaid {
		ignored = append(ignored, report.Ignored{Text: m.Line, By: by(m.Commit, m.Author), Why: m.Why})
	}
	for _, t := range trailers {
		a, err := diff.ParseAllowance(t.Value)
		a.By = by(t.Commit, t.Author)
		if err != nil {
			ignored = append(ignored, report.Ignored{Text: "Revmap-Allow: " + t.Value, By: a.By, Why: err.Error()})
			continue
		}
		list = append(list, a)
	}
	return list, ignored, nil
}

// sideOf reads a side: a source, a snapshot, or REV:PATH.
func sideOf(ctx context.Context, arg string) (*side, error) {
	if _, err := os.Stat(arg); errors.Is(err, fs.ErrNotExist) {
		if rev, path, ok := strings.Cut(arg, ":"); ok && rev != "" && path != "" {
			return sideAt(ctx, rev, path)
		}
	}
	if isSnapshot(arg) {
		r, err := openSnapshot(arg)
		if err != nil {
			return nil, err
		}
		s, err := diff.OfSnapshot(r)
		if err != nil {
			return nil, fmt.Errorf("open snapshot %s: %w", arg, err)
		}
		return &side{Side: s, name: arg}, nil
	}
	inv, zones, found, err := loadWithForwards(ctx, arg)
	if err != nil {
		return nil, err
	}
	return sideOfSource(inv, zones, arg, found), nil
}

// sideAt reads the source whose root file was at a path at a Git revision.
func sideAt(ctx context.Context, rev, path string) (*side, error) {
	s, zones, found, err := revision.Load(ctx, path, rev)
	if err != nil {
		return nil, err
	}
	inv := model.Build(s)
	if found, err = findings(inv, zones, found); err != nil {
		return nil, err
	}
	return sideOfSource(inv, zones, revision.Short(rev)+":"+path, found), ctx.Err()
}

// writeChanges prints changes in one of the forms of diff.
func (p *program) writeChanges(to stream, format string, r *report.Review) error {
	switch format {
	case "json":
		return r.JSON(to)
	case "markdown":
		return r.Markdown(to)
	}
	return r.Text(to, colored(to.terminal))
}
