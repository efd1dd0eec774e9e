package peer

import (
	"net"
	"text/template"
)

// The programs' configurations. Each gets a Config, and Dir besides. Answers are minimal, have no cookies, are
// not limited in their rate, and have at most 4096 bytes over UDP; a NOTIFY has its effect at once.
var (
	nsdConfig  = parse(nsdText)
	knotConfig = parse(knotText)
	bindConfig = parse(bindText)
)

func parse(text string) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"host": func(addr string) string { host, _, _ := net.SplitHostPort(addr); return host },
		"port": func(addr string) string { _, port, _ := net.SplitHostPort(addr); return port },
	}).Parse(text))
}

const nsdText = `
server:
	ip-address: 127.0.0.1@{{.Port}}
	username: ""
	zonesdir: "{{.Dir}}"
	database: ""
	pidfile: ""
	xfrdir: "{{.Dir}}"
	xfrdfile: "{{.Dir}}/xfrd.state"
	zonelistfile: "{{.Dir}}/zone.list"
	server-count: 1
	verbosity: 3
	xfrd-reload-timeout: 0
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
	minimal-responses: yes
	ipv4-edns-size: 4096
remote-control:
	control-enable: no
{{.Global}}
{{with .Key}}key:
	name: "{{.Name}}"
	algorithm: hmac-sha256
	secret: "{{.Secret}}"
{{end}}{{range $i, $z := .Zones}}zone:
	name: "{{.Name}}"
	zonefile: "{{or .File (printf "%d.zone" $i)}}"
	provide-xfr: 127.0.0.1 NOKEY
{{if not .File}}	request-xfr: {{host $.Primary}}@{{port $.Primary}} {{with $.Key}}{{.Name}}{{else}}NOKEY{{end}}
	allow-notify: 127.0.0.1 NOKEY
{{end}}{{$.PerZone}}
{{end}}`

const knotText = `
server:
    listen: 127.0.0.1@{{.Port}}
    rundir: "{{.Dir}}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
    udp-max-payload: 4096
database:
    storage: "{{.Dir}}"
    journal-db-max-size: 64M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
log:
  - target: stderr
    any: info
{{with .Key}}key:
  - id: {{.Name}}
    algorithm: hmac-sha256
    secret: {{.Secret}}
{{end}}{{if .Primary}}remote:
  - id: primary
    address: {{host .Primary}}@{{port .Primary}}
    {{with .Key}}key: {{.Name}}{{end}}
{{end}}acl:
  - id: local
    address: 127.0.0.1
    action: [transfer, notify]
{{.Global}}
template:
  - id: default
    storage: "{{.Dir}}"
    zonefile-sync: -1
    acl: local
    {{.PerZone}}
{{if .Catalog}}  - id: member
    storage: "{{.Dir}}"
    zonefile-sync: -1
    acl: local
    master: primary
    {{.PerZone}}
{{end}}zone:
{{range $i, $z := .Zones}}  - domain: "{{.Name}}"
    file: "{{or .File (printf "%d.zone" $i)}}"
{{if not .File}}    master: primary
{{end}}{{end}}{{if .Catalog}}  - domain: "{{.Catalog}}"
    master: primary
    catalog-role: interpret
    catalog-template: member
{{end}}`

const bindText = `
options {
	directory "{{.Dir}}";
	listen-on port {{.Port}} { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;
	session-keyfile none;
	recursion no;
	dnssec-validation no;
	empty-zones-enable no;
	minimal-responses yes;
	minimal-any yes;
	zero-no-soa-ttl no;
	answer-cookie no;
	max-udp-size 4096;
	notify no;
	allow-transfer { 127.0.0.1; };
	allow-notify { 127.0.0.1; };
	serial-query-rate 1000;
	transfers-in 100;
	transfers-per-ns 100;
{{if .Catalog}}	catalog-zones {
		zone "{{.Catalog}}" default-primaries { {{template "primary" .}} } min-update-interval 0;
	};
{{end}}};
controls { };
logging {
	channel log { stderr; severity info; };
	channel transfers { stderr; severity debug 3; };
	category default { log; };
	category xfer-in { transfers; };
};
{{with .Key}}key "{{.Name}}" {
	algorithm hmac-sha256;
	secret "{{.Secret}}";
};
{{end}}{{.Global}}
{{range $i, $z := .Zones}}zone "{{.Name}}" {
{{if .File}}	type primary;
	file "{{.File}}";
{{else}}	type secondary;
	file "{{$i}}.zone";
	primaries { {{template "primary" $}} };
{{end}}{{$.PerZone}}
};
{{end}}{{if .Catalog}}zone "{{.Catalog}}" {
	type secondary;
	file "catalog.zone";
	primaries { {{template "primary" .}} };
};
{{end}}{{define "primary"}}{{host .Primary}} port {{port .Primary}}{{with .Key}} key "{{.Name}}"{{end}};{{end}}`
