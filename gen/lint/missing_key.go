package lint

import "github.com/revmap/revmap/gen/diag"

var missingKey = &Rule{
	ID:       "missing-key",
	Severity: diag.Error,
	Title:    "no required key is left out",
	Required: true,
}
