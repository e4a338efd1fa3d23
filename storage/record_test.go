package storage_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// TestRecordReadsBack compares what the views tell of random observations, recorded in random batches and by one or two
// crawlers in turn, with a model of the definitions in Go.
func TestRecordReadsBack(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := begin(t, db)
		defer func() { s.Close() }()
		m := newModel()
		for _, e := range rapid.SliceOfN(anyEndpoint, 0, 3).Draw(rt, "seeds") {
			m.hear(e)
			if err := s.Hear(t.Context(), []probe.Endpoint{e}); err != nil {
				rt.Fatal(err)
			}
		}
		for range rapid.IntRange(0, 4).Draw(rt, "batches") {
			obs := rapid.SliceOfN(anyObservation, 0, 6).Draw(rt, "observations")
			if err := s.Record(t.Context(), obs); err != nil {
				rt.Fatal(err)
			}
			for _, o := range obs {
				m.add(o)
			}
			if rapid.Bool().Draw(rt, "another crawler") {
				s.Close()
				s = resume(t, db, s.ID())
			}
		}
		for _, v := range m.views() {
			if diff := cmp.Diff(v.want, selectRows(t, db, v.statement, s.ID())); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", v.statement, diff)
			}
		}
		c, err := db.Coverage(t.Context(), s.ID())
		if diff := cmp.Diff(m.coverage(), c); diff != "" || err != nil {
			rt.Fatalf("error %v, coverage (-want +got):\n%s", err, diff)
		}
		if err := db.Delete(t.Context(), s.ID()); err == nil {
			rt.Fatal("deleted a snapshot that is being written")
		}
	})
}

var (
	anyEndpoint = rapid.Custom(func(t *rapid.T) probe.Endpoint {
		n := rapid.IntRange(1, 8).Draw(t, "host")
		a := netip.AddrFrom4([4]byte{11, 0, 0, byte(n)})
		switch rapid.IntRange(0, 4).Draw(t, "spelling") {
		case 0:
			a = netip.AddrFrom16(a.As16()) // v4-mapped: the same host
		case 1:
			a = netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", n))
		}
		return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(a, 6346)}
	})
	anyOutcome = rapid.SampledFrom([]probe.Outcome{
		probe.Answered, probe.Answered, probe.Refused, probe.Unsupported, probe.Garbage, probe.Closed, probe.Reset,
		probe.Timeout, probe.ConnectionRefused, probe.Unreachable, probe.ConnectTimeout, probe.Silent, probe.OutOfScope,
		probe.LocalLimit, probe.Cancelled,
	})
	methods = []probe.Method{
		probe.TCPCrawl, probe.UDPCrawl, probe.Leaf, probe.XTryHarvest, probe.UDPPing, probe.Guess, probe.Query, probe.PassedOver,
		probe.Import,
	}
	anyMethod   = rapid.SampledFrom(methods)
	anyRole     = rapid.SampledFrom([]probe.Role{probe.UnknownRole, probe.Ultrapeer, probe.LeafRole})
	anyRelation = rapid.SampledFrom([]probe.Relation{
		probe.PeerLink, probe.PeerLink, probe.LeafLink, probe.XTry, probe.Cached, probe.Ponged,
	})
	anyAgent = rapid.SampledFrom([]string{"", "LimeWire/5.5.16", "gtk-gnutella/1.2.3"})
	anyCount = rapid.Ptr(rapid.Int64Range(0, 1<<40), true)
	anyPeer  = rapid.Custom(func(t *rapid.T) probe.Peer {
		return probe.Peer{Endpoint: anyEndpoint.Draw(t, "peer"), Relation: anyRelation.Draw(t, "relation")}
	})
	anyHit = rapid.Custom(func(t *rapid.T) probe.Hit {
		return probe.Hit{
			Responder:  anyEndpoint.Draw(t, "responder"),
			Delay:      time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "delay")) * time.Microsecond,
			Hops:       rapid.Byte().Draw(t, "hops"),
			Results:    rapid.IntRange(0, 255).Draw(t, "results"),
			Vendor:     rapid.SampledFrom([]string{"", "GTKG", "LIME"}).Draw(t, "vendor"),
			Firewalled: rapid.Ptr(rapid.Bool(), true).Draw(t, "firewalled"),
		}
	})
	anyObservation = rapid.Custom(func(t *rapid.T) probe.Observation {
		o := talk(anyEndpoint.Draw(t, "endpoint"), anyMethod.Draw(t, "method"), anyOutcome.Draw(t, "outcome"))
		o.Agent = anyAgent.Draw(t, "agent")
		o.Role = anyRole.Draw(t, "role")
		o.Files, o.KiB = anyCount.Draw(t, "files"), anyCount.Draw(t, "KiB")
		if hours := rapid.IntRange(-1, 100).Draw(t, "uptime"); hours >= 0 {
			o.Uptime = ptr(time.Duration(hours) * time.Hour)
		}
		o.Peers = rapid.SliceOfN(anyPeer, 0, 6).Draw(t, "peers")
		if o.Method == probe.Query {
			o.Query = rapid.SampledFrom([]string{"linux", "free music"}).Draw(t, "words")
			o.Hits = rapid.SliceOfN(anyHit, 0, 3).Draw(t, "hits")
		}
		return o
	})
)

func TestRecordKeepsHostileValuesFromStoppingIt(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	long := make([]byte, 100_000)
	for i := range long {
		long[i] = byte('a' + i*i%17) // nothing that compresses to an index entry
	}
	o := talk(host(1), probe.Query, probe.Answered)
	o.Agent = string(long) + "\x00\xff"
	o.Detail = "503 \x00 \xff\xfe"
	o.Fields = map[string]string{"X-\x00": "\xff\x00", "X-Empty": ""}
	o.Files, o.KiB, o.Uptime = ptr(int64(-1)), ptr(int64(-1)<<62), ptr(-time.Second)
	o.Query = "a\x00b"
	o.Hits = []probe.Hit{{
		Responder: probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{}), 0)},
		Vendor:    "\x00\x00\xff\xff", Delay: 3 * time.Hour, Hops: 255,
	}}
	old := talk(host(2), probe.UDPCrawl, probe.Answered)
	old.Uptime = ptr((1<<32 - 1) * time.Second)
	record(t, s, o, old)
	got := selectRows(t, db, `
		SELECT length(agent), detail, fields::text, files, kib, uptime_s FROM report.observation
		WHERE snapshot_id = $1 ORDER BY observation_id`, s.ID())
	want := [][]any{
		{int64(512), "503 \ufffd \ufffd", "{\"X-\ufffd\": \"\ufffd\ufffd\", \"X-Empty\": \"\"}", nil, nil, nil},
		{nil, nil, nil, nil, nil, int64(1<<31 - 1)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	got = selectRows(t, db, "SELECT words, responder, endpoint_id, vendor, delay_ms, hops FROM report.hit")
	want = [][]any{{"a\ufffdb", "0.0.0.0:0", nil, "\ufffd\ufffd\ufffd", 3 * 3600 * 1000.0, int64(255)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}

func TestRecordRefusesWhatIsNoHostOfTheNetwork(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	stranger := probe.Endpoint{Network: "opennap", Addr: host(1).Addr}
	nowhere := probe.Endpoint{Network: probe.Gnutella}
	for name, o := range map[string]probe.Observation{
		"stranger":           talk(stranger, probe.TCPCrawl, probe.Answered),
		"no address":         talk(nowhere, probe.TCPCrawl, probe.Answered),
		"strange peer":       naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.PeerLink, stranger),
		"peer not addressed": naming(talk(host(1), probe.TCPCrawl, probe.Answered), probe.PeerLink, nowhere),
		"strange responder": {Endpoint: host(1), Method: probe.Query, Outcome: probe.Answered,
			Hits: []probe.Hit{{Responder: stranger}}},
	} {
		if err := s.Record(t.Context(), []probe.Observation{talk(host(2), probe.Leaf, probe.Silent), o}); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	c, err := db.Coverage(t.Context(), s.ID())
	if err != nil {
		t.Fatal(err)
	}
	if c != (storage.Coverage{}) {
		t.Errorf("something was stored: %+v", c)
	}
}
