package lint

import "github.com/revmap/revmap/gen/diag"

var duplicateKey = &Rule{
	ID:       "duplicate-key",
	Severity: diag.Error,
	Title:    "a mapping has each key once",
	Required: true,
}
