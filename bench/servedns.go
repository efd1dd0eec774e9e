package main

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// servedns measures the plugin's ServeDNS alone, by its Go benchmark.
func servedns(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("servedns", flag.ContinueOnError)
	dir := flags.String("out", "run/bench", "folder for results")
	count := flags.Int("count", 3, "how often to run each benchmark; the table has the medians")
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

// A serveRun is one line of BenchmarkServeDNS.
type serveRun struct {
	Name        string  // of the sub-benchmark
	Nanoseconds float64 // per query
	Allocations float64
}

func (r serveRun) nanoseconds() float64 { return r.Nanoseconds }
func (r serveRun) allocations() float64 { return r.Allocations }

// isConstantFor reports whether r is the constant answer that the runs with the given name compare with: the name of
// the one says "constant" where that of the other says which kind of name is asked for.
func (r serveRun) isConstantFor(name string) bool {
	ours, theirs := strings.Split(r.Name, "/"), strings.Split(name, "/")
	if len(ours) != len(theirs) || r.Name == name {
		return false
	}
	for i := range ours {
		if ours[i] != theirs[i] && ours[i] != "constant" {
			return false
		}
	}
	return true
}

// parseServeDNS reads what go test prints.
func parseServeDNS(out string) (runs []serveRun, err error) {
	for line := range strings.Lines(out) {
		name, ok := strings.CutPrefix(line, "BenchmarkServeDNS/")
		if !ok {
			continue
		}
		f := strings.Fields(name) // name, how often, then values and their units
		// Go adds the number of processors, if that is not 1.
		r := serveRun{Name: regexp.MustCompile(`-\d+$`).ReplaceAllString(f[0], "")}
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

// servednsPart compares each kind of query with the constant answer.
func servednsPart(runs []serveRun) *part {
	t := table{left: 1, head: []string{"queries", "time, of that of a constant answer", "allocations"}}
	p := &part{Title: "ServeDNS alone, 1,000,000 names", Data: runs}
	names := make(map[string]bool) // that are done
	for _, r := range runs {
		var same, constant []serveRun
		for _, other := range runs {
			switch {
			case other.Name == r.Name:
				same = append(same, other)
			case other.isConstantFor(r.Name):
				constant = append(constant, other)
			}
		}
		if names[r.Name] || len(constant) == 0 {
			continue
		}
		names[r.Name] = true
		time := median(same, serveRun.nanoseconds) / median(constant, serveRun.nanoseconds)
		allocations := median(same, serveRun.allocations)
		t.add(r.Name, digits(time), digits(allocations))
		p.Figures = append(p.Figures,
			figure{"serve", r.Name + ", time", time, 2, "x"}, figure{"serve", r.Name + ", allocations", allocations, 2, ""})
	}
	p.Text = t.String()
	return p
}
