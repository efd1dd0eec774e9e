package revmap

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

const benchEntries = 1_000_000

// BenchmarkServeDNS compares what each kind of answer takes with the least that a plugin can do, which is to answer every
// query with the same PTR RR: x-constant is the ratio. It asks for few names, which are then in the processor's caches
// like all that the other plugin needs, and for many, where it waits for memory.
func BenchmarkServeDNS(b *testing.B) {
	for _, family := range serveFamilies {
		runs := family.runs(b)
		for _, size := range []struct {
			name    string
			queries int
		}{{"few", 1 << 6}, {"many", serveQueries}} {
			var constant float64 // nanoseconds
			for _, run := range runs {
				b.Run(family.name+"/"+size.name+"/"+run.name, func(b *testing.B) {
					w, ctx := &test.ResponseWriter{}, context.Background()
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						run.handler.ServeDNS(ctx, w, run.queries[i%size.queries])
						i++
					}
					took := float64(b.Elapsed()) / float64(b.N)
					if run.name == "constant" {
						constant = took
					}
					b.ReportMetric(took/constant, "x-constant")
				})
			}
		}
	}
}

// serveQueries is how many queries there are for each kind of answer.
const serveQueries = 1 << 14

// A serveFamily is a block of 256 zones: those of named hold a million names, those of fallback make names, those of
// referral have zone cuts, and those of alias, which only IPv4 has, the aliases of RFC 2317.
type serveFamily struct{ name, block, named, fallback, referral, alias string }

var serveFamilies = []serveFamily{
	{"IPv4", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/11", "10.224.0.0/11"},
	{"IPv6", "2001:db8::/32", "2001:db8::/33", "2001:db8:8000::/34", "2001:db8:c000::/34", ""},
}

// A serveRun is a handler, and queries that it answers in the same way.
type serveRun struct {
	name    string
	handler plugin.Handler
	queries []*dns.Msg
}

// runs returns the constant answer first, then each kind of answer.
func (f *serveFamily) runs(b *testing.B) []serveRun {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(block string, n int) []netip.Addr {
		addrs := benchAddrs(rng, netip.MustParsePrefix(block), n)
		rng.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
		return addrs
	}
	named := random(f.named, benchEntries+serveQueries)
	explicit, byDefault, none := named[:benchEntries/2], named[benchEntries/2:benchEntries], named[benchEntries:]
	entries := make(map[netip.Addr]snapshot.Kind, benchEntries)
	for i, a := range named[:benchEntries] {
		entries[a] = snapshot.Explicit
		if i >= len(explicit) {
			entries[a] = snapshot.Default
		}
	}
	h := newHandler(b, "revmap "+snapshotFile(b, f.snapshot(b, entries)), nil)

	list := []serveRun{{name: "constant", handler: plugin.HandlerFunc(constantPTR)}}
	add := func(name, want string, qtype uint16, qname func(i int) string) {
		queries := make([]*dns.Msg, serveQueries)
		for i := range queries {
			queries[i] = query(qname(i), qtype)
			if m, _ := ask(b, h, queries[i]); !strings.Contains(text(m), want) {
				b.Fatalf("%v: %s, want %q", queries[i].Question[0], text(m), want)
			}
		}
		list = append(list, serveRun{name, h, queries})
	}
	of := func(addrs []netip.Addr) func(int) string {
		return func(i int) string { return arpa.Name(addrs[i]) }
	}
	add("explicit", "PTR mail", dns.TypePTR, of(explicit))
	add("default", "PTR server", dns.TypePTR, of(byDefault))
	add("fallback", ".pool.", dns.TypePTR, of(random(f.fallback, serveQueries)))
	add("NODATA", "NOERROR qr aa rd\nauthority", dns.TypeA, of(explicit))
	add("NXDOMAIN", "NXDOMAIN", dns.TypePTR, of(none))
	add("referral", " NS ", dns.TypePTR, of(random(f.referral, serveQueries)))
	if f.alias != "" {
		delegated := random(f.alias, serveQueries)
		add("alias", " CNAME ", dns.TypePTR, func(i int) string {
			return "1." + arpa.ZoneName(netip.PrefixFrom(delegated[i], 24))
		})
	}
	zones := h.store.generation.Load().Reader().Zones()
	add("apex", "answer", dns.TypeSOA, func(i int) string { return zones[i%len(zones)].Name })
	list[0].queries = list[1].queries
	return list
}

// snapshot returns a snapshot of the block with the given entries.
func (f *serveFamily) snapshot(b *testing.B, entries map[netip.Addr]snapshot.Kind) []byte {
	in := func(block string, p netip.Prefix) bool {
		return block != "" && netip.MustParsePrefix(block).Contains(p.Addr())
	}
	var zones []snapshot.Zone
	for p := range parts(netip.MustParsePrefix(f.block)) {
		z := testZone(arpa.ZoneName(p), p.String(), 1)
		if in(f.fallback, p) {
			z.Fallback = "{ip}.pool.miniserver.example."
		}
		for q := range parts(p) {
			switch {
			case in(f.referral, q):
				z.Delegations = append(z.Delegations, snapshot.Delegation{Prefix: q, Name: arpa.ZoneName(q), NS: z.NS})
			case in(f.alias, q):
				half := netip.PrefixFrom(q.Addr(), 25)
				z.Delegations = append(z.Delegations, snapshot.Delegation{Prefix: half, Name: "0-25.customer.example."})
			}
		}
		zones = append(zones, z)
	}
	builder, err := snapshot.NewBuilder("4f2a9c1", zones)
	if err != nil {
		b.Fatal(err)
	}
	for i, a := range slices.SortedFunc(maps.Keys(entries), netip.Addr.Compare) {
		name := fmt.Sprintf("mail%06d.customer.example.", i)
		if entries[a] == snapshot.Default {
			name = fmt.Sprintf("server%06d.miniserver.example.", i)
		}
		if err := builder.Add(a, entries[a], 3600, []string{name}); err != nil {
			b.Fatal(err)
		}
	}
	return snapshottest.Bytes(b, builder)
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

// parts returns the 256 prefixes that p is cut into.
func parts(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for i := range 256 {
			b := p.Addr().AsSlice()
			b[p.Bits()/8] = byte(i)
			a, _ := netip.AddrFromSlice(b)
			if !yield(netip.PrefixFrom(a, p.Bits()+8)) {
				return
			}
		}
	}
}

// benchAddrs returns n different random addresses of p in order. IPv6 ones are host 2 of a /64, as customers' servers
// are, and these are in an area of 32 bits.
func benchAddrs(rng *rand.Rand, p netip.Prefix, n int) []netip.Addr {
	seen := make(map[netip.Addr]bool, n)
	for len(seen) < n {
		b := p.Addr().AsSlice()
		network := b[:4]
		if p.Addr().Is6() {
			network, b[15] = b[4:8], 2
		}
		binary.BigEndian.PutUint32(network, binary.BigEndian.Uint32(network)|rng.Uint32()>>(p.Bits()%32))
		a, _ := netip.AddrFromSlice(b)
		seen[a] = true
	}
	return slices.SortedFunc(maps.Keys(seen), netip.Addr.Compare)
}
