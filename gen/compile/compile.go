// Package compile turns an inventory into a snapshot and gives each zone its serial.
package compile

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"time"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

// Options are what a snapshot holds beside the inventory.
type Options struct {
	Commit   string           // id of the source's commit, empty if unknown
	Time     time.Time        // when the source was made: what a new or changed zone's serial begins at
	Previous *snapshot.Reader // what is served now, nil if nothing is: unchanged zones keep its serials
}

// Compile builds the snapshot of inv. The inventory must be one that gen/lint finds no error in; an error here tells that
// it was not. The same inventory and options give the same bytes.
func Compile(inv *model.Inventory, o Options) (*snapshot.Builder, error) {
	b, err := snapshot.NewBuilder(o.Commit, zones(inv))
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	c := cursor{inv, inv.Addresses}
	for a, r, ok := c.next(); ok; a, r, ok = c.next() {
		if err := b.Add(a, r.kind, r.ttl, r.names); err != nil {
			return nil, fmt.Errorf("compile %s: %w", a, err)
		}
	}
	for h := range hosts(inv) {
		if err := b.AddHost(h.Name, h.Addrs); err != nil {
			return nil, fmt.Errorf("compile: %w", err)
		}
	}
	if err := setSerials(b, o); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return b, nil
}

// hosts goes through those of inv that lie in forward zones.
func hosts(inv *model.Inventory) iter.Seq[model.Host] {
	return func(yield func(model.Host) bool) {
		if len(inv.ForwardZones) == 0 {
			return
		}
		for h := range inv.Hosts() {
			if inv.ForwardZone(h.Name) != nil && !yield(h) {
				return
			}
		}
	}
}

// zones returns the zones of inv, without serials.
func zones(inv *model.Inventory) []snapshot.Zone {
	list := make([]snapshot.Zone, 0, len(inv.Zones)+len(inv.ForwardZones)+1)
	for _, z := range inv.Zones {
		r := apex(inv, snapshot.Reverse, z.Name)
		r.Prefix = z.Prefix
		if z.Block.Fallback != nil {
			r.Fallback = z.Block.Fallback.String()
		}
		for _, p := range z.Parts {
			r.Delegations = append(r.Delegations, delegation(p))
		}
		list = append(list, r)
	}
	for _, z := range inv.ForwardZones {
		list = append(list, apex(inv, snapshot.Forward, z.Name.Value))
	}
	if name := inv.Catalog.Value; name != "" {
		z := apex(inv, snapshot.Catalog, name)
		z.NS = []string{"invalid."} // RFC 9432 section 4
		list = append(list, z)
	}
	return list
}

// apex returns a zone with what all zones have.
func apex(inv *model.Inventory, kind snapshot.ZoneKind, name string) snapshot.Zone {
	d := &inv.Source.Defaults
	z := snapshot.Zone{
		Kind: kind,
		Name: name,
		TTL:  d.TTL.Value,
		SOA: snapshot.SOA{
			Primary: d.SOA.Primary.Value,
			Contact: d.SOA.Contact.Value,
			Refresh: d.SOA.Refresh.Value,
			Retry:   d.SOA.Retry.Value,
			Expire:  d.SOA.Expire.Value,
			Minimum: d.SOA.NegativeTTL.Value,
		},
	}
	for _, n := range d.Nameservers {
		z.NS = append(z.NS, n.Value)
	}
	return z
}

// delegation returns what a delegation puts into one zone. Of its glue that is what lies in the child.
func delegation(p *model.Part) snapshot.Delegation {
	d := snapshot.Delegation{Prefix: p.Prefix, Name: p.Name}
	for _, n := range p.Delegation.Nameservers {
		d.NS = append(d.NS, n.Value)
	}
	for _, ds := range p.Delegation.DS {
		d.DS = append(d.DS, snapshot.DS{
			KeyTag: ds.KeyTag, Algorithm: ds.Algorithm, DigestType: ds.DigestType, Digest: string(ds.Digest),
		})
	}
	for _, g := range p.Delegation.Glue {
		if name := g.Name.Value; name == p.Name || strings.HasSuffix(name, "."+p.Name) {
			for _, a := range g.Addrs {
				d.Glue = append(d.Glue, snapshot.Glue{Name: name, Addr: a.Addr})
			}
		}
	}
	return d
}

// rrset is what the snapshot stores of one address.
type rrset struct {
	kind  snapshot.Kind
	ttl   uint32
	names []string
}

// A cursor walks over the addresses that have a name of their own. What a fallback names is not stored.
type cursor struct {
	inv  *model.Inventory
	rest []model.Address
}

func (c *cursor) next() (netip.Addr, rrset, bool) {
	for len(c.rest) > 0 {
		a := &c.rest[0]
		c.rest = c.rest[1:]
		e := c.inv.Effective(a)
		switch e.Origin {
		case model.Explicit:
			return a.Addr, rrset{snapshot.Explicit, e.TTL, e.Names}, true
		case model.Default:
			return a.Addr, rrset{snapshot.Default, e.TTL, e.Names}, true
		}
	}
	return netip.Addr{}, rrset{}, false
}
