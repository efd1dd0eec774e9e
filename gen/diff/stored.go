package diff

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// A stored is the view of a snapshot.
type stored struct {
	*snapshot.Reader
	reverse []storedZone // by prefix
	in      prefixes     // of reverse
	forward map[string]*snapshot.Zone
}

// A storedZone is a reverse zone.
type storedZone struct {
	*snapshot.Zone
	fallback *hostname.Template // nil if there is none
	forward  *snapshot.Zone     // that has the addresses of the fallback's names, nil if none does
}

func newStored(r *snapshot.Reader) (*stored, error) {
	v := &stored{Reader: r, forward: make(map[string]*snapshot.Zone)}
	for i := range r.Zones() {
		z := storedZone{Zone: &r.Zones()[i]}
		switch z.Kind {
		case snapshot.Forward:
			v.forward[z.Name] = z.Zone
		case snapshot.Reverse:
			if z.Fallback != "" {
				var err error
				if z.fallback, err = hostname.Parse(z.Fallback); err != nil {
					return nil, fmt.Errorf("zone %s: %w", z.Name, err)
				}
			}
			v.reverse = append(v.reverse, z)
		}
	}
	for i := range v.reverse {
		if t := v.reverse[i].fallback; t != nil {
			v.reverse[i].forward, _ = v.forwardZone(t.Suffix())
		}
	}
	slices.SortFunc(v.reverse, func(a, b storedZone) int { return a.Prefix.Compare(b.Prefix) })
	v.in = newPrefixes(v.reverse, func(z storedZone) netip.Prefix { return z.Prefix })
	return v, nil
}

func (v *stored) listed() iter.Seq2[netip.Addr, State] {
	return func(yield func(netip.Addr, State) bool) {
		for i := 0; i >= 0 && i < len(v.reverse); {
			i = v.walk(i, yield)
		}
	}
}

// walk goes through the entries of the zone at index i and of those inside it, by address. It returns the index of the
// next zone, -1 if that is not wanted any more.
func (v *stored) walk(i int, yield func(netip.Addr, State) bool) int {
	z := v.reverse[i].Zone
	next := i + 1
	// inside goes through the zones inside z that begin at a or before.
	inside := func(a netip.Addr) bool {
		for next >= 0 && next < len(v.reverse) && z.Prefix.Contains(v.reverse[next].Prefix.Addr()) &&
			v.reverse[next].Prefix.Addr().Compare(a) <= 0 {
			next = v.walk(next, yield)
		}
		return next >= 0
	}
	for a, set := range v.Entries(z) {
		s := State{Names: make([]string, set.Len()), TTL: set.TTL, Origin: model.Explicit, Block: z.Prefix}
		if set.Kind == snapshot.Default {
			s.Origin = model.Default
		}
		for i := range s.Names {
			s.Names[i] = set.Name(i)
		}
		if !inside(a) || !yield(a, s) {
			return -1
		}
	}
	inside(arpa.Last(z.Prefix))
	return next
}

func (v *stored) unlisted(addr netip.Addr) State {
	i := v.in.smallest(single(addr))
	if i < 0 {
		return State{}
	}
	z := &v.reverse[i]
	s := State{Block: z.Prefix}
	if d := z.Delegation(addr); d != nil {
		s.Delegation = d.Prefix
	} else if z.fallback != nil {
		if name, err := z.fallback.Expand(hostname.Values{Addr: addr}); err == nil {
			s.Names, s.TTL, s.Origin = []string{name}, z.TTL, model.Fallback
		}
	}
	return s
}

func (v *stored) knowsForward() bool { return len(v.forward) > 0 }

func (v *stored) confirms(name string, addr netip.Addr) confirmation {
	zone, labels := v.forwardZone(name)
	if zone == nil {
		return unknown
	}
	h, _ := v.Host(zone, labels)
	for i := range h.Len() {
		if h.Addr(i) == addr {
			return confirmed
		}
	}
	for i := range v.in.around(single(addr)) {
		if z := &v.reverse[i]; z.forward == zone {
			if values, ok := z.fallback.Invert(name); ok && values.Addr == addr {
				return confirmed
			}
		}
	}
	return unconfirmed
}

// forwardZone returns the forward zone that name lies in, and the labels of name below its apex, without a final dot.
func (v *stored) forwardZone(name string) (*snapshot.Zone, string) {
	for below := 0; len(v.forward) > 0 && below < len(name); {
		if z := v.forward[name[below:]]; z != nil {
			return z, strings.TrimSuffix(name[:below], ".")
		}
		below += strings.IndexByte(name[below:], '.') + 1
	}
	return nil, ""
}

func (v *stored) blocks() []block {
	list := make([]block, len(v.reverse))
	for i, z := range v.reverse {
		list[i] = block{z.Prefix, z.Fallback, diag.Position{}}
	}
	return list
}

func (v *stored) delegations() []delegation {
	var list []delegation
	for _, z := range v.reverse {
		for _, d := range z.Delegations {
			e := delegation{prefix: d.Prefix, child: d.Name, ns: d.NS}
			for _, ds := range d.DS {
				e.ds = append(e.ds, formatDS(ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest))
			}
			for _, g := range d.Glue {
				e.glue = append(e.glue, formatGlue(g.Name, g.Addr))
			}
			e.ds, e.glue = distinct(e.ds), distinct(e.glue)
			list = append(list, e)
		}
	}
	return once(list, func(a, b delegation) int { return a.prefix.Compare(b.prefix) })
}

func (v *stored) zones() []zone {
	list := make([]zone, len(v.Zones()))
	for i := range list {
		z := &v.Zones()[i]
		list[i] = zone{name: z.Name, prefix: z.Prefix, ttl: z.TTL, soa: z.SOA, ns: z.NS}
	}
	return once(list, compareBy(func(z zone) string { return z.name }))
}

func (v *stored) servers() []*model.Server { return nil }

func (v *stored) rules() []rule { return nil }
