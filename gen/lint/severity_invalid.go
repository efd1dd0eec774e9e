package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var severityInvalid = &Rule{
	ID:       "severity-invalid",
	Severity: diag.Error,
	Title:    "lint.rules has only rules that exist and whose severity can be set",
	Required: true,
}

// The check asks for the list of rules, of which its rule is one: as a plain initializer that would be a cycle.
func init() { severityInvalid.check = checkSeverities }

func checkSeverities(inv *model.Inventory, report func(diag.Diagnostic)) {
	for _, s := range inv.Source.Severities {
		switch r := Find(s.Rule.Value); {
		case r == nil:
			report(unknownRule(s.Rule))
		case r.Required:
			report(diag.Diagnostic{
				Pos:     s.Rule.Pos,
				Message: fmt.Sprintf("the severity of rule %q cannot be set", r.ID),
				Hint:    "remove the line: nothing can be compiled while that rule is broken",
			})
		}
	}
}

// unknownRule is the finding about the id of a rule that does not exist.
func unknownRule(id source.Text) diag.Diagnostic {
	d := diag.Diagnostic{Pos: id.Pos, Message: fmt.Sprintf("no rule %q", id.Value)}
	if near := source.Nearest(id.Value, IDs()); near != "" {
		d.Hint = fmt.Sprintf("write %q", near)
	}
	return d
}
