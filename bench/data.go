package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/snapshot"
)

// A family is one of the two kinds of addresses, with one zone that all names are in.
type family struct {
	name    string // in tables
	key     string // in file names and flags
	prefix  netip.Prefix
	queries int // how many are drawn at most, for names that exist, and again for names that do not
	most    int // names that fit
	// addr returns the address of name i.
	addr func(i int) netip.Addr
	// absent returns a name that does not exist, below the addresses of the given number of names.
	absent func(names int, r *rand.Rand) string

	loadBudget, memoryBudget float64 // at most so much of the best peer's
	fastBudget               float64 // at most so much of NSD's and Knot's, where names exist
	snapshotBudget           float64 // bytes per name
}

var families = []*family{
	{
		name: "IPv4", key: "ipv4", prefix: netip.MustParsePrefix("10.0.0.0/8"), queries: 200_000, most: 1 << 24,
		addr: addr4, absent: absent4,
		loadBudget: 1.0 / 10, memoryBudget: 1.0 / 3, fastBudget: 1, snapshotBudget: 48,
	},
	{
		name: "IPv6", key: "ipv6", prefix: netip.MustParsePrefix("2001:db8::/32"), queries: 100_000, most: 1 << 24,
		addr: func(i int) netip.Addr { return addr6(i, 2) },
		absent: func(names int, r *rand.Rand) string {
			return arpa.Name(addr6(r.IntN(names), 1<<63|r.Uint64()))
		},
		loadBudget: 1.0 / 40, memoryBudget: 1.0 / 6, fastBudget: 0.7, snapshotBudget: 64,
	},
}

// addr4 returns 10.0.0.0 and those after it.
func addr4(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// addr6 returns an address of the /64 with number i below 2001:db8::/32.
func addr6(i int, id uint64) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], uint32(i))
	binary.BigEndian.PutUint64(a[8:], id)
	return netip.AddrFrom16(a)
}

// absent4 returns a name with a second octet from 32 on that no address has. If all addresses of the /8 exist, it
// returns a name below one of them.
func absent4(names int, r *rand.Rand) string {
	first := max(32<<16, (names+1<<16-1)>>16<<16)
	if first >= 1<<24 {
		return "0." + arpa.Name(addr4(r.IntN(names)))
	}
	return arpa.Name(addr4(first + r.IntN(1<<24-first)))
}

// zone returns the apex.
func (f *family) zone() string { return arpa.ZoneName(f.prefix) }

// target returns what the PTR of name i leads to.
func target(i int) string { return fmt.Sprintf("host%d.cust%d.example.com.", i, i%5000) }

// ttl is that of all RRs, in seconds.
const ttl = 3600

// Data is a number of names of one family, and the files that servers and dnsperf read them from.
type data struct {
	*family
	names int
	dir   string
}

func (d data) path(ext string) string {
	return filepath.Join(d.dir, fmt.Sprintf("%s-%d.%s", d.key, d.names, ext))
}

// writers tells by a file's extension what is in it.
var writers = map[string]func(d data, w io.Writer) error{
	"zone":     data.writeZone,
	"hosts":    data.writeHosts,
	"snapshot": data.writeSnapshot,
	"second":   data.writeSecond,
	"third":    data.writeThird,
	"hit":      data.writeHits,
	"miss":     data.writeMisses,
}

// write writes the file with the given extension.
func (d data) write(ext string) (err error) {
	if d.names < 2 || d.names > d.most {
		return fmt.Errorf("%d names; it must be 2 to %d", d.names, d.most)
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(d.path(ext))
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := writers[ext](d, w); err != nil {
		return fmt.Errorf("write %s: %w", d.path(ext), err)
	}
	return w.Flush()
}

// writeZone writes an RFC 1035 zone file.
func (d data) writeZone(w io.Writer) error {
	zone := d.zone()
	_, err := fmt.Fprintf(w, `$ORIGIN %s
$TTL %d
@ SOA ns1.example.com. hostmaster.example.com. 1 3600 900 1209600 300
@ NS ns1.example.com.
@ NS ns2.example.com.
`, zone, ttl)
	var line []byte
	for i := 0; i < d.names && err == nil; i++ {
		line = arpa.AppendName(line[:0], d.addr(i))
		line = line[:len(line)-len(zone)-1] // relative to the origin
		line = append(line, " PTR "...)
		line = append(line, target(i)...)
		_, err = w.Write(append(line, '\n'))
	}
	return err
}

// writeHosts writes lines as of /etc/hosts.
func (d data) writeHosts(w io.Writer) (err error) {
	var line []byte
	for i := 0; i < d.names && err == nil; i++ {
		line = d.addr(i).AppendTo(line[:0])
		line = append(line, ' ')
		name := target(i)
		line = append(line, name[:len(name)-1]...)
		_, err = w.Write(append(line, '\n'))
	}
	return err
}

// changedOf is of how many names one changes from one snapshot to the next.
const changedOf = 10_000

func (d data) writeSnapshot(w io.Writer) error { return d.writeSerial(w, 1) }

// Those of writeSecond and writeThird come after writeSnapshot's, and after the third its own is the next again: its
// serial is later than the third one's (RFC 1982 section 3.2).
func (d data) writeSecond(w io.Writer) error { return d.writeSerial(w, 5<<28) }
func (d data) writeThird(w io.Writer) error  { return d.writeSerial(w, 10<<28) }

// writeSerial writes a snapshot whose zone has the given serial. After the first, one name in changedOf is a new one in
// each.
func (d data) writeSerial(w io.Writer, serial uint32) error {
	b, err := snapshot.NewBuilder("", []snapshot.Zone{{
		Kind: snapshot.Reverse, Name: d.zone(), Serial: serial, TTL: ttl,
		SOA: snapshot.SOA{
			Primary: "ns1.example.com.", Contact: "hostmaster.example.com.",
			Refresh: 3600, Retry: 900, Expire: 1209600, Minimum: 300,
		},
		NS:     []string{"ns1.example.com.", "ns2.example.com."},
		Prefix: d.prefix,
	}})
	if err != nil {
		return err
	}
	for i := range d.names {
		name := target(i)
		if i%changedOf == 0 && serial > 1 {
			name = fmt.Sprintf("new%d.%s", serial, name)
		}
		if err := b.Add(d.addr(i), snapshot.Explicit, ttl, []string{name}); err != nil {
			return err
		}
	}
	_, err = b.WriteTo(w)
	return err
}

// random returns a source of the same numbers in each run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// writeHits writes questions for names that exist, as dnsperf reads them.
func (d data) writeHits(w io.Writer) error {
	r := random()
	return d.writeQueries(w, func() string { return arpa.Name(d.addr(r.IntN(d.names))) })
}

// writeMisses writes questions for names that do not exist.
func (d data) writeMisses(w io.Writer) error {
	r := random()
	return d.writeQueries(w, func() string { return d.absent(d.names, r) })
}

func (d data) writeQueries(w io.Writer, name func() string) (err error) {
	for i := 0; i < min(d.queries, d.names) && err == nil; i++ {
		_, err = io.WriteString(w, name()+" PTR\n")
	}
	return err
}

// some returns names that exist, by their numbers, drawn at random.
func (d data) some(n int) []int {
	r, numbers := random(), make([]int, n)
	for i := range numbers {
		numbers[i] = r.IntN(d.names)
	}
	return numbers
}
