package revmap

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/revmap/revmap/internal/authority"
)

// gather returns the metrics of the family name.
func gather(t *testing.T, name string) []*dto.Metric {
	t.Helper()
	for _, f := range families(t) {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

// families returns the plugin's metrics.
func families(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	return slices.DeleteFunc(allFamilies(t), func(f *dto.MetricFamily) bool {
		return !strings.HasPrefix(f.GetName(), "coredns_revmap_")
	})
}

// allFamilies returns the metrics of CoreDNS, too.
func allFamilies(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	all, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// value returns what a counter or a gauge stands at.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var d dto.Metric
	if err := m.Write(&d); err != nil {
		t.Fatal(err)
	}
	if d.Counter != nil {
		return d.GetCounter().GetValue()
	}
	return d.GetGauge().GetValue()
}

func TestMetrics(t *testing.T) {
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)
	h.store.tick()
	if got := reloads(t, path); len(got) != 0 {
		t.Errorf("Counted %v reloads of an unchanged file, want none", got)
	}

	ask(t, h, query("1.2.0.192.in-addr.arpa.", dns.TypePTR))
	ask(t, h, query("1.2.0.192.in-addr.arpa.", dns.TypePTR))
	ask(t, h, query("9.2.0.192.in-addr.arpa.", dns.TypePTR))
	ask(t, h, query("1.3.0.192.in-addr.arpa.", dns.TypePTR))
	for _, k := range authority.Kinds {
		want := map[authority.Kind]float64{authority.Explicit: 2, authority.NXDomain: 1}[k]
		if got := value(t, answersTotal.WithLabelValues(path, k.String())); got != want {
			t.Errorf("Counted %v answers of kind %v, want %v", got, k, want)
		}
	}

	replace(t, path, encodeGeneration(t, 2, 3))
	h.store.tick()
	g := h.store.generation.Load()
	for _, tc := range []struct {
		name string
		m    prometheus.Metric
		want float64
	}{
		{"entries", entries.WithLabelValues(path), 3},
		{"zones", zoneCount.WithLabelValues(path), 1},
		{"last_reload_successful", lastReloadSuccessful.WithLabelValues(path), 1},
		{"load_timestamp_seconds", loadTimestamp.WithLabelValues(path), float64(g.loaded.UnixMilli()) / 1000},
		{"snapshot_info", snapshotInfo.WithLabelValues(path, g.Reader().ID(), "4f2a9c1"), 1},
		{"reloads_total", reloadsTotal.WithLabelValues(path, "success"), 1},
	} {
		if got := value(t, tc.m); got != tc.want {
			t.Errorf("%s is %v, want %v", tc.name, got, tc.want)
		}
	}
	if got := gauges(t, path); len(got) != 5 {
		t.Errorf("Gauges are %v, want 5: the snapshot before must be gone from snapshot_info", got)
	}
	h.store.stop()
	h.store.tick() // one that was under way
	if got := gauges(t, path); len(got) != 0 {
		t.Errorf("Gauges are %v after the store was stopped, want none", got)
	}
}

// gauges returns the names of the gauges that are set for path.
func gauges(t *testing.T, path string) []string {
	t.Helper()
	var names []string
	for _, f := range families(t) {
		for _, m := range f.GetMetric() {
			if m.GetGauge() != nil && slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool {
				return l.GetName() == "snapshot" && l.GetValue() == path
			}) {
				names = append(names, f.GetName())
			}
		}
	}
	return names
}

func TestMetricNames(t *testing.T) {
	h := newHandler(t, "revmap "+snapshotFile(t, encodeGeneration(t, 1, 4)), nil)
	h.store.start()
	reloadsTotal.WithLabelValues(h.store.path, "success")
	problems, err := promlint.NewWithMetricFamilies(families(t)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}

	readme := readReadme(t)
	words := []string{"success", "missing", "unreadable", "format", "version", "checksum", "shrunk", "panic", "answered", "passed", "dropped"}
	for _, k := range authority.Kinds {
		if k != authority.Outside {
			words = append(words, k.String())
		}
	}
	for _, f := range families(t) {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.SortFunc(labels, func(a, b string) int { return cmp.Compare(labelOrder[a], labelOrder[b]) })
		words = append(words, f.GetName()+"{"+strings.Join(labels, ", ")+"}")
	}
	for _, w := range words {
		if !strings.Contains(readme, "`"+w+"`") {
			t.Errorf("README.md does not document %s", w)
		}
	}
}

// labelOrder is the order of labels in the documentation; Prometheus sorts them by name.
var labelOrder = map[string]int{"snapshot": 0, "server": 0, "kind": 1, "result": 1, "id": 1, "commit": 2}
