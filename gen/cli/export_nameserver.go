package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/zonefile"
	"github.com/revmap/revmap/internal/hostname"
	"github.com/revmap/revmap/internal/snapshot"
)

func (p *program) exportNameserverConfig() *cobra.Command {
	var primaries []string
	var key string
	var useCatalog bool
	c := &cobra.Command{
		Use:   "nameserver-config --for {nsd|knot|bind} --primary ADDR[@PORT] [SOURCE|SNAPSHOT]",
		Short: "Write the configuration of a secondary for NSD, Knot DNS or BIND",
		Long: `export nameserver-config writes what a name server's configuration needs to
serve our zones as a secondary: it transfers them from the CoreDNS with revmap
at each --primary, which may be repeated, and accepts a NOTIFY from there. Zones
that cannot be transferred, since the fallback of an IPv6 block makes names in
them, are left out, and named on stderr. Include the output in the server's
configuration; docs/secondaries.md has all that is around it.

With --catalog the configuration has only the catalog zone (RFC 9432), by which
Knot DNS and BIND add and drop the others themselves; otherwise it has to be
written anew when zones come or go. BIND's options need one more line, which is
in a comment.

Transfers are signed with the TSIG key that --tsig-key names. The key itself is
not written: configure it before the line that includes the output.`,
		Example: `  revmap export nameserver-config --for nsd --primary 192.0.2.1 records.snapshot
  revmap export nameserver-config --for knot --primary 2001:db8::1@5353 --catalog
  revmap export nameserver-config --for bind --primary 192.0.2.1 --tsig-key secondary.example`,
		Args: operands("[SOURCE|SNAPSHOT]"),
	}
	program := choice(c, "for", "the name server", "nsd", "knot", "bind")
	c.Flags().Lookup("for").DefValue = "" // it has to be said
	c.Flags().StringArrayVar(&primaries, "primary", nil, "transfer from `ADDR[@PORT]`; may be repeated")
	c.Flags().StringVar(&key, "tsig-key", "", "sign transfers with the key `NAME`")
	c.Flags().BoolVar(&useCatalog, "catalog", false, "let the server find the zones in the catalog zone")
	known := baselineFlag(c)
	require(c, "for")
	require(c, "primary")
	var config *nameserverConfig
	c.PreRunE = func(*cobra.Command, []string) (err error) {
		if useCatalog && *program == "nsd" {
			return errors.New("--catalog is for knot and bind only")
		}
		config, err = newNameserverConfig(primaries, key)
		return err
	}
	c.RunE = work(func(c *cobra.Command, args []string) error {
		r, err := p.snapshotOf(c.Context(), operand(args, 0, defaultSource), *known)
		if err != nil {
			return err
		}
		if useCatalog {
			catalog, err := catalogOf(r)
			if err != nil {
				return err
			}
			config.Catalog = newSecondaryZone(catalog)
		} else {
			p.addZones(config, r)
		}
		return nameserverTemplates.ExecuteTemplate(p.stdout, *program, config)
	})
	return c
}

// A nameserverConfig is what the templates get. Names have no final dot.
type nameserverConfig struct {
	Primaries []nameserverPrimary
	Key       string // "" if transfers are not signed
	Zones     []secondaryZone
	Catalog   *secondaryZone // instead of Zones
}

type nameserverPrimary struct {
	Addr netip.Addr
	Port uint16
}

type secondaryZone struct{ Name, File string }

func newNameserverConfig(primaries []string, key string) (*nameserverConfig, error) {
	config := &nameserverConfig{Key: strings.TrimSuffix(key, ".")}
	for _, s := range primaries {
		primary, err := parsePrimary(s)
		if err != nil {
			return nil, fmt.Errorf("--primary is %q, %w", s, err)
		}
		config.Primaries = append(config.Primaries, primary)
	}
	if key != "" {
		if err := hostname.Check(hostname.Absolute(key)); err != nil {
			return nil, fmt.Errorf("--tsig-key is %q: %w", key, err)
		}
	}
	return config, nil
}

func parsePrimary(s string) (nameserverPrimary, error) {
	host, port, found := strings.Cut(s, "@")
	if !found {
		port = "53"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" || addr.Is4In6() {
		return nameserverPrimary{}, errors.New("want an address, and perhaps @ and a port: 192.0.2.1 or 2001:db8::1@5353")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nameserverPrimary{}, fmt.Errorf("want a port from 1 to 65535, not %q", port)
	}
	return nameserverPrimary{addr, uint16(n)}, nil
}

// addZones adds the zones of r that can be transferred, in their order, but the catalog.
func (p *program) addZones(config *nameserverConfig, r *snapshot.Reader) {
	for i := range r.Zones() {
		z := &r.Zones()[i]
		if z.Kind == snapshot.Catalog {
			continue
		}
		if err := r.Endless(z); err != nil {
			fmt.Fprintf(p.stderr, "left out: %v\n", err)
			continue
		}
		config.Zones = append(config.Zones, *newSecondaryZone(z))
	}
}

func newSecondaryZone(z *snapshot.Zone) *secondaryZone {
	return &secondaryZone{strings.TrimSuffix(z.Name, "."), zonefile.FileName(z)}
}

// nameserverTemplates are the configurations by the words of --for. Names in them need no escapes: they have letters,
// digits, "-", "_" and "/" only.
var nameserverTemplates = template.Must(template.New("").Parse(`
{{- define "nsd" -}}
# Secondary zones, from revmap export nameserver-config.
pattern:
	name: "revmap"
{{- range .Primaries}}
	request-xfr: {{.Addr}}@{{.Port}} {{with $.Key}}"{{.}}"{{else}}NOKEY{{end}}
	allow-notify: {{.Addr}} NOKEY
{{- end}}
{{range .Zones}}
zone:
	name: "{{.Name}}"
	zonefile: "{{.File}}"
	include-pattern: "revmap"
{{end}}
{{- end}}

{{- define "knot" -}}
# Secondary zones, from revmap export nameserver-config.
remote:
{{- range $i, $_ := .Primaries}}
  - id: revmap{{$i}}
    address: {{.Addr}}@{{.Port}}
{{- with $.Key}}
    key: {{.}}
{{- end}}
{{- end}}

acl:
  - id: revmap
    address: [{{range $i, $_ := .Primaries}}{{if $i}}, {{end}}{{.Addr}}{{end}}]
    action: notify

template:
  - id: revmap
    master: [{{range $i, $_ := .Primaries}}{{if $i}}, {{end}}revmap{{$i}}{{end}}]
    acl: revmap

zone:
{{- range .Zones}}
  - domain: {{.Name}}
    file: {{.File}}
    template: revmap
{{- end}}
{{- with .Catalog}}
  - domain: {{.Name}}
    file: {{.File}}
    template: revmap
    catalog-role: interpret
    catalog-template: revmap
{{- end}}
{{end}}

{{- define "bind" -}}
// Secondary zones, from revmap export nameserver-config.
primaries "revmap" {
{{- range .Primaries}}
	{{.Addr}} port {{.Port}}{{with $.Key}} key "{{.}}"{{end}};
{{- end}}
};
{{range .Zones}}
zone "{{.Name}}" {
	type secondary;
	file "{{.File}}";
	primaries { "revmap"; };
};
{{end}}
{{- with .Catalog}}
// The options need this too, which cannot be in an included file:
//	catalog-zones { zone "{{.Name}}" default-primaries { "revmap"; }; };
zone "{{.Name}}" {
	type secondary;
	file "{{.File}}";
	primaries { "revmap"; };
};
{{end}}
{{- end}}`))
