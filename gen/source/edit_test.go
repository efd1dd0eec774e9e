package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
)

// editsOf reads edits as the tests write them, one in a line: "ADDRESS NAME [TTL]", "ADDRESS" to take the name away,
// and "ADDRESS -" to take the entry away.
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
func apply(t *testing.T, edits []Edit) (*EditedFiles, diag.List) {
	t.Helper()
	e, findings, err := readRecords(t).Edit(edits, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return e, findings
}

// readRecords reads the source records.yaml of the current folder.
func readRecords(t *testing.T) *Files {
	t.Helper()
	f, err := ReadFiles("records.yaml", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sameFiles checks that a source is what another one promised.
func sameFiles(t *testing.T, promised, written *Files) {
	t.Helper()
	want, wantFound := promised.Join()
	got, gotFound := written.Join()
	if !reflect.DeepEqual(want, got) || !reflect.DeepEqual(wantFound, gotFound) {
		t.Errorf("%+v\n%v\nis what was promised; what is written is\n%+v\n%v", want, wantFound, got, gotFound)
	}
	for i := range written.Len() {
		if promised.Path(i) != written.Path(i) || promised.Sum(i) != written.Sum(i) || promised.Size(i) != written.Size(i) {
			t.Errorf("%s is not what was promised", written.Path(i))
		}
	}
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

func TestEdit(t *testing.T) {
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
			if _, found := e.Files.Join(); len(found) > 0 {
				t.Errorf("the edited source has findings:\n%s", findingLines(found))
			}
		})
	}
}

// Lines end as they did, even if a file has both ends.
func TestEditMixedLineEnds(t *testing.T) {
	const before = head + "blocks: {192.0.2.0/24: {}}\n"
	for _, tt := range []struct{ name, before, after string }{
		{"a file with LF", before + "addresses:\r\n  192.0.2.1: a.example\r\n  192.0.2.3: c.example\n",
			before + "addresses:\r\n  192.0.2.1: a.example\r\n  192.0.2.2: b.example\r\n  192.0.2.3: c.example\n"},
		{"a file with CRLF", "# Windows\r\n" + before + "addresses: {\n  192.0.2.1: a.example,\n  192.0.2.3: c.example\n}\n",
			"# Windows\r\n" + before + "addresses: {\n  192.0.2.1: a.example,\n  192.0.2.2: b.example,\n  192.0.2.3: c.example\n}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree(t, map[string]string{"records.yaml": tt.before})
			e, findings := apply(t, editsOf(t, "192.0.2.2 b.example"))
			if len(findings) > 0 {
				t.Fatalf("findings:\n%s", findingLines(findings))
			}
			if d := cmp.Diff(tt.after, string(e.Texts[0].New)); d != "" {
				t.Errorf("records.yaml (-want +got):\n%s", d)
			}
		})
	}
}

// A name that cannot be read is one that can be taken away.
func TestEditUnsetsInvalidName(t *testing.T) {
	const before = head + "blocks: {192.0.2.0/24: {}}\naddresses:\n  192.0.2.1: a.example\n"
	tree(t, map[string]string{"records.yaml": before + "  192.0.2.2: b..example\n"})
	e, findings := apply(t, editsOf(t, "192.0.2.2"))
	if len(findings) > 0 {
		t.Fatalf("findings:\n%s", findingLines(findings))
	}
	if d := cmp.Diff(before, string(e.Texts[0].New)); d != "" {
		t.Errorf("records.yaml (-want +got):\n%s", d)
	}
}

// What only people should touch, or nobody understands, is left alone.
func TestEditRefuses(t *testing.T) {
	const blocks = "blocks: {192.0.2.0/24: {}, 2001:db8::/32: {}}\n" // the source begins at line 4
	tests := []struct {
		name, source, edits string
		want                string // findings
	}{{
		name:   "outside of the blocks",
		source: "servers: {}\n",
		edits:  "198.51.100.1 a.example",
		want:   "edits:1:1: address-outside-blocks: 198.51.100.1 lies in none of the blocks\n",
	}, {
		name:   "bad values",
		source: "servers: {}\n",
		edits:  "192.0.2.1 a..example\n192.0.2.2 192.0.2.3\n192.0.2.3 a.example 5x\n192.0.2.4 a.example 99999999999",
		want: "edits:1:1: name-invalid: \"a..example\" is not a domain name: a label is empty\n" +
			"edits:2:1: name-invalid: want the name of a host, not the IP address \"192.0.2.3\"\n" +
			"edits:3:1: wrong-type: want a duration such as 15m, 1h30m, 2w or 3600 (seconds), not \"5x\"\n" +
			"edits:4:1: wrong-type: \"99999999999\" is too long: a TTL has at most 2147483647 seconds\n",
	}, {
		name:   "an address twice among the edits",
		source: "servers: {}\n",
		edits:  "2001:db8::1 a.example\n2001:db8:0::1",
		want:   "edits:2:1: edit-repeated: 2001:db8::1 is to be edited twice [edits:1:1: first here]\n",
	}, {
		name:   "an address twice in the source",
		source: "servers:\n  a: {addresses: {2001:db8::1: a.example, \"2001:db8:0::1\": b.example}, primary: 192.0.2.1}\n  b: {primary: 192.0.2.1}\naddresses: {192.0.2.2: a.example}\n",
		edits:  "192.0.2.1 c.example\n2001:db8::1 c.example\n192.0.2.2 c.example",
		want: "edits:1:1: edit-ambiguous: the source has 192.0.2.1 twice [records.yaml:5:3: here] [records.yaml:6:16: and here]\n" +
			"edits:2:1: edit-ambiguous: the source has 2001:db8::1 twice [records.yaml:5:19: here] [records.yaml:5:43: and here]\n",
	}, {
		name:   "a key twice",
		source: "addresses:\n  192.0.2.1: a.example\n  192.0.2.1: b.example\n",
		edits:  "192.0.2.2 c.example",
		want:   "records.yaml:6:3: duplicate-key: the key \"192.0.2.1\" is there already [records.yaml:5:3: first here]\n",
	}, {
		name:   "anchors, merge keys and files that cannot be read",
		source: "servers:\n  a: &a {primary: 192.0.2.1}\n  b: {<<: *a}\ninclude: [a.yaml]\n",
		edits:  "192.0.2.2 c.example",
		want: "records.yaml:5:6: syntax: anchors are not part of this format: &a\n" +
			"records.yaml:6:7: syntax: merge keys are not part of this format\n" +
			"records.yaml:7:11: include-invalid: the pattern \"a.yaml\" matches no file\n",
	}, {
		name:   "text over several lines",
		source: "servers:\n  a:\n    primary: 192.0.2.1\n    addresses:\n      192.0.2.1:\n      192.0.2.2: >-\n        a.example\n",
		edits:  "192.0.2.2 c.example\n192.0.2.3 d.example",
		want:   "records.yaml:9:18: edit-by-hand: revmap does not edit what is written like this\n",
	}, {
		name:   "keys with a question mark",
		source: "addresses:\n  ? 192.0.2.1\n  : a.example\n",
		edits:  "192.0.2.1",
		want:   "records.yaml:5:5: edit-by-hand: revmap does not edit what is written like this\n",
	}, {
		name:   "what the format does not have",
		source: "addresses:\n  192.0.2.1: {name: a.example, nmae: b.example}\n  192.0.2.2: [a.example]\n",
		edits:  "192.0.2.1 c.example 5m\n192.0.2.2 c.example",
		want: "records.yaml:5:32: edit-by-hand: revmap does not edit what is written like this\n" +
			"records.yaml:6:14: edit-by-hand: revmap does not edit what is written like this\n",
	}, {
		name:   "addresses that are no mapping",
		source: "servers: {a: {primary: 192.0.2.1, addresses: }}\n",
		edits:  "192.0.2.1 a.example",
		want:   "records.yaml:4:35: edit-by-hand: revmap does not edit what is written like this\n",
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree(t, map[string]string{"records.yaml": head + blocks + tt.source})
			e, findings := apply(t, editsOf(t, tt.edits))
			if d := cmp.Diff(tt.want, findingLines(findings)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if e != nil {
				t.Errorf("there are findings and a result: %+v", e)
			}
		})
	}
}

func TestEditWrongEdits(t *testing.T) {
	tree(t, map[string]string{"records.yaml": head + "blocks: {192.0.2.0/24: {}}\n"})
	files := readRecords(t)
	for _, e := range []Edit{
		{Name: "a.example"},
		{Addr: netip.MustParseAddr("::ffff:192.0.2.1")},
		{Addr: netip.MustParseAddr("fe80::1%eth0")},
		{Addr: netip.MustParseAddr("192.0.2.1"), Name: "a.example", Remove: true},
		{Addr: netip.MustParseAddr("192.0.2.1"), TTL: "5m"},
	} {
		if got, findings, err := files.Edit([]Edit{e}, os.ReadFile); err == nil {
			t.Errorf("%+v is made: %v, %v", e, got, findings)
		}
	}
}

// An address goes to the file that has its neighbours.
func TestEditFiles(t *testing.T) {
	files := map[string]string{
		"records.yaml": head + "blocks: {192.0.2.0/24: {}, 198.51.100.0/24: {}, 203.0.113.0/24: {}}\ninclude: ['?.yaml']\n",
		"a.yaml":       "addresses:\n  192.0.2.10: a.example\n",
		"b.yaml":       "addresses:\n  192.0.2.20: b.example\n  203.0.113.5: c.example\n",
	}
	tests := []struct{ name, edits, files string }{
		{"behind the one before", "192.0.2.11 x.example\n192.0.2.19 y.example\n192.0.2.30 z.example", "a.yaml b.yaml"},
		{"before the first of the block", "192.0.2.1 x.example", "a.yaml"},
		{"before the first of another block", "203.0.113.1 x.example", "b.yaml"},
		{"none in its block", "198.51.100.1 x.example", "records.yaml"},
		{"one edit here, one there", "192.0.2.10\n203.0.113.5 x.example", "a.yaml b.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree(t, files)
			e, findings := apply(t, editsOf(t, tt.edits))
			if len(findings) > 0 {
				t.Fatal(findingLines(findings))
			}
			var changed []string
			for _, f := range e.Texts {
				changed = append(changed, f.Path)
				if old, err := e.ReadFile(f.Path); err != nil || string(old) != string(f.New) {
					t.Errorf("ReadFile(%s) = %q, %v", f.Path, old, err)
				}
			}
			if got := strings.Join(changed, " "); got != tt.files {
				t.Errorf("%s, want %s", got, tt.files)
			}
			for file, text := range files {
				if got := string(readFile(t, file)); got != text {
					t.Errorf("Edit wrote %s: %q", file, got)
				}
			}
		})
	}
}

// A name that is none of YAML's words, and none that YAML takes for something else, keeps what it says.
func TestEditNames(t *testing.T) {
	for _, name := range []string{"null", "~.example", "1.5", "0x10", "-a.example", "yes", "日本.example", "a\u00ad.example", "x_y"} {
		tree(t, map[string]string{"records.yaml": head + "blocks: {192.0.2.0/24: }\nservers: {a: {primary: 192.0.2.1}}\n"})
		want, err := ParseName(name)
		e, findings := apply(t, []Edit{{Addr: netip.MustParseAddr("192.0.2.1"), Name: name, Pos: diag.Position{File: "edit"}}})
		switch {
		case err != nil:
			if len(findings) != 1 || findings[0].Rule != "name-invalid" {
				t.Errorf("%q: %v", name, findings)
			}
		case len(findings) > 0:
			t.Errorf("%q: %v", name, findings)
		default:
			s, _ := e.Files.Join()
			if got := s.Servers[0].Addresses[0].Names[0].Value; got != want {
				t.Errorf("%q: %q, want %q", name, got, want)
			}
		}
	}
}

func TestEditedFilesWrite(t *testing.T) {
	edited := func(t *testing.T) *EditedFiles {
		tree(t, map[string]string{
			"records.yaml": head + "blocks: {192.0.2.0/24: }\ninclude: ['*/*.yaml']\n",
			"a/a.yaml":     "addresses: {192.0.2.1: a.example}\n",
			"b/b.yaml":     "-> ../b/b.txt",
			"b/b.txt":      "addresses: {192.0.2.2: b.example}\n",
			"c/c.yaml":     "accounts: {c: {}}\nblocks: {192.0.3.0/24: }\nservers: {c: {}}\n# revmap:ignore syntax reason=c\nserver: {}\n",
		})
		e, findings := apply(t, editsOf(t, "192.0.2.1 x.example\n192.0.2.2 y.example"))
		if len(findings) > 0 {
			t.Fatal(findingLines(findings))
		}
		return e
	}
	files := func(t *testing.T, want ...string) {
		t.Helper()
		for i, file := range []string{"a/a.yaml", "b/b.txt"} {
			if got := string(readFile(t, file)); got != want[i] {
				t.Errorf("%s has %q, want %q", file, got, want[i])
			}
		}
		for _, pattern := range []string{".*.tmp", "*/.*.tmp"} {
			if left, _ := filepath.Glob(pattern); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		}
	}
	t.Run("good", func(t *testing.T) {
		e := edited(t)
		if err := os.Chmod("a/a.yaml", 0o600); err != nil {
			t.Fatal(err)
		}
		if err := e.Write(); err != nil {
			t.Fatal(err)
		}
		files(t, "addresses: {192.0.2.1: x.example}\n", "addresses: {192.0.2.2: y.example}\n")
		if info, err := os.Stat("a/a.yaml"); err != nil || info.Mode() != 0o600 {
			t.Errorf("permissions: %v, %v", info.Mode(), err)
		}
		if info, err := os.Lstat("b/b.yaml"); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is none any more: %v, %v", info.Mode(), err)
		}
		sameFiles(t, e.Files, readRecords(t))
	})
	t.Run("a file has changed", func(t *testing.T) {
		e := edited(t)
		const other = "addresses: {192.0.2.2: somebody.example}\n"
		if err := os.WriteFile("b/b.txt", []byte(other), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := e.Write(); !errors.Is(err, errChanged) || !strings.Contains(err.Error(), "b/b.yaml") {
			t.Errorf("error: %v", err)
		}
		files(t, "addresses: {192.0.2.1: a.example}\n", other)
	})
	t.Run("no file can be made", func(t *testing.T) {
		e := edited(t)
		if err := os.Rename("b/b.txt", "b.txt"); err != nil {
			t.Fatal(err)
		}
		if err := e.Write(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error: %v", err)
		}
		if err := os.Rename("b.txt", "b/b.txt"); err != nil {
			t.Fatal(err)
		}
		files(t, "addresses: {192.0.2.1: a.example}\n", "addresses: {192.0.2.2: b.example}\n")
	})
	t.Run("a file that may not be written", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("the superuser may write all files")
		}
		e := edited(t)
		if err := os.Chmod("b/b.txt", 0o444); err != nil {
			t.Fatal(err)
		}
		if err := e.Write(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("error: %v", err)
		}
		files(t, "addresses: {192.0.2.1: a.example}\n", "addresses: {192.0.2.2: b.example}\n")
	})
	t.Run("the second cannot be put in place", func(t *testing.T) {
		e := edited(t)
		failing := errors.New("no")
		rename = func(from, to string) error {
			if filepath.Base(to) == "b.txt" {
				return failing
			}
			return os.Rename(from, to)
		}
		defer func() { rename = os.Rename }()
		if err := e.Write(); !errors.Is(err, failing) {
			t.Errorf("error: %v", err)
		}
		files(t, "addresses: {192.0.2.1: a.example}\n", "addresses: {192.0.2.2: b.example}\n")
	})
}

// Of edits that are made at once in one state of a source, one is written, and the others are told.
func TestEditedFilesWriteTogether(t *testing.T) {
	for range 20 {
		tree(t, map[string]string{"records.yaml": head + "blocks: {192.0.2.0/24: {}}\n"})
		edits := make([]*EditedFiles, 8)
		for i := range edits {
			edits[i], _ = apply(t, editsOf(t, fmt.Sprintf("192.0.2.%d a.example", i)))
		}
		failed := make([]error, len(edits))
		var writers sync.WaitGroup
		for i, e := range edits {
			writers.Go(func() { failed[i] = e.Write() })
		}
		writers.Wait()
		written := -1
		for i, err := range failed {
			switch {
			case err == nil && written >= 0:
				t.Fatalf("the edits %d and %d are written, and the first is lost", written, i)
			case err == nil:
				written = i
			case !errors.Is(err, errChanged):
				t.Fatal(err)
			}
		}
		if written < 0 {
			t.Fatal("no edit is written")
		}
		if got := readFile(t, "records.yaml"); !bytes.Equal(got, edits[written].Texts[0].New) {
			t.Fatalf("another edit than %d is written:\n%s", written, got)
		}
	}
}

func TestReadEdits(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"lines", "192.0.2.1,a.example\r\n192.0.2.2,\r\n\r\n 2001:db8::1 , b.example \n", "1:1 192.0.2.1 a.example \n2:1 192.0.2.2  \n4:2 2001:db8::1 b.example \n"},
		{"header", "\ufeffTTL,Name,server,address\n5m,\"a.example\",é,192.0.2.1\n,b.example,\"é\",\"192.0.2.2\"\n",
			"2:18 192.0.2.1 a.example 5m\n3:16 192.0.2.2 b.example \n"},
		{"semicolons", "192.0.2.1; a.example\r\n\"192.0.2.2\";\r\n", "1:1 192.0.2.1 a.example \n2:1 192.0.2.2  \n"},
		{"tabs", "server\taddress\tttl\tname\n\t192.0.2.1\t\ta.example\n", "2:2 192.0.2.1 a.example \n"},
		{"nothing", "", ""},
		{"no name in the header", "address,names\n", "f:1:1: edit-line: the header lacks \"name\"\n"},
		{"a column twice", "address,Name,x,x,name\n", "f:1:18: edit-line: the header has \"name\" twice\n"},
		{"bad lines", "192.0.2.1\né,a.example\n192.0.2.0/24,a.example\n::ffff:192.0.2.1,a.example\n192.0.2.1,a,b\n",
			"f:1:1: edit-line: want 2 fields, not 1\n" +
				"f:2:1: address-invalid: \"é\" is not an IP address: unable to parse IP\n" +
				"f:3:1: address-invalid: want an IP address, not the prefix \"192.0.2.0/24\"\n" +
				"f:4:1: address-invalid: \"::ffff:192.0.2.1\" is an IPv4-mapped IPv6 address\n" +
				"f:5:1: edit-line: want 2 fields, not 3\n"},
		{"a TTL without a name", "address,name,ttl\n192.0.2.1,é.example,5m\n192.0.2.1,,5m\n", "f:3:12: edit-line: a TTL without a name\n"},
		{"bad quotes", "192.0.2.1,a.example\n192.0.2.2,é\"b\"\n192.0.2.3,c\n", "f:2:12: edit-line: this is not CSV: bare \" in non-quoted-field\n"},
		{"no end of quotes", "192.0.2.1,\"a.example\n", "f:1:21: edit-line: this is not CSV: extraneous or missing \" in quoted-field\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits, findings := ReadEdits("f", []byte(tt.text))
			got := findingLines(findings)
			if got == "" {
				for _, e := range edits {
					got += fmt.Sprintf("%d:%d %s %s %s\n", e.Pos.Line, e.Pos.Column, e.Addr, e.Name, e.TTL)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
