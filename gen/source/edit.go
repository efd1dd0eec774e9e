package source

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/parallel"
)

// An Edit sets the reverse map name of one address, or takes it away.
type Edit struct {
	Addr netip.Addr
	Name string // as the source may have it, with or without final dot; "" takes the name and its TTL away
	// TTL is that of the name: a duration as the source has it, "default" for the one of all names, or "" to leave
	// alone what is there. It must be "" if there is no name.
	TTL    string
	Remove bool          // the entry goes, too; only without a name
	Pos    diag.Position // where the edit is written, for findings
}

// DefaultTTL is the TTL of an Edit that takes the TTL of an address away.
const DefaultTTL = "default"

// EditedFiles are what a source is to become. Nothing is written until Write.
type EditedFiles struct {
	Files   *Files     // what the files say then
	Changed []int      // the numbers of those in Texts, ascending
	Texts   []FileEdit // by path; none if the source says already what it should
}

// A FileEdit is a file whose text changes.
type FileEdit struct {
	Path     string // as in Source.Files
	Old, New []byte
}

// ReadFile returns what the file at path holds when e is written.
func (e *EditedFiles) ReadFile(path string) ([]byte, error) { return e.Over(os.ReadFile)(path) }

// Over returns a function that returns what files hold once e is written; read returns it for those that e leaves alone.
func (e *EditedFiles) Over(read func(path string) ([]byte, error)) func(path string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if i, ok := slices.BinarySearchFunc(e.Texts, path, FileEdit.compare); ok {
			return e.Texts[i].New, nil
		}
		return read(path)
	}
}

func (f FileEdit) compare(path string) int { return cmp.Compare(f.Path, path) }

// The findings of Files.Edit that are about an edit have these rules, or that of the same mistake in a source.
const (
	RuleEditRepeated  = "edit-repeated"  // an address is edited twice
	RuleEditAmbiguous = "edit-ambiguous" // the source has an address twice, so that nobody knows which entry is meant
	RuleEditByHand    = "edit-by-hand"   // the source has it in a form that only people should touch
)

// Edit makes edits in the text of files, which read returns for their paths, and reads what comes out. It looks an
// address up wherever it is, and changes no more of the text than it has to. An address that is not listed gets an
// entry: among the addresses of the server whose primary address it is or to whom it is routed; else, if it lies in a
// block, among those of no server in the file that has the one before it in that block, or the one behind it, or else in
// the root file. An address of no server loses its entry together with its name, since it has to have one.
//
// All edits are made or none: if there are findings, they are why not. Those of the files are among them that leave it
// open what the source says: files that could not be read, and keys that are there twice. It is an error if read returns
// something else than what was read. Edit writes nothing, and looks for no other files.
//
// Only files that the edits have to do with are looked at, but for the first edits in Files that ReadFiles has returned,
// which takes about as long as Join. That can be done before, with no edits.
func (f *Files) Edit(edits []Edit, read func(path string) ([]byte, error)) (*EditedFiles, diag.List, error) {
	return f.edit(edits, read, concerned)
}

// edit is Edit with a choice of the files that are looked at.
func (f *Files) edit(
	edits []Edit, read func(path string) ([]byte, error), choose func([]*outline, map[netip.Addr]*change) []int,
) (*EditedFiles, diag.List, error) {
	pl := plan{changes: make(map[netip.Addr]*change, len(edits))}
	wrong := slices.DeleteFunc(f.Findings(), func(d diag.Diagnostic) bool { return !unclear(d) })
	outlines := f.outlines()
	for _, o := range outlines {
		wrong = append(wrong, o.unclear...)
		pl.blocks = append(pl.blocks, o.blocks...)
	}
	if len(wrong) > 0 {
		return nil, wrong.Sort(), nil
	}
	for i := range edits {
		if err := pl.add(&edits[i]); err != nil {
			return nil, nil, err
		}
	}
	numbers := choose(outlines, pl.changes)
	pl.source = f.some(numbers, pl.concerning)
	pl.locate()
	pl.place()
	if len(pl.findings) > 0 {
		return nil, pl.findings.Sort(), nil
	}
	by := make(map[string]int, len(numbers))
	for _, i := range numbers {
		by[f.Path(i)] = i
	}
	texts, err := pl.edit(func(path string) ([]byte, error) {
		data, err := read(path)
		if err == nil && sha256.Sum256(data) != f.Sum(by[path]) {
			err = fmt.Errorf("edit %s: %w", path, errChanged)
		}
		return data, err
	})
	if err != nil || len(pl.findings) > 0 {
		return nil, pl.findings.Sort(), err
	}
	e := &EditedFiles{Files: f, Texts: texts}
	if len(texts) == 0 {
		return e, nil, nil
	}
	for _, t := range texts {
		e.Changed = append(e.Changed, by[t.Path])
	}
	e.Files = f.with(e.Changed, texts)
	slices.Sort(e.Changed)
	if e.Files == nil || !pl.saidBy(f, e.Files, e.Changed) {
		return nil, nil, errors.New("the edited source would not say what it should, so nothing is written; " +
			"this is a mistake in revmap")
	}
	return e, nil, nil
}

// with returns f with other texts in the files of the given numbers, nil if the root file would include others.
func (f *Files) with(numbers []int, texts []FileEdit) *Files {
	g := &Files{list: slices.Clone(f.list), forwards: f.Forwards(), findings: f.Findings()}
	parallel.Each(len(numbers), func(k int) {
		i := numbers[k]
		g.list[i].read(f.Path(i), texts[k].New, i > 0, nil, nil)
	})
	if !slices.Contains(numbers, 0) {
		return g
	}
	was, _ := f.list[0].decode()
	is, _ := g.list[0].decode()
	moved := make(map[diag.Position]diag.Position) // patterns
	for _, lists := range [][2][]Text{{was.include, is.include}, {was.forwards, is.forwards}} {
		if !slices.EqualFunc(lists[0], lists[1], func(a, b Text) bool { return a.Value == b.Value }) {
			return nil
		}
		for i, t := range lists[0] {
			moved[t.Pos] = lists[1][i].Pos
		}
	}
	for i := range g.forwards {
		g.forwards[i].Pos = moved[g.forwards[i].Pos]
	}
	for i := range g.findings {
		g.findings[i].Pos = moved[g.findings[i].Pos]
	}
	return g
}

// A change is an Edit whose place is known.
type change struct {
	*Edit
	name   Name     // Value is empty if there is none
	ttl    Seconds  // of Edit.TTL, if that is a duration
	entry  *Address // that the source has; nil if it has none
	server *Server  // whose it is; nil if it is of no server
	file   string   // that is to be edited; "" if there is nothing to do
	seen   bool     // in the edited source
}

// setsTTL reports whether c sets a TTL, which is not the default.
func (c *change) setsTTL() bool { return c.TTL != "" && c.TTL != DefaultTTL }

// A plan is what is to be done to a source.
type plan struct {
	source   *Source        // what the files say that matter, as far as it does
	blocks   []netip.Prefix // of all files
	changes  map[netip.Addr]*change
	findings diag.List
}

func (pl *plan) report(pos diag.Position, rule, hint string, related []diag.Related, format string, args ...any) {
	pl.findings = append(pl.findings, diag.Diagnostic{
		Pos: pos, Severity: diag.Error, Rule: rule, Message: fmt.Sprintf(format, args...), Related: related, Hint: hint,
	})
}

// add checks an edit by itself.
func (pl *plan) add(e *Edit) error {
	switch {
	case !e.Addr.IsValid() || e.Addr.Is4In6() || e.Addr.Zone() != "":
		return fmt.Errorf("edit %v: not an address of a source", e.Addr)
	case e.Name != "" && e.Remove, e.Name == "" && e.TTL != "":
		return fmt.Errorf("edit %v: contradicts itself", e.Addr)
	}
	if other := pl.changes[e.Addr]; other != nil {
		pl.report(e.Pos, RuleEditRepeated, "keep one of the two", []diag.Related{{Pos: other.Pos, Message: "first here"}},
			"%s is to be edited twice", e.Addr)
		return nil
	}
	c := &change{Edit: e}
	pl.changes[e.Addr] = c
	p := parser{file: e.Pos.File}
	scalar := func(text string) *yaml.Node {
		return &yaml.Node{
			Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: text, Line: e.Pos.Line, Column: e.Pos.Column,
		}
	}
	if e.Name != "" {
		c.name, _ = p.host(scalar(e.Name))
	}
	if c.setsTTL() {
		p.seconds(scalar(e.TTL), &c.ttl)
	}
	pl.findings = append(pl.findings, p.findings...)
	return nil
}

// concerning returns what a file says, without what the plan has no use for, of which there can be a million addresses.
func (pl *plan) concerning(s *Source) *Source {
	edited := func(a netip.Addr) bool { return pl.changes[a] != nil }
	some := &Source{Root: s.Root}
	for i := range s.Addresses {
		a := Address{Addr: s.Addresses[i].Addr} // it can be the neighbour of one that is not listed
		if edited(a.Addr.Addr) {
			a = s.Addresses[i].clone()
		}
		some.Addresses = append(some.Addresses, a)
	}
	for i := range s.Servers {
		server := Server{Name: s.Servers[i].Name, Routed: slices.Clone(s.Servers[i].Routed)}
		for _, p := range s.Servers[i].Primary {
			if edited(p.Addr) {
				server.Primary = append(server.Primary, p)
			}
		}
		for _, a := range s.Servers[i].Addresses {
			if edited(a.Addr.Addr) {
				server.Addresses = append(server.Addresses, a.clone())
			}
		}
		if len(server.Routed)+len(server.Primary)+len(server.Addresses) > 0 {
			some.Servers = append(some.Servers, server)
		}
	}
	return some
}

func (a *Address) clone() Address { return Address{a.Addr, slices.Clone(a.Names), a.TTL} }

// locate finds the entries and servers of the addresses that the source lists.
func (pl *plan) locate() {
	ambiguous := func(c *change, a, b diag.Position) {
		pl.report(c.Pos, RuleEditAmbiguous, "mend the source first",
			[]diag.Related{{Pos: a, Message: "here"}, {Pos: b, Message: "and here"}}, "the source has %s twice", c.Addr)
	}
	entry := func(a *Address, s *Server) {
		c := pl.changes[a.Addr.Addr]
		switch {
		case c == nil:
		case c.entry != nil:
			ambiguous(c, c.entry.Addr.Pos, a.Addr.Pos)
		default:
			c.entry, c.server = a, s
		}
	}
	for i := range pl.source.Addresses {
		entry(&pl.source.Addresses[i], nil)
	}
	for i := range pl.source.Servers {
		s := &pl.source.Servers[i]
		for j := range s.Addresses {
			entry(&s.Addresses[j], s)
		}
	}
	for i := range pl.source.Servers {
		s := &pl.source.Servers[i]
		for _, p := range s.Primary {
			c := pl.changes[p.Addr]
			if c == nil || c.entry != nil || c.server == s {
				continue
			}
			if c.server != nil {
				ambiguous(c, c.server.Name.Pos, p.Pos)
				continue
			}
			c.server = s
		}
	}
}

// place decides for each change which file it is made in.
func (pl *plan) place() {
	var routed, blocks prefixes
	var others []*Address // of no server, by address
	for _, c := range pl.changes {
		switch {
		case c.done():
		case c.entry != nil:
			c.file = c.entry.Addr.Pos.File
		case c.server != nil:
			c.file = c.server.Name.Pos.File
		default:
			if blocks.by == nil {
				routed, blocks, others = pl.index()
			}
			_, s := routed.of(c.Addr)
			if s != nil {
				c.server, c.file = s, s.Name.Pos.File
				continue
			}
			block, _ := blocks.of(c.Addr)
			if !block.IsValid() {
				pl.report(c.Pos, "address-outside-blocks", `correct it, or add the block that it lies in under "blocks"`, nil,
					"%s lies in none of the blocks", c.Addr)
				continue
			}
			c.file = neighbour(others, c.Addr, block, pl.source.Root)
		}
	}
}

// errChanged tells that positions are of a text that is not there any more.
var errChanged = errors.New("the file has changed since it was read")

// done reports whether the source says already what c wants.
func (c *change) done() bool {
	if c.name.Value == "" { // an entry of no server has a name, if only one that cannot be read
		return c.entry == nil || len(c.entry.Names) == 0 && !c.removes()
	}
	if c.entry == nil || len(c.entry.Names) != 1 || c.entry.Names[0].Value != c.name.Value {
		return false
	}
	switch has := c.entry.TTL; c.TTL {
	case "":
		return true
	case DefaultTTL:
		return !has.Pos.IsValid()
	default:
		return has.Pos.IsValid() && has.Value == c.ttl.Value
	}
}

// removes reports whether c takes an entry away.
func (c *change) removes() bool { return c.name.Value == "" && (c.Remove || c.server == nil) }

// prefixes finds the smallest of some prefixes that holds an address.
type prefixes struct {
	by      map[netip.Prefix]*Server // that they are routed to; nil for a block
	lengths []int                    // that there are, the longest first
}

func (p *prefixes) add(prefix netip.Prefix, s *Server) {
	if _, ok := p.by[prefix]; ok {
		return
	}
	p.by[prefix] = s
	i, ok := slices.BinarySearchFunc(p.lengths, prefix.Bits(), func(a, b int) int { return b - a })
	if !ok {
		p.lengths = slices.Insert(p.lengths, i, prefix.Bits())
	}
}

// of returns the smallest prefix that holds addr, the zero Prefix if none does.
func (p *prefixes) of(addr netip.Addr) (netip.Prefix, *Server) {
	for _, bits := range p.lengths {
		if prefix, err := addr.Prefix(bits); err == nil { // IPv4 has no such lengths
			if s, ok := p.by[prefix]; ok {
				return prefix, s
			}
		}
	}
	return netip.Prefix{}, nil
}

// index returns the prefixes that are routed, the blocks, and the addresses of no server, ascending.
func (pl *plan) index() (routed, blocks prefixes, others []*Address) {
	routed.by, blocks.by = make(map[netip.Prefix]*Server), make(map[netip.Prefix]*Server)
	for i := range pl.source.Servers {
		s := &pl.source.Servers[i]
		for _, p := range s.Routed {
			routed.add(p.Prefix, s)
		}
	}
	for _, b := range pl.blocks {
		blocks.add(b, nil)
	}
	others = make([]*Address, len(pl.source.Addresses))
	for i := range others {
		others[i] = &pl.source.Addresses[i]
	}
	slices.SortStableFunc(others, func(a, b *Address) int { return a.Addr.Compare(b.Addr.Addr) })
	return routed, blocks, others
}

// neighbour returns the file that has the entry next to addr in a block, of those sorted by address: the one before it,
// else the one behind it, else root.
func neighbour(others []*Address, addr netip.Addr, block netip.Prefix, root string) string {
	i, _ := slices.BinarySearchFunc(others, addr, func(a *Address, b netip.Addr) int { return a.Addr.Compare(b) })
	if i > 0 && block.Contains(others[i-1].Addr.Addr) {
		return others[i-1].Addr.Pos.File
	}
	if i < len(others) && block.Contains(others[i].Addr.Addr) {
		return others[i].Addr.Pos.File
	}
	return root
}

// edit makes the changes in the files, several at a time.
func (pl *plan) edit(read func(path string) ([]byte, error)) ([]FileEdit, error) {
	by := make(map[string][]*change)
	for _, c := range pl.changes {
		if c.file != "" {
			by[c.file] = append(by[c.file], c)
		}
	}
	files := make([]FileEdit, 0, len(by))
	for _, file := range slices.Sorted(maps.Keys(by)) {
		files = append(files, FileEdit{Path: file})
	}
	findings, failed := make([]diag.List, len(files)), make([]error, len(files))
	parallel.Each(len(files), func(i int) {
		f := &files[i]
		if f.Old, failed[i] = read(f.Path); failed[i] == nil {
			f.New, findings[i], failed[i] = editFile(f.Path, f.Old, by[f.Path])
		}
	})
	pl.findings = slices.Concat(findings...)
	return files, errors.Join(failed...)
}

// saidBy reports whether files say what they should, which were old: the changed ones the changes, and all else as before.
// If they do not, that is a mistake of this package, which must not cost anybody a source.
func (pl *plan) saidBy(old, files *Files, changed []int) bool {
	for _, i := range changed {
		was, _ := old.Read(i)
		if is, _ := files.Read(i); !pl.saidByFile(was, is) {
			return false
		}
	}
	for _, c := range pl.changes {
		if c.seen != (c.file != "" && !c.removes()) {
			return false
		}
	}
	return true
}

// saidByFile is saidBy for one file.
func (pl *plan) saidByFile(old, edited *Source) bool {
	same := len(old.Servers) == len(edited.Servers) && len(old.Blocks) == len(edited.Blocks) &&
		len(old.Accounts) == len(edited.Accounts) && pl.checkAddresses(old.Addresses, edited.Addresses, nil)
	for i := 0; same && i < len(old.Servers); i++ {
		a, b := &old.Servers[i], &edited.Servers[i]
		same = a.Name.Value == b.Name.Value && a.Product.Value == b.Product.Value &&
			a.Account.Value == b.Account.Value && a.Helo.Value == b.Helo.Value &&
			slices.EqualFunc(a.Primary, b.Primary, func(a, b Addr) bool { return a.Addr == b.Addr }) &&
			slices.EqualFunc(a.Routed, b.Routed, func(a, b Prefix) bool { return a.Prefix == b.Prefix }) &&
			pl.checkAddresses(a.Addresses, b.Addresses, a)
	}
	return same
}

// checkAddresses compares the addresses of a server, nil for none, with what they became.
func (pl *plan) checkAddresses(old, edited []Address, s *Server) bool {
	rest := slices.DeleteFunc(slices.Clone(old), func(a Address) bool { return pl.change(&a) != nil })
	for i := range edited {
		a := &edited[i]
		if c := pl.change(a); c != nil {
			if c.seen || !c.server.is(s) || !c.says(a) {
				return false
			}
			c.seen = true
			continue
		}
		if len(rest) == 0 || !rest[0].same(a) {
			return false
		}
		rest = rest[1:]
	}
	return len(rest) == 0
}

// is reports whether s and t, both of which may be nil, are the same server of one state of a source.
func (s *Server) is(t *Server) bool {
	return s == nil && t == nil || s != nil && t != nil && s.Name == t.Name
}

// change returns what is to be done about a, nil if nothing is.
func (pl *plan) change(a *Address) *change {
	if c := pl.changes[a.Addr.Addr]; c != nil && c.file != "" {
		return c
	}
	return nil
}

// says reports whether a is what c makes.
func (c *change) says(a *Address) bool {
	want := Address{Addr: a.Addr}
	if c.name.Value != "" {
		want.Names = []Name{c.name}
		switch {
		case c.setsTTL():
			want.TTL = Seconds{c.ttl.Value, a.Addr.Pos}
		case c.TTL == "" && c.entry != nil:
			want.TTL = c.entry.TTL
		}
	}
	return want.same(a)
}

// same reports whether a and b say the same.
func (a *Address) same(b *Address) bool {
	return a.Addr.Addr == b.Addr.Addr &&
		slices.EqualFunc(a.Names, b.Names, func(a, b Name) bool { return a.Value == b.Value }) &&
		a.TTL.Value == b.TTL.Value && a.TTL.Pos.IsValid() == b.TTL.Pos.IsValid()
}
