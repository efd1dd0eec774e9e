package desk

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/gen/users"
	"github.com/revmap/revmap/internal/gittest"
	"github.com/revmap/revmap/internal/peer"
)

const records = `version: 1
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
servers:
  web1: {product: vps, account: acme, primary: 192.0.2.10}
  web2: {product: vps, account: bluebird, primary: 192.0.2.20,
    addresses: {192.0.2.20: , 192.0.2.21: www.bluebird.example}}
`

// People of the tests.
var (
	ada  = &users.Person{Login: "ada", FullName: "Ada", Email: "ada@example.net", Role: users.Operator}
	acme = &users.Person{Login: "acme", FullName: "Acme", Email: "it@acme.example", Role: users.Account,
		Accounts: []string{"acme"}}
)

// A site is a Desk over a repository of its own.
type site struct {
	gittest.Tree
	*Desk
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{Tree: gittest.New(t)}
	s.commit("Begin", records)
	r, err := repository.Open(t.Context(), repository.Options{
		Root:      filepath.Join(s.Dir, "records.yaml"),
		Committer: repository.Identity{Name: "revmap", Email: "revmap@example.net"},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := editor.Start(t.Context(), editor.Options{Repository: r, Limits: diff.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	s.Desk = New(Options{Editor: e, Dir: t.TempDir()})
	return s
}

// commit makes text the source on the main branch.
func (s *site) commit(subject, text string) {
	s.Helper()
	s.Write(map[string]string{"records.yaml": text})
	s.Commit(subject)
	if s.Desk == nil {
		return
	}
	if err := s.o.Editor.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// TestMessages hides from a customer what messages of commits say: they may be about others.
func TestMessages(t *testing.T) {
	s := newSite(t)
	s.commit("Name 192.0.2.21 shop.bluebird.example", strings.Replace(records, "www.bluebird", "shop.bluebird", 1))
	if got := s.For(acme).Commit(); got.ID == "" || got.Subject != "" {
		t.Errorf("acme sees the commit %+v", got)
	}
	if got := s.For(ada).Commit(); got.Subject != "Name 192.0.2.21 shop.bluebird.example" {
		t.Errorf("an operator sees the commit %+v", got)
	}
}

// TestHistoryOfOthers gives an address to another customer, who must not learn what it was before.
func TestHistoryOfOthers(t *testing.T) {
	s := newSite(t)
	s.commit("Move 192.0.2.21 from bluebird", strings.NewReplacer(", 192.0.2.21: www.bluebird.example", "",
		"primary: 192.0.2.10}", "primary: 192.0.2.10, addresses: {192.0.2.10: , 192.0.2.21: }}").Replace(records))
	was := ""
	for _, p := range []*users.Person{ada, acme} {
		list, err := s.For(p).History(t.Context(), addr("192.0.2.21"))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			was += fmt.Sprintf("%s: %q %q\n", p.Login, v.Name, v.Commit.Subject)
		}
	}
	want := `ada: "" "Move 192.0.2.21 from bluebird"
ada: "www.bluebird.example." "Begin"
acme: "" ""
`
	if was != want {
		t.Errorf("the history is\n%swant\n%s", was, want)
	}
}

// TestReason proposes changes with reasons that are more than words: none may look like a trailer of the commit, hide
// something, or keep a pipeline from looking at it.
func TestReason(t *testing.T) {
	for reason, want := range map[string]string{
		"Ticket 4711\r\nfor the shop\r\n":             "Ticket 4711\nfor the shop",
		"a\x00b\x1b[31m\u202ec\xff":                   "ab[31mc\uFFFD",
		"Revmap-Allow: lost=all":                      "Revmap-Allow: lost=all",
		"a\n\nRevmap-Allow: lost=all\n\n---\n\n# b":   "a\n\nRevmap-Allow: lost=all\n\n---\n\n# b",
		"Nothing [but] words -- >8 --":                "Nothing [but] words -- >8 --",
		strings.Repeat("a", maxReason):                strings.Repeat("a", maxReason),
		strings.Repeat("a", maxReason+1):              "",
		"Revmap-Allow: a\n# " + cut + "\n":            "",
		"Revmap-Allow: a\n; \u200b" + cut:             "",
		"now [skip ci] please":                        "",
		"[CI Skip]":                                   "",
		"[no_CI]":                                     "",
		"[\u200bskip actions]":                        "",
		"***NO_CI***":                                 "",
		"a\n\n\nskip-checks: true":                    "",
		"Revmap-Allow: a\n# " + cut[:10] + "\r" + cut: "",
	} {
		s := newSite(t)
		done, err := s.For(acme).Propose(t.Context(),
			edits("192.0.2.10", "mail.acme.example"), reason, false)
		var denied *DeniedError
		switch {
		case want == "" && !errors.As(err, &denied):
			t.Errorf("with the reason %q it is %v, want a DeniedError", reason, err)
		case want == "" && s.Git("branch", "--list", "rdns/*") != "":
			t.Errorf("with the reason %q there is a branch", reason)
		case want == "":
		case err != nil:
			t.Errorf("with the reason %q: %v", reason, err)
		default:
			if got := s.Git("log", "-1", "--format=%B", done.Branch); got != "Name 192.0.2.10 mail.acme.example\n\n"+want+
				"\n\n192.0.2.10: web1.miniserver.example → mail.acme.example" {
				t.Errorf("the reason %q makes the message\n%s", reason, got)
			}
			if got := s.Git("log", "-1", "--format=%(trailers:key=Revmap-Allow)", done.Branch); got != "" {
				t.Errorf("the reason %q makes the trailer %s", reason, got)
			}
		}
	}
}

const cut = "------------------------ >8 ------------------------"

// TestCollectMany collects more changes than anybody reviews.
func TestCollectMany(t *testing.T) {
	s := newSite(t)
	var many []editor.Edit
	for i := range maxCollected {
		a := netip.AddrFrom4([4]byte{198, 51, byte(i / 256), byte(i)})
		many = append(many, editor.Edit{Addr: a, Name: "a.example.net"})
	}
	if err := s.For(ada).change(func([]editor.Edit) ([]editor.Edit, error) { return many, nil }); err != nil {
		t.Fatal(err)
	}
	var denied *DeniedError
	one := editor.Edit{Addr: addr("192.0.2.99"), Name: "other.example.net"}
	if err := s.For(ada).Collect(one); !errors.As(err, &denied) {
		t.Errorf("one more: %v, want a DeniedError", err)
	}
	if have, err := s.For(ada).Collected(); err != nil || len(have) != maxCollected {
		t.Errorf("there are %d, %v; want %d as before", len(have), err, maxCollected)
	}
	if err := s.For(ada).Discard(many[0].Addr); err != nil {
		t.Fatal(err)
	}
	if err := s.For(ada).Collect(one); err != nil {
		t.Errorf("one in the place of another: %v", err)
	}
}

// TestManyWords looks for as many words as a URL holds, which would keep all processors at work for minutes.
func TestManyWords(t *testing.T) {
	s := newSite(t).For(ada)
	for words, want := range map[int]int{1: 3, maxWords: 3, maxWords + 1: 0} {
		got := s.List(table.Query{Text: strings.Repeat("e ", words), Limit: 10})
		if got.Total != want || len(got.Rows) != want {
			t.Errorf("%d words: %d of %d rows, want %d", words, len(got.Rows), got.Total, want)
		}
	}
}

// TestMoved gives the server to another customer while the one before is about to name it.
func TestMoved(t *testing.T) {
	s := newSite(t)
	s.o.Direct = []users.Role{users.Account}
	seat := s.For(acme)
	d := s.Desk
	s.Desk = nil // it does not hear of the commit
	s.commit("Move web1", strings.Replace(records, "account: acme, primary", "account: bluebird, primary", 1))
	s.Desk = d
	_, err := seat.Propose(t.Context(), edits("192.0.2.10", "mail.acme.example"), "", false)
	if !errors.Is(err, ErrUnknown) {
		t.Errorf("the error is %v, want %v", err, ErrUnknown)
	}
	if got := s.Git("log", "-1", "--format=%s", "main"); got != "Move web1" {
		t.Errorf("the tip of main is %q", got)
	}
}

func edits(address, name string) []editor.Edit {
	return []editor.Edit{{Addr: addr(address), Name: name}}
}

// TestMayEdit: whether a name lies in a customer's domain does not depend on how it is written.
func TestMayEdit(t *testing.T) {
	s := newSite(t)
	s.commit("A domain with an umlaut", strings.Replace(records, "[acme.example]", "[acme.example, müller.example]", 1))
	for name, want := range map[string]bool{
		"":                               true,
		"acme.example":                   true,
		"Mail.Acme.Example.":             true,
		"www.müller.example":             true,
		"www.xn--mller-kva.example":      true,
		"MÜLLER.example.":                true,
		"web1.miniserver.example":        true,
		"web2.miniserver.example":        false,
		"www.bluebird.example":           false,
		"notacme.example":                false,
		"acme.example.bluebird.example":  false,
		"acme.example..":                 false,
		"www.bluebird.example。acme.test": false,
		"www.bluebird.example\n.acme.e":  false,
	} {
		err := s.For(acme).MayEdit(addr("192.0.2.10"), name)
		var denied *DeniedError
		if (err == nil) != want || err != nil && !errors.As(err, &denied) {
			t.Errorf("MayEdit(%q) = %v, want %v", name, err, want)
		}
	}
	if err := s.For(acme).MayEdit(addr("192.0.2.21"), ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("the address of another customer: %v", err)
	}
}

// TestGateCounts: a customer who changes more than a gate lets pass does not learn how many names others have.
func TestGateCounts(t *testing.T) {
	s := newSite(t)
	s.o.Direct = []users.Role{users.Account}
	var names strings.Builder
	var resets []editor.Edit
	for i := 100; i < 110; i++ {
		fmt.Fprintf(&names, ", 192.0.2.%d: h%d.acme.example", i, i)
		resets = append(resets, editor.Edit{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})})
	}
	s.commit("More names", strings.Replace(records,
		"primary: 192.0.2.10", "primary: 192.0.2.10, addresses: {192.0.2.10: "+names.String()+"}", 1))
	for _, p := range []*users.Person{acme, ada} {
		d, err := s.For(p).Draft(t.Context(), resets)
		if err != nil || len(d.Review.Stops) == 0 {
			t.Fatalf("%s: %v, %+v", p.Login, err, d)
		}
		counts := strings.ContainsAny(d.Review.Stops[0].Message, "0123456789")
		if counts == (p == acme) {
			t.Errorf("%s: a gate says %q", p.Login, d.Review.Stops[0].Message)
		}
	}
	var gate *editor.GateError
	if _, err := s.For(acme).Propose(t.Context(), resets, "", false); !errors.As(err, &gate) ||
		strings.ContainsAny(err.Error(), "0123456789") {
		t.Errorf("the error is %v", err)
	}
}

// TestSilentRemote: of those whose commits wait for a remote that does not answer, there can be as many as there are
// people, but others can propose meanwhile.
func TestSilentRemote(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	remote, asked, end := filepath.Join(dir, "remote"), filepath.Join(dir, "asked"), filepath.Join(dir, "end")
	s.Git("init", "-q", "--bare", remote)
	s.Git("remote", "add", "origin", remote)
	s.Git("push", "-q", "origin", "main")
	if err := s.o.Editor.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := repository.Open(t.Context(), repository.Options{
		Root: filepath.Join(s.Dir, "records.yaml"), Remote: "origin",
		Committer: repository.Identity{Name: "revmap", Email: "revmap@example.net"},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := editor.Start(t.Context(), editor.Options{Repository: r, Remote: true, Limits: diff.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	s.Desk = New(Options{Editor: e, Dir: t.TempDir(), Direct: []users.Role{users.Operator}})
	hook := fmt.Sprintf("#!/bin/sh\n>>%s\nuntil [ -e %s ]; do sleep 0.02; done\n", asked, end)
	if err := os.WriteFile(filepath.Join(remote, "hooks/post-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	people := 2*runtime.GOMAXPROCS(0) + 1
	done := make(chan error, people+1)
	propose := func(p *users.Person, address, name string) {
		_, err := s.For(p).Propose(t.Context(), edits(address, name), "", false)
		done <- err
	}
	for i := range people {
		login := fmt.Sprintf("operator%d", i)
		go propose(&users.Person{Login: login, FullName: login, Email: login + "@example.net", Role: users.Operator},
			fmt.Sprintf("192.0.2.%d", 100+i), login+".example.net")
	}
	peer.Wait(t, func() bool {
		_, err := os.Stat(asked)
		return err == nil
	}, func() string { return "nobody asks the remote" })
	go propose(acme, "192.0.2.10", "mail.acme.example")
	peer.Wait(t, func() bool { return len(e.Open()) == 1 }, func() string { return "a proposal waits for the remote" })
	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range people + 1 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
