package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

var nameTLDUnknown = &Rule{
	ID:          "name-tld-unknown",
	Severity:    diag.Warning,
	Title:       "names are in top-level domains that exist",
	nameservers: true,
	names: func(each eachName, report func(diag.Diagnostic)) {
		known := make(map[string]bool)
		each(func(addr netip.Addr, name source.Name) {
			tld := lastLabel(name.Value)
			ok, asked := known[tld]
			if !asked {
				ok = isTLD(tld)
				known[strings.Clone(tld)] = ok
			}
			if ok || tld == "example" || endsInNumber(name.Value) || specialUse(name.Value) != "" || !isPublic(addr) {
				return
			}
			d := diag.Diagnostic{
				Pos:     name.Pos,
				Message: fmt.Sprintf("%q is in no domain that exists: there is no top-level domain %q", name.Value, tld),
			}
			if likely := slip(tld); likely != "" {
				d.Hint = fmt.Sprintf("write %q", strings.TrimSuffix(name.Value, tld+".")+likely+".")
			}
			if len(name.Value) == len(tld)+1 {
				if nothing[tld] || unset[tld] || unused[tld] {
					return // name-placeholder
				}
				d.Message = fmt.Sprintf("%q has no domain", name.Value)
				d.Hint = "write the whole name of the host"
			}
			report(d)
		})
	},
}

// isTLD reports whether tld is a top-level domain: whether it is in the ICANN section of the public suffix list.
func isTLD(tld string) bool {
	_, icann := publicsuffix.PublicSuffix("-." + tld) // some have suffixes below them only
	return icann
}

// slip returns the top-level domain that tld probably stands for: one slip of the finger away; "" if there is none.
func slip(tld string) string {
	for _, likely := range []string{"com", "net", "org", "edu", "gov", "info", "example"} {
		if isSlip(tld, likely) {
			return likely
		}
	}
	return ""
}

// isSlip reports whether a differs from b by a character that is missing, added or wrong, or by two that are swapped.
func isSlip(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a)+len(b) <= 1 || len(a) == 1 && len(b) == 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
