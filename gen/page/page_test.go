package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"golang.org/x/net/html"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/users"
	"github.com/revmap/revmap/internal/gittest"
)

// people are those who may sign in; each has its login, twice and with a dash, as password.
var people = []*users.Person{
	{Login: "olga", FullName: "Olga Operator", Email: "olga@example.net", Role: users.Operator},
	{Login: "omar", FullName: "Omar Operator", Email: "omar@example.net", Role: users.Operator},
	{Login: "acme-it", FullName: "Ann Acme", Email: "ann@acme.example", Role: users.Account, Accounts: []string{"acme"}},
	{Login: "viewer", FullName: "Vera Viewer", Email: "vera@example.net", Role: users.Viewer},
}

func passwordOf(login string) string { return login + "-" + login + "-secret" }

// A site is the pages of a source in a repository, and a server of them.
type site struct {
	gittest.Tree
	editor *editor.Editor
	desk   *desk.Desk
	log    *bytes.Buffer // errors that nobody expects
	url    string
}

// newSite serves the source in testdata; change, if it is not nil, changes the desk's options.
func newSite(t *testing.T, change func(*desk.Options)) *site {
	t.Helper()
	s := &site{Tree: gittest.New(t), log: new(bytes.Buffer)}
	const day = "2026-05-04T09:30:00Z" // so that pictures of the same are the same
	t.Setenv("GIT_AUTHOR_DATE", day)
	t.Setenv("GIT_COMMITTER_DATE", day)
	if err := os.CopyFS(s.Dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	s.Commit("Begin")
	s.serve(change, "")
	return s
}

// serve opens the repository, and serves the pages of it.
func (s *site) serve(change func(*desk.Options), remote string) {
	t := s.TB
	t.Helper()
	r, err := repository.Open(t.Context(), repository.Options{
		Root: filepath.Join(s.Dir, "records.yaml"), Remote: remote,
		Committer: repository.Identity{Name: "revmap", Email: "revmap@example.net"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.editor, err = editor.Start(t.Context(), editor.Options{
		Repository: r, Remote: remote != "", Limits: diff.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	editor := s.editor
	t.Cleanup(func() { editor.Close() })
	o := desk.Options{Editor: s.editor, Dir: t.TempDir()}
	if change != nil {
		change(&o)
	}
	s.desk = desk.New(o)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	pages := New(Options{Desk: s.desk, Sessions: session.New(s.users(), session.Options{}), Log: log})
	server := httptest.NewServer(new(http.CrossOriginProtection).Handler(pages))
	t.Cleanup(func() {
		server.Close()
		if s.log.Len() > 0 {
			t.Errorf("the log of what nobody expects has:\n%s", s.log)
		}
	})
	s.url = server.URL
}

// usersFile returns a file of people. It is made once, since it takes long to hash passwords.
var usersFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "users.json")
	err = users.Edit(path, func(f *users.File) error {
		for _, p := range people {
			if err := f.Add(p, passwordOf(p.Login)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// users returns a store of people.
func (s *site) users() *users.Store {
	s.Helper()
	data, err := usersFile()
	if err != nil {
		s.Fatal(err)
	}
	path := filepath.Join(s.TempDir(), "users.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		s.Fatal(err)
	}
	store, err := users.Open(path)
	if err != nil {
		s.Fatal(err)
	}
	return store
}

// publish commits to the main branch that a file has changed, as somebody with an editor would.
func (s *site) publish(file string) {
	s.Helper()
	s.Commit("Write " + file)
	if err := s.editor.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// replace replaces text of a file that way.
func (s *site) replace(file, old, new string) {
	s.Helper()
	s.Replace(file, old, new)
	s.publish(file)
}

// A browser is one without scripts.
type browser struct {
	*site
	http.Client
}

// browse returns a browser of somebody who has signed in, or of nobody if login is "".
func (s *site) browse(login string) *browser {
	s.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	b := &browser{s, http.Client{Jar: jar}}
	if login != "" {
		p := b.post("/sign-in", "login", login, "password", passwordOf(login))
		p.is(http.StatusOK, "/")
	}
	return b
}

// A page is what a browser shows.
type page struct {
	testing.TB
	status int
	url    *url.URL
	header http.Header
	body   string
	text   string // without markup; white space is one space
}

func (b *browser) get(path string) *page {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(r)
}

// post sends a form of names and values.
func (b *browser) post(path string, fields ...string) *page {
	b.Helper()
	return b.do(b.form(path, fields...))
}

// form returns a request that sends a form, as a browser does from a page of the same server.
func (b *browser) form(path string, fields ...string) *http.Request {
	b.Helper()
	v := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.url+path, strings.NewReader(v.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// collect sends the form for the name of an address.
func (b *browser) collect(addr, was, name string, more ...string) *page {
	b.Helper()
	return b.post("/collect", append([]string{"address", addr, "was", was, "name", name}, more...)...)
}

// script makes r one of the script of a page.
func script(r *http.Request) *http.Request {
	r.Header.Set("Accept", "application/json")
	return r
}

func (b *browser) do(r *http.Request) *page {
	b.Helper()
	resp, err := b.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	p := &page{b.TB, resp.StatusCode, resp.Request.URL, resp.Header, string(body), ""}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		p.text = checkPage(b.TB, r.URL.Path, p.body)
	}
	return p
}

// is checks the status and the path of a page.
func (p *page) is(status int, path string) *page {
	p.Helper()
	if p.status != status || p.url.Path != path {
		p.Fatalf("got status %d at %s, want %d at %s:\n%s", p.status, p.url.Path, status, path, p.text)
	}
	return p
}

// has checks what can be read.
func (p *page) has(texts ...string) *page {
	p.Helper()
	for _, t := range texts {
		if !strings.Contains(p.text, t) {
			p.Errorf("%s does not say %q:\n%s", p.url, t, p.text)
		}
	}
	return p
}

// lacks checks what must not be anywhere in the page.
func (p *page) lacks(texts ...string) *page {
	p.Helper()
	for _, t := range texts {
		if strings.Contains(p.body, t) {
			p.Errorf("%s has %q:\n%s", p.url, t, p.body)
		}
	}
	return p
}

// checkPage checks what holds for all pages, and returns what can be read: every field has a label, every table a
// caption, every head of a table a scope; no id is there twice, and each that is referred to is there; nothing is a
// script or style but files of ours.
func checkPage(t testing.TB, path, body string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("%s has no doctype", path)
	}
	var text strings.Builder
	ids, labels, wanted, fields := map[string]bool{}, map[string]bool{}, map[string]bool{}, []map[string]string{}
	var walk func(n *html.Node, labelled, inTemplate bool)
	walk = func(n *html.Node, labelled, inTemplate bool) {
		a := map[string]string{}
		for _, attr := range n.Attr {
			a[attr.Key] = attr.Val
			if strings.HasPrefix(attr.Key, "on") || attr.Key == "style" {
				t.Errorf("%s: <%s> has %s, which the policy forbids", path, n.Data, attr.Key)
			}
			if (attr.Key == "href" || attr.Key == "src" || attr.Key == "action" || attr.Key == "formaction") &&
				!strings.HasPrefix(attr.Val, "/") && !strings.HasPrefix(attr.Val, "#") {
				t.Errorf("%s: <%s> leads to %q, which is no path", path, n.Data, attr.Val)
			}
		}
		switch n.Type {
		case html.TextNode:
			if !inTemplate {
				text.WriteString(n.Data + " ")
			}
		case html.ElementNode:
			if id := a["id"]; id != "" {
				if ids[id] {
					t.Errorf("%s: id %q is there twice", path, id)
				}
				ids[id] = true
			}
			for _, key := range []string{"list", "aria-describedby", "aria-labelledby", "for"} {
				if a[key] != "" {
					wanted[a[key]] = true
				}
			}
			switch n.Data {
			case "label":
				labels[a["for"]], labelled = true, true
			case "input", "textarea", "select":
				if a["type"] != "hidden" && !labelled {
					fields = append(fields, a)
				}
			case "script":
				if a["src"] == "" || n.FirstChild != nil {
					t.Errorf("%s has a script in the page", path)
				}
			case "style":
				t.Errorf("%s has a style in the page", path)
			case "th":
				if a["scope"] == "" {
					t.Errorf("%s: a head of a table has no scope", path)
				}
			case "table":
				if first := n.FirstChild; first == nil || first.NextSibling == nil && first.Data != "caption" ||
					first.Data != "caption" && first.NextSibling.Data != "caption" {
					t.Errorf("%s: a table has no caption", path)
				}
			case "template":
				inTemplate = true
			}
		}
		for c := range n.ChildNodes() {
			walk(c, labelled, inTemplate)
		}
	}
	walk(root, false, false)
	for _, f := range fields {
		if !labels[f["id"]] {
			t.Errorf("%s: field %q has no label", path, f["name"])
		}
	}
	for id := range wanted {
		if !ids[id] {
			t.Errorf("%s: nothing has the id %q", path, id)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

func TestSignIn(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("")
	p := b.get("/?q=mail").is(http.StatusOK, "/sign-in").has("Login", "Password").lacks("acme")
	if next := p.url.Query().Get("next"); next != "/?q=mail" {
		t.Errorf("next is %q", next)
	}
	b.post("/sign-in", "login", "olga", "password", "wrong").is(http.StatusUnauthorized, "/sign-in").
		has("no such login with this password").lacks("wrong")
	for next, want := range map[string]string{
		"/address/192.0.2.10":       "/address/192.0.2.10",
		"https://www.example.com/":  "/",
		"//www.example.com/":        "/",
		`/\www.example.com/`:        "/",
		"javascript:alert(1)":       "/",
		"/\t/www.example.com":       "/",
		"":                          "/",
		"%2f%2fwww.example.com/foo": "/",
	} {
		p := s.browse("").post("/sign-in", "login", "olga", "password", passwordOf("olga"), "next", next)
		if p.url.Path != want {
			t.Errorf("with next=%q, one comes to %s", next, p.url)
		}
	}
	b = s.browse("olga")
	b.get("/sign-in").is(http.StatusOK, "/")
	b.post("/sign-out").is(http.StatusOK, "/sign-in")
	b.get("/").is(http.StatusOK, "/sign-in")
	b.post("/collect", "address", "192.0.2.20", "name", "www.acme.example").is(http.StatusOK, "/sign-in")
	if p := b.do(script(b.form("/collect", "address", "192.0.2.20"))); p.status != http.StatusUnauthorized {
		t.Errorf("a script gets status %d", p.status)
	}
}

// TestMissed: a program that has missed the path of an API gets no page to sign in.
func TestMissed(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("")
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, accept := range []string{"", "*/*", "application/json"} {
			r := b.form("/rdnss/192.0.2.10")
			r.Method = method
			r.Header.Set("Accept", accept)
			p := b.do(r)
			if p.status != http.StatusNotFound || p.header.Get("Content-Type") != "application/problem+json" ||
				!strings.Contains(p.body, `"code":"not-found"`) {
				t.Errorf("%s, Accept: %s: %d %v %s", method, accept, p.status, p.header, p.body)
			}
		}
	}
	r := b.form("/changes") // no page is for this method
	r.Method = http.MethodPut
	if p := b.do(r); p.status != http.StatusNotFound || !strings.Contains(p.body, `"code":"not-found"`) {
		t.Errorf("%s: %d %s", r.Method, p.status, p.body)
	}
	r = b.form("/nowhere")
	r.Method = http.MethodGet
	r.Header.Set("Accept", "text/html,*/*")
	b.do(r).is(http.StatusOK, "/sign-in")
	b.get("/changes").is(http.StatusOK, "/sign-in")
	b.post("/sign-out").is(http.StatusOK, "/sign-in")
}

func TestHeaders(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("olga")
	p := b.get("/")
	if p.header.Get("Content-Security-Policy") != Policy || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers of a page: %v", p.header)
	}
	for name, mediaType := range map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		_, rest, ok := strings.Cut(p.body, `"/assets/`)
		hash, _, _ := strings.Cut(rest, "/")
		a := s.browse("").get("/assets/" + hash + "/" + name)
		if !ok || a.status != http.StatusOK || a.header.Get("Content-Type") != mediaType ||
			!strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, headers %v", name, a.status, a.header)
		}
		a = s.browse("").get("/assets/0123456789abcdef/" + name)
		if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s of another version: status %d, headers %v", name, a.status, a.header)
		}
	}
	if p := b.get("/assets/x/other.css"); p.status != http.StatusNotFound {
		t.Errorf("status %d for a file that is not there", p.status)
	}
	r := b.form("/discard", "all", "1")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if p := b.do(r); p.status != http.StatusForbidden {
		t.Errorf("status %d for a form of another site", p.status)
	}
}

func TestList(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("olga")
	all := b.get("/").is(http.StatusOK, "/").has(
		"Server Name Hostname IP Address Primary IP Reverse Map Name Findings",
		"examplaaa1 acme examplaaa1.miniserver.example 192.0.2.10 Yes Edit the name of 192.0.2.10: mail.acme.example",
		"192.0.2.11 No Edit the name of 192.0.2.11: no name",
		"examplaaa2.miniserver.example 192.0.2.20 Yes Edit the name of 192.0.2.20: default hostname",
		"198.51.100.23 No Edit the name of 198.51.100.23: 198-51-100-23.static.example.net",
		`198.51.100.21 Yes Edit the name of 198.51.100.21: mail.quince.example error: the primary address`,
		"Shown is commit",
	)
	first := func(p *page) string { // address
		_, rest, _ := strings.Cut(p.body, `data-address="`)
		address, _, _ := strings.Cut(rest, `"`)
		return address
	}
	for query, want := range map[string]string{
		"":                                 "192.0.2.1",
		"desc=1":                           "2001:db8:1:4::2",
		"sort=name&desc=1&account=acme":    "192.0.2.12",
		"sort=findings":                    "198.51.100.21",
		"sort=name&q=acme":                 "",
		"q=shop+examplaaa1":                "192.0.2.12",
		"q=SHOP+acme":                      "192.0.2.12",
		"q=2001:db8:0:1:0:0:0:25":          "2001:db8:0:1::25",
		"q=10.2.0.192.in-addr.arpa.":       "192.0.2.10",
		"block=203.0.113.0/24":             "203.0.113.10",
		"server=examplaaa4":                "192.0.2.24",
		"account=quince":                   "198.51.100.21",
		"findings=1":                       "192.0.2.25",
		"findings=1&account=acme":          "-",
		"q=%3Cscript%3Ealert(1)%3C/script": "-",
	} {
		p := b.get("/?"+query).is(http.StatusOK, "/")
		switch got := first(p); {
		case want == "-":
			p.has("No address matches.")
		case want != "" && got != want:
			t.Errorf("?%s: the first address is %s, want %s", query, got, want)
		}
	}
	all.lacks("rel=\"next\"")
	if !strings.Contains(all.body, `class="address" aria-sort="ascending"`) ||
		!strings.Contains(b.get("/?sort=name&desc=1").body, `class="name" aria-sort="descending"`) {
		t.Error("aria-sort is not where it belongs")
	}
	b.get("/?block=192.0.2.0").has("is no block").has("192.0.2.10")
	b.get("/?q=192.0.2.99").has("192.0.2.99 lies in block 192.0.2.0/24")
	b.get("/?q=99.2.0.192.in-addr.arpa").has("192.0.2.99 lies in block 192.0.2.0/24")
	b.get("/?q=2001:db8:0:1::77").has("is routed to examplaaa1")
	b.get("/?from=1000000").is(http.StatusOK, "/").has("No address matches.")

	b.get("/?changed=1").has("No address matches.")
	b.collect("192.0.2.20", "", "crm.acme.example")
	if p := b.get("/?changed=1").has("1 address ·"); first(p) != "192.0.2.20" {
		t.Errorf("?changed=1: the first address is %s", first(p))
	}
	b.collect("2001:db8:0:1::77", "", "new.acme.example") // which the source does not list
	if got := addressesIn(b.get("/?changed=1").has("2 addresses ·")); !slices.Equal(got,
		[]string{"192.0.2.20", "2001:db8:0:1::77"}) {
		t.Errorf("?changed=1: %v", got)
	}
	b.get("/?server=examplaaa1").has("2001:db8:0:1::77 No Edit the name of 2001:db8:0:1::77: was no name becomes new.acme.example")
	s.browse("acme-it").get("/?server=examplaaa1").lacks("2001:db8:0:1::77")
	b.post("/changes", "reason", "")
	b.get("/?changed=1&q=::77").has("No address matches.")
	b.get("/?changed=1&q=2001:db8:0:1::77").has("1 address ·", "no name proposed: new.acme.example")
	b.get("/?changed=1&q=examplaaa2").has("1 address ·", "proposed: crm.acme.example")
	b.get("/?changed=1&q=examplaaa4").has("No address matches.")
	s.browse("acme-it").get("/?changed=1").has("No address matches.")

	b.get("/").lacks("about no single address")
	s.replace("records.yaml", "version: 1", "version: 1\nlint: {rules: {soa-timers: error}}")
	s.replace("records.yaml", "contact: hostmaster@example.net", "contact: hostmaster@example.net, retry: 2h, refresh: 1h")
	b.get("/").has("1 finding about no single address error records.yaml:", "soa-timers")
	b.get("/?q=acme").lacks("about no single address")
	s.browse("acme-it").get("/").lacks("about no single address")
}

func TestPager(t *testing.T) {
	s := newSite(t, nil)
	var many strings.Builder
	many.WriteString("addresses:\n")
	for i := range 250 {
		fmt.Fprintf(&many, "  2001:db8:ff::%x: r%d.example.net\n", i+1, i+1)
	}
	s.Write(map[string]string{"records.d/routers.yaml": many.String()})
	s.publish("records.d/routers.yaml")
	b := s.browse("olga")
	p := b.get("/?q=2001:db8:ff::&sort=name").has("250 addresses · 1 to 100")
	var seen []string
	for range 3 {
		p.has(" of 250")
		seen = append(seen, addressesIn(p)...)
		if next := linkIn(p, `rel="next"`); next != "" {
			p = b.get(next)
		}
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 250 || linkIn(p, `rel="next"`) != "" {
		t.Errorf("three pages have %d addresses, and the last one the link %q", n, linkIn(p, `rel="next"`))
	}
	if back := linkIn(p, `rel="prev"`); back != "/?from=100&q=2001%3Adb8%3Aff%3A%3A&sort=name" {
		t.Errorf("the link back is %q", back)
	}
}

// addressesIn returns the addresses of the rows of a list.
func addressesIn(p *page) []string {
	var list []string
	for _, part := range strings.Split(p.body, `<tr data-address="`)[1:] {
		address, _, _ := strings.Cut(part, `"`)
		list = append(list, address)
	}
	return list
}

// linkIn returns where a link leads that has an attribute.
func linkIn(p *page, attribute string) string {
	before, _, ok := strings.Cut(p.body, attribute)
	if !ok {
		return ""
	}
	link := before[strings.LastIndex(before, `href="`)+len(`href="`):]
	return html.UnescapeString(link[:strings.IndexByte(link, '"')])
}

func TestAddress(t *testing.T) {
	s := newSite(t, nil)
	s.replace("records.d/servers.yaml", "mail.acme.example # its", "mx.acme.example # its")
	s.replace("records.d/servers.yaml", "mx.acme.example # its", "mail.acme.example # its")
	b := s.browse("olga")
	b.get("/address/192.0.2.10").is(http.StatusOK, "/address/192.0.2.10").has(
		"Answers with mail.acme.example reverse map name, TTL 1h",
		"Hostname examplaaa1.miniserver.example",
		"Server Name examplaaa1 vps", "Account acme", "Primary IP Yes", "Block 192.0.2.0/24",
		"records.d/servers.yaml:8:7",
		"The source says nothing wrong",
		"Other addresses of examplaaa1", "192.0.2.12 No shop.acme.example", "2001:db8:0:1::25",
		"Since Reverse Map Name By Commit, and why", "A Person Write records.d/servers.yaml", "mx.acme.example A Person", "Begin",
		"Domains of account acme: acme.example",
	)
	b.get("/address/198.51.100.21").
		has("error the primary address 198.51.100.21 has the name", "use one name for both", "helo-mismatch")
	b.get("/address/203.0.113.200").has("answered by others", "delegated: 203.0.113.128/25")
	b.get("/address/192.0.2.99").has("no name", "never listed")
	b.get("/address/2001:db8:0:1::77").has("Server Name examplaaa1")
	b.get("/address/10.0.0.1").is(http.StatusNotFound, "/address/10.0.0.1").
		has("There is no such page, address or proposal")
	b.get("/address/192.0.2.010").is(http.StatusNotFound, "/address/192.0.2.010")
	b.get("/address/fe80::1%25eth0").is(http.StatusNotFound, "/address/fe80::1%eth0")
	b.get("/address/::ffff:192.0.2.10").has("mail.acme.example")
	b.get("/nowhere").is(http.StatusNotFound, "/nowhere")
}

// TestStale: while the source cannot be read, the page tells so, offers no proposal, and loses nothing.
func TestStale(t *testing.T) {
	s := newSite(t, nil)
	const says = "cannot be read at the moment, so names are shown as of the last good commit, and nothing can be changed " +
		"until it is mended."
	for _, login := range []string{"olga", "acme-it"} {
		s.browse(login).collect("192.0.2.12", "shop.acme.example.", "new.acme.example").is(http.StatusOK, "/address/192.0.2.12")
	}
	good := s.Read("records.yaml")
	s.Write(map[string]string{"records.yaml": good + "  : [\n"})
	s.Commit("Not YAML")
	for _, login := range []string{"olga", "acme-it"} {
		b := s.browse(login)
		for _, p := range []*page{
			b.post("/changes").is(http.StatusServiceUnavailable, "/changes"), // finds out
			b.get("/changes").is(http.StatusOK, "/changes"),
		} {
			p.has(says, "1 change", "new.acme.example", "This cannot be proposed as it is").lacks("try again later")
			if login == "olga" {
				p.has("records.yaml:")
			} else {
				p.lacks("records.yaml")
			}
		}
		b.collect("192.0.2.12", "shop.acme.example.", "newer.acme.example").is(http.StatusServiceUnavailable, "/collect").has(says)
		b.get("/address/192.0.2.12").is(http.StatusOK, "/address/192.0.2.12").has("shop.acme.example")
	}
	s.Write(map[string]string{"records.yaml": good})
	s.Commit("Mended")
	s.browse("olga").post("/changes").is(http.StatusOK, "/proposals")
}

// TestPropose is the way of a change, without scripts.
func TestPropose(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("olga")
	b.get("/changes").has("You have not changed anything yet")
	b.get("/proposals").has("Nothing waits for review")
	b.get("/address/192.0.2.20?was=&name=crm.acme.example.").has("Nothing is wrong with this name")
	b.get("/address/192.0.2.20?was=&name=").has("That is what it has")
	b.get("/address/192.0.2.20?was=&name=vps-192-0-2-20.acme.example").has("warning", "looks generated", "name-generic")
	b.get("/address/192.0.2.20?was=&name=www.bluebird.example").has("error", "lies in no domain of account")
	b.collect("192.0.2.20", "", "no host").
		is(http.StatusUnprocessableEntity, "/collect").has("error").has("Add to my changes")
	b.get("/changes").has("You have not changed anything yet")

	b.collect("192.0.2.20", "", "CRM.acme.example", "back", "/?server=examplaaa2").
		is(http.StatusOK, "/").has("Changes 1", "was default hostname becomes crm.acme.example")
	b.collect("192.0.2.12", "shop.acme.example.", "shop.acme.example", "default", "1").
		is(http.StatusOK, "/address/192.0.2.12").has("Among your changes : shop.acme.example the default")
	b.collect("192.0.2.11", "", "imap.acme.example", "ttl", "5m", "review", "1").
		is(http.StatusOK, "/changes").has(
		"What receivers of mail will see warning 192.0.2.12 it has no name any more",
		"3 changes",
		"examplaaa1 192.0.2.11 no name imap.acme.example TTL 5m none",
		"examplaaa1 192.0.2.12 shop.acme.example no name none",
		"examplaaa2 192.0.2.20 examplaaa2.miniserver.example crm.acme.example none",
		"Propose for review",
	).lacks("disabled")
	b.post("/discard", "address", "192.0.2.11", "back", "/changes").is(http.StatusOK, "/changes").
		has("2 changes").lacks("imap")
	p := b.post("/changes", "reason", "Ticket 4711\nThe shop has moved").is(http.StatusOK, "/proposals").has(
		"Proposed on branch rdns/olga/", "Ticket 4711 The shop has moved",
		"examplaaa2 192.0.2.20 examplaaa2.miniserver.example crm.acme.example",
		"examplaaa1 192.0.2.12 shop.acme.example no name",
	).lacks("Push it again")
	b.get("/changes").has("You have not changed anything yet")
	b.get("/?server=examplaaa2").has("default hostname proposed: crm.acme.example")
	b.get("/address/192.0.2.20").has("A proposal of olga waits for review: crm.acme.example")

	branch := s.Git("for-each-ref", "--format=%(refname:short)", "refs/heads/rdns")
	p.has(branch)
	got := s.Git("log", "-1", "--format=%an <%ae>%n%cn%n%B", branch)
	for _, want := range []string{"Olga Operator <olga@example.net>\nrevmap\n", "Ticket 4711\nThe shop has moved\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the commit does not say %q:\n%s", want, got)
		}
	}
	if diff := s.Git("diff", "main..."+branch); !strings.Contains(diff, "192.0.2.20: crm.acme.example") {
		t.Errorf("the commit changes:\n%s", diff)
	}
	s.browse("acme-it").get("/proposals").lacks("olga")
	v := s.browse("viewer")
	v.get("/proposals").has(branch).lacks("Withdraw")
	v.post("/proposals/withdraw", "branch", branch).is(http.StatusForbidden, "/proposals/withdraw").
		has("for others to decide")
	tip := s.Git("rev-parse", branch)
	s.Git("update-ref", "refs/heads/"+branch, "main") // it is not what he has seen
	s.browse("omar").post("/proposals/withdraw", "branch", branch).is(http.StatusConflict, "/proposals/withdraw").
		has("The proposal has changed meanwhile")
	s.Git("update-ref", "refs/heads/"+branch, tip)
	s.browse("omar").post("/proposals/withdraw", "branch", branch).is(http.StatusOK, "/proposals").has("Nothing waits")
	b.post("/proposals/withdraw", "branch", branch).is(http.StatusNotFound, "/proposals/withdraw")
	b.post("/changes").is(http.StatusConflict, "/changes").has("nothing to propose any more")
}

// TestBroken has a source that nobody can edit until somebody has corrected it by hand. What could be read last is shown.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	keep := func(o *desk.Options) { o.Dir = dir }
	s := newSite(t, keep)
	s.browse("olga").collect("192.0.2.11", "", "imap.acme.example")
	s.editor.Close() // one that starts shows the same as one that runs
	s.Write(map[string]string{"records.d/broken.yaml": "addresses: ["})
	s.Commit("Break")
	s.serve(keep, "")
	b := s.browse("olga")
	b.get("/").has("192.0.2.10")
	b.collect("192.0.2.20", "", "crm.acme.example").is(http.StatusServiceUnavailable, "/collect")
	b.get("/changes").has("imap.acme.example").lacks("crm.acme.example")
	b.post("/changes").is(http.StatusServiceUnavailable, "/changes").has("records.d/broken.yaml:1", "imap.acme.example")
}

// TestRemote proposes where the remote cannot be reached, and again when it can.
func TestRemote(t *testing.T) {
	s := newSite(t, nil)
	s.editor.Close()
	s.Git("remote", "add", "origin", filepath.Join(s.Dir, "gone.git"))
	s.serve(nil, "origin")
	b := s.browse("olga")
	b.collect("192.0.2.20", "", "crm.acme.example")
	b.post("/changes").is(http.StatusOK, "/changes").
		has("It is proposed, but the remote has not taken the branch", "The remote does not have this branch yet.")
	branch := s.Git("for-each-ref", "--format=%(refname:short)", "refs/heads/rdns")
	if p := b.post("/proposals/push", "branch", branch); p.status != http.StatusBadGateway {
		t.Errorf("status %d for a remote that is gone:\n%s", p.status, p.text)
	} else {
		p.has("Push "+branch+" to origin", "Push it again")
	}
	s.Git("init", "-q", "--bare", "gone.git")
	b.post("/proposals/push", "branch", branch).is(http.StatusOK, "/proposals").has(branch).lacks("Push it again")
}

func TestDirect(t *testing.T) {
	s := newSite(t, func(o *desk.Options) { o.Direct = []users.Role{users.Operator} })
	b := s.browse("olga")
	b.collect("192.0.2.20", "", "crm.acme.example", "review", "1").has("Commit to the main branch")
	b.post("/changes", "reason", "Ticket 4711").is(http.StatusOK, "/changes").has("is on the main branch")
	b.get("/address/192.0.2.20").has("Answers with crm.acme.example", "Olga Operator Name 192.0.2.20 crm.acme.example",
		"Ticket 4711")
	if got := s.Git("show", "main:records.d/servers.yaml"); !strings.Contains(got, "crm.acme.example") {
		t.Errorf("the main branch has:\n%s", got)
	}
	if got := s.Git("status", "--porcelain"); got != "" {
		t.Errorf("the work tree has not followed:\n%s", got)
	}
	// A gate stops what takes too many names away.
	for _, a := range strings.Fields("192.0.2.1 192.0.2.12 192.0.2.25 192.0.2.26 198.51.100.1 203.0.113.11") {
		p := b.get("/address/" + a)
		_, rest, _ := strings.Cut(p.body, `name="was" value="`)
		was, _, _ := strings.Cut(rest, `"`)
		b.collect(a, was, "", "default", "1").is(http.StatusOK, "/address/"+a)
	}
	b.collect("192.0.2.20", "crm.acme.example.", "", "default", "1")
	p := b.get("/changes")
	if !strings.Contains(p.body, "disabled") {
		p.has("Stopped by a gate") // a limit that these do not reach tests nothing
		t.Errorf("what a gate stops can be committed:\n%s", p.text)
	}
	p.has("Stopped by a gate", "needs a review")
	b.post("/changes").is(http.StatusConflict, "/changes").has("that needs a review")
}

func TestConflict(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("olga")
	b.collect("192.0.2.12", "shop.acme.example.", "store.acme.example")
	b.collect("192.0.2.26", "www.bluebird-shop.example.", "w3.bluebird-shop.example")
	s.replace("records.d/servers.yaml", "shop.acme.example, ttl", "market.acme.example, ttl")
	s.replace("records.d/servers.yaml", "www.bluebird-shop.example", "ww.bluebird-shop.example")
	b.collect("192.0.2.12", "shop.acme.example.", "store2.acme.example").
		is(http.StatusUnprocessableEntity, "/collect").has("Somebody has changed this name", "It is market.acme.example now")
	b.get("/?server=examplaaa1").has("becomes store.acme.example", "somebody else has changed it: choose")
	b.get("/changes").has(
		"Somebody was faster",
		"192.0.2.12 store.acme.example Take mine market.acme.example Take theirs A Person,", "Write records.d/servers.yaml",
		"Settle the conflicts first.", "w3.bluebird-shop.example not known yet",
	)
	b.post("/changes").is(http.StatusConflict, "/changes").has("192.0.2.12 has changed since you have seen it")
	b.collect("192.0.2.12", "market.acme.example.", "store.acme.example", "ttl", "", "back", "/changes").
		is(http.StatusOK, "/changes").has("192.0.2.26 w3.bluebird-shop.example Take mine ww.bluebird-shop.example")
	b.get("/?server=examplaaa1").has("becomes store.acme.example").lacks("somebody else has changed it")
	b.post("/discard", "address", "192.0.2.26", "back", "/changes").is(http.StatusOK, "/changes").
		has("1 change", "market.acme.example store.acme.example").lacks("Take mine")
	b.post("/changes").is(http.StatusOK, "/proposals").has("Proposed on branch")
}

// TestAccount looks at all pages as a customer, and as one who asks for what others have.
func TestAccount(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("acme-it")
	list := b.get("/").has("192.0.2.10", "acme.example").lacks("bluebird", "quince", "gw1.example.net", `name="block"`)
	if got := addressesIn(list); len(got) != 8 {
		t.Errorf("an account sees %v", got)
	}
	b.get("/address/192.0.2.10").has("Add to my changes").lacks("bluebird", "records.d")
	others := []string{"192.0.2.24", "192.0.2.1", "192.0.2.99", "10.1.2.3"}
	for _, a := range others {
		if list := b.get("/?q=" + a).lacks("lies in block"); slices.Contains(addressesIn(list), a) {
			t.Errorf("an account finds %s", a)
		}
		b.get("/address/"+a).is(http.StatusNotFound, "/address/"+a).lacks("bluebird")
		b.get("/draft?address="+a+"&name=x.acme.example").is(http.StatusNotFound, "/draft")
		b.post("/collect", "address", a, "name", "x.acme.example").is(http.StatusNotFound, "/collect")
		b.post("/address/"+a).is(http.StatusNotFound, "/address/"+a)
	}
	b.get("/?account=bluebird").has("No address matches.")
	b.get("/?server=examplaaa4").has("No address matches.")
	b.get("/address/192.0.2.20?was=&name=www.bluebird.example").
		has("lies in none of the domains of account", "acme.example").lacks("Nothing is wrong")
	b.collect("192.0.2.20", "", "www.bluebird.example").
		is(http.StatusUnprocessableEntity, "/collect").has("lies in none of the domains of account")
	b.collect("192.0.2.20", "", "www.acme.example").is(http.StatusOK, "/address/192.0.2.20")
	b.get("/changes").has("Propose for review").lacks("records.d")
	b.post("/changes").is(http.StatusOK, "/proposals").has("rdns/acme-it/")

	b.collect("192.0.2.11", "", "imap.acme.example")
	s.replace("records.d/servers.yaml", "product: vps\n    account: acme", "product: vps\n    account: bluebird")
	b.get("/changes").has("not yours to see any more", "This cannot be proposed as it is.", "192.0.2.11").lacks("bluebird")
	b.post("/discard", "address", "192.0.2.11", "back", "/changes").is(http.StatusOK, "/changes").
		has("not changed anything yet")
}

// TestNoServers: a customer whose account is not in the source learns that, in place of how to search. One to whom just a
// prefix is routed can look for its addresses.
func TestNoServers(t *testing.T) {
	s := newSite(t, nil)
	s.replace("records.d/servers.yaml", "account: acme", "account: bluebird")
	for _, path := range []string{"/", "/?q=mail"} {
		s.browse("acme-it").get(path).has("There are no addresses to see. Your account acme has no servers in the source.").
			lacks("Words are looked for")
	}
	s.replace("records.d/servers.yaml", "servers:\n", "servers:\n  gamma: {account: acme, addresses: {2001:db8:0:77::/64: }}\n")
	b := s.browse("acme-it")
	b.get("/").has("No address matches.", "is found by its full text").lacks("has no servers")
	b.get("/?q=2001:db8:0:77::1").has("is routed to gamma", "it can be given a name")
}

// TestHELO renames a mail server, whose HELO name is in the source: the page says who can change that.
func TestHELO(t *testing.T) {
	s := newSite(t, nil)
	s.replace("records.d/servers.yaml", "  examplaaa2: {", "  examplaaa2: {helo: crm.acme.example, ")
	const help = "use one name for both: receivers of mail compare them; the HELO name is in the source, where this page " +
		"cannot change it: ask the operator to change it in the same pull request"
	b := s.browse("acme-it")
	b.get("/address/192.0.2.20?was=&name=www.acme.example").has("error the primary address 192.0.2.20", help)
	b.collect("192.0.2.20", "", "www.acme.example")
	b.get("/changes").has(help, "Correct the errors first, or ask the operator to change the HELO name with the name.")
	b.collect("192.0.2.20", "", "crm.acme.example")
	b.get("/changes").lacks("disabled", "HELO")
	s.browse("olga").get("/address/198.51.100.21").has(help)
}

func TestViewer(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("viewer")
	b.get("/").has("192.0.2.10", "192.0.2.1").lacks("Edit the name", `href="/changes"`)
	b.get("/address/192.0.2.10").has("You may look at names, but not change them.").lacks("/collect")
	b.collect("192.0.2.10", "mail.acme.example.", "x.acme.example").
		is(http.StatusUnprocessableEntity, "/collect").has("You may look at names, but not change them.")
	b.get("/changes").is(http.StatusOK, "/changes").has("not changed anything yet")
}

func TestDraft(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("olga")
	draftOf := func(query string) (d draft) {
		t.Helper()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/draft?"+query, nil)
		p := b.do(script(r))
		if err := json.Unmarshal([]byte(p.body), &d); err != nil || p.status != http.StatusOK {
			t.Fatalf("%s: status %d, %v: %s", query, p.status, err, p.body)
		}
		return d
	}
	for query, want := range map[string]draft{
		"address=192.0.2.20&was=&name=crm.acme.example": {
			Name: "crm.acme.example", Ready: true, Findings: []finding{},
			Domains: []string{"acme.example"}, Hostname: "examplaaa2.miniserver.example",
		},
		"address=192.0.2.11&was=&name=": {Same: true, Findings: []finding{}, Domains: []string{"acme.example"}},
		"address=192.0.2.12&was=shop.acme.example.&name=x&default=1": {
			Ready: true, Domains: []string{"acme.example"},
			Findings: []finding{{
				Severity: "warning", Message: "it has no name any more, and many receivers refuse mail from such addresses",
			}},
		},
	} {
		if diff := cmp.Diff(want, draftOf(query), cmp.AllowUnexported(draft{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	got := draftOf("address=192.0.2.30&was=&name=" + url.QueryEscape("a\u202eb.example"))
	if got.Ready || len(got.Findings) == 0 || strings.Contains(fmt.Sprint(got), "\u202e") {
		t.Errorf("a name that turns text: %+v", got)
	}
	if got := draftOf("address=192.0.2.20&was=old.acme.example.&name=crm.acme.example"); got.Conflict == "" {
		t.Errorf("no conflict: %+v", got)
	}
	form := b.form("/collect", "address", "192.0.2.20", "was", "", "name", "crm.acme.example", "back", "/?q=crm")
	p := b.do(script(form))
	var answer struct {
		Row       string
		Collected int
	}
	if err := json.Unmarshal([]byte(p.body), &answer); err != nil || answer.Collected != 1 ||
		!strings.Contains(answer.Row, "crm.acme.example") || !strings.HasPrefix(strings.TrimSpace(answer.Row), "<tr ") {
		t.Errorf("%v: %s", err, p.body)
	}
}

// TestHostile shows text that would do harm, or look like something else, if it were shown as it is.
func TestHostile(t *testing.T) {
	s := newSite(t, nil)
	const markup, turned = "</title><script>alert(1)</script><b onclick=x>", "moc.\u202eelpmaxe\u200b"
	s.Git("commit", "-q", "--allow-empty", "-m", markup+turned)
	s.replace("records.d/servers.yaml", "shop.acme.example", "store.acme.example")
	s.Git("commit", "-q", "--amend", "--author", "Eve "+turned+" &lt;i&gt;x <eve@example.net>", "-m", markup+turned)
	if err := s.editor.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := s.browse("olga")
	b.collect("192.0.2.20", "", "crm.acme.example")
	q := url.QueryEscape(markup + turned)
	for _, p := range []*page{
		b.get("/?q=" + q + "&account=" + q + "&server=" + q + "&block=" + q + "&sort=" + q),
		b.get("/address/192.0.2.12?name=" + q + "&ttl=" + q + "&was=" + q + "&back=" + q),
		b.get("/address/" + url.PathEscape(markup)),
		b.get("/rules/" + url.PathEscape(markup)),
		b.get("/changes?committed=" + q),
		b.get("/proposals?made=" + q),
		b.get("/sign-in?next=" + q),
		b.collect("192.0.2.12", "store.acme.example.", markup+turned),
		b.post("/changes", "reason", markup+turned),
		b.post("/sign-in", "login", markup+turned, "password", "wrong", "next", markup),
		b.get("/proposals"),
	} {
		p.lacks("<script>", "<b onclick")
		if strings.Contains(p.text, "\u202e") {
			t.Errorf("%s turns text:\n%s", p.url, p.text)
		}
	}
	b.get("/address/192.0.2.12").has("Eve moc.[U+202E]elpmaxe[U+200B] &lt;i&gt;x", "</title><script>alert(1)</script>")
}

func TestRules(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("acme-it")
	for _, r := range lint.Rules {
		p := b.get("/rules/"+r.ID).is(http.StatusOK, "/rules/"+r.ID).has(r.ID+" Severity: ", "Why", "Wrong", "Right")
		if strings.ContainsAny(p.text, "`") || strings.Contains(p.text, "## ") || strings.Contains(p.text, "](") {
			t.Errorf("%s has marks of Markdown:\n%s", p.url, p.text)
		}
	}
	b.get("/rules/README").is(http.StatusNotFound, "/rules/README")
}

// TestCheck asks name servers for which all is well, and a resolver that does not answer.
func TestCheck(t *testing.T) {
	server := dnsServer(t, map[uint16]string{
		dns.TypePTR: "mail.acme.example.", dns.TypeA: "192.0.2.10",
		dns.TypeNS: "ns1.example.net.", dns.TypeSOA: "ns1.example.net. hostmaster.example.net. 1 3600 900 86400 300",
	})
	s := newSite(t, func(o *desk.Options) {
		o.Check = check.Options{Resolver: server, Redirect: func(netip.AddrPort) netip.AddrPort { return server }}
	})
	s.browse("viewer").post("/address/192.0.2.10").is(http.StatusOK, "/address/192.0.2.10").
		has("the resolver mail.acme.example", "mail.acme.example 192.0.2.10 leads back")

	s = newSite(t, func(o *desk.Options) {
		o.Check = check.Options{Resolver: netip.MustParseAddrPort("127.0.0.1:1"), Timeout: 50 * time.Millisecond}
	})
	s.browse("viewer").post("/address/192.0.2.10").is(http.StatusOK, "/address/192.0.2.10").
		has("In the world", "127.0.0.1:1")
}

// dnsServer starts a name server that has RDATA for all names, by type.
func dnsServer(t *testing.T, data map[uint16]string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		if text, ok := data[q.Question[0].Qtype]; ok {
			name, kind := q.Question[0].Name, dns.TypeToString[q.Question[0].Qtype]
			if rr, err := dns.NewRR(name + " 60 " + kind + " " + text); err == nil {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

func TestNoAuth(t *testing.T) {
	s := newSite(t, nil)
	h := New(Options{Desk: s.desk, NoAuth: people[0]})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	text := checkPage(t, "/", w.Body.String())
	if w.Code != http.StatusOK || !strings.Contains(text, "Olga Operator") || strings.Contains(text, "Sign out") {
		t.Errorf("status %d:\n%s", w.Code, text)
	}
}
