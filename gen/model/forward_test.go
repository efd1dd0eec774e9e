package model

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

func TestForwardZone(t *testing.T) {
	inv := parse(t, head+`forward_zones: [vps.example, example.net, a.vps.example, vps.example]
catalog: catalog.example.net
`)
	if inv.Catalog.Value != "catalog.example.net." {
		t.Errorf("the catalog is %q", inv.Catalog.Value)
	}
	var names []string
	for _, z := range inv.ForwardZones {
		names = append(names, fmt.Sprintf("%s %d", z.Name.Value, z.Name.Pos.Column))
	}
	want := []string{"a.vps.example. 43", "example.net. 30", "vps.example. 17", "vps.example. 58"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, test := range []struct{ name, want string }{
		{"vps.example.", "vps.example."},
		{"web1.vps.example.", "vps.example."},
		{"b.c.vps.example.", "vps.example."},
		{"a.vps.example.", "a.vps.example."},
		{"web1.a.vps.example.", "a.vps.example."},
		{"web1.aa.vps.example.", "vps.example."},
		{"webvps.example.", ""},
		{"example.", ""},
		{"net.", ""},
		{"", ""},
	} {
		got := ""
		if z := inv.ForwardZone(test.name); z != nil {
			got = z.Name.Value
		}
		if got != test.want {
			t.Errorf("%q lies in %q, want %q", test.name, got, test.want)
		}
	}
}

func TestFallbacks(t *testing.T) {
	inv := parse(t, head+`blocks:
  192.0.2.0/24: {fallback: "{ip}.v4.example.net"}
  10.0.0.0/8: {fallback: "{ip}.{var.site}.example.net", vars: {site: lon}}
  10.1.0.0/16: {fallback: "{ip}.{var.site}.example.net"} # gives no name
  198.51.100.0/24: {}
  203.0.113.0/24: {fallback: "{d}.other.example"}
  2001:db8:1::/48: {fallback: "x-{ip}.lon.example.net"}
  2001:db8:2::/48: {fallback: "{ip}.net"} # the zone lies below some of its names at most
forward_zones: [example.net, lon.example.net, vps.example]
`)
	var got []string
	for _, z := range inv.ForwardZones {
		line := z.Name.Value
		for _, b := range z.Fallbacks {
			line += " " + b.Prefix.String()
		}
		got = append(got, line)
	}
	want := []string{"example.net. 192.0.2.0/24", "lon.example.net. 10.0.0.0/8 2001:db8:1::/48", "vps.example."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHosts(t *testing.T) {
	inv := parse(t, head+`products:
  vps: {hostname: "{server}.vps.example"}
  shared: {hostname: "{account}.example.net"}
  v4only: {hostname: "{d}.v4.example"}
blocks:
  192.0.2.0/24: {delegations: {192.0.2.128/25: {}}}
  2001:db8::/32: {fallback: "{ip}.v6.example"}
servers:
  web2: {product: vps, primary: [2001:db8::2, 192.0.2.2], addresses: {192.0.2.2: mail.example.net, 192.0.2.22: }}
  Web1: {product: vps, primary: 192.0.2.1}
  web3: {product: vps, primary: [192.0.2.130, 192.0.2.130]}
  shop1: {product: shared, account: acme, primary: [2001:db8::a1, 192.0.2.200]}
  shop2: {product: shared, account: acme, primary: 192.0.2.9}
  shop3: {product: shared, primary: 192.0.2.33}
  old: {product: v4only, primary: [192.0.2.7, 2001:db8::7]}
  plain: {primary: 192.0.2.50}
addresses:
  192.0.2.60: www.example.net
`)
	want := []string{
		"7.v4.example. [192.0.2.7]",
		"acme.example.net. [192.0.2.9 192.0.2.200 2001:db8::a1]",
		"web1.vps.example. [192.0.2.1]",
		"web2.vps.example. [192.0.2.2 2001:db8::2]",
		"web3.vps.example. [192.0.2.130]",
	}
	for range 2 { // it can be iterated over again
		var got []string
		for h := range inv.Hosts() {
			got = append(got, fmt.Sprint(h.Name, " ", h.Addrs))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for h := range inv.Hosts() {
		if h.Name != "7.v4.example." {
			t.Errorf("the first host is %q", h.Name)
		}
		break
	}
}

// large returns a source of n servers with a primary address of each family, in two blocks that have 100 delegations.
func large(n int) *source.Source {
	at := func(world string, offset int) netip.Addr {
		b := netip.MustParseAddr(world).AsSlice()
		binary.BigEndian.PutUint32(b[len(b)-4:], binary.BigEndian.Uint32(b[len(b)-4:])+uint32(offset))
		a, _ := netip.AddrFromSlice(b)
		return a
	}
	hosts, err := hostname.Parse("{server}.vps.example")
	if err != nil {
		panic(err)
	}
	s := &source.Source{
		Products: []source.Product{{Name: source.Text{Value: "vps"}, Hostname: source.Template{T: hosts}}},
		Servers:  make([]source.Server, n),
	}
	for _, world := range []string{"10.0.0.0", "2001:db8::"} {
		a := at(world, 0)
		b := source.Block{Prefix: source.Prefix{Prefix: netip.PrefixFrom(a, a.BitLen()-24)}}
		for i := range 100 {
			p := netip.PrefixFrom(at(world, i*n/100&^15), a.BitLen()-4)
			b.Delegations = append(b.Delegations, source.Delegation{Prefix: source.Prefix{Prefix: p}})
		}
		s.Blocks = append(s.Blocks, b)
	}
	for i := range s.Servers {
		s.Servers[i] = source.Server{
			Name:    source.Text{Value: fmt.Sprintf("server%d", i*7919%n)},
			Product: source.Text{Value: "vps"},
			Primary: []source.Addr{{Addr: at("10.0.0.0", i)}, {Addr: at("2001:db8::", i)}},
		}
	}
	return s
}

func BenchmarkBuild(b *testing.B) {
	s := large(1 << 16)
	b.ReportAllocs()
	for b.Loop() {
		Build(s)
	}
}

func BenchmarkHosts(b *testing.B) {
	inv := Build(large(1 << 16))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range inv.Hosts() {
			n++
		}
		if n != 1<<16 {
			b.Fatal(n)
		}
	}
}
