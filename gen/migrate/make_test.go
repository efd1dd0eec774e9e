package migrate

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/authority"
)

var update = flag.Bool("update", false, "rewrite what the tests expect")

// An imported is what became of the zones of a test.
type imported struct {
	source   string
	findings diag.List
	records  []string // of the zones that are exported, without serials
}

// importFiles imports the files of a folder by their names: *.zone, *.csv, *.hosts.
func importFiles(t *testing.T, dir string, o Options) *imported {
	t.Helper()
	t.Chdir(dir) // positions are the names of files
	var r Reader
	entries, err := os.ReadDir(".")
	must(t, err)
	for _, e := range entries {
		switch name := e.Name(); filepath.Ext(name) {
		case ".zone":
			must(t, r.ZoneFile(name, ""))
		case ".csv", ".hosts":
			b, err := os.ReadFile(name)
			must(t, err)
			read := r.CSV
			if filepath.Ext(name) == ".hosts" {
				read = r.Hosts
			}
			must(t, read(name, bytes.NewReader(b)))
		}
	}
	d, findings := r.Data()
	out := makeAndCompare(t, d, o)
	out.findings = append(out.findings, findings...).Sort()
	return out
}

// makeAndCompare makes a source, which can be compiled, and compares what it gives with d.
func makeAndCompare(t *testing.T, d *Data, o Options) *imported {
	t.Helper()
	s, made := Make(d, o)
	for _, f := range lint.Run(model.Build(s), nil, lint.Options{}) {
		if lint.Find(f.Rule).Required && f.Severity == diag.Error {
			t.Errorf("the source breaks a rule: %s: %s [%s]", f.Pos, f.Message, f.Rule)
		}
	}
	var text bytes.Buffer
	must(t, source.Write(&text, s))
	read, wrong := source.Parse("records.yaml", text.Bytes(), false)
	for _, f := range wrong {
		t.Errorf("the source cannot be read: %s: %s", f.Pos, f.Message)
	}
	if t.Failed() {
		t.Fatalf("%s", &text)
	}
	b, err := compile.Compile(model.Build(read), compile.Options{Time: time.Unix(1, 0)})
	must(t, err)
	snapshot, err := b.Reader()
	must(t, err)
	g, err := authority.New(snapshot)
	must(t, err)
	_, different := Compare(d, g)
	out := &imported{source: text.String(), findings: slices.Concat(made, different).Sort()}
	for i := range snapshot.Zones() {
		var zone bytes.Buffer
		must(t, zonefile.Write(&zone, g, &snapshot.Zones()[i]))
		out.records = append(out.records, parseZone(t, &zone, "")...)
	}
	slices.Sort(out.records)
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// parseZone returns the records of a zone file in one form, without the serial.
func parseZone(t *testing.T, text *bytes.Buffer, origin string) (list []string) {
	t.Helper()
	zp := dns.NewZoneParser(text, origin, "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		list = append(list, canonical(rr))
	}
	must(t, zp.Err())
	return list
}

// canonical returns a record as it is compared.
func canonical(rr dns.RR) string {
	if soa, ok := rr.(*dns.SOA); ok {
		soa.Serial = 0
	}
	return strings.ToLower(strings.ReplaceAll(rr.String(), "\t", " "))
}

// TestMake imports the files of testdata/make/*.txtar, those of infer_* with Infer, and compares the source, the
// findings, and what another parser finds different in the zones that are exported.
func TestMake(t *testing.T) {
	files, err := filepath.Glob("testdata/make/*.txtar")
	must(t, err)
	for _, file := range files {
		file, err = filepath.Abs(file)
		must(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			must(t, err)
			want := make(map[string]string)
			inputs := txtar.Archive{Comment: archive.Comment}
			dir := t.TempDir()
			var before []string
			for _, f := range archive.Files {
				switch filepath.Ext(f.Name) {
				case ".zone", ".csv", ".hosts":
					inputs.Files = append(inputs.Files, f)
					must(t, os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o666))
				default:
					want[f.Name] = string(f.Data)
				}
				if strings.Contains(f.Name, ".arpa.zone") {
					origin := strings.TrimSuffix(f.Name, "zone")
					before = append(before, parseZone(t, bytes.NewBuffer(f.Data), strings.ReplaceAll(origin, "=", "/"))...)
				}
			}
			o := Options{Infer: strings.HasPrefix(filepath.Base(file), "infer_")}
			if len(before) == 0 {
				o.Nameservers = []source.Name{{Value: "ns1.example.net."}}
				o.Contact = source.Name{Value: "hostmaster.example.net."}
			}
			out := importFiles(t, dir, o)
			var findings strings.Builder
			for _, f := range out.findings {
				fmt.Fprintf(&findings, "%s: %s: %s [%s]\n", f.Pos, f.Severity, f.Message, f.Rule)
			}
			slices.Sort(before)
			got := map[string]string{"records.yaml": out.source, "findings": findings.String()}
			if len(before) > 0 {
				got["changes"] = changes(before, out.records)
			}
			if *update {
				for _, name := range []string{"records.yaml", "findings", "changes"} {
					if text, ok := got[name]; ok && text != "" {
						inputs.Files = append(inputs.Files, txtar.File{Name: name, Data: []byte(text)})
					}
				}
				must(t, os.WriteFile(file, txtar.Format(&inputs), 0o666))
				return
			}
			for name, text := range got {
				if d := gocmp.Diff(want[name], text); d != "" {
					t.Errorf("%s (-want +got):\n%s", name, d)
				}
			}
		})
	}
}

// changes returns what two sorted lists do not share.
func changes(before, after []string) string {
	var b strings.Builder
	for len(before)+len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0] < after[0]:
			fmt.Fprintf(&b, "- %s\n", before[0])
			before = before[1:]
		case len(before) == 0 || after[0] < before[0]:
			fmt.Fprintf(&b, "+ %s\n", after[0])
			after = after[1:]
		default:
			before, after = before[1:], after[1:]
		}
	}
	return b.String()
}

// TestRoundTrip imports random zones. Every record comes back, or there is a finding about its line or its zone; and no
// other comes without one.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := world{Rand: rand.New(rand.NewPCG(seed, 0)), lines: make(map[string]string)}
			dir := t.TempDir()
			for _, z := range w.zones() {
				must(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(z.name, "/", "=")+"zone"), z.text.Bytes(), 0o666))
			}
			out := importFiles(t, dir, Options{Infer: seed%2 == 1})
			told := make(map[string]bool) // places, zones that differ, and zones with new records
			for _, f := range out.findings {
				told[fmt.Sprintf("%s:%d", f.Pos.File, f.Pos.Line)] = true
				switch f.Rule {
				case FindingZoneDiffers, FindingAdded:
					told[f.Rule+" "+f.Pos.File] = true
				case FindingLost:
					if strings.HasPrefix(f.Message, "the zone") {
						told[FindingZoneDiffers+" "+f.Pos.File] = true
					}
				}
			}
			come := make(map[string]bool)
			for _, r := range out.records {
				come[r] = true
			}
			for r, place := range w.lines {
				file, _, _ := strings.Cut(place, ":")
				if !come[r] && !told[place] && !told[FindingZoneDiffers+" "+file] {
					t.Errorf("lost without a finding: %s: %s", place, r)
				}
			}
			for r := range come {
				if w.lines[r] == "" && len(out.findings) == 0 {
					t.Errorf("new without a finding: %s", r)
				}
			}
			if t.Failed() {
				for _, f := range out.findings {
					t.Logf("%s: %s [%s]", f.Pos, f.Message, f.Rule)
				}
				t.Logf("%s", out.source)
			}
		})
	}
}

// A world makes random zones.
type world struct {
	*rand.Rand
	lines map[string]string // the file and line of each record
}

// A randomZone is a zone file in the making.
type randomZone struct {
	name  string
	text  bytes.Buffer
	lines int
}

// record adds a record.
func (w *world) record(z *randomZone, format string, args ...any) {
	rr, err := dns.NewRR(fmt.Sprintf(format, args...))
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(&z.text, rr)
	z.lines++
	w.lines[canonical(rr)] = fmt.Sprintf("%szone:%d", strings.ReplaceAll(z.name, "/", "="), z.lines)
}

// pick returns mostly the first word.
func (w *world) pick(words ...string) string {
	if w.IntN(3) > 0 {
		return words[0]
	}
	return words[w.IntN(len(words))]
}

func (w *world) zone(name string) *randomZone {
	z := &randomZone{name: name}
	w.record(z, "%s %s SOA ns1.example.net. hostmaster.example.net. %d 3600 %s 1209600 300",
		name, w.ttl(), w.Uint32(), w.pick("900", "900", "900", "600"))
	ttl := w.ttl()
	w.record(z, "%s %s NS ns1.example.net.", name, ttl)
	w.record(z, "%s %s NS %s", name, ttl, w.pick("ns2.example.net.", "ns2.example.net.", "ns3.example.net."))
	return z
}

func (w *world) ttl() string { return w.pick("3600", "3600", "3600", "3600", "300", "0", "2147483647") }

// ptrs names some addresses below prefix, a function that makes the owner of one.
func (w *world) ptrs(z *randomZone, n int, owner func() string) {
	for range n {
		at, ttl := owner(), w.ttl()
		for range 1 + w.IntN(4)/3 {
			name := fmt.Sprintf("web%d.%s", w.IntN(60), w.pick("vps.example.net.", "dc1.example.net.", "acme.example."))
			w.record(z, "%s %s PTR %s", at, ttl, w.pick(name, name, name, "unused.example.net."))
		}
	}
}

func (w *world) zones() (list []*randomZone) {
	for i := range 1 + w.IntN(5) {
		name := fmt.Sprintf("%d.0.10.in-addr.arpa.", 4+i)
		z := w.zone(name)
		list = append(list, z)
		owners := w.Perm(128)
		if w.IntN(4) == 0 {
			for d := range 256 {
				w.record(z, "%d.%s 3600 PTR ip-10-0-%d-%d.dyn.example.net.", d, name, 4+i, d)
			}
			continue
		}
		w.ptrs(z, w.IntN(60), func() string {
			owners = owners[1:]
			return fmt.Sprintf("%d.%s", owners[0], name)
		})
		if w.IntN(2) == 0 {
			list = append(list, w.classless(z, fmt.Sprintf("%d-%d.%s", 128, 26, name), 128, 64)...)
		}
		if w.IntN(2) == 0 {
			list = append(list, w.classless(z, fmt.Sprintf("%s.%s", w.pick("192/27", "192-223", "c1"), name), 192, 32)...)
		}
		if w.IntN(3) == 0 {
			for d := 230; d < 236+w.IntN(4); d++ {
				w.record(z, "%d.%s %s CNAME %d.rev.acme.example.", d, name, w.ttl(), d)
			}
		}
		if w.IntN(3) == 0 {
			w.record(z, "250.%s 3600 NS ns.bluebird.example.", name)
		}
	}
	if w.IntN(2) == 0 {
		name := "8.b.d.0.1.0.0.2.ip6.arpa."
		z := w.zone(name)
		list = append(list, z)
		w.ptrs(z, w.IntN(60), func() string {
			return arpa.Name(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", w.Uint32()&0xffff)))
		})
		if w.IntN(2) == 0 {
			cut, ttl := "0.0.f.0."+name, w.ttl()
			w.record(z, "%s %s NS ns.%s", cut, ttl, cut)
			w.record(z, "%s 3600 NS ns.acme.example.", cut)
			w.record(z, "ns.%s %s AAAA 2001:db8:f00::53", cut, w.ttl())
			w.record(z, "%s %s DS 12345 13 2 %064x", cut, ttl, w.Uint64())
		}
		if w.IntN(2) == 0 { // ours, delegated or not
			inner := w.zone("1.0.0.0." + name)
			list = append(list, inner)
			w.ptrs(inner, 3, func() string {
				return arpa.Name(netip.MustParseAddr(fmt.Sprintf("2001:db8:1::%x", w.Uint32()&0xffff)))
			})
			if w.IntN(2) == 0 {
				w.record(z, "%s 3600 NS ns1.example.net.", inner.name)
				w.record(z, "%s 3600 NS ns2.example.net.", inner.name)
			}
		}
	}
	return list
}

// classless delegates addresses of z, not always all of them, to a zone that may be ours, too.
func (w *world) classless(z *randomZone, name string, first, n int) (list []*randomZone) {
	if w.IntN(5) > 0 {
		w.record(z, "%s %s NS %s", name, w.ttl(), w.pick("ns1.example.net.", "ns1.acme.example."))
	}
	skip := w.IntN(2)
	for d := first + skip; d < first+n-skip; d++ {
		w.record(z, "%d.%s 3600 CNAME %d.%s", d, z.name, d, name)
	}
	if w.IntN(2) == 0 {
		child := w.zone(name)
		w.ptrs(child, w.IntN(10), func() string { return fmt.Sprintf("%d.%s", first+1+w.IntN(n-2), name) })
		list = append(list, child)
	}
	return list
}

// FuzzMake makes a source of whatever zone files hold: it can be compiled, and all records come back or there is a
// finding.
func FuzzMake(f *testing.F) {
	files, err := filepath.Glob("testdata/make/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var texts []string
		for _, zone := range archive.Files {
			if strings.HasSuffix(zone.Name, ".zone") {
				texts = append(texts, "$ORIGIN "+strings.TrimSuffix(zone.Name, "zone")+"\n"+string(zone.Data))
			}
		}
		f.Add(strings.Join(texts, ""), true)
	}
	f.Fuzz(func(t *testing.T, text string, infer bool) {
		if strings.Count(strings.ToUpper(text), "$GENERATE") > 9 { // each makes up to 65,536 records
			t.Skip()
		}
		var r Reader
		r.zoneFile("f", "", []byte(text), nil)
		d, _ := r.Data()
		if len(d.Zones) > 0 {
			makeAndCompare(t, d, Options{Infer: infer})
		}
	})
}

// FuzzMakeTable makes a source of whatever tables hold, which can be read.
func FuzzMakeTable(f *testing.F) {
	f.Add("address,name,server,product,account,primary,ttl\n192.0.2.1,web1.example.net,web1,vps,acme,yes,1h\n", true)
	f.Add("address,server,product,name\n192.0.2.1,\"a b\",\"~\",x\n2001:db8::,null,-,_a.example\n", false)
	f.Fuzz(func(t *testing.T, text string, infer bool) {
		var r Reader
		must(t, r.CSV("f", strings.NewReader(text)))
		d, _ := r.Data()
		s, _ := Make(d, Options{
			Infer:       infer,
			Nameservers: []source.Name{{Value: "ns1.example.net."}},
			Contact:     source.Name{Value: "hostmaster.example.net."},
		})
		var b bytes.Buffer
		must(t, source.Write(&b, s))
		if _, wrong := source.Parse("records.yaml", b.Bytes(), false); len(wrong) > 0 {
			t.Fatalf("the source cannot be read: %v\n%s", wrong[0], &b)
		}
	})
}

// BenchmarkMake makes a source of a zone of 100,000 names.
func BenchmarkMake(b *testing.B) {
	var text strings.Builder
	text.WriteString("$ORIGIN 10.in-addr.arpa.\n$TTL 3600\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n")
	text.WriteString("@ NS ns1.example.net.\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "%d.%d.%d PTR web%d.vps%d.example.net.\n", i%250, i/250%250, i/62500, i, i%3)
	}
	var r Reader
	r.zoneFile("f", "", []byte(text.String()), nil)
	d, findings := r.Data()
	if len(findings) > 0 {
		b.Fatal(findings[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		Make(d, Options{Infer: true})
	}
}
