package compile

import (
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshot"
)

// million returns an inventory of a million addresses: one of each family of each server, the IPv4 one with a reverse
// map name, the IPv6 one with its default hostname. The documentation prefixes have no room for so many.
func million(b *testing.B) *model.Inventory {
	s, found := source.Parse("records.yaml", []byte(base), false)
	if len(found) > 0 {
		b.Fatal(found)
	}
	s.Blocks[0].Prefix.Prefix = netip.MustParsePrefix("10.0.0.0/8")
	s.Addresses = nil
	s.Servers = make([]source.Server, 500_000)
	for i := range s.Servers {
		v4 := source.Addr{Addr: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
		v6 := source.Addr{
			Addr: netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 16), byte(i >> 8), byte(i), 15: 2}),
		}
		s.Servers[i] = source.Server{
			Name:      source.Text{Value: fmt.Sprintf("server%07d", i)},
			Product:   source.Text{Value: "vps"},
			Primary:   []source.Addr{v4, v6},
			Addresses: []source.Address{{Addr: v4, Names: []source.Name{{Value: fmt.Sprintf("mail%d.acme.example.", i)}}}},
		}
	}
	return model.Build(s)
}

// BenchmarkCompile compiles a million addresses and encodes the snapshot: without an earlier one, and with one in which
// all zones are the same.
func BenchmarkCompile(b *testing.B) {
	inv := million(b)
	o := Options{Time: time.Unix(1, 0)}
	first, err := Compile(inv, o)
	if err != nil {
		b.Fatal(err)
	}
	previous, err := first.Reader()
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct {
		name     string
		previous *snapshot.Reader
	}{{"first", nil}, {"same", previous}} {
		o.Previous = bm.previous
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				builder, err := Compile(inv, o)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := builder.WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
