package diff

import (
	"errors"

	"github.com/revmap/revmap/gen/diag"
)

// Limits are what changes may do without somebody allowing it.
type Limits struct {
	MaxLost    Limit // names that are lost, in a block and overall
	MaxChanged Limit // names that change, overall
	Allow      []Allowance
}

// A Limit is a share of all names, or a number of names. The zero Limit is none at all.
type Limit struct {
	Percent float64 // 0 to 100; counts if Number is 0
	Number  int
}

// DefaultLimits are safe ones: 10% lost, 50% changed, and nothing allowed.
func DefaultLimits() Limits {
	return Limits{MaxLost: Limit{Percent: 10}, MaxChanged: Limit{Percent: 50}}
}

// ParseLimit reads "10%" or "500".
func ParseLimit(s string) (Limit, error) { return Limit{}, errors.New("not written yet") }

// String returns what ParseLimit reads.
func (l Limit) String() string { return "" }

// An Allowance lets changes pass that a gate would stop.
type Allowance struct {
	Kind    string // the id of a gate, one of Gates
	Subject string // what it is for, e.g. a zone, a block; "" is for all
	By      string // who gave it, in words, e.g. "commit 4f2a9c1"; "" if that is not known
}

// ParseAllowance reads KIND or KIND=SUBJECT. It is an error if there is no such gate.
func ParseAllowance(s string) (Allowance, error) { return Allowance{}, errors.New("not written yet") }

// String returns what ParseAllowance reads.
func (a Allowance) String() string { return "" }

// Gates are the ids of all gates.
var Gates = []string{
	"lost", "changed", "block-emptied", "zone-removed", "delegation-removed", "soa-changed", "ns-changed", "fallback-removed",
}

// A Stop is a change that somebody has to allow.
type Stop struct {
	Gate      string        // its id
	Subject   string        // the block, zone, … that is concerned; "" if it is all of them
	Message   string        // what would happen: one line, lower case, no final period
	Pos       diag.Position // of the change, if it is known
	Allow     string        // the value of --allow that lets it pass, e.g. "zone-removed=2.0.192.in-addr.arpa"
	AllowedBy string        // Allowance.By, if it is allowed
}

// Gate returns the changes that l stops, and those that it would stop if its allowances did not let them pass.
func (c *Changes) Gate(l Limits) (stops, allowed []Stop) { return nil, nil }
