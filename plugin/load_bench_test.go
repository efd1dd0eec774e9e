package revmap

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

// BenchmarkLoad loads a million names: at start, when there is nothing yet; as a swap, beside the generation that is
// served; and as a swap that keeps for secondaries what has changed, which is the name of one address in a thousand.
func BenchmarkLoad(b *testing.B) {
	for _, family := range []struct {
		name string
		zone snapshot.Zone
	}{
		{"IPv4", testZone("10.in-addr.arpa.", "10.0.0.0/8", 1)},
		{"IPv6", testZone(ip6apex, "2001:db8::/32", 1)},
	} {
		addrs := benchAddrs(rand.New(rand.NewPCG(1, 2)), family.zone.Prefix, benchEntries)
		build := func(serial uint32, changed string) string {
			zone := family.zone
			zone.Serial = serial
			builder, err := snapshot.NewBuilder("4f2a9c1", []snapshot.Zone{zone})
			if err != nil {
				b.Fatal(err)
			}
			for i, a := range addrs {
				name := fmt.Sprintf("s%07d.miniserver.example.", i)
				if i%1000 == 0 {
					name = changed + name
				}
				if err := builder.Add(a, snapshot.Default, 3600, []string{name}); err != nil {
					b.Fatal(err)
				}
			}
			return snapshotFile(b, snapshottest.Bytes(b, builder))
		}
		// Each serial is later than the one before it, the first one than the last too (RFC 1982 section 3.2): with one that
		// goes back, there would be no deltas any more.
		files := []string{build(0, "a."), build(5<<28, "b."), build(10<<28, "c.")}

		b.Run(family.name+"/start", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				generations.Lock()
				delete(generations.byPath, files[0]) // or what was loaded in the last round would be shared
				generations.Unlock()
				if _, err := openStore(options{path: files[0]}); err != nil {
					b.Fatal(err)
				}
				collect(b)
			}
		})
		for _, swap := range []struct {
			name        string
			transferred bool
		}{{"swap", false}, {"swap-transferred", true}} {
			b.Run(family.name+"/"+swap.name, func(b *testing.B) {
				path := snapshotFile(b, nil)
				put := func(file string) {
					next := path + ".next"
					if err := os.Link(file, next); err != nil {
						b.Fatal(err)
					}
					if err := os.Rename(next, path); err != nil {
						b.Fatal(err)
					}
				}
				put(files[2])
				s, err := openStore(options{path: path})
				if err != nil {
					b.Fatal(err)
				}
				if swap.transferred {
					s.transfer(nil, nil)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					put(files[i%3])
					i++
					if changed, err := s.reload(); err != nil || !changed {
						b.Fatal(changed, err)
					}
					collect(b)
				}
			})
		}
	}
}

// collect gives back, outside of what is measured, the generations that are not used anymore: nothing else would make the
// garbage collector look for them, which they are no part of.
func collect(b *testing.B) {
	b.StopTimer()
	runtime.GC()
	b.StartTimer()
}
