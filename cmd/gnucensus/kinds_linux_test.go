package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// kindOutcomes are the outcomes that methods must have with hosts of each kind where they were used, in a lab and in a
// crowd. Of hosts that leave, see checkLeft.
var kindOutcomes = map[lab.Behaviour]map[probe.Method]probe.Outcome{
	lab.Normal:     {probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered, probe.TCPCrawl: probe.Answered},
	lab.Slow:       {probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered},
	lab.Full:       {probe.UDPPing: probe.Answered, probe.TCPCrawl: probe.Refused},
	lab.Unaware:    {probe.UDPPing: probe.Answered, probe.TCPCrawl: probe.Unsupported},
	lab.Trimming:   {probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered, probe.TCPCrawl: probe.Answered},
	lab.Lying:      {probe.UDPPing: probe.Answered, probe.UDPCrawl: probe.Answered, probe.TCPCrawl: probe.Answered},
	lab.Dead:       {probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectionRefused},
	lab.Firewalled: {probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectTimeout},
	lab.Silent:     {probe.UDPPing: probe.Silent, probe.TCPCrawl: probe.ConnectTimeout},
	lab.Leaving:    nil,
}

// TestHostsOfAllKinds crawls a network in which servents are dead, firewalled, full, slow, ignorant or leave in the middle,
// and light hosts are silent, trim their lists or lie; some name hosts that opted out, or that are out of scope. Each host
// ends with the outcome of its kind, all that answer are met, and nothing is sent where nothing may be.
func TestHostsOfAllKinds(t *testing.T) {
	t.Parallel()
	if !isolated(t) {
		return
	}
	hosts := network(t, lab.Plan{
		Ultrapeers: 30, Leaves: 100, Seed: 2, Dead: 0.1, Firewalled: 0.1, Full: 0.1, Unaware: 0.05, Slow: 0.05, Leaving: 0.2,
	})
	truthFile := filepath.Join(t.TempDir(), "truth.csv")
	c := newCrowd(t, 700, "--dead", "0.1", "--silent", "0.05", "--trimming", "0.02", "--lying", "0.05", "--truth", truthFile)
	kinds := readTruth(t, truthFile).behaviour
	for _, h := range hosts.Truth() {
		kinds[h.Addr.String()] = h.Behaviour
	}
	forbidden := &victim{addr: beside(hosts, 1)}
	forbidden.serve(t, nil)
	forbidden.listen(t)
	seed := &victim{addr: beside(hosts, 0)}
	seed.serve(t, naming(t, append(hosts.Seeds(), c.first, forbidden.addr, foreign(0), foreign(1), foreign(2), foreign(3))))

	dsn := storagetest.DSN(t)
	crawl := start(t, "crawl", "--scope", "lab", "--seed", seed.addr.String(), "--exclude", file(t, forbidden.addr.Addr().String()),
		"--rate", "60", "--metrics", "127.0.0.1:0", "--query-via", "0", "--database", dsn, "--format", "json")
	left, gone := leave(t, hosts, crawl)
	r := crawl.end(t)
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	db := open(t, dsn)
	checkKinds(t, db, kinds)
	checkLeft(t, db, kinds, left, gone)
	if n := forbidden.packets.Load(); n > 0 {
		t.Errorf("%d packets and connections came to a host that had opted out", n)
	}
	if n := strayed(t); n > 0 {
		t.Errorf("%d packets were to leave the machine", n)
	}
	named := rows(t, db, `SELECT count(*) FILTER (WHERE NOT visited), count(*) FROM report.host WHERE NOT host LIKE '127.%'`)[0]
	if named[0] != named[1] || named[0].(int64) < 5 {
		t.Errorf("of %v foreign hosts that were named %v were not visited", named[1], named[0])
	}
}

// leave lets hosts leave when a few were visited, and tells between which times they did. Meanwhile the crawl stands still.
func leave(t *testing.T, hosts *lab.Net, crawl *process) (left, gone time.Time) {
	t.Helper()
	page, _ := strings.CutPrefix(<-crawl.line, "metrics at ")
	eventually(t, "few hosts were visited", func() bool {
		values, err := readMetrics(page)
		return err == nil && values["gnucensus_hosts_visited"] >= 15
	})
	if err := crawl.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	left = time.Now()
	hosts.Leave()
	for _, h := range hosts.Truth() {
		if h.Behaviour == lab.Leaving {
			awaitDeath(t, h.Addr)
		}
	}
	gone = time.Now()
	if err := crawl.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	return left, gone
}

// foreign is an address that a census of a lab must not send to.
func foreign(n int) netip.AddrPort {
	return netip.MustParseAddrPort([]string{"8.8.8.8:6346", "10.1.2.3:6346", "[2a00:1450::1]:6346", "[::1]:6346"}[n])
}

// awaitDeath waits until nobody listens at an address.
func awaitDeath(t *testing.T, a netip.AddrPort) {
	t.Helper()
	eventually(t, fmt.Sprintf("%v did not leave", a), func() bool {
		conn, err := net.Dial("tcp4", a.String())
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

// checkKinds looks whether every host that answers was met, and whether each conversation ended as it must with a host of
// its kind. Of those that nobody tells of any more, it is enough that they left.
func checkKinds(t *testing.T, db *storage.DB, kinds map[string]lab.Behaviour) {
	t.Helper()
	met, held := map[string]bool{}, map[lab.Behaviour]int{}
	for _, r := range rows(t, db, `
		SELECT h.host, h.reached, o.method, o.outcome FROM report.observation o
		JOIN report.host h USING (snapshot_id, endpoint_id)`) {
		host, method, outcome := r[0].(string), probe.Method(r[2].(string)), probe.Outcome(r[3].(string))
		met[host] = r[1].(bool)
		kind := kinds[host]
		held[kind]++
		if want, known := kindOutcomes[kind][method]; known && outcome != want {
			t.Errorf("%s %s: %s was %q, not %q", kind, host, method, outcome, want)
		}
	}
	for host, kind := range kinds {
		reached, heard := met[host]
		answers := kindOutcomes[kind][probe.UDPPing] == probe.Answered
		if kind != lab.Leaving && (reached != answers || !heard) {
			t.Errorf("%s %s: heard of %v, reached %v", kind, host, heard, reached)
		}
	}
	for kind := range kindOutcomes {
		if held[kind] == 0 {
			t.Errorf("no conversation with a host that is %s", kind)
		}
	}
}

// checkLeft looks whether hosts that left answered before, and were gone afterwards.
func checkLeft(t *testing.T, db *storage.DB, kinds map[string]lab.Behaviour, left, gone time.Time) {
	t.Helper()
	var before, after int
	for _, r := range rows(t, db, `
		SELECT h.host, o.method, o.outcome, o.started, o.started + o.took_us * interval '1 microsecond'
		FROM report.observation o
		JOIN report.host h USING (snapshot_id, endpoint_id)
		WHERE o.method IN ('udp-ping', 'tcp-crawl')`) {
		host, outcome, want := r[0].(string), probe.Outcome(r[2].(string)), probe.Answered
		switch {
		case kinds[host] != lab.Leaving:
			continue
		case r[4].(time.Time).Before(left):
			before++
		case r[3].(time.Time).After(gone) && r[1].(string) == string(probe.UDPPing):
			after++
			want = probe.Silent
		case r[3].(time.Time).After(gone):
			want = probe.ConnectionRefused
		default:
			continue
		}
		if outcome != want {
			t.Errorf("leaving %s: %v was %q, not %q", host, r[1], outcome, want)
		}
	}
	if t.Logf("%d leaving hosts were asked before they left, %d afterwards", before, after); after == 0 {
		t.Error("nobody left in the middle")
	}
}
