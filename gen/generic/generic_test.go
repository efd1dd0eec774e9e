package generic

import (
	"slices"
	"strings"
	"testing"
)

func TestPTR(t *testing.T) {
	const (
		dynamic   = "SpamAssassin RDNS_DYNAMIC "
		localhost = "SpamAssassin RDNS_LOCALHOST "
	)
	for _, tt := range []struct {
		name string
		want string // filters and parts; "; " between
	}{
		// What providers give.
		{"examplaaa1.miniserver.example", ""},
		{"static.4.3.2.1.clients.your-server.example", ""},
		{"static.10.2.0.192.clients.your-server.example", "rspamd HFILTER_HOSTNAME_5 client"}, // three digits before it
		{"ec2-192-0-2-10.eu-west-1.compute.cloud.example", dynamic + "2-192-0-2"},
		{"192-0-2-10.ip.usercontent.example", dynamic + "192-0-2-10"},
		{"vps-12ab34cd.vps.host.example", ""},
		{"vps-1a2b3c4d.vps.host.example", dynamic + "1a2b3c4"}, // four numbers, by chance
		{"li12-10.members.host.example", ""},
		{"vmi123456.server.example", ""},
		{"h2712345.server.example", ""},
		{"dynamic-192-0-2-10.host.example", dynamic + "192-0-2-10; rspamd HFILTER_HOSTNAME_5 dynamic"},
		{"10.2.0.192.bc.usercontent.example", dynamic + "10.2.0.192"},
		{"192-0-2-10.static.cloud.example", ""},
		{"ool-c000020a.dyn.access.example", dynamic + "dyn"},

		// What people name servers.
		{"mail.acme.example", ""},
		{"mail1.acme2.example", ""},
		{"mx1.fra2.acme.example", ""},
		{"node1.acme.example", ""},
		{"web-01.eu-west-1.example.net", ""},
		{"192-0-2-10.example", ""}, // only one label after the address
		{"client.example.net", ""}, // client has no separator before it
		{"pool.ntp.example", ""},
		{"signat-ure.example", ""},
		{"xn--mller-kva.example", ""},
		{"mail_1.example.net", ""},
		{"", ""},
		{"localhost", localhost + "localhost"},
		{"LOCALHOST.localdomain.", localhost + "localhost.localdomain"},
		{"localhost.example", ""},

		// Each shape of RDNS_DYNAMIC, and one step beside it.
		{"192-0-2-10.host.example", dynamic + "192-0-2-10"},
		{"192--0-2-10.host.example", ""},
		{"192-0-2-10-host.example", ""},
		{"10.red-192-0-2.access.example", dynamic + "10.red-192-0-2"},
		{"10.red-192-0-2", ""},
		{"10a.red-192-0-2.access.example", ""},
		{"node1-2.example.net", dynamic + "node1-2"},
		{"node12.example.net", ""},
		{"acme1.eu2.example", dynamic + "cme1.eu2"},
		{"a1b2.cpe.example", dynamic + "cpe"},
		{"a12.dsl.example", "rspamd HFILTER_HOSTNAME_4 dsl"},
		{"a1b2.cpe", ""},
		{"a.resnet.example", dynamic + "resnet"},
		{"a.resnet", ""},
		{"a-dynamic1.example", dynamic + "dynamic"},
		{"sp1-c700-131.access.example", dynamic + "-c700-131"},
		{"sp1-cc700-131.access.example", ""},
		{"sp1-c700-131-a.access.example", ""},
		{"0xc000020a.access.example", dynamic + "0xc000020a"},
		{"0xc00002.access.example", ""},
		{"0xc000020g.access.example", ""},
		{"p12345.dip.access.example", dynamic + "p12345.dip"},
		{"p12a45.dip.access.example", ""}, // the filter wants the letters of the address in upper case
		{"12.cps.access.example", dynamic + "12.cps"},
		{"a12.cps.access.example", ""},

		// Words that take RDNS_DYNAMIC back.
		{"192-0-2-10.prefix.host.example", ""},
		{"192-0-2-10.dedicated.host.example", ""},
		{"192-0-2-10.mail-mail.host.example", ""},
		{"192-0-2-10.outbound-mail.host.example", ""},
		{"192-0-2-10.smtp.host.example", ""},
		{"192-0-2-10.mail.host.example", dynamic + "192-0-2-10"},

		// The word with the highest weight counts.
		{"cable-1.pool-2.example", dynamic + "cable-1.pool-2; rspamd HFILTER_HOSTNAME_4 pool"},
		{"a.dyn-1", dynamic + "dyn"},
		{"a.dyn-12", dynamic + "dyn; rspamd HFILTER_HOSTNAME_5 dyn"},
		{"a.kabel.example", "rspamd HFILTER_HOSTNAME_3 kabel"},
	} {
		if got := describe(PTR(tt.name)); got != tt.want {
			t.Errorf("PTR(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestHELO(t *testing.T) {
	for _, tt := range []struct {
		name string
		want string
	}{
		{"mail.acme.example", ""},
		{"examplaaa1.miniserver.example", ""},
		{"", ""},
		{"mail", "rspamd HFILTER_HELO_5 mail"},
		{"localhost.", "SpamAssassin HELO_LOCALHOST localhost; rspamd HFILTER_HELO_5 localhost"},
		{"acme1.eu2.example", ""}, // unlike RDNS_DYNAMIC
		{"smtpcm1.eu2.example", ""},
		{"acmecm1.eu2.example", "SpamAssassin HELO_DYNAMIC_DHCP cm1.eu2"},
		{"a1b2.cpe.example", "SpamAssassin HELO_DYNAMIC_HCC cpe"},
		{"0xc000020a.access.example", "SpamAssassin HELO_DYNAMIC_HEXIP 0xc000020a"},
		{"p12345.dip.access.example", "SpamAssassin HELO_DYNAMIC_DIALIN p12345.dip"},
		{"vps-192-0-2-10.host.a.example", "SpamAssassin HELO_DYNAMIC_IPADDR 192-0-2-10"},
		{"vps-192-0-2-10.host.example", ""}, // the label of the fourth number ends with it: one more is wanted
		{"vps-192-0-2-10x.host.example", "SpamAssassin HELO_DYNAMIC_IPADDR 192-0-2-10"},
		{"vps-192-0-2-10.static.a.example", ""},
		{"vps-192-0-2-10.static1.a.example", "SpamAssassin HELO_DYNAMIC_IPADDR 192-0-2-10"},
		{"o192-0-2-10.outbound-mail.sendgrid.net", ""},
		{"192-0-2-10.host.a.example", "SpamAssassin HELO_DYNAMIC_IPADDR2 192-0-2-10"},
		{"192x0x2x10.host.a.example", "SpamAssassin HELO_DYNAMIC_IPADDR2 192x0x2x10"},
		{"192y0y2y10.host.a.example", ""},
		{"1922-0-2-10.host.a.example", ""},
		{"192-0-2-10.mail3.a.example", ""},
		{"10.20.0.192.host.example", "SpamAssassin HELO_DYNAMIC_SPLIT_IP 10.20.0.192"},
		{"10.pool.example", "rspamd HFILTER_HELO_4 pool"},
	} {
		if got := describe(HELO(tt.name)); got != tt.want {
			t.Errorf("HELO(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestS25R(t *testing.T) {
	for _, tt := range []struct {
		name string
		want string
	}{
		// What providers give.
		{"examplaaa1.miniserver.example", ""},
		{"static.10.2.0.192.clients.your-server.example", "S25R rule 3 10"},
		{"ec2-192-0-2-10.eu-west-1.compute.cloud.example", "S25R rule 1 ec2-192-0-2-10"},
		{"192-0-2-10.ip.usercontent.example", "S25R rule 1 192-0-2-10"},
		{"vps-1a2b3c4d.vps.host.example", "S25R rule 1 vps-1a2b3c4d"},
		{"li12-10.members.host.example", "S25R rule 1 li12-10"},
		{"vmi123456.server.example", "S25R rule 2 vmi123456"},
		{"dynamic-192-0-2-10.host.example", "S25R rule 1 dynamic-192-0-2-10"},

		// Each rule, and one step beside it.
		{"a1b2", ""},
		{"a1b2.example", "S25R rule 1 a1b2"},
		{"a1234.example", ""},
		{"a12345", "S25R rule 2 a12345"},
		{"1a.rack.host.example", "S25R rule 3 1a"},
		{"1a.rack.example", ""},
		{"1a.rack.host.2x", ""},
		{"1a.rack.host.2x.example", "S25R rule 3 1a"},
		{"a.1b.rack.host.example", "S25R rule 3 1b"},
		{"a.b.1c.rack.host.example", ""},
		{"a1.b2-3.example", "S25R rule 4 b2-3"},
		{"a1.b2-c3.example", ""},
		{"a1b.b2-3.example", ""},
		{"a1.b-3.example", ""},
		{"a1.b2.rack.host.example", "S25R rule 5 a1.b2"},
		{"a1.b2.host.example", ""},
		{"a1.b2c.rack.host.example", ""},
		{"ppp1.host.example", "S25R rule 6 ppp1"},
		{"ppp.host1.example", ""},
		{"dhcp1.host.example", "S25R rule 6 dhcp1"},
		{"dialup1.host.example", "S25R rule 6 dialup1"},
		{"dsl1.host.example", "S25R rule 6 dsl1"},
		{"vdsl1.host.example", "S25R rule 6 vdsl1"},
		{"bdsl1.host.example", ""},
		{"mail.acme.example", ""},
		{"", ""},
	} {
		var got []Match
		if m, ok := S25R(tt.name); ok {
			got = append(got, m)
		}
		if got := describe(got); got != tt.want {
			t.Errorf("S25R(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestFix holds the names that a Fix recommends to all filters.
func TestFix(t *testing.T) {
	for _, name := range []string{"mail.example.net", "mail1.example.net", "192-0-2-10.static.example.net"} {
		if got := slices.Concat(PTR(name), HELO(name)); len(got) > 0 {
			t.Errorf("%s: %q", name, describe(got))
		}
	}
	for _, name := range []string{"mail.example.net", "mail1.example.net"} {
		if m, ok := S25R(name); ok {
			t.Errorf("%s: %s", name, m.Filter)
		}
	}
	for name, want := range map[string]string{
		"192-0-2-10.host.example":     fixPTR,
		"192-0-2-10.dyn.host.example": fixPTR,
		"mail.dyn.host.example":       fixWord,
		"node12.dc3.example":          fixNumbered,
	} {
		if got := PTR(name); len(got) == 0 || got[0].Fix != want {
			t.Errorf("%s: %+v, want %q", name, got, want)
		}
	}
	for _, name := range slices.Concat(templates, wordNames()) {
		for _, m := range slices.Concat(PTR(name), HELO(name)) {
			if m.Cost == "" || m.Fix == "" {
				t.Errorf("%s: %s says too little: %+v", name, m.Filter, m)
			}
		}
	}
}

// describe returns the filters of matches and the parts that they fire on.
func describe(matches []Match) string {
	var s []string
	for _, m := range matches {
		s = append(s, m.Filter+" "+m.Part)
	}
	return strings.Join(s, "; ")
}

func FuzzNames(f *testing.F) {
	for _, name := range templates {
		f.Add(name)
	}
	f.Add("-.1..\x00\xff")
	s25r := func(name string) []Match {
		if m, ok := S25R(name); ok {
			return []Match{m}
		}
		return nil
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, ask := range []func(string) []Match{PTR, HELO, s25r} {
			matches := ask(name)
			for _, m := range matches {
				if m.Part == "" || !strings.Contains(strings.ToLower(name), m.Part) {
					t.Errorf("%q: %s fires on %q, which is not in it", name, m.Filter, m.Part)
				}
			}
			if got := ask(upper(name)); !slices.Equal(got, matches) {
				t.Errorf("%q: %q, in upper case %q", name, describe(matches), describe(got))
			}
			if got := ask(name + "."); !strings.HasSuffix(name, ".") && !slices.Equal(got, matches) {
				t.Errorf("%q: %q, with a final dot %q", name, describe(matches), describe(got))
			}
		}
	})
}

// upper returns s with ASCII letters in upper case, and all other bytes as they are.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if isLetter(c) {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// plain are names that no filter fires on.
var plain = []string{"mail.acme.example.", "examplaaa1.miniserver.example.", "192-0-2-10.static.example.net."}

func TestAllocations(t *testing.T) {
	for _, name := range plain {
		if n := testing.AllocsPerRun(100, func() { PTR(name); HELO(name) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPTR(b *testing.B) {
	for _, name := range plain {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				PTR(name)
			}
		})
	}
}
