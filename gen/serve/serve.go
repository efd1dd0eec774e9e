// Package serve makes one HTTP server of the page and the API: who may connect, sign in and send how much.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/api"
	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/page"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/users"
)

// What a client may take its time for.
const (
	headerTime   = 10 * time.Second
	readTime     = time.Minute // for all of a request
	idleTime     = 2 * time.Minute
	changeTime   = 4 * time.Minute  // for a change, from the first file that is read to the push
	writeTime    = 5 * time.Minute  // from the end of the header to the end of the response
	shutdownTime = 30 * time.Second // for what is under way when the server is to end
)

// Options tell what to serve, and to whom.
type Options struct {
	Desk  desk.Options        // its Done is set by New
	Users *users.Store        // who may sign in; nil if nobody does: then only this machine may connect, as an operator
	Local repository.Identity // of the commits of that operator

	Certificate, Key string         // PEM files, read again when they change; "" for HTTP without TLS
	Public           string         // URL under which people reach the server if that is not where it listens; may be ""
	Proxies          []netip.Prefix // whose X-Forwarded-For tells who asks

	Fetch time.Duration // how often the remote is asked for the main branch; 0 is never

	Log   *slog.Logger // what went wrong
	Audit *slog.Logger // who has changed what, and who could not sign in
}

// A Server serves the page and the API.
type Server struct {
	o        Options
	handler  http.Handler
	pair     *certificate // nil for HTTP
	refusals *limiter     // of lines about those who could not sign in
}

// New returns a Server, which Run starts. It is an error if the certificate is no good.
func New(o Options) (*Server, error) {
	s := &Server{o: o, refusals: newLimiter(logRate, logBurst)}
	if o.Certificate != "" {
		var err error
		if s.pair, err = readCertificate(o.Certificate, o.Key); err != nil {
			return nil, err
		}
	}
	s.o.Desk.Done = s.done
	var local *users.Person
	if o.Users == nil {
		local = session.LocalPerson(o.Local.Name, o.Local.Email)
	} else {
		o.Users.Log = s.usersRead
	}
	d := desk.New(s.o.Desk)
	sessions := session.New(o.Users, session.Options{Secure: s.secure(), Failed: s.refused})
	limit := newLimiter(apiRate, apiBurst)
	s.handler = s.guard(
		page.New(page.Options{Desk: d, Sessions: sessions, NoAuth: local, Log: o.Log}),
		api.New(api.Options{Desk: d, Sessions: sessions, NoAuth: local, Log: o.Log, Limit: limit.wait, Turn: newQueue().turn}),
	)
	return s, nil
}

// Run serves what connects to l, which it closes, until ctx ends; then what is under way is finished.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var follow sync.WaitGroup
	follow.Go(func() { s.follow(ctx) })
	defer follow.Wait()
	defer cancel()
	h := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelInfo),
	}
	ended := make(chan error, 1)
	go func() {
		if s.pair == nil {
			ended <- h.Serve(l)
			return
		}
		h.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.pair.get}
		ended <- h.ServeTLS(l, "", "")
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	last, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer done()
	if err := h.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("some requests were not finished within %s", shutdownTime), h.Close())
	}
	return nil
}

// secure reports whether people reach the server by HTTPS.
func (s *Server) secure() bool { return s.pair != nil || isHTTPS(s.o.Public) }
