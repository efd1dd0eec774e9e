package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// An inventory makes sources at random that have all that a source can have, and in which lint finds nothing.
type inventory struct {
	rnd         *rand.Rand
	servers     map[string]string // YAML by name
	addresses   map[string]string // YAML by address
	delegations map[string]string // YAML by prefix, of those that come and go
	blocks      map[string]string // YAML by prefix, of those that come and go
}

func newInventory(rnd *rand.Rand) *inventory {
	in := &inventory{
		rnd:         rnd,
		servers:     map[string]string{},
		addresses:   map[string]string{},
		delegations: map[string]string{},
		blocks:      map[string]string{},
	}
	in.servers["ns2"] = "{product: vps, primary: [198.18.16.53, \"2001:db8::53\"]}"
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("many%d.acme.example", i))
	}
	in.addresses["192.0.2.5"] = fmt.Sprintf("{names: [%s]}", strings.Join(many, ", "))
	var servers, glue []string
	for i := range 12 {
		ns := fmt.Sprintf("ns%d.129.19.198.in-addr.arpa", i)
		servers = append(servers, ns)
		glue = append(glue, fmt.Sprintf("%s: [198.19.129.%d, \"2001:db8:0:9::%d\"]", ns, i+1, i+1))
	}
	in.delegations["198.19.129.0/24"] = fmt.Sprintf("{nameservers: [%s], glue: {%s}}", strings.Join(servers, ", "),
		strings.Join(glue, ", "))
	for i := range 1024 { // so that the zone needs more than one message of a transfer
		in.addresses[fmt.Sprintf("198.19.%d.%d", 60+i/256, i%256)] = fmt.Sprintf("colo%d.acme.example", i)
	}
	for range 40 {
		in.addServer()
		in.addAddress()
		in.addDelegation()
	}
	return in
}

// source returns the YAML.
func (in *inventory) source() []byte {
	var b bytes.Buffer
	list := func(indent string, m map[string]string) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&b, "%s%q: %s\n", indent, key, m[key])
		}
	}
	b.WriteString(`version: 1
defaults:
  ttl: 1200
  nameservers: [ns1.example.net, ns2.vps.example]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net, negative_ttl: 400}
catalog: catalog.example
forward_zones: [vps.example, static.example, pool.example]
products:
  vps: {hostname: "{server}.vps.example"}
  ip: {hostname: "{ip}.static.example"}
  pool: {hostname: "{product}.pool.example"} # one name with many addresses
lint:
  rules: {name-multiple: off}
blocks:
  198.18.16.0/20: {}
  192.0.2.0/24:
    delegations:
      192.0.2.32/29:
        zone: 32/29.2.0.192.in-addr.arpa
        nameservers: [ns1.acme.example, ns2.vps.example]
        ds: ["4711 13 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"]
      192.0.2.48/28: # glue
        zone: 48-28.2.0.192.in-addr.arpa
        nameservers: [ns1.48-28.2.0.192.in-addr.arpa, ns1.example.net]
        glue: {ns1.48-28.2.0.192.in-addr.arpa: [198.51.100.1, "2001:db8:0:1::1"]}
      192.0.2.64/27: {zone: 64-27.2.0.192.in-addr.arpa, nameservers: [ns1.example.net, ns2.vps.example]} # a block of ours
      192.0.2.128/28: {zone: rev.acme.example} # elsewhere
      192.0.2.160/32: {nameservers: [ns1.acme.example]} # a cut
      192.0.2.176/32: {zone: one.2.0.192.in-addr.arpa, nameservers: [ns1.acme.example]}
  192.0.2.64/27: {zone: 64-27.2.0.192.in-addr.arpa}
  198.19.0.0/16:
    delegations:
      198.19.64.0/24: {nameservers: [ns1.example.net]} # a block of ours
      198.19.128.0/24: # glue, some of which is no hint for finding the zone
        nameservers: [ns1.128.19.198.in-addr.arpa, a.ns.128.19.198.in-addr.arpa, ns2.vps.example]
        glue:
          ns1.128.19.198.in-addr.arpa: [198.19.128.1, "2001:db8:0:2::1"]
          a.ns.128.19.198.in-addr.arpa: 198.19.128.2
        ds:
          - 12345 13 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
          - 23456 8 1 0102030405060708090a0b0c0d0e0f1011121314
      198.19.192.0/22: {nameservers: [ns1.acme.example, ns2.acme.example]} # four cuts
`)
	list("      ", in.delegations)
	b.WriteString(`  198.19.64.0/24: {}
  198.51.100.128/27:
    zone: 128/27.100.51.198.in-addr.arpa
    delegations: {198.51.100.158/32: {nameservers: [ns1.acme.example]}}
  203.0.113.0/24:
    fallback: "{ip}.dyn.vps.example"
    delegations:
      203.0.113.128/26: {zone: 128-26.113.0.203.in-addr.arpa, nameservers: [ns1.acme.example]}
  2001:db8::/32:
    delegations:
      2001:db8:f00::/40:
        nameservers: [ns1.f.0.8.b.d.0.1.0.0.2.ip6.arpa, ns1.acme.example]
        glue: {ns1.f.0.8.b.d.0.1.0.0.2.ip6.arpa: ["2001:db8:f00::1", 192.0.2.200]}
        ds: ["12345 13 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"]
      2001:db8:c000::/35: {nameservers: [ns1.acme.example]} # two cuts
      2001:db8:e000::/48: {nameservers: [ns1.example.net]} # a block of ours
  2001:db8:e000::/48:
    delegations: {2001:db8:e000:f00::/56: {nameservers: [ns2.vps.example]}}
`)
	list("  ", in.blocks)
	b.WriteString("servers:\n")
	list("  ", in.servers)
	b.WriteString("addresses:\n")
	list("  ", in.addresses)
	return b.Bytes()
}

// address4 returns an address that is not delegated to others.
func (in *inventory) address4() string {
	n := in.rnd.IntN
	switch n(7) {
	case 0:
		return fmt.Sprintf("192.0.2.%d", 6+n(26))
	case 1:
		return fmt.Sprintf("192.0.2.%d", 64+n(32)) // in the classless block of ours
	case 2:
		return fmt.Sprintf("198.18.%d.%d", 16+n(16), 100+n(100))
	case 3:
		return fmt.Sprintf("198.19.%d.%d", n(60), n(256))
	case 4:
		return fmt.Sprintf("198.19.64.%d", n(128)) // in the nested block
	case 5:
		return fmt.Sprintf("198.51.100.%d", 128+n(30))
	}
	return fmt.Sprintf("203.0.113.%d", n(128)) // with a fallback
}

func (in *inventory) address6() string {
	n := in.rnd.IntN
	if n(3) == 0 {
		return fmt.Sprintf("2001:db8:e000:%x::%x", n(3), 1+n(0xffff)) // in the nested block
	}
	return fmt.Sprintf("2001:db8:%x:%x:%x::%x", 1+n(3), n(3), 1+n(3), 1+n(0xffff))
}

func (in *inventory) taken(addr string) bool {
	for _, yaml := range in.servers {
		if slices.Contains(strings.FieldsFunc(yaml, func(c rune) bool { return strings.ContainsRune(` ,[]{}"`, c) }), addr) {
			return true
		}
	}
	return in.addresses[addr] != ""
}

func (in *inventory) free(address func() string) string {
	for {
		if a := address(); !in.taken(a) {
			return a
		}
	}
}

func (in *inventory) addServer() {
	product := []string{"vps", "ip", "pool"}[in.rnd.IntN(3)]
	four, six := in.free(in.address4), in.free(in.address6)
	primary := fmt.Sprintf("[%s, %q]", four, six)
	switch in.rnd.IntN(4) {
	case 0:
		primary = four
	case 1:
		primary = fmt.Sprintf("%q", six)
	}
	in.servers[fmt.Sprintf("s%d", in.rnd.IntN(1_000_000))] = fmt.Sprintf("{product: %s, primary: %s}", product, primary)
}

func (in *inventory) addAddress() {
	address := in.address4
	if in.rnd.IntN(2) == 0 {
		address = in.address6
	}
	in.setAddress(in.free(address))
}

func (in *inventory) setAddress(addr string) {
	name := fmt.Sprintf("host%d.acme.example", in.rnd.IntN(1_000_000))
	switch in.rnd.IntN(4) {
	case 0:
		in.addresses[addr] = fmt.Sprintf("{name: %s, ttl: %d}", name, in.rnd.IntN(5000))
	case 1:
		in.addresses[addr] = fmt.Sprintf("{names: [%s, www%s]}", name, name)
	default:
		in.addresses[addr] = name
	}
}

// addDelegation adds a delegation of a part of 198.19.0.0/16, or changes one.
func (in *inventory) addDelegation() {
	n := 200 + in.rnd.IntN(40)
	ns := fmt.Sprintf("ns%d", 1+in.rnd.IntN(3))
	yaml := fmt.Sprintf("{nameservers: [%s.acme.example]}", ns)
	switch in.rnd.IntN(3) {
	case 0:
		ns = fmt.Sprintf("%s.%d.19.198.in-addr.arpa", ns, n)
		yaml = fmt.Sprintf("{nameservers: [%s], glue: {%s: 192.0.2.%d}}", ns, ns, n)
	case 1:
		yaml = fmt.Sprintf("{nameservers: [%s.acme.example], ds: [%d 13 2 %064x]}", ns, in.rnd.IntN(65536), in.rnd.Uint64())
	}
	in.delegations[fmt.Sprintf("198.19.%d.0/24", n)] = yaml
}

// change changes one thing, so that the source is another one.
func (in *inventory) change() {
	pick := func(m map[string]string) string {
		keys := slices.Sorted(maps.Keys(m))
		return keys[in.rnd.IntN(len(keys))]
	}
	switch in.rnd.IntN(7) {
	case 0:
		in.addServer()
	case 1:
		if s := pick(in.servers); s != "ns2" {
			delete(in.servers, s)
		}
	case 2:
		in.addAddress()
	case 3:
		delete(in.addresses, pick(in.addresses))
	case 4:
		in.setAddress(pick(in.addresses))
	case 5:
		in.addDelegation()
	case 6:
		delete(in.delegations, pick(in.delegations))
	}
}
