package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
)

func (p *program) exportRIPE() *cobra.Command {
	var database string
	c := &cobra.Command{
		Use:   "ripe [SOURCE]",
		Short: "Write domain objects for the RIPE database",
		Long: `export ripe writes the "domain" objects that ask the RIPE NCC, or a registry
with the same database, to delegate our reverse zones: one object for each zone,
with its name servers, the DS records that the block has under "ds", and the
contacts and maintainers of "registry". docs/registry.md describes these keys.
Someone with the maintainers' rights has to send the objects.

There is none for a block inside another block, whose zones are delegated by
ours; nor for a classless block whose zone has not the name that the RIPE NCC
gives such zones, "64-127.100.51.198.in-addr.arpa", since then the zone above is
somebody else's. These are named on stderr.`,
		Example: `  revmap export ripe > domains.txt
  revmap export ripe --database TEST`,
		Args: operands("[SOURCE]"),
	}
	c.Flags().StringVar(&database, "database", "", "only objects whose source is `NAME`, such as RIPE")
	known := baselineFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		inv, err := p.loadClean(c.Context(), operand(args, 0, defaultSource), *known, stream{p.stderr, p.stderrTerminal})
		if err != nil {
			return err
		}
		var domains []domain
		var found diag.List
		for _, b := range inv.Blocks {
			r := registryOf(inv, b)
			if b.Outer != nil || database != "" && !strings.EqualFold(r.Source.Value, database) {
				continue
			}
			found = append(found, lacking(inv, b, r)...)
			for _, z := range b.Zones {
				if want := ripeName(z); z.Name != want {
					fmt.Fprintf(p.stderr, "left out: zone %s of %s: the RIPE NCC would call it %s\n", z.Name, b.Prefix, want)
					continue
				}
				domains = append(domains, domain{z, r})
			}
		}
		if len(found) > 0 {
			if err := p.printFindings(stream{p.stderr, p.stderrTerminal}, found.Sort()); err != nil {
				return err
			}
			return errFindings
		}
		return printDomains(p.stdout, inv.Source.Defaults.Nameservers, domains)
	})
	return c
}

// A domain is what becomes a "domain" object.
type domain struct {
	*model.Zone
	source.Registry
}

// registryOf returns what holds for b: what it says itself, else what the root file says.
func registryOf(inv *model.Inventory, b *model.Block) source.Registry {
	r, root := b.Registry, inv.Source.Registry
	for _, list := range []struct{ own, root *[]source.Text }{
		{&r.AdminC, &root.AdminC}, {&r.TechC, &root.TechC}, {&r.ZoneC, &root.ZoneC}, {&r.MntBy, &root.MntBy},
	} {
		if len(*list.own) == 0 {
			*list.own = *list.root
		}
	}
	if r.Source = cmp.Or(r.Source, root.Source); r.Source.Value == "" {
		r.Source.Value = "RIPE"
	}
	return r
}

// lacking reports which mandatory attributes are missing in r, which holds for b.
func lacking(inv *model.Inventory, b *model.Block, r source.Registry) (found diag.List) {
	pos := cmp.Or(b.Registry.Pos, inv.Source.Registry.Pos)
	if !pos.IsValid() {
		return diag.List{{
			Pos: diag.Position{File: inv.Source.Root, Line: 1, Column: 1}, Severity: diag.Error, Rule: "missing-key",
			Message: `the root file lacks the key "registry", which domain objects need`,
			Hint:    "add registry: {admin_c: ROLE-RIPE, tech_c: ROLE-RIPE, zone_c: ROLE-RIPE, mnt_by: EXAMPLE-MNT}",
		}}
	}
	for _, attribute := range []struct {
		key  string
		list []source.Text
	}{{"admin_c", r.AdminC}, {"tech_c", r.TechC}, {"zone_c", r.ZoneC}, {"mnt_by", r.MntBy}} {
		if len(attribute.list) == 0 {
			found = append(found, diag.Diagnostic{
				Pos: pos, Severity: diag.Error, Rule: "missing-key",
				Message: fmt.Sprintf("registry lacks the key %q, which domain objects need", attribute.key),
			})
		}
	}
	return found
}

// ripeName returns the name that the RIPE NCC gives the zone of z's prefix: that of a classless one has the range of
// last octets.
func ripeName(z *model.Zone) string {
	if !model.IsClassless(z.Prefix) {
		return arpa.ZoneName(z.Prefix)
	}
	first, last := z.Prefix.Addr().As4()[3], 1<<(32-z.Prefix.Bits())-1
	around := netip.PrefixFrom(z.Prefix.Addr(), 24).Masked()
	return fmt.Sprintf("%d-%d.%s", first, int(first)+last, arpa.ZoneName(around))
}

// printDomains writes objects in the form of RPSL (RFC 2622 section 2), in the database's order of attributes.
func printDomains(w io.Writer, nameservers []source.Name, domains []domain) error {
	b := bufio.NewWriter(w)
	attribute := func(name, value string) { fmt.Fprintf(b, "%-16s%s\n", name+":", strings.TrimSuffix(value, ".")) }
	for i, d := range domains {
		if i > 0 {
			b.WriteByte('\n')
		}
		attribute("domain", d.Name)
		for _, c := range []struct {
			name string
			keys []source.Text
		}{{"admin-c", d.AdminC}, {"tech-c", d.TechC}, {"zone-c", d.ZoneC}} {
			for _, key := range c.keys {
				attribute(c.name, key.Value)
			}
		}
		for _, n := range nameservers {
			attribute("nserver", n.Value)
		}
		for _, ds := range d.DS {
			attribute("ds-rdata", fmt.Sprintf("%d %d %d %X", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest))
		}
		for _, key := range d.MntBy {
			attribute("mnt-by", key.Value)
		}
		attribute("source", d.Source.Value)
	}
	return b.Flush()
}
