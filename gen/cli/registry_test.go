package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const registryPage = "../../docs/registry.md"

// TestRegistryPage runs the command of docs/registry.md with the source of the page, and compares what it prints; -update
// writes it.
func TestRegistryPage(t *testing.T) {
	path, err := filepath.Abs(registryPage)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)\n```yaml\n(.*?)```\n\n```console\n(\\$ revmap ([^\n]*)\n.*?)```\n").FindSubmatchIndex(page)
	if m == nil {
		t.Fatalf("%s lacks the source and the command", registryPage)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("records.yaml", page[m[2]:m[3]], 0o644); err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(string(page[m[6]:m[7]]))
	var stdout, stderr bytes.Buffer
	if status := Main(t.Context(), args, nil, &stdout, &stderr); status != StatusClean {
		t.Fatalf("revmap %s: status %d\n%s", strings.Join(args, " "), status, &stderr)
	}
	got := bytes.Join([][]byte{page[:m[7]], []byte("\n"), stdout.Bytes(), stderr.Bytes(), page[m[5]:]}, nil)
	checkPage(t, path, string(page), string(got))
}
