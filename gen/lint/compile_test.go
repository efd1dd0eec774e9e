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
	}
	fmt.Fprintf(&b, "servers:\n  web1: {product: %s, account: %s, primary: [%s, %s], addresses: {%s: %s}}\n",
		pick("vps", "vpss"), pick("acme", "initech"), addr(), addr(), addr(),
		pick("", "mail.example", "{names: [a.example, b.example]}", "{name: a.example, ttl: 0}"))
	fmt.Fprintf(&b, "  %s: {product: vps, primary: %s, addresses: {%s: www.example, %s: }}\n",
		pick("web2", "Web2", "web 2"), addr(), addr(), pick("2001:db8:1::/48", "192.0.2.0/30"))
	fmt.Fprintf(&b, "addresses: {%s: gw.example}\n", addr())
	return b.String()
}

// What has no error compiles, into a snapshot that can be read.
func TestCleanCompiles(t *testing.T) {
	clean := 0
	for seed := range uint64(2000) {
		text := randomSource(rand.New(rand.NewPCG(seed, 7)))
		s, found := source.Parse("records.yaml", []byte(text), false)
		inv := model.Build(s)
		if Run(inv, found).Count(diag.Error) > 0 {
			continue
		}
		clean++
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
	if clean < 20 {
		t.Errorf("only %d sources were clean", clean)
	}
}
