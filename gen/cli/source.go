package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshot"
)

// defaultSource is the source where none is given.
const defaultSource = "records.yaml"

// isSnapshot reports whether the file at path begins as snapshots do. What can't be read does not, nor does a pipe, from
// which nothing may be read twice.
func isSnapshot(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, len(snapshot.Magic))
	_, err = io.ReadFull(f, b)
	return err == nil && string(b) == snapshot.Magic
}

// load reads the source at path and checks it.
func load(ctx context.Context, path string) (*model.Inventory, diag.List, error) {
	inv, _, found, err := loadWithForwards(ctx, path)
	return inv, found, err
}

// loadWithForwards is load for those who need the forward zones that the source names, too.
func loadWithForwards(ctx context.Context, path string) (*model.Inventory, *forward.Zones, diag.List, error) {
	s, found, err := readSource(path)
	if err != nil {
		return nil, nil, nil, err
	}
	inv, zones, wrong, err := resolve(s)
	if err != nil {
		return nil, nil, nil, err
	}
	found, err = findings(inv, zones, slices.Concat(found, wrong))
	return inv, zones, found, errors.Join(err, ctx.Err())
}

// readSource reads the source at path, and finds what is wrong with its text.
func readSource(path string) (*source.Source, diag.List, error) {
	if isSnapshot(path) {
		return nil, nil, withHint(fmt.Errorf("%s is a snapshot, not a source", path), "revmap inspect %s shows it", path)
	}
	s, found, err := source.Load(path)
	if errors.Is(err, fs.ErrNotExist) && path == defaultSource {
		err = withHint(err, "change to the folder of the source, or name its root file as an argument")
	}
	return s, found, err
}

// resolve makes the inventory of a source, and reads the forward zones that it names, with what is wrong with those.
func resolve(s *source.Source) (*model.Inventory, *forward.Zones, diag.List, error) {
	var inv *model.Inventory
	var work errgroup.Group
	work.Go(func() error {
		inv = model.Build(s)
		return nil
	})
	zones, wrong, err := forward.Load(s)
	return inv, zones, wrong, errors.Join(err, work.Wait())
}

// findings returns all findings about an inventory. Found is what was found while its files were read.
func findings(inv *model.Inventory, zones *forward.Zones, found diag.List) (diag.List, error) {
	today, _, err := compile.Now()
	if err != nil {
		return nil, err
	}
	return lint.Run(inv, found, lint.Options{Today: today, Forwards: zones}), nil
}

// loadClean is load for those who can do nothing with a source that has errors. It prints the findings that a baseline
// file does not have, and returns errFindings if there is an error among them.
func (p *program) loadClean(ctx context.Context, path, baseline string, to stream) (*model.Inventory, error) {
	inv, found, err := load(ctx, path)
	if err != nil {
		return nil, err
	}
	if found, _, err = p.withoutKnown(found, path, baseline); err != nil {
		return nil, err
	}
	if err := p.printFindings(to, found); err != nil {
		return nil, err
	}
	if found.Count(diag.Error) > 0 {
		return nil, errFindings
	}
	return inv, nil
}

// build compiles inv into a snapshot in memory. It is read back, which verifies all of it.
func build(ctx context.Context, inv *model.Inventory, previous *snapshot.Reader) (*snapshot.Reader, []byte, error) {
	origin, err := compile.OriginOf(ctx, inv.Source.Files)
	if err != nil {
		return nil, nil, err
	}
	b, err := compile.Compile(inv, compile.Options{Commit: origin.Commit, Time: origin.Time, Previous: previous})
	if err != nil {
		return nil, nil, err
	}
	var buf bytes.Buffer
	if _, err := b.WriteTo(&buf); err != nil {
		return nil, nil, fmt.Errorf("compile: %w", err)
	}
	r, err := snapshot.OpenBytes(buf.Bytes())
	if err != nil {
		return nil, nil, fmt.Errorf("compile: %w", err)
	}
	return r, buf.Bytes(), ctx.Err()
}

// openSnapshot is snapshot.Open with advice for the errors that a user can do something about.
func openSnapshot(path string) (*snapshot.Reader, error) {
	r, err := snapshot.Open(path)
	switch {
	case errors.Is(err, snapshot.ErrVersion):
		return nil, withHint(err, "a newer revmap wrote it: use that one")
	case errors.Is(err, snapshot.ErrChecksum):
		return nil, withHint(err, "copy it again, or compile it anew")
	}
	return r, err
}
