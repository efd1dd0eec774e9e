package desk

import "github.com/revmap/revmap/gen/diag"

// HELO is the rule that tells of two names of which only one can be changed here.
const HELO = "helo-mismatch"

// Hint returns what would help against a finding for those who have nothing but one place, as in "this page".
func Hint(d diag.Diagnostic, place string) string {
	if d.Rule == HELO {
		return d.Hint + "; the HELO name is in the source, where " + place + " cannot change it: " +
			"ask the operator to change it in the same pull request"
	}
	return d.Hint
}
