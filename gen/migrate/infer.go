package migrate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

// A domain is one that the names of several servers lie in, of which it can make a product.
type domain struct {
	name   string
	labels []string // what is left of it in the names
	pos    diag.Position
}

// shared reports whether d is the provider's: it has enough of all names not to be a customer's.
func (d *domain) shared(all int) bool {
	n := len(d.labels)
	return n >= 3 && (n*20 >= all || n >= 50)
}

// productOf returns a function that tells the product whose default hostname is the one name of some hosts, and of which
// server; nil if there is none. With Infer, it first adds the products that explain the most names.
func (m *maker) productOf(groups [][]*host) func(g []*host) (server string, product *source.Product) {
	known := m.s.Products
	suffixes := make(map[string]*source.Product)
	if m.Infer {
		domains := m.domains(groups)
		names := make(map[string]bool)
		for _, p := range known {
			names[p.Name.Value] = true
		}
		list := slices.Clone(known)
		for _, d := range domains {
			t, err := hostname.Parse("{server}." + d.name)
			if err != nil || slices.ContainsFunc(known, func(p source.Product) bool {
				return p.Hostname.T.Suffix() == t.Suffix()
			}) {
				continue
			}
			name, _, _ := strings.Cut(d.name, ".")
			if names[name] {
				name = strings.TrimSuffix(d.name, ".")
			}
			names[name] = true
			list = append(list, source.Product{
				Name: source.Text{Value: name, Pos: d.pos}, Hostname: source.Template{T: t, Pos: d.pos},
			})
		}
		m.s.Products = list
		for i := len(known); i < len(list); i++ {
			suffixes[list[i].Hostname.T.Suffix()] = &list[i]
		}
	}
	return func(g []*host) (string, *source.Product) {
		name := g[0].names[0].Value
		for i := range known {
			if v, ok := known[i].Hostname.T.Invert(name); ok && v.Server != "" && !v.Addr.IsValid() {
				return v.Server, &known[i]
			}
		}
		if len(g) == 1 && isMade(g[0]) {
			return "", nil
		}
		for _, rest, _ := strings.Cut(name, "."); rest != ""; _, rest, _ = strings.Cut(rest, ".") {
			if p := suffixes[rest]; p != nil {
				return strings.TrimSuffix(name, "."+rest), p
			}
		}
		return "", nil
	}
}

// domains returns the domains that products can be made of, those with the most names first. Names that are one label
// longer than the domain count. If two domains beside each other have the same label, as web1 in dc1.example.net and in
// dc2.example.net, then the domain above takes the place of both: the name of a server is unique.
func (m *maker) domains(groups [][]*host) []*domain {
	byName := make(map[string]*domain)
	all := 0
	for _, g := range groups {
		name := g[0].names[0]
		label, above, _ := strings.Cut(name.Value, ".")
		if len(g) > maxShared || strings.Count(above, ".") < 2 || len(g) == 1 && isMade(g[0]) {
			continue
		}
		all++
		d := byName[above]
		if d == nil {
			d = &domain{name: above, pos: name.Pos}
			byName[above] = d
		}
		d.labels = append(d.labels, label)
	}
	var list []*domain
	byParent := make(map[string][]*domain)
	for _, d := range byName {
		if d.shared(all) {
			list = append(list, d)
			_, parent, _ := strings.Cut(d.name, ".")
			byParent[parent] = append(byParent[parent], d)
		}
	}
	for parent, children := range byParent {
		if strings.Count(parent, ".") < 2 || !collide(children) {
			continue
		}
		above := byName[parent]
		if above == nil || !above.shared(all) {
			above = &domain{name: parent, pos: children[0].pos}
			list = append(list, above)
		}
		for _, c := range children {
			above.labels = append(above.labels, c.labels...)
			if c.pos.Compare(above.pos) < 0 {
				above.pos = c.pos
			}
		}
		list = slices.DeleteFunc(list, func(d *domain) bool { return slices.Contains(children, d) })
	}
	slices.SortFunc(list, func(a, b *domain) int {
		return cmp.Or(cmp.Compare(len(b.labels), len(a.labels)), cmp.Compare(a.name, b.name))
	})
	return list
}

// collide reports whether two of the domains have the same label.
func collide(domains []*domain) bool {
	seen := make(map[string]bool)
	for _, d := range domains {
		for _, l := range d.labels {
			if seen[l] {
				return true
			}
			seen[l] = true
		}
	}
	return false
}

// inferFallback returns a template that makes the names of z out of their addresses: it has to give all of them but
// those that have other names, at least half, and no name to an address that has none. A block of IPv6 has too many.
func (m *maker) inferFallback(z *Zone, delegations []source.Delegation) source.Template {
	if z.Prefix.Addr().Is6() || z.Prefix.Bits() < 16 || len(z.PTRs) == 0 {
		return source.Template{}
	}
	var votes poll
	step := max(1, len(z.PTRs)/64)
	for i := 0; i < len(z.PTRs); i += step {
		for _, t := range templatesOf(z.PTRs[i]) {
			votes.vote(t, 0)
		}
	}
	text, _ := votes.leader()
	if text == "" {
		return source.Template{}
	}
	t, err := hostname.Parse(text)
	if err != nil || t.Invertible(false) != nil {
		return source.Template{}
	}
	made, others, rest := 0, 0, delegations
	for a := z.Prefix.Addr(); z.Prefix.Contains(a); a = a.Next() {
		for len(rest) > 0 && rest[0].Prefix.Addr().Less(a) && !rest[0].Prefix.Contains(a) {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0].Prefix.Contains(a) {
			continue
		}
		i, ok := m.byAddr[a]
		if !ok || len(m.hosts[i].names) == 0 {
			return source.Template{}
		}
		h := &m.hosts[i]
		name, err := t.Expand(hostname.Values{Addr: a})
		if err == nil && len(h.names) == 1 && h.names[0].Value == name && !h.ttl.Pos.IsValid() {
			made++
		} else {
			others++
		}
	}
	if made < others || made == 0 {
		return source.Template{}
	}
	return source.Template{T: t, Pos: z.Pos}
}

// isFallback reports whether the fallback of its block gives h its names.
func (m *maker) isFallback(h *host) bool {
	e, _ := m.inv.Lookup(h.addr.Addr)
	return e.Origin == model.Fallback && len(h.names) == 1 && h.names[0].Value == e.Names[0] && !h.ttl.Pos.IsValid()
}

// A form is how names have the octets of an address.
type form struct {
	text  string // in a template
	whole bool   // it has all octets
	*hostname.Template
}

// forms are those of names that are made of addresses, the likely ones first.
var forms = []form{
	newForm("{ip}", true),
	newForm("{a}.{b}.{c}.{d}", true),
	newForm("{rev}", true),
	newForm("{d}-{c}-{b}-{a}", true),
	newForm("{a:03}-{b:03}-{c:03}-{d:03}", true),
	newForm("{a:03}{b:03}{c:03}{d:03}", true),
	newForm("{a:02x}{b:02x}{c:02x}{d:02x}", true),
	newForm("{c}-{d}", false),
	newForm("{d}-{c}", false),
	newForm("{d:03}", false),
	newForm("{d}", false),
}

func newForm(text string, whole bool) form {
	t, err := hostname.Parse(text)
	if err != nil {
		panic(err) // one of those above is wrong
	}
	return form{text, whole, t}
}

// within returns the offsets in name where f has the octets of addr, with no digit beside them.
func (f *form) within(name string, addr netip.Addr) (offsets []int, size int) {
	octets, err := f.Expand(hostname.Values{Addr: addr})
	if err != nil {
		return nil, 0
	}
	octets = strings.TrimSuffix(octets, ".")
	digit := func(i int) bool { return i >= 0 && i < len(name) && '0' <= name[i] && name[i] <= '9' }
	for i := 0; i+len(octets) <= len(name); i++ {
		if strings.HasPrefix(name[i:], octets) && !digit(i-1) && !digit(i+len(octets)) {
			offsets = append(offsets, i)
		}
	}
	return offsets, len(octets)
}

// templatesOf returns the templates that can have made the name of p.
func templatesOf(p PTR) (list []string) {
	for _, f := range forms {
		offsets, size := f.within(p.Name, p.Addr)
		for _, i := range offsets {
			list = append(list, p.Name[:i]+f.text+p.Name[i+size:])
		}
	}
	return list
}

// isMade reports whether the name of h is made of its address.
func isMade(h *host) bool {
	return h.addr.Is4() && slices.ContainsFunc(forms, func(f form) bool {
		offsets, _ := f.within(h.names[0].Value, h.addr.Addr)
		return f.whole && len(offsets) > 0
	})
}
