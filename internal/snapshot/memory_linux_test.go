package snapshot

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// TestMemory holds that the memory of a Reader of Open is there as long as the Reader, or an RRset or Host of it, and
// no longer, and that what is read from it outlives it.
func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revmap.snapshot")
	if err := WriteFile(path, goodBuilder(t)); err != nil {
		t.Fatal(err)
	}
	type holder struct { // what is left of a Reader
		set  RRset
		host Host
	}
	for _, test := range []struct {
		name string
		keep func(s RRset, h Host) *holder
	}{
		{"an RRset", func(s RRset, _ Host) *holder { return &holder{set: s} }},
		{"a host", func(_ RRset, h Host) *holder { return &holder{host: h} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			file := r.b
			z, forward := &r.Zones()[3], &r.Zones()[len(r.Zones())-1]
			s, ok := r.Lookup(z, netip.MustParseAddr("192.0.2.10"))
			if !ok {
				t.Fatal("192.0.2.10 has no names")
			}
			var host Host
			for h := range r.Hosts(forward) {
				host = h
			}
			kept := []string{r.Commit(), z.Name, z.NS[0], s.Name(0), host.Name()}
			want := []string{"commit", "2.0.192.in-addr.arpa.", "ns1.example.net.", "mail.acme.example.", "web2"}
			hold := test.keep(s, host)

			for range 3 {
				runtime.GC()
			}
			if !mapped(file) {
				t.Fatal("the memory was given back while there was something of the Reader")
			}
			runtime.KeepAlive(hold)
			for deadline := time.Now().Add(10 * time.Second); mapped(file); runtime.GC() {
				if time.Now().After(deadline) {
					t.Fatal("the memory is not given back")
				}
			}
			for i := range kept {
				if kept[i] != want[i] {
					t.Errorf("%q was kept, want %q", kept[i], want[i])
				}
			}
		})
	}
}

// mapped reports whether b, which allocate returned for a snapshot, was not freed. Where it was can be something else by
// now: it is read as a file, because that can be freed at any moment.
func mapped(b []byte) bool {
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		panic(err)
	}
	defer memory.Close()
	is := make([]byte, len(Magic))
	_, err = memory.ReadAt(is, int64(uintptr(unsafe.Pointer(&b[0]))))
	return err == nil && string(is) == Magic
}
