package source

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/internal/hostname"
)

// addr reads an IP address.
func (p *parser) addr(n *yaml.Node) (Addr, bool) {
	if !p.scalar(n, "an IP address") {
		return Addr{}, false
	}
	a, err := netip.ParseAddr(n.Value)
	switch {
	case err != nil:
		if _, err := netip.ParsePrefix(n.Value); err == nil {
			p.report(n, "address-invalid", "", "want an IP address, not the prefix %q", n.Value)
			break
		}
		p.report(n, "address-invalid", "", "%q is not an IP address%s", n.Value, reason(err))
	case a.Zone() != "":
		p.report(n, "address-invalid", "remove %"+a.Zone(), "the address %q has a zone, which is for one machine only",
			n.Value)
	case a.Is4In6():
		p.report(n, "address-invalid", "write "+a.Unmap().String(), "%q is an IPv4-mapped IPv6 address", n.Value)
	default:
		return Addr{a, p.pos(n)}, true
	}
	return Addr{}, false
}

// prefix reads an address prefix. One with host bits is reported, and returned without them beside false.
func (p *parser) prefix(n *yaml.Node) (Prefix, bool) {
	if !p.scalar(n, "a prefix such as 192.0.2.0/24") {
		return Prefix{}, false
	}
	x, err := netip.ParsePrefix(n.Value)
	switch {
	case err != nil:
		hint := ""
		if a, err := netip.ParseAddr(n.Value); err == nil && a.Zone() == "" {
			hint = fmt.Sprintf("add its length; %s/%d is this address alone", a, a.BitLen())
		}
		p.report(n, "address-invalid", hint, "%q is not a prefix%s", n.Value, reason(err))
	case x.Addr().Is4In6():
		p.report(n, "address-invalid", "write an IPv4 prefix", "%q is a prefix of IPv4-mapped IPv6 addresses", n.Value)
	case x != x.Masked():
		p.report(n, "address-invalid", "write "+x.Masked().String(), "the prefix %q has bits set beyond its length", n.Value)
		return Prefix{x.Masked(), p.pos(n)}, false
	default:
		return Prefix{x, p.pos(n)}, true
	}
	return Prefix{}, false
}

// reason is what net/netip says about an address or prefix, without the address, which it repeats, and in words.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, `"): `); i >= 0 {
		return ": " + strings.Replace(text[i+len(`"): `):], "value >255", "a value above 255", 1)
	}
	return ""
}

// host reads the name of a host. It is no IPv4 address, and has no "/", which only the names of classless zones have.
func (p *parser) host(n *yaml.Node) (Name, bool) {
	name, ok := p.name(n)
	if !ok {
		return Name{}, false
	}
	if strings.Contains(name.Value, "/") {
		p.report(n, "name-invalid", "", "%q is not the name of a host: it has a /", n.Value)
		return Name{}, false
	}
	if isIPv4(name.Value) {
		p.report(n, "name-invalid", "", "want the name of a host, not the IP address %q", n.Value)
		return Name{}, false
	}
	return name, true
}

// isIPv4 reports whether a name, which has no colons, is an IP address with a final dot.
func isIPv4(name string) bool {
	last := name[len(name)-2] // no name is a dot alone
	if last < '0' || last > '9' {
		return false
	}
	_, err := netip.ParseAddr(strings.TrimSuffix(name, "."))
	return err == nil
}

// zone reads the name of a zone, in which RFC 2317 uses "/". One that cannot be read has a position but no value, which
// tells it from one that is not there.
func (p *parser) zone(n *yaml.Node) Name {
	name, _ := p.name(n)
	name.Pos = p.pos(n)
	return name
}

// name reads a domain name.
func (p *parser) name(n *yaml.Node) (Name, bool) {
	if !p.scalar(n, "a domain name") {
		return Name{}, false
	}
	name, err := ParseName(n.Value)
	if err != nil {
		p.report(n, "name-invalid", "", "%q is not a domain name: %s", n.Value, err)
		return Name{}, false
	}
	if !strings.HasPrefix(name, n.Value) { // else it is as written, and ASCII
		p.checkForm(n)
	}
	return Name{name, p.pos(n)}, true
}

// contact reads a mailbox, written as user@domain or already as a domain name.
func (p *parser) contact(n *yaml.Node) Name {
	if !p.scalar(n, "an e-mail address") {
		return Name{}
	}
	local, domain, mail := strings.Cut(n.Value, "@")
	if !mail {
		name, _ := p.host(n)
		return name
	}
	if strings.Contains(local, ".") {
		p.report(n, "name-invalid", "use a mailbox without a dot before the @",
			"%q does not fit into an SOA record: the dot in %q would need an escape, and names here have none",
			n.Value, local)
		return Name{}
	}
	name, err := ParseName(local + "." + domain)
	if err == nil && (!ascii(local) || strings.Contains(name, "/")) {
		err = errors.New("it has characters that no domain name of a host has")
	}
	if err != nil {
		p.report(n, "name-invalid", "", "%q does not fit into an SOA record: %s", n.Value, err)
		return Name{}
	}
	p.checkForm(n)
	return Name{name, p.pos(n)}
}

// checkForm reports a name or template that is not in normalization form C. It is read as if it were.
func (p *parser) checkForm(n *yaml.Node) {
	if ascii(n.Value) || norm.NFC.IsNormalString(n.Value) {
		return
	}
	var segments norm.Iter
	segments.InitString(norm.NFC, n.Value)
	for begin := 0; !segments.Done(); begin = segments.Pos() {
		normal := string(segments.Next())
		if written := n.Value[begin:segments.Pos()]; written != normal {
			p.report(n, "name-not-nfc", fmt.Sprintf("write %q", norm.NFC.String(n.Value)),
				"%q has %s in place of %s: it is not in normalization form C",
				n.Value, codePoints(written), codePoints(normal))
			return
		}
	}
}

// codePoints returns the code points of s as text.
func codePoints(s string) string { return strings.Trim(fmt.Sprintf("%U", []rune(s)), "[]") }

// ParseName returns a domain name, written as a source may have it, in the form of Name: absolute and in lower case, IDN
// labels as A-labels. The error says what is wrong with it, without the name.
func ParseName(s string) (string, error) {
	if !ascii(s) {
		labels := strings.Split(s, ".")
		for i, label := range labels {
			a, err := toASCII(label)
			if err != nil {
				return "", err
			}
			labels[i] = a
		}
		s = strings.Join(labels, ".")
	}
	s = hostname.Absolute(s)
	return s, hostname.Check(s)
}

// profile is idna.Lookup without its rule for ASCII characters: hostname.Check has its own.
var profile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// toASCII returns the A-label of a label that is not ASCII, and others as they are.
func toASCII(label string) (string, error) {
	if ascii(label) {
		return label, nil
	}
	a, err := profile.ToASCII(label)
	if err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "idna: "))
	}
	return a, nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// parseTemplate is hostname.Parse for templates whose literal labels may be IDNs. Offsets are those in s.
func parseTemplate(s string) (*hostname.Template, error) {
	if ascii(s) {
		return hostname.Parse(s)
	}
	var converted strings.Builder
	type origin struct{ converted, original int } // offsets where a label begins
	var origins []origin
	for begin := 0; begin <= len(s); {
		end, depth := begin, 0
		for ; end < len(s) && (s[end] != '.' || depth > 0); end++ {
			switch s[end] {
			case '{':
				depth++
			case '}':
				depth--
			}
		}
		label := s[begin:end]
		origins = append(origins, origin{converted.Len(), begin})
		a, err := toASCII(label)
		if err == nil && a != label && strings.ContainsAny(label, "{}") {
			err = fmt.Errorf("the label %q has placeholders and characters beyond ASCII: write its ASCII form", label)
		}
		if err != nil {
			return nil, &hostname.SyntaxError{Offset: begin, Msg: err.Error()}
		}
		converted.WriteString(a)
		if end < len(s) {
			converted.WriteByte('.')
		}
		begin = end + 1
	}
	t, err := hostname.Parse(converted.String())
	var syntax *hostname.SyntaxError
	if errors.As(err, &syntax) {
		for i := len(origins) - 1; i >= 0; i-- {
			if o := origins[i]; o.converted <= syntax.Offset {
				err = &hostname.SyntaxError{Offset: o.original, Msg: syntax.Msg}
				break
			}
		}
	}
	return t, err
}

// units of a duration, longest first, as they must be written.
var units = []struct {
	name    byte
	seconds uint64
}{{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}

// seconds reads a duration into s, and leaves s alone if it cannot.
func (p *parser) seconds(n *yaml.Node, s *Seconds) {
	const want = "a duration such as 15m, 1h30m, 2w or 3600 (seconds)"
	if !p.scalar(n, want) {
		return
	}
	v, ok := parseSeconds(n.Value)
	switch {
	case !ok:
		p.wrongType(n, want, "")
	case v > math.MaxInt32:
		p.report(n, "wrong-type", "", "%q is too long: a TTL has at most 2147483647 seconds", n.Value)
	default:
		*s = Seconds{uint32(v), p.pos(n)}
	}
}

// parseSeconds returns how many seconds the duration s has; if they are too many for 31 bits, then any such number.
func parseSeconds(s string) (uint64, bool) {
	var sum uint64
	rest := units
	for first := true; first || s != ""; first = false {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		if digits == 0 {
			return 0, false
		}
		v, err := strconv.ParseUint(s[:digits], 10, 31)
		if err != nil {
			v = 1 << 31
		}
		if digits == len(s) {
			return v, first
		}
		for len(rest) > 0 && rest[0].name != s[digits] {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return 0, false
		}
		sum += v * rest[0].seconds
		s, rest = s[digits+1:], rest[1:]
	}
	return sum, true
}

// object reads a name of RPSL (RFC 2622 section 2).
func (p *parser) object(n *yaml.Node, want string) (Text, bool) {
	t := p.text(n, want)
	if t.Value == "" {
		return Text{}, false
	}
	if !isObjectName(t.Value) {
		p.wrongType(n, want, "it has letters, digits, - and _; a letter comes first, a letter or a digit last")
		return Text{}, false
	}
	return t, true
}

// isObjectName reports whether s has letters, digits, "-" and "_", a letter first, and a letter or digit last.
func isObjectName(s string) bool {
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && letter(s[0]) && (letter(s[len(s)-1]) || digit(s[len(s)-1]))
}

// digestSizes are the lengths in bytes of the digest types in use (RFC 3658, 4509, 6605).
var digestSizes = map[uint8]int{1: 20, 2: 32, 4: 48}

// Check returns nil if the digest is as long as its type demands, else what is wrong. A source has no others.
func (d *DS) Check() error {
	size, ok := digestSizes[d.DigestType]
	switch {
	case ok && size != len(d.Digest):
		return fmt.Errorf("a digest of type %d has %d bytes, not %d", d.DigestType, size, len(d.Digest))
	case len(d.Digest) == 0:
		return errors.New("the digest is empty")
	}
	return nil
}

// ds reads the data of a DS record in presentation format (RFC 4034 section 5.3).
func (p *parser) ds(n *yaml.Node) (DS, bool) {
	const want = `a DS record such as "12345 13 2 <digest in hex>"`
	if !p.scalar(n, want) {
		return DS{}, false
	}
	f := strings.Fields(n.Value)
	if len(f) < 4 {
		p.wrongType(n, want, "")
		return DS{}, false
	}
	tag, err1 := strconv.ParseUint(f[0], 10, 16)
	algorithm, err2 := strconv.ParseUint(f[1], 10, 8)
	digestType, err3 := strconv.ParseUint(f[2], 10, 8)
	digest, err4 := hex.DecodeString(strings.Join(f[3:], ""))
	if errors.Join(err1, err2, err3, err4) != nil {
		p.wrongType(n, want, "")
		return DS{}, false
	}
	ds := DS{uint16(tag), uint8(algorithm), uint8(digestType), digest, p.pos(n)}
	if err := ds.Check(); err != nil {
		p.report(n, "wrong-type", "", "%v", err)
		return DS{}, false
	}
	return ds, true
}
