package lint

import "testing"

const (
	rdnsDynamic = `SpamAssassin RDNS_DYNAMIC fires on "192-0-2-10" and costs up to 2.6 points of the 5 that make spam`
	notFromIP   = `use the server's own name, such as mail.example.net, or put a label "static" after the address`
)

func TestNameGeneric(t *testing.T) {
	testMistakes(t, nameGeneric, []mistake{
		{
			"the address", []string{"192.0.2.10: mail.example.net", "192.0.2.10: <1>192-0-2-10.example.net"},
			`"192-0-2-10.example.net." looks generated: ` + rdnsDynamic, notFromIP,
		},
		{
			"an additional address", []string{"192.0.2.11:\n", "192.0.2.11: <1>192-0-2-10.example.net\n"},
			`"192-0-2-10.example.net." looks generated: ` + rdnsDynamic, notFromIP,
		},
		{
			"two filters", []string{"192.0.2.10: mail.example.net", "192.0.2.10: <1>192-0-2-10.dyn.example.net"},
			`"192-0-2-10.dyn.example.net." looks generated: SpamAssassin RDNS_DYNAMIC fires on "dyn" ` +
				`and costs up to 2.6 points of the 5 that make spam; ` +
				`rspamd HFILTER_HOSTNAME_5 fires on "dyn" and costs 3 points of the 6 that make spam`, notFromIP,
		},
	})
	testClean(t, map[string][]string{
		"static":             {"192.0.2.10: mail.example.net", "192.0.2.10: 192-0-2-10.static.example.net"},
		"of no server":       {"192.0.2.1: gw1.example.net", "192.0.2.1: 192-0-2-10.example.net"},
		"S25R, which is off": {"192.0.2.10: mail.example.net", "192.0.2.10: mail1-2.example.net"},
	})
}

func TestNameGenericS25R(t *testing.T) {
	testMistakes(t, nameGenericS25R, []mistake{{
		"two numbers", []string{"192.0.2.10: mail.example.net", "192.0.2.10: <1>mail1-2.example.net"},
		`"mail1-2.example.net." looks generated: S25R rule 1 fires on "mail1-2" ` +
			"and costs a refusal by the few receivers that use S25R",
		"use a name with no more than one short number in its first label, such as mail1.example.net",
	}})
}

func TestTemplateGeneric(t *testing.T) {
	testMistakes(t, templateGeneric, []mistake{
		{
			"the address", []string{`"{server}.vps.example"`, `<1>"{ip}.vps.example"`, "primary: [192.0.2.10, 2001:db8::10]",
				"primary: 192.0.2.10"},
			`the default hostname of product "vps", such as "192-0-2-10.vps.example.", looks generated: ` + rdnsDynamic, notFromIP,
		},
		{
			"a word", []string{`"{server}.vps.example"`, `<1>"{server}.dyn.vps.example"`},
			`the default hostname of product "vps", such as "name.dyn.vps.example.", looks generated: ` +
				`SpamAssassin RDNS_DYNAMIC fires on "dyn" and costs up to 2.6 points of the 5 that make spam`, "take this word out of the name",
		},
	})
	testClean(t, map[string][]string{
		"static":                {`"{server}.vps.example"`, `"{ip}.static.vps.example"`},
		"the name of a server":  {"  web2:", "  dhcp-192-0-2-20:"},
		"a product without use": {"products:\n", "products:\n  old: {hostname: \"{ip}.vps.example\"}\n"},
		"a fallback":            {"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.dyn.example.net"}`},
	})
}

func TestHeloGeneric(t *testing.T) {
	testMistakes(t, heloGeneric, []mistake{
		{
			"the name in HELO",
			[]string{
				"primary: [192.0.2.10, 2001:db8::10]\n", "primary: 192.0.2.10\n    helo: <1>mail.1-2.dhcp.example.net\n",
				"192.0.2.10: mail.example.net", "192.0.2.10: mail.1-2.dhcp.example.net",
				"rules: {}", "rules: {name-generic: off}",
			},
			`"mail.1-2.dhcp.example.net." in HELO looks generated: ` +
				`SpamAssassin HELO_DYNAMIC_HCC fires on "dhcp" and costs up to 4.3 points of the 5 that make spam; ` +
				`rspamd HFILTER_HELO_5 fires on "dhcp" and costs 3 points of the 6 that make spam`,
			"take this word out of the name",
		},
		{
			"a default hostname",
			[]string{
				"  web2:", "  dhcp-192-0-2-10:", "primary: 192.0.2.20", "primary: <1>192.0.2.20\n    helo: mail.example.net",
				"rules: {}", "rules: {helo-without-name: off}",
			},
			`the default hostname "dhcp-192-0-2-10.vps.example." looks generated: ` + rdnsDynamic +
				`; rspamd HFILTER_HOSTNAME_5 fires on "dhcp" and costs 3 points of the 6 that make spam` +
				`; S25R rule 1 fires on "dhcp-192-0-2-10" and costs a refusal by the few receivers that use S25R`,
			"give 192.0.2.20 a reverse map name",
		},
	})
	testClean(t, map[string][]string{
		"a default hostname of no mail server": {"  web2:", "  dhcp-192-0-2-10:"},
	})
}
