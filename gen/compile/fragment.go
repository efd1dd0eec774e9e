package compile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Fragment is what a part of a source puts into a snapshot, as it can be kept between runs. It is read-only.
type Fragment struct {
	Entries string // addresses with their names, ascending
	Hosts   string // default hostnames in forward zones, with their addresses
}

// FragmentOf returns the fragment of an inventory that is a part of a source.
func FragmentOf(part *model.Inventory) Fragment {
	var entries, list []byte
	c := cursor{part, part.Addresses}
	for a, r, ok := c.next(); ok; a, r, ok = c.next() {
		entries = appendAddr(entries, a)
		entries = append(entries, byte(r.kind))
		entries = binary.LittleEndian.AppendUint32(entries, r.ttl)
		entries = binary.AppendUvarint(entries, uint64(len(r.names)))
		for _, n := range r.names {
			entries = append(binary.AppendUvarint(entries, uint64(len(n))), n...)
		}
	}
	for h := range hosts(part) {
		list = append(binary.AppendUvarint(list, uint64(len(h.Name))), h.Name...)
		list = binary.AppendUvarint(list, uint64(len(h.Addrs)))
		for _, a := range h.Addrs {
			list = appendAddr(list, a)
		}
	}
	return Fragment{string(entries), string(list)}
}

// appendAddr appends the size of an address in bytes and the address.
func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		b4 := a.As4()
		return append(append(b, 4), b4[:]...)
	}
	b16 := a.As16()
	return append(append(b, 16), b16[:]...)
}

// Join is Compile for a source of which frame has what all parts share, and fragments are of those parts. No address is in
// two of them.
func Join(frame *model.Inventory, fragments []Fragment, o Options) (*snapshot.Builder, error) {
	b, err := snapshot.NewBuilder(o.Commit, zones(frame))
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	var runs runs
	for _, f := range fragments {
		if r := (&run{decoder: decoder{f.Entries, nil}}); r.next() {
			runs = append(runs, r)
		} else if r.err != nil {
			return nil, fmt.Errorf("compile: %w", r.err)
		}
	}
	for i := len(runs)/2 - 1; i >= 0; i-- {
		runs.down(i)
	}
	for len(runs) > 0 {
		r := runs[0]
		if err := b.Add(r.addr, r.kind, r.ttl, r.names); err != nil {
			return nil, fmt.Errorf("compile %s: %w", r.addr, err)
		}
		if !r.next() {
			if r.err != nil {
				return nil, fmt.Errorf("compile: %w", r.err)
			}
			last := len(runs) - 1
			runs[0] = runs[last]
			runs = runs[:last]
		}
		runs.down(0)
	}
	for _, f := range fragments {
		d := decoder{f.Hosts, nil}
		for d.rest != "" {
			name := d.text()
			addrs := make([]netip.Addr, 0, 2)
			for range d.number() {
				addrs = append(addrs, d.addr())
			}
			if d.err != nil {
				return nil, fmt.Errorf("compile: %w", d.err)
			}
			if err := b.AddHost(name, addrs); err != nil {
				return nil, fmt.Errorf("compile: %w", err)
			}
		}
	}
	if err := setSerials(b, o); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return b, nil
}

// errFragment is a fragment that FragmentOf has not made.
var errFragment = errors.New("a fragment of the snapshot cannot be read")

// A decoder reads what FragmentOf has written. After an error it returns zero values.
type decoder struct {
	rest string
	err  error
}

func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.rest)) {
		d.rest, d.err = "", errFragment
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

// number reads an unsigned varint. It is a length, or the count of something that takes a byte at least.
func (d *decoder) number() uint64 {
	var n uint64
	for shift := 0; shift < 63; shift += 7 {
		s := d.take(1)
		if s == "" {
			return 0
		}
		n |= uint64(s[0]&0x7f) << shift
		if s[0] < 0x80 {
			break
		}
	}
	if n > uint64(len(d.rest)) {
		d.rest, d.err = "", errFragment
		return 0
	}
	return n
}

func (d *decoder) text() string { return d.take(d.number()) }

func (d *decoder) addr() netip.Addr {
	switch d.take(1) {
	case "\x04":
		if s := d.take(4); s != "" {
			return netip.AddrFrom4([4]byte([]byte(s)))
		}
	case "\x10":
		if s := d.take(16); s != "" {
			return netip.AddrFrom16([16]byte([]byte(s)))
		}
	}
	d.rest, d.err = "", errFragment
	return netip.Addr{}
}

// A run reads the entries of a fragment.
type run struct {
	decoder
	addr netip.Addr // of the entry that was read last
	rrset
}

// next reads the next entry. It returns false at the end, and after an error.
func (r *run) next() bool {
	if r.rest == "" {
		return false
	}
	r.addr = r.decoder.addr()
	if head := r.take(5); head != "" {
		r.kind, r.ttl = snapshot.Kind(head[0]), binary.LittleEndian.Uint32([]byte(head[1:]))
	}
	r.names = r.names[:0]
	for range r.number() {
		r.names = append(r.names, r.text())
	}
	return r.err == nil
}

// runs is a heap by the address of the entry that was read last.
type runs []*run

func (h runs) down(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if right := least + 1; right < len(h) && h[right].addr.Less(h[least].addr) {
			least = right
		}
		if !h[least].addr.Less(h[i].addr) {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
