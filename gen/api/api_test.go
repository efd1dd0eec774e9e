package api

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/users"
	"github.com/revmap/revmap/internal/gittest"
)

var update = flag.Bool("update", false, "rewrite docs/api.md")

// source is the one that the tests begin with.
const source = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.miniserver.example"}
accounts:
  acme: {domains: [acme.example]}
  bluebird: {domains: [bluebird.example]}
blocks:
  192.0.2.0/24: {}
  198.51.100.0/24: {fallback: "{ip}.static.example.net"}
  2001:db8::/32: {}
servers:
  web1:
    product: vps
    account: acme
    primary: [192.0.2.10, "2001:db8:0:1::2"]
    addresses:
      192.0.2.10: mail.acme.example
      192.0.2.11:
      192.0.2.12: {name: shop.acme.example, ttl: 5m}
      2001:db8:0:1::/64:
  web2: {product: vps, account: bluebird, primary: 192.0.2.20}
  web3: {product: vps, account: acme, primary: 192.0.2.30, addresses: {192.0.2.30: , 198.51.100.7: }}
addresses:
  192.0.2.1: gw1.example.net
`

// People of the tests, and the tokens that they have beside their passwords.
var people = []users.Person{
	{Login: "ada", FullName: "Ada Example", Email: "ada@example.net", Role: users.Operator},
	{Login: "acme", FullName: "Acme", Email: "admin@acme.example", Role: users.Account, Accounts: []string{"acme"}},
	{Login: "bluebird", FullName: "Bluebird", Email: "it@bluebird.example", Role: users.Account,
		Accounts: []string{"bluebird"}},
	{Login: "vera", FullName: "Vera Example", Email: "vera@example.net", Role: users.Viewer},
}

// password is that of Ada.
const password = "correct horse battery staple"

// store has the people. It is made once: passwords take their time.
var store = sync.OnceValues(func() (*users.Store, map[string]string) {
	dir, err := os.MkdirTemp("", "revmap-api-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path, tokens := filepath.Join(dir, "users.json"), make(map[string]string)
	err = users.Edit(path, func(f *users.File) error {
		for i, p := range people {
			secret := users.NewPassword()
			if i == 0 {
				secret = password
			}
			if err := f.Add(&p, secret); err != nil {
				return err
			}
			var err error
			if tokens[p.Login], err = f.AddToken(&users.Token{Login: p.Login}); err != nil {
				return err
			}
		}
		var err error
		tokens["reader"], err = f.AddToken(&users.Token{Login: "ada", ReadOnly: true})
		return err
	})
	if err != nil {
		panic(err)
	}
	s, err := users.Open(path)
	if err != nil {
		panic(err)
	}
	return s, tokens
})

// A site is a server of the API over a repository of its own.
type site struct {
	gittest.Tree
	editor  *editor.Editor
	handler http.Handler
	url     string
	log     bytes.Buffer
	tokens  map[string]string
	as      string // whose token is shown; "" for none
}

// newSite returns a site at which Ada asks. Who has a role of direct needs no review.
func newSite(t testing.TB, direct ...users.Role) *site {
	t.Helper()
	return newSiteOf(t, source, "", direct...)
}

// newSiteOf returns a site of another source, with a remote if that is not "".
func newSiteOf(t testing.TB, text, remote string, direct ...users.Role) *site {
	t.Helper()
	s := &site{Tree: gittest.New(t), as: "ada"}
	s.Write(map[string]string{"records.yaml": text})
	s.Commit("Begin")
	o := repository.Options{Root: filepath.Join(s.Dir, "records.yaml"), Committer: repository.Identity{Name: "revmap", Email: "revmap@example.net"}}
	if remote != "" {
		s.Git("remote", "add", "origin", remote)
		o.Remote = "origin"
	}
	r, err := repository.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.editor, err = editor.Start(t.Context(), editor.Options{
		Repository: r, Remote: remote != "", Limits: diff.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.editor.Close() })
	var people *users.Store
	people, s.tokens = store()
	s.handler = New(Options{
		Desk:     desk.New(desk.Options{Editor: s.editor, Dir: t.TempDir(), Direct: direct}),
		Sessions: session.New(people, session.Options{}),
		Log:      slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	server := httptest.NewServer(s.documented(s.handler))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// commit replaces the source on the main branch.
func (s *site) commit(text string) {
	s.Helper()
	s.Write(map[string]string{"records.yaml": text})
	s.Commit("Change it")
	if err := s.editor.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// read returns the source at a branch.
func (s *site) read(branch string) string {
	s.Helper()
	return s.Git("show", branch+":records.yaml")
}

// An answer is what the server has sent.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request, with a body if that is not "", and headers given as "Name: value".
func (s *site) do(method, path, body string, header ...string) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if s.as != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[s.as])
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// want tests the status of an answer and that its body is the same JSON as body; "" is an empty one.
func (s *site) want(got answer, status int, body string) {
	s.Helper()
	if got.status != status || compact(got.body) != compact(body) {
		s.Errorf("%d %s\nwant %d %s", got.status, got.body, status, body)
	}
}

// compact returns JSON without white space, with sorted keys; what is no JSON as it is.
func compact(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	data, _ := json.Marshal(v)
	return string(data)
}

// get returns the member of an answer's JSON at a path.
func (s *site) get(a answer, path ...any) any {
	s.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		s.Fatalf("%v: %s", err, a.body)
	}
	for _, p := range path {
		ok := false
		switch p := p.(type) {
		case string:
			var m map[string]any
			if m, ok = v.(map[string]any); ok {
				v, ok = m[p]
			}
		case int:
			var l []any
			if l, ok = v.([]any); ok && p < len(l) {
				v = l[p]
			}
		}
		if !ok {
			s.Fatalf("%v is not in %s", path, a.body)
		}
	}
	return v
}

const formType = "Content-Type: application/x-www-form-urlencoded"

// document is the OpenAPI document.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(OpenAPI)
	if err == nil {
		err = doc.Validate(context.Background())
	}
	return doc, err
})

// documentPath returns the path that the document has for a pattern of the mux.
func documentPath(pattern string) string {
	_, path, _ := strings.Cut(pattern, " ")
	return strings.ReplaceAll(path, "...}", "}")
}

// documented tests that what a handler answers is as documented, and that requests which it takes are. Requests with
// the header Undocumented are of clients that the handler puts up with.
func (s *site) documented(h http.Handler) http.Handler {
	doc, err := document()
	if err != nil {
		s.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
		if r.Pattern == "" || r.Method == http.MethodHead {
			return
		}
		path := documentPath(r.Pattern)
		item := doc.Paths.Find(path)
		if item == nil || item.GetOperation(r.Method) == nil {
			s.Errorf("%s %s is not documented", r.Method, path)
			return
		}
		params := make(map[string]string)
		for _, name := range []string{"ip", "id", "branch"} {
			if v := r.PathValue(name); v != "" {
				params[name] = v
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		in := &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params,
			Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method,
				Operation: item.GetOperation(r.Method)},
			Options: &openapi3filter.Options{
				AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
			},
		}
		if rec.Code < 300 && r.Header.Get("Undocumented") == "" {
			if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
				s.Errorf("%s %s was taken: %v", r.Method, r.URL, err)
			}
		}
		out := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: rec.Code, Header: rec.Header(), Options: in.Options,
		}
		out.SetBodyBytes(rec.Body.Bytes())
		if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
			s.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
	})
}

// TestDocument: the document is a good one, is served to everybody, and has what the handler has.
func TestDocument(t *testing.T) {
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.as = ""
	a := s.do("GET", "/openapi.json", "")
	if a.status != 200 || a.body != string(OpenAPI) {
		t.Errorf("GET /openapi.json: %d, %d bytes", a.status, len(a.body))
	}
	s.as = "ada"
	ids := make(map[string]bool)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if ids[op.OperationID] {
				t.Errorf("two operations are %s", op.OperationID)
			}
			ids[op.OperationID] = true
			path = strings.NewReplacer("{ip}", "192.0.2.99", "{id}", "1", "{branch}", "rdns/x").Replace(path)
			if a := s.do(method, path, ""); a.status == http.StatusMethodNotAllowed || strings.Contains(a.body, "at this path") {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
	}
}

// TestWhoAsks: nobody gets in without a login, with the error in the form of each API.
func TestWhoAsks(t *testing.T) {
	s := newSite(t)
	s.as = ""
	forms := map[string]string{
		"/rdns":             `{"error":{"status":401,"code":"UNAUTHORIZED","message":"MESSAGE"}}`,
		"/rdns/192.0.2.10":  `{"error":{"status":401,"code":"UNAUTHORIZED","message":"MESSAGE"}}`,
		"/v1/servers":       `{"error":{"code":"unauthorized","message":"MESSAGE"}}`,
		"/api/v1/addresses": `{"code":"unauthorized","detail":"MESSAGE","status":401,"title":"Unauthorized"}`,
	}
	for path, body := range forms {
		a := s.do("GET", path, "")
		s.want(a, 401, strings.ReplaceAll(body, "MESSAGE", session.ErrMissing.Error()))
		if a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", path)
		}
		a = s.do("GET", path, "", "Authorization: Bearer "+"rvm_"+strings.Repeat("0", 64))
		s.want(a, 401, strings.ReplaceAll(body, "MESSAGE", users.ErrWrong.Error()))
	}
	r, _ := http.NewRequest("GET", s.url+"/rdns/192.0.2.10", nil)
	for _, login := range [][2]string{{"ada", password}, {"ada", s.tokens["ada"]}} { // as Robot's clients do
		r.SetBasicAuth(login[0], login[1])
		a := s.do("GET", "/rdns/192.0.2.10", "", "Authorization: "+r.Header.Get("Authorization"))
		s.want(a, 200, `{"rdns":{"ip":"192.0.2.10","ptr":"mail.acme.example"}}`)
	}
	for i := 0; ; i++ {
		r.SetBasicAuth("ada", fmt.Sprint("wrong ", i))
		a := s.do("GET", "/rdns", "", "Authorization: "+r.Header.Get("Authorization"))
		if a.status == http.StatusForbidden {
			if a.header.Get("Retry-After") == "" || s.get(a, "error", "code") != "RATE_LIMIT_EXCEEDED" ||
				s.get(a, "error", "interval").(float64) < 1 {
				t.Errorf("after %d wrong passwords: %v %s", i, a.header, a.body)
			}
			break
		}
		if a.status != 401 || i == 50 {
			t.Fatalf("after %d wrong passwords: %d %s", i, a.status, a.body)
		}
	}
}

// TestNoAuth: where nobody signs in, everybody is the same person.
func TestNoAuth(t *testing.T) {
	s := newSite(t)
	h := New(Options{Desk: desk.New(desk.Options{Editor: s.editor, Dir: t.TempDir()}), NoAuth: &people[1]})
	for path, status := range map[string]int{"/rdns/192.0.2.10": 200, "/rdns/192.0.2.20": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != status {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestNowhere: also what is not there is told in JSON.
func TestNowhere(t *testing.T) {
	s := newSite(t)
	const robot = `{"error":{"status":404,"code":"NOT_FOUND","message":"there is nothing at this path"}}`
	const cloud = `{"error":{"code":"not_found","message":"there is nothing at this path"}}`
	const own = `{"code":"not-found","detail":"there is nothing at this path","status":404,"title":"Not Found"}`
	for path, body := range map[string]string{
		"/rdns/192.0.2.1/x": robot, "/rdns/": robot, "/rdns//192.0.2.1": robot, "/rdns/../rdns": robot,
		"/v1/": cloud, "/v1/load_balancers": cloud, "/v1/servers/1/actions/reboot": cloud, "/v1//servers": cloud,
		"/api/": own, "/api/v2/addresses": own, "/api/v1/addresses/192.0.2.1/x": own, "/api/v1/../v1/addresses": own,
	} {
		s.want(s.do("GET", path, ""), 404, body)
	}
	for _, tt := range []struct{ method, path, allow, body string }{
		{"PATCH", "/rdns/192.0.2.1", "DELETE, GET, HEAD, POST, PUT",
			`{"error":{"status":405,"code":"METHOD_NOT_ALLOWED",
				"message":"this path takes DELETE, GET, HEAD, POST, PUT only"}}`},
		{"DELETE", "/v1/servers/1", "GET, HEAD",
			`{"error":{"code":"method_not_allowed","message":"this path takes GET, HEAD only"}}`},
		{"GET", "/api/v1/changes", "POST",
			`{"code":"method","detail":"this path takes POST only","status":405,"title":"Method Not Allowed"}`},
	} {
		a := s.do(tt.method, tt.path, "")
		s.want(a, 405, tt.body)
		if got := a.header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: Allow: %s, want %s", tt.method, tt.path, got, tt.allow)
		}
	}
}

// TestSeen: nobody learns of the addresses of others, by any path; who may only look changes nothing.
func TestSeen(t *testing.T) {
	s := newSite(t)
	server, ip := s.id("server", "web2"), s.id("address", "192.0.2.20")
	s.as = "acme"
	for _, c := range [][3]string{
		{"GET", "/rdns/192.0.2.20"}, {"PUT", "/rdns/192.0.2.20", "ptr=x.acme.example"},
		{"POST", "/rdns/192.0.2.20", "ptr=x.acme.example"}, {"DELETE", "/rdns/192.0.2.20"},
		{"GET", "/rdns?server_ip=192.0.2.20"}, {"GET", "/rdns/192.0.2.1"}, {"GET", "/rdns/192.0.2.99"},
		{"GET", "/v1/servers/" + server}, {"GET", "/v1/primary_ips/" + ip},
		{"POST", "/v1/servers/" + server + "/actions/change_dns_ptr", `{"ip":"192.0.2.20","dns_ptr":"x.acme.example"}`},
		{"POST", "/v1/primary_ips/" + ip + "/actions/change_dns_ptr", `{"ip":"192.0.2.20","dns_ptr":"x.acme.example"}`},
		{"GET", "/api/v1/addresses/192.0.2.20"}, {"GET", "/api/v1/addresses/192.0.2.99"},
		{"POST", "/api/v1/changes", `{"changes":[{"address":"192.0.2.20","name":"x.acme.example"}]}`},
		{"POST", "/api/v1/changes", `{"changes":[{"address":"192.0.2.20","name":"x.acme.example"}],"dry_run":true}`},
	} {
		if a := s.do(c[0], c[1], c[2]); a.status != 404 || strings.Contains(a.body, "web2") ||
			strings.Contains(a.body, "bluebird") {
			t.Errorf("%s %s: %d %s", c[0], c[1], a.status, a.body)
		}
	}
	for _, path := range []string{
		"/v1/servers?name=web2", "/v1/primary_ips?name=192.0.2.20", "/v1/primary_ips?ip=192.0.2.20",
		"/v1/servers", "/v1/primary_ips", "/rdns", "/api/v1/addresses", "/api/v1/addresses?search=web2",
		"/api/v1/addresses?account=bluebird", "/api/v1/addresses/192.0.2.10",
	} {
		a := s.do("GET", path, "")
		for _, secret := range []string{"192.0.2.20", "192.0.2.1\"", "bluebird", "gw1", "records.yaml"} {
			if a.status != 200 || strings.Contains(a.body, secret) {
				t.Errorf("%s: %d, has %s: %s", path, a.status, secret, a.body)
			}
		}
	}
	for _, who := range []string{"vera", "reader"} {
		s.as = who
		for _, c := range [][3]string{
			{"PUT", "/rdns/192.0.2.11", "ptr=x.acme.example"}, {"POST", "/rdns/192.0.2.10", "ptr=x.acme.example"}, {"DELETE",
				"/rdns/192.0.2.10"},
			{"POST", "/v1/servers/" + server + "/actions/change_dns_ptr", `{"ip":"192.0.2.20","dns_ptr":"x.acme.example"}`},
			{"POST", "/api/v1/changes", `{"changes":[{"address":"192.0.2.20","name":"x.acme.example"}]}`},
		} {
			if a := s.do(c[0], c[1], c[2]); a.status != 403 {
				t.Errorf("%s: %s %s: %d %s", who, c[0], c[1], a.status, a.body)
			}
		}
		if a := s.do("GET", "/rdns/192.0.2.20", ""); a.status != 200 {
			t.Errorf("%s may not look: %d %s", who, a.status, a.body)
		}
	}
	if got := s.Git("branch", "--format=%(refname:short)"); got != "main" {
		t.Errorf("there are branches %s", got)
	}
}

// TestLimit: who asks too much is told when to go on.
func TestLimit(t *testing.T) {
	people, tokens := store()
	h := New(Options{Sessions: session.New(people, session.Options{}), Limit: func(login string) (wait time.Duration) {
		if login != "ada" {
			t.Errorf("a request of %q is counted", login)
		}
		return 1500 * time.Millisecond
	}})
	const message = "these are too many requests at once"
	for path, want := range map[string]string{
		"/rdns":             `403 {"error":{"status":403,"code":"RATE_LIMIT_EXCEEDED","message":"MESSAGE","interval":2}}`,
		"/v1/servers":       `429 {"error":{"code":"rate_limit_exceeded","message":"MESSAGE"}}`,
		"/api/v1/addresses": `429 {"code":"too-many-requests","detail":"MESSAGE","status":429,"title":"Too Many Requests"}`,
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+tokens["ada"])
		w := httptest.NewRecorder()
		want = strings.ReplaceAll(want, "MESSAGE", message)
		h.ServeHTTP(w, r)
		if got := fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String())); got != want ||
			w.Header().Get("Retry-After") != "2" {
			t.Errorf("%s: %s %v\nwant %s", path, got, w.Header(), want)
		}
	}
}

// TestBroken: what goes wrong inside is told to those who may know all, and to the log.
func TestBroken(t *testing.T) {
	s := newSite(t)
	if err := os.Rename(filepath.Join(s.Dir, ".git"), filepath.Join(s.Dir, "gone")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, body, contentType, code string }{
		{"/rdns/192.0.2.11", "ptr=www.acme.example", formType, "RDNS_UPDATE_FAILED"},
		{
			"/v1/servers/" + s.id("server", "web1") + "/actions/change_dns_ptr",
			`{"ip":"192.0.2.11","dns_ptr":"www.acme.example"}`, jsonType, "server_error",
		},
		{"/api/v1/changes", `{"changes":[{"address":"192.0.2.11","name":"www.acme.example"}]}`, jsonType, "failed"},
	} {
		for _, who := range []string{"ada", "acme"} {
			s.as = who
			a := s.do("POST", tt.path, tt.body, tt.contentType)
			why := strings.Contains(a.body, "git log")
			if a.status != 500 || !strings.Contains(a.body, `"code":"`+tt.code+`"`) || why != (who == "ada") {
				t.Errorf("%s: %s: %d %s", who, tt.path, a.status, a.body)
			}
		}
	}
	if got := strings.Count(s.log.String(), "login=acme"); got != 3 {
		t.Errorf("the log is\n%s", s.log.String())
	}
}

// TestStale: while the source cannot be read, all that would change a name is refused for a time, dry or not. Why is told
// to those who may know all.
func TestStale(t *testing.T) {
	s := newSite(t)
	s.Write(map[string]string{"records.yaml": s.Read("records.yaml") + "  : [\n"})
	s.Commit("Not YAML")
	if s.editor.Refresh(t.Context()) == nil {
		t.Fatal("it can be read")
	}
	server := "/v1/servers/" + s.id("server", "web1") + "/actions/change_dns_ptr"
	const changes = `{"changes":[{"address":"192.0.2.11","name":"new.acme.example"}]`
	for _, tt := range []struct{ path, body, contentType, code string }{
		{"/rdns/192.0.2.11", "ptr=new.acme.example", formType, "RDNS_UPDATE_FAILED"},
		{server, `{"ip":"192.0.2.11","dns_ptr":"new.acme.example"}`, jsonType, "maintenance"},
		{"/api/v1/changes", changes + `}`, jsonType, "stale"},
		{"/api/v1/changes", changes + `,"dry_run":true}`, jsonType, "stale"},
	} {
		for _, who := range []string{"ada", "acme"} {
			s.as = who
			a := s.do("POST", tt.path, tt.body, tt.contentType)
			why := strings.Contains(a.body, "records.yaml:")
			if a.status != 503 || !strings.Contains(a.body, `"code":"`+tt.code+`"`) || a.header.Get("Retry-After") == "" ||
				!strings.Contains(a.body, "until it is mended") || why != (who == "ada") {
				t.Errorf("%s: %s: %d %v %s", who, tt.path, a.status, a.header, a.body)
			}
		}
	}
	if a := s.do("GET", "/rdns/192.0.2.10", ""); a.status != 200 {
		t.Errorf("the last good commit is not shown: %d %s", a.status, a.body)
	}
}

// addrs is for tests that build requests.
func addrs(n int) []netip.Addr {
	list := []netip.Addr{netip.MustParseAddr("2001:db8:0:1::1000")}
	for len(list) < n {
		list = append(list, list[len(list)-1].Next())
	}
	return slices.Clip(list)
}
