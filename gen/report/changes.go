package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
)

// A Review is what there is to tell of the difference of two states. Only Changes must be set.
type Review struct {
	*diff.Changes
	Old, New             string      // what was compared, as the user named it
	OldErrors, NewErrors int         // that lint finds in the two sources; what they concern may be missing in Changes
	Stops, Allowed       []diff.Stop // what diff.Changes.Gate returned
	Ignored              []Ignored   // why Stops are not empty, perhaps
}

// An Ignored is what somebody gave as an allowance, and lets nothing pass.
type Ignored struct {
	Text string // as it was given: "Revmap-Allow: lost"
	By   string // in words, as in diff.Allowance; "" if Text tells
	Why  string // one line, lower case, no final period
}

// An item is one change of something that is no address.
type item struct {
	subject     string
	kinds       []diff.Kind
	detail      []string
	old, new    []netip.Addr // of a server
	oldPos, pos diag.Position
}

// place returns where the new source has it, or else the old one.
func (i *item) place() diag.Position {
	if i.pos.IsValid() {
		return i.pos
	}
	return i.oldPos
}

// A group is all changes of one sort of thing.
type group struct {
	name  string // "blocks"
	items []item
}

// title returns the name of g for a heading.
func (g *group) title() string { return strings.ToUpper(g.name[:1]) + g.name[1:] }

// groups returns all changes but those of addresses; the farther one reaches, the earlier it comes.
func (r *Review) groups() []group {
	return []group{
		{"blocks", items(r.Blocks, func(b diff.Block) item {
			return item{subject: b.Prefix.String(), kinds: b.Kinds, detail: b.Detail, oldPos: b.OldPos, pos: b.Pos}
		})},
		{"zones", items(r.Zones, func(z diff.Zone) item {
			return item{subject: z.Name, kinds: z.Kinds, detail: z.Detail, oldPos: z.OldPos, pos: z.Pos}
		})},
		{"delegations", items(r.Delegations, func(d diff.Delegation) item {
			return item{subject: d.Prefix.String(), kinds: d.Kinds, detail: d.Detail, oldPos: d.OldPos, pos: d.Pos}
		})},
		{"rules", items(r.Rules, func(c diff.Rule) item {
			return item{subject: c.Subject, kinds: c.Kinds, detail: c.Detail, oldPos: c.OldPos, pos: c.Pos}
		})},
		{"servers", items(r.Servers, func(s diff.Server) item {
			i := item{subject: s.Name, kinds: s.Kinds, old: s.Old, new: s.New, oldPos: s.OldPos, pos: s.Pos}
			if s.Detail != "" {
				i.detail = []string{s.Detail}
			}
			return i
		})},
	}
}

// items returns what f makes of each change.
func items[T any](changes []T, f func(T) item) []item {
	list := make([]item, 0, len(changes))
	for _, c := range changes {
		list = append(list, f(c))
	}
	return list
}

// details returns what there is to tell of an item: of a server that comes or goes, some addresses.
func (i *item) details() []string {
	addrs := slices.Concat(i.old, i.new)
	if len(i.detail) > 0 || len(addrs) == 0 {
		return i.detail
	}
	var parts []string
	for _, a := range addrs[:min(len(addrs), maxListed)] {
		parts = append(parts, a.String())
	}
	if len(addrs) > maxListed {
		parts = append(parts, "…")
	}
	return []string{strings.Join(parts, ", ")}
}

// inWords returns the kinds in words. That a block is emptied goes without saying where it is removed.
func (i *item) inWords() string {
	parts := make([]string, 0, len(i.kinds))
	for _, k := range i.kinds {
		if k != diff.BlockEmptied || !slices.Contains(i.kinds, diff.BlockRemoved) {
			parts = append(parts, words(k))
		}
	}
	return strings.Join(parts, ", ")
}

// empty reports whether nothing changes.
func (r *Review) empty() bool {
	return len(r.Addresses)+len(r.Servers)+len(r.Delegations)+len(r.Blocks)+len(r.Zones)+len(r.Rules) == 0
}

// byKind returns the addresses that change in each way, an address under its first kind only, so that it counts once.
// The kinds are in the order in which they should be read.
func (r *Review) byKind() (kinds []diff.Kind, of map[diff.Kind][]*diff.Address) {
	of = make(map[diff.Kind][]*diff.Address)
	for i := range r.Addresses {
		a := &r.Addresses[i]
		of[a.Kinds[0]] = append(of[a.Kinds[0]], a)
	}
	return slices.SortedFunc(maps.Keys(of), compareKinds), of
}

// maxListed is how many things of one kind are listed where the reader wants an overview.
const maxListed = 3

// An effectGroup is the addresses at which receivers of mail see the same.
type effectGroup struct {
	severity  diag.Severity
	id        string
	addresses []*diff.Address
	messages  []string // one for each address
}

// byEffect returns what receivers see, the worst first.
func (r *Review) byEffect() []*effectGroup {
	type key struct {
		severity diag.Severity
		id       string
	}
	of := make(map[key]*effectGroup)
	for i := range r.Addresses {
		a := &r.Addresses[i]
		for _, e := range a.Effects {
			k := key{e.Severity, e.ID}
			if of[k] == nil {
				of[k] = &effectGroup{severity: e.Severity, id: e.ID}
			}
			of[k].addresses = append(of[k].addresses, a)
			of[k].messages = append(of[k].messages, e.Message)
		}
	}
	return slices.SortedFunc(maps.Values(of), func(a, b *effectGroup) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), strings.Compare(a.id, b.id))
	})
}

// sign returns '-' for what is lost, '+' for what is new and '~' for what changes.
func sign(k diff.Kind) byte {
	switch verb := k[strings.LastIndexByte(string(k), '-')+1:]; verb {
	case "removed", "lost", "emptied":
		return '-'
	case "added", "set", "gained":
		return '+'
	}
	return '~'
}

// compareKinds puts what is lost before what changes, and that before what is new.
func compareKinds(k, l diff.Kind) int {
	const order = "-~+"
	return cmp.Or(cmp.Compare(strings.IndexByte(order, sign(k)), strings.IndexByte(order, sign(l))), cmp.Compare(k, l))
}

// words returns a kind as people write it.
func words(k diff.Kind) string {
	text := strings.Split(string(k), "-")
	for i, w := range text {
		if w == "ttl" || w == "soa" || w == "ns" || w == "ds" || w == "helo" {
			text[i] = strings.ToUpper(w)
		}
	}
	return strings.Join(text, " ")
}

// namesOf returns what a state answers with, and the TTL if the other state answers with another one.
func namesOf(s, other *diff.State) string {
	names := strings.Join(s.Names, " ")
	if names != "" && len(other.Names) > 0 && s.TTL != other.TTL {
		names += " (TTL " + strconv.FormatUint(uint64(s.TTL), 10) + ")"
	}
	return names
}

// subjectOf returns which server or delegation a kind of change of an address is about, "" if none.
func subjectOf(a *diff.Address, k diff.Kind) string {
	switch k {
	case diff.ServerGained:
		return a.New.Server
	case diff.ServerLost:
		return a.Old.Server
	case diff.ServerChanged:
		return a.Old.Server + " → " + a.New.Server
	case diff.DelegationGained:
		return a.New.Delegation.String()
	case diff.DelegationLost:
		return a.Old.Delegation.String()
	}
	return ""
}

// inWords returns kinds of change of an address in words.
func inWords(a *diff.Address, kinds []diff.Kind) string {
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = strings.TrimSpace(words(k) + " " + subjectOf(a, k))
	}
	return strings.Join(parts, ", ")
}

// blockOf returns the block that an address lay in, or else the one that it lies in.
func blockOf(a *diff.Address) netip.Prefix {
	if a.Old.Block.IsValid() {
		return a.Old.Block
	}
	return a.New.Block
}

// placeOf returns where the new source has an address, or else the old one.
func placeOf(a *diff.Address) diag.Position {
	if a.New.Pos.IsValid() {
		return a.New.Pos
	}
	return a.Old.Pos
}

// headline counts the addresses whose names change; if none does, whatever changes instead.
func (r *Review) headline() string {
	var set, removed, changed int
	for i := range r.Addresses {
		switch a := &r.Addresses[i]; {
		case a.Kinds[0] == diff.NameSet:
			set++
		case a.Kinds[0] == diff.NameRemoved:
			removed++
		case !slices.Equal(a.Old.Names, a.New.Names):
			changed++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{removed, "removed"}, {changed, "changed"}, {set, "set"}} {
		if p.n > 0 {
			parts = append(parts, Number(p.n)+" "+p.what)
		}
	}
	if len(parts) > 0 {
		return "names: " + strings.Join(parts, ", ")
	}
	for _, g := range r.groups() {
		if n := len(g.items); n > 0 {
			parts = append(parts, g.name+" ("+Number(n)+")")
		}
	}
	if n := len(r.Addresses); n > 0 {
		parts = append(parts, "addresses ("+Number(n)+")")
	}
	return "changes in " + strings.Join(parts, ", ")
}

// Number writes n >= 0 with a comma before every three digits, as all output for people does.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
