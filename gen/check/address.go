package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
)

var (
	ptrMissing    = &Kind{"ptr-missing", diag.Error, "A name of the source is not answered"}
	ptrOther      = &Kind{"ptr-other", diag.Error, "Another name than that of the source is answered"}
	ptrExtra      = &Kind{"ptr-extra", diag.Error, "A name is answered that the source does not have"}
	ptrUnanswered = &Kind{"ptr-unanswered", diag.Warning, "A server gives no answer for the address"}

	resolverDiffers = &Kind{"resolver-differs", diag.Warning,
		"The name servers answer what the source says, and the resolver does not"}
	aliasMissing = &Kind{"alias-missing", diag.Error,
		"The parent of a classless zone does not lead from the address to the zone"}

	forwardMissing    = &Kind{"forward-missing", diag.Error, "The name has no address"}
	forwardMismatch   = &Kind{"forward-mismatch", diag.Error, "The name leads to other addresses, not back"}
	forwardAlias      = &Kind{"forward-alias", diag.Warning, "The name is an alias"}
	forwardUnanswered = &Kind{"forward-unanswered", diag.Warning, "The name cannot be looked up"}
	forwardTemperror  = &Kind{"forward-temperror", diag.Note, "The name cannot be looked up in the other family"}
	domainMissing     = &Kind{"domain-missing", diag.Error, "The name lies in a domain that does not exist"}
)

// resolverName stands for the resolver among the names of servers.
const resolverName = "the resolver"

// mostNames is how many names of one address are looked up. Receivers do not look at more (RFC 7208 section 4.6.4), and
// those that others have could be thousands.
const mostNames = 10

// An addressCheck is the check of one address.
type addressCheck struct {
	c *client
	Address
}

func (a *addressCheck) add(k *Kind, hint, format string, args ...any) {
	a.Findings = append(a.Findings, k.finding(hint, format, args...))
}

// checkAddress checks one address. Live has the name servers to ask, by the name of the zone. With smtp, the mail
// server is asked also where none is declared.
func checkAddress(
	ctx context.Context, c *client, inv *model.Inventory, addr netip.Addr, live map[string][]server, smtp bool,
) (*addressCheck, error) {
	a := &addressCheck{c: c, Address: Address{Addr: addr, Want: []string{}, Findings: []Finding{}}}
	answer, entry := inv.Lookup(addr)
	a.Want = append(a.Want, answer.Names...)
	if entry != nil {
		a.Pos = entry.Pos()
		if entry.Server != nil {
			a.Server = entry.Server.Name.Value
		}
	}
	zone := zoneOf(inv, addr)
	a.Others = zone == nil
	if err := a.checkPTR(ctx, zone, live); err != nil {
		return nil, err
	}
	for _, name := range a.Names()[:min(mostNames, len(a.Names()))] {
		if err := a.checkForward(ctx, name); err != nil {
			return nil, err
		}
	}
	var helo string
	if entry != nil && entry.Primary != nil {
		helo = entry.Server.Helo.Value
	}
	if helo != "" || smtp && len(a.Names()) > 0 {
		return a, a.checkMail(ctx, redirected(c.redirect, netip.AddrPortFrom(addr, smtpPort)), helo)
	}
	return a, nil
}

// zoneOf returns the zone of ours that has the PTR of addr, nil if others have it.
func zoneOf(inv *model.Inventory, addr netip.Addr) *model.Zone {
	b := inv.BlockOf(addr)
	if b == nil || inv.DelegationOf(addr) != nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(b.Zones, addr, func(z *model.Zone, addr netip.Addr) int {
		if z.Prefix.Contains(addr) {
			return 0
		}
		return z.Prefix.Addr().Compare(addr)
	})
	return b.Zones[i]
}

// ownerIn returns the owner of the PTR of addr in z. That is the address's own name, unless z is a classless zone
// (RFC 2317 section 4).
func ownerIn(z *model.Zone, addr netip.Addr) string {
	if !model.IsClassless(z.Prefix) || z.Name == arpa.Name(addr) {
		return arpa.Name(addr)
	}
	return fmt.Sprintf("%d.%s", addr.As4()[3], z.Name)
}

// checkPTR asks the name servers of the zone and the resolver for the PTR, and compares.
func (a *addressCheck) checkPTR(ctx context.Context, zone *model.Zone, live map[string][]server) error {
	owner := arpa.Name(a.Addr)
	if zone != nil {
		owner = ownerIn(zone, a.Addr)
		for _, s := range live[zone.Name] {
			v, err := a.askServer(ctx, s, owner)
			if err != nil {
				return err
			}
			a.PTR = append(a.PTR, v)
		}
	}
	l, err := a.c.resolve(ctx, arpa.Name(a.Addr), dns.TypePTR)
	if err != nil {
		return err
	}
	a.PTR = append(a.PTR, View{Server: resolverName, Names: targets(l.rrs), Error: string(l.problem)})
	for _, v := range a.PTR {
		if v.Error != "" {
			a.add(ptrUnanswered, "", "%s gives no answer: %s", v.Server, v.Error)
		}
	}
	if zone != nil {
		a.compare(owner, l)
	}
	return nil
}

func (a *addressCheck) askServer(ctx context.Context, s server, owner string) (View, error) {
	v := View{Server: s.name, Names: []string{}}
	r, why, err := a.c.ask(ctx, s.addr, question(owner, dns.TypePTR))
	switch {
	case err != nil:
		return v, err
	case why != "":
		v.Error = string(why)
	case !r.Authoritative:
		v.Error = "no authority"
	default:
		v.Names = targets(rrsOf(r.Answer, owner, dns.TypePTR))
	}
	return v, nil
}

// compare compares what is answered with the source. Servers that answer the same share a finding.
func (a *addressCheck) compare(owner string, l lookup) {
	views := a.PTR
	resolver := views[len(views)-1]
	if !slices.Equal(resolver.Names, a.Want) && resolver.Error == "" {
		servers := views[:len(views)-1]
		published := slices.ContainsFunc(servers, func(v View) bool { return v.Error == "" }) &&
			!slices.ContainsFunc(servers, func(v View) bool { return v.Error == "" && !slices.Equal(v.Names, a.Want) })
		switch {
		case owner != arpa.Name(a.Addr) && !slices.Contains(l.aliases, owner):
			views = servers
			a.add(aliasMissing, "give the parent what revmap export parent-snippet prints",
				"the resolver finds no CNAME from %s to %s, and answers %s", arpa.Name(a.Addr), owner, list(resolver.Names))
		case published:
			views = servers
			hint := fmt.Sprintf("what it has from before a change lasts %d s more; else look at the delegation", l.ttl)
			a.add(resolverDiffers, hint,
				"the resolver answers %s, and the name servers answer %s", list(resolver.Names), list(a.Want))
		}
	}
	told := make(map[string]bool) // names that have their finding
	for i, v := range views {
		key := strings.Join(v.Names, " ")
		if v.Error != "" || slices.Equal(v.Names, a.Want) || told[key] {
			continue
		}
		told[key] = true
		var servers []string
		for _, w := range views[i:] {
			if w.Error == "" && slices.Equal(v.Names, w.Names) {
				servers = append(servers, w.Server)
			}
		}
		verb := "answers"
		if len(servers) > 1 {
			verb = "answer"
		}
		a.add(drift(a.Want, v.Names), "", "%s %s %s, and the source says %s",
			list(servers), verb, list(v.Names), list(a.Want))
	}
}

// drift returns the kind of difference between names of the source and those that are answered.
func drift(want, got []string) *Kind {
	switch {
	case len(without(got, want)) == 0:
		return ptrMissing
	case len(without(want, got)) == 0:
		return ptrExtra
	}
	return ptrOther
}

// checkForward looks up where a name leads, in both families, and whether that is back to the address.
func (a *addressCheck) checkForward(ctx context.Context, name string) error {
	own, other := addressType(a.Addr), dns.TypeA
	if own == other {
		other = dns.TypeAAAA
	}
	f := Forward{Name: name, Addrs: []netip.Addr{}}
	var found [2]lookup
	for i, qtype := range []uint16{own, other} {
		l, err := a.c.resolve(ctx, name, qtype)
		if err != nil {
			return err
		}
		found[i] = l
		f.Addrs = append(f.Addrs, addresses(l.rrs)...)
		if len(l.aliases) > len(f.Aliases) {
			f.Aliases = l.aliases
		}
		if l.problem != "" {
			f.Errors = append(f.Errors, fmt.Sprintf("%s: %s", dns.TypeToString[qtype], l.problem))
		}
	}
	slices.SortFunc(f.Addrs, netip.Addr.Compare)
	f.Confirmed = slices.Contains(f.Addrs, a.Addr)
	a.Forward = append(a.Forward, f)

	if len(f.Aliases) > 0 {
		a.add(forwardAlias, "let the PTR have the name that the chain ends at, or give the name addresses of its own",
			"%s is an alias of %s", name, list(f.Aliases))
	}
	switch {
	case found[0].problem != "":
		a.add(forwardUnanswered, "", "the resolver gives no %s of %s: %s", dns.TypeToString[own], name, found[0].problem)
	case found[1].problem != "":
		a.add(forwardTemperror, "", "the resolver gives no %s of %s: %s", dns.TypeToString[other], name, found[1].problem)
	}
	switch {
	case f.Confirmed || found[0].problem != "":
		return nil
	case len(f.Addrs) > 0:
		a.add(forwardMismatch, "", "%s leads to %s, not back to %s", name, listAddrs(f.Addrs), a.Addr)
		return nil
	}
	return a.checkDomain(ctx, name, found[0].last(name))
}

// checkDomain tells why a name has no address. Last is the end of its chain of aliases.
func (a *addressCheck) checkDomain(ctx context.Context, name, last string) error {
	domain := registrable(last)
	if domain != "" {
		l, err := a.c.resolve(ctx, domain, dns.TypeSOA)
		if err != nil {
			return err
		}
		if l.nxdomain {
			a.add(domainMissing, "whoever registers the domain can give the name any address: take the PTR away",
				"%s leads nowhere: the domain %s does not exist", name, domain)
			return nil
		}
	}
	a.add(forwardMissing, fmt.Sprintf("add the record %s %s %s", name, dns.TypeToString[addressType(a.Addr)], a.Addr),
		"%s has no address, and so does not lead back to %s", name, a.Addr)
	return nil
}

// addressType returns the type of RR that has a.
func addressType(a netip.Addr) uint16 {
	if a.Is4() {
		return dns.TypeA
	}
	return dns.TypeAAAA
}

// registrable returns the domain that somebody had to register for name to exist, "" if name is above all of those.
// Suffixes under which a company gives away names, such as those of hosting services, are in such domains themselves.
func registrable(name string) string {
	labels := dns.Split(name)
	for _, i := range slices.Backward(labels) {
		domain := name[i : len(name)-1]
		suffix, icann := publicsuffix.PublicSuffix(domain)
		if suffix != domain || !icann && strings.Contains(domain, ".") {
			return domain + "."
		}
	}
	return ""
}

// listAddrs lists a few addresses.
func listAddrs(addrs []netip.Addr) string {
	const most = 4
	var words []string
	for i, a := range addrs {
		if i == most && len(addrs) > most+1 {
			words = append(words, fmt.Sprintf("%d more", len(addrs)-most))
			break
		}
		words = append(words, a.String())
	}
	return list(words)
}
