package hostname_test

import (
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/hostname"
)

func TestCheck(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	name254 := strings.Repeat(label63+".", 3) + strings.Repeat("a", 61) + "."
	tests := []struct {
		name string
		want string // in the error; "" if the name is valid
	}{
		{"mail.example.net.", ""},
		{"example.", ""},
		{"0.", ""},
		{"64-26.100.51.198.in-addr.arpa.", ""},
		{"64/26.100.51.198.in-addr.arpa.", ""},
		{"_dmarc.example.net.", ""},
		{"-a-.--.example.", ""}, // what a host may be called is for the linter
		{label63 + ".example.", ""},
		{name254, ""},

		{"", "empty"},
		{".", "label is empty"},
		{"mail.example.net", "does not end with a dot"},
		{".example.", "label is empty"},
		{"mail..example.", "label is empty"},
		{"example..", "label is empty"},
		{"a" + label63 + ".example.", `label "a` + label63 + `" is 64 bytes long`},
		{"a" + name254, "255 bytes long"},
		{"Mail.example.", "character 'M'"},
		{"mail server.example.", "character ' '"},
		{"*.example.", "character '*'"},
		{`a\.b.example.`, `character '\\'`},
		{"bücher.example.", "character 'ü'"},
		{"a\x00.example.", `character '\x00'`},
		{"a\xff.example.", "character '\ufffd'"},
		{"a:b.example.", "character ':'"},
		{"a@b.example.", "character '@'"},
		{"a`b.example.", "character '`'"},
	}
	for _, tt := range tests {
		switch err := hostname.Check(tt.name); {
		case tt.want == "" && err != nil:
			t.Errorf("Check(%q) = %v", tt.name, err)
		case tt.want != "" && err == nil:
			t.Errorf("Check(%q) = nil, want %q", tt.name, tt.want)
		case err != nil && !strings.Contains(err.Error(), tt.want):
			t.Errorf("Check(%q) = %q, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestAbsolute(t *testing.T) {
	for name, want := range map[string]string{
		"mail.example.net":  "mail.example.net.",
		"mail.example.net.": "mail.example.net.",
		"MAIL.Example.NET":  "mail.example.net.",
		"A-Z[@.Example.":    "a-z[@.example.",
		"BÜCHER.example":    "bÜcher.example.", // only ASCII
		"A\xff.example":     "a\xff.example.",
		"":                  ".",
		".":                 ".",
	} {
		if got := hostname.Absolute(name); got != want {
			t.Errorf("Absolute(%q) = %q, want %q", name, got, want)
		}
	}
}

// Absolute leads to what Check accepts, for every name that only lacks the canonical spelling.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"mail.example.net.", "MAIL.example.net", "", ".", "a..b", `\049.example.`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		abs := hostname.Absolute(name)
		if again := hostname.Absolute(abs); again != abs {
			t.Fatalf("Absolute(%q) = %q, and of that %q", name, abs, again)
		}
		if hostname.Check(name) == nil && abs != name {
			t.Fatalf("Check(%q) accepts it, but Absolute makes it %q", name, abs)
		}
		if hostname.Check(abs) != nil {
			return
		}
		for label := range strings.SplitSeq(strings.TrimSuffix(abs, "."), ".") {
			rest := strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_/")
			if len(abs) > 254 || label == "" || len(label) > 63 || rest != "" {
				t.Fatalf("Check(%q) accepts it", abs)
			}
		}
	})
}
