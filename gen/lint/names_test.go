package lint

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// gw is a change of good: the name of an address of no server, marked <1>.
func gw(name string) []string { return []string{"192.0.2.1: gw1.example.net", "192.0.2.1: <1>" + name} }

// clean is gw for testClean.
func clean(name string) []string { return []string{"gw1.example.net", name} }

// ownNS is a change of good: the second name server of our zones, marked <1>.
func ownNS(name string) []string { return []string{"ns2.example.net]", "<1>" + name + "]"} }

// customerNS is a change of good: a delegation with a name server, marked <1>.
func customerNS(name string) []string {
	return []string{"  192.0.2.0/24: {}\n", "  192.0.2.0/24:\n    delegations:\n      192.0.2.128/25:\n" +
		"        zone: 128-25.2.0.192.in-addr.arpa\n        nameservers: [ns1.acme.example, <1>" + name + "]\n"}
}

// template is a change of good: what the template of its product ends with.
func template(domain string) []string {
	return []string{`"{server}.vps.example"`, `<1>"{server}.` + domain + `"`}
}

func TestNameNumericTLD(t *testing.T) {
	const hint = "write the name of a host: it ends in a top-level domain, which has letters"
	says := func(name, number string) string {
		return `"` + name + `" ends in the number "` + number + `", as an IP address does`
	}
	testMistakes(t, nameNumericTLD, []mistake{
		{"decimal", gw("mail.acme.123"), says("mail.acme.123.", "123"), hint},
		{"five numbers", gw("192.0.2.1.5"), says("192.0.2.1.5.", "5"), hint},
		{"three numbers", gw("192.0.2"), says("192.0.2.", "2"), hint},
		{"hexadecimal", gw("mail.0xFE"), says("mail.0xfe.", "0xfe"), hint},
		{"one label", gw(`"0xe"`), says("0xe.", "0xe"), hint},
		{"no digits", gw("mail.0x"), says("mail.0x.", "0x"), hint},
		{"a template", template("vps.17"), says("vps.17.", "17"), hint},
		{"a name server", ownNS("ns2.17"), says("ns2.17.", "17"), hint},
	})
	testClean(t, map[string][]string{
		"numbers before it": clean("192.0.2.17.example"),
		"a letter":          clean("mail.0xfe.example"),
	})
}

func TestNameInArpa(t *testing.T) {
	const hint = "write the name of a host"
	says := func(name string) string { return `"` + name + `" is in the reverse tree, where no host has its name` }
	probably := func(name string) string {
		return `write "` + name + `", if this comes from a zone file in which the name had no final dot`
	}
	testMistakes(t, nameInArpa, []mistake{
		{
			"no final dot in the zone file", gw("mail.acme.example.2.0.192.in-addr.arpa"),
			says("mail.acme.example.2.0.192.in-addr.arpa."), probably("mail.acme.example."),
		},
		{
			"in that of a classless zone", gw("mail.acme.example.64-26.100.51.198.in-addr.arpa"),
			says("mail.acme.example.64-26.100.51.198.in-addr.arpa."), probably("mail.acme.example."),
		},
		{
			"in that of an IPv6 zone", gw("a.acme.example.8.b.d.0.1.0.0.2.ip6.arpa"),
			says("a.acme.example.8.b.d.0.1.0.0.2.ip6.arpa."), probably("a.acme.example."),
		},
		{
			"in that of in-addr.arpa", gw("mail.acme.example.in-addr.arpa"),
			says("mail.acme.example.in-addr.arpa."), probably("mail.acme.example."),
		},
		{"an address", gw("1.2.0.192.in-addr.arpa"), says("1.2.0.192.in-addr.arpa."), hint},
		{"a label below a zone", gw("gw1.2.0.192.in-addr.arpa"), says("gw1.2.0.192.in-addr.arpa."), hint},
		{"nibbles", gw("8.b.d.0.1.0.0.2.ip6.arpa"), says("8.b.d.0.1.0.0.2.ip6.arpa."), hint},
		{"in-addr.arpa", gw("in-addr.arpa"), says("in-addr.arpa."), hint},
		{"ip6.arpa", gw("IP6.ARPA."), says("ip6.arpa."), hint},
		{
			"a template",
			append(template("vps.example.2.0.192.in-addr.arpa"), "rules: {}", "rules: {template-generic: off}"),
			says("vps.example.2.0.192.in-addr.arpa."), probably("vps.example."),
		},
	})
	testClean(t, map[string][]string{
		"below another name": clean("in-addr.arpa.example.net"),
		"not a whole label":  clean("gw1.notin-addr.arpa"),
	})
}

func TestNameReservedLabel(t *testing.T) {
	const hyphen, convert = "write it with one hyphen there", "write the name as people read it: it is converted"
	reserved := func(label, name string) string {
		return `the label "` + label + `" of "` + name + `" has "--" in the third and fourth place, which is reserved`
	}
	undecodable := func(label, name string) string {
		return `the label "` + label + `" of "` + name + `" cannot be decoded: no internationalized name has it`
	}
	testMistakes(t, nameReservedLabel, []mistake{
		{"two hyphens", gw("gw--1.example.net"), reserved("gw--1", "gw--1.example.net."), hyphen},
		{"three hyphens", gw("r3---gw.example.net"), reserved("r3---gw", "r3---gw.example.net."), hyphen},
		{"a short IPv6 address", gw("fd--1.example.net"), reserved("fd--1", "fd--1.example.net."), hyphen},
		{"not the first label", gw("gw1.ab--c.example"), reserved("ab--c", "gw1.ab--c.example."), hyphen},
		{"no Punycode", gw("xn--a.example"), undecodable("xn--a", "xn--a.example."), convert},
		{"Punycode of a capital letter", gw("xn--wca.example"), undecodable("xn--wca", "xn--wca.example."), convert},
		{"a template", template("ab--c.example"), reserved("ab--c", "ab--c.example."), hyphen},
	})
	testClean(t, map[string][]string{
		"A-labels":                        clean("xn--bcher-kva.xn--p1ai"),
		"U-labels":                        clean("bücher.рф"),
		"hyphens elsewhere":               clean("a--b.abc--d.a-b-c.example"),
		"hyphens of a right-to-left name": clean("xn--4dbcagdahymbxekheh6e0a7fei0b.example"),
	})
}

func TestNameMixedScripts(t *testing.T) {
	const hint = "type it again in one script: letters that look alike are not the same"
	testMistakes(t, nameMixedScripts, []mistake{
		{
			"Cyrillic in Latin", gw("p\u0430ypal.example"),
			"the label \"p\u0430ypal\" of \"xn--pypal-4ve.example.\" mixes scripts: U+0070 is Latin, U+0430 is Cyrillic", hint,
		},
		{
			"written as an A-label", gw("xn--pypal-4ve.example"),
			"the label \"p\u0430ypal\" of \"xn--pypal-4ve.example.\" mixes scripts: U+0070 is Latin, U+0430 is Cyrillic", hint,
		},
		{
			"Greek in Latin", gw("g\u03bfgle.example"),
			"the label \"g\u03bfgle\" of \"xn--ggle-0nd.example.\" mixes scripts: U+0067 is Latin, U+03BF is Greek", hint,
		},
		{
			"Hangul and Kana", gw("\ud55c\u3042.example"),
			"the label \"\ud55c\u3042\" of \"xn--l8jy580c.example.\" mixes scripts: U+D55C is Hangul, U+3042 is Hiragana", hint,
		},
		{
			"a template", template("p\u0430ypal.example"),
			"the label \"p\u0430ypal\" of \"xn--pypal-4ve.example.\" mixes scripts: U+0070 is Latin, U+0430 is Cyrillic", hint,
		},
	})
	testClean(t, map[string][]string{
		"Latin":                      clean("bücher.example"),
		"Cyrillic and digits":        clean("почта-1.пример.рф"),
		"scripts of other labels":    clean("почта.example"),
		"Japanese":                   clean("東京タワーです.jp"),
		"Japanese and Latin":         clean("jpサーバー東京.jp"),
		"Chinese and Latin":          clean("北京abc.cn"),
		"Korean and Latin":           clean("서울abc.kr"),
		"Han and Bopomofo":           clean("北ㄅ.tw"),
		"a combining mark":           clean("к\u0306в.example"),
		"one that is not an A-label": append(clean("xn--a.example"), "rules: {}", "rules: {name-reserved-label: off}"),
	})
}

func TestNamePlaceholder(t *testing.T) {
	const (
		none   = "write the name of the host, or none"
		domain = "write a name in a domain that the owner of the host has registered"
	)
	local := func(name, use string) string { return `"` + name + `" is not known on the Internet: ` + use }
	web1 := func(name string) []string { return []string{"192.0.2.11:", "192.0.2.11: <1>" + name} }
	testMistakes(t, namePlaceholder, []mistake{
		{"undefined", gw("undefined.example.net"), `"undefined.example.net." stands in the place of a name`, none},
		{
			"localhost in a domain", gw("localhost.example.net"),
			`"localhost.example.net." stands in the place of a name`, none,
		},
		{"todo", gw("todo"), `"todo." stands in the place of a name`, none},
		{"none", gw("none"), `"none." stands in the place of a name`, none},
		{"null, as text", gw(`"null"`), `"null." stands in the place of a name`, none},
		{"unassigned alone", gw("unassigned"), `"unassigned." stands in the place of a name`, none},
		{
			"unassigned, of a server", web1("unassigned.example.net"),
			`"unassigned.example.net." says that 192.0.2.11 is not in use, or has no name, but it is server "web1"'s`, none,
		},
		{
			"localhost", gw("localhost"),
			local("localhost.", `every host calls itself "localhost" (RFC 6761 section 6.3)`), domain,
		},
		{
			"localhost.localdomain", gw("LOCALHOST.localdomain"),
			local("localhost.localdomain.", `"localdomain" stands where a host has no domain`), domain,
		},
		{
			"local", gw("mail.acme.local"),
			local("mail.acme.local.", `"local" is for multicast DNS on one link (RFC 6762)`), domain,
		},
		{"home.arpa", gw("nas.home.arpa"), local("nas.home.arpa.", `"home.arpa" is for home networks (RFC 8375)`), domain},
		{
			"a template", template("acme.lan"),
			local("acme.lan.", `"lan" is what private networks use (RFC 6762 appendix G)`), domain,
		},
		{
			"a fallback", []string{"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: <1>"{ip}.corp"}`},
			local("corp.", `"corp" is what private networks use (RFC 6762 appendix G)`), domain,
		},
	})
	private := func(name string) []string {
		return []string{
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  10.0.0.0/8: {}", "192.0.2.1: gw1.example.net", "10.0.0.1: " + name,
			"rules: {}", "rules: {block-special-purpose: off}",
		}
	}
	testClean(t, map[string][]string{
		"local at a private address": private("nas.acme.local"),
		"test":                       clean("test.example.net"),
		"a host may be called so":    clean("null.example.net"),
		"a web site, too":            clean("todo.example.net"),
		"not the first label":        clean("gw1.undefined.example"),
		"unassigned, and that it is": clean("unassigned.example.net"),
		"domains for documentation":  clean("www.example.com"),
		"local, but not top-level":   clean("gw1.local.example"),
		"a template for private ones": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  10.0.0.0/8: {}", "{server}.vps.example", "{server}.lan",
			"192.0.2.10,", "10.0.0.10,", "192.0.2.10: mail.example.net", "10.0.0.11:", ", 2001:db8::10]", "]",
			"primary: 192.0.2.20", "primary: 10.0.0.20", "rules: {}", "rules: {block-special-purpose: off}",
		},
	})
}

func TestNameTLDUnknown(t *testing.T) {
	const whole = "write the whole name of the host"
	unknown := func(name, tld string) string {
		return `"` + name + `" is in no domain that exists: there is no top-level domain "` + tld + `"`
	}
	testMistakes(t, nameTLDUnknown, []mistake{
		{"a character is missing", gw("mail.acme.cm2"), unknown("mail.acme.cm2.", "cm2"), ""},
		{"two are swapped", gw("www.acme.ogr"), unknown("www.acme.ogr.", "ogr"), `write "www.acme.org."`},
		{"one is wrong", gw("www.acme.con"), unknown("www.acme.con.", "con"), `write "www.acme.com."`},
		{"one too many", gw("www.acme.comm"), unknown("www.acme.comm.", "comm"), `write "www.acme.com."`},
		{"one too few", gw("www.acme.exampl"), unknown("www.acme.exampl.", "exampl"), `write "www.acme.example."`},
		{"like none", gw("www.acme.wan"), unknown("www.acme.wan.", "wan"), ""},
		{"no dot before it", gw("www.acmecom"), unknown("www.acmecom.", "acmecom"), ""},
		{"one label", gw("gw1"), `"gw1." has no domain`, whole},
		{"one label of a name server", ownNS("ns2"), `"ns2." has no domain`, whole},
		{"a name server of a delegation", customerNS("ns2.acme.con"), unknown("ns2.acme.con.", "con"), `write "ns2.acme.com."`},
		{"a template", template("vps.exmaple"), unknown("vps.exmaple.", "exmaple"), `write "vps.example."`},
	})
	testClean(t, map[string][]string{
		"generic":        clean("gw1.acme.photography"),
		"of a country":   clean("gw1.acme.de"),
		"wildcard":       clean("gw1.acme.co.ck"),
		"IDN":            clean("gw1.acme.xn--p1ai"),
		"private suffix": clean("acme.github.io"),
		"for examples":   clean("gw1.example"),
		"reverse tree":   append(clean("1.2.0.192.in-addr.arpa"), "rules: {}", "rules: {name-in-arpa: off}"),
		"at a private address": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  10.0.0.0/8: {}", "192.0.2.1: gw1.example.net", "10.0.0.1: gw1.dc1",
			"rules: {}", "rules: {block-special-purpose: off}",
		},
		"special use": append(clean("gw1.lan"), "rules: {}", "rules: {name-placeholder: off}"),
		"name servers for private addresses": {
			"192.0.2.0/24: {}", "192.0.2.0/24: {}\n  10.0.0.0/8: {delegations: {10.1.0.0/16: {nameservers: [ns1.dc1, ns2.dc1]}}}",
			"rules: {}", "rules: {block-special-purpose: off}",
		},
	})
}

func TestIsSlip(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"com", "com", true},
		{"co", "com", true},
		{"om", "com", true},
		{"coom", "com", true},
		{"comx", "com", true},
		{"xom", "com", true},
		{"ocm", "com", true},
		{"cmo", "com", true},
		{"moc", "com", false},
		{"c", "com", false},
		{"", "com", false},
		{"cxx", "com", false},
		{"comxx", "com", false},
		{"exmaple", "example", true},
	} {
		if got := isSlip(test.a, test.b); got != test.want {
			t.Errorf("isSlip(%q, %q) = %v", test.a, test.b, got)
		}
	}
}

func TestNamePublicSuffix(t *testing.T) {
	const hint = "write the whole name of the host"
	says := func(name string) string { return `"` + name + `" is a public suffix: domains are registered below it` }
	testMistakes(t, namePublicSuffix, []mistake{
		{"top-level", gw("com"), says("com."), hint},
		{"of two labels", gw("co.uk"), says("co.uk."), hint},
		{"of three labels", gw("k12.ca.us"), says("k12.ca.us."), hint},
		{"IDN", gw("рф"), says("xn--p1ai."), hint},
		{
			"all that an account may use", []string{"acme: {}", "acme: {domains: [example.net, <1>co.uk]}"},
			`account "acme" may use all names below "co.uk.", which is a public suffix: others have domains there`,
			"write the domain that the customer has there",
		},
	})
	testClean(t, map[string][]string{
		"a domain":          clean("acme.co.uk"),
		"a host":            clean("www.acme.co.uk"),
		"private":           clean("github.io"),
		"by a wildcard":     clean("gw1.ck"),
		"an exception":      clean("www.ck"),
		"for documentation": clean("example.com"),
		"special use":       append(clean("onion"), "rules: {}", "rules: {name-placeholder: off}"),
		"reverse tree":      append(clean("in-addr.arpa"), "rules: {}", "rules: {name-in-arpa: off}"),
	})
}

func TestNameShared(t *testing.T) {
	const hint = "give each host a name of its own"
	var interfaces, seventeen []string
	for i := range maxInterfaces + 1 {
		mark := ""
		if i < 2 {
			mark = []string{"<2>", "<1>"}[i]
		}
		seventeen = append(seventeen, fmt.Sprintf("192.0.2.%d: %shosted-by.example.net", 100+i, mark))
		if i < maxInterfaces {
			interfaces = append(interfaces, fmt.Sprintf("192.0.2.%d: gw2.example.net", 100+i))
		}
	}
	lines := func(list ...string) []string {
		return []string{"192.0.2.1: gw1.example.net", strings.Join(list, "\n  ")}
	}
	testMistakes(t, nameShared, []mistake{
		{
			"two servers", []string{"10: mail", "10: <2>mail", "shop.example.net", "<1>mail.example.net"},
			`"mail.example.net." is the name of 2 addresses of different servers`, hint,
		},
		{
			"IPv6", []string{"www.example.net", "<2>www.example.net", "198.51.100.65: shop", "2001:db8::65: <1>www"},
			`"www.example.net." is the name of 2 addresses of different servers`, hint,
		},
		{
			"the second of three", []string{
				"10: mail", "10: <2>mail", "192.0.2.11:", "192.0.2.11: mail.example.net", "shop.example.net", "<1>mail.example.net",
			},
			`"mail.example.net." is the name of 3 addresses of different servers`, hint,
		},
		{
			"a server and no server", []string{"10: mail", "10: <2>mail", "1: gw1.example.net", "1: <1>mail.example.net"},
			`"mail.example.net." is the name of 2 addresses of different servers`, hint,
		},
		{
			"one of two names", []string{
				"10: mail.example.net", "10: {names: [a.example.net, <2>b.example.net]}",
				"shop.example.net", "{names: [<1>b.example.net, c.example.net]}", "rules: {}", "rules: {name-multiple: off}",
			},
			`"b.example.net." is the name of 2 addresses of different servers`, hint,
		},
		{
			"a constant", lines(seventeen...),
			`"hosted-by.example.net." is the name of 17 addresses of no server`, hint,
		},
	})
	testClean(t, map[string][]string{
		"of either family": {"www.example.net", "mail.example.net"},
		"of one server":    {"192.0.2.11:", "192.0.2.11: mail.example.net"},
		"of one router":    lines(interfaces...),
		"the same name twice": {
			"10: mail.example.net", "10: {names: [a.example.net, a.example.net]}",
			"rules: {}", "rules: {name-multiple: off}",
		},
	})
	t.Run("one finding for a placeholder", func(t *testing.T) {
		for _, d := range run(t, change(t, "mail.example.net", "tbd.example.net", "shop.example.net", "tbd.example.net")) {
			if d.Rule != namePlaceholder.ID {
				t.Errorf("%+v", d)
			}
		}
	})
}

// Against a comparison of all pairs.
func TestSameNamesRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		inv := &model.Inventory{Addresses: make([]model.Address, r.IntN(20))}
		names := 0
		for i := range inv.Addresses {
			addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			if i >= 10 {
				addr = netip.AddrFrom16([16]byte{15: byte(i)})
			}
			e := &source.Address{}
			for range r.IntN(3) {
				names++
				e.Names = append(e.Names, source.Name{
					Value: string('a'+rune(r.IntN(5))) + ".example.", Pos: diag.Position{File: "f", Line: names},
				})
			}
			inv.Addresses[i] = model.Address{Addr: addr, Entry: e}
		}
		type key struct {
			name string
			v4   bool
		}
		want := make(map[key][]netip.Addr)
		reverseMapNames(inv, func(a *model.Address, name source.Name) {
			k := key{name.Value, a.Is4()}
			if list := want[k]; len(list) == 0 || list[len(list)-1] != a.Addr {
				want[k] = append(list, a.Addr)
			}
		})
		maps.DeleteFunc(want, func(_ key, list []netip.Addr) bool { return len(list) < 2 })
		got := make(map[key][]netip.Addr)
		sameNames(inv, func(list []named) {
			k := key{list[0].name.Value, list[0].Is4()}
			if got[k] != nil {
				t.Errorf("%v comes twice", k)
			}
			for _, n := range list {
				got[k] = append(got[k], n.Addr)
			}
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestNameOfAnotherServer(t *testing.T) {
	const hint = `write another name, or move the address to server "web2"`
	testMistakes(t, nameOfAnotherServer, []mistake{
		{
			"of a customer",
			[]string{"primary: 192.0.2.20", "primary: <2>192.0.2.20", "10: mail.example.net", "10: <1>web2.vps.example"},
			`192.0.2.10 of server "web1" has the name "web2.vps.example.", the default hostname of server "web2"`, hint,
		},
		{
			"of no server", []string{"primary: 192.0.2.20", "primary: <2>192.0.2.20", "gw1.example.net", "<1>web2.vps.example"},
			`192.0.2.1 of no server has the name "web2.vps.example.", the default hostname of server "web2"`, hint,
		},
		{
			"in any domain", []string{
				`"{server}.vps.example"`, `"{server}.{account}.{product}.example"`,
				"product: vps\n    primary: 192.0.2.20", "product: vps\n    account: acme\n    primary: <2>192.0.2.20",
				"gw1.example.net", "<1>web2.acme.vps.example",
			},
			`192.0.2.1 of no server has the name "web2.acme.vps.example.", the default hostname of server "web2"`, hint,
		},
		{
			"in a forward zone", []string{
				"primary: 192.0.2.20", "primary: <2>192.0.2.20", "10: mail.example.net", "10: <1>web2.vps.example",
				"lint:\n", "forward_zones: [vps.example]\nlint:\n",
			},
			`192.0.2.10 of server "web1" has the name "web2.vps.example.", the default hostname of server "web2"`, hint,
		},
	})
	testClean(t, map[string][]string{
		"its own":                          {"10: mail.example.net", "10: web1.vps.example"},
		"that of another of its addresses": {"192.0.2.11:", "192.0.2.11: web1.vps.example"},
		"nobody's":                         {"gw1.example.net", "web3.vps.example"},
	})
}

// BenchmarkNames runs the rules about names alone, over addresses that all have one.
func BenchmarkNames(b *testing.B) {
	s := inventory(500_000).Source
	s.Accounts = nil
	for i := range s.Servers {
		domain := fmt.Sprintf("customer%d.example.", i)
		s.Accounts = append(s.Accounts, source.Account{
			Name: source.Text{Value: domain}, Domains: []source.Name{{Value: domain}},
		})
		server := &s.Servers[i]
		server.Account = s.Accounts[i].Name
		names := []source.Name{{Value: "mail." + domain}}
		server.Addresses[0].Names = names
		server.Addresses = append(server.Addresses, source.Address{Addr: server.Primary[0], Names: names})
	}
	inv := model.Build(s)
	l := New(inv, nil, Options{})
	for _, r := range Rules {
		if !strings.HasPrefix(r.ID, "name-") {
			continue
		}
		b.Run(r.ID, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p := l.rule(r, l.frame.of(inv)); len(p.Findings) > 0 {
					b.Fatal(p.Findings)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(inv.Addresses)), "ns/address")
		})
	}
}

func TestNameNotNFC(t *testing.T) {
	testMistakes(t, nameNotNFC, []mistake{
		{
			"a letter and a mark", gw("gw.bu\u0308cher.example"),
			"\"gw.bu\u0308cher.example\" has U+0075 U+0308 in place of U+00FC: it is not in normalization form C",
			"write \"gw.b\u00fccher.example\"",
		},
		{
			"two marks in the wrong order", gw("gw.q\u0307\u0323.example"),
			"\"gw.q\u0307\u0323.example\" has U+0071 U+0307 U+0323 in place of U+0071 U+0323 U+0307: " +
				"it is not in normalization form C",
			"write \"gw.q\u0323\u0307.example\"",
		},
		{
			"a template", template("bu\u0308cher.example"),
			"\"{server}.bu\u0308cher.example\" has U+0075 U+0308 in place of U+00FC: it is not in normalization form C",
			"write \"{server}.b\u00fccher.example\"",
		},
	})
	testClean(t, map[string][]string{
		"form C":                    clean("gw.b\u00fccher.example"),
		"a mark that has no letter": clean("gw.q\u0323.example"),
		"turned off":                append(clean("gw.bu\u0308cher.example"), "rules: {}", "rules: {name-not-nfc: off}"),
	})
}

func TestNameNotHostname(t *testing.T) {
	const (
		use      = "use letters, digits and, inside, hyphens"
		rename   = "rename the server, or give the address a name"
		template = "change the template"
	)
	underscore := func(name, label string) string {
		return `"` + name + `" is not the name of a host: the label "` + label + `" has a "_"`
	}
	hyphen := func(name, label string) string {
		return `"` + name + `" is not the name of a host: the label "` + label + `" begins or ends with "-"`
	}
	testMistakes(t, nameNotHostname, []mistake{
		{"underscore", gw("gw_1.example.net"), underscore("gw_1.example.net.", "gw_1"), use},
		{"underscore at the end", gw("gw1.ex_.example"), underscore("gw1.ex_.example.", "ex_"), use},
		{"hyphen at the beginning", gw("-gw1.example.net"), hyphen("-gw1.example.net.", "-gw1"), use},
		{"hyphen at the end", gw("gw1.acme-.example"), hyphen("gw1.acme-.example.", "acme-"), use},
		{"hyphen alone", gw("gw1.-.example"), hyphen("gw1.-.example.", "-"), use},
		{"a name server", ownNS("ns_2.example.net"), underscore("ns_2.example.net.", "ns_2"), use},
		{"a name server of a delegation", customerNS("ns2-.acme.example"), hyphen("ns2-.acme.example.", "ns2-"), use},
		{"name of a server", []string{"web2:", "<1>Web_2:"}, underscore("web_2.vps.example.", "web_2"), rename},
		{
			"a template, of many servers", []string{`"{server}.vps.example"`, `<1>"{server}.my_vps.example"`},
			underscore("web2.my_vps.example.", "my_vps"), template,
		},
		{
			"the first label of a template", []string{`"{server}.vps.example"`, `<1>"-{server}.vps.example"`},
			hyphen("-web2.vps.example.", "-web2"), template,
		},
		{
			"a fallback", []string{"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: <1>"{ip}-.static.example"}`},
			hyphen("192-0-2-0-.static.example.", "192-0-2-0-"), template,
		},
	})
	testClean(t, map[string][]string{
		"hyphens inside":         clean("g-w-1.a-b.example"),
		"a default not answered": {"web1:", "web_1:", "2001:db8:1::1:", "2001:db8::10:"},
	})
}
