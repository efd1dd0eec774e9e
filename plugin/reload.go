package revmap

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// A generation is a snapshot loaded in this process. It is immutable, but for what was logged of it.
type generation struct {
	*authority.Generation
	loaded  time.Time
	number  int      // of the generations that led to it
	journal journal  // nil unless its zones are transferred
	refused sync.Map // names of the zones that were not transferred, which was logged
}

// generations has, for each path, the generation that was taken over last from there, as long as something serves it.
// So all server blocks, and the two instances that there are while a Corefile reloads, share one. The pointers are weak
// so that nobody has to give back what he holds: Caddy does not tell an instance that failed to start to do so.
//
// The lock is held while a snapshot loads: two stores that find the same new one do not both read it, and there is
// memory for only one beside those that are served.
var generations = struct {
	sync.Mutex
	byPath      map[string]weak.Pointer[generation]
	transferred map[string]bool // the paths of those that get a journal
}{byPath: make(map[string]weak.Pointer[generation]), transferred: make(map[string]bool)}

// A store holds the generation that one use of the plugin serves, and replaces it when the snapshot changes.
//
// Queries use generation only. The other methods are safe for concurrent use too.
type store struct {
	path      string
	interval  time.Duration // between reloads; 0 is never
	maxShrink int           // percent
	zones     zones         // that it is asked for

	generation atomic.Pointer[generation] // nil until the first is loaded
	notifier   *notifier                  // nil if there is no transfer plugin; not changed after start

	refusal *refusal // of the snapshot that maxShrink refused last, nil if it is not there anymore; guarded by generations

	mu      sync.Mutex // guards the rest; not held while reading files
	failure string     // text of the error of the last attempt; "" if it succeeded
	info    []string   // labels of snapshotInfo that were published last
	stopped bool
	quit    chan struct{} // closed when stopped
}

// openStore returns a store with a generation: that of the snapshot, or, if the snapshot is bad but this process serves
// an earlier one, that one. If there is neither, it fails unless o.wait.
func openStore(o options) (*store, error) {
	s := &store{path: o.path, interval: o.reload, maxShrink: o.maxShrink, zones: o.zones, quit: make(chan struct{})}
	generations.Lock()
	if g := generations.byPath[s.path].Value(); g != nil {
		s.generation.Store(g)
		s.logZones(g.Reader())
	}
	generations.Unlock()
	_, err := s.reload()
	if err != nil && s.generation.Load() == nil && !o.wait {
		return nil, fmt.Errorf("%w: %s, or use wait to start without", err, s.fix(err))
	}
	s.note(err)
	return s, nil
}

// fix returns what to do so that s can start, which it cannot because of err.
func (s *store) fix(err error) string {
	ext := filepath.Ext(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "make one with revmap compile -o " + s.path
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("let the user that CoreDNS runs as, with the id %d, read it", os.Geteuid())
	case ext == ".yaml" || ext == ".yml":
		return "make a snapshot of it with revmap compile"
	}
	return "put a good snapshot there"
}

// transfer prepares the store for zone transfers: those of the given zones are announced with send from start on.
func (s *store) transfer(zones zones, send func(zone string) error) {
	s.notifier = &notifier{path: s.path, zones: zones, send: send}
	generations.Lock()
	defer generations.Unlock()
	generations.transferred[s.path] = true
}

// start publishes the store's metrics, tells the secondaries and begins to watch the snapshot.
func (s *store) start() {
	s.publish()
	if g := s.generation.Load(); g != nil {
		s.notifier.announce(nil, g)
	}
	if s.interval > 0 {
		go s.watch()
	}
}

// stop ends watching and removes the store's metrics. It does not wait for a reload that is under way.
func (s *store) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.quit)
		s.notifier.stop()
		unpublish(s.path)
	}
	return nil
}

// watch calls tick until the store is stopped. It comes up to a tenth early, so that servers that were started together
// do not all read at once.
func (s *store) watch() {
	for {
		t := time.NewTimer(s.interval - rand.N(s.interval/10+1))
		select {
		case <-s.quit:
			t.Stop()
			return
		case <-t.C:
			s.tick()
		}
	}
}

// tick reloads once. A panic, which nobody else would recover from, ends the attempt and not the process.
func (s *store) tick() {
	defer func() {
		if p := recover(); p != nil {
			s.report(false, fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack()))
		}
	}()
	changed, err := s.reload()
	s.report(changed, err)
	if changed {
		// The generation before is no part of Go's heap, so nothing else would make the garbage collector look whether it
		// is still used: a server that few ask would keep it for minutes, and several if the snapshot changes often.
		runtime.GC()
	}
}

// report tells metrics and log what came of a reload.
func (s *store) report(changed bool, err error) {
	if changed || err != nil {
		reloadsTotal.WithLabelValues(s.path, result(err)).Inc()
	}
	s.note(err)
	s.publish()
}

// reload takes over the snapshot that is at s.path now, if it is not served already. If it is not good, the generation
// stays.
func (s *store) reload() (changed bool, err error) {
	generations.Lock()
	defer generations.Unlock()
	old := s.generation.Load()
	g, err := s.load(old)
	if err != nil || g == old {
		return false, err
	}
	generations.byPath[s.path] = weak.Make(g)
	s.refusal = nil
	s.generation.Store(g)
	s.notifier.announce(old, g)
	log.Infof("Serving snapshot %s: %d entries in %d zones, commit %q, id %.16s",
		s.path, g.Reader().Len(), len(g.Reader().Zones()), g.Reader().Commit(), g.Reader().ID())
	if old == nil {
		s.logZones(g.Reader())
	} else if n, z := older(old.Reader(), g.Reader()); n > 0 {
		log.Warningf("Snapshot %s is older than the one before: %d zones have a lower serial, the first is %s with %d",
			s.path, n, z.Name, z.Serial)
	}
	return true, nil
}

// load returns the generation for the snapshot that is at s.path now. It is old if that has not changed. The caller
// holds generations.
func (s *store) load(old *generation) (*generation, error) {
	// The checksum in the header decides whether the file has changed. Size and time would miss a file that was
	// overwritten within a tick of the clock, or copied together with its time.
	fi, err := os.Stat(s.path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() { // opening a FIFO would wait for a writer
		return nil, fmt.Errorf("%s is not a regular file", s.path)
	}
	id, err := snapshot.ReadID(s.path)
	if err != nil {
		return nil, err
	}
	if old != nil && id == old.Reader().ID() {
		return old, nil
	}
	if s.refusal != nil && id == s.refusal.id {
		return nil, s.refusal
	}
	latest := generations.byPath[s.path].Value()
	g := latest
	if latest == nil || id != latest.Reader().ID() {
		r, err := snapshot.Open(s.path)
		if err != nil {
			return nil, err
		}
		a, err := authority.New(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		g = &generation{Generation: a, loaded: time.Now()}
	}
	if old != nil {
		was, is := int64(old.Reader().Len()), int64(g.Reader().Len())
		if is == 0 && was > 0 || (was-is)*100 > was*int64(s.maxShrink) {
			s.refusal = &refusal{id: g.Reader().ID(), path: s.path, was: was, is: is, maxShrink: s.maxShrink}
			return nil, s.refusal
		}
	}
	// Secondaries may have followed another store, so what counts is what was loaded last, by whichever.
	if latest = cmp.Or(latest, old); g != latest && latest != nil {
		g.number = latest.number + 1
		if generations.transferred[s.path] {
			g.journal = newJournal(latest, g)
		}
	}
	return g, nil
}

// A refusal is the error for a snapshot that has lost too many entries.
type refusal struct {
	id, path  string
	was, is   int64 // entries
	maxShrink int
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s would take the entries from %d to %d, which max_shrink %d forbids: "+
		"raise it, or restart the server, if that is meant", r.path, r.was, r.is, r.maxShrink)
}

var errPanic = errors.New("panic")

// result returns the word for err in the metrics.
func result(err error) string {
	var refused *refusal
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.Is(err, snapshot.ErrVersion):
		return "version"
	case errors.Is(err, snapshot.ErrChecksum):
		return "checksum"
	case errors.Is(err, snapshot.ErrFormat):
		return "format"
	case errors.As(err, &refused):
		return "shrunk"
	case errors.Is(err, errPanic):
		return "panic"
	}
	return "unreadable"
}

// note logs the error of an attempt, or its absence, but not what it has logged before.
func (s *store) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case text == s.failure:
	case text == "":
		log.Infof("Snapshot %s is good again", s.path)
	case s.generation.Load() == nil:
		log.Errorf("No snapshot yet, answering SERVFAIL: %s", text)
	default:
		log.Errorf("Keeping the snapshot that is served: %s", text)
	}
	s.failure = text
}

// logZones tells which zones of the store and of a snapshot, the first that it has, have nothing to do with each other.
// That can be meant; but a zone that is not spelled right looks just so, and its queries are refused.
func (s *store) logZones(r *snapshot.Reader) {
	loaded := make(zones, len(r.Zones()))
	for i := range loaded {
		loaded[i] = r.Zones()[i].Name
	}
	if elsewhere := loaded.apartFrom(s.zones); len(elsewhere) > 0 {
		log.Infof("Not served, since they are outside of %s: %s and %d more zones of the snapshot",
			strings.Join(s.zones, " "), elsewhere[0], len(elsewhere)-1)
	}
	for _, zone := range s.zones.apartFrom(loaded) {
		log.Warningf("No zone of snapshot %s is at, below or above %s: queries for it are not answered", s.path, zone)
	}
}

// apartFrom returns the zones that are neither at nor below nor above one of others: of both there can be thousands.
func (z zones) apartFrom(others zones) zones {
	at, above := make(map[string]bool, len(others)), make(map[string]bool, len(others))
	for _, name := range others {
		at[name] = true
		for parent := range ancestors(name) {
			above[parent] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(z), func(name string) bool {
		if above[name] {
			return true
		}
		for parent := range ancestors(name) {
			if at[parent] {
				return true
			}
		}
		return false
	})
}

// ancestors returns a name, those above it and the root, in that order.
func ancestors(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name != "" && name != "." {
			if !yield(name) {
				return
			}
			_, name, _ = strings.Cut(name, ".")
		}
		yield(".")
	}
}

// older returns how many zones have a lower serial in r than they had before (RFC 1982 section 3.2), and the first.
func older(before, r *snapshot.Reader) (n int, first *snapshot.Zone) {
	serials := make(map[string]uint32, len(before.Zones()))
	for i := range before.Zones() {
		serials[before.Zones()[i].Name] = before.Zones()[i].Serial
	}
	for i := range r.Zones() {
		z := &r.Zones()[i]
		if was, ok := serials[z.Name]; ok && int32(z.Serial-was) < 0 {
			if n == 0 {
				first = z
			}
			n++
		}
	}
	return n, first
}
