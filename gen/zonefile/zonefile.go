// Package zonefile writes the zones of a snapshot as RFC 1035 zone files.
package zonefile

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// Write writes the zone z of g as a name server loads it, in the order of [authority.Generation.Records], with absolute
// owner names, and with a TTL only where it differs from $TTL. The names that a fallback makes are written out; for a
// zone that is endless the error is a [snapshot.ErrEndless] and nothing is written.
func Write(w io.Writer, g *authority.Generation, z *snapshot.Zone) error {
	if err := g.Reader().Endless(z); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "$TTL %d\n", z.TTL)
	writeRecords(b, z, g.Records(z))
	return b.Flush()
}

// Dump writes what the snapshot holds of the zone, in the form of Write. Fallbacks are told in comments.
func Dump(w io.Writer, g *authority.Generation, z *snapshot.Zone) error {
	b := bufio.NewWriter(w)
	for p, template := range g.Fallbacks(z) {
		if z.Kind == snapshot.Forward {
			fmt.Fprintf(b, "; every address of %s: %s\n", p, template)
		} else {
			fmt.Fprintf(b, "; every other address of %s: %s\n", p, template)
		}
	}
	fmt.Fprintf(b, "$TTL %d\n", z.TTL)
	writeRecords(b, z, g.Stored(z))
	return b.Flush()
}

func writeRecords(b *bufio.Writer, z *snapshot.Zone, records iter.Seq[authority.Record]) {
	for r := range records {
		b.WriteString(r.Owner)
		if r.TTL != z.TTL {
			fmt.Fprintf(b, " %d", r.TTL)
		}
		b.WriteByte(' ')
		b.WriteString(Data(r))
		b.WriteByte('\n')
	}
}

// Data returns the type and the RDATA of r in presentation format.
func Data(r authority.Record) string {
	switch r.Type {
	case authority.TypeA:
		return "A " + r.Addr.String()
	case authority.TypeAAAA:
		return "AAAA " + r.Addr.String()
	case authority.TypeNS:
		return "NS " + r.Target
	case authority.TypeCNAME:
		return "CNAME " + r.Target
	case authority.TypeTXT:
		return fmt.Sprintf("TXT %q", r.Text) // as long as it has no characters that the two quote in different ways
	case authority.TypeDS:
		return fmt.Sprintf("DS %d %d %d %X", r.DS.KeyTag, r.DS.Algorithm, r.DS.DigestType, r.DS.Digest)
	case authority.TypeSOA:
		soa := r.SOA.SOA
		return fmt.Sprintf("SOA %s %s %d %d %d %d %d",
			soa.Primary, soa.Contact, r.SOA.Serial, soa.Refresh, soa.Retry, soa.Expire, soa.Minimum)
	}
	return "PTR " + r.Target
}

// FileName returns the name of the file for a zone: the apex without the final dot, with ".zone" at the end, and with
// the slash that RFC 2317 allows in a label as "=", which no name has. NSD and Knot replace what comes after a "%".
func FileName(z *snapshot.Zone) string {
	return strings.ReplaceAll(strings.TrimSuffix(z.Name, "."), "/", "=") + ".zone"
}
