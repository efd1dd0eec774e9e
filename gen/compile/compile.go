// Package compile turns an inventory into a snapshot and gives each zone its serial.
package compile

import (
	"fmt"
	"net/netip"
	"slices"
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
	zones := make([]snapshot.Zone, len(inv.Zones))
	for i, z := range inv.Zones {
		zones[i] = zone(inv, z)
		zones[i].Serial = nextSerial(inv, &zones[i], o)
	}
	b, err := snapshot.NewBuilder(o.Commit, zones)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	c := cursor{inv, inv.Addresses}
	for a, r, ok := c.next(); ok; a, r, ok = c.next() {
		if err := b.Add(a, r.kind, r.ttl, r.names); err != nil {
			return nil, fmt.Errorf("compile %s: %w", a, err)
		}
	}
	return b, nil
}

func zone(inv *model.Inventory, z *model.Zone) snapshot.Zone {
	d := &inv.Source.Defaults
	s := snapshot.Zone{
		Name:   z.Name,
		Prefix: z.Prefix,
		TTL:    d.TTL.Value,
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
		s.NS = append(s.NS, n.Value)
	}
	slices.Sort(s.NS)
	s.NS = slices.Compact(s.NS)
	if z.Block.Fallback != nil {
		s.Fallback = z.Block.Fallback.String()
	}
	return s
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
