package source

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTree compares the syntax trees of the good files with what is written in them: each line of the golden file has a
// position, a place in the tree and the value there.
func TestTree(t *testing.T) {
	for _, file := range glob(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, _ := Parse("", readFile(t, file), false) // no file's name, so that positions are short
			var b strings.Builder
			dump(&b, "", reflect.ValueOf(*s))
			golden := strings.TrimSuffix(file, ".yaml") + ".tree"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(readFile(t, golden)), b.String()); d != "" {
				t.Errorf("tree (-want +got):\n%s", d)
			}
		})
	}
}

// dump writes what is not zero in a tree.
func dump(b *strings.Builder, place string, v reflect.Value) {
	if v.IsZero() && v.Kind() == reflect.Struct {
		return
	}
	leaf := func(pos reflect.Value, value string) {
		p := fmt.Sprintf("%d:%d", pos.FieldByName("Line").Int(), pos.FieldByName("Column").Int())
		fmt.Fprintf(b, "%-6s %s %s\n", p, place, value)
	}
	switch x := v.Interface().(type) {
	case Text:
		leaf(v.FieldByName("Pos"), x.Value)
	case Name:
		leaf(v.FieldByName("Pos"), x.Value)
	case Addr:
		leaf(v.FieldByName("Pos"), x.String())
	case Prefix:
		leaf(v.FieldByName("Pos"), x.String())
	case Seconds:
		leaf(v.FieldByName("Pos"), fmt.Sprint(x.Value))
	case DS:
		leaf(v.FieldByName("Pos"), fmt.Sprintf("%d %d %d %x", x.KeyTag, x.Algorithm, x.DigestType, x.Digest))
	case Template:
		if x.T != nil {
			leaf(v.FieldByName("Pos"), x.T.String())
		}
	default:
		switch v.Kind() {
		case reflect.Slice:
			for i := range v.Len() {
				dump(b, fmt.Sprintf("%s[%d]", place, i), v.Index(i))
			}
		case reflect.Struct:
			if pos := v.FieldByName("Pos"); pos.IsValid() {
				leaf(pos, "")
			}
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.Name != "Pos" {
					dump(b, strings.TrimPrefix(place+"."+f.Name, "."), v.Field(i))
				}
			}
		default:
			if f, ok := v.Interface().(fmt.Stringer); ok {
				fmt.Fprintf(b, "%-6s %s %s\n", "", place, f)
			}
		}
	}
}

func TestParseSeconds(t *testing.T) {
	tests := []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"3600", 3600, true},
		{"010", 10, true},
		{"2147483647", 1<<31 - 1, true},
		{"90s", 90, true},
		{"15m", 900, true},
		{"1h", 3600, true},
		{"1d", 86400, true},
		{"2w", 1209600, true},
		{"1w1d1h1m1s", 694861, true},
		{"1h30m", 5400, true},
		{"3550w5d3h14m7s", 1<<31 - 1, true},
		{"", 0, false},
		{"h", 0, false},
		{"1h30", 0, false},
		{"30m1h", 0, false},
		{"1h1h", 0, false},
		{"1.5h", 0, false},
		{"-1h", 0, false},
		{"+1h", 0, false},
		{"1 h", 0, false},
		{"1H", 0, false},
		{"1y", 0, false},
		{"500ms", 0, false},
		{"0x10", 0, false},
		{"1_000", 0, false},
	}
	for _, tt := range tests {
		if got, ok := parseSeconds(tt.text); ok != tt.ok || ok && got != tt.want {
			t.Errorf("parseSeconds(%q) = %d, %v, want %d, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
	for _, text := range []string{"2147483648", "3550w5d3h14m8s", "99999999999999999999", "99999999999999999999w"} {
		if got, ok := parseSeconds(text); !ok || got <= 1<<31-1 {
			t.Errorf("parseSeconds(%q) = %d, %v, want more than fits", text, got, ok)
		}
	}
}

func TestNearest(t *testing.T) {
	legal := []string{"primary", "product", "account", "ttl"}
	tests := []struct{ word, want string }{
		{"primry", "primary"},
		{"Primary", "primary"},
		{"products", "product"},
		{"ttk", "ttl"},
		{"prim", "primary"},
		{"acc", "account"},
		{"pr", ""},
		{"ip", ""},
		{"", ""},
		{"hostname", ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.word, legal); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}
