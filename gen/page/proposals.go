package page

import (
	"net/http"
	"slices"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/gen/users"
)

// shownEdits is how many edits of a proposal are listed at most.
const shownEdits = 100

// An openPage is the page of the proposals that wait for review.
type openPage struct {
	Open    []proposal // the newest first
	Made    string     // branch of the one that was just made
	Problem string     // with what was asked for
}

// A proposal is one of them.
type proposal struct {
	editor.Open
	Rows     []proposed
	More     int  // edits that Rows has not
	Own      bool // the person may decide on it
	Unpushed bool // the remote is to have it, but has not
	Made     bool // just now
}

// A proposed edit is one of a proposal.
type proposed struct {
	editor.Edit
	table.Row
}

func (p *pages) proposals(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	return p.showProposals(w, r, s, http.StatusOK, "")
}

func (p *pages) showProposals(w http.ResponseWriter, r *http.Request, s *desk.Seat, status int, why string) error {
	v := &openPage{Problem: why}
	person := s.Person()
	for _, o := range slices.Backward(s.Open()) {
		it := proposal{Open: o, Own: person.MayEdit() && (o.Login == person.Login || person.Role == users.Operator)}
		shown := o.Edits[:min(len(o.Edits), shownEdits)]
		it.More = len(o.Edits) - len(shown)
		for _, e := range shown {
			at, err := s.At(e.Addr)
			if err != nil { // it has gone since
				at = table.Row{Addr: e.Addr}
			}
			it.Rows = append(it.Rows, proposed{e, at})
		}
		it.Unpushed = s.Remote() && !o.Pushed
		if o.Commit == r.URL.Query().Get("made") {
			it.Made, v.Made = true, o.Branch
		}
		v.Open = append(v.Open, it)
	}
	p.render(w, r, s, status, "proposals", "Proposals", v)
	return nil
}

func (p *pages) withdraw(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	return p.decide(w, r, s, s.Withdraw(r.Context(), r.PostFormValue("branch")))
}

func (p *pages) push(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	return p.decide(w, r, s, s.Push(r.Context(), r.PostFormValue("branch")))
}

// decide answers after somebody has decided on a proposal.
func (p *pages) decide(w http.ResponseWriter, r *http.Request, s *desk.Seat, err error) error {
	if err != nil {
		e := p.explain(r, s, err)
		return p.showProposals(w, r, s, e.status, e.message)
	}
	http.Redirect(w, r, "/proposals", http.StatusSeeOther)
	return nil
}
