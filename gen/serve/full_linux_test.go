package serve_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullDisk: where nothing can be written, nothing changes; who wants to change something is told why, and can do it once
// there is room again.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small disk for the test: mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	w := newWorldIn(t, filepath.Join(disk, "repository"))
	w.serve("--direct", "operator")
	olivia, acme := w.signIn("olivia"), w.signIn("acme")
	main := w.Git("rev-parse", "main")

	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	const full = "no space left on device"
	for _, login := range []string{"olivia", "oscar"} {
		r := w.call(login, "POST", "/api/v1/changes", changeBody("192.0.2.11", "shop.acme.example"))
		if r.status != http.StatusInternalServerError {
			t.Errorf("%s: %d %s", login, r.status, r.body)
		}
		w.contains(r.body, full)
	}
	// A customer is not told about the server's disk, but its log is.
	r := w.call("acme", "POST", "/api/v1/changes", changeBody("192.0.2.11", "shop.acme.example"))
	if r.status != http.StatusInternalServerError {
		t.Errorf("acme: %d %s", r.status, r.body)
	}
	w.logs(`"login":"acme"`)
	w.logs(full)
	for _, b := range []browser{olivia, acme} {
		form := url.Values{"address": {"192.0.2.11"}, "name": {"shop.acme.example"}, "was": {"www.acme.example."}}
		if r := b.post("/collect", form); r.status != http.StatusInternalServerError {
			t.Errorf("collect: %d %s", r.status, r.body)
		}
	}
	w.contains(w.call("olivia", "GET", "/rdns/192.0.2.11", "").body, "www.acme.example") // reading goes on
	w.contains(olivia.get("/").body, "192.0.2.11")
	w.Git("fsck", "--strict")
	if got := w.Git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"); got != main+" refs/heads/main" {
		t.Errorf("branches: %s", got)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got := w.Git("status", "--porcelain"); got != "" {
		t.Errorf("the work tree has changed:\n%s", got)
	}
	w.propose("olivia", "192.0.2.11", "shop.acme.example")
	w.contains(w.sourceAt("main"), "shop.acme.example")
}
