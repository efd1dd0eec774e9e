package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var (
	delegationMissing = &Kind{"delegation-missing", diag.Error,
		"The parent does not delegate the zone"}
	delegationDiffers = &Kind{"delegation-differs", diag.Error,
		"The parent delegates the zone to other name servers than those of the source"}
	delegationUnchecked = &Kind{"delegation-unchecked", diag.Warning,
		"No name server of the parent tells how it delegates the zone"}
	dsMismatch = &Kind{"ds-mismatch", diag.Error,
		"The parent has DS records, and none of them fits a key of the zone"}
	dsMissing = &Kind{"ds-missing", diag.Warning,
		"The zone is signed, and the parent has no DS record for it"}
	nameserverUnknown = &Kind{"nameserver-unknown", diag.Error,
		"A name server of the source has no address"}
	nameserverSilent = &Kind{"nameserver-silent", diag.Error,
		"A name server does not answer"}
	nameserverUnchecked = &Kind{"nameserver-unchecked", diag.Note,
		"A name server cannot be reached from here"}
	nameserverNotAuthoritative = &Kind{"nameserver-not-authoritative", diag.Error,
		"A name server does not answer with authority for the zone"}
	nameserversDiffer = &Kind{"nameservers-differ", diag.Error,
		"The NS records at the zone's apex are not those of the source"}
	serialsDiffer = &Kind{"serials-differ", diag.Warning,
		"The name servers have different versions of the zone"}
	zoneUnresolvable = &Kind{"zone-unresolvable", diag.Error,
		"The resolver finds no answer for the zone"}
	zoneBogus = &Kind{"zone-bogus", diag.Error,
		"The resolver refuses the zone because its signatures do not validate"}
)

// A server is a name server at the address at which it answers with authority for a zone.
type server struct {
	name string
	addr netip.AddrPort
}

// A zoneCheck is the check of one zone.
type zoneCheck struct {
	c    *client
	want []string // its name servers by the source, in canonical order
	live []server // those that answer with authority, each at one address, in the order of want
	Zone
}

func (z *zoneCheck) add(k *Kind, hint, format string, args ...any) {
	z.Findings = append(z.Findings, k.finding(hint, format, args...))
}

// checkZone checks a zone.
func checkZone(ctx context.Context, c *client, inv *model.Inventory, name string) (*zoneCheck, error) {
	z := &zoneCheck{c: c, Zone: Zone{Name: name, Findings: []Finding{}}}
	for _, n := range inv.Source.Defaults.Nameservers {
		z.want = append(z.want, n.Value)
	}
	slices.Sort(z.want)
	z.want = slices.Compact(z.want)
	for _, check := range []func(context.Context) error{z.checkServers, z.checkDelegation, z.checkResolver} {
		if err := check(ctx); err != nil {
			return nil, err
		}
	}
	return z, nil
}

// checkServers asks each name server, at each of its addresses, for what is at the apex.
func (z *zoneCheck) checkServers(ctx context.Context) error {
	servers, err := z.c.nameservers(ctx, z.want)
	if err != nil {
		return err
	}
	serials := make(map[uint32][]string) // servers by serial
	for _, s := range servers {
		if len(s.addrs) == 0 {
			why := "it has no A or AAAA record"
			if s.problem != "" {
				why = "it cannot be looked up: " + string(s.problem)
			}
			z.add(nameserverUnknown, "", "name server %s has no address: %s", s.name, why)
		}
		for _, a := range s.addrs {
			if err := z.checkServer(ctx, server{s.name, z.c.at(a)}, a, serials); err != nil {
				return err
			}
		}
	}
	if len(serials) > 1 {
		var all []string
		for serial, at := range serials {
			all = append(all, fmt.Sprintf("%d at %s", serial, list(at)))
		}
		slices.Sort(all)
		z.add(serialsDiffer, "if that lasts, look at the transfer of the zone to the server with the lower serial",
			"name servers have different serials: %s", strings.Join(all, ", "))
	}
	return nil
}

// checkServer asks one name server for the SOA and the NS RRset at the apex.
func (z *zoneCheck) checkServer(ctx context.Context, s server, a netip.Addr, serials map[uint32][]string) error {
	var rrs [2][]dns.RR
	for i, qtype := range []uint16{dns.TypeSOA, dns.TypeNS} {
		r, why, err := z.c.ask(ctx, s.addr, question(z.Name, qtype))
		switch {
		case err != nil:
			return err
		case why == noRoute:
			z.add(nameserverUnchecked, "", "name server %s was not asked at %s: %s", s.name, a, why)
			return nil
		case r == nil:
			z.add(nameserverSilent, "", "name server %s does not answer at %s: %s", s.name, a, why)
			return nil
		case why == "":
			rrs[i] = rrsOf(r.Answer, z.Name, qtype)
			if r.Authoritative && len(rrs[i]) > 0 {
				continue
			}
			why = "it gives no authoritative answer"
		}
		z.add(nameserverNotAuthoritative, "", "name server %s does not serve the zone at %s: %s for %s",
			s.name, a, why, dns.TypeToString[qtype])
		return nil
	}
	if n := len(z.live); n == 0 || z.live[n-1].name != s.name {
		z.live = append(z.live, s)
	}
	serial := rrs[0][0].(*dns.SOA).Serial
	serials[serial] = append(serials[serial], fmt.Sprintf("%s (%s)", s.name, a))
	if got := targets(rrs[1]); !slices.Equal(got, z.want) {
		z.add(nameserversDiffer, "", "%s (%s) says that the name servers are %s, and the source says %s",
			s.name, a, list(got), list(z.want))
	}
	return nil
}

// checkDelegation asks the parent's name servers, until one tells how it delegates the zone.
func (z *zoneCheck) checkDelegation(ctx context.Context) error {
	parent, servers, why, err := z.c.parent(ctx, z.Name)
	if err != nil {
		return err
	}
	if why != "" {
		z.add(delegationUnchecked, "", "the name servers of the parent cannot be looked up: %s for %s", why, parent)
		return nil
	}
	var hosts *server // of the parent, and has the zone, too: its NS RRset is the zone's own
	for _, s := range servers {
		for _, a := range s.addrs {
			at := server{s.name, z.c.at(a)}
			r, why, err := z.c.ask(ctx, at.addr, question(z.Name, dns.TypeNS))
			if err != nil {
				return err
			}
			if why != "" {
				continue
			}
			switch referral := rrsOf(r.Ns, z.Name, dns.TypeNS); {
			case len(referral) > 0:
				z.compareDelegation(s.name, targets(referral))
				return z.checkDS(ctx, parent, at)
			case !r.Authoritative:
				continue
			case len(rrsOf(r.Answer, z.Name, dns.TypeNS)) > 0:
				hosts = &at
			default:
				z.add(delegationMissing, "give the parent what revmap export parent-snippet prints",
					"%s, which serves the parent %s, does not delegate the zone", s.name, parent)
				return nil
			}
		}
	}
	if hosts != nil {
		return z.checkDS(ctx, parent, *hosts)
	}
	z.add(delegationUnchecked, "", "no name server of the parent %s tells how it delegates the zone", parent)
	return nil
}

func (z *zoneCheck) compareDelegation(server string, got []string) {
	if slices.Equal(got, z.want) {
		return
	}
	var parts []string
	if lacks := without(z.want, got); len(lacks) > 0 {
		parts = append(parts, "lacks "+list(lacks))
	}
	if more := without(got, z.want); len(more) > 0 {
		parts = append(parts, "has "+list(more)+", which the source does not have")
	}
	z.add(delegationDiffers, "", "the delegation at the parent's %s %s", server, strings.Join(parts, " and "))
}

// checkDS compares the DS RRset, which a name server of the parent has, with the keys of the zone.
func (z *zoneCheck) checkDS(ctx context.Context, parent string, at server) error {
	if len(z.live) == 0 {
		return nil
	}
	var rrs [2][]dns.RR
	for i, q := range []struct {
		server
		qtype uint16
	}{{at, dns.TypeDS}, {z.live[0], dns.TypeDNSKEY}} {
		r, why, err := z.c.ask(ctx, q.addr, question(z.Name, q.qtype))
		if err != nil || why != "" {
			return err
		}
		rrs[i] = rrsOf(r.Answer, z.Name, q.qtype)
	}
	ds, keys := rrs[0], rrs[1]
	switch {
	case len(ds) == 0 && len(keys) > 0:
		r, why, err := z.c.ask(ctx, at.addr, question(parent, dns.TypeDNSKEY))
		if err != nil || why != "" || len(rrsOf(r.Answer, parent, dns.TypeDNSKEY)) == 0 {
			return err // an unsigned parent has no use for a DS
		}
		z.add(dsMissing, "give the parent the DS records", "%s signs the zone, and the parent's %s has no DS record",
			z.live[0].name, at.name)
	case len(ds) > 0 && len(keys) == 0:
		z.add(dsMismatch, "validating resolvers fail: have the parent remove its DS records, or sign the zone",
			"the parent's %s has a DS record, and %s has no key of the zone", at.name, z.live[0].name)
	case len(ds) > 0 && !anyFits(ds, keys):
		z.add(dsMismatch, "validating resolvers fail: have the parent replace its DS records",
			"no DS record of the parent's %s fits one of the keys of the zone at %s", at.name, z.live[0].name)
	}
	return nil
}

// anyFits reports whether one of the DS RRs is that of one of the keys, or of a kind that can't be told here.
func anyFits(dss, keys []dns.RR) bool {
	for _, rr := range dss {
		ds := rr.(*dns.DS)
		switch ds.DigestType {
		case dns.SHA1, dns.SHA256, dns.SHA384:
		default:
			return true
		}
		for _, rr := range keys {
			d := rr.(*dns.DNSKEY).ToDS(ds.DigestType)
			if d != nil && d.KeyTag == ds.KeyTag && d.Algorithm == ds.Algorithm && strings.EqualFold(d.Digest, ds.Digest) {
				return true
			}
		}
	}
	return false
}

// checkResolver looks for the zone as everybody does.
func (z *zoneCheck) checkResolver(ctx context.Context) error {
	l, err := z.c.resolve(ctx, z.Name, dns.TypeSOA)
	if err != nil || l.problem == "" {
		return err
	}
	q := new(dns.Msg).SetQuestion(z.Name, dns.TypeSOA)
	q.CheckingDisabled = true
	r, why, err := z.c.ask(ctx, z.c.resolver, q)
	switch {
	case err != nil:
		return err
	case why == "" && r.Rcode == dns.RcodeSuccess:
		z.add(zoneBogus, "compare the keys, the signatures' dates and the DS records; delv tells what is wrong",
			"the resolver gives no answer (%s), and does when it need not validate (CD)", l.problem)
	default:
		z.add(zoneUnresolvable, "", "the resolver gives no answer for the zone: %s", l.problem)
	}
	return nil
}

// without returns the names of a that b lacks. Both are in canonical order.
func without(a, b []string) (rest []string) {
	for _, name := range a {
		if _, found := slices.BinarySearch(b, name); !found {
			rest = append(rest, name)
		}
	}
	return rest
}

// list joins words as a sentence does. No words are "none".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return "none"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
