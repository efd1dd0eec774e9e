package cli

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const usersPage = "../../docs/users.md"

var (
	madePassword = regexp.MustCompile(`(?m)^[a-z2-7]{26}$`)
	madeToken    = regexp.MustCompile(`(?m)^rvm_[0-9a-f]{64}$`)
	madeID       = regexp.MustCompile(`revmap: token ([a-z2-7]{8}) of`)
)

// TestUsersPage runs the commands of docs/users.md, one after the other, and compares what they print; -update writes
// it. In place of what is new each time, the page has passwords, tokens, ids and a day of its own.
func TestUsersPage(t *testing.T) {
	path, err := filepath.Abs(usersPage)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	shownIDs := []string{"k7w2mzqd", "b3fhx5ca"}
	made := make(map[string]string) // ids
	got := regexp.MustCompile("(?s)```console\n(.*?)```\n").ReplaceAllFunc(page, func(block []byte) []byte {
		var b strings.Builder
		for line := range strings.Lines(string(block)) {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			words := csv.NewReader(strings.NewReader(command))
			words.Comma = ' '
			args, err := words.Read()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			for i, arg := range args {
				if id, ok := made[arg]; ok {
					args[i] = id
				}
			}
			status, stdout, stderr := run(t.Context(), args[1:]...)
			if status != StatusClean {
				t.Errorf("%sstatus %d\n%s", line, status, stderr)
			}
			if m := madeID.FindStringSubmatch(stderr); m != nil {
				made[shownIDs[len(made)]] = m[1]
			}
			out := stderr + stdout
			for shown, id := range made {
				out = strings.ReplaceAll(out, id, shown)
			}
			out = madePassword.ReplaceAllString(out, "x4q7…")
			out = madeToken.ReplaceAllString(out, "rvm_5e0b…")
			out = strings.ReplaceAll(out, time.Now().UTC().Format(time.DateOnly), "2026-01-02")
			b.WriteString(line + out)
		}
		return []byte("```console\n" + b.String() + "```\n")
	})
	checkPage(t, path, string(page), string(got))

	file := regexp.MustCompile("(?s)```json\n(.*?)```\n").FindSubmatch(page)
	if file == nil {
		t.Fatalf("%s shows no file", usersPage)
	}
	if err := os.WriteFile("shown.json", file[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := run(t.Context(), "user", "list", "--users", "shown.json"); status != StatusClean {
		t.Errorf("the file that the page shows: %s", stderr)
	}
}
