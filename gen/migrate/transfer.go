package migrate

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// A Key signs transfers (TSIG, RFC 8945).
type Key struct {
	Name      string // absolute, in lower case
	Algorithm string // as in messages: "hmac-sha256."
	Secret    string // in Base64
}

// algorithms are those of a Key.
var algorithms = map[string]func() hash.Hash{
	dns.HmacSHA1: sha1.New, dns.HmacSHA224: sha256.New224, dns.HmacSHA256: sha256.New,
	dns.HmacSHA384: sha512.New384, dns.HmacSHA512: sha512.New,
}

const algorithmNames = "hmac-sha1, -sha224, -sha256, -sha384 and -sha512"

// clause is a key in the configuration language of BIND, as tsig-keygen writes it.
var clause = regexp.MustCompile(`^key\s+"?([^"\s{]+)"?\s*\{` +
	`\s*algorithm\s+"?([^"\s;]+)"?\s*;\s*secret\s+"?([^"\s;]+)"?\s*;\s*\}\s*;?$`)

// ReadKey reads the key in a file: NAME:ALGORITHM:SECRET, or what tsig-keygen of BIND writes. Errors do not tell the
// secret.
func ReadKey(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a TSIG key: %w", err)
	}
	part := strings.SplitN(strings.TrimSpace(string(text)), ":", 3)
	if m := clause.FindStringSubmatch(strings.TrimSpace(string(text))); m != nil {
		part = m[1:]
	}
	if len(part) != 3 {
		return nil, fmt.Errorf("read a TSIG key: %s is not of the form NAME:ALGORITHM:SECRET", path)
	}
	k := &Key{hostname.Absolute(part[0]), hostname.Absolute(part[1]), part[2]}
	if err := hostname.Check(k.Name); err != nil {
		return nil, fmt.Errorf("read a TSIG key: %s: the name of the key: %w", path, err)
	}
	if algorithms[k.Algorithm] == nil {
		return nil, fmt.Errorf("read a TSIG key: %s: the algorithm is none of %s", path, algorithmNames)
	}
	if _, err := base64.StdEncoding.DecodeString(k.Secret); err != nil || k.Secret == "" {
		return nil, fmt.Errorf("read a TSIG key: %s: the secret is not Base64", path)
	}
	return k, nil
}

// patience is how long a server may need for a message of a transfer.
const patience = 30 * time.Second

// Transfer reads a zone from a server by AXFR (RFC 5936), signed if key is not nil. The server is a name or an address,
// with a port if it is not 53. It is an error if the transfer fails; then nothing is read.
func (r *Reader) Transfer(ctx context.Context, server, zone string, key *Key) error {
	zone = hostname.Absolute(zone)
	b := &batch{file: strings.TrimSuffix(zone, ".") + "@" + server}
	if err := b.transfer(ctx, server, zone, key); err != nil {
		return fmt.Errorf("transfer %s from %s: %w", zone, server, err)
	}
	r.batches = append(r.batches, b)
	return nil
}

func (b *batch) transfer(ctx context.Context, server, zone string, key *Key) error {
	if _, ok := dns.IsDomainName(zone); !ok {
		return errors.New("this is not a domain name")
	}
	if a, err := netip.ParseAddr(server); err == nil {
		server = net.JoinHostPort(a.String(), "53")
	} else if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(server, "53")
	}
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })() // ends what waits for the server
	defer conn.Close()
	err = b.receive(&dns.Conn{Conn: conn}, zone, key)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// receive asks for the zone, and adds the records of all answers.
func (b *batch) receive(conn *dns.Conn, zone string, key *Key) error {
	q := new(dns.Msg).SetAxfr(zone)
	s := signature{key: key}
	text, err := s.sign(q)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(text); err != nil {
		return err
	}
	pos := diag.Position{File: b.file}
	for soas := 0; soas < 2; {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		text, err := conn.ReadMsgHeader(nil)
		if err != nil {
			return err
		}
		var m dns.Msg
		if err := m.Unpack(text); err != nil {
			return fmt.Errorf("a message that cannot be read: %w", err)
		}
		switch {
		case m.Id != q.Id:
			return errors.New("an answer to another question")
		case m.Rcode != dns.RcodeSuccess:
			return refusal(&m)
		case len(m.Answer) == 0:
			return errors.New("a message without records")
		}
		if err := s.verify(text, &m); err != nil {
			return fmt.Errorf("the signature (TSIG) of an answer: %w", err)
		}
		for _, rr := range m.Answer {
			isSOA := rr.Header().Rrtype == dns.TypeSOA && strings.EqualFold(rr.Header().Name, zone)
			if isSOA {
				soas++
			}
			if soas == 0 || soas == 2 && !isSOA || soas > 2 {
				return errors.New("the records do not begin and end with the SOA record of the zone")
			}
			b.add(rr, pos)
		}
	}
	return s.end()
}

// refusal tells why a server does not send the zone.
func refusal(m *dns.Msg) error {
	if t := m.IsTsig(); t != nil && t.Error != 0 {
		return fmt.Errorf("the server answers %s, %s", dns.RcodeToString[m.Rcode], dns.RcodeToString[int(t.Error)])
	}
	return fmt.Errorf("the server answers %s", dns.RcodeToString[m.Rcode])
}

// maxUnsigned is how many messages in a row need not be signed (RFC 8945 section 5.3.1).
const maxUnsigned = 99

// A signature signs a question and verifies the answers, if it has a key. It is the dns.TsigProvider for that.
type signature struct {
	key      *Key
	mac      string // of the last message that was signed, in hexadecimal
	answered bool   // that was an answer
	messages int    // after it, which are not signed
	unsigned []byte // their text
}

// sign returns the text of the question.
func (s *signature) sign(q *dns.Msg) (text []byte, err error) {
	if s.key == nil {
		return q.Pack()
	}
	q.SetTsig(s.key.Name, s.key.Algorithm, 300, time.Now().Unix())
	text, s.mac, err = dns.TsigGenerateWithProvider(q, s, "", false)
	return text, err
}

// verify verifies the next answer. It changes its text.
func (s *signature) verify(text []byte, m *dns.Msg) error {
	if s.key == nil {
		return nil
	}
	t := m.IsTsig()
	if t == nil {
		s.unsigned = append(s.unsigned, text...)
		if s.messages++; !s.answered || s.messages > maxUnsigned {
			return errors.New("it is not signed")
		}
		return nil
	}
	if hostname.Absolute(t.Hdr.Name) != s.key.Name || hostname.Absolute(t.Algorithm) != s.key.Algorithm {
		return errors.New("it is signed with another key")
	}
	err := dns.TsigVerifyWithProvider(text, s, s.mac, s.answered)
	s.mac, s.answered, s.messages, s.unsigned = t.MAC, true, 0, s.unsigned[:0]
	return err
}

// end tells whether the last message was signed.
func (s *signature) end() error {
	if s.messages > 0 {
		return errors.New("the signature (TSIG) of the last answer: it is not signed")
	}
	return nil
}

// Generate implements dns.TsigProvider.
func (s *signature) Generate(text []byte, _ *dns.TSIG) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(s.key.Secret)
	if err != nil {
		return nil, err
	}
	h := hmac.New(algorithms[s.key.Algorithm], secret)
	h.Write(text)
	return h.Sum(nil), nil
}

// Verify implements dns.TsigProvider. It puts the messages that were not signed in the place where they count: text
// begins with the length of the last signature and that itself.
func (s *signature) Verify(text []byte, t *dns.TSIG) error {
	mac, err := hex.DecodeString(t.MAC)
	if err != nil {
		return err
	}
	want, err := s.Generate(slices.Insert(text, 2+len(s.mac)/2, s.unsigned...), t)
	if err == nil && !hmac.Equal(want, mac) {
		err = dns.ErrSig
	}
	return err
}
