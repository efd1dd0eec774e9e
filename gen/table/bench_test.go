package table

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/parallel"
)

const (
	largeFiles = 1000
	largeRows  = 1000 // of each file
)

// largeFrame returns the frame of a provider's source.
func largeFrame(tb testing.TB) *model.Inventory {
	tb.Helper()
	t, err := hostname.Parse("{server}.miniserver.example")
	if err != nil {
		tb.Fatal(err)
	}
	return model.Frame(&source.Source{
		Defaults: source.Defaults{TTL: source.Seconds{Value: 3600}},
		Products: []source.Product{{Name: source.Text{Value: "vps"}, Hostname: source.Template{T: t}}},
		Blocks: []source.Block{
			{Prefix: source.Prefix{Prefix: netip.MustParsePrefix("198.0.0.0/11")}},
			{Prefix: source.Prefix{Prefix: netip.MustParsePrefix("2001:db8::/32")}},
		},
	})
}

// largeFile returns the inventory of a file of servers with an address of each family; that of IPv4 has a name.
func largeFile(frame *model.Inventory, file int, name string) *model.Inventory {
	line := 1
	pos := func(column int) diag.Position {
		line++
		return diag.Position{File: fmt.Sprintf("records.d/%03d.yaml", file), Line: line, Column: column}
	}
	var servers []source.Server
	for j := range largeRows / 2 {
		i := file*largeRows/2 + j
		v4 := netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
		v6 := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 16), byte(i >> 8), byte(i), 15: 2})
		servers = append(servers, source.Server{
			Name:    source.Text{Value: fmt.Sprintf("server%07d", i*7919%1_000_003), Pos: pos(3)},
			Product: source.Text{Value: "vps", Pos: pos(14)},
			Account: source.Text{Value: fmt.Sprintf("customer%04d", i*31%5_021), Pos: pos(14)},
			Primary: []source.Addr{{Addr: v4, Pos: pos(15)}, {Addr: v6, Pos: pos(26)}},
			Addresses: []source.Address{{
				Addr: source.Addr{Addr: v4, Pos: pos(7)},
				Names: []source.Name{{
					Value: fmt.Sprintf("%s%d.customer%d.example.", name, i*104_729%1_299_709, i*31%5_021),
				}},
			}},
		})
	}
	return frame.Part(servers, nil, nil)
}

// large returns a Table of a million addresses, of which each tenth has a finding.
var large = sync.OnceValues(func() (*Table, *model.Inventory) {
	frame := largeFrame(&testing.B{})
	b := NewBuilder(largeFiles)
	findings := make([]diag.List, largeFiles)
	parallel.Each(largeFiles, func(f int) {
		inv := largeFile(frame, f, "mail")
		b.Add(f, inv)
		for i := range inv.Addresses {
			if i%10 == 0 {
				findings[f] = append(findings[f], diag.Diagnostic{
					Pos: inv.Addresses[i].Pos(), Severity: diag.Severity(1 + i/10%3), Message: fmt.Sprint(i),
				})
			}
		}
		findings[f] = findings[f].Sort()
	})
	var all diag.List
	for _, l := range findings {
		all = append(all, l...)
	}
	return b.Table(all), frame
})

// BenchmarkFind finds rows among a million, after it has asked for them once.
func BenchmarkFind(b *testing.B) {
	if testing.Short() {
		b.Skip("a million rows take some seconds to make")
	}
	t, _ := large()
	for _, bm := range []struct {
		name string
		q    Query
	}{
		{"all", Query{}},
		{"last page", Query{Offset: largeFiles*largeRows - 50}},
		{"by server", Query{Sort: ByServer, Offset: 500_000}},
		{"by hostname", Query{Sort: ByHostname, Offset: 500_000, Descending: true}},
		{"by name", Query{Sort: ByName, Offset: 400_000}},
		{"by findings", Query{Sort: ByFindings}},
		{"with findings", Query{WithFindings: true, Sort: ByName, Descending: true}},
		{"rare word", Query{Text: fmt.Sprintf("mail%d.", 400_000*104_729%1_299_709), Sort: ByName}},
		{"frequent word", Query{Text: "example", Sort: ByName}},
		{"letter", Query{Text: "e"}},
		{"four words", Query{Text: "mail customer 11 miniserver"}},
		{"no match", Query{Text: "serwer"}},
		{"address", Query{Text: "198.1.2"}},
		{"digits", Query{Text: "2001"}},
		{"short address", Query{Text: "2001:db8::"}},
		{"prefix", Query{Text: "2001:db8:5::/48", Sort: ByServer}},
		{"account", Query{Accounts: []string{"customer0007", "customer0008"}, Text: "mail", Sort: ByName}},
		{"server", Query{Server: "server0007919"}},
		{"block", Query{Block: netip.MustParsePrefix("198.0.0.0/11"), Sort: ByHostname}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			bm.q.Limit = 50
			t.Find(bm.q)
			for b.Loop() {
				if t.Find(bm.q).Total == 0 && bm.name != "no match" {
					b.Fatal("nothing was found")
				}
			}
		})
	}
}

// BenchmarkWith changes one file of a thousand, and asks for a page by each column.
func BenchmarkWith(b *testing.B) {
	if testing.Short() {
		b.Skip("a million rows take some seconds to make")
	}
	t, frame := large()
	changed := largeFile(frame, 500, "mx")
	for _, column := range []Column{"", ByAddress, ByServer, ByHostname, ByName, ByFindings} {
		t.Find(Query{Sort: column, Limit: 50})
		b.Run("by "+string(column), func(b *testing.B) {
			for b.Loop() {
				u := t.With([]int{500}, func(int) *model.Inventory { return changed }, t.findings)
				if column != "" {
					u.Find(Query{Sort: column, Limit: 50})
				} else {
					u.Findings(netip.MustParseAddr("198.0.1.0"))
				}
			}
		})
	}
}

// In memory, a row takes no more than 120 bytes beside its texts, also when the rows have been sorted by each column.
func TestTableMemory(t *testing.T) {
	frame := largeFrame(t)
	const files = 100
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b := NewBuilder(files)
	for f := range files {
		b.Add(f, largeFile(frame, f, "mail"))
	}
	table := b.Table(nil)
	texts := 0
	for _, c := range []Column{ByAddress, ByServer, ByHostname, ByName, ByFindings} {
		table.Find(Query{Sort: c, Limit: 1})
	}
	for _, p := range table.parts {
		texts += len(p.text) + len(p.names) // which is the same in lower case
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int(after.HeapAlloc) - int(before.HeapAlloc) - texts) / table.Len()
	if per > 120 {
		t.Errorf("%d bytes for each row beside the %d of its texts", per, texts/table.Len())
	}
	runtime.KeepAlive(table)
}

// While many files are changed, no more of their inventories are held at once than there are processors.
func TestWithLetsGo(t *testing.T) {
	frame := largeFrame(t)
	b := NewBuilder(50)
	files := make([]int, 50)
	for f := range files {
		files[f] = f
		b.Add(f, largeFile(frame, f, "mail"))
	}
	table := b.Table(nil)
	var lock sync.Mutex
	var all []weak.Pointer[model.Inventory]
	most := 0
	table.With(files, func(f int) *model.Inventory {
		lock.Lock()
		defer lock.Unlock()
		runtime.GC()
		held := 0
		for _, p := range all {
			if p.Value() != nil {
				held++
			}
		}
		most = max(most, held)
		inv := largeFile(frame, f, "mx")
		all = append(all, weak.Make(inv))
		return inv
	}, nil)
	if most > runtime.GOMAXPROCS(0) {
		t.Errorf("%d inventories were held at once", most)
	}
}
