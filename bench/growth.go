package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// growthLimit is how much more than in the smallest data something may cost in a larger one, for each name.
const growthLimit = 1.3

// growthSettings say how growth is measured.
type growthSettings struct {
	coredns, revmap, dir, lock string
	sizes                      []int // names; costs are compared with those of the first
	rounds                     int
	time                       time.Duration // of each load
	mostCompiled               int           // names; compiling more is left out
}

// A grown is what one size of the data costs.
type grown struct {
	Family string
	Names  int
	Rounds []map[string]float64 // by the unit of what was measured
}

// These are the costs of serving and of compiling, in the order of the table.
const (
	costSnapshot = "snapshot, bytes per name"
	costLoad     = "start to first answer, µs per name"
	costLoaded   = "memory loaded, bytes per name"
	costAfter    = "memory after the queries, bytes per name"
	costHit      = "hit, µs CPU per query"
	costMiss     = "miss, µs CPU per query"
	costWall     = "compile, µs per address"
	costCPU      = "compile, µs CPU per address"
	costPeak     = "compile, bytes of memory per address"
)

var (
	serveCosts   = []string{costSnapshot, costLoad, costLoaded, costAfter, costHit, costMiss}
	compileCosts = []string{costWall, costCPU, costPeak}
)

// growth is the subcommand of that name.
func growth(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	set := &growthSettings{sizes: []int{1_000_000, 4_000_000, 1 << 24}}
	flags.StringVar(&set.coredns, "coredns", "bin/coredns", "CoreDNS with revmap")
	flags.StringVar(&set.revmap, "revmap", "bin/revmap", "the command line of revmap")
	flags.StringVar(&set.dir, "out", "run/bench", "folder for data and results")
	flags.StringVar(&set.lock, "lock", "", "lock this `file` while something is measured, so that benches take turns")
	flags.IntVar(&set.rounds, "rounds", 3, "how often to measure each size; tables have the medians")
	flags.DurationVar(&set.time, "time", 4*time.Second, "how long to ask at full speed for one kind of names")
	flags.IntVar(&set.mostCompiled, "most-compiled", 1<<24, "the largest source that is compiled")
	only := flags.String("only", "", "ipv4, ipv6 or compile; all if it is left out")
	flags.Func("sizes", "numbers of names, with commas (default 1000000,4000000,16777216)", func(s string) error {
		set.sizes = nil
		for field := range strings.SplitSeq(s, ",") {
			var n int
			if _, err := fmt.Sscan(field, &n); err != nil {
				return err
			}
			set.sizes = append(set.sizes, n)
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	var all []*grown
	for _, f := range families {
		if *only != "" && *only != f.key {
			continue
		}
		serving, err := set.serving(ctx, f)
		if err != nil {
			return err
		}
		all = append(all, serving...)
	}
	if *only == "" || *only == "compile" {
		compiling, err := set.compiling(ctx)
		if err != nil {
			return err
		}
		all = append(all, compiling...)
	}
	return growthPart(all, set).write(set.dir, "growth")
}

// serving measures a server with all sizes of one family by turns.
func (set *growthSettings) serving(ctx context.Context, f *family) (all []*grown, err error) {
	for i := range set.rounds {
		for n, names := range set.sizes {
			d := data{family: f, names: names, dir: set.dir}
			if i == 0 {
				all = append(all, &grown{Family: f.name, Names: names})
				for _, ext := range []string{"snapshot", "hit", "miss"} {
					step("%s: writing %s", f.name, d.path(ext))
					if err := d.write(ext); err != nil {
						return nil, err
					}
				}
			}
			step("%s: round %d of %d, %s names", f.name, i+1, set.rounds, thousands(names))
			costs, err := set.serve(ctx, d)
			if err != nil {
				return nil, err
			}
			all[n].Rounds = append(all[n].Rounds, costs)
		}
	}
	return all, nil
}

func (set *growthSettings) serve(ctx context.Context, d data) (map[string]float64, error) {
	r, err := servers[0].measure(ctx, &settings{coredns: set.coredns, time: set.time, rate: 1000, lock: set.lock}, d)
	if err != nil {
		return nil, err
	}
	fi, err := os.Stat(d.path("snapshot"))
	if err != nil {
		return nil, err
	}
	n := float64(d.names)
	return map[string]float64{
		costSnapshot: float64(fi.Size()) / n,
		costLoad:     float64(r.Load.Microseconds()) / n,
		costLoaded:   float64(r.Loaded) / n,
		costAfter:    float64(r.After) / n,
		costHit:      r.Hit.CPU,
		costMiss:     r.Miss.CPU,
	}, nil
}

// compiling measures cold compiles of all sizes, once for each round, the largest only once: it takes minutes.
func (set *growthSettings) compiling(ctx context.Context) (all []*grown, err error) {
	cache := filepath.Join(set.dir, "cache")
	defer os.RemoveAll(cache)
	for _, addresses := range set.sizes {
		if addresses > set.mostCompiled {
			continue
		}
		s := source{asServers, filepath.Join(set.dir, fmt.Sprintf("source-%d", addresses)), addresses, max(1, addresses/1000)}
		defer os.RemoveAll(s.dir)
		step("writing %s", s.dir)
		if err := s.write(); err != nil {
			return nil, err
		}
		g := &grown{Family: "both", Names: addresses}
		rounds := set.rounds
		if addresses == slices.Max(set.sizes) {
			rounds = 1
		}
		for i := range rounds {
			step("compile: round %d of %d, %s addresses", i+1, rounds, thousands(addresses))
			c, err := set.compile(ctx, s, cache)
			if err != nil {
				return nil, err
			}
			n := float64(addresses)
			g.Rounds = append(g.Rounds, map[string]float64{
				costWall: float64(c.Wall.Microseconds()) / n,
				costCPU:  float64(c.CPU.Microseconds()) / n,
				costPeak: float64(c.Peak) / n,
			})
		}
		all = append(all, g)
	}
	return all, nil
}

func (set *growthSettings) compile(ctx context.Context, s source, cache string) (cost, error) {
	unlock, err := lock(ctx, set.lock)
	if err != nil {
		return cost{}, err
	}
	defer unlock()
	return (&tools{revmap: set.revmap}).cold(ctx, s, cache)
}

// growthPart makes the table.
func growthPart(all []*grown, set *growthSettings) *part {
	t := table{left: 2, head: []string{"family", "cost"}}
	for i, size := range set.sizes {
		t.head = append(t.head, thousands(size))
		if i > 0 {
			t.head = append(t.head, "to the first")
		}
	}
	p := &part{Title: "Growth: the cost of a name by the number of names", Data: all}
	var flagged []string
	for _, family := range []string{"IPv4", "IPv6", "both"} {
		if !slices.ContainsFunc(all, func(g *grown) bool { return g.Family == family }) {
			continue
		}
		costs := serveCosts
		if family == "both" {
			costs = compileCosts
		}
		for _, c := range costs {
			row := []string{family, c}
			var first, most float64
			for i, size := range set.sizes {
				n := slices.IndexFunc(all, func(g *grown) bool { return g.Family == family && g.Names == size })
				if n < 0 {
					row = append(row, "not measured", "")
					continue
				}
				v := median(all[n].Rounds, func(m map[string]float64) float64 { return m[c] })
				row = append(row, digits(v))
				if i == 0 {
					first = v
					continue
				}
				ratio := v / first
				most = max(most, ratio)
				row = append(row, digits(ratio))
				if ratio > growthLimit {
					flagged = append(flagged, fmt.Sprintf("* %s: %s at %s names is %s times that at %s\n",
						family, c, thousands(size), digits(ratio), thousands(set.sizes[0])))
				}
			}
			t.add(row...)
			if most > 0 { // else there was only one size
				p.Figures = append(p.Figures, figure{"growth", family + ", " + c, most, growthLimit, "x"})
			}
		}
	}
	p.Text = t.String()
	if len(flagged) > 0 {
		p.Text += "\nGrows faster than the data:\n\n" + strings.Join(flagged, "")
	}
	return p
}
