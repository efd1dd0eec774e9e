package diff

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/gen/model"
)

// The ids of effects. "Error for a mail server" means one whose source says "helo", for its primary addresses and those
// that answer with that name; it is a warning for all others.
const (
	ptrDisappears       = "ptr-disappears"            // no name any more; error for a mail server
	answeredByOthers    = "answered-by-others"        // a delegation takes it; warning if it had a name, else note
	answeredByUs        = "answered-by-us"            // no delegation any more; warning if it has no name now, else note
	noLongerConfirmed   = "no-longer-confirmed"       // its name led back to it, and does not now; error for a mail server
	notConfirmed        = "not-confirmed"             // a new name does not lead back to it; error for a mail server
	confirmationUnknown = "confirmation-unknown"      // its name led back to it; of the new one that is not known; note
	nowConfirmed        = "now-confirmed"             // its name did not lead back to it, and does now; note
	nowLooksGenerated   = "now-looks-generated"       // a mail filter takes its name for a generated one; warning
	noLongerGenerated   = "no-longer-looks-generated" // no mail filter does any more; note
	noLongerHELO        = "no-longer-helo"            // its name was what its server calls itself; error for a mail server
	severalNames        = "several-names"             // receivers take one of them by chance, or none; warning
	fallbackTakesOver   = "fallback-takes-over"       // in place of a name of its own; warning
	defaultTakesOver    = "default-takes-over"        // in place of a reverse map name; note
	slowToChange        = "slow-to-change"            // resolvers may keep what it answered for more than a day; note
)

// day is that of slowToChange, in seconds.
const day = 24 * 60 * 60

// effects are those of one change.
type effects []Effect

func (e *effects) add(id string, s diag.Severity, format string, args ...any) {
	*e = append(*e, Effect{id, s, fmt.Sprintf(format, args...)})
}

// effects returns what receivers of mail will see of a change of an address, the worst first.
func (c *comparison) effects(addr netip.Addr, old, new *State) []Effect {
	var e effects
	bad := diag.Warning
	if old.sendsMail() || new.sendsMail() {
		bad = diag.Error
	}
	was, is := strings.Join(old.Names, " "), strings.Join(new.Names, " ")
	taken := new.Delegation.IsValid() && !old.Delegation.IsValid()
	back := old.Delegation.IsValid() && !new.Delegation.IsValid()
	switch {
	case taken && was != "":
		e.add(answeredByOthers, diag.Warning, "the name servers of %s answer for it, and %s is for them to know",
			new.Delegation, was)
	case taken:
		e.add(answeredByOthers, diag.Note, "the name servers of %s answer for it", new.Delegation)
	case back && is == "":
		e.add(answeredByUs, diag.Warning, "it loses the name that the name servers of %s gave it, if any", old.Delegation)
	case back:
		e.add(answeredByUs, diag.Note, "it answers %s, whatever the name servers of %s gave it", is, old.Delegation)
	case was != "" && is == "":
		e.add(ptrDisappears, bad, "it has no name any more, and many receivers refuse mail from such addresses")
	}
	if was != is {
		e.addNames(old, new, was)
	}
	if is != "" {
		c.addConfirmation(&e, addr, old, new, bad)
		helo := new.HELO
		if helo == "" && new.Server == old.Server {
			helo = old.HELO // that the source is silent now does not silence the server
		}
		if slices.Contains(old.Names, old.HELO) && helo != "" && !slices.Contains(new.Names, helo) {
			e.add(noLongerHELO, bad, "its server calls itself %s, but its name is %s now", helo, is)
		}
	}
	slices.SortStableFunc(e, func(a, b Effect) int { return cmp.Compare(b.Severity, a.Severity) })
	return e
}

// sendsMail reports whether the source says that mail comes from the address.
func (s *State) sendsMail() bool {
	return s.HELO != "" && (s.Primary || slices.Contains(s.Names, s.HELO))
}

// addNames adds the effects of other names, which were was.
func (e *effects) addNames(old, new *State, was string) {
	if was != "" && old.TTL > day {
		e.add(slowToChange, diag.Note, "resolvers may answer %s for %d more hours", was, old.TTL/3600)
	}
	switch {
	case old.Origin == model.Explicit && new.Origin == model.Default:
		e.add(defaultTakesOver, diag.Note, "its server's default hostname takes the place of %s", was)
	case old.named() && new.Origin == model.Fallback:
		e.add(fallbackTakesOver, diag.Warning, "the fallback of %s takes the place of %s", new.Block, was)
	}
	if len(new.Names) > 1 && len(old.Names) <= 1 {
		e.add(severalNames, diag.Warning, "it has %d names: receivers look at any of them, or at none", len(new.Names))
	}
	before, _ := generated(old)
	switch after, m := generated(new); {
	case after != "" && before == "":
		e.add(nowLooksGenerated, diag.Warning, "%s looks generated: %s fires on %q and costs %s",
			after, m.Filter, m.Part, m.Cost)
	case after == "" && before != "" && len(new.Names) > 0:
		e.add(noLongerGenerated, diag.Note, "no mail filter takes its name for a generated one any more")
	}
}

// generated returns the first name that a mail filter takes for a generated one, and the filter; "" if none does.
func generated(s *State) (string, generic.Match) {
	for _, name := range s.Names {
		if m := generic.PTR(name); len(m) > 0 {
			return name, m[0]
		}
	}
	return "", generic.Match{}
}

// addConfirmation adds what becomes of the name that leads back to the address.
func (c *comparison) addConfirmation(e *effects, addr netip.Addr, old, new *State, bad diag.Severity) {
	before, after := confirms(c.old, old, addr), confirms(c.new, new, addr)
	was, is := strings.Join(old.Names, " "), strings.Join(new.Names, " ")
	switch {
	case before == confirmed && after == unconfirmed && was == is:
		e.add(noLongerConfirmed, bad, "%s does not lead back to it any more", is)
	case before == confirmed && after == unconfirmed:
		e.add(noLongerConfirmed, bad, "%s does not lead back to it, as %s did", is, was)
	case before == confirmed && after == unknown && was != is:
		e.add(confirmationUnknown, diag.Note, "%s led back to it; whether %s does is not known here", was, is)
	case before == unconfirmed && after == confirmed:
		e.add(nowConfirmed, diag.Note, "%s leads back to it", is)
	case before == unknown && after == unconfirmed && was != is:
		e.add(notConfirmed, bad, "%s does not lead back to it", is)
	}
}
