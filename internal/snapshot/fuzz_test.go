package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// FuzzOpenBytes: any bytes give an error, or a Reader whose content encodes to just these bytes.
func FuzzOpenBytes(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) { checkOpenBytes(t, b) })
}

// FuzzStructure is FuzzOpenBytes with a valid header in front, so that it gets to what the checksum protects.
func FuzzStructure(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerSize {
			t.Skip()
		}
		b = bytes.Clone(b)
		copy(b, Magic)
		binary.LittleEndian.PutUint16(b[8:], Major)
		binary.LittleEndian.PutUint64(b[16:], uint64(len(b)))
		checkOpenBytes(t, fixed(b))
	})
}

// FuzzSection is FuzzOpenBytes with one section of a valid file replaced, whatever its size.
func FuzzSection(f *testing.F) {
	good := sectionsOf(f, goodBuilder(f))
	for _, s := range good {
		f.Add(uint8(s.id), s.data)
	}
	for _, test := range badFiles {
		if m := test.mutation.sections; m != nil {
			for i, s := range m(slices.Clone(good)) {
				if i < len(good) && !bytes.Equal(s.data, good[i].data) {
					f.Add(uint8(s.id), s.data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, id uint8, data []byte) {
		if id < 1 || id > sectionLast {
			t.Skip()
		}
		sections := slices.Clone(good)
		sections[id-1].data = data
		var b bytes.Buffer
		if _, err := encode(&b, Minor, sections); err != nil {
			t.Fatal(err)
		}
		checkOpenBytes(t, b.Bytes())
	})
}

func seed(f *testing.F) {
	f.Add(mutation{}.apply(f))
	f.Add(exampleFile(f))
	f.Add(encoded(f, build(f, "", nil, nil, nil)))
	var b bytes.Buffer
	s := append(sectionsOf(f, goodBuilder(f)), section{id: 10, data: []byte("new")}, section{id: 12})
	if _, err := encode(&b, Minor+1, s); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	for _, test := range badFiles {
		f.Add(test.mutation.apply(f))
	}
}

func checkOpenBytes(t *testing.T, b []byte) {
	r, err := OpenBytes(b)
	if err != nil {
		if r != nil {
			t.Error("an error came with a Reader")
		}
		if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrChecksum) {
			t.Errorf("error %v is none that a caller knows", err)
		}
		return
	}
	if got := reencode(t, r); !bytes.Equal(got, b) {
		t.Errorf("encoded again, the file differs: %s", difference(got, b))
	}
	n, hosts := 0, 0
	for i := range r.Zones() {
		z := &r.Zones()[i]
		for want := range r.Hosts(z) {
			got, ok := r.Host(z, want.Name())
			if !ok || got.Name() != want.Name() || !slices.Equal(hostAddrs(got), hostAddrs(want)) {
				t.Errorf("host %q of %s is %v, %v, want %v", want.Name(), z.Name, got, ok, want)
			}
			hosts++
		}
		for a, want := range r.Entries(z) {
			got, ok := r.Lookup(z, a)
			if !ok || got.Kind != want.Kind || got.TTL != want.TTL || got.Name(got.Len()-1) != want.Name(want.Len()-1) {
				t.Errorf("lookup of %v in %s gives %v, %v, want %v", a, z.Name, got, ok, want)
			}
			n++
		}
	}
	if n != r.Len() || hosts != r.HostCount() {
		t.Errorf("%d entries and %d hosts in zones, want %d and %d", n, hosts, r.Len(), r.HostCount())
	}
}
