package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// A configured is a name server that is set up as docs/secondaries.md tells.
type configured struct {
	heading  string // of the section with its configuration
	program  string
	file     string   // with the configuration
	args     []string // of the program
	commands int      // index of its block of commands in the section on catalogs, -1 if it does without
	// moves is what differs for a test: pairs of old and new text. Port and control are free ports.
	moves func(port, control int) []string
}

var configureds = []configured{
	{"NSD", "nsd", "nsd.conf", []string{"-d", "-c", "{dir}/nsd.conf"}, -1, nsdMoves},
	{"Knot DNS", "knotd", "knot.conf", []string{"-c", "{dir}/knot.conf"}, -1, knotMoves},
	{"Knot DNS", "knotd", "knot.conf", []string{"-c", "{dir}/knot.conf"}, 0, knotMoves},
	{"BIND", "named", "named.conf", []string{"-g", "-n", "1", "-X", "none", "-c", "{dir}/named.conf"}, -1, bindMoves},
	{"BIND", "named", "named.conf", []string{"-g", "-n", "1", "-X", "none", "-c", "{dir}/named.conf"}, 1, bindMoves},
}

// controlKey lets rndc talk to BIND.
const controlKey = `key control { algorithm hmac-sha256; secret "c2VjcmV0IG9mIGEgdGVzdCwgbm90IG9mIGEgc2VydmVy"; };`

func nsdMoves(port, _ int) []string {
	return []string{
		"192.0.2.53@53", fmt.Sprintf("127.0.0.1@%d", port),
		"/var/lib/nsd", "{dir}", "/run/nsd", "{dir}", "/etc/nsd", "{dir}", "nsd-control", "nsd-control -c {dir}/nsd.conf",
		"server:\n", `server:
    username: ""
    database: ""
    pidfile: ""
    xfrdir: "{dir}"
    xfrdfile: "{dir}/xfrd.state"
    zonelistfile: "{dir}/zone.list"
`,
	}
}

func knotMoves(port, _ int) []string {
	return []string{
		// The template says nothing of the folder of zone files, which is /var/lib/knot then.
		"> /etc/knot/revmap.conf", `| sed 's,^    master:.*,&\n    storage: {dir},' > {dir}/revmap.conf`,
		"192.0.2.53@53", fmt.Sprintf("127.0.0.1@%d", port),
		"/var/lib/knot", "{dir}", "/run/knot", "{dir}", "/etc/knot", "{dir}", "knotc", "knotc -c {dir}/knot.conf",
	}
}

func bindMoves(port, control int) []string {
	return []string{
		"port 53 { 192.0.2.53; };", fmt.Sprintf("port %d { 127.0.0.1; };\n listen-on-v6 { none; };\n pid-file none;\n"+
			" session-keyfile none;\n serial-query-rate 1000;", port),
		"/var/cache/bind", "{dir}", "/etc/bind", "{dir}", "catalog.example.net", "catalog.example",
		"include ", fmt.Sprintf("include \"rndc.key\";\ncontrols { inet 127.0.0.1 port %d allow { 127.0.0.1; }"+
			" keys { control; }; };\ninclude ", control),
		"rndc", fmt.Sprintf("rndc -s 127.0.0.1 -p %d -k {dir}/rndc.key", control),
	}
}

// TestSecondaryConfig sets name servers up as docs/secondaries.md tells, with its primary, its configurations and its
// commands. They serve all zones, follow changes, and have a new zone: those with a catalog by themselves, the others
// after the same commands. Only addresses, ports and paths are others.
func TestSecondaryConfig(t *testing.T) {
	peer.Needs(t, "nsd", "knotd", "named")
	sections := docSections(t, filepath.Join("..", "..", "docs", "secondaries.md"))
	revmap := filepath.Join(t.TempDir(), "revmap")
	run(t, filepath.Join("..", ".."), "go", "build", "-o", revmap, "./cmd/revmap")

	ports := make([]int, len(configureds))
	var to []string
	for i := range configureds {
		ports[i] = peer.Port(t)
		to = append(to, fmt.Sprintf("127.0.0.1:%d", ports[i]))
	}
	p := &hiddenPrimary{inventory: newInventory(rand.New(rand.NewPCG(8, 8))), dir: t.TempDir()}
	p.compile(t)
	p.addr = serve(t, regexp.MustCompile(`^.*\{`).ReplaceAllString(replace(sections["The primary"].blocks[0],
		"198.51.100.1", "127.0.0.1", "to 192.0.2.53", "to "+strings.Join(to, " "),
		"revmap records.snapshot", "revmap "+p.snapshot()+" {\n reload 20ms\n }"), ". {"))

	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}

	servers := make([]*peer.Server, len(configureds))
	commands := make([]string, len(configureds))
	for i, c := range configureds {
		moves := c.moves(ports[i], peer.Port(t))
		s := sections[c.heading]
		files := map[string]string{c.file: replace(s.blocks[0], moves...), "revmap.conf": "", "rndc.key": controlKey}
		servers[i] = peer.Start(t, c.program, ports[i], files, c.args...)
		console := s.console[0]
		if c.commands >= 0 {
			catalog := sections["By the catalog"]
			console = catalog.console[c.commands]
			if c.program == "named" {
				edit(t, filepath.Join(servers[i].Dir, c.file), "options {\n", "options {\n"+replace(catalog.blocks[0], moves...))
			}
		}
		commands[i] = replace(replace("\n"+console, moves...), "{dir}", servers[i].Dir, "\n$ ", "\n",
			"revmap export", revmap+" export", "198.51.100.1", host+"@"+port, "records.snapshot", p.snapshot())
		configure(t, commands[i])
	}
	inSync := func() {
		t.Helper()
		for i, c := range configureds {
			p.withoutCatalog().waitFor(t, c.heading, servers[i].Addr)
		}
	}
	inSync()
	p.change(t)
	inSync()

	const name = "7.64.18.198.in-addr.arpa."
	p.inventory.blocks["198.18.64.0/24"] = "{}"
	p.inventory.addresses["198.18.64.7"] = "new.acme.example"
	p.compile(t)
	p.waitFor(t, "revmap", p.addr)
	for i, c := range configureds {
		if c.commands < 0 {
			configure(t, commands[i])
		}
	}
	inSync()
	for i, c := range configureds {
		r := ask(t, "udp", servers[i].Addr, new(dns.Msg).SetQuestion(name, dns.TypePTR))
		if len(r.Answer) != 1 || !r.Authoritative {
			t.Errorf("%s answers for an address of the new block:\n%s", c.heading, r)
		}
	}
}

// withoutCatalog returns p without its catalog zone: not all secondaries have that, and Knot DNS answers for it only if
// the client may transfer it.
func (p *hiddenPrimary) withoutCatalog() *hiddenPrimary {
	q := *p
	q.zones = slices.DeleteFunc(slices.Clone(p.zones), func(z string) bool { return z == "catalog.example." })
	return &q
}

// configure runs commands of the page. Debian has some of the programs where only root looks.
func configure(t *testing.T, commands string) {
	t.Helper()
	shell(t, ".", "set -e; PATH=$PATH:/usr/sbin:/sbin\n"+commands)
}

func replace(s string, oldnew ...string) string { return strings.NewReplacer(oldnew...).Replace(s) }

// A docSection is a section of a page.
type docSection struct {
	console []string // its console blocks
	blocks  []string // the others
}

// docSections returns the sections of a page by their headings of the second level.
func docSections(t *testing.T, path string) map[string]docSection {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]docSection{}
	for _, text := range strings.Split(string(page), "\n## ")[1:] {
		heading, text, _ := strings.Cut(text, "\n")
		var s docSection
		for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
			if m[1] == "console" {
				s.console = append(s.console, m[2])
			} else {
				s.blocks = append(s.blocks, m[2])
			}
		}
		sections[heading] = s
	}
	return sections
}
