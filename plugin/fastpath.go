package revmap

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/bufsize"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/coredns/coredns/plugin/pkg/edns"
	"github.com/coredns/coredns/plugin/pkg/transport"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/fastpath"
)

// untouched are the plugins whose absence nobody can tell: they leave the answers of the next one as they are, or the fast
// path does what they do, as with bufsize and prometheus.
var untouched = []string{"cancel", "bufsize", "prometheus", "errors", "transfer"}

// A plan is what one run of a Corefile has the fast path answer at one address.
type plan struct {
	addr    string // as in dnsserver.Server.Addr, without the transport
	workers int
	sockets int // of CoreDNS
	uses    []*use
	served  chan struct{} // closed when the server does
	server  *dnsserver.Server
	passer  *passer
	shares  bool // CoreDNS gets some of what is meant for the fast path
}

// A use is one handler in a plan.
type use struct {
	handler *handler
	options fastpath.Options
	zones   []string // the zone that CoreDNS's metrics know each of options.Zones by
	metrics bool     // CoreDNS counts what the handler answers,
	plugin  string   // and says that this plugin did
}

// A block is a server block of a Corefile: one Config for each of its keys, which share their plugins.
type block []*dnsserver.Config

// blocks returns all server blocks of the Corefile that c belongs to. It must not be called before the servers are made:
// GetConfig makes a Config where there is none, which would be served.
func blocks(c *caddy.Controller) []block {
	get := func(i, key int) *dnsserver.Config {
		other := *c
		other.ServerBlockIndex, other.ServerBlockKeyIndex = i, key
		config := dnsserver.GetConfig(&other)
		if config.Zone == "" { // not even the root's
			return nil
		}
		return config
	}
	var all []block
	for i := 0; ; i++ {
		var b block
		for key := 0; ; key++ {
			config := get(i, key)
			if config == nil {
				break
			}
			b = append(b, config)
		}
		if len(b) == 0 {
			return all
		}
		all = append(all, b)
	}
}

// addrs returns where a Config is served, as in dnsserver.Server.Addr without the transport.
func addrs(config *dnsserver.Config) ([]string, error) {
	var all []string
	for _, host := range config.ListenHosts {
		addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, config.Port)) // as dnsserver does
		if err != nil {
			return nil, err
		}
		all = append(all, addr.String())
	}
	return all, nil
}

// planFastpath prepares the fast path of h at all addresses of its server block, or says why it must not be used there.
func (in *instance) planFastpath(c *caddy.Controller, h *handler, workers int) error {
	all := blocks(c)
	own := all[c.ServerBlockIndex]
	if len(own[0].FilterFuncs) > 0 {
		return fmt.Errorf("fastpath answers before the plugin view: remove one of them")
	}
	for _, config := range own {
		if config.Transport != transport.DNS {
			return fmt.Errorf("fastpath is for plain DNS, not for %s: remove it, or give %s a server block of its own",
				config.Transport, config.Zone)
		}
		if config.Port == "0" {
			return fmt.Errorf("fastpath needs a port that is known: port 0 is none")
		}
		at, err := addrs(config)
		if err != nil {
			return err
		}
		for _, addr := range at {
			if slices.ContainsFunc(in.plans[addr].used(), func(u *use) bool { return u.handler == h }) {
				continue // for another zone
			}
			u, err := newUse(h, c, addr, all)
			if err != nil {
				return err
			}
			p := in.plans[addr]
			if p == nil {
				p = &plan{addr: addr, sockets: max(1, config.NumSockets), served: make(chan struct{})}
				in.plans[addr] = p
			}
			p.workers = max(p.workers, workers)
			p.uses = append(p.uses, u)
		}
	}
	return nil
}

func (p *plan) used() []*use {
	if p == nil {
		return nil
	}
	return p.uses
}

// untold returns an error if a plugin that stands before ours could tell that a query was answered by the fast path. Those
// of config are all before ours while this one is set up.
func untold(config *dnsserver.Config) error {
	for _, plugin := range config.Plugin {
		// CoreDNS calls it without another plugin, too. Config.Handlers does not know all: it looks for the names of directives.
		if h := plugin(nil); !slices.Contains(untouched, h.Name()) {
			return fmt.Errorf("fastpath answers before the plugin %s, which would not see these queries: remove one of them",
				h.Name())
		}
	}
	return nil
}

// newUse returns what h answers at an address, beside all that other server blocks do there.
func newUse(h *handler, c *caddy.Controller, addr string, all []block) (*use, error) {
	u := &use{handler: h}
	var served []string
	for i, b := range all {
		for _, config := range b {
			at, err := addrs(config)
			if err != nil {
				return nil, err
			}
			if config.Transport != transport.DNS || !slices.Contains(at, addr) {
				continue
			}
			if err := beside(config); err != nil {
				return nil, err
			}
			if i == c.ServerBlockIndex {
				served = append(served, config.Zone)
				continue
			}
			u.options.DSElsewhere = true
			u.options.Elsewhere = append(u.options.Elsewhere, config.Zone)
		}
	}
	names := plugin.OriginsFromArgsOrServerBlock(nil, c.ServerBlockKeys)
	for _, candidates := range [][]string{served, h.zones, names} {
		for _, zone := range candidates {
			if zones(served).contain(zone) && h.zones.contain(zone) && !slices.Contains(u.options.Zones, zone) {
				u.options.Zones = append(u.options.Zones, zone)
				u.zones = append(u.zones, plugin.Zones(names).Matches(zone))
			}
		}
	}
	// CoreDNS takes the longest of the names that it serves, so that what is above ours does not matter.
	u.options.Elsewhere = slices.DeleteFunc(u.options.Elsewhere, func(zone string) bool {
		return !zones(served).contain(zone)
	})
	for _, zone := range u.options.Elsewhere {
		if slices.Contains(served, zone) {
			return nil, fmt.Errorf("fastpath answers before the server block of %s that has the plugin view: remove one of them",
				zone)
		}
	}
	if h.Next != nil {
		u.options.Fallthrough = h.fall.Zones
	}
	u.options.Echoed = edns.SupportedOption
	if b, ok := dnsserver.GetConfig(c).Handler("bufsize").(bufsize.Bufsize); ok {
		u.options.BufferSize = uint16(b.Size)
	}
	if m, ok := dnsserver.GetConfig(c).Handler("prometheus").(*metrics.Metrics); ok {
		u.metrics, u.plugin = true, m.Next.Name()
	}
	return u, nil
}

// beside returns an error if the fast path cannot share an address with a server block, of which config is a part.
func beside(config *dnsserver.Config) error {
	for plugin, why := range map[string]string{
		"shed":      "takes the place of fastpath at the same address",
		"dynupdate": "takes messages that fastpath cannot pass on",
	} {
		if config.Handler(plugin) != nil {
			return fmt.Errorf("the plugin %s in the server block of %s %s: remove one of them", plugin, config.Zone, why)
		}
	}
	if config.ProxyProtoConnPolicy != nil {
		return fmt.Errorf("fastpath does not know the protocol of the plugin proxyproto, which the server block of %s has "+
			"at the same address: remove one of them", config.Zone)
	}
	return nil
}

// minMessage is the size of a DNS message's header: the server ignores what is shorter.
const minMessage = 12

// qtypes are the types that CoreDNS's metrics have a label for; the label of others is "other".
var qtypes = func() (t [256]string) {
	for i := range t {
		t[i] = "other"
	}
	for _, known := range []uint16{
		dns.TypeAAAA, dns.TypeA, dns.TypeCNAME, dns.TypeDNSKEY, dns.TypeDS, dns.TypeMX, dns.TypeNSEC3, dns.TypeNSEC,
		dns.TypeNS, dns.TypePTR, dns.TypeRRSIG, dns.TypeSOA, dns.TypeSRV, dns.TypeTXT, dns.TypeHTTPS, dns.TypeSVCB,
		dns.TypeIXFR, dns.TypeAXFR, dns.TypeANY,
	} {
		t[known] = dns.TypeToString[known]
	}
	return t
}()

// transportless returns the address of a server.
func transportless(addr string) string { return strings.TrimPrefix(addr, transport.DNS+"://") }
