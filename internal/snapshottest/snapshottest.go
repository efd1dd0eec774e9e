// Package snapshottest makes the snapshots that tests ask. It is for tests only.
package snapshottest

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// Zone makes a zone whose SOA and NS are the same each time; a catalog has the name server invalid.
func Zone(kind snapshot.ZoneKind, name string) snapshot.Zone {
	z := snapshot.Zone{
		Kind: kind, Name: name, Serial: 2026112100, TTL: 3600,
		SOA: snapshot.SOA{Primary: "ns1.example.net.", Contact: "hostmaster.example.net.",
			Refresh: 3600, Retry: 900, Expire: 1209600, Minimum: 300},
		NS: []string{"ns1.example.net.", "ns2.example.net."},
	}
	if kind == snapshot.Catalog {
		z.NS = []string{"invalid."}
	}
	return z
}

// Reverse makes a reverse zone that way; fallback and delegations may be none.
func Reverse(name, prefix, fallback string, delegations ...snapshot.Delegation) snapshot.Zone {
	z := Zone(snapshot.Reverse, name)
	z.Prefix, z.Fallback, z.Delegations = netip.MustParsePrefix(prefix), fallback, delegations
	return z
}

// Delegation makes a delegation from "prefix child" and the names of name servers, "!" for a DS RR, and "name=address"
// for glue.
func Delegation(what string, more ...string) snapshot.Delegation {
	prefix, name, _ := strings.Cut(what, " ")
	d := snapshot.Delegation{Prefix: netip.MustParsePrefix(prefix), Name: name}
	for _, m := range more {
		if m == "!" {
			d.DS = append(d.DS, snapshot.DS{KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: "\xab\xcd\x00."})
		} else if ns, addr, glue := strings.Cut(m, "="); glue {
			d.Glue = append(d.Glue, snapshot.Glue{Name: ns, Addr: netip.MustParseAddr(addr)})
		} else {
			d.NS = append(d.NS, m)
		}
	}
	return d
}

// AddHosts adds the addresses of hosts, by name.
func AddHosts(t testing.TB, b *snapshot.Builder, hosts map[string][]string) {
	t.Helper()
	for name, addrs := range hosts {
		for _, a := range addrs {
			if err := b.AddHost(name, []netip.Addr{netip.MustParseAddr(a)}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Bytes returns the file that b makes.
func Bytes(t testing.TB, b *snapshot.Builder) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := b.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// Open reads a file, which must be good.
func Open(t testing.TB, file []byte) *snapshot.Reader {
	t.Helper()
	r, err := snapshot.OpenBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Generation answers from what r has.
func Generation(t testing.TB, r *snapshot.Reader) *authority.Generation {
	t.Helper()
	g, err := authority.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
