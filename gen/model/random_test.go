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
		holds := b.Prefix.Bits() <= p.Bits() && b.Prefix.Contains(p.Addr())
		if holds && (best == nil || best.Prefix.Bits() <= b.Prefix.Bits()) {
			best = b
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
	b := smallest(s, netip.PrefixFrom(addr, addr.BitLen()))
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
		for _, a := range inv.Addresses {
			p := netip.PrefixFrom(a.Addr, a.BitLen())
			if want := smallest(s, p); block(a.Block) != want || block(inv.BlockOf(a.Addr)) != want {
				t.Fatalf("seed %d: %s is in the block %v, want %v", seed, a.Addr, a.Block, want)
			}
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
