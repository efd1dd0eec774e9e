package check

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"
)

// ahead is how many results for each worker may wait for one that takes long.
const ahead = 16

// inOrder calls work for each item, for at most n of them at a time, and emit with each result, in the order of the
// items and in the caller's goroutine. It ends at the first error of work, or when ctx ends, and returns why once
// nothing of it runs any more.
func inOrder[T, R any](
	parent context.Context, n int, items iter.Seq[T], work func(context.Context, T) (R, error), emit func(R),
) error {
	g, ctx := errgroup.WithContext(parent)
	running := make(chan struct{}, n)
	queue := make(chan chan R, ahead*n)
	g.Go(func() error {
		defer close(queue)
		for item := range items {
			select {
			case running <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			result := make(chan R, 1)
			g.Go(func() error {
				defer func() { <-running }()
				r, err := work(ctx, item)
				if err == nil {
					result <- r
				}
				return err
			})
			select {
			case queue <- result:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for result := range queue {
		select {
		case r := <-result:
			emit(r)
		case <-ctx.Done(): // the queue is closed soon
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return parent.Err()
}
