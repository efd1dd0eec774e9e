package git_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/git"
	"github.com/revmap/revmap/internal/gittest"
)

// newRepository makes a repository with a commit of a few files, and returns its folder.
func newRepository(t *testing.T) string {
	t.Helper()
	w := gittest.New(t)
	w.Write(map[string]string{"a": "first\r\n", "folder/b": "", "line\nbreak": "x"})
	for from, to := range map[string]string{"to-a": "a", "to-folder": "folder", "out": "/etc/passwd", "none": "nothing", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(w.Dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	w.Commit("first")
	return w.Dir
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := git.Command{Dir: dir, Env: []string{
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.net", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.net",
	}}
	out, err := c.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Nothing that surrounds the process has part in what Git does.
func TestRun(t *testing.T) {
	dir := newRepository(t)
	for name, value := range map[string]string{
		"GIT_DIR": filepath.Join(t.TempDir(), "other.git"), "GIT_INDEX_FILE": "none", "GIT_WORK_TREE": t.TempDir(),
		"GIT_OBJECT_DIRECTORY": t.TempDir(), "GIT_NAMESPACE": "other", "GIT_TRACE": "1", "LC_ALL": "de_DE.UTF-8", "GIT_EXTERNAL_DIFF": "false",
	} {
		t.Setenv(name, value)
	}
	if out, err := (git.Command{Dir: dir}).Run(t.Context(), "status", "--porcelain"); out != "" || err != nil {
		t.Errorf("status: %q, %v", out, err)
	}
	in := git.Command{Dir: dir, Stdin: strings.NewReader("text"), Env: []string{"GIT_OBJECT_DIRECTORY=" + t.TempDir()}}
	id, err := in.Run(t.Context(), "hash-object", "-w", "--stdin")
	if want := "f3a34851d44d6b97c90fbb99dd3d18c261b9a237"; id != want || err != nil {
		t.Errorf("hash-object: %q, %v", id, err)
	}
	if _, err := (git.Command{Dir: dir}).Run(t.Context(), "cat-file", "-e", id); err == nil {
		t.Error("the object is in another folder than was told")
	}

	// A hook that would stop everything, in the repository's own configuration.
	hooks := t.TempDir()
	if err := os.WriteFile(filepath.Join(hooks, "reference-transaction"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "config", "core.hooksPath", hooks)
	run(t, dir, "config", "core.fsmonitor", "false; touch "+filepath.Join(dir, "monitor"))
	run(t, dir, "config", "commit.gpgSign", "true")
	run(t, dir, "config", "gpg.program", "false")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "second")
	if out := run(t, dir, "status", "--porcelain"); out != "" {
		t.Errorf("status: %q", out)
	}

	if _, err := (git.Command{Dir: dir}).Run(t.Context(), "ls-remote", "ext::sh -c true"); err == nil ||
		!strings.Contains(err.Error(), "transport 'ext' not allowed") {
		t.Errorf("the address of a remote is run: %v", err)
	}

	run(t, dir, "tag", "main")
	for _, tt := range []struct {
		args    []string
		message string
	}{
		{[]string{"rev-parse", "--verify", "none"}, "Needed a single revision"},
		{[]string{"rev-parse", "--verify", "main"}, "warning: refname 'main' is ambiguous."},
		{[]string{"fetch", "http://user:secret@127.0.0.1:1/x"}, "unable to access 'http://127.0.0.1:1/x/': "},
		{[]string{"merge-base", "--is-ancestor", "HEAD", "HEAD~1"}, ""},
		{[]string{"checkout", "refs/heads/main", "--", "x\x01"}, "pathspec 'x?' did not match any file(s) known to git"},
	} {
		_, err := (git.Command{Dir: dir}).Run(t.Context(), tt.args...)
		var failed *git.Error
		if !errors.As(err, &failed) || failed.Command != tt.args[0] || !strings.HasPrefix(failed.Message, tt.message) ||
			tt.message == "" && failed.Message != "" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %q, want %q", tt.args, err, tt.message)
		}
	}
	if _, err := (git.Command{Dir: filepath.Join(dir, "gone")}).Run(t.Context(), "status"); err == nil ||
		!strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("in a folder that is none: %v", err)
	}

	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := (git.Command{Dir: dir}).Run(stopped, "status"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := (git.Command{Dir: dir}).Run(t.Context(), "status"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("without git: %v", err)
	}
	if _, err := (git.Command{Dir: dir}).Start(t.Context(), "status"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("without git: %v", err)
	}
}

func TestStart(t *testing.T) {
	dir := newRepository(t)
	p, err := git.Command{Dir: dir}.Start(t.Context(), "cat-file", "--batch")
	if err != nil {
		t.Fatal(err)
	}
	p.Close() // while it waits for us
	p.Close()

	if p, err = (git.Command{Dir: dir}).Start(t.Context(), "log", "nonsense"); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if out, err := io.ReadAll(p.Out); len(out) > 0 || err != nil {
		t.Errorf("it prints %q, %v", out, err)
	}
	if err := p.Wait(); err == nil || !strings.HasPrefix(err.Error(), "git log: ambiguous argument 'nonsense'") {
		t.Errorf("it ends with %v", err)
	}
}

func TestObjects(t *testing.T) {
	dir := newRepository(t)
	o, err := git.OpenObjects(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 2 { // what is missing does not upset the next
		for name, want := range map[string]string{
			"HEAD:a": "first\r\n", "HEAD:folder/b": "", "HEAD:to-a": "first\r\n", "HEAD:to-folder/b": "",
			run(t, dir, "rev-parse", "HEAD:line\nbreak"): "x",
		} {
			if got, err := o.Blob(name); got == nil || string(got) != want || err != nil {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
		for _, name := range []string{"HEAD", "HEAD:folder", "HEAD:out", "HEAD:none", "HEAD:loop", "HEAD:to-a/x", "HEAD:x y blob 3", "HEAD:line\nbreak", "x"} {
			if got, err := o.Blob(name); got != nil || !errors.Is(err, git.ErrMissing) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}

	none, err := git.OpenObjects(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	if _, err := none.Blob("HEAD:a"); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("without a repository: %v", err)
	}
}
