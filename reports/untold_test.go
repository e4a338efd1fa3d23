package reports_test

import (
	"testing"

	"gnucensus/probe"
)

// Nobody was measured: nothing was found to be none. Who shares, and which role a host plays, nobody told of this network.
func TestCountsOfWhatNobodyTold(t *testing.T) {
	t.Parallel()
	db := database(t)
	linked := talk(1, probe.TCPCrawl, probe.Answered, 0)
	linked.Peers = peers(probe.PeerLink, 2, 3)
	snapshot := record(t, db, true, linked)
	for _, want := range []struct{ report, figure string }{
		{"freeriders", "share no file"},
		{"freeriders", "share at most 10 files"},
		{"freeriders", "share at most 100 files, of reached"},
		{"freeriders", "share no file, or silent"},
		{"freeriders", "silent sharers"},
		{"freeriders", "top 1 % of hosts"},
		{"summary", "ultrapeers"},
		{"summary", "leaves"},
		{"summary", "share no file"},
		{"summary", "files shared"},
	} {
		r := run(t, db, want.report, snapshot)
		for _, c := range r.Columns {
			if c.Name == "figure" || c.Name == "unit" || c.Name == "report" {
				continue
			}
			if got := value(t, r, c.Name, want.figure); got != nil {
				t.Errorf("report %s: %s, %s: %v", want.report, want.figure, c.Name, got)
			}
		}
	}
	if got := value(t, run(t, db, "freeriders", snapshot), "hosts", "measured"); got != int64(0) {
		t.Errorf("measured: %v hosts", got)
	}

	linked.Role = probe.Ultrapeer
	r := run(t, db, "summary", record(t, db, true, linked, shares(1, 5, 8)))
	for figure, count := range map[string]float64{"ultrapeers": 3, "leaves": 0, "share no file": 0} {
		if got := value(t, r, "value", figure); got != count {
			t.Errorf("summary: %s: %v, want %v", figure, got, count)
		}
	}
}
