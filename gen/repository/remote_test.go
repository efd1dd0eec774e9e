package repository_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/internal/peer"
)

// withRemote makes a repository with a remote "origin", and a clone of that in which somebody else is at work.
func withRemote(t *testing.T) (w, remote, other work) {
	w = newWork(t, map[string]string{"records.yaml": "1\n", "records.d/a.yaml": "1\n"})
	remote, other = at(t, filepath.Join(t.TempDir(), "remote.git")), at(t, filepath.Join(t.TempDir(), "other"))
	w.Git("clone", "-q", "--bare", ".", remote.Dir)
	w.Git("remote", "add", "origin", "file://"+remote.Dir)
	w.Git("clone", "-q", remote.Dir, other.Dir)
	return w, remote, other
}

// pushError fails the test unless an error is a PushError with the wanted words.
func (w work) pushError(err error, rejected bool, want string) {
	w.Helper()
	var e *repository.PushError
	if !errors.As(err, &e) || e.Rejected != rejected || !strings.Contains(e.Message, want) || e.Remote != "origin" {
		w.Errorf("%v (%+v), want a PushError, rejected: %t, …%s…", err, e, rejected, want)
	}
}

func TestAdvanceRemote(t *testing.T) {
	w, remote, other := withRemote(t)
	w.Git("tag", "-a", "-m", "a tag", "v1") // no business of the remote's
	r := w.open(repository.Options{Remote: "origin"})
	from, to := w.make(r, map[string]string{"records.yaml": "2\n"})
	if err := r.Advance(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	if remote.Git("rev-parse", "main") != to || w.Git("rev-parse", "main") != to || w.Git("rev-parse", "origin/main") != to {
		t.Error("the branches are not all at the commit")
	}
	if tags := remote.Git("tag"); tags != "" {
		t.Errorf("the remote has tags: %s", tags)
	}
	w.clean()
	remote.sound()

	// Somebody else has pushed.
	other.Git("pull", "-q")
	theirs := other.commit("theirs", map[string]string{"records.d/a.yaml": "2\n"})
	other.Git("push", "-q", "origin", "main")
	from, to = w.make(r, map[string]string{"records.yaml": "3\n"})
	w.pushError(r.Advance(t.Context(), from, to, nil), true, "[rejected] (fetch first)")
	if w.Git("rev-parse", "HEAD") != from || w.Read("records.yaml") != "2\n" {
		t.Error("something has moved here")
	}
	w.clean()

	// Now it is fetched; but the work tree must be in order.
	w.Write(map[string]string{"records.d/a.yaml": "mine\n"})
	var dirty *repository.DirtyError
	if err := r.Fetch(t.Context()); !errors.As(err, &dirty) || w.Git("rev-parse", "HEAD") != from {
		t.Errorf("fetch into a work tree with changes: %v", err)
	}
	w.Git("checkout", "records.d/a.yaml")
	for range 2 {
		if err := r.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if w.Git("rev-parse", "HEAD") != theirs || w.Read("records.d/a.yaml") != "2\n" {
		t.Error("the main branch has not followed")
	}
	w.clean()

	// The remote has a rule.
	hook := filepath.Join(remote.Dir, "hooks", "update")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho we do reviews here >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	from, to = w.make(r, map[string]string{"records.yaml": "4\n"})
	w.pushError(r.Advance(t.Context(), from, to, nil), false, "we do reviews here")
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}

	// The remote has it, but the branch here has moved meanwhile.
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ngit --git-dir='"+strings.ReplaceAll(w.Dir, "'", `'\''`)+
		"/.git' update-ref refs/heads/main "+to+"~2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := r.Advance(t.Context(), from, to, nil)
	if !errors.Is(err, repository.ErrMoved) || !strings.Contains(err.Error(), "origin has commit "+to+" now") || remote.Git("rev-parse", "main") != to {
		t.Errorf("the branch moves while it is pushed: %v", err)
	}
	w.Git("update-ref", "refs/heads/main", from)
	w.clean()
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	if err := r.Fetch(t.Context()); err != nil || w.Git("rev-parse", "HEAD") != to {
		t.Errorf("fetch what was pushed: %v", err)
	}

	// Commits here that are not there are no reason to move; if there are some on both sides, somebody must decide.
	mine := w.commit("mine", map[string]string{"other": "x\n"})
	if err := r.Fetch(t.Context()); err != nil || w.Git("rev-parse", "HEAD") != mine {
		t.Errorf("fetch with a commit of ours: %v", err)
	}
	other.Git("pull", "-q")
	other.commit("theirs, too", map[string]string{"records.d/a.yaml": "3\n"})
	other.Git("push", "-q", "origin", "main")
	err = r.Fetch(t.Context())
	const want = "fetch main from origin: each of main and origin/main has commits that the other has not: merge or rebase them in "
	if err == nil || err.Error() != want+w.Dir+", and push" || w.Git("rev-parse", "HEAD") != mine {
		t.Errorf("fetch into a branch that has gone elsewhere: %v", err)
	}

	// The remote is away.
	if err := os.Rename(remote.Dir, remote.Dir+"-away"); err != nil {
		t.Fatal(err)
	}
	from, to = w.make(r, map[string]string{"records.yaml": "5\n"})
	w.pushError(r.Advance(t.Context(), from, to, nil), false, "does not appear to be a git repository")
	if err := r.Fetch(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "fetch main from origin: git fetch: ") {
		t.Errorf("fetch: %v", err)
	}
	w.clean()
}

// While the remote takes its time, somebody goes on working.
func TestAdvanceMeanwhile(t *testing.T) {
	w, remote, _ := withRemote(t)
	linked := at(t, filepath.Join(t.TempDir(), "linked"))
	w.Git("worktree", "add", "-q", "--force", linked.Dir, "main")
	r := w.open(repository.Options{Remote: "origin"})
	from, to := w.make(r, map[string]string{"records.yaml": "2\n", "records.d/a.yaml": "1\n2\n", "new": "n\n"})
	hook := "#!/bin/sh\ncd '" + linked.Dir + "' || exit\necho mine >records.d/a.yaml\necho mine >new\n"
	if err := os.WriteFile(filepath.Join(remote.Dir, "hooks", "update"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	err := r.Advance(t.Context(), from, to, nil)
	var dirty *repository.DirtyError
	if !errors.As(err, &dirty) || dirty.Folder != linked.Dir || !strings.Contains(err.Error(), "origin has commit "+to+" now") {
		t.Errorf("%v, want a DirtyError about %s", err, linked.Dir)
	}
	if w.Git("rev-parse", "main") != from || linked.Read("records.d/a.yaml") != "mine\n" || linked.Read("new") != "mine\n" {
		t.Error("something has moved")
	}
	w.clean()
	linked.Git("checkout", "-q", ".")
	if err := os.Remove(filepath.Join(linked.Dir, "new")); err != nil {
		t.Fatal(err)
	}
	linked.clean()
	if err := r.Fetch(t.Context()); err != nil || linked.Read("new") != "n\n" {
		t.Errorf("fetch what was pushed: %v", err)
	}
	w.clean()
	linked.clean()
}

func TestPush(t *testing.T) {
	w, remote, other := withRemote(t)
	const name = "rdns/alice/api"
	r := w.open(repository.Options{Remote: "origin"})
	_, one := w.make(r, map[string]string{"records.yaml": "2\n"})
	_, two := w.make(r, map[string]string{"records.yaml": "3\n"})
	_, three := w.make(r, map[string]string{"records.yaml": "4\n"})
	there := func(want string) {
		t.Helper()
		if got := remote.Git("for-each-ref", "--format=%(objectname)", "refs/heads/"+name); got != want {
			t.Errorf("the remote has %q, want %q", got, want)
		}
	}
	set := func(from, to string) {
		t.Helper()
		if err := r.SetBranch(t.Context(), name, from, to); err != nil {
			t.Fatal(err)
		}
	}
	push := func(want string) {
		t.Helper()
		if err := r.Push(t.Context(), name); err != nil {
			t.Error(err)
		}
		there(want)
	}
	if err := r.Push(t.Context(), name); err == nil || err.Error() != "push rdns/alice/api: there is no such branch" {
		t.Errorf("push what is not there: %v", err)
	}
	set("", one)
	push(one)
	push(one)
	set(one, two)
	push(two)
	// A process that was killed after it has pushed, before it knew.
	w.Git("push", "-q", "--force", "origin", three+":refs/heads/"+name)
	push(two)

	// Somebody has added a commit, which is not even known here; then it is known.
	other.Git("fetch", "-q")
	other.Git("checkout", "-q", name)
	theirs := other.commit("theirs", map[string]string{"records.yaml": "mine\n"})
	other.Git("push", "-q", "origin", name)
	set(two, three)
	for range 2 {
		w.pushError(r.Push(t.Context(), name), true, "somebody else has pushed to it")
		w.pushError(r.DeleteBranch(t.Context(), name, three), true, "somebody else has pushed to it")
		there(theirs)
		w.Git("fetch", "-q", "origin")
	}
	if w.Git("rev-parse", name) != three {
		t.Error("the branch is not where it was")
	}

	// They take it back; then the branch is declined.
	other.Git("push", "-q", "--force", "origin", two+":refs/heads/"+name)
	push(three)
	if err := r.Fetch(t.Context()); err != nil || w.Git("rev-parse", name) != three {
		t.Errorf("fetch: %v", err)
	}
	other.Git("push", "-q", "origin", "--delete", name)
	for range 2 {
		if err := r.Fetch(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if refs := w.Git("for-each-ref", "--format=%(refname)", "refs/heads/rdns", "refs/revmap/pushed"); refs != "" {
		t.Errorf("what was declined is still there: %s", refs)
	}

	// Withdrawn, while it is at the remote and after it was deleted there.
	for _, deleted := range []bool{false, true} {
		set("", one)
		push(one)
		if deleted {
			other.Git("push", "-q", "origin", "--delete", name)
		}
		if err := r.DeleteBranch(t.Context(), name, one); err != nil {
			t.Error(err)
		}
		there("")
		if refs := w.Git("for-each-ref", "--format=%(refname)", "refs/heads/rdns", "refs/revmap/pushed"); refs != "" {
			t.Errorf("what was withdrawn is still there: %s", refs)
		}
	}

	// Not pushed, and so not known to the remote.
	set("", one)
	if err := r.Fetch(t.Context()); err != nil || w.Git("rev-parse", name) != one {
		t.Errorf("fetch: %v", err)
	}
	// Pushed, and replaced since; what was pushed is declined.
	push(one)
	set(one, two)
	other.Git("push", "-q", "origin", "--delete", name)
	if err := r.Fetch(t.Context()); err != nil || w.Git("rev-parse", name) != two {
		t.Errorf("fetch: %v", err)
	}
	if err := os.RemoveAll(remote.Dir); err != nil {
		t.Fatal(err)
	}
	w.pushError(r.Push(t.Context(), name), false, "does not appear to be a git repository")
	if err := r.DeleteBranch(t.Context(), name, two); err != nil {
		t.Errorf("delete what is not at the remote: %v", err)
	}
	w.clean()
}

// What a fetch finds deleted at the remote is just being withdrawn here, or the other way round: both delete each ref.
func TestDeletedTwice(t *testing.T) {
	w, remote, _ := withRemote(t)
	const name = "rdns/alice/api"
	r := w.open(repository.Options{Remote: "origin"})
	_, id := w.make(r, map[string]string{"records.yaml": "2\n"})
	bin, real := t.TempDir(), peer.Needs(t, "git")[0]
	script := "#!/bin/sh\ncase \"$*\" in *'update-ref -m revmap -d '*) " + real + " \"$@\";; esac\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	for what, end := range map[string]func() error{
		"fetch":    func() error { return r.Fetch(t.Context()) },
		"withdraw": func() error { return r.DeleteBranch(t.Context(), name, id) },
	} {
		if err := errors.Join(r.SetBranch(t.Context(), name, "", id), r.Push(t.Context(), name)); err != nil {
			t.Fatal(err)
		}
		remote.Git("update-ref", "-d", "refs/heads/"+name)
		t.Setenv("PATH", bin+":"+path)
		err := end()
		t.Setenv("PATH", path)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if refs := w.Git("for-each-ref", "--format=%(refname)", "refs/heads/rdns", "refs/revmap/pushed"); refs != "" {
			t.Errorf("%s: still there: %s", what, refs)
		}
	}
}

// Nobody is asked for a passphrase, unless somebody has told how ssh is run.
func TestSSH(t *testing.T) {
	w := newWork(t, map[string]string{"records.yaml": "1\n"})
	w.Git("remote", "add", "origin", "ssh://git.example.net/repository")
	bin := t.TempDir()
	for _, name := range []string{"ssh", "own-ssh"} {
		script := "#!/bin/sh\necho \"$@\" >>" + filepath.Join(bin, name+"-args") + "\necho cannot reach it >&2\nexit 255\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	tests := []struct {
		variable, configured string
		program, has         string
	}{
		{"", "", "ssh", "-oBatchMode=yes"},
		{"own-ssh -o X", "", "own-ssh", "-o X"},
		{"", "own-ssh -o Y", "own-ssh", "-o Y"},
	}
	for _, tt := range tests {
		t.Setenv("GIT_SSH_COMMAND", tt.variable) // and as it was at the end
		if tt.variable == "" {
			if err := os.Unsetenv("GIT_SSH_COMMAND"); err != nil {
				t.Fatal(err)
			}
		}
		if tt.configured != "" {
			w.Git("config", "core.sshCommand", tt.configured)
		}
		r := w.open(repository.Options{Remote: "origin"})
		from, to := w.make(r, map[string]string{"records.yaml": "2\n"})
		w.pushError(r.Advance(t.Context(), from, to, nil), false, "cannot reach it")
		args, err := os.ReadFile(filepath.Join(bin, tt.program+"-args"))
		if err != nil || !strings.Contains(string(args), tt.has) {
			t.Errorf("%+v: called with %s, %v", tt, args, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
