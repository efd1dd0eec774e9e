package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

var blockOverlap = &Rule{
	ID:       "block-overlap",
	Severity: diag.Error,
	Title:    "no block lies inside another, unless that one delegates it",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			if b.Outer != nil && b.Outer.Prefix.Prefix != b.Prefix.Prefix { // else defined-twice
				checkInner(b, report)
			}
		}
	},
}

// checkInner reports b, which lies inside another block, unless that one delegates all of its zones.
func checkInner(b *model.Block, report func(diag.Diagnostic)) {
	outer := b.Outer
	for _, z := range b.Zones {
		p := delegated(z)
		switch {
		case p == nil:
			report(diag.Diagnostic{
				Pos:     b.Prefix.Pos,
				Message: fmt.Sprintf("block %s lies inside block %s, which does not delegate it", b.Prefix, outer.Prefix),
				Related: []diag.Related{{Pos: outer.Prefix.Pos, Message: "the block around it"}},
				Hint:    fmt.Sprintf("add a delegation of %s to block %s, or remove one of the two", b.Prefix, outer.Prefix),
			})
			return
		case p.Name == "" || z.Name == "": // delegation-zone, classless-zone
		case model.IsClassless(outer.Prefix.Prefix):
			// A zone for one address has the PTR at its apex only if that is the address's reverse name.
			if !z.Prefix.IsSingleIP() || p.Name == z.Name && z.Name == arpa.Name(z.Prefix.Addr()) {
				continue
			}
			report(diag.Diagnostic{
				Pos:     b.Prefix.Pos,
				Message: fmt.Sprintf("block %s cannot be served inside the classless block %s", b.Prefix, outer.Prefix),
				Related: []diag.Related{{Pos: outer.Prefix.Pos, Message: "the block around it"}},
				Hint:    "remove it and its delegation, and list its address as one of the block around it",
			})
		case p.Name != z.Name:
			report(diag.Diagnostic{
				Pos:     b.Zone.Pos,
				Message: fmt.Sprintf("block %s is delegated as %q, not as %q", b.Prefix, p.Name, z.Name),
				Related: []diag.Related{{Pos: p.Delegation.Prefix.Pos, Message: "the delegation"}},
				Hint:    "write the same name in both places",
			})
		}
	}
}

// delegated returns the part of a delegation that leads to z, nil if there is none.
func delegated(z *model.Zone) *model.Part {
	if z.Delegation == nil {
		return nil
	}
	for i := range z.Delegation.Parts {
		if p := &z.Delegation.Parts[i]; p.Prefix == z.Prefix {
			return p
		}
	}
	return nil
}
