package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/users"
)

// fewEdits is how many edits of a proposal the audit log has; the commit has all.
const fewEdits = 100

// done writes down that a person has changed something, or wanted to.
func (s *Server) done(ctx context.Context, d desk.Deed) {
	attrs := []slog.Attr{slog.String("login", d.Person.Login)}
	if d.Person.Token != "" {
		attrs = append(attrs, slog.String("token", d.Person.Token))
	}
	attrs = append(attrs, slog.Any("from", from(ctx)))
	if n := len(d.Edits); n > 0 {
		attrs = append(attrs, slog.Int("addresses", n), slog.Any("edits", d.Edits[:min(n, fewEdits)]))
	}
	if n := len(d.Left); n > 0 {
		attrs = append(attrs, slog.Any("left_out", d.Left[:min(n, fewEdits)]))
	}
	attrs = append(attrs, slog.String("branch", d.Branch))
	if d.Commit != "" {
		attrs = append(attrs, slog.String("commit", d.Commit))
	}
	level, result := slog.LevelInfo, "done"
	if d.Err != nil {
		level, result = slog.LevelWarn, d.Err.Error()
	}
	s.o.Audit.LogAttrs(ctx, level, d.What, append(attrs, slog.String("result", result))...)
}

// How many lines about refused sign-ins there are at most, so that nobody fills the disk: a burst, and then so many in a
// second.
const (
	logRate  = 5
	logBurst = 500
)

// longLogin is how much of a login is written down that could be anything.
const longLogin = 64

// refused writes down that somebody could not sign in.
func (s *Server) refused(r *http.Request, login string, err error) {
	if s.refusals.wait("") > 0 {
		return
	}
	if users.IsToken(login) { // at the wrong place
		login = ""
	}
	s.o.Audit.Warn("sign-in", "login", login[:min(len(login), longLogin)], "from", from(r.Context()), "result", err.Error())
}

// usersRead writes down that the file of the users was read again.
func (s *Server) usersRead(err error) {
	if err != nil {
		s.o.Log.Error("the file of the users has changed", "error", err)
		return
	}
	s.o.Audit.Info("the file of the users was read again")
}

// from returns the address from which a request comes, by its context.
func from(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(fromKey{}).(netip.Addr)
	return a
}

// An AuditFile is a file to which each line is appended for good before Write returns. It is opened anew each time, so
// that it may be moved away.
type AuditFile struct {
	Path      string
	Otherwise *slog.Logger // gets lines that cannot be written
}

// Check returns an error if nothing can be appended.
func (a AuditFile) Check() error {
	_, err := a.append(nil)
	return err
}

func (a AuditFile) Write(line []byte) (int, error) {
	n, err := a.append(line)
	if err != nil {
		a.Otherwise.Error("lost to the audit log", "error", err, "line", string(line))
	}
	return n, err
}

func (a AuditFile) append(line []byte) (n int, err error) {
	f, err := os.OpenFile(a.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("write the audit log: %w", err)
	}
	n, err = f.Write(line)
	if err == nil && len(line) > 0 {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return n, fmt.Errorf("write the audit log: %w", err)
	}
	return n, nil
}
