package snapshot

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestNothingAliasesTheMemory holds that what a Reader has returned, and an error, do not change with the memory.
func TestNothingAliasesTheMemory(t *testing.T) {
	type content struct {
		ID, Commit string
		Zones      []Zone
		Entries    []string
		Hosts      []string
		Err        string
	}
	contentOf := func(r *Reader) content {
		c := content{ID: r.ID(), Commit: r.Commit(), Zones: r.Zones(), Err: fmt.Sprint(r.Endless(&r.Zones()[0]))}
		for i := range r.Zones() {
			z := &r.Zones()[i]
			if z.Kind == Reverse {
				for _, s := range r.Entries(z) {
					for j := range s.Len() {
						c.Entries = append(c.Entries, s.Name(j))
					}
				}
			}
			for h := range r.Hosts(z) {
				c.Hosts = append(c.Hosts, h.Name())
			}
		}
		return c
	}
	file := encoded(t, goodBuilder(t))
	first := slices.Clone(file)
	r, err := OpenBytes(first)
	if err != nil {
		t.Fatal(err)
	}
	got := contentOf(r)
	clear(first)
	second, err := OpenBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := contentOf(second); len(want.Entries) == 0 || len(want.Hosts) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("after the memory was cleared there is %+v\nwant %+v", got, want)
	}

	for _, test := range badFiles {
		file := test.mutation.apply(t)
		_, err := OpenBytes(file)
		was := err.Error()
		clear(file)
		if is := err.Error(); is != was {
			t.Errorf("%s: after the memory was cleared the error is %q, want %q", test.name, is, was)
		}
	}
}

// TestMemoryIsReadHere holds what memory.go says: of the code that runs after a Reader was verified, no other file than
// that touches the bytes of a Reader, and each function there keeps the Reader alive.
func TestMemoryIsReadHere(t *testing.T) {
	var (
		memory  = []string{"b", "addrs4", "offsets4", "addrs6", "offsets6", "rrsets", "hostOffsets", "hosts"}
		parts   = []string{"names", "record"}          // return parts of the memory
		opening = []string{"decode.go", "builder.go"}  // what runs before there is a Reader that can be lost
		seen    = make(map[string]bool, len(memory)+2) // or this tests nothing
	)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(opening, name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			reads, keeps := "", false
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if fun, ok := n.Fun.(*ast.Ident); ok && fun.Name == "len" {
						return false // is in the Reader itself
					}
				case *ast.BinaryExpr:
					if y, ok := n.Y.(*ast.Ident); ok && y.Name == "nil" {
						return false
					}
				case *ast.SelectorExpr:
					switch {
					case n.Sel.Name == "KeepAlive":
						keeps = true
					case isReader(n.X) && slices.Contains(memory, n.Sel.Name), slices.Contains(parts, n.Sel.Name):
						reads = n.Sel.Name
						seen[reads] = true
					}
				}
				return true
			})
			switch {
			case reads == "" || slices.Contains(parts, f.Name.Name):
			case name != "memory.go":
				t.Errorf("%s: %s reads %s, which is for functions of memory.go", name, f.Name.Name, reads)
			case !keeps:
				t.Errorf("%s: %s reads %s, and does not keep the Reader alive", name, f.Name.Name, reads)
			}
		}
	}
	for _, m := range slices.Concat(memory[1:], parts) {
		if !seen[m] {
			t.Errorf("nothing reads %s: has it another name now?", m)
		}
	}
}

// isReader reports whether e is named as Readers are here: r, or a field r of something.
func isReader(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "r"
	case *ast.SelectorExpr:
		return e.Sel.Name == "r"
	}
	return false
}
