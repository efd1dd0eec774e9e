package revmap

import (
	"bytes"
	"context"
	"fmt"
	golog "log"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/multisocket"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/shed"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/tsig"
	_ "github.com/coredns/coredns/plugin/view"
)

func TestMain(m *testing.M) {
	err := dnsserver.SetDirectives([]string{"root", "metadata", "multisocket", "bufsize", "bind", "ready", "prometheus",
		"errors", "log", "misnamed", "tsig", "transfer", "revmap", "shed", "slow", "file", "view"})
	if err != nil {
		panic(err)
	}
	caddy.Quiet, dnsserver.Quiet = true, true
	golog.SetOutput(&logged)
	os.Exit(m.Run())
}

// slow is a plugin that says when it is asked, and answers when it may; with SERVFAIL if its run of the Corefile has ended.
var slow struct{ asked, answer chan bool }

func init() {
	plugin.Register("slow", func(c *caddy.Controller) error {
		var ended atomic.Bool
		c.OnShutdown(func() error { ended.Store(true); return nil })
		dnsserver.GetConfig(c).AddPlugin(func(plugin.Handler) plugin.Handler {
			return plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Name != "slow.example." {
					return dns.RcodeRefused, nil
				}
				slow.asked <- true
				<-slow.answer
				if ended.Load() {
					return dns.RcodeServerFailure, nil
				}
				return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetReply(r))
			})
		})
		return nil
	})
}

// The handler of misnamed has another name than the directive.
func init() {
	plugin.Register("misnamed", func(c *caddy.Controller) error {
		dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
			return plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				return next.ServeDNS(ctx, w, r)
			})
		})
		return nil
	})
}

// logged is what all tests have logged.
var logged logBuffer

type logBuffer struct {
	sync.Mutex
	b bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since the last call.
func (l *logBuffer) take() string {
	l.Lock()
	defer l.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// testZone returns a reverse zone whose serial, and whose primary server's name, tell the generation n.
func testZone(name, prefix string, n int) snapshot.Zone {
	return snapshot.Zone{
		Kind: snapshot.Reverse, Name: name, Prefix: netip.MustParsePrefix(prefix), Serial: uint32(n), TTL: 3600,
		SOA: snapshot.SOA{
			Primary: fmt.Sprintf("ns.g%d.example.", n), Contact: "hostmaster.example.net.",
			Refresh: 3600, Retry: 900, Expire: 1209600, Minimum: 300,
		},
		NS: []string{"ns1.example.net.", "ns2.example.net."},
	}
}

func forwardZone(name string, n int) snapshot.Zone {
	z := testZone(name, "0.0.0.0/0", n)
	z.Kind, z.Prefix = snapshot.Forward, netip.Prefix{}
	return z
}

func catalogZone(name string, n int) snapshot.Zone {
	z := forwardZone(name, n)
	z.Kind, z.NS = snapshot.Catalog, []string{"invalid."}
	return z
}

// A testEntry is one address of a snapshot.
type testEntry struct {
	addr  string
	kind  snapshot.Kind
	ttl   uint32
	names []string
}

// A testHost is a name in a forward zone.
type testHost struct {
	name  string
	addrs []string
}

// encode returns a snapshot; entries must ascend.
func encode(t testing.TB, zones []snapshot.Zone, entries []testEntry, hosts ...testHost) []byte {
	t.Helper()
	b, err := snapshot.NewBuilder("4f2a9c1", zones)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := b.Add(netip.MustParseAddr(e.addr), e.kind, e.ttl, e.names); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range hosts {
		var addrs []netip.Addr
		for _, a := range h.addrs {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		if err := b.AddHost(h.name, addrs); err != nil {
			t.Fatal(err)
		}
	}
	return snapshottest.Bytes(t, b)
}

// encodeGeneration returns a snapshot of 192.0.2.0/24 with n entries, 192.0.2.1 and on, each with two names that tell
// the generation.
func encodeGeneration(t testing.TB, generation, n int) []byte {
	t.Helper()
	var entries []testEntry
	for i := range n {
		names := []string{fmt.Sprintf("a.g%d.example.", generation), fmt.Sprintf("b.g%d.example.", generation)}
		entries = append(entries, testEntry{fmt.Sprintf("192.0.2.%d", i+1), snapshot.Explicit, 3600, names})
	}
	return encode(t, []snapshot.Zone{testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", generation)}, entries)
}

// replace puts content at path as revmap compile does: by renaming.
func replace(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := snapshot.WriteFile(path, bytes.NewBuffer(content)); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes the file at path in place.
func overwrite(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshotFile returns the path of a new file with content.
func snapshotFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.snapshot")
	replace(t, path, content)
	return path
}

// newHandler returns what setup makes of a part of a Corefile in the server block ".".
func newHandler(t testing.TB, corefile string, next plugin.Handler) *handler {
	t.Helper()
	h, err := setupHandler(corefile, next)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.stop() })
	return h
}

func setupHandler(corefile string, next plugin.Handler) (*handler, error) {
	c := caddy.NewTestController("dns", corefile)
	c.ServerBlockKeys = []string{"."}
	if err := setup(c); err != nil {
		return nil, err
	}
	plugins := dnsserver.GetConfig(c).Plugin
	return plugins[0](next).(*handler), nil
}

// ask returns the response of h, nil if it wrote none, and what it returned.
func ask(t testing.TB, h plugin.Handler, r *dns.Msg) (m *dns.Msg, rcode int) {
	t.Helper()
	w := dnstest.NewRecorder(&test.ResponseWriter{})
	rcode, err := h.ServeDNS(context.Background(), w, r)
	if err != nil {
		t.Fatalf("ServeDNS(%s): %v", r.Question[0].String(), err)
	}
	return w.Msg, rcode
}

func query(qname string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(qname, qtype) }

// text writes a message in one line for its header and one for each RR: all but the question and the message's id.
func text(m *dns.Msg) string {
	var b strings.Builder
	b.WriteString(dns.RcodeToString[m.Rcode])
	flags := []struct {
		set  bool
		name string
	}{
		{m.Response, "qr"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"},
		{m.RecursionAvailable, "ra"}, {m.Zero, "z"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"},
	}
	for _, f := range flags {
		if f.set {
			b.WriteString(" " + f.name)
		}
	}
	sections := []struct {
		name string
		rrs  []dns.RR
	}{{"answer", m.Answer}, {"authority", m.Ns}, {"additional", m.Extra}}
	for _, s := range sections {
		for _, rr := range s.rrs {
			fmt.Fprintf(&b, "\n%s %s", s.name, strings.ReplaceAll(rr.String(), "\t", " "))
		}
	}
	return b.String()
}
