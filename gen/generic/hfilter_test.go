package generic

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

var rspamdAt = flag.String("rspamd", "",
	"address of an rspamd with hfilter, e.g. 127.0.0.1:11333, which TestHfilter asks to write testdata/hfilter.txt")

// TestHfilter holds hfilter to what rspamd 3.4 said: testdata/hfilter.txt has a weight and a name per line, 0 if no
// word was found. To be asked again, rspamd needs hostname_enabled and helo_enabled in hfilter, and the group's
// scores; then TestHfilter compares some thousand more names.
func TestHfilter(t *testing.T) {
	const file = "testdata/hfilter.txt"
	if *rspamdAt != "" {
		var text strings.Builder
		for _, name := range slices.Concat(templates, wordNames()) {
			fmt.Fprintln(&text, askRspamd(t, "HOSTNAME", name), name)
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Concat(randomNames(2000), nearNames(templates, 500), nearNames(wordNames(), 2500)) {
			compareHfilter(t, name, askRspamd(t, "HOSTNAME", name))
		}
		for _, name := range templates {
			want := askRspamd(t, "HELO", name)
			if got := rspamdWeight(HELO(name)); want != got && (want > 2 || got > 0) {
				t.Errorf("HELO %s: weight %d, rspamd says %d", name, got, want)
			}
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		var weight int
		var name string
		if _, err := fmt.Sscan(line, &weight, &name); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		compareHfilter(t, name, weight)
		if weight > 2 {
			found++
		}
	}
	if found < len(words) {
		t.Errorf("%s has %d names with a word, too few for %d words", file, found, len(words))
	}
}

// compareHfilter compares PTR with want, what rspamd said.
func compareHfilter(t *testing.T, name string, want int) {
	t.Helper()
	if want < 3 { // too little to be returned
		want = 0
	}
	if got := rspamdWeight(PTR(name)); got != want {
		t.Errorf("%s: weight %d, rspamd says %d", name, got, want)
	}
}

// rspamdWeight returns the weight of rspamd's rule in matches, 0 if there is none.
func rspamdWeight(matches []Match) (weight int) {
	for _, m := range matches {
		for _, side := range []string{"HOSTNAME", "HELO"} {
			fmt.Sscanf(m.Filter, "rspamd HFILTER_"+side+"_%d", &weight)
		}
	}
	return weight
}

// askRspamd returns the weight that rspamd's hfilter finds in name as side, HOSTNAME or HELO.
func askRspamd(t *testing.T, side, name string) (weight int) {
	req, err := http.NewRequest("POST", "http://"+*rspamdAt+"/checkv2", strings.NewReader("From: a@example.org\n\nx\n"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("IP", "203.0.113.9")
	req.Header.Set("Helo", "rspamc.local") // hfilter does not look at this one
	if side == "HELO" {
		req.Header.Set("Helo", name)
	} else {
		req.Header.Set("Hostname", name)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Symbols map[string]any }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for symbol := range answer.Symbols {
		fmt.Sscanf(symbol, "HFILTER_"+side+"_%d", &weight)
	}
	return weight
}
