package zonetext

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// What there may be in one zone file, so that a small one does not keep its reader busy for hours.
const (
	maxGenerate = 1 << 16   // records that one $GENERATE makes: one for each address of a /16
	maxDepth    = 32        // files of which each one includes the next
	maxMade     = 128 << 20 // bytes of text that $GENERATE makes, or $INCLUDE of a file that was included before
	maxEndless  = 100       // entries that have no end
)

// fields returns the fields of s up to a comment. They are those of a directive, which has no parentheses.
func fields(s string) (list []string) {
	for {
		s = strings.TrimLeft(s, blanks)
		if s == "" || s[0] == ';' {
			return list
		}
		var f string
		if f, s = cutField(s); f == "" && s != "" && strings.ContainsRune("()\n", rune(s[0])) {
			f, s = s[:1], s[1:]
		}
		list = append(list, f)
	}
}

// directive follows a directive, and returns the origin after it.
func (r *Reader) directive(text, origin string) (next string) {
	pos := r.entry.Pos
	word, rest := cutField(text)
	args := fields(rest)
	next = origin
	var err error
	switch name := strings.ToUpper(word); {
	case name == "$GENERATE":
		err = r.generate(rest, origin)
	case name == "$ORIGIN" && len(args) == 1:
		next, err = absolute(args[0], origin)
	case name == "$TTL" && len(args) == 1:
		r.ttl.seconds, err = ParseTTL(args[0])
		r.ttl.ok = err == nil
	case name == "$INCLUDE" && len(args) == 1:
		err = r.include(args[0], origin)
	case name == "$INCLUDE" && len(args) == 2:
		if origin, err = absolute(args[1], origin); err == nil {
			err = r.include(args[0], origin)
		}
	case slices.Contains([]string{"$ORIGIN", "$TTL", "$INCLUDE"}, name):
		err = fmt.Errorf("%d fields after it are not as many as it takes", len(args))
	default:
		err = errors.New("there is no such directive")
	}
	if err != nil {
		if before := len(text) - len(strings.TrimLeft(rest, blanks)); len(args) > 0 {
			pos.Column = 1 + utf8.RuneCountInString(text[:before])
		}
		r.emit(nil, problem(pos, "%s: %v", word, err))
		r.done = r.done || r.made > maxMade
	}
	return next
}

// absolute returns name as an absolute one; origin is that of relative names, and what it returns besides an error. It
// may have escapes: the names that are made with it will tell.
func absolute(name, origin string) (string, error) {
	if name == "@" {
		return origin, nil
	}
	if !dns.IsFqdn(name) {
		name = strings.TrimSuffix(name+"."+origin, ".") + "."
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return origin, fmt.Errorf("%q is not a domain name", name)
	}
	return name, nil
}

// units are those of a TTL in a zone file, in seconds.
var units = map[byte]uint64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}

// ParseTTL reads a TTL: seconds, or numbers with units, "1h30m".
func ParseTTL(s string) (seconds uint32, err error) {
	total, number, digits := uint64(0), uint64(0), false
	for i := range len(s) {
		switch c := s[i] | 0x20; {
		case s[i] >= '0' && s[i] <= '9':
			number, digits = number*10+uint64(s[i]-'0'), true
		case digits && units[c] > 0:
			total, number, digits = total+number*units[c], 0, false
		default:
			return 0, fmt.Errorf("%q is not a TTL", s)
		}
		if total+number > MaxTTL {
			return 0, fmt.Errorf("the TTL %s is above 2^31-1 seconds", s)
		}
	}
	if s == "" {
		return 0, errors.New("the TTL is empty")
	}
	return uint32(total + number), nil
}

// spend counts text that a directive makes. After the first error, nothing more may be read.
func (r *Reader) spend(bytes int) error {
	if r.made += bytes; r.made > maxMade {
		return fmt.Errorf("with this, directives make more than %d MiB of text in one zone file: "+
			"include each file once, and $GENERATE less", maxMade>>20)
	}
	return nil
}

// include reads another file.
func (r *Reader) include(name, origin string) (err error) {
	from := r.paths[len(r.paths)-1]
	f, known := r.asked[[2]string{from, name}]
	if !known {
		if f.path, f.data, err = r.open(name, from); err != nil {
			return err
		}
		r.asked[[2]string{from, name}] = f
	}
	switch {
	case slices.Contains(r.paths, f.path):
		err = errors.New("it includes itself")
	case len(r.paths) == maxDepth:
		err = fmt.Errorf("more than %d files of which each one includes the next", maxDepth)
	case r.included[f.path]:
		err = r.spend(len(f.data))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.included[f.path] = true
	r.read(f, origin)
	return nil
}

// generate reads the records of a $GENERATE, a directive of BIND: "range owner [ttl] [class] type data", in which $
// stands for each number of the range.
func (r *Reader) generate(args, origin string) error {
	from, rest := cutField(strings.TrimLeft(args, blanks))
	s, err := parseRange(from)
	if err != nil {
		return err
	}
	rest = strings.TrimLeft(rest, blanks)
	if rest == "" {
		return errors.New("no owner after the range")
	}
	for n := s.first; n <= s.last && !r.done; n += s.step {
		text, err := substitute(rest, n)
		if err == nil {
			err = r.spend(len(text))
		}
		if err != nil {
			return err
		}
		rr, wrong := r.record(text, origin)
		if r.emit(rr, wrong); wrong != nil { // the others would be as wrong
			break
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
func substitute(s string, number int64) ([]byte, error) {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			b = append(b, s[i:i+2]...)
			i++
		case s[i] != '$':
			b = append(b, s[i])
		case strings.HasPrefix(s[i+1:], "$"): // an old way to write \$
			b = append(b, `\$`...)
			i++
		case strings.HasPrefix(s[i+1:], "{"):
			modifiers, _, ok := strings.Cut(s[i+2:], "}")
			if !ok {
				return nil, errors.New("a brace is not closed")
			}
			text, err := modify(modifiers, number)
			if err != nil {
				return nil, err
			}
			b = append(b, text...)
			i += len("{}") + len(modifiers)
		default:
			b = strconv.AppendInt(b, number, 10)
		}
	}
	return b, nil
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
