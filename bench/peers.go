package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
)

// Settings are the same for all servers of a comparison.
type settings struct {
	coredns string        // path of the CoreDNS with revmap
	time    time.Duration // of each run at full speed
	rate    int           // queries per second of the runs that latencies come from
	lock    string        // file that is locked while a server is measured; "" is none
}

// A round is what was measured from the start of a server to its end.
type round struct {
	Load          time.Duration // from the start of the process to the first right answer
	Loaded, After int64         // bytes of memory, before and after the queries
	Hit, Miss     phase
}

// A phase is what was measured with one kind of queries.
type phase struct {
	CPU       float64 // of the server, in µs per query
	PerSecond float64 // queries
	P50, P99  time.Duration
	Wrong     string // what is wrong with the answers; "" is nothing
}

// measure starts a server, measures it, and ends it.
func (s *server) measure(ctx context.Context, set *settings, d data) (*round, error) {
	unlock, err := lock(ctx, set.lock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p, stop, err := s.launch(ctx, set.coredns, d)
	if err != nil {
		return nil, err
	}
	defer stop()
	r := &round{Load: p.load}
	if r.Loaded, err = p.memory(); err != nil {
		return nil, err
	}
	if err := s.verify(p.addr, d); err != nil {
		return nil, p.failure(err.Error())
	}
	if r.Hit, err = p.phase(ctx, set, d.path("hit"), dns.RcodeSuccess); err != nil {
		return nil, err
	}
	if r.Miss, err = p.phase(ctx, set, d.path("miss"), s.absentRcode()); err != nil {
		return nil, err
	}
	r.After, err = p.memory()
	return r, err
}

// verify asks for some names, and compares the answers with what they have to be.
func (s *server) verify(addr string, d data) error {
	c := dns.Client{Timeout: 5 * time.Second}
	conn, err := c.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, number := range d.some(500) {
		q := new(dns.Msg).SetQuestion(arpa.Name(d.addr(number)), dns.TypePTR)
		r, _, err := c.ExchangeWithConn(q, conn)
		if err != nil {
			return err
		}
		if !s.right(r, number) {
			return fmt.Errorf("a wrong answer:\n%s", r)
		}
	}
	return nil
}

// phase measures a running server with the queries of a file, all of which have to get the given rcode. If some get no
// answer, it measures once more: a busy machine loses a datagram now and then, a server that loses some does so again.
func (p *process) phase(ctx context.Context, set *settings, queries string, rcode int) (phase, error) {
	measured, lost, err := p.attempt(ctx, set, queries, rcode)
	if err == nil && lost > 0 {
		step("%s: %s; once more", p.cmd.Path, measured.Wrong)
		measured, _, err = p.attempt(ctx, set, queries, rcode)
	}
	return measured, err
}

// attempt also returns how many queries got lost.
func (p *process) attempt(ctx context.Context, set *settings, queries string, rcode int) (ph phase, lost int, err error) {
	before, err := p.cpu()
	if err != nil {
		return phase{}, 0, err
	}
	full, err := load{addr: p.addr, queries: queries, time: set.time}.run(ctx)
	if err != nil {
		return phase{}, 0, err
	}
	after, err := p.cpu()
	if err != nil {
		return phase{}, 0, err
	}
	if full.Completed == 0 {
		return phase{}, 0, p.failure("no answers")
	}
	paced, err := load{addr: p.addr, queries: queries, time: set.time / 2, rate: set.rate, each: true}.run(ctx)
	if err != nil {
		return phase{}, 0, err
	}
	return phase{
		CPU:       micro(max(after-before, tick)) / float64(full.Completed), // less than a tick cannot be told from none
		PerSecond: full.PerSecond, P50: paced.P50, P99: paced.P99,
		Wrong: cmp.Or(full.wrong(rcode), paced.wrong(rcode)),
	}, full.Lost + paced.Lost, nil
}

// wrong says which answers did not come, or have another rcode than the right one.
func (t *traffic) wrong(rcode int) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(t.Rcodes)) {
		switch n := t.Rcodes[name]; {
		case name == dns.RcodeToString[rcode]:
		case n == t.Completed:
			all = append(all, "answers "+name)
		default:
			all = append(all, fmt.Sprintf("%d of %d are %s", n, t.Completed, name))
		}
	}
	if t.Lost > 0 {
		all = append(all, fmt.Sprintf("%d of %d lost", t.Lost, t.Sent))
	}
	return strings.Join(all, ", ")
}

// peers compares servers.
func peers(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	set := new(settings)
	flags.StringVar(&set.coredns, "coredns", "bin/coredns", "CoreDNS with revmap")
	flags.DurationVar(&set.time, "time", 2*time.Second,
		"how long to ask each server at full speed for one kind of names; 0 is until each query was asked once")
	flags.IntVar(&set.rate, "rate", 2000, "queries per second while latencies are measured")
	flags.StringVar(&set.lock, "lock", "", "lock this `file` while a server runs, so that several benches take turns")
	dir := flags.String("out", "run/bench", "folder for data and results")
	names := flags.Int("names", 1_000_000, "size of the data")
	key := flags.String("family", "", "ipv4 or ipv6; both if it is left out")
	keys := flags.String("servers", "", "keys of servers, with commas; all that are installed if it is left out")
	rounds := flags.Int("rounds", 3, "how often to measure each server; tables have the medians")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *key != "" && !slices.ContainsFunc(families, func(f *family) bool { return f.key == *key }) {
		return fmt.Errorf("no family has the key %q", *key)
	}
	chosen, err := choose(*keys, set.coredns)
	if err != nil {
		return err
	}
	var failed error
	for _, f := range families {
		if *key != "" && f.key != *key {
			continue
		}
		d := data{family: f, names: *names, dir: *dir}
		c, err := compare(ctx, set, chosen, d, *rounds)
		if err != nil {
			return err
		}
		p, err := c.part()
		if err != nil {
			return err
		}
		if err := p.write(*dir, "peers-"+f.key); err != nil {
			return err
		}
		failed = errors.Join(failed, c.mistakes())
	}
	return failed
}

// choose returns the servers with the given keys, or all that are installed if there is none.
func choose(keys, coredns string) (chosen []*server, err error) {
	if keys == "" {
		for _, s := range servers {
			if _, err := s.find(coredns); err != nil {
				step("%s is left out: %v", s.name, err)
				continue
			}
			chosen = append(chosen, s)
		}
		return chosen, nil
	}
	for key := range strings.SplitSeq(keys, ",") {
		s, err := serverOf(key)
		if err != nil {
			return nil, err
		}
		if _, err := s.find(coredns); err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// compare measures servers in turns.
func compare(ctx context.Context, set *settings, chosen []*server, d data, rounds int) (*comparison, error) {
	c := &comparison{data: d}
	wanted := map[string]bool{"hit": true, "miss": true}
	for _, s := range chosen {
		if s.data != "" {
			wanted[s.data] = true
		}
		r := &result{server: s, Key: s.key}
		if s.version != "" {
			program, err := s.find(set.coredns)
			if err != nil {
				return nil, err
			}
			r.Version = tellVersion(program, s.version)
		}
		c.results = append(c.results, r)
	}
	for _, ext := range slices.Sorted(maps.Keys(wanted)) {
		step("%s: writing %s", d.name, d.path(ext))
		if err := d.write(ext); err != nil {
			return nil, err
		}
	}
	for i := range rounds {
		// Each round has another order, so that nobody always follows the same one.
		for n, at := range rand.New(rand.NewPCG(uint64(i), 0)).Perm(len(c.results)) {
			r := c.results[at]
			step("%s: round %d of %d, server %d of %d: %s", d.name, i+1, rounds, n+1, len(c.results), r.server.name)
			round, err := r.server.measure(ctx, set, d)
			if err != nil {
				return nil, fmt.Errorf("measure %s: %w", r.server.name, err)
			}
			r.Rounds = append(r.Rounds, round)
		}
	}
	return c, nil
}
