package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// TestExample does what README.md tells a newcomer to do, with the real programs: it lints and compiles records.yaml,
// serves it with corefile.example, runs each command of the README's console blocks and compares what it prints. Only
// the ports are others, so that it does not meet a server that is already running.
func TestExample(t *testing.T) {
	dir, port, _, _ := startExample(t)
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, c := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, want, _ := strings.Cut(strings.TrimSuffix(c, "\n")+"\n", "\n")
			commands++
			if strings.HasPrefix(command, "dig ") {
				peer.Needs(t, "dig")
			}
			// A change shows once the server has looked at the file again: ask until the answer is the promised one.
			var got string
			peer.Wait(t, func() bool {
				got = shell(t, dir, strings.ReplaceAll(command, "-p 1053", "-p "+port))
				return !strings.HasPrefix(command, "dig ") || got == want
			}, func() string { return fmt.Sprintf("$ %s (-README +got):\n%s", command, cmp.Diff(want, got)) })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("$ %s (-README +got):\n%s", command, diff)
			}
		}
	}
	if commands < 5 {
		t.Errorf("found %d commands in README.md; are its console blocks still there?", commands)
	}
}

// TestChange: a changed name is served within the reload period. The serial of its zone moves, those of the others stay.
func TestChange(t *testing.T) {
	dir, port, _, _ := startExample(t)
	const changed = "2.0.192.in-addr.arpa."
	zones := []string{
		changed, "64-26.100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.", "192-28.113.0.203.in-addr.arpa.",
		"8.b.d.0.1.0.0.2.ip6.arpa.", "f.f.8.b.d.0.1.0.0.2.ip6.arpa.", "miniserver.example.", "static.ams1.example.net.",
		"catalog.example.net.",
	}
	serials := func() map[string]uint32 {
		m := map[string]uint32{}
		for _, z := range zones {
			r := query(t, port, z, dns.TypeSOA)
			m[z] = r.Answer[0].(*dns.SOA).Serial
		}
		return m
	}
	target := func(name string) string {
		r := query(t, port, name, dns.TypePTR)
		if len(r.Answer) != 1 {
			return dns.RcodeToString[r.Rcode]
		}
		return r.Answer[0].(*dns.PTR).Ptr
	}
	for name, want := range map[string]string{
		"20.2.0.192.in-addr.arpa.":          "examplaab1.dedicated.example.",         // a default hostname
		"10.2.0.192.in-addr.arpa.":          "mail.acme.example.",                    // a reverse map name
		"11.2.0.192.in-addr.arpa.":          "NXDOMAIN",                              // an additional address without a name
		"70.64-26.100.51.198.in-addr.arpa.": "examplaaa9.miniserver.example.",        // in the classless block
		"99.113.0.203.in-addr.arpa.":        "203-0-113-99.static.ams1.example.net.", // a fallback
	} {
		if got := target(name); got != want {
			t.Errorf("%s answers %s, want %s", name, got, want)
		}
	}

	before := serials()
	whole := transfer(t, port, new(dns.Msg).SetAxfr(changed))
	if n := len(whole); n != 23 || whole[0] != whole[n-1] || !strings.Contains(whole[0], "\tSOA\t") {
		t.Errorf("AXFR of %s has %d RRs, want 23, a SOA at both ends:\n%s", changed, n, strings.Join(whole, "\n"))
	}
	edit(t, filepath.Join(dir, "records.yaml"), "shop.acme.example", "store.acme.example")
	shell(t, dir, "bin/revmap compile -o run/records.snapshot records.yaml")
	peer.Wait(t, func() bool { return target("12.2.0.192.in-addr.arpa.") == "store.acme.example." },
		func() string { return "the new name is not served" })
	after := serials()
	for _, z := range zones {
		if moved := before[z] != after[z]; moved != (z == changed) {
			t.Errorf("the serial of %s went from %d to %d", z, before[z], after[z])
		}
	}

	soa := func(serial uint32) string {
		return strings.Replace(whole[0], fmt.Sprintf(" %d ", before[changed]), fmt.Sprintf(" %d ", serial), 1)
	}
	want := []string{
		soa(after[changed]),
		soa(before[changed]), "12.2.0.192.in-addr.arpa.\t300\tIN\tPTR\tshop.acme.example.",
		soa(after[changed]), "12.2.0.192.in-addr.arpa.\t300\tIN\tPTR\tstore.acme.example.",
		soa(after[changed]),
	}
	got := transfer(t, port, new(dns.Msg).SetIxfr(changed, before[changed], "ns1.example.net.", "hostmaster.example.net."))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("IXFR from %d (-want +got):\n%s", before[changed], diff)
	}
}

// transfer returns the RRs of a zone transfer.
func transfer(t *testing.T, port string, q *dns.Msg) []string {
	t.Helper()
	envelopes, err := new(dns.Transfer).In(q, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	var rrs []string
	for e := range envelopes {
		if e.Error != nil {
			t.Fatal(e.Error)
		}
		for _, rr := range e.RR {
			rrs = append(rrs, rr.String())
		}
	}
	return rrs
}

// startExample copies the example into a folder, builds the programs there, compiles records.yaml and starts
// corefile.example on a free port. logged returns what the server has printed so far.
func startExample(t *testing.T) (dir, port string, server *os.Process, logged func() string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, d := range []string{"bin", "run"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "records.d"), os.DirFS(filepath.Join(root, "records.d"))); err != nil {
		t.Fatal(err)
	}
	shell(t, root, fmt.Sprintf("go build -o %s/bin/ ./cmd/coredns ./cmd/revmap && cp records.yaml corefile.example %s", dir, dir))
	corefile := filepath.Join(dir, "corefile.example")
	port = strconv.Itoa(peer.Port(t))
	edit(t, corefile, ":1053", ":"+port)
	edit(t, corefile, "localhost:9153", "localhost:"+strconv.Itoa(peer.Port(t)))
	edit(t, corefile, "localhost:8181", "localhost:"+strconv.Itoa(peer.Port(t)))
	if findings := shell(t, dir, "bin/revmap lint records.yaml"); findings != "" {
		t.Fatalf("revmap lint records.yaml:\n%s", findings)
	}
	shell(t, dir, "bin/revmap compile -o run/records.snapshot records.yaml")

	cmd := exec.Command("bin/coredns", "-conf", "corefile.example")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving, ended := make(chan bool), make(chan bool)
	var mu sync.Mutex
	var log strings.Builder
	logged = func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			mu.Lock()
			log.WriteString(lines.Text() + "\n")
			mu.Unlock()
			if strings.HasPrefix(lines.Text(), "CoreDNS-") { // printed once all sockets are open
				close(serving)
			}
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("coredns: %v\n%s", err, logged())
		}
	})
	select {
	case <-serving:
	case <-ended:
		t.Fatalf("coredns did not start:\n%s", logged())
	}
	return dir, port, cmd.Process, logged
}

// edit replaces all occurrences of old, of which there must be one at least.
func edit(t *testing.T, path, old, with string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s: there is no %q", path, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte(old), []byte(with)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shell runs a command in dir and returns what it prints. It must succeed.
func shell(t *testing.T, dir, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("$ %s: %v\n%s%s", command, err, out, &stderr)
	}
	return string(out)
}

func query(t *testing.T, port, name string, qtype uint16) *dns.Msg {
	t.Helper()
	return ask(t, "udp", net.JoinHostPort("127.0.0.1", port), new(dns.Msg).SetQuestion(name, qtype))
}
