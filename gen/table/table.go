// Package table holds all addresses of a source in memory, in a form in which a million of them are searched, filtered,
// sorted and paged in a few milliseconds.
package table

import (
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

// A Row is what a Table has of one address.
type Row struct {
	Addr       netip.Addr
	Server     string       // "" for an address of no server
	Product    string       // of the server
	Account    string       // of the server
	Hostname   string       // default hostname, absolute; "" if there is none
	Name       string       // reverse map name, absolute; "" if there is none; the first if there are several
	Names      int          // how many reverse map names there are
	TTL        uint32       // that its answer has, in seconds
	Answer     string       // the first name that it answers with, absolute; "" if it has none
	Origin     model.Origin // of Answer
	Primary    bool         // it is the primary address of its server
	Listed     bool         // the source lists it; false if it just lies in a block or a routed prefix
	Block      netip.Prefix // the smallest that holds it; the zero Prefix if none does
	Delegation netip.Prefix // that takes it away from Block; the zero Prefix if none does
	Pos        diag.Position
	Errors     int // findings about it, by severity
	Warnings   int
	NotesFound int
}

// A Column is what rows are sorted by. Rows that are equal there are in the order of their addresses.
type Column string

// The columns.
const (
	ByAddress  Column = "address"
	ByServer   Column = "server"
	ByHostname Column = "hostname"
	ByName     Column = "name"
	ByFindings Column = "findings" // the worst first
)

// A Query tells which rows of a Table are wanted.
type Query struct {
	// Accounts are those whose servers' addresses may be seen; nil for all addresses, also those of no server.
	Accounts []string

	Text         string       // that the address, server, account, hostname or name has in it, in any case; several words must all be there
	Account      string       // "" for any
	Server       string       // "" for any
	Block        netip.Prefix // that the address lies in; the zero Prefix for any
	WithFindings bool         // only rows with an error or a warning
	Only         []netip.Addr // only these, ascending; nil for any

	Sort       Column // "" for ByAddress
	Descending bool
	Offset     int
	Limit      int // how many rows at most
}

// A Page is some of the rows that a Query asks for.
type Page struct {
	Rows  []Row
	Total int // how many there are on all pages
}
