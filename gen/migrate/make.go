package migrate

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// The ids of the findings of Make, and of what is done with the source that it makes.
const (
	// FindingBlock: nothing tells which block an address of a table or hosts file lies in, so one was assumed.
	FindingBlock = "import-block"
	// FindingProduct: nothing tells the template of a product that a table names.
	FindingProduct = "import-product"
	// FindingRule: the names break a rule of gen/lint, so the source makes it a warning.
	FindingRule = "import-rule"
	// FindingSerial: the serial of a zone is later than the one that a new snapshot begins with.
	FindingSerial = "import-serial"
)

// Options are what Data does not say.
type Options struct {
	Infer       bool             // make products and fallbacks out of what names have in common
	Products    []source.Product // those that are known, with their templates
	Blocks      []netip.Prefix   // for addresses that no zone of the Data holds
	Nameservers []source.Name    // at least one if the Data has no zones
	Contact     source.Name      // as in an SOA record; not empty if the Data has no zones
}

// Make makes a source out of d. Whatever d says is in it if a source can say it; Compare finds what is not. Positions
// are those of d, so that what is wrong with the source is found where it comes from. The findings are sorted.
func Make(d *Data, o Options) (*source.Source, diag.List) {
	m := &maker{
		Data: d, Options: o, byAddr: make(map[netip.Addr]int), targets: make(map[target]bool),
		inferred: make(map[string]inferred), forward: make(map[AddressRecord]bool),
	}
	for _, r := range d.Forward {
		m.forward[AddressRecord{Name: r.Name, Addr: r.Addr}] = true
	}
	m.s.Products = slices.Clone(o.Products)
	m.addDefaults()
	m.addZones()
	m.addHosts()
	m.addBlocks()
	m.dropDelegated()
	m.addServers()
	return &m.s, m.findings.Sort()
}

// A maker makes a source.
type maker struct {
	*Data
	Options
	s        source.Source
	kept     []keptZone
	hosts    []host
	byAddr   map[netip.Addr]int     // indexes in hosts
	inv      *model.Inventory       // of the blocks
	forward  map[AddressRecord]bool // those of Data without positions
	targets  map[target]bool        // of delegations that are made
	known    []source.Product       // all but the inferred ones
	inferred map[string]inferred    // by domain
	findings diag.List
}

// A keptZone is a zone that the source can have beside the others.
type keptZone struct {
	*Zone
	delegations []source.Delegation // by prefix
}

// A host is an address with all that is known of it.
type host struct {
	addr  source.Addr
	names []source.Name
	ttl   source.Seconds // invalid if it is that of the zone
	entry *Entry         // of a table; nil if none has the address
	zone  *Zone          // where the names come from, nil if from an entry
}

func (m *maker) report(severity diag.Severity, pos diag.Position, rule, hint, format string, args ...any) {
	m.findings = append(m.findings, diag.Diagnostic{
		Pos: pos, Severity: severity, Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// addDefaults makes the defaults what most zones with names have.
func (m *maker) addDefaults() {
	m.s.Defaults = source.StandardDefaults()
	d := &m.s.Defaults
	d.Nameservers = m.Nameservers
	d.SOA.Contact = m.Contact
	if len(m.Nameservers) > 0 {
		d.SOA.Primary = m.Nameservers[0]
	}
	if len(m.Zones) == 0 {
		return
	}
	var soas, nameservers, ttls poll
	empty := func(z Zone) bool { return len(z.PTRs)+len(z.Cuts)+len(z.Aliases) == 0 }
	onlyEmpty := !slices.ContainsFunc(m.Zones, func(z Zone) bool { return !empty(z) })
	for i, z := range m.Zones {
		if empty(z) && !onlyEmpty { // such as the many that Debian has for RFC 1918, whose SOA is that of localhost
			continue
		}
		soa := z.SOA
		soas.vote(fmt.Sprint(soa.Primary, soa.Contact, soa.Refresh, soa.Retry, soa.Expire, soa.Minimum), i)
		if len(z.NS) > 0 {
			nameservers.vote(fmt.Sprint(nameserverNames(z.NS)), i)
		}
		for _, p := range z.PTRs {
			ttls.vote(strconv.Itoa(int(p.TTL)), int(p.TTL))
		}
		ttls.vote(strconv.Itoa(int(soa.TTL)), int(soa.TTL))
	}
	_, most := soas.leader()
	z := m.Zones[most]
	_, ns := nameservers.leader()
	_, ttl := ttls.leader()
	seconds := func(v uint32) source.Seconds { return source.Seconds{Value: min(v, math.MaxInt32), Pos: z.SOA.Pos} }
	d.TTL = seconds(uint32(ttl))
	d.Nameservers = slices.DeleteFunc(slices.Clone(m.Zones[ns].NS), unfit)
	d.SOA = source.SOA{
		Pos:     z.SOA.Pos,
		Primary: source.Name{Value: z.SOA.Primary, Pos: z.SOA.Pos},
		Contact: source.Name{Value: z.SOA.Contact, Pos: z.SOA.Pos},
		Refresh: seconds(z.SOA.Refresh), Retry: seconds(z.SOA.Retry), Expire: seconds(z.SOA.Expire),
		NegativeTTL: seconds(z.SOA.Minimum),
	}
	// What cannot be said gives way to what is likely; Compare tells.
	if len(d.Nameservers) == 0 && !unfit(d.SOA.Primary) {
		d.Nameservers = []source.Name{d.SOA.Primary}
	} else if len(d.Nameservers) == 0 {
		d.Nameservers = []source.Name{{Value: "invalid.", Pos: z.SOA.Pos}} // RFC 6761 section 6.4
	}
	if unfit(d.SOA.Primary) {
		d.SOA.Primary = d.Nameservers[0]
	}
	for _, contact := range []string{"hostmaster." + d.SOA.Primary.Value, "hostmaster.invalid."} {
		if unfit(d.SOA.Contact) {
			d.SOA.Contact.Value = contact
		}
	}
}

// unfit reports whether a source cannot say n where it wants the name of a host.
func unfit(n source.Name) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(n.Value, "."))
	return err == nil || strings.Contains(n.Value, "/") || hostname.Check(n.Value) != nil
}

// nameserverNames returns the sorted names of list.
func nameserverNames(list []source.Name) []string {
	names := make([]string, len(list))
	for i, n := range list {
		names[i] = n.Value
	}
	slices.Sort(names)
	return names
}

// A poll finds what most have.
type poll struct {
	votes  map[string]int
	keys   []string // in the order of their first votes
	values []int
}

// vote counts a vote for key, which stands for value.
func (p *poll) vote(key string, value int) {
	if p.votes == nil {
		p.votes = make(map[string]int)
	}
	if p.votes[key]++; p.votes[key] == 1 {
		p.keys, p.values = append(p.keys, key), append(p.values, value)
	}
}

// leader returns the key with the most votes, of several the first, and its value; "" if there are no votes.
func (p *poll) leader() (string, int) {
	if len(p.keys) == 0 {
		return "", 0
	}
	best := 0
	for i, key := range p.keys {
		if p.votes[key] > p.votes[p.keys[best]] {
			best = i
		}
	}
	return p.keys[best], p.values[best]
}

// addHosts gathers the addresses. Of two zones that hold one, the smaller is asked for its names.
func (m *maker) addHosts() {
	for _, k := range m.kept { // a zone comes before those inside it
		z := k.Zone
		for _, p := range z.PTRs {
			n := source.Name{Value: p.Name, Pos: p.Pos}
			if unfit(n) {
				continue
			}
			h := m.host(p.Addr, p.Pos)
			if h.zone != z {
				*h = host{addr: h.addr, zone: z}
			}
			h.names = append(h.names, n)
			if p.TTL != m.s.Defaults.TTL.Value {
				h.ttl = source.Seconds{Value: p.TTL, Pos: p.Pos}
			}
		}
	}
	for _, e := range m.Entries {
		h := m.host(e.Addr, e.Pos)
		if h.entry != nil {
			h.entry.Server = cmp.Or(h.entry.Server, e.Server)
			h.entry.Product = cmp.Or(h.entry.Product, e.Product)
			h.entry.Account = cmp.Or(h.entry.Account, e.Account)
			h.entry.Primary = h.entry.Primary || e.Primary
		} else {
			h.entry = &e
		}
		n := source.Name{Value: e.Name, Pos: e.Pos}
		known := slices.ContainsFunc(h.names, func(o source.Name) bool { return o.Value == e.Name })
		switch {
		case e.Name == "" || known:
		case h.zone != nil:
			m.report(diag.Warning, e.Pos, FindingConflict, "",
				"%s has the name %q here, and %q in its zone, which is kept", e.Addr, e.Name, h.names[0].Value)
		case unfit(n):
			m.report(diag.Error, e.Pos, FindingName, "", "a source cannot hold the name %q", e.Name)
		default:
			h.names = append(h.names, n)
			if e.TTL.Pos.IsValid() && e.TTL.Value != m.s.Defaults.TTL.Value {
				h.ttl = e.TTL
			}
		}
	}
	slices.SortFunc(m.hosts, func(a, b host) int { return a.addr.Compare(b.addr.Addr) })
	for i := range m.hosts {
		m.byAddr[m.hosts[i].addr.Addr] = i
	}
}

// host returns the host with an address, which is made if need be. It is valid until the next call.
func (m *maker) host(addr netip.Addr, pos diag.Position) *host {
	i, ok := m.byAddr[addr]
	if !ok {
		i = len(m.hosts)
		m.hosts = append(m.hosts, host{addr: source.Addr{Addr: addr, Pos: pos}})
		m.byAddr[addr] = i
	}
	return &m.hosts[i]
}

// addZones finds out which zones the source can have: all, but for those inside another one that cannot delegate them.
func (m *maker) addZones() {
	byName := make(map[string]*Zone)
	inside := make(map[*Zone][]*Zone) // by the smallest zone around them
	lost := make(map[*Zone]bool)
	var around []*Zone
	for i := range m.Zones {
		z := &m.Zones[i]
		for len(around) > 0 && !contains(around[len(around)-1].Prefix, z.Prefix) {
			around = around[:len(around)-1]
		}
		if n := len(around); n > 0 && around[n-1].Prefix == z.Prefix {
			lost[z] = true
			continue
		} else if n > 0 {
			inside[around[n-1]] = append(inside[around[n-1]], z)
		}
		byName[z.Name] = z
		around = append(around, z)
	}
	for i := range m.Zones {
		k := keptZone{Zone: &m.Zones[i]}
		if !lost[k.Zone] {
			k.delegations = m.delegations(k.Zone, byName, inside[k.Zone])
			m.kept = append(m.kept, k)
		}
		for _, c := range inside[k.Zone] {
			lost[c] = !slices.ContainsFunc(k.delegations, func(d source.Delegation) bool {
				return d.Prefix.Prefix == c.Prefix && cmp.Or(d.Zone.Value, natural(k.Zone, c.Prefix)) == c.Name
			})
		}
	}
}

// addBlocks makes blocks of the zones. Those side by side that are alike become one.
func (m *maker) addBlocks() {
	blocks := make([]source.Block, len(m.kept))
	for i, k := range m.kept {
		b := &blocks[i]
		b.Prefix = source.Prefix{Prefix: k.Prefix, Pos: k.Pos}
		if model.IsClassless(k.Prefix) {
			b.Zone = source.Name{Value: k.Name, Pos: k.Pos}
		}
		b.Delegations = k.delegations
		if m.Infer {
			b.Fallback = m.inferFallback(k)
		}
	}
	m.s.Blocks = join(blocks)
	m.assumeBlocks()
	m.inv = model.Build(&m.s)
}

// A target is what an alias that leads out of our zones leads to.
type target struct {
	zone  string
	octet byte
}

// contains reports whether q lies in p.
func contains(p, q netip.Prefix) bool { return p.Bits() <= q.Bits() && p.Contains(q.Addr()) }

// join makes one block of any two that are the halves of a larger one with the same zones and are otherwise alike.
func join(blocks []source.Block) []source.Block {
	type kind struct {
		bits     int // of the zones
		v4       bool
		fallback string
	}
	stacks := make(map[kind][]source.Block)
	var kinds []kind
	for _, b := range blocks {
		k := kind{bits: b.Prefix.Bits(), v4: b.Prefix.Addr().Is4()}
		if b.Fallback.T != nil {
			k.fallback = b.Fallback.T.String()
		}
		if stacks[k] == nil {
			kinds = append(kinds, k)
		}
		label := 4
		if k.v4 {
			label = 8
		}
		stack := append(stacks[k], b)
		for n := len(stack); n > 1 && !model.IsClassless(b.Prefix.Prefix); n = len(stack) {
			first, second := &stack[n-2], &stack[n-1]
			larger := netip.PrefixFrom(first.Prefix.Addr(), first.Prefix.Bits()-1).Masked()
			if first.Prefix.Bits() != second.Prefix.Bits() || larger.Addr() != first.Prefix.Addr() ||
				!larger.Contains(second.Prefix.Addr()) || larger.Bits() <= k.bits-label {
				break
			}
			first.Prefix.Prefix = larger
			first.Delegations = append(first.Delegations, second.Delegations...)
			stack = stack[:n-1]
		}
		stacks[k] = stack
	}
	blocks = nil
	for _, k := range kinds {
		blocks = append(blocks, stacks[k]...)
	}
	slices.SortFunc(blocks, func(a, b source.Block) int { return comparePrefixes(a.Prefix.Prefix, b.Prefix.Prefix) })
	return blocks
}

// assumeBlocks adds the blocks of the Options, and for each address that still lies in none an assumed one, with a
// warning.
func (m *maker) assumeBlocks() {
	for _, p := range m.Blocks {
		if !slices.ContainsFunc(m.s.Blocks, func(b source.Block) bool { return b.Prefix.Prefix == p }) {
			m.s.Blocks = append(m.s.Blocks, source.Block{Prefix: source.Prefix{Prefix: p}})
		}
	}
	inv := model.Build(&m.s)
	var last netip.Prefix
	for i := range m.hosts {
		addr := m.hosts[i].addr
		if last.IsValid() && last.Contains(addr.Addr) || inv.BlockOf(addr.Addr) != nil {
			continue
		}
		bits := 24
		if addr.Is6() {
			bits = 64
		}
		last = netip.PrefixFrom(addr.Addr, bits).Masked()
		m.report(diag.Warning, addr.Pos, FindingBlock, "name the block with --block if it is another",
			"no zone holds %s: its block is taken for %s", addr, last)
		m.s.Blocks = append(m.s.Blocks, source.Block{Prefix: source.Prefix{Prefix: last, Pos: addr.Pos}})
	}
	slices.SortFunc(m.s.Blocks, func(a, b source.Block) int { return comparePrefixes(a.Prefix.Prefix, b.Prefix.Prefix) })
}

// dropDelegated drops the hosts whose names others serve.
func (m *maker) dropDelegated() {
	m.hosts = slices.DeleteFunc(m.hosts, func(h host) bool {
		d := m.inv.DelegationOf(h.addr.Addr)
		if d != nil && h.entry != nil {
			m.report(diag.Error, h.entry.Pos, FindingHidden, "", "%s lies in %s, which is delegated to other servers",
				h.addr, d.Prefix)
		}
		return d != nil
	})
}

// delegations makes the delegations of z. Zones inside it are ours, and have to be delegated, too.
func (m *maker) delegations(z *Zone, byName map[string]*Zone, inside []*Zone) []source.Delegation {
	var list []source.Delegation // by prefix
	add := func(p netip.Prefix, child string, nameservers []source.Name, glue []source.Glue,
		pos diag.Position) *source.Delegation {
		i, found := slices.BinarySearchFunc(list, p, func(d source.Delegation, p netip.Prefix) int {
			return comparePrefixes(d.Prefix.Prefix, p)
		})
		if found || i > 0 && list[i-1].Prefix.Overlaps(p) || i < len(list) && list[i].Prefix.Overlaps(p) ||
			!contains(z.Prefix, p) || p == z.Prefix {
			return nil
		}
		d := source.Delegation{Prefix: source.Prefix{Prefix: p, Pos: pos}}
		alias := child != natural(z, p)
		if alias && (!model.IsClassless(p) || model.IsClassless(z.Prefix)) {
			return nil
		}
		if alias {
			d.Zone = source.Name{Value: child, Pos: pos}
		}
		if !alias || below(child, z.Name) { // else they are not ours to tell
			d.Nameservers = slices.DeleteFunc(slices.Clone(nameservers), func(n source.Name) bool {
				hasGlue := slices.ContainsFunc(glue, func(g source.Glue) bool { return g.Name.Value == n.Value })
				return unfit(n) || below(n.Value, child) && !hasGlue
			})
			d.Glue = slices.DeleteFunc(slices.Clone(glue), func(g source.Glue) bool { return unfit(g.Name) })
			if len(d.Nameservers) == 0 {
				return nil
			}
		}
		list = slices.Insert(list, i, d)
		return &list[i]
	}
	targets := aliasesByTarget(z)
	for _, c := range z.Cuts {
		p, own := c.Prefix, targets[c.Owner]
		if byName[c.Owner] == nil && c.Owner != natural(z, p) && z.others(p, own) > 0 {
			if smaller, ok := cover(own); ok {
				p = smaller
			}
		}
		if c.Owner != natural(z, p) && z.others(p, own) > len(own) {
			continue // more would be lost by it
		}
		if d := add(p, c.Owner, c.NS, c.Glue, c.Pos); d != nil {
			d.DS = slices.DeleteFunc(slices.Clone(c.DS), func(ds source.DS) bool { return ds.Check() != nil })
		}
	}
	for _, c := range inside {
		if c.Name != natural(z, c.Prefix) && len(targets[c.Name]) == 0 {
			continue // nothing leads there
		}
		add(c.Prefix, c.Name, c.NS, nil, c.Pos)
	}
	for _, a := range z.Aliases {
		_, child, _ := strings.Cut(a.Target, ".")
		if c := byName[child]; c != nil {
			add(c.Prefix, child, c.NS, nil, a.Pos)
		} else if !below(child, z.Name) {
			// Two delegations to one zone must not give two addresses one name there.
			addrs := slices.DeleteFunc(targets[child], func(a netip.Addr) bool {
				return m.targets[target{child, a.As4()[3]}]
			})
			for _, a := range addrs {
				m.targets[target{child, a.As4()[3]}] = true
			}
			for _, p := range exactly(addrs) {
				add(p, child, nil, nil, a.Pos)
			}
		}
		delete(targets, child)
	}
	return list
}

// natural returns the name that p has in z by itself, "" if only a chosen one can be delegated.
func natural(z *Zone, p netip.Prefix) string {
	switch {
	case model.IsClassless(p) && !p.IsSingleIP():
		return ""
	case model.IsClassless(z.Prefix) && z.Name != arpa.Name(p.Addr()):
		return fmt.Sprintf("%d.%s", p.Addr().As4()[3], z.Name)
	}
	for q := range arpa.Cut(p) {
		if q != p {
			return ""
		}
	}
	return arpa.ZoneName(p)
}

// aliasesByTarget returns the addresses whose aliases lead to their last octet below a name, by that name, ascending.
func aliasesByTarget(z *Zone) map[string][]netip.Addr {
	m := make(map[string][]netip.Addr)
	for _, a := range z.Aliases {
		label, child, _ := strings.Cut(a.Target, ".")
		if a.Addr.Is4() && label == strconv.Itoa(int(a.Addr.As4()[3])) {
			m[child] = append(m[child], a.Addr)
		}
	}
	return m
}

// others returns how many addresses of p have names in z, or aliases other than own.
func (z *Zone) others(p netip.Prefix, own []netip.Addr) (n int) {
	var last netip.Addr
	for _, r := range z.PTRs {
		if p.Contains(r.Addr) && r.Addr != last {
			n++
		}
		last = r.Addr
	}
	for _, a := range z.Aliases {
		if p.Contains(a.Addr) && !slices.Contains(own, a.Addr) {
			n++
		}
	}
	return n
}

// exactly returns the fewest prefixes longer than /24 that have the given addresses, ascending, and no others.
func exactly(addrs []netip.Addr) (list []netip.Prefix) {
	for len(addrs) > 0 {
		p, n := netip.PrefixFrom(addrs[0], addrs[0].BitLen()), 1
		for {
			q := netip.PrefixFrom(p.Addr(), p.Bits()-1)
			if q.Bits() < 25 || q != q.Masked() || len(addrs) < 2*n || addrs[2*n-1] != arpa.Last(q) {
				break
			}
			p, n = q, 2*n
		}
		list, addrs = append(list, p), addrs[n:]
	}
	return list
}
