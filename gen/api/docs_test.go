package api

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/internal/peer"
)

const docsPage = "../../docs/api.md"

var (
	sourceShown = regexp.MustCompile("(?s)```yaml\n(version: 1\n.*?)```")
	console     = regexp.MustCompile("(?s)```console\n(.*?)```")
	commitID    = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
	branchTime  = regexp.MustCompile(`\b\d{8}-\d{6}\b`)
	commitTime  = regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// TestDocs runs the examples of docs/api.md, one after the other, and compares what they print; -update writes that.
func TestDocs(t *testing.T) {
	peer.Needs(t, "curl", "hcloud", "jq")
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteOf(t, string(sourceShown.FindSubmatch(page)[1]), "")
	dir := t.TempDir()
	var exports []string
	got := console.ReplaceAllStringFunc(string(page), func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		lines := strings.SplitAfter(strings.TrimSuffix(strings.TrimPrefix(block, "```console\n"), "```"), "\n")
		for i, line := range lines {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			b.WriteString(line)
			command = strings.TrimSpace(command)
			if strings.HasPrefix(command, "export ") {
				exports = append(exports, command)
				continue
			}
			if name, ok := strings.CutPrefix(command, "cat "); ok { // a file that the page shows
				text := shown(lines[i+1:])
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("bash", "-c", strings.Join(append(exports, command), "\n"))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "REVMAP="+s.url, "TOKEN="+s.tokens["acme"], "HOME="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
			text := commitID.ReplaceAllString(string(out), "5be21c3a4f6d8e9071b2c3d4e5f60718293a4b5c")
			text = branchTime.ReplaceAllString(text, "20260102-150405")
			b.WriteString(commitTime.ReplaceAllString(text, "2026-01-02T15:04:05Z"))
		}
		b.WriteString("```")
		return b.String()
	})
	if *update {
		if err := os.WriteFile(docsPage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(page), got); d != "" {
		t.Errorf("%s is not what the examples print (run go test ./gen/api -run TestDocs -update) (-page +printed):\n%s",
			docsPage, d)
	}
}

// shown returns the lines of a session up to the next command.
func shown(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if strings.HasPrefix(line, "$ ") {
			break
		}
		b.WriteString(line)
	}
	return b.String()
}
