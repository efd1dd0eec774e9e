package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/zonefile"
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
entries.

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
	for i := range r.Zones() {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := zonefile.Dump(p.stdout, r, &r.Zones()[i]); err != nil {
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
	Zones    []inspectedZone `json:"zones"`
}

type inspectedZone struct {
	Name     string `json:"name"`
	Prefix   string `json:"prefix"`
	Serial   uint32 `json:"serial"`
	Entries  int    `json:"entries"`
	Fallback string `json:"fallback,omitempty"`
}

func inspectionOf(r *snapshot.Reader) *inspection {
	n := &inspection{
		Format: formatVersion(r), ID: r.ID(), Commit: r.Commit(), Size: r.Size(), Entries: r.Len(),
		Zones: make([]inspectedZone, len(r.Zones())),
	}
	for i := range r.Zones() {
		z := &r.Zones()[i]
		n.Zones[i] = inspectedZone{z.Name, z.Prefix.String(), z.Serial, z.Len(), z.Fallback}
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
	fmt.Fprintf(w, "entries\t%s: %s explicit, %s default\n", grouped(n.Entries), grouped(n.Explicit), grouped(n.Default))
	if err := w.Flush(); err != nil || len(n.Zones) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nZONE\tPREFIX\tSERIAL\tENTRIES\tFALLBACK")
	for _, z := range n.Zones {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t", z.Name, z.Prefix, z.Serial, z.Entries)
		if z.Fallback == "" {
			fmt.Fprintln(w, "-")
		} else {
			fmt.Fprintln(w, z.Fallback)
		}
	}
	return w.Flush()
}
