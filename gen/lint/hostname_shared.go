package lint

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var hostnameShared = &Rule{
	ID:       "hostname-shared",
	Severity: diag.Error,
	Title:    "no two servers have one default hostname for addresses of one family",
	across:   sameDefault,
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for list := range equalDefaults(inv) {
			if a, b := sharers(inv, list); a != nil && likeServers(a, b) {
				d := shared(a, b)
				d.Pos = a.Primary.Pos
				d.Related = []diag.Related{{Pos: b.Primary.Pos, Message: "the primary address of the other"}}
				d.Hint = "rename one of the two: in DNS, upper and lower case are the same"
				report(d)
			}
		}
	},
	group: func(c *comparison, add addFunc) { // a template that does not tell servers apart
		for list := range equalDefaults(c.Inventory) {
			if a, b := sharers(c.Inventory, list); a != nil && !likeServers(a, b) {
				p, d := a.Server.Product, shared(a, b)
				d.Pos = p.Hostname.Pos
				d.Related = []diag.Related{
					{Pos: b.Primary.Pos, Message: "a primary address of one"},
					{Pos: a.Primary.Pos, Message: "and of the other"},
				}
				d.Hint = "put {server} into the template"
				add(p.Name.Value, a.Addr, d)
			}
		}
	},
}

// likeServers reports whether the names of the servers of a and b differ in case only.
func likeServers(a, b *model.Address) bool {
	return strings.EqualFold(a.Server.Name.Value, b.Server.Name.Value)
}

// shared begins the finding that a has the default hostname that b has, too.
func shared(a, b *model.Address) diag.Diagnostic {
	return diag.Diagnostic{Message: fmt.Sprintf("servers %q and %q have the same default hostname, %q",
		b.Server.Name.Value, a.Server.Name.Value, a.Default)}
}

// sharers returns the first two of list, addresses with the same default hostname, that are of one family and of
// different servers, leaving out those whose default hostname nothing answers with; nil if there are none. The one that
// comes first in the source is the second.
func sharers(inv *model.Inventory, list []hashed) (*model.Address, *model.Address) {
	var first *model.Address
	for _, h := range list {
		a := h.address(inv)
		if a.Entry != nil && len(a.Entry.Names) > 0 && inv.ForwardZone(a.Default) == nil {
			continue
		}
		switch {
		case first == nil || first.Is4() != a.Is4():
			first = a
		case first.Addr != a.Addr && !sameServer(first.Server, a.Server): // else address-assigned-twice, defined-twice
			if earlier(inv, first.Primary.Pos, a.Primary.Pos) {
				return a, first
			}
			return first, a
		}
	}
	return nil, nil
}

// hashed is an address that has a default hostname: a hash of that, and below it 32 bits of an index in
// Inventory.Addresses. A million names themselves would take long to sort.
type hashed uint64

func (h hashed) address(inv *model.Inventory) *model.Address { return &inv.Addresses[uint32(h)] }

// equalDefaults goes through the lists, by address, of those addresses that have the same default hostname.
func equalDefaults(inv *model.Inventory) iter.Seq[[]hashed] {
	return func(yield func([]hashed) bool) {
		all := make([]hashed, 0, len(inv.Addresses))
		for i := range inv.Addresses {
			if a := &inv.Addresses[i]; a.Default != "" {
				all = append(all, hashed(hash(ofDefault, a.Default)<<32|uint64(i)))
			}
		}
		slices.Sort(all)
		for same := range runs(all, func(a, b hashed) bool { return a>>32 == b>>32 }) {
			if len(same) == 1 {
				continue
			}
			slices.SortStableFunc(same, func(a, b hashed) int { // names of one hash may differ
				return strings.Compare(a.address(inv).Default, b.address(inv).Default)
			})
			equal := func(a, b hashed) bool { return a.address(inv).Default == b.address(inv).Default }
			for list := range runs(same, equal) {
				if len(list) > 1 && !yield(list) {
					return
				}
			}
		}
	}
}

// runs goes through the parts of list whose elements are equal.
func runs[T any](list []T, equal func(a, b T) bool) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			n := 1
			for n < len(list) && equal(list[0], list[n]) {
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}
