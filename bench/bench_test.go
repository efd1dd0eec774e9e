package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
)

func TestData(t *testing.T) {
	const soa = "$TTL 3600\n@ SOA ns1.example.com. hostmaster.example.com. 1 3600 900 1209600 300\n" +
		"@ NS ns1.example.com.\n@ NS ns2.example.com.\n"
	for _, test := range []struct {
		family      *family
		zone, hosts string // beginning of the files
	}{
		{
			families[0],
			"$ORIGIN 10.in-addr.arpa.\n" + soa + "0.0.0 PTR host0.cust0.example.com.\n1.0.0 PTR host1.cust1.example.com.\n",
			"10.0.0.0 host0.cust0.example.com\n10.0.0.1 host1.cust1.example.com\n",
		},
		{
			families[1],
			"$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n" + soa +
				"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR host0.cust0.example.com.\n" +
				"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0 PTR host1.cust1.example.com.\n",
			"2001:db8::2 host0.cust0.example.com\n2001:db8:0:1::2 host1.cust1.example.com\n",
		},
	} {
		d := data{family: test.family, names: 6000, dir: t.TempDir()}
		read := func(ext string) string {
			t.Helper()
			if err := d.write(ext); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(d.path(ext))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		for ext, want := range map[string]string{"zone": test.zone, "hosts": test.hosts} {
			got := read(ext)
			if !strings.HasPrefix(got, want) || strings.Count(got, ".example.com.\n")+strings.Count(got, ".example.com\n") <
				d.names || !strings.Contains(got, "host5999.cust999.example.com") {
				t.Errorf("%s: .%s begins\n%.500s", d.name, ext, got)
			}
		}
		r, err := snapshot.OpenBytes([]byte(read("snapshot")))
		if err != nil {
			t.Fatal(err)
		}
		exists := func(line string) bool {
			name, ok := strings.CutSuffix(line, " PTR")
			p, form := arpa.Parse(name)
			if !ok || form != arpa.Complete {
				t.Fatalf("%s: a question %q", d.name, line)
			}
			_, found := r.Lookup(&r.Zones()[0], p.Addr())
			return found
		}
		for ext, want := range map[string]bool{"hit": true, "miss": false} {
			lines := strings.Split(strings.TrimSuffix(read(ext), "\n"), "\n")
			if len(lines) != min(d.queries, d.names) {
				t.Errorf("%s: %d questions of kind %s", d.name, len(lines), ext)
			}
			for _, line := range lines[:min(1000, len(lines))] {
				if exists(line) != want {
					t.Errorf("%s, %s: %s", d.name, ext, line)
				}
			}
		}
	}
}

func TestDataSize(t *testing.T) {
	for _, names := range []int{1, 1<<24 + 1} {
		d := data{family: families[0], names: names, dir: t.TempDir()}
		if err := d.write("hosts"); err == nil {
			t.Errorf("%d names are written", names)
		}
	}
}

// However many addresses there are, names that do not exist can be asked for.
func TestAbsent4(t *testing.T) {
	for _, names := range []int{1, 1_000_000, 4_000_000, 16_700_000, 16_711_680, 16_711_681, 1 << 24} {
		r := rand.New(rand.NewPCG(1, 1))
		for range 1000 {
			name := absent4(names, r)
			p, form := arpa.Parse(name)
			if form == arpa.Malformed {
				continue // below an address
			}
			if last := addr4(names - 1); form != arpa.Complete || p.Addr().Compare(last) <= 0 || p.Addr().As4()[1] < 32 {
				t.Fatalf("%d names: %s", names, name)
			}
		}
	}
}

func TestParseDnsperf(t *testing.T) {
	const statistics = `
Statistics:

  Queries sent:         118665
  Queries completed:    118658 (99.99%)
  Queries lost:         7 (0.01%)

  Response codes:       NOERROR 118600 (99.95%), NXDOMAIN 58 (0.05%)
  Average packet size:  request 39, response 39
  Run time (s):         1.506554
  Queries per second:   78761.199399

  Average Latency (s):  0.001887 (min 0.000020, max 0.007224)
  Latency StdDev (s):   0.000832
`
	each := "[Status] Command line: dnsperf -v\n"
	for i := range 200 { // 1 to 200 µs, in another order
		each += fmt.Sprintf("> NOERROR 1.0.0.10.in-addr.arpa. PTR %.6f\n", float64(i*7%200+1)/1e6)
	}
	each += "> T 1.0.0.10.in-addr.arpa. PTR\n> I 1.0.0.10.in-addr.arpa. PTR 0.1\n[Timeout] Query timed out: msg id 3032\n"
	want := traffic{
		Sent: 118665, Completed: 118658, Lost: 7, Rcodes: map[string]int{"NOERROR": 118600, "NXDOMAIN": 58},
		PerSecond: 78761.199399, Average: 1887 * time.Microsecond,
	}
	withEach := want
	withEach.P50, withEach.P99 = 100*time.Microsecond, 198*time.Microsecond
	none := traffic{Rcodes: map[string]int{}}
	for _, test := range []struct {
		name, out string
		want      *traffic // nil: an error
	}{
		{"statistics", statistics, &want},
		{"each query", each + statistics, &withEach},
		{"no answer", `
  Queries sent:         0
  Queries completed:    0 (0.00%)
  Queries lost:         0 (0.00%)

  Response codes:       
  Run time (s):         0.5
  Queries per second:   0.000000
`, &none},
		{"nothing", "", nil},
		{"no rate", strings.Replace(statistics, "Queries per second", "Queries", 1), nil},
		{"not a number", strings.Replace(statistics, "118665", "many", 1), nil},
		{"a code without a number", strings.Replace(statistics, "NXDOMAIN 58 (0.05%)", "NXDOMAIN", 1), nil},
		{"a latency that is none", strings.Replace(each, "0.000001", "soon", 1) + statistics, nil},
	} {
		got, err := parseDnsperf(strings.NewReader(test.out))
		if test.want == nil {
			if err == nil {
				t.Errorf("%s: accepted", test.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if diff := gocmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestWrong(t *testing.T) {
	for _, test := range []struct {
		codes map[string]int
		lost  int
		want  string
	}{
		{map[string]int{"NXDOMAIN": 10}, 0, ""},
		{map[string]int{"SERVFAIL": 10}, 0, "answers SERVFAIL"},
		{map[string]int{"NXDOMAIN": 8, "NOERROR": 2}, 0, "2 of 10 are NOERROR"},
		{map[string]int{"NXDOMAIN": 10}, 3, "3 of 13 lost"},
		{map[string]int{"SERVFAIL": 10}, 3, "answers SERVFAIL, 3 of 13 lost"},
	} {
		tr := traffic{Sent: 10 + test.lost, Completed: 10, Lost: test.lost, Rcodes: test.codes}
		if got := tr.wrong(3); got != test.want {
			t.Errorf("%v, %d lost: %q; want %q", test.codes, test.lost, got, test.want)
		}
	}
}

// A server that loses a query once is not to blame; one that loses it again is.
func TestLost(t *testing.T) {
	peer.Needs(t, "dnsperf")
	for lost, want := range map[int]string{0: "", 1: "", 3: "1 of 2 lost"} {
		t.Run(strconv.Itoa(lost), func(t *testing.T) {
			t.Parallel() // each query that gets lost takes five seconds
			conn, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var unlucky atomic.Int32
			s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
				if q.Question[0].Name == "unlucky.example." && int(unlucky.Add(1)) <= lost {
					return
				}
				_ = w.WriteMsg(new(dns.Msg).SetReply(q)) // dnsperf tells if it fails
			})}
			ended := make(chan error)
			go func() { ended <- s.ActivateAndServe() }()
			t.Cleanup(func() {
				conn.Close()
				<-ended
			})
			queries := filepath.Join(t.TempDir(), "queries")
			if err := os.WriteFile(queries, []byte("lucky.example. PTR\nunlucky.example. PTR\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			self := exec.Command("server")
			self.Process = &os.Process{Pid: os.Getpid()}
			p := &process{cmd: self, addr: conn.LocalAddr().String()}
			got, err := p.phase(t.Context(), &settings{rate: 1000}, queries, dns.RcodeSuccess)
			if err != nil || got.Wrong != want {
				t.Errorf("%q, %v; want %q", got.Wrong, err, want)
			}
		})
	}
}

func TestParseStat(t *testing.T) {
	const stat1 = "42 (a) b (c)) S 7 42 42 0 -1 4194304 100 0 0 0 150 25 3 2 20 0 9 0 100 1000 10"
	for _, test := range []struct {
		text string
		want *stat // nil: an error
	}{
		{stat1, &stat{parent: 7, cpu: 1800 * time.Millisecond}},
		{"42 a S 7", nil},
		{"42 (a) S 7 42 42 0 -1 4194304 100 0 0 0 150 25 3", nil},
		{strings.Replace(stat1, " 7 ", " x ", 1), nil},
		{strings.Replace(stat1, " 25 ", " x ", 1), nil},
	} {
		got, err := parseStat([]byte(test.text))
		if test.want == nil {
			if err == nil {
				t.Errorf("%q is accepted", test.text)
			}
		} else if err != nil || got != *test.want {
			t.Errorf("%q: %+v, %v; want %+v", test.text, got, err, *test.want)
		}
	}
}

func TestParsePss(t *testing.T) {
	got, err := parsePss([]byte("00400000-7ffd [rollup]\nRss:    884 kB\nPss:    385 kB\nPss_Dirty:   68 kB\n"))
	if err != nil || got != 385<<10 {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := parsePss([]byte("Rss: 884 kB\n")); err == nil {
		t.Error("a text without Pss is accepted")
	}
}

// The processor time and memory of a server are those of its children, too.
func TestTree(t *testing.T) {
	p, err := start(t.TempDir(), "", "timeout", "60", "sh", "-c", "while :; do :; done") // and ends with it
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for {
		pids, err := tree(p.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		used, err := p.cpu()
		if err != nil {
			t.Fatal(err)
		}
		own, err := readStat(p.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if len(pids) == 2 && used > own.cpu { // which only the child uses
			break
		}
	}
	bytes, err := p.memory()
	if err != nil || bytes <= 0 {
		t.Errorf("%d bytes of memory, %v", bytes, err)
	}
}

func TestFindVersion(t *testing.T) {
	for text, want := range map[string]string{
		"CoreDNS-1.15.0+revmap-a0e51ed\nlinux/amd64, go1.26.8, \n":                          "1.15.0+revmap-a0e51ed",
		"knotd (Knot DNS), version 3.2.6\n":                                                 "3.2.6",
		"BIND 9.18.49-1~deb12u3-Debian (Extended Support Version) <id:>\n":                  "9.18.49-1~deb12u3-Debian",
		"Nov 21 15:16:11 PowerDNS Authoritative Server 4.7.3 (C) 2001-2022 PowerDNS.COM BV": "4.7.3",
		"DNS Performance Testing Tool\nVersion 2.10.0\n\nUsage: (default: 127.0.0.1)":       "2.10.0",
		"no such option\n": "unknown",
	} {
		if got := findVersion(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseServeDNS(t *testing.T) {
	const out = `goos: linux
BenchmarkServeDNS/IPv4/constant/64-2         	 1000000	       200.0 ns/op	     144 B/op	       2 allocs/op
BenchmarkServeDNS/IPv4/constant/64-2         	 1000000	       400.0 ns/op	     144 B/op	       2 allocs/op
BenchmarkServeDNS/IPv4/constant/64-2         	 1000000	       100.0 ns/op	     144 B/op	       2 allocs/op
BenchmarkServeDNS/IPv4/constant/16384-2      	 1000000	       900.0 ns/op	     144 B/op	       2 allocs/op
BenchmarkServeDNS/IPv6/constant/64-2         	 1000000	       900.0 ns/op	     144 B/op	       2 allocs/op
BenchmarkServeDNS/IPv4/miss/64-2             	 1000000	       500.0 ns/op	      16 B/op	       3 allocs/op
PASS
`
	runs, err := parseServeDNS(out)
	if err != nil {
		t.Fatal(err)
	}
	want := []figure{{"serve", "IPv4/miss/64, time", 2.5, 2, "x"}, {"serve", "IPv4/miss/64, allocations", 3, 2, ""}}
	if diff := gocmp.Diff(want, servednsPart(runs).Figures); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	for _, bad := range []string{
		"", "PASS\n", "BenchmarkServeDNS/IPv4/hit/64-2 1 x ns/op\n",
		"BenchmarkServeDNS/IPv4/hit/64-2 1\n",
	} {
		if _, err := parseServeDNS(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0.0004: "0.000", 0.06789: "0.068", 0.5: "0.500", 1.1: "1.10", 12.345: "12.3", 123.4: "123", 0: "0", 2: "2", 97: "97",
		1234.5: "1,235", 1234567: "1,234,567",
	} {
		if got := digits(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestReplaceMarked(t *testing.T) {
	got, err := replaceMarked("a\n"+beginMark+"b\n"+endMark+"c\n", "d\n")
	if want := "a\n" + beginMark + "\nd\n\n" + endMark + "c\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, page := range []string{"", beginMark, endMark, endMark + beginMark} {
		if _, err := replaceMarked(page, "d"); err == nil {
			t.Errorf("%q is accepted", page)
		}
	}
}

func TestBudgetTable(t *testing.T) {
	text := budgetTable([]*part{{Figures: []figure{
		{"query", "IPv4, hit", 1.2, 1.1, "x"}, {"query", "IPv4, miss", 1.1, 1.1, "x"},
	}}})
	for _, want := range []string{
		" | IPv4, hit | 1.20x | 1.10x | **no** |\n|  |  | IPv4, miss | 1.10x | 1.10x | yes |\n",
		"| bytes per name in the snapshot | at most 48 IPv4, 64 IPv6 |  | not measured |  |  |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
