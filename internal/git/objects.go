package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Objects reads objects of a repository, one after the other.
type Objects struct{ p *Process }

// ErrMissing tells that a repository has no such object.
var ErrMissing = errors.New("there is no such object")

// OpenObjects opens the objects of the repository around a folder. The caller must call Close.
func OpenObjects(ctx context.Context, dir string) (*Objects, error) {
	p, err := Command{Dir: dir}.Start(ctx, "cat-file", "--batch", "--follow-symlinks")
	if err != nil {
		return nil, err
	}
	return &Objects{p}, nil
}

// Close lets go of the repository.
func (o *Objects) Close() { o.p.Close() }

// outside are what Git answers in place of an object for a path that a symbolic link leads out of the commit.
var outside = []string{"dangling", "loop", "notdir", "symlink"}

// Blob returns the bytes of a file as Git keeps it, without what filters would make of it. The name is an id, or
// "COMMIT:PATH" with links followed inside of the commit. The error is ErrMissing if there is no such file.
func (o *Objects) Blob(name string) ([]byte, error) {
	if strings.Contains(name, "\n") { // Git would take it for two
		return nil, ErrMissing
	}
	if _, err := io.WriteString(o.p.In, name+"\n"); err != nil {
		return nil, o.failed(err)
	}
	line, err := o.p.Out.ReadString('\n')
	if err != nil {
		return nil, o.failed(err)
	}
	line = strings.TrimSuffix(line, "\n")
	if strings.HasSuffix(line, " missing") {
		return nil, ErrMissing
	}
	words := strings.Split(line, " ")
	size, err := strconv.Atoi(words[len(words)-1])
	if err != nil || size < 0 {
		return nil, fmt.Errorf("git cat-file: %q has no size", line)
	}
	data := make([]byte, size+1) // with the line break after it
	if _, err := io.ReadFull(o.p.Out, data); err != nil {
		return nil, o.failed(err)
	}
	switch {
	case len(words) == 3 && words[1] == "blob":
		return data[:size:size], nil
	case len(words) == 3, len(words) == 2 && slices.Contains(outside, words[0]): // a folder, or out of the commit
		return nil, ErrMissing
	}
	return nil, fmt.Errorf("git cat-file: %q is no answer", line)
}

// failed returns why git has ended.
func (o *Objects) failed(err error) error {
	if failed := o.p.Wait(); failed != nil {
		return failed
	}
	return fmt.Errorf("git cat-file: %w", err)
}
