package peer

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

var programs = map[string]Program{"NSD": NSD, "Knot": Knot, "BIND": BIND}

const zoneText = `$TTL 300
0/26.2.0.192.in-addr.arpa. SOA ns1.example.net. hostmaster.example.net. 7 3600 900 86400 60
0/26.2.0.192.in-addr.arpa. NS ns1.example.net.
1.0/26.2.0.192.in-addr.arpa. PTR one.example.net.
`

const catalogText = `$TTL 300
catalog.example. SOA . . 1 3600 900 86400 60
catalog.example. NS invalid.
version.catalog.example. TXT "2"
a.zones.catalog.example. PTR 0/26.2.0.192.in-addr.arpa.
`

// TestPrograms: each program serves a zone from a file, and each other gets it from there, with a key too.
func TestPrograms(t *testing.T) {
	const zone = "0/26.2.0.192.in-addr.arpa."
	dir := t.TempDir()
	for name, text := range map[string]string{"zone": zoneText, "catalog": catalogText} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	zones := []Zone{
		{Name: zone, File: filepath.Join(dir, "zone")},
		{Name: "catalog.example.", File: filepath.Join(dir, "catalog")},
	}
	for name, primary := range programs {
		t.Run(name, func(t *testing.T) {
			p := primary(t, Config{Zones: zones})
			want := transfer(t, p, zone)
			if len(want) != 4 || want[0] != want[3] {
				t.Fatalf("%s transfers %q", p.Program, want)
			}
			for name, secondary := range programs {
				t.Run(name, func(t *testing.T) {
					c := Config{Primary: p.Addr, Zones: []Zone{{Name: zone}}}
					if name != "NSD" { // which does not know catalogs
						c = Config{Primary: p.Addr, Catalog: "catalog.example."}
					}
					if got := transfer(t, secondary(t, c), zone); !slices.Equal(got, want) {
						t.Errorf("transfers %q, want %q", got, want)
					}
				})
			}
		})
	}
}

// transfer returns the zone once s has it, in text and with the middle sorted.
func transfer(t *testing.T, s *Server, zone string) (text []string) {
	t.Helper()
	var err error
	Wait(t, func() bool {
		var rrs []dns.RR
		rrs, err = Transfer(s.Addr, new(dns.Msg).SetAxfr(zone), nil)
		text = nil
		for _, rr := range rrs {
			text = append(text, rr.String())
		}
		return err == nil
	}, func() string { return err.Error() + s.tail() })
	slices.Sort(text[1 : len(text)-1])
	return text
}
