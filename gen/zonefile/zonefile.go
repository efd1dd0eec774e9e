// Package zonefile writes the zones of a snapshot as RFC 1035 zone files.
package zonefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

// ErrEndless is returned for a zone that names every address of an IPv6 block: no file can list them.
var ErrEndless = errors.New("the IPv6 fallback names more addresses than a zone file can list")

// Check returns ErrEndless, with the zone's name, if Write cannot write z.
func Check(z *snapshot.Zone) error {
	if z.Fallback != "" && z.Prefix.Addr().Is6() {
		return fmt.Errorf("zone %s: %w", z.Name, ErrEndless)
	}
	return nil
}

// Write writes the zone z of r as a name server loads it: the apex first, then the addresses in numeric order, all with
// absolute owner names, and with a TTL only where it differs from $TTL. The names that a fallback makes are written out;
// a zone with an IPv6 fallback gives ErrEndless and nothing is written.
func Write(w io.Writer, r *snapshot.Reader, z *snapshot.Zone) error {
	if z.Fallback == "" {
		return Dump(w, r, z)
	}
	if err := Check(z); err != nil {
		return err
	}
	t, err := hostname.Parse(z.Fallback)
	if err != nil {
		return fmt.Errorf("zone %s: fallback: %w", z.Name, err)
	}
	b := bufio.NewWriter(w)
	writeApex(b, z)
	for a := z.Prefix.Addr(); z.Prefix.Contains(a); a = a.Next() {
		if set, ok := r.Lookup(z, a); ok {
			writePTR(b, z, a, set)
			continue
		}
		target, err := t.Expand(hostname.Values{Addr: a})
		if err != nil {
			return fmt.Errorf("zone %s: fallback for %s: %w", z.Name, a, err)
		}
		fmt.Fprintf(b, "%s PTR %s\n", z.Owner(a), target)
	}
	return b.Flush()
}

// Dump writes what the snapshot holds of the zone, in the form of Write. A fallback is told in a comment.
func Dump(w io.Writer, r *snapshot.Reader, z *snapshot.Zone) error {
	b := bufio.NewWriter(w)
	writeApex(b, z)
	if z.Fallback != "" {
		fmt.Fprintf(b, "; every other address of %s: %s\n", z.Prefix, z.Fallback)
	}
	for a, set := range r.Entries(z) {
		writePTR(b, z, a, set)
	}
	return b.Flush()
}

func writeApex(b *bufio.Writer, z *snapshot.Zone) {
	fmt.Fprintf(b, "$TTL %d\n%s SOA %s %s %d %d %d %d %d\n", z.TTL, z.Name,
		z.SOA.Primary, z.SOA.Contact, z.Serial, z.SOA.Refresh, z.SOA.Retry, z.SOA.Expire, z.SOA.Minimum)
	for _, ns := range z.NS {
		fmt.Fprintf(b, "%s NS %s\n", z.Name, ns)
	}
}

func writePTR(b *bufio.Writer, z *snapshot.Zone, a netip.Addr, set snapshot.RRset) {
	for i := range set.Len() {
		b.WriteString(z.Owner(a))
		if set.TTL != z.TTL {
			fmt.Fprintf(b, " %d", set.TTL)
		}
		b.WriteString(" PTR ")
		b.WriteString(set.Name(i))
		b.WriteByte('\n')
	}
}

// FileName returns the name of the file for a zone: the apex without the final dot, with ".zone" at the end, and with the
// slash that RFC 2317 allows in a label as "%2F".
func FileName(z *snapshot.Zone) string {
	return strings.ReplaceAll(strings.TrimSuffix(z.Name, "."), "/", "%2F") + ".zone"
}
