package migrate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// maxTTL is the highest TTL (RFC 2181 section 8).
const maxTTL = math.MaxInt32

// ZoneFile reads the zone file at path (RFC 1035 section 5, with $TTL, and with $GENERATE as BIND has it), and what it
// includes. Zone is the initial origin; if it is empty, that is the zone which the file's name tells, as that of
// "2.0.192.in-addr.arpa.zone" and "db.acme.example" does. A file may hold several zones: dig prints such ones.
//
// An included file is looked for in the folder of the one that includes it, then in that of the zone file, below which
// it has to be. It is an error if the zone file itself cannot be read.
func (r *Reader) ZoneFile(path, zone string) error {
	path = filepath.Clean(path)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a zone file: %w", err)
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("read a zone file: %w", err)
	}
	defer folder.Close()
	r.zoneFile(path, zone, data, folder)
	return nil
}

// zoneFile is ZoneFile for a file that was read. Without a folder, nothing can be included.
func (r *Reader) zoneFile(path, zone string, data []byte, folder *os.Root) {
	origin := cmp.Or(zoneOfFile(filepath.Base(path)), unknownOrigin)
	if zone != "" {
		origin = hostname.Absolute(zone)
	}
	z := &zoneText{batch: &batch{file: path}, dir: filepath.Dir(path), folder: folder}
	r.batches = append(r.batches, z.batch)
	z.read(path, data, origin)
}

// unknownOrigin is the origin of a file as long as nothing tells it. No name of a zone file can be below it, but for
// those that are relative to it.
const unknownOrigin = "$."

// zoneOfFile returns the zone that the name of a file tells, "" if it tells none.
func zoneOfFile(file string) string {
	name, decorated := file, false
	for _, suffix := range []string{".zone", ".db", ".txt", ".rev"} {
		rest, ok := strings.CutSuffix(name, suffix)
		name, decorated = rest, decorated || ok
	}
	for _, prefix := range []string{"db.", "pri.", "named.", "zone."} {
		rest, ok := strings.CutPrefix(name, prefix)
		name, decorated = rest, decorated || ok
	}
	name = hostname.Absolute(name)
	if !strings.ContainsFunc(name, unicode.IsLetter) { // "db.192.0.2": nothing tells the order
		return ""
	}
	if hostname.Check(name) != nil || !decorated && !strings.HasSuffix(name, ".arpa.") {
		return ""
	}
	return name
}

// A zoneText reads one zone file and what it includes.
type zoneText struct {
	*batch
	dir    string   // of the zone file
	folder *os.Root // at dir; nil if nothing can be included
	open   []string // the files that are being read: each one includes the next
	owner  string   // of the last record
	ttl    ttl      // of $TTL
	last   ttl      // that the last record had with one (RFC 1035 section 5.1)
	lost   bool     // a name is relative, and nothing tells to what
}

// A ttl is one that may be missing.
type ttl struct {
	seconds uint32
	ok      bool
}

// read reads a file, and returns the origin at its end.
func (z *zoneText) read(path string, data []byte, origin string) {
	z.open = append(z.open, path)
	defer func() { z.open = z.open[:len(z.open)-1] }()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if i := bytes.IndexByte(data, 0); i >= 0 {
		z.report(diag.Position{File: path, Line: 1 + bytes.Count(data[:i], []byte("\n"))}, FindingSyntax,
			"if BIND wrote it, make text of it: named-compilezone -f raw -F text -o FILE.zone ZONE FILE",
			"this is no text: it has a zero byte")
		return
	}
	for e := range entries(data) {
		if e.pos.File = path; e.problem != "" {
			z.report(e.pos, FindingSyntax, "", "%s", e.problem)
		} else if e.text[0] == '$' {
			origin = z.directive(e, origin)
		} else {
			z.record(e, origin)
		}
		if z.lost {
			return
		}
	}
}

// An entry is a record or directive: a line, or several if it has parentheses or quotes. It begins with the owner of
// the record, a directive, or a blank.
type entry struct {
	text    string
	pos     diag.Position // of the first character that is no blank
	problem string        // if it has no end
}

// entries goes through the entries of a zone file.
func entries(data []byte) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for line := 1; len(data) > 0; {
			n, open := entryEnd(data)
			e := entry{text: string(data[:n])}
			blank := len(e.text) - len(strings.TrimLeft(e.text, blanks))
			e.pos = diag.Position{Line: line, Column: 1 + utf8.RuneCountInString(e.text[:blank])}
			switch {
			case open == '"':
				e.problem = "a quoted text does not end"
			case open == '(':
				e.problem = "a parenthesis is not closed"
			}
			rest := e.text[blank:]
			if rest != "" && rest[0] != ';' && !yield(e) {
				return
			}
			line += 1 + bytes.Count(data[:n], []byte("\n"))
			data = data[min(n+1, len(data)):]
		}
	}
}

// blanks separate fields. A carriage return is one, so that lines can end with it.
const blanks = " \t\r"

// entryEnd returns the length of the first entry, without the newline. If it does not end, that is the length of the
// line, and open is the character that asks for more.
func entryEnd(data []byte) (n int, open byte) {
	depth, quoted, comment := 0, false, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\n' && depth == 0 && !quoted:
			return i, 0
		case c == '\n':
			comment = false
		case comment:
		case c == '\\':
			i++
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
	n = bytes.IndexByte(data, '\n')
	if n < 0 {
		n = len(data)
	}
	switch {
	case depth > 0:
		return n, '('
	case quoted:
		return n, '"'
	}
	return len(data), 0
}

// record adds the record of an entry.
func (z *zoneText) record(e entry, origin string) {
	owner, rest := z.owner, e.text
	if !strings.ContainsRune(blanks, rune(rest[0])) {
		owner, rest = cutField(rest)
	} else if owner == "" {
		z.report(e.pos, FindingSyntax, "", "the first record has no owner")
		return
	}
	p := dns.NewZoneParser(strings.NewReader(owner+" "+rest+"\n"), origin, "")
	p.SetDefaultTTL(noTTL)
	rr, _ := p.Next()
	switch err := p.Err(); {
	case err != nil:
		z.report(e.pos, FindingSyntax, "", "%s", plain(err))
		return
	case rr == nil || isEmpty(rr):
		z.report(e.pos, FindingSyntax, "", "the record has no data")
		return
	}
	z.owner = rr.Header().Name
	if relative(rr) {
		z.lost = true
		z.report(e.pos, FindingZoneUnknown, "begin it with $ORIGIN, or say ZONE=FILE, as in 2.0.192.in-addr.arpa=db.192.0.2",
			"nothing tells which zone this file is for")
		return
	}
	z.addTTL(rr, e.pos)
}

// noTTL is the TTL of a record that has none. It is above the highest one.
const noTTL = math.MaxUint32

// addTTL adds a record, with the TTL that it has if it does not say one. That is what BIND takes: the one of $TTL, else
// that of the record before. An SOA record without either sets the former to the negative TTL of the zone.
func (z *zoneText) addTTL(rr dns.RR, pos diag.Position) {
	h := rr.Header()
	soa, isSOA := rr.(*dns.SOA)
	switch {
	case h.Ttl != noTTL:
		z.last = ttl{h.Ttl, true}
	case z.ttl.ok:
		h.Ttl = z.ttl.seconds
	case z.last.ok:
		h.Ttl = z.last.seconds
	case isSOA:
		h.Ttl = soa.Minttl
		z.ttl = ttl{h.Ttl, true}
	default:
		z.report(pos, FindingTTL, "put $TTL before it", "nothing tells the TTL of this record")
		return
	}
	z.add(rr, pos)
}

// relative reports whether a name of rr is relative to an origin that nothing tells.
func relative(rr dns.RR) bool {
	var data string
	switch rr := rr.(type) {
	case *dns.PTR:
		data = rr.Ptr
	case *dns.NS:
		data = rr.Ns
	case *dns.CNAME:
		data = rr.Target
	}
	return below(rr.Header().Name, unknownOrigin) || below(data, unknownOrigin)
}

// isEmpty reports whether a record has no data, which the parser takes for an update (RFC 2136).
func isEmpty(rr dns.RR) bool {
	switch rr := rr.(type) {
	case *dns.SOA:
		return rr.Ns == ""
	case *dns.NS:
		return rr.Ns == ""
	case *dns.PTR:
		return rr.Ptr == ""
	case *dns.CNAME:
		return rr.Target == ""
	case *dns.DS:
		return rr.Digest == ""
	case *dns.A:
		return rr.A == nil
	case *dns.AAAA:
		return rr.AAAA == nil
	}
	return false
}

// problem is the text of an error of the parser: what, the token at which it is, and its place.
var problem = regexp.MustCompile(`(?s)^dns: (.*): ("(?:[^"\\]|\\.)*") at line: \d+:\d+$`)

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

// plain says in a few words what the parser says.
func plain(err error) string {
	m := problem.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error()
	}
	token, _ := strconv.Unquote(m[2])
	if closing := words[token]; closing != "" {
		return closing
	}
	what := cmp.Or(words[m[1]], m[1])
	if strings.TrimSpace(token) == "" {
		return what
	}
	return what + " " + m[2]
}

// cutField returns the first field of s, which does not begin with a blank, and what comes after it.
func cutField(s string) (field, rest string) {
	if strings.HasPrefix(s, `"`) {
		if i := strings.IndexByte(s[1:], '"'); i >= 0 {
			return s[1 : 1+i], s[2+i:]
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
	return s, ""
}

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
func (z *zoneText) directive(e entry, origin string) string {
	word, rest := cutField(e.text)
	args := fields(rest)
	var err error
	switch name := strings.ToUpper(word); {
	case name == "$GENERATE":
		err = z.generate(e, rest, origin)
	case name == "$ORIGIN" && len(args) == 1:
		var absolute string
		if absolute, err = within(args[0], origin); err == nil {
			return absolute
		}
	case name == "$TTL" && len(args) == 1:
		z.ttl, err = parseTTL(args[0])
	case name == "$INCLUDE" && len(args) == 1:
		err = z.include(args[0], origin)
	case name == "$INCLUDE" && len(args) == 2:
		if origin2, err2 := within(args[1], origin); err2 != nil {
			err = err2
		} else {
			err = z.include(args[0], origin2)
		}
	case slices.Contains([]string{"$ORIGIN", "$TTL", "$INCLUDE"}, name):
		err = fmt.Errorf("%d fields after it are not as many as it takes", len(args))
	default:
		err = errors.New("there is no such directive")
	}
	if err != nil {
		z.report(e.pos, FindingSyntax, "", "%s: %v", word, err)
	}
	return origin
}

// within returns name as an absolute one; origin is that of relative names. It may have escapes, and need not be one
// that a source can hold: the names that are made with it will tell.
func within(name, origin string) (string, error) {
	if name == "@" {
		return origin, nil
	}
	if !dns.IsFqdn(name) {
		name = strings.TrimSuffix(name+"."+origin, ".") + "."
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return "", fmt.Errorf("%q is not a domain name", name)
	}
	return name, nil
}

// units are those of a TTL in a zone file, in seconds.
var units = map[byte]uint64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}

// parseTTL reads a TTL: seconds, or numbers with units.
func parseTTL(s string) (ttl, error) {
	total, number, digits := uint64(0), uint64(0), false
	for i := range len(s) {
		switch c := s[i] | 0x20; {
		case s[i] >= '0' && s[i] <= '9':
			number, digits = number*10+uint64(s[i]-'0'), true
		case digits && units[c] > 0:
			total, number, digits = total+number*units[c], 0, false
		default:
			return ttl{}, fmt.Errorf("%q is not a TTL", s)
		}
		if total+number > maxTTL {
			return ttl{}, fmt.Errorf("the TTL %s is above 2^31-1 seconds", s)
		}
	}
	if s == "" {
		return ttl{}, errors.New("the TTL is empty")
	}
	return ttl{uint32(total + number), true}, nil
}

// include reads another file.
func (z *zoneText) include(name, origin string) error {
	if z.folder == nil {
		return errors.New("not possible here")
	}
	var path string
	var data []byte
	err := fs.ErrNotExist
	for _, dir := range []string{filepath.Dir(z.open[len(z.open)-1]), z.dir} {
		if errors.Is(err, fs.ErrNotExist) {
			path, data, err = z.readFile(dir, name)
		}
	}
	if err == nil && slices.Contains(z.open, path) {
		err = errors.New("it includes itself")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	z.included = append(z.included, path)
	z.read(path, data, origin)
	return nil
}

// readFile reads a regular file below z.dir, and returns its path there. The name is absolute or below dir.
func (z *zoneText) readFile(dir, name string) (path string, data []byte, err error) {
	root := z.dir
	if filepath.IsAbs(name) {
		dir = ""
		if root, err = filepath.Abs(root); err != nil {
			return "", nil, err
		}
	}
	below, err := filepath.Rel(root, filepath.Join(dir, name))
	if err != nil || !filepath.IsLocal(below) {
		return "", nil, errors.New("not below the folder of the zone file")
	}
	info, err := z.folder.Stat(below)
	if err == nil && !info.Mode().IsRegular() { // not even to be opened: a pipe would wait for ever
		return "", nil, errors.New("not a regular file")
	}
	if err == nil {
		data, err = z.folder.ReadFile(below)
	}
	return filepath.Join(z.dir, below), data, withoutPath(err) // which is not the one that the user knows
}

// withoutPath returns what is wrong with a file, without its path, for those who name it themselves.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
