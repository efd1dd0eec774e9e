package cache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small disk for the test: mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	c, err := Open(filepath.Join(dir, "cache"))
	if err != nil {
		t.Fatal(err)
	}
	small, large := c.Key("small"), c.Key("large")
	c.Put(small, []byte("data"))
	c.Put(large, make([]byte, 100<<10))
	miss(t, c, large)
	hit(t, c, small, "data")
	if got := files(t, c); len(got) != 1 {
		t.Errorf("files: %s", got)
	}
	err = os.WriteFile(filepath.Join(dir, "other"), bytes.Repeat([]byte("x"), 100<<10), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	c.Put(small, []byte("new data"))
	hit(t, c, small, "data")
	c.Trim()
}
