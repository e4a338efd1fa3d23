package reports_test

import (
	"testing"

	"gnucensus/probe"
	"gnucensus/storage"
)

// Where no conversation was held there is no time that it took, and 0 ms would be one.
func TestOutcomesWithoutAConversationTakeNoTime(t *testing.T) {
	t.Parallel()
	db := database(t)
	graph, err := db.ImportEdges(t.Context(), meta, func(yield func(storage.Edge, error) bool) {
		yield(storage.Edge{From: 1, To: 2}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	crawl := record(t, db, true, talk(1, probe.UDPPing, probe.Answered, 0), talk(2, probe.PassedOver, probe.OutOfScope, 0))
	for _, want := range []struct {
		snapshot        int64
		method, outcome string
		median          any
	}{
		{graph, "import", "answered", nil},
		{crawl, "none", "out-of-scope", nil},
		{crawl, "udp-ping", "answered", 0.0},
	} {
		if got := value(t, run(t, db, "outcomes", want.snapshot), "median", want.method, want.outcome); got != want.median {
			t.Errorf("%s: the median is %v, want %v", want.method, got, want.median)
		}
	}
}
