package lint

import "github.com/revmap/revmap/gen/diag"

var nameNotNFC = &Rule{
	ID:       "name-not-nfc",
	Severity: diag.Warning,
	Title:    "names are written in Unicode normalization form C",
}
