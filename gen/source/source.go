// Package source reads records.yaml and the files that it includes into a syntax tree in which every scalar knows its
// file, line and column.
package source

import (
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// A Source is what a root file and its includes say, in the order in which they say it: the root first, then the
// included files in the order of their paths. Nothing in it is checked against anything else; that is for gen/model
// and gen/lint. A value that could not be read has a finding and is absent, or is the zero value where its parent is kept.
type Source struct {
	Root         string   // path of the root file
	Files        []string // paths of all files, root first
	Defaults     Defaults
	Products     []Product
	Accounts     []Account
	Blocks       []Block
	Servers      []Server
	Addresses    []Address // of no server
	ForwardZones []Name
	Forwards     []ForwardFile // by path
	Catalog      Name          // apex of the catalog zone (RFC 9432)
	Registry     Registry      // for all blocks that do not say otherwise
	Severities   []Severity    // lint.rules
	Waivers      []Waiver      // by file, in the order of Files, and by line
}

// Text is a scalar as written.
type Text struct {
	Value string
	Pos   diag.Position // invalid if the source does not have it
}

// Name is an absolute domain name: lower case, A-labels, final dot.
type Name struct {
	Value string
	Pos   diag.Position
}

// Addr is an IP address, never IPv4-mapped IPv6 and never with an IPv6 zone.
type Addr struct {
	netip.Addr
	Pos diag.Position
}

// Prefix is a prefix without host bits.
type Prefix struct {
	netip.Prefix
	Pos diag.Position
}

// Seconds is a duration in whole seconds, 0 to 2^31-1 (RFC 2181 section 8).
type Seconds struct {
	Value uint32
	Pos   diag.Position // invalid if the source does not have it
}

// Template is a hostname template. T is nil if it could not be parsed or is absent.
type Template struct {
	T   *hostname.Template
	Pos diag.Position
}

// Defaults is the mapping "defaults" of the root file. Pos is that of its key, or of the file's start if there is none.
type Defaults struct {
	Pos         diag.Position
	TTL         Seconds
	Nameservers []Name
	SOA         SOA
}

// SOA is the mapping "defaults.soa".
type SOA struct {
	Pos                                 diag.Position
	Primary                             Name
	Contact                             Name // the mailbox as a domain name (RFC 1035 section 8)
	Refresh, Retry, Expire, NegativeTTL Seconds
}

// Product is an entry of "products".
type Product struct {
	Name     Text
	Hostname Template
}

// Account is an entry of "accounts".
type Account struct {
	Name    Text
	Domains []Name
}

// Block is an entry of "blocks".
type Block struct {
	Prefix      Prefix
	Zone        Name // Pos is invalid if there is none; Value is empty if it could not be read
	Fallback    Template
	Vars        []Var
	Delegations []Delegation
	Registry    Registry // what differs from Source.Registry
	DS          []ZoneDS
}

// Var is an entry of a block's "vars".
type Var struct{ Name, Value Text }

// Delegation is an entry of a block's "delegations".
type Delegation struct {
	Prefix      Prefix
	Zone        Name // Pos is invalid if there is none; Value is empty if it could not be read
	Nameservers []Name
	DS          []DS
	Glue        []Glue
}

// Glue is an entry of a delegation's "glue": a name server and its addresses, at least one.
type Glue struct {
	Name  Name
	Addrs []Addr
}

// Registry is the mapping "registry" of the root file or of a block: what the "domain" objects of an address registry
// say beside the delegation. All are keys of other objects there.
type Registry struct {
	Pos                         diag.Position // that of its key; invalid if the source does not have it
	AdminC, TechC, ZoneC, MntBy []Text
	Source                      Text // the name of the registry; empty for the RIPE NCC
}

// ZoneDS is an entry of a block's "ds": the DS records of one of its zones, which are for the parent to publish.
type ZoneDS struct {
	Zone Name
	DS   []DS // at least one
}

// DS is the data of a DS RR (RFC 4034 section 5).
type DS struct {
	KeyTag                uint16
	Algorithm, DigestType uint8
	Digest                []byte
	Pos                   diag.Position
}

// Server is an entry of "servers".
type Server struct {
	Name             Text
	Product, Account Text
	Primary          []Addr
	Helo             Name
	Addresses        []Address
	Routed           []Prefix
}

// Address is an entry of "addresses" or of a server's "addresses".
type Address struct {
	Addr  Addr
	Names []Name // reverse map names, in the order of the source; empty for an address without one
	TTL   Seconds
}

// ForwardFile is a zone file that a pattern of "forwards" names.
type ForwardFile struct {
	Path string        // below the folder of the root file, slash-separated
	Pos  diag.Position // of the first pattern that names it
}

// Severity is an entry of "lint.rules".
type Severity struct {
	Rule     Text
	Severity diag.Severity
}
