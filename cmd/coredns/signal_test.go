//go:build unix

package main

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// TestSIGUSR1: the snapshot is watched on after the signal that makes CoreDNS read its Corefile again. Caddy does more
// on the signal than in Instance.Restart, which the plugin's own tests call.
func TestSIGUSR1(t *testing.T) {
	dir, port, server, logged := startExample(t)
	next := strconv.Itoa(peer.Port(t))
	edit(t, filepath.Join(dir, "corefile.example"), ":"+port, ":"+next)
	// Caddy begins to listen for signals in a goroutine that may run only after CoreDNS says that it serves. A signal
	// that comes before that is lost.
	peer.Wait(t, func() bool {
		if err := server.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(logged(), "SIGUSR1: Reloading")
	}, func() string { return "CoreDNS does not listen for SIGUSR1:\n" + logged() })
	target := func() string {
		q := new(dns.Msg).SetQuestion("12.2.0.192.in-addr.arpa.", dns.TypePTR)
		r, err := dns.Exchange(q, net.JoinHostPort("127.0.0.1", next))
		if err != nil || len(r.Answer) != 1 {
			return ""
		}
		return r.Answer[0].(*dns.PTR).Ptr
	}
	peer.Wait(t, func() bool { return target() == "shop.acme.example." },
		func() string { return "the new Corefile is not in service:\n" + logged() })

	edit(t, filepath.Join(dir, "records.yaml"), "shop.acme.example", "store.acme.example")
	shell(t, dir, "bin/revmap compile -o run/records.snapshot records.yaml")
	peer.Wait(t, func() bool { return target() == "store.acme.example." },
		func() string { return "the new name is not served after SIGUSR1:\n" + logged() })
}
