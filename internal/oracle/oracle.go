// Package oracle answers what internal/authority answers, by the algorithm of RFC 1034 section 4.3.2 over a list of all
// RRs that the zones of a snapshot have. It is slow and obvious, shares no code with what it checks, and is for tests
// only.
package oracle

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Response is an answer in words. RRs are "owner TTL type data", in order of that text.
type Response struct {
	Rcode      string // REFUSED for a name that is in no zone
	AA         bool
	Answer     []string
	Authority  []string
	Additional []string
}

// An Oracle knows all RRs of a snapshot.
type Oracle struct {
	zones map[string]*zone // by apex
}

type zone struct {
	*snapshot.Zone
	rrs map[rr]bool
	// nodes has the RRs of every name that exists: an owner, or a name between one and the apex.
	nodes map[string][]rr
	// made are names that exist besides, too many to list them: those that the fallback of an IPv6 zone makes.
	made []pattern
}

// An rr is a RR of class IN.
type rr struct {
	owner string
	ttl   uint32
	kind  string
	data  string // in presentation format
}

func (r rr) String() string { return fmt.Sprintf("%s %d %s %s", r.owner, r.ttl, r.kind, r.data) }

// New lists the RRs of r. Those that an IPv4 fallback makes are in the list, so that the zone should not be large.
func New(r *snapshot.Reader) *Oracle {
	o := &Oracle{zones: make(map[string]*zone)}
	for i := range r.Zones() {
		z := &r.Zones()[i]
		o.zones[z.Name] = &zone{Zone: z, rrs: make(map[rr]bool), nodes: make(map[string][]rr)}
	}
	for _, z := range o.zones {
		z.add(z.Name, z.TTL, "SOA", z.soa())
		for _, ns := range z.NS {
			z.add(z.Name, z.TTL, "NS", ns)
		}
		for i := range z.Delegations {
			z.addDelegation(&z.Delegations[i])
		}
		switch z.Kind {
		case snapshot.Reverse:
			for a, set := range r.Entries(z.Zone) {
				for i := range set.Len() {
					z.add(z.owner(a), set.TTL, "PTR", set.Name(i))
				}
			}
			if z.Fallback != "" {
				z.addFallback(o.forwardZone(z.Fallback))
			}
		case snapshot.Forward:
			for h := range r.Hosts(z.Zone) {
				for i := range h.Len() {
					z.addAddress(strings.TrimPrefix(h.Name()+"."+z.Name, "."), h.Addr(i))
				}
			}
		case snapshot.Catalog:
			o.addMembers(z)
		}
	}
	return o
}

// add adds a RR, unless it is there: an RRset has no duplicates (RFC 2181 section 5).
func (z *zone) add(owner string, ttl uint32, kind, data string) {
	r := rr{owner, ttl, kind, data}
	if z.rrs[r] {
		return
	}
	z.rrs[r] = true
	for _, name := range upwards(owner) {
		if _, exists := z.nodes[name]; !exists && dns.IsSubDomain(z.Name, name) {
			z.nodes[name] = nil
		}
	}
	z.nodes[owner] = append(z.nodes[owner], r)
}

func (z *zone) addAddress(owner string, a netip.Addr) {
	kind := "AAAA"
	if a.Is4() {
		kind = "A"
	}
	z.add(owner, z.TTL, kind, a.String())
}

func (z *zone) addDelegation(d *snapshot.Delegation) {
	for _, ns := range d.NS {
		z.add(d.Name, z.TTL, "NS", ns)
	}
	for _, ds := range d.DS {
		z.add(d.Name, z.TTL, "DS", fmt.Sprintf("%d %d %d %X", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest))
	}
	for _, g := range d.Glue {
		z.addAddress(g.Name, g.Addr)
	}
	if d.Name == z.cutName(d.Prefix) {
		return
	}
	for a := d.Prefix.Addr(); d.Prefix.Contains(a); a = a.Next() { // RFC 2317 section 4
		z.add(z.owner(a), z.TTL, "CNAME", lastOctet(a)+"."+d.Name)
	}
}

// addFallback adds the PTRs that z's fallback makes to z, and the addresses of their targets to the zone that those lie
// in, if it is not nil.
func (z *zone) addFallback(forward *zone) {
	if z.Prefix.Addr().Is6() && z.Prefix.Bits() < 120 {
		z.made = append(z.made, newPattern("{rev}.ip6.arpa.", z.Prefix))
		if forward != nil {
			forward.made = append(forward.made, newPattern(z.Fallback, z.Prefix))
		}
		return
	}
	for a := z.Prefix.Addr(); z.Prefix.Contains(a); a = a.Next() {
		named := func(r rr) bool { return r.kind == "PTR" }
		if !z.delegates(a) && !slices.ContainsFunc(z.nodes[z.owner(a)], named) {
			z.add(z.owner(a), z.TTL, "PTR", expand(z.Fallback, a))
		}
		if forward != nil {
			forward.addAddress(expand(z.Fallback, a), a)
		}
	}
}

// addMembers adds to z what a catalog has (RFC 9432 section 4).
func (o *Oracle) addMembers(z *zone) {
	z.add("version."+z.Name, z.TTL, "TXT", `"2"`)
	for _, m := range o.zones {
		endless := false
		for _, other := range o.zones {
			if other.Fallback != "" && other.Prefix.Addr().Is6() && (m == other || m == o.forwardZone(other.Fallback)) {
				endless = true
			}
		}
		if m != z && !endless {
			id := sha256.Sum256([]byte(m.Name))
			z.add(fmt.Sprintf("%x.zones.%s", id[:16], z.Name), z.TTL, "PTR", m.Name)
		}
	}
}

func (z *zone) delegates(a netip.Addr) bool {
	return slices.ContainsFunc(z.Delegations, func(d snapshot.Delegation) bool { return d.Prefix.Contains(a) })
}

// owner returns the name of an address in a reverse zone.
func (z *zone) owner(a netip.Addr) string {
	if z.classless() {
		return lastOctet(a) + "." + z.Name
	}
	return reverse(a)
}

// classless reports whether the zone is one of RFC 2317: for less than a /24, and not for one address in the place of
// its reverse name.
func (z *zone) classless() bool {
	p := z.Prefix
	return p.Addr().Is4() && p.Bits() > 24 && !(p.IsSingleIP() && z.Name == reverse(p.Addr()))
}

// cutName returns the name below which all reverse names of p are, and no others; "" if there is none.
func (z *zone) cutName(p netip.Prefix) string {
	bitsPerLabel := 4
	if p.Addr().Is4() {
		bitsPerLabel = 8
	}
	switch {
	case p.IsSingleIP():
		return z.owner(p.Addr())
	case z.classless() || p.Bits()%bitsPerLabel != 0:
		return ""
	}
	return upwards(reverse(p.Addr()))[(p.Addr().BitLen()-p.Bits())/bitsPerLabel]
}

func (z *zone) soa() string {
	s := z.SOA
	return fmt.Sprintf("%s %s %d %d %d %d %d", s.Primary, s.Contact, z.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum)
}

// Zone returns the RRs of the zone with the given apex, in order of their text; of an endless zone, those that can be
// listed.
func (o *Oracle) Zone(apex string) []string {
	var rrs []string
	for r := range o.zones[apex].rrs {
		rrs = append(rrs, r.String())
	}
	slices.Sort(rrs)
	return rrs
}

// Answer answers a question of class IN, with the DO bit set or not.
func (o *Oracle) Answer(qname string, qtype uint16, do bool) Response {
	resp := Response{Rcode: "REFUSED"}
	o.answer(&resp, qname, qtype, do)
	for _, section := range [][]string{resp.Answer, resp.Authority, resp.Additional} {
		slices.Sort(section)
	}
	return resp
}

// answer adds to resp what there is for name, in steps 2 to 6 of RFC 1034 section 4.3.2.
func (o *Oracle) answer(resp *Response, name string, qtype uint16, do bool) {
	asked, name := name, strings.ToLower(name)
	kind := dns.TypeToString[qtype]
	z := o.nearest(name)
	if z == nil {
		return
	}
	if kind == "DS" && name == z.Name { // RFC 4035 section 3.1.4.1
		if parent := o.parent(name); parent != nil {
			z = parent
		}
	}
	resp.Rcode = "NOERROR"
	soa := rr{z.Name, min(z.TTL, z.SOA.Minimum), "SOA", z.soa()} // RFC 2308 section 3

	if cut := z.cut(name); cut != "" && !(kind == "DS" && cut == name) {
		for _, r := range z.nodes[cut] {
			if r.kind == "NS" || r.kind == "DS" && do {
				resp.Authority = append(resp.Authority, r.String())
			}
			if r.kind == "NS" {
				resp.Additional = append(resp.Additional, o.addresses(r.data, z, cut)...)
			}
		}
		return
	}
	resp.AA = true
	rrs, exists := z.at(name)
	if !exists {
		resp.Rcode = "NXDOMAIN"
		resp.Authority = append(resp.Authority, soa.String())
		return
	}
	for _, r := range rrs {
		if r.kind != "CNAME" || kind == "CNAME" || kind == "ANY" {
			continue
		}
		resp.Answer = append(resp.Answer, rr{asked, r.ttl, r.kind, r.data}.String())
		o.answer(resp, r.data, qtype, do)
		return
	}
	found := false
	for _, k := range []string{"SOA", "CNAME", "A", "AAAA", "PTR", "TXT", "NS", "DS"} {
		for _, r := range rrs {
			if r.kind == k && (k == kind || kind == "ANY") {
				resp.Answer = append(resp.Answer, rr{asked, r.ttl, r.kind, r.data}.String())
				found = true
			}
		}
		if found {
			return // ANY gets one RRset (RFC 8482 section 4.1)
		}
	}
	resp.Authority = append(resp.Authority, soa.String())
}

// nearest returns the zone with the longest apex at or above name, nil if there is none.
func (o *Oracle) nearest(name string) *zone {
	for _, n := range upwards(name) {
		if z := o.zones[n]; z != nil {
			return z
		}
	}
	return nil
}

// parent returns the zone that delegates the one with the given apex, nil if that is not here.
func (o *Oracle) parent(apex string) *zone {
	_, above, _ := strings.Cut(apex, ".")
	if z := o.nearest(above); z != nil && z.cut(apex) == apex {
		return z
	}
	return nil
}

// forwardZone returns the forward zone in which the names lie that a fallback makes, nil if there is none.
func (o *Oracle) forwardZone(fallback string) *zone {
	if z := o.nearest(constantEnd(fallback)); z != nil && z.Kind == snapshot.Forward {
		return z
	}
	return nil
}

// addresses returns the addresses of a name server of the zone below the given cut: glue, or else of the forward zone
// where its name is.
func (o *Oracle) addresses(ns string, z *zone, cut string) (rrs []string) {
	if !dns.IsSubDomain(cut, ns) {
		z = o.nearest(ns)
		if z == nil || z.Kind != snapshot.Forward {
			return nil
		}
	}
	found, _ := z.at(ns)
	for _, r := range found {
		if r.kind == "A" || r.kind == "AAAA" {
			rrs = append(rrs, r.String())
		}
	}
	return rrs
}

// cut returns the highest name at or above the given one that z delegates, "" if there is none.
func (z *zone) cut(name string) (cut string) {
	for _, n := range upwards(name) {
		if n != z.Name && slices.ContainsFunc(z.nodes[n], func(r rr) bool { return r.kind == "NS" }) {
			cut = n
		}
	}
	return cut
}

// at returns the RRs at a name, and whether the name exists.
func (z *zone) at(name string) (rrs []rr, exists bool) {
	rrs, exists = z.nodes[name]
	rrs = slices.Clone(rrs)
	for _, p := range z.made {
		a, whole, found := p.match(name)
		exists = exists || found
		r := rr{name, z.TTL, "AAAA", a.String()}
		if whole && z.Kind == snapshot.Reverse {
			r.kind, r.data = "PTR", expand(z.Fallback, a)
		}
		there := func(s rr) bool { return s == r || r.kind == "PTR" && s.kind == "PTR" }
		if whole && !slices.ContainsFunc(rrs, there) {
			rrs = append(rrs, r)
		}
	}
	return rrs, exists
}

// A pattern is the set of names that a template makes for the addresses of an IPv6 prefix.
type pattern struct {
	prefix netip.Prefix
	text   []rune // nibble0 + i in place of the address's nibble i
}

const nibble0 = '\ue000'

// newPattern returns the pattern of a template with {ip} and {rev}.
func newPattern(template string, p netip.Prefix) pattern {
	var ip, rev []string
	for i := rune(0); i < 32; i += 4 {
		ip = append(ip, string([]rune{nibble0 + i, nibble0 + i + 1, nibble0 + i + 2, nibble0 + i + 3}))
	}
	for i := rune(31); i >= 0; i-- {
		rev = append(rev, string(nibble0+i))
	}
	r := strings.NewReplacer("{ip}", strings.Join(ip, "-"), "{rev}", strings.Join(rev, "."))
	return pattern{p, []rune(r.Replace(template))}
}

// match reports whether name is one of the names or above one, and if it is a whole one, for which address.
func (p pattern) match(name string) (a netip.Addr, whole, ok bool) {
	want := p.text
	for labels := strings.Count(string(want), "."); labels > strings.Count(name, "."); labels-- {
		want = want[slices.Index(want, '.')+1:]
	}
	if len(want) != len(name) {
		return netip.Addr{}, false, false
	}
	const digits = "0123456789abcdef"
	known := make(map[rune]byte)
	for i, b := range p.prefix.Addr().As16() {
		if 8*i < p.prefix.Bits() {
			known[nibble0+rune(2*i)] = digits[b>>4]
		}
		if 8*i+4 < p.prefix.Bits() {
			known[nibble0+rune(2*i+1)] = digits[b&0xf]
		}
	}
	for i, c := range want {
		digit := name[i]
		if c < nibble0 {
			if byte(c) != digit {
				return netip.Addr{}, false, false
			}
			continue
		}
		if k, again := known[c]; again && k != digit || !strings.Contains(digits, string(digit)) {
			return netip.Addr{}, false, false
		}
		known[c] = digit
	}
	if len(want) < len(p.text) {
		return netip.Addr{}, false, true
	}
	text := ""
	for i := rune(0); i < 32; i++ {
		if i > 0 && i%4 == 0 {
			text += ":"
		}
		text += string(known[nibble0+i])
	}
	return netip.MustParseAddr(text), true, true
}

// constantEnd returns the labels after the last one in which a template has a placeholder.
func constantEnd(template string) string {
	_, end, _ := strings.Cut(template[strings.LastIndex(template, "}")+1:], ".")
	return end
}

func expand(template string, a netip.Addr) string {
	t, err := hostname.Parse(template)
	if err != nil {
		panic(err) // the reader has verified it
	}
	name, err := t.Expand(hostname.Values{Addr: a})
	if err != nil {
		panic(err) // and this
	}
	return name
}

// upwards returns name and all that are above it but the root.
func upwards(name string) (names []string) {
	for _, i := range dns.Split(name) {
		names = append(names, name[i:])
	}
	return names
}

func lastOctet(a netip.Addr) string { return fmt.Sprint(a.As4()[3]) }

func reverse(a netip.Addr) string {
	name, err := dns.ReverseAddr(a.String())
	if err != nil {
		panic(err) // every netip.Addr has a reverse name
	}
	return name
}
