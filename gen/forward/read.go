package forward

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/parallel"
)

// rule is the id of the rule that all findings of this package are of.
const rule = "forwards-invalid"

// Load reads the zone files that s names, and what they include. What cannot be read is a finding, and then nothing is
// known of that zone. The findings are sorted. It is an error if the folder of the source cannot be opened.
//
// The zone of a file is the owner of its SOA record. Where that is relative and there is no $ORIGIN, or there is no SOA
// record, the file's name tells it: "acme.example.zone", "acme.example.db" or "db.acme.example". A file that another
// one includes is no zone file, whatever patterns it matches.
func Load(s *source.Source) (*Zones, diag.List, error) {
	if len(s.Forwards) == 0 {
		return nil, nil, nil
	}
	folder, err := source.OpenFolder(s.Root)
	if err != nil {
		return nil, nil, fmt.Errorf("read zone files: %w", err)
	}
	defer folder.Close()
	z, findings := LoadFrom(folder, s)
	return z, findings, nil
}

// LoadFrom is Load for a source whose files are in folder, which it leaves open.
func LoadFrom(folder *source.Folder, s *source.Source) (*Zones, diag.List) {
	if len(s.Forwards) == 0 {
		return nil, nil
	}
	readers := make([]*reader, len(s.Forwards))
	parallel.Each(len(readers), func(i int) {
		readers[i] = &reader{folder: folder, file: s.Forwards[i]}
		readers[i].read()
	})

	included := make(map[string]bool)
	for _, r := range readers {
		if r.zone != nil && !r.zone.broken {
			for _, f := range r.files[1:] {
				included[f.name] = true
			}
		}
	}
	var zones []*Zone
	var waivers []source.Waiver
	var findings diag.List
	seen := make(map[string]bool) // files whose waivers are in waivers
	for _, r := range readers {
		if included[r.file.Path] {
			continue
		}
		findings = append(findings, r.findings...)
		if r.zone != nil {
			zones = append(zones, r.zone)
		}
		for _, f := range r.files {
			if !seen[f.name] {
				seen[f.name] = true
				waivers = append(waivers, f.waivers...)
			}
		}
	}
	z, found := newZones(zones, waivers)
	return z, append(findings, found...).Sort()
}

// A reader reads one zone file.
type reader struct {
	folder   *source.Folder
	file     source.ForwardFile
	files    []*file // that were read, the zone file first
	last     *input  // what was read from last
	failed   error   // why the last $INCLUDE failed, if it did
	zone     *Zone   // nil if it is not known which one it is
	findings diag.List
}

// A file is the zone file or one that it includes.
type file struct {
	name    string // slash-separated path below the folder
	path    string // as it is in positions
	data    []byte // nil after the zone was read
	waivers []source.Waiver
}

// An input is a file from its begin to its end. A file that is included twice is two inputs.
type input struct {
	*file
	r       *reader
	index   int32         // of file in r.files
	at      int           // offset of the next byte
	unread  int           // offset of what comes after the last record
	below   int           // number of the line at unread
	current diag.Position // of the last record
}

// ReadByte implements io.ByteReader. The parser reads single bytes if it can, and none beyond the record that it
// returns: so it can be told on which line that record is.
func (in *input) ReadByte() (byte, error) {
	in.r.last = in
	if in.at == len(in.data) {
		return 0, io.EOF
	}
	in.at++
	return in.data[in.at-1], nil
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	if in.at == len(in.data) {
		return 0, io.EOF
	}
	n := copy(p, in.data[in.at:])
	in.at += n
	return n, nil
}

// Close implements fs.File.
func (in *input) Close() error { return nil }

// Stat implements fs.File. Nobody calls it.
func (in *input) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Open implements fs.FS for $INCLUDE. The name is relative to the folder of the file that has the directive; if there
// is no such file it is tried as BIND would, relative to one folder for all.
func (r *reader) Open(name string) (fs.File, error) {
	data, err := r.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if rest, ok := strings.CutPrefix(name, path.Dir(r.last.name)+"/"); ok {
			if other, err2 := r.open(rest); err2 == nil {
				name, data, err = rest, other, nil
			}
		}
	}
	if err != nil {
		r.failed = fmt.Errorf("%s: %w", r.folder.Path(name), err)
		return nil, err
	}
	return r.input(name, data), nil
}

func (r *reader) open(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, errors.New("not below the root file's folder")
	}
	return r.folder.ReadFile(name)
}

func (r *reader) input(name string, data []byte) *input {
	i := slices.IndexFunc(r.files, func(f *file) bool { return f.name == name })
	if i < 0 {
		i = len(r.files)
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		r.files = append(r.files, &file{name: name, path: r.folder.Path(name), data: data})
	}
	return &input{file: r.files[i], r: r, index: int32(i), below: 1}
}

// read reads the zone.
func (r *reader) read() {
	data, err := r.folder.ReadFile(r.file.Path)
	if err != nil {
		r.findings = diag.List{{
			Pos: r.file.Pos, Severity: diag.Error, Rule: rule,
			Message: fmt.Sprintf("%s: %v", r.folder.Path(r.file.Path), err),
		}}
		return
	}
	apex, origin, err := r.apex(data)
	if apex != "" {
		r.zone = &Zone{Apex: apex, File: r.folder.Path(r.file.Path), names: map[string]node{apex: {first: -1, last: -1}}}
	}
	outside, empty := false, true
	switch {
	case err == nil && apex != "":
		err = r.parse(data, origin, func(rr dns.RR) bool {
			empty = false
			outside = r.add(rr, outside)
			return true
		})
		if err == nil && empty {
			r.report(diag.Position{File: r.folder.Path(r.file.Path), Line: 1, Column: 1}, "", "there are no records in this file")
			r.zone.broken = true
		}
	case err == nil:
		r.report(diag.Position{File: r.folder.Path(r.file.Path), Line: 1, Column: 1},
			`begin it with $ORIGIN, or name it after its zone: "acme.example.zone"`,
			"nothing tells which zone this file is: neither an SOA record with an absolute name nor the name of the file")
	}
	if err != nil {
		r.fail(err)
	}
	if r.zone != nil {
		r.zone.broken = r.zone.broken || err != nil
		for _, f := range r.files {
			r.zone.files = append(r.zone.files, f.path)
		}
	}
	for _, f := range r.files {
		waivers, findings := source.Waivers(f.path, f.data, ';')
		f.waivers, f.data = waivers, nil
		r.findings = append(r.findings, findings...)
	}
}

// parse calls f for each record of the zone file until that returns false.
func (r *reader) parse(data []byte, origin string, f func(dns.RR) bool) error {
	r.files, r.failed = nil, nil
	r.last = r.input(r.file.Path, data)
	p := dns.NewZoneParser(r.last, origin, r.file.Path)
	p.SetDefaultTTL(3600) // servers take one from the SOA record; here any will do
	p.SetIncludeAllowed(true)
	p.SetIncludeFS(r)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		if !f(rr) {
			return nil
		}
	}
	return p.Err()
}

// relative is the origin of a file as long as it is not known: short, and nobody's.
const relative = "$."

// apex returns the apex of the zone, "" if nothing tells it, and the origin with which the file begins. If there is an
// error, they are those that the file's name tells.
func (r *reader) apex(data []byte) (apex, origin string, err error) {
	soa := ""
	err = r.parse(data, relative, func(rr dns.RR) bool {
		if rr.Header().Rrtype == dns.TypeSOA {
			soa = lower(rr.Header().Name)
		}
		return soa == ""
	})
	if soa != "" && !within(soa, relative) {
		return soa, soa, err
	}
	origin = zoneName(path.Base(r.file.Path))
	if origin == "" {
		return "", "", err
	}
	return strings.TrimSuffix(soa, relative) + origin, origin, err
}

// zoneName returns the zone that the name of a file tells, "" if it tells none.
func zoneName(file string) string {
	name, ok := strings.CutSuffix(file, ".zone")
	if !ok {
		name, ok = strings.CutSuffix(file, ".db")
	}
	if !ok {
		name, ok = strings.CutPrefix(file, "db.")
	}
	if name = lower(dns.Fqdn(name)); !ok || name == "." {
		return ""
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return ""
	}
	return name
}

func lower(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(name)
		}
	}
	return name
}

// add adds a record to the zone. It reports the first one that lies outside of it; outside tells whether there was one.
func (r *reader) add(rr dns.RR, outside bool) bool {
	pos := r.last.position()
	z, h := r.zone, rr.Header()
	if h.Class != dns.ClassINET {
		return outside
	}
	owner := lower(h.Name)
	if !within(owner, z.Apex) {
		if !outside {
			r.report(pos, "", "%q lies outside of the zone %q of this file: name servers do not serve it", owner, z.Apex)
		}
		return true
	}
	n := z.add(owner)
	rec := record{owner: owner, file: r.last.index, line: int32(pos.Line), column: int32(pos.Column), next: -1}
	switch rr := rr.(type) {
	case *dns.A:
		rec.addr, _ = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		rec.addr, _ = netip.AddrFromSlice(rr.AAAA)
	case *dns.CNAME:
		rec.target = lower(rr.Target)
	case *dns.NS:
		n.delegated = owner != z.Apex
		z.cuts = z.cuts || n.delegated
		z.names[owner] = n
		return outside
	case *dns.DNAME:
		n.redirected, z.cuts = true, true
		z.names[owner] = n
		return outside
	default:
		return outside
	}
	if !rec.addr.IsValid() && rec.target == "" { // the parser takes this for an update (RFC 2136)
		r.report(pos, "", "the %s record has no data", dns.TypeToString[h.Rrtype])
		z.broken = true
		return outside
	}
	i := int32(len(z.records))
	if z.records = append(z.records, rec); n.first < 0 {
		n.first = i
	} else {
		z.records[n.last].next = i
	}
	n.last = i
	z.names[owner] = n
	return outside
}

// within reports whether name is at or below apex.
func within(name, apex string) bool {
	rest, ok := strings.CutSuffix(name, apex)
	return ok && (rest == "" || apex == "." || strings.HasSuffix(rest, "."))
}

// add returns the node of a name, and makes it and those of the names above if need be.
func (z *Zone) add(name string) node {
	n, ok := z.names[name]
	if ok {
		return n
	}
	n = node{first: -1, last: -1}
	for ; !ok; _, ok = z.names[name] {
		z.names[name] = n
		name = parent(name)
	}
	return n
}

// position returns the place of the record that was read last: that of its data if it is one of a single field. The
// records of a $GENERATE are all where that is.
func (in *input) position() diag.Position {
	text := in.data[in.unread:in.at]
	if len(text) == 0 {
		return in.current
	}
	line := in.below + bytes.Count(text, []byte("\n"))
	in.unread, in.below = in.at, line
	in.current = diag.Position{File: in.path}
	for ; ; line-- {
		i := bytes.LastIndexByte(text, '\n') + 1
		content, _, _ := bytes.Cut(text[i:], []byte(";"))
		content = bytes.TrimRight(content, " \t\r)")
		if len(content) > 0 || i == 0 {
			field := bytes.LastIndexAny(content, " \t(") + 1
			in.current.Line, in.current.Column = line, utf8.RuneCount(content[:field])+1
			return in.current
		}
		text = text[:i-1]
	}
}

// problem is the text of an error of the parser: what, the token at which it is, and its line.
var problem = regexp.MustCompile(`(?s)^(?:.*?: )?dns: (.*): ("(?:[^"\\]|\\.)*") at line: (\d+):\d+$`)

// plain says what the parser says in other words.
var plain = map[string]string{
	"bad A A":            "want an IPv4 address, not",
	"bad AAAA AAAA":      "want an IPv6 address, not",
	"not a TTL":          "want a type, class or TTL, not",
	"unexpected newline": "a record without data",
}

// fail reports an error of the parser. It is in what was read last: the line that the parser tells is wrong for a
// $GENERATE, but right where it sees by the next token only that a record has ended.
func (r *reader) fail(err error) {
	in := r.last
	text := bytes.TrimSuffix(in.data[:in.at], []byte("\n"))
	pos := diag.Position{File: in.path, Line: bytes.Count(text, []byte("\n")) + 1}
	message := err.Error()
	if m := problem.FindStringSubmatch(message); m != nil {
		message = cmp.Or(plain[m[1]], m[1])
		token, _ := strconv.Unquote(m[2])
		line, _ := strconv.Atoi(m[3])
		if m[1] == "unexpected newline" && line < pos.Line {
			pos.Line = line
		} else if strings.TrimSpace(token) != "" {
			message += " " + m[2]
			text = text[bytes.LastIndexByte(text, '\n')+1:]
			if i := bytes.LastIndex(text, []byte(token)); i >= 0 {
				pos.Column = utf8.RuneCount(text[:i]) + 1
			}
		}
	}
	if r.failed != nil {
		message = r.failed.Error()
	}
	r.report(pos, "", "%s", message)
}

func (r *reader) report(pos diag.Position, hint, format string, args ...any) {
	r.findings = append(r.findings, diag.Diagnostic{
		Pos: pos, Severity: diag.Error, Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}
