package revmap

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/pkg/reuseport"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// outcome returns how many queries the fast path at an address has had with a result.
func outcome(t *testing.T, addr, result string) int {
	t.Helper()
	return int(value(t, fastpathTotal.WithLabelValues("dns://"+addr, result)))
}

// TestFastpathRefused is about what the fast path could be told by.
func TestFastpathRefused(t *testing.T) {
	path := snapshotFile(t, inventory(t))
	port := strconv.Itoa(peer.Port(t))
	fast := "revmap " + path + " {\nfastpath\n}\n"
	for _, tc := range []struct {
		corefile string
		err      string // "" is none
	}{
		{".:P {\nbind 127.0.0.1\nlog\nFAST}", "fastpath answers before the plugin log, which would not see these queries"},
		{".:P {\nbind 127.0.0.1\nerrors\ntsig {\nsecret a. AAAA\n}\nFAST}", "before the plugin tsig"},
		{".:P {\nbind 127.0.0.1\nmetadata\nFAST}", "before the plugin metadata"},
		{".:P {\nbind 127.0.0.1\nmisnamed\nFAST}", "before the plugin handlerfunc"},
		{".:P {\nbind 127.0.0.1\nbufsize\nerrors\nprometheus 127.0.0.1:0\nroot /\nmultisocket 2\ntransfer {\nto 127.0.0.1:1\n}\nFAST}", ""},
		{".:P {\nbind 127.0.0.1\nview v {\nexpr true\n}\nFAST}", "before the plugin view"},
		{"in-addr.arpa:P {\nbind 127.0.0.1\nFAST}\nin-addr.arpa:P {\nbind 127.0.0.1\nview v {\nexpr true\n}\nfile x\n}",
			"the server block of in-addr.arpa. that has the plugin view"},
		{"in-addr.arpa:P {\nbind 127.0.0.1\nFAST}\nexample.org:P {\nbind 127.0.0.1\nlog\nfile x\n}", ""},
		{"tls://.:P {\nbind 127.0.0.1\nFAST}", "fastpath is for plain DNS, not for tls"},
		{".:P {\nbind 127.0.0.1\nFASTshed\n}", "the plugin shed in the server block of . takes the place of fastpath"},
		{"in-addr.arpa:P {\nbind 127.0.0.1\nFAST}\nexample.org:P {\nbind 127.0.0.1\nshed\n}",
			"the plugin shed in the server block of example.org. takes the place of fastpath"},
		{".:0 {\nbind 127.0.0.1\nFAST}", "port 0 is none"},
		{"example.org:P {\nbind 127.0.0.1\nfile x\n}\n.:P {\nbind 127.0.0.1\nlog\nFAST}", "Corefile:8: fastpath answers before"},
	} {
		corefile := strings.NewReplacer("P {", port+" {", "FAST", fast).Replace(tc.corefile)
		in, err := caddy.Start(input(corefile))
		if err == nil {
			answering(t, in)
			stopServer(t, in)
		}
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("Error is %v, want %q:\n%s", err, tc.err, corefile)
		}
	}
}

// TestFastpathAnswers compares the answers of both paths, at all kinds of addresses.
func TestFastpathAnswers(t *testing.T) {
	path := snapshotFile(t, inventory(t))
	for _, tc := range []struct {
		bind    string
		servers []string // as in metrics
		ask     []string
	}{
		{"", []string{""}, []string{"127.0.0.1", "127.3.4.5", "::1"}},
		{"bind 0.0.0.0", []string{"0.0.0.0"}, []string{"127.0.0.1", "127.3.4.5"}},
		{"bind 127.0.0.1", []string{"127.0.0.1"}, []string{"127.0.0.1"}},
		{"bind 127.0.0.1 127.0.0.2 ::1\nmultisocket 3", []string{"127.0.0.1", "127.0.0.2", "::1"},
			[]string{"127.0.0.1", "127.0.0.2", "::1"}},
		{"bind lo", []string{"127.0.0.1", "::1"}, []string{"127.0.0.1", "::1"}},
	} {
		t.Run(tc.bind, func(t *testing.T) {
			port := strconv.Itoa(peer.Port(t))
			block := "in-addr.arpa:" + port + " ip6.arpa:" + port + " {\n" + tc.bind + "\nerrors\nrevmap " + path
			answers := func(corefile string) (all []string) {
				in := start(t, corefile)
				defer stopServer(t, in)
				for _, ask := range tc.ask {
					for i := range 20 {
						for _, r := range everyKind() {
							c := dns.Client{Timeout: 5 * time.Second, UDPSize: 4096}
							m, _, err := c.Exchange(r, net.JoinHostPort(ask, port))
							if err != nil {
								t.Fatalf("%v at %s, time %d: %v", r.Question, ask, i, err)
							}
							if i == 0 {
								all = append(all, m.Question[0].String()+" "+text(m))
							}
						}
					}
				}
				return all
			}
			want := answers(block + "\n}")
			answered, passed := 0, 0
			for _, s := range tc.servers {
				answered -= outcome(t, net.JoinHostPort(s, port), "answered")
				passed -= outcome(t, net.JoinHostPort(s, port), "passed")
			}
			got := answers(block + " {\nfastpath 3\n}\n}")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Responses (-ordinary +fast):\n%s", diff)
			}
			for _, s := range tc.servers {
				answered += outcome(t, net.JoinHostPort(s, port), "answered")
				passed += outcome(t, net.JoinHostPort(s, port), "passed")
			}
			if want := 20 * len(tc.ask) * (len(everyKind()) - odd); answered != want {
				t.Errorf("The fast path has answered %d queries, want %d", answered, want)
			}
			if want := 20*len(tc.ask)*odd + 1; passed != want { // start asks once
				t.Errorf("The fast path has passed %d queries on, want %d", passed, want)
			}
		})
	}
}

// odd is how many of everyKind are not for the fast path.
const odd = 4

func everyKind() []*dns.Msg {
	return []*dns.Msg{
		query("10.2.0.192.in-addr.arpa.", dns.TypePTR),
		query("30.2.0.192.in-addr.arpa.", dns.TypePTR),
		query(strings.ToUpper(ip6name), dns.TypePTR),
		query(ip6none, dns.TypePTR),
		query("10.2.0.192.in-addr.arpa.", dns.TypeDS),
		query("9.113.0.203.in-addr.arpa.", dns.TypePTR).SetEdns0(1232, true),
		query(ip6apex, dns.TypeSOA),

		query("1.3.0.192.in-addr.arpa.", dns.TypePTR), // outside of all zones
		query("2.0.192.in-addr.arpa.", dns.TypeAXFR),
		new(dns.Msg).SetNotify("2.0.192.in-addr.arpa."),
		query("example.org.", dns.TypeA), // of no server block
	}
}

// TestFastpathBlocks is about server blocks that share an address.
func TestFastpathBlocks(t *testing.T) {
	t.Chdir(t.TempDir())
	replace(t, "records.snapshot", inventory(t))
	overwrite(t, "records.zone", []byte("$TTL 1h\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n"+
		"@ NS ns1.example.net.\n10 PTR other.example.net.\n"))
	port := strconv.Itoa(peer.Port(t))
	addr := net.JoinHostPort("127.0.0.1", port)
	revmap := "bind 127.0.0.1\nrevmap records.snapshot {\nfastpath 1\n}\n}\n"
	file := func(zone string) string {
		return zone + ":" + port + " {\nbind 127.0.0.1\nfile records.zone " + zone + "\n}\n"
	}
	for _, tc := range []struct {
		corefile string
		want     map[string]string // "fast" or not, and what is answered
	}{
		{"in-addr.arpa:" + port + " {\n" + revmap + "ip6.arpa:" + port + " {\n" + revmap, map[string]string{
			"10.2.0.192.in-addr.arpa. PTR": "fast mail.acme.example.", ip6name + " PTR": "fast mail.acme.example.",
		}},
		{"in-addr.arpa:" + port + " {\n" + revmap + file("2.0.192.in-addr.arpa"), map[string]string{
			"10.2.0.192.in-addr.arpa. PTR": "other.example.net.", "5.113.0.203.in-addr.arpa. PTR": "fast shop.acme.example.",
			"5.113.0.203.in-addr.arpa. DS": "NOERROR",
		}},
		{"2.0.192.in-addr.arpa:" + port + " {\n" + revmap + file("in-addr.arpa"), map[string]string{
			"10.2.0.192.in-addr.arpa. PTR": "fast mail.acme.example.", "10.in-addr.arpa. PTR": "other.example.net.",
			"10.2.0.192.in-addr.arpa. DS": "NXDOMAIN", // CoreDNS asks the upper block
		}},
		{".:" + port + " {\nbind 127.0.0.1\nrevmap records.snapshot in-addr.arpa {\nfastpath\nfallthrough\n}\n" +
			"file records.zone 2.0.192.in-addr.arpa\n}\n", map[string]string{
			"10.2.0.192.in-addr.arpa. PTR": "fast mail.acme.example.", "11.2.0.192.in-addr.arpa. PTR": "NXDOMAIN",
			ip6name + " PTR": "REFUSED", "10.2.0.192.in-addr.arpa. TXT": "fast NOERROR",
		}},
	} {
		in := start(t, tc.corefile)
		for question, want := range tc.want {
			qname, qtype, _ := strings.Cut(question, " ")
			answered := outcome(t, addr, "answered")
			m := exchange(t, in, "udp", query(qname, dns.StringToType[qtype]))
			got := dns.RcodeToString[m.Rcode]
			if len(m.Answer) == 1 {
				got = m.Answer[0].(*dns.PTR).Ptr
			}
			// It is counted when it was sent.
			waitFor(t, func() bool {
				return !strings.HasPrefix(want, "fast ") || outcome(t, addr, "answered") == answered+1
			})
			if outcome(t, addr, "answered") > answered {
				got = "fast " + got
			}
			if got != want {
				t.Errorf("%s: %s, want %s:\n%s", question, got, want, tc.corefile)
			}
		}
		stopServer(t, in)
	}
}

// A client asks all the time, the same again if no answer comes.
type load struct {
	asked, lost atomic.Int64
	stop        chan struct{}
	done        sync.WaitGroup
}

// startLoad asks for n different things at addr, each as soon as the answer before has come.
func startLoad(t *testing.T, addr string, n int) *load {
	l := &load{stop: make(chan struct{})}
	for i := range n {
		r := query(fmt.Sprintf("%d.2.0.192.in-addr.arpa.", i+1), dns.TypePTR)
		if i%4 == 3 {
			r = query("example.org.", dns.TypeA) // which the fast path does not answer
		}
		l.done.Go(func() {
			c := dns.Client{Timeout: 8 * time.Second} // a busy machine may halt for longer than one would think
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				m, _, err := c.Exchange(r, addr)
				l.asked.Add(1)
				var late net.Error
				switch {
				case errors.As(err, &late) && late.Timeout():
					l.lost.Add(1)
				case err != nil:
					t.Error(err)
					return
				case i%4 != 3 && len(m.Answer) != 2, i%4 == 3 && m.Rcode != dns.RcodeRefused:
					t.Errorf("A wrong answer: %v", m)
				}
			}
		})
	}
	return l
}

func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.done.Wait()
	if n := l.lost.Load(); n > 0 {
		t.Errorf("%d of %d queries were lost", n, l.asked.Load())
	}
}

// more returns when n more queries were asked.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	goal := l.asked.Load() + n
	waitFor(t, func() bool { return l.asked.Load() >= goal })
}

// TestFastpathReload changes the Corefile in all ways that concern the sockets, while queries arrive. None is lost, and
// in the end the fast path gets all of them again.
func TestFastpathReload(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 30))
	port := strconv.Itoa(peer.Port(t))
	for _, bind := range []string{"127.0.0.1", "::1", ""} {
		server := net.JoinHostPort(bind, port)
		addr := server
		corefile := func(more, options string) string {
			if bind != "" {
				more += "\nbind " + bind
			}
			return "in-addr.arpa:" + port + " {\n" + more + "\nrevmap " + path + " {\nreload 1h\n" + options + "\n}\n}\n"
		}
		if bind == "" {
			addr = net.JoinHostPort("127.0.0.1", port)
		}
		in := start(t, corefile("", "fastpath 1"))
		l := startLoad(t, addr, 12)
		l.more(t, 100)
		for _, tc := range []struct {
			what, corefile string
			fast           int // workers
			fails          bool
			quiet          bool // without queries, from then on
		}{
			{"the same", corefile("", "fastpath 1"), 1, false, false},
			{"more workers", corefile("", "fastpath 3"), 3, false, false},
			{"one that fails", corefile("", "fastpath 1") + "example.org:" + port + " {\nbind 192.0.2.1\nfile x\n}\n", 3, true, false},
			{"one that is refused", corefile("log", "fastpath 1"), 3, true, false},
			{"more sockets of CoreDNS", corefile("multisocket 3", "fastpath 2"), 2, false, false},
			{"fewer", corefile("", "fastpath 2"), 2, false, false},
			// Without the fast path, CoreDNS loses what is queued in sockets that it closes.
			{"without", corefile("", ""), 0, false, false},
			{"without, more sockets", corefile("multisocket 3", ""), 0, false, false},
			{"with it again", corefile("multisocket 3", "fastpath 2"), 2, false, false},
			// CoreDNS closes sockets that are before ours, which renumbers ours: for a moment, the kernel gives some datagrams
			// to others that are about to be closed.
			{"with fewer sockets before it", corefile("", "fastpath 1"), 1, false, true},
		} {
			if tc.quiet {
				l.end(t)
			}
			next, err := in.Restart(input(tc.corefile))
			if (err != nil) != tc.fails {
				t.Fatalf("%s at %s: %v", tc.what, server, err)
			}
			in = next
			if !tc.quiet {
				l.more(t, 200)
			}
			listeners.Lock()
			n := 0
			if l := listeners.byAddr[server]; l != nil {
				n = len(l.workers)
			}
			listeners.Unlock()
			if n != tc.fast {
				t.Errorf("%s at %s: %d workers, want %d", tc.what, server, n, tc.fast)
			}
			if tc.fast == 0 {
				continue
			}
			// The rest of CoreDNS gets none: all that is asked from now on, the fast path has seen.
			seen := func() int { return outcome(t, server, "answered") + outcome(t, server, "passed") }
			before, c := seen(), dns.Client{Timeout: 5 * time.Second}
			load := l.asked.Load()
			for range 50 {
				if _, _, err := c.Exchange(query("1.2.0.192.in-addr.arpa.", dns.TypePTR), addr); err != nil {
					t.Fatal(err)
				}
			}
			least := before + 50 + int(l.asked.Load()-load)
			if !tc.quiet {
				least -= 2 * 12 // that are on their way
			}
			waitFor(t, func() bool { return seen() >= least })
		}
		next, err := in.Restart(input("in-addr.arpa:" + port + " {\nerrors\n}")) // without the plugin at all
		if err != nil {
			t.Fatal(err)
		}
		in = next
		if n := len(listeners.byAddr); n != 0 {
			t.Errorf("%d listeners are left without the plugin", n)
		}
		answering(t, in)
		stopServer(t, in)
		if n := len(listeners.byAddr); n != 0 {
			t.Errorf("%d listeners are left", n)
		}
	}
	waitFor(t, func() bool { return !strings.Contains(stacks(t), "revmap/plugin.(*worker)") })
	waitFor(t, func() bool { return !strings.Contains(stacks(t), "revmap/plugin.(*passer)") })
}

// TestFastpathReloadWaits holds that plugins end only when what was passed on to them is answered.
func TestFastpathReloadWaits(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	port := strconv.Itoa(peer.Port(t))
	corefile := ".:" + port + " {\nbind 127.0.0.1\nrevmap " + path + " {\nfastpath 1\n}\nslow\n}\n"
	slow.asked, slow.answer = make(chan bool), make(chan bool)
	in := start(t, corefile)
	served := func() *plan {
		listeners.Lock()
		defer listeners.Unlock()
		return listeners.byAddr["127.0.0.1:"+port].plan
	}
	before := served()
	answered := make(chan int)
	go func() { answered <- exchange(t, in, "udp", query("slow.example.", dns.TypeA)).Rcode }()
	<-slow.asked
	restarted := make(chan *caddy.Instance)
	go func() {
		next, err := in.Restart(input(corefile))
		if err != nil {
			t.Error(err)
		}
		restarted <- next
	}()
	// The fast path goes on at once.
	waitFor(t, func() bool { return served() != before })
	if m := exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR)); len(m.Answer) != 2 {
		t.Errorf("Answering %v while a plugin is slow", m)
	}
	close(slow.answer)
	if rcode := <-answered; rcode != dns.RcodeSuccess {
		t.Errorf("A query that the reload met is answered with %s", dns.RcodeToString[rcode])
	}
	stopServer(t, <-restarted)
}

// TestFastpathRetired holds that what was passed on is answered although the socket that it came to is closed by then.
func TestFastpathRetired(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	port := strconv.Itoa(peer.Port(t))
	slow.asked, slow.answer = make(chan bool), make(chan bool)
	for _, bind := range []string{"bind 127.0.0.1", ""} {
		in := start(t, ".:"+port+" {\n"+bind+"\nrevmap "+path+" {\nfastpath 8\n}\nslow\n}\n")
		var asking sync.WaitGroup
		for range 16 {
			asking.Go(func() {
				c := dns.Client{Timeout: 5 * time.Second}
				if _, _, err := c.Exchange(query("slow.example.", dns.TypeA), "127.0.0.1:"+port); err != nil {
					t.Error(err)
				}
			})
			<-slow.asked
		}
		listeners.Lock()
		for _, l := range listeners.byAddr {
			l.retire(1)
		}
		listeners.Unlock()
		for range 16 {
			slow.answer <- true
		}
		asking.Wait()
		stopServer(t, in)
	}
}

// TestFastpathSteersAgain holds that a flood, in which the fast path cannot find its sockets, has no effect that stays.
func TestFastpathSteersAgain(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	port := strconv.Itoa(peer.Port(t))
	defer func(before time.Duration) { steerAgain = before }(steerAgain)
	steerAgain = 10 * time.Millisecond
	in := startServer(t, ".:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nfastpath 1\n}\n}\n")
	listeners.Lock()
	l := listeners.byAddr["127.0.0.1:"+port]
	listeners.Unlock()
	w := l.workers[0]
	w.mu.Lock() // as if there was so much to do
	asked := make(chan bool)
	go func() {
		exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR))
		close(asked)
	}()
	waitFor(t, func() bool { return running(t, "revmap/plugin.(*worker).serve(") == 1 })
	logged.take()
	l.plan.steer()
	if got := logged.take(); !strings.Contains(got, "The fast path gets only some of the datagrams") {
		t.Errorf("Logged %q", got)
	}
	w.mu.Unlock()
	<-asked
	waitFor(t, func() bool {
		return strings.Contains(logged.take(), "The fast path gets all datagrams to 127.0.0.1:"+port+" again")
	})
}

// TestFastpathDrained holds that what has arrived at a socket is answered before it is closed, however slow the machine is.
func TestFastpathDrained(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	port := strconv.Itoa(peer.Port(t))
	quiet = 0 // as if the machine had halted for as long
	in := start(t, "in-addr.arpa:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nfastpath 1\n}\n}\n")
	defer func() {
		stopServer(t, in)
		quiet = 5 * time.Millisecond
	}()
	listeners.Lock()
	w := listeners.byAddr["127.0.0.1:"+port].workers[0]
	listeners.Unlock()
	client, err := dns.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	w.mu.Lock()
	const queries = 100 // more than one batch
	for i := range queries {
		if err := client.WriteMsg(query("1.2.0.192.in-addr.arpa.", dns.TypePTR)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			waitFor(t, func() bool { return running(t, "revmap/plugin.(*worker).serve(") == 1 })
		}
	}
	w.conn.Interrupt()
	w.mu.Unlock()
	for i := range queries {
		client.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := client.ReadMsg(); err != nil {
			t.Fatalf("%d of %d queries are answered: %v", i, queries, err)
		}
	}
}

// TestFastpathLameduck holds that the fast path works until the process ends, not only until that begins.
func TestFastpathLameduck(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(peer.Port(t)))
	_, port, _ := net.SplitHostPort(addr)
	in := startServer(t, ".:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nfastpath 1\n}\n}\n")
	before := outcome(t, addr, "answered")
	for _, f := range in.OnShutdown { // the plugin health waits in one of OnFinalShutdown
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR))
	waitFor(t, func() bool { return outcome(t, addr, "answered") == before+1 })
}

// stacks returns those of all goroutines.
func stacks(t *testing.T) string {
	t.Helper()
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// TestFastpathSwap holds that a new snapshot is served at once, and the one before does not stay in memory.
func TestFastpathSwap(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	port := strconv.Itoa(peer.Port(t))
	in := startServer(t, ".:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nreload 10ms\nfastpath 2\n}\n}")
	for n := 2; n < 5; n++ {
		var gone atomic.Bool
		runtime.AddCleanup(storeOf(t, in).generation.Load(), func(struct{}) { gone.Store(true) }, struct{}{})
		replace(t, path, encodeGeneration(t, n, 4))
		waitFor(t, func() bool {
			got, err := generationOf(exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR)))
			return err == nil && got == n
		})
		waitFor(t, func() bool { runtime.GC(); return gone.Load() })
	}
}

// TestFastpathWait is about a fast path without a snapshot.
func TestFastpathWait(t *testing.T) {
	path := snapshotFile(t, nil)
	os.Remove(path)
	port := strconv.Itoa(peer.Port(t))
	in := startServer(t, ".:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nreload 10ms\nfastpath 1\nwait\n}\n}")
	r := query("1.2.0.192.in-addr.arpa.", dns.TypePTR)
	if m := exchange(t, in, "udp", r); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("Answering %s without a snapshot, want SERVFAIL", dns.RcodeToString[m.Rcode])
	}
	replace(t, path, encodeGeneration(t, 1, 4))
	waitFor(t, func() bool { return len(exchange(t, in, "udp", r).Answer) == 2 })
}

// TestFastpathBesideAnother is about an address that another process has already: CoreDNS lets both start.
func TestFastpathBesideAnother(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(peer.Port(t)))
	other, err := reuseport.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	logged.take()
	_, port, _ := net.SplitHostPort(addr)
	in := startServer(t, ".:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nfastpath 1\n}\n}")
	if l := logged.take(); !strings.Contains(l, "[WARNING]") || !strings.Contains(l, "Another process has a socket at "+addr) {
		t.Errorf("Logged %q, want that there is another process", l)
	}
	for range 20 { // each from another port, so that the kernel would share them out
		exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR))
	}
}

// TestFastpathPanic holds that a panic costs no more than the fast path of one query.
func TestFastpathPanic(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	port := strconv.Itoa(peer.Port(t))
	in := startServer(t, ".:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nfastpath 1\n}\n}")
	listeners.Lock()
	w := listeners.byAddr["127.0.0.1:"+port].workers[0]
	listeners.Unlock()
	w.mu.Lock()
	uses := slices.Clone(w.uses)
	w.uses[0].use = nil // which nobody does
	w.mu.Unlock()
	logged.take()
	r := query("1.2.0.192.in-addr.arpa.", dns.TypePTR)
	if m := exchange(t, in, "udp", r); len(m.Answer) != 2 {
		t.Errorf("A query that makes the fast path panic gets %v", m)
	}
	w.mu.Lock()
	w.uses = uses
	w.mu.Unlock()
	answered := outcome(t, "127.0.0.1:"+port, "answered")
	exchange(t, in, "udp", r)
	waitFor(t, func() bool { return outcome(t, "127.0.0.1:"+port, "answered") == answered+1 })
	if l := logged.take(); !strings.Contains(l, "The fast path panics") {
		t.Errorf("Logged %q, want the panic", l)
	}
}

// TestFastpathMetrics asks both paths the same, and compares all that the plugin and CoreDNS count.
func TestFastpathMetrics(t *testing.T) {
	ask := func(options string) map[string]float64 {
		path := snapshotFile(t, inventory(t))
		port := strconv.Itoa(peer.Port(t))
		in := start(t, "in-addr.arpa:"+port+" ip6.arpa:"+port+" {\nbind 127.0.0.1 ::1\nprometheus 127.0.0.1:0\n"+
			"errors\nrevmap "+path+" {\n"+options+"\n}\n}")
		before := counted(t, port, path) // by start
		for range 3 {
			for _, r := range append(everyKind(), query("10.2.0.192.in-addr.arpa.", 64000)) {
				for _, host := range []string{"127.0.0.1", "::1"} {
					c := dns.Client{Timeout: 5 * time.Second, UDPSize: 4096}
					if _, _, err := c.Exchange(r, net.JoinHostPort(host, port)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		stopServer(t, in)
		all := counted(t, port, path)
		for k, v := range before {
			if all[k] -= v; all[k] == 0 {
				delete(all, k)
			}
		}
		return all
	}
	want := ask("")
	got := ask("fastpath 2")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Metrics (-ordinary +fast):\n%s", diff)
	}
	if len(want) < 60 {
		t.Errorf("Only %d metrics are compared: %q", len(want), slices.Sorted(maps.Keys(want)))
	}
}

// counted returns the metrics of a server or a snapshot: counters, and of histograms the number and, but for durations,
// the sum and the buckets.
func counted(t *testing.T, port, path string) map[string]float64 {
	t.Helper()
	all := make(map[string]float64)
	for _, f := range allFamilies(t) {
		if strings.Contains(f.GetName(), "fastpath") {
			continue
		}
		for _, m := range f.GetMetric() {
			ours := false
			key := f.GetName()
			for _, l := range m.GetLabel() {
				v := l.GetValue()
				ours = ours || v == path || strings.HasSuffix(v, ":"+port)
				key += " " + strings.NewReplacer(path, "PATH", ":"+port, "").Replace(v)
			}
			switch {
			case !ours:
			case m.Counter != nil:
				all[key] = m.GetCounter().GetValue()
			case m.Histogram != nil:
				h := m.GetHistogram()
				all[key+" count"] = float64(h.GetSampleCount())
				if strings.Contains(key, "duration") {
					continue
				}
				all[key+" sum"] = h.GetSampleSum()
				for _, b := range h.GetBucket() {
					all[fmt.Sprintf("%s %v", key, b.GetUpperBound())] = float64(b.GetCumulativeCount())
				}
			}
		}
	}
	for k, v := range all {
		if v == 0 {
			delete(all, k) // the fast path prepares its counters
		}
	}
	return all
}

// TestFastpathFlood sends as fast as it can what the fast path answers and what it does not, and looks at goroutines and
// memory. All the time, somebody else gets an answer now and then.
func TestFastpathFlood(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 200))
	port := strconv.Itoa(peer.Port(t))
	in := startServer(t, "in-addr.arpa:"+port+" {\nbind 127.0.0.1\nrevmap "+path+" {\nfastpath 2\n}\n}")
	before := runtime.NumGoroutine()
	addr := in.Servers()[0].LocalAddr().String()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		q := query(fmt.Sprintf("%d.2.0.192.in-addr.arpa.", i+1), dns.TypePTR)
		switch i {
		case 1:
			q = query("example.org.", dns.TypeA)
		case 2:
			q.Opcode = dns.OpcodeUpdate
		}
		b, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			b = append(b, 1)
		}
		wg.Go(func() {
			s, err := net.Dial("udp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for {
				select {
				case <-stop:
					return
				default:
					s.Write(b)
				}
			}
		})
	}
	most := 0
	var memory runtime.MemStats
	heap := uint64(0)
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); {
		most = max(most, runtime.NumGoroutine())
		runtime.ReadMemStats(&memory)
		heap = max(heap, memory.Sys)
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	if limit := before + 4 + 2*mostPassed; most > limit {
		t.Errorf("%d goroutines in the flood, want %d at most", most, limit)
	}
	if limit := uint64(200 << 20); heap > limit {
		t.Errorf("%d bytes of memory in the flood, want %d at most", heap, limit)
	}
	t.Logf("%d goroutines and %d MB at most; answered %d, passed %d, dropped %d", most, heap>>20, outcome(t, addr, "answered"),
		outcome(t, addr, "passed"), outcome(t, addr, "dropped"))
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before+4 })
	if m := exchange(t, in, "udp", query("1.2.0.192.in-addr.arpa.", dns.TypePTR)); len(m.Answer) != 2 {
		t.Errorf("After the flood: %v", m)
	}
}
