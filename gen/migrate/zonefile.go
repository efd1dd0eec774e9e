package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/zonetext"
	"github.com/revmap/revmap/internal/hostname"
)

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
	origin := cmp.Or(zoneOfFile(filepath.Base(path)), zonetext.UnknownOrigin)
	if zone != "" {
		origin = hostname.Absolute(zone)
	}
	z := &zoneText{batch: &batch{file: path}, dir: filepath.Dir(path), folder: folder}
	r.batches = append(r.batches, z.batch)
	text := zonetext.New(path, data, origin, z.include)
	for rr, wrong := range text.Records() {
		pos := text.Entry().Pos
		switch {
		case wrong != nil:
			z.report(pos, FindingSyntax, wrong.Hint, "%s", wrong.Message)
		case relative(rr):
			z.report(pos, FindingZoneUnknown, "begin it with $ORIGIN, or say ZONE=FILE, as in 2.0.192.in-addr.arpa=db.192.0.2",
				"nothing tells which zone this file is for")
			return
		case len(z.findings) > 0 && z.findings[len(z.findings)-1].Pos == pos: // of a $GENERATE; the others are as wrong
		case rr.Header().Ttl == zonetext.NoTTL:
			z.report(pos, FindingTTL, "put $TTL before it", "nothing tells the TTL of this record")
		default:
			z.add(rr, pos)
		}
	}
}

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

// A zoneText is a zone file that is read, with what it includes.
type zoneText struct {
	*batch
	dir    string   // of the zone file
	folder *os.Root // at dir; nil if nothing can be included
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
	return below(rr.Header().Name, zonetext.UnknownOrigin) || below(data, zonetext.UnknownOrigin)
}

// include returns a file that the one at the path from includes.
func (z *zoneText) include(name, from string) (path string, data []byte, err error) {
	if z.folder == nil {
		return "", nil, errors.New("not possible here")
	}
	err = fs.ErrNotExist
	for _, dir := range []string{filepath.Dir(from), z.dir} {
		if errors.Is(err, fs.ErrNotExist) {
			path, data, err = z.readFile(dir, name)
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	if path != z.file {
		z.included = append(z.included, path)
	}
	return path, data, nil
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
