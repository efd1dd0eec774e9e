package source

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
)

// editsOf reads edits as the tests write them, one in a line: "ADDRESS NAME [TTL]", "ADDRESS" to take the name away, and
// "ADDRESS -" to take the entry away.
func editsOf(t *testing.T, text string) []Edit {
	t.Helper()
	var edits []Edit
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(line)
		e := Edit{Addr: netip.MustParseAddr(f[0]), Pos: diag.Position{File: "edits", Line: i + 1, Column: 1}}
		switch {
		case len(f) > 2:
			e.Name, e.TTL = f[1], f[2]
		case len(f) > 1 && f[1] == "-":
			e.Remove = true
		case len(f) > 1:
			e.Name = f[1]
		}
		edits = append(edits, e)
	}
	return edits
}

// apply makes edits in the source records.yaml of the current folder.
func apply(t *testing.T, edits []Edit) (*Edited, diag.List) {
	t.Helper()
	s, found, err := Load("records.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e, findings, err := Apply(s, found, edits)
	if err != nil {
		t.Fatal(err)
	}
	return e, findings
}

func findingLines(l diag.List) string {
	var b strings.Builder
	for _, d := range l {
		fmt.Fprintf(&b, "%s: %s: %s", d.Pos, d.Rule, d.Message)
		for _, r := range d.Related {
			fmt.Fprintf(&b, " [%s: %s]", r.Pos, r.Message)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// head is what the root files of the tests begin with.
const head = `version: 1
defaults: {nameservers: [ns.example.net], soa: {primary: ns.example.net, contact: h@example.net}}
`

func TestApply(t *testing.T) {
	const blocks = "blocks: {192.0.2.0/24: {}, 2001:db8::/32: {}}\n"
	tests := []struct {
		name, before, edits, after string
	}{{
		name:   "a name in place of another",
		before: "addresses:\n  192.0.2.1: a.example # a\n  192.0.2.2: \"b.example\"\n  192.0.2.3: 'c.example.'\n",
		edits:  "192.0.2.1 x.example.\n192.0.2.2 y.example\n192.0.2.3 z.example",
		after:  "addresses:\n  192.0.2.1: x.example # a\n  192.0.2.2: \"y.example\"\n  192.0.2.3: 'z.example.'\n",
	}, {
		name:   "a name that is there already, in another spelling",
		before: "addresses: {192.0.2.1: Bücher.example}\n",
		edits:  "192.0.2.1 xn--bcher-kva.example.",
		after:  "addresses: {192.0.2.1: Bücher.example}\n",
	}, {
		name:   "a name for an address without one",
		before: "servers:\n  a:\n    addresses:\n      192.0.2.1: # one\n      192.0.2.2:\n      192.0.2.3: ~ # three\n      192.0.2.4: {}\n",
		edits:  "192.0.2.1 a.example\n192.0.2.2 b.example\n192.0.2.3 c.example\n192.0.2.4 d.example",
		after: "servers:\n  a:\n    addresses:\n      192.0.2.1: a.example # one\n      192.0.2.2: b.example\n" +
			"      192.0.2.3: c.example # three\n      192.0.2.4: d.example\n",
	}, {
		name:   "the same in braces",
		before: "servers: {a: {addresses: {192.0.2.1: , 192.0.2.2, \"192.0.2.3\":, 192.0.2.4: null}}}\n",
		edits:  "192.0.2.1 a.example\n192.0.2.2 b.example\n192.0.2.3 c.example\n192.0.2.4 d.example",
		after: "servers: {a: {addresses: {192.0.2.1: a.example, 192.0.2.2: b.example, \"192.0.2.3\": c.example, " +
			"192.0.2.4: d.example}}}\n",
	}, {
		name:   "no name",
		before: "servers:\n  a:\n    addresses:\n      192.0.2.1: a.example # one\n      192.0.2.2: {name: b.example, ttl: 5m}\n      192.0.2.3:\n        name: c.example\n        ttl: 1h\n      192.0.2.4:\n        d.example\n",
		edits:  "192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4",
		after:  "servers:\n  a:\n    addresses:\n      192.0.2.1: # one\n      192.0.2.2:\n      192.0.2.3:\n      192.0.2.4:\n",
	}, {
		name:   "no name, in braces",
		before: "servers: {a: {addresses: {192.0.2.1: a.example, 2001:db8::1: {name: b.example}}}}\n",
		edits:  "192.0.2.1\n2001:db8::1",
		after:  "servers: {a: {addresses: {192.0.2.1: , 2001:db8::1: }}}\n",
	}, {
		name:   "TTL",
		before: "addresses:\n  192.0.2.1: a.example # a\n  192.0.2.2: {name: b.example, ttl: 1h} # b\n  192.0.2.3: {name: \"c.example\", ttl: 1h} # c\n  192.0.2.4:\n    name: d.example # d\n  192.0.2.5:\n    # e\n    ttl: 1h # e\n    name: e.example\n  192.0.2.6: {name: f.example, ttl: 3600}\n  192.0.2.7: g.example\n",
		edits:  "192.0.2.1 x.example 5m\n192.0.2.2 b.example 5m\n192.0.2.3 y.example default\n192.0.2.4 d.example 5m\n192.0.2.5 z.example default\n192.0.2.6 f.example 1h\n192.0.2.7 g.example default",
		after:  "addresses:\n  192.0.2.1: {name: x.example, ttl: 5m} # a\n  192.0.2.2: {name: b.example, ttl: 5m} # b\n  192.0.2.3: \"y.example\" # c\n  192.0.2.4:\n    name: d.example # d\n    ttl: 5m\n  192.0.2.5:\n    # e\n    name: z.example\n  192.0.2.6: {name: f.example, ttl: 3600}\n  192.0.2.7: g.example\n",
	}, {
		name:   "a TTL without a name",
		before: "servers: {a: {primary: [192.0.2.1, 192.0.2.2, 192.0.2.3], addresses: {192.0.2.1: {ttl: 1h}, 192.0.2.2: {ttl: 1h}, 192.0.2.3: {ttl: 1h}}}}\n",
		edits:  "192.0.2.1 a.example\n192.0.2.2 b.example default\n192.0.2.3",
		after:  "servers: {a: {primary: [192.0.2.1, 192.0.2.2, 192.0.2.3], addresses: {192.0.2.1: {name: a.example, ttl: 1h}, 192.0.2.2: b.example, 192.0.2.3: {ttl: 1h}}}}\n",
	}, {
		name:   "one name in place of several",
		before: "addresses:\n  192.0.2.1: {names: [a.example, b.example], ttl: 5m}\n  192.0.2.2: {names: [\"c.example\"]}\n  192.0.2.3:\n    names:\n    - d.example\n    - e.example\n    ttl: 5m\n",
		edits:  "192.0.2.1 x.example\n192.0.2.2 y.example\n192.0.2.3 z.example",
		after:  "addresses:\n  192.0.2.1: {name: x.example, ttl: 5m}\n  192.0.2.2: {names: [\"y.example\"]}\n  192.0.2.3:\n    name: z.example\n    ttl: 5m\n",
	}, {
		name:   "a new entry beside its neighbours",
		before: "addresses:\n  # gateways\n  192.0.2.2: b.example # b\n  192.0.2.4:\n    name: d.example\n\n  # IPv6\n  \"2001:db8::2\": f.example\n",
		edits:  "192.0.2.1 a.example\n192.0.2.3 c.example\n192.0.2.5 e.example\n192.0.2.6 f.example 5m\n2001:db8::1 e.example\n2001:db8::3 g.example",
		after: "addresses:\n  192.0.2.1: a.example\n  # gateways\n  192.0.2.2: b.example # b\n  192.0.2.3: c.example\n  192.0.2.4:\n    name: d.example\n" +
			"  192.0.2.5: e.example\n  192.0.2.6: {name: f.example, ttl: 5m}\n\n  \"2001:db8::1\": e.example\n  # IPv6\n  \"2001:db8::2\": f.example\n  \"2001:db8::3\": g.example\n",
	}, {
		name:   "a new entry in braces",
		before: "addresses: {192.0.2.2: b.example, 192.0.2.4: d.example }\n",
		edits:  "192.0.2.1 a.example\n192.0.2.3 c.example\n192.0.2.5 e.example\n2001:db8::1 f.example",
		after:  "addresses: {192.0.2.1: a.example, 192.0.2.2: b.example, 192.0.2.3: c.example, 192.0.2.4: d.example, 192.0.2.5: e.example, \"2001:db8::1\": f.example }\n",
	}, {
		name:   "a new entry in braces over several lines",
		before: "addresses: {\n  192.0.2.2: b.example, # b\n  192.0.2.4: d.example # d\n}\n",
		edits:  "192.0.2.1 a.example\n192.0.2.3 c.example\n192.0.2.5 e.example\n192.0.2.6 f.example",
		after:  "addresses: {\n  192.0.2.1: a.example,\n  192.0.2.2: b.example, # b\n  192.0.2.3: c.example,\n  192.0.2.4: d.example, # d\n  192.0.2.5: e.example,\n  192.0.2.6: f.example\n}\n",
	}, {
		name:   "the first of a server's addresses",
		before: "servers:\n  a:\n    # a\n    primary: 192.0.2.1 # one\n\n  b: {primary: 192.0.2.2} # b\n  c: {primary: \"2001:db8::\", addresses: {}}\n  d: {\n    primary: 192.0.2.4\n  }\n  e:\n      primary: 192.0.2.5\n      addresses: {}\n",
		edits:  "192.0.2.1 a.example\n192.0.2.2 b.example\n2001:db8:: c.example\n192.0.2.4 d.example\n192.0.2.5 e.example",
		after: "servers:\n  a:\n    # a\n    primary: 192.0.2.1 # one\n    addresses:\n      192.0.2.1: a.example\n\n  b: {primary: 192.0.2.2, addresses: {192.0.2.2: b.example}} # b\n" +
			"  c: {primary: \"2001:db8::\", addresses: {\"2001:db8::\": c.example}}\n  d: {\n    primary: 192.0.2.4,\n    addresses: {192.0.2.4: d.example}\n  }\n  e:\n      primary: 192.0.2.5\n      addresses: {192.0.2.5: e.example}\n",
	}, {
		name:   "routed to a server",
		before: "servers:\n  a:\n    addresses:\n      2001:db8::/48:\n      2001:db8:0:1::1: a.example\n  b:\n    addresses:\n      2001:db8:0:2::/64:\n",
		edits:  "2001:db8::1 x.example\n2001:db8:0:2:: y.example\n2001:db8:0:3:: z.example",
		after:  "servers:\n  a:\n    addresses:\n      2001:db8::/48:\n      2001:db8::1: x.example\n      2001:db8:0:1::1: a.example\n      2001:db8:0:3::: z.example\n  b:\n    addresses:\n      2001:db8:0:2::/64:\n      2001:db8:0:2::: y.example\n",
	}, {
		name:   "the first address of no server",
		before: "servers: {}\n# end\n",
		edits:  "192.0.2.1 a.example\n192.0.2.2 b.example",
		after:  "servers: {}\naddresses:\n  192.0.2.1: a.example\n  192.0.2.2: b.example\n# end\n",
	}, {
		name:   "an entry of no server goes with its name",
		before: "addresses:\n  192.0.2.1: a.example\n  # b\n  192.0.2.2: b.example # b\n  192.0.2.3: c.example\nservers: {}\n",
		edits:  "192.0.2.1\n192.0.2.2 -",
		after:  "addresses:\n  # b\n  192.0.2.3: c.example\nservers: {}\n",
	}, {
		name:   "all of them",
		before: "servers: {}\naddresses:\n  192.0.2.1: a.example\n  192.0.2.2: b.example\n",
		edits:  "192.0.2.1\n192.0.2.2",
		after:  "servers: {}\n",
	}, {
		name:   "a server's entries",
		before: "servers:\n  a:\n    addresses:\n      192.0.2.1: a.example\n      192.0.2.2:\n      192.0.2.3: {name: c.example}\n  b: {addresses: {192.0.2.4: d.example}, primary: 192.0.2.4}\n  c:\n    addresses:\n      192.0.2.5: e.example\n",
		edits:  "192.0.2.1 -\n192.0.2.2 -\n192.0.2.4 -\n192.0.2.5 -",
		after:  "servers:\n  a:\n    addresses:\n      192.0.2.3: {name: c.example}\n  b: {primary: 192.0.2.4}\n  c:\n    addresses: {}\n",
	}, {
		name:   "entries in braces",
		before: "servers:\n  a: {addresses: {192.0.2.1: , 192.0.2.2: , 192.0.2.3: c.example, 192.0.2.4: d.example, 192.0.2.5: e.example}}\n  b: {addresses: {\n    192.0.2.6: , # six\n    192.0.2.7: , # seven\n    192.0.2.8: }}\n",
		edits:  "192.0.2.1 -\n192.0.2.2 -\n192.0.2.4 -\n192.0.2.5 -\n192.0.2.6 -\n192.0.2.8 -",
		after:  "servers:\n  a: {addresses: {192.0.2.3: c.example}}\n  b: {addresses: {\n    192.0.2.7:  # seven\n    }}\n",
	}, {
		name:   "all at once",
		before: "addresses:\n  192.0.2.1: a.example\n  192.0.2.2: b.example\n",
		edits:  "192.0.2.1 -\n192.0.2.2\n192.0.2.3 c.example",
		after:  "addresses:\n  192.0.2.3: c.example\n",
	}, {
		name:   "CRLF, a byte order mark, no end of the last line",
		before: "\ufeffaddresses:\r\n  192.0.2.1:\ta.example # ä\r\n  192.0.2.3: c.example",
		edits:  "192.0.2.1 x.example\n192.0.2.2 b.example\n192.0.2.4 d.example",
		after:  "\ufeffaddresses:\r\n  192.0.2.1:\tx.example # ä\r\n  192.0.2.2: b.example\r\n  192.0.2.3: c.example\r\n  192.0.2.4: d.example",
	}, {
		name:   "nothing to take away",
		before: "servers: {a: {primary: 192.0.2.1, addresses: {192.0.2.2: }}}\n",
		edits:  "192.0.2.1 -\n192.0.2.2\n192.0.2.3\n198.51.100.1 -",
		after:  "servers: {a: {primary: 192.0.2.1, addresses: {192.0.2.2: }}}\n",
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mark := ""
			before, ok := strings.CutPrefix(tt.before, "\ufeff")
			if ok {
				mark = "\ufeff"
			}
			newline := "\n"
			if strings.Contains(before, "\r\n") {
				newline = "\r\n"
			}
			above := mark + strings.ReplaceAll(head+blocks, "\n", newline)
			tree(t, map[string]string{"records.yaml": above + before})
			if _, findings, _ := Load("records.yaml"); len(findings) > 0 {
				t.Fatalf("the source of the test has findings:\n%s", findingLines(findings))
			}
			e, findings := apply(t, editsOf(t, tt.edits))
			if len(findings) > 0 {
				t.Fatalf("findings:\n%s", findingLines(findings))
			}
			if err := e.Write(); err != nil {
				t.Fatal(err)
			}
			got := string(readFile(t, "records.yaml"))
			if d := cmp.Diff(above+strings.TrimPrefix(tt.after, mark), got); d != "" {
				t.Errorf("records.yaml (-want +got):\n%s", d)
			}
			if len(e.Found) > 0 {
				t.Errorf("the edited source has findings:\n%s", findingLines(e.Found))
			}
		})
	}
}
