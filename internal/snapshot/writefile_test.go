package snapshot

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A writerTo is content that writes a text and then fails, if err is set.
type writerTo struct {
	text string
	err  error
}

func (c writerTo) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, c.text)
	return int64(n), errors.Join(err, c.err)
}

// checkFolder compares the names and texts of the files in a folder.
func checkFolder(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if text, ok := want[e.Name()]; !ok || err != nil || string(b) != text {
			t.Errorf("%s has %q, %v, want %q", e.Name(), b, err, text)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"new\n", "replaced\n", strings.Repeat("large\n", 100_000)} {
		if err := WriteFile(path, writerTo{text: text}); err != nil {
			t.Fatal(err)
		}
		checkFolder(t, dir, map[string]string{"file": text})
	}
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if fi.Mode() != 0o644 {
		t.Errorf("mode is %v, want 0644", fi.Mode())
	}
}

// TestWriteFileKeepsOpenFile: who has the old file open goes on to read the old content.
func TestWriteFileKeepsOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, writerTo{text: "old"}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WriteFile(path, writerTo{text: "new"}); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); string(b) != "old" || err != nil {
		t.Errorf("the open file has %q, %v", b, err)
	}
}

func TestWriteFileFails(t *testing.T) {
	broken := errors.New("broken")
	t.Run("content", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		if err := WriteFile(path, writerTo{text: "old"}); err != nil {
			t.Fatal(err)
		}
		err := WriteFile(path, writerTo{strings.Repeat("half\n", 10_000), broken})
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "write "+path) {
			t.Errorf("error is %v", err)
		}
		checkFolder(t, dir, map[string]string{"file": "old"})
	})
	t.Run("no folder", func(t *testing.T) {
		err := WriteFile(filepath.Join(t.TempDir(), "missing", "file"), writerTo{text: "new"})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("path is a folder", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "file"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(filepath.Join(dir, "file"), writerTo{text: "new"}); err == nil {
			t.Error("no error")
		}
		if entries, err := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("something was left behind: %v, %v", entries, err)
		}
	})
}

// TestWriteFileDevice: what is no regular file stays. A socket stands for the devices, which only root can make.
func TestWriteFileDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := WriteFile(path, writerTo{text: "new"}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error is %v", err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Type() != fs.ModeSocket {
		t.Errorf("the socket is %v, %v", fi, err)
	}
}

// TestWriteFileLink: the link stays, and the file that it leads to is replaced, in its own folder.
func TestWriteFileLink(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	target, link := filepath.Join(dir, "data", "file"), filepath.Join(dir, "link")
	if err := os.Symlink("data/file", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, writerTo{text: "new"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nothing: error is %v", err)
	}
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, writerTo{text: "new"}); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, filepath.Join(dir, "data"), map[string]string{"file": "new"})
	if to, err := os.Readlink(link); to != "data/file" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}
