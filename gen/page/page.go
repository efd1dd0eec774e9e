// Package page is the Reverse Map Names page: what people see of revmap serve in a browser. All of it works without
// scripts; with them, names are edited where they are listed, and what is wrong with one is told as it is typed.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/gen/users"
)

// Policy is the Content-Security-Policy of all pages: nothing comes from other hosts, and nothing that stands in a page
// is a script or a style.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// Options tell what the pages show, and to whom.
type Options struct {
	Desk     *desk.Desk
	Sessions *session.Manager // of those who have signed in; not used with NoAuth
	NoAuth   *users.Person    // everybody is this person, and nobody signs in; nil if people have to
	Log      *slog.Logger     // for what nobody expects to go wrong; nil for slog.Default()
}

// A pages is the handler of all pages.
type pages struct {
	o      Options
	assets map[string]asset // by their names in /assets/HASH/
	hash   string           // of all assets
	checks chan struct{}    // has room for those that ask name servers at a time
}

type asset struct {
	data      []byte
	mediaType string
}

//go:embed templates assets
var embedded embed.FS

// New returns the handler of all pages. It sets the headers that the pages depend on; that requests which change
// something come from a page of ours is for its caller to see to (http.CrossOriginProtection).
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &pages{o: o, checks: make(chan struct{}, mostChecks)}
	p.assets, p.hash = loadAssets()
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /{$}":                 p.list,
		"GET /address/{ip}":        p.address,
		"POST /address/{ip}":       p.check,
		"GET /draft":               p.draft,
		"POST /collect":            p.collect,
		"POST /discard":            p.discard,
		"GET /changes":             p.changes,
		"POST /changes":            p.propose,
		"GET /proposals":           p.proposals,
		"POST /proposals/withdraw": p.withdraw,
		"POST /proposals/push":     p.push,
		"GET /rules/{id}":          p.rule,
	} {
		mux.Handle(pattern, p.seated(h))
	}
	mux.Handle("/", p.nothing())
	mux.HandleFunc("GET /assets/{hash}/{name}", p.asset)
	if o.NoAuth == nil {
		mux.HandleFunc("GET /sign-in", p.signInForm)
		mux.HandleFunc("POST /sign-in", p.signIn)
		mux.HandleFunc("POST /sign-out", p.signOut)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", Policy)
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// nothing answers what no page is for, whatever the method: programs as if they have missed the path of an API.
func (p *pages) nothing() http.Handler {
	page := p.seated(func(http.ResponseWriter, *http.Request, *desk.Seat) error { return desk.ErrUnknown })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			page.ServeHTTP(w, r)
		} else {
			missed(w)
		}
	})
}

// missed answers a program that has missed the path of an API: in place of how people sign in.
func missed(w http.ResponseWriter) {
	const status = http.StatusNotFound
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{
		"title": http.StatusText(status), "status": status, "code": "not-found",
		"detail": "there is nothing at this path: want one of /openapi.json, which begin with /rdns, /v1/ or /api/v1/",
	})
}

// loadAssets returns what the pages load, and a hash of it: what is at a path with that never changes.
func loadAssets() (map[string]asset, string) {
	types := map[string]string{
		"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
	}
	assets, hash := make(map[string]asset), sha256.New()
	entries, err := fs.ReadDir(embedded, "assets")
	for _, e := range entries {
		var data []byte
		if data, err = embedded.ReadFile("assets/" + e.Name()); err != nil {
			break
		}
		assets[e.Name()] = asset{data, types[e.Name()[strings.LastIndexByte(e.Name(), '.')+1:]]}
		hash.Write(data)
	}
	if err != nil {
		panic(err) // the program was built without them
	}
	return assets, hex.EncodeToString(hash.Sum(nil)[:8])
}

func (p *pages) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := p.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.PathValue("hash") == p.hash { // else the page is of another version, and must not keep this one for long
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", a.mediaType)
	w.Write(a.data)
}

// A handler answers a request of somebody who may ask. What it returns is told in a page, or to a script.
type handler func(w http.ResponseWriter, r *http.Request, s *desk.Seat) error

// seated returns h for people who have signed in; all others are asked to.
func (p *pages) seated(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		person := p.o.NoAuth
		if person == nil {
			var ok bool
			if person, ok = p.o.Sessions.FromCookie(r); !ok {
				p.askToSignIn(w, r)
				return
			}
		}
		s := p.o.Desk.For(person)
		if err := h(w, r, s); err != nil {
			p.fail(w, r, s, err)
		}
	})
}

// A problem is an error that people are to read as it is.
type problem struct {
	status  int
	message string
}

func (e *problem) Error() string { return e.message }

// explain returns what to tell of an error. What is inside of the server or its remote is for operators, and for the
// log.
func (p *pages) explain(r *http.Request, s *desk.Seat, err error) *problem {
	var (
		known    *problem
		denied   *desk.DeniedError
		unpushed *repository.PushError
		stale    *editor.StaleError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &denied):
		return &problem{http.StatusForbidden, sentence(plain(err.Error()))}
	case errors.As(err, &unpushed):
		return &problem{http.StatusBadGateway, "The remote has not taken the branch." + inside(s, err.Error()) +
			" It is kept here, and can be pushed again."}
	case errors.As(err, &stale):
		return &problem{http.StatusServiceUnavailable, "The source on the main branch cannot be read at the moment, so names " +
			"are shown as of the last good commit, and nothing can be changed until it is mended." + inside(s, stale.Error())}
	case errors.Is(err, desk.ErrUnknown):
		return &problem{http.StatusNotFound, "There is no such page, address or proposal, or it is none that you may see. " +
			"Addresses can be looked up in the list."}
	case errors.Is(err, editor.ErrChanged):
		return &problem{http.StatusConflict, sentence(editor.ErrChanged.Error())}
	case r.Context().Err() != nil:
		return &problem{http.StatusServiceUnavailable, "That took too long. Try again."}
	}
	p.o.Log.Error("page failed", "path", r.URL.Path, "error", err)
	return &problem{http.StatusInternalServerError, "Something went wrong that is not your doing." +
		inside(s, err.Error()) + " Nothing was changed. Try again; if it stays, tell whoever runs this server."}
}

// inside returns text about what is inside of the server for an operator, and nothing for others.
func inside(s *desk.Seat, text string) string {
	if s.Person().Role != users.Operator {
		return ""
	}
	return " " + sentence(plain(text))
}

// fail answers with an error.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, s *desk.Seat, err error) {
	e := p.explain(r, s, err)
	if forScript(r) {
		writeJSON(w, e.status, map[string]any{"error": e.message})
		return
	}
	p.render(w, r, s, e.status, "failed", "That did not work", e)
}

// forScript reports whether it is the script of a page that asks.
func forScript(r *http.Request) bool { return r.Header.Get("Accept") == "application/json" }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error is that of a client who has gone
}

// A frame is what all pages have in common.
type frame struct {
	Page      string // its template
	Title     string
	Assets    string        // path of the folder
	Person    *users.Person // nil if nobody has signed in
	Auth      bool          // people sign in
	Seat      *desk.Seat
	Collected int // edits
	Open      int // proposals
	Data      any
}

// render writes a page. If s is nil, nobody has signed in.
func (p *pages) render(w http.ResponseWriter, r *http.Request, s *desk.Seat, status int, page, title string, data any) {
	f := frame{Page: page, Title: title, Assets: "/assets/" + p.hash, Auth: p.o.NoAuth == nil, Seat: s, Data: data}
	if s != nil {
		f.Person = s.Person()
		f.Open = len(s.Open())
		edits, err := s.Collected()
		if err != nil {
			p.o.Log.Error("page failed", "path", r.URL.Path, "error", err)
		}
		f.Collected = len(edits)
	}
	var b bytes.Buffer
	if err := templates[page].ExecuteTemplate(&b, "layout", f); err != nil {
		p.o.Log.Error("page failed", "path", r.URL.Path, "error", err)
		http.Error(w, "This page cannot be shown. Tell whoever runs this server.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// templates are those of all pages, each with those that all share.
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(functions).ParseFS(embedded,
		"templates/layout.html", "templates/parts.html"))
	pages := make(map[string]*template.Template)
	for _, name := range []string{"list", "address", "changes", "proposals", "rule", "sign-in", "failed"} {
		pages[name] = template.Must(template.Must(shared.Clone()).ParseFS(embedded, "templates/"+name+".html"))
	}
	return pages
}

// addressOf reads an address of a request. One that is none, is as unknown as others.
func addressOf(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, desk.ErrUnknown
	}
	return addr.Unmap(), nil
}

// local returns where to go on after a form: a path of this server, or otherwise.
func local(path, otherwise string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") {
		return otherwise
	}
	return path
}

// collectedOf returns the edit of an address among those that were collected, nil if there is none.
func collectedOf(edits []editor.Edit, addr netip.Addr) *editor.Edit {
	if i := slices.IndexFunc(edits, func(e editor.Edit) bool { return e.Addr == addr }); i >= 0 {
		return &edits[i]
	}
	return nil
}

// A waiting edit is one of an open proposal.
type waiting struct {
	editor.Edit
	Login, Branch string
}

// waitingOf returns the edits of open proposals for the addresses of rows; of several, the last.
func waitingOf(open []editor.Open, rows []table.Row) map[netip.Addr]*waiting {
	of := make(map[netip.Addr]*waiting, len(rows)) // programs propose many edits at once
	for _, r := range rows {
		of[r.Addr] = nil
	}
	for _, o := range open {
		for _, e := range o.Edits {
			if _, ok := of[e.Addr]; ok {
				of[e.Addr] = &waiting{e, o.Login, o.Branch}
			}
		}
	}
	return of
}

// sentence makes a sentence of the text of an error. A name or an address that it begins with stays as it is.
func sentence(text string) string {
	text = strings.Trim(text, ". \t\n")
	if text == "" {
		return ""
	}
	if first, _, _ := strings.Cut(text, " "); strings.ContainsAny(first, ".:") {
		return text + "."
	}
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:] + "."
}
