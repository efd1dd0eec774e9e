package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/coremain"
)

// A result is what was measured of one server.
type result struct {
	server  *server
	Key     string
	Version string // "" for those that are this program
	Rounds  []*round
}

// A comparison is what was measured of all servers with the same data.
type comparison struct {
	data
	results []*result
}

// of returns the result of a server, nil if it was not measured.
func (c *comparison) of(key string) *result {
	i := slices.IndexFunc(c.results, func(r *result) bool { return r.Key == key })
	if i < 0 {
		return nil
	}
	return c.results[i]
}

// A value is what is taken from a round, in the unit of the tables.
type value func(*round) float64

func hitCPU(r *round) float64   { return r.Hit.CPU }
func missCPU(r *round) float64  { return r.Miss.CPU }
func loadTime(r *round) float64 { return r.Load.Seconds() }
func loaded(r *round) float64   { return mega(r.Loaded) }
func after(r *round) float64    { return mega(r.After) }

// The columns of a phase, but for the CPU.
func perSecond(p *phase) float64 { return p.PerSecond }
func p50(p *phase) float64       { return micro(p.P50) }
func p99(p *phase) float64       { return micro(p.P99) }

func micro(t time.Duration) float64 { return float64(t) / float64(time.Microsecond) }

// ratio returns the median, over all rounds, of ours divided by theirs. Both have taken part in each round.
func ratio(ours, theirs *result, v value) float64 {
	ratios := make([]float64, len(ours.Rounds))
	for i := range ratios {
		ratios[i] = v(ours.Rounds[i]) / v(theirs.Rounds[i])
	}
	return median(ratios, func(x float64) float64 { return x })
}

// cell returns the median of a value of a server for a table.
func (r *result) cell(v value) string { return digits(median(r.Rounds, v)) }

// against returns the ratio of revmap's value to that of r for a table, "" if r is revmap.
func (c *comparison) against(r *result, v value) string {
	if r.server.metrics {
		return c.quotient(revmapMetrics, r, v)
	}
	return c.quotient(revmapPlain, r, v)
}

// fastAgainst does the same for revmap with the fast path.
func (c *comparison) fastAgainst(r *result, v value) string {
	if r.server.metrics {
		return c.quotient(fastMetrics, r, v)
	}
	return c.quotient(fastPlain, r, v)
}

func (c *comparison) quotient(key string, r *result, v value) string {
	ours := c.of(key)
	if ours == nil || r.server.program == ours.server.program {
		return ""
	}
	return digits(ratio(ours, r, v))
}

// part makes the tables, and the figures for the budgets.
func (c *comparison) part() (*part, error) {
	figures, err := c.figures()
	if err != nil {
		return nil, err
	}
	return &part{
		Title:   fmt.Sprintf("%s, %s names", c.name, thousands(c.names)),
		Text:    c.queryTable() + "\n" + c.loadTable() + "\n" + c.wrong() + "Versions: " + c.versions() + ".\n",
		Figures: figures,
		Data:    c.results,
	}, nil
}

func (c *comparison) queryTable() string {
	t := table{left: 1, head: []string{"server",
		"hit, µs CPU", "ours / this", "fast / this", "queries/s", "p50, µs", "p99, µs",
		"miss, µs CPU", "ours / this", "fast / this", "queries/s", "p50, µs", "p99, µs",
	}}
	for _, r := range c.results {
		hit := func(v func(*phase) float64) string { return r.cell(func(r *round) float64 { return v(&r.Hit) }) }
		miss := func(v func(*phase) float64) string { return r.cell(func(r *round) float64 { return v(&r.Miss) }) }
		t.add(r.server.name,
			r.cell(hitCPU), c.against(r, hitCPU), c.fastAgainst(r, hitCPU), hit(perSecond), hit(p50), hit(p99),
			r.cell(missCPU), c.against(r, missCPU), c.fastAgainst(r, missCPU), miss(perSecond), miss(p50), miss(p99))
	}
	return t.String()
}

func (c *comparison) loadTable() string {
	t := table{left: 1, head: []string{
		"server", "load, s", "ours / this", "RSS loaded, MB", "RSS after, MB", "ours / this",
	}}
	for _, r := range c.results {
		against := func(v value) string {
			if r.server.data == "" { // nothing to compare with
				return ""
			}
			return c.against(r, v)
		}
		t.add(r.server.name, r.cell(loadTime), against(loadTime), r.cell(loaded), r.cell(after), against(after))
	}
	return t.String()
}

// wrong lists what is wrong with answers.
func (c *comparison) wrong() string {
	var b strings.Builder
	for _, r := range c.results {
		for i, round := range r.Rounds {
			for _, p := range []struct{ name, wrong string }{{"hit", round.Hit.Wrong}, {"miss", round.Miss.Wrong}} {
				if p.wrong != "" {
					fmt.Fprintf(&b, "* %s, %s, round %d: %s\n", r.server.name, p.name, i+1, p.wrong)
				}
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "Wrong answers:\n\n" + b.String() + "\n"
}

func (c *comparison) versions() string {
	var all []string
	for _, r := range c.results {
		switch {
		case r.Key == revmapMetrics:
			all = append(all, "CoreDNS with revmap "+r.Version)
		case r.Version != "" && r.server.program != "coredns":
			all = append(all, r.server.name+" "+r.Version)
		}
	}
	all = append(all, "other CoreDNS "+coremain.CoreVersion, "dnsperf "+tellVersion("dnsperf", "-h"))
	return strings.Join(all, "; ")
}

// figures returns those for the budgets. They are about revmap with metrics.
func (c *comparison) figures() (all []figure, err error) {
	ours := c.of(revmapMetrics)
	if ours == nil {
		return nil, nil
	}
	if constant := c.of(constantMetrics); constant != nil {
		all = append(all,
			figure{"query", c.name + ", hit", ratio(ours, constant, hitCPU), 1.10, "x"},
			figure{"query", c.name + ", miss", ratio(ours, constant, missCPU), 1.10, "x"})
	}
	// best adds the largest ratio of ours to a peer that has loaded the data: that is the one to the best of them.
	best := func(budget string, v value, limit float64) {
		f := figure{Budget: budget, Limit: limit, Unit: "x"}
		for _, r := range c.results {
			if r.server.data == "" || r.server.program == ours.server.program {
				continue
			}
			if x := ratio(ours, r, v); x > f.Value {
				f.Case, f.Value = c.name+", "+r.server.name, x
			}
		}
		if f.Case != "" {
			all = append(all, f)
		}
	}
	if fast := c.of(fastPlain); fast != nil {
		for _, key := range []string{"knot", "nsd"} {
			if r := c.of(key); r != nil {
				all = append(all,
					figure{"fast", c.name + ", hit, " + r.server.name, ratio(fast, r, hitCPU), c.fastBudget, "x"},
					figure{"fast", c.name + ", miss, " + r.server.name, ratio(fast, r, missCPU), 1.10, "x"})
			}
		}
	}
	best("load", loadTime, c.loadBudget)
	best("memory", after, c.memoryBudget)
	fi, err := os.Stat(c.path("snapshot"))
	if err != nil {
		return nil, err
	}
	return append(all,
		figure{"snapshot", c.name, float64(fi.Size()) / float64(c.names), c.snapshotBudget, " bytes"}), nil
}

// mistakes returns an error if revmap has given wrong answers. Those of others are in the tables.
func (c *comparison) mistakes() (err error) {
	for _, r := range c.results {
		for _, round := range r.Rounds {
			if wrong := cmp.Or(round.Hit.Wrong, round.Miss.Wrong); wrong != "" && r.server.program == "coredns" {
				err = errors.Join(err, fmt.Errorf("%s, %s: %s", r.server.name, c.name, wrong))
			}
		}
	}
	return err
}
