// Package migrate makes a source out of what a provider has today: zone files, the zones of a running name server, a
// table of addresses, a hosts file.
package migrate

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/zonetext"
)

// The ids of the findings of a Reader. Whatever Data cannot hold is one of them.
const (
	// FindingSyntax: a file, an entry of it or a line cannot be read; or a file that it includes.
	FindingSyntax = "import-syntax"
	// FindingZoneUnknown: nothing tells which zone a file holds, or the zone has no SOA record.
	FindingZoneUnknown = "import-zone-unknown"
	// FindingZoneTwice: two files or transfers hold one zone.
	FindingZoneTwice = "import-zone-twice"
	// FindingClassless: nothing tells which addresses a classless zone (RFC 2317), of ours or delegated, is for.
	FindingClassless = "import-classless"
	// FindingOutsideZone: a record lies outside of the zone of its file, where name servers ignore it.
	FindingOutsideZone = "import-outside-zone"
	// FindingOutsideAddress: the owner of a PTR or CNAME record is not the reverse name of an address.
	FindingOutsideAddress = "import-outside-address"
	// FindingHidden: a record at or below a delegation, where nobody asks for it.
	FindingHidden = "import-hidden-record"
	// FindingUnsupported: a record of a type, or at a place, that a source has no word for.
	FindingUnsupported = "import-unsupported-record"
	// FindingSigned: records of DNSSEC that a signer made; one finding for each zone.
	FindingSigned = "import-signed-zone"
	// FindingConflict: records that exclude each other, such as a CNAME beside others.
	FindingConflict = "import-conflict"
	// FindingName: a name that a source cannot hold, since it has other characters than a host's, or is no full name.
	FindingName = "import-name"
	// FindingTTL: a TTL above 2^31-1, or records of one set whose TTLs differ (RFC 2181 section 5.2).
	FindingTTL = "import-ttl"
	// FindingAddress: what should be an address is none, or one that no PTR is looked up for.
	FindingAddress = "import-address"
	// FindingExtraName: a hosts file has more names for an address than the first, which alone becomes its PTR.
	FindingExtraName = "import-extra-name"
)

// Data is what a provider has, as a Reader has found it. All names are absolute, in lower case and without escapes, but
// for those of an SOA; addresses are never IPv4-mapped IPv6; TTLs are in seconds, at most 2^31-1. Nothing is there
// twice, and no PTR is where a zone has a delegation or an alias. It belongs to whoever asked for it.
type Data struct {
	Zones   []Zone          // reverse zones, by prefix and name
	Entries []Entry         // of CSV and hosts files, in their order
	Forward []AddressRecord // of zone files that are not reverse zones, in their order
}

// A Zone is a reverse zone.
type Zone struct {
	Name    string
	Prefix  netip.Prefix // the addresses that it is for; longer than /24 if it is classless (RFC 2317)
	Pos     diag.Position
	SOA     SOA
	NS      []source.Name
	NSTTL   uint32
	PTRs    []PTR   // by address, those of one address in the order of the zone
	Cuts    []Cut   // by prefix and name
	Aliases []Alias // by address
}

// An SOA is the data of an SOA record (RFC 1035 section 3.3.13).
type SOA struct {
	Pos                                     diag.Position
	TTL                                     uint32 // of the record itself
	Primary, Contact                        string // perhaps names that a source cannot hold, which is a finding
	Serial, Refresh, Retry, Expire, Minimum uint32
}

// A PTR is a PTR record at the name of an address, in a classless zone at the name that stands for it there.
type PTR struct {
	Addr netip.Addr
	Name string
	TTL  uint32
	Pos  diag.Position
}

// A Cut is a delegation: NS records below the apex.
type Cut struct {
	Owner   string
	Prefix  netip.Prefix // the addresses whose names or aliases are at or below Owner
	NS      []source.Name
	TTL     uint32 // of the NS records
	DS      []source.DS
	DSTTL   uint32
	Glue    []source.Glue
	GlueTTL uint32 // that of the first
	Pos     diag.Position
}

// An Alias is a CNAME record at the name of an address.
type Alias struct {
	Addr   netip.Addr
	Target string
	TTL    uint32
	Pos    diag.Position
}

// An Entry is a line of a CSV or hosts file.
type Entry struct {
	Addr                     netip.Addr
	Name                     string // empty if the address has none
	Server, Product, Account string // empty if the file does not say
	Primary                  bool   // a primary address of Server
	TTL                      source.Seconds
	Pos                      diag.Position
}

// An AddressRecord is an A or AAAA record.
type AddressRecord struct {
	Name string
	Addr netip.Addr
	Pos  diag.Position
}

// A Reader gathers what a provider has: call ZoneFile, Transfer, CSV and Hosts as often as need be, then Data. The zero
// Reader is ready for use. It is for one goroutine.
type Reader struct {
	batches  []*batch
	entries  []Entry
	findings diag.List            // of CSV and hosts files
	byAddr   map[netip.Addr][]int // indexes in entries
}

// A batch is what came from one zone file with all that it includes, or by one transfer.
type batch struct {
	file     string   // as it is in positions
	included []string // the files that it includes
	records  []record
	findings diag.List
}

func (b *batch) report(pos diag.Position, rule, hint, format string, args ...any) {
	b.findings = append(b.findings, finding(diag.Error, pos, rule, hint, format, args...))
}

func (b *batch) warn(pos diag.Position, rule, hint, format string, args ...any) {
	b.findings = append(b.findings, finding(diag.Warning, pos, rule, hint, format, args...))
}

func finding(severity diag.Severity, pos diag.Position, rule, hint, format string, args ...any) diag.Diagnostic {
	return diag.Diagnostic{
		Pos: pos, Severity: severity, Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

// add adds a record.
func (b *batch) add(rr dns.RR, pos diag.Position) {
	h := rr.Header()
	if h.Ttl > zonetext.MaxTTL {
		b.report(pos, FindingTTL, "", "the TTL %d is above 2^31-1 seconds", h.Ttl)
		return
	}
	h.Name = strings.ToLower(h.Name)
	b.records = append(b.records, record{rr, pos})
}

// Data returns what was read, and sorted findings: of severity Error for what is lost, Warning for what is read in a
// way that should be looked at, and Note for what does not belong into reverse DNS. The Reader is empty then.
//
// A zone whose name is not in the reverse-mapping domain is a forward zone, unless the aliases of another zone lead
// there (RFC 2317). Of it, only what Data has is looked at.
func (r *Reader) Data() (*Data, diag.List) {
	d := &Data{Entries: r.entries}
	findings := r.findings
	included := make(map[string]bool)
	for _, b := range r.batches {
		for _, file := range b.included {
			included[file] = true
		}
	}
	var zones []*zone
	byName := make(map[string]*zone)
	for _, b := range r.batches {
		found := b.zones()
		if len(found) == 0 && included[b.file] { // a part of a zone file, which the user's pattern matches, too
			b.findings = nil
		}
		for _, z := range found {
			if first := byName[z.Name]; first != nil {
				b.report(z.Pos, FindingZoneTwice, "", "the zone %q is in %s, too", z.Name, first.file)
				b.findings[len(b.findings)-1].Related = []diag.Related{{Pos: first.Pos, Message: "there"}}
				continue
			}
			byName[z.Name] = z
			zones = append(zones, z)
		}
	}
	aliases := aliases(zones)
	for _, z := range zones {
		switch z.place(aliases[z.Name]); {
		case z.Prefix.IsValid() && isLocal(z.Prefix):
			z.findings = append(z.findings, finding(diag.Note, z.Pos, FindingAddress, "",
				"the zone %q is left out: its addresses are not in the DNS", z.Name))
		case z.Prefix.IsValid():
			z.resolve(aliases)
			d.Zones = append(d.Zones, z.Zone)
		case !z.reverse:
			d.Forward = append(d.Forward, z.forward()...)
		}
	}
	slices.SortFunc(d.Zones, func(a, b Zone) int {
		return cmp.Or(comparePrefixes(a.Prefix, b.Prefix), cmp.Compare(a.Name, b.Name))
	})
	for _, b := range r.batches {
		findings = append(findings, b.findings...)
	}
	*r = Reader{}
	return d, findings.Sort()
}
