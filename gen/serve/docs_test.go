//go:build unix

package serve_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/peer"
)

const servePage = "../../docs/serve.md"

var consoles = regexp.MustCompile("(?s)```console\n(.*?)```\n")

// TestServePage executes the consoles of docs/serve.md, and compares what they print.
func TestServePage(t *testing.T) {
	peer.Needs(t, "curl")
	page, err := os.ReadFile(servePage)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.serve()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "revmap")); err != nil {
		t.Fatal(err)
	}
	_, tokens := people()
	env := append(w.environment(), "PATH="+bin+":"+os.Getenv("PATH"), "REVMAP="+w.url, "TOKEN="+tokens["acme"])
	blocks := consoles.FindAllStringSubmatch(string(page), -1)
	if len(blocks) == 0 {
		t.Fatal("the page has no console")
	}
	for _, block := range blocks {
		var got strings.Builder
		for line := range strings.Lines(block[1]) {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			got.WriteString(line)
			c := exec.Command("bash", "-c", command)
			c.Dir, c.Env = w.Dir, env
			out, err := c.CombinedOutput()
			got.Write(out)
			if n := len(out); n > 0 && out[n-1] != '\n' {
				got.WriteByte('\n')
			}
			if err != nil {
				t.Errorf("%s: %v", command, err)
			}
		}
		if got.String() != block[1] {
			t.Errorf("the page has:\n%s\nbut this happens:\n%s", block[1], got.String())
		}
	}
}

// TestServePageFlags: the flags of serve that the page names are those that there are.
func TestServePageFlags(t *testing.T) {
	flags := func(text string) []string {
		return regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(text, -1)
	}
	page, err := os.ReadFile(servePage)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, own, _ := strings.Cut(string(reference), "\n## revmap serve\n")
	own, _, _ = strings.Cut(own, "\n## ")
	_, own, _ = strings.Cut(own, "\nFlags:\n")
	have := flags(own)
	if len(have) < 10 {
		t.Fatalf("docs/cli.md has these flags of serve: %s", have)
	}
	text := string(page)
	for _, elsewhere := range []*regexp.Regexp{ // flags of other programs
		consoles, regexp.MustCompile(`(?m)^revmap user .*$`), regexp.MustCompile("`(git|revmap user) .*?`"),
	} {
		text = elsewhere.ReplaceAllString(text, "")
	}
	named := flags(text)
	for _, flag := range named {
		if !slices.Contains(have, flag) {
			t.Errorf("the page names %s, which serve does not have", flag)
		}
	}
	for _, flag := range have {
		if !slices.Contains(named, flag) && flag != "--help" && flag != "--resolver" {
			t.Errorf("the page does not name %s", flag)
		}
	}
}
