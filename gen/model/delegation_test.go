package model

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const head = `version: 1
defaults: {nameservers: [ns1.example.net], soa: {primary: ns1.example.net, contact: hostmaster.example.net}}
`

// What a delegation puts into the zones of its block.
func TestParts(t *testing.T) {
	for _, test := range []struct {
		name, block, delegation string   // entries of "blocks" and of its "delegations"
		want                    []string // zone, prefix, child, how
	}{
		{"IPv6 on a nibble", "2001:db8::/32: {", "2001:db8:f00::/48: {}", []string{
			"8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8:f00::/48 0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa. cut",
		}},
		{"IPv6 off the nibble, in two zones", "2001:db8::/35: {", "2001:db8::/35: {}", []string{
			"0.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::/36 0.8.b.d.0.1.0.0.2.ip6.arpa. cut",
			"1.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8:1000::/36 1.8.b.d.0.1.0.0.2.ip6.arpa. cut",
		}},
		{"one IPv6 address", "2001:db8::/112: {", "2001:db8::1/128: {}", []string{
			"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 2001:db8::1/128 " +
				"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. cut",
		}},
		{"IPv4 on an octet", "10.0.0.0/15: {", "10.1.2.0/24: {}", []string{
			"1.10.in-addr.arpa. 10.1.2.0/24 2.1.10.in-addr.arpa. cut",
		}},
		{"IPv4 off the octet", "10.0.0.0/15: {", "10.1.2.0/23: {}", []string{
			"1.10.in-addr.arpa. 10.1.2.0/24 2.1.10.in-addr.arpa. cut",
			"1.10.in-addr.arpa. 10.1.3.0/24 3.1.10.in-addr.arpa. cut",
		}},
		{"a name that is not chosen", "10.0.0.0/16: {", "10.0.2.0/24: {zone: a.example}", []string{
			"0.10.in-addr.arpa. 10.0.2.0/24 2.0.10.in-addr.arpa. cut",
		}},
		{"RFC 2317", "192.0.2.0/24: {", "192.0.2.128/25: {zone: 128/25.2.0.192.in-addr.arpa}", []string{
			"2.0.192.in-addr.arpa. 192.0.2.128/25 128/25.2.0.192.in-addr.arpa. alias",
		}},
		{"RFC 2317, the child elsewhere", "192.0.2.0/24: {", "192.0.2.4/31: {zone: rev.acme.example}", []string{
			"2.0.192.in-addr.arpa. 192.0.2.4/31 rev.acme.example. alias",
		}},
		{"RFC 2317 without a name", "192.0.2.0/24: {", "192.0.2.128/25: {}", []string{
			"2.0.192.in-addr.arpa. 192.0.2.128/25  alias",
		}},
		{"RFC 2317 in a large zone", "10.0.0.0/8: {", "10.1.2.64/26: {zone: 64-26.2.1.10.in-addr.arpa}", []string{
			"10.in-addr.arpa. 10.1.2.64/26 64-26.2.1.10.in-addr.arpa. alias",
		}},
		{"one address", "192.0.2.0/24: {", "192.0.2.5/32: {}", []string{
			"2.0.192.in-addr.arpa. 192.0.2.5/32 5.2.0.192.in-addr.arpa. cut",
		}},
		{"one address, named as it is", "192.0.2.0/24: {", "192.0.2.5/32: {zone: 5.2.0.192.in-addr.arpa}", []string{
			"2.0.192.in-addr.arpa. 192.0.2.5/32 5.2.0.192.in-addr.arpa. cut",
		}},
		{"one address, with a name", "192.0.2.0/24: {", "192.0.2.5/32: {zone: 5-32.2.0.192.in-addr.arpa}", []string{
			"2.0.192.in-addr.arpa. 192.0.2.5/32 5-32.2.0.192.in-addr.arpa. alias",
		}},
		{"one address of a classless zone", "192.0.2.0/26: {zone: 0-26.2.0.192.in-addr.arpa, ", "192.0.2.5/32: {}", []string{
			"0-26.2.0.192.in-addr.arpa. 192.0.2.5/32 5.0-26.2.0.192.in-addr.arpa. cut",
		}},
		{"one address of a classless zone without a name", "192.0.2.0/26: {", "192.0.2.5/32: {}", []string{
			" 192.0.2.5/32  cut",
		}},
		{"more of a classless zone", "192.0.2.0/26: {zone: 0-26.2.0.192.in-addr.arpa, ", "192.0.2.8/29: {}", []string{
			"0-26.2.0.192.in-addr.arpa. 192.0.2.8/29  alias",
		}},
		{"a zone of one address", "192.0.2.5/32: {zone: 5.2.0.192.in-addr.arpa, ", "192.0.2.5/32: {}", []string{
			"5.2.0.192.in-addr.arpa. 192.0.2.5/32 5.2.0.192.in-addr.arpa. cut",
		}},
		{"larger than the block", "192.0.2.0/24: {", "192.0.0.0/16: {}", nil},
		{"outside of the block", "192.0.2.0/24: {", "198.51.100.0/26: {}", nil},
		{"of the other family", "192.0.2.0/24: {", "2001:db8::/48: {}", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := parse(t, head+"blocks:\n  "+test.block+"delegations: {"+test.delegation+"}}\n")
			d := inv.Delegations[0]
			var got []string
			for i := range d.Parts {
				p := &d.Parts[i]
				how := "cut"
				if p.Alias {
					how = "alias"
				}
				got = append(got, fmt.Sprintf("%s %s %s %s", p.Zone.Name, p.Prefix, p.Name, how))
				if p.Delegation != d {
					t.Errorf("the part %s is not linked to its delegation", p.Prefix)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// delegations has blocks that lie inside others.
const delegations = head + `products: {vps: {hostname: "{server}.vps.example"}}
blocks:
  10.0.0.0/15:
    fallback: "{ip}.outer.example"
    delegations:
      10.0.1.0/24: {}
      10.0.2.0/23: {}
      10.0.3.64/26: {} # inside the one before
      10.1.0.0/16: {}  # all of a zone
      192.0.2.0/25: {} # elsewhere
  10.0.2.0/24: {fallback: "{ip}.inner.example"}
  10.0.4.0/24: {} # without a delegation
  10.0.1.64/26:
    zone: 64-26.1.0.10.in-addr.arpa
    fallback: "{ip}.classless.example"
    delegations:
      10.0.1.96/32: {}
  192.0.2.0/24: {fallback: "{ip}.other.example"}
servers:
  s1:
    product: vps
    primary: 10.0.1.1 # its name is served forwards only
    addresses:
      10.0.1.2: mail.example.net
      10.0.1.65: www.example.net
  s2: {product: vps, primary: 10.0.1.66}
`

func TestLookupInDelegations(t *testing.T) {
	inv := parse(t, delegations)
	for _, test := range []struct {
		name, addr, delegation string
		want                   string // name
	}{
		{"beside them", "10.0.0.1", "", "10-0-0-1.outer.example."},
		{"in one", "10.0.1.9", "10.0.1.0/24", ""},
		{"in one, a primary address", "10.0.1.1", "10.0.1.0/24", ""},
		{"in one, with a reverse map name", "10.0.1.2", "10.0.1.0/24", ""},
		{"in a block inside one", "10.0.1.70", "", "10-0-1-70.classless.example."},
		{"in a block inside one, with a reverse map name", "10.0.1.65", "", "www.example.net."},
		{"in a block inside one, a primary address", "10.0.1.66", "", "s2.vps.example."},
		{"in a delegation of the block inside one", "10.0.1.96", "10.0.1.96/32", ""},
		{"behind the block inside one", "10.0.1.128", "10.0.1.0/24", ""},
		{"in the first half, which is a block", "10.0.2.1", "", "10-0-2-1.inner.example."},
		{"in the second half", "10.0.3.1", "10.0.2.0/23", ""},
		{"in two delegations", "10.0.3.65", "10.0.3.64/26", ""},
		{"behind the smaller of two", "10.0.3.128", "10.0.2.0/23", ""},
		{"in a block inside the other", "10.0.4.1", "", ""},
		{"in a whole zone", "10.1.2.3", "10.1.0.0/16", ""},
		{"in a delegation of another block", "192.0.2.1", "", "192-0-2-1.other.example."},
		{"in no block", "198.51.100.1", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := netip.MustParseAddr(test.addr)
			d := inv.DelegationOf(addr)
			if got := prefixOf(d); got != test.delegation {
				t.Errorf("%s is in the delegation %q, want %q", addr, got, test.delegation)
			}
			e, entry := inv.Lookup(addr)
			if entry != nil && entry.Delegation != d {
				t.Errorf("the entry of %s has the delegation %q", addr, prefixOf(entry.Delegation))
			}
			got := ""
			if len(e.Names) > 0 {
				got = e.Names[0]
			}
			if got != test.want || (e.Origin == NoName) != (test.want == "") || len(e.Names) > 1 {
				t.Errorf("%s has %+v, want %q", addr, e, test.want)
			}
		})
	}
}

func prefixOf(d *Delegation) string {
	if d == nil {
		return ""
	}
	return d.Prefix.String()
}

// Blocks inside others, and the delegations that lead to their zones.
func TestNestedBlocks(t *testing.T) {
	inv := parse(t, delegations)
	outer := make(map[string]string)
	for _, b := range inv.Blocks {
		outer[b.Prefix.String()] = ""
		if b.Outer != nil {
			outer[b.Prefix.String()] = b.Outer.Prefix.String()
		}
	}
	if diff := cmp.Diff(map[string]string{
		"10.0.0.0/15":  "",
		"10.0.1.64/26": "10.0.0.0/15",
		"10.0.2.0/24":  "10.0.0.0/15",
		"10.0.4.0/24":  "10.0.0.0/15",
		"192.0.2.0/24": "",
	}, outer); diff != "" {
		t.Errorf("blocks around (-want +got):\n%s", diff)
	}
	var zones []string
	for _, z := range inv.Zones {
		parts := ""
		for _, p := range z.Parts {
			parts += " " + p.Prefix.String()
			if p.Zone != z {
				t.Errorf("the part %s of %s is in %s", p.Prefix, z.Name, p.Zone.Name)
			}
		}
		zones = append(zones, fmt.Sprintf("%s (%s)%s", z.Prefix, prefixOf(z.Delegation), parts))
	}
	if diff := cmp.Diff([]string{
		"10.0.0.0/16 () 10.0.1.0/24 10.0.2.0/24 10.0.3.0/24 10.0.3.64/26",
		"10.0.1.64/26 (10.0.1.0/24) 10.0.1.96/32",
		"10.0.2.0/24 (10.0.2.0/23)",
		"10.0.4.0/24 ()",
		"10.1.0.0/16 () 10.1.0.0/16",
		"192.0.2.0/24 ()",
	}, zones); diff != "" {
		t.Errorf("zones, the delegations to them and their parts (-want +got):\n%s", diff)
	}
}
