package revmap

import (
	"slices"
	"strings"

	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/revmap/revmap/internal/authority"
)

// The metrics have the path of the snapshot as label, as a process may serve several.
var (
	answersTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "answers_total",
		Help:      "Counter of answers by kind.",
	}, []string{"snapshot", "kind"})

	fastpathTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "fastpath_queries_total",
		Help:      "Counter of queries that arrived at the fast path, by what became of them there.",
	}, []string{"server", "result"})

	transfersTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "transfers_total",
		Help:      "Counter of zone transfers that were begun, by kind.",
	}, []string{"snapshot", "kind"})

	notifiesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "notifies_total",
		Help:      "Counter of zones that secondaries were notified of, by result.",
	}, []string{"snapshot", "result"})

	reloadsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "reloads_total",
		Help:      "Counter of attempts to load a changed snapshot, by result.",
	}, []string{"snapshot", "result"})

	lastReloadSuccessful = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "last_reload_successful",
		Help:      "Whether the snapshot that is there now is the one that is served: 1 if so, 0 if it could not be loaded.",
	}, []string{"snapshot"})

	loadTimestamp = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "load_timestamp_seconds",
		Help:      "The timestamp of the load of the snapshot that is served.",
	}, []string{"snapshot"})

	entries = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "entries",
		Help:      "The number of addresses with names in the snapshot that is served.",
	}, []string{"snapshot"})

	zoneCount = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "zones",
		Help:      "The number of zones in the snapshot that is served.",
	}, []string{"snapshot"})

	snapshotInfo = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "snapshot_info",
		Help:      "A metric with a constant '1' value labeled by checksum and source commit of the snapshot that is served.",
	}, []string{"snapshot", "id", "commit"})
)

// answerCounters has the counter of each authority.Kind at its index.
type answerCounters []prometheus.Counter

// answersOf returns the counters for answers from the snapshot at path. It looks them up once, so that a query does not
// have to.
func answersOf(path string) answerCounters {
	c := make(answerCounters, len(authority.Kinds))
	for _, k := range authority.Kinds {
		if k != authority.Outside { // that is not answered
			c[k] = answersTotal.WithLabelValues(path, k.String())
		}
	}
	return c
}

// publish sets the gauges, unless the store was stopped: then those of its path belong to another store, or nobody.
func (s *store) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	successful := 0.0
	if s.failure == "" {
		successful = 1
	}
	lastReloadSuccessful.WithLabelValues(s.path).Set(successful)
	g := s.generation.Load()
	if g == nil {
		return
	}
	r := g.Reader()
	loadTimestamp.WithLabelValues(s.path).Set(float64(g.loaded.UnixMilli()) / 1000)
	entries.WithLabelValues(s.path).Set(float64(r.Len()))
	zoneCount.WithLabelValues(s.path).Set(float64(len(r.Zones())))
	info := []string{s.path, r.ID(), strings.Clone(r.Commit())} // the clone does not keep the snapshot in memory
	if !slices.Equal(info, s.info) {
		snapshotInfo.DeleteLabelValues(s.info...)
		s.info = info
	}
	snapshotInfo.WithLabelValues(info...).Set(1)
}

// unpublish removes the gauges of the snapshot at path.
func unpublish(path string) {
	for _, v := range []*prometheus.GaugeVec{lastReloadSuccessful, loadTimestamp, entries, zoneCount, snapshotInfo} {
		v.DeletePartialMatch(prometheus.Labels{"snapshot": path})
	}
}
