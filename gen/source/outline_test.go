package source

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/revmap/revmap/gen/diag"
)

// inAllFiles makes Files.edit look at all files.
func inAllFiles(outlines []*outline, _ map[netip.Addr]*change) []int {
	all := make([]int, len(outlines))
	for i := range all {
		all[i] = i
	}
	return all
}

// A crowd writes files that have few addresses among them, so that many are in several, or beside those of another.
type crowd struct{ *rand.Rand }

func (c crowd) chance(percent int) bool { return c.IntN(100) < percent }

func (c crowd) addr() string {
	return [...]string{
		fmt.Sprintf("192.0.2.%d", c.IntN(60)), fmt.Sprintf("198.51.100.%d", c.IntN(20)),
		fmt.Sprintf("2001:db8:%x::%x", c.IntN(3), c.IntN(12)), fmt.Sprintf("203.0.113.%d", c.IntN(4)),
	}[c.IntN(4)]
}

func (c crowd) prefix() string {
	return [...]string{
		"192.0.2.0/26", "192.0.2.16/28", "192.0.2.8/30", "2001:db8::/47", "2001:db8:1::/48", "2001:db8::8/125", "0.0.0.0/1",
	}[c.IntN(7)]
}

// entries writes "addresses" with up to n entries.
func (c crowd) entries(n int, prefix bool) string {
	seen := make(map[string]bool)
	var list []string
	for range n {
		a := c.addr()
		value := fmt.Sprintf("n%d.example", c.IntN(9))
		if prefix && c.chance(20) {
			a, value = c.prefix(), "~"
		}
		if !seen[a] {
			seen[a] = true
			list = append(list, fmt.Sprintf("%q: %s", a, value))
		}
	}
	return "addresses: {" + strings.Join(list, ", ") + "}"
}

// file writes a file; first is the number of its first server.
func (c crowd) file(first int) string {
	var b strings.Builder
	if c.chance(30) {
		fmt.Fprintf(&b, "blocks: {%q: {}}\n", [...]string{
			"192.0.2.0/24", "192.0.2.0/27", "198.51.100.8/29", "2001:db8::/32", "2001:db8:1::/48", "192.0.2.32/28",
		}[c.IntN(6)])
	}
	b.WriteString("servers:\n")
	for i := range 1 + c.IntN(3) {
		fmt.Fprintf(&b, "  s%d: {primary: [%q], %s}\n", first+i, c.addr(), c.entries(c.IntN(4), true))
	}
	if c.chance(60) {
		b.WriteString(c.entries(1+c.IntN(5), false) + "\n")
	}
	if c.chance(1) {
		b.WriteString("server: {}\nservers: {}\n")
	}
	return b.String()
}

// What is done to the files that edits concern is what is done if all files are looked at.
func TestEditOfSomeFiles(t *testing.T) {
	refused, listed, added, looked, all := 0, 0, 0, 0, 0
	some := func(outlines []*outline, changes map[netip.Addr]*change) []int {
		numbers := concerned(outlines, changes)
		looked, all = looked+len(numbers), all+len(outlines)
		return numbers
	}
	for seed := range uint64(1000) {
		c := crowd{rand.New(rand.NewPCG(seed/4, seed%4))}
		if seed%4 == 0 {
			text := map[string]string{"records.yaml": head + "include: ['?.yaml']\n" + c.file(0)}
			for i := range c.IntN(7) {
				text[string(rune('a'+i))+".yaml"] = c.file(10 * (i + 1))
			}
			tree(t, text)
		}
		f := readRecords(t)
		s, _ := f.Join()
		has := saidBy(s)
		var edits []Edit
		for i := range 1 + c.IntN(4) {
			e := Edit{Addr: netip.MustParseAddr(c.addr()), Pos: diag.Position{File: "edits", Line: i + 1}}
			if c.chance(70) {
				e.Name = "new.example"
			}
			edits = append(edits, e)
		}
		want, wantFound, wantErr := f.edit(edits, os.ReadFile, inAllFiles)
		got, found, err := f.edit(edits, os.ReadFile, some)
		failed := func(what string, want, got any) {
			t.Fatalf("seed %d: %s: %v, want %v\n%v\n%v", seed, what, got, want, edits, has)
		}
		switch {
		case wantErr != nil || err != nil:
			failed("error", wantErr, err)
		case !reflect.DeepEqual(wantFound, found):
			failed("findings", wantFound, found)
		case len(found) > 0:
			refused++
			continue
		case !reflect.DeepEqual(want.Texts, got.Texts) || !slices.Equal(want.Changed, got.Changed):
			failed("texts", want.Texts, got.Texts)
		}
		for _, e := range edits {
			if _, ok := has[e.Addr]; ok {
				listed++
			} else if e.Name != "" {
				added++
			}
		}
		sameFiles(t, want.Files, got.Files)
	}
	t.Logf("%d refused, %d edits of entries, %d new ones, %d of %d files looked at", refused, listed, added, looked, all)
	if refused < 300 || listed < 100 || added < 100 || looked > all*3/4 {
		t.Error("the test wants other sources")
	}
}

// The root file can move what it says of others: patterns, and what is wrong with them.
func TestEditMovesPatterns(t *testing.T) {
	tree(t, map[string]string{
		"records.yaml": head + "blocks: {192.0.2.0/24: {}}\naddresses:\n  192.0.2.2: a.example\nforwards: [no.zone, 'z/*']\ninclude: [a.yaml]\n",
		"a.yaml":       server("a"), "z/z.zone": "",
	})
	e, findings := apply(t, editsOf(t, "192.0.2.1 b.example"))
	if len(findings) > 0 {
		t.Fatal(findingLines(findings))
	}
	if err := e.Write(); err != nil {
		t.Fatal(err)
	}
	if f := e.Files.Forwards(); len(f) != 1 || f[0].Pos.Line != 7 || len(e.Files.Findings()) != 1 {
		t.Errorf("forwards %v, findings %v", f, e.Files.Findings())
	}
	sameFiles(t, e.Files, readRecords(t))
}

// Of a million addresses, an edit looks at those in one file.
func TestConcerned(t *testing.T) {
	outlines := make([]*outline, 100)
	for i := range outlines {
		outlines[i] = &outline{blocks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		for j := range 10 {
			outlines[i].owned = append(outlines[i].owned, netip.AddrFrom4([4]byte{10, 0, byte(i), byte(2 * j)}))
			outlines[i].others = append(outlines[i].others, netip.AddrFrom4([4]byte{10, 1, byte(i), byte(2 * j)}))
		}
		outlines[i].routed = append(outlines[i].routed, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 2, byte(i), 0}), 24))
	}
	outlines[7].routed = append(outlines[7].routed, netip.MustParsePrefix("10.2.5.0/25"))
	outlines[8].routed = append(outlines[8].routed, netip.MustParsePrefix("10.2.5.0/25"))
	for _, i := range []int{9, 11} {
		outlines[i].others = append(outlines[i].others, netip.MustParseAddr("10.3.0.5"))
	}
	tests := []struct {
		addr string
		want []int
	}{
		{"10.0.3.4", []int{3}},
		{"10.1.3.4", []int{3}},
		{"10.1.3.3", []int{0, 3}},
		{"10.1.3.99", []int{0, 3, 4}},
		{"10.2.5.1", []int{0, 7, 9, 99}},
		{"10.2.5.200", []int{0, 5, 9, 99}},
		{"10.0.3.5", []int{0}},
		{"10.3.0.4", []int{0, 9, 99}},
		{"10.3.0.6", []int{0, 11}},
		{"192.0.2.1", []int{0, 11}},
	}
	for _, tt := range tests {
		got := concerned(outlines, map[netip.Addr]*change{netip.MustParseAddr(tt.addr): nil})
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s concerns %v, want %v", tt.addr, got, tt.want)
		}
	}
}

// Of files with a million addresses, a plan holds what it is about: what is edited, and where other addresses belong.
func TestConcerning(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "servers:\n")
	for i := range 10 {
		fmt.Fprintf(&b, "  s%d: {product: p, primary: 10.0.0.%d, addresses: {10.0.0.%d: , 10.0.1.%d: x.example}}\n", i, i, i, i)
	}
	b.WriteString("  r: {product: p, primary: 10.0.0.99, addresses: {'2001:db8::/64': }}\n")
	b.WriteString("addresses: {10.0.2.1: {names: [a.example, b.example]}, 10.0.2.2: c.example}\n")
	tree(t, map[string]string{"records.yaml": b.String()})
	pl := plan{changes: make(map[netip.Addr]*change)}
	for _, a := range []string{"10.0.0.3", "10.0.1.4", "10.0.2.2", "192.0.2.1"} {
		pl.changes[netip.MustParseAddr(a)] = &change{}
	}
	s, _ := readRecords(t).Read(0)
	got := pl.concerning(s)
	var names []string
	for _, s := range got.Servers {
		names = append(names, fmt.Sprint(s.Name.Value, " ", len(s.Primary), len(s.Addresses), len(s.Routed)))
	}
	if want := []string{"s3 1 1 0", "s4 0 1 0", "r 0 0 1"}; !slices.Equal(names, want) {
		t.Errorf("servers %q, want %q", names, want)
	}
	if a := got.Addresses; len(a) != 2 || len(a[0].Names) != 0 || len(a[1].Names) != 1 {
		t.Errorf("addresses of no server: %v", a)
	}
}

// Drafts of several people are made at once.
func TestEditTogether(t *testing.T) {
	text := map[string]string{"records.yaml": head + "blocks: {192.0.2.0/24: {}}\ninclude: ['?.yaml']\n"}
	for i := range 4 {
		text[string(rune('a'+i))+".yaml"] = fmt.Sprintf("addresses: {192.0.2.%d: a.example}\n", i)
	}
	tree(t, text)
	f := readRecords(t)
	var people sync.WaitGroup
	for i := range 8 {
		people.Go(func() {
			e, findings, err := f.Edit([]Edit{{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Name: "b.example"}}, os.ReadFile)
			if err != nil || len(findings) > 0 || len(e.Changed) != 1 || e.Changed[0] != min(i+1, 4) {
				t.Errorf("%d: %+v, %v, %v", i, e, findings, err)
			}
		})
	}
	people.Wait()
}

// The text has to be the one that was read.
func TestEditOfChangedText(t *testing.T) {
	tree(t, map[string]string{"records.yaml": head + "blocks: {192.0.2.0/24: {}}\naddresses: {192.0.2.1: a.example}\n"})
	edits := editsOf(t, "192.0.2.1 b.example")
	f := readRecords(t)
	if _, _, err := f.Edit(edits, func(string) ([]byte, error) { return readFile(t, "records.yaml")[1:], nil }); err == nil ||
		!strings.Contains(err.Error(), "records.yaml: the file has changed since it was read") {
		t.Errorf("error: %v", err)
	}
}
