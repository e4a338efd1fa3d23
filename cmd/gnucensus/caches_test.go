package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/servent/lab"
	"gnucensus/storage/storagetest"
)

// TestCrawlFromCaches begins with what a UDP host cache names, which each servent of the lab is, and then with what a GWebCache
// names after a UDP host cache was silent.
func TestCrawlFromCaches(t *testing.T) {
	t.Parallel()
	net := network(t, lab.Plan{Ultrapeers: 6, Leaves: 10})
	dsn := storagetest.DSN(t)
	ultrapeer := net.Seeds()[0].String()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("crawler") == "" {
			t.Errorf("asked %v", r.URL)
		}
		fmt.Fprintf(w, "H|%s|60\n", ultrapeer)
	}))
	defer web.Close()
	crawl := []string{"crawl", "--scope", "lab", "--database", dsn, "--format", "json", "--query-via", "0"}
	for _, from := range [][]string{{"--cache", ultrapeer}, {"--cache", nobody, "--cache", web.URL}} {
		s := decode[summary](t, must(t, append(crawl, from...)...))
		if s.State != "complete" || s.Reached != 16 {
			t.Errorf("%v: %+v", from, s)
		}
	}
	r := run(t, append(crawl, "--cache", web.URL)...) // within its hour
	if r.code != exitFailed {
		t.Errorf("asked too often: exit %d: %s", r.code, r.stderr)
	}

	db := open(t, dsn)
	seeds, err := oldSeeds(t.Context(), db, "lab")
	if err != nil || len(seeds) != 6 {
		t.Errorf("seeds of an earlier snapshot: %v, error %v", seeds, err)
	}
	if seeds, err = oldSeeds(t.Context(), db, "live"); err != nil || len(seeds) != 0 {
		t.Errorf("seeds of a snapshot of another scope: %v, error %v", seeds, err)
	}
}

func TestMachinesOfCaches(t *testing.T) {
	t.Parallel()
	list, err := readCaches([]string{
		"uhc.example.org:3558", "http://a.example.org/gwc.php", "https://b.example.org", "http://c.example.org:8080/x",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"uhc.example.org:3558", "a.example.org:443", "a.example.org:80", "b.example.org:443", "c.example.org:443",
		"c.example.org:8080",
	}
	if diff := cmp.Diff(want, list.machines()); diff != "" {
		t.Error(diff)
	}
	known := caches{}
	if !known.empty() || list.empty() {
		t.Error("empty or not")
	}
}

// TestDefaultCaches: the caches that the program knows can be asked in live scope.
func TestDefaultCaches(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s := capture(t, readSettings, "crawl", "--contact", "a@b")
	out, err := s.pacer(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := knownCaches()
	if _, err := newSeeder(probe.Gnutella, s, out, all, nil); err != nil || len(all.UDP) == 0 || len(all.Web) == 0 {
		t.Errorf("error %v", err)
	}
	again, err := readCaches(append(all.UDP, all.Web...))
	if diff := cmp.Diff(fmt.Sprint(all), fmt.Sprint(again)); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
}

// TestServentFromCache links a servent to the hosts that a cache names; on this machine alone, it looks for none by itself.
func TestServentFromCache(t *testing.T) {
	t.Parallel()
	serve(t, "127.21.80.1:6346", "--role", "ultrapeer")
	node := serve(t, "127.21.80.2:6346", "--role", "leaf", "--cache", "127.21.80.1:6346")
	if e := node.await(t, "link begins"); e.Addr != "127.21.80.1:6346" {
		t.Errorf("link to %s", e.Addr)
	}
}

// TestServentOfTheLiveNetwork looks at how a servent is set up, and does not run it.
func TestServentOfTheLiveNetwork(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	at := []string{"servent", "--listen", "[2001:db8::7]:6346", "--listen", "198.51.100.7:6346"}
	for name, test := range map[string]struct {
		args          []string
		links, caches int
		remembers     bool
	}{
		"alone":        {at, ultrapeerLinks, len(knownCaches().UDP), true},
		"with hosts":   {append(at, "--connect", "192.0.2.1:6346"), ultrapeerLinks, 0, true},
		"with a cache": {append(at, "--cache", "192.0.2.1:3558"), ultrapeerLinks, 1, true},
		"on loopback":  {[]string{"servent", "--listen", nobody}, 0, 0, false},
	} {
		s := capture(t, readServent, test.args...)
		b, err := s.bootstrap()
		if err != nil || b.Links != test.links || len(b.UDPCaches) != test.caches || (b.Hosts != nil) != test.remembers {
			t.Errorf("%s: %+v, error %v", name, b, err)
		}
		c := s.config()
		if err := c.Validate(); err != nil || !c.TLS || !c.Deflate || (c.Manners.PingEvery > 0) != test.remembers {
			t.Errorf("%s: %+v, error %v", name, c, err)
		}
		if test.remembers && (c.Addr.String() != "198.51.100.7:6346" || c.Addr6.String() != "[2001:db8::7]:6346") {
			t.Errorf("%s: listens at %v and %v", name, c.Addr, c.Addr6)
		}
	}
}
