package migrate

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/revmap/revmap/gen/diag"
)

// Hosts reads a hosts file: an address, its name, and perhaps others that only lead there, on each line. The name is the
// first one with a domain. An address of this machine or its link is left out with a Note, since it is not in the DNS.
// Path is that of positions. An error is one of in.
func (r *Reader) Hosts(path string, in io.Reader) error {
	named := make(map[netip.Addr]bool)
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	for line := 1; s.Scan(); line++ {
		text, _, _ := strings.Cut(s.Text(), "#")
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		column := 1 + utf8.RuneCountInString(text[:strings.Index(text, fields[0])])
		r.hostsLine(named, diag.Position{File: path, Line: line, Column: column}, fields[0], fields[1:])
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, withoutPath(err))
	}
	return nil
}

// hostsLine reads a line; named has the addresses of the lines before.
func (r *Reader) hostsLine(named map[netip.Addr]bool, pos diag.Position, address string, names []string) {
	addr, err := netip.ParseAddr(address)
	if err == nil && !addr.IsGlobalUnicast() {
		r.findings = append(r.findings,
			finding(diag.Note, pos, FindingAddress, "", "%s is left out: it is not in the DNS", addr))
		return
	}
	addr, ok := r.address(address, pos)
	if !ok {
		return
	}
	if len(names) == 0 {
		r.report(pos, FindingSyntax, "", "%s has no name", addr)
		return
	}
	if !named[addr] {
		first := max(0, slices.IndexFunc(names, func(n string) bool { return strings.Contains(n, ".") }))
		name, ok := r.name(names[first], pos)
		if !ok {
			return
		}
		r.add(Entry{Addr: addr, Name: name, Pos: pos})
		names = slices.Delete(names, first, first+1)
	}
	if len(names) > 0 {
		r.findings = append(r.findings, finding(diag.Warning, pos, FindingExtraName, "",
			"%s has another name: %s left out", addr, strings.Join(names, ", ")))
	}
	named[addr] = true
}
