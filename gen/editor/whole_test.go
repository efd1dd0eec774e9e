package editor

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/table"
)

// TestWhole makes random edits, one set after the other, and compares what an Editor knows of them, file by file, with
// what is found by taking the source as a whole.
func TestWhole(t *testing.T) {
	s := newSite(t)
	const files, servers = 5, 8
	for i := range files {
		var b strings.Builder
		b.WriteString("servers:\n")
		for j := range servers {
			fmt.Fprintf(&b, "  s%d-%d: {product: vps, account: %s, primary: 192.0.2.%d, addresses: {192.0.2.%d: }}\n",
				i, j, []string{"acme", "bluebird"}[j%2], 100+i*servers+j, 150+i*servers+j)
		}
		s.Write(map[string]string{fmt.Sprintf("dns/records.d/more%d.yaml", i): b.String()})
	}
	s.Commit("More")
	r := rand.New(rand.NewPCG(1, 2))
	ready := 0
	for round := range 60 {
		edits := randomEdits(r)
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := s.View()
		d, err := s.Draft(t.Context(), edits)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if len(d.Refused) > 0 {
			continue
		}
		oldInv, oldFound := s.whole()
		for _, text := range d.texts {
			s.Write(map[string]string{"dns/" + text.Path: string(text.New)})
		}
		inv, found := s.whole()
		want := diff.Compare(diff.OfInventory(oldInv, nil), diff.OfInventory(inv, nil))
		// Positions are below the folder of the work tree in one, and of the source in the other.
		files := cmp.FilterValues(func(a, b diag.Position) bool { return true },
			cmp.Comparer(func(a, b diag.Position) bool {
				return a.Line == b.Line && a.Column == b.Column && filepath.Base(a.File) == filepath.Base(b.File)
			}))
		options := cmp.Options{files, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()}
		if diff := cmp.Diff(want, d.Review.Changes, options); diff != "" {
			t.Fatalf("round %d: %v: the changes differ (-whole +draft):\n%s", round, edits, diff)
		}
		fresh := found.Count(diag.Error) > oldFound.Count(diag.Error)
		if fresh != (len(d.Fresh) > 0) {
			t.Fatalf("round %d: %v: fresh errors %v; lint of the whole finds\n%v\nand before\n%v", round, edits, d.Fresh, found, oldFound)
		}
		if !d.Ready() {
			s.Git("checkout", "-q", "--", ".")
			continue
		}
		ready++
		s.Git("checkout", "-q", "--", ".")
		s.propose(Proposal{Direct: true, Edits: edits})
		if s.View() == before {
			t.Fatalf("round %d: the View is the old one", round)
		}
		if diff := cmp.Diff(found, s.View().Findings(), options); diff != "" {
			t.Fatalf("round %d: the findings differ (-whole +view):\n%s", round, diff)
		}
		again, err := s.read(t.Context(), s.View().Commit(), nil)
		if err != nil {
			t.Fatal(err)
		}
		all := table.Query{Limit: 1000}
		if diff := cmp.Diff(again.Table().Find(all), s.View().Table().Find(all), options); diff != "" {
			t.Fatalf("round %d: the tables differ (-read +patched):\n%s", round, diff)
		}
	}
	if ready < 20 {
		t.Errorf("only %d of the edits could be made", ready)
	}
}

// whole takes the source in the work tree as a whole.
func (s *site) whole() (*model.Inventory, diag.List) {
	s.Helper()
	src, found, err := source.Load(filepath.Join(s.Dir, "dns/records.yaml"))
	if err != nil {
		s.Fatal(err)
	}
	inv := model.Build(src)
	return inv, lint.Run(inv, found, lint.Options{Today: time.Now()})
}

// randomEdits returns edits of some addresses, most of them good.
func randomEdits(r *rand.Rand) []Edit {
	var edits []Edit
	for range 1 + r.IntN(4) {
		e := Edit{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(256))})}
		if slices.ContainsFunc(edits, func(o Edit) bool { return o.Addr == e.Addr }) {
			continue
		}
		if r.IntN(3) > 0 {
			domain := []string{"acme.example", "bluebird.example", "example.net", "miniserver.example"}[r.IntN(4)]
			e.Name = fmt.Sprintf("h%d.%s", r.IntN(30), domain)
			e.TTL = []string{"", "", "5m", "default"}[r.IntN(4)]
		}
		edits = append(edits, e)
	}
	return edits
}
