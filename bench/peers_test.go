package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/internal/peer"
)

// TestPeers runs the whole comparison with little data, as a user does. A server that is missing is left out, but not in
// CI.
func TestPeers(t *testing.T) {
	peer.Needs(t, "dnsperf")
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	var keys []string
	for _, s := range servers {
		if s.program != "coredns" {
			if _, err := s.find(""); err != nil {
				if os.Getenv("CI") == "true" {
					t.Error(err)
				}
				t.Logf("%s is left out: %v", s.name, err)
				continue
			}
		}
		keys = append(keys, s.key)
	}
	bin, out := buildPrograms(t, ".", "../cmd/coredns"), t.TempDir()
	runBench(t, bin, "peers", "-names", "1000", "-time", "0", "-rate", "20000", "-rounds", "1", "-out", out,
		"-coredns", filepath.Join(bin, "coredns"))

	for _, f := range families {
		b, err := os.ReadFile(filepath.Join(out, "peers-"+f.key+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var results []*result
		p := part{Data: &results}
		if err := json.Unmarshal(b, &p); err != nil {
			t.Fatal(err)
		}
		var measured []string
		var latencies time.Duration
		for _, r := range results {
			measured = append(measured, r.Key)
			round := r.Rounds[0]
			if round.Load <= 0 || round.Loaded <= 0 || round.After <= 0 {
				t.Errorf("%s, %s: %+v", f.name, r.Key, round)
			}
			wrong := ""
			if r.Key == "hosts" {
				wrong = "answers SERVFAIL" // and there is a line about it
			}
			for kind, phase := range map[string]phase{"": round.Hit, wrong: round.Miss} {
				if phase.Wrong != kind || phase.PerSecond <= 0 || phase.P99 < phase.P50 {
					t.Errorf("%s, %s: %+v", f.name, r.Key, phase)
				}
				latencies += phase.P50
			}
		}
		if latencies == 0 {
			t.Errorf("%s: no latencies", f.name)
		}
		if diff := gocmp.Diff(keys, measured); diff != "" {
			t.Errorf("%s: servers (-installed +measured):\n%s", f.name, diff)
		}
		var figures []string
		for _, f := range p.Figures {
			figures = append(figures, f.Budget)
		}
		want := []string{"query", "query"}
		for _, key := range []string{"knot", "nsd"} {
			if slices.Contains(keys, key) {
				want = append(want, "fast", "fast")
			}
		}
		if diff := gocmp.Diff(append(want, "load", "memory", "snapshot"), figures); diff != "" {
			t.Errorf("%s: budgets (-want +got):\n%s", f.name, diff)
		}
	}

	readme := filepath.Join(out, "README.md")
	if err := os.WriteFile(readme, []byte("before\n"+beginMark+"old\n"+endMark+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	runBench(t, bin, "report", "-out", out, "-update", readme)
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if slices.Contains(keys, s.key) && strings.Count(string(page), "| "+s.name+" |") != 4 {
			t.Errorf("%s is not in two tables of both families:\n%s", s.name, page)
		}
	}
	for _, b := range budgets {
		if !strings.Contains(string(page), "| "+b.work+" | "+b.limit+" |") {
			t.Errorf("there is no budget %s:\n%s", b.key, page)
		}
	}
}

// buildPrograms returns a folder with the programs of some packages.
func buildPrograms(t *testing.T, packages ...string) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", append([]string{"build", "-o", bin}, packages...)...)
	if b, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return bin
}

// runBench runs the bench in a folder and returns what it prints.
func runBench(t *testing.T, bin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "bench"), args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("bench %s: %v\n%s", args, err, stderr.String())
	}
	return string(printed)
}

// fakeResults returns results of two rounds, by the keys of the servers.
func fakeResults(all map[string][2]round) (results []*result) {
	for _, s := range servers {
		if rounds, ok := all[s.key]; ok {
			results = append(results, &result{server: s, Key: s.key, Rounds: []*round{&rounds[0], &rounds[1]}})
		}
	}
	return results
}

// Ratios are those of rounds, not of medians: both servers may have been slower in one of them.
func TestComparison(t *testing.T) {
	fast := func(cpu float64, load time.Duration, memory int64, wrong string) round {
		p := phase{CPU: cpu, PerSecond: 1000, P50: time.Millisecond, P99: time.Second}
		q := p
		q.Wrong = wrong
		return round{Load: load, Loaded: memory, After: memory, Hit: p, Miss: q}
	}
	const ms, mega = time.Millisecond, 1 << 20
	d := data{family: families[0], names: 1000, dir: t.TempDir()}
	if err := d.write("snapshot"); err != nil {
		t.Fatal(err)
	}
	c := comparison{d, fakeResults(map[string][2]round{
		"revmap":       {fast(10, 100*ms, 10*mega, ""), fast(20, 200*ms, 10*mega, "")},
		"revmap-plain": {fast(8, 100*ms, 10*mega, ""), fast(18, 200*ms, 10*mega, "")},
		"revmap-fast":  {fast(4, 100*ms, 10*mega, ""), fast(8, 200*ms, 10*mega, "")},
		"constant":     {fast(10, ms, 2*mega, ""), fast(20, ms, 2*mega, "")},
		"template":     {fast(10, ms, 3*mega, ""), fast(20, ms, 3*mega, "")}, // has no data to load
		"knot":         {fast(5, 2000*ms, 50*mega, ""), fast(10, 4000*ms, 50*mega, "")},
		"nsd":          {fast(5, 500*ms, 200*mega, "1 of 10 lost"), fast(10, 1000*ms, 200*mega, "")},
	})}
	p, err := c.part()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range p.Figures {
		if f.Budget != "snapshot" {
			got[f.Budget+": "+f.Case] = f.Value
		}
	}
	want := map[string]float64{
		"query: IPv4, hit": 1, "query: IPv4, miss": 1, "load: IPv4, NSD": 0.2, "memory: IPv4, Knot DNS": 0.2,
		"fast: IPv4, hit, Knot DNS": 0.8, "fast: IPv4, miss, Knot DNS": 0.8,
		"fast: IPv4, hit, NSD": 0.8, "fast: IPv4, miss, NSD": 0.8,
	}
	if !maps.Equal(got, want) {
		t.Errorf("figures %v; want %v", got, want)
	}
	for _, line := range []string{
		"| Knot DNS | 7.50 | 1.70 | 0.800 | 1,000 | 1,000 | 1,000,000 | 7.50 | 1.70 | 0.800 | 1,000 | 1,000 | 1,000,000 |\n",
		"| NSD | 0.750 | 0.200 | 200 | 200 | 0.050 |\n",
		"| CoreDNS template | 0.001 |  | 3 | 3 |  |\n",
		"* NSD, miss, round 1: 1 of 10 lost\n",
	} {
		if !strings.Contains(p.Text, line) {
			t.Errorf("there is no line %s in:\n%s", line, p.Text)
		}
	}
}

func TestMistakes(t *testing.T) {
	wrong := round{Miss: phase{Wrong: "1 of 10 lost"}}
	for key, fails := range map[string]bool{"revmap": true, "revmap-plain": true, "knot": false, "constant": false} {
		c := comparison{data{family: families[0]}, fakeResults(map[string][2]round{key: {{}, wrong}})}
		if err := c.mistakes(); (err != nil) != fails {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestChoose(t *testing.T) {
	chosen, err := choose("revmap,echo", "coredns")
	if err != nil || len(chosen) != 2 || chosen[0].key != "revmap" || chosen[1].key != "echo" {
		t.Errorf("%v, %v", chosen, err)
	}
	if _, err := choose("revmap,nothing", "coredns"); err == nil {
		t.Error("a key that no server has is taken")
	}
}
