package main

import (
	"os"
	"testing"

	"gnucensus/servent/lab"
	"gnucensus/storage/storagetest"
)

// TestOptOutDuringACrawl lets the owner of a network opt out while the crawl visits its hosts one after another: no other of
// them is visited from then on.
func TestOptOutDuringACrawl(t *testing.T) {
	t.Parallel()
	const hosts, rate = 80, "10"
	net := network(t, lab.Plan{Ultrapeers: 1, Seed: 12})
	var owned []*victim
	args := []string{"--query-via", "0", "--methods", "udp-ping", "--rate", rate}
	for n := range hosts {
		v := &victim{addr: beside(net, n)}
		v.serve(t, nil)
		owned = append(owned, v)
		args = append(args, "--seed", v.addr.String())
	}
	visited := func() (n int) {
		for _, v := range owned {
			if v.packets.Load() > 0 {
				n++
			}
		}
		return n
	}
	exclude, dsn := file(t, "# nobody yet"), storagetest.DSN(t)
	crawl := start(t, seeded(net, dsn, append(args, "--exclude", exclude)...)...)
	eventually(t, "few hosts were visited", func() bool { return visited() >= 5 })
	owners, err := owned[0].addr.Addr().Prefix(24)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exclude, []byte(owners.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	before := visited()
	if r := crawl.end(t); r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	const admitted = 2 // at this rate, together, before the file was saved
	if after := visited(); after > before+admitted || before == hosts {
		t.Errorf("%d of %d hosts were visited before the opt-out, and %d afterwards", before, hosts, after-before)
	}
	got := rows(t, open(t, dsn), `SELECT count(*) FROM report.host WHERE outcome = 'out-of-scope'`)
	if got[0][0].(int64) < int64(hosts-before-admitted) {
		t.Errorf("%v hosts were left alone", got[0][0])
	}
}
