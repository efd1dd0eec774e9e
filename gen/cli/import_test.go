package cli

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/internal/peer"
)

const importPage = "../../docs/import.md"

var (
	// shownFile is a file of the page: its name, at the end of a line, and what it holds.
	shownFile = regexp.MustCompile("(?s)`([^`\n]+)`:\n\n```(?:zone|csv)\n(.*?)```\n")
	// shownRun is a list of commands of the page with their output.
	shownRun = regexp.MustCompile("(?s)```console\n(.*?)```\n")
)

// TestImportPage executes docs/import.md; -update writes the output of its commands.
func TestImportPage(t *testing.T) {
	file, err := filepath.Abs(importPage)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	t.Chdir(t.TempDir())
	writeShown(t, ".", shownFile, page)
	got := shownRun.ReplaceAllFunc(page, func(block []byte) []byte {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(string(block)) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				b.WriteString(line)
				b.WriteString(execute(t, strings.Fields(command)))
			}
		}
		b.WriteString("```\n")
		return []byte(b.String())
	})
	checkPage(t, file, string(page), string(got))
}

// execute returns what a command of a page prints: revmap, cat, or head.
func execute(t *testing.T, command []string) string {
	t.Helper()
	switch command[0] {
	case "revmap":
		_, stdout, stderr := run(t.Context(), command[1:]...)
		return stdout + stderr
	case "cat", "head":
		text, err := os.ReadFile(command[1])
		if err != nil {
			t.Fatal(err)
		}
		if lines := slices.Collect(strings.Lines(string(text))); command[0] == "head" && len(lines) > 10 {
			return strings.Join(lines[:10], "")
		}
		return string(text)
	}
	t.Fatalf("the page has a command that the test does not know, %q", command[0])
	return ""
}

// TestImportPageIsComplete: docs/import.md tells of each finding of import, and of no other.
func TestImportPageIsComplete(t *testing.T) {
	page, err := os.ReadFile(importPage)
	if err != nil {
		t.Fatal(err)
	}
	var told, have []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(import-[a-z-]+)` \\|").FindAllSubmatch(page, -1) {
		told = append(told, string(m[1]))
	}
	files, err := filepath.Glob("../migrate/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && strings.HasPrefix(spec.Names[0].Name, "Finding") {
				id, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				have = append(have, id)
			}
			return true
		})
	}
	slices.Sort(told)
	slices.Sort(have)
	if diff := cmp.Diff(have, told); diff != "" {
		t.Errorf("findings (-code +page):\n%s", diff)
	}
}

// TestImportTransfer imports a zone from a name server that wants a key, and compiles what it got.
func TestImportTransfer(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const secret = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
	var zone bytes.Buffer
	zone.WriteString("$TTL 3600\n@ SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300\n")
	zone.WriteString("@ NS ns1.example.net.\n")
	for i := range 200 {
		fmt.Fprintf(&zone, "%d PTR host%d.example.net.\n", i+1, i+1)
	}
	server := peer.BIND(t, peer.Config{
		Zones:   []peer.Zone{{Name: "2.0.192.in-addr.arpa.", File: write("zone", zone.String())}},
		Key:     &peer.Key{Name: "import.example.", Secret: secret},
		PerZone: `allow-transfer { key "import.example."; };`,
	})
	output := filepath.Join(dir, "records.yaml")
	args := []string{"import", "-o", output, "--axfr", server.Addr, "2.0.192.in-addr.arpa"}
	status, stdout, stderr := run(t.Context(), args...)
	if status != StatusFailure || !strings.Contains(stderr, "REFUSED") {
		t.Errorf("without a key: status %d, %s%s", status, stdout, stderr)
	}
	args = append(args, "--tsig-file", write("key", "import.example:hmac-sha256:"+secret))
	status, stdout, stderr = run(t.Context(), args...)
	if status != StatusClean || !strings.HasSuffix(stdout, ": 1 block, 0 servers, 200 addresses of no server\n") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	status, _, stderr = run(t.Context(), "compile", "-q", "-o", filepath.Join(dir, "records.snapshot"), output)
	if status != StatusClean {
		t.Errorf("the source does not compile: %s", stderr)
	}
}
