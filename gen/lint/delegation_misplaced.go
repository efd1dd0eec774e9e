package lint

import (
	"fmt"
	"iter"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var delegationMisplaced = &Rule{
	ID:       "delegation-misplaced",
	Severity: diag.Error,
	Title:    "a delegation is a part of one zone of its block, and of no other delegation",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			for d, outer := range delegations(b) {
				switch {
				case !fitsBlock(d):
					report(misfit(inv, d))
				case outer != nil:
					report(overlap(inv, d, outer))
				}
			}
		}
	},
}

// delegations goes through the delegations of b, by prefix. With each it yields the one that is around it, nil if there
// is none.
func delegations(b *model.Block) iter.Seq2[*model.Delegation, *model.Delegation] {
	return func(yield func(d, outer *model.Delegation) bool) {
		var last *model.Delegation // the last one that is in no other
		for _, d := range b.Delegations {
			outer := last
			if last == nil || !fitsBlock(last) || !last.Prefix.Overlaps(d.Prefix.Prefix) {
				outer, last = nil, d
			}
			if !yield(d, outer) {
				return
			}
		}
	}
}

// placed goes through the delegations that have no finding of delegation-misplaced. What else is wrong with the others
// may follow from where they are.
func placed(inv *model.Inventory) iter.Seq[*model.Delegation] {
	return func(yield func(*model.Delegation) bool) {
		for _, b := range inv.Blocks {
			for d, outer := range delegations(b) {
				if fitsBlock(d) && outer == nil && !yield(d) {
					return
				}
			}
		}
	}
}

// fitsBlock reports whether d is a part of one zone of its block.
func fitsBlock(d *model.Delegation) bool {
	return d.Block.Prefix.Contains(d.Prefix.Addr()) && d.Prefix.Bits() > zoneBits(d.Block)
}

// zoneBits returns the length of the prefixes that the zones of b have.
func zoneBits(b *model.Block) int { return b.Zones[0].Prefix.Bits() }

// misfit reports a delegation that is outside its block, or too large.
func misfit(inv *model.Inventory, d *model.Delegation) diag.Diagnostic {
	b := d.Block
	f := diag.Diagnostic{Pos: d.Prefix.Pos, Related: []diag.Related{{Pos: b.Prefix.Pos, Message: "the block"}}}
	if !b.Prefix.Overlaps(d.Prefix.Prefix) {
		f.Message = fmt.Sprintf("the delegation of %s lies outside its block, %s", d.Prefix, b.Prefix)
		f.Hint = "correct the prefix"
		if other := inv.BlockOf(d.Prefix.Addr()); other != nil && other.Prefix.Bits() < d.Prefix.Bits() {
			f.Hint = fmt.Sprintf("correct the prefix, or move the delegation to block %s", other.Prefix)
		}
		return f
	}
	f.Message = fmt.Sprintf("the delegation of %s is no part of a zone: block %s has zones of /%d",
		d.Prefix, b.Prefix, zoneBits(b))
	f.Hint = fmt.Sprintf("remove it, take %s out of the block, and let the registry delegate it: no zone of yours can",
		d.Prefix)
	if model.IsClassless(b.Prefix.Prefix) {
		f.Hint = fmt.Sprintf("remove it, take %s out of the block, and let the owner of the parent zone delegate it",
			d.Prefix)
	}
	return f
}

// overlap reports a delegation inside another one of the same block.
func overlap(inv *model.Inventory, d, outer *model.Delegation) diag.Diagnostic {
	if d.Prefix.Prefix == outer.Prefix.Prefix {
		if earlier(inv, d.Prefix.Pos, outer.Prefix.Pos) {
			d, outer = outer, d
		}
		return diag.Diagnostic{
			Pos:     d.Prefix.Pos,
			Message: fmt.Sprintf("%s is delegated twice", d.Prefix),
			Related: []diag.Related{{Pos: outer.Prefix.Pos, Message: "first here"}},
			Hint:    "remove one of the two",
		}
	}
	f := diag.Diagnostic{
		Pos:     d.Prefix.Pos,
		Message: fmt.Sprintf("the delegation of %s lies inside that of %s", d.Prefix, outer.Prefix),
		Related: []diag.Related{{Pos: outer.Prefix.Pos, Message: "the delegation around it"}},
		Hint:    fmt.Sprintf("remove one of the two: only the servers of %s can delegate a part of it", outer.Prefix),
	}
	if model.IsClassless(outer.Prefix.Prefix) {
		f.Hint = "remove it, or cut the other one into delegations side by side: no alias may lead to another alias " +
			"(RFC 2317 section 5.3)"
	}
	return f
}
