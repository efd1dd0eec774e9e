package source

import (
	"cmp"
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

// Edited is what a source is to become. Nothing is written until Write.
type Edited struct {
	Source *Source    // what the files say then
	Found  diag.List  // while Source was read, as by Load
	Files  []FileEdit // by path; none if the source says already what it should
}

// A FileEdit is a file whose text changes.
type FileEdit struct {
	Path     string // as in Source.Files
	Old, New []byte
}

// ReadFile returns what the file at path holds when e is written.
func (e *Edited) ReadFile(path string) ([]byte, error) {
	if i, ok := slices.BinarySearchFunc(e.Files, path, FileEdit.compare); ok {
		return e.Files[i].New, nil
	}
	return os.ReadFile(path)
}

func (f FileEdit) compare(path string) int { return cmp.Compare(f.Path, path) }

// The findings of Apply that are about an edit have these rules, or that of the same mistake in a source.
const (
	RuleEditRepeated  = "edit-repeated"  // an address is edited twice
	RuleEditAmbiguous = "edit-ambiguous" // the source has an address twice, so that nobody knows which entry is meant
	RuleEditByHand    = "edit-by-hand"   // the source has it in a form that only people should touch
)

// Apply makes edits in the text of s, which Load has returned together with found. It looks an address up wherever it
// is, and changes no more of the text than it has to. An address that is not listed gets an entry: among the addresses
// of the server whose primary address it is or to whom it is routed; else, if it lies in a block, among those of no
// server in the file that has the one before it in that block, or the one behind it, or else in the root file. An
// address of no server loses its entry together with its name, since it has to have one.
//
// All edits are made or none: if there are findings, they are why not. Those of found are among them that leave it open
// what the source says: files that could not be read, and keys that are there twice. Apply reads files and writes none.
func Apply(s *Source, found diag.List, edits []Edit) (*Edited, diag.List, error) {
	unclear := slices.DeleteFunc(slices.Clone(found), func(d diag.Diagnostic) bool {
		return !slices.Contains([]string{"syntax", "include-invalid", "duplicate-key"}, d.Rule)
	})
	if len(unclear) > 0 {
		return nil, unclear, nil
	}
	pl := plan{source: s, changes: make(map[netip.Addr]*change, len(edits))}
	for i := range edits {
		if err := pl.add(&edits[i]); err != nil {
			return nil, nil, err
		}
	}
	pl.locate()
	pl.place()
	if len(pl.findings) > 0 {
		return nil, pl.findings.Sort(), nil
	}
	e := new(Edited)
	var err error
	if e.Files, err = pl.edit(); err != nil || len(pl.findings) > 0 {
		return nil, pl.findings.Sort(), err
	}
	if len(e.Files) == 0 {
		e.Source, e.Found = s, found
		return e, nil, nil
	}
	if e.Source, e.Found, err = loadEdited(s, found, e.Files); err != nil {
		return nil, nil, err
	}
	if err := pl.check(e.Source); err != nil {
		return nil, nil, err
	}
	return e, nil, nil
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
	source   *Source
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
	for i := range pl.source.Blocks {
		blocks.add(pl.source.Blocks[i].Prefix.Prefix, nil)
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
func (pl *plan) edit() ([]FileEdit, error) {
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
		if f.Old, failed[i] = os.ReadFile(f.Path); failed[i] == nil {
			f.New, findings[i], failed[i] = editFile(f.Path, f.Old, by[f.Path])
		}
	})
	pl.findings = slices.Concat(findings...)
	return files, errors.Join(failed...)
}

// loadEdited returns what Load would for s, which it has returned together with found, if some files held something
// else. It reads no others again.
func loadEdited(s *Source, found diag.List, files []FileEdit) (*Source, diag.List, error) {
	edited := make(map[string][]byte, len(files))
	for _, f := range files {
		edited[f.Path] = f.New
	}
	data, ok := edited[s.Root]
	var err error
	if !ok {
		if data, err = os.ReadFile(s.Root); err != nil {
			return nil, nil, fmt.Errorf("read source: %w", err)
		}
	}
	folder, err := OpenFolder(s.Root)
	if err != nil {
		return nil, nil, fmt.Errorf("read source: %w", err)
	}
	defer folder.Close()
	folder.edited, folder.forms = edited, forms(s, found, edited)
	f, doc := readRoot(s.Root, data, ReadOptions{})
	f.include(folder, real(s.Root), doc, ReadOptions{})
	t, found := f.Join()
	return t, found, nil
}

// forms returns what the included files of s say, except for edited ones, by their paths.
func forms(s *Source, found diag.List, edited map[string][]byte) map[string]string {
	by := make(map[string]*parser, len(s.Files))
	for _, file := range s.Files[1:] {
		if _, ok := edited[file]; !ok {
			by[file] = &parser{file: file}
		}
	}
	distribute(by, s.Accounts, func(s *Source) *[]Account { return &s.Accounts },
		func(a *Account) string { return a.Name.Pos.File })
	distribute(by, s.Blocks, func(s *Source) *[]Block { return &s.Blocks },
		func(b *Block) string { return b.Prefix.Pos.File })
	distribute(by, s.Servers, func(s *Source) *[]Server { return &s.Servers },
		func(s *Server) string { return s.Name.Pos.File })
	distribute(by, s.Addresses, func(s *Source) *[]Address { return &s.Addresses },
		func(a *Address) string { return a.Addr.Pos.File })
	distribute(by, s.Waivers, func(s *Source) *[]Waiver { return &s.Waivers },
		func(w *Waiver) string { return w.Pos.File })
	for _, d := range found {
		if p := by[d.Pos.File]; p != nil {
			p.findings = append(p.findings, d)
		}
	}
	forms := make(map[string]string, len(by))
	r := new(room)
	for file, p := range by {
		forms[file] = encode(file, &p.doc, p.findings, r)
	}
	return forms
}

// distribute gives the parts of a joined list back to their files.
func distribute[T any](by map[string]*parser, list []T, part func(*Source) *[]T, file func(*T) string) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && file(&list[n]) == file(&list[0]) {
			n++
		}
		if p := by[file(&list[0])]; p != nil {
			*part(&p.doc.Source) = list[:n:n]
		}
		list = list[n:]
	}
}

// check compares what the edited files say with what they should: the changes, and all else as before. An error of it
// is a mistake of this package, which must not cost anybody a source.
func (pl *plan) check(edited *Source) error {
	old := pl.source
	same := slices.Equal(old.Files, edited.Files) && len(old.Servers) == len(edited.Servers) &&
		len(old.Blocks) == len(edited.Blocks) && len(old.Accounts) == len(edited.Accounts) &&
		pl.checkAddresses(old.Addresses, edited.Addresses, nil)
	for i := 0; same && i < len(old.Servers); i++ {
		a, b := &old.Servers[i], &edited.Servers[i]
		same = a.Name.Value == b.Name.Value && a.Product.Value == b.Product.Value &&
			a.Account.Value == b.Account.Value && a.Helo.Value == b.Helo.Value &&
			slices.EqualFunc(a.Primary, b.Primary, func(a, b Addr) bool { return a.Addr == b.Addr }) &&
			slices.EqualFunc(a.Routed, b.Routed, func(a, b Prefix) bool { return a.Prefix == b.Prefix }) &&
			pl.checkAddresses(a.Addresses, b.Addresses, a)
	}
	for _, c := range pl.changes {
		same = same && c.seen == (c.file != "" && !c.removes())
	}
	if !same {
		return errors.New("the edited source would not say what it should, so nothing is written; " +
			"if no file has changed meanwhile, this is a mistake in revmap")
	}
	return nil
}

// checkAddresses compares the addresses of a server, nil for none, with what they became.
func (pl *plan) checkAddresses(old, edited []Address, s *Server) bool {
	rest := slices.DeleteFunc(slices.Clone(old), func(a Address) bool { return pl.change(&a) != nil })
	for i := range edited {
		a := &edited[i]
		if c := pl.change(a); c != nil {
			if c.seen || c.server != s || !c.says(a) {
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
