package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

// Units of durations, in seconds.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

var soaTimers = &Rule{
	ID:       "soa-timers",
	Severity: diag.Warning,
	Title:    "the timers of the SOA record suit the secondaries and resolvers that go by them",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		soa := &inv.Source.Defaults.SOA
		// The values that stand for a timer that is not there are good ones, so that a bad one has a position.
		complain := func(at diag.Position, hint, format string, seconds uint32) {
			report(diag.Diagnostic{Pos: at, Message: fmt.Sprintf(format, duration(seconds)), Hint: hint})
		}
		switch v := soa.Refresh; {
		case v.Value < 5*minute:
			complain(v.Pos, "write 5m or more: NOTIFY tells secondaries of changes at once",
				"refresh is %s: each secondary asks for the serial of each zone that often", v.Value)
		case v.Value > 2*day:
			complain(v.Pos, "write 2d or less; 1h to 1d is usual",
				"refresh is %s: a secondary that misses a NOTIFY may answer from old data for that long", v.Value)
		}
		switch v := soa.Retry; {
		case v.Value < 3*minute:
			complain(v.Pos, "write 3m or more; 15m to 2h is usual",
				"retry is %s: while the primary is down, each secondary asks it for each zone that often", v.Value)
		case v.Value > soa.Refresh.Value && soa.Refresh.Value >= 5*minute:
			d := diag.Diagnostic{
				Pos:     v.Pos,
				Message: fmt.Sprintf("retry is longer than refresh: %s and %s", duration(v.Value), duration(soa.Refresh.Value)),
				Hint:    "make retry a fraction of refresh: it is for when that has failed",
			}
			if !d.Pos.IsValid() {
				d.Pos = soa.Refresh.Pos
			} else if soa.Refresh.Pos.IsValid() {
				d.Related = []diag.Related{{Pos: soa.Refresh.Pos, Message: "refresh"}}
			}
			report(d)
		}
		switch v := soa.Expire; {
		case v.Value < week:
			complain(v.Pos, "write 1w or more; 2w to 4w is usual",
				"expire is %s: secondaries stop answering when the primary is down for that long", v.Value)
		case v.Value > 6*week:
			complain(v.Pos, "write 6w or less; 2w to 4w is usual",
				"expire is %s: a secondary that has lost its primary answers from old data for that long", v.Value)
		}
		switch v := soa.NegativeTTL; {
		case v.Value < minute:
			complain(v.Pos, "write 1m or more; 5m to 3h is usual",
				"negative_ttl is %s: resolvers ask nearly every time for a name that does not exist", v.Value)
		case v.Value > day:
			complain(v.Pos, "write 1d or less; 5m to 3h is usual",
				"negative_ttl is %s: a name that is new may be unknown to resolvers for that long", v.Value)
		}
	},
}

// duration returns seconds as people write them in the source, such as 2w or 1h30m.
func duration(seconds uint32) string {
	if seconds == 0 {
		return "0"
	}
	if seconds%week == 0 {
		return fmt.Sprint(seconds/week, "w")
	}
	s := ""
	for _, unit := range []struct {
		name    string
		seconds uint32
	}{{"d", day}, {"h", hour}, {"m", minute}, {"s", 1}} {
		if n := seconds / unit.seconds; n > 0 {
			s += fmt.Sprint(n, unit.name)
		}
		seconds %= unit.seconds
	}
	return s
}
