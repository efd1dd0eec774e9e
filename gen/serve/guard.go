package serve

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/api"
	"github.com/revmap/revmap/gen/page"
)

// How many bytes a request may have.
const (
	pageBytes = 1 << 20
	apiBytes  = 64 << 20 // a change of 100,000 addresses
)

// guard puts before two handlers what holds for all requests.
func (s *Server) guard(pages, programs http.Handler) http.Handler {
	var own http.CrossOriginProtection
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, http.StatusForbidden, "this request comes from a page of another site; open ours and try again")
	}))
	inner := own.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			s.health(w)
			return
		}
		h, limit := pages, int64(pageBytes)
		if api.Serves(r.URL.Path) {
			h, limit = programs, apiBytes
		}
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close") // nobody reads it
			fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("want at most %d MB at once", limit>>20))
			return
		}
		http.MaxBytesHandler(h, limit).ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w.Header())
		if s.o.Users == nil && !isLocal(r.Host) {
			// A page elsewhere whose name suddenly leads to this machine would be taken for ours.
			fail(w, r, http.StatusMisdirectedRequest, "nobody signs in here, so open localhost or 127.0.0.1")
			return
		}
		r, done := s.request(r)
		defer done()
		t := &tracked{ResponseWriter: w}
		defer s.recovered(t, r)
		inner.ServeHTTP(t, r)
	})
}

func (s *Server) setHeaders(h http.Header) {
	for name, value := range map[string]string{
		"Cache-Control":                "no-store", // but for what says otherwise
		"Content-Security-Policy":      page.Policy,
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	} {
		h.Set(name, value)
	}
	if s.secure() {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// request returns r as the handlers get it: from whom it really is, and if it changes something, with a context that does
// not end with the connection. A change is not left half done because somebody has closed a window.
func (s *Server) request(r *http.Request) (*http.Request, context.CancelFunc) {
	from := clientOf(r, s.o.Proxies)
	ctx := context.WithValue(r.Context(), fromKey{}, from)
	done := context.CancelFunc(func() {})
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		ctx, done = context.WithTimeout(context.WithoutCancel(ctx), changeTime)
	}
	r = r.WithContext(ctx)
	if from.IsValid() {
		r.RemoteAddr = netip.AddrPortFrom(from, 0).String()
	}
	return r, done
}

// fromKey is the key of the address from which a request comes, in its context.
type fromKey struct{}

// clientOf returns the address that a request comes from: the last one of X-Forwarded-For that is no proxy's, if it was a
// proxy that sent it.
func clientOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	isProxy := func(a netip.Addr) bool { // one on this machine is, as for sessions
		return a.IsLoopback() || slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	connected, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := connected.Addr().Unmap().WithZone("")
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0 && isProxy(from); i-- {
		text := strings.TrimSpace(list[i])
		a, err := netip.ParseAddr(text)
		if err != nil { // some proxies add the port
			p, err := netip.ParseAddrPort(text)
			if err != nil {
				break
			}
			a = p.Addr()
		}
		from = a.Unmap().WithZone("")
	}
	return from
}

// isLocal reports whether the Host of a request can only mean this machine.
func isLocal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && a.Unmap().IsLoopback()
}

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https"
}

// health tells who looks after the server that it runs, and whether it shows the newest commit.
func (s *Server) health(w http.ResponseWriter) {
	if s.o.Desk.Editor.Stale() {
		io.WriteString(w, "stale: the newest commit of the main branch could not be read, as the log tells\n")
		return
	}
	io.WriteString(w, "ok\n")
}

// A tracked response knows whether it has begun.
type tracked struct {
	http.ResponseWriter
	begun bool
}

func (t *tracked) WriteHeader(status int) {
	t.begun = t.begun || status >= 200
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracked) Write(b []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// recovered answers a request whose handler has panicked. It must be deferred.
func (s *Server) recovered(t *tracked, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	id := rand.Text()
	s.o.Log.Error("a request could not be answered",
		"id", id, "error", v, "method", r.Method, "path", r.URL.Path, "stack", string(debug.Stack()))
	if t.begun {
		panic(http.ErrAbortHandler) // the client must not take it for a whole answer
	}
	fail(t, r, http.StatusInternalServerError,
		"this is a mistake of the server. Its log has more, under the id "+id)
}

// fail answers in place of a handler. Programs find the error where the API that they speak has it.
func fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	if api.Serves(r.URL.Path) {
		api.Refuse(w, r, status, message)
		return
	}
	http.Error(w, http.StatusText(status)+": "+message, status)
}
