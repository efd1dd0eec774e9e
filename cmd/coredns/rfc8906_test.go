package main

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// rfc8906 is what section 8 of RFC 8906 has servers asked. CoreDNS answers as much of it as the plugin.
var rfc8906 = []struct {
	section, what, args string // for dig, with $zone as in the RFC
	want                string // as by digged
	instead, why        string // what comes instead, if another answer is accepted
}{
	{section: "8.1.1", what: "is the server configured for the zone",
		args: "+noedns +noad +norec soa $zone", want: "QUERY NOERROR, aa, SOA"},
	{section: "8.1.2", what: "unknown type",
		args: "+noedns +noad +norec type1000 $zone", want: "QUERY NOERROR, aa"},
	{section: "8.1.3.1", what: "CD=1",
		args: "+noedns +noad +norec +cd soa $zone",
		want: "QUERY NOERROR, aa, SOA", instead: "QUERY NOERROR, aa cd, SOA",
		why: "The CD bit comes back. RFC 8906 does not mind; RFC 4035 section 3.1.6 would have it clear, where it means nothing."},
	{section: "8.1.3.2", what: "AD=1",
		args: "+noedns +norec +ad soa $zone", want: "QUERY NOERROR, aa, SOA"},
	{section: "8.1.3.3", what: "reserved bit",
		args: "+noedns +noad +norec +zflag soa $zone", want: "QUERY NOERROR, aa, SOA"},
	{section: "8.1.3.4", what: "recursive query",
		args: "+noedns +noad +rec soa $zone", want: "QUERY NOERROR, aa rd, SOA"},
	{section: "8.1.4", what: "unknown opcode",
		args: "+noedns +noad +opcode=15 +norec +header-only", want: "RESERVED15 NOTIMP"},
	{section: "8.1.5", what: "TCP",
		args: "+noedns +noad +norec +tcp soa $zone", want: "QUERY NOERROR, aa, SOA"},
	{section: "8.2.1", what: "minimal EDNS",
		args: "+nocookie +edns=0 +noad +norec soa $zone",
		want: "QUERY NOERROR, aa, SOA, EDNS 0"},
	{section: "8.2.2", what: "EDNS version",
		args: "+nocookie +edns=1 +noednsneg +noad +norec soa $zone",
		want: "QUERY BADVERS, EDNS 0"},
	{section: "8.2.3", what: "unknown EDNS option",
		args: "+nocookie +edns=0 +noad +norec +ednsopt=100 soa $zone",
		want: "QUERY NOERROR, aa, SOA, EDNS 0"},
	{section: "8.2.4", what: "unknown EDNS flag",
		args: "+nocookie +edns=0 +noad +norec +ednsflags=0x40 soa $zone",
		want: "QUERY NOERROR, aa, SOA, EDNS 0"},
	{section: "8.2.5", what: "EDNS version with unknown flag",
		args: "+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 soa $zone",
		want: "QUERY BADVERS, EDNS 0"},
	{section: "8.2.6", what: "EDNS version with unknown option",
		args: "+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 soa $zone",
		want: "QUERY BADVERS, EDNS 0"},
	{section: "8.2.7", what: "truncated response",
		args: "+nocookie +norec +noad +dnssec +bufsize=512 +ignore ptr 5.$zone",
		want: "QUERY NOERROR, aa tc, PTR…, EDNS 0 do"},
	{section: "8.2.8", what: "DO=1",
		args: "+nocookie +edns=0 +noad +norec +dnssec soa $zone", want: "QUERY NOERROR, aa, SOA, EDNS 0 do"},
	{section: "8.2.9", what: "EDNS version with DO=1",
		args: "+nocookie +edns=1 +noednsneg +noad +norec +dnssec soa $zone",
		want: "QUERY BADVERS, EDNS 0 do", instead: "QUERY BADVERS, EDNS 0",
		why: "The DO bit does not come back. CoreDNS makes the OPT RR of an error itself; there is nothing that it could be for."},
	{section: "8.2.10", what: "several defined EDNS options",
		args: "+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa $zone",
		want: "QUERY NOERROR, aa, SOA, EDNS 0"},
	{section: "8", what: "all at once",
		args: "+edns=0 +ad +rec +zflag +dnssec +ednsflags=0x8040 +ednsopt=100 +cookie +tcp type1000 $zone",
		want: "QUERY NOERROR, aa rd, EDNS 0 do"},
}

func TestRFC8906(t *testing.T) {
	dig := peer.Needs(t, "dig")[0]
	const zone = "2.0.192.in-addr.arpa."
	_, port, err := net.SplitHostPort(serveText(t, newInventory(rand.New(rand.NewPCG(8, 8))).source()))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range rfc8906 {
		t.Run(tt.section+" "+tt.what, func(t *testing.T) {
			args := []string{"-r", "@127.0.0.1", "-p", port, "+tries=1"}
			args = append(args, strings.Fields(strings.ReplaceAll(tt.args, "$zone", zone))...)
			out, err := exec.Command(dig, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("dig %s: %v\n%s", tt.args, err, out)
			}
			if got, want := digged(string(out)), cmp.Or(tt.instead, tt.want); got != want {
				t.Errorf("dig %s: %s; want %s\n%s", tt.args, got, want, out)
			}
		})
	}
}

// digged says in a line what dig prints of a response: opcode and RCODE, flags but for QR, the type in the answer section,
// with an ellipsis if there is more than one RR, and the OPT RR with its flags and options. Bits that must be zero are
// shown as MBZ.
func digged(out string) string {
	find := func(re string) string {
		m := regexp.MustCompile(re).FindStringSubmatch(out)
		if m == nil {
			return ""
		}
		return strings.TrimSpace(m[1])
	}
	flags, ok := strings.CutPrefix(find(`;; flags:(.*?); QUERY`), "qr")
	if !ok {
		return "no response"
	}
	words := []string{find(`opcode: (\w+)`) + " " + find(`status: (\w+)`)}
	if flags != "" {
		words = append(words, strings.TrimSpace(flags))
	}
	if rtype := find(`;; ANSWER SECTION:\n\S+\s+\d+\s+IN\s+(\S+)`); rtype != "" {
		if find(`ANSWER: (\d+)`) != "1" {
			rtype += "…"
		}
		words = append(words, rtype)
	}
	if version := find(`; EDNS: version: (\d+)`); version != "" {
		words = append(words, strings.TrimSpace("EDNS "+version+" "+find(`; EDNS: version: \d+, flags:(.*?)[;,] udp`)))
		for _, o := range regexp.MustCompile(`(?m)^; ([A-Z]+(?:=\d+)?):`).FindAllStringSubmatch(out, -1) {
			if o[1] != "EDNS" {
				words = append(words, "option "+o[1])
			}
		}
	}
	return strings.Join(words, ", ")
}

// TestMalformed: what is no question gets an error if it has a header to answer to, and nothing if it is a response or
// has no header; and the server answers the next question.
func TestMalformed(t *testing.T) {
	server := serveText(t, newInventory(rand.New(rand.NewPCG(8, 8))).source())
	const id = "1234"
	name := hex.EncodeToString([]byte("\x012\x010\x03192\x07in-addr\x04arpa\x00"))
	for _, tt := range []struct{ what, packet, want string }{
		{"a question", id + "0000 0001 0000 0000 0000" + name + "0006 0001", "NOERROR"},
		{"two questions", id + "0000 0002 0000 0000 0000" + name + "0006 0001" + name + "0002 0001", "FORMERR"},
		{"no question", id + "0000 0000 0000 0000 0000", "FORMERR"},
		// CoreDNS takes what is missing for 0, so that there is no question, or one of class 0. Any error will do.
		{"no question but a count of 1", id + "0000 0001 0000 0000 0000", "SERVFAIL"},
		{"half a question", id + "0000 0001 0000 0000 0000" + name + "0006", "REFUSED"},
		{"a name that points to itself", id + "0000 0001 0000 0000 0000 c00c 0006 0001", "FORMERR"},
		{"a label type that is not defined", id + "0000 0001 0000 0000 0000 41 0006 0001", "FORMERR"},
		{"half an OPT RR", id + "0000 0001 0000 0000 0001" + name + "0006 0001 00 0029", "FORMERR"},
		{"an EDNS option longer than the OPT RR",
			id + "0000 0001 0000 0000 0001" + name + "0006 0001 00 0029 0200 00000000 0004 0064 0010", "FORMERR"},
		{"an RR in the answer section that is cut", id + "0000 0001 0001 0000 0000" + name + "0006 0001 c00c", "FORMERR"},
		{"class CH", id + "0000 0001 0000 0000 0000" + name + "0006 0003", "REFUSED"},
		{"class ANY", id + "0000 0001 0000 0000 0000" + name + "0006 00ff", "REFUSED"},
		{"opcode IQUERY", id + "0800 0001 0000 0000 0000" + name + "0006 0001", "NOTIMP"},
		{"opcode STATUS", id + "1000 0000 0000 0000 0000", "NOTIMP"},
		{"opcode NOTIFY", id + "2000 0001 0000 0000 0000" + name + "0006 0001", "NOTIMP"},
		{"opcode UPDATE", id + "2800 0001 0000 0000 0000" + name + "0006 0001", "NOTIMP"},
		{"a response", id + "8000 0001 0000 0000 0000" + name + "0006 0001", ""},
		{"less than a header", id + "0000 0001", ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			packet, err := hex.DecodeString(strings.ReplaceAll(tt.packet, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			for _, network := range []string{"udp", "tcp"} {
				if got := exchangeRaw(t, network, server, packet, tt.want != ""); got != tt.want {
					t.Errorf("over %s: %q, want %q", network, got, tt.want)
				}
			}
		})
	}
}

// exchangeRaw sends a packet, waits for the response if there should be one, then sends a question, which must be answered
// in any case. It returns the RCODE with which the packet was answered, "" if it was not.
func exchangeRaw(t *testing.T, network, server string, packet []byte, wait bool) (rcode string) {
	t.Helper()
	conn, err := dns.DialTimeout(network, server, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
	read := func() *dns.Msg {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatalf("over %s: %v", network, err)
		}
		return m
	}
	if wait {
		rcode = dns.RcodeToString[read().Rcode]
	}
	question := new(dns.Msg).SetQuestion("2.0.192.in-addr.arpa.", dns.TypeSOA)
	if err := conn.WriteMsg(question); err != nil {
		t.Fatal(err)
	}
	m := read()
	if m.Id != question.Id {
		return dns.RcodeToString[m.Rcode]
	}
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
		t.Errorf("over %s, the question after it is answered with\n%s", network, m)
	}
	return rcode
}

// serveText compiles a source and serves it.
func serveText(t *testing.T, text []byte) (addr string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "records.yaml")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	b, _ := compileSource(t, path, nil)
	snap := filepath.Join(dir, "records.snapshot")
	if err := os.WriteFile(snap, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return serve(t, fmt.Sprintf(". {\n bind 127.0.0.1\n revmap %s\n}\n", snap))
}
