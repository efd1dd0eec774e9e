package generic

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rulesDir is where Debian's package spamassassin has the rules.
const rulesDir = "/usr/share/spamassassin"

// notCovered has names for the rules of SpamAssassin that this package leaves out, and what SpamAssassin alone fires
// on them.
var notCovered = map[string]string{
	// Rules for one access provider: nobody else can have such a name.
	"a1b.x.client2.attbi.com":           "RDNS_DYNAMIC",
	"cpe12ab.rogers.com":                "RDNS_DYNAMIC",
	"ab-west-1.xyz.adelphia.net":        "RDNS_DYNAMIC",
	"yahoobb.example":                   "RDNS_DYNAMIC",
	"ab-1-2.roadrunner.example":         "RDNS_DYNAMIC",
	"ab1abc.x.yz.comcast.example":       "RDNS_DYNAMIC",
	"h1n2fls3.telia.com":                "RDNS_DYNAMIC",
	"a.cm.chello.no":                    "RDNS_DYNAMIC",
	"a1.upc-b.chello.nl":                "HELO_DYNAMIC_CHELLO_NL RDNS_DYNAMIC",
	"ab1.user.veloxzone.example":        "RDNS_DYNAMIC",
	"a1-2-cust3.wxyz.broadband.ntl.com": "RDNS_DYNAMIC",
	"a-b1.uvwxyz.tds.net":               "RDNS_DYNAMIC",
	"a1.ppp.asahi-net.or.jp":            "RDNS_DYNAMIC",
	"ab1-c.x1.yz.home.nl":               "HELO_DYNAMIC_HOME_NL",
	// Domains of mail servers that HELO spares as a whole; SpamAssassin spares some names.
	"cmr-192-0-2-10.cr.net.cable.rogers.com":          "",
	"o192-0-2-10.outbound-mail.sendgrid.net":          "",
	"smtp-a1b2c3d4e.core1.sfdc-1a.mta.salesforce.com": "",
	"a-192-0-2-10.mail.sendgrid.net":                  "HELO_DYNAMIC_IPADDR",
	"node-1-2.dsl.rogers.com":                         "HELO_DYNAMIC_DHCP HELO_DYNAMIC_HCC",
}

// TestSpamAssassin asks SpamAssassin itself about some thousand names. It has to fire the very rules that PTR and HELO
// return; notCovered has the exceptions.
func TestSpamAssassin(t *testing.T) {
	needSpamAssassin(t)
	names := slices.Concat(templates, wordNames(), randomNames(3000), nearNames(templates, 3000))
	for name := range notCovered {
		names = append(names, name)
	}
	fired := make(map[string]int)
	for i, want := range askSpamAssassin(t, names) {
		var missed []string
		got := spamAssassinRules(names[i])
		for _, rule := range want {
			fired[rule]++
			if !slices.Contains(got, rule) {
				missed = append(missed, rule)
			}
		}
		for _, rule := range got {
			if !slices.Contains(want, rule) {
				t.Errorf("%s: %s, which SpamAssassin does not fire", names[i], rule)
			}
		}
		if missed := strings.Join(missed, " "); missed != notCovered[names[i]] {
			t.Errorf("%s: SpamAssassin alone fires %q, listed is %q", names[i], missed, notCovered[names[i]])
		}
	}
	for _, rule := range []string{
		"HELO_DYNAMIC_DHCP", "HELO_DYNAMIC_DIALIN", "HELO_DYNAMIC_HCC", "HELO_DYNAMIC_HEXIP", "HELO_DYNAMIC_IPADDR",
		"HELO_DYNAMIC_IPADDR2", "HELO_DYNAMIC_SPLIT_IP", "HELO_LOCALHOST", "RDNS_DYNAMIC", "RDNS_LOCALHOST",
	} {
		if fired[rule] == 0 {
			t.Errorf("SpamAssassin fires %s on no name", rule)
		}
	}
}

// TestSpamAssassinCost compares the costs of the matches with SpamAssassin's scores.
func TestSpamAssassinCost(t *testing.T) {
	needSpamAssassin(t)
	costs := make(map[string]string)
	for fields := range lines(t, "50_scores.cf") {
		if len(fields) < 6 || fields[0] != "score" {
			continue
		}
		worst := 0.0
		for _, field := range fields[2:6] {
			score, err := strconv.ParseFloat(field, 64)
			if err != nil {
				break // one score for all sets, then a comment
			}
			worst = max(worst, score)
		}
		costs[fields[1]] = fmt.Sprintf("up to %.1f points", worst)
	}
	threshold := ""
	for fields := range lines(t, "10_default_prefs.cf") {
		if len(fields) == 2 && fields[0] == "required_score" {
			threshold = fields[1]
		}
	}
	compared := make(map[string]bool)
	for _, name := range slices.Concat(templates, wordNames()) {
		for _, m := range slices.Concat(PTR(name), HELO(name)) {
			if rule, ok := strings.CutPrefix(m.Filter, "SpamAssassin "); ok {
				compared[rule] = true
				if want := costs[rule] + " of the " + threshold + " that make spam"; m.Cost != want {
					t.Errorf("%s: %s costs %s, want %s", name, rule, m.Cost, want)
				}
			}
		}
	}
	if len(compared) != 10 {
		t.Errorf("compared only %v", compared)
	}
}

// lines returns the fields of the lines of one of SpamAssassin's files.
func lines(t *testing.T, file string) func(func([]string) bool) {
	f, err := os.Open(filepath.Join(rulesDir, file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func(yield func([]string) bool) {
		s := bufio.NewScanner(f)
		for s.Scan() && yield(strings.Fields(s.Text())) {
		}
		if err := s.Err(); err != nil {
			t.Error(err)
		}
	}
}

// spamAssassinRules returns the rules of SpamAssassin that PTR and HELO return for name.
func spamAssassinRules(name string) (fired []string) {
	for _, m := range slices.Concat(PTR(name), HELO(name)) {
		if rule, ok := strings.CutPrefix(m.Filter, "SpamAssassin "); ok {
			fired = append(fired, rule)
		}
	}
	return fired
}

// askSpamAssassin returns for each name the rules that SpamAssassin fires if it is both PTR and HELO.
func askSpamAssassin(t *testing.T, names []string) (fired [][]string) {
	cmd := exec.Command("perl", filepath.Join("testdata", "spamassassin.pl"), rulesDir)
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		fired = append(fired, strings.Fields(line))
	}
	if len(fired) != len(names) {
		t.Fatalf("SpamAssassin answered for %d of %d names", len(fired), len(names))
	}
	return fired
}

// needSpamAssassin skips the test where SpamAssassin is not installed; in CI it has to be.
func needSpamAssassin(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(rulesDir, "20_dynrdns.cf")); err == nil {
		return
	}
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	missing("%s is missing: install spamassassin", rulesDir)
}
