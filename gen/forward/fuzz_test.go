package forward

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

// FuzzLoad checks what holds for every zone file: all that is found has a place in it, and what is read of a file is
// what the parser alone reads.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		soa + "www A 192.0.2.1\n      AAAA 2001:db8::1 ; two\n",
		soa + "www ( A\n 192.0.2.1 ) ; )\n\"q\\\"\" TXT \"a;b\nc\" (\n)\n* CNAME www",
		"\ufeff$ORIGIN a.example.\r\n" + soa + "$TTL 1h\r\n$GENERATE 1-3/2 h$ A 192.0.2.${1,3,d}\r\nx A 192.0.2.400\r\n",
		soa + "a NS b\nb.a A 192.0.2.1\nc DNAME d\nx.c A 192.0.2.2\nd A \\# 4 c0000201\ne A\n\nf A ;\n",
		soa + "$INCLUDE more.inc sub\nw A 192.0.2.1\n$INCLUDE z.zone\n",
	} {
		f.Add([]byte(text), []byte("i A 192.0.2.7\nj A"))
	}
	f.Fuzz(func(t *testing.T, data, included []byte) {
		if bytes.Count(data, []byte("$")) > 20 || bytes.Contains(included, []byte("$")) {
			t.Skip("may have a very large number of records")
		}
		t.Chdir(t.TempDir())
		files := map[string][]byte{"example.zone": data, "more.inc": included}
		for name, data := range files {
			if err := os.WriteFile(name, data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		inside := func(p diag.Position) bool {
			lines := bytes.Split(bytes.TrimPrefix(files[p.File], []byte("\ufeff")), []byte("\n"))
			return p.Line >= 1 && p.Line <= len(lines) && p.Column >= 0 && p.Column <= utf8.RuneCount(lines[p.Line-1])+1
		}
		z, findings, err := Load(&source.Source{Root: "records.yaml", Forwards: []source.ForwardFile{{Path: "example.zone"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range findings {
			if !inside(d.Pos) || d.Message == "" || strings.ContainsAny(d.Message, "\n\r") {
				t.Errorf("%+v", d)
			}
		}
		for r := range z.All() {
			if !inside(r.Pos) || r.Pos.Column == 0 || !r.Addr.IsValid() || lower(r.Owner) != r.Owner {
				t.Errorf("%+v", r)
			}
			a := z.Lookup(r.Owner)
			if _, alias := a.Alias(); !alias && !a.Has(r.Addr) {
				t.Errorf("%s does not have %s", r.Owner, r.Addr)
			}
			// The data is where the position says, if it is written as people do.
			line := strings.Split(strings.TrimPrefix(string(files[r.Pos.File]), "\ufeff"), "\n")[r.Pos.Line-1]
			field, _, _ := strings.Cut(string([]rune(line)[r.Pos.Column-1:]), " ")
			if addr, err := netip.ParseAddr(strings.Trim(field, ")\r\t;")); err == nil && addr != r.Addr {
				t.Errorf("at %s is %s, not %s", r.Pos, addr, r.Addr)
			}
		}
		if len(findings) == 0 && len(z.list) == 1 && !bytes.Contains(bytes.ToUpper(data), []byte("$INCLUDE")) {
			if got, want := len(z.list[0].records), plainCount(data, z.list[0].Apex); want >= 0 && got != want {
				t.Errorf("%d records, the parser reads %d", got, want)
			}
		}
	})
}

// plainCount returns how many records of the types that are kept the parser finds in the zone, -1 if it finds an error:
// it does not know all that BIND does.
func plainCount(data []byte, apex string) int {
	n := 0
	p := dns.NewZoneParser(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))), apex, "")
	p.SetDefaultTTL(1)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		switch rr.Header().Rrtype {
		case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME:
			if rr.Header().Class == dns.ClassINET {
				n++
			}
		}
	}
	if p.Err() != nil {
		return -1
	}
	return n
}

func BenchmarkLoad(b *testing.B) {
	const n = 1_000_000
	var text strings.Builder
	text.WriteString(soa)
	for i := range n {
		fmt.Fprintf(&text, "host%d A 10.%d.%d.%d\n", i, i>>16, i>>8&255, i&255)
	}
	b.Chdir(b.TempDir())
	if err := os.WriteFile("example.zone", []byte(text.String()), 0o666); err != nil {
		b.Fatal(err)
	}
	s := &source.Source{Root: "records.yaml", Forwards: []source.ForwardFile{{Path: "example.zone"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, findings, err := Load(s); err != nil || len(findings) > 0 {
			b.Fatal(err, findings)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}
