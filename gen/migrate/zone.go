package migrate

import (
	"cmp"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// A record is one of a zone, with its owner in lower case.
type record struct {
	dns.RR
	pos diag.Position
}

func (r record) owner() string { return r.Header().Name }

func (r record) ttl() uint32 { return r.Header().Ttl }

func (r record) isSOA() bool {
	return r.Header().Rrtype == dns.TypeSOA && r.Header().Class == dns.ClassINET
}

// kind is what messages call the record.
func (r record) kind() string {
	kind := dns.Type(r.Header().Rrtype).String() + " record"
	if class := r.Header().Class; class != dns.ClassINET {
		return kind + " of class " + dns.Class(class).String()
	}
	return kind
}

// A zone is one whose records were told apart.
type zone struct {
	Zone
	*batch
	reverse   bool
	classless bool // the name is not that of the prefix: owners are octets below it
	soas      []record
	ns        []record // at the apex
	ptrs      []record
	cnames    []record
	cuts      map[string]*cut // by owner
	addresses []record        // A and AAAA
	signed    []record        // that a signer made
	other     []record
	outside   []record // neither at nor below the apex
}

// A cut has the records of a delegation.
type cut struct{ ns, ds, glue []record }

// zones returns the zones of b: at least one, or there is a finding. A record belongs to the SOA record before it,
// those before the first one to that.
func (b *batch) zones() []*zone {
	first := slices.IndexFunc(b.records, record.isSOA)
	if first < 0 {
		if len(b.findings) == 0 {
			b.report(diag.Position{File: b.file}, FindingZoneUnknown, "", "there is no zone in it: it has no SOA record")
		}
		return nil
	}
	zones := []*zone{b.zone(b.records[first])}
	z := zones[0]
	for _, r := range b.records {
		if r.isSOA() && r.owner() != z.Name {
			i := slices.IndexFunc(zones, func(z *zone) bool { return z.Name == r.owner() })
			if i < 0 {
				i = len(zones)
				zones = append(zones, b.zone(r))
			}
			z = zones[i]
		}
		z.add(r)
	}
	return zones
}

// below reports whether name is apex or below it.
func below(name, apex string) bool {
	rest, ok := strings.CutSuffix(name, apex)
	return ok && (rest == "" || apex == "." || strings.HasSuffix(rest, "."))
}

func (b *batch) zone(soa record) *zone {
	return &zone{Zone: Zone{Name: soa.owner(), Pos: soa.pos}, batch: b, cuts: make(map[string]*cut)}
}

// add adds a record to those of its kind.
func (z *zone) add(r record) {
	var list *[]record
	switch h := r.Header(); {
	case !below(h.Name, z.Name):
		list = &z.outside
	case h.Class != dns.ClassINET:
		list = &z.other
	default:
		list = z.kind(h)
	}
	*list = append(*list, r)
}

// kind returns the list for a record that is at or below the apex.
func (z *zone) kind(h *dns.RR_Header) *[]record {
	apex := h.Name == z.Name
	switch h.Rrtype {
	case dns.TypeSOA:
		return &z.soas
	case dns.TypePTR:
		return &z.ptrs
	case dns.TypeCNAME:
		return &z.cnames
	case dns.TypeA, dns.TypeAAAA:
		return &z.addresses
	case dns.TypeNS:
		if apex {
			return &z.ns
		}
		return &z.cut(h.Name).ns
	case dns.TypeDS:
		if !apex {
			return &z.cut(h.Name).ds
		}
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDNSKEY, dns.TypeCDS, dns.TypeCDNSKEY,
		dns.TypeZONEMD, bindSigning:
		return &z.signed
	}
	return &z.other
}

// bindSigning is the type of the records in which BIND keeps how far it is with signing a zone.
const bindSigning = 65534

func (z *zone) cut(owner string) *cut {
	c := z.cuts[owner]
	if c == nil {
		c = new(cut)
		z.cuts[owner] = c
	}
	return c
}

// sameTTL reports a record whose TTL is not that of the first of its set.
func (z *zone) sameTTL(r record, first uint32) {
	if r.ttl() != first {
		z.warn(r.pos, FindingTTL, "", "the %s has the TTL %d, the first of its set %d: all get that one",
			r.kind(), r.ttl(), first)
	}
}

// name returns the name that is data of a record, as sources have it.
func (z *zone) name(r record, name string) (string, bool) {
	name = hostname.Absolute(name)
	if err := hostname.Check(name); err != nil {
		z.report(r.pos, FindingName, "", "the %s has a name that a source cannot hold, %q: %v", r.kind(), name, err)
		return "", false
	}
	return name, true
}

// appendName appends the name that is data of a record, if it is not there.
func (z *zone) appendName(list []source.Name, r record, name string) []source.Name {
	name, ok := z.name(r, name)
	if !ok || slices.ContainsFunc(list, func(n source.Name) bool { return n.Value == name }) {
		return list
	}
	return append(list, source.Name{Value: name, Pos: r.pos})
}

// addr returns the address that an owner in the zone stands for.
func (z *zone) addr(owner string) (netip.Addr, bool) {
	if z.classless {
		n, ok := octet(owner, z.Name)
		if !ok {
			return netip.Addr{}, false
		}
		a := withOctet(z.Prefix.Addr(), n)
		return a, z.Prefix.Contains(a)
	}
	p, form := arpa.Parse(owner)
	return p.Addr(), form == arpa.Complete
}

// octet returns the number of which owner, a name below apex, consists besides that.
func octet(owner, apex string) (byte, bool) {
	label := strings.TrimSuffix(strings.TrimSuffix(owner, apex), ".")
	n, err := strconv.ParseUint(label, 10, 8)
	return byte(n), err == nil && (label[0] != '0' || label == "0")
}

// withOctet returns the address of the same /24 with another last octet.
func withOctet(a netip.Addr, n byte) netip.Addr {
	b := a.As4()
	b[3] = n
	return netip.AddrFrom4(b)
}

// local are the addresses of one machine or link, whose zones resolvers have by themselves (RFC 6303 sections 4.2 to
// 4.5). BIND comes with a file for 255.0.0.0/8, too.
var local = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("255.0.0.0/8"), netip.MustParsePrefix("::/127"), netip.MustParsePrefix("fe80::/10"),
}

// isLocal reports whether all addresses of p are local.
func isLocal(p netip.Prefix) bool {
	return slices.ContainsFunc(local, func(l netip.Prefix) bool { return contains(l, p) })
}

// resolve makes the Zone, whose prefix is known. aliases are those of all zones, by the name above their target.
func (z *zone) resolve(aliases map[string][]netip.Addr) {
	z.addApex()
	z.addCuts(aliases)
	z.addAliases()
	z.addPTRs()
	for _, r := range z.outside {
		z.report(r.pos, FindingOutsideZone, "", "%q lies outside of the zone %q: name servers do not serve it",
			r.owner(), z.Name)
	}
	for _, r := range z.other {
		if !z.hidden(r) {
			z.unsupported(r)
		}
	}
	if len(z.signed) > 0 {
		z.report(z.signed[0].pos, FindingSigned, "sign the zone again where it is served, or take the DS records out of the "+
			"parent zone before", "the zone %q is signed: %d records of DNSSEC are left out", z.Name, len(z.signed))
	}
}

func (z *zone) addApex() {
	first := z.soas[0]
	rr := first.RR.(*dns.SOA)
	z.SOA = SOA{
		Pos: first.pos, TTL: first.ttl(), Primary: hostname.Absolute(rr.Ns), Contact: hostname.Absolute(rr.Mbox),
		Serial: rr.Serial, Refresh: rr.Refresh, Retry: rr.Retry, Expire: rr.Expire, Minimum: rr.Minttl,
	}
	for _, name := range []string{rr.Ns, rr.Mbox} {
		z.name(first, name) // reports it
	}
	for _, r := range z.soas[1:] { // AXFR has it twice
		if r.ttl() != first.ttl() || !dns.IsDuplicate(r.RR, first.RR) {
			z.report(r.pos, FindingConflict, "keep one of the two", "another SOA record of the zone %q", z.Name)
		}
	}
	for i, r := range z.ns {
		if i == 0 {
			z.NSTTL = r.ttl()
		}
		z.sameTTL(r, z.NSTTL)
		z.NS = z.appendName(z.NS, r, r.RR.(*dns.NS).Ns)
	}
}

func (z *zone) unsupported(r record) {
	hint := ""
	if strings.HasPrefix(r.owner(), "*.") {
		hint = "a block's fallback can name all addresses that have no other name"
	}
	z.report(r.pos, FindingUnsupported, hint, "a source has no word for this %s at %q", r.kind(), r.owner())
}

// hidden reports a record whose owner is at or below a delegation, if it is.
func (z *zone) hidden(r record) bool {
	cut := z.cutAbove(r.owner())
	if cut != "" {
		z.report(r.pos, FindingHidden, "", "the %s at %q is not served: %q is delegated", r.kind(), r.owner(), cut)
	}
	return cut != ""
}

// cutAbove returns the highest delegation that owner, a name of the zone, is at or below; "" if there is none.
func (z *zone) cutAbove(owner string) (highest string) {
	if len(z.cuts) == 0 {
		return ""
	}
	for name := owner; name != z.Name; _, name, _ = strings.Cut(name, ".") {
		if c := z.cuts[name]; c != nil && len(c.ns) > 0 {
			highest = name
		}
	}
	return highest
}

func (z *zone) addCuts(aliases map[string][]netip.Addr) {
	for _, r := range z.addresses {
		owner := z.cutAbove(r.owner())
		if owner == "" {
			z.unsupported(r)
			continue
		}
		c := z.cuts[owner]
		named := func(ns record) bool { return strings.EqualFold(ns.RR.(*dns.NS).Ns, r.owner()) }
		if slices.ContainsFunc(c.ns, named) {
			c.glue = append(c.glue, r)
		} else {
			z.hidden(r)
		}
	}
	for owner, c := range z.cuts {
		switch above := z.cutAbove(owner); {
		case above == "": // no NS records
			for _, r := range c.ds {
				z.unsupported(r)
			}
		case above != owner:
			for _, r := range slices.Concat(c.ns, c.ds) {
				z.hidden(r)
			}
		default:
			z.addCut(owner, c, aliases[owner])
		}
	}
	slices.SortFunc(z.Cuts, func(a, b Cut) int {
		return cmp.Or(comparePrefixes(a.Prefix, b.Prefix), cmp.Compare(a.Owner, b.Owner))
	})
}

func (z *zone) addCut(owner string, c *cut, aliases []netip.Addr) {
	d := Cut{Owner: owner, TTL: c.ns[0].ttl(), Pos: c.ns[0].pos}
	for _, r := range c.ns {
		z.sameTTL(r, d.TTL)
		d.NS = z.appendName(d.NS, r, r.RR.(*dns.NS).Ns)
	}
	for i, r := range c.ds {
		if i == 0 {
			d.DSTTL = r.ttl()
		}
		z.sameTTL(r, d.DSTTL)
		rr := r.RR.(*dns.DS)
		digest, err := hex.DecodeString(rr.Digest)
		if err != nil {
			z.report(r.pos, FindingSyntax, "", "the digest of the DS record is not hexadecimal")
			continue
		}
		ds := source.DS{
			KeyTag: rr.KeyTag, Algorithm: rr.Algorithm, DigestType: rr.DigestType, Digest: digest, Pos: r.pos,
		}
		same := func(o source.DS) bool {
			return o.KeyTag == ds.KeyTag && o.Algorithm == ds.Algorithm && o.DigestType == ds.DigestType &&
				string(o.Digest) == string(ds.Digest)
		}
		if !slices.ContainsFunc(d.DS, same) {
			d.DS = append(d.DS, ds)
		}
	}
	for i, r := range c.glue {
		if i == 0 {
			d.GlueTTL = r.ttl()
		}
		z.sameTTL(r, d.GlueTTL)
		d.Glue = z.appendGlue(d.Glue, r)
	}
	if addr, ok := z.addr(owner); ok {
		d.Prefix = netip.PrefixFrom(addr, addr.BitLen())
	} else if p, form := arpa.Parse(owner); form == arpa.Partial {
		d.Prefix = p
	} else if d.Prefix, ok = classless(owner, aliases); !ok {
		z.report(d.Pos, FindingClassless, "", "nothing tells which addresses the delegation of %q is for", owner)
		return
	}
	z.Cuts = append(z.Cuts, d)
}

// appendGlue adds the address of a name server, if it is not there.
func (z *zone) appendGlue(list []source.Glue, r record) []source.Glue {
	addr, ok := z.addressOf(r)
	if !ok {
		z.report(r.pos, FindingAddress, "", "the %s has an IPv4 address written as IPv6", r.kind())
		return list
	}
	i := slices.IndexFunc(list, func(g source.Glue) bool { return g.Name.Value == r.owner() })
	if i < 0 {
		if _, ok := z.name(r, r.owner()); !ok {
			return list
		}
		i = len(list)
		list = append(list, source.Glue{Name: source.Name{Value: r.owner(), Pos: r.pos}})
	}
	if !slices.ContainsFunc(list[i].Addrs, func(a source.Addr) bool { return a.Addr == addr }) {
		list[i].Addrs = append(list[i].Addrs, source.Addr{Addr: addr, Pos: r.pos})
	}
	return list
}

// addressOf returns the address of an A or AAAA record. It is false for an IPv4-mapped one.
func (z *zone) addressOf(r record) (netip.Addr, bool) {
	var addr netip.Addr
	switch rr := r.RR.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(rr.AAAA.To16())
	}
	return addr, addr.IsValid() && !addr.Is4In6()
}

func (z *zone) addAliases() {
	for _, r := range z.cnames {
		if addr, ok := z.addressed(r); ok {
			if target, ok := z.name(r, r.RR.(*dns.CNAME).Target); ok {
				z.Aliases = append(z.Aliases, Alias{Addr: addr, Target: target, TTL: r.ttl(), Pos: r.pos})
			}
		}
	}
	slices.SortStableFunc(z.Aliases, func(a, b Alias) int { return a.Addr.Compare(b.Addr) })
	kept := z.Aliases[:0]
	for _, a := range z.Aliases {
		if len(kept) == 0 || kept[len(kept)-1].Addr != a.Addr {
			kept = append(kept, a)
		} else if first := kept[len(kept)-1].Target; first != a.Target {
			z.report(a.Pos, FindingConflict, "keep one of the two", "%s has another CNAME record, to %q", a.Addr, first)
		}
	}
	z.Aliases = kept
}

// addressed returns the address that the owner of a PTR or CNAME record stands for, or reports the record.
func (z *zone) addressed(r record) (netip.Addr, bool) {
	if z.hidden(r) {
		return netip.Addr{}, false
	}
	addr, ok := z.addr(r.owner())
	switch {
	case ok:
	case strings.HasPrefix(r.owner(), "*."):
		z.unsupported(r)
	case z.classless:
		z.report(r.pos, FindingOutsideAddress, "", "%q stands for no address of %s", r.owner(), z.Prefix)
	default:
		hint := ""
		if strings.HasSuffix(strings.TrimSuffix(r.owner(), "."+z.Name), ".arpa") {
			hint = "end it with a dot: without one it is relative"
		}
		z.report(r.pos, FindingOutsideAddress, hint, "%q is not the reverse name of an address", r.owner())
	}
	return addr, ok
}

func (z *zone) addPTRs() {
	z.PTRs = make([]PTR, 0, len(z.ptrs))
	for _, r := range z.ptrs {
		addr, ok := z.addressed(r)
		if !ok {
			continue
		}
		if i, ok := slices.BinarySearchFunc(z.Aliases, addr, func(a Alias, addr netip.Addr) int {
			return a.Addr.Compare(addr)
		}); ok {
			z.report(r.pos, FindingConflict, "keep one of the two", "%s has a CNAME record, to %q: it can have no other",
				addr, z.Aliases[i].Target)
			continue
		}
		if name, ok := z.name(r, r.RR.(*dns.PTR).Ptr); ok {
			z.PTRs = append(z.PTRs, PTR{Addr: addr, Name: name, TTL: r.ttl(), Pos: r.pos})
		}
	}
	slices.SortStableFunc(z.PTRs, func(a, b PTR) int { return a.Addr.Compare(b.Addr) })
	kept, first := z.PTRs[:0], 0 // of the address
	for _, p := range z.PTRs {
		if len(kept) == 0 || kept[first].Addr != p.Addr {
			first = len(kept)
		}
		if slices.ContainsFunc(kept[first:], func(o PTR) bool { return o.Name == p.Name }) {
			continue
		}
		if len(kept) > first && kept[first].TTL != p.TTL {
			z.warn(p.Pos, FindingTTL, "", "the PTR record has the TTL %d, the first of its set %d: all get that one",
				p.TTL, kept[first].TTL)
			p.TTL = kept[first].TTL
		}
		kept = append(kept, p)
	}
	z.PTRs = kept
}

// forward returns the address records of a forward zone.
func (z *zone) forward() (list []AddressRecord) {
	for _, r := range z.addresses {
		if addr, ok := z.addressOf(r); ok && hostname.Check(r.owner()) == nil { // not a wildcard
			list = append(list, AddressRecord{Name: r.owner(), Addr: addr, Pos: r.pos})
		}
	}
	return list
}

// comparePrefixes orders by address, a prefix before those that it contains.
func comparePrefixes(p, q netip.Prefix) int {
	return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
}
