package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/source"
)

var nameReservedLabel = &Rule{
	ID:          "name-reserved-label",
	Severity:    diag.Error,
	Title:       `a label with "--" in the third and fourth place is that of an internationalized name`,
	nameservers: true,
	names: func(each eachName, report func(diag.Diagnostic)) {
		each(func(_ netip.Addr, name source.Name) {
			if !strings.Contains(name.Value, "--") {
				return
			}
			for label := range strings.SplitSeq(name.Value, ".") {
				if len(label) < 4 || label[2:4] != "--" || strings.HasSuffix(label, "-") { // name-not-hostname
					continue
				}
				if _, ok := unicodeLabel(label); ok {
					continue
				}
				d := diag.Diagnostic{
					Pos: name.Pos,
					Message: fmt.Sprintf(`the label %q of %q has "--" in the third and fourth place, which is reserved`,
						label, name.Value),
					Hint: "write it with one hyphen there",
				}
				if strings.HasPrefix(label, "xn--") {
					d.Message = fmt.Sprintf("the label %q of %q cannot be decoded: no internationalized name has it",
						label, name.Value)
					d.Hint = "write the name as people read it: it is converted"
				}
				report(d)
				return
			}
		})
	},
}

// lookupProfile is what gen/source converts names with.
var lookupProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// unicodeLabel returns the U-label of label, false if that is no A-label (RFC 5890 section 2.3.2.1).
func unicodeLabel(label string) (string, bool) {
	if !strings.HasPrefix(label, "xn--") {
		return "", false
	}
	u, err := lookupProfile.ToUnicode(label)
	if err != nil {
		return "", false
	}
	a, err := lookupProfile.ToASCII(u)
	return u, err == nil && a == label
}
