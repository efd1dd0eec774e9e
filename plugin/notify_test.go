package revmap

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/snapshot"
)

// A secondary listens for NOTIFY on loopback.
type secondary struct {
	addr string

	mu       sync.Mutex
	received []string // zones
}

func newSecondary(t *testing.T) *secondary {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &secondary{addr: conn.LocalAddr().String()}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Opcode == dns.OpcodeNotify && r.Question[0].Qtype == dns.TypeSOA {
			s.received = append(s.received, r.Question[0].Name)
		}
		w.WriteMsg(new(dns.Msg).SetReply(r))
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return s
}

// take returns the zones that were announced, in order, once there are n.
func (s *secondary) take(t *testing.T, n int) []string {
	t.Helper()
	var zones []string
	waitFor(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		zones = slices.Sorted(slices.Values(s.received))
		return len(zones) >= n
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = nil
	return zones
}

// threeZones returns a snapshot of three reverse zones with the given serials; 0 is no zone.
func threeZones(t *testing.T, serials ...int) []byte {
	t.Helper()
	var zones []snapshot.Zone
	for i, name := range []string{first, second, third}[:len(serials)] {
		if serials[i] > 0 {
			zones = append(zones, testZone(name, fmt.Sprintf("198.51.%d.0/24", 100+i), serials[i]))
		}
	}
	return encode(t, zones, nil)
}

const (
	first  = "100.51.198.in-addr.arpa."
	second = "101.51.198.in-addr.arpa."
	third  = "102.51.198.in-addr.arpa."
)

// TestNotify holds which zones a secondary hears of. Each step ends with a change of the first zone, so that there is
// something to wait for where nothing else is to come.
func TestNotify(t *testing.T) {
	s := newSecondary(t)
	path := snapshotFile(t, threeZones(t, 1, 1, 0))
	corefile := func(zones string) string {
		return ".:0 {\nbind 127.0.0.1\ntransfer {\nto " + s.addr + "\n}\nrevmap " + path + zones + " {\nreload 20ms\n}\n}"
	}
	in := start(t, corefile(""))
	defer func() { stopServer(t, in) }()
	expect := func(step string, want ...string) {
		t.Helper()
		if got := s.take(t, len(want)); !slices.Equal(got, want) {
			t.Errorf("%s: announced %q, want %q", step, got, want)
		}
	}
	expect("start", first, second)
	replace(t, path, threeZones(t, 2, 1, 0))
	expect("one changes", first)
	replace(t, path, threeZones(t, 3, 1, 1))
	expect("another is new", first, third)
	replace(t, path, threeZones(t, 4, 0, 1))
	expect("another goes", first)
	replace(t, path, threeZones(t, 3, 0, 1))
	expect("back to an older one", first)
	next, err := in.Restart(input(corefile("")))
	if err != nil {
		t.Fatal(err)
	}
	in = next
	answering(t, in)
	expect("Corefile reload", first, third)
	if next, err = in.Restart(input(corefile(" 100.51.198.in-addr.arpa"))); err != nil {
		t.Fatal(err)
	}
	in = next
	answering(t, in)
	expect("only ZONES", first)
	waitFor(t, func() bool { return value(t, notifiesTotal.WithLabelValues(path, "success")) == 10 })
	if got := value(t, notifiesTotal.WithLabelValues(path, "failure")); got != 0 {
		t.Errorf("Counted %v failures, want none", got)
	}
}

// TestNotifyNotEndless holds that zones that cannot be transferred are not announced, and that the catalog is.
func TestNotifyNotEndless(t *testing.T) {
	s := newSecondary(t)
	content, zones := wholeInventory(t)
	startServer(t, ".:0 {\nbind 127.0.0.1\ntransfer {\nto "+s.addr+"\n}\nrevmap "+snapshotFile(t, content)+"\n}")
	want := []string{"catalog.example."}
	for zone := range zones {
		want = append(want, zone)
	}
	slices.Sort(want)
	if got := s.take(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("Announced %q, want %q", got, want)
	}
}

// TestNotifyDeadSecondary holds that one that does not answer delays nothing but the NOTIFY to those after it.
func TestNotifyDeadSecondary(t *testing.T) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	s := newSecondary(t)
	path := snapshotFile(t, threeZones(t, 1, 1, 1))
	begin := time.Now()
	in := start(t, ".:0 {\nbind 127.0.0.1\ntransfer "+first+" {\nto "+dead.LocalAddr().String()+
		"\n}\ntransfer {\nto "+s.addr+"\n}\nrevmap "+path+" {\nreload 0\n}\n}")
	logged.take()
	if got := s.take(t, 2); !slices.Equal(got, []string{second, third}) {
		t.Errorf("Announced %q, want those of the secondary that answers", got)
	}
	replace(t, path, threeZones(t, 2, 2, 1))
	storeOf(t, in).tick()
	if got := s.take(t, 1); !slices.Equal(got, []string{second}) {
		t.Errorf("Announced %q, want those of the secondary that answers", got)
	}
	stopServer(t, in)
	if d := time.Since(begin); d > 5*time.Second { // a dead secondary takes 6
		t.Errorf("Start, reload and shutdown took %v", d)
	}
	waitFor(t, func() bool { return running(t, "revmap/plugin.(*notifier).run(") == 0 })
	if l := logged.take(); !strings.Contains(l, first) || !strings.Contains(l, "was not accepted") {
		t.Errorf("Logged %q, want the failure", l)
	}
}

// A fakeTransfer is the sending side of a notifier, whose announcements last as long as the test likes.
type fakeTransfer struct {
	begun chan string
	end   chan error
}

func (f *fakeTransfer) send(zone string) error {
	f.begun <- zone
	return <-f.end
}

func newFakeTransfer(t *testing.T, content []byte) (*fakeTransfer, *handler) {
	t.Helper()
	f := &fakeTransfer{begun: make(chan string), end: make(chan error)}
	h := newHandler(t, "revmap "+snapshotFile(t, content), nil)
	h.store.transfer(h.zones, f.send)
	return f, h
}

// TestNotifyChangeWhileSending holds that the last change is announced after it was made, but no change twice.
func TestNotifyChangeWhileSending(t *testing.T) {
	f, h := newFakeTransfer(t, threeZones(t, 1))
	reload := func(serial int) {
		t.Helper()
		replace(t, h.store.path, threeZones(t, serial))
		h.store.tick()
	}
	h.store.start()
	<-f.begun // of serial 1
	reload(2)
	<-f.begun // of serial 2, although that of 1 still waits
	f.end <- nil
	f.end <- nil
	waitFor(t, func() bool { return running(t, "revmap/plugin.(*notifier).run(") == 0 })
	if got := value(t, notifiesTotal.WithLabelValues(h.store.path, "success")); got != 2 {
		t.Errorf("Counted %v, want 2", got)
	}
}

// TestNotifyQueue holds how many zones are announced at once, and that one that waits for its turn is not queued again.
func TestNotifyQueue(t *testing.T) {
	const zones = maxNotifying + 20
	content := func(serial int) []byte {
		var all []snapshot.Zone
		for i := range zones {
			a, b := i/256, i%256
			name := fmt.Sprintf("%d.%d.18.198.in-addr.arpa.", b, a)
			all = append(all, testZone(name, fmt.Sprintf("198.18.%d.%d/32", a, b), serial))
		}
		return encode(t, all, nil)
	}
	f, h := newFakeTransfer(t, content(1))
	h.store.start()
	for range maxNotifying {
		<-f.begun
	}
	for serial := 2; serial <= 3; serial++ { // all zones wait now
		replace(t, h.store.path, content(serial))
		h.store.tick()
	}
	if n := running(t, "revmap/plugin.(*notifier).run("); n != maxNotifying {
		t.Errorf("%d goroutines announce, want %d", n, maxNotifying)
	}
	announced := make(map[string]int)
	logged.take()
	for range maxNotifying {
		f.end <- errors.New("nobody there")
	}
	for range zones {
		announced[<-f.begun]++
		f.end <- errors.New("nobody there")
	}
	waitFor(t, func() bool { return running(t, "revmap/plugin.(*notifier).run(") == 0 })
	if len(announced) != zones {
		t.Errorf("%d zones were announced after the change, want %d", len(announced), zones)
	}
	l := logged.take()
	if strings.Count(l, "\n") != 2 || strings.Count(l, "[WARNING]") != 2 || strings.Count(l, "nobody there") != 2 ||
		!strings.Contains(l, fmt.Sprintf("failed for %d zones", maxNotifying+zones)) {
		t.Errorf("Logged %q, want the first failure and how many there were", l)
	}
	if got := value(t, notifiesTotal.WithLabelValues(h.store.path, "failure")); got != maxNotifying+zones {
		t.Errorf("Counted %v failures, want %d", got, maxNotifying+zones)
	}
}

// TestNotifyFirstSnapshot is about a server that started without one.
func TestNotifyFirstSnapshot(t *testing.T) {
	path := t.TempDir() + "/late.snapshot"
	h := newHandler(t, "revmap "+path+" {\nwait\n}", nil)
	announced := make(chan string)
	h.store.transfer(h.zones, func(zone string) error { announced <- zone; return nil })
	h.store.start()
	replace(t, path, threeZones(t, 1))
	h.store.tick()
	if zone := <-announced; zone != first {
		t.Errorf("Announced %s, want %s", zone, first)
	}
}

// TestNotifyStop holds that a shutdown drops what waits and does not wait for what is being sent.
func TestNotifyStop(t *testing.T) {
	f, h := newFakeTransfer(t, threeZones(t, 1))
	h.store.start()
	<-f.begun
	replace(t, h.store.path, threeZones(t, 2))
	h.store.stop()
	h.store.tick() // one that was under way
	f.end <- nil
	waitFor(t, func() bool { return running(t, "revmap/plugin.(*notifier).run(") == 0 })
	select {
	case zone := <-f.begun:
		t.Errorf("Announced %s after the shutdown", zone)
	default:
	}
}

// TestNotifyPanic holds that a bug costs one announcement and not the process.
func TestNotifyPanic(t *testing.T) {
	h := newHandler(t, "revmap "+snapshotFile(t, threeZones(t, 1)), nil)
	h.store.transfer(h.zones, func(string) error { panic("a bug") })
	logged.take()
	h.store.start()
	waitFor(t, func() bool { return value(t, notifiesTotal.WithLabelValues(h.store.path, "failure")) == 1 })
	var l string
	waitFor(t, func() bool { l += logged.take(); return strings.Contains(l, "a bug") })
	if !strings.Contains(l, "[WARNING]") || !strings.Contains(l, "notify_test.go") {
		t.Errorf("Logged %q, want a warning with a stack", l)
	}
}
