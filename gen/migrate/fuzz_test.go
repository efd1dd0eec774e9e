package migrate

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/zonetext"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// check fails the test if d is not as its comment says, or a finding does not say where it is.
func check(t *testing.T, d *Data, findings diag.List) {
	t.Helper()
	name := func(n string) {
		if err := hostname.Check(n); err != nil {
			t.Errorf("%q: %v", n, err)
		}
	}
	for _, z := range d.Zones {
		name(z.Name)
		for i, p := range z.PTRs {
			name(p.Name)
			if !z.Prefix.Contains(p.Addr) || p.TTL > zonetext.MaxTTL || p.Addr.Is4In6() {
				t.Errorf("%s has a PTR at %s with TTL %d", z.Prefix, p.Addr, p.TTL)
			}
			if i > 0 && (p.Addr.Less(z.PTRs[i-1].Addr) || p.Addr == z.PTRs[i-1].Addr && p.Name == z.PTRs[i-1].Name) {
				t.Errorf("%s %s comes after %s %s", p.Addr, p.Name, z.PTRs[i-1].Addr, z.PTRs[i-1].Name)
			}
			if slices.ContainsFunc(z.Aliases, func(a Alias) bool { return a.Addr == p.Addr }) {
				t.Errorf("%s has a PTR and an alias", p.Addr)
			}
		}
		for i, a := range z.Aliases {
			name(a.Target)
			if !z.Prefix.Contains(a.Addr) || i > 0 && !z.Aliases[i-1].Addr.Less(a.Addr) {
				t.Errorf("%s has an alias at %s", z.Prefix, a.Addr)
			}
		}
		for _, c := range z.Cuts {
			if !c.Prefix.IsValid() || !below(c.Owner, z.Name) || c.Owner == z.Name {
				t.Errorf("the zone %s has a cut at %q for %s", z.Name, c.Owner, c.Prefix)
			}
			for _, n := range c.NS {
				name(n.Value)
			}
		}
	}
	for _, e := range d.Entries {
		if e.Name != "" {
			name(e.Name)
		}
		if !e.Addr.IsValid() || e.Addr.Is4In6() || e.Addr.Zone() != "" || !e.Pos.IsValid() {
			t.Errorf("an entry for %s", e.Addr)
		}
	}
	for _, f := range findings {
		if !f.Pos.IsValid() || f.Message == "" || !strings.HasPrefix(f.Rule, "import-") {
			t.Errorf("a finding without its place, message or rule: %+v", f)
		}
	}
}

// zoneFile returns the zone as a zone file in its plainest form.
func zoneFile(z *Zone) string {
	var b strings.Builder
	rr := func(owner string, ttl uint32, format string, args ...any) {
		fmt.Fprintf(&b, "%s %d IN "+format+"\n", append([]any{owner, ttl}, args...)...)
	}
	owner := func(p *PTR) string {
		if _, form := arpa.Parse(z.Name); form == arpa.Malformed || form == arpa.Outside {
			return fmt.Sprintf("%d.%s", p.Addr.As4()[3], z.Name)
		}
		return arpa.Name(p.Addr)
	}
	s := z.SOA
	rr(z.Name, s.TTL, "SOA %s %s %d %d %d %d %d", s.Primary, s.Contact, s.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum)
	for _, n := range z.NS {
		rr(z.Name, z.NSTTL, "NS %s", n.Value)
	}
	for i := range z.PTRs {
		rr(owner(&z.PTRs[i]), z.PTRs[i].TTL, "PTR %s", z.PTRs[i].Name)
	}
	for _, a := range z.Aliases {
		rr(owner(&PTR{Addr: a.Addr}), a.TTL, "CNAME %s", a.Target)
	}
	for _, c := range z.Cuts {
		for _, n := range c.NS {
			rr(c.Owner, c.TTL, "NS %s", n.Value)
		}
		for _, ds := range c.DS {
			rr(c.Owner, c.DSTTL, "DS %d %d %d %x", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
		}
		for _, g := range c.Glue {
			for _, a := range g.Addrs {
				if a.Is4() {
					rr(g.Name.Value, c.GlueTTL, "A %s", a.Addr)
				} else {
					rr(g.Name.Value, c.GlueTTL, "AAAA %s", a.Addr)
				}
			}
		}
	}
	return b.String()
}

// Whatever a zone file says, what is read of it is sound; and if nothing had to be reported, the records that Data has make
// the same Data.
func FuzzZoneFile(f *testing.F) {
	f.Add("db.2.0.192.in-addr.arpa", "@ SOA ns hostmaster 1 2 3 4 5\n  NS ns\n$GENERATE 1-9/2 $ PTR a${0,3,x}.example.net.\n")
	f.Add("x", apex+"64/26 NS ns1.64/26\n64/26 DS 1 13 2 0a0b\nns1.64/26 A 192.0.2.1\n65 CNAME 65.64/26\n$TTL 1h30m\n1 ( PTR a ) ; \"x\"\n")
	f.Add("x", "64-127.2.0.192.in-addr.arpa. 60 SOA . . 1 2 3 4 5\n65.64-127.2.0.192.in-addr.arpa. PTR a.b.\n")
	f.Add("x", "8.b.d.0.1.0.0.2.ip6.arpa. 60 SOA a. b. 1 2 3 4 5\n$ORIGIN 0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR a.b.\n")
	f.Add("db.example.net", "@ 60 SOA ns hostmaster 1 2 3 4 5\na A 192.0.2.1\n  AAAA 2001:db8::1\n$INCLUDE x\n$ORIGIN a\n")
	f.Fuzz(func(t *testing.T, file, text string) {
		if file == "" || strings.Count(strings.ToUpper(text), "$GENERATE") > 2 { // each makes up to 65,536 records
			t.Skip()
		}
		var r Reader
		r.zoneFile(file, "", []byte(text), nil)
		d, findings := r.Data()
		check(t, d, findings)
		if len(findings) > 0 || len(d.Forward) > 0 {
			return
		}
		for i := range d.Zones {
			r.zoneFile(fmt.Sprint(i), "", []byte(zoneFile(&d.Zones[i])), nil)
		}
		again, findings := r.Data()
		if diff := gocmp.Diff(lines(d), lines(again)); diff != "" || len(findings) > 0 {
			t.Errorf("the same records make other data (-first +second), or findings %v:\n%s", findings, diff)
		}
	})
}

// What a CSV file says is sound, and says the same when it is written again.
func FuzzCSV(f *testing.F) {
	f.Add("address,name\n192.0.2.1,a.example.net\n")
	f.Add("\ufeffserver,address,primary,ttl\r\n\"a\"\"\nb\",2001:db8::1,yes,1h\r\n\n,192.0.2.1,,\n")
	f.Add("address;name\n")
	f.Fuzz(func(t *testing.T, text string) {
		var r Reader
		if err := r.CSV("f", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		d, findings := r.Data()
		check(t, d, findings)
		var b strings.Builder
		w := csv.NewWriter(&b)
		rows := [][]string{columns}
		for _, e := range d.Entries {
			row := make([]string, len(columns))
			row[columnAddress], row[columnName] = e.Addr.String(), e.Name
			row[columnServer], row[columnProduct], row[columnAccount] = e.Server, e.Product, e.Account
			if e.Primary {
				row[columnPrimary] = "yes"
			}
			row[columnTTL] = seconds(e.TTL)
			rows = append(rows, row)
		}
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if err := r.CSV("f", strings.NewReader(b.String())); err != nil {
			t.Fatal(err)
		}
		again, findings := r.Data()
		if diff := gocmp.Diff(lines(d), lines(again)); diff != "" || len(findings) > 0 {
			t.Errorf("the same entries make other data (-first +second), or findings %v:\n%s", findings, diff)
		}
	})
}

// What a hosts file says is sound, and each address has one name.
func FuzzHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost\n192.0.2.1 a.example.net a # x\n192.0.2.1 b.example.net\n2001:db8::1 a.\n")
	f.Fuzz(func(t *testing.T, text string) {
		var r Reader
		_ = r.Hosts("f", strings.NewReader(text)) // fails for a line of more than a megabyte
		d, findings := r.Data()
		check(t, d, findings)
		for i, e := range d.Entries {
			if e.Name == "" || slices.ContainsFunc(d.Entries[:i], func(o Entry) bool { return o.Addr == e.Addr }) {
				t.Errorf("an entry for %s, with the name %q", e.Addr, e.Name)
			}
		}
	})
}

// A conversation is a connection to a server whose answers are known, but for their ids.
type conversation struct {
	net.Conn
	answers []byte
}

func (c *conversation) Write(q []byte) (int, error) {
	for rest := c.answers; len(rest) >= 4; {
		copy(rest[2:4], q[2:4])
		n := 2 + int(binary.BigEndian.Uint16(rest))
		rest = rest[min(n, len(rest)):]
	}
	return len(q), nil
}

func (c *conversation) Read(p []byte) (int, error) {
	if len(c.answers) == 0 {
		return 0, net.ErrClosed
	}
	n := copy(p, c.answers)
	c.answers = c.answers[n:]
	return n, nil
}

func (c *conversation) SetDeadline(time.Time) error { return nil }

// Whatever a server sends, what is read of it is sound; and nothing that is not signed is taken for signed.
func FuzzTransfer(f *testing.F) {
	q := new(dns.Msg).SetAxfr("2.0.192.in-addr.arpa.")
	soa, _ := dns.NewRR("2.0.192.in-addr.arpa. 60 SOA ns1.example.net. hostmaster.example.net. 7 3600 900 1209600 300")
	ptr, _ := dns.NewRR("1.2.0.192.in-addr.arpa. 60 PTR a.example.net.")
	for _, signed := range []bool{false, true} {
		var stream []byte
		for _, rr := range []dns.RR{soa, ptr, soa} {
			m := new(dns.Msg).SetReply(q)
			m.Answer = []dns.RR{rr}
			if signed {
				m.SetTsig("import.example.", dns.HmacSHA256, 300, time.Now().Unix())
			}
			text, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(text))), text...)
		}
		f.Add(stream, signed)
	}
	f.Fuzz(func(t *testing.T, stream []byte, signed bool) {
		var key *Key
		if signed {
			key = &Key{"import.example.", dns.HmacSHA256, secret}
		}
		b := &batch{file: "transfer"}
		err := b.receive(&dns.Conn{Conn: &conversation{answers: slices.Clone(stream)}}, "2.0.192.in-addr.arpa.", key)
		if err == nil && signed {
			t.Error("the fuzzer found a signature")
		}
		r := Reader{batches: []*batch{b}}
		d, findings := r.Data()
		check(t, d, findings)
	})
}
