//go:build unix

package revmap

import (
	"syscall"
	"testing"
)

// TestFIFO holds that reloading does not wait for somebody who writes into a FIFO.
func TestFIFO(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	remove(t, path)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	h.store.tick()
	if got := reloads(t, path)["unreadable"]; got != 1 {
		t.Errorf("Counted %v failures, want 1", got)
	}
	if got := served(t, h); got != 1 {
		t.Errorf("Serving generation %d, want 1", got)
	}
}
