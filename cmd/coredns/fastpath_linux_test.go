package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshottest"
)

var datagrams = flag.Int("datagrams", 50_000, "how many datagrams TestFastpath sends to each path")

// A process is a running bin/coredns.
type process struct {
	*exec.Cmd
	dir     string
	port    string
	metrics string // address and port
	log     string // file
}

// program builds bin/coredns and returns its path.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coredns")
	shell(t, ".", "go build -o "+path+" .")
	return path
}

// startProgram starts bin/coredns with a Corefile, in which PORT and METRICS stand for ports of its own. It ends with the
// test.
func startProgram(t *testing.T, program, corefile string) *process {
	t.Helper()
	p := &process{dir: t.TempDir(), port: strconv.Itoa(peer.Port(t)), metrics: fmt.Sprint("127.0.0.1:", peer.Port(t))}
	p.log = filepath.Join(p.dir, "log")
	p.configure(t, corefile)
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.Cmd = exec.Command(program, "-conf", "Corefile")
	p.Dir, p.Stdout, p.Stderr = p.dir, log, log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Process.Signal(syscall.SIGTERM)
		if err := p.Wait(); err != nil {
			t.Errorf("coredns: %v\n%s", err, p.logged(t))
		}
		if l := p.logged(t); strings.Contains(l, "WARNING") || strings.Contains(l, "ERROR") {
			t.Errorf("coredns has logged\n%s", l)
		}
	})
	peer.Wait(t, func() bool {
		_, err := dns.Exchange(new(dns.Msg).SetQuestion(".", dns.TypeNS), net.JoinHostPort("127.0.0.1", p.port))
		return err == nil
	}, func() string { return "coredns does not answer\n" + p.logged(t) })
	return p
}

func (p *process) configure(t *testing.T, corefile string) {
	t.Helper()
	corefile = strings.NewReplacer("PORT", p.port, "METRICS", p.metrics).Replace(corefile)
	if err := os.WriteFile(filepath.Join(p.dir, "Corefile"), []byte(corefile), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p *process) logged(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// scrape returns CoreDNS's metrics of queries, and the plugin's, without what differs between two servers.
func (p *process) scrape(t *testing.T) map[string]string {
	t.Helper()
	r, err := http.Get("http://" + p.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for line := range strings.Lines(string(b)) {
		series, value, ok := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, ":"+p.port, "")), "} ")
		if ok && value != "0" && regexp.MustCompile(`^coredns_(dns|revmap_answers|panics)_`).MatchString(series) &&
			!regexp.MustCompile(`duration_seconds_(sum|bucket)`).MatchString(series) {
			all[series] = value
		}
	}
	return all
}

// TestFastpath sends the same datagrams to a CoreDNS with the fast path and to one without: all questions of the conformance
// tests, these damaged, and bytes at random. The responses must be the same bytes but for the id, once names are written
// in full, and so must be what both have counted.
func TestFastpath(t *testing.T) {
	bin := program(t)
	var corpus [][]byte
	snapshots := t.TempDir()
	for seed := range uint64(3) {
		path := filepath.Join("..", "..", "records.yaml")
		if seed > 0 {
			path = filepath.Join(t.TempDir(), "records.yaml")
			if err := os.WriteFile(path, newInventory(rand.New(rand.NewPCG(seed, 1))).source(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, r := compileSource(t, path, nil)
		if err := os.WriteFile(filepath.Join(snapshots, fmt.Sprint(seed)), b, 0o644); err != nil {
			t.Fatal(err)
		}
		zones, endless := exportZones(t, snapshottest.Generation(t, r), t.TempDir())
		corpus = nil
		for _, q := range makeQuestions(t, zones, endless) {
			b, err := q.msg.Pack()
			if err != nil {
				t.Fatal(err)
			}
			corpus = append(corpus, b)
		}
		for _, zone := range endless { // which the conformance tests cannot ask about
			for i := range 300 {
				m := new(dns.Msg).SetQuestion(fmt.Sprintf("%x.%s", i%16, zone), dns.TypePTR)
				if i%3 == 0 {
					m.SetEdns0(uint16(400+i*5), i%2 == 0)
				}
				b, err := m.Pack()
				if err != nil {
					t.Fatal(err)
				}
				corpus = append(corpus, b)
			}
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			corefile := func(options string) string {
				return fmt.Sprintf(".:PORT {\nbind 127.0.0.1 ::1\nprometheus METRICS\nerrors\nbufsize 1400\nrevmap %s%s\n}\n",
					filepath.Join(snapshots, fmt.Sprint(seed)), options)
			}
			ordinary := startProgram(t, bin, corefile(""))
			fast := startProgram(t, bin, corefile(" {\nfastpath 2\n}"))
			compareDatagrams(t, rand.New(rand.NewPCG(seed, 2)), corpus, *datagrams/3, ordinary.port, fast.port)
			// A query is counted when it was answered.
			var diff string
			peer.Wait(t, func() bool {
				diff = cmp.Diff(ordinary.scrape(t), fast.scrape(t))
				return diff == ""
			}, func() string { return "metrics (-ordinary +fast):\n" + diff })
		})
	}
}

// compareDatagrams sends n datagrams to two ports, by IPv4 and IPv6, and compares what comes back.
func compareDatagrams(t *testing.T, rnd *rand.Rand, corpus [][]byte, n int, ordinary, fast string) {
	var families []*comparer
	for _, host := range []string{"127.0.0.1", "::1"} {
		c := &comparer{t: t}
		for i, port := range []string{ordinary, fast} {
			s, err := net.Dial("udp", net.JoinHostPort(host, port))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c.conns[i] = s
		}
		families = append(families, c)
	}
	for done := 0; done < n; done += len(families[0].sent) {
		var batch [][]byte
		for i := range 48 {
			b := corpus[rnd.IntN(len(corpus))]
			if done+i < len(corpus) {
				b = corpus[done+i] // each is asked once at least, if there are enough
			}
			b = slices.Clone(b)
			switch {
			case done+i < len(corpus) || rnd.IntN(3) == 0:
			case rnd.IntN(40) == 0:
				b = make([]byte, rnd.IntN(600))
				for i := range b {
					b[i] = byte(rnd.Uint32())
				}
			default:
				b = damage(rnd, b)
			}
			batch = append(batch, b)
		}
		families[rnd.IntN(2)].compare(batch)
	}
}

// damage changes some of a packet.
func damage(rnd *rand.Rand, b []byte) []byte {
	for range 1 + rnd.IntN(3) {
		switch rnd.IntN(8) {
		case 0:
			b = b[:rnd.IntN(len(b)+1)]
		case 1:
			b = append(b, byte(rnd.Uint32()))
		case 2: // an OPT RR more
			b = append(b, 0, 0, 41, byte(rnd.IntN(8)), byte(rnd.Uint32()), 0, byte(rnd.IntN(2)), byte(rnd.IntN(2)<<7), 0, 0, 0)
			if len(b) > 12 {
				b[11]++
			}
		default:
			if len(b) > 0 {
				i := rnd.IntN(len(b))
				b[i] = []byte{byte(rnd.Uint32()), b[i] + 1, b[i] - 1, b[i] ^ 0x20, 0, 0xc0}[rnd.IntN(6)]
			}
		}
	}
	return b
}

// A comparer sends the same to two servers.
type comparer struct {
	t     *testing.T
	conns [2]net.Conn
	sent  [][]byte
}

// compare sends a batch to both, waits for the responses, and compares them.
func (c *comparer) compare(batch [][]byte) {
	t := c.t
	t.Helper()
	c.sent = batch
	expected := 0 // responses of each
	for i, b := range batch {
		if len(b) >= 2 {
			b[0], b[1] = 0xab, byte(i)
		}
		if answered(b) {
			expected++
		}
		for _, s := range c.conns {
			if _, err := s.Write(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	var responses [2][256][]byte
	for i, s := range c.conns {
		missing := expected
		for buf := make([]byte, 1<<16); ; {
			// When all have come that must, what comes soon is too much.
			patience := 10 * time.Second
			if missing == 0 {
				patience = time.Millisecond
			}
			s.SetReadDeadline(time.Now().Add(patience))
			n, err := s.Read(buf)
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				break
			}
			if err != nil || n < 2 || buf[0] != 0xab || int(buf[1]) >= len(batch) {
				t.Fatalf("a response of %d bytes, %v: %x", n, err, buf[:n])
			}
			at := &responses[i][buf[1]]
			if *at != nil || !answered(batch[buf[1]]) {
				t.Fatalf("server %d: %x: response %x; it must have had none, or another:\n%x", i, batch[buf[1]], buf[:n], *at)
			}
			*at = slices.Clone(buf[:n])
			missing--
		}
		if missing > 0 {
			for j, b := range batch {
				if answered(b) && responses[i][j] == nil {
					t.Fatalf("server %d: %x: no response", i, b)
				}
			}
		}
	}
	for i, b := range batch {
		ordinary, fast := responses[0][i], responses[1][i]
		if bytes.Equal(ordinary, fast) {
			continue
		}
		if want, got := inFull(t, ordinary), inFull(t, fast); !bytes.Equal(want, got) || len(fast) > len(ordinary) {
			t.Fatalf("%x:\nordinary %x\nfast     %x", b, ordinary, fast)
		}
	}
}

// answered reports whether a server must answer a datagram: if it is a message, and no response.
func answered(b []byte) bool { return len(b) >= 12 && b[2]&0x80 == 0 }

// inFull returns a message without compressed names.
func inFull(t *testing.T, b []byte) []byte {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		t.Fatalf("response %x: %v", b, err)
	}
	full, err := m.Pack()
	if err != nil {
		t.Fatalf("response %x: %v", b, err)
	}
	return full
}

// TestFastpathSignals has a server with the fast path read its Corefile and its snapshot anew, and stop, while it is asked
// as fast as it can answer. No query is lost.
func TestFastpathSignals(t *testing.T) {
	peer.Needs(t, "dnsperf")
	bin := program(t)
	dir := t.TempDir()
	snapshot := filepath.Join(dir, "records.snapshot")
	b, _ := compileSource(t, filepath.Join("..", "..", "records.yaml"), nil)
	if err := os.WriteFile(snapshot, b, 0o644); err != nil {
		t.Fatal(err)
	}
	queries := filepath.Join(dir, "queries")
	if err := os.WriteFile(queries, []byte("10.2.0.192.in-addr.arpa PTR\n11.2.0.192.in-addr.arpa PTR\n"+
		"2.0.192.in-addr.arpa SOA\nexample.org A\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	corefile := func(workers int) string {
		return fmt.Sprintf(".:PORT {\nbind 127.0.0.1\nprometheus METRICS\nrevmap %s {\nreload 50ms\nfastpath %d\n}\n}\n",
			snapshot, workers)
	}
	p := startProgram(t, bin, corefile(1))
	perf := exec.Command("dnsperf", "-s", "127.0.0.1", "-p", p.port, "-d", queries, "-l", "4", "-c", "8", "-q", "64", "-t", "3")
	out := make(chan []byte)
	go func() {
		b, err := perf.CombinedOutput()
		if err != nil {
			t.Error(err)
		}
		out <- b
	}()
	reloads := 0
	for {
		select {
		case b := <-out:
			statistics := make(map[string]string)
			for _, m := range regexp.MustCompile(`(?m)^ *(Queries [a-z]+): +([0-9]+)`).FindAllStringSubmatch(string(b), -1) {
				statistics[m[1]] = m[2]
			}
			t.Logf("%d reloads: %v", reloads, statistics)
			if statistics["Queries lost"] != "0" || reloads < 3 || len(statistics["Queries completed"]) < 4 {
				t.Errorf("%d reloads:\n%s", reloads, b)
			}
			return
		case <-time.After(200 * time.Millisecond):
			reloads++
			p.configure(t, corefile(1+reloads%3))
			n := strings.Count(p.logged(t), "Reloading complete")
			if err := p.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			peer.Wait(t, func() bool { return strings.Count(p.logged(t), "Reloading complete") > n },
				func() string { return p.logged(t) })
		}
	}
}
