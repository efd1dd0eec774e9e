package check

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/internal/peer"
)

const (
	enough  = 30 * time.Second // more than anything here takes
	tooLong = 50 * time.Millisecond
)

// TestGreetPostfix greets a real mail server.
func TestGreetPostfix(t *testing.T) {
	peer.Needs(t, "postfix")
	for _, c := range []struct {
		name, main string
		want       Greeting
		why        problem
	}{
		{"as it comes", "", Greeting{Banner: "mail.example.net", EHLO: "mail.example.net"}, ""},
		{"encrypted", "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = " + certificate(t),
			Greeting{Banner: "mail.example.net", EHLO: "mail.example.net", STARTTLS: true}, ""},
		{"another banner", "smtpd_banner = mx.example.org ESMTP",
			Greeting{Banner: "mx.example.org", EHLO: "mail.example.net"}, ""},
		{"a banner without a name", "smtpd_banner = ESMTP", Greeting{Banner: "ESMTP", EHLO: "mail.example.net"}, ""},
		{"not for us", "smtpd_client_restrictions = reject\nsmtpd_delay_reject = no", Greeting{},
			`the banner is "554 5.7.1 <localhost[127.0.0.1]>: Client host rejected: Access denied"`},
		{"our literal is one", "smtpd_helo_required = yes\nsmtpd_delay_reject = no\n" +
			"smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname",
			Greeting{Banner: "mail.example.net", EHLO: "mail.example.net"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := peer.Postfix(t, "", "myhostname = mail.example.net\n"+c.main)
			g, why, err := greet(t.Context(), netip.MustParseAddrPort(s.Addr), enough, enough)
			if g != c.want || why != c.why || err != nil {
				t.Errorf("greet: %+v, %q, %v, want %+v, %q", g, why, err, c.want, c.why)
			}
		})
	}
}

// certificate returns a file with a key and a certificate for it.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...)
	path := filepath.Join(t.TempDir(), "chain.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// listen calls serve with the first connection to the address that it returns, and then closes it.
func listen(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn)
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// answering makes a server that says the banner, and each of the answers after a line from its client.
func answering(banner string, answers ...string) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		fmt.Fprint(conn, banner)
		for _, answer := range answers {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
			fmt.Fprint(conn, answer)
		}
		_, _ = io.Copy(io.Discard, r) // until the client closes
	}
}

// TestGreet has the servers that no real one is like.
func TestGreet(t *testing.T) {
	const bye = "221 bye\r\n"
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		want  Greeting
		why   problem
	}{
		{"several lines", answering("220-one.example ready\r\n220-two.example\r\n220 three.example\r\n",
			"250-four.example\r\n250-size 10\r\n250 starttls\r\n", bye), Greeting{"one.example", "four.example", true}, ""},
		{"lines without a carriage return", answering("220 one.example\n", "250-two.example\n250 HELP\n", bye),
			Greeting{"one.example", "two.example", false}, ""},
		{"no text", answering("220 \r\n", "250\r\n", bye), Greeting{}, ""},
		{"no text in a line", answering("220-\r\n220 one.example\r\n", "250-\r\n250 STARTTLS\r\n", bye),
			Greeting{"", "", true}, ""},
		{"a name like an extension", answering("220 one.example\r\n", "250 STARTTLS\r\n", bye),
			Greeting{"one.example", "STARTTLS", false}, ""},
		{"QUIT closes", func(conn net.Conn) {
			fmt.Fprint(conn, "220 one.example\r\n250 two.example\r\n")
			_, _ = io.ReadFull(conn, make([]byte, len("EHLO [127.0.0.1]\r\nQUIT\r\n")))
		}, Greeting{"one.example", "two.example", false}, ""},
		{"who talks first is turned away", func(conn net.Conn) {
			_ = conn.SetReadDeadline(time.Now().Add(tooLong))
			if n, _ := conn.Read(make([]byte, 1)); n > 0 {
				fmt.Fprint(conn, "554 you talk too soon\r\n")
				return
			}
			_ = conn.SetReadDeadline(time.Time{})
			answering("220 one.example\r\n", "250 two.example\r\n", bye)(conn)
		}, Greeting{"one.example", "two.example", false}, ""},
		{"byte by byte", func(conn net.Conn) {
			for _, b := range []byte("220 one.example\r\n250-two.example\r\n250 STARTTLS\r\n" + bye) {
				_, _ = conn.Write([]byte{b})
			}
			_, _ = io.Copy(io.Discard, conn)
		}, Greeting{"one.example", "two.example", true}, ""},

		{"closed at once", func(net.Conn) {}, Greeting{}, "the banner is missing: the connection is closed"},
		{"closed in a line", func(conn net.Conn) { fmt.Fprint(conn, "220 one.example") }, Greeting{},
			"the banner is missing: the connection is closed"},
		{"closed after EHLO", func(conn net.Conn) {
			fmt.Fprint(conn, "220 one.example\r\n")
			_, _ = bufio.NewReader(conn).ReadString('\n')
		}, Greeting{}, "the reply to EHLO is missing: the connection is closed"},
		{"busy", answering("421 one.example too many connections\r\n"), Greeting{},
			`the banner is "421 one.example too many connections"`},
		{"a wrong code", answering("250 one.example\r\n"), Greeting{}, `the banner is "250 one.example"`},
		{"no EHLO", answering("220 one.example\r\n", "502 what?\r\n"), Greeting{},
			`the reply to EHLO is "502 what?"`},
		{"a refusal that moves the cursor", answering("554-\x1b[2J one\r\n554 two\r\n"), Greeting{},
			`the banner is "554-\x1b[2J one"`},
		{"another protocol", answering("SSH-2.0-OpenSSH_9.2\r\n"), Greeting{},
			`the banner is not one of SMTP: "SSH-2.0-OpenSSH_9.2"`},
		{"a line without end", answering("220 " + strings.Repeat("x", smtpMost)), Greeting{},
			"the banner is too long"},
		{"lines without end", answering("220 one.example\r\n", strings.Repeat("250-two.example\r\n", smtpMost/10)),
			Greeting{}, "the reply to EHLO is too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, why, err := greet(t.Context(), listen(t, c.serve), enough, enough)
			if g != c.want || why != c.why || err != nil {
				t.Errorf("greet: %+v, %q, %v, want %+v, %q", g, why, err, c.want, c.why)
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		_, why, err := greet(t.Context(), listen(t, answering("")), enough, tooLong)
		if want := problem("the banner is missing: no answer"); why != want || err != nil {
			t.Errorf("greet: %q, %v, want %q", why, err, want)
		}
	})
	t.Run("closed port", func(t *testing.T) {
		_, why, err := greet(t.Context(), netip.MustParseAddrPort("127.0.0.1:1"), enough, enough)
		if why != "connection refused" || err != nil {
			t.Errorf("greet: %q, %v, want the connection refused", why, err)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		if _, why, err := greet(t.Context(), netip.AddrPort{}, enough, enough); why != noRoute || err != nil {
			t.Errorf("greet: %q, %v, want %q", why, err, noRoute)
		}
	})
	t.Run("cancelled while it waits", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		addr := listen(t, func(conn net.Conn) {
			cancel()
			_, _ = io.Copy(io.Discard, conn)
		})
		if _, _, err := greet(ctx, addr, enough, enough); !errors.Is(err, context.Canceled) {
			t.Errorf("greet: %v, want it cancelled", err)
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := greet(ctx, netip.MustParseAddrPort("127.0.0.1:1"), enough, enough)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("greet: %v, want it cancelled", err)
		}
	})
}

// TestGreetSays: a server is told who asks, by address, and that it is over.
func TestGreetSays(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.10": "EHLO [192.0.2.10]\r\nQUIT\r\n", "2001:db8::10": "EHLO [IPv6:2001:db8::10]\r\nQUIT\r\n",
		"::ffff:192.0.2.10": "EHLO [192.0.2.10]\r\nQUIT\r\n", "fe80::1%eth0": "EHLO [IPv6:fe80::1]\r\nQUIT\r\n",
	} {
		c := &recorded{says: strings.NewReader("220 a\r\n250 b\r\n221 c\r\n"), local: netip.MustParseAddr(addr)}
		if _, why := converse(c); why != "" || c.heard.String() != want {
			t.Errorf("from %s, the server hears %q, %q, want %q", addr, c.heard.String(), why, want)
		}
	}
}

// recorded is a connection to a server that says the same whatever it hears.
type recorded struct {
	net.Conn
	says  io.Reader
	heard bytes.Buffer
	local netip.Addr
}

func (c *recorded) Read(p []byte) (int, error)  { return c.says.Read(p) }
func (c *recorded) Write(p []byte) (int, error) { return c.heard.Write(p) }
func (c *recorded) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.local, 1))
}

// FuzzConverse: whatever a server says, what comes of it can be printed, in one line.
func FuzzConverse(f *testing.F) {
	for _, says := range []string{
		"220 mail.example.net ESMTP\r\n250-mail.example.net\r\n250 STARTTLS\r\n221 bye\r\n",
		"220-a\r\n220 b\r\n250 c\r\n", "554-no\r\n554 \x1b[2J\r\n", "220 a\r\n502\r\n", "2", "",
		"220 \x00\u202e\r\n250 [\r\n",
	} {
		f.Add(says)
	}
	names := []string{"mail.example.net."}
	f.Fuzz(func(t *testing.T, says string) {
		source := strings.NewReader(says)
		g, why := converse(&recorded{says: source, local: netip.AddrFrom4([4]byte{192, 0, 2, 10})})
		if read := len(says) - source.Len(); read > smtpMost {
			t.Errorf("reads %d bytes", read)
		}
		texts := []string{string(why)}
		for _, finding := range mailFindings(names, "", g, nil) {
			texts = append(texts, finding.Message, finding.Hint)
		}
		for _, text := range texts {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) || len(text) > 2000 {
				t.Errorf("not a line to print: %q", text)
			}
		}
	})
}

func TestMailFindings(t *testing.T) {
	const (
		mail = "mail.example.net."
		mx   = "mx.example.net."
		host = "host.example.net."

		generated = "vps-192-0-2-10.host.a.example."
	)
	match := generic.HELO(generated)[0]
	says := func(name string) Greeting { return Greeting{Banner: name, EHLO: name} }
	const both = "in its banner and in reply to EHLO"
	for _, c := range []struct {
		name     string
		names    []string
		helo     string
		greeting Greeting
		primary  map[string]string
		want     []string // findings with their hints
	}{
		{"the same name", []string{mail}, mail, says("mail.example.net"), nil, nil},
		{"case and final dot", []string{mail}, mail, Greeting{Banner: "Mail.Example.NET.", EHLO: "MAIL.example.net"},
			nil, nil},
		{"one of several names", []string{mail, mx}, "", says("mx.example.net"), nil, nil},
		{"no names, nothing declared", nil, "", says("mx.example.net"), nil, nil},
		{"what is declared, of an address without names", nil, mail, says("mail.example.net"), nil, nil},

		{"another name", []string{mail}, mail, says("mx.example.net"), nil, []string{
			"mail-name-other: the mail server says mx.example.net. " + both + ", and the PTR has the name mail.example.net." +
				" (let it say mail.example.net, or let the PTR have the name mx.example.net)",
		}},
		{"none of several", []string{mail, mx}, "", says("host.example.net"), nil, []string{
			"mail-name-other: the mail server says host.example.net. " + both +
				", and the PTR has the name mail.example.net. and mx.example.net." +
				" (let it say mail.example.net or mx.example.net, or let the PTR have the name host.example.net)",
		}},
		{"another banner", []string{mail}, mail, Greeting{Banner: "mx.example.net", EHLO: "mail.example.net"}, nil, []string{
			"mail-name-other: the mail server says mx.example.net. in its banner, and the PTR has the name mail.example.net." +
				" (let it say mail.example.net, or let the PTR have the name mx.example.net)",
		}},
		{"two other names", []string{mail}, "", Greeting{Banner: "mx.example.net", EHLO: "host.example.net"},
			map[string]string{mx: mail}, []string{
				"mail-name-other: the mail server says host.example.net. in reply to EHLO, " +
					"and the PTR has the name mail.example.net." +
					" (let it say mail.example.net, or let the PTR have the name host.example.net)",
				"mail-name-alias: the mail server says mx.example.net. in its banner, " +
					"which is an alias of the PTR's name mail.example.net. (let it say mail.example.net: " +
					"a mail server says the primary name of its host (RFC 5321 section 2.3.5))",
			}},
		{"an alias of the PTR", []string{mail}, "", says("mx.example.net"), map[string]string{mx: mail}, []string{
			"mail-name-alias: the mail server says mx.example.net. " + both +
				", which is an alias of the PTR's name mail.example.net. (let it say mail.example.net: " +
				"a mail server says the primary name of its host (RFC 5321 section 2.3.5))",
		}},
		{"the PTR is an alias", []string{mail}, "", says("mx.example.net"), map[string]string{mail: mx}, []string{
			"mail-name-alias: the mail server says mx.example.net. " + both +
				", and the PTR's name mail.example.net. is an alias of that (let the PTR have the name mx.example.net: " +
				"a PTR has the primary name of its host (RFC 1034 section 3.6.2))",
		}},
		{"two aliases", []string{mail}, "", says("mx.example.net"), map[string]string{mail: host, mx: host}, []string{
			"mail-name-alias: the mail server says mx.example.net. " + both +
				", and the PTR has the name mail.example.net.: both are aliases of host.example.net. " +
				"(use host.example.net for both: a PTR has the primary name of its host (RFC 1034 section 3.6.2), " +
				"and so does a mail server)",
		}},
		{"aliases of others", []string{mail}, "", says("mx.example.net"),
			map[string]string{mail: host, mx: "other.example.net."}, []string{
				"mail-name-other: the mail server says mx.example.net. " + both + ", and the PTR has the name mail.example.net." +
					" (let it say mail.example.net, or let the PTR have the name mx.example.net)",
			}},
		{"not what is declared", []string{mail, mx}, mail, says("mx.example.net"), nil, []string{
			"mail-helo-other: the mail server says mx.example.net. " + both + ", and the source has helo: mail.example.net. ()",
		}},
		{"not what is declared, of an address without names", nil, mail, says("mx.example.net"), nil, []string{
			"mail-helo-other: the mail server says mx.example.net. " + both + ", and the source has helo: mail.example.net. ()",
		}},

		{"a generated name", []string{generated}, "", says("VPS-192-0-2-10.host.a.example"), nil, []string{
			"mail-name-generic: " + match.Filter + " takes " + generated + ", which the mail server says, " +
				`for a generated name, because of "192-0-2-10": ` + match.Cost + " (" + match.Fix + ")",
		}},

		{"localhost", []string{mail}, mail, says("localhost"), nil, []string{
			`mail-name-invalid: the mail server says "localhost" ` + both +
				": every host has that name (let it say mail.example.net)",
		}},
		{"localhost with a domain", []string{mail}, "", says("localhost.localdomain"), nil, []string{
			`mail-name-invalid: the mail server says "localhost.localdomain" ` + both +
				": every host has that name (let it say mail.example.net)",
		}},
		{"a name below localhost", nil, "", says("mail.LocalHost."), nil, []string{
			`mail-name-invalid: the mail server says "mail.LocalHost." ` + both + ": every host has that name ()",
		}},
		{"no dot", []string{mail, mx}, "", says("mail"), nil, []string{
			`mail-name-invalid: the mail server says "mail" ` + both +
				": the name has no dot (let it say mail.example.net or mx.example.net)",
		}},
		{"an address literal", []string{mail}, "", says("[192.0.2.10]"), nil, []string{
			`mail-name-invalid: the mail server says "[192.0.2.10]" ` + both +
				": an address literal is for hosts that have no name (let it say mail.example.net)",
		}},
		{"an address", []string{mail}, "", says("192.0.2.10"), nil, []string{
			`mail-name-invalid: the mail server says "192.0.2.10" ` + both + ": it is an address (let it say mail.example.net)",
		}},
		{"no name", []string{mail}, "", says(""), nil, []string{
			`mail-name-invalid: the mail server says "" ` + both + ": it is missing (let it say mail.example.net)",
		}},
		{"a word first", []string{mail}, "", Greeting{Banner: "ESMTP", EHLO: "mail.example.net"}, nil, []string{
			`mail-name-invalid: the mail server says "ESMTP" in its banner: the name has no dot (let it say mail.example.net)`,
		}},
		{"a name that hides", []string{mail}, "", says("mail.\x1b.example"), nil, []string{
			`mail-name-invalid: the mail server says "mail.\x1b.example" ` + both +
				`: character '\x1b' is not one of a-z, 0-9, -, _ and / (let it say mail.example.net)`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range mailFindings(c.names, c.helo, c.greeting, c.primary) {
				got = append(got, fmt.Sprintf("%s: %s (%s)", f.ID, f.Message, f.Hint))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("other findings than expected (-want +got):\n%s", diff)
			}
		})
	}
}
