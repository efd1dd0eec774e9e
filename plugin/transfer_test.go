package revmap

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/plugin/transfer"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

const (
	keyName = "secondary.example."
	secret  = "NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk="
)

// transferCorefile returns a Corefile that lets everybody transfer; more goes into its server block.
func transferCorefile(path, more string) string {
	return ".:0 {\nbind 127.0.0.1\n" + more + "\ntransfer {\nto *\n}\nrevmap " + path + " {\nreload 0\n}\n}"
}

func axfrQuery(zone string) *dns.Msg { return new(dns.Msg).SetAxfr(zone) }

func ixfrQuery(zone string, serial uint32) *dns.Msg {
	return new(dns.Msg).SetIxfr(zone, serial, "ns.example.", "hostmaster.example.")
}

// receive asks in for a transfer, over TCP, and returns the messages of the response. Each of them must be a part of a
// response, have AA, and be signed if the request is.
func receive(t *testing.T, in *caddy.Instance, r *dns.Msg) []*dns.Msg {
	t.Helper()
	conn, err := net.Dial("tcp", in.Servers()[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	signed, mac := r.IsTsig() != nil, ""
	var wire []byte
	if signed {
		wire, mac, err = dns.TsigGenerate(r.Copy(), secret, "", false)
	} else {
		wire, err = r.Pack()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&dns.Conn{Conn: conn}).Write(wire); err != nil {
		t.Fatal(err)
	}
	var messages []*dns.Msg
	for len(messages) == 0 || !complete(t, r, records(messages)) {
		var n uint16
		if err := binary.Read(conn, binary.BigEndian, &n); err != nil {
			t.Fatalf("After %d messages: %v", len(messages), err)
		}
		wire := make([]byte, n)
		if _, err := io.ReadFull(conn, wire); err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(wire); err != nil {
			t.Fatal(err)
		}
		if m.Rcode != dns.RcodeSuccess {
			return []*dns.Msg{m}
		}
		if !m.Response || !m.Authoritative || m.Truncated || m.Id != r.Id || len(m.Ns) > 0 {
			t.Errorf("Message %d has the header %v and %d RRs in authority", len(messages), m.MsgHdr, len(m.Ns))
		}
		if signed {
			if err := dns.TsigVerify(wire, secret, mac, len(messages) > 0); err != nil {
				t.Errorf("Message %d: %v", len(messages), err)
			} else {
				mac = m.IsTsig().MAC
			}
		}
		messages = append(messages, m)
	}
	return messages
}

func records(messages []*dns.Msg) (rrs []dns.RR) {
	for _, m := range messages {
		rrs = append(rrs, m.Answer...)
	}
	return rrs
}

// complete reports whether rrs are a whole response to r.
func complete(t *testing.T, r *dns.Msg, rrs []dns.RR) bool {
	t.Helper()
	if len(rrs) == 0 {
		t.Fatal("The first message is empty")
	}
	first, ok := rrs[0].(*dns.SOA)
	if !ok {
		t.Fatalf("The first RR is %v, want an SOA", rrs[0])
	}
	if len(rrs) == 1 { // is all, if the secondary is up to date
		return len(r.Ns) == 1 && int32(r.Ns[0].(*dns.SOA).Serial-first.Serial) >= 0
	}
	second, ok := rrs[1].(*dns.SOA)
	if !ok || second.Serial == first.Serial {
		_, ends := rrs[len(rrs)-1].(*dns.SOA)
		return ends
	}
	soas := 0 // of a delta
	for _, rr := range rrs[1:] {
		if soa, ok := rr.(*dns.SOA); ok {
			if soas%2 == 0 && soa.Serial == first.Serial {
				return true
			}
			soas++
		}
	}
	return false
}

// axfr returns the RRs of a zone as text, without the last SOA.
func axfr(t *testing.T, in *caddy.Instance, zone string) []string {
	t.Helper()
	return zoneOf(t, receive(t, in, axfrQuery(zone)))
}

// zoneOf returns the RRs of a whole zone, which messages hold.
func zoneOf(t *testing.T, messages []*dns.Msg) []string {
	t.Helper()
	zone := texts(records(messages))
	if len(zone) < 3 || zone[0] != zone[len(zone)-1] || !strings.Contains(zone[0], " SOA ") {
		t.Fatalf("This is no zone between two SOAs: %q", zone)
	}
	zone = zone[:len(zone)-1]
	if n := slices.IndexFunc(zone[1:], func(rr string) bool { return strings.Contains(rr, " SOA ") }); n >= 0 {
		t.Fatalf("There is an SOA in the middle of a zone, after %s", zone[n])
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(zone)))); n != len(zone) {
		t.Errorf("%d RRs, but only %d different", len(zone), n)
	}
	return zone
}

func texts(rrs []dns.RR) (text []string) {
	for _, rr := range rrs {
		text = append(text, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	return text
}

// kindOf returns what a response is, and how many deltas it has.
func kindOf(messages []*dns.Msg) (kind string, deltas int) {
	rrs := records(messages)
	if messages[0].Rcode != dns.RcodeSuccess {
		return dns.RcodeToString[messages[0].Rcode], 0
	}
	if len(rrs) == 1 {
		return "current", 0
	}
	if second, ok := rrs[1].(*dns.SOA); !ok || second.Serial == rrs[0].(*dns.SOA).Serial {
		return "axfr", 0
	}
	soas := 0
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeSOA {
			soas++
		}
	}
	return "ixfr", (soas - 2) / 2
}

// apply does with zone what a secondary does with an IXFR (RFC 1995 section 4). It holds that each RR that is deleted
// is there, that none that is added is, and that each delta begins where the one before ends.
func apply(t *testing.T, zone []string, rrs []dns.RR) []string {
	t.Helper()
	set := make(map[string]bool)
	soa := ""
	for _, rr := range zone {
		if set[rr] = true; strings.Contains(rr, " SOA ") {
			soa = rr
		}
	}
	text := texts(rrs)
	last := text[0]
	if text[len(text)-1] != last {
		t.Errorf("The response begins with %s and ends with %s", last, text[len(text)-1])
	}
	deleting := false
	for i, rr := range text[1 : len(text)-1] {
		if rrs[i+1].Header().Rrtype == dns.TypeSOA {
			deleting = !deleting
			if deleting && rr != soa {
				t.Errorf("A delta begins with %s, but the zone has %s", rr, soa)
			}
			soa = rr
		}
		if set[rr] != deleting {
			t.Errorf("Deleting %t, there %t: %s", deleting, set[rr], rr)
		}
		if deleting {
			delete(set, rr)
		} else {
			set[rr] = true
		}
	}
	if soa != last {
		t.Errorf("The last delta leads to %s, want %s", soa, last)
	}
	return slices.Sorted(maps.Keys(set))
}

// wholeInventory returns a snapshot that has an example of each RR that there is, and the zones as AXFR sends them.
func wholeInventory(t testing.TB) (content []byte, zones map[string][]string) {
	t.Helper()
	reverse := testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 7)
	reverse.Delegations = []snapshot.Delegation{{
		Prefix: netip.MustParsePrefix("192.0.2.64/31"), Name: "64-31.2.0.192.in-addr.arpa.",
		NS: []string{"ns.64-31.2.0.192.in-addr.arpa.", "ns1.acme.example."},
		DS: []snapshot.DS{{KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: strings.Repeat("\xab", 32)}},
		Glue: []snapshot.Glue{
			{Name: "ns.64-31.2.0.192.in-addr.arpa.", Addr: netip.MustParseAddr("198.51.100.1")},
			{Name: "ns.64-31.2.0.192.in-addr.arpa.", Addr: netip.MustParseAddr("2001:db8::1")},
		},
	}, {
		Prefix: netip.MustParsePrefix("192.0.2.128/31"), Name: "128-31.acme.example.",
	}}
	single := testZone("113.0.203.in-addr.arpa.", "203.0.113.0/24", 7)
	single.Fallback = "{ip}.static.example.net."
	endless := testZone(ip6apex, "2001:db8::/32", 7)
	endless.Fallback = "{ip}.v6.example.net."
	forward, catalog := forwardZone("miniserver.example.", 7), catalogZone("catalog.example.", 7)
	content = encode(t, []snapshot.Zone{reverse, single, endless, forward, catalog}, []testEntry{
		{"192.0.2.10", snapshot.Default, 3600, []string{"s1.miniserver.example."}},
		{"192.0.2.30", snapshot.Explicit, 60, []string{"a.example.net.", "b.example.net."}},
		{"203.0.113.1", snapshot.Explicit, 3600, []string{"gw.example.net."}},
	}, testHost{"s1.miniserver.example.", []string{"192.0.2.10", "2001:db8::2"}})

	soa := func(zone string) string {
		return zone + " 3600 IN SOA ns.g7.example. hostmaster.example.net. 7 3600 900 1209600 300"
	}
	ns := func(zone string) []string {
		return []string{zone + " 3600 IN NS ns1.example.net.", zone + " 3600 IN NS ns2.example.net."}
	}
	zones = map[string][]string{
		reverse.Name: slices.Concat([]string{soa(reverse.Name)}, ns(reverse.Name), []string{
			"64-31.2.0.192.in-addr.arpa. 3600 IN NS ns.64-31.2.0.192.in-addr.arpa.",
			"64-31.2.0.192.in-addr.arpa. 3600 IN NS ns1.acme.example.",
			"64-31.2.0.192.in-addr.arpa. 3600 IN DS 12345 13 2 " + strings.Repeat("AB", 32),
			"ns.64-31.2.0.192.in-addr.arpa. 3600 IN A 198.51.100.1",
			"ns.64-31.2.0.192.in-addr.arpa. 3600 IN AAAA 2001:db8::1",
			"64.2.0.192.in-addr.arpa. 3600 IN CNAME 64.64-31.2.0.192.in-addr.arpa.",
			"65.2.0.192.in-addr.arpa. 3600 IN CNAME 65.64-31.2.0.192.in-addr.arpa.",
			"128.2.0.192.in-addr.arpa. 3600 IN CNAME 128.128-31.acme.example.",
			"129.2.0.192.in-addr.arpa. 3600 IN CNAME 129.128-31.acme.example.",
			"10.2.0.192.in-addr.arpa. 3600 IN PTR s1.miniserver.example.",
			"30.2.0.192.in-addr.arpa. 60 IN PTR a.example.net.",
			"30.2.0.192.in-addr.arpa. 60 IN PTR b.example.net.",
		}),
		forward.Name: slices.Concat([]string{soa(forward.Name)}, ns(forward.Name), []string{
			"s1.miniserver.example. 3600 IN A 192.0.2.10",
			"s1.miniserver.example. 3600 IN AAAA 2001:db8::2",
		}),
		single.Name: slices.Concat([]string{soa(single.Name)}, ns(single.Name)),
	}
	for i := range 256 {
		target := fmt.Sprintf("203-0-113-%d.static.example.net.", i)
		if i == 1 {
			target = "gw.example.net."
		}
		zones[single.Name] = append(zones[single.Name], fmt.Sprintf("%d.%s 3600 IN PTR %s", i, single.Name, target))
	}
	return content, zones
}

// TestAXFR compares whole zones, whose order is that of the source.
func TestAXFR(t *testing.T) {
	content, zones := wholeInventory(t)
	path := snapshotFile(t, content)
	in := startServer(t, transferCorefile(path, ""))
	for name, want := range zones {
		if diff := cmp.Diff(want, axfr(t, in, strings.ToUpper(name))); diff != "" {
			t.Errorf("Zone (-want +got):\n%s", diff)
		}
	}
	catalog := axfr(t, in, "catalog.example.")
	for _, want := range []string{
		"catalog.example. 3600 IN NS invalid.",
		`version.catalog.example. 3600 IN TXT "2"`,
	} {
		if !slices.Contains(catalog, want) {
			t.Errorf("The catalog lacks %s: %q", want, catalog)
		}
	}
	var members []string
	for _, rr := range catalog {
		if _, member, ok := strings.Cut(rr, " PTR "); ok {
			members = append(members, member)
		}
	}
	slices.Sort(members)
	if want := slices.Sorted(maps.Keys(zones)); !slices.Equal(members, want) {
		t.Errorf("The catalog has the members %q, want %q", members, want)
	}
	if got := value(t, transfersTotal.WithLabelValues(path, "axfr")); got != float64(len(zones)+1) {
		t.Errorf("Counted %v transfers, want %d", got, len(zones)+1)
	}
}

// TestTransferRefused is about zones that there are not, and those that must not be transferred.
func TestTransferRefused(t *testing.T) {
	content, _ := wholeInventory(t)
	path := snapshotFile(t, content)
	in := startServer(t, transferCorefile(path+" ip6.arpa 192.0.2.0/24", ""))
	logged.take()
	for range 2 {
		for _, zone := range []string{
			ip6apex,
			"miniserver.example.",            // not one of ZONES
			"10.2.0.192.in-addr.arpa.",       // below an apex
			"64-31.2.0.192.in-addr.arpa.",    // a zone cut
			"192.in-addr.arpa.", "ip6.arpa.", // above
			"3.0.192.in-addr.arpa.",
		} {
			for _, r := range []*dns.Msg{axfrQuery(zone), ixfrQuery(zone, 6)} {
				m := receive(t, in, r)[0]
				if m.Rcode != dns.RcodeRefused || len(m.Answer) > 0 {
					t.Errorf("Answered %s with %v, want REFUSED", r.Question[0].String(), m)
				}
			}
		}
	}
	if kind, _ := kindOf(receive(t, in, axfrQuery("2.0.192.in-addr.arpa."))); kind != "axfr" {
		t.Errorf("Answered a zone of ZONES with %s", kind)
	}
	l := logged.take()
	if strings.Count(l, "[WARNING]") != 1 || !strings.Contains(l, "Refusing to transfer zone "+ip6apex) {
		t.Errorf("Logged %q, want one warning with the reason", l)
	}
	if m := exchange(t, in, "udp", axfrQuery("2.0.192.in-addr.arpa.")); m.Rcode != dns.RcodeRefused {
		t.Errorf("AXFR over UDP is %s, want REFUSED", dns.RcodeToString[m.Rcode])
	}
}

// TestTransferWhileWaiting holds that a server without a snapshot does not refuse: secondaries shall come again.
func TestTransferWhileWaiting(t *testing.T) {
	h := newHandler(t, "revmap "+t.TempDir()+"/missing.snapshot {\nwait\n}", nil)
	if _, err := h.Transfer("2.0.192.in-addr.arpa.", 0); err != transfer.ErrNotAuthoritative {
		t.Errorf("Transfer returned %v, want ErrNotAuthoritative", err)
	}
	if _, rcode := ask(t, h, axfrQuery("2.0.192.in-addr.arpa.")); rcode != dns.RcodeServerFailure {
		t.Errorf("ServeDNS returned %s, want SERVFAIL", dns.RcodeToString[rcode])
	}
}

// batch is the size at which the transfer plugin begins another message.
const batch = 63_000

// TestTransferMessages is about zones that just fit into one or more messages, or just do not: each message must be
// signed and have AA, also one with nothing but the last SOA.
func TestTransferMessages(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 1))
	in := startServer(t, transferCorefile(path, "tsig {\nsecret "+keyName+" "+secret+"\nrequire AXFR IXFR\n}"))
	soas := 0
	for _, full := range []int{0, 1, 2} { // messages before the last but one
		for _, more := range []int{-1, 0, 1, 2} { // bytes beyond what fits
			content, n := zoneOfSize(t, full, more)
			replace(t, path, content)
			storeOf(t, in).tick()
			for _, r := range []*dns.Msg{axfrQuery(ip6apex), ixfrQuery(ip6apex, math.MaxInt32-5)} {
				r.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
				messages := receive(t, in, r)
				want := full + 1
				if more > 0 {
					want++
				}
				if len(messages) != want || len(zoneOf(t, messages)) != n {
					t.Errorf("%d messages and %d bytes more: got %d messages with %d RRs, want %d with %d",
						full, more, len(messages), len(records(messages))-1, want, n)
				}
				if last := messages[len(messages)-1].Answer; len(last) == 1 {
					soas++
				}
			}
		}
	}
	if soas == 0 {
		t.Error("No message has the last SOA alone: this tested nothing")
	}
	// A real client.
	r := axfrQuery(ip6apex).SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
	client := &dns.Transfer{TsigSecret: map[string]string{keyName: secret}, ReadTimeout: 10 * time.Second}
	envelopes, err := client.In(r, in.Servers()[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, want := zoneOfSize(t, 2, 2)
	got := -1 // the last SOA does not count
	for e := range envelopes {
		if e.Error != nil {
			t.Error(e.Error)
		}
		got += len(e.RR)
	}
	if got != want {
		t.Errorf("The client got %d RRs, want %d", got, want)
	}
}

// zoneOfSize returns a snapshot with a zone whose RRs, with both SOAs, make as many messages as full, and fill another
// up to its limit and the given number of bytes beyond it. n is how many RRs these are without the last SOA.
func zoneOfSize(t *testing.T, full, more int) (content []byte, n int) {
	t.Helper()
	z := testZone(ip6apex, "2001:db8::/32", math.MaxInt32)
	soa := dns.Len(zoneSOA(&z))
	size := soa // of the message
	add := func(rr dns.RR) {
		n++
		if size+dns.Len(rr) > batch {
			full--
			size = 0
		}
		size += dns.Len(rr)
	}
	n++
	for _, ns := range z.NS {
		add(&dns.NS{Hdr: dns.RR_Header{Name: z.Name}, Ns: ns})
	}
	var entries []testEntry
	a := netip.MustParseAddr("2001:db8::")
	entry := func(length int) {
		a = a.Next()
		target := strings.Repeat("a", length%2) + strings.Repeat("a.", length/2)
		entries = append(entries, testEntry{a.String(), snapshot.Explicit, 3600, []string{target}})
		add(&dns.PTR{Hdr: dns.RR_Header{Name: ip6name}, Ptr: target})
	}
	const fixed = 1 + 10 + 1 // the bytes of a PTR RR beside the text of its names
	for full > 0 || size < batch-soa-600 {
		entry(120)
	}
	for { // fill up with one or two
		left := batch - soa - size + more - fixed - len(ip6name)
		if left <= 240 {
			entry(left)
			break
		}
		entry(120)
	}
	return encode(t, []snapshot.Zone{z}, entries), n
}

// TestTSIG holds that a transfer needs a good signature where the tsig plugin demands one.
func TestTSIG(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	in := startServer(t, transferCorefile(path, "tsig {\nsecret "+keyName+" "+secret+"\nrequire AXFR IXFR\n}"))
	ask := func(r *dns.Msg, name, secret string) *dns.Msg {
		t.Helper()
		c := &dns.Client{Net: "tcp", Timeout: 10 * time.Second}
		if name != "" {
			r.SetTsig(name, dns.HmacSHA256, 300, time.Now().Unix())
			c.TsigSecret = map[string]string{name: secret}
		}
		m, _, err := c.Exchange(r, in.Servers()[0].Addr().String())
		if m == nil {
			t.Fatal(err)
		}
		return m
	}
	const zone = "2.0.192.in-addr.arpa."
	other := strings.ToUpper(secret[:len(secret)-1]) + "="
	for _, tc := range []struct {
		name        string
		key, secret string
		rcode       int
		answers     int
	}{
		{"good key", keyName, secret, dns.RcodeSuccess, 12},
		{"no key", "", "", dns.RcodeRefused, 0},
		{"wrong secret", keyName, other, dns.RcodeNotAuth, 0},
		{"unknown key", "other.example.", secret, dns.RcodeNotAuth, 0},
	} {
		for _, r := range []*dns.Msg{axfrQuery(zone), ixfrQuery(zone, math.MaxUint32)} {
			if m := ask(r, tc.key, tc.secret); m.Rcode != tc.rcode || len(m.Answer) != tc.answers {
				t.Errorf("%s: %s with %d RRs, want %s with %d", tc.name, dns.RcodeToString[m.Rcode], len(m.Answer),
					dns.RcodeToString[tc.rcode], tc.answers)
			}
		}
	}
	if m := ask(ixfrQuery(zone, 1), keyName, secret); len(m.Answer) != 1 || !m.Authoritative || m.IsTsig() == nil {
		t.Errorf("The answer to a secondary that is up to date: %v, want one RR, AA and a signature", m)
	}
}

// inventoryChanges makes snapshots, each of which differs from the one before at random.
type inventoryChanges struct {
	rng     *rand.Rand
	serials map[string]uint32
	zones   map[string]*snapshot.Zone
	entries map[netip.Addr]testEntry
	hosts   map[string][]string
	last    *authority.Generation
}

func newInventoryChanges(seed uint64) *inventoryChanges {
	c := &inventoryChanges{
		rng:     rand.New(rand.NewPCG(seed, 1)),
		serials: make(map[string]uint32),
		zones:   make(map[string]*snapshot.Zone),
		entries: make(map[netip.Addr]testEntry),
		hosts:   make(map[string][]string),
	}
	for _, z := range []snapshot.Zone{
		testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 1),
		testZone("113.0.203.in-addr.arpa.", "203.0.113.0/24", 1),
		testZone(ip6apex, "2001:db8::/32", 1),
		forwardZone("miniserver.example.", 1),
		catalogZone("catalog.example.", 1),
	} {
		c.zones[z.Name] = &z
		c.serials[z.Name] = math.MaxUint32 - 3000 // they wrap
	}
	return c
}

// names are the zones that are always there.
var changingZones = []string{"2.0.192.in-addr.arpa.", "113.0.203.in-addr.arpa.", ip6apex, "miniserver.example.",
	"catalog.example."}

// next returns a snapshot in which some has changed, and the serials of those zones that have changed are higher.
func (c *inventoryChanges) next(t *testing.T) []byte {
	t.Helper()
	for range c.rng.IntN(5) {
		c.change()
	}
	build := func() []byte {
		var zones []snapshot.Zone
		for name, z := range c.zones {
			z.Serial = c.serials[name]
			zones = append(zones, *z)
		}
		var entries []testEntry
		for _, a := range slices.SortedFunc(maps.Keys(c.entries), netip.Addr.Compare) {
			if !c.taken(a) {
				entries = append(entries, c.entries[a])
			}
		}
		var hosts []testHost
		for name, addrs := range c.hosts {
			hosts = append(hosts, testHost{name, addrs})
		}
		return encode(t, zones, entries, hosts...)
	}
	g := snapshottest.Generation(t, snapshottest.Open(t, build()))
	for name := range c.zones {
		if c.last == nil || authority.Changed(c.last, g, name) {
			c.serials[name] += 1 + c.rng.Uint32N(1000)
		}
	}
	content := build()
	c.last = snapshottest.Generation(t, snapshottest.Open(t, content))
	return content
}

// taken reports whether a is delegated.
func (c *inventoryChanges) taken(a netip.Addr) bool {
	for _, z := range c.zones {
		for _, d := range z.Delegations {
			if d.Prefix.Contains(a) {
				return true
			}
		}
	}
	return false
}

func (c *inventoryChanges) change() {
	addr := func() string {
		switch c.rng.IntN(3) {
		case 0:
			return fmt.Sprintf("192.0.2.%d", c.rng.IntN(20))
		case 1:
			return fmt.Sprintf("203.0.113.%d", c.rng.IntN(200))
		}
		return fmt.Sprintf("2001:db8::%x", c.rng.IntN(20))
	}
	switch c.rng.IntN(10) {
	case 0, 1, 2, 3:
		names := []string{fmt.Sprintf("h%d.example.net.", c.rng.IntN(3))}
		if c.rng.IntN(3) == 0 {
			names = append(names, fmt.Sprintf("h%d.example.org.", c.rng.IntN(3)))
		}
		a := addr()
		c.entries[netip.MustParseAddr(a)] = testEntry{a, snapshot.Kind(1 + c.rng.IntN(2)), 60 * c.rng.Uint32N(3), names}
	case 4:
		delete(c.entries, netip.MustParseAddr(addr()))
	case 5:
		c.hosts[fmt.Sprintf("s%d.miniserver.example.", c.rng.IntN(10))] = []string{addr(), addr()}
	case 6:
		delete(c.hosts, fmt.Sprintf("s%d.miniserver.example.", c.rng.IntN(10)))
	case 7: // a zone that comes and goes
		const name = "100.51.198.in-addr.arpa."
		if c.zones[name] != nil {
			delete(c.zones, name)
		} else {
			z := testZone(name, "198.51.100.0/24", 1)
			c.zones[name] = &z
		}
	case 8:
		z := c.zones[changingZones[c.rng.IntN(len(changingZones)-1)]]
		switch c.rng.IntN(3) {
		case 0:
			z.TTL = 3600 + c.rng.Uint32N(2)
		case 1:
			z.SOA.Refresh = 3600 + c.rng.Uint32N(2)
		default:
			z.NS = []string{"ns1.example.net.", fmt.Sprintf("ns%d.example.net.", 2+c.rng.IntN(3))}
		}
	case 9:
		d := snapshot.Delegation{Prefix: netip.MustParsePrefix("192.0.2.8/29"), Name: "8-29.2.0.192.in-addr.arpa.",
			NS: []string{"ns.8-29.2.0.192.in-addr.arpa.", fmt.Sprintf("ns%d.acme.example.", c.rng.IntN(3))}}
		d.Glue = []snapshot.Glue{{Name: d.NS[0], Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(c.rng.IntN(3))})}}
		if c.rng.IntN(2) == 0 {
			ds := snapshot.DS{KeyTag: uint16(c.rng.IntN(3)), Algorithm: 13, DigestType: 2, Digest: strings.Repeat("\x01", 32)}
			d.DS = []snapshot.DS{ds}
		}
		z := c.zones["2.0.192.in-addr.arpa."]
		z.Delegations = nil
		if c.rng.IntN(3) > 0 {
			z.Delegations = []snapshot.Delegation{d}
		}
	}
}

// TestIXFR follows random changes as secondaries do that come more or less often.
func TestIXFR(t *testing.T) {
	const rounds = 60
	changes := newInventoryChanges(1)
	path := snapshotFile(t, changes.next(t))
	in := startServer(t, transferCorefile(path, ""))
	type version struct {
		serial uint32
		zone   []string
	}
	history := make(map[string][]version)
	note := func() {
		for _, name := range changingZones {
			zone := axfr(t, in, name)
			serial := changes.serials[name]
			if v := history[name]; len(v) > 0 && v[len(v)-1].serial == serial {
				if diff := cmp.Diff(v[len(v)-1].zone, zone); diff != "" {
					t.Fatalf("Zone has changed under the same serial (-was +is):\n%s", diff)
				}
				continue
			}
			history[name] = append(history[name], version{serial, zone})
		}
	}
	note()
	most := 0
	for range rounds {
		replace(t, path, changes.next(t))
		storeOf(t, in).tick()
		note()
		for _, name := range changingZones {
			versions := history[name]
			last := versions[len(versions)-1]
			for _, i := range []int{0, changes.rng.IntN(len(versions)), len(versions) - 1} {
				v := versions[i]
				messages := receive(t, in, ixfrQuery(name, v.serial))
				kind, deltas := kindOf(messages)
				if v.serial == last.serial {
					if kind != "current" {
						t.Errorf("Answered serial %d of %s with %s, but it is current", v.serial, name, kind)
					}
					continue
				}
				if kind != "ixfr" || deltas != len(versions)-1-i {
					t.Fatalf("Answered serial %d of %s with %s of %d deltas, want %d", v.serial, name, kind, deltas, len(versions)-1-i)
				}
				most = max(most, deltas)
				want := slices.Sorted(slices.Values(last.zone))
				if diff := cmp.Diff(want, apply(t, v.zone, records(messages))); diff != "" {
					t.Fatalf("%s from %d to %d (-AXFR +applied):\n%s", name, v.serial, last.serial, diff)
				}
			}
		}
	}
	if most < rounds/4 {
		t.Errorf("No more than %d deltas in %d rounds: this tested too little", most, rounds)
	}
	wrapped := slices.ContainsFunc(history[changingZones[0]], func(v version) bool { return v.serial < math.MaxInt32 })
	if !wrapped {
		t.Error("The serials have not wrapped")
	}
}

// TestSerials is about what a secondary asks that has another serial.
func TestSerials(t *testing.T) {
	const zone = "2.0.192.in-addr.arpa."
	for _, tc := range []struct {
		was, is int
		asked   uint32
		want    string
	}{
		{5, 6, 6, "current"},
		{5, 6, 7, "current"},
		{5, 6, 5, "ixfr"},
		{5, 6, 4, "axfr"}, // before the start
		{5, 6, 0, "axfr"},
		{5, 6, 6 + math.MaxInt32, "current"},
		{5, 6, 7 + math.MaxInt32, "axfr"}, // half the circle away: RFC 1982 does not say which is newer
		{5, 6, 8 + math.MaxInt32, "axfr"},
		{5, 6, math.MaxUint32, "axfr"},
		{math.MaxUint32, 3, math.MaxUint32, "ixfr"},
		{math.MaxUint32, 3, math.MaxUint32 - 1, "axfr"},
		{math.MaxUint32, 3, 3, "current"},
		{math.MaxUint32 - 1, math.MaxUint32, 1, "current"},
		{math.MaxUint32, 0, math.MaxUint32, "ixfr"},
		{math.MaxUint32, 0, 1, "current"},
		{6, 5, 6, "current"}, // a rollback, which no secondary follows
		{6, 5, 4, "axfr"},
		{5, math.MaxInt32, 5, "ixfr"},
		{5, 5 + math.MaxInt32, 5, "ixfr"},
		{5, 6 + math.MaxInt32, 5, "axfr"},
	} {
		t.Run(fmt.Sprintf("%d after %d, asked %d", uint32(tc.is), uint32(tc.was), tc.asked), func(t *testing.T) {
			path := snapshotFile(t, encodeGeneration(t, tc.was, 4))
			in := startServer(t, transferCorefile(path, ""))
			replace(t, path, encodeGeneration(t, tc.is, 5))
			storeOf(t, in).tick()
			messages := receive(t, in, ixfrQuery(zone, tc.asked))
			if kind, _ := kindOf(messages); kind != tc.want {
				t.Errorf("Got %s, want %s", kind, tc.want)
			}
			if got := records(messages)[0].(*dns.SOA).Serial; got != uint32(tc.is) {
				t.Errorf("Got serial %d", got)
			}
			if got := value(t, transfersTotal.WithLabelValues(path, tc.want)); got != 1 {
				t.Errorf("Counted %v transfers of the kind", got)
			}
		})
	}
}

// TestTransferLog holds that the log tells what is sent.
func TestTransferLog(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	in := startServer(t, transferCorefile(path, ""))
	replace(t, path, encodeGeneration(t, 2, 4))
	storeOf(t, in).tick()
	replace(t, path, encodeGeneration(t, 3, 4))
	storeOf(t, in).tick()
	const zone = "2.0.192.in-addr.arpa."
	for _, tc := range []struct {
		r    *dns.Msg
		want string
	}{
		{axfrQuery(zone), "AXFR of serial 3"},
		{ixfrQuery(zone, 1), "IXFR from serial 1 to 3, deltas: 2"},
		{ixfrQuery(zone, 3), "its serial 3 is no news for a secondary with 3"},
		{ixfrQuery(zone, math.MaxUint32), "AXFR of serial 3, as what has changed since 4294967295 is not known"},
	} {
		logged.take()
		receive(t, in, tc.r)
		if l := logged.take(); !strings.Contains(l, "[INFO] plugin/revmap: Sending zone "+zone+": "+tc.want+"\n") {
			t.Errorf("Logged %q, want %q", l, tc.want)
		}
	}
}

// TestTransferOfOneGeneration holds that a reload does not change what is being sent.
func TestTransferOfOneGeneration(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	ch, err := h.Transfer("2.0.192.in-addr.arpa.", 0)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, path, encodeGeneration(t, 2, 4))
	h.store.tick()
	n := 0
	for rrs := range ch {
		for _, rr := range rrs {
			n++
			if s := rr.String(); strings.Contains(s, ".g2.") {
				t.Errorf("RR of the other generation: %s", s)
			}
		}
	}
	if n != 12 {
		t.Errorf("%d RRs, want 12", n)
	}
}

// TestTransferPanic holds that a bug costs a transfer and not the process, and that no secondary takes what it got for
// a zone.
func TestTransferPanic(t *testing.T) {
	h := newHandler(t, "revmap "+snapshotFile(t, encodeGeneration(t, 1, 4)), nil)
	g := h.store.generation.Load()
	logged.take()
	tr := &outgoing{g: g, zone: g.Zone("2.0.192.in-addr.arpa."), ch: make(chan []dns.RR)}
	go tr.run(func() {
		for range sliceLen {
			tr.soa()
		}
		tr.soa()
		panic("a bug")
	})
	n := 0
	for rrs := range tr.ch {
		n += len(rrs)
	}
	if n != sliceLen {
		t.Errorf("Got %d RRs, want the first slice and no more", n)
	}
	if l := logged.take(); !strings.Contains(l, "[ERROR]") || !strings.Contains(l, "a bug") ||
		!strings.Contains(l, "transfer_test.go") {
		t.Errorf("Logged %q, want an error with a stack", l)
	}
}

// TestTransferClientGoesAway holds that a transfer ends when nobody receives it any more.
func TestTransferClientGoesAway(t *testing.T) {
	z := testZone(ip6apex, "2001:db8::/32", 1)
	var entries []testEntry
	a := netip.MustParseAddr("2001:db8::")
	names := []string{strings.Repeat("a", 60) + ".example."}
	for range 100_000 { // more than the buffers of a connection hold
		a = a.Next()
		entries = append(entries, testEntry{a.String(), snapshot.Explicit, 3600, names})
	}
	in := startServer(t, transferCorefile(snapshotFile(t, encode(t, []snapshot.Zone{z}, entries)), ""))
	conn, err := dns.Dial("tcp", in.Servers()[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WriteMsg(axfrQuery(ip6apex)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ReadMsg(); err != nil {
		t.Fatal(err)
	}
	if n := running(t, "revmap/plugin.(*outgoing).run("); n != 1 {
		t.Errorf("%d transfers are running, want 1", n)
	}
	conn.Close()
	waitFor(t, func() bool { return running(t, "revmap/plugin.(*outgoing).run(") == 0 })
}

// TestReferral is about responses that neither answer nor deny.
func TestReferral(t *testing.T) {
	content, _ := wholeInventory(t)
	h := newHandler(t, "revmap "+snapshotFile(t, content), test.NextHandler(dns.RcodeRefused, nil))
	const (
		ns = "\nauthority 64-31.2.0.192.in-addr.arpa. 3600 IN NS ns.64-31.2.0.192.in-addr.arpa." +
			"\nauthority 64-31.2.0.192.in-addr.arpa. 3600 IN NS ns1.acme.example."
		glue = "\nadditional ns.64-31.2.0.192.in-addr.arpa. 3600 IN A 198.51.100.1" +
			"\nadditional ns.64-31.2.0.192.in-addr.arpa. 3600 IN AAAA 2001:db8::1"
	)
	ds := " 64-31.2.0.192.in-addr.arpa. 3600 IN DS 12345 13 2 " + strings.Repeat("AB", 32)
	for _, tc := range []struct {
		name string
		r    *dns.Msg
		want string
	}{
		{"below a cut", query("1.64-31.2.0.192.in-addr.arpa.", dns.TypePTR), "NOERROR qr rd" + ns + glue},
		{"with DO", query("1.64-31.2.0.192.in-addr.arpa.", dns.TypePTR).SetEdns0(1232, true),
			"NOERROR qr rd" + ns + "\nauthority" + ds + glue},
		{"without DO", query("1.64-31.2.0.192.in-addr.arpa.", dns.TypePTR).SetEdns0(1232, false),
			"NOERROR qr rd" + ns + glue},
		{"DS at the cut", query("64-31.2.0.192.in-addr.arpa.", dns.TypeDS), "NOERROR qr aa rd\nanswer" + ds},
		{"alias below a cut", query("64.2.0.192.IN-ADDR.ARPA.", dns.TypePTR),
			"NOERROR qr aa rd\nanswer 64.2.0.192.IN-ADDR.ARPA. 3600 IN CNAME 64.64-31.2.0.192.in-addr.arpa." + ns + glue},
		{"alias elsewhere", query("129.2.0.192.in-addr.arpa.", dns.TypePTR),
			"NOERROR qr aa rd\nanswer 129.2.0.192.in-addr.arpa. 3600 IN CNAME 129.128-31.acme.example."},
		{"A", query("S1.miniserver.example.", dns.TypeA),
			"NOERROR qr aa rd\nanswer S1.miniserver.example. 3600 IN A 192.0.2.10"},
		{"AAAA", query("s1.miniserver.example.", dns.TypeAAAA),
			"NOERROR qr aa rd\nanswer s1.miniserver.example. 3600 IN AAAA 2001:db8::2"},
		{"TXT", query("version.catalog.example.", dns.TypeTXT),
			"NOERROR qr aa rd\nanswer version.catalog.example. 3600 IN TXT \"2\""},
		{"one NS", query("catalog.example.", dns.TypeNS), "NOERROR qr aa rd\nanswer catalog.example. 3600 IN NS invalid."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, _ := ask(t, h, tc.r)
			if diff := cmp.Diff(tc.want, text(m)); diff != "" {
				t.Errorf("Response (-want +got):\n%s", diff)
			}
			if _, err := m.Pack(); err != nil {
				t.Errorf("Response cannot be sent: %v", err)
			}
		})
	}
}

// TestGlueIsNotLeftOut holds that a referral without all of its glue has TC (RFC 9471 section 3.1).
func TestGlueIsNotLeftOut(t *testing.T) {
	z := testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 7)
	d := snapshot.Delegation{Prefix: netip.MustParsePrefix("192.0.2.64/26"), Name: "64-26.2.0.192.in-addr.arpa."}
	for i := range 6 {
		ns := fmt.Sprintf("ns%d.%s", i, d.Name)
		d.NS = append(d.NS, ns)
		for j := range 3 {
			d.Glue = append(d.Glue, snapshot.Glue{Name: ns, Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(j)})})
		}
		for j := range 3 {
			a := netip.MustParseAddr("2001:db8::").As16()
			a[15] = byte(j)
			d.Glue = append(d.Glue, snapshot.Glue{Name: ns, Addr: netip.AddrFrom16(a)})
		}
	}
	z.Delegations = []snapshot.Delegation{d}
	in := startServer(t, ".:0 {\nbind 127.0.0.1\nrevmap "+snapshotFile(t, encode(t, []snapshot.Zone{z}, nil))+"\n}")
	for _, tc := range []struct {
		network string
		size    uint16 // that the client takes; 0 is no EDNS
		tc      bool
	}{{"udp", 0, true}, {"udp", 512, true}, {"udp", 800, true}, {"udp", 1232, false}, {"tcp", 0, false}} {
		r := query("1.64-26.2.0.192.in-addr.arpa.", dns.TypePTR)
		extra := 0
		if tc.size > 0 {
			r.SetEdns0(tc.size, true)
			extra = 1
		}
		m := exchange(t, in, tc.network, r)
		if m.Truncated != tc.tc || (len(m.Extra)-extra == len(d.Glue)) == tc.tc || len(m.Ns) != len(d.NS) {
			t.Errorf("%s, %d bytes: TC %t with %d NS and %d of %d addresses, want TC %t",
				tc.network, tc.size, m.Truncated, len(m.Ns), len(m.Extra)-extra, len(d.Glue), tc.tc)
		}
	}
}
