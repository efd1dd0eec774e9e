package arpa_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/arpa"
)

const (
	v4Name = "10.2.0.192.in-addr.arpa."
	v6Name = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa." // 2001:db8::1
)

func TestName(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.10":        v4Name,
		"0.0.0.0":           "0.0.0.0.in-addr.arpa.",
		"255.255.255.255":   "255.255.255.255.in-addr.arpa.",
		"2001:db8::1":       v6Name,
		"2001:db8::1%eth0":  v6Name,
		"2001:db8:f00::abc": "c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.0.8.b.d.0.1.0.0.2.ip6.arpa.",
		"::ffff:192.0.2.10": "a.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
	} {
		a := netip.MustParseAddr(addr)
		if got := arpa.Name(a); got != want {
			t.Errorf("Name(%s) = %q, want %q", addr, got, want)
		}
		if got := string(arpa.AppendName([]byte("x "), a)); got != "x "+want {
			t.Errorf("AppendName(%s) = %q, want %q after the prefix", addr, got, want)
		}
	}
}

func TestZoneName(t *testing.T) {
	for prefix, want := range map[string]string{
		"0.0.0.0/0":       "in-addr.arpa.",
		"192.0.0.0/8":     "192.in-addr.arpa.",
		"192.0.2.0/24":    "2.0.192.in-addr.arpa.",
		"192.0.2.99/24":   "2.0.192.in-addr.arpa.",
		"192.0.2.10/32":   v4Name,
		"::/0":            "ip6.arpa.",
		"2001:db8::/32":   "8.b.d.0.1.0.0.2.ip6.arpa.",
		"2001:db8::/28":   "b.d.0.1.0.0.2.ip6.arpa.",
		"2001:db8::1/128": v6Name,
	} {
		if got := arpa.ZoneName(netip.MustParsePrefix(prefix)); got != want {
			t.Errorf("ZoneName(%s) = %q, want %q", prefix, got, want)
		}
	}
}

func TestPanics(t *testing.T) {
	for what, f := range map[string]func(){
		"Name of the zero Addr":       func() { arpa.Name(netip.Addr{}) },
		"ZoneName of the zero Prefix": func() { arpa.ZoneName(netip.Prefix{}) },
		"ZoneName of a /25":           func() { arpa.ZoneName(netip.MustParsePrefix("192.0.2.0/25")) },
		"ZoneName of an IPv6 /29":     func() { arpa.ZoneName(netip.MustParsePrefix("2001:db8::/29")) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", what)
				}
			}()
			f()
		}()
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name   string
		form   arpa.Form
		prefix string // "" for the zero Prefix
	}{
		{v4Name, arpa.Complete, "192.0.2.10/32"},
		{"10.2.0.192.IN-addr.ARPA.", arpa.Complete, "192.0.2.10/32"},
		{"255.255.255.255.in-addr.arpa.", arpa.Complete, "255.255.255.255/32"},
		{"0.0.0.0.in-addr.arpa.", arpa.Complete, "0.0.0.0/32"},
		{v6Name, arpa.Complete, "2001:db8::1/128"},
		{strings.ToUpper(v6Name), arpa.Complete, "2001:db8::1/128"},

		{"in-addr.arpa.", arpa.Partial, "0.0.0.0/0"},
		{"In-Addr.Arpa.", arpa.Partial, "0.0.0.0/0"},
		{"192.in-addr.arpa.", arpa.Partial, "192.0.0.0/8"},
		{"2.0.192.in-addr.arpa.", arpa.Partial, "192.0.2.0/24"},
		{"0.in-addr.arpa.", arpa.Partial, "0.0.0.0/8"},
		{"ip6.arpa.", arpa.Partial, "::/0"},
		{"2.IP6.arpa.", arpa.Partial, "2000::/4"},
		{"b.d.0.1.0.0.2.ip6.arpa.", arpa.Partial, "2001:db0::/28"},
		{"B.D.0.1.0.0.2.ip6.arpa.", arpa.Partial, "2001:db0::/28"},
		{v6Name[2:], arpa.Partial, "2001:db8::/124"},

		{"1." + v4Name, arpa.Malformed, ""}, // fifth octet
		{"0." + v6Name, arpa.Malformed, ""}, // 33rd nibble
		{"001.2.0.192.in-addr.arpa.", arpa.Malformed, ""},
		{"00.in-addr.arpa.", arpa.Malformed, ""},
		{"01.in-addr.arpa.", arpa.Malformed, ""},
		{"256.2.0.192.in-addr.arpa.", arpa.Malformed, ""},
		{"10.2.0.256.in-addr.arpa.", arpa.Malformed, ""},
		{"1000.in-addr.arpa.", arpa.Malformed, ""},
		{"18446744073709551617.in-addr.arpa.", arpa.Malformed, ""},
		{"-1.in-addr.arpa.", arpa.Malformed, ""},
		{"+1.in-addr.arpa.", arpa.Malformed, ""},
		{"0x1.in-addr.arpa.", arpa.Malformed, ""},
		{"a.in-addr.arpa.", arpa.Malformed, ""},
		{"0-25.2.0.192.in-addr.arpa.", arpa.Malformed, ""}, // classless zones have names of their own
		{"*.2.0.192.in-addr.arpa.", arpa.Malformed, ""},
		{`\049.in-addr.arpa.`, arpa.Malformed, ""},
		{`1\.0.in-addr.arpa.`, arpa.Malformed, ""},
		{`\\.in-addr.arpa.`, arpa.Malformed, ""}, // the label is one backslash
		{".in-addr.arpa.", arpa.Malformed, ""},
		{"..in-addr.arpa.", arpa.Malformed, ""},
		{".1.in-addr.arpa.", arpa.Malformed, ""},
		{"1..in-addr.arpa.", arpa.Malformed, ""},
		{"1..2.in-addr.arpa.", arpa.Malformed, ""},
		{"00.ip6.arpa.", arpa.Malformed, ""},
		{"10.ip6.arpa.", arpa.Malformed, ""},
		{"g.ip6.arpa.", arpa.Malformed, ""},
		{"@.ip6.arpa.", arpa.Malformed, ""},
		{"!.ip6.arpa.", arpa.Malformed, ""},
		{"1.:.ip6.arpa.", arpa.Malformed, ""},
		{"1-2.ip6.arpa.", arpa.Malformed, ""},
		{`\.1.ip6.arpa.`, arpa.Malformed, ""},
		{`\049.ip6.arpa.`, arpa.Malformed, ""},
		{".ip6.arpa.", arpa.Malformed, ""},
		{"..ip6.arpa.", arpa.Malformed, ""},
		{".1.ip6.arpa.", arpa.Malformed, ""},
		{"1..ip6.arpa.", arpa.Malformed, ""},

		{"", arpa.Outside, ""},
		{".", arpa.Outside, ""},
		{"arpa.", arpa.Outside, ""},
		{"mail.example.net.", arpa.Outside, ""},
		{"ip4.arpa.", arpa.Outside, ""},
		{"1.ip6.int.", arpa.Outside, ""},
		{"xip6.arpa.", arpa.Outside, ""},
		{"1in-addr.arpa.", arpa.Outside, ""},
		{"10.2.0.192.in-addr.arpa", arpa.Outside, ""}, // not absolute
		{"in-addr.arpa.example.", arpa.Outside, ""},
		{`1\.in-addr.arpa.`, arpa.Outside, ""}, // the label is "1.in-addr"
		{`\.in-addr.arpa.`, arpa.Outside, ""},
		{`1\\\.ip6.arpa.`, arpa.Outside, ""},
	}
	for _, tt := range tests {
		var want netip.Prefix
		if tt.prefix != "" {
			want = netip.MustParsePrefix(tt.prefix)
		}
		if p, form := arpa.Parse(tt.name); form != tt.form || p != want {
			t.Errorf("Parse(%q) = %v, %v, want %v, %v", tt.name, p, form, want, tt.form)
		}
	}
}

func TestExtend(t *testing.T) {
	tests := []struct {
		prefix, labels string
		want           string // "" if it must fail
	}{
		{"0.0.0.0/0", "10.2.0.192", "192.0.2.10/32"},
		{"192.0.0.0/16", "10.2", "192.0.2.10/32"},
		{"192.0.0.0/16", "2", "192.0.2.0/24"},
		{"192.0.2.0/24", "", "192.0.2.0/24"},
		{"192.0.2.10/32", "", "192.0.2.10/32"},
		{"2001:db8::/32", "F.0.0", "2001:db8:f0::/44"},
		{"2001:db8::/28", "f.8", "2001:db8:f000::/36"},
		{"2001:db8::/124", "a", "2001:db8::a/128"},
		{"2001:db8::/32", "", "2001:db8::/32"},
		{"2001:db8::1/128", "", "2001:db8::1/128"},
		{"::ffff:192.0.2.0/120", "a.0", "::ffff:192.0.2.10/128"},

		{"192.0.2.10/32", "0", ""},
		{"192.0.2.0/24", "1.2", ""},
		{"192.0.2.0/24", "010", ""},
		{"192.0.2.0/24", "10.", ""},
		{"192.0.2.0/24", ".10", ""},
		{"192.0.0.0/16", ".", ""},
		{"192.0.2.0/25", "1", ""}, // p is not on a boundary
		{"192.0.2.0/25", "", ""},
		{"2001:db8::1/128", "0", ""},
		{"2001:db8::/124", "1.2", ""},
		{"2001:db8::/32", "1.", ""},
		{"2001:db8::/32", ".1", ""},
		{"2001:db8::/32", "12", ""},
		{"2001:db8::/29", "1", ""},
		{"2001:db8::/29", "", ""},
	}
	for _, tt := range tests {
		var want netip.Prefix
		if tt.want != "" {
			want = netip.MustParsePrefix(tt.want)
		}
		got, ok := arpa.Extend(netip.MustParsePrefix(tt.prefix), tt.labels)
		if got != want || ok != want.IsValid() {
			t.Errorf("Extend(%s, %q) = %v, %v, want %v", tt.prefix, tt.labels, got, ok, want)
		}
	}
	if p, ok := arpa.Extend(netip.Prefix{}, "1"); ok || p.IsValid() {
		t.Errorf("Extend(zero Prefix) = %v, %v, want false", p, ok)
	}
}

// In every octet and nibble position, exactly the canonical spellings of its values are accepted.
func TestEveryLabel(t *testing.T) {
	octets := make(map[string]bool)
	for v := range 256 {
		octets[fmt.Sprint(v)] = true
	}
	for v := range 1100 {
		for _, s := range []string{fmt.Sprint(v), fmt.Sprintf("%02d", v), fmt.Sprintf("%03d", v), fmt.Sprintf("%x", v)} {
			_, form := arpa.Parse(s + ".192.in-addr.arpa.")
			if want := octets[s]; want != (form == arpa.Partial) {
				t.Errorf("Parse(%q left of 192.in-addr.arpa.) is %v, want accepted: %v", s, form, want)
			}
		}
	}
	for c := range 256 {
		s := string([]byte{byte(c)})
		_, form := arpa.Parse(s + ".2.ip6.arpa.")
		if want := strings.Contains("0123456789abcdefABCDEF", s); want != (form == arpa.Partial) {
			t.Errorf("Parse(%q left of 2.ip6.arpa.) is %v, want accepted: %v", s, form, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		for _, a := range []netip.Addr{randomAddr(rnd, 4), randomAddr(rnd, 16)} {
			if p, form := arpa.Parse(arpa.Name(a)); form != arpa.Complete || p != netip.PrefixFrom(a, a.BitLen()) {
				t.Fatalf("Parse(Name(%v)) = %v, %v", a, p, form)
			}
			label := 4
			if a.Is4() {
				label = 8
			}
			p := netip.PrefixFrom(a, rnd.IntN(a.BitLen()/label+1)*label).Masked()
			want := arpa.Partial
			if p.IsSingleIP() {
				want = arpa.Complete
			}
			if got, form := arpa.Parse(arpa.ZoneName(p)); got != p || form != want {
				t.Fatalf("Parse(ZoneName(%v)) = %v, %v, want %v", p, got, form, want)
			}
			labels := strings.TrimSuffix(strings.TrimSuffix(arpa.Name(a), arpa.ZoneName(p)), ".")
			if got, ok := arpa.Extend(p, labels); !ok || got != netip.PrefixFrom(a, a.BitLen()) {
				t.Fatalf("Extend(%v, %q) = %v, %v, want %v", p, labels, got, ok, a)
			}
		}
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		prefix      string
		n           int
		first, last string
	}{
		{"192.0.2.0/24", 1, "192.0.2.0/24", "192.0.2.0/24"},
		{"198.18.0.0/15", 2, "198.18.0.0/16", "198.19.0.0/16"},
		{"198.18.16.0/20", 16, "198.18.16.0/24", "198.18.31.0/24"},
		{"0.0.0.0/0", 1, "0.0.0.0/0", "0.0.0.0/0"},
		{"128.0.0.0/1", 128, "128.0.0.0/8", "255.0.0.0/8"},
		{"203.0.113.128/25", 1, "203.0.113.128/25", "203.0.113.128/25"},
		{"203.0.113.7/32", 1, "203.0.113.7/32", "203.0.113.7/32"},
		{"198.18.0.9/23", 2, "198.18.0.0/24", "198.18.1.0/24"}, // bits below the length are ignored
		{"2001:db8::/32", 1, "2001:db8::/32", "2001:db8::/32"},
		{"2001:db8::/29", 8, "2001:db8::/32", "2001:dbf::/32"},
		{"2001:db8:10::/46", 4, "2001:db8:10::/48", "2001:db8:13::/48"},
		{"2001:db8::8/125", 8, "2001:db8::8/128", "2001:db8::f/128"},
		{"2001:db8::/127", 2, "2001:db8::/128", "2001:db8::1/128"},
		{"8000::/1", 8, "8000::/4", "f000::/4"},
		{"::/0", 1, "::/0", "::/0"},
	}
	for _, tt := range tests {
		got := slices.Collect(arpa.Cut(netip.MustParsePrefix(tt.prefix)))
		if len(got) != tt.n || got[0].String() != tt.first || got[len(got)-1].String() != tt.last {
			t.Errorf("Cut(%s) = %v, want %d from %s to %s", tt.prefix, got, tt.n, tt.first, tt.last)
		}
	}
	if got := slices.Collect(arpa.Cut(netip.Prefix{})); got != nil {
		t.Errorf("Cut(zero Prefix) = %v, want nothing", got)
	}
	for p := range arpa.Cut(netip.MustParsePrefix("198.18.16.0/20")) { // a caller may stop early
		if got := p.String(); got != "198.18.16.0/24" {
			t.Errorf("first of the /20 is %s", got)
		}
		break
	}
}

// The pieces of a cut are adjacent and together exactly the prefix, each one a zone by itself.
func TestCutCovers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		for _, a := range []netip.Addr{randomAddr(rnd, 4), randomAddr(rnd, 16)} {
			p := netip.PrefixFrom(a, rnd.IntN(a.BitLen()+1)).Masked()
			next, pieces := p.Addr(), 0
			for q := range arpa.Cut(p) {
				if q.Addr() != next || q != q.Masked() {
					t.Fatalf("Cut(%v): %v, want a prefix at %v", p, q, next)
				}
				if q != p {
					arpa.ZoneName(q) // panics off a boundary
				}
				next = lastAddr(q).Next()
				pieces++
			}
			if next != lastAddr(p).Next() || pieces > 128 {
				t.Fatalf("Cut(%v): %d pieces end before %v, want %v", p, pieces, next, lastAddr(p).Next())
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	p4, p6 := netip.MustParsePrefix("192.0.0.0/16"), netip.MustParsePrefix("2001:db8::/32")
	a6 := netip.MustParseAddr("2001:db8::1")
	buf := make([]byte, 0, 73)
	labels6 := strings.TrimSuffix(v6Name, ".8.b.d.0.1.0.0.2.ip6.arpa.")
	mixed6 := strings.ToUpper(v6Name)
	var ok bool
	for what, f := range map[string]func(){
		"Parse IPv4":       func() { _, form := arpa.Parse(v4Name); ok = form == arpa.Complete },
		"Parse IPv6":       func() { _, form := arpa.Parse(mixed6); ok = form == arpa.Complete },
		"Parse malformed":  func() { _, form := arpa.Parse("256.in-addr.arpa."); ok = form == arpa.Malformed },
		"Extend IPv4":      func() { _, ok = arpa.Extend(p4, "10.2") },
		"Extend IPv6":      func() { _, ok = arpa.Extend(p6, labels6) },
		"Extend malformed": func() { _, extended := arpa.Extend(p4, "010.2"); ok = !extended },
		"AppendName":       func() { ok = len(arpa.AppendName(buf, a6)) == len(v6Name) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
		if !ok {
			t.Errorf("%s: wrong result", what)
		}
	}
}

// What Parse accepts is what Name or ZoneName writes, but for case; what it rejects comes without a prefix.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		v4Name, v6Name, "2.0.192.in-addr.arpa.", "b.d.0.1.0.0.2.IP6.ARPA.", "in-addr.arpa.", "ip6.arpa.",
		"001.in-addr.arpa.", "256.in-addr.arpa.", "1." + v4Name, "0." + v6Name, `\049.in-addr.arpa.`,
		`1\.in-addr.arpa.`, ".in-addr.arpa.", "..ip6.arpa.", "example.", ".", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, form := arpa.Parse(name)
		var want string
		switch form {
		case arpa.Complete:
			want = arpa.Name(p.Addr())
		case arpa.Partial:
			want = arpa.ZoneName(p)
		default:
			if p.IsValid() {
				t.Fatalf("Parse(%q) = %v, %v, want the zero Prefix", name, p, form)
			}
			return
		}
		if got := strings.ToLower(name); got != want {
			t.Fatalf("Parse(%q) = %v, %v, but that is %q", name, p, form, want)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{v4Name, v6Name} {
		b.Run(fmt.Sprintf("%dbytes", len(name)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, form := arpa.Parse(name); form != arpa.Complete {
					b.Fatal(form)
				}
			}
		})
	}
}

func randomAddr(rnd *rand.Rand, size int) netip.Addr {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// lastAddr returns the highest address of p.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestLast(t *testing.T) {
	for prefix, want := range map[string]string{
		"192.0.2.0/24":     "192.0.2.255",
		"192.0.2.64/26":    "192.0.2.127",
		"192.0.2.65/26":    "192.0.2.127",
		"192.0.2.7/32":     "192.0.2.7",
		"0.0.0.0/0":        "255.255.255.255",
		"2001:db8::/33":    "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8::1/128":  "2001:db8::1",
		"2001:db8:a::/127": "2001:db8:a::1",
	} {
		if got := arpa.Last(netip.MustParsePrefix(prefix)); got != netip.MustParseAddr(want) {
			t.Errorf("Last(%s) = %v, want %s", prefix, got, want)
		}
	}
	if got := arpa.Last(netip.Prefix{}); got.IsValid() {
		t.Errorf("Last of the zero Prefix is %v", got)
	}
}
