//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package repository_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/internal/peer"
)

// changing is the environment variable with the work tree that a process shall change until it is killed.
const changing = "REVMAP_TEST_CHANGE"

// change makes one change after the other, each in all three files. After the first it says that it is ready.
func change(t *testing.T, w work) {
	r := w.open(repository.Options{})
	for i := 0; ; i++ {
		text := fmt.Sprintf("%d %d\n", os.Getpid(), i)
		long := strings.Repeat(text, 10000)
		from, to := w.make(r, map[string]string{"records.yaml": text, "a.yaml": long, "b.yaml": long})
		branch := fmt.Sprintf("rdns/alice/%d-%d", os.Getpid(), i)
		if err := r.SetBranch(t.Context(), branch, "", to); err != nil {
			t.Fatal(err)
		}
		if err := r.Advance(t.Context(), from, to, nil); err != nil {
			t.Fatal(err)
		}
		if err := r.DeleteBranch(t.Context(), branch, to); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			fmt.Println("ready")
		}
	}
}

// leftLock is what Git says about a lock of a git that was killed.
var leftLock = regexp.MustCompile(`Unable to create '([^;]*\.lock)': File exists`)

// Whenever the process is killed, alone or with the git that it runs, the next one finds the repository in order.
func TestKill(t *testing.T) {
	if dir := os.Getenv(changing); dir != "" {
		change(t, at(t, dir))
		return
	}
	w := newWork(t, map[string]string{"records.yaml": "x\n", "a.yaml": "x\n", "b.yaml": "x\n"})
	rounds, ended := 24, 0
	if testing.Short() {
		rounds = 5
	}
	// Each git tells its number before it begins.
	bin, real := t.TempDir(), peer.Needs(t, "git")[0]
	number := filepath.Join(bin, "number")
	script := "#!/bin/sh\necho $$ >" + number + "\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), changing+"="+w.Dir, "PATH="+bin+":"+os.Getenv("PATH"))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("it says %q, %v", line, err)
		}
		timer := time.AfterFunc(rand.N(200*time.Millisecond), func() { _ = cmd.Process.Kill() })
		err = cmd.Wait()
		timer.Stop()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("it ended by itself: %v", err)
		}
		both := round%2 == 0 // as at the end of a service, or of the power; else git is left to end
		if both {
			text, err := os.ReadFile(number)
			if err != nil {
				t.Fatal(err)
			}
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil { // it has told it
				if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
					ended++
				}
			}
		}

		o := repository.Options{Root: filepath.Join(w.Dir, "records.yaml"), Committer: revmap}
		r, err := repository.Open(t.Context(), o)
		for err != nil && both && leftLock.MatchString(err.Error()) { // the advice of Git is followed
			if err := os.Remove(leftLock.FindStringSubmatch(err.Error())[1]); err != nil {
				t.Fatal(err)
			}
			r, err = repository.Open(t.Context(), o)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		for _, folder := range []string{"", "refs/heads", "refs/heads/rdns/alice"} { // locks that were not in the way of Open, but are in that of others
			locks, err := filepath.Glob(filepath.Join(w.Dir, ".git", folder, "*.lock"))
			if err != nil || len(locks) > 0 && !both {
				t.Fatalf("%q, %v", locks, err)
			}
			for _, lock := range locks {
				os.Remove(lock)
			}
		}
		w.clean()
		text := w.Read("records.yaml")
		for _, file := range []string{"a.yaml", "b.yaml"} {
			if got := w.Read(file); got != strings.Repeat(text, 10000) && got != text {
				t.Fatalf("%s is of another commit than records.yaml", file)
			}
		}
	}
	if ended == 0 {
		t.Error("no git was killed")
	}
}

// Somebody who commits what is staged, just when the branch has moved and the index has not, does not take the move back.
func TestCommitBetween(t *testing.T) {
	w := newWork(t, map[string]string{"records.yaml": "1\n", "notes": "1\n"})
	r := w.open(repository.Options{})
	from, to := w.make(r, map[string]string{"records.yaml": "2\n"})
	w.Write(map[string]string{"notes": "2\n"})
	w.Git("add", "notes")
	bin, real := t.TempDir(), peer.Needs(t, "git")[0]
	script := "#!/bin/sh\n" + real + ` "$@" || exit
case " $* " in *" update-ref "*) ` + real + ` -C "$WORK" -c commit.gpgSign=false -c core.hooksPath=/dev/null` + " -c user.name=p -c user.email=p@example.net commit -qm 'By hand' 2>" +
		filepath.Join(bin, "said") + ";; esac\nexit 0\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	t.Setenv("WORK", w.Dir)
	t.Setenv("PATH", bin+":"+path)
	err := r.Advance(t.Context(), from, to, nil)
	t.Setenv("PATH", path)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := os.ReadFile(filepath.Join(bin, "said")); err != nil || !strings.Contains(string(said), "index.lock': File exists") {
		t.Errorf("who commits is told %q, %v; want that the index is locked", said, err)
	}
	if got := w.Git("rev-parse", "HEAD"); got != to {
		t.Errorf("the branch is at %s, want %s", got, to)
	}
	if got := w.Git("status", "--porcelain"); got != "M  notes" {
		t.Errorf("status: %q, want what was staged before", got)
	}
	w.Git("commit", "-qm", "By hand")
	if got := w.Git("show", "HEAD:records.yaml"); got != "2" {
		t.Errorf("records.yaml has %q, want 2", got)
	}
}
