package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

// reloading is revmap as it is when snapshots change often: it looks after them more often than they change. As a
// primary it has more to do at each: it keeps what has changed for its secondaries.
var reloading = &server{
	name: "revmap", key: "reload", program: "coredns", data: "served", args: []string{"-conf", "<<.Dir>>/Corefile"},
}

// reloadSettings say how reloads are measured.
type reloadSettings struct {
	coredns, dir, lock string
	names              int
	pairs              int           // of windows: one without reloads, one with
	window             time.Duration // long enough that at least one snapshot is replaced in it
	every              time.Duration // between two snapshots
	rate               int           // queries per second whose latencies are measured, beside those at full speed
	settle             time.Duration // to give memory back
}

// A window is a time of full load, with or without reloads.
type window struct {
	Full  *traffic // as many queries as the server can answer
	Probe *traffic // beside them, a few, whose latencies are known
}

// wrong returns the number of queries that had no answer or not the right one. Those that are on their way when dnsperf
// ends are not among them.
func (w window) wrong() int {
	n := 0
	for _, t := range []*traffic{w.Full, w.Probe} {
		n += t.Lost + t.Completed - t.Rcodes[dns.RcodeToString[dns.RcodeSuccess]]
	}
	return n
}

func (w window) p50() float64       { return float64(w.Probe.P50) / float64(time.Microsecond) }
func (w window) p99() float64       { return float64(w.Probe.P99) / float64(time.Microsecond) }
func (w window) perSecond() float64 { return w.Full.PerSecond }

// Swaps are what was measured while snapshots were replaced.
type swaps struct {
	Family          string
	Quiet, Reloaded []window // of each pair
	Replaced        int      // snapshots
	Swapped, Failed int      // as the server counts them
	// Bytes of memory: after the first window, which is without reloads; at most while there were reloads; and Settle
	// after that, when it was about Before again or the time was over.
	Before, Peak, After int64
	Settle              time.Duration
}

// reload is the subcommand of that name.
func reload(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("reload", flag.ContinueOnError)
	set := new(reloadSettings)
	flags.StringVar(&set.coredns, "coredns", "bin/coredns", "CoreDNS with revmap")
	flags.StringVar(&set.dir, "out", "run/bench", "folder for data and results")
	flags.StringVar(&set.lock, "lock", "", "lock this `file` while a server runs, so that several benches take turns")
	flags.IntVar(&set.names, "names", 1_000_000, "size of the data")
	key := flags.String("family", "", "ipv4 or ipv6; both if it is left out")
	flags.IntVar(&set.pairs, "pairs", 6, "how often to measure without and with reloads")
	flags.DurationVar(&set.window, "window", 10*time.Second, "how long to measure each time")
	flags.DurationVar(&set.every, "every", 2*time.Second, "time between two snapshots")
	flags.IntVar(&set.rate, "rate", 2000, "queries per second whose latencies are measured")
	flags.DurationVar(&set.settle, "settle", 4*time.Minute, "time to give memory back afterwards")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var all []*swaps
	for _, f := range families {
		if *key != "" && f.key != *key {
			continue
		}
		s, err := set.measure(ctx, data{family: f, names: set.names, dir: set.dir})
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	return reloadPart(all, set).write(set.dir, "reload")
}

func (set *reloadSettings) measure(ctx context.Context, d data) (_ *swaps, err error) {
	for _, ext := range append(successors[:], "hit") {
		step("%s: writing %s", d.name, d.path(ext))
		if err := d.write(ext); err != nil {
			return nil, err
		}
	}
	unlock, err := lock(ctx, set.lock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := d.serve(successors[0]); err != nil {
		return nil, err
	}
	p, stop, err := reloading.launch(ctx, set.coredns, d)
	if err != nil {
		return nil, err
	}
	defer stop()

	r := &swaps{Family: d.name}
	for i := range set.pairs {
		step("%s: pair %d of %d", d.name, i+1, set.pairs)
		quiet, err := set.load(ctx, p, d)
		if err != nil {
			return nil, err
		}
		r.Quiet = append(r.Quiet, *quiet)
		if i == 0 {
			if r.Before, err = p.memory(); err != nil {
				return nil, err
			}
			if err := p.resetPeak(); err != nil {
				return nil, err
			}
		}
		replacing, end := context.WithCancel(ctx)
		g := new(errgroup.Group)
		g.Go(func() error { return r.replace(replacing, set.every, d) })
		reloaded, err := set.load(ctx, p, d)
		end()
		if err := errors.Join(err, g.Wait()); err != nil {
			return nil, err
		}
		r.Reloaded = append(r.Reloaded, *reloaded)
	}
	if r.Peak, err = p.peak(); err != nil {
		return nil, err
	}
	step("%s: waiting for the last swap, and until memory is back at %.0f MB", d.name, mega(r.Before))
	begun := time.Now()
	for {
		if r.Swapped, r.Failed, err = p.reloads(ctx); err != nil {
			return nil, err
		}
		if r.After, err = p.memory(); err != nil {
			return nil, err
		}
		r.Settle = time.Since(begun)
		done := r.Swapped+r.Failed >= r.Replaced && float64(r.After) <= settled*float64(r.Before)
		if done || r.Settle > set.settle {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// settled is how much more memory than before is still that of one generation.
const settled = 1.1

// mostProbe is how many queries are on their way at most whose latencies are measured.
const mostProbe = 32

// load asks for names that exist, at full speed, and beside that at a rate.
func (set *reloadSettings) load(ctx context.Context, p *process, d data) (*window, error) {
	w := new(window)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		w.Full, err = load{addr: p.addr, queries: d.path("hit"), time: set.window, most: mostWaiting - mostProbe}.run(ctx)
		return err
	})
	g.Go(func() (err error) {
		w.Probe, err = load{
			addr: p.addr, queries: d.path("hit"), time: set.window, rate: set.rate, most: mostProbe, each: true,
		}.run(ctx)
		return err
	})
	return w, g.Wait()
}

// successors are the snapshots that are served by turns, by the extensions of their files.
var successors = [...]string{"snapshot", "second", "third"}

// replace replaces the snapshot that is served, again and again until the context ends.
func (r *swaps) replace(ctx context.Context, every time.Duration, d data) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		r.Replaced++
		if err := d.serve(successors[r.Replaced%len(successors)]); err != nil {
			return err
		}
	}
}

// serve puts a snapshot where the server looks for it.
func (d data) serve(ext string) error {
	next := d.path("next")
	if err := errors.Join(remove(next), os.Link(d.path(ext), next)); err != nil {
		return err
	}
	return os.Rename(next, d.path("served"))
}

// reloadPart makes the tables.
func reloadPart(all []*swaps, set *reloadSettings) *part {
	queries := table{left: 2, head: []string{
		"family", "windows", "queries", "lost or wrong", "queries/s", "p50, µs", "p99, µs", "p99 to that without",
	}}
	memory := table{left: 1, head: []string{
		"family", "snapshots", "swapped", "failed", "before, MB", "peak, MB", "after, MB", "after how long, s",
	}}
	p := &part{
		Title: fmt.Sprintf("Reloads under full load, %s names, a snapshot every %s", thousands(set.names), set.every),
		Data:  all,
	}
	for _, s := range all {
		type pair struct{ quiet, reloaded window }
		var pairs []pair
		for i, q := range s.Quiet {
			pairs = append(pairs, pair{q, s.Reloaded[i]})
		}
		ratio := median(pairs, func(p pair) float64 { return p.reloaded.p99() / p.quiet.p99() })
		lost := 0
		for _, kind := range []struct {
			name    string
			windows []window
			ratio   string
		}{{"without reloads", s.Quiet, ""}, {"with reloads", s.Reloaded, digits(ratio)}} {
			sent, wrong := 0, 0
			for _, w := range kind.windows {
				sent += w.Full.Sent + w.Probe.Sent
				wrong += w.wrong()
			}
			lost += wrong
			queries.add(s.Family, kind.name, thousands(sent), thousands(wrong), digits(median(kind.windows, window.perSecond)),
				digits(median(kind.windows, window.p50)), digits(median(kind.windows, window.p99)), kind.ratio)
		}
		memory.add(s.Family, thousands(s.Replaced), thousands(s.Swapped), thousands(s.Failed),
			digits(mega(s.Before)), digits(mega(s.Peak)), digits(mega(s.After)), digits(s.Settle.Seconds()))
		p.Figures = append(p.Figures,
			figure{"reload", s.Family + ", lost or wrong", float64(lost), 0, ""},
			figure{"reload", s.Family + ", p99", ratio, 2, "x"},
			figure{"reload", s.Family + ", memory afterwards", float64(s.After) / float64(s.Before), settled, "x"})
	}
	p.Text = queries.String() + "\n" + memory.String()
	return p
}
