package generic

import "strings"

// Each shape of a name has a function that returns the part of n that has the shape, or "". n is canonical.

// rdnsDynamic is SpamAssassin's RDNS_DYNAMIC, without the rules for one provider's domain.
func rdnsDynamic(n string) string {
	part := typeWord(n)
	if _, end := number(n, 0); end < len(n) { // else there is no number, or nothing after it
		for _, shape := range numberShapes {
			if part != "" {
				break
			}
			part = shape(n)
		}
	}
	if part != "" && static(n) {
		return ""
	}
	return part
}

// numberShapes are those shapes of RDNS_DYNAMIC that have a number in them, and something after it.
var numberShapes = [...]func(n string) string{
	address, splitAddress, lineNumber, rdnsAccessWord, accessLabel, hexadecimal, dialIn, cps,
}

// static reports whether n has a word that says that the name is not one of a dynamic address.
func static(n string) bool {
	for _, word := range [...]string{"fix", "static", "dedicated", "mail-mail", "outbound-mail", "smtp"} {
		if strings.Contains(n, word) {
			return true
		}
	}
	return false
}

// mailDomain reports whether n lies in a domain whose mail servers have names that look generated.
func mailDomain(n string) bool {
	for _, domain := range [...]string{".rogers.com", ".salesforce.com", ".sendgrid.net"} {
		if strings.HasSuffix(n, domain) {
			return true
		}
	}
	return false
}

// address finds four numbers, each one character after the last, and two labels after the label of the fourth.
func address(n string) string {
	start, end := numbers(n, 4)
	if end == 0 || !twoLabelsAfter(n[end:]) {
		return ""
	}
	return n[start:end]
}

// splitAddress finds a number as first label and below it three more, each one character after the last, and not at
// the end. What comes first below it is no part of the three, be it a digit.
func splitAddress(n string) string {
	start, end := number(n, 0)
	if start > 0 || end+1 >= len(n) || n[end] != '.' {
		return ""
	}
	below := n[end+2:]
	if _, last := numbers(below, 3); last > 0 && last < len(below) {
		return n[:end+2+last]
	}
	return ""
}

// heloAddress is address for HELO: a letter comes first, any character comes after the fourth number and counts no
// further, and "static" does not stand between separators.
func heloAddress(n string) string {
	start, end := numbers(n, 4)
	if end == 0 || end == len(n) || !isLetter(n[0]) || !twoLabelsAfter(n[end+1:]) || between(n, "static", false) {
		return ""
	}
	return n[start:end]
}

// heloAddressFirst is heloAddress with the four numbers first, as an address is written, and with more words that say
// that this is a mail server.
func heloAddressFirst(n string) string {
	start, end := numbers(n, 4)
	if start > 0 || end == 0 || end == len(n) || !twoLabelsAfter(n[end+1:]) {
		return ""
	}
	length := 0 // of a number
	for i := range end {
		length++
		if !isDigit(n[i]) {
			length = 0
		}
		if length > 3 || isLetter(n[i]) && n[i] != 'x' {
			return ""
		}
	}
	for _, word := range [...]string{"static", "mail", "smtp", "mx"} {
		if between(n, word, true) {
			return ""
		}
	}
	return n[:end]
}

// twoLabelsAfter reports whether rest, what comes after the start of a label, has two more labels.
func twoLabelsAfter(rest string) bool {
	_, labels, _ := strings.Cut(rest, ".")
	return len(labels) > 2 && strings.Contains(labels[1:len(labels)-1], ".")
}

// between reports whether word stands between separators in n, perhaps with digits after it if numbered.
func between(n, word string, numbered bool) bool {
	for i := 1; i < len(n); i++ {
		if !isSeparator(n[i]) {
			continue
		}
		rest, ok := strings.CutPrefix(n[i+1:], word)
		if numbered {
			rest = strings.TrimLeft(rest, digits)
		}
		if ok && rest != "" && isSeparator(rest[0]) {
			return true
		}
	}
	return false
}

// typeWord finds a word that tells what line a name is for, between separators.
func typeWord(n string) string {
	for i := 1; i < len(n); i++ {
		if !isSeparator(n[i]) {
			continue
		}
		end := i + 1
		for end < len(n) && isLetter(n[end]) {
			end++
		}
		if end == len(n) {
			break
		}
		switch word := n[i+1 : end]; word {
		case "dyn", "dynamic":
			if isSeparator(n[end]) || isDigit(n[end]) {
				return word
			}
		case "catv", "client", "cpe", "dhcp", "docsis", "res", "resnet":
			if isSeparator(n[end]) {
				return word
			}
		}
	}
	return ""
}

// lineNumber finds a label's end of a hyphen, a letter, a number, a hyphen and a number, as in -c700-131.
func lineNumber(n string) string {
	for i := 1; i+1 < len(n); i++ {
		if n[i] != '-' || !isLetter(n[i+1]) {
			continue
		}
		line, end := number(n, i+2)
		if line != i+2 || end == len(n) || n[end] != '-' {
			continue
		}
		port, end2 := number(n, end+1)
		if port == end+1 && end2 < len(n) && n[end2] == '.' {
			return n[i:end2]
		}
	}
	return ""
}

func rdnsAccessWord(n string) string { return accessWord(n, false) }

// accessWord finds a word of access networks with two numbers after it. In HELO, the cm of acm ("acme") and smtpcm is
// none.
func accessWord(n string, helo bool) string {
	if secondNumber(n) == 0 {
		return ""
	}
	start, end := 0, len(n) // of the word that ends first
	for _, word := range [...]string{"cable", "catv", "cm", "cpe", "dhcp", "docsis", "dsl", "node"} {
		for i := 0; ; i++ {
			next := strings.Index(n[i:], word)
			if next < 0 {
				break
			}
			i += next
			if helo && word == "cm" && (strings.HasSuffix(n[:i], "a") || strings.HasSuffix(n[:i], "smtp")) {
				continue
			}
			if i+len(word) < end {
				start, end = i, i+len(word)
			}
			break
		}
	}
	if second := secondNumber(n[end:]); second > 0 {
		return n[start : end+second+1]
	}
	return ""
}

// accessLabel finds two numbers, and a later label that is a word of access networks and not the last.
func accessLabel(n string) string {
	second := secondNumber(n)
	if second == 0 {
		return ""
	}
	for _, label := range [...]string{".adsl.", ".cable.", ".cpe.", ".dhcp.", ".docsis.", ".dsl."} {
		if i := strings.LastIndex(n, label); i > second {
			return label[1 : len(label)-1]
		}
	}
	return ""
}

// hexadecimal finds an address as first label: 0x and eight hexadecimal digits.
func hexadecimal(n string) string {
	first, _, more := strings.Cut(n, ".")
	if !more || len(first) != 10 || first[:2] != "0x" || strings.Trim(first[2:], digits+"abcdef") != "" {
		return ""
	}
	return first
}

// dialIn finds a letter and a number before a label dip. The filter wants hexadecimal digits in upper case; in lower
// case only the decimal ones are left.
func dialIn(n string) string {
	if n == "" || !isLetter(n[0]) {
		return ""
	}
	if start, end := number(n, 1); start == 1 && strings.HasPrefix(n[end:], ".dip.") {
		return n[:end+len(".dip")]
	}
	return ""
}

// cps finds a number before a label cps.
func cps(n string) string {
	if start, end := number(n, 0); start == 0 && strings.HasPrefix(n[end:], ".cps.") {
		return n[:end+len(".cps")]
	}
	return ""
}

// number returns the next number of n from index from: its start, len(n) if there is none, and its end.
func number(n string, from int) (start, end int) {
	start = from
	for start < len(n) && !isDigit(n[start]) {
		start++
	}
	end = start
	for end < len(n) && isDigit(n[end]) {
		end++
	}
	return start, end
}

// secondNumber returns where the second number of n starts, 0 if there is none.
func secondNumber(n string) int {
	_, end := number(n, 0)
	if start, _ := number(n, end); start < len(n) {
		return start
	}
	return 0
}

// numbers returns the first place in n where count numbers stand each one character after the last. end is 0 if there
// is none.
func numbers(n string, count int) (start, end int) {
	next, nextEnd := number(n, 0)
	for found := 0; next < len(n); next, nextEnd = number(n, nextEnd) {
		if found == 0 || next != end+1 {
			start, found = next, 0
		}
		end = nextEnd
		if found++; found == count {
			return start, end
		}
	}
	return 0, 0
}
