package page

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/table"
)

// The times that a page takes at most for what is slow.
const (
	checkTime   = 30 * time.Second
	historyTime = 5 * time.Second
)

// mostChecks is how many addresses are looked up in the world at a time: a check is many questions to others.
const mostChecks = 4

// siblings is how many other addresses of the server the page of an address lists.
const siblings = 50

// An addressPage is the page of one address.
type addressPage struct {
	row
	Findings     diag.List
	Form         form
	Siblings     []row
	MoreSiblings int // that are not listed
	History      []editor.Version
	Unknown      string // why there is no History
	Checked      *check.Address
	Failed       string // why there is no Checked although somebody asked
	Denied       string // why the person cannot change the name
	Inside       bool   // the person may know where the source has what
}

// A form is that for the name of one address.
type form struct {
	row
	Name    string // that is in the field, without final dot
	TTL     string
	Domains []string
	Draft   *draft // of Name; nil if nobody has asked
}

// A draft is what a script, or the form, is told of a name.
type draft struct {
	Ready    bool      `json:"ready"` // it can be proposed
	Same     bool      `json:"same"`  // the address has it already
	Denied   string    `json:"denied,omitempty"`
	Conflict string    `json:"conflict,omitempty"`
	Findings []finding `json:"findings"`
	Domains  []string  `json:"domains"` // in which a name of the address should lie
	Name     string    `json:"name"`
	Hostname string    `json:"hostname,omitempty"` // the default

	refused bool // no source could have the name
}

// A finding is what is wrong with a name, or what receivers of mail will see of it.
type finding struct {
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	Rule     string `json:"rule,omitempty"` // that has a page
}

func findingsOf(l diag.List) []finding {
	found := make([]finding, 0, len(l))
	for _, d := range bySeverity(l) {
		f := finding{Severity: d.Severity.String(), Message: plain(d.Message), Hint: plain(hint(d))}
		if ruled(d.Rule) {
			f.Rule = d.Rule
		}
		if !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found
}

// hint returns what would help against a finding for those who have nothing but the page.
func hint(d diag.Diagnostic) string { return desk.Hint(d, "this page") }

func (p *pages) address(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	return p.showAddress(w, r, s, http.StatusOK, nil)
}

// showAddress shows the page of an address; change, if it is not nil, changes the page before.
func (p *pages) showAddress(
	w http.ResponseWriter, r *http.Request, s *desk.Seat, status int, change func(a *addressPage),
) error {
	text := r.PathValue("ip")
	if text == "" {
		text = r.PostFormValue("address")
	}
	addr, err := addressOf(text)
	if err != nil {
		return err
	}
	at, err := s.At(addr)
	if err != nil {
		return err
	}
	edits, err := s.Collected()
	if err != nil {
		return err
	}
	a := &addressPage{row: rowsOf(s, []table.Row{at}, edits, "")[0], Findings: bySeverity(s.Findings(addr))}
	a.Inside = s.Person().Accounts == nil
	a.Back = local(r.FormValue("back"), "")
	a.Form = form{row: a.row, Name: strings.TrimSuffix(at.Name, "."), Domains: hosts(s.Domains(addr))}
	if a.Edit != nil {
		a.Form.Name, a.Form.TTL = strings.TrimSuffix(a.Edit.Name, "."), a.Edit.TTL
	}
	if err := s.MayEdit(addr, ""); err != nil {
		a.Denied = p.explain(r, s, err).message
	}
	if v := r.URL.Query(); v.Has("name") && a.Denied == "" {
		a.Form.Name, a.Form.TTL = strings.TrimSpace(v.Get("name")), strings.TrimSpace(v.Get("ttl"))
		if a.Form.Draft, err = draftOf(r.Context(), s, editOf(at, v.Get)); err != nil {
			return err
		}
	}
	if at.Server != "" {
		page := s.List(table.Query{Server: at.Server, Limit: siblings + 1})
		others := slices.DeleteFunc(page.Rows, func(r table.Row) bool { return r.Addr == addr })
		others = others[:min(len(others), siblings)]
		a.Siblings, a.MoreSiblings = rowsOf(s, others, edits, ""), page.Total-len(others)
		if at.Listed {
			a.MoreSiblings--
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), historyTime)
	defer cancel()
	if a.History, err = s.History(ctx, addr); err != nil {
		a.Unknown = "The history could not be read." + inside(s, err.Error())
		p.o.Log.Error("no history", "address", addr, "error", err)
	}
	if change != nil {
		change(a)
	}
	p.render(w, r, s, status, "address", addr.String(), a)
	return nil
}

// hosts returns names without their final dots.
func hosts(names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strings.TrimSuffix(n, ".")
	}
	return list
}

// check asks real name servers for the address.
func (p *pages) check(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	addr, err := addressOf(r.PathValue("ip"))
	if err != nil {
		return err
	}
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	default:
		return &problem{http.StatusServiceUnavailable, "Others are asking name servers just now. Try again in some seconds."}
	}
	ctx, cancel := context.WithTimeout(r.Context(), checkTime)
	defer cancel()
	found, err := s.Check(ctx, addr)
	return p.showAddress(w, r, s, http.StatusOK, func(a *addressPage) {
		a.Checked = found
		switch {
		case ctx.Err() != nil:
			a.Failed = "The name servers took too long to answer. Try again."
		case err != nil:
			a.Failed = sentence(plain(err.Error()))
		}
	})
}

// editOf returns the edit that a form asks for.
func editOf(at table.Row, field func(string) string) editor.Edit {
	e := editor.Edit{Addr: at.Addr, Name: nameOf(field("name")), TTL: strings.TrimSpace(field("ttl"))}
	if field("default") != "" {
		e.Name, e.TTL = "", ""
	}
	was := field("was")
	e.Was = &was
	return e
}

// nameOf returns the name that was typed as a source has it.
func nameOf(typed string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(typed), "."))
}

// draftOf returns what an edit would do. The error is not about the edit.
func draftOf(ctx context.Context, s *desk.Seat, e editor.Edit) (*draft, error) {
	at, err := s.At(e.Addr)
	if err != nil {
		return nil, err
	}
	d := &draft{Name: plain(e.Name), Domains: hosts(s.Domains(e.Addr)), Hostname: host(at.Hostname), Findings: []finding{}}
	if err := s.MayEdit(e.Addr, e.Name); err != nil {
		d.Denied = sentence(plain(err.Error()))
		return d, nil
	}
	made, err := s.Draft(ctx, []editor.Edit{e})
	if err != nil {
		return nil, err
	}
	if len(made.Conflicts) > 0 {
		d.Conflict = "Somebody has changed this name while you were looking at it. It is " +
			orNone(made.Conflicts[0].Is) + " now."
		return d, nil
	}
	if len(made.Refused) > 0 {
		d.Findings, d.refused = findingsOf(made.Refused), true
		return d, nil
	}
	d.Ready = made.Ready()
	d.Findings = findingsOf(made.Of(e.Addr))
	for _, f := range findingsOf(made.Fresh) {
		if !slices.Contains(d.Findings, f) {
			d.Findings = append(d.Findings, f)
		}
	}
	if made.Review != nil {
		d.Same = len(made.Review.Addresses) == 0
		for _, a := range made.Review.Addresses {
			for _, effect := range a.Effects {
				told := effect.ID == "now-looks-generated" && slices.ContainsFunc(d.Findings, isGeneric)
				if effect.Severity > diag.Note && !told {
					d.Findings = append(d.Findings, finding{Severity: effect.Severity.String(), Message: plain(effect.Message)})
				}
			}
		}
	}
	return d, nil
}

// isGeneric reports whether a rule has found that a name looks generated.
func isGeneric(f finding) bool { return strings.HasPrefix(f.Rule, "name-generic") }

// orNone returns a name, or words for none.
func orNone(name string) string {
	if name == "" {
		return "the default"
	}
	return host(name)
}

// draft tells the script what is wrong with a name while somebody types it.
func (p *pages) draft(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	at, err := asked(r, s)
	if err != nil {
		return err
	}
	d, err := draftOf(r.Context(), s, editOf(at, r.FormValue))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, d)
	return nil
}

// asked returns the row of the address that a form is about.
func asked(r *http.Request, s *desk.Seat) (table.Row, error) {
	addr, err := addressOf(r.FormValue("address"))
	if err != nil {
		return table.Row{}, err
	}
	return s.At(addr)
}

// collect keeps an edit until it is proposed, unless no source could have such a name.
func (p *pages) collect(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	at, err := asked(r, s)
	if err != nil {
		return err
	}
	e := editOf(at, r.PostFormValue)
	wrong := ""
	d, err := draftOf(r.Context(), s, e)
	switch {
	case err != nil:
		return err
	case d.Denied != "":
		wrong = d.Denied
	case d.Conflict != "":
		wrong = d.Conflict
	case d.refused:
		wrong = sentence(d.Findings[0].Message)
	default:
		if err := s.Collect(e); err != nil {
			return err
		}
		return p.collected(w, r, s, at.Addr)
	}
	if forScript(r) {
		return &problem{http.StatusUnprocessableEntity, wrong}
	}
	return p.showAddress(w, r, s, http.StatusUnprocessableEntity, func(a *addressPage) {
		a.Form.Name, a.Form.TTL, a.Form.Draft = e.Name, e.TTL, d
	})
}

// discard forgets collected edits: that of an address, or all.
func (p *pages) discard(w http.ResponseWriter, r *http.Request, s *desk.Seat) error {
	if r.PostFormValue("all") != "" {
		if err := s.Discard(); err != nil {
			return err
		}
		http.Redirect(w, r, "/changes", http.StatusSeeOther)
		return nil
	}
	addr, err := addressOf(r.PostFormValue("address"))
	if err != nil {
		return err
	}
	if err := s.Discard(addr); err != nil {
		return err
	}
	return p.collected(w, r, s, addr)
}

// collected answers after what is collected of an address has changed.
func (p *pages) collected(w http.ResponseWriter, r *http.Request, s *desk.Seat, addr netip.Addr) error {
	back := r.PostFormValue("back")
	if !forScript(r) {
		if r.PostFormValue("review") != "" {
			back = "/changes"
		}
		http.Redirect(w, r, local(back, "/address/"+addr.String()), http.StatusSeeOther)
		return nil
	}
	edits, err := s.Collected()
	if err != nil {
		return err
	}
	at, err := s.At(addr)
	if err != nil {
		return err
	}
	html, err := rowFor(s, at, edits, back)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"row": html, "collected": len(edits)})
	return nil
}
