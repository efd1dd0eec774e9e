package migrate

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
)

// lines returns what d holds, one line for each record or entry. The form of a zone is that of a zone file.
func lines(d *Data) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, z := range d.Zones {
		s := z.SOA
		add("zone %s %s", z.Name, z.Prefix)
		add("%d SOA %s %s %d %d %d %d %d", s.TTL, s.Primary, s.Contact, s.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum)
		for _, n := range z.NS {
			add("%d NS %s", z.NSTTL, n.Value)
		}
		for _, p := range z.PTRs {
			add("%s %d PTR %s", p.Addr, p.TTL, p.Name)
		}
		for _, a := range z.Aliases {
			add("%s %d CNAME %s", a.Addr, a.TTL, a.Target)
		}
		for _, c := range z.Cuts {
			for _, n := range c.NS {
				add("%s %s %d NS %s", c.Owner, c.Prefix, c.TTL, n.Value)
			}
			for _, ds := range c.DS {
				add("%s %d DS %d %d %d %x", c.Owner, c.DSTTL, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
			}
			for _, g := range c.Glue {
				for _, a := range g.Addrs {
					add("%s %d glue %s", g.Name.Value, c.GlueTTL, a.Addr)
				}
			}
		}
	}
	for _, e := range d.Entries {
		line := fmt.Sprintf("%s %s", e.Addr, cmp.Or(e.Name, "-"))
		for _, field := range []string{e.Server, e.Product, e.Account} {
			line += " " + cmp.Or(field, "-")
		}
		if e.Primary {
			line += " primary"
		}
		if e.TTL.Pos.IsValid() {
			line += fmt.Sprintf(" %d", e.TTL.Value)
		}
		add("%s", line)
	}
	for _, a := range d.Forward {
		add("%s %s", a.Name, a.Addr)
	}
	return list
}

// messages returns the findings, without the folder dir.
func messages(findings diag.List, dir string) (list []string) {
	for _, f := range findings {
		line := fmt.Sprintf("%s: %s: %s [%s]", f.Pos, f.Severity, f.Message, f.Rule)
		if dir != "" {
			line = strings.ReplaceAll(line, dir+string(filepath.Separator), "")
		}
		list = append(list, line)
	}
	return list
}

// expect compares what a Reader has read with what it should have.
func expect(t *testing.T, r *Reader, dir string, want, wantFindings []string) {
	t.Helper()
	d, findings := r.Data()
	if diff := gocmp.Diff(want, lines(d)); diff != "" {
		t.Errorf("the data (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(wantFindings, messages(findings, dir)); diff != "" {
		t.Errorf("the findings (-want +got):\n%s", diff)
	}
}

// text returns the lines of s without the tabs that indent all of them.
func text(s string) string {
	s = strings.TrimLeft(s, "\n")
	indent := s[:len(s)-len(strings.TrimLeft(s, "\t"))]
	s = strings.TrimRight(strings.ReplaceAll("\n"+s, "\n"+indent, "\n")[1:], "\t")
	return s
}

// rows are the lines of a text; nil if there are none.
func rows(s string) []string {
	s = strings.TrimSpace(text(s))
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// folder writes files, each from a line "-- name --" on, and returns their folder.
func folder(t testing.TB, files string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range strings.Split("\n"+text(files), "\n-- ")[1:] {
		name, content, ok := strings.Cut(part, " --\n")
		if !ok {
			t.Fatalf("%q does not begin with the name of a file", part)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
