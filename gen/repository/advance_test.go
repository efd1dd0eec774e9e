package repository_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/repository"
)

// Work trees follow the main branch, and keep what is changed elsewhere in them.
func TestAdvance(t *testing.T) {
	w := newWork(t, map[string]string{
		".gitattributes": "*.up filter=upper\n", "records.yaml": "1\n", "other": "1\n", "records.d/a.up": "A\n",
	})
	linked, detached := at(t, filepath.Join(t.TempDir(), "linked tree")), at(t, filepath.Join(t.TempDir(), "detached"))
	w.Git("worktree", "add", "-q", "--force", linked.Dir, "main")
	w.Git("worktree", "add", "-q", "--detach", detached.Dir)
	gone := filepath.Join(t.TempDir(), "gone")
	w.Git("worktree", "add", "-q", "--force", gone, "main")
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	r := w.open(repository.Options{})
	w.Write(map[string]string{"other": "2\n", "staged": "x\n", "untracked": "y\n"})
	w.Git("add", "staged")
	const dirty = " M other\nA  staged\n?? untracked"

	from, to := w.make(r, map[string]string{"records.yaml": "2\n", "records.d/a.up": "AB\n", "new/file": "n\n"})
	if err := r.Advance(t.Context(), to, from, nil); !errors.Is(err, repository.ErrMoved) {
		t.Errorf("from where it is not: %v", err)
	}
	if err := r.Advance(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	for _, w := range []work{w, linked} {
		if w.Git("rev-parse", "HEAD") != to || w.Read("records.yaml") != "2\n" || w.Read("records.d/a.up") != "ab\n" || w.Read("new/file") != "n\n" {
			t.Errorf("%s is not at the commit", w.Dir)
		}
	}
	if got := "" + w.Git("status", "--porcelain"); got != strings.TrimSpace(dirty) {
		t.Errorf("status:\n%s\nwant\n%s", got, dirty)
	}
	linked.clean()
	if detached.Git("rev-parse", "HEAD") != from || detached.Read("records.yaml") != "1\n" {
		t.Error("a work tree that has another commit checked out has moved")
	}
	detached.clean()

	// What is in the way of the commit.
	from, to = w.make(r, map[string]string{"records.yaml": "3\n", "untracked": "z\n", "records.d/a.up": "ABC\n"})
	for _, tt := range []struct {
		w            work
		dirty, clean func()
		want         []string
	}{
		{w, func() {
			os.Remove(filepath.Join(w.Dir, "records.yaml"))
			w.Write(map[string]string{"records.yaml": "mine\n"})
		},
			func() { w.Git("checkout", "records.yaml") }, []string{"records.yaml", "untracked"}},
		{w, func() { w.Write(map[string]string{"records.yaml": "mine\n"}); w.Git("add", "records.yaml") },
			func() { w.Git("reset", "-q", "records.yaml"); w.Git("checkout", "records.yaml") }, []string{"untracked"}},
		{w, func() {}, func() { os.Remove(filepath.Join(w.Dir, "untracked")) }, []string{"untracked"}},
		{linked, func() { linked.Write(map[string]string{"records.d/a.up": "mine\n"}) },
			func() { linked.Git("checkout", "records.d/a.up") }, []string{"records.d/a.up"}},
		{linked, func() { linked.Write(map[string]string{"records.yaml": "mine\n"}); linked.Git("add", "records.yaml") },
			func() { linked.Git("reset", "-q", "--hard") }, []string{"records.yaml"}},
	} {
		tt.dirty()
		before := tt.w.Git("status", "--porcelain")
		err := r.Advance(t.Context(), from, to, nil)
		var e *repository.DirtyError
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v, want a DirtyError", tt.want, err)
		}
		if diff := cmp.Diff(&repository.DirtyError{Folder: tt.w.Dir, Files: tt.want}, e); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if after := tt.w.Git("status", "--porcelain"); after != before || w.Git("rev-parse", "HEAD") != from || w.Git("status", "-s", "new") != "" {
			t.Errorf("something has moved: %s\nwas:\n%s", after, before)
		}
		tt.clean()
	}
	if err := r.Advance(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	if w.Read("untracked") != "z\n" || linked.Read("records.d/a.up") != "abc\n" {
		t.Error("the work trees have not followed")
	}

	// A lock that somebody has left.
	from, to = w.make(r, map[string]string{"records.yaml": "4\n"})
	lock := filepath.Join(w.Dir, ".git", "index.lock")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "index.lock': File exists"
	if err := r.Advance(t.Context(), from, to, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("with a lock: %v, want …%s…", err, want)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if got := w.Git("rev-parse", "HEAD"); got != from {
		t.Errorf("with a lock, it has moved to %s", got)
	}

	// A branch that is replaced while somebody has it checked out.
	if err := r.SetBranch(t.Context(), "rdns/a/api", "", to); err != nil {
		t.Fatal(err)
	}
	detached.Git("checkout", "-q", "rdns/a/api")
	_, other := w.make(r, map[string]string{"records.yaml": "5\n"})
	if err := r.SetBranch(t.Context(), "rdns/a/api", to, other); err != nil {
		t.Fatal(err)
	}
	if got := detached.Read("records.yaml"); got != "5\n" {
		t.Errorf("the work tree of the branch has %q", got)
	}
	detached.clean()
	w.sound()
}

// What a process has begun when it was killed is done by the next one that opens the repository.
func TestFinish(t *testing.T) {
	w := newWork(t, map[string]string{".gitattributes": "*.up filter=upper\n", "records.yaml": "1\n", "b.up": "B\n", "c": "c\n"})
	journal := filepath.Join(w.Dir, ".git", "revmap", "journal.json")
	var from, to string
	w.sub("make", func(w work) {
		from, to = w.make(w.open(repository.Options{}), map[string]string{"records.yaml": "2\n2\n", "b.up": "NEW\n", "c": "c\nd\n", "new": "n\n"})
	})
	text := `{"Ref":"refs/heads/main","From":"` + from + `","To":"` + to + `","Trees":["` + strings.ReplaceAll(w.Dir, `"`, `\"`) + `"]}`
	moved := func() { w.Git("update-ref", "refs/heads/main", to) }
	for name, tt := range map[string]struct {
		state func()
		text  string
		want  string // commit
		dirty string // a file
	}{
		"nothing":          {func() {}, text, from, ""},
		"half a journal":   {func() {}, text[:20], from, ""},
		"moved":            {moved, text, to, ""},
		"moved, and empty": {func() { moved(); w.Write(map[string]string{"records.yaml": "", "c": ""}) }, text, to, ""},
		"half a file":      {func() { moved(); w.Write(map[string]string{"records.yaml": "2\n", "new": "n"}) }, text, to, ""},
		"all files": {func() {
			moved()
			w.Write(map[string]string{"records.yaml": "2\n2\n", "b.up": "new\n", "c": "c\nd\n", "new": "n\n"})
		}, text, to, ""},
		"no file":           {func() { moved(); os.Remove(filepath.Join(w.Dir, "b.up")) }, text, to, ""},
		"all":               {func() { w.Git("reset", "-q", "--hard", to) }, text, to, ""},
		"somebody's change": {func() { moved(); w.Write(map[string]string{"b.up": "mine\n"}) }, text, to, "b.up"},
		"somebody's file":   {func() { moved(); w.Write(map[string]string{"new": "mine\n"}) }, text, to, "new"},
		"all, and a change": {func() { w.Git("reset", "-q", "--hard", to); w.Write(map[string]string{"b.up": "mine\n"}) }, text, to, ""},
		"another branch":    {func() { moved(); w.Git("checkout", "-qf", "-B", "side", from) }, text, from, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := at(t, w.Dir)
			w.Git("checkout", "-qf", "-B", "main", from)
			w.Git("clean", "-qfd")
			tt.state()
			if err := os.WriteFile(journal, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := repository.Open(t.Context(), repository.Options{Root: filepath.Join(w.Dir, "records.yaml"), Committer: revmap})
			var dirty *repository.DirtyError
			if errors.As(err, &dirty) != (tt.dirty != "") || err != nil && tt.dirty == "" {
				t.Fatalf("%v, want a DirtyError: %q", err, tt.dirty)
			}
			if dirty != nil {
				if !strings.Contains(err.Error(), "in "+tt.dirty) || w.Read(tt.dirty) != "mine\n" {
					t.Errorf("%v, want one about %s, which is %q", err, tt.dirty, w.Read(tt.dirty))
				}
				if err := os.Remove(journal); err != nil {
					t.Error(err)
				}
				return
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if got := w.Git("rev-parse", "HEAD"); got != tt.want {
				t.Errorf("at %s, want %s", got, tt.want)
			}
			if _, err := os.Stat(journal); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the journal: %v", err)
			}
			if name != "all, and a change" {
				w.clean()
			} else if w.Read("b.up") != "mine\n" {
				t.Error("the change is gone")
			}
		})
	}

	// The lock of a git that was killed, too, is not taken for somebody's changes.
	w.Git("checkout", "-qf", "-B", "main", from)
	w.Git("clean", "-qfd")
	moved()
	lock := filepath.Join(w.Dir, ".git", "index.lock")
	for _, err := range []error{
		os.Remove(filepath.Join(w.Dir, "c")), os.WriteFile(lock, nil, 0o600), os.WriteFile(journal, []byte(text), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.fails(repository.Options{Root: filepath.Join(w.Dir, "records.yaml")}, "index.lock': File exists")
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	// The lock that the process has taken itself is taken away.
	if err := os.Link(journal, lock); err != nil {
		t.Fatal(err)
	}
	w.open(repository.Options{})
	w.clean()
	if _, err := os.Stat(lock); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock is there: %v", err)
	}
}
