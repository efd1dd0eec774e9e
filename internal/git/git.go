// Package git runs the git program, so that it asks nobody, runs no hooks, and works on the repository around a folder,
// whatever the environment says.
package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Command tells how git is run. The zero Command runs it in the current folder.
type Command struct {
	Dir   string    // in whose repository; "" for the current folder
	Env   []string  // variables besides those of this process: "GIT_INDEX_FILE=…"
	Stdin io.Reader // nil for nothing
	// Hold is a file that git holds open, too; it may be nil. So a lock of it lasts until git ends, even if this
	// process is killed.
	Hold *os.File
}

// An Error tells why git has failed.
type Error struct {
	Command string // of git, such as "rev-parse"
	Message string // what git has said, in one line; "" if it has said nothing
	Err     error  // an *exec.ExitError, or why git could not be run
}

func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("git %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("git %s: %s", e.Command, e.Message)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// options come before each command. The repository's own configuration is that of whoever runs revmap, not of a pull
// request; but it is written for a person at a terminal.
var options = []string{
	"--no-pager", "--no-replace-objects", "--literal-pathspecs",
	"-c", "core.hooksPath=/dev/null",
	"-c", "core.fsmonitor=false",
	"-c", "core.fsync=all", // what is said to be done is still there after a power failure
	"-c", "core.splitIndex=false", // which would leave files beside an index of our own
	"-c", "core.filesRefLockTimeout=2000",
	"-c", "core.warnAmbiguousRefs=true",
	"-c", "color.ui=false",
	"-c", "commit.gpgSign=false",
	"-c", "push.gpgSign=false",
	"-c", "log.showSignature=false",
	"-c", "i18n.commitEncoding=UTF-8",
	"-c", "i18n.logOutputEncoding=UTF-8",
	"-c", "gc.auto=0", // nobody waits for it here
	"-c", "maintenance.auto=false",
	"-c", "protocol.ext.allow=never", // it runs what the address of a remote says
}

// notOurs are variables that Git sets for a hook, or a person for other commands: they tell which repository is meant,
// which is for folders to tell here, or change what Git prints.
var notOurs = []string{
	"GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX",
	"GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE",
	"GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_CONFIG", "GIT_ATTR_SOURCE",
	"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE",
	"GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE",
	"GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_REFLOG_ACTION", "GIT_EDITOR", "GIT_PAGER",
	"GIT_TRACE", "GIT_TRACE2", "GIT_TRACE_SETUP", "GIT_TRACE_PERFORMANCE", "GIT_TRACE_PACKET", "GIT_CURL_VERBOSE",
}

// environment returns the variables that git is given.
func environment(own []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(notOurs, name)
	})
	env = append(env,
		"LC_ALL=C", // for messages that are the same everywhere
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0", // who only looks takes no lock
	)
	return append(env, own...)
}

// Run runs git, and returns what it prints, without the last line break. An error is an *Error, or that of ctx. It is
// an error if a tag and a branch have the name that was given: Git would take the tag, and who may push tags must not
// choose what others see.
func (c Command) Run(ctx context.Context, args ...string) (string, error) {
	cmd := c.command(ctx, args)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, &out, &said
	err := cmd.Run()
	text := bytes.TrimSpace(said.Bytes())
	if err == nil && bytes.HasSuffix(text, []byte("is ambiguous.")) {
		err = errors.New("not one name")
	}
	// What it has printed is returned even then: git push tells there what has become of each branch.
	return strings.TrimSuffix(out.String(), "\n"), failure(ctx, args, text, err)
}

func (c Command) command(ctx context.Context, args []string) *exec.Cmd {
	all := append(slices.Clone(options), "-C", c.Dir)
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	cmd.Env = environment(c.Env)
	apart(cmd)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it takes its locks away
	cmd.WaitDelay = 5 * time.Second
	if c.Hold != nil && runtime.GOOS != "windows" { // which has no such thing
		cmd.ExtraFiles = []*os.File{c.Hold}
	}
	return cmd
}

// failure returns err as an *Error with what git has said.
func failure(ctx context.Context, args []string, said []byte, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &Error{Command: args[0], Message: message(said), Err: err}
}

// secret is the login in an address.
var secret = regexp.MustCompile(`://[^/@\s]+@`)

// message returns what git has said in one line, without advice about commands that the reader has not given.
func message(said []byte) string {
	var lines []string
	for line := range strings.SplitSeq(string(said), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "hint:") {
			continue
		}
		for _, level := range []string{"fatal: ", "error: "} {
			line = strings.TrimPrefix(line, level)
		}
		lines = append(lines, secret.ReplaceAllString(line, "://"))
	}
	return strings.Join(lines, "; ")
}

// A Process is a git that runs, and prints while others read.
type Process struct {
	In  io.WriteCloser // of git
	Out *bufio.Reader

	ctx  context.Context
	end  context.CancelFunc
	args []string
	cmd  *exec.Cmd
	said bytes.Buffer
}

// Start starts git, which has no use for c.Stdin. The caller must call Close.
func (c Command) Start(ctx context.Context, args ...string) (*Process, error) {
	p := &Process{ctx: ctx, args: args}
	ctx, p.end = context.WithCancel(ctx)
	p.cmd = c.command(ctx, args)
	p.cmd.Stderr = &p.said
	var out io.ReadCloser
	var err error
	if p.In, err = p.cmd.StdinPipe(); err == nil {
		if out, err = p.cmd.StdoutPipe(); err == nil {
			err = p.cmd.Start()
		}
	}
	if err != nil {
		p.end()
		return nil, failure(p.ctx, args, nil, err)
	}
	p.Out = bufio.NewReader(out)
	return p, nil
}

// Wait waits until git has ended by itself, and tells whether it has failed, as Run does. All of p.Out must have been
// read before.
func (p *Process) Wait() error {
	p.In.Close()
	err := p.cmd.Wait()
	return failure(p.ctx, p.args, bytes.TrimSpace(p.said.Bytes()), err)
}

// Close ends git if it still runs.
func (p *Process) Close() {
	p.end()
	if p.cmd.ProcessState == nil {
		p.Wait() //nolint:errcheck // nobody wants to know any more
	}
}
