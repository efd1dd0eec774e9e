package lint

import (
	"fmt"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

var zoneOverlap = &Rule{
	ID:       "zone-overlap",
	Severity: diag.Error,
	Title:    "no zone lies inside another, unless that one delegates it, and forward zones hold names of hosts",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, n := range inv.Source.ForwardZones {
			if isReverse(n.Value) {
				report(diag.Diagnostic{
					Pos:     n.Pos,
					Message: fmt.Sprintf("the forward zone %q holds reverse names, not those of hosts", n.Value),
					Hint:    `remove it; what you are authoritative for is listed under "blocks"`,
				})
			}
		}
		all := apexes(inv)
		first := byName(all)
		blamed := make(map[*apex]bool) // for zones inside it, which may be many
		for i := range all {
			z := &all[i]
			if other := first[z.name]; other != z {
				checkSame(inv, z, other, report)
				continue
			}
			outer := around(first, z.name)
			if outer == nil || isDelegated(z, outer) {
				continue
			}
			if !z.chosen.IsValid() {
				if blamed[outer] {
					continue
				}
				blamed[outer] = true
			}
			report(inside(z, outer))
		}
	},
}

// isReverse reports whether name is at or below in-addr.arpa. or ip6.arpa., or has nothing else below it.
func isReverse(name string) bool {
	_, form := arpa.Parse(name)
	return form != arpa.Outside || name == "arpa."
}

// An apex is the name of a zone that the source makes us serve.
type apex struct {
	name   string
	pos    diag.Position // what makes us serve it
	chosen diag.Position // where its name is written; invalid if the name follows from a prefix
	kind   string        // "forward zone" or "catalog zone"
	zone   *model.Zone   // the reverse zone, else nil
}

// String says which zone it is.
func (a *apex) String() string {
	if a.zone != nil {
		return fmt.Sprintf("the zone %q of block %s", a.name, a.zone.Block.Prefix)
	}
	return fmt.Sprintf("the %s %q", a.kind, a.name)
}

// apexes returns those of all zones but forward zones that hold reverse names.
func apexes(inv *model.Inventory) []apex {
	var all []apex
	for _, z := range inv.Zones {
		if z.Name == "" {
			continue // classless-zone, name-invalid
		}
		a := apex{name: z.Name, pos: z.Block.Prefix.Pos, zone: z}
		if model.IsClassless(z.Prefix) {
			a.chosen = z.Block.Zone.Pos
		}
		all = append(all, a)
	}
	for _, n := range inv.Source.ForwardZones {
		if !isReverse(n.Value) {
			all = append(all, apex{name: n.Value, pos: n.Pos, chosen: n.Pos, kind: "forward zone"})
		}
	}
	if n := inv.Catalog; n.Value != "" {
		all = append(all, apex{name: n.Value, pos: n.Pos, chosen: n.Pos, kind: "catalog zone"})
	}
	return all
}

// byName returns the first apex of each name.
func byName(all []apex) map[string]*apex {
	m := make(map[string]*apex, len(all))
	for i := range all {
		if a := &all[i]; m[a.name] == nil {
			m[a.name] = a
		}
	}
	return m
}

// around returns the zone with the longest name that name lies below, nil if there is none.
func around(zones map[string]*apex, name string) *apex {
	for name = parent(name); name != ""; name = parent(name) {
		if a := zones[name]; a != nil {
			return a
		}
	}
	return nil
}

// parent returns name without its first label, "" for a name of one label.
func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// checkSame reports z, which has the name of another zone.
func checkSame(inv *model.Inventory, z, other *apex, report func(diag.Diagnostic)) {
	if z.zone != nil && other.zone != nil && z.zone.Prefix == other.zone.Prefix {
		return // defined-twice
	}
	if !z.chosen.IsValid() || other.chosen.IsValid() && earlier(inv, z.chosen, other.chosen) {
		z, other = other, z
	}
	d := diag.Diagnostic{
		Pos:     z.chosen,
		Message: fmt.Sprintf("%s has the same name as %s", z, other),
		Related: []diag.Related{{Pos: other.pos, Message: "the other one"}},
		Hint:    "give each a name of its own",
	}
	switch {
	case z.zone != nil && other.zone != nil:
		d.Message = fmt.Sprintf("blocks %s and %s both have the zone %q",
			other.zone.Block.Prefix, z.zone.Block.Prefix, z.name)
		d.Hint = "give each block a zone of its own, or replace them by the one block that the zone is for"
	case z.kind == other.kind:
		d.Message = fmt.Sprintf("%s is listed twice", z)
		d.Hint = "remove one of the two"
	}
	report(d)
}

// isDelegated reports whether outer delegates z, which lies inside it, or should do so: then the finding is one of
// block-overlap.
func isDelegated(z, outer *apex) bool {
	return z.zone != nil && outer.zone != nil && z.zone.Prefix.Overlaps(outer.zone.Prefix)
}

// inside reports z, which lies inside outer without a delegation.
func inside(z, outer *apex) diag.Diagnostic {
	d := diag.Diagnostic{
		Pos:     z.chosen,
		Message: fmt.Sprintf("%s lies inside %s", z, outer),
		Related: []diag.Related{{Pos: outer.pos, Message: "the zone around it"}},
		Hint:    "choose a name outside of that zone, which does not delegate it",
	}
	switch {
	case !z.chosen.IsValid(): // then the other one is at fault
		d.Pos = outer.chosen
		d.Related = []diag.Related{{Pos: z.pos, Message: "the zone inside"}}
		d.Hint = "choose a name that has no other zone below it"
	case z.kind != "" && z.kind == outer.kind:
		d.Hint = "remove it: the zone around it answers for the names below it too"
	}
	return d
}
