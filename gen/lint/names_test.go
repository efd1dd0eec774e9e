package lint

import "testing"

// gw is a change of good: the name of an address of no server, marked <1>.
func gw(name string) []string { return []string{"192.0.2.1: gw1.example.net", "192.0.2.1: <1>" + name} }

// clean is gw for testClean.
func clean(name string) []string { return []string{"gw1.example.net", name} }

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
			"a template", template("vps.example.2.0.192.in-addr.arpa"),
			says("vps.example.2.0.192.in-addr.arpa."), probably("vps.example."),
		},
	})
	testClean(t, map[string][]string{
		"below another name": clean("in-addr.arpa.example.net"),
		"not a whole label":  clean("gw1.notin-addr.arpa"),
	})
}
