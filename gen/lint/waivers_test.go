package lint

import (
	"slices"
	"testing"
)

const gw1 = "192.0.2.1: gw1.example.net"

// two breaks name-multiple.
const two = "192.0.2.1: {names: [gw1.example.net, gw2.example.net]}"

// above is good with a comment above the only address of no server.
func above(comment, address string) []string { return []string{gw1, comment + "\n  " + address} }

func TestWaivers(t *testing.T) {
	testClean(t, map[string][]string{
		"on the line":       {gw1, two + ` # revmap:ignore name-multiple reason="old"`},
		"on the line above": above(`# revmap:ignore name-multiple reason="old"`, two),
		"above comments":    above("# revmap:ignore name-multiple reason=\"old\"\n\n  # gw2 is old\n", two),
		"no space":          above(`#revmap:ignore name-multiple reason=old`, two),
		"until today":       above(`# revmap:ignore name-multiple until=2026-11-21 reason="old"`, two),
		"two for two lines": above("# revmap:ignore name-multiple reason=\"old\"", two+"\n  192.0.2.2: {names: [a.example.net, "+
			"b.example.net]} # revmap:ignore name-multiple reason=\"old\""),
		"Windows line": above("# revmap:ignore name-multiple reason=\"old\"\r", two),
		"no comment":   {gw1, `192.0.2.1: gw1.example.net # see revmap:ignore`},
	})
	// A line in another file of the same number is another line.
	l := run(t, change(t, "lint:\n", "include: [more.yaml]\nlint:\n")+"-- more.yaml --\naddresses:\n  192.0.2.2: {names: "+
		"[a.example.net, b.example.net]} # revmap:ignore name-multiple reason=old\n")
	if len(l) > 0 {
		t.Errorf("%+v", l)
	}
}

func TestWaiverInvalid(t *testing.T) {
	const hint = `write: revmap:ignore RULE until=2027-01-31 reason="why"; until may be left out`
	testMistakes(t, waiverInvalid, []mistake{
		{"no such rule", above(`# revmap:ignore <1>name-multipel reason="old"`, gw1),
			`no rule "name-multipel"`, `write "name-multiple"`},
		{"a rule that cannot be waived", above(`# revmap:ignore <1>address-outside-blocks reason="old"`, gw1),
			`rule "address-outside-blocks" cannot be waived`, "mend what it finds"},
		{"a waiver of waivers", above(`# revmap:ignore <1>waiver-unused reason="old"`, gw1),
			`rule "waiver-unused" cannot be waived`, "mend what it finds"},
		{"no rule", above(`<1># revmap:ignore reason="old"`, gw1), "the waiver names no rule", hint},
		{"no reason", above(`<1># revmap:ignore name-multiple`, gw1), "the waiver has no reason", hint},
		{"empty reason", above(`<1># revmap:ignore name-multiple reason=" "`, gw1), "the waiver has no reason", hint},
		{"no day", above(`# revmap:ignore name-multiple <1>until=2027-02-29 reason="old"`, gw1),
			`"2027-02-29" is not a day, such as 2027-01-31`, hint},
		{"second reason", above(`# revmap:ignore name-multiple reason=old <1>reason=new`, gw1), `a second "reason"`, hint},
		{"other key", above(`# revmap:ignore name-multiple <1>owner=me reason=new`, gw1), `a waiver has no "owner"`, hint},
		{"reason without quotes", above(`# revmap:ignore name-multiple reason=gw2 <1>Old`, gw1),
			`"Old" is not the id of a rule`, hint},
		{"after other letters", above(`# greater, # <1>revmap:ignored name-multiple`, gw1),
			`want revmap:ignore, not "revmap:ignored"`, hint},
	})
}

func TestWaiverExpired(t *testing.T) {
	testMistakes(t, waiverExpired, []mistake{
		{"nothing to waive", above(`<1># revmap:ignore name-multiple until=2026-11-20 reason="old"`, gw1),
			`this waiver of "name-multiple" held until 2026-11-20`, "remove it: there is nothing to waive"},
	})
	l := run(t, change(t, above(`# revmap:ignore name-multiple until=2026-11-20 reason="old"`, two)...))
	var got []string
	for _, d := range l {
		got = append(got, d.Rule+": "+d.Hint)
	}
	want := []string{
		"waiver-expired: mend what it waives, or decide on another day",
		"name-multiple: keep the name that the host calls itself",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWaiverUnused(t *testing.T) {
	testMistakes(t, waiverUnused, []mistake{
		{"on the line", []string{gw1, gw1 + ` <1># revmap:ignore name-multiple reason="old"`},
			`there is no finding of "name-multiple" to waive on line 29`, "remove it"},
		{"two lines above", above("<1># revmap:ignore name-multiple reason=\"old\"", "192.0.2.2: gw2.example.net\n  "+two+
			` # revmap:ignore name-multiple reason="old"`),
			`there is no finding of "name-multiple" to waive on line 30`, "remove it"},
		{"at the end", []string{"  rules: {}\n", "  rules: {}\n<1># revmap:ignore name-multiple reason=old\n"},
			`there is no finding of "name-multiple" to waive on line 34`, "remove it"},
		{"one of two rules", above(`<1># revmap:ignore name-multiple, account-unknown reason="old"`, two),
			`there is no finding of "account-unknown" to waive on line 30`, "remove it"},
		{"a rule that is off", append(above(`<1># revmap:ignore name-multiple reason="old"`, two),
			"rules: {}", "rules: {name-multiple: off}"),
			`there is no finding of "name-multiple" to waive on line 30`, "remove it"},
	})
	// What is not found because a file could not be read may be there.
	text := change(t, append(above(`# revmap:ignore account-unknown reason="old"`, gw1), "lint:\n", "include: [no.yaml]\nlint:\n")...)
	if l := run(t, text); len(l) != 1 || l[0].Rule != "include-invalid" {
		t.Errorf("%+v", l)
	}
}
