package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// change says in words that something changes; "" is nothing.
func change(what, old, new string) string {
	return fmt.Sprintf("%s: %s → %s", what, cmp.Or(old, "none"), cmp.Or(new, "none"))
}

func (c *comparison) compareDelegations() {
	order := func(a, b delegation) int { return a.prefix.Compare(b.prefix) }
	merge(c.old.delegations(), c.new.delegations(), order, func(old, new *delegation) {
		var d Delegation
		was, is := old.content(), new.content()
		for i, what := range []string{"zone", "name servers", "DS", "glue"} {
			switch {
			case was[i] == is[i]:
			case old == nil || new == nil:
				d.Detail = append(d.Detail, what+": "+was[i]+is[i])
			default:
				d.Detail = append(d.Detail, change(what, was[i], is[i]))
			}
		}
		switch {
		case new == nil:
			d.Kinds = []Kind{DelegationRemoved}
		case old == nil:
			d.Kinds = []Kind{DelegationAdded}
		case len(d.Detail) > 0:
			d.Kinds = []Kind{DelegationChanged}
		default:
			return
		}
		if old != nil {
			d.Prefix, d.OldPos = old.prefix, old.pos
		}
		if new != nil {
			d.Prefix, d.Pos = new.prefix, new.pos
		}
		c.Delegations = append(c.Delegations, d)
	})
}

// content returns what d consists of, in words: the child's zone, name servers, DS and glue. Nil has none of them.
func (d *delegation) content() [4]string {
	if d == nil {
		return [4]string{}
	}
	return [4]string{d.child, strings.Join(d.ns, ", "), strings.Join(d.ds, ", "), strings.Join(d.glue, ", ")}
}

func (c *comparison) compareBlocks() {
	totals := c.Totals // as many as there are old blocks, in the same order
	order := func(a, b block) int { return a.prefix.Compare(b.prefix) }
	merge(c.oldBlocks.list, c.newBlocks.list, order, func(old, new *block) {
		var b Block
		if old != nil {
			b.Prefix, b.OldPos = old.prefix, old.pos
		}
		if new != nil {
			b.Prefix, b.Pos = new.prefix, new.pos
		}
		// What a fallback named before or names now, another block around may do.
		was, is := c.oldBlocks.fallback(b.Prefix), c.newBlocks.fallback(b.Prefix)
		switch {
		case new == nil:
			b.Kinds = append(b.Kinds, BlockRemoved)
		case old == nil:
			b.Kinds = append(b.Kinds, BlockAdded)
		}
		if old != nil {
			if t := totals[0]; t.Old > 0 && t.New == 0 && is == "" {
				b.Kinds = append(b.Kinds, BlockEmptied)
			}
			totals = totals[1:]
		}
		switch {
		case was == is:
		case was == "":
			b.Kinds = append(b.Kinds, FallbackAdded)
		case is == "":
			b.Kinds = append(b.Kinds, FallbackRemoved)
		default:
			b.Kinds = append(b.Kinds, FallbackChanged)
		}
		if was != is {
			b.Detail = append(b.Detail, change("fallback", was, is))
		}
		if len(b.Kinds) > 0 {
			c.Blocks = append(c.Blocks, b)
		}
	})
}

func (c *comparison) compareZones() {
	order := func(a, b zone) int { return strings.Compare(a.name, b.name) }
	merge(c.old.zones(), c.new.zones(), order, func(old, new *zone) {
		var z Zone
		switch {
		case new == nil:
			z = Zone{Name: old.name, Prefix: old.prefix, Kinds: []Kind{ZoneRemoved}, OldPos: old.pos}
		case old == nil:
			z = Zone{Name: new.name, Prefix: new.prefix, Kinds: []Kind{ZoneAdded}, Pos: new.pos}
		default:
			z = compareApexes(old, new, c.servers)
		}
		if len(z.Kinds) > 0 {
			c.Zones = append(c.Zones, z)
		}
	})
}

// compareApexes returns how a zone that both sides have changes, with its DS records if both sides know them. It has no
// kinds if it does not.
func compareApexes(old, new *zone, ds bool) Zone {
	z := Zone{Name: new.name, Prefix: new.prefix}
	for _, x := range []struct {
		what     string
		old, new any
	}{
		{"primary", old.soa.Primary, new.soa.Primary},
		{"contact", old.soa.Contact, new.soa.Contact},
		{"refresh", old.soa.Refresh, new.soa.Refresh},
		{"retry", old.soa.Retry, new.soa.Retry},
		{"expire", old.soa.Expire, new.soa.Expire},
		{"negative_ttl", old.soa.Minimum, new.soa.Minimum},
	} {
		if x.old != x.new {
			z.Kinds = []Kind{SOAChanged}
			z.Detail = append(z.Detail, change(x.what, fmt.Sprint(x.old), fmt.Sprint(x.new)))
		}
	}
	z.OldPos, z.Pos = old.apex.soa, new.apex.soa
	if !slices.Equal(old.ns, new.ns) {
		if z.Kinds == nil {
			z.OldPos, z.Pos = old.apex.ns, new.apex.ns
		}
		z.Kinds = append(z.Kinds, NSChanged)
		z.Detail = append(z.Detail, change("name servers", strings.Join(old.ns, ", "), strings.Join(new.ns, ", ")))
	}
	if old.ttl != new.ttl {
		if z.Kinds == nil {
			z.OldPos, z.Pos = old.apex.ttl, new.apex.ttl
		}
		z.Kinds = append(z.Kinds, ZoneTTLChanged)
		z.Detail = append(z.Detail, change("ttl", fmt.Sprint(old.ttl), fmt.Sprint(new.ttl)))
	}
	if ds && !slices.Equal(old.ds, new.ds) {
		if z.Kinds == nil {
			z.OldPos, z.Pos = cmp.Or(old.apex.ds, old.pos), cmp.Or(new.apex.ds, new.pos)
		}
		z.Kinds = append(z.Kinds, DSChanged)
		z.Detail = append(z.Detail, change("DS", strings.Join(old.ds, ", "), strings.Join(new.ds, ", ")))
	}
	return z
}
