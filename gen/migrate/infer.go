package migrate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

// A domain is one that names of servers lie in, which a product could make out of the names of the servers.
type domain struct {
	name   string
	labels []string // the first labels of the names
	depth  int      // how many labels the names have before the domain, at most
	pos    diag.Position
}

// shared reports whether d is the provider's: it has enough of all names not to be a customer's.
func (d *domain) shared(all int) bool {
	n := len(d.labels)
	return n >= 3 && (n*20 >= all || n >= 50)
}

// An inferred product has a template that is a domain.
type inferred struct {
	*source.Product
	depth int
}

// productOf returns the product whose default hostname is the name of g, and of which server; nil if there is none.
func (m *maker) productOf(g []*host) (server string, product *source.Product) {
	name := g[0].names[0].Value
	for i := range m.known {
		if v, ok := m.known[i].Hostname.T.Invert(name); ok && v.Server != "" && !v.Addr.IsValid() {
			return v.Server, &m.known[i]
		}
	}
	if isMadeOf(g) {
		return "", nil
	}
	_, rest, _ := strings.Cut(name, ".")
	for labels := 1; rest != ""; labels++ {
		if p := m.inferred[rest]; p.depth >= labels {
			return strings.TrimSuffix(name, "."+rest), p.Product
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return "", nil
}

// inferProducts adds a product for each domain that is shared.
func (m *maker) inferProducts(groups [][]*host) {
	names := make(map[string]bool)
	suffixes := make(map[string]bool)
	for _, p := range m.known {
		names[p.Name.Value] = true
		suffixes[p.Hostname.T.Suffix()] = true
	}
	var domains []*domain
	for _, d := range sharedDomains(groups) {
		t, err := hostname.Parse("{server}." + d.name)
		if err != nil || suffixes[d.name] {
			continue
		}
		name, _, _ := strings.Cut(d.name, ".")
		if names[name] {
			name = strings.TrimSuffix(d.name, ".")
		}
		names[name] = true
		domains = append(domains, d)
		m.s.Products = append(m.s.Products, source.Product{
			Name: source.Text{Value: name, Pos: d.pos}, Hostname: source.Template{T: t, Pos: d.pos},
		})
	}
	for i, d := range domains {
		m.inferred[d.name] = inferred{&m.s.Products[len(m.known)+i], d.depth}
	}
}

// sharedDomains returns the domains that have many of the names, those with the most first. If two beside each other
// have the same label, as web1 in dc1.example.net and in dc2.example.net, then the domain above takes the place of both:
// the name of a server is unique.
func sharedDomains(groups [][]*host) []*domain {
	byName := make(map[string]*domain)
	all := 0
	for _, g := range groups {
		name := g[0].names[0]
		label, above, _ := strings.Cut(name.Value, ".")
		if len(g) > maxShared || isMadeOf(g) {
			continue
		}
		all++
		d := byName[above]
		if d == nil {
			d = &domain{name: above, depth: 1, pos: name.Pos}
			byName[above] = d
		}
		d.labels = append(d.labels, label)
	}
	maps.DeleteFunc(byName, func(name string, d *domain) bool { return !d.shared(all) || isPublic(name) })
	byParent := make(map[string][]*domain)
	for _, d := range byName {
		_, parent, _ := strings.Cut(d.name, ".")
		byParent[parent] = append(byParent[parent], d)
	}
	// From below, since the domain above may be one of two beside each other itself.
	for _, parent := range slices.SortedFunc(maps.Keys(byParent), func(a, b string) int {
		return cmp.Compare(strings.Count(b, "."), strings.Count(a, "."))
	}) {
		children := byParent[parent]
		if isPublic(parent) || !collide(children) {
			continue
		}
		above := byName[parent]
		if above == nil {
			above = &domain{name: parent, pos: children[0].pos}
			byName[parent] = above
		}
		for _, c := range children {
			above.labels = append(above.labels, c.labels...)
			above.depth = max(above.depth, c.depth+1)
			if c.pos.Compare(above.pos) < 0 {
				above.pos = c.pos
			}
			delete(byName, c.name)
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *domain) int {
		return cmp.Or(cmp.Compare(len(b.labels), len(a.labels)), cmp.Compare(a.name, b.name))
	})
}

// isPublic reports whether name is one that anybody can have a domain below, as "net." and "co.uk." are.
func isPublic(name string) bool {
	name = strings.TrimSuffix(name, ".")
	suffix, icann := publicsuffix.PublicSuffix(name)
	return suffix == name && (icann || !strings.Contains(name, "."))
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
