// Package check compares an inventory with what the world sees: it asks real name servers, and the mail servers at
// port 25.
package check

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

// Options tell whom Run asks, and how hard.
type Options struct {
	Resolver netip.AddrPort // a resolver that answers recursive questions
	Timeout  time.Duration  // for one question; 0 is 3 s
	Retries  int            // how often a question is repeated that got no answer
	Parallel int            // how many addresses are checked at a time; 0 is 1
	Rate     float64        // most DNS questions per second in all; 0 is no limit
	SMTP     bool           // ask port 25 of every address with a name, not only of servers with "helo"

	// Redirect, if it is not nil, returns whom to ask instead of a name server or mail server; the zero AddrPort is one
	// that cannot be reached. The resolver is not redirected. It is called concurrently. Tests have their servers at
	// ports of loopback addresses.
	Redirect func(netip.AddrPort) netip.AddrPort

	// Zone and Address, if they are not nil, get what was found: first of all zones, those of blocks by prefix and then
	// the forward zones, then of all addresses in ascending order, with or without findings. They are called in Run's
	// goroutine, and may keep what they get.
	Zone    func(*Zone)
	Address func(*Address)
	// Progress, if it is not nil, is called in the same goroutine after each of them.
	Progress func(done, total int)
}

// A Finding is something that is wrong with a zone or an address.
type Finding struct {
	ID       string        `json:"id"` // that of a Kind
	Severity diag.Severity `json:"severity"`
	Message  string        `json:"message"` // one line, lower case, no final period
	Hint     string        `json:"hint,omitempty"`
}

// A Kind is what all findings with one id have in common. docs/checks.md describes each.
type Kind struct {
	ID       string // stable, kebab-case
	Severity diag.Severity
	Title    string // what is wrong, as a sentence without its period
}

// finding returns a Finding of kind k. The hint may be empty.
func (k *Kind) finding(hint, format string, args ...any) Finding {
	return Finding{k.ID, k.Severity, fmt.Sprintf(format, args...), hint}
}

// A Zone is what was found of one zone of ours.
type Zone struct {
	Name     string    `json:"zone"` // absolute
	Findings []Finding `json:"findings"`
}

// An Address is what was found of one address.
type Address struct {
	Addr     netip.Addr    `json:"address"`
	Pos      diag.Position `json:"-"`                   // in the source; invalid if it does not list the address
	Server   string        `json:"server,omitempty"`    // whose it is by the source
	Want     []string      `json:"want"`                // names by the source
	Others   bool          `json:"by_others,omitempty"` // others name the address: it is delegated, or not ours
	PTR      []View        `json:"ptr"`                 // of each name server of the zone, then of the resolver
	Forward  []Forward     `json:"forward,omitempty"`   // of each name
	Mail     *Greeting     `json:"mail,omitempty"`      // of the mail server; nil if it was not asked, or did not greet
	Findings []Finding     `json:"findings"`
}

// Names returns the names whose forwards matter: those of the source, or if it leaves them to others, those that the
// resolver answers.
func (a *Address) Names() []string {
	if !a.Others {
		return a.Want
	}
	return a.PTR[len(a.PTR)-1].Names
}

// A View is what one server answers for the PTR of an address.
type View struct {
	Server string   `json:"server"`          // name of the name server, or "the resolver"
	Names  []string `json:"names"`           // in canonical order
	Error  string   `json:"error,omitempty"` // why there is no answer; then Names is empty
}

// A Forward tells where a name of an address leads (RFC 8601 section 3, iprev).
type Forward struct {
	Name      string       `json:"name"`
	Aliases   []string     `json:"aliases,omitempty"` // targets of the CNAMEs that were followed
	Addrs     []netip.Addr `json:"addresses"`         // A and AAAA, ascending
	Confirmed bool         `json:"confirmed"`         // the address is one of them
	Errors    []string     `json:"errors,omitempty"`  // of a family that could not be looked up
}

// Run asks for addrs and for the zones that they and their names are in; if addrs is nil, for all addresses and zones
// of the inventory. Of the addresses that only a fallback names, it asks for those in addrs. It returns an error if
// the resolver does not answer at all, or ctx ends; what else is wrong are findings. Memory does not grow with the
// number of addresses.
func Run(ctx context.Context, inv *model.Inventory, addrs []netip.Addr, o Options) error {
	if addrs != nil && len(addrs) == 0 {
		return ctx.Err()
	}
	c := newClient(o)
	if err := c.probe(ctx); err != nil {
		return err
	}
	zones, items := allZones(inv), allAddresses(inv)
	if addrs != nil {
		addrs = slices.Compact(slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare))
		zones, items = zonesOf(inv, addrs), slices.Values(addrs)
	}
	done, total := 0, len(zones)
	for range items {
		total++
	}
	progress := func() {
		if done++; o.Progress != nil {
			o.Progress(done, total)
		}
	}
	live := make(map[string][]server, len(zones)) // by zone
	unchecked := make(map[string]bool)            // messages of nameserverUnchecked: each is told once, not in each zone
	parallel := max(1, o.Parallel)
	err := inOrder(ctx, parallel, slices.Values(zones), func(ctx context.Context, name string) (*zoneCheck, error) {
		return checkZone(ctx, c, inv, name)
	}, func(z *zoneCheck) {
		live[z.Name] = z.live
		z.Findings = slices.DeleteFunc(z.Findings, func(f Finding) bool {
			again := unchecked[f.Message]
			if f.ID == nameserverUnchecked.ID {
				unchecked[f.Message] = true
			}
			return again
		})
		if o.Zone != nil {
			o.Zone(&z.Zone)
		}
		progress()
	})
	if err != nil {
		return err
	}
	return inOrder(ctx, parallel, items, func(ctx context.Context, addr netip.Addr) (*addressCheck, error) {
		return checkAddress(ctx, c, inv, addr, live, o.SMTP)
	}, func(a *addressCheck) {
		if o.Address != nil {
			o.Address(&a.Address)
		}
		progress()
	})
}

// allZones returns the names of our zones: those of blocks by prefix, then the forward zones.
func allZones(inv *model.Inventory) (names []string) {
	for _, z := range inv.Zones {
		names = append(names, z.Name)
	}
	for _, z := range inv.ForwardZones {
		names = append(names, z.Name.Value)
	}
	return names
}

// zonesOf returns those of allZones that have the PTRs of addrs, or their names.
func zonesOf(inv *model.Inventory, addrs []netip.Addr) []string {
	has := make(map[string]bool)
	for _, a := range addrs {
		if z := zoneOf(inv, a); z != nil {
			has[z.Name] = true
		}
		answer, _ := inv.Lookup(a)
		for _, name := range answer.Names {
			if z := inv.ForwardZone(name); z != nil {
				has[z.Name.Value] = true
			}
		}
	}
	return slices.DeleteFunc(allZones(inv), func(name string) bool { return !has[name] })
}

// allAddresses returns the addresses of the source that we have to name, ascending.
func allAddresses(inv *model.Inventory) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			if a.Block != nil && a.Delegation == nil && !yield(a.Addr) {
				return
			}
		}
	}
}
