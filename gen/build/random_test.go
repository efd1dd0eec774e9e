package build

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshottest"
)

// random writes sources of several files in which whatever can clash does, now and then.
type random struct {
	*rand.Rand
	mistakes int             // in 100 choices
	kinds    map[string]bool // of mistakes: whether there are some
	next     int             // what makes names and addresses different
	known    []string        // accounts that are defined
}

// wrong reports whether to make a mistake of some kind. In one source there are a few kinds only, so that what one of
// them has to do with several files is not hidden by others.
func (r *random) wrong(kind string) bool {
	often, ok := r.kinds[kind]
	if !ok {
		often = r.mistakes > 0 && r.chance(25)
		r.kinds[kind] = often
	}
	return often && r.chance(r.mistakes)
}

// odd reports whether to write a root file in an odd way.
func (r *random) odd() bool { return r.mistakes > 0 && r.chance(25) }

func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

func (r *random) pick(list ...string) string { return list[r.IntN(len(list))] }

// addr returns an address that no other call returns, unless by mistake.
func (r *random) addr() string {
	r.next++
	n := r.next
	if r.wrong("address") {
		n = r.IntN(n + 1)
	}
	if r.wrong("place") {
		return r.pick("192.0.2.0", "203.0.113.255", "198.51.100.200", "192.0.2.255", "203.0.113.130", "3fff::1", "10.0.0.1",
			"2001:db8:f00::7", "2001:db8:2:1::5")
	}
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("192.0.2.%d", 1+n%250)
	case 1:
		return fmt.Sprintf("203.0.113.%d", 1+n%120)
	}
	return fmt.Sprintf(`"2001:db8:1:%x::%x"`, r.IntN(3), n)
}

// hostname returns the reverse map name of an address of a server.
func (r *random) hostname(server string) string {
	if !r.wrong("name") {
		r.next++
		return fmt.Sprintf("%s%d.%s", r.pick("mail", "www", "shop"), r.next, r.pick("acme.example", "example.net"))
	}
	switch r.IntN(4) {
	case 0:
		return strings.ToLower(server) + r.pick(".vps.example.net", ".hosting.example.org", ".oddly.example")
	case 1:
		return r.server() + r.pick(".vps.example.net", ".hosting.example.org")
	}
	return r.pick("localhost", "unset.example.net", "tbd", "www.example.nte", "10.2.0.192.in-addr.arpa", "mx.example.net.2.0.192.in-addr.arpa",
		"web.1", "a_b.example.net", "-x.example.net", "ab--c.example.net", "xn--80ak6aa92e.com", "xn--zz.example.net", "pаypal.example",
		"co.uk", "com", "192-0-2-10.dyn.example.net", "host-192-0-2-10.pool.example.net", "www.hostng.example.org", "a.hostng.example.org", "b.hostng.example.org", "mail.miniserver.exampel",
		"m.dynamc.example.net", "www.dynamc.example.net", "x.dynamc.example.net", "mail.lan", "www.acme.example", "ip-192-0-2-9.dyn.example.net")
}

// server returns the name of a server that may be there.
func (r *random) server() string { return fmt.Sprintf("srv%d", r.IntN(4)) }

func (r *random) prefix() string {
	if r.wrong("routed") {
		return r.pick("192.0.2.0/28", "203.0.113.64/29", `"2001:db8:1::/48"`, `"2001:db8:1:1::/64"`, `"2001:db8:1:2::/64"`, "198.18.0.0/24",
			`"2001:db8::/31"`, "192.0.2.8/30")
	}
	r.next++
	return fmt.Sprintf(`"2001:db8:2:%x::/64"`, r.next)
}

// value returns what stands behind an address.
func (r *random) value(server string) string {
	name := r.hostname(server)
	switch {
	case r.chance(15):
		return ""
	case r.wrong("names"):
		return fmt.Sprintf("{names: [%s, %s]}", name, r.hostname(server))
	case r.wrong("ttl"):
		return fmt.Sprintf("{name: %s, ttl: %s}", name, r.pick("5", "4w", "1h"))
	}
	return name
}

// waiver returns a comment, mostly none.
func (r *random) waiver() string {
	if !r.wrong("waiver") {
		return ""
	}
	rule := lint.Rules[r.IntN(len(lint.Rules))].ID
	return fmt.Sprintf(" # revmap:ignore %s%s reason=x", rule, r.pick("", " until=2026-01-31", " until=2027-01-31"))
}

// domains returns those of an account, which mostly holds what hostname returns.
func (r *random) domains() string {
	if r.wrong("domain") {
		return r.pick("{domains: [acme.example]}", "{domains: [co.uk]}", "{domains: [vps.example.net]}")
	}
	return r.pick("{}", "{domains: [example.net, acme.example]}")
}

func (r *random) accounts(w *strings.Builder, n int) {
	var list []string
	for range n {
		name := fmt.Sprintf("acc%d", r.IntN(8))
		if !r.wrong("account") {
			r.next++
			name = fmt.Sprintf("acc%d", r.next)
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
			r.known = append(r.known, name)
			fmt.Fprintf(w, "  %s: %s\n", name, r.domains())
		}
	}
}

// entries writes the servers, addresses and accounts of a file.
func (r *random) entries(w *strings.Builder) {
	if r.chance(40) {
		w.WriteString("accounts:\n")
		r.accounts(w, 1+r.IntN(3))
	}
	if r.chance(80) {
		w.WriteString("servers:\n")
		var names []string
		for range 1 + r.IntN(3) {
			r.next++
			name := fmt.Sprintf("srv%d", 100+r.next)
			if r.wrong("server") {
				name = r.pick(r.server(), r.server(), r.server(), strings.ToUpper(r.server()), strings.ToUpper(r.server()), "a_b", "x.y", "ns1", "192-0-2-77", "192-0-2-77")
			}
			if slices.Contains(names, name) {
				continue
			}
			names = append(names, name)
			fmt.Fprintf(w, "  %s:%s\n", name, r.waiver())
			if product := r.pick("vps", "vps", "host"); !r.wrong("product") {
				fmt.Fprintf(w, "    product: %s\n", product)
			} else if r.chance(90) {
				fmt.Fprintf(w, "    product: %s\n", r.pick("octet", "site", "account", "bad", "odd", "dyn", "dynamic", "dynamic", "same", "under", "none", "arpa", "tld", "num",
					"lan", "idn", "dash"))
			}
			if r.wrong("unknown") {
				fmt.Fprintf(w, "    account: acc%d\n", r.IntN(r.next+8))
			} else if len(r.known) > 0 && r.chance(50) {
				fmt.Fprintf(w, "    account: %s\n", r.pick(r.known...))
			}
			var addrs []string
			if r.chance(80) {
				addrs = append(addrs, r.addr())
				for r.wrong("primary") {
					addrs = append(addrs, r.addr())
				}
				fmt.Fprintf(w, "    primary: [%s]%s\n", strings.Join(addrs, ", "), r.waiver())
			}
			if r.wrong("helo") {
				fmt.Fprintf(w, "    helo: %s\n", r.hostname(name))
			}
			for r.chance(60) {
				addrs = append(addrs, r.addr())
			}
			slices.Sort(addrs)
			addrs = slices.Compact(addrs)
			keep := slices.DeleteFunc(addrs, func(string) bool { return r.chance(40) })
			if len(keep) > 0 || r.chance(30) {
				w.WriteString("    addresses:\n")
				for _, a := range keep {
					fmt.Fprintf(w, "      %s: %s%s\n", a, r.value(name), r.waiver())
				}
				fmt.Fprintf(w, "      %s:\n", r.prefix())
			}
		}
	}
	if r.chance(50) {
		w.WriteString("addresses:\n")
		var list []string
		for range 1 + r.IntN(3) {
			list = append(list, r.addr())
		}
		slices.Sort(list)
		for _, a := range slices.Compact(list) {
			fmt.Fprintf(w, "  %s: %s%s\n", a, r.value("none"), r.waiver())
		}
	}
	if r.wrong("block") {
		fmt.Fprintf(w, "blocks: {%s}\n", r.pick("192.0.2.0/24: {}", "198.51.100.0/26: {}", "192.0.2.128/25: {zone: x.2.0.192.in-addr.arpa}",
			"10.0.0.0/8: {}", "203.0.112.0/24: {}"))
	}
	if r.wrong("syntax") && r.chance(20) {
		w.WriteString(r.pick("servers: [\n", "bogus: 1\n", "addresses: {}\n"))
	}
}

// root writes a root file that includes the others.
func (r *random) root(w *strings.Builder) {
	ns := "[ns1.example.net, ns2.example.net]"
	if r.odd() {
		ns = r.pick("[ns1.example.net]", "[ns1.vps.example.net, srv101.vps.example.net]", "[ns1.vpss.example.net, ns2.example.net]",
			"[ns_1.example.net, ns.2.0.192.in-addr.arpa]", "[ns1.example.invalid, ns2.xn--pypal-4ve.example]")
	}
	fmt.Fprintf(w, "version: 1\ndefaults:\n  nameservers: %s\n  soa: {primary: ns1.example.net, contact: hostmaster@%s}\n", ns,
		r.pick("example.net", "miniserver.example", "example.net, refresh: 1m"))
	if r.odd() {
		fmt.Fprintf(w, "  ttl: %s\n", r.pick("5", "4w"))
	}
	w.WriteString(`products:
  vps: {hostname: "{server}.vps.example.net"}
  octet: {hostname: "{d}.octet.example.net"}
  site: {hostname: "{server}.{var.site}.example.net"}
  account: {hostname: "{account}.accounts.example.net"}
  bad: {hostname: "-{server}.bad.example.net"}
  odd: {hostname: "{server}.oddly.example"}
  dyn: {hostname: "{ip}.dyn.example.net"}
  dynamic: {hostname: "{server}.dynamic.example.net"}
  same: {hostname: "the.same.example.net"}
  under: {hostname: "{server}_x.example.net"}
  arpa: {hostname: "{server}.in-addr.arpa"}
  tld: {hostname: "{server}.example.nosuch"}
  num: {hostname: "{server}.1"}
  lan: {hostname: "{server}.lan"}
  idn: {hostname: "{server}.xn--pypal-4ve.example"}
  dash: {hostname: "{server}.ab--c.example"}
`)
	host := "{server}.hosting.example.org"
	dynamic := r.odd() // names of servers may be fallback names
	if dynamic {
		host = "{server}.dynamic.example.net"
	} else if r.odd() {
		host = r.pick("the.same.example.net", "{account}.accounts.example.net")
	}
	fmt.Fprintf(w, "  host: {hostname: %q}\nblocks:\n", host)
	v4, v6 := "{}", "{}"
	forward := r.odd()
	if r.odd() {
		v4 = r.pick(`{fallback: "{ip}.dynamic.example.net"}`, `{fallback: "{ip}.dynamic.example.net"}`, `{fallback: "{ip}.dynamic.example.net"}`, `{fallback: "{ip}.dynamic.example.net"}`,
			`{fallback: "{d}{c}.dynamic.example.net"}`,
			`{fallback: "{server}.dynamic.example.net"}`, `{vars: {site: ams}}`,
			"{delegations: {192.0.2.128/25: {zone: 128-25.2.0.192.in-addr.arpa, nameservers: [ns1.acme.example, ns_2.acme.example]}}}",
			"{delegations: {192.0.2.64/26: {nameservers: [ns1.acme.example, ns2.acme.example]}, 192.0.2.96/27: {zone: a.example}}}",
			"{zone: x.2.0.192.in-addr.arpa}", "{delegations: {192.0.2.64/26: {zone: y.2.0.192.in-addr.arpa}}}")
	}
	if r.odd() {
		v6 = r.pick(`{fallback: "{ip}.dynamic.example.net"}`, `{fallback: "{d}.dynamic.example.net"}`,
			`{fallback: "{ip}.lan"}`, `{delegations: {"2001:db8:f00::/48": {nameservers: [ns1.acme.example, ns2.acme.example]}}}`,
			`{delegations: {"2001:db8:1:1::/64": {nameservers: [ns1.acme.example, ns.1.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa]}}}`,
			`{ds: {1.0.0.2.ip6.arpa: ["1 13 2 `+strings.Repeat("aa", 32)+`"]}}`)
	}
	if dynamic {
		v4 = r.pick(`{fallback: "{ip}.dynamic.example.net"}`, `{fallback: "{ip}.dynamic.example.net"}`,
			`{fallback: "{d}{c}.dynamic.example.net"}`)
	}
	fmt.Fprintf(w, "  192.0.2.0/24: %s\n  203.0.113.0/25: {zone: %s}\n  \"2001:db8::/32\": %s\n", v4,
		r.pick("0-25.113.0.203.in-addr.arpa", "0-25.113.0.203.in-addr.arpa", "0/25.113.0.203.in-addr.arpa"), v6)
	if dynamic {
		w.WriteString("forward_zones: [dynamic.example.net]\n")
	} else if r.chance(30) {
		w.WriteString("forward_zones: [vps.example.net]\n")
	} else if forward {
		fmt.Fprintf(w, "forward_zones: [%s]\n", r.pick("vps.example.net", "vps.example.net, hosting.example.org", "dynamic.example.net", "dynamic.example.net, dyn.example.net, vps.example.net, x.vps.example.net",
			"example.net"))
	}
	missing := ""
	if r.odd() && r.chance(30) {
		missing = ", no.yaml"
	}
	fmt.Fprintf(w, "include: [more/*.yaml%s]\n", missing)
	w.WriteString("lint:\n  rules:\n    block-documentation: note\n")
	if r.odd() && r.chance(20) {
		w.WriteString("    nothing: off\n")
	}
	seen := map[string]bool{"block-documentation": true}
	for r.chance(40) {
		severities := []string{"off", "note", "note"}
		if r.odd() {
			severities = []string{"error"}
		}
		if rule := lint.Rules[r.IntN(len(lint.Rules))]; !rule.Required && !seen[rule.ID] {
			seen[rule.ID] = true
			fmt.Fprintf(w, "    %s: %s\n", rule.ID, r.pick(severities...))
		}
	}
	for _, rule := range lint.Rules {
		if rule.Severity == diag.Off && !seen[rule.ID] && r.chance(50) {
			fmt.Fprintf(w, "    %s: warning\n", rule.ID)
		}
	}
}

// source writes a source below dir and returns its files, the root first.
func (r *random) source() map[string]string {
	files := make(map[string]string)
	var root strings.Builder
	r.root(&root)
	if r.chance(50) {
		r.entries(&root)
	}
	files["records.yaml"] = root.String()
	for i := range 1 + r.IntN(5) {
		files[fmt.Sprintf("more/f%d.yaml", i)] = r.file()
	}
	return files
}

// file writes an included file.
func (r *random) file() string {
	var w strings.Builder
	r.entries(&w)
	if w.Len() == 0 {
		w.WriteString("servers: {}\n")
	}
	return w.String()
}

var today = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// write makes the files of a source.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshotOf compiles a source in which no error was found.
func snapshotOf(t *testing.T, r *Result) []byte {
	t.Helper()
	b, err := r.Compile(compile.Options{Commit: "4f2a9c1", Time: today})
	if err != nil {
		t.Fatal(err)
	}
	return snapshottest.Bytes(t, b)
}

// difference tells how a result differs from what is found in the whole source; "" if it does not.
func difference(t *testing.T, files *source.Files, got *Result) string {
	t.Helper()
	want, err := whole(files, Options{Today: today})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
		return "findings (-whole +parts):\n" + diff
	}
	if diff := cmp.Diff(want.Files, got.Files); diff != "" {
		return "files (-whole +parts):\n" + diff
	}
	if want.Findings.Count(diag.Error) == 0 && !bytes.Equal(snapshotOf(t, want), snapshotOf(t, got)) {
		return "another snapshot"
	}
	return ""
}

// elsewhere are the rules that look at forward zone files, and those whose findings are made while a file is read, of which
// some are enough.
var elsewhere = []string{
	"forward-alias", "forwards-invalid", "nameserver-alias", "reverse-elsewhere", "reverse-missing",
	"address-invalid", "duplicate-key", "missing-key", "name-invalid", "name-not-nfc", "template-invalid", "unknown-key",
	"wrong-type",
}

// A source by its parts has the findings and the snapshot of the whole.
func TestPartsRandom(t *testing.T) {
	fired := make(map[string]int)
	alone, together, compiled := 0, 0, 0
	const cases = 1000
	for seed := range uint64(cases) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 1)), kinds: map[string]bool{}, mistakes: []int{0, 10, 20, 40}[seed%4]}
		dir := t.TempDir()
		text := r.source()
		write(t, dir, text)
		files, err := source.ReadFiles(filepath.Join(dir, "records.yaml"), source.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := newBuilder(files, Options{Today: today}).result()
		if got == nil {
			continue
		}
		if diff := difference(t, files, got); diff != "" {
			for name, text := range text {
				t.Logf("%s:\n%s", name, text)
			}
			t.Fatalf("seed %d: %s", seed, diff)
		}
		if len(got.fragments) == files.Len() {
			alone++
		} else {
			together++
		}
		if got.Findings.Count(diag.Error) == 0 {
			compiled++
		}
		for _, d := range got.Findings {
			fired[d.Rule]++
		}
	}
	t.Logf("%d sources with files that are alone, %d with some that are not, %d without errors", alone, together, compiled)
	if alone < cases/5 || together < cases/10 || compiled < cases/10 {
		t.Error("the test wants other sources")
	}
	for _, r := range lint.Rules {
		if fired[r.ID] == 0 && !slices.Contains(elsewhere, r.ID) {
			t.Errorf("%s never fired: make a mistake that it finds", r.ID)
		}
	}
}
