package revmap

import (
	"time"

	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/coredns/coredns/plugin/pkg/rcode"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/fastpath"
)

// A mark is what is counted of one answer.
type mark struct {
	use    int // index
	result fastpath.Result
	query  int // size
	ipv6   bool
}

// A tally counts what one worker answers, for the metrics that a query on the ordinary path would have changed: batch by
// batch, since workers that change the same counters wait for each other.
type tally struct {
	uses                      []useTally
	answered, passed, dropped counter
	touched                   []*counter // that are to be added
}

type useTally struct {
	kinds [16]counter // by authority.Kind
	zones []zoneTally // nil without CoreDNS's metrics
}

// What a zoneTally counts by is made when it is first needed, as CoreDNS does it: there can be thousands of zones.
type zoneTally struct {
	labels                               []string // server, zone, view
	plugin                               string
	do                                   counter
	requests                             [2][256]*counter // by family and QTYPE, those of others at 0
	rcodes                               [16]*counter
	duration, requestSize, responseSizes prometheus.Observer
}

// A counter is one of Prometheus, and what is to be added to it.
type counter struct {
	prometheus.Counter
	n int
}

// newTally returns the tally of a worker that follows p.
func newTally(p *plan) *tally {
	server := p.server.Addr
	t := &tally{
		answered: counter{Counter: fastpathTotal.WithLabelValues(server, "answered")},
		passed:   counter{Counter: fastpathTotal.WithLabelValues(server, "passed")},
		dropped:  counter{Counter: fastpathTotal.WithLabelValues(server, "dropped")},
		uses:     make([]useTally, len(p.uses)),
	}
	for i, u := range p.uses {
		for kind, c := range u.handler.answers {
			t.uses[i].kinds[kind].Counter = c
		}
		if !u.metrics {
			continue
		}
		for _, zone := range u.zones {
			t.uses[i].zones = append(t.uses[i].zones, zoneTally{labels: []string{server, zone, ""}, plugin: u.plugin})
		}
	}
	return t
}

// count counts a batch that took so long, in which each query has waited for the others.
func (t *tally) count(marks []mark, took time.Duration) {
	seconds := took.Seconds()
	for i := range marks {
		m := &marks[i]
		r := &m.result
		u := &t.uses[m.use]
		t.add(&u.kinds[r.Kind])
		if u.zones == nil {
			continue
		}
		// What vars.Report does.
		z := &u.zones[r.Zone]
		z.observe()
		if r.DO {
			if z.do.Counter == nil {
				z.do.Counter = vars.RequestDo.WithLabelValues(z.labels...)
			}
			t.add(&z.do)
		}
		t.add(z.request(m.ipv6, r.Type))
		t.add(z.rcode(r.Rcode))
		z.duration.Observe(seconds)
		z.responseSizes.Observe(float64(r.Size))
		z.requestSize.Observe(float64(m.query))
	}
	for _, c := range t.touched {
		c.flush()
	}
	t.touched = t.touched[:0]
	t.answered.n = len(marks)
	t.answered.flush()
	t.passed.flush()
	t.dropped.flush()
}

func (t *tally) add(c *counter) {
	if c.n == 0 {
		t.touched = append(t.touched, c)
	}
	c.n++
}

func (c *counter) flush() {
	if c.n > 0 {
		c.Add(float64(c.n))
		c.n = 0
	}
}

// observe sees to it that there are the histograms.
func (z *zoneTally) observe() {
	if z.duration != nil {
		return
	}
	withProtocol := append(z.labels[:3:3], "udp")
	z.duration = vars.RequestDuration.WithLabelValues(z.labels...)
	z.requestSize = vars.RequestSize.WithLabelValues(withProtocol...)
	z.responseSizes = vars.ResponseSize.WithLabelValues(withProtocol...)
}

// request returns the counter of requests by a family and for a type.
func (z *zoneTally) request(ipv6 bool, qtype uint16) *counter {
	family, label := 0, "1"
	if ipv6 {
		family, label = 1, "2"
	}
	if int(qtype) >= len(qtypes) || qtypes[qtype] == "other" {
		qtype = 0
	}
	c := &z.requests[family][qtype]
	if *c == nil {
		*c = &counter{Counter: vars.RequestCount.WithLabelValues(append(z.labels[:3:3], "udp", label, qtypes[qtype])...)}
	}
	return *c
}

func (z *zoneTally) rcode(code uint8) *counter {
	c := &z.rcodes[code]
	if *c == nil {
		*c = &counter{Counter: vars.ResponseRcode.WithLabelValues(append(z.labels[:3:3], rcode.ToString(int(code)), z.plugin)...)}
	}
	return *c
}

var _ = [16 - authority.NXDomain]struct{}{} // there is a counter for each kind
