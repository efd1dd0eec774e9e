package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/revmap/revmap/internal/git"
)

// Git ends each value with a NUL, which none of them can have.
const (
	logFormat = "--format=%H%x00%an%x00%ae%x00%ct%x00%s%x00%b%x00%P"
	refFormat = "--format=%(refname)%00%(objectname)%00%(authorname)%00%(authoremail:trim)%00" +
		"%(committerdate:unix)%00%(contents:subject)%00%(contents:body)%00"
)

// commitOf returns the commit of which Git has printed id, author's name and address, time, subject and body.
func commitOf(values []string) (Commit, error) {
	seconds, err := strconv.ParseInt(values[3], 10, 64)
	if err != nil {
		return Commit{}, fmt.Errorf("the time of commit %s: %w", values[0], err)
	}
	return Commit{
		ID: values[0], Author: Identity{values[1], values[2]}, Time: time.Unix(seconds, 0).UTC(),
		Subject: values[4], Body: strings.TrimRight(values[5], "\n"),
	}, nil
}

// Tip returns the newest commit of the main branch.
func (r *Repository) Tip(ctx context.Context) (Commit, error) { return r.commit(ctx, r.main()) }

func (r *Repository) commit(ctx context.Context, rev string) (Commit, error) {
	out, err := r.git(ctx, "log", "-1", "-z", logFormat, rev, "--")
	if err != nil {
		return Commit{}, err
	}
	values := strings.Split(out, "\x00")
	if len(values) < 7 {
		return Commit{}, fmt.Errorf("git log: there is no commit %s", rev)
	}
	return commitOf(values)
}

// Before returns the newest commit, on the line of first parents from a commit back, in which not all of the given paths
// below the folder of the root file are what they are in that commit; without paths, in which the folder is not. It
// returns false if there is none.
func (r *Repository) Before(ctx context.Context, commit string, paths ...string) (Commit, bool, error) {
	change, parent, err := r.lastChange(ctx, commit, paths...)
	if err != nil || change == "" || parent == "" {
		return Commit{}, false, err
	}
	c, err := r.commit(ctx, parent)
	return c, err == nil, err
}

// lastChange returns the newest commit, on the line of first parents from a commit back, that has changed one of the
// given paths below the folder of the root file, or anything there if there are none; and its first parent. Either is ""
// if there is none.
func (r *Repository) lastChange(ctx context.Context, commit string, paths ...string) (id, parent string, err error) {
	args := []string{"log", "--format=%H %P", "--no-follow", "--first-parent", "-n", "1", commit, "--"}
	for _, p := range paths {
		full, ok := r.inCommit(p)
		if !ok {
			return "", "", fmt.Errorf("%q is no path below the folder of the source", p)
		}
		args = append(args, full)
	}
	if len(paths) == 0 {
		args = append(args, cmp.Or(strings.TrimSuffix(r.prefix, "/"), "."))
	}
	out, err := r.git(ctx, args...)
	ids := strings.Fields(out)
	if err != nil || len(ids) == 0 {
		return "", "", err
	}
	if len(ids) > 1 {
		parent = ids[1]
	}
	return ids[0], parent, nil
}

// inCommit returns where Git finds a file at a commit, or false if its path is none.
func (r *Repository) inCommit(file string) (string, bool) {
	file = filepath.ToSlash(file)
	return r.prefix + file, fs.ValidPath(file) && file != "."
}

// ReadFiles returns what files hold at a commit, by their paths below the folder of the root file. Files that the commit
// does not have are not among them. Symbolic links are followed inside of the commit.
func (r *Repository) ReadFiles(ctx context.Context, commit string, paths []string) (map[string][]byte, error) {
	t := r.Texts(ctx, commit)
	defer t.Close()
	files := make(map[string][]byte, len(paths))
	for _, p := range paths {
		data, err := t.Read(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			files[p] = data
		}
	}
	return files, nil
}

// Texts are what files hold at a commit. One git reads all of them. They are safe for concurrent use.
type Texts struct {
	r       *Repository
	ctx     context.Context
	commit  string
	lock    sync.Mutex
	objects *git.Objects // nil until something is read
}

// Texts returns the files of a commit, as long as ctx lasts. The caller must call Close.
func (r *Repository) Texts(ctx context.Context, commit string) *Texts {
	return &Texts{r: r, ctx: ctx, commit: commit}
}

// Read returns what the file holds that has a path below the folder of the root file. Symbolic links are followed inside
// of the commit. The error is fs.ErrNotExist if the commit does not have the file.
func (t *Texts) Read(path string) ([]byte, error) {
	full, ok := t.r.inCommit(path)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.objects == nil {
		objects, err := git.OpenObjects(t.ctx, t.r.tree)
		if err != nil {
			return nil, err
		}
		t.objects = objects
	}
	data, err := t.objects.Blob(t.commit + ":" + full)
	if errors.Is(err, git.ErrMissing) {
		err = &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return data, err
}

// Close ends the git that reads the files. Nothing may be read after it.
func (t *Texts) Close() {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.objects != nil {
		t.objects.Close()
	}
}

// An entry is a file of a commit.
type entry struct{ mode, id, path string }

// What the mode of an entry tells.
const (
	regular    = "100644"
	executable = "100755"
	link       = "120000"
)

// entries returns the files of a commit that have the given paths or lie below them, all if there are none.
func (r *Repository) entries(ctx context.Context, tree string, paths ...string) ([]entry, error) {
	out, err := r.git(ctx, append([]string{"ls-tree", "-r", "-z", "--full-tree", tree, "--"}, paths...)...)
	if err != nil {
		return nil, err
	}
	var list []entry
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		if about, file, ok := strings.Cut(line, "\t"); ok {
			words := strings.Fields(about) // mode, kind, id
			list = append(list, entry{words[0], words[2], file})
		}
	}
	return list, nil
}

// CheckOut writes what a commit has in the folder of the root file to the empty folder dir, as Git keeps it. Submodules
// are left out.
func (r *Repository) CheckOut(ctx context.Context, commit, dir string) error {
	if err := r.checkOut(ctx, commit, dir); err != nil {
		return fmt.Errorf("write the files of commit %s: %w", commit, err)
	}
	return nil
}

func (r *Repository) checkOut(ctx context.Context, commit, dir string) error {
	to, err := os.OpenRoot(dir) // a commit can be made that has files below a symbolic link
	if err != nil {
		return err
	}
	defer to.Close()
	var in []string
	if r.prefix != "" {
		in = []string{strings.TrimSuffix(r.prefix, "/")}
	}
	list, err := r.entries(ctx, commit, in...) // of a folder that there is not, none
	if err != nil {
		return err
	}
	objects, err := git.OpenObjects(ctx, r.tree)
	if err != nil {
		return err
	}
	defer objects.Close()
	made := map[string]bool{".": true}
	for _, e := range list {
		file, below := strings.CutPrefix(e.path, r.prefix)
		if !below || e.mode != regular && e.mode != executable && e.mode != link {
			continue
		}
		data, err := objects.Blob(e.id)
		if err != nil {
			return fmt.Errorf("%s: %w", e.path, err)
		}
		if folder := path.Dir(file); !made[folder] {
			if err := to.MkdirAll(folder, 0o700); err != nil {
				return err
			}
			made[folder] = true
		}
		if e.mode == link {
			err = to.Symlink(string(data), file)
		} else {
			err = to.WriteFile(file, data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// changed returns which files differ between two commits.
func (r *Repository) changed(ctx context.Context, from, to string) ([]string, error) {
	out, err := r.git(ctx, "diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to, "--")
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"), nil
}

// Branches returns the branches whose names begin with prefix.
func (r *Repository) Branches(ctx context.Context, prefix string) ([]Branch, error) {
	folder := branches + prefix[:strings.LastIndex(prefix, "/")+1] // Git knows no other patterns that go across "/"
	out, err := r.git(ctx, "for-each-ref", refFormat, folder)
	if err != nil {
		return nil, err
	}
	merged, err := r.git(ctx, "for-each-ref", "--format=%(refname)", "--merged="+r.main(), folder)
	if err != nil {
		return nil, err
	}
	isMerged := make(map[string]bool)
	for name := range strings.SplitSeq(merged, "\n") {
		isMerged[name] = true
	}
	var list []Branch
	values := strings.Split(out, "\x00")
	for ; len(values) > 7; values = values[7:] {
		ref := strings.TrimPrefix(values[0], "\n")
		name := strings.TrimPrefix(ref, branches)
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		c, err := commitOf(values[1:])
		if err != nil {
			return nil, err
		}
		list = append(list, Branch{Name: name, Commit: c, Merged: isMerged[ref]})
	}
	return list, nil
}

// History calls yield with the states that a file had from a commit back, the newest first and at most max, until
// yield returns false. They are those of the line of first parents: each differs from the next. What a merge has
// brought is said to be by the commit that it has merged, if that is one. Renames are not followed.
func (r *Repository) History(
	ctx context.Context, commit, file string, max int, yield func(Revision) bool,
) error {
	full, ok := r.inCommit(file)
	if !ok {
		return nil
	}
	log, err := git.Command{Dir: r.tree}.Start(ctx, "log", "-z", logFormat, "--raw", "--no-abbrev", "--no-renames",
		"--root", "--no-follow", "--first-parent", "--diff-merges=first-parent", "-n", strconv.Itoa(max), commit, "--", full)
	if err != nil {
		return err
	}
	defer log.Close()
	objects, err := git.OpenObjects(ctx, r.tree)
	if err != nil {
		return err
	}
	defer objects.Close()
	for {
		values := make([]string, 9) // those of logFormat, what has changed, and the path
		for i := range values {
			v, err := log.Out.ReadString(0)
			if err == io.EOF && i == 0 && v == "" {
				return log.Wait()
			} else if err != nil {
				return errors.Join(fmt.Errorf("git log: %w", err), log.Wait())
			}
			values[i] = strings.TrimSuffix(v, "\x00")
		}
		rev, err := r.revision(ctx, objects, full, values)
		if err != nil {
			return err
		}
		if !yield(rev) {
			return nil
		}
	}
}

func (r *Repository) revision(
	ctx context.Context, objects *git.Objects, full string, values []string,
) (Revision, error) {
	c, err := commitOf(values)
	if err != nil {
		return Revision{}, err
	}
	rev := Revision{Commit: c}
	if parents := strings.Fields(values[6]); len(parents) == 2 {
		out, err := r.git(ctx, "log", "-z", "-2", logFormat, "--no-merges", parents[0]+".."+parents[1], "--", full)
		if err != nil {
			return Revision{}, err
		}
		if merged := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"); len(merged) == 7 {
			if rev.Commit, err = commitOf(merged); err != nil {
				return Revision{}, err
			}
		}
	}
	raw := strings.Fields(values[7]) // ":MODE", mode, id, id, kind of change
	if len(raw) < 5 {
		return Revision{}, fmt.Errorf("git log: %q is no change", values[7])
	}
	if mode := raw[1]; mode == regular || mode == executable {
		rev.Data, err = objects.Blob(raw[3])
	}
	return rev, err
}
