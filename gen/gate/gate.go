// Package gate keeps people whose requests take long from holding up each other.
package gate

import (
	"context"
	"sync"
)

// A Gate lets in few requests at a time, and one of each person: who asks for much waits for itself. It is safe for
// concurrent use.
type Gate struct {
	all chan struct{}

	lock sync.Mutex
	of   map[string]chan struct{} // by login
}

// New returns a Gate that lets in so many at a time.
func New(atOnce int) *Gate {
	return &Gate{all: make(chan struct{}, atOnce), of: make(map[string]chan struct{})}
}

// Enter waits until a person may go in, who must call leave then. The error is that of ctx.
func (g *Gate) Enter(ctx context.Context, login string) (leave func(), err error) {
	g.lock.Lock()
	own := g.of[login]
	if own == nil {
		own = make(chan struct{}, 1)
		g.of[login] = own
	}
	g.lock.Unlock()
	select {
	case own <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case g.all <- struct{}{}:
		return func() { <-g.all; <-own }, nil
	case <-ctx.Done():
		<-own
		return nil, ctx.Err()
	}
}
