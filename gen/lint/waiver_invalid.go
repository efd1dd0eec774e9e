package lint

import "github.com/revmap/revmap/gen/diag"

// gen/source finds what cannot be read; waive finds rules that do not exist or cannot be waived.
var waiverInvalid = &Rule{
	ID:       "waiver-invalid",
	Severity: diag.Error,
	Title:    "a waiver names rules that can be waived, and its reason",
}
