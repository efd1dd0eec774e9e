package table

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

func TestWords(t *testing.T) {
	const text = head + `products:
  vps: {hostname: "{rev}.vps.example"}
blocks:
  192.0.2.0/24: {}
  2001:db8::/32: {}
servers:
  İstanbul: {product: vps, primary: 192.0.2.200}
  βeta: {product: vps, account: Quince, primary: 192.0.2.20}
addresses:
  192.0.2.1: gw.acme.example
  192.0.2.2: {names: [one.acme.example, two.acme.example]}
  192.0.2.19: www.acme.example
  2001:db8::1: gw.acme.example
  2001:db8:1::1: other.acme.example
  2001:db8:0:1::: other.acme.example
`
	s, _ := source.Parse("records.yaml", []byte(text), false)
	table := New([]*model.Inventory{model.Build(s)}, nil)
	for _, c := range []struct{ text, want string }{
		{"192.0.2.1", "192.0.2.1 192.0.2.19"},
		{"192.0.2.2", "192.0.2.2 192.0.2.20 192.0.2.200"},
		{"192.0.2.20", "192.0.2.20 192.0.2.200"},
		{"192.0.2.", "192.0.2.1 192.0.2.2 192.0.2.19 192.0.2.20 192.0.2.200"},
		{"192.0.02", ""},
		{"192.0.2.1.", ""},
		{"0.2.1", ""},
		{"192.0.2.9/28", "192.0.2.1 192.0.2.2"},
		{"192.0.2.0/24 www", "192.0.2.19"},
		{"192.0.2.0/24 2001:db8::/32", ""},
		{"19.2.0.192.in-addr.arpa", "192.0.2.19"},
		{"19.2.0.192.IN-ADDR.ARPA.", "192.0.2.19"},
		{"2.0.192.in-addr.arpa gw", "192.0.2.1"},
		{"300.2.0.192.in-addr.arpa", ""},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::1"},
		{"1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8:1::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:DB8:", "2001:db8::1 2001:db8:0:1:: 2001:db8:1::1"},
		{"2001:db8:0", "2001:db8::1 2001:db8:0:1:: 2001:db8:1::1"}, // which can be written 2001:db8:0001::1
		{"2001:0db8:0:1", "2001:db8:0:1::"},
		{"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
		{"2001:db8:0::1", "2001:db8::1"},
		{"2001:db8:1::", "2001:db8:1::1"},
		{"::1", ""},
		{"2001:db8:0:0:0:0:0:1:", ""},
		{"acme gw", "192.0.2.1 2001:db8::1"},
		{"ACME GW 192", "192.0.2.1"},
		{"two.acme", "192.0.2.2"},
		{"one.acme.example.two", ""},
		{"ΒETA", "192.0.2.20"},
		{"stanbul", "192.0.2.200"},
		{"quince", "192.0.2.20"},
		{"200.2.0.192.vps", "192.0.2.200"},
	} {
		var got []string
		for _, r := range table.Find(Query{Text: c.text, Limit: 100}).Rows {
			got = append(got, r.Addr.String())
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%q finds %q; want %q", c.text, got, c.want)
		}
	}
	q := Query{Block: netip.MustParsePrefix("192.0.2.9/28"), Limit: 100}
	if got := table.Find(q); got.Total != 2 {
		t.Errorf("there are %d addresses in %s; want 2", got.Total, q.Block)
	}
}
