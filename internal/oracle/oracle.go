// Package oracle answers what internal/authority answers by looking at every name of a snapshot in turn. It is slow and
// obvious, shares no code with what it checks, and is for tests only.
package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Response is an answer in words. RRs are "owner TTL type data"; the order of a section has no meaning.
type Response struct {
	Rcode     string
	AA        bool
	Answer    []string
	Authority []string
}

// An Oracle knows all RRs of a snapshot.
type Oracle struct {
	zones []snapshot.Zone
	rrs   []rr
}

type rr struct {
	owner, kind, data string
	ttl               uint32
}

// New lists the RRs of r.
func New(r *snapshot.Reader) *Oracle {
	o := &Oracle{zones: r.Zones()}
	for i := range o.zones {
		z := &o.zones[i]
		o.rrs = append(o.rrs, rr{z.Name, "SOA", soa(z), z.TTL})
		for _, ns := range z.NS {
			o.rrs = append(o.rrs, rr{z.Name, "NS", ns, z.TTL})
		}
		for a, set := range r.Entries(z) {
			for i := range set.Len() {
				o.rrs = append(o.rrs, rr{owner(z, a), "PTR", set.Name(i), set.TTL})
			}
		}
	}
	return o
}

func soa(z *snapshot.Zone) string {
	s := z.SOA
	return fmt.Sprintf("%s %s %d %d %d %d %d", s.Primary, s.Contact, z.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum)
}

func owner(z *snapshot.Zone, a netip.Addr) string {
	name := reverse(a)
	if !classless(z) {
		return name
	}
	return strings.SplitN(name, ".", 2)[0] + "." + z.Name // RFC 2317
}

// Answer answers a question of class IN.
func (o *Oracle) Answer(qname string, qtype uint16) Response {
	name := strings.ToLower(qname)
	var z *snapshot.Zone
	for i := range o.zones {
		if dns.IsSubDomain(o.zones[i].Name, name) && (z == nil || len(o.zones[i].Name) > len(z.Name)) {
			z = &o.zones[i]
		}
	}
	if z == nil {
		return Response{Rcode: "REFUSED"}
	}
	kind := dns.TypeToString[qtype]
	if qtype == dns.TypeANY {
		kind = "PTR"
		if name == z.Name {
			kind = "SOA"
		}
	}
	exists := false
	resp := Response{Rcode: "NOERROR", AA: true}
	named := false
	for _, rr := range o.rrs {
		exists = exists || dns.IsSubDomain(name, rr.owner)
		named = named || rr.owner == name && rr.kind == "PTR"
		if rr.owner == name && rr.kind == kind {
			resp.Answer = append(resp.Answer, fmt.Sprintf("%s %d %s %s", qname, rr.ttl, rr.kind, rr.data))
		}
	}
	if z.Fallback != "" {
		a, whole, canonical := address(z, name)
		exists = exists || canonical
		if whole && canonical && !named && kind == "PTR" {
			t, err := hostname.Parse(z.Fallback)
			if err != nil {
				panic(err) // the reader has verified it
			}
			if target, err := t.Expand(hostname.Values{Addr: a}); err == nil {
				resp.Answer = append(resp.Answer, fmt.Sprintf("%s %d PTR %s", qname, z.TTL, target))
			}
		}
	}
	if len(resp.Answer) > 0 {
		return resp
	}
	if !exists {
		resp.Rcode = "NXDOMAIN"
	}
	resp.Authority = []string{fmt.Sprintf("%s %d SOA %s", z.Name, min(z.TTL, z.SOA.Minimum), soa(z))}
	return resp
}

// address reads a name in the zone z: the address, whether the name is that of a whole one, and whether an address of the
// zone has that name or one below it.
func address(z *snapshot.Zone, name string) (a netip.Addr, whole, canonical bool) {
	if name == z.Name && owner(z, z.Prefix.Addr()) != name {
		return a, false, true
	}
	labels := dns.SplitDomainName(name)
	if classless(z) {
		below := labels[:len(labels)-dns.CountLabel(z.Name)]
		if len(below) != 1 {
			return a, false, false
		}
		base := z.Prefix.Addr().As4()
		a, err := netip.ParseAddr(fmt.Sprintf("%d.%d.%d.%s", base[0], base[1], base[2], below[0]))
		return a, true, err == nil && z.Prefix.Contains(a)
	}
	labels = labels[:len(labels)-2]
	slices.Reverse(labels)
	if z.Prefix.Addr().Is4() {
		for _, l := range labels {
			if n, err := strconv.Atoi(l); err != nil || n < 0 || n > 255 || strconv.Itoa(n) != l {
				return a, false, false
			}
		}
		a, err := netip.ParseAddr(strings.Join(labels, "."))
		return a, err == nil, len(labels) < 4 || err == nil && z.Prefix.Contains(a)
	}
	text := ""
	for i, l := range labels {
		if len(l) != 1 || !strings.Contains("0123456789abcdef", l) {
			return a, false, false
		}
		if i > 0 && i%4 == 0 {
			text += ":"
		}
		text += l
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil && len(labels) == 32, len(labels) <= 32
}

// classless reports whether the zone is not where the reverse names of its addresses are.
func classless(z *snapshot.Zone) bool { return !dns.IsSubDomain(z.Name, reverse(z.Prefix.Addr())) }

func reverse(a netip.Addr) string {
	name, err := dns.ReverseAddr(a.String())
	if err != nil {
		panic(err) // every netip.Addr has a reverse name
	}
	return name
}
