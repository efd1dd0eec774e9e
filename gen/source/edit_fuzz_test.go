package source

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/revmap/revmap/gen/diag"
)

// FuzzEdit makes an edit in any file. There are findings, or what the file says then is what it said with the edit
// made, which Edit holds itself to.
func FuzzEdit(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			f.Add(readFile(f, file), "192.0.2.10", "a.example", "5m", false)
			f.Add(readFile(f, file), "192.0.2.12", "a.example", "default", false)
			f.Add(readFile(f, file), "2001:db8:0:1::25", "", "", true)
		}
	}
	const source = head + "blocks: {192.0.2.0/24: }\n" +
		"servers: {a: {primary: 192.0.2.10, addresses: {\n192.0.2.12: , 192.0.2.13:\n}}}\n"
	f.Add([]byte(source), "192.0.2.10", "a.example", "", false)
	f.Add([]byte(source), "192.0.2.14", "null", "", false)
	f.Add([]byte(source+"addresses:\n  192.0.2.12: a\n"), "192.0.2.13", "", "", true)
	f.Chdir(f.TempDir())
	f.Fuzz(func(t *testing.T, data []byte, address, name, ttl string, remove bool) {
		edits, _ := ReadEdits("edits", []byte(address+","))
		if len(edits) != 1 || name != "" && remove || name == "" && ttl != "" {
			return
		}
		e := Edit{Addr: edits[0].Addr, Name: name, TTL: ttl, Remove: remove, Pos: diag.Position{File: "edit"}}
		if err := os.WriteFile("records.yaml", data, 0o644); err != nil {
			t.Fatal(err)
		}
		files := readRecords(t)
		got, findings, err := files.Edit([]Edit{e}, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) > 0 {
			if got != nil {
				t.Errorf("findings and a result: %v", findings)
			}
			return
		}
		s, _ := files.Join()
		is, _ := got.Files.Join()
		if want := edited(s, []Edit{e}); !reflect.DeepEqual(want, saidBy(is)) {
			t.Errorf("%v, want %v", saidBy(is), want)
		}
		for _, f := range got.Texts {
			if slices.Equal(f.Old, f.New) {
				t.Errorf("%s does not change", f.Path)
			}
		}
	})
}

// FuzzReadEdits checks what holds for every file: ReadEdits does not panic, and has findings or an edit for each line.
func FuzzReadEdits(f *testing.F) {
	f.Add([]byte("address,name\n192.0.2.1,a.example\n192.0.2.2,\n"))
	f.Add([]byte("\ufeffttl,name,address\r\n5m,\"a.example\",2001:db8::1\r\n"))
	f.Add([]byte("192.0.2.1\n192.0.2.1,\"a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		edits, findings := ReadEdits("f", data)
		for _, d := range findings {
			if d.Pos.File != "f" || d.Pos.Line < 1 || d.Pos.Column < 1 || d.Rule == "" || d.Severity != diag.Error {
				t.Errorf("incomplete: %+v", d)
			}
		}
		for _, e := range edits {
			if !e.Addr.IsValid() || e.Addr.Zone() != "" || e.Addr.Is4In6() || e.Pos.Line < 1 || e.Pos.Column < 1 || e.Remove {
				t.Errorf("no edit of a line: %+v", e)
			}
		}
	})
}
