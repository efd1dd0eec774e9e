package migrate

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkZoneFile(b *testing.B) {
	const n = 1_000_000
	var text strings.Builder
	text.WriteString("$ORIGIN 10.in-addr.arpa.\n@ 3600 IN SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n")
	for i := range n {
		fmt.Fprintf(&text, "%d.%d.%d PTR host%d.example.net.\n", i&255, i>>8&255, i>>16, i)
	}
	data := []byte(text.String())
	b.ReportAllocs()
	for b.Loop() {
		var r Reader
		r.zoneFile("10.in-addr.arpa.zone", "", data, nil)
		if d, findings := r.Data(); len(findings) > 0 || len(d.Zones) != 1 || len(d.Zones[0].PTRs) != n {
			b.Fatal(findings)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}
