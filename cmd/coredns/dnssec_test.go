package main

import (
	"bytes"
	"crypto"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
	"github.com/revmap/revmap/internal/snapshot"
)

const dnssecPage = "../../docs/dnssec.md"

// dnssecQuestions are asked one after another, of one Unbound whose cache is empty at first. An answer is the rcode,
// "AD" if Unbound has validated it, and the RDATA.
var dnssecQuestions = []struct {
	question string
	knot     string // the answer if Knot signs, as docs/dnssec.md recommends: the right one
	plugin   string // if CoreDNS's dnssec plugin does
}{
	// An A question first: does it spoil the PTR?
	{"192.0.2.10 A", "NOERROR AD", "NOERROR AD"},
	{"192.0.2.10 PTR", "NOERROR AD alpha.vps.example.", "NOERROR AD"},
	// A PTR question first: Unbound then has the answer, until its TTL ends.
	{"192.0.2.12 PTR", "NOERROR AD delta.vps.example.", "NOERROR AD delta.vps.example."},
	{"192.0.2.12 A", "NOERROR AD", "NOERROR AD"},
	{"192.0.2.12 PTR", "NOERROR AD delta.vps.example.", "NOERROR AD delta.vps.example."},
	// No such name.
	{"192.0.2.11 PTR", "NXDOMAIN AD", "NOERROR AD"},
	{"2001:db8::11 PTR", "NXDOMAIN AD", "NOERROR AD"},
	// The apex, and an empty non-terminal.
	{"2.0.192.in-addr.arpa. NS", "NOERROR AD ns1.example.net.", "NOERROR AD ns1.example.net."},
	{"2.0.192.in-addr.arpa. PTR", "NOERROR AD", "NOERROR AD"},
	{"0.8.b.d.0.1.0.0.2.ip6.arpa. PTR", "NOERROR AD", "NOERROR AD"},
	// A classless zone of ours, with a DS: PTR, NODATA and NXDOMAIN beyond the CNAME.
	{"192.0.2.70 PTR", "NOERROR AD 70.64-26.2.0.192.in-addr.arpa. bravo.vps.example.", "SERVFAIL"},
	{"192.0.2.70 A", "NOERROR AD 70.64-26.2.0.192.in-addr.arpa.", "SERVFAIL"},
	{"192.0.2.71 PTR", "NXDOMAIN AD 71.64-26.2.0.192.in-addr.arpa.", "SERVFAIL"},
	{"64-26.2.0.192.in-addr.arpa. NS", "NOERROR AD ns1.example.net.", "SERVFAIL"},
	// A CNAME to a customer's zone, for which there is no trust anchor.
	{"192.0.2.140 CNAME", "NOERROR AD 140.rev.acme.example.", "NOERROR AD 140.rev.acme.example."},
	{"192.0.2.140 PTR", "NOERROR 140.rev.acme.example. www.acme.example.",
		"NOERROR 140.rev.acme.example. www.acme.example."},
	// Customers' zones without and with a DS.
	{"1.8.b.d.0.1.0.0.2.ip6.arpa. DS", "NOERROR AD", "NOERROR AD"},
	{"2001:db8:1000::1 PTR", "NOERROR www.acme.example.", "NOERROR www.acme.example."},
	{"2001:db8:2000::1 PTR", "NOERROR AD www.acme.example.", "NOERROR AD www.acme.example."},
	{"2001:db8:2000::2 PTR", "NXDOMAIN AD", "NXDOMAIN AD"},
	// A zone of ours with a fallback, which has no end and cannot be transferred: revmap itself answers, unsigned.
	{"2001:db8:f000::1 PTR", "NOERROR 2001-0db8-f000-0000-0000-0000-0000-0001.v6.example.net.",
		"NOERROR AD 2001-0db8-f000-0000-0000-0000-0000-0001.v6.example.net."},
	// Forwards: A, then AAAA, of a server that has no IPv6, and the other way round.
	{"bravo.vps.example. A", "NOERROR AD 192.0.2.70", "NOERROR AD 192.0.2.70"},
	{"bravo.vps.example. AAAA", "NOERROR AD", "NOERROR AD"},
	{"delta.vps.example. AAAA", "NOERROR AD", "NOERROR AD"},
	{"delta.vps.example. A", "NOERROR AD 192.0.2.12", "NOERROR AD 192.0.2.12"},
	{"alpha.vps.example. AAAA", "NOERROR AD 2001:db8::10", "NOERROR AD 2001:db8::10"},
	{"charlie.vps.example. A", "NXDOMAIN AD", "NOERROR AD"},
}

// dnssecSource returns a source for dnssecQuestions. The servers are YAML lines, customer is the DS of a customer's
// zone, and child that of our own classless zone, or nil.
func dnssecSource(servers string, customer, child *dns.DS) string {
	ds := func(ds *dns.DS) string {
		if ds == nil {
			return ""
		}
		return fmt.Sprintf(`, ds: ["%d %d %d %s"]`, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
	}
	return `version: 1
defaults:
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
catalog: catalog.example.net
forward_zones: [vps.example]
products:
  vps: {hostname: "{server}.vps.example"}
blocks:
  192.0.2.0/24:
    delegations:
      192.0.2.64/26: {zone: 64-26.2.0.192.in-addr.arpa, nameservers: [ns1.example.net]` + ds(child) + `}
      192.0.2.128/26: {zone: rev.acme.example}
  192.0.2.64/26: {zone: 64-26.2.0.192.in-addr.arpa}
  2001:db8::/32:
    delegations:
      2001:db8:1000::/36: {nameservers: [ns1.acme.example]}
      2001:db8:2000::/36: {nameservers: [ns1.acme.example]` + ds(customer) + `}
      2001:db8:f000::/36: {nameservers: [ns2.example.net]}
  2001:db8:f000::/36: {fallback: "{ip}.v6.example.net"}
servers:
  alpha: {product: vps, primary: [192.0.2.10, "2001:db8::10"]}
  bravo: {product: vps, primary: 192.0.2.70}
` + servers
}

const (
	serversBefore = "  charlie: {product: vps, primary: 192.0.2.11}\n"
	serversAfter  = "  delta: {product: vps, primary: 192.0.2.12}\n"
)

// The zones of dnssecSource.
const (
	reverse4  = "2.0.192.in-addr.arpa."
	classless = "64-26.2.0.192.in-addr.arpa."
	reverse6  = "8.b.d.0.1.0.0.2.ip6.arpa."
	endless   = "f." + reverse6
	forward   = "vps.example."
)

// TestDNSSECKnot follows docs/dnssec.md: Knot signs what revmap transfers to it, and Unbound and delv validate. Then
// the source changes.
func TestDNSSECKnot(t *testing.T) {
	peer.Needs(t, "knotd", "keymgr", "knotc", "unbound", "delv")
	customer, customerDS := startCustomer(t)
	snap := filepath.Join(t.TempDir(), "records.snapshot")
	r := writeSnapshot(t, snap, dnssecSource(serversBefore, customerDS, nil), nil)
	port := peer.Port(t)
	primary := serve(t, fmt.Sprintf(`. {
	bind 127.0.0.1
	transfer {
		to 127.0.0.1:%d
	}
	revmap %s {
		reload 20ms
	}
}`, port, snap))
	knot := startSigner(t, primary, port)

	resolver := peer.Resolver{Servers: map[string]string{
		"rev.acme.example.": customer, "1." + reverse6: customer, "2." + reverse6: customer, endless: primary,
	}}
	for _, z := range []string{reverse4, classless, reverse6, forward} {
		resolver.Servers[z] = knot.Addr
		peer.Wait(t, func() bool { return strings.HasPrefix(lookUp(t, knot.Addr, z+" DNSKEY"), "NOERROR 25") },
			func() string { return "Knot does not sign " + z })
	}
	for _, z := range []string{reverse4, reverse6, forward} {
		resolver.Anchors = append(resolver.Anchors, anchor(keyDS(t, knot, z)))
	}

	unbound := peer.Unbound(t, resolver)
	for question, want := range map[string]string{
		"192.0.2.11 PTR": "NOERROR AD charlie.vps.example.",
		"192.0.2.12 PTR": "NXDOMAIN AD",
		"192.0.2.70 PTR": "NOERROR 70.64-26.2.0.192.in-addr.arpa. bravo.vps.example.", // no DS yet
	} {
		if got := lookUp(t, unbound.Addr, question); got != want {
			t.Errorf("before the change, %s = %s, want %s", question, got, want)
		}
	}

	writeSnapshot(t, snap, dnssecSource(serversAfter, customerDS, keyDS(t, knot, classless)), r)
	for question, want := range map[string]string{
		"192.0.2.12 PTR":       "NOERROR delta.vps.example.",
		"delta.vps.example. A": "NOERROR 192.0.2.12",
	} {
		peer.Wait(t, func() bool { return lookUp(t, knot.Addr, question) == want },
			func() string { return "Knot does not follow revmap: " + lookUp(t, knot.Addr, question) })
	}
	for _, z := range []string{reverse4, forward} {
		ixfr := fmt.Sprintf("[%s] IXFR, incoming, remote %s, finished", z, strings.Replace(primary, ":", "@", 1))
		if !strings.Contains(knot.Log(), ixfr) {
			t.Errorf("Knot does not log: %s", ixfr)
		}
	}

	unbound = peer.Unbound(t, resolver)
	for _, q := range dnssecQuestions {
		got := lookUp(t, unbound.Addr, q.question)
		if got != q.knot {
			t.Errorf("Unbound: %s = %s, want %s", q.question, got, q.knot)
		}
		verdict := delv(t, unbound.Addr, resolver.Anchors, q.question)
		validated := strings.Contains(verdict, "fully validated") && !strings.Contains(verdict, "unsigned answer")
		if validated != strings.Contains(q.knot, " AD") {
			t.Errorf("delv: %s is %s, but should be %s", q.question, verdict, q.knot)
		}
	}
}

// TestDNSSECPlugin shows what docs/dnssec.md says of CoreDNS's dnssec plugin. If it fails with a new CoreDNS, the page
// may have become too strict.
func TestDNSSECPlugin(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: does not compile another CoreDNS")
	}
	peer.Needs(t, "knotd", "unbound", "delv")
	customer, customerDS := startCustomer(t)
	resolver := peer.Resolver{Servers: map[string]string{
		"rev.acme.example.": customer, "1." + reverse6: customer, "2." + reverse6: customer,
	}}

	key := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	ds := func(zone string) *dns.DS {
		k := *key
		k.Hdr.Name = zone
		return k.ToDS(dns.SHA256)
	}
	snap := filepath.Join(t.TempDir(), "records.snapshot")
	writeSnapshot(t, snap, dnssecSource(serversAfter, customerDS, ds(classless)), nil)
	core := startDNSSEC(t, snap, key, private)
	for _, z := range []string{reverse4, classless, reverse6, endless, forward} {
		resolver.Servers[z] = core
	}
	for _, z := range []string{reverse4, reverse6, forward} {
		resolver.Anchors = append(resolver.Anchors, anchor(ds(z)))
	}

	unbound := peer.Unbound(t, resolver)
	for _, q := range dnssecQuestions {
		if got := lookUp(t, unbound.Addr, q.question); got != q.plugin {
			t.Errorf("%s = %s, want %s", q.question, got, q.plugin)
		}
	}

	resolver.Global = "aggressive-nsec: no"
	unbound = peer.Unbound(t, resolver)
	for _, q := range dnssecQuestions[:2] {
		if got := lookUp(t, unbound.Addr, q.question); got != q.knot {
			t.Errorf("without aggressive use of NSEC, %s = %s, want %s", q.question, got, q.knot)
		}
	}

	for question, want := range map[string]string{
		"192.0.2.10 A":         "negative response, fully validated",
		"192.0.2.10 PTR":       "fully validated", // delv remembers nothing
		"192.0.2.11 PTR":       "negative response, fully validated",
		"delta.vps.example. A": "fully validated",
	} {
		if got := delv(t, core, resolver.Anchors, question); got != want {
			t.Errorf("delv: %s is %s, want %s", question, got, want)
		}
	}

	page, err := os.ReadFile(dnssecPage)
	if err != nil {
		t.Fatal(err)
	}
	q := new(dns.Msg).SetQuestion("10."+reverse4, dns.TypeA).SetEdns0(1232, true)
	for _, rr := range ask(t, "udp", core, q).Ns {
		text := strings.Join(strings.Fields(rr.String()), " ")
		if rr.Header().Rrtype == dns.TypeNSEC && !bytes.Contains(page, []byte(text)) {
			t.Errorf("docs/dnssec.md does not show the NSEC that there is: %s", text)
		}
	}
}

// startCustomer starts the name server of a customer, which signs all zones, and returns its address and the DS of the
// one whose DS the source has.
func startCustomer(t *testing.T) (addr string, ds *dns.DS) {
	t.Helper()
	dir := t.TempDir()
	c := peer.Config{PerZone: "dnssec-signing: on"}
	for i, z := range []struct{ name, owner string }{
		{"1." + reverse6, reverseName("2001:db8:1000::1")},
		{"2." + reverse6, reverseName("2001:db8:2000::1")},
		{"rev.acme.example.", "140.rev.acme.example."},
	} {
		file := filepath.Join(dir, fmt.Sprint(i))
		text := fmt.Sprintf(`$ORIGIN %s
$TTL 300
@ SOA . . 1 3600 900 86400 300
@ NS ns1.acme.example.
%s PTR www.acme.example.
`, z.name, z.owner)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c.Zones = append(c.Zones, peer.Zone{Name: z.name, File: file})
	}
	addr = peer.Knot(t, c).Addr
	for _, rr := range ask(t, "udp", addr, new(dns.Msg).SetQuestion("2."+reverse6, dns.TypeDNSKEY)).Answer {
		if k, ok := rr.(*dns.DNSKEY); ok && k.Flags&dns.SEP != 0 {
			return addr, k.ToDS(dns.SHA256)
		}
	}
	t.Fatal("the customer's zone is not signed")
	return "", nil
}

// startSigner starts the Knot of docs/dnssec.md at the given port. Only addresses, folders and the log differ.
func startSigner(t *testing.T, primary string, port int) *peer.Server {
	t.Helper()
	page, err := os.ReadFile(dnssecPage)
	if err != nil {
		t.Fatal(err)
	}
	_, config, _ := strings.Cut(string(page), "\n```yaml\n")
	config, _, _ = strings.Cut(config, "```")
	for _, r := range [][2]string{
		{"[192.0.2.53@53, 2001:db8::53@53]", fmt.Sprintf("127.0.0.1@%d", port)},
		{"198.51.100.1@53", strings.Replace(primary, ":", "@", 1)},
		{"198.51.100.1", "127.0.0.1"},
		{"/run/knot", "{dir}"},
		{"/var/lib/knot", "{dir}"},
		{"target: syslog", "target: stderr"},
	} {
		if !strings.Contains(config, r[0]) {
			t.Fatalf("the configuration in docs/dnssec.md lacks %q:\n%s", r[0], config)
		}
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	return peer.Start(t, "knotd", port, map[string]string{"knot.conf": config}, "-c", "{dir}/knot.conf")
}

// keyDS runs the commands of docs/dnssec.md for a zone: the one that shows its DS, and the one that says that the
// parent has it. It returns the DS with a SHA-256 digest.
func keyDS(t *testing.T, knot *peer.Server, zone string) *dns.DS {
	t.Helper()
	blocks := shellBlocks(t, dnssecPage)
	if len(blocks) != 2 {
		t.Fatalf("docs/dnssec.md has %d sh blocks, want 2: show the DS, confirm it", len(blocks))
	}
	var out []string
	for i, program := range peer.Needs(t, "keymgr", "knotc") {
		args := strings.Fields(blocks[i])
		at := slices.Index(args, reverse4)
		if args[0] != filepath.Base(program) || at < 0 {
			t.Fatalf("docs/dnssec.md has %q, want %s for %s", blocks[i], filepath.Base(program), reverse4)
		}
		args[at] = zone
		args[0] = filepath.Join(knot.Dir, "knot.conf")
		out = append(out, run(t, knot.Dir, program, append([]string{"-c"}, args...)...))
	}
	for line := range strings.Lines(out[0]) {
		if rr, err := dns.NewRR(line); err == nil && rr.(*dns.DS).DigestType == dns.SHA256 {
			return rr.(*dns.DS)
		}
	}
	t.Fatalf("keymgr shows no DS with SHA-256 for %s: %s", zone, out[0])
	return nil
}

// startDNSSEC starts bin/coredns with the dnssec plugin, which it does not have, because that needs the SDK of a cloud
// vendor. It is compiled from plugins.go with two more lines, and with a copy of go.mod that go may change.
func startDNSSEC(t *testing.T, snap string, key *dns.DNSKEY, private crypto.PrivateKey) (addr string) {
	t.Helper()
	dir := t.TempDir()
	read := func(path string) []byte {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write := func(name string, b []byte) (path string) {
		t.Helper()
		path = filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}

	list, err := filepath.Abs("plugins.go")
	if err != nil {
		t.Fatal(err)
	}
	plugins := string(read(list))
	for _, line := range [][2]string{
		{`_ "github.com/coredns/coredns/plugin/dns64"`, `_ "github.com/coredns/coredns/plugin/dnssec"`},
		{`"header",`, `"dnssec",`},
	} {
		plugins = strings.Replace(plugins, line[0], line[0]+"\n"+line[1], 1)
	}
	replace, err := json.Marshal(map[string]map[string]string{
		"Replace": {list: write("plugins.go", []byte(plugins))},
	})
	if err != nil {
		t.Fatal(err)
	}
	overlay := write("overlay.json", replace)
	mod := write("go.mod", read("../../go.mod"))
	write("go.sum", append(read("../../go.sum"), read(filepath.Join(coreDNS(t), "go.sum"))...))
	program := filepath.Join(dir, "coredns")
	run(t, ".", "go", "build", "-mod=mod", "-modfile="+mod, "-overlay="+overlay, "-o", program, ".")

	port := peer.Port(t)
	corefile := fmt.Sprintf(".:%d {\n bind 127.0.0.1\n dnssec %s {\n  key file K\n }\n revmap %s\n}\n",
		port, strings.Join([]string{reverse4, classless, reverse6, forward}, " "), snap)
	return peer.Start(t, program, port, map[string]string{
		"Corefile": corefile, "K.key": key.String(), "K.private": key.PrivateKeyString(private),
	}, "-conf", "Corefile").Addr
}

// writeSnapshot compiles a source for path. previous is the snapshot that it follows, or nil.
func writeSnapshot(t *testing.T, path, source string, previous *snapshot.Reader) *snapshot.Reader {
	t.Helper()
	file := filepath.Join(t.TempDir(), "records.yaml")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	b, r := compileSource(t, file, previous)
	if err := snapshot.WriteFile(path, bytes.NewBuffer(b)); err != nil {
		t.Fatal(err)
	}
	return r
}

// lookUp asks a question, "192.0.2.1 PTR" or "example. A", and returns the answer in the form of dnssecQuestions.
func lookUp(t *testing.T, addr, question string) string {
	t.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	q := new(dns.Msg).SetQuestion(reverseName(name), dns.StringToType[qtype])
	q.AuthenticatedData = true // RFC 6840 section 5.7: without the RRSIGs
	r := ask(t, "udp", addr, q)
	words := []string{dns.RcodeToString[r.Rcode]}
	if r.AuthenticatedData {
		words = append(words, "AD")
	}
	for _, rr := range r.Answer {
		words = append(words, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(words, " ")
}

// delv lets delv ask a server and validate, and returns what it says of the RRsets.
func delv(t *testing.T, addr string, anchors []string, question string) string {
	t.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	name = reverseName(name)
	i := slices.IndexFunc(anchors, func(a string) bool {
		zone, _, _ := strings.Cut(a, " ")
		return dns.IsSubDomain(zone, name)
	})
	f := strings.Fields(anchors[i])
	file := filepath.Join(t.TempDir(), "anchors")
	text := fmt.Sprintf("trust-anchors { %q static-ds %s %s %s %q; };\n", f[0], f[2], f[3], f[4], f[5])
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.Command(peer.Needs(t, "delv")[0],
		"@"+host, "-p", port, "-a", file, "+root="+f[0], "-q", name, "-t", qtype)
	out, _ := cmd.CombinedOutput() // it says more than the status
	var verdicts []string
	for line := range strings.Lines(string(out)) {
		verdict, ok := strings.CutPrefix(strings.TrimSpace(line), "; ")
		if ok && (strings.HasSuffix(verdict, "fully validated") || strings.HasSuffix(verdict, "unsigned answer")) {
			verdicts = append(verdicts, verdict)
		}
	}
	return strings.Join(verdicts, ", ")
}

// anchor returns a DS in one line, without TTL and class.
func anchor(ds *dns.DS) string {
	return fmt.Sprintf("%s DS %d %d %d %s", ds.Hdr.Name, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
}

// reverseName returns the reverse name of an address, and any other name as it is.
func reverseName(name string) string {
	if rev, err := dns.ReverseAddr(name); err == nil {
		return rev
	}
	return name
}
