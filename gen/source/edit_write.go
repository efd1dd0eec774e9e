package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes the files of e, each in one step, if all of them hold what they did when e was made. If one cannot be
// written, those that are written already get their old text back: an error says that the source is as it was, or
// else which files are not.
func (e *Edited) Write() (err error) {
	drafts := make([]*draft, 0, len(e.Files))
	defer func() {
		for _, d := range drafts {
			err = errors.Join(err, d.discard())
		}
	}()
	for _, f := range e.Files {
		d, err := newDraft(f.Path, f.New)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
		drafts = append(drafts, d)
	}
	for _, f := range e.Files {
		data, err := os.ReadFile(f.Path)
		if err == nil && !bytes.Equal(data, f.Old) {
			err = errChanged
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	folders := make(map[string]bool)
	for i, d := range drafts {
		if err := d.publish(); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", e.Files[i].Path, err), putBack(e.Files[:i]))
		}
		folders[filepath.Dir(d.path)] = true
	}
	for dir := range folders { // the names, too, have to outlive a crash
		if err := syncFolder(dir); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", dir, err), putBack(e.Files))
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
			err = errors.Join(d.publish(), d.discard())
		}
		if err != nil {
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
// the file that it leads to.
func newDraft(path string, data []byte) (d *draft, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(info.Mode()&fs.ModePerm), f.Sync(), f.Close())
	d = &draft{path, f.Name()}
	if err != nil {
		return nil, errors.Join(err, d.discard())
	}
	return d, nil
}

// publish puts d in its place.
func (d *draft) publish() error {
	if err := os.Rename(d.temp, d.path); err != nil {
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

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
