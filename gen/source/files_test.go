package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// same compares sources, and findings, in all that can be told from outside: nil from empty is no difference.
var same = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.EquateComparable(Addr{}, Prefix{}),
	cmp.Comparer(func(a, b *hostname.Template) bool {
		return a == nil && b == nil || a != nil && b != nil && a.String() == b.String()
	}),
}

// checkFiles holds each of the files to what Parse returns for it, and all together to what is in them.
func checkFiles(t *testing.T, root string, o ReadOptions) {
	t.Helper()
	f, err := ReadFiles(root, o)
	if err != nil {
		t.Fatal(err)
	}
	all, found := Parse(root, readFile(t, root), false)
	all.Forwards = f.Forwards()
	found = append(found, f.Findings()...)
	for i := range f.Len() {
		data := readFile(t, f.Path(i))
		want, wrong := Parse(f.Path(i), data, i > 0)
		got, findings := f.Read(i)
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("%s (-Parse +Read):\n%s", f.Path(i), d)
		}
		if d := cmp.Diff(wrong, findings, same); d != "" {
			t.Errorf("findings of %s (-Parse +Read):\n%s", f.Path(i), d)
		}
		if f.Sum(i) != sha256.Sum256(data) || f.Size(i) != len(data) {
			t.Errorf("%s has %d bytes, sum %x", f.Path(i), f.Size(i), f.Sum(i))
		}
		if i > 0 {
			all.Files = append(all.Files, f.Path(i))
			all.Accounts = append(all.Accounts, want.Accounts...)
			all.Blocks = append(all.Blocks, want.Blocks...)
			all.Servers = append(all.Servers, want.Servers...)
			all.Addresses = append(all.Addresses, want.Addresses...)
			all.Waivers = append(all.Waivers, want.Waivers...)
			found = append(found, wrong...)
		}
	}
	for range 2 { // what Join returns is the caller's
		got, findings := f.Join()
		if d := cmp.Diff(all, got, same); d != "" {
			t.Errorf("source (-want +Join):\n%s", d)
		}
		if d := cmp.Diff(found.Sort(), findings, same); d != "" {
			t.Errorf("findings (-want +Join):\n%s", d)
		}
		for i := range got.Servers {
			clear(got.Servers[i].Addresses)
		}
		clear(got.Addresses)
		clear(findings)
	}
}

func TestReadFiles(t *testing.T) {
	for _, file := range slices.Concat(glob(t, "testdata/ok/*.yaml"), glob(t, "testdata/err/*.yaml")) {
		t.Run(filepath.Base(file), func(t *testing.T) { checkFiles(t, file, ReadOptions{}) })
	}
	for _, tt := range loadTests {
		t.Run(tt.name, func(t *testing.T) {
			tree(t, tt.files)
			checkFiles(t, "records.yaml", ReadOptions{})
		})
	}
}

// openCache returns an empty cache.
func openCache(t *testing.T) (c *cache.Cache, dir string) {
	t.Helper()
	dir = t.TempDir()
	c, err := cache.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestReadFilesCached(t *testing.T) {
	c, dir := openCache(t)
	o := ReadOptions{Cache: c}
	large := string(benchmarkFile(50))
	tree(t, map[string]string{
		"records.yaml": root("include: ['*.yaml']") + strings.Repeat("# a comment\n", 500),
		"a.yaml":       large, "b.yaml": large, "c.yaml": large + "server: {}\n", "d.yaml": server("d"),
	})
	entries := func() int {
		t.Helper()
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for range 2 {
		checkFiles(t, "records.yaml", o)
		if n := entries(); n != 3 {
			t.Errorf("the cache has %d entries, want one for the root file, one for a and b, one for c", n)
		}
	}
	if err := os.WriteFile("b.yaml", []byte(strings.ReplaceAll(large, "server7:", "changed:")), 0o644); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, "records.yaml", o)
	if n := entries(); n != 4 {
		t.Errorf("after a change, the cache has %d entries, want one more", n)
	}
	if err := os.WriteFile("records.yaml", []byte(root("include: [records.yaml, a.yaml]")), 0o644); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, "records.yaml", o)
}

// The same content says something else in a root file and in an included one.
func TestReadFilesCachedAsRootAndIncluded(t *testing.T) {
	c, _ := openCache(t)
	text := root("include: [sub/a.yaml]") + strings.Repeat("# a comment\n", 500)
	tree(t, map[string]string{"records.yaml": text, "sub/a.yaml": text})
	for range 2 {
		checkFiles(t, "records.yaml", ReadOptions{Cache: c})
	}
}

// What is in the cache is used; bytes that are no form are a finding and not a crash.
func TestReadFilesBadForm(t *testing.T) {
	c, _ := openCache(t)
	text := benchmarkFile(50)
	tree(t, map[string]string{"records.yaml": root("include: [a.yaml]"), "a.yaml": string(text)})
	sum := sha256.Sum256(text)
	c.Put(c.Key("included file", sum[:]), []byte("\xff"))
	f, err := ReadFiles("records.yaml", ReadOptions{Cache: c})
	if err != nil {
		t.Fatal(err)
	}
	s, findings := f.Join()
	if len(findings) != 1 || findings[0].Pos.File != "a.yaml" || findings[0].Severity != diag.Error {
		t.Errorf("findings: %v", findings)
	}
	if !slices.Equal(s.Files, []string{"records.yaml", "a.yaml"}) {
		t.Errorf("files: %s", s.Files)
	}
}

func TestReadFilesFrom(t *testing.T) {
	tree(t, map[string]string{
		"records.yaml": root("include: ['*.yaml']"), "a.yaml": server("a"), "b.yaml": "servers: [\n",
	})
	folder, err := OpenCopy("dns/records.yaml", ".", "main:")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	want, found, err := LoadFrom(folder, "records.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadFilesFrom(folder, "records.yaml", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, findings := f.Join()
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("source (-LoadFrom +Join):\n%s", d)
	}
	if d := cmp.Diff(found, findings, same); d != "" {
		t.Errorf("findings (-LoadFrom +Join):\n%s", d)
	}
	if f.Path(1) != "main:dns/a.yaml" {
		t.Errorf("a file is %s", f.Path(1))
	}
	if _, err := ReadFilesFrom(folder, "none.yaml", ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Of a source that was read before, only what has changed is read again, and as the kind of file that it is.
func TestReadFilesPrevious(t *testing.T) {
	tree(t, map[string]string{
		"records.yaml": root("include: ['?.yaml']"), "a.yaml": server("a"), "b.yaml": server("b"), "c.yaml": server("c"),
	})
	previous, err := ReadFiles("records.yaml", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"b.yaml": server("other"), "d.yaml": server("d")} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove("c.yaml"); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, "records.yaml", ReadOptions{Previous: previous})
	f, err := ReadFiles("records.yaml", ReadOptions{Previous: previous})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false, false} {
		taken := slices.ContainsFunc(previous.outlines(), func(o *outline) bool { return o == f.outlines()[i] })
		if taken != want {
			t.Errorf("%s is taken from before: %v, want %v", f.Path(i), taken, want)
		}
	}
	if err := os.WriteFile("a.yaml", []byte(root("include: [records.yaml]")), 0o644); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, "a.yaml", ReadOptions{Previous: f})
}

func TestReadFilesWithoutRoot(t *testing.T) {
	if _, err := ReadFiles(filepath.Join(t.TempDir(), "records.yaml"), ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := ReadFiles(t.TempDir(), ReadOptions{}); err == nil {
		t.Error("a folder can be read")
	}
}

// A file that cannot be read is not among Files, but in their findings.
func TestReadFilesUnreadable(t *testing.T) {
	tree(t, map[string]string{"records.yaml": root("include: ['*.y*', z]"), "a.yaml": server("a"), "b.yaml": "-> c.yaml"})
	f, err := ReadFiles("records.yaml", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(f.Len(), f.Path(1), f.Findings())
	want := `2a.yaml[` +
		`{records.yaml:4:11 - error include-invalid b.yaml: cannot be read: no such file or directory [] } ` +
		`{records.yaml:4:19 - error include-invalid the pattern "z" matches no file [] }]`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestReadFilesProgress(t *testing.T) {
	files := map[string]string{"records.yaml": root("include: ['d/*']"), "d/none.yaml": "-> nowhere"}
	for i := range 20 {
		files[fmt.Sprintf("d/%d.yaml", i)] = server(fmt.Sprint("s", i))
	}
	tree(t, files)
	var got []int
	_, err := ReadFiles("records.yaml", ReadOptions{Progress: func(done, total int) {
		if total != 21 {
			t.Errorf("%d files, want 21", total)
		}
		got = append(got, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 21 || !slices.IsSorted(got) || got[20] != 21 {
		t.Errorf("progress %v, want 1 to 21", got)
	}
}
