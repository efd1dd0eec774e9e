package migrate

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// The secrets of the tests' keys.
const (
	secret = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
	other  = "YW5vdGhlciBzZWNyZXQgb2YgdGVzdHM="
)

// A zone that a real server sends is the one in its zone file. It is so large that the transfer has many messages.
func TestTransferFromServers(t *testing.T) {
	const name = "0.10.in-addr.arpa."
	var text strings.Builder
	text.WriteString("$ORIGIN " + name + "\n$TTL 1h\n@ SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300\n@ NS ns1.example.net.\n" +
		"254 NS ns1.acme.example.\n254 DS 12345 13 2 " + strings.Repeat("0a", 32) + "\n" +
		"253 NS ns1.253\nns1.253 A 192.0.2.1\n128-25.252 NS ns1.acme.example.\n")
	for i := range 128 {
		fmt.Fprintf(&text, "%d.252 CNAME %d.128-25.252\n", 128+i, 128+i)
	}
	for i := range 100 * 256 {
		fmt.Fprintf(&text, "%d.%d PTR host-with-a-long-name-%d.customers.example.net.\n", i%256, i/256, i)
	}
	file := filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var r Reader
	if err := r.ZoneFile(file, ""); err != nil {
		t.Fatal(err)
	}
	want, findings := r.Data()
	if len(findings) > 0 {
		t.Fatalf("the zone file is wrong: %v", findings[0])
	}

	key := &Key{"import.example.", dns.HmacSHA256, secret}
	config := peer.Config{Zones: []peer.Zone{{Name: name, File: file}}, Key: &peer.Key{Name: "import.example.", Secret: secret}}
	for _, test := range []struct {
		name            string
		start           peer.Program
		global, perZone string
	}{
		{"NSD", peer.NSD, "", "\tprovide-xfr: 127.0.0.1 import.example.\n"},
		{"Knot", peer.Knot, "  - id: signed\n    address: 127.0.0.1\n    key: import.example.\n    action: transfer\n", "acl: signed\n"},
		{"BIND", peer.BIND, "", `allow-transfer { key "import.example."; };`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config
			c.Global, c.PerZone = test.global, test.perZone
			server := test.start(t, c)
			for _, k := range []*Key{key, nil} {
				var r Reader
				err := r.Transfer(t.Context(), server.Addr, strings.ToUpper(name), k)
				if k == nil && test.name == "BIND" {
					if err == nil || !strings.HasSuffix(err.Error(), "the server answers REFUSED") {
						t.Errorf("without a key: %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				got, findings := r.Data()
				if diff := gocmp.Diff(lines(want), lines(got)); diff != "" {
					t.Errorf("what the server sends (-file +server):\n%s", diff)
				}
				if len(findings) > 0 {
					t.Errorf("findings: %v", findings)
				}
			}
			for _, bad := range []*Key{{key.Name, key.Algorithm, other}, {"other.example.", key.Algorithm, secret}} {
				var r Reader
				if err := r.Transfer(t.Context(), server.Addr, name, bad); err == nil || !strings.Contains(err.Error(), "BAD") {
					t.Errorf("with the wrong key %s: %v", bad.Name, err)
				}
			}
		})
	}
}

// What can go wrong with a transfer.
func TestTransferErrors(t *testing.T) {
	soa := rr(t, "2.0.192.in-addr.arpa. 60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300")
	ptr := rr(t, "1.2.0.192.in-addr.arpa. 60 PTR a.example.net.")
	key := &Key{"import.example.", dns.HmacSHA256, secret}
	answer := func(q *dns.Msg, rrs ...dns.RR) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Answer = rrs
		return m
	}
	signed := func(m *dns.Msg) *dns.Msg { return m.SetTsig(key.Name, key.Algorithm, 300, time.Now().Unix()) }
	for _, test := range []struct {
		name  string
		key   *Key
		serve func(w dns.ResponseWriter, q *dns.Msg)
		want  string // what the error ends with; empty if there is none
	}{
		{"one message", nil, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answer(q, soa, ptr, soa)) }, ""},
		{"a message each", nil, func(w dns.ResponseWriter, q *dns.Msg) {
			for _, r := range []dns.RR{soa, ptr, soa} {
				w.WriteMsg(answer(q, r))
			}
		}, ""},
		{"refused", nil, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
		}, "the server answers REFUSED"},
		{"no end", nil, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answer(q, soa, ptr)); w.Close() }, "EOF"},
		{"no begin", nil, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answer(q, ptr, soa)) },
			"the records do not begin and end with the SOA record of the zone"},
		{"more after the end", nil, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answer(q, soa, soa, ptr)) },
			"the records do not begin and end with the SOA record of the zone"},
		{"an empty message", nil, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answer(q)) }, "a message without records"},
		{"another question", nil, func(w dns.ResponseWriter, q *dns.Msg) {
			m := answer(q, soa)
			m.Id++
			w.WriteMsg(m)
		}, "an answer to another question"},
		{"no message", nil, func(w dns.ResponseWriter, q *dns.Msg) { w.Write(append(make([]byte, 11), 1)) }, "an answer to another question"},
		{"half a message", nil, func(w dns.ResponseWriter, q *dns.Msg) {
			text, _ := answer(q, soa).Pack()
			w.Write(text[:len(text)-1])
		}, "a message that cannot be read: dns: overflowing header size"},

		{"signed", key, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(signed(answer(q, soa, ptr, soa))) }, ""},
		{"signed, several messages", key, func(w dns.ResponseWriter, q *dns.Msg) {
			for _, r := range []dns.RR{soa, ptr, soa} {
				w.WriteMsg(signed(answer(q, r)))
				w.TsigTimersOnly(true)
			}
		}, ""},
		{"not signed", key, func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answer(q, soa, ptr, soa)) },
			"the signature (TSIG) of an answer: it is not signed"},
		{"the last message not signed", key, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(signed(answer(q, soa)))
			w.WriteMsg(answer(q, ptr, soa))
		}, "the signature (TSIG) of the last answer: it is not signed"},
		{"too many messages not signed", key, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(signed(answer(q, soa)))
			for range maxUnsigned + 1 {
				w.WriteMsg(answer(q, ptr))
			}
		}, "the signature (TSIG) of an answer: it is not signed"},
		{"only the first and the last message signed", key, func(w dns.ResponseWriter, q *dns.Msg) {
			first, mac, err := dns.TsigGenerate(signed(answer(q, soa)), secret, q.IsTsig().MAC, false)
			if err != nil {
				panic(err)
			}
			second, err := answer(q, ptr).Pack()
			if err != nil {
				panic(err)
			}
			third, _, err := dns.TsigGenerateWithProvider(signed(answer(q, soa)), between{2 + len(mac)/2, second}, mac, true)
			if err != nil {
				panic(err)
			}
			w.Write(first)
			w.Write(second)
			w.Write(third)
		}, ""},
		{"another message between", key, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(signed(answer(q, soa)))
			w.TsigTimersOnly(true)
			w.WriteMsg(answer(q, ptr))
			w.WriteMsg(signed(answer(q, soa)))
		}, "dns: bad signature"},
		{"signed with another key", &Key{key.Name, key.Algorithm, other}, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(signed(answer(q, soa, ptr, soa)))
		}, "dns: bad signature"},
		{"signed with a key of another name", &Key{"other.example.", key.Algorithm, secret}, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(signed(answer(q, soa, ptr, soa)))
		}, "it is signed with another key"},
		{"an old signature", key, func(w dns.ResponseWriter, q *dns.Msg) {
			w.WriteMsg(answer(q, soa, ptr, soa).SetTsig(key.Name, key.Algorithm, 300, time.Now().Unix()-1000))
		}, "dns: bad time"},
		{"refused with a reason", key, func(w dns.ResponseWriter, q *dns.Msg) {
			m := signed(new(dns.Msg).SetRcode(q, dns.RcodeNotAuth))
			m.IsTsig().Error = dns.RcodeBadKey
			w.WriteMsg(m)
		}, "the server answers NOTAUTH, BADKEY"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := serve(t, test.serve)
			var r Reader
			err := r.Transfer(t.Context(), server, "2.0.192.in-addr.arpa", test.key)
			if test.want != "" {
				const begin = "transfer 2.0.192.in-addr.arpa. from "
				if err == nil || !strings.HasPrefix(err.Error(), begin) || !strings.HasSuffix(err.Error(), test.want) {
					t.Errorf("got %v, want %s…%s", err, begin, test.want)
				}
				expect(t, &r, "", nil, nil)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			expect(t, &r, "", rows(`
				zone 2.0.192.in-addr.arpa. 192.0.2.0/24
				60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300
				192.0.2.1 60 PTR a.example.net.`), nil)
		})
	}
}

// A between makes signatures for a text with another one inside.
type between struct {
	at   int
	text []byte
}

func (b between) Generate(text []byte, _ *dns.TSIG) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	h := hmac.New(sha256.New, key)
	for _, part := range [][]byte{text[:b.at], b.text, text[b.at:]} {
		h.Write(part)
	}
	return h.Sum(nil), err
}

func (b between) Verify([]byte, *dns.TSIG) error { return nil }

// A server that says nothing does not keep a user who has had enough.
func TestTransferEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(dns.ResponseWriter, *dns.Msg) { cancel() })
	var r Reader
	if err := r.Transfer(ctx, server, "2.0.192.in-addr.arpa", nil); err == nil || !strings.HasSuffix(err.Error(), "context canceled") {
		t.Errorf("got %v", err)
	}
	if err := r.Transfer(t.Context(), server, "2..in-addr.arpa", nil); err == nil || !strings.HasSuffix(err.Error(), "not a domain name") {
		t.Errorf("got %v", err)
	}
}

// A finding of a transfer names the zone and the server.
func TestTransferFindings(t *testing.T) {
	soa := rr(t, "2.0.192.in-addr.arpa. 60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300")
	ptr := rr(t, `1.2.0.192.in-addr.arpa. 60 PTR a\.b.example.net.`)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{soa, ptr, soa}
		w.WriteMsg(m)
	})
	var r Reader
	if err := r.Transfer(t.Context(), server, "2.0.192.in-addr.arpa", nil); err != nil {
		t.Fatal(err)
	}
	_, findings := r.Data()
	if want := "2.0.192.in-addr.arpa@" + server; len(findings) != 1 || findings[0].Pos.String() != want {
		t.Errorf("got %v, want one at %s", findings, want)
	}
}

func rr(t *testing.T, s string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(s)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// serve starts a server of ours with the key of the tests, and returns its address.
func serve(t *testing.T, f dns.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{
		Listener: l, Handler: f, TsigSecret: map[string]string{"import.example.": secret},
		NotifyStartedFunc: func() { close(started) },
		MsgAcceptFunc:     func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept },
	}
	go s.ActivateAndServe()
	<-started
	t.Cleanup(func() { _ = s.Shutdown() })
	return l.Addr().String()
}

func TestReadKey(t *testing.T) {
	const clause = "key \"import.example\" {\n\talgorithm hmac-sha512;\n\tsecret \"" + secret + "\";\n};\n"
	for _, test := range []struct {
		text, want string // the error, if there is no key
		key        *Key
	}{
		{"import.example:hmac-sha256:" + secret + "\n", "", &Key{"import.example.", "hmac-sha256.", secret}},
		{"Import.Example.:HMAC-SHA1.:" + secret, "", &Key{"import.example.", "hmac-sha1.", secret}},
		{clause, "", &Key{"import.example.", "hmac-sha512.", secret}},
		{"key import.example { algorithm \"hmac-sha224\" ; secret " + secret + " ; }", "", &Key{"import.example.", "hmac-sha224.", secret}},
		{"", "is not of the form NAME:ALGORITHM:SECRET", nil},
		{"import.example:" + secret, "is not of the form NAME:ALGORITHM:SECRET", nil},
		{clause + clause, "is not of the form NAME:ALGORITHM:SECRET", nil},
		{"import example:hmac-sha256:" + secret, "the name of the key: character ' ' is not one of a-z, 0-9, -, _ and /", nil},
		{"import.example:hmac-md5:" + secret, "the algorithm is none of hmac-sha1, -sha224, -sha256, -sha384 and -sha512", nil},
		{"import.example:hmac-sha256:geheim!", "the secret is not Base64", nil},
		{"import.example:hmac-sha256:", "the secret is not Base64", nil},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := ReadKey(path)
		if diff := gocmp.Diff(test.key, key); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
		if message := fmt.Sprint(err); test.key == nil &&
			(!strings.HasSuffix(message, test.want) || strings.Contains(message, secret) || strings.Contains(message, "geheim")) {
			t.Errorf("%q: got %s, want …%s", test.text, message, test.want)
		}
	}
	if _, err := ReadKey("/nonexistent"); err == nil {
		t.Error("a key is read from a file that is not there")
	}
}
