//go:build unix

package serve_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/revmap/revmap/internal/gittest"
	"github.com/revmap/revmap/internal/peer"
)

// TestServeExample does what make serve does, and what it says then.
func TestServeExample(t *testing.T) {
	peer.Needs(t, "curl")
	w := &world{Tree: gittest.New(t)}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := "../.."
	for _, dir := range []string{"tools", "bin"} {
		if err := os.Mkdir(filepath.Join(w.Dir, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(exe, filepath.Join(w.Dir, "bin/revmap")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(w.Dir, "records.d"), os.DirFS(filepath.Join(root, "records.d"))); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"records.yaml", "tools/serve-example"} {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.Dir, file), data, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	listen := fmt.Sprintf("127.0.0.1:%d", peer.Port(t))
	run := func() *exec.Cmd {
		c := exec.Command(filepath.Join(w.Dir, "tools/serve-example"))
		c.Env = append(w.environment(), "LISTEN="+listen)
		return c
	}
	bash := func(command string) string {
		c := exec.Command("bash", "-c", command)
		c.Dir, c.Env = w.Dir, w.environment()
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		return string(out)
	}
	var first string
	for round := range 2 {
		out := new(logged)
		c := run()
		c.Stdout, c.Stderr = out, out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		peer.Wait(t, func() bool { return strings.Contains(out.String(), ": open http://"+listen+"/\n") }, out.String)
		said, _, _ := strings.Cut(out.String(), "\nrun/serve/") // the rest is of revmap
		switch {
		case round == 0:
			first = said
		case said != first:
			t.Errorf("the second time it says:\n%s\nand the first time it said:\n%s", said, first)
		}

		// What it says is true.
		w.url = "http://" + listen
		for line := range strings.Lines(said) {
			switch words := strings.Fields(line); {
			case len(words) > 2 && words[0] == "operator", len(words) > 2 && words[0] == "acme":
				r, err := http.NewRequest("GET", w.url+"/rdns/192.0.2.12", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.SetBasicAuth(words[0], words[1])
				if got, err := send(http.DefaultClient, r); err != nil || got.status != http.StatusOK {
					t.Errorf("%s: %d %s %v", words[0], got.status, got.body, err)
				}
			case len(words) > 1 && words[0] == "curl":
				w.contains(bash(line), `"ip":"192.0.2.12"`, ".acme.example")
			case len(words) > 1 && words[0] == "git":
				bash(line)
			}
		}
		w.contains(bash("git -C run/serve/repository show main:records.yaml"), "192.0.2.12: {name: store.acme.example")

		// A second one is told that there is one.
		again, err := run().CombinedOutput()
		if err == nil || strings.Count(string(again), "\n") != 1 {
			t.Errorf("%v\n%s", err, again)
		}
		w.contains(string(again), "in use")
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v\n%s", err, out)
		}
	}
	for _, file := range []string{"users.json", "logins"} {
		if info, err := os.Stat(filepath.Join(w.Dir, "run/serve", file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
	}
}
