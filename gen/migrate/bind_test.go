package migrate

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// A zone file has the records that BIND finds in it.
func TestRecordsAsBIND(t *testing.T) {
	compile := peer.Needs(t, "named-compilezone")[0]
	const zone = "2.0.192.in-addr.arpa."
	for _, test := range []struct{ name, files string }{
		{"TTLs", `
			-- zone --
			@	IN	SOA	ns1.example.net. hostmaster.example.net. (
					7 ; serial
					1h 15m 2w 5m )
				IN	NS	ns1.example.net.
			1	2h30m	PTR a.example.net.
			2	IN PTR	b.example.net.
			$TTL 1D
			3	PTR	c.example.net.
			4	IN 7 PTR	d.example.net.
			5	7 IN PTR	e.example.net.
			6	PTR	f.example.net.
			$TTL 60
			7	PTR	g.example.net.
			$GENERATE 8-9 $ PTR host-$.example.net.
			$GENERATE 10-11 $ 61 PTR host-$.example.net.
			$GENERATE 12-12 $ 62 IN PTR host-$.example.net.
			$GENERATE 13-13 $ IN PTR host-$.example.net.`},
		{"the negative TTL", `
			-- zone --
			@ SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			@ NS ns1.example.net.
			1 PTR a.example.net.`},
		{"modifiers of $GENERATE", `
			-- zone --
			$TTL 60
			@ SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			@ NS ns1.example.net.
			$GENERATE 9-17 $ PTR a$-${0}-${1}-${-9}-${0,3}-${0,3,d}-${0,4,x}-${0,1,o}-${100,4,X}.example.net.
			$GENERATE 30-40/5 ${-30,0,d} PTR ${0,1,n}.b.example.net.
			$GENERATE 200-203 $ PTR ${0,1,n}.${0,3,n}.${1000,1,n}.${1000,5,N}.${0,7,n}.${0,9,N}.example.net.
			$GENERATE 210-211 $ PTR ${0,2,n}.${0,4,n}c.${0,6,n}d.example.net.
			$GENERATE 230-231 $ PTR a\$b$$c.example.net.`},
		{"owners and origins", `
			-- zone --
			$ORIGIN 0.192.in-addr.arpa.
			$TTL 60
			2 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
			  NS ns1.example.net.
			$ORIGIN 2
			1 PTR a
			  PTR b.example.net.
			$INCLUDE sub.inc 2.0.192.in-addr.arpa.
			5 PTR e
			$INCLUDE sub2.inc
			  PTR f.example.net.
			-- sub.inc --
			  PTR c.example.net.
			2 PTR c
			$ORIGIN example.org.
			$TTL 61
			3.2.0.192.in-addr.arpa. PTR d
			-- sub2.inc --
			  PTR g`},
		{"quotes, escapes, parentheses", `
			-- zone --
			$TTL 60
			@ ( SOA ns1.example.net. hostmaster.example.net. 7 3600
			 900 1209600 300 ) ; (
			@ NS ns1.example.net.
			1 TXT "a;b" "c\"d" ( e
			  f ) ; "
			2 ( PTR ) a.example.net.
			3 PTR a\.b.example.net.
			6 PTR b\;c.example.net.
			0/26 NS ns1.acme.example.
			4 CNAME 4.0/26
			5 TYPE65400 \# 2 0AFF`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.files)
			cmd := exec.Command(compile, "-k", "ignore", "-n", "ignore", "-i", "none", "-q", "-o", "-", zone, "zone")
			cmd.Dir = dir
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", cmd, err, out)
			}
			var want []string
			p := dns.NewZoneParser(strings.NewReader(string(out)), ".", "")
			for rr, ok := p.Next(); ok; rr, ok = p.Next() {
				want = append(want, rr.String())
			}
			if p.Err() != nil {
				t.Fatal(p.Err())
			}
			var r Reader
			if err := r.ZoneFile(filepath.Join(dir, "zone"), zone); err != nil {
				t.Fatal(err)
			}
			if len(r.batches[0].findings) > 0 {
				t.Errorf("findings: %v", r.batches[0].findings)
			}
			var got []string
			for _, rec := range r.batches[0].records {
				got = append(got, rec.RR.String())
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("the records (-BIND +ours):\n%s", diff)
			}
		})
	}
}
