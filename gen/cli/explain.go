package cli

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) explain() *cobra.Command {
	var snapshotFile string
	c := &cobra.Command{
		Use:   "explain IP [SOURCE]",
		Short: "Tell what an address answers with, and why",
		Long: `explain tells which name an address answers with by the source, and where that
comes from: the reverse map name, the template of the default hostname or of
the fallback, or why there is no name. It also works for a source that has
errors elsewhere, and tells how many. In place of the address, as everywhere,
its reverse name will do.

With --snapshot it tells what that snapshot answers, too: it differs if the
source has changed since.`,
		Example: `  revmap explain 192.0.2.10
  revmap explain 10.2.0.192.in-addr.arpa
  revmap explain 2001:db8:0:1::25 records.yaml --snapshot /srv/revmap/records.snapshot`,
		Args: func(c *cobra.Command, args []string) error {
			if err := operands("IP", "[SOURCE]")(c, args); err != nil {
				return err
			}
			_, err := parseAddr(args[0])
			return err
		},
	}
	format := formatFlag(c)
	c.Flags().StringVar(&snapshotFile, "snapshot", "", "also tell what the snapshot `FILE` answers")
	c.RunE = work(func(c *cobra.Command, args []string) error {
		addr, err := parseAddr(args[0])
		if err != nil {
			return err
		}
		e, err := explanationOf(c.Context(), addr, operand(args, 1, defaultSource))
		if err != nil {
			return err
		}
		if snapshotFile != "" {
			if err := e.addSnapshot(addr, snapshotFile); err != nil {
				return err
			}
		}
		if *format == "json" {
			return p.writeJSON(e)
		}
		return p.printExplanation(e)
	})
	return c
}

// parseAddr reads an address, or the name of its PTR, which is what dig and bounces show.
func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		p, form := arpa.Parse(strings.TrimSuffix(s, ".") + ".")
		switch form {
		case arpa.Complete:
			a, err = p.Addr(), nil
		case arpa.Partial, arpa.Malformed:
			return netip.Addr{}, fmt.Errorf("IP is %q, the reverse name of no single address; want one as in %s",
				s, arpa.Name(netip.AddrFrom4([4]byte{192, 0, 2, 10})))
		}
	}
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("IP is %q, want an IPv4 or IPv6 address", s)
	case a.Zone() != "":
		return netip.Addr{}, fmt.Errorf("IP is %q, want it without the zone %q", s, "%"+a.Zone())
	case a.Is4In6():
		return netip.Addr{}, fmt.Errorf("IP is %q, an IPv4-mapped address; want %s", s, a.Unmap())
	}
	return a, nil
}

// An explanation is what explain tells, in its JSON form.
type explanation struct {
	Address  string          `json:"address"`
	Names    []string        `json:"names"`
	TTL      uint32          `json:"ttl,omitempty"` // seconds
	Origin   string          `json:"origin"`        // explicit, default, fallback or none
	Because  []reason        `json:"because"`
	Reverse  string          `json:"reverse"`         // the address in the reverse-mapping domain
	Owner    string          `json:"owner,omitempty"` // of the PTR: another name if the zone is classless
	Zone     string          `json:"zone,omitempty"`
	Block    *placed         `json:"block,omitempty"`
	Child    *child          `json:"delegation,omitempty"` // whoever answers instead of the block
	Forward  []confirmation  `json:"forward,omitempty"`    // of the names that lie in our forward zones
	Server   *placed         `json:"server,omitempty"`
	Product  string          `json:"product,omitempty"`
	Account  string          `json:"account,omitempty"`
	Snapshot *snapshotAnswer `json:"snapshot,omitempty"`
	Errors   int             `json:"errors"` // that the source has, anywhere
}

// A reason is one step on the way to an answer.
type reason struct {
	Text string `json:"text"`
	place
}

// place is a diag.Position.
type place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// A placed thing has a name and a place in the source.
type placed struct {
	Name string `json:"name"`
	place
}

// A child is the zone that an address is delegated to.
type child struct {
	Prefix      string   `json:"prefix"`
	Zone        string   `json:"zone"`
	Nameservers []string `json:"nameservers"`
	Alias       string   `json:"alias,omitempty"` // target of the CNAME that the address has, if it has one
	place
}

// A confirmation tells whether a name leads back to the address (RFC 8601 section 3, iprev).
type confirmation struct {
	Name      string `json:"name"`
	Zone      string `json:"zone"`
	Confirmed bool   `json:"confirmed"`
}

// A snapshotAnswer is what a snapshot answers.
type snapshotAnswer struct {
	File   string   `json:"file"`
	Commit string   `json:"commit,omitempty"`
	Zone   string   `json:"zone,omitempty"`
	Serial uint32   `json:"serial,omitempty"`
	Names  []string `json:"names"`
	TTL    uint32   `json:"ttl,omitempty"`
	Kind   string   `json:"kind"` // of the answer, as the metrics of the server have it
	Same   bool     `json:"same"` // as the answer by the source
}

func explanationOf(ctx context.Context, addr netip.Addr, path string) (*explanation, error) {
	inv, found, err := load(ctx, path)
	if err != nil {
		return nil, err
	}
	answer, a := inv.Lookup(addr)
	e := &explanation{
		Address: addr.String(), Names: append([]string{}, answer.Names...), TTL: answer.TTL, Origin: answer.Origin.String(),
		Reverse: arpa.Name(addr), Errors: found.Count(diag.Error),
	}
	s := e.addAssignment(inv, addr, a)
	if s != nil {
		e.Server = &placed{s.Name.Value, place(s.Name.Pos)}
		e.Product, e.Account = s.Server.Product.Value, s.Server.Account.Value
	}
	b := inv.BlockOf(addr)
	if b == nil {
		e.Names, e.TTL, e.Origin = []string{}, 0, model.NoName.String()
		e.because(diag.Position{}, "it is in no block")
		return e, nil
	}
	e.Block = &placed{b.Prefix.String(), place(b.Prefix.Pos)}
	for _, z := range b.Zones {
		if z.Name != "" && z.Prefix.Contains(addr) {
			e.Zone, e.Owner = z.Name, (&snapshot.Zone{Name: z.Name, Prefix: z.Prefix}).Owner(addr)
		}
	}
	if d := inv.DelegationOf(addr); d != nil {
		e.addChild(addr, d)
		return e, nil
	}
	e.addForward(inv, addr)
	switch answer.Origin {
	case model.Explicit:
		for _, n := range a.Entry.Names {
			e.because(n.Pos, "reverse map name %s", n.Value)
		}
	case model.Default:
		t := a.Server.Product.Hostname
		e.because(t.Pos, "default hostname by the template %q of product %s", t.T, a.Server.Server.Product.Value)
	case model.Fallback:
		e.because(b.Block.Fallback.Pos, "fallback %q of block %s", b.Block.Fallback.T, b.Prefix)
	}
	return e, nil
}

// addAssignment tells whose the address is, and returns its server. a is nil if the source does not list the address.
func (e *explanation) addAssignment(inv *model.Inventory, addr netip.Addr, a *model.Address) *model.Server {
	var nameless string
	if a == nil || a.Entry == nil || len(a.Entry.Names) == 0 {
		nameless = " without a reverse map name"
	}
	switch {
	case a != nil && a.Primary != nil:
		e.because(a.Primary.Pos, "primary address of server %s%s", a.Server.Name.Value, nameless)
		if a.Default == "" && nameless != "" {
			e.because(a.Server.Server.Product.Pos, "no default hostname: %s", whyNoDefault(a))
		}
		return a.Server
	case a != nil && a.Server != nil:
		e.because(a.Pos(), "additional address of server %s%s", a.Server.Name.Value, nameless)
		return a.Server
	case a != nil:
		e.because(a.Pos(), "address of no server%s", nameless)
		return nil
	}
	for _, r := range slices.Backward(inv.Routed) { // of nested ones the smallest comes last
		if r.Contains(addr) {
			e.because(r.Pos, "address without a name in %s, which is routed to server %s", r.Prefix.Prefix, r.Server.Name.Value)
			return r.Server
		}
	}
	e.because(diag.Position{}, "the source does not list it")
	return nil
}

// addChild tells who answers for the address instead.
func (e *explanation) addChild(addr netip.Addr, d *model.Delegation) {
	e.Child = &child{Prefix: d.Prefix.String(), Nameservers: []string{}, place: place(d.Prefix.Pos)}
	for _, n := range d.Nameservers {
		e.Child.Nameservers = append(e.Child.Nameservers, n.Value)
	}
	for _, p := range d.Parts {
		if p.Prefix.Contains(addr) {
			e.Child.Zone = p.Name
			if p.Alias && p.Name != "" {
				e.Child.Alias = (&snapshot.Zone{Kind: snapshot.Reverse, Name: p.Name, Prefix: p.Prefix}).Owner(addr)
			}
		}
	}
	e.because(d.Prefix.Pos, "block %s delegates %s", d.Block.Prefix, d.Prefix)
}

// addForward tells of each name of the address that lies in a forward zone of ours whether it leads back.
func (e *explanation) addForward(inv *model.Inventory, addr netip.Addr) {
	for _, name := range e.Names {
		z := inv.ForwardZone(name)
		if z == nil {
			continue
		}
		f := confirmation{Name: name, Zone: z.Name.Value}
		for _, b := range z.Fallbacks {
			v, ok := b.Fallback.Invert(name)
			f.Confirmed = f.Confirmed || ok && v.Addr == addr && b.Prefix.Contains(addr)
		}
		for i := range inv.Addresses {
			f.Confirmed = f.Confirmed || inv.Addresses[i].Default == name && inv.Addresses[i].Addr == addr
		}
		e.Forward = append(e.Forward, f)
	}
}

// whyNoDefault tells why a primary address has no default hostname.
func whyNoDefault(a *model.Address) string {
	switch name := a.Server.Server.Product.Value; {
	case name == "":
		return "the server has no product"
	case a.Server.Product == nil:
		return fmt.Sprintf("the source has no product %q", name)
	case a.Server.Product.Hostname.T == nil:
		return fmt.Sprintf("product %s has no template", name)
	}
	_, err := a.DefaultHostname()
	return err.Error()
}

func (e *explanation) because(pos diag.Position, format string, args ...any) {
	e.Because = append(e.Because, reason{fmt.Sprintf(format, args...), place(pos)})
}

func (e *explanation) addSnapshot(addr netip.Addr, path string) error {
	r, err := openSnapshot(path)
	if err != nil {
		return err
	}
	g, err := authority.New(r)
	if err != nil {
		return fmt.Errorf("open snapshot %s: %w", path, err)
	}
	s := &snapshotAnswer{File: path, Commit: r.Commit(), Kind: authority.Outside.String(), Names: []string{}}
	e.Snapshot = s
	var zone *snapshot.Zone // the smallest that holds the address
	for i := range r.Zones() {
		z := &r.Zones()[i]
		if z.Prefix.Contains(addr) && (zone == nil || z.Prefix.Bits() > zone.Prefix.Bits()) {
			zone = z
		}
	}
	if zone != nil {
		a := g.Answer(zone.Owner(addr), authority.TypePTR, false)
		s.Zone, s.Serial, s.Kind = zone.Name, zone.Serial, a.Kind.String()
		for i := range a.Len(authority.AnswerSection) {
			if r := a.Record(authority.AnswerSection, i); r.Type == authority.TypePTR {
				s.Names, s.TTL = append(s.Names, r.Target), r.TTL
			}
		}
	}
	s.Same = s.Zone == e.Zone && s.TTL == e.TTL && slices.Equal(s.Names, e.Names)
	return nil
}

func (p *program) printExplanation(e *explanation) error {
	switch {
	case len(e.Names) > 0:
		fmt.Fprintf(p.stdout, "%s answers %s\n\n", e.Address, strings.Join(e.Names, " "))
	case e.Child != nil:
		fmt.Fprintf(p.stdout, "%s is for others to answer\n\n", e.Address)
	default:
		fmt.Fprintf(p.stdout, "%s has no name\n\n", e.Address)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(what, text string, at place) {
		if text == "" {
			return
		}
		if at.File != "" {
			text += ", " + diag.Position(at).String()
		}
		fmt.Fprintf(w, "%s\t%s\n", what, text)
	}
	label := "because"
	for _, r := range e.Because {
		line(label, r.Text, r.place)
		label = ""
	}
	if len(e.Names) > 0 {
		line("ttl", fmt.Sprint(e.TTL), place{})
	}
	for _, f := range e.Forward {
		if f.Confirmed {
			line("forward", fmt.Sprintf("%s leads back to it, by our zone %s", f.Name, f.Zone), place{})
		} else {
			line("forward", fmt.Sprintf("%s does not lead back to it: our zone %s says otherwise", f.Name, f.Zone), place{})
		}
	}
	owner := e.Owner
	if owner != "" && owner != e.Reverse {
		owner += ", where the parent's CNAME at " + e.Reverse + " leads"
	}
	if c := e.Child; c != nil {
		if c.Alias != "" {
			owner += ", a CNAME to " + c.Alias
		}
		line("child", c.Zone, place{})
		line("servers", strings.Join(c.Nameservers, " "), place{})
	}
	line("owner", owner, place{})
	line("zone", e.Zone, place{})
	if e.Block != nil {
		line("block", e.Block.Name, e.Block.place)
	}
	if e.Server != nil {
		line("server", e.Server.Name, e.Server.place)
	}
	line("product", e.Product, place{})
	line("account", e.Account, place{})
	if s := e.Snapshot; s != nil {
		line("snapshot", s.summary(), place{})
		line("", s.answer(), place{})
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if e.Errors > 0 {
		fmt.Fprintf(p.stdout, "\nnote: the source has %s, which revmap lint shows\n", plural(e.Errors, "error"))
	}
	return nil
}

// summary tells which snapshot s is from.
func (s *snapshotAnswer) summary() string {
	text := s.File
	if s.Commit != "" {
		text += ", commit " + s.Commit
	}
	if s.Zone != "" {
		text += fmt.Sprintf(", serial %d", s.Serial)
	}
	return text
}

// answer tells what s answers, compared with the source.
func (s *snapshotAnswer) answer() string {
	switch {
	case s.Same:
		return "answers the same"
	case s.Zone == "":
		return "differs: it has no zone for the address"
	case len(s.Names) == 0:
		return fmt.Sprintf("differs: %s in zone %s", s.Kind, s.Zone)
	}
	return fmt.Sprintf("differs: %s (%s, ttl %d) in zone %s", strings.Join(s.Names, " "), s.Kind, s.TTL, s.Zone)
}
