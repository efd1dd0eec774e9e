package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	yamlsource "github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/peer"
)

// A generated source has as many addresses as it should, and lint finds nothing, so that compile does all of its work.
func TestSource(t *testing.T) {
	for _, shape := range []*shape{asServers, asEntries} {
		for _, files := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", shape.key, files), func(t *testing.T) {
				s := source{shape, t.TempDir() + "/source", 1200, files}
				if err := s.write(); err != nil {
					t.Fatal(err)
				}
				before, err := s.size()
				if err != nil {
					t.Fatal(err)
				}
				addresses := func() map[netip.Addr]string {
					parsed, found, err := yamlsource.Load(s.root())
					if err != nil || len(found) > 0 {
						t.Fatal(err, found)
					}
					inv := model.Build(parsed)
					if found := lint.Run(inv, nil, lint.Options{}); len(found) > 0 {
						t.Fatal(found)
					}
					all := make(map[netip.Addr]string)
					for i := range inv.Addresses {
						a := &inv.Addresses[i]
						all[a.Addr] = strings.Join(inv.Effective(a).Names, " ")
					}
					return all
				}
				old := addresses()
				if len(old) != 1200 {
					t.Errorf("%d addresses", len(old))
				}
				if err := s.writeFile(files/2, "changed"); err != nil {
					t.Fatal(err)
				}
				changed := addresses()
				for a, name := range changed {
					if old[a] == name {
						delete(old, a)
						delete(changed, a)
					}
				}
				if len(old) != 2 || len(changed) != 2 { // a name that both families have
					t.Errorf("changing one file changes %v to %v", old, changed)
				}
				if after, err := s.size(); err != nil || after == before {
					t.Errorf("the size was %d, now %d, %v", before, after, err)
				}
			})
		}
	}
}

func TestSourceLimits(t *testing.T) {
	if a := netip.MustParseAddr(source4(mostSource/2 - 1)); !netip.MustParsePrefix("10.0.0.0/8").Contains(a) {
		t.Errorf("the last address is %s", a)
	}
	for _, bad := range []source{
		{addresses: 100, files: 0}, {addresses: 100, files: 26}, {addresses: mostSource + 1, files: 1},
	} {
		bad.dir = t.TempDir()
		if bad.write() == nil {
			t.Errorf("%d addresses in %d files are no error", bad.addresses, bad.files)
		}
	}
}

func TestParseMetrics(t *testing.T) {
	got, err := parseMetrics(strings.NewReader(`# HELP go_goroutines Number of goroutines.
# TYPE go_goroutines gauge
go_goroutines 17
coredns_revmap_reloads_total{result="success",snapshot="/a b"} 1.5e+01

`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"go_goroutines": 17, `coredns_revmap_reloads_total{result="success",snapshot="/a b"}`: 15}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"go_goroutines\n", "go_goroutines many\n"} {
		if _, err := parseMetrics(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

// failed returns the figures of a part that miss their budgets, by case.
func failed(p *part) map[string]float64 {
	all := make(map[string]float64)
	for _, f := range p.Figures {
		if !f.met() {
			all[f.Case] = f.Value
		}
	}
	return all
}

func TestReloadPart(t *testing.T) {
	of := func(p99 time.Duration, sent, completed, lost, noerror int) window {
		return window{
			Full:  &traffic{Sent: 100, Completed: 100, Rcodes: map[string]int{"NOERROR": 100}},
			Probe: &traffic{Sent: sent, Completed: completed, Lost: lost, Rcodes: map[string]int{"NOERROR": noerror}, P99: p99},
		}
	}
	good := of(time.Millisecond, 10, 10, 0, 10)
	for _, test := range []struct {
		name     string
		reloaded window
		after    int64
		want     map[string]float64
	}{
		{"as before", good, 100, nil},
		{"one on its way at the end", of(time.Millisecond, 11, 10, 0, 10), 100, nil},
		{"one lost", of(time.Millisecond, 10, 9, 1, 9), 100, map[string]float64{"IPv4, lost or wrong": 1}},
		{"one SERVFAIL", of(time.Millisecond, 10, 10, 0, 9), 100, map[string]float64{"IPv4, lost or wrong": 1}},
		{"slow", of(3*time.Millisecond, 10, 10, 0, 10), 100, map[string]float64{"IPv4, p99": 3}},
		{"memory kept", good, 200, map[string]float64{"IPv4, memory afterwards": 2}},
	} {
		s := &swaps{Family: "IPv4", Quiet: []window{good}, Reloaded: []window{test.reloaded}, Before: 100, After: test.after}
		if got := failed(reloadPart([]*swaps{s}, new(reloadSettings))); !maps.Equal(got, test.want) {
			t.Errorf("%s: budgets missed: %v; want %v", test.name, got, test.want)
		}
	}
}

func TestGrowthPart(t *testing.T) {
	var all []*grown
	for _, family := range []string{"IPv4", "IPv6", "both"} {
		for _, names := range []int{10, 40} {
			costs := make(map[string]float64)
			for _, c := range append(serveCosts, compileCosts...) {
				costs[c] = 5
			}
			if family == "IPv6" && names == 40 {
				costs[costHit] = 10
			}
			all = append(all, &grown{family, names, []map[string]float64{costs}})
		}
	}
	p := growthPart(all, &growthSettings{sizes: []int{10, 40}})
	if n := len(p.Figures); n != 2*len(serveCosts)+len(compileCosts) {
		t.Errorf("%d figures", n)
	}
	if got, want := failed(p), map[string]float64{"IPv6, " + costHit: 2}; !maps.Equal(got, want) {
		t.Errorf("budgets missed: %v; want %v", got, want)
	}
	if want := "* IPv6: hit, µs CPU per query at 40 names is 2 times that at 10\n"; !strings.HasSuffix(p.Text, want) {
		t.Errorf("the text does not end with %q:\n%s", want, p.Text)
	}
}

func TestSoakPart(t *testing.T) {
	steady := &traffic{Sent: 10, Completed: 10, Rcodes: map[string]int{"NOERROR": 10}}
	absent := &traffic{Sent: 10, Completed: 10, Rcodes: map[string]int{"NXDOMAIN": 10}}
	for _, test := range []struct {
		name    string
		miss    *traffic
		samples []sample
		want    map[string]float64
	}{
		{"flat after the first quarter", absent, []sample{{0, 1, 1, 1}, {0, 10, 10, 10}, {0, 20, 20, 20}, {0, 11, 11, 11}},
			nil},
		{"each grows", absent, []sample{{0, 1, 1, 1}, {0, 10, 10, 10}, {0, 10, 10, 10}, {0, 20, 30, 40}},
			map[string]float64{"memory": 2, "goroutines": 3, "open files": 4}},
		{"absent names exist", steady, []sample{{0, 1, 1, 1}, {0, 1, 1, 1}, {0, 1, 1, 1}, {0, 1, 1, 1}},
			map[string]float64{"lost or wrong": 10}},
	} {
		got := failed(soakPart(&soaked{Hit: steady, Miss: test.miss, Samples: test.samples}, new(soakSettings)))
		if !maps.Equal(got, test.want) {
			t.Errorf("%s: budgets missed: %v; want %v", test.name, got, test.want)
		}
	}
}

// TestScenarios runs all scenarios with little data, as a user does, and then the report.
func TestScenarios(t *testing.T) {
	peer.Needs(t, "dnsperf", "dig", "knotd")
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	bin, out := buildPrograms(t, ".", "../cmd/coredns", "../cmd/revmap"), t.TempDir()
	run := func(t *testing.T, args string) string {
		t.Helper()
		return runBench(t, bin, strings.Fields(args)...)
	}
	read := func(t *testing.T, name string, data any) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(out, name+".json"))
		if err == nil {
			err = json.Unmarshal(b, &part{Data: data})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	coredns, revmap := " -coredns "+filepath.Join(bin, "coredns"), " -revmap "+filepath.Join(bin, "revmap")
	to := " -out " + out

	t.Run("reload", func(t *testing.T) {
		run(t, "reload -names 1000 -pairs 1 -window 2s -every 500ms -settle 1s"+to+coredns)
		var all []swaps
		read(t, "reload", &all)
		if len(all) != 2 {
			t.Fatalf("%d families", len(all))
		}
		for _, s := range all {
			q, r := s.Quiet[0], s.Reloaded[0]
			// A machine that is busy with other tests loses a datagram now and then. What was answered has to be right.
			few := (q.Full.Sent + r.Full.Sent) / 10_000
			lost := q.Full.Lost + q.Probe.Lost + r.Full.Lost + r.Probe.Lost
			if lost > few || q.wrong()+r.wrong() > lost || q.Full.Completed == 0 || r.Full.Completed == 0 || r.Probe.P99 == 0 {
				t.Errorf("%s: %+v, %+v", s.Family, q, r)
			}
			if s.Replaced == 0 || s.Swapped == 0 || s.Failed > 0 || s.Before == 0 || s.Peak == 0 || s.After == 0 {
				t.Errorf("%s: %+v", s.Family, s)
			}
		}
	})
	t.Run("compile", func(t *testing.T) {
		run(t, "compile -addresses 1000 -files 10 -runs 1"+to+revmap)
		var all []costs
		read(t, "compile", &all)
		if len(all) != 3 {
			t.Fatalf("%d sources", len(all))
		}
		for _, c := range all {
			for _, w := range works {
				if r := c.Runs[w.key]; len(r) != 1 || r[0].Wall == 0 || r[0].CPU == 0 || r[0].Peak == 0 {
					t.Errorf("%s, %s: %+v", c.Source, w.name, r)
				}
			}
		}
	})
	t.Run("growth", func(t *testing.T) {
		run(t, "growth -sizes 1000,2000 -rounds 1 -time 200ms"+to+coredns+revmap)
		var all []grown
		read(t, "growth", &all)
		if len(all) != 6 {
			t.Fatalf("%d sizes of data", len(all))
		}
		for _, g := range all {
			for c, v := range g.Rounds[0] {
				if v <= 0 {
					t.Errorf("%s, %d names, %s: %v", g.Family, g.Names, c, v)
				}
			}
		}
	})
	t.Run("soak", func(t *testing.T) {
		run(t, "soak -names 1000 -time 4s -every 500ms -sample 100ms -rate 500"+to+coredns)
		var r soaked
		read(t, "soak", &r)
		if len(r.Samples) < 4 || r.Hit.Completed == 0 || r.Miss.Completed == 0 {
			t.Errorf("%+v", r)
		}
		n := r.Snapshots
		if n == 0 || r.Swapped != n || r.Followed != n || r.IXFR != n || r.Failed > 0 {
			t.Errorf("%+v", r)
		}
	})
	page := run(t, "report"+to)
	for _, title := range []string{"### Reloads", "### Compile", "### Growth", "### A soak"} {
		if !strings.Contains(page, title) {
			t.Errorf("the report has no %q:\n%s", title, page)
		}
	}
}
