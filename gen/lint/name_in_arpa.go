package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

var nameInArpa = &Rule{
	ID:       "name-in-arpa",
	Severity: diag.Error,
	Title:    "no name is one of an address itself, below in-addr.arpa or ip6.arpa",
	names: func(each eachName, report func(diag.Diagnostic)) {
		each(func(_ netip.Addr, name source.Name) {
			if !inArpa(name.Value) {
				return
			}
			hint := "write the name of a host"
			if host := beforeArpa(name.Value); host != "" {
				hint = fmt.Sprintf("write %q, if this comes from a zone file in which the name had no final dot", host)
			}
			report(diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%q is in the reverse tree, where no host has its name", name.Value),
				Hint:    hint,
			})
		})
	},
}

// inArpa reports whether name lies in the reverse tree.
func inArpa(name string) bool {
	return strings.HasSuffix(name, ".arpa.") && (within(name, "in-addr.arpa.") || within(name, "ip6.arpa."))
}

// beforeArpa returns what stands in name, which lies in the reverse tree, before the name of a reverse zone: that of a
// host, which was taken for one relative to the zone. It returns "" if nothing there looks like the name of a host.
func beforeArpa(name string) string {
	host, v6 := strings.CutSuffix(name, "ip6.arpa.")
	host = strings.TrimSuffix(strings.TrimSuffix(host, "in-addr.arpa."), ".")
	for {
		i := strings.LastIndexByte(host, '.')
		label := host[i+1:]
		if v6 && len(label) != 1 || !v6 && (strings.Trim(label, "0123456789-") != "" || label == "") {
			break
		}
		if i < 0 {
			return ""
		}
		host = host[:i]
	}
	if !strings.Contains(host, ".") {
		return ""
	}
	return host + "."
}
