package lint

import "github.com/revmap/revmap/gen/diag"

var waiverExpired = &Rule{
	ID:       "waiver-expired",
	Severity: diag.Warning,
	Title:    "no waiver is past its last day",
}
