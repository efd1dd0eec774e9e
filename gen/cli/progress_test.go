package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/revmap/revmap/gen/source"
)

// A long run shows a line that is gone at its end, and says what splitting a large file would give.
func TestProgress(t *testing.T) {
	root := filepath.Join(t.TempDir(), "records.yaml")
	if err := os.WriteFile(root, []byte("version: 1\n#"+strings.Repeat(" ", muchInOne)), 0o666); err != nil {
		t.Fatal(err)
	}
	files, err := source.ReadFiles(root, source.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	g := &progress{Writer: &b, begun: time.Now().Add(-progressAfter)}
	read := g.of("read")
	read(1, 1200)
	read(2, 1200) // at once: it is not told
	g.adviseToSplit(files)
	g.end()
	want := "\r\x1b[K1 of 1,200 files read\r\x1b[K" + root + " has 4 MB: in files of 100 kB or so, named under include, it would be " +
		"read by all processors,\nand the next time only those that have changed\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}

	b.Reset()
	g = &progress{Writer: &b, begun: time.Now().Add(time.Hour)} // however long this test takes
	g.of("read")(1, 2)
	g.adviseToSplit(files)
	g.end()
	if b.Len() > 0 {
		t.Errorf("a quick run tells %q", b.String())
	}

	g = nil // no terminal
	if g.of("read") != nil {
		t.Error("a function to call where there is no terminal")
	}
	g.adviseToSplit(files)
	g.end()
}
