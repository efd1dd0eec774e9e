// Package revision reads a source as it was at a Git revision. It runs the git program, which must be installed.
package revision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/git"
)

// Load reads the source whose root file is at the path root of the work tree, as it was at the revision rev, and the
// forward zones that it names, nil if it names none. The file need not be in the work tree any more. Positions name the
// files as "REV:PATH", with Short(rev). The findings are sorted.
//
// What rev has in the folder of the root file is written into a temporary folder for the time of the call.
func Load(ctx context.Context, root, rev string) (*source.Source, *forward.Zones, diag.List, error) {
	s, zones, found, err := load(ctx, root, rev)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the source at revision %q: %w", rev, err)
	}
	return s, zones, found, nil
}

func load(ctx context.Context, root, rev string) (*source.Source, *forward.Zones, diag.List, error) {
	dir, err := os.MkdirTemp("", "revmap-")
	if err != nil {
		return nil, nil, nil, err
	}
	defer os.RemoveAll(dir)
	if err := checkOut(ctx, filepath.Dir(root), rev, dir); err != nil {
		return nil, nil, nil, err
	}
	folder, err := source.OpenCopy(root, dir, Short(rev)+":")
	if err != nil {
		return nil, nil, nil, err
	}
	defer folder.Close()
	s, found, err := source.LoadFrom(folder, filepath.Base(root))
	if err != nil {
		return nil, nil, nil, err
	}
	zones, wrong := forward.LoadFrom(folder, s)
	return s, zones, append(found, wrong...).Sort(), nil
}

// checkOut writes a folder of the work tree, as it was at rev, to dir. It reads the objects into an index of its own,
// since git archive leaves out what .gitattributes tells it to. For Git, dir is the work tree: the .gitattributes of
// today's must not decide what the files of rev are.
func checkOut(ctx context.Context, folder, rev, dir string) error {
	in, below := existing(folder)
	commit, err := commitOf(ctx, in, rev)
	if err != nil {
		return err
	}
	here := git.Command{Dir: in}
	repository, err := here.Run(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return err
	}
	prefix, err := here.Run(ctx, "rev-parse", "--show-prefix") // "" or "folder/"
	if err != nil {
		return err
	}
	tree := commit + ":" + path.Join(prefix, filepath.ToSlash(below))
	there := git.Command{Dir: dir, Env: []string{
		"GIT_DIR=" + repository, "GIT_WORK_TREE=" + dir,
		"GIT_INDEX_FILE=" + filepath.Join(dir, ".git"), // no name of a file in a commit
	}}
	if _, err := there.Run(ctx, "read-tree", tree); err != nil {
		return err
	}
	_, err = there.Run(ctx, "checkout-index", "--all")
	return err
}

// existing splits the path of a folder into a folder that is in the work tree now, and what is below that.
func existing(folder string) (in, below string) {
	for in = folder; ; {
		if info, err := os.Stat(in); err == nil && info.IsDir() || in == filepath.Dir(in) {
			return in, below
		}
		in, below = filepath.Dir(in), filepath.Join(filepath.Base(in), below)
	}
}

// MergeBase returns the id of the commit at which HEAD and the revision rev went apart, in the repository around the
// folder dir. It is an error if they have no commit in common, as in a clone that is not deep enough.
func MergeBase(ctx context.Context, dir, rev string) (string, error) {
	commit, err := commitOf(ctx, dir, rev)
	if err != nil {
		return "", err
	}
	in := git.Command{Dir: dir}
	base, err := in.Run(ctx, "merge-base", "HEAD", commit)
	var failed *git.Error
	if errors.As(err, &failed) && failed.Message == "" { // it has found none
		err = fmt.Errorf("HEAD and %q have no commit in common", rev)
		if shallow, _ := in.Run(ctx, "rev-parse", "--is-shallow-repository"); shallow == "true" {
			err = fmt.Errorf("%w in this shallow clone; git fetch --unshallow gets the rest", err)
		}
	}
	return base, err
}

// commitOf returns the id of the commit that rev names in the repository around a folder.
func commitOf(ctx context.Context, dir, rev string) (string, error) {
	commit, err := git.Command{Dir: dir}.Run(ctx, "rev-parse", "--verify", "--end-of-options", rev+"^{commit}")
	if err != nil && strings.HasSuffix(err.Error(), "Needed a single revision") {
		err = fmt.Errorf("git knows no revision %q", rev)
	}
	return commit, err
}

// Short returns the id of a commit in the length that people read, and any other revision as it is. Git is given the
// whole id: a tag can have the name of a short one.
func Short(rev string) string {
	if len(rev) >= 40 && strings.Trim(rev, "0123456789abcdef") == "" {
		return rev[:12]
	}
	return rev
}

// An Allowance is the value of a trailer "Revmap-Allow:" in the message of a commit.
type Allowance struct {
	Value  string // without white space around it; as it was written, so perhaps no allowance at all
	Commit string // the commit's id, in full
	Author string // the name of the commit's author
}

// A Mislaid is a line that begins like an Allowance and is none for Git, so that whoever wrote it waits in vain.
type Mislaid struct {
	Line   string // without white space around it
	Why    string // in words
	Commit string // as in Allowance
	Author string
}

// Allowances returns those in the messages of the commits that HEAD has and the revision from has not, the oldest commit
// first, in the repository around the folder dir, and the lines that were to be some.
func Allowances(ctx context.Context, dir, from string) ([]Allowance, []Mislaid, error) {
	commit, err := commitOf(ctx, dir, from)
	if err != nil {
		return nil, nil, fmt.Errorf("read commit messages: %w", err)
	}
	// Nothing in a message can look like the two separators: Git keeps no NUL, and ends each value with a line break.
	out, err := git.Command{Dir: dir}.Run(ctx, "log", "--reverse", "-z",
		"--format=%H%n%an%n%(trailers:key=Revmap-Allow,valueonly,unfold)%x00%B", commit+"..HEAD")
	if err != nil {
		return nil, nil, fmt.Errorf("read commit messages: %w", err)
	}
	var list []Allowance
	var mislaid []Mislaid
	parts := strings.Split(out, "\x00")
	for ; len(parts) >= 2; parts = parts[2:] {
		lines := strings.Split(strings.TrimSuffix(parts[0], "\n"), "\n")
		id, author, values := lines[0], lines[1], lines[2:]
		for _, value := range values {
			if value = strings.TrimSpace(value); value != "" {
				list = append(list, Allowance{Value: value, Commit: id, Author: author})
			}
		}
		for _, m := range mislaidIn(parts[1], len(values)) {
			m.Commit, m.Author = id, author
			mislaid = append(mislaid, m)
		}
	}
	return list, mislaid, nil
}

// allowing finds what begins a line like an allowance, perhaps in a list or a quotation, and the colon behind it.
var allowing = regexp.MustCompile(`(?i)^([\s>*-]*)revmap-allow([ \t]*:)?`)

// mislaidIn returns the lines of a message that look like allowances, but for the last n: trailers are at the end.
func mislaidIn(message string, n int) (list []Mislaid) {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	paragraph := 0 // first line of the last paragraph
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			paragraph = i + 1
		}
	}
	for i, line := range slices.Backward(lines) {
		m := allowing.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		why := "Git takes no line of its paragraph for a trailer: let that paragraph have nothing else"
		switch {
		case m[1] != "":
			why = "the line has to begin with Revmap-Allow"
		case m[2] == "":
			why = "a colon has to follow Revmap-Allow"
		case n > 0:
			n--
			continue
		case i < paragraph:
			why = "it stands before the last paragraph of the message"
		case paragraph == 0:
			why = "it stands in the subject of the message, and not in a paragraph below it"
		}
		list = append(list, Mislaid{Line: strings.TrimSpace(line), Why: why})
	}
	slices.Reverse(list)
	return list
}
