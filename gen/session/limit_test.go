package session

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revmap/revmap/gen/users"
)

// try signs in; it returns how long there is to wait, or 0 if the password was looked at.
func (w *world) try(from, login, password string) (time.Duration, error) {
	w.Helper()
	err := w.SignIn(httptest.NewRecorder(), request(from), login, password)
	var limit *LimitError
	if errors.As(err, &limit) {
		return limit.Wait, nil
	}
	if err != nil && !errors.Is(err, users.ErrWrong) {
		w.Fatal(err)
	}
	return 0, err
}

// TestLimitOfLogin: a few guesses are free, then each costs more time; whether there is such a login does not show,
// and a right guess is not looked at, either.
func TestLimitOfLogin(t *testing.T) {
	for _, login := range []string{"alice", "nobody"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			n := 0
			from := func() string { n++; return fmt.Sprintf("192.0.2.%d:1", n) } // each from elsewhere
			for i := range 5 {
				if wait, err := w.try(from(), login, "wrong"); wait != 0 || err == nil {
					t.Errorf("guess %d: wait %v, error %v", i+1, wait, err)
				}
			}
			for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
				for _, password := range []string{"wrong", secret} {
					if wait, err := w.try(from(), login, password); wait != seconds*time.Second {
						t.Errorf("%q: wait %v, error %v, want %d s", password, wait, err, seconds)
					}
				}
				time.Sleep(seconds*time.Second - 1)
				if wait, err := w.try(from(), login, secret); wait != 1 {
					t.Errorf("wait %v, error %v, want 1 ns", wait, err)
				}
				time.Sleep(time.Nanosecond)
				if wait, err := w.try(from(), login, "wrong"); wait != 0 || err == nil {
					t.Errorf("after %d s: wait %v, error %v", seconds, wait, err)
				}
			}
			if wait, err := w.try(from(), "acme", secret); wait != 0 || err != nil {
				t.Errorf("another login: wait %v, error %v", wait, err)
			}
			time.Sleep(time.Minute)
			if wait, err := w.try(from(), login, secret); wait != 0 || (err == nil) != (login == "alice") {
				t.Errorf("the right password after the wait: wait %v, error %v", wait, err)
			}
			w.try(from(), login, "wrong")
			if wait, _ := w.try(from(), login, "wrong"); wait != time.Minute {
				t.Errorf("a success has made guessing free again: wait %v", wait)
			}
			time.Sleep(forget)
			for range 5 {
				w.try(from(), login, "wrong")
			}
			if wait, _ := w.try(from(), login, "wrong"); wait != time.Second {
				t.Errorf("after an hour: wait %v, want as at first", wait)
			}
		})
	}
}

// TestLimitOfNetwork: who tries many logins has to wait with all of them.
func TestLimitOfNetwork(t *testing.T) {
	for _, c := range []struct{ from, same, other string }{
		{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:2", "192.0.2.2:1"},
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:2", "[2001:db8:0:1::1]:1"},
		{"[fe80::1%eth0]:1", "[fe80::2%eth1]:1", "192.0.2.1:1"},
		{"@", "", "192.0.2.1:1"}, // from no address
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			for i := range 20 {
				if wait, err := w.try(c.from, fmt.Sprint("login", i), "wrong"); wait != 0 || err == nil {
					t.Errorf("%s: guess %d: wait %v, error %v", c.from, i, wait, err)
				}
			}
			if wait, _ := w.try(c.same, "alice", secret); wait != time.Second {
				t.Errorf("%s: wait %v, want 1 s", c.same, wait)
			}
			if wait, err := w.try(c.other, "alice", secret); wait != 0 || err != nil {
				t.Errorf("%s: wait %v, error %v", c.other, wait, err)
			}
			for i := range 70 {
				time.Sleep(15 * time.Minute)
				if wait, err := w.try(c.same, fmt.Sprint("more", i), "wrong"); wait != 0 || err == nil {
					t.Errorf("%s: after the longest wait: wait %v, error %v", c.same, wait, err)
				}
			}
			if wait, _ := w.try(c.from, "alice", secret); wait != 15*time.Minute {
				t.Errorf("%s: wait %v, want the longest", c.from, wait)
			}
			if wait, err := w.try("127.0.0.1:1", "alice", secret); wait != 0 || err != nil {
				t.Errorf("this machine: wait %v, error %v", wait, err)
			}
		})
	}
}

// TestLimitOfProxy: behind a proxy on this machine that does not say for whom it asks, nobody makes all others wait.
func TestLimitOfProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for i := range 100 {
			if wait, err := w.try("[::1]:1", fmt.Sprint("login", i), "wrong"); wait != 0 || err == nil {
				t.Fatalf("guess %d: wait %v, error %v", i, wait, err)
			}
		}
	})
}

// TestLimitOfTokens: wrong tokens make nobody wait, neither those who send them nor, since networks share counters,
// those elsewhere. They cost no work, so that somebody with many addresses could send millions.
func TestLimitOfTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for i := range 100 {
			_, err := w.FromHeader(request(somewhere, fmt.Sprintf("Authorization: Bearer rvm_%d", i)))
			if !errors.Is(err, users.ErrWrong) {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		for _, header := range []string{basic("acme", secret), "Authorization: Bearer " + token} {
			if p, err := w.FromHeader(request(somewhere, header)); err != nil || p.Login != "acme" {
				t.Errorf("%s: %+v, error %v", header, p, err)
			}
		}
	})
}

// TestGuessesAtOnce: many guesses that come together are not more than those that come one after the other.
func TestGuessesAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	var looked atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if wait, _ := w.try(somewhere, "alice", "wrong"); wait == 0 {
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	if n := int(looked.Load()); n < 5 || n > 5+slots() {
		t.Errorf("%d guesses were looked at, want 5 and some that were under way", n)
	}
}

// TestScriptsAtOnce: a program that sends its password with many requests at once does not have to wait.
func TestScriptsAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := w.FromHeader(request(somewhere, basic("acme", secret))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestQueue: where all processors compare passwords, others are told to come back; a client that has gone is not
// waited for.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for range slots() {
			w.slots <- struct{}{}
		}
		start := time.Now()
		if wait, err := w.try(somewhere, "alice", secret); wait != queue || time.Since(start) != queue {
			t.Errorf("after %v: wait %v, error %v", time.Since(start), wait, err)
		}
		start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.FromHeader(request(somewhere, basic("alice", secret)).WithContext(ctx))
		if err == nil || time.Since(start) != time.Second {
			t.Errorf("a client that has gone: after %v, error %v", time.Since(start), err)
		}
		if _, err := w.FromHeader(request(somewhere, "Authorization: Bearer "+token)); err != nil {
			t.Errorf("a token: %v", err)
		}
		<-w.slots
		if wait, err := w.try(somewhere, "alice", secret); wait != 0 || err != nil {
			t.Errorf("after another's turn: wait %v, error %v", wait, err)
		}
	})
}

func TestFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.signIn("alice")
		w.try(somewhere, "mallory\n", "wrong")
		for _, header := range []string{basic("acme", "wrong"), basic("acme", secret), "Authorization: Bearer rvm_1",
			"Authorization: Bearer " + token, basic("alice", token)} {
			w.FromHeader(request(somewhere, header))
		}
		for range 5 {
			w.try("192.0.2.2:1", "alice", "wrong")
		}
		want := []string{
			`192.0.2.1 "mallory\n": ` + users.ErrWrong.Error(),
			`192.0.2.1 "acme": ` + users.ErrWrong.Error(),
			`192.0.2.1 "": ` + users.ErrWrong.Error(),
			`192.0.2.1 "alice": ` + users.ErrWrong.Error(),
		}
		want = append(want, slices.Repeat([]string{`192.0.2.2 "alice": ` + users.ErrWrong.Error()}, 5)...)
		want = append(want, `192.0.2.2 "alice": too many attempts: try again in 1 s`)
		w.try("192.0.2.2:1", "alice", secret)
		if !slices.Equal(w.failed, want) {
			t.Errorf("told:\n%s\nwant:\n%s", strings.Join(w.failed, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestSourceOf(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.1:1234":          "192.0.2.1",
		"[2001:db8::1%eth0]:1234": "2001:db8::1",
		"[::ffff:192.0.2.1]:1234": "192.0.2.1",
		"@":                       "invalid IP",
		"":                        "invalid IP",
	} {
		if got := sourceOf(request(from, "X-Forwarded-For: 198.51.100.1")).String(); got != want {
			t.Errorf("%q: %s, want %s", from, got, want)
		}
	}
}
