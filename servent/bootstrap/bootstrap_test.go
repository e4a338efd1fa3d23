package bootstrap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/servent/bootstrap"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

var addr = netip.MustParseAddrPort

// What caches of several makes were seen to answer.
func TestParseReply(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want bootstrap.Reply
	}{
		"version 1": {
			"203.0.113.7:6346\r\n198.51.100.9:41000\nhttp://gwc.example.org/cache.php\n",
			bootstrap.Reply{
				Hosts:  []bootstrap.Host{{Addr: addr("203.0.113.7:6346"), Age: -1}, {Addr: addr("198.51.100.9:41000"), Age: -1}},
				Caches: []string{"http://gwc.example.org/cache.php"},
			},
		},
		"version 2": {
			"I|pong|Skulls 0.3.6|gnutella-gnutella2\nH|203.0.113.7:6346|1260|||GTKG\nU|http://gwc.example.org/skulls.php|40210\n" +
				"C|uhc:uhc.example.org:3558|12\nI|access|period|3300\n",
			bootstrap.Reply{
				Name: "Skulls 0.3.6", Networks: []string{"gnutella", "gnutella2"},
				Hosts:     []bootstrap.Host{{Addr: addr("203.0.113.7:6346"), Age: 21 * time.Minute, Vendor: "GTKG"}},
				Caches:    []string{"http://gwc.example.org/skulls.php"},
				UDPCaches: []string{"uhc.example.org:3558"},
				Period:    3300 * time.Second,
			},
		},
		"lower case, blanks, carriage returns": {
			"h | 203.0.113.7:6346 | x\rI | update | OK \ri|update|period|57600",
			bootstrap.Reply{Hosts: []bootstrap.Host{{Addr: addr("203.0.113.7:6346"), Age: -1}}, Period: 57600 * time.Second},
		},
		"dummies": {
			"H|1.1.1.1:7331|100000\nH|0.0.0.0:0|1\nI|NO-HOSTS\n",
			bootstrap.Reply{},
		},
		"errors": {
			"ERROR: Client returned too early\nI|update|WARNING|Returned too soon\nI|net-not-supported\n",
			bootstrap.Reply{
				Errors:   []string{"ERROR: Client returned too early", "I|net-not-supported"},
				Warnings: []string{"I|update|WARNING|Returned too soon"},
			},
		},
		"a home page": {"<html><body>\nWelcome\n</body></html>\n", bootstrap.Reply{Unknown: 3}},
		"nothing":     {"", bootstrap.Reply{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := bootstrap.ParseReply(strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add("H|203.0.113.7:6346|1260|||GTKG\nI|pong|x|gnutella\nC|a:1|2\n")
	f.Add("203.0.113.7:6346\rhttp://a/b\r\nPONG x")
	f.Fuzz(func(t *testing.T, body string) {
		r, err := bootstrap.ParseReply(strings.NewReader(body))
		if err != nil {
			return
		}
		lines := len(r.Hosts) + len(r.Caches) + len(r.UDPCaches) + len(r.Errors) + len(r.Warnings) + r.Unknown
		if ends := strings.Count(body, "\n") + strings.Count(body, "\r") + 1; lines > ends {
			t.Fatalf("%d facts from %d lines", lines, ends)
		}
		for _, h := range r.Hosts {
			if h.Addr.Port() == 0 || !h.Addr.IsValid() {
				t.Fatalf("host %v", h.Addr)
			}
		}
	})
}

// A cache that a test runs: it counts requests and answers as it is told to.
func serve(t *testing.T, answer http.HandlerFunc) (cache string, asked func() []*http.Request) {
	requests := make(chan *http.Request, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []*http.Request {
		var all []*http.Request
		for {
			select {
			case r := <-requests:
				all = append(all, r)
			default:
				return all
			}
		}
	}
}

func client(t *testing.T, now *time.Time, crawler bool) *bootstrap.WebCaches {
	t.Helper()
	w, err := bootstrap.NewWebCaches(bootstrap.WebConfig{
		Client: "CENS", Version: "0.1", Agent: "test/0.1 (nobody@example.org)", Crawler: crawler,
		Dial: new(net.Dialer).DialContext, Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestGetKeepsTheInterval(t *testing.T) {
	cache, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "H|203.0.113.7:6346|60\nI|access|period|7200\n")
	})
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w := client(t, &now, true)
	reply, err := w.Get(t.Context(), cache)
	if err != nil || len(reply.Hosts) != 1 {
		t.Fatalf("%+v, %v", reply, err)
	}
	q := asked()[0]
	for key, want := range map[string]string{"client": "CENS", "version": "0.1", "net": "gnutella", "get": "1", "crawler": "1"} {
		if got := q.URL.Query().Get(key); got != want {
			t.Errorf("%s=%q, want %q", key, got, want)
		}
	}
	if got := q.UserAgent(); got != "test/0.1 (nobody@example.org)" {
		t.Errorf("agent %q", got)
	}
	now = now.Add(7199 * time.Second)
	if _, err := w.Get(t.Context(), cache); !errors.Is(err, bootstrap.ErrTooSoon) || len(asked()) != 0 {
		t.Errorf("within the period that the cache demands: %v", err)
	}
	now = now.Add(2 * time.Second)
	if _, err := w.Get(t.Context(), cache); err != nil {
		t.Errorf("after the period: %v", err)
	}
}

func TestGetFallsBackToVersionOne(t *testing.T) {
	cache, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("hostfile") {
			fmt.Fprint(w, "203.0.113.7:6346\n")
		}
	})
	now := time.Now()
	reply, err := client(t, &now, false).Get(t.Context(), cache)
	if err != nil || len(reply.Hosts) != 1 || len(asked()) != 2 {
		t.Fatalf("%+v, %v", reply, err)
	}
}

func TestDeadCacheRestsForADay(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusNotFound) },
		"nothing":  func(http.ResponseWriter, *http.Request) {},
		"a page":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>\n") },
		"a circle": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			cache, asked := serve(t, answer)
			now := time.Now()
			w := client(t, &now, false)
			if _, err := w.Get(t.Context(), cache); err == nil || errors.Is(err, bootstrap.ErrTooSoon) {
				t.Fatalf("got %v", err)
			}
			asked()
			now = now.Add(23 * time.Hour)
			if _, err := w.Get(t.Context(), cache); !errors.Is(err, bootstrap.ErrTooSoon) || len(asked()) != 0 {
				t.Errorf("after 23 hours: %v", err)
			}
			now = now.Add(2 * time.Hour)
			if w.Get(t.Context(), cache); len(asked()) == 0 {
				t.Error("after 25 hours it is not asked again")
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	cache, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "I|update|OK\n") })
	now := time.Now()
	if _, err := client(t, &now, false).Update(t.Context(), cache, addr("192.0.2.10:6346"), "http://other.example.org/"); err != nil {
		t.Fatal(err)
	}
	if q := asked()[0].URL.Query(); q.Get("ip") != "192.0.2.10:6346" || q.Get("url") != "http://other.example.org/" {
		t.Errorf("asked %v", q)
	}
	if _, err := client(t, &now, true).Update(t.Context(), cache, addr("192.0.2.10:6346"), ""); err == nil || len(asked()) != 0 {
		t.Errorf("a crawler lists itself: %v", err)
	}
}

// TestCachesOfIPv6: who has IPv6 alone asks for hosts of it, and reads them.
func TestCachesOfIPv6(t *testing.T) {
	cache, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "H|[2001:db8::1]:6346|60\n") })
	w, err := bootstrap.NewWebCaches(bootstrap.WebConfig{
		Client: "CENS", Version: "0.1", Agent: "gnucensus/0.1", OnlyIPv6: true, Dial: new(net.Dialer).DialContext,
	})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := w.Get(t.Context(), cache)
	if err != nil || len(reply.Hosts) != 1 || reply.Hosts[0].Addr != addr("[2001:db8::1]:6346") {
		t.Errorf("%+v, %v", reply, err)
	}
	if q := asked()[0].URL.Query(); q.Get("ipv6") != "2" {
		t.Errorf("asked %v", q)
	}
}

func TestPing(t *testing.T) {
	cache, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "PONG GhostWhiteCrab/1.0.0\n") })
	now := time.Now()
	reply, err := client(t, &now, false).Ping(t.Context(), cache)
	if err != nil || reply.Name != "GhostWhiteCrab/1.0.0" {
		t.Errorf("%+v, %v", reply, err)
	}
}

func TestGetEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	cache, _ := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	now := time.Now()
	w := client(t, &now, false)
	cancel()
	if _, err := w.Get(ctx, cache); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAskAndHosts(t *testing.T) {
	ask, err := bootstrap.Ask(ggep.SCPUltrapeer)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := message.Append(nil, message.Message{GUID: message.NewGUID(), TTL: 1, Body: ask})
	if err != nil {
		t.Fatal(err)
	}
	got, err := message.ParseDatagram(wire)
	if err != nil {
		t.Fatal(err)
	}
	blocks := got.Body.(*message.Ping).GGEP()
	if wishes, ok := blocks.SCP(); !ok || wishes != ggep.SCPUltrapeer || got.TTL != 1 {
		t.Errorf("wishes %#x, TTL %d", wishes, got.TTL)
	}
	extensions := append(ggep.IPP(ggep.Host{Addr: addr("198.51.100.9:6346")}, ggep.Host{Addr: addr("192.0.2.55:20000")}),
		ggep.PHC("uhc.example.org:3558"))
	for name, c := range map[string]struct {
		more  []ggep.Block
		hosts []netip.AddrPort
	}{
		"servent": {nil, []netip.AddrPort{addr("203.0.113.7:6346"), addr("198.51.100.9:6346"), addr("192.0.2.55:20000")}},
		"cache":   {[]ggep.Block{ggep.UDPHC("")}, []netip.AddrPort{addr("198.51.100.9:6346"), addr("192.0.2.55:20000")}},
	} {
		t.Run(name, func(t *testing.T) {
			tail, err := ggep.Append(nil, append(extensions[:len(extensions):len(extensions)], c.more...)...)
			if err != nil {
				t.Fatal(err)
			}
			hosts, caches := bootstrap.Hosts(&message.Pong{Addr: addr("203.0.113.7:6346"), Tail: tail})
			if fmt.Sprint(hosts) != fmt.Sprint(c.hosts) || fmt.Sprint(caches) != "[uhc.example.org:3558]" {
				t.Errorf("hosts %v, caches %v", hosts, caches)
			}
		})
	}
}

func TestHostFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	h, err := bootstrap.OpenHostFile(path)
	if err != nil || len(h.Hosts()) != 0 {
		t.Fatalf("a new file: %v, %v", h, err)
	}
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for i := range 3 * bootstrap.MaxKnown {
		h.Saw(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, byte(i >> 8), byte(i)}), 6346), start.Add(time.Duration(i)*time.Second))
	}
	newest := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, byte((3*bootstrap.MaxKnown - 1) >> 8), byte((3*bootstrap.MaxKnown - 1) & 0xff)}), 6346)
	h.Saw(newest, start) // older news changes nothing
	if err := h.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := bootstrap.OpenHostFile(path)
	if err != nil {
		t.Fatal(err)
	}
	hosts := again.Hosts()
	if len(hosts) != bootstrap.MaxKnown || hosts[0] != newest {
		t.Fatalf("%d hosts, first %v, want %d, first %v", len(hosts), hosts[0], bootstrap.MaxKnown, newest)
	}
	again.Forget(newest)
	if again.Hosts()[0] == newest {
		t.Error("a forgotten host is still there")
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUnreachableCacheIsSoonAskedAgain(t *testing.T) {
	now := time.Now()
	w := client(t, &now, false)
	nobody := "http://127.20.30.254:1/"
	if _, err := w.Get(t.Context(), nobody); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{9 * time.Minute, 2 * time.Minute} {
		now = now.Add(after)
		if _, err := w.Get(t.Context(), nobody); errors.Is(err, bootstrap.ErrTooSoon) != (after > 5*time.Minute) {
			t.Errorf("after another %v: %v", after, err)
		}
	}
}

func TestCalendarOutlivesTheProgram(t *testing.T) {
	cache, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "H|203.0.113.7:6346|60\n") })
	path := filepath.Join(t.TempDir(), "caches")
	now := time.Now()
	for range 2 {
		calendar, err := bootstrap.OpenCalendar(path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := bootstrap.NewWebCaches(bootstrap.WebConfig{
			Client: "CENS", Version: "0.1", Agent: "test", Dial: new(net.Dialer).DialContext, Calendar: calendar,
			Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Get(t.Context(), cache)
	}
	if n := len(asked()); n != 1 {
		t.Errorf("two runs asked %d times", n)
	}
	if err := os.WriteFile(path, []byte("http://cache.example.org/ soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bootstrap.OpenCalendar(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a bad line: %v", err)
	}
}

func TestHostFileNamesTheBadLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("# hosts\n127.9.0.1:6346 2026-11-20T12:00:00Z\n127.9.0.2 yesterday\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bootstrap.OpenHostFile(path); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v", err)
	}
}
