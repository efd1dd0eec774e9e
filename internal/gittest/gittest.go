// Package gittest gives tests a Git repository. It is for tests only.
package gittest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/peer"
)

// A Tree is a work tree, or a bare repository, of a test.
type Tree struct {
	testing.TB
	Dir string
}

// New makes a Tree in a folder of its own.
func New(t testing.TB) Tree {
	t.Helper()
	return In(t, t.TempDir())
}

// In makes a Tree without commits in a folder, with more options of git init; main is checked out. Without git the test
// is skipped, or fails in CI. From here on all processes of the test know A Person <person@example.net> as author and
// committer, and nothing that is configured on this machine. So the test cannot be parallel; it may set other variables.
func In(t testing.TB, dir string, options ...string) Tree {
	t.Helper()
	peer.Needs(t, "git")
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_DEFAULT_HASH": "sha1",
		"GIT_AUTHOR_NAME": "A Person", "GIT_AUTHOR_EMAIL": "person@example.net",
		"GIT_COMMITTER_NAME": "A Person", "GIT_COMMITTER_EMAIL": "person@example.net",
	} {
		t.Setenv(name, value)
	}
	Tree{t, "."}.Git(append([]string{"init", "-q", "-b", "main", dir}, options...)...)
	return Tree{t, dir}
}

// Git runs git in the folder, and returns what it prints, without white space around it. It heeds no hooks, nor what a
// hook of another repository is given: those are there to see whether revmap does.
func (w Tree) Git(args ...string) string {
	w.Helper()
	cmd := exec.Command("git", append([]string{
		"-C", w.Dir, "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "color.ui=false"}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GIT_DIR=") || strings.HasPrefix(v, "GIT_INDEX_FILE=")
	})
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Write writes files, by path in the folder.
func (w Tree) Write(files map[string]string) {
	w.Helper()
	for path, text := range files {
		path = filepath.Join(w.Dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.Fatal(err)
		}
	}
}

// Read returns what a file holds.
func (w Tree) Read(path string) string {
	w.Helper()
	data, err := os.ReadFile(filepath.Join(w.Dir, path))
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

// Replace replaces text everywhere in a file, in which it must be.
func (w Tree) Replace(path, old, new string) {
	w.Helper()
	text := w.Read(path)
	if !strings.Contains(text, old) {
		w.Fatalf("%s lacks %q", path, old)
	}
	w.Write(map[string]string{path: strings.ReplaceAll(text, old, new)})
}

// Commit commits all files, even if none has changed, and returns the commit's id.
func (w Tree) Commit(message string) string {
	w.Helper()
	w.Git("add", "-A")
	w.Git("commit", "-q", "--allow-empty", "-m", message)
	return w.Git("rev-parse", "HEAD")
}
