package authority

import (
	"net/netip"
	"sort"

	"github.com/revmap/revmap/internal/snapshot"
)

// The types of RRs that a snapshot holds, and the QTYPE that asks for any of them.
const (
	TypeA     uint16 = 1   // RFC 1035 section 3.4.1
	TypeNS    uint16 = 2   // RFC 1035 section 3.3.11
	TypeCNAME uint16 = 5   // RFC 1035 section 3.3.1
	TypeSOA   uint16 = 6   // RFC 1035 section 3.3.13
	TypePTR   uint16 = 12  // RFC 1035 section 3.3.12
	TypeTXT   uint16 = 16  // RFC 1035 section 3.3.14
	TypeAAAA  uint16 = 28  // RFC 3596 section 2.1
	TypeDS    uint16 = 43  // RFC 4034 section 5
	TypeANY   uint16 = 255 // RFC 1035 section 3.2.3
)

// Kind tells why an answer is what it is.
type Kind uint8

const (
	Outside   Kind = iota // the name is in none of our zones: nothing is known of it
	Explicit              // a reverse map name
	Default               // a server's default hostname
	Fallback              // a name made from the block's fallback template
	Forward               // the addresses of a default hostname, or of a name made from a fallback
	Apex                  // the SOA or NS RRset of a zone
	Alias                 // a CNAME whose target is not ours (RFC 2317)
	Delegated             // the DS RRset of a zone that we delegate
	Referral              // the name servers of a zone that we delegate
	Listed                // a record of the catalog zone (RFC 9432)
	NoData                // the name exists, the type does not (RFC 2308 section 2.2)
	NXDomain              // the name does not exist (RFC 2308 section 2.1)
)

// Kinds lists all kinds, so that whoever counts answers can prepare a counter for each.
var Kinds = []Kind{
	Outside, Explicit, Default, Fallback, Forward, Apex, Alias, Delegated, Referral, Listed, NoData, NXDomain,
}

var kindNames = [...]string{
	"outside", "explicit", "default", "fallback", "forward", "apex", "alias", "ds", "referral", "catalog", "nodata",
	"nxdomain",
}

// String returns the word that metrics and logs use.
func (k Kind) String() string { return kindNames[k] }

// A Section is a section of a response (RFC 1035 section 4.1).
type Section int

const (
	AnswerSection Section = iota
	AuthoritySection
	AdditionalSection
)

// A Record is one RR of class IN. Which of the fields after TTL has its data depends on Type. Strings may be part of
// what the snapshot has of its zones, and keep that in memory.
type Record struct {
	Owner  string
	Type   uint16
	TTL    uint32 // seconds
	Target string // of NS, CNAME and PTR
	Addr   netip.Addr
	DS     snapshot.DS
	Text   string         // of TXT: one character string
	SOA    *snapshot.Zone // the zone whose SOA it is
}

// An Answer is a decision: the sections of a response by reference into the generation, which lives as long as it.
//
// The zero Answer, of the kind Outside, means that there is no response to give. An Answer is immutable.
type Answer struct {
	Kind Kind
	// Zone is the zone that answers: the last one, where a CNAME leads from one to another. It is nil if Kind is Outside.
	Zone *snapshot.Zone
	// Type is the type of the RRset in the answer section, without the alias. It is 0 if there is none; then the
	// authority section has the SOA of Zone or, of a referral, the NS RRset.
	Type uint16

	qname    string
	alias    string // target of the CNAME at qname, which has the RRset; "" if qname has it
	aliasTTL uint32
	dnssecOK bool

	rrset  snapshot.RRset // of Explicit and Default
	target string         // of Fallback, Alias and Listed; of TXT its text
	host   snapshot.Host  // of Forward, unless there are addrs
	addrs  []netip.Addr   // of Forward: ascending, so that those of IPv4 come first
	cut    *cut           // of Delegated and Referral, and of Alias if the target is below one

	scratch *Scratch // nil if names are allocated
}

// Rcode returns the RCODE: 0, or 3 for a name that does not exist.
func (a *Answer) Rcode() int {
	if a.Kind == NXDomain {
		return 3
	}
	return 0
}

// AA reports whether the AA bit is set: the answer is authoritative for the QNAME (RFC 1035 section 4.1.1).
func (a *Answer) AA() bool { return a.Kind != Referral }

// Len returns the number of RRs in a section.
func (a *Answer) Len(s Section) int {
	switch s {
	case AnswerSection:
		if a.alias != "" {
			return 1 + a.len()
		}
		return a.len()
	case AuthoritySection:
		switch {
		case a.refers() && a.dnssecOK:
			return len(a.cut.NS) + len(a.cut.DS)
		case a.refers():
			return len(a.cut.NS)
		case a.Kind == NoData || a.Kind == NXDomain:
			return 1
		}
	case AdditionalSection:
		if a.refers() {
			return len(a.cut.additional)
		}
	}
	return 0
}

// refers reports whether the authority section names the servers of another zone.
func (a *Answer) refers() bool { return a.cut != nil && a.Type == 0 }

// len returns the number of RRs in the answer section without the alias.
func (a *Answer) len() int {
	switch a.Type {
	case 0:
		return 0
	case TypeNS:
		return len(a.Zone.NS)
	case TypeDS:
		return len(a.cut.DS)
	case TypePTR:
		if a.Kind == Explicit || a.Kind == Default {
			return a.rrset.Len()
		}
	case TypeA:
		n, _ := a.countAddresses()
		return n
	case TypeAAAA:
		_, n := a.countAddresses()
		return n
	}
	return 1
}

// countAddresses returns how many addresses of each family there are.
func (a *Answer) countAddresses() (n4, n6 int) {
	n := a.host.Len()
	if a.addrs != nil {
		n = len(a.addrs)
	}
	n4 = sort.Search(n, func(i int) bool { return a.addr(i).Is6() })
	return n4, n - n4
}

func (a *Answer) addr(i int) netip.Addr {
	if a.addrs != nil {
		return a.addrs[i]
	}
	return a.host.Addr(i)
}

// Above reports whether the owners of all RRs in a section are known to be the QNAME or above it.
func (a *Answer) Above(s Section) bool { return s == AuthoritySection && a.alias == "" }

// Record returns the i-th RR of a section; 0 <= i < Len(s). The owner of the first RR in the answer section is the
// QNAME as it was asked, so that its case is kept (RFC 4343 section 4.1).
//
// It and what it calls for answers of one RR need little stack: see docs/decisions/0008.
func (a *Answer) Record(s Section, i int) (r Record) {
	switch {
	case s == AnswerSection && a.alias == "" && a.Type != TypeDS:
		a.setRecord(&r, a.qname, i)
	case s == AuthoritySection && !a.refers():
		// RFC 2308 section 3
		r.Owner, r.Type, r.TTL, r.SOA = a.Zone.Name, TypeSOA, min(a.Zone.TTL, a.Zone.SOA.Minimum), a.Zone
	default:
		a.setOther(&r, s, i)
	}
	return r
}

// setRecord sets r to the i-th RR of the RRset in the answer section.
func (a *Answer) setRecord(r *Record, owner string, i int) {
	r.Owner, r.Type, r.TTL = owner, a.Type, a.Zone.TTL
	switch a.Type {
	case TypeSOA:
		r.SOA = a.Zone
	case TypeNS:
		r.Target = a.Zone.NS[i]
	case TypeA:
		r.Addr = a.addr(i)
	case TypeAAAA:
		n4, _ := a.countAddresses()
		r.Addr = a.addr(n4 + i)
	case TypeTXT:
		r.Text = a.target
	default:
		r.Target = a.target
		if a.Kind == Explicit || a.Kind == Default {
			r.TTL, r.Target = a.rrset.TTL, a.scratch.name(a.rrset, i)
		}
	}
}

// setOther sets r to an RR that is part of a delegation, or that stands beside one.
//
//go:noinline
func (a *Answer) setOther(r *Record, s Section, i int) {
	switch {
	case s == AdditionalSection:
		*r = a.cut.additional[i]
	case s == AuthoritySection && i < len(a.cut.NS):
		*r = a.cut.ns(i)
	case s == AuthoritySection:
		*r = a.cut.ds(i-len(a.cut.NS), a.cut.Name)
	case a.alias == "":
		*r = a.cut.ds(i, a.qname)
	case i == 0:
		r.Owner, r.Type, r.TTL, r.Target = a.qname, TypeCNAME, a.aliasTTL, a.alias
	case a.Type == TypeDS:
		*r = a.cut.ds(i-1, a.alias)
	default:
		a.setRecord(r, a.alias, i-1)
	}
}

func (c *cut) ns(i int) Record {
	return Record{Owner: c.Name, Type: TypeNS, TTL: c.zone.TTL, Target: c.NS[i]}
}

func (c *cut) ds(i int, owner string) Record {
	return Record{Owner: owner, Type: TypeDS, TTL: c.zone.TTL, DS: c.DS[i]}
}

// address returns the A or AAAA RR of an address.
func address(owner string, ttl uint32, addr netip.Addr) Record {
	r := Record{Owner: owner, Type: TypeA, TTL: ttl, Addr: addr}
	if addr.Is6() {
		r.Type = TypeAAAA
	}
	return r
}
