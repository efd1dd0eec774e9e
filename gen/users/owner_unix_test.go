//go:build unix

package users

import (
	"os"
	"syscall"
	"testing"
)

// TestEditKeepsOwner: a server that is not root can read its file after root has edited it.
func TestEditKeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to others")
	}
	path := writeExample(t, example)
	if err := os.Chown(path, 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := Edit(path, func(f *File) error { return f.Remove("carol") }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 1 || s.Gid != 2 || info.Mode().Perm() != 0o600 {
		t.Errorf("owner %d, group %d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}
