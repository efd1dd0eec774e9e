package lint

import "github.com/revmap/revmap/gen/diag"

var syntax = &Rule{
	ID:       "syntax",
	Severity: diag.Error,
	Title:    "every file is one document of plain YAML",
	Required: true,
}
