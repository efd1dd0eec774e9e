package datagram

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listen opens a socket that shares its address.
func listen(t *testing.T, addr string) *net.UDPConn {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}), err)
	}}
	s, err := lc.ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*net.UDPConn)
}

func newConn(t *testing.T, s *net.UDPConn) *Conn {
	t.Helper()
	c, err := NewConn(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A counter counts the datagrams of sockets until these are closed.
type counter struct {
	n  atomic.Int64
	wg sync.WaitGroup
}

// other counts those of a socket that is not of the group.
func (n *counter) other(s *net.UDPConn) {
	n.wg.Go(func() {
		for b := make([]byte, QuerySize); ; {
			size, _, err := s.ReadFromUDP(b)
			if err != nil {
				return
			}
			if _, ok := parseProbe(b[:size]); !ok {
				n.n.Add(1)
			}
		}
	})
}

// ours counts those of a Conn, until it is interrupted and empty.
func (n *counter) ours(c *Conn) {
	count := func(batch int) {
		for i := range batch {
			if len(c.Datagram(i)) > 0 {
				n.n.Add(1)
			}
		}
	}
	n.wg.Go(func() {
		for {
			batch, err := c.Receive()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return
			}
			count(batch)
		}
		for last := time.Now(); ; {
			polled := time.Now()
			batch, err := c.Poll()
			if err != nil || batch == 0 && polled.Sub(last) >= 20*time.Millisecond {
				return
			}
			if batch > 0 {
				count(batch)
				last = time.Now()
			}
		}
	})
}

// send sends n datagrams, each from another port.
func send(t *testing.T, to net.Addr, n int) {
	t.Helper()
	addr := *to.(*net.UDPAddr)
	if addr.IP.IsUnspecified() {
		addr.IP = net.IPv4(127, 0, 0, 1)
	}
	for range n {
		s, err := net.DialUDP("udp", nil, &addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

// waitFor returns when holds does.
func waitFor(t *testing.T, holds func() bool, failure func() string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(failure())
		}
	}
}

var addrs = []string{"127.0.0.1:0", "[::1]:0", ":0", "0.0.0.0:0"}

// TestSteer holds that a group gets all datagrams, wherever its sockets are among others.
func TestSteer(t *testing.T) {
	for _, addr := range addrs {
		for _, tc := range []struct{ before, ours, after int }{{0, 1, 1}, {0, 3, 2}, {2, 1, 0}, {1, 3, 2}, {100, 2, 0}} {
			t.Run(fmt.Sprintf("%s/%d+%d+%d", addr, tc.before, tc.ours, tc.after), func(t *testing.T) {
				var ours, others counter
				at := addr
				open := func() *net.UDPConn {
					s := listen(t, at)
					at = s.LocalAddr().String()
					return s
				}
				var closing []*net.UDPConn
				for range tc.before {
					s := open()
					others.other(s)
					closing = append(closing, s)
				}
				g := NewGroup()
				for range tc.ours {
					s := open()
					c := newConn(t, s)
					g.Add(c)
					ours.ours(c)
				}
				for range tc.after {
					others.other(open())
				}
				steered := func(n int64) {
					t.Helper()
					if err := g.Steer(); err != nil {
						t.Fatal(err)
					}
					send(t, g.conns[0].LocalAddr(), 200)
					waitFor(t, func() bool { return ours.n.Load() == n },
						func() string { return fmt.Sprintf("%d of %d arrive", ours.n.Load(), n) })
					if n := others.n.Load(); n != 0 {
						t.Errorf("%d datagrams arrive at other sockets", n)
					}
				}
				steered(200)
				for _, s := range closing { // which changes the numbers of others
					s.Close()
				}
				steered(400)
			})
		}
	}
}

// TestHold holds that a group gets all datagrams while others are closed, one after another, if it has the first socket.
func TestHold(t *testing.T) {
	for _, addr := range addrs {
		var ours counter
		g := NewGroup()
		at := addr
		var closing []*net.UDPConn
		for i := range 6 {
			s := listen(t, at)
			at = s.LocalAddr().String()
			if i >= 1 && i < 4 {
				closing = append(closing, s)
				continue
			}
			c := newConn(t, s)
			g.Add(c)
			ours.ours(c)
		}
		g.at = []int{0, 4, 5}
		if err := g.Hold(); err != nil {
			t.Fatal(err)
		}
		for i := range closing {
			closing[i].Close()
			send(t, g.conns[0].LocalAddr(), 200)
			want := int64(200 * (i + 1))
			waitFor(t, func() bool { return ours.n.Load() == want },
				func() string { return fmt.Sprintf("%s: %d of %d arrive", addr, ours.n.Load(), want) })
		}
	}
}

// TestSteerAllAddresses is about a group at all addresses of the machine, some of which have sockets of their own.
func TestSteerAllAddresses(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0"} {
		other := listen(t, addr)
		at := other.LocalAddr().String()
		_, port, _ := net.SplitHostPort(at)
		for _, own := range []string{"127.0.0.1", "::1"} {
			listen(t, net.JoinHostPort(own, port)) // and reads nothing
		}
		g := NewGroup()
		var n counter
		for range 2 {
			c := newConn(t, listen(t, at))
			g.Add(c)
			n.ours(c)
		}
		n.other(other)
		if err := g.Steer(); err != nil || g.at[0] != 1 || g.at[1] != 2 {
			t.Errorf("%s: the numbers are %v, %v, want 1 and 2", addr, g.at, err)
		}
	}
}

// TestRelease holds that no datagram is lost when a group, or a part of it, goes.
func TestRelease(t *testing.T) {
	for _, addr := range addrs {
		for _, left := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s/%d", addr, left), func(t *testing.T) {
				var all counter
				g := NewGroup()
				at := addr
				for range 3 {
					s := listen(t, at)
					at = s.LocalAddr().String()
					c := newConn(t, s)
					g.Add(c)
					all.ours(c)
				}
				all.other(listen(t, at))
				if err := g.SteerFirst(); err != nil {
					t.Fatal(err)
				}
				to := g.conns[0].LocalAddr()
				sent := make(chan int64)
				stop := make(chan struct{})
				go func() {
					n := int64(0)
					for {
						select {
						case <-stop:
							sent <- n
							return
						default:
						}
						if n-all.n.Load() < 100 { // or else a buffer overflows
							send(t, to, 10)
							n += 10
						}
					}
				}()
				waitFor(t, func() bool { return all.n.Load() > 500 }, func() string { return "nothing arrives" })
				released := g.conns[left:]
				if err := g.Release(left); err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				for _, c := range released {
					c.Interrupt()
					wg.Go(func() {
						time.Sleep(50 * time.Millisecond) // until it is drained
						c.Close()
					})
				}
				wg.Wait()
				if left > 0 {
					if err := g.Steer(); err != nil {
						t.Error(err)
					}
				}
				before := all.n.Load()
				waitFor(t, func() bool { return all.n.Load() > before+500 }, func() string { return "nothing arrives anymore" })
				close(stop)
				n := <-sent
				waitFor(t, func() bool { return all.n.Load() == n },
					func() string { return fmt.Sprintf("%d of %d arrive", all.n.Load(), n) })
			})
		}
	}
}

// echo answers each datagram of a batch with itself and a byte in front.
func echo(c *Conn, n int) {
	for i := range n {
		reply := append(c.Reply()[:0], 'r')
		c.Keep(i, len(append(reply, c.Datagram(i)...)))
	}
	c.Send()
}

// TestReply holds that replies come from the address that was asked, to whoever has asked.
func TestReply(t *testing.T) {
	for _, tc := range []struct {
		listen string
		ask    []string // must answer
	}{
		{"127.0.0.1:0", []string{"127.0.0.1"}},
		{"[::1]:0", []string{"::1"}},
		{"0.0.0.0:0", []string{"127.0.0.1", "127.0.0.2"}},
		{":0", []string{"127.0.0.1", "127.3.4.5", "::1"}},
	} {
		c := newConn(t, listen(t, tc.listen))
		port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		for _, ask := range tc.ask {
			for _, later := range []bool{false, true} {
				addr := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ask), port))
				s, err := net.DialUDP("udp", nil, addr) // takes datagrams from addr only
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				s.SetDeadline(time.Now().Add(5 * time.Second))
				if _, err := s.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
				n, err := c.Receive()
				if err != nil || n != 1 {
					t.Fatalf("%d datagrams, %v", n, err)
				}
				if got, want := c.IPv6(0), addr.IP.To4() == nil; got != want {
					t.Errorf("%s, asked at %s: IPv6 is %t", tc.listen, ask, got)
				}
				client := c.Client(0)
				if want := s.LocalAddr().String(); client.String() != want {
					t.Errorf("%s, asked at %s: the client is %s, want %s", tc.listen, ask, client, want)
				}
				if later {
					if _, err := WriteTo([]byte("rx"), client, c); err != nil {
						t.Error(err)
					}
				} else {
					echo(c, n)
				}
				b := make([]byte, 10)
				if n, err := s.Read(b); err != nil || string(b[:n]) != "rx" {
					t.Errorf("%s, asked at %s: %q, %v", tc.listen, ask, b[:n], err)
				}
			}
		}
	}
}

// TestBatch holds that all of a batch is answered, that one that cannot be answered keeps none from it, and that nothing
// is allocated.
func TestBatch(t *testing.T) {
	c := newConn(t, listen(t, ":0"))
	s := listen(t, "127.0.0.1:0")
	s.SetDeadline(time.Now().Add(10 * time.Second))
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.LocalAddr().(*net.UDPAddr).Port}
	long := make([]byte, 2*QuerySize)
	b := make([]byte, 2*QuerySize)
	exchange := func(each func(n int)) {
		for i := range Batch {
			long[0] = byte(i)
			if _, err := s.WriteToUDP(long[:1+i%30], to); err != nil {
				t.Fatal(err)
			}
		}
		n, err := c.Receive()
		if err != nil || n != Batch {
			t.Fatalf("%d datagrams, %v; want %d", n, err, Batch)
		}
		each(n)
	}
	exchange(func(n int) {
		echo(c, n)
		for i := range n {
			size, err := s.Read(b)
			if err != nil || size != 2+i%30 || b[0] != 'r' || b[1] != byte(i) {
				t.Fatalf("reply %d is %x, %v", i, b[:size], err)
			}
		}
	})
	exchange(func(n int) {
		for i := range n {
			if i%3 == 0 {
				c.names[i].Port = 0 // which cannot be sent to
			}
		}
		echo(c, n)
		for i := range n {
			if i%3 == 0 {
				continue
			}
			if size, err := s.Read(b); err != nil || b[1] != byte(i) {
				t.Fatalf("reply %d is %x, %v", i, b[:size], err)
			}
		}
	})
	if n := testing.AllocsPerRun(20, func() {
		exchange(func(n int) { echo(c, n) })
		for range Batch {
			if _, err := s.Read(b); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for a batch", n)
	}

	if _, err := s.WriteToUDP(long, to); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Receive(); err != nil || n != 1 || len(c.Datagram(0)) != QuerySize {
		t.Errorf("%d datagrams, %v; want the first %d bytes of a long one", n, err, QuerySize)
	}
}

// TestInterrupt holds that a Conn stops waiting and still reads what is there.
func TestInterrupt(t *testing.T) {
	c := newConn(t, listen(t, "127.0.0.1:0"))
	waiting := make(chan error)
	go func() {
		_, err := c.Receive()
		waiting <- err
	}()
	if err := c.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Receive after Interrupt: %v", err)
	}
	if n, err := c.Poll(); n != 0 || err != nil {
		t.Errorf("Poll without a datagram: %d, %v", n, err)
	}
	send(t, c.LocalAddr(), 1)
	if n, err := c.Poll(); n != 1 || err != nil {
		t.Errorf("Poll: %d, %v; want one datagram", n, err)
	}
	c.Close()
	if _, err := c.Receive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive after Close: %v", err)
	}
}
