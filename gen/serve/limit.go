package serve

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/gate"
)

// What one person's programs may ask of the API: a burst, and then so many requests in a second.
const (
	apiRate  = 20
	apiBurst = 2000
)

// A limiter counts requests, of people for instance. What it remembers of each is when all that was asked for will be
// paid off.
type limiter struct {
	each  time.Duration // that a request costs
	burst time.Duration // that may be owed

	lock sync.Mutex
	paid map[string]time.Time // by login
}

func newLimiter(rate, burst int) *limiter {
	each := time.Second / time.Duration(rate)
	return &limiter{each: each, burst: time.Duration(burst) * each, paid: make(map[string]time.Time)}
}

// wait counts a request of a person. If it returns more than 0, there are too many, and the next is one after that time.
func (l *limiter) wait(login string) time.Duration { return l.waitAt(login, time.Now()) }

func (l *limiter) waitAt(login string, now time.Time) time.Duration {
	l.lock.Lock()
	defer l.lock.Unlock()
	paid := l.paid[login]
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(l.each)
	if over := paid.Sub(now) - l.burst; over > 0 {
		return over
	}
	l.paid[login] = paid
	return 0
}

// Of requests with more than largeBytes, some hundred changes, largeAtOnce are answered at a time: what is made of them
// takes thirty times their size of memory.
const (
	largeBytes  = 16 << 10
	largeAtOnce = 2
)

// A queue is where large requests wait for each other: who sends many, or sends slowly, holds up nobody else for long.
type queue struct{ gate *gate.Gate }

func newQueue() *queue { return &queue{gate.New(largeAtOnce)} }

// turn waits until it is the turn of a request of a person, who must call leave when it is done with; or until it has
// waited too long.
func (q *queue) turn(w http.ResponseWriter, r *http.Request, login string) (leave func(), ok bool) {
	if r.ContentLength >= 0 && r.ContentLength <= largeBytes {
		return func() {}, true
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	leave, err := q.gate.Enter(ctx, login)
	if err != nil {
		return nil, false
	}
	// What it has waited was not its own time. A connection that has no deadline is one of a test.
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTime))
	return leave, true
}
