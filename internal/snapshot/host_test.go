package snapshot

import (
	"slices"
	"strings"
	"testing"
)

// TestCompareNames has the names of the example in RFC 4034 section 6.1 that need no escapes, and some more, in order.
func TestCompareNames(t *testing.T) {
	names := []string{
		"example.", "a.example.", "yljkjljk.a.example.", "z.a.example.", "zabc.a.example.", "a-b.example.", "a/b.example.",
		"a0.example.", "aa.example.", "z.example.", "a.z.example.", "b.a.z.example.", "b.z.example.", "za.example.",
	}
	for i, a := range names {
		for j, b := range names {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := CompareNames(a, b); got != want {
				t.Errorf("%q and %q compare to %d, want %d", a, b, got, want)
			}
			labels := func(name string) string { return strings.TrimSuffix(strings.TrimSuffix(name, "example."), ".") }
			a, b := labels(a), labels(b)
			if got := CompareNames(a, b); got != want {
				t.Errorf("%q and %q compare to %d, want %d", a, b, got, want)
			}
			if x, y := sortKey(a), sortKey(b); want < 0 && x > y || want > 0 && x < y {
				t.Errorf("%q and %q have the sort keys %#x and %#x", a, b, x, y)
			}
		}
	}
}

// FuzzHost looks up any text, and compares with a linear scan.
func FuzzHost(f *testing.F) {
	r, err := OpenBytes(encoded(f, goodBuilder(f)))
	if err != nil {
		f.Fatal(err)
	}
	z := &r.Zones()[len(r.Zones())-1]
	for h := range r.Hosts(z) {
		f.Add(h.Name())
		f.Add(strings.ToUpper(h.Name()))
	}
	for _, labels := range []string{".", ".web", "web.", "mail..web", `mail\.web`, "\u212a", "we\x00"} {
		f.Add(labels)
	}
	f.Fuzz(func(t *testing.T, labels string) {
		lower := strings.Map(func(c rune) rune {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			return c
		}, labels)
		want, below := Host{}, false
		for h := range r.Hosts(z) {
			if h.Name() == lower {
				want = h
			}
			below = below || strings.HasSuffix(h.Name(), "."+lower) || lower == "" && h.Name() != ""
		}
		if h, ok := r.Host(z, labels); ok != (want.Len() > 0) || !slices.Equal(hostAddrs(h), hostAddrs(want)) {
			t.Errorf("host %q: %v, %v", labels, hostAddrs(h), ok)
		}
		if got := r.HostBelow(z, labels); got != below {
			t.Errorf("host below %q: %v", labels, got)
		}
	})
}
