package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/gen/users"
)

// ownFail writes a failure as a problem (RFC 9457). Its code tells kinds apart, its title is for people.
func ownFail(w http.ResponseWriter, f *failure) {
	status := statuses[f.kind]
	problem := map[string]any{
		"title": http.StatusText(status), "status": status, "code": f.kind, "detail": f.message,
	}
	maps.Copy(problem, f.more)
	write(w, status, "application/problem+json", problem)
}

// An address is what there is to know of one. Names have their final dot; null is no name.
type address struct {
	Address    netip.Addr `json:"address"`
	Server     string     `json:"server,omitempty"`
	Product    string     `json:"product,omitempty"`
	Account    string     `json:"account,omitempty"`
	Primary    bool       `json:"primary"`
	Hostname   *string    `json:"hostname"`
	Name       *string    `json:"name"`
	Answer     *string    `json:"answer"`
	Origin     string     `json:"origin"`
	TTL        uint32     `json:"ttl,omitempty"`
	Block      string     `json:"block,omitempty"`
	Delegation string     `json:"delegation,omitempty"`
	Listed     bool       `json:"listed"`
	Proposed   *proposed  `json:"proposed,omitempty"`
	Counts     counts     `json:"counts"`
	File       string     `json:"file,omitempty"`
	Line       int        `json:"line,omitempty"`
	Column     int        `json:"column,omitempty"`
}

// proposed is what an open proposal of the person wants of an address.
type proposed struct {
	Name *string `json:"name"`
}

type counts struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Note    int `json:"note"`
}

// orNull returns a name, nil for none.
func orNull(name string) *string {
	if name == "" {
		return nil
	}
	name = editor.Absolute(name)
	return &name
}

// prefixText returns a prefix, "" for the zero Prefix.
func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// addressOf returns what a seat sees of a row.
func (want wanted) addressOf(seat *desk.Seat, r *table.Row) address {
	a := address{
		Address: r.Addr, Server: r.Server, Product: r.Product, Account: r.Account, Primary: r.Primary,
		Hostname: orNull(r.Hostname), Name: orNull(r.Name), Answer: orNull(r.Answer), Origin: r.Origin.String(), TTL: r.TTL,
		Block: prefixText(r.Block), Delegation: prefixText(r.Delegation), Listed: r.Listed,
		Counts: counts{r.Errors, r.Warnings, r.Notes},
	}
	if name, ok := want[r.Addr]; ok {
		a.Proposed = &proposed{orNull(name)}
	}
	if seat.Person().Accounts == nil {
		a.File, a.Line, a.Column = r.Pos.File, r.Pos.Line, r.Pos.Column
	}
	return a
}

// How many addresses a list has.
const (
	usualLimit = 100
	maxLimit   = 1000
)

// addresses answers GET /api/v1/addresses.
func (a *api) addresses(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	values := r.URL.Query()
	q, err := queryOf(values)
	if err != nil {
		return err
	}
	q.Extra, q.At = addressesProposed(seat), seat.At
	page := seat.List(q)
	want := wantedBy(seat, page.Rows)
	answer := struct {
		Commit    string    `json:"commit"`
		Total     int       `json:"total"`
		Addresses []address `json:"addresses"`
		Next      string    `json:"next,omitempty"`
	}{Commit: seat.Commit().ID, Total: page.Total, Addresses: []address{}}
	for i := range page.Rows {
		answer.Addresses = append(answer.Addresses, want.addressOf(seat, &page.Rows[i]))
	}
	if end := q.Offset + len(page.Rows); len(page.Rows) > 0 && end < page.Total {
		values.Set("offset", strconv.Itoa(end))
		answer.Next = r.URL.Path + "?" + values.Encode()
	}
	write(w, http.StatusOK, "application/json", answer)
	return nil
}

// queryOf returns what the parameters of a request ask for.
func queryOf(values url.Values) (table.Query, error) {
	q := table.Query{Limit: usualLimit}
	bad := func(name, want string) (table.Query, error) {
		return q, wrong(name, "%s is %q: want %s", name, values.Get(name), want)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := values.Get(name)
		var err error
		switch name {
		case "search":
			q.Text = text
		case "account":
			q.Account = text
		case "server":
			q.Server = text
		case "block":
			if q.Block, err = netip.ParsePrefix(text); err != nil || q.Block != q.Block.Masked() {
				return bad(name, "a prefix such as 192.0.2.0/24")
			}
		case "findings":
			if q.WithFindings, err = strconv.ParseBool(text); err != nil {
				return bad(name, "true or false")
			}
		case "sort":
			q.Sort = table.Column(text)
			columns := []table.Column{table.ByAddress, table.ByServer, table.ByHostname, table.ByName, table.ByFindings}
			if !slices.Contains(columns, q.Sort) {
				return bad(name, "address, server, hostname, name or findings")
			}
		case "order":
			if q.Descending = text == "desc"; !q.Descending && text != "asc" {
				return bad(name, "asc or desc")
			}
		case "offset":
			if q.Offset, err = strconv.Atoi(text); err != nil || q.Offset < 0 {
				return bad(name, "a number from 0")
			}
		case "limit":
			if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxLimit {
				return bad(name, fmt.Sprintf("a number from 1 to %d", maxLimit))
			}
		default:
			return q, wrong(name, "there is no parameter %q", name)
		}
	}
	return q, nil
}

// address answers GET /api/v1/addresses/{ip}.
func (a *api) address(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	addr, err := addrOf(r)
	if err != nil {
		return err
	}
	row, err := seat.At(addr)
	if err != nil {
		return err
	}
	answer := struct {
		Commit string `json:"commit"`
		address
		Domains  []string        `json:"domains"`
		Findings json.RawMessage `json:"findings"`
	}{
		Commit:  seat.Commit().ID,
		address: wantedBy(seat, []table.Row{row}).addressOf(seat, &row),
		Domains: append([]string{}, seat.Domains(addr)...),
	}
	var list []finding
	for _, f := range seat.Findings(addr) {
		list = append(list, finding{Diagnostic: f})
	}
	answer.Findings = findingsJSON(seat.Person(), list)
	write(w, http.StatusOK, "application/json", answer)
	return nil
}

// A finding is one of lint, perhaps about an address.
type finding struct {
	diag.Diagnostic
	about netip.Addr // the zero Addr if it is known without
}

// hintOf returns what would help against a finding for those who have nothing but the API.
func hintOf(f diag.Diagnostic) string { return desk.Hint(f, "the API") }

// findingsJSON returns findings as lint writes them, with the addresses. Who sees only some accounts does not learn
// where they are, which would tell of the others.
func findingsJSON(p *users.Person, findings []finding) json.RawMessage {
	l := make(diag.List, len(findings))
	for i, f := range findings {
		l[i] = f.Diagnostic
		l[i].Hint = hintOf(f.Diagnostic)
		if p.Accounts != nil {
			l[i].Pos, l[i].End, l[i].Related = diag.Position{}, diag.Position{}, nil
		}
	}
	var b bytes.Buffer
	var all struct {
		Findings []json.RawMessage `json:"findings"`
	}
	err := report.JSON(&b, l, nil)
	if err = errors.Join(err, json.Unmarshal(b.Bytes(), &all)); err != nil {
		panic(err) // writing to memory does not fail
	}
	b.Reset()
	b.WriteByte('[')
	for i, f := range all.Findings {
		if i > 0 {
			b.WriteByte(',')
		}
		if addr := findings[i].about; addr.IsValid() {
			fmt.Fprintf(&b, `{"address":%q,`, addr)
			f = f[1:]
		}
		b.Write(f)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// findingsOf returns what a draft tells: why the edits cannot be made, or else which errors they would bring, or else
// all that lint would find about their addresses.
func findingsOf(d *editor.Draft) []finding {
	var list []finding
	switch {
	case len(d.Refused) > 0:
		for _, f := range d.Refused {
			addr, _ := netip.ParseAddr(f.Pos.File) // which stands there in place of a file
			f.Pos, f.End, f.Related = diag.Position{}, diag.Position{}, nil
			list = append(list, finding{f, addr})
		}
	case len(d.Fresh) > 0:
		about := make(map[told]netip.Addr)
		for _, f := range ofEdits(d) {
			about[toldBy(f.Diagnostic)] = f.about
		}
		for _, f := range d.Fresh {
			list = append(list, finding{f, about[toldBy(f)]})
		}
	case len(d.Findings) > 0:
		list = ofEdits(d)
	}
	return list
}

// ofEdits returns what lint would find about the edited addresses. What is about a server, it finds at each of its
// addresses: that counts once, at the first of them.
func ofEdits(d *editor.Draft) []finding {
	var list []finding
	seen := make(map[told]bool)
	for _, e := range d.Edits {
		for _, f := range d.Of(e.Addr) {
			if key := toldBy(f); !seen[key] {
				seen[key] = true
				list = append(list, finding{f, e.Addr})
			}
		}
	}
	return list
}

// told is what tells a finding from others.
type told struct {
	at            diag.Position
	rule, message string
}

func toldBy(f diag.Diagnostic) told { return told{f.Pos, f.Rule, f.Message} }

// reviewJSON returns a review as diff writes it. Who sees only some accounts learns of their addresses alone.
func reviewJSON(seat *desk.Seat, r *report.Review) json.RawMessage {
	if seat.Person().Accounts != nil {
		mine := &diff.Changes{Total: diff.Total{Lost: r.Total.Lost, Changed: r.Total.Changed}}
		for _, c := range r.Addresses {
			if _, err := seat.At(c.Addr); err == nil {
				c.Old.Pos, c.New.Pos = diag.Position{}, diag.Position{}
				mine.Addresses = append(mine.Addresses, c)
			}
		}
		r = &report.Review{Changes: mine, Old: r.Old, New: r.New}
	}
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		panic(err) // writing to memory does not fail
	}
	return b.Bytes()
}

// conflictsOf returns the members of a problem that tell what has changed meanwhile.
func conflictsOf(p *users.Person, d *editor.Draft) map[string]any {
	type by struct {
		Commit string    `json:"commit"`
		Name   string    `json:"name"`
		Time   time.Time `json:"time"`
	}
	type item struct {
		Address netip.Addr `json:"address"`
		Name    *string    `json:"name"` // that is wanted
		Was     *string    `json:"was"`
		Is      *string    `json:"is"`
		By      *by        `json:"by,omitempty"`
	}
	list := []item{}
	for _, c := range d.Conflicts {
		i := item{Address: c.Edit.Addr, Name: orNull(c.Edit.Name), Was: orNull(*c.Edit.Was), Is: orNull(c.Is)}
		if c.By != nil {
			i.By = &by{c.By.ID, c.By.Author.Name, c.By.Time.UTC()}
		}
		list = append(list, i)
	}
	return map[string]any{"conflicts": list}
}

// What one request may change.
const (
	maxChanges = 100_000
	maxBody    = 64 << 20
	maxReason  = 4000
)

// change answers POST /api/v1/changes: all changes are proposed, in one commit, or none.
func (a *api) change(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	edits, reason, dry, err := changesOf(w, r)
	if err != nil {
		return err
	}
	done, err := a.propose(r.Context(), seat, edits, reason, dry)
	if err != nil {
		return a.deniedOf(r, seat, edits, err)
	}
	answer := struct {
		Outcome  string          `json:"outcome"`
		Commit   string          `json:"commit,omitempty"`
		Branch   string          `json:"branch,omitempty"`
		Pushed   bool            `json:"pushed"`
		Warning  string          `json:"warning,omitempty"`
		Findings json.RawMessage `json:"findings"`
		Review   json.RawMessage `json:"review"`
	}{
		Outcome: "proposed", Commit: done.Commit, Branch: done.Branch, Pushed: done.Pushed, Warning: done.Warning,
		Findings: findingsJSON(seat.Person(), findingsOf(done.Draft)),
		Review:   reviewJSON(seat, done.Draft.Review),
	}
	status := http.StatusCreated
	switch {
	case says(done.Draft):
		answer.Outcome, status = "unchanged", http.StatusOK
	case dry:
		answer.Outcome, status = "possible", http.StatusOK
	case done.Direct:
		answer.Outcome = "committed"
	}
	if done.Warning != "" && seat.Person().Accounts != nil { // it may speak of what is not theirs
		answer.Warning = "the remote does not have it yet"
	}
	write(w, status, "application/json", answer)
	return nil
}

// mostDenied is how many changes an answer names at most of those that the person may not make.
const mostDenied = 100

// deniedOf returns an error of propose; if that is about one change that the person may not make, with all of them.
func (a *api) deniedOf(r *http.Request, seat *desk.Seat, edits []editor.Edit, err error) error {
	var notDone *desk.DeniedError
	if !errors.As(err, &notDone) && !errors.Is(err, desk.ErrUnknown) || !seat.Person().MayEdit() {
		return err
	}
	f := a.failureOf(r, seat.Person(), err)
	var list []finding
	for _, e := range edits {
		if len(list) == mostDenied {
			break
		}
		if err := seat.MayEdit(e.Addr, e.Name); err != nil {
			one := a.failureOf(r, seat.Person(), err)
			list = append(list, finding{
				diag.Diagnostic{Severity: diag.Error, Rule: string(one.kind), Message: one.message}, e.Addr,
			})
		}
	}
	if len(list) > 0 { // else it is about all of them together
		f.more = map[string]any{"findings": findingsJSON(seat.Person(), list)}
	}
	return f
}

// propose proposes edits, unless the source says so already. In a dry run it returns the same errors, but nothing is
// done.
func (a *api) propose(
	ctx context.Context, seat *desk.Seat, edits []editor.Edit, reason string, dry bool,
) (*editor.Proposed, error) {
	if !dry {
		done, err := seat.Propose(ctx, edits, reason, false)
		a.warn(seat, done)
		var notReady *editor.NotReadyError
		if errors.As(err, &notReady) && says(notReady.Draft) {
			return &editor.Proposed{Draft: notReady.Draft}, nil
		}
		return done, err
	}
	d, err := seat.Draft(ctx, edits)
	switch {
	case err != nil:
		return nil, err
	case !d.Ready() && !says(d):
		return nil, &editor.NotReadyError{Draft: d}
	case seat.Direct() && len(d.Review.Stops) > 0:
		return nil, &editor.GateError{Stops: d.Review.Stops, Draft: d}
	}
	return &editor.Proposed{Draft: d}, nil
}

// says reports whether the source says already what a draft wants.
func says(d *editor.Draft) bool {
	return len(d.Conflicts) == 0 && len(d.Refused) == 0 && len(d.Fresh) == 0 && !d.Ready()
}

// A change is one that a body asks for.
type change struct {
	Address string `json:"address"`
	Name    maybe  `json:"name"`
	TTL     ttl    `json:"ttl"`
	Was     maybe  `json:"was"`
}

// A ttl is a duration as a source has it, or default. A number is one of seconds.
type ttl string

func (t *ttl) UnmarshalJSON(data []byte) error {
	seconds, err := strconv.ParseUint(string(data), 10, 32)
	switch {
	case err == nil:
		*t = ttl(fmt.Sprintf("%ds", seconds))
	case kindOf(data) == "number":
		return &json.UnmarshalTypeError{Value: "number " + string(data)}
	default:
		return json.Unmarshal(data, (*string)(t))
	}
	return nil
}

// changes are those of a body, which does not get memory for more than it may have: 64 MB of "{}," are 20 million.
type changes []change

func (c *changes) UnmarshalJSON(data []byte) error {
	*c = nil
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	switch t, err := d.Token(); {
	case err != nil || t == nil:
		return err
	case t != json.Delim('['):
		return &json.UnmarshalTypeError{Value: kindOf(data)} // of which the caller knows the member
	}
	for d.More() {
		if len(*c) == maxChanges {
			return errMany
		}
		var one change
		if err := d.Decode(&one); err != nil {
			return inWords(err, fmt.Sprintf("changes[%d]", len(*c)))
		}
		*c = append(*c, one)
	}
	return nil
}

var errMany = fmt.Errorf("there are more than %d changes", maxChanges)

// changesOf returns what the body of a request wants to change.
func changesOf(w http.ResponseWriter, r *http.Request) (edits []editor.Edit, reason string, dry bool, err error) {
	var body struct {
		Changes changes `json:"changes"`
		Reason  string  `json:"reason"`
		DryRun  bool    `json:"dry_run"`
	}
	bad := func(format string, args ...any) ([]editor.Edit, string, bool, error) {
		return nil, "", false, wrong("changes", format, args...)
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err = d.Decode(&body)
	if err == nil {
		if _, more := d.Token(); more == nil {
			err = errors.New("the body has more behind the object")
		} else if !errors.Is(more, io.EOF) {
			err = more
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, "", false, err
	case errors.Is(err, errMany):
		return bad("%v", err)
	case err != nil:
		return bad("%v", inWords(err, ""))
	case len(body.Changes) == 0:
		return bad("changes is missing or empty")
	case len(body.Reason) > maxReason:
		return bad("the reason has %d bytes: want at most %d", len(body.Reason), maxReason)
	}
	at := make(map[netip.Addr]int, len(body.Changes))
	for i, c := range body.Changes {
		addr, ok := parseAddr(c.Address)
		name := strings.TrimSpace(c.Name.text())
		first, twice := at[addr]
		switch {
		case !ok:
			return bad("changes[%d]: %q is no IP address", i, c.Address)
		case !c.Name.set:
			return bad("changes[%d]: name is missing: want a name, or null for the default", i)
		case name == "" && c.Name.value != nil: // perhaps a variable that is not set
			return bad("changes[%d]: name is empty: want null for the default", i)
		case name == "" && c.TTL != "":
			return bad("changes[%d]: ttl needs a name: want none with the default", i)
		case twice:
			return bad("changes[%d]: %s is in changes[%d] already", i, addr, first)
		}
		at[addr] = i
		e := editor.Edit{Addr: addr, Name: name, TTL: string(c.TTL)}
		if c.Was.set {
			was := editor.Absolute(c.Was.text())
			e.Was = &was
		}
		edits = append(edits, e)
	}
	return edits, strings.TrimSpace(body.Reason), body.DryRun, nil
}

// A listed is a proposal in a list.
type listed struct {
	Branch string    `json:"branch"`
	Commit string    `json:"commit"`
	Login  string    `json:"login"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
	Pushed bool      `json:"pushed"`
	Count  int       `json:"count"` // of changes
}

func listedOf(o *editor.Open) listed {
	return listed{o.Branch, o.Commit, o.Login, o.Time.UTC(), o.Reason, o.Pushed, len(o.Edits)}
}

// proposals answers GET /api/v1/proposals.
func (a *api) proposals(w http.ResponseWriter, _ *http.Request, seat *desk.Seat) error {
	list := []listed{}
	for _, o := range seat.Open() {
		list = append(list, listedOf(&o))
	}
	write(w, http.StatusOK, "application/json", map[string]any{"proposals": list})
	return nil
}

// proposal answers GET /api/v1/proposals/{branch}.
func (a *api) proposal(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	type item struct {
		Address netip.Addr `json:"address"`
		Name    *string    `json:"name"`
		TTL     string     `json:"ttl,omitempty"`
	}
	for _, o := range seat.Open() {
		if o.Branch != r.PathValue("branch") {
			continue
		}
		answer := struct {
			listed
			Changes []item `json:"changes"`
		}{listedOf(&o), []item{}}
		for _, e := range o.Edits {
			answer.Changes = append(answer.Changes, item{e.Addr, orNull(e.Name), e.TTL})
		}
		write(w, http.StatusOK, "application/json", answer)
		return nil
	}
	return desk.ErrUnknown
}

// withdraw answers DELETE /api/v1/proposals/{branch}.
func (a *api) withdraw(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	if err := seat.Withdraw(r.Context(), r.PathValue("branch")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
