package diag

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPositionString(t *testing.T) {
	tests := []struct {
		pos  Position
		want string
	}{
		{Position{}, "-"},
		{Position{Line: 1, Column: 2}, "-"},
		{Position{File: "a.yaml"}, "a.yaml"},
		{Position{File: "a.yaml", Column: 2}, "a.yaml"},
		{Position{File: "a.yaml", Line: 1}, "a.yaml:1"},
		{Position{File: "a.yaml", Line: 1, Column: 2}, "a.yaml:1:2"},
	}
	for _, tt := range tests {
		if got := tt.pos.String(); got != tt.want {
			t.Errorf("%#v is %q, want %q", tt.pos, got, tt.want)
		}
		if tt.pos.IsValid() != (tt.want != "-") {
			t.Errorf("%#v: IsValid = %v", tt.pos, tt.pos.IsValid())
		}
	}
}

func TestSort(t *testing.T) {
	at := func(file string, line, column int) Position { return Position{file, line, column} }
	// In the order that is wanted: each differs from the one before by the least that counts.
	sorted := List{
		{},
		{Pos: at("a", 1, 1), Rule: "r", Message: "m"},
		{Pos: at("a", 1, 1), Rule: "r", Message: "m", Related: []Related{{at("a", 2, 1), "here"}}},
		{Pos: at("a", 1, 1), Rule: "r", Message: "m", Related: []Related{{at("a", 2, 1), "there"}}},
		{Pos: at("a", 1, 1), Rule: "r", Message: "m", Hint: "h"},
		{Pos: at("a", 1, 1), End: at("a", 1, 2), Rule: "r", Message: "m"},
		{Pos: at("a", 1, 1), Rule: "r", Message: "m", Severity: Error},
		{Pos: at("a", 1, 1), Rule: "r", Message: "n"},
		{Pos: at("a", 1, 1), Rule: "s", Message: "m"},
		{Pos: at("a", 1, 2), Rule: "r", Message: "m"},
		{Pos: at("a", 2, 1), Rule: "r", Message: "m"},
		{Pos: at("a", 10, 1), Rule: "r", Message: "m"},
		{Pos: at("b", 1, 1), Rule: "r", Message: "m"},
	}
	var shuffled List
	for i := range sorted {
		d := sorted[i*5%len(sorted)]
		shuffled = append(shuffled, d, d)
	}
	if d := cmp.Diff(sorted, shuffled.Sort()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestMerge(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		var all List
		lists := make([]List, r.IntN(6))
		for i := range lists {
			for range r.IntN(8) {
				d := Diagnostic{
					Pos:  Position{string(rune('a' + r.IntN(4))), 1 + r.IntN(4), 1},
					Rule: string(rune('a' + r.IntN(2))), Related: make([]Related, r.IntN(2)),
				}
				lists[i] = append(lists[i], d)
				all = append(all, d)
			}
			slices.SortFunc(lists[i], func(d, e Diagnostic) int { return d.compare(&e) }) // with repetitions
		}
		before := slices.Concat(lists...)
		if d := cmp.Diff(all.Sort(), Merge(lists...), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("seed %d: -want +got:\n%s", seed, d)
		}
		if d := cmp.Diff(before, slices.Concat(lists...)); d != "" {
			t.Fatalf("seed %d: the lists have changed:\n%s", seed, d)
		}
	}
}

func TestSeverity(t *testing.T) {
	for _, s := range []Severity{Off, Note, Warning, Error} {
		if got, ok := ParseSeverity(s.String()); !ok || got != s {
			t.Errorf("ParseSeverity(%q) = %v, %v", s, got, ok)
		}
		if got, err := json.Marshal(s); err != nil || string(got) != `"`+s.String()+`"` {
			t.Errorf("%v is %s in JSON (%v)", s, got, err)
		}
	}
	for _, word := range []string{"", "Off", "errors", "Severity(4)"} {
		if got, ok := ParseSeverity(word); ok {
			t.Errorf("ParseSeverity(%q) = %v", word, got)
		}
	}
	for _, s := range []Severity{-1, Error + 1} {
		if got := s.String(); got == "" {
			t.Errorf("Severity %d has no text", int(s))
		}
	}
}

func TestCount(t *testing.T) {
	l := List{{Severity: Error}, {Severity: Note}, {Severity: Error}}
	for s, want := range map[Severity]int{Off: 0, Note: 1, Warning: 0, Error: 2} {
		if got := l.Count(s); got != want {
			t.Errorf("Count(%v) = %d, want %d", s, got, want)
		}
	}
}
