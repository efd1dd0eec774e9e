package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
)

// What a server answers.
type answers int

const (
	theNames   answers = iota // those of the zone
	madeUp                    // a PTR for each address of the zone's beginning, without data
	constantly                // a PTR for everything
	echoes                    // the question, as an answer
)

// A server is one of those that are compared.
type server struct {
	name    string   // in tables
	key     string   // in flags
	program string   // looked up in PATH; "" is this program
	debian  string   // package that has the program
	version string   // argument that makes the program tell its version
	args    []string // templates, which get a place
	data    string   // extension of the file that it loads, "" if it needs none
	answers answers
	// Ports of a server that another one has to know: its own, if that is not 0, and that of the other one.
	port, other int
	metrics     bool // it exports metrics; compare it with revmap that does, too
}

// A place is where a server runs.
type place struct {
	Dir        string // its own, with all that it writes
	Addr       string // address and port to serve
	Port       int
	Other      int    // port of another server
	Metrics    string // address and port for metrics
	Zone, Data string // apex, without the final dot, and file that it loads
	IPv6       bool
}

// config has the configuration of each server in a folder with its key: templates, which get a place.
//
//go:embed config
var config embed.FS

const (
	revmapMetrics   = "revmap" // with metrics, as operators run it
	revmapPlain     = "revmap-plain"
	fastPlain       = "revmap-fast"
	fastMetrics     = "revmap-fast-metrics"
	constantMetrics = "constant"
)

// servers are in the order of the tables. The first is what budgets are for.
var servers = []*server{
	{
		name: "revmap, prometheus", key: revmapMetrics, program: "coredns", version: "-version",
		data: "snapshot", args: []string{"-conf", "<<.Dir>>/Corefile"}, metrics: true,
	},
	{
		name: "revmap", key: revmapPlain, program: "coredns", version: "-version",
		data: "snapshot", args: []string{"-conf", "<<.Dir>>/Corefile"},
	},
	{
		name: "revmap, fast path", key: fastPlain, program: "coredns", version: "-version",
		data: "snapshot", args: []string{"-conf", "<<.Dir>>/Corefile"},
	},
	{
		name: "revmap, fast path, prometheus", key: fastMetrics, program: "coredns", version: "-version",
		data: "snapshot", args: []string{"-conf", "<<.Dir>>/Corefile"}, metrics: true,
	},
	{
		name: "CoreDNS file", key: "file", data: "zone", args: []string{"serve", "coredns", "<<.Dir>>/Corefile"},
	},
	{
		name: "CoreDNS hosts", key: "hosts", data: "hosts", args: []string{"serve", "coredns", "<<.Dir>>/Corefile"},
	},
	{
		name: "CoreDNS template", key: "template", args: []string{"serve", "coredns", "<<.Dir>>/Corefile"},
		answers: madeUp,
	},
	{
		name: "Knot DNS", key: "knot", program: "knotd", debian: "knot", version: "--version",
		data: "zone", args: []string{"-c", "<<.Dir>>/knot.conf"},
	},
	{
		name: "NSD", key: "nsd", program: "nsd", debian: "nsd", version: "-v",
		data: "zone", args: []string{"-d", "-c", "<<.Dir>>/nsd.conf"},
	},
	{
		name: "BIND", key: "bind", program: "named", debian: "bind9", version: "-V",
		data: "zone", args: []string{"-g", "-n", "1", "-X", "none", "-c", "<<.Dir>>/named.conf"},
	},
	{
		name: "PowerDNS", key: "pdns", program: "pdns_server", debian: "pdns-server", version: "--version",
		data: "zone", args: []string{"--config-dir=<<.Dir>>"},
	},
	{
		name: "a constant PTR from a plugin, prometheus", key: constantMetrics,
		args: []string{"serve", "coredns", "<<.Dir>>/Corefile"}, answers: constantly, metrics: true,
	},
	{
		name: "a constant PTR from a plugin", key: "constant-plain",
		args: []string{"serve", "coredns", "<<.Dir>>/Corefile"}, answers: constantly,
	},
	{
		name: "a constant PTR from a server with miekg/dns", key: "miekg", args: []string{"serve", "miekg", "<<.Addr>>"},
		answers: constantly,
	},
	{
		name: "UDP echo", key: "echo", args: []string{"serve", "echo", "<<.Addr>>"}, answers: echoes,
	},
}

// find returns the path of the server's program. coredns is that of revmap's CoreDNS.
func (s *server) find(coredns string) (string, error) {
	switch s.program {
	case "":
		return os.Executable()
	case "coredns":
		return filepath.Abs(coredns)
	}
	found, err := exec.LookPath(s.program)
	for _, dir := range []string{"/usr/sbin", "/sbin"} { // where Debian keeps servers
		if err == nil {
			break
		}
		found, err = exec.LookPath(filepath.Join(dir, s.program))
	}
	if err != nil {
		return "", fmt.Errorf("%s is missing: install %s", s.program, s.debian)
	}
	return found, nil
}

// launch starts the server with data, waits until it answers, and returns what ends it and removes its files.
func (s *server) launch(ctx context.Context, coredns string, d data) (_ *process, stop func(), err error) {
	program, err := s.find(coredns)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, nil, err
	}
	p, err := s.start(program, dir, d)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop = func() {
		p.stop()
		os.RemoveAll(dir)
	}
	const number = 1 // not one that a changed snapshot has another name for
	question := new(dns.Msg).SetQuestion(arpa.Name(d.addr(number)), dns.TypePTR)
	if err := p.wait(ctx, question, func(r *dns.Msg) bool { return s.right(r, number) }); err != nil {
		stop()
		return nil, nil, err
	}
	p.load = time.Since(p.begun)
	return p, stop, nil
}

// start starts the server with data, in the given empty folder.
func (s *server) start(program, dir string, d data) (*process, error) {
	port := s.port
	var err error
	if port == 0 {
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	metrics, err := freePort()
	if err != nil {
		return nil, err
	}
	p := place{
		Dir: dir, Addr: loopback(port), Port: port, Other: s.other, Metrics: loopback(metrics),
		Zone: strings.TrimSuffix(d.zone(), "."), IPv6: d.prefix.Addr().Is6(),
	}
	if s.data != "" {
		if p.Data, err = filepath.Abs(d.path(s.data)); err != nil {
			return nil, err
		}
	}
	files, err := fs.Glob(config, path.Join("config", s.key, "*"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := config.ReadFile(name)
		if err != nil {
			return nil, err
		}
		filled, err := p.fill(string(text))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, path.Base(name)), filled, 0o644); err != nil {
			return nil, err
		}
	}
	args := make([]string, len(s.args))
	for i, arg := range s.args {
		filled, err := p.fill(arg)
		if err != nil {
			return nil, err
		}
		args[i] = string(filled)
	}
	started, err := start(dir, p.Addr, program, args...)
	if err != nil {
		return nil, err
	}
	started.metrics = p.Metrics
	return started, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// fill fills in a template.
func (p place) fill(text string) ([]byte, error) {
	t, err := template.New("").Delims("<<", ">>").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, p)
	return b.Bytes(), err
}

// right reports whether r is the server's right answer to the question for the given name.
func (s *server) right(r *dns.Msg, number int) bool {
	if s.answers == echoes {
		return r.Response
	}
	if r.Rcode != dns.RcodeSuccess || len(r.Answer) != 1 {
		return false
	}
	ptr, ok := r.Answer[0].(*dns.PTR)
	return ok && (s.answers != theNames || ptr.Ptr == target(number))
}

// absentRcode returns the right rcode for names that do not exist.
func (s *server) absentRcode() int {
	if s.answers == constantly || s.answers == echoes {
		return dns.RcodeSuccess
	}
	return dns.RcodeNameError
}

// serverOf returns the server with the given key.
func serverOf(key string) (*server, error) {
	i := slices.IndexFunc(servers, func(s *server) bool { return s.key == key })
	if i < 0 {
		return nil, fmt.Errorf("no server has the key %q", key)
	}
	return servers[i], nil
}

// tellVersion returns the version that a program tells with the given argument.
func tellVersion(program, arg string) string {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, arg)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // for some it is an error
	return findVersion(stdout.String() + stderr.String())
}

// findVersion returns the first version number in a text.
func findVersion(text string) string {
	return cmp.Or(regexp.MustCompile(`\d+(\.\d+)+[^\s,]*`).FindString(text), "unknown")
}
