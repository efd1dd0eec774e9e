package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var ttlRange = &Rule{
	ID:       "ttl-range",
	Severity: diag.Warning,
	Title:    "a TTL is one minute to one week",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		checkTTL(inv.Source.Defaults.TTL, report)
	},
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for i := range inv.Addresses {
			if a := &inv.Addresses[i]; a.Entry != nil && a.Entry.TTL.Pos.IsValid() && a.Delegation == nil {
				checkTTL(a.Entry.TTL, report)
			}
		}
	},
}

// checkTTL reports a TTL that is too short or too long.
func checkTTL(ttl source.Seconds, report func(diag.Diagnostic)) {
	d := diag.Diagnostic{Pos: ttl.Pos}
	switch {
	case ttl.Value < minute:
		d.Message = fmt.Sprintf("with a TTL of %s, resolvers have to ask nearly every time", duration(ttl.Value))
		d.Hint = "write 1m or more; 5m is short enough for what is about to change"
	case ttl.Value > week:
		d.Message = fmt.Sprintf("with a TTL of %s, a change may not be seen for that long", duration(ttl.Value))
		d.Hint = "write 1w or less: resolvers keep nothing for longer"
	default:
		return
	}
	report(d)
}
