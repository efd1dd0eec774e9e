// Package generic tells which mail filters take a host name for a generated one: a name made from the address or from
// the product, as the lines of an access network have. Filters count such a name against every message from it.
//
// Names are matched as revmap publishes them, in lower case: that matters to the few filters that look at case. No
// filter here looks at the address, so IPv4 and IPv6 are alike. All functions take a name with or without its final
// dot and in any case, may be called concurrently, and do not allocate unless something matches.
package generic

import (
	"strconv"
	"strings"
)

// A Match is one filter that takes a name for a generated one.
type Match struct {
	Filter string // the filter and its rule, e.g. "SpamAssassin RDNS_DYNAMIC"
	Part   string // what in the name it fires on: a substring of the name in lower case
	Cost   string // what that costs a message, e.g. "up to 2.6 points of the 5 that make spam"
	Fix    string // the way out, in the imperative, e.g. "use the server's own name"
}

// PTR returns the filters that take name, the target of an address's PTR, for a generated one: at most one rule of
// SpamAssassin, then at most one of rspamd. It returns nil if there are none.
//
// SpamAssassin (the rules of 4.0.1) has RDNS_DYNAMIC, and RDNS_LOCALHOST for localhost itself. RDNS_DYNAMIC fires on
// any of these shapes, unless the name holds one of fix, static, dedicated, mail-mail, outbound-mail, smtp:
//
//   - four numbers, each one character after the last, and at least two labels after the label of the fourth:
//     192-0-2-10.host.example.net, 10.2.0.192.example.net
//   - one number as first label, and below it three more, each one character after the last:
//     10.red-192-0-2.example.net
//   - cable, catv, cm, cpe, dhcp, docsis, dsl or node anywhere, and two numbers after it: node1-2.example.net
//   - two numbers, and a later label cable, cpe, dhcp, docsis, dsl or adsl: a1b2.cpe.example.net
//   - after the first separator (dot or hyphen), one of catv, client, cpe, dhcp, docsis, dyn, dynamic, res or resnet
//     between separators, or dyn or dynamic before a digit: a.dyn.example.net, a-dynamic1.example.net
//   - a label that ends in a hyphen, one letter, a number, a hyphen and a number: sp1-c700-131.example.net
//   - 0x and eight hexadecimal digits as first label; a letter and a number before a label dip; a number before a
//     label cps
//
// Not covered are its rules for the customers of one access provider, which are bound to that provider's domain:
// Adelphia, Asahi, AT&T Broadband, Chello, Comcast, NTL, Roadrunner, Rogers, TDS, Telia, Velox, YahooBB.
//
// rspamd (3.4) has hfilter: words of access networks between separators, or beside digits. It gives weights of 1 to 5.
// Those of 1 and 2 (among them host and user) cost at most one point, which is no mail lost: they are not returned.
// The words from 3 on are in the table of hfilter.go.
func PTR(name string) []Match {
	n := canonical(name)
	var matches []Match
	if n == "localhost" || n == "localhost.localdomain" {
		matches = append(matches, assassin("RDNS_LOCALHOST", n, "3.7", fixLocalhost))
	}
	if part := rdnsDynamic(n); part != "" {
		matches = append(matches, assassin("RDNS_DYNAMIC", part, "2.6", fix(n, part, fixPTR)))
	}
	if part, weight := hfilter(n); weight > 0 {
		matches = append(matches, rspamd("HOSTNAME", part, weight, fixWord))
	}
	return matches
}

// HELO returns the filters that take name, what a mail server says in HELO or EHLO, for a generated one: rules of
// SpamAssassin in the order of the alphabet, then at most one of rspamd. It returns nil if there are none.
//
// SpamAssassin (the rules of 4.0.1) has HELO_LOCALHOST for localhost, and these, of which a name can match several:
//
//   - HELO_DYNAMIC_DHCP*: a word of an access network and two numbers, as for RDNS_DYNAMIC, but not the cm in acm or
//     smtpcm
//   - HELO_DYNAMIC_DIALIN: a letter and a number before a label dip
//   - HELO_DYNAMIC_HCC*: two numbers and a later label, as for RDNS_DYNAMIC
//   - HELO_DYNAMIC_HEXIP: 0x and eight hexadecimal digits as first label
//   - HELO_DYNAMIC_IPADDR*: a letter first, and later four numbers, each one character after the last; one more
//     character; two labels after the label of that; and no static between separators
//   - HELO_DYNAMIC_IPADDR2: the four numbers first, of at most three digits, with nothing but x or a character that is
//     no letter between; one more character; two labels after the label of that; and none of static, mail, smtp, mx
//     between separators, with digits or without
//   - HELO_DYNAMIC_SPLIT_IP: one number as first label, three more below it, as for RDNS_DYNAMIC; it replaces IPADDR2
//
// Those with an asterisk spare some mail servers below rogers.com, salesforce.com and sendgrid.net; here they spare
// every name there. Rules that score nothing or are for one access provider (Chello, Home, Rogers) are not covered, nor
// is it that HELO_DYNAMIC_IPADDR reads on into the name of the receiver if only one label follows.
//
// rspamd (3.4) has hfilter, with the words of [PTR], and with weight 5 for a name of one label. Its rules for an
// address in place of a name, and for names of routers below lan, are not covered.
func HELO(name string) []Match {
	n := canonical(name)
	var matches []Match
	add := func(rule, part, points string) {
		if part != "" {
			matches = append(matches, assassin(rule, part, points, fix(n, part, fixHELO)))
		}
	}
	split := splitAddress(n)
	spared := mailDomain(n)
	if !spared {
		add("HELO_DYNAMIC_DHCP", accessWord(n, true), "2.6")
	}
	add("HELO_DYNAMIC_DIALIN", dialIn(n), "3.2")
	if !spared {
		add("HELO_DYNAMIC_HCC", accessLabel(n), "4.3")
	}
	add("HELO_DYNAMIC_HEXIP", hexadecimal(n), "2.3")
	if !spared {
		add("HELO_DYNAMIC_IPADDR", heloAddress(n), "3.7")
	}
	if split == "" {
		add("HELO_DYNAMIC_IPADDR2", heloAddressFirst(n), "3.9")
	}
	add("HELO_DYNAMIC_SPLIT_IP", split, "4.2")
	if n == "localhost" {
		add("HELO_LOCALHOST", n, "3.8")
	}
	if n != "" && !strings.Contains(n, ".") {
		matches = append(matches, rspamd("HELO", n, 5, fixHELO))
	} else if part, weight := hfilter(n); weight > 0 {
		matches = append(matches, rspamd("HELO", part, weight, fixWord))
	}
	return matches
}

const digits = "0123456789"

const (
	fixPTR       = `use the server's own name, such as mail.example.net, or put a label "static" after the address`
	fixLocalhost = "use the server's own name, such as mail.example.net"
	fixHELO      = "say the server's own name, not one made from its address, such as mail.example.net"
	fixWord      = "take this word out of the name"
	fixNumbered  = "take the word, or one of the numbers, out of the name"
)

// fix returns the way out for part of n, on which SpamAssassin fires: fixAddress if n may be made from an address.
func fix(n, part, fixAddress string) string {
	_, last := numbers(n, 4)
	switch {
	case last > 0, isDigit(part[0]):
		return fixAddress
	case strings.ContainsAny(part, digits):
		return fixNumbered
	}
	return fixWord
}

// assassin returns the match of a rule of SpamAssassin that scores points in the worst of its four score sets.
func assassin(rule, part, points, fix string) Match {
	return Match{"SpamAssassin " + rule, part, "up to " + points + " points of the 5 that make spam", fix}
}

// rspamd returns the match of hfilter's rule for side, HELO or HOSTNAME, and weight, 3 to 5.
func rspamd(side, part string, weight int, fix string) Match {
	points := [...]string{3: "2", 4: "2.5", 5: "3"}[weight]
	return Match{
		Filter: "rspamd HFILTER_" + side + "_" + strconv.Itoa(weight),
		Part:   part,
		Cost:   points + " points of the 6 that make spam",
		Fix:    fix,
	}
}

// canonical returns name as the filters see it: without its final dot, and in lower case.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isLetter(c byte) bool    { return 'a' <= c && c <= 'z' }
func isSeparator(c byte) bool { return c == '.' || c == '-' }
