// Package forward reads forward zone files (RFC 1035) and tells which addresses the names in them have.
package forward

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

// Zones are the zones of forward zone files. They are immutable and safe for concurrent use; nil holds none. Names that
// go in and out are absolute and in lower case.
type Zones struct {
	Waivers []source.Waiver // those in the zone files and in what they include, by file and line
	list    []*Zone         // by file
	byApex  map[string]*Zone
	byAddr  func() []place // of all address records, by address, zone and line
}

// List returns the zones that are known, by file. It is read-only.
func (z *Zones) List() []*Zone {
	if z == nil {
		return nil
	}
	return z.list
}

// A Zone is what a zone file says, as far as addresses go.
type Zone struct {
	Apex   string
	File   string // the zone file, as it is in positions
	broken bool   // it was not read to the end, or cannot be told from another one: what it holds is not known
	// names has all names of the zone, also those that are there only because names below them are (RFC 4592 section
	// 2.2.2).
	names   map[string]node
	cuts    bool // some of names are delegated or have a DNAME record
	records []record
	files   []string // of the records, as they are in positions
}

// A node is a name of a zone. First and last are indexes in the zone's records, -1 if the name has none of them.
type node struct {
	first, last int32
	delegated   bool // it has NS records, and is not the apex
	redirected  bool // it has a DNAME record
}

// A record is one of type A, AAAA or CNAME.
type record struct {
	owner        string
	addr         netip.Addr // invalid for CNAME
	target       string     // of CNAME
	file         int32      // index in the zone's files
	line, column int32      // of the record's data
	next         int32      // index of the owner's next record, -1 if there is none
}

// A Record is a resource record of type A, AAAA or CNAME. Of a wildcard, the owner is the wildcard.
type Record struct {
	Zone   *Zone
	Owner  string
	Addr   netip.Addr // invalid for CNAME
	Target string     // of CNAME
	Pos    diag.Position
}

func (z *Zone) record(i int32) Record {
	r := &z.records[i]
	return Record{z, r.owner, r.addr, r.target, diag.Position{
		File: z.files[r.file], Line: int(r.line), Column: int(r.column),
	}}
}

// A Result is what is known of the addresses of a name.
type Result int

// The results of Lookup.
const (
	Unknown   Result = iota // it lies in none of the zones, is delegated or redirected (DNAME), or an alias of such a name
	NoName                  // there is no such name
	NoAddress               // it has neither A nor AAAA records
	Addresses               // it has
)

// An Answer is what Zones know of a name.
type Answer struct {
	Result
	Zone      *Zone  // the one that the name lies in; nil if it is not known
	Canonical string // the name at the end of a chain of aliases, else the name itself
	alias     int32  // index of the CNAME record in Zone, -1 if there is none
	end       *Zone  // of Canonical, if Result is Addresses
	first     int32  // index of the first record of Canonical in end
}

// Alias returns the CNAME record that the name has.
func (a *Answer) Alias() (Record, bool) {
	if a.Zone == nil || a.alias < 0 {
		return Record{}, false
	}
	return a.Zone.record(a.alias), true
}

// Records goes through the A and AAAA records at the end of a chain of aliases, in their order.
func (a *Answer) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if a.Result != Addresses {
			return
		}
		for i := a.first; i >= 0; i = a.end.records[i].next {
			if a.end.records[i].addr.IsValid() && !yield(a.end.record(i)) {
				return
			}
		}
	}
}

// Has reports whether the name has the address addr.
func (a *Answer) Has(addr netip.Addr) bool {
	if a.Result != Addresses {
		return false
	}
	for i := a.first; i >= 0; i = a.end.records[i].next {
		if a.end.records[i].addr == addr {
			return true
		}
	}
	return false
}

// maxChain is how many aliases are followed. Resolvers give up at about as many.
const maxChain = 16

// Lookup tells what the zones say of name.
func (z *Zones) Lookup(name string) Answer {
	a := Answer{Canonical: name, alias: -1}
	for range maxChain {
		zone := z.zoneOf(a.Canonical)
		if zone == nil {
			return a
		}
		n, exists, known := zone.find(a.Canonical)
		if !known {
			return a
		}
		if a.Zone == nil {
			a.Zone = zone
		}
		if !exists {
			a.Result = NoName
			return a
		}
		a.end, a.first = zone, n.first
		alias := int32(-1)
		address := false
		for i := n.first; i >= 0; i = zone.records[i].next {
			if zone.records[i].addr.IsValid() {
				address = true
			} else {
				alias = i
			}
		}
		switch {
		case alias < 0 && address:
			a.Result = Addresses
			return a
		case alias < 0:
			a.Result = NoAddress
			return a
		case a.alias < 0 && a.Canonical == name:
			a.alias = alias
		}
		a.Canonical = zone.records[alias].target
	}
	a.Result = NoAddress // a loop, most likely
	return a
}

// zoneOf returns the zone that holds name, nil if none does or it is not known what that zone holds.
func (z *Zones) zoneOf(name string) *Zone {
	if z == nil || len(z.byApex) == 0 {
		return nil
	}
	for {
		if zone := z.byApex[name]; zone != nil {
			if zone.broken {
				return nil
			}
			return zone
		}
		if name == "." {
			return nil
		}
		name = parent(name)
	}
}

// find returns what z, which holds name, has for it, perhaps by a wildcard. It is not known what there is at and below
// a name that is delegated, and below one that is redirected.
func (z *Zone) find(name string) (n node, exists, known bool) {
	if z.cuts && z.hidden(name) {
		return node{}, false, false
	}
	if n, exists = z.names[name]; exists {
		return n, true, true
	}
	encloser := parent(name) // the closest one that exists (RFC 4592 section 3.3.1)
	for {
		if _, ok := z.names[encloser]; ok {
			break
		}
		encloser = parent(encloser)
	}
	var room [256]byte
	wildcard := append(append(room[:0], "*."...), encloser...)
	n, exists = z.names[string(wildcard)]
	return n, exists, true
}

// hidden reports whether others say what name has: it is at or below a delegation, or below a DNAME record.
func (z *Zone) hidden(name string) bool {
	for up := name; ; up = parent(up) {
		if n := z.names[up]; n.delegated || n.redirected && up != name {
			return true
		}
		if up == z.Apex {
			return false
		}
	}
}

// parent returns name without its first label; the root if it has one only.
func parent(name string) string {
	if _, rest, _ := strings.Cut(name, "."); rest != "" {
		return rest
	}
	return "."
}

// All goes through the address records of all zones, by file and in their order, without those that the zones only hold
// for others (glue).
func (z *Zones) All() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for p := range z.places() {
			if !yield(p.zone.record(p.index)) {
				return
			}
		}
	}
}

// A place is that of a record.
type place struct {
	zone  *Zone
	index int32
}

func (z *Zones) places() iter.Seq[place] {
	return func(yield func(place) bool) {
		if z == nil {
			return
		}
		for _, zone := range z.list {
			if zone.broken {
				continue
			}
			for i := range zone.records {
				r := &zone.records[i]
				if r.addr.IsValid() && !(zone.cuts && zone.hidden(r.owner)) && !yield(place{zone, int32(i)}) {
					return
				}
			}
		}
	}
}

// Of goes through the records that All has for addr. The first call takes longer.
func (z *Zones) Of(addr netip.Addr) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if z == nil {
			return
		}
		all := z.byAddr()
		first, _ := slices.BinarySearchFunc(all, addr, func(p place, a netip.Addr) int { return p.addr().Compare(a) })
		for _, p := range all[first:] {
			if p.addr() != addr || !yield(p.zone.record(p.index)) {
				return
			}
		}
	}
}

func (p place) addr() netip.Addr { return p.zone.records[p.index].addr }

// newZones keeps what is in list, by file.
func newZones(list []*Zone, waivers []source.Waiver) (*Zones, diag.List) {
	z := &Zones{Waivers: waivers, list: list, byApex: make(map[string]*Zone, len(list))}
	var findings diag.List
	for _, zone := range list {
		other := z.byApex[zone.Apex]
		if other == nil {
			z.byApex[zone.Apex] = zone
			continue
		}
		zone.broken, other.broken = true, true
		findings = append(findings, diag.Diagnostic{
			Pos: diag.Position{File: zone.File, Line: 1, Column: 1}, Severity: diag.Error, Rule: rule,
			Message: "this file holds the zone \"" + zone.Apex + "\", and so does " + other.File,
			Related: []diag.Related{{Pos: diag.Position{File: other.File, Line: 1, Column: 1}, Message: "the other file"}},
			Hint:    "name only the one that is served to the world",
		})
	}
	z.byAddr = sync.OnceValue(func() []place {
		all := slices.Collect(z.places())
		slices.SortStableFunc(all, func(a, b place) int { return a.addr().Compare(b.addr()) })
		return all
	})
	return z, findings
}
