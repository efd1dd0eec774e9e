package gate

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestGate: who asks for much at once waits for itself, others only if all places are taken.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(2)
		enter := func(login string) (leave func(), waited time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			leave, err := g.Enter(ctx, login)
			if (err != nil) != (leave == nil) {
				t.Errorf("%s: %v", login, err)
			}
			return leave, time.Since(start)
		}
		acme, _ := enter("acme")
		if leave, waited := enter("acme"); leave != nil || waited != time.Minute {
			t.Errorf("acme enters twice, or has waited %v", waited)
		}
		ada, waited := enter("ada")
		if ada == nil || waited != 0 {
			t.Errorf("ada has waited %v", waited)
		}
		if leave, waited := enter("ben"); leave != nil || waited != time.Minute {
			t.Errorf("ben enters as the third, or has waited %v", waited)
		}
		go func() {
			time.Sleep(time.Second)
			acme()
		}()
		ben, waited := enter("ben")
		if ben == nil || waited != time.Second {
			t.Errorf("ben has waited %v, want until acme leaves", waited)
		}
		ben()
		ada()
		for range 3 {
			if leave, waited := enter("acme"); leave == nil || waited != 0 {
				t.Errorf("acme has waited %v for nobody", waited)
			} else {
				leave()
			}
		}
	})
}
