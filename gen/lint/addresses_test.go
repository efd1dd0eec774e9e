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
		"no name":                    {"192.0.2.11:", "192.0.2.255:"},
		".0 and .255 inside a block": {"192.0.2.0/24: {}", "192.0.2.0/23: {}", "192.0.2.1:", "192.0.3.0:", "192.0.2.11:", "192.0.2.255: a.example.net"},
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
		"of a routed prefix": {"2001:db8:1::/64:", "2001:db8:1::/64:\n      192.0.2.32/28:", "192.0.2.11:", "192.0.2.47: a.example.net"},
		"IPv6":               {"2001:db8:1::1:", "2001:db8::: "},
	})
}
