package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/arpa"
)

func TestStatuses(t *testing.T) {
	if got := [...]int{StatusClean, StatusFindings, StatusUsage, StatusFailure}; got != [...]int{0, 1, 2, 3} {
		t.Errorf("statuses are %v, and programs rely on 0, 1, 2, 3", got)
	}
}

// run calls Main and returns its status and output.
func run(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = Main(ctx, args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"lint", "testdata/records.yaml"},
		{"compile", "-o", filepath.Join(dir, "out.snapshot"), "testdata/records.yaml"},
		{"export", "zonefile", "-o", filepath.Join(dir, "zones"), "testdata/records.yaml"},
		{"explain", "192.0.2.10", "testdata/records.yaml"},
	} {
		status, stdout, stderr := run(ctx, args...)
		if status != StatusFailure || stdout != "" || stderr != "revmap: interrupted\n" {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("interrupted commands left %v, %v", left, err)
	}
}

// fullDisk takes no byte.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputError(t *testing.T) {
	for _, args := range [][]string{
		{"version"},
		{"help"},
		{"schema"},
		{"completion", "bash"},
		{"lint", "--format", "json", "testdata/records.yaml"},
		{"explain", "192.0.2.10", "testdata/records.yaml"},
		{"lint", "testdata/bad.yaml"}, // has findings, which nobody would see
	} {
		var stderr bytes.Buffer
		status := Main(t.Context(), args, strings.NewReader(""), fullDisk{}, &stderr)
		if status != StatusFailure || !strings.Contains(stderr.String(), "no space left\n") {
			t.Errorf("%q: status %d, stderr %q", args, status, &stderr)
		}
	}
}

// TestConcurrent runs the command line several times at once, for go test -race.
func TestConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			status, stdout, stderr := run(t.Context(), "explain", "192.0.2.20", "testdata/records.yaml")
			if status != StatusClean || !strings.HasPrefix(stdout, "192.0.2.20 answers examplaab7.dedicated.example.\n") {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
	wg.Wait()
}

func TestTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull) // a character device, as terminals are
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for w, want := range map[io.Writer]bool{null: true, file: false, new(bytes.Buffer): false} {
		if got := isTerminal(w); got != want {
			t.Errorf("isTerminal(%T) = %v, want %v", w, got, want)
		}
	}
}

func TestPrintFindings(t *testing.T) {
	found := diag.List{
		{Pos: diag.Position{File: "no-such-file"}, Severity: diag.Error, Rule: "syntax", Message: "wrong"},
		{Pos: diag.Position{File: "no-such-file"}, Severity: diag.Warning, Rule: "syntax", Message: "odd"},
		{Pos: diag.Position{File: "no-such-file"}, Severity: diag.Warning, Rule: "syntax", Message: "odder"},
	}
	tests := []struct {
		name           string
		stdout, stderr bool // terminals
		noColor, term  string
		found          diag.List
		color          bool
		summary        string
	}{
		{name: "pipes", found: found},
		{name: "terminals", stdout: true, stderr: true, found: found, color: true, summary: "1 error, 2 warnings\n"},
		{name: "stdout to a terminal", stdout: true, found: found, color: true},
		{name: "stdout to a pipe", stderr: true, found: found, summary: "1 error, 2 warnings\n"},
		{name: "NO_COLOR", stdout: true, noColor: "1", found: found},
		{name: "TERM=dumb", stdout: true, term: "dumb", found: found},
		{name: "nothing found", stdout: true, stderr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tt.noColor)
			t.Setenv("TERM", tt.term)
			var stdout, stderr bytes.Buffer
			p := &program{bufio.NewWriter(&stdout), tt.stdout, &stderr, tt.stderr}
			if err := p.printFindings(stream{p.stdout, p.stdoutTerminal}, tt.found); err != nil {
				t.Fatal(err)
			}
			p.stdout.Flush()
			if got := strings.Contains(stdout.String(), "\x1b["); got != tt.color {
				t.Errorf("colour: %v, want %v; output %q", got, tt.color, &stdout)
			}
			if got := strings.Count(stdout.String(), "no-such-file"); got != len(tt.found) {
				t.Errorf("%d findings in %q", got, &stdout)
			}
			if stderr.String() != tt.summary {
				t.Errorf("summary %q, want %q", &stderr, tt.summary)
			}
		})
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 zones", 1: "1 zone", 2: "2 zones", 999: "999 zones", 1000: "1,000 zones", 1234567: "1,234,567 zones",
	} {
		if got := plural(n, "zone"); got != want {
			t.Errorf("plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestParseAddr(t *testing.T) {
	for s, want := range map[string]netip.Addr{
		"192.0.2.1":        netip.MustParseAddr("192.0.2.1"),
		"2001:DB8::1":      netip.MustParseAddr("2001:db8::1"),
		"::ffff:192.0.2.1": {},
		"fe80::1%eth0":     {},
		"192.0.2.0/24":     {},
		"":                 {},

		"1.2.0.192.in-addr.arpa":    netip.MustParseAddr("192.0.2.1"),
		"1.2.0.192.IN-ADDR.ARPA.":   netip.MustParseAddr("192.0.2.1"),
		"2.0.192.in-addr.arpa":      {},
		"1/2.2.0.192.in-addr.arpa.": {},
		strings.TrimSuffix(arpa.Name(netip.MustParseAddr("2001:db8::1")), "."): netip.MustParseAddr("2001:db8::1"),
		arpa.Name(netip.MustParseAddr("::ffff:192.0.2.1")):                     {},
	} {
		got, err := parseAddr(s)
		if got != want || (err == nil) != want.IsValid() {
			t.Errorf("parseAddr(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
}
