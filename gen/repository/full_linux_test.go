package repository_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/revmap/revmap/gen/repository"
)

// However little room is left on the disk, a commit is there as a whole or not at all.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	const page = 4 << 10
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("no small disk for the test: mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	text := func(s string) string { return strings.Repeat(s+"\n", 3*page) }
	w := newWorkIn(t, dir, map[string]string{"records.yaml": text("1"), "a.yaml": text("1")})
	w.Git("config", "core.compression", "0")
	r := w.open(repository.Options{})
	filler := filepath.Join(dir, "filler")
	for _, step := range []string{"make", "branch", "advance"} {
		failed := 0
		for free := 0; ; free += 2 * page {
			tip, id := w.make(r, map[string]string{"records.yaml": text(step), "a.yaml": text(step), step: text(step)})
			var disk syscall.Statfs_t
			if err := syscall.Statfs(dir, &disk); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filler, bytes.Repeat([]byte("x"), int(disk.Bavail)*page-free), 0o600); err != nil {
				t.Fatal(err)
			}
			var err error
			switch step {
			case "make":
				files := map[string][]byte{"records.yaml": []byte(text("x")), "a.yaml": []byte(text("x")), "b.yaml": []byte(text("y"))}
				_, err = r.Make(t.Context(), repository.Change{Parent: tip, Author: alice, Message: "m", Files: files})
			case "branch":
				err = r.SetBranch(t.Context(), "rdns/alice/1", "", id)
			case "advance":
				err = r.Advance(t.Context(), tip, id, nil)
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			w.clean()
			branch := w.Git("for-each-ref", "--format=%(objectname)", "refs/heads/rdns/alice/1")
			if head := w.Git("rev-parse", "HEAD"); (head == id) != (err == nil && step == "advance") ||
				(branch == id) != (err == nil && step == "branch") && step != "advance" {
				t.Fatalf("%s: the main branch is at %s, the other at %q: %v", step, head, branch, err)
			}
			left, globbed := filepath.Glob(filepath.Join(r.StateDir(), "[^l]*"))
			if globbed != nil || len(left) > 0 {
				t.Errorf("%s: left: %q, %v", step, left, globbed)
			}
			if err == nil {
				break
			}
			failed++
			w.Git("prune")
		}
		if failed == 0 {
			t.Errorf("%s has never failed: is the disk full?", step)
		}
	}
}
