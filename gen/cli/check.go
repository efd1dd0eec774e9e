package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/report"
)

// A checkCommand is what the flags of check say.
type checkCommand struct {
	*program
	source, since string
	known         *string // a baseline file, "" for none
	all           bool
	failOn        diag.Severity
	options       check.Options
	bar           progressBar
	found         checked             // kept for JSON only
	count         [diag.Error + 1]int // findings by severity
}

// checked is what check found, in its JSON form.
type checked struct {
	ZonesChecked     int              `json:"zones_checked"`
	AddressesChecked int              `json:"addresses_checked"`
	Zones            []*check.Zone    `json:"zones"`
	Addresses        []checkedAddress `json:"addresses"`
}

// A checkedAddress also has its place in the source.
type checkedAddress struct {
	*check.Address
	place
}

func (p *program) check() *cobra.Command { return (&checkCommand{program: p}).command() }

func (k *checkCommand) command() *cobra.Command {
	c := &cobra.Command{
		Use:   "check {IP... | --all | --changed-since REV}",
		Short: "Ask the world whether it sees what the source says",
		Long: `check asks real servers and compares what they say with the source. For each
address: the PTR, at each name server of its zone and through the resolver;
whether its name leads back to it; whether the name's domain exists; and for
servers with a "helo", what the mail server at port 25 says. For each of our
zones that has one of the addresses or their names: how the parent delegates it,
and whether each name server answers with authority and the same serial.
Findings are described in docs/checks.md.

With --all, it checks all addresses of the source and all zones, and prints
only what has findings; otherwise it prints every address. --changed-since
checks the addresses whose names differ between a Git revision of the source
and the working tree.

The exit status is 1 if there is an error. Warnings and notes are printed, but
do not count, unless --fail-on says so. If the resolver does not answer, or does
not resolve, nothing is checked.`,
		Example: `  revmap check 192.0.2.10 2001:db8:0:1::25
  revmap check --changed-since HEAD^ --smtp
  revmap check --all --rate 200 --format json`,
		DisableFlagsInUseLine: true,
	}
	f := c.Flags()
	f.StringVar(&k.source, "source", defaultSource, "root `FILE` of the source")
	f.BoolVar(&k.all, "all", false, "check all addresses of the source, and all zones")
	f.StringVar(&k.since, "changed-since", "",
		"check the addresses whose names differ from those of the Git revision `REV`")
	f.Var((*resolverValue)(&k.options.Resolver), "resolver", "resolver to ask (default the first of /etc/resolv.conf)")
	f.DurationVar(&k.options.Timeout, "timeout", 3*time.Second, "how long to wait for an answer")
	f.IntVar(&k.options.Retries, "retries", 2, "how often to ask again without an answer")
	f.IntVar(&k.options.Parallel, "parallel", 16, "how many addresses to check at a time")
	f.Float64Var(&k.options.Rate, "rate", 500, "most DNS questions per second, 0 for no limit")
	f.BoolVar(&k.options.SMTP, "smtp", false, `ask port 25 of all addresses, not only of servers with "helo"`)
	k.known = baselineFlag(c)
	format := formatFlag(c)
	failOn := choice(c, "fail-on", "the least severity that makes the exit status 1",
		diag.Error.String(), diag.Warning.String(), diag.Note.String())
	c.Args = k.args
	c.RunE = work(func(c *cobra.Command, args []string) error {
		k.failOn, _ = diag.ParseSeverity(*failOn)
		return k.run(c.Context(), args, *format == "json")
	})
	return c
}

// args checks the arguments, with the flags.
func (k *checkCommand) args(_ *cobra.Command, args []string) error {
	ways := 0
	for _, given := range []bool{len(args) > 0, k.all, k.since != ""} {
		if given {
			ways++
		}
	}
	o := &k.options
	switch {
	case ways == 0:
		return errors.New("IP is missing, or --all, or --changed-since")
	case ways > 1:
		return errors.New("want only one of IP, --all and --changed-since")
	case o.Timeout <= 0:
		return fmt.Errorf("--timeout is %s, want more than 0s", o.Timeout)
	case o.Retries < 0:
		return fmt.Errorf("--retries is %d, want 0 or more", o.Retries)
	case o.Parallel < 1:
		return fmt.Errorf("--parallel is %d, want 1 or more", o.Parallel)
	case !(o.Rate >= 0): // not a number, too
		return fmt.Errorf("--rate is %v, want 0 or more", o.Rate)
	}
	_, err := parseAddrs(args)
	return err
}

func parseAddrs(args []string) (addrs []netip.Addr, err error) {
	for _, arg := range args {
		a, err := parseAddr(arg)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// A resolverValue is the pflag.Value of --resolver.
type resolverValue netip.AddrPort

func (v *resolverValue) Type() string { return "ADDRESS[:PORT]" }

func (v *resolverValue) String() string {
	if a := netip.AddrPort(*v); a.IsValid() {
		return a.String()
	}
	return ""
}

func (v *resolverValue) Set(s string) error {
	if a, err := netip.ParseAddr(s); err == nil {
		*v = resolverValue(netip.AddrPortFrom(a, 53))
		return nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return errors.New("want an IP address, or one with a port as in 192.0.2.53:5353 or [2001:db8::53]:5353")
	}
	*v = resolverValue(a)
	return nil
}

func (k *checkCommand) run(ctx context.Context, args []string, json bool) error {
	inv, found, err := load(ctx, k.source)
	if err != nil {
		return err
	}
	if found, _, err = k.withoutKnown(found, k.source, *k.known); err != nil {
		return err
	}
	if n := found.Count(diag.Error); n > 0 {
		return withHint(fmt.Errorf("%s has %s", k.source, plural(n, "error")), "revmap lint %s shows them", k.source)
	}
	addrs, err := k.addrs(ctx, inv, args)
	if err != nil {
		return err
	}
	o := k.options
	if !o.Resolver.IsValid() {
		if o.Resolver, err = check.SystemResolver(); err != nil {
			return withHint(fmt.Errorf("find a resolver: %w", err), "name one with --resolver")
		}
	}
	k.bar = progressBar{w: k.stderr, on: k.stderrTerminal}
	o.Progress = k.bar.show
	o.Zone, o.Address = k.printZone, k.printAddress
	if json {
		o.Zone, o.Address = k.keepZone, k.keepAddress
		k.found.Zones, k.found.Addresses = []*check.Zone{}, []checkedAddress{} // [], not null
	}
	err = check.Run(ctx, inv, addrs, o)
	k.bar.hide()
	if err == nil && json {
		err = k.writeJSON(k.found)
	}
	if err != nil {
		return err
	}
	k.printSummary()
	for s := k.failOn; s <= diag.Error; s++ {
		if k.count[s] > 0 {
			return errFindings
		}
	}
	return nil
}

// printSummary tells on a terminal how much was checked and found.
func (k *checkCommand) printSummary() {
	if !k.stderrTerminal {
		return
	}
	_ = k.stdout.Flush() // first; Main sees an error
	text := plural(k.found.ZonesChecked, "zone") + " and " + plural(k.found.AddressesChecked, "IP") + " checked"
	for _, s := range []diag.Severity{diag.Error, diag.Warning, diag.Note} {
		if n := k.count[s]; n > 0 {
			text += ", " + plural(n, s.String())
		}
	}
	fmt.Fprintln(k.stderr, text)
}

// addrs returns the addresses to check, nil for all.
func (k *checkCommand) addrs(ctx context.Context, inv *model.Inventory, args []string) ([]netip.Addr, error) {
	switch {
	case k.all:
		return nil, nil
	case k.since != "":
		return check.ChangedSince(ctx, inv, k.since)
	}
	return parseAddrs(args)
}

// sawZone and sawAddress count.

func (k *checkCommand) sawZone(z *check.Zone) {
	k.found.ZonesChecked++
	k.sawFindings(z.Findings)
}

func (k *checkCommand) sawAddress(a *check.Address) {
	k.found.AddressesChecked++
	k.sawFindings(a.Findings)
}

func (k *checkCommand) sawFindings(findings []check.Finding) {
	for _, f := range findings {
		k.count[f.Severity]++
	}
}

// keepZone and keepAddress keep what is written as JSON. With --all, memory grows with the findings only.

func (k *checkCommand) keepZone(z *check.Zone) {
	k.sawZone(z)
	if !k.all || len(z.Findings) > 0 {
		k.found.Zones = append(k.found.Zones, z)
	}
}

func (k *checkCommand) keepAddress(a *check.Address) {
	k.sawAddress(a)
	if !k.all || len(a.Findings) > 0 {
		k.found.Addresses = append(k.found.Addresses, checkedAddress{a, place(a.Pos)})
	}
}

func (k *checkCommand) printZone(z *check.Zone) {
	k.sawZone(z)
	k.print(z.Name, diag.Position{}, z.Findings, "")
}

func (k *checkCommand) printAddress(a *check.Address) {
	k.sawAddress(a)
	ok := ""
	if !k.all {
		names := strings.Join(a.Names(), " ")
		switch {
		case names == "":
			ok = "no name"
		case a.Others:
			ok = names + ", by others"
		default:
			ok = names
		}
	}
	k.print(a.Addr.String(), a.Pos, a.Findings, ok)
}

// print prints findings in the form of those of lint, with the place in the source as a note, or else what is ok unless
// that is empty.
func (k *checkCommand) print(subject string, pos diag.Position, findings []check.Finding, ok string) {
	var l diag.List
	for _, f := range findings {
		d := diag.Diagnostic{
			Pos: diag.Position{File: subject}, Severity: f.Severity, Rule: f.ID, Message: f.Message, Hint: f.Hint,
		}
		if pos.IsValid() {
			d.Related = []diag.Related{{Pos: pos, Message: "the source has it here"}}
		}
		l = append(l, d)
	}
	// Whether stdout takes what is written is seen by Main, which flushes it.
	switch {
	case len(l) > 0:
		k.bar.hide()
		_ = report.Text(k.stdout, l, report.Options{Color: colored(k.stdoutTerminal)})
	case ok != "":
		k.bar.hide()
		fmt.Fprintf(k.stdout, "%s: ok: %s\n", subject, ok)
	}
	if k.stdoutTerminal {
		_ = k.stdout.Flush() // whoever looks on sees it now
	}
}

// A progressBar shows on a terminal how much is done.
type progressBar struct {
	w     io.Writer
	on    bool
	drawn time.Time // zero if it is not shown
}

const (
	barWidth  = 30                     // cells
	barPeriod = 100 * time.Millisecond // between two drawings
	clearLine = "\r\x1b[K"
)

// show draws the bar, unless it was drawn just before.
func (b *progressBar) show(done, total int) {
	if !b.on || done < total && time.Since(b.drawn) < barPeriod {
		return
	}
	b.drawn = time.Now()
	full := barWidth * done / max(1, total)
	fmt.Fprintf(b.w, "%s[%s%s] %s of %s", clearLine, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full),
		report.Number(done), report.Number(total))
}

func (b *progressBar) hide() {
	if !b.drawn.IsZero() {
		fmt.Fprint(b.w, clearLine)
		b.drawn = time.Time{}
	}
}
