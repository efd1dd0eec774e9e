package check

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/internal/hostname"
)

var (
	mailHeloOther = &Kind{"mail-helo-other", diag.Warning, `The mail server says another name than "helo" in the source`}
	mailNameAlias = &Kind{"mail-name-alias", diag.Warning,
		"The mail server says an alias of the PTR, or the other way round"}
	mailNameGeneric = &Kind{"mail-name-generic", diag.Warning,
		"A mail filter takes the mail server's name for a generated one"}
	mailNameInvalid = &Kind{"mail-name-invalid", diag.Warning, "The mail server does not say the name of a host"}
	mailNameOther   = &Kind{"mail-name-other", diag.Warning, "The mail server says another name than the PTR"}
	mailUnanswered  = &Kind{"mail-unanswered", diag.Warning, "Port 25 gives no greeting"}
	mailUnchecked   = &Kind{"mail-unchecked", diag.Note, "Port 25 cannot be reached from here"}
)

const (
	smtpPort = 25
	// smtpPatience is how long a mail server may take from its banner to the end. Some wait for 6 s (postscreen) and
	// longer before the banner, since spammers don't.
	smtpPatience = 30 * time.Second
	// smtpMost is how much a mail server may say, in bytes. It needs a few hundred. Each line may have 4096, the buffer
	// of bufio; it needs 512 (RFC 5321 section 4.5.3.1.5).
	smtpMost = 16 << 10
)

// A Greeting is what a mail server says of itself, in its own spelling. A word is empty if it is missing, and anything
// without spaces otherwise.
type Greeting struct {
	Banner   string `json:"banner"`   // first word of the banner, which should be its name (RFC 5321 section 4.2)
	EHLO     string `json:"ehlo"`     // first word of the reply to EHLO, which should be its name (section 4.1.1.1)
	STARTTLS bool   `json:"starttls"` // it offers encryption (RFC 3207)
}

// greet connects to addr, reads the banner, says EHLO and QUIT. It takes at most the two times, that until it is
// connected and that from then on, and ends with ctx. The error is that of ctx.
func greet(ctx context.Context, addr netip.AddrPort, connect, talk time.Duration) (g Greeting, why problem, err error) {
	if !addr.IsValid() {
		return g, noRoute, nil
	}
	d := net.Dialer{Timeout: connect}
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if ctx.Err() != nil {
		return g, "", ctx.Err()
	}
	if err != nil {
		return g, problemOf(err), nil
	}
	defer conn.Close()
	talkCtx, cancel := context.WithTimeout(ctx, talk)
	defer cancel()
	defer context.AfterFunc(talkCtx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // wakes those who wait
	g, why = converse(conn)
	return g, why, ctx.Err()
}

// replyLine is how each line of a reply begins (RFC 5321 section 4.2).
var replyLine = regexp.MustCompile(`^[0-9]{3}([ -]|$)`)

// converse talks to the mail server at the other end of conn.
func converse(conn net.Conn) (g Greeting, why problem) {
	limited := &io.LimitedReader{R: conn, N: smtpMost}
	r := bufio.NewReader(limited)
	// reply returns the lines of a reply without the code (RFC 5321 section 4.2), nil if it is not the one to expect.
	reply := func(to, code string) (lines []string) {
		for {
			read, err := r.ReadSlice('\n')
			line := strings.TrimRight(string(read), "\r\n")
			switch {
			case limited.N <= 0, errors.Is(err, bufio.ErrBufferFull):
				why = problem(to + " is too long")
			case errors.Is(err, io.EOF):
				why = problem(to + " is missing: the connection is closed")
			case err != nil:
				why = problem(fmt.Sprintf("%s is missing: %s", to, problemOf(err)))
			case !replyLine.MatchString(line):
				why = problem(fmt.Sprintf("%s is not one of SMTP: %.200q", to, line))
			case line[:3] != code:
				why = problem(fmt.Sprintf("%s is %.200q", to, line))
			}
			if why != "" {
				return nil
			}
			lines = append(lines, line[min(4, len(line)):])
			if line[3:] == "" || line[3] == ' ' {
				return lines
			}
		}
	}
	lines := reply("the banner", "220")
	if why != "" {
		return Greeting{}, why
	}
	g.Banner = firstWord(lines[0])
	// What we are called does not matter to anybody: an address literal is always true (RFC 5321 section 4.1.3).
	fmt.Fprintf(conn, "EHLO %s\r\n", literal(conn.LocalAddr())) // if it fails, there is no reply
	lines = reply("the reply to EHLO", "250")
	if why != "" {
		return Greeting{}, why
	}
	g.EHLO = firstWord(lines[0])
	g.STARTTLS = slices.ContainsFunc(lines[1:], func(line string) bool {
		return strings.EqualFold(firstWord(line), "STARTTLS")
	})
	// The reply to QUIT has to be waited for (RFC 5321 section 4.1.1.10), but what it says is of no interest.
	fmt.Fprint(conn, "QUIT\r\n")
	reply("", "221")
	return g, ""
}

func firstWord(line string) string {
	if words := strings.Fields(line); len(words) > 0 {
		return words[0]
	}
	return ""
}

// literal returns the address of our end as an address literal (RFC 5321 section 4.1.3).
func literal(local net.Addr) string {
	a := local.(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
	if a.Is6() {
		return fmt.Sprintf("[IPv6:%s]", a)
	}
	return fmt.Sprintf("[%s]", a)
}

// checkMail compares what the mail server at the address says with the names of the address, and with helo, what the
// source declares, "" if nothing. Then there need not be a mail server.
func (a *addressCheck) checkMail(ctx context.Context, addr netip.AddrPort, helo string) error {
	g, why, err := greet(ctx, addr, a.c.timeout, smtpPatience)
	switch {
	case err != nil:
		return err
	case why == "":
		a.Mail = &g
	case helo == "":
		return nil
	case why == noRoute:
		a.add(mailUnchecked, "", "port 25 cannot be reached: %s", why)
		return nil
	default:
		a.add(mailUnanswered,
			"see whether port 25 is blocked on the way, as in many networks, or not for this client; "+
				"a server that only sends cannot be checked",
			"port 25 gives no greeting: %s", why)
		return nil
	}
	primary := make(map[string]string)
	for _, f := range a.Forward {
		if n := len(f.Aliases); n > 0 {
			primary[f.Name] = f.Aliases[n-1]
		}
	}
	for _, s := range saidBy(g) {
		if s.invalid != "" || slices.Contains(a.Names(), s.name) {
			continue
		}
		l, err := a.c.resolve(ctx, s.name, addressType(a.Addr))
		if err != nil {
			return err
		}
		if len(l.aliases) > 0 {
			primary[s.name] = l.last(s.name)
		}
	}
	a.Findings = append(a.Findings, mailFindings(a.Names(), helo, g, primary)...)
	return nil
}

// A said is a name that a mail server said.
type said struct {
	word    string // in its own spelling
	name    string // absolute, in lower case
	where   string // that it said so
	invalid string // why it is not the name of a host; "" if it is one
}

// saidBy returns what a mail server said, that which matters more first. That is the reply to EHLO: most servers say
// the same name when they send mail themselves.
func saidBy(g Greeting) []said {
	ehlo := said{g.EHLO, hostname.Absolute(g.EHLO), "in reply to EHLO", invalid(g.EHLO)}
	banner := said{g.Banner, hostname.Absolute(g.Banner), "in its banner", invalid(g.Banner)}
	if ehlo.name == banner.name {
		ehlo.where = "in its banner and in reply to EHLO"
		return []said{ehlo}
	}
	return []said{ehlo, banner}
}

// invalid tells why a word cannot be the name that a mail server has (RFC 5321 section 2.3.5); it returns "" if it can.
func invalid(word string) string {
	name := hostname.Absolute(word)
	_, notAddr := netip.ParseAddr(word)
	last := name[strings.LastIndexByte(name[:len(name)-1], '.')+1:]
	switch {
	case word == "":
		return "it is missing"
	case notAddr == nil:
		return "it is an address"
	case strings.HasPrefix(word, "["):
		return "an address literal is for hosts that have no name"
	case hostname.Check(name) != nil:
		return hostname.Check(name).Error()
	case last == "localhost.", last == "localdomain.":
		return "every host has that name"
	case last == name:
		return "the name has no dot"
	}
	return ""
}

// mailFindings tells what is wrong with a greeting. Names are those of the address, and helo is what the source
// declares; primary has what is at the end of the chain for those names that are aliases.
func mailFindings(names []string, helo string, g Greeting, primary map[string]string) (found []Finding) {
	for _, s := range saidBy(g) {
		switch {
		case s.invalid != "":
			hint := ""
			if should := cmp.Or(plain(helo), plain(names...)); should != "" {
				hint = "let it say " + should
			}
			found = append(found, mailNameInvalid.finding(hint, "the mail server says %.100q %s: %s",
				s.word, s.where, s.invalid))
		case len(names) > 0 && !slices.Contains(names, s.name):
			found = append(found, s.differs(names, primary))
		case helo != "" && helo != s.name:
			found = append(found, mailHeloOther.finding("", "the mail server says %s %s, and the source has helo: %s",
				s.name, s.where, helo))
		}
	}
	if invalid(g.EHLO) == "" {
		for _, m := range generic.HELO(g.EHLO) {
			found = append(found, mailNameGeneric.finding(m.Fix,
				"%s takes %s, which the mail server says, for a generated name, because of %q: %s",
				m.Filter, hostname.Absolute(g.EHLO), m.Part, m.Cost))
		}
	}
	return found
}

// plain returns a choice of names as mail servers are configured with them, without the final dot.
func plain(names ...string) string {
	text := strings.Join(names, " or ")
	return strings.TrimSuffix(strings.ReplaceAll(text, ". or ", " or "), ".")
}

// differs tells that s is none of names, of which there is at least one.
func (s said) differs(names []string, primary map[string]string) Finding {
	says := fmt.Sprintf("the mail server says %s %s", s.name, s.where)
	const (
		noAliasSaid = "a mail server says the primary name of its host (RFC 5321 section 2.3.5)"
		noAliasPTR  = "a PTR has the primary name of its host (RFC 1034 section 3.6.2)"
	)
	for _, name := range names {
		target, alias := primary[s.name]
		switch {
		case alias && target == name:
			return mailNameAlias.finding(fmt.Sprintf("let it say %s: %s", plain(name), noAliasSaid),
				"%s, which is an alias of the PTR's name %s", says, name)
		case primary[name] == s.name:
			return mailNameAlias.finding(fmt.Sprintf("let the PTR have the name %s: %s", plain(s.name), noAliasPTR),
				"%s, and the PTR's name %s is an alias of that", says, name)
		case alias && primary[name] == target:
			return mailNameAlias.finding(
				fmt.Sprintf("use %s for both: %s, and so does a mail server", plain(target), noAliasPTR),
				"%s, and the PTR has the name %s: both are aliases of %s", says, name, target)
		}
	}
	return mailNameOther.finding(
		fmt.Sprintf("let it say %s, or let the PTR have the name %s", plain(names...), plain(s.name)),
		"%s, and the PTR has the name %s", says, list(names))
}
