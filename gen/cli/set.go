package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/baseline"
	"github.com/revmap/revmap/gen/build"
	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/parallel"
)

// An editCommand is what the flags of set and unset say.
type editCommand struct {
	*program
	source string
	dryRun bool
	format *string
}

// flags adds the flags that both commands have.
func (d *editCommand) flags(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	c.Flags().StringVar(&d.source, "source", defaultSource, "root `FILE` of the source")
	c.Flags().BoolVar(&d.dryRun, "dry-run", false, "write nothing, and show what would change")
	d.format = choice(c, "format", "form of the changes", "text", "json", "markdown")
}

func (p *program) set() *cobra.Command {
	d := &editCommand{program: p}
	var from, ttl string
	c := &cobra.Command{
		Use:   "set {IP NAME | --from FILE.csv}",
		Short: "Write the reverse map names of addresses into the source",
		Long: `set gives an address a reverse map name. It edits the file of the source that
has the address, and in it no more than the text of the name: comments, order
and style stay. An address that is not listed yet goes to the server whose
primary address it is or to which it is routed, else to "addresses".
It ends with what changes, as revmap diff shows it.

--from reads many at once from CSV, "address,name" in each line; an empty name
takes the name away, as revmap unset does. The first line may be a header, with
"address" and "name" in any order and perhaps "ttl"; all other columns are
ignored.

All names are set or none. The source is checked as it is to become, and
nothing is written if it has an error that it did not have before; the exit
status is 1 then. If one of several files cannot be written, the others get
their old text back. docs/edit.md shows which edit is made where.`,
		Example: `  revmap set 192.0.2.12 shop.acme.example --ttl 5m
  revmap set --from renumbered.csv --dry-run`,
		Args: func(c *cobra.Command, args []string) error {
			if from != "" {
				if len(args) > 0 {
					return errors.New("want only one of IP and --from")
				}
				return nil
			}
			if err := operands("IP", "NAME")(c, args); err != nil {
				return err
			}
			if args[1] == "" {
				return errors.New("NAME is empty: revmap unset takes a name away")
			}
			_, err := parseAddr(args[0])
			return err
		},
	}
	d.flags(c)
	c.Flags().StringVar(&from, "from", "", "read addresses and names from the CSV `FILE`, - for stdin")
	c.Flags().StringVar(&ttl, "ttl", "", `TTL of the name, e.g. 5m, or "default" for that of all names (default as it is)`)
	c.MarkFlagsMutuallyExclusive("from", "ttl")
	c.RunE = work(func(c *cobra.Command, args []string) error {
		if from != "" {
			return d.setFrom(c.Context(), from, c.InOrStdin())
		}
		e, err := d.editOf(args[0])
		if err != nil {
			return err
		}
		e.Name, e.TTL = args[1], ttl
		return d.run(c.Context(), []source.Edit{e}, os.ReadFile)
	})
	return c
}

func (p *program) unset() *cobra.Command {
	d := &editCommand{program: p}
	var remove bool
	c := &cobra.Command{
		Use:   "unset IP...",
		Short: "Take the reverse map names of addresses out of the source",
		Long: `unset takes the reverse map name of each address away, and its TTL. A primary
address answers with the default hostname then. The entry of a server's address
stays, without a name, unless --remove is given; that of an address of no server
goes with its name. An address without a name is left alone.

Files are edited, checked and written as by revmap set.`,
		Example: `  revmap unset 192.0.2.12
  revmap unset --remove 192.0.2.12 2001:db8:0:1::25`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("IP is missing")
			}
			_, err := parseAddrs(args)
			return err
		},
	}
	d.flags(c)
	c.Flags().BoolVar(&remove, "remove", false, "take the entries away, too")
	c.RunE = work(func(c *cobra.Command, args []string) error {
		var edits []source.Edit
		for _, arg := range args {
			e, err := d.editOf(arg)
			if err != nil {
				return err
			}
			e.Remove = remove
			edits = append(edits, e)
		}
		return d.run(c.Context(), edits, os.ReadFile)
	})
	return c
}

// editOf returns the edit of the address in an argument, which has no place but itself.
func (d *editCommand) editOf(arg string) (source.Edit, error) {
	addr, err := parseAddr(arg)
	return source.Edit{Addr: addr, Pos: diag.Position{File: arg}}, err
}

// setFrom makes the edits of a CSV file.
func (d *editCommand) setFrom(ctx context.Context, file string, stdin io.Reader) error {
	var data []byte
	var err error
	if file == "-" {
		file = "stdin"
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return err
	}
	read := func(path string) ([]byte, error) {
		if path == file {
			return data, nil
		}
		return os.ReadFile(path)
	}
	edits, found := source.ReadEdits(file, data)
	if len(found) > 0 {
		return d.refuse(found, read)
	}
	if len(edits) == 0 {
		fmt.Fprintf(d.stderr, "revmap: %s has no addresses\n", file)
		return nil
	}
	return d.run(ctx, edits, read)
}

// refuse prints the findings for which nothing is written.
func (d *editCommand) refuse(found diag.List, read func(file string) ([]byte, error)) error {
	if err := d.printFindingsIn(stream{d.stdout, d.stdoutTerminal}, found, read); err != nil {
		return err
	}
	return errFindings
}

// run makes edits, which come from files that read returns, and shows what they change.
func (d *editCommand) run(ctx context.Context, edits []source.Edit, read func(file string) ([]byte, error)) error {
	if err := refuseSnapshot(d.source); err != nil {
		return err
	}
	results, err := cache.Default()
	if err != nil {
		return err
	}
	files, err := source.ReadFiles(d.source, source.ReadOptions{Cache: results})
	if err != nil {
		return withAdvice(err, d.source)
	}
	e, wrong, err := files.Edit(edits, os.ReadFile)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return d.refuse(wrong, read)
	}
	if len(e.Texts) == 0 {
		fmt.Fprintln(d.stderr, "revmap: the source says so already")
		return nil
	}
	before, err := stateOf(files, results, nil)
	if err != nil {
		return err
	}
	results.Trim()
	after, err := stateOf(e.Files, nil, before.lint)
	if err != nil {
		return err
	}
	if fresh := freshErrors(before, after, e.ReadFile); len(fresh) > 0 {
		fmt.Fprintln(d.stderr, "revmap: nothing is written: the source would have errors that it does not have now")
		return d.refuse(fresh, e.ReadFile)
	}
	file := func(i int) (from, to *diff.Side) { return before.side(e.Changed[i]), after.side(e.Changed[i]) }
	r := &report.Review{
		Changes: diff.CompareParts(before.side(), after.side(), len(e.Changed), file, before.named()),
		Old:     files.Path(0), New: files.Path(0),
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.dryRun {
		fmt.Fprintf(d.stderr, "revmap: nothing is written: with --dry-run, %s would change\n", plural(len(e.Texts), "file"))
	} else if err := e.Write(); err != nil {
		return err
	}
	return d.writeChanges(stream{d.stdout, d.stdoutTerminal}, *d.format, r)
}

// A state is a source with what is found out about it.
type state struct {
	files    *source.Files
	lint     *build.Result
	forwards *forward.Zones
}

// stateOf returns that of a source. What earlier knows of its files is not found out again; it may be nil.
func stateOf(files *source.Files, results *cache.Cache, earlier *build.Result) (*state, error) {
	today, _, err := compile.Now()
	if err != nil {
		return nil, err
	}
	t := &state{files: files}
	t.lint, err = build.Lint(files, build.Options{
		Today: today, Cache: results, Keep: true, Previous: earlier,
		Forwards: func() (_ *forward.Zones, wrong diag.List, err error) {
			t.forwards, wrong, err = forward.Load(&source.Source{Root: files.Path(0), Forwards: files.Forwards()})
			return t.forwards, wrong, err
		},
	})
	return t, err
}

// side returns what some files say, in the frame that all share.
func (t *state) side(files ...int) *diff.Side {
	return diff.OfInventory(t.lint.Inventory(files...), t.forwards)
}

// named returns how many addresses of a block have a name of their own.
func (t *state) named() func(block netip.Prefix) int {
	named := make(map[netip.Prefix]int)
	var lock sync.Mutex
	parallel.Each(t.files.Len(), func(i int) {
		inv := t.lint.Inventory(i)
		in := make(map[*model.Block]int)
		for j := range inv.Addresses {
			a := &inv.Addresses[j]
			if j > 0 && a.Addr == inv.Addresses[j-1].Addr {
				continue // it is there twice, and counts once
			}
			if origin := inv.Effective(a).Origin; origin == model.Explicit || origin == model.Default {
				in[a.Block]++
			}
		}
		lock.Lock()
		defer lock.Unlock()
		for b, n := range in {
			if b != nil {
				named[b.Prefix.Prefix] += n
			}
		}
	})
	return func(block netip.Prefix) int { return named[block] }
}

// freshErrors returns the errors that a source does not have before it is edited: those on edited lines, and those that
// others have got by it. Read returns what files hold after.
func freshErrors(before, after *state, read func(file string) ([]byte, error)) diag.List {
	errors := func(t *state) diag.List {
		return slices.DeleteFunc(slices.Clone(t.lint.Findings), func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	}
	has := errors(after)
	if len(has) == 0 {
		return nil
	}
	had, root := errors(before), before.files.Path(0)
	fresh, _, _ := baseline.Fresh(has, baseline.Entries(has, root, read), baseline.Entries(had, root, os.ReadFile))
	return fresh
}
