package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"gopkg.in/yaml.v3"
)

// A cost is what one run of a program took.
type cost struct {
	Wall, CPU time.Duration
	Peak      int64 // bytes of memory
}

func (c cost) wall() float64 { return c.Wall.Seconds() }
func (c cost) cpu() float64  { return c.CPU.Seconds() }
func (c cost) peak() float64 { return float64(c.Peak) / (1 << 20) }

// spend runs a program, which has to exit with status 0.
func spend(ctx context.Context, env []string, program string, args ...string) (cost, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = procAttr
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	ended, most := make(chan struct{}), make(chan int64)
	go func() { most <- watchPeak(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	wall := time.Since(begun)
	close(ended)
	c := cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), <-most}
	if err != nil {
		const most = 2000
		return cost{}, fmt.Errorf("%s: %w\n%.*s", cmd, err, most, out.Bytes())
	}
	return c, nil
}

// watchPeak looks every 10 ms at the most memory that a process has had, and returns what it saw last before the end.
func watchPeak(pid int, ended <-chan struct{}) (most int64) {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for {
		if n, err := peak(pid); err == nil { // else it has just ended
			most = n
		}
		select {
		case <-ended:
			return most
		case <-t.C:
		}
	}
}

// A work is one of those that are done with a source.
type work struct {
	name string // in the table
	key  string
	// run does it, with cache as revmap's cache.
	run func(ctx context.Context, t *tools, s source, cache string) (cost, error)
}

// Tools are the programs that are measured.
type tools struct {
	bench, revmap string
	changes       int // of files, so far
}

// works are done in this order, with one cache that is empty at the beginning of "cold" ones.
var works = []*work{
	{"yaml.v3 nodes", "floor", func(ctx context.Context, t *tools, s source, _ string) (cost, error) {
		return spend(ctx, nil, t.bench, "yaml", s.dir)
	}},
	{"lint, cold", "lint", func(ctx context.Context, t *tools, s source, cache string) (cost, error) {
		if err := os.RemoveAll(cache); err != nil {
			return cost{}, err
		}
		return spend(ctx, cacheAt(cache), t.revmap, "lint", s.root())
	}},
	{"compile, cold", "cold", func(ctx context.Context, t *tools, s source, cache string) (cost, error) {
		return t.cold(ctx, s, cache)
	}},
	{"compile, nothing changed", "warm", func(ctx context.Context, t *tools, s source, cache string) (cost, error) {
		return t.compile(ctx, s, cache)
	}},
	{"compile, one file changed", "change", func(ctx context.Context, t *tools, s source, cache string) (cost, error) {
		t.changes++
		if err := s.writeFile(s.files/2, fmt.Sprintf("new%d", t.changes)); err != nil {
			return cost{}, err
		}
		return t.compile(ctx, s, cache)
	}},
}

// cold compiles with an empty cache, and without an earlier snapshot.
func (t *tools) cold(ctx context.Context, s source, cache string) (cost, error) {
	if err := errors.Join(os.RemoveAll(cache), remove(s.snapshot())); err != nil {
		return cost{}, err
	}
	return t.compile(ctx, s, cache)
}

func (t *tools) compile(ctx context.Context, s source, cache string) (cost, error) {
	return spend(ctx, cacheAt(cache), t.revmap, "compile", "-q", "-o", s.snapshot(), s.root())
}

// cacheAt tells revmap to keep its cache in a folder. The time of the source is a fixed one.
func cacheAt(dir string) []string {
	return []string{"REVMAP_CACHE=" + dir, "SOURCE_DATE_EPOCH=1767225600"}
}

func (s source) snapshot() string { return s.dir + ".snapshot" }

// remove removes a file, if it is there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Costs are what all works with one source took.
type costs struct {
	Source string
	Size   int64             // bytes
	Runs   map[string][]cost // by the key of the work
	source source
}

// compileWork is the subcommand compile.
func compileWork(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("compile", flag.ContinueOnError)
	dir := flags.String("out", "run/bench", "folder for data and results")
	revmap := flags.String("revmap", "bin/revmap", "the command line of revmap")
	addresses := flags.Int("addresses", 1_000_000, "size of the data")
	files := flags.Int("files", 1000, "how many files it is spread over, but for the source that is in one")
	runs := flags.Int("runs", 3, "how often to do everything; tables have the medians")
	lockFile := flags.String("lock", "", "lock this `file` while something is measured, so that benches take turns")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bench, err := os.Executable()
	if err != nil {
		return err
	}
	t := &tools{bench: bench, revmap: *revmap}
	cache := filepath.Join(*dir, "cache")
	defer os.RemoveAll(cache)
	var all []*costs
	for _, s := range []source{
		{asServers, filepath.Join(*dir, "source-servers"), *addresses, *files},
		{asEntries, filepath.Join(*dir, "source-entries"), *addresses, *files},
		{asServers, filepath.Join(*dir, "source-one"), *addresses, 1},
	} {
		step("writing %s", s.dir)
		if err := s.write(); err != nil {
			return err
		}
		size, err := s.size()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s, %s files", s.name, thousands(s.files))
		if s.files == 1 {
			name = s.name + ", one file"
		}
		all = append(all, &costs{Source: name, Size: size, Runs: make(map[string][]cost), source: s})
	}
	for i := range *runs {
		for _, c := range all {
			step("run %d of %d: %s", i+1, *runs, c.Source)
			if err := c.run(ctx, t, cache, *lockFile); err != nil {
				return err
			}
		}
	}
	return compilePart(all, *addresses).write(*dir, "compile")
}

// run does all works once.
func (c *costs) run(ctx context.Context, t *tools, cache, lockFile string) error {
	unlock, err := lock(ctx, lockFile)
	if err != nil {
		return err
	}
	defer unlock()
	for _, w := range works {
		spent, err := w.run(ctx, t, c.source, cache)
		if err != nil {
			return err
		}
		c.Runs[w.key] = append(c.Runs[w.key], spent)
	}
	return nil
}

// ratio returns the median, over all runs, of one work's cost divided by another's: both were done soon after each
// other.
func (c *costs) ratio(key, to string, value func(cost) float64) float64 {
	type pair struct{ a, b cost }
	var pairs []pair
	for i, r := range c.Runs[key] {
		pairs = append(pairs, pair{r, c.Runs[to][i]})
	}
	return median(pairs, func(p pair) float64 { return value(p.a) / value(p.b) })
}

// compilePart makes the table. The budgets are for the first of all.
func compilePart(all []*costs, addresses int) *part {
	t := table{left: 2, head: []string{
		"source", "work", "s", "to the floor", "to a cold compile", "CPU, s", "to the floor", "to a cold compile", "peak, MB",
	}}
	for _, c := range all {
		source := fmt.Sprintf("%s, %s MB", c.Source, digits(float64(c.Size)/1e6))
		for _, w := range works {
			runs := c.Runs[w.key]
			t.add(source, w.name,
				digits(median(runs, cost.wall)),
				digits(c.ratio(w.key, "floor", cost.wall)), digits(c.ratio(w.key, "cold", cost.wall)),
				digits(median(runs, cost.cpu)),
				digits(c.ratio(w.key, "floor", cost.cpu)), digits(c.ratio(w.key, "cold", cost.cpu)),
				digits(median(runs, cost.peak)))
			source = ""
		}
	}
	p := &part{Title: fmt.Sprintf("Compile, %s addresses", thousands(addresses)), Text: t.String(), Data: all}
	c := all[0]
	p.Figures = []figure{
		{"compile", "time, to the floor", c.ratio("cold", "floor", cost.wall), 1.5, "x"},
		{"compile", "CPU, to the floor", c.ratio("cold", "floor", cost.cpu), 1.5, "x"},
		{"compile", "peak", median(c.Runs["cold"], cost.peak), 1500, " MB"},
		{"change", "time, to the cold run", c.ratio("change", "cold", cost.wall), 0.1, "x"},
		{"change", "CPU, to the cold run", c.ratio("change", "cold", cost.cpu), 0.1, "x"},
	}
	return p
}

// parseYAML is the subcommand yaml, the floor of a compile: it parses all files of a source into nodes, as many at a
// time as there are processors, and keeps none.
func parseYAML(_ context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: bench yaml DIR")
	}
	paths := make(chan string)
	failures := make(chan error, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range cap(failures) {
		workers.Go(func() {
			var failed error
			for path := range paths {
				b, err := os.ReadFile(path)
				var n yaml.Node
				failed = errors.Join(failed, err, yaml.Unmarshal(b, &n))
			}
			failures <- failed
		})
	}
	err := filepath.WalkDir(args[0], func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".yaml") {
			paths <- path
		}
		return err
	})
	close(paths)
	workers.Wait()
	close(failures)
	for f := range failures {
		err = errors.Join(err, f)
	}
	return err
}
