package cli

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) inspect() *cobra.Command {
	var dump bool
	c := &cobra.Command{
		Use:   "inspect SNAPSHOT",
		Short: "Show what is in a snapshot",
		Long: `inspect verifies a snapshot and shows where it comes from and which zones it
has. Entries are the addresses that have a name of their own: a reverse map
name (explicit) or a default hostname. Names made from a fallback are not
entries. Hosts are the names in forward zones, without those of fallbacks.

With --dump it prints the entries instead, as the text of a zone file for each
zone; a fallback is a comment in it. See revmap help export zonefile for zone
files that a name server can load.`,
		Example: `  revmap inspect records.snapshot
  revmap inspect --dump records.snapshot | grep mail`,
		Args: operands("SNAPSHOT"),
	}
	format := formatFlag(c)
	c.Flags().BoolVar(&dump, "dump", false, "print the entries as zone text")
	c.MarkFlagsMutuallyExclusive("dump", "format")
	c.RunE = work(func(_ *cobra.Command, args []string) error {
		r, err := openSnapshot(args[0])
		switch {
		case err != nil:
			return err
		case dump:
			return p.dump(r)
		case *format == "json":
			return p.writeJSON(inspectionOf(r))
		}
		return p.printInspection(inspectionOf(r))
	})
	return c
}

// dump prints all zones, with an empty line between them.
func (p *program) dump(r *snapshot.Reader) error {
	g, err := authority.New(r)
	if err != nil {
		return err
	}
	for i := range r.Zones() {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := zonefile.Dump(p.stdout, g, &r.Zones()[i]); err != nil {
			return err
		}
	}
	return nil
}

// An inspection is the JSON form of what inspect shows.
type inspection struct {
	Format   string          `json:"format"` // major.minor
	ID       string          `json:"id"`
	Commit   string          `json:"commit,omitempty"`
	Size     int             `json:"size"` // bytes
	Entries  int             `json:"entries"`
	Explicit int             `json:"explicit"`
	Default  int             `json:"default"`
	Hosts    int             `json:"hosts"`
	Zones    []inspectedZone `json:"zones"`
}

type inspectedZone struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"` // reverse, forward or catalog
	Prefix      string `json:"prefix,omitempty"`
	Serial      uint32 `json:"serial"`
	Entries     int    `json:"entries"`
	Delegations int    `json:"delegations,omitempty"`
	Hosts       int    `json:"hosts,omitempty"`
	Fallback    string `json:"fallback,omitempty"`
}

func inspectionOf(r *snapshot.Reader) *inspection {
	n := &inspection{
		Format: formatVersion(r), ID: r.ID(), Commit: r.Commit(), Size: r.Size(), Entries: r.Len(), Hosts: r.HostCount(),
		Zones: make([]inspectedZone, len(r.Zones())),
	}
	for i := range r.Zones() {
		z := &r.Zones()[i]
		n.Zones[i] = inspectedZone{
			Name: z.Name, Kind: z.Kind.String(), Serial: z.Serial, Entries: z.Len(), Delegations: len(z.Delegations),
			Hosts: z.HostLen(), Fallback: z.Fallback,
		}
		if z.Kind == snapshot.Reverse {
			n.Zones[i].Prefix = z.Prefix.String()
		}
		for _, set := range r.Entries(z) {
			if set.Kind == snapshot.Explicit {
				n.Explicit++
			} else {
				n.Default++
			}
		}
	}
	return n
}

func formatVersion(r *snapshot.Reader) string {
	major, minor := r.Version()
	return fmt.Sprintf("%d.%d", major, minor)
}

func (p *program) printInspection(n *inspection) error {
	commit := n.Commit
	if commit == "" {
		commit = "unknown"
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "format\t%s\n", n.Format)
	fmt.Fprintf(w, "id\t%s\n", n.ID)
	fmt.Fprintf(w, "commit\t%s\n", commit)
	fmt.Fprintf(w, "size\t%s\n", plural(n.Size, "byte"))
	fmt.Fprintf(w, "entries\t%s: %s explicit, %s default\n",
		report.Number(n.Entries), report.Number(n.Explicit), report.Number(n.Default))
	if n.Hosts > 0 {
		fmt.Fprintf(w, "hosts\t%s\n", report.Number(n.Hosts))
	}
	if err := w.Flush(); err != nil || len(n.Zones) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nZONE\tKIND\tPREFIX\tSERIAL\tENTRIES\tDELEGATIONS\tHOSTS\tFALLBACK")
	for _, z := range n.Zones {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", z.Name, z.Kind, cmp.Or(z.Prefix, "-"), z.Serial, z.Entries,
			z.Delegations, z.Hosts, cmp.Or(z.Fallback, "-"))
	}
	return w.Flush()
}
