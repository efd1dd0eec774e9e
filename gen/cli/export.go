package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) export() *cobra.Command {
	c := &cobra.Command{
		Use:   "export FORM",
		Short: "Write the data in the form of another program",
	}
	c.AddCommand(p.exportZonefile())
	needsCommand(c)
	return c
}

func (p *program) exportZonefile() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "zonefile -o DIR [SOURCE|SNAPSHOT]",
		Short: "Write zone files for BIND, Knot, NSD and others",
		Long: `export zonefile writes one RFC 1035 zone file for each zone, with the names
that a fallback makes written out. The argument is a snapshot, or a source,
which is checked and compiled as by revmap compile, but without a previous
snapshot: to keep serials, compile first and export the snapshot.

The folder is made if it is not there. A file is named for its zone,
"2.0.192.in-addr.arpa.zone", and appears as a whole or not at all; other files
in the folder are left alone. A zone with an IPv6 fallback has more names than
a file can hold: then nothing is written.`,
		Example: `  revmap export zonefile -o zones records.snapshot
  named-checkzone 2.0.192.in-addr.arpa zones/2.0.192.in-addr.arpa.zone`,
		Args: operands("[SOURCE|SNAPSHOT]"),
	}
	c.Flags().StringVarP(&dir, "output", "o", "", "write the zone files into the folder `DIR`")
	require(c, "output")
	c.RunE = work(func(c *cobra.Command, args []string) error {
		r, err := p.snapshotOf(c.Context(), operand(args, 0, defaultSource))
		if err != nil {
			return err
		}
		return writeZones(c.Context(), dir, r)
	})
	return c
}

// snapshotOf opens the snapshot at path, or compiles the source that is there.
func (p *program) snapshotOf(ctx context.Context, path string) (*snapshot.Reader, error) {
	if isSnapshot(path) {
		return openSnapshot(path)
	}
	inv, err := p.loadClean(ctx, path)
	if err != nil {
		return nil, err
	}
	r, _, err := build(ctx, inv, nil)
	return r, err
}

// writeZones writes a file for each zone into dir, or none if there is a zone that can't be written.
func writeZones(ctx context.Context, dir string, r *snapshot.Reader) error {
	var unfit error
	for i := range r.Zones() {
		unfit = errors.Join(unfit, zonefile.Check(&r.Zones()[i]))
	}
	if unfit != nil {
		return unfit
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var text bytes.Buffer
	for i := range r.Zones() {
		if err := ctx.Err(); err != nil {
			return err
		}
		z := &r.Zones()[i]
		text.Reset()
		if err := zonefile.Write(&text, r, z); err != nil {
			return err
		}
		if err := snapshot.WriteFile(filepath.Join(dir, zonefile.FileName(z)), &text); err != nil {
			return err
		}
	}
	return nil
}
