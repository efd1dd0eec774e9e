package report

import (
	"bufio"
	"cmp"
	"io"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
)

// Text writes the changes for people at a terminal, all of them, with or without its colours: a line for each, which
// begins with "+" for what is new, "-" for what is gone and "~" for what changes. Below it is what receivers of mail
// will see. At the end comes what the gates say, in the form of the findings of lint, and what does not open them.
// Without a change nothing is written. The error is that of w.
func (r *Review) Text(w io.Writer, color bool) error {
	b := bufio.NewWriter(w)
	t := textWriter{Writer: b, opt: Options{Color: color}}
	for _, g := range r.groups() {
		if len(g.items) > 0 {
			t.title(g.title())
		}
		for i := range g.items {
			c := &g.items[i]
			text := c.subject + " " + c.inWords()
			details := c.details()
			if len(details) == 1 {
				text += ": " + details[0]
			}
			t.change(sign(c.kinds[0]), text, c.place())
			if len(details) > 1 {
				for _, d := range details {
					t.put("", "    "+d)
					t.WriteByte('\n')
				}
			}
		}
	}
	if len(r.Addresses) > 0 {
		t.title("Addresses")
	}
	for i := range r.Addresses {
		a := &r.Addresses[i]
		text := a.Addr.String() + " " + inWords(a, a.Kinds[:1])
		if names := answers(a); names != "" {
			text += ": " + names
		}
		if len(a.Kinds) > 1 {
			text += " (" + inWords(a, a.Kinds[1:]) + ")"
		}
		t.change(sign(a.Kinds[0]), text, placeOf(a))
		for _, e := range a.Effects {
			t.WriteString("    ")
			t.put(severityColor(e.Severity), e.Severity.String()+":")
			t.put("", " "+e.Message+" ["+e.ID+"]")
			t.WriteByte('\n')
		}
	}
	if !r.empty() {
		t.WriteByte('\n')
		t.put(bold, r.headline())
		t.WriteByte('\n')
	}
	for _, a := range r.Allowed {
		t.diagnostic(&diag.Diagnostic{
			Pos: r.placeOf(&a), Severity: diag.Note, Rule: a.Gate, Message: a.Message + "; allowed by " + a.AllowedBy,
		})
	}
	for _, s := range r.Stops {
		t.diagnostic(&diag.Diagnostic{
			Pos: r.placeOf(&s), Severity: diag.Error, Rule: s.Gate, Message: s.Message,
			Hint: "if that is meant, add --allow " + s.Allow + ", or to the end of the message of a commit the line " + trailer(s.Allow),
		})
	}
	for _, i := range r.Ignored {
		t.put(severityColor(diag.Note), diag.Note.String()+":")
		t.put("", " not counted: "+given(i.Text, i.By)+": "+i.Why)
		t.WriteByte('\n')
	}
	return b.Flush()
}

// given tells what somebody gave.
func given(text, by string) string {
	if by == "" {
		return text
	}
	return text + " of " + by
}

// trailer returns the line of a commit's message that allows something.
func trailer(allow string) string { return "Revmap-Allow: " + allow }

func (t *textWriter) title(text string) {
	t.put(bold, text)
	t.WriteByte('\n')
}

// change writes a line with a place at its end.
func (t *textWriter) change(sign byte, text string, pos diag.Position) {
	colors := map[byte]string{'+': green, '-': red, '~': yellow}
	t.put(colors[sign], string(sign)+" "+text)
	if pos.IsValid() {
		t.put("", "  "+pos.String())
	}
	t.WriteByte('\n')
}

// placeOf returns the place of what a gate says; its subject, or else what was compared, if it has none.
func (r *Review) placeOf(s *diff.Stop) diag.Position {
	if s.Pos.IsValid() {
		return s.Pos
	}
	return diag.Position{File: cmp.Or(s.Subject, r.New)}
}

// answers returns what an address answered and answers; "" if that is the same.
func answers(a *diff.Address) string {
	before, after := namesOf(&a.Old, &a.New), namesOf(&a.New, &a.Old)
	switch {
	case before == after:
		return ""
	case before == "":
		return after
	case after == "":
		return before
	}
	return before + " → " + after
}
