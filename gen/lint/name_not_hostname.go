package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

var nameNotHostname = &Rule{
	ID:       "name-not-hostname",
	Severity: diag.Error,
	Title:    "labels of names have letters, digits and, inside, hyphens only",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		nameservers(inv, func(_ netip.Addr, name source.Name) {
			if label := noHostLabel(name.Value); label != "" {
				report(noHost(name.Value, label, name.Pos, anotherName))
			}
		})
		for _, b := range inv.Blocks {
			if b.Fallback == nil {
				continue
			}
			name, err := b.Fallback.Expand(hostname.Values{Addr: b.Prefix.Addr()})
			if label := noHostLabel(name); err == nil && label != "" {
				report(noHost(name, label, b.Block.Fallback.Pos, anotherTemplate))
			}
		}
	},
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		reverseMapNames(inv, func(_ *model.Address, name source.Name) {
			if label := noHostLabel(name.Value); label != "" {
				report(noHost(name.Value, label, name.Pos, anotherName))
			}
		})
		noHostDefaults(inv, func(a *model.Address, label string) {
			if noHostLabel(a.Server.Name.Value+".") != "" {
				report(noHost(a.Default, label, a.Server.Name.Pos, "rename the server, or give the address a name"))
			}
		})
	},
	group: func(c *comparison, add addFunc) { // the others are the template's fault, which is one
		noHostDefaults(c.Inventory, func(a *model.Address, label string) {
			if p := a.Server.Product; noHostLabel(a.Server.Name.Value+".") == "" {
				add(p.Name.Value, a.Addr, noHost(a.Default, label, p.Hostname.Pos, anotherTemplate))
			}
		})
	},
}

const (
	anotherName     = "use letters, digits and, inside, hyphens"
	anotherTemplate = "change the template"
)

// noHost is the finding that name, at pos, is not the name of a host.
func noHost(name, label string, pos diag.Position, hint string) diag.Diagnostic {
	what := `begins or ends with "-"`
	if strings.Contains(label, "_") {
		what = `has a "_"`
	}
	return diag.Diagnostic{
		Pos:     pos,
		Message: fmt.Sprintf("%q is not the name of a host: the label %q %s", name, label, what),
		Hint:    hint,
	}
}

// noHostDefaults calls f for each address that answers with a default hostname which is not the name of a host.
func noHostDefaults(inv *model.Inventory, f func(a *model.Address, label string)) {
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Default == "" || a.Delegation != nil || len(reverseNames(a)) > 0 {
			continue
		}
		if label := noHostLabel(a.Default); label != "" {
			f(a, label)
		}
	}
}

// noHostLabel returns the first label of name, which is absolute, that no host has in its name (RFC 952, RFC 1123 section
// 2.1); "" if there is none.
func noHostLabel(name string) string {
	start := 0
	for i := range len(name) {
		switch {
		case name[i] == '.':
			start = i + 1
		case name[i] == '_', name[i] == '-' && (i == start || name[i+1] == '.'):
			label, _, _ := strings.Cut(name[start:], ".")
			return label
		}
	}
	return ""
}
