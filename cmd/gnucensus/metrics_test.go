package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gnucensus/crawler"
	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage/storagetest"
)

// A sink does what the test says.
type sinkFunc func() error

func (f sinkFunc) Record(context.Context, []probe.Observation) error { return f() }

// answer asks the metrics for a page.
func answer(m *metrics, path string) (int, string) {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	pacer, err := pace.New(pace.Default(pace.Lab))
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics(pacer)
	progress := func() crawler.Progress {
		return crawler.Progress{Heard: 5, Queued: 4, InFlight: 3, Visited: 2, Reached: 1}
	}
	m.progress.Store(&progress)
	obs := []probe.Observation{
		{Method: probe.UDPPing, Outcome: probe.Silent}, {Method: probe.UDPPing, Outcome: probe.Silent},
		{Method: probe.TCPCrawl, Outcome: probe.Answered},
	}
	if err := (metered{sinkFunc(func() error { return nil }), m}).Record(t.Context(), obs); err != nil {
		t.Error(err)
	}
	lost := errors.New("lost")
	if err := (metered{sinkFunc(func() error { return lost }), m}).Record(t.Context(), obs); err != lost {
		t.Errorf("an error of the sink comes back as %v", err)
	}
	_, text := answer(m, "/metrics")
	for _, want := range []string{
		`gnucensus_conversations_total{method="udp-ping",outcome="silent"} 2`,
		`gnucensus_conversations_total{method="tcp-crawl",outcome="answered"} 1`,
		"gnucensus_database_write_seconds_count 1", "gnucensus_database_failures_total 1",
		"gnucensus_hosts_heard 5", "gnucensus_hosts_queued 4", "gnucensus_visits_in_flight 3", "gnucensus_hosts_visited 2",
		"gnucensus_hosts_reached 1", "gnucensus_opens_total 0", "gnucensus_datagrams_total 0", "gnucensus_sent_bytes_total 0",
		"gnucensus_slowed_packets_per_second 0", "process_resident_memory_bytes", "go_goroutines",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	if code, _ := answer(m, "/"); code != http.StatusNotFound {
		t.Errorf("/ is %d", code)
	}
	if code, text := answer(m, "/healthz"); code != http.StatusOK {
		t.Errorf("healthy is %d %s", code, text)
	}
	m.since.Store(time.Now().Add(-2 * patience).UnixNano())
	if code, text := answer(m, "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "20s") {
		t.Errorf("a database that hangs is %d %s", code, text)
	}
}

// TestMetricsOfACrawl asks a crawl that is busy with its queries.
func TestMetricsOfACrawl(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 4, Leaves: 8, Seed: 8})
	p := start(t, seeded(net, storagetest.DSN(t), "--metrics", "127.0.0.1:0", "--query-via", "1", "--query-wait", "10m")...)
	var url string
	for line := range p.line {
		if at, found := strings.CutPrefix(line, "metrics at "); found {
			url = at
		}
		if strings.HasPrefix(line, "asking ") {
			break
		}
	}
	get := func(url string) string {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v", url, r.Status, err)
		}
		return string(b)
	}
	text := get(url)
	for _, want := range []string{
		"gnucensus_hosts_heard 12", "gnucensus_hosts_visited 12", "gnucensus_hosts_reached 12",
		`gnucensus_conversations_total{method="udp-ping",outcome="answered"} 12`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %q:\n%s", want, text)
		}
	}
	if ok := get(strings.TrimSuffix(url, "/metrics") + "/healthz"); ok != "ok\n" {
		t.Errorf("health: %q", ok)
	}
}

func TestMetricsNeedAnAddress(t *testing.T) {
	t.Parallel()
	r := run(t, "crawl", "--scope", "lab", "--seed", "127.50.0.1:6346", "--metrics", "nowhere")
	if r.code != exitUsage || !strings.Contains(r.stderr, "--metrics") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}
