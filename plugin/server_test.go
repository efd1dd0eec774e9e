package revmap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/snapshot"
)

func input(corefile string) caddy.CaddyfileInput {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(corefile), ServerTypeName: "dns"}
}

// startServer starts CoreDNS and stops it at the end of the test.
func startServer(t *testing.T, corefile string) *caddy.Instance {
	t.Helper()
	in := start(t, corefile)
	t.Cleanup(func() { stopServer(t, in) })
	return in
}

// start returns a CoreDNS that answers on its first server.
func start(t *testing.T, corefile string) *caddy.Instance {
	t.Helper()
	in, err := caddy.Start(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	answering(t, in)
	return in
}

// answering returns when in serves all its sockets. Caddy does not wait for that, and a Stop that comes earlier would not
// stop them. An answer does not tell: it may be the fast path's, which begins before.
func answering(t *testing.T, in *caddy.Instance) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		exchange(t, in, network, query(".", dns.TypeNS))
	}
	waitFor(t, func() bool { return running(t, "dns.(*Server).readUDP(") >= len(in.Servers()) })
}

func stopServer(t *testing.T, in *caddy.Instance) {
	t.Helper()
	err := errors.Join(in.ShutdownCallbacks()...)
	if err := errors.Join(err, in.Stop()); err != nil {
		t.Error(err)
	}
	in.Wait()
}

// exchange asks the first server of in.
func exchange(t *testing.T, in *caddy.Instance, network string, r *dns.Msg) *dns.Msg {
	t.Helper()
	addr := in.Servers()[0].LocalAddr()
	if network == "tcp" {
		addr = in.Servers()[0].Addr()
	}
	c := &dns.Client{Net: network, Timeout: 10 * time.Second}
	m, _, err := c.Exchange(r, addr.String())
	if err != nil {
		t.Fatalf("%s over %s: %v", r.Question[0].String(), network, err)
	}
	return m
}

func TestServer(t *testing.T) {
	in := startServer(t, fmt.Sprintf(`in-addr.arpa:0 ip6.arpa:0 {
		bind 127.0.0.1
		errors
		revmap %s
	}`, snapshotFile(t, inventory(t))))
	const soa = " ns.g7.example. hostmaster.example.net. 7 3600 900 1209600 300"
	for _, tc := range []struct {
		name string
		r    *dns.Msg
		want string
	}{
		{"IPv4", query("10.2.0.192.in-addr.arpa.", dns.TypePTR),
			"NOERROR qr aa rd\nanswer 10.2.0.192.in-addr.arpa. 1800 IN PTR mail.acme.example."},
		{"IPv6, case", query(strings.ToUpper(ip6name), dns.TypePTR),
			"NOERROR qr aa rd\nanswer " + strings.ToUpper(ip6name) + " 3600 IN PTR mail.acme.example."},
		{"NXDOMAIN", query(ip6none, dns.TypePTR), "NXDOMAIN qr aa rd\nauthority " + ip6apex + " 60 IN SOA" + soa},
		{"NODATA", query("10.2.0.192.in-addr.arpa.", dns.TypeDS),
			"NOERROR qr aa rd\nauthority 2.0.192.in-addr.arpa. 300 IN SOA" + soa},
		{"outside of all zones", query("1.3.0.192.in-addr.arpa.", dns.TypePTR), "REFUSED qr rd"},
		{"AXFR", query("2.0.192.in-addr.arpa.", dns.TypeAXFR), "REFUSED qr rd"},
		{"NOTIFY", new(dns.Msg).SetNotify("2.0.192.in-addr.arpa."), "NOTIMP qr"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tc.name+"/"+network, func(t *testing.T) {
				m := exchange(t, in, network, tc.r)
				if diff := cmp.Diff(tc.want, text(m)); diff != "" {
					t.Errorf("Response (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.r.Question, m.Question); diff != "" {
					t.Errorf("Question (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestView holds that the view plugin is no next plugin that a query could be for.
func TestView(t *testing.T) {
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nview all {\nexpr true\n}\nrevmap "+snapshotFile(t, inventory(t))+
		" {\nfallthrough\n}\n}")
	for qname, want := range map[string]int{
		"10.2.0.192.in-addr.arpa.": dns.RcodeSuccess,
		"11.2.0.192.in-addr.arpa.": dns.RcodeNameError,
		"1.3.0.192.in-addr.arpa.":  dns.RcodeRefused,
	} {
		if m := exchange(t, in, "udp", query(qname, dns.TypePTR)); m.Rcode != want {
			t.Errorf("Answered %s with %s, want %s", qname, dns.RcodeToString[m.Rcode], dns.RcodeToString[want])
		}
	}
}

// TestEDNS holds that a response has an OPT RR exactly if the query has one.
func TestEDNS(t *testing.T) {
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nrevmap "+snapshotFile(t, inventory(t))+"\n}")
	r := query("10.2.0.192.in-addr.arpa.", dns.TypePTR).SetEdns0(1232, true)
	if opt := exchange(t, in, "udp", r).IsEdns0(); opt == nil || !opt.Do() || opt.Version() != 0 {
		t.Errorf("OPT is %v, want version 0 with DO", opt)
	}
}

// TestTruncation is about an RRset that does not fit into a UDP packet.
func TestTruncation(t *testing.T) {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("h%02d.%s.example.", i, strings.Repeat("x", 40)))
	}
	zones := []snapshot.Zone{testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 1)}
	entries := []testEntry{{"192.0.2.1", snapshot.Explicit, 3600, names}}
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nrevmap "+snapshotFile(t, encode(t, zones, entries))+"\n}")

	r := query("1.2.0.192.in-addr.arpa.", dns.TypePTR)
	m := exchange(t, in, "udp", r)
	m.Compress = true
	if !m.Truncated || m.Rcode != dns.RcodeSuccess || m.Len() > dns.MinMsgSize {
		t.Errorf("UDP response is not truncated to 512 bytes: %v", m.MsgHdr)
	}
	if m := exchange(t, in, "tcp", r); m.Truncated || len(m.Answer) != len(names) {
		t.Errorf("TCP response has %d RRs, TC %t; want %d, false", len(m.Answer), m.Truncated, len(names))
	}
}

// TestTimer holds that a running server finds a new snapshot by itself.
func TestTimer(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nrevmap "+path+" {\nreload 20ms\n}\n}")
	for generation := 1; generation <= 3; generation++ {
		replace(t, path, encodeGeneration(t, generation, 4))
		waitFor(t, func() bool {
			n, err := generationOf(exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR)))
			return err == nil && n == generation
		})
	}
}

// waitFor returns when condition is true; if that takes too long, the test ends.
func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("It does not happen")
		}
	}
}

// watchers returns how many goroutines watch a snapshot.
func watchers(t *testing.T) int { return running(t, "revmap/plugin.(*store).watch(") }

// running returns how many goroutines are in a function.
func running(t *testing.T, function string) int {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	return strings.Count(b.String(), function)
}

// TestCorefileReload is about two instances of CoreDNS in one process, one of which comes and one of which goes.
func TestCorefileReload(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	corefile := func(more string) string {
		return ".:0 {\nbind 127.0.0.1\nrevmap " + path + " {\nreload 20ms\n}\n}\n" + more
	}
	r := query("1.2.0.192.in-addr.arpa.", dns.TypePTR)
	in := start(t, corefile(""))
	defer func() { stopServer(t, in) }()
	waitFor(t, func() bool { return watchers(t) == 1 })
	loaded := storeOf(t, in).generation.Load()

	// The new instance comes as far as opening its sockets, and fails there: 192.0.2.1 is no address of this machine.
	other := snapshotFile(t, encodeGeneration(t, 8, 4))
	for _, more := range []string{
		"example.org:0 {\nbind 192.0.2.1\nrevmap " + path + "\n}",
		"example.org:0 {\nbind 192.0.2.1\nrevmap " + other + "\n}",
		"example.org:0 {\nbind 127.0.0.1\nrevmap " + path + ".missing\n}",
		"example.org:0 {\nrevmap\n}",
	} {
		if _, err := in.Restart(input(corefile(more))); err == nil {
			t.Fatalf("Restart with %q succeeded", more)
		}
		if n := watchers(t); n != 1 {
			t.Errorf("%d goroutines watch after a failed restart with %q, want 1", n, more)
		}
		if got := gauges(t, other); len(got) != 0 {
			t.Errorf("Gauges %v were left by an instance that failed to start", got)
		}
	}
	if got := len(gauges(t, path)); got != 5 {
		t.Errorf("%d gauges after failed restarts, want 5", got)
	}
	if n, err := generationOf(exchange(t, in, "udp", r)); n != 1 {
		t.Errorf("Serving generation %d (%v) after failed restarts, want 1", n, err)
	}

	// Now one that works: it shares the generation, and takes over the metrics.
	next, err := in.Restart(input(corefile("example.org:0 {\nbind 127.0.0.1\nrevmap " + path + " {\nreload 0\n}\n}")))
	if err != nil {
		t.Fatal(err)
	}
	in = next
	answering(t, in)
	if storeOf(t, in).generation.Load() != loaded {
		t.Error("The new instance has loaded the snapshot again")
	}
	waitFor(t, func() bool { return watchers(t) == 1 })
	if got := len(gauges(t, path)); got != 5 {
		t.Errorf("%d gauges after a restart, want 5", got)
	}
	replace(t, path, encodeGeneration(t, 2, 4))
	waitFor(t, func() bool {
		n, _ := generationOf(exchange(t, in, "udp", r))
		return n == 2
	})
}

// storeOf returns the first store of in.
func storeOf(t *testing.T, in *caddy.Instance) *store {
	t.Helper()
	shared, ok := in.Storage[instanceKey{}].(*instance)
	if !ok {
		t.Fatal("The instance has no stores")
	}
	return shared.stores[0]
}

func TestShutdownEndsWatching(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	in := start(t, ".:0 {\nbind 127.0.0.1\nrevmap "+path+" {\nreload 1h\n}\n}")
	waitFor(t, func() bool { return watchers(t) == 1 })
	stopServer(t, in)
	waitFor(t, func() bool { return watchers(t) == 0 })
	if got := gauges(t, path); len(got) != 0 {
		t.Errorf("Gauges %v are left", got)
	}
}

// TestReadyEndpoint and TestMetadata are about the plugins that ask ours.
func TestReadyEndpoint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	path := filepath.Join(t.TempDir(), "records.snapshot")
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nready "+addr+"\nrevmap "+path+" {\nwait\nreload 20ms\n}\n}")
	status := func() (int, string) {
		resp, err := http.Get("http://" + addr + "/ready")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := status(); code != http.StatusServiceUnavailable || body != "revmap" {
		t.Errorf("Ready says %d %q without a snapshot, want 503 and who is not ready", code, body)
	}
	r := query("1.2.0.192.in-addr.arpa.", dns.TypePTR)
	if m := exchange(t, in, "udp", r); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("Answering %s without a snapshot, want SERVFAIL", dns.RcodeToString[m.Rcode])
	}
	replace(t, path, encodeGeneration(t, 1, 4))
	waitFor(t, func() bool { code, _ := status(); return code == http.StatusOK })
	if n, err := generationOf(exchange(t, in, "udp", r)); n != 1 {
		t.Errorf("Serving generation %d (%v), want 1", n, err)
	}
}

func TestMetadata(t *testing.T) {
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nmetadata\nlog . \"kind={/revmap/kind} commit={/revmap/commit}\"\nrevmap "+
		snapshotFile(t, inventory(t))+"\n}")
	logged.take()
	exchange(t, in, "udp", query("20.2.0.192.in-addr.arpa.", dns.TypePTR))
	var l string
	waitFor(t, func() bool { l += logged.take(); return strings.Contains(l, "kind=") })
	if !strings.Contains(l, "kind=default commit=4f2a9c1") {
		t.Errorf("Logged %q, want the kind and the commit", l)
	}
}
