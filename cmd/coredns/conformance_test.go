package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/snapshottest"
)

var update = flag.Bool("update", false, "rewrite docs/conformance.md")

// A conformer is a server that revmap is compared with. It gets revmap's zones as files.
type conformer struct {
	name    string
	version []string // the command that tells it
	start   func(t *testing.T, zones []peer.Zone) (addr string)
}

var conformers = []conformer{
	{"NSD", []string{"nsd", "-v"}, primary(peer.NSD)},
	{"Knot DNS", []string{"knotd", "-V"}, primary(peer.Knot)},
	{"BIND", []string{"named", "-v"}, primary(peer.BIND)},
}

func primary(p peer.Program) func(t *testing.T, zones []peer.Zone) string {
	return func(t *testing.T, zones []peer.Zone) string { return p(t, peer.Config{Zones: zones}).Addr }
}

// A difference is one way in which other servers answer otherwise than revmap, on purpose. It turns their answer into that
// of revmap, and reports whether there was anything to turn.
type difference struct {
	servers   []string // whose answers differ
	what, why string
	apply     func(e exchange) bool
}

// An exchange is a question with its answers.
type exchange struct {
	question
	theirs, ours *dns.Msg
	ask          func(name string, qtype uint16) *dns.Msg // asks them the same of another name or type, over TCP
}

// fit sets the TC bit if what was added to their answer does not fit.
func (e exchange) fit() {
	limit := dns.MinMsgSize
	if opt := e.msg.IsEdns0(); opt != nil {
		limit = int(opt.UDPSize())
	}
	e.theirs.Compress = true
	if e.network == "udp" && e.theirs.Len() > limit {
		e.theirs.Truncated = true
	}
}

var everyone = []string{"NSD", "Knot DNS", "BIND"}

var differences = []difference{
	{
		servers: []string{"Knot DNS", "BIND"},
		what:    "ANY is answered with more or other RRsets.",
		why: "Any of those that are there will do (RFC 8482 section 4.1). The one that revmap chooses is compared with " +
			"theirs.",
		apply: func(e exchange) bool {
			if e.msg.Question[0].Qtype != dns.TypeANY || len(e.theirs.Answer) == 0 || len(e.ours.Answer) == 0 {
				return false
			}
			chosen := e.ours.Answer[0].Header().Rrtype
			if !slices.ContainsFunc(e.theirs.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype != chosen }) {
				return false
			}
			question := e.theirs.Question
			*e.theirs = *e.ask(e.msg.Question[0].Name, chosen)
			e.theirs.Question = question
			e.fit()
			return true
		},
	},
	{
		servers: []string{"Knot DNS", "BIND"},
		what:    "A CNAME is not followed into another zone, which the server has too.",
		why: "RFC 1034 section 4.3.2, step 3a, goes on with the target in whichever zone is nearest, and saves the resolver a " +
			"question. What they answer for the target is added.",
		apply: func(e exchange) bool {
			m := e.theirs
			if qtype := e.msg.Question[0].Qtype; len(m.Answer) != 1 || qtype == dns.TypeCNAME || qtype == dns.TypeANY {
				return false
			}
			alias, ok := m.Answer[0].(*dns.CNAME)
			if !ok {
				return false
			}
			target := e.ask(alias.Target, e.msg.Question[0].Qtype)
			if !target.Authoritative {
				return false
			}
			m.Rcode, m.Answer, m.Ns = target.Rcode, append(m.Answer, target.Answer...), target.Ns
			return true
		},
	},
	{
		servers: []string{"NSD", "BIND"},
		what:    "A referral that has no room for all glue has no TC bit.",
		why:     "RFC 9471 section 3 is younger than these versions. It has the bit set.",
		apply: func(e exchange) bool {
			if e.network == "tcp" || !refers(e.theirs) || e.theirs.Truncated {
				return false
			}
			full := e.ask(e.msg.Question[0].Name, e.msg.Question[0].Qtype)
			e.theirs.Truncated = len(full.Extra) > len(e.theirs.Extra)
			return e.theirs.Truncated
		},
	},
	{
		servers: everyone,
		what:    "A referral lacks the addresses that name servers have in other zones of the same server.",
		why: "RFC 1034 section 4.3.2, step 3b: whatever addresses are available. What they answer for the name server is " +
			"added.",
		apply: func(e exchange) (changed bool) {
			if !refers(e.theirs) || e.theirs.Truncated {
				return false
			}
			for _, rr := range e.theirs.Ns {
				ns, ok := rr.(*dns.NS)
				if !ok || slices.ContainsFunc(e.theirs.Extra, func(rr dns.RR) bool { return rr.Header().Name == ns.Ns }) {
					continue
				}
				for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
					if m := e.ask(ns.Ns, qtype); m.Authoritative && len(m.Answer) > 0 {
						e.theirs.Extra = append(e.theirs.Extra, m.Answer...)
						changed = true
					}
				}
			}
			e.fit()
			return changed
		},
	},
	{
		servers: everyone,
		what:    "A referral has no DS RRset, also if the question has the DO bit.",
		why: "RFC 4035 section 3.1.4.1 is about signed zones, where the DS RRset has a signature beside it. It is of use to " +
			"whoever signs what revmap answers. What they answer for DS is added.",
		apply: func(e exchange) bool {
			opt := e.msg.IsEdns0()
			if opt == nil || !opt.Do() || !refers(e.theirs) || e.theirs.Truncated {
				return false
			}
			m := e.ask(e.theirs.Ns[0].Header().Name, dns.TypeDS)
			e.theirs.Ns = append(e.theirs.Ns, m.Answer...)
			e.fit()
			return len(m.Answer) > 0
		},
	},
	{
		servers: everyone,
		what:    "The answer to NS at an apex has the addresses of those name servers that lie in the zone.",
		why:     "Answers are minimal. Whoever asks for NS has found the zone, and its servers, already.",
		apply: func(e exchange) bool {
			m := e.theirs
			if len(m.Answer) == 0 || m.Answer[0].Header().Rrtype != dns.TypeNS {
				return false
			}
			n := len(m.Extra)
			m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
			return len(m.Extra) < n
		},
	},
	{
		servers: []string{"NSD", "Knot DNS"},
		what:    "Other names than the question's own have its spelling, as far as they end in the same labels.",
		why: "That is what compressing a name to a pointer into the question makes of it (RFC 1035 section 4.1.4). CoreDNS " +
			"compresses a response only if it is too large otherwise, and then only what is spelled alike.",
		apply: func(e exchange) (changed bool) {
			lower := func(name *string) {
				if l := strings.ToLower(*name); *name != l {
					*name, changed = l, true
				}
			}
			for i, section := range [][]dns.RR{e.theirs.Answer, e.theirs.Ns, e.theirs.Extra} {
				for _, rr := range section {
					if owner := &rr.Header().Name; i > 0 || !strings.EqualFold(*owner, e.msg.Question[0].Name) {
						lower(owner)
					}
					switch rr := rr.(type) {
					case *dns.NS:
						lower(&rr.Ns)
					case *dns.CNAME:
						lower(&rr.Target)
					case *dns.PTR:
						lower(&rr.Ptr)
					case *dns.SOA:
						lower(&rr.Ns)
						lower(&rr.Mbox)
					}
				}
			}
			return changed
		},
	},
	{
		servers: []string{"BIND"},
		what:    "A truncated response has the AD bit of the question.",
		why:     "Nothing in the response is authenticated (RFC 6840 section 5.8), and without TC it has no AD bit either.",
		apply: func(e exchange) bool {
			ad := e.theirs.Truncated && e.theirs.AuthenticatedData
			if ad {
				e.theirs.AuthenticatedData = false
			}
			return ad
		},
	},
	{
		servers: []string{"BIND"},
		what:    "The owner in the answer section is spelled as in the zone, not as in the question.",
		why:     "RFC 4343 section 4.1 allows both. Resolvers that mix the case to make forgery harder look at the question.",
		apply: func(e exchange) (changed bool) {
			qname := e.msg.Question[0].Name
			for _, rr := range e.theirs.Answer {
				if owner := &rr.Header().Name; *owner != qname && strings.EqualFold(*owner, qname) {
					*owner, changed = qname, true
				}
			}
			return changed
		},
	},
}

// refers reports whether m has the name servers of a zone cut in its authority section.
func refers(m *dns.Msg) bool { return len(m.Ns) > 0 && m.Ns[0].Header().Rrtype == dns.TypeNS }

// TestConformance serves the same source with revmap and, exported as zone files, with other servers, asks all the same
// questions, and compares all that the answers say.
func TestConformance(t *testing.T) {
	c := conformance{asked: map[string]int{}, seen: make([]map[string]int, len(differences))}
	for i := range c.seen {
		c.seen[i] = map[string]int{}
	}
	t.Run("example", func(t *testing.T) { c.compare(t, filepath.Join("..", "..", "records.yaml")) })
	for seed := range uint64(2) {
		path := filepath.Join(t.TempDir(), "records.yaml")
		if err := os.WriteFile(path, newInventory(rand.New(rand.NewPCG(seed, 1))).source(), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { c.compare(t, path) })
	}
	if t.Failed() || c.skipped {
		return
	}
	for i, d := range differences {
		for _, server := range d.servers {
			if c.seen[i][server] == 0 {
				t.Errorf("no answer of %s shows the difference any more: %s", server, d.what)
			}
		}
	}
	document := filepath.Join("..", "..", "docs", "conformance.md")
	if *update {
		if err := os.WriteFile(document, c.document(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	// Versions, and how much is asked, depend on the machine and on records.yaml.
	figures := regexp.MustCompile(`(?m) [0-9][0-9.]* \|$`)
	blank := func(document []byte) string { return figures.ReplaceAllString(string(document), " N |") }
	if diff := gocmp.Diff(blank(want), blank(c.document(t))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", document, diff)
	}
}

// A conformance is what the comparison has found.
type conformance struct {
	asked   map[string]int   // questions by kind of name
	seen    []map[string]int // answers that show a difference, by server
	skipped bool             // a server is missing
}

func (c *conformance) compare(t *testing.T, path string) {
	b, r := compileSource(t, path, nil)
	dir := t.TempDir()
	snap := filepath.Join(dir, "records.snapshot")
	if err := os.WriteFile(snap, b, 0o644); err != nil {
		t.Fatal(err)
	}
	zones, endless := exportZones(t, snapshottest.Generation(t, r), dir)
	questions := makeQuestions(t, zones, endless)
	for _, q := range questions {
		c.asked[q.kind]++
	}
	ours := askAll(t, serve(t, fmt.Sprintf(". {\n bind 127.0.0.1\n revmap %s\n}\n", snap)), questions)
	for _, server := range conformers {
		t.Run(server.name, func(t *testing.T) {
			defer func() { c.skipped = c.skipped || t.Skipped() }()
			addr := server.start(t, zones)
			theirs := askAll(t, addr, questions)
			for i, q := range questions {
				e := exchange{question: q, theirs: theirs[i], ours: ours[i], ask: func(name string, qtype uint16) *dns.Msg {
					m := q.msg.Copy()
					m.Question[0].Name, m.Question[0].Qtype = name, qtype
					return ask(t, "tcp", addr, m)
				}}
				for j, d := range differences {
					if slices.Contains(d.servers, server.name) && d.apply(e) {
						c.seen[j][server.name]++
					}
				}
				if diff := gocmp.Diff(words(e.theirs), words(e.ours)); diff != "" {
					t.Fatalf("%s (-%s +revmap):\n%s", q, server.name, diff)
				}
			}
		})
	}
}

// document returns the text of docs/conformance.md.
func (c *conformance) document(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`# Conformance

What revmap answers is compared with what NSD, Knot DNS and BIND answer from the same data. A test exports all zones of a
snapshot as zone files, lets each server load them, asks all the same questions, and compares all that the responses say:
RCODE, flags, and the RRs of each section with their TTLs and the spelling of their names. Nothing may differ but what is
listed here.

| server | version |
|---|---|
`)
	for _, s := range conformers {
		out, err := exec.Command(peer.Needs(t, s.version[0])[0], s.version[1:]...).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", s.name, regexp.MustCompile(`[0-9]+(\.[0-9]+)+`).Find(out))
	}
	b.WriteString(`
## Questions

The zones come from ` + "`records.yaml`" + ` and from sources made at random with all that a source can have: delegations at
octets and nibbles, with and without DS and glue, classless zones on both sides, blocks inside blocks, a fallback, forward
zones, the catalog. Each name is asked for PTR, NS, SOA, A, AAAA, CNAME, DS, DNSKEY, TXT, MX and ANY; over UDP or TCP,
sometimes in mixed case, with the RD and AD bits, with EDNS and a buffer of 512 or 1232 bytes, with the DO bit.

| names asked for | questions to each server |
|---|---|
`)
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(c.asked)) {
		fmt.Fprintf(&b, "| %s | %d |\n", kind, c.asked[kind])
		total += c.asked[kind]
	}
	fmt.Fprintf(&b, "| all | %d |\n", total)
	b.WriteString(`
## Accepted differences

Each has to occur, and to disappear when it is undone in the other server's answer.

| server | what it does | why revmap does not | answers |
|---|---|---|---|
`)
	for i, d := range differences {
		seen := 0
		for _, n := range c.seen[i] {
			seen += n
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d |\n", strings.Join(d.servers, ", "), d.what, d.why, seen)
	}
	b.WriteString(`
## Secondaries

NSD, Knot DNS and BIND get all zones from revmap by AXFR, then follow 100 random changes of the source by NOTIFY and IXFR, and
end with the same zones. After the first transfer no other full one is sent; the logs of the servers say the same. They
follow transfers signed with TSIG too. The *secondary* plugin of CoreDNS follows by NOTIFY and AXFR, as it does not know
IXFR, and cannot sign. Knot DNS, BIND and CoreDNS add and drop zones as the catalog says; NSD knows catalogs from 4.9 on.

## RFC 8906

What section 8 of RFC 8906 has servers asked, with what CoreDNS and revmap answer together.

| section | what | answer |
|---|---|---|
`)
	for _, q := range rfc8906 {
		answer := "as required"
		if q.instead != "" {
			answer = q.why
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", q.section, q.what, answer)
	}
	b.WriteString(`
## How to run it

` + "`make test`" + ` runs all of it where the servers are installed; as root on Debian it installs them. They run on 127.0.0.1
for as long as a test, with all their files in a temporary folder; where AppArmor keeps them from reading that, the test
fails. Only ` + "`go test ./cmd/coredns -run TestConformance -update`" + ` writes this page, from what the test has found.
`)
	return b.Bytes()
}

// exportZones writes the zones of g into files in dir, and returns the names of those that have no end beside.
func exportZones(t *testing.T, g *authority.Generation, dir string) (zones []peer.Zone, endless []string) {
	t.Helper()
	for i := range g.Reader().Zones() {
		z := &g.Reader().Zones()[i]
		if g.Reader().Endless(z) != nil {
			endless = append(endless, z.Name)
			continue
		}
		file := filepath.Join(dir, fmt.Sprintf("%d.zone", i)) // NSD and Knot DNS replace what comes after a % in paths
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := zonefile.Write(f, g, z); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		zones = append(zones, peer.Zone{Name: z.Name, File: file})
	}
	return zones, endless
}

// A question is sent over UDP or TCP.
type question struct {
	kind    string // of name
	network string
	msg     *dns.Msg
}

func (q question) String() string {
	s := fmt.Sprintf("%s %s over %s", q.msg.Question[0].Name, dns.TypeToString[q.msg.Question[0].Qtype], q.network)
	if opt := q.msg.IsEdns0(); opt != nil {
		s += fmt.Sprintf(" EDNS %d do=%t", opt.UDPSize(), opt.Do())
	}
	return s + " (" + q.kind + ")"
}

const (
	perKind  = 300           // names of each kind that are asked for
	tooLarge = "large RRset" // kind of the names that have more than fits into some responses
	again    = 30            // how often they are asked for, each time otherwise
)

// makeQuestions makes questions about names in the zones, and beside, above and below them, but for those in endless zones,
// which others do not have: each type for each name, and at random the other things that a question can say. They are the
// same for the same zones.
func makeQuestions(t *testing.T, zones []peer.Zone, endless []string) (questions []question) {
	rnd := rand.New(rand.NewPCG(2, 2))
	kinds := map[string][]string{} // names by their kind
	for name, kind := range questionNames(t, zones) {
		if !slices.ContainsFunc(endless, func(zone string) bool { return dns.IsSubDomain(zone, name) }) {
			kinds[kind] = append(kinds[kind], name)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		names := kinds[kind]
		slices.Sort(names)
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		if kind == tooLarge {
			names = slices.Repeat(names, again)
		}
		for _, name := range names[:min(len(names), perKind)] {
			for _, qtype := range []uint16{
				dns.TypePTR, dns.TypeNS, dns.TypeSOA, dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeDS, dns.TypeDNSKEY,
				dns.TypeTXT, dns.TypeMX, dns.TypeANY,
			} {
				q := question{kind: kind, network: "udp", msg: new(dns.Msg)}
				if rnd.IntN(6) == 0 {
					q.network = "tcp"
				}
				if rnd.IntN(3) == 0 {
					name = mixCase(name)
				}
				q.msg.SetQuestion(name, qtype)
				q.msg.RecursionDesired = rnd.IntN(4) == 0
				q.msg.AuthenticatedData = rnd.IntN(4) == 0
				switch rnd.IntN(5) {
				case 0:
					q.msg.SetEdns0(512, rnd.IntN(2) == 0)
				case 1:
					q.msg.SetEdns0(1232, false)
				case 2:
					q.msg.SetEdns0(1232, true)
				}
				questions = append(questions, q)
			}
		}
	}
	return questions
}

// questionNames returns names with their kinds.
func questionNames(t *testing.T, zones []peer.Zone) map[string]string {
	kinds := map[string]string{}
	add := func(kind string, names ...string) {
		for _, name := range names {
			if _, ok := dns.IsDomainName(name); ok && kinds[name] == "" {
				kinds[name] = kind
			}
		}
	}
	type node struct{ zone, name string }
	has := map[node]map[uint16]int{} // how many RRs of a type
	var targets []string             // of PTR and CNAME
	for _, z := range zones {
		f, err := os.Open(z.File)
		if err != nil {
			t.Fatal(err)
		}
		p := dns.NewZoneParser(f, ".", z.File)
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			n := node{z.Name, rr.Header().Name}
			if has[n] == nil {
				has[n] = map[uint16]int{}
			}
			has[n][rr.Header().Rrtype]++
			switch rr := rr.(type) {
			case *dns.CNAME:
				targets = append(targets, rr.Target)
			case *dns.PTR:
				targets = append(targets, rr.Ptr)
			}
		}
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	nodes := slices.SortedFunc(maps.Keys(has), func(a, b node) int {
		return cmp.Or(strings.Compare(a.zone, b.zone), strings.Compare(a.name, b.name))
	})
	isCut := func(n node) bool { return has[n][dns.TypeNS] > 0 && n.name != n.zone }
	belowCut := func(n node) bool {
		for len(n.name) > len(n.zone) {
			if _, n.name, _ = strings.Cut(n.name, "."); isCut(n) {
				return true
			}
		}
		return false
	}
	for _, n := range nodes {
		kind := "PTR"
		switch types := has[n]; {
		case types[dns.TypePTR] > 10 || types[dns.TypeA] > 10 || types[dns.TypeNS] > 10:
			kind = tooLarge
		case n.name == n.zone:
			kind = "apex"
		case isCut(n):
			kind = "zone cut"
			add("below a zone cut", "x."+n.name, "0."+n.name, "a.b."+n.name)
		case belowCut(n):
			kind = "below a zone cut" // glue
		case types[dns.TypeCNAME] > 0:
			kind = "alias of RFC 2317"
		case types[dns.TypeA]+types[dns.TypeAAAA] > 0:
			kind = "host"
		case types[dns.TypeTXT] > 0 || strings.Contains(n.name, ".zones."):
			kind = "catalog"
		}
		add(kind, n.name)
	}
	for _, n := range nodes {
		first, rest, _ := strings.Cut(n.name, ".")
		for up := rest; len(up) > len(n.zone); _, up, _ = strings.Cut(up, ".") {
			if n := (node{n.zone, up}); !isCut(n) && !belowCut(n) {
				add("empty non-terminal", up)
			}
		}
		kind := "without data"
		if isCut(n) || belowCut(n) {
			kind = "below a zone cut"
		}
		add(kind, "x."+n.name, "0."+n.name)
		if len(n.name) > len(n.zone) {
			for _, label := range []string{"0", "00", "256", "f", "0" + first, first + "0", `a\.b`, "_x"} {
				add(kind, label+"."+rest)
			}
		}
	}
	add("of no zone", ".", "arpa.", "in-addr.arpa.", "192.in-addr.arpa.", "example.", "www.example.net.")
	for _, target := range targets {
		add("target of PTR or CNAME", target)
	}
	return kinds
}

// askAll returns the answers of a server to the questions.
func askAll(t *testing.T, addr string, questions []question) []*dns.Msg {
	t.Helper()
	answers := make([]*dns.Msg, len(questions))
	const workers = 4
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			c := dns.Client{Timeout: 10 * time.Second}
			udp, err := c.Dial(addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer udp.Close()
			for i := w; i < len(questions); i += workers {
				q := questions[i]
				if q.network == "tcp" {
					c.Net = "tcp"
					answers[i], _, err = c.Exchange(q.msg, addr)
				} else {
					c.Net = "udp"
					answers[i], _, err = c.ExchangeWithConn(q.msg, udp)
				}
				if err != nil {
					t.Errorf("%s: %v", q, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return answers
}

// compileSource lints and compiles the source at path. Zones that are the same in previous, which may be nil, keep their
// serials.
func compileSource(t *testing.T, path string, previous *snapshot.Reader) ([]byte, *snapshot.Reader) {
	t.Helper()
	s, found, err := source.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	inv := model.Build(s)
	for _, d := range lint.Run(inv, found, lint.Options{}) {
		if lint.Find(d.Rule).Required { // mistakes that can be served are there to be asked about
			t.Fatalf("%s: %s [%s]", d.Pos, d.Message, d.Rule)
		}
	}
	b, err := compile.Compile(inv, compile.Options{Time: time.Unix(1_700_000_000, 0), Previous: previous})
	if err != nil {
		t.Fatal(err)
	}
	file := snapshottest.Bytes(t, b)
	return file, snapshottest.Open(t, file)
}

// serve starts CoreDNS in this process and returns its address, which is the same for UDP and TCP.
func serve(t *testing.T, corefile string) (addr string) {
	t.Helper()
	return serveAt(t, peer.Port(t), corefile)
}

// serveAt starts CoreDNS in this process at a port of 127.0.0.1.
func serveAt(t *testing.T, port int, corefile string) (addr string) {
	t.Helper()
	dnsserver.Directives = directives
	caddy.Quiet, dnsserver.Quiet = true, true
	corefile = strings.Replace(corefile, ". {", fmt.Sprintf(".:%d {", port), 1)
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
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
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

// words says all that a response says but its ID. The order within a section has no meaning. Of a truncated response only
// that it is truncated means anything, and of the OPT RR the size is the sender's own.
func words(m *dns.Msg) []string {
	w := []string{fmt.Sprintf("%s aa=%t tc=%t rd=%t ra=%t ad=%t cd=%t", dns.RcodeToString[m.Rcode], m.Authoritative, m.Truncated,
		m.RecursionDesired, m.RecursionAvailable, m.AuthenticatedData, m.CheckingDisabled)}
	w = append(w, m.Question[0].String())
	if m.Truncated {
		return w
	}
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		var rrs []string
		for _, rr := range section {
			text := rr.String()
			if opt, ok := rr.(*dns.OPT); ok {
				text = fmt.Sprintf("OPT version %d do=%t", opt.Version(), opt.Do())
			}
			rrs = append(rrs, []string{"answer: ", "authority: ", "additional: "}[i]+text)
		}
		slices.Sort(rrs)
		w = append(w, rrs...)
	}
	return w
}

func mixCase(s string) string {
	b := []byte(strings.ToLower(s))
	for i := 0; i < len(b); i += 2 {
		b[i] = strings.ToUpper(string(b[i]))[0]
	}
	return string(b)
}
