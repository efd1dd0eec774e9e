package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
)

// A hiddenPrimary is a revmap in this process whose source changes.
type hiddenPrimary struct {
	inventory *inventory
	dir       string
	reader    *snapshot.Reader // what is served
	zones     []string         // those that can be transferred
	addr      string
}

// startPrimary serves the inventory, and notifies the given ports of 127.0.0.1. Further lines of the Corefile come first.
func startPrimary(t *testing.T, in *inventory, corefile string, ports ...int) *hiddenPrimary {
	t.Helper()
	p := &hiddenPrimary{inventory: in, dir: t.TempDir()}
	p.compile(t)
	to := ""
	for _, port := range ports {
		to += fmt.Sprintf(" 127.0.0.1:%d", port)
	}
	p.addr = serve(t, fmt.Sprintf(". {\n bind 127.0.0.1\n%s\n transfer {\n  to%s\n }\n revmap %s {\n  reload 20ms\n }\n}\n",
		corefile, to, p.snapshot()))
	return p
}

// peerZones returns the zones in the form that secondaries get them.
func (p *hiddenPrimary) peerZones() (zones []peer.Zone) {
	for _, z := range p.zones {
		zones = append(zones, peer.Zone{Name: z})
	}
	return zones
}

func (p *hiddenPrimary) snapshot() string { return filepath.Join(p.dir, "records.snapshot") }

// compile writes the snapshot of what the inventory is now.
func (p *hiddenPrimary) compile(t *testing.T) {
	t.Helper()
	path := filepath.Join(p.dir, "records.yaml")
	if err := os.WriteFile(path, p.inventory.source(), 0o644); err != nil {
		t.Fatal(err)
	}
	var b []byte
	b, p.reader = compileSource(t, path, p.reader)
	if err := snapshot.WriteFile(p.snapshot(), bytes.NewBuffer(b)); err != nil {
		t.Fatal(err)
	}
	p.zones = nil
	for i := range p.reader.Zones() {
		if z := &p.reader.Zones()[i]; p.reader.Endless(z) == nil {
			p.zones = append(p.zones, z.Name)
		}
	}
}

// change compiles another source and waits until it is served.
func (p *hiddenPrimary) change(t *testing.T) {
	t.Helper()
	before := p.inventory.source()
	for bytes.Equal(p.inventory.source(), before) {
		p.inventory.change()
	}
	p.compile(t)
	p.waitFor(t, "revmap", p.addr)
}

// waitFor waits until a server has all zones with the latest serials.
func (p *hiddenPrimary) waitFor(t *testing.T, name, addr string) {
	t.Helper()
	var late string
	peer.Wait(t, func() bool {
		for _, z := range p.zones {
			if serial, ok := serialOf(addr, z); !ok || serial != p.serial(z) {
				late = fmt.Sprintf("%s has serial %d of %s, not %d", name, serial, z, p.serial(z))
				return false
			}
		}
		return true
	}, func() string { return late })
}

func (p *hiddenPrimary) serial(zone string) uint32 {
	i := slices.IndexFunc(p.reader.Zones(), func(z snapshot.Zone) bool { return z.Name == zone })
	return p.reader.Zones()[i].Serial
}

// serialOf returns the serial of a zone that the server at addr has.
func serialOf(addr, zone string) (uint32, bool) {
	c := dns.Client{Net: "tcp"} // Knot DNS answers for a catalog zone over nothing else
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), addr)
	if err != nil || !r.Authoritative || len(r.Answer) != 1 {
		return 0, false
	}
	soa, ok := r.Answer[0].(*dns.SOA)
	if !ok {
		return 0, false
	}
	return soa.Serial, true
}

// compare compares all zones of a secondary, by AXFR, with those of the primary.
func (p *hiddenPrimary) compare(t *testing.T, name, addr string, key *peer.Key) {
	t.Helper()
	for _, z := range p.zones {
		if diff := cmp.Diff(transferred(t, p.addr, z, key), transferred(t, addr, z, nil)); diff != "" {
			t.Errorf("zone %s (-revmap +%s):\n%s", z, name, diff)
		}
	}
}

// transferred returns the RRs of a zone in order, without the closing SOA.
func transferred(t *testing.T, addr, zone string, key *peer.Key) (text []string) {
	t.Helper()
	rrs, err := peer.Transfer(addr, new(dns.Msg).SetAxfr(zone), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, rr := range rrs[1:] {
		text = append(text, rr.String())
	}
	slices.Sort(text)
	return text
}

// transfers returns how many transfers of a kind the primary has sent.
func (p *hiddenPrimary) transfers(t *testing.T, kind string) int {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "coredns_revmap_transfers_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["snapshot"] == p.snapshot() && labels["kind"] == kind {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// A secondary is a server that knows IXFR.
type secondary struct {
	name  string
	start peer.Program
	// These find the transfers in its log that were incremental, and those that were not. NSD tells how large a transfer is,
	// not what: those of the largest zone are looked at.
	incremental, full *regexp.Regexp
	fulls             func(zones int) int // how many there have to be
}

func one(int) int        { return 1 }
func each(zones int) int { return zones }

var secondaries = []secondary{
	{"NSD", peer.NSD, regexp.MustCompile(`zone 19\.198\.in-addr\.arpa\. received update .* of \d{1,4} bytes`),
		regexp.MustCompile(`zone 19\.198\.in-addr\.arpa\. received update .* of \d{5,} bytes`), one},
	{"Knot DNS", peer.Knot, regexp.MustCompile(`IXFR, incoming, .*finished`),
		regexp.MustCompile(`AXFR, incoming, .*finished`), each},
	{"BIND", peer.BIND, regexp.MustCompile(`got incremental response`),
		regexp.MustCompile(`got nonincremental response`), each},
}

const changes = 100

// TestSecondaries: NSD, Knot DNS and BIND get all zones by AXFR, and follow changes by NOTIFY and IXFR.
func TestSecondaries(t *testing.T) {
	peer.Needs(t, "nsd", "knotd", "named")
	ports := []int{peer.Port(t), peer.Port(t), peer.Port(t)}
	p := startPrimary(t, newInventory(rand.New(rand.NewPCG(4, 4))), "", ports...)
	servers := make([]*peer.Server, len(secondaries))
	for i, s := range secondaries {
		servers[i] = s.start(t, peer.Config{Port: ports[i], Primary: p.addr, Zones: p.peerZones()})
	}
	inSync := func() {
		t.Helper()
		for i, s := range secondaries {
			p.waitFor(t, s.name, servers[i].Addr)
		}
	}
	inSync()
	full := p.transfers(t, "axfr")
	for i := range changes {
		p.change(t)
		if i%10 == 9 { // in between, a secondary may get several deltas together
			inSync()
		}
	}
	if n := p.transfers(t, "axfr") - full; n != 0 {
		t.Errorf("%d full transfers were sent while the zones changed, want 0", n)
	}
	t.Logf("revmap has sent %d full transfers, then %d incremental ones", full, p.transfers(t, "ixfr"))
	for i, s := range secondaries {
		p.compare(t, s.name, servers[i].Addr, nil)
		log := servers[i].Log()
		n := len(s.incremental.FindAllString(log, -1))
		t.Logf("%s tells of %d incremental transfers", s.name, n)
		if n < changes/10 {
			t.Errorf("%s tells of %d incremental transfers, want %d or more", s.name, n, changes/10)
		}
		if n, want := len(s.full.FindAllString(log, -1)), s.fulls(len(p.zones)); n != want {
			t.Errorf("%s tells of %d full transfers, want %d", s.name, n, want)
		}
	}
}

// TestCoreDNSSecondary: the secondary plugin of CoreDNS, which knows no IXFR, follows by NOTIFY and AXFR.
func TestCoreDNSSecondary(t *testing.T) {
	port := peer.Port(t)
	p := startPrimary(t, newInventory(rand.New(rand.NewPCG(5, 5))), "", port)
	addr := serveAt(t, port, fmt.Sprintf(
		". {\n bind 127.0.0.1\n transfer {\n  to *\n }\n secondary %s {\n  transfer from %s\n }\n}\n",
		strings.Join(p.zones, " "), p.addr))
	p.waitFor(t, "CoreDNS", addr)
	for i := range changes {
		p.change(t)
		if i%10 == 9 {
			p.waitFor(t, "CoreDNS", addr)
		}
	}
	p.compare(t, "CoreDNS", addr, nil)
	if n := p.transfers(t, "ixfr"); n != 0 {
		t.Errorf("%d incremental transfers were sent; does CoreDNS's secondary know IXFR now?", n)
	}
}

// TestSecondariesSign: transfers that have to be signed are signed.
func TestSecondariesSign(t *testing.T) {
	peer.Needs(t, "nsd", "knotd", "named")
	key := &peer.Key{Name: "secondary.example.", Secret: "c2VjcmV0IG9mIGEgdGVzdCwgbm90IG9mIGEgc2VydmVy"}
	ports := []int{peer.Port(t), peer.Port(t), peer.Port(t)}
	p := startPrimary(t, newInventory(rand.New(rand.NewPCG(6, 6))),
		fmt.Sprintf(" tsig {\n  secret %s %s\n  require AXFR IXFR\n }\n", key.Name, key.Secret), ports...)
	if rrs, err := peer.Transfer(p.addr, new(dns.Msg).SetAxfr(p.zones[0]), nil); err == nil {
		t.Errorf("%d RRs were sent in an AXFR that was not signed", len(rrs))
	}
	for i, s := range secondaries {
		t.Run(s.name, func(t *testing.T) {
			server := s.start(t, peer.Config{Port: ports[i], Primary: p.addr, Zones: p.peerZones(), Key: key})
			p.waitFor(t, s.name, server.Addr)
			for range 5 {
				p.change(t)
			}
			p.waitFor(t, s.name, server.Addr)
			p.compare(t, s.name, server.Addr, key)
		})
	}
	if p.transfers(t, "ixfr") == 0 {
		t.Error("no incremental transfer was sent")
	}
}

// TestCatalog: secondaries that know RFC 9432, as NSD does not before 4.9, add and drop zones as the catalog says.
func TestCatalog(t *testing.T) {
	peer.Needs(t, "knotd", "named")
	const (
		catalog = "catalog.example."
		block   = "198.18.64.0/24"
		zone    = "64.18.198.in-addr.arpa."
		addr    = "198.18.64.7"
		name    = "7.64.18.198.in-addr.arpa."
	)
	ports := []int{peer.Port(t), peer.Port(t), peer.Port(t)}
	p := startPrimary(t, newInventory(rand.New(rand.NewPCG(7, 7))), "", ports...)
	servers := []struct{ name, addr string }{
		{"Knot DNS", peer.Knot(t, peer.Config{Port: ports[0], Primary: p.addr, Catalog: catalog}).Addr},
		{"BIND", peer.BIND(t, peer.Config{Port: ports[1], Primary: p.addr, Catalog: catalog}).Addr},
		{"CoreDNS", serveAt(t, ports[2], fmt.Sprintf(
			". {\n bind 127.0.0.1\n transfer {\n  to *\n }\n secondary %s {\n  transfer from %s\n  catalog\n }\n}\n",
			catalog, p.addr))},
	}
	for _, s := range servers {
		p.waitFor(t, s.name, s.addr)
		p.compare(t, s.name, s.addr, nil)
	}

	p.inventory.blocks[block] = "{}"
	p.inventory.addresses[addr] = "new.acme.example"
	p.compile(t)
	for _, s := range servers {
		p.waitFor(t, s.name, s.addr)
		r := ask(t, "udp", s.addr, new(dns.Msg).SetQuestion(name, dns.TypePTR))
		if len(r.Answer) != 1 || !r.Authoritative {
			t.Errorf("%s answers for an address of the new block:\n%s", s.name, r)
		}
	}

	delete(p.inventory.blocks, block)
	delete(p.inventory.addresses, addr)
	p.compile(t)
	for _, s := range servers {
		p.waitFor(t, s.name, s.addr)
		peer.Wait(t, func() bool {
			_, ok := serialOf(s.addr, zone)
			return !ok
		}, func() string { return s.name + " still has the zone of the block that was removed" })
	}
}
