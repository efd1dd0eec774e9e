package check_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
)

const records = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.vps.example"}
forward_zones: [vps.example]
blocks:
  198.51.100.0/24:
    delegations:
      198.51.100.128/25: {zone: rev.acme.example}
  203.0.113.64/26: {zone: 64-26.113.0.203.in-addr.arpa}
  2001:db8::/32: {}
servers:
  alpha: {product: vps, primary: [198.51.100.10, "2001:db8::10"]}
  bravo: {product: vps, primary: 203.0.113.70}
addresses:
  198.51.100.11: mail.acme.example
  203.0.113.71: www.acme.example
  2001:db8::11: mail.acme.example
`

// The zones of records.
const (
	reverse4  = "100.51.198.in-addr.arpa."
	classless = "64-26.113.0.203.in-addr.arpa."
	reverse6  = "8.b.d.0.1.0.0.2.ip6.arpa."
	forward   = "vps.example."
)

// others has the zones that are not ours: those above, and of a customer.
var others = map[string]string{
	"in-addr.arpa.": `
@ NS parent.example.net.
100.51.198 NS ns1.example.net.
100.51.198 NS ns2.example.net.
113.0.203 NS parent.example.net.
`,
	"113.0.203.in-addr.arpa.": `
@ NS parent.example.net.
64-26 NS ns1.example.net.
64-26 NS ns2.example.net.
70 CNAME 70.64-26
71 CNAME 71.64-26
`,
	"ip6.arpa.": `
@ NS parent.example.net.
8.b.d.0.1.0.0.2 NS ns1.example.net.
8.b.d.0.1.0.0.2 NS ns2.example.net.
`,
	"example.": `
@ NS parent.example.net.
vps NS ns1.example.net.
vps NS ns2.example.net.
acme NS ns1.acme
ns1.acme A 192.0.2.1
`,
	"acme.example.": `
@ NS ns1
ns1 A 192.0.2.1
mail A 198.51.100.11
mail AAAA 2001:db8::11
www A 203.0.113.71
`,
	"rev.acme.example.": `
@ NS ns1.acme.example.
130 PTR www.acme.example.
`,
	"example.net.": `
@ NS parent
parent A 192.0.2.1
ns1 A 192.0.2.53
ns2 A 192.0.2.54
`,
}

// A world is all the name servers that there are, before they are started.
type world struct {
	inv      *model.Inventory
	ours     [2]map[string]string // zones in text by name, at ns1 and ns2
	others   map[string]string    // those at parent
	resolver peer.Resolver
	addrs    []netip.Addr // to check
	options  check.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{inv: inventory(t, records), others: maps.Clone(others)}
	zones := zonesOf(t, w.inv)
	w.ours = [2]map[string]string{zones, maps.Clone(zones)}
	w.options = check.Options{Timeout: 2 * time.Second, Retries: 1, Parallel: 8}
	return w
}

// replace changes text that must be there.
func replace(t *testing.T, zones map[string]string, zone, old, replacement string) {
	t.Helper()
	if !strings.Contains(zones[zone], old) {
		t.Fatalf("zone %s has no %q:\n%s", zone, old, zones[zone])
	}
	zones[zone] = strings.ReplaceAll(zones[zone], old, replacement)
}

func inventory(t *testing.T, text string) *model.Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, found, err := source.Load(path)
	if err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	return model.Build(s)
}

// zonesOf returns the zones of an inventory in text.
func zonesOf(t *testing.T, inv *model.Inventory) map[string]string {
	t.Helper()
	b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := b.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	r, err := snapshot.OpenBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	g, err := authority.New(r)
	if err != nil {
		t.Fatal(err)
	}
	zones := make(map[string]string)
	for i := range r.Zones() {
		var text strings.Builder
		if err := zonefile.Write(&text, g, &r.Zones()[i]); err != nil {
			t.Fatal(err)
		}
		zones[r.Zones()[i].Name] = text.String()
	}
	return zones
}

// serve starts a name server with zones in text, and returns its address.
func serve(t *testing.T, start peer.Program, zones map[string]string, perZone string) string {
	t.Helper()
	dir := t.TempDir()
	c := peer.Config{PerZone: perZone}
	for i, name := range slices.Sorted(maps.Keys(zones)) {
		text := zones[name]
		if !strings.Contains(text, "SOA") {
			text = fmt.Sprintf("$ORIGIN %s\n$TTL 300\n@ SOA parent.example.net. hostmaster.example.net. 1 3600 900 86400 60\n%s",
				name, text)
		}
		file := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c.Zones = append(c.Zones, peer.Zone{Name: name, File: file})
	}
	return start(t, c).Addr
}

// start starts the servers of w that are not there yet. Nobody but they can be reached.
func (w *world) start(t *testing.T) {
	t.Helper()
	at := map[string]string{
		"192.0.2.1:53":  serve(t, peer.NSD, w.others, ""),
		"192.0.2.53:53": serve(t, peer.NSD, w.ours[0], ""),
		"192.0.2.54:53": serve(t, peer.NSD, w.ours[1], ""),
	}
	w.startResolver(t, at)
}

func (w *world) startResolver(t *testing.T, at map[string]string) {
	t.Helper()
	w.options.Redirect = func(a netip.AddrPort) netip.AddrPort {
		if to, ok := at[a.String()]; ok {
			return netip.MustParseAddrPort(to)
		}
		return netip.MustParseAddrPort("127.0.0.1:1")
	}
	servers := w.resolver.Servers
	w.resolver.Servers = make(map[string]string)
	for zone := range w.others {
		w.resolver.Servers[zone] = at["192.0.2.1:53"]
	}
	for zone := range w.ours[0] {
		w.resolver.Servers[zone] = at["192.0.2.53:53"]
	}
	maps.Copy(w.resolver.Servers, servers)
	w.options.Resolver = netip.MustParseAddrPort(peer.Unbound(t, w.resolver).Addr)
}

// run returns the findings of Run as text, in their order.
func (w *world) run(t *testing.T) (found []string) {
	t.Helper()
	o := w.options
	add := func(subject string, findings []check.Finding) {
		for _, f := range findings {
			found = append(found, fmt.Sprintf("%s: %s: %s [%s]", subject, f.Severity, f.Message, f.ID))
		}
	}
	o.Zone = func(z *check.Zone) { add(z.Name, z.Findings) }
	o.Address = func(a *check.Address) { add(a.Addr.String(), a.Findings) }
	if err := check.Run(t.Context(), w.inv, w.addrs, o); err != nil {
		t.Fatal(err)
	}
	return found
}

func parse(addrs ...string) (parsed []netip.Addr) {
	for _, a := range addrs {
		parsed = append(parsed, netip.MustParseAddr(a))
	}
	return parsed
}

// situations are what can be wrong in the world. In the world as newWorld makes it nothing is.
var situations = []struct {
	name   string
	change func(t *testing.T, w *world)
	want   []string
}{
	{"all is well", func(*testing.T, *world) {}, nil},
	{"the name of a customer's address", func(_ *testing.T, w *world) { w.addrs = parse("198.51.100.130") },
		[]string{`198.51.100.130: error: www.acme.example. leads to 203.0.113.71, not back to 198.51.100.130 [forward-mismatch]`}},
	{"not our address", func(_ *testing.T, w *world) { w.addrs = parse("192.0.2.99") }, nil},

	{"a name server has an old zone", func(t *testing.T, w *world) {
		replace(t, w.ours[1], reverse4, "mail.acme.example.", "old.acme.example.")
		replace(t, w.ours[1], reverse4, " 1700000000 ", " 1699999999 ")
	}, []string{
		`100.51.198.in-addr.arpa.: warning: name servers have different serials: ` +
			`1699999999 at ns2.example.net. (192.0.2.54), 1700000000 at ns1.example.net. (192.0.2.53) [serials-differ]`,
		`198.51.100.11: error: ns2.example.net. answers old.acme.example., and the source says mail.acme.example. [ptr-other]`,
	}},
	{"the world has an old zone", func(t *testing.T, w *world) {
		for i := range w.ours {
			replace(t, w.ours[i], reverse4, "mail.acme.example.", "old.acme.example.")
		}
	}, []string{
		`198.51.100.11: error: ns1.example.net., ns2.example.net. and the resolver answer old.acme.example., ` +
			`and the source says mail.acme.example. [ptr-other]`,
	}},
	{"each server has something else", func(t *testing.T, w *world) {
		const ptr = "11.100.51.198.in-addr.arpa. PTR "
		replace(t, w.ours[0], reverse4, ptr+"mail.acme.example.", "")
		replace(t, w.ours[1], reverse4, ptr+"mail", ptr+"two.acme.example.\n"+ptr+"mail")
	}, []string{
		`198.51.100.11: error: ns1.example.net. and the resolver answer none, and the source says mail.acme.example. [ptr-missing]`,
		`198.51.100.11: error: ns2.example.net. answers mail.acme.example. and two.acme.example., ` +
			`and the source says mail.acme.example. [ptr-extra]`,
	}},
}

func TestSituations(t *testing.T) {
	peer.Needs(t, "nsd", "unbound", "knotd")
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s.change(t, w)
			w.start(t)
			if diff := cmp.Diff(s.want, w.run(t)); diff != "" {
				t.Errorf("other findings than expected (-want +got):\n%s", diff)
			}
		})
	}
}

var _ = dns.TypeA
var _ context.Context
