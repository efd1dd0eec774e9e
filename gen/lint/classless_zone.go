package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

var classlessZone = &Rule{
	ID:       "classless-zone",
	Severity: diag.Error,
	Title:    "IPv4 blocks longer than /24, and only they, name their zone, and it hides no other zone",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		chosen := false
		for _, b := range inv.Blocks {
			switch named := b.Zone.Pos.IsValid(); {
			case model.IsClassless(b.Prefix.Prefix) && !named:
				report(diag.Diagnostic{
					Pos:     b.Prefix.Pos,
					Message: fmt.Sprintf("block %s is longer than /24 and does not name its zone", b.Prefix),
					Hint:    `add "zone:" with the name that was delegated to you`,
				})
			case model.IsClassless(b.Prefix.Prefix):
				if b.Zone.Value == "" {
					continue // name-invalid
				}
				chosen = true
				checkOwners(b, report)
			case named:
				report(diag.Diagnostic{
					Pos: b.Zone.Pos,
					Message: fmt.Sprintf("block %s cannot choose the name of its zones: only IPv4 blocks longer than /24 can",
						b.Prefix),
					Hint: `remove "zone:"`,
				})
			}
		}
		if chosen { // else the names of the zones are those of their prefixes, and block-overlap sees to these
			checkHidden(inv, report)
		}
	},
}

// checkOwners reports a zone name to which the last octet of an address cannot be added.
func checkOwners(b *model.Block, report func(diag.Diagnostic)) {
	a := arpa.Last(b.Prefix.Prefix) // no octet has more digits than its
	if err := hostname.Check(fmt.Sprintf("%d.%s", a.As4()[3], b.Zone.Value)); err != nil {
		report(diag.Diagnostic{
			Pos:     b.Zone.Pos,
			Message: fmt.Sprintf("the zone name %q leaves no room for the name of %s: %v", b.Zone.Value, a, err),
			Hint:    "agree on a shorter name with the owner of the parent zone",
		})
	}
}

// checkHidden reports zones of which one answers for names of the other, since a question goes to the zone with the
// longest name that matches.
func checkHidden(inv *model.Inventory, report func(diag.Diagnostic)) {
	zones := make(map[string]*model.Zone, len(inv.Zones)) // the first of each name
	for _, z := range inv.Zones {
		first := zones[z.Name]
		switch {
		case z.Name == "":
		case first == nil:
			zones[z.Name] = z
		case model.IsClassless(z.Prefix) || model.IsClassless(first.Prefix):
			if z.Prefix == first.Prefix {
				continue // defined-twice
			}
			d := twoZones(inv, z, first)
			d.Message = fmt.Sprintf("blocks %s and %s both have the zone %q", first.Block.Prefix, z.Block.Prefix, z.Name)
			d.Hint = "give each block a zone of its own, or replace them by the one block that the zone is for"
			report(d)
		}
	}
	for _, z := range inv.Zones {
		_, parent, _ := strings.Cut(z.Name, ".")
		for ; parent != "" && zones[parent] == nil; _, parent, _ = strings.Cut(parent, ".") {
		}
		outer := zones[parent]
		if outer == nil || !model.IsClassless(z.Prefix) && !model.IsClassless(outer.Prefix) {
			continue
		}
		if z.Block.Prefix.Overlaps(outer.Block.Prefix.Prefix) {
			continue // block-overlap
		}
		if p, ok := hidden(z, outer); ok {
			d := twoZones(inv, z, outer)
			what := p.String()
			if p.IsSingleIP() {
				what = p.Addr().String()
			}
			d.Message = fmt.Sprintf("the zone %q hides the name of %s in the zone %q", z.Name, what, outer.Name)
			d.Hint = "choose a zone name that is not the reverse name of an address"
			report(d)
		}
	}
}

// hidden returns the addresses of the zone outer whose PTRs would be at or below the apex of inner, which lies below
// that of outer; false if there are none.
func hidden(inner, outer *model.Zone) (netip.Prefix, bool) {
	base := outer.Prefix
	if model.IsClassless(base) && outer.Name != arpa.Name(base.Addr()) {
		base = netip.PrefixFrom(base.Addr(), 24).Masked() // one label, the last octet, is below the apex
	}
	p, ok := arpa.Extend(base, strings.TrimSuffix(inner.Name, "."+outer.Name))
	return p, ok && p.Overlaps(outer.Prefix)
}

// twoZones begins a finding about the names of z and other, of which a block has chosen at least one: the later one is
// at fault.
func twoZones(inv *model.Inventory, z, other *model.Zone) diag.Diagnostic {
	if !model.IsClassless(z.Prefix) ||
		model.IsClassless(other.Prefix) && earlier(inv, z.Block.Zone.Pos, other.Block.Zone.Pos) {
		z, other = other, z
	}
	return diag.Diagnostic{
		Pos:     z.Block.Zone.Pos,
		Related: []diag.Related{{Pos: other.Block.Prefix.Pos, Message: "the other block"}},
	}
}
