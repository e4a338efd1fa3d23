package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gnucensus/crawler"
	"gnucensus/crawler/pace"
	"gnucensus/probe"
)

// Metrics are what a crawl tells whoever watches it, in the format of Prometheus. Memory, descriptors and the rest of the
// process are among them.
type metrics struct {
	registry      *prometheus.Registry
	conversations *prometheus.CounterVec
	writing       prometheus.Histogram
	failed        prometheus.Counter

	progress atomic.Pointer[func() crawler.Progress] // of the walk; nil before it
	since    atomic.Int64                            // when the batch that is being written was begun, Unix nanoseconds; 0: none is
}

// patience is how long a batch may take to be written until the crawl counts as ill.
const patience = 10 * time.Second

func newMetrics(pacer *pace.Pacer) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		conversations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gnucensus_conversations_total", Help: "Conversations with hosts, by method and by how they ended.",
		}, []string{"method", "outcome"}),
		writing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gnucensus_database_write_seconds", Help: "How long the database took to store a batch.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gnucensus_database_failures_total", Help: "Batches that the database did not store.",
		}),
	}
	m.registry.MustRegister(m.conversations, m.writing, m.failed,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func(crawler.Progress) int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if now := m.progress.Load(); now != nil {
				return float64(value((*now)()))
			}
			return 0
		}))
	}
	gauge("gnucensus_hosts_heard", "Hosts heard of.", func(p crawler.Progress) int { return p.Heard })
	gauge("gnucensus_hosts_queued", "Hosts that wait for a visit.", func(p crawler.Progress) int { return p.Queued })
	gauge("gnucensus_visits_in_flight", "Visits under way.", func(p crawler.Progress) int { return p.InFlight })
	gauge("gnucensus_hosts_visited", "Hosts visited by this run.", func(p crawler.Progress) int { return p.Visited })
	gauge("gnucensus_hosts_reached", "Of these, hosts that spoke the protocol.", func(p crawler.Progress) int { return p.Reached })
	m.watch(pacer)
	return m
}

// watch adds what a pacer lets through.
func (m *metrics) watch(pacer *pace.Pacer) {
	counter := func(name, help string, value func(pace.Traffic) int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 {
			return float64(value(pacer.Traffic()))
		}))
	}
	counter("gnucensus_opens_total", "Attempts to connect.", func(t pace.Traffic) int64 { return t.Opens })
	counter("gnucensus_datagrams_total", "Datagrams sent.", func(t pace.Traffic) int64 { return t.Datagrams })
	counter("gnucensus_sent_bytes_total", "Bytes sent.", func(t pace.Traffic) int64 { return t.Bytes })
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gnucensus_slowed_packets_per_second",
		Help: "Pace to which the crawl has slowed itself down because this machine is the limit; 0: it has not.",
	}, pacer.Slowed))
}

// A metered sink counts what passes and how long it takes.
type metered struct {
	crawler.Sink
	*metrics
}

// Record stores a batch of observations.
func (m metered) Record(ctx context.Context, obs []probe.Observation) error {
	begun := time.Now()
	m.since.Store(begun.UnixNano())
	defer m.since.Store(0)
	if err := m.Sink.Record(ctx, obs); err != nil {
		m.failed.Inc()
		return err
	}
	m.writing.Observe(time.Since(begun).Seconds())
	for i := range obs {
		m.conversations.WithLabelValues(string(obs[i].Method), string(obs[i].Outcome)).Inc()
	}
	return nil
}

// ServeHTTP answers /metrics, and /healthz with 200, or with 503 while the database keeps the crawl waiting.
func (m *metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/metrics":
		promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	case "/healthz":
		if since := m.since.Load(); since != 0 && time.Since(time.Unix(0, since)) > patience {
			http.Error(w, fmt.Sprintf("the database has not answered for %v", time.Since(time.Unix(0, since)).Round(time.Second)),
				http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	default:
		http.NotFound(w, r)
	}
}

// serve answers at an open address until ctx ends.
func (m *metrics) serve(ctx context.Context, at net.Listener) error {
	server := &http.Server{Handler: m, ReadHeaderTimeout: patience, WriteTimeout: patience}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(at); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
