package migrate

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
)

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

// said returns what the first label of a classless zone can mean: "64/26" and "64-26" are the first address and the length,
// "64-127" are the first and the last address. "0-31" could be both; the range comes first.
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
	return prefixes
}

// cover returns the smallest prefix that has all of addrs, which are of one family. There is none without any.
func cover(addrs []netip.Addr) (netip.Prefix, bool) {
	if len(addrs) == 0 {
		return netip.Prefix{}, false
	}
	first, last := slices.MinFunc(addrs, netip.Addr.Compare), slices.MaxFunc(addrs, netip.Addr.Compare)
	bits := first.BitLen()
	for {
		p := netip.PrefixFrom(first, bits).Masked()
		if p.Contains(last) || bits == 0 {
			return p, p.Contains(last)
		}
		bits--
	}
}
