package model

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
)

// parse builds the inventory of a source that reads without findings.
func parse(t *testing.T, text string) *Inventory {
	t.Helper()
	s, found := source.Parse("records.yaml", []byte(text), false)
	if len(found) > 0 {
		t.Fatalf("%+v", found)
	}
	return Build(s)
}

const provider = `version: 1
defaults:
  ttl: 1h
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.vps.example"}
  site: {hostname: "{server}.{var.site}.{account}.example"}
  v4only: {hostname: "{a}-{b}-{c}-{d}.{product}.example"}
accounts:
  acme: {}
blocks:
  192.0.2.0/24: {vars: {site: lon}}
  198.51.100.0/24: {vars: {site: ams}, fallback: "{d}.{var.site}.example"}
  203.0.113.0/24: {fallback: "{server}.example"}
  2001:db8::/32: {fallback: "{ip}.v6.example"}
servers:
  Web1:
    product: vps
    primary: [192.0.2.10, 2001:db8::10]
    addresses:
      192.0.2.10: mail.example.net
      192.0.2.11:
      2001:db8::11: {ttl: 5m}
  web2:
    product: site
    account: acme
    primary: [192.0.2.20, 198.51.100.20]
    addresses:
      198.51.100.20: {ttl: 5m}
      198.51.100.21: {name: shop.example.net, ttl: 1m}
      198.51.100.22:
  web3: {product: v4only, primary: [192.0.2.30, 2001:db8::30]}
  web4: {product: site, primary: 192.0.2.40}
  web5: {primary: 192.0.2.50}
  web6: {product: vps, primary: 203.0.113.60, addresses: {203.0.113.61: }}
  web7: {product: vps, primary: 233.252.0.70, addresses: {233.252.0.71: www.example.net}}
addresses:
  192.0.2.1: {names: [b.example.net, a.example.net, b.example.net]}
`

func TestLookup(t *testing.T) {
	inv := parse(t, provider)
	const v6 = "2001-0db8-0000-0000-0000-0000-0000-00"
	for _, test := range []struct {
		name, addr string
		want       Effective
	}{
		{"reverse map name of a primary address", "192.0.2.10", Effective{Explicit, []string{"mail.example.net."}, 3600}},
		{"default hostname, in lower case", "2001:db8::10", Effective{Default, []string{"web1.vps.example."}, 3600}},
		{"additional address without a name", "192.0.2.11", Effective{}},
		{"additional address, with a fallback", "198.51.100.22", Effective{Fallback, []string{"22.ams.example."}, 3600}},
		{"TTL of an address that has no name", "2001:db8::11", Effective{Fallback, []string{v6 + "11.v6.example."}, 3600}},
		{"variable of the block", "192.0.2.20", Effective{Default, []string{"web2.lon.acme.example."}, 3600}},
		{"variable of another block, TTL", "198.51.100.20", Effective{Default, []string{"web2.ams.acme.example."}, 300}},
		{"reverse map name of another address", "198.51.100.21", Effective{Explicit, []string{"shop.example.net."}, 60}},
		{"octets and product", "192.0.2.30", Effective{Default, []string{"192-0-2-30.v4only.example."}, 3600}},
		{"a fallback for a default hostname", "2001:db8::30", Effective{Fallback, []string{v6 + "30.v6.example."}, 3600}},
		{"no default hostname and no fallback", "192.0.2.40", Effective{}},
		{"no product", "192.0.2.50", Effective{}},
		{"a fallback that gives no name", "203.0.113.61", Effective{}},
		{"a fallback that is not needed", "203.0.113.60", Effective{Default, []string{"web6.vps.example."}, 3600}},
		{"several names, sorted", "192.0.2.1", Effective{Explicit, []string{"a.example.net.", "b.example.net."}, 3600}},
		{"not in the source", "192.0.2.99", Effective{}},
		{"not in the source, with a fallback", "198.51.100.99", Effective{Fallback, []string{"99.ams.example."}, 3600}},
		{"in no block", "233.252.0.99", Effective{}},
		{"in no block, but named", "233.252.0.71", Effective{Explicit, []string{"www.example.net."}, 3600}},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := netip.MustParseAddr(test.addr)
			got, entry := inv.Lookup(addr)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", addr, diff)
			}
			if entry != nil && entry.Addr != addr {
				t.Errorf("the entry of %s is that of %s", addr, entry.Addr)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	type address struct {
		Addr, Server, Block, Pos string
		Primary                  bool
	}
	var got []address
	for _, a := range parse(t, `version: 1
defaults: {nameservers: [ns1.example.net], soa: {primary: ns1.example.net, contact: hostmaster.example.net}}
blocks:
  192.0.2.0/24: {}
servers:
  web2:
    primary: [192.0.2.20, 192.0.2.20]
    addresses: {192.0.2.20: a.example.net}
  web1: {primary: 192.0.2.10, addresses: {192.0.2.20: b.example.net}}
addresses:
  192.0.2.20: c.example.net
  198.51.100.1: d.example.net
`).Within(netip.MustParsePrefix("0.0.0.0/0")) {
		g := address{Addr: a.Addr.String(), Pos: a.Pos().String(), Primary: a.Primary != nil}
		if a.Server != nil {
			g.Server = a.Server.Name.Value
		}
		if a.Block != nil {
			g.Block = a.Block.Prefix.String()
		}
		got = append(got, g)
	}
	// An address that several places claim is there once for each: those of no server first, then by server.
	want := []address{
		{"192.0.2.10", "web1", "192.0.2.0/24", "records.yaml:9:19", true},
		{"192.0.2.20", "", "192.0.2.0/24", "records.yaml:11:3", false},
		{"192.0.2.20", "web1", "192.0.2.0/24", "records.yaml:9:43", false},
		{"192.0.2.20", "web2", "192.0.2.0/24", "records.yaml:8:17", true},
		{"192.0.2.20", "web2", "192.0.2.0/24", "records.yaml:7:27", true},
		{"198.51.100.1", "", "", "records.yaml:12:3", false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestZones(t *testing.T) {
	inv := parse(t, `version: 1
defaults: {nameservers: [ns1.example.net], soa: {primary: ns1.example.net, contact: hostmaster.example.net}}
blocks:
  2001:db8::/35: {}
  198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}
  198.51.100.1/32: {}
  10.0.2.0/23: {} # no two /24 for documentation are neighbours
  203.0.113.0/24: {}
  2001:db8:8000::/36: {}
`)
	want := []string{
		"10.0.2.0/24 2.0.10.in-addr.arpa. 10.0.2.0/23",
		"10.0.3.0/24 3.0.10.in-addr.arpa. 10.0.2.0/23",
		"198.51.100.1/32  198.51.100.1/32",
		"198.51.100.64/26 64-26.100.51.198.in-addr.arpa. 198.51.100.64/26",
		"203.0.113.0/24 113.0.203.in-addr.arpa. 203.0.113.0/24",
		"2001:db8::/36 0.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::/35",
		"2001:db8:1000::/36 1.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::/35",
		"2001:db8:8000::/36 8.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8:8000::/36",
	}
	var got []string
	for _, z := range inv.Zones {
		got = append(got, z.Prefix.String()+" "+z.Name+" "+z.Block.Prefix.String())
		if !slices.Contains(z.Block.Zones, z) {
			t.Errorf("%s is not among the zones of its block", z.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The zones of a block have all of its addresses, each once, and no more of them than needed.
func TestZonesOfEveryLength(t *testing.T) {
	for _, network := range []string{"192.0.2.0", "2001:db8::"} {
		addr := netip.MustParseAddr(network)
		label := 8
		if addr.Is6() {
			label = 4
		}
		for bits := range addr.BitLen() + 1 {
			p := netip.PrefixFrom(addr, bits).Masked()
			b := Build(&source.Source{Blocks: []source.Block{{Prefix: source.Prefix{Prefix: p}}}}).Blocks[0]
			if IsClassless(p) != (addr.Is4() && bits > 24) {
				t.Fatalf("IsClassless(%s) = %v", p, IsClassless(p))
			}
			if IsClassless(p) {
				if len(b.Zones) != 1 || b.Zones[0].Prefix != p || b.Zones[0].Name != "" {
					t.Errorf("%s has the zones %+v", p, b.Zones)
				}
				continue
			}
			next := p.Addr()
			for _, z := range b.Zones {
				n := z.Prefix.Bits()
				if z.Prefix.Addr() != next || n%label != 0 || n < bits || n >= bits+label {
					t.Fatalf("%s has the zone %s, want one at %s", p, z.Prefix, next)
				}
				if q, form := arpa.Parse(z.Name); form != arpa.Partial && form != arpa.Complete || q != z.Prefix {
					t.Errorf("zone %q is not that of %s", z.Name, z.Prefix)
				}
				next = lastOf(z.Prefix).Next()
			}
			if next != lastOf(p).Next() {
				t.Errorf("the zones of %s end before %s", p, next)
			}
		}
	}
}

// lastOf returns the last address of p.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
