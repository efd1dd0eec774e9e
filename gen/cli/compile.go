package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) compile() *cobra.Command {
	var output, previous string
	var quiet bool
	c := &cobra.Command{
		Use:   "compile -o SNAPSHOT [SOURCE]",
		Short: "Make the snapshot that the CoreDNS plugin serves",
		Long: `compile checks the source, as lint does, and makes a snapshot of it. If there
is an error in the source, the findings are printed, the exit status is 1 and
nothing is written; warnings and notes are printed only.

A zone whose content is the same as in the previous snapshot keeps its serial.
A changed zone gets the time of the source as its serial, or the previous
serial + 1 if that is later (RFC 1982). The time of the source is
SOURCE_DATE_EPOCH, else the time of the Git commit that is checked out, else
now. The id of that commit is in the snapshot, with "-dirty" at its end if the
source differs from the commit.

The previous snapshot is the file at the output path, if there is one, unless
--previous names another. With --previous= there is none: every zone gets a
new serial, which secondaries refuse if it is not later than the one that they
have.

What is found out about a file is kept for the next run, as by lint.

The file appears as a whole or not at all, so it may be the one that a server
has loaded. If it would not change, it is left alone.`,
		Example: `  revmap compile -o records.snapshot
  revmap compile -o new.snapshot --previous /srv/revmap/records.snapshot records.yaml`,
		Args: operands("[SOURCE]"),
	}
	flags := c.Flags()
	flags.StringVarP(&output, "output", "o", "", "write the snapshot to `FILE`")
	flags.StringVar(&previous, "previous", "", "take the serials of unchanged zones from `FILE` (default: the output file)")
	flags.BoolVarP(&quiet, "quiet", "q", false, "do not tell what was written")
	require(c, "output")
	known := baselineFlag(c)
	folder := cacheFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		path := operand(args, 0, defaultSource)
		var old []byte
		var before *snapshot.Reader
		var work errgroup.Group // while the source is linted, whose findings come first
		work.Go(func() (err error) {
			if old, err = readOutput(output); err != nil {
				return err
			}
			switch {
			case !flags.Changed("previous"):
				before, err = previousIn(output, old)
			case previous != "":
				before, err = openSnapshot(previous)
			}
			return err
		})
		result, err := p.lintSource(ctx, path, *folder)
		if err != nil {
			return err
		}
		if err := p.printClean(result.Findings, path, *known, stream{p.stdout, p.stdoutTerminal}); err != nil {
			return err
		}
		if err := work.Wait(); err != nil {
			return err
		}
		r, content, err := makeSnapshot(ctx, result, before)
		if err != nil {
			return err
		}
		same := bytes.Equal(old, content)
		if !same {
			if err := write(output, content); err != nil {
				return err
			}
		}
		if !quiet {
			p.tellCompiled(output, r, before, same)
		}
		return nil
	})
	return c
}

// readOutput returns what is at the output path, nil if nothing is. It refuses a file that is no snapshot, so that a
// mistyped path does not cost a source.
func readOutput(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() { // a pipe would wait for ever, /dev/zero never end
		return nil, withHint(fmt.Errorf("%s is there and is not a file", path), "choose another output path")
	}
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err == nil && len(b) > 0 && !bytes.HasPrefix(b, []byte(snapshot.Magic)) {
		return nil, withHint(fmt.Errorf("%s is there and is not a snapshot", path), "remove it, or choose another output path")
	}
	return b, err
}

// previousIn reads the previous snapshot from the bytes at the output path.
func previousIn(path string, b []byte) (*snapshot.Reader, error) {
	if b == nil {
		return nil, nil
	}
	r, err := snapshot.OpenBytes(b)
	if err != nil {
		return nil, withHint(fmt.Errorf("previous snapshot %s: %w", path, err),
			"name the last good one with --previous FILE, or begin with new serials by --previous=")
	}
	return r, nil
}

// write replaces the file at path, or makes it.
func write(path string, content []byte) error {
	err := snapshot.WriteFile(path, bytes.NewReader(content))
	if _, dir := os.Stat(filepath.Dir(path)); errors.Is(dir, fs.ErrNotExist) {
		return withHint(err, "make the folder first")
	}
	return err
}

// tellCompiled prints what was compiled in one line.
func (p *program) tellCompiled(path string, r, before *snapshot.Reader, same bool) {
	fmt.Fprintf(p.stdout, "%s: %s, %s", path, plural(len(r.Zones()), "zone"), plural(r.Len(), "name"))
	delegations := 0
	for i := range r.Zones() {
		delegations += len(r.Zones()[i].Delegations)
	}
	if delegations > 0 {
		fmt.Fprintf(p.stdout, ", %s", plural(delegations, "delegation"))
	}
	if n := r.HostCount(); n > 0 {
		fmt.Fprintf(p.stdout, ", %s", plural(n, "host"))
	}
	fmt.Fprint(p.stdout, "; ")
	switch {
	case same:
		fmt.Fprintln(p.stdout, "unchanged")
	case before == nil:
		fmt.Fprintln(p.stdout, "new")
	default:
		fmt.Fprintln(p.stdout, changedZones(before, r))
	}
}

// changedZones tells how many zones have another serial than before, are new or are gone.
func changedZones(before, after *snapshot.Reader) string {
	serials := make(map[string]uint32, len(before.Zones()))
	for i := range before.Zones() {
		z := &before.Zones()[i]
		serials[z.Name] = z.Serial
	}
	var changed, added int
	for i := range after.Zones() {
		z := &after.Zones()[i]
		serial, ok := serials[z.Name]
		switch {
		case !ok:
			added++
		case serial != z.Serial:
			changed++
		}
		delete(serials, z.Name)
	}
	s := plural(changed, "zone") + " changed"
	if added > 0 {
		s += fmt.Sprintf(", %s added", report.Number(added))
	}
	if len(serials) > 0 {
		s += fmt.Sprintf(", %s removed", report.Number(len(serials)))
	}
	return s
}
