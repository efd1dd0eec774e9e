package fastpath_test

import (
	"context"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/bufsize"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	_ "github.com/revmap/revmap/plugin"
)

func TestMain(m *testing.M) {
	if err := dnsserver.SetDirectives([]string{"revmap"}); err != nil {
		panic(err)
	}
	log.SetOutput(io.Discard) // CoreDNS's
	os.Exit(m.Run())
}

// An ordinary path is a server of CoreDNS, without sockets, with the plugin in one server block.
type ordinary struct {
	server *dnsserver.Server
	size   int // of the last message that the plugin wrote, as metrics have it
}

// newOrdinary returns what serves a snapshot with the arguments of the plugin in the server block for all names, behind
// bufsize if that has a size.
func newOrdinary(t testing.TB, content []byte, args string, size uint16) *ordinary {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.snapshot")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	setup, err := caddy.DirectiveAction("dns", "revmap")
	if err != nil {
		t.Fatal(err)
	}
	c := caddy.NewTestController("dns", "revmap "+path+" "+args)
	c.ServerBlockKeys = []string{"."}
	if err := setup(c); err != nil {
		t.Fatal(err)
	}
	config := dnsserver.GetConfig(c)
	config.Zone = "."
	o := &ordinary{}
	if size > 0 {
		config.Plugin = append([]plugin.Plugin{func(next plugin.Handler) plugin.Handler {
			return bufsize.Bufsize{Next: next, Size: int(size)}
		}}, config.Plugin...)
	}
	config.Plugin = append([]plugin.Plugin{o.observe}, config.Plugin...)
	if o.server, err = dnsserver.NewServer("dns://127.0.0.1:53", []*dnsserver.Config{config}); err != nil {
		t.Fatal(err)
	}
	return o
}

// observe is a plugin that sees what prometheus does.
func (o *ordinary) observe(next plugin.Handler) plugin.Handler {
	return plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		return plugin.NextOrFailure("observe", next, ctx, &observer{w, o}, r)
	})
}

type observer struct {
	dns.ResponseWriter
	*ordinary
}

func (w *observer) WriteMsg(m *dns.Msg) error {
	w.size = m.Len()
	return w.ResponseWriter.WriteMsg(m)
}

// respond does what the server of miekg/dns does with a packet (Server.serveDNS), which calls that of CoreDNS. It
// returns the response, nil if there is none, and the message that it is of.
func (o *ordinary) respond(t testing.TB, packet []byte) ([]byte, *dns.Msg) {
	t.Helper()
	w := &packer{ResponseWriter: test.ResponseWriter{RemoteIP: "2001:db8::1"}, t: t}
	r := new(dns.Msg)
	var h dns.Header
	if len(packet) < 12 {
		return nil, nil
	}
	h.Id = uint16(packet[0])<<8 | uint16(packet[1])
	h.Bits = uint16(packet[2])<<8 | uint16(packet[3])
	h.Qdcount = uint16(packet[4])<<8 | uint16(packet[5])
	h.Ancount = uint16(packet[6])<<8 | uint16(packet[7])
	h.Nscount = uint16(packet[8])<<8 | uint16(packet[9])
	h.Arcount = uint16(packet[10])<<8 | uint16(packet[11])
	action := dns.DefaultMsgAcceptFunc(h)
	err := r.Unpack(packet)
	switch {
	case action == dns.MsgIgnore:
		return nil, nil
	case action != dns.MsgAccept || err != nil:
		r = &dns.Msg{MsgHdr: r.MsgHdr, Question: r.Question}
		r.SetRcodeFormatError(r)
		r.Zero = false
		if action == dns.MsgRejectNotImplemented {
			r.Opcode, r.Rcode = int(h.Bits>>11)&0xf, dns.RcodeNotImplemented
		}
		w.WriteMsg(r)
	default:
		o.server.ServeDNS(context.Background(), w, r)
	}
	return w.packed, w.msg
}

// A packer keeps what it is given.
type packer struct {
	test.ResponseWriter
	t      testing.TB
	msg    *dns.Msg
	packed []byte
}

func (w *packer) WriteMsg(m *dns.Msg) error {
	w.msg = m
	var err error
	w.packed, err = m.Pack()
	return err
}

func (w *packer) RemoteAddr() net.Addr {
	return &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 40212}
}
