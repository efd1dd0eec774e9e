package migrate

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// The ids of the findings of Compare.
const (
	// FindingZoneDiffers: the SOA record or the name servers of a zone, or the TTL of its records other than PTR, are not
	// those of the defaults, which all zones of a source have.
	FindingZoneDiffers = "import-zone-differs"
	// FindingLost: a record of the zones, or a whole zone, is not in the source.
	FindingLost = "import-record-lost"
	// FindingAdded: the source gives a zone records that it did not have.
	FindingAdded = "import-record-added"
)

// Compare compares the zones of d, record by record, with those that a source gives, compiled. The names of Entries do
// not count, nor do serials, which it returns by the names of the zones that are in both: those of d, one more where
// the zone differs. The findings are sorted: of severity Error for what is lost or different, Warning for what is new.
func Compare(d *Data, g *authority.Generation) (serials map[string]uint32, findings diag.List) {
	var c comparison
	serials = make(map[string]uint32)
	for i := range d.Zones {
		z, before := &d.Zones[i], len(c.findings)
		c.zone(d, z, g)
		if g.Zone(z.Name) == nil {
			continue
		}
		serials[z.Name] = z.SOA.Serial
		if len(c.findings) > before {
			serials[z.Name] = max(z.SOA.Serial+1, 1) // RFC 1982
		}
	}
	return serials, c.findings.Sort()
}

type comparison struct{ findings diag.List }

func (c *comparison) report(severity diag.Severity, pos diag.Position, rule, format string, args ...any) {
	c.findings = append(c.findings, diag.Diagnostic{
		Pos: pos, Severity: severity, Rule: rule, Message: fmt.Sprintf(format, args...),
	})
}

func (c *comparison) zone(d *Data, z *Zone, g *authority.Generation) {
	now := g.Zone(z.Name)
	if now == nil || now.Prefix != z.Prefix {
		c.report(diag.Error, z.Pos, FindingLost, "the zone %q, for %s, cannot be in the source beside the others",
			z.Name, z.Prefix)
		return
	}
	c.apex(z, now)
	// TTLs by owner, type and data.
	have := make(map[string]uint32)
	for r := range g.Records(now) {
		if r.Type != authority.TypeSOA && (r.Type != authority.TypeNS || r.Owner != z.Name) {
			have[r.Owner+" "+zonefile.Data(r)] = r.TTL
		}
	}
	retimed := make(map[string]bool) // types and TTLs that have a finding
	for r, pos := range z.records(now) {
		key := r.Owner + " " + zonefile.Data(r)
		ttl, ok := have[key]
		delete(have, key)
		kind, _, _ := strings.Cut(zonefile.Data(r), " ")
		switch {
		case !ok:
			c.report(diag.Error, pos, FindingLost, "the record cannot be in the source: %s", key)
		case ttl != r.TTL && !retimed[fmt.Sprint(kind, r.TTL)]:
			retimed[fmt.Sprint(kind, r.TTL)] = true
			c.report(diag.Error, pos, FindingZoneDiffers, "%s records of the zone %q have the TTL %d, in the source %d",
				kind, z.Name, r.TTL, ttl)
		}
	}
	for _, e := range d.Entries {
		if e.Name != "" && now.Prefix.Contains(e.Addr) {
			delete(have, now.Owner(e.Addr)+" PTR "+e.Name)
		}
	}
	if len(have) > 0 {
		added := make([]string, 0, len(have))
		for key := range have {
			added = append(added, key)
		}
		c.report(diag.Warning, z.Pos, FindingAdded,
			"the source gives the zone %q records that it did not have: %d, such as %s", z.Name, len(added), slices.Min(added))
	}
}

// apex compares the records at the apex.
func (c *comparison) apex(z *Zone, now *snapshot.Zone) {
	was, is := z.SOA, now.SOA
	var diffs []string
	text := func(what, was, is string) {
		if was != is {
			diffs = append(diffs, fmt.Sprintf("%s %s (%s)", what, was, is))
		}
	}
	number := func(what string, was, is uint32) { text(what, fmt.Sprint(was), fmt.Sprint(is)) }
	text("primary", was.Primary, is.Primary)
	text("contact", was.Contact, is.Contact)
	number("refresh", was.Refresh, is.Refresh)
	number("retry", was.Retry, is.Retry)
	number("expire", was.Expire, is.Expire)
	number("minimum", was.Minimum, is.Minimum)
	number("TTL", was.TTL, now.TTL)
	if len(diffs) > 0 {
		c.report(diag.Error, was.Pos, FindingZoneDiffers,
			"the SOA record of the zone %q differs from the defaults of the source: %s", z.Name, strings.Join(diffs, ", "))
	}
	diffs = nil
	text("names", strings.Join(nameserverNames(z.NS), " "), strings.Join(now.NS, " "))
	if len(z.NS) > 0 {
		number("TTL", z.NSTTL, now.TTL)
	}
	if len(diffs) > 0 {
		pos := z.Pos
		if len(z.NS) > 0 {
			pos = z.NS[0].Pos
		}
		c.report(diag.Error, pos, FindingZoneDiffers,
			"the name servers of the zone %q differ from the defaults of the source: %s", z.Name, strings.Join(diffs, ", "))
	}
}

// records returns the records of z, without those at its apex, and where they are. Now has its owner names.
func (z *Zone) records(now *snapshot.Zone) iter.Seq2[authority.Record, diag.Position] {
	return func(yield func(authority.Record, diag.Position) bool) {
		for _, p := range z.PTRs {
			r := authority.Record{Owner: now.Owner(p.Addr), Type: authority.TypePTR, TTL: p.TTL, Target: p.Name}
			if !yield(r, p.Pos) {
				return
			}
		}
		for _, a := range z.Aliases {
			r := authority.Record{Owner: now.Owner(a.Addr), Type: authority.TypeCNAME, TTL: a.TTL, Target: a.Target}
			if !yield(r, a.Pos) {
				return
			}
		}
		for i := range z.Cuts {
			for _, r := range z.Cuts[i].records() {
				if !yield(r.Record, r.pos) {
					return
				}
			}
		}
	}
}

// A placedRecord is a record and where it is.
type placedRecord struct {
	authority.Record
	pos diag.Position
}

// records returns the records of a delegation.
func (c *Cut) records() (list []placedRecord) {
	for _, n := range c.NS {
		r := authority.Record{Owner: c.Owner, Type: authority.TypeNS, TTL: c.TTL, Target: n.Value}
		list = append(list, placedRecord{r, n.Pos})
	}
	for _, d := range c.DS {
		ds := snapshot.DS{KeyTag: d.KeyTag, Algorithm: d.Algorithm, DigestType: d.DigestType, Digest: string(d.Digest)}
		r := authority.Record{Owner: c.Owner, Type: authority.TypeDS, TTL: c.DSTTL, DS: ds}
		list = append(list, placedRecord{r, d.Pos})
	}
	for _, g := range c.Glue {
		for _, a := range g.Addrs {
			r := authority.Record{Owner: g.Name.Value, Type: authority.TypeA, TTL: c.GlueTTL, Addr: a.Addr}
			if a.Is6() {
				r.Type = authority.TypeAAAA
			}
			list = append(list, placedRecord{r, a.Pos})
		}
	}
	return list
}
