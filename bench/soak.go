package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

// flatLimit is how much more there may be at the end of a soak than there was when it had begun.
const flatLimit = 1.1

// soakSettings say how long and with what a server is soaked.
type soakSettings struct {
	coredns, dir, lock string
	names              int
	time               time.Duration
	rate               int           // queries per second
	every              time.Duration // between two snapshots
	sample             time.Duration // between two looks at the server
	patience           time.Duration // until a secondary has a new snapshot
}

// A sample is what a server uses at one time.
type sample struct {
	At         time.Duration // since the begin
	Memory     int64         // bytes
	Goroutines int
	Files      int // and sockets
}

// A soaked is what was measured.
type soaked struct {
	Samples         []sample
	Hit, Miss       *traffic
	Snapshots       int // that were put there
	Swapped, Failed int // as the server counts them
	Followed        int // snapshots that the secondary has got
	AXFR, IXFR      int // transfers that were complete
}

// soak is the subcommand of that name.
func soak(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	set := new(soakSettings)
	flags.StringVar(&set.coredns, "coredns", "bin/coredns", "CoreDNS with revmap")
	flags.StringVar(&set.dir, "out", "run/bench", "folder for data and results")
	flags.StringVar(&set.lock, "lock", "", "lock this `file` meanwhile, so that several benches take turns")
	flags.IntVar(&set.names, "names", 1_000_000, "size of the data")
	flags.DurationVar(&set.time, "time", 10*time.Minute, "how long to ask")
	flags.IntVar(&set.rate, "rate", 30_000, "queries per second; the default is in 10 minutes what 5,000 are in an hour")
	flags.DurationVar(&set.every, "every", 10*time.Second, "time between two snapshots")
	flags.DurationVar(&set.sample, "sample", 2*time.Second, "time between two looks at memory and the like")
	flags.DurationVar(&set.patience, "patience", time.Minute, "how long the secondary may take to follow")
	if err := flags.Parse(args); err != nil {
		return err
	}
	unlock, err := lock(ctx, set.lock)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := set.measure(ctx, data{family: families[0], names: set.names, dir: set.dir})
	if err != nil {
		return err
	}
	return soakPart(r, set).write(set.dir, "soak")
}

func (set *soakSettings) measure(ctx context.Context, d data) (*soaked, error) {
	for _, ext := range []string{"hit", "miss"} {
		step("%s: writing %s", d.name, d.path(ext))
		if err := d.write(ext); err != nil {
			return nil, err
		}
	}
	if err := d.publish(1); err != nil {
		return nil, err
	}
	// The two servers know each other's ports.
	ports := make([]int, 2)
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	primary := &server{
		name: "revmap", key: "soak", program: "coredns", data: "served", args: []string{"-conf", "<<.Dir>>/Corefile"},
		port: ports[0], other: ports[1],
	}
	secondary := &server{
		name: "Knot DNS", key: "secondary", program: "knotd", debian: "knot", args: []string{"-c", "<<.Dir>>/knot.conf"},
		port: ports[1], other: ports[0],
	}
	p, stop, err := primary.launch(ctx, set.coredns, d)
	if err != nil {
		return nil, err
	}
	defer stop()
	second, stopSecond, err := secondary.launch(ctx, set.coredns, d)
	if err != nil {
		return nil, err
	}
	defer stopSecond()

	r := new(soaked)
	step("soaking for %s", set.time)
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	asking, done := context.WithTimeout(ctx, set.time)
	defer done()
	ask := func(ext string) (*traffic, error) {
		return load{addr: p.addr, queries: d.path(ext), time: set.time, rate: set.rate / 2, most: mostWaiting / 2}.run(ctx)
	}
	g.Go(func() (err error) {
		r.Hit, err = ask("hit")
		return err
	})
	g.Go(func() (err error) {
		r.Miss, err = ask("miss")
		return err
	})
	g.Go(func() error { return r.watch(asking, set.sample, p) })
	g.Go(func() error { return r.change(ctx, asking, set, d, p, second) })
	if err := g.Wait(); err != nil {
		return nil, p.failure(err.Error())
	}
	r.Swapped, r.Failed, err = p.reloads(outer)
	return r, err
}

// publish puts the snapshot with the given serial where the server looks for it.
func (d data) publish(serial uint32) error {
	f, err := os.Create(d.path("next"))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(d.writeSerial(w, serial), w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(d.path("next"), d.path("served"))
}

// watch looks at the server until the context ends.
func (r *soaked) watch(ctx context.Context, every time.Duration, p *process) error {
	begun := time.Now()
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		s := sample{At: time.Since(begun)}
		all, err := p.scrape(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		s.Goroutines = int(all["go_goroutines"])
		if s.Memory, err = p.memory(); err != nil {
			return err
		}
		if s.Files, err = p.openFiles(); err != nil {
			return err
		}
		r.Samples = append(r.Samples, s)
	}
}

// change makes snapshots until asking ends, lets the secondary follow each, the last one too, and transfers the zone.
func (r *soaked) change(ctx, asking context.Context, set *soakSettings, d data, primary, secondary *process) error {
	t := time.NewTicker(set.every)
	defer t.Stop()
	for serial := uint32(2); ; serial++ {
		select {
		case <-asking.Done():
			return nil
		case <-t.C:
		}
		if err := d.publish(serial); err != nil {
			return err
		}
		r.Snapshots++
		if err := r.follow(ctx, set.patience, serial, d, primary, secondary); err != nil {
			return fmt.Errorf("serial %d: %w", serial, err)
		}
	}
}

// follow waits until both servers have the serial, and transfers the zone from the primary.
func (r *soaked) follow(
	ctx context.Context, patience time.Duration, serial uint32, d data, primary, secondary *process,
) error {
	limited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for _, p := range []*process{primary, secondary} {
		q := new(dns.Msg).SetQuestion(d.zone(), dns.TypeSOA)
		err := p.wait(limited, q, func(m *dns.Msg) bool {
			if len(m.Answer) != 1 {
				return false
			}
			soa, ok := m.Answer[0].(*dns.SOA)
			return ok && soa.Serial == serial
		})
		if err != nil {
			return err
		}
	}
	r.Followed++
	// Of each name that changes the old one goes and the new one comes, between SOA RRs.
	changed := 2*((d.names+changedOf-1)/changedOf) + 4
	if n, err := dig(ctx, primary.addr, d.zone(), fmt.Sprintf("IXFR=%d", serial-1)); err != nil {
		return err
	} else if n != changed {
		return fmt.Errorf("IXFR of %d RRs instead of %d", n, changed)
	}
	r.IXFR++
	if serial%3 != 0 {
		return nil
	}
	whole := d.names + 4 // two SOA and two NS RRs
	if n, err := dig(ctx, primary.addr, d.zone(), "AXFR"); err != nil {
		return err
	} else if n != whole {
		return fmt.Errorf("AXFR of %d RRs instead of %d", n, whole)
	}
	r.AXFR++
	return nil
}

var xfrSize = regexp.MustCompile(`(?m)^;; XFR size: (\d+) records`)

// dig transfers a zone, and returns how many RRs that took.
func dig(ctx context.Context, addr, zone, kind string) (int, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "dig", "@"+host, "-p", port, "+noall", "+stats", zone, kind)
	cmd.SysProcAttr = procAttr
	out, err := cmd.CombinedOutput()
	m := xfrSize.FindSubmatch(out)
	if err != nil || m == nil {
		return 0, fmt.Errorf("%s: %v\n%s", cmd, err, out)
	}
	return strconv.Atoi(string(m[1]))
}

// quarter returns the samples of one of four equal parts of the time.
func (r *soaked) quarter(n int) []sample {
	return r.Samples[len(r.Samples)*n/4 : len(r.Samples)*(n+1)/4]
}

// soakPart makes the table. What grew between the second and the last quarter would go on growing; in the first, memory
// still becomes what it stays.
func soakPart(r *soaked, set *soakSettings) *part {
	uses := []struct {
		name, row string
		of        func(samples []sample) float64
	}{
		{"memory", "memory, MB, median", func(samples []sample) float64 {
			return median(samples, func(s sample) float64 { return mega(s.Memory) })
		}},
		// The least, because queries that are on their way have goroutines, too.
		{"goroutines", "goroutines, least", func(samples []sample) float64 {
			return float64(slices.MinFunc(samples, func(a, b sample) int { return a.Goroutines - b.Goroutines }).Goroutines)
		}},
		{"open files", "open files, median", func(samples []sample) float64 {
			return median(samples, func(s sample) float64 { return float64(s.Files) })
		}},
	}
	t := table{left: 1, head: []string{
		"", "first quarter", "second quarter", "third quarter", "last quarter", "last to second", "",
	}}
	lost := 0
	for _, q := range []struct {
		*traffic
		rcode int
	}{{r.Hit, dns.RcodeSuccess}, {r.Miss, dns.RcodeNameError}} {
		lost += q.Lost + q.Completed - q.Rcodes[dns.RcodeToString[q.rcode]]
	}
	p := &part{
		Title:   fmt.Sprintf("A soak of %s, %s names, a snapshot every %s", set.time, thousands(set.names), set.every),
		Data:    r,
		Figures: []figure{{"soak", "lost or wrong", float64(lost), 0, ""}},
	}
	for _, u := range uses {
		row := []string{u.row}
		for n := range 4 {
			row = append(row, digits(u.of(r.quarter(n))))
		}
		f := figure{"soak", u.name, u.of(r.quarter(3)) / u.of(r.quarter(1)), flatLimit, "x"}
		verdict := "flat"
		if !f.met() {
			verdict = "**grows**"
		}
		t.add(append(row, digits(f.Value), verdict)...)
		p.Figures = append(p.Figures, f)
	}
	p.Text = fmt.Sprintf(`%s
%s queries, %s of them lost or wrong, %s in a second. %d snapshots, %d swaps, %d failed. The secondary has followed %d.
dig has got %d zones by AXFR and %d changes by IXFR.
`, t.String(), thousands(r.Hit.Sent+r.Miss.Sent), thousands(lost), digits(r.Hit.PerSecond+r.Miss.PerSecond),
		r.Snapshots, r.Swapped, r.Failed, r.Followed, r.AXFR, r.IXFR)
	return p
}
