package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/serve"
	"github.com/revmap/revmap/gen/users"
)

// A serveCommand is what the flags of serve say.
type serveCommand struct {
	*program
	listen, users, audit string
	cache                *string
	noAuth, insecure     bool
	repository           repository.Options
	server               serve.Options
}

func (p *program) serve() *cobra.Command {
	v := &serveCommand{program: p}
	c := &cobra.Command{
		Use:   "serve [SOURCE]",
		Short: "Let people and programs change reverse map names, in a browser and over an API",
		Long: `serve shows the source (default ` + defaultSource + `) as it is at the tip of the
main branch of its Git repository: on a page for browsers, and over APIs for
programs. What lies in the work tree does not matter. Each change becomes a
commit, of the person who has made it, on a branch of its own that waits for
review; for roles that --direct names it goes to the main branch at once, if
lint finds no new error and no gate of revmap diff stops it.

People sign in, with the logins that revmap user add writes into --users. With
--no-auth everybody who can connect is an operator, so only this machine can.
What is sent is encrypted with --tls-cert, or by a proxy in front of it. Ctrl-C
ends serve; what is under way is finished. docs/serve.md tells how it is
operated.`,
		Example: `  revmap serve --no-auth
  revmap serve --remote origin --direct operator --audit audit.log
  revmap serve --listen :443 --tls-cert cert.pem --tls-key key.pem`,
		DisableFlagsInUseLine: true,
	}
	f := c.Flags()
	f.StringVar(&v.listen, "listen", "127.0.0.1:8080", "`HOST:PORT` to listen on; without a host, on all addresses")
	f.StringVar(&v.users, "users", defaultUsers, "`FILE` of those who may sign in")
	f.BoolVar(&v.noAuth, "no-auth", false, "nobody signs in: everybody on this machine is an operator")
	f.StringVar(&v.server.Certificate, "tls-cert", "",
		"PEM `FILE` of the certificate and those above it, read again when it changes")
	f.StringVar(&v.server.Key, "tls-key", "", "PEM `FILE` of its private key")
	f.BoolVar(&v.insecure, "insecure-http", false, "send passwords over the network without TLS")
	f.Var((*publicValue)(&v.server.Public), "url",
		"`URL` under which a proxy offers the server; with https, cookies need that")
	f.Var((*proxiesValue)(&v.server.Proxies), "proxy",
		"`PREFIX,...` of proxies besides those on this machine, whose X-Forwarded-For tells who asks")
	f.StringVar(&v.repository.Branch, "branch", "",
		"`NAME` of the main branch (default the one that is checked out)")
	f.StringVar(&v.repository.Remote, "remote", "",
		"`NAME` of the remote from which the main branch comes and to which changes go")
	f.DurationVar(&v.server.Fetch, "fetch", time.Minute, "how often to fetch from --remote, 0 for never")
	f.Var((*rolesValue)(&v.server.Desk.Direct), "direct",
		"`ROLE,...` whose changes need no review: operator, account")
	f.Var((*identityValue)(&v.repository.Committer), "committer",
		"`NAME <EMAIL>` of the committer (default revmap at this machine)")
	f.StringVar(&v.audit, "audit", "", "append who has done what to `FILE` (default stderr)")
	f.Var((*resolverValue)(&v.server.Desk.Check.Resolver), "resolver",
		"resolver to ask (default the first of /etc/resolv.conf)")
	v.cache = cacheFlag(c)
	c.MarkFlagsMutuallyExclusive("no-auth", "users")
	c.MarkFlagsMutuallyExclusive("no-auth", "url")
	c.MarkFlagsMutuallyExclusive("no-auth", "proxy")
	c.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	c.MarkFlagsMutuallyExclusive("tls-cert", "insecure-http")
	c.Args = func(c *cobra.Command, args []string) error {
		switch _, _, err := net.SplitHostPort(v.listen); {
		case err != nil:
			return fmt.Errorf("--listen is %q, want HOST:PORT as in 127.0.0.1:8080 or [::1]:8080", v.listen)
		case v.server.Fetch < 0:
			return fmt.Errorf("--fetch is %s, want 0s or more", v.server.Fetch)
		case v.repository.Remote == "" && c.Flags().Changed("fetch"):
			return errors.New("--fetch needs --remote")
		}
		return operands("[SOURCE]")(c, args)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		l, err := v.open()
		if err != nil {
			return err
		}
		defer l.Close()
		return work(func(c *cobra.Command, args []string) error {
			v.repository.Root = operand(args, 0, defaultSource)
			return v.run(c.Context(), l)
		})(c, args)
	}
	return c
}

// open listens, unless others could then read what they should not, or be who they are not.
func (v *serveCommand) open() (net.Listener, error) {
	l, err := net.Listen("tcp", v.listen)
	if err != nil {
		return nil, &failure{withHint(err, "--listen takes another address or port")}
	}
	local := l.Addr().(*net.TCPAddr).IP.IsLoopback()
	switch {
	case local:
		return l, nil
	case v.noAuth:
		err = fmt.Errorf("with --no-auth everybody who connects is an operator, "+
			"so --listen has to be an address of this machine alone, not %s", v.listen)
	case v.server.Certificate == "" && !v.insecure:
		err = fmt.Errorf("others can read what is sent to and from %s: "+
			"give --tls-cert and --tls-key, or --insecure-http if something else encrypts it", v.listen)
	default:
		return l, nil
	}
	l.Close()
	return nil, err
}

// run serves what connects to l.
func (v *serveCommand) run(ctx context.Context, l net.Listener) (err error) {
	o := &v.server
	o.Log = slog.New(slog.NewJSONHandler(v.stderr, nil))
	o.Audit = o.Log
	if v.audit != "" {
		file := serve.AuditFile{Path: v.audit, Otherwise: o.Log}
		if err := file.Check(); err != nil {
			return err
		}
		o.Audit = slog.New(slog.NewJSONHandler(file, nil))
	}
	if !v.noAuth {
		o.Users, err = users.Open(v.users)
		if errors.Is(err, fs.ErrNotExist) {
			err = withHint(err, "revmap user add makes it; --no-auth needs none, and is for this machine alone")
		}
		if err != nil {
			return err
		}
	}
	if err := refuseSnapshot(v.repository.Root); err != nil {
		return err
	}
	e, err := v.startEditor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	o.Desk.Editor = e
	s, err := serve.New(*o)
	if err != nil {
		return err
	}
	fmt.Fprintf(v.stdout, "%s of branch %s has %s. Listening on %s: open %s\n",
		v.repository.Root, v.repository.Branch, addresses(e.View().Table().Len()), l.Addr(), v.url(l))
	if n := e.View().Findings().Count(diag.Error); n > 0 {
		fmt.Fprintf(v.stdout, "%s: revmap lint %s shows them\n", plural(n, "error"), v.repository.Root)
	}
	if err := v.stdout.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return s.Run(ctx, l)
}

// startEditor opens the repository of the source, and reads it.
func (v *serveCommand) startEditor(ctx context.Context) (*editor.Editor, error) {
	if v.repository.Committer.Name == "" {
		v.repository.Committer = repository.Identity{Name: "revmap", Email: "revmap@" + machine()}
	}
	results, err := openCache(*v.cache)
	if err != nil {
		return nil, err
	}
	if v.repository.Remote == "" {
		v.server.Fetch = 0
	}
	r, err := repository.Open(ctx, v.repository)
	if err != nil {
		if _, missing := os.Stat(v.repository.Root); missing != nil {
			err = withAdvice(missing, v.repository.Root)
		}
		return nil, err
	}
	v.repository.Branch, v.server.Local = r.Branch(), r.User(ctx)
	v.server.Desk.Dir = filepath.Join(r.StateDir(), "collected")
	err = os.MkdirAll(v.server.Desk.Dir, 0o700)
	var e *editor.Editor
	if err == nil {
		e, err = editor.Start(ctx, editor.Options{
			Repository: r, Cache: results, Remote: v.repository.Remote != "", Limits: diff.DefaultLimits(),
		})
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return e, nil
}

// url returns what to open in a browser.
func (v *serveCommand) url(l net.Listener) string {
	if v.server.Public != "" {
		return v.server.Public
	}
	scheme := "http"
	if v.server.Certificate != "" {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(v.listen) // checked
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = machine()
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}

// machine returns the name of this machine.
func machine() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// A rolesValue is the pflag.Value of --direct.
type rolesValue []users.Role

func (v *rolesValue) Type() string { return "ROLES" }
func (v *rolesValue) String() string {
	var words []string
	for _, r := range *v {
		words = append(words, string(r))
	}
	return strings.Join(words, ",")
}

func (v *rolesValue) Set(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		switch r := users.Role(word); r {
		case users.Operator, users.Account:
			*v = append(*v, r)
		case users.Viewer:
			return errors.New("viewers change nothing")
		default:
			return errors.New("want operator, or account, or both with a comma")
		}
	}
	return nil
}

// An identityValue is the pflag.Value of --committer.
type identityValue repository.Identity

func (v *identityValue) Type() string { return "IDENTITY" }
func (v *identityValue) String() string {
	if v.Name == "" {
		return ""
	}
	return v.Name + " <" + v.Email + ">"
}

func (v *identityValue) Set(s string) error {
	name, rest, _ := strings.Cut(s, "<")
	email, ok := strings.CutSuffix(rest, ">")
	v.Name, v.Email = strings.TrimSpace(name), email
	if !ok || v.Name == "" || email == "" || strings.ContainsAny(v.Name+email, "<>\n") {
		return errors.New(`want a name and an address as in "revmap <revmap@example.net>"`)
	}
	return nil
}

// A proxiesValue is the pflag.Value of --proxy.
type proxiesValue []netip.Prefix

func (v *proxiesValue) Type() string   { return "PREFIXES" }
func (v *proxiesValue) String() string { return strings.Trim(fmt.Sprint([]netip.Prefix(*v)), "[]") }

func (v *proxiesValue) Set(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, err := netip.ParseAddr(word)
			if err != nil || a.Zone() != "" {
				return errors.New("want addresses or prefixes as in 192.0.2.1,2001:db8::/64")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		*v = append(*v, p)
	}
	return nil
}

// A publicValue is the pflag.Value of --url.
type publicValue string

func (v *publicValue) Type() string   { return "URL" }
func (v *publicValue) String() string { return string(*v) }

func (v *publicValue) Set(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return errors.New("want the root of a server as in https://rdns.example.net/")
	}
	*v = publicValue(s)
	return nil
}
