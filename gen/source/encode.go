package source

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// encode returns what a file of the given name says, with its findings, in a form that is about half as large as the
// file. It does not hold the name, so that files of the same content have the same form. It lasts no longer than one
// build of this program, and says nothing about itself. It is put together in r.
func encode(file string, d *document, findings diag.List, r *room) string {
	if r.seen == nil {
		r.seen = new([len(r.seen)]span)
	}
	clear(r.seen[:])
	c := coder{file: file, room: r, out: r.out[:0]}
	c.document(d, &findings)
	r.out = c.out
	return string(c.out)
}

// decode is the inverse of encode. The strings of what it returns are parts of the form, all else is new. It returns
// false if that is no form.
func decode(file, form string) (d *document, findings diag.List, ok bool) {
	c := coder{file: file, room: new(room), in: form, decoding: true}
	d = new(document)
	d.Root, d.Files = file, []string{file}
	c.document(d, &findings)
	if c.bad || c.at != len(c.in) {
		return nil, nil, false
	}
	return d, findings, true
}

// FrameSum returns a SHA-256 of what s says, and where in its file, apart from its entries (servers, addresses, accounts)
// and waivers. S is what one file says. For all files of the same frame it is the same in all runs of one build of this
// program.
func (s *Source) FrameSum() [sha256.Size]byte {
	d := document{Source: *s}
	d.Servers, d.Addresses, d.Accounts, d.Waivers = nil, nil, nil, nil
	c := coder{plain: true, room: new(room)}
	c.document(&d, new(diag.List))
	return sha256.Sum256(c.out)
}

// seed is that of the hashes in room.seen: which texts are found again may differ from run to run.
var seed = maphash.MakeSeed()

// A coder walks over all values of a document and writes each, or reads it. Since both directions are one walk, they
// cannot differ in what they hold and in which order.
type coder struct {
	file     string
	line     int // of the last position
	decoding bool
	plain    bool // texts are written each time

	out []byte

	in  string
	at  int  // what of it is read
	bad bool // it is no form; what was read then does not count

	*room
}

func (c *coder) document(d *document, findings *diag.List) {
	c.defaults(&d.Defaults)
	list(c, &d.Products, nil, (*coder).product)
	list(c, &d.Accounts, nil, (*coder).account)
	list(c, &d.Blocks, nil, (*coder).block)
	list(c, &d.Servers, nil, (*coder).server)
	list(c, &d.Addresses, nil, (*coder).address)
	list(c, &d.ForwardZones, nil, (*coder).name)
	c.name(&d.Catalog)
	c.registry(&d.Registry)
	list(c, &d.Severities, nil, (*coder).severity)
	list(c, &d.Waivers, nil, (*coder).waiver)
	list(c, &d.include, nil, (*coder).text)
	list(c, &d.forwards, nil, (*coder).text)
	list(c, (*[]diag.Diagnostic)(findings), nil, (*coder).finding)
}

func (c *coder) defaults(d *Defaults) {
	c.pos(&d.Pos)
	c.seconds(&d.TTL)
	list(c, &d.Nameservers, nil, (*coder).name)
	c.pos(&d.SOA.Pos)
	c.name(&d.SOA.Primary)
	c.name(&d.SOA.Contact)
	c.seconds(&d.SOA.Refresh)
	c.seconds(&d.SOA.Retry)
	c.seconds(&d.SOA.Expire)
	c.seconds(&d.SOA.NegativeTTL)
}

func (c *coder) product(p *Product) {
	c.text(&p.Name)
	c.template(&p.Hostname)
}

func (c *coder) account(a *Account) {
	c.text(&a.Name)
	list(c, &a.Domains, &c.room.names, (*coder).name)
}

func (c *coder) block(b *Block) {
	c.prefix(&b.Prefix)
	c.name(&b.Zone)
	c.template(&b.Fallback)
	list(c, &b.Vars, nil, (*coder).variable)
	list(c, &b.Delegations, nil, (*coder).delegation)
	c.registry(&b.Registry)
	list(c, &b.DS, nil, (*coder).zoneDS)
}

func (c *coder) variable(v *Var) {
	c.text(&v.Name)
	c.text(&v.Value)
}

func (c *coder) delegation(d *Delegation) {
	c.prefix(&d.Prefix)
	c.name(&d.Zone)
	list(c, &d.Nameservers, &c.room.names, (*coder).name)
	list(c, &d.DS, nil, (*coder).ds)
	list(c, &d.Glue, nil, (*coder).glue)
}

func (c *coder) glue(g *Glue) {
	c.name(&g.Name)
	list(c, &g.Addrs, &c.addrs, (*coder).addr)
}

func (c *coder) registry(r *Registry) {
	c.pos(&r.Pos)
	list(c, &r.AdminC, nil, (*coder).text)
	list(c, &r.TechC, nil, (*coder).text)
	list(c, &r.ZoneC, nil, (*coder).text)
	list(c, &r.MntBy, nil, (*coder).text)
	c.text(&r.Source)
}

func (c *coder) zoneDS(z *ZoneDS) {
	c.name(&z.Zone)
	list(c, &z.DS, nil, (*coder).ds)
}

func (c *coder) ds(d *DS) {
	number(c, &d.KeyTag)
	number(c, &d.Algorithm)
	number(c, &d.DigestType)
	digest := string(d.Digest)
	c.string(&digest)
	d.Digest = []byte(digest)
	c.pos(&d.Pos)
}

func (c *coder) server(s *Server) {
	c.text(&s.Name)
	c.text(&s.Product)
	c.text(&s.Account)
	list(c, &s.Primary, &c.addrs, (*coder).addr)
	c.name(&s.Helo)
	list(c, &s.Addresses, &c.addresses, (*coder).address)
	list(c, &s.Routed, nil, (*coder).prefix)
}

func (c *coder) address(a *Address) {
	c.addr(&a.Addr)
	list(c, &a.Names, &c.room.names, (*coder).name)
	c.seconds(&a.TTL)
}

func (c *coder) severity(s *Severity) {
	c.text(&s.Rule)
	number(c, &s.Severity)
}

func (c *coder) waiver(w *Waiver) {
	c.pos(&w.Pos)
	c.pos(&w.End)
	number(c, &w.Line)
	list(c, &w.Rules, nil, (*coder).text)
	c.day(&w.Until)
	c.string(&w.Reason)
}

func (c *coder) finding(d *diag.Diagnostic) {
	c.pos(&d.Pos)
	c.pos(&d.End)
	number(c, &d.Severity)
	c.string(&d.Rule)
	c.string(&d.Message)
	list(c, &d.Related, nil, (*coder).related)
	c.string(&d.Hint)
}

func (c *coder) related(r *diag.Related) {
	c.pos(&r.Pos)
	c.string(&r.Message)
}

func (c *coder) text(t *Text) {
	c.string(&t.Value)
	c.pos(&t.Pos)
}

func (c *coder) name(n *Name) {
	c.string(&n.Value)
	c.pos(&n.Pos)
}

func (c *coder) seconds(s *Seconds) {
	number(c, &s.Value)
	c.pos(&s.Pos)
}

// prefix writes a prefix as its address and its length. No document has one that is not valid.
func (c *coder) prefix(p *Prefix) {
	a, bits := p.Prefix.Addr(), p.Bits()
	c.ip(&a)
	number(c, &bits)
	c.pos(&p.Pos)
	if c.decoding {
		if p.Prefix = netip.PrefixFrom(a, bits); !p.IsValid() {
			c.fail()
		}
	}
}

func (c *coder) addr(a *Addr) {
	c.ip(&a.Addr)
	c.pos(&a.Pos)
}

// template writes a template as its text.
func (c *coder) template(t *Template) {
	text := ""
	if t.T != nil {
		text = t.T.String()
	}
	c.string(&text)
	c.pos(&t.Pos)
	if c.decoding && text != "" {
		var err error
		if t.T, err = hostname.Parse(text); err != nil {
			c.fail()
		}
	}
}

// day writes a time of 00:00 UTC, or the zero time.
func (c *coder) day(t *time.Time) {
	const day = 24 * 60 * 60
	days := uint64(0)
	if !t.IsZero() {
		days = 1 + zigzag(t.Unix()/day)
	}
	number(c, &days)
	if c.decoding && days > 0 {
		*t = time.Unix(unzigzag(days-1)*day, 0).UTC()
	}
}

// ip writes an address as its length and its bytes.
func (c *coder) ip(a *netip.Addr) {
	if !c.decoding {
		b := a.AsSlice()
		c.out = append(append(c.out, byte(len(b))), b...)
		return
	}
	switch n := c.next(); n {
	case 0:
	case 4:
		if b := c.bytes(4); b != "" {
			*a = netip.AddrFrom4([4]byte([]byte(b)))
		}
	case 16:
		if b := c.bytes(16); b != "" {
			*a = netip.AddrFrom16([16]byte([]byte(b)))
		}
	default:
		c.fail()
	}
}

// pos writes a position as its column plus 1 and its distance in lines from the one before; the zero Position is 0.
func (c *coder) pos(p *diag.Position) {
	switch {
	case c.decoding:
		if column := c.next(); column > 0 {
			c.line += int(unzigzag(c.next()))
			*p = diag.Position{File: c.file, Line: c.line, Column: int(column - 1)}
		}
	case *p == diag.Position{}:
		c.put(0)
	default:
		c.put(uint64(p.Column + 1))
		c.put(zigzag(int64(p.Line - c.line)))
		c.line = p.Line
	}
}

// string writes twice the length of a text and the text; or if that is there already, 1 plus twice the distance of this
// place to it, and its length.
func (c *coder) string(s *string) {
	if c.decoding {
		here := c.at
		n := c.next()
		if n&1 == 0 {
			*s = c.bytes(n / 2)
			return
		}
		distance, length := n/2, c.next()
		if distance > uint64(here) || length > distance {
			c.fail()
			return
		}
		begin := here - int(distance)
		*s = c.in[begin : begin+int(length)]
		return
	}
	if c.plain {
		c.put(uint64(len(*s)) * 2)
		c.out = append(c.out, *s...)
		return
	}
	first := &c.seen[maphash.String(seed, *s)%uint64(len(c.seen))]
	if len(*s) > 2 && string(c.out[first.begin:first.end]) == *s {
		c.put(uint64(len(c.out)-first.begin)*2 + 1)
		c.put(uint64(len(*s)))
		return
	}
	c.put(uint64(len(*s)) * 2)
	*first = span{len(c.out), len(c.out) + len(*s)}
	c.out = append(c.out, *s...)
}

// list writes how many items a list has and each of them. An empty list is read as nil. From is where to take it from, nil
// for a list that is made by itself.
func list[T any](c *coder, items *[]T, from *array[T], item func(*coder, *T)) {
	if c.decoding {
		n := c.next()
		if n > uint64(len(c.in)-c.at) { // an item has at least one byte
			c.fail()
		} else if n > 0 && from == nil {
			*items = make([]T, n)
		} else if n > 0 {
			*items = from.take(int(n))
		}
	} else {
		c.put(uint64(len(*items)))
	}
	for i := range *items {
		item(c, &(*items)[i])
	}
}

// number writes a number that is not negative.
func number[T ~uint8 | ~uint16 | ~uint32 | ~int | ~uint64](c *coder, v *T) {
	if c.decoding {
		*v = T(c.next())
	} else {
		c.put(uint64(*v))
	}
}

// put writes a number in 7 bits a byte, the lowest first; the highest bit of a byte says that more follow.
func (c *coder) put(v uint64) { c.out = binary.AppendUvarint(c.out, v) }

// next reads a number.
func (c *coder) next() uint64 {
	if c.at < len(c.in) && c.in[c.at] < 0x80 {
		c.at++
		return uint64(c.in[c.at-1])
	}
	var v uint64
	for shift := 0; c.at < len(c.in) && shift < 64; shift += 7 {
		b := c.in[c.at]
		c.at++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	c.fail()
	return 0
}

// bytes reads n bytes; "" if there are not as many.
func (c *coder) bytes(n uint64) string {
	if n > uint64(len(c.in)-c.at) {
		c.fail()
		return ""
	}
	c.at += int(n)
	return c.in[c.at-int(n) : c.at]
}

// fail makes c read nothing more than zeros.
func (c *coder) fail() { c.bad, c.at = true, len(c.in) }

// zigzag makes small numbers of both signs small ones without a sign.
func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
