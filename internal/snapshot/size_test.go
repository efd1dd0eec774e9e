package snapshot

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// A mix is a kind of inventory: it makes the name of the server with number i, whose IPv4 address is addr.
type mix struct {
	title string
	name  func(rng *rand.Rand, i int, addr [4]byte) string
}

var mixes = []mix{
	{"those of customers, as `mail.alpen-park.test`", func(rng *rand.Rand, _ int, _ [4]byte) string {
		return customerName(rng)
	}},
	{"default hostnames, as `examplaab7.miniserver.example`", func(_ *rand.Rand, i int, _ [4]byte) string {
		return defaultName(i)
	}},
	{"of ten, six defaults, three of customers, one with its address", func(rng *rand.Rand, i int, addr [4]byte) string {
		switch n := rng.IntN(10); {
		case n < 6:
			return defaultName(i)
		case n < 9:
			return customerName(rng)
		default:
			return fmt.Sprintf("%d-%d-%d-%d.static.customers.acme.example.", addr[0], addr[1], addr[2], addr[3])
		}
	}},
	{"those of the bench, `host777777.cust2777.example.com`", func(_ *rand.Rand, i int, _ [4]byte) string {
		return fmt.Sprintf("host%d.cust%d.example.com.", i, i%5000)
	}},
}

// defaultName returns the default hostname of the server with number i, as examplaaa1.miniserver.example.
func defaultName(i int) string {
	return fmt.Sprintf("exampl%c%c%c%d.miniserver.example.", 'a'+i/67600%26, 'a'+i/2600%26, 'a'+i/100%26, i%100)
}

// customerName returns a name that a customer may choose: what people call hosts, below a domain of one or two words.
func customerName(rng *rand.Rand) string {
	labels := strings.Fields("mail mail mail mail mail2 mx mx mx1 mx2 smtp smtp smtp-out relay01 mailgate newsletter " +
		"server srv1 web web01 www vps host ns1 gateway cloud shop.prod")
	words := strings.Fields("acme alpen auto bau berg blue bright care city cloud consult data digital energy event fair " +
		"finance forest garden green handel haus hotel immobilien kanzlei media medical music nord online park partner " +
		"praxis print river schule service shop solar sport stadt steuerberatung studio system technik travel verein water " +
		"werbeagentur werk zahnarzt")
	word := func() string { return words[rng.IntN(len(words))] }
	domain := word() + word()
	switch rng.IntN(4) {
	case 0:
		domain = word()
	case 1:
		domain = word() + "-" + word()
	}
	return labels[rng.IntN(len(labels))] + "." + domain + ".test."
}

// TestSize holds how many bytes a name takes: the budget, and the table of the specification.
func TestSize(t *testing.T) {
	const names = 50_000
	families := []struct {
		zone        string
		prefix      netip.Prefix
		addressSize int
		budget      float64
	}{
		{"10.in-addr.arpa.", netip.MustParsePrefix("10.0.0.0/8"), 4, 48},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", netip.MustParsePrefix("2001:db8::/32"), 16, 64},
	}
	var table strings.Builder
	table.WriteString("| bytes for a name | text | IPv4 | IPv6 |\n| --- | ---: | ---: | ---: |\n")
	for _, m := range mixes {
		var text int
		var totals []float64
		for _, family := range families {
			b, err := NewBuilder("", []Zone{{
				Kind: Reverse, Name: family.zone, Prefix: family.prefix, NS: []string{"ns1.example.net."},
				SOA: SOA{"ns1.example.net.", "hostmaster.example.net.", 3600, 900, 1209600, 300},
			}})
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			text = 0
			for i := range names {
				i *= 20 // numbers have as many digits as in an inventory of a million
				a4 := [4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
				addr := netip.AddrFrom4(a4)
				if family.addressSize == 16 {
					a6 := family.prefix.Addr().As16()
					binary.BigEndian.PutUint32(a6[4:], uint32(i))
					addr = netip.AddrFrom16(a6)
				}
				name := m.name(rng, i, a4)
				text += len(name)
				if err := b.Add(addr, Default, 3600, []string{name}); err != nil {
					t.Fatal(err)
				}
			}
			size := len(encoded(t, b))
			if rest := size - text - names*(family.addressSize+4+1+1+4+1); rest < 0 || rest > 1000 {
				t.Errorf("%s: %d bytes of %d are neither address, offset, kind, number, TTL, length nor text", m.title, rest, size)
			}
			total := float64(size) / names
			if total > family.budget {
				t.Errorf("%s in %s: %.1f bytes a name, want at most %v", m.title, family.zone, total, family.budget)
			}
			totals = append(totals, total)
		}
		fmt.Fprintf(&table, "| %s | %.1f | %.1f | %.1f |\n", m.title, float64(text)/names, totals[0], totals[1])
	}
	compareSpecification(t, "| bytes for a name |", table.String())
}

// compareSpecification compares the table of the specification that starts with start, or rewrites it.
func compareSpecification(t *testing.T, start, want string) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	if !ok {
		t.Fatalf("%s has no table that starts with %q", specification, start)
	}
	table, after, _ := strings.Cut(start+rest, "\n\n")
	if table+"\n" == want {
		return
	}
	if !*update {
		t.Errorf("%s: go test -run TestSize -update writes the table anew\n got %s\nwant %s", specification, table, want)
		return
	}
	if err := os.WriteFile(specification, []byte(before+want+"\n"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
