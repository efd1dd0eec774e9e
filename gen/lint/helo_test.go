package lint

import "testing"

const addresses = "    addresses:\n      192.0.2.10: mail.example.net\n"

func TestHeloMismatch(t *testing.T) {
	const hint = "use one name for both: receivers of mail compare them"
	testMistakes(t, heloMismatch, []mistake{
		{
			"another name",
			[]string{
				"primary: [192.0.2.10, 2001:db8::10]\n" + addresses,
				"primary: 192.0.2.10\n    helo: <2>smtp.example.net\n    addresses:\n      192.0.2.10: <1>mail.example.net\n",
			},
			`the primary address 192.0.2.10 has the name "mail.example.net.", but the server says "smtp.example.net." in HELO`,
			hint,
		},
		{
			"one family of two",
			[]string{
				addresses, "    helo: <2>mail.example.net\n" + addresses + "      2001:db8::10: <1>mail6.example.net\n",
			},
			`the primary address 2001:db8::10 has the name "mail6.example.net.", but the server says "mail.example.net." in HELO`,
			hint,
		},
	})
	testClean(t, map[string][]string{
		"the same name": {addresses, "    helo: Mail.Example.net.\n" + addresses + "      2001:db8::10: mail.example.net\n"},
		"an additional address": {
			addresses, "    helo: mail.example.net\n" + addresses +
				"      2001:db8::10: mail.example.net\n      192.0.2.12: web.example.net\n",
		},
		"one of several names": {
			"primary: [192.0.2.10, 2001:db8::10]\n" + addresses,
			"primary: 192.0.2.10\n    helo: smtp.example.net\n    addresses:\n" +
				"      192.0.2.10: {names: [mail.example.net, smtp.example.net]}\n",
			"rules: {}", "rules: {name-multiple: off}",
		},
	})
}

func TestHeloWithoutName(t *testing.T) {
	testMistakes(t, heloWithoutName, []mistake{
		{
			"default hostname",
			[]string{"primary: 192.0.2.20\n", "primary: <1>192.0.2.20\n    helo: <2>smtp.example.net\n"},
			`the primary address 192.0.2.20 answers with the default hostname "web2.vps.example.", ` +
				`but the server says "smtp.example.net." in HELO`,
			`add "192.0.2.20: smtp.example.net" to its addresses`,
		},
		{
			"no name for an address",
			[]string{
				"primary: 192.0.2.20\n", "primary: <1>192.0.2.20\n    helo: <2>mail\n", "rules: {}", "rules: {helo-generic: off}",
			},
			`the primary address 192.0.2.20 answers with the default hostname "web2.vps.example.", ` +
				`but the server says "mail." in HELO`,
			"give the address a reverse map name, and say the same in HELO",
		},
	})
	testClean(t, map[string][]string{
		"the default hostname in HELO": {"primary: 192.0.2.20\n", "primary: 192.0.2.20\n    helo: web2.vps.example\n"},
		"no primary address": {
			"product: vps\n    primary: 192.0.2.20\n", "helo: smtp.example.net\n",
		},
	})
}
