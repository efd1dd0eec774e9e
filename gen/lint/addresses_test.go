package lint

import "testing"

func TestAddressNetworkBroadcast(t *testing.T) {
	const hint = "correct the address: no host on a link can have it"
	testMistakes(t, addressNetworkBroadcast, []mistake{
		{
			"a name at the first address", []string{"192.0.2.0/24: {}", "<2>192.0.2.0/24: {}", "192.0.2.1:", "<1>192.0.2.0:"},
			`192.0.2.0 has the name "gw1.example.net.", and is the network address of block 192.0.2.0/24`, hint,
		},
		{
			"a name at the last address", []string{"192.0.2.0/24: {}", "<2>192.0.2.0/24: {}", "192.0.2.1:", "<1>192.0.2.255:"},
			`192.0.2.255 has the name "gw1.example.net.", and is the broadcast address of block 192.0.2.0/24`, hint,
		},
		{
			"a primary address",
			[]string{"192.0.2.0/24: {}", "<2>192.0.2.0/24: {}", "primary: 192.0.2.20", "primary: <1>192.0.2.255"},
			`192.0.2.255 is the primary address of server "web2", and the broadcast address of block 192.0.2.0/24`, hint,
		},
		{
			"a primary address with a name is one mistake",
			[]string{
				"192.0.2.0/24: {}", "<2>192.0.2.0/24: {}", "primary: 192.0.2.20", "primary: 192.0.2.255",
				"198.51.100.65: shop", "<1>192.0.2.255: shop",
			},
			`192.0.2.255 has the name "shop.example.net.", and is the broadcast address of block 192.0.2.0/24`, hint,
		},
		{
			"of a classless block", []string{"198.51.100.64/26", "<2>198.51.100.64/26", "198.51.100.65: ", "<1>198.51.100.64: "},
			`198.51.100.64 has the name "shop.example.net.", and is the network address of block 198.51.100.64/26`, hint,
		},
		{
			"of four addresses",
			[]string{
				"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  <2>203.0.113.4/30: {zone: 4-30.113.0.203.in-addr.arpa}",
				"192.0.2.1:", "<1>203.0.113.7:",
			},
			`203.0.113.7 has the name "gw1.example.net.", and is the broadcast address of block 203.0.113.4/30`, hint,
		},
		{
			"of a block inside a block",
			[]string{
				"192.0.2.0/24: {}", block("192.0.2.0/24", classless) + "\n  <2>192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}",
				"192.0.2.1:", "<1>192.0.2.255:",
			},
			`192.0.2.255 has the name "gw1.example.net.", and is the broadcast address of block 192.0.2.128/25`, hint,
		},
	})
	testClean(t, map[string][]string{
		"no name": {"192.0.2.11:", "192.0.2.255:"},
		".0 and .255 inside a block": {
			"192.0.2.0/24: {}", "192.0.2.0/23: {}", "192.0.2.1:", "192.0.3.0:", "192.0.2.11:", "192.0.2.255: a.example.net",
		},
		"one of two addresses": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  203.0.113.4/31: {zone: 4-31.113.0.203.in-addr.arpa}",
			"192.0.2.1:", "203.0.113.4:", "192.0.2.11:", "203.0.113.5: a.example.net",
		},
		"one address": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  203.0.113.4/32: {zone: 4-32.113.0.203.in-addr.arpa}",
			"192.0.2.1:", "203.0.113.4:",
		},
		"of a smaller block that is one address": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", "192.0.2.255/32: {"+ns+"}") + "\n  192.0.2.255/32: {zone: 255.2.0.192.in-addr.arpa}",
			"192.0.2.1:", "192.0.2.255:",
		},
		"of a routed prefix": {
			"2001:db8:1::/64:", "2001:db8:1::/64:\n      192.0.2.32/28:", "192.0.2.11:", "192.0.2.47: a.example.net",
		},
		"IPv6": {"2001:db8:1::1:", "2001:db8::: "},
	})
}

func TestPrimaryNotListed(t *testing.T) {
	const hint = `add it under "addresses", or correct it`
	testMistakes(t, primaryNotListed, []mistake{
		{
			"beside an address",
			[]string{
				"primary: [192.0.2.10, 2001:db8::10]", "primary: [<1>192.0.2.12, 2001:db8::10]",
				"2001:db8:1::1: www", "2001:db8::10: www", "primary: 192.0.2.20", "primary: 198.51.100.65",
			},
			`192.0.2.12, a primary address of server "web1", is none of the addresses that it lists`, hint,
		},
		{
			"beside a routed prefix",
			[]string{
				"2001:db8::10]", "<1>2001:db8::10]", "2001:db8:1::1: www", "192.0.2.13: www",
				"primary: 192.0.2.20", "primary: 198.51.100.65",
			},
			`2001:db8::10, a primary address of server "web1", is none of the addresses that it lists`, hint,
		},
	})
	testClean(t, map[string][]string{
		"listed or in a routed prefix": append(turnOn(primaryNotListed),
			"2001:db8::10]", "2001:db8:1::10]", "primary: 192.0.2.20", "primary: 198.51.100.65"),
		"nothing of its family is listed": append(turnOn(primaryNotListed),
			"2001:db8::10]", "2001:db8:1::10]", "primary: 192.0.2.20", `primary: "2001:db8::20"`),
	})
}

func TestHostnameShared(t *testing.T) {
	const (
		template = `hostname: "{server}.vps.example"`
		rename   = "rename one of the two: in DNS, upper and lower case are the same"
	)
	testMistakes(t, hostnameShared, []mistake{
		{
			"letter case",
			[]string{
				"web2:", "Web1:", "192.0.2.10: mail", "192.0.2.12: mail", "primary: [", "primary: [<2>",
				"primary: 192.0.2.20", "primary: <1>192.0.2.20",
			},
			`servers "web1" and "Web1" have the same default hostname, "web1.vps.example."`, rename,
		},
		{
			"letter case, the first at the higher address",
			[]string{
				"web2:", "Web1:", "192.0.2.10: mail", "192.0.2.12: mail", "primary: [", "primary: [<2>",
				"primary: 192.0.2.20", "primary: <1>192.0.2.2",
			},
			`servers "web1" and "Web1" have the same default hostname, "web1.vps.example."`, rename,
		},
		{
			"letter case, in both families",
			[]string{
				"web2:", "Web1:", "192.0.2.10: mail", "192.0.2.12: mail", "primary: [", "primary: [<2>",
				"primary: 192.0.2.20", `primary: [<1>192.0.2.20, "2001:db8::20"]`,
			},
			`servers "web1" and "Web1" have the same default hostname, "web1.vps.example."`, rename,
		},
		{
			"a template without {server}",
			[]string{
				template, `hostname: <1>"host.vps.example"`, "192.0.2.10: mail", "192.0.2.12: mail",
				"primary: [", "primary: [<2>", "primary: 192.0.2.20", "primary: <3>192.0.2.20",
			},
			`servers "web1" and "web2" have the same default hostname, "host.vps.example."`,
			"put {server} into the template",
		},
		{
			"a template without {server}, for three servers",
			[]string{
				template, `hostname: <1>"host.vps.example"`, "192.0.2.10: mail", "192.0.2.12: mail",
				"primary: [", "primary: [<2>", "primary: 192.0.2.20", "primary: <3>192.0.2.20",
				"addresses:\n  192.0.2.1", "  web3: {product: vps, primary: 192.0.2.30}\naddresses:\n  192.0.2.1",
			},
			`servers "web1" and "web2" have the same default hostname, "host.vps.example."`,
			"put {server} into the template",
		},
		{
			"names replace it, but not in the forward zone",
			[]string{
				"web2:", "Web1:", "primary: [", "primary: [<2>", "primary: 192.0.2.20", "primary: <1>198.51.100.65",
				"lint:\n", "forward_zones: [vps.example]\nlint:\n",
			},
			`servers "web1" and "Web1" have the same default hostname, "web1.vps.example."`, rename,
		},
	})
	testClean(t, map[string][]string{
		"names replace it": {"web2:", "Web1:", "primary: 192.0.2.20", "primary: 198.51.100.65"},
		"of different families": {
			"web2:", "Web1:", "primary: 192.0.2.20", `primary: "2001:db8::20"`, "192.0.2.10, 2001:db8::10]", "192.0.2.12]",
		},
		"a product for each": {
			"web2:", "Web1:", "192.0.2.10: mail", "192.0.2.12: mail",
			"accounts:\n", "  own: {hostname: \"{server}.example\"}\naccounts:\n",
			"product: vps\n    primary: 192.0.2.20", "product: own\n    primary: 192.0.2.20",
		},
	})
}
