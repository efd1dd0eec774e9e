package lint

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

var namePlaceholder = &Rule{
	ID:          "name-placeholder",
	Severity:    diag.Error,
	Title:       "no name stands in the place of one, or is known in one network only",
	nameservers: true,
	names: func(each eachName, report func(diag.Diagnostic)) {
		each(func(addr netip.Addr, name source.Name) {
			if domain := specialUse(name.Value); domain != "" && isPublic(addr) {
				report(diag.Diagnostic{
					Pos:     name.Pos,
					Message: fmt.Sprintf("%q is not known on the Internet: %s", name.Value, specialUses[domain]),
					Hint:    "write a name in a domain that the owner of the host has registered",
				})
			}
		})
	},
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		reverseMapNames(inv, func(a *model.Address, name source.Name) {
			if message := placeholder(a, name.Value); message != "" {
				report(diag.Diagnostic{Pos: name.Pos, Message: message, Hint: "write the name of the host, or none"})
			}
		})
	},
}

// placeholder tells why name, which a has, is none. It returns "" if nothing is wrong, or the name is in a domain for
// special use.
func placeholder(a *model.Address, name string) string {
	word, domain, _ := strings.Cut(name, ".")
	var message string
	switch {
	case unset[word] || domain == "" && (nothing[word] || unused[word]):
		message = fmt.Sprintf("%q stands in the place of a name", name)
	case unused[word] && a.Server != nil:
		message = fmt.Sprintf("%q says that %s is not in use, or has no name, but it is server %q's",
			name, a.Addr, a.Server.Name.Value)
	default:
		return ""
	}
	if specialUse(name) != "" {
		return ""
	}
	return message
}

// specialUses tells of domains that are never delegated what they are for instead.
var specialUses = map[string]string{
	"alt":         `"alt" is for names outside of DNS (RFC 9476)`,
	"corp":        `"corp" is what private networks use (RFC 6762 appendix G)`,
	"home":        `"home" is what private networks use (RFC 6762 appendix G)`,
	"home.arpa":   `"home.arpa" is for home networks (RFC 8375)`,
	"internal":    `"internal" is for private networks`,
	"intranet":    `"intranet" is what private networks use (RFC 6762 appendix G)`,
	"invalid":     `"invalid" is for names that do not exist (RFC 6761 section 6.4)`,
	"lan":         `"lan" is what private networks use (RFC 6762 appendix G)`,
	"local":       `"local" is for multicast DNS on one link (RFC 6762)`,
	"localdomain": `"localdomain" stands where a host has no domain`,
	"localhost":   `every host calls itself "localhost" (RFC 6761 section 6.3)`,
	"onion":       `"onion" is for services of Tor (RFC 7686)`,
	"private":     `"private" is what private networks use (RFC 6762 appendix G)`,
	"test":        `"test" is for tests (RFC 6761 section 6.2)`,
}

// specialUse returns the domain in specialUses that name is in, "" if it is in none.
func specialUse(name string) string {
	domain := lastLabel(name)
	if domain == "arpa" && within(name, "home.arpa.") {
		domain = "home.arpa"
	}
	if specialUses[domain] == "" {
		return ""
	}
	return domain
}

// The words below are first labels of names. No host is called one of unset. Those in unused are also put on purpose on
// addresses that nobody has. Those in nothing may be hosts, but are not a whole name.
var (
	unset  = words("changeme change-me fixme localhost placeholder tbd undefined")
	unused = words("no-dns no-dns-yet no-ptr no-rdns no-rdns-configured no-reverse no-reverse-dns " +
		"no-reverse-dns-configured no-reverse-dns-set nodns noptr nordns noreverse not-assigned not-set notset " +
		"unallocated unassigned unset unused")
	nothing = words("default empty false hostname n-a na nan nil no none noname null todo true unknown yes")
)

// words returns the set of the words in list.
func words(list string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}
