package table

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
	"unique"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/hostname"
)

// A part is the rows of one file, in a form that has no pointers for each of them. It is immutable.
type part struct {
	file     string   // as positions name it; "" if there are no rows
	rows     []record // by address; one that the file lists twice is there twice, in the order of the inventory
	text     string   // the texts of all rows: the default hostname and each reverse map name, and "\n" behind each
	servers  []server
	names    string // of all servers, and "\n" behind each
	folded   string // the same in lower case
	products []unique.Handle[string]
	accounts []unique.Handle[string]
	lower    []string // the names of accounts in lower case; nil if they are that already
	places   []place
	starts   []start // by line and column
}

// A record is what a part has of a row.
type record struct {
	bytes  [16]byte // of the address; of an IPv4 one the first four
	end    uint32   // of its texts, which begin where those of the row before end
	server uint32   // its number, or noServer
	place  uint32   // its number
	start  uint32   // the number of that of Row.Pos
	ttl    uint32
	names  uint16
	origin uint8
	flags  uint8
}

// The flags of a record.
const (
	isIPv6 = 1 << iota
	isPrimary
)

func (r *record) addr() netip.Addr {
	if r.flags&isIPv6 != 0 {
		return netip.AddrFrom16(r.bytes)
	}
	return netip.AddrFrom4([4]byte(r.bytes[:]))
}

const noServer = ^uint32(0)

type server struct {
	end              uint32 // of its name, behind which there is a "\n"
	product, account uint32 // their numbers
	start            uint32 // its number
}

// A place is where addresses lie.
type place struct {
	block, delegation netip.Prefix
	fallback          *hostname.Template // nil if there is none
	named             int                // how many addresses there have a name of their own
}

// newPart returns the part of a file. It shares no memory with inv but for the templates of fallbacks.
func newPart(inv *model.Inventory) *part {
	p := &part{rows: make([]record, len(inv.Addresses)), servers: make([]server, len(inv.Servers))}
	if len(inv.Addresses) > 0 {
		p.file = strings.Clone(inv.Addresses[0].Pos().File)
	}
	numbers := make(map[*model.Server]uint32, len(inv.Servers))
	products, accounts := numbering[string]{}, numbering[string]{}
	var names strings.Builder
	for i, s := range inv.Servers {
		numbers[s] = uint32(i)
		names.WriteString(s.Name.Value)
		p.servers[i] = server{
			end:     uint32(names.Len()),
			product: products.of(s.Server.Product.Value),
			account: accounts.of(s.Server.Account.Value),
		}
		names.WriteByte('\n')
	}
	p.names, p.products, p.accounts = strings.Clone(names.String()), shared(products), shared(accounts)
	p.folded = fold(p.names)
	if slices.ContainsFunc(p.accounts, func(a unique.Handle[string]) bool { return fold(a.Value()) != a.Value() }) {
		for _, a := range p.accounts {
			p.lower = append(p.lower, fold(a.Value()))
		}
	}

	type where struct {
		block      *model.Block
		delegation *model.Delegation
	}
	places := numbering[where]{}
	var text strings.Builder
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		e := inv.Effective(a)
		r := record{server: noServer, place: places.of(where{a.Block, a.Delegation}), ttl: e.TTL, origin: uint8(e.Origin)}
		copy(r.bytes[:], a.AsSlice())
		if a.Is6() {
			r.flags |= isIPv6
		}
		if a.Primary != nil {
			r.flags |= isPrimary
		}
		if a.Server != nil {
			r.server = numbers[a.Server]
		}
		text.WriteString(a.Default)
		text.WriteByte('\n')
		if a.Entry != nil {
			r.names = uint16(min(len(a.Entry.Names), 1<<16-1))
			for _, n := range a.Entry.Names {
				text.WriteString(n.Value)
				text.WriteByte('\n')
			}
		}
		r.end = uint32(text.Len())
		p.rows[i] = r
	}
	p.text = strings.Clone(text.String())
	p.places = make([]place, len(places))
	for w, i := range places {
		q := &p.places[i]
		if w.block != nil {
			q.block, q.fallback = w.block.Prefix.Prefix, w.block.Fallback
		}
		if w.delegation != nil {
			q.delegation = w.delegation.Prefix.Prefix
		}
	}
	for i := range p.rows {
		if p.rows[i].named() {
			p.places[p.rows[i].place].named++
		}
	}
	p.addStarts(inv)
	return p
}

// numbering gives numbers to what it sees, from 0.
type numbering[K comparable] map[K]uint32

func (n numbering[K]) of(k K) uint32 {
	if i, ok := n[k]; ok {
		return i
	}
	n[k] = uint32(len(n))
	return n[k]
}

// shared returns words by their numbers. All parts have the same words, as those of most are the same.
func shared(words numbering[string]) []unique.Handle[string] {
	list := make([]unique.Handle[string], len(words))
	for w, i := range words {
		list[i] = unique.Make(w)
	}
	return list
}

// fold returns s in lower case but for the few letters that are of another length then.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
			return l
		}
		return r
	}, s)
}

// named reports whether the address has a name that is not from a fallback.
func (r *record) named() bool {
	return model.Origin(r.origin) == model.Explicit || model.Origin(r.origin) == model.Default
}

// texts returns the default hostname of a row, and its reverse map names with a "\n" behind each.
func (p *part) texts(i int) (host, names string) {
	from := uint32(0)
	if i > 0 {
		from = p.rows[i-1].end
	}
	host, names, _ = strings.Cut(p.text[from:p.rows[i].end], "\n")
	return host, names
}

// name returns the first reverse map name of a row, "" if it has none.
func (p *part) name(i int) string {
	if p.rows[i].names == 0 {
		return ""
	}
	_, names := p.texts(i)
	name, _, _ := strings.Cut(names, "\n")
	return name
}

// server returns the name of the server of a row, "" if it is of none.
func (p *part) server(i int) string {
	if s := p.rows[i].server; s != noServer {
		return p.serverName(s)
	}
	return ""
}

func (p *part) serverName(s uint32) string {
	from := uint32(0)
	if s > 0 {
		from = p.servers[s-1].end + 1
	}
	return p.names[from:p.servers[s].end]
}

// row returns the row at an index, with findings as a mark counts them.
func (p *part) row(i int, m mark) Row {
	c := &p.rows[i]
	host, names := p.texts(i)
	r := Row{
		Addr: c.addr(), Server: p.server(i), Hostname: host, Name: p.name(i), Names: int(c.names),
		TTL: c.ttl, Origin: model.Origin(c.origin), Primary: c.flags&isPrimary != 0, Listed: true,
		Block: p.places[c.place].block, Delegation: p.places[c.place].delegation,
		Pos:    p.starts[c.start].pos(p.file),
		Errors: int(m.errors), Warnings: int(m.warnings), Notes: int(m.notes),
	}
	if c.server != noServer {
		s := &p.servers[c.server]
		r.Product, r.Account = p.products[s.product].Value(), p.accounts[s.account].Value()
	}
	switch r.Origin {
	case model.Explicit:
		r.Answer = r.Name
		for name := range strings.FieldsSeq(names) {
			r.Answer = min(r.Answer, name)
		}
	case model.Default:
		r.Answer = host
	case model.Fallback:
		r.Answer, _ = p.places[c.place].fallback.Expand(hostname.Values{Addr: r.Addr})
	}
	return r
}

// A start is where something begins in a file.
type start struct {
	line, column uint32
	what         uint32 // its kind, and its number in the bits of number
}

// The kinds of what begins somewhere. Primary and ofServer are words, the others hold something.
const (
	entry     uint32 = iota << 29 // the number is that of the row
	primary                       // an address as its server has it; the number is that of the row
	ofServer                      // what a server says behind its addresses; the number is that of the server
	wholeOf                       // a server; the number is that of the server
	elsewhere                     // what is about no address

	number = 1<<29 - 1
)

func (s start) kind() uint32 { return s.what &^ number }

func (s start) pos(file string) diag.Position {
	return diag.Position{File: file, Line: int(s.line), Column: int(s.column)}
}

func (s start) compare(t start) int {
	return cmp.Or(cmp.Compare(s.line, t.line), cmp.Compare(s.column, t.column))
}

// startAt returns a start without saying of what.
func startAt(pos diag.Position) start {
	return start{line: uint32(pos.Line), column: uint32(pos.Column)}
}

// addStarts finds out where the rows and servers of p begin, and everything else that the file may have between them.
func (p *part) addStarts(inv *model.Inventory) {
	add := func(pos diag.Position, what uint32) {
		if pos.File == p.file {
			s := startAt(pos)
			s.what = what
			p.starts = append(p.starts, s)
		}
	}
	p.starts = make([]start, 0, len(inv.Addresses)+len(inv.Servers))
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Entry != nil {
			add(a.Entry.Addr.Pos, entry|uint32(i))
		}
		if a.Primary != nil {
			add(a.Primary.Pos, primary|uint32(i))
		}
	}
	for i, s := range inv.Servers {
		add(s.Name.Pos, wholeOf|uint32(i))
		if len(s.Addresses) == 0 {
			continue
		}
		behind := func(pos diag.Position) {
			if pos.Compare(s.Addresses[0].Addr.Pos) > 0 {
				add(pos, ofServer|uint32(i))
			}
		}
		behind(s.Server.Product.Pos)
		behind(s.Server.Account.Pos)
		behind(s.Helo.Pos)
		for j := range s.Routed {
			behind(s.Routed[j].Pos)
		}
	}
	s := inv.Source
	for _, pos := range []diag.Position{s.Defaults.Pos, s.Catalog.Pos, s.Registry.Pos} {
		add(pos, elsewhere)
	}
	for i := range s.Products {
		add(s.Products[i].Name.Pos, elsewhere)
	}
	for i := range s.Accounts {
		add(s.Accounts[i].Name.Pos, elsewhere)
	}
	for i := range s.Blocks {
		add(s.Blocks[i].Prefix.Pos, elsewhere)
	}
	for i := range s.ForwardZones {
		add(s.ForwardZones[i].Pos, elsewhere)
	}
	for i := range s.Forwards {
		add(s.Forwards[i].Pos, elsewhere)
	}
	for i := range s.Severities {
		add(s.Severities[i].Rule.Pos, elsewhere)
	}
	slices.SortStableFunc(p.starts, start.compare)
	p.starts = slices.Clone(p.starts) // without room for more
	for i, s := range p.starts {
		switch n := s.what & number; s.kind() {
		case entry:
			p.rows[n].start = uint32(i)
		case wholeOf:
			p.servers[n].start = uint32(i)
		}
	}
	for i, s := range p.starts {
		if n := s.what & number; s.kind() == primary && inv.Addresses[n].Entry == nil {
			p.rows[n].start = uint32(i)
		}
	}
}
