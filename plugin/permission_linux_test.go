package revmap

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestNoPermission is about a snapshot that the server may not read. It needs Linux, where one thread can look at files
// as another user: root could read the file.
func TestNoPermission(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	replace(t, path, encodeGeneration(t, 2, 4))
	for _, chmod := range []struct {
		path string
		mode os.FileMode
	}{{path, 0}, {filepath.Dir(path), 0o755}, {filepath.Dir(filepath.Dir(path)), 0o755}} {
		if err := os.Chmod(chmod.path, chmod.mode); err != nil {
			t.Fatal(err)
		}
	}
	logged.take()
	asNobody(t, h.store.tick)
	if got := served(t, h); got != 1 {
		t.Errorf("Serving generation %d, want 1, the last good one", got)
	}
	if l := logged.take(); !strings.Contains(l, "[ERROR]") || !strings.Contains(l, "open "+path+": permission denied") {
		t.Errorf("Logged %q, want why the file cannot be read", l)
	}
	if got := reloads(t, path)["unreadable"]; got != 1 {
		t.Errorf("Counted %v failures, want 1", got)
	}

	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	asNobody(t, h.store.tick)
	if got := served(t, h); got != 2 {
		t.Errorf("Serving generation %d after the file was made readable, want 2", got)
	}
}

// asNobody calls f without root's right to read everything, if the test has it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Setfsuid(0)
	}
	f()
}
