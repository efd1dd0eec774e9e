package diff

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Side is one of the two states that are compared. It is immutable and safe for concurrent use.
type Side struct {
	inventory *inventory // nil if it is a snapshot
	stored    *stored    // nil if it is an inventory
}

// OfInventory returns the state that a source describes, with the forward zones that it names; they may be nil.
func OfInventory(inv *model.Inventory, forwards *forward.Zones) *Side {
	return &Side{inventory: newInventory(inv, forwards)}
}

// OfSnapshot returns the state that a snapshot holds. It keeps r.
func OfSnapshot(r *snapshot.Reader) (*Side, error) {
	s, err := newStored(r)
	if err != nil {
		return nil, fmt.Errorf("compare snapshots: %w", err)
	}
	return &Side{stored: s}, nil
}

// view returns what s says, in terms of the blocks and delegations of a source or, if byZone, of what they put into
// single zones, as a snapshot has it.
func (s *Side) view(byZone bool) view {
	if s.stored != nil {
		return s.stored
	}
	v := *s.inventory
	v.byZone = byZone
	return &v
}

// A view is what one side says.
type view interface {
	// listed goes through the addresses that the side lists, ascending and each of them once. Not listed are those that
	// just lie in a block, a delegation or a routed prefix.
	listed() iter.Seq2[netip.Addr, State]
	// unlisted returns the state of an address that is not listed.
	unlisted(netip.Addr) State
	// confirms tells whether name leads back to an address; knowsForward, whether that is known of any name.
	confirms(name string, a netip.Addr) confirmation
	knowsForward() bool

	// The rest is sorted as in Changes, and has nothing twice.

	blocks() []block
	delegations() []delegation
	zones() []zone
	servers() []*model.Server // nil if the side knows none
	rules() []rule            // nil if the side knows none
}

// A confirmation is whether the name of an address leads back to it.
type confirmation int

const (
	unknown confirmation = iota
	unconfirmed
	confirmed
)

// A block is a prefix for which we are authoritative.
type block struct {
	prefix   netip.Prefix
	fallback string // template, "" if there is none
	pos      diag.Position
}

// A delegation is a prefix whose names others serve.
type delegation struct {
	prefix       netip.Prefix
	child        string // name of the child's zone; "" if it is the one that the prefix has by itself
	ns, ds, glue []string
	pos          diag.Position
}

// A zone is one that we serve.
type zone struct {
	name   string
	prefix netip.Prefix // of a reverse zone
	ttl    uint32
	soa    snapshot.SOA
	ns     []string // sorted
	ds     []string // sorted; nil in a snapshot, which does not have them
	pos    diag.Position
	apex   apex
}

// An apex is where the source has what all of its zones share.
type apex struct{ ttl, ns, soa, ds diag.Position }

// compareBy returns the order of a list by a string.
func compareBy[T any](key func(T) string) func(a, b T) int {
	return func(a, b T) int { return strings.Compare(key(a), key(b)) }
}

// once sorts list, and keeps the first of those that are equal.
func once[T any](list []T, order func(a, b T) int) []T {
	slices.SortStableFunc(list, order)
	return slices.CompactFunc(list, func(a, b T) bool { return order(a, b) == 0 })
}

// distinct sorts a list of words and drops repetitions.
func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// prefixes is a sorted list in which those that hold an address are found.
type prefixes struct {
	list []netip.Prefix
	bits []int // the lengths that there are, the longest first
}

func newPrefixes[T any](list []T, prefix func(T) netip.Prefix) prefixes {
	var p prefixes
	var have [129]bool
	for _, x := range list {
		q := prefix(x)
		p.list = append(p.list, q)
		if q.IsValid() {
			have[q.Bits()] = true
		}
	}
	for n := 128; n >= 0; n-- {
		if have[n] {
			p.bits = append(p.bits, n)
		}
	}
	return p
}

// around goes through the indexes of the prefixes that hold q, the smallest first. Of equal ones it takes the first.
func (p *prefixes) around(q netip.Prefix) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, n := range p.bits {
			if n > q.Bits() {
				continue
			}
			i, found := slices.BinarySearchFunc(p.list, netip.PrefixFrom(q.Addr(), n).Masked(), netip.Prefix.Compare)
			if found && !yield(i) {
				return
			}
		}
	}
}

// smallest returns the index of the smallest prefix that holds q, -1 if none does.
func (p *prefixes) smallest(q netip.Prefix) int {
	for i := range p.around(q) {
		return i
	}
	return -1
}

// single returns the prefix that holds nothing but a.
func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
