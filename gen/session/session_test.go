package session

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revmap/revmap/gen/users"
)

// secret is the password of everybody in example, at a cost for tests; token is one of acme.
const (
	secret     = "correct horse"
	secretHash = "$2a$04$KdMaYP04.0r9yzHf8NrFIuAy2hLgHoxArZTOJCWsUykVzuXDfsUkq"
	token      = "rvm_00000000000000000000000000000000000000000000000000000000000000aa"
	tokenHash  = "0475d7f00e8bfaeca1b608b6b83e267784274feebbb9f3545908b0c91d8eecf2"
)

var example = fmt.Sprintf(`{
  "version": 1,
  "people": [
    {"login": "alice", "full_name": "Alice Example", "email": "alice@example.net", "role": "operator",
     "password": %[1]q},
    {"login": "acme", "full_name": "Acme", "email": "admin@acme.example", "role": "account", "accounts": ["acme"],
     "password": %[1]q,
     "tokens": [{"id": "k1", "sha256": %[2]q, "created": "2000-01-01T00:00:00Z", "until": "2000-01-31"}]}
  ]
}
`, secretHash, tokenHash)

// A world is a Manager, with the file of its users, in which no time passes but by time.Sleep.
type world struct {
	*testing.T
	*Manager
	file string

	lock   sync.Mutex
	failed []string // what Options.Failed was told
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{T: t, file: filepath.Join(t.TempDir(), "users.json")}
	if err := os.WriteFile(w.file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := users.Open(w.file)
	if err != nil {
		t.Fatal(err)
	}
	o.Failed = func(r *http.Request, login string, err error) {
		w.lock.Lock()
		defer w.lock.Unlock()
		w.failed = append(w.failed, fmt.Sprintf("%s %q: %v", sourceOf(r), login, err))
	}
	w.Manager = New(store, o)
	return w
}

// request returns a request from an address with headers, "Name: value".
func request(from string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://rdns.example.net/", nil)
	r.RemoteAddr = from
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

const somewhere = "192.0.2.1:1234"

// signIn returns a session's cookie, as a header of a request.
func (w *world) signIn(login string, headers ...string) string {
	w.Helper()
	answer := httptest.NewRecorder()
	if err := w.SignIn(answer, request(somewhere, headers...), login, secret); err != nil {
		w.Fatal(err)
	}
	c := answer.Result().Cookies()[0]
	return "Cookie: " + c.Name + "=" + c.Value
}

// is tells of an error if those headers are not from who is wanted; "" for nobody.
func (w *world) is(want, step string, headers ...string) {
	w.Helper()
	p, ok := w.FromCookie(request(somewhere, headers...))
	if ok != (want != "") || ok != (p != nil) || ok && p.Login != want {
		w.Errorf("%s: %+v, %v, want %q", step, p, ok, want)
	}
}

func TestCookie(t *testing.T) {
	for secure, want := range map[bool]string{
		false: "revmap=VALUE; Path=/; HttpOnly; SameSite=Lax",
		true:  "__Host-revmap=VALUE; Path=/; HttpOnly; Secure; SameSite=Lax",
	} {
		w := newWorld(t, Options{Secure: secure})
		answer := httptest.NewRecorder()
		if err := w.SignIn(answer, request(somewhere), "alice", secret); err != nil {
			t.Fatal(err)
		}
		c := answer.Result().Cookies()[0]
		if len(c.Value) != 43 {
			t.Errorf("the value is %q, want 32 bytes in base64", c.Value)
		}
		if got := strings.Replace(answer.Header().Get("Set-Cookie"), c.Value, "VALUE", 1); got != want {
			t.Errorf("secure: %v:\n got %s\nwant %s", secure, got, want)
		}
		answer = httptest.NewRecorder()
		w.SignOut(answer, request(somewhere, "Cookie: "+c.Name+"="+c.Value))
		if got := answer.Header().Get("Set-Cookie"); !strings.HasPrefix(got, c.Name+"=; Path=/; Max-Age=0; HttpOnly") {
			t.Errorf("signed out, secure: %v: %s", secure, got)
		}
	}
}

func TestFromCookie(t *testing.T) {
	w := newWorld(t, Options{})
	alice, acme := w.signIn("alice"), w.signIn("acme")
	w.is("alice", "alice", alice)
	w.is("acme", "acme", acme)
	w.is("", "no cookie")
	w.is("", "an empty one", "Cookie: revmap=")
	w.is("", "a forged one", "Cookie: revmap="+strings.Repeat("A", 43))
	w.is("", "of another name", strings.Replace(alice, "revmap", "__Host-revmap", 1))
	w.is("", "cut short", alice[:len(alice)-1])
	w.is("alice", "behind one that somebody has planted", "Cookie: revmap=x; "+strings.TrimPrefix(alice, "Cookie: "))
	for hash := range w.sessions {
		w.is("", "what the server keeps", fmt.Sprintf("Cookie: revmap=%x", hash), "Cookie: revmap="+string(hash[:]))
	}

	again := w.signIn("acme", acme)
	w.is("", "the session in which acme signed in again", acme)
	w.is("acme", "acme again", again)
	w.SignOut(httptest.NewRecorder(), request(somewhere, again))
	w.is("", "signed out", again)
	w.is("alice", "alice, still", alice)
}

func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		idle := w.signIn("alice")
		time.Sleep(defaultIdle - time.Second)
		w.is("alice", "before it has been idle for long", idle)
		time.Sleep(defaultIdle - time.Second)
		w.is("alice", "used since", idle)
		time.Sleep(defaultIdle)
		w.is("", "idle", idle)
		w.is("", "idle, and asked again", idle)

		used := w.signIn("alice")
		for range 7*24 - 1 {
			time.Sleep(time.Hour)
			w.is("alice", "in use", used)
		}
		time.Sleep(time.Hour)
		w.is("", "in use for a week", used)

		w = newWorld(t, Options{IdleTimeout: time.Minute})
		brief := w.signIn("alice")
		time.Sleep(time.Minute)
		w.is("", "idle for a time of its own", brief)
	})
}

func TestSessionEndsWithChange(t *testing.T) {
	for _, c := range []struct {
		name, old, changed string
		want               string
	}{
		{"name", `"Acme"`, `"Acme Inc"`, "acme"},
		{"another person's role", `"operator"`, `"viewer"`, "acme"},
		{"tokens", `"k1"`, `"k2"`, "acme"},
		{"role", `"account"`, `"viewer"`, ""},
		{"accounts", `["acme"]`, `["bluebird"]`, ""},
		{"password", secretHash, strings.Replace(secretHash, "Kd", "dK", 1), ""},
		{"login", `"login": "acme"`, `"login": "other"`, ""},
		{"removed", example, `{"version": 1}`, ""},
		{"broken file", "{", "", "acme"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			session := w.signIn("acme")
			changed := strings.ReplaceAll(example, c.old, c.changed)
			if err := os.WriteFile(w.file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			w.is(c.want, c.name, session)
			if p, _ := w.FromCookie(request(somewhere, session)); c.name == "name" && p.FullName != "Acme Inc" {
				t.Errorf("the person is not as the file has it now: %+v", p)
			}
			if err := os.WriteFile(w.file, []byte(example), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			w.is(c.want, c.name+", and back", session)
		})
	}
}

// TestSessionsAreBounded: of one person there are so many; those that have ended go when somebody signs in.
func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		acme := w.signIn("acme")
		var all []string
		for range sessions {
			time.Sleep(time.Second)
			all = append(all, w.signIn("alice"))
		}
		time.Sleep(time.Second)
		w.is("alice", "the oldest", all[0])
		more := w.signIn("alice")
		w.is("", "the one that was used least recently", all[1])
		w.is("alice", "the oldest, which was used since", all[0])
		w.is("alice", "the last", more)
		w.is("acme", "another person's", acme)
		if len(w.sessions) != sessions+1 {
			t.Errorf("%d sessions", len(w.sessions))
		}
		time.Sleep(defaultIdle)
		w.signIn("acme")
		if len(w.sessions) != 1 {
			t.Errorf("%d sessions, want the new one only", len(w.sessions))
		}
	})
}

func TestLocalPerson(t *testing.T) {
	for _, c := range []struct{ name, email, wantName, wantEmail string }{
		{"Alice Example", "alice@example.net", "Alice Example", "alice@example.net"},
		{"", "", "Local user", "local@localhost"},
		{"Alice Example", "", "Local user", "local@localhost"},
		{"<>", "alice@example.net", "Local user", "local@localhost"},
	} {
		p := LocalPerson(c.name, c.email)
		if err := p.Check(); err != nil || p.FullName != c.wantName || p.Email != c.wantEmail || p.Role != users.Operator {
			t.Errorf("%q, %q: %+v, error %v", c.name, c.email, p, err)
		}
	}
}
