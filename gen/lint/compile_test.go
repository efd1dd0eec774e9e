package lint

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshot"
)

// randomSource writes a source that has a mistake in one place or another, by chance in none.
func randomSource(r *rand.Rand) string {
	pick := func(list ...string) string { // mostly the first
		if r.IntN(8) > 0 {
			return list[0]
		}
		return list[r.IntN(len(list))]
	}
	addrs := []string{
		"192.0.2.1", "2001:db8::1", "192.0.2.129", "192.0.2.130",
		"198.51.100.1", "2001:db8:1000::1", "203.0.113.1",
	}
	addr := func() string {
		a := pick(addrs...)
		if len(addrs) > 3 {
			addrs = addrs[1:]
		}
		return a
	}
	delegated := randomDelegations(r)
	var b strings.Builder
	b.WriteString("version: 1\ndefaults:\n  nameservers: [ns1.example.net]\n" +
		"  soa: {primary: ns1.example.net, contact: hostmaster@example.net}\n")
	fmt.Fprintf(&b, "products: {vps: {hostname: %q}}\naccounts: {acme: {}}\nblocks:\n", pick(
		"{server}.example", "{ip}.example", "{a}.example", "{server}.{var.site}.example", "{account}.example",
		"{server}-"+strings.Repeat("x", 58)+".example"))
	for _, prefix := range []string{
		pick("192.0.2.0/24", "192.0.2.0/25"), "198.51.100.0/24", "2001:db8::/35",
		"203.0.113.0/25", "203.0.113.128/25", "203.0.113.1/32",
	} {
		zone := ""
		if strings.HasPrefix(prefix, "203") {
			if r.IntN(2) == 0 {
				continue
			}
			zone = strings.ReplaceAll(strings.TrimPrefix(prefix, "203.0.113."), "/", "-") + ".113.0.203.in-addr.arpa"
		}
		fmt.Fprintf(&b, "  %s:\n    vars: {%s: lon}\n", prefix, pick("site", "sight"))
		zone = pick(zone, "", "rev.example", "113.0.203.in-addr.arpa", "1.113.0.203.in-addr.arpa", "2.0.192.in-addr.arpa")
		if zone != "" {
			fmt.Fprintf(&b, "    zone: %s\n", zone)
		}
		if f := pick("", "{ip}.example", "{d}.example", "{server}.example", "{ip}.{var.site}.example"); f != "" {
			fmt.Fprintf(&b, "    fallback: %q\n", f)
		}
		if prefix == "198.51.100.0/24" || prefix == "2001:db8::/35" {
			b.WriteString("    delegations: {")
			for _, d := range delegated {
				if strings.Contains(d.prefix, ":") == strings.Contains(prefix, ":") {
					fmt.Fprintf(&b, "%s: {%s}, ", d.prefix, d.keys)
				}
			}
			b.WriteString("}\n")
		}
	}
	for _, d := range delegated {
		if r.IntN(4) == 0 {
			fmt.Fprintf(&b, "  %s: {%s}\n", d.prefix, d.zone)
		}
	}
	fmt.Fprintf(&b, "servers:\n  web1: {product: %s, account: %s, primary: [%s, %s], addresses: {%s: %s}}\n",
		pick("vps", "vpss"), pick("acme", "initech"), addr(), addr(), addr(),
		pick("", "mail.example.net", "{names: [a.example, b.example]}", "{name: a.example, ttl: 0}"))
	fmt.Fprintf(&b, "  %s: {product: vps, primary: %s, addresses: {%s: www.example.net, %s: }}\n",
		pick("web2", "Web2", "web 2"), addr(), addr(), pick("2001:db8:1::/48", "192.0.2.0/30"))
	fmt.Fprintf(&b, "addresses: {%s: gw.example.net}\n", addr())
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "forward_zones: [%s]\n", pick("example", "a.example, b.example", "a.example, example", "arpa"))
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "catalog: %s\n", pick("catalog.test", "c.example", "example", "c.100.51.198.in-addr.arpa"))
	}
	return b.String()
}

// A delegation is the text of one: its keys, and those of a block that is the other side of it.
type delegation struct{ prefix, keys, zone string }

// randomDelegations returns some of the blocks 198.51.100.0/24 and 2001:db8::/35.
func randomDelegations(r *rand.Rand) []delegation {
	pick := func(list ...string) string { // nearly always the first
		if r.IntN(40) > 0 {
			return list[0]
		}
		return list[r.IntN(len(list))]
	}
	var all []delegation
	for _, d := range []struct{ prefix, name string }{
		{"198.51.100.64/26", "64-26.100.51.198.in-addr.arpa"},
		{"198.51.100.128/28", "rev.example"},
		{pick("198.51.100.192/32", "198.51.100.128/30"), ""},
		{"2001:db8:f00::/48", "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa"},
		{pick("2001:db8:e00::/39", "2001:db8::/32", "2001:db8:f00:1::/64"), "e.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	} {
		if r.IntN(2) == 0 {
			continue
		}
		var keys []string
		zone, ns := "", "ns1.example.net"
		if d.name != "" && !strings.Contains(d.prefix, ":") {
			name := pick(d.name, "64-26.100.51.198.in-addr.arpa", "x.64-26.100.51.198.in-addr.arpa", "rev.example",
				"5.100.51.198.in-addr.arpa", "100.51.198.in-addr.arpa")
			zone = "zone: " + pick(name, "x.example")
			keys = append(keys, "zone: "+name)
		} else if d.name == "" {
			zone = "zone: 192.100.51.198.in-addr.arpa"
		}
		if d.name == "rev.example" {
			ns = pick("", ns)
		} else if d.name != "" && r.IntN(3) == 0 {
			ns = "ns1." + d.name
		}
		if ns != "" {
			keys = append(keys, "nameservers: ["+ns+"]")
		}
		if glue := pick(ns, "ns1.example"); glue != "" && strings.HasSuffix(ns, "arpa") != (r.IntN(40) == 0) {
			keys = append(keys, "glue: {"+glue+": [203.0.113.9, '2001:db8::9']}")
		}
		if ns != "" && d.prefix != "2001:db8:e00::/39" && r.IntN(4) == 0 {
			keys = append(keys, `ds: ["1 8 1 000102030405060708090a0b0c0d0e0f10111213"]`)
		}
		all = append(all, delegation{d.prefix, strings.Join(keys, ", "), zone})
	}
	return all
}

// What has no error compiles, into a snapshot that can be read.
func TestCleanCompiles(t *testing.T) {
	features := []string{
		"version:", "fallback:", "delegations:", "glue:", "ds:", "zone: rev.example", "forward_zones:", "catalog:",
		"\n  198.51.100.64/26: ", "\n  2001:db8:f00::/48: ",
	}
	clean := make(map[string]int) // how often a feature was in a source without errors
	for seed := range uint64(10_000) {
		text := randomSource(rand.New(rand.NewPCG(seed, 7)))
		s, found := source.Parse("records.yaml", []byte(text), false)
		inv := model.Build(s)
		if Run(inv, found, Options{}).Count(diag.Error) > 0 {
			continue
		}
		for _, feature := range features {
			if strings.Contains(text, feature) {
				clean[feature]++
			}
		}
		b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1e9, 0)})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		var out bytes.Buffer
		if _, err := b.WriteTo(&out); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if _, err := snapshot.OpenBytes(out.Bytes()); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
	}
	for _, feature := range features {
		if n := clean[feature]; n < 5 {
			t.Errorf("only %d sources with %q were clean", n, feature)
		}
	}
}
