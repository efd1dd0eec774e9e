package repository_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/internal/gittest"
)

// A work is a work tree in a folder of its own.
type work struct{ gittest.Tree }

// at returns the work tree, or a bare repository, in a folder.
func at(t testing.TB, dir string) work { return work{gittest.Tree{TB: t, Dir: dir}} }

// newWork makes a repository with a first commit, which has files.
func newWork(t testing.TB, files map[string]string, options ...string) work {
	t.Helper()
	return newWorkIn(t, t.TempDir(), files, options...)
}

// newWorkIn is newWork below a folder.
func newWorkIn(t testing.TB, dir string, files map[string]string, options ...string) work {
	t.Helper()
	w := work{gittest.In(t, filepath.Join(dir, `a "folder" with 'quotes' é`), options...)}
	// What a hook of another repository would be given, and what people configure.
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "other.git"))
	t.Setenv("GIT_INDEX_FILE", ".git/other-index")
	config := filepath.Join(t.TempDir(), "config")
	t.Setenv("GIT_CONFIG_GLOBAL", config)
	if err := os.WriteFile(config, []byte(`
[commit]
	gpgSign = true
[gpg]
	program = false
[core]
	editor = false
	autocrlf = input
	safecrlf = false
[push]
	followTags = true
[log]
	follow = true
	showRoot = false
	showSignature = true
	date = relative
[color]
	ui = always
[filter "upper"]
	clean = tr a-z A-Z
	smudge = tr A-Z a-z
`), 0o600); err != nil {
		t.Fatal(err)
	}
	hook := filepath.Join(w.Git("rev-parse", "--absolute-git-dir"), "hooks")
	if err := os.MkdirAll(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"post-checkout", "reference-transaction", "pre-push", "post-index-change"} {
		text := "#!/bin/sh\ntouch " + name + "-has-run\n"
		if err := os.WriteFile(filepath.Join(hook, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.commit("first", files)
	return w
}

// commit commits all files, and returns the commit's id.
func (w work) commit(message string, files map[string]string) string {
	w.Helper()
	w.Write(files)
	return w.Commit(message)
}

// clean fails the test if the work tree or the repository is not in order.
func (w work) clean() {
	w.Helper()
	if status := w.Git("status", "--porcelain"); status != "" {
		w.Errorf("the work tree has changes:\n%s", status)
	}
	w.sound()
}

// sound fails the test if the repository is not in order, or a hook has run.
func (w work) sound() {
	w.Helper()
	if out := w.Git("fsck", "--strict", "--no-dangling"); out != "" {
		w.Errorf("git fsck: %s", out)
	}
	err := filepath.WalkDir(w.Dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, "-has-run") {
			w.Errorf("a hook has run: %s", path)
		}
		return err
	})
	if err != nil {
		w.Error(err)
	}
}

var revmap = repository.Identity{Name: "revmap", Email: "revmap@example.net"}
var alice = repository.Identity{Name: "Alice Ö. Example", Email: "alice@example.net"}

// open opens the repository of a root file in the work tree.
func (w work) open(o repository.Options) *repository.Repository {
	w.Helper()
	if o.Root == "" {
		o.Root = "records.yaml"
	}
	o.Root, o.Committer = filepath.Join(w.Dir, o.Root), revmap
	r, err := repository.Open(w.Context(), o)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := r.Close(); err != nil {
			w.Error(err)
		}
	})
	return r
}

// fails fails the test unless the repository cannot be opened for a reason that has the wanted words.
func (w work) fails(o repository.Options, want string) {
	w.Helper()
	if o.Committer == (repository.Identity{}) {
		o.Committer = revmap
	}
	r, err := repository.Open(w.Context(), o)
	if err == nil {
		r.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		w.Errorf("open %+v: %v, want …%s…", o, err, want)
	}
}

// make writes a commit to the tip.
func (w work) make(r *repository.Repository, files map[string]string) (from, to string) {
	w.Helper()
	tip, err := r.Tip(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	c := repository.Change{Parent: tip.ID, Author: alice, Message: "Change\n\nWhy — é.\n", Files: map[string][]byte{}}
	for path, text := range files {
		c.Files[path] = []byte(text)
	}
	id, err := r.Make(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	return tip.ID, id
}

func TestMake(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			w := newWork(t, map[string]string{
				"dns/.gitattributes":   "*.yaml filter=upper text eol=crlf export-ignore\n",
				"dns/records.yaml":     "A: 1\nB: 2\n",
				"dns/records.d/a.yaml": "FIRST\n",
				"other":                "x\n",
			}, "--object-format="+format)
			w.Git("config", "core.autocrlf", "false")
			w.Write(map[string]string{"dns/records.d/crlf": "a\r\nb\r\n", "dns/records.d/run": "#!/bin/sh\n"})
			if err := os.Chmod(filepath.Join(w.Dir, "dns/records.d/run"), 0o755); err != nil {
				t.Fatal(err)
			}
			for to, from := range map[string]string{"a.yaml": "records.d/link.yaml", "records.d": "folder", "../other": "out"} {
				if err := os.Symlink(to, filepath.Join(w.Dir, "dns", from)); err != nil {
					t.Fatal(err)
				}
			}
			first := w.commit("second\n\nWith a body\nof two lines.", nil)
			r := w.open(repository.Options{Root: "dns/records.yaml"})
			w.Write(map[string]string{"dns/records.yaml": "what lies in the work tree"})
			w.Write(map[string]string{"staged": "and what is staged\n"})
			w.Git("add", "staged")

			tip, err := r.Tip(t.Context())
			if err != nil || tip.ID != first || tip.Subject != "second" || tip.Body != "With a body\nof two lines." ||
				tip.Author != (repository.Identity{Name: "A Person", Email: "person@example.net"}) || tip.Time.IsZero() {
				t.Fatalf("tip: %+v, %v", tip, err)
			}
			id, err := r.Make(t.Context(), repository.Change{
				Parent: first, Author: alice, Message: "Subject\n\nWhy — é.",
				Files: map[string][]byte{
					"records.yaml": []byte("A: 2\r\nb: 2"), "records.d/crlf": []byte("c\r\n"), "records.d/run": []byte("#!/bin/false\n"),
					"new/é \"file\"": []byte(""),
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			const wantRaw = ":100644 100644 M dns/records.d/crlf;:100755 100755 M dns/records.d/run;:100644 100644 M dns/records.yaml;" +
				":000000 100644 A dns/new/é \"file\""
			var raw []string
			for line := range strings.SplitSeq(w.Git("-c", "core.quotePath=false", "diff-tree", "-r", "-z", first, id), "\x00:") {
				words := strings.Fields(strings.ReplaceAll(line, "\x00", " "))
				raw = append(raw, ":"+strings.TrimPrefix(words[0], ":")+" "+words[1]+" "+strings.Join(words[4:], " "))
			}
			want := strings.Split(wantRaw, ";")
			slices.Sort(want)
			slices.Sort(raw)
			if diff := cmp.Diff(want, raw); diff != "" {
				t.Errorf("the commit changes (-want +got):\n%s", diff)
			}
			const wantLog = "Alice Ö. Example <alice@example.net>\nrevmap <revmap@example.net>\nSubject\n\nWhy — é."
			if got := w.Git("log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%B", id); got != wantLog {
				t.Errorf("the commit says\n%s", got)
			}
			if got := w.Git("log", "-1", "--format=%P%e", id); got != first {
				t.Errorf("its parent and encoding: %s, want %s", got, first)
			}

			files, err := r.ReadFiles(t.Context(), id, []string{
				"records.yaml", "records.d/crlf", "records.d/link.yaml", "folder/crlf", "new/é \"file\"",
				"out", "records.d", "none", "../other", "", "records.yaml/x", "a\nb",
			})
			wantFiles := map[string][]byte{
				"records.yaml": []byte("A: 2\r\nb: 2"), "records.d/crlf": []byte("c\r\n"), "folder/crlf": []byte("c\r\n"),
				"records.d/link.yaml": []byte("FIRST\n"), "new/é \"file\"": {}, "out": []byte("x\n"),
			}
			if diff := cmp.Diff(wantFiles, files); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}

			dir := t.TempDir()
			if err := r.CheckOut(t.Context(), id, dir); err != nil {
				t.Fatal(err)
			}
			copied := at(t, dir)
			delete(wantFiles, "out") // it leads out of the folder
			for path, want := range wantFiles {
				if got := copied.Read(path); got != string(want) {
					t.Errorf("%s is %q, want %q", path, got, want)
				}
			}
			if to, err := os.Readlink(filepath.Join(dir, "folder")); to != "records.d" {
				t.Errorf("the link leads to %q, %v", to, err)
			}

			for path, want := range map[string]string{
				"records.d/link.yaml": "make a commit: dns/records.d/link.yaml is a symbolic link: edit what it leads to",
				"folder/crlf":         "make a commit: dns/folder is a symbolic link: edit what it leads to",
				"records.yaml/new":    "make a commit: git update-index: ",
				"records.d":           "make a commit: git update-index: ",
				"../other":            `make a commit: "../other" is no path below the folder of the root file`,
				"/other":              `make a commit: "/other" is no path below the folder of the root file`,
				".git/config":         "make a commit: git update-index: ",
			} {
				c := repository.Change{Parent: first, Author: alice, Message: "m", Files: map[string][]byte{path: []byte("x")}}
				if id, err := r.Make(t.Context(), c); err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%s: %s, %v, want %s", path, id, err, want)
				}
			}
			for _, author := range []repository.Identity{{}, {Name: "A"}, {Name: "A <b>", Email: "a@b"}, {Name: "A", Email: "a\nb"}} {
				c := repository.Change{Parent: first, Author: author, Message: "m"}
				if _, err := r.Make(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the author: ") {
					t.Errorf("author %q: %v", author, err)
				}
			}
			if w.Git("rev-parse", "HEAD") != first || w.Git("diff", "--cached", "--name-only") != "staged" {
				t.Error("the branch or the index has changed")
			}
			left, err := filepath.Glob(filepath.Join(r.StateDir(), "*"))
			if len(left) != 1 || filepath.Base(left[0]) != "lock" {
				t.Errorf("left: %q, %v", left, err)
			}
			w.sound()
		})
	}
}

func TestBranches(t *testing.T) {
	w := newWork(t, map[string]string{"records.yaml": "1\n"})
	r := w.open(repository.Options{})
	from, one := w.make(r, map[string]string{"records.yaml": "2\n"})
	_, two := w.make(r, map[string]string{"records.yaml": "3\n"})
	for _, tt := range []struct {
		name, from, to string
		want           string
	}{
		{"rdns/alice/1", "", one, ""},
		{"rdns/alice/1", "", two, "move branch rdns/alice/1: the branch has moved"},
		{"rdns/alice/1", from, two, "move branch rdns/alice/1: the branch has moved"},
		{"rdns/alice/1", one, two, ""},
		{"rdns/alice/10", "", one, ""},
		{"rdns/bob/1", "", from, ""},
		{"rdns/none", one, two, "move branch rdns/none: the branch has moved"},
		{"rdns/alice", "", two, "move branch rdns/alice: git update-ref: "},
		{"rdns/..", "", two, "move branch rdns/..: git update-ref: "},
	} {
		err := r.SetBranch(t.Context(), tt.name, tt.from, tt.to)
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s from %q: %v, want %s", tt.name, tt.from, err, tt.want)
		}
		if strings.HasSuffix(tt.want, "moved") != errors.Is(err, repository.ErrMoved) {
			t.Errorf("%s from %q: %v is ErrMoved: %t", tt.name, tt.from, err, errors.Is(err, repository.ErrMoved))
		}
	}
	for prefix, want := range map[string]string{
		"rdns/":        "rdns/alice/1 rdns/alice/10 rdns/bob/1+",
		"rdns/alice/1": "rdns/alice/1 rdns/alice/10",
		"rdns/a":       "rdns/alice/1 rdns/alice/10",
		"main":         "main+",
		"x":            "",
	} {
		list, err := r.Branches(t.Context(), prefix)
		var got []string
		for _, b := range list {
			if b.Merged {
				b.Name += "+"
			}
			got = append(got, b.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v, want %s", prefix, got, err, want)
		}
	}
	list, err := r.Branches(t.Context(), "rdns/alice/1")
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	if c := list[0].Commit; c.ID != two || c.Author != alice || c.Subject != "Change" || c.Body != "Why — é." || c.Time.IsZero() {
		t.Errorf("commit: %+v", c)
	}

	if err := r.DeleteBranch(t.Context(), "rdns/alice/1", one); !errors.Is(err, repository.ErrMoved) {
		t.Errorf("delete at another commit: %v", err)
	}
	if err := r.DeleteBranch(t.Context(), "rdns/alice/1", two); err != nil {
		t.Error(err)
	}
	if err := r.DeleteBranch(t.Context(), "rdns/alice/1", two); !errors.Is(err, repository.ErrMoved) {
		t.Errorf("delete once more: %v", err)
	}
	w.Git("checkout", "-q", "rdns/alice/10")
	if err := r.DeleteBranch(t.Context(), "rdns/alice/10", one); err == nil || !strings.Contains(err.Error(), "checked out in "+w.Dir) {
		t.Errorf("delete the branch that is checked out: %v", err)
	}
	w.clean()
}

// A commit tells who has changed a file, in merges, too.
func TestHistory(t *testing.T) {
	w := newWork(t, map[string]string{"dns/records.yaml": "1\n", "other": "1\n"})
	w.commit("change of another", map[string]string{"other": "2\n"})
	w.Git("checkout", "-q", "-b", "side")
	w.commit("side", map[string]string{"dns/records.yaml": "1\n\n\n\n2\n"})
	w.Git("checkout", "-q", "main")
	w.commit("meanwhile", map[string]string{"dns/records.yaml": "0\n1\n"})
	w.Git("checkout", "-q", "main~1")
	w.Git("checkout", "-q", "-b", "two")
	w.commit("two of two", map[string]string{"new": "x"})
	w.Git("checkout", "-q", "main")
	w.Git("merge", "-q", "--no-ff", "-m", "merge", "-X", "theirs", "side")
	w.Git("merge", "-q", "--no-ff", "-m", "merge of nothing", "two")
	w.Git("rm", "-q", "dns/records.yaml")
	w.Git("commit", "-q", "-m", "removed")
	last := w.commit("back", map[string]string{"dns/records.yaml": ""})
	r := w.open(repository.Options{Root: "dns/records.yaml"})

	history := func(file string, max, stop int) (got []string) {
		err := r.History(t.Context(), last, file, max, func(rev repository.Revision) bool {
			text := rev.Subject + ": " + strings.ReplaceAll(string(rev.Data), "\n", "|")
			if rev.Data == nil {
				text = rev.Subject + " removes it"
			}
			got = append(got, text)
			return len(got) != stop
		})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	all := []string{"back: ", "removed removes it", "side: " + strings.ReplaceAll(w.Git("show", "HEAD~2:dns/records.yaml"), "\n", "|") + "|",
		"meanwhile: 0|1|", "first: 1|"}
	for _, tt := range []struct {
		file      string
		max, stop int
		want      []string
	}{
		{"records.yaml", 10, 0, all},
		{"records.yaml", 3, 0, all[:3]},
		{"records.yaml", 10, 2, all[:2]},
		{"none.yaml", 10, 0, nil},
		{"../other", 10, 0, nil},
	} {
		if diff := cmp.Diff(tt.want, history(tt.file, tt.max, tt.stop)); diff != "" {
			t.Errorf("%s, %d, %d (-want +got):\n%s", tt.file, tt.max, tt.stop, diff)
		}
	}
	if err := r.History(t.Context(), "none", "records.yaml", 1, nil); err == nil || !strings.Contains(err.Error(), "git log: bad revision") {
		t.Errorf("a commit that is none: %v", err)
	}
}

func TestOpen(t *testing.T) {
	w := newWork(t, map[string]string{"records.yaml": "1\n", "dns/records.yaml": "2\n"})
	root := filepath.Join(w.Dir, "records.yaml")
	w.fails(repository.Options{Root: filepath.Join(w.Dir, "none.yaml")}, "branch main does not have the file")
	w.fails(repository.Options{Root: filepath.Join(w.Dir, "dns")}, "it is a folder")
	w.fails(repository.Options{Root: root, Branch: "none"}, "branch none has no commit")
	w.fails(repository.Options{Root: root, Remote: "origin"}, "No such remote 'origin'")
	w.fails(repository.Options{Root: root, Remote: "--all"}, "is no name of a remote")
	w.fails(repository.Options{Root: filepath.Join(t.TempDir(), "records.yaml")}, "not a git repository")
	w.fails(repository.Options{Root: filepath.Join(w.Dir, ".git", "records.yaml")}, "there is no work tree")
	w.fails(repository.Options{Root: root, Committer: repository.Identity{Name: "x"}}, "the committer: ")
	bare := at(t, filepath.Join(t.TempDir(), "bare.git"))
	w.Git("clone", "-q", "--bare", ".", bare.Dir)
	w.fails(repository.Options{Root: filepath.Join(bare.Dir, "records.yaml")}, "git worktree add")

	r := w.open(repository.Options{})
	w.fails(repository.Options{Root: root}, "revmap is at work on it already, as process ")
	linked := at(t, filepath.Join(t.TempDir(), "linked"))
	w.Git("worktree", "add", "-q", "-b", "other", linked.Dir)
	w.fails(repository.Options{Root: filepath.Join(linked.Dir, "records.yaml")}, "revmap is at work on it already, as process ")
	if err := os.Mkdir(filepath.Join(r.StateDir(), "tmp-x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = linked.open(repository.Options{Root: "dns/records.yaml"})
	if want := filepath.Join(w.Git("rev-parse", "--absolute-git-dir"), "revmap"); r.Branch() != "other" || r.StateDir() != want || r.Root() != "records.yaml" {
		t.Errorf("branch %s, state in %s, root %s", r.Branch(), r.StateDir(), r.Root())
	}
	if _, err := os.Stat(filepath.Join(r.StateDir(), "tmp-x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed process has left: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	w.Git("checkout", "-q", "--detach")
	w.fails(repository.Options{Root: root}, "no branch is checked out in "+w.Dir+": tell with --branch")
	r = w.open(repository.Options{Branch: "main"})
	if tip, err := r.Tip(t.Context()); err != nil || tip.Subject != "first" {
		t.Errorf("tip: %+v, %v", tip, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	w.Git("checkout", "-q", "--orphan", "unborn")
	w.fails(repository.Options{Root: root}, "branch unborn has no commit")

	// A submodule, by a symbolic link to a folder in it.
	super := newWork(t, nil)
	super.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", bare.Dir, "sub")
	if err := os.Symlink("sub/dns", filepath.Join(super.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	super.commit("submodule", nil)
	r = super.open(repository.Options{Root: "link/records.yaml"})
	from, to := super.make(r, map[string]string{"records.yaml": "3\n"})
	if err := r.Advance(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	if got := super.Read("sub/dns/records.yaml"); got != "3\n" {
		t.Errorf("the file in the submodule is %q", got)
	}
	at(t, filepath.Join(super.Dir, "sub")).clean()
}

// TestOpenLost opens where the newest commit does not have the root file any more, and finds the commits that have.
func TestOpenLost(t *testing.T) {
	w := newWork(t, map[string]string{"dns/records.yaml": "1\n", "dns/other.yaml": "1\n"})
	first := w.Git("rev-parse", "HEAD")
	second := w.commit("second", map[string]string{"dns/records.yaml": "2\n"})
	noted := w.commit("noted", map[string]string{"dns/README": "text"})
	w.Git("mv", "dns/records.yaml", "dns/moved.yaml") // which is not followed
	lost := w.commit("lost", nil)
	tip := w.commit("noted again", map[string]string{"dns/README": "more"})
	r := w.open(repository.Options{Root: "dns/records.yaml"})
	for _, tt := range []struct {
		from  string
		paths []string
		want  string
	}{
		{tip, []string{"records.yaml"}, noted},
		{lost, []string{"records.yaml"}, noted},
		{noted, []string{"records.yaml"}, first},
		{tip, []string{"records.yaml", "README"}, lost},
		{tip, nil, lost},
		{lost, nil, noted},
		{second, nil, first},
		{second, []string{"other.yaml"}, ""},
		{first, []string{"records.yaml"}, ""},
		{tip, []string{"none.yaml"}, ""},
	} {
		c, ok, err := r.Before(t.Context(), tt.from, tt.paths...)
		if err != nil || c.ID != tt.want || ok != (tt.want != "") {
			t.Errorf("before %s, without %v: %+v, %t, %v; want %s", tt.from, tt.paths, c, ok, err, tt.want)
		}
	}
	w.Git("rm", "-qr", "dns")
	w.Git("commit", "-qm", "without the folder")
	gone, err := r.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := r.CheckOut(t.Context(), gone.ID, dir); err != nil {
		t.Error(err)
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Errorf("out of a folder that there is not came %v", list)
	}
}

// sub calls f as a test of its own, at whose end the repository is closed.
func (w work) sub(name string, f func(work)) {
	w.Helper()
	w.TB.(*testing.T).Run(name, func(t *testing.T) { f(at(t, w.Dir)) })
}

// A commit can be made that would write elsewhere.
func TestCheckOutOutside(t *testing.T) {
	w := newWork(t, map[string]string{"records.yaml": "1\n"})
	r := w.open(repository.Options{})
	outside := t.TempDir()
	tree := func(entries string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "entries")
		if err := os.WriteFile(file, []byte(entries), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		cmd := exec.Command("git", "--git-dir="+filepath.Join(w.Dir, ".git"), "mktree", "--missing")
		cmd.Stdin = in
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte(outside), 0o600); err != nil {
		t.Fatal(err)
	}
	link, blob := w.Git("hash-object", "-w", "--no-filters", target), w.Git("rev-parse", "HEAD:records.yaml")
	folder := tree("100644 blob " + blob + "\tfile\n")
	for name, entries := range map[string]string{
		"link":   "120000 blob " + link + "\tx\n040000 tree " + folder + "\tx\n",
		"parent": "040000 tree " + folder + "\t..\n",
	} {
		commit := w.Git("commit-tree", "-m", name, tree(entries))
		if err := r.CheckOut(t.Context(), commit, t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "write the files of commit "+commit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written elsewhere: %v, %v", left, err)
	}

	// A submodule is left out, and a link alone is one.
	dir := t.TempDir()
	commit := w.Git("commit-tree", "-m", "m", tree("120000 blob "+link+"\tx\n160000 commit "+w.Git("rev-parse", "HEAD")+"\tmodule\n"))
	if err := r.CheckOut(t.Context(), commit, dir); err != nil {
		t.Error(err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "x")); to != outside {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("there are %v, %v", all, err)
	}
}
