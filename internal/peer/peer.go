// Package peer starts servers of other projects, for tests that compare revmap with them, let them follow it, or look
// at what they make of it.
package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/miekg/dns"
)

// debian tells which package has a program.
var debian = map[string]string{
	"ansible-playbook":  "ansible",
	"chromium":          "chromium",
	"cmark-gfm":         "cmark-gfm",
	"curl":              "curl",
	"delv":              "bind9-dnsutils",
	"dig":               "bind9-dnsutils",
	"dnsperf":           "dnsperf",
	"gh":                "gh",
	"git":               "git",
	"hcloud":            "hcloud-cli",
	"ip":                "iproute2",
	"jq":                "jq",
	"keymgr":            "knot",
	"knotc":             "knot",
	"knotd":             "knot",
	"kzonecheck":        "knot-dnssecutils",
	"named":             "bind9",
	"named-checkzone":   "bind9-utils",
	"named-compilezone": "bind9-utils",
	"nsd":               "nsd",
	"nsd-checkzone":     "nsd",
	"postfix":           "postfix",
	"ssh":               "openssh-client",
	"ssh-keygen":        "openssh-client",
	"sshd":              "openssh-server",
	"unbound":           "unbound",
}

// Needs returns the paths of programs. If one is missing, it skips the test and says which Debian package has it; in CI
// nothing may be missing.
func Needs(t testing.TB, programs ...string) (paths []string) {
	t.Helper()
	for _, program := range programs {
		path, err := lookPath(program)
		if err != nil {
			unavailable(t, "%s is missing: install %s", program, debian[program])
		}
		paths = append(paths, path)
	}
	return paths
}

// unavailable skips the test, and says why; in CI the test fails.
func unavailable(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needsRoot skips the test, as Needs does, if it does not run as root.
func needsRoot(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		unavailable(t, "%s needs root", what)
	}
}

// lookPath also looks where Debian keeps servers, which is not in every user's PATH.
func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, program))
	}
	return path, err
}

// Port returns a port that is free on 127.0.0.1 for UDP and TCP, and that this process did not get before.
func Port(t testing.TB) int {
	t.Helper()
	for range 1000 {
		// Below the ports that the kernel gives to clients (32768 and above on Linux): they come and go.
		port := 10000 + rand.IntN(22000)
		if _, taken := ports.LoadOrStore(port, true); taken {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		l.Close()
		p, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		p.Close()
		return port
	}
	t.Fatal("no port is free")
	return 0
}

var ports sync.Map // that Port returned

// Wait asks for a condition until it holds, for at most a minute; then the test fails with what failure says.
func Wait(t testing.TB, holds func() bool, failure func() string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(failure())
		}
	}
}

// A Key signs transfers (RFC 8945), with hmac-sha256.
type Key struct {
	Name   string // absolute
	Secret string // in base64
}

// A Zone is served from a file, or if that is "", transferred from the primary.
type Zone struct {
	Name string // absolute
	File string // RFC 1035 text
}

// A Config tells what a server has to serve, and from where. Everybody on this machine may transfer its zones and send it
// a NOTIFY.
type Config struct {
	Port    int // of 127.0.0.1; 0 takes a free one
	Zones   []Zone
	Primary string // address and port that zones without a file are transferred from
	Key     *Key   // signs these transfers, if it is not nil
	// Catalog is a zone, transferred from the primary, whose members are transferred from there too (RFC 9432).
	Catalog string
	// Global and PerZone are further lines in the configuration language of the program.
	Global, PerZone string
}

// A Server is a running process of a test.
type Server struct {
	Program string // as in Needs
	Dir     string // with the configuration and all that the server writes
	Addr    string // address and port, for UDP and TCP
	output  output
	ended   chan struct{}
}

// Log returns what the server has written to its standard output and error so far.
func (s *Server) Log() string { return s.output.String() }

// An output can be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A Program starts a server for the time of the test, and returns once it answers, with its zones if they come from files.
type Program func(t testing.TB, c Config) *Server

// NSD starts an NSD. It does not know catalogs.
func NSD(t testing.TB, c Config) *Server {
	t.Helper()
	return run(t, "nsd", nsdConfig, c, "-d", "-c")
}

// Knot starts a Knot DNS.
func Knot(t testing.TB, c Config) *Server {
	t.Helper()
	return run(t, "knotd", knotConfig, c, "-c")
}

// BIND starts a BIND.
func BIND(t testing.TB, c Config) *Server {
	t.Helper()
	return run(t, "named", bindConfig, c, "-g", "-d", "3", "-n", "1", "-X", "none", "-c")
}

// run starts a program whose configuration is made from c. args come before the configuration's path.
func run(t testing.TB, program string, config *template.Template, c Config, args ...string) *Server {
	t.Helper()
	s := &Server{Program: program, Dir: t.TempDir()}
	if c.Port == 0 {
		c.Port = Port(t)
	}
	var text bytes.Buffer
	err := config.Execute(&text, struct {
		Config
		Dir string
	}{c, s.Dir})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.Dir, program+".conf")
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var loaded []string
	for _, z := range c.Zones {
		if z.File != "" {
			loaded = append(loaded, z.Name)
		}
	}
	return s.serve(t, c.Port, loaded, append(args, path)...)
}

// Start runs a program that stays in the foreground, in an empty folder, and returns once it answers questions of any kind
// at the given port of 127.0.0.1. files are written into the folder first; they and the args can name the folder {dir}.
func Start(t testing.TB, program string, port int, files map[string]string, args ...string) *Server {
	t.Helper()
	s := &Server{Program: program, Dir: t.TempDir()}
	for name, text := range files {
		text = strings.ReplaceAll(text, "{dir}", s.Dir)
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{dir}", s.Dir)
	}
	return s.serve(t, port, nil, args...)
}

// serve starts a name server.
func (s *Server) serve(t testing.TB, port int, zones []string, args ...string) *Server {
	t.Helper()
	cmd := exec.Command(Needs(t, s.Program)[0], args...)
	cmd.SysProcAttr = procAttr
	s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return s.start(t, cmd, func() bool { return s.answers("udp", zones) && s.answers("tcp", zones) })
}

// start runs cmd, which ends at SIGTERM, and returns once answers holds.
func (s *Server) start(t testing.TB, cmd *exec.Cmd, answers func() bool) *Server {
	t.Helper()
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	s.ended = make(chan struct{})
	switch err := cmd.Start(); {
	case errors.Is(err, syscall.EPERM):
		unavailable(t, "namespaces are not permitted here: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ends does not matter
		close(s.ended)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", cmd, s.tail())
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // fails if it has ended
		select {
		case <-s.ended:
		case <-time.After(20 * time.Second):
			t.Errorf("%s does not end", s.Program)
			_ = cmd.Process.Kill()
			<-s.ended
		}
	})
	Wait(t, func() bool {
		select {
		case <-s.ended:
			t.Fatalf("%s has ended:\n%s", cmd, s.tail())
		default:
		}
		return answers()
	}, func() string { return s.Program + " does not answer" })
	return s
}

// tail returns the last part of the log, in which the reason of a failure is most likely.
func (s *Server) tail() string {
	const most = 8000
	log := s.Log()
	if len(log) > most {
		log = "…" + log[len(log)-most:]
	}
	return log
}

// answers reports whether the server answers at all, and has all zones.
func (s *Server) answers(network string, zones []string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c := dns.Client{Net: network}
	ask := func(name string) *dns.Msg {
		r, _, _ := c.ExchangeContext(ctx, new(dns.Msg).SetQuestion(name, dns.TypeSOA), s.Addr)
		return r
	}
	for _, z := range zones {
		if r := ask(z); r == nil || !r.Authoritative {
			return false
		}
	}
	return len(zones) > 0 || ask(".") != nil
}

// Transfer sends a question for AXFR or IXFR to the address and port of a server, signed if key is not nil, and returns
// the RRs that it answers with.
func Transfer(addr string, question *dns.Msg, key *Key) (rrs []dns.RR, err error) {
	var t dns.Transfer
	if key != nil {
		t.TsigSecret = map[string]string{key.Name: key.Secret}
		question = question.Copy()
		question.SetTsig(key.Name, dns.HmacSHA256, 300, time.Now().Unix())
	}
	ch, err := t.In(question, addr)
	if err != nil {
		return nil, fmt.Errorf("transfer %s from %s: %w", question.Question[0].Name, addr, err)
	}
	for e := range ch {
		rrs = append(rrs, e.RR...)
		if e.Error != nil && !errors.Is(e.Error, io.EOF) {
			err = fmt.Errorf("transfer %s from %s: %w", question.Question[0].Name, addr, e.Error)
		}
	}
	return rrs, err
}
