// Package migrate makes a source out of what a provider has today: zone files, the zones of a running name server, a
// table of addresses, a hosts file.
package migrate

import (
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
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

// Data is what a provider has, as a Reader has found it. All names are absolute, in lower case and without escapes;
// addresses are never IPv4-mapped IPv6; TTLs are in seconds, at most 2^31-1. Nothing is there twice, and no PTR is
// where a zone has a delegation or an alias. It belongs to whoever asked for it.
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
	Primary, Contact                        string
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
	TTL                      uint32 // 0 if the file does not say
	Pos                      diag.Position
}

// An AddressRecord is an A or AAAA record.
type AddressRecord struct {
	Name string
	Addr netip.Addr
	Pos  diag.Position
}
