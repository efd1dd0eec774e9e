package compile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/packed"
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
			entries = packed.AppendText(entries, n)
		}
	}
	for h := range hosts(part) {
		list = packed.AppendText(list, h.Name)
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
		if r := (&run{decoder: decoder{packed.Reader{Rest: f.Entries}}}); r.next() {
			runs = append(runs, r)
		} else if r.Failed {
			return nil, fmt.Errorf("compile: %w", errFragment)
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
			if r.Failed {
				return nil, fmt.Errorf("compile: %w", errFragment)
			}
			last := len(runs) - 1
			runs[0] = runs[last]
			runs = runs[:last]
		}
		runs.down(0)
	}
	for _, f := range fragments {
		d := decoder{packed.Reader{Rest: f.Hosts}}
		for d.Rest != "" {
			name := d.Text()
			addrs := make([]netip.Addr, 0, 2)
			for range d.Count() {
				addrs = append(addrs, d.addr())
			}
			if d.Failed {
				return nil, fmt.Errorf("compile: %w", errFragment)
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

// A decoder reads what FragmentOf has written.
type decoder struct{ packed.Reader }

func (d *decoder) addr() netip.Addr {
	switch d.Take(1) {
	case "\x04":
		if s := d.Take(4); s != "" {
			return netip.AddrFrom4([4]byte([]byte(s)))
		}
	case "\x10":
		if s := d.Take(16); s != "" {
			return netip.AddrFrom16([16]byte([]byte(s)))
		}
	}
	d.Fail()
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
	if r.Rest == "" {
		return false
	}
	r.addr = r.decoder.addr()
	if head := r.Take(5); head != "" {
		r.kind, r.ttl = snapshot.Kind(head[0]), binary.LittleEndian.Uint32([]byte(head[1:]))
	}
	r.names = r.names[:0]
	for range r.Count() {
		r.names = append(r.names, r.Text())
	}
	return !r.Failed
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
