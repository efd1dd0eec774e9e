package editor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/revmap/revmap/internal/peer"
)

// TestSilentRemote has a remote that does not answer: nobody's proposal waits for it but to be pushed.
func TestSilentRemote(t *testing.T) {
	s := newSite(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script, asked, end := filepath.Join(dir, "ssh"), filepath.Join(dir, "asked"), filepath.Join(dir, "end")
	text := fmt.Sprintf("#!/bin/sh\n>>%s\nuntil [ -e %s ]; do sleep 0.02; done\nexit 1\n", asked, end)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	s.Git("config", "core.sshCommand", script)
	s.Git("remote", "add", "origin", "ssh://silent.example/x.git")
	s.startWith("origin")

	fetched := make(chan error, 1)
	go func() { fetched <- s.Fetch(t.Context()) }()
	isAsked := func() bool {
		_, err := os.Stat(asked)
		return err == nil
	}
	peer.Wait(t, isAsked, func() string { return "nobody asks the remote" })
	proposed := make(chan error, 2)
	for a, domain := range map[string]string{"192.0.2.11": "acme.example", "192.0.2.20": "bluebird.example"} {
		go func() {
			done, err := s.Propose(t.Context(), Proposal{
				Login: "mia", Author: author, Edits: []Edit{edit(a, "name."+domain)}, Together: domain == "acme.example",
			})
			if err == nil && done.Warning == "" {
				err = fmt.Errorf("%s is said to be pushed: %+v", a, done)
			}
			proposed <- err
		}()
	}
	peer.Wait(t, func() bool { return len(s.Open()) == 2 }, func() string { return "proposals wait for the remote" })
	if err := s.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if got := strings.Fields(s.Git("for-each-ref", "--format=%(refname)", "refs/heads/rdns")); len(got) != 2 {
		t.Errorf("branches: %q, want 2", got)
	}
	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-proposed; err != nil {
			t.Error(err)
		}
	}
	if err := <-fetched; err == nil {
		t.Error("Fetch has found no remote, and says nothing")
	}

	remote := t.TempDir() // that is there now
	s.Git("init", "-q", "--bare", remote)
	s.Git("remote", "set-url", "origin", remote)
	s.Git("push", "-q", "origin", "main")
	if err := s.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, o := range s.Open() {
		if got := s.Git("-C", remote, "rev-parse", o.Branch); got != o.Commit || !o.Pushed {
			t.Errorf("the remote has %s of %+v", got, o)
		}
	}
}

// A slowSite is a site with a remote that has done what it was asked, but says so only when it is let go.
type slowSite struct {
	*site
	remote     string    // its folder
	first      *Proposed // of mia's programs, before it was slow
	asked, end string    // files: the remote has done something, and is let go
}

func newSlowSite(t *testing.T) *slowSite {
	t.Helper()
	dir := t.TempDir()
	s := &slowSite{
		site: newSite(t), remote: t.TempDir(), asked: filepath.Join(dir, "asked"), end: filepath.Join(dir, "end"),
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Git("init", "-q", "--bare", s.remote)
	s.Git("remote", "add", "origin", s.remote)
	s.Git("push", "-q", "origin", "main")
	s.startWith("origin")
	s.first = s.propose(Proposal{Together: true, Edits: []Edit{edit("192.0.2.20", "b.bluebird.example")}})
	hook := fmt.Sprintf("#!/bin/sh\n>>%s\nuntil [ -e %s ]; do sleep 0.02; done\n", s.asked, s.end)
	if err := os.WriteFile(filepath.Join(s.remote, "hooks/post-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *slowSite) waitUntilAsked() {
	s.Helper()
	peer.Wait(s.TB, func() bool {
		_, err := os.Stat(s.asked)
		return err == nil
	}, func() string { return "nobody asks the remote" })
}

func (s *slowSite) letGo() {
	s.Helper()
	if err := os.WriteFile(s.end, nil, 0o600); err != nil {
		s.Fatal(err)
	}
}

// TestSlowRemote has a remote that takes its time to say that it has done what it was asked: meanwhile others can propose,
// and what it has done is found by Fetch.
func TestSlowRemote(t *testing.T) {
	for name, change := range map[string]func(s *site, branch string) error{
		"direct": func(s *site, _ string) error {
			done, err := s.Propose(s.Context(), Proposal{
				Login: "olga", Author: author, Direct: true, Edits: []Edit{edit("192.0.2.11", "www.acme.example")},
			})
			if err == nil && (!done.Pushed || s.View().Commit().ID != done.Commit || s.name("192.0.2.11") != "www.acme.example.") {
				err = fmt.Errorf("%+v is not what is shown", done)
			}
			return err
		},
		"withdraw": func(s *site, branch string) error { return s.Withdraw(s.Context(), branch) },
		"taken back": func(s *site, _ string) error {
			_, err := s.Propose(s.Context(), Proposal{
				Login: "mia", Author: author, Together: true, Edits: []Edit{edit("192.0.2.20", "")},
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlowSite(t)
			changed, proposed := make(chan error, 1), make(chan error, 1)
			go func() { changed <- change(s.site, s.first.Branch) }()
			s.waitUntilAsked()
			fetched := make(chan error, 1)
			go func() { fetched <- s.Fetch(t.Context()) }()
			peer.Wait(t, func() bool { return len(fetched) > 0 }, func() string { return "Fetch waits for others" })
			go func() {
				_, err := s.Propose(t.Context(), Proposal{
					Login: "ada", Author: author, Edits: []Edit{edit("192.0.2.10", "mx.acme.example")},
				})
				proposed <- err
			}()
			peer.Wait(t, func() bool {
				return slices.ContainsFunc(s.Open(), func(o Open) bool { return o.Login == "ada" })
			}, func() string { return "a proposal waits for the remote" })
			s.letGo()
			for _, done := range []chan error{fetched, changed, proposed} {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			want := []string{"ada"}
			if name == "direct" {
				want = []string{"mia", "ada"}
			}
			var open []string
			for _, o := range s.Open() {
				open = append(open, o.Login)
				if got := s.Git("-C", s.remote, "rev-parse", o.Branch); got != o.Commit || !o.Pushed {
					t.Errorf("the remote has %s of %+v", got, o)
				}
			}
			if !slices.Equal(open, want) {
				t.Errorf("proposals of %q are open, want those of %q", open, want)
			}
			if got := len(strings.Fields(s.Git("-C", s.remote, "for-each-ref", "--format=%(refname)", "refs/heads/rdns"))); got != len(want) {
				t.Errorf("the remote has %d proposals, want %d", got, len(want))
			}
		})
	}
}

// TestChangedWhileWithdrawn: what programs add to a proposal while the remote is asked to delete its branch is not lost,
// and who has withdrawn it is told.
func TestChangedWhileWithdrawn(t *testing.T) {
	s := newSlowSite(t)
	withdrawn, proposed := make(chan error, 1), make(chan error, 1)
	go func() { withdrawn <- s.Withdraw(t.Context(), s.first.Branch) }()
	s.waitUntilAsked()
	go func() {
		_, err := s.Propose(t.Context(), Proposal{
			Login: "mia", Author: author, Together: true, Edits: []Edit{edit("192.0.2.11", "a.acme.example")},
		})
		proposed <- err
	}()
	peer.Wait(t, func() bool {
		open := s.Open()
		return len(open) == 1 && len(open[0].Edits) == 2
	}, func() string { return "a proposal waits for the remote" })
	s.letGo()
	if err := <-withdrawn; !errors.Is(err, ErrChanged) {
		t.Errorf("%v, want %v", err, ErrChanged)
	}
	if err := <-proposed; err != nil {
		t.Error(err)
	}
	if err := s.Fetch(t.Context()); err != nil {
		t.Error(err)
	}
	open := s.Open()
	if len(open) != 1 || len(open[0].Edits) != 2 || !open[0].Pushed ||
		s.Git("-C", s.remote, "rev-parse", s.first.Branch) != open[0].Commit {
		t.Fatalf("%+v is open", open)
	}
	if err := errors.Join(s.Withdraw(t.Context(), s.first.Branch), s.Fetch(t.Context())); err != nil || len(s.Open()) > 0 {
		t.Errorf("withdrawn again: %v; %+v is open", err, s.Open())
	}
}
