package source

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/gen/diag"
)

// editFile makes changes in the text of one file. Entries are taken away after all else is done, so that no edit has to
// know of another one beside it.
func editFile(file string, data []byte, changes []*change) ([]byte, diag.List, error) {
	text, mark := bytes.CutPrefix(data, []byte("\ufeff"))
	slices.SortFunc(changes, func(a, b *change) int { return a.Addr.Compare(b.Addr) })
	for _, remove := range []bool{false, true} {
		e := editor{parser: &parser{file: file, data: text}, eol: "\n", remove: remove, todo: make(map[string][]*change)}
		for _, c := range changes {
			switch {
			case c.removes() != remove:
			case c.server == nil:
				e.others = append(e.others, c)
			default:
				e.todo[c.server.Name.Value] = append(e.todo[c.server.Name.Value], c)
			}
		}
		if len(e.others) == 0 && len(e.todo) == 0 {
			continue
		}
		if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
			e.eol = "\r\n"
		}
		if !remove && e.rename(changes) {
			text = e.spliced()
			continue
		}
		e.splices = nil
		if !e.edit() {
			return nil, nil, fmt.Errorf("edit %s: %w", file, errChanged)
		}
		if len(e.findings) > 0 {
			return nil, e.findings, nil
		}
		text = e.spliced()
	}
	if mark {
		text = append([]byte("\ufeff"), text...)
	}
	return text, nil, nil
}

// An editor edits the text of one file at the places that yaml.v3 tells.
type editor struct {
	*parser
	eol     string               // of the file
	remove  bool                 // the changes are those that take entries away
	others  []*change            // of addresses of no server, by address
	todo    map[string][]*change // of the addresses of servers, by their names and by address
	splices []splice
}

// A splice puts text in the place of data[begin:end].
type splice struct {
	begin, end int
	text       string
}

func (e *editor) splice(begin, end int, text string) {
	e.splices = append(e.splices, splice{begin, end, text})
}

// spliced returns the edited text. What several splices insert at one place stays in their order; what two take away
// goes once.
func (e *editor) spliced() []byte {
	slices.SortStableFunc(e.splices, func(a, b splice) int { return a.begin - b.begin })
	grow := 0
	for _, s := range e.splices {
		grow += len(s.text)
	}
	text := make([]byte, 0, len(e.data)+grow)
	at := 0
	for _, s := range e.splices {
		text = append(append(text, e.data[at:max(at, s.begin)]...), s.text...)
		at = max(at, s.end)
	}
	return append(text, e.data[at:]...)
}

// byHand reports that the text at n has a form that is left to people.
func (e *editor) byHand(n *yaml.Node) {
	e.report(n, RuleEditByHand, "edit it by hand, or write it in the usual form first",
		"revmap does not edit what is written like this")
}

// edit makes all changes. It returns false if the file is not the one that was read.
func (e *editor) edit() bool {
	root := e.load()
	if root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	if i := find(root, "servers"); i >= 0 && len(e.todo) > 0 {
		servers := root.Content[i+1]
		for j := 0; j+1 < len(servers.Content); j += 2 {
			k, server := servers.Content[j], servers.Content[j+1]
			changes := e.todo[k.Value]
			if changes == nil {
				continue
			}
			if server.Kind != yaml.MappingNode {
				return false
			}
			delete(e.todo, k.Value)
			step := ""
			if !isFlow(server) {
				step = strings.Repeat(" ", max(1, server.Column-k.Column))
			}
			e.addresses(server, step, changes)
		}
	}
	if len(e.others) > 0 { // after what may be added to the last server, at the same place
		e.addresses(root, "", e.others)
	}
	return len(e.todo) == 0
}

// rename makes changes that only put a name in the place of another, for which the place of that is enough. It returns
// false, and has done nothing that counts, if some are not like that; it is there because most are.
func (e *editor) rename(changes []*change) bool {
	for _, c := range changes {
		if c.name.Value == "" || c.entry == nil || len(c.entry.Names) != 1 || c.TTL != "" {
			return false
		}
		old := c.entry.Names[0]
		n := &yaml.Node{Kind: yaml.ScalarNode, Line: old.Pos.Line, Column: old.Pos.Column}
		begin, ok := e.offset(n)
		if !ok || begin == len(e.data) {
			return false
		}
		switch e.data[begin] {
		case '\'':
			n.Style = yaml.SingleQuotedStyle
			begin++
		case '"':
			n.Style = yaml.DoubleQuotedStyle
			begin++
		}
		rest := e.data[begin:]
		if end := bytes.IndexAny(rest, " \t\r\n,]}'\""); end >= 0 {
			rest = rest[:end]
		}
		n.Value = string(rest)
		if name, err := ParseName(n.Value); err != nil || name != old.Value {
			return false
		}
		e.setName(n, c)
	}
	return true
}

// find returns the index of a key in the mapping m, -1 if there is none.
func find(m *yaml.Node, key string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// addresses makes the changes below the key "addresses" of the mapping around, a server's or that of the file. Step is
// what the keys of around are indented by.
func (e *editor) addresses(around *yaml.Node, step string, changes []*change) {
	i := find(around, "addresses")
	if i < 0 {
		e.addAddresses(around, step, changes)
		return
	}
	switch v := around.Content[i+1]; {
	case v.Kind == yaml.MappingNode && e.remove:
		e.removeEntries(around, i, changes)
	case v.Kind == yaml.MappingNode:
		e.setEntries(v, changes)
	default:
		e.byHand(around.Content[i])
	}
}

// addAddresses adds the key "addresses" to the mapping around.
func (e *editor) addAddresses(around *yaml.Node, step string, changes []*change) {
	if step == "" {
		step = "  "
	}
	var entries []string
	for _, c := range changes {
		entries = append(entries, newEntry(c, style{}, isFlow(around)))
	}
	if isFlow(around) {
		e.insert(around, len(around.Content)-2, false, []string{"addresses: {" + strings.Join(entries, ", ") + "}"})
		return
	}
	indent, ok := e.indent(around.Content[0])
	if !ok {
		return
	}
	line := e.eol + indent + step
	e.insert(around, len(around.Content)-2, false, []string{"addresses:" + line + strings.Join(entries, line)})
}

// placed is the key of an entry of "addresses": an address, or the first one of a prefix.
type placed struct {
	netip.Addr
	index  int // of the key in the mapping
	prefix bool
}

// keys returns the addresses and prefixes in the mapping m that can be read, ascending.
func keys(m *yaml.Node) []placed {
	list := make([]placed, 0, len(m.Content)/2)
	for i := 0; i+1 < len(m.Content); i += 2 {
		text := m.Content[i].Value
		if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, placed{p.Addr(), i, true})
		} else if a, err := netip.ParseAddr(text); err == nil {
			list = append(list, placed{a, i, false})
		}
	}
	slices.SortStableFunc(list, func(a, b placed) int { return a.Compare(b.Addr) })
	return list
}

// indexOf returns the index of the entry of addr in a mapping with the given keys, -1 if there is none.
func indexOf(list []placed, addr netip.Addr) int {
	i, _ := slices.BinarySearchFunc(list, addr, func(k placed, a netip.Addr) int { return k.Compare(a) })
	for ; i < len(list) && list[i].Addr == addr; i++ {
		if !list[i].prefix {
			return list[i].index
		}
	}
	return -1
}

// setEntries makes changes that leave an entry in the mapping m of addresses.
func (e *editor) setEntries(m *yaml.Node, changes []*change) {
	list, styles := keys(m), newGuide(m)
	type place struct {
		index  int // of the key beside it; negative in an empty mapping
		before bool
	}
	added := make(map[place][]string)
	var places []place
	for _, c := range changes {
		i := indexOf(list, c.Addr)
		switch {
		case i >= 0 && c.name.Value == "":
			e.clear(m, i)
			continue
		case i >= 0:
			e.setValue(m, i, c, styles.beside(i, c.Addr))
			continue
		}
		at, _ := slices.BinarySearchFunc(list, c.Addr, func(k placed, a netip.Addr) int {
			if k.Compare(a) <= 0 {
				return -1
			}
			return 1
		})
		p := place{len(m.Content) - 2, false}
		switch { // beside its own family
		case at > 0 && list[at-1].Is4() == c.Addr.Is4():
			p.index = list[at-1].index
		case at < len(list) && list[at].Is4() == c.Addr.Is4():
			p = place{list[at].index, true}
		}
		if added[p] == nil {
			places = append(places, p)
		}
		added[p] = append(added[p], newEntry(c, styles.beside(p.index, c.Addr), isFlow(m)))
	}
	for _, p := range places {
		e.insert(m, p.index, p.before, added[p])
	}
}

// A style is how entries are written.
type style struct {
	key, name    yaml.Style // quotes
	dot          bool       // at the end of names
	known, named bool       // whether there is an entry to learn key from, and one for name and dot
}

// learn adds to s what it lacks and the entry with the key k and the value v shows. Keys of the other family show
// nothing.
func (s *style) learn(k, v *yaml.Node, six bool) {
	if !s.known && strings.Contains(k.Value, ":") == six {
		s.key, s.known = k.Style&quoted, true
	}
	if v.Kind == yaml.MappingNode {
		if i := find(v, "name"); i >= 0 {
			v = v.Content[i+1]
		}
	}
	if !s.named && v.Kind == yaml.ScalarNode && !isNull(v) {
		s.name, s.dot, s.named = v.Style&quoted, strings.HasSuffix(v.Value, "."), true
	}
}

// A guide knows the style of the entries of a mapping: that of the first ones, of each family.
type guide struct {
	m         *yaml.Node
	four, six style
}

func newGuide(m *yaml.Node) *guide {
	g := &guide{m: m}
	for i := 0; i+1 < len(m.Content); i += 2 {
		g.four.learn(m.Content[i], m.Content[i+1], false)
		g.six.learn(m.Content[i], m.Content[i+1], true)
	}
	return g
}

// beside returns the style for addr at or beside the entry at index, negative for none: that of this entry, as far as
// it shows it.
func (g *guide) beside(index int, addr netip.Addr) style {
	var s style
	if index >= 0 {
		s.learn(g.m.Content[index], g.m.Content[index+1], addr.Is6())
	}
	general := g.four
	if addr.Is6() {
		general = g.six
	}
	if !s.known {
		s.key, s.known = general.key, general.known
	}
	if !s.named {
		s.name, s.dot, s.named = general.name, general.dot, general.named
	}
	return s
}

// newEntry returns the text of an entry.
func newEntry(c *change, s style, flow bool) string {
	k := c.Addr.String()
	if flow && (strings.HasPrefix(k, ":") || !s.known && c.Addr.Is6()) {
		s.key = yaml.DoubleQuotedStyle
	}
	return quote(k, s.key) + ": " + newValue(c, s)
}

// newValue returns the text of the value of an entry.
func newValue(c *change, s style) string {
	name := c.nameText(s)
	if !c.setsTTL() {
		return name
	}
	return "{name: " + name + ", ttl: " + c.TTL + "}"
}

// nameText returns c's name in a style, otherwise as it was given. If it has characters that could surprise YAML, its
// ASCII form is returned.
func (c *change) nameText(s style) string {
	name := c.Name
	for _, r := range name {
		if r >= 0x80 && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
			name = c.name.Value
		}
	}
	if name != "." {
		name = strings.TrimSuffix(name, ".")
		if s.dot {
			name += "."
		}
	}
	if ascii(name) && !isPlain(name) {
		return quote(name, cmp.Or(s.name, yaml.DoubleQuotedStyle))
	}
	return quote(name, s.name)
}

// quote puts text, which has no quotes itself, into quotes.
func quote(text string, s yaml.Style) string {
	switch {
	case s&yaml.SingleQuotedStyle != 0:
		return "'" + text + "'"
	case s&yaml.DoubleQuotedStyle != 0:
		return `"` + text + `"`
	}
	return text
}

// setValue sets the name of the entry at index i of the mapping m, in the style s, and its TTL if c has one.
func (e *editor) setValue(m *yaml.Node, i int, c *change, s style) {
	it, ok := e.item(m, i)
	if !ok {
		return
	}
	switch v := it.v; {
	case isEmpty(v):
		e.fill(it, newValue(c, s))
	case v.Kind == yaml.ScalarNode && c.setsTTL() || isNull(v) || v.Kind == yaml.MappingNode && len(v.Content) == 0:
		e.splice(it.value, it.end, newValue(c, s))
	case v.Kind == yaml.ScalarNode:
		e.setName(v, c)
	case v.Kind == yaml.MappingNode:
		e.setLong(it, c, s)
	default:
		e.byHand(v)
	}
}

// fill writes a value where there is none.
func (e *editor) fill(it item, text string) {
	switch {
	case it.bare:
		text = ": " + text
	case it.end == it.colon:
		text = " " + text
	}
	e.splice(it.end, it.end, text)
}

// setName replaces the name n by that of c.
func (e *editor) setName(n *yaml.Node, c *change) {
	begin, end, ok := e.span(n)
	if !ok {
		return
	}
	if name, err := ParseName(n.Value); err != nil || name != c.name.Value {
		e.splice(begin, end, c.nameText(style{name: n.Style & quoted, dot: strings.HasSuffix(n.Value, ".")}))
	}
}

// setLong sets the name and the TTL in the long form of an entry's value.
func (e *editor) setLong(it item, c *change, s style) {
	v := it.v
	name, names, ttl := find(v, "name"), find(v, "names"), find(v, "ttl")
	for i := 0; i < len(v.Content); i += 2 {
		if i != name && i != names && i != ttl {
			e.byHand(v.Content[i])
			return
		}
	}
	one := isFlow(v) && !bytes.ContainsRune(e.data[it.value:it.end], '\n')
	pair := "name: " + c.nameText(s)
	switch {
	case c.TTL == DefaultTTL && one:
		e.splice(it.value, it.end, newValue(c, s))
		return
	case name >= 0:
		e.setName(v.Content[name+1], c)
	case names >= 0 && len(v.Content[names+1].Content) == 1:
		e.setName(v.Content[names+1].Content[0], c)
	case names >= 0:
		e.replace(v, names, pair)
	case c.TTL == DefaultTTL:
		e.replace(v, ttl, pair)
		return
	default:
		e.insert(v, 0, true, []string{pair})
	}
	switch {
	case c.TTL == DefaultTTL && ttl >= 0:
		e.removeItems(v, []int{ttl})
	case !c.setsTTL():
	case ttl < 0:
		e.insert(v, len(v.Content)-2, false, []string{"ttl: " + c.TTL})
	default:
		old := v.Content[ttl+1]
		seconds, ok := parseSeconds(old.Value)
		if begin, end, known := e.span(old); known && (!ok || seconds != uint64(c.ttl.Value)) {
			e.splice(begin, end, quote(c.TTL, old.Style))
		}
	}
}

// replace puts text in the place of the key and value at index i of the mapping m.
func (e *editor) replace(m *yaml.Node, i int, text string) {
	if it, ok := e.item(m, i); ok {
		e.splice(it.begin, it.end, text)
	}
}

// clear takes the value at index i of the mapping m away.
func (e *editor) clear(m *yaml.Node, i int) {
	it, ok := e.item(m, i)
	if !ok {
		return
	}
	switch {
	case isFlow(m): // the space behind the colon has to stay
		e.splice(it.value, it.end, "")
	case bytes.IndexByte(e.data[it.colon:it.value], '\n') >= 0:
		begin, end := e.lines(it.value, it.end)
		e.splice(begin, end, "")
	default:
		e.splice(it.colon, it.end, "")
	}
}

// removeEntries takes the entries of changes out of the mapping of addresses at index i of the one around it.
func (e *editor) removeEntries(around *yaml.Node, i int, changes []*change) {
	m := around.Content[i+1]
	list := keys(m)
	var indices []int
	for _, c := range changes {
		if j := indexOf(list, c.Addr); j >= 0 {
			indices = append(indices, j)
		}
	}
	it, ok := e.item(around, i)
	switch {
	case !ok:
	case len(indices) < len(m.Content)/2:
		e.removeItems(m, indices)
	case len(around.Content) > 2:
		e.removeItems(around, []int{i})
	case isFlow(m):
		e.splice(it.value, it.end, "{}")
	default:
		begin, end := e.lines(it.value, it.end)
		e.splice(it.colon, it.colon, " {}")
		e.splice(begin, end, "")
	}
}
