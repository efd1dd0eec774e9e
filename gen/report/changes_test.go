package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/peer"
)

var block = netip.MustParsePrefix("192.0.2.0/24")

func atBase(line int) diag.Position {
	return diag.Position{File: "4f2a9c1:records.yaml", Line: line, Column: 3}
}

// review has one change for each thing that a writer must get right.
func review() *Review {
	gone := netip.MustParsePrefix("203.0.113.0/24")
	c := &diff.Changes{
		Blocks: []diff.Block{
			{Prefix: block, Kinds: []diff.Kind{diff.FallbackChanged},
				Detail: []string{"fallback: {ip}.a.example → {ip}.b.example"}, OldPos: atBase(5), Pos: at(6, 3)},
			{Prefix: gone, Kinds: []diff.Kind{diff.BlockRemoved}, OldPos: atBase(7)},
		},
		Zones: []diff.Zone{
			{Name: "113.0.203.in-addr.arpa.", Kinds: []diff.Kind{diff.ZoneRemoved}, OldPos: atBase(7)},
			{Name: "2.0.192.in-addr.arpa.", Kinds: []diff.Kind{diff.SOAChanged, diff.NSChanged},
				Detail: []string{"refresh: 3600 → 7200", "name servers: ns1.example.net. → ns1.example.net. ns2.example.net."},
				OldPos: atBase(3), Pos: at(3, 3)},
		},
		Delegations: []diff.Delegation{{
			Prefix: netip.MustParsePrefix("2001:db8:f00::/48"), Kinds: []diff.Kind{diff.DelegationAdded}, Pos: at(9, 5),
		}},
		Rules: []diff.Rule{{
			Subject: "name-shared", Kinds: []diff.Kind{diff.SeverityChanged}, Detail: []string{"severity: warning (default) → off"},
			Pos: at(2, 16),
		}},
		Servers: []diff.Server{{
			Name: "examplaab7", Kinds: []diff.Kind{diff.PrimaryMoved},
			Old: []netip.Addr{addr(20)}, New: []netip.Addr{addr(30)}, Detail: "primary 192.0.2.20 → 192.0.2.30",
			OldPos: atBase(40), Pos: at(40, 3),
		}},
		Totals: []diff.Total{
			{Block: block, Pos: atBase(5), Old: 10, New: 9, Lost: 2, Changed: 4},
			{Block: gone, Pos: atBase(7), Old: 5, Lost: 5, Changed: 5},
		},
		Total: diff.Total{Old: 15, New: 9, Lost: 7, Changed: 9},
	}
	named := func(line int, names ...string) diff.State {
		return diff.State{Names: names, TTL: 3600, Origin: model.Explicit, Block: block, Pos: at(line, 7)}
	}
	c.Addresses = []diff.Address{
		{
			Addr: addr(10), Kinds: []diff.Kind{diff.NameChanged},
			Old: named(30, "mail.acme.example."), New: named(31, "mx.acme.example."),
			Effects: []diff.Effect{
				{
					ID: "no-longer-helo", Severity: diag.Error,
					Message: `server examplaaa1 says "mail.acme.example." in HELO, which is no name of it`,
				},
				{
					ID: "now-looks-generated", Severity: diag.Warning,
					Message: "mx.acme.example. looks generated to S25R",
				},
			},
		},
		{
			Addr: addr(20), Kinds: []diff.Kind{diff.NameRemoved, diff.ServerLost, diff.PrimaryLost},
			Old: diff.State{
				Names: []string{"examplaab7.dedicated.example."}, TTL: 3600, Origin: model.Default,
				Server: "examplaab7", Primary: true, Block: block, Pos: atBase(41),
			},
			New:     diff.State{Block: block},
			Effects: []diff.Effect{{ID: "ptr-disappears", Severity: diag.Warning, Message: "the PTR disappears"}},
		},
		{
			Addr: addr(30), Kinds: []diff.Kind{diff.NameSet, diff.ServerGained, diff.PrimaryGained},
			Old: diff.State{Block: block},
			New: diff.State{
				Names: []string{"examplaab7.dedicated.example."}, TTL: 3600, Origin: model.Default,
				Server: "examplaab7", Primary: true, Block: block, HELO: "mail.example.net.", Pos: at(41, 14),
			},
		},
		{
			Addr: addr(40), Kinds: []diff.Kind{diff.TTLChanged},
			Old: named(50, "a.example.", "b.example."), New: named(50, "a.example.", "b.example."),
		},
		{
			Addr: addr(50), Kinds: []diff.Kind{diff.NameRemoved, diff.DelegationGained}, Old: named(51, "c.example."),
			New: diff.State{Block: block, Delegation: netip.MustParsePrefix("192.0.2.48/28"), Pos: at(51, 3)},
		},
	}
	c.Addresses[3].New.TTL = 300
	for i := range 5 {
		a := netip.AddrFrom4([4]byte{203, 0, 113, byte(i + 1)})
		c.Addresses = append(c.Addresses, diff.Address{
			Addr: a, Kinds: []diff.Kind{diff.NameRemoved},
			Old: diff.State{
				Names: []string{fmt.Sprintf("host%d.example.net.", i)}, TTL: 3600, Origin: model.Explicit, Block: gone,
				Pos: atBase(60 + i),
			},
			Effects: []diff.Effect{{ID: "ptr-disappears", Severity: diag.Warning, Message: "the PTR disappears"}},
		})
	}
	return &Review{
		Changes: c, Old: "4f2a9c1:records.yaml", New: "records.yaml", NewErrors: 2,
		Stops: []diff.Stop{
			{Gate: "lost", Message: "7 of 15 names would be lost, 46.7%; at most 10% may", Allow: "lost"},
			{Gate: "zone-removed", Subject: "113.0.203.in-addr.arpa.", Message: "zone 113.0.203.in-addr.arpa. would be removed",
				Pos: atBase(7), Allow: "zone-removed=113.0.203.in-addr.arpa"},
		},
		Allowed: []diff.Stop{{
			Gate: "soa-changed", Subject: "2.0.192.in-addr.arpa.", Message: "the SOA of 2.0.192.in-addr.arpa. would change",
			Pos: at(3, 3), Allow: "soa-changed=2.0.192.in-addr.arpa", AllowedBy: "commit 9d1e0aa by A Person",
		}},
		Ignored: []Ignored{
			{Text: "Revmap-Allow zone-removed=113.0.203.in-addr.arpa", By: "commit 9d1e0aa by A Person",
				Why: "a colon has to follow Revmap-Allow"},
			{Text: "--allow lost=198.51.100.0/24", Why: "the gate lost stops nothing of 198.51.100.0/24"},
		},
	}
}

func addr(last byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, last}) }

// A reviewer in a hurry reads the first line: where no name of its own changes, it must not read as if nothing did.
func TestHeadline(t *testing.T) {
	all := review()
	all.Addresses = all.Addresses[3:4]
	for want, r := range map[string]*Review{
		"names: 7 removed, 1 changed, 1 set": review(),
		"changes in blocks (2), zones (2), delegations (1), rules (1), servers (1), addresses (1)": all,
		"changes in rules (1)": {Changes: &diff.Changes{Rules: all.Rules}},
	} {
		if got := r.headline(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// forms are the ways to write a Review.
var forms = map[string]func(*Review, io.Writer) error{
	"txt":   func(r *Review, w io.Writer) error { return r.Text(w, false) },
	"color": func(r *Review, w io.Writer) error { return r.Text(w, true) },
	"json":  (*Review).JSON,
	"md":    (*Review).Markdown,
}

func TestReview(t *testing.T) {
	for _, tt := range []struct {
		golden string
		review *Review
	}{
		{"changes", review()},
		{"no-changes", &Review{Changes: new(diff.Changes), Old: "a.yaml", New: "b.yaml"}},
	} {
		for form, write := range forms {
			t.Run(tt.golden+"."+form, func(t *testing.T) {
				var b bytes.Buffer
				if err := write(tt.review, &b); err != nil {
					t.Fatal(err)
				}
				golden(t, tt.golden+"."+form, b.Bytes())
			})
		}
	}
}

// evil is a name that means something in Markdown, in HTML, on GitHub and to a terminal.
const evil = "a|b`c``d\\|<img>&amp;*e*_f_~~g~~[h](https://a.example)@admin#1\x1b[31m\r\n|\u202e"

// called returns a review in which everything that can has the given name, or one made from it.
func called(name string) *Review {
	r := review()
	r.Old, r.New = name, name
	for i := range r.Stops {
		r.Stops[i].Message, r.Stops[i].Subject, r.Stops[i].Pos = name, name, diag.Position{}
	}
	r.Allowed[0].Message, r.Allowed[0].AllowedBy = name, name
	for i := range r.Ignored {
		r.Ignored[i] = Ignored{Text: name, By: name, Why: name}
	}
	pos := diag.Position{File: name, Line: 1, Column: 1}
	for i := range r.Servers {
		r.Servers[i].Name, r.Servers[i].Detail, r.Servers[i].Pos = name, name, pos
	}
	r.Rules[0].Subject, r.Rules[0].Detail = name, []string{name}
	for i := range r.Zones {
		r.Zones[i].Name, r.Zones[i].Detail = name, []string{name, name}
	}
	for i := range r.Addresses {
		a := &r.Addresses[i]
		a.Old.Names, a.New.Names = []string{name}, []string{name + "x"}
		a.Old.Server, a.New.Server, a.New.Pos = name, name, pos
		for j := range a.Effects {
			a.Effects[j].Message = name
		}
	}
	return r
}

// TestReviewTextHostile: nothing reaches a terminal that it would obey.
func TestReviewTextHostile(t *testing.T) {
	var b strings.Builder
	if err := called(evil).Text(&b, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\r\u202e") {
		t.Errorf("the text has control characters:\n%q", b.String())
	}
}

// TestReviewMarkdownHostile: GitHub's own renderer makes the same page of a review whatever things are called, but for
// the text of code, and that is what they are called.
func TestReviewMarkdownHostile(t *testing.T) {
	tame, _ := render(t, called("1a"))
	page, codes := render(t, called(evil))
	if d := cmp.Diff(tame, page); d != "" {
		t.Errorf("other names give another page (-tame +evil):\n%s", d)
	}
	for _, want := range []string{printable(evil), printable(evil) + "x", printable(evil) + ":1:1"} {
		if !slices.Contains(codes, want) {
			t.Errorf("no code is %q", want)
		}
	}
}

// render returns the HTML that GitHub makes of a review, with "CODE" in place of what stands in code, and that.
func render(t *testing.T, r *Review) (page string, codes []string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peer.Needs(t, "cmark-gfm")[0], "--unsafe",
		"-e", "table", "-e", "strikethrough", "-e", "autolink", "-e", "tagfilter")
	cmd.Stdin = &b
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?s)<code>(.*?)</code>`)
	for _, m := range code.FindAllSubmatch(out, -1) {
		codes = append(codes, html.UnescapeString(string(m[1])))
	}
	return code.ReplaceAllString(string(out), "CODE"), codes
}

// TestReviewMarkdownCut: however much changes, a comment stays below GitHub's limit, and tells of each kind of change
// some, and how many are missing.
func TestReviewMarkdownCut(t *testing.T) {
	r := review()
	long := strings.Repeat("long-label-", 5) + "."
	for i := range 10_000 {
		a := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
		in, _ := a.Prefix(24)
		name := fmt.Sprintf("%d.%s%s%s", i, long, long, long)
		r.Addresses = append(r.Addresses, diff.Address{
			Addr: a, Kinds: []diff.Kind{diff.NameRemoved}, Old: diff.State{Names: []string{name}, Block: in},
			Effects: []diff.Effect{{ID: fmt.Sprintf("effect-%d", i%500), Severity: diag.Warning, Message: name}},
		})
		r.Zones = append(r.Zones, diff.Zone{Name: name, Kinds: []diff.Kind{diff.ZoneRemoved}})
		r.Servers = append(r.Servers, diff.Server{Name: name, Kinds: []diff.Kind{diff.PrimaryMoved}, Detail: name})
		r.Stops = append(r.Stops, diff.Stop{Gate: "zone-removed", Message: name, Allow: "zone-removed=" + name})
		r.Allowed = append(r.Allowed, diff.Stop{Gate: "zone-removed", Message: name, AllowedBy: name})
	}
	r.Stops = append(r.Stops, diff.Stop{Gate: "fallback-removed", Message: "after many others", Allow: "fallback-removed"})
	r.Allowed = append(r.Allowed, diff.Stop{Gate: "ns-changed", Message: "after many others", AllowedBy: "a commit"})
	var b strings.Builder
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if n := len(text); n > maxMarkdown || n < maxMarkdown*9/10 {
		t.Errorf("%d bytes were written", n)
	}
	for _, want := range []string{
		"### Stopped by 10,003 gates; names: 10,007 removed, 1 changed, 1 set\n",
		"\n…and 9,993 more.\n\nIf that is meant",
		"| name removed | 10,007 | 256 in `198.18.0.0/24`, 256 in `198.18.1.0/24`, 256 in `198.18.2.0/24`, … |\n",
		"\n- after many others (`fallback-removed`)\n",
		"\nRevmap-Allow: fallback-removed\n",
		"for all of a kind: `Revmap-Allow: zone-removed`\n",
		"\n- after many others (`ns-changed`), by a commit\n",
		"| name changed | 1 |",
		"<summary>Zones (10,002)</summary>",
		"<summary>Addresses: name removed (10,007)</summary>",
		"<summary>Addresses: name set (1)</summary>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	_, removed, _ := strings.Cut(text, "<summary>Addresses: name removed (10,007)</summary>")
	removed, _, _ = strings.Cut(removed, "</details>")
	rows := strings.Count(removed, "\n| `")
	end := fmt.Sprintf("\n…and %s more.\n\n", Number(10_007-rows))
	if rows < 10 || !strings.HasSuffix(removed, end) {
		t.Errorf("of the names removed there are %d rows; the rest is not counted as %q", rows, end)
	}
}

// TestReviewJSON: the output is one value, in which everything is found again.
func TestReviewJSON(t *testing.T) {
	var b bytes.Buffer
	if err := review().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kinds     map[string]int
		Effects   map[string]int
		Addresses []struct {
			Address netip.Addr
			Kinds   []string
			Old     struct{ Names []string }
			New     struct{ Names []string }
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for i, a := range review().Addresses {
		g := got.Addresses[i]
		if g.Address != a.Addr || len(g.Kinds) != len(a.Kinds) ||
			len(g.Old.Names) != len(a.Old.Names) || g.New.Names == nil {
			t.Errorf("address %d is %+v, want %+v", i, g, a)
		}
	}
	if got.Kinds["name-removed"] != 7 || got.Kinds["primary-lost"] != 1 || got.Kinds["ns-changed"] != 1 {
		t.Errorf("kinds = %v", got.Kinds)
	}
	want := map[string]int{"ptr-disappears": 6, "no-longer-helo": 1, "now-looks-generated": 1}
	if d := cmp.Diff(want, got.Effects); d != "" {
		t.Errorf("effects (-want +got):\n%s", d)
	}
}

// TestReviewWriteError: the error of the writer is returned.
func TestReviewWriteError(t *testing.T) {
	for form, write := range forms {
		if err := write(review(), full{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", form, err)
		}
	}
}
