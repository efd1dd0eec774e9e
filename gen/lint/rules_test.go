package lint

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

func TestAccountUnknown(t *testing.T) {
	testMistakes(t, accountUnknown, []mistake{
		{
			"misspelt", []string{"account: acme", "account: <1>acne"},
			`server "web1": no account "acne"`, `write "acme", or add it under "accounts"`,
		},
		{
			"none like it", []string{"account: acme", "account: <1>initech"},
			`server "web1": no account "initech"`, `add it under "accounts"`,
		},
	})
	testClean(t, map[string][]string{
		"none":       {"    account: acme\n", ""},
		"turned off": {"account: acme", "account: acne", "rules: {}", "rules: {account-unknown: off}"},
	})
}

func TestProductUnknown(t *testing.T) {
	testMistakes(t, productUnknown, []mistake{
		{
			"misspelt", []string{"product: vps\n    account", "product: <1>vpss\n    account"},
			`server "web1": no product "vpss"`, `write "vps", or add it under "products"`,
		},
		{
			"none, and a primary address without a name",
			[]string{"  web2:\n    product: vps\n    primary: ", "  <1>web2:\n    primary: <2>"},
			`server "web2" has no product, so its primary address 192.0.2.20 has no name`,
			"give the server a product, or the address a name",
		},
		{
			"none, and the primary address is listed without a name",
			[]string{
				"  web2:\n    product: vps\n    primary: 192.0.2.20\n    addresses:\n",
				"  <1>web2:\n    primary: <2>192.0.2.20\n    addresses:\n      192.0.2.20:\n",
			},
			`server "web2" has no product, so its primary address 192.0.2.20 has no name`,
			"give the server a product, or the address a name",
		},
		{
			"none, and the second primary address has no name",
			[]string{"  web1:\n    product: vps\n", "  <1>web1:\n", "2001:db8::10", "<2>2001:db8::10"},
			`server "web1" has no product, so its primary address 2001:db8::10 has no name`,
			"give the server a product, or the address a name",
		},
	})
	testClean(t, map[string][]string{
		"none is needed": {"  web1:\n    product: vps\n", "  web1:\n", ", 2001:db8::10", ""},
		"no primary":     {"    product: vps\n    primary: 192.0.2.20\n", ""},
	})
}

func TestAddressAssignedTwice(t *testing.T) {
	const hint = "remove it from one of the two places"
	testMistakes(t, addressAssignedTwice, []mistake{
		{
			"two servers",
			[]string{"192.0.2.11:", "<2>192.0.2.11:", "198.51.100.65: shop", "<1>192.0.2.11: shop"},
			`192.0.2.11 is assigned twice: to server "web1" and to server "web2"`, hint,
		},
		{
			"the server whose name comes first lists it last",
			[]string{"web1:", "web3:", "192.0.2.11:", "<2>192.0.2.11:", "198.51.100.65: shop", "<1>192.0.2.11: shop"},
			`192.0.2.11 is assigned twice: to server "web3" and to server "web2"`, hint,
		},
		{
			"server and top level",
			[]string{"192.0.2.11:", "<2>192.0.2.11:", "192.0.2.1: gw1", "<1>192.0.2.11: gw1"},
			`192.0.2.11 is assigned twice: to server "web1" and to no server`, hint,
		},
		{
			"primary address of a server and top level",
			[]string{"primary: 192.0.2.20", "primary: <2>192.0.2.20", "192.0.2.1: gw1", "<1>192.0.2.20: gw1"},
			`192.0.2.20 is assigned twice: to server "web2" and to no server`, hint,
		},
		{
			"other spelling",
			[]string{
				"2001:db8:1::1:", "<2>2001:db8:1::1:",
				"  web2:", "      <1>2001:DB8:1:0::1: mail.example.net\n  web2:",
			},
			`2001:db8:1::1 is listed twice, both times for server "web1"`, hint,
		},
		{
			"other spelling of a primary address",
			[]string{"[192.0.2.10, 2001:db8::10]", "[192.0.2.10, <2>2001:db8::10, <1>2001:db8:0::10]"},
			`2001:db8::10 is listed twice, both times for server "web1"`, hint,
		},
		{
			"routed prefix",
			[]string{
				"2001:db8:1::/64:", "<2>2001:db8:1::/64:",
				"198.51.100.65: shop.example.net", "<1>2001:db8:1::/64:",
			},
			`2001:db8:1::/64 is routed twice: to server "web1" and to server "web2"`, hint,
		},
	})
	t.Run("routed prefix, and the server whose name comes first lists it last", func(t *testing.T) {
		text, at := marks(change(t,
			"web1:", "web3:",
			"2001:db8:1::/64:", "<2>192.0.2.16/28:",
			"198.51.100.65: shop.example.net", "<1>192.0.2.16/28:",
		))
		l := run(t, text)
		if len(l) != 1 || l[0].Pos.String() != at["<1>"] || l[0].Related[0].Pos.String() != at["<2>"] {
			t.Errorf("%+v", l)
		}
	})
	testClean(t, map[string][]string{
		"a primary address that is listed too": {"198.51.100.65: shop", "192.0.2.20: shop"},
	})
	t.Run("the root file comes first", func(t *testing.T) {
		root := change(t, "lint:", "include: [a.yaml]\nlint:", "192.0.2.11:", "<1>192.0.2.11:")
		text, at := marks("-- records.yaml --\n" + root +
			"-- a.yaml --\nservers:\n  web0: {addresses: {<2>192.0.2.11: }}\n")
		l := run(t, text)
		if len(l) != 1 || l[0].Pos.String() != at["<2>"] || l[0].Related[0].Pos.String() != at["<1>"] {
			t.Errorf("%+v", l)
		}
	})
	t.Run("three places", func(t *testing.T) {
		text, at := marks(change(t, "192.0.2.11:", "<1>192.0.2.11:",
			"198.51.100.65: shop", "<2>192.0.2.11: shop", "192.0.2.1: gw1", "<3>192.0.2.11: gw1"))
		l := run(t, text)
		if len(l) != 2 || l[0].Pos.String() != at["<2>"] || l[1].Pos.String() != at["<3>"] {
			t.Fatalf("%+v", l)
		}
		for _, d := range l {
			if d.Related[0].Pos.String() != at["<1>"] {
				t.Errorf("%+v", d)
			}
		}
	})
}

func TestPrimaryOfAnotherServer(t *testing.T) {
	const hint = "remove it from the server that does not have it"
	testMistakes(t, primaryOfAnotherServer, []mistake{
		{
			"listed", []string{"primary: 192.0.2.20", "primary: <2>192.0.2.20", "192.0.2.11:", "<1>192.0.2.20:"},
			`server "web1" lists 192.0.2.20, the primary address of server "web2"`, hint,
		},
		{
			"primary",
			[]string{
				"primary: [192.0.2.10", "primary: [<2>192.0.2.10",
				"primary: 192.0.2.20", "primary: <1>192.0.2.10",
			},
			`server "web2" lists 192.0.2.10, the primary address of server "web1"`, hint,
		},
	})
	testClean(t, map[string][]string{
		"both list their own": {"198.51.100.65: shop.example.net", "192.0.2.20: shop.example.net"},
	})
}

func TestPrimaryFamilyTwice(t *testing.T) {
	const hint = "keep the one that the server sends from, and list the other under its addresses"
	testMistakes(t, primaryFamilyTwice, []mistake{
		{
			"IPv4", []string{"primary: 192.0.2.20", "primary: [<2>192.0.2.20, <1>192.0.2.21]"},
			`192.0.2.21 is a second primary IPv4 address of server "web2"`, hint,
		},
		{
			"IPv6", []string{"2001:db8::10]", "<2>2001:db8::10, <1>2001:db8::11]"},
			`2001:db8::11 is a second primary IPv6 address of server "web1"`, hint,
		},
	})
}

func TestAddressOutsideBlocks(t *testing.T) {
	const hint = `correct it, or add the block that it lies in under "blocks"`
	testMistakes(t, addressOutsideBlocks, []mistake{
		{
			"address of no server", []string{"192.0.2.1: gw1", "<1>203.0.113.1: gw1"},
			"203.0.113.1 lies in none of the blocks", hint,
		},
		{
			"primary address", []string{"primary: 192.0.2.20", "primary: <1>203.0.113.20"},
			"203.0.113.20 lies in none of the blocks", hint,
		},
		{
			"just before a classless block", []string{"198.51.100.65:", "<1>198.51.100.63:"},
			"198.51.100.63 lies in none of the blocks", hint,
		},
		{
			"just behind it", []string{"198.51.100.65:", "<1>198.51.100.128:"},
			"198.51.100.128 lies in none of the blocks", hint,
		},
		{
			"IPv6", []string{"198.51.100.65:", "<1>2001:db8:8000::1:"},
			"2001:db8:8000::1 lies in none of the blocks", hint,
		},
		{
			"routed prefix", []string{"198.51.100.65: shop.example.net", "<1>2001:db8:8000:1::/64:"},
			"2001:db8:8000:1::/64 lies in none of the blocks", hint,
		},
		{
			"routed prefix that is larger than its block",
			[]string{
				"2001:db8::/33: {}", "<2>2001:db8::/48: {}",
				"2001:db8:1::/64:", "<1>2001:db8::/47:",
				"2001:db8:1::1:", "2001:db8::1:",
			},
			"2001:db8::/47 reaches beyond the block 2001:db8::/48", "correct the prefix, or make the block larger",
		},
	})
	testClean(t, map[string][]string{
		"first and last of a block": {
			"198.51.100.65:", "198.51.100.64:", "192.0.2.11:", "198.51.100.127:", "192.0.2.1:", "192.0.2.255:",
			"rules: {}", "rules: {address-network-broadcast: off}",
		},
		"a routed prefix that is a block": {"2001:db8:1::/64:", "2001:db8::/33:"},
		"blocks side by side": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  203.0.113.0/24: {}",
		},
	})
}

func TestAddressRoutedElsewhere(t *testing.T) {
	testMistakes(t, addressRoutedElsewhere, []mistake{
		{
			"another server's",
			[]string{
				"2001:db8:1::/64:", "<2>2001:db8:1::/64:",
				"198.51.100.65:", "<1>2001:db8:1::2:",
			},
			`2001:db8:1::2 of server "web2" lies in 2001:db8:1::/64, which is routed to server "web1"`,
			`move it to server "web1", or correct one of the two`,
		},
		{
			"no server's",
			[]string{
				"2001:db8:1::/64:", "<2>2001:db8:1::/64:",
				"192.0.2.1: gw1", "<1>2001:db8:1:0:ffff::: gw1",
			},
			`2001:db8:1:0:ffff:: lies in 2001:db8:1::/64, which is routed to server "web1"`,
			`move it to server "web1", or correct one of the two`,
		},
		{
			"the smaller of two prefixes counts",
			[]string{
				"2001:db8:1::/64:", "2001:db8:1::/64:\n      <2>2001:db8:1::/80:",
				"198.51.100.65:", "<1>2001:db8:1::2:",
			},
			`2001:db8:1::2 of server "web2" lies in 2001:db8:1::/80, which is routed to server "web1"`,
			`move it to server "web1", or correct one of the two`,
		},
		{
			"a prefix of another server",
			[]string{
				"2001:db8:1::/64:", "<2>2001:db8:1::/64:",
				"198.51.100.65: shop.example.net", "<1>2001:db8:1::8000:0/112:",
			},
			`2001:db8:1::8000:0/112 of server "web2" lies in 2001:db8:1::/64, which is routed to server "web1"`,
			`move it to server "web1", or correct one of the two`,
		},
		{
			"behind a smaller prefix that has ended",
			[]string{
				"2001:db8:1::/64:", "<2>2001:db8:1::/64:\n      2001:db8:1::/80:",
				"198.51.100.65:", "<1>2001:db8:1::1:0:0:0:",
			},
			`2001:db8:1:0:1:: of server "web2" lies in 2001:db8:1::/64, which is routed to server "web1"`,
			`move it to server "web1", or correct one of the two`,
		},
	})
	testClean(t, map[string][]string{
		"before and behind": {"198.51.100.65:", "2001:db8:0:ffff::1:", "192.0.2.1:", "2001:db8:1:1:::"},
		"an IPv4 prefix":    {"2001:db8:1::/64:", "192.0.2.16/30:\n      192.0.2.17:\n      2001:db8:1::/64:"},
		"prefixes in one":   {"2001:db8:1::/64:", "2001:db8:1::/64:\n      2001:db8:1::/65:\n      2001:db8:1::/48:"},
		"turned off": {
			"198.51.100.65:", "2001:db8:1::2:", "rules: {}", "rules: {address-routed-elsewhere: off}",
		},
	})
}

// Against a search of all prefixes for each address.
func TestAddressRoutedElsewhereRandom(t *testing.T) {
	mistakes := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := &source.Source{Servers: make([]source.Server, 3)}
		line := 0
		addr := func() source.Addr {
			line++
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(64))})
			return source.Addr{Addr: a, Pos: diag.Position{File: "records.yaml", Line: line}}
		}
		for i := range s.Servers {
			s.Servers[i].Name.Value = fmt.Sprintf("s%d", i)
			for range r.IntN(4) {
				a := addr()
				p, err := a.Prefix(26 + r.IntN(7))
				if err != nil {
					t.Fatal(err)
				}
				s.Servers[i].Routed = append(s.Servers[i].Routed, source.Prefix{Prefix: p, Pos: a.Pos})
			}
			for range r.IntN(6) {
				s.Servers[i].Addresses = append(s.Servers[i].Addresses, source.Address{Addr: addr()})
			}
		}
		for range r.IntN(6) {
			s.Addresses = append(s.Addresses, source.Address{Addr: addr()})
		}

		var want []int // lines
		check := func(p source.Prefix, server int, isPrefix bool) {
			around, mine := 0, false
			for j := range s.Servers {
				for _, q := range s.Servers[j].Routed {
					switch {
					case !q.Contains(p.Addr()) || isPrefix && q.Bits() >= p.Bits() || q.Bits() < around:
					case q.Bits() > around:
						around, mine = q.Bits(), j == server
					default:
						mine = mine || j == server
					}
				}
			}
			if around > 0 && !mine {
				want = append(want, p.Pos.Line)
			}
		}
		host := func(a source.Addr) source.Prefix {
			return source.Prefix{Prefix: netip.PrefixFrom(a.Addr, 32), Pos: a.Pos}
		}
		for i := range s.Servers {
			for _, p := range s.Servers[i].Routed {
				check(p, i, true)
			}
			for _, e := range s.Servers[i].Addresses {
				check(host(e.Addr), i, false)
			}
		}
		for _, e := range s.Addresses {
			check(host(e.Addr), -1, false)
		}

		var got []int
		addressRoutedElsewhere.entries(model.Build(s), func(d diag.Diagnostic) { got = append(got, d.Pos.Line) })
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: lines %d, want %d", seed, got, want)
		}
		mistakes += len(want)
	}
	if mistakes == 0 {
		t.Error("nothing was wrong")
	}
}

func TestBlockOverlap(t *testing.T) {
	const same = "write the same name in both places"
	add := func(inner, outer string) string {
		return "add a delegation of " + inner + " to block " + outer + ", or remove one of the two"
	}
	testMistakes(t, blockOverlap, []mistake{
		{
			"IPv4",
			[]string{
				"192.0.2.0/24: {}", "<2>192.0.2.0/24: {}\n  <1>192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}",
			},
			"block 192.0.2.128/25 lies inside block 192.0.2.0/24, which does not delegate it",
			add("192.0.2.128/25", "192.0.2.0/24"),
		},
		{
			"the larger one comes later",
			[]string{"192.0.2.0/24: {}", "<1>192.0.2.0/25: {zone: 0-25.2.0.192.in-addr.arpa}\n  <2>192.0.2.0/24: {}"},
			"block 192.0.2.0/25 lies inside block 192.0.2.0/24, which does not delegate it",
			add("192.0.2.0/25", "192.0.2.0/24"),
		},
		{
			"IPv6", []string{"2001:db8::/33: {}", "<2>2001:db8::/33: {}\n  <1>2001:db8:f00::/48: {}"},
			"block 2001:db8:f00::/48 lies inside block 2001:db8::/33, which does not delegate it",
			add("2001:db8:f00::/48", "2001:db8::/33"),
		},
		{
			"a smaller prefix is delegated",
			[]string{
				"2001:db8::/33: {}",
				"<2>" + block("2001:db8::/33", "2001:db8:f00::/52: {"+ns+"}") + "\n  <1>2001:db8:f00::/48: {}",
			},
			"block 2001:db8:f00::/48 lies inside block 2001:db8::/33, which does not delegate it",
			add("2001:db8:f00::/48", "2001:db8::/33"),
		},
		{
			"a larger prefix is delegated",
			[]string{
				"2001:db8::/33: {}",
				"<2>" + block("2001:db8::/33", "2001:db8:f00::/44: {"+ns+"}") + "\n  <1>2001:db8:f00::/48: {}",
			},
			"block 2001:db8:f00::/48 lies inside block 2001:db8::/33, which does not delegate it",
			add("2001:db8:f00::/48", "2001:db8::/33"),
		},
		{
			"not all of it is delegated",
			[]string{
				"2001:db8::/33: {}",
				"<2>" + block("2001:db8::/33", "2001:db8:f00::/48: {"+ns+"}") + "\n  <1>2001:db8:f00::/47: {}",
			},
			"block 2001:db8:f00::/47 lies inside block 2001:db8::/33, which does not delegate it",
			add("2001:db8:f00::/47", "2001:db8::/33"),
		},
		{
			"under another name",
			[]string{
				"192.0.2.0/24: {}",
				block("192.0.2.0/24", "<2>"+classless) + "\n  192.0.2.128/25: {zone: <1>128/25.2.0.192.in-addr.arpa}",
			},
			`block 192.0.2.128/25 is delegated as "128-25.2.0.192.in-addr.arpa.", not as "128/25.2.0.192.in-addr.arpa."`, same,
		},
		{
			"one address, under another name",
			[]string{
				"192.0.2.0/24: {}",
				block("192.0.2.0/24", "<2>192.0.2.200/32: {"+ns+"}") + "\n  192.0.2.200/32: {zone: <1>rev.acme.example}",
			},
			`block 192.0.2.200/32 is delegated as "200.2.0.192.in-addr.arpa.", not as "rev.acme.example."`, same,
		},
		{
			"in a classless block",
			[]string{
				"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}",
				"<2>198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa, delegations: {198.51.100.96/32: {" + ns + "}}}\n" +
					"  <1>198.51.100.96/32: {zone: 96.64-26.100.51.198.in-addr.arpa}",
			},
			"block 198.51.100.96/32 cannot be served inside the classless block 198.51.100.64/26",
			"remove it and its delegation, and list its address as one of the block around it",
		},
	})
	t.Run("each is reported with the next larger one", func(t *testing.T) {
		l := run(t, change(t, "2001:db8::/33: {}",
			"2001:db8::/33: {}\n  2001:db8:1::/48: {}\n  2001:db8:1:1::/64: {}\n  2001:db8:2::/48: {}"))
		var got []string
		for _, d := range l {
			message, _, _ := strings.Cut(d.Message, ",")
			got = append(got, message)
		}
		want := []string{
			"block 2001:db8:1::/48 lies inside block 2001:db8::/33",
			"block 2001:db8:1:1::/64 lies inside block 2001:db8:1::/48",
			"block 2001:db8:2::/48 lies inside block 2001:db8::/33",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
	testClean(t, map[string][]string{
		"side by side":       {"2001:db8::/33: {}", "2001:db8::/33: {}\n  2001:db8:8000::/33: {}"},
		"all of either tree": {"2001:db8::/33: {}", "::/0: {}"},
		"delegated": {
			"2001:db8::/33: {}", block("2001:db8::/33", "2001:db8:f00::/48: {"+ns+"}") + "\n  2001:db8:f00::/48: {}",
		},
		"delegated in parts": {
			"2001:db8::/33: {}", block("2001:db8::/33", "2001:db8:f00::/46: {"+ns+"}") + "\n  2001:db8:f00::/47: {}",
		},
		"delegated twice over": {
			"2001:db8::/33: {}", block("2001:db8::/33", "2001:db8:f00::/40: {"+ns+"}") + "\n  " +
				block("2001:db8:f00::/40", "2001:db8:f00::/48: {"+ns+"}") + "\n  2001:db8:f00::/48: {}",
		},
		"classless": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", classless) + "\n  192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}",
		},
		"one address": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", "192.0.2.200/32: {"+ns+"}") + "\n  192.0.2.200/32: {zone: 200.2.0.192.in-addr.arpa}",
		},
		"one address of a classless block that has the names of a whole one": {
			"198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}",
			"198.51.100.64/26: {zone: 100.51.198.in-addr.arpa, delegations: {198.51.100.96/32: {" + ns + "}}}\n" +
				"  198.51.100.96/32: {zone: 96.100.51.198.in-addr.arpa}",
		},
	})
}

func TestClasslessZone(t *testing.T) {
	const (
		zone    = "{zone: 64-26.100.51.198.in-addr.arpa}"
		remove  = `remove "zone:"`
		shorter = "agree on a shorter name with the owner of the parent zone"
	)
	long := strings.Repeat(strings.Repeat("x", 49)+".", 5) // 250 bytes, and 254 with "255." before it
	testMistakes(t, classlessZone, []mistake{
		{
			"none", []string{"198.51.100.64/26: " + zone, "<1>198.51.100.64/26: {}"},
			"block 198.51.100.64/26 is longer than /24 and does not name its zone",
			`add "zone:" with the name that was delegated to you`,
		},
		{
			"IPv4 block of whole zones",
			[]string{
				"192.0.2.0/24: {}", "192.0.2.0/24: {zone: <1>2.0.192.in-addr.arpa}",
			},
			"block 192.0.2.0/24 cannot choose the name of its zones: only IPv4 blocks longer than /24 can", remove,
		},
		{
			"IPv6 block", []string{"2001:db8::/33: {}", "2001:db8::/33: {zone: <1>0.8.b.d.0.1.0.0.2.ip6.arpa}"},
			"block 2001:db8::/33 cannot choose the name of its zones: only IPv4 blocks longer than /24 can", remove,
		},
		{
			"too long, although all octets are short",
			[]string{
				"198.51.100.64/26: " + zone, "198.51.100.0/29: {zone: <1>" + long + "x}",
				"198.51.100.65:", "198.51.100.1:",
			},
			`the zone name "` + long + `x." leaves no room for the names of addresses: ` +
				`with an octet, the name is 256 bytes long, more than 254`,
			shorter,
		},
		{
			"too long", []string{zone, "{zone: <1>" + long + "x}"},
			`the zone name "` + long + `x." leaves no room for the names of addresses: ` +
				`with an octet, the name is 256 bytes long, more than 254`,
			shorter,
		},
	})
	testClean(t, map[string][]string{
		"a name as in RFC 2317":     {zone, "{zone: 64/26.100.51.198.in-addr.arpa}"},
		"a name of another tree":    {zone, "{zone: rev.example.net}"},
		"the zone of the whole /24": {zone, "{zone: 100.51.198.in-addr.arpa}"},
		"no longer than DNS allows": {zone, "{zone: " + long[1:] + "}"},
		"one address": {
			"198.51.100.64/26: " + zone, "198.51.100.65/32: {zone: 65.100.51.198.in-addr.arpa}",
		},
	})
}

func TestZoneOverlap(t *testing.T) {
	const (
		zone    = "{zone: 64-26.100.51.198.in-addr.arpa}"
		outside = "choose a name outside of that zone, which does not delegate it"
		empty   = "choose a name that has no other zone below it"
		own     = "give each a name of its own"
		each    = "give each block a zone of its own, or replace them by the one block that the zone is for"
		remove  = `remove it; what you are authoritative for is listed under "blocks"`
	)
	forward := func(names string) []string { return []string{"lint:", "forward_zones: [" + names + "]\nlint:"} }
	testMistakes(t, zoneOverlap, []mistake{
		{
			"two blocks",
			[]string{
				"198.51.100.64/26: " + zone,
				"<2>198.51.100.64/26: " + zone + "\n  198.51.100.0/26: {zone: <1>64-26.100.51.198.in-addr.arpa}",
			},
			`blocks 198.51.100.64/26 and 198.51.100.0/26 both have the zone "64-26.100.51.198.in-addr.arpa."`, each,
		},
		{
			"a classless block has the name of an ordinary zone",
			[]string{
				"192.0.2.0/24", "<2>192.0.2.0/24",
				zone, "{zone: <1>2.0.192.in-addr.arpa}",
			},
			`blocks 192.0.2.0/24 and 198.51.100.64/26 both have the zone "2.0.192.in-addr.arpa."`, each,
		},
		{
			"in an ordinary zone, an address of it",
			[]string{"192.0.2.0/24", "<2>192.0.2.0/24", zone, "{zone: <1>5.2.0.192.in-addr.arpa}"},
			`the zone "5.2.0.192.in-addr.arpa." of block 198.51.100.64/26 lies inside ` +
				`the zone "2.0.192.in-addr.arpa." of block 192.0.2.0/24`,
			outside,
		},
		{
			"in an ordinary zone",
			[]string{"192.0.2.0/24", "<2>192.0.2.0/24", zone, "{zone: <1>x.y.2.0.192.in-addr.arpa}"},
			`the zone "x.y.2.0.192.in-addr.arpa." of block 198.51.100.64/26 lies inside ` +
				`the zone "2.0.192.in-addr.arpa." of block 192.0.2.0/24`,
			outside,
		},
		{
			"in another zone of the block around it",
			[]string{
				"192.0.2.0/24: {}",
				"<2>" + block("192.0.2.0/23", "192.0.2.128/25: {zone: x.3.0.192.in-addr.arpa}") +
					"\n  192.0.2.128/25: {zone: <1>x.3.0.192.in-addr.arpa}",
			},
			`the zone "x.3.0.192.in-addr.arpa." of block 192.0.2.128/25 lies inside ` +
				`the zone "3.0.192.in-addr.arpa." of block 192.0.2.0/23`,
			outside,
		},
		{
			"in a classless zone",
			[]string{
				"198.51.100.64/26: " + zone,
				"<2>198.51.100.64/26: " + zone + "\n  198.51.100.0/26: {zone: <1>0-26.64-26.100.51.198.in-addr.arpa}",
			},
			`the zone "0-26.64-26.100.51.198.in-addr.arpa." of block 198.51.100.0/26 lies inside ` +
				`the zone "64-26.100.51.198.in-addr.arpa." of block 198.51.100.64/26`,
			outside,
		},
		{
			"around an ordinary zone",
			[]string{
				"192.0.2.0/24", "<2>192.0.2.0/24",
				"198.51.100.64/26: " + zone, "198.51.100.0/26: {zone: <1>0.192.in-addr.arpa}",
				"198.51.100.65:", "198.51.100.5:",
			},
			`the zone "2.0.192.in-addr.arpa." of block 192.0.2.0/24 lies inside ` +
				`the zone "0.192.in-addr.arpa." of block 198.51.100.0/26`,
			empty,
		},
		{
			"a forward zone twice", forward("<2>vps.example, <1>VPS.example."),
			`the forward zone "vps.example." is listed twice`, "remove one of the two",
		},
		{
			"a forward zone in another", forward("<1>a.vps.example, <2>vps.example"),
			`the forward zone "a.vps.example." lies inside the forward zone "vps.example."`,
			"remove it: the zone around it answers for the names below it too",
		},
		{
			"a forward zone that is also a reverse zone",
			append(forward("<1>rev.example"), "198.51.100.64/26: "+zone, "<2>198.51.100.64/26: {zone: rev.example}"),
			`the forward zone "rev.example." has the same name as the zone "rev.example." of block 198.51.100.64/26`, own,
		},
		{
			"a forward zone in a classless zone",
			append(forward("<1>vps.rev.example"), "198.51.100.64/26: "+zone, "<2>198.51.100.64/26: {zone: rev.example}"),
			`the forward zone "vps.rev.example." lies inside the zone "rev.example." of block 198.51.100.64/26`, outside,
		},
		{
			"a classless zone in a forward zone",
			append(forward("<2>vps.example"), zone, "{zone: <1>rev.vps.example}"),
			`the zone "rev.vps.example." of block 198.51.100.64/26 lies inside the forward zone "vps.example."`, outside,
		},
		{
			"a forward zone of reverse names", forward("<1>113.0.203.in-addr.arpa"),
			`the forward zone "113.0.203.in-addr.arpa." holds reverse names, not those of hosts`, remove,
		},
		{
			"a forward zone of all reverse names", forward("<1>ip6.arpa"),
			`the forward zone "ip6.arpa." holds reverse names, not those of hosts`, remove,
		},
		{
			"a forward zone around all of them", forward("<1>arpa"),
			`the forward zone "arpa." holds reverse names, not those of hosts`, remove,
		},
		{
			"around many ordinary zones, once",
			[]string{"2001:db8::/33", "<2>2001:db8::/33", zone, "{zone: <1>ip6.arpa}"},
			`the zone "0.8.b.d.0.1.0.0.2.ip6.arpa." of block 2001:db8::/33 lies inside ` +
				`the zone "ip6.arpa." of block 198.51.100.64/26`,
			empty,
		},
		{
			"the catalog zone in an ordinary zone",
			[]string{"192.0.2.0/24", "<2>192.0.2.0/24", "lint:", "catalog: <1>catalog.2.0.192.in-addr.arpa\nlint:"},
			`the catalog zone "catalog.2.0.192.in-addr.arpa." lies inside ` +
				`the zone "2.0.192.in-addr.arpa." of block 192.0.2.0/24`,
			outside,
		},
		{
			"the catalog zone in a forward zone",
			[]string{"lint:", "catalog: <1>catalog.vps.example\nforward_zones: [<2>vps.example]\nlint:"},
			`the catalog zone "catalog.vps.example." lies inside the forward zone "vps.example."`, outside,
		},
		{
			"a forward zone in the catalog zone",
			[]string{"lint:", "catalog: <2>example\nforward_zones: [<1>vps.example]\nlint:"},
			`the forward zone "vps.example." lies inside the catalog zone "example."`, outside,
		},
		{
			"the catalog zone is a forward zone",
			[]string{"lint:", "catalog: <2>vps.example\nforward_zones: [<1>vps.example]\nlint:"},
			`the forward zone "vps.example." has the same name as the catalog zone "vps.example."`, own,
		},
	})
	testClean(t, map[string][]string{
		"classless zones side by side": {
			zone, zone + "\n  198.51.100.128/25: {zone: 128-25.100.51.198.in-addr.arpa}",
		},
		"delegated": {
			"192.0.2.0/24: {}",
			block("192.0.2.0/24", classless) + "\n  192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa}",
		},
		"forward zones side by side":              forward("a.example, b.example, aa.example"),
		"a classless zone next to a forward zone": append(forward("vps.example"), zone, "{zone: rev.example}"),
		"a catalog zone":                          {"lint:", "catalog: catalog.example\nforward_zones: [vps.example]\nlint:"},
	})
}

func TestTemplateYieldsInvalid(t *testing.T) {
	const (
		template = `hostname: "{server}.vps.example"`
		named    = "192.0.2.10: mail.example.net"
	)
	long := strings.Repeat("x", 60)
	testMistakes(t, templateYieldsInvalid, []mistake{
		{
			"octets of IPv6",
			[]string{
				template, `hostname: <1>"{a}-{b}.vps.example"`,
				"2001:db8::10]", "<2>2001:db8::10]",
			},
			`the template of product "vps" gives no name: {a} is an octet of IPv4, and 2001:db8::10 is IPv6`,
			"use {ip} or {server} instead, or name the IPv6 addresses one by one",
		},
		{
			"a variable that is not set",
			[]string{
				template, `hostname: <1>"{server}.{var.site}.example"`,
				"192.0.2.0/24: {}", "<2>192.0.2.0/24: {vars: {sight: lon}}",
				"2001:db8::/33: {}", "2001:db8::/33: {vars: {site: lon}}",
				"primary: 192.0.2.20", "primary: <3>192.0.2.20",
			},
			`the template of product "vps" gives no name: variable "site" is not set`,
			`set it under "vars" of the block, to letters, digits and -`,
		},
		{
			"a server's name",
			[]string{
				template, `hostname: <2>"{server}.vps.example"`,
				"web2:", "<1>Web 2:",
				"primary: 192.0.2.20", "primary: <3>192.0.2.20",
			},
			`the template of product "vps" gives no name: server "web 2": character ' ' is not one of a-z, 0-9, -, _ and /`,
			"rename the server, with letters, digits and - only",
		},
		{
			"no account",
			[]string{
				template, `hostname: <1>"{server}.{account}.example"`,
				"primary: 192.0.2.20", "primary: <2>192.0.2.20",
			},
			`the template of product "vps" gives no name: account is not set`,
			"give the server an account, or remove {account}",
		},
		{
			"an account's name",
			[]string{
				template, `hostname: <1>"{account}.example"`,
				"acme: {}", "Acme & Co: {}",
				"account: acme", "account: Acme & Co",
				"2001:db8::10]", "<2>2001:db8::10]",
				"  web2:\n    product: vps\n    primary: 192.0.2.20\n", "  web2:\n",
			},
			`the template of product "vps" gives no name: account "acme & co": character ' ' is not one of a-z, 0-9, -, _ and /`,
			"rename it, with letters, digits and - only",
		},
		{
			"too long a label",
			[]string{
				template, `hostname: <1>"` + long + `{server}.example"`,
				"primary: 192.0.2.20", "primary: <2>192.0.2.20",
			},
			`the template of product "vps" gives no name: expand "` + long + `{server}.example.": label "` + long +
				`web2" is 64 bytes long, more than 63`,
			"make the template shorter",
		},
		{
			"fallback: octets of IPv6",
			[]string{
				"2001:db8::/33: {}", `<2>2001:db8::/33: {fallback: <1>"{a}.v6.example"}`,
			},
			"the fallback of block 2001:db8::/33 has {a}, an octet of IPv4, but the block is IPv6", "use {ip} instead",
		},
		{
			"fallback: a server's name",
			[]string{
				"2001:db8::/33: {}", `<2>2001:db8::/33: {fallback: <1>"{server}.v6.example"}`,
			},
			"the fallback of block 2001:db8::/33 has {server}, but is for addresses of no server", "use {ip} instead",
		},
		{
			"fallback: a variable that is not set",
			[]string{
				"2001:db8::/33: {}", `<2>2001:db8::/33: {fallback: <1>"{ip}.{var.site}.example"}`,
			},
			`the fallback of block 2001:db8::/33 gives no name: variable "site" is not set`,
			`set it under "vars" of the block, to letters, digits and -`,
		},
		{
			"fallback: too long for some of its addresses",
			[]string{"192.0.2.0/24: {}", `<2>192.0.2.0/24: {fallback: <1>"` + long + `-{d}.example"}`},
			`the fallback of block 192.0.2.0/24 gives no name for 192.0.2.255: ` +
				`expand "` + long + `-{d}.example.": label "` + long + `-255" is 64 bytes long, more than 63`,
			"make the template shorter",
		},
	})
	testClean(t, map[string][]string{
		"what fails has a name": {
			template, `hostname: "{a}-{d}.vps.example"`,
			named, "2001:db8::10: mail.example.net",
		},
		"variables": {
			template, `hostname: "{server}.{var.site}.example"`,
			"192.0.2.0/24: {}", "192.0.2.0/24: {vars: {site: lon}}",
			"2001:db8::/33: {}", "2001:db8::/33: {vars: {site: ams.nl}}",
		},
		"names in capitals": {"web1:", "WEB1:"},
		"account": {
			template, `hostname: "{server}.{account}.example"`,
			"product: vps\n    primary", "product: vps\n    account: acme\n    primary",
		},
		"fallbacks": {
			"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{a}.{ip}.{rev}.v4.example"}`,
			"2001:db8::/33: {}", `2001:db8::/33: {fallback: "{ip}.v6.example"}`,
			"rules: {}", "rules: {fallback-not-transferable: off}",
		},
		"just short enough": {"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "` + long[1:] + `-{d}.example"}`},
	})
	t.Run("what lies in no block has no variables to miss", func(t *testing.T) {
		l := run(t, change(t,
			template, `hostname: "{var.site}.example"`,
			"192.0.2.0/24: {}", "192.0.2.0/24: {vars: {site: lon}}",
			"2001:db8::/33: {}", "2001:db8::/33: {vars: {site: lon}}",
			"primary: 192.0.2.20", "primary: 203.0.113.20",
		))
		if len(l) != 1 || l[0].Rule != "address-outside-blocks" {
			t.Errorf("%+v", l)
		}
	})
	t.Run("once for all addresses", func(t *testing.T) {
		text, at := marks(change(t,
			template, `hostname: <1>"{server}.{var.site}.example"`,
			named, "192.0.2.12:",
			"primary: [192.0.2.10", "primary: [<2>192.0.2.10",
		))
		l := run(t, text)
		if len(l) != 1 || l[0].Pos.String() != at["<1>"] {
			t.Fatalf("%+v", l)
		}
		rel := l[0].Related[1]
		want := `for the primary address 192.0.2.10 of server "web1", and for 2 more`
		if rel.Message != want || rel.Pos.String() != at["<2>"] {
			t.Errorf("%s: %q, want %q", rel.Pos, rel.Message, want)
		}
	})
}

func TestNameMultiple(t *testing.T) {
	testMistakes(t, nameMultiple, []mistake{
		{
			"two",
			[]string{
				"192.0.2.1: gw1.example.net", "192.0.2.1: {names: [<2>gw1.example.net, <1>gw2.example.net]}",
			},
			`192.0.2.1 has a second name, "gw2.example.net."`, "keep the name that the host calls itself",
		},
		{
			"of a server's address",
			[]string{
				"192.0.2.10: mail.example.net",
				"192.0.2.10: {names: [<2>a.example.net, <1>b.example.net, c.example.net]}",
			},
			`192.0.2.10 has a second name, "b.example.net."`, "keep the name that the host calls itself",
		},
	})
	testClean(t, map[string][]string{
		"a list of one": {"192.0.2.1: gw1.example.net", "192.0.2.1: {names: [gw1.example.net]}"},
		"turned off": {
			"192.0.2.1: gw1", "192.0.2.1: {names: [gw1.example.net, gw2.example.net]} #",
			"rules: {}", "rules: {name-multiple: off}",
		},
	})
}

func TestSeverityInvalid(t *testing.T) {
	testMistakes(t, severityInvalid, []mistake{
		{
			"misspelt",
			[]string{
				"rules: {}", "rules: {<1>names-multiple: off}",
			},
			`no rule "names-multiple"`, `write "name-multiple"`,
		},
		{"none like it", []string{"rules: {}", "rules: {<1>style: off}"}, `no rule "style"`, ""},
		{
			"required",
			[]string{
				"rules: {}", "rules: {<1>block-overlap: off}",
			},
			`the severity of rule "block-overlap" cannot be set`,
			"remove the line: nothing can be compiled while that rule is broken",
		},
		{
			"required, as it is",
			[]string{
				"rules: {}", "rules: {<1>syntax: error}",
			},
			`the severity of rule "syntax" cannot be set`,
			"remove the line: nothing can be compiled while that rule is broken",
		},
		{
			"no severity",
			[]string{
				"rules: {}", "rules: {name-multiple: <1>of}",
			},
			`"of" is no severity: want off, note, warning, error`, "write off",
		},
	})
}

func TestDefinedTwice(t *testing.T) {
	const hint = "merge the two, or remove one"
	tests := []struct {
		name, old, new, more, message string
	}{
		{
			"server", "  web2:", "  <2>web2:", "servers:\n  <1>web2: {}\n",
			`server "web2" is defined twice`,
		},
		{
			"account", "  acme:", "  <2>acme:", "accounts: {<1>acme: {}}\n",
			`account "acme" is defined twice`,
		},
		{
			"block", "192.0.2.0/24:", "<2>192.0.2.0/24:", "blocks: {<1>192.0.2.0/24: {}}\n",
			"block 192.0.2.0/24 is defined twice",
		},
		{
			"classless block", "198.51.100.64/26:", "<2>198.51.100.64/26:",
			"blocks: {<1>198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa}}\n",
			"block 198.51.100.64/26 is defined twice",
		},
		{
			"server with all that it has", "  web1:", "  <2>web1:",
			"servers:\n  <1>web1: {product: vps, primary: 192.0.2.10, addresses: {192.0.2.11: , '2001:db8:1::/64': }}\n",
			`server "web1" is defined twice`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := change(t, "lint:\n", "include: [more/*.yaml]\nlint:\n", test.old, test.new)
			text, at := marks("-- records.yaml --\n" + root + "-- more/1.yaml --\n" + test.more)
			l := run(t, text)
			if len(l) != 1 {
				t.Fatalf("%+v", l)
			}
			if d := l[0]; d.Rule != "defined-twice" || d.Message != test.message || d.Hint != hint ||
				d.Pos.String() != at["<1>"] || len(d.Related) != 1 || d.Related[0].Pos.String() != at["<2>"] {
				t.Errorf("%+v", d)
			}
		})
	}
	t.Run("three files", func(t *testing.T) {
		text := "-- records.yaml --\n" + change(t, "lint:\n", "include: [more/*.yaml]\nlint:\n") +
			"-- more/1.yaml --\naccounts: {acme: {}}\n-- more/2.yaml --\naccounts: {acme: {}}\n" +
			"-- more/3.yaml --\nservers: {web2: {}}\n-- more/4.yaml --\nservers: {web2: {}}\n" +
			"-- more/5.yaml --\nblocks: {192.0.2.0/24: {}}\n-- more/6.yaml --\nblocks: {192.0.2.0/24: {}}\n"
		l := run(t, text)
		if len(l) != 6 {
			t.Errorf("%+v", l)
		}
		for _, d := range l {
			if d.Rule != "defined-twice" || d.Related[0].Pos.File != "records.yaml" {
				t.Errorf("%+v", d)
			}
		}
	})
	t.Run("other spelling of a block", func(t *testing.T) {
		l := run(t, change(t, "2001:db8::/33: {}", "2001:db8::/33: {}\n  2001:0db8::/33: {}"))
		if len(l) != 1 || l[0].Rule != "defined-twice" {
			t.Errorf("%+v", l)
		}
	})
}
