package compile

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

// base is what the tests change. It has an IPv4 zone, a classless one, one with a fallback and an IPv6 zone.
const base = `version: 1
defaults:
  ttl: 1h
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net, refresh: 1h, retry: 15m, expire: 2w, negative_ttl: 5m}
products:
  vps: {hostname: "{server}.miniserver.example"}
blocks:
  192.0.2.0/24: {}
  198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}
  203.0.113.0/24: {fallback: "{ip}.dyn.example.net"}
  2001:db8::/32: {}
servers:
  examplaaa1:
    product: vps
    primary: [192.0.2.10, "2001:db8::10"]
    addresses:
      192.0.2.10: mail.acme.example
      192.0.2.11:
      192.0.2.12: {name: shop.acme.example, ttl: 5m}
      198.51.100.64: {names: [b.acme.example, a.acme.example]}
  examplaab7: {product: vps, primary: 192.0.2.20}
addresses:
  192.0.2.1: gw1.example.net
`

// inventory resolves a source in which nothing may be wrong.
func inventory(t *testing.T, text string) *model.Inventory {
	t.Helper()
	s, found := source.Parse("records.yaml", []byte(text), false)
	if found.Count(diag.Error) > 0 {
		t.Fatalf("the source of the test has findings: %+v", found)
	}
	return model.Build(s)
}

// compiled compiles a source.
func compiled(t *testing.T, text string, o Options) *snapshot.Reader {
	t.Helper()
	b, err := Compile(inventory(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	return snapshottest.Open(t, snapshottest.Bytes(t, b))
}

// change replaces parts of base, each of which must be there once.
func change(t *testing.T, pairs ...string) string {
	t.Helper()
	text := base
	for p := range slices.Chunk(pairs, 2) {
		if strings.Count(text, p[0]) != 1 {
			t.Fatalf("the source has %q %d times", p[0], strings.Count(text, p[0]))
		}
		text = strings.Replace(text, p[0], p[1], 1)
	}
	return text
}

// TestCompile compares all of a snapshot with what base says.
func TestCompile(t *testing.T) {
	type entry struct {
		Owner string
		Kind  snapshot.Kind
		TTL   uint32
		Names []string
	}
	type zone struct {
		Name, Prefix, Fallback string
		Entries                []entry
	}
	r := compiled(t, base, Options{Commit: "4f2a9c1", Time: time.Unix(1767225600, 0)})
	if r.Commit() != "4f2a9c1" {
		t.Errorf("commit %q", r.Commit())
	}
	soa := snapshot.SOA{Primary: "ns1.example.net.", Contact: "hostmaster.example.net.",
		Refresh: 3600, Retry: 900, Expire: 1209600, Minimum: 300}
	var got []zone
	for i := range r.Zones() {
		z := &r.Zones()[i]
		if z.TTL != 3600 || z.SOA != soa || z.Serial != 1767225600 ||
			!slices.Equal(z.NS, []string{"ns1.example.net.", "ns2.example.net."}) {
			t.Errorf("apex of %+v", z)
		}
		g := zone{Name: z.Name, Prefix: z.Prefix.String(), Fallback: z.Fallback}
		for a, set := range r.Entries(z) {
			e := entry{Owner: z.Owner(a), Kind: set.Kind, TTL: set.TTL}
			for i := range set.Len() {
				e.Names = append(e.Names, set.Name(i))
			}
			g.Entries = append(g.Entries, e)
		}
		got = append(got, g)
	}
	const zeros = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
	want := []zone{
		{"113.0.203.in-addr.arpa.", "203.0.113.0/24", "{ip}.dyn.example.net.", nil},
		{"2.0.192.in-addr.arpa.", "192.0.2.0/24", "", []entry{
			{"1.2.0.192.in-addr.arpa.", snapshot.Explicit, 3600, []string{"gw1.example.net."}},
			{"10.2.0.192.in-addr.arpa.", snapshot.Explicit, 3600, []string{"mail.acme.example."}},
			{"12.2.0.192.in-addr.arpa.", snapshot.Explicit, 300, []string{"shop.acme.example."}},
			{"20.2.0.192.in-addr.arpa.", snapshot.Default, 3600, []string{"examplaab7.miniserver.example."}},
		}},
		{"64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26", "", []entry{
			{"64.64-26.100.51.198.in-addr.arpa.", snapshot.Explicit, 3600, []string{"a.acme.example.", "b.acme.example."}},
		}},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32", "", []entry{
			{"0.1." + zeros, snapshot.Default, 3600, []string{"examplaaa1.miniserver.example."}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSerials says which zones get a new serial by which change of the source.
func TestSerials(t *testing.T) {
	const (
		v4        = "2.0.192.in-addr.arpa."
		classless = "64-26.100.51.198.in-addr.arpa."
		fallback  = "113.0.203.in-addr.arpa."
		v6        = "8.b.d.0.1.0.0.2.ip6.arpa."
	)
	all := []string{fallback, v4, classless, v6}
	tests := []struct {
		name  string
		pairs []string
		moved []string
	}{
		{"nothing", nil, nil},
		{"a comment", []string{"version: 1\n", "version: 1 # one\n"}, nil},
		{"another name", []string{"gw1.example.net", "gw9.example.net"}, []string{v4}},
		{"another TTL", []string{"ttl: 5m}\n      198", "ttl: 6m}\n      198"}, []string{v4}},
		{"a TTL that is written out", []string{"gw1.example.net", "{name: gw1.example.net, ttl: 1h}"}, nil},
		{"the TTL of an address without a name", []string{"192.0.2.11:", "192.0.2.11: {ttl: 5m}"}, nil},
		{"names in another order", []string{"[b.acme.example, a.acme.example]", "[a.acme.example, b.acme.example]"}, nil},
		{"one name less", []string{"[b.acme.example, a.acme.example]", "[a.acme.example]"}, []string{classless}},
		{"the default hostname written out", []string{"192.0.2.11:",
			"192.0.2.11:\n      2001:db8::10: examplaaa1.miniserver.example"}, nil},
		{"a name where there was none", []string{"192.0.2.11:", "192.0.2.11: eleven.acme.example"}, []string{v4}},
		{"a name behind all others", []string{"192.0.2.1: gw1.example.net", "192.0.2.1: gw1.example.net\n  192.0.2.254: gw2.example.net"},
			[]string{v4}},
		{"an address without a name less", []string{"      192.0.2.11:\n", ""}, nil},
		{"a name less", []string{"192.0.2.12: {name: shop.acme.example, ttl: 5m}", "192.0.2.12:"}, []string{v4}},
		{"the last entry of a zone", []string{`primary: [192.0.2.10, "2001:db8::10"]`, "primary: 192.0.2.10"}, []string{v6}},
		{"another template", []string{"{server}.miniserver", "{server}.server"}, []string{v4, v6}},
		{"another server", []string{"examplaab7:", "examplaab8:"}, []string{v4}},
		{"another fallback", []string{"{ip}.dyn", "{ip}.pool"}, []string{fallback}},
		{"a fallback more", []string{"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.dyn.example.net"}`}, []string{v4}},
		{"name servers in another order", []string{"[ns1.example.net, ns2.example.net]",
			"[ns2.example.net, ns1.example.net]"}, nil},
		{"a name server twice", []string{"[ns1.example.net, ns2.example.net]",
			"[ns1.example.net, ns2.example.net, NS2.example.net.]"}, nil},
		{"a name server less", []string{"[ns1.example.net, ns2.example.net]", "[ns1.example.net]"}, all},
		{"another primary server", []string{"primary: ns1.", "primary: ns2."}, all},
		{"another timer", []string{"refresh: 1h", "refresh: 2h"}, all},
		{"another negative TTL", []string{"negative_ttl: 5m", "negative_ttl: 6m"}, all},
		{"another default TTL", []string{"ttl: 1h\n", "ttl: 2h\n"}, all},
		{"another zone name", []string{"64-26.100", "a.100"}, []string{"a.100.51.198.in-addr.arpa."}},
		{"one more zone", []string{"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  198.51.101.0/24: {}"},
			[]string{"101.51.198.in-addr.arpa."}},
		{"one zone less", []string{"  203.0.113.0/24: {fallback: \"{ip}.dyn.example.net\"}\n", ""}, nil},
	}
	before := compiled(t, base, Options{Time: time.Unix(1000, 0)})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := compiled(t, change(t, tt.pairs...), Options{Commit: "4f2a9c1", Time: time.Unix(2000, 0), Previous: before})
			var moved []string
			for i := range r.Zones() {
				switch z := &r.Zones()[i]; z.Serial {
				case 2000:
					moved = append(moved, z.Name)
				case 1000:
				default:
					t.Errorf("%s has the serial %d", z.Name, z.Serial)
				}
			}
			slices.Sort(tt.moved)
			if !slices.Equal(moved, tt.moved) {
				t.Errorf("new serials for %q, want %q", moved, tt.moved)
			}
		})
	}
}

// delegating is what TestDelegations and TestDelegationSerials compile: base with all that is not in reverse zones alone.
var delegating = strings.NewReplacer(
	"203.0.113.0/24: {", `203.0.113.0/24: {
    delegations: {203.0.113.128/26: {zone: 128-26.113.0.203.in-addr.arpa, nameservers: [ns1.acme.example]}},
    `,
	"2001:db8::/32: {}", `2001:db8::/32:
    delegations:
      2001:db8:f00::/47:
        nameservers: [ns2.acme.example, ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa]
        glue: {ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa: ["2001:db8::53", 192.0.2.53]}
        ds: ["2 13 2 `+strings.Repeat("bb", 32)+`", "1 13 2 `+strings.Repeat("aa", 32)+`"]
  2001:db8:f00::/48: {}`,
	"servers:\n", `catalog: catalog.example.net
forward_zones: [miniserver.example, dyn.example.net]
servers:
`).Replace(base)

// TestDelegations compares what zones delegate, the hosts and the catalog with what the source says.
func TestDelegations(t *testing.T) {
	r := compiled(t, delegating, Options{Time: time.Unix(1, 0)})
	var got []string
	for i := range r.Zones() {
		z := &r.Zones()[i]
		got = append(got, fmt.Sprintf("%s %s %v", z.Kind, z.Name, z.NS))
		for _, d := range z.Delegations {
			got = append(got, fmt.Sprintf("  %v %s %v ds %d glue %v", d.Prefix, d.Name, d.NS, len(d.DS), d.Glue))
		}
		for h := range r.Hosts(z) {
			line := "  " + h.Name()
			for i := range h.Len() {
				line += " " + h.Addr(i).String()
			}
			got = append(got, line)
		}
	}
	ns := "[ns1.example.net. ns2.example.net.]"
	want := []string{
		"reverse 0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. " + ns,
		"reverse 113.0.203.in-addr.arpa. " + ns,
		"  203.0.113.128/26 128-26.113.0.203.in-addr.arpa. [ns1.acme.example.] ds 0 glue []",
		"reverse 2.0.192.in-addr.arpa. " + ns,
		"reverse 64-26.100.51.198.in-addr.arpa. " + ns,
		"reverse 8.b.d.0.1.0.0.2.ip6.arpa. " + ns,
		"  2001:db8:f00::/48 0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. [ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. ns2.acme.example.] ds 2 " +
			"glue [{ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. 192.0.2.53} {ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::53}]",
		"  2001:db8:f01::/48 1.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. [ns.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. ns2.acme.example.] ds 2 glue []",
		"catalog catalog.example.net. [invalid.]",
		"forward dyn.example.net. " + ns,
		"forward miniserver.example. " + ns,
		"  examplaaa1 192.0.2.10 2001:db8::10",
		"  examplaab7 192.0.2.20",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDelegationSerials says which zones get a new serial by which change of delegations, hosts and zones.
func TestDelegationSerials(t *testing.T) {
	const (
		v4      = "2.0.192.in-addr.arpa."
		outer   = "8.b.d.0.1.0.0.2.ip6.arpa."
		inner   = "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa."
		parent  = "113.0.203.in-addr.arpa."
		hosts   = "miniserver.example."
		dyn     = "dyn.example.net."
		catalog = "catalog.example.net."
	)
	tests := []struct {
		name     string
		old, new string
		moved    []string
	}{
		{"nothing", "", "", nil},
		{"a name server of a delegation", "[ns1.acme.example]", "[ns9.acme.example]", []string{parent}},
		{"a DS record", "aaaa", "abab", []string{outer}},
		{"glue", "192.0.2.53", "192.0.2.54", []string{outer}},
		{"an address in the inner zone", "192.0.2.1: gw1.example.net", "2001:db8:f00::1: gw1.example.net", []string{v4, inner}},
		{"the primary address of a server with a reverse map name", "192.0.2.10,", "192.0.2.9,", []string{v4, hosts}},
		{"another server", "examplaab7:", "examplaab8:", []string{v4, hosts}},
		{"a reverse map name", "mail.acme", "smtp.acme", []string{v4}},
		{"another fallback in the same zone", "{ip}.dyn", "x{ip}.dyn", []string{parent, dyn}},
		{"one zone more", "192.0.2.0/24: {}", "192.0.2.0/24: {}\n  192.0.3.0/24: {}", []string{"3.0.192.in-addr.arpa.", catalog}},
		{"one zone less", "  2001:db8:f00::/48: {}\n", "", []string{catalog}},
		{"a forward zone less", "[miniserver.example, dyn.example.net]", "[dyn.example.net]", []string{catalog}},
	}
	before := compiled(t, delegating, Options{Time: time.Unix(1000, 0)})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(delegating, tt.old, tt.new, 1)
			if text == delegating && tt.old != "" {
				t.Fatalf("the source lacks %q", tt.old)
			}
			var moved []string
			r := compiled(t, text, Options{Time: time.Unix(2000, 0), Previous: before})
			for i := range r.Zones() {
				if z := &r.Zones()[i]; z.Serial != 1000 {
					moved = append(moved, z.Name)
				}
			}
			slices.Sort(tt.moved)
			if !slices.Equal(moved, tt.moved) {
				t.Errorf("new serials for %q, want %q", moved, tt.moved)
			}
		})
	}
}

// TestNewer is RFC 1982: a serial is later than another if it is less than 2^31 ahead of it on the circle.
func TestNewer(t *testing.T) {
	const half = 1 << 31
	tests := []struct {
		name                string
		previous, now, want uint32
	}{
		{"later", 1000, 2000, 2000},
		{"later by one", 1000, 1001, 1001},
		{"the same", 1000, 1000, 1001},
		{"earlier", 2000, 1000, 2001},
		{"as far ahead as can be", 1000, 1000 + half - 1, 1000 + half - 1},
		{"opposite: neither later nor earlier", 1000, 1000 + half, 1001},
		{"behind, over zero", 1000, 1000 + half + 1, 1001},
		{"the last before zero", 1<<32 - 2, 1<<32 - 2, 1<<32 - 1},
		{"over zero, which is left out", 1<<32 - 1, 4000000000, 1},
		{"later, over zero", 4000000000, 1000, 1000},
		{"from zero", 0, 0, 1},
		{"a date as serial, and now", 2026010101, 1767225600, 2026010102},
	}
	for _, tt := range tests {
		got := newer(tt.previous, tt.now)
		if got != tt.want {
			t.Errorf("%s: newer(%d, %d) = %d, want %d", tt.name, tt.previous, tt.now, got, tt.want)
		}
		if ahead := got - tt.previous; ahead == 0 || ahead >= half {
			t.Errorf("%s: newer(%d, %d) = %d, which secondaries do not take for later", tt.name, tt.previous, tt.now, got)
		}
	}
}

func TestSerialOf(t *testing.T) {
	tests := []struct {
		unix int64
		want uint32
	}{
		{1767225600, 1767225600},
		{1, 1},
		{0, 1},
		{1<<32 - 1, 1<<32 - 1},
		{1 << 32, 1}, // the year 2106
		{1<<32 + 5, 5},
	}
	for _, tt := range tests {
		if got := serialOf(time.Unix(tt.unix, 0)); got != tt.want {
			t.Errorf("serialOf(%d) = %d, want %d", tt.unix, got, tt.want)
		}
	}
}

// TestReproducible compiles the same content, written in another way.
func TestReproducible(t *testing.T) {
	o := Options{Commit: "4f2a9c1", Time: time.Unix(1767225600, 0)}
	want := compiled(t, base, o).ID()
	for name, text := range map[string]string{
		"again": base,
		"blocks in another order": change(t, "  192.0.2.0/24: {}\n", "",
			"servers:\n", "  192.0.2.0/24: {}\nservers:\n"),
		"servers in another order": change(t, "  examplaab7: {product: vps, primary: 192.0.2.20}\n", "",
			"servers:\n", "servers:\n  examplaab7: {product: vps, primary: 192.0.2.20}\n"),
		"names twice":  change(t, "[b.acme.example, a.acme.example]", "[b.acme.example, a.acme.example, b.acme.example]"),
		"upper case":   change(t, "gw1.example.net", "GW1.Example.Net"),
		"final dots":   change(t, "gw1.example.net", "gw1.example.net."),
		"name servers": change(t, "[ns1.example.net, ns2.example.net]", "[ns2.example.net, ns1.example.net]"),
	} {
		if got := compiled(t, text, o).ID(); got != want {
			t.Errorf("%s: the snapshot is another one", name)
		}
	}
	for name, o := range map[string]Options{
		"another commit": {Commit: "4f2a9c2", Time: o.Time},
		"another time":   {Commit: o.Commit, Time: time.Unix(1767225601, 0)},
	} {
		if compiled(t, base, o).ID() == want {
			t.Errorf("%s: the snapshot is the same", name)
		}
	}
}

// TestRefused compiles what lint would have refused: an error, whatever is wrong, and the same one for fragments.
func TestRefused(t *testing.T) {
	var names []string
	for i := range 20_000 {
		names = append(names, fmt.Sprintf("m%d.acme.example", i))
	}
	tests := []struct{ name, text, want string }{
		{"address twice", change(t, "192.0.2.1: gw1.example.net", "192.0.2.10: gw1.example.net"), "192.0.2.10"},
		{"address in no block", change(t, "192.0.2.1: gw1.example.net", "192.0.3.1: gw1.example.net"), "192.0.3.1"},
		{"blocks overlap", change(t, "192.0.2.0/24: {}", "192.0.2.0/24: {}\n  192.0.0.0/16: {}"), "does not delegate"},
		{"classless block without a zone", change(t, "{zone: 64-26.100.51.198.in-addr.arpa}", "{}"), "apex"},
		{"zone name twice", change(t, "64-26.100.51.198.in-addr.arpa", "2.0.192.in-addr.arpa"), "2.0.192.in-addr.arpa."},
		{"many names", change(t, "[b.acme.example, a.acme.example]", "["+strings.Join(names, ", ")+"]"), "20000 names"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := source.Parse("records.yaml", []byte(tt.text), false)
			inv := model.Build(s)
			_, err := Compile(inv, Options{Time: time.Unix(1, 0)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Compile: %v, want an error about %q", err, tt.want)
			}
			_, joined := Join(inv, []Fragment{FragmentOf(inv)}, Options{Time: time.Unix(1, 0)})
			if fmt.Sprint(joined) != fmt.Sprint(err) {
				t.Errorf("Join: %v, want %v", joined, err)
			}
		})
	}
}

// FuzzJoin checks that fragments which are none are refused, or are like some that are.
func FuzzJoin(f *testing.F) {
	s, _ := source.Parse("records.yaml", []byte(base+"forward_zones: [miniserver.example]\n"), false)
	inv := model.Build(s)
	seed := FragmentOf(inv)
	f.Add(seed.Entries, seed.Hosts)
	f.Fuzz(func(t *testing.T, entries, hosts string) {
		b, err := Join(inv, []Fragment{seed, {entries, hosts}}, Options{Time: time.Unix(1, 0)})
		if err != nil {
			return
		}
		if _, err := b.WriteTo(io.Discard); err != nil && !strings.Contains(err.Error(), "255") {
			t.Error(err)
		}
	})
}

func TestSourceDateEpoch(t *testing.T) {
	tests := []struct {
		value string
		want  int64 // -1 for an error
	}{
		{"0", 0},
		{"1767225600", 1767225600},
		{"4294967295", 4294967295},
		{"4294967296", -1},
		{"-1", -1},
		{"1.5", -1},
		{"2026-01-01", -1},
		{" 1", -1},
	}
	files := []string{t.TempDir() + "/records.yaml"}
	for _, tt := range tests {
		t.Setenv("SOURCE_DATE_EPOCH", tt.value)
		o, err := OriginOf(t.Context(), files)
		switch {
		case tt.want < 0:
			if err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
				t.Errorf("%q: %v, %v; want an error", tt.value, o, err)
			}
		case err != nil || o.Time.Unix() != tt.want:
			t.Errorf("%q: %v, %v; want %d", tt.value, o.Time.Unix(), err, tt.want)
		}
	}
}

// TestOriginOutsideGit has neither a commit nor a time but the clock's.
func TestOriginOutsideGit(t *testing.T) {
	check := func(t *testing.T) {
		t.Setenv("SOURCE_DATE_EPOCH", "")
		before := time.Now()
		o, err := OriginOf(t.Context(), []string{t.TempDir() + "/records.yaml"})
		if err != nil || o.Commit != "" || o.Time.Before(before) || o.Time.After(time.Now()) {
			t.Errorf("%+v, %v", o, err)
		}
	}
	t.Run("no repository", check)
	t.Run("no git program", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		check(t)
	})
}
