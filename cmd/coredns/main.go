// Command coredns is CoreDNS with the revmap plugin compiled in.
//
// It holds every stock plugin but those that need a cloud vendor's SDK, Kubernetes, etcd or Nomad. Whoever needs one of
// these adds revmap to a stock build instead: docs/plugin-cfg.md.
package main

import (
	"fmt"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	"github.com/revmap/revmap/internal/version"
)

func main() {
	if err := dnsserver.SetDirectives(directives); err != nil {
		fmt.Fprintln(os.Stderr, "coredns:", err)
		os.Exit(1)
	}
	caddy.AppVersion = fullVersion()
	coremain.Run()
}

// fullVersion tells CoreDNS's version and ours: "1.15.0+revmap-1.0.0".
func fullVersion() string {
	return coremain.CoreVersion + "+revmap-" + version.String()
}
