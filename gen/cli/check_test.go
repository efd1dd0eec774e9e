package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/internal/peer"
)

const checkSource = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
blocks:
  192.0.2.0/24: {delegations: {192.0.2.128/25: {zone: rev.acme.example}}}
addresses:
  192.0.2.11: www.acme.example
  192.0.2.13: shop.acme.example
products: {vps: {hostname: "{server}.vps.example"}}
servers:
  alpha: {product: vps, primary: 192.0.2.10, addresses: {192.0.2.10: mail.acme.example, 192.0.2.12: }}
`

// checkZones are served by one NSD, which does for name server, parent and resolver: it has all names that are asked
// for.
var checkZones = map[string]string{
	".":             "@ NS ns1.example.net.\n",
	"in-addr.arpa.": "@ NS ns1.example.net.\n",
	"2.0.192.in-addr.arpa.": `@ NS ns1.example.net.
@ NS ns2.example.net.
10 PTR mail.acme.example.
11 PTR old.acme.example.
13 PTR shop.acme.example.
130 PTR mail.acme.example.
`,
	"acme.example.": `@ NS ns1.example.net.
mail A 192.0.2.10
mail A 192.0.2.130
www A 192.0.2.11
shop CNAME web
web A 192.0.2.13
`,
	"example.net.": `@ NS ns1
ns1 A 192.0.2.53
ns2 A 192.0.2.53
`,
}

// runCheck runs check on checkSource and the world of checkZones. Standard error may be a terminal.
func runCheck(t *testing.T, server string, terminal bool, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	records := filepath.Join(t.TempDir(), "records.yaml")
	if err := os.WriteFile(records, []byte(checkSource), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	p := &program{stdout: bufio.NewWriter(&out), stderr: &errs, stderrTerminal: terminal}
	k := &checkCommand{program: p}
	k.options.Redirect = func(netip.AddrPort) netip.AddrPort { return netip.MustParseAddrPort(server) }
	root := p.root()
	for _, c := range root.Commands() {
		if c.Name() == "check" {
			root.RemoveCommand(c)
		}
	}
	root.AddCommand(k.command())
	root.SetArgs(append([]string{"check", "--source", records, "--resolver", server}, args...))
	c, err := root.ExecuteContextC(t.Context())
	if err := p.stdout.Flush(); err != nil {
		t.Fatal(err)
	}
	status = p.status(c, err)
	return status, strings.ReplaceAll(out.String(), records, "records.yaml"), errs.String()
}

func TestCheck(t *testing.T) {
	var c peer.Config
	dir := t.TempDir()
	for name, text := range checkZones {
		file := filepath.Join(dir, name+"zone")
		text = fmt.Sprintf("$ORIGIN %s\n$TTL 300\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 86400 60\n%s",
			name, text)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c.Zones = append(c.Zones, peer.Zone{Name: name, File: file})
	}
	server := peer.NSD(t, c).Addr

	const (
		old = `192.0.2.11: error: ns1.example.net., ns2.example.net. and the resolver answer old.acme.example., ` +
			`and the source says www.acme.example. [ptr-other]
records.yaml:8:3: note: the source has it here
`
		alias = `192.0.2.13: warning: shop.acme.example. is an alias of web.acme.example. [forward-alias]
records.yaml:9:3: note: the source has it here
hint: let the PTR have the name that the chain ends at, or give the name addresses of its own
`
	)
	for _, test := range []struct {
		args   string
		status int
		stdout string
	}{
		{"192.0.2.10", StatusClean, "192.0.2.10: ok: mail.acme.example.\n"},
		{"192.0.2.130 192.0.2.12 192.0.2.10 192.0.2.12", StatusClean, `192.0.2.10: ok: mail.acme.example.
192.0.2.12: ok: no name
192.0.2.130: ok: mail.acme.example., by others
`},
		{"192.0.2.11", StatusFindings, old},
		{"192.0.2.13", StatusClean, alias},
		{"192.0.2.13 --fail-on warning", StatusFindings, alias},
		{"--all", StatusFindings, old + alias},
		{"192.0.2.13 --format json", StatusClean, `{
  "zones_checked": 1,
  "addresses_checked": 1,
  "zones": [
    {
      "zone": "2.0.192.in-addr.arpa.",
      "findings": []
    }
  ],
  "addresses": [
    {
      "address": "192.0.2.13",
      "want": [
        "shop.acme.example."
      ],
      "ptr": [
        {
          "server": "ns1.example.net.",
          "names": [
            "shop.acme.example."
          ]
        },
        {
          "server": "ns2.example.net.",
          "names": [
            "shop.acme.example."
          ]
        },
        {
          "server": "the resolver",
          "names": [
            "shop.acme.example."
          ]
        }
      ],
      "forward": [
        {
          "name": "shop.acme.example.",
          "aliases": [
            "web.acme.example."
          ],
          "addresses": [
            "192.0.2.13"
          ],
          "confirmed": true
        }
      ],
      "findings": [
        {
          "id": "forward-alias",
          "severity": "warning",
          "message": "shop.acme.example. is an alias of web.acme.example.",
          "hint": "let the PTR have the name that the chain ends at, or give the name addresses of its own"
        }
      ],
      "file": "records.yaml",
      "line": 9,
      "column": 3
    }
  ]
}
`},
	} {
		t.Run(test.args, func(t *testing.T) {
			status, stdout, stderr := runCheck(t, server, false, strings.Fields(test.args)...)
			if status != test.status || stderr != "" {
				t.Errorf("status %d, want %d; stderr %q", status, test.status, stderr)
			}
			if diff := cmp.Diff(test.stdout, stdout); diff != "" {
				t.Errorf("other output than expected (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("JSON of all", func(t *testing.T) {
		_, stdout, _ := runCheck(t, server, false, "--all", "--format", "json")
		for what, want := range map[string]int{
			`"addresses_checked": 4,`: 1, `"zones": [],`: 1, `"address": `: 2,
			`"id": "ptr-other"`: 1, `"id": "forward-alias"`: 1,
		} {
			if n := strings.Count(stdout, what); n != want {
				t.Errorf("%s is there %d times, want %d:\n%s", what, n, want, stdout)
			}
		}
	})

	t.Run("terminal", func(t *testing.T) {
		_, stdout, stderr := runCheck(t, server, true, "--all")
		if stdout != old+alias {
			t.Errorf("on a terminal, other findings are printed:\n%s", stdout)
		}
		_, last, _ := strings.Cut(stderr, "] 5 of 5"+clearLine)
		if want := "1 zone and 4 IPs checked, 1 error, 1 warning\n"; last != want {
			t.Errorf("stderr is %q, want the bar and then %q", stderr, want)
		}
	})
}

func TestProgressBar(t *testing.T) {
	var out strings.Builder
	b := progressBar{w: &out, on: true}
	b.show(1, 3000)
	b.show(2, 3000) // too early
	b.show(3000, 3000)
	b.hide()
	b.hide()
	want := clearLine + "[" + strings.Repeat(" ", 30) + "] 1 of 3,000" +
		clearLine + "[" + strings.Repeat("=", 30) + "] 3,000 of 3,000" + clearLine
	if out.String() != want {
		t.Errorf("the bar is %q, want %q", out.String(), want)
	}
	out.Reset()
	b = progressBar{w: &out}
	b.show(1, 1)
	b.hide()
	if out.String() != "" {
		t.Errorf("without a terminal there is a bar, %q", out.String())
	}
}
