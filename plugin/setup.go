package revmap

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/fall"
	"github.com/coredns/coredns/plugin/transfer"
)

const (
	defaultReload    = 15 * time.Second
	defaultMaxShrink = 50
	mostWorkers      = 256
)

func init() { plugin.Register(name, setup) }

// An instance is what all uses of the plugin in one run of a Corefile share. While a Corefile reloads there are two.
type instance struct {
	stores []*store         // complete after setup
	plans  map[string]*plan // of the fast path, by address; complete after OnStartup
	first  bool             // there is no run before it, whose sockets it takes over
}

// instanceKey is the key of an *instance in the storage of a Caddy instance.
type instanceKey struct{}

// of returns what the uses of the plugin share in a run of a Corefile; nil if there are none.
func of(run *caddy.Instance) *instance {
	run.StorageMu.RLock()
	defer run.StorageMu.RUnlock()
	in, _ := run.Storage[instanceKey{}].(*instance)
	return in
}

// onStarted starts reloading once a Caddy instance serves. That is later than OnStartup, because Caddy does not run
// OnShutdown for an instance whose start failed after OnStartup: what that started would never end.
func onStarted(event caddy.EventName, info any) error {
	if event != caddy.InstanceStartupEvent {
		return nil
	}
	if shared := of(info.(*caddy.Instance)); shared != nil { // as documented for the event
		for _, s := range shared.stores {
			s.start()
		}
		shared.steer()
	}
	return nil
}

func setup(c *caddy.Controller) error {
	at := place(c)
	o, err := parse(c)
	if err != nil {
		return plugin.Error(name, err)
	}
	s, err := openStore(o)
	if err != nil {
		return failed(at, err)
	}
	in, ok := c.Get(instanceKey{}).(*instance)
	if !ok {
		in = new(instance)
		c.Set(instanceKey{}, in)
	}
	in.stores = append(in.stores, s)
	// Not in init: on SIGUSR1 Caddy forgets all hooks before it sets the new instance up. On other restarts it keeps them,
	// and does not take the same one twice.
	if !slices.Contains(caddy.ListPlugins()["event_hooks"], name) {
		caddy.RegisterEventHook(name, onStarted)
	}

	h := &handler{zones: o.zones, fall: o.fall, store: s, instance: in, answers: answersOf(s.path)}
	config := dnsserver.GetConfig(c)
	c.OnStartup(func() error {
		h.metadata = config.Handler("metadata") != nil
		if t, ok := config.Handler("transfer").(*transfer.Transfer); ok {
			s.transfer(o.zones, t.Notify)
		}
		return nil
	})
	c.OnShutdown(s.stop)
	if o.fastpath > 0 {
		if err := in.setupFastpath(c, at, h, o.fastpath); err != nil {
			return failed(at, err)
		}
	}
	config.AddPlugin(func(next plugin.Handler) plugin.Handler {
		// The view plugin stands in the chain too, as the last one, but has no answers: it would make SERVFAIL of
		// what is REFUSED or NXDOMAIN.
		if next != nil && next.Name() != "view" {
			h.Next = next
		}
		return h
	})
	return nil
}

// place returns the file and the line of the directive, which nothing is read of yet.
func place(c *caddy.Controller) string {
	first := *c
	first.Next()
	return fmt.Sprintf("%s:%d", first.File(), first.Line())
}

// failed returns the error for a use of the plugin, at a place of the Corefile, that is written as it should be.
func failed(at string, err error) error { return plugin.Error(name, fmt.Errorf("%s: %w", at, err)) }

// options are what a use of the plugin says in the Corefile.
type options struct {
	path      string // of the snapshot; absolute
	zones     zones
	reload    time.Duration // 0 is off
	maxShrink int           // percent
	wait      bool
	fastpath  int // workers, 0 without
	fall      fall.F
}

func parse(c *caddy.Controller) (options, error) {
	o := options{reload: defaultReload, maxShrink: defaultMaxShrink}
	c.Next() // the directive
	args := c.RemainingArgs()
	if len(args) == 0 {
		return o, c.Err("the path of the snapshot is missing: write revmap SNAPSHOT [ZONES...]")
	}
	path := args[0]
	if root := dnsserver.GetConfig(c).Root; !filepath.IsAbs(path) && root != "" {
		path = filepath.Join(root, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return o, err
	}
	o.path = path
	if err := checkZones(c, args[1:]); err != nil {
		return o, err
	}
	o.zones = plugin.OriginsFromArgsOrServerBlock(args[1:], c.ServerBlockKeys)

	seen := make(map[string]bool)
	for c.NextBlock() {
		option := c.Val()
		if seen[option] {
			return o, c.Errf("a second '%s': keep one of them", option)
		}
		seen[option] = true
		if err := o.parseOption(c, option, c.RemainingArgs()); err != nil {
			return o, err
		}
	}
	if c.Next() {
		return o, c.Errf("%v: one snapshot holds any number of zones", plugin.ErrOnce)
	}
	if o.wait && o.reload == 0 {
		return o, c.Err("wait with reload 0 would wait for ever: remove one of them")
	}
	return o, nil
}

func (o *options) parseOption(c *caddy.Controller, option string, args []string) error {
	switch option {
	case "reload":
		if len(args) != 1 {
			return c.Err("reload needs one duration, for example reload 30s; 0 turns reloading off")
		}
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return c.Errf("reload '%s' is no duration: write a number and a unit, for example 30s", args[0])
		}
		if d < 0 {
			return c.Errf("reload '%s' is negative: 0 turns reloading off", args[0])
		}
		o.reload = d
	case "max_shrink":
		if len(args) != 1 {
			return c.Err("max_shrink needs one percentage, for example max_shrink 50")
		}
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 || n > 100 {
			return c.Errf("max_shrink '%s' is no percentage: write a whole number from 0 to 100", args[0])
		}
		o.maxShrink = n
	case "wait":
		if len(args) != 0 {
			return c.Errf("wait takes no argument: remove '%s'", strings.Join(args, " "))
		}
		o.wait = true
	case "fastpath":
		o.fastpath = runtime.GOMAXPROCS(0)
		if len(args) > 1 {
			return c.Err("fastpath takes one number of workers, for example fastpath 2, or none")
		}
		if len(args) == 1 {
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 || n > mostWorkers {
				return c.Errf("fastpath '%s' is no number of workers: write a whole number from 1 to %d", args[0], mostWorkers)
			}
			o.fastpath = n
		}
	case "fallthrough":
		if err := checkZones(c, args); err != nil {
			return err
		}
		o.fall.SetZonesFromArgs(args)
	default:
		return c.Errf("unknown property '%s': there are reload, max_shrink, wait, fastpath and fallthrough", option)
	}
	return nil
}

// checkZones returns an error if one of args is not a zone. CoreDNS's own functions drop it in silence, or take a prefix
// that is none for a domain name.
func checkZones(c *caddy.Controller, args []string) error {
	for _, arg := range args {
		names := plugin.Host(arg).NormalizeExact()
		if len(names) == 0 || strings.Contains(arg, "/") && !strings.HasSuffix(names[0], ".arpa.") {
			return c.Errf("'%s' is no zone: write a domain name or an address prefix", arg)
		}
	}
	return nil
}
