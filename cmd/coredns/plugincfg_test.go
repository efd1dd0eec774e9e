package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPluginCfg follows docs/plugin-cfg.md, command by command. Two things differ: CoreDNS's source is copied from the
// module cache instead of being cloned, and revmap is this checkout, in the way the page gives for one.
//
// It compiles all of CoreDNS, Kubernetes and the clouds included: some minutes when Go's build cache is empty.
func TestPluginCfg(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: does not compile the whole of CoreDNS")
	}
	blocks := shellBlocks(t, filepath.Join("..", "..", "docs", "plugin-cfg.md"))
	if len(blocks) != 5 {
		t.Fatalf("docs/plugin-cfg.md has %d sh blocks, want 5: clone, sed, build, list, checkout", len(blocks))
	}
	clone, sed, build, list, checkout := blocks[0], blocks[1], blocks[2], blocks[3], blocks[4]
	if !strings.Contains(clone, "--branch v"+coreVersion(t)+" ") {
		t.Errorf("the page clones another version than go.mod's, %s:\n%s", coreVersion(t), clone)
	}
	const released = "go get github.com/revmap/revmap/plugin@latest\n"
	if !strings.Contains(build, released) {
		t.Fatalf("the page's build lacks %q:\n%s", released, build)
	}
	build = strings.Replace(build, released, checkout, 1)

	dir := t.TempDir()
	core := filepath.Join(dir, "coredns")
	stock := coreDNS(t)
	if err := os.CopyFS(core, os.DirFS(stock)); err != nil {
		t.Fatal(err)
	}
	ours, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(ours, filepath.Join(dir, "revmap")); err != nil {
		t.Fatal(err)
	}

	run(t, core, "bash", "-ec", sed)
	run(t, core, "bash", "-ec", build)

	if got := run(t, core, "bash", "-ec", list); got != "revmap\n" {
		t.Errorf("the page's last command prints %q, want %q", got, "revmap\n")
	}
	want := stockDirectives(t, stock)
	want = slices.Insert(want, slices.Index(want, "transfer")+1, "revmap")
	if got := stockDirectives(t, core); !slices.Equal(got, want) {
		t.Errorf("directives of the build = %q, want %q", got, want)
	}
}

// shellBlocks returns the contents of the fenced blocks marked sh in a Markdown file.
func shellBlocks(t *testing.T, path string) []string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(page), "\n```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

// coreVersion returns the version of CoreDNS in go.mod, without the v.
func coreVersion(t *testing.T) string {
	t.Helper()
	out := run(t, ".", "go", "list", "-m", "-f", "{{.Version}}", "github.com/coredns/coredns")
	return strings.TrimPrefix(strings.TrimSpace(out), "v")
}
