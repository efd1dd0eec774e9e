package lint

import "github.com/revmap/revmap/gen/diag"

var unknownKey = &Rule{
	ID:       "unknown-key",
	Severity: diag.Error,
	Title:    "every key is one that the format has",
	Required: true,
}
