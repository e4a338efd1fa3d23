package reports_test

import (
	"testing"
	"time"

	"gnucensus/probe"

	"github.com/google/go-cmp/cmp"
)

// A link is told by both ends, by one that the other denies, or by one of which the other says nothing.
func TestWhoToldALink(t *testing.T) {
	t.Parallel()
	db := database(t)
	lists := func(host byte, method probe.Method, trimmed bool, hosts ...byte) probe.Observation {
		o := talk(host, method, probe.Answered, time.Millisecond)
		o.Peers = peers(probe.PeerLink, hosts...)
		if trimmed {
			o.Fields = map[string]string{"trimmed": "perhaps"}
		}
		return o
	}
	snapshot := record(t, db, true,
		lists(1, probe.UDPCrawl, false, 2, 3, 4, 5), lists(1, probe.TCPCrawl, false, 2),
		lists(2, probe.TCPCrawl, false, 1), // agrees
		lists(3, probe.TCPCrawl, false, 2), // denies 1, and 2 denies it
		lists(4, probe.TCPCrawl, true, 3),  // may have had no room for 1, and 3 denies it
	) // nobody visited 5
	rows, err := db.Select(t.Context(), `
		SELECT a.host, b.host, w.methods_a::text, w.methods_b::text, w.trimmed_a, w.trimmed_b, w.word
		FROM report.edge_word w
		JOIN report.endpoint a ON a.snapshot_id = w.snapshot_id AND a.endpoint_id = w.a
		JOIN report.endpoint b ON b.snapshot_id = w.snapshot_id AND b.endpoint_id = w.b
		WHERE w.snapshot_id = $1
		ORDER BY 1, 2`, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	at := func(host byte) string { return endpoint(host).String() }
	want := [][]any{
		{at(1), at(2), "{tcp-crawl,udp-crawl}", "{tcp-crawl}", nil, nil, "both"},
		{at(1), at(3), "{udp-crawl}", nil, nil, nil, "denied"},
		{at(1), at(4), "{udp-crawl}", nil, nil, nil, "one"},
		{at(1), at(5), "{udp-crawl}", nil, nil, nil, "one"},
		{at(2), at(3), nil, "{tcp-crawl}", nil, nil, "denied"},
		{at(3), at(4), nil, "{tcp-crawl}", nil, true, "denied"},
	}
	if diff := cmp.Diff(want, rows.Values); diff != "" {
		t.Errorf("who told which link (-want +got):\n%s", diff)
	}
	r := run(t, db, "topology", snapshot)
	for figure, want := range map[string]float64{"told by two": 1, "told by one, denied": 3, "told by one alone": 2} {
		if got := value(t, r, "all", "graph", figure); got != want {
			t.Errorf("%s: %v, want %v", figure, got, want)
		}
	}
}
