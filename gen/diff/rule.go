package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

// A rule is something by which lint judges a source.
type rule struct {
	added, removed Kind
	subject, value string
	pos            diag.Position
}

var (
	severityRule = rule{added: SeverityChanged, removed: SeverityChanged}
	domainRule   = rule{added: DomainAdded, removed: DomainRemoved}
	waiverRule   = rule{added: WaiverAdded, removed: WaiverRemoved}
	zoneFileRule = rule{added: ZoneFileAdded, removed: ZoneFileRemoved}
)

// rules returns by what lint judges v, sorted. There are equal ones where a source waives the same twice.
func (v *inventory) rules() []rule {
	var list []rule
	add := func(r rule, subject, value string, pos diag.Position) {
		r.subject, r.value, r.pos = subject, value, pos
		list = append(list, r)
	}
	for _, s := range v.Source.Severities {
		add(severityRule, s.Rule.Value, s.Severity.String(), s.Rule.Pos)
	}
	for _, a := range v.Source.Accounts {
		for _, d := range a.Domains {
			add(domainRule, a.Name.Value, d.Value, d.Pos)
		}
	}
	list = once(list, compareRules)
	waivers := v.Source.Waivers
	if v.forwards != nil {
		waivers = append(waivers[:len(waivers):len(waivers)], v.forwards.Waivers...)
	}
	for i := range waivers {
		add(waiverRule, waived(&waivers[i]), reasoned(&waivers[i]), waivers[i].Pos)
	}
	for _, f := range v.Source.Forwards {
		add(zoneFileRule, f.Path, "", f.Pos)
	}
	slices.SortStableFunc(list, compareRules)
	return list
}

// waived returns the rules that a waiver is about.
func waived(w *source.Waiver) string {
	var ids []string
	for _, r := range w.Rules {
		ids = append(ids, r.Value)
	}
	return strings.Join(distinct(ids), ", ")
}

// reasoned returns why a waiver is there, and until when.
func reasoned(w *source.Waiver) string {
	if w.Until.IsZero() {
		return w.Reason
	}
	return w.Reason + " (until " + w.Until.Format("2006-01-02") + ")"
}

// compareRules orders rules. Severities of one rule are equal, other rules only if their values are.
func compareRules(a, b rule) int {
	c := cmp.Or(cmp.Compare(a.added, b.added), cmp.Compare(a.subject, b.subject))
	if a.added != SeverityChanged {
		c = cmp.Or(c, cmp.Compare(a.value, b.value))
	}
	return c
}

func (c *comparison) compareRules() {
	merge(c.old.rules(), c.new.rules(), compareRules, func(old, new *rule) {
		var r Rule
		was, is := "", ""
		if old != nil {
			r = Rule{Subject: old.subject, Kinds: []Kind{old.removed}, OldPos: old.pos}
			was = old.value
		}
		if new != nil {
			r = Rule{Subject: new.subject, Kinds: []Kind{new.added}, OldPos: r.OldPos, Pos: new.pos}
			is = new.value
		}
		switch {
		case old != nil && new != nil && was == is:
			return
		case r.Kinds[0] == SeverityChanged:
			r.Detail = []string{change("severity", cmp.Or(was, unset), cmp.Or(is, unset))}
		case was+is != "":
			r.Detail = []string{was + is} // it was added or removed
		}
		c.Rules = append(c.Rules, r)
	})
}

// unset is the severity of a rule for which the source sets none.
const unset = "default"

// NameDefaults tells of each severity that is or was unset which one that is, as usual returns it for a rule; "" if there
// is no such rule.
func (c *Changes) NameDefaults(usual func(rule string) string) {
	for _, r := range c.Rules {
		if severity := usual(r.Subject); r.Kinds[0] == SeverityChanged && severity != "" {
			r.Detail[0] = strings.Replace(r.Detail[0], unset, severity+" ("+unset+")", 1)
		}
	}
}
