package check

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
)

func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// TestInOrder: results come in the order of the items, though the first to begin is always the last to end, and no
// more of them are worked on than may be.
func TestInOrder(t *testing.T) {
	const items, n = 1000, 4
	var running, most atomic.Int32
	turn := make([]chan struct{}, items)
	for i := range turn {
		turn[i] = make(chan struct{})
	}
	work := func(_ context.Context, i int) (int, error) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		if i%n != n-1 {
			<-turn[i] // until the next one of its group of n has ended
		}
		if i%n != 0 {
			close(turn[i-1])
		}
		return i, nil
	}
	var got []int
	if err := inOrder(t.Context(), n, count(items), work, func(i int) { got = append(got, i) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, slices.Collect(count(items))) {
		t.Errorf("results come in another order than the items: %v", got)
	}
	if m := most.Load(); m > n {
		t.Errorf("%d items were worked on at a time, want at most %d", m, n)
	}
}

// TestInOrderError: an error ends the rest, which would never end by itself.
func TestInOrderError(t *testing.T) {
	broken := errors.New("broken")
	err := inOrder(t.Context(), 4, count(1000), func(ctx context.Context, i int) (int, error) {
		if i == 3 {
			return 0, broken
		}
		<-ctx.Done()
		return 0, ctx.Err()
	}, func(int) { t.Error("there is a result") })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

// TestInOrderCancel: a context that ends is an error, also once all work is done.
func TestInOrderCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := inOrder(ctx, 1, count(10), func(_ context.Context, i int) (int, error) { return i, nil }, func(i int) {
		if i == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
