package diff

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/model"
)

// The worlds of this file lie in these prefixes, small enough to try every address.
var everywhere = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/120")}

// layouts are what a world may have as blocks, for each family.
var layouts = [2][]string{{
	"",
	"192.0.2.0/24",
	"192.0.2.0/24 fallback",
	"192.0.2.0/24 fallback -192.0.2.128/25",
	"192.0.2.0/24 -192.0.2.16/28 -192.0.2.128/25",
	"192.0.2.0/24 =192.0.2.64/26,192.0.2.64/26",
	"192.0.2.0/24 fallback =192.0.2.64/26,192.0.2.64/26",
	"192.0.2.0/24 =192.0.2.64/26 -192.0.2.128/25,192.0.2.64/26 fallback",
	"192.0.2.64/26",
	"192.0.2.0/23",
}, {
	"",
	"2001:db8::/120",
	"2001:db8::/120 fallback",
	"2001:db8::/32 -2001:db8::80/124",
	"2001:db8::/123,2001:db8::40/124 fallback",
	"2001:db8::/121 fallback -2001:db8::20/126",
	"2001:db8::/120 =2001:db8::10/124,2001:db8::10/124 fallback",
}}

// A world is what a source says, in a form that is looked through from begin to end.
type world struct {
	layout  [2]string
	plots   []plot // of layout
	ttl     int
	forward []string            // zones
	zone    map[string]int      // the last octet of the address that a name below acme.example has
	servers map[string]*machine // by name
	entries map[netip.Addr]entry
}

type machine struct{ product, helo string }

type entry struct {
	server  string // "" for none
	primary bool
	names   []string
	ttl     int // 0 for that of the world
}

// random makes worlds.
type random struct{ *rand.Rand }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r random, list []T) T { return list[r.IntN(len(list))] }

func (r random) addr() netip.Addr {
	b := pick(r, everywhere).Addr().AsSlice()
	b[len(b)-1] = byte(r.IntN(256))
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (r random) name() string { return fmt.Sprintf("n%d.acme.example", r.IntN(10)) }

func (r random) world() *world {
	w := &world{ttl: 3600, zone: map[string]int{}, servers: map[string]*machine{}, entries: map[netip.Addr]entry{}}
	for i := range 8 {
		w.servers[fmt.Sprintf("s%d", i)] = &machine{product: "vps"}
	}
	for range 10 + r.IntN(100) {
		w.entries[r.addr()] = r.entry()
	}
	w.layout = [2]string{pick(r, layouts[0]), pick(r, layouts[1])}
	r.change(w)
	return w
}

func (r random) entry() entry {
	e := entry{server: pick(r, []string{"", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"})}
	e.primary = e.server != "" && r.chance(50)
	for e.server == "" && len(e.names) == 0 || r.chance(30) {
		e.names = append(e.names, pick(r, []string{r.name(), "s1.vps.example", "192-0-2-9.pool.example"}))
	}
	if r.chance(20) {
		e.ttl = 60 * (1 + r.IntN(3))
	}
	return e
}

// change changes some things.
func (r random) change(w *world) {
	for i := range w.layout {
		if r.chance(20) {
			w.layout[i] = pick(r, layouts[i])
		}
	}
	if r.chance(10) {
		w.ttl = 60 * (1 + r.IntN(3))
	}
	if r.chance(30) {
		w.forward = pick(r, [][]string{nil, {"vps.example"}, {"vps.example", "pool.example"}, {"s1.vps.example"}})
	}
	for range r.IntN(5) {
		w.zone[r.name()] = r.IntN(256)
		delete(w.zone, r.name())
	}
	r.edit(w)
}

// edit changes some servers and addresses.
func (r random) edit(w *world) {
	for range r.IntN(3) {
		*w.servers[fmt.Sprintf("s%d", r.IntN(8))] = machine{pick(r, []string{"vps", "dedicated"}), pick(r, []string{"", r.name()})}
	}
	for range r.IntN(20) {
		w.entries[r.addr()] = r.entry()
	}
	for _, a := range slices.SortedFunc(maps.Keys(w.entries), netip.Addr.Compare) {
		if r.chance(5) {
			delete(w.entries, a)
		} else if r.chance(5) {
			w.entries[a] = r.entry()
		}
	}
	w.tidy()
}

// tidy plans the blocks, and drops what no source may have: servers without a primary address, addresses of no server without a name.
func (w *world) tidy() {
	w.plan()
	has := map[string]bool{"": true}
	for _, e := range w.entries {
		has[e.server] = has[e.server] || e.primary
	}
	maps.DeleteFunc(w.entries, func(_ netip.Addr, e entry) bool { return !has[e.server] || e.server == "" && len(e.names) == 0 })
}

// inside returns w without the addresses outside of its blocks, which no snapshot can have.
func (w *world) inside() *world {
	w = w.clone()
	maps.DeleteFunc(w.entries, func(a netip.Addr, _ entry) bool { return !w.state(a, false).Block.IsValid() })
	w.tidy()
	return w
}

func (w *world) clone() *world {
	c := *w
	c.zone, c.entries, c.servers = maps.Clone(w.zone), maps.Clone(w.entries), map[string]*machine{}
	for name, m := range w.servers {
		copied := *m
		c.servers[name] = &copied
	}
	return &c
}

// A plot is a block of a world.
type plot struct {
	netip.Prefix
	fallback bool
	taken    []netip.Prefix // by others
	inner    []netip.Prefix // delegated to a block of ours
}

// plan sets the blocks of w.
func (w *world) plan() {
	w.plots = nil
	for _, text := range strings.Split(w.layout[0]+","+w.layout[1], ",") {
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		p := plot{Prefix: netip.MustParsePrefix(words[0])}
		for _, word := range words[1:] {
			switch word[0] {
			case 'f':
				p.fallback = true
			case '-':
				p.taken = append(p.taken, netip.MustParsePrefix(word[1:]))
			case '=':
				p.inner = append(p.inner, netip.MustParsePrefix(word[1:]))
			}
		}
		w.plots = append(w.plots, p)
	}
}

// source returns the world as the text of a source, and a zone file.
func (w *world) source() (text, zone string) {
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
defaults:
  ttl: %d
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net, refresh: 1h, retry: 15m, expire: 2w, negative_ttl: 5m}
products:
  vps: {hostname: "{server}.vps.example"}
  dedicated: {hostname: "{server}.dedicated.example"}
forward_zones: [%s]
forwards: [acme.example.zone]
blocks:
  198.51.100.0/24:
`, w.ttl, strings.Join(w.forward, ", "))
	label := func(p netip.Prefix) string {
		return fmt.Sprintf("zone: %d-%d.2.0.192.in-addr.arpa", p.Addr().AsSlice()[3], p.Bits())
	}
	for _, p := range w.plots {
		fmt.Fprintf(&b, "  %s:\n", p.Prefix)
		if model.IsClassless(p.Prefix) {
			fmt.Fprintf(&b, "    %s\n", label(p.Prefix))
		}
		if p.fallback {
			b.WriteString("    fallback: \"{ip}.pool.example\"\n")
		}
		if len(p.taken)+len(p.inner) > 0 {
			b.WriteString("    delegations:\n")
		}
		for _, d := range slices.Concat(p.taken, p.inner) {
			fmt.Fprintf(&b, "      %s:\n        nameservers: [ns.example.org]\n", d)
			if model.IsClassless(d) {
				fmt.Fprintf(&b, "        %s\n", label(d))
			}
		}
	}
	write := func(indent string, a netip.Addr, e entry) {
		fmt.Fprintf(&b, "%s%s: {", indent, a)
		if len(e.names) > 0 {
			fmt.Fprintf(&b, "names: [%s], ", strings.Join(e.names, ", "))
		}
		if e.ttl > 0 {
			fmt.Fprintf(&b, "ttl: %d", e.ttl)
		}
		b.WriteString("}\n")
	}
	addrs := slices.SortedFunc(maps.Keys(w.entries), netip.Addr.Compare)
	b.WriteString("servers:\n  none: {product: vps, primary: 198.51.100.1, addresses: {198.51.100.1: {ttl: 60}}}\n")
	for _, name := range slices.Sorted(maps.Keys(w.servers)) {
		var primary []string
		for _, a := range addrs {
			if e := w.entries[a]; e.server == name && e.primary {
				primary = append(primary, `"`+a.String()+`"`)
			}
		}
		if len(primary) == 0 {
			continue
		}
		m := w.servers[name]
		fmt.Fprintf(&b, "  %s:\n    product: %s\n    primary: [%s]\n", name, m.product, strings.Join(primary, ", "))
		if m.helo != "" {
			fmt.Fprintf(&b, "    helo: %s\n", m.helo)
		}
		b.WriteString("    addresses:\n")
		for _, a := range addrs {
			if e := w.entries[a]; e.server == name {
				write("      ", a, e)
			}
		}
	}
	b.WriteString("addresses:\n  198.51.100.2: {name: two.example.net, ttl: 60}\n")
	for _, a := range addrs {
		if e := w.entries[a]; e.server == "" {
			write("  ", a, e)
		}
	}
	zone = "@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n"
	for _, name := range slices.Sorted(maps.Keys(w.zone)) {
		zone += fmt.Sprintf("%s. A 192.0.2.%d\n", name, w.zone[name])
	}
	return b.String(), zone
}

// side reads the source of w, and compiles it if stored.
func (w *world) side(t *testing.T, stored bool) *Side {
	text, zone := w.source()
	inv, zones := load(t, "records.yaml", text, zone)
	if stored {
		return compiled(t, inv)
	}
	return OfInventory(inv, zones)
}

// defaultHostname returns that of a primary address, "" for all others.
func (w *world) defaultHostname(e entry) string {
	if !e.primary {
		return ""
	}
	return e.server + "." + w.servers[e.server].product + ".example."
}

// expand makes the fallback name of an address.
func expand(a netip.Addr) string {
	if a.Is4() {
		return strings.ReplaceAll(a.String(), ".", "-") + ".pool.example."
	}
	return strings.ReplaceAll(a.StringExpanded(), ":", "-") + ".pool.example."
}

// state says what a is, as a source or as a snapshot has it.
func (w *world) state(a netip.Addr, stored bool) State {
	var s State
	var at plot
	for _, p := range w.plots {
		if p.Contains(a) && p.Bits() >= s.Block.Bits() {
			at, s.Block = p, p.Prefix
		}
	}
	for _, d := range at.taken {
		if d.Contains(a) {
			s.Delegation = d
		}
	}
	if stored {
		s.Block, s.Delegation = cut(s.Block, a), cut(s.Delegation, a)
	}
	e := w.entries[a]
	if !stored && e.server != "" {
		s.Server, s.Primary = e.server, e.primary
		if helo := w.servers[e.server].helo; helo != "" {
			s.HELO = helo + "."
		}
	}
	if s.Delegation.IsValid() || !s.Block.IsValid() {
		return s
	}
	switch byDefault := w.defaultHostname(e); {
	case len(e.names) > 0:
		s.Origin = model.Explicit
		for _, name := range e.names {
			if !slices.Contains(s.Names, name+".") {
				s.Names = append(s.Names, name+".")
			}
		}
		slices.Sort(s.Names)
	case byDefault != "":
		s.Origin, s.Names = model.Default, []string{byDefault}
	case at.fallback:
		s.Origin, s.Names, e.ttl = model.Fallback, []string{expand(a)}, 0
	default:
		return s
	}
	s.TTL = uint32(w.ttl)
	if e.ttl > 0 {
		s.TTL = uint32(e.ttl)
	}
	return s
}

// cut returns the prefix that a lies in if p is cut at the next octet or nibble.
func cut(p netip.Prefix, a netip.Addr) netip.Prefix {
	switch {
	case !p.IsValid() || model.IsClassless(p):
		return p
	case a.Is4():
		return netip.PrefixFrom(a, (p.Bits()+7)/8*8).Masked()
	}
	return netip.PrefixFrom(a, (p.Bits()+3)/4*4).Masked()
}

// leadsBack says whether a name of s leads back to a: "yes", "no", or "" if that is not known.
func (w *world) leadsBack(s State, a netip.Addr, stored bool) string {
	answers := map[string]bool{}
	for _, name := range s.Names {
		var zone string
		for _, z := range w.forward {
			if z += "."; name == z || strings.HasSuffix(name, "."+z) {
				zone = max(zone, z) // no name is in two zones of which the larger one comes last
			}
		}
		switch _, inFile := strings.CutSuffix(name, ".acme.example."); {
		case zone != "":
			yes := w.defaultHostname(w.entries[a]) == name
			for _, p := range w.plots {
				// The names of a fallback are in the zone that all of them are in.
				if p.fallback && p.Contains(a) && zone == "pool.example." && name == expand(a) {
					yes = true
				}
			}
			answers[map[bool]string{true: "yes", false: "no"}[yes]] = true
		case inFile && !stored:
			octet, known := w.zone[strings.TrimSuffix(name, ".")]
			yes := known && a == netip.AddrFrom4([4]byte{192, 0, 2, byte(octet)})
			answers[map[bool]string{true: "yes", false: "no"}[yes]] = true
		default:
			answers[""] = true
		}
	}
	switch {
	case answers["yes"]:
		return "yes"
	case answers["no"] && !answers[""]:
		return "no"
	}
	return ""
}

// kinds says how an address changes.
func kindsOf(old, new State, was, is string) []Kind {
	text := func(s State) string { return strings.Join(s.Names, " ") }
	origins := [2]model.Origin{old.Origin, new.Origin}
	same := text(old) == text(new) && text(new) != ""
	var kinds []Kind
	for _, x := range []struct {
		kind Kind
		is   bool
	}{
		{NameSet, text(old) == "" && text(new) != ""},
		{NameRemoved, text(old) != "" && text(new) == ""},
		{NameChanged, text(old) != "" && text(new) != "" && !same &&
			(old.Origin == new.Origin || slices.Contains(origins[:], model.Fallback))},
		{DefaultReplaced, !same && origins == [2]model.Origin{model.Default, model.Explicit}},
		{DefaultRestored, !same && origins == [2]model.Origin{model.Explicit, model.Default}},
		{OriginChanged, same && old.Origin != new.Origin},
		{TTLChanged, same && old.Origin == new.Origin && old.TTL != new.TTL},
		{ServerGained, old.Server == "" && new.Server != ""},
		{ServerLost, old.Server != "" && new.Server == ""},
		{ServerChanged, old.Server != "" && new.Server != "" && old.Server != new.Server},
		{PrimaryGained, !old.Primary && new.Primary},
		{PrimaryLost, old.Primary && !new.Primary},
		{DelegationGained, old.Delegation == netip.Prefix{} && new.Delegation != netip.Prefix{}},
		{DelegationLost, old.Delegation != netip.Prefix{} && new.Delegation == netip.Prefix{}},
		{ForwardChanged, same && was+is == "yesno" || same && was+is == "noyes"},
		{HELOChanged, old.Server == new.Server && old.HELO != new.HELO &&
			(new.Primary || slices.Contains(old.Names, old.HELO) || slices.Contains(new.Names, new.HELO))},
	} {
		if x.is {
			kinds = append(kinds, x.kind)
		}
	}
	return kinds
}

// compareWorlds says what Compare must find.
func compareWorlds(old, new *world, stored bool) *Changes {
	c := &Changes{Total: Total{Old: 2, New: 2}}
	// Those that every source has.
	other := Total{Block: netip.MustParsePrefix("198.51.100.0/24"), Old: 2, New: 2}
	totals := map[netip.Prefix]*Total{other.Block: &other}
	for _, w := range everywhere {
		for a := w.Addr(); w.Contains(a); a = a.Next() {
			before, after := old.state(a, stored), new.state(a, stored)
			own := func(s State) bool { return s.Origin == model.Explicit || s.Origin == model.Default }
			in := totals[before.Block]
			if in == nil {
				in = &Total{Block: before.Block}
				totals[before.Block] = in
			}
			for _, t := range []*Total{in, &c.Total} {
				if own(before) {
					t.Old++
				}
				if own(after) {
					t.New++
				}
				if own(before) && !own(after) {
					t.Lost++
				}
				if own(before) && strings.Join(before.Names, " ") != strings.Join(after.Names, " ") {
					t.Changed++
				}
			}
			_, inOld := old.entries[a]
			_, inNew := new.entries[a]
			if listed := inOld || inNew; !listed || stored && !own(before) && !own(after) {
				continue
			}
			kinds := kindsOf(before, after, old.leadsBack(before, a, stored), new.leadsBack(after, a, stored))
			if len(kinds) > 0 {
				c.Addresses = append(c.Addresses, Address{Addr: a, Kinds: kinds, Old: before, New: after})
			}
		}
	}
	for _, t := range totals {
		if t.Old > 0 {
			c.Totals = append(c.Totals, *t)
		}
	}
	slices.SortFunc(c.Totals, func(a, b Total) int { return a.Block.Compare(b.Block) })
	return c
}

// Of any two sources, and of their snapshots, Compare finds what looking at every address finds. A source and its snapshot
// are the same.
func TestCompareRandom(t *testing.T) {
	seen := map[Kind]int{}
	for seed := range uint64(200) {
		r := random{rand.New(rand.NewPCG(seed, 1))}
		old := r.world()
		new := old.clone()
		r.change(new)
		if r.chance(20) {
			new = r.world()
		}
		for _, stored := range []bool{false, true} {
			if stored {
				old, new = old.inside(), new.inside()
			}
			from, to := old.side(t, stored), new.side(t, stored)
			want, got := compareWorlds(old, new, stored), Compare(from, to)
			for _, x := range got.Addresses {
				for _, k := range x.Kinds {
					seen[k]++
				}
			}
			if diff := cmp.Diff(want, got, ignored...); diff != "" {
				text, zone := old.source()
				text2, zone2 := new.source()
				t.Fatalf("seed %d, snapshots: %v (-want +got):\n%s\n--- old\n%s%s--- new\n%s%s", seed, stored, diff,
					text, zone, text2, zone2)
			}
			for _, pair := range [][2]*Side{{from, from}, {to, to}, {old.side(t, false), from}, {to, new.side(t, false)}} {
				if c := Compare(pair[0], pair[1]); len(c.Addresses)+len(c.Servers)+len(c.Delegations)+len(c.Blocks)+len(c.Zones)+len(c.Rules) > 0 {
					t.Fatalf("seed %d, snapshots: %v: the same differs: %q", seed, stored, describe(c))
				}
			}
		}
	}
	if len(seen) != 16 {
		t.Errorf("not every kind came up: %v", seen)
	}
}

// ignored are the parts of Changes that compareWorlds does not make.
var ignored = []cmp.Option{
	cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
	cmpopts.IgnoreFields(Changes{}, "Servers", "Rules", "Delegations", "Blocks", "Zones"),
	cmpopts.IgnoreFields(Address{}, "Effects"),
	cmpopts.IgnoreFields(State{}, "Pos"),
	cmpopts.IgnoreFields(Total{}, "Pos"),
	cmpopts.IgnoreSliceElements(func(t Total) bool { return t.Old == 0 }),
}
