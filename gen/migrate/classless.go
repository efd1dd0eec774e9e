package migrate

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// aliases returns the addresses of all CNAME records at the names of addresses, by the name above their target. The
// target's first label is the last octet of the address, as RFC 2317 has it.
func aliases(zones []*zone) map[string][]netip.Addr {
	m := make(map[string][]netip.Addr)
	for _, z := range zones {
		for _, r := range z.cnames {
			p, form := arpa.Parse(r.owner())
			label, above, _ := strings.Cut(hostname.Absolute(r.RR.(*dns.CNAME).Target), ".")
			if form == arpa.Complete && p.Addr().Is4() && label == strconv.Itoa(int(p.Addr().As4()[3])) {
				m[above] = append(m[above], p.Addr())
			}
		}
	}
	return m
}

// place finds out which addresses z is for, if it is a reverse zone. aliases are those whose aliases lead into it.
func (z *zone) place(aliases []netip.Addr) {
	p, form := arpa.Parse(z.Name)
	around, inside := octets(z.Name)
	z.reverse = form != arpa.Outside || len(aliases) > 0 || slices.ContainsFunc(z.ptrs, func(r record) bool {
		_, ok := octet(r.owner(), z.Name)
		return ok
	})
	switch {
	case form == arpa.Partial || form == arpa.Complete:
		z.Prefix = p
		return
	case !z.reverse:
		return
	case hostname.Check(z.Name) != nil:
		z.report(z.Pos, FindingName, "", "the zone has a name that a source cannot hold, %q", z.Name)
		return
	case !inside && len(aliases) > 0:
		around = netip.PrefixFrom(aliases[0], 24)
	case !inside:
		z.report(z.Pos, FindingClassless, parentHint, "nothing tells which addresses the zone %q is for", z.Name)
		return
	}
	z.classless = true
	addrs := slices.Clone(aliases)
	for _, r := range z.ptrs {
		if n, ok := octet(r.owner(), z.Name); ok {
			addrs = append(addrs, withOctet(around.Addr(), n))
		}
	}
	var ok bool
	switch z.Prefix, ok = classless(z.Name, addrs); {
	case !ok:
		z.report(z.Pos, FindingClassless, parentHint, "nothing tells which addresses the zone %q is for", z.Name)
	case len(aliases) == 0 && len(said(z.Name)) == 0:
		z.warn(z.Pos, FindingClassless, parentHint,
			"the zone %q is taken for that of %s, the smallest prefix with all addresses that have names", z.Name, z.Prefix)
	}
}

// parentHint is how to tell what a classless zone is for.
const parentHint = "read the zone around it, too, whose aliases tell"

// classless returns the addresses that a zone of RFC 2317 is for: those that its first label says, in one of the forms
// that are common, else the smallest prefix that has all of addrs. The label is believed even if it does not fit to
// addrs. The prefix is one of IPv4, longer than /24; there may be none.
func classless(name string, addrs []netip.Addr) (netip.Prefix, bool) {
	if said := said(name); len(said) > 0 {
		i := slices.IndexFunc(said, func(p netip.Prefix) bool {
			return !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !p.Contains(a) })
		})
		return said[max(0, i)], true
	}
	p, ok := cover(addrs)
	return p, ok && p.Addr().Is4() && p.Bits() > 24
}

// octets returns the /24 in whose reverse zone name lies.
func octets(name string) (netip.Prefix, bool) {
	for name != "" {
		_, name, _ = strings.Cut(name, ".")
		if p, form := arpa.Parse(name); form == arpa.Partial {
			return p, p.Addr().Is4() && p.Bits() == 24
		}
	}
	return netip.Prefix{}, false
}

// said returns what the first label of a classless zone can mean: "64/26" and "64-26" are the first address and the
// length, "64-127" are the first and the last address. In "0-31" the last number is most likely an address, in "0/31" a
// length; what is less likely comes second.
func said(name string) (prefixes []netip.Prefix) {
	around, ok := octets(name)
	label, _, _ := strings.Cut(name, ".")
	i := strings.IndexAny(label, "/-_")
	if !ok || i < 0 {
		return nil
	}
	first, err := strconv.ParseUint(label[:i], 10, 8)
	second, err2 := strconv.ParseUint(label[i+1:], 10, 8)
	if err != nil || err2 != nil {
		return nil
	}
	begin := withOctet(around.Addr(), byte(first))
	if second > first {
		last := withOctet(around.Addr(), byte(second))
		if p, _ := cover([]netip.Addr{begin, last}); p.Addr() == begin && arpa.Last(p) == last && p.Bits() > 24 {
			prefixes = append(prefixes, p)
		}
	}
	if p := netip.PrefixFrom(begin, int(second)); second > 24 && second <= 32 && p == p.Masked() {
		prefixes = append(prefixes, p)
	}
	if label[i] == '/' {
		slices.Reverse(prefixes)
	}
	return prefixes
}

// cover returns the smallest prefix that has all of addrs, which are of one family. There is none without any.
func cover(addrs []netip.Addr) (netip.Prefix, bool) {
	if len(addrs) == 0 {
		return netip.Prefix{}, false
	}
	first, last := slices.MinFunc(addrs, netip.Addr.Compare), slices.MaxFunc(addrs, netip.Addr.Compare)
	for bits := first.BitLen(); ; bits-- {
		if p := netip.PrefixFrom(first, bits).Masked(); p.Contains(last) {
			return p, true
		}
	}
}
