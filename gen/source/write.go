package source

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Write writes s as one root file, in the style that people write them in. Loading it gives what s says; positions, the
// division into files and comments, waivers among them, are not kept. s is a source without errors. A value whose
// position is invalid is written unless it is the one that leaving it out stands for.
func Write(w io.Writer, s *Source) error {
	e := emitter{bufio.NewWriter(w)}
	e.entry(0, "version", "1")
	e.defaults(&s.Defaults)
	e.section("products", len(s.Products))
	for _, p := range s.Products {
		e.entry(2, scalar(p.Name.Value), fields{{"hostname", template(p.Hostname)}}.flow())
	}
	e.section("accounts", len(s.Accounts))
	for _, a := range s.Accounts {
		var f fields
		f.add("domains", flowList(a.Domains, name))
		e.entry(2, scalar(a.Name.Value), f.flow())
	}
	e.section("blocks", len(s.Blocks))
	for i := range s.Blocks {
		e.block(&s.Blocks[i])
	}
	e.section("servers", len(s.Servers))
	for i := range s.Servers {
		e.server(&s.Servers[i])
	}
	e.section("addresses", len(s.Addresses))
	for i := range s.Addresses {
		e.address(2, &s.Addresses[i])
	}
	e.root(s)
	return e.Flush()
}

// StandardDefaults returns what holds where "defaults" says nothing. It has no name servers, and no names in its SOA.
func StandardDefaults() Defaults { return standardDefaults }

// An emitter writes YAML. Its errors are those of Flush.
type emitter struct{ *bufio.Writer }

// section begins a mapping of the root, if it is to have entries.
func (e emitter) section(key string, entries int) {
	if entries > 0 {
		fmt.Fprintf(e, "\n%s:\n", key)
	}
}

// entry writes a line. The value is empty if there is none, or if it follows on lines of its own.
func (e emitter) entry(indent int, key, value string) {
	for range indent {
		e.WriteByte(' ')
	}
	e.WriteString(key)
	e.WriteByte(':')
	if value != "" {
		e.WriteByte(' ')
		e.WriteString(value)
	}
	e.WriteByte('\n')
}

func (e emitter) fields(indent int, f fields) {
	for _, field := range f {
		e.entry(indent, field.key, field.value)
	}
}

func (e emitter) defaults(d *Defaults) {
	e.section("defaults", 1)
	e.fields(2, seconds(nil, "ttl", d.TTL, standardDefaults.TTL))
	e.entry(2, "nameservers", flowList(d.Nameservers, name))
	e.entry(2, "soa", "")
	f := fields{{"primary", name(d.SOA.Primary)}, {"contact", mailbox(d.SOA.Contact)}}
	f = seconds(f, "refresh", d.SOA.Refresh, standardDefaults.SOA.Refresh)
	f = seconds(f, "retry", d.SOA.Retry, standardDefaults.SOA.Retry)
	f = seconds(f, "expire", d.SOA.Expire, standardDefaults.SOA.Expire)
	e.fields(4, seconds(f, "negative_ttl", d.SOA.NegativeTTL, standardDefaults.SOA.NegativeTTL))
}

func (e emitter) block(b *Block) {
	var f, vars, ds fields
	if b.Zone.Value != "" {
		f.add("zone", name(b.Zone))
	}
	if b.Fallback.T != nil {
		f.add("fallback", template(b.Fallback))
	}
	for _, v := range b.Vars {
		vars.add(scalar(v.Name.Value), scalar(v.Value.Value))
	}
	if len(vars) > 0 {
		f.add("vars", vars.flow())
	}
	if b.Registry.Pos.IsValid() {
		f.add("registry", registry(&b.Registry).flow())
	}
	for _, z := range b.DS {
		ds.add(name(z.Zone), flowList(z.DS, dsData))
	}
	if len(f) < 2 && len(b.Delegations) == 0 && len(ds) == 0 {
		e.entry(2, b.Prefix.String(), f.flow())
		return
	}
	e.entry(2, b.Prefix.String(), "")
	e.fields(4, f)
	if len(ds) > 0 {
		e.entry(4, "ds", "")
		e.fields(6, ds)
	}
	if len(b.Delegations) > 0 {
		e.entry(4, "delegations", "")
		for i := range b.Delegations {
			e.delegation(&b.Delegations[i])
		}
	}
}

func (e emitter) delegation(d *Delegation) {
	var f, glue fields
	if d.Zone.Value != "" {
		f.add("zone", name(d.Zone))
	}
	f.add("nameservers", flowList(d.Nameservers, name))
	f.add("ds", flowList(d.DS, dsData))
	for _, g := range d.Glue {
		glue.add(name(g.Name), addrs(g.Addrs))
	}
	if len(glue) > 0 {
		f.add("glue", glue.flow())
	}
	if len(f) < 2 {
		e.entry(6, d.Prefix.String(), f.flow())
		return
	}
	e.entry(6, d.Prefix.String(), "")
	e.fields(8, f)
}

func (e emitter) server(s *Server) {
	var f fields
	f.add("product", text(s.Product))
	f.add("account", text(s.Account))
	if len(s.Primary) > 0 {
		f.add("primary", addrs(s.Primary))
	}
	if s.Helo.Value != "" {
		f.add("helo", name(s.Helo))
	}
	if len(s.Addresses)+len(s.Routed) == 0 {
		e.entry(2, scalar(s.Name.Value), f.flow())
		return
	}
	e.entry(2, scalar(s.Name.Value), "")
	e.fields(4, f)
	e.entry(4, "addresses", "")
	for i := range s.Addresses {
		e.address(6, &s.Addresses[i])
	}
	for _, p := range s.Routed {
		e.entry(6, p.String(), "")
	}
}

func (e emitter) address(indent int, a *Address) {
	ttl := seconds(nil, "ttl", a.TTL, Seconds{})
	value := ""
	switch {
	case len(a.Names) > 1:
		value = append(fields{{"names", flowList(a.Names, name)}}, ttl...).flow()
	case len(a.Names) == 1 && len(ttl) > 0:
		value = append(fields{{"name", name(a.Names[0])}}, ttl...).flow()
	case len(a.Names) == 1:
		value = name(a.Names[0])
	case len(ttl) > 0:
		value = ttl.flow()
	}
	e.entry(indent, addrKey(a.Addr.String()), value)
}

// root writes what a root file has beside the mappings that included files may have, too.
func (e emitter) root(s *Source) {
	var f fields
	f.add("forward_zones", flowList(s.ForwardZones, name))
	f.add("forwards", flowList(s.Forwards, func(f ForwardFile) string { return scalar(literalPattern.Replace(f.Path)) }))
	if s.Catalog.Value != "" {
		f.add("catalog", name(s.Catalog))
	}
	if s.Registry.Pos.IsValid() {
		f.add("registry", registry(&s.Registry).flow())
	}
	if len(f) > 0 {
		e.WriteByte('\n')
	}
	e.fields(0, f)
	e.section("lint", len(s.Severities))
	if len(s.Severities) > 0 {
		e.entry(2, "rules", "")
	}
	for _, v := range s.Severities {
		e.entry(4, scalar(v.Rule.Value), v.Severity.String())
	}
}

// literalPattern makes a path a pattern that only this path matches.
var literalPattern = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

func registry(r *Registry) fields {
	var f fields
	f.add("admin_c", flowList(r.AdminC, text))
	f.add("tech_c", flowList(r.TechC, text))
	f.add("zone_c", flowList(r.ZoneC, text))
	f.add("mnt_by", flowList(r.MntBy, text))
	f.add("source", text(r.Source))
	return f
}

// fields are the entries of a mapping, all of them YAML.
type fields []struct{ key, value string }

// add appends a field, unless its value is empty.
func (f *fields) add(key, value string) {
	if value != "" {
		*f = append(*f, struct{ key, value string }{key, value})
	}
}

// flow returns f on one line.
func (f fields) flow() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(field.key)
		b.WriteString(": ")
		b.WriteString(field.value)
	}
	b.WriteByte('}')
	return b.String()
}

// flowList returns a list on one line, and nothing for an empty one.
func flowList[T any](items []T, write func(T) string) string {
	if len(items) == 0 {
		return ""
	}
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = write(item)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func name(n Name) string { return scalar(strings.TrimSuffix(n.Value, ".")) }

// mailbox writes a contact as people write it, unless it has one label only.
func mailbox(n Name) string {
	local, domain, _ := strings.Cut(strings.TrimSuffix(n.Value, "."), ".")
	if domain == "" {
		return scalar(local)
	}
	return scalar(local + "@" + domain)
}

// text returns nothing for text that is absent.
func text(t Text) string {
	if t.Value == "" {
		return ""
	}
	return scalar(t.Value)
}

func template(t Template) string {
	if t.T == nil {
		return `""`
	}
	return `"` + strings.TrimSuffix(t.T.String(), ".") + `"`
}

// addrs writes a single address without brackets.
func addrs(list []Addr) string {
	addr := func(a Addr) string { return scalar(a.String()) }
	if len(list) == 1 {
		return addr(list[0])
	}
	return flowList(list, addr)
}

func dsData(d DS) string {
	return fmt.Sprintf(`"%d %d %d %x"`, d.KeyTag, d.Algorithm, d.DigestType, d.Digest)
}

// seconds adds a duration to f if the source has it, or if it is not the one that holds without.
func seconds(f fields, key string, s, standard Seconds) fields {
	if s.Pos.IsValid() || s.Value != standard.Value {
		f.add(key, duration(s.Value))
	}
	return f
}

// duration writes seconds in the largest unit that they are a multiple of.
func duration(s uint32) string {
	for _, u := range units {
		if s > 0 && uint64(s)%u.seconds == 0 && u.seconds > 1 {
			return fmt.Sprintf("%d%c", uint64(s)/u.seconds, u.name)
		}
	}
	return fmt.Sprint(s)
}

// addrKey writes an address where only a key can be: one that ends with a colon needs no quotes.
func addrKey(s string) string {
	if isPlain(strings.TrimRight(s, ":")) {
		return s
	}
	return scalar(s)
}

// scalar writes s without quotes if YAML takes it for s everywhere.
func scalar(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ', 0x7f <= r && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffe', r == '\uffff':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isPlain reports whether s is made of letters, digits and what names, addresses and mailboxes have, and is neither a
// word of YAML nor ends with a colon.
func isPlain(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case i > 0 && strings.IndexByte("-./:@", c) >= 0:
		default:
			return false
		}
	}
	switch s {
	case "", "null", "Null", "NULL":
		return false
	}
	return s[len(s)-1] != ':'
}
