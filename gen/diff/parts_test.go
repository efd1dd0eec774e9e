package diff

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

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

// file returns what one of the files of w says.
func (w *world) file(n int) (map[string]machine, map[netip.Addr]entry) {
	machines, entries := map[string]machine{}, map[netip.Addr]entry{}
	for a, e := range w.entries {
		if fileOf(e.server, a) == n {
			entries[a] = e
			if e.server != "" {
				machines[e.server] = *w.servers[e.server]
			}
		}
	}
	return machines, entries
}

// part returns the inventory of some of the files of a source, and how many addresses the others name.
func part(inv *model.Inventory, in func(file int) bool) (*model.Inventory, map[netip.Prefix]int) {
	var servers []source.Server
	for _, s := range inv.Source.Servers {
		if in(fileOf(s.Name.Value, netip.Addr{})) {
			servers = append(servers, s)
		}
	}
	var addresses []source.Address
	for _, a := range inv.Source.Addresses {
		if in(fileOf("", a.Addr.Addr)) {
			addresses = append(addresses, a)
		}
	}
	outside := make(map[netip.Prefix]int)
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		server := ""
		if a.Server != nil {
			server = a.Server.Name.Value
		}
		e := inv.Effective(a)
		if a.Block != nil && !in(fileOf(server, a.Addr)) && len(e.Names) > 0 && e.Origin != model.Fallback {
			outside[a.Block.Prefix.Prefix]++
		}
	}
	return model.Frame(inv.Source).Part(servers, addresses, inv.Source.Accounts), outside
}

// The files that differ are enough to find what Compare finds in the whole, and what a gate would stop.
func TestCompareParts(t *testing.T) {
	someOutside, stopped := 0, 0
	for seed := range uint64(300) {
		r := random{rand.New(rand.NewPCG(seed, 2))}
		old := r.world()
		new := old.clone()
		if r.chance(50) {
			r.edit(new)
		}
		for range r.IntN(3) {
			new.entries[r.addr()] = r.entry()
		}
		new.tidy()
		differs := func(n int) bool {
			servers, entries := old.file(n)
			servers2, entries2 := new.file(n)
			return !reflect.DeepEqual(servers, servers2) || !reflect.DeepEqual(entries, entries2)
		}
		text, zone := old.source()
		from, zones := load(t, "records.yaml", text, zone)
		text, _ = new.source()
		to, _ := load(t, "records.yaml", text, zone)
		fromPart, outside := part(from, differs)
		toPart, _ := part(to, differs)
		someOutside += len(outside)

		want := Compare(OfInventory(from, zones), OfInventory(to, zones))
		got := CompareParts(OfInventory(fromPart, zones), OfInventory(toPart, zones),
			func(block netip.Prefix) int { return outside[block] })
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
	if someOutside < 100 || stopped < 10 {
		t.Errorf("files that do not differ have addresses in %d blocks, and %d changes were stopped", someOutside, stopped)
	}
}
