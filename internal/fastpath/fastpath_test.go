package fastpath_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/fastpath"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

var packets = flag.Int("packets", 300_000, "how many packets TestAgainstCoreDNS compares")

// A comparison holds a fast path and the ordinary one.
type comparison struct {
	g         *authority.Generation
	zones     []string
	responder *fastpath.Responder
	ordinary  *ordinary
	out       []byte
}

// newComparison compares what serves a snapshot for the given zones, to senders that take so much, or what they say if
// size is 0.
func newComparison(t testing.TB, b []byte, size uint16, zones ...string) *comparison {
	return &comparison{
		generation(t, b), zones, fastpath.New(fastpath.Options{Zones: zones, BufferSize: size}),
		newOrdinary(t, b, strings.Join(zones, " "), size), make([]byte, fastpath.MaxResponse),
	}
}

// A packet is one that both answer. If it is plain, the fast path has to, unless CoreDNS has no answer, or one that it
// had to compress.
type packet struct {
	b     []byte
	plain bool
}

// compare lets both answer the packets, and returns what the fast path says of its answers. What it answers must be the
// same bytes but for the accepted differences, which docs/decisions/0030 lists: names that are compressed.
func (c *comparison) compare(t testing.TB, packets ...packet) []fastpath.Result {
	t.Helper()
	batch := make([][]byte, len(packets))
	for i := range batch {
		batch[i] = bytes.Clone(packets[i].b)
	}
	c.responder.Prepare(batch, c.g)
	defer c.responder.Prepare(nil, nil)
	results := make([]fastpath.Result, len(packets))
	for i, p := range packets {
		results[i] = c.responder.RespondTo(i, c.out)
		if !bytes.Equal(batch[i], p.b) {
			t.Fatalf("%x was changed", p.b)
		}
		want, msg := c.ordinary.respond(t, p.b)
		if results[i].N > 0 {
			c.compareResponse(t, p.b, results[i], want, msg)
		} else if p.plain && answers(msg) && !msg.Compress && len(want) <= 1220 {
			t.Fatalf("%x: no response, want\n%v", p.b, msg)
		}
	}
	return results
}

// answers reports whether m is what the plugin answers.
func answers(m *dns.Msg) bool { return m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError }

// compareResponse compares what is in c.out with what CoreDNS answers.
func (c *comparison) compareResponse(t testing.TB, packet []byte, result fastpath.Result, want []byte, msg *dns.Msg) {
	t.Helper()
	if msg == nil {
		t.Fatalf("%x: a response, want none", packet)
	}
	response := c.out[:result.N]
	var m dns.Msg
	err := m.Unpack(response)
	if err != nil {
		t.Fatalf("%x: response %x: %v", packet, response, err)
	}
	got, err := m.Pack() // without compression
	if err != nil {
		t.Fatalf("%x: response %x: %v", packet, response, err)
	}
	if !bytes.Equal(got, want) || result.N > len(want) {
		t.Fatalf("%x:\n%v\nof %x\nwant\n%v\nof %x", packet, &m, response, msg, want)
	}
	q, opt := msg.Question[0], msg.IsEdns0()
	do := opt != nil && opt.Do()
	wantResult := fastpath.Result{
		N: result.N, Kind: c.g.Answer(q.Name, q.Qtype, do).Kind, Rcode: uint8(msg.Rcode), Type: q.Qtype, DO: do,
		Size: c.ordinary.size,
	}
	length := 0
	for i, zone := range c.zones {
		if dns.IsSubDomain(zone, q.Name) && len(zone) > length {
			wantResult.Zone, length = i, len(zone)
		}
	}
	if result != wantResult {
		t.Fatalf("%x: %+v, want %+v", packet, result, wantResult)
	}
}

var qtypes = []uint16{
	dns.TypePTR, dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeSOA, dns.TypeCNAME, dns.TypeDS, dns.TypeDNSKEY, dns.TypeTXT,
	dns.TypeMX, dns.TypeANY,
}

// names returns the names that RRs of g have and lead to, all their ancestors, and names of addresses.
func names(g *authority.Generation) []string {
	var list []string
	add := func(name string) {
		for ; name != ""; _, name, _ = strings.Cut(name, ".") {
			list = append(list, name)
		}
	}
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		for r := range g.Stored(z) {
			add(r.Owner)
			add(r.Target)
		}
		if z.Kind != snapshot.Reverse {
			continue
		}
		a := z.Prefix.Masked().Addr()
		for range 20 {
			add(z.Owner(a))
			for _, fallback := range g.Fallbacks(z) {
				template, _ := hostname.Parse(fallback) // the reader has verified it
				name, _ := template.Expand(hostname.Values{Addr: a})
				add(name)
			}
			if a = a.Next(); !z.Prefix.Contains(a) {
				break
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// labels are odd ones.
var labels = []string{
	"0", "00", "1", "f", "g", "G", "255", "256", "260", "300", "01", "0x1", "64-26", "1000", `\046`, `\001`, `\255`, "*",
	strings.Repeat("a", 63), `\.`, `\\`, `\(\)\;\@\"\ \'`,
}

// A generator makes packets.
type generator struct {
	*rand.Rand
	stored []dns.Question // to which there are answers
	names  []string       // all of interest
}

func newGenerator(g *authority.Generation, seed uint64) *generator {
	var stored []dns.Question
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		n := make(map[uint16]int)
		for r := range g.Stored(z) {
			if n[r.Type]++; n[r.Type] <= 10 { // there are many aliases, and RRs of the catalog, that are alike
				stored = append(stored, dns.Question{Name: r.Owner, Qtype: r.Type, Qclass: dns.ClassINET})
			}
		}
	}
	return &generator{rand.New(rand.NewPCG(seed, 1)), stored, names(g)}
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// packet returns a query, or something that is like one.
func (g *generator) packet(t testing.TB) packet {
	t.Helper()
	if g.oneIn(50) {
		return packet{b: g.random()}
	}
	m := &dns.Msg{MsgHdr: dns.MsgHdr{
		Id: uint16(g.Uint32()), RecursionDesired: g.oneIn(2), CheckingDisabled: g.oneIn(2),
	}}
	m.Question = []dns.Question{pick(g, g.stored)}
	if g.oneIn(2) {
		m.Question[0].Qtype = pick(g, qtypes)
	}
	if g.oneIn(2) {
		m.Question[0].Name = pick(g, g.names)
	}
	m.Question[0].Name = g.change(m.Question[0].Name)
	plain := true
	if g.oneIn(8) {
		m.Authoritative, m.Truncated, m.RecursionAvailable = g.oneIn(2), g.oneIn(2), g.oneIn(2)
		m.Zero, m.AuthenticatedData, m.Rcode = g.oneIn(2), g.oneIn(2), g.IntN(16)
	}
	if g.oneIn(2) {
		plain = g.edns(m)
	}
	if g.oneIn(20) {
		plain = false
		g.odd(m)
	}
	b, err := m.Pack()
	if err != nil { // an odd label made the name too long
		return g.packet(t)
	}
	if g.oneIn(3) {
		plain = false
		b = g.mutate(b)
	}
	return packet{b, plain}
}

// change returns a name that is like the given one.
func (g *generator) change(name string) string {
	switch g.IntN(8) {
	case 0:
		name = pick(g, labels) + "." + name
	case 1: // another label in front
		if _, rest, _ := strings.Cut(name, "."); rest != "" {
			name = pick(g, labels) + "." + rest
		}
	case 2: // another label anywhere
		if list := dns.SplitDomainName(name); len(list) > 0 {
			list[g.IntN(len(list))] = pick(g, labels)
			name = strings.Join(list, ".") + "."
		}
	}
	if g.oneIn(4) {
		b := []byte(name)
		for i, c := range b {
			if 'a' <= c && c <= 'z' && g.oneIn(2) {
				b[i] = c - 'a' + 'A'
			}
		}
		name = string(b)
	}
	return name
}

// edns adds an OPT RR, and reports whether it is plain.
func (g *generator) edns(m *dns.Msg) bool {
	m.SetEdns0(pick(g, []uint16{0, 100, 511, 512, 513, 600, 1220, 1221, 1232, 1400, 1480, 1481, 4096, 65535}), g.oneIn(2))
	opt := m.IsEdns0()
	if g.oneIn(4) {
		opt.Hdr.Ttl |= g.Uint32() & 0xffff
	}
	plain := true
	for g.oneIn(3) {
		o := &dns.EDNS0_LOCAL{Code: pick(g, []uint16{3, 5, 6, 7, 10, 12, 13, 14, 20, 26946, 65001, 65535})}
		o.Data = make([]byte, g.IntN(40))
		if g.oneIn(3) { // any other
			plain = false
			o.Code = uint16(g.IntN(25))
		}
		opt.Option = append(opt.Option, o)
	}
	if g.oneIn(8) {
		a := netip.MustParseAddr("192.0.2.0")
		opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{
			Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(g.IntN(33)), Address: a.AsSlice(),
		})
	}
	if g.oneIn(20) {
		opt.SetVersion(uint8(g.IntN(3)))
		plain = false
	}
	return plain
}

// odd makes something of m that is for CoreDNS.
func (g *generator) odd(m *dns.Msg) {
	rr := &dns.SOA{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: ".", Mbox: "."}
	switch g.IntN(9) {
	case 0:
		m.Opcode = g.IntN(16)
	case 1:
		m.Response = true
	case 2:
		m.Question[0].Qclass = uint16(g.IntN(300))
	case 3:
		m.Question[0].Qtype = uint16(249 + g.IntN(7))
	case 4:
		m.Question = append(m.Question, m.Question[0])
	case 5:
		m.Answer = append(m.Answer, rr)
	case 6:
		m.Ns = append(m.Ns, rr)
	case 7:
		m.Extra = append(m.Extra, rr)
	case 8:
		m.Question = nil
	}
}

// random returns a header with the usual counts and any bytes, or any bytes without that.
func (g *generator) random() []byte {
	b := make([]byte, g.IntN(600))
	for i := range b {
		b[i] = byte(g.Uint32()) >> g.IntN(8)
	}
	if g.oneIn(2) {
		copy(b[min(2, len(b)):], []byte{1, 0, 0, 1, 0, 0, 0, 0, 0, byte(g.IntN(2))})
	}
	return b
}

// mutate damages a packet.
func (g *generator) mutate(b []byte) []byte {
	for range 1 + g.IntN(3) {
		switch g.IntN(6) {
		case 0:
			b = b[:g.IntN(len(b)+1)]
		case 1:
			b = append(b, byte(g.Uint32()))
		default:
			if len(b) > 0 {
				i := g.IntN(len(b))
				b[i] = pick(g, []byte{byte(g.Uint32()), b[i] + 1, b[i] - 1, b[i] ^ 0x20, 0, 0xc0})
			}
		}
	}
	return b
}

// batch returns as many packets as may arrive at once.
func (g *generator) batch(t testing.TB) []packet {
	list := make([]packet, 1+g.IntN(40))
	for i := range list {
		list[i] = g.packet(t)
	}
	return list
}

// TestAgainstCoreDNS compares all that is answered with what CoreDNS answers.
func TestAgainstCoreDNS(t *testing.T) {
	n := *packets
	if testing.Short() {
		n = min(n, 20_000)
	}
	for seed, run := range []struct {
		zones string
		size  uint16 // of bufsize
	}{
		{".", 0},
		{"in-addr.arpa. ip6.arpa. example.", 1232},
		{"64-26.2.0.192.in-addr.arpa. 113.0.203.in-addr.arpa. arpa. host.example. 200.192-27.2.0.192.in-addr.arpa.", 600},
		{"2.0.192.in-addr.arpa. 0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. static.host.example. 31.2.0.192.in-addr.arpa.", 0},
	} {
		t.Run(run.zones, func(t *testing.T) {
			c := newComparison(t, content(t), run.size, strings.Fields(run.zones)...)
			g := newGenerator(c.g, uint64(seed))
			answered := make(map[authority.Kind]int)
			passed := 0
			for done := 0; done < n/4; {
				batch := g.batch(t)
				for _, r := range c.compare(t, batch...) {
					if r.N > 0 {
						answered[r.Kind]++
					} else {
						passed++
					}
				}
				done += len(batch)
			}
			t.Logf("answered %v, passed %d", answered, passed)
			for _, kind := range authority.Kinds {
				if want := n / 4000; seed < 2 && kind != authority.Outside && answered[kind] < want {
					t.Errorf("%d answers of kind %v, want %d at least", answered[kind], kind, want)
				}
			}
		})
	}
}
