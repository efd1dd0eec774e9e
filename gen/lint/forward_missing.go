package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/source"
)

var forwardMissing = &Rule{
	ID:       "forward-missing",
	Severity: diag.Error,
	Title:    "names of addresses have an address in their forward zone",
	missing:  true,
	across:   namedAsDefault,
	compare: func(c *comparison, report func(diag.Diagnostic)) {
		blamed := make(map[*source.Product]bool) // for its template
		noHostAllowed := slices.ContainsFunc(c.Source.Severities, func(s source.Severity) bool {
			return s.Rule.Value == nameNotHostname.ID && s.Severity == diag.Off
		})
		for _, n := range c.claims() {
			if n.isAlias() || n.in.Result == forward.Addresses {
				continue
			}
			z := n.in.Zone
			if domain := c.missingDomain(&n); domain != "" {
				if p := n.Server.Product; !blamed[p] {
					blamed[p] = true
					report(diag.Diagnostic{
						Pos: p.Hostname.Pos,
						Message: fmt.Sprintf("default hostnames such as %q do not exist in %s: it has nothing at or below %q",
							n.name.Value, z.File, domain),
						Hint: fmt.Sprintf("delegate %q to the servers of the snapshot, and add %q to forward_zones",
							below(z, domain), strings.TrimSuffix(domain, ".")),
					})
				}
				continue
			}
			d := diag.Diagnostic{
				Pos:     n.name.Pos,
				Message: n.wrongly() + "does not exist in " + z.File,
				Hint:    fmt.Sprintf("add %q to %s", n.line(), z.File),
			}
			if noHostLabel(n.name.Value) != "" && !noHostAllowed { // the record would not help against name-not-hostname
				d.Hint = fmt.Sprintf("choose the name of a host, with letters, digits and hyphens, and add it to %s", z.File)
			}
			if n.in.Result == forward.NoAddress {
				d.Message = n.wrongly() + "has no address in " + z.File
			}
			if r, ok := misspelt(c.zones, &n); ok {
				d.Related = []diag.Related{at(r, fmt.Sprintf("here %q has this address", r.Owner))}
				d.Hint = fmt.Sprintf("write %q, or %s", r.Owner, d.Hint)
			}
			report(d)
		}
		c.unconfirmedHosts(func(h *host) {
			if len(h.servers) > 0 || h.fallback.IsValid() {
				return
			}
			report(diag.Diagnostic{
				Pos: h.name.Pos,
				Message: fmt.Sprintf("%sdoes not exist: the forward zone %q has default hostnames only",
					wrongly(h.Address, h.name), h.zone.Name.Value),
				Related: []diag.Related{{Pos: h.zone.Name.Pos, Message: "the forward zone"}},
				Hint:    "choose a name outside of the forward zones, and give it this address there",
			})
		})
	},
}

// missingDomain returns the domain of the template that made the name of n, a default hostname, if the zone has nothing
// there: then it lacks those of all servers. Else it returns "".
func (c *comparison) missingDomain(n *claim) string {
	if len(reverseNames(n.Address)) > 0 {
		return ""
	}
	domain := n.Server.Product.Hostname.T.Suffix()
	if c.zones.Lookup(domain).Result != forward.NoName {
		return ""
	}
	return domain
}

// misspelt returns the record that gives the address to a name like that of the claim, in the same zone.
func misspelt(zones *forward.Zones, n *claim) (forward.Record, bool) {
	records := make(map[string]forward.Record) // by name below the zone
	var names []string
	for r := range zones.Of(n.Addr) {
		if r.Zone == n.in.Zone && !isWildcard(r) {
			name := below(r.Zone, r.Owner)
			records[name] = r
			names = append(names, name)
		}
	}
	r, ok := records[source.Nearest(below(n.in.Zone, n.name.Value), names)]
	return r, ok
}
