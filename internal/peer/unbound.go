package peer

import (
	"bytes"
	"testing"
)

// A Resolver tells an Unbound whom to ask and what to trust.
type Resolver struct {
	// Servers has the address and port to ask for each zone. For names in none of them, nobody is asked.
	Servers map[string]string
	// Anchors are the DS RRs that are trusted, in text. Below them all answers are validated (RFC 4035).
	Anchors []string
	// Global is further lines of the server clause.
	Global string
	Port   int // of 127.0.0.1; 0 takes a free one
}

// Unbound starts an Unbound, with an empty cache.
func Unbound(t testing.TB, r Resolver) *Server {
	t.Helper()
	if r.Port == 0 {
		r.Port = Port(t)
	}
	var text bytes.Buffer
	err := unboundConfig.Execute(&text, r)
	if err != nil {
		t.Fatal(err)
	}
	return Start(t, "unbound", r.Port, map[string]string{"unbound.conf": text.String()}, "-d", "-c", "{dir}/unbound.conf")
}

var unboundConfig = parse(unboundText)

// The local zones let questions pass that Unbound would answer itself: it knows that there is nothing in the zones of
// documentation space. Its root, for names in none of the zones, is a port where nobody listens.
const unboundText = `
server:
	directory: "{dir}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	logfile: ""
	val-log-level: 2
	interface: 127.0.0.1@{{.Port}}
	num-threads: 1
	module-config: "validator iterator"
	do-not-query-localhost: no
	local-zone: "." refuse
{{range $zone, $_ := .Servers}}	local-zone: "{{$zone}}" transparent
{{end}}{{range .Anchors}}	trust-anchor: "{{.}}"
{{end}}{{.Global}}
stub-zone:
	name: "."
	stub-addr: 127.0.0.1@1
{{range $zone, $addr := .Servers}}stub-zone:
	name: "{{$zone}}"
	stub-addr: {{host $addr}}@{{port $addr}}
{{end}}`
