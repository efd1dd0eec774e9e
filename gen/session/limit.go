package session

import (
	"fmt"
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/users"
)

// A LimitError tells that there was too much that was wrong, or too much at once. Whether the password or token of this
// request is right was not looked at.
type LimitError struct{ Wait time.Duration }

func (e *LimitError) Error() string {
	return fmt.Sprintf("too many attempts: try again in %d s", e.Seconds())
}

// Seconds returns how long to wait, for a Retry-After header.
func (e *LimitError) Seconds() int { return int(math.Ceil(e.Wait.Seconds())) }

// forget is after how much time without a failure all failures are forgotten. A success forgets nothing: those who
// guess would profit from each success of the person whose password they want.
const forget = time.Hour

// buckets is how many counters a limiter has. What is counted shares one with others by a hash that nobody outside
// knows, so that a limiter has a fixed size however many networks and logins are tried, and nothing is pushed out of
// it.
const buckets = 1 << 16

// A limiter counts failures by key, and makes keys with more than a few of them wait, twice as long after each.
type limiter struct {
	free int           // failures without a wait
	most time.Duration // wait
	seed maphash.Seed

	lock     sync.Mutex
	failures []failures // buckets
}

type failures struct {
	count int
	last  time.Time
}

func newLimiter(free int, most time.Duration) limiter {
	return limiter{free: free, most: most, seed: maphash.MakeSeed(), failures: make([]failures, buckets)}
}

func (l *limiter) of(key string) *failures { return &l.failures[maphash.String(l.seed, key)%buckets] }

// wait returns how long a key has to wait.
func (l *limiter) wait(key string, now time.Time) time.Duration {
	l.lock.Lock()
	defer l.lock.Unlock()
	f := l.of(key)
	over := f.count - l.free
	if over < 0 {
		return 0
	}
	wait := min(time.Second<<min(over, 20), l.most)
	return max(0, wait-now.Sub(f.last))
}

// failed counts a failure.
func (l *limiter) failed(key string, now time.Time) {
	l.lock.Lock()
	defer l.lock.Unlock()
	f := l.of(key)
	if now.Sub(f.last) >= forget {
		f.count = 0
	}
	f.count++
	f.last = now
}

// slots is how many passwords are compared at once: that takes a processor a quarter of a second.
func slots() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// queue is how long a request waits for its turn.
const queue = 5 * time.Second

// password returns the person with a login and password, unless there were too many wrong ones.
func (m *Manager) password(r *http.Request, login, password string) (*users.Person, error) {
	p, err := m.compare(r, login, password)
	if err != nil {
		m.tell(r, login, err)
	}
	return p, err
}

func (m *Manager) compare(r *http.Request, login, password string) (*users.Person, error) {
	timeout := time.NewTimer(queue)
	defer timeout.Stop()
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-timeout.C:
		return nil, &LimitError{queue}
	case <-r.Context().Done():
		return nil, &LimitError{queue}
	}
	// It is looked at with the slot: who sends many at once is counted before the next one's turn.
	network, now := networkOf(sourceOf(r)), time.Now()
	if wait := max(m.logins.wait(login, now), m.nets.wait(network, now)); wait > 0 {
		return nil, &LimitError{wait}
	}
	p, err := m.store.Password(login, password)
	if err != nil {
		m.logins.failed(login, time.Now())
		if network != "" { // not this machine, where there might be a proxy that does not tell for whom it asks
			m.nets.failed(network, time.Now())
		}
	}
	return p, err
}

// token returns the person whose token it is. Nobody waits for a wrong one: what has 256 bits is not guessed, and a
// forgotten program with a token that has ended must not keep those beside it from signing in.
func (m *Manager) token(r *http.Request, login, token string) (*users.Person, error) {
	p, err := m.store.Token(token)
	if err == nil && login != "" && login != p.Login {
		p, err = nil, users.ErrWrong
	}
	if err != nil {
		m.tell(r, login, err)
	}
	return p, err
}

func (m *Manager) tell(r *http.Request, login string, err error) {
	if m.o.Failed != nil {
		m.o.Failed(r, login, err)
	}
}

// sourceOf returns the address that a request comes from, the zero Addr if there is none. Behind a proxy, gen/serve has
// set RemoteAddr to that of the client.
func sourceOf(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // zero if it is none
	return from.Addr().Unmap().WithZone("")
}

// networkOf returns the network whose failures count together, as far as one customer has it; "" for this machine.
func networkOf(addr netip.Addr) string {
	bits := 32
	switch {
	case addr.IsLoopback():
		return ""
	case addr.Is6():
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the zero Addr has "invalid Prefix"
	return p.String()
}
