package main

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// servedns measures the plugin's ServeDNS alone, by its Go benchmark.
func servedns(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("servedns", flag.ContinueOnError)
	dir := flags.String("out", "run/bench", "folder for results")
	count := flags.Int("count", 5, "how often to run each benchmark; the table has the medians")
	duration := flags.String("time", "300ms", "how long to run each benchmark")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkServeDNS$", "-benchmem",
		"-benchtime", *duration, "-count", strconv.Itoa(*count), "github.com/revmap/revmap/plugin")
	step("%s", cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	runs, err := parseServeDNS(string(out))
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return servednsPart(runs).write(*dir, "servedns")
}

// A serveRun is one line of BenchmarkServeDNS: "IPv4/hit/64" means 64 different queries, which all get a PTR.
type serveRun struct {
	Family, Kind, Queries string
	Nanoseconds           float64 // per query
	Allocations           float64
}

// parseServeDNS reads what go test prints.
func parseServeDNS(out string) (runs []serveRun, err error) {
	for line := range strings.Lines(out) {
		name, ok := strings.CutPrefix(line, "BenchmarkServeDNS/")
		if !ok {
			continue
		}
		f := strings.Fields(name) // name, how often, then values and their units
		// The name ends in the number of processors, if that is not 1: hit/64-2.
		parts := strings.Split(strings.SplitN(f[0], "-", 2)[0], "/")
		if len(parts) != 3 {
			return nil, fmt.Errorf("parse %q: not FAMILY/KIND/QUERIES", line)
		}
		r := serveRun{Family: parts[0], Kind: parts[1], Queries: parts[2]}
		for i := 2; i+1 < len(f); i += 2 {
			value, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("parse %q: %w", line, err)
			}
			switch f[i+1] {
			case "ns/op":
				r.Nanoseconds = value
			case "allocs/op":
				r.Allocations = value
			}
		}
		if r.Nanoseconds == 0 {
			return nil, fmt.Errorf("parse %q: no ns/op", line)
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("no result of BenchmarkServeDNS")
	}
	return runs, nil
}

// servednsPart compares each kind of query with the constant answer to as many queries of the same family.
func servednsPart(runs []serveRun) *part {
	t := table{left: 1, head: []string{"queries", "different ones", "of the constant answer's time", "allocations"}}
	p := &part{Title: "ServeDNS alone, 1,000,000 names", Data: runs}
	nanoseconds := func(r serveRun) float64 { return r.Nanoseconds }
	var done []serveRun
	for _, r := range runs {
		same := func(kind string) (all []serveRun) {
			for _, other := range runs {
				if other.Family == r.Family && other.Kind == kind && other.Queries == r.Queries {
					all = append(all, other)
				}
			}
			return all
		}
		key := serveRun{Family: r.Family, Kind: r.Kind, Queries: r.Queries}
		if r.Kind == "constant" || slices.Contains(done, key) || len(same("constant")) == 0 {
			continue
		}
		done = append(done, key)
		ratio := median(same(r.Kind), nanoseconds) / median(same("constant"), nanoseconds)
		allocations := median(same(r.Kind), func(r serveRun) float64 { return r.Allocations })
		name := r.Family + ", " + r.Kind
		t.add(name, r.Queries, digits(ratio), strconv.Itoa(int(allocations)))
		name += ", " + r.Queries + " different queries"
		p.Figures = append(p.Figures,
			figure{"serve", name, ratio, 2, "x"}, figure{"serve", name, allocations, 2, " allocations"})
	}
	p.Text = t.String()
	return p
}
