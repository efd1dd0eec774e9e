package revmap

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/coredns/coredns/plugin/pkg/reuseport"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/datagram"
	"github.com/revmap/revmap/internal/fastpath"
)

// A listener is what the fast path has open at one address: sockets, each with a goroutine that answers. It outlives the
// runs of a Corefile, as the sockets of CoreDNS do, so that no datagram gets lost when one run follows another.
type listener struct {
	addr    string
	group   *datagram.Group
	workers []*worker
	plan    *plan // nil until CoreDNS serves
}

// listeners are those of this process, by their addresses. The lock guards the plans of all runs, too.
var listeners = struct {
	sync.Mutex
	byAddr map[string]*listener
}{byAddr: make(map[string]*listener)}

// setupFastpath has h, which stands at a place of the Corefile, answered by the fast path.
func (in *instance) setupFastpath(c *caddy.Controller, at string, h *handler, workers int) error {
	if err := untold(dnsserver.GetConfig(c)); err != nil {
		return err
	}
	if in.plans == nil {
		listeners.Lock()
		in.plans = make(map[string]*plan)
		listeners.Unlock()
		c.OnFirstStartup(func() error { in.first = true; return nil })
		c.OnShutdown(func() error {
			if in.replaced() { // or else the process ends, as late as the lameduck of the health plugin says
				in.waitForPassed()
				in.endFastpath()
			}
			return nil
		})
		c.OnFinalShutdown(func() error { in.endFastpath(); return nil })
	}
	dnsserver.GetConfig(c).UDPDecorateWriterFunc = func(s *dnsserver.Server) dns.DecorateWriter {
		if p := in.plans[transportless(s.Addr)]; p != nil {
			p.serve(s)
		}
		return nil
	}
	c.OnStartup(func() error {
		listeners.Lock()
		err := in.planFastpath(c, h, workers)
		listeners.Unlock()
		if err != nil {
			return failed(at, err)
		}
		if !in.first {
			return nil // this run can still fail, and then what arrives at sockets of its own would be lost
		}
		for _, p := range in.plans {
			p.lookForOthers()
		}
		for _, p := range in.plans {
			if err := p.listenFirst(); err != nil {
				return failed(at, err)
			}
		}
		return nil
	})
	return nil
}

// lookForOthers tells of another process at the address. CoreDNS lets it share the port, so that nothing else would.
func (p *plan) lookForOthers() {
	_, port, _ := net.SplitHostPort(p.addr)
	listeners.Lock()
	defer listeners.Unlock()
	for addr := range listeners.byAddr {
		if _, other, _ := net.SplitHostPort(addr); other == port {
			return // one of our own at all addresses would look the same
		}
	}
	s, err := net.ListenPacket("udp", p.addr)
	if err == nil {
		s.Close()
	} else if errors.Is(err, syscall.EADDRINUSE) {
		log.Warningf("Another process has a socket at %s, too: what is sent to an address of both is for the fast path alone", p.addr)
	}
}

// listenFirst opens the sockets before CoreDNS opens its own, so that they are the first at the address.
func (p *plan) listenFirst() error {
	listeners.Lock()
	defer listeners.Unlock()
	l, err := p.listen()
	if err != nil {
		return err
	}
	if err := l.group.SteerFirst(); err != nil {
		log.Warningf("The fast path gets only some of the datagrams to %s: %v", p.addr, err)
	}
	return nil
}

// listen returns the listener of the address, with at least as many workers as the plan asks for.
func (p *plan) listen() (*listener, error) {
	l := listeners.byAddr[p.addr]
	if l == nil {
		l = &listener{addr: p.addr, group: datagram.NewGroup()}
		listeners.byAddr[p.addr] = l
	}
	for len(l.workers) < p.workers {
		// The same way as CoreDNS opens its own: otherwise they would not share the address.
		s, err := reuseport.ListenPacket("udp", p.addr)
		if err != nil {
			return nil, fmt.Errorf("fastpath: %w", err)
		}
		conn, err := datagram.NewConn(s.(*net.UDPConn), fastpath.MaxResponse)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("fastpath: %w", err)
		}
		l.group.Add(conn)
		l.workers = append(l.workers, &worker{addr: p.addr, conn: conn, done: make(chan struct{})})
	}
	return l, nil
}

// serve takes the place of the plan that was served before, now that s serves.
func (p *plan) serve(s *dnsserver.Server) {
	listeners.Lock()
	defer listeners.Unlock()
	if p.server != nil {
		return // this is another socket of the same address
	}
	p.server = s
	defer close(p.served)
	l, err := p.listen()
	if err != nil {
		log.Errorf("Not all workers of the fast path at %s work: %v", p.addr, err)
	}
	if l == nil || len(l.workers) == 0 {
		return
	}
	first := l.workers[0].conn // no other is there longer
	p.passer = newPasser(s, first.LocalAddr(), func(b []byte, client *net.UDPAddr) (int, error) {
		return datagram.WriteTo(b, client, first)
	})
	before := l.plan
	l.plan = p
	for _, w := range l.workers {
		w.follow(p)
		if !w.running {
			w.running = true
			go w.run()
		}
	}
	if before == nil {
		return
	}
	if before.sockets > p.sockets { // which are closed next
		if err := l.group.Hold(); err != nil {
			log.Warningf("Datagrams to %s may get lost: %v", p.addr, err)
		}
	}
	before.passer.close()
}

// steer sees to it, once the sockets of a run before are closed, that the fast path gets all datagrams.
func (in *instance) steer() {
	for _, p := range in.plans {
		select {
		case <-p.served:
		case <-time.After(5 * time.Second):
			log.Errorf("CoreDNS does not serve %s", p.addr)
			continue
		}
		p.steer()
	}
}

// steerAgain is how long what did not work is left alone. A test changes it.
var steerAgain = 30 * time.Second

// steer has the fast path get all datagrams to the address. In a flood that can take several attempts.
func (p *plan) steer() {
	listeners.Lock()
	defer listeners.Unlock()
	l := listeners.byAddr[p.addr]
	if l == nil || l.plan != p {
		return // that is for another run now
	}
	l.retire(p.workers)
	err := l.group.Steer()
	switch {
	case err != nil && !p.shares:
		log.Warningf("The fast path gets only some of the datagrams to %s: %v", p.addr, err)
	case err == nil && p.shares:
		log.Infof("The fast path gets all datagrams to %s again", p.addr)
	}
	p.shares = err != nil
	if errors.Is(err, datagram.ErrNotSteered) {
		time.AfterFunc(steerAgain, p.steer)
	}
}

// endFastpath closes what no other run of a Corefile goes on with.
func (in *instance) endFastpath() {
	listeners.Lock()
	defer listeners.Unlock()
	for addr := range in.plans {
		if l := listeners.byAddr[addr]; l != nil && in.successor(addr) == nil {
			delete(listeners.byAddr, addr)
			l.retire(0)
			if l.plan != nil {
				l.plan.passer.close()
			}
		}
	}
}

// waitForPassed waits until what was passed on to the servers of this run is answered, if another run goes on at the
// address: then the plugins of this one may end. CoreDNS waits as long for its own queries.
func (in *instance) waitForPassed() {
	var waits []<-chan struct{}
	listeners.Lock()
	for addr, p := range in.plans {
		if next := in.successor(addr); next != nil && p.passer != nil {
			waits = append(waits, next.served, p.passer.done)
		}
	}
	listeners.Unlock()
	grace := time.NewTimer(5 * time.Second)
	defer grace.Stop()
	for _, done := range waits {
		select {
		case <-done:
		case <-grace.C:
			return
		}
	}
}

// replaced reports whether another run of a Corefile has begun.
func (in *instance) replaced() bool {
	return slices.ContainsFunc(caddy.Instances(), func(other *caddy.Instance) bool { return of(other) != in })
}

// successor returns the plan that another run has for an address; nil if there is none. The caller holds listeners.
func (in *instance) successor(addr string) *plan {
	for _, other := range caddy.Instances() {
		if shared := of(other); shared != nil && shared != in && shared.plans[addr] != nil {
			return shared.plans[addr]
		}
	}
	return nil
}

// retire ends all workers but the first few. What has arrived at their sockets is answered, what arrives from now on is
// for the others at the address.
func (l *listener) retire(left int) {
	if len(l.workers) <= left {
		return
	}
	retired := l.workers[left:]
	l.workers = l.workers[:left:left]
	if err := l.group.Release(left); err != nil {
		log.Warningf("Datagrams to %s may get lost: %v", l.addr, err)
	}
	for _, w := range retired {
		w.conn.Interrupt()
	}
	for _, w := range retired {
		if w.running {
			<-w.done
		}
	}
	// What was passed on is answered through these sockets, if no others are left. CoreDNS has as long to stop.
	grace := time.NewTimer(5 * time.Second)
	defer grace.Stop()
	if l.plan != nil && left == 0 {
		l.plan.passer.close()
		select {
		case <-l.plan.passer.done:
		case <-grace.C:
		}
	}
	for _, w := range retired {
		w.conn.Close()
	}
}

// A worker answers what arrives at one socket.
type worker struct {
	addr    string
	conn    *datagram.Conn
	running bool
	done    chan struct{} // closed when run returns

	mu     sync.Mutex // held while a batch is answered; guards the rest
	passer *passer
	uses   []workerUse
	tally  *tally
	batch  [datagram.Batch][]byte
	at     int // in the batch
	usable int // how many of uses are prepared for the batch
	marks  [datagram.Batch]mark
	marked int
}

// A workerUse is one worker's part of a use.
type workerUse struct {
	*use
	responder *fastpath.Responder
}

// follow has the worker answer what p says, from the next batch on.
func (w *worker) follow(p *plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passer, w.tally, w.uses = p.passer, newTally(p), nil
	for _, u := range p.uses {
		w.uses = append(w.uses, workerUse{use: u, responder: fastpath.New(u.options)})
	}
}

// quiet is how long nothing has arrived at a socket that gets no more datagrams when it is closed: the kernel may have
// chosen it for one that it has not delivered yet. A test changes it.
var quiet = 5 * time.Millisecond

// mostLeft is more batches than are left in a socket: if there are more, it still gets datagrams, since Release has failed.
const mostLeft = 1 << 12

// run answers until the worker is interrupted, and then what has arrived already.
func (w *worker) run() {
	defer close(w.done)
	for {
		n, err := w.conn.Receive()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			w.drain()
			return
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			log.Errorf("The fast path cannot read from %s: %v", w.addr, err)
			time.Sleep(100 * time.Millisecond) // not as fast as it can
		}
		w.serve(n)
		if n == datagram.Batch {
			runtime.Gosched() // a flood must not keep others waiting until the scheduler interrupts
		}
	}
}

// drain answers what is left. A busy machine may halt anywhere in it, so that only an empty socket tells that nothing is.
func (w *worker) drain() {
	last := time.Now()
	for range mostLeft {
		polled := time.Now()
		n, err := w.conn.Poll()
		switch {
		case err != nil, n == 0 && polled.Sub(last) >= quiet:
			return
		case n == 0:
			time.Sleep(quiet / 5)
		default:
			w.serve(n)
			last = time.Now()
		}
	}
}

// serve answers a batch.
func (w *worker) serve(n int) {
	if n == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	begun := time.Now()
	for i := range n {
		w.batch[i] = w.conn.Datagram(i)
	}
	w.at, w.marked, w.usable = 0, 0, 0
	w.prepare(w.batch[:n])
	for w.at < n {
		w.answer(n)
	}
	w.prepare(nil) // one generation that is served no more must not stay in memory because of us
	w.conn.Send()
	w.tally.count(w.marks[:w.marked], time.Since(begun))
}

// prepare has all uses look at a batch.
func (w *worker) prepare(batch [][]byte) {
	defer func() {
		if p := recover(); p != nil {
			w.panicked(p)
		}
	}()
	for w.usable = 0; w.usable < len(w.uses); w.usable++ {
		u := &w.uses[w.usable]
		var g *authority.Generation
		if batch != nil {
			if serving := u.handler.store.generation.Load(); serving != nil {
				g = serving.Generation
			}
		}
		u.responder.Prepare(batch, g)
	}
}

// answer answers the datagrams from w.at on, up to one that makes it panic, which is left to CoreDNS.
func (w *worker) answer(n int) {
	defer func() {
		if p := recover(); p != nil {
			w.panicked(p)
			w.pass()
			w.at++
		}
	}()
	for ; w.at < n; w.at++ {
		if len(w.batch[w.at]) >= minMessage && !w.respond() {
			w.pass()
		}
	}
}

func (w *worker) panicked(p any) {
	log.Errorf("The fast path panics: %v\n%s", p, debug.Stack())
	vars.Panic.Inc()
}

// respond answers the datagram at w.at, and reports whether it is one for the fast path.
func (w *worker) respond() bool {
	for i := range w.uses[:w.usable] {
		u := &w.uses[i]
		r := u.responder.RespondTo(w.at, w.conn.Reply())
		if r.N == 0 {
			continue
		}
		w.conn.Keep(w.at, r.N)
		w.marks[w.marked] = mark{use: i, result: r, query: len(w.batch[w.at]), ipv6: w.conn.IPv6(w.at)}
		w.marked++
		return true
	}
	return false
}

// pass gives the datagram at w.at to CoreDNS.
func (w *worker) pass() {
	if w.passer.full() || !w.passer.pass(w.batch[w.at], w.conn.Client(w.at)) {
		w.tally.dropped.n++
	} else {
		w.tally.passed.n++
	}
}
