package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// The tables of this file are the language of the source: which keys each mapping has and how each is read.
// docs/records.schema.json says the same to editors; TestSchema compares the two.

// standardDefaults fills in what "defaults" leaves out.
var standardDefaults = Defaults{
	TTL: Seconds{Value: 3600},
	SOA: SOA{
		Refresh:     Seconds{Value: 3600},
		Retry:       Seconds{Value: 900},
		Expire:      Seconds{Value: 14 * 86400},
		NegativeTTL: Seconds{Value: 300},
	},
}

// versionField is required in the root file only.
func versionField(required bool) field[document] {
	return field[document]{"version", required, func(p *parser, _, n *yaml.Node, _ *document) {
		if p.sound(n) && (n.Kind != yaml.ScalarNode || n.Style&quoted != 0 || n.Value != "1") {
			hint := ""
			if n.Style&quoted != 0 && n.Value == "1" {
				hint = "remove the quotes"
			}
			p.wrongType(n, "1, the only version there is", hint)
		}
	}}
}

var sharedFields = []field[document]{
	{"accounts", false, func(p *parser, _, n *yaml.Node, d *document) { d.Accounts = p.accounts(n) }},
	{"blocks", false, func(p *parser, _, n *yaml.Node, d *document) { d.Blocks = p.blocks(n) }},
	{"servers", false, func(p *parser, _, n *yaml.Node, d *document) { d.Servers = p.servers(n) }},
	{"addresses", false, func(p *parser, _, n *yaml.Node, d *document) { d.Addresses = p.addresses(n) }},
}

var includedFields = slices.Concat([]field[document]{versionField(false)}, sharedFields)

var rootFields = slices.Concat([]field[document]{
	versionField(true),
	{"defaults", true, func(p *parser, k, n *yaml.Node, d *document) {
		d.Defaults.Pos = p.pos(k)
		readFields(p, n, "defaults", defaultsFields, &d.Defaults, k)
	}},
	{"products", false, func(p *parser, _, n *yaml.Node, d *document) { d.Products = p.products(n) }},
}, sharedFields, []field[document]{
	{"forward_zones", false, func(p *parser, _, n *yaml.Node, d *document) {
		d.ForwardZones = p.names(p.list(n, "a list of domain names")...)
	}},
	{"forwards", false, func(p *parser, _, n *yaml.Node, d *document) { d.forwards = p.patterns(n) }},
	{"catalog", false, func(p *parser, _, n *yaml.Node, d *document) { d.Catalog, _ = p.host(n) }},
	{"registry", false, func(p *parser, k, n *yaml.Node, d *document) { p.registry(k, n, &d.Registry) }},
	{"include", false, func(p *parser, _, n *yaml.Node, d *document) { d.include = p.patterns(n) }},
	{"lint", false, func(p *parser, k, n *yaml.Node, d *document) {
		readFields(p, n, "lint", lintFields, &d.Source, k)
	}},
})

var defaultsFields = []field[Defaults]{
	{"ttl", false, func(p *parser, _, n *yaml.Node, d *Defaults) { p.seconds(n, &d.TTL) }},
	{"nameservers", true, func(p *parser, _, n *yaml.Node, d *Defaults) { d.Nameservers = p.nameservers(n) }},
	{"soa", true, func(p *parser, k, n *yaml.Node, d *Defaults) {
		d.SOA.Pos = p.pos(k)
		readFields(p, n, "defaults.soa", soaFields, &d.SOA, k)
	}},
}

var soaFields = []field[SOA]{
	{"primary", true, func(p *parser, _, n *yaml.Node, s *SOA) { s.Primary, _ = p.host(n) }},
	{"contact", true, func(p *parser, _, n *yaml.Node, s *SOA) { s.Contact = p.contact(n) }},
	{"refresh", false, func(p *parser, _, n *yaml.Node, s *SOA) { p.seconds(n, &s.Refresh) }},
	{"retry", false, func(p *parser, _, n *yaml.Node, s *SOA) { p.seconds(n, &s.Retry) }},
	{"expire", false, func(p *parser, _, n *yaml.Node, s *SOA) { p.seconds(n, &s.Expire) }},
	{"negative_ttl", false, func(p *parser, _, n *yaml.Node, s *SOA) { p.seconds(n, &s.NegativeTTL) }},
}

var productFields = []field[Product]{
	{"hostname", true, func(p *parser, _, n *yaml.Node, t *Product) { t.Hostname = p.template(n) }},
}

func (p *parser) products(n *yaml.Node) []Product {
	var list []Product
	for e := range p.entries(n, "products") {
		t := Product{Name: p.keyText(e.k, "the name of a product")}
		if readFields(p, e.v, "a product", productFields, &t, e.k) && t.Name.Value != "" && !e.repeated {
			list = append(list, t)
		}
	}
	return list
}

var accountFields = []field[Account]{
	{"domains", false, func(p *parser, _, n *yaml.Node, a *Account) {
		a.Domains = p.names(p.list(n, "a list of domain names")...)
	}},
}

func (p *parser) accounts(n *yaml.Node) []Account {
	var list []Account
	var a Account // one for all, since readFields puts it on the heap
	for e := range p.entries(n, "accounts") {
		a = Account{Name: p.keyText(e.k, "the name of an account")}
		if readFields(p, e.v, "an account", accountFields, &a, e.k) && a.Name.Value != "" && !e.repeated {
			list = append(list, a)
		}
	}
	return list
}

var blockFields = []field[Block]{
	{"zone", false, func(p *parser, _, n *yaml.Node, b *Block) { b.Zone = p.zone(n) }},
	{"fallback", false, func(p *parser, _, n *yaml.Node, b *Block) { b.Fallback = p.template(n) }},
	{"vars", false, func(p *parser, _, n *yaml.Node, b *Block) { b.Vars = p.vars(n) }},
	{"delegations", false, func(p *parser, _, n *yaml.Node, b *Block) { b.Delegations = p.delegations(n) }},
	{"registry", false, func(p *parser, k, n *yaml.Node, b *Block) { p.registry(k, n, &b.Registry) }},
	{"ds", false, func(p *parser, _, n *yaml.Node, b *Block) { b.DS = p.zoneDS(n) }},
}

func (p *parser) blocks(n *yaml.Node) []Block {
	var list []Block
	for e := range p.entries(n, "prefixes") {
		prefix, _ := p.prefix(e.k) // one with host bits is kept, so that the addresses in it are not reported too
		b := Block{Prefix: prefix}
		if !isNull(e.v) { // a block needs nothing but its prefix
			readFields(p, e.v, "a block", blockFields, &b, e.k)
		}
		if prefix.IsValid() && !e.repeated {
			list = append(list, b)
		}
	}
	return list
}

func (p *parser) vars(n *yaml.Node) []Var {
	var list []Var
	for e := range p.entries(n, "variables") {
		v := Var{p.keyText(e.k, "the name of a variable"), p.text(e.v, "text")}
		if v.Name.Value != "" && !hostname.IsVariable(v.Name.Value) { // an empty one is reported already
			p.report(e.k, "name-invalid", "", "%q is not the name of a variable: it has letters, digits, _ and -", e.k.Value)
			continue
		}
		if v.Name.Value != "" && !e.repeated {
			list = append(list, v)
		}
	}
	return list
}

// zoneDS reads lists of DS records by the names of zones.
func (p *parser) zoneDS(n *yaml.Node) []ZoneDS {
	var list []ZoneDS
	for e := range p.entries(n, "lists of DS records, by zone,") {
		z := ZoneDS{p.zone(e.k), p.dsList(p.fullList(e.v, "a list of DS records"))}
		if z.Zone.Value != "" && len(z.DS) > 0 && !e.repeated {
			list = append(list, z)
		}
	}
	return list
}

func (p *parser) dsList(items []*yaml.Node) []DS {
	var list []DS
	for _, item := range items {
		if ds, ok := p.ds(item); ok {
			list = append(list, ds)
		}
	}
	return list
}

var registryFields = []field[Registry]{
	{"admin_c", false, func(p *parser, _, n *yaml.Node, r *Registry) { r.AdminC = p.objects(n) }},
	{"tech_c", false, func(p *parser, _, n *yaml.Node, r *Registry) { r.TechC = p.objects(n) }},
	{"zone_c", false, func(p *parser, _, n *yaml.Node, r *Registry) { r.ZoneC = p.objects(n) }},
	{"mnt_by", false, func(p *parser, _, n *yaml.Node, r *Registry) { r.MntBy = p.objects(n) }},
	{"source", false, func(p *parser, _, n *yaml.Node, r *Registry) {
		r.Source, _ = p.object(n, "the name of a registry's database such as RIPE")
	}},
}

func (p *parser) registry(k, n *yaml.Node, r *Registry) {
	r.Pos = p.pos(k)
	readFields(p, n, "registry", registryFields, r, k)
}

// objects reads the key of a registry's object or a list of them.
func (p *parser) objects(n *yaml.Node) []Text {
	const want = "the key of a registry's object such as EXAMPLE-MNT, or a list of them"
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = p.fullList(n, want)
	}
	var list []Text
	for _, item := range items {
		if t, ok := p.object(item, want); ok {
			list = append(list, t)
		}
	}
	return list
}

var delegationFields = []field[Delegation]{
	{"zone", false, func(p *parser, _, n *yaml.Node, d *Delegation) { d.Zone = p.zone(n) }},
	{"nameservers", false, func(p *parser, _, n *yaml.Node, d *Delegation) { d.Nameservers = p.nameservers(n) }},
	{"ds", false, func(p *parser, _, n *yaml.Node, d *Delegation) {
		d.DS = p.dsList(p.list(n, "a list of DS records"))
	}},
	{"glue", false, func(p *parser, _, n *yaml.Node, d *Delegation) { d.Glue = p.glue(n) }},
}

func (p *parser) delegations(n *yaml.Node) []Delegation {
	var list []Delegation
	for e := range p.entries(n, "prefixes") {
		prefix, ok := p.prefix(e.k)
		d := Delegation{Prefix: prefix}
		// What a delegation needs depends on its prefix, so one that says nothing is left to lint.
		read := isNull(e.v) || readFields(p, e.v, "a delegation", delegationFields, &d, e.k)
		if read && ok && !e.repeated {
			list = append(list, d)
		}
	}
	return list
}

func (p *parser) glue(n *yaml.Node) []Glue {
	var list []Glue
	for e := range p.entries(n, "name servers") {
		name, ok := p.host(e.k)
		addrs := p.addrs(e.v)
		if ok && len(addrs) > 0 && !e.repeated {
			list = append(list, Glue{name, addrs})
		}
	}
	return list
}

var serverFields = []field[Server]{
	{"product", false, func(p *parser, _, n *yaml.Node, s *Server) { s.Product = p.text(n, "the name of a product") }},
	{"account", false, func(p *parser, _, n *yaml.Node, s *Server) { s.Account = p.text(n, "the name of an account") }},
	{"primary", false, func(p *parser, _, n *yaml.Node, s *Server) { s.Primary = p.addrs(n) }},
	{"helo", false, func(p *parser, _, n *yaml.Node, s *Server) { s.Helo, _ = p.host(n) }},
	{"addresses", false, func(p *parser, _, n *yaml.Node, s *Server) { p.serverAddresses(n, s) }},
}

func (p *parser) servers(n *yaml.Node) []Server {
	list := p.room.servers.take(len(n.Content) / 2)[:0]
	var s Server // one for all, since readFields puts it on the heap
	for e := range p.entries(n, "servers") {
		s = Server{Name: p.keyText(e.k, "the name of a server")}
		if readFields(p, e.v, "a server", serverFields, &s, e.k) && s.Name.Value != "" && !e.repeated {
			list = append(list, s)
		}
	}
	return list
}

// addrs reads an address or a list of them.
func (p *parser) addrs(n *yaml.Node) []Addr {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		if a, ok := p.addr(n); ok {
			return append(p.room.addrs.take(1)[:0], a)
		}
		return nil
	}
	if n.Kind == yaml.MappingNode {
		p.wrongType(n, "an address or a list of addresses", quoteHint(n))
		return nil
	}
	items := p.fullList(n, "an address or a list of addresses")
	list := p.room.addrs.take(len(items))[:0]
	for _, item := range items {
		if a, ok := p.addr(item); ok {
			list = append(list, a)
		}
	}
	return list
}

func (p *parser) serverAddresses(n *yaml.Node, s *Server) {
	s.Addresses = p.room.addresses.take(len(n.Content) / 2)[:0]
	for e := range p.entries(n, "addresses and prefixes") {
		if !strings.Contains(e.k.Value, "/") {
			if a, ok := p.address(e, false); ok && !e.repeated {
				s.Addresses = append(s.Addresses, a)
			}
			continue
		}
		prefix, ok := p.prefix(e.k)
		if p.sound(e.v) && !isNull(e.v) {
			p.report(e.v, "wrong-type", "write the address that has the name", "a routed prefix takes no value")
		}
		if ok && !e.repeated {
			s.Routed = append(s.Routed, prefix)
		}
	}
}

func (p *parser) addresses(n *yaml.Node) []Address {
	list := p.room.addresses.take(len(n.Content) / 2)[:0]
	for e := range p.entries(n, "addresses") {
		if a, ok := p.address(e, true); ok && !e.repeated {
			list = append(list, a)
		}
	}
	return list
}

// addressNames is the long form of the value of an address.
type addressNames struct {
	Address
	name, names *yaml.Node
}

var addressFields = []field[addressNames]{
	{"name", false, func(p *parser, _, n *yaml.Node, a *addressNames) {
		a.name = n
		a.Names = append(a.Names, p.names(n)...)
	}},
	{"names", false, func(p *parser, _, n *yaml.Node, a *addressNames) {
		a.names = n
		a.Names = append(a.Names, p.names(p.fullList(n, "a list of domain names")...)...)
	}},
	{"ttl", false, func(p *parser, _, n *yaml.Node, a *addressNames) { p.seconds(n, &a.TTL) }},
}

// address reads an entry of "addresses". One that is of no server must have a name.
func (p *parser) address(e keyValue, named bool) (Address, bool) {
	addr, ok := p.addr(e.k)
	a := Address{Addr: addr}
	switch {
	case e.v.Kind == yaml.MappingNode:
		long := addressNames{Address: a}
		readFields(p, e.v, "an address", addressFields, &long, e.k)
		a = long.Address
		switch {
		case long.name != nil && long.names != nil:
			d := p.diagnostic(long.names, "duplicate-key", "put all into names", "name and names exclude each other")
			d.Related = []diag.Related{{Pos: p.pos(long.name), Message: "the name is here"}}
			p.add(d)
			a.Names = a.Names[:min(1, len(a.Names))] // for name-multiple they are no second finding
		case named && long.name == nil && long.names == nil:
			p.report(e.k, "missing-key", "", `an address of no server lacks the key "name"`)
		}
	case !isNull(e.v):
		a.Names = p.names(e.v)
	case named && p.sound(e.v):
		p.report(e.k, "missing-key", "write its name or remove it", "an address of no server needs a name")
	}
	return a, ok
}

var lintFields = []field[Source]{
	{"rules", false, func(p *parser, _, n *yaml.Node, s *Source) {
		for e := range p.entries(n, "rules") {
			rule, word := p.keyText(e.k, "the id of a rule"), p.text(e.v, severityWords)
			severity, ok := diag.ParseSeverity(word.Value)
			if !ok && word.Value != "" {
				hint := ""
				if near := Nearest(word.Value, strings.Split(severityWords, ", ")); near != "" {
					hint = "write " + near
				}
				p.report(e.v, "severity-invalid", hint, "%q is no severity: want %s", word.Value, severityWords)
			}
			if ok && rule.Value != "" && !e.repeated {
				s.Severities = append(s.Severities, Severity{rule, severity})
			}
		}
	}},
}

const severityWords = "off, note, warning, error"

// nameservers reads the targets of NS records.
func (p *parser) nameservers(n *yaml.Node) []Name {
	return p.names(p.fullList(n, "a list of domain names")...)
}

// names reads names of hosts.
func (p *parser) names(items ...*yaml.Node) []Name {
	list := p.room.names.take(len(items))[:0]
	for _, item := range items {
		if name, ok := p.host(item); ok {
			list = append(list, name)
		}
	}
	return list
}

// patterns reads patterns of files.
func (p *parser) patterns(n *yaml.Node) []Text {
	var list []Text
	for _, item := range p.list(n, "a list of file patterns") {
		if t := p.text(item, "a file pattern"); t.Value != "" {
			list = append(list, t)
		}
	}
	return list
}

// template reads a hostname template.
func (p *parser) template(n *yaml.Node) Template {
	if !p.scalar(n, "a hostname template") {
		return Template{}
	}
	t, err := parseTemplate(n.Value)
	if err == nil && strings.Contains(t.String(), "/") {
		err = &hostname.SyntaxError{Offset: strings.IndexByte(n.Value, '/'), Msg: "the name of a host has no /"}
	}
	if err != nil {
		d := p.diagnostic(n, "template-invalid", "", "hostname template %q: %v", n.Value, err)
		var syntax *hostname.SyntaxError
		if errors.As(err, &syntax) {
			d.Message = fmt.Sprintf("hostname template %q: %s", n.Value, syntax.Msg)
			if pos := p.within(n, syntax.Offset); pos != d.Pos {
				d.Pos, d.End = pos, diag.Position{}
			}
		}
		p.add(d)
		return Template{Pos: p.pos(n)}
	}
	p.checkForm(n)
	return Template{t, p.pos(n)}
}
