package lint

import (
	"fmt"
	"strings"
	"testing"
)

// manyDomains are more than are tried one after the other.
var manyDomains = func() string {
	list := make([]string, many)
	for i := range list {
		list[i] = fmt.Sprintf("d%d.example", i)
	}
	return strings.Join(list, ", ")
}()

func TestNameOutsideDomains(t *testing.T) {
	const hint = "correct the name, or add its domain to the account once it is the customer's"
	testMistakes(t, nameOutsideDomains, []mistake{
		{
			"a typing error", []string{"acme: {}", "acme: {domains: [<2>example.net]}",
				"192.0.2.10: mail.example.net", "192.0.2.10: <1>mail.exmaple.net"},
			`"mail.exmaple.net." lies in no domain of account "acme"`, hint,
		},
		{
			"only the end is the same", []string{"acme: {}", "acme: {domains: [<2>example.net, <3>acme.example]}",
				"192.0.2.10: mail.example.net", "192.0.2.10: <1>mail-example.net"},
			`"mail-example.net." lies in no domain of account "acme"`, hint,
		},
	})
	t.Run("the first three of many domains", func(t *testing.T) {
		l := run(t, change(t, "acme: {}", "acme: {domains: ["+manyDomains+", example.net]}",
			"10: mail.example.net", "10: a.example"))
		if len(l) != 1 || l[0].Rule != nameOutsideDomains.ID || len(l[0].Related) != 3 {
			t.Errorf("%+v", l)
		}
	})
	testClean(t, map[string][]string{
		"below a domain":           {"acme: {}", "acme: {domains: [acme.example, example.net]}"},
		"the domain":               {"acme: {}", "acme: {domains: [example.net]}", "10: mail.example.net", "10: example.net"},
		"an account without":       {"192.0.2.10: mail.example.net", "192.0.2.10: mail.initech.example"},
		"its own default hostname": {"acme: {}", "acme: {domains: [example.net]}", "10: mail.example.net", "10: web1.vps.example"},
		"that of another of its addresses": {
			"acme: {}", "acme: {domains: [example.net]}", "192.0.2.11:", "192.0.2.11: web1.vps.example",
		},
		"below one of many domains": {"acme: {}", "acme: {domains: [" + manyDomains + ", example.net]}"},
		"no account":                {"acme: {}", "acme: {domains: [example.net]}", "65: shop.example.net", "65: shop.initech.example"},
		"no server":                 {"acme: {}", "acme: {domains: [example.net]}", "gw1.example.net", "gw1.initech.example"},
	})
}

func TestNameOfProvider(t *testing.T) {
	const hint = "use a name in a domain of the customer; without a name, a primary address has its default hostname"
	testMistakes(t, nameOfProvider, []mistake{
		{
			"where a product makes names",
			[]string{`"{server}.vps.example"`, `<2>"{server}.vps.example"`, "10: mail.example.net", "10: <1>mail.vps.example"},
			`"mail.vps.example.", a name of account "acme", lies in "vps.example.", where names are the provider's to give`, hint,
		},
		{
			"where a fallback makes names",
			[]string{
				"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: <2>"{ip}.rev.example"}`,
				"10: mail.example.net", "10: <1>support.rev.example",
			},
			`"support.rev.example.", a name of account "acme", lies in "rev.example.", where names are the provider's to give`, hint,
		},
	})
	testClean(t, map[string][]string{
		"its own default hostname": {"10: mail.example.net", "10: web1.vps.example"},
		"a domain of the account": {
			"acme: {}", "acme: {domains: [acme.vps.example, example.net]}", "10: mail.example.net", "10: mail.acme.vps.example",
		},
		"no account":                  {"65: shop.example.net", "65: shop.vps.example"},
		"no server":                   {"1: gw1.example.net", "1: gw1.vps.example"},
		"of another of its addresses": {"192.0.2.11:", "192.0.2.11: web1.vps.example"},
		"all but a top-level domain":  {`"{server}.vps.example"`, `"{server}.{product}.example"`},
		"all but a public suffix":     {`"{server}.vps.example"`, `"{server}.{product}.com"`, "10: mail.example.net", "10: mail.acme.com"},
	})
}
