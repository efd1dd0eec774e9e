package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/migrate"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/hostname"
)

// An importCommand is what the flags of import say.
type importCommand struct {
	*program
	output, snapshot              string
	infer, lenient, force         bool
	axfr, tsigFile                string
	tables, hosts                 []string
	blocks, products, nameservers []string
	contact                       string
	options                       migrate.Options
}

func (p *program) importFrom() *cobra.Command {
	m := &importCommand{program: p}
	c := &cobra.Command{
		Use:   "import -o SOURCE {[ZONE=]FILE... | --axfr SERVER ZONE...} [--csv FILE] [--hosts FILE]",
		Short: "Make a source out of zone files, zones of a name server, tables",
		Long: `import makes a source of what you have today. Zone files may hold all that BIND
reads. Where neither $ORIGIN nor the name of a file tells the zone, ZONE=FILE
does. Reverse zones become blocks, with their delegations; the SOA record, the
name servers and the TTL that most of them have become the defaults; addresses
with one name become a server. Forward zone files tell which of its addresses
are primary. Tables ("address,name[,server,product,account,primary,ttl]") tell
servers and products; alone, they need --nameserver and --contact.

With --infer, import also proposes products: domains that many names lie in,
such as "{server}.dc1.example.net"; and fallbacks, where the names of a zone are
made of its addresses.

The source is compiled in memory and compared with the zones, record by record.
Whatever is not as it was is printed with its line, and if anything is lost,
nothing is written and the exit status is 1, unless --lenient is given. Rules of
revmap lint that names break which are there already become warnings. Findings
are described in docs/import.md.

Serials begin at the time of the source. --snapshot writes a snapshot that has
those of the zones instead, which revmap compile goes on from.`,
		Example: `  revmap import -o records.yaml --infer --snapshot records.snapshot zones/*.zone
  revmap import -o records.yaml 2.0.192.in-addr.arpa=/etc/bind/db.192.0.2
  revmap import -o records.yaml --axfr ns1.example.net --tsig-file key 2.0.192.in-addr.arpa
  revmap import -o records.yaml --csv servers.csv --nameserver ns1.example.net --contact hostmaster@example.net`,
		Args:                  m.check,
		DisableFlagsInUseLine: true,
	}
	flags := c.Flags()
	flags.StringVarP(&m.output, "output", "o", "", "write the source to `FILE`")
	flags.BoolVar(&m.force, "force", false, "replace the output file")
	flags.BoolVar(&m.infer, "infer", false, "propose products and fallbacks")
	flags.BoolVar(&m.lenient, "lenient", false, "leave out what a source cannot say")
	flags.StringVar(&m.snapshot, "snapshot", "", "write a snapshot with the serials of the zones to `FILE`, too")
	flags.StringVar(&m.axfr, "axfr", "", "transfer the zones from `SERVER`, a name or address with or without a port")
	flags.StringVar(&m.tsigFile, "tsig-file", "", "sign transfers by the key in `FILE`, NAME:ALGORITHM:SECRET")
	flags.StringArrayVar(&m.tables, "csv", nil, "read a table from the CSV `FILE`, - for stdin (may be repeated)")
	flags.StringArrayVar(&m.hosts, "hosts", nil, "read a hosts `FILE`, - for stdin (may be repeated)")
	flags.StringArrayVar(&m.blocks, "block", nil, "`PREFIX` of a block that addresses of tables lie in (may be repeated)")
	flags.StringArrayVar(&m.products, "product", nil, "`NAME=TEMPLATE` of a product (may be repeated)")
	flags.StringArrayVar(&m.nameservers, "nameserver", nil, "`NAME` of a name server without a zone (may be repeated)")
	flags.StringVar(&m.contact, "contact", "", "`MAILBOX` of the hostmaster without a zone")
	require(c, "output")
	c.RunE = work(func(c *cobra.Command, args []string) error { return m.run(c.Context(), args, c.InOrStdin()) })
	return c
}

// check reads the flags.
func (m *importCommand) check(_ *cobra.Command, args []string) error {
	m.options.Infer = m.infer
	switch {
	case len(args)+len(m.tables)+len(m.hosts) == 0:
		return errors.New("nothing to import")
	case m.axfr != "" && len(args) == 0:
		return errors.New("want the names of the zones to transfer")
	case m.axfr == "" && m.tsigFile != "":
		return errors.New("--tsig-file is for --axfr")
	case len(args) == 0 && (len(m.nameservers) == 0 || m.contact == ""):
		return errors.New("without a zone, nothing tells name servers and hostmaster: want --nameserver and --contact")
	}
	for _, s := range m.blocks {
		p, err := netip.ParsePrefix(s)
		if err != nil || p != p.Masked() {
			return fmt.Errorf("--block %s: want a prefix such as 192.0.2.0/24", s)
		}
		m.options.Blocks = append(m.options.Blocks, p)
	}
	for _, s := range m.products {
		name, text, ok := strings.Cut(s, "=")
		t, err := hostname.Parse(text)
		if !ok || name == "" || err != nil {
			return fmt.Errorf(`--product %s: want NAME=TEMPLATE such as "vps={server}.miniserver.example"`, s)
		}
		m.options.Products = append(m.options.Products, source.Product{
			Name: source.Text{Value: name}, Hostname: source.Template{T: t},
		})
	}
	for _, s := range m.nameservers {
		n := hostname.Absolute(s)
		if err := hostname.Check(n); err != nil {
			return fmt.Errorf("--nameserver %s: %w", s, err)
		}
		m.options.Nameservers = append(m.options.Nameservers, source.Name{Value: n})
	}
	if m.contact != "" {
		local, domain, mail := strings.Cut(m.contact, "@")
		n := hostname.Absolute(m.contact)
		if mail {
			n = hostname.Absolute(local + "." + domain)
		}
		if err := hostname.Check(n); err != nil || mail && strings.Contains(local, ".") {
			return fmt.Errorf("--contact %s: want a mailbox such as hostmaster@example.net, without a dot before the @",
				m.contact)
		}
		m.options.Contact = source.Name{Value: n}
	}
	return nil
}

func (m *importCommand) run(ctx context.Context, args []string, stdin io.Reader) error {
	if _, err := os.Lstat(m.output); !m.force && !errors.Is(err, fs.ErrNotExist) {
		return withHint(fmt.Errorf("%s is there already", m.output), "name another file, or replace it with --force")
	}
	data, findings, err := m.read(ctx, args, stdin)
	if err != nil {
		return err
	}
	if len(data.Zones) == 0 && (len(m.nameservers) == 0 || m.contact == "") {
		fmt.Fprintln(m.stderr, "revmap: nothing was written: there is no reverse zone in it")
		if err := m.printFindings(stream{m.stdout, m.stdoutTerminal}, findings); err != nil {
			return err
		}
		return errFindings
	}
	made, more, err := m.make(data)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	findings = append(findings, more...).Sort()
	if err := m.printFindings(stream{m.stdout, m.stdoutTerminal}, findings); err != nil {
		return err
	}
	if made.generation == nil {
		fmt.Fprintln(m.stderr, "revmap: nothing was written: the source would have errors")
		return errFindings
	}
	if findings.Count(diag.Error) > 0 && !m.lenient {
		fmt.Fprintln(m.stderr, "revmap: nothing was written\nhint: leave out what is lost with --lenient")
		return errFindings
	}
	if err := write(m.output, made.text.Bytes()); err != nil {
		return err
	}
	if m.snapshot != "" {
		if err := write(m.snapshot, made.snapshot.Bytes()); err != nil {
			return err
		}
	}
	m.tell(made)
	return nil
}

// read reads all that is to be imported.
func (m *importCommand) read(ctx context.Context, args []string, stdin io.Reader) (*migrate.Data, diag.List, error) {
	var r migrate.Reader
	var key *migrate.Key
	if m.tsigFile != "" {
		var err error
		if key, err = migrate.ReadKey(m.tsigFile); err != nil {
			return nil, nil, err
		}
	}
	for _, arg := range args {
		var err error
		if m.axfr != "" {
			err = r.Transfer(ctx, m.axfr, arg, key)
		} else {
			err = readZoneFile(&r, arg)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	for _, file := range m.tables {
		if err := readFrom(file, stdin, r.CSV); err != nil {
			return nil, nil, err
		}
	}
	for _, file := range m.hosts {
		if err := readFrom(file, stdin, r.Hosts); err != nil {
			return nil, nil, err
		}
	}
	data, findings := r.Data()
	return data, findings, ctx.Err()
}

// readZoneFile reads what arg names: a file, or ZONE=FILE. A file that exists is one even if its path has a "=".
func readZoneFile(r *migrate.Reader, arg string) error {
	zone, path, ok := strings.Cut(arg, "=")
	if _, err := os.Stat(arg); !ok || err == nil {
		return r.ZoneFile(arg, "")
	}
	if path == "" {
		return fmt.Errorf("%s: want the file of the zone", arg)
	}
	if err := hostname.Check(hostname.Absolute(zone)); err != nil {
		return fmt.Errorf("%s: the zone: %w", arg, err)
	}
	return r.ZoneFile(path, zone)
}

// readFrom calls read with the file at path, or with stdin for "-".
func readFrom(path string, stdin io.Reader, read func(path string, in io.Reader) error) error {
	if path == "-" {
		return read("stdin", stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(path, f)
}

// An imported source is what import writes.
type imported struct {
	*source.Source
	text, snapshot bytes.Buffer
	generation     *authority.Generation // of snapshot; nil if the source has errors, so that there is none
}

// make makes a source of data and compares it with them.
func (m *importCommand) make(data *migrate.Data) (*imported, diag.List, error) {
	now, _, err := compile.Now()
	if err != nil {
		return nil, nil, err
	}
	s, findings := migrate.Make(data, m.options)
	made := &imported{Source: s}
	broken, sound := settle(s, now)
	findings = append(findings, broken...)
	if !sound {
		return made, findings, nil
	}
	made.text.WriteString("# Made by revmap import, and yours to change.\n")
	if err := source.Write(&made.text, s); err != nil {
		return nil, nil, err
	}
	read, wrong := source.Parse(m.output, made.text.Bytes(), false)
	if len(wrong) > 0 {
		return nil, nil, fmt.Errorf("the source that was made cannot be read: %s: %s", wrong[0].Pos, wrong[0].Message)
	}
	b, err := compile.Compile(model.Build(read), compile.Options{Time: now})
	if err != nil {
		return nil, nil, err
	}
	r, err := b.Reader()
	if err != nil {
		return nil, nil, err
	}
	if made.generation, err = authority.New(r); err != nil {
		return nil, nil, err
	}
	serials, different := migrate.Compare(data, made.generation)
	findings = append(findings, different...)
	for zone, serial := range serials {
		b.SetSerial(zone, serial)
	}
	if _, err := b.WriteTo(&made.snapshot); err != nil {
		return nil, nil, err
	}
	if m.snapshot == "" {
		findings = append(findings, ahead(data, now)...)
	}
	return made, findings, nil
}

// settle makes warnings of the rules that s breaks, and tells that. It returns false if there are errors of rules that
// cannot be warnings, and those.
func settle(s *source.Source, today time.Time) (found diag.List, sound bool) {
	sound = true
	broken := make(map[string]diag.List)
	for _, d := range lint.Run(model.Build(s), nil, lint.Options{Today: today}) {
		switch {
		case d.Severity != diag.Error:
		case lint.Find(d.Rule).Required:
			found, sound = append(found, d), false
		default:
			broken[d.Rule] = append(broken[d.Rule], d)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(broken)) {
		s.Severities = append(s.Severities, source.Severity{Rule: source.Text{Value: id}, Severity: diag.Warning})
		first := broken[id][0]
		found = append(found, diag.Diagnostic{
			Pos: first.Pos, Severity: diag.Warning, Rule: migrate.FindingRule,
			Message: fmt.Sprintf("the rule %s finds %s, and is a warning in the source; the first: %s",
				id, plural(len(broken[id]), "error"), first.Message),
			Hint: fmt.Sprintf("mend what revmap lint shows, and take %s out of its rules in the source", id),
		})
	}
	return found, sound
}

// ahead returns a finding if zones have serials that are not before those which begin now.
func ahead(data *migrate.Data, now time.Time) diag.List {
	var first *migrate.Zone
	n := 0
	for i := range data.Zones {
		if z := &data.Zones[i]; int32(uint32(now.Unix())-z.SOA.Serial) <= 0 {
			if n++; first == nil {
				first = z
			}
		}
	}
	if n == 0 {
		return nil
	}
	d := diag.Diagnostic{
		Pos: first.SOA.Pos, Severity: diag.Warning, Rule: migrate.FindingSerial,
		Message: fmt.Sprintf("secondaries would not see changes of the zone %q: its serial %d is later than the time, "+
			"which is what compile begins with", first.Name, first.SOA.Serial),
		Hint: "let compile go on from the serials: write a snapshot with --snapshot, and compile to the same file",
	}
	if n > 1 {
		d.Message += fmt.Sprintf("; and so are those of %s", plural(n-1, "other zone"))
	}
	return diag.List{d}
}

// tell tells what was made.
func (m *importCommand) tell(made *imported) {
	fmt.Fprintf(m.stdout, "%s: %s, %s, %s of no server\n", m.output, plural(len(made.Blocks), "block"),
		plural(len(made.Servers), "server"), addresses(len(made.Addresses)))
	servers := make(map[string]int)
	for i := range made.Servers {
		servers[made.Servers[i].Product.Value]++
	}
	for _, p := range made.Products {
		fmt.Fprintf(m.stdout, "product %s: %s, %s\n", p.Name.Value, templateText(p.Hostname),
			plural(servers[p.Name.Value], "server"))
	}
	for _, b := range made.Blocks {
		if b.Fallback.T != nil {
			fmt.Fprintf(m.stdout, "fallback of %s: %s\n", b.Prefix, templateText(b.Fallback))
		}
	}
}

func templateText(t source.Template) string { return strings.TrimSuffix(t.T.String(), ".") }

func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return report.Number(n) + " addresses"
}
