package forward

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonetext"
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
	last     int     // index of the one that was read from last
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

// include returns a file for $INCLUDE. The name is relative to the folder of the file that has the directive; if there
// is no such file it is tried as BIND would, relative to one folder for all.
func (r *reader) include(name, from string) (string, []byte, error) {
	relative := !path.IsAbs(name)
	name = path.Clean(name)
	below := strings.TrimLeft(name, "/")
	if relative {
		below = path.Join(path.Dir(r.files[r.index(from)].name), name)
	}
	f, err := r.open(below)
	if errors.Is(err, fs.ErrNotExist) && relative {
		if other, err2 := r.open(name); err2 == nil {
			f, err = other, nil
		}
	}
	if err != nil {
		r.failed = fmt.Errorf("%s: %w", r.folder.Path(below), err)
		return "", nil, r.failed
	}
	return f.path, f.data, nil
}

func (r *reader) open(name string) (*file, error) {
	if i := slices.IndexFunc(r.files, func(f *file) bool { return f.name == name }); i >= 0 {
		return r.files[i], nil
	}
	if !fs.ValidPath(name) {
		return nil, errors.New("not below the root file's folder")
	}
	data, err := r.folder.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return r.add(name, data), nil
}

func (r *reader) add(name string, data []byte) *file {
	f := &file{name: name, path: r.folder.Path(name), data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	r.files = append(r.files, f)
	return f
}

// index returns the index of the file at a path.
func (r *reader) index(path string) int {
	if r.files[r.last].path != path {
		r.last = slices.IndexFunc(r.files, func(f *file) bool { return f.path == path })
	}
	return r.last
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
	apex, origin, wrong := r.apex(data)
	if apex != "" {
		r.zone = &Zone{Apex: apex, File: r.folder.Path(r.file.Path), names: map[string]node{apex: {first: -1, last: -1}}}
	}
	outside, empty := false, true
	switch {
	case wrong == nil && apex != "":
		wrong = r.parse(data, origin, func(rr dns.RR, e zonetext.Entry) bool {
			empty = false
			outside = r.record(rr, e.Last(), outside)
			return true
		})
		if wrong == nil && empty {
			r.report(diag.Position{File: r.folder.Path(r.file.Path), Line: 1, Column: 1}, "", "there are no records in this file")
			r.zone.broken = true
		}
	case wrong == nil:
		r.report(diag.Position{File: r.folder.Path(r.file.Path), Line: 1, Column: 1},
			`begin it with $ORIGIN, or name it after its zone: "acme.example.zone"`,
			"nothing tells which zone this file is: neither an SOA record with an absolute name nor the name of the file")
	}
	if wrong != nil {
		message := wrong.Message
		if r.failed != nil {
			message = r.failed.Error()
		}
		r.report(wrong.Pos, wrong.Hint, "%s", message)
	}
	if r.zone != nil {
		r.zone.broken = r.zone.broken || wrong != nil
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
func (r *reader) parse(data []byte, origin string, f func(dns.RR, zonetext.Entry) bool) *zonetext.Problem {
	r.files, r.last, r.failed = nil, 0, nil
	zone := r.add(r.file.Path, data)
	text := zonetext.New(zone.path, zone.data, origin, r.include)
	for rr, wrong := range text.Records() {
		if wrong != nil || !f(rr, text.Entry()) {
			return wrong
		}
	}
	return nil
}

// apex returns the apex of the zone, "" if nothing tells it, and the origin with which the file begins. If something is
// wrong, they are those that the file's name tells.
func (r *reader) apex(data []byte) (apex, origin string, wrong *zonetext.Problem) {
	soa := ""
	wrong = r.parse(data, zonetext.UnknownOrigin, func(rr dns.RR, _ zonetext.Entry) bool {
		if rr.Header().Rrtype == dns.TypeSOA {
			soa = lower(rr.Header().Name)
		}
		return soa == ""
	})
	if soa != "" && !within(soa, zonetext.UnknownOrigin) {
		return soa, soa, wrong
	}
	origin = zoneName(path.Base(r.file.Path))
	if origin == "" {
		return "", "", wrong
	}
	return strings.TrimSuffix(soa, zonetext.UnknownOrigin) + origin, origin, wrong
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

// record adds a record to the zone, whose data is at pos. It reports the first one that lies outside of the zone; outside
// tells whether there was one.
func (r *reader) record(rr dns.RR, pos diag.Position, outside bool) bool {
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
	rec := record{owner: owner, file: int32(r.index(pos.File)), line: int32(pos.Line), column: int32(pos.Column), next: -1}
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

func (r *reader) report(pos diag.Position, hint, format string, args ...any) {
	r.findings = append(r.findings, diag.Diagnostic{
		Pos: pos, Severity: diag.Error, Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}
