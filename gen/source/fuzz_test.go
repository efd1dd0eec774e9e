package source

import (
	"bytes"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// FuzzParse checks what holds for every file: Parse does not panic, and all that it says has a place in the file.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			f.Add(readFile(f, file), false)
		}
	}
	f.Add([]byte("\ufeffservers:\r\n  日本: {primary: [2001:db8::]}\r\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, included bool) {
		s, findings := Parse("f", data, included)
		lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n"))
		inside := func(p diag.Position, past int) bool {
			return p.File == "f" && p.Line >= 1 && p.Line <= len(lines) && p.Column >= 1 &&
				p.Column <= utf8.RuneCount(lines[p.Line-1])+past
		}
		for _, d := range findings {
			onlyLine := d.Rule == "syntax" && d.Pos.Column == 0 && d.Pos.File == "f" && d.Pos.Line >= 1 &&
				d.Pos.Line <= len(lines)
			if !onlyLine && !inside(d.Pos, 1) {
				t.Errorf("outside of the file: %+v", d)
			}
			if d.End.IsValid() && (!inside(d.End, 1) || d.End.Line != d.Pos.Line || d.End.Column <= d.Pos.Column) {
				t.Errorf("bad end %v: %+v", d.End, d)
			}
			for _, r := range d.Related {
				if !inside(r.Pos, 1) {
					t.Errorf("related place outside of the file: %+v", d)
				}
			}
			if d.Severity != diag.Error || d.Rule == "" || d.Message == "" || strings.ContainsAny(d.Message+d.Hint, "\n\r") {
				t.Errorf("incomplete or of several lines: %+v", d)
			}
		}
		if sorted := slices.Clone(findings).Sort(); !reflect.DeepEqual(sorted, findings) {
			t.Errorf("not sorted: %v", findings)
		}
		checkTree(t, reflect.ValueOf(*s), inside)
	})
}

// checkTree checks the positions and the names in a syntax tree.
func checkTree(t *testing.T, v reflect.Value, inside func(diag.Position, int) bool) {
	switch x := v.Interface().(type) {
	case diag.Position:
		if x.IsValid() && !inside(x, 1) {
			t.Errorf("%v is outside of the file", x)
		}
		return
	case Name:
		if x.Value != "" && hostname.Check(x.Value) != nil {
			t.Errorf("%q is no name: %v", x.Value, hostname.Check(x.Value))
		}
	case Addr, Prefix, Template: // netip and hostname keep their fields to themselves
		v = v.FieldByName("Pos")
		checkTree(t, v, inside)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			checkTree(t, v.Field(i), inside)
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkTree(t, v.Index(i), inside)
		}
	}
}
