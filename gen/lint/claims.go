package lint

import (
	"iter"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

// claims goes through the addresses that more than one place of the source has. Of each it yields every place but the
// one that best has it, together with that one: the first as a primary address, or the first at all. Two servers of one
// name are defined-twice's to report, not what they list.
func claims(inv *model.Inventory) iter.Seq2[*model.Address, *model.Address] {
	return func(yield func(a, first *model.Address) bool) {
		all := inv.Addresses
		for i := 0; i < len(all); {
			n := i + 1
			for n < len(all) && all[n].Addr == all[i].Addr {
				n++
			}
			same := all[i:n]
			i = n
			if len(same) == 1 {
				continue
			}
			first := &same[0]
			for j := range same {
				if before(inv, &same[j], first) {
					first = &same[j]
				}
			}
			for j := range same {
				a := &same[j]
				if a == first || a.Server != first.Server && sameServer(a.Server, first.Server) {
					continue
				}
				if !yield(a, first) {
					return
				}
			}
		}
	}
}

// before reports whether a has an address before b has it.
func before(inv *model.Inventory, a, b *model.Address) bool {
	if p := a.Primary != nil; p != (b.Primary != nil) {
		return p
	}
	return earlier(inv, a.Pos(), b.Pos())
}

// earlier reports whether a reader of the source comes to p before q: the root file is first.
func earlier(inv *model.Inventory, p, q diag.Position) bool {
	if root := inv.Source.Root; p.File != q.File && (p.File == root || q.File == root) {
		return p.File == root
	}
	return p.Compare(q) < 0
}

// takesPrimary reports whether a lists the primary address of another server.
func takesPrimary(a, first *model.Address) bool {
	return first.Primary != nil && a.Server != nil && !sameServer(a.Server, first.Server)
}
