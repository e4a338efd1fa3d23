package gnutella_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/probe/gnutella"
	"gnucensus/servent/bootstrap"
	"gnucensus/servent/lab"
)

// seeder is a configuration whose way out is a pacer's, with a door to the caches.
func seeder(t *testing.T, udp []string, web ...string) gnutella.SeedConfig {
	t.Helper()
	pacer, err := pace.New(pace.Default(pace.Lab))
	if err != nil {
		t.Fatal(err)
	}
	names := udp
	for _, w := range web {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(w, "http://"), "/"))
	}
	door, err := pacer.Door(names...)
	if err != nil {
		t.Fatal(err)
	}
	return gnutella.SeedConfig{Net: pacer, Door: door, Agent: "gnucensus/test", Contact: "a@b", UDPCaches: udp, WebCaches: web}
}

func seeds(t *testing.T, cfg gnutella.SeedConfig) (found []string, err error) {
	t.Helper()
	s, err := gnutella.NewSeeder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var _ probe.Seeder = s
	list, err := s.Seeds(t.Context())
	for _, e := range list {
		if e.Network != probe.Gnutella {
			t.Errorf("%v is of network %q", e, e.Network)
		}
		found = append(found, e.Addr.String())
	}
	return found, err
}

// TestSeedsOfUDPHostCaches: any servent of today is one.
func TestSeedsOfUDPHostCaches(t *testing.T) {
	t.Parallel()
	net, err := lab.New(lab.Plan{Ultrapeers: 6, Base: netip.MustParseAddr("127.20.50.1"), Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- net.Run(ctx, func() { close(ready) }) }()
	defer func() { cancel(); <-ended }()
	<-ready

	var asked bool
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer web.Close()
	cfg := seeder(t, []string{"127.20.50.1:6346"}, web.URL+"/")
	cfg.Enough = 2
	found, err := seeds(t, cfg)
	if err != nil || len(found) < 3 || asked {
		t.Errorf("seeds %v, error %v, web cache asked: %v", found, err, asked)
	}
}

// TestSeedsOfWebCaches: they are asked when UDP host caches are silent, and told that a crawler asks.
func TestSeedsOfWebCaches(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("crawler") != "1" || r.FormValue("client") != "CENS" || r.FormValue("version") != "test" ||
			r.UserAgent() != "gnucensus/test (+a@b)" {
			t.Errorf("asked %v by %q", r.URL, r.UserAgent())
		}
		fmt.Fprint(w, "H|127.20.51.1:6346|60\nH|127.20.51.1:6346|60\nH|[::1]:6346|60\nU|http://127.20.51.9:80/|5\n")
	}))
	defer web.Close()
	cfg := seeder(t, []string{"127.20.51.254:6346"}, web.URL+"/")
	cfg.UDP = time.Millisecond
	found, err := seeds(t, cfg)
	if err != nil || fmt.Sprint(found) != "[127.20.51.1:6346 [::1]:6346]" {
		t.Errorf("seeds %v, error %v", found, err)
	}
}

func TestSeedsOfTheHostFile(t *testing.T) {
	t.Parallel()
	file, err := bootstrap.OpenHostFile(filepath.Join(t.TempDir(), "hosts"))
	if err != nil {
		t.Fatal(err)
	}
	file.Saw(netip.MustParseAddrPort("127.20.52.1:6346"), time.Now())
	cfg := seeder(t, []string{"127.20.52.254:6346"})
	cfg.UDP, cfg.Known = time.Millisecond, file
	for enough, dueCaches := range map[int]bool{1: false, 2: true} {
		calendar, err := bootstrap.OpenCalendar(filepath.Join(t.TempDir(), "caches"))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Enough, cfg.Calendar = enough, calendar
		found, err := seeds(t, cfg)
		if err != nil || fmt.Sprint(found) != "[127.20.52.1:6346]" {
			t.Errorf("enough %d: seeds %v, error %v", enough, found, err)
		}
		cfg.Known = nil
		if _, err := seeds(t, cfg); strings.Contains(fmt.Sprint(err), "too recently") != dueCaches {
			t.Errorf("enough %d: the cache was asked: %v; error %v", enough, !dueCaches, err)
		}
		cfg.Known = file
	}
	cfg.Known, cfg.Door = nil, nil
	if _, err := seeds(t, cfg); err == nil || !strings.Contains(err.Error(), "no host is remembered") {
		t.Errorf("error %v", err)
	}
	if _, err := gnutella.NewSeeder(gnutella.SeedConfig{}); err == nil {
		t.Error("a seeder without a way out")
	}
}
