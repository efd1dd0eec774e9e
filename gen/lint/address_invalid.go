package lint

import "github.com/revmap/revmap/gen/diag"

var addressInvalid = &Rule{
	ID:       "address-invalid",
	Severity: diag.Error,
	Title:    "addresses and prefixes are written as such",
	Required: true,
}
