package hostname_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/hostname"
)

var (
	addr4 = netip.MustParseAddr("192.0.2.10")
	addr6 = netip.MustParseAddr("2001:db8:0:1::25")
)

func TestParseString(t *testing.T) {
	for s, want := range map[string]string{
		"{server}.example":           "{server}.example.",
		"{server}.example.":          "{server}.example.",
		"{server}":                   "{server}.",
		"{server}.":                  "{server}.",
		"Host-{a}.EXAMPLE":           "host-{a}.example.",
		"{d:x}.{b:02x}{a:03}.x":      "{d:x}.{b:02x}{a:03}.x.",
		"{a:01}.{a:01x}.x":           "{a}.{a:x}.x.", // one digit is no padding
		"{var.Region}.{var.a-b_9}.x": "{var.Region}.{var.a-b_9}.x.",
		"hosted-by.example":          "hosted-by.example.",
		"_x/y.example":               "_x/y.example.",
	} {
		tmpl, err := hostname.Parse(s)
		if err != nil {
			t.Errorf("Parse(%q): %v", s, err)
			continue
		}
		if got := tmpl.String(); got != want {
			t.Errorf("Parse(%q) is %q, want %q", s, got, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for s, want := range map[string][]string{
		"hosted-by.example": nil,
		"{server}.{product}.{account}.{var.region}.example": {"server", "product", "account", "var.region"},
		"{d:x}-{a:03}.{ip}.{rev}.{a}.x":                     {"d", "a", "ip", "rev", "a"},
	} {
		if got := mustParse(t, s).Placeholders(); !slices.Equal(got, want) {
			t.Errorf("placeholders of %q are %q, want %q", s, got, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	label64 := strings.Repeat("a", 64)
	tests := []struct {
		template string
		offset   int
		want     string
	}{
		{"", 0, "empty"},
		{"{server", 0, "{ without }"},
		{"x.{", 2, "{ without }"},
		{"x.{a{b}}", 2, "{ without }"},
		{"{{server}}", 0, "{ without }"},
		{"{server}}.x", 8, "} without {"},
		{"x}.x", 1, "} without {"},
		{"x.{}.x", 3, `unknown placeholder ""`},
		{"x.{e}.x", 3, `unknown placeholder "e": there are {server}, {product}, {account}, {a}, {b}, {c}, {d}, {ip}, ` +
			"{rev} and {var.NAME}"},
		{"{Server}.x", 1, "unknown placeholder"},
		{"{ server }.x", 1, "unknown placeholder"},
		{"{var}.x", 1, "unknown placeholder"},
		{"{var.}.x", 1, "does not name a variable"},
		{"{var.a.b}.x", 1, "letters, digits, _ and -"},
		{"{var.ä}.x", 1, "letters, digits, _ and -"},
		{"{server:x}.x", 7, "{server} takes no format"},
		{"{ip:02x}.x", 3, "{ip} takes no format"},
		{"{rev:}.x", 4, "{rev} takes no format"},
		{"{var.a:x}.x", 6, "{var.a} takes no format"},
		{"{a:}.x", 3, `unknown format ""`},
		{"{a:0}.x", 3, `unknown format "0"`},
		{"x.{a:00}.x", 5, `unknown format "00"`},
		{"{a:04}.x", 3, `unknown format "04": there are 01, 02 and 03`},
		{"{a:3}.x", 3, `unknown format "3"`},
		{"{a:003}.x", 3, `unknown format "003"`},
		{"{a:X}.x", 3, `unknown format "X"`},
		{"{a:02d}.x", 3, `unknown format "02d"`},
		{"{a:xx}.x", 3, `unknown format "xx"`},
		{"{a:x02}.x", 3, `unknown format "x02"`},
		{"{a:02x }.x", 3, `unknown format "02x "`},
		{"{server}.ex ample", 11, "character ' '"},
		{"{server}.bücher", 10, "character 'ü'"},
		{"{server}.*", 9, "character '*'"},
		{`{server}\.x`, 8, `character '\\'`},
		{".", 0, "label is empty"},
		{".{server}", 0, "label is empty"},
		{"{server}..x", 9, "label is empty"},
		{"x..", 2, "label is empty"},
		{"x." + label64 + ".x", 2, "longer than 63 bytes"},
		{"x." + label64[1:] + "{a}", 2, "longer than 63 bytes"},
		{"x." + strings.Repeat("{a}", 64), 2, "longer than 63 bytes"},
		{strings.Repeat("{a}.", 127) + "x", 0, "longer than 254 bytes"},
	}
	for _, tt := range tests {
		tmpl, err := hostname.Parse(tt.template)
		var e *hostname.SyntaxError
		if !errors.As(err, &e) || tmpl != nil {
			t.Errorf("Parse(%q) = %v, %v, want a SyntaxError", tt.template, tmpl, err)
			continue
		}
		if e.Offset != tt.offset || !strings.Contains(e.Msg, tt.want) || !strings.Contains(e.Error(), tt.want) {
			t.Errorf("Parse(%q) = %d, %q, want %d, %q", tt.template, e.Offset, e.Msg, tt.offset, tt.want)
		}
	}
	for _, s := range []string{"x." + label64[1:], strings.Repeat("{a}.", 126) + "x"} { // just short enough
		mustParse(t, s)
	}
}

func TestExpand(t *testing.T) {
	tests := []struct{ template, addr, want string }{
		{"{server}.x", "", "web1.x."},
		{"{server}-{product}.{account}.x", "", "web1-vps.acme.x."},
		{"hosted-by.example", "", "hosted-by.example."},

		{"{a}.{b}.{c}.{d}.x", "192.0.2.10", "192.0.2.10.x."},
		{"{a:01}-{b:02}-{c:03}-{d}.x", "192.0.2.10", "192-00-002-10.x."},
		{"{a:03}{b:03}{c:03}{d:03}.x", "0.1.20.255", "000001020255.x."},
		{"{a:x}.{b:x}.{c:x}.{d:x}.x", "0.1.16.255", "0.1.10.ff.x."},
		{"{a:02x}{b:02x}{c:02x}{d:02x}.x", "0.1.16.255", "000110ff.x."},
		{"{a:03x}{b:03x}{c:03x}{d:03x}.x", "0.1.16.255", "0000010100ff.x."},
		{"{a:01x}{d:01x}.x", "0.1.16.255", "0ff.x."},
		{"{d}{d}.x", "192.0.2.10", "1010.x."},

		{"{ip}.x", "192.0.2.10", "192-0-2-10.x."},
		{"{ip}.x", "2001:db8::1", "2001-0db8-0000-0000-0000-0000-0000-0001.x."},
		{"{ip}.x", "2001:db8::1%eth0", "2001-0db8-0000-0000-0000-0000-0000-0001.x."},
		{"{ip}.x", "::ffff:192.0.2.10", "0000-0000-0000-0000-0000-ffff-c000-020a.x."},
		{"{rev}.x", "192.0.2.10", "10.2.0.192.x."},
		{"{rev}.x", "2001:db8::12", "2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.x."},
	}
	for _, tt := range tests {
		v := hostname.Values{Server: "web1", Product: "vps", Account: "acme"}
		if tt.addr != "" {
			v.Addr = netip.MustParseAddr(tt.addr)
		}
		tmpl := mustParse(t, tt.template)
		if got, err := tmpl.Expand(v); got != tt.want || err != nil {
			t.Errorf("%s for %s = %q, %v, want %q", tt.template, tt.addr, got, err, tt.want)
		}
		if got, err := tmpl.Append([]byte("x "), v); string(got) != "x "+tt.want || err != nil {
			t.Errorf("Append: %s for %s = %q, %v, want %q after the prefix", tt.template, tt.addr, got, err, tt.want)
		}
	}
	v := hostname.Values{Server: "web1.rack-2"} // a value may be several labels
	if got, err := mustParse(t, "{server}.x").Expand(v); got != "web1.rack-2.x." || err != nil {
		t.Errorf("server of two labels: %q, %v", got, err)
	}
}

func TestExpandErrors(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	long := strings.Repeat(label63+".", 3) + strings.Repeat("a", 61)
	tests := []struct {
		template string
		values   hostname.Values
		want     string
	}{
		{"{server}.x", hostname.Values{}, "server is not set"},
		{"x{product}.x", hostname.Values{}, "product is not set"},
		{"x{account}.x", hostname.Values{}, "account is not set"},
		{"{server}.x", hostname.Values{Server: "Web1"}, `server "Web1": character 'W'`},
		{"{product}.x", hostname.Values{Product: "cloud vps"}, `product "cloud vps": character ' '`},
		{"{account}.x", hostname.Values{Account: "{a}"}, `account "{a}": character '{'`},
		{"x{server}x.x", hostname.Values{Server: ".a"}, `server ".a": a label is empty`},
		{"x{server}x.x", hostname.Values{Server: "a."}, `server "a.": a label is empty`},
		{"{server}.x", hostname.Values{Server: "a" + label63}, "64 bytes long"},
		{"{server}-{product}.x", hostname.Values{Server: label63, Product: "vps"}, label63 + `-vps" is 67 bytes long`},
		{"{server}.x", hostname.Values{Server: long}, "256 bytes long, more than 254"},
		{"{ip}-{ip}.x", hostname.Values{Addr: addr6}, "79 bytes long"},
		{"{a}.x", hostname.Values{}, "{a} needs an address"},
		{"{ip}.x", hostname.Values{}, "{ip} needs an address"},
		{"{rev}.x", hostname.Values{}, "{rev} needs an address"},
		{"{b:02x}.x", hostname.Values{Addr: addr6}, "{b} is an octet of IPv4, and 2001:db8:0:1::25 is IPv6"},
		{"{var.region}.x", hostname.Values{Addr: addr4}, "{var.region} is not bound"},
	}
	for _, tt := range tests {
		tmpl := mustParse(t, tt.template)
		if got, err := tmpl.Expand(tt.values); got != "" || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %q, %v, want %q", tt.template, got, err, tt.want)
		}
		if got, err := tmpl.Append([]byte("x"), tt.values); string(got) != "x" || err == nil {
			t.Errorf("Append: %s = %q, %v, want the buffer unchanged", tt.template, got, err)
		}
	}
}

func TestBind(t *testing.T) {
	vars := map[string]string{
		"region": "Fra", "domain": "v.example", "fqdn": "v.example.", "number": "123", "empty": "", "dot": ".",
		"placeholder": "{a}", "space": "a b", "umlaut": "bücher", "dots": "a..b", "long": strings.Repeat("a", 60),
	}
	tests := []struct{ template, want, err string }{
		{"{server}.{var.region}.x", "{server}.fra.x.", ""},
		{"li{var.number}-{d:03}.x", "li123-{d:03}.x.", ""},
		{"{ip}.{var.domain}", "{ip}.v.example.", ""},
		{"{ip}.{var.domain}.", "{ip}.v.example.", ""},
		{"{ip}.{var.fqdn}", "{ip}.v.example.", ""},
		{"{ip}.{var.fqdn}.x", "{ip}.v.example.x.", ""},
		{"{var.fqdn}{server}.x", "v.example.{server}.x.", ""},
		{"{var.region}{var.number}", "fra123.", ""},
		{"{server}.x", "{server}.x.", ""},

		{"{var.nowhere}.x", "", `variable "nowhere" is not set`},
		{"x.{var.empty}x", "", `variable "empty" is empty`},
		{"{var.dot}.x", "", `variable "dot" is empty`},
		{"{var.placeholder}.x", "", `variable "placeholder": character '{'`},
		{"{var.space}.x", "", `variable "space": character ' '`},
		{"{var.umlaut}.x", "", `variable "umlaut": character 'ü'`},
		{"{var.dots}.x", "", `template "a..b.x." with its variables: a label is empty`},
		{"{var.long}-{var.long}.x", "", "longer than 63 bytes"},
	}
	for _, tt := range tests {
		tmpl := mustParse(t, tt.template)
		before := tmpl.String()
		bound, err := tmpl.Bind(vars)
		if tmpl.String() != before {
			t.Errorf("Bind changed %s to %s", before, tmpl)
		}
		if tt.err != "" {
			if bound != nil || err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Bind of %s = %v, %v, want %q", tt.template, bound, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("Bind of %s: %v", tt.template, err)
		} else if bound.String() != tt.want {
			t.Errorf("Bind of %s = %s, want %s", tt.template, bound, tt.want)
		}
	}
	if bound, err := mustParse(t, "{server}.x").Bind(nil); err != nil || bound.String() != "{server}.x." {
		t.Errorf("Bind without variables = %v, %v", bound, err)
	}
}

// The canonical text is a template with the same text, and whatever it expands to is a valid name.
func FuzzParse(f *testing.F) {
	for _, s := range shapes {
		f.Add(s)
	}
	for _, s := range []string{"{", "}", "{a:03x}", "{a:}", "{var.x}.", "{var.a:x}", "..", "A.{{", "", "{e}", "ü"} {
		f.Add(s)
	}
	vars := map[string]string{"region": "eu-1", "number": "123", "x": "x."}
	f.Fuzz(func(t *testing.T, s string) {
		tmpl, err := hostname.Parse(s)
		if err != nil {
			var e *hostname.SyntaxError
			if tmpl != nil || !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) {
				t.Fatalf("Parse(%q) = %v, %#v", s, tmpl, err)
			}
			return
		}
		again, err := hostname.Parse(tmpl.String())
		if err != nil || again.String() != tmpl.String() {
			t.Fatalf("Parse(%q) is %q, and of that %v, %v", s, tmpl, again, err)
		}
		if tmpl, err = tmpl.Bind(vars); err != nil {
			return
		}
		for _, addr := range []netip.Addr{addr4, addr6} {
			v := hostname.Values{Addr: addr, Server: "web1", Product: "vps", Account: "acme"}
			name, err := tmpl.Expand(v)
			if err != nil {
				continue
			}
			if err := hostname.Check(name); err != nil {
				t.Fatalf("Expand(%q, %v) = %q: %v", s, addr, name, err)
			}
			if tmpl.Invertible(addr.Is6()) == nil {
				checkInverse(t, tmpl, v, name)
			}
		}
	})
}

func TestAllocs(t *testing.T) {
	buf := make([]byte, 0, 254)
	octets := mustParse(t, "{d:x}.{c:02x}.{b:02x}{a:02x}.static.example")
	whole := mustParse(t, "{ip}.v6.example")
	rev := mustParse(t, "{rev}.v6.example")
	def := mustParse(t, "{server}.miniserver.example")
	v4, v6, vs := hostname.Values{Addr: addr4}, hostname.Values{Addr: addr6}, hostname.Values{Server: "examplaaa1"}
	rev6 := mustExpand(t, rev, v6)
	var ok bool
	expands := func(tmpl *hostname.Template, v hostname.Values) func() {
		return func() { _, err := tmpl.Append(buf, v); ok = err == nil }
	}
	inverts := func(tmpl *hostname.Template, name string, want bool) func() {
		return func() { _, found := tmpl.Invert(name); ok = found == want }
	}
	for what, f := range map[string]func(){
		"Check":                 func() { ok = hostname.Check("mail.example.net.") == nil },
		"Absolute if canonical": func() { ok = hostname.Absolute("mail.example.net.") == "mail.example.net." },
		"Append octets":         expands(octets, v4),
		"Append IPv4":           expands(whole, v4),
		"Append IPv6":           expands(whole, v6),
		"Append reverse IPv6":   expands(rev, v6),
		"Append server":         expands(def, vs),
		"Invert octets":         inverts(octets, "a.02.00c0.static.example.", true),
		"Invert IPv4":           inverts(whole, "192-0-2-10.v6.example.", true),
		"Invert IPv6":           inverts(whole, "2001-0db8-0000-0000-0000-0000-0000-0001.v6.example.", true),
		"Invert reverse IPv6":   inverts(rev, rev6, true),
		"Invert server":         inverts(def, "examplaaa1.miniserver.example.", true),
		"Invert another name":   inverts(whole, "www.example.", false),
		"Invert a bad octet":    inverts(whole, "192-0-2-256.v6.example.", false),
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
		if !ok {
			t.Errorf("%s: wrong result", what)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, s := range []string{"{server}.miniserver.example", "{a}-{b}-{c}-{d}.static.example", "{ip}.static.example"} {
		tmpl, err := hostname.Parse(s)
		if err != nil {
			b.Fatal(err)
		}
		v := hostname.Values{Addr: addr4, Server: "examplaaa1"}
		buf := make([]byte, 0, 254)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Append(buf, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func mustParse(t *testing.T, s string) *hostname.Template {
	t.Helper()
	tmpl, err := hostname.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return tmpl
}

func mustExpand(t *testing.T, tmpl *hostname.Template, v hostname.Values) string {
	t.Helper()
	name, err := tmpl.Expand(v)
	if err != nil {
		t.Fatalf("Expand(%s, %+v): %v", tmpl, v, err)
	}
	return name
}

func randomAddr(rnd *rand.Rand, size int) netip.Addr {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.Uint32())
		if rnd.IntN(3) == 0 {
			b[i] %= 12 // few digits
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
