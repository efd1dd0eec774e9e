package serve

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/users"
)

// TestRefusedFlood: who guesses passwords as fast as possible fills no disk.
func TestRefusedFlood(t *testing.T) {
	var log bytes.Buffer
	s := &Server{o: Options{Audit: slog.New(slog.NewJSONHandler(&log, nil))}, refusals: newLimiter(logRate, logBurst)}
	r := httptest.NewRequest("GET", "/", nil)
	for range 10 * logBurst {
		s.refused(r, strings.Repeat("x", 1<<10), users.ErrWrong)
	}
	lines := strings.Count(log.String(), "\n")
	if lines < logBurst || lines > 2*logBurst || log.Len() > lines*300 {
		t.Errorf("%d lines of %d bytes in all", lines, log.Len())
	}
}

// TestAuditFileFails: a line that cannot be written is not lost.
func TestAuditFileFails(t *testing.T) {
	var log bytes.Buffer
	dir := filepath.Join(t.TempDir(), "logs")
	file := AuditFile{Path: filepath.Join(dir, "audit.log"), Otherwise: slog.New(slog.NewJSONHandler(&log, nil))}
	if err := file.Check(); err == nil || !strings.Contains(err.Error(), file.Path) {
		t.Errorf("Check: %v", err)
	}
	audit := slog.New(slog.NewJSONHandler(file, nil))
	audit.Info("propose", "login", "olivia")
	if !strings.Contains(log.String(), "olivia") || !strings.Contains(log.String(), "no such file") {
		t.Errorf("log: %s", log.String())
	}
	log.Reset()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := file.Check(); err != nil {
		t.Error(err)
	}
	audit.Info("propose", "login", "oscar")
	audit.Info("withdraw", "login", "oscar")
	got, err := os.ReadFile(file.Path)
	if err != nil || strings.Count(string(got), "oscar") != 2 || log.Len() > 0 {
		t.Errorf("file: %s, %v; log: %s", got, err, log.String())
	}
	if info, err := os.Stat(file.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
