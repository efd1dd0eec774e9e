package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

// checkFiles holds ReadFiles to Load, and each file to what Parse returns for it.
func checkFiles(t *testing.T, root string, o ReadOptions) {
	t.Helper()
	want, found, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadFiles(root, o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // what Join returns is the caller's
		got, findings := f.Join()
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("source (-Load +Join):\n%s", d)
		}
		if d := cmp.Diff(found, findings, same); d != "" {
			t.Errorf("findings (-Load +Join):\n%s", d)
		}
		clear(got.Servers)
		clear(got.Addresses)
		clear(findings)
	}
	for i := range f.Len() {
		data := readFile(t, f.Path(i))
		want, found := Parse(f.Path(i), data, i > 0)
		got, findings := f.Read(i)
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("%s (-Parse +Read):\n%s", f.Path(i), d)
		}
		if d := cmp.Diff(found, findings, same); d != "" {
			t.Errorf("findings of %s (-Parse +Read):\n%s", f.Path(i), d)
		}
		if f.Sum(i) != sha256.Sum256(data) || f.Size(i) != len(data) {
			t.Errorf("%s has %d bytes, sum %x", f.Path(i), f.Size(i), f.Sum(i))
		}
	}
}

func TestReadFilesIsLoad(t *testing.T) {
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
