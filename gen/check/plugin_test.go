package check_test

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
)

// TestPlugin checks what is there for: CoreDNS with the plugin as primary, others as secondaries, and a source that
// changes.
func TestPlugin(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: does not compile CoreDNS")
	}
	peer.Needs(t, "knotd", "nsd", "unbound")
	core := filepath.Join(t.TempDir(), "coredns")
	if out, err := exec.Command("go", "build", "-o", core, "../../cmd/coredns").CombinedOutput(); err != nil {
		t.Fatalf("build CoreDNS: %v\n%s", err, out)
	}
	w := newWorld(t)
	published := filepath.Join(t.TempDir(), "records.snapshot")
	publish := func(inv *model.Inventory, previous *snapshot.Reader) *snapshot.Reader {
		b, r := compiled(t, inv, previous)
		if err := snapshot.WriteFile(published, bytes.NewBuffer(b)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := publish(w.inv, nil)

	port, notified := peer.Port(t), peer.Port(t)
	primary := peer.Start(t, core, port, map[string]string{"Corefile": fmt.Sprintf(`.:%d {
	bind 127.0.0.1
	transfer {
		to 127.0.0.1:%d
	}
	revmap %s {
		reload 20ms
	}
}`, port, notified, published)}, "-conf", "{dir}/Corefile").Addr
	c := peer.Config{Port: notified, Primary: primary}
	for zone := range w.ours[0] {
		c.Zones = append(c.Zones, peer.Zone{Name: zone})
	}
	secondary := peer.Knot(t, c).Addr
	w.at["192.0.2.53:53"], w.at["192.0.2.54:53"] = primary, secondary
	inSync := func(r *snapshot.Reader) {
		t.Helper()
		for _, z := range r.Zones() {
			for _, addr := range []string{primary, secondary} {
				peer.Wait(t, func() bool { return serialOf(addr, z.Name) == z.Serial },
					func() string { return fmt.Sprintf("%s has not serial %d of %s", addr, z.Serial, z.Name) })
			}
		}
	}
	inSync(r)
	w.start(t)
	if found := w.run(t); found != nil {
		t.Errorf("all is well, and there are findings: %q", found)
	}

	w.inv = inventory(t, strings.Replace(records, "198.51.100.11: mail.acme.example", "198.51.100.11: mx.acme.example", 1))
	want := []string{
		`198.51.100.11: error: ns1.example.net., ns2.example.net. and the resolver answer mail.acme.example., ` +
			`and the source says mx.acme.example. [ptr-other]`,
		`198.51.100.11: error: mx.acme.example. has no address, and so does not lead back to 198.51.100.11 [forward-missing]`,
	}
	if diff := cmp.Diff(want, w.run(t)); diff != "" {
		t.Errorf("the source has changed: other findings than expected (-want +got):\n%s", diff)
	}

	inSync(publish(w.inv, r))
	want = []string{
		`198.51.100.11: warning: the resolver answers mail.acme.example., ` +
			`and the name servers answer mx.acme.example. [resolver-differs]`,
		want[1],
	}
	if diff := cmp.Diff(want, w.run(t)); diff != "" {
		t.Errorf("the snapshot is published: other findings than expected (-want +got):\n%s", diff)
	}

	w.others = maps.Clone(w.others)
	w.others["acme.example."] += "mx A 198.51.100.11\n"
	delete(w.at, "192.0.2.1:53")
	w.resolver.Servers = nil
	w.start(t) // a resolver with an empty cache, too
	if found := w.run(t); found != nil {
		t.Errorf("all is well again, and there are findings: %q", found)
	}
}

// serialOf returns the serial of a zone that the server at addr has, 0 if it has none.
func serialOf(addr, zone string) uint32 {
	r, err := dns.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), addr)
	if err != nil || len(r.Answer) != 1 {
		return 0
	}
	soa, ok := r.Answer[0].(*dns.SOA)
	if !ok {
		return 0
	}
	return soa.Serial
}
