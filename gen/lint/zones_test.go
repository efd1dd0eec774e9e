package lint

import (
	"fmt"
	"strings"
	"testing"
)

// extra is a change of good: another block, marked <1>.
func extra(prefix string) []string {
	zone := ""
	if strings.Contains(prefix, ".") && strings.HasSuffix(prefix, "/32") {
		zone = "zone: classless.example"
	}
	return []string{"192.0.2.0/24: {}", fmt.Sprintf("192.0.2.0/24: {}\n  <1>%s: {%s}", prefix, zone)}
}

func TestBlockSpecialPurpose(t *testing.T) {
	const (
		remove = "correct the prefix, or remove the block"
		local  = "remove the block, or make the resolvers of your network ask for it"
	)
	var mistakes []mistake
	for _, test := range []struct{ prefix, message string }{
		{"10.1.0.0/16", "private-use space (RFC 1918): resolvers answer for it themselves (RFC 6303)"},
		{"10.0.0.0/8", "private-use space (RFC 1918): resolvers answer for it themselves (RFC 6303)"},
		{"100.127.0.0/16", "shared address space (RFC 6598): resolvers answer for it themselves (RFC 7793)"},
		{"127.0.0.0/24", "loopback space (RFC 1122 section 3.2.1.3): resolvers answer for it themselves (RFC 6303)"},
		{"192.0.0.0/24", "protocol assignment space (RFC 6890 section 2.1), which no registry gives to a network"},
		{"198.19.0.0/24", "benchmarking space (RFC 2544), which no registry gives to a network"},
		{"233.252.0.0/24", "multicast space (RFC 5771), which no registry gives to a network"},
		{"250.0.0.0/24", "reserved space (RFC 1112 section 4), which no registry gives to a network"},
		{"255.255.255.255/32", "limited broadcast space (RFC 919): resolvers answer for it themselves (RFC 6303)"},
		{"::/96", "reserved space (RFC 4291 section 2.4), which no registry gives to a network"},
		{"::1/128", "loopback space (RFC 4291): resolvers answer for it themselves (RFC 6303)"},
		{"64:ff9b::/96", "IPv4 translation space (RFC 6052), which no registry gives to a network"},
		{"2001:100::/24", "protocol assignment space (RFC 2928), which no registry gives to a network"},
		{"2001:0:c000:200::/56", "Teredo space (RFC 4380), which no registry gives to a network"},
		{"2002:c000:200::/48", "6to4 space (RFC 3056), which no registry gives to a network"},
		{"4000::/4", "reserved space (RFC 4291 section 2.4), which no registry gives to a network"},
		{"a000::/4", "reserved space (RFC 4291 section 2.4), which no registry gives to a network"},
		{"fc00:1::/32", "unique-local space (RFC 4193), which no registry gives to a network"},
		{"fd00:1::/32", "unique-local space (RFC 4193): resolvers answer for it themselves (RFC 6303)"},
		{"fe80::/10", "link-local space (RFC 4291): resolvers answer for it themselves (RFC 6303)"},
		{"ff02::/16", "multicast space (RFC 4291), which no registry gives to a network"},
	} {
		hint := remove
		if strings.Contains(test.message, "resolvers") {
			hint = local
		}
		mistakes = append(mistakes, mistake{
			test.prefix, extra(test.prefix), "block " + test.prefix + " is " + test.message, hint,
		})
	}
	testMistakes(t, blockSpecialPurpose, mistakes)

	clean := make(map[string][]string)
	for _, prefix := range []string{
		"0.0.0.0/1", "9.255.255.0/24", "11.0.0.0/24", "172.32.0.0/16", "192.0.1.0/24", "198.20.0.0/16", "223.255.255.0/24",
		"2001::/22", "2001:200::/23", "2003::/16", "2600::/12", "3ffe::/16",
	} {
		o := extra(prefix)
		o[1] = strings.Replace(o[1], "<1>", "", 1)
		clean[prefix] = o
	}
	testClean(t, clean)
}

// TestReserved holds that the ranges are in the order of their addresses, the larger first, and have no host bits.
func TestReserved(t *testing.T) {
	for _, list := range [][]reserved{specialPurpose, documentation} {
		for i, r := range list {
			if r.prefix != r.prefix.Masked() || r.name == "" || !strings.HasPrefix(r.rfc, "RFC ") {
				t.Errorf("%+v", r)
			}
			if got := holding(list, r.prefix); got != &list[i] {
				t.Errorf("%s is held by %s", r.prefix, got.prefix)
			}
		}
	}
}

func TestBlockDocumentation(t *testing.T) {
	for _, test := range []struct{ prefix, message string }{
		{"203.0.113.0/24", "documentation space (RFC 5737): resolvers answer for it themselves (RFC 6303)"},
		{"3fff:100::/24", "documentation space (RFC 9637), which no registry gives to a network"},
	} {
		t.Run(test.prefix, func(t *testing.T) {
			o := extra(test.prefix)
			text, at := marks(change(t, append(o, turnOn(blockDocumentation)...)...))
			for _, d := range run(t, text) {
				if d.Rule != blockDocumentation.ID {
					t.Errorf("%+v", d)
				}
				if d.Pos.String() == at["<1>"] {
					if d.Message != "block "+test.prefix+" is "+test.message {
						t.Errorf("message %q", d.Message)
					}
					return
				}
			}
			t.Error("not found")
		})
	}
}
