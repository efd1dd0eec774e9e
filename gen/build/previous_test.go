package build

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// readIn writes a source below dir, which has nothing else, and reads it.
func readIn(t *testing.T, dir string, text map[string]string) *source.Files {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "more")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, text)
	files, err := source.ReadFiles(filepath.Join(dir, "records.yaml"), source.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// names returns what each address of an inventory answers with, and which server and account it is of.
func names(inv *model.Inventory) [][]string {
	var list [][]string
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		line := append([]string{a.String(), a.Pos().String()}, inv.Effective(a).Names...)
		if a.Server != nil {
			line = append(line, a.Server.Name.Value)
			if a.Server.Account != nil {
				line = append(line, a.Server.Account.Name.Value, a.Server.Account.Name.Pos.String())
			}
		}
		list = append(list, line)
	}
	return list
}

// Whatever is known of a state before, the result is that of the source: with a cache or without, and if the source has
// been taken as a whole.
func TestPreviousRandom(t *testing.T) {
	reused, linked, wholes := 0, 0, 0
	for seed := range uint64(120) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 5)), kinds: map[string]bool{}, mistakes: []int{0, 5, 20, 40}[seed%4]}
		dir := t.TempDir()
		var c *cache.Cache
		if r.chance(20) {
			var err error
			if c, err = cache.Open(filepath.Join(t.TempDir(), "cache")); err != nil {
				t.Fatal(err)
			}
		}
		text := r.source()
		if c != nil {
			for name := range text {
				text[name] += padding
			}
		}
		if r.chance(30) { // so many that not all may be taken together
			for i := range fewFiles {
				text["more/y"+string(rune('a'+i))+".yaml"] = r.file()
			}
		}
		var previous *Result
		for range 6 {
			files := readIn(t, dir, text)
			got, err := Lint(files, Options{Today: today, Cache: c, Keep: true, Previous: previous})
			if err != nil {
				t.Fatal(err)
			}
			failed := func(what string) {
				for name, text := range text {
					t.Logf("%s:\n%s", name, text)
				}
				t.Fatalf("seed %d: %s", seed, what)
			}
			if diff := difference(t, files, got); diff != "" {
				failed(diff)
			}
			s, _ := files.Join()
			whole := model.Build(s)
			var all []int
			for i := range files.Len() {
				all = append(all, i)
			}
			if diff := cmp.Diff(names(whole), names(got.Inventory(all...))); diff != "" {
				failed("inventory (-whole +got):\n" + diff)
			}
			some := r.IntN(files.Len())
			inSome := slices.DeleteFunc(names(whole), func(line []string) bool {
				return !slices.ContainsFunc(whole.Addresses, func(a model.Address) bool {
					return a.Pos().String() == line[1] && a.Pos().File == files.Path(some)
				})
			})
			if diff := cmp.Diff(inSome, names(got.Inventory(some)), cmpopts.EquateEmpty()); diff != "" {
				failed("inventory of a file (-whole +got):\n" + diff)
			}
			if got.fragments == nil {
				wholes++
			}
			if previous != nil && previous.kept.list != nil && got.kept.list != nil {
				fresh := newBuilder(files, Options{Today: today, Keep: true})
				fresh.result()
				if made, all := got.kept.made.Load(), fresh.made.Load(); made < all {
					reused++
				}
				if len(got.kept.links) > 0 && got.kept.same {
					linked++
				}
			}
			previous = got
			r.edit(text)
		}
	}
	t.Logf("%d results with something of the one before, %d with links in the same files, %d wholes", reused, linked, wholes)
	if reused < 200 || linked < 50 || wholes < 20 {
		t.Error("the test wants other sources")
	}
}

// What is known of files that have not changed is not found out again, and neither is what connects them.
func TestPreviousIsUsed(t *testing.T) {
	r := &random{Rand: rand.New(rand.NewPCG(1, 3)), kinds: map[string]bool{}}
	text := r.source()
	for i := range 8 {
		text["more/x"+string(rune('a'+i))+".yaml"] = r.file()
	}
	const shared = "addresses: {192.0.2.251: shared.example.net, 192.0.2.252: own.example.net}\n"
	text["more/sa.yaml"] = shared
	text["more/sb.yaml"] = "addresses: {192.0.2.253: shared.example.net}\n"
	dir := t.TempDir()
	lint := func(previous *Result) *Result {
		t.Helper()
		r, err := Lint(readIn(t, dir, text), Options{Today: today, Keep: true, Previous: previous})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := lint(nil)
	if n, want := first.kept.made.Load(), int64(2*len(text)+1); n != want { // facts and parts, and one of two files
		t.Errorf("%d results, want %d", n, want)
	}
	if len(first.kept.joint) != 1 {
		t.Fatalf("%d joint parts, want 1", len(first.kept.joint))
	}
	same := lint(first)
	if n := same.kept.made.Load(); n != 0 {
		t.Errorf("%d results, and no file has changed", n)
	}
	text["more/xc.yaml"] += "# changed\n"
	second := lint(same)
	if n := second.kept.made.Load(); n != 2 {
		t.Errorf("%d results for one changed file, want 2", n)
	}
	if keys, ok := second.kept.keysSince(same.kept); !ok || len(keys) > 0 {
		t.Errorf("%d keys have changed", len(keys))
	}
	text["more/sb.yaml"] = "addresses: {192.0.2.253: own.example.net}\n"
	third := lint(second)
	if keys, ok := third.kept.keysSince(second.kept); !ok || len(keys) != 4 {
		t.Errorf("%d keys have changed, want 4: those of two names, and of default hostnames like them", len(keys))
	}
	if n := third.kept.made.Load(); n != 3 {
		t.Errorf("%d results for one changed file that is taken together with another, want 3", n)
	}
}

// Zone files that are not on disk are read by the function that the options have.
func TestForwards(t *testing.T) {
	files := readIn(t, t.TempDir(), map[string]string{
		"records.yaml":      root + "forwards: ['more/*.zone']\n",
		"more/a.yaml":       "addresses: {192.0.2.1: a.example.net}\n",
		"more/example.zone": "",
	})
	calls := 0
	wrong := diag.Diagnostic{Pos: diag.Position{File: "example.zone"}, Rule: "forwards-invalid", Severity: diag.Error}
	var previous *Result
	for range 2 {
		r, err := Lint(files, Options{Today: today, Keep: true, Previous: previous, Forwards: func() (*forward.Zones, diag.List, error) {
			calls++
			return nil, diag.List{wrong}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(r.Findings, func(d diag.Diagnostic) bool { return d.Rule == wrong.Rule }) {
			t.Errorf("findings %v", r.Findings)
		}
		if got := names(r.Inventory(1)); len(got) != 1 || got[0][0] != "192.0.2.1" {
			t.Errorf("inventory %v", got)
		}
		previous = r
	}
	if calls != 2 {
		t.Errorf("%d calls, want 2", calls)
	}
}
