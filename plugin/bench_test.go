package revmap

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/snapshot"
)

const benchEntries = 1_000_000

// BenchmarkServeDNS compares the plugin, with a million names, with the least that a plugin can do: to answer every
// query with the same PTR RR. It asks for few names, which are then in the processor's caches like all that the other
// plugin needs, and for many, where it waits for memory.
func BenchmarkServeDNS(b *testing.B) {
	for _, family := range []struct {
		name string
		zone snapshot.Zone
	}{
		{"IPv4", testZone("10.in-addr.arpa.", "10.0.0.0/8", 1)},
		{"IPv6", testZone(ip6apex, "2001:db8::/32", 1)},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		addrs := benchAddrs(rng, family.zone.Prefix, 2*benchEntries)
		rng.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
		hits, misses := addrs[:benchEntries], addrs[benchEntries:]
		slices.SortFunc(hits, netip.Addr.Compare)
		builder, err := snapshot.NewBuilder("4f2a9c1", []snapshot.Zone{family.zone})
		if err != nil {
			b.Fatal(err)
		}
		for i, a := range hits {
			if err := builder.Add(a, snapshot.Default, 3600, []string{fmt.Sprintf("s%07d.miniserver.example.", i)}); err != nil {
				b.Fatal(err)
			}
		}
		var buf bytes.Buffer
		if _, err := builder.WriteTo(&buf); err != nil {
			b.Fatal(err)
		}
		h := newHandler(b, "revmap "+snapshotFile(b, buf.Bytes()), nil)

		for _, run := range []struct {
			name  string
			h     plugin.Handler
			addrs []netip.Addr
			rcode int
		}{
			{"constant", plugin.HandlerFunc(constantPTR), hits, dns.RcodeSuccess},
			{"hit", h, hits, dns.RcodeSuccess},
			{"miss", h, misses, dns.RcodeNameError},
		} {
			rng.Shuffle(len(run.addrs), func(i, j int) { run.addrs[i], run.addrs[j] = run.addrs[j], run.addrs[i] })
			for _, n := range []int{1 << 6, 1 << 14} {
				queries := make([]*dns.Msg, n)
				for i := range queries {
					queries[i] = query(arpa.Name(run.addrs[i]), dns.TypePTR)
					if m, _ := ask(b, run.h, queries[i]); m.Rcode != run.rcode {
						b.Fatalf("%v: %s", queries[i].Question[0], dns.RcodeToString[m.Rcode])
					}
				}
				b.Run(fmt.Sprintf("%s/%s/%d", family.name, run.name, n), func(b *testing.B) {
					w, ctx := &test.ResponseWriter{}, context.Background()
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						run.h.ServeDNS(ctx, w, queries[i%n])
						i++
					}
				})
			}
		}
	}
}

// constantPTR is the plugin that revmap is compared with. It makes its response as plugins usually do.
func constantPTR(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := new(dns.Msg)
	m.SetReply(r)
	m.Authoritative = true
	m.Answer = []dns.RR{&dns.PTR{
		Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 3600},
		Ptr: "host.example.net.",
	}}
	w.WriteMsg(m)
	return dns.RcodeSuccess, nil
}

// benchAddrs returns n different random addresses of p in order; IPv6 ones are host 2 of a /64, as customers' servers
// are.
func benchAddrs(rng *rand.Rand, p netip.Prefix, n int) []netip.Addr {
	seen := make(map[netip.Addr]bool, n)
	for len(seen) < n {
		b := p.Addr().AsSlice()
		if p.Addr().Is4() {
			binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)|rng.Uint32N(1<<24))
		} else {
			binary.BigEndian.PutUint32(b[4:], rng.Uint32())
			b[15] = 2
		}
		a, _ := netip.AddrFromSlice(b)
		seen[a] = true
	}
	return slices.SortedFunc(maps.Keys(seen), netip.Addr.Compare)
}
