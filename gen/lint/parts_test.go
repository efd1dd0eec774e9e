package lint

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// checkParts compares what Run has found with what a Linter finds in parts that are as small as can be: one server or one
// address, unless they have keys in common.
func checkParts(t *testing.T, s *source.Source, found diag.List, o Options, want diag.List) {
	t.Helper()
	if o.Forwards != nil && len(o.Forwards.List()) > 0 {
		return
	}
	l := New(model.Frame(s), found, o)
	frame := l.frame.Inventory
	var lengths RoutedLengths
	for _, v := range s.Servers {
		for _, p := range v.Routed {
			lengths.Add(p.Prefix)
		}
	}
	type part struct {
		servers, addresses []int // in the order of the source
		keys, sought       map[uint64]bool
	}
	resolve := func(p *part) *model.Inventory {
		var servers []source.Server
		var addresses []source.Address
		for _, i := range p.servers {
			servers = append(servers, s.Servers[i])
		}
		for _, i := range p.addresses {
			addresses = append(addresses, s.Addresses[i])
		}
		return frame.Part(servers, addresses, s.Accounts)
	}
	intersect := func(a, b map[uint64]bool) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(a)), func(k uint64) bool { return b[k] })
	}
	var parts []*part
	add := func(p *part) {
		p.keys, p.sought = make(map[uint64]bool), make(map[uint64]bool)
		l.Keys(resolve(p), lengths, func(k uint64) { p.keys[k] = true }, func(k uint64) { p.sought[k] = true })
		parts = slices.DeleteFunc(parts, func(q *part) bool {
			if !intersect(p.keys, q.keys) && !intersect(p.keys, q.sought) && !intersect(p.sought, q.keys) {
				return false
			}
			p.servers = slices.Sorted(slices.Values(append(p.servers, q.servers...)))
			p.addresses = slices.Sorted(slices.Values(append(p.addresses, q.addresses...)))
			maps.Copy(p.keys, q.keys)
			maps.Copy(p.sought, q.sought)
			return true
		})
		parts = append(parts, p)
	}
	for i := range s.Servers {
		add(&part{servers: []int{i}})
	}
	for i := range s.Addresses {
		add(&part{addresses: []int{i}})
	}
	all := []Partial{l.Frame(), l.Part(resolve(&part{}))}
	for _, p := range parts {
		all = append(all, l.Part(resolve(p)))
	}
	if diff := cmp.Diff(want, l.Finish(all, found, s.Waivers)); diff != "" {
		t.Errorf("in %d parts (-whole +parts):\n%s", len(parts), diff)
	}
}
