package main

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

// serve makes this process one of the servers, until ctx is done: "coredns COREFILE", "miekg ADDR" or "echo ADDR".
func serve(ctx context.Context, args []string) error {
	run := map[string]func(string) error{"coredns": serveCoreDNS, "miekg": serveMiekg, "echo": serveEcho}
	if len(args) != 2 || run[args[0]] == nil {
		return errors.New("usage: bench serve coredns|miekg|echo COREFILE|ADDR")
	}
	ended := make(chan error, 1)
	go func() { ended <- run[args[0]](args[1]) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// serveCoreDNS is CoreDNS with few plugins, and one more, constant.
func serveCoreDNS(corefile string) error {
	plugin.Register("constant", func(c *caddy.Controller) error {
		dnsserver.GetConfig(c).AddPlugin(func(plugin.Handler) plugin.Handler { return constant{} })
		return nil
	})
	err := dnsserver.SetDirectives([]string{
		"bind", "ready", "prometheus", "errors", "template", "hosts", "file", "constant",
	})
	if err != nil {
		return err
	}
	os.Args = []string{"coredns", "-conf", corefile}
	coremain.Run()
	return nil
}

// constantTarget is what constant answers lead to. It has the length of most targets.
const constantTarget = "host123456.cust1234.example.com."

// constantAnswer returns the same PTR RR for each question.
func constantAnswer(q *dns.Msg) *dns.Msg {
	r := new(dns.Msg).SetReply(q)
	r.Authoritative = true
	r.Answer = []dns.RR{&dns.PTR{
		Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: ttl},
		Ptr: constantTarget,
	}}
	return r
}

// A constant is the least that a plugin of CoreDNS can do to answer.
type constant struct{}

// Name implements plugin.Handler.
func (constant) Name() string { return "constant" }

// ServeDNS implements plugin.Handler.
func (constant) ServeDNS(_ context.Context, w dns.ResponseWriter, q *dns.Msg) (int, error) {
	return dns.RcodeSuccess, w.WriteMsg(constantAnswer(q))
}

// serveMiekg is the least that a server with the library of CoreDNS can do.
func serveMiekg(addr string) error {
	return dns.ListenAndServe(addr, "udp", dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(constantAnswer(q)) // whoever asked will notice
	}))
}

// serveEcho turns packets into answers and sends them back: the least that a server in Go can do with one socket and one
// packet in each system call.
func serveEcho(addr string) error {
	a, err := net.ResolveUDPAddr("udp4", addr)
	if err != nil {
		return err
	}
	c, err := net.ListenUDP("udp4", a)
	if err != nil {
		return err
	}
	packet := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := c.ReadFromUDPAddrPort(packet)
		if err != nil {
			return err
		}
		if n > 2 {
			packet[2] |= 0x80 // QR
		}
		if _, err := c.WriteToUDPAddrPort(packet[:n], from); err != nil {
			return err
		}
	}
}
