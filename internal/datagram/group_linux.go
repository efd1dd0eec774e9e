package datagram

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var longAgo = time.Unix(1, 0)

const (
	// patience is how long a probe may be on its way to this very machine.
	patience = 500 * time.Millisecond
	// others is how many sockets beside ours are expected: after so many in vain, or so long, locate gives up.
	others = 64
	enough = 5 * time.Second
)

// A Group is those sockets at an address that are ours, beside others that are bound to it with SO_REUSEPORT, too. The
// kernel numbers all of them, in the order in which they were bound; when one is closed, the last gets its number. A
// program of ours chooses the number for each datagram.
//
// Its methods may be used by any goroutine, one at a time.
type Group struct {
	conns []*Conn
	at    []int // the numbers of conns, as far as is known
	key   [16]byte

	mu      sync.Mutex // guards the rest
	serial  uint32     // of the last probe
	arrived map[uint32]*Conn
	arrival chan struct{}
}

// NewGroup returns a group without sockets.
func NewGroup() *Group {
	g := &Group{arrived: make(map[uint32]*Conn), arrival: make(chan struct{}, 1)}
	rand.Read(g.key[:])
	return g
}

// Add adds a socket, before anything is read from it.
func (g *Group) Add(c *Conn) {
	c.seen = func(p probe) {
		if p.key == g.key {
			g.mu.Lock()
			g.arrived[p.serial] = c
			g.mu.Unlock()
			select {
			case g.arrival <- struct{}{}:
			default:
			}
		}
	}
	g.conns = append(g.conns, c)
}

// SteerFirst has the kernel give all datagrams to this group, if its sockets were the first at their address.
func (g *Group) SteerFirst() error {
	g.at = make([]int, len(g.conns))
	for i := range g.at {
		g.at[i] = i
	}
	return g.steer()
}

// errNotSteered is when others get datagrams that are meant for us.
var errNotSteered = errors.New("the kernel gives datagrams to other sockets, too")

// Steer has the kernel give all datagrams to this group, wherever its sockets are. It finds that out by datagrams that it
// sends to the address itself, for which all of the sockets must be read from. On an error the group gets what it got
// before, or its share.
func (g *Group) Steer() error {
	known := len(g.at) == len(g.conns)
	if known {
		ok, err := g.check()
		if ok || err != nil {
			return errors.Join(err, g.steer())
		}
	}
	at, err := g.locate()
	switch {
	case err == nil:
		g.at = at
		return g.steer()
	case known:
		return errors.Join(err, g.steer())
	}
	return errors.Join(err, g.attach(always(nobody)))
}

func (g *Group) steer() error { return g.attach(choose(g.at)) }

// choose returns the program that chooses one of the numbers at random, for each datagram anew: sockets that wait for the
// same clients would not have the same load otherwise.
func choose(numbers []int) []bpf.Instruction {
	n := uint32(len(numbers))
	if n == 1 {
		return always(numbers[0])
	}
	p := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtRand}, bpf.ALUOpConstant{Op: bpf.ALUOpMod, Val: n}}
	for i, number := range numbers {
		p = append(p, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(i), SkipTrue: 1}, bpf.RetConstant{Val: uint32(number)})
	}
	return append(p, always(numbers[0])...)
}

func always(number int) []bpf.Instruction {
	return []bpf.Instruction{bpf.RetConstant{Val: uint32(number)}}
}

// nobody is the number of no socket: then the kernel chooses by a hash of the addresses.
const nobody = 1<<31 - 1

func (g *Group) attach(program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: unsafe.SliceData(filter)}
	return g.conns[0].setsockopt(func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &prog)
	})
}

// check reports whether the sockets have the numbers that are known of them.
func (g *Group) check() (bool, error) {
	for i, number := range g.at {
		c, err := g.probe(number, patience)
		if err != nil || c != g.conns[i] {
			return false, err
		}
	}
	return true, nil
}

// locate finds out which numbers the sockets have. It looks twice: a busy socket may lose a probe.
func (g *Group) locate() ([]int, error) {
	begun := time.Now()
	for _, wait := range []time.Duration{patience / 10, patience} {
		at := make([]int, len(g.conns))
		left := len(at)
		for i := range at {
			at[i] = -1
		}
		for number := 0; ; number++ {
			c, err := g.probe(number, wait)
			if err != nil {
				return nil, err
			}
			if i := slices.Index(g.conns, c); i >= 0 && at[i] < 0 {
				at[i] = number
				left--
			}
			if left == 0 {
				return at, nil
			}
			if number == len(g.conns)+others || time.Since(begun) > enough {
				break
			}
		}
	}
	return nil, errNotSteered
}

// probe sends a probe to the socket with a number, and returns which of the group that is, nil if none.
func (g *Group) probe(number int, patience time.Duration) (*Conn, error) {
	if err := g.attach(always(number)); err != nil {
		return nil, err
	}
	to := *g.conns[0].LocalAddr().(*net.UDPAddr)
	if to.IP.IsUnspecified() {
		if to.IP.To4() == nil {
			to.IP = net.IPv6loopback
			if !loopback6() {
				to.IP = net.IPv4(127, 0, 0, 1)
			}
		} else {
			to.IP = net.IPv4(127, 0, 0, 1)
		}
	}
	s, err := net.DialUDP("udp", nil, &to)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	g.mu.Lock()
	g.serial++
	serial := g.serial
	clear(g.arrived)
	g.mu.Unlock()
	if _, err := s.Write(probe{g.key, serial}.bytes()); err != nil {
		return nil, err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		g.mu.Lock()
		c := g.arrived[serial]
		g.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-g.arrival:
		case <-late.C:
			return nil, nil
		}
	}
}

// loopback6 reports whether the machine has the address ::1.
func loopback6() bool {
	s, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		return false
	}
	s.Close()
	return true
}

// Release has the kernel give no more datagrams to the sockets of the group from the given one on, which are not in the
// group from then on: the others at the address get them. What is queued in them already can be read.
//
// It connects them, since a connected socket gets datagrams from one place only. To close them first would renumber
// others, and lose what is queued.
func (g *Group) Release(from int) ([]*Conn, error) {
	released := g.conns[from:]
	if len(released) == 0 {
		return nil, nil
	}
	err := g.attach(always(nobody))
	for _, c := range released {
		err = errors.Join(err, c.setsockopt(c.disconnectOthers))
	}
	g.conns, g.at = g.conns[:from:from], nil
	return released, err
}

// disconnectOthers connects the socket to an address of this machine that sends nothing: its port is 9 (RFC 863).
func (c *Conn) disconnectOthers(fd int) error {
	local := c.LocalAddr().(*net.UDPAddr)
	v4 := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	v6 := &unix.SockaddrInet6{Port: 9, Addr: [16]byte{15: 1}}
	switch ip4 := local.IP.To4(); {
	case ip4 != nil:
		if !c.wildcard {
			v4.Addr = [4]byte(ip4)
		}
		return unix.Connect(fd, v4)
	case !c.wildcard:
		v6.Addr = [16]byte(local.IP)
		if i, err := net.InterfaceByName(local.Zone); err == nil {
			v6.ZoneId = uint32(i.Index)
		}
		return unix.Connect(fd, v6)
	}
	if unix.Connect(fd, v6) == nil {
		return nil
	}
	v6.Addr = [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1} // there is no ::1 here
	return unix.Connect(fd, v6)
}

// A probe is a datagram that tells where it has arrived. To a name server it is a response, which it ignores.
type probe struct {
	key    [16]byte
	serial uint32
}

const probeSize = 12 + 16 + 4

var probeHeader = []byte{'r', 'm', 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}

func (p probe) bytes() []byte {
	b := slices.Concat(probeHeader, p.key[:])
	return binary.BigEndian.AppendUint32(b, p.serial)
}

func parseProbe(b []byte) (probe, bool) {
	if len(b) != probeSize || !bytes.HasPrefix(b, probeHeader) {
		return probe{}, false
	}
	return probe{[16]byte(b[12:]), binary.BigEndian.Uint32(b[28:])}, true
}
