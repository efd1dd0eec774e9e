// Package repository reads and writes a source on the branches of its Git repository. It makes commits out of objects,
// so that neither hooks nor what lies in the work tree has part in them. It runs the git program, 2.31 or later, which
// must be installed.
package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/revmap/revmap/internal/git"
)

// A Repository is the one around a source, of which one branch is shown and edited: the main branch. It is safe for
// concurrent use, but its caller makes changes one after the other; only Push, Ask and DeleteBranch, which wait for a
// remote, may be called meanwhile, the first and the last of them not at once.
//
// Files are what Git keeps of them, byte for byte: filters that .gitattributes names, as of Git LFS, are not run.
type Repository struct {
	o        Options
	tree     string // the work tree in which the root file is
	prefix   string // from there to the folder of the root file: "" or "dns/"
	state    string // folder
	lock     *os.File
	asking   sync.Mutex // held by Ask
	identity []string   // variables for git
	remote   []string   // variables for a git that speaks with the remote
}

// Options tell what to open.
type Options struct {
	Root      string   // path of the root file in a work tree
	Branch    string   // name of the main branch; "" for the one that is checked out
	Remote    string   // name of the remote that branches are pushed to; "" for none
	Committer Identity // of commits that the Repository makes
}

// An Identity is a person as Git knows one. Neither field may be empty or have "<", ">" or a line break in it.
type Identity struct{ Name, Email string }

// A Commit is a commit that there is.
type Commit struct {
	ID      string
	Author  Identity
	Time    time.Time // of the committer
	Subject string
	Body    string
}

// A Change is a commit that is to be made.
type Change struct {
	Parent  string            // id of a commit
	Files   map[string][]byte // what files hold from then on, by their paths below the folder of the root file
	Author  Identity
	Message string
}

// A Revision is a state of one file.
type Revision struct {
	Commit
	Data []byte // nil if the commit removes the file
}

// A Branch is one that waits for review.
type Branch struct {
	Name   string // without refs/heads/
	Commit Commit // its tip
	Merged bool   // the main branch has its tip
}

// ErrMoved tells that a branch is not any more where the caller has seen it.
var ErrMoved = errors.New("the branch has moved")

// A PushError tells why a remote did not take a branch. What was to be pushed is still there.
type PushError struct {
	Remote, Branch string
	Rejected       bool   // the remote was reached, and has something that the branch has not
	Message        string // of git
}

func (e *PushError) Error() string {
	return "push " + e.Branch + " to " + e.Remote + ": " + e.Message
}

// A DirtyError tells which files of a work tree keep it from following a branch that it has checked out.
type DirtyError struct {
	Folder string   // of the work tree
	Files  []string // that differ from the commit, some of them
}

func (e *DirtyError) Error() string {
	files := strings.Join(e.Files[:min(3, len(e.Files))], ", ")
	if more := len(e.Files) - 3; more > 0 {
		files += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("the work tree %s has changes that are not committed, in %s: commit or undo them", e.Folder, files)
}

// Open opens the repository around a source for this process alone. It finishes what an earlier process has not. It is an
// error if no commit of the main branch has had the root file; the newest may have lost it.
func Open(ctx context.Context, o Options) (*Repository, error) {
	r := &Repository{o: o}
	err := r.open(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the repository of %s: %w", o.Root, err), r.Close())
	}
	return r, nil
}

func (r *Repository) open(ctx context.Context) error {
	if err := r.o.Committer.check(); err != nil {
		return fmt.Errorf("the committer: %w", err)
	}
	r.identity = []string{"GIT_COMMITTER_NAME=" + r.o.Committer.Name, "GIT_COMMITTER_EMAIL=" + r.o.Committer.Email}
	if err := r.find(ctx); err != nil {
		return err
	}
	if err := r.findBranch(ctx); err != nil {
		return err
	}
	if err := r.findRemote(ctx); err != nil {
		return err
	}
	if err := r.openState(); err != nil {
		return err
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	tip, err := r.Tip(ctx)
	if err != nil {
		return err
	}
	have, err := r.ReadFiles(ctx, tip.ID, []string{r.Root()})
	if err != nil || len(have) > 0 {
		return err
	}
	if info, err := os.Stat(r.o.Root); err == nil && info.IsDir() {
		return errors.New("it is a folder: want the root file of a source")
	}
	// A branch that has lost the file has earlier commits, which are for the caller to go back to.
	if had, _, err := r.lastChange(ctx, tip.ID, r.Root()); err != nil || had != "" {
		return err
	}
	return fmt.Errorf("branch %s does not have the file: commit it first", r.o.Branch)
}

// find finds the work tree, and where its repository keeps what all its work trees share.
func (r *Repository) find(ctx context.Context) error {
	in := git.Command{Dir: filepath.Dir(r.o.Root)}
	inside, err := in.Run(ctx, "rev-parse", "--is-inside-work-tree")
	if err == nil && inside != "true" {
		err = errors.New("there is no work tree: git worktree add makes one of a bare repository")
	}
	if err != nil {
		return err
	}
	common := ""
	for option, value := range map[string]*string{
		"--show-toplevel": &r.tree, "--show-prefix": &r.prefix, "--git-common-dir": &common,
	} {
		if *value, err = in.Run(ctx, "rev-parse", "--path-format=absolute", option); err != nil {
			return err
		}
	}
	r.state = filepath.Join(common, "revmap")
	return nil
}

// findBranch finds the main branch.
func (r *Repository) findBranch(ctx context.Context) error {
	if r.o.Branch == "" {
		head, err := r.git(ctx, "symbolic-ref", "--quiet", "HEAD")
		if err != nil {
			return fmt.Errorf("no branch is checked out in %s: tell with --branch which one is the main branch", r.tree)
		}
		r.o.Branch = strings.TrimPrefix(head, branches)
	}
	if id, err := r.at(ctx, r.main()); err != nil || id != "" {
		return err
	}
	return fmt.Errorf("branch %s has no commit: commit the source first, or tell another branch with --branch", r.o.Branch)
}

// openState makes the folder for what is kept beside the repository, and locks it.
func (r *Repository) openState() error {
	if err := os.MkdirAll(r.state, 0o700); err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(r.state, "lock"))
	if err != nil {
		return err
	}
	r.lock = lock
	left, err := filepath.Glob(filepath.Join(escape(r.state), temporary+"*"))
	for _, f := range left { // by processes that were killed
		err = errors.Join(err, os.RemoveAll(f))
	}
	return err
}

// temporary begins the names in the state folder that nobody needs after the process that has made them.
const temporary = "tmp-"

// escape returns a path as filepath.Glob takes it for what it is.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// Close lets other processes open the repository. It can be called twice.
func (r *Repository) Close() error {
	if r.lock == nil {
		return nil
	}
	if err := r.lock.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Branch returns the name of the main branch.
func (r *Repository) Branch() string { return r.o.Branch }

// Root returns the name of the root file in its folder.
func (r *Repository) Root() string { return filepath.Base(r.o.Root) }

// StateDir returns a folder for what the caller keeps about the repository, of which no commit has anything. It is the
// same for all work trees. What has a name that begins with "tmp-" is removed by the next Open.
func (r *Repository) StateDir() string { return r.state }

// branches begins the full name of each branch.
const branches = "refs/heads/"

// main returns the full name of the main branch.
func (r *Repository) main() string { return branches + r.o.Branch }

// in returns how git is run in a work tree. It holds the lock of the repository: who opens it next waits for it to end.
func (r *Repository) in(tree string) git.Command {
	return git.Command{Dir: tree, Env: r.identity, Hold: r.lock}
}

// git runs git in the work tree of the root file.
func (r *Repository) git(ctx context.Context, args ...string) (string, error) {
	return r.in(r.tree).Run(ctx, args...)
}

// at returns the id of the commit that a full name leads to; "" if there is none.
func (r *Repository) at(ctx context.Context, ref string) (string, error) {
	out, err := r.git(ctx, "for-each-ref", "--format=%(refname) %(objectname)", ref)
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(out, "\n") {
		if name, id, _ := strings.Cut(line, " "); name == ref { // not one below it
			return id, nil
		}
	}
	return "", nil
}

// check returns an error if Git would keep another identity than i.
func (i Identity) check() error {
	for _, s := range []string{i.Name, i.Email} {
		if s == "" || strings.TrimSpace(s) != s || strings.ContainsAny(s, "<>\n\r\x00") {
			return fmt.Errorf("%q is no name or mail address: want some text in one line without < and >", s)
		}
	}
	return nil
}
