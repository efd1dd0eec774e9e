// Package revision reads a source as it was at a Git revision. It runs the git program, which must be installed.
package revision

import (
	"context"
	"errors"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/source"
)

// Load reads the source whose root file is at a path of the work tree, as it was at the revision rev, and the forward
// zones that it names. Positions name its files as "REV:PATH". The file need not be in the work tree any more.
func Load(ctx context.Context, root, rev string) (*source.Source, *forward.Zones, diag.List, error) {
	return nil, nil, nil, errors.New("not written yet")
}

// MergeBase returns the id of the commit at which HEAD left the revision rev. It is an error if there is none.
func MergeBase(ctx context.Context, dir, rev string) (string, error) {
	return "", errors.New("not written yet")
}

// An Allowance is the value of a trailer "Revmap-Allow:" in the message of a commit.
type Allowance struct {
	Value  string
	Commit string // its id, in full
	Author string // the author's name
}

// Allowances returns those in the messages of the commits that HEAD has and the revision from has not, the oldest first.
func Allowances(ctx context.Context, dir, from string) ([]Allowance, error) {
	return nil, errors.New("not written yet")
}
