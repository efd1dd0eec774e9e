package snapshot

import "net/netip"

// A Lookup asks for the PTR RRset of an address, and gets it from LookupAll.
type Lookup struct {
	Zone *Zone // one of those of the Reader
	Addr netip.Addr

	Found bool
	Set   RRset

	first, end int // the entries to look at; then first is the one that was found
	touched    byte
}

// LookupAll does what Lookup does, for each in the list. All that takes time in this is to wait for memory, three times
// for each: here, all wait at once. It does not allocate.
func (r *Reader) LookupAll(list []*Lookup) {
	var touched byte // of no use but to have memory read
	for _, l := range list {
		r.narrow(l)
		touched += r.touchAddrs(l.Zone, l.first, l.end)
	}
	for _, l := range list {
		if r.pick(l); l.Found {
			touched += r.touchOffset(l.Zone, l.first)
		}
	}
	for _, l := range list {
		if l.Found {
			touched += r.touchRRset(l.Zone, l.first)
		}
	}
	for _, l := range list {
		if l.touched = touched; l.Found {
			l.Set = r.rrset(l.Zone, l.first)
		}
	}
}

// narrow finds the entries that l has to look at.
func (r *Reader) narrow(l *Lookup) {
	switch {
	case l.Addr.Is4() != l.Zone.is4():
		l.first, l.end = 0, 0
	case l.Addr.Is4():
		l.first, l.end = r.narrow4(l.Zone, key4(l.Addr))
	default:
		l.first, l.end = r.narrow6(l.Zone, key6(l.Addr))
	}
}

// pick looks for the address of l among those entries.
func (r *Reader) pick(l *Lookup) {
	l.Found = false
	if l.Addr.Is4() != l.Zone.is4() {
		return
	}
	if l.Addr.Is4() {
		key := key4(l.Addr)
		l.first += r.before4(l.first, l.end, key)
		l.Found = l.first < l.Zone.found.end && r.addr4(l.first) == key
		return
	}
	key := key6(l.Addr)
	l.first += r.before6(l.first, l.end, key)
	l.Found = l.first < l.Zone.found.end && r.addr6(l.first) == key
}
