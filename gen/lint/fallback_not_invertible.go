package lint

import (
	"fmt"
	"iter"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

var fallbackNotInvertible = &Rule{
	ID:       "fallback-not-invertible",
	Severity: diag.Error,
	Title:    "the address can be told from a fallback name that a forward zone answers",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for b, forward := range forwardFallbacks(inv) {
			if err := b.Fallback.Invertible(b.Prefix.Addr().Is6()); err != nil {
				report(diag.Diagnostic{
					Pos: b.Block.Fallback.Pos,
					Message: fmt.Sprintf("the forward zone %q cannot answer for the fallback of block %s: %v",
						forward.Name.Value, b.Prefix, err),
					Related: []diag.Related{{Pos: forward.Name.Pos, Message: "the forward zone"}},
					Hint:    "use {ip}, with a dot or a dash behind it, or a domain outside of the forward zone",
				})
			}
		}
	},
}

// forwardFallbacks goes through the blocks whose fallback names lie in a forward zone, but those for which
// template-yields-invalid finds that they are no names.
func forwardFallbacks(inv *model.Inventory) iter.Seq2[*model.Block, *model.ForwardZone] {
	return func(yield func(*model.Block, *model.ForwardZone) bool) {
		for _, forward := range inv.ForwardZones {
			for _, b := range forward.Fallbacks {
				_, err := b.Fallback.Expand(hostname.Values{Addr: arpa.Last(b.Prefix.Prefix)})
				if err == nil && !yield(b, forward) {
					return
				}
			}
		}
	}
}
