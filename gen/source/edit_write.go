package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/revmap/revmap/internal/durable"
)

// Write writes the files of e, each in one step, if all of them hold what they did when e was made. It waits for a Write
// of another process into the same source, which makes that a reason to write nothing. If one file cannot be written,
// those that are written already get their old text back: an error says that the source is as it was, or else which files
// are not.
func (e *EditedFiles) Write() (err error) {
	drafts := make([]draft, len(e.Texts))
	defer func() {
		for i := range drafts {
			err = errors.Join(err, drafts[i].discard())
		}
	}()
	var work errgroup.Group
	work.SetLimit(16) // most of the time is that of waiting for the disk
	for i, f := range e.Texts {
		work.Go(func() (err error) {
			if drafts[i], err = newDraft(f.Path, f.New); err != nil {
				return fmt.Errorf("write %s: %w", f.Path, err)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	unlock, err := lock(filepath.Dir(e.Files.Path(0)))
	if err != nil {
		return fmt.Errorf("lock the source: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	for _, f := range e.Texts {
		data, err := os.ReadFile(f.Path)
		if err == nil && !bytes.Equal(data, f.Old) {
			err = errChanged
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	folders := make(map[string]bool)
	for i := range drafts {
		d := &drafts[i]
		if err := d.publish(); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", e.Texts[i].Path, err), putBack(e.Texts[:i]))
		}
		folders[filepath.Dir(d.path)] = true
	}
	for dir := range folders { // the names, too, have to outlive a crash
		if err := durable.SyncDir(dir); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", dir, err), putBack(e.Texts))
		}
	}
	return nil
}

// putBack gives files their old text.
func putBack(files []FileEdit) error {
	var failed error
	for _, f := range files {
		d, err := newDraft(f.Path, f.Old)
		if err == nil {
			err = d.publish()
		}
		if err = errors.Join(err, d.discard()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("put %s back: %w", f.Path, err))
		}
	}
	return failed
}

// A draft is a file that is to take the place of another.
type draft struct {
	path string // of the other one, which is no link
	temp string // of the draft; "" if it is no more
}

// newDraft writes data, safe from a crash, beside the file at path, with its permissions. If path is a link, it is
// the file that it leads to. It has to be discarded even if there is an error.
func newDraft(path string, data []byte) (d draft, err error) {
	if d.path, err = filepath.EvalSymlinks(path); err != nil {
		return d, err
	}
	old, err := os.OpenFile(d.path, os.O_WRONLY, 0) // who may not write into it may not replace it
	if err != nil {
		return d, err
	}
	info, err := old.Stat()
	if err = errors.Join(err, old.Close()); err != nil {
		return d, err
	}
	f, err := os.CreateTemp(filepath.Dir(d.path), "."+filepath.Base(d.path)+".*.tmp")
	if err != nil {
		return d, err
	}
	d.temp = f.Name()
	_, err = f.Write(data)
	return d, errors.Join(err, f.Chmod(info.Mode()&fs.ModePerm), f.Sync(), f.Close())
}

// rename is replaced by a test: a disk seldom breaks when it should.
var rename = os.Rename

// publish puts d in its place.
func (d *draft) publish() error {
	if err := rename(d.temp, d.path); err != nil {
		return err
	}
	d.temp = ""
	return nil
}

// discard removes d, unless it is published.
func (d *draft) discard() error {
	if d.temp == "" {
		return nil
	}
	return os.Remove(d.temp)
}
