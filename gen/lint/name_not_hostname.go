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
		add := func(name, label string, pos diag.Position, hint string) {
			what := `begins or ends with "-"`
			if strings.Contains(label, "_") {
				what = `has a "_"`
			}
			report(diag.Diagnostic{
				Pos:     pos,
				Message: fmt.Sprintf("%q is not the name of a host: the label %q %s", name, label, what),
				Hint:    hint,
			})
		}
		reverseMapNames(inv, func(_ *model.Address, name source.Name) {
			if label := noHostLabel(name.Value); label != "" {
				add(name.Value, label, name.Pos, "use letters, digits and, inside, hyphens")
			}
		})
		nameservers(inv, func(_ netip.Addr, name source.Name) {
			if label := noHostLabel(name.Value); label != "" {
				add(name.Value, label, name.Pos, "use letters, digits and, inside, hyphens")
			}
		})
		blamed := make(map[*source.Product]bool) // for its template
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			if a.Default == "" || a.Delegation != nil || len(reverseNames(a)) > 0 {
				continue
			}
			label := noHostLabel(a.Default)
			if label == "" {
				continue
			}
			if p := a.Server.Product; noHostLabel(a.Server.Name.Value+".") == "" && !blamed[p] {
				blamed[p] = true
				add(a.Default, label, p.Hostname.Pos, "change the template")
			} else if !blamed[p] {
				add(a.Default, label, a.Server.Name.Pos, "rename the server, or give the address a name")
			}
		}
		for _, b := range inv.Blocks {
			if b.Fallback == nil {
				continue
			}
			name, err := b.Fallback.Expand(hostname.Values{Addr: b.Prefix.Addr()})
			if label := noHostLabel(name); err == nil && label != "" {
				add(name, label, b.Block.Fallback.Pos, "change the template")
			}
		}
	},
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
