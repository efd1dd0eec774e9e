package generic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// templates are the default names that hosting providers and access networks gave 192.0.2.10, in domains of this test.
var templates = []string{
	"examplaaa1.miniserver.example",
	"static.10.2.0.192.clients.your-server.example",
	"static.192-0-2-10.clients.your-server.example",
	"10.2.0.192.bc.usercontent.example",
	"ec2-192-0-2-10.compute-1.cloud.example",
	"ec2-192-0-2-10.eu-west-1.compute.cloud.example",
	"ip-192-0-2-10.eu-west-1.compute.internal",
	"a192-0-2-10.deploy.static.cdn.example",
	"192-0-2-10.rev.host.example",
	"10-2-0-192.instances.host.example",
	"192.0.2.10.usercontent.example",
	"192-0-2-10.ip.usercontent.example",
	"li12-10.members.host.example",
	"ns3012345.ip-192-0-2.example",
	"ip10.ip-192-0-2.example",
	"vps-1a2b3c4d.vps.host.example",
	"ks3012345.host.example",
	"vmi123456.server.example",
	"h2712345.server.example",
	"u16123456.server.example",
	"192-0-2-10-host.colo.example",
	"unn-192-0-2-10.cdn.example",
	"a.02.00c0.ip4.static.reverse.example",
	"ip-192-0-2-10.ip.server.example",
	"10.2.0.192.host.server.example",
	"192-0-2-10.static.cloud.example",
	"192.0.2.10.static.cloud.example",
	"192-0-2-10-static.host.example",
	"hwsrv-123456.hostwinds.example",
	"client-192-0-2-10.host.example",
	"hosted-by.host.example",
	"unassigned.host.example",
	"no-rdns.host.example",
	"ool-c000020a.dyn.access.example",
	"192-000-002-010.res.access.example",
	"syn-192-000-002-010.res.access.example",
	"dynamic-192-0-2-10.host.example",
	"dynamic-2001-db8--10.host.example",
	"2001-0db8-0000-0001-0000-0000-0000-0010.v6.host.example",
	"p12345.dip.access.example",
	"0xc000020a.virnxx1.access.example",
	"10.red-192-0-2.access.example",
	"sp1-c700-131.access.example",
	"123.cps.access.example",
	"mail.acme.example",
	"mail",
	"mx1.eu-1.acme2.example",
	"smtpcm1.mail2.example",
	"acme1.node-a.b2.example",
	"localhost",
	"localhost.localdomain",
	"localhost.example",
	"1x2x3x4.b.example",
	"1-2-3-4.mail5.b.example",
	"a1-2-3-4.static5.b.example",
	"a-static-1-2-3-4.b.example",
	"a1-2-3-4x.b.example.",
	"a1-2-3-4x.b.c-static",
	"a1-2-3-4x.b-static",
	"_192-0-2-10.host.a.example",
	"192-0-2-10.a.b",
	"192-0-2-10.a.b.c",
	"a192-0-2-10.a.b.c",
	"host-c1-2",
}

// vocabulary has the words that filters look for, and some that they don't.
var vocabulary = []string{
	"adsl", "bredband", "broad", "broadband", "brodband", "cable", "cablemodem", "catv", "cdma", "cm",
	"comcast", "cpe", "cps", "dhcp", "dial-up", "dialup", "dip", "docsis", "dsl", "dsl-dynamic", "adsl-dynamic",
	"dsl-line", "xdsl-line", "dyn", "dynamic", "dynip", "fbx", "fibertel", "gprs", "homeuser", "in-addr",
	"inaddr", "kabel", "modem", "nat", "node", "pool", "ppp", "pppoe", "pptp", "res", "resnet", "unused-addr",
	"wifi", "xdsl", "xdsl-dynamic", "client", "clients", "customer", "customers", "host", "peer", "user", "fix",
	"static", "dedicated", "mail-mail", "outbound-mail", "smtp", "mx", "mail", "acm", "example", "national",
	"server", "vps", "web",
}

// wordNames are names with each word of the vocabulary in all surroundings that a filter may look at.
func wordNames() (names []string) {
	for _, w := range vocabulary {
		for _, shape := range []string{
			"%s.example", "12-%sx.example", "1.%sx.example", "12%sx.example", "a-1%sx.example",
			"mail.%s.example", "mail-%s.example", "a%sb.example", "a1.%s.example", "12.%s.example",
			"a12.%s.example", "a1-%s.example", "1%s.example", "a1%s.example", "12%s.example", "a12%s.example",
			"-1%s.example", "%s1.example", "%s-1.example", "%s-1x.example", "%s.12.example",
			"mail.%s.1.example", "%s12.a.example", "%s-12a.example", "123%s.example", "1234%s.example",
			"1234-%s.example", "a123.%s.example", "a-123.%s.example", "a1b2.%s.example", "%s.a1b2.example",
			"a1.%s.b2.example", "%s-a1-2-3-4.b.example", "1-2-3-4-%s.b.example", "1-2-3-4.%s.b.example",
			"1.a2.1-2-3%s.b.example",
		} {
			names = append(names, fmt.Sprintf(shape, w))
		}
	}
	return names
}

// randomNames returns count names of pieces that filters look at, the same ones in each run.
func randomNames(count int) (names []string) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := slices.Concat(vocabulary, []string{"a", "b", "x", "0x", "c000020a", "_"})
	for len(names) < count {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			switch r.IntN(8) {
			case 0, 1, 2:
				fmt.Fprint(&b, r.IntN(1<<(4*(1+r.IntN(4)))))
			case 3, 4:
				b.WriteByte('-')
			case 5:
				b.WriteByte('.')
			default:
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
		}
		b.WriteString([]string{".example", ".host.example", ".a.b.example"}[r.IntN(3)])
		if name := b.String(); name[0] != '.' && !strings.Contains(name, "..") {
			names = append(names, name)
		}
	}
	return names
}

// nearNames returns count names that differ from one of the names by a few edits, the same ones in each run.
func nearNames(names []string, count int) (near []string) {
	r := rand.New(rand.NewPCG(3, 4))
	const pieces = "0123456789.-abcdef0123456789.-_xms"
	for len(near) < count {
		name := names[r.IntN(len(names))]
		for range 1 + r.IntN(3) {
			i := r.IntN(len(name))
			piece := pieces[r.IntN(len(pieces)):][:1]
			if r.IntN(5) == 0 {
				piece = vocabulary[r.IntN(len(vocabulary))]
			}
			name = name[:i] + []string{"", piece, piece + name[i:i+1]}[r.IntN(3)] + name[i+1:]
		}
		if strings.Trim(name, ".") == name && name != "" && !strings.Contains(name, "..") {
			near = append(near, name)
		}
	}
	return near
}
