// Package api answers programs: in the formats of the Hetzner Robot webservice and of the Hetzner Cloud API, which
// existing clients speak, and in one of its own, which takes many changes at once.
package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/gen/users"
)

// OpenAPI is the OpenAPI document of all that the API answers, in JSON. It must not be changed.
//
//go:embed openapi.json
var OpenAPI []byte

// Options tell what the API shows, and to whom.
type Options struct {
	Desk     *desk.Desk
	Sessions *session.Manager // knows who shows which password or token; not used with NoAuth
	NoAuth   *users.Person    // everybody is this person, and shows nothing; nil if people have to
	Log      *slog.Logger     // for what went wrong inside; nil for slog.Default()
	// Limit counts a request of a person. If it returns more than 0, the request is refused, and that is how long to
	// wait. It may be nil.
	Limit func(login string) time.Duration
	// Turn waits until the body of a request of a person may be read. If it returns false, that took too long; else leave
	// is called when the request is done. It may be nil.
	Turn func(w http.ResponseWriter, r *http.Request, login string) (leave func(), ok bool)
}

// An api is the handler of all paths for programs.
type api struct {
	o       Options
	mux     *http.ServeMux
	indexes indexes
	actions actions
}

// New returns the handler of /rdns, /v1/, /api/v1/ and /openapi.json, and of all below them that is not there. That no
// page elsewhere sends requests through somebody's browser is for its caller to see to (http.CrossOriginProtection).
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	a := &api{o: o, mux: http.NewServeMux()}
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request, *desk.Seat) error{
		"GET /rdns":         a.robotList,
		"GET /rdns/{ip}":    a.robotGet,
		"PUT /rdns/{ip}":    a.robotPut,
		"POST /rdns/{ip}":   a.robotPost,
		"DELETE /rdns/{ip}": a.robotDelete,

		"GET /v1/servers":                                  a.cloudServers,
		"GET /v1/servers/{id}":                             a.cloudServer,
		"POST /v1/servers/{id}/actions/change_dns_ptr":     a.cloudServerChange,
		"GET /v1/primary_ips":                              a.cloudPrimaryIPs,
		"GET /v1/primary_ips/{id}":                         a.cloudPrimaryIP,
		"POST /v1/primary_ips/{id}/actions/change_dns_ptr": a.cloudPrimaryIPChange,
		"GET /v1/actions":                                  a.cloudActions,
		"GET /v1/actions/{id}":                             a.cloudAction,
		"GET /api/v1/addresses":                            a.addresses,
		"GET /api/v1/addresses/{ip}":                       a.address,
		"POST /api/v1/changes":                             a.change,
		"GET /api/v1/proposals":                            a.proposals,
		"GET /api/v1/proposals/{branch...}":                a.proposal,
		"DELETE /api/v1/proposals/{branch...}":             a.withdraw,
	} {
		a.mux.Handle(pattern, a.handler(h))
	}
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(OpenAPI)
	})
	return a
}

// ServeHTTP answers also what has no handler as programs want it.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != path.Clean(r.URL.Path) { // the mux would redirect
		fail(w, r, &failure{kind: notFound, message: "there is nothing at this path"})
		return
	}
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	var found nothing
	h.ServeHTTP(&found, r)
	if allow := found.Header().Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		fail(w, r, &failure{kind: badMethod, message: "this path takes " + allow + " only"})
		return
	}
	fail(w, r, &failure{kind: notFound, message: "there is nothing at this path"})
}

// nothing is a response of which only the header is kept.
type nothing struct{ header http.Header }

func (n *nothing) Header() http.Header {
	if n.header == nil {
		n.header = make(http.Header)
	}
	return n.header
}
func (n *nothing) Write(b []byte) (int, error) { return len(b), nil }
func (n *nothing) WriteHeader(int)             {}

// handler makes a handler of h, which gets the seat of whoever has sent the request and writes nothing if it returns an
// error.
func (a *api) handler(h func(http.ResponseWriter, *http.Request, *desk.Seat) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := a.person(r)
		if err == nil {
			w.Header().Set("Cache-Control", "no-store")
			err = a.inTurn(w, r, p, h)
		}
		if err != nil {
			fail(w, r, a.failureOf(r, p, err))
		}
	})
}

// inTurn answers a request of a person when its body may be read.
func (a *api) inTurn(
	w http.ResponseWriter, r *http.Request, p *users.Person, h func(http.ResponseWriter, *http.Request, *desk.Seat) error,
) error {
	if a.o.Turn != nil {
		leave, ok := a.o.Turn(w, r, p.Login)
		if !ok {
			return &failure{kind: tooMany, message: "other large requests take long", wait: 10 * time.Second}
		}
		defer leave()
	}
	return h(w, r, a.o.Desk.For(p))
}

// person returns who has sent a request.
func (a *api) person(r *http.Request) (*users.Person, error) {
	p := a.o.NoAuth
	if p == nil {
		var err error
		if p, err = a.o.Sessions.FromHeader(r); err != nil {
			var limit *session.LimitError
			if errors.As(err, &limit) {
				return nil, &failure{kind: tooMany, message: limit.Error(), wait: limit.Wait}
			}
			return nil, &failure{kind: unauthorized, message: err.Error()}
		}
	}
	if a.o.Limit != nil {
		if wait := a.o.Limit(p.Login); wait > 0 {
			return nil, &failure{kind: tooMany, message: "these are too many requests at once", wait: wait}
		}
	}
	return p, nil
}

// A kind is what went wrong, in the words of our own API.
type kind string

const (
	unauthorized kind = "unauthorized"
	readOnly     kind = "read-only"   // the person or the token may look only
	denied       kind = "denied"      // the person may not give this name
	notFound     kind = "not-found"   // of the path, or of anything that a list could have
	foreign      kind = "foreign"     // a page of another site has sent it
	misdirected  kind = "misdirected" // it is for another server
	badMethod    kind = "method"
	unknown      kind = "unknown"  // an address, server, proposal, action
	noEntry      kind = "no-entry" // Robot's: the address has no name
	exists       kind = "exists"   // Robot's: the address has a name
	malformed    kind = "malformed"
	refused      kind = "refused" // what is wanted is no good, as the findings tell
	conflict     kind = "conflict"
	needsReview  kind = "needs-review" // a gate stops a direct commit
	tooLarge     kind = "too-large"
	tooMany      kind = "too-many-requests"
	stale        kind = "stale" // the source cannot be read
	failed       kind = "failed"
)

var statuses = map[kind]int{
	unauthorized: http.StatusUnauthorized,
	readOnly:     http.StatusForbidden,
	denied:       http.StatusForbidden,
	notFound:     http.StatusNotFound,
	foreign:      http.StatusForbidden,
	misdirected:  http.StatusMisdirectedRequest,
	badMethod:    http.StatusMethodNotAllowed,
	unknown:      http.StatusNotFound,
	noEntry:      http.StatusNotFound,
	exists:       http.StatusConflict,
	malformed:    http.StatusBadRequest,
	refused:      http.StatusUnprocessableEntity,
	conflict:     http.StatusConflict,
	needsReview:  http.StatusConflict,
	tooLarge:     http.StatusRequestEntityTooLarge,
	tooMany:      http.StatusTooManyRequests,
	stale:        http.StatusServiceUnavailable,
	failed:       http.StatusInternalServerError,
}

// A failure is why a request is not done. Each API has its own form for it.
type failure struct {
	kind    kind
	message string
	missing []string       // parameters that are not there
	invalid []string       // parameters that are wrong
	wait    time.Duration  // until the next attempt
	more    map[string]any // for our own API: members beside those that every problem has
}

func (f *failure) Error() string { return f.message }

// wrong returns the failure of a request that has a wrong parameter.
func wrong(parameter, format string, args ...any) *failure {
	return &failure{kind: malformed, message: fmt.Sprintf(format, args...), invalid: []string{parameter}}
}

// Serves reports whether a path is one for programs, which the handler of New is for.
func Serves(path string) bool {
	return path == "/rdns" || path == "/openapi.json" ||
		slices.ContainsFunc([]string{"/rdns/", "/v1/", "/api/"}, func(p string) bool { return strings.HasPrefix(path, p) })
}

// refusals are the kinds of what requests are refused for before anybody looks what they want.
var refusals = map[int]kind{
	http.StatusForbidden:             foreign,
	http.StatusMisdirectedRequest:    misdirected,
	http.StatusRequestEntityTooLarge: tooLarge,
	http.StatusInternalServerError:   failed,
}

// Refuse answers a request in place of the handler of New, as that would. The status is that of one of the refusals.
func Refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	fail(w, r, &failure{kind: refusals[status], message: message})
}

// fail writes a failure in the form of the API that the request is for.
func fail(w http.ResponseWriter, r *http.Request, f *failure) {
	if f.kind == unauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="revmap", charset="UTF-8"`)
	}
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(f.wait)))
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/rdns"):
		robotFail(w, f)
	case strings.HasPrefix(r.URL.Path, "/v1/"):
		cloudFail(w, f)
	default:
		ownFail(w, f)
	}
}

// seconds returns a duration in whole seconds, not less than it is.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// failureOf returns what an error of a handler is to the one who has sent the request. P is nil if nobody knows who
// that is.
func (a *api) failureOf(r *http.Request, p *users.Person, err error) *failure {
	var (
		f        *failure
		notDone  *desk.DeniedError
		notReady *editor.NotReadyError
		gate     *editor.GateError
		old      *editor.StaleError
		large    *http.MaxBytesError
	)
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, desk.ErrUnknown):
		return &failure{kind: unknown, message: err.Error()}
	case errors.As(err, &notDone) && !p.MayEdit():
		return &failure{kind: readOnly, message: notDone.Message}
	case errors.As(err, &notDone):
		return &failure{kind: denied, message: notDone.Message, invalid: []string{"ptr"}}
	case errors.As(err, &notReady) && len(notReady.Draft.Conflicts) > 0:
		return &failure{kind: conflict, message: err.Error(), more: conflictsOf(p, notReady.Draft)}
	case errors.As(err, &notReady):
		list := findingsOf(notReady.Draft)
		return &failure{
			kind: refused, message: whyNot(list), invalid: []string{"ptr"},
			more: map[string]any{"findings": findingsJSON(p, list)},
		}
	case errors.Is(err, editor.ErrChanged):
		return &failure{kind: conflict, message: editor.ErrChanged.Error()}
	case errors.As(err, &gate):
		return &failure{kind: needsReview, message: gate.Error()}
	case errors.As(err, &old):
		f = &failure{kind: stale, wait: staleWait, message: "the source on the main branch cannot be read at the moment: " +
			"names are those of the last good commit, and nothing can be changed until it is mended"}
		if p.Accounts == nil { // else the reason may speak of others
			f.message += "; " + old.Error()
		}
		return f
	case errors.As(err, &large):
		return &failure{kind: tooLarge, message: fmt.Sprintf("want at most %d bytes", large.Limit)}
	}
	a.o.Log.Error("a request of a program failed",
		"login", p.Login, "method", r.Method, "path", r.URL.Path, "error", err)
	f = &failure{kind: failed, message: err.Error()}
	if p.Accounts != nil { // it may speak of others
		f.message = "this could not be done; whoever runs the server finds the reason in its log"
	}
	return f
}

// staleWait is when to try again while the source cannot be read: somebody has to mend it.
const staleWait = 30 * time.Second

// whyNot returns the first reason why a draft cannot be proposed, and what would help.
func whyNot(list []finding) string {
	if len(list) == 0 {
		return "the source says so already"
	}
	f := list[0]
	text := fmt.Sprintf("%s [%s]", f.Message, f.Rule)
	if f.about.IsValid() {
		text = fmt.Sprintf("%s: %s", f.about, text)
	}
	if hint := hintOf(f.Diagnostic); hint != "" {
		text += ": " + hint
	}
	return text
}

// addrOf returns the address in the path of a request. None is one that cannot be there.
func addrOf(r *http.Request) (netip.Addr, error) {
	if addr, ok := parseAddr(r.PathValue("ip")); ok {
		return addr, nil
	}
	return netip.Addr{}, desk.ErrUnknown
}

// parseAddr parses an address that a source could list.
func parseAddr(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	return addr, err == nil && !addr.Is4In6() && addr.Zone() == ""
}

// wanted are the names that addresses are to get by open proposals of one person, absolute; "" for the default.
type wanted map[netip.Addr]string

// wantedBy returns what a person has proposed and is not merged yet, for the addresses of some rows; of all for nil. What
// was proposed later counts. A person's programs may have proposed many others, which would take far longer.
func wantedBy(seat *desk.Seat, rows []table.Row) wanted {
	shown := make(map[netip.Addr]bool, len(rows))
	for i := range rows {
		shown[rows[i].Addr] = true
	}
	w := make(wanted)
	for e := range proposedBy(seat) {
		if rows == nil || shown[e.Addr] {
			w[e.Addr] = e.Name
		}
	}
	return w
}

// proposedBy returns the edits that a person has proposed and that are not merged yet, in the order of time. There are
// none if the person needs no review, or none any more: then the newest is what is served.
func proposedBy(seat *desk.Seat) iter.Seq[editor.Edit] {
	return func(yield func(editor.Edit) bool) {
		for _, o := range seat.Open() {
			if o.Login != seat.Person().Login || seat.Direct() {
				continue
			}
			for _, e := range o.Edits {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// name returns the name of a row as clients of Hetzner's APIs see it: what they have set, served already or not, or
// else the default hostname; without the final dot, and "" if there is none. Names of fallbacks are none.
func (want wanted) name(r *table.Row) string {
	name := r.Name
	if proposed, ok := want[r.Addr]; ok {
		name = proposed
	}
	if name == "" {
		name = r.Hostname
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// batch is how many rows of the table are taken at once.
const batch = 5000

// rows returns all that q asks for.
func rows(seat *desk.Seat, q table.Query) iter.Seq[*table.Row] {
	return func(yield func(*table.Row) bool) {
		for q.Limit = batch; ; q.Offset += batch {
			page := seat.List(q)
			for i := range page.Rows {
				if !yield(&page.Rows[i]) {
					return
				}
			}
			if q.Offset+batch >= page.Total {
				return
			}
		}
	}
}

// addressesProposed returns those for which a person has proposed something that is not merged yet, ascending. An address
// may be there twice.
func addressesProposed(seat *desk.Seat) []netip.Addr {
	var list []netip.Addr
	for e := range proposedBy(seat) {
		list = append(list, e.Addr)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// unlisted goes through the rows of addresses that the source does not list, but that have been given a name in a
// proposal, by address: those of wanted servers.
func unlisted(seat *desk.Seat, wanted func(server string) bool) iter.Seq[table.Row] {
	return seat.Unlisted(addressesProposed(seat), wanted)
}

// rowsOf returns the rows of a server: those that are listed, and then the others.
func rowsOf(seat *desk.Seat, server string) []table.Row {
	var list []table.Row
	for row := range rows(seat, table.Query{Server: server}) {
		list = append(list, *row)
	}
	return slices.AppendSeq(list, unlisted(seat, func(s string) bool { return s == server }))
}

// set gives an address a name, "" for the default, together with what the person's programs have set before. It does
// nothing if that is what is shown of it already.
func (a *api) set(r *http.Request, seat *desk.Seat, addr netip.Addr, name string) error {
	name = strings.TrimSpace(name)
	row, err := seat.At(addr)
	if err != nil {
		return err
	}
	proposed, holds := false, row.Names < 2 && same(row.Name, name)
	for e := range proposedBy(seat) {
		if e.Addr == addr { // and if somebody has named it since, this says that the proposal is meant all the same
			proposed, holds = true, same(e.Name, name) && (e.Was == nil || *e.Was == row.Name || same(row.Name, name))
		}
	}
	if holds {
		return seat.MayEdit(addr, name)
	}
	done, err := seat.Propose(r.Context(), []editor.Edit{{Addr: addr, Name: name}}, "", true)
	a.warn(seat, done)
	var notReady *editor.NotReadyError
	switch {
	case !errors.As(err, &notReady) || !says(notReady.Draft):
		return err
	case proposed:
		return &failure{
			kind: conflict, message: "another proposal of yours gives this address another name: withdraw it first",
		}
	}
	return nil // the same name in another form, with letters that are not ASCII
}

// warn writes down that the remote does not have a proposal, for which a client of others has no eyes.
func (a *api) warn(seat *desk.Seat, done *editor.Proposed) {
	if done != nil && done.Warning != "" {
		a.o.Log.Warn("a proposal is not pushed",
			"login", seat.Person().Login, "branch", done.Branch, "reason", done.Warning)
	}
}

// same reports whether two names, "" for none, are the same but for their form.
func same(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// write writes a value as JSON.
func write(w http.ResponseWriter, status int, mediaType string, value any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err) // a type that JSON does not have
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// smallBody is how many bytes the body of a request for one name may have.
const smallBody = 64 << 10

// maybe is a string that may be left out of a JSON object, and may be null.
type maybe struct {
	set   bool
	value *string
}

// UnmarshalJSON is called for null, too.
func (m *maybe) UnmarshalJSON(data []byte) error {
	m.set = true
	return json.Unmarshal(data, &m.value)
}

// text returns the string, "" for null.
func (m maybe) text() string {
	if m.value == nil {
		return ""
	}
	return *m.value
}
