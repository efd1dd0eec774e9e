package hostname_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/hostname"
)

// shapes are the default hostnames that hosting providers give, in our syntax.
var shapes = []string{
	"{server}.miniserver.example",
	"static.{d}.{c}.{b}.{a}.clients.example",
	"static.{a}-{b}-{c}-{d}.clients.example",
	"{d}.{c}.{b}.{a}.bc.example",
	"ec2-{a}-{b}-{c}-{d}.compute-1.example",
	"ec2-{a}-{b}-{c}-{d}.{var.region}.compute.example",
	"a{a}-{b}-{c}-{d}.deploy.static.example",
	"{a}-{b}-{c}-{d}.rev.example",
	"{d}-{c}-{b}-{a}.instances.example",
	"{a}.{b}.{c}.{d}.cloud.example",
	"li{var.number}-{d}.members.example",
	"ns{server}.ip-{a}-{b}-{c}.example",
	"ip{d}.ip-{a}-{b}-{c}.example",
	"vps-{server}.vps.example",
	"vmi{server}.server.example",
	"{a}-{b}-{c}-{d}-host.example",
	"{d:x}.{c:02x}.{b:02x}{a:02x}.ip4.static.example",
	"hosted-by.example",
	"ool-{a:02x}{b:02x}{c:02x}{d:02x}.dyn.example",
	"{a:03}-{b:03}-{c:03}-{d:03}.res.example",
	"dynamic-{ip}.example",
	"{ip}.v6.example",
	"{rev}.{product}.{account}.example",
}

func TestInvertible(t *testing.T) {
	const both = "46"
	tests := []struct {
		template string
		families string // for which it must be invertible
		reason   string // in the error for IPv4, or for IPv6 if it is invertible for IPv4
	}{
		{"{server}.x", both, ""},
		{"{server}", both, ""},
		{"vps-{server}.x", both, ""},
		{"{server}-v6.x", both, ""},
		{"{server}.{product}.{account}.x", both, ""},
		{"{ip}.x", both, ""},
		{"x{ip}-x.x", both, ""},
		{"{rev}.x", both, ""},
		{"{rev}{rev}.x", "6", "where {rev} ends is not certain: a digit can follow"},
		{"{ip}{server}.x", "6", "where {ip} ends is not certain"},
		{"{ip}0.x", "6", "where {ip} ends is not certain"},
		{"{ip}.{server}.x", both, ""},

		{"{a}.{b}.{c}.{d}.x", "4", "{a} is an octet of IPv4"},
		{"{a}-{b}-{c}-{d}.x", "4", "{a} is an octet of IPv4"},
		{"{d:x}g{c:x}.{b:02x}{a:02x}0.x", "4", "{d} is an octet of IPv4"},
		{"{a:03}{b:03}{c:03}{d:03}{server}.x", "4", "{a} is an octet of IPv4"},
		{"{a:03x}{b:02x}{c:03}{d}.x", "4", "{a} is an octet of IPv4"},
		{"{a}.{a}.{b}.{c}.{d}.x", "4", "{a} is an octet of IPv4"},
		{"{a}f{b}.{c}.{d}.x", "4", "{a} is an octet of IPv4"},

		{"{a}{b}.{c}.{d}.x", "", "where {a} ends is not certain: a digit can follow"},
		{"{a:02}{b}.{c}.{d}.x", "", "where {a} ends is not certain"},
		{"{a}0.{b}.{c}.{d}.x", "", "where {a} ends is not certain"},
		{"{a:x}f.{b}.{c}.{d}.x", "", "where {a} ends is not certain"},
		{"{a:x}{b:x}.{c}.{d}.x", "", "where {a} ends is not certain"},
		{"{server}{a:03}.{b}.{c}.{d}.x", "", "where {server} ends is not certain: another placeholder"},
		{"{server}-{product}.x", "", "where {server} ends is not certain: another placeholder"},
		{"{account}-{server}.x", "", "where {account} ends is not certain"},
		{"{a}.{b}.{c}.x", "", "only some of {a}, {b}, {c} and {d}"},
		{"{d}.{server}.x", "", "only some of {a}, {b}, {c} and {d}"},
		{"{product}.{account}.x", "", "neither an address nor {server}"},
		{"hosted-by.example", "", "neither an address nor {server}"},
		{"{server}.{var.region}.x", "", "{var.region} is not bound"},
	}
	for _, tt := range tests {
		tmpl := mustParse(t, tt.template)
		err4, err6 := tmpl.Invertible(false), tmpl.Invertible(true)
		if want := strings.Contains(tt.families, "4"); want != (err4 == nil) {
			t.Errorf("%s: Invertible(IPv4) = %v, want invertible: %v", tt.template, err4, want)
		}
		if want := strings.Contains(tt.families, "6"); want != (err6 == nil) {
			t.Errorf("%s: Invertible(IPv6) = %v, want invertible: %v", tt.template, err6, want)
		}
		err := err4
		if err == nil {
			err = err6
		}
		if err != nil && (tt.reason == "" || !strings.Contains(err.Error(), tt.reason)) {
			t.Errorf("%s: reason is %q, want %q", tt.template, err, tt.reason)
		}
	}
}

func TestInvert(t *testing.T) {
	tests := []struct {
		template, name string
		want           *hostname.Values // nil if there must be none
	}{
		{"{server}.mini.example", "web1.mini.example.", &hostname.Values{Server: "web1"}},
		{"{server}.mini.example", "WEB1.Mini.Example.", &hostname.Values{Server: "web1"}},
		{"{server}-v6.example", "a-v6-v6.example.", &hostname.Values{Server: "a-v6"}},
		{"{server}.{product}.x", "web1.vps.x.", &hostname.Values{Server: "web1", Product: "vps"}},
		{"{server}.{server}.x", "a.a.x.", &hostname.Values{Server: "a"}},
		{"{a}-{b}-{c}-{d}.x", "192-0-2-10.x.", &hostname.Values{Addr: addr4}},
		{"{d:x}.{c:02x}.{b:02x}{a:02x}.x", "A.02.00C0.x.", &hostname.Values{Addr: addr4}},
		{"{a:03}{b:03}{c:03}{d}1.x", "1920000021.x.", nil}, // not invertible
		{"{ip}.{account}.x", "192-0-2-10.acme.x.", &hostname.Values{Addr: addr4, Account: "acme"}},
		{"{ip}.x", "2001-0db8-0000-0001-0000-0000-0000-0025.x.", &hostname.Values{Addr: addr6}},
		{"{ip}.x", "2001-0DB8-0000-0001-0000-0000-0000-0025.X.", &hostname.Values{Addr: addr6}},
		{"{ip}.x", "0000-0000-0000-0000-0000-ffff-c000-020a.x.",
			&hostname.Values{Addr: netip.MustParseAddr("::ffff:192.0.2.10")}},
		{"{rev}.x", "10.2.0.192.x.", &hostname.Values{Addr: addr4}},
		{"{rev}.x", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.x.", &hostname.Values{Addr: addr6}},
		{"{ip}.{rev}.x", "192-0-2-10.10.2.0.192.x.", &hostname.Values{Addr: addr4}},

		{"{server}.mini.example", "web1.mini.example", nil}, // not absolute
		{"{server}.mini.example", "mini.example.", nil},
		{"{server}.mini.example", ".mini.example.", nil},
		{"{server}.mini.example", "www.web1.mini.example.", nil},
		{"{server}.mini.example", "web1.mini.example.net.", nil},
		{"{server}.mini.example", `we\098.mini.example.`, nil},
		{"{server}.mini.example", strings.Repeat("a", 64) + ".mini.example.", nil},
		{"{server}-v6.example", "-v6.example.", nil},
		{"{server}.{server}.x", "a.b.x.", nil},
		{"{a}-{b}-{c}-{d}.x", "192-0-2-010.x.", nil},
		{"{a}-{b}-{c}-{d}.x", "192-0-2-256.x.", nil},
		{"{a}-{b}-{c}-{d}.x", "192-0-2-2560.x.", nil},
		{"{a}-{b}-{c}-{d}.x", "192-0-2-.x.", nil},
		{"{a}-{b}-{c}-{d}.x", "192-0-2.x.", nil},
		{"{a}-{b}-{c}-{d}.x", "c0-0-2-10.x.", nil},
		{"{a:03}.{b}.{c}.{d}.x", "1.0.2.10.x.", nil},
		{"{a}.{a}.{b}.{c}.{d}.x", "191.192.0.2.10.x.", nil},
		{"{ip}.{rev}.x", "192-0-2-10.11.2.0.192.x.", nil},
		{"{ip}.x", "192-0-2.x.", nil},
		{"{ip}.x", "192-0-2", nil},
		{"{ip}.x", "192.0.2.10.x.", nil},
		{"{ip}.x", "2001-db8-0-1-0-0-0-25.x.", nil},
		{"{ip}.x", "2001-0db8-0000-0001-0000-0000-0000-002g.x.", nil},
		{"{ip}.x", "2001-0db8-0000-0001-0000-0000-00000-025.x.", nil},
		{"{rev}.x", "10.2.0.x.", nil},
		{"{rev}.x", "010.2.0.192.x.", nil},
		{"{rev}.x", "1.10.2.0.192.x.", nil},
		{"hosted-by.example", "hosted-by.example.", nil},
		{"{d}.example", "10.example.", nil},
		{"{ip}.x", "", nil},
		{"{ip}.x", ".", nil},
		{"{server}", ".", nil},
		{"{server}", "x." + strings.Repeat("a.", 127), nil},
	}
	for _, tt := range tests {
		var want hostname.Values
		if tt.want != nil {
			want = *tt.want
		}
		got, ok := mustParse(t, tt.template).Invert(tt.name)
		if got != want || ok != (tt.want != nil) {
			t.Errorf("%s: Invert(%q) = %+v, %v, want %+v", tt.template, tt.name, got, ok, want)
		}
	}
}

// For the shapes that are invertible, Invert undoes Expand.
func TestInvertShapes(t *testing.T) {
	not := map[string]bool{ // some octets and the server, or constant
		"li{var.number}-{d}.members.example": true,
		"ns{server}.ip-{a}-{b}-{c}.example":  true,
		"hosted-by.example":                  true,
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, s := range shapes {
		tmpl, err := mustParse(t, s).Bind(map[string]string{"region": "eu-1", "number": "123"})
		if err != nil {
			t.Errorf("Bind of %s: %v", s, err)
			continue
		}
		if err := tmpl.Invertible(false); (err != nil) != not[s] {
			t.Errorf("%s: Invertible(IPv4) = %v, want invertible: %v", s, err, !not[s])
		}
		for range 200 {
			v := randomValues(rnd, 4)
			name := mustExpand(t, tmpl, v)
			if !not[s] {
				checkInverse(t, tmpl, v, name)
			}
		}
	}
}

// For any template that Invertible accepts, Invert undoes Expand.
func TestInvertRandom(t *testing.T) {
	pieces := []string{
		"{server}", "{product}", "{account}", "{ip}", "{rev}", "{a}", "{b}", "{c}", "{d}", "{a:03}", "{b:03}", "{c:x}",
		"{d:02x}", "{d:02}", "{c:03x}", "{b:x}", "{c:02x}", "-", ".", "-", ".", "x", "0", "f", "1-2.", "a.3", "{rev}.1",
		"{a}.{b}.{c}.{d}", "{d:02x}{c:02x}{b:02x}{a:02x}",
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	inverted := map[int]int{}
	for range 100_000 {
		var s string
		for range 1 + rnd.IntN(6) {
			s += pieces[rnd.IntN(len(pieces))]
		}
		tmpl, err := hostname.Parse(s)
		if err != nil {
			continue
		}
		for _, size := range []int{4, 16} {
			if tmpl.Invertible(size == 16) != nil {
				continue
			}
			v := randomValues(rnd, size)
			if name, err := tmpl.Expand(v); err == nil { // else too long
				checkInverse(t, tmpl, v, name)
				inverted[size]++
			}
		}
		if t.Failed() {
			return
		}
	}
	if inverted[4] < 1000 || inverted[16] < 1000 {
		t.Errorf("too few templates were invertible for a meaningful test: %v", inverted)
	}
}

// checkInverse tests that tmpl, invertible for v, gets v back from name; what is not in tmpl cannot come back.
func checkInverse(t *testing.T, tmpl *hostname.Template, v hostname.Values, name string) {
	t.Helper()
	in := tmpl.Placeholders()
	if !slices.Contains(in, "server") {
		v.Server = ""
	}
	if !slices.Contains(in, "product") {
		v.Product = ""
	}
	if !slices.Contains(in, "account") {
		v.Account = ""
	}
	if !slices.Contains(in, "ip") && !slices.Contains(in, "rev") && !slices.Contains(in, "d") {
		v.Addr = netip.Addr{}
	}
	for _, name := range []string{name, strings.ToUpper(name)} {
		if got, ok := tmpl.Invert(name); !ok || got != v {
			t.Errorf("%s: Invert(%q) = %+v, %v, want %+v", tmpl, name, got, ok, v)
		}
	}
}

// randomValues returns an address of so many bytes, and labels that look like parts of other placeholders.
func randomValues(rnd *rand.Rand, size int) hostname.Values {
	label := func() string {
		const characters = "0123456789abcdefx-"
		b := make([]byte, 1+rnd.IntN(4))
		for i := range b {
			b[i] = characters[rnd.IntN(len(characters))]
		}
		return string(b)
	}
	return hostname.Values{Addr: randomAddr(rnd, size), Server: label(), Product: label(), Account: label()}
}
