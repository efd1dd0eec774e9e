package serve

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revmap/revmap/gen/api"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/users"
)

// newGuarded returns a server around two handlers that say which of them was called, and what it logs.
func newGuarded(t *testing.T, o Options, page http.HandlerFunc) (http.Handler, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	o.Desk.Editor = new(editor.Editor)
	s := &Server{o: o}
	if page == nil {
		page = func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page") }
	}
	return s.guard(page, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		io.WriteString(w, "api")
	})), &log
}

func TestGuard(t *testing.T) {
	signedIn := Options{Users: new(users.Store)}
	unknownLength := func(n int) io.Reader { return io.MultiReader(strings.NewReader(strings.Repeat("x", n))) }
	tests := []struct {
		name    string
		options Options
		method  string
		url     string
		body    io.Reader
		header  map[string]string
		status  int
		want    string // that the body has in it
	}{
		{"page", signedIn, "GET", "/", nil, nil, 200, "page"},
		{"path of the page that begins like one of the API", signedIn, "GET", "/rdnsx", nil, nil, 200, "page"},
		{"Robot list", signedIn, "GET", "/rdns", nil, nil, 200, "api"},
		{"Robot", signedIn, "GET", "/rdns/2001:db8::1", nil, nil, 200, "api"},
		{"Cloud", signedIn, "GET", "/v1/servers", nil, nil, 200, "api"},
		{"own", signedIn, "POST", "/api/v1/changes", strings.NewReader("{}"), nil, 200, "api"},
		{"OpenAPI", signedIn, "GET", "/openapi.json", nil, nil, 200, "api"},
		{"health", signedIn, "GET", "/healthz", nil, nil, 200, "ok"},

		{"form of our own page", signedIn, "POST", "/collect", nil,
			map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://example.com"}, 200, "page"},
		{"form of our own page, from an old browser", signedIn, "POST", "/collect", nil,
			map[string]string{"Origin": "http://example.com"}, 200, "page"},
		{"form of another site", signedIn, "POST", "/collect", nil,
			map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "another site"},
		{"form of another site, from an old browser", signedIn, "POST", "/collect", nil,
			map[string]string{"Origin": "http://evil.example"}, 403, "another site"},
		{"form of another port", signedIn, "POST", "/collect", nil,
			map[string]string{"Sec-Fetch-Site": "same-site"}, 403, "another site"},
		{"link from another site", signedIn, "GET", "/", nil,
			map[string]string{"Sec-Fetch-Site": "cross-site"}, 200, "page"},
		{"API from another site, with a password that the browser knows", signedIn, "POST", "/rdns/192.0.2.1", nil,
			map[string]string{"Sec-Fetch-Site": "cross-site", "Authorization": "Basic eDp5"}, 403, `"code":"FORBIDDEN"`},
		{"API from a program", signedIn, "POST", "/rdns/192.0.2.1", nil, nil, 200, "api"},

		{"page, 1 MB", signedIn, "POST", "/changes", strings.NewReader(strings.Repeat("x", 1<<20)), nil, 200, "page"},
		{"page, more", signedIn, "POST", "/changes", strings.NewReader(strings.Repeat("x", 1<<20+1)), nil, 413, "at most 1 MB"},
		{"API, 1 MB and more", signedIn, "POST", "/v1/x", strings.NewReader(strings.Repeat("x", 1<<20+1)), nil, 200, "api"},
		{"API, more than 64 MB", signedIn, "POST", "/v1/x", strings.NewReader(strings.Repeat("x", 64<<20+1)), nil,
			413, `{"error":{"code":"invalid_input","details":{"fields":[]},"message":"want at most 64 MB at once"}}`},
		{"Robot, more than 64 MB", signedIn, "POST", "/rdns/192.0.2.1", strings.NewReader(strings.Repeat("x", 64<<20+1)), nil,
			413, `{"error":{"status":413,"code":"INVALID_INPUT","message":"invalid input: want at most 64 MB at once","missing":null,"invalid":null}}`},
		{"own, more than 64 MB", signedIn, "POST", "/api/v1/changes", strings.NewReader(strings.Repeat("x", 64<<20+1)), nil,
			413, `{"code":"too-large","detail":"want at most 64 MB at once","status":413,"title":"Request Entity Too Large"}`},
		{"own, from another site", signedIn, "POST", "/api/v1/changes", nil,
			map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, `"code":"foreign"`},
		{"Cloud, from another site", signedIn, "POST", "/v1/x", nil,
			map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, `"code":"forbidden"`},
		{"API, more than 64 MB in chunks", signedIn, "POST", "/v1/x", unknownLength(64<<20 + 1), nil, 413, "too large"},

		{"nobody signs in", Options{}, "GET", "http://127.0.0.1:8080/", nil, nil, 200, "page"},
		{"nobody signs in, IPv6", Options{}, "GET", "http://[::1]:8080/", nil, nil, 200, "page"},
		{"nobody signs in, by name", Options{}, "GET", "http://localhost:8080/", nil, nil, 200, "page"},
		{"nobody signs in, by another name", Options{}, "GET", "http://evil.example:8080/", nil, nil, 421, "localhost"},
		{"nobody signs in, API by another name", Options{}, "GET", "http://evil.example/rdns", nil, nil, 421,
			`"code":"MISDIRECTED_REQUEST"`},
		{"nobody signs in, from elsewhere", Options{}, "GET", "http://192.0.2.1/", nil, nil, 421, "localhost"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newGuarded(t, test.options, nil)
			r := httptest.NewRequest(test.method, test.url, test.body)
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("%d %s; want %d and %q", w.Code, w.Body, test.status, test.want)
			}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
				if w.Header().Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
			if api.Serves(r.URL.Path) && w.Code >= 400 && w.Code != 413 {
				want := "application/json"
				if strings.HasPrefix(r.URL.Path, "/api/") {
					want = "application/problem+json"
				}
				if got := w.Header().Get("Content-Type"); got != want {
					t.Errorf("an error of the API is %s, want %s", got, want)
				}
			}
		})
	}
}

// TestLargeAtOnce: large requests wait for each other, those of one person for that person's first; small ones for
// none.
func TestLargeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		turn := func(login string, body io.Reader) (leave func(), ok bool) {
			return q.turn(httptest.NewRecorder(), httptest.NewRequest("POST", "/api/v1/changes", body), login)
		}
		large := func() io.Reader { return io.MultiReader(strings.NewReader("{}")) } // of unknown length
		leave, ok := turn("slow", large())
		if !ok {
			t.Fatal("the first large request waits")
		}
		start := time.Now()
		if _, ok := turn("slow", large()); ok || time.Since(start) != readTime {
			t.Errorf("another one of the same person: %v after %v", ok, time.Since(start))
		}
		if _, ok := turn("slow", strings.NewReader(strings.Repeat("x", largeBytes))); !ok {
			t.Error("a small one of the same person waits")
		}
		start = time.Now()
		leaveToo, ok := turn("quick", strings.NewReader(strings.Repeat("x", largeBytes+1)))
		if !ok || time.Since(start) != 0 {
			t.Errorf("one of another person: %v after %v", ok, time.Since(start))
		}
		if _, ok := turn("third", large()); ok || time.Since(start) != readTime {
			t.Errorf("one more than %d: %v after %v", largeAtOnce, ok, time.Since(start))
		}
		go func() {
			time.Sleep(time.Second)
			leave()
		}()
		start = time.Now()
		leave, ok = turn("third", large())
		if !ok || time.Since(start) != time.Second {
			t.Errorf("when there is room again: %v after %v", ok, time.Since(start))
		}
		leave()
		leaveToo()
		for _, login := range []string{"slow", "quick"} {
			if leave, ok = turn(login, large()); !ok {
				t.Errorf("%s waits for nobody", login)
			}
			leave()
		}
	})
}

// TestHTTPSHeaders: browsers are told to come by HTTPS only where that works.
func TestHTTPSHeaders(t *testing.T) {
	tests := []struct {
		options Options
		want    bool
	}{
		{Options{Users: new(users.Store)}, false},
		{Options{Users: new(users.Store), Public: "http://rdns.example.net"}, false},
		{Options{Users: new(users.Store), Public: "https://rdns.example.net"}, true},
	}
	for _, test := range tests {
		h, _ := newGuarded(t, test.options, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != test.want {
			t.Errorf("%q: Strict-Transport-Security: %v, want %v", test.options.Public, got, test.want)
		}
	}
}

// TestPanic: who asks gets an id, with which the log has more.
func TestPanic(t *testing.T) {
	for _, path := range []string{"/", "/rdns/192.0.2.1"} {
		var log bytes.Buffer
		s := &Server{o: Options{Users: new(users.Store), Log: slog.New(slog.NewJSONHandler(&log, nil))}}
		broken := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the disk is on fire") })
		w := httptest.NewRecorder()
		s.guard(broken, broken).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 500 || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		_, id, _ := strings.Cut(w.Body.String(), "under the id ")
		if id = strings.Trim(id[:min(26, len(id))], "\n"); id == "" || !strings.Contains(log.String(), id) ||
			!strings.Contains(log.String(), "the disk is on fire") || !strings.Contains(log.String(), "guard_test.go") {
			t.Errorf("%s: the log does not tell about id %q: %s", path, id, log.String())
		}
	}
}

// TestPanicHalfway: what has begun is cut off, so that nobody takes it for all.
func TestPanicHalfway(t *testing.T) {
	h, log := newGuarded(t, Options{Users: new(users.Store)}, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 1<<16))
		panic("too late")
	})
	s := httptest.NewServer(h)
	defer s.Close()
	r, err := http.Get(s.URL)
	if err == nil {
		defer r.Body.Close()
		_, err = io.ReadAll(r.Body)
	}
	if err == nil || !strings.Contains(log.String(), "too late") {
		t.Errorf("error %v, log %s", err, log)
	}
}

// TestChangesOutliveConnections: a change goes on when nobody waits for it any more, a question does not.
func TestChangesOutliveConnections(t *testing.T) {
	for method, want := range map[string]error{
		"GET": context.Canceled, "HEAD": context.Canceled, "POST": nil, "PUT": nil, "DELETE": nil,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		h, _ := newGuarded(t, Options{Users: new(users.Store)}, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			if got := r.Context().Err(); got != want {
				t.Errorf("%s: %v, want %v", method, got, want)
			}
			if _, ends := r.Context().Deadline(); ends != (want == nil) {
				t.Errorf("%s: has a deadline: %v", method, ends)
			}
		})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, "/", nil))
	}
}

func TestClientOf(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.53/32"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	tests := []struct {
		name      string
		connected string
		forwarded []string
		want      string
	}{
		{"no proxy", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"no proxy, but it says that it is one", "192.0.2.1:1234", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a proxy", "127.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy that is asked by itself", "127.0.0.1:1234", nil, "127.0.0.1"},
		{"a proxy elsewhere", "192.0.2.53:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a client that says it is another", "127.0.0.1:1234", []string{"203.0.113.1, 198.51.100.1"}, "198.51.100.1"},
		{"in two headers", "127.0.0.1:1234", []string{"203.0.113.1", "198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "127.0.0.1:1234", []string{"203.0.113.1, 198.51.100.1,2001:db8:ffff::2"}, "198.51.100.1"},
		{"no address", "127.0.0.1:1234", []string{"203.0.113.1, unknown"}, "127.0.0.1"},
		{"with a port", "192.0.2.53:1234", []string{"198.51.100.1:4321"}, "198.51.100.1"},
		{"IPv6 with a port", "192.0.2.53:1234", []string{"[2001:db8::1]:4321"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"zone", "[fe80::1%eth0]:1234", nil, "fe80::1"},
	}
	for _, test := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.connected
		for _, f := range test.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := clientOf(r, proxies); got.String() != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newLimiter(10, 3)
	for range 3 {
		if wait := l.waitAt("alice", now); wait != 0 {
			t.Errorf("the burst is not free: %s", wait)
		}
	}
	for range 2 { // what is refused costs nothing
		if wait := l.waitAt("alice", now); wait != 100*time.Millisecond {
			t.Errorf("after the burst: %s", wait)
		}
	}
	if wait := l.waitAt("bob", now); wait != 0 {
		t.Errorf("somebody else waits %s", wait)
	}
	now = now.Add(100 * time.Millisecond)
	if wait := l.waitAt("alice", now); wait != 0 {
		t.Errorf("after the wait: %s", wait)
	}
	if wait := l.waitAt("alice", now); wait == 0 {
		t.Error("after the wait there is one, not two")
	}
	now = now.Add(time.Hour)
	for i := range 4 {
		if wait := l.waitAt("alice", now); (wait != 0) != (i == 3) {
			t.Errorf("an hour later, request %d waits %s", i+1, wait)
		}
	}
}
