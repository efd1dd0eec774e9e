package authority

import (
	"net/netip"
	"unsafe"

	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Scratch is memory for the names that answers are made of, so that questions take no allocation. It is for one
// question at a time: the next one overwrites what the last Answer, and Records of it, consist of.
//
// In its answers, the owner of a Record is "" where it is the QNAME, so that this is looked at only where it decides.
type Scratch struct {
	alias    [maxText]byte
	fallback [maxText]byte
	target   [maxText]byte // of the last Record
	addrs    [8]netip.Addr
}

// maxText is the most bytes that a name takes in presentation format without escapes, with the final dot.
const maxText = 254

// Answer sets a to what g.Answer returns. It allocates if qname is not in lower case.
func (s *Scratch) Answer(a *Answer, g *Generation, qname string, qtype uint16, dnssecOK bool) {
	*a = Answer{dnssecOK: dnssecOK, scratch: s}
	g.decide(a, qname, qtype)
}

// AnswerPrefix sets a to what g.Answer returns for the name of p in the reverse-mapping domain, which has the given
// length in bytes. Where the name itself is needed to decide, it returns false.
func (s *Scratch) AnswerPrefix(a *Answer, g *Generation, p netip.Prefix, length int, qtype uint16, dnssecOK bool) bool {
	*a = Answer{dnssecOK: dnssecOK, scratch: s}
	n := g.around(p)
	return g.decideWithout(a, n, n.top(), p, length, qtype)
}

// The functions of a Scratch that make names allocate them if it is nil.

// name returns one of the names of a set.
func (s *Scratch) name(set snapshot.RRset, i int) string {
	if s == nil {
		return set.Name(i)
	}
	return text(set.AppendName(s.target[:0], i))
}

// expand returns the fallback of an address.
func (s *Scratch) expand(t *hostname.Template, addr netip.Addr) (string, error) {
	v := hostname.Values{Addr: addr}
	if s == nil {
		return t.Expand(v)
	}
	b, err := t.Append(s.fallback[:0], v)
	return text(b), err
}

// aliasTarget is the function of that name.
func (s *Scratch) aliasTarget(d *snapshot.Delegation, addr netip.Addr) string {
	if s == nil {
		return aliasTarget(d, addr)
	}
	return text(append(append(appendOctet(s.alias[:0], addr), '.'), d.Name...))
}

// addresses returns room for addresses.
func (s *Scratch) addresses() []netip.Addr {
	if s == nil {
		return nil
	}
	return s.addrs[:0]
}

// text returns b as a string that changes with it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
