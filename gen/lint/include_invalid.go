package lint

import "github.com/revmap/revmap/gen/diag"

var includeInvalid = &Rule{
	ID:       "include-invalid",
	Severity: diag.Error,
	Title:    "included files exist, below the root file's folder",
	Required: true,
}
