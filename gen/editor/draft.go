package editor

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/revmap/revmap/gen/baseline"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/source"
)

// Draft returns what edits would do to the newest View. An edit of an address that has the wanted name already does
// nothing. The error is a *StaleError if they could not be proposed, whatever they are.
func (e *Editor) Draft(ctx context.Context, edits []Edit) (*Draft, error) {
	if stale := e.unreadable.Load(); stale != nil {
		return nil, stale
	}
	d, _, err := e.draft(ctx, edits)
	return d, err
}

// blamed is of how many conflicts a Draft knows who has made them: each is a search through the history.
const blamed = 10

// manyFiles is how many files may change before it is worth giving back at once the memory that this has taken.
const manyFiles = 100

// draft is Draft for those who need the View that there would be.
func (e *Editor) draft(ctx context.Context, edits []Edit) (*Draft, *View, error) {
	v := e.View()
	texts := e.o.Repository.Texts(ctx, v.commit.ID)
	defer texts.Close()
	// What is read later is little, and asked for when texts are closed.
	later := func(path string) ([]byte, error) { return e.textAt(ctx, v.commit.ID, path) }
	d := &Draft{
		View: v, Edits: edits, Read: later,
		now: time.Now().UTC().Truncate(time.Second), of: func(netip.Addr) diag.List { return nil },
	}
	var todo []source.Edit
	for _, edit := range edits {
		if edit.Was != nil {
			if r, _ := v.At(edit.Addr); edit.Overtaken(r.Name) {
				c := Conflict{Edit: edit, Is: r.Name}
				if len(d.Conflicts) < blamed {
					c.By = e.lastChange(ctx, edit.Addr)
				}
				d.Conflicts = append(d.Conflicts, c)
				continue
			}
		}
		todo = append(todo, edit.inSource())
	}
	if len(d.Conflicts) > 0 {
		return d, nil, nil
	}
	next, files, wrong, err := v.edited(todo, texts.Read)
	if err != nil {
		return nil, nil, err
	}
	if len(wrong) > 0 {
		d.Refused = wrong
		d.of = func(addr netip.Addr) diag.List {
			return slices.DeleteFunc(slices.Clone(wrong), func(f diag.Diagnostic) bool { return f.Pos.File != addr.String() })
		}
		return d, nil, nil
	}
	d.texts = files.Texts
	for i := range d.texts {
		d.texts[i].Old = nil // which the repository has
	}
	d.Read, d.of = files.Over(later), next.table.Findings
	for _, edit := range edits {
		d.Findings = append(d.Findings, next.table.Findings(edit.Addr)...)
	}
	d.Findings = d.Findings.Sort()
	d.Fresh = fresh(v, next, texts.Read, files.Over(texts.Read))
	if len(files.Changed) > manyFiles {
		defer debug.FreeOSMemory()
	}
	file := func(i int) (from, to *diff.Side) { return v.side(files.Changed[i]), next.side(files.Changed[i]) }
	changes := diff.CompareParts(v.side(), next.side(), len(files.Changed), file, v.table.Named)
	d.Review = &report.Review{Changes: changes, Old: v.commit.ID, New: "the proposal"}
	d.Review.Stops, d.Review.Allowed = changes.Gate(e.o.Limits)
	return d, next, nil
}

// side returns what some of the files of v say, in the frame that they share.
func (v *View) side(files ...int) *diff.Side {
	return diff.OfInventory(v.lint.Inventory(files...), v.forwards)
}

// fresh returns the errors that there are after and not before.
func fresh(before, after *View, old, new func(string) ([]byte, error)) diag.List {
	bad := func(l diag.List) diag.List {
		return slices.DeleteFunc(slices.Clone(l), func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	}
	has := bad(after.lint.Findings)
	if len(has) == 0 {
		return nil
	}
	had, root := bad(before.lint.Findings), before.files.Path(0)
	list, _, _ := baseline.Fresh(has, baseline.Entries(has, root, new), baseline.Entries(had, root, old))
	return list
}

// make writes the commit of a draft that is ready, which no branch has yet.
func (e *Editor) make(ctx context.Context, p Proposal, d *Draft, left []Left) (string, error) {
	c := repository.Change{
		Parent: d.View.commit.ID, Author: p.Author, Message: message(d, p.Reason, left), Files: make(map[string][]byte, len(d.texts)),
	}
	for _, t := range d.texts {
		c.Files[t.Path] = t.New
	}
	return e.o.Repository.Make(ctx, c)
}

// listed is how many addresses a commit message lists.
const listed = 100

// message says in words what a draft does, and why, and what is left out of what it replaces.
func message(d *Draft, reason string, left []Left) string {
	var b strings.Builder
	changes := d.Review.Addresses
	switch first := changes[0]; {
	case len(changes) > 1:
		fmt.Fprintf(&b, "Change the reverse map names of %s addresses\n", report.Number(len(changes)))
	case first.New.Origin == model.Explicit:
		fmt.Fprintf(&b, "Name %s %s\n", first.Addr, nameOf(first.New))
	default:
		fmt.Fprintf(&b, "Reset the name of %s\n", first.Addr)
	}
	if reason != "" {
		fmt.Fprintf(&b, "\n%s\n", reason)
	}
	b.WriteByte('\n')
	for i, c := range changes {
		if i == listed {
			fmt.Fprintf(&b, "… and %s more\n", report.Number(len(changes)-listed))
			break
		}
		fmt.Fprintf(&b, "%s: %s → %s\n", c.Addr, nameOf(c.Old), nameOf(c.New))
	}
	for i, l := range left {
		if i == listed {
			fmt.Fprintf(&b, "… and %s more left out\n", report.Number(len(left)-listed))
			break
		}
		name := cmp.Or(strings.TrimSuffix(l.Name, "."), "its default name")
		fmt.Fprintf(&b, "%s: %s left out: %s\n", l.Addr, name, l.Why)
	}
	return b.String()
}

// Reason returns why a commit was made, in its author's words: the body of its message, without the list that message
// has put at its end. It is "" if there are no such words.
func Reason(c repository.Commit) string {
	words := strings.TrimSpace(c.Body)
	end := strings.LastIndex(words, "\n\n") + 1
	first, _, _ := strings.Cut(strings.TrimSpace(words[end:]), "\n")
	if addr, _, ok := strings.Cut(first, ": "); ok && strings.Contains(first, " → ") {
		if _, err := netip.ParseAddr(addr); err == nil {
			words = words[:end]
		}
	}
	return strings.TrimSpace(words)
}

// nameOf returns what an address answers with, in words.
func nameOf(s diff.State) string {
	if len(s.Names) == 0 {
		return "no name"
	}
	return strings.TrimSuffix(strings.Join(s.Names, " "), ".")
}

// Absolute returns a name, written as a source may have it, as rows have it; "" for no name.
func Absolute(name string) string {
	if name == "" {
		return ""
	}
	if n, err := source.ParseName(name); err == nil {
		return n
	}
	return strings.ToLower(strings.TrimSuffix(name, ".")) + "." // which no address has
}
