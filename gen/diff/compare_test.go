package diff

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshottest"
)

// base is what the tests change.
const base = `version: 1
defaults:
  ttl: 1h
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net, refresh: 1h, retry: 15m, expire: 2w, negative_ttl: 5m}
products:
  vps: {hostname: "{server}.miniserver.example"}
  dedicated: {hostname: "{server}.dedicated.example"}
accounts:
  acme: {domains: [acme.example]}
  quince: {domains: [quince.example]}
blocks:
  192.0.2.0/24: {}
  198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}
  203.0.113.0/24:
    fallback: "{ip}.pool.example.net"
    delegations:
      203.0.113.128/25:
        zone: 128-25.113.0.203.in-addr.arpa
        nameservers: [ns1.quince.example, ns2.quince.example]
  2001:db8::/32:
    delegations:
      2001:db8:f00::/48: {nameservers: [ns1.quince.example], ds: ["12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"]}
servers:
  alpha:
    product: vps
    account: acme
    primary: [192.0.2.10, "2001:db8:1::2"]
    helo: mail.acme.example
    addresses:
      192.0.2.10: mail.acme.example
      192.0.2.11:
      192.0.2.12: {name: shop.acme.example, ttl: 2d}
      2001:db8:1::/64:
      2001:db8:1::25: lists.acme.example
  bravo: {product: dedicated, primary: 192.0.2.20}
  charlie: {product: vps, primary: 203.0.113.10, addresses: {203.0.113.131: }}
addresses:
  192.0.2.1: gw1.example.net
  198.51.100.65: gw2.example.net
  203.0.113.20: gw3.example.net
  203.0.113.130: gw5.example.net
forward_zones: [miniserver.example, pool.example.net]
forwards: [acme.example.zone]
catalog: catalog.example.net
`

// zone is the file acme.example.zone.
const zoneFile = `@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300
mail  A 192.0.2.10
mx    A 192.0.2.10
shop  A 192.0.2.12
other A 192.0.2.99
`

// change replaces parts of base and of zoneFile, each of which must be there once.
func changed(t *testing.T, pairs ...string) (text, zone string) {
	t.Helper()
	text, zone = base, zoneFile
	for p := range slices.Chunk(pairs, 2) {
		in := &text
		if strings.Contains(zone, p[0]) {
			in = &zone
		}
		if n := strings.Count(*in, p[0]); n != 1 {
			t.Fatalf("%q is there %d times", p[0], n)
		}
		*in = strings.Replace(*in, p[0], p[1], 1)
	}
	return text, zone
}

// load reads a source with the file acme.example.zone beside it.
func load(t *testing.T, name, text, zone string) (*model.Inventory, *forward.Zones) {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{name: text, "acme.example.zone": zone} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := source.OpenCopy(name, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	s, findings, err := source.LoadFrom(folder, name)
	if err != nil || len(findings) > 0 {
		t.Fatalf("the source of the test has findings: %+v, %v", findings, err)
	}
	zones, findings := forward.LoadFrom(folder, s)
	if len(findings) > 0 {
		t.Fatalf("the zone of the test has findings: %+v", findings)
	}
	return model.Build(s), zones
}

// compiled returns the snapshot of inv.
func compiled(t *testing.T, inv *model.Inventory) *Side {
	t.Helper()
	b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := OfSnapshot(snapshottest.Open(t, snapshottest.Bytes(t, b)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// describe returns changes in words, without positions.
func describe(c *Changes) []string {
	var lines []string
	add := func(subject string, kinds []Kind, detail ...string) {
		line := subject
		for _, k := range kinds {
			line += " " + string(k)
		}
		if text := strings.Join(detail, "; "); text != "" {
			line += ": " + text
		}
		lines = append(lines, line)
	}
	for _, a := range c.Addresses {
		var effects []string
		for _, e := range a.Effects {
			effects = append(effects, e.Severity.String()+" "+e.ID)
		}
		add(a.Addr.String(), a.Kinds, effects...)
	}
	for _, r := range c.Rules {
		add(r.Subject, r.Kinds, r.Detail...)
	}
	for _, s := range c.Servers {
		add(s.Name, s.Kinds, s.Detail)
	}
	for _, d := range c.Delegations {
		add(d.Prefix.String(), d.Kinds, d.Detail...)
	}
	for _, b := range c.Blocks {
		add(b.Prefix.String(), b.Kinds, b.Detail...)
	}
	for _, z := range c.Zones {
		add(z.Name, z.Kinds, z.Detail...)
	}
	return lines
}

// TestCompare says what each change of a source changes, by kind, and what receivers of mail will see of it.
func TestCompare(t *testing.T) {
	oldInventory, oldZones := load(t, "old.yaml", base, zoneFile)
	old := OfInventory(oldInventory, oldZones)
	tests := []struct {
		name  string
		pairs []string
		want  []string
	}{
		{"nothing", nil, nil},
		{"a comment, the order, the spelling", []string{"version: 1\n", "# one\nversion: 1\n",
			"[ns1.example.net, ns2.example.net]", "[NS2.example.net., ns1.example.net]",
			"gw1.example.net", "{name: GW1.example.net, ttl: 60m}"}, nil},

		{"a name is set", []string{"192.0.2.11:", "192.0.2.11: eleven.example.net"}, []string{"192.0.2.11 name-set"}},
		{"for an address that was not listed", []string{"  192.0.2.1:", "  192.0.2.2: gw2.example.net\n  192.0.2.1:"},
			[]string{"192.0.2.2 name-set"}},
		{"is removed", []string{"  192.0.2.1: gw1.example.net\n", ""}, []string{"192.0.2.1 name-removed: warning ptr-disappears"}},
		{"is removed, was confirmed and long-lived", []string{"192.0.2.12: {name: shop.acme.example, ttl: 2d}", "192.0.2.12:"},
			[]string{"192.0.2.12 name-removed: warning ptr-disappears; note slow-to-change"}},
		{"is changed", []string{"gw1.example.net", "gw9.example.net"}, []string{"192.0.2.1 name-changed"}},
		{"of a mail server, and still leads back", []string{"192.0.2.10: mail", "192.0.2.10: mx"},
			[]string{"192.0.2.10 name-changed: error no-longer-helo"}},
		{"of a mail server, with what it calls itself", []string{"192.0.2.10: mail", "192.0.2.10: mx", "helo: mail", "helo: mx"},
			[]string{"192.0.2.10 name-changed helo-changed", "2001:db8:1::2 helo-changed",
				"alpha helo-changed: helo: mail.acme.example. → mx.acme.example."}},
		{"and that is not told any more", []string{"192.0.2.10: mail", "192.0.2.10: mx", "    helo: mail.acme.example\n", ""},
			[]string{"192.0.2.10 name-changed helo-changed: error no-longer-helo", "2001:db8:1::2 helo-changed",
				"alpha helo-changed: helo: mail.acme.example. → none"}},
		{"that alone", []string{"    helo: mail.acme.example\n", ""}, []string{"192.0.2.10 helo-changed",
			"2001:db8:1::2 helo-changed", "alpha helo-changed: helo: mail.acme.example. → none"}},
		{"what it calls itself alone", []string{"helo: mail", "helo: mx"},
			[]string{"192.0.2.10 helo-changed: error no-longer-helo", "2001:db8:1::2 helo-changed",
				"alpha helo-changed: helo: mail.acme.example. → mx.acme.example."}},
		{"to one that leads elsewhere", []string{"192.0.2.10: mail", "192.0.2.10: other"},
			[]string{"192.0.2.10 name-changed: error no-longer-confirmed; error no-longer-helo"}},
		{"to one that is not known", []string{"192.0.2.12: {name: shop.acme", "192.0.2.12: {name: shop.example"},
			[]string{"192.0.2.12 name-changed: note slow-to-change; note confirmation-unknown"}},
		{"to one that leads nowhere, from one not known", []string{"gw1.example.net", "none.acme.example"},
			[]string{"192.0.2.1 name-changed: warning not-confirmed"}},
		{"to one that looks generated", []string{"gw1.example.net", "192-0-2-1.dyn.example.net"},
			[]string{"192.0.2.1 name-changed: warning now-looks-generated"}},
		{"to several", []string{"192.0.2.1: gw1.example.net", "192.0.2.1: {names: [gw1.example.net, gw9.example.net]}"},
			[]string{"192.0.2.1 name-changed: warning several-names"}},
		{"in a block with a fallback", []string{"  203.0.113.20: gw3.example.net\n", ""},
			[]string{"203.0.113.20 name-changed: warning fallback-takes-over; warning now-looks-generated"}},
		{"in place of a fallback", []string{"  203.0.113.20:", "  203.0.113.21: gw4.example.net\n  203.0.113.20:"},
			[]string{"203.0.113.21 name-changed: note no-longer-looks-generated; note confirmation-unknown"}},

		{"the default hostname instead", []string{"192.0.2.10: mail.acme.example", "192.0.2.10:"},
			[]string{"192.0.2.10 default-restored: error no-longer-helo; note default-takes-over"}},
		{"a name instead of the default hostname", []string{"primary: 192.0.2.20", "primary: 192.0.2.20, addresses: {192.0.2.20: shop.acme.example}"},
			[]string{"192.0.2.20 default-replaced: warning not-confirmed"}},
		{"the default hostname, written out", []string{"primary: 192.0.2.20",
			"primary: 192.0.2.20, addresses: {192.0.2.20: bravo.dedicated.example}"}, []string{"192.0.2.20 origin-changed"}},
		{"a template", []string{"{server}.dedicated.example", "{server}.miniserver.example"}, []string{"192.0.2.20 name-changed"}},
		{"one TTL", []string{"ttl: 2d", "ttl: 1d"}, []string{"192.0.2.12 ttl-changed"}},
		{"the zone file", []string{"mail  A 192.0.2.10", "mail  A 192.0.2.98"},
			[]string{"192.0.2.10 forward-changed: error no-longer-confirmed"}},
		{"the zone file knows less", []string{"forwards: [acme.example.zone]\n", ""}, []string{
			"acme.example.zone zone-file-removed"}},
		{"a forward zone", []string{"[miniserver.example, pool", "[dedicated.example, pool"}, []string{
			"dedicated.example. zone-added", "miniserver.example. zone-removed"}},

		{"another server", []string{"primary: 192.0.2.20}", "primary: 192.0.2.21, addresses: {192.0.2.20: }}"}, []string{
			"192.0.2.20 name-removed primary-lost: warning ptr-disappears",
			"192.0.2.21 name-set server-gained primary-gained",
			"bravo primary-moved: primary: 192.0.2.20 → 192.0.2.21"}},
		{"an address goes to another server", []string{"      192.0.2.11:\n", "", "primary: 192.0.2.20}", "primary: 192.0.2.20, addresses: {192.0.2.11: }}"},
			[]string{"192.0.2.11 server-changed"}},
		{"from no server", []string{"  192.0.2.1: gw1.example.net\n", "", "primary: 192.0.2.20}",
			"primary: 192.0.2.20, addresses: {192.0.2.1: gw1.example.net}}"}, []string{"192.0.2.1 server-gained"}},
		{"to no server", []string{"      2001:db8:1::25: lists.acme.example\n", "",
			"  192.0.2.1:", "  2001:db8:1::25: lists.acme.example\n  192.0.2.1:"}, []string{"2001:db8:1::25 server-lost"}},
		{"stays in the routed prefix", []string{"      2001:db8:1::25: lists.acme.example\n", ""},
			[]string{"2001:db8:1::25 name-removed: warning ptr-disappears"}},
		{"new numbers", []string{"primary: 192.0.2.20", "primary: 192.0.2.30"}, []string{
			"192.0.2.20 name-removed server-lost primary-lost: warning ptr-disappears",
			"192.0.2.30 name-set server-gained primary-gained",
			"bravo server-renumbered primary-moved: primary: 192.0.2.20 → 192.0.2.30"}},
		{"new additional numbers", []string{"      192.0.2.11:\n", "      192.0.2.13:\n"}, []string{
			"192.0.2.11 server-lost", "192.0.2.13 server-gained", "alpha server-renumbered: addresses: 192.0.2.11 → 192.0.2.13"}},
		{"a product", []string{"bravo: {product: dedicated", "bravo: {product: vps"}, []string{
			"192.0.2.20 name-changed", "bravo product-changed: product: dedicated → vps"}},
		{"an account", []string{"bravo: {product", "bravo: {account: acme, product"},
			[]string{"bravo account-changed: account: none → acme"}},
		{"a routed prefix", []string{"      2001:db8:1::/64:\n", "",
			"primary: 192.0.2.20}", "primary: 192.0.2.20, addresses: {2001:db8:1::/64: }}"}, []string{
			"alpha prefixes-changed: routed prefixes: 2001:db8:1::/64 → none",
			"bravo prefixes-changed: routed prefixes: none → 2001:db8:1::/64"}},
		{"a server more and one less", []string{"bravo: {product", "delta: {product"}, []string{
			"192.0.2.20 name-changed server-changed", "bravo server-removed", "delta server-added"}},

		{"rules", []string{"version: 1\n", "version: 1\nlint: {rules: {name-shared: off}}\n",
			"{domains: [acme.example]}", "{domains: [acme.example, sub.quince.example]}"}, []string{
			"acme domain-added: sub.quince.example.", "name-shared severity-changed: severity: default → off"}},
		{"waivers", []string{"version: 1\n", "version: 1 # revmap:ignore name-shared, name-generic until=2027-01-31 reason=\"so be it\"\n",
			"mail  A", "; revmap:ignore forward-missing reason=\"moves\"\nmail  A"}, []string{
			"forward-missing waiver-added: moves", "name-generic, name-shared waiver-added: so be it (until 2027-01-31)"}},

		{"a delegation more", []string{"  192.0.2.0/24: {}", "  192.0.2.0/24: {delegations: {192.0.2.8/29: " +
			"{zone: 8-29.2.0.192.in-addr.arpa, nameservers: [ns1.acme.example]}}}"}, []string{
			"192.0.2.10 name-removed delegation-gained: warning answered-by-others",
			"192.0.2.11 delegation-gained: note answered-by-others",
			"192.0.2.12 name-removed delegation-gained: warning answered-by-others; note slow-to-change",
			"192.0.2.8/29 delegation-added: zone: 8-29.2.0.192.in-addr.arpa.; name servers: ns1.acme.example."}},
		{"a delegation less, with a fallback", []string{"203.0.113.128/25:", "203.0.113.192/26:", "128-25", "192-26"}, []string{
			"203.0.113.130 name-set delegation-lost: note answered-by-us",
			"203.0.113.131 name-set delegation-lost: warning now-looks-generated; note answered-by-us",
			"203.0.113.128/25 delegation-removed: zone: 128-25.113.0.203.in-addr.arpa.; " +
				"name servers: ns1.quince.example., ns2.quince.example.",
			"203.0.113.192/26 delegation-added: zone: 192-26.113.0.203.in-addr.arpa.; " +
				"name servers: ns1.quince.example., ns2.quince.example."}},
		{"without one", []string{"203.0.113.128/25:", "203.0.113.192/26:", "128-25", "192-26",
			"    fallback: \"{ip}.pool.example.net\"\n", ""}, []string{
			"203.0.113.130 name-set delegation-lost: note answered-by-us",
			"203.0.113.131 delegation-lost: warning answered-by-us",
			"203.0.113.128/25 delegation-removed: zone: 128-25.113.0.203.in-addr.arpa.; " +
				"name servers: ns1.quince.example., ns2.quince.example.",
			"203.0.113.192/26 delegation-added: zone: 192-26.113.0.203.in-addr.arpa.; " +
				"name servers: ns1.quince.example., ns2.quince.example.",
			"203.0.113.0/24 fallback-removed: fallback: {ip}.pool.example.net. → none"}},
		{"a delegation to others", []string{"[ns1.quince.example, ns2.quince.example]", "[ns1.quince.example]"}, []string{
			"203.0.113.128/25 delegation-changed: name servers: ns1.quince.example., ns2.quince.example. → ns1.quince.example."}},
		{"a delegation that is not signed", []string{`, ds: ["12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"]`, ""},
			[]string{"2001:db8:f00::/48 delegation-changed: " +
				"DS: 12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766 → none"}},

		{"a block more", []string{"  192.0.2.0/24: {}", "  192.0.0.0/23: {}\n  192.0.2.0/24: {}"}, []string{
			"192.0.0.0/23 block-added", "0.0.192.in-addr.arpa. zone-added", "1.0.192.in-addr.arpa. zone-added"}},
		{"a block less", []string{"  198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}\n", ""}, []string{
			"198.51.100.65 name-removed: warning ptr-disappears", "198.51.100.64/26 block-removed block-emptied",
			"64-26.100.51.198.in-addr.arpa. zone-removed"}},
		{"an empty block", []string{"  198.51.100.65: gw2.example.net\n", ""}, []string{
			"198.51.100.65 name-removed: warning ptr-disappears", "198.51.100.64/26 block-emptied"}},
		{"a larger block", []string{"  192.0.2.0/24: {}", "  192.0.2.0/23: {}"}, []string{
			"192.0.2.0/23 block-added", "192.0.2.0/24 block-removed", "3.0.192.in-addr.arpa. zone-added"}},
		{"a fallback more", []string{"  192.0.2.0/24: {}", `  192.0.2.0/24: {fallback: "{ip}.static.example.net"}`}, []string{
			"192.0.2.11 name-set", "192.0.2.0/24 fallback-added: fallback: none → {ip}.static.example.net."}},
		{"another fallback", []string{"{ip}.pool", "host-{d}.pool"},
			[]string{"203.0.113.0/24 fallback-changed: fallback: {ip}.pool.example.net. → host-{d}.pool.example.net."}},
		{"a fallback less", []string{"    fallback: \"{ip}.pool.example.net\"\n", ""},
			[]string{"203.0.113.0/24 fallback-removed: fallback: {ip}.pool.example.net. → none"}},
		{"a fallback in a part", []string{"  203.0.113.0/24:", "  203.0.113.64/26: {zone: 64-26.113.0.203.in-addr.arpa}\n  203.0.113.0/24:"},
			[]string{"203.0.113.64/26 block-added fallback-removed: fallback: {ip}.pool.example.net. → none",
				"64-26.113.0.203.in-addr.arpa. zone-added"}},

		{"the DS records of a zone", []string{"  192.0.2.0/24: {}", "  192.0.2.0/24: {ds: {2.0.192.in-addr.arpa: " +
			"[\"12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766\"]}}"}, []string{
			"2.0.192.in-addr.arpa. ds-changed: DS: none → 12345 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"}},
		{"another name of a classless zone", []string{"64-26.100", "sub.100"}, []string{
			"64-26.100.51.198.in-addr.arpa. zone-removed", "sub.100.51.198.in-addr.arpa. zone-added"}},
		{"no catalog", []string{"catalog: catalog.example.net\n", ""}, []string{"catalog.example.net. zone-removed"}},
		{"name servers", []string{"[ns1.example.net, ns2.example.net]", "[ns1.example.net]"}, []string{
			"113.0.203.in-addr.arpa. ns-changed: name servers: ns1.example.net., ns2.example.net. → ns1.example.net.",
			"2.0.192.in-addr.arpa. ns-changed: name servers: ns1.example.net., ns2.example.net. → ns1.example.net.",
			"64-26.100.51.198.in-addr.arpa. ns-changed: name servers: ns1.example.net., ns2.example.net. → ns1.example.net.",
			"8.b.d.0.1.0.0.2.ip6.arpa. ns-changed: name servers: ns1.example.net., ns2.example.net. → ns1.example.net.",
			"miniserver.example. ns-changed: name servers: ns1.example.net., ns2.example.net. → ns1.example.net.",
			"pool.example.net. ns-changed: name servers: ns1.example.net., ns2.example.net. → ns1.example.net."}},
		{"the TTL of all", []string{"ttl: 1h\n", "ttl: 2h\n"}, []string{
			"192.0.2.1 ttl-changed", "192.0.2.10 ttl-changed", "192.0.2.20 ttl-changed", "198.51.100.65 ttl-changed",
			"203.0.113.10 ttl-changed", "203.0.113.20 ttl-changed", "2001:db8:1::2 ttl-changed", "2001:db8:1::25 ttl-changed",
			"113.0.203.in-addr.arpa. zone-ttl-changed: ttl: 3600 → 7200", "2.0.192.in-addr.arpa. zone-ttl-changed: ttl: 3600 → 7200",
			"64-26.100.51.198.in-addr.arpa. zone-ttl-changed: ttl: 3600 → 7200",
			"8.b.d.0.1.0.0.2.ip6.arpa. zone-ttl-changed: ttl: 3600 → 7200", "catalog.example.net. zone-ttl-changed: ttl: 3600 → 7200",
			"miniserver.example. zone-ttl-changed: ttl: 3600 → 7200", "pool.example.net. zone-ttl-changed: ttl: 3600 → 7200"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, zone := changed(t, tt.pairs...)
			inv, zones := load(t, "new.yaml", text, zone)
			if diff := cmp.Diff(tt.want, describe(Compare(old, OfInventory(inv, zones)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("SOA", func(t *testing.T) {
		inv, zones := load(t, "new.yaml", strings.Replace(base, "{primary: ns1.example.net, contact: hostmaster@example.net, "+
			"refresh: 1h, retry: 15m, expire: 2w, negative_ttl: 5m}", "{primary: ns2.example.net, contact: dns@example.net, "+
			"refresh: 2h, retry: 30m, expire: 3w, negative_ttl: 10m}", 1), zoneFile)
		c := Compare(old, OfInventory(inv, zones))
		if len(c.Zones) != 7 {
			t.Errorf("%d zones", len(c.Zones))
		}
		for _, z := range c.Zones {
			want := []string{"primary: ns1.example.net. → ns2.example.net.",
				"contact: hostmaster.example.net. → dns.example.net.", "refresh: 3600 → 7200", "retry: 900 → 1800",
				"expire: 1209600 → 1814400", "negative_ttl: 300 → 600"}
			if diff := cmp.Diff(want, z.Detail); diff != "" || !slices.Equal(z.Kinds, []Kind{SOAChanged}) {
				t.Errorf("%s %s (-want +got):\n%s", z.Name, z.Kinds, diff)
			}
		}
	})
}

// TestEffects tells each effect in its words.
func TestEffects(t *testing.T) {
	tests := []struct {
		id      string
		pairs   []string
		message string
		back    bool // of what undoes the change
	}{
		{ptrDisappears, []string{"  192.0.2.1: gw1.example.net\n", ""},
			"it has no name any more, and many receivers refuse mail from such addresses", false},
		{answeredByOthers, []string{"203.0.113.128/25:", "203.0.113.0/25:", "128-25", "0-25"},
			"the name servers of 203.0.113.0/25 answer for it, and charlie.miniserver.example. is for them to know", false},
		{answeredByUs, []string{"203.0.113.128/25:", "203.0.113.0/25:", "128-25", "0-25"},
			"it answers gw5.example.net., whatever the name servers of 203.0.113.128/25 gave it", false},
		{noLongerConfirmed, []string{"mail  A 192.0.2.10", "mail  A 192.0.2.98"},
			"mail.acme.example. does not lead back to it any more", false},
		{noLongerConfirmed, []string{"192.0.2.10: mail", "192.0.2.10: other"},
			"other.acme.example. does not lead back to it, as mail.acme.example. did", false},
		{notConfirmed, []string{"gw1.example.net", "none.acme.example"}, "none.acme.example. does not lead back to it", false},
		{confirmationUnknown, []string{"192.0.2.10: mail.acme.example", "192.0.2.10: mail.example.net"},
			"mail.acme.example. led back to it; whether mail.example.net. does is not known here", false},
		{nowConfirmed, []string{"mail  A 192.0.2.10", "mail  A 192.0.2.98"}, "mail.acme.example. leads back to it", true},
		{nowConfirmed, []string{"192.0.2.10: mail", "192.0.2.10: other"}, "mail.acme.example. leads back to it", true},
		{nowLooksGenerated, []string{"gw1.example.net", "192-0-2-1.dyn.example.net"}, `192-0-2-1.dyn.example.net. looks ` +
			`generated: SpamAssassin RDNS_DYNAMIC fires on "dyn" and costs up to 2.6 points of the 5 that make spam`, false},
		{noLongerGenerated, []string{"gw1.example.net", "192-0-2-1.dyn.example.net"},
			"no mail filter takes its name for a generated one any more", true},
		{noLongerHELO, []string{"helo: mail", "helo: mx"},
			"its server calls itself mx.acme.example., but its name is mail.acme.example. now", false},
		{severalNames, []string{"gw1.example.net", "{names: [a.example.net, b.example.net]}"},
			"it has 2 names: receivers look at any of them, or at none", false},
		{fallbackTakesOver, []string{"  203.0.113.20: gw3.example.net\n", ""},
			"the fallback of 203.0.113.0/24 takes the place of gw3.example.net.", false},
		{defaultTakesOver, []string{"192.0.2.10: mail.acme.example", "192.0.2.10:"},
			"its server's default hostname takes the place of mail.acme.example.", false},
		{slowToChange, []string{"shop.acme.example, ttl", "mx.acme.example, ttl"},
			"resolvers may answer shop.acme.example. for 48 more hours", false},
	}
	for _, tt := range tests {
		text, zone := changed(t, tt.pairs...)
		a, aZones := load(t, "old.yaml", base, zoneFile)
		b, bZones := load(t, "new.yaml", text, zone)
		c := Compare(OfInventory(a, aZones), OfInventory(b, bZones))
		if tt.back {
			c = Compare(OfInventory(b, bZones), OfInventory(a, aZones))
		}
		var got []string
		for _, a := range c.Addresses {
			for _, e := range a.Effects {
				if e.ID == tt.id {
					got = append(got, e.Message)
				}
			}
		}
		if !slices.Contains(got, tt.message) {
			t.Errorf("%s of %q: %q, want %q", tt.id, tt.pairs, got, tt.message)
		}
	}
}

// Each change has the place where the source says so, on both sides.
func TestPositions(t *testing.T) {
	text, zone := changed(t, "version: 1\n", "version: 1\n\n", "192.0.2.10: mail", "192.0.2.10: mx",
		"  192.0.2.1: gw1.example.net\n", "", "  charlie: {product: vps", "  delta: {product: vps",
		"bravo: {product: dedicated", "bravo: {product: vps", "[ns1.quince.example, ns2.quince.example]", "[ns1.quince.example]",
		"  192.0.2.0/24: {}", `  192.0.2.0/24: {fallback: "{ip}.example.net"}`, "[miniserver.example, pool.example.net]", "[pool.example.net]",
		"catalog.example.net", "catalog.example.org", "ttl: 1h\n", "ttl: 2h\n")
	a, aZones := load(t, "old.yaml", base, zoneFile)
	b, bZones := load(t, "new.yaml", text, zone)
	c := Compare(OfInventory(a, aZones), OfInventory(b, bZones))
	// at returns the word at a position.
	at := func(pos diag.Position) string {
		text := map[string]string{"old.yaml": base, "new.yaml": text}[pos.File]
		if text == "" {
			return pos.String()
		}
		line := strings.Split(text, "\n")[pos.Line-1]
		word, _, _ := strings.Cut(line[pos.Column-1:], " ")
		return pos.File + " " + strings.Trim(word, ",]}\"")
	}
	got := map[string][2]string{}
	for _, a := range c.Addresses {
		got[a.Addr.String()] = [2]string{at(a.Old.Pos), at(a.New.Pos)}
	}
	for _, s := range c.Servers {
		got[s.Name] = [2]string{at(s.OldPos), at(s.Pos)}
	}
	for _, d := range c.Delegations {
		got[d.Prefix.String()] = [2]string{at(d.OldPos), at(d.Pos)}
	}
	for _, b := range c.Blocks {
		got[b.Prefix.String()] = [2]string{at(b.OldPos), at(b.Pos)}
	}
	for _, z := range c.Zones {
		got[z.Name] = [2]string{at(z.OldPos), at(z.Pos)}
	}
	for _, t := range c.Totals {
		got["total of "+t.Block.String()] = [2]string{at(t.Pos)}
	}
	both := func(word string) [2]string { return [2]string{"old.yaml " + word, "new.yaml " + word} }
	want := map[string][2]string{
		"192.0.2.1":                      {"old.yaml 192.0.2.1:", "-"},
		"192.0.2.10":                     both("192.0.2.10:"),
		"192.0.2.11":                     both("192.0.2.11:"),
		"192.0.2.20":                     both("192.0.2.20"),
		"198.51.100.65":                  both("198.51.100.65:"),
		"203.0.113.10":                   both("203.0.113.10"),
		"203.0.113.20":                   both("203.0.113.20:"),
		"2001:db8:1::2":                  both("2001:db8:1::2"),
		"2001:db8:1::25":                 both("2001:db8:1::25:"),
		"203.0.113.131":                  both("203.0.113.131:"),
		"bravo":                          both("bravo:"),
		"charlie":                        {"old.yaml charlie:", "-"},
		"delta":                          {"-", "new.yaml delta:"},
		"203.0.113.128/25":               both("203.0.113.128/25:"),
		"192.0.2.0/24":                   both("192.0.2.0/24:"),
		"miniserver.example.":            {"old.yaml miniserver.example", "-"},
		"catalog.example.net.":           {"old.yaml catalog.example.net", "-"},
		"catalog.example.org.":           {"-", "new.yaml catalog.example.org"},
		"pool.example.net.":              {"old.yaml 1h", "new.yaml 2h"},
		"113.0.203.in-addr.arpa.":        {"old.yaml 1h", "new.yaml 2h"},
		"2.0.192.in-addr.arpa.":          {"old.yaml 1h", "new.yaml 2h"},
		"64-26.100.51.198.in-addr.arpa.": {"old.yaml 1h", "new.yaml 2h"},
		"8.b.d.0.1.0.0.2.ip6.arpa.":      {"old.yaml 1h", "new.yaml 2h"},
		"total of 192.0.2.0/24":          {"old.yaml 192.0.2.0/24:"},
		"total of 198.51.100.64/26":      {"old.yaml 198.51.100.64/26:"},
		"total of 203.0.113.0/24":        {"old.yaml 203.0.113.0/24:"},
		"total of 2001:db8::/32":         {"old.yaml 2001:db8::/32:"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Sources that make no sense are compared as far as they go: nothing changes from one of them to itself.
func TestCompareBroken(t *testing.T) {
	good, _ := load(t, "records.yaml", base, zoneFile)
	files, err := filepath.Glob("../source/testdata/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files (%v)", err)
	}
	texts := []string{
		// What there may be once is there twice, or is in no block, or is no prefix.
		strings.ReplaceAll(base, "2001:db8", "192.0.2.10") + base,
		strings.Replace(base, "  bravo:", "  alpha:", 1),
		strings.Replace(base, "  192.0.2.0/24:", "  203.0.113.0/24:", 1),
		strings.Replace(base, "primary: 192.0.2.20", "primary: 192.0.2.10, addresses: {192.0.2.10: x.example.net, 192.0.2.11: }", 1),
		strings.Replace(base, "192.0.2.0/24: {}", "192.0.2.0/33: {}", 1),
		strings.Replace(base, "      203.0.113.128/25:", "      198.51.100.0/24:", 1),
		strings.Replace(base, "{zone: 64-26.100.51.198.in-addr.arpa}", "{}", 1),
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
	}
	for _, text := range texts {
		s, _ := source.Parse("records.yaml", []byte(text), false)
		inv := model.Build(s)
		Compare(OfInventory(good, nil), OfInventory(inv, nil)).Gate(Limits{})
		Compare(OfInventory(inv, nil), compiled(t, good)).Gate(Limits{})
		if got := describe(Compare(OfInventory(inv, nil), OfInventory(model.Build(s), nil))); len(got) > 0 {
			t.Errorf("from itself to itself: %q\n%s", got, text)
		}
	}
}
