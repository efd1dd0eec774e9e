package revmap

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
)

// maxNotifying is how many zones are announced at the same time, each from a socket of its own. A secondary that does
// not answer holds up each of them for six seconds, and with them the secondaries after it, which wait the longer for
// the last of many zones, the fewer are announced at once.
const maxNotifying = 1000

// A notifier tells secondaries which zones have changed (RFC 1996). Its goroutines exist only as long as there is
// something to tell. The nil notifier tells nothing.
//
// A notifier is safe for concurrent use. None of its methods waits for a secondary.
type notifier struct {
	path  string                  // of the snapshot, for the metrics
	zones zones                   // no others are announced
	send  func(zone string) error // notifies the secondaries of a zone, and waits for their answers

	mu      sync.Mutex      // guards the rest
	queue   []string        // zones to announce
	queued  map[string]bool // the same zones
	sending int             // goroutines
	failed  int             // zones since there was nothing to tell
	failure error           // the last
	stopped bool
}

// announce queues the zones that g has and old, which may be nil, has not, or with another serial. A zone that is being
// announced already is announced again, one that is still queued is not.
func (n *notifier) announce(old, g *generation) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return
	}
	if n.queued == nil {
		n.queued = make(map[string]bool)
	}
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		if old != nil {
			if was := old.Zone(z.Name); was != nil && was.Serial == z.Serial {
				continue
			}
		}
		if n.queued[z.Name] || !n.zones.contain(z.Name) || g.Reader().Endless(z) != nil {
			continue
		}
		zone := strings.Clone(z.Name) // does not keep the snapshot in memory
		n.queue = append(n.queue, zone)
		n.queued[zone] = true
	}
	for range min(len(n.queue), maxNotifying-n.sending) {
		n.sending++
		go n.run()
	}
}

// stop drops what is queued.
func (n *notifier) stop() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped, n.queue, n.queued = true, nil, nil
}

// run announces zones until none is queued.
func (n *notifier) run() {
	for {
		zone, ok := n.next()
		if !ok {
			return
		}
		n.note(n.notify(zone))
	}
}

// next takes a zone from the queue. If there is none, a goroutine ends.
func (n *notifier) next() (zone string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) > 0 {
		zone, n.queue = n.queue[0], n.queue[1:]
		delete(n.queued, zone)
		return zone, true
	}
	n.sending--
	if n.sending == 0 {
		if n.failed > 1 {
			log.Warningf("Notifying secondaries failed for %d zones, the last time: %v", n.failed, n.failure)
		}
		n.failed, n.failure = 0, nil
	}
	return "", false
}

// notify announces a zone. A panic, which nobody else would recover from, is an error.
func (n *notifier) notify(zone string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return n.send(zone)
}

// note counts what came of an announcement, and logs the first failure: if a secondary is down, all zones fail.
func (n *notifier) note(err error) {
	if err == nil {
		notifiesTotal.WithLabelValues(n.path, "success").Inc()
		return
	}
	notifiesTotal.WithLabelValues(n.path, "failure").Inc()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failed, n.failure = n.failed+1, err
	if n.failed == 1 {
		log.Warningf("Notifying secondaries failed: %v", err)
	}
}
