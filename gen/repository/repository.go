// Package repository reads and writes a source on the branches of its Git repository. It makes commits out of objects, so
// that neither hooks nor what lies in the work tree has part in them. It runs the git program, which must be installed.
package repository

import (
	"context"
	"errors"
	"time"
)

// A Repository is the one around a source, of which one branch is shown and edited: the main branch. It is safe for
// concurrent use, but its caller makes changes one after the other.
type Repository struct {
	o Options
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

// A DirtyError tells which files of a work tree keep it from following the main branch that it has checked out.
type DirtyError struct {
	Folder string   // of the work tree
	Files  []string // that differ from the commit, some of them
}

func (e *DirtyError) Error() string { return "" }

// The methods that a Repository has:
//
//	Open(ctx context.Context, o Options) (*Repository, error)
//	(r *Repository) Close() error
//	(r *Repository) Branch() string                                       // of the main branch
//	(r *Repository) StateDir() string                                     // GITDIR/revmap: a folder for the caller's state; locked until Close
//	(r *Repository) Tip(ctx) (Commit, error)                              // of the main branch
//	(r *Repository) CheckOut(ctx, commit, dir string) error               // the folder of the root file
//	(r *Repository) ChangedFiles(ctx, from, to string) ([]string, error)  // below the folder of the root file
//	(r *Repository) Make(ctx, c Change) (id string, err error)            // writes objects only
//	(r *Repository) Advance(ctx, from, to string) error                   // the main branch: pushed first if there is a Remote, then moved, then the work tree that has it checked out
//	(r *Repository) SetBranch(ctx, name, from, to string) error           // from "" if it must not be there; ErrMoved
//	(r *Repository) DeleteBranch(ctx, name, at string) error
//	(r *Repository) Push(ctx, name string, force bool) error              // *PushError
//	(r *Repository) Fetch(ctx) error                                      // moves the main branch forward to what Remote has
//	(r *Repository) Branches(ctx, prefix string) ([]Branch, error)        // with names that begin with prefix
//	(r *Repository) History(ctx, path string, max int) ([]Revision, error) // of the main branch, the newest first
var _ = context.Background
