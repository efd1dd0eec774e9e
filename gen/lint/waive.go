package lint

import (
	"fmt"
	"slices"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

// waive returns list without the findings that waivers take back, and what is wrong about the waivers. Whether one
// is of use cannot be told if a file is unread, since then not all rules ran. It changes list.
func waive(
	waivers []source.Waiver, list diag.List, severity map[string]diag.Severity, unread bool, today time.Time,
) (rest, wrong diag.List) {
	if len(waivers) == 0 {
		return list, nil
	}
	type place struct {
		file string
		line int
		rule string
	}
	type waiver struct {
		*source.Waiver
		rule source.Text
		used bool
	}
	var all []*waiver
	valid := make(map[place][]*waiver)
	report := func(rule *Rule, d diag.Diagnostic) {
		if d.Rule, d.Severity = rule.ID, severity[rule.ID]; d.Severity != diag.Off {
			wrong = append(wrong, d)
		}
	}
	for i := range waivers {
		v := &waivers[i]
		for _, id := range v.Rules {
			switch r := Find(id.Value); {
			case r == nil:
				report(waiverInvalid, unknownRule(id))
			case r.Required || r == waiverInvalid || r == waiverExpired || r == waiverUnused:
				report(waiverInvalid, diag.Diagnostic{
					Pos: id.Pos, Message: fmt.Sprintf("rule %q cannot be waived", r.ID), Hint: "mend what it finds",
				})
			default:
				w := &waiver{Waiver: v, rule: id}
				all = append(all, w)
				at := place{v.Pos.File, v.Line, r.ID}
				valid[at] = append(valid[at], w)
			}
		}
	}
	list = slices.DeleteFunc(list, func(d diag.Diagnostic) bool {
		waived := false
		for _, w := range valid[place{d.Pos.File, d.Pos.Line, d.Rule}] {
			w.used = true
			waived = waived || !w.Expired(today)
		}
		return waived
	})
	for _, w := range all {
		d := diag.Diagnostic{Pos: w.Pos, End: w.End}
		switch {
		case w.Expired(today):
			d.Message = fmt.Sprintf("this waiver of %q held until %s", w.rule.Value, w.Until.Format(time.DateOnly))
			d.Hint = "mend what it waives, or decide on another day"
			if !w.used {
				d.Hint = "remove it: there is nothing to waive"
			}
			report(waiverExpired, d)
		case !w.used && !unread:
			d.Message = fmt.Sprintf("there is no finding of %q to waive on line %d", w.rule.Value, w.Line)
			d.Hint = "remove it"
			report(waiverUnused, d)
		}
	}
	return list, wrong
}
