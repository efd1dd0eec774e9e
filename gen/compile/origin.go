package compile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/revmap/revmap/internal/git"
)

// An Origin tells which version of the source a snapshot is made from.
type Origin struct {
	Commit string    // id of the Git commit; with "-dirty" appended if a file of the source differs from it; empty outside Git
	Time   time.Time // SOURCE_DATE_EPOCH, else the commit time, else now
}

// OriginOf finds the origin of the source that the given files make up, the root first. Outside a Git working tree, or
// where no git program is installed, the commit is empty. It is an error if SOURCE_DATE_EPOCH is no number of seconds.
func OriginOf(ctx context.Context, files []string) (Origin, error) {
	now, fixed, err := Now()
	if err != nil {
		return Origin{}, err
	}
	o := Origin{Time: now}
	commit, committed, err := head(ctx, files)
	switch {
	case errors.Is(err, errNoGit):
	case err != nil:
		return Origin{}, err
	default:
		o.Commit = commit
		if !fixed {
			o.Time = committed
		}
	}
	return o, nil
}

// Now returns the time that SOURCE_DATE_EPOCH fixes, else that of the clock. It is an error if that variable is no number
// of seconds.
func Now() (now time.Time, fixed bool, err error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return time.Now(), false, nil
	}
	seconds, err := strconv.ParseUint(epoch, 10, 32)
	if err != nil {
		return time.Time{}, false,
			fmt.Errorf("SOURCE_DATE_EPOCH is %q, want the seconds since 1970 as a number below 2^32", epoch)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

var errNoGit = errors.New("no commit")

// head asks Git for the commit that is checked out around the root file. It returns errNoGit where there is none.
func head(ctx context.Context, files []string) (commit string, committed time.Time, err error) {
	dir := filepath.Dir(files[0])
	in := git.Command{Dir: dir}
	out, err := in.Run(ctx, "log", "-1", "--format=%H %ct")
	var failed *git.Error
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &failed) &&
		(strings.Contains(failed.Message, "not a git repository") || strings.Contains(failed.Message, "does not have any commits yet")):
		return "", time.Time{}, errNoGit
	case err != nil:
		return "", time.Time{}, err
	}
	commit, seconds, _ := strings.Cut(out, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("git log: time of the commit: %w", err)
	}
	for some := range slices.Chunk(files, 1000) { // an argument list has its limits
		// A file that Git ignores or does not know makes the source differ from the commit as much as a changed one.
		args := []string{"status", "--porcelain", "--ignored", "--untracked-files=all", "--"}
		for _, f := range some {
			rel, err := filepath.Rel(dir, f)
			if err != nil {
				return "", time.Time{}, err
			}
			args = append(args, rel)
		}
		if out, err = in.Run(ctx, args...); err != nil {
			return "", time.Time{}, err
		}
		if out != "" {
			commit += "-dirty"
			break
		}
	}
	return commit, time.Unix(unix, 0), nil
}
