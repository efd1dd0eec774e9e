package editor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/repository"
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
	r, err := repository.Open(t.Context(), repository.Options{
		Root: filepath.Join(s.Dir, "dns/records.yaml"), Remote: "origin", Committer: author,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Editor, err = Start(t.Context(), Options{Repository: r, Remote: true, Limits: diff.DefaultLimits()}); err != nil {
		t.Fatal(err)
	}

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
