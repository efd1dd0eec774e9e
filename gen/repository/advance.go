package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/revmap/revmap/internal/git"
)

// Advance moves the main branch from one commit to another: first that of the remote, if there is one, then the one
// here, and then the work trees that have it checked out. The error is ErrMoved if the branch is not at from, a
// *PushError if the remote does not take the commit, and a *DirtyError if a work tree cannot follow; then nothing has
// moved.
//
// In work trees, only files that differ between the commits are written, with the filters that the user has
// configured.
//
// Apart, unless it is nil, is given what speaks with the remote, and calls it: perhaps without a lock that the caller has
// against other moves, since a remote takes its time.
func (r *Repository) Advance(ctx context.Context, from, to string, apart func(speak func() error) error) error {
	var publish func() error
	if r.o.Remote != "" {
		publish = func() error { return r.push(ctx, r.o.Branch, to+":"+r.main()) }
		if push := publish; apart != nil {
			publish = func() error { return apart(push) }
		}
	}
	if err := r.move(ctx, r.o.Branch, from, to, publish); err != nil {
		return fmt.Errorf("move branch %s: %w", r.o.Branch, err)
	}
	return nil
}

// A step is a move of a branch that work trees have checked out. It is written down as long as it is not done.
type step struct {
	Ref, From, To string
	Trees         []string
}

// move moves a branch and the work trees that have it checked out. In between, after it has found that they can follow
// and before anything moves, it calls publish, unless that is nil.
func (r *Repository) move(ctx context.Context, name, from, to string, publish func() error) error {
	s := step{Ref: branches + name, From: from, To: to}
	id, err := r.at(ctx, s.Ref)
	switch {
	case err != nil:
		return err
	case id != from:
		return ErrMoved
	}
	if s.Trees, err = r.checkedOut(ctx, s.Ref); err != nil {
		return err
	}
	for _, tree := range s.Trees {
		if err := r.check(ctx, r.in(tree), from, to); err != nil {
			return err
		}
	}
	if publish == nil {
		return r.perform(ctx, s)
	}
	if err := publish(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	err = r.perform(ctx, s)
	if errors.Is(err, ErrMoved) && r.arrived(ctx, s) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s has commit %s now, but it cannot be fetched: %w", r.o.Remote, to, err)
	}
	return nil
}

// arrived reports whether the branch of a step has the commit that it is to have, which Follow has found at the remote.
func (r *Repository) arrived(ctx context.Context, s step) bool {
	id, err := r.at(ctx, s.Ref)
	if err != nil || id == "" {
		return false
	}
	has, err := r.has(ctx, id, s.To)
	return err == nil && has
}

// perform does a step, or nothing.
func (r *Repository) perform(ctx context.Context, s step) (err error) {
	if len(s.Trees) == 0 {
		return r.updateRef(ctx, s.Ref, s.To, s.From)
	}
	ctx = context.WithoutCancel(ctx) // it takes moments, and half of it is of no use
	room, err := r.reserve(ctx, s.Trees)
	if err != nil {
		return err
	}
	defer os.Remove(room)
	if err := r.write(s); err != nil {
		return errors.Join(err, r.forget())
	}
	held, err := r.hold(ctx, s.Trees)
	over := true
	if err == nil {
		over, err = r.moveHeld(ctx, s, held, room)
	}
	for _, h := range held {
		h.release()
	}
	if !over {
		return err
	}
	return errors.Join(err, r.forget())
}

// moveHeld moves the branch and its work trees, or neither. It returns false if it has not come to an end.
func (r *Repository) moveHeld(ctx context.Context, s step, held []heldTree, room string) (over bool, err error) {
	if err := r.updateRef(ctx, s.Ref, s.To, s.From); err != nil {
		return true, err
	}
	for i, h := range held {
		if err := r.bring(ctx, h, s.From, s.To); err != nil {
			os.Remove(room) // the way back needs some
			failed := r.undo(ctx, s, held, i)
			return failed == nil, errors.Join(err, failed)
		}
	}
	return true, nil
}

// undo takes a step back of which the first done work trees have done their part, and the next one perhaps some of it.
func (r *Repository) undo(ctx context.Context, s step, held []heldTree, done int) error {
	for _, h := range held[:done] {
		if err := r.bring(ctx, h, s.To, s.From); err != nil {
			return err
		}
	}
	if err := r.restore(ctx, s.Trees[done], s.From, s.To); err != nil {
		return err
	}
	return r.updateRef(ctx, s.Ref, s.From, s.To)
}

// A heldTree is a work tree whose index no other git can write. What somebody would commit between the move of the
// branch and that of the index would take the move back.
type heldTree struct {
	in    git.Command // with a copy of the index
	index string
	copy  string
}

// hold takes the locks of the indexes of work trees. Each is a link to the journal, so that one that is left by this
// process can be told from others. What it has taken is returned with an error, too.
func (r *Repository) hold(ctx context.Context, trees []string) ([]heldTree, error) {
	var held []heldTree
	for i, tree := range trees {
		index, err := r.index(ctx, tree)
		if err != nil {
			return held, err
		}
		err = waitForLock(func() error {
			err := os.Link(r.journal(), index+".lock")
			if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links, where git must do with less, too
				var f *os.File
				if f, err = os.OpenFile(index+".lock", os.O_CREATE|os.O_EXCL, 0o600); err == nil {
					err = f.Close()
				}
			}
			if errors.Is(err, fs.ErrExist) {
				err = fmt.Errorf("unable to create '%s.lock': File exists; another git is at work there, "+
					"or was killed: then remove the file", index)
			}
			return err
		})
		if err != nil {
			return held, err
		}
		h := heldTree{r.in(tree), index, filepath.Join(r.state, temporary+"index-"+strconv.Itoa(i))}
		h.in.Env = append([]string{"GIT_INDEX_FILE=" + h.copy}, h.in.Env...)
		held = append(held, h)
	}
	return held, nil
}

// release lets others write the index.
func (h heldTree) release() {
	os.Remove(h.copy)
	os.Remove(h.index + ".lock")
}

// index returns the path of the index of a work tree.
func (r *Repository) index(ctx context.Context, tree string) (string, error) {
	return r.in(tree).Run(ctx, "rev-parse", "--path-format=absolute", "--git-path", "index")
}

// bring is follow for a work tree that is held. It checks once more: a remote takes its time.
func (r *Repository) bring(ctx context.Context, h heldTree, from, to string) error {
	info, err := os.Stat(h.index)
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(h.index); err == nil {
			err = os.WriteFile(h.copy, data, 0o600)
		}
		if err == nil { // Git looks closer at files that are not older than the index
			err = os.Chtimes(h.copy, time.Time{}, info.ModTime())
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.check(ctx, h.in, from, to); err != nil {
		return err
	}
	if err := r.follow(ctx, h.in, from, to); err != nil {
		return err
	}
	return os.Rename(h.copy, h.index)
}

// checkedOut returns the work trees that have a branch checked out.
func (r *Repository) checkedOut(ctx context.Context, ref string) ([]string, error) {
	out, err := r.git(ctx, "worktree", "list", "--porcelain")
	if err != nil {
		return nil, err
	}
	var trees []string
	head, err := r.git(ctx, "symbolic-ref", "--quiet", "HEAD")
	var failed *git.Error
	if err != nil && !(errors.As(err, &failed) && failed.Message == "") { // it says nothing if HEAD is a commit
		return nil, err
	}
	if head == ref {
		trees = append(trees, r.tree)
	}
	for entry := range strings.SplitSeq(out, "\n\n") {
		lines := strings.Split(entry, "\n")
		tree := strings.TrimPrefix(lines[0], "worktree ")
		if !slices.Contains(lines, "branch "+ref) || slices.Contains(trees, tree) ||
			slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "prunable") }) { // as it is deleted
			continue
		}
		// Git takes the folder of a submodule's repository for a work tree.
		inside, err := r.in(tree).Run(ctx, "rev-parse", "--is-inside-work-tree")
		if err != nil {
			return nil, err
		}
		if inside == "true" {
			trees = append(trees, tree)
		}
	}
	return trees, nil
}

// follow brings a work tree and its index from a commit to another. What is changed there stays; if that is in files
// that have to change, nothing is done. Files that Git ignores have to give way, as ever.
func (r *Repository) follow(ctx context.Context, in git.Command, from, to string, options ...string) error {
	args := append(append([]string{"read-tree"}, options...), "-m", "-u", from, to)
	return waitForLock(func() error {
		// It fails for files that are not committed, which need not matter.
		_, _ = in.Run(ctx, "update-index", "-q", "--refresh")
		_, err := in.Run(ctx, args...)
		return err
	})
}

// check tells whether follow can do what it shall. If changes are in its way, the error is a *DirtyError.
func (r *Repository) check(ctx context.Context, in git.Command, from, to string) error {
	err := r.follow(ctx, in, from, to, "--dry-run")
	if err == nil || ctx.Err() != nil || locked(err) {
		return err
	}
	changed, failed := r.changed(ctx, from, to)
	if failed != nil {
		return errors.Join(err, failed)
	}
	dirty := &DirtyError{Folder: in.Dir}
	var staged []string
	for some := range slices.Chunk(changed, 500) {
		status, failed := in.Run(ctx, append([]string{"status", "--porcelain", "-z", "--no-renames", "--untracked-files=all",
			"--ignore-submodules=all", "--"}, some...)...)
		if failed != nil {
			return errors.Join(err, failed)
		}
		for line := range strings.SplitSeq(status, "\x00") {
			switch { // "XY FILE", with how the index differs from the commit, and the file from the index
			case len(line) <= 3:
			case line[1] == ' ':
				staged = append(staged, line[3:])
			default:
				dirty.Files = append(dirty.Files, line[3:])
			}
		}
	}
	if len(dirty.Files) == 0 { // else the index can be what is left to follow
		dirty.Files = staged
	}
	if len(dirty.Files) == 0 {
		return err
	}
	return dirty
}

// waitForLock calls f again while another git has the index of a work tree, but not for long.
func waitForLock(f func() error) error {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil || !locked(err) || time.Now().After(deadline) {
			return err
		}
	}
}

// locked reports whether git has failed because another git has the index, or had it when it was killed.
func locked(err error) bool { return strings.Contains(err.Error(), "index.lock': File exists") }

// reserve takes as much room on the disk as it needs to take a step back, and returns the file to be removed then.
func (r *Repository) reserve(ctx context.Context, trees []string) (string, error) {
	size := int64(64 << 10)
	for _, tree := range trees {
		index, err := r.index(ctx, tree)
		if err != nil {
			return "", err
		}
		if info, err := os.Stat(index); err == nil {
			size += 3 * info.Size()
		}
	}
	room := filepath.Join(r.state, temporary+"room")
	if err := os.WriteFile(room, make([]byte, size), 0o600); err != nil {
		return "", errors.Join(err, os.Remove(room))
	}
	return room, nil
}

func (r *Repository) journal() string { return filepath.Join(r.state, "journal.json") }

// write writes down that a step is begun.
func (r *Repository) write(s step) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.Create(r.journal())
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// forget removes what write has written.
func (r *Repository) forget() error {
	if err := os.Remove(r.journal()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// finish does the rest of a step in which a process was killed: if the branch has moved, the work trees follow.
func (r *Repository) finish(ctx context.Context) error {
	data, err := os.ReadFile(r.journal())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var s step
	if json.Unmarshal(data, &s) != nil { // it was killed while it wrote that, and then nothing has moved
		return r.forget()
	}
	for _, tree := range s.Trees {
		if err := r.unlock(ctx, tree); err != nil {
			return err
		}
	}
	if id, err := r.at(ctx, s.Ref); err != nil {
		return err
	} else if id != s.To {
		return r.forget()
	}
	trees, err := r.checkedOut(ctx, s.Ref)
	if err != nil {
		return err
	}
	for _, tree := range trees {
		if slices.Contains(s.Trees, tree) {
			if err := r.followOn(ctx, tree, s.From, s.To); err != nil {
				return fmt.Errorf("finish what was begun when revmap ended: %w", err)
			}
		}
	}
	return r.forget()
}

// unlock takes away the lock of a work tree's index that a killed process has left, but none of somebody else's.
func (r *Repository) unlock(ctx context.Context, tree string) error {
	index, err := r.index(ctx, tree)
	if err != nil {
		return nil // the work tree has gone
	}
	ours, err := os.Stat(r.journal())
	if err != nil {
		return err
	}
	if lock, err := os.Lstat(index + ".lock"); err == nil && os.SameFile(lock, ours) {
		return os.Remove(index + ".lock")
	}
	return nil
}

// followOn is follow for a work tree in which that may have been begun.
func (r *Repository) followOn(ctx context.Context, tree, from, to string) error {
	changed, err := r.changed(ctx, from, to)
	if err != nil {
		return err
	}
	// Git writes the files, and then the index in one step.
	in := r.in(tree)
	if _, err := in.Run(ctx, append([]string{"diff-index", "--cached", "--quiet", to, "--"}, changed...)...); err == nil {
		return nil
	}
	for _, file := range changed {
		if r.begun(ctx, tree, from, to, file) {
			if err := os.Remove(onDisk(tree, file)); err != nil { // Git writes what is not there
				return err
			}
		}
	}
	if err := r.check(ctx, in, from, to); err != nil {
		return err
	}
	return r.follow(ctx, in, from, to)
}

// restore writes the files of a work tree again in which follow has failed, before it has written the index. It leaves
// alone what somebody else has written.
func (r *Repository) restore(ctx context.Context, tree, from, to string) error {
	changed, err := r.changed(ctx, from, to)
	if err != nil {
		return err
	}
	before, err := r.entries(ctx, from, changed...)
	if err != nil {
		return err
	}
	for _, file := range changed {
		if r.begun(ctx, tree, from, to, file) {
			if err := os.Remove(onDisk(tree, file)); err != nil {
				return err
			}
		}
	}
	var missing strings.Builder
	for _, e := range before {
		if _, err := os.Lstat(onDisk(tree, e.path)); errors.Is(err, fs.ErrNotExist) {
			missing.WriteString(e.path + "\x00")
		}
	}
	in := r.in(tree)
	in.Stdin = strings.NewReader(missing.String())
	_, err = in.Run(ctx, "checkout-index", "-z", "--stdin")
	return err
}

// begun reports whether Git has begun to write a file as it is in the commit to, and perhaps has not come to its end.
func (r *Repository) begun(ctx context.Context, tree, from, to, file string) bool {
	data, err := os.ReadFile(onDisk(tree, file))
	if err != nil {
		return false
	}
	has := strings.TrimSuffix(string(data), "\n") // as Run returns it
	// With filters, as Git writes it.
	if was, err := r.in(tree).Run(ctx, "cat-file", "--filters", from+":"+file); err == nil && has == was {
		return false
	}
	new, err := r.in(tree).Run(ctx, "cat-file", "--filters", to+":"+file)
	return err == nil && strings.HasPrefix(new, has)
}

func onDisk(tree, file string) string { return filepath.Join(tree, filepath.FromSlash(file)) }
