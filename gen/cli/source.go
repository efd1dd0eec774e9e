package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/revmap/revmap/gen/build"
	"github.com/revmap/revmap/gen/cache"
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

// refuseSnapshot returns an error if a snapshot is where a source should be.
func refuseSnapshot(path string) error {
	if isSnapshot(path) {
		return withHint(fmt.Errorf("%s is a snapshot, not a source", path), "revmap inspect %s shows it", path)
	}
	return nil
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
	if err := refuseSnapshot(path); err != nil {
		return nil, nil, err
	}
	results, err := cache.Default()
	if err != nil {
		return nil, nil, err
	}
	files, err := source.ReadFiles(path, source.ReadOptions{Cache: results})
	if err != nil {
		return nil, nil, withAdvice(err, path)
	}
	results.Trim()
	s, found := files.Join()
	return s, found, nil
}

// withAdvice returns err, why the source at path could not be read, with a hint for the one that is not there by default,
// and for a folder.
func withAdvice(err error, path string) error {
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return withHint(err, "name the root file of the source in it, such as %s", filepath.Join(path, defaultSource))
	}
	if errors.Is(err, fs.ErrNotExist) && path == defaultSource {
		return withHint(err, "change to the folder of the source, or name its root file as an argument")
	}
	return err
}

// lintSource lints the source at path, in parts if that gives the same. Folder is the value of cacheFlag.
func (p *program) lintSource(ctx context.Context, path, folder string) (*build.Result, error) {
	if err := refuseSnapshot(path); err != nil {
		return nil, err
	}
	results, err := openCache(folder)
	if err != nil {
		return nil, err
	}
	today, _, err := compile.Now()
	if err != nil {
		return nil, err
	}
	line := p.newProgress()
	defer line.end()
	files, err := source.ReadFiles(path, source.ReadOptions{Cache: results, Progress: line.of("read")})
	if err != nil {
		return nil, withAdvice(err, path)
	}
	r, err := build.Lint(files, build.Options{Today: today, Cache: results, Progress: line.of("checked")})
	if err != nil {
		return nil, err
	}
	results.Trim()
	line.adviseToSplit(files)
	return r, ctx.Err()
}

// cacheFlag adds the flag that names the folder for what is kept between runs.
func cacheFlag(c *cobra.Command) *string {
	return c.Flags().String("cache", "",
		"keep what is found out about files in `DIR`, or nothing if off (default: $"+cache.Variable+", or revmap in the user's caches)")
}

// openCache opens the cache that the value of cacheFlag names.
func openCache(folder string) (*cache.Cache, error) {
	switch folder {
	case "":
		return cache.Default()
	case "off":
		return nil, nil
	}
	return cache.Open(folder)
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
	return inv, p.printClean(found, path, baseline, to)
}

// printClean prints the findings about the source at path that a baseline file does not have, and returns errFindings if
// there is an error among them.
func (p *program) printClean(found diag.List, path, baseline string, to stream) error {
	found, _, err := p.withoutKnown(found, path, baseline)
	if err != nil {
		return err
	}
	if err := p.printFindings(to, found); err != nil {
		return err
	}
	if found.Count(diag.Error) > 0 {
		return errFindings
	}
	return nil
}

// makeSnapshot compiles a source that was linted into a snapshot in memory. It is read back, which verifies all of it.
func makeSnapshot(
	ctx context.Context, result *build.Result, previous *snapshot.Reader,
) (*snapshot.Reader, []byte, error) {
	origin, err := compile.OriginOf(ctx, result.Files)
	if err != nil {
		return nil, nil, err
	}
	b, err := result.Compile(compile.Options{Commit: origin.Commit, Time: origin.Time, Previous: previous})
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
