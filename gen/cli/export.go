package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) export() *cobra.Command {
	c := &cobra.Command{
		Use:   "export FORM",
		Short: "Write the data in the form of another program",
	}
	c.AddCommand(p.exportZonefile(), p.exportForward(), p.exportCatalog(), p.exportNameserverConfig(), p.exportCSV(),
		p.exportParentSnippet(), p.exportRIPE())
	needsCommand(c)
	return c
}

func (p *program) exportZonefile() *cobra.Command {
	var dir string
	var skipEndless bool
	c := &cobra.Command{
		Use:   "zonefile -o DIR [SOURCE|SNAPSHOT]",
		Short: "Write zone files for BIND, Knot, NSD and others",
		Long: `export zonefile writes one RFC 1035 zone file for each zone, with the names
that a fallback makes written out. The argument is a snapshot, or a source,
which is checked and compiled as by revmap compile, but without a previous
snapshot: to keep serials, compile first and export the snapshot.

The folder is made if it is not there. A file is named for its zone,
"2.0.192.in-addr.arpa.zone", and appears as a whole or not at all; other files
in the folder are left alone. A zone in which the fallback of an IPv6 block
makes names has more of them than a file can hold: then nothing is written,
unless --skip-endless is given; with it the other zones are.`,
		Example: `  revmap export zonefile -o zones records.snapshot
  named-checkzone 2.0.192.in-addr.arpa zones/2.0.192.in-addr.arpa.zone`,
		Args: operands("[SOURCE|SNAPSHOT]"),
	}
	c.Flags().StringVarP(&dir, "output", "o", "", "write the zone files into the folder `DIR`")
	c.Flags().BoolVar(&skipEndless, "skip-endless", false, "leave zones out that no file can hold, and name them on stderr")
	known := baselineFlag(c)
	require(c, "output")
	c.RunE = work(func(c *cobra.Command, args []string) error {
		r, err := p.snapshotOf(c.Context(), operand(args, 0, defaultSource), *known)
		if err != nil {
			return err
		}
		return p.writeZones(c.Context(), dir, r, skipEndless)
	})
	return c
}

// snapshotOf opens the snapshot at path, or compiles the source that is there.
func (p *program) snapshotOf(ctx context.Context, path, baseline string) (*snapshot.Reader, error) {
	if isSnapshot(path) {
		return openSnapshot(path)
	}
	result, err := p.lintSource(ctx, path, "")
	if err != nil {
		return nil, err
	}
	if err := p.printClean(result.Findings, path, baseline, stream{p.stderr, p.stderrTerminal}); err != nil {
		return nil, err
	}
	r, _, err := makeSnapshot(ctx, result, nil)
	return r, err
}

// writeZones writes a file for each zone into dir. If there are zones that can't be written, it leaves them out or, without
// skipEndless, writes none.
func (p *program) writeZones(ctx context.Context, dir string, r *snapshot.Reader, skipEndless bool) error {
	g, err := authority.New(r)
	if err != nil {
		return err
	}
	var zones []*snapshot.Zone
	var unfit error
	for i := range r.Zones() {
		z := &r.Zones()[i]
		switch err := r.Endless(z); {
		case err == nil:
			zones = append(zones, z)
		case skipEndless:
			fmt.Fprintf(p.stderr, "left out: %v\n", err)
		default:
			unfit = errors.Join(unfit, err)
		}
	}
	if unfit != nil {
		return withHint(unfit, "write the others with --skip-endless")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var text bytes.Buffer
	for _, z := range zones {
		if err := ctx.Err(); err != nil {
			return err
		}
		text.Reset()
		if err := zonefile.Write(&text, g, z); err != nil {
			return err
		}
		if err := snapshot.WriteFile(filepath.Join(dir, zonefile.FileName(z)), &text); err != nil {
			return err
		}
	}
	return nil
}
