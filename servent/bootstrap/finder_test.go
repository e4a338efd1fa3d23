package bootstrap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gnucensus/servent/bootstrap"
	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
)

// A udpCache is a UDP host cache that a test runs.
type udpCache struct {
	addr  netip.AddrPort
	asked atomic.Int32
}

// cacheAt runs a cache that names hosts, and other caches.
func cacheAt(t *testing.T, at string, hosts []ggep.Host, caches ...string) *udpCache {
	t.Helper()
	u, err := net.ListenPacket("udp4", at)
	if err != nil {
		t.Fatal(err)
	}
	c := &udpCache{addr: addr(at)}
	done := make(chan struct{})
	t.Cleanup(func() { u.Close(); <-done })
	tail, err := ggep.Append(nil, append(ggep.IPP(hosts...), ggep.UDPHC(""), ggep.PHC(caches...))...)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			m, err := message.ParseDatagram(b[:n])
			if ping, ok := m.Body.(*message.Ping); err == nil && ok && ping.GGEP().Has("SCP") {
				c.asked.Add(1)
				pong, _ := message.Append(nil, message.Message{GUID: m.GUID, TTL: 1, Body: &message.Pong{Addr: c.addr, Tail: tail}})
				u.WriteTo(pong, from)
			}
		}
	}()
	return c
}

// exchange sends a PING and waits for the PONG.
func exchange(ctx context.Context, to netip.AddrPort, ping *message.Ping) (*message.Pong, error) {
	c, err := net.Dial("udp", to.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	b, err := message.Append(nil, message.Message{GUID: message.NewGUID(), TTL: 1, Body: ping})
	if err != nil {
		return nil, err
	}
	c.Write(b)
	c.SetReadDeadline(time.Now().Add(time.Minute)) // a closed port answers at once
	b = make([]byte, 2048)
	n, err := c.Read(b)
	if err != nil {
		return nil, err
	}
	m, err := message.ParseDatagram(b[:n])
	if err != nil {
		return nil, err
	}
	return m.Body.(*message.Pong), nil
}

// resolve takes names that are addresses.
func resolve(_ context.Context, cache string) ([]netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(cache)
	return []netip.AddrPort{a}, err
}

func hosts(n, first int) (list []ggep.Host) {
	for i := range n {
		list = append(list, ggep.Host{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(first + i)}), 6346)})
	}
	return list
}

func finder(t *testing.T, cfg bootstrap.FinderConfig) *bootstrap.Finder {
	t.Helper()
	now := time.Now()
	cfg.Resolve, cfg.Ask, cfg.Web = resolve, exchange, client(t, &now, true)
	f, err := bootstrap.NewFinder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFindSparesWebCaches(t *testing.T) {
	web, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "H|203.0.113.99:6346|60\n") })
	udp := cacheAt(t, "127.20.31.1:6346", hosts(20, 1))
	f := finder(t, bootstrap.FinderConfig{UDPCaches: []string{"127.20.31.1:6346"}, WebCaches: []string{web}})
	found, err := f.Find(t.Context(), 20)
	if err != nil || len(found) != 20 || len(asked()) != 0 {
		t.Errorf("%d hosts, error %v", len(found), err)
	}
	found, err = f.Find(t.Context(), 20) // the UDP host cache has had its turn
	if err != nil || fmt.Sprint(found) != "[203.0.113.99:6346]" || udp.asked.Load() != 1 {
		t.Errorf("the second time: %v, error %v", found, err)
	}
	if _, err := f.Find(t.Context(), 20); !errors.Is(err, bootstrap.ErrTooSoon) {
		t.Errorf("the third time: %v", err)
	}
}

func TestFindGoesOnUntilEnough(t *testing.T) {
	var names []string
	for i := range 9 {
		at := fmt.Sprintf("127.20.32.%d:6346", i+1)
		cacheAt(t, at, hosts(2, 2*i))
		names = append(names, at)
	}
	found, err := finder(t, bootstrap.FinderConfig{UDPCaches: names}).Find(t.Context(), 7)
	if err != nil || len(found) != 12 { // of twice three caches
		t.Errorf("%d hosts, error %v", len(found), err)
	}
}

func TestFindLearnsCaches(t *testing.T) {
	third := cacheAt(t, "127.20.33.3:6346", hosts(1, 3))
	web, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "H|203.0.113.2:6346|60\nC|127.20.33.3:6346|9\n")
	})
	first, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "H|203.0.113.1:6346|60\nU|%s|9\nC|a b:1|9\n", web)
	})
	for _, learn := range []bool{false, true} {
		f := finder(t, bootstrap.FinderConfig{WebCaches: []string{first}, Learn: learn})
		var found []netip.AddrPort
		for range 3 {
			some, _ := f.Find(t.Context(), 100)
			found = append(found, some...)
		}
		want := "[203.0.113.1:6346]"
		if learn {
			want = "[203.0.113.1:6346 203.0.113.2:6346 203.0.113.3:6346]"
		}
		if fmt.Sprint(found) != want {
			t.Errorf("learn %v: found %v, want %s", learn, found, want)
		}
	}
	if n := third.asked.Load(); n != 1 {
		t.Errorf("the cache that was learned was asked %d times", n)
	}
}

func TestFindSaysWhyNobodyNamedAHost(t *testing.T) {
	f := finder(t, bootstrap.FinderConfig{UDPCaches: []string{"127.20.34.254:6346", "nowhere"}})
	_, err := f.Find(t.Context(), 1)
	for _, want := range []string{"127.20.34.254:6346", "connection refused", "nowhere"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if _, err := finder(t, bootstrap.FinderConfig{}).Find(t.Context(), 1); err == nil {
		t.Error("no caches, no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Find(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, cfg := range []bootstrap.FinderConfig{{UDPCaches: []string{"a:1"}}, {WebCaches: []string{"http://a/"}}} {
		if _, err := bootstrap.NewFinder(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestHostsOfIPv6(t *testing.T) {
	six := netip.MustParseAddr("2001:db8::7")
	more := ggep.Host{Addr: addr("[2001:db8::8]:6346")}
	for name, c := range map[string]struct {
		four string
		want []string
	}{
		"both":    {"203.0.113.7:41", []string{"203.0.113.7:41", "[2001:db8::7]:41", "[2001:db8::8]:6346"}},
		"no IPv4": {"127.0.0.0:41", []string{"[2001:db8::7]:41", "[2001:db8::8]:6346"}},
		"no port": {"203.0.113.7:0", []string{"[2001:db8::8]:6346"}},
	} {
		tail, err := ggep.Append(nil, append(ggep.IPP(more), ggep.IPv6(six))...)
		if err != nil {
			t.Fatal(err)
		}
		found, _ := bootstrap.Hosts(&message.Pong{Addr: addr(c.four), Tail: tail})
		var got []string
		for _, h := range found {
			got = append(got, h.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
