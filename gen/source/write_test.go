package source

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
)

// placeless makes all positions in a tree the same, if they are valid, and makes lists without items nil.
func placeless(v reflect.Value) {
	if pos, ok := v.Addr().Interface().(*diag.Position); ok && pos.IsValid() {
		*pos = diag.Position{File: "anywhere"}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				placeless(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
		for i := range v.Len() {
			placeless(v.Index(i))
		}
	}
}

// checkSame compares what two sources say, wherever they say it. It changes both.
func checkSame(t *testing.T, want, got *Source) {
	t.Helper()
	for _, s := range []*Source{want, got} {
		s.Root, s.Files, s.Waivers = "", nil, nil
		placeless(reflect.ValueOf(s).Elem())
	}
	if !reflect.DeepEqual(want, got) {
		var a, b strings.Builder
		dump(&a, "", reflect.ValueOf(*want))
		dump(&b, "", reflect.ValueOf(*got))
		t.Errorf("they differ (-want +got):\n%s", cmp.Diff(a.String(), b.String()))
	}
}

// written is everything that a source can say, as Write writes it.
const written = `version: 1

defaults:
  ttl: 90m
  nameservers: [ns1.example.net, ns2.example.net]
  soa:
    primary: ns1.example.net
    contact: hostmaster@example.net
    refresh: 2h
    retry: 1h
    expire: 90061
    negative_ttl: 0

products:
  vps: {hostname: "{server}.miniserver.example"}
  "a b": {hostname: "{a:03}.{var.site}.example.net"}

accounts:
  acme: {domains: [acme.example, xn--bcher-kva.example]}
  empty: {}

blocks:
  192.0.2.0/24: {}
  198.51.100.64/26: {zone: 64/26.100.51.198.in-addr.arpa}
  203.0.113.0/24:
    fallback: "{ip}.{var.site}.example.net"
    vars: {site: ams1, 2-x: "a \"b\"\u0007"}
    delegations:
      203.0.113.128/25:
        zone: 128-25.113.0.203.in-addr.arpa
        nameservers: [ns1.acme.example, ns2.acme.example]
      203.0.113.5/32: {nameservers: [ns1.acme.example]}
  2001:db8::/32:
    registry: {admin_c: [EX1-TEST, EX2-TEST], source: RIPE}
    ds:
      8.b.d.0.1.0.0.2.ip6.arpa: ["12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"]
    delegations:
      2001:db8:f00::/48:
        nameservers: [ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa, ns2.example.net]
        ds: ["1 8 200 ab", "2 13 1 0123456789abcdef0123456789abcdef01234567"]
        glue: {ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa: [2001:db8:f00::53, "2001:db8:f00::"]}
  2001:db8:f00::/56: {}

servers:
  examplaaa1:
    product: vps
    account: acme
    primary: [192.0.2.10, 2001:db8:0:1::2]
    helo: mail.acme.example
    addresses:
      192.0.2.10: mail.acme.example
      192.0.2.11:
      192.0.2.12: {name: shop.acme.example, ttl: 5m}
      192.0.2.13: {names: [a.example.net, b.example.net]}
      192.0.2.14: {names: [a.example.net, b.example.net], ttl: 0}
      192.0.2.15: {ttl: 2147483647}
      2001:db8:0:1::25: mail.acme.example
      2001:db8:0:1::: mail.acme.example
      2001:db8:0:1::/64:
  "null": {primary: "2001:db8::"}
  "日本: 1": {}
  2020: {product: "a b"}
  "~":
    addresses:
      192.0.2.16:

addresses:
  192.0.2.1: gw1.example.net
  "::1": localhost

forward_zones: [miniserver.example]
catalog: catalog.example
registry: {admin_c: [EX1-TEST], tech_c: [EX1-TEST], zone_c: [EX1-TEST], mnt_by: [EXAMPLE-MNT]}

lint:
  rules:
    name-shared: off
    name-multiple: warning
`

// Write's own style is a fixed point of reading and writing.
func TestWrite(t *testing.T) {
	s := parseClean(t, []byte(written))
	var got bytes.Buffer
	if err := Write(&got, s); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(written, got.String()); d != "" {
		t.Errorf("(-read +written):\n%s", d)
	}
}

func parseClean(t *testing.T, data []byte) *Source {
	t.Helper()
	s, findings := Parse("records.yaml", data, false)
	for _, f := range findings {
		t.Errorf("%s: %s\n%s", f.Pos, f.Message, data)
	}
	return s
}

// A source that no file says has no positions.
func TestWriteWithoutPositions(t *testing.T) {
	s := &Source{
		Defaults: Defaults{
			TTL:         Seconds{Value: 3600},
			Nameservers: []Name{{Value: "ns1.example.net."}},
			SOA: SOA{
				Primary: Name{Value: "ns1.example.net."}, Contact: Name{Value: "root."},
				Refresh: Seconds{Value: 3600}, Retry: Seconds{Value: 60}, Expire: Seconds{Value: 604800},
			},
		},
		Blocks:    []Block{{Prefix: Prefix{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}},
		Addresses: []Address{{Addr: Addr{Addr: netip.MustParseAddr("192.0.2.1")}, Names: []Name{{Value: "a.example."}}}},
	}
	const want = `version: 1

defaults:
  nameservers: [ns1.example.net]
  soa:
    primary: ns1.example.net
    contact: root
    retry: 1m
    expire: 1w
    negative_ttl: 0

blocks:
  192.0.2.0/24: {}

addresses:
  192.0.2.1: a.example
`
	var got bytes.Buffer
	if err := Write(&got, s); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Includes become one file, and a file that a pattern named is named itself.
func TestWriteLoaded(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"records.yaml": "version: 1\n" +
			"defaults: {nameservers: [ns1.example.net], soa: {primary: ns1.example.net, contact: root@example.net}}\n" +
			"include: [more/*.yaml]\nforwards: [zones/*]\n",
		"more/a.yaml":      "servers: {web1: {primary: 192.0.2.1}}\n",
		"more/b.yaml":      "blocks: {192.0.2.0/24: {}}\n",
		"zones/a.example":  "",
		"zones/[b]*.zone":  "",
		"zones/b.zone":     "",
		"zones/c'd e.zone": "",
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	load := func(file string) *Source {
		s, findings, err := Load(filepath.Join(dir, file))
		if err != nil || len(findings) > 0 {
			t.Fatal(findings, err)
		}
		return s
	}
	s := load("records.yaml")
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "one.yaml"), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	checkSame(t, s, load("one.yaml"))
}

// FuzzWrite checks that a source says the same when it is written and read again.
func FuzzWrite(f *testing.F) {
	files, err := filepath.Glob("testdata/ok/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(readFile(f, file))
	}
	f.Add([]byte(written))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, findings := Parse("records.yaml", data, false)
		if len(findings) > 0 {
			return
		}
		var text bytes.Buffer
		if err := Write(&text, s); err != nil {
			t.Fatal(err)
		}
		checkSame(t, s, parseClean(t, text.Bytes()))
	})
}
