package lint

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/parallel"
)

// A Linter lints a source part by part. What it finds is what Run finds in all of the source, provided that
//
//   - the servers of a part have their accounts, those that the source does not have are none;
//   - entries that have a key in common are in one part, and with them those that look for that key;
//   - there are no forward zone files.
//
// It is safe for concurrent use.
type Linter struct {
	severity map[string]diag.Severity
	unread   bool // a file: what is missing may be in it
	frame    *comparison
	o        Options
}

// New returns a Linter of the source whose frame is that of inv. Found is what was found while it was read.
func New(inv *model.Inventory, found diag.List, o Options) *Linter {
	frame := *inv
	frame.Servers, frame.Routed, frame.Addresses = nil, nil, nil
	return &Linter{
		severity: severities(inv),
		unread: slices.ContainsFunc(found, func(d diag.Diagnostic) bool {
			return d.Rule == syntax.ID || d.Rule == includeInvalid.ID
		}),
		frame: newComparison(&frame, o.Forwards),
		o:     o,
	}
}

// Unread reports whether a file could not be read, so that no rule looks for what is missing.
func (l *Linter) Unread() bool { return l.unread }

// A Partial is what the rules find in a part of a source. Waivers are not yet taken into account.
type Partial struct {
	Findings diag.List // sorted
	Groups   []Group   // by rule and name
}

// A Group is of findings that many parts make and of which some hold, or none.
type Group struct {
	Rule, Name string
	Total      int       // how many there are
	First      []Grouped // the first of them, by address; at most groupSize
}

// groupSize is how many findings of a group are kept: no rule asks for more.
const groupSize = maxSlips

// A Grouped is a finding of a group.
type Grouped struct {
	Addr netip.Addr
	diag.Diagnostic
}

// add adds findings to g.
func (g *Group) add(total int, list ...Grouped) {
	g.Total += total
	g.First = append(g.First, list...)
	slices.SortStableFunc(g.First, func(a, b Grouped) int { return a.Addr.Compare(b.Addr) })
	g.First = g.First[:min(len(g.First), groupSize)]
}

// Frame returns what the rules find in the frame.
func (l *Linter) Frame() Partial { return l.run(l.frame, parallel.Each) }

// Part returns what the rules find in a part of the source, which must have the frame of l. It uses one processor.
func (l *Linter) Part(inv *model.Inventory) Partial { return l.run(l.frame.of(inv), oneByOne) }

// oneByOne is parallel.Each for one processor.
func oneByOne(n int, work func(i int)) {
	for i := range n {
		work(i)
	}
}

// run returns what the rules find in c. Each goes through them.
func (l *Linter) run(c *comparison, each func(n int, work func(i int))) Partial {
	all := make([]Partial, len(Rules))
	each(len(Rules), func(i int) {
		if r := Rules[i]; l.runs(r) {
			all[i] = l.rule(r, c)
		}
	})
	var p Partial
	for i := range all {
		p.Findings = append(p.Findings, all[i].Findings...)
		p.Groups = append(p.Groups, all[i].Groups...)
	}
	p.Findings = p.Findings.Sort()
	return p
}

// runs reports whether r is to be asked.
func (l *Linter) runs(r *Rule) bool { return l.severity[r.ID] != diag.Off && !(r.missing && l.unread) }

// rule returns what r finds in c.
func (l *Linter) rule(r *Rule, c *comparison) Partial {
	var p Partial
	report := func(d diag.Diagnostic) {
		d.Rule, d.Severity = r.ID, l.severity[r.ID]
		p.Findings = append(p.Findings, d)
	}
	groups := make(map[string]*Group)
	add := func(name string, addr netip.Addr, d diag.Diagnostic) {
		g := groups[name]
		if g == nil {
			g = &Group{Rule: r.ID, Name: name}
			groups[name] = g
		}
		g.add(1, Grouped{addr, d})
	}
	if r.group != nil {
		r.group(c, add)
	}
	switch {
	case c.frame:
		if r.check != nil {
			r.check(c.Inventory, report)
		}
		if r.names != nil {
			r.names(r.sharedNames(c.Inventory), report)
		}
	default:
		if r.entries != nil {
			r.entries(c.Inventory, report)
		}
		if r.compare != nil {
			r.compare(c, report)
		}
		if r.names != nil {
			r.names(func(f func(netip.Addr, source.Name)) {
				reverseMapNames(c.Inventory, func(a *model.Address, name source.Name) { f(a.Addr, name) })
			}, report)
			r.productNames(c.Inventory, add)
		}
	}
	for _, g := range groups {
		p.Groups = append(p.Groups, *g)
	}
	slices.SortFunc(p.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// Finish returns the findings of a source. Parts are what the rules found in the frame and in all parts, found is what was
// found while the source was read, and waivers are all of its own. None of them is changed.
func (l *Linter) Finish(parts []Partial, found diag.List, waivers []source.Waiver) diag.List {
	var list diag.List // of no part
	for _, d := range found {
		if r := Find(d.Rule); r != nil { // who reads knows no severities
			d.Severity = l.severity[r.ID]
		}
		if d.Severity != diag.Off {
			list = append(list, d)
		}
	}
	type id struct{ rule, name string }
	groups := make(map[id]*Group)
	lists := make([]diag.List, 0, len(parts)+2)
	for _, p := range parts {
		lists = append(lists, p.Findings)
		for _, q := range p.Groups {
			g := groups[id{q.Rule, q.Name}]
			if g == nil {
				g = &Group{Rule: q.Rule, Name: q.Name}
				groups[id{q.Rule, q.Name}] = g
			}
			g.add(q.Total, q.First...)
		}
	}
	for _, g := range groups {
		r := Find(g.Rule)
		for i := range g.First { // a rule may change them
			g.First[i].Related = slices.Clone(g.First[i].Related)
		}
		settled := diag.List{g.First[0].Diagnostic}
		if r.settle != nil {
			settled = r.settle(g)
		}
		for _, d := range settled {
			if d.Message != "" {
				d.Rule, d.Severity = r.ID, l.severity[r.ID]
				list = append(list, d)
			}
		}
	}
	if l.o.Forwards != nil {
		waivers = slices.Concat(waivers, l.o.Forwards.Waivers)
	}
	all := diag.Merge(append(lists, list.Sort())...)
	all, wrong := waive(waivers, all, l.severity, l.unread, l.o.Today)
	if len(wrong) > 0 {
		all = diag.Merge(all, wrong.Sort())
	}
	return all
}

// A relation is a set of ways in which entries can matter to each other wherever they are in a source. Those that are
// related have a key in common, or one has a key that the other looks for.
type relation uint

const (
	sameAddress    relation = 1 << iota
	sameRouted              // routed prefix
	insideRouted            // an address or routed prefix inside a routed prefix
	sameServerName          // the name of a server
	sameDefault             // default hostname
	namedAsDefault          // a reverse map name that is a default hostname
	sameName                // a reverse map name of addresses of one family
)

// Keys calls has with the keys of the entries of part, and seeks with those that they look for. Some may come twice.
// Entries that look for the same key have nothing to do with each other unless another one has it: most prefixes around
// an address are not routed. Lengths has the lengths of the routed prefixes of the whole source. The keys of an entry are
// the same in all runs of one build of this package.
func (l *Linter) Keys(part *model.Inventory, lengths RoutedLengths, has, seeks func(uint64)) {
	var across relation
	for _, r := range Rules {
		if l.runs(r) {
			across |= r.across
		}
	}
	c := l.frame.of(part)
	for i := range part.Addresses {
		a := &part.Addresses[i]
		if across&sameAddress != 0 {
			has(hashPrefix(ofAddress, netip.PrefixFrom(a.Addr, a.BitLen())))
		}
		if across&insideRouted != 0 {
			lengths.around(netip.PrefixFrom(a.Addr, a.BitLen()), seeks)
		}
		if across&(sameDefault|namedAsDefault) != 0 && a.Default != "" {
			has(hash(ofDefault, a.Default))
		}
	}
	for _, r := range part.Routed {
		if across&(sameRouted|insideRouted) != 0 {
			has(hashPrefix(ofRouted, r.Prefix.Prefix))
		}
		if across&insideRouted != 0 {
			lengths.around(r.Prefix.Prefix, seeks)
		}
	}
	if across&namedAsDefault != 0 {
		c.likeDefaults(func(_ *model.Address, name source.Name) { seeks(hash(ofDefault, name.Value)) })
	}
	if across&sameName != 0 {
		reverseMapNames(part, func(a *model.Address, name source.Name) { has(hashName(a, name)) })
	}
	if across&sameServerName != 0 {
		for _, s := range part.Servers {
			has(hash(ofServer, s.Name.Value))
		}
	}
}

// AccountKey returns the key of the definition of an account. Keys cannot tell it from an account that a part has since a
// server of it does.
func AccountKey(name string) uint64 { return hash(ofAccount, name) }

// RoutedLengths are the lengths of routed prefixes, as bits: 0 to 32 of IPv4, and 0 to 128 of IPv6 above those.
type RoutedLengths [3]uint64

// Add adds the length of p.
func (l *RoutedLengths) Add(p netip.Prefix) {
	i := p.Bits()
	if p.Addr().Is6() {
		i += 33
	}
	l[i/64] |= 1 << (i % 64)
}

// Merge adds all of m.
func (l *RoutedLengths) Merge(m RoutedLengths) {
	for i := range l {
		l[i] |= m[i]
	}
}

// around calls f with the keys that the prefixes which hold p have if they are routed.
func (l *RoutedLengths) around(p netip.Prefix, f func(uint64)) {
	for i, word := range l {
		for ; word != 0; word &= word - 1 {
			n := i*64 + bits.TrailingZeros64(word)
			if six := n > 32; six != p.Addr().Is6() {
				continue
			} else if six {
				n -= 33
			}
			if n <= p.Bits() {
				f(hashPrefix(ofRouted, netip.PrefixFrom(p.Addr(), n).Masked()))
			}
		}
	}
}
