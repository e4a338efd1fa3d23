package main

import (
	"net/netip"
	"testing"
	"time"

	"gnucensus/crawler"
	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// A recorder notes whom it is told to have been asked.
type recorder struct {
	surveyor
	asked []storage.Asking
}

func (r *recorder) Recall(e probe.Endpoint, m probe.Method, until time.Time) {
	r.asked = append(r.asked, storage.Asking{Endpoint: e, Method: m, At: until})
}

// TestANewCrawlKnowsWhoWasAsked begins a crawl soon after another one: on the live network it knows whom that asked, in a
// lab nobody minds.
func TestANewCrawlKnowsWhoWasAsked(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	begin := func() *storage.Snapshot {
		s, err := db.Begin(t.Context(), storage.Meta{Network: string(probe.Gnutella), Vantage: "here", Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	host := func(n byte) probe.Endpoint {
		return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 6346)}
	}
	earlier, now := begin(), time.Now()
	err := earlier.Record(t.Context(), []probe.Observation{
		{Endpoint: host(1), Method: probe.UDPPing, Outcome: probe.Silent, Started: now.Add(-time.Minute)},
		{Endpoint: host(2), Method: probe.UDPPing, Outcome: probe.Answered, Started: now.Add(-time.Hour)},
	})
	if err == nil {
		err = earlier.Finish(t.Context(), true)
	}
	if err != nil {
		t.Fatal(err)
	}
	for scope, want := range map[pace.Scope]int{pace.Live: 1, pace.Lab: 0} {
		r := &recorder{}
		c := &census{settings: settings{Scope: scope.String()}, surveyor: r, db: db, snapshot: begin()}
		if err := c.recall(t.Context(), &crawler.Config{}); err != nil {
			t.Fatal(err)
		}
		if len(r.asked) != want || want > 0 && (r.asked[0].Endpoint != host(1) || r.asked[0].Method != probe.UDPPing) {
			t.Errorf("%v: asked lately: %v", scope, r.asked)
		}
	}
}
