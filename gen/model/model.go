// Package model resolves a source into an inventory: blocks, their zones and delegations, servers, addresses and the
// name that each address answers with, all linked to the syntax that they came from.
//
// The model reports nothing. It takes any source, also one that makes no sense, and keeps what does not fit together
// side by side, so that the rules of gen/lint can find it. Only an inventory without findings may be compiled.
package model

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// An Inventory is everything that a source says, resolved. It is immutable and safe for concurrent use.
type Inventory struct {
	Source       *source.Source
	Blocks       []*Block       // by prefix
	Zones        []*Zone        // by prefix
	Delegations  []*Delegation  // by prefix
	Servers      []*Server      // by name
	Routed       []Routed       // by prefix
	Addresses    []Address      // by address; one that two places claim is there twice
	ForwardZones []*ForwardZone // by name
	Catalog      source.Name    // apex of the catalog zone (RFC 9432); empty if there is none

	blocks, delegations nest // the prefixes of Blocks and Delegations, in their order
}

// A Block is a prefix for which we are authoritative.
type Block struct {
	*source.Block
	Outer       *Block             // the smallest block around this one, nil if none; of two equal ones the first
	Zones       []*Zone            // by prefix
	Delegations []*Delegation      // by prefix
	Fallback    *hostname.Template // with the block's vars put in; nil if there is none
	vars        map[string]string
}

// A Zone is a reverse zone: a part of a block that ends on an octet or nibble boundary, or a classless block.
type Zone struct {
	Name       string // apex; empty for a classless block that does not say its name
	Prefix     netip.Prefix
	Block      *Block
	Parts      []*Part     // what delegations put into the zone, by prefix
	Delegation *Delegation // the smallest one of Block.Outer that leads here, nil if none does
	DS         []source.DS // for the parent to publish, if the zone is signed; Block.DS of its name
}

// A Server is a machine that a customer ordered.
type Server struct {
	*source.Server
	Product *source.Product // nil if the source has no such product
	Account *source.Account // nil if the server names none, or the source does not have it
}

// Routed is a prefix whose addresses are a server's.
type Routed struct {
	source.Prefix
	Server *Server
	Block  *Block // the block that holds the prefix, nil if none does
}

// An Address is one address of the source.
type Address struct {
	netip.Addr
	Server     *Server         // nil for an address of no server
	Block      *Block          // the smallest block that holds the address, nil if none does
	Delegation *Delegation     // what Inventory.DelegationOf returns for it
	Entry      *source.Address // the entry that lists the address; nil if only the server's "primary" does
	Primary    *source.Addr    // where it is listed as a primary address; nil if it is none
	Default    string          // default hostname of a primary address, "" if it has none; in a delegation too
}

// Pos returns the place that says most about the address: its entry, else where it is listed as primary.
func (a *Address) Pos() diag.Position {
	if a.Entry != nil {
		return a.Entry.Addr.Pos
	}
	return a.Primary.Pos
}

// Build resolves s.
func Build(s *source.Source) *Inventory {
	inv := Frame(s)
	inv.addEntries()
	return inv
}

// Frame resolves what the entries of s share: all but its servers and addresses.
func Frame(s *source.Source) *Inventory {
	inv := &Inventory{Source: s, Catalog: s.Catalog}
	inv.addBlocks()
	inv.addDelegations()
	inv.addForwardZones()
	return inv
}

// Part resolves entries of a source in the frame of inv, and no others of that source: the accounts are those that the
// servers have. What it returns shares blocks, zones, delegations and products with inv.
func (inv *Inventory) Part(servers []source.Server, addresses []source.Address, accounts []source.Account) *Inventory {
	s, part := *inv.Source, *inv
	s.Servers, s.Addresses, s.Accounts = servers, addresses, accounts
	part.Source = &s
	part.addEntries()
	return &part
}

func (inv *Inventory) addEntries() {
	inv.addServers()
	inv.addAddresses()
	inv.nameDefaults()
}

func (inv *Inventory) addBlocks() {
	for i := range inv.Source.Blocks {
		b := &Block{Block: &inv.Source.Blocks[i]}
		if len(b.Vars) > 0 {
			b.vars = make(map[string]string, len(b.Vars))
			for _, v := range b.Vars {
				b.vars[v.Name.Value] = v.Value.Value
			}
		}
		if t := b.Block.Fallback.T; t != nil {
			b.Fallback, _ = t.Bind(b.vars) // lint asks again for the error
		}
		if IsClassless(b.Prefix.Prefix) {
			b.Zones = []*Zone{{Name: b.Zone.Value, Prefix: b.Prefix.Prefix, Block: b}}
		} else {
			for p := range arpa.Cut(b.Prefix.Prefix) {
				b.Zones = append(b.Zones, &Zone{Name: arpa.ZoneName(p), Prefix: p, Block: b})
			}
		}
		for _, ds := range b.DS {
			for _, z := range b.Zones {
				if z.Name == ds.Zone.Value {
					z.DS = ds.DS
				}
			}
		}
		inv.Blocks = append(inv.Blocks, b)
	}
	slices.SortStableFunc(inv.Blocks, func(a, b *Block) int { return comparePrefixes(a.Prefix.Prefix, b.Prefix.Prefix) })
	inv.blocks = newNest(inv.Blocks, func(b *Block) netip.Prefix { return b.Prefix.Prefix })
	for i, b := range inv.Blocks {
		if outer := inv.blocks[i].outer; outer >= 0 {
			b.Outer = inv.Blocks[outer]
		}
		inv.Zones = append(inv.Zones, b.Zones...)
	}
	slices.SortStableFunc(inv.Zones, func(a, b *Zone) int { return comparePrefixes(a.Prefix, b.Prefix) })
}

// IsClassless reports whether a block of this prefix has a zone of RFC 2317, whose name the parent chooses.
func IsClassless(p netip.Prefix) bool { return p.Addr().Is4() && p.Bits() > 24 }

// comparePrefixes orders by address, a prefix before those that it contains.
func comparePrefixes(p, q netip.Prefix) int {
	return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
}

func (inv *Inventory) addServers() {
	products := make(map[string]*source.Product, len(inv.Source.Products))
	for i := range inv.Source.Products {
		products[inv.Source.Products[i].Name.Value] = &inv.Source.Products[i]
	}
	accounts := make(map[string]*source.Account, len(inv.Source.Accounts))
	for i := range inv.Source.Accounts {
		accounts[inv.Source.Accounts[i].Name.Value] = &inv.Source.Accounts[i]
	}
	// The names stand beside the pointers for speed: there can be a million of them, in any order.
	type named struct {
		name string
		*source.Server
	}
	order := make([]named, len(inv.Source.Servers))
	for i := range order {
		s := &inv.Source.Servers[i]
		order[i] = named{s.Name.Value, s}
	}
	slices.SortStableFunc(order, func(a, b named) int { return strings.Compare(a.name, b.name) })
	servers := make([]Server, len(order))
	inv.Servers = make([]*Server, len(order))
	for i, o := range order {
		servers[i] = Server{o.Server, products[o.Product.Value], accounts[o.Account.Value]}
		inv.Servers[i] = &servers[i]
	}
}

func (inv *Inventory) addAddresses() {
	n := len(inv.Source.Addresses)
	for _, s := range inv.Servers {
		n += len(s.Primary) + len(s.Addresses)
	}
	inv.Addresses, inv.Routed = make([]Address, 0, n), nil
	for i := range inv.Source.Addresses {
		e := &inv.Source.Addresses[i]
		inv.Addresses = append(inv.Addresses, Address{Addr: e.Addr.Addr, Entry: e})
	}
	for _, s := range inv.Servers {
		first := len(inv.Addresses)
		for i := range s.Primary {
			inv.Addresses = append(inv.Addresses, Address{Addr: s.Primary[i].Addr, Server: s, Primary: &s.Primary[i]})
		}
		primaries := inv.Addresses[first:]
		for i := range s.Server.Addresses {
			e := &s.Server.Addresses[i]
			p := slices.IndexFunc(primaries, func(a Address) bool { return a.Addr == e.Addr.Addr && a.Entry == nil })
			if p >= 0 {
				primaries[p].Entry = e
				continue
			}
			inv.Addresses = append(inv.Addresses, Address{Addr: e.Addr.Addr, Server: s, Entry: e})
		}
		for _, p := range s.Server.Routed {
			inv.Routed = append(inv.Routed, Routed{Prefix: p, Server: s})
		}
	}
	slices.SortStableFunc(inv.Addresses, func(a, b Address) int { return a.Compare(b.Addr) })
	slices.SortStableFunc(inv.Routed, func(a, b Routed) int { return comparePrefixes(a.Prefix.Prefix, b.Prefix.Prefix) })

	block, delegation := -1, -1
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		p := netip.PrefixFrom(a.Addr, a.BitLen())
		block = inv.blocks.next(block, a.Addr)
		a.Block = inv.blockOf(block, p)
		delegation = inv.delegations.next(delegation, a.Addr)
		a.Delegation = inv.delegationOf(delegation, p, a.Block)
	}
	block = -1
	for i := range inv.Routed {
		r := &inv.Routed[i]
		block = inv.blocks.next(block, r.Prefix.Addr())
		r.Block = inv.blockOf(block, r.Prefix.Prefix)
	}
}

// blockOf returns the smallest block that holds p, nil if none does. Last is that of p's address in inv.blocks.
func (inv *Inventory) blockOf(last int, p netip.Prefix) *Block {
	if i := inv.blocks.smallest(last, p); i >= 0 {
		return inv.Blocks[i]
	}
	return nil
}

func (inv *Inventory) nameDefaults() {
	// Binding a template to the vars of a block is the same for all servers of one product in that block.
	type key struct {
		product *source.Product
		block   *Block
	}
	bound := make(map[key]*hostname.Template)
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Primary == nil || a.Server.Product == nil || a.Server.Product.Hostname.T == nil {
			continue
		}
		k := key{a.Server.Product, a.Block}
		t, ok := bound[k]
		if !ok {
			t, _ = k.product.Hostname.T.Bind(k.block.Variables()) // lint asks again for the error
			bound[k] = t
		}
		if t != nil {
			a.Default, _ = t.Expand(a.values())
		}
	}
}

// Variables returns the block's vars. They are read-only.
func (b *Block) Variables() map[string]string {
	if b == nil {
		return nil
	}
	return b.vars
}

// values returns what a template puts in for a. Names in DNS are lower case; those of servers and accounts need not be.
func (a *Address) values() hostname.Values {
	return hostname.Values{
		Addr:    a.Addr,
		Server:  strings.ToLower(a.Server.Name.Value),
		Product: strings.ToLower(a.Server.Product.Name.Value),
		Account: strings.ToLower(a.Server.Server.Account.Value),
	}
}

// DefaultHostname makes the default hostname of a primary address, or tells why there is none.
func (a *Address) DefaultHostname() (string, error) {
	if a.Primary == nil || a.Server.Product == nil || a.Server.Product.Hostname.T == nil {
		return "", fmt.Errorf("%s is no primary address of a server with a product", a.Addr)
	}
	t, err := a.Server.Product.Hostname.T.Bind(a.Block.Variables())
	if err != nil {
		return "", err
	}
	return t.Expand(a.values())
}
