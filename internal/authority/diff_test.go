package authority_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/oracle"
	"github.com/revmap/revmap/internal/snapshot"
)

// TestDiffSpecification changes one thing each time.
func TestDiffSpecification(t *testing.T) {
	const (
		r1   = "2.0.192.in-addr.arpa."
		cut  = "64-26." + r1
		fall = "113.0.203.in-addr.arpa."
		six  = "0.f.f.f.3.ip6.arpa."
		host = "host.example."
	)
	before := func() content {
		return content{
			zones: []snapshot.Zone{
				reverse(r1, "192.0.2.0/24", "",
					delegation("192.0.2.64/31 "+cut, "!", "ns."+cut, "ns."+cut+"=192.0.2.65"),
					delegation("192.0.2.99/32 99."+r1, "ns.acme.example.")),
				reverse(fall, "203.0.113.0/24", "{ip}.host.example."),
				reverse(six, "3fff::/20", "{ip}.elsewhere.example."),
				reverse("18.198.in-addr.arpa.", "198.18.0.0/16", ""),
				zone(snapshot.Forward, host),
				zone(snapshot.Catalog, "catalog.example."),
			},
			entries: []entry{
				{"192.0.2.1", snapshot.Explicit, 60, []string{"a.example.", "b.example."}},
				{"203.0.113.1", snapshot.Explicit, 60, []string{"c.example."}},
			},
			hosts: map[string][]string{"web.host.example.": {"192.0.2.1", "2001:db8::1"}},
		}
	}
	for _, test := range []struct {
		what    string
		change  func(c *content)
		apex    string
		changed bool
		want    string // "no" if there is no delta
	}{
		{"nothing", func(*content) {}, r1, false, ""},
		{"the serial", func(c *content) { c.zones[0].Serial++ }, r1, false, ""},
		{"a timer", func(c *content) { c.zones[0].SOA.Retry++ }, r1, true, ""},
		{"where a name comes from", func(c *content) { c.entries[0].kind = snapshot.Default }, r1, false, ""},
		{"one of two names", func(c *content) { c.entries[0].names = []string{"b.example.", "z.example."} }, r1, true,
			"-1.2.0.192.in-addr.arpa. 60 PTR a.example. +1.2.0.192.in-addr.arpa. 60 PTR z.example."},
		{"a TTL", func(c *content) { c.entries[0].ttl = 61; c.entries[0].names = []string{"a.example."} }, r1, true,
			"-1.2.0.192.in-addr.arpa. 60 PTR a.example. -1.2.0.192.in-addr.arpa. 60 PTR b.example. " +
				"+1.2.0.192.in-addr.arpa. 61 PTR a.example."},
		{"another zone", func(c *content) { c.entries[0].ttl = 61 }, fall, false, ""},
		{"a name server", func(c *content) { c.zones[0].NS = []string{"ns1.example.net."} }, r1, true,
			"-2.0.192.in-addr.arpa. 3600 NS ns2.example.net."},
		{"the DS of a child", func(c *content) { c.zones[0].Delegations[0].DS = nil }, r1, true,
			"-64-26.2.0.192.in-addr.arpa. 3600 DS 12345 13 2 ABCD002E"},
		{"glue", func(c *content) { c.zones[0].Delegations[0].Glue = nil }, r1, true,
			"-ns.64-26.2.0.192.in-addr.arpa. 3600 A 192.0.2.65"},
		{"a delegated address", func(c *content) { c.zones[0].Delegations = c.zones[0].Delegations[:1] }, r1, true,
			"-99.2.0.192.in-addr.arpa. 3600 NS ns.acme.example."},
		{"from aliases to names", func(c *content) {
			c.zones[0].Delegations = c.zones[0].Delegations[1:]
			c.entries = append(c.entries, entry{"192.0.2.65", snapshot.Default, 60, []string{"d.example."}})
		}, r1, true, "-64-26.2.0.192.in-addr.arpa. 3600 DS 12345 13 2 ABCD002E " +
			"-64-26.2.0.192.in-addr.arpa. 3600 NS ns.64-26.2.0.192.in-addr.arpa. " +
			"-64.2.0.192.in-addr.arpa. 3600 CNAME 64.64-26.2.0.192.in-addr.arpa. " +
			"-65.2.0.192.in-addr.arpa. 3600 CNAME 65.64-26.2.0.192.in-addr.arpa. " +
			"-ns.64-26.2.0.192.in-addr.arpa. 3600 A 192.0.2.65 " +
			"+65.2.0.192.in-addr.arpa. 60 PTR d.example."},
		{"from a name to the fallback", func(c *content) { c.entries = c.entries[:1] }, fall, true,
			"-1.113.0.203.in-addr.arpa. 60 PTR c.example. +1.113.0.203.in-addr.arpa. 3600 PTR 203-0-113-1.host.example."},
		{"from the fallback to what it made", func(c *content) {
			c.entries = append(c.entries, entry{"203.0.113.2", snapshot.Explicit, 3600, []string{"203-0-113-2.host.example."}})
		}, fall, false, ""},
		{"a host's address", func(c *content) {
			c.hosts["web.host.example."] = []string{"192.0.2.2", "2001:db8::1"}
		}, host, true, "-web.host.example. 3600 A 192.0.2.1 +web.host.example. 3600 A 192.0.2.2"},
		{"a host at the apex", func(c *content) { c.hosts[host] = []string{"192.0.2.2"} }, host, true,
			"+host.example. 3600 A 192.0.2.2"},
		{"a host that a fallback makes", func(c *content) {
			c.hosts["203-0-113-9.host.example."] = []string{"203.0.113.9"}
		}, host, false, ""},
		{"more of such a host", func(c *content) {
			c.hosts["203-0-113-9.host.example."] = []string{"203.0.113.9", "2001:db8::9"}
		}, host, true, "+203-0-113-9.host.example. 3600 AAAA 2001:db8::9"},
		{"a member", func(c *content) { c.zones[3] = zone(snapshot.Forward, "new.example.") },
			"catalog.example.", true, "-41c568209446f1d25368803575a6c1bc.zones.catalog.example. 3600 PTR 18.198.in-addr.arpa. " +
				"+83e13a34cb882233e029495ca7e0a574.zones.catalog.example. 3600 PTR new.example."},
		{"a zone's TTL", func(c *content) { c.zones[3].TTL++ }, "18.198.in-addr.arpa.", true,
			"-18.198.in-addr.arpa. 3600 NS ns1.example.net. -18.198.in-addr.arpa. 3600 NS ns2.example.net. " +
				"+18.198.in-addr.arpa. 3601 NS ns1.example.net. +18.198.in-addr.arpa. 3601 NS ns2.example.net."},

		{"the kind", func(c *content) { c.zones[5] = zone(snapshot.Forward, "catalog.example.") },
			"catalog.example.", true, "no"},
		{"the prefix", func(c *content) { c.zones[3].Prefix = netip.MustParsePrefix("198.18.0.0/25") },
			"18.198.in-addr.arpa.", true, "no"},
		{"the fallback", func(c *content) { c.zones[1].Fallback = "x{ip}.host.example." }, fall, true, "no"},
		{"what the fallback makes elsewhere", func(c *content) { c.zones[1].Fallback = "" }, host, true, "no"},
		{"the TTL of a zone with a fallback", func(c *content) { c.zones[1].TTL++ }, fall, true, "no"},
		{"the TTL of a zone with fallback names", func(c *content) { c.zones[4].TTL++ }, host, true, "no"},
		{"nothing in an endless zone", func(*content) {}, six, false, "no"},
		{"a name in an endless zone", func(c *content) {
			c.entries = append(c.entries, entry{"3fff::1", snapshot.Default, 60, []string{"d.example."}})
		}, six, true, "no"},
		{"the zone is gone", func(c *content) { c.zones = c.zones[1:]; c.entries = c.entries[1:] }, r1, true, "no"},
		{"there is no such zone", func(*content) {}, "example.", false, "no"},
	} {
		t.Run(test.what, func(t *testing.T) {
			c := before()
			test.change(&c)
			old, g := generation(t, before()), generation(t, c)
			if got := authority.Changed(old, g, test.apex); got != test.changed {
				t.Errorf("Changed is %t, want %t", got, test.changed)
			}
			if got := authority.Changed(g, old, test.apex); got != test.changed {
				t.Errorf("Changed, the other way round, is %t, want %t", got, test.changed)
			}
			deleted, added, ok := authority.Diff(old, g, test.apex)
			var got []string
			for _, r := range texts(deleted) {
				got = append(got, "-"+r)
			}
			for _, r := range texts(added) {
				got = append(got, "+"+r)
			}
			if !ok {
				got = append(got, "no")
			}
			if diff := gocmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("Diff (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDiffOfTooMuch: a delta that is larger than the zone is not worth it.
func TestDiffOfTooMuch(t *testing.T) {
	make := func(name string) *authority.Generation {
		c := content{zones: []snapshot.Zone{reverse("18.198.in-addr.arpa.", "198.18.0.0/16", "")}}
		a := c.zones[0].Prefix.Addr()
		for range 600 {
			c.entries = append(c.entries, entry{a.String(), snapshot.Explicit, 60, []string{"a." + name, "b." + name}})
			a = a.Next()
		}
		return generation(t, c)
	}
	if deleted, added, ok := authority.Diff(make("example.org."), make("example.net."), "18.198.in-addr.arpa."); ok {
		t.Errorf("a delta of %d and %d records", len(deleted), len(added))
	}
}

// TestDiff changes random inventories at random.
func TestDiff(t *testing.T) {
	for seed := range 5 * seeds(t) {
		rnd := rand.New(rand.NewPCG(uint64(seed), 2))
		c := randomContent(rnd)
		if len(c.zones) == 0 {
			continue
		}
		d := changed(rnd, c)
		old, g := generation(t, c), generation(t, d)
		oldRRs, newRRs := oracle.New(old.Reader()), oracle.New(g.Reader())
		sameFallbacks := slices.Equal(fallbacks(c), fallbacks(d))
		for _, z := range c.zones {
			if old.Reader().Endless(old.Zone(z.Name)) != nil || g.Reader().Endless(g.Zone(z.Name)) != nil {
				continue
			}
			was, is := withoutSerial(oldRRs.Zone(z.Name)), withoutSerial(newRRs.Zone(z.Name))
			// Another fallback is a change even if all addresses have other names.
			got, want := authority.Changed(old, g, z.Name), !slices.Equal(was, is)
			if got != want && (want || sameFallbacks) {
				t.Fatalf("seed %d: Changed(%s) is %t, want %t:\n%s", seed, z.Name, got, want, gocmp.Diff(was, is))
			}
			deleted, added, ok := authority.Diff(old, g, z.Name)
			if !ok {
				if sameFallbacks {
					t.Fatalf("seed %d: no delta of %s", seed, z.Name)
				}
				continue
			}
			var wantDeleted, wantAdded []string
			for _, r := range was {
				if !slices.Contains(is, r) && !strings.Contains(r, " SOA ") {
					wantDeleted = append(wantDeleted, r)
				}
			}
			for _, r := range is {
				if !slices.Contains(was, r) && !strings.Contains(r, " SOA ") {
					wantAdded = append(wantAdded, r)
				}
			}
			if diff := gocmp.Diff(wantDeleted, texts(deleted)); diff != "" {
				t.Fatalf("seed %d: deleted from %s (-oracle +got):\n%s", seed, z.Name, diff)
			}
			if diff := gocmp.Diff(wantAdded, texts(added)); diff != "" {
				t.Fatalf("seed %d: added to %s (-oracle +got):\n%s", seed, z.Name, diff)
			}
		}
	}
}

// fallbacks returns what must be the same for a delta of a zone with names from a fallback.
func fallbacks(c content) (all []string) {
	for _, z := range c.zones {
		if z.Fallback != "" || z.Kind == snapshot.Forward {
			all = append(all, fmt.Sprint(z.Name, z.Fallback, z.TTL))
			for _, d := range z.Delegations {
				all = append(all, d.Prefix.String())
			}
		}
	}
	return all
}

// withoutSerial takes the serial out of the SOA of a zone.
func withoutSerial(rrs []string) []string {
	for i, r := range rrs {
		if f := strings.Fields(r); f[2] == "SOA" {
			rrs[i] = strings.Join(slices.Delete(f, 5, 6), " ")
		}
	}
	return rrs
}

// texts returns the records in the words and the order of the oracle.
func texts(records []authority.Record) (rrs []string) {
	for _, r := range records {
		rrs = append(rrs, text(r))
	}
	slices.Sort(rrs)
	return rrs
}
