package cli

import (
	"bufio"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) exportParentSnippet() *cobra.Command {
	c := &cobra.Command{
		Use:   "parent-snippet BLOCK [SOURCE]",
		Short: "Write what the parent zone of a block needs",
		Long: `export parent-snippet writes the lines that whoever delegates a block to you
puts into the zone above: the name servers of the block's zones, the DS records
that the block has under "ds" and, for a classless block (RFC 2317), a CNAME for
each of its addresses. All names are absolute, so the lines can stand anywhere
in the file.`,
		Example: `  revmap export parent-snippet 198.51.100.64/26`,
		Args: func(c *cobra.Command, args []string) error {
			if err := operands("BLOCK", "[SOURCE]")(c, args); err != nil {
				return err
			}
			_, err := parsePrefix(args[0])
			return err
		},
	}
	known := baselineFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		prefix, err := parsePrefix(args[0])
		if err != nil {
			return err
		}
		inv, err := p.loadClean(c.Context(), operand(args, 1, defaultSource), *known, stream{p.stderr, p.stderrTerminal})
		if err != nil {
			return err
		}
		b, err := findBlock(inv, prefix)
		if err != nil {
			return err
		}
		return p.printParentSnippet(inv, b)
	})
	return c
}

func parsePrefix(s string) (netip.Prefix, error) {
	x, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return x, fmt.Errorf("BLOCK is %q, want a prefix such as 198.51.100.64/26", s)
	case x != x.Masked():
		return x, fmt.Errorf("BLOCK is %q, want it without bits beyond its length: %s", s, x.Masked())
	}
	return x, nil
}

// findBlock returns the block with the given prefix.
func findBlock(inv *model.Inventory, prefix netip.Prefix) (*model.Block, error) {
	var names []string
	for _, b := range inv.Blocks {
		if b.Prefix.Prefix == prefix {
			return b, nil
		}
		names = append(names, b.Prefix.String())
	}
	err := fmt.Errorf("the source has no block %s", prefix)
	if b := inv.BlockOf(prefix.Addr()); b != nil {
		return nil, withHint(err, "it lies in the block %s", b.Prefix)
	}
	if near := source.Nearest(prefix.String(), names); near != "" {
		return nil, withHint(err, "did you mean %s?", near)
	}
	return nil, withHint(err, "blocks are listed under \"blocks\"")
}

func (p *program) printParentSnippet(inv *model.Inventory, b *model.Block) error {
	w := bufio.NewWriter(p.stdout)
	fmt.Fprintf(w, "; Delegation of %s\n", b.Prefix)
	for _, z := range b.Zones {
		for _, ns := range inv.Source.Defaults.Nameservers {
			fmt.Fprintf(w, "%s NS %s\n", z.Name, ns.Value)
		}
		for _, ds := range z.DS {
			fmt.Fprintf(w, "%s DS %d %d %d %X\n", z.Name, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
		}
		child := snapshot.Zone{Kind: snapshot.Reverse, Name: z.Name, Prefix: z.Prefix}
		if !child.Classless() {
			continue
		}
		fmt.Fprintf(w, "; The addresses of %s (RFC 2317)\n", z.Prefix)
		for a := z.Prefix.Addr(); z.Prefix.Contains(a); a = a.Next() {
			fmt.Fprintf(w, "%s CNAME %s\n", arpa.Name(a), child.Owner(a))
		}
	}
	return w.Flush()
}
