package hostname_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/hostname"
)

func TestSuffix(t *testing.T) {
	for text, want := range map[string]string{
		"x{ip}.static.ams1.example.net": "static.ams1.example.net.",
		"{rev}.example.net":             "example.net.",
		"{d}.{c}.{b}.{a}":               ".",
		"{a}.x{ip}":                     ".",
		"{ip}x":                         ".",
		"host.example.net":              "host.example.net.",
	} {
		if got := mustParse(t, text).Suffix(); got != want {
			t.Errorf("suffix of %s = %q, want %q", text, got, want)
		}
	}
}

func TestAbove(t *testing.T) {
	tests := []struct {
		template, name, prefix string
		want                   bool
	}{
		{"{ip}.static.example", "static.example.", "203.0.113.0/24", true},
		{"{ip}.static.example", "STATIC.Example.", "203.0.113.0/24", true},
		{"{ip}.static.example", "example.", "203.0.113.0/24", true},
		{"{ip}.static.example", "other.example.", "203.0.113.0/24", false},
		{"{ip}.static.example", "203-0-113-1.static.example.", "203.0.113.0/24", false}, // the name itself
		{"{ip}.static.example", "x.203-0-113-1.static.example.", "203.0.113.0/24", false},
		{"x.{ip}.static.example", "203-0-113-1.static.example.", "203.0.113.0/24", true},
		{"x.{ip}.static.example", "203-0-114-1.static.example.", "203.0.113.0/24", false},
		{"x.{ip}.static.example", "203-0-113-01.static.example.", "203.0.113.0/24", false},
		{"{d}.{c}.{b}.{a}.bc.example", "203.bc.example.", "203.0.113.0/24", true},
		{"{d}.{c}.{b}.{a}.bc.example", "0.203.bc.example.", "203.0.113.0/24", true},
		{"{d}.{c}.{b}.{a}.bc.example", "1.203.bc.example.", "203.0.113.0/24", false},
		{"{d}.{c}.{b}.{a}.bc.example", "00.203.bc.example.", "203.0.113.0/24", false},
		{"{c}.{d}.{b}.{a}.example", "64.0.203.example.", "203.0.113.64/26", true},
		{"{c}.{d}.{b}.{a}.example", "63.0.203.example.", "203.0.113.64/26", false},
		{"{d:x}.{c:02x}.{b:02x}{a:02x}.example", "00CB.example.", "203.0.113.0/24", true},
		{"{a}.{b}.{c}.{d}.x{d}.example", "7.x7.example.", "203.0.113.0/24", true},
		{"{a}.{b}.{c}.{d}.x{d}.example", "7.x8.example.", "203.0.113.0/24", false},
		{"{rev}.example", "113.0.203.example.", "203.0.113.0/24", true},
		{"{rev}.example", "2.example.", "2001:db8::/33", true},
		{"{rev}.example", "7.8.b.d.0.1.0.0.2.example.", "2001:db8::/33", true},
		{"{rev}.example", "8.8.b.d.0.1.0.0.2.example.", "2001:db8::/33", false},
		{"x.{ip}.example", "2001-0db8-0000-0000-0000-0000-0000-0001.example.", "2001:db8::/32", true},
		{"x.{ip}.example", "2001-0db9-0000-0000-0000-0000-0000-0001.example.", "2001:db8::/32", false},
	}
	for _, tt := range tests {
		template, p := mustParse(t, tt.template), netip.MustParsePrefix(tt.prefix)
		if got := template.Above(tt.name, p); got != tt.want {
			t.Errorf("%s: above %s for %s = %t", tt.template, tt.name, tt.prefix, got)
		}
		if n := testing.AllocsPerRun(10, func() { template.Above(tt.name, p) }); n > 0 {
			t.Errorf("%s: above %s: %v allocations", tt.template, tt.name, n)
		}
	}
}

// TestAboveAll compares Above with the ancestors of all expansions, for random templates and small prefixes.
func TestAboveAll(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	pieces := []string{
		"{a}", "{b}", "{c}", "{d}", "{a:03}", "{b:02x}", "{c:x}", "{d:02}", "{ip}", "{rev}",
		"x", "x-", "1", ".", ".", ".", ".y.",
	}
	checked := 0
	for range 30000 {
		var text strings.Builder
		for range 2 + rnd.IntN(9) {
			text.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		text.WriteString(".example")
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, byte(rnd.IntN(12)), byte(rnd.IntN(256))}), 26+rnd.IntN(7))
		if rnd.IntN(3) == 0 {
			p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(rnd.IntN(256))}), 122+rnd.IntN(7))
		}
		template, err := hostname.Parse(text.String())
		if err == nil && checkAbove(t, template, p.Masked(), rnd) {
			checked++
		}
	}
	if checked < 300 {
		t.Errorf("too few templates were fit for a meaningful test: %d", checked)
	}
}

func FuzzAbove(f *testing.F) {
	for _, s := range shapes {
		f.Add(s, []byte{203, 0, 113, 130}, byte(27), uint64(1))
		f.Add(s, []byte{0x20, 1, 0xd, 0xb8, 15: 1}, byte(125), uint64(1))
	}
	f.Fuzz(func(t *testing.T, s string, addr []byte, bits byte, seed uint64) {
		a, ok := netip.AddrFromSlice(addr)
		if !ok || a.Is4In6() {
			return
		}
		template, err := hostname.Parse(s)
		if err != nil {
			return
		}
		if p := netip.PrefixFrom(a, int(bits)).Masked(); p.IsValid() && a.BitLen()-p.Bits() <= 8 {
			checkAbove(t, template, p, rand.New(rand.NewPCG(seed, 1)))
		}
	})
}

// checkAbove compares Above with the ancestors of all names that the template gives for p, and with names next to
// those. It reports whether the template is one that Above is for.
func checkAbove(t *testing.T, template *hostname.Template, p netip.Prefix, rnd *rand.Rand) bool {
	t.Helper()
	for _, placeholder := range template.Placeholders() {
		if !slices.Contains([]string{"a", "b", "c", "d", "ip", "rev"}, placeholder) {
			return false
		}
	}
	if template.Invertible(p.Addr().Is6()) != nil {
		return false
	}
	above := map[string]bool{}
	for a := p.Addr(); p.Contains(a); a = a.Next() {
		name, err := template.Expand(hostname.Values{Addr: a})
		if err != nil { // too long
			return false
		}
		for _, name, _ = strings.Cut(name, "."); name != ""; _, name, _ = strings.Cut(name, ".") {
			above[name] = true
		}
	}
	for name := range above {
		if !template.Above(name, p) || !template.Above(strings.ToUpper(name), p) {
			t.Fatalf("%s: not above %s for %v", template, name, p)
		}
		for range 4 { // a name next to it
			b := []byte(name)
			b[rnd.IntN(len(b)-1)] = "0123456789abcdefx-."[rnd.IntN(19)]
			other := string(b)
			if strings.Contains("."+other, "..") {
				continue
			}
			if got := template.Above(other, p); got != above[other] {
				t.Fatalf("%s: above %s for %v = %t", template, other, p, got)
			}
		}
	}
	return true
}
