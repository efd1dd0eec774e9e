package revmap

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/snapshot"
)

// journaled returns a handler whose snapshot gets a journal, as it does with a transfer plugin.
func journaled(t *testing.T, path string) *handler {
	t.Helper()
	h := newHandler(t, "revmap "+path, nil)
	h.store.transfer(h.zones, func(string) error { return nil })
	return h
}

// known returns the serials that the journal of h leads on from.
func known(h *handler, zone string) (serials []uint32) {
	for _, d := range h.store.generation.Load().journal[zone].deltas {
		serials = append(serials, d.from)
	}
	return serials
}

// TestJournal is about what the deltas of a zone survive, and what ends them.
func TestJournal(t *testing.T) {
	const zone, other = "2.0.192.in-addr.arpa.", "113.0.203.in-addr.arpa."
	entry := func(name string) testEntry { return testEntry{"192.0.2.1", snapshot.Explicit, 3600, []string{name}} }
	content := func(serial, otherSerial int, name string) []byte {
		zones := []snapshot.Zone{testZone(zone, "192.0.2.0/24", serial), testZone(other, "203.0.113.0/24", otherSerial)}
		return encode(t, zones, []testEntry{entry(name)})
	}
	alone := func(serial int, name string) []byte {
		return encode(t, []snapshot.Zone{testZone(zone, "192.0.2.0/24", serial)}, []testEntry{entry(name)})
	}
	without := func(serial int) []byte {
		return encode(t, []snapshot.Zone{testZone(other, "203.0.113.0/24", serial)},
			[]testEntry{{"203.0.113.1", snapshot.Explicit, 3600, []string{"a.example."}}})
	}
	for _, tc := range []struct {
		name   string
		loaded [][]byte
		want   []uint32
		warns  bool
	}{
		{"one generation", [][]byte{alone(1, "a.example.")}, nil, false},
		{"three", [][]byte{alone(1, "a.example."), alone(2, "b.example."), alone(5, "c.example.")}, []uint32{1, 2}, false},
		{"another zone changes", [][]byte{content(1, 1, "a.example."), content(2, 1, "b.example."),
			content(2, 2, "b.example.")}, []uint32{1}, false},
		{"back to an older serial", [][]byte{alone(1, "a.example."), alone(5, "b.example."), alone(4, "c.example.")},
			nil, false},
		{"on from an older serial", [][]byte{alone(1, "a.example."), alone(5, "b.example."), alone(4, "c.example."),
			alone(6, "d.example."), alone(7, "e.example.")}, []uint32{6}, false},
		{"a change under the same serial", [][]byte{alone(1, "a.example."), alone(2, "b.example."), alone(2, "c.example.")},
			nil, true},
		{"on from the same serial", [][]byte{alone(1, "a.example."), alone(2, "b.example."), alone(2, "c.example."),
			alone(3, "d.example."), alone(4, "e.example.")}, []uint32{3}, true},
		{"a serial with two contents", [][]byte{content(2, 1, "b.example."), content(2, 1, "c.example."),
			content(2, 2, "c.example."), content(3, 2, "d.example.")}, nil, true},
		{"back, and a serial again", [][]byte{alone(1, "a.example."), alone(5, "b.example."), alone(4, "a.example."),
			alone(5, "c.example."), alone(6, "d.example.")}, nil, false},
		{"back twice", [][]byte{alone(5, "a.example."), alone(3, "b.example."), alone(4, "c.example."), alone(2, "d.example."),
			alone(5, "e.example."), alone(6, "f.example."), alone(7, "g.example.")}, []uint32{6}, false},
		{"gone and back", [][]byte{alone(1, "a.example."), without(1), alone(2, "b.example.")}, nil, false},
		{"gone, back, and on", [][]byte{alone(1, "a.example."), without(1), without(2), alone(2, "b.example."),
			alone(3, "c.example.")}, []uint32{2}, false},
		{"gone and back with a serial again", [][]byte{alone(5, "a.example."), without(1), without(2),
			alone(4, "b.example."), alone(5, "c.example."), alone(6, "d.example.")}, nil, false},
		{"round the circle", [][]byte{alone(math.MaxUint32, "a.example."), alone(3, "b.example.")},
			[]uint32{math.MaxUint32}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := snapshotFile(t, tc.loaded[0])
			h := journaled(t, path)
			logged.take()
			for _, content := range tc.loaded[1:] {
				replace(t, path, content)
				h.store.tick()
				h.store.tick()
			}
			if got := known(h, zone); !slices.Equal(got, tc.want) {
				t.Errorf("The journal leads on from %d, want %d", got, tc.want)
			}
			want := 0
			if tc.warns {
				want = 1
			}
			if l := logged.take(); strings.Count(l, "without a new serial, the first is "+zone) != want {
				t.Errorf("Logged %q, want the warning %d times", l, want)
			}
		})
	}
}

// TestJournalNeedsTransfer holds that nobody pays for deltas that cannot be sent.
func TestJournalNeedsTransfer(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	replace(t, path, encodeGeneration(t, 2, 4))
	h.store.tick()
	if j := h.store.generation.Load().journal; j != nil {
		t.Errorf("The journal is %v, want none", j)
	}
}

// TestJournalIsShared holds that a store whose server block has no transfer plugin does not break the chain, whichever
// store loads a generation.
func TestJournalIsShared(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	plain, other := newHandler(t, "revmap "+path, nil), journaled(t, path)
	for n := 2; n <= 5; n++ {
		replace(t, path, encodeGeneration(t, n, 4))
		if n%2 == 0 {
			plain.store.tick()
		}
	}
	other.store.tick()
	if got := known(other, "2.0.192.in-addr.arpa."); !slices.Equal(got, []uint32{1, 2, 4}) {
		t.Errorf("The journal leads on from %d, want 1, 2 and 4", got)
	}
}

// TestJournalSurvivesCorefileReload also has the snapshot change at the same time.
func TestJournalSurvivesCorefileReload(t *testing.T) {
	const zone = "2.0.192.in-addr.arpa."
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	in := start(t, transferCorefile(path, ""))
	defer func() { stopServer(t, in) }()
	replace(t, path, encodeGeneration(t, 2, 4))
	storeOf(t, in).tick()
	for n := 3; n <= 4; n++ {
		replace(t, path, encodeGeneration(t, n, 4))
		next, err := in.Restart(input(transferCorefile(path, "")))
		if err != nil {
			t.Fatal(err)
		}
		in = next
		answering(t, in)
		if kind, deltas := kindOf(receive(t, in, ixfrQuery(zone, 1))); kind != "ixfr" || deltas != n-1 {
			t.Errorf("Got %s of %d deltas, want an IXFR of %d", kind, deltas, n-1)
		}
	}
}

// TestJournalKeepsNoGeneration holds that deltas, and what is to be announced, are no reason to keep a snapshot.
func TestJournalKeepsNoGeneration(t *testing.T) {
	content, _ := wholeInventory(t)
	path := snapshotFile(t, content)
	h := journaled(t, path)
	hold := make(chan struct{})
	defer close(hold)
	h.store.notifier.send = func(string) error { <-hold; return nil }
	h.store.start()
	changes := newInventoryChanges(2)
	var gone []func() bool
	for range 5 {
		g := weak.Make(h.store.generation.Load())
		r := weak.Make(h.store.generation.Load().Reader())
		gone = append(gone, func() bool { return g.Value() == nil && r.Value() == nil })
		replace(t, path, changes.next(t))
		h.store.tick()
	}
	deltas := h.store.generation.Load().journal
	if len(deltas) == 0 {
		t.Error("There are no deltas: this tests nothing")
	}
	collected(t, func() bool { return !slices.ContainsFunc(gone, func(gone func() bool) bool { return !gone() }) })
}

// TestJournalOfZone holds that a zone's deltas do not get larger than the zone, unless they fit into one message.
func TestJournalOfZone(t *testing.T) {
	for _, tc := range []struct {
		entries int
		limit   func(zone int) int
	}{
		{4, func(int) int { return maxMessage }},
		{2000, func(zone int) int { return zone }},
	} {
		content := func(n int) []byte {
			var entries []testEntry
			for i := range tc.entries {
				name := fmt.Sprintf("h%d.example.", i)
				if i%4 == 0 {
					name = fmt.Sprintf("h%d.g%d.example.", i, n)
				}
				entries = append(entries, testEntry{fmt.Sprintf("2001:db8::1:%x", i), snapshot.Explicit, 3600, []string{name}})
			}
			return encode(t, []snapshot.Zone{testZone(ip6apex, "2001:db8::/32", n)}, entries)
		}
		path := snapshotFile(t, content(1))
		h := journaled(t, path)
		full := 0 // generations in which the oldest delta was dropped
		for n := 2; full < 3; n++ {
			if n == 1000 {
				t.Fatal("No delta is ever dropped")
			}
			replace(t, path, content(n))
			h.store.tick()
			g := h.store.generation.Load()
			zone := 0
			for r := range g.Records(g.Zone(ip6apex)) {
				zone += dns.Len(resourceRecord(r))
			}
			serials := known(h, ip6apex)
			total, limit := size(g.journal[ip6apex].deltas), tc.limit(zone)
			if total > limit || len(serials) == 0 || serials[len(serials)-1] != uint32(n-1) {
				t.Fatalf("Deltas from %d have %d bytes, want at most %d", serials, total, limit)
			}
			if len(serials) < n-1 {
				full++
				if next := g.journal[ip6apex].deltas[0].size(); total+next <= limit {
					t.Errorf("Deltas have %d bytes, and another of about %d would have fitted into %d", total, next, limit)
				}
			}
		}
	}
}

// TestJournalLimit holds which deltas are dropped when there are too many.
func TestJournalLimit(t *testing.T) {
	one := delta{wire: make([]byte, 100)}.size()
	for _, tc := range []struct {
		max  int // in deltas
		want map[string][]int
	}{
		{7, map[string][]int{"a": {1, 2, 3}, "b": {2, 4}, "c": {1}, "d": nil}},
		{6, map[string][]int{"a": {1, 2, 3}, "b": {2, 4}, "c": {1}, "d": nil}},
		{5, map[string][]int{"a": {2, 3}, "b": {2, 4}, "d": nil}},
		{4, map[string][]int{"a": {2, 3}, "b": {2, 4}, "d": nil}},
		{3, map[string][]int{"a": {3}, "b": {4}, "d": nil}},
		{1, map[string][]int{"b": {4}, "d": nil}},
		{0, map[string][]int{"d": nil}},
	} {
		j := make(journal)
		before := make(journal)
		j["d"] = history{ambiguous: true}
		for zone, generations := range map[string][]int{"a": {1, 2, 3}, "b": {2, 4}, "c": {1}} {
			for _, g := range generations {
				deltas := append(j[zone].deltas, delta{generation: g, wire: make([]byte, 100)})
				j[zone] = history{deltas: deltas}
			}
			before[zone] = j[zone]
		}
		j.limit(tc.max * one)
		got := make(map[string][]int)
		for zone, h := range j {
			got[zone] = nil
			for _, d := range h.deltas {
				got[zone] = append(got[zone], d.generation)
			}
			if had := len(before[zone].deltas); len(h.deltas) < had && cap(h.deltas) >= had {
				t.Errorf("The dropped deltas of %s are still in memory", zone)
			}
		}
		if !maps.EqualFunc(got, tc.want, slices.Equal) {
			t.Errorf("With room for %d: %v, want %v", tc.max, got, tc.want)
		}
	}
	make(journal).limit(0) // ends
}
