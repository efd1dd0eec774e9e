package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// ChangedSince returns the addresses whose names differ between the Git revision rev of the inventory's source and
// the inventory, ascending: also those that only one of the two lists. The source must lie in a Git working tree, and
// the git program be installed. What rev has is written into a temporary folder for the time of the call.
func ChangedSince(ctx context.Context, inv *model.Inventory, rev string) ([]netip.Addr, error) {
	dir, err := os.MkdirTemp("", "revmap-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := checkOut(ctx, inv.Source.Root, rev, dir); err != nil {
		return nil, fmt.Errorf("read the source at revision %q: %w", rev, err)
	}
	s, _, err := source.Load(filepath.Join(dir, filepath.Base(inv.Source.Root))) // its findings are of the past
	if err != nil {
		return nil, fmt.Errorf("read the source at revision %q: %w", rev, err)
	}
	old := model.Build(s)
	changed := []netip.Addr{}
	for _, one := range []*model.Inventory{old, inv} {
		for i := range one.Addresses {
			addr := one.Addresses[i].Addr
			before, _ := old.Lookup(addr)
			if now, _ := inv.Lookup(addr); !slices.Equal(before.Names, now.Names) {
				changed = append(changed, addr)
			}
		}
	}
	slices.SortFunc(changed, netip.Addr.Compare)
	return slices.Compact(changed), nil
}

// checkOut writes the folder of the root file, as it was at rev, to dir. It reads the objects into an index of its own,
// since git archive leaves out what .gitattributes tells it to.
func checkOut(ctx context.Context, root, rev, dir string) error {
	in := filepath.Dir(root)
	commit, err := git(ctx, in, "", "rev-parse", "--verify", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return err
	}
	top, err := git(ctx, in, "", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	prefix, err := git(ctx, in, "", "rev-parse", "--show-prefix") // "" or "folder/"
	if err != nil {
		return err
	}
	index := filepath.Join(dir, ".git") // no name of a file in a commit
	if _, err := git(ctx, top, index, "read-tree", commit+":"+strings.TrimSuffix(prefix, "/")); err != nil {
		return err
	}
	_, err = git(ctx, top, index, "checkout-index", "--all", "--prefix="+dir+string(filepath.Separator))
	return err
}

// git runs git in a folder, with an index of its own unless that is "", and returns the line that it prints.
func git(ctx context.Context, dir, index string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // for messages that are the same everywhere
	if index != "" {
		cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+index)
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.As(err, &exit):
		return "", fmt.Errorf("git %s: %s", args[0], bytes.TrimSpace(exit.Stderr))
	}
	return strings.TrimSuffix(string(out), "\n"), err
}
