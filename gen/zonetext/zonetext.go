// Package zonetext reads the text of zone files: RFC 1035 section 5, with $TTL (RFC 2308) and with $GENERATE as BIND has
// it.
package zonetext

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
)

// MaxTTL is the highest TTL (RFC 2181 section 8).
const MaxTTL = math.MaxInt32

// NoTTL is the TTL of a record where nothing tells it. It is above the highest one.
const NoTTL = math.MaxUint32

// UnknownOrigin is the origin of a file as long as nothing tells it. No name of a zone file can be below it, but for
// those that are relative to it.
const UnknownOrigin = "$."

// A Reader reads a zone file and what it includes.
type Reader struct {
	open     Open
	file     file // the zone file
	origin   string
	entry    Entry
	yield    func(dns.RR, *Problem) bool
	done     bool               // nothing more is to be read
	paths    []string           // of the files that are being read: each one includes the next
	asked    map[[2]string]file // that were included, by the path of the one that does and the name in it
	included map[string]bool    // their paths
	made     int                // bytes of text that count for maxMade
	endless  int                // entries that have no end

	parser  *dns.ZoneParser // nil if there is none that can go on
	within  string          // its origin
	text    bytes.Reader    // what it reads
	scratch []byte          // that text
	owner   []byte          // of the last record
	ttl     ttl             // of $TTL
	last    ttl             // that the last record had with one (RFC 1035 section 5.1)
}

// Open returns a file for an $INCLUDE of name in the file at the path from, and its path, which is the same whenever the
// file is. Its errors name the file.
type Open func(name, from string) (path string, data []byte, err error)

type file struct {
	path string
	data []byte
}

// A ttl is one that may be missing.
type ttl struct {
	seconds uint32
	ok      bool
}

// New returns a Reader of a zone file, which begins with that origin.
func New(path string, data []byte, origin string, open Open) *Reader {
	return &Reader{
		open: open, file: file{path, data}, origin: origin,
		asked: make(map[[2]string]file), included: make(map[string]bool),
	}
}

// An Entry is a record or directive as its file has it: a line, or several if it has parentheses or quotes.
type Entry struct {
	Text []byte        // with the blanks before it, and without the newline after it
	Pos  diag.Position // of the first character that is no blank
}

// Last returns the place of the last field: that of the data of a record if it is a single one.
func (e Entry) Last() diag.Position {
	_, pos := e.last()
	return pos
}

func (e Entry) last() (field []byte, pos diag.Position) {
	text, line := e.Text, e.Pos.Line+bytes.Count(e.Text, []byte("\n"))
	for ; ; line-- {
		i := bytes.LastIndexByte(text, '\n') + 1
		content, _, _ := bytes.Cut(text[i:], []byte(";"))
		content = bytes.TrimRight(content, " \t\r()")
		if len(content) > 0 || i == 0 {
			n := bytes.LastIndexAny(content, " \t(") + 1
			return content[n:], diag.Position{File: e.Pos.File, Line: line, Column: utf8.RuneCount(content[:n]) + 1}
		}
		text = text[:i-1]
	}
}

// A Problem is something in a zone file that cannot be read.
type Problem struct {
	Pos     diag.Position // as near to it as can be told
	Message string
	Hint    string // empty if the message says what would be right
}

func problem(pos diag.Position, format string, args ...any) *Problem {
	return &Problem{Pos: pos, Message: fmt.Sprintf(format, args...)}
}

// Entry returns what was read last.
func (r *Reader) Entry() Entry { return r.entry }

// Records goes through the records of the zone file, each one with the TTL that BIND takes if it does not say one: that
// of $TTL, else that of the record before. An SOA record without either sets the former to the negative TTL of the zone.
// What cannot be read is left out, and a problem takes its place.
func (r *Reader) Records() iter.Seq2[dns.RR, *Problem] {
	return func(yield func(dns.RR, *Problem) bool) {
		r.yield = yield
		r.read(r.file, r.origin)
	}
}

func (r *Reader) emit(rr dns.RR, wrong *Problem) { r.done = !r.yield(rr, wrong) }

func (r *Reader) read(f file, origin string) {
	r.paths = append(r.paths, f.path)
	defer func() { r.paths = r.paths[:len(r.paths)-1] }()
	data := bytes.TrimPrefix(f.data, []byte("\ufeff"))
	if i := bytes.IndexByte(data, 0); i >= 0 {
		r.entry = Entry{Pos: diag.Position{File: f.path, Line: 1 + bytes.Count(data[:i], []byte("\n"))}}
		r.emit(nil, &Problem{r.entry.Pos, "this is no text: it has a zero byte",
			"if BIND wrote it, make text of it: named-compilezone -f raw -F text -o FILE.zone ZONE FILE"})
		return
	}
	for line := 1; len(data) > 0 && !r.done; {
		n, open := entryEnd(data)
		text := data[:n]
		if rest := bytes.TrimLeft(text, blanks); len(rest) > 0 && rest[0] != ';' {
			column := 1 + utf8.RuneCount(text[:n-len(rest)])
			r.entry = Entry{text, diag.Position{File: f.path, Line: line, Column: column}}
			switch {
			case open != 0:
				r.unended(open)
			case text[0] == '$':
				origin = r.directive(string(text), origin)
			default:
				r.emit(r.record(text, origin))
			}
		}
		line += 1 + bytes.Count(text, []byte("\n"))
		data = data[min(n+1, len(data)):]
	}
}

// unended reports an entry that has no end, which was looked for up to that of the file.
func (r *Reader) unended(open byte) {
	wrong := problem(r.entry.Pos, "a parenthesis is not closed")
	if open == '"' {
		wrong.Message = "a quoted text does not end"
	}
	r.endless++
	if r.endless == maxEndless {
		wrong.Message += ", as before: nothing after it is read"
	}
	r.emit(nil, wrong)
	r.done = r.done || r.endless == maxEndless
}

// blanks separate fields. A carriage return is one, so that lines can end with it.
const blanks = " \t\r"

// entryEnd returns the length of the first entry, without the newline. If it does not end, that is the length of the
// line, and open is the character that asks for more.
func entryEnd(data []byte) (n int, open byte) {
	if n = bytes.IndexByte(data, '\n'); n < 0 {
		n = len(data)
	}
	if isPlain(data[:n]) {
		return n, 0
	}
	depth, quoted, comment := 0, false, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\n' && depth == 0 && !quoted:
			return i, 0
		case c == '\n':
			comment = false
		case comment:
		case c == '\\':
			if i+1 < len(data) && data[i+1] != '\n' { // which ends a field whatever is before it
				i++
			}
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';':
			comment = true
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		}
	}
	switch {
	case depth > 0:
		return n, '('
	case quoted:
		return n, '"'
	}
	return len(data), 0
}

// isPlain reports whether nothing in a line can keep an entry from ending with it, as is so for most.
func isPlain(line []byte) bool {
	for _, c := range []byte(`("\;`) {
		if bytes.IndexByte(line, c) >= 0 {
			return false
		}
	}
	return true
}

// record reads a record: the text of the entry, or one that it makes.
func (r *Reader) record(text []byte, origin string) (dns.RR, *Problem) {
	owner, rest := r.owner, text
	if strings.IndexByte(blanks, text[0]) < 0 {
		if owner, rest = cutField(text); len(owner) == 0 || text[0] == '"' && bytes.ContainsAny(owner, "$;() \t\r\n") {
			return nil, problem(r.entry.Pos, "the owner %q is not a domain name", owner)
		}
	} else if len(owner) == 0 {
		return nil, problem(r.entry.Pos, "the first record has no owner")
	}
	if r.parser == nil || r.within != origin {
		r.parser, r.within = dns.NewZoneParser(&r.text, origin, ""), origin
		r.parser.SetDefaultTTL(NoTTL)
	}
	// The parser takes single bytes, and none after the end of a record with data: so it can go on with another one. Of
	// one without data it would make an update (RFC 2136) if nothing came after the newline.
	const end = "\n\n"
	r.scratch = append(append(append(append(r.scratch[:0], owner...), ' '), rest...), end...)
	r.text.Reset(r.scratch)
	rr, _ := r.parser.Next()
	left := r.text.Len() - len(end)
	if err := r.parser.Err(); err != nil {
		r.parser = nil
		return nil, r.parseError(err, text, left)
	}
	if rr == nil || left != -1 {
		r.parser = nil
		return nil, problem(r.entry.Pos, "this is not one record")
	}
	r.owner = append(r.owner[:0], rr.Header().Name...)
	r.addTTL(rr)
	return rr, nil
}

// addTTL gives a record its TTL.
func (r *Reader) addTTL(rr dns.RR) {
	h := rr.Header()
	soa, isSOA := rr.(*dns.SOA)
	switch {
	case h.Ttl != NoTTL:
		r.last = ttl{h.Ttl, true}
		r.parser.SetDefaultTTL(NoTTL) // it has taken this one
	case r.ttl.ok:
		h.Ttl = r.ttl.seconds
	case r.last.ok:
		h.Ttl = r.last.seconds
	case isSOA:
		h.Ttl = soa.Minttl
		r.ttl = ttl{h.Ttl, true}
	}
}

// wording is the text of an error of the parser: what, the token at which it is, and its place.
var wording = regexp.MustCompile(`(?s)^dns: (.*): ("(?:[^"\\]|\\.)*") at line: \d+:\d+$`)

// words are what some of these texts are in other words.
var words = map[string]string{
	"bad A A":                 "want an IPv4 address, not",
	"bad AAAA AAAA":           "want an IPv6 address, not",
	"bad CNAME Target":        "want a domain name, not",
	"bad NS Ns":               "want a domain name, not",
	"bad PTR Ptr":             "want a domain name, not",
	"extra closing brace":     "a parenthesis is closed that is not open",
	"garbage after rdata":     "more than a record has:",
	"no blank before TTL":     "the record has no type",
	"no blank before RR type": "the record has no type",
	"not a TTL":               "want a type, class or TTL, not",
}

// parseError says in a few words what the parser says of a text, whose last bytes it has not read.
func (r *Reader) parseError(err error, text []byte, unread int) *Problem {
	m := wording.FindStringSubmatch(err.Error())
	if m == nil {
		return problem(r.entry.Pos, "%s", err)
	}
	what := cmp.Or(words[m[1]], m[1])
	token, _ := strconv.Unquote(m[2])
	blank := strings.TrimSpace(token) == ""
	switch closing := words[token]; {
	case closing != "":
		what = closing
	case !blank:
		what += " " + m[2]
	case m[1] == "unexpected newline" || strings.HasSuffix(what, ", not"):
		kind, pos := r.entry.last()
		return problem(pos, "the %s record has no data", bytes.ToUpper(kind))
	}
	pos := diag.Position{File: r.entry.Pos.File, Line: r.entry.Pos.Line}
	if &text[0] == &r.entry.Text[0] { // it is in the file
		text = text[:len(text)-min(max(unread, 0), len(text))]
		pos.Line += bytes.Count(text, []byte("\n"))
		text = text[bytes.LastIndexByte(text, '\n')+1:]
		if i := bytes.LastIndex(text, []byte(token)); i >= 0 && !blank {
			pos.Column = utf8.RuneCount(text[:i]) + 1
		}
	}
	return problem(pos, "%s", what)
}

// cutField returns the first field of s, which does not begin with a blank, and what comes after it.
func cutField[S string | []byte](s S) (field, rest S) {
	if len(s) > 0 && s[0] == '"' {
		for i := 1; i < len(s); i++ {
			if s[i] == '"' {
				return s[1:i], s[i+1:]
			}
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ' ', '\t', '\r', '\n', ';', '(', ')':
			return s[:i], s[i:]
		}
	}
	return s, s[len(s):]
}
