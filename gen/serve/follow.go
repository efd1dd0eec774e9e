package serve

import (
	"context"
	"sync"
	"time"
)

// refreshTime is how often the main branch is looked at.
const refreshTime = 2 * time.Second

// maxBackoff is how much longer than usual the server waits after many failures.
const maxBackoff = 8

// follow keeps up with the main branch, here and at the remote, until ctx ends.
func (s *Server) follow(ctx context.Context) {
	editor := s.o.Desk.Editor
	var loops sync.WaitGroup
	loops.Go(func() {
		s.repeat(ctx, refreshTime, "follow the main branch", func(ctx context.Context) error {
			if s.pair != nil {
				s.pair.renew(s.o.Log)
			}
			return editor.Refresh(ctx)
		})
	})
	if s.o.Fetch > 0 {
		loops.Go(func() { s.repeat(ctx, s.o.Fetch, "fetch from the remote", editor.Fetch) })
	}
	loops.Wait()
}

// repeat calls f at once and then at intervals, longer ones while it fails, until ctx ends. What goes wrong is logged once,
// as long as it is the same.
func (s *Server) repeat(ctx context.Context, every time.Duration, what string, f func(context.Context) error) {
	wait, said := every, ""
	for {
		err := f(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if said != "" {
				s.o.Log.Info(what + ": works again")
			}
			wait, said = every, ""
		default:
			if err.Error() != said {
				s.o.Log.Error(what, "error", err)
			}
			wait, said = min(2*wait, maxBackoff*every), err.Error()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
