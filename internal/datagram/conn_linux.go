package datagram

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Batch is how many datagrams are read at once.
	Batch = 64
	// QuerySize is how much of a datagram is read. It is what CoreDNS reads of one; the rest of longer ones is lost.
	QuerySize = 512

	controlSize = 64 // room for one IP_PKTINFO or IPV6_PKTINFO
)

// A mmsghdr is that of recvmmsg(2): Go aligns it as C does.
type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// A Conn is a UDP socket with room for a batch of datagrams and their replies. All of that is allocated once.
//
// One goroutine at a time may use it, but for Interrupt, Close and what Client returns.
type Conn struct {
	udp  *net.UDPConn
	raw  syscall.RawConn
	seen func(probe) // gets the probes of its group

	in, out   [Batch]mmsghdr
	iovIn     [Batch]unix.Iovec
	iovOut    [Batch]unix.Iovec
	names     [Batch]unix.RawSockaddrInet6 // of the senders; large enough for those of IPv4
	control   [Batch][controlSize]byte     // the addresses that the datagrams were sent to
	queries   [Batch][QuerySize]byte
	responses []byte
	reply     int // size of the largest

	n       int // datagrams
	replies int
	used    int // of responses
	sent    int // replies that were sent, or could not be

	receive, send func(fd uintptr) bool // made once, since each would be an allocation
	err           error
	wildcard      bool
}

// NewConn returns a Conn for replies of at most the given size. If the socket has no address of its own, a reply leaves
// from the address that the datagram was sent to.
func NewConn(udp *net.UDPConn, reply int) (*Conn, error) {
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	reply = (reply + 15) &^ 15
	c := &Conn{udp: udp, raw: raw, reply: reply, responses: make([]byte, Batch*reply)}
	c.receive, c.send = c.recvmmsg, c.sendmmsg
	if addr := udp.LocalAddr().(*net.UDPAddr); addr.IP.IsUnspecified() {
		c.wildcard = true
		level, option := unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO // for IPv4 too, with mapped addresses
		if addr.IP.To4() != nil {
			level, option = unix.IPPROTO_IP, unix.IP_PKTINFO
		}
		if err := c.setsockopt(func(fd int) error { return unix.SetsockoptInt(fd, level, option, 1) }); err != nil {
			return nil, err
		}
	}
	for i := range Batch {
		in, out := &c.in[i], &c.out[i]
		c.iovIn[i].Base = &c.queries[i][0]
		c.iovIn[i].SetLen(QuerySize)
		in.Name, in.Iov = (*byte)(unsafe.Pointer(&c.names[i])), &c.iovIn[i]
		in.SetIovlen(1)
		if c.wildcard {
			in.Control = &c.control[i][0]
		}
		out.Iov = &c.iovOut[i]
		out.SetIovlen(1)
	}
	c.n = Batch // so that all are prepared for the first batch
	return c, nil
}

func (c *Conn) setsockopt(set func(fd int) error) error {
	var err error
	return errors.Join(c.raw.Control(func(fd uintptr) { err = set(int(fd)) }), err)
}

// Receive reads a batch: as many datagrams as there are. If there are none, it waits until there are, or until
// Interrupt, after which the error is os.ErrDeadlineExceeded. What an earlier batch had is gone.
func (c *Conn) Receive() (int, error) {
	c.prepare()
	if err := c.raw.Read(c.receive); err != nil {
		return 0, err
	}
	c.takeProbes()
	return c.n, c.err
}

// Poll does what Receive does, but it does not wait, and Interrupt does not concern it.
func (c *Conn) Poll() (int, error) {
	c.prepare()
	if err := c.raw.Control(func(fd uintptr) { c.recvmmsg(fd) }); err != nil {
		return 0, err
	}
	c.takeProbes()
	return c.n, c.err
}

func (c *Conn) prepare() {
	for i := range c.n { // what the kernel has changed
		in := &c.in[i]
		in.Namelen = unix.SizeofSockaddrInet6
		if c.wildcard {
			in.SetControllen(controlSize)
		}
	}
	c.n, c.err, c.replies, c.used, c.sent = 0, nil, 0, 0, 0
}

// recvmmsg reads what there is, and reports whether that was anything.
//
// It and sendmmsg do not tell Go's scheduler of the system call, since they do not wait in it: the scheduler takes any
// that lasts longer than 20 µs for one that waits, as a batch does, and has other threads look for work meanwhile. That
// took a tenth of the time for all that a query needs.
func (c *Conn) recvmmsg(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&c.in)), Batch, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			c.n = int(n)
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		default:
			c.err = errno
		}
		return true
	}
}

func (c *Conn) takeProbes() {
	for i := range c.n {
		if c.in[i].n == probeSize {
			if p, ok := parseProbe(c.Datagram(i)); ok && c.seen != nil {
				c.in[i].n = 0
				c.seen(p)
			}
		}
	}
}

// Datagram returns the i-th datagram of the batch.
func (c *Conn) Datagram(i int) []byte { return c.queries[i][:c.in[i].n] }

// IPv6 reports whether the i-th datagram came by IPv6.
func (c *Conn) IPv6(i int) bool {
	name := &c.names[i]
	return name.Family == unix.AF_INET6 && !mapped(&name.Addr)
}

func mapped(addr *[16]byte) bool {
	return [12]byte(addr[:12]) == [12]byte{10: 0xff, 11: 0xff}
}

// Reply returns room for a reply of at most the size that NewConn was given.
func (c *Conn) Reply() []byte { return c.responses[c.used : c.used+c.reply] }

// Keep has what was written into Reply, n bytes of it, sent to whom the i-th datagram came from. There is one such reply
// at most for each datagram.
func (c *Conn) Keep(i, n int) {
	in, out, iov := &c.in[i], &c.out[c.replies], &c.iovOut[c.replies]
	iov.Base = &c.responses[c.used]
	iov.SetLen(n)
	out.Name, out.Namelen = in.Name, in.Namelen
	if c.wildcard {
		c.anyInterface(i)
		out.Control, out.Controllen = in.Control, in.Controllen
	}
	c.replies++
	c.used += (n + 15) &^ 15
}

// anyInterface lets a reply to the i-th datagram leave from the address that this was sent to, but by the interface that
// the routes say, which may be another than the one it came by. Only addresses of a link need that.
func (c *Conn) anyInterface(i int) {
	const header = unix.SizeofCmsghdr
	b := &c.control[i]
	h := (*unix.Cmsghdr)(unsafe.Pointer(b))
	switch {
	case c.in[i].Controllen < header:
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO:
		(*unix.Inet4Pktinfo)(unsafe.Pointer(&b[header])).Ifindex = 0
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&b[header]))
		if info.Addr[0] != 0xfe || info.Addr[1]&0xc0 != 0x80 {
			info.Ifindex = 0
		}
	}
}

// Send sends the replies that were kept. While the kernel has no room for more, it waits. A reply that cannot be sent is
// left out: there is nobody to tell.
func (c *Conn) Send() error {
	for c.sent < c.replies {
		if err := c.raw.Write(c.send); err != nil {
			return err
		}
	}
	return nil
}

// sendmmsg sends what it can, and reports whether that was anything.
func (c *Conn) sendmmsg(fd uintptr) bool {
	for c.sent < c.replies {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&c.out[c.sent])),
			uintptr(c.replies-c.sent), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			c.sent += int(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			c.sent++ // the first was at fault: it is too long, or the network is gone
		}
	}
	return true
}

// Interrupt ends the waiting of Receive, now and later.
func (c *Conn) Interrupt() error { return c.udp.SetReadDeadline(longAgo) }

// LocalAddr returns the address of the socket.
func (c *Conn) LocalAddr() net.Addr { return c.udp.LocalAddr() }

// Close closes the socket. What the kernel has queued in it is lost.
func (c *Conn) Close() error { return c.udp.Close() }

// A client is whom a datagram came from, and which address it was sent to.
type client struct {
	addr    net.UDPAddr // first, so that its address is the client's
	conn    *Conn
	control []byte
}

// WriteTo sends b to an address that Client has returned, as Send would; by another socket of the same local address if
// that has been closed since. It may be used at any time and by any goroutine.
func WriteTo(b []byte, addr *net.UDPAddr, another *Conn) (int, error) {
	c := (*client)(unsafe.Pointer(addr))
	n, _, err := c.conn.udp.WriteMsgUDP(b, c.control, addr)
	if errors.Is(err, net.ErrClosed) {
		n, _, err = another.udp.WriteMsgUDP(b, c.control, addr)
	}
	return n, err
}

// Client returns the address that the i-th datagram came from. It allocates. What WriteTo needs beside the address hangs on
// to it unseen: plugins look whether the address of a client is a *net.UDPAddr.
func (c *Conn) Client(i int) *net.UDPAddr {
	client := &client{conn: c}
	name := &c.names[i]
	// The port is in the byte order of the network, whatever that of the machine is.
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	addr := &client.addr
	addr.Port = int(port[0])<<8 | int(port[1])
	if name.Family == unix.AF_INET {
		addr.IP = append(net.IP(nil), (*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr[:]...)
	} else {
		addr.IP = append(net.IP(nil), name.Addr[:]...)
		addr.Zone = zone(name.Scope_id)
	}
	if c.wildcard {
		c.anyInterface(i)
		client.control = append([]byte(nil), c.control[i][:c.in[i].Controllen]...)
	}
	return addr
}

// zone returns the zone of an address, as package net has it.
func zone(id uint32) string {
	if id == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(id)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(id), 10)
}
