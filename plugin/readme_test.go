package revmap

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"

	"github.com/revmap/revmap/internal/peer"
)

// TestReadme starts a server for each example, as CoreDNS does with the README files of its own plugins. It is bound to
// loopback, and its secondaries are there.
func TestReadme(t *testing.T) {
	readme := readReadme(t)
	snapshot := inventory(t)
	t.Chdir(t.TempDir())
	replace(t, "records.snapshot", snapshot)
	for _, zone := range []string{"records.zone", "internal.zone"} {
		overwrite(t, zone, []byte("$ORIGIN 2.0.192.in-addr.arpa.\n$TTL 1h\n"+
			"@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n@ NS ns1.example.net.\n"))
	}

	port := dnsserver.Port
	defer func() { dnsserver.Port = port }()

	examples := regexp.MustCompile("(?ms)^~~~ corefile\n(.*?)^~~~$").FindAllStringSubmatch(readme, -1)
	if len(examples) == 0 {
		t.Fatal("No example")
	}
	block := regexp.MustCompile(`(?m)^\S.* \{$`) // the first line of a server block
	secondaries := regexp.MustCompile(`(?m)^ +to .*$`)
	for _, example := range examples {
		corefile := block.ReplaceAllString(example[1], "$0\nbind 127.0.0.1")
		dnsserver.Port = "0"
		if strings.Contains(corefile, "fastpath") {
			if runtime.GOOS != "linux" {
				continue
			}
			dnsserver.Port = strconv.Itoa(peer.Port(t))
		}
		corefile = secondaries.ReplaceAllString(corefile, "to 127.0.0.1:1")
		in, err := caddy.Start(input(corefile))
		if err != nil {
			t.Errorf("Failed to start: %v\n%s", err, corefile)
			continue
		}
		answering(t, in)
		stopServer(t, in)
	}
}

// TestReadmeSections holds what CoreDNS demands of a plugin's README.
func TestReadmeSections(t *testing.T) {
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(readReadme(t), -1) {
		sections = append(sections, m[1])
	}
	at := -1
	for _, want := range []string{"Name", "Description", "Syntax", "Metrics", "Ready", "Examples", "Bugs", "See Also"} {
		i := slices.Index(sections, want)
		if i <= at {
			t.Errorf("Section %s is missing or out of order in %q", want, sections)
		}
		at = i
	}
}

// TestReadmeOptions compares the options that are documented with those that there are.
func TestReadmeOptions(t *testing.T) {
	_, err := parse(caddy.NewTestController("dns", "revmap x {\nnosuchoption\n}"))
	_, list, ok := strings.Cut(err.Error(), "there are ")
	if !ok {
		t.Fatalf("Error %q does not list the options", err)
	}
	want := strings.FieldsFunc(strings.ReplaceAll(list, " and ", ", "), func(r rune) bool { return r == ',' || r == ' ' })

	_, syntax, _ := strings.Cut(readReadme(t), "\nrevmap SNAPSHOT [ZONES...] {\n")
	syntax, explained, _ := strings.Cut(syntax, "}\n")
	var got []string
	for line := range strings.Lines(syntax) {
		option := strings.Fields(line)[0]
		got = append(got, option)
		if !strings.Contains(explained, "\n* `"+option+"`") {
			t.Errorf("Option %s is not explained", option)
		}
		_, err := parse(caddy.NewTestController("dns", "revmap x {\n"+option+"\n}"))
		if err != nil && strings.Contains(err.Error(), "unknown property") {
			t.Errorf("Option %s is documented, but there is none", option)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Documented options are %q, want %q", got, want)
	}
}

func readReadme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
