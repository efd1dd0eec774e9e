package build

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

const root = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
blocks:
  192.0.2.0/24: {}
include: [more/*.yaml]
`

// read writes a source of a root file and some others with a name for an address each, and reads it.
func read(t *testing.T, root string, names ...string) *source.Files {
	t.Helper()
	dir := t.TempDir()
	text := map[string]string{"records.yaml": root, "other.zone": `$ORIGIN other.example.
$TTL 3600
@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300
@ NS ns1.example.net.
`}
	for i, name := range names {
		text[fmt.Sprintf("more/f%02d.yaml", i)] = fmt.Sprintf("addresses: {192.0.2.%d: %s}\n", i+1, name)
	}
	write(t, dir, text)
	files, err := source.ReadFiles(filepath.Join(dir, "records.yaml"), source.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Lint says which sources are taken apart, and that the others are not.
func TestLint(t *testing.T) {
	var own, same []string
	for i := range 40 {
		own = append(own, fmt.Sprintf("h%d.example.net", i))
		same = append(same, "h.example.net")
	}
	routed := strings.Replace(root, "blocks:",
		"servers: {a: {addresses: {198.51.100.0/24: }}}\nblocks:\n  198.51.100.0/24: {}", 1)
	forwards := strings.Replace(root, "include:", "forwards: [other.zone]\ninclude:", 1)
	tests := []struct {
		name  string
		files *source.Files
		parts int // 0: the whole is taken
		rules []string
	}{
		{"nothing in common", read(t, root, own...), 41, nil},
		{"two files with the same name", read(t, root, append([]string{"h1.example.net"}, own...)...), 41, nil},
		{"all files with the same name", read(t, root, same...), 0, []string{"name-shared"}},
		{"a prefix routed in one block, names in another", read(t, routed, own...), 41, nil},
		{"a prefix routed, names in it", read(t, strings.Replace(routed, "198.51.100", "192.0.2", 1), own...), 0,
			slices.Repeat([]string{"address-routed-elsewhere"}, 40)},
		{"forward zone files", read(t, forwards, own...), 0, nil},
		{"forward zone files that are not there", read(t, strings.Replace(forwards, "other", "no", 1), own...), 41,
			[]string{"forwards-invalid"}},
		{"one file", read(t, strings.Replace(root, "include: [more/*.yaml]", "", 1)), 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			done := 0
			r, err := Lint(tt.files, Options{Today: today, Progress: func(int, int) { done++ }})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.fragments) != tt.parts {
				t.Errorf("%d parts, want %d", len(r.fragments), tt.parts)
			}
			if tt.parts > 0 && done != tt.files.Len() {
				t.Errorf("progress of %d files, want %d", done, tt.files.Len())
			}
			if diff := difference(t, tt.files, r); diff != "" {
				t.Error(diff)
			}
			var rules []string
			for _, d := range r.Findings {
				if d.Severity > diag.Note {
					rules = append(rules, d.Rule)
				}
			}
			if fmt.Sprint(rules) != fmt.Sprint(tt.rules) {
				t.Errorf("findings of %q, want %q", rules, tt.rules)
			}
		})
	}
}
