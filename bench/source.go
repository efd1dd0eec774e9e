package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// A shape is a way to write an inventory.
type shape struct {
	name, key string
	// part writes what one file says of the addresses from first on; both can be divided by 4. word is the first label of
	// its first name.
	part func(w *bufio.Writer, word string, first, addresses int)
}

var (
	asServers = &shape{"servers", "servers", writeServers}
	asEntries = &shape{"one-line entries", "entries", writeEntries}
)

// A source is an inventory as YAML files: records.yaml and those that it includes. The addresses are spread over those
// evenly. Nothing in it is a finding, so that a compile never stops at one.
type source struct {
	*shape
	dir              string
	addresses, files int
}

// mostSource is how many addresses fit. Half of them are IPv4 ones, for which there is a /8.
const mostSource = 1 << 24

// write makes the folder anew.
func (s source) write() error {
	if s.files < 1 || s.addresses < 4*s.files || s.addresses > mostSource {
		return fmt.Errorf("%d addresses in %d files; there must be at least 4 in each, and at most %d",
			s.addresses, s.files, mostSource)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "records.d"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(s.root(), []byte(sourceRoot), 0o644); err != nil {
		return err
	}
	for f := range s.files {
		if err := s.writeFile(f, "mail"); err != nil {
			return err
		}
	}
	return nil
}

func (s source) root() string { return filepath.Join(s.dir, "records.yaml") }

// writeFile writes the file with the given number. word is the first label of its first name.
func (s source) writeFile(f int, word string) (err error) {
	out, err := os.Create(filepath.Join(s.dir, "records.d", fmt.Sprintf("f%05d.yaml", f)))
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	// In fours, since a server has so many addresses.
	fours := s.addresses / 4
	first, end := 4*(fours*f/s.files), 4*(fours*(f+1)/s.files)
	w := bufio.NewWriter(out)
	s.part(w, word, first, end-first)
	return w.Flush()
}

// size returns the number of bytes of the source.
func (s source) size() (n int64, err error) {
	err = filepath.WalkDir(s.dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		n += info.Size()
		return err
	})
	return n, err
}

// What the prefixes are for is right, but no other has room for so many addresses.
const sourceRoot = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.miniserver.example"}
blocks:
  10.0.0.0/8: {}
  2001:db8::/32: {}
include: [records.d/*.yaml]
lint:
  rules: {block-special-purpose: off, block-documentation: off}
`

var words = []string{"mail", "smtp", "www", "shop", "mx1", "relay", "app", "lists", "out", "edge"}

// writeServers writes servers of eleven lines, each with two addresses of either family, and their accounts.
func writeServers(w *bufio.Writer, word string, first, addresses int) {
	begin, end := first/4, (first+addresses)/4
	fmt.Fprintln(w, "accounts:")
	for n := begin; n < end; n++ {
		fmt.Fprintf(w, "  acc%d: {domains: [cust%d.customers.example]}\n", n, n)
	}
	fmt.Fprintln(w, "servers:")
	for n := begin; n < end; n++ {
		p, q := source4(2*n), source4(2*n+1)
		fmt.Fprintf(w, "  srv%d:\n    product: vps\n    account: acc%d\n    primary: [%s, \"%s\"]\n", n, n, p, addr6(n, 2))
		fmt.Fprintf(w, "    helo: %s.cust%d.customers.example\n    addresses:\n", word, n)
		for _, a := range []struct{ addr, word any }{
			{p, word}, {q, "alt"}, {`"` + addr6(n, 2).String() + `"`, word}, {`"` + addr6(n, 0x25).String() + `"`, "alt6"},
		} {
			fmt.Fprintf(w, "      %v: %v.cust%d.customers.example\n", a.addr, a.word, n)
		}
		word = words[(n+1)%len(words)]
	}
}

// writeEntries writes a line for each address, by turns of either family.
func writeEntries(w *bufio.Writer, word string, first, addresses int) {
	fmt.Fprintln(w, "addresses:")
	for n := first / 2; n < (first+addresses)/2; n++ {
		fmt.Fprintf(w, "  %s: %s.cust%d.customers.example\n  \"%s\": %s.cust%d.customers.example\n",
			source4(n), word, n, addr6(n, 2), word, n)
		word = words[(n+1)%len(words)]
	}
}

// source4 returns the IPv4 address with number i, without the first and the last ones of a /24: lint asks about these.
func source4(i int) string { return addr4(i + 1 + i/250*6).String() }
