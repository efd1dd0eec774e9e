package migrate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxGenerate is how many records one $GENERATE may make: one for each address of a /16.
const maxGenerate = 1 << 16

// generate reads the records of a $GENERATE, a directive of BIND: "range owner [ttl] [class] type data", in which $
// stands for each number of the range.
func (z *zoneText) generate(e entry, args, origin string) error {
	from, rest := cutField(strings.TrimLeft(args, blanks))
	r, err := parseRange(from)
	if err != nil {
		return err
	}
	rest = strings.TrimLeft(rest, blanks)
	if rest == "" {
		return errors.New("no owner after the range")
	}
	findings := len(z.findings)
	for n := r.first; n <= r.last; n += r.step {
		e.text, err = substitute(rest, n)
		if err != nil {
			return err
		}
		z.record(e, origin)
		if z.lost || len(z.findings) > findings { // the others would be as wrong
			return nil
		}
	}
	return nil
}

// A sequence is the range of a $GENERATE.
type sequence struct{ first, last, step int64 }

// parseRange reads "first-last" or "first-last/step".
func parseRange(s string) (r sequence, err error) {
	numbers, step, stepped := strings.Cut(s, "/")
	first, last, ok := strings.Cut(numbers, "-")
	if !stepped {
		step = "1"
	}
	for _, number := range []struct {
		text  string
		value *int64
	}{{first, &r.first}, {last, &r.last}, {step, &r.step}} {
		n, err := strconv.ParseUint(number.text, 10, 31)
		if ok = ok && err == nil; ok {
			*number.value = int64(n)
		}
	}
	switch {
	case !ok || r.step == 0 || r.first > r.last:
		return sequence{}, fmt.Errorf("%q is not a range such as 1-254 or 0-62/2", s)
	case (r.last-r.first)/r.step >= maxGenerate:
		return sequence{}, fmt.Errorf("the range %s has more than %d numbers", s, maxGenerate)
	}
	return r, nil
}

// substitute puts a number in the place of each $ of s, as the modifiers in braces after it say.
func substitute(s string, number int64) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i++
		case s[i] != '$':
			b.WriteByte(s[i])
		case strings.HasPrefix(s[i+1:], "$"): // an old way to write \$
			b.WriteString(`\$`)
			i++
		case strings.HasPrefix(s[i+1:], "{"):
			modifiers, _, ok := strings.Cut(s[i+2:], "}")
			if !ok {
				return "", errors.New("a brace is not closed")
			}
			text, err := modify(modifiers, number)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			i += len("{}") + len(modifiers)
		default:
			b.WriteString(strconv.FormatInt(number, 10))
		}
	}
	return b.String(), nil
}

// modify returns the text of a number for the modifiers "offset[,width[,base]]".
func modify(modifiers string, number int64) (string, error) {
	part := strings.Split(modifiers, ",")
	if defaults := []string{"", "0", "d"}; len(part) < len(defaults) {
		part = append(part, defaults[len(part):]...)
	}
	offset, err := strconv.ParseInt(part[0], 10, 32)
	width, err2 := strconv.ParseUint(part[1], 10, 8)
	if err != nil || err2 != nil || len(part) != 3 || len(part[2]) != 1 || !strings.Contains("doxXnN", part[2]) {
		return "", fmt.Errorf("{%s} are not modifiers such as {0,3,d}: offset, width, and base d, o, x, X, n or N", modifiers)
	}
	number += offset
	if base := part[2]; base != "n" && base != "N" {
		return fmt.Sprintf("%0*"+base, width, number), nil
	}
	if number < 0 {
		return "", fmt.Errorf("{%s} makes the negative number %d", modifiers, number)
	}
	text := nibbles(number, int(width))
	if part[2] == "N" {
		text = strings.ToUpper(text)
	}
	return text, nil
}

// nibbles returns the labels of n in ip6.arpa, the last digit first. Dots count for the width, too, as BIND has it: an
// even one makes a dot at the end.
func nibbles(n int64, width int) string {
	var b []byte
	for n > 0 || width > len(b) || len(b) == 0 {
		b = strconv.AppendInt(b, n&15, 16)
		if n >>= 4; n > 0 || width > len(b) {
			b = append(b, '.')
		}
	}
	return string(b)
}
