package generic

import "strings"

// A word is one that rspamd's hfilter looks for in a name.
type word struct {
	text   string
	weight int // 3 to 5
	where  where
}

// where tells what has to stand around a word. Several mean: one of them.
type where uint

const (
	alone        where = 1 << iota // a separator on either side
	aloneAfter                     // the same, and a digit or one more separator before the first
	afterDigit                     // a digit before, perhaps with a separator between
	afterNumber                    // the same, and a digit or a separator before the digit
	afterDashed                    // a separator before, a digit before that, and a digit or a separator before the digit
	afterLong                      // three digits before, perhaps with a separator between, and one more or a separator
	beforeDigit                    // a separator after, and a digit after that
	beforeTwo                      // a separator after, and two digits after that
	beforeNumber                   // a separator after, a digit after that, and one more or a separator after the digit
	joined                         // a digit after, perhaps with a separator between
)

const usual = alone | afterNumber | beforeDigit

// words has the words of weight 3 and more. Where one word is the start of another, a row can be missing: "broad"
// after a digit finds "broadband" too, with the same weight.
var words = [...]word{
	{"bredband", 5, alone | afterNumber},
	{"broad", 5, alone | afterDigit | beforeDigit},
	{"broadband", 5, alone | beforeDigit},
	{"brodband", 5, beforeDigit},
	{"cablemodem", 5, usual},
	{"catv", 5, usual},
	{"cdma", 5, alone | afterDashed | beforeDigit},
	{"client", 5, afterLong | beforeTwo},
	{"clients", 5, beforeTwo},
	{"comcast", 5, usual},
	{"dhcp", 5, alone | afterDigit | beforeDigit},
	{"dial-up", 5, usual},
	{"dialup", 5, usual},
	{"dsl-dynamic", 5, afterNumber | joined},
	{"adsl-dynamic", 5, afterNumber},
	{"xdsl-dynamic", 5, afterNumber},
	{"dyn", 5, afterDashed | beforeNumber},
	{"dynamic", 5, usual},
	{"dynip", 5, aloneAfter | beforeDigit},
	{"gprs", 5, alone | afterDashed | beforeDigit},
	{"homeuser", 5, usual},
	{"modem", 5, alone | afterDashed | beforeDigit},
	{"nat", 5, usual},
	{"ppp", 5, usual},
	{"pppoe", 5, aloneAfter | beforeDigit},
	{"pptp", 5, usual},
	{"wifi", 5, alone | afterDigit | beforeDigit},

	{"adsl", 4, alone | afterNumber},
	{"dsl", 4, alone | afterNumber | joined},
	{"xdsl", 4, alone | afterNumber},
	{"dsl-line", 4, joined},
	{"fbx", 4, alone | afterDigit | beforeDigit},
	{"fibertel", 4, usual},
	{"in-addr", 4, usual},
	{"inaddr", 4, usual},
	{"pool", 4, usual},

	{"cable", 3, alone | afterDashed | beforeDigit},
	{"kabel", 3, alone | afterDigit | beforeDigit},
	{"unused-addr", 3, usual},
}

// byStart has the words that start with a letter.
var byStart = func() (index [256][]word) {
	for _, w := range words {
		index[w.text[0]] = append(index[w.text[0]], w)
	}
	return index
}()

// hfilter returns the word of n with the highest weight, and the weight; 0 if there is no word.
func hfilter(n string) (part string, weight int) {
	for i := range len(n) {
		for _, w := range byStart[n[i]] {
			if w.weight > weight && strings.HasPrefix(n[i:], w.text) && around(n[:i], n[i+len(w.text):])&w.where != 0 {
				part, weight = w.text, w.weight
			}
		}
	}
	return part, weight
}

// around tells what stands around a word: before is the name up to the word, after is the rest.
func around(before, after string) (is where) {
	sepBefore := before != "" && isSeparator(before[len(before)-1])
	if sepBefore {
		before = before[:len(before)-1]
	}
	digitsBefore := len(before) - len(strings.TrimRight(before, digits))
	more := digitsBefore // digits, and the separator before them
	if before = before[:len(before)-digitsBefore]; before != "" && isSeparator(before[len(before)-1]) {
		more++
	}
	sepAfter := after != "" && isSeparator(after[0])
	if sepAfter {
		after = after[1:]
	}
	rest := strings.TrimLeft(after, digits)
	digitsAfter := len(after) - len(rest)

	set := func(w where, ok bool) {
		if ok {
			is |= w
		}
	}
	set(alone, sepBefore && sepAfter)
	set(aloneAfter, sepBefore && sepAfter && more > 0)
	set(afterDigit, digitsBefore > 0)
	set(afterNumber, digitsBefore > 0 && more > 1)
	set(afterDashed, digitsBefore > 0 && more > 1 && sepBefore)
	set(afterLong, digitsBefore > 2 && more > 3)
	set(beforeDigit, digitsAfter > 0 && sepAfter)
	set(beforeTwo, digitsAfter > 1 && sepAfter)
	set(beforeNumber, sepAfter && (digitsAfter > 1 || digitsAfter == 1 && rest != "" && isSeparator(rest[0])))
	set(joined, digitsAfter > 0)
	return is
}
