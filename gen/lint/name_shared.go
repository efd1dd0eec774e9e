package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var nameShared = &Rule{
	ID:       "name-shared",
	Severity: diag.Warning,
	Title:    "addresses of one family that have the same reverse map name are one server's",
	across:   sameName,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		sameNames(inv, func(list []named) {
			slices.SortFunc(list, func(a, b named) int {
				if earlier(inv, a.name.Pos, b.name.Pos) {
					return -1
				}
				return 1
			})
			first, second, owners := list[0], list[1], "no server"
			other := slices.IndexFunc(list, func(n named) bool { return !sameServer(n.Server, first.Server) })
			switch {
			case other >= 0:
				second, owners = list[other], "different servers"
			case first.Server != nil || len(list) <= maxInterfaces:
				return
			}
			if placeholder(first.Address, first.name.Value) != "" {
				return
			}
			report(diag.Diagnostic{
				Pos:     second.name.Pos,
				Message: fmt.Sprintf("%q is the name of %d addresses of %s", second.name.Value, len(list), owners),
				Related: []diag.Related{{Pos: first.name.Pos, Message: "the first"}},
				Hint:    "give each host a name of its own",
			})
		})
	},
}

// maxInterfaces is how many addresses of no server may have the same name: they may be those of one router.
const maxInterfaces = 16

// named is an address with one of its reverse map names.
type named struct {
	*model.Address
	name source.Name
}

// sameNames calls f for each reverse map name that several addresses of one family have, with all of them. The list is
// valid until f returns.
func sameNames(inv *model.Inventory, f func(list []named)) {
	all := make([]hashed, 0, len(inv.Addresses))
	for i := range inv.Addresses {
		if a := &inv.Addresses[i]; a.Delegation == nil {
			for _, name := range reverseNames(a) {
				all = append(all, hashed(hashName(a, name)<<32|uint64(i)))
			}
		}
	}
	slices.Sort(all)
	var list []named
	for same := range runs(all, func(a, b hashed) bool { return a>>32 == b>>32 }) {
		if len(same) == 1 {
			continue
		}
		list = list[:0]
		for _, h := range slices.Compact(same) {
			for _, name := range h.address(inv).Entry.Names {
				if hashName(h.address(inv), name)<<32 == uint64(h>>32<<32) {
					list = append(list, named{h.address(inv), name})
				}
			}
		}
		slices.SortStableFunc(list, func(a, b named) int { // names of one hash may differ, even in family
			if a.Is4() != b.Is4() {
				return a.Compare(b.Addr)
			}
			return strings.Compare(a.name.Value, b.name.Value)
		})
		equal := func(a, b named) bool { return a.Is4() == b.Is4() && a.name.Value == b.name.Value }
		for group := range runs(list, equal) {
			// An address that is listed twice is address-assigned-twice's to report.
			if group = slices.CompactFunc(group, func(a, b named) bool { return a.Addr == b.Addr }); len(group) > 1 {
				f(group)
			}
		}
	}
}

// hashName returns the hash of a name that a has. Most names have an address of either family, so they differ by that.
func hashName(a *model.Address, name source.Name) uint64 {
	if a.Is4() {
		return hash(ofName4, name.Value)
	}
	return hash(ofName6, name.Value)
}
