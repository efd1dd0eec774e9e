package page

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/editor"
)

// A review is the page of the changes that somebody has collected.
type review struct {
	Changes   []change
	Conflicts []editor.Conflict
	Errors    int         // that keep the changes from being proposed
	HELO      bool        // one of them cannot be corrected here alone
	Elsewhere []finding   // those of them that are at none of Changes
	Stops     []diff.Stop // of gates
	Effects   []effect    // the worst first
	Report    string      // all of it as text, for people who see all addresses
	Direct    bool        // proposing makes a commit on the main branch
	Known     bool        // what all of it would do
	Ready     bool        // all of it can be proposed
	AllSame   bool        // nothing would change
	Reason    string
	Problem   string // why it could not be
	Committed string // the commit that was just made
}

// A change is one edit in a review.
type change struct {
	editor.Edit
	Server   string
	Was, Is  string // what it answers with
	Same     bool   // nothing changes
	Findings []finding
	Gone     bool // the person may not see the address any more
}

// An effect is what receivers of mail will see.
type effect struct {
	diff.Effect
	Addr string
}

func (p *pages) changes(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	return p.showChanges(w, r, s, http.StatusOK, "")
}

// showChanges shows what was collected, and why it could not be proposed.
func (p *pages) showChanges(w http.ResponseWriter, r *http.Request, s *desk.Seat, status int, why string) error {
	edits, err := s.Collected()
	if err != nil {
		return err
	}
	v := &review{Problem: why, Direct: s.Direct(), Reason: r.PostFormValue("reason")}
	if id := r.URL.Query().Get("committed"); id != "" && id == s.Commit().ID {
		v.Committed = id
	}
	var d *editor.Draft
	if len(edits) > 0 {
		if d, err = s.Draft(r.Context(), edits); err != nil {
			d, v.Problem = nil, p.explain(r, s, err).message // a person who may do less than before can still discard
		}
	}
	of := make(map[netip.Addr]*diff.Address)
	if d != nil && d.Review != nil {
		for i := range d.Review.Addresses {
			of[d.Review.Addresses[i].Addr] = &d.Review.Addresses[i]
		}
	}
	for _, e := range edits {
		v.Changes = append(v.Changes, changeOf(s, e, d, of[e.Addr]))
	}
	if d != nil {
		v.Conflicts = d.Conflicts
		wrong := findingsOf(slices.Concat(d.Refused, d.Fresh))
		v.Errors = len(wrong)
		for _, f := range wrong {
			v.HELO = v.HELO || f.Rule == desk.HELO
			if !slices.ContainsFunc(v.Changes, func(c change) bool { return slices.Contains(c.Findings, f) }) {
				v.Elsewhere = append(v.Elsewhere, f)
			}
		}
		v.Ready = d.Ready()
		if d.Review != nil {
			v.Known = true
			v.Stops, v.AllSame = d.Review.Stops, len(d.Review.Addresses) == 0
			v.Effects = effectsOf(d.Review.Changes)
			if s.Person().Accounts == nil { // it has places in the source, and counts what others have
				var b strings.Builder
				if err := d.Review.Text(&b, false); err != nil {
					return err
				}
				v.Report = plain(b.String())
			}
		}
		if s.Direct() && len(v.Stops) > 0 {
			v.Ready = false
		}
	}
	p.render(w, r, s, status, "changes", "Changes", v)
	return nil
}

// changeOf returns an edit as a review shows it. The draft may be nil, and so may what it changes at the address.
func changeOf(s *desk.Seat, e editor.Edit, d *editor.Draft, a *diff.Address) change {
	c := change{Edit: e}
	at, err := s.At(e.Addr)
	if err != nil {
		c.Gone = true
		return c
	}
	c.Server, c.Was = at.Server, at.Answer
	if d == nil {
		return c
	}
	c.Findings = findingsOf(d.Of(e.Addr))
	if d.Review == nil {
		return c
	}
	c.Is, c.Same = c.Was, a == nil
	if a != nil {
		c.Was, c.Is = strings.Join(a.Old.Names, " "), strings.Join(a.New.Names, " ")
	}
	return c
}

// effectsOf returns what receivers of mail will see of changes, the worst first.
func effectsOf(c *diff.Changes) []effect {
	var list []effect
	for _, a := range c.Addresses {
		for _, e := range a.Effects {
			list = append(list, effect{e, a.Addr.String()})
		}
	}
	slices.SortStableFunc(list, func(a, b effect) int { return int(b.Severity - a.Severity) })
	return list
}

// propose proposes all that was collected.
func (p *pages) propose(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	edits, err := s.Collected()
	if err != nil {
		return err
	}
	if len(edits) == 0 {
		return p.showChanges(w, r, s, http.StatusConflict,
			"There is nothing to propose any more. Perhaps you have done so in another window.")
	}
	done, err := s.Propose(r.Context(), edits, strings.TrimSpace(r.PostFormValue("reason")), false)
	var (
		notReady *editor.NotReadyError
		gate     *editor.GateError
		denied   *desk.DeniedError
		stale    *editor.StaleError
	)
	switch {
	case errors.As(err, &stale):
		e := p.explain(r, s, err)
		return p.showChanges(w, r, s, e.status, e.message)
	case errors.As(err, &notReady), errors.As(err, &gate), errors.As(err, &denied):
		return p.showChanges(w, r, s, http.StatusConflict, sentence(plain(err.Error())))
	case err != nil && done == nil:
		p.o.Log.Error("nothing was proposed", "login", s.Person().Login, "error", err)
		return p.showChanges(w, r, s, http.StatusBadGateway,
			"This could not be proposed."+inside(s, err.Error())+
				" Nothing was changed, and your changes are still here: try again later.")
	case err != nil:
		p.o.Log.Error("a proposal is there, and what comes after it failed", "branch", done.Branch, "error", err)
		return p.showProposals(w, r, s, http.StatusInternalServerError,
			"It is proposed, but not all that comes after that was done."+inside(s, err.Error()))
	case done.Warning != "":
		return p.showProposals(w, r, s, http.StatusOK,
			"It is proposed, but the remote has not taken the branch, and can be asked again."+inside(s, done.Warning))
	case done.Direct:
		http.Redirect(w, r, "/changes?committed="+done.Commit, http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/proposals?made="+done.Commit, http.StatusSeeOther)
	}
	return nil
}
