package lint

import (
	"fmt"
	"strings"
	"testing"
)

// extra is a change of good: another block, marked <1>.
func extra(prefix string) []string {
	zone := ""
	if strings.Contains(prefix, ".") && strings.HasSuffix(prefix, "/32") {
		zone = "zone: classless.example"
	}
	return []string{"192.0.2.0/24: {}", fmt.Sprintf("192.0.2.0/24: {}\n  <1>%s: {%s}", prefix, zone)}
}

func TestBlockSpecialPurpose(t *testing.T) {
	const (
		remove = "correct the prefix, or remove the block"
		local  = "remove the block, or make the resolvers of your network ask for it"
	)
	var mistakes []mistake
	for _, test := range []struct{ prefix, message string }{
		{"10.1.0.0/16", "private-use space (RFC 1918): resolvers answer for it themselves (RFC 6303)"},
		{"10.0.0.0/8", "private-use space (RFC 1918): resolvers answer for it themselves (RFC 6303)"},
		{"100.127.0.0/16", "shared address space (RFC 6598): resolvers answer for it themselves (RFC 7793)"},
		{"127.0.0.0/24", "loopback space (RFC 1122 section 3.2.1.3): resolvers answer for it themselves (RFC 6303)"},
		{"192.0.0.0/24", "protocol assignment space (RFC 6890 section 2.1), which no registry gives to a network"},
		{"198.19.0.0/24", "benchmarking space (RFC 2544), which no registry gives to a network"},
		{"233.252.0.0/24", "multicast space (RFC 5771), which no registry gives to a network"},
		{"250.0.0.0/24", "reserved space (RFC 1112 section 4), which no registry gives to a network"},
		{"255.255.255.255/32", "limited broadcast space (RFC 919): resolvers answer for it themselves (RFC 6303)"},
		{"::/96", "reserved space (RFC 4291 section 2.4), which no registry gives to a network"},
		{"::1/128", "loopback space (RFC 4291): resolvers answer for it themselves (RFC 6303)"},
		{"64:ff9b::/96", "IPv4 translation space (RFC 6052), which no registry gives to a network"},
		{"2001:100::/24", "protocol assignment space (RFC 2928), which no registry gives to a network"},
		{"2001:0:c000:200::/56", "Teredo space (RFC 4380), which no registry gives to a network"},
		{"2002:c000:200::/48", "6to4 space (RFC 3056), which no registry gives to a network"},
		{"4000::/4", "reserved space (RFC 4291 section 2.4), which no registry gives to a network"},
		{"a000::/4", "reserved space (RFC 4291 section 2.4), which no registry gives to a network"},
		{"fc00:1::/32", "unique-local space (RFC 4193), which no registry gives to a network"},
		{"fd00:1::/32", "unique-local space (RFC 4193): resolvers answer for it themselves (RFC 6303)"},
		{"fe80::/10", "link-local space (RFC 4291): resolvers answer for it themselves (RFC 6303)"},
		{"ff02::/16", "multicast space (RFC 4291), which no registry gives to a network"},
	} {
		hint := remove
		if strings.Contains(test.message, "resolvers") {
			hint = local
		}
		mistakes = append(mistakes, mistake{
			test.prefix, extra(test.prefix), "block " + test.prefix + " is " + test.message, hint,
		})
	}
	testMistakes(t, blockSpecialPurpose, mistakes)

	clean := make(map[string][]string)
	for _, prefix := range []string{
		"0.0.0.0/1", "9.255.255.0/24", "11.0.0.0/24", "172.32.0.0/16", "192.0.1.0/24", "198.20.0.0/16", "223.255.255.0/24",
		"2001::/22", "2001:200::/23", "2003::/16", "2600::/12", "3ffe::/16",
	} {
		o := extra(prefix)
		o[1] = strings.Replace(o[1], "<1>", "", 1)
		clean[prefix] = o
	}
	testClean(t, clean)
}

// TestReserved holds that each range is found for itself, has no host bits, and says what reserves it.
func TestReserved(t *testing.T) {
	for _, list := range [][]reserved{specialPurpose, documentation} {
		for i, r := range list {
			if r.prefix != r.prefix.Masked() || r.name == "" || !strings.HasPrefix(r.rfc, "RFC ") {
				t.Errorf("%+v", r)
			}
			if got := holding(list, r.prefix); got != &list[i] {
				t.Errorf("%s is held by %s", r.prefix, got.prefix)
			}
		}
	}
}

func TestBlockDocumentation(t *testing.T) {
	for _, test := range []struct{ prefix, message string }{
		{"203.0.113.0/24", "documentation space (RFC 5737): resolvers answer for it themselves (RFC 6303)"},
		{"3fff:100::/24", "documentation space (RFC 9637), which no registry gives to a network"},
	} {
		t.Run(test.prefix, func(t *testing.T) {
			o := extra(test.prefix)
			text, at := marks(change(t, append(o, turnOn(blockDocumentation)...)...))
			for _, d := range run(t, text) {
				if d.Rule != blockDocumentation.ID {
					t.Errorf("%+v", d)
				}
				if d.Pos.String() == at["<1>"] {
					if d.Message != "block "+test.prefix+" is "+test.message {
						t.Errorf("message %q", d.Message)
					}
					return
				}
			}
			t.Error("not found")
		})
	}
}

func TestSOATimers(t *testing.T) {
	const contact = "contact: hostmaster@example.net"
	with := func(timers string) []string { return []string{contact, contact + ", " + timers} }
	const (
		refreshUp   = "write 5m or more: NOTIFY tells secondaries of changes at once"
		refreshDown = "write 2d or less; 1h to 1d is usual"
		retryUp     = "write 3m or more; 15m to 2h is usual"
		retryDown   = "make retry a fraction of refresh: it is for when that has failed"
		expireUp    = "write 1w or more; 2w to 4w is usual"
		expireDown  = "write 6w or less; 2w to 4w is usual"
		negativeUp  = "write 1m or more; 5m to 3h is usual"
		negative    = "write 1d or less; 5m to 3h is usual"
	)
	testMistakes(t, soaTimers, []mistake{
		{
			"no refresh", with("refresh: <1>0"),
			"refresh is 0: each secondary asks for the serial of each zone that often", refreshUp,
		},
		{
			"a short refresh says nothing of retry", with("refresh: <1>4m59s, retry: 10m"),
			"refresh is 4m59s: each secondary asks for the serial of each zone that often", refreshUp,
		},
		{
			"long refresh", with("refresh: <1>7d"),
			"refresh is 1w: a secondary that misses a NOTIFY may answer from old data for that long", refreshDown,
		},
		{
			"short retry", with("retry: <1>1m"),
			"retry is 1m: while the primary is down, each secondary asks it for each zone that often", retryUp,
		},
		{
			"retry longer than refresh", with("refresh: <2>10m, retry: <1>11m"),
			"retry is longer than refresh: 11m and 10m", retryDown,
		},
		{
			"retry longer than the usual refresh", with("retry: <1>2h"),
			"retry is longer than refresh: 2h and 1h", retryDown,
		},
		{
			"refresh shorter than the usual retry", with("refresh: <1>10m"),
			"retry is longer than refresh: 15m and 10m", retryDown,
		},
		{
			"short expire", with("expire: <1>604799"),
			"expire is 6d23h59m59s: secondaries stop answering when the primary is down for that long", expireUp,
		},
		{
			"long expire", with("expire: <1>365d"),
			"expire is 365d: a secondary that has lost its primary answers from old data for that long", expireDown,
		},
		{
			"no negative caching", with("negative_ttl: <1>0"),
			"negative_ttl is 0: resolvers ask nearly every time for a name that does not exist", negativeUp,
		},
		{
			"long negative caching", with("negative_ttl: <1>1d1s"),
			"negative_ttl is 1d1s: a name that is new may be unknown to resolvers for that long", negative,
		},
	})
	testClean(t, map[string][]string{
		"the shortest":      with("refresh: 5m, retry: 3m, expire: 1w, negative_ttl: 1m"),
		"the longest":       with("refresh: 2d, retry: 2d, expire: 6w, negative_ttl: 1d"),
		"RFC 1912":          with("refresh: 12h, retry: 15m, expire: 4w"),
		"RIPE-203":          with("refresh: 86400, retry: 7200, expire: 3600000"),
		"a university":      with("refresh: 1d, retry: 30m, expire: 4w, negative_ttl: 30m"),
		"a registry's zone": with("refresh: 3600, retry: 600, expire: 864000, negative_ttl: 3600"),
	})
}

func TestTTLRange(t *testing.T) {
	const (
		up   = "write 1m or more; 5m is short enough for what is about to change"
		down = "write 1w or less: resolvers keep nothing for longer"
	)
	gw := func(ttl string) []string {
		return []string{"192.0.2.1: gw1.example.net", "192.0.2.1: {name: gw1.example.net, ttl: " + ttl + "}"}
	}
	defaults := func(ttl string) []string { return []string{"defaults:\n", "defaults:\n  ttl: " + ttl + "\n"} }
	testMistakes(t, ttlRange, []mistake{
		{"0", gw("<1>0"), "with a TTL of 0, resolvers have to ask nearly every time", up},
		{"short", gw("<1>59"), "with a TTL of 59s, resolvers have to ask nearly every time", up},
		{"long", gw("<1>2w"), "with a TTL of 2w, a change may not be seen for that long", down},
		{
			"the longest that there is", gw("<1>2147483647"),
			"with a TTL of 24855d3h14m7s, a change may not be seen for that long", down,
		},
		{"short for all", defaults("<1>1s"), "with a TTL of 1s, resolvers have to ask nearly every time", up},
		{"long for all", defaults("<1>1w1s"), "with a TTL of 7d1s, a change may not be seen for that long", down},
		{
			"of a server's address",
			[]string{"192.0.2.10: mail.example.net", "192.0.2.10: {name: mail.example.net, ttl: <1>30}"},
			"with a TTL of 30s, resolvers have to ask nearly every time", up,
		},
	})
	testClean(t, map[string][]string{
		"short":         gw("1m"),
		"long":          gw("1w"),
		"short for all": defaults("60"),
		"long for all":  defaults("7d"),
	})
}

func TestNameserverSingle(t *testing.T) {
	const (
		both    = "[ns1.example.net, ns2.example.net]"
		another = "add one on another network: when this one cannot be reached, no name is found"
		remove  = "write the name of another server, or remove it"
		twice   = `name server "ns1.example.net." is listed twice`
	)
	testMistakes(t, nameserverSingle, []mistake{
		{
			"of all zones", []string{both, "[<1>ns1.example.net]"},
			`"ns1.example.net." is the only name server of all zones`, another,
		},
		{"twice", []string{both, "[<2>ns1.example.net, <1>ns1.example.net.]"}, twice, remove},
		{"twice beside another", []string{both, "[<2>ns1.example.net, ns2.example.net, <1>NS1.example.net]"}, twice, remove},
		{
			"of a delegation", in6("2001:db8:f00::/48: {nameservers: [<1>ns1.acme.example]}"),
			`"ns1.acme.example." is the only name server of 2001:db8:f00::/48`, another,
		},
	})
	testClean(t, map[string][]string{
		"three":                     {both, "[ns1.example.net, ns2.example.net, ns3.example.net]"},
		"a delegation into no zone": in4("192.0.2.128/25: {zone: rev.acme.example}"),
	})
}

func TestNameserverInBlock(t *testing.T) {
	const (
		one     = "ns1.example.net, ns2"
		hint    = "give the server a name in a domain of its own"
		apex    = "2.0.192.in-addr.arpa"
		child   = "0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa"
		servers = "nameservers: [ns1.acme.example, ns." + child + "], glue: {ns." + child + ": 203.0.113.1}"
	)
	says := func(name, zone, block string) string {
		return fmt.Sprintf("name server %q lies in the zone %q of block %s, and can have no address there", name, zone, block)
	}
	testMistakes(t, nameserverInBlock, []mistake{
		{
			"below an apex", []string{one, "<1>ns1." + apex + ", ns2", "192.0.2.0/24: {}", "<2>192.0.2.0/24: {}"},
			says("ns1."+apex+".", apex+".", "192.0.2.0/24"), hint,
		},
		{
			"at an apex", []string{one, "<1>" + apex + ", ns2", "192.0.2.0/24: {}", "<2>192.0.2.0/24: {}"},
			says(apex+".", apex+".", "192.0.2.0/24"), hint,
		},
		{
			"below the apex of a classless block",
			[]string{one, "<1>ns.64-26.100.51.198.in-addr.arpa, ns2", "198.51.100.64/26:", "<2>198.51.100.64/26:"},
			says("ns.64-26.100.51.198.in-addr.arpa.", "64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26"), hint,
		},
		{
			"of a delegation", []string{
				"192.0.2.0/24: {}", "<2>192.0.2.0/24: {}",
				"2001:db8::/33: {}",
				block("2001:db8::/33", "2001:db8:f00::/48: {nameservers: [ns1.acme.example, <1>ns2."+apex+"]}"),
			},
			says("ns2."+apex+".", apex+".", "192.0.2.0/24"), hint,
		},
		{
			"in a block inside a block",
			[]string{
				one, "<1>ns." + child + ", ns2",
				"2001:db8::/33: {}", block("2001:db8::/33", "2001:db8:f00::/48: {"+ns+"}") + "\n  <2>2001:db8:f00::/48: {}",
			},
			says("ns."+child+".", child+".", "2001:db8:f00::/48"), hint,
		},
	})
	testClean(t, map[string][]string{
		"in no zone of ours":     {one, "ns1.3.0.192.in-addr.arpa, ns2"},
		"in a delegation's zone": in6("2001:db8:f00::/48: {" + servers + "}"),
		"in another delegation's zone": in6("2001:db8:f00::/48: {"+servers+"}",
			"2001:db8:f01::/48: {nameservers: [ns1.acme.example, ns."+child+"]}"),
	})
}

func TestClasslessLabel(t *testing.T) {
	const says = `has a /, which some programs take for the end of a folder's name`
	testMistakes(t, classlessLabel, []mistake{
		{
			"of a block", []string{"zone: 64-26", "zone: <1>64/26"},
			`the zone name "64/26.100.51.198.in-addr.arpa." ` + says,
			`agree on another name with the owner of the parent zone, such as "64-26.100.51.198.in-addr.arpa."`,
		},
		{
			"of a delegation", in4("192.0.2.128/25: {zone: <1>128/25.2.0.192.in-addr.arpa, " + ns + "}"),
			`the zone name "128/25.2.0.192.in-addr.arpa." ` + says,
			`agree on another name with the owner of the zone, such as "128-25.2.0.192.in-addr.arpa."`,
		},
	})
	testClean(t, map[string][]string{
		"not by default": {"zone: 64-26", "zone: 64/26"},
		"a dash":         turnOn(classlessLabel),
	})
}

func TestFallbackNotTransferable(t *testing.T) {
	const (
		says = "block 2001:db8::/33 has more names than can be listed: its zones cannot be transferred or exported, " +
			"and the catalog leaves them out"
		hint = "give all servers of these zones the snapshot, or delegate what needs the fallback to a block of its own"
	)
	fallback := []string{"2001:db8::/33: {}", `2001:db8::/33: {fallback: <1>"{ip}.v6.example"}`}
	testMistakes(t, fallbackNotTransferable, []mistake{
		{"alone", fallback, says, hint},
		{"in a forward zone", append(fallback, "lint:\n", "forward_zones: [<2>v6.example]\nlint:\n"), says, hint},
	})
	testClean(t, map[string][]string{
		"IPv4": {"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.v4.example"}`},
	})
}

func TestDSZoneUnknown(t *testing.T) {
	const ds = `["1 13 2 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]`
	block := func(prefix, zone string) []string {
		return []string{"192.0.2.0/24: {}", fmt.Sprintf("192.0.2.0/24: {}\n  %s: {ds: {%s: %s}}", prefix, zone, ds)}
	}
	testMistakes(t, dsZoneUnknown, []mistake{
		{
			"octets in the order of the prefix", block("203.0.112.0/24", "<1>203.0.112.in-addr.arpa"),
			`"203.0.112.in-addr.arpa." is not the name of a zone of block 203.0.112.0/24`, `write "112.0.203.in-addr.arpa."`,
		},
		{
			"beside the zones", block("203.0.112.0/23", "<1>114.0.203.in-addr.arpa"),
			`"114.0.203.in-addr.arpa." is not the name of a zone of block 203.0.112.0/23`, `write "112.0.203.in-addr.arpa."`,
		},
		{
			"nothing like it", block("203.0.112.0/23", "<1>example.net"),
			`"example.net." is not the name of a zone of block 203.0.112.0/23`, `the first one is "112.0.203.in-addr.arpa."`,
		},
	})
	testClean(t, map[string][]string{
		"the second zone": block("203.0.112.0/23", "113.0.203.IN-ADDR.ARPA."),
		"IPv6":            block("2001:db9::/32", "9.b.d.0.1.0.0.2.ip6.arpa"),
	})
}
