package packed

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 300, math.MaxInt32, math.MaxInt} {
		r := Reader{Rest: string(binary.AppendUvarint(nil, uint64(n))) + "rest"}
		if got := r.Number(); got != n || r.Failed || r.Rest != "rest" {
			t.Errorf("%d is read as %d, with %+v left", n, got, r)
		}
	}
	for _, s := range []string{"", "text", strings.Repeat("x", 200)} {
		r := Reader{Rest: string(AppendText(nil, s)) + "rest"}
		if got := r.Text(); got != s || r.Failed || r.Rest != "rest" {
			t.Errorf("%q is read as %q, with %+v left", s, got, r)
		}
	}
}

func TestFailure(t *testing.T) {
	number := func(n uint64) string { return string(binary.AppendUvarint(nil, n)) }
	for _, tt := range []struct {
		name, data string
		read       func(r *Reader) bool // reports whether it is a zero value
	}{
		{"no number", "", func(r *Reader) bool { return r.Number() == 0 }},
		{"a number without end", "\x80", func(r *Reader) bool { return r.Number() == 0 }},
		{"a number that is too large", number(1 << 63), func(r *Reader) bool { return r.Number() == 0 }},
		{"more than there is", "abc", func(r *Reader) bool { return r.Take(4) == "" }},
		{"a text that is too short", number(4) + "abc", func(r *Reader) bool { return r.Text() == "" }},
		{"the longest text", number(math.MaxInt64) + "abc", func(r *Reader) bool { return r.Text() == "" }},
		{"a list that is too long", number(4) + "abc", func(r *Reader) bool { return r.Count() == 0 }},
	} {
		r := Reader{Rest: tt.data}
		if !tt.read(&r) || !r.Failed || r.Rest != "" {
			t.Errorf("%s: %+v", tt.name, r)
		}
		if r.Number() != 0 || r.Text() != "" || r.Count() != 0 || !r.Failed {
			t.Errorf("%s: it reads on", tt.name)
		}
	}
}
