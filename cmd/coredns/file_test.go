package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/snapshot"
)

// A difference is one way in which CoreDNS's file plugin answers otherwise than revmap, on purpose. It turns the answer of
// file into that of revmap, and reports whether there was anything to turn.
type difference struct {
	what, why string
	apply     func(file *dns.Msg) bool
}

var differences = []difference{
	{
		what: "file adds the apex's NS RRset to positive answers",
		why:  "answers are minimal: nobody needs it, and an answer without it fits a packet",
		apply: func(m *dns.Msg) bool {
			if len(m.Answer) == 0 || len(m.Ns) == 0 {
				return false
			}
			m.Ns = nil
			return true
		},
	},
	{
		what: "file sends the SOA of a negative answer with the zone's TTL",
		why:  "RFC 2308 section 3: the smaller of that and the SOA's MINIMUM",
		apply: func(m *dns.Msg) bool {
			if len(m.Answer) > 0 || len(m.Ns) != 1 {
				return false
			}
			soa, ok := m.Ns[0].(*dns.SOA)
			if !ok || soa.Hdr.Ttl <= soa.Minttl {
				return false
			}
			soa.Hdr.Ttl = soa.Minttl
			return true
		},
	},
	{
		what: "file answers with the owner in lower case",
		why:  "RFC 4343 section 4.1: case is kept, and resolvers that mix it to make forgery harder check that it is",
		apply: func(m *dns.Msg) (changed bool) {
			qname := m.Question[0].Name
			for _, rr := range m.Answer {
				if owner := &rr.Header().Name; *owner != qname && strings.EqualFold(*owner, qname) {
					*owner, changed = qname, true
				}
			}
			return changed
		},
	},
	{
		what: "file knows no RRset of the type ANY",
		why:  "RFC 8482 section 4.1: one of the RRsets that are there, compared with file's answer for its type",
		apply: func(m *dns.Msg) bool {
			return m.Question[0].Qtype == dns.TypeANY && len(m.Answer) > 0 // asked for the type by compareWithFile
		},
	},
}

// TestAgainstFile serves the same source with revmap and, exported as zone files, with CoreDNS's file plugin, asks both
// the same questions, and compares all that the answers say.
func TestAgainstFile(t *testing.T) {
	sources := map[string]string{"records.yaml": filepath.Join("..", "..", "records.yaml")}
	for seed := range 3 {
		path := filepath.Join(t.TempDir(), "random.yaml")
		if err := os.WriteFile(path, randomSource(rand.New(rand.NewPCG(uint64(seed), 1))), 0o644); err != nil {
			t.Fatal(err)
		}
		sources[fmt.Sprintf("seed %d", seed)] = path
	}
	seen := make([]int, len(differences))
	for name, path := range sources {
		t.Run(name, func(t *testing.T) { compareWithFile(t, path, seen) })
	}
	for i, d := range differences {
		t.Logf("%d answers differ: %s (%s)", seen[i], d.what, d.why)
		if seen[i] == 0 {
			t.Errorf("no answer shows the difference any more: %s", d.what)
		}
	}
}

func compareWithFile(t *testing.T, path string, seen []int) {
	dir := t.TempDir()
	b, r := compileSource(t, path)
	var corefile strings.Builder
	corefile.WriteString(". {\n bind 127.0.0.1\n")
	for i := range r.Zones() {
		z := &r.Zones()[i]
		var text bytes.Buffer
		if err := zonefile.Write(&text, r, z); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, zonefile.FileName(z))
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&corefile, " file %q %s\n", file, z.Name)
	}
	corefile.WriteString("}\n")
	snap := filepath.Join(dir, "records.snapshot")
	if err := os.WriteFile(snap, b, 0o644); err != nil {
		t.Fatal(err)
	}
	fileUDP, fileTCP := serve(t, corefile.String())
	oursUDP, oursTCP := serve(t, fmt.Sprintf(". {\n bind 127.0.0.1\n revmap %s\n}\n", snap))

	asked := 0
	names := questions(r)
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for i, qname := range names[:min(len(names), 2500)] {
		for _, qtype := range []uint16{dns.TypePTR, dns.TypeNS, dns.TypeSOA, dns.TypeA, dns.TypeDS, dns.TypeANY} {
			q := new(dns.Msg).SetQuestion(qname, qtype)
			if i%3 == 1 {
				q.SetEdns0(1232, i%2 == 0)
			}
			network, file, ours := "udp", fileUDP, oursUDP
			if i%7 == 0 {
				network, file, ours = "tcp", fileTCP, oursTCP
			}
			want, got := ask(t, network, file, q), ask(t, network, ours, q)
			if qtype == dns.TypeANY && len(got.Answer) > 0 {
				typed := new(dns.Msg).SetQuestion(qname, got.Answer[0].Header().Rrtype)
				typed.Extra = q.Extra
				want = ask(t, network, file, typed)
				want.Question = q.Question
			}
			for i, d := range differences {
				if d.apply(want) {
					seen[i]++
				}
			}
			if diff := cmp.Diff(words(want), words(got)); diff != "" {
				t.Fatalf("%s %s (-file +revmap):\n%s", qname, dns.TypeToString[qtype], diff)
			}
			asked++
		}
	}
	t.Logf("%d questions", asked)
}

// compileSource lints and compiles the source at path.
func compileSource(t *testing.T, path string) ([]byte, *snapshot.Reader) {
	t.Helper()
	s, found, err := source.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	inv := model.Build(s)
	for _, d := range lint.Run(inv, found) {
		t.Fatalf("%s: %s [%s]", d.Pos, d.Message, d.Rule)
	}
	b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := b.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	r, err := snapshot.OpenBytes(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), r
}

// serve starts CoreDNS in this process and returns its addresses.
func serve(t *testing.T, corefile string) (udp, tcp string) {
	t.Helper()
	dnsserver.Directives = directives
	caddy.Quiet, dnsserver.Quiet = true, true
	corefile = strings.Replace(corefile, ". {", ".:0 {", 1)
	instance, err := caddy.Start(caddy.CaddyfileInput{Contents: []byte(corefile), Filepath: "Corefile", ServerTypeName: "dns"})
	if err != nil {
		t.Fatalf("%v; the Corefile:\n%s", err, corefile)
	}
	t.Cleanup(func() {
		for _, err := range instance.ShutdownCallbacks() {
			t.Error(err)
		}
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
		instance.Wait()
	})
	s := instance.Servers()[0]
	return s.LocalAddr().String(), s.Addr().(*net.TCPAddr).String()
}

func ask(t *testing.T, network, server string, q *dns.Msg) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, UDPSize: 4096}
	m, _, err := c.Exchange(q, server)
	if err != nil {
		t.Fatalf("%s: %v", q.Question[0].String(), err)
	}
	return m
}

// words says all that a response says but its ID. The order within a section has no meaning.
func words(m *dns.Msg) []string {
	w := []string{fmt.Sprintf("%s aa=%t tc=%t ra=%t ad=%t", dns.RcodeToString[m.Rcode], m.Authoritative, m.Truncated,
		m.RecursionAvailable, m.AuthenticatedData)}
	w = append(w, m.Question[0].String())
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		var rrs []string
		for _, rr := range section {
			rrs = append(rrs, []string{"answer: ", "authority: ", "additional: "}[i]+rr.String())
		}
		slices.Sort(rrs)
		w = append(w, rrs...)
	}
	return w
}

// questions returns owner names in r, all their ancestors, names beside and below them, some of them in mixed case.
func questions(r *snapshot.Reader) []string {
	names := map[string]bool{".": true, "example.net.": true}
	add := func(name string) {
		for ; name != ""; _, name, _ = strings.Cut(name, ".") {
			names[name] = true
			first, rest, _ := strings.Cut(name, ".")
			for _, label := range []string{"0", "00", "256", "f", "01", first + "0", `a\.b`} {
				if rest != "" {
					names[label+"."+rest] = true
				}
			}
			names["0."+name] = true
			names["x."+name] = true
			names[mixCase(name)] = true
		}
	}
	for i := range r.Zones() {
		z := &r.Zones()[i]
		add(z.Name)
		if z.Classless() {
			add(arpa.Name(z.Prefix.Addr()))
		}
		n := 0
		for a := range r.Entries(z) {
			if n++; n > 25 {
				break
			}
			add(z.Owner(a))
			if next := a.Next(); z.Prefix.Contains(next) {
				add(z.Owner(next))
			}
		}
	}
	var list []string
	for name := range names {
		if _, ok := dns.IsDomainName(name); ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func mixCase(s string) string {
	b := []byte(strings.ToLower(s))
	for i := 0; i < len(b); i += 2 {
		b[i] = strings.ToUpper(string(b[i]))[0]
	}
	return string(b)
}

// randomSource writes a source that lint finds nothing in.
func randomSource(rnd *rand.Rand) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `version: 1
defaults:
  ttl: %d
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net, negative_ttl: %d}
products:
  vps: {hostname: "{server}.vps.example"}
  ip: {hostname: "{ip}.static.example"}
blocks:
  192.0.2.0/24:
  198.18.0.0/15:
  198.51.100.128/27: {zone: 128/27.100.51.198.in-addr.arpa}
  203.0.113.0/24: {fallback: "{rev}.static.example.net"}
  2001:db8:a::/47:
servers:
`, 600+rnd.IntN(1000), 100+rnd.IntN(1000))
	// One address of each family for a server, in an order that comes from a permutation, so that none comes twice.
	v4 := []string{"192.0.2.%d", "198.18.7.%d", "198.19.250.%d", "203.0.113.%d"}
	for i, n := range rnd.Perm(250)[:60] {
		addr := fmt.Sprintf(v4[i%len(v4)], n)
		six := fmt.Sprintf("2001:db8:%x:%x:%x::%x", 0xa+i%2, rnd.IntN(3), rnd.IntN(0x10000), n+1)
		fmt.Fprintf(&b, "  s%d:\n    product: %s\n    primary: [%s, %q]\n", i, []string{"vps", "ip"}[i%2], addr, six)
		switch rnd.IntN(3) {
		case 0:
			fmt.Fprintf(&b, "    addresses: {%s: {name: mail%d.example.org, ttl: %d}}\n", addr, i, rnd.IntN(5000))
		case 1:
			fmt.Fprintf(&b, "    addresses: {%q: www%d.example.org}\n", six, i)
		}
	}
	fmt.Fprintf(&b, "addresses:\n  198.51.100.%d: gw.example.net\n", 128+rnd.IntN(32))
	return b.Bytes()
}
