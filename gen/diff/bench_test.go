package diff

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// large returns the inventory of a provider with n servers, each with one address of each family, and a reverse map name
// for the IPv4 one. That of every server whose number can be divided by changed is another one; of none if changed is 0.
func large(tb testing.TB, n, changed int) *model.Inventory {
	tb.Helper()
	pos := diag.Position{File: "records.yaml", Line: 1, Column: 1}
	name := func(format string, args ...any) source.Name {
		return source.Name{Value: fmt.Sprintf(format, args...), Pos: pos}
	}
	t, err := hostname.Parse("{server}.miniserver.example")
	if err != nil {
		tb.Fatal(err)
	}
	s := &source.Source{
		Defaults: source.Defaults{
			TTL:         source.Seconds{Value: 3600, Pos: pos},
			Nameservers: []source.Name{name("ns1.example.net.")},
			SOA: source.SOA{Pos: pos, Primary: name("ns1.example.net."), Contact: name("hostmaster.example.net."),
				Refresh: source.Seconds{Value: 3600}, Retry: source.Seconds{Value: 900}, Expire: source.Seconds{Value: 1209600}},
		},
		Products:     []source.Product{{Name: source.Text{Value: "vps"}, Hostname: source.Template{T: t}}},
		ForwardZones: []source.Name{name("miniserver.example.")},
		Blocks: []source.Block{
			{Prefix: source.Prefix{Prefix: netip.MustParsePrefix("198.0.0.0/11"), Pos: pos}},
			{Prefix: source.Prefix{Prefix: netip.MustParsePrefix("2001:db8::/32"), Pos: pos}},
		},
	}
	for i := range n {
		p := 198<<24 | i
		v4 := netip.AddrFrom4([4]byte{byte(p >> 24), byte(p >> 16), byte(p >> 8), byte(p)})
		v6 := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 16), byte(i >> 8), byte(i), 15: 2})
		server := source.Server{
			Name:    source.Text{Value: fmt.Sprintf("server%07d", i), Pos: pos},
			Product: source.Text{Value: "vps"},
			Primary: []source.Addr{{Addr: v4, Pos: pos}, {Addr: v6, Pos: pos}},
		}
		prefix := "mail"
		if changed > 0 && i%changed == 0 {
			prefix = "smtp"
		}
		server.Addresses = []source.Address{
			{Addr: source.Addr{Addr: v4, Pos: pos}, Names: []source.Name{name("%s%d.acme.example.", prefix, i)}},
		}
		s.Servers = append(s.Servers, server)
	}
	return model.Build(s)
}

// compileFile writes the snapshot of inv, and returns its path.
func compileFile(tb testing.TB, inv *model.Inventory) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "snapshot")
	b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1, 0)})
	if err != nil {
		tb.Fatal(err)
	}
	if err := snapshot.WriteFile(path, b); err != nil {
		tb.Fatal(err)
	}
	return path
}

func openSide(tb testing.TB, path string) *Side {
	tb.Helper()
	r, err := snapshot.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := OfSnapshot(r)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// BenchmarkDiff compares a million addresses with a million addresses. For snapshots, opening them is included.
func BenchmarkDiff(b *testing.B) {
	const n = 500_000 // servers
	old := large(b, n, 0)
	oldFile := compileFile(b, old)
	for _, bm := range []struct {
		name    string
		changed int
	}{{"same", 0}, {"0.5%", 100}, {"half", 1}} {
		new := large(b, n, bm.changed)
		newFile := compileFile(b, new)
		b.Run("inventories/"+bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(OfInventory(old, nil), OfInventory(new, nil))
			}
		})
		b.Run("snapshots/"+bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(openSide(b, oldFile), openSide(b, newFile))
			}
		})
	}
}

// Memory grows with what changes, not with what there is: of an address that does not change, no more than its names are
// allocated, for the moment.
func TestCompareMemory(t *testing.T) {
	const n = 10_000 // servers with two addresses
	inv := large(t, n, 0)
	file := compileFile(t, inv)
	for name, sides := range map[string][2]*Side{
		"inventories": {OfInventory(inv, nil), OfInventory(inv, nil)},
		"snapshots":   {openSide(t, file), openSide(t, file)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Compare(sides[0], sides[1])
		runtime.ReadMemStats(&after)
		if per := (after.TotalAlloc - before.TotalAlloc) / (2 * n); per > 2*(16+32)+16 {
			t.Errorf("%s: %d bytes are allocated for each address", name, per)
		}
	}
}
