package authority_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/snapshot"
)

// An inventory makes random content of all shapes that a snapshot can have.
type inventory struct {
	*rand.Rand
	content
}

// randomContent returns content that breaks no rule of the format.
func randomContent(rnd *rand.Rand) content {
	for {
		c := anyContent(rnd)
		if _, err := snapshot.NewBuilder("", c.zones); err == nil {
			return c
		}
	}
}

func anyContent(rnd *rand.Rand) content {
	v := inventory{rnd, content{hosts: make(map[string][]string)}}
	for _, block := range []struct{ name, prefix string }{
		{"2.0.192.in-addr.arpa.", "192.0.2.0/24"},
		{"18.198.in-addr.arpa.", "198.18.0.0/16"},
		{"64-26.100.51.198.in-addr.arpa.", "198.51.100.64/26"},
		{"128/25.100.51.198.in-addr.arpa.", "198.51.100.128/25"},
		{"7.19.198.in-addr.arpa.", "198.19.7.0/30"}, // a parent may choose any name
		{"block.customer.example.", "203.0.113.0/28"},
		{"77.113.0.203.in-addr.arpa.", "203.0.113.77/32"},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32"},
		{arpa.ZoneName(netip.MustParsePrefix("3fff::ab00/120")), "3fff::ab00/120"},
		{arpa.ZoneName(netip.MustParsePrefix("3fff::1/128")), "3fff::1/128"},
	} {
		p := netip.MustParsePrefix(block.prefix)
		if v.oneIn(2) && (p.Addr().Is4() || v.oneIn(2)) { // else most forward zones are endless
			v.addReverse(block.name, p, "")
		}
	}
	for _, name := range []string{"host.example.", "static.example."} {
		if !v.oneIn(3) {
			v.addForward(name)
		}
	}
	if v.oneIn(2) {
		v.zones = append(v.zones, v.zone(snapshot.Catalog, "catalog.example."))
	}
	return v.content
}

func (v *inventory) oneIn(n int) bool { return v.IntN(n) == 0 }

// zone returns a zone with random times.
func (v *inventory) zone(kind snapshot.ZoneKind, name string) snapshot.Zone {
	z := zone(kind, name)
	z.TTL, z.SOA.Minimum = v.Uint32N(5000), v.Uint32N(5000)
	return z
}

// addReverse adds a reverse zone, and for some of its delegations the child. around is the fallback of the zone that it
// lies in.
func (v *inventory) addReverse(name string, p netip.Prefix, around string) {
	z := v.zone(snapshot.Reverse, name)
	z.Prefix = p
	fallbacks := []string{
		"{ip}.host.example.", "{ip}.pool.host.example.", "{ip}.six.host.example.", "x.{ip}.y.host.example.",
		"{ip}.elsewhere.example.", "{rev}.static.example.",
	}
	if p.Addr().Is4() {
		fallbacks = append(fallbacks, "{a}-{b}-{c}-{d}.host.example.", // the same as {ip}
			"{a:03}-{b:03}-{c:03}-{d:03}.host.example.", "{d}.{c}.{b}.{a}.pool.host.example.")
	}
	switch {
	case around != "" && v.oneIn(2):
		z.Fallback = around
	case p.Bits() > 16 && v.oneIn(2): // the oracle is slow
		z.Fallback = fallbacks[v.IntN(len(fallbacks))]
	}
	for range v.IntN(8) {
		if d, ok := v.delegation(&z); ok {
			z.Delegations = append(z.Delegations, d)
		}
	}
	slices.SortFunc(z.Delegations, func(d, e snapshot.Delegation) int { return d.Prefix.Addr().Compare(e.Prefix.Addr()) })
	v.zones = append(v.zones, z)
	for a := range v.addresses(p) {
		if z.Delegation(a) == nil {
			v.entries = append(v.entries, v.entry(a))
		}
	}
}

// delegation returns a delegation of some part of z that is not delegated yet, and may add the child.
func (v *inventory) delegation(z *snapshot.Zone) (d snapshot.Delegation, ok bool) {
	size := z.Prefix.Addr().BitLen()
	if z.Prefix.Bits() == size {
		return d, false
	}
	d.Prefix, _ = v.address(z.Prefix).Prefix(z.Prefix.Bits() + 1 + v.IntN(size-z.Prefix.Bits()))
	if slices.ContainsFunc(z.Delegations, func(e snapshot.Delegation) bool { return e.Prefix.Overlaps(d.Prefix) }) {
		return d, false
	}
	bits, is4 := d.Prefix.Bits(), size == 32
	ours := v.oneIn(2) // the child
	switch {
	case bits == size && (v.oneIn(2) || !is4 || z.Classless()):
		d.Name = z.Owner(d.Prefix.Addr())
	case !is4 && bits%4 == 0, is4 && bits == 24 && !z.Classless():
		d.Name = arpa.ZoneName(d.Prefix)
	case is4 && bits > 24 && !z.Classless():
		first := d.Prefix.Addr().As4()
		around, _ := d.Prefix.Addr().Prefix(24)
		parents := []string{
			arpa.ZoneName(around), "sub." + arpa.ZoneName(around), "rev.example.", "host.example.", "1.18.198.in-addr.arpa.",
		}
		i := v.IntN(len(parents))
		d.Name = fmt.Sprintf("%d-%d-%d.%s", first[2], first[3], bits, parents[i])
		ours = ours && i < 3
	default:
		return d, false
	}
	if strings.HasSuffix(d.Name, "."+z.Name) {
		v.addServers(&d, z.Name)
	}
	switch {
	case !ours:
	case bits == 24 && v.oneIn(3): // there is a zone between that is not ours
		a := d.Prefix.Addr()
		v.addReverse("0-26."+d.Name, netip.PrefixFrom(a, 26), z.Fallback)
	default:
		v.addReverse(d.Name, d.Prefix, z.Fallback)
	}
	return d, true
}

// addServers gives d what a zone cut has.
func (v *inventory) addServers(d *snapshot.Delegation, parent string) {
	for _, ns := range []string{
		"192-0-2-9.host.example.", "db.rack.host.example.", "host.example.", "ns." + parent, "ns.example.net.",
	} {
		if v.oneIn(3) {
			d.NS = append(d.NS, ns)
		}
	}
	for _, ns := range []string{d.Name, "ns." + d.Name} {
		if v.oneIn(3) || len(d.NS) == 0 {
			d.NS = append(d.NS, ns)
			if v.oneIn(2) {
				d.Glue = append(d.Glue, snapshot.Glue{Name: ns, Addr: netip.MustParseAddr("192.0.2.53")})
			}
			if v.oneIn(2) {
				d.Glue = append(d.Glue, snapshot.Glue{Name: ns, Addr: netip.MustParseAddr("2001:db8::53")})
			}
		}
	}
	for i := range v.IntN(3) {
		digest := []string{"\x01\xff", "\x02"}[v.IntN(2)]
		d.DS = append(d.DS, snapshot.DS{KeyTag: uint16(i), Algorithm: 13, DigestType: 2, Digest: digest})
	}
	slices.Sort(d.NS)
}

// addForward adds a forward zone with hosts. Some have the names that fallbacks make, or are below or above such names.
func (v *inventory) addForward(apex string) {
	v.zones = append(v.zones, v.zone(snapshot.Forward, apex))
	for _, name := range []string{
		"", "web.", "db.rack.", "a.b.c.", "b.c.", "pool.", "x.pool.", "y.",
		"192-0-2-9.", "192-0-2-1.", "192-0-2-9.pool.", "x.192-0-2-7.", "192-0-2-8.y.", "192-000-002-003.", "2.0.192.pool.",
		"3fff-0000-0000-0000-0000-0000-0000-ab01.six.", "7.2.0.192.", "192.",
	} {
		if v.oneIn(2) {
			v.hosts[name+apex] = v.hostAddresses()
		}
	}
}

func (v *inventory) hostAddresses() (addrs []string) {
	all := []string{"192.0.2.9", "192.0.2.1", "192.0.2.3", "198.18.0.1", "2001:db8::1", "3fff::ab01"}
	v.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+v.IntN(3)]
}

func (v *inventory) entry(a netip.Addr) entry {
	e := entry{a.String(), snapshot.Kind(1 + v.IntN(2)), v.Uint32N(5000), nil}
	for i := range 1 + v.IntN(2) {
		e.names = append(e.names, fmt.Sprintf("%d.%d.example.org.", i, v.IntN(3)))
	}
	return e
}

// address returns an address of p that differs from the first one in few bits.
func (v *inventory) address(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	if free := 8*len(b) - p.Bits(); free > 0 {
		for range v.IntN(4) {
			bit := 8*len(b) - 1 - v.IntN(free)
			b[bit/8] ^= 0x80 >> (bit % 8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// addresses returns some addresses of p.
func (v *inventory) addresses(p netip.Prefix) map[netip.Addr]bool {
	set := make(map[netip.Addr]bool)
	for range v.IntN(12) {
		set[v.address(p)] = true
	}
	return set
}

// changed returns content that differs from c in a few places, and breaks no rule of the format either.
func changed(rnd *rand.Rand, c content) content {
	for {
		d := anyChange(rnd, c)
		if _, err := snapshot.NewBuilder("", d.zones); err == nil {
			return d
		}
	}
}

func anyChange(rnd *rand.Rand, c content) content {
	c = content{slices.Clone(c.zones), slices.Clone(c.entries), maps.Clone(c.hosts)}
	v := inventory{rnd, c}
	for range 1 + v.IntN(3) {
		z := &v.zones[v.IntN(len(v.zones))]
		switch v.IntN(12) {
		case 0:
			z.Serial++
		case 1:
			z.SOA.Refresh++
		case 2:
			z.TTL++
		case 3:
			if z.Kind != snapshot.Catalog {
				z.NS = []string{"ns2.example.net.", "ns3.example.net."}
			}
		case 4:
			if z.Fallback != "" {
				z.Fallback = "{ip}.pool.host.example."
			}
		case 5:
			z.Fallback = ""
		case 6, 7:
			if len(z.Delegations) > 0 {
				v.changeDelegation(z)
			}
		case 8:
			if len(v.entries) > 0 {
				e := &v.entries[v.IntN(len(v.entries))]
				*e = v.entry(netip.MustParseAddr(e.addr))
			}
		case 9:
			if len(v.entries) > 0 {
				i := v.IntN(len(v.entries))
				v.entries = slices.Delete(v.entries, i, i+1)
			}
		case 10, 11:
			for _, name := range slices.Sorted(maps.Keys(v.hosts)) {
				switch v.IntN(6) {
				case 0:
					delete(v.hosts, name)
				case 1:
					v.hosts[name] = v.hostAddresses()
				}
			}
		}
	}
	return v.content
}

// changeDelegation takes something from one of z's delegations, or one of them.
func (v *inventory) changeDelegation(z *snapshot.Zone) {
	z.Delegations = slices.Clone(z.Delegations)
	i := v.IntN(len(z.Delegations))
	d := &z.Delegations[i]
	switch v.IntN(4) {
	case 0:
		d.DS = nil
	case 1:
		d.Glue = nil
	case 2:
		if len(d.NS) > 1 && len(d.Glue) == 0 {
			d.NS = d.NS[1:]
		}
	case 3:
		z.Delegations = slices.Delete(z.Delegations, i, i+1)
	}
}
