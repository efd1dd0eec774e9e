package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/hostname"
)

// maxClassless is the size of the longest apex of a classless zone: an owner has up to four more bytes, and must be a
// name too.
const maxClassless = maxName - len("255.")

// catalogNS is the name server of a catalog zone (RFC 9432 section 4).
const catalogNS = "invalid."

// checkZone returns an error that says which field of z breaks a rule of the format.
func checkZone(z *Zone) error {
	if err := hostname.Check(z.Name); err != nil {
		return fmt.Errorf("apex %q: %w", z.Name, err)
	}
	names := []struct{ what, name string }{{"SOA primary", z.SOA.Primary}, {"SOA contact", z.SOA.Contact}}
	for _, n := range names {
		if err := hostname.Check(n.name); err != nil {
			return fmt.Errorf("%s %q of %s: %w", n.what, n.name, z.Name, err)
		}
	}
	times := []struct {
		what    string
		seconds uint32
	}{
		{"TTL", z.TTL}, {"SOA refresh", z.SOA.Refresh}, {"SOA retry", z.SOA.Retry},
		{"SOA expire", z.SOA.Expire}, {"SOA minimum", z.SOA.Minimum},
	}
	for _, t := range times {
		if t.seconds > MaxTTL {
			return fmt.Errorf("%s %d of %s: more than %d seconds", t.what, t.seconds, z.Name, MaxTTL)
		}
	}
	if err := checkNames(z.NS); err != nil {
		return fmt.Errorf("name servers of %s: %w", z.Name, err)
	}
	if err := checkKind(z); err != nil {
		return fmt.Errorf("zone %s: %w", z.Name, err)
	}
	return nil
}

// checkKind checks what depends on the kind of the zone.
func checkKind(z *Zone) error {
	switch z.Kind {
	case Reverse:
		if err := checkPrefix(z); err != nil {
			return fmt.Errorf("prefix %v: %w", z.Prefix, err)
		}
		if err := checkFallback(z); err != nil {
			return fmt.Errorf("fallback %q: %w", z.Fallback, err)
		}
		return checkDelegations(z)
	case Forward, Catalog:
		switch {
		case z.Prefix.IsValid() || z.Fallback != "" || len(z.Delegations) > 0:
			return fmt.Errorf("a %v zone has no prefix, fallback or delegations", z.Kind)
		case z.Kind == Catalog && !slices.Equal(z.NS, []string{catalogNS}):
			return fmt.Errorf("the name server of a catalog is %s", catalogNS)
		}
		return nil
	}
	return fmt.Errorf("unknown kind %d", z.Kind)
}

func checkPrefix(z *Zone) error {
	p := z.Prefix
	switch bits := p.Bits(); {
	case !p.IsValid():
		return errors.New("not a prefix")
	case p.Addr().Is4In6():
		return errors.New("IPv4-mapped")
	case p != p.Masked():
		return errors.New("bits are set after the prefix length")
	case z.is4() && bits > 24:
		if z.Classless() && len(z.Name) > maxClassless {
			return fmt.Errorf("the apex of a classless zone has more than %d bytes", maxClassless)
		}
		return nil
	case z.is4() && bits%8 != 0:
		return errors.New("does not end at an octet")
	case !z.is4() && bits%4 != 0:
		return errors.New("does not end at a nibble")
	}
	if name := arpa.ZoneName(p); z.Name != name {
		return fmt.Errorf("its apex is %s", name)
	}
	return nil
}

func checkFallback(z *Zone) error {
	if z.Fallback == "" {
		return nil
	}
	if len(z.Fallback) > math.MaxUint16 {
		return errors.New("longer than 65535 bytes")
	}
	t, err := hostname.Parse(z.Fallback)
	if err != nil {
		return err
	}
	if s := t.String(); s != z.Fallback {
		return fmt.Errorf("not canonical, which is %q", s)
	}
	for _, p := range t.Placeholders() {
		switch p {
		case "a", "b", "c", "d", "ip", "rev":
		default:
			return fmt.Errorf("{%s} is not known from the address", p)
		}
	}
	// The last address has the largest value in every octet, so no other address of the prefix gives a longer name.
	_, err = t.Expand(hostname.Values{Addr: arpa.Last(z.Prefix)})
	return err
}

// checkDelegations checks the delegations of a zone whose other fields are checked.
func checkDelegations(z *Zone) error {
	aliases := false // is there a zone cut whose name is not that of its prefix
	for i := range z.Delegations {
		d := &z.Delegations[i]
		if err := checkPart(z, d.Prefix); err != nil {
			return fmt.Errorf("delegation of %v: %w", d.Prefix, err)
		}
		if i > 0 {
			switch before := z.Delegations[i-1].Prefix; {
			case before.Overlaps(d.Prefix):
				return fmt.Errorf("delegation of %v: overlaps that of %v", d.Prefix, before)
			case d.Prefix.Addr().Less(before.Addr()):
				return fmt.Errorf("delegation of %v after that of %v: not in order", d.Prefix, before)
			}
		}
		alias := z.IsAlias(d)
		if err := checkChild(z, d, alias); err != nil {
			return fmt.Errorf("delegation of %v: %w", d.Prefix, err)
		}
		aliases = aliases || alias && len(d.NS) > 0
	}
	if aliases { // else no cut can lie in another, because the prefixes don't
		return checkCuts(z)
	}
	return nil
}

// checkPart checks that z can delegate p.
func checkPart(z *Zone, p netip.Prefix) error {
	switch {
	case !p.IsValid():
		return errors.New("not a prefix")
	case p.Addr().Is4In6():
		return errors.New("IPv4-mapped")
	case p != p.Masked():
		return errors.New("bits are set after the prefix length")
	case p.Bits() <= z.Prefix.Bits() || !z.Prefix.Contains(p.Addr()):
		return fmt.Errorf("not a part of %v", z.Prefix)
	}
	return nil
}

// checkChild checks what d says about the child.
func checkChild(z *Zone, d *Delegation, alias bool) error {
	if err := hostname.Check(d.Name); err != nil {
		return fmt.Errorf("child %q: %w", d.Name, err)
	}
	if alias {
		if err := checkAlias(z, d); err != nil {
			return err
		}
	}
	switch below := isBelow(d.Name, z.Name); {
	case below && len(d.NS) == 0:
		return fmt.Errorf("no name servers, although %s lies below the zone", d.Name)
	case !below && len(d.NS)+len(d.DS)+len(d.Glue) > 0:
		return fmt.Errorf("name servers, DS or glue, although %s does not lie below the zone", d.Name)
	case !below:
		return nil
	}
	if err := checkNames(d.NS); err != nil {
		return fmt.Errorf("name servers: %w", err)
	}
	if len(d.DS) > math.MaxUint8 || len(d.Glue) > math.MaxUint8 {
		return fmt.Errorf("%d DS and %d addresses of glue, at most 255 of each fit", len(d.DS), len(d.Glue))
	}
	for i, ds := range d.DS {
		if len(ds.Digest) == 0 || len(ds.Digest) > math.MaxUint8 {
			return fmt.Errorf("DS with a digest of %d bytes", len(ds.Digest))
		}
		if i > 0 && d.DS[i-1].compare(ds) >= 0 {
			return errors.New("DS are not in order")
		}
	}
	for i, g := range d.Glue {
		switch {
		case !slices.Contains(d.NS, g.Name):
			return fmt.Errorf("glue for %q, which is no name server of the child", g.Name)
		case g.Name != d.Name && !isBelow(g.Name, d.Name):
			return fmt.Errorf("glue for %s, which does not lie in the child", g.Name)
		case !plain(g.Addr):
			return fmt.Errorf("glue for %s: %v is %w", g.Name, g.Addr, errNotPlain)
		case i > 0 && d.Glue[i-1].compare(g) >= 0:
			return errors.New("glue is not in order")
		}
	}
	return nil
}

// checkAlias checks what an alias must be. Its targets are no reverse names, so that an alias never leads to another.
func checkAlias(z *Zone, d *Delegation) error {
	switch p := d.Prefix; {
	case z.Classless():
		return fmt.Errorf("the child is %s, and a classless zone has no aliases", d.Name)
	case !p.Addr().Is4() || p.Bits() <= 24:
		return fmt.Errorf("the child is %s, and only IPv4 prefixes of more than 24 bits have aliases", d.Name)
	case len(d.Name) > maxClassless:
		return fmt.Errorf("the apex of a classless zone has more than %d bytes", maxClassless)
	}
	if p, form := arpa.Parse(d.Name); form == arpa.Partial || form == arpa.Complete {
		return fmt.Errorf("the child is %s, the name of %v", d.Name, p)
	}
	return nil
}

// checkCuts checks that no two cuts of z have the same name and that none lies below another one. Only the name of an
// alias may, because the others are those of disjoint prefixes.
func checkCuts(z *Zone) error {
	cuts := make(map[string]*Delegation)
	for i := range z.Delegations {
		if d := &z.Delegations[i]; len(d.NS) > 0 {
			if other := cuts[d.Name]; other != nil {
				return fmt.Errorf("delegation of %v: the child is %s, as that of %v", d.Prefix, d.Name, other.Prefix)
			}
			cuts[d.Name] = d
		}
	}
	for i := range z.Delegations {
		d := &z.Delegations[i]
		for _, name, _ := strings.Cut(d.Name, "."); isBelow(name, z.Name); _, name, _ = strings.Cut(name, ".") {
			if outer := cuts[name]; outer != nil {
				return fmt.Errorf("delegation of %v: the child is %s, which lies in that of %v", d.Prefix, d.Name, outer.Prefix)
			}
		}
	}
	return nil
}

// checkNames checks a list of 1 to 255 ascending names.
func checkNames(names []string) error {
	if len(names) == 0 {
		return errors.New("there is none")
	}
	if len(names) > math.MaxUint8 {
		return fmt.Errorf("%d names, at most 255 fit", len(names))
	}
	for i, n := range names {
		if err := hostname.Check(n); err != nil {
			return fmt.Errorf("%q: %w", n, err)
		}
		if i > 0 && n <= names[i-1] {
			return fmt.Errorf("%q after %q: not in order", n, names[i-1])
		}
	}
	return nil
}

// errNotPlain says that an address cannot be in a snapshot.
var errNotPlain = errors.New("not a plain IPv4 or IPv6 address")

// plain reports whether a is an IPv4 or IPv6 address, not IPv4-mapped and without an IPv6 zone.
func plain(a netip.Addr) bool { return a.IsValid() && !a.Is4In6() && a.Zone() == "" }

// byAddress returns pointers to the reverse zones, IPv4 before IPv6, ordered by prefix, a zone before those inside
// it. It finds the zone around each, and checks that this one delegates it.
func byAddress(zones []Zone) ([]*Zone, error) {
	var s []*Zone
	for i := range zones {
		if zones[i].Kind == Reverse {
			s = append(s, &zones[i])
		}
	}
	slices.SortFunc(s, func(a, b *Zone) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	var outer *Zone
	for _, z := range s {
		for outer != nil && !outer.Prefix.Contains(z.Prefix.Addr()) {
			outer = outer.found.outer
		}
		if outer != nil {
			if d := outer.Delegation(z.Prefix.Addr()); d == nil || d.Prefix.Bits() > z.Prefix.Bits() {
				return nil, fmt.Errorf("prefix %v of %s lies in %v of %s, which does not delegate it",
					z.Prefix, z.Name, outer.Prefix, outer.Name)
			}
		}
		z.found.outer = outer
		outer = z
	}
	return s, nil
}

// checkEntry checks that a has a zone, which does not delegate it. The zones are those that begin at or before a,
// ordered as by byAddress.
func checkEntry(begun []*Zone, a netip.Addr) error {
	var z *Zone
	if len(begun) > 0 {
		z = begun[len(begun)-1]
	}
	for ; z != nil; z = z.found.outer {
		if !z.Prefix.Contains(a) {
			continue
		}
		if d := z.Delegation(a); d != nil {
			return fmt.Errorf("lies in %v, which zone %s delegates", d.Prefix, z.Name)
		}
		return nil
	}
	return errors.New("lies in no zone")
}

// checkZones checks what zones must keep between them that byAddress does not, and finds those that are endless.
func checkZones(zones []Zone) error {
	byName := make(map[string]*Zone, len(zones))
	var catalog *Zone
	for i := range zones {
		z := &zones[i]
		byName[z.Name] = z
		if z.Kind == Catalog {
			if catalog != nil {
				return fmt.Errorf("two catalogs, %s and %s", catalog.Name, z.Name)
			}
			catalog = z
		}
	}
	for i := range zones {
		z := &zones[i]
		_, parent, _ := strings.Cut(z.Name, ".")
		if outer := closest(byName, parent); outer != nil && !delegates(outer, z) {
			return fmt.Errorf("zone %s lies in %s, which does not delegate it", z.Name, outer.Name)
		}
		if z.Fallback != "" {
			if err := checkForward(byName, z); err != nil {
				return fmt.Errorf("fallback %q of %s: %w", z.Fallback, z.Name, err)
			}
		}
	}
	return nil
}

// closest returns the zone with the longest name that name is or lies below, nil if there is none.
func closest(zones map[string]*Zone, name string) *Zone {
	for ; name != ""; _, name, _ = strings.Cut(name, ".") {
		if z := zones[name]; z != nil {
			return z
		}
	}
	return nil
}

// delegates reports whether outer has a zone cut at or above the apex of inner, which lies below that of outer.
func delegates(outer, inner *Zone) bool {
	d := outer.Delegation(inner.Prefix.Addr())
	return d != nil && len(d.NS) > 0 && (inner.Name == d.Name || isBelow(inner.Name, d.Name))
}

// checkForward checks that a forward zone can answer for the fallback of z, if its names are in one.
func checkForward(zones map[string]*Zone, z *Zone) error {
	t, err := hostname.Parse(z.Fallback)
	if err != nil {
		return err // not reached: checkFallback has parsed it
	}
	forward := closest(zones, t.Suffix())
	if forward != nil && forward.Kind == Forward {
		if err := t.Invertible(!z.is4()); err != nil {
			return fmt.Errorf("zone %s cannot answer for its names: %w", forward.Name, err)
		}
	}
	if !z.is4() {
		z.found.endless = z
		if forward != nil && forward.Kind == Forward {
			forward.found.endless = z
		}
	}
	return nil
}

// isBelow reports whether name lies below apex.
func isBelow(name, apex string) bool {
	n := len(name) - len(apex)
	return n > 0 && name[n-1] == '.' && name[n:] == apex
}
