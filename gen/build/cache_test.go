package build

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/source"
)

// padding makes a file large enough for gen/source to keep it.
var padding = "\n#" + strings.Repeat(" ", 4<<10)

// edit changes a source a little.
func (r *random) edit(text map[string]string) {
	for range 1 + r.IntN(3) {
		names := slices.Sorted(maps.Keys(text))
		switch name := names[r.IntN(len(names))]; {
		case r.chance(15):
			text["more/new.yaml"] = r.file() + padding
		case name == "records.yaml":
			var root strings.Builder
			r.root(&root)
			text[name] = root.String() + padding
		case r.chance(20):
			delete(text, name)
		case r.chance(30): // all positions change
			text[name] = "# first line\n" + text[name]
		default:
			text[name] = r.file() + padding
		}
	}
}

// damage makes files of a cache bad: empty, short, another one's, or with another byte.
func (r *random) damage(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch r.IntN(12) {
		case 0:
			data = nil
		case 1:
			data = data[:r.IntN(len(data)+1)]
		case 2:
			if data, err = os.ReadFile(filepath.Join(dir, entries[r.IntN(len(entries))].Name())); err != nil {
				t.Fatal(err)
			}
		case 3:
			if len(data) > 0 {
				data[r.IntN(len(data))] ^= 1 << r.IntN(8)
			}
		default:
			continue
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever is in the cache, from whatever state of the source, the result is that of the source.
func TestCacheRandom(t *testing.T) {
	for seed := range uint64(150) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 2)), kinds: map[string]bool{}, mistakes: []int{0, 5, 20}[seed%3]}
		dir, results := t.TempDir(), filepath.Join(t.TempDir(), "cache")
		c, err := cache.Open(results)
		if err != nil {
			t.Fatal(err)
		}
		text := r.source()
		for name := range text {
			text[name] += padding
		}
		for range 4 {
			if err := os.RemoveAll(filepath.Join(dir, "more")); err != nil {
				t.Fatal(err)
			}
			write(t, dir, text)
			files, err := source.ReadFiles(filepath.Join(dir, "records.yaml"), source.ReadOptions{Cache: c})
			if err != nil {
				t.Fatal(err)
			}
			plain, err := source.ReadFiles(filepath.Join(dir, "records.yaml"), source.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := newBuilder(files, Options{Today: today, Cache: c}).result()
			if got == nil {
				break
			}
			if diff := difference(t, plain, got); diff != "" {
				for name, text := range text {
					t.Logf("%s:\n%s", name, text)
				}
				t.Fatalf("seed %d: %s", seed, diff)
			}
			r.edit(text)
			if r.chance(30) {
				r.damage(t, results)
			}
		}
	}
}

// What is found out about a file that has not changed is not found out again.
func TestCacheIsUsed(t *testing.T) {
	r := &random{Rand: rand.New(rand.NewPCG(1, 3)), kinds: map[string]bool{}}
	text := r.source()
	for i := range 8 {
		text["more/x"+string(rune('a'+i))+".yaml"] = r.file()
	}
	for name := range text {
		text[name] += padding
	}
	dir, results := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	c, err := cache.Open(results)
	if err != nil {
		t.Fatal(err)
	}
	lint := func() int64 {
		t.Helper()
		write(t, dir, text)
		files, err := source.ReadFiles(filepath.Join(dir, "records.yaml"), source.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b := newBuilder(files, Options{Today: today, Cache: c})
		b.parts(func() {})
		return b.made.Load()
	}
	if made, want := lint(), int64(2*len(text)); made != want { // facts and parts
		t.Errorf("%d results, want %d", made, want)
	}
	if made := lint(); made != 0 {
		t.Errorf("%d results, and no file has changed", made)
	}
	for _, name := range []string{"more/xc.yaml", "records.yaml"} {
		text[name] += "# changed\n"
		if made := lint(); made != 2 {
			t.Errorf("%d results for one changed file, %s, want 2", made, name)
		}
	}
	text["records.yaml"] = "# moved\n" + text["records.yaml"]
	if made := lint(); made != int64(len(text)+1) {
		t.Errorf("%d results when the frame has other places, want all parts and the facts of the root file", made)
	}
}

func FuzzDecode(f *testing.F) {
	r := &random{Rand: rand.New(rand.NewPCG(1, 4)), kinds: map[string]bool{}, mistakes: 20}
	for range 4 {
		s, found := source.Parse("a.yaml", []byte(r.file()), true)
		facts := factsOf(s, false)
		facts.findings = found
		f.Add(facts.encode("a.yaml"))
	}
	f.Add(string((&part{keys: []uint64{1, 2}}).encode("a.yaml")))
	f.Fuzz(func(t *testing.T, data string) {
		if p, ok := decodePart(data, "a.yaml"); ok {
			if q, ok := decodePart(string(p.encode("a.yaml")), "a.yaml"); !ok || len(q.keys) != len(p.keys) {
				t.Error("a part cannot be decoded again")
			}
		}
		if x, ok := decodeFacts(data, "a.yaml"); ok {
			if _, ok := decodeFacts(x.encode("a.yaml"), "a.yaml"); !ok {
				t.Error("facts cannot be decoded again")
			}
		}
	})
}
