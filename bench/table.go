package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/coremain"
)

// median returns the median of what value returns for each element, the lower of the two middle ones if their number is
// even.
func median[E any](all []E, value func(E) float64) float64 {
	values := make([]float64, len(all))
	for i, e := range all {
		values[i] = value(e)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// What is taken from a round.
func hitCPU(r *round) float64   { return r.Hit.CPU }
func missCPU(r *round) float64  { return r.Miss.CPU }
func loadTime(r *round) float64 { return r.Load.Seconds() }
func after(r *round) float64    { return float64(r.After) }

// ratio returns the median, over all rounds, of ours divided by theirs: both were measured soon after each other.
func ratio(ours, theirs *result, value func(*round) float64) float64 {
	type pair struct{ ours, theirs *round }
	var pairs []pair
	for i, r := range ours.Rounds {
		pairs = append(pairs, pair{r, theirs.Rounds[i]})
	}
	return median(pairs, func(p pair) float64 { return value(p.ours) / value(p.theirs) })
}

// peersPart makes the tables of one family.
func peersPart(results []*result, d data) (*part, error) {
	find := func(key string) *result {
		i := slices.IndexFunc(results, func(r *result) bool { return r.Key == key })
		if i < 0 {
			return nil
		}
		return results[i]
	}
	queries := table{left: 1, head: []string{
		"server", "hit, µs CPU", "ours / this", "queries/s", "p50, µs", "p99, µs",
		"miss, µs CPU", "ours / this", "queries/s", "p50, µs", "p99, µs",
	}}
	loads := table{left: 1, head: []string{
		"server", "load, s", "ours / this", "RSS loaded, MB", "RSS after, MB", "ours / this",
	}}
	var versions, wrong []string
	for _, r := range results {
		key := revmapPlain
		if r.server.metrics {
			key = revmapMetrics
		}
		ours := find(key)
		against := func(value func(*round) float64) string {
			if ours == nil || ours == r {
				return ""
			}
			return digits(ratio(ours, r, value))
		}
		number := func(value func(*round) float64) string { return digits(median(r.Rounds, value)) }
		micro := func(t time.Duration) float64 { return float64(t) / float64(time.Microsecond) }
		queries.add(r.server.name,
			number(hitCPU), against(hitCPU), number(func(r *round) float64 { return r.Hit.PerSecond }),
			number(func(r *round) float64 { return micro(r.Hit.P50) }),
			number(func(r *round) float64 { return micro(r.Hit.P99) }),
			number(missCPU), against(missCPU), number(func(r *round) float64 { return r.Miss.PerSecond }),
			number(func(r *round) float64 { return micro(r.Miss.P50) }),
			number(func(r *round) float64 { return micro(r.Miss.P99) }))
		loadAgainst := ""
		if r.server.data != "" {
			loadAgainst = against(loadTime)
		}
		mega := func(bytes int64) float64 { return float64(bytes) / (1 << 20) }
		memoryAgainst := ""
		if r.server.data != "" {
			memoryAgainst = against(after)
		}
		loads.add(r.server.name, number(loadTime), loadAgainst,
			number(func(r *round) float64 { return mega(r.Loaded) }),
			number(func(r *round) float64 { return mega(r.After) }), memoryAgainst)
		if r.Version != "" {
			versions = append(versions, r.server.name+" "+r.Version)
		}
		for i, round := range r.Rounds {
			if round.Hit.Wrong != "" {
				wrong = append(wrong, fmt.Sprintf("* %s, hit, round %d: %s\n", r.server.name, i+1, round.Hit.Wrong))
			}
			if round.Miss.Wrong != "" {
				wrong = append(wrong, fmt.Sprintf("* %s, miss, round %d: %s\n", r.server.name, i+1, round.Miss.Wrong))
			}
		}
	}
	p := &part{
		Title: fmt.Sprintf("%s, %s names", d.name, thousands(d.names)),
		Text:  queries.String() + "\n" + loads.String(),
		Data:  results,
	}
	if len(wrong) > 0 {
		p.Text += "\nWrong answers:\n\n" + strings.Join(wrong, "")
	}
	versions = append(versions, "other CoreDNS "+coremain.CoreVersion, "dnsperf "+tellVersion("dnsperf", "-h"))
	p.Text += "\nVersions: " + strings.Join(versions, "; ") + ".\n"
	ours := find(revmapMetrics)
	if ours == nil {
		return p, nil
	}
	if c := find(constantMetrics); c != nil {
		p.Figures = append(p.Figures,
			figure{"query", d.name + ", hit", ratio(ours, c, hitCPU), 1.10, "x"},
			figure{"query", d.name + ", miss", ratio(ours, c, missCPU), 1.10, "x"})
	}
	// best returns the largest ratio of ours to a peer that has loaded the data, which is that to the best of them.
	best := func(value func(*round) float64) (largest float64, name string) {
		for _, r := range results {
			if r.server.data == "" || r.server.program == "coredns" {
				continue
			}
			if x := ratio(ours, r, value); x > largest {
				largest, name = x, r.server.name
			}
		}
		return largest, name
	}
	if x, name := best(loadTime); name != "" {
		p.Figures = append(p.Figures, figure{"load", d.name + ", " + name, x, d.loadBudget, "x"})
	}
	if x, name := best(after); name != "" {
		p.Figures = append(p.Figures, figure{"memory", d.name + ", " + name, x, d.memoryBudget, "x"})
	}
	fi, err := os.Stat(d.path("snapshot"))
	if err != nil {
		return nil, err
	}
	p.Figures = append(p.Figures,
		figure{"snapshot", d.name, float64(fi.Size()) / float64(d.names), d.snapshotBudget, " bytes"})
	return p, nil
}
