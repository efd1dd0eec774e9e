package lint

import "github.com/revmap/revmap/gen/diag"

var waiverUnused = &Rule{
	ID:       "waiver-unused",
	Severity: diag.Warning,
	Title:    "every waiver waives something",
}
