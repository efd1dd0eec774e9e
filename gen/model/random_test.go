package model

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// The random inventories of this file are within these two prefixes, small enough to try every address.
var worlds = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/25"), netip.MustParsePrefix("2001:db8::/121")}

// random makes sources that a reader could not make worse: whatever can clash, does.
type random struct {
	*rand.Rand
	pos int
}

func (r *random) place() diag.Position {
	r.pos++
	return diag.Position{File: "records.yaml", Line: r.pos, Column: 1}
}

func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *random, list []T) T { return list[r.IntN(len(list))] }

// addr returns any address of the worlds.
func (r *random) addr() source.Addr {
	b := pick(r, worlds).Addr().AsSlice()
	b[len(b)-1] = byte(r.IntN(128))
	a, _ := netip.AddrFromSlice(b)
	return source.Addr{Addr: a, Pos: r.place()}
}

// prefix returns a prefix that lies in one of the worlds or, rarely, around it.
func (r *random) prefix() source.Prefix {
	a := r.addr()
	return source.Prefix{Prefix: netip.PrefixFrom(a.Addr, a.BitLen()-r.IntN(9)).Masked(), Pos: a.Pos}
}

func (r *random) template(texts ...string) source.Template {
	t, err := hostname.Parse(pick(r, texts))
	if err != nil {
		panic(err)
	}
	return source.Template{T: t, Pos: r.place()}
}

func (r *random) name(values ...string) source.Name {
	return source.Name{Value: pick(r, values), Pos: r.place()}
}

// entry returns an entry of addresses, by chance with a name and a TTL.
func (r *random) entry(a source.Addr) source.Address {
	e := source.Address{Addr: a}
	for r.chance(40) {
		e.Names = append(e.Names, source.Name{Value: fmt.Sprintf("n%d.example.", r.IntN(20)), Pos: r.place()})
	}
	if r.chance(30) {
		e.TTL = source.Seconds{Value: r.Uint32N(100), Pos: r.place()}
	}
	return e
}

// source makes one in which every address is listed once, and no prefix is there twice, if tidy.
func (r *random) source(tidy bool) *source.Source {
	s := &source.Source{Defaults: source.Defaults{TTL: source.Seconds{Value: 3600}}}
	taken := make(map[any]bool)
	free := func(key any) bool {
		if tidy && taken[key] {
			return false
		}
		taken[key] = true
		return true
	}
	for i := range r.IntN(4) {
		p := source.Product{Name: source.Text{Value: fmt.Sprintf("p%d", i)}}
		if r.chance(90) {
			p.Hostname = r.template("{server}.example", "{d}.{product}.example", "{account}.example", "{ip}.{var.site}.example")
		}
		s.Products = append(s.Products, p)
	}
	for range r.IntN(8) {
		b := source.Block{Prefix: r.prefix()}
		if r.chance(50) {
			b.Fallback = r.template("{ip}.example", "{d}.{var.site}.example", "{server}.example")
		}
		if r.chance(50) {
			b.Vars = []source.Var{{Name: source.Text{Value: "site"}, Value: source.Text{Value: pick(r, []string{"lon", "ams"})}}}
		}
		inBlock := make(map[netip.Prefix]bool) // what free is for the delegations of one block
		for range r.IntN(4) {
			d := source.Delegation{Prefix: r.prefix()}
			if r.chance(50) {
				d.Zone = r.name("", "0-26.2.0.192.in-addr.arpa.", arpa.Name(d.Prefix.Addr()))
			}
			if !tidy || !inBlock[d.Prefix.Prefix] {
				inBlock[d.Prefix.Prefix] = true
				b.Delegations = append(b.Delegations, d)
			}
		}
		if r.chance(30) {
			b.Zone = r.name("64-26.2.0.192.in-addr.arpa.", arpa.Name(b.Prefix.Addr()))
		}
		if free(b.Prefix.Prefix) {
			s.Blocks = append(s.Blocks, b)
		}
	}
	for i := range r.IntN(12) {
		v := source.Server{
			Name:    source.Text{Value: fmt.Sprintf("S%d", r.IntN(100)*100+i)},
			Product: source.Text{Value: fmt.Sprintf("p%d", r.IntN(4))},
			Account: source.Text{Value: pick(r, []string{"", "acme"})},
		}
		for range r.IntN(4) {
			if a := r.addr(); free(a.Addr) {
				v.Primary = append(v.Primary, a)
				if r.chance(50) {
					v.Addresses = append(v.Addresses, r.entry(source.Addr{Addr: a.Addr, Pos: r.place()}))
				}
			}
		}
		for range r.IntN(6) {
			if a := r.addr(); free(a.Addr) {
				v.Addresses = append(v.Addresses, r.entry(a))
			}
		}
		for range r.IntN(3) {
			v.Routed = append(v.Routed, r.prefix())
		}
		s.Servers = append(s.Servers, v)
	}
	for range r.IntN(6) {
		if a := r.addr(); free(a.Addr) {
			s.Addresses = append(s.Addresses, r.entry(a))
		}
	}
	return s
}

// smallest returns the smallest block of s that has all of p, nil if none does. Of several it is the last one.
func smallest(s *source.Source, p netip.Prefix) *source.Block {
	var best *source.Block
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if within(p, b.Prefix.Prefix) && (best == nil || best.Prefix.Bits() <= b.Prefix.Bits()) {
			best = b
		}
	}
	return best
}

// within reports whether p lies in q.
func within(p, q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) }

// taking returns the smallest delegation of b that takes p away from it, nil if none does. Of several it is the last.
func taking(b *source.Block, p netip.Prefix) *source.Delegation {
	if b == nil {
		return nil
	}
	var best *source.Delegation
	for i := range b.Delegations {
		d := &b.Delegations[i]
		holds := within(d.Prefix.Prefix, b.Prefix.Prefix) && within(p, d.Prefix.Prefix)
		if holds && (best == nil || best.Prefix.Bits() <= d.Prefix.Bits()) {
			best = d
		}
	}
	return best
}

// expand makes the name of a template with the variables of b, "" if there is none.
func expand(t source.Template, b *source.Block, v hostname.Values) string {
	if t.T == nil {
		return ""
	}
	vars := make(map[string]string)
	if b != nil {
		for _, x := range b.Vars {
			vars[x.Name.Value] = x.Value.Value
		}
	}
	bound, err := t.T.Bind(vars)
	if err != nil {
		return ""
	}
	name, err := bound.Expand(v)
	if err != nil {
		return ""
	}
	return name
}

// naive says what addr answers with by reading all of a tidy source.
func naive(s *source.Source, addr netip.Addr) Effective {
	ttl := s.Defaults.TTL.Value
	var names []string
	read := func(list []source.Address) {
		for _, e := range list {
			if e.Addr.Addr != addr {
				continue
			}
			for _, n := range e.Names {
				names = append(names, n.Value)
			}
			if e.TTL.Pos.IsValid() {
				ttl = e.TTL.Value
			}
		}
	}
	single := netip.PrefixFrom(addr, addr.BitLen())
	b := smallest(s, single)
	if taking(b, single) != nil {
		return Effective{}
	}
	read(s.Addresses)
	byDefault := ""
	for _, v := range s.Servers {
		read(v.Addresses)
		if !slices.ContainsFunc(v.Primary, func(a source.Addr) bool { return a.Addr == addr }) {
			continue
		}
		for _, p := range s.Products {
			if p.Name.Value == v.Product.Value {
				server := "s" + v.Name.Value[1:]
				byDefault = expand(p.Hostname, b, hostname.Values{
					Addr: addr, Server: server, Product: p.Name.Value, Account: v.Account.Value,
				})
			}
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		return Effective{Explicit, slices.Compact(names), ttl}
	}
	if byDefault != "" {
		return Effective{Default, []string{byDefault}, ttl}
	}
	if b != nil {
		if name := expand(b.Fallback, b, hostname.Values{Addr: addr}); name != "" {
			return Effective{Fallback, []string{name}, s.Defaults.TTL.Value}
		}
	}
	return Effective{}
}

// everywhere calls f for each address of the worlds.
func everywhere(f func(netip.Addr)) {
	for _, w := range worlds {
		for a := w.Addr(); w.Contains(a); a = a.Next() {
			f(a)
		}
	}
}

// What each address answers with is what the precedence says: reverse map name, default hostname, fallback.
func TestEffectiveRandom(t *testing.T) {
	origins := make(map[Origin]int)
	for seed := range uint64(300) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 1))}
		s := r.source(true)
		inv := Build(s)
		everywhere(func(a netip.Addr) {
			want := naive(s, a)
			got, entry := inv.Lookup(a)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %s (-want +got):\n%s", seed, a, diff)
			}
			if entry != nil {
				if diff := cmp.Diff(want, inv.Effective(entry)); diff != "" {
					t.Fatalf("seed %d, the entry of %s (-want +got):\n%s", seed, a, diff)
				}
			}
			origins[want.Origin]++
		})
	}
	if len(origins) != 4 {
		t.Errorf("not every origin came up: %v", origins)
	}
}

// Of any source, every place that lists an address is in the inventory, in order, linked to what it belongs to.
func TestBuildRandom(t *testing.T) {
	for seed := range uint64(300) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 2))}
		s := r.source(false)
		inv := Build(s)

		block := func(b *Block) *source.Block {
			if b == nil {
				return nil
			}
			return b.Block
		}
		delegation := func(d *Delegation) *source.Delegation {
			if d == nil {
				return nil
			}
			return d.Delegation
		}
		everywhere(func(a netip.Addr) {
			p := netip.PrefixFrom(a, a.BitLen())
			b := smallest(s, p)
			if got := block(inv.BlockOf(a)); got != b {
				t.Fatalf("seed %d: %s is in the block %v, want %v", seed, a, got, b)
			}
			if got, want := delegation(inv.DelegationOf(a)), taking(b, p); got != want {
				t.Fatalf("seed %d: %s is in the delegation %v, want %v", seed, a, got, want)
			}
		})
		for _, a := range inv.Addresses {
			if a.Block != inv.BlockOf(a.Addr) || a.Delegation != inv.DelegationOf(a.Addr) {
				t.Fatalf("seed %d: %s is in the block %v and delegation %v", seed, a.Addr, a.Block, a.Delegation)
			}
		}
		checkNesting(t, inv)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		for _, routed := range inv.Routed {
			if want := smallest(s, routed.Prefix.Prefix); block(routed.Block) != want {
				t.Fatalf("seed %d: %s is in the block %v, want %v", seed, routed.Prefix, routed.Block, want)
			}
			if !slices.Contains(routed.Server.Routed, routed.Prefix) {
				t.Fatalf("seed %d: %s is not routed to %s", seed, routed.Prefix, routed.Server.Name.Value)
			}
		}
		if !slices.IsSortedFunc(inv.Addresses, func(a, b Address) int { return a.Compare(b.Addr) }) {
			t.Fatalf("seed %d: the addresses are not in order", seed)
		}

		// Each entry and each primary address is there once.
		entries, primaries := make(map[*source.Address]*source.Server), make(map[*source.Addr]*source.Server)
		for i := range s.Addresses {
			entries[&s.Addresses[i]] = nil
		}
		for i := range s.Servers {
			v := &s.Servers[i]
			for j := range v.Primary {
				primaries[&v.Primary[j]] = v
			}
			for j := range v.Addresses {
				entries[&v.Addresses[j]] = v
			}
		}
		for _, a := range inv.Addresses {
			var server *source.Server
			if a.Server != nil {
				server = a.Server.Server
			}
			if a.Entry != nil {
				want, ok := entries[a.Entry]
				if !ok || want != server || a.Entry.Addr.Addr != a.Addr {
					t.Fatalf("seed %d: entry of %s", seed, a.Addr)
				}
				delete(entries, a.Entry)
			}
			if a.Primary != nil {
				want, ok := primaries[a.Primary]
				if !ok || want != server || a.Primary.Addr != a.Addr {
					t.Fatalf("seed %d: primary address %s", seed, a.Addr)
				}
				delete(primaries, a.Primary)
			}
			if a.Pos() == (diag.Position{}) {
				t.Fatalf("seed %d: %s is nowhere", seed, a.Addr)
			}
		}
		if len(entries) > 0 || len(primaries) > 0 {
			t.Fatalf("seed %d: %d entries and %d primary addresses are missing", seed, len(entries), len(primaries))
		}
	}
}

// checkNesting compares what the blocks and zones of inv say of each other with a search through all of them.
func checkNesting(t *testing.T, inv *Inventory) {
	if !slices.IsSortedFunc(inv.Zones, func(a, b *Zone) int { return comparePrefixes(a.Prefix, b.Prefix) }) {
		t.Error("the zones are not in order")
	}
	delegations := 0
	for i, b := range inv.Blocks {
		delegations += len(b.Delegations)
		var outer *Block // of blocks that come before b, so that of two equal ones the first is around the second
		for _, other := range inv.Blocks[:i] {
			if within(b.Prefix.Prefix, other.Prefix.Prefix) {
				outer = other
			}
		}
		if b.Outer != outer {
			t.Errorf("around %s is %v, want %v", b.Prefix, b.Outer, outer)
		}
		for _, z := range b.Zones {
			var want, got *source.Delegation
			if outer != nil {
				want = taking(outer.Block, z.Prefix)
			}
			if z.Delegation != nil {
				got = z.Delegation.Delegation
			}
			if got != want {
				t.Errorf("%v leads to the zone %s, want %v", got, z.Prefix, want)
			}
		}
		// The parts of the delegations are those of the zones, and have all of the delegated addresses once.
		parts := make(map[*Part]bool)
		for _, z := range b.Zones {
			for _, p := range z.Parts {
				parts[p] = true
				if p.Zone != z || !within(p.Prefix, z.Prefix) {
					t.Errorf("%s is a part in %s, not in %s", p.Prefix, p.Zone.Prefix, z.Prefix)
				}
			}
		}
		for _, d := range b.Delegations {
			if d.Block != b {
				t.Errorf("the delegation of %s is not linked to its block", d.Prefix)
			}
			if !within(d.Prefix.Prefix, b.Prefix.Prefix) {
				if len(d.Parts) > 0 {
					t.Errorf("%s has parts in %s", d.Prefix, b.Prefix)
				}
				continue
			}
			next := d.Prefix.Addr()
			for j := range d.Parts {
				p := &d.Parts[j]
				if p.Delegation != d || !parts[p] || p.Prefix.Addr() != next {
					t.Errorf("%s is no part of the delegation of %s in one of the zones", p.Prefix, d.Prefix)
				}
				delete(parts, p)
				next = lastOf(p.Prefix).Next()
			}
			if next != lastOf(d.Prefix.Prefix).Next() {
				t.Errorf("the parts of %s end before %s", d.Prefix, next)
			}
		}
		if len(parts) > 0 {
			t.Errorf("%d parts in the zones of %s are of no delegation", len(parts), b.Prefix)
		}
	}
	if delegations != len(inv.Delegations) {
		t.Errorf("%d delegations, want %d", len(inv.Delegations), delegations)
	}
}

// Hosts are all default hostnames, each once, with all addresses that have it.
func TestHostsRandom(t *testing.T) {
	several := 0
	for seed := range uint64(100) {
		r := &random{Rand: rand.New(rand.NewPCG(seed, 4))}
		inv := Build(r.source(false))
		want := make(map[string]map[netip.Addr]bool)
		for _, a := range inv.Addresses {
			if a.Default == "" {
				continue
			}
			if want[a.Default] == nil {
				want[a.Default] = make(map[netip.Addr]bool)
			}
			want[a.Default][a.Addr] = true
		}
		for h := range inv.Hosts() {
			if len(h.Addrs) != len(want[h.Name]) {
				t.Fatalf("seed %d: %s has %v, want %v", seed, h.Name, h.Addrs, want[h.Name])
			}
			for i, a := range h.Addrs {
				if !want[h.Name][a] || i > 0 && !h.Addrs[i-1].Less(a) {
					t.Fatalf("seed %d: %s has %v, want %v", seed, h.Name, h.Addrs, want[h.Name])
				}
			}
			if len(h.Addrs) > 1 {
				several++
			}
			delete(want, h.Name)
		}
		if len(want) > 0 {
			t.Fatalf("seed %d: %v are missing", seed, want)
		}
	}
	if several == 0 {
		t.Error("no host had several addresses")
	}
}

func TestWithinRandom(t *testing.T) {
	r := &random{Rand: rand.New(rand.NewPCG(3, 3))}
	inv := Build(r.source(false))
	for range 200 {
		p := r.prefix()
		var want, got []*Address
		for i := range inv.Addresses {
			if a := &inv.Addresses[i]; p.Contains(a.Addr) {
				want = append(want, a)
			}
		}
		within := inv.Within(p.Prefix)
		for i := range within {
			got = append(got, &within[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d addresses in %s, want %d", len(got), p, len(want))
		}
	}
}
