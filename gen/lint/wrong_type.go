package lint

import "github.com/revmap/revmap/gen/diag"

var wrongType = &Rule{
	ID:       "wrong-type",
	Severity: diag.Error,
	Title:    "every value has the type and range of its key",
	Required: true,
}
