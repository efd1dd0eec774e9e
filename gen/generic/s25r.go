package generic

import "strings"

// S25R returns the first of the six rules of S25R (Selective SMTP Rejection; the rules of 2009) that takes name, the
// target of an address's PTR, for that of an end user's computer. Few receivers use S25R, the names of many servers
// match, and who uses it keeps a list of exceptions: it is a matter of taste, so [PTR] leaves it out. The rules are:
//
//  1. two numbers in the first label: node1a2.example.net
//  2. five digits in a row in the first label: vm12345.example.net
//  3. a digit at the start of the first or the second label, and three more labels below that: 1a.rack.host.example
//  4. the first label ends in a digit, the second has a hyphen between two digits: a1.b2-3.example.net
//  5. the first two labels end in digits, and there are at least five: a1.b2.rack.host.example
//  6. dhcp, dialup, ppp or dsl first, the last also after one of the letters achrsvx, and a digit in the first label
func S25R(name string) (m Match, ok bool) {
	first, rest, more := strings.Cut(canonical(name), ".")
	second, below, _ := strings.Cut(rest, ".")

	rule, part := "", first
	switch {
	case more && secondNumber(first) > 0:
		rule = "S25R rule 1"
	case fiveDigits(first):
		rule = "S25R rule 2"
	case startsWithDigit(first) && threeLabels(rest):
		rule = "S25R rule 3"
	case first != "" && startsWithDigit(second) && threeLabels(below):
		rule, part = "S25R rule 3", second
	case endsWithDigit(first) && hyphenBetweenDigits(second):
		rule, part = "S25R rule 4", second
	case endsWithDigit(first) && endsWithDigit(second) && strings.Count(below, ".") > 1:
		rule, part = "S25R rule 5", first+"."+second
	case accessPrefix(first):
		rule = "S25R rule 6"
	default:
		return Match{}, false
	}
	return Match{rule, part, "a refusal by the few receivers that use S25R", fixS25R}, true
}

const fixS25R = "use a name with no more than one short number in its first label, such as mail1.example.net"

func startsWithDigit(label string) bool { return label != "" && isDigit(label[0]) }
func endsWithDigit(label string) bool   { return label != "" && isDigit(label[len(label)-1]) }

func fiveDigits(label string) bool {
	for start, end := number(label, 0); start < len(label); start, end = number(label, end) {
		if end-start >= 5 {
			return true
		}
	}
	return false
}

func hyphenBetweenDigits(label string) bool {
	for i := 1; i+1 < len(label); i++ {
		if label[i] == '-' && isDigit(label[i-1]) && isDigit(label[i+1]) {
			return true
		}
	}
	return false
}

// threeLabels reports whether n has three labels or more, and one after the second starts with a letter.
func threeLabels(n string) bool {
	_, n, _ = strings.Cut(n, ".")
	_, n, _ = strings.Cut(n, ".")
	for {
		if n != "" && isLetter(n[0]) {
			return true
		}
		_, rest, more := strings.Cut(n, ".")
		if !more {
			return false
		}
		n = rest
	}
}

func accessPrefix(label string) bool {
	for _, prefix := range [...]string{"dhcp", "dialup", "ppp", "dsl"} {
		if rest, ok := strings.CutPrefix(label, prefix); ok {
			start, _ := number(rest, 0)
			return start < len(rest)
		}
	}
	if label == "" || !strings.Contains("achrsvx", label[:1]) || !strings.HasPrefix(label[1:], "dsl") {
		return false
	}
	start, _ := number(label, 0)
	return start < len(label)
}
