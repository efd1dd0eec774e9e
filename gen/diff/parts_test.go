package diff

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"weak"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// filesOf is how many files the source of a world is thought to consist of.
const filesOf = 5

// fileOf returns which of them lists an address, which is of a server, or of none: "".
func fileOf(server string, a netip.Addr) int {
	if server == "" {
		return int(a.As16()[15]) % filesOf
	}
	return int(server[len(server)-1]) % filesOf
}

// parts puts the files that are not the same in two worlds together where an address goes from one to the other.
func parts(old, new *world) [][]int {
	with := make([]int, filesOf) // a tree: a file that each one is taken together with, or itself
	for f := range with {
		with[f] = f
	}
	last := func(f int) int {
		for with[f] != f {
			f = with[f]
		}
		return f
	}
	differs := make([]bool, filesOf)
	entries, entries2 := old.entries, new.entries
	for _, a := range slices.SortedFunc(maps.Keys(entries), netip.Addr.Compare) {
		e, f := entries[a], fileOf(entries[a].server, a)
		e2, ok := entries2[a]
		if g := fileOf(e2.server, a); ok {
			with[min(last(f), last(g))] = max(last(f), last(g))
			differs[g] = differs[g] || !reflect.DeepEqual(e, e2)
		}
		differs[f] = differs[f] || !ok || !reflect.DeepEqual(e, e2)
	}
	for a, e := range entries2 {
		if _, ok := entries[a]; !ok {
			differs[fileOf(e.server, a)] = true
		}
	}
	for name, m := range old.servers {
		f := fileOf(name, netip.Addr{})
		differs[f] = differs[f] || *m != *new.servers[name]
	}
	together := make([][]int, filesOf)
	for f := range differs {
		if differs[f] {
			together[last(f)] = append(together[last(f)], f)
		}
	}
	return slices.DeleteFunc(together, func(files []int) bool { return files == nil })
}

// part returns what some of the files of a source say.
func part(inv *model.Inventory, files []int) *model.Inventory {
	var servers []source.Server
	for _, s := range inv.Source.Servers {
		if slices.Contains(files, fileOf(s.Name.Value, netip.Addr{})) {
			servers = append(servers, s)
		}
	}
	var addresses []source.Address
	for _, a := range inv.Source.Addresses {
		if slices.Contains(files, fileOf("", a.Addr.Addr)) {
			addresses = append(addresses, a)
		}
	}
	return model.Frame(inv.Source).Part(servers, addresses, inv.Source.Accounts)
}

// named returns how many addresses in each block have a name of their own.
func named(inv *model.Inventory) map[netip.Prefix]int {
	all := make(map[netip.Prefix]int)
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if e := inv.Effective(a); a.Block != nil && len(e.Names) > 0 && e.Origin != model.Fallback {
			all[a.Block.Prefix.Prefix]++
		}
	}
	return all
}

// The files that differ are enough to find what Compare finds in the whole, and what a gate would stop.
func TestCompareParts(t *testing.T) {
	outside, several, stopped := 0, 0, 0
	for seed := range uint64(300) {
		r := random{rand.New(rand.NewPCG(seed, 2))}
		old := r.world()
		new := old.clone()
		if r.chance(50) {
			r.edit(new)
		}
		for range r.IntN(3) {
			a := r.addr()
			e := r.entry()
			if was, ok := new.entries[a]; ok {
				e.server = was.server
			}
			new.entries[a] = e
		}
		new.tidy()
		parts := parts(old, new)
		if len(parts) > 1 {
			several++
		}
		text, zone := old.source()
		from, zones := load(t, "records.yaml", text, zone)
		text, _ = new.source()
		to, _ := load(t, "records.yaml", text, zone)
		if some := named(part(from, slices.Concat(parts...))); !maps.Equal(some, named(from)) {
			outside++
		}

		want := Compare(OfInventory(from, zones), OfInventory(to, zones))
		got := CompareParts(OfInventory(part(from, nil), zones), OfInventory(part(to, nil), zones), len(parts),
			func(i int) (a, b *Side) {
				return OfInventory(part(from, parts[i]), zones), OfInventory(part(to, parts[i]), zones)
			},
			func(block netip.Prefix) int { return named(from)[block] })
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		stops, allowed := want.Gate(DefaultLimits())
		gotStops, gotAllowed := got.Gate(DefaultLimits())
		if want, got := fmt.Sprint(stops, allowed), fmt.Sprint(gotStops, gotAllowed); got != want {
			t.Errorf("seed %d: the gate says %s; want %s", seed, got, want)
		}
		stopped += len(stops)
	}
	if outside < 100 || several < 50 || stopped < 10 {
		t.Errorf("%d times names in files that do not differ, %d times several parts, and %d changes were stopped",
			outside, several, stopped)
	}
}

// No more parts are held at once than there are processors, and none when all is done.
func TestPartsAreLetGo(t *testing.T) {
	old := random{rand.New(rand.NewPCG(1, 2))}.world()
	text, zone := old.source()
	from, _ := load(t, "records.yaml", text, zone)
	to, _ := load(t, "records.yaml", strings.ReplaceAll(text, "two.example.net", "new.example.net"), zone)
	var lock sync.Mutex
	var all []weak.Pointer[model.Inventory]
	held := func() (n int) {
		lock.Lock()
		defer lock.Unlock()
		runtime.GC()
		for _, p := range all {
			if p.Value() != nil {
				n++
			}
		}
		return n
	}
	most := 0
	changes := CompareParts(OfInventory(part(from, nil), nil), OfInventory(part(to, nil), nil), 50,
		func(int) (*Side, *Side) {
			n := held()
			lock.Lock()
			defer lock.Unlock()
			most = max(most, n)
			two := []int{fileOf("", netip.MustParseAddr("198.51.100.2"))}
			a, b := part(from, two), part(to, two)
			all = append(all, weak.Make(a), weak.Make(b))
			return OfInventory(a, nil), OfInventory(b, nil)
		},
		func(netip.Prefix) int { return 50 })
	if n := held(); n > 0 || most > 2*runtime.GOMAXPROCS(0) {
		t.Errorf("%d inventories are still held, and %d were at once", n, most)
	}
	if len(changes.Addresses) != 50 || changes.Total.Changed != 50 {
		t.Errorf("%d addresses, total %+v", len(changes.Addresses), changes.Total)
	}
}
