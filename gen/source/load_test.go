package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree makes files in a new folder, which becomes the current one, so that findings do not have its name. The folder
// above it has a file secret.yaml and a folder secrets with another.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	above := t.TempDir()
	dir := filepath.Join(above, "dns")
	all := map[string]string{"../secret.yaml": server("secret"), "../secrets/secret.yaml": server("secret")}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		target, link := strings.CutPrefix(text, "-> ")
		var err error
		switch {
		case text == "/":
			err = os.Mkdir(file, 0o755)
		case link:
			err = os.Symlink(target, file)
		default:
			err = os.WriteFile(file, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// root is a root file whose findings are those of its last line, 4.
func root(include string) string {
	return "version: 1\n" +
		"defaults: {nameservers: [ns.example.net], soa: {primary: ns.example.net, contact: h@example.net}}\n" +
		"servers: {root: {}}\n" +
		include + "\n"
}

func server(name string) string { return "servers: {" + name + ": {}}\n" }

// loadTests are trees of files and what Load says about them.
var loadTests = []struct {
	name     string
	files    map[string]string
	servers  string // in their order
	findings []string
}{{
	name:    "nothing included",
	files:   map[string]string{"records.yaml": root("")},
	servers: "root",
}, {
	name: "in the order of paths, not of patterns; each file once",
	files: map[string]string{
		"records.yaml":         root("include: [z.yaml, records.d/*.yaml, 'records.d/[a-b].yaml', ./records.d/*/*.yaml]"),
		"records.d/b.yaml":     server("b"),
		"records.d/a.yaml":     server("a"),
		"records.d/a/a.yaml":   server("aa"),
		"records.d/readme.txt": "no YAML",
		"z.yaml":               server("z"),
	},
	servers: "root a aa b z",
}, {
	name:    "the root file is not included again",
	files:   map[string]string{"records.yaml": root("include: ['*.yaml']"), "a.yaml": server("a")},
	servers: "root a",
}, {
	name: "every section",
	files: map[string]string{
		"records.yaml": root("include: [a.yaml]"),
		"a.yaml": "version: 1\naccounts: {a: {}}\nblocks: {192.0.2.0/24: }\nservers: {a: {}}\n" +
			"addresses: {192.0.2.1: a.example}\n",
	},
	servers: "root a",
}, {
	name: "a key of the root file",
	files: map[string]string{
		"records.yaml": root("include: [a.yaml]"),
		"a.yaml":       server("a") + "products: {}\nserver: {}\n",
	},
	servers: "root a",
	findings: []string{
		`a.yaml:2:1: unknown-key: unknown key "products" in an included file` +
			` (move it to the top level of the root file; the keys here are version, accounts, blocks, servers, addresses)`,
		`a.yaml:3:1: unknown-key: unknown key "server" in an included file` +
			` (write "servers"; the keys here are version, accounts, blocks, servers, addresses)`,
	},
}, {
	name: "findings of all files",
	files: map[string]string{
		"records.yaml": root("include: [b.yaml, a.yaml, c.yaml]"),
		"a.yaml":       "servers: {a: {helo: a b}}\n",
		"b.yaml":       "servers: {b: {helo: [}}\n",
		"c.yaml":       "",
	},
	servers: "root a",
	findings: []string{
		`a.yaml:1:21: name-invalid: "a b" is not a domain name: character ' ' is not one of a-z, 0-9, -, _ and /`,
		`b.yaml:1: syntax: this is not YAML: did not find expected node content` +
			` (look at this line, at what begins in it and at what ends in it: YAML does not tell the column)`,
		`c.yaml:1:1: syntax: the file is empty`,
	},
}, {
	name: "a hidden file is not meant, unless the pattern says so",
	files: map[string]string{
		"records.yaml":     root("include: ['d/*', 'd/.b*']"),
		"d/a.yaml":         server("a"),
		"d/.a.yaml.41.tmp": server("a"),
		"d/.#a.yaml":       "-> nobody@host.41",
		"d/.b.yaml":        server("b"),
	},
	servers: "root b a",
}, {
	name:    "a link that stays below the folder",
	files:   map[string]string{"records.yaml": root("include: ['d/*.yaml']"), "d/a.yaml": "-> ../a.txt", "a.txt": server("a")},
	servers: "root a",
}, {
	name: "a file and links to it, one to the root file among them: each once",
	files: map[string]string{
		"records.yaml": root("include: ['d/*.yaml']"),
		"d/a.yaml":     server("a"), "d/b.yaml": "-> a.yaml", "d/c.yaml": "-> ../records.yaml",
	},
	servers: "root a",
}, {
	name:    "a pattern that matches hidden files only",
	files:   map[string]string{"records.yaml": root("include: ['d/*']"), "d/.a.yaml": server("a")},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "d/*" matches no file`,
	},
}, {
	name:    "a pattern that matches nothing",
	files:   map[string]string{"records.yaml": root("include: [records.d/*.yaml]")},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "records.d/*.yaml" matches no file`,
	},
}, {
	name:    "a pattern of another program",
	files:   map[string]string{"records.yaml": root("include: ['**.yml']")},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "**.yml" matches no file (** is the same as *, which does not cross a /)`,
	},
}, {
	name:    "a bad pattern",
	files:   map[string]string{"records.yaml": root("include: ['[a']")},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "[a" cannot be read: syntax error in pattern`,
	},
}, {
	name:    "a path above the folder",
	files:   map[string]string{"records.yaml": root("include: [../*.yaml, a/../../secret.yaml, ..]")},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "../*.yaml" leaves the root file's folder (write a path below it, with /)`,
		`records.yaml:4:22: include-invalid: the pattern "a/../../secret.yaml" leaves the root file's folder (write a path below it, with /)`,
		`records.yaml:4:43: include-invalid: the pattern ".." leaves the root file's folder (write a path below it, with /)`,
	},
}, {
	name:    "an absolute path",
	files:   map[string]string{"records.yaml": root("include: [/etc/*.yaml]")},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "/etc/*.yaml" leaves the root file's folder (write a path below it, with /)`,
	},
}, {
	name: "a linked file outside the folder",
	files: map[string]string{
		"records.yaml": root("include: [d/*.yaml]"), "d/a.yaml": "-> ../../secret.yaml", "d/b.yaml": server("b"),
	},
	servers: "root b",
	findings: []string{
		`records.yaml:4:11: include-invalid: d/a.yaml: a link leaves the root file's folder`,
	},
}, {
	name:    "a linked folder outside the folder",
	files:   map[string]string{"records.yaml": root("include: [d/*.yaml]"), "d": "-> ../secrets"},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: the pattern "d/*.yaml" leaves the root file's folder by a link (move the files below it)`,
	},
}, {
	name:    "a link to nothing",
	files:   map[string]string{"records.yaml": root("include: ['*.y*']"), "a.yaml": "-> b.yaml"},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: a.yaml: cannot be read: no such file or directory`,
	},
}, {
	name:    "a folder",
	files:   map[string]string{"records.yaml": root("include: ['*']"), "d": "/"},
	servers: "root",
	findings: []string{
		`records.yaml:4:11: include-invalid: d: not a regular file`,
	},
}}

func TestLoad(t *testing.T) {
	for _, tt := range loadTests {
		t.Run(tt.name, func(t *testing.T) {
			tree(t, tt.files)
			s, findings, err := Load("records.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var servers []string
			for _, s := range s.Servers {
				servers = append(servers, s.Name.Value)
			}
			if got := strings.Join(servers, " "); got != tt.servers {
				t.Errorf("servers: %s, want %s", got, tt.servers)
			}
			var got []string
			for _, d := range findings {
				s := fmt.Sprintf("%s: %s: %s", d.Pos, d.Rule, d.Message)
				if d.Hint != "" {
					s += " (" + d.Hint + ")"
				}
				got = append(got, s)
			}
			if d := cmp.Diff(tt.findings, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

func TestLoadMergesEverySection(t *testing.T) {
	part := "accounts: {%[1]s: {}}\nblocks: {192.0.%[1]s.0/24: }\nservers: {s%[1]s: {}}\naddresses: {192.0.%[1]s.1: a.example}\n"
	tree(t, map[string]string{
		"records.yaml": root("include: ['?.yaml']"),
		"0.yaml":       fmt.Sprintf(part, "0"),
		"2.yaml":       fmt.Sprintf(part, "2"),
	})
	s, findings, err := Load("records.yaml")
	if err != nil || len(findings) > 0 {
		t.Fatal(err, findings)
	}
	got := fmt.Sprint(s.Files, len(s.Accounts), s.Accounts[1].Name, len(s.Blocks), s.Blocks[1].Prefix.Pos, len(s.Servers),
		s.Servers[2].Name.Pos, s.Addresses[0].Addr, s.Addresses[1].Names)
	want := "[records.yaml 0.yaml 2.yaml] 2 {2 2.yaml:1:12} 2 2.yaml:2:10 3 2.yaml:3:11 192.0.0.1 [{a.example. 2.yaml:4:24}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The zone files that patterns name are found, not read.
func TestLoadForwards(t *testing.T) {
	tree(t, map[string]string{
		"sub/records.yaml": root("forwards: ['z/*.zone', z/b.zone, '*.db', ../*.yaml]"),
		"sub/z/a.zone":     "", "sub/z/b.zone": "", "sub/z/c.zone": "-> b.zone", "sub/z/c.yaml": "",
	})
	s, findings, err := Load("sub/records.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Files, s.Forwards), "[sub/records.yaml] "+
		"[{z/a.zone sub/records.yaml:4:12} {z/b.zone sub/records.yaml:4:12}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var got []string
	for _, d := range findings {
		got = append(got, fmt.Sprintf("%s: %s: %s", d.Pos, d.Rule, d.Message))
	}
	want := []string{
		`sub/records.yaml:4:34: forwards-invalid: the pattern "*.db" matches no file`,
		`sub/records.yaml:4:42: forwards-invalid: the pattern "../*.yaml" leaves the root file's folder`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// TestLoadNamesFiles checks the names in positions when the root file is elsewhere.
func TestLoadNamesFiles(t *testing.T) {
	tree(t, map[string]string{"sub/records.yaml": root("include: [d/a.yaml]"), "sub/d/a.yaml": server("a")})
	for _, name := range []string{"sub/records.yaml", "./sub/records.yaml", "../dns/sub/records.yaml"} {
		s, findings, err := Load(name)
		if err != nil || len(findings) > 0 {
			t.Fatal(err, findings)
		}
		want := []string{name, filepath.Join(filepath.Dir(name), "d/a.yaml")}
		if d := cmp.Diff(want, s.Files); d != "" {
			t.Errorf("%s: files (-want +got):\n%s", name, d)
		}
		if got := s.Servers[1].Name.Pos.File; got != want[1] {
			t.Errorf("%s: a server is in %s, want %s", name, got, want[1])
		}
	}
}

func TestLoadWithoutRoot(t *testing.T) {
	if _, _, err := Load(filepath.Join(t.TempDir(), "records.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder can be loaded")
	}
}
