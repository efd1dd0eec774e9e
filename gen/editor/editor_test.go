package editor

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/internal/gittest"
)

// root and customers are the two files of the source of these tests.
const (
	root = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.miniserver.example"}
accounts:
  acme: {domains: [acme.example]}
  bluebird: {domains: [bluebird.example]}
blocks:
  192.0.2.0/24: {}
  2001:db8::/32: {}
include: [records.d/*.yaml]
`
	customers = `servers:
  web1:
    product: vps
    account: acme
    primary: 192.0.2.10
    addresses:
      192.0.2.10: mail.acme.example # its mail server
      192.0.2.11:
      2001:db8:0:1::/64:
  web2: {product: vps, account: bluebird, primary: 192.0.2.20}
addresses:
  192.0.2.1: gw1.example.net
`
)

var author = repository.Identity{Name: "Mia Example", Email: "mia@example.net"}

// A site is a repository with an Editor.
type site struct {
	gittest.Tree
	*Editor
}

// newSite makes a repository whose source has one commit, in a folder of the repository.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Tree: gittest.New(t)}
	s.Write(map[string]string{"dns/records.yaml": root, "dns/records.d/customers.yaml": customers})
	s.Commit("Begin")
	s.start()
	t.Cleanup(func() { s.Close() })
	return s
}

// start opens the repository.
func (s *site) start() {
	s.Helper()
	s.startWith("")
}

// startWith opens it with a remote, "" for none.
func (s *site) startWith(remote string) {
	s.Helper()
	r, err := repository.Open(s.Context(), repository.Options{
		Root: filepath.Join(s.Dir, "dns/records.yaml"), Remote: remote,
		Committer: repository.Identity{Name: "revmap", Email: "revmap@example.net"},
	})
	if err != nil {
		s.Fatal(err)
	}
	if s.Editor, err = Start(s.Context(), Options{Repository: r, Remote: remote != "", Limits: diff.DefaultLimits()}); err != nil {
		s.Fatal(err)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func edit(a, name string) Edit { return Edit{Addr: addr(a), Name: name} }

// seen is an edit by somebody who has seen the name that an address had.
func seen(e Edit, was string) Edit {
	e.Was = &was
	return e
}

// propose proposes edits, which must be good.
func (s *site) propose(p Proposal) *Proposed {
	s.Helper()
	p.Author = author
	if p.Login == "" {
		p.Login = "mia"
	}
	done, err := s.Propose(s.Context(), p)
	if err != nil {
		s.Fatalf("Propose(%v): %v", p.Edits, err)
	}
	return done
}

// name returns the reverse map name of an address in the newest View.
func (s *site) name(a string) string {
	s.Helper()
	r, ok := s.View().At(addr(a))
	if !ok {
		s.Fatalf("%s lies in no block", a)
	}
	return r.Name
}

func TestProposeOnABranch(t *testing.T) {
	s := newSite(t)
	tip := s.Git("rev-parse", "main")
	done := s.propose(Proposal{Edits: []Edit{edit("192.0.2.11", "shop.acme.example")}, Reason: "the shop moves"})
	if !strings.HasPrefix(done.Branch, "rdns/mia/") || done.Direct {
		t.Errorf("the proposal is on branch %q, direct: %t; want one of rdns/mia/", done.Branch, done.Direct)
	}
	if got := s.Git("rev-parse", "main"); got != tip {
		t.Errorf("main has moved to %s", got)
	}
	if got := s.Git("status", "--porcelain"); got != "" {
		t.Errorf("the work tree is not clean:\n%s", got)
	}
	if got := s.Git("log", "-1", "--format=%H %P %an <%ae> %cn%n%B", done.Branch); got != done.Commit+" "+tip+
		" Mia Example <mia@example.net> revmap\nName 192.0.2.11 shop.acme.example\n\nthe shop moves\n\n"+
		"192.0.2.11: no name → shop.acme.example" {
		t.Errorf("the commit is\n%s", got)
	}
	want := strings.Replace(customers, "192.0.2.11:", "192.0.2.11: shop.acme.example", 1)
	if diff := cmp.Diff(strings.TrimSpace(want), s.Git("show", done.Branch+":dns/records.d/customers.yaml")); diff != "" {
		t.Errorf("the file differs (-want +got):\n%s", diff)
	}
	if s.name("192.0.2.11") != "" {
		t.Error("the View has what is only proposed")
	}
	open := s.Open()
	if len(open) != 1 || open[0].Branch != done.Branch || open[0].Reason != "the shop moves" {
		t.Fatalf("Open() = %+v, want the proposal", open)
	}

	s.Close()
	s.start()
	if diff := cmp.Diff(open, s.Open(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("after a restart other proposals are open (-before +after):\n%s", diff)
	}
	s.Git("merge", "-q", "--ff-only", done.Branch)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.name("192.0.2.11"); got != "shop.acme.example." {
		t.Errorf("after the merge the name is %q", got)
	}
	if open := s.Open(); len(open) > 0 {
		t.Errorf("after the merge %+v is open", open)
	}
}

func TestProposalsEnd(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*site, *Proposed)
	}{
		{"when the branch is deleted", func(s *site, p *Proposed) { s.Git("branch", "-qD", p.Branch) }},
		{"when the main branch has the same in another commit", func(s *site, p *Proposed) {
			s.Git("merge", "-q", "--squash", p.Branch)
			s.Git("commit", "-q", "-m", "Squashed")
		}},
		{"when the main branch has a name in another form", func(s *site, p *Proposed) {
			more := s.propose(Proposal{Edits: []Edit{edit("192.0.2.1", "Bücher.example.net")}})
			s.Git("merge", "-q", "--squash", p.Branch)
			s.Git("commit", "-q", "-m", "One")
			s.Git("merge", "-q", "--squash", more.Branch)
			s.Git("commit", "-q", "-m", "Two")
		}},
		{"when they are withdrawn", func(s *site, p *Proposed) {
			if err := s.Withdraw(s.Context(), p.Branch); err != nil {
				s.Fatal(err)
			}
			if out := s.Git("branch", "--list", "rdns/*"); out != "" {
				s.Errorf("the branch is still there: %s", out)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			test.end(s, s.propose(Proposal{Edits: []Edit{edit("192.0.2.11", "shop.acme.example")}}))
			if err := s.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if open := s.Open(); len(open) > 0 {
				t.Errorf("%+v is open", open)
			}
		})
	}
}

func TestDirect(t *testing.T) {
	s := newSite(t)
	done := s.propose(Proposal{Direct: true, Edits: []Edit{edit("192.0.2.11", "shop.acme.example"), edit("192.0.2.10", "")}})
	if !done.Direct || done.Branch != "main" || s.Git("rev-parse", "main") != done.Commit {
		t.Errorf("done = %+v, main is at %s", done, s.Git("rev-parse", "main"))
	}
	if got := s.Git("status", "--porcelain"); got != "" {
		t.Errorf("the work tree does not follow:\n%s", got)
	}
	if got := s.View().Commit().ID; got != done.Commit {
		t.Errorf("the View is of commit %s", got)
	}
	if got := s.name("192.0.2.11") + s.name("192.0.2.10"); got != "shop.acme.example." {
		t.Errorf("the names are %q", got)
	}
	r, _ := s.View().At(addr("192.0.2.10"))
	if r.Answer != "web1.miniserver.example." {
		t.Errorf("192.0.2.10 answers with %q, want its default hostname", r.Answer)
	}
	s.Close()
	s.start() // what was patched must be what is read
	if again, _ := s.View().At(addr("192.0.2.10")); again != r {
		t.Errorf("after a restart the row is %+v, before %+v", again, r)
	}
}

func TestDirectGates(t *testing.T) {
	s := newSite(t)
	s.o.Limits = diff.Limits{MaxLost: diff.Limit{Number: 0}, MaxChanged: diff.Limit{Percent: 100}}
	tip := s.Git("rev-parse", "main")
	_, err := s.Propose(t.Context(), Proposal{Login: "mia", Author: author, Direct: true, Edits: []Edit{edit("192.0.2.1", "")}})
	var gate *GateError
	if !errors.As(err, &gate) || s.Git("rev-parse", "main") != tip {
		t.Errorf("error %v, want a gate; main moved: %t", err, s.Git("rev-parse", "main") != tip)
	}
}

func TestConflict(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Direct: true, Edits: []Edit{seen(edit("192.0.2.11", "shop.acme.example"), "")}})
	_, err := s.Propose(t.Context(), Proposal{
		Login: "ben", Author: author, Direct: true,
		Edits: []Edit{seen(edit("192.0.2.11", "www.acme.example"), ""), edit("192.0.2.10", "")},
	})
	var not *NotReadyError
	if !errors.As(err, &not) || len(not.Draft.Conflicts) != 1 {
		t.Fatalf("error %v, want one conflict", err)
	}
	c := not.Draft.Conflicts[0]
	if c.Is != "shop.acme.example." || c.By == nil || c.By.Author != author || c.By.Subject != "Name 192.0.2.11 shop.acme.example" {
		t.Errorf("the conflict is %+v, by %+v", c, c.By)
	}
	if s.name("192.0.2.11") != "shop.acme.example." || s.name("192.0.2.10") != "mail.acme.example." {
		t.Error("a part of what conflicts was made")
	}
	// Wanting what is there already is no conflict.
	d, err := s.Draft(t.Context(), []Edit{seen(edit("192.0.2.11", "SHOP.acme.example"), "")})
	if err != nil || len(d.Conflicts) > 0 || d.Ready() {
		t.Errorf("Draft of what is there already: %v, conflicts %v, ready: %t", err, d.Conflicts, d.Ready())
	}
}

func TestDraftRefused(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct {
		edit    Edit
		refused string // rules
		fresh   string
	}{
		{edit("192.0.2.11", "shop..acme.example"), "name-invalid", ""},
		{edit("198.51.100.1", "shop.acme.example"), "address-outside-blocks", ""},
		{edit("192.0.2.11", "shop.bluebird.example"), "", "name-outside-domains"},
		{edit("192.0.2.11", "shop.acme.example"), "", ""},
	} {
		d, err := s.Draft(t.Context(), []Edit{test.edit})
		if err != nil {
			t.Fatal(err)
		}
		var refused, fresh []string
		for _, f := range d.Refused {
			refused = append(refused, f.Rule)
		}
		for _, f := range d.Fresh {
			fresh = append(fresh, f.Rule)
		}
		if strings.Join(refused, " ") != test.refused || strings.Join(fresh, " ") != test.fresh {
			t.Errorf("%v: refused %q, fresh %q; want %q, %q", test.edit, refused, fresh, test.refused, test.fresh)
		}
		bad := test.refused != "" || test.fresh != ""
		if d.Ready() == bad || (len(d.Of(test.edit.Addr)) > 0) != bad {
			t.Errorf("%v: ready: %t, findings of the address: %v", test.edit, d.Ready(), d.Of(test.edit.Addr))
		}
		if test.fresh != "" {
			if text, err := d.Read(d.Fresh[0].Pos.File); err != nil || !strings.Contains(string(text), test.edit.Name) {
				t.Errorf("%v: Read(%q) = %q, %v; want the edited file", test.edit, d.Fresh[0].Pos.File, text, err)
			}
		}
	}
}

// TestTogether sets one name after the other, as programs do.
func TestTogether(t *testing.T) {
	s := newSite(t)
	tip := s.Git("rev-parse", "main")
	first := s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
	last := s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "c.acme.example")}})
	if first.Branch != "rdns/mia/api" || last.Branch != first.Branch {
		t.Errorf("branches %q, %q; want rdns/mia/api", first.Branch, last.Branch)
	}
	if got := s.Git("rev-list", "--count", tip+".."+last.Branch); got != "1" {
		t.Errorf("the branch has %s commits, want 1", got)
	}
	want := strings.NewReplacer("192.0.2.11:", "192.0.2.11: c.acme.example", "primary: 192.0.2.20}",
		"primary: 192.0.2.20, addresses: {192.0.2.20: b.bluebird.example}}").Replace(customers)
	if diff := cmp.Diff(strings.TrimSpace(want), s.Git("show", last.Branch+":dns/records.d/customers.yaml")); diff != "" {
		t.Errorf("the file differs (-want +got):\n%s", diff)
	}
	if open := s.Open(); len(open) != 1 || len(open[0].Edits) != 2 {
		t.Errorf("Open() = %+v, want one with two edits", open)
	}
	s.Replace("dns/records.d/customers.yaml", "# its mail server", "# moved")
	s.Commit("By hand")
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "")}})
	if got := s.Git("rev-parse", last.Branch+"^"); got != s.Git("rev-parse", "main") {
		t.Errorf("the parent of the proposal is %s, want the new tip of main", got)
	}
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "")}})
	if out := s.Git("branch", "--list", "rdns/*"); out != "" || len(s.Open()) > 0 {
		t.Errorf("all is taken back, but there are branches %q and proposals %v", out, s.Open())
	}
}

// TestTogetherAfter is what becomes of the branch of a person's programs when others have been at it.
func TestTogetherAfter(t *testing.T) {
	const branch = "rdns/mia/api"
	for name, test := range map[string]struct {
		others func(s *site) // after one name was set
		branch string        // of the next
		edits  int           // that it has
	}{
		"nothing":        {func(s *site) {}, branch, 2},
		"merged":         {func(s *site) { s.Git("merge", "-q", "--no-ff", "-m", "Merge", branch) }, branch, 1},
		"fast-forwarded": {func(s *site) { s.Git("merge", "-q", "--ff-only", branch) }, branch, 1},
		"squashed": {func(s *site) {
			s.Git("merge", "-q", "--squash", branch)
			s.Commit("Squash")
		}, branch + "-2", 1},
		"rebased": {func(s *site) {
			s.Write(map[string]string{"note": "text"})
			s.Commit("Other")
			s.Git("cherry-pick", branch)
		}, branch + "-2", 1},
		"deleted": {func(s *site) { s.Git("branch", "-D", branch) }, branch, 1},
		"a commit more": {func(s *site) {
			s.Git("checkout", "-q", branch)
			s.Git("commit", "-q", "--allow-empty", "-m", "Review")
			s.Git("checkout", "-q", "main")
		}, branch + "-2", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
			test.others(s)
			before := s.Git("for-each-ref", "refs/heads/"+branch)
			for range 2 { // the second time, it is there
				done := s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
				if done.Branch != test.branch || s.Git("rev-parse", done.Branch) != done.Commit {
					t.Fatalf("the next is on branch %s, want %s", done.Branch, test.branch)
				}
			}
			if test.branch != branch && s.Git("for-each-ref", "refs/heads/"+branch) != before {
				t.Error("the branch of others has moved")
			}
			if open := s.Open(); len(open) != 1 || len(open[0].Edits) != test.edits {
				t.Errorf("Open() = %+v, want one with %d edits", open, test.edits)
			}
		})
	}
}

// TestTogetherTwice has programs set the same several times in a second.
func TestTogetherTwice(t *testing.T) {
	s := newSite(t)
	for range 5 {
		s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
		if open := s.Open(); len(open) != 1 || s.Git("rev-parse", "rdns/mia/api") != open[0].Commit {
			t.Fatalf("Open() = %+v, want what the branch has", open)
		}
	}
}

// TestTogetherMay takes the right to an address away from a person whose programs have set it.
func TestTogetherMay(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
	s.propose(Proposal{
		Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")},
		May: func(e Edit) error {
			if e.Addr == addr("192.0.2.20") {
				return errors.New("no more")
			}
			return nil
		},
	})
	if open := s.Open(); len(open) != 1 || len(open[0].Edits) != 1 || open[0].Edits[0].Addr != addr("192.0.2.11") {
		t.Errorf("Open() = %+v, want the last edit alone", open)
	}
}

// TestTogetherSameText: an edit that makes no other text is kept, too, even if the commit is the same as the one before.
func TestTogetherSameText(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
	s.propose(Proposal{Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "")}}) // what the main branch says
	all := s.Open()
	if last := all[len(all)-1]; last.Branch != "rdns/mia/api" || len(last.Edits) != 2 {
		t.Errorf("the newest proposal is %+v, want that of programs, with both edits", last)
	}
}

// TestTogetherOlder is about a proposal that was written down by an older revmap.
func TestTogetherOlder(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	if err := s.open.change(func(list []Open) []Open {
		list[0].Edits = []Edit{edit("192.0.2.11", "a.acme.example")}
		return list
	}); err != nil {
		t.Fatal(err)
	}
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
	for _, e := range s.Open()[0].Edits {
		if e.Was == nil {
			t.Errorf("nothing tells what %s was when it was to be named %s", e.Addr, e.Name)
		}
	}
}

// TestTogetherLeaves has the source change under what a person's programs have proposed. What does not hold any more must
// neither come back nor be in the way of the next change, and the rest stays.
func TestTogetherLeaves(t *testing.T) {
	const branch = "rdns/mia/api"
	change := func(old, new string) func(*site) {
		return func(s *site) {
			text := strings.Replace(customers, old, new, 1)
			if text == customers {
				s.Fatalf("there is no %q", old)
			}
			s.Write(map[string]string{"dns/records.d/customers.yaml": text})
			s.Commit("By hand")
		}
	}
	together := func(edits ...Edit) Proposal { return Proposal{Together: true, Edits: edits} }
	next := edit("192.0.2.20", "b.bluebird.example")
	for name, test := range map[string]struct {
		before []Edit
		others func(s *site)
		edits  string // of the proposal after the next
		left   string
	}{
		"nothing has changed": {
			[]Edit{edit("192.0.2.11", "a.acme.example")}, func(*site) {},
			"192.0.2.11=a.acme.example 192.0.2.20=b.bluebird.example", "",
		},
		"another address has changed": {
			[]Edit{edit("192.0.2.11", "a.acme.example")}, change("gw1", "gw2"),
			"192.0.2.11=a.acme.example 192.0.2.20=b.bluebird.example", "",
		},
		"lint has something against it": {
			[]Edit{edit("192.0.2.11", "a.acme.example"), edit("192.0.2.10", "c1.acme.example")},
			change("account: acme\n", "account: acme\n    helo: other.acme.example\n"),
			"192.0.2.11=a.acme.example 192.0.2.20=b.bluebird.example",
			"192.0.2.10: the primary address 192.0.2.10 has the name \"c1.acme.example.\", but the server says",
		},
		"what is refused": {
			[]Edit{edit("192.0.2.11", "a.acme.example"), edit("2001:db8:0:1::5", "b.acme.example"), edit("192.0.2.10", "")},
			func(s *site) {
				s.Write(map[string]string{"dns/records.yaml": strings.Replace(root, "/32: {}", "/32: {delegations: {\"2001:db8::/48\": {nameservers: [ns1.example.org, ns2.example.org]}}}", 1)})
				s.Commit("Delegate")
			},
			"192.0.2.11=a.acme.example 192.0.2.10= 192.0.2.20=b.bluebird.example", "2001:db8:0:1::5: ",
		},
		"somebody has named it": {
			[]Edit{edit("192.0.2.11", "a.acme.example")}, change("192.0.2.11:", "192.0.2.11: other.acme.example"),
			"192.0.2.20=b.bluebird.example", "192.0.2.11: it was named other.acme.example. since",
		},
		"somebody has taken its name": {
			[]Edit{edit("192.0.2.10", "a.acme.example")}, change("192.0.2.10: mail.acme.example", "192.0.2.10:"),
			"192.0.2.20=b.bluebird.example", "192.0.2.10: its name was taken away since",
		},
		"somebody has added a name": {
			[]Edit{edit("192.0.2.10", "a.acme.example")},
			change("192.0.2.10: mail.acme.example", "192.0.2.10: {names: [mail.acme.example, mx.acme.example]}"),
			"192.0.2.20=b.bluebird.example", "192.0.2.10: it has 2 names since",
		},
		"somebody has added a name to the one that is wanted": {
			[]Edit{edit("192.0.2.10", "a.acme.example")},
			change("192.0.2.10: mail.acme.example", "192.0.2.10: {names: [a.acme.example, mx.acme.example]}"),
			"192.0.2.20=b.bluebird.example", "192.0.2.10: it has 2 names since",
		},
		"somebody has named it so": {
			[]Edit{edit("192.0.2.11", "a.acme.example"), edit("192.0.2.10", "")},
			change("192.0.2.11:", "192.0.2.11: a.acme.example"),
			"192.0.2.10= 192.0.2.20=b.bluebird.example", "",
		},
		"the person has asked for something else": {
			[]Edit{edit("192.0.2.11", "a.acme.example"), edit("192.0.2.10", "")},
			func(s *site) { s.propose(Proposal{Edits: []Edit{edit("192.0.2.11", "c.acme.example")}}) },
			"192.0.2.10= 192.0.2.20=b.bluebird.example", "192.0.2.11: rdns/mia/",
		},
		"somebody else has asked for something else": {
			[]Edit{edit("192.0.2.11", "a.acme.example")},
			func(s *site) { s.propose(Proposal{Login: "ben", Edits: []Edit{edit("192.0.2.11", "c.acme.example")}}) },
			"192.0.2.11=a.acme.example 192.0.2.20=b.bluebird.example", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			for _, e := range test.before {
				s.propose(together(e))
			}
			test.others(s)
			done := s.propose(together(next))
			left, edits := "", ""
			for _, l := range done.Left {
				left += fmt.Sprintf("%s: %s\n", l.Addr, l.Why)
			}
			for _, o := range s.Open() {
				for _, e := range o.Edits {
					if o.Branch == branch {
						edits += fmt.Sprintf(" %s=%s", e.Addr, e.Name)
					}
				}
			}
			if strings.TrimSpace(edits) != test.edits || !strings.HasPrefix(left, test.left) || strings.Count(left, "\n") > 1 ||
				test.left == "" && left != "" {
				t.Errorf("the proposal has%s and leaves out\n%s\nwant %s\n%s", edits, left, test.edits, test.left)
			}
			message := s.Git("log", "-1", "--format=%B", branch)
			for _, l := range done.Left {
				if !strings.Contains(message, l.Addr.String()+": ") || !strings.Contains(message, " left out: "+l.Why) {
					t.Errorf("the message does not tell what is left out:\n%s", message)
				}
			}
			if got := Reason(repository.Commit{Body: s.Git("log", "-1", "--format=%b", branch)}); got != "" {
				t.Errorf("what the message tells is taken for the reason %q", got)
			}
			main := s.name("192.0.2.11")
			s.Git("merge", "-q", "--ff-only", branch)
			if err := s.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.name("192.0.2.11"); got != main && !strings.Contains(test.edits, "192.0.2.11") {
				t.Errorf("the merge has brought the name %s back, after %s", got, main)
			}
		})
	}
}

// TestTogetherMerged has a part of what programs have proposed merged and undone again, which is not asked for anew.
func TestTogetherMerged(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.10", "")}})
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	s.Write(map[string]string{"dns/records.d/customers.yaml": strings.Replace(customers, "192.0.2.11:", "192.0.2.11: a.acme.example", 1)})
	s.Commit("A part of it")
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
	s.Write(map[string]string{"dns/records.d/customers.yaml": customers})
	s.Commit("Undo")
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.1", "gw2.example.net")}})
	if open := s.Open(); len(open) != 1 || len(open[0].Edits) != 3 ||
		slices.ContainsFunc(open[0].Edits, func(e Edit) bool { return e.Addr == addr("192.0.2.11") }) {
		t.Errorf("Open() = %+v, want three edits, none of 192.0.2.11", open)
	}
}

// TestTogetherNewer sets an address anew that somebody else has named: the last one wins, and so does who names it then.
func TestTogetherNewer(t *testing.T) {
	s := newSite(t)
	names := func(name string) {
		s.Write(map[string]string{"dns/records.d/customers.yaml": strings.Replace(customers, "192.0.2.11:", "192.0.2.11: "+name, 1)})
		s.Commit("By hand")
	}
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	names("b.acme.example")
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "c.acme.example")}})
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.10", "")}})
	if open := s.Open(); len(open) != 1 || len(open[0].Edits) != 2 {
		t.Errorf("Open() = %+v, want two edits", open)
	}
	names("d.acme.example")
	done := s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "")}})
	if len(done.Left) != 1 || done.Left[0].Name != "c.acme.example" {
		t.Errorf("left out: %+v, want c.acme.example", done.Left)
	}
}

// TestTogetherOvertaken has an older wish of a person merged while programs of that person have set a newer one, which
// stays.
func TestTogetherOvertaken(t *testing.T) {
	for _, together := range []bool{true, false} {
		s := newSite(t)
		older := s.propose(Proposal{Together: together, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
		s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "b.acme.example")}})
		s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.10", "")}})
		s.Git("merge", "-q", "--ff-only", older.Commit)
		done := s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
		if len(done.Left) > 0 || !strings.Contains(s.Git("show", done.Branch+":dns/records.d/customers.yaml"), "192.0.2.11: b.acme.example") {
			t.Errorf("together: %t: left out: %+v, want the newer name to stay", together, done.Left)
		}
	}
}

// TestTogetherWrong refuses a new edit that is no good, whatever has become of the older ones.
func TestTogetherWrong(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.10", "c1.acme.example")}})
	s.Replace("dns/records.d/customers.yaml", "account: acme\n", "account: acme\n    helo: other.acme.example\n")
	s.Commit("By hand")
	_, err := s.Propose(t.Context(), Proposal{
		Together: true, Login: "mia", Author: author, Edits: []Edit{edit("192.0.2.11", "a.bluebird.example")},
	})
	var not *NotReadyError
	if !errors.As(err, &not) || len(not.Draft.Fresh) != 1 || not.Draft.Fresh[0].Rule != "name-outside-domains" {
		t.Errorf("error %v, want only the one of the new edit", err)
	}
	if open := s.Open(); len(open) != 1 || len(open[0].Edits) != 1 {
		t.Errorf("Open() = %+v, want what was there before", open)
	}
}

// TestSquashed has others put a proposal on main in a commit of theirs, with its branch left there.
func TestSquashed(t *testing.T) {
	for _, e := range []Edit{
		{Addr: addr("192.0.2.11"), Name: "a.acme.example"},
		{Addr: addr("192.0.2.11"), Name: "a.acme.example", TTL: "5m"},
	} {
		s := newSite(t)
		done := s.propose(Proposal{Edits: []Edit{e, edit("192.0.2.10", "")}})
		if err := s.Refresh(t.Context()); err != nil || len(s.Open()) != 1 {
			t.Fatalf("Open() = %+v, %v before it is merged", s.Open(), err)
		}
		s.Git("merge", "-q", "--squash", done.Branch)
		s.Commit("Squash")
		if err := s.Refresh(t.Context()); err != nil || len(s.Open()) > 0 {
			t.Errorf("Open() = %+v, %v after %v is merged", s.Open(), err, e)
		}
	}
}

func TestHistory(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Direct: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	s.propose(Proposal{Direct: true, Edits: []Edit{edit("192.0.2.10", "")}})
	s.propose(Proposal{Direct: true, Edits: []Edit{{Addr: addr("192.0.2.11"), Name: "b.acme.example", TTL: "5m"}}})
	got := func(a string) (list []string) {
		t.Helper()
		versions, err := s.History(t.Context(), addr(a), 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range versions {
			list = append(list, v.Commit.Subject+": "+v.Name)
		}
		return list
	}
	for a, want := range map[string][]string{
		"192.0.2.10":      {"Reset the name of 192.0.2.10: ", "Begin: mail.acme.example."},
		"192.0.2.11":      {"Name 192.0.2.11 b.acme.example: b.acme.example.", "Name 192.0.2.11 a.acme.example: a.acme.example.", "Begin: "},
		"192.0.2.20":      {"Begin: "},
		"2001:db8:0:1::5": nil,
	} {
		if diff := cmp.Diff(want, got(a)); diff != "" {
			t.Errorf("history of %s (-want +got):\n%s", a, diff)
		}
	}
}

func TestRouted(t *testing.T) {
	s := newSite(t)
	r, ok := s.View().At(addr("2001:db8:0:1::25"))
	if !ok || r.Listed || r.Server != "web1" || r.Account != "acme" {
		t.Errorf("At = %+v, %t; want an address of web1 that is not listed", r, ok)
	}
	if _, ok := s.View().At(addr("198.51.100.1")); ok {
		t.Error("At knows an address outside of all blocks")
	}
	s.propose(Proposal{Direct: true, Edits: []Edit{edit("2001:db8:0:1::25", "lists.acme.example")}})
	if r, _ := s.View().At(addr("2001:db8:0:1::25")); !r.Listed || r.Name != "lists.acme.example." || r.Server != "web1" {
		t.Errorf("At = %+v after it was named", r)
	}
}

// TestUnlisted: of many addresses, only those are looked at that are not listed and belong to somebody who is asked for.
func TestUnlisted(t *testing.T) {
	v := newSite(t).View()
	addrs := []netip.Addr{
		addr("192.0.2.10"), addr("192.0.2.98"), addr("192.0.2.99"), addr("192.0.2.99"), addr("198.51.100.1"),
		addr("2001:db8:0:1::25"), addr("2001:db8:0:1::26"),
	}
	all := []string{"", "web1"}
	for _, tt := range []struct {
		wanted []string
		want   []string
	}{
		{all, []string{"192.0.2.98 ", "192.0.2.99 ", "2001:db8:0:1::25 web1", "2001:db8:0:1::26 web1"}},
		{[]string{"web1"}, []string{"2001:db8:0:1::25 web1", "2001:db8:0:1::26 web1"}},
		{[]string{"web2"}, nil},
	} {
		var got, asked []string
		for r := range v.Unlisted(addrs, func(server string) bool {
			asked = append(asked, server)
			return slices.Contains(tt.wanted, server)
		}) {
			got = append(got, r.Addr.String()+" "+r.Server)
			if r.Listed || r.Block == (netip.Prefix{}) {
				t.Errorf("%+v is listed, or in no block", r)
			}
		}
		if !slices.Equal(got, tt.want) || len(asked) != 5 {
			t.Errorf("%q: %q after %d questions, want %q after one for each that is not listed", tt.wanted, got, len(asked), tt.want)
		}
	}
}

// TestUnreadable has others commit what is no YAML: the last View stays, and all that was proposed.
func TestUnreadable(t *testing.T) {
	s := newSite(t)
	s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	for _, file := range []string{"dns/records.yaml", "dns/records.d/customers.yaml"} {
		good := s.Read(file)
		s.Write(map[string]string{file: good + "  : [\n"})
		s.Commit("Not YAML")
		want := filepath.Base(file) + ":"
		if err := s.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Refresh: %v, want an error in %s", err, want)
		}
		_, err := s.Propose(t.Context(), Proposal{
			Together: true, Login: "mia", Author: author, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")},
			May: func(e Edit) error {
				if _, ok := s.View().At(e.Addr); !ok {
					return errors.New("it is in no block")
				}
				return nil
			},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Propose: %v, want an error in %s", err, want)
		}
		if got := s.name("192.0.2.10"); got != "mail.acme.example." {
			t.Errorf("the View has %q, want the last name that could be read", got)
		}
		s.Write(map[string]string{file: good})
		s.Commit("Mended")
		if err := s.Refresh(t.Context()); err != nil || len(s.Open()) != 1 {
			t.Errorf("Refresh: %v; Open() = %+v", err, s.Open())
		}
	}
}

// TestStartUnreadable starts where the newest commits are no YAML: with the last one that can be read, until there is a
// better one.
func TestStartUnreadable(t *testing.T) {
	s := newSite(t)
	for _, text := range []string{"  : [\n", "  : [[\n"} {
		s.Write(map[string]string{"dns/records.d/customers.yaml": customers + text})
		s.Commit("Not YAML")
	}
	s.Write(map[string]string{"note": "text"}) // beside the source
	s.Commit("Other")
	s.Close()
	s.start()
	if got := s.View().Commit().Subject; got != "Begin" || !s.Stale() || s.name("192.0.2.10") != "mail.acme.example." {
		t.Errorf("the View is of commit %q, stale: %t; want that of the first commit, stale", got, s.Stale())
	}
	if err := s.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "customers.yaml:") || !s.Stale() {
		t.Errorf("Refresh: %v, stale: %t; want an error in customers.yaml", err, s.Stale())
	}
	_, err := s.Propose(t.Context(), Proposal{Login: "mia", Author: author, Edits: []Edit{edit("192.0.2.11", "a.acme.example")}})
	if err == nil {
		t.Error("a change was made of a commit that is not the newest")
	}
	s.Write(map[string]string{"dns/records.d/customers.yaml": customers})
	s.Commit("Mended")
	if err := s.Refresh(t.Context()); err != nil || s.Stale() || s.View().Commit().Subject != "Mended" {
		t.Errorf("Refresh: %v, stale: %t, commit %q after it is mended", err, s.Stale(), s.View().Commit().Subject)
	}
}

// TestStartUnreadableMerge has a merge bring what is no YAML: what was there before it is on the line of first parents.
func TestStartUnreadableMerge(t *testing.T) {
	s := newSite(t)
	s.Git("checkout", "-q", "-b", "side")
	s.Write(map[string]string{"dns/records.d/customers.yaml": "servers: {}\n"})
	s.Commit("Empty")
	s.Write(map[string]string{"dns/records.d/customers.yaml": "servers: [\n"})
	s.Commit("Not YAML")
	s.Git("checkout", "-q", "main")
	s.Write(map[string]string{"dns/records.yaml": root + "# more\n"})
	s.Commit("More")
	s.Git("merge", "-q", "--no-ff", "-m", "Merge", "side")
	s.Close()
	s.start()
	if got := s.View().Commit().Subject; got != "More" {
		t.Errorf("the View is of commit %q, want the one before the merge", got)
	}
}

// TestStartWithoutRoot starts where the newest commit has no root file.
func TestStartWithoutRoot(t *testing.T) {
	s := newSite(t)
	s.Git("rm", "-q", "dns/records.yaml")
	s.Git("commit", "-qm", "Gone")
	s.Close()
	s.start()
	var stale *StaleError
	_, err := s.Draft(t.Context(), []Edit{edit("192.0.2.11", "a.acme.example")})
	if got := s.View().Commit().Subject; got != "Begin" || !s.Stale() || !errors.As(err, &stale) {
		t.Errorf("the View is of commit %q, stale: %t, Draft: %v", got, s.Stale(), err)
	}
}

// TestStartFar starts where more commits than are tried have come after the one that cannot be read.
func TestStartFar(t *testing.T) {
	good := map[string]string{"dns/records.yaml": root, "dns/records.d/customers.yaml": customers}
	for name, bad := range map[string]map[string]string{
		"an included file": {"dns/records.d/customers.yaml": customers + "  : [\n"},
		"the root file":    {"dns/records.yaml": root + "  : [\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			for _, text := range []string{"# better\n", "# best\n"} {
				s.Write(map[string]string{"dns/records.d/customers.yaml": customers + text})
				s.Commit(text)
			}
			s.Write(good)
			s.Write(bad)
			s.Commit("Not YAML")
			for i := range maxBack + 5 {
				s.Write(map[string]string{"dns/README": fmt.Sprint(i)})
				s.Commit("Note")
			}
			s.Close()
			s.start()
			if got := s.View().Commit().Subject; got != "# best" {
				t.Errorf("the View is of commit %q", got)
			}
		})
	}
}

// TestStartLink starts where a file that cannot be read is one that a link leads to: what the link is stays the same.
func TestStartLink(t *testing.T) {
	s := newSite(t)
	if err := os.Symlink("../linked", filepath.Join(s.Dir, "dns/records.d/linked.yaml")); err != nil {
		t.Skip(err)
	}
	s.Write(map[string]string{"dns/linked": "servers: {}\n"})
	s.Commit("Linked")
	s.Write(map[string]string{"dns/linked": "servers: [\n"})
	s.Commit("Not YAML")
	s.Close()
	s.start()
	if got := s.View().Commit().Subject; got != "Linked" {
		t.Errorf("the View is of commit %q", got)
	}
}

// TestStartNothingIncluded starts where the files are gone that the root file includes.
func TestStartNothingIncluded(t *testing.T) {
	s := newSite(t)
	s.Git("rm", "-qr", "dns/records.d")
	s.Git("commit", "-qm", "Gone")
	s.Close()
	s.start()
	if got := s.View().Commit().Subject; got != "Begin" || !s.Stale() {
		t.Errorf("the View is of commit %q, stale: %t", got, s.Stale())
	}
}

// TestStale: while the newest commit cannot be read, nothing can be drafted or proposed, and that is told apart from other
// errors.
func TestStale(t *testing.T) {
	s := newSite(t)
	edits := []Edit{edit("192.0.2.11", "a.acme.example")}
	both := func() (errs [2]error) {
		_, errs[0] = s.Propose(t.Context(), Proposal{Login: "mia", Author: author, Edits: edits})
		_, errs[1] = s.Draft(t.Context(), edits) // which does not look for newer commits
		return errs
	}
	s.Write(map[string]string{"dns/records.d/customers.yaml": customers + "  : [\n"})
	id := s.Commit("Not YAML")
	for i, err := range both() {
		var stale *StaleError
		if !errors.As(err, &stale) || stale.Commit != id || !strings.Contains(stale.Why, "customers.yaml:") {
			t.Errorf("%d: %v", i, err)
		}
	}
	s.Write(map[string]string{"dns/records.d/customers.yaml": customers})
	s.Commit("Mended")
	if errs := both(); errs != [2]error{} {
		t.Errorf("when it is mended: %v", errs)
	}
}

// TestStartNeverReadable starts where no commit can be read.
func TestStartNeverReadable(t *testing.T) {
	s := newSite(t)
	s.Close()
	s.Write(map[string]string{"dns/records.d/customers.yaml": "servers: [\n"})
	s.Git("add", "-A")
	s.Git("commit", "-q", "--amend", "-m", "Not YAML")
	r, err := repository.Open(t.Context(), repository.Options{Root: filepath.Join(s.Dir, "dns/records.yaml"), Committer: author})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := Start(t.Context(), Options{Repository: r}); err == nil || !strings.Contains(err.Error(), "customers.yaml:1:") {
		t.Errorf("Start: %v, want an error in customers.yaml:1", err)
	}
}

// TestOutside is a commit by somebody who does not use the Editor.
func TestOutside(t *testing.T) {
	s := newSite(t)
	old := s.View()
	s.Replace("dns/records.d/customers.yaml", "mail.acme", "mx.acme")
	s.Commit("By hand")
	done := s.propose(Proposal{Edits: []Edit{edit("192.0.2.11", "a.acme.example")}}) // sees it by itself
	if s.name("192.0.2.10") != "mx.acme.example." || s.Git("rev-parse", done.Branch+"^") != s.Git("rev-parse", "main") {
		t.Error("the proposal is not made of the newest commit")
	}
	if r, _ := old.At(addr("192.0.2.10")); r.Name != "mail.acme.example." {
		t.Errorf("the old View has changed: %+v", r)
	}
}

// TestSeveralNames reduces an address with several names to one of them.
func TestSeveralNames(t *testing.T) {
	s := newSite(t)
	s.Replace("dns/records.d/customers.yaml", "192.0.2.11:",
		"192.0.2.11: {names: [a.acme.example, b.acme.example]} # revmap:ignore name-multiple reason=\"for a while\"")
	s.Commit("Two names")
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := edit("192.0.2.11", "a.acme.example")
	if s.View().Has(e) {
		t.Error("Has: the address has another name, too")
	}
	s.propose(Proposal{Edits: []Edit{e}, Direct: true})
	if r, _ := s.View().At(e.Addr); r.Names != 1 || !s.View().Has(e) {
		t.Errorf("the address has %d names", r.Names)
	}
}

func TestReason(t *testing.T) {
	list := "192.0.2.11: no name → a.acme.example\n192.0.2.12: b.acme.example → no name\n… and 3 more"
	for body, want := range map[string]string{
		list:                                  "",
		"the shop moves\n\n" + list:           "the shop moves",
		"first\n\nsecond\nline\n\n" + list:    "first\n\nsecond\nline",
		"by hand: a → b":                      "by hand: a → b",
		"by hand\n\nCo-authored-by: somebody": "by hand\n\nCo-authored-by: somebody",
		"":                                    "",
	} {
		if got := Reason(repository.Commit{Body: body}); got != want {
			t.Errorf("Reason(%q) = %q, want %q", body, got, want)
		}
	}
	s := newSite(t)
	s.propose(Proposal{Direct: true, Reason: "the shop\nmoves", Edits: []Edit{edit("192.0.2.11", "a.acme.example"), edit("192.0.2.1", "gw2.example.net")}})
	if got := Reason(s.View().Commit()); got != "the shop\nmoves" {
		t.Errorf("the reason of a commit is %q", got)
	}
}
