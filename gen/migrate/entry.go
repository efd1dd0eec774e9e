package migrate

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

func (r *Reader) report(pos diag.Position, rule, hint, format string, args ...any) {
	r.findings = append(r.findings, finding(diag.Error, pos, rule, hint, format, args...))
}

// address reads the address of a line.
func (r *Reader) address(s string, pos diag.Position) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		r.report(pos, FindingAddress, "", "%q is not an IP address", s)
	case addr.Is4In6():
		r.report(pos, FindingAddress, "write "+addr.Unmap().String(), "%q is an IPv4 address written as IPv6", s)
	case addr.Zone() != "":
		r.report(pos, FindingAddress, "", "%q is an address on one link only", s)
	default:
		return addr, true
	}
	return netip.Addr{}, false
}

// name reads the name of an address, which is absolute with or without the final dot.
func (r *Reader) name(s string, pos diag.Position) (string, bool) {
	name := hostname.Absolute(s)
	err := hostname.Check(name)
	switch {
	case err != nil:
		r.report(pos, FindingName, "", "%q is no name of a host: %v", s, err)
	case strings.IndexByte(name, '.') == len(name)-1:
		r.report(pos, FindingName, "write it with its domain", "%q is no full name", s)
	default:
		return name, true
	}
	return "", false
}

// add adds an entry that does not contradict those of the same address.
func (r *Reader) add(e Entry) {
	for _, i := range r.byAddr[e.Addr] {
		o := &r.entries[i]
		for _, column := range []struct{ what, one, other string }{
			{"server", e.Server, o.Server}, {"product", e.Product, o.Product}, {"account", e.Account, o.Account},
			{"TTL", seconds(e.TTL), seconds(o.TTL)},
		} {
			if column.one != "" && column.other != "" && column.one != column.other {
				r.report(e.Pos, FindingConflict, "keep one of the two", "%s has another %s, %q",
					e.Addr, column.what, column.other)
				last := &r.findings[len(r.findings)-1]
				last.Related = []diag.Related{{Pos: o.Pos, Message: "there"}}
				return
			}
		}
		if o.Name == e.Name && o.Server == e.Server && o.Product == e.Product && o.Account == e.Account &&
			o.Primary == e.Primary {
			return
		}
	}
	if r.byAddr == nil {
		r.byAddr = make(map[netip.Addr][]int)
	}
	r.byAddr[e.Addr] = append(r.byAddr[e.Addr], len(r.entries))
	r.entries = append(r.entries, e)
}

// seconds returns a TTL as text, "" if there is none.
func seconds(s source.Seconds) string {
	if !s.Pos.IsValid() {
		return ""
	}
	return strconv.FormatUint(uint64(s.Value), 10)
}
