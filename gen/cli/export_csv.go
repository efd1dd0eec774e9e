package cli

import (
	"context"
	"encoding/csv"
	"iter"
	"net/netip"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) exportCSV() *cobra.Command {
	var explicit bool
	c := &cobra.Command{
		Use:   "csv [SOURCE|SNAPSHOT]",
		Short: "Write all addresses as a table",
		Long: `export csv writes a line for each address of the source: what it answers with,
its server, that server's product and account, whether it is a primary address
of the server, and the TTL if it is another than that of the zone. An address
with several names has a line for each. revmap import --csv reads the table, and
makes a source that answers the same for these addresses.

The name may also be a default hostname, or one that a fallback makes; with
--explicit only names are written that somebody has set. That is the form to
edit and give to revmap set --from. Prefixes that are routed to servers are not
in the table, nor are addresses that the source does not list.

A snapshot has the addresses with a name of their own, and knows nothing of
servers.`,
		Example: `  revmap export csv > addresses.csv
  revmap export csv --explicit records.snapshot`,
		Args: operands("[SOURCE|SNAPSHOT]"),
	}
	c.Flags().BoolVar(&explicit, "explicit", false, "only the names that somebody has set")
	known := baselineFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		path := operand(args, 0, defaultSource)
		if isSnapshot(path) {
			r, err := openSnapshot(path)
			if err != nil {
				return err
			}
			return p.printTable(c.Context(), stored(r, explicit))
		}
		inv, err := p.loadClean(c.Context(), path, *known, stream{p.stderr, p.stderrTerminal})
		if err != nil {
			return err
		}
		return p.printTable(c.Context(), listed(inv, explicit))
	})
	return c
}

// A tableLine is an address in the table.
type tableLine struct {
	addr                              netip.Addr
	names                             []string
	server, product, account, primary string
	ttl                               string // of the names, if it is not that of the zone
}

// printTable prints the lines with the columns that revmap import knows.
func (p *program) printTable(ctx context.Context, lines iter.Seq[tableLine]) error {
	w := csv.NewWriter(p.stdout)
	if err := w.Write([]string{"address", "name", "server", "product", "account", "primary", "ttl"}); err != nil {
		return err
	}
	for l := range lines {
		if len(l.names) == 0 {
			l.names, l.ttl = []string{""}, ""
		}
		fields := []string{l.addr.String(), "", l.server, l.product, l.account, l.primary, l.ttl}
		for _, fields[1] = range l.names {
			if err := w.Write(fields); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// listed returns the addresses of inv, in order.
func listed(inv *model.Inventory, explicit bool) iter.Seq[tableLine] {
	return func(yield func(tableLine) bool) {
		for i := range inv.Addresses {
			a := &inv.Addresses[i]
			e := inv.Effective(a)
			l := tableLine{addr: a.Addr, names: e.Names, ttl: ownTTL(e.TTL, inv.Source.Defaults.TTL.Value)}
			if explicit && e.Origin != model.Explicit {
				l.names = nil
			}
			if s := a.Server; s != nil {
				l.server, l.product, l.account, l.primary = s.Name.Value, s.Server.Product.Value, s.Server.Account.Value, "no"
				if a.Primary != nil {
					l.primary = "yes"
				}
			}
			if !yield(l) {
				return
			}
		}
	}
}

// stored returns the addresses that have a name of their own in r, in order.
func stored(r *snapshot.Reader, explicit bool) iter.Seq[tableLine] {
	var zones []*snapshot.Zone // by prefix: one that lies inside another follows it
	for i := range r.Zones() {
		if z := &r.Zones()[i]; z.Kind == snapshot.Reverse {
			zones = append(zones, z)
		}
	}
	slices.SortFunc(zones, func(a, b *snapshot.Zone) int { return a.Prefix.Compare(b.Prefix) })
	return func(yield func(tableLine) bool) {
		rest := zones
		var next func() bool // yields the addresses of the first of rest, and of those inside it
		next = func() bool {
			z := rest[0]
			rest = rest[1:]
			for a, set := range r.Entries(z) {
				for len(rest) > 0 && rest[0].Prefix.Addr().Less(a) {
					if !next() {
						return false
					}
				}
				l := tableLine{addr: a, ttl: ownTTL(set.TTL, z.TTL)}
				for i := range set.Len() {
					if !explicit || set.Kind == snapshot.Explicit {
						l.names = append(l.names, set.Name(i))
					}
				}
				if !yield(l) {
					return false
				}
			}
			return true
		}
		for len(rest) > 0 && next() {
		}
	}
}

func ownTTL(ttl, zone uint32) string {
	if ttl == zone {
		return ""
	}
	return strconv.FormatUint(uint64(ttl), 10)
}
