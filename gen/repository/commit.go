package repository

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Make writes a commit, which no branch has yet, and returns its id. Files keep their modes; one that the parent has
// not is made. It is an error to write to a symbolic link.
func (r *Repository) Make(ctx context.Context, c Change) (id string, err error) {
	if id, err = r.make(ctx, c); err != nil {
		return "", fmt.Errorf("make a commit: %w", err)
	}
	return id, nil
}

func (r *Repository) make(ctx context.Context, c Change) (id string, err error) {
	if err := c.Author.check(); err != nil {
		return "", fmt.Errorf("the author: %w", err)
	}
	dir, err := os.MkdirTemp(r.state, temporary+"commit-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files, err := r.blobs(ctx, c, dir)
	if err != nil {
		return "", err
	}
	// An index of its own: neither what is staged in a work tree nor its lock has part in the commit.
	in := r.in(r.tree)
	in.Env = append([]string{
		"GIT_INDEX_FILE=" + filepath.Join(dir, "index"),
		"GIT_AUTHOR_NAME=" + c.Author.Name, "GIT_AUTHOR_EMAIL=" + c.Author.Email,
	}, r.identity...)
	if _, err := in.Run(ctx, "read-tree", c.Parent); err != nil {
		return "", err
	}
	for some := range slices.Chunk(files, 500) { // an argument list has its limits
		args := []string{"update-index", "--add"}
		for _, f := range some {
			args = append(args, "--cacheinfo", f.mode+","+f.id+","+f.path)
		}
		if _, err := in.Run(ctx, args...); err != nil {
			return "", err
		}
	}
	tree, err := in.Run(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	in.Stdin = strings.NewReader(c.Message)
	return in.Run(ctx, "commit-tree", "-p", c.Parent, "-F", "-", tree)
}

// blobs writes the files of a change as objects, and returns them as entries of the commit. It writes to dir.
func (r *Repository) blobs(ctx context.Context, c Change, dir string) ([]entry, error) {
	var list []entry
	var names strings.Builder
	for i, p := range slices.Sorted(maps.Keys(c.Files)) {
		full, ok := r.inCommit(p)
		if !ok {
			return nil, fmt.Errorf("%q is no path below the folder of the root file", p)
		}
		list = append(list, entry{regular, "", full})
		name := strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(dir, name), c.Files[p], 0o600); err != nil {
			return nil, err
		}
		names.WriteString(filepath.Join(dir, name) + "\n")
	}
	modes := make(map[string]string, len(list))
	for some := range slices.Chunk(list, 500) {
		var paths []string
		for _, e := range some {
			paths = append(paths, e.path)
		}
		there, err := r.entries(ctx, c.Parent, paths...)
		if err != nil {
			return nil, err
		}
		for _, e := range there {
			modes[e.path] = e.mode
		}
	}
	in := r.in(r.tree)
	in.Stdin = strings.NewReader(names.String())
	out, err := in.Run(ctx, "hash-object", "-w", "--no-filters", "--stdin-paths")
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(out)
	if len(ids) != len(list) {
		return nil, fmt.Errorf("git hash-object: %d objects for %d files", len(ids), len(list))
	}
	for i := range list {
		e := &list[i]
		e.id = ids[i]
		switch mode := modes[e.path]; mode {
		case "":
			if err := r.belowLink(ctx, c.Parent, e.path); err != nil {
				return nil, err
			}
		case regular:
		case executable:
			e.mode = mode
		case link:
			return nil, errLink(e.path)
		default:
			return nil, fmt.Errorf("%s is no file", e.path)
		}
	}
	return list, nil
}

func errLink(path string) error {
	return fmt.Errorf("%s is a symbolic link: edit what it leads to", path)
}

// belowLink returns an error if a folder of a file is a symbolic link.
func (r *Repository) belowLink(ctx context.Context, commit, file string) error {
	for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
		list, err := r.entries(ctx, commit, folder)
		if err != nil {
			return err
		}
		if len(list) == 1 && list[0].path == folder && list[0].mode == link {
			return errLink(folder)
		}
	}
	return nil
}

// SetBranch moves a branch from one commit to another, or makes it if from is "". The error is ErrMoved if it is not at
// from, and a *DirtyError if a work tree has it checked out and cannot follow.
func (r *Repository) SetBranch(ctx context.Context, name, from, to string) error {
	if err := r.move(ctx, name, from, to, nil); err != nil {
		return fmt.Errorf("move branch %s: %w", name, err)
	}
	return nil
}

// DeleteBranch deletes a branch whose tip is the commit at, first where it was pushed to. The error is ErrMoved if the
// tip is another.
func (r *Repository) DeleteBranch(ctx context.Context, name, at string) error {
	if err := r.deleteBranch(ctx, name, at); err != nil {
		return fmt.Errorf("delete branch %s: %w", name, err)
	}
	return nil
}

func (r *Repository) deleteBranch(ctx context.Context, name, at string) error {
	id, err := r.at(ctx, branches+name)
	switch {
	case err != nil:
		return err
	case id != at:
		return ErrMoved
	}
	trees, err := r.checkedOut(ctx, branches+name)
	if err != nil {
		return err
	}
	if len(trees) > 0 {
		return fmt.Errorf("it is checked out in %s", trees[0])
	}
	if err := r.deletePushed(ctx, name); err != nil {
		return err
	}
	return r.drop(ctx, branches+name, at)
}

// drop deletes a ref whose tip is a commit, unless somebody has done so meanwhile.
func (r *Repository) drop(ctx context.Context, ref, at string) error {
	err := r.updateRef(ctx, "-d", ref, at)
	if errors.Is(err, ErrMoved) {
		if id, failed := r.at(ctx, ref); failed == nil && id == "" {
			return nil
		}
	}
	return err
}

// updateRef moves a ref: "REF NEW OLD" or "-d REF OLD". The error is ErrMoved if it is not at OLD.
func (r *Repository) updateRef(ctx context.Context, args ...string) error {
	_, err := r.git(ctx, append([]string{"update-ref", "-m", "revmap"}, args...)...)
	if err == nil {
		return nil
	}
	ref, old := args[len(args)-2], args[len(args)-1]
	if args[0] != "-d" {
		ref = args[0]
	}
	if id, failed := r.at(ctx, ref); failed == nil && id != old {
		return ErrMoved
	}
	return err
}
