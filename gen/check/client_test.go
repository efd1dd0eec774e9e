package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

func TestRegistrable(t *testing.T) {
	for name, want := range map[string]string{
		"mail.acme.example.": "acme.example.",
		"a.b.c.acme.co.uk.":  "acme.co.uk.",
		"acme.example.":      "acme.example.",
		"example.":           "",
		"co.uk.":             "",
		".":                  "",
		"acme.github.io.":    "github.io.", // where names are given away below a registered domain
		"github.io.":         "github.io.",
		"b.s3.dualstack.us-east-1.amazonaws.com.": "amazonaws.com.",
	} {
		if got := registrable(name); got != want {
			t.Errorf("registrable(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestProblemOf(t *testing.T) {
	op := func(err error) error {
		return &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("read", err)}
	}
	for want, err := range map[problem]error{
		"connection refused": op(syscall.ECONNREFUSED),
		noRoute:              op(syscall.ENETUNREACH),
		silent:               fmt.Errorf("read: %w", context.DeadlineExceeded),
		"dns: bad rdata":     errors.New("dns: bad rdata"),
	} {
		if got := problemOf(err); got != want {
			t.Errorf("problemOf(%v) = %q, want %q", err, got, want)
		}
	}
}

// dnsServer starts a DNS server on UDP and TCP, which answers as f says; nil is no answer.
func dnsServer(t *testing.T, f func(network string, q *dns.Msg) *dns.Msg) netip.AddrPort {
	t.Helper()
	handler := func(network string) dns.Handler {
		return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			if r := f(network, q); r != nil {
				_ = w.WriteMsg(r)
			}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{
		{Listener: l, Handler: handler("tcp")},
		{PacketConn: p, Handler: handler("udp")},
	} {
		ended := make(chan struct{})
		go func() {
			_ = s.ActivateAndServe() // ends with the listener
			close(ended)
		}()
		t.Cleanup(func() { <-ended })
	}
	t.Cleanup(func() { l.Close(); p.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

func testClient(o Options) *client {
	o.Timeout = 50 * time.Millisecond
	return newClient(o)
}

func TestAsk(t *testing.T) {
	var questions atomic.Int32 // in this test
	reply := func(q *dns.Msg, rcode int) *dns.Msg { return new(dns.Msg).SetRcode(q, rcode) }
	tests := []struct {
		name      string
		answer    func(network string, q *dns.Msg) *dns.Msg
		retries   int
		why       problem
		questions int32
	}{
		{"an answer", func(_ string, q *dns.Msg) *dns.Msg { return reply(q, dns.RcodeSuccess) }, 2, "", 1},
		{"no such name", func(_ string, q *dns.Msg) *dns.Msg { return reply(q, dns.RcodeNameError) }, 2, "", 1},
		{"silence", func(string, *dns.Msg) *dns.Msg { return nil }, 2, silent, 3},
		{"an answer to the third try", func(_ string, q *dns.Msg) *dns.Msg {
			if questions.Load() < 3 {
				return nil
			}
			return reply(q, dns.RcodeSuccess)
		}, 2, "", 3},
		{"a failure that passes", func(_ string, q *dns.Msg) *dns.Msg {
			if questions.Load() < 2 {
				return reply(q, dns.RcodeServerFailure)
			}
			return reply(q, dns.RcodeSuccess)
		}, 2, "", 2},
		{"a failure that stays", func(_ string, q *dns.Msg) *dns.Msg { return reply(q, dns.RcodeRefused) }, 1, "REFUSED", 2},
		{"an rcode without a name", func(_ string, q *dns.Msg) *dns.Msg { return reply(q, 15) }, 0, "rcode 15", 1},
		{"a failure without the question", func(_ string, q *dns.Msg) *dns.Msg {
			r := reply(q, dns.RcodeFormatError)
			r.Question = nil
			return r
		}, 0, "FORMERR", 1},
		{"truncated", func(network string, q *dns.Msg) *dns.Msg {
			r := reply(q, dns.RcodeSuccess)
			r.Truncated = network == "udp"
			return r
		}, 0, "", 2},
		{"truncated, and no TCP", func(network string, q *dns.Msg) *dns.Msg {
			if network == "tcp" {
				return nil
			}
			r := reply(q, dns.RcodeSuccess)
			r.Truncated = true
			return r
		}, 0, silent, 2},
		{"truncated over TCP too", func(_ string, q *dns.Msg) *dns.Msg {
			r := reply(q, dns.RcodeSuccess)
			r.Truncated = true
			return r
		}, 0, "the answer over TCP is truncated", 2},
		{"another ID", func(_ string, q *dns.Msg) *dns.Msg {
			r := reply(q, dns.RcodeSuccess)
			r.Id++
			return r
		}, 0, silent, 1},
		{"another question", func(_ string, q *dns.Msg) *dns.Msg {
			r := reply(q, dns.RcodeSuccess)
			r.Question[0].Name = "other.example."
			return r
		}, 0, silent, 1},
		{"a question", func(_ string, q *dns.Msg) *dns.Msg { return q }, 0, silent, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			questions.Store(0)
			addr := dnsServer(t, func(network string, q *dns.Msg) *dns.Msg {
				questions.Add(1)
				return test.answer(network, q)
			})
			_, why, err := testClient(Options{Retries: test.retries}).ask(t.Context(), addr, question("a.example.", dns.TypeA))
			if err != nil || why != test.why || questions.Load() != test.questions {
				t.Errorf("%q, %v after %d questions; want %q after %d", why, err, questions.Load(), test.why, test.questions)
			}
		})
	}
}

// TestPatience: a name server that does not answer is not asked forever, unless it answers in between.
func TestPatience(t *testing.T) {
	var questions, answers atomic.Int32
	addr := dnsServer(t, func(_ string, q *dns.Msg) *dns.Msg {
		questions.Add(1)
		if answers.Add(-1) < 0 {
			return nil
		}
		return new(dns.Msg).SetReply(q)
	})
	c := testClient(Options{})
	ask := func(n int) {
		for range n {
			if _, _, err := c.ask(t.Context(), addr, question("a.example.", dns.TypeA)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(patience - 1)
	answers.Store(1)
	ask(1)
	answers.Store(0)
	ask(patience + 10)
	if n := questions.Load(); n != 2*patience {
		t.Errorf("%d questions, want %d", n, 2*patience)
	}
}

// TestRate: the limit holds for all that ask at a time.
func TestRate(t *testing.T) {
	addr := dnsServer(t, func(_ string, q *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(q) })
	c := newClient(Options{Rate: 100})
	start := time.Now()
	for range 11 {
		if _, why, err := c.ask(t.Context(), addr, question("a.example.", dns.TypeA)); why != "" || err != nil {
			t.Fatal(why, err)
		}
	}
	if d := time.Since(start); d < 95*time.Millisecond {
		t.Errorf("11 questions took %s, want 100 ms at least", d)
	}
}

func inventoryOf(t *testing.T, text string) *model.Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, found, err := source.Load(path)
	if err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	return model.Build(s)
}

const small = `version: 1
defaults:
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
blocks:
  192.0.2.0/24: {}
addresses:
  192.0.2.1: one.example.net
  192.0.2.2: two.example.net
`

// resolved is what a resolver answers, empty.
func resolved(q *dns.Msg, rcode int) *dns.Msg {
	r := new(dns.Msg).SetRcode(q, rcode)
	r.RecursionAvailable = true
	return r
}

// TestNoResolver: a server that does not resolve is one error and not a finding for each name of others; a resolver that
// cannot tell of the root is one.
func TestNoResolver(t *testing.T) {
	inv := inventoryOf(t, small)
	for want, answer := range map[string]func(q *dns.Msg) *dns.Msg{
		"REFUSED": func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeRefused) },
		"no RA":   func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(q) },
		"":        func(q *dns.Msg) *dns.Msg { return resolved(q, dns.RcodeRefused) },
	} {
		o := Options{Timeout: time.Second}
		o.Resolver = dnsServer(t, func(_ string, q *dns.Msg) *dns.Msg { return answer(q) })
		o.Redirect = func(netip.AddrPort) netip.AddrPort { return netip.AddrPort{} }
		checked := 0
		o.Address = func(*Address) { checked++ }
		err := Run(t.Context(), inv, nil, o)
		if want == "" {
			if err != nil || checked != 2 {
				t.Errorf("resolver that refuses the root: %d addresses checked, %v", checked, err)
			}
			continue
		}
		want = fmt.Sprintf("resolver %s does not resolve (%s for . NS): is it an authoritative server?", o.Resolver, want)
		if err == nil || err.Error() != want || checked > 0 {
			t.Errorf("%d addresses checked, error %v, want %s", checked, err, want)
		}
	}
}

// TestResolverSilent: without a resolver there is one error and not a finding for each address, whether it is silent
// from the start or later.
func TestResolverSilent(t *testing.T) {
	inv := inventoryOf(t, small)
	for _, answered := range []int32{0, 1, 5} {
		t.Run(fmt.Sprint(answered), func(t *testing.T) {
			var questions atomic.Int32
			o := Options{Timeout: 50 * time.Millisecond, Address: func(a *Address) { t.Errorf("%s was checked", a.Addr) }}
			o.Resolver = dnsServer(t, func(_ string, q *dns.Msg) *dns.Msg {
				if questions.Add(1) > answered {
					return nil
				}
				return resolved(q, dns.RcodeSuccess)
			})
			o.Redirect = func(netip.AddrPort) netip.AddrPort { return netip.AddrPort{} }
			err := Run(t.Context(), inv, nil, o)
			if want := fmt.Sprintf("ask resolver %s: no answer", o.Resolver); err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

// TestCancel: Run ends with its context, in the middle of waiting for an answer.
func TestCancel(t *testing.T) {
	inv := inventoryOf(t, small)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := Options{Timeout: time.Hour}
	o.Resolver = dnsServer(t, func(_ string, q *dns.Msg) *dns.Msg {
		if strings.HasSuffix(q.Question[0].Name, "arpa.") {
			cancel()
			return nil
		}
		return resolved(q, dns.RcodeSuccess)
	})
	if err := Run(ctx, inv, nil, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// TestNothing: no addresses are not all addresses.
func TestNothing(t *testing.T) {
	if err := Run(t.Context(), inventoryOf(t, small), []netip.Addr{}, Options{}); err != nil {
		t.Errorf("without anything to check, the resolver is missing: %v", err)
	}
}

func TestResolverIn(t *testing.T) {
	for text, want := range map[string]string{
		"nameserver 192.0.2.53\nnameserver 192.0.2.54\n": "192.0.2.53:53",
		"search example.net\nnameserver 2001:db8::53\n":  "[2001:db8::53]:53",
		"nameserver fe80::1%eth0\n":                      "[fe80::1%eth0]:53",
		"search example.net\n":                           "", // none
		"nameserver ns1.example.net\n":                   "",
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := resolverIn(path)
		if (err == nil) != (want != "") || want != "" && got.String() != want {
			t.Errorf("%q: resolver %s, %v; want %s", text, got, err, want)
		}
	}
}
