package fastpath_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/fastpath"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

const benchNames = 1_000_000

// A benchFamily is a block of zones with a million names: one zone, as in bench, or as many as such a block often is.
type benchFamily struct {
	name, block string
	zone        int // bits of a zone's prefix
	addr        func(i int) netip.Addr
	absent      func(r *rand.Rand) netip.Addr
}

func addr4(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func addr6(i int, id uint64) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], uint32(i))
	binary.BigEndian.PutUint64(a[8:], id)
	return netip.AddrFrom16(a)
}

var benchFamilies = []benchFamily{
	{"IPv4", "10.0.0.0/8", 8, addr4, func(r *rand.Rand) netip.Addr { return addr4(32<<16 + r.IntN(1<<24-32<<16)) }},
	{"IPv6", "2001:db8::/32", 32, func(i int) netip.Addr { return addr6(i, 2) },
		func(r *rand.Rand) netip.Addr { return addr6(r.IntN(benchNames), 1<<63|r.Uint64()) }},
	{"IPv4sparse", "10.0.0.0/8", 24, func(i int) netip.Addr { return addr4(i * 16) },
		func(r *rand.Rand) netip.Addr { return addr4(16*r.IntN(benchNames) + 1) }},
}

func (f *benchFamily) generation(b *testing.B) *authority.Generation {
	var zones []snapshot.Zone
	block := netip.MustParsePrefix(f.block)
	for i, a := 0, block.Addr(); i < 1<<(f.zone-block.Bits()); i++ {
		p := netip.PrefixFrom(a, f.zone)
		zones = append(zones, reverse(arpa.ZoneName(p), p.String(), ""))
		a = arpa.Last(p).Next()
	}
	builder, err := snapshot.NewBuilder("", zones)
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchNames {
		name := fmt.Sprintf("host%d.cust%d.example.com.", i, i%5000)
		if err := builder.Add(f.addr(i), snapshot.Explicit, 3600, []string{name}); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "records.snapshot")
	if err := os.WriteFile(path, snapshottest.Bytes(b, builder), 0o644); err != nil {
		b.Fatal(err)
	}
	r, err := snapshot.Open(path) // has its own memory, in large pages where there are any
	if err != nil {
		b.Fatal(err)
	}
	return snapshottest.Generation(b, r)
}

// benchPackets is how many packets there are for each kind of answer.
const benchPackets = 1 << 17

func (f *benchFamily) packets(b *testing.B, qname func(i int) string) [][]byte {
	list := make([][]byte, benchPackets)
	for i := range list {
		m := new(dns.Msg).SetQuestion(qname(i), dns.TypePTR)
		var err error
		if list[i], err = m.Pack(); err != nil {
			b.Fatal(err)
		}
	}
	return list
}

// BenchmarkRespond answers packets for random names of a million, or beside them. With one name again and again, all
// that is needed is in the processor's caches.
func BenchmarkRespond(b *testing.B) {
	for _, f := range benchFamilies {
		g := f.generation(b)
		rnd := rand.New(rand.NewPCG(1, 2))
		one := f.addr(rnd.IntN(benchNames))
		for _, run := range []struct {
			name  string
			kind  authority.Kind
			qname func(i int) string
		}{
			{"one", authority.Explicit, func(int) string { return arpa.Name(one) }},
			{"hit", authority.Explicit, func(int) string { return arpa.Name(f.addr(rnd.IntN(benchNames))) }},
			{"miss", authority.NXDomain, func(int) string { return arpa.Name(f.absent(rnd)) }},
			{"odd", authority.NXDomain, func(int) string { return "a-label." + arpa.Name(f.addr(rnd.IntN(benchNames))) }},
		} {
			packets := f.packets(b, run.qname)
			for _, batch := range []int{1, 8, 32} {
				b.Run(fmt.Sprintf("%s/%s/%d", f.name, run.name, batch), func(b *testing.B) {
					r := fastpath.New(fastpath.Options{Zones: []string{"in-addr.arpa.", "ip6.arpa."}})
					out := make([]byte, fastpath.MaxResponse)
					b.ReportAllocs()
					n, before := 0, cpuTime(b)
					for b.Loop() {
						i := n % benchPackets
						if i%batch == 0 {
							r.Prepare(packets[i:i+batch], g)
						}
						if result := r.RespondTo(i%batch, out); result.Kind != run.kind {
							b.Fatalf("%x: %+v", packets[i], result)
						}
						n++
					}
					b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}

// cpuTime returns the processor time that the process has taken: others run on the same processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
