package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

var nameNumericTLD = &Rule{
	ID:          "name-numeric-tld",
	Severity:    diag.Error,
	Title:       "no name ends in a number, as addresses do",
	nameservers: true,
	names: func(each eachName, report func(diag.Diagnostic)) {
		each(func(_ netip.Addr, name source.Name) {
			if !endsInNumber(name.Value) {
				return
			}
			report(diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%q ends in the number %q, as an IP address does", name.Value, lastLabel(name.Value)),
				Hint:    "write the name of a host: it ends in a top-level domain, which has letters",
			})
		})
	},
}

// endsInNumber reports whether programs may take name for an IPv4 address: inet_aton reads decimal, octal and
// hexadecimal numbers.
func endsInNumber(name string) bool {
	label := lastLabel(name)
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
