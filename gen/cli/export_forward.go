package cli

import (
	"bufio"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) exportForward() *cobra.Command {
	var zones []string
	c := &cobra.Command{
		Use:   "forward [SOURCE]",
		Short: "Write A and AAAA lines for names that are made here",
		Long: `export forward writes an A or AAAA line for each address that answers with a
default hostname, or would if nobody had named it, and for the fallback names
of IPv4 blocks: for a zone that another server has. With them the names are
forward-confirmed, as mail servers demand. For zones under "forward_zones" it
is not needed: there the server answers the same by itself.

Fallback names of IPv6 blocks are too many for lines, and one that does not
tell its address cannot lead back to it: they are named in a comment and on
stderr.`,
		Example: `  revmap export forward --zone dedicated.example > dedicated.example.hosts`,
		Args:    operands("[SOURCE]"),
	}
	c.Flags().StringArrayVar(&zones, "zone", nil, "only names at or below `NAME`; may be repeated")
	known := baselineFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		for i, z := range zones {
			zones[i] = hostname.Absolute(z)
			if err := hostname.Check(zones[i]); err != nil {
				return fmt.Errorf("--zone is %q: %w", z, err)
			}
		}
		inv, err := p.loadClean(c.Context(), operand(args, 0, defaultSource), *known, stream{p.stderr, p.stderrTerminal})
		if err != nil {
			return err
		}
		return p.printForward(inv, zones)
	})
	return c
}

// printForward prints the lines in canonical order.
func (p *program) printForward(inv *model.Inventory, zones []string) error {
	type line struct {
		name string
		addr netip.Addr
	}
	var lines []line
	add := func(name string, addr netip.Addr) {
		if len(zones) == 0 || slices.ContainsFunc(zones, func(z string) bool { return isBelow(name, z) }) {
			lines = append(lines, line{name, addr})
		}
	}
	for h := range inv.Hosts() {
		for _, a := range h.Addrs {
			add(h.Name, a)
		}
	}
	w := bufio.NewWriter(p.stdout)
	for _, b := range inv.Blocks {
		if b.Fallback == nil {
			continue
		}
		suffix := b.Fallback.Suffix()
		if len(zones) > 0 && !slices.ContainsFunc(zones, func(z string) bool { return isBelow(suffix, z) || isBelow(z, suffix) }) {
			continue
		}
		reason := error(snapshot.ErrEndless)
		if b.Prefix.Addr().Is4() {
			reason = b.Fallback.Invertible(false)
		}
		if reason != nil {
			fmt.Fprintf(w, "; without %s for %s: %v\n", b.Fallback, b.Prefix, reason)
			fmt.Fprintf(p.stderr, "left out: %s for %s: %v\n", b.Fallback, b.Prefix, reason)
			continue
		}
		for a := b.Prefix.Addr(); b.Prefix.Contains(a); a = a.Next() {
			name, err := b.Fallback.Expand(hostname.Values{Addr: a})
			if err != nil {
				return err
			}
			add(name, a)
		}
	}
	slices.SortFunc(lines, func(a, b line) int {
		if c := snapshot.CompareNames(a.name, b.name); c != 0 {
			return c
		}
		return a.addr.Compare(b.addr)
	})
	ttl := inv.Source.Defaults.TTL.Value
	for _, l := range slices.Compact(lines) {
		kind := "A"
		if l.addr.Is6() {
			kind = "AAAA"
		}
		fmt.Fprintf(w, "%s %d %s %s\n", l.name, ttl, kind, l.addr)
	}
	return w.Flush()
}

// isBelow reports whether name is zone or lies below it.
func isBelow(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }
