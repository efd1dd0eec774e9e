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
	// patience is how long probes may be on their way to this very machine, enough how long it may take to find all sockets.
	patience = 100 * time.Millisecond
	enough   = 5 * time.Second
	// mostSockets is more than there are at an address.
	mostSockets = 1024
)

// A Group is those sockets at an address that are ours, beside others that are bound to it with SO_REUSEPORT, too. The
// kernel numbers all of them, in the order in which they were bound; when one is closed, the last gets its number. A
// program of ours chooses the number for each datagram.
//
// Its methods may be used by any goroutine, one at a time.
type Group struct {
	conns []*Conn
	at    []int // the numbers of conns, as far as they are known
	key   [16]byte

	mu      sync.Mutex // guards the rest
	round   uint32     // of probes
	found   map[*Conn]int
	arrival chan struct{}
}

// NewGroup returns a group without sockets.
func NewGroup() *Group {
	g := &Group{found: make(map[*Conn]int), arrival: make(chan struct{}, 1)}
	rand.Read(g.key[:])
	return g
}

// Add adds a socket, before anything is read from it.
func (g *Group) Add(c *Conn) {
	c.seen = func(p probe) { g.arrived(c, p) }
	g.conns = append(g.conns, c)
}

// SteerFirst has the kernel give all datagrams to this group, if its sockets were the first at their address.
func (g *Group) SteerFirst() error {
	g.at = make([]int, len(g.conns))
	for i := range g.at {
		g.at[i] = i
	}
	return g.attach()
}

// Steer has the kernel give all datagrams to this group, wherever its sockets are. It finds that out by datagrams that it
// sends to the address itself, for which all of the sockets must be read from. On an error the group gets what it got
// before, or its share.
func (g *Group) Steer() error {
	if err := g.attach(); err != nil { // the probes need it
		return err
	}
	at, err := g.locate()
	if err != nil {
		return err
	}
	g.at = at
	return g.attach()
}

// Hold has the kernel give all datagrams to one socket until the next Steer: the one with the lowest number, which is the
// last whose number changes while others are closed.
func (g *Group) Hold() error {
	if len(g.at) < 2 {
		return nil
	}
	g.at = []int{slices.Min(g.at)}
	return g.attach()
}

// attach has the kernel give each probe to the socket whose number is in it, and others to those that are known. They go
// to one at random, for each datagram anew: sockets that wait for the same clients would not have the same load otherwise.
// If none is known, the kernel chooses from all sockets.
func (g *Group) attach() error {
	p := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: probeSize, SkipTrue: 6},
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(probeHeader), SkipTrue: 4},
		bpf.LoadAbsolute{Off: keyOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(g.key[:]), SkipTrue: 2},
		bpf.LoadAbsolute{Off: numberOffset, Size: 4},
		bpf.RetA{},
	}
	if len(g.at) > 1 {
		p = append(p, bpf.LoadExtension{Num: bpf.ExtRand}, bpf.ALUOpConstant{Op: bpf.ALUOpMod, Val: uint32(len(g.at))})
		for i, number := range g.at {
			p = append(p, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(i), SkipTrue: 1}, bpf.RetConstant{Val: uint32(number)})
		}
	}
	last := uint32(nobody)
	if len(g.at) > 0 {
		last = uint32(g.at[0])
	}
	raw, err := bpf.Assemble(append(p, bpf.RetConstant{Val: last}))
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

// nobody is the number of no socket: then the kernel chooses by a hash of the addresses.
const nobody = 1<<31 - 1

// ErrNotSteered is when others get datagrams that are meant for us: the sockets have so much to read that probes get lost.
var ErrNotSteered = errors.New("the kernel gives datagrams to other sockets, too")

// locate finds out which numbers the sockets have, by probes for one number after another. Those for numbers that no
// socket has go where the kernel chooses, after the others: so the lowest number that arrives is that of the socket. But a
// busy socket may lose a probe, so two rounds have to agree.
func (g *Group) locate() ([]int, error) {
	var before []int
	numbers := 2*len(g.conns) + 8
	for begun := time.Now(); time.Since(begun) < enough; {
		at, err := g.probe(numbers)
		switch {
		case err != nil:
			return nil, err
		case at == nil:
			numbers = min(2*numbers, mostSockets)
		case slices.Equal(at, before):
			return at, nil
		}
		before = at
	}
	return nil, ErrNotSteered
}

// probe sends a probe for each of so many numbers, and returns those of our sockets; nil if one of these gets none.
func (g *Group) probe(numbers int) ([]int, error) {
	to := *g.conns[0].LocalAddr().(*net.UDPAddr)
	if to.IP.IsUnspecified() {
		to.IP = net.IPv4(127, 'r', 'e', 'v') // where nobody has another socket, which would get them
	}
	s, err := net.DialUDP("udp", nil, &to)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	g.mu.Lock()
	g.round++
	p := probe{key: g.key, round: g.round}
	clear(g.found)
	g.mu.Unlock()
	for n := range numbers {
		p.number = uint32(n)
		if _, err := s.Write(p.bytes()); err != nil {
			return nil, err
		}
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if at := g.numbers(); at != nil {
			return at, nil
		}
		select {
		case <-g.arrival:
		case <-late.C:
			return nil, nil
		}
	}
}

// arrived takes note of a probe that a socket has got.
func (g *Group) arrived(c *Conn, p probe) {
	g.mu.Lock()
	if n, ok := g.found[c]; p.key == g.key && p.round == g.round && (!ok || int(p.number) < n) {
		g.found[c] = int(p.number)
	}
	g.mu.Unlock()
	select {
	case g.arrival <- struct{}{}:
	default:
	}
}

// numbers returns the number of each socket; nil if one is not found.
func (g *Group) numbers() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := make([]int, len(g.conns))
	for i, c := range g.conns {
		number, ok := g.found[c]
		if !ok {
			return nil
		}
		at[i] = number
	}
	return at
}

// Release has the kernel give no more datagrams to the sockets of the group from the given one on, which are not in the
// group from then on: the others at the address get them. What is queued in them already can be read.
//
// It connects them, since a connected socket gets datagrams from one place only. To close them first would renumber
// others, and lose what is queued.
func (g *Group) Release(from int) error {
	released := g.conns[from:]
	if len(released) == 0 {
		return nil
	}
	g.at = nil
	err := g.attach()
	for _, c := range released {
		err = errors.Join(err, c.setsockopt(c.disconnectOthers))
	}
	g.conns = g.conns[:from:from]
	return err
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

// A probe is a datagram for the socket with a number. To a name server it is a response, which it ignores.
type probe struct {
	key           [16]byte // of the group
	round, number uint32
}

const (
	keyOffset    = 12
	numberOffset = keyOffset + 16 + 4
	probeSize    = numberOffset + 4
)

var probeHeader = []byte{'r', 'm', 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}

func (p probe) bytes() []byte {
	b := slices.Concat(probeHeader, p.key[:])
	b = binary.BigEndian.AppendUint32(b, p.round)
	return binary.BigEndian.AppendUint32(b, p.number)
}

func parseProbe(b []byte) (probe, bool) {
	if len(b) != probeSize || !bytes.HasPrefix(b, probeHeader) {
		return probe{}, false
	}
	u32 := binary.BigEndian.Uint32
	return probe{[16]byte(b[keyOffset:]), u32(b[keyOffset+16:]), u32(b[numberOffset:])}, true
}
