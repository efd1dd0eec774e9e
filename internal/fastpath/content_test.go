package fastpath_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

// What the zones of these tests are made with.
var zone, reverse, delegation = snapshottest.Zone, snapshottest.Reverse, snapshottest.Delegation

// long returns a name of the most bytes below example.net., or of fewer if less is given.
func long(less int) string {
	label := strings.Repeat("l", 63) + "."
	return strings.Repeat(label, 3) + strings.Repeat("l", 254-3*64-1-len("example.net.")-less) + ".example.net."
}

// content returns a snapshot with all kinds of zones, delegations and names, and with answers that are too large for
// small buffers and for any packet.
func content(t testing.TB) []byte {
	t.Helper()
	many := delegation("198.18.9.0/24 9.18.198.in-addr.arpa.")
	for i := range 8 {
		ns := fmt.Sprintf("ns%d.some-longer-label.9.18.198.in-addr.arpa.", i)
		many.NS = append(many.NS, ns)
		many.Glue = append(many.Glue,
			snapshot.Glue{Name: ns, Addr: netip.AddrFrom4([4]byte{198, 18, 9, byte(i)})},
			snapshot.Glue{Name: ns, Addr: netip.MustParseAddr(fmt.Sprintf("2001:db8::9:%d", i))})
	}
	own := reverse("12.19.198.in-addr.arpa.", "198.19.12.0/24", "")
	own.SOA.Primary, own.SOA.Contact, own.NS = long(0), long(1), []string{long(2), long(3), long(4), long(5), long(6)}
	b, err := snapshot.NewBuilder("4f2a9c1", []snapshot.Zone{
		reverse("2.0.192.in-addr.arpa.", "192.0.2.0/24", "",
			delegation("192.0.2.64/26 64-26.2.0.192.in-addr.arpa.", "!", "ns.acme.example.", "ns.64-26.2.0.192.in-addr.arpa.",
				"ns.64-26.2.0.192.in-addr.arpa.=192.0.2.65", "ns.64-26.2.0.192.in-addr.arpa.=2001:db8::53"),
			delegation("192.0.2.128/26 128-26.rev.acme.example."),
			delegation("192.0.2.192/27 192-27.2.0.192.in-addr.arpa.", "!", "ns1.example.net."),
			delegation("192.0.2.224/28 224-28.rev.example."),
			delegation("192.0.2.250/32 250.2.0.192.in-addr.arpa.", "web1.host.example."),
			delegation("192.0.2.252/31 252-31.sub.2.0.192.in-addr.arpa.", "ns.acme.example."),
		),
		reverse("192-27.2.0.192.in-addr.arpa.", "192.0.2.192/27", "",
			delegation("192.0.2.200/32 200.192-27.2.0.192.in-addr.arpa.", "!", "ns.200.192-27.2.0.192.in-addr.arpa.",
				"ns.200.192-27.2.0.192.in-addr.arpa.=192.0.2.200"),
		),
		reverse("224-28.rev.example.", "192.0.2.224/28", "{ip}.static.host.example."),
		reverse("18.198.in-addr.arpa.", "198.18.0.0/16", "",
			delegation("198.18.5.0/24 5.18.198.in-addr.arpa.", "!", "ns1.example.net."),
			delegation("198.18.6.0/24 6.18.198.in-addr.arpa.", "203-0-113-7.static.host.example.", "ns.6.18.198.in-addr.arpa.",
				"ns.6.18.198.in-addr.arpa.=198.18.6.1"),
			delegation("198.18.7.0/24 7.18.198.in-addr.arpa.", "8.8.18.198.in-addr.arpa.", "ns.6.18.198.in-addr.arpa."),
			delegation("198.18.8.8/32 alias.host.example."),
			many,
		),
		reverse("5.18.198.in-addr.arpa.", "198.18.5.0/24", ""),
		reverse("64-26.7.18.198.in-addr.arpa.", "198.18.7.64/26", ""),
		own,
		reverse("113.0.203.in-addr.arpa.", "203.0.113.0/24", "{ip}.static.host.example.",
			delegation("203.0.113.9/32 9.113.0.203.in-addr.arpa.", "ns.acme.example."),
			delegation("203.0.113.160/28 160-28.113.0.203.in-addr.arpa.", "ns1.example.net."),
		),
		reverse("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", "",
			delegation("2001:db8:f00::/48 0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa.", "!", "ns.acme.example."),
		),
		reverse("160-28.113.0.203.in-addr.arpa.", "203.0.113.160/28", "{a}-{b}-{c}-{d}.static.host.example."),
		reverse("0.f.f.f.3.ip6.arpa.", "3fff::/20", "{ip}.v6.host.example."),
		reverse("64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26", ""),
		reverse("7.19.198.in-addr.arpa.", "198.19.7.0/30", ""), // a parent may choose any name
		reverse("9.100.51.198.in-addr.arpa.", "198.51.100.9/32", ""),
		zone(snapshot.Forward, "host.example."),
		zone(snapshot.Forward, "bare.example."),
		zone(snapshot.Catalog, "catalog.example."),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		addr  string
		kind  snapshot.Kind
		ttl   uint32
		names string
	}{
		{"192.0.2.10", snapshot.Explicit, 60, "mail.example.org."},
		{"192.0.2.20", snapshot.Default, 3600, "web1.host.example."},
		{"192.0.2.30", snapshot.Explicit, 1<<31 - 1, "a.example.org. b.example.org."},
		{"192.0.2.31", snapshot.Explicit, 0, long(0)},
		{"192.0.2.32", snapshot.Explicit, 0, long(0) + " " + long(1) + " " + long(2)},
		{"192.0.2.33", snapshot.Explicit, 0, long(0) + " " + long(1) + " " + long(2) + " " + long(3) + " " + long(4)},
		{"192.0.2.193", snapshot.Explicit, 60, "child.example.org."},
		{"192.0.2.225", snapshot.Default, 3600, "web2.host.example."},
		{"198.18.5.1", snapshot.Explicit, 3600, "nested.example.org."},
		{"198.19.7.1", snapshot.Explicit, 3600, "odd.example.org."},
		{"198.19.12.1", snapshot.Explicit, 3600, "long.example.org."},
		{"198.51.100.9", snapshot.Explicit, 3600, "alone.example.org."},
		{"198.51.100.65", snapshot.Explicit, 3600, "classless.example.org."},
		{"203.0.113.5", snapshot.Explicit, 60, "named.example.org."},
		{"2001:db8::1", snapshot.Explicit, 3600, "six.example.org."},
		{"2001:db8::abcd:ef12", snapshot.Default, 3600, "web3.host.example."},
		{"3fff:0:1::1", snapshot.Explicit, 60, "named6.example.org."},
	} {
		if err := b.Add(netip.MustParseAddr(e.addr), e.kind, e.ttl, strings.Fields(e.names)); err != nil {
			t.Fatal(err)
		}
	}
	hosts := map[string][]string{
		"web1.host.example.":               {"192.0.2.20", "2001:db8::20", "192.0.2.10"},
		"six.host.example.":                {"2001:db8::1"},
		"db.rack7.host.example.":           {"192.0.2.40"},
		"8.alias.host.example.":            {"192.0.2.43"},
		"bare.example.":                    {"2001:db8::40", "192.0.2.41"},
		"203-0-113-8.static.host.example.": {"192.0.2.42", "203.0.113.8", "2001:db8::42"},
	}
	for name, n := range map[string]int{"some.bare.example.": 30, "many.bare.example.": 250} {
		for i := range n {
			hosts[name] = append(hosts[name], fmt.Sprintf("198.18.10.%d", i), fmt.Sprintf("2001:db8::a:%x", i))
		}
	}
	snapshottest.AddHosts(t, b, hosts)
	return snapshottest.Bytes(t, b)
}

func generation(t testing.TB, content []byte) *authority.Generation {
	t.Helper()
	return snapshottest.Generation(t, snapshottest.Open(t, content))
}
