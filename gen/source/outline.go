package source

import (
	"maps"
	"net/netip"
	"slices"
	"sort"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/parallel"
)

// An outline is what of a file tells whether edits concern it. It is a tenth as large as what the file says.
type outline struct {
	owned   []netip.Addr   // the addresses of its servers, primary ones too
	others  []netip.Addr   // those of no server
	routed  []netip.Prefix // to its servers
	blocks  []netip.Prefix
	unclear diag.List // findings that leave it open what it says
}

// unclear reports whether a finding leaves it open what a source says.
func unclear(d diag.Diagnostic) bool {
	return slices.Contains([]string{"syntax", "include-invalid", "duplicate-key"}, d.Rule)
}

// newOutline returns that of a file.
func newOutline(path, form string) *outline {
	f := file{path: path, form: form}
	d, findings := f.decode()
	o := new(outline)
	for i := range d.Servers {
		s := &d.Servers[i]
		for _, p := range s.Primary {
			o.owned = append(o.owned, p.Addr)
		}
		for j := range s.Addresses {
			o.owned = append(o.owned, s.Addresses[j].Addr.Addr)
		}
		for _, p := range s.Routed {
			o.routed = append(o.routed, p.Prefix)
		}
	}
	for i := range d.Addresses {
		o.others = append(o.others, d.Addresses[i].Addr.Addr)
	}
	for i := range d.Blocks {
		o.blocks = append(o.blocks, d.Blocks[i].Prefix.Prefix)
	}
	o.owned, o.others = slices.Clip(o.owned), slices.Clip(o.others)
	for _, finding := range findings {
		if unclear(finding) {
			o.unclear = append(o.unclear, finding)
		}
	}
	return o
}

// outlines returns those of all files.
func (f *Files) outlines() []*outline {
	all := make([]*outline, f.Len())
	parallel.Each(len(all), func(i int) { all[i] = f.list[i].outline() })
	return all
}

// concerned returns the numbers of the files that edits of some addresses have to do with: those that list one of them
// and, of the others, those that tell where it belongs. Beside these, no file matters to a plan.
func concerned(outlines []*outline, changes map[netip.Addr]*change) []int {
	files := make(map[int]bool)
	addrs := slices.SortedFunc(maps.Keys(changes), netip.Addr.Compare)
	listed := make([]bool, len(addrs))
	for i, o := range outlines {
		for _, list := range [][]netip.Addr{o.owned, o.others} {
			for _, a := range list {
				if j, ok := slices.BinarySearchFunc(addrs, a, netip.Addr.Compare); ok {
					listed[j], files[i] = true, true
				}
			}
		}
	}
	unlisted := addrs[:0]
	for j, a := range addrs {
		if !listed[j] {
			unlisted = append(unlisted, a)
		}
	}
	if len(unlisted) > 0 {
		files[0] = true // where they go if there is no better place
		routedFrom(outlines, unlisted, files)
		beside(outlines, unlisted, files)
	}
	return slices.Sorted(maps.Keys(files))
}

// routedFrom adds the files that have the smallest routed prefix around each of some addresses, which are sorted: the
// first of them, if several have it.
func routedFrom(outlines []*outline, addrs []netip.Addr, files map[int]bool) {
	type route struct{ bits, file int }
	smallest := make([]route, len(addrs))
	for j := range smallest {
		smallest[j] = route{-1, -1}
	}
	for i, o := range outlines {
		for _, p := range o.routed {
			first := sort.Search(len(addrs), func(j int) bool { return addrs[j].Compare(p.Addr()) >= 0 })
			for j := first; j < len(addrs) && p.Contains(addrs[j]); j++ {
				if p.Bits() > smallest[j].bits {
					smallest[j] = route{p.Bits(), i}
				}
			}
		}
	}
	for _, r := range smallest {
		if r.file >= 0 {
			files[r.file] = true
		}
	}
}

// beside adds the files with the address of no server before each of some addresses, which are sorted, and with the one
// behind it: of those that have it twice, the last one and the first one.
func beside(outlines []*outline, addrs []netip.Addr, files map[int]bool) {
	type place struct {
		netip.Addr
		file int
	}
	before, behind := make([]place, len(addrs)+1), make([]place, len(addrs)+1)
	for i, o := range outlines {
		for _, a := range o.others {
			j, _ := slices.BinarySearchFunc(addrs, a, netip.Addr.Compare) // it lies between those at j-1 and j
			if p := &before[j]; !a.Less(p.Addr) {
				*p = place{a, i}
			}
			if p := &behind[j]; !p.IsValid() || a.Less(p.Addr) {
				*p = place{a, i}
			}
		}
	}
	for j := 1; j < len(before); j++ {
		if !before[j].IsValid() {
			before[j] = before[j-1]
		}
	}
	for j := len(addrs) - 1; j >= 0; j-- {
		if !behind[j].IsValid() {
			behind[j] = behind[j+1]
		}
	}
	for j := range addrs {
		for _, p := range []place{before[j], behind[j+1]} {
			if p.IsValid() {
				files[p.file] = true
			}
		}
	}
}
