package parallel

import (
	"runtime"
	"sync/atomic"
	"testing"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		calls := make([]atomic.Int64, n)
		var running, most atomic.Int64
		Each(n, func(i int) {
			for now := running.Add(1); ; {
				if m := most.Load(); m >= now || most.CompareAndSwap(m, now) {
					break
				}
			}
			calls[i].Add(1)
			running.Add(-1)
		})
		if running.Load() != 0 || most.Load() > int64(runtime.GOMAXPROCS(0)) {
			t.Errorf("%d: %d still run, %d ran at once", n, running.Load(), most.Load())
		}
		for i := range calls {
			if got := calls[i].Load(); got != 1 {
				t.Errorf("%d: %d calls for %d", n, got, i)
			}
		}
	}
}
