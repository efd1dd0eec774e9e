package snapshot

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/revmap/revmap/internal/durable"
)

// WriteFile replaces the file at path by what content writes, or leaves it as it is: at no time is there a part of a
// file at path, also after a power failure. It writes to a temporary file in the same folder, whose name starts with a
// dot and ends in ".tmp", and renames it. The file gets mode 0644. If path is a symbolic link, the file that it leads to
// is replaced, and the link stays. What is no regular file, such as a device, is left alone, with an error.
//
// An error says that path is as it was, with one exception: if the folder cannot be synced after the rename, the new
// file is there, but might not be after a power failure.
func WriteFile(path string, content io.WriterTo) error {
	if err := writeFile(path, content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeFile(path string, content io.WriterTo) (err error) {
	if fi, err := os.Lstat(path); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		return errors.New("not a regular file") // a device must not make way for a file
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if f != nil { // not renamed
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriter(f)
	if _, err := content.WriteTo(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	err = f.Close()
	f = nil
	if err != nil {
		return err
	}
	return durable.SyncDir(dir)
}
