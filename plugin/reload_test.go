package revmap

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/miekg/dns"
)

// served returns the generation, of those that encodeGeneration made, that h answers from; 0 if it has none.
func served(t testing.TB, h *handler) int {
	t.Helper()
	m, rcode := ask(t, h, query("1.2.0.192.in-addr.arpa.", dns.TypePTR))
	if rcode == dns.RcodeServerFailure {
		return 0
	}
	n, err := generationOf(m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// generationOf returns the generation that a response comes from. All that is in the response must come from one.
func generationOf(m *dns.Msg) (int, error) {
	var found []int
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			var n int
			var err error
			switch rr := rr.(type) {
			case *dns.PTR:
				_, err = fmt.Sscanf(rr.Ptr[len("a."):], "g%d.example.", &n)
			case *dns.SOA:
				if _, err = fmt.Sscanf(rr.Ns, "ns.g%d.example.", &n); uint32(n) != rr.Serial {
					return 0, fmt.Errorf("primary and serial differ: %v", rr)
				}
			}
			if err != nil {
				return 0, fmt.Errorf("%v: %w", rr, err)
			}
			found = append(found, n)
		}
	}
	if want := map[bool]int{true: 2, false: 1}[m.Rcode == dns.RcodeSuccess && len(m.Ns) == 0]; len(found) != want {
		return 0, fmt.Errorf("%d RRs, want %d: %v", len(found), want, m)
	}
	for _, n := range found {
		if n != found[0] {
			return 0, fmt.Errorf("mixed response: %v", m)
		}
	}
	return found[0], nil
}

func TestReload(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	logged.take()
	if got := served(t, h); got != 1 {
		t.Fatalf("Serving generation %d, want 1", got)
	}
	h.store.tick()
	if got := served(t, h); got != 1 || logged.take() != "" {
		t.Errorf("Serving generation %d after a tick without a change, want 1 and nothing logged", got)
	}
	replace(t, path, encodeGeneration(t, 2, 4))
	h.store.tick()
	if got := served(t, h); got != 2 {
		t.Errorf("Serving generation %d after the file was replaced, want 2", got)
	}
	l := logged.take()
	if !strings.Contains(l, "[INFO]") || !strings.Contains(l, `4 entries in 1 zones, commit "4f2a9c1"`) {
		t.Errorf("Logged %q, want what is served", l)
	}
}

// TestReloadSameSizeAndTime is about a change that stat does not show.
func TestReloadSameSizeAndTime(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	h := newHandler(t, "revmap "+path, nil)
	overwrite(t, path, encodeGeneration(t, 2, 4))
	if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		t.Fatal("stat shows the change, so this tests nothing")
	}
	h.store.tick()
	if got := served(t, h); got != 2 {
		t.Errorf("Serving generation %d, want 2", got)
	}
}

// TestReloadOlder: the generation is the zone's serial too. Which of two serials is older, RFC 1982 section 3.2 says.
func TestReloadOlder(t *testing.T) {
	for _, tc := range []struct {
		was, is int
		older   bool
	}{
		{2, 1, true},
		{1, 2, false},
		{math.MaxInt32 + 1, math.MaxInt32, true},
		{math.MaxUint32, 1, false},
		{1, math.MaxUint32, true},
	} {
		path := snapshotFile(t, encodeGeneration(t, tc.was, 4))
		h := newHandler(t, "revmap "+path, nil)
		logged.take()
		replace(t, path, encodeGeneration(t, tc.is, 4))
		h.store.tick()
		if got := served(t, h); got != tc.is {
			t.Errorf("Serving generation %d, want %d, also if it is older", got, tc.is)
		}
		l := logged.take()
		if warned := strings.Contains(l, "[WARNING]") && strings.Contains(l, "2.0.192.in-addr.arpa."); warned != tc.older {
			t.Errorf("Logged %q for serial %d after %d, want a warning that names the zone: %t", l, tc.is, tc.was, tc.older)
		}
	}
}

func TestReloadFailures(t *testing.T) {
	good := func(t *testing.T) []byte { return encodeGeneration(t, 2, 4) }
	change := func(at int) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b := good(t)
			b[at]++
			replace(t, path, b)
		}
	}
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, path string)
		result string
	}{
		{"missing", func(t *testing.T, path string) { remove(t, path) }, "missing"},
		{"empty file", func(t *testing.T, path string) { overwrite(t, path, nil) }, "format"},
		{"truncated header", func(t *testing.T, path string) { overwrite(t, path, good(t)[:63]) }, "format"},
		{"truncated", func(t *testing.T, path string) { overwrite(t, path, good(t)[:len(good(t))-1]) }, "format"},
		{"half written", func(t *testing.T, path string) {
			b := good(t)
			clear(b[len(b)/2:])
			overwrite(t, path, b)
		}, "checksum"},
		{"not a snapshot", change(0), "format"},
		{"newer major version", change(8), "version"},
		{"changed at the end", func(t *testing.T, path string) { change(len(good(t))-1)(t, path) }, "checksum"},
		{"no entries", func(t *testing.T, path string) { replace(t, path, encodeGeneration(t, 2, 0)) }, "shrunk"},
		{"too few entries", func(t *testing.T, path string) { replace(t, path, encodeGeneration(t, 2, 1)) }, "shrunk"},
		{"a directory", func(t *testing.T, path string) {
			remove(t, path)
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}, "unreadable"},
		{"a link to itself", func(t *testing.T, path string) {
			remove(t, path)
			if err := os.Symlink(path, path); err != nil {
				t.Fatal(err)
			}
		}, "unreadable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := snapshotFile(t, encodeGeneration(t, 1, 4))
			h := newHandler(t, "revmap "+path, nil)
			tc.damage(t, path)
			logged.take()
			for range 3 {
				h.store.tick()
				if got := served(t, h); got != 1 {
					t.Fatalf("Serving generation %d, want 1, the last good one", got)
				}
			}
			if l := logged.take(); strings.Count(l, "\n") != 1 || !strings.Contains(l, "[ERROR]") || !strings.Contains(l, path) {
				t.Errorf("Logged %q in three ticks, want one error that names the file", l)
			}
			if got := value(t, reloadsTotal.WithLabelValues(path, tc.result)); got != 3 {
				t.Errorf("Counted %v failures as %q, want 3; all: %v", got, tc.result, reloads(t, path))
			}
			if got := value(t, lastReloadSuccessful.WithLabelValues(path)); got != 0 {
				t.Errorf("last_reload_successful is %v after a failure, want 0", got)
			}
			if !h.Ready() {
				t.Error("Not ready any more, but still serving")
			}

			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			replace(t, path, encodeGeneration(t, 3, 4))
			h.store.tick()
			if got := served(t, h); got != 3 {
				t.Errorf("Serving generation %d after the file was repaired, want 3", got)
			}
			if got := value(t, lastReloadSuccessful.WithLabelValues(path)); got != 1 {
				t.Errorf("last_reload_successful is %v after the repair, want 1", got)
			}
			if l := logged.take(); !strings.Contains(l, "is good again") {
				t.Errorf("Logged %q, want that the snapshot is good again", l)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// reloads returns the counts of reloads of path by result.
func reloads(t *testing.T, path string) map[string]float64 {
	t.Helper()
	counts := make(map[string]float64)
	for _, m := range gather(t, "coredns_revmap_reloads_total") {
		labels := make(map[string]string)
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["snapshot"] == path {
			counts[labels["result"]] = m.GetCounter().GetValue()
		}
	}
	return counts
}

func TestMaxShrink(t *testing.T) {
	for _, tc := range []struct {
		was, is, percent int
		refused          bool
	}{
		{100, 50, 50, false},
		{100, 49, 50, true},
		{3, 2, 33, true}, // a third is more than 33 %
		{3, 2, 34, false},
		{100, 99, 0, true},
		{100, 100, 0, false},
		{100, 101, 0, false},
		{100, 1, 100, false},
		{100, 0, 100, true}, // all
		{0, 0, 0, false},
		{0, 100, 0, false},
	} {
		t.Run(fmt.Sprintf("from %d to %d with %d", tc.was, tc.is, tc.percent), func(t *testing.T) {
			path := snapshotFile(t, encodeGeneration(t, 1, tc.was))
			h := newHandler(t, fmt.Sprintf("revmap %s {\nmax_shrink %d\n}", path, tc.percent), nil)
			replace(t, path, encodeGeneration(t, 2, tc.is))
			changed, err := h.store.reload()
			if changed == tc.refused || (err != nil) != tc.refused {
				t.Errorf("reload() = %t, %v; want refused %t", changed, err, tc.refused)
			}
		})
	}
}

// TestRefusedIsReadOnce holds that a large file that is refused is not read again and again.
func TestRefusedIsReadOnce(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 100))
	h := newHandler(t, "revmap "+path, nil)
	refuse := func(generation int) *refusal {
		t.Helper()
		_, err := h.store.reload()
		var r *refusal
		if !errors.As(err, &r) {
			t.Fatalf("Error is %v, want a refusal", err)
		}
		return r
	}
	replace(t, path, encodeGeneration(t, 2, 10))
	first := refuse(2)
	if again := refuse(2); again != first {
		t.Error("The refused snapshot was read twice")
	}
	replace(t, path, encodeGeneration(t, 3, 10))
	if other := refuse(3); other == first {
		t.Error("Another snapshot got the refusal of the first")
	}

	// What it is compared with has changed: the same file is judged anew.
	replace(t, path, encodeGeneration(t, 4, 20))
	refuse(4)
	replace(t, path, encodeGeneration(t, 5, 60))
	h.store.tick()
	replace(t, path, encodeGeneration(t, 6, 30))
	h.store.tick()
	replace(t, path, encodeGeneration(t, 4, 20))
	h.store.tick()
	if got := served(t, h); got != 4 {
		t.Errorf("Serving generation %d, want 4", got)
	}
}

func TestWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.snapshot")
	logged.take()
	h := newHandler(t, "revmap "+path+" {\nwait\n}", nil)
	for range 2 {
		if served(t, h) != 0 || h.Ready() {
			t.Fatal("Serving without a snapshot")
		}
		h.store.tick()
	}
	if l := logged.take(); strings.Count(l, "\n") != 1 || !strings.Contains(l, "SERVFAIL") {
		t.Errorf("Logged %q while waiting, want one error", l)
	}
	replace(t, path, encodeGeneration(t, 1, 4))
	h.store.tick()
	if got := served(t, h); got != 1 || !h.Ready() {
		t.Errorf("Serving generation %d, ready %t; want 1, true", got, h.Ready())
	}
}

func TestReadySpeaksForAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late.snapshot")
	late := newHandler(t, "revmap "+path+" {\nwait\n}", nil)
	other := newHandler(t, "revmap "+snapshotFile(t, encodeGeneration(t, 1, 4)), nil)
	both := &instance{stores: []*store{late.store, other.store}}
	late.instance, other.instance = both, both
	if late.Ready() || other.Ready() {
		t.Error("Ready, but one of two has no snapshot")
	}
	replace(t, path, encodeGeneration(t, 1, 4))
	late.store.tick()
	if !late.Ready() || !other.Ready() {
		t.Error("Not ready, but both have a snapshot")
	}
}

// TestOneGeneration holds that all who serve a file share the memory.
func TestOneGeneration(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	a := newHandler(t, "revmap "+path, nil)
	b := newHandler(t, "revmap "+path+" ip6.arpa", nil)
	if a.store.generation.Load() != b.store.generation.Load() {
		t.Error("Two handlers of one file have loaded it twice")
	}
	replace(t, path, encodeGeneration(t, 2, 4))
	a.store.tick()
	b.store.tick()
	if a.store.generation.Load() != b.store.generation.Load() {
		t.Error("Two handlers of one file have reloaded it twice")
	}
	if got := served(t, a); got != 2 {
		t.Errorf("Serving generation %d, want 2", got)
	}
	for _, h := range []*handler{a, b} {
		if got := reloads(t, path)["success"]; got != 2 {
			t.Errorf("Counted %v reloads, want 2: one for each of %v", got, h)
		}
	}
}

// TestTakeover is about a Corefile that reloads while the snapshot is bad: what is served stays.
func TestTakeover(t *testing.T) {
	for _, option := range []string{"reload 1m", "wait"} {
		t.Run(strings.Fields(option)[0], func(t *testing.T) {
			path := snapshotFile(t, encodeGeneration(t, 1, 4))
			before := newHandler(t, "revmap "+path, nil)
			overwrite(t, path, []byte("no snapshot"))
			logged.take()
			after := newHandler(t, "revmap "+path+" {\n"+option+"\n}", nil)
			if got := served(t, after); got != 1 || after.store.generation.Load() != before.store.generation.Load() {
				t.Errorf("Serving generation %d, want that of the instance before", got)
			}
			if l := logged.take(); !strings.Contains(l, "[ERROR]") || !strings.Contains(l, path) {
				t.Errorf("Logged %q, want an error that names the file", l)
			}
			replace(t, path, encodeGeneration(t, 2, 4))
			after.store.tick()
			if got := served(t, after); got != 2 {
				t.Errorf("Serving generation %d after the file was repaired, want 2", got)
			}
		})
	}
}

// TestOldGenerationsAreCollected holds that memory does not grow with the number of reloads, even if nothing else makes
// the garbage collector run.
func TestOldGenerationsAreCollected(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	generation := weak.Make(h.store.generation.Load())
	reader := weak.Make(h.store.generation.Load().Reader())
	replace(t, path, encodeGeneration(t, 2, 4))
	h.store.tick()
	if generation.Value() != nil || reader.Value() != nil {
		t.Error("The first generation is not collected")
	}
	if got := served(t, h); got != 2 {
		t.Errorf("Serving generation %d, want 2", got)
	}
}

// collected returns when the garbage collector has made gone true; if it does not, the test ends.
func collected(t *testing.T, gone func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !gone(); runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("Something still refers to what is not used any more")
		}
	}
}

// TestPanic holds that a bug costs a reload and not the process.
func TestPanic(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	byPath := generations.byPath
	generations.byPath = nil // to be written to
	replace(t, path, encodeGeneration(t, 2, 4))
	logged.take()
	h.store.tick()
	generations.byPath = byPath
	if got := served(t, h); got != 1 {
		t.Errorf("Serving generation %d, want 1", got)
	}
	if got := value(t, reloadsTotal.WithLabelValues(path, "panic")); got != 1 {
		t.Errorf("Counted %v panics, want 1", got)
	}
	if l := logged.take(); strings.Count(l, "[ERROR]") != 1 || !strings.Contains(l, "reload.go") {
		t.Errorf("Logged %q, want one error with a stack", l)
	}
	h.store.tick()
	if got := served(t, h); got != 2 {
		t.Errorf("Serving generation %d, want 2", got)
	}
}
