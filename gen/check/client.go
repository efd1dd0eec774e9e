package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/time/rate"
)

// dnsPort is where authoritative servers answer.
const dnsPort = 53

// A client asks questions, over UDP and if an answer is truncated over TCP. It is safe for concurrent use.
type client struct {
	resolver netip.AddrPort
	redirect func(netip.AddrPort) netip.AddrPort // nil for none
	timeout  time.Duration                       // of one try
	tries    int
	limit    *rate.Limiter

	lookups memo[lookup] // for name servers and zones, by name and type

	mu   sync.Mutex
	mute map[netip.AddrPort]silence // of servers that did not answer the last question
}

// A silence tells how many questions in a row a server left without an answer, and why the last one.
type silence struct {
	questions int
	why       problem
}

// patience is how many questions in a row a name server may leave without an answer. It is not asked any more then:
// with many zones it would take hours to learn the same of each.
const patience = 5

func newClient(o Options) *client {
	c := &client{
		resolver: o.Resolver,
		redirect: o.Redirect,
		mute:     make(map[netip.AddrPort]silence),
		timeout:  o.Timeout,
		tries:    1 + max(0, o.Retries),
		limit:    rate.NewLimiter(rate.Inf, 0),
	}
	if c.timeout <= 0 {
		c.timeout = 3 * time.Second
	}
	if o.Rate > 0 {
		c.limit = rate.NewLimiter(rate.Limit(o.Rate), 1)
	}
	return c
}

// A problem tells why a server gave no answer that is of use: "SERVFAIL", "connection refused". It is empty if there is
// none. The errors that functions return beside it end the whole run.
type problem string

const (
	silent  problem = "no answer"
	noRoute problem = "no route to it from here"
)

// ask puts q to a server, as often as it takes. Without a problem, the rcode is NOERROR or NXDOMAIN; with one, there
// may still be a message, with another rcode. The error is that of ctx.
func (c *client) ask(ctx context.Context, server netip.AddrPort, q *dns.Msg) (r *dns.Msg, why problem, err error) {
	if !server.IsValid() {
		return nil, noRoute, nil
	}
	if s := c.silence(server); s.questions >= patience {
		return nil, s.why, nil
	}
	r, why, err = c.try(ctx, server, q)
	if err == nil && why != noRoute && server != c.resolver {
		c.heard(server, r != nil, why)
	}
	return r, why, err
}

func (c *client) silence(server netip.AddrPort) silence {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mute[server]
}

// heard keeps whether a server answered a question.
func (c *client) heard(server netip.AddrPort, answered bool, why problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answered {
		delete(c.mute, server)
	} else {
		c.mute[server] = silence{c.mute[server].questions + 1, why}
	}
}

// try is ask for a server that can be reached.
func (c *client) try(ctx context.Context, server netip.AddrPort, q *dns.Msg) (r *dns.Msg, why problem, err error) {
	for range c.tries {
		q.Id = dns.Id() // an answer to an earlier try may still come
		r, err = c.exchange(ctx, "udp", server, q)
		if err == nil && r.Truncated {
			if r, err = c.exchange(ctx, "tcp", server, q); err == nil && r.Truncated {
				r, err = nil, errTruncated // what it lacks must not count as missing
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case err != nil:
			why = problemOf(err)
		case r.Rcode == dns.RcodeSuccess, r.Rcode == dns.RcodeNameError:
			return r, "", nil
		default:
			why = problem(dns.RcodeToString[r.Rcode])
			if why == "" {
				why = problem(fmt.Sprintf("rcode %d", r.Rcode))
			}
		}
		if why == noRoute {
			break
		}
	}
	return r, why, nil
}

var errTruncated = errors.New("the answer over TCP is truncated")

// question returns a question for an authoritative server.
func question(name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.RecursionDesired = false
	return q
}

// problemOf tells err in words that are the same each time: without the port that we asked from.
func problemOf(err error) problem {
	var timeout net.Error
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return noRoute
	case errors.As(err, &timeout) && timeout.Timeout(): // context.DeadlineExceeded, too
		return silent
	case errors.As(err, &errno):
		return problem(errno.Error())
	}
	return problem(err.Error())
}

// exchange sends q once and waits for the answer.
func (c *client) exchange(ctx context.Context, network string, server netip.AddrPort, q *dns.Msg) (*dns.Msg, error) {
	if err := c.limit.Wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// Whoever waits for the connection learns at once that ctx has ended.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	m := dns.Conn{Conn: conn, UDPSize: 4096} // more than the 512 bytes that anybody should send
	if err := m.WriteMsg(q); err != nil {
		return nil, err
	}
	for {
		r, err := m.ReadMsg()
		if err != nil {
			return nil, err
		}
		if answers(r, q) {
			return r, nil
		}
	}
}

// answers reports whether r is an answer to q. An answer that tells of an error may lack the question.
func answers(r, q *dns.Msg) bool {
	if r.Id != q.Id || !r.Response || r.Opcode != q.Opcode {
		return false
	}
	if len(r.Question) == 0 {
		return r.Rcode != dns.RcodeSuccess
	}
	a, b := r.Question[0], q.Question[0]
	return len(r.Question) == 1 && a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}

// at returns where the name server with the address a is asked.
func (c *client) at(a netip.Addr) netip.AddrPort {
	return redirected(c.redirect, netip.AddrPortFrom(a, dnsPort))
}

func redirected(redirect func(netip.AddrPort) netip.AddrPort, a netip.AddrPort) netip.AddrPort {
	if redirect != nil {
		return redirect(a)
	}
	return a
}

// A lookup is what the resolver found.
type lookup struct {
	problem  problem
	nxdomain bool     // the name, or the end of the chain of CNAMEs, does not exist
	rrs      []dns.RR // of the type that was asked for, at the end of the chain
	aliases  []string // targets of the CNAMEs, in their order
	ttl      uint32   // seconds that the resolver will not ask again; 0 if unknown
}

// last returns the name that a lookup for name ended at.
func (l *lookup) last(name string) string {
	if n := len(l.aliases); n > 0 {
		return l.aliases[n-1]
	}
	return name
}

// resolve asks the resolver. It fails if the resolver does not answer at all, not even for what it surely knows.
func (c *client) resolve(ctx context.Context, name string, qtype uint16) (lookup, error) {
	r, why, err := c.ask(ctx, c.resolver, new(dns.Msg).SetQuestion(name, qtype))
	if err == nil && r == nil {
		err = c.probe(ctx)
	}
	if err != nil || why != "" {
		return lookup{problem: why}, err
	}
	l := lookup{nxdomain: r.Rcode == dns.RcodeNameError}
	at := name
	for range r.Answer { // a chain has no more links
		i := slices.IndexFunc(r.Answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeCNAME && qtype != dns.TypeCNAME && strings.EqualFold(rr.Header().Name, at)
		})
		if i < 0 {
			break
		}
		at = dns.CanonicalName(r.Answer[i].(*dns.CNAME).Target)
		l.aliases = append(l.aliases, at)
	}
	l.rrs = rrsOf(r.Answer, at, qtype)
	for _, rr := range l.rrs {
		l.ttl = rr.Header().Ttl
	}
	if len(l.rrs) == 0 {
		for _, rr := range r.Ns {
			if rr.Header().Rrtype == dns.TypeSOA {
				l.ttl = rr.Header().Ttl
			}
		}
	}
	return l, nil
}

// probe fails if the resolver does not answer, or is none: an authoritative server knows only its own zones, and all
// else would look as if it were gone.
func (c *client) probe(ctx context.Context) error {
	r, why, err := c.ask(ctx, c.resolver, new(dns.Msg).SetQuestion(".", dns.TypeNS))
	switch {
	case err != nil:
		return err
	case r == nil:
		return fmt.Errorf("ask resolver %s: %s", c.resolver, why)
	case r.RecursionAvailable:
		return nil // whatever it tells of the root: there are resolvers that have only what is near
	case len(rrsOf(r.Answer, ".", dns.TypeNS)) > 0:
		return nil // it has the root, of a world of its own perhaps
	case why == "":
		why = "no RA"
	}
	return fmt.Errorf("resolver %s does not resolve (%s for . NS): is it an authoritative server?", c.resolver, why)
}

// rrsOf returns the RRs of one type at one name.
func rrsOf(section []dns.RR, name string, rrtype uint16) (rrs []dns.RR) {
	for _, rr := range section {
		if rr.Header().Rrtype == rrtype && strings.EqualFold(rr.Header().Name, name) {
			rrs = append(rrs, rr)
		}
	}
	return rrs
}

// targets returns the names that PTR and NS RRs lead to, in canonical order.
func targets(rrs []dns.RR) []string {
	names := []string{}
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.PTR:
			names = append(names, dns.CanonicalName(rr.Ptr))
		case *dns.NS:
			names = append(names, dns.CanonicalName(rr.Ns))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// addresses returns the addresses of A and AAAA RRs, ascending.
func addresses(rrs []dns.RR) (addrs []netip.Addr) {
	for _, rr := range rrs {
		var ip net.IP
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A.To4()
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if a, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, a)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}

// A memo keeps results. The zero memo is empty.
type memo[V any] struct {
	mu    sync.Mutex
	calls map[string]func() (V, error)
}

// get returns what f returns. It calls f once for each key, also when asked at the same time.
func (m *memo[V]) get(key string, f func() (V, error)) (V, error) {
	m.mu.Lock()
	call, ok := m.calls[key]
	if !ok {
		if m.calls == nil {
			m.calls = make(map[string]func() (V, error))
		}
		call = sync.OnceValues(f)
		m.calls[key] = call
	}
	m.mu.Unlock()
	return call()
}

// resolveOnce is resolve for what is asked again and again.
func (c *client) resolveOnce(ctx context.Context, name string, qtype uint16) (lookup, error) {
	key := name + dns.TypeToString[qtype]
	return c.lookups.get(key, func() (lookup, error) { return c.resolve(ctx, name, qtype) })
}

// A nameserver has a name and the addresses that it has in DNS.
type nameserver struct {
	name    string
	problem problem      // why there are no addresses; "" also if it simply has none
	addrs   []netip.Addr // ascending
}

// nameservers looks up the addresses of name servers.
func (c *client) nameservers(ctx context.Context, names []string) ([]nameserver, error) {
	var servers []nameserver
	for _, name := range names {
		s := nameserver{name: name}
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			l, err := c.resolveOnce(ctx, name, qtype)
			if err != nil {
				return nil, err
			}
			if l.problem != "" {
				s.problem = l.problem
			}
			s.addrs = append(s.addrs, addresses(l.rrs)...)
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// parent finds the zone that delegates zone, and its name servers, by asking for each name above it. There are none,
// and a problem, if the resolver can't tell.
func (c *client) parent(ctx context.Context, zone string) (string, []nameserver, problem, error) {
	for name := zone; name != "."; {
		name = above(name)
		l, err := c.resolveOnce(ctx, name, dns.TypeNS)
		if err != nil || l.problem != "" {
			return name, nil, l.problem, err
		}
		if names := targets(l.rrs); len(names) > 0 && len(l.aliases) == 0 {
			servers, err := c.nameservers(ctx, names)
			return name, servers, "", err
		}
	}
	return ".", nil, "no name servers", nil
}

// above returns the name that is one label shorter.
func above(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// SystemResolver returns the first resolver that this machine is configured with.
func SystemResolver() (netip.AddrPort, error) { return resolverIn("/etc/resolv.conf") }

func resolverIn(path string) (netip.AddrPort, error) {
	conf, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(conf.Servers) == 0 {
		return netip.AddrPort{}, fmt.Errorf("%s has no nameserver", path)
	}
	a, err := netip.ParseAddr(conf.Servers[0])
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: nameserver: %w", path, err)
	}
	return netip.AddrPortFrom(a, dnsPort), nil
}
