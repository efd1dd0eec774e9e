package check

import (
	"context"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/revision"
)

// ChangedSince returns the addresses whose names differ between the Git revision rev of the inventory's source and
// the inventory, ascending: also those that only one of the two lists. The source must lie in a Git working tree, and
// the git program be installed.
func ChangedSince(ctx context.Context, inv *model.Inventory, rev string) ([]netip.Addr, error) {
	s, _, _, err := revision.Load(ctx, inv.Source.Root, rev) // its findings are of the past
	if err != nil {
		return nil, err
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
