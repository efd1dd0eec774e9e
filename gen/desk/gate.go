package desk

import (
	"context"
	"sync"
)

// A gate lets in little at a time of what takes Git or a processor for long, and one thing of each person:
// who asks for much waits for itself.
type gate struct {
	all chan struct{}

	lock sync.Mutex
	of   map[string]chan struct{} // by login
}

func newGate(atOnce int) *gate {
	return &gate{all: make(chan struct{}, atOnce), of: make(map[string]chan struct{})}
}

// enter waits until a person may go in, who must call leave then. The error is that of ctx.
func (g *gate) enter(ctx context.Context, login string) (leave func(), err error) {
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
