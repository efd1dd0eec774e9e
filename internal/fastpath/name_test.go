package fastpath

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
)

// parseName returns the query that has a name in its question, nil if it is refused.
func parseName(t *testing.T, name []byte) *query {
	t.Helper()
	packet := append(append(make([]byte, headerSize, 300), name...), 0, 12, 0, 1)
	packet[5] = 1
	q := new(query)
	if !q.parse(packet) {
		return nil
	}
	if !bytes.Equal(q.name(packet), name) || q.qtype != dns.TypePTR {
		t.Fatalf("%q: the name is %q, the type %d", name, q.name(packet), q.qtype)
	}
	return q
}

// TestPrefix tries each byte in each place of names of addresses.
func TestPrefix(t *testing.T) {
	for _, addr := range []string{
		"192.0.2.1", "10.20.30.40", "255.255.255.255", "0.0.0.0", "2001:db8:abcd:ef01:2345:6789::1",
	} {
		name := make([]byte, 300)
		n, err := dns.PackDomainName(arpa.Name(netip.MustParseAddr(addr)), name, 0, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		name = name[:n]
		for i := range name {
			was := name[i]
			for c := range 256 {
				name[i] = byte(c)
				checkPrefix(t, name)
			}
			name[i] = was
		}
	}
	for a := range 300 {
		for _, format := range []string{"%d", "%02d", "%03d", "0%03d", "%d00"} {
			label := fmt.Sprintf(format, a)
			for _, rest := range []string{"4.3.2", "4.3", "4.3.2.1"} {
				name := make([]byte, 300)
				n, err := dns.PackDomainName(label+"."+rest+".in-addr.arpa.", name, 0, nil, false)
				if err != nil {
					t.Fatal(err)
				}
				checkPrefix(t, name[:n])
			}
		}
	}
}

// checkPrefix compares what is made of a name with what the packages for that make of it.
func checkPrefix(t *testing.T, name []byte) {
	t.Helper()
	want, end, err := dns.UnpackDomainName(name, 0)
	q := parseName(t, name)
	if valid := err == nil && end == len(name) && want != "." && !compressed(name); valid != (q != nil) {
		t.Fatalf("%q is accepted: %t, want %t", name, q != nil, valid)
	}
	if q == nil {
		return
	}
	lower := strings.ToLower(want)
	if got := string(presentation(nil, name)); got != lower {
		t.Errorf("%q is %s, want %s", name, got, lower)
	}
	p, form := arpa.Parse(want)
	if form != arpa.Complete {
		p = netip.Prefix{}
	}
	if q.prefix != p {
		t.Errorf("%s is the name of %v, want %v", want, q.prefix, p)
	}
	if q.lower && want != lower {
		t.Errorf("%s is said to be in lower case", want)
	}
	if !q.lower && want == lower && p.IsValid() {
		t.Errorf("%s is not said to be in lower case", want)
	}
}

// compressed reports whether a name that miekg/dns takes has a pointer.
func compressed(name []byte) bool {
	for name[0] != 0 {
		if name[0] > maxLabel {
			return true
		}
		name = name[1+int(name[0]):]
	}
	return false
}
