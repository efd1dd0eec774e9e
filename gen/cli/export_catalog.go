package cli

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) exportCatalog() *cobra.Command {
	c := &cobra.Command{
		Use:   "catalog [SOURCE|SNAPSHOT]",
		Short: "Write the catalog zone",
		Long: `export catalog writes the catalog zone (RFC 9432) as a zone file: the list of
all other zones that can be transferred, by which name servers add and drop them
by themselves. The argument is a snapshot, or a source, which is checked and
compiled as for export zonefile. The source names the zone under "catalog".`,
		Example: `  revmap export catalog records.snapshot > catalog.example.net.zone`,
		Args:    operands("[SOURCE|SNAPSHOT]"),
	}
	known := baselineFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		r, err := p.snapshotOf(c.Context(), operand(args, 0, defaultSource), *known)
		if err != nil {
			return err
		}
		catalog, err := catalogOf(r)
		if err != nil {
			return err
		}
		g, err := authority.New(r)
		if err != nil {
			return err
		}
		return zonefile.Write(p.stdout, g, catalog)
	})
	return c
}

// catalogOf returns the catalog zone of r.
func catalogOf(r *snapshot.Reader) (*snapshot.Zone, error) {
	i := slices.IndexFunc(r.Zones(), func(z snapshot.Zone) bool { return z.Kind == snapshot.Catalog })
	if i < 0 {
		return nil, withHint(errors.New("there is no catalog zone"),
			`give it a name in the source: "catalog: catalog.example.net"`)
	}
	return &r.Zones()[i], nil
}
