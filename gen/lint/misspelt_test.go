package lint

import "testing"

func TestDomainMisspelt(t *testing.T) {
	zone := []string{"gw1.example.net", "<1>gw1.exmaple.net", "lint:\n", "forwards: [example.net.zone]\nlint:\n",
		"rules: {}\n", "rules: {forward-missing: off}\n-- example.net.zone --\n" +
			"<2>@ 1h SOA ns1 hostmaster 1 1h 15m 2w 5m\nns1 1h A 203.0.113.1\nns2 1h A 203.0.113.2\n"}
	testMistakes(t, domainMisspelt, []mistake{
		{
			"two letters changed places", []string{`"{server}.vps.example"`, `<2>"{server}.servers.example"`,
				"gw1.example.net", "<1>gw1.sevrers.example"},
			`"gw1.sevrers.example." lies in "sevrers.example.", which looks like a slip for "servers.example."`,
			`write "gw1.servers.example."`,
		},
		{
			"a letter too many", []string{`"{server}.vps.example"`, `<2>"{server}.servers.example"`,
				"gw1.example.net", "<1>gw1.serverss.example"},
			`"gw1.serverss.example." lies in "serverss.example.", which looks like a slip for "servers.example."`,
			`write "gw1.servers.example."`,
		},
		{
			"a letter too few", []string{`"{server}.vps.example"`, `<2>"{server}.servers.example"`,
				"gw1.example.net", "<1>gw1.ams.ervers.example"},
			`"gw1.ams.ervers.example." lies in "ervers.example.", which looks like a slip for "servers.example."`,
			`write "gw1.ams.servers.example."`,
		},
		{
			"another letter, in the domain of a zone file", zone,
			`"gw1.exmaple.net." lies in "exmaple.net.", which looks like a slip for "example.net."`,
			`write "gw1.example.net."`,
		},
		{
			"a name server", []string{`"{server}.vps.example"`, `<2>"{server}.servers.example"`,
				"ns2.example.net]", "<1>ns2.sevrers.example]"},
			`"ns2.sevrers.example." lies in "sevrers.example.", which looks like a slip for "servers.example."`,
			`write "ns2.servers.example."`,
		},
		{
			"that of the mailbox", []string{"contact: hostmaster@example.net", "contact: <2>hostmaster@example.net",
				"gw1.example.net", "<1>gw1.exmaple.net"},
			`"gw1.exmaple.net." lies in "exmaple.net.", which looks like a slip for "example.net."`,
			`write "gw1.example.net."`,
		},
	})
	servers := []string{`"{server}.vps.example"`, `"{server}.servers.example"`}
	testClean(t, map[string][]string{
		"two slips":         append([]string{"gw1.example.net", "gw1.srevesr.example"}, servers...),
		"another top label": append([]string{"gw1.example.net", "gw1.servers.net"}, servers...),
		"a numbered domain": {
			`"{server}.vps.example"`, `"{server}.servers1.example"`, "gw1.example.net", "gw1.servers2.example",
		},
		"a short domain": {`"{server}.vps.example"`, `"{server}.a.example"`, "gw1.example.net", "gw1.b.example"},
		"a short label": {
			`"{server}.vps.example"`, `"{server}.fr.servers.example"`, "gw1.example.net", "gw1.br.servers.example",
		},
		"a domain of ours": append([]string{
			"192.0.2.0/24: {}", `192.0.2.0/24: {fallback: "{ip}.server.example"}`, "gw1.example.net", "gw1.server.example",
		}, servers...),
		"one that has many": append([]string{
			"192.0.2.1: gw1.example.net", "192.0.2.1: gw1.server.example\n  192.0.2.2: gw2.server.example\n" +
				"  192.0.2.3: gw3.server.example",
		}, servers...),
		"an account's domains": append([]string{
			"acme: {}", "acme: {domains: [server.example, example.net]}", "mail.example.net", "mail.server.example",
		}, servers...),
	})
}
