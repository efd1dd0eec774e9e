package lint

import "github.com/revmap/revmap/gen/diag"

var nameInvalid = &Rule{
	ID:       "name-invalid",
	Severity: diag.Error,
	Title:    "names are ones that DNS can hold",
	Required: true,
}
