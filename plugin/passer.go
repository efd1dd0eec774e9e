package revmap

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

const (
	mostPassed  = 1024 // datagrams that CoreDNS answers at a time
	mostWaiting = 1024 // those that wait for that
)

// A passer gives datagrams that the fast path does not want to CoreDNS, which takes them for those of a socket of its own:
// the passer is a net.PacketConn. CoreDNS starts a goroutine for each; the passer sees to it that there are not more than
// mostPassed.
type passer struct {
	local  net.Addr
	write  func(b []byte, client *net.UDPAddr) (int, error) // answers
	queue  chan *passed
	slots  chan struct{} // one for each datagram that is being answered
	quit   chan struct{} // closed when no more datagrams come
	closed sync.Once
	done   chan struct{} // closed when the last was answered
}

// A passed is a datagram on its way to CoreDNS.
type passed struct {
	b      [dns.MinMsgSize]byte
	n      int
	client *net.UDPAddr
}

var passedPool = sync.Pool{New: func() any { return new(passed) }}

// newPasser returns a passer to s, as a socket with a local address. What s answers is written to the clients that pass is
// given.
func newPasser(s *dnsserver.Server, local net.Addr, write func([]byte, *net.UDPAddr) (int, error)) *passer {
	p := &passer{
		local: local,
		write: write,
		queue: make(chan *passed, mostWaiting),
		slots: make(chan struct{}, mostPassed),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	// As in dnsserver.Server.ServePacket. One of the three functions is called for each datagram, and once; what is left
	// to do after the other two is to say that the datagram is wrong.
	server := &dns.Server{
		PacketConn: p,
		Net:        "udp",
		TsigSecret: s.TsigSecret,
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
			defer p.free()
			ctx := context.WithValue(context.Background(), dnsserver.Key{}, s)
			ctx = context.WithValue(ctx, dnsserver.LoopKey{}, 0)
			s.ServeDNS(ctx, w, r)
		}),
		MsgAcceptFunc: func(h dns.Header) dns.MsgAcceptAction {
			action := dns.DefaultMsgAcceptFunc(h)
			if action != dns.MsgAccept {
				p.free()
			}
			return action
		},
		MsgInvalidFunc: func([]byte, error) { p.free() },
	}
	go func() {
		defer close(p.done)
		server.ActivateAndServe()
	}()
	return p
}

func (p *passer) free() { <-p.slots }

// full reports whether so many datagrams wait that no more are taken: under a flood, whom they come from need not be
// written down.
func (p *passer) full() bool { return len(p.queue) == cap(p.queue) }

// pass gives a datagram to CoreDNS, and reports whether it was taken.
func (p *passer) pass(b []byte, client *net.UDPAddr) bool {
	d := passedPool.Get().(*passed)
	d.n, d.client = copy(d.b[:], b), client
	select {
	case p.queue <- d:
		return true
	default:
		passedPool.Put(d)
		return false
	}
}

// close ends the passer once all that it was given is answered. Nothing must be passed anymore.
func (p *passer) close() {
	if p != nil {
		p.closed.Do(func() { close(p.quit) })
	}
}

// ReadFrom implements net.PacketConn.
func (p *passer) ReadFrom(b []byte) (n int, addr net.Addr, err error) {
	p.slots <- struct{}{}
	var d *passed
	select {
	case d = <-p.queue:
	case <-p.quit:
		select {
		case d = <-p.queue:
		default:
			return 0, nil, net.ErrClosed
		}
	}
	n, addr = copy(b, d.b[:d.n]), d.client
	d.client = nil
	passedPool.Put(d)
	return n, addr, nil
}

// WriteTo implements net.PacketConn.
func (p *passer) WriteTo(b []byte, addr net.Addr) (int, error) {
	return p.write(b, addr.(*net.UDPAddr))
}

// LocalAddr implements net.PacketConn.
func (p *passer) LocalAddr() net.Addr { return p.local }

// Close implements net.PacketConn. The sockets are not the passer's.
func (p *passer) Close() error { return nil }

// SetDeadline implements net.PacketConn.
func (p *passer) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (p *passer) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.PacketConn.
func (p *passer) SetWriteDeadline(time.Time) error { return nil }
