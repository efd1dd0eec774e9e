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
	responder *fastpath.Responder
	ordinary  *ordinary
	out       []byte
}

func newComparison(t testing.TB, b []byte) *comparison {
	return &comparison{
		generation(t, b), fastpath.New(fastpath.Options{Zones: []string{"."}}), newOrdinary(t, b, ".", ""),
		make([]byte, fastpath.MaxResponse),
	}
}

// compare lets both answer a packet. What the fast path answers must be the same but for the accepted differences:
//
//   - Names are compressed that CoreDNS writes out.
//
// What it leaves to CoreDNS must not be plain: that cannot be told for all packets, but plain tells that it should be.
func (c *comparison) compare(t testing.TB, packet []byte, plain bool) fastpath.Result {
	t.Helper()
	before := bytes.Clone(packet)
	result := c.responder.Respond(c.out, packet, c.g)
	if !bytes.Equal(packet, before) {
		t.Fatalf("%x was changed", before)
	}
	want, msg := c.ordinary.respond(t, packet)
	if result.N == 0 {
		if plain && len(want) <= fastpath.MaxResponse && !msg.Compress &&
			(msg.Rcode == dns.RcodeSuccess || msg.Rcode == dns.RcodeNameError) {
			t.Fatalf("%x: no response, want\n%v", packet, msg)
		}
		return result
	}
	if msg == nil {
		t.Fatalf("%x: a response, want none", packet)
	}
	var m dns.Msg
	if err := m.Unpack(c.out[:result.N]); err != nil {
		t.Fatalf("%x: response %x: %v", packet, c.out[:result.N], err)
	}
	got, err := m.Pack()
	if err != nil {
		t.Fatalf("%x: response %x: %v", packet, c.out[:result.N], err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%x:\n%v\nof %x\nwant\n%v\nof %x", packet, &m, c.out[:result.N], msg, want)
	}
	if result.N > len(want) {
		t.Errorf("%x: %d bytes, CoreDNS takes %d", packet, result.N, len(want))
	}
	q := msg.Question[0]
	opt := msg.IsEdns0()
	kind := c.g.Answer(q.Name, q.Qtype, opt != nil && opt.Do()).Kind
	wantResult := fastpath.Result{
		N: result.N, Kind: kind, Rcode: uint8(msg.Rcode), Type: q.Qtype, DO: opt != nil && opt.Do(), Size: c.ordinary.size,
	}
	if result != wantResult {
		t.Fatalf("%x: %+v, want %+v", packet, result, wantResult)
	}
	return result
}

var qtypes = []uint16{
	dns.TypePTR, dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeSOA, dns.TypeCNAME, dns.TypeDS, dns.TypeDNSKEY, dns.TypeTXT,
	dns.TypeMX, dns.TypeANY,
}

// names returns the names that RRs of g have and lead to, all their ancestors, and names of addresses.
func names(g *authority.Generation) []string {
	list := []string{"."}
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
	names []string
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// packet returns a query, and whether it is plain: such that the fast path should answer it.
func (g *generator) packet(t testing.TB) ([]byte, bool) {
	t.Helper()
	m := &dns.Msg{MsgHdr: dns.MsgHdr{
		Id: uint16(g.Uint32()), RecursionDesired: g.oneIn(2), CheckingDisabled: g.oneIn(2),
	}}
	m.Question = []dns.Question{{Name: g.name(), Qtype: pick(g, qtypes), Qclass: dns.ClassINET}}
	if g.oneIn(2) {
		m.Question[0].Qtype = dns.TypePTR
	}
	plain := m.Question[0].Name != "."
	if g.oneIn(8) {
		m.Authoritative, m.Truncated, m.RecursionAvailable = g.oneIn(2), g.oneIn(2), g.oneIn(2)
		m.Zero, m.AuthenticatedData, m.Rcode = g.oneIn(2), g.oneIn(2), g.IntN(16)
	}
	if g.oneIn(2) {
		plain = g.edns(m) && plain
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
	return b, plain
}

// name returns one of the names, or one that is like it.
func (g *generator) name() string {
	name := pick(g, g.names)
	switch g.IntN(8) {
	case 0:
		if name != "." {
			name = pick(g, labels) + "." + name
		}
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

// TestAgainstCoreDNS compares all that is answered with what CoreDNS answers.
func TestAgainstCoreDNS(t *testing.T) {
	n := *packets
	if testing.Short() {
		n = min(n, 20_000)
	}
	c := newComparison(t, content(t))
	g := generator{rand.New(rand.NewPCG(1, 2)), names(c.g)}
	answered := make(map[authority.Kind]int)
	for range n {
		packet, plain := g.packet(t)
		answered[c.compare(t, packet, plain).Kind]++
	}
	for _, kind := range authority.Kinds {
		if answered[kind] == 0 {
			t.Errorf("no packet has an answer of kind %v", kind)
		}
	}
	t.Log(answered)
}
