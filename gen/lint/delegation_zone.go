package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

var delegationZone = &Rule{
	ID:       "delegation-zone",
	Severity: diag.Error,
	Title:    "delegations of IPv4 longer than /24, and only they, name a zone, and it is nobody else's",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		var children []*model.Delegation // whose names are chosen and may be used
		for d := range placed(inv) {
			named := d.Zone.Pos.IsValid()
			switch b := d.Block; {
			case !model.IsClassless(d.Prefix.Prefix) && named:
				report(diag.Diagnostic{
					Pos: d.Zone.Pos,
					Message: fmt.Sprintf("the delegation of %s cannot choose the name of its zone: only IPv4 longer than /24 can",
						d.Prefix),
					Hint: `remove "zone:"`,
				})
			case model.IsClassless(b.Prefix.Prefix) && (named || !d.Prefix.IsSingleIP()):
				report(diag.Diagnostic{
					Pos: d.Prefix.Pos,
					Message: fmt.Sprintf("the delegation of %s needs aliases, and the names of block %s are targets of aliases",
						d.Prefix, b.Prefix),
					Related: []diag.Related{{Pos: b.Prefix.Pos, Message: "the classless block"}},
					Hint: "take it out of the block and let the owner of the parent zone delegate it, or delegate each address" +
						` without "zone:"`,
				})
			case named && d.Zone.Value != "":
				if childName(d, report) {
					children = append(children, d)
				}
			case !named && model.IsClassless(d.Prefix.Prefix) && !d.Prefix.IsSingleIP():
				report(diag.Diagnostic{
					Pos:     d.Prefix.Pos,
					Message: fmt.Sprintf("the delegation of %s does not name its zone, and the prefix is longer than /24", d.Prefix),
					Hint:    fmt.Sprintf(`add "zone:", with a name such as %q`, suggestion(d)),
				})
			}
		}
		if len(children) > 0 { // else all names follow from prefixes that do not overlap
			checkChildren(inv, children, report)
		}
	},
}

// suggestion returns a name for the zone of d, as in RFC 2317 but without its "/".
func suggestion(d *model.Delegation) string {
	return fmt.Sprintf("%d-%d.%s", d.Prefix.Addr().As4()[3], d.Prefix.Bits(), d.Parts[0].Zone.Name)
}

// childName reports what is wrong with the chosen name of a zone by itself, and whether nothing is.
func childName(d *model.Delegation, report func(diag.Diagnostic)) bool {
	if !d.Parts[0].Alias {
		return true // it is the name that the zone of a single address has anyway
	}
	ok := true
	checkRoom(d.Zone, "choose a shorter name", func(f diag.Diagnostic) {
		ok = false
		report(f)
	})
	if p, form := arpa.Parse(d.Zone.Value); form == arpa.Partial || form == arpa.Complete {
		ok = false
		report(diag.Diagnostic{
			Pos:     d.Zone.Pos,
			Message: fmt.Sprintf("the zone name %q is the reverse name of %s", d.Zone.Value, shortest(p)),
			Hint:    fmt.Sprintf("choose one that is not, such as %q", suggestion(d)),
		})
	}
	return ok
}

// shortest returns p as people write it: a single address without its length.
func shortest(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// checkChildren reports delegations to a zone that is, or lies inside, another zone of ours or that of another
// delegation, and those that give two addresses one name.
func checkChildren(inv *model.Inventory, children []*model.Delegation, report func(diag.Diagnostic)) {
	zones := byName(apexes(inv))
	cuts := make(map[string]*model.Delegation) // by the name of their zone, the first of each
	for d := range placed(inv) {
		for i := range d.Parts {
			if p := &d.Parts[i]; isCut(p) && cuts[p.Name] == nil {
				cuts[p.Name] = d
			}
		}
	}
	elsewhere := make(map[string][]*model.Delegation) // by the name of a zone that lies in none of ours
	for _, d := range children {
		p := &d.Parts[0]
		if z := zones[p.Name]; z != nil && z.zone != nil && z.zone.Prefix == p.Prefix {
			continue // a block of ours, so that zone-overlap sees to the name
		}
		if f, found := occupied(d, zones, cuts); found {
			report(f)
		} else if !isCut(p) {
			for _, other := range elsewhere[p.Name] {
				if lastOctets(d).Overlaps(lastOctets(other)) {
					report(sameTargets(d, other))
					break
				}
			}
			elsewhere[p.Name] = append(elsewhere[p.Name], d)
		}
	}
}

// isCut reports whether a zone of ours holds the name servers of p: its own zone lies below ours.
func isCut(p *model.Part) bool {
	return p.Name != "" && (!p.Alias || strings.HasSuffix(p.Name, "."+p.Zone.Name))
}

// occupied finds the zone at or above the name that d chose: one of ours that is not the parent, or that of another
// delegation.
func occupied(d *model.Delegation, zones map[string]*apex, cuts map[string]*model.Delegation) (diag.Diagnostic, bool) {
	p := &d.Parts[0]
	f := diag.Diagnostic{Pos: d.Zone.Pos, Hint: fmt.Sprintf("choose another name, such as %q", suggestion(d))}
	is := "is"
	for name := p.Name; name != ""; name = parent(name) {
		z := zones[name]
		if z != nil && z.zone != nil && z.zone == p.Zone {
			break // where the delegation is
		}
		if other := cuts[name]; other != nil && other != d {
			f.Message = fmt.Sprintf("the zone %q %s the one that %s is delegated to", p.Name, is, other.Prefix)
			f.Related = []diag.Related{{Pos: other.Prefix.Pos, Message: "the other delegation"}}
			return f, true
		}
		if z != nil {
			f.Message = fmt.Sprintf("%s is delegated to %q, which %s %s", d.Prefix, p.Name, is, z)
			f.Related = []diag.Related{{Pos: z.pos, Message: "that zone"}}
			return f, true
		}
		is = "lies inside"
	}
	return f, false
}

// lastOctets returns the range of last octets that d has, as a prefix.
func lastOctets(d *model.Delegation) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{3: d.Prefix.Addr().As4()[3]}), d.Prefix.Bits())
}

// sameTargets reports d, whose aliases lead to the same names as some of other.
func sameTargets(d, other *model.Delegation) diag.Diagnostic {
	return diag.Diagnostic{
		Pos: d.Zone.Pos,
		Message: fmt.Sprintf("%s and %s are both delegated to the zone %q, where some of their addresses have the same name",
			other.Prefix, d.Prefix, d.Zone.Value),
		Related: []diag.Related{{Pos: other.Zone.Pos, Message: "the other delegation"}},
		Hint:    fmt.Sprintf("choose another name for one of the two, such as %q", suggestion(d)),
	}
}
