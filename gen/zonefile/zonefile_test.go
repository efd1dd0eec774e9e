package zonefile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

var update = flag.Bool("update", false, "rewrite testdata")

// entry is what a test puts into a snapshot.
type entry struct {
	addr  string
	ttl   uint32
	names []string
}

// zones are one of each kind that a snapshot can have, with the TTL 3600.
var zones = []snapshot.Zone{
	zone("2.0.192.in-addr.arpa.", "192.0.2.0/24", ""),
	zone("64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26", ""),
	zone("128/30.100.51.198.in-addr.arpa.", "198.51.100.128/30", "{d}.{c}.{b}.{a}.dyn.example.net."),
	zone("200.100.51.198.in-addr.arpa.", "198.51.100.200/32", ""),
	zone("host.acme.example.", "198.51.100.201/32", ""),
	zone("113.0.203.in-addr.arpa.", "203.0.113.0/24", "{ip}.dyn.example.net."),
	zone("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", ""),
	zone("f.f.f.3.ip6.arpa.", "3fff::/16", ""), // no entries
	delegating,
	zone("128-26.2.19.198.in-addr.arpa.", "198.19.2.128/26", ""),
	{Kind: snapshot.Forward, Name: "miniserver.example.", Serial: 2026010101, TTL: 3600, SOA: soa, NS: nameservers},
	{Kind: snapshot.Forward, Name: "dyn.example.net.", Serial: 2026010101, TTL: 3600, SOA: soa, NS: nameservers},
	{Kind: snapshot.Catalog, Name: "catalog.example.net.", Serial: 2026010101, TTL: 3600, SOA: soa, NS: []string{"invalid."}},
}

var (
	soa = snapshot.SOA{
		Primary: "ns1.example.net.", Contact: "hostmaster.example.net.",
		Refresh: 3600, Retry: 900, Expire: 1209600, Minimum: 300,
	}
	nameservers = []string{"ns1.example.net.", "ns2.example.net."}
	digest      = strings.Repeat("\xab", 32)
)

// delegating is a zone with every kind of delegation.
var delegating = func() snapshot.Zone {
	z := zone("19.198.in-addr.arpa.", "198.19.0.0/16", "")
	prefix := netip.MustParsePrefix
	z.Delegations = []snapshot.Delegation{
		{Prefix: prefix("198.19.1.0/24"), Name: "1.19.198.in-addr.arpa.",
			NS:   []string{"ns.1.19.198.in-addr.arpa.", "ns1.acme.example."},
			DS:   []snapshot.DS{{KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: digest}},
			Glue: []snapshot.Glue{{Name: "ns.1.19.198.in-addr.arpa.", Addr: netip.MustParseAddr("2001:db8::53")}}},
		{Prefix: prefix("198.19.2.0/30"), Name: "0/30.2.19.198.in-addr.arpa.", NS: []string{"ns1.acme.example."}},
		{Prefix: prefix("198.19.2.128/26"), Name: "128-26.2.19.198.in-addr.arpa.", NS: nameservers},
		{Prefix: prefix("198.19.3.7/32"), Name: "7.3.19.198.in-addr.arpa.", NS: []string{"ns1.acme.example."}},
		{Prefix: prefix("198.19.4.8/31"), Name: "customers.acme.example."},
	}
	return z
}()

// hosts are in the forward zones.
var hosts = map[string][]string{
	"miniserver.example.":            {"192.0.2.1"},
	"examplaaa1.miniserver.example.": {"192.0.2.10", "2001:db8::10"},
	"a.b.miniserver.example.":        {"192.0.2.11", "192.0.2.12"},
	"203-0-113-4.dyn.example.net.":   {"203.0.113.4"}, // its own fallback
	"203-0-113-5.dyn.example.net.":   {"2001:db8::5"},
}

var entries = []entry{
	{"192.0.2.1", 3600, []string{"gw1.example.net."}},
	{"192.0.2.2", 300, []string{"gw2.example.net."}},
	{"192.0.2.10", 0, []string{"a.acme.example.", "b.acme.example."}},
	{"192.0.2.255", 2147483647, []string{strings.Repeat(strings.Repeat("x", 62)+".", 4)}},
	{"198.19.2.130", 3600, []string{"child.example.net."}},
	{"198.19.9.9", 3600, []string{"nine.example.net."}},
	{"198.51.100.64", 3600, []string{"first.example.net."}},
	{"198.51.100.127", 60, []string{"last.example.net."}},
	{"198.51.100.129", 60, []string{"named.example.net."}},
	{"198.51.100.200", 3600, []string{"apex.example.net."}},
	{"198.51.100.201", 3600, []string{"single.example.net."}},
	{"203.0.113.0", 3600, []string{"zero.example.net."}},
	{"203.0.113.77", 300, []string{"seven_seven.example.net."}},
	{"2001:db8::", 3600, []string{"first6.example.net."}},
	{"2001:db8:0:1::25", 300, []string{"mail.acme.example."}},
	{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 3600, []string{"last6.example.net."}},
}

func zone(name, prefix, fallback string) snapshot.Zone {
	return snapshot.Zone{
		Kind: snapshot.Reverse, Name: name, Prefix: netip.MustParsePrefix(prefix), Serial: 2026010101, TTL: 3600,
		SOA: soa, NS: nameservers, Fallback: fallback,
	}
}

// generation builds a snapshot and reads it.
func generation(t *testing.T, zones []snapshot.Zone, entries []entry, hosts map[string][]string) *authority.Generation {
	t.Helper()
	b, err := snapshot.NewBuilder("", zones)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := b.Add(netip.MustParseAddr(e.addr), snapshot.Explicit, e.ttl, e.names); err != nil {
			t.Fatal(err)
		}
	}
	snapshottest.AddHosts(t, b, hosts)
	return snapshottest.Generation(t, snapshottest.Open(t, snapshottest.Bytes(t, b)))
}

// texts writes every zone of g.
func texts(t *testing.T, g *authority.Generation) iter.Seq2[*snapshot.Zone, []byte] {
	return func(yield func(*snapshot.Zone, []byte) bool) {
		for i := range g.Reader().Zones() {
			z := &g.Reader().Zones()[i]
			var b bytes.Buffer
			if err := Write(&b, g, z); err != nil {
				t.Errorf("Write %s: %v", z.Name, err)
				continue
			}
			if !yield(z, b.Bytes()) {
				return
			}
		}
	}
}

// TestGolden compares the text with testdata, where it can be read.
func TestGolden(t *testing.T) {
	for z, got := range texts(t, generation(t, zones, entries, hosts)) {
		golden := filepath.Join("testdata", FileName(z))
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := gocmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
	}
}

// TestRoundTrip parses what is written with a parser that is not ours, and compares it with what was put in.
func TestRoundTrip(t *testing.T) {
	seen := 0
	for z, text := range texts(t, generation(t, zones, entries, hosts)) {
		seen++
		var got []string
		p := dns.NewZoneParser(bytes.NewReader(text), ".", z.Name)
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			got = append(got, rr.String())
		}
		if err := p.Err(); err != nil {
			t.Errorf("%s: %v", z.Name, err)
			continue
		}
		if diff := gocmp.Diff(want(z), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", z.Name, diff)
		}
	}
	if seen != len(zones) {
		t.Errorf("%d zones, want %d", seen, len(zones))
	}
}

// want makes the RRs of z out of the tables above, by plain enumeration.
func want(z *snapshot.Zone) []string {
	rrs := []string{z.Name + "\t3600\tIN\tSOA\tns1.example.net. hostmaster.example.net. 2026010101 3600 900 1209600 300"}
	for _, ns := range z.NS {
		rrs = append(rrs, z.Name+"\t3600\tIN\tNS\t"+ns)
	}
	add := func(owner, data string) {
		rrs = append(rrs, owner+"\t3600\tIN\t"+strings.Replace(data, " ", "\t", 1))
	}
	switch z.Name {
	case delegating.Name:
		add("1.19.198.in-addr.arpa.", "NS ns.1.19.198.in-addr.arpa.")
		add("1.19.198.in-addr.arpa.", "NS ns1.acme.example.")
		add("1.19.198.in-addr.arpa.", "DS 12345 13 2 "+strings.Repeat("AB", 32))
		add("ns.1.19.198.in-addr.arpa.", "AAAA 2001:db8::53")
		add("0/30.2.19.198.in-addr.arpa.", "NS ns1.acme.example.")
		for i := range 4 {
			add(fmt.Sprintf("%d.2.19.198.in-addr.arpa.", i), fmt.Sprintf("CNAME %d.0/30.2.19.198.in-addr.arpa.", i))
		}
		add("128-26.2.19.198.in-addr.arpa.", "NS ns1.example.net.")
		add("128-26.2.19.198.in-addr.arpa.", "NS ns2.example.net.")
		for i := 128; i < 192; i++ {
			add(fmt.Sprintf("%d.2.19.198.in-addr.arpa.", i), fmt.Sprintf("CNAME %d.128-26.2.19.198.in-addr.arpa.", i))
		}
		add("7.3.19.198.in-addr.arpa.", "NS ns1.acme.example.")
		add("8.4.19.198.in-addr.arpa.", "CNAME 8.customers.acme.example.")
		add("9.4.19.198.in-addr.arpa.", "CNAME 9.customers.acme.example.")
		add("9.9.19.198.in-addr.arpa.", "PTR nine.example.net.")
		return rrs
	case "miniserver.example.":
		add("miniserver.example.", "A 192.0.2.1")
		add("a.b.miniserver.example.", "A 192.0.2.11")
		add("a.b.miniserver.example.", "A 192.0.2.12")
		add("examplaaa1.miniserver.example.", "A 192.0.2.10")
		add("examplaaa1.miniserver.example.", "AAAA 2001:db8::10")
		return rrs
	case "dyn.example.net.":
		add("203-0-113-4.dyn.example.net.", "A 203.0.113.4")
		add("203-0-113-5.dyn.example.net.", "AAAA 2001:db8::5")
		for i := 128; i < 132; i++ {
			add(fmt.Sprintf("%d.100.51.198.dyn.example.net.", i), fmt.Sprintf("A 198.51.100.%d", i))
		}
		for i := range 256 {
			if i != 4 {
				add(fmt.Sprintf("203-0-113-%d.dyn.example.net.", i), fmt.Sprintf("A 203.0.113.%d", i))
			}
		}
		return rrs
	case "catalog.example.net.":
		add("version.catalog.example.net.", `TXT "2"`)
		var members []string
		for _, z := range zones {
			if z.Kind != snapshot.Catalog {
				members = append(members, fmt.Sprintf("%.16x.zones.catalog.example.net.\t3600\tIN\tPTR\t%s", sha256.Sum256([]byte(z.Name)), z.Name))
			}
		}
		slices.Sort(members)
		return append(rrs, members...)
	}
	named := make(map[netip.Addr]entry)
	var addrs []netip.Addr
	for _, e := range entries {
		a := netip.MustParseAddr(e.addr)
		named[a] = e
		if z.Prefix.Contains(a) {
			addrs = append(addrs, a)
		}
	}
	if z.Fallback != "" {
		addrs = nil
		for a := z.Prefix.Addr(); z.Prefix.Contains(a); a = a.Next() {
			addrs = append(addrs, a)
		}
	}
	for _, a := range addrs {
		e, ok := named[a]
		if !ok {
			b := a.As4()
			name := strings.NewReplacer("{a}", fmt.Sprint(b[0]), "{b}", fmt.Sprint(b[1]), "{c}", fmt.Sprint(b[2]),
				"{d}", fmt.Sprint(b[3]), "{ip}", strings.ReplaceAll(a.String(), ".", "-")).Replace(z.Fallback)
			e = entry{ttl: 3600, names: []string{name}}
		}
		owner, err := dns.ReverseAddr(a.String())
		if err != nil {
			panic(err)
		}
		if z.Name == "host.acme.example." || strings.Contains(z.Name, "-26.") || strings.Contains(z.Name, "/30.") {
			owner = fmt.Sprintf("%d.%s", a.As4()[3], z.Name) // RFC 2317
		}
		for _, n := range e.names {
			rrs = append(rrs, fmt.Sprintf("%s\t%d\tIN\tPTR\t%s", owner, e.ttl, n))
		}
	}
	return rrs
}

// TestCheckers gives the files to the checkers of three name servers.
func TestCheckers(t *testing.T) {
	checkers := []struct {
		program string
		args    func(zone, file string) []string
	}{
		// -i local: the addresses of name servers in other zones are not looked up.
		{"named-checkzone", func(zone, file string) []string { return []string{"-i", "local", zone, file} }},
		{"kzonecheck", func(zone, file string) []string { return []string{"-o", zone, file} }},
		{"nsd-checkzone", func(zone, file string) []string { return []string{zone, file} }},
	}
	g := generation(t, zones, entries, hosts)
	dir := t.TempDir()
	for z, text := range texts(t, g) {
		if err := os.WriteFile(filepath.Join(dir, FileName(z)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("2.0.192.in-addr.arpa. 60 NS ns1.example.net.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range checkers {
		t.Run(c.program, func(t *testing.T) {
			path := peer.Needs(t, c.program)[0]
			if err := exec.Command(path, c.args("2.0.192.in-addr.arpa.", bad)...).Run(); err == nil {
				t.Errorf("%s takes a zone without a SOA: it checks nothing", c.program)
			}
			for i := range g.Reader().Zones() {
				z := &g.Reader().Zones()[i]
				cmd := exec.Command(path, c.args(z.Name, filepath.Join(dir, FileName(z)))...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", cmd, err, out)
				}
			}
		})
	}
}

func TestEndless(t *testing.T) {
	g := generation(t, []snapshot.Zone{
		zone("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", "{ip}.dyn.example.net."),
		{Kind: snapshot.Forward, Name: "dyn.example.net.", Serial: 2026010101, TTL: 3600, SOA: soa, NS: nameservers},
	}, []entry{{"2001:db8::1", 3600, []string{"one.example.net."}}}, map[string][]string{"host.dyn.example.net.": {"192.0.2.1"}})
	want := map[string][]string{
		"8.b.d.0.1.0.0.2.ip6.arpa.": {
			"; every other address of 2001:db8::/32: {ip}.dyn.example.net.\n",
			" PTR one.example.net.\n",
		},
		"dyn.example.net.": {
			"; every address of 2001:db8::/32: {ip}.dyn.example.net.\n",
			"host.dyn.example.net. A 192.0.2.1\n",
		},
	}
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		var b bytes.Buffer
		if err := Write(&b, g, z); !errors.Is(err, snapshot.ErrEndless) || !strings.Contains(err.Error(), z.Name) {
			t.Errorf("Write: %v, want ErrEndless for %s", err, z.Name)
		}
		if b.Len() > 0 {
			t.Errorf("Write wrote %q", &b)
		}
		if err := Dump(&b, g, z); err != nil {
			t.Fatal(err)
		}
		for _, w := range want[z.Name] {
			if !strings.Contains(b.String(), w) {
				t.Errorf("Dump wrote\n%swithout %q", &b, w)
			}
		}
	}
}

// shortWriter takes n bytes.
type shortWriter struct{ n int }

func (w *shortWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		return w.n, io.ErrShortWrite
	}
	w.n -= len(p)
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	g := generation(t, zones, entries, hosts)
	for z, text := range texts(t, g) {
		for _, n := range []int{0, len(text) - 1} {
			if err := Write(&shortWriter{n}, g, z); !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("Write %s to a writer of %d bytes: %v", z.Name, n, err)
			}
		}
		if err := Write(&shortWriter{len(text)}, g, z); err != nil {
			t.Errorf("Write %s to a writer of %d bytes: %v", z.Name, len(text), err)
		}
	}
}

func TestFileName(t *testing.T) {
	tests := []struct{ zone, want string }{
		{"2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa.zone"},
		{"128/30.100.51.198.in-addr.arpa.", "128=30.100.51.198.in-addr.arpa.zone"},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.zone"},
	}
	for _, tt := range tests {
		if got := FileName(&snapshot.Zone{Name: tt.zone}); got != tt.want {
			t.Errorf("FileName(%s) = %q, want %q", tt.zone, got, tt.want)
		}
	}
	// No two zones share a file.
	names := make([]string, len(zones))
	for i := range zones {
		names[i] = FileName(&zones[i])
	}
	slices.SortFunc(names, cmp.Compare[string])
	if got := len(slices.Compact(names)); got != len(zones) {
		t.Errorf("%d file names for %d zones", got, len(zones))
	}
}
