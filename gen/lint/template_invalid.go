package lint

import "github.com/revmap/revmap/gen/diag"

var templateInvalid = &Rule{
	ID:       "template-invalid",
	Severity: diag.Error,
	Title:    "templates have only placeholders and formats that exist",
	Required: true,
}
