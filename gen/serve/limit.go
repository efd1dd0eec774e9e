package serve

import (
	"sync"
	"time"
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
