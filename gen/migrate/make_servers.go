package migrate

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

// maxShared is how many addresses may have one name before it is taken for what unused ones have, not for a server's.
const maxShared = 16

// A machine is a server that is being made.
type machine struct {
	source.Server
	hosts    []*host // ascending
	template *hostname.Template
}

// addServers makes servers of the hosts: those of tables, and those of addresses that have one name. The others are
// addresses of no server.
func (m *maker) addServers() {
	machines := m.tableServers()
	used := make(map[string]bool)
	for _, c := range machines {
		used[strings.ToLower(c.Name.Value)] = true
	}
	groups := m.groups()
	m.known = slices.Clone(m.s.Products)
	if m.Infer {
		m.inferProducts(groups)
	}
	byName := make(map[string]*machine)
	for _, g := range groups {
		name := g[0].names[0]
		server, product := m.productOf(g)
		if product != nil && used[server] {
			product = nil // the name of a server is unique
		}
		if product == nil {
			if server, _, _ = strings.Cut(name.Value, "."); used[server] {
				server = strings.TrimSuffix(name.Value, ".")
			}
		}
		if product == nil && len(g) == 1 || len(g) > maxShared || used[server] {
			continue
		}
		c := &machine{hosts: g}
		if product != nil {
			c.Product = source.Text{Value: product.Name.Value, Pos: name.Pos}
			c.template = product.Hostname.T
		}
		used[server] = true
		c.Name = source.Text{Value: server, Pos: name.Pos}
		c.Primary = m.primaries(name.Value, g)
		machines = append(machines, c)
		byName[name.Value] = c
	}
	taken := make(map[*host]bool)
	for _, c := range machines {
		for _, h := range c.hosts {
			taken[h] = true
		}
	}
	for i := range m.hosts {
		h := &m.hosts[i]
		if taken[h] || m.isFallback(h) {
			continue
		}
		if c := serverOf(h, byName); c != nil {
			c.hosts = append(c.hosts, h)
		} else if len(h.names) > 0 {
			m.s.Addresses = append(m.s.Addresses, h.source())
		}
	}
	m.s.Servers = slices.Grow(m.s.Servers, len(machines))
	for _, c := range machines {
		c.finish(m.inv)
		m.s.Servers = append(m.s.Servers, c.Server)
	}
}

// source returns h as an entry.
func (h *host) source() source.Address {
	return source.Address{Addr: h.addr, Names: h.names, TTL: h.ttl}
}

// tableServers returns the servers that tables name, in their order, and adds their accounts and products.
func (m *maker) tableServers() []*machine {
	var machines []*machine
	byName := make(map[string]*machine)
	accounts := make(map[string]bool)
	for i := range m.hosts {
		h := &m.hosts[i]
		e := h.entry
		if e == nil || e.Server == "" {
			continue
		}
		c := byName[e.Server]
		if c == nil {
			c = &machine{Server: source.Server{Name: source.Text{Value: e.Server, Pos: e.Pos}}}
			byName[e.Server] = c
			machines = append(machines, c)
		}
		c.hosts = append(c.hosts, h)
		if c.Product.Value == "" && e.Product != "" {
			c.Product = source.Text{Value: e.Product, Pos: e.Pos}
		}
		if c.Account.Value == "" && e.Account != "" {
			c.Account = source.Text{Value: e.Account, Pos: e.Pos}
		}
		if e.Account != "" && !accounts[e.Account] {
			accounts[e.Account] = true
			m.s.Accounts = append(m.s.Accounts, source.Account{Name: source.Text{Value: e.Account, Pos: e.Pos}})
		}
		if e.Primary {
			c.Primary = append(c.Primary, h.addr)
		}
	}
	m.tableProducts(machines)
	return machines
}

// tableProducts adds the products of machines. The template of one that is not known is what makes the names of the
// most primary addresses out of the names of their servers.
func (m *maker) tableProducts(machines []*machine) {
	domains := make(map[string]*poll) // by product
	var products []source.Text
	for _, c := range machines {
		if c.Product.Value == "" {
			continue
		}
		votes := domains[c.Product.Value]
		if votes == nil {
			votes = &poll{}
			domains[c.Product.Value] = votes
			products = append(products, c.Product)
		}
		for _, h := range c.hosts {
			for _, n := range h.names {
				domain, ok := strings.CutPrefix(n.Value, strings.ToLower(c.Name.Value)+".")
				if ok && h.entry.Primary {
					votes.vote(domain, 0)
				}
			}
		}
	}
	templates := make(map[string]*hostname.Template)
	for _, p := range m.s.Products {
		templates[p.Name.Value] = p.Hostname.T
	}
	for _, p := range products {
		if templates[p.Value] != nil {
			continue
		}
		if domain, _ := domains[p.Value].leader(); domain != "" {
			if t, err := hostname.Parse("{server}." + domain); err == nil {
				templates[p.Value] = t
				m.s.Products = append(m.s.Products, source.Product{
					Name: p, Hostname: source.Template{T: t, Pos: p.Pos},
				})
				continue
			}
		}
		m.report(diag.Error, p.Pos, FindingProduct, "name it with --product '"+p.Value+"={server}.DOMAIN'",
			"nothing tells the hostname template of product %q", p.Value)
	}
	for _, c := range machines {
		if c.template = templates[c.Product.Value]; c.template == nil {
			c.Product = source.Text{}
		}
	}
}

// groups returns the hosts of no server that have one name, by that name, in the order of their first addresses.
func (m *maker) groups() [][]*host {
	var groups [][]*host
	byName := make(map[string]int)
	for i := range m.hosts {
		h := &m.hosts[i]
		if h.entry != nil && h.entry.Server != "" || len(h.names) != 1 || m.isFallback(h) {
			continue
		}
		n, ok := byName[h.names[0].Value]
		if !ok {
			n = len(groups)
			byName[h.names[0].Value] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], h)
	}
	return groups
}

// primaries returns the primary addresses of a server whose addresses g all have its name: of each family the one that
// a forward zone has for the name, else the first.
func (m *maker) primaries(name string, g []*host) []source.Addr {
	var list []source.Addr
	for _, v6 := range []bool{false, true} {
		best := -1
		for i, h := range g {
			if h.addr.Is6() == v6 && (best < 0 || m.leadsTo(name, h.addr.Addr) && !m.leadsTo(name, g[best].addr.Addr)) {
				best = i
			}
		}
		if best >= 0 {
			list = append(list, g[best].addr)
		}
	}
	return list
}

// leadsTo reports whether a forward zone has addr for name.
func (m *maker) leadsTo(name string, addr netip.Addr) bool {
	return m.forward[AddressRecord{Name: name, Addr: addr}]
}

// serverOf returns the server one of whose names h has among others, nil if there is none.
func serverOf(h *host, byName map[string]*machine) *machine {
	i := slices.IndexFunc(h.names, func(n source.Name) bool { return byName[n.Value] != nil })
	if len(h.names) < 2 || i < 0 {
		return nil
	}
	return byName[h.names[i].Value]
}

// finish lists the addresses of c that are not what its product makes them.
func (c *machine) finish(inv *model.Inventory) {
	for _, h := range c.hosts {
		primary := slices.ContainsFunc(c.Primary, func(a source.Addr) bool { return a.Addr == h.addr.Addr })
		a := h.source()
		if primary && c.template != nil && len(h.names) == 1 && h.names[0].Value == c.defaultHostname(inv, h.addr.Addr) {
			a.Names = nil
		}
		if !primary || len(a.Names) > 0 || a.TTL.Pos.IsValid() {
			c.Addresses = append(c.Addresses, a)
		}
	}
}

// defaultHostname returns what the product makes of a primary address, "" if it cannot.
func (c *machine) defaultHostname(inv *model.Inventory, addr netip.Addr) string {
	t, err := c.template.Bind(inv.BlockOf(addr).Variables())
	if err != nil {
		return ""
	}
	name, _ := t.Expand(hostname.Values{
		Addr: addr, Server: strings.ToLower(c.Name.Value), Product: strings.ToLower(c.Product.Value),
		Account: strings.ToLower(c.Account.Value),
	})
	return name
}
