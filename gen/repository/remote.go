package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/revmap/revmap/internal/git"
)

// patience is how long a remote may take.
const patience = 2 * time.Minute

// What the repository remembers of a remote. Nobody else moves these refs, as git fetch moves those in refs/remotes.
const (
	pushed  = "refs/revmap/pushed/"  // with the name of a branch: what was pushed
	fetched = "refs/revmap/fetched/" // with the name of the main branch
)

// findRemote checks that there is the remote, and that nobody is asked for a passphrase.
func (r *Repository) findRemote(ctx context.Context) error {
	if r.o.Remote == "" {
		return nil
	}
	if strings.HasPrefix(r.o.Remote, "-") {
		return fmt.Errorf("%q is no name of a remote", r.o.Remote)
	}
	if _, err := r.git(ctx, "remote", "get-url", r.o.Remote); err != nil {
		return err
	}
	r.remote = r.identity
	configured, err := r.git(ctx, "config", "--get", "core.sshCommand")
	if err != nil || configured == "" {
		for _, name := range []string{"GIT_SSH_COMMAND", "GIT_SSH"} {
			configured += os.Getenv(name)
		}
		if configured == "" {
			r.remote = append(r.remote[:len(r.remote):len(r.remote)], "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
		}
	}
	return nil
}

// speak runs a git that speaks with the remote.
func (r *Repository) speak(ctx context.Context, args ...string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// If this process is killed, nobody waits for the remote to answer it.
	out, err := git.Command{Dir: r.tree, Env: r.remote}.Run(limited, args...)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%s has not answered within %v", r.o.Remote, patience)
	}
	return out, err
}

// push pushes what a refspec says, to the remote's branch of the given name. An error is a *PushError, or that of ctx.
func (r *Repository) push(ctx context.Context, name, refspec string, options ...string) error {
	args := append([]string{"push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"}, options...)
	out, err := r.speak(ctx, append(args, "--", r.o.Remote, refspec)...)
	if err == nil || ctx.Err() != nil {
		return err
	}
	failed := &PushError{Remote: r.o.Remote, Branch: name, Message: err.Error()}
	for line := range strings.SplitSeq(out, "\n") {
		columns := strings.Split(line, "\t") // "!", the refspec, and "[rejected] (fetch first)"
		if len(columns) == 3 && columns[0] == "!" {
			failed.Rejected = strings.HasPrefix(columns[2], "[rejected]")
			failed.Message = columns[2]
			var e *git.Error
			if errors.As(err, &e) && !failed.Rejected { // what the remote's hooks say
				failed.Message += ": " + e.Message
			}
		}
	}
	return failed
}

// onRemote returns the commit that a branch has at the remote; "" if it is not there.
func (r *Repository) onRemote(ctx context.Context, name string) (string, error) {
	out, err := r.speak(ctx, "ls-remote", "--", r.o.Remote, branches+name)
	if err != nil {
		if ctx.Err() == nil {
			err = &PushError{Remote: r.o.Remote, Branch: name, Message: err.Error()}
		}
		return "", err
	}
	for line := range strings.SplitSeq(out, "\n") {
		if id, ref, _ := strings.Cut(line, "\t"); ref == branches+name {
			return id, nil
		}
	}
	return "", nil
}

// ours returns the commit that a branch has at the remote, "" if it is not there. It is an error if that was not made
// here: a commit that somebody has added, or has changed, has another committer, or is not even known.
func (r *Repository) ours(ctx context.Context, name string) (string, error) {
	id, err := r.onRemote(ctx, name)
	if err != nil || id == "" {
		return "", err
	}
	committer, err := r.git(ctx, "log", "-1", "--format=%cn%n%ce", id, "--")
	if err != nil || committer != r.o.Committer.Name+"\n"+r.o.Committer.Email {
		return "", errors.Join(ctx.Err(), &PushError{
			Remote: r.o.Remote, Branch: name, Rejected: true, Message: "somebody else has pushed to it",
		})
	}
	return id, nil
}

// Push pushes a branch, in place of what was pushed there from here before. It is an error, a *PushError, if somebody
// else has pushed to it.
func (r *Repository) Push(ctx context.Context, name string) error {
	tip, err := r.at(ctx, branches+name)
	if err != nil {
		return err
	}
	if tip == "" {
		return fmt.Errorf("push %s: there is no such branch", name)
	}
	theirs, err := r.ours(ctx, name)
	if err != nil {
		return err
	}
	if theirs != tip {
		if err := r.push(ctx, name, tip+":"+branches+name, "--force-with-lease="+branches+name+":"+theirs); err != nil {
			return err
		}
	}
	_, err = r.git(ctx, "update-ref", pushed+name, tip)
	return err
}

// deletePushed deletes a branch at the remote, if it was pushed.
func (r *Repository) deletePushed(ctx context.Context, name string) error {
	was, err := r.at(ctx, pushed+name)
	if err != nil || was == "" || r.o.Remote == "" {
		return err
	}
	theirs, err := r.ours(ctx, name)
	if err != nil {
		return err
	}
	if theirs != "" {
		if err := r.push(ctx, name, ":"+branches+name, "--force-with-lease="+branches+name+":"+theirs); err != nil {
			return err
		}
	}
	return r.drop(ctx, pushed+name, was)
}

// Fetch moves the main branch forward to what the remote has, and deletes branches that were pushed and that the
// remote has no more: they are merged or declined. It is an error if both main branches have commits that the other
// has not, and a *DirtyError if a work tree cannot follow; then nothing has moved.
func (r *Repository) Fetch(ctx context.Context) error {
	news, err := r.Ask(ctx)
	if err != nil {
		return err
	}
	return r.Follow(ctx, news)
}

// News are what a remote has.
type News struct {
	pushed []string        // refs and ids, as they were before the remote was asked
	there  map[string]bool // branches of the remote
}

// Ask asks the remote what it has. Meanwhile others may make changes: no branch moves here.
func (r *Repository) Ask(ctx context.Context) (*News, error) {
	news := &News{there: make(map[string]bool)}
	if r.o.Remote == "" {
		return news, nil
	}
	r.asking.Lock()
	defer r.asking.Unlock()
	if _, err := r.speak(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
		"--", r.o.Remote, "+"+r.main()+":"+fetched+r.o.Branch); err != nil {
		return nil, fmt.Errorf("fetch %s from %s: %w", r.o.Branch, r.o.Remote, err)
	}
	out, err := r.git(ctx, "for-each-ref", "--format=%(refname) %(objectname)", pushed)
	if err == nil && out != "" {
		news.pushed = strings.Split(out, "\n")
		out, err = r.speak(ctx, "ls-remote", "--heads", "--", r.o.Remote)
	}
	if err != nil {
		return nil, fmt.Errorf("look at the branches of %s: %w", r.o.Remote, err)
	}
	for line := range strings.SplitSeq(out, "\n") {
		_, ref, _ := strings.Cut(line, "\t")
		news.there[ref] = true
	}
	return news, nil
}

// Follow does here what Fetch does with what the remote has said.
func (r *Repository) Follow(ctx context.Context, news *News) error {
	if r.o.Remote == "" {
		return nil
	}
	if err := r.followMain(ctx); err != nil {
		return fmt.Errorf("fetch %s from %s: %w", r.o.Branch, r.o.Remote, err)
	}
	if err := r.forgetDeleted(ctx, news); err != nil {
		return fmt.Errorf("look at the branches of %s: %w", r.o.Remote, err)
	}
	return nil
}

func (r *Repository) followMain(ctx context.Context) error {
	to, err := r.at(ctx, fetched+r.o.Branch)
	if err != nil {
		return err
	}
	from, err := r.at(ctx, r.main())
	if err != nil {
		return err
	}
	if behind, err := r.has(ctx, from, to); err != nil || behind {
		return err
	}
	ahead, err := r.has(ctx, to, from)
	switch {
	case err != nil:
		return err
	case !ahead:
		return fmt.Errorf("each of %s and %s/%s has commits that the other has not: merge or rebase them in %s, and push",
			r.o.Branch, r.o.Remote, r.o.Branch, r.tree)
	}
	return r.move(ctx, r.o.Branch, from, to, nil)
}

// has reports whether a commit is or follows another.
func (r *Repository) has(ctx context.Context, commit, other string) (bool, error) {
	out, err := r.git(ctx, "rev-list", "-n1", other, "--not", commit, "--")
	return out == "", err
}

// forgetDeleted deletes branches that were pushed as they are, and that the remote has no more.
func (r *Repository) forgetDeleted(ctx context.Context, news *News) error {
	for _, line := range news.pushed {
		ref, id, _ := strings.Cut(line, " ")
		branch := branches + strings.TrimPrefix(ref, pushed)
		if news.there[branch] {
			continue
		}
		if now, err := r.at(ctx, ref); err != nil {
			return err
		} else if now != id { // it was pushed meanwhile
			continue
		}
		if at, err := r.at(ctx, branch); err != nil {
			return err
		} else if at == id {
			trees, err := r.checkedOut(ctx, branch)
			if err != nil {
				return err
			}
			if len(trees) > 0 {
				continue // until somebody looks at another
			}
			if err := r.drop(ctx, branch, id); err != nil {
				return err
			}
		}
		if err := r.drop(ctx, ref, id); err != nil { // DeleteBranch can be at work on it, too
			return err
		}
	}
	return nil
}
