// Package authority decides what a name server answers: one question against one generation of the data, by the
// algorithm of RFC 1034 section 4.3.2. It knows neither DNS messages nor files.
package authority

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// The QTYPEs that the algorithm tells apart.
const (
	TypeNS  uint16 = 2   // RFC 1035 section 3.2.2
	TypeSOA uint16 = 6   // RFC 1035 section 3.2.2
	TypePTR uint16 = 12  // RFC 1035 section 3.2.2
	TypeANY uint16 = 255 // RFC 1035 section 3.2.3
)

// Kind tells why an answer is what it is.
type Kind uint8

const (
	Outside  Kind = iota // the name is in none of our zones: nothing is known of it
	Explicit             // a reverse map name
	Default              // a server's default hostname
	Fallback             // a name made from the block's fallback template
	Apex                 // the SOA or NS RRset of a zone
	NoData               // the name exists, the type does not (RFC 2308 section 2.2)
	NXDomain             // the name does not exist (RFC 2308 section 2.1)
)

// Kinds lists all kinds, so that whoever counts answers can prepare a counter for each.
var Kinds = []Kind{Outside, Explicit, Default, Fallback, Apex, NoData, NXDomain}

var kindNames = [...]string{"outside", "explicit", "default", "fallback", "apex", "nodata", "nxdomain"}

// String returns the word that metrics and logs use.
func (k Kind) String() string { return kindNames[k] }

// An Answer is a decision: the sections of a response by reference into the generation. Its strings live as long as the
// generation does, and keep it alive.
//
// The owner of the answer section's RRs is the QNAME as it was asked, so that its case is kept (RFC 4343 section 4.1);
// that of the authority section's SOA is Zone.Name.
type Answer struct {
	Kind Kind
	// Zone is the zone that answers, nil if Kind is Outside. Every answer from a zone is authoritative.
	Zone *snapshot.Zone
	// Type is the type of the RRs in the answer section: TypePTR, TypeSOA or TypeNS. It is 0 if the section is empty;
	// then the authority section holds the zone's SOA with NegativeTTL, and nothing else.
	Type uint16

	rrset  snapshot.RRset // of Explicit and Default
	target string         // of Fallback
}

// Len returns the number of PTR RRs in the answer section.
func (a *Answer) Len() int {
	switch {
	case a.Type != TypePTR:
		return 0
	case a.Kind == Fallback:
		return 1
	}
	return a.rrset.Len()
}

// Target returns the target of the i-th PTR RR.
func (a *Answer) Target(i int) string {
	if a.Kind == Fallback {
		return a.target
	}
	return a.rrset.Name(i)
}

// TTL returns the TTL in seconds of the RRs in the answer section.
func (a *Answer) TTL() uint32 {
	if a.Kind == Explicit || a.Kind == Default {
		return a.rrset.TTL
	}
	return a.Zone.TTL
}

// NegativeTTL returns the TTL in seconds of the SOA in the authority section (RFC 2308 section 3).
func (a *Answer) NegativeTTL() uint32 { return min(a.Zone.TTL, a.Zone.SOA.Minimum) }

// A Generation answers questions from one snapshot. It is immutable and safe for concurrent use.
type Generation struct {
	reader *snapshot.Reader
	zones  map[nameHash]*zone // by the apex
	// labels[n] tells that some apex has n labels. Most inventories have apexes of two or three different depths, so
	// finding the zone of an ip6.arpa name takes as many map lookups, not 34.
	labels    [maxLabels + 1]bool
	maxLabels int
}

// maxLabels is the most labels that a name of 255 octets can have (RFC 1035 section 2.3.4).
const maxLabels = 127

type zone struct {
	*snapshot.Zone
	classless bool
	// base is what the labels below the apex extend: the zone's own prefix, or for a classless zone the /24 around it.
	base     netip.Prefix
	fallback *hostname.Template // nil if the block has none
	next     *zone              // another whose apex has the same hash
}

// A nameHash is the hash of a name, without regard to case. It is made from the name's end, so that in one pass all
// its ancestors have theirs (FNV-1a).
type nameHash uint64

const emptyName nameHash = 14695981039346656037

// before returns the hash of the name that has c in front of the one with the hash h.
func (h nameHash) before(c byte) nameHash {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return (h ^ nameHash(c)) * 1099511628211
}

// New returns a generation that answers from r.
func New(r *snapshot.Reader) (*Generation, error) {
	g := &Generation{reader: r, zones: make(map[nameHash]*zone, len(r.Zones()))}
	for i := range r.Zones() {
		z := &zone{Zone: &r.Zones()[i], classless: r.Zones()[i].Classless()}
		z.base = z.Prefix
		if z.classless {
			z.base = netip.PrefixFrom(z.Prefix.Addr(), 24).Masked()
		}
		if z.Fallback != "" {
			t, err := hostname.Parse(z.Fallback)
			if err != nil {
				return nil, fmt.Errorf("fallback of zone %s: %w", z.Name, err)
			}
			z.fallback = t
		}
		h := emptyName
		for i := len(z.Name) - 1; i >= 0; i-- {
			h = h.before(z.Name[i])
		}
		z.next, g.zones[h] = g.zones[h], z
		n := strings.Count(z.Name, ".")
		g.labels[n] = true
		g.maxLabels = max(g.maxLabels, n)
	}
	return g, nil
}

// Reader returns the snapshot that g answers from.
func (g *Generation) Reader() *snapshot.Reader { return g.reader }

// Answer decides the answer to a question in class IN. The qname is in presentation format with the final dot, in any
// case. An answer with the kind Fallback allocates its target; no other allocates.
func (g *Generation) Answer(qname string, qtype uint16) Answer {
	z, below := g.find(qname)
	if z == nil {
		return Answer{Kind: Outside}
	}
	a := Answer{Zone: z.Zone}
	p, ok := z.prefix(below)
	if !ok {
		a.Kind = NXDomain
		return a
	}
	if below == "" {
		// An ANY query gets one RRset (RFC 8482 section 4.1).
		if qtype == TypeSOA || qtype == TypeNS || qtype == TypeANY {
			a.Kind, a.Type = Apex, qtype
			if qtype == TypeANY {
				a.Type = TypeSOA
			}
			return a
		}
		// The apex exists. It is an address of its own only where the zone is one address wide.
		if z.classless || !p.IsSingleIP() {
			a.Kind = NoData
			return a
		}
	}
	if !p.IsSingleIP() {
		a.Kind = NXDomain
		if z.fallback != nil || g.reader.Covers(z.Zone, p) {
			a.Kind = NoData // an empty non-terminal (RFC 8020 section 3.1)
		}
		return a
	}
	rrset, found := g.reader.Lookup(z.Zone, p.Addr())
	switch {
	case !found && z.fallback == nil && below != "":
		a.Kind = NXDomain
	case !found && z.fallback == nil, qtype != TypePTR && qtype != TypeANY:
		a.Kind = NoData
	case !found:
		target, err := z.fallback.Expand(hostname.Values{Addr: p.Addr()})
		if err != nil {
			// The snapshot was verified to have a name for every address. If that was wrong, say that there is none.
			a.Kind = NoData
			return a
		}
		a.Kind, a.Type, a.target = Fallback, TypePTR, target
	default:
		a.Kind, a.Type, a.rrset = Explicit, TypePTR, rrset
		if rrset.Kind == snapshot.Default {
			a.Kind = Default
		}
	}
	return a
}

// find returns the zone with the longest apex that is qname or an ancestor of it, and the labels of qname below that
// apex, without a final dot. The zone is nil if there is none.
func (g *Generation) find(qname string) (z *zone, below string) {
	// From the right, because apexes are short: what is left of the longest is not even looked at.
	h := emptyName
	labels := 0
	for i := len(qname) - 1; labels < g.maxLabels; i-- {
		if i < 0 || qname[i] == '.' && i < len(qname)-1 && !escaped(qname, i) {
			labels++
			if g.labels[labels] {
				longer := g.zones[h]
				for longer != nil && !strings.EqualFold(longer.Name, qname[i+1:]) {
					longer = longer.next
				}
				if longer != nil {
					z, below = longer, qname[:max(i, 0)]
				}
			}
		}
		if i < 0 {
			break
		}
		h = h.before(qname[i])
	}
	return z, below
}

// escaped reports whether the character at i comes after an odd number of backslashes.
func escaped(qname string, i int) bool {
	n := 0
	for i--; i >= 0 && qname[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// prefix returns the addresses at or below the name that the labels below the apex of z make: one address if the name is
// complete. It returns false if no address can be there.
func (z *zone) prefix(below string) (netip.Prefix, bool) {
	if below == "" {
		return z.Prefix, true
	}
	p, ok := arpa.Extend(z.base, below)
	if !ok || z.classless && !(p.IsSingleIP() && z.Prefix.Contains(p.Addr())) {
		return netip.Prefix{}, false
	}
	return p, true
}
