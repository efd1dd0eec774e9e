// Package diff finds what changes from one state of the reverse DNS to another: per address, server, delegation, block
// and zone, and what receivers of mail will see of it.
package diff

import (
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

// A Kind is a kind of change. Its word is stable: in JSON, and for --allow.
type Kind string

// The kinds of change of an address. The names that it answers with change in at most one of the first seven ways.
const (
	NameSet         Kind = "name-set"         // it had no name
	NameRemoved     Kind = "name-removed"     // it has none any more
	NameChanged     Kind = "name-changed"     // and both names come from the same place, or a fallback has part in it
	DefaultReplaced Kind = "default-replaced" // a reverse map name in place of the default hostname
	DefaultRestored Kind = "default-restored" // the default hostname in place of a reverse map name
	OriginChanged   Kind = "origin-changed"   // the same name, from another place
	TTLChanged      Kind = "ttl-changed"      // and nothing else of the answer

	ServerGained     Kind = "server-gained"     // it was of no server
	ServerLost       Kind = "server-lost"       // it is of no server any more
	ServerChanged    Kind = "server-changed"    // it went from one server to another
	PrimaryGained    Kind = "primary-gained"    // it is a primary address now
	PrimaryLost      Kind = "primary-lost"      // it is none any more
	DelegationGained Kind = "delegation-gained" // others answer for it now
	DelegationLost   Kind = "delegation-lost"   // we answer for it again

	ForwardChanged Kind = "forward-changed" // its names are the same, but now they lead back to it, or no longer do
	HELOChanged    Kind = "helo-changed"    // its server calls itself by another name; of a server, too
)

// The kinds of change of a server.
const (
	ServerAdded      Kind = "server-added"
	ServerRemoved    Kind = "server-removed"
	ServerRenumbered Kind = "server-renumbered" // it gave addresses of a family up for others
	PrimaryMoved     Kind = "primary-moved"     // another address of the family is primary
	ProductChanged   Kind = "product-changed"
	AccountChanged   Kind = "account-changed"
	PrefixesChanged  Kind = "prefixes-changed" // that are routed to it
)

// The kinds of change of what lint judges the source by.
const (
	SeverityChanged Kind = "severity-changed" // of the findings of a rule
	WaiverAdded     Kind = "waiver-added"
	WaiverRemoved   Kind = "waiver-removed"
	DomainAdded     Kind = "domain-added" // to those that an account may use
	DomainRemoved   Kind = "domain-removed"
	ZoneFileAdded   Kind = "zone-file-added" // a forward zone file
	ZoneFileRemoved Kind = "zone-file-removed"
)

// The kinds of change of a delegation, a block and a zone.
const (
	DelegationAdded   Kind = "delegation-added"
	DelegationRemoved Kind = "delegation-removed"
	DelegationChanged Kind = "delegation-changed" // its child zone, name servers, DS or glue

	BlockAdded      Kind = "block-added"
	BlockRemoved    Kind = "block-removed"
	BlockEmptied    Kind = "block-emptied" // none of its addresses has a name any more, nor is there a fallback
	FallbackAdded   Kind = "fallback-added"
	FallbackRemoved Kind = "fallback-removed"
	FallbackChanged Kind = "fallback-changed"

	ZoneAdded      Kind = "zone-added"
	ZoneRemoved    Kind = "zone-removed"
	SOAChanged     Kind = "soa-changed" // a field but the serial
	NSChanged      Kind = "ns-changed"
	ZoneTTLChanged Kind = "zone-ttl-changed"
	DSChanged      Kind = "ds-changed" // the DS records that its parent is to have; not if a side is a snapshot
)

// Changes are all changes from one Side to another. Their text shares memory with the sides.
type Changes struct {
	Addresses   []Address    // ascending
	Servers     []Server     // by name; none if a side is a snapshot, which knows no servers
	Delegations []Delegation // by prefix
	Blocks      []Block      // by prefix
	Zones       []Zone       // by name
	Rules       []Rule       // by kind and subject; none if a side is a snapshot

	Totals []Total // how many names were there and are lost: one for each block of the old side, by prefix
	Total  Total   // the same for all blocks together; its Block is the zero Prefix
}

// A Total counts addresses that have a name of their own: one that is not from a fallback.
type Total struct {
	Block    netip.Prefix
	Pos      diag.Position // of the block in the old side
	Old, New int           // addresses with a name
	Lost     int           // addresses that had a name and have none any more
	Changed  int           // addresses that had a name and have other ones or none
}

// An Address is how one address changes.
type Address struct {
	Addr     netip.Addr
	Kinds    []Kind // at least one, in the order of the constants
	Old, New State
	Effects  []Effect // what receivers of mail will see; the worst first; empty if they see nothing
}

// A State is what one side says of an address.
type State struct {
	Names      []string // what it answers with, absolute, in canonical order; empty if it has no name
	TTL        uint32   // seconds
	Origin     model.Origin
	Server     string // "" if it is of none, or that is not known
	Primary    bool
	Delegation netip.Prefix  // the delegation that it lies in; the zero Prefix if it is in none
	Block      netip.Prefix  // the smallest block that holds it; the zero Prefix if none does
	HELO       string        // what its server calls itself ("helo"); "" if that is not known
	Pos        diag.Position // where the source says so; invalid if it does not list the address, and in snapshots
}

// An Effect is what receivers of mail will see of a change.
type Effect struct {
	ID       string // stable, kebab-case: "ptr-disappears", "no-longer-confirmed", "now-looks-generated" …
	Severity diag.Severity
	Message  string // one line, lower case, no final period
}

// A Server is how one server changes.
type Server struct {
	Name        string
	Kinds       []Kind
	Old, New    []netip.Addr // its addresses that only one side has, and of PrimaryMoved the primary ones; ascending
	Detail      string       // what changed, in words, e.g. "product: vps → dedicated"; empty if the kind says all
	OldPos, Pos diag.Position
}

// A Delegation is how one delegation changes.
type Delegation struct {
	Prefix      netip.Prefix
	Kinds       []Kind
	Detail      []string // one line for each thing that changed, in words, e.g. "name servers: a., b. → a."
	OldPos, Pos diag.Position
}

// A Block is how one block changes. If a side is a snapshot, the prefixes of zones are the blocks of both.
type Block struct {
	Prefix      netip.Prefix
	Kinds       []Kind
	Detail      []string
	OldPos, Pos diag.Position
}

// A Zone is how one zone changes: reverse, forward or catalog.
type Zone struct {
	Name        string
	Prefix      netip.Prefix // of a reverse zone
	Kinds       []Kind
	Detail      []string
	OldPos, Pos diag.Position // of what changed: the block, the entry of "forward_zones", "catalog", or a default
}

// A Rule is how something changes that changes no answer, but what lint says of the source: a severity, a waiver, the
// domains of an account, a forward zone file. A change that breaks a rule can come with one that weakens it.
type Rule struct {
	Subject     string // id of a rule, or several; name of an account; path of a file
	Kinds       []Kind
	Detail      []string
	OldPos, Pos diag.Position
}
