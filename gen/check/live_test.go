package check_test

import (
	"fmt"
	"maps"
	"net"
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
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
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
	at       map[string]string // where servers are, by the address and port that they have in DNS; start adds the others
	addrs    []netip.Addr      // to check
	options  check.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{inv: inventory(t, records), others: maps.Clone(others), at: make(map[string]string)}
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

// compiled returns the snapshot of an inventory.
func compiled(t *testing.T, inv *model.Inventory, previous *snapshot.Reader) ([]byte, *snapshot.Reader) {
	t.Helper()
	b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1_700_000_000, 0), Previous: previous})
	if err != nil {
		t.Fatal(err)
	}
	file := snapshottest.Bytes(t, b)
	return file, snapshottest.Open(t, file)
}

// zonesOf returns the zones of an inventory in text.
func zonesOf(t *testing.T, inv *model.Inventory) map[string]string {
	t.Helper()
	_, r := compiled(t, inv, nil)
	g := snapshottest.Generation(t, r)
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

const (
	nobody      = "127.0.0.1:1" // where nobody answers
	unreachable = "unreachable" // nowhere
)

// start starts the servers of w. Nobody but they can be reached.
func (w *world) start(t *testing.T) {
	t.Helper()
	for addr, zones := range map[string]map[string]string{
		"192.0.2.1:53": w.others, "192.0.2.53:53": w.ours[0], "192.0.2.54:53": w.ours[1],
	} {
		if w.at[addr] == "" {
			w.at[addr] = serve(t, peer.NSD, zones, "")
		}
	}
	w.options.Redirect = func(a netip.AddrPort) netip.AddrPort {
		switch to := w.at[a.String()]; to {
		case "":
			return netip.MustParseAddrPort(nobody)
		case unreachable:
			return netip.AddrPort{}
		default:
			return netip.MustParseAddrPort(to)
		}
	}
	servers := make(map[string]string)
	for zone := range w.others {
		servers[zone] = w.at["192.0.2.1:53"]
	}
	for zone := range w.ours[0] {
		servers[zone] = w.at["192.0.2.53:53"]
	}
	maps.Copy(servers, w.resolver.Servers)
	w.resolver.Servers = servers
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
		[]string{
			`198.51.100.130: error: www.acme.example. leads to 203.0.113.71, not back to 198.51.100.130 [forward-mismatch]`,
		}},
	{"not our address", func(_ *testing.T, w *world) { w.addrs = parse("192.0.2.99") }, nil},

	{"a name server has an old zone", func(t *testing.T, w *world) {
		replace(t, w.ours[1], reverse4, "mail.acme.example.", "old.acme.example.")
		replace(t, w.ours[1], reverse4, " 1700000000 ", " 1699999999 ")
	}, []string{
		`100.51.198.in-addr.arpa.: warning: name servers have different serials: ` +
			`1699999999 at ns2.example.net. (192.0.2.54), 1700000000 at ns1.example.net. (192.0.2.53) [serials-differ]`,
		`198.51.100.11: error: ns2.example.net. answers old.acme.example., ` +
			`and the source says mail.acme.example. [ptr-other]`,
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
		`198.51.100.11: error: ns1.example.net. and the resolver answer none, ` +
			`and the source says mail.acme.example. [ptr-missing]`,
		`198.51.100.11: error: ns2.example.net. answers mail.acme.example. and two.acme.example., ` +
			`and the source says mail.acme.example. [ptr-extra]`,
	}},
	{"a name that the source does not have any more", func(_ *testing.T, w *world) {
		for i := range w.ours {
			w.ours[i][reverse4] += "12.100.51.198.in-addr.arpa. PTR gone.acme.example.\n"
		}
		w.addrs = parse("198.51.100.12")
	}, []string{
		`198.51.100.12: error: ns1.example.net., ns2.example.net. and the resolver answer gone.acme.example., ` +
			`and the source says none [ptr-extra]`,
	}},
	{"the resolver has an old zone", func(t *testing.T, w *world) {
		old := map[string]string{reverse4: w.ours[0][reverse4]}
		replace(t, old, reverse4, "mail.acme.example.", "old.acme.example.")
		w.resolver.Servers = map[string]string{reverse4: serve(t, peer.NSD, old, "")}
	}, []string{
		`198.51.100.11: warning: the resolver answers old.acme.example., ` +
			`and the name servers answer mail.acme.example. [resolver-differs]`,
	}},
	{"the resolver cannot follow to a customer's zone", func(t *testing.T, w *world) {
		w.addrs = parse("198.51.100.130")
		w.resolver.Servers = map[string]string{"rev.acme.example.": refusing(t)}
	}, []string{`198.51.100.130: warning: the resolver gives no answer: SERVFAIL [ptr-unanswered]`}},
	{"a name server that cannot answer for an address", func(t *testing.T, w *world) {
		w.at["192.0.2.54:53"] = serveOnly(t,
			reverse4+" SOA ns1.example.net. hostmaster.example.net. 1700000000 3600 900 1209600 300",
			reverse4+" NS ns1.example.net.", reverse4+" NS ns2.example.net.",
			"10.100.51.198.in-addr.arpa. PTR alpha.vps.example.")
		w.addrs = parse("198.51.100.11")
	}, []string{`198.51.100.11: warning: ns2.example.net. gives no answer: SERVFAIL [ptr-unanswered]`}},
	{"no CNAME at the parent of a classless zone", func(t *testing.T, w *world) {
		replace(t, w.others, "113.0.203.in-addr.arpa.", "70 CNAME", "72 CNAME")
	}, []string{
		`203.0.113.70: error: the resolver finds no CNAME from 70.113.0.203.in-addr.arpa. ` +
			`to 70.64-26.113.0.203.in-addr.arpa., and answers none [alias-missing]`,
	}},

	{"a forgotten address", func(t *testing.T, w *world) {
		replace(t, w.others, "acme.example.", "mail AAAA", "other AAAA")
	}, []string{
		`2001:db8::11: error: mail.acme.example. leads to 198.51.100.11, not back to 2001:db8::11 [forward-mismatch]`,
	}},
	{"a swapped digit", func(t *testing.T, w *world) {
		replace(t, w.others, "acme.example.", "203.0.113.71", "203.0.113.17")
	}, []string{
		`203.0.113.71: error: www.acme.example. leads to 203.0.113.17, not back to 203.0.113.71 [forward-mismatch]`,
	}},
	{"a forgotten name", func(t *testing.T, w *world) {
		replace(t, w.others, "acme.example.", "www A ", "wwww A ")
	}, []string{
		`203.0.113.71: error: www.acme.example. has no address, and so does not lead back to 203.0.113.71 [forward-missing]`,
	}},
	{"aliases", func(t *testing.T, w *world) {
		replace(t, w.others, "acme.example.", "www A ", "www CNAME web\nweb CNAME host\nhost A ")
	}, []string{
		`203.0.113.71: warning: www.acme.example. is an alias of web.acme.example. and host.acme.example. [forward-alias]`,
	}},
	{"an alias that leads nowhere", func(t *testing.T, w *world) {
		replace(t, w.others, "acme.example.", "www A 203.0.113.71", "www CNAME shop.gone.example.")
	}, []string{
		`203.0.113.71: warning: www.acme.example. is an alias of shop.gone.example. [forward-alias]`,
		`203.0.113.71: error: www.acme.example. leads nowhere: the domain gone.example. does not exist [domain-missing]`,
	}},
	{"a domain that has expired", func(t *testing.T, w *world) {
		replace(t, w.others, "example.", "acme NS ns1.acme\nns1.acme A 192.0.2.1\n", "")
		delete(w.others, "acme.example.")
		delete(w.others, "rev.acme.example.")
	}, []string{
		`198.51.100.11: error: mail.acme.example. leads nowhere: the domain acme.example. does not exist [domain-missing]`,
		`203.0.113.71: error: www.acme.example. leads nowhere: the domain acme.example. does not exist [domain-missing]`,
		`2001:db8::11: error: mail.acme.example. leads nowhere: the domain acme.example. does not exist [domain-missing]`,
	}},
	{"a domain whose name servers are down", func(t *testing.T, w *world) {
		w.resolver.Servers = map[string]string{"acme.example.": refusing(t)}
	}, []string{
		`198.51.100.11: warning: the resolver gives no A of mail.acme.example.: SERVFAIL [forward-unanswered]`,
		`203.0.113.71: warning: the resolver gives no A of www.acme.example.: SERVFAIL [forward-unanswered]`,
		`2001:db8::11: warning: the resolver gives no AAAA of mail.acme.example.: SERVFAIL [forward-unanswered]`,
	}},
	{"a domain whose name server knows A only", func(t *testing.T, w *world) {
		w.resolver.Servers = map[string]string{"acme.example.": serveOnly(t, "www.acme.example. A 203.0.113.71")}
		w.addrs = parse("203.0.113.71")
	}, []string{
		`203.0.113.71: note: the resolver gives no AAAA of www.acme.example.: SERVFAIL [forward-temperror]`,
	}},

	{"a name server without an address", func(t *testing.T, w *world) {
		replace(t, w.others, "example.net.", "ns2 A 192.0.2.54\n", "")
	}, inEachZone("error: name server ns2.example.net. has no address: it has no A or AAAA record [nameserver-unknown]")},
	{"a name server whose address can't be looked up", func(t *testing.T, w *world) {
		w.resolver.Servers = map[string]string{"example.net.": refusing(t)}
		w.addrs = parse("198.51.100.10")
	}, []string{
		`100.51.198.in-addr.arpa.: error: name server ns1.example.net. has no address: it cannot be looked up: SERVFAIL ` +
			`[nameserver-unknown]`,
		`100.51.198.in-addr.arpa.: error: name server ns2.example.net. has no address: it cannot be looked up: SERVFAIL ` +
			`[nameserver-unknown]`,
		`100.51.198.in-addr.arpa.: warning: no name server of the parent in-addr.arpa. tells how it delegates the zone ` +
			`[delegation-unchecked]`,
		`vps.example.: error: name server ns1.example.net. has no address: it cannot be looked up: SERVFAIL ` +
			`[nameserver-unknown]`,
		`vps.example.: error: name server ns2.example.net. has no address: it cannot be looked up: SERVFAIL ` +
			`[nameserver-unknown]`,
		`vps.example.: warning: no name server of the parent example. tells how it delegates the zone [delegation-unchecked]`,
	}},
	{"a name server that is down", func(t *testing.T, w *world) {
		w.at["192.0.2.54:53"] = nobody
	}, inEachZone("error: name server ns2.example.net. does not answer at 192.0.2.54: connection refused " +
		"[nameserver-silent]")},
	{"a name server without a route to it", func(t *testing.T, w *world) {
		w.others["example.net."] += "ns2 AAAA 2001:db8::54\n"
		w.at["[2001:db8::54]:53"] = unreachable
	}, []string{
		`100.51.198.in-addr.arpa.: note: name server ns2.example.net. was not asked at 2001:db8::54: ` +
			`no route to it from here [nameserver-unchecked]`,
	}},
	{"a name server without the zone", func(t *testing.T, w *world) {
		delete(w.ours[1], forward)
	}, []string{
		`vps.example.: error: name server ns2.example.net. does not serve the zone at 192.0.2.54: REFUSED for SOA ` +
			`[nameserver-not-authoritative]`,
	}},
	{"a name server that has the parent's zone only", func(t *testing.T, w *world) {
		delete(w.ours[1], reverse6)
		w.ours[1]["ip6.arpa."] = w.others["ip6.arpa."]
	}, []string{
		`8.b.d.0.1.0.0.2.ip6.arpa.: error: name server ns2.example.net. does not serve the zone at 192.0.2.54: ` +
			`it gives no authoritative answer for SOA [nameserver-not-authoritative]`,
	}},
	{"other name servers at the apex", func(t *testing.T, w *world) {
		replace(t, w.ours[1], forward, "vps.example. NS ns2.example.net.", "vps.example. NS ns3.example.net.")
	}, []string{
		`vps.example.: error: ns2.example.net. (192.0.2.54) says that the name servers are ns1.example.net. and ` +
			`ns3.example.net., and the source says ns1.example.net. and ns2.example.net. [nameservers-differ]`,
	}},

	{"other name servers at the parent", func(t *testing.T, w *world) {
		replace(t, w.others, "in-addr.arpa.", "100.51.198 NS ns2", "100.51.198 NS ns3")
		replace(t, w.others, "example.", "vps NS ns2.example.net.\n", "")
		w.others["ip6.arpa."] += "8.b.d.0.1.0.0.2 NS ns3.example.net.\n"
	}, []string{
		`100.51.198.in-addr.arpa.: error: the delegation at the parent's parent.example.net. lacks ns2.example.net. and ` +
			`has ns3.example.net., which the source does not have [delegation-differs]`,
		`8.b.d.0.1.0.0.2.ip6.arpa.: error: the delegation at the parent's parent.example.net. has ns3.example.net., ` +
			`which the source does not have [delegation-differs]`,
		`vps.example.: error: the delegation at the parent's parent.example.net. lacks ns2.example.net. [delegation-differs]`,
	}},
	{"no delegation", func(t *testing.T, w *world) {
		replace(t, w.others, "in-addr.arpa.", "100.51.198 NS", "101.51.198 NS")
		w.others["in-addr.arpa."] += "1.100.51.198 PTR www.acme.example.\n"
		replace(t, w.others, "example.", "vps NS", "vpsx NS")
	}, []string{
		`100.51.198.in-addr.arpa.: error: parent.example.net., which serves the parent in-addr.arpa., ` +
			`does not delegate the zone [delegation-missing]`,
		`vps.example.: error: parent.example.net., which serves the parent example., does not delegate the zone ` +
			`[delegation-missing]`,
	}},
	{"a parent that does not answer", func(t *testing.T, w *world) {
		replace(t, w.others, "example.", "@ NS parent", "@ NS parent2")
	}, []string{
		`vps.example.: warning: no name server of the parent example. tells how it delegates the zone [delegation-unchecked]`,
	}},
	{"a parent that nobody finds", func(t *testing.T, w *world) {
		w.resolver.Servers = map[string]string{"ip6.arpa.": refusing(t)}
	}, []string{
		`8.b.d.0.1.0.0.2.ip6.arpa.: warning: the name servers of the parent cannot be looked up: ` +
			`SERVFAIL for b.d.0.1.0.0.2.ip6.arpa. [delegation-unchecked]`,
	}},
	{"a parent whose name server has our zone, too", func(t *testing.T, w *world) {
		w.others[forward] = w.ours[0][forward]
	}, nil},

	{"signed zones", func(t *testing.T, w *world) {
		ds := w.signed(t)
		for zone, ds := range ds {
			w.resolver.Anchors = append(w.resolver.Anchors, anchor(zone, ds))
		}
		w.delegate(ds)
	}, nil},
	{"signed zones, not delegated so", func(t *testing.T, w *world) {
		ds := w.signed(t)
		delete(ds, reverse4)
		w.delegate(ds)
		w.at["192.0.2.1:53"] = serve(t, peer.Knot, w.others, "dnssec-signing: on")
	}, []string{
		`100.51.198.in-addr.arpa.: warning: ns1.example.net. signs the zone, and the parent's parent.example.net. ` +
			`has no DS record [ds-missing]`,
	}},
	{"signed zones below unsigned ones", func(t *testing.T, w *world) { w.signed(t) }, nil},
	{"signed zones, delegated with other keys", func(t *testing.T, w *world) {
		ds := w.signed(t)
		ds[reverse4].Digest, ds[forward].Digest = ds[forward].Digest, ds[reverse4].Digest
		w.delegate(ds)
	}, []string{
		`100.51.198.in-addr.arpa.: error: no DS record of the parent's parent.example.net. ` +
			`fits one of the keys of the zone at ns1.example.net. [ds-mismatch]`,
		`vps.example.: error: no DS record of the parent's parent.example.net. ` +
			`fits one of the keys of the zone at ns1.example.net. [ds-mismatch]`,
	}},
	{"unsigned zones, delegated as signed", func(t *testing.T, w *world) {
		w.delegate(map[string]*dns.DS{forward: strayDS(forward)})
	}, []string{
		`vps.example.: error: the parent's parent.example.net. has a DS record, ` +
			`and ns1.example.net. has no key of the zone [ds-mismatch]`,
	}},
	{"a zone that does not validate", func(t *testing.T, w *world) {
		w.resolver.Anchors = []string{anchor(reverse6, strayDS(reverse6))}
		w.addrs = parse("2001:db8::11")
	}, []string{
		`8.b.d.0.1.0.0.2.ip6.arpa.: error: the resolver gives no answer (SERVFAIL), ` +
			`and does when it need not validate (CD) [zone-bogus]`,
		`2001:db8::11: warning: the resolver gives no answer: SERVFAIL [ptr-unanswered]`,
	}},
	{"a zone that the resolver does not get", func(t *testing.T, w *world) {
		w.resolver.Servers = map[string]string{reverse6: refusing(t)}
		w.addrs = parse("2001:db8::11")
	}, []string{
		`8.b.d.0.1.0.0.2.ip6.arpa.: error: the resolver gives no answer for the zone: SERVFAIL [zone-unresolvable]`,
		`2001:db8::11: warning: the resolver gives no answer: SERVFAIL [ptr-unanswered]`,
	}},
}

// inEachZone returns a finding for each zone.
func inEachZone(finding string) (found []string) {
	for _, zone := range []string{reverse4, classless, reverse6, forward} {
		found = append(found, zone+": "+finding)
	}
	return found
}

// anchor returns ds as Unbound reads it.
func anchor(zone string, ds *dns.DS) string {
	return fmt.Sprintf("%s DS %d %d %d %s", zone, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
}

// strayDS returns the DS of no key.
func strayDS(zone string) *dns.DS {
	return &dns.DS{
		Hdr:    dns.RR_Header{Name: zone, Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: 300},
		KeyTag: 12345, Algorithm: dns.ECDSAP256SHA256, DigestType: dns.SHA256, Digest: strings.Repeat("ab", 32),
	}
}

// refusing starts a name server that refuses to answer for any zone that is needed.
func refusing(t *testing.T) string {
	t.Helper()
	return serve(t, peer.NSD, map[string]string{"unused.example.": "@ NS parent.example.net.\n"}, "")
}

// serveOnly starts a name server that answers with some RRs with authority, and SERVFAIL to every other question.
func serveOnly(t *testing.T, rrs ...string) string {
	t.Helper()
	var known []dns.RR
	for _, text := range rrs {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, rr)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		for _, rr := range known {
			if h := rr.Header(); strings.EqualFold(h.Name, q.Question[0].Name) && h.Rrtype == q.Question[0].Qtype {
				r.Rcode, r.Authoritative = dns.RcodeSuccess, true
				r.Answer = append(r.Answer, rr)
			}
		}
		_ = w.WriteMsg(r) // else they ask again
	})}
	ended := make(chan struct{})
	go func() {
		_ = s.ActivateAndServe() // ends with conn
		close(ended)
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	return conn.LocalAddr().String()
}

func TestSituations(t *testing.T) {
	peer.Needs(t, "nsd", "unbound", "knotd")
	found := make(map[string]bool)
	t.Run("situations", func(t *testing.T) {
		for _, s := range situations {
			for _, line := range s.want {
				_, id, _ := strings.Cut(line, " [")
				found[strings.TrimSuffix(id, "]")] = true
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				s.change(t, w)
				w.start(t)
				for _, w.options.Parallel = range []int{8, 1} { // which makes no difference but to the order of the answers
					if diff := cmp.Diff(s.want, w.run(t)); diff != "" {
						t.Errorf("%d at a time: other findings than expected (-want +got):\n%s", w.options.Parallel, diff)
					}
				}
			})
		}
	})
	for _, k := range check.Kinds {
		if !found[k.ID] && !strings.HasPrefix(k.ID, "mail-") {
			t.Errorf("%s is found in no situation", k.ID)
		}
	}
}

// signed makes a Knot that signs the name server at both addresses, and returns the DS RR of each zone.
func (w *world) signed(t *testing.T) map[string]*dns.DS {
	t.Helper()
	addr := serve(t, peer.Knot, w.ours[0], "dnssec-signing: on")
	w.at["192.0.2.53:53"], w.at["192.0.2.54:53"] = addr, addr
	ds := make(map[string]*dns.DS)
	for zone := range w.ours[0] {
		peer.Wait(t, func() bool {
			c := dns.Client{Net: "tcp"}
			r, _, err := c.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeDNSKEY), addr)
			if err != nil {
				return false
			}
			for _, rr := range r.Answer {
				if key, ok := rr.(*dns.DNSKEY); ok && key.Flags&dns.SEP != 0 {
					ds[zone] = key.ToDS(dns.SHA256)
				}
			}
			return ds[zone] != nil
		}, func() string { return "Knot does not sign " + zone })
	}
	return ds
}

// delegate adds the DS RRs to the parents' zones.
func (w *world) delegate(ds map[string]*dns.DS) {
	for zone, ds := range ds {
		parent := "example."
		switch zone {
		case reverse4:
			parent = "in-addr.arpa."
		case classless:
			parent = "113.0.203.in-addr.arpa."
		case reverse6:
			parent = "ip6.arpa."
		}
		w.others[parent] += strings.ReplaceAll(ds.String(), "\t", " ") + "\n"
	}
}
