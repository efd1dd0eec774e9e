package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hundred is a source in which two blocks of IPv4 have a hundred names each, and there is one block of IPv6.
func hundred() string {
	var b strings.Builder
	b.WriteString(`version: 1
defaults:
  ttl: 1h
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net, refresh: 1h, retry: 15m, expire: 2w, negative_ttl: 5m}
blocks:
  192.0.2.0/24: {}
  198.51.100.0/23: {fallback: "{ip}.pool.example.net"}
  203.0.113.0/24: {delegations: {203.0.113.0/25: {zone: 0-25.113.0.203.in-addr.arpa, nameservers: [ns1.acme.example]}}}
  2001:db8::/32: {}
addresses:
`)
	for i := range 100 {
		fmt.Fprintf(&b, "  192.0.2.%d: a%d.example.net\n  198.51.100.%d: b%d.example.net\n", i, i, i, i)
	}
	b.WriteString("  203.0.113.200: c.example.net\n")
	return b.String()
}

// without returns text without the names "a0" to "a<n-1>", or of another letter.
func withoutNames(text, letter string, n int) string {
	for i := range n {
		before, after, _ := strings.Cut(text, fmt.Sprintf(": %s%d.example.net\n", letter, i))
		text = before[:strings.LastIndexByte(before, '\n')+1] + after
	}
	return text
}

// renamed returns text with other names in place of n with that letter.
func renamed(text, letter string, n int) string {
	for i := range n {
		text = strings.Replace(text, fmt.Sprintf(" %s%d.example.net\n", letter, i), fmt.Sprintf(" new%d.example.net\n", i), 1)
	}
	return text
}

func replaced(text, old, new string) string {
	if strings.Count(text, old) != 1 {
		panic(old)
	}
	return strings.Replace(text, old, new, 1)
}

// TestGate says what is stopped by default, which allowance lets it pass, and that this one is enough.
func TestGate(t *testing.T) {
	text := hundred()
	without203 := replaced(replaced(text, "  203.0.113.0/24: {delegations: {203.0.113.0/25: {zone: 0-25.113.0.203.in-addr.arpa, "+
		"nameservers: [ns1.acme.example]}}}\n", ""), "  203.0.113.200: c.example.net\n", "")
	without198 := replaced(withoutNames(text, "b", 100), "  198.51.100.0/23: {fallback: \"{ip}.pool.example.net\"}\n", "")
	tests := []struct {
		name string
		to   string
		want []string
	}{
		{"nothing", text, nil},
		{"10% lost in a block", withoutNames(text, "a", 10), nil},
		{"11% lost in a block", withoutNames(text, "a", 11), []string{
			"old.yaml:7:3 lost=192.0.2.0/24: in 192.0.2.0/24, 11 of 100 names are lost, which is 11% and more than 10%"}},
		{"11% in each of two", withoutNames(withoutNames(text, "a", 11), "b", 11), []string{
			"old.yaml:7:3 lost=192.0.2.0/24: in 192.0.2.0/24, 11 of 100 names are lost, which is 11% and more than 10%",
			"old.yaml:8:3 lost=198.51.100.0/23: in 198.51.100.0/23, 11 of 100 names are lost, which is 11% and more than 10%"}},
		{"all of a block, which has no fallback", withoutNames(text, "a", 100), []string{
			"new.yaml:7:3 block-emptied=192.0.2.0/24: no address of 192.0.2.0/24 has a name any more"}},
		{"all of a block that has a fallback", withoutNames(text, "b", 100), []string{
			"old.yaml:8:3 lost=198.51.100.0/23: in 198.51.100.0/23, 100 of 100 names are lost, which is 100% and more than 10%"}},
		{"the only one of a block", replaced(text, "  203.0.113.200: c.example.net\n", ""), []string{
			"new.yaml:9:3 block-emptied=203.0.113.0/24: no address of 203.0.113.0/24 has a name any more"}},
		{"half of all changed", renamed(text, "a", 100), nil},
		{"more than half changed", renamed(renamed(text, "a", 100), "b", 1), []string{
			"- changed: 101 of 201 names are changed, which is 50.2% and more than 50%"}},
		{"a block and its only zone", without203, []string{
			"old.yaml:9:3 zone-removed=113.0.203.in-addr.arpa: zone 113.0.203.in-addr.arpa. is served no more: 1 name is lost"}},
		{"an empty block", replaced(text, "  2001:db8::/32: {}\n", ""), []string{
			"old.yaml:10:3 zone-removed=8.b.d.0.1.0.0.2.ip6.arpa: zone 8.b.d.0.1.0.0.2.ip6.arpa. is served no more"}},
		{"a block of two zones, its fallback and its names", without198, []string{
			"old.yaml:8:3 zone-removed=198.51.100.0/23: 2 zones of 198.51.100.0/23 are served no more: 100 names are lost"}},
		{"one zone of a block", replaced(withoutNames(text, "b", 100), "  198.51.100.0/23: {fallback: ", "  198.51.101.0/24: {fallback: "),
			[]string{"old.yaml:8:3 zone-removed=100.51.198.in-addr.arpa: zone 100.51.198.in-addr.arpa. is served no more: 100 names are lost"}},
		{"a block becomes two", replaced(text, "  198.51.100.0/23: {fallback: \"{ip}.pool.example.net\"}\n",
			"  198.51.100.0/24: {fallback: \"{ip}.pool.example.net\"}\n  198.51.101.0/24: {fallback: \"{ip}.pool.example.net\"}\n"), nil},
		{"a fallback", replaced(text, `{fallback: "{ip}.pool.example.net"}`, "{}"), []string{
			"new.yaml:8:3 fallback-removed=198.51.100.0/23: the addresses of 198.51.100.0/23 that have no name of their own have none any more"}},
		{"a delegation", replaced(text, "{delegations: {203.0.113.0/25: {zone: 0-25.113.0.203.in-addr.arpa, nameservers: [ns1.acme.example]}}}", "{}"),
			[]string{"old.yaml:9:34 delegation-removed=203.0.113.0/25: whatever others answered for 203.0.113.0/25 is lost"}},
		{"a delegation and the only name beside it", replaced(replaced(text, "  203.0.113.200: c.example.net\n", ""),
			"{delegations: {203.0.113.0/25: {zone: 0-25.113.0.203.in-addr.arpa, nameservers: [ns1.acme.example]}}}", "{}"),
			[]string{"old.yaml:9:34 delegation-removed=203.0.113.0/25: whatever others answered for 203.0.113.0/25 is lost",
				"new.yaml:9:3 block-emptied=203.0.113.0/24: no address of 203.0.113.0/24 has a name any more"}},
		{"a delegation becomes larger", replaced(replaced(text, "{203.0.113.0/25: {zone", "{203.0.113.0/24: {zone"),
			"  203.0.113.200: c.example.net\n", ""), []string{
			"new.yaml:9:3 block-emptied=203.0.113.0/24: no address of 203.0.113.0/24 has a name any more"}},
		{"names are delegated", replaced(text, "  192.0.2.0/24: {}", "  192.0.2.0/24: {delegations: {192.0.2.64/26: "+
			"{zone: 64-26.2.0.192.in-addr.arpa, nameservers: [ns1.acme.example]}}}"), []string{
			"old.yaml:7:3 lost=192.0.2.0/24: in 192.0.2.0/24, 36 of 100 names are lost, which is 36% and more than 10%"}},
		{"another SOA", replaced(text, "refresh: 1h", "refresh: 2h"), []string{
			"new.yaml:5:3 soa-changed: 5 zones get another SOA: refresh: 3600 → 7200"}},
		{"and DS records", replaced(replaced(text, "refresh: 1h", "refresh: 2h"), "  192.0.2.0/24: {}",
			"  192.0.2.0/24: {ds: {2.0.192.in-addr.arpa: [\"1 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766\"]}}"),
			[]string{"new.yaml:5:3 soa-changed: 5 zones get another SOA: refresh: 3600 → 7200"}},
		{"other name servers", replaced(text, "[ns1.example.net, ns2.example.net]", "[ns1.example.net]"), []string{
			"new.yaml:4:17 ns-changed: 5 zones get other name servers: ns1.example.net., ns2.example.net. → ns1.example.net."}},
		{"another TTL", replaced(text, "ttl: 1h\n", "ttl: 2h\n"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compareTexts(t, text, tt.to)
			stops, allowed := c.Gate(DefaultLimits())
			if diff := cmp.Diff(tt.want, describeStops(stops)); diff != "" {
				t.Errorf("stops (-want +got):\n%s", diff)
			}
			if len(allowed) > 0 {
				t.Errorf("allowed by nobody: %q", describeStops(allowed))
			}
			l := DefaultLimits()
			for _, s := range stops {
				a, err := ParseAllowance(s.Allow)
				if err != nil {
					t.Fatal(err)
				}
				a.By = "somebody"
				l.Allow = append(l.Allow, a)
			}
			for i := range stops {
				stops[i].AllowedBy = "somebody"
			}
			left, allowed := c.Gate(l)
			if len(left) > 0 {
				t.Errorf("with %v, there are still: %q", l.Allow, describeStops(left))
			}
			if diff := cmp.Diff(stops, allowed); diff != "" {
				t.Errorf("allowed (-want +got):\n%s", diff)
			}
		})
	}
}

// What is stopped of a zone or a block is no word about another one inside it.
func TestGateNested(t *testing.T) {
	var b strings.Builder
	b.WriteString(`version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
blocks:
  10.0.0.0/8: {delegations: {10.1.0.0/16: {nameservers: [ns1.example.net]}}}
  10.1.0.0/16: {fallback: "{ip}.pool.example.net", delegations: {10.1.2.0/24: {nameservers: [ns1.acme.example]}}}
  198.51.100.64/26: {zone: 64-26.100.51.198.in-addr.arpa, fallback: "{ip}.pool.example.net"}
addresses:
  10.0.0.1: a0.example.net
`)
	for i := range 10 {
		fmt.Fprintf(&b, "  10.1.0.%d: b%d.example.net\n  198.51.100.%d: c%d.example.net\n", i, i, 64+i, i)
	}
	text := b.String()
	outer := replaced(replaced(text, "  10.0.0.0/8: {delegations: {10.1.0.0/16: {nameservers: [ns1.example.net]}}}\n", ""),
		"  10.0.0.1: a0.example.net\n", "")
	pool := `fallback: "{ip}.pool.example.net"`
	tests := []struct {
		name string
		to   string
		want []string // what is stopped
	}{
		{"the outer one", outer, []string{"zone-removed=10.in-addr.arpa"}},
		{"and the names of the inner one", withoutNames(outer, "b", 10), []string{
			"zone-removed=10.in-addr.arpa", "lost=10.1.0.0/16"}},
		{"and its fallback", replaced(withoutNames(outer, "b", 10), pool+", delegations", "delegations"), []string{
			"zone-removed=10.in-addr.arpa", "block-emptied=10.1.0.0/16", "fallback-removed=10.1.0.0/16"}},
		{"and its delegation", replaced(outer, ", delegations: {10.1.2.0/24: {nameservers: [ns1.acme.example]}}", ""), []string{
			"zone-removed=10.in-addr.arpa", "delegation-removed=10.1.2.0/24"}},
		{"the outer one is emptied, and names of the inner one", withoutNames(withoutNames(text, "a", 1), "b", 6), []string{
			"block-emptied=10.0.0.0/8", "lost=10.1.0.0/16"}},
		{"another name of a zone", replaced(text, "64-26.100", "64.100"), []string{
			"zone-removed=64-26.100.51.198.in-addr.arpa"}},
		{"and its names", withoutNames(replaced(text, "64-26.100", "64.100"), "c", 10), []string{
			"zone-removed=64-26.100.51.198.in-addr.arpa", "lost=198.51.100.64/26"}},
		{"and its fallback", replaced(text, "64-26.100.51.198.in-addr.arpa, "+pool, "64.100.51.198.in-addr.arpa"), []string{
			"zone-removed=64-26.100.51.198.in-addr.arpa", "fallback-removed=198.51.100.64/26"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stops, _ := compareTexts(t, text, tt.to).Gate(DefaultLimits())
			var got []string
			for _, s := range stops {
				got = append(got, s.Allow)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// compareTexts compares two sources.
func compareTexts(t *testing.T, old, new string) *Changes {
	t.Helper()
	a, _ := load(t, "old.yaml", old, zoneFile)
	b, _ := load(t, "new.yaml", new, zoneFile)
	return Compare(OfInventory(a, nil), OfInventory(b, nil))
}

func describeStops(stops []Stop) []string {
	var lines []string
	for _, s := range stops {
		lines = append(lines, s.Pos.String()+" "+s.Allow+": "+s.Message)
	}
	return lines
}

// TestLimits says what limits stop of a change that loses 20 names of 100 in one block and renames 20 in another.
func TestLimits(t *testing.T) {
	text := hundred()
	c := compareTexts(t, text, renamed(withoutNames(text, "a", 20), "b", 20))
	tests := []struct {
		lost, changed string
		allow         []string
		want          []string // what stops it
	}{
		{"20%", "50%", nil, nil},
		{"19.9%", "50%", nil, []string{"lost=192.0.2.0/24"}},
		{"20", "50%", nil, nil},
		{"19", "50%", nil, []string{"lost=192.0.2.0/24"}},
		{"0", "50%", nil, []string{"lost=192.0.2.0/24"}},
		{"0%", "50%", nil, []string{"lost=192.0.2.0/24"}},
		{"100%", "100%", nil, nil},
		{"100%", "19%", nil, []string{"changed"}},
		{"100%", "40", nil, nil},
		{"100%", "39", nil, []string{"changed"}},
		{"19", "20", nil, []string{"lost=192.0.2.0/24"}}, // those that are lost are not counted twice
		{"19", "19", nil, []string{"lost=192.0.2.0/24", "changed"}},
		{"19", "19", []string{"changed"}, []string{"lost=192.0.2.0/24"}},
		{"10%", "50%", []string{"lost"}, nil},
		{"10%", "50%", []string{"lost=192.0.0.0/16"}, nil},
		{"10%", "50%", []string{"lost=192.0.2.77/24"}, nil},
		{"10%", "50%", []string{"lost=192.0.2.0/25", "lost=198.51.100.0/23", "block-emptied", "zone-removed"},
			[]string{"lost=192.0.2.0/24"}},
	}
	for _, tt := range tests {
		l := Limits{MaxLost: limit(t, tt.lost), MaxChanged: limit(t, tt.changed)}
		for _, a := range tt.allow {
			parsed, err := ParseAllowance(a)
			if err != nil {
				t.Fatal(err)
			}
			l.Allow = append(l.Allow, parsed)
		}
		var got []string
		stops, _ := c.Gate(l)
		for _, s := range stops {
			got = append(got, s.Allow)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("lost %s, changed %s, allowed %q (-want +got):\n%s", tt.lost, tt.changed, tt.allow, diff)
		}
	}
	// A loss that is spread over blocks, each of which may lose so many, is one overall.
	l := Limits{MaxLost: limit(t, "15"), MaxChanged: limit(t, "100%")}
	stops, _ := compareTexts(t, text, withoutNames(withoutNames(text, "a", 10), "b", 10)).Gate(l)
	want := []string{"- lost: 20 of 201 names are lost, which is more than 15"}
	if diff := cmp.Diff(want, describeStops(stops)); diff != "" {
		t.Errorf("overall (-want +got):\n%s", diff)
	}
	// Few names are no share.
	few := replaced(text, "  203.0.113.200: c.example.net\n",
		"  2001:db8::1: d0.example.net\n  2001:db8::2: d1.example.net\n  2001:db8::3: d2.example.net\n  2001:db8::4: d3.example.net\n  2001:db8::5: d4.example.net\n"+
			"  2001:db8::6: d5.example.net\n")
	for n, want := range map[int]int{4: 0, 5: 1} {
		if stops, _ := compareTexts(t, few, withoutNames(few, "d", n)).Gate(DefaultLimits()); len(stops) != want {
			t.Errorf("%d of 6 names lost: %q", n, describeStops(stops))
		}
	}
}

// An allowance is used if it is about something that a gate would stop, even where another one has let that pass.
func TestUnused(t *testing.T) {
	text := hundred()
	c := compareTexts(t, text, withoutNames(text, "a", 20))
	l := DefaultLimits()
	for _, a := range []string{
		"changed", "lost", "lost=198.51.100.0/24", "lost=192.0.2.0/24", "zone-removed=2.0.192.in-addr.arpa",
	} {
		parsed, err := ParseAllowance(a)
		if err != nil {
			t.Fatal(err)
		}
		l.Allow = append(l.Allow, parsed)
	}
	var got []string
	for _, a := range c.Unused(l) {
		got = append(got, a.String())
	}
	if diff := cmp.Diff([]string{"changed", "lost=198.51.100.0/24", "zone-removed=2.0.192.in-addr.arpa"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func limit(t *testing.T, s string) Limit {
	t.Helper()
	l, err := ParseLimit(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseLimit(t *testing.T) {
	for s, want := range map[string]string{
		"10%": "10%", "12.50%": "12.5%", "100%": "100%", "0%": "0", "0": "0", "500": "500",
		"": "", "%": "", "-1": "", "-1%": "", "101%": "", "NaN%": "", "1.5": "", "10 %": "", "ten": "", "1e400%": "",
	} {
		l, err := ParseLimit(s)
		if got := l.String(); err == nil && got != want || err != nil && want != "" {
			t.Errorf("%q is the limit %s (%v), want %q", s, got, err, want)
		}
	}
}

func TestParseAllowance(t *testing.T) {
	for s, want := range map[string]string{
		"lost":                                 "lost",
		"lost=192.0.2.77/24":                   "lost=192.0.2.0/24",
		" lost = 2001:DB8::/32 ":               "lost=2001:db8::/32",
		"zone-removed=2.0.192.IN-ADDR.arpa.":   "zone-removed=2.0.192.in-addr.arpa",
		"zone-removed=192.0.2.0/24":            "zone-removed=192.0.2.0/24",
		"changed":                              "changed",
		"changed=192.0.2.0/24":                 "changed is about all names; want it without =",
		"lost=2.0.192.in-addr.arpa":            `"2.0.192.in-addr.arpa" is no prefix, as in lost=192.0.2.0/24`,
		"fallback-removed=192.0.2.0":           `"192.0.2.0" is no prefix, as in fallback-removed=192.0.2.0/24`,
		"name-removed":                         `there is no gate "name-removed"; want one of: ` + strings.Join(Gates, " "),
		"":                                     `there is no gate ""; want one of: ` + strings.Join(Gates, " "),
		"soa-changed=miniserver.example":       "soa-changed=miniserver.example",
		"ns-changed=8.b.d.0.1.0.0.2.ip6.arpa.": "ns-changed=8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		a, err := ParseAllowance(s)
		got := a.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}
