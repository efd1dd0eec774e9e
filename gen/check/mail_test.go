package check_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
)

// mailRecords adds mail servers to records.
var mailRecords = strings.Replace(records, "servers:\n", `servers:
  charlie: {product: vps, primary: 198.51.100.20, helo: mx.acme.example,
            addresses: {198.51.100.20: mx.acme.example}}
  delta:   {product: vps, primary: 198.51.100.21, helo: shop.acme.example,
            addresses: {198.51.100.21: shop.acme.example}}
  echo:    {product: vps, primary: 198.51.100.22, helo: host.acme.example,
            addresses: {198.51.100.22: host.acme.example}}
  foxtrot: {product: vps, primary: 198.51.100.23, helo: old.acme.example,
            addresses: {198.51.100.23: old.acme.example}}
  golf:    {product: vps, primary: 198.51.100.24, helo: golf.vps.example}
  hotel:   {product: vps, primary: 198.51.100.25, helo: hotel.vps.example}
  india:   {product: vps, primary: 198.51.100.26, helo: india.vps.example}
  juliet:  {product: vps, primary: 198.51.100.27, helo: two.acme.example,
            addresses: {198.51.100.27: {names: [mx.acme.example, two.acme.example]}}}
  kilo:    {product: vps, primary: 198.51.100.28, helo: vps-192-0-2-10.host.acme.example,
            addresses: {198.51.100.28: vps-192-0-2-10.host.acme.example}}
`, 1)

// TestMailServers: what the mail servers of addresses say, against their names.
func TestMailServers(t *testing.T) {
	t.Parallel()
	peer.Needs(t, "nsd", "unbound", "postfix")
	w := newWorld(t)
	w.inv = inventory(t, mailRecords)
	zones := zonesOf(t, w.inv)
	w.ours = [2]map[string]string{zones, zones}
	w.others["acme.example."] += `
mx A 198.51.100.20
mx A 198.51.100.23
mx A 198.51.100.27
two A 198.51.100.27
shop A 198.51.100.21
host A 198.51.100.22
vps-192-0-2-10.host A 198.51.100.28
pop CNAME host
old CNAME mx
`
	for name, ends := range map[string][]int{
		"mx.acme.example":                  {10, 20, 21, 23, 27},
		"pop.acme.example":                 {22},
		"vps-192-0-2-10.host.acme.example": {28},
		"localhost":                        {26},
	} {
		s := peer.Postfix(t, "", "myhostname = "+name)
		for _, end := range ends {
			w.at[fmt.Sprintf("198.51.100.%d:25", end)] = s.Addr
		}
	}
	w.at["198.51.100.25:25"] = unreachable
	w.start(t)
	const both = "in its banner and in reply to EHLO"
	want := []string{
		`198.51.100.21: warning: the mail server says mx.acme.example. ` + both +
			`, and the PTR has the name shop.acme.example. [mail-name-other]`,
		`198.51.100.22: warning: the mail server says pop.acme.example. ` + both +
			`, which is an alias of the PTR's name host.acme.example. [mail-name-alias]`,
		`198.51.100.23: warning: old.acme.example. is an alias of mx.acme.example. [forward-alias]`,
		`198.51.100.23: warning: the mail server says mx.acme.example. ` + both +
			`, and the PTR's name old.acme.example. is an alias of that [mail-name-alias]`,
		`198.51.100.24: warning: port 25 gives no greeting: connection refused [mail-unanswered]`,
		`198.51.100.25: note: port 25 cannot be reached: no route to it from here [mail-unchecked]`,
		`198.51.100.26: warning: the mail server says "localhost" ` + both + `: every host has that name [mail-name-invalid]`,
		`198.51.100.27: warning: the mail server says mx.acme.example. ` + both +
			`, and the source has helo: two.acme.example. [mail-helo-other]`,
		`198.51.100.28: warning: SpamAssassin HELO_DYNAMIC_IPADDR takes vps-192-0-2-10.host.acme.example., ` +
			`which the mail server says, for a generated name, because of "192-0-2-10": ` +
			`up to 3.7 points of the 5 that make spam [mail-name-generic]`,
	}
	if diff := cmp.Diff(want, w.run(t)); diff != "" {
		t.Errorf("other findings than expected (-want +got):\n%s", diff)
	}
	for _, k := range check.Kinds {
		if strings.HasPrefix(k.ID, "mail-") && !strings.Contains(strings.Join(want, "\n"), "["+k.ID+"]") {
			t.Errorf("%s is not found", k.ID)
		}
	}

	// Of those without helo, only the first has a mail server. The others need none.
	w.options.SMTP = true
	want = append([]string{
		`198.51.100.10: warning: the mail server says mx.acme.example. ` + both +
			`, and the PTR has the name alpha.vps.example. [mail-name-other]`,
	}, want...)
	if diff := cmp.Diff(want, w.run(t)); diff != "" {
		t.Errorf("with SMTP: other findings than expected (-want +got):\n%s", diff)
	}
}

// receiverRecords has addresses whose mail a receiver takes, and others.
const receiverRecords = `version: 1
defaults:
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.vps.example"}
forward_zones: [vps.example]
blocks:
  192.0.2.0/24: {}
  2001:db8::/32: {}
servers:
  alpha: {product: vps, primary: 192.0.2.20}
addresses:
  192.0.2.10: mail.acme.example
  192.0.2.12: www.acme.example
  192.0.2.13: gone.acme.example
  192.0.2.14: pop.acme.example
  2001:db8::10: mail.acme.example
`

// TestReceiver: a mail server that asks who its clients are takes mail from the addresses that revmap names, and from
// no others. Everything is real: the snapshot, CoreDNS with the plugin, the resolver, Postfix, and the addresses.
func TestReceiver(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: does not compile CoreDNS")
	}
	t.Parallel()
	peer.Needs(t, "nsd", "unbound", "postfix")
	addrs := []string{
		"192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.20", "192.0.2.25",
		"2001:db8::10", "2001:db8::11", "2001:db8::25",
	}
	if !peer.Isolated(t, addrs, map[string]string{
		"/etc/resolv.conf":   "nameserver 127.0.0.1\n",
		"/etc/hosts":         "127.0.0.1 localhost\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	}) {
		return
	}
	core := filepath.Join(t.TempDir(), "coredns")
	if out, err := exec.Command("go", "build", "-o", core, "../../cmd/coredns").CombinedOutput(); err != nil {
		t.Fatalf("build CoreDNS: %v\n%s", err, out)
	}
	published := filepath.Join(t.TempDir(), "records.snapshot")
	publish := func(inv *model.Inventory, previous *snapshot.Reader) *snapshot.Reader {
		b, r := compiled(t, inv, previous)
		if err := snapshot.WriteFile(published, bytes.NewBuffer(b)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	inv := inventory(t, receiverRecords)
	r := publish(inv, nil)
	port := peer.Port(t)
	ours := peer.Start(t, core, port, map[string]string{"Corefile": fmt.Sprintf(`.:%d {
	bind 127.0.0.1
	revmap %s {
		reload 20ms
	}
}`, port, published)}, "-conf", "{dir}/Corefile").Addr
	acme := serve(t, peer.NSD, map[string]string{"acme.example.": `
@ NS ns1
ns1 A 192.0.2.1
mail A 192.0.2.10
mail AAAA 2001:db8::10
www A 192.0.2.11
shop A 192.0.2.11
shop AAAA 2001:db8::11
pop CNAME mail2
mail2 A 192.0.2.14
`}, "")
	resolver := peer.Unbound(t, peer.Resolver{
		Servers: map[string]string{
			"2.0.192.in-addr.arpa.": ours, reverse6: ours, forward: ours, "acme.example.": acme,
		},
		Global: "cache-max-ttl: 0\ncache-max-negative-ttl: 0\n", // the source changes below
		Port:   53,
	})
	receiver := peer.Postfix(t, ":25", `myhostname = mx.example.com
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_unknown_client_hostname
`)

	const refused = "450 4.7.25 Client host rejected: cannot find your hostname, [%s]"
	// send sends a message to the receiver, at its address in the same family.
	send := func(from string) string {
		if strings.Contains(from, ":") {
			return deliver(t, "[2001:db8::25]:25", from)
		}
		return deliver(t, "192.0.2.25:25", from)
	}
	for _, c := range []struct {
		addr, why string
		refused   bool
		found     []string // ids of what check has against the address
	}{
		{addr: "192.0.2.10", why: "the name leads back"},
		{addr: "192.0.2.20", why: "the default hostname leads back, in the forward zone that revmap serves, too"},
		{addr: "192.0.2.14", why: "the name leads back through an alias", found: []string{"forward-alias"}},
		{addr: "2001:db8::10", why: "the name leads back, with AAAA"},
		{addr: "192.0.2.11", why: "no name", refused: true},
		{addr: "2001:db8::11", why: "no name", refused: true},
		{addr: "192.0.2.12", why: "the name leads elsewhere", refused: true, found: []string{"forward-mismatch"}},
		{addr: "192.0.2.13", why: "the name leads nowhere", refused: true, found: []string{"forward-missing"}},
	} {
		want := ""
		if c.refused {
			want = fmt.Sprintf(refused, c.addr)
		}
		if got := send(c.addr); got != want {
			t.Errorf("%s: mail from %s gets %q, want %q", c.why, c.addr, got, want)
		}
		// check says so before.
		var found []string
		err := check.Run(t.Context(), inv, parse(c.addr), check.Options{
			Resolver: netip.MustParseAddrPort(resolver.Addr),
			Timeout:  time.Second,
			Redirect: func(netip.AddrPort) netip.AddrPort { return netip.AddrPort{} },
			Address: func(a *check.Address) {
				for _, f := range a.Findings {
					found = append(found, f.ID)
					if c.refused != (f.Severity == diag.Error) {
						t.Errorf("%s: check of %s has severity %s", c.why, c.addr, f.Severity)
					}
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.found, found); diff != "" {
			t.Errorf("%s: check finds something else (-want +got):\n%s", c.why, diff)
		}
	}

	// As soon as the snapshot has a name for the address, and one that leads back, its mail is taken.
	named := inventory(t, receiverRecords+"  192.0.2.11: shop.acme.example\n  2001:db8::11: shop.acme.example\n")
	r = publish(named, r)
	for _, z := range r.Zones() {
		peer.Wait(t, func() bool { return serialOf(ours, z.Name) == z.Serial },
			func() string { return fmt.Sprintf("CoreDNS has not serial %d of %s", z.Serial, z.Name) })
	}
	for _, addr := range []string{"192.0.2.11", "2001:db8::11"} {
		if got := send(addr); got != "" {
			t.Errorf("mail from %s, which has a name now, gets %q", addr, got)
		}
	}
	const taken = 6
	peer.Wait(t, func() bool { return strings.Count(receiver.Log(), "status=sent") == taken },
		func() string { return fmt.Sprintf("%d messages are not delivered:\n%s", taken, receiver.Log()) })
	for _, client := range []string{
		"mail.acme.example[192.0.2.10]", "alpha.vps.example[192.0.2.20]", "pop.acme.example[192.0.2.14]",
		"mail.acme.example[2001:db8::10]", "shop.acme.example[192.0.2.11]", "shop.acme.example[2001:db8::11]",
	} {
		if !strings.Contains(receiver.Log(), "client="+client) {
			t.Errorf("Postfix does not call its client %s:\n%s", client, receiver.Log())
		}
	}
}

// deliver sends a message to the mail server at addr from another address of this machine. It returns the reply that
// refuses it, "" if it is taken.
func deliver(t *testing.T, addr, from string) string {
	t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	err = transmit(conn)
	var refusal *textproto.Error
	switch {
	case errors.As(err, &refusal):
		return fmt.Sprintf("%d %s", refusal.Code, refusal.Msg)
	case err != nil:
		t.Fatalf("send a message from %s: %v", from, err)
	}
	return ""
}

// transmit sends a message over a connection to a mail server.
func transmit(conn net.Conn) error {
	c, err := smtp.NewClient(conn, "mx.example.com")
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return c.Hello("client.example.net") },
		func() error { return c.Mail("a@example.net") },
		func() error { return c.Rcpt("b@example.com") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(w, "Subject: hello\r\n\r\nhello\r\n"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
