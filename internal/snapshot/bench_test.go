package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/revmap/revmap/internal/arpa"
)

// benchEntries is the number of entries of one family in benchmarks: the documentation prefixes have no room for
// so many IPv4 addresses, so these are from 10.0.0.0/8.
const benchEntries = 1_000_000

// benchFile returns a snapshot with benchEntries entries of one family in one zone, which is the worst case for
// lookups, and the addresses of the entries in order.
func benchFile(tb testing.TB, v6 bool) ([]byte, []netip.Addr) {
	zone := Zone{
		Kind:   Reverse,
		Name:   "10.in-addr.arpa.",
		Prefix: netip.MustParsePrefix("10.0.0.0/8"),
		Serial: 1,
		TTL:    3600,
		SOA:    SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
		NS:     []string{"ns1.example.net.", "ns2.example.net."},
	}
	if v6 {
		zone.Name = "8.b.d.0.1.0.0.2.ip6.arpa."
		zone.Prefix = netip.MustParsePrefix("2001:db8::/32")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	seen := make(map[netip.Addr]bool, benchEntries)
	addrs := make([]netip.Addr, 0, benchEntries)
	for len(addrs) < benchEntries {
		a := benchAddr(rng, zone.Prefix)
		if !seen[a] {
			seen[a] = true
			addrs = append(addrs, a)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	b, err := NewBuilder("", []Zone{zone})
	if err != nil {
		tb.Fatal(err)
	}
	for i, a := range addrs {
		name := fmt.Sprintf("host%06d.cust%04d.example.com.", i, i%10_000)
		if err := b.Add(a, Explicit, 3600, []string{name}); err != nil {
			tb.Fatal(err)
		}
	}
	var file bytes.Buffer
	if _, err := b.WriteTo(&file); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes(), addrs
}

// benchAddr returns a random address of p: IPv6 ones are host 2 of a random /64, as customers' servers are.
func benchAddr(rng *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	if len(b) == 4 {
		binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)|rng.Uint32()>>8)
	} else {
		binary.BigEndian.PutUint32(b[4:], rng.Uint32())
		b[15] = 2
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func benchFamilies(b *testing.B, bench func(b *testing.B, file []byte, addrs []netip.Addr)) {
	for _, f := range []struct {
		name string
		v6   bool
	}{{"IPv4", false}, {"IPv6", true}} {
		b.Run(f.name, func(b *testing.B) {
			file, addrs := benchFile(b, f.v6)
			bench(b, file, addrs)
		})
	}
}

func BenchmarkOpenBytes(b *testing.B) {
	benchFamilies(b, func(b *testing.B, file []byte, _ []netip.Addr) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, err := OpenBytes(file); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(file))/benchEntries, "bytes/name")
	})
}

// BenchmarkOpen is BenchmarkOpenBytes and reading the file, which is in the page cache.
func BenchmarkOpen(b *testing.B) {
	benchFamilies(b, func(b *testing.B, file []byte, _ []netip.Addr) {
		path := filepath.Join(b.TempDir(), "revmap.snapshot")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, err := Open(path); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			runtime.GC() // nothing else gives back what is no part of the heap
			b.StartTimer()
		}
	})
}

// BenchmarkDecode is BenchmarkOpenBytes without the checksum.
func BenchmarkDecode(b *testing.B) {
	benchFamilies(b, func(b *testing.B, file []byte, _ []netip.Addr) {
		h, err := parseHeader(file, uint64(len(file)))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			r := &Reader{b: file, header: h}
			if err := r.decode(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpenZones opens a snapshot of one zone that delegates all of its parts to zones beside it.
func BenchmarkOpenZones(b *testing.B) {
	zone := func(prefix netip.Prefix) Zone {
		return Zone{
			Kind:   Reverse,
			Name:   arpa.ZoneName(prefix),
			Prefix: prefix,
			SOA:    SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
			NS:     []string{"ns1.example.net."},
		}
	}
	zones := []Zone{zone(netip.MustParsePrefix("2001:db8::/32"))}
	addr := zones[0].Prefix.Addr().As16()
	for i := range 1 << 16 {
		binary.BigEndian.PutUint16(addr[4:], uint16(i))
		inside := zone(netip.PrefixFrom(netip.AddrFrom16(addr), 48))
		zones = append(zones, inside)
		d := Delegation{Prefix: inside.Prefix, Name: inside.Name, NS: inside.NS}
		zones[0].Delegations = append(zones[0].Delegations, d)
	}
	builder, err := NewBuilder("", zones)
	if err != nil {
		b.Fatal(err)
	}
	file := encoded(b, builder)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := OpenBytes(file); err != nil {
			b.Fatal(err)
		}
	}
}

// benchHosts adds benchEntries hosts in a random order, and returns their labels in the order of the snapshot.
func benchHosts(tb testing.TB) (*Builder, []string) {
	b, err := NewBuilder("", []Zone{{
		Kind: Forward,
		Name: "vps.example.",
		SOA:  SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
		NS:   []string{"ns1.example.net."},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	labels := make([]string, benchEntries)
	for i, n := range rng.Perm(benchEntries) {
		labels[n] = fmt.Sprintf("host%06d", n)
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if err := b.AddHost(labels[n]+".vps.example.", []netip.Addr{addr}); err != nil {
			tb.Fatal(err)
		}
	}
	return b, labels
}

// BenchmarkOpenHosts is BenchmarkOpenBytes of a snapshot that has hosts only.
func BenchmarkOpenHosts(b *testing.B) {
	builder, _ := benchHosts(b)
	file := encoded(b, builder)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := OpenBytes(file); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file))/benchEntries, "bytes/name")
}

// BenchmarkBuild adds entries in the order of their addresses, and writes the snapshot.
func BenchmarkBuild(b *testing.B) {
	file, addrs := benchFile(b, false)
	r, err := OpenBytes(file)
	if err != nil {
		b.Fatal(err)
	}
	names := make([][]string, 0, len(addrs))
	for _, s := range r.Entries(&r.Zones()[0]) {
		names = append(names, []string{s.Name(0)})
	}
	b.ReportAllocs()
	for b.Loop() {
		builder, err := NewBuilder("", r.Zones())
		if err != nil {
			b.Fatal(err)
		}
		for i, a := range addrs {
			if err := builder.Add(a, Explicit, 3600, names[i]); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := builder.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchEntries, "ns/name")
}

// BenchmarkBuildHosts adds hosts in a random order and sorts them.
func BenchmarkBuildHosts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		builder, _ := benchHosts(b)
		if _, err := builder.Reader(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHost looks random names up.
func BenchmarkHost(b *testing.B) {
	builder, labels := benchHosts(b)
	r, err := builder.Reader()
	if err != nil {
		b.Fatal(err)
	}
	z := &r.Zones()[0]
	const n = 1 << 20
	rng := rand.New(rand.NewPCG(3, 4))
	hits, misses := make([]string, n), make([]string, n)
	for i := range hits {
		hits[i] = labels[rng.IntN(len(labels))]
		misses[i] = hits[i] + "x"
	}
	for _, q := range []struct {
		name   string
		labels []string
		found  bool
	}{{"hit", hits, true}, {"miss", misses, false}} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				labels := q.labels[i&(n-1)]
				if h, ok := r.Host(z, labels); ok != q.found || ok && h.Len() != 1 || !ok && r.HostBelow(z, labels) {
					b.Fatal("wrong result")
				}
				i++
			}
		})
	}
}

func BenchmarkChecksum(b *testing.B) {
	file, _ := benchFile(b, false)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		checksum(file)
	}
}

// BenchmarkLookup looks random addresses up and reads their names.
func BenchmarkLookup(b *testing.B) {
	benchFamilies(b, func(b *testing.B, file []byte, addrs []netip.Addr) {
		r, err := OpenBytes(file)
		if err != nil {
			b.Fatal(err)
		}
		z := &r.Zones()[0]
		const n = 1 << 20
		rng := rand.New(rand.NewPCG(3, 4))
		hits, misses := make([]netip.Addr, n), make([]netip.Addr, 0, n)
		for i := range hits {
			hits[i] = addrs[rng.IntN(len(addrs))]
		}
		for len(misses) < n {
			a := benchAddr(rng, z.Prefix)
			if _, ok := r.Lookup(z, a); !ok {
				misses = append(misses, a)
			}
		}
		for _, q := range []struct {
			name  string
			addrs []netip.Addr
			found bool
		}{{"hit", hits, true}, {"miss", misses, false}} {
			b.Run(q.name, func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					s, ok := r.Lookup(z, q.addrs[i&(n-1)])
					if ok != q.found || ok && s.Name(0) == "" {
						b.Fatal("wrong result")
					}
					i++
				}
			})
		}
	})
}
