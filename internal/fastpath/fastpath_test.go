package fastpath_test

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/fastpath"
	"github.com/revmap/revmap/internal/snapshot"
)

func TestPTR(t *testing.T) {
	b, err := snapshot.NewBuilder("4f2a9c1", []snapshot.Zone{{
		Kind: snapshot.Reverse, Name: "2.0.192.in-addr.arpa.", Prefix: netip.MustParsePrefix("192.0.2.0/24"), Serial: 1,
		TTL: 3600, SOA: snapshot.SOA{Primary: "ns1.example.net.", Contact: "hostmaster.example.net."},
		NS: []string{"ns1.example.net."},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(netip.MustParseAddr("192.0.2.1"), snapshot.Explicit, 300, []string{"mail.example.net."}); err != nil {
		t.Fatal(err)
	}
	r, err := b.Reader()
	if err != nil {
		t.Fatal(err)
	}
	g, err := authority.New(r)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetQuestion("1.2.0.192.IN-addr.arpa.", dns.TypePTR)
	m.SetEdns0(1232, true)
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, fastpath.MaxResponse)
	result := fastpath.New(fastpath.Options{Zones: []string{"in-addr.arpa."}}).Respond(out, packet, g)
	var got dns.Msg
	if err := got.Unpack(out[:result.N]); err != nil {
		t.Fatalf("%+v: %v", result, err)
	}
	t.Log(got.String(), result)
}
