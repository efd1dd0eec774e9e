package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

var templateYieldsInvalid = &Rule{
	ID:       "template-yields-invalid",
	Severity: diag.Error,
	Title:    "a template gives a valid name for each address that it has to name",
	Required: true,
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			if t := b.Block.Fallback.T; t != nil {
				checkFallback(b, t, report)
			}
		}
	},
	// Each cause for which a product's template gives no name is reported once, however many addresses have none.
	group: func(c *comparison, add addFunc) {
		for i := range c.Addresses {
			a := &c.Addresses[i]
			if a.Default != "" || a.Primary == nil || a.Block == nil || len(reverseNames(a)) > 0 {
				continue // an address with a reverse map name needs none
			}
			p := a.Server.Product
			if p == nil || p.Hostname.T == nil {
				continue
			}
			d, cause := noDefault(a)
			d.Related = append(d.Related, diag.Related{
				Pos:     a.Primary.Pos,
				Message: fmt.Sprintf("for the primary address %s of server %q", a.Addr, a.Server.Name.Value),
			})
			add(p.Name.Value+" "+cause, a.Addr, d)
		}
	},
	settle: func(g *Group) diag.List {
		d := g.First[0].Diagnostic
		if others := g.Total - 1; others > 0 {
			which := &d.Related[len(d.Related)-1]
			which.Message += fmt.Sprintf(", and for %d more", others)
		}
		return diag.List{d}
	},
}

// noDefault says why a has no default hostname. Failures that mend together have the same cause.
func noDefault(a *model.Address) (d diag.Diagnostic, cause string) {
	p := a.Server.Product
	_, err := a.DefaultHostname()
	cause = fmt.Sprint(err)
	d = diag.Diagnostic{
		Pos:     p.Hostname.Pos,
		Message: fmt.Sprintf("the template of product %q gives no name: %v", p.Name.Value, err),
	}
	server, account := a.Server.Name.Value, a.Server.Server.Account.Value
	placeholders := p.Hostname.T.Placeholders()
	has := func(name string) bool { return slices.Contains(placeholders, name) }
	_, unbound := p.Hostname.T.Bind(a.Block.Variables())
	switch {
	case unbound != nil:
		d.Related = []diag.Related{{Pos: a.Block.Prefix.Pos, Message: "the block of the address"}}
		d.Hint = setVariable
	case a.Is6() && slices.ContainsFunc(placeholders, isOctet):
		cause = "octets of IPv6"
		d.Hint = "use {ip} or {server} instead, or name the IPv6 addresses one by one"
	case has("server") && !fits(server):
		d.Pos = a.Server.Name.Pos
		d.Related = []diag.Related{{Pos: p.Hostname.Pos, Message: "the template"}}
		d.Hint = "rename the server, with letters, digits and - only"
	case has("account") && account == "":
		d.Hint = "give the server an account, or remove {account}"
	case has("account") && !fits(account), has("product") && !fits(p.Name.Value):
		d.Hint = "rename it, with letters, digits and - only"
	default:
		cause = "too long"
		d.Hint = shorten
	}
	return d, cause
}

// fits reports whether the name of a server, product or account can be part of a hostname.
func fits(name string) bool { return hostname.Check(strings.ToLower(name)+".") == nil }

// checkFallback reports why a fallback gives no name for some address of its block.
func checkFallback(b *model.Block, t *hostname.Template, report func(diag.Diagnostic)) {
	fail := func(hint, format string, args ...any) {
		report(diag.Diagnostic{
			Pos:     b.Block.Fallback.Pos,
			Message: fmt.Sprintf("the fallback of block %s ", b.Prefix) + fmt.Sprintf(format, args...),
			Related: []diag.Related{{Pos: b.Prefix.Pos, Message: "the block"}},
			Hint:    hint,
		})
	}
	for _, p := range t.Placeholders() {
		switch {
		case p == "server", p == "product", p == "account":
			fail(useAddress, "has {%s}, but is for addresses of no %s", p, p)
			return
		case isOctet(p) && b.Prefix.Addr().Is6():
			fail(useAddress, "has {%s}, an octet of IPv4, but the block is IPv6", p)
			return
		}
	}
	bound, err := t.Bind(b.Variables())
	if err != nil {
		fail(setVariable, "gives no name: %v", err)
		return
	}
	// All that is left is the length, and no address of the block has a longer name than the last one: each of its
	// octets is the highest.
	if _, err := bound.Expand(hostname.Values{Addr: arpa.Last(b.Prefix.Prefix)}); err != nil {
		fail(shorten, "gives no name for %s: %v", arpa.Last(b.Prefix.Prefix), err)
	}
}

const (
	useAddress  = "use {ip} instead"
	setVariable = `set it under "vars" of the block, to letters, digits and -`
	shorten     = "make the template shorter"
)

// isOctet reports whether a placeholder is one of {a}, {b}, {c} and {d}, which IPv6 does not have.
func isOctet(placeholder string) bool { return len(placeholder) == 1 }
