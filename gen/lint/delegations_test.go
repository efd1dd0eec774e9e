package lint

import (
	"fmt"
	"strings"
	"testing"
)

// in4 and in6 are changes of good: delegations, each a line, in its block 192.0.2.0/24 or 2001:db8::/33.
func in4(delegations ...string) []string {
	return []string{"192.0.2.0/24: {}", block("192.0.2.0/24", delegations...)}
}

func in6(delegations ...string) []string {
	return []string{"2001:db8::/33: {}", block("2001:db8::/33", delegations...)}
}

func block(prefix string, delegations ...string) string {
	return prefix + ":\n    delegations:\n      " + strings.Join(delegations, "\n      ")
}

const (
	ns        = "nameservers: [ns1.acme.example, ns2.acme.example]"
	classless = "192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa, " + ns + "}"
)

func TestDelegationMisplaced(t *testing.T) {
	const (
		twice   = "remove one of the two"
		byOwner = "remove one of the two: only the servers of 2001:db8:f00::/40 can delegate a part of it"
	)
	testMistakes(t, delegationMisplaced, []mistake{
		{
			"outside its block",
			[]string{"192.0.2.0/24: {}", "<2>" + block("192.0.2.0/24", "<1>203.0.113.5/32: {"+ns+"}")},
			"the delegation of 203.0.113.5/32 lies outside its block, 192.0.2.0/24", "correct the prefix",
		},
		{
			"in another block",
			[]string{"192.0.2.0/24: {}", "<2>" + block("192.0.2.0/24", "<1>2001:db8:f00::/48: {"+ns+"}")},
			"the delegation of 2001:db8:f00::/48 lies outside its block, 192.0.2.0/24",
			"correct the prefix, or move the delegation to block 2001:db8::/33",
		},
		{
			"all of a block",
			[]string{"192.0.2.0/24: {}", "<2>" + block("192.0.2.0/24", "<1>192.0.2.0/24: {"+ns+"}")},
			"the delegation of 192.0.2.0/24 is no part of a zone: block 192.0.2.0/24 has zones of /24",
			"remove it, take 192.0.2.0/24 out of the block, and let the registry delegate it: no zone of yours can",
		},
		{
			"more than a block",
			[]string{"192.0.2.0/24: {}", "<2>" + block("192.0.2.0/24", "<1>192.0.0.0/16: {"+ns+"}")},
			"the delegation of 192.0.0.0/16 is no part of a zone: block 192.0.2.0/24 has zones of /24",
			"remove it, take 192.0.0.0/16 out of the block, and let the registry delegate it: no zone of yours can",
		},
		{
			"all of one of a block's zones",
			[]string{"2001:db8::/33: {}", "<2>" + block("2001:db8::/33", "<1>2001:db8:7000::/36: {"+ns+"}")},
			"the delegation of 2001:db8:7000::/36 is no part of a zone: block 2001:db8::/33 has zones of /36",
			"remove it, take 2001:db8:7000::/36 out of the block, and let the registry delegate it: no zone of yours can",
		},
		{
			"all of a classless block",
			[]string{
				"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}",
				"<2>198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa, " +
					"delegations: {<1>198.51.100.64/26: {zone: x.example}}}",
			},
			"the delegation of 198.51.100.64/26 is no part of a zone: block 198.51.100.64/26 has zones of /26",
			"remove it, take 198.51.100.64/26 out of the block, and let the owner of the parent zone delegate it",
		},
		{
			"twice", in6("<2>2001:db8:f00::/48: {"+ns+"}", "<1>2001:db8:0f00::/48: {"+ns+"}"),
			"2001:db8:f00::/48 is delegated twice", twice,
		},
		{
			"inside another", in6("<1>2001:db8:f00:1::/64: {"+ns+"}", "<2>2001:db8:f00::/40: {"+ns+"}"),
			"the delegation of 2001:db8:f00:1::/64 lies inside that of 2001:db8:f00::/40", byOwner,
		},
		{
			"inside another, after a third one there",
			in6("<2>2001:db8:f00::/40: {"+ns+"}", "<1>2001:db8:f01::/48: {"+ns+"}"),
			"the delegation of 2001:db8:f01::/48 lies inside that of 2001:db8:f00::/40", byOwner,
		},
		{
			"inside a classless one", in4("<2>"+classless, "<1>192.0.2.200/32: {"+ns+"}"),
			"the delegation of 192.0.2.200/32 lies inside that of 192.0.2.128/25",
			"remove it, or cut the other one into delegations side by side: no alias may lead to another alias " +
				"(RFC 2317 section 5.3)",
		},
	})
	testClean(t, map[string][]string{
		"side by side":  in4("192.0.2.200/32: {"+ns+"}", "192.0.2.201/32: {"+ns+"}"),
		"almost a zone": in6("2001:db8:1000::/37: {" + ns + "}"),
		"in a block that is delegated": {
			"2001:db8::/33: {}",
			block("2001:db8::/33", "2001:db8:f00::/40: {"+ns+"}") + "\n  " +
				block("2001:db8:f00::/40", "2001:db8:f00:1::/64: {"+ns+"}"),
		},
	})
}

func TestDelegationZone(t *testing.T) {
	const (
		another = `choose another name, such as "128-25.2.0.192.in-addr.arpa."`
		is      = `choose one that is not, such as "128-25.2.0.192.in-addr.arpa."`
	)
	child := func(name string) string { return "192.0.2.128/25: {zone: <1>" + name + ", " + ns + "}" }
	elsewhere := func(name string) string { return "192.0.2.128/25: {zone: <1>" + name + "}" }
	long := strings.Repeat(strings.Repeat("x", 49)+".", 5) // 250 bytes, and 254 with "255." before it
	testMistakes(t, delegationZone, []mistake{
		{
			"none", in4("<1>192.0.2.128/25: {" + ns + "}"),
			"the delegation of 192.0.2.128/25 does not name its zone, and the prefix is longer than /24",
			`add "zone:", with a name such as "128-25.2.0.192.in-addr.arpa."`,
		},
		{
			"none for two addresses", in4("<1>192.0.2.130/31: {" + ns + "}"),
			"the delegation of 192.0.2.130/31 does not name its zone, and the prefix is longer than /24",
			`add "zone:", with a name such as "130-31.2.0.192.in-addr.arpa."`,
		},
		{
			"IPv6", in6("2001:db8:f00::/48: {zone: <1>0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa, " + ns + "}"),
			"the delegation of 2001:db8:f00::/48 cannot choose the name of its zone: only IPv4 longer than /24 can",
			`remove "zone:"`,
		},
		{
			"IPv4 of whole octets",
			[]string{"192.0.2.0/24: {}", block("192.0.0.0/16", "192.0.3.0/24: {zone: <1>acme.example, "+ns+"}")},
			"the delegation of 192.0.3.0/24 cannot choose the name of its zone: only IPv4 longer than /24 can",
			`remove "zone:"`,
		},
		{
			"in a classless block",
			[]string{
				"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}",
				"<2>198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa, " +
					"delegations: {<1>198.51.100.96/28: {zone: acme.example}}}",
			},
			"the delegation of 198.51.100.96/28 needs aliases, and the names of block 198.51.100.64/26 " +
				"are targets of aliases",
			"take it out of the block and let the owner of the parent zone delegate it, or delegate each address " +
				`without "zone:"`,
		},
		{
			"in a classless block, and it has none",
			[]string{
				"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}",
				"<2>198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa, " +
					"delegations: {<1>198.51.100.96/28: {" + ns + "}}}",
			},
			"the delegation of 198.51.100.96/28 needs aliases, and the names of block 198.51.100.64/26 " +
				"are targets of aliases",
			"take it out of the block and let the owner of the parent zone delegate it, or delegate each address " +
				`without "zone:"`,
		},
		{
			"too long", in4(elsewhere(long + "x")),
			`the zone name "` + long + `x." leaves no room for the names of addresses: ` +
				`with an octet, the name is 256 bytes long, more than 254`,
			"choose a shorter name",
		},
		{
			"an address of the parent zone", in4(child("128.2.0.192.in-addr.arpa")),
			`the zone name "128.2.0.192.in-addr.arpa." is the reverse name of 192.0.2.128`, is,
		},
		{
			"the parent zone", in4(elsewhere("2.0.192.in-addr.arpa")),
			`the zone name "2.0.192.in-addr.arpa." is the reverse name of 192.0.2.0/24`, is,
		},
		{
			"a zone around the parent", in4(elsewhere("0.192.in-addr.arpa")),
			`the zone name "0.192.in-addr.arpa." is the reverse name of 192.0.0.0/16`, is,
		},
		{
			"the zone of another block",
			append(in4(elsewhere("64-26.100.51.198.in-addr.arpa")), "198.51.100.64/26", "<2>198.51.100.64/26"),
			`192.0.2.128/25 is delegated to "64-26.100.51.198.in-addr.arpa.", ` +
				`which is the zone "64-26.100.51.198.in-addr.arpa." of block 198.51.100.64/26`,
			another,
		},
		{
			"in the zone of another block",
			append(in4(elsewhere("x.64-26.100.51.198.in-addr.arpa")), "198.51.100.64/26", "<2>198.51.100.64/26"),
			`192.0.2.128/25 is delegated to "x.64-26.100.51.198.in-addr.arpa.", ` +
				`which lies inside the zone "64-26.100.51.198.in-addr.arpa." of block 198.51.100.64/26`,
			another,
		},
		{
			"a forward zone", append(in4(elsewhere("acme.example")), "lint:", "forward_zones: [<2>acme.example]\nlint:"),
			`192.0.2.128/25 is delegated to "acme.example.", which is the forward zone "acme.example."`, another,
		},
		{
			"in a forward zone", append(in4(elsewhere("rev.acme.example")), "lint:", "forward_zones: [<2>acme.example]\nlint:"),
			`192.0.2.128/25 is delegated to "rev.acme.example.", which lies inside the forward zone "acme.example."`, another,
		},
		{
			"the zone of another delegation",
			in4("<2>192.0.2.64/26: {zone: acme.2.0.192.in-addr.arpa, "+ns+"}", child("acme.2.0.192.in-addr.arpa")),
			`the zone "acme.2.0.192.in-addr.arpa." is the one that 192.0.2.64/26 is delegated to`, another,
		},
		{
			"in the zone of another delegation",
			in4("<2>192.0.2.64/26: {zone: acme.2.0.192.in-addr.arpa, "+ns+"}", child("x.acme.2.0.192.in-addr.arpa")),
			`the zone "x.acme.2.0.192.in-addr.arpa." lies inside the one that 192.0.2.64/26 is delegated to`, another,
		},
		{
			"in the zone of a delegation that comes later",
			in4("192.0.2.64/26: {zone: <1>x.acme.2.0.192.in-addr.arpa, "+ns+"}",
				"<2>192.0.2.128/25: {zone: acme.2.0.192.in-addr.arpa, "+ns+"}"),
			`the zone "x.acme.2.0.192.in-addr.arpa." lies inside the one that 192.0.2.128/25 is delegated to`,
			`choose another name, such as "64-26.2.0.192.in-addr.arpa."`,
		},
		{
			"in the zone of a single address",
			in4("<2>192.0.2.5/32: {"+ns+"}", child("x.5.2.0.192.in-addr.arpa")),
			`the zone "x.5.2.0.192.in-addr.arpa." lies inside the one that 192.0.2.5/32 is delegated to`, another,
		},
		{
			"names that another delegation leads to",
			[]string{"192.0.2.0/24: {}", block("192.0.2.0/23",
				"192.0.2.192/26: {zone: <2>rev.acme.example}", "192.0.3.128/25: {zone: <1>rev.acme.example}")},
			`192.0.2.192/26 and 192.0.3.128/25 are both delegated to the zone "rev.acme.example.", ` +
				"where some of their addresses have the same name",
			`choose another name for one of the two, such as "128-25.3.0.192.in-addr.arpa."`,
		},
	})
	testClean(t, map[string][]string{
		"a part of a block inside a block": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n" +
				"  198.18.0.0/16: {delegations: {198.18.64.0/24: {" + ns + "}}}\n" +
				"  198.18.64.0/24: {delegations: {198.18.64.128/25: {zone: 128-25.64.18.198.in-addr.arpa, " + ns + "}}}",
			"rules: {}", "rules: {block-special-purpose: off}",
		},
		"as in RFC 2317":          in4("192.0.2.128/25: {zone: 128/25.2.0.192.in-addr.arpa, " + ns + "}"),
		"elsewhere":               in4("192.0.2.128/25: {zone: rev.acme.example}"),
		"no longer than possible": in4("192.0.2.128/25: {zone: " + long[1:] + "}"),
		"one address":             in4("192.0.2.200/32: {"+ns+"}", "192.0.2.201/32: {zone: x.2.0.192.in-addr.arpa, "+ns+"}"),
		"two in one zone elsewhere": in4(
			"192.0.2.128/28: {zone: rev.acme.example}", "192.0.2.160/28: {zone: rev.acme.example}"),
		"one inside another elsewhere": in4(
			"192.0.2.128/28: {zone: rev.acme.example}", "192.0.2.160/28: {zone: x.rev.acme.example}"),
		"a single address of a classless block": {
			"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}",
			"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa, delegations: {198.51.100.96/32: {" + ns + "}}}",
		},
		"a block of ours": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", classless) + "\n  192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}",
		},
		"a block of ours, elsewhere": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", "192.0.2.128/25: {zone: rev.acme.example}") +
				"\n  192.0.2.128/25: {zone: rev.acme.example}",
		},
	})
}

func TestDelegationNameservers(t *testing.T) {
	const ds = `ds: [<1>"12345 13 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"]`
	testMistakes(t, delegationNameservers, []mistake{
		{
			"none", in6("<1>2001:db8:f00::/48: {}"),
			"the delegation of 2001:db8:f00::/48 has no name servers",
			`add "nameservers:" with the names of the servers that hold its zone`,
		},
		{
			"none of a classless one", in4("<1>192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}"),
			"the delegation of 192.0.2.128/25 has no name servers",
			`add "nameservers:" with the names of the servers that hold its zone`,
		},
		{
			"the zone lies elsewhere",
			in4("192.0.2.128/25: {zone: <2>rev.acme.example, nameservers: [<1>ns1.acme.example, ns2.acme.example]}"),
			`the zone "rev.acme.example." lies in none of yours, and nameservers would not be published`,
			`remove nameservers, or choose a zone below "2.0.192.in-addr.arpa."`,
		},
		{
			"the zone lies elsewhere and is signed", in4("192.0.2.128/25: {zone: <2>rev.acme.example, " + ds + "}"),
			`the zone "rev.acme.example." lies in none of yours, and ds would not be published`,
			`remove ds, or choose a zone below "2.0.192.in-addr.arpa."`,
		},
		{
			"the zone lies elsewhere and has glue",
			in4("192.0.2.128/25: {zone: <2>rev.acme.example, glue: {<1>ns1.rev.acme.example: 203.0.113.1}}"),
			`the zone "rev.acme.example." lies in none of yours, and glue would not be published`,
			`remove glue, or choose a zone below "2.0.192.in-addr.arpa."`,
		},
		{
			"one DS record for four zones", in6("2001:db8:f00::/46: {" + ns + ", " + ds + "}"),
			"2001:db8:f00::/46 is delegated as 4 zones, and a DS record is right for one of them only",
			"delegate each of them by itself, from 2001:db8:f00::/48 on, with its own DS records",
		},
	})
	testClean(t, map[string][]string{
		"IPv6":                 in6("2001:db8:f00::/46: {" + ns + "}"),
		"a single address":     in4("192.0.2.200/32: {" + ns + "}"),
		"classless":            in4(classless),
		"signed":               in6("2001:db8:f00::/48: {" + ns + ", " + strings.ReplaceAll(ds, "<1>", "") + "}"),
		"signed and elsewhere": in4("192.0.2.128/25: {zone: rev.acme.example}"),
	})
}

func TestDelegationGlue(t *testing.T) {
	const (
		inside  = "128-25.2.0.192.in-addr.arpa"
		add     = `add its addresses under "glue", without which nobody finds it, or use a server with another name`
		without = "remove it: its own zone has the address"
	)
	with := func(more string) []string { return in4("192.0.2.128/25: {zone: " + inside + ", " + more + "}") }
	outside := []string{"rules: {}", "rules: {nameserver-in-block: off}"}
	testMistakes(t, delegationGlue, []mistake{
		{
			"none", with("nameservers: [ns1.acme.example, <1>ns2." + inside + "]"),
			`name server "ns2.` + inside + `." lies in the zone that it serves, and has no address here`, add,
		},
		{
			"none at the apex", with("nameservers: [ns1.acme.example, <1>" + inside + "]"),
			`name server "` + inside + `." lies in the zone that it serves, and has no address here`, add,
		},
		{
			"none in one of two zones",
			in6("2001:db8:f00::/47: {nameservers: [ns1.acme.example, <1>ns.1.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa]}"),
			`name server "ns.1.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa." lies in the zone that it serves, and has no address here`, add,
		},
		{
			"for a server outside of the zone", with(ns + ", glue: {<1>ns1.acme.example: 203.0.113.1}"),
			`name server "ns1.acme.example." needs no address here: it does not lie in the zone that it serves`, without,
		},
		{
			"for a server beside the zone",
			append(with("nameservers: [ns1.acme.example, ns1.2.0.192.in-addr.arpa], "+
				"glue: {<1>ns1.2.0.192.in-addr.arpa: 203.0.113.1}"), outside...),
			`name server "ns1.2.0.192.in-addr.arpa." needs no address here: it does not lie in the zone that it serves`, without,
		},
		{
			"for a name whose end looks like the zone",
			append(with("nameservers: [ns1.acme.example, ns1-"+inside+"], glue: {<1>ns1-"+inside+": 203.0.113.1}"), outside...),
			`name server "ns1-` + inside + `." needs no address here: it does not lie in the zone that it serves`, without,
		},
		{
			"for no server", with(ns + ", glue: {<1>ns1." + inside + ": 203.0.113.1}"),
			`"ns1.` + inside + `." is none of the name servers of 192.0.2.128/25`, `add it under "nameservers"`,
		},
	})
	t.Run("misspelt", func(t *testing.T) {
		l := run(t, change(t, with("nameservers: [ns1.acme.example, ns1."+inside+"], "+
			"glue: {ns11."+inside+": 203.0.113.1}")...))
		if len(l) != 2 || l[1].Hint != `write "ns1.`+inside+`.", or add it under "nameservers"` {
			t.Errorf("%+v", l)
		}
	})
	testClean(t, map[string][]string{
		"inside": with("nameservers: [ns1." + inside + ", " + inside + "], glue: {ns1." + inside +
			": [203.0.113.1, 2001:db8:f00::1], " + inside + ": 203.0.113.2}"),
		"outside": with(ns),
		"in one of two zones": in6("2001:db8:f00::/47: {nameservers: [ns1.acme.example, " +
			"ns.1.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa], glue: {ns.1.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa: 203.0.113.1}}"),
	})
}

func TestAddressInDelegation(t *testing.T) {
	const hint = "remove it: only those servers can name it; if they are yours, add the block "
	testMistakes(t, addressInDelegation, []mistake{
		{
			"a name", append(in4("<2>"+classless), "192.0.2.1: gw1", "<1>192.0.2.129: gw1"),
			`192.0.2.129 has the name "gw1.example.net.", but lies in 192.0.2.128/25, which is delegated to other servers`,
			hint + "192.0.2.128/25",
		},
		{
			"below a cut", append(in6("<2>2001:db8:f00::/46: {"+ns+"}"), "198.51.100.65: shop", "<1>2001:db8:f03::1: shop"),
			`2001:db8:f03::1 has the name "shop.example.net.", but lies in 2001:db8:f00::/46, ` +
				"which is delegated to other servers",
			hint + "2001:db8:f00::/46",
		},
		{
			"at a cut", append(in4("<2>192.0.2.200/32: {"+ns+"}"), "192.0.2.1: gw1", "<1>192.0.2.200: gw1"),
			`192.0.2.200 has the name "gw1.example.net.", but lies in 192.0.2.200/32, which is delegated to other servers`,
			hint + "192.0.2.200/32",
		},
		{
			"a primary address", append(in4("<2>"+classless), "primary: 192.0.2.20", "primary: <1>192.0.2.255"),
			`192.0.2.255 is the primary address of server "web2", but lies in 192.0.2.128/25, ` +
				"which is delegated to other servers",
			hint + "192.0.2.128/25",
		},
		{
			"without a name", append(in4("<2>"+classless), "192.0.2.11:", "<1>192.0.2.128:"),
			"192.0.2.128 lies in 192.0.2.128/25, which is delegated to other servers", hint + "192.0.2.128/25",
		},
	})
	testClean(t, map[string][]string{
		"just before it": append(in4(classless), "192.0.2.1: gw1", "192.0.2.127: gw1"),
		"a routed prefix": append(in6("2001:db8:f00::/48: {"+ns+"}"),
			"198.51.100.65: shop.example.net", "2001:db8:f00::/64:"),
		"in a block of ours": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", classless) + "\n  192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}",
			"192.0.2.1: gw1", "192.0.2.129: gw1",
		},
	})
}

func TestFallbackNotInvertible(t *testing.T) {
	const hint = "use {ip}, with a dot or a dash behind it, or a domain outside of the forward zone"
	in := func(block, fallback, zone string) []string {
		return []string{
			block + ": {}", block + `: {fallback: <1>"` + fallback + `"}`,
			"lint:", "forward_zones: [<2>" + zone + "]\nlint:",
		}
	}
	testMistakes(t, fallbackNotInvertible, []mistake{
		{
			"only some octets", in("192.0.2.0/24", "host-{d}.vps.example", "vps.example"),
			`the forward zone "vps.example." cannot answer for the fallback of block 192.0.2.0/24: ` +
				"only some of {a}, {b}, {c} and {d} are in it",
			hint,
		},
		{
			"further below the zone", in("192.0.2.0/24", "{d}.ams.vps.example", "vps.example"),
			`the forward zone "vps.example." cannot answer for the fallback of block 192.0.2.0/24: ` +
				"only some of {a}, {b}, {c} and {d} are in it",
			hint,
		},
		{
			"where the address ends is not certain", in("192.0.2.0/24", "{ip}0.vps.example", "vps.example"),
			`the forward zone "vps.example." cannot answer for the fallback of block 192.0.2.0/24: ` +
				"where {ip} ends is not certain: a digit can follow",
			hint,
		},
	})
	invertible := func(block, fallback, zone string) []string {
		l := in(block, fallback, zone)
		for i := range l {
			l[i] = mark.ReplaceAllString(l[i], "")
		}
		return l
	}
	testClean(t, map[string][]string{
		"IPv4": invertible("192.0.2.0/24", "{ip}.vps.example", "vps.example"),
		"IPv6": append(invertible("2001:db8::/33", "{ip}0.vps.example", "vps.example"),
			"rules: {}", "rules: {fallback-not-transferable: off}"),
		"in no forward zone":    invertible("192.0.2.0/24", "host-{d}.vps.example", "miniserver.example"),
		"beside a forward zone": invertible("192.0.2.0/24", "host-{d}.vps.example", "a.vps.example"),
	})
}

func TestHostnameAmbiguous(t *testing.T) {
	const hint = "rename the server, or give the fallback a domain of its own"
	forward := []string{"lint:", "forward_zones: [vps.example]\nlint:"}
	testMistakes(t, hostnameAmbiguous, []mistake{
		{
			"another address of the block",
			append([]string{
				"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: <2>"h{ip}.vps.example"}`,
				"  web2:", "  h192-0-2-77:", "primary: 192.0.2.20", "primary: <1>192.0.2.20",
			}, forward...),
			`"h192-0-2-77.vps.example.", the default hostname of server "h192-0-2-77", ` +
				"is also the fallback name of 192.0.2.77",
			hint,
		},
		{
			"an address of another block, although a name replaces the default",
			append([]string{
				"2001:db8::/33: {}", `2001:db8::/33: {fallback: <2>"{ip}.vps.example"}`,
				"  web2:", "  2001-0db8-0000-0000-0000-0000-0000-0077:",
				"primary: 192.0.2.20\n    addresses:\n", "primary: <1>192.0.2.20\n    addresses:\n      192.0.2.20: a.example\n",
				"rules: {}", "rules: {fallback-not-transferable: off}",
			}, forward...),
			`"2001-0db8-0000-0000-0000-0000-0000-0077.vps.example.", the default hostname of server ` +
				`"2001-0db8-0000-0000-0000-0000-0000-0077", is also the fallback name of 2001:db8::77`,
			hint,
		},
	})
	testClean(t, map[string][]string{
		"no address of the block": append([]string{
			"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "h{ip}.vps.example"}`, "  web2:", "  h203-0-113-77:",
		}, forward...),
		"the same address": append([]string{
			"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.static.vps.example"}`,
			`"{server}.vps.example"`, `"{ip}.static.vps.example"`,
		}, forward...),
		"in no forward zone": {
			"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "h{ip}.vps.example"}`, "  web2:", "  h192-0-2-77:",
		},
	})
}

// TestNameserverWithoutAddress holds the servers of zones and of delegations that the forward zone has no address for.
func TestNameserverWithoutAddress(t *testing.T) {
	const (
		ns   = "ns1.example.net, ns2.example.net"
		hint = "use the default hostname of a server, or a name outside of the forward zones"
	)
	says := func(name string) string {
		return fmt.Sprintf("name server %q has no address: the forward zone %q answers that there is no such name",
			name, "vps.example.")
	}
	testMistakes(t, nameserverWithoutAddress, []mistake{
		{
			"of all zones",
			[]string{ns, "<1>ns1.vps.example, ns2.example.net", "lint:", "forward_zones: [<2>vps.example]\nlint:"},
			says("ns1.vps.example."), hint,
		},
		{
			"of a delegation",
			[]string{
				"192.0.2.0/24: {}", block("192.0.2.0/24", "192.0.2.7/32: {nameservers: [<1>ns1.vps.example, ns2.acme.example]}"),
				"lint:", "forward_zones: [<2>vps.example]\nlint:",
			},
			says("ns1.vps.example."), hint,
		},
	})
	testClean(t, map[string][]string{
		"a default hostname":     {ns, "web1.vps.example, ns2.example.net", "lint:", "forward_zones: [vps.example]\nlint:"},
		"outside of the zone":    {ns, "ns1.example.org, ns2.example.org", "lint:", "forward_zones: [vps.example]\nlint:"},
		"no forward zone at all": {ns, "ns1.vps.example, ns2.vps.example"},
		"a fallback name": {
			ns, "192-0-2-7.vps.example, ns2.example.net",
			"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.vps.example"}`,
			"lint:", "forward_zones: [vps.example]\nlint:",
		},
	})
}
